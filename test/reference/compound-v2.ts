/**
 * Compound v2 in BigInt: slow, obvious, and independent of `assembly/`. The second opinion of the property tests.
 *
 * Contracts: compound-finance/compound-protocol@a3214f67, solc 0.8.10 (`Comptroller`, `CToken`, `JumpRateModelV2`,
 * `WhitePaperInterestRateModel`), and for the rounding "half-up" the Comptroller before a5591d5. One function per contract call, in
 * the contract's order of evaluation; each takes and gives the fields of its golden vectors. Every figure is a uint256.
 */
import { type Fields, add, div, mul, outcome, requires, sub } from "./solidity.js";

const WAD = 10n ** 18n;

export type Rounding = "truncate" | "half-up";

/** `Error` of the Comptroller. */
const NO_ERROR = 0n, MATH_ERROR = 11n, PRICE_ERROR = 13n;

/** `mul_ScalarTruncate`, and `mul_` of two mantissas. */
const mulTruncate = (x: bigint, y: bigint) => mul(x, y) / WAD;
/** The Comptroller's product of two mantissas: once `mulExp`, now `mul_`. */
const mulExp = (x: bigint, y: bigint, rounding: Rounding) => (rounding === "half-up" ? add(mul(x, y), WAD / 2n) / WAD : mulTruncate(x, y));

/** Where the old Comptroller's arithmetic failed, it did not revert. */
function settled<T extends object>(rounding: Rounding, compute: () => T, mathError: T): T {
  if (rounding === "truncate") return compute();
  const answer = outcome(compute);
  return "reverts" in answer ? mathError : answer;
}

// ---------------------------------------------------------------------------------------------------------------------
// Comptroller
// ---------------------------------------------------------------------------------------------------------------------

export type Asset = Fields<"collateralFactorMantissa" | "exchangeRateMantissa" | "oraclePriceMantissa" | "cTokenBalance" | "borrowBalance">;
export type Liquidity = Fields<"error" | "liquidity" | "shortfall">;

/** What a user would do in the account's `modified`th market: redeem cTokens, borrow. */
export type Effects = Fields<"redeemTokens" | "borrowAmount"> & { readonly modified: number };

/** Comptroller.getAccountLiquidity, or with effects getHypotheticalAccountLiquidity. */
export function accountLiquidity({ assets }: { readonly assets: readonly Asset[] }, rounding: Rounding = "truncate", effects?: Effects): Liquidity {
  return settled(rounding, () => {
    let sumCollateral = 0n;
    let sumBorrow = 0n;
    for (const [i, asset] of assets.entries()) {
      const price = asset.oraclePriceMantissa;
      if (price === 0n) return { error: PRICE_ERROR, liquidity: 0n, shortfall: 0n };
      const perToken = mulExp(mulExp(asset.collateralFactorMantissa, asset.exchangeRateMantissa, rounding), price, rounding);
      sumCollateral = add(mulTruncate(perToken, asset.cTokenBalance), sumCollateral);
      sumBorrow = add(mulTruncate(price, asset.borrowBalance), sumBorrow);
      if (i !== effects?.modified) continue;
      sumBorrow = add(mulTruncate(perToken, effects.redeemTokens), sumBorrow);
      sumBorrow = add(mulTruncate(price, effects.borrowAmount), sumBorrow);
    }
    return sumCollateral > sumBorrow
      ? { error: NO_ERROR, liquidity: sumCollateral - sumBorrow, shortfall: 0n }
      : { error: NO_ERROR, liquidity: 0n, shortfall: sumBorrow - sumCollateral };
  }, { error: MATH_ERROR, liquidity: 0n, shortfall: 0n });
}

export type SeizeInput = Fields<
  "liquidationIncentiveMantissa" | "priceBorrowedMantissa" | "priceCollateralMantissa" | "exchangeRateMantissa" | "actualRepayAmount"
>;

/** Comptroller.liquidateCalculateSeizeTokens. */
export function seizeTokens(input: SeizeInput, rounding: Rounding = "truncate"): Fields<"error" | "seizeTokens"> {
  const { priceBorrowedMantissa, priceCollateralMantissa } = input;
  if (priceBorrowedMantissa === 0n || priceCollateralMantissa === 0n) return { error: PRICE_ERROR, seizeTokens: 0n };
  return settled(rounding, () => {
    const numerator = mulExp(input.liquidationIncentiveMantissa, priceBorrowedMantissa, rounding);
    const denominator = mulExp(priceCollateralMantissa, input.exchangeRateMantissa, rounding);
    const ratio = div(mul(numerator, WAD), denominator);
    return { error: NO_ERROR, seizeTokens: mulTruncate(ratio, input.actualRepayAmount) };
  }, { error: MATH_ERROR, seizeTokens: 0n });
}

// ---------------------------------------------------------------------------------------------------------------------
// CToken
// ---------------------------------------------------------------------------------------------------------------------

/** The account's assets (those it has entered), of them one that it owes, and one that is seized, entered or not. */
export interface LiquidateInput extends Fields<"closeFactorMantissa" | "liquidationIncentiveMantissa" | "protocolSeizeShareMantissa" | "repayAmount"> {
  readonly assets: readonly Asset[];
  readonly borrowed: Asset;
  readonly collateral: Asset;
}

