/**
 * A book of Aave v3's accounts: what each revision of the pool does, and the figures and accounts of a book. What a worker loads of
 * the protocol; aave-v3.ts has the contracts' functions beside it.
 */
import { instantiate, loadModule } from "#module/aave-v3";
import { Module } from "../abi.js";
import { AccountBook } from "../accounts.js";
import { PlimsollError, show } from "../errors.js";
import { type Field, type Fields, type Line, type Lines, KIND, bool, eachAsset, encode, fixed, knowFields, list, mergeBy, or, uint } from "../protocol.js";

export const module = /* @__PURE__ */ new Module(loadModule, instantiate);

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

const v3_0: Choices = {
  ratesInBps: false, stableDebt: true, exponential: false,
  countsReserves: true, eModeById: true, countsThresholdZero: false, eModeLtvAlone: false, ltvzeroBitmap: false, isolatedCategories: false,
  floorBalances: false, ceilDebts: false, ceilDebtValues: false, projectsNoDebt: false, healthFromSum: false, floorBorrows: false,
  positionCloseFactor: false, dustRule: false, burnsBadDebt: false,
  ceilRepaid: false, directedBonus: false, directedTokens: false, narrowTokens: false,
  accruesBoth: false, borrowsByBalance: false, leftByScaled: false,
};
const v3_1: Choices = { ...v3_0, ratesInBps: true };
const v3_2: Choices = { ...v3_1, stableDebt: false, eModeById: false };
const v3_3: Choices = { ...v3_2, positionCloseFactor: true, dustRule: true, burnsBadDebt: true };
const v3_4: Choices = { ...v3_3, exponential: true, countsReserves: false, narrowTokens: true, accruesBoth: true, borrowsByBalance: true };
const v3_5: Choices = {
  ...v3_4, floorBalances: true, ceilDebts: true, ceilDebtValues: true, projectsNoDebt: true, healthFromSum: true, floorBorrows: true,
  ceilRepaid: true, directedTokens: true,
};
const v3_6: Choices = { ...v3_5, countsThresholdZero: true, eModeLtvAlone: true, ltvzeroBitmap: true };
const v3_7: Choices = { ...v3_6, isolatedCategories: true, directedBonus: true, leftByScaled: true };

/** By POOL_REVISION. */
const REVISIONS: ReadonlyMap<number, readonly [version: string, choices: Choices]> = new Map([
  [1, ["3.0", v3_0]], [4, ["3.1", v3_1]], [5, ["3.2", v3_2]], [6, ["3.2", v3_2]], [7, ["3.3", v3_3]], [8, ["3.4", v3_4]], [9, ["3.5", v3_5]],
  [10, ["3.6", v3_6]], [11, ["3.7", v3_7]],
]);

/** A revision by its number, with the protocol's name: `aave-v3.7`. */
export function revisionOf(options: { readonly revision: number }) {
  knowFields("options", options, { revision: 0 });
  const { revision } = options, known = REVISIONS.get(revision);
  if (!known) throw new PlimsollError("invalid-argument", `revision must be one of ${[...REVISIONS.keys()].join(", ")}, not ${show(revision)}`);
  return { revision, name: `aave-v${known[0]}`, choices: known[1] };
}

export const maskOf = (choices: Choices): bigint =>
  Object.keys(v3_0).reduce((mask, name, i) => mask | (choices[name as keyof Choices] ? 1n << BigInt(i) : 0n), 0n);

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

// ---- The book's accounts and figures

/** An account's place in one reserve. */
export interface AaveV3Position {
  /** The number of the market in the book: the reserve's id, if reserves are added in their order. */
  readonly reserve: number;
  readonly scaledATokenBalance?: bigint;
  readonly scaledVariableDebt?: bigint;
  /** The bits of `userConfig` for the reserve. Without them, a balance is collateral, and a debt is borrowed. */
  readonly usingAsCollateral?: boolean;
  readonly borrowing?: boolean;
}
/** An account: its eMode category (0: none), and the reserves in which it has something. */
export interface AaveV3Account {
  readonly userEModeCategory?: bigint;
  /** `userConfig.data`, which decides what counts where it is given: bit 2·reserve borrowing, bit 2·reserve + 1 collateral. */
  readonly userConfig?: bigint;
  readonly reserves: readonly AaveV3Position[];
}

/** A reserve, in the order of assembly/rules/assets.ts. */
export const marketFields = (has: { readonly eModeById: boolean }) => ({
  decimals: uint(8, ""),
  /** Basis points, of the reserve itself. */
  ltv: or(bps, 0n), liquidationThreshold: bps,
  /** The oracle's, in the pool's base currency. */
  assetPrice: base,
  /** As stored, and the rates at which they grow from `lastUpdateTimestamp` on. */
  liquidityIndex: index, currentLiquidityRate: or(index, 0n), variableBorrowIndex: index, currentVariableBorrowRate: or(index, 0n),
  lastUpdateTimestamp: or(seconds, 0n),
  eModeCategory: has.eModeById ? or(uint(8, ""), 0n) : fixed() as Optional,
  /** 10500: the liquidator gets 5 % more than it repays; of which the fee's share goes to the protocol. */
  liquidationBonus: or(bps, 10000n), liquidationProtocolFee: or(bps, 0n),
});

