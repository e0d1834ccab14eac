/** Aave v3's revisions of the pool, by what each does, and the fields that follow from it: of a book, and of the contracts' functions. */
import { PlimsollError, show } from "../errors.js";
import { type Field, type Fields, bool, fixed, knowFields, list, uint } from "../protocol.js";

// ---- The revisions

/** What a revision of the pool does is told by since which POOL_REVISION it does so; negative: since which no more. */
export const does = (revision: number, since: number): boolean => (since < 0 ? revision < -since : revision >= since);

/** Rates come from the strategy V2: parameters in bps, virtual liquidity. */
export const ratesInBps = 4;
/** There is debt at a stable rate. */
export const stableDebt = -5;
/** Interest compounds by three terms of e^x; before, of the binomial series. */
export const exponential = 8;
/** Loops over reserves end at `reservesCount`. */
export const countsReserves = -8;
/** A reserve has one eMode category, with a price source perhaps; later, a category holds any reserves, in a bitmap. */
export const eModeById = -5;
/** Collateral counts even with a liquidation threshold of 0 of its own. */
export const countsThresholdZero = 10;
/** In eMode, the category's LTV counts even where the reserve's own is 0. */
export const eModeLtvAlone = 10;
/** A category holds some collateral at an LTV of 0. */
export const ltvzeroBitmap = 10;
/** A category may give an LTV of 0 to what it does not hold. */
export const isolatedCategories = 11;
/** Rounding, half up where it is not so: balances down, debts up, their values up. (Values of collateral, and of debts before, go down.) */
export const floorBalances = 9;
export const ceilDebts = 9;
export const ceilDebtValues = 9;
/** A debt of 0 still asks for its index, which may revert. */
export const projectsNoDebt = 9;
/** Health is of Σ value·threshold; before, of the average threshold in whole bps. */
export const healthFromSum = 9;
/** What may still be borrowed is rounded down. */
export const floorBorrows = 9;
/** The close factor is 50 % of the whole position's debt, and only where both sides are worth 2,000; before, of the reserve's debt. */
export const positionCloseFactor = 7;
/** What stays of debt and collateral is worth 1,000 each, or nothing. */
export const dustRule = 7;
/** Debt without collateral becomes the reserves' deficit. */
export const burnsBadDebt = 7;
/** Rounding: what must be repaid for all of a collateral up; the bonus down and the fee up; scaled collateral up and scaled debt down. */
export const ceilRepaid = 9;
export const directedBonus = 11;
export const directedTokens = 9;
/** Scaled balances are uint120; before, uint128. */
export const narrowTokens = 8;
/** A liquidation accrues both reserves before it looks; before, that of the debt. */
export const accruesBoth = 8;
/** The borrowing bit goes with the last scaled unit of debt; before, when all that is owed is repaid. */
export const borrowsByBalance = 8;
/** No collateral is left when scaled units say so; before, when values do. */
export const leftByScaled = 11;

/** The same as bits for assembly/rules/aave.ts. */
const CHOICES = [
  ratesInBps, stableDebt, exponential, countsReserves, eModeById, countsThresholdZero, eModeLtvAlone, ltvzeroBitmap, isolatedCategories, floorBalances,
  ceilDebts, ceilDebtValues, projectsNoDebt, healthFromSum, floorBorrows, positionCloseFactor, dustRule, burnsBadDebt, ceilRepaid, directedBonus,
  directedTokens, narrowTokens, accruesBoth, borrowsByBalance, leftByScaled,
];
export const choicesOf = (revision: number): number => CHOICES.reduce((mask, since, bit) => mask | Number(does(revision, since)) << bit, 0);

/** By POOL_REVISION. */
const VERSIONS: ReadonlyMap<number, string> = new Map([
  [1, "3.0"], [4, "3.1"], [5, "3.2"], [6, "3.2"], [7, "3.3"], [8, "3.4"], [9, "3.5"], [10, "3.6"], [11, "3.7"],
]);

/** A revision by its number, with the protocol's name: `aave-v3.7`. */
export function revisionOf(options: { readonly revision: number }) {
  knowFields("options", options, { revision: 0 });
  const { revision } = options, version = VERSIONS.get(revision);
  if (!version) throw new PlimsollError("invalid-argument", `revision must be one of ${[...VERSIONS.keys()].join(", ")}, not ${show(revision)}`);
  return { revision, name: `aave-v${version}` };
}

/** Why the contracts revert, as assembly/rules/aave.ts numbers it. */
const PANICS = ["", "Panic(0x11)", "Panic(0x12)", "empty revert data"];
export const CODES = [
  ...PANICS, "45 HEALTH_FACTOR_NOT_BELOW_THRESHOLD", "46 COLLATERAL_CANNOT_BE_LIQUIDATED", "47 SPECIFIED_CURRENCY_NOT_BORROWED_BY_USER",
  "103 MUST_NOT_LEAVE_DUST", "25 INVALID_BURN_AMOUNT", "74 INVALID_RESERVE_INDEX", "SafeCast: value doesn't fit in 128 bits",
];
export const ERRORS = [
  ...PANICS, "HealthFactorNotBelowThreshold()", "CollateralCannotBeLiquidated()", "SpecifiedCurrencyNotBorrowedByUser()",
  "MustNotLeaveDust()", "InvalidBurnAmount()", "", "SafeCastOverflowedUintDowncast(uint8,uint256)",
];

// ---- The fields

// `id` is a place in the pool's list of reserves, of which `userConfig` has room for 128.
export const units = uint(256, "units"), index = uint(128, "ray"), rate = uint(256, "ray"), bps = uint(16, "bps"), base = uint(256, "base"),
  seconds = uint(40, "s"), id = uint(7, ""), bitmap = uint(128, "");

export type Optional<T = bigint> = Field<T> & { readonly default: T };
/** A field that only some revisions have: needed there, and unknown to the others. */
export const only = <T>(has: boolean, field: Field<T>) => (has ? field : fixed()) as Optional<T>;

/** The results that only some revisions give. */
export const gives = <const F extends Fields>(has: boolean, fields: F): Partial<F> => (has ? fields : {});

export const accountOutputs = {
  totalCollateralBase: base, totalDebtBase: base, availableBorrowsBase: base, avgLtv: bps, avgLiquidationThreshold: bps,
  healthFactor: uint(256, "wad"), hasZeroLtvCollateral: bool,
};
export function liquidationOutputs(revision: number) {
  const scaled = uint(does(revision, narrowTokens) ? 120 : 128, "scaled units");
  return {
    healthFactor: uint(256, "wad"), actualDebtToLiquidate: units, actualCollateralToLiquidate: units, liquidationProtocolFeeAmount: units,
    userConfigAfter: uint(256, ""), scaledATokenBalanceAfter: scaled, scaledVariableDebtAfter: scaled, treasuryScaledATokenReceived: scaled,
    ...gives(does(revision, burnsBadDebt), { deficits: list(128, { id, amount: units }) }),
  };
}
export const liquidationTerms = { collateralReserveId: id, debtReserveId: id, debtToCover: units };