/** CToken.liquidateBorrow, both markets accrued, with liquidateBorrowAllowed of the Comptroller, and seizeInternal. What the markets have in total is taken to suffice. */
export function liquidateBorrow(input: LiquidateInput, rounding: Rounding = "truncate") {
  const { assets, borrowed, collateral, repayAmount } = input, { error, shortfall } = accountLiquidity({ assets }, rounding);
  requires(error === NO_ERROR && shortfall > 0n, "INSUFFICIENT_SHORTFALL");
  requires(repayAmount <= mulTruncate(input.closeFactorMantissa, borrowed.borrowBalance), "TOO_MUCH_REPAY");
  requires(repayAmount !== 0n, "LiquidateCloseAmountIsZero()");
  const accountBorrowsNew = sub(borrowed.borrowBalance, repayAmount);
  const seized = seizeTokens({
    liquidationIncentiveMantissa: input.liquidationIncentiveMantissa, priceBorrowedMantissa: borrowed.oraclePriceMantissa, priceCollateralMantissa: collateral.oraclePriceMantissa,
    exchangeRateMantissa: collateral.exchangeRateMantissa, actualRepayAmount: repayAmount,
  }, rounding);
  requires(seized.error === NO_ERROR, "LIQUIDATE_COMPTROLLER_CALCULATE_AMOUNT_SEIZE_FAILED");
  requires(collateral.cTokenBalance >= seized.seizeTokens, "LIQUIDATE_SEIZE_TOO_MUCH");
  const protocolSeizeTokens = mulTruncate(seized.seizeTokens, input.protocolSeizeShareMantissa);
  return {
    actualRepayAmount: repayAmount, seizeTokens: seized.seizeTokens, liquidatorSeizeTokens: sub(seized.seizeTokens, protocolSeizeTokens), protocolSeizeTokens,
    protocolSeizeAmount: mulTruncate(collateral.exchangeRateMantissa, protocolSeizeTokens), accountBorrowsNew, accountTokensNew: collateral.cTokenBalance - seized.seizeTokens,
  };
}

const BORROW_RATE_MAX = 5n * 10n ** 12n;

export type AccrueInput = Fields<
  "totalBorrows" | "totalReserves" | "borrowIndex" | "borrowRateMantissa" | "accrualBlockNumber" | "blockNumber" | "reserveFactorMantissa"
>;
export type AccrueOutput = Fields<"borrowIndex" | "totalBorrows" | "totalReserves" | "accrualBlockNumber"> & {
  readonly interestAccumulated?: bigint;
};

/** CToken.accrueInterest. In the same block nothing happens, and nothing is checked. */
export function accrue(before: AccrueInput): AccrueOutput {
  const { totalBorrows, totalReserves, borrowIndex, accrualBlockNumber, blockNumber } = before;
  if (blockNumber === accrualBlockNumber) return { borrowIndex, totalBorrows, totalReserves, accrualBlockNumber };

  requires(before.borrowRateMantissa <= BORROW_RATE_MAX, "borrow rate is absurdly high");
  const factor = mul(before.borrowRateMantissa, sub(blockNumber, accrualBlockNumber));
  const interestAccumulated = mulTruncate(factor, totalBorrows);
  return {
    totalBorrows: add(interestAccumulated, totalBorrows),
    totalReserves: add(mulTruncate(before.reserveFactorMantissa, interestAccumulated), totalReserves),
    borrowIndex: add(mulTruncate(factor, borrowIndex), borrowIndex),
    accrualBlockNumber: blockNumber,
    interestAccumulated,
  };
}

export type ExchangeRateInput = Fields<"cash" | "totalBorrows" | "totalReserves" | "totalSupply" | "initialExchangeRateMantissa">;

/** CToken.exchangeRateStored. */
export function exchangeRate(input: ExchangeRateInput): Fields<"exchangeRate"> {
  if (input.totalSupply === 0n) return { exchangeRate: input.initialExchangeRateMantissa };
  const owned = sub(add(input.cash, input.totalBorrows), input.totalReserves);
  return { exchangeRate: mul(owned, WAD) / input.totalSupply };
}

export type BorrowBalanceInput = Fields<"principal" | "borrowIndex" | "interestIndex">;

/** CToken.borrowBalanceStored. */
export function borrowBalance({ principal, borrowIndex, interestIndex }: BorrowBalanceInput): Fields<"borrowBalance"> {
  if (principal === 0n) return { borrowBalance: 0n };
  return { borrowBalance: div(mul(principal, borrowIndex), interestIndex) };
}

// ---------------------------------------------------------------------------------------------------------------------
// Interest rate models
// ---------------------------------------------------------------------------------------------------------------------

export type BorrowRateInput = Fields<"cash" | "borrows" | "reserves" | "baseRatePerBlock" | "multiplierPerBlock"> & {
  readonly jumpMultiplierPerBlock?: bigint;
  readonly kink?: bigint;
};

/** getBorrowRate and utilizationRate of JumpRateModelV2; without a kink, of WhitePaperInterestRateModel. */
export function borrowRate(input: BorrowRateInput): Fields<"utilizationRate" | "borrowRate"> {
  const { cash, borrows, reserves, baseRatePerBlock, multiplierPerBlock, jumpMultiplierPerBlock, kink } = input;
  const utilizationRate = borrows === 0n ? 0n : div(mul(borrows, WAD), sub(add(cash, borrows), reserves));
  if (kink === undefined || utilizationRate <= kink) {
    return { utilizationRate, borrowRate: add(mulTruncate(utilizationRate, multiplierPerBlock), baseRatePerBlock) };
  }
  const normalRate = add(mulTruncate(kink, multiplierPerBlock), baseRatePerBlock);
  return { utilizationRate, borrowRate: add(mulTruncate(utilizationRate - kink, jumpMultiplierPerBlock!), normalRate) };
}
