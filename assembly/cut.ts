/**
 * Whose positions a book holds. A module that is compiled with `ONLY=n` has the code of one protocol: what is asked here is a
 * constant there.
 */

/** The numbers of bindings/protocols; Aave's are two, by what its revision makes of thresholds. */
namespace Rule {
  export const ILK = 0, AAVE_AVERAGE = 1, AAVE_SUM = 2, COMPOUND = 3, COMET = 4, MORPHO = 5, LIQUITY = 6, LIQUITY_V2 = 7;
}

let rule: i32 = 0;
export function follow(which: i32): void { rule = which; }

/** Whether the book holds accounts, with many lines each. */
// @ts-ignore: decorator
@inline export function onShelves(): bool { return isDefined(ONLY) ? ONLY >= Rule.AAVE_AVERAGE && ONLY <= Rule.COMET : rule >= Rule.AAVE_AVERAGE && rule <= Rule.COMET; }
/** Whether it holds positions: vaults other than Maker's. */
// @ts-ignore: decorator
@inline export function positions(): bool { return isDefined(ONLY) ? ONLY >= Rule.MORPHO : rule >= Rule.MORPHO; }
// @ts-ignore: decorator
@inline export function ofAave(): bool { return isDefined(ONLY) ? ONLY <= Rule.AAVE_SUM : rule <= Rule.AAVE_SUM; }
/** Whether a threshold is an average, cut to whole basis points. */
// @ts-ignore: decorator
@inline export function byAverage(): bool { return isDefined(ONLY) && ONLY > Rule.AAVE_SUM ? false : rule == Rule.AAVE_AVERAGE; }
// @ts-ignore: decorator
@inline export function ofCompound(): bool { return isDefined(ONLY) ? ONLY == Rule.COMPOUND : rule == Rule.COMPOUND; }
// @ts-ignore: decorator
@inline export function ofComet(): bool { return isDefined(ONLY) ? ONLY == Rule.COMET : rule == Rule.COMET; }
// @ts-ignore: decorator
@inline export function ofMorpho(): bool { return isDefined(ONLY) ? ONLY == Rule.MORPHO : rule == Rule.MORPHO; }
// @ts-ignore: decorator
@inline export function ofLiquity(): bool { return isDefined(ONLY) ? ONLY == Rule.LIQUITY : rule == Rule.LIQUITY; }
// @ts-ignore: decorator
@inline export function ofLiquityV2(): bool { return isDefined(ONLY) ? ONLY == Rule.LIQUITY_V2 : rule == Rule.LIQUITY_V2; }
