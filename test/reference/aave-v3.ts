/**
 * Aave v3 in BigInt: slow, obvious, and independent of `assembly/`. The second opinion of the property tests.
 *
 * Contracts: aave/aave-v3-core@782f5191 (3.0) and aave-dao/aave-v3-origin, tags v3.1.0 to v3.6.0 and fd1fbd91 (3.7):
 * `GenericLogic`, `ReserveLogic`, `LiquidationLogic` with `ValidationLogic`, `AToken`, `VariableDebtToken`, `MathUtils`,
 * `WadRayMath`, `PercentageMath`, `TokenMath`, `DefaultReserveInterestRateStrategy` and its V2. Each function takes the pool's
 * POOL_REVISION and the fields of its golden vectors, and gives the vectors' result: all are pure, and none throws where the
 * contract reverts.
 *
 * Inputs are taken to be within the contract's own types. What a liquidation does to the rest of a reserve (rates, treasury,
 * liquidity) is taken to succeed, and every reserve to have debt in total.
 *
 * Units: wad = 1e18, ray = 1e27, bps = 1e4. `/` floors.
 */

import { type Fields, type Reverts, add, div, mul, outcome, requires, sub, uint } from "./solidity.js";

const WAD = 10n ** 18n;
const RAY = 10n ** 27n;
const PERCENT = 10n ** 4n;
const YEAR = 365n * 86400n;
const UINT_MAX = 2n ** 256n - 1n;

/** POOL_REVISION of the releases after 3.0; 3.2.1 is 6. */
const V3_1 = 4;
const V3_2 = 5;
const V3_3 = 7;
const V3_4 = 8;
const V3_5 = 9;
const V3_6 = 10;
const V3_7 = 11;

// ---------------------------------------------------------------------------------------------------------------------
// Reverts
// ---------------------------------------------------------------------------------------------------------------------

/** What the libraries' assembly reverts with. */
const EMPTY = "empty revert data";

/** Reasons with a number up to 3.3, errors from 3.4 on. */
const REASONS = {
  healthy: ["45 HEALTH_FACTOR_NOT_BELOW_THRESHOLD", "HealthFactorNotBelowThreshold()"],
  notCollateral: ["46 COLLATERAL_CANNOT_BE_LIQUIDATED", "CollateralCannotBeLiquidated()"],
  notBorrowed: ["47 SPECIFIED_CURRENCY_NOT_BORROWED_BY_USER", "SpecifiedCurrencyNotBorrowedByUser()"],
  dust: ["103 MUST_NOT_LEAVE_DUST", "MustNotLeaveDust()"],
  burnsNothing: ["25 INVALID_BURN_AMOUNT", "InvalidBurnAmount()"],
  tooManyReserves: ["74 INVALID_RESERVE_INDEX", ""],
  cast: ["SafeCast: value doesn't fit in 128 bits", "SafeCastOverflowedUintDowncast(uint8,uint256)"],
} as const;

/** Makes a function of one that throws a `Revert` where the contract reverts. The vectors name a panic by its code alone. */
const answers = <I, O extends object>(fn: (revision: number, input: I) => O) => (revision: number, input: I): O | Reverts => {
  const answer = outcome(() => fn(revision, input));
  return "reason" in answer ? { reverts: true, reason: (answer.reason as string).replace(/^(Panic\(0x\w+\)) .*/, "$1") } : answer;
};

function requireOf(revision: number, condition: boolean, reason: keyof typeof REASONS): void {
  requires(condition, REASONS[reason][revision >= V3_4 ? 1 : 0]);
}

// ---------------------------------------------------------------------------------------------------------------------
// Arithmetic
// ---------------------------------------------------------------------------------------------------------------------

const min = (x: bigint, y: bigint) => (x <= y ? x : y);

/** The libraries' a·b/c: without data where c is 0 or what is divided exceeds 256 bits. */
function mulDivHalfUp(a: bigint, b: bigint, c: bigint): bigint {
  requires(c !== 0n && a * b + c / 2n <= UINT_MAX, EMPTY);
  return (a * b + c / 2n) / c;
}
function mulDivFloor(a: bigint, b: bigint, c: bigint): bigint {
  requires(c !== 0n && a * b <= UINT_MAX, EMPTY);
  return (a * b) / c;
}
function mulDivCeil(a: bigint, b: bigint, c: bigint): bigint {
  const floor = mulDivFloor(a, b, c);
  return (a * b) % c === 0n ? floor : floor + 1n;
}

