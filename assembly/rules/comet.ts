/**
 * Compound III: `CometWithExtendedAssetList` and `AssetList` of compound-finance/comet@d5a30b0a, re-implemented from the formulas.
 *
 *   owed = ⌊⌊|principal|·borrowIndex / 1e15⌋·basePrice / baseScale⌋      for principal < 0
 *   liquidatable ⇔ Σ ⌊⌊balance·price / scale⌋·liquidateCollateralFactor / 1e18⌋ < owed
 *
 * The contract counts down from −owed and stops where that is no longer negative: assets after it are not looked at, whatever
 * their prices. Here the sums are kept apart, the decision is the same.
 *
 * Indexes 1e15, factors and rates (a second) 1e18, prices and values 1e8, scales 10^decimals.
 */
import { COLLATERAL, OWED, beginAccount, isShort } from "./account";
import * as gain from "./gain";
import { kinkedRate, utilizationOf } from "./kink";
import { ARGS, RESULTS } from "../layout";
import { clear, copy } from "../wide/limbs";
import {
  Revert, Round, add, arg, at, begin, count, div, end, fits, forget, increase, isNegative, isNil, less, magnitude, mul, mulThenDiv, mulWad,
  require, result, resultFlag, resultWord, reverted, rows, signedMul, sub, u256, wad, word,
} from "../wide/u256";

/** Why the contracts revert, in the order of the messages in bindings/protocols/comet.ts. */
namespace Why {
  export const BAD_PRICE = 3, NOT_LIQUIDATABLE = 4, INVALID_UINT64 = 5, INVALID_UINT104 = 6, INVALID_INT104 = 7, INVALID_INT256 = 8;
  export const TIMESTAMP_TOO_LARGE = 9;
}

/** 1e15, the unit of an index. */
export function indexScale(): u256 { return word(1000000000000000); }

/** `⌊a·b/c⌋` in 256 bits. */
function over(a: u256, b: u256, c: u256): u256 { return mulThenDiv(a, b, c, Round.DOWN); }

/** `presentValueSupply`, `presentValueBorrow`. */
export function presentValue(principal: u256, index: u256): u256 { return over(principal, index, indexScale()); }

/** A price feed's answer, an int256 that must be positive. */
function priceOf(answer: u256): u256 {
  require(!isNil(answer) && !isNegative(answer), Why.BAD_PRICE);
  return answer;
}

// ---- An account. `beginAccount`, `addDebt`, then `addCollateral` in the order of the assets while `isShort`.

/** What a borrower's principal owes: base units, rounded down. An int104 has no −principal at its minimum. */
export function debtOf(principal: u256, borrowIndex: u256): u256 {
  const owed = magnitude(principal);
  require(fits(owed, 103), Revert.ARITHMETIC);
  return presentValue(owed, borrowIndex);
}

/** Adds the value of the debt. An account that does not borrow owes nothing, and no price is asked for. */
export function addDebt(principal: u256, borrowIndex: u256, basePrice: u256, baseScale: u256): void {
  if (!isNegative(principal)) return;
  const debt = debtOf(principal, borrowIndex);
  increase(OWED, div(signedMul(priceOf(basePrice), debt, true), baseScale));
}

/** Adds what an asset counts for at `factor`: borrowCollateralFactor, liquidateCollateralFactor or liquidationFactor. */
export function addCollateral(balance: u256, price: u256, scale: u256, factor: u256): void {
  increase(COLLATERAL, mulWad(over(balance, priceOf(price), scale), factor));
}

// ---- The contracts' functions. Arguments and results in the order of the descriptor, an asset's row as well.

/** Bytes of an asset's row, and where in it stand the factors. */
// @ts-ignore: decorator
@inline const ASSET: usize = 224;
namespace Factor { export const BORROW: usize = 128, LIQUIDATE: usize = 160, LIQUIDATION: usize = 192; }

/** Arguments that begin every function of an account. */
namespace Arg {
  export const PRINCIPAL = 0, SUPPLY_INDEX = 1, BORROW_INDEX = 2, BASE_PRICE = 3, BASE_SCALE = 4, ASSETS = 5;
  export const TOTAL_SUPPLY = 6, TOTAL_BORROW = 7, LAST_ACCRUAL = 8, TIMESTAMP = 9, RATES = 10;
}

