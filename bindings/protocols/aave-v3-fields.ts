/** Aave v3's revisions of the pool, by what each does, and the fields that follow from it: of a book, and of the contracts' functions. */
import { PlimsollError, show } from "../errors.js";
import { type Field, type Fields, bool, fixed, knowFields, list, uint } from "../protocol.js";

// ---- The revisions

/** What a revision does: each is one bit for assembly/rules/aave.ts, in this order, or decides what fields there are. */
export interface Choices {
  /** Rates come from the strategy V2: parameters in bps, virtual liquidity. */
  readonly ratesInBps: boolean;
  /** There is debt at a stable rate. */
  readonly stableDebt: boolean;
  /** Interest compounds by three terms of e^x; before, of the binomial series. */
  readonly exponential: boolean;
  /** Loops over reserves end at `reservesCount`. */
  readonly countsReserves: boolean;
  /** A reserve has one eMode category, with a price source perhaps; later, a category holds any reserves, in a bitmap. */
  readonly eModeById: boolean;
  /** Collateral counts even with a liquidation threshold of 0 of its own. */
  readonly countsThresholdZero: boolean;
  /** In eMode, the category's LTV counts even where the reserve's own is 0. */
  readonly eModeLtvAlone: boolean;
  /** A category holds some collateral at an LTV of 0. */
  readonly ltvzeroBitmap: boolean;
  /** A category may give an LTV of 0 to what it does not hold. */
  readonly isolatedCategories: boolean;
  /** Rounding, half up where it is not so: balances down, debts up, their values up. (Values of collateral, and of debts before, go down.) */
  readonly floorBalances: boolean;
  readonly ceilDebts: boolean;
  readonly ceilDebtValues: boolean;
  /** A debt of 0 still asks for its index, which may revert. */
  readonly projectsNoDebt: boolean;
  /** Health is of Σ value·threshold; before, of the average threshold in whole bps. */
  readonly healthFromSum: boolean;
  /** What may still be borrowed is rounded down. */
  readonly floorBorrows: boolean;
  /** The close factor is 50 % of the whole position's debt, and only where both sides are worth 2,000; before, of the reserve's debt. */
  readonly positionCloseFactor: boolean;
  /** What stays of debt and collateral is worth 1,000 each, or nothing. */
  readonly dustRule: boolean;
  /** Debt without collateral becomes the reserves' deficit. */
  readonly burnsBadDebt: boolean;
  /** Rounding: what must be repaid for all of a collateral up; the bonus down and the fee up; scaled collateral up and scaled debt down. */
  readonly ceilRepaid: boolean;
  readonly directedBonus: boolean;
  readonly directedTokens: boolean;
  /** Scaled balances are uint120; before, uint128. */
  readonly narrowTokens: boolean;
  /** A liquidation accrues both reserves before it looks; before, that of the debt. */
  readonly accruesBoth: boolean;
  /** The borrowing bit goes with the last scaled unit of debt; before, when all that is owed is repaid. */
  readonly borrowsByBalance: boolean;
  /** No collateral is left when scaled units say so; before, when values do. */
  readonly leftByScaled: boolean;
}

/** From which POOL_REVISION on each is so; negative, from which on no more. In the order of the bits. */
const SINCE: { readonly [choice in keyof Choices]: number } = {
  ratesInBps: 4, stableDebt: -5, exponential: 8,
  countsReserves: -8, eModeById: -5, countsThresholdZero: 10, eModeLtvAlone: 10, ltvzeroBitmap: 10, isolatedCategories: 11,
  floorBalances: 9, ceilDebts: 9, ceilDebtValues: 9, projectsNoDebt: 9, healthFromSum: 9, floorBorrows: 9,
  positionCloseFactor: 7, dustRule: 7, burnsBadDebt: 7,
  ceilRepaid: 9, directedBonus: 11, directedTokens: 9, narrowTokens: 8,
  accruesBoth: 8, borrowsByBalance: 8, leftByScaled: 11,
};

/** By POOL_REVISION. */
const VERSIONS: ReadonlyMap<number, string> = new Map([
  [1, "3.0"], [4, "3.1"], [5, "3.2"], [6, "3.2"], [7, "3.3"], [8, "3.4"], [9, "3.5"], [10, "3.6"], [11, "3.7"],
]);

/** A revision by its number, with the protocol's name: `aave-v3.7`. */
export function revisionOf(options: { readonly revision: number }) {
  knowFields("options", options, { revision: 0 });
  const { revision } = options, version = VERSIONS.get(revision);
  if (!version) throw new PlimsollError("invalid-argument", `revision must be one of ${[...VERSIONS.keys()].join(", ")}, not ${show(revision)}`);
  const choices = Object.fromEntries(Object.entries(SINCE).map(([name, since]) => [name, since < 0 ? revision < -since : revision >= since])) as unknown as Choices;
  return { revision, name: `aave-v${version}`, choices };
}

export const maskOf = (choices: Choices): bigint => Object.values(choices).reduce((mask, does, i) => mask | BigInt(does) << BigInt(i), 0n);

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
export function liquidationOutputs({ burnsBadDebt, narrowTokens }: Choices) {
  const scaled = uint(narrowTokens ? 120 : 128, "scaled units");
  return {
    healthFactor: uint(256, "wad"), actualDebtToLiquidate: units, actualCollateralToLiquidate: units, liquidationProtocolFeeAmount: units,
    userConfigAfter: uint(256, ""), scaledATokenBalanceAfter: scaled, scaledVariableDebtAfter: scaled, treasuryScaledATokenReceived: scaled,
    ...gives(burnsBadDebt, { deficits: list(128, { id, amount: units }) }),
  };
}
export const liquidationTerms = { collateralReserveId: id, debtReserveId: id, debtToCover: units };