const wadMul = (a: bigint, b: bigint) => mulDivHalfUp(a, b, WAD);
const wadDiv = (a: bigint, b: bigint) => mulDivHalfUp(a, WAD, b);
const rayMul = (a: bigint, b: bigint) => mulDivHalfUp(a, b, RAY);
const rayDiv = (a: bigint, b: bigint) => mulDivHalfUp(a, RAY, b);
const percentMul = (a: bigint, b: bigint) => mulDivHalfUp(a, b, PERCENT);
const percentDiv = (a: bigint, b: bigint) => mulDivHalfUp(a, PERCENT, b);
const rayMulFloor = (a: bigint, b: bigint) => mulDivFloor(a, b, RAY);
const rayMulCeil = (a: bigint, b: bigint) => mulDivCeil(a, b, RAY);
const rayDivFloor = (a: bigint, b: bigint) => mulDivFloor(a, RAY, b);
const rayDivCeil = (a: bigint, b: bigint) => mulDivCeil(a, RAY, b);
const percentMulFloor = (a: bigint, b: bigint) => mulDivFloor(a, b, PERCENT);
const percentMulCeil = (a: bigint, b: bigint) => mulDivCeil(a, b, PERCENT);
const percentDivFloor = (a: bigint, b: bigint) => mulDivFloor(a, PERCENT, b);
const percentDivCeil = (a: bigint, b: bigint) => mulDivCeil(a, PERCENT, b);
/** Rounds half up by the remainder, and cannot overflow. */
const rayToWad = (a: bigint) => a / 10n ** 9n + (a % 10n ** 9n >= 5n * 10n ** 8n ? 1n : 0n);
const wadToRay = (a: bigint) => mulDivFloor(a, 10n ** 9n, 1n);

const OPS: Readonly<Record<string, (a: bigint, b: bigint, c: bigint) => bigint>> = {
  wadMul, wadDiv, rayMul, rayDiv, percentMul, percentDiv, rayToWad, wadToRay,
  rayMulFloor, rayMulCeil, rayDivFloor, rayDivCeil, percentMulFloor, percentMulCeil, percentDivFloor, percentDivCeil, mulDivCeil,
  getATokenMintScaledAmount: rayDivFloor, getATokenBurnScaledAmount: rayDivCeil, getATokenTransferScaledAmount: rayDivCeil,
  getATokenBalance: rayMulFloor,
  getVTokenMintScaledAmount: rayDivCeil, getVTokenBurnScaledAmount: rayDivFloor, getVTokenBalance: rayMulCeil,
};

export type MathInput = { readonly op: string; readonly a: bigint; readonly b?: bigint; readonly c?: bigint };

/** The libraries' functions; the same wherever a revision has them. */
export const math = answers((_, { op, a, b = 0n, c = 0n }: MathInput) => ({ result: OPS[op]!(a, b, c) }));

// ---------------------------------------------------------------------------------------------------------------------
// Indexes
// ---------------------------------------------------------------------------------------------------------------------

/** MathUtils.calculateLinearInterest; ray. */
function linear(rate: bigint, last: bigint, now: bigint): bigint {
  return add(RAY, mul(rate, sub(now, last)) / YEAR);
}

/** MathUtils.calculateCompoundedInterest; ray. Three terms of the binomial series, and from 3.4 on of e^x. */
function compounded(revision: number, rate: bigint, last: bigint, now: bigint): bigint {
  const exp = sub(now, last);
  if (exp === 0n) return RAY;

  if (revision >= V3_4) {
    const x = BigInt.asUintN(256, rate * exp) / YEAR; // unchecked
    return BigInt.asUintN(256, RAY + x + rayMul(x, x / 2n + rayMul(x, x / 6n)));
  }

  const squared = rayMul(rate, rate) / (YEAR * YEAR);
  const cubed = rayMul(squared, rate) / YEAR;
  const pairs = mul(exp, exp - 1n);
  const second = mul(pairs, squared) / 2n;
  const third = mul(mul(pairs, exp > 2n ? exp - 2n : 0n), cubed) / 6n;
  return add(add(add(RAY, mul(rate, exp) / YEAR), second), third);
}

type IncomeState = Fields<"liquidityIndex" | "currentLiquidityRate" | "lastUpdateTimestamp">;
type DebtState = Fields<"variableBorrowIndex" | "currentVariableBorrowRate" | "lastUpdateTimestamp">;

function incomeOf({ liquidityIndex, currentLiquidityRate, lastUpdateTimestamp }: IncomeState, now: bigint): bigint {
  if (now === lastUpdateTimestamp) return liquidityIndex;
  return rayMul(linear(currentLiquidityRate, lastUpdateTimestamp, now), liquidityIndex);
}

function debtIndexOf(revision: number, { variableBorrowIndex, currentVariableBorrowRate, lastUpdateTimestamp }: DebtState, now: bigint): bigint {
  if (now === lastUpdateTimestamp) return variableBorrowIndex;
  return rayMul(compounded(revision, currentVariableBorrowRate, lastUpdateTimestamp, now), variableBorrowIndex);
}

export type IncomeInput = IncomeState & Fields<"blockTimestamp">;

/** ReserveLogic.getNormalizedIncome, and the interest alone; ray. */
export const normalizedIncome = answers((_, input: IncomeInput) => ({
  normalizedIncome: incomeOf(input, input.blockTimestamp),
  linearInterest: linear(input.currentLiquidityRate, input.lastUpdateTimestamp, input.blockTimestamp),
}));

export type DebtInput = DebtState & Fields<"blockTimestamp">;