/** Adds the account's assets, all of them or while it is short. */
function addAssets(factor: usize, all: bool): void {
  const last = rows(Arg.ASSETS) + <usize>count(Arg.ASSETS) * ASSET;
  for (let row = rows(Arg.ASSETS); row < last && (all || isShort()) && !reverted(); row += ASSET) {
    forget();
    addCollateral(at(row + 32), at(row + 64), at(row + 96), at(row + factor));
  }
}

/** Whether the account's assets, weighted by a factor, are worth less than it owes. */
function isShortBy(factor: usize): bool {
  beginAccount();
  addDebt(arg(Arg.PRINCIPAL), arg(Arg.BORROW_INDEX), arg(Arg.BASE_PRICE), arg(Arg.BASE_SCALE));
  addAssets(factor, false);
  return isShort();
}

/** What all assets are worth that have a price. */
export const WORTH: usize = memory.data(32, 16);
/** Sums all assets, to WORTH and, by liquidateCollateralFactor, to COLLATERAL: those too that a view had no need to look at. Whether all have one. */
export function sumAssets(): bool {
  let all = true;
  clear(WORTH, 4);
  clear(COLLATERAL, 4);
  const last = rows(Arg.ASSETS) + <usize>count(Arg.ASSETS) * ASSET;
  for (let row = rows(Arg.ASSETS); row < last; row += ASSET) {
    begin();
    const value = over(at(row + 32), priceOf(at(row + 64)), at(row + 96)), counted = mulWad(value, at(row + Factor.LIQUIDATE));
    if (reverted()) { all = false; continue; }
    increase(WORTH, value);
    increase(COLLATERAL, counted);
  }
  return all;
}
/** Sums an account whole, debt and all assets; false where that reverts. */
export function sumAccount(): bool {
  begin();
  beginAccount();
  addDebt(arg(Arg.PRINCIPAL), arg(Arg.BORROW_INDEX), arg(Arg.BASE_PRICE), arg(Arg.BASE_SCALE));
  return !end() && sumAssets();
}

export function isLiquidatable(): i32 {
  begin();
  resultFlag(0, isShortBy(Factor.LIQUIDATE));
  return end();
}

export function isBorrowCollateralized(): i32 {
  begin();
  resultFlag(0, !isShortBy(Factor.BORROW));
  return end();
}

/** `getSupplyRate`, `getBorrowRate`. */
function rateOf(curve: usize, utilization: u256): u256 {
  const rate = kinkedRate(curve, utilization);
  require(fits(rate, 64), Why.INVALID_UINT64);
  return rate;
}

/** An index `elapsed` seconds later: simple interest. */
function accrued(index: u256, rate: u256, elapsed: u256): u256 {
  const growth = mulWad(index, mul(rate, elapsed));
  require(fits(growth, 64), Why.INVALID_UINT64);
  const next = add(index, growth);
  require(fits(next, 64), Revert.ARITHMETIC);
  return next;
}

/**
 * `accrueInternal`, and the rates that it takes: indexes of supply and borrow, utilization, rates of both, as results from `first`
 * on. In the same second only the indexes. At `rates` stand the curves of supply and of borrow.
 */
function accrueTo(
  first: u32, supplyIndex: u256, borrowIndex: u256, totalSupply: u256, totalBorrow: u256, last: u256, now: u256, rates: usize,
): void {
  require(fits(now, 40), Why.TIMESTAMP_TOO_LARGE);
  const elapsed = sub(now, last);
  result(first, supplyIndex);
  result(first + 1, borrowIndex);
  if (reverted() || isNil(elapsed)) return;
  const supplied = presentValue(totalSupply, supplyIndex), borrowed = presentValue(totalBorrow, borrowIndex);
  const utilization = isNil(supplied) ? supplied : utilizationOf(borrowed, supplied);
  const supplyRate = rateOf(rates, utilization), borrowRate = rateOf(rates + 128, utilization);
  result(first, accrued(supplyIndex, supplyRate, elapsed));
  result(first + 1, accrued(borrowIndex, borrowRate, elapsed));
  result(first + 2, utilization);
  result(first + 3, supplyRate);
  result(first + 4, borrowRate);
}