export const categoryFields = ({ eModeById, ltvzeroBitmap, isolatedCategories }: Choices) => ({
  ltv: bps, liquidationThreshold: bps, liquidationBonus: or(bps, 10000n),
  eModeAssetPrice: eModeById ? or(base, 0n) : fixed() as Optional, collateralBitmap: only(!eModeById, bitmap) as Optional,
  ltvzeroBitmap: ltvzeroBitmap ? or(bitmap, 0n) : fixed() as Optional, isolated: isolatedCategories ? or(bool, false) : fixed() as unknown as Optional<boolean>,
});

const amount = or(uint(128, "scaled units"), 0n), flag = or(bool, false);
const position = { scaledATokenBalance: amount, scaledVariableDebt: amount, usingAsCollateral: flag, borrowing: flag };

function readAccount(what: string, account: AaveV3Account, markets: number): Lines {
  const lines: Line[] = [];
  knowFields(what, account, { userEModeCategory: 0, userConfig: 0, reserves: 0 });
  const { userConfig, userEModeCategory = 0n } = account, category = encode(`${what}: userEModeCategory`, uint(8, ""), userEModeCategory);
  let bits = userConfig === undefined ? 0n : encode(`${what}: userConfig`, uint(256, ""), userConfig);
  if (bits >> BigInt(2 * markets)) throw new PlimsollError("unknown-market", `${what}: userConfig names a reserve that this book has not: it has ${markets}`);
  const add = (asset: number, supply: bigint, debt: bigint, isCollateral: boolean, isBorrowed: boolean) => {
    if (supply || isCollateral) lines.push({ asset, kind: isCollateral ? KIND.held : KIND.idle, amounts: [supply] });
    if (debt || isBorrowed) lines.push({ asset, kind: isBorrowed ? KIND.owed : KIND.idleDebt, amounts: [debt] });
    bits &= ~(3n << BigInt(2 * asset));
  };
  eachAsset(`${what}: reserves`, account.reserves, "reserve", position, markets, (asset, value, where, given) => {
    const supply = value("scaledATokenBalance"), debt = value("scaledVariableDebt"), of = (bit: number) => (bits >> BigInt(2 * asset + bit) & 1n) === 1n;
    const isCollateral = userConfig === undefined ? given.usingAsCollateral ?? supply > 0n : of(1);
    const isBorrowed = userConfig === undefined ? given.borrowing ?? debt > 0n : of(0);
    if (!supply && !debt && !isCollateral && !isBorrowed) throw new PlimsollError("invalid-argument", `${where} has neither scaledATokenBalance nor scaledVariableDebt`);
    add(asset, supply, debt, isCollateral, isBorrowed);
  });
  for (let asset = 0; bits; ++asset) add(asset, 0n, 0n, (bits >> BigInt(2 * asset + 1) & 1n) === 1n, (bits >> BigInt(2 * asset) & 1n) === 1n);
  return { category: Number(category), lines: lines.sort((a, b) => a.asset - b.asset || (a.kind & 1) - (b.kind & 1)) };
}

/** Flags are told where they are not what the amounts say. */
function writeAccount({ category, lines }: Lines): AaveV3Account {
  const reserves = lines.map(({ asset, kind, amounts: [amount] }): AaveV3Position => {
    const counts = kind < KIND.idle, expected = amount! > 0n;
    if (kind & 1) return { reserve: asset, scaledVariableDebt: amount!, ...(counts === expected ? {} : { borrowing: counts }) };
    return { reserve: asset, scaledATokenBalance: amount!, ...(counts === expected ? {} : { usingAsCollateral: counts }) };
  });
  return { userEModeCategory: BigInt(category), reserves: reserves.reduce<AaveV3Position[]>((merged, one) => mergeBy("reserve", merged, [one]), []) };
}

const isThere = ({ scaledATokenBalance, scaledVariableDebt, usingAsCollateral, borrowing }: AaveV3Position) =>
  !!scaledATokenBalance || !!scaledVariableDebt || !!usingAsCollateral || !!borrowing;

/** What a book is opened with. */
export function bookOf(revision: number, name: string, choices: Choices) {
  const liquidation = liquidationOutputs(choices);
  return {
    revision, name, module, kind: { Book: AccountBook }, rule: choices.healthFromSum ? 2 : 1, choices: Number(maskOf(choices)), reasons: choices.narrowTokens ? ERRORS : CODES,
    orders: ["profit"], liquidation, market: marketFields(choices), system: {}, price: "assetPrice", category: categoryFields(choices), vault: { totalCollateralBase: base },
    account: {
      fields: ["userEModeCategory", "userConfig", "reserves"], list: "reserves", name: "reserve", entry: position, isThere,
      read: readAccount, write: writeAccount,
    },
    calls: {
      accountData: { name: "aave_accountData", first: 7, inputs: {}, outputs: accountOutputs },
      liquidationCall: {
        name: "aave_liquidationCall", first: 7, inputs: liquidationTerms, outputs: liquidation, assets: ["collateralReserveId", "debtReserveId"],
      },
    },
  };
}