/** ReserveLogic.getNormalizedDebt, and the interest alone; ray. */
export const normalizedDebt = answers((revision, input: DebtInput) => ({
  normalizedDebt: debtIndexOf(revision, input, input.blockTimestamp),
  compoundedInterest: compounded(revision, input.currentVariableBorrowRate, input.lastUpdateTimestamp, input.blockTimestamp),
}));

// ---------------------------------------------------------------------------------------------------------------------
// Rates
// ---------------------------------------------------------------------------------------------------------------------

type Strategy = Fields<"optimalUsageRatio" | "baseVariableBorrowRate" | "variableRateSlope1" | "variableRateSlope2">;
type Flows = Fields<"unbacked" | "liquidityAdded" | "liquidityTaken" | "reserveFactor">;
type StableDebt = Fields<"totalStableDebt" | "totalVariableDebt" | "averageStableBorrowRate">;

export type InterestRateInput = Strategy & Flows & Partial<StableDebt> & Partial<Fields<
  | "stableRateSlope1" | "stableRateSlope2" | "baseStableRateOffset" | "stableRateExcessOffset" | "optimalStableToTotalDebtRatio" // 3.0
  | "availableLiquidity" // 3.0
  | "virtualUnderlyingBalance" // 3.1 on
  | "totalDebt" // 3.2 on
>>;
export type InterestRateOutput = Fields<"liquidityRate" | "variableBorrowRate"> & Partial<Fields<"stableBorrowRate">>;

/** By how much a rate with these slopes exceeds its base, at a usage and its excess over the optimum. */
function slope(usage: bigint, optimal: bigint, slope1: bigint, slope2: bigint): bigint {
  if (usage <= optimal) return rayDiv(rayMul(slope1, usage), optimal);
  return add(slope1, rayMul(slope2, rayDiv(sub(usage, optimal), sub(RAY, optimal))));
}

/** What borrowers pay on average, by how much each kind of debt there is. */
function overallRate({ totalStableDebt, totalVariableDebt, averageStableBorrowRate }: StableDebt, variableRate: bigint): bigint {
  const total = add(totalStableDebt, totalVariableDebt);
  if (total === 0n) return 0n;
  const variable = rayMul(wadToRay(totalVariableDebt), variableRate);
  const stable = rayMul(wadToRay(totalStableDebt), averageStableBorrowRate);
  return rayDiv(add(variable, stable), wadToRay(total));
}

function usages(debt: bigint, liquidity: bigint, { unbacked, liquidityAdded, liquidityTaken }: Flows): { borrow: bigint; supply: bigint } {
  const all = add(sub(add(liquidity, liquidityAdded), liquidityTaken), debt);
  return { borrow: rayDiv(debt, all), supply: rayDiv(debt, add(all, unbacked)) };
}

const supplied = (rate: bigint, usage: bigint, reserveFactor: bigint) => percentMul(rayMul(rate, usage), sub(PERCENT, reserveFactor));

/** DefaultReserveInterestRateStrategy.calculateInterestRates: parameters and rates in ray. */
function interestRate30(input: InterestRateInput): InterestRateOutput {
  const {
    optimalUsageRatio, baseVariableBorrowRate, variableRateSlope1, variableRateSlope2, reserveFactor,
    stableRateSlope1, stableRateSlope2, baseStableRateOffset, stableRateExcessOffset, optimalStableToTotalDebtRatio,
    availableLiquidity, totalStableDebt, totalVariableDebt,
  } = input as Required<InterestRateInput>;

  const totalDebt = add(totalStableDebt, totalVariableDebt);
  let stableRate = add(variableRateSlope1, baseStableRateOffset);
  let stableRatio = 0n;
  let usage = { borrow: 0n, supply: 0n };
  if (totalDebt !== 0n) {
    stableRatio = rayDiv(totalStableDebt, totalDebt);
    usage = usages(totalDebt, availableLiquidity, input);
  }

  stableRate = add(stableRate, slope(usage.borrow, optimalUsageRatio, stableRateSlope1, stableRateSlope2));
  const variableRate = add(baseVariableBorrowRate, slope(usage.borrow, optimalUsageRatio, variableRateSlope1, variableRateSlope2));
  if (stableRatio > optimalStableToTotalDebtRatio) {
    const excess = rayDiv(stableRatio - optimalStableToTotalDebtRatio, sub(RAY, optimalStableToTotalDebtRatio));
    stableRate = add(stableRate, rayMul(stableRateExcessOffset, excess));
  }

  const rate = overallRate(input as Required<InterestRateInput>, variableRate);
  return { liquidityRate: supplied(rate, usage.supply, reserveFactor), stableBorrowRate: stableRate, variableBorrowRate: variableRate };
}