/** The indexes (at `indexes`: supply, borrow) as an account would find them at `now`, as results 0 and 1. */
export function accrueIndexes(indexes: usize, totals: usize, last: u256, now: u256, rates: usize): void {
  accrueTo(0, at(indexes), at(indexes + 32), at(totals), at(totals + 32), last, now, rates);
}

/** arguments: both indexes, both totals, lastAccrualTime, timestamp, the rates */
export function accrue(): i32 {
  begin();
  accrueTo(0, arg(0), arg(1), arg(2), arg(3), arg(4), arg(5), ARGS + 192);
  return end();
}

/** `absorbInternal`: the whole position for the protocol, all collateral for base at its liquidationFactor. Results from `first` on. */
function absorbTo(first: u32): void {
  require(isShortBy(Factor.LIQUIDATE), Why.NOT_LIQUIDATABLE);
  if (reverted()) return;
  beginAccount();
  addAssets(Factor.LIQUIDATION, true);
  forget();
  const basePrice = arg(Arg.BASE_PRICE), baseScale = arg(Arg.BASE_SCALE), debt = debtOf(arg(Arg.PRINCIPAL), arg(Arg.BORROW_INDEX));
  const seized = over(at(COLLATERAL), baseScale, basePrice);
  require(!isNegative(seized), Why.INVALID_INT256);
  const balance = less(seized, debt) ? word(0) : sub(seized, debt); // what is missing the reserves pay
  const principal = over(balance, indexScale(), arg(Arg.SUPPLY_INDEX));
  require(fits(principal, 104), Why.INVALID_UINT104);
  require(fits(principal, 103), Why.INVALID_INT104);
  const totalSupply = add(arg(Arg.TOTAL_SUPPLY), principal);
  require(fits(totalSupply, 104), Revert.ARITHMETIC);
  const totalBorrow = sub(arg(Arg.TOTAL_BORROW), magnitude(arg(Arg.PRINCIPAL))), paid = add(balance, debt);
  result(first, principal);
  result(first + 1, balance);
  result(first + 2, paid);
  result(first + 3, over(paid, basePrice, baseScale));
  result(first + 4, totalSupply);
  result(first + 5, totalBorrow);
}

/** What an `absorb` that has answered in RESULTS does, to rules/gain: for its caller nothing. Its rows are left without a debtor. */
export function settleAbsorbed(): void {
  begin();
  gain.setFlags(false, less(over(at(COLLATERAL), arg(Arg.BASE_SCALE), arg(Arg.BASE_PRICE)), at(RESULTS + 64)));
  copy(ARGS, RESULTS, 4);
  sumAssets();
  gain.settleFree(at(RESULTS + 64), at(WORTH), at(RESULTS + 96));
}

/** `absorb` of one account where interest has just been accrued. */
export function absorb(): i32 {
  begin();
  absorbTo(0);
  return end();
}

/**
 * `isLiquidatable` on the stored indexes, then `absorb`, which accrues first and judges anew. Where the view reverts, so does
 * this; where absorb does, its reason is a result. Accrued indexes take the place of the stored ones among the arguments.
 */
export function absorbAccrued(): i32 {
  begin();
  resultFlag(0, isShortBy(Factor.LIQUIDATE));
  if (reverted()) return end();
  accrueTo(
    3, arg(Arg.SUPPLY_INDEX), arg(Arg.BORROW_INDEX), arg(Arg.TOTAL_SUPPLY), arg(Arg.TOTAL_BORROW), arg(Arg.LAST_ACCRUAL), arg(Arg.TIMESTAMP),
    rows(Arg.RATES),
  );
  if (!reverted()) {
    copy(ARGS + 32, RESULTS + 96, 8);
    absorbTo(5);
  }
  const why = end();
  resultFlag(1, !why);
  resultWord(2, why);
  return Revert.NONE;
}

/** arguments: baseAmount, basePrice, assetPrice, baseScale, assetScale, liquidationFactor, storeFrontPriceFactor */
export function quoteCollateral(): i32 {
  begin();
  const one = wad();
  const assetPrice = priceOf(arg(2));
  const discount = mulWad(arg(6), sub(one, arg(5)));
  const discounted = mulWad(assetPrice, sub(one, discount));
  const basePrice = priceOf(arg(1));
  result(0, div(over(mul(basePrice, arg(0)), arg(4), discounted), arg(3)));
  return end();
}
