/**
 * What a what-if asks of one vault, in the words that all families share: amounts and times between FIRST and LAST, each of which the
 * family's rule judges (`tryAt`), and of intervals of which it says whether one of them may do (`mayHold`).
 */

/** What is asked: when accrual alone makes the vault unsafe; how much the contract lets be taken; how little must be given. */
export namespace Question { export const TIME = 0, BORROW = 1, WITHDRAW = 2, REPAY = 3, COLLATERAL = 4; }
/** Whether the most is wanted: it is searched downwards. */
// @ts-ignore: decorator
@inline export function isMost(question: i32): bool { return question == Question.BORROW || question == Question.WITHDRAW; }

/**
 * What a rule says, in the order in which it does along a search: not yet, yes, and no more. Roundings may mix the first two where they
 * meet; what comes after the last is the same.
 */
export namespace Verdict { export const NO = 0, YES = 1, BEYOND = 2; }

/** The range, and what is to be reached: a health, or a ratio, wad. */
export const FIRST: usize = memory.data(32, 16), LAST: usize = memory.data(32, 16), TARGET: usize = memory.data(32, 16);
export let byRatio: bool = false;
export function aim(ratio: bool): void { byRatio = ratio; }

/** An amount that no call takes more of: the largest int256. */
export function endless(): void {
  memory.fill(LAST, 0xff, 32);
  store<u8>(LAST, 0x7f, 31);
}