/** DefaultReserveInterestRateStrategyV2.calculateInterestRates of a reserve with virtual accounting: parameters in bps. */
function interestRateV2(revision: number, input: InterestRateInput): InterestRateOutput {
  const { totalStableDebt, totalVariableDebt, totalDebt, virtualUnderlyingBalance } = input as Required<InterestRateInput>;
  const ofBps = (x: bigint) => x * 10n ** 23n;
  const [optimal, base] = [ofBps(input.optimalUsageRatio), ofBps(input.baseVariableBorrowRate)];
  const [slope1, slope2] = [ofBps(input.variableRateSlope1), ofBps(input.variableRateSlope2)];
  const stable = revision < V3_2 ? { stableBorrowRate: 0n } : {};

  const debt = revision < V3_2 ? add(totalStableDebt, totalVariableDebt) : totalDebt;
  if (debt === 0n) return { liquidityRate: 0n, ...stable, variableBorrowRate: base };

  const usage = usages(debt, virtualUnderlyingBalance, input);
  const variableRate = add(base, slope(usage.borrow, optimal, slope1, slope2));
  const rate = revision < V3_2 ? overallRate(input as Required<InterestRateInput>, variableRate) : variableRate;
  return { liquidityRate: supplied(rate, usage.supply, input.reserveFactor), ...stable, variableBorrowRate: variableRate };
}

/** The rates of a reserve after a change of its liquidity; ray a year. */
export const interestRate = answers((revision, input: InterestRateInput) =>
  revision < V3_1 ? interestRate30(input) : interestRateV2(revision, input));

// ---------------------------------------------------------------------------------------------------------------------
// Accounts
// ---------------------------------------------------------------------------------------------------------------------

/** Of `userConfig`, `usingAsCollateral` and `borrowing` say nothing new. */
export type Reserve = IncomeState & DebtState & Fields<
  "id" | "decimals" | "ltv" | "liquidationThreshold" | "assetPrice" | "scaledATokenBalance" | "scaledVariableDebt"
> & { readonly usingAsCollateral?: boolean; readonly borrowing?: boolean } & Partial<Fields<
  "stableDebt" | "eModeCategory" | "liquidationBonus" | "liquidationProtocolFee"
>>;

export type EModeCategory = Fields<"id" | "ltv" | "liquidationThreshold"> & Partial<Fields<
  | "eModeAssetPrice" // to 3.1: of the category's price source, 0 without one
  | "collateralBitmap" // 3.2 on
  | "ltvzeroBitmap" // 3.6 on
  | "liquidationBonus"
>> & { readonly isolated?: boolean }; // 3.7

export type AccountInput = Fields<"blockTimestamp" | "userEModeCategory" | "userConfig"> & Partial<Fields<"reservesCount">> & {
  readonly eModeCategories: readonly EModeCategory[];
  readonly reserves: readonly Reserve[];
};

export type AccountOutput = Fields<
  "totalCollateralBase" | "totalDebtBase" | "availableBorrowsBase" | "avgLtv" | "avgLiquidationThreshold" | "healthFactor"
> & { readonly hasZeroLtvCollateral: boolean };

const isBorrowing = (userConfig: bigint, id: bigint) => ((userConfig >> (2n * id)) & 1n) === 1n;
const isCollateral = (userConfig: bigint, id: bigint) => ((userConfig >> (2n * id + 1n)) & 1n) === 1n;
const inBitmap = (bitmap: bigint, id: bigint) => ((bitmap >> id) & 1n) === 1n;

/** The user's category. One that does not exist has nothing in it. */
const categoryOf = ({ eModeCategories, userEModeCategory }: AccountInput): EModeCategory =>
  eModeCategories.find(({ id }) => id === userEModeCategory) ?? { id: userEModeCategory, ltv: 0n, liquidationThreshold: 0n };

function inCategory(revision: number, category: EModeCategory, { id, eModeCategory }: Reserve): boolean {
  if (category.id === 0n) return false;
  return revision < V3_2 ? eModeCategory === category.id : inBitmap(category.collateralBitmap ?? 0n, id);
}

/** 10^decimals; unchecked, so it wraps from 78 on. */
const unitOf = ({ decimals }: Reserve) => BigInt.asUintN(256, 10n ** decimals);

const balanceOf = (revision: number, scaled: bigint, index: bigint) => (revision < V3_5 ? rayMul(scaled, index) : rayMulFloor(scaled, index));
const debtOf = (revision: number, scaled: bigint, index: bigint) => (revision < V3_5 ? rayMul(scaled, index) : rayMulCeil(scaled, index));
const debtValue = (revision: number, debt: bigint, price: bigint, unit: bigint) =>
  revision < V3_5 ? div(mul(debt, price), unit) : mulDivCeil(debt, price, unit);

/** GenericLogic.calculateUserAccountData, and calculateAvailableBorrows of it. */
function account(revision: number, input: AccountInput): AccountOutput {
  const { blockTimestamp: now, userConfig, reservesCount = 128n } = input;
  if (userConfig === 0n) {
    return {
      totalCollateralBase: 0n, totalDebtBase: 0n, availableBorrowsBase: 0n, avgLtv: 0n, avgLiquidationThreshold: 0n,
      healthFactor: UINT_MAX, hasZeroLtvCollateral: false,
    };
  }
  const category = categoryOf(input);

  let collateral = 0n;
  let debts = 0n;
  let byLtv = 0n;
  let byThreshold = 0n;
  let hasZeroLtvCollateral = false;
  for (let id = 0n; id < reservesCount; ++id) {
    requireOf(revision, id < 128n, "tooManyReserves");
    const reserve = input.reserves.find((entry) => entry.id === id);
    if (!reserve || !(isBorrowing(userConfig, id) || isCollateral(userConfig, id))) continue;
    const inMode = inCategory(revision, category, reserve);
    const unit = unitOf(reserve);
    const price = revision < V3_2 && category.eModeAssetPrice && inMode ? category.eModeAssetPrice : reserve.assetPrice;

    if (isCollateral(userConfig, id) && (revision >= V3_6 || reserve.liquidationThreshold !== 0n)) {
      const balance = balanceOf(revision, reserve.scaledATokenBalance, incomeOf(reserve, now));
      const value = div(mul(balance, price), unit);
      collateral = add(collateral, value);

      let ltv = reserve.ltv;
      if (revision < V3_6) {
        if (ltv !== 0n && inMode) ltv = category.ltv;
        if (reserve.ltv === 0n) hasZeroLtvCollateral = true;
      } else {
        if (inMode) ltv = inBitmap(category.ltvzeroBitmap ?? 0n, id) ? 0n : category.ltv;
        else if (revision >= V3_7 && category.isolated) ltv = 0n;
        if (ltv === 0n) hasZeroLtvCollateral = true;
      }
      byLtv = add(byLtv, mul(value, ltv));
      byThreshold = add(byThreshold, mul(value, inMode ? category.liquidationThreshold : reserve.liquidationThreshold));
    }

    if (isBorrowing(userConfig, id)) {
      let debt = 0n;
      const scaled = reserve.scaledVariableDebt;
      if (revision >= V3_5 || scaled !== 0n) debt = debtOf(revision, scaled, debtIndexOf(revision, reserve, now));
      if (revision < V3_2) debt = add(debt, reserve.stableDebt ?? 0n);
      debts = add(debts, debtValue(revision, debt, price, unit));
    }
  }

  const avgLtv = collateral === 0n ? 0n : byLtv / collateral;
  const avgLiquidationThreshold = collateral === 0n ? 0n : byThreshold / collateral;
  let healthFactor = UINT_MAX;
  if (debts !== 0n) {
    healthFactor = revision < V3_5 ? wadDiv(percentMul(collateral, avgLiquidationThreshold), debts) : wadDiv(byThreshold, debts) / PERCENT;
  }
  const borrowable = revision < V3_5 ? percentMul(collateral, avgLtv) : percentMulFloor(collateral, avgLtv);

  return {
    totalCollateralBase: collateral, totalDebtBase: debts, availableBorrowsBase: borrowable < debts ? 0n : borrowable - debts,
    avgLtv, avgLiquidationThreshold, healthFactor, hasZeroLtvCollateral,
  };
}

export const accountData = answers(account);

// ---------------------------------------------------------------------------------------------------------------------
// Users
// ---------------------------------------------------------------------------------------------------------------------

/** What a user does with one reserve. */
export type Action = "borrow" | "withdraw" | "repay" | "supply";

/**
 * The account after `borrow`, `withdraw`, `repay` (of no more than is owed) or `supply`: BorrowLogic, SupplyLogic with ValidationLogic.
 * Throws where the contract refuses it for what the account has; that an amount is 0, or that the reserve or the category does not
 * allow it, is not looked at. (Up to 3.1, what a category lends is known.)
 */
export function act(revision: number, input: AccountInput, action: Action, id: bigint, amount: bigint): AccountInput {
  const { blockTimestamp: now, userConfig, userEModeCategory } = input;
  const reserve = input.reserves.find((entry) => entry.id === id)!, category = categoryOf(input), inMode = inCategory(revision, category, reserve);
  const { scaledATokenBalance: supplied, scaledVariableDebt: owed } = reserve;
  const directed = revision >= V3_5, bits = revision >= V3_4 ? 120n : 128n;
  const cast = (scaled: bigint) => { requires(scaled < 2n ** bits, "SafeCast"); return scaled; };
  const tokens = (scaled: bigint) => { requires(scaled !== 0n || amount === 0n, "INVALID_MINT_AMOUNT"); return cast(scaled); };
  const lendable = revision < V3_6 ? reserve.ltv : inMode ? (inBitmap(category.ltvzeroBitmap ?? 0n, id) ? 0n : category.ltv) : revision >= V3_7 && category.isolated ? 0n : reserve.ltv;
  const after = (scaledATokenBalance: bigint, scaledVariableDebt: bigint, config: bigint): AccountInput => ({
    ...input, userConfig: config, reserves: input.reserves.map((entry) => (entry === reserve ? { ...reserve, scaledATokenBalance, scaledVariableDebt } : entry)),
  });
  const borrowBit = 1n << (2n * id), collateralBit = 2n << (2n * id);

  if (action === "supply") {
    const next = cast(add(supplied, tokens((directed ? rayDivFloor : rayDiv)(amount, incomeOf(reserve, now)))));
    return after(next, owed, supplied === 0n && amount !== 0n && lendable !== 0n ? userConfig | collateralBit : userConfig);
  }

  if (action === "withdraw") {
    const index = incomeOf(reserve, now), balance = balanceOf(revision, supplied, index);
    requires(amount <= balance, "NOT_ENOUGH_AVAILABLE_USER_BALANCE");
    const left = sub(supplied, tokens((directed ? rayDivCeil : rayDiv)(amount, index)));
    const empty = amount !== 0n && (directed ? left === 0n : amount === balance), was = isCollateral(userConfig, id);
    const next = after(left, owed, was && empty ? userConfig & ~collateralBit : userConfig);
    if (!was || !input.reserves.some((entry) => isBorrowing(userConfig, entry.id))) return next;
    const data = account(revision, next);
    requires(data.healthFactor >= WAD, "HEALTH_FACTOR_LOWER_THAN_LIQUIDATION_THRESHOLD");
    requires(!data.hasZeroLtvCollateral || lendable === 0n, "LTV_VALIDATION_FAILED");
    return next;
  }

  const index = debtIndexOf(revision, reserve, now);
  if (action === "repay") {
    const debt = debtOf(revision, owed, index);
    requires(amount <= debt, "more than is owed");
    const left = sub(owed, tokens((directed ? rayDivFloor : rayDiv)(amount, index)));
    const gone = amount !== 0n && (revision >= V3_4 ? left === 0n : amount === debt);
    return after(supplied, left, gone ? userConfig & ~borrowBit : userConfig);
  }

  const next = after(supplied, cast(add(owed, tokens((directed ? rayDivCeil : rayDiv)(amount, index)))), amount === 0n ? userConfig : userConfig | borrowBit);
  if (revision >= V3_5) {
    const { totalCollateralBase, totalDebtBase, avgLtv, healthFactor } = account(revision, next);
    requires(avgLtv !== 0n, "LtvValidationFailed()");
    requires(healthFactor >= WAD, "HealthFactorLowerThanLiquidationThreshold()");
    requires(totalCollateralBase >= percentDivCeil(totalDebtBase, avgLtv), "CollateralCannotCoverNewBorrow()");
    return next;
  }
  requires(revision >= V3_2 || userEModeCategory === 0n || inMode, "INCONSISTENT_EMODE_CATEGORY");
  const { totalCollateralBase, totalDebtBase, avgLtv, healthFactor } = account(revision, input);
  requires(totalCollateralBase !== 0n, "COLLATERAL_BALANCE_IS_ZERO");
  requires(avgLtv !== 0n, "LTV_VALIDATION_FAILED");
  requires(healthFactor > WAD, "HEALTH_FACTOR_LOWER_THAN_LIQUIDATION_THRESHOLD");
  const price = revision < V3_2 && category.eModeAssetPrice && inMode ? category.eModeAssetPrice : reserve.assetPrice;
  requires(percentDiv(add(totalDebtBase, div(mul(amount, price), unitOf(reserve))), avgLtv) <= totalCollateralBase, "COLLATERAL_CANNOT_COVER_NEW_BORROW");
  return next;
}

// ---------------------------------------------------------------------------------------------------------------------
// Liquidation
// ---------------------------------------------------------------------------------------------------------------------

export type LiquidationAmountsInput = Fields<
  | "collateralAssetPrice" | "collateralAssetUnit" | "debtAssetPrice" | "debtAssetUnit" | "debtToCover" | "borrowerCollateralBalance"
  | "liquidationBonus" | "liquidationProtocolFeePercentage"
>;
export type LiquidationAmountsOutput = Fields<"collateralAmount" | "debtAmountNeeded" | "liquidationProtocolFee"> &
  Partial<Fields<"collateralToLiquidateInBaseCurrency">>; // 3.3 to 3.6

/** LiquidationLogic._calculateAvailableCollateralToLiquidate. */
function amounts(revision: number, input: LiquidationAmountsInput): LiquidationAmountsOutput {
  const {
    collateralAssetPrice, collateralAssetUnit, debtAssetPrice, debtAssetUnit, debtToCover, borrowerCollateralBalance: balance,
    liquidationBonus: bonus, liquidationProtocolFeePercentage: feePercentage,
  } = input;
  const base = div(mul(mul(debtAssetPrice, debtToCover), collateralAssetUnit), mul(collateralAssetPrice, debtAssetUnit));
  const withBonus = revision < V3_7 ? percentMul(base, bonus) : percentMulFloor(base, bonus);

  let collateral = withBonus;
  let needed = debtToCover;
  if (withBonus > balance) {
    collateral = balance;
    const worth = div(mul(mul(collateralAssetPrice, balance), debtAssetUnit), mul(debtAssetPrice, collateralAssetUnit));
    needed = revision < V3_5 ? percentDiv(worth, bonus) : percentDivCeil(worth, bonus);
  }

  const inBase = revision >= V3_3 && revision < V3_7
    ? { collateralToLiquidateInBaseCurrency: div(mul(collateral, collateralAssetPrice), collateralAssetUnit) }
    : {};

  let fee = 0n;
  if (feePercentage !== 0n) {
    const bonusPart = sub(collateral, revision < V3_7 ? percentDiv(collateral, bonus) : percentDivFloor(collateral, bonus));
    fee = revision < V3_7 ? percentMul(bonusPart, feePercentage) : percentMulCeil(bonusPart, feePercentage);
  }
  return { collateralAmount: sub(collateral, fee), debtAmountNeeded: needed, liquidationProtocolFee: fee, ...inBase };
}

export const liquidationAmounts = answers(amounts);

export type LiquidationInput = AccountInput & Fields<"collateralReserveId" | "debtReserveId" | "debtToCover">;
export type LiquidationOutput = Fields<
  | "healthFactor" | "actualDebtToLiquidate" | "actualCollateralToLiquidate" | "liquidationProtocolFeeAmount" | "userConfigAfter"
  | "scaledATokenBalanceAfter" | "scaledVariableDebtAfter" | "treasuryScaledATokenReceived"
> & { readonly deficits?: readonly Fields<"id" | "amount">[] };

const CLOSE_FACTOR = 5000n;
const CLOSE_FACTOR_HEALTH = 95n * 10n ** 16n;
const MIN_BASE = 2000n * 10n ** 8n;
const MIN_LEFTOVER = MIN_BASE / 2n;

/** LiquidationLogic.executeLiquidationCall, which pays the liquidator in the underlying. */
function liquidate(revision: number, input: LiquidationInput): LiquidationOutput {
  const { blockTimestamp: now, collateralReserveId, debtReserveId, debtToCover } = input;
  const collateralReserve = input.reserves.find(({ id }) => id === collateralReserveId)!;
  const debtReserve = input.reserves.find(({ id }) => id === debtReserveId)!;
  const category = categoryOf(input);

  const uintOf = (bits: number, x: bigint) => { requireOf(revision, x >> BigInt(bits) === 0n, "cast"); return x; };
  const scaledBits = revision < V3_4 ? 128 : 120;
  /** ReserveLogic.updateState: both indexes as they are stored. */
  const updateState = (reserve: Reserve) => ({
    liquidityIndex: uintOf(128, incomeOf(reserve, now)), variableBorrowIndex: uintOf(128, debtIndexOf(revision, reserve, now)),
  });
  /** ScaledBalanceTokenBase._burnScaled: what is left. */
  const burn = (scaledBalance: bigint, scaledAmount: bigint) => {
    requireOf(revision, scaledAmount !== 0n, "burnsNothing");
    return sub(scaledBalance, uintOf(scaledBits, scaledAmount));
  };
  const ofAToken = (amount: bigint, index: bigint) => (revision < V3_5 ? rayDiv(amount, index) : rayDivCeil(amount, index));
  const ofVToken = (amount: bigint, index: bigint) => (revision < V3_5 ? rayDiv(amount, index) : rayDivFloor(amount, index));

  const { variableBorrowIndex } = updateState(debtReserve);
  if (revision >= V3_4) updateState(collateralReserve);
  const { healthFactor, totalCollateralBase, totalDebtBase } = account(revision, input);

  const collateralBalance = () => balanceOf(revision, collateralReserve.scaledATokenBalance, incomeOf(collateralReserve, now));
  if (revision >= V3_3) collateralBalance(); // before anything is required
  const debt = debtOf(revision, debtReserve.scaledVariableDebt, variableBorrowIndex);
  let cover = debtToCover;
  if (revision < V3_3) cover = min(cover, percentMul(debt, healthFactor > CLOSE_FACTOR_HEALTH ? CLOSE_FACTOR : PERCENT));

  requireOf(revision, healthFactor < WAD, "healthy");
  const counts = revision >= V3_6 || collateralReserve.liquidationThreshold !== 0n;
  requireOf(revision, counts && isCollateral(input.userConfig, collateralReserveId), "notCollateral");
  requireOf(revision, debt !== 0n, "notBorrowed");

  const balance = collateralBalance();
  const income = incomeOf(collateralReserve, now);
  const inMode = inCategory(revision, category, collateralReserve);
  const bonus = (inMode ? category : collateralReserve).liquidationBonus ?? 0n;
  let collateralPrice = collateralReserve.assetPrice;
  let debtPrice = debtReserve.assetPrice;
  if (revision < V3_2 && category.id !== 0n && category.eModeAssetPrice) {
    if (inMode) collateralPrice = category.eModeAssetPrice;
    debtPrice = category.eModeAssetPrice; // whatever the category of the debt
  }
  if (revision >= V3_3) { // checked there
    uint(10n ** collateralReserve.decimals);
    uint(10n ** debtReserve.decimals);
  }
  const collateralUnit = unitOf(collateralReserve);
  const debtUnit = unitOf(debtReserve);

  if (revision >= V3_3) {
    const debtInBase = debtValue(revision, debt, debtPrice, debtUnit);
    const balanceInBase = div(mul(balance, collateralPrice), collateralUnit);
    let most = debt;
    if (balanceInBase >= MIN_BASE && debtInBase >= MIN_BASE && healthFactor > CLOSE_FACTOR_HEALTH) {
      const half = percentMul(totalDebtBase, CLOSE_FACTOR);
      if (debtInBase > half) most = div(mul(half, debtUnit), debtPrice);
    }
    cover = min(cover, most);
  }

  const found = amounts(revision, {
    collateralAssetPrice: collateralPrice, collateralAssetUnit: collateralUnit, debtAssetPrice: debtPrice, debtAssetUnit: debtUnit, debtToCover: cover,
    borrowerCollateralBalance: balance, liquidationBonus: bonus, liquidationProtocolFeePercentage: collateralReserve.liquidationProtocolFee ?? 0n,
  });
  const { collateralAmount, debtAmountNeeded: repaid } = found;
  let fee = found.liquidationProtocolFee;
  const taken = add(collateralAmount, fee);

  if (revision >= V3_3 && repaid < debt && taken < balance) {
    const debtLeft = debtValue(revision, debt - repaid, debtPrice, debtUnit);
    const collateralLeft = div(mul(balance - taken, collateralPrice), collateralUnit);
    requireOf(revision, debtLeft >= MIN_LEFTOVER && collateralLeft >= MIN_LEFTOVER, "dust");
  }

  let userConfig = input.userConfig;
  const clearBorrowing = (id: bigint) => { userConfig &= ~(1n << (2n * id)); };
  const clearCollateral = () => { userConfig &= ~(2n << (2n * collateralReserveId)); };

  let noCollateralLeft = false;
  if (revision < V3_7) {
    if (taken === balance) clearCollateral();
    if (revision >= V3_3) noCollateralLeft = totalCollateralBase === found.collateralToLiquidateInBaseCurrency;
  } else {
    const scaled = min(add(ofAToken(collateralAmount, income), ofAToken(fee, income)), collateralReserve.scaledATokenBalance);
    noCollateralLeft = div(mul(balanceOf(revision, scaled, income), collateralPrice), collateralUnit) === totalCollateralBase;
    if (scaled === collateralReserve.scaledATokenBalance || noCollateralLeft) clearCollateral();
  }

  /** LiquidationLogic._burnDebtTokens: the scaled debt that stays. */
  const deficits = new Map<bigint, bigint>();
  const burnDebt = (id: bigint, scaled: bigint, index: bigint, owed: bigint, paid: bigint): bigint => {
    const left = owed === 0n ? scaled : burn(scaled, ofVToken(noCollateralLeft ? owed : paid, index));
    const outstanding = sub(owed, paid);
    if (noCollateralLeft && outstanding !== 0n) {
      const deficit = (deficits.get(id) ?? 0n) + uintOf(128, outstanding);
      uint(deficit, 128); // a sum of uint128s
      deficits.set(id, deficit);
    }
    const gone = revision < V3_4 ? noCollateralLeft || outstanding === 0n : left === 0n || owed === 0n;
    if (gone) clearBorrowing(id);
    return left;
  };
  let scaledDebt = burnDebt(debtReserveId, debtReserve.scaledVariableDebt, variableBorrowIndex, debt, repaid);

  if (revision < V3_4) updateState(collateralReserve);
  let scaledBalance = burn(collateralReserve.scaledATokenBalance, ofAToken(collateralAmount, income));
  let treasury = 0n;
  if (fee !== 0n) {
    treasury = ofAToken(fee, income);
    if (treasury > scaledBalance) {
      fee = balanceOf(revision, scaledBalance, income);
      treasury = revision < V3_5 ? ofAToken(fee, income) : scaledBalance;
    }
    scaledBalance = sub(scaledBalance, uintOf(scaledBits, treasury));
  }

  if (noCollateralLeft) { // LiquidationLogic._burnBadDebt
    for (let id = 0n; id < (input.reservesCount ?? 128n); ++id) {
      const reserve = input.reserves.find((entry) => entry.id === id);
      if (!reserve || !isBorrowing(userConfig, id)) continue;
      const index = updateState(reserve).variableBorrowIndex;
      const scaled = id === debtReserveId ? scaledDebt : reserve.scaledVariableDebt;
      const left = burnDebt(id, scaled, index, debtOf(revision, scaled, index), 0n);
      if (id === debtReserveId) scaledDebt = left;
    }
  }

  return {
    healthFactor, actualDebtToLiquidate: repaid, actualCollateralToLiquidate: collateralAmount, liquidationProtocolFeeAmount: fee,
    userConfigAfter: userConfig, scaledATokenBalanceAfter: scaledBalance, scaledVariableDebtAfter: scaledDebt, treasuryScaledATokenReceived: treasury,
    ...(revision < V3_3 ? {} : { deficits: [...deficits].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, amount]) => ({ id, amount })) }),
  };
}

export const liquidationCall = answers(liquidate);
