/**
 * Morpho Blue: `Morpho` of morpho-org/morpho-blue@3085651a, `AdaptiveCurveIrm` of morpho-org/morpho-blue-irm@a1a87fd5 and
 * `PreLiquidation` of morpho-org/pre-liquidation@9e8b7f4, re-implemented from the formulas.
 *
 *   borrowed  = ⌈borrowShares·(totalBorrowAssets + 1) / (totalBorrowShares + 1e6)⌉
 *   maxBorrow = ⌊⌊collateral·price / 1e36⌋·lltv / 1e18⌋
 *   healthy   ⇔ borrowShares = 0 ∨ maxBorrow ≥ borrowed
 *
 * Assets in token units, prices 1e36, factors WAD (1e18), rates WAD a second, times in seconds. Every intermediate is a checked
 * uint256, in the rate model a checked int256.
 */
import { RESULTS } from "../layout";
import { clear, copy, divideUp, isZero, product } from "../wide/limbs";
import {
  Revert, Round, WAD, add, arg, at, begin, div, end, fits, flag, forgive, isNegative, isNil, less, magnitude, min, mul, mulThenDiv, mulWad,
  negate, ptr, put, require, result, resultAt, resultFlag, resultWord, reverted, sadd, sdiv, smul, sub, u256, wad, word,
} from "../wide/u256";
import { PRICE_LIMBS, Trigger } from "./status";

/** Why the contracts revert, in the order of the messages in bindings/protocols/morpho.ts. */
namespace Why {
  export const NOT_CREATED = 3, MAX_UINT128 = 4, HEALTHY = 5, INCONSISTENT = 6, ZERO_ASSETS = 7, INSUFFICIENT_COLLATERAL = 8;
  export const PRE_LLTV_TOO_HIGH = 9, PRE_LCF_DECREASING = 10, PRE_LCF_TOO_HIGH = 11;
  export const PRE_LIF_TOO_LOW = 12, PRE_LIF_DECREASING = 13, PRE_LIF_TOO_HIGH = 14;
  export const PRE_INCONSISTENT = 15, LIQUIDATABLE = 16, NOT_PRE_LIQUIDATABLE = 17, PRE_LIQUIDATION_TOO_LARGE = 18;
}

/** The unit of prices, 1e36. */
function priceUnit(): u256 { return new u256(0xb34b9f1000000000, 0xc097ce7bc90715); }

/** Morpho's virtual assets and shares, which a market has besides its own. */
function virtualAssets(assets: u256): u256 { return add(assets, word(1)); }
function virtualShares(shares: u256): u256 { return add(shares, word(1000000)); }

function toAssets(shares: u256, totalAssets: u256, totalShares: u256, round: i32): u256 {
  return mulThenDiv(shares, virtualAssets(totalAssets), virtualShares(totalShares), round);
}
export function toShares(assets: u256, totalAssets: u256, totalShares: u256, round: i32): u256 {
  return mulThenDiv(assets, virtualShares(totalShares), virtualAssets(totalAssets), round);
}

/** `toUint128`. */
function toUint128(a: u256): u256 { require(fits(a, 128), Why.MAX_UINT128); return a; }
/** The sum of uint128s, itself one. */
function add128(a: u256, b: u256): u256 {
  const sum = add(a, b);
  require(fits(sum, 128), Revert.ARITHMETIC);
  return sum;
}

// ---- The rate

/** `MathLib.wTaylorCompounded`: e^(x·n) − 1 to the third term. */
function taylor(x: u256, n: u256): u256 {
  const first = mul(x, n);
  const second = mulThenDiv(first, first, word(2 * WAD), Round.DOWN);
  return add(add(first, second), mulThenDiv(second, first, word(3 * WAD), Round.DOWN));
}

export function wTaylor(): i32 {
  begin();
  result(0, taylor(arg(0), arg(1)));
  return end();
}

// @ts-ignore: decorator
@inline const LN_2: u64 = 693147180559945309;

/** `e·2^q`, q < 192. */
function shifted(e: u64, q: u32): u256 {
  const power = word(0);
  store<u64>(ptr(power) + (q >> 6 << 3), (<u64>1) << (q & 63));
  return mul(word(e), power);
}

/**
 * `ExpLib.wExp` of an int256: 2^q·(1 + r + r²/2) with x = q·ln 2 + r, |r| ≤ ln 2 / 2, all toward zero. 0 below ln 1e−18, and from
 * 93.859… on what it would be there.
 */
function exp(x: u256): u256 {
  const a = magnitude(x), falls = isNegative(x);
  if (falls) {
    if (less(new u256(4553043526473719080, 2), a)) return word(0);
  } else if (!less(a, new u256(1625747326452646239, 5))) return shifted(1325096421112656151, 135);
  const q = div(add(a, word(LN_2 / 2)), word(LN_2)).lo1;
  const r = <i64>(a.lo1 - q * LN_2), square = word(<u64>abs(r));
  const e = WAD + (falls ? -r : r) + mulThenDiv(square, square, word(2 * WAD), Round.DOWN).lo1;
  return falls ? word(e >> q) : shifted(e, <u32>q);
}

export function wExp(): i32 {
  begin();
  result(0, exp(arg(0)));
  return end();
}

/** `a·b / 1e18` of int256s, toward zero. */
function wMulToZero(a: u256, b: u256): u256 { return sdiv(smul(a, b), wad()); }

// @ts-ignore: decorator
@inline const TARGET_UTILIZATION: u64 = 900000000000000000;

/** The rate at target after a `linear` adaptation of its logarithm, within its bounds. */
function adapted(start: u256, linear: u256): u256 {
  const rate = wMulToZero(start, exp(linear)), least = word(31709791);
  return isNegative(rate) || less(rate, least) ? least : min(rate, word(63419583967));
}

/** `AdaptiveCurveIrm.borrowRate`: the average since the last update. The rate at target that it leaves becomes a result. */
function borrowRate(field: u32, supplyAssets: u256, borrowAssets: u256, start: u256, elapsed: u256): u256 {
  const target = word(TARGET_UTILIZATION);
  const utilization = isNil(supplyAssets) ? supplyAssets : mulThenDiv(borrowAssets, wad(), supplyAssets, Round.DOWN);
  const below = less(utilization, target), above = less(target, utilization);
  const gap = below ? sub(target, utilization) : sub(utilization, target);
  let error = mulThenDiv(gap, wad(), above ? word(WAD - TARGET_UTILIZATION) : target, Round.DOWN); // ≤ 2^192
  if (below) error = negate(error);

  let average = start, now = start;
  if (isNil(start)) average = now = word(1268391679);
  else {
    const linear = smul(wMulToZero(word(1585489599188), error), elapsed);
    if (!isNil(linear)) {
      now = adapted(start, linear);
      const mid = adapted(start, sdiv(linear, word(2)));
      average = sdiv(sadd(sadd(start, now), add(mid, mid)), word(4));
    }
  }
  result(field, now);
  const steepness = word(below ? WAD / 4 * 3 : 3 * WAD);
  return wMulToZero(sadd(wMulToZero(steepness, error), wad()), average);
}

/** Results of `accrueInterest`, from a first one on. */
namespace Accrual {
  export const RATE_AT_TARGET = 0, SUPPLY_SHARES = 1, BORROW_RATE = 2, INTEREST = 3, FEE_SHARES = 4, ACCRUED = 5;
  export const SUPPLY_ASSETS = 6, BORROW_ASSETS = 7;
}

/** `Morpho._accrueInterest` to the second `now`; without a rate model, or in the second of the last update, nothing moves. */
export function accrueInterest(
  first: u32, supplyAssets: u256, supplyShares: u256, borrowAssets: u256, fee: u256, lastUpdate: u256, now: u256, rateAtTarget: u256,
  irm: bool,
): void {
  const elapsed = sub(now, lastUpdate), accrues = irm && !isNil(elapsed) && !reverted();
  result(first + Accrual.RATE_AT_TARGET, rateAtTarget);
  if (accrues) {
    const rate = borrowRate(first + Accrual.RATE_AT_TARGET, supplyAssets, borrowAssets, rateAtTarget, elapsed);
    const interest = toUint128(mulWad(borrowAssets, taylor(rate, elapsed)));
    borrowAssets = add128(borrowAssets, interest);
    supplyAssets = add128(supplyAssets, interest);
    let feeShares = word(0);
    if (!isNil(fee)) {
      const feeAmount = mulWad(interest, fee);
      feeShares = toShares(feeAmount, sub(supplyAssets, feeAmount), supplyShares, Round.DOWN);
      supplyShares = add128(supplyShares, toUint128(feeShares));
    }
    result(first + Accrual.BORROW_RATE, rate);
    result(first + Accrual.INTEREST, interest);
    result(first + Accrual.FEE_SHARES, feeShares);
  }
  resultFlag(first + Accrual.ACCRUED, accrues);
  result(first + Accrual.SUPPLY_SHARES, supplyShares);
  result(first + Accrual.SUPPLY_ASSETS, supplyAssets);
  result(first + Accrual.BORROW_ASSETS, borrowAssets);
}

/** arguments: totalSupplyAssets, totalSupplyShares, totalBorrowAssets, fee, lastUpdate, timestamp, rateAtTarget, irm, totalBorrowShares */
export function accrue(): i32 {
  begin();
  require(!isNil(arg(4)), Why.NOT_CREATED);
  accrueInterest(0, arg(0), arg(1), arg(2), arg(3), arg(4), arg(5), arg(6), !flag(7));
  const now = arg(5);
  result(8, new u256(now.lo1, now.lo2)); // as a uint128
  result(9, arg(8));
  return end();
}

/** What a book's market has borrowed and supplied at `now`, to `borrowed` and `supplied`; the reason why that reverts, or 0. */
export function view(
  supplied: usize, borrowed: usize, supplyShares: u256, fee: u256, lastUpdate: u256, now: u256, rateAtTarget: u256, irm: bool,
): i32 {
  require(!isNil(lastUpdate), Why.NOT_CREATED);
  accrueInterest(0, at(supplied), supplyShares, at(borrowed), fee, lastUpdate, now, rateAtTarget, irm);
  const why = end();
  if (!why) {
    put(supplied, resultAt(Accrual.SUPPLY_ASSETS));
    put(borrowed, resultAt(Accrual.BORROW_ASSETS));
  }
  return why;
}

/**
 * Accrues a book's market to `now`: its figures stand at `figures`, from totalSupplyAssets on in the order of the descriptor. The
 * reason why that reverts, or 0: then nothing has changed.
 */
export function accrueStored(figures: usize, now: u256): i32 {
  require(!isNil(at(figures + 128)), Why.NOT_CREATED);
  accrueInterest(0, at(figures), at(figures + 32), at(figures + 64), at(figures + 160), at(figures + 128), now, at(figures + 192), isZero(figures + 224, 1));
  const why = end();
  if (why) return why;
  put(figures, resultAt(Accrual.SUPPLY_ASSETS));
  put(figures + 32, resultAt(Accrual.SUPPLY_SHARES));
  put(figures + 64, resultAt(Accrual.BORROW_ASSETS));
  put(figures + 128, new u256(now.lo1, now.lo2)); // as a uint128
  put(figures + 192, resultAt(Accrual.RATE_AT_TARGET));
  return Revert.NONE;
}

/**
 * The most that a book's market has borrowed at any second from `from`, no earlier than the last update, to `to`, at `borrowed`; false
 * where accrual may revert at one of them. Its figures stand as for `accrueStored`.
 *
 * From the first second on the average rate only falls or only rises with the seconds passed: so does `exp`, also where it passes from one
 * power of 2 to the next, and so do its factors, their bounds, and all roundings. So interest, which is not monotone (a rate that falls by 1.4 % there may make
 * it less), is no more than what the higher one of both ends' rates makes in all seconds, and no less than what the lower one makes in
 * the first. What a fee leaves of the assets goes one way with interest; of its shares, the most interest and the least assets left are a bound.
 */
export function mostBorrowed(figures: usize, from: u256, to: u256, borrowed: usize): bool {
  const supplied = at(figures), shares = at(figures + 32), assets = at(figures + 64), since = at(figures + 128), fee = at(figures + 160);
  copy(borrowed, figures + 64, 4);
  const last = sub(to, since);
  if (!isZero(figures + 224, 1) || isNil(last)) return true;
  const first = less(since, from) ? sub(from, since) : word(1);
  const one = borrowRate(0, supplied, assets, at(figures + 192), first), other = borrowRate(0, supplied, assets, at(figures + 192), last);
  const most = mulWad(assets, taylor(less(one, other) ? other : one, last)), least = mulWad(assets, taylor(min(one, other), first));
  put(borrowed, add128(assets, toUint128(most)));
  add128(supplied, most);
  if (!isNil(fee)) {
    const amount = mulWad(most, fee), left = min(sub(add(supplied, most), amount), sub(add(supplied, least), mulWad(least, fee)));
    add128(shares, toUint128(toShares(amount, left, shares, Round.DOWN)));
  }
  return !end();
}

// ---- Health

/** What a position owes: its shares' part of the market's debt, rounded up. */
export function borrowedOf(borrowShares: u256, totalBorrowAssets: u256, totalBorrowShares: u256): u256 {
  return toAssets(borrowShares, totalBorrowAssets, totalBorrowShares, Round.UP);
}
/** What its collateral is worth to the oracle, and what it may owe at most. */
export function quotedOf(collateral: u256, price: u256): u256 { return mulThenDiv(collateral, price, priceUnit(), Round.DOWN); }
export function maxBorrowOf(collateral: u256, price: u256, lltv: u256): u256 { return mulWad(quotedOf(collateral, price), lltv); }

/** `Morpho._isHealthy`, which asks no oracle where nothing is borrowed: then maxBorrow may overflow. */
export function isHealthyAt(borrowShares: u256, borrowed: u256, maxBorrow: u256): bool {
  return isNil(borrowShares) || !less(maxBorrow, borrowed);
}

/** arguments: collateral, borrowShares, totalBorrowAssets, totalBorrowShares, lltv, price */
export function isHealthy(): i32 {
  begin();
  const shares = arg(1), borrowed = borrowedOf(shares, arg(2), arg(3)), maxBorrow = maxBorrowOf(arg(0), arg(5), arg(4));
  resultFlag(0, isHealthyAt(shares, borrowed, maxBorrow));
  result(1, borrowed);
  result(2, maxBorrow);
  resultFlag(3, !reverted()); // whether maxBorrow stands
  if (isNil(shares)) forgive();
  return end();
}

const QUOTED: usize = memory.data(56, 16), SCALED: usize = memory.data(40, 16);

/**
 * The smallest price at and above which a position is healthy, products being unbounded, at `out`: ⌈1e36·⌈borrowed·1e18 / lltv⌉ /
 * collateral⌉, both floors of maxBorrow turned into ceilings; at most 417 bits.
 */
export function price(out: usize, collateral: u256, borrowed: u256, lltv: u256): i32 {
  if (isNil(borrowed)) return Trigger.NEVER;
  if (isNil(collateral) || isNil(lltv)) return Trigger.ALWAYS;
  clear(out, PRICE_LIMBS);
  product(SCALED, ptr(borrowed), 4, ptr(wad()), 1);
  divideUp(SCALED, SCALED, 5, ptr(lltv), 4);
  product(QUOTED, SCALED, 5, ptr(priceUnit()), 2);
  divideUp(out, QUOTED, 7, ptr(collateral), 4);
  return Trigger.PRICE;
}

/** arguments: collateral, borrowShares, totalBorrowAssets, totalBorrowShares, lltv */
export function liquidationPrice(): i32 {
  begin();
  const borrowed = borrowedOf(arg(1), arg(2), arg(3));
  resultWord(3, reverted() ? Trigger.REVERTS : price(RESULTS, arg(0), borrowed, arg(4)));
  return Revert.NONE;
}

// ---- Liquidation

/** min(1.15, 1 / (1 − 0.3·(1 − lltv))), WAD. */
export function incentive(lltv: u256): u256 {
  const cursor = mulWad(word(WAD / 10 * 3), sub(wad(), lltv));
  return min(word(WAD / 100 * 115), mulThenDiv(wad(), wad(), sub(wad(), cursor), Round.DOWN));
}

export function liquidationIncentiveFactor(): i32 {
  begin();
  result(0, incentive(arg(0)));
  return end();
}

/** Exactly one of the amounts must be given. */
function requireOne(seized: u256, repaid: u256, why: i32): void { require(isNil(seized) != isNil(repaid), why); }

/** Results that `liquidate` and `preLiquidate` share. */
namespace Seizure {
  export const SEIZED = 0, REPAID_SHARES = 1, REPAID_ASSETS = 2, BORROW_ASSETS = 3, TOTAL_SHARES = 4, BORROW_SHARES = 5, COLLATERAL = 6;
}

/** The two amounts, from the one that is not 0, at an incentive. */
function amounts(seized: u256, repaid: u256, factor: u256, price: u256, assets: u256, shares: u256): void {
  if (isNil(seized)) {
    seized = mulThenDiv(mulWad(toAssets(repaid, assets, shares, Round.DOWN), factor), priceUnit(), price, Round.DOWN);
  } else {
    const quoted = mulThenDiv(seized, price, priceUnit(), Round.UP);
    repaid = toShares(mulThenDiv(quoted, wad(), factor, Round.UP), assets, shares, Round.UP);
  }
  result(Seizure.SEIZED, seized);
  result(Seizure.REPAID_SHARES, repaid);
}

/** Takes the repaid shares off the debt: what they cost, by the totals before, may be one unit more than all there is. */
function repay(borrowShares: u256, assets: u256, shares: u256): void {
  const repaid = resultAt(Seizure.REPAID_SHARES), cost = toAssets(repaid, assets, shares, Round.UP);
  toUint128(repaid);
  result(Seizure.REPAID_ASSETS, cost);
  result(Seizure.BORROW_SHARES, sub(borrowShares, repaid));
  result(Seizure.TOTAL_SHARES, sub(shares, repaid));
  result(Seizure.BORROW_ASSETS, sub(assets, min(assets, cost)));
}

/** Takes the seized assets off the collateral; what is left. */
function withdraw(collateral: u256): u256 {
  const left = sub(collateral, toUint128(resultAt(Seizure.SEIZED)));
  result(Seizure.COLLATERAL, left);
  return left;
}

/** `Morpho.liquidate` after accrual. Results as in `Seizure`, then bad debt in assets and shares, and what stays supplied. */
function seize(
  collateral: u256, borrowShares: u256, borrowAssets: u256, totalShares: u256, lltv: u256, price: u256, seized: u256, repaid: u256,
  supplyAssets: u256,
): void {
  const borrowed = borrowedOf(borrowShares, borrowAssets, totalShares);
  require(less(maxBorrowOf(collateral, price, lltv), borrowed), Why.HEALTHY);
  amounts(seized, repaid, incentive(lltv), price, borrowAssets, totalShares);
  repay(borrowShares, borrowAssets, totalShares);
  let badShares = word(0), badAssets = badShares;
  if (isNil(withdraw(collateral))) {
    badShares = resultAt(Seizure.BORROW_SHARES);
    borrowAssets = resultAt(Seizure.BORROW_ASSETS);
    totalShares = resultAt(Seizure.TOTAL_SHARES);
    badAssets = min(borrowAssets, toAssets(badShares, borrowAssets, totalShares, Round.UP));
    result(Seizure.BORROW_ASSETS, sub(borrowAssets, badAssets));
    result(Seizure.TOTAL_SHARES, sub(totalShares, badShares));
    result(Seizure.BORROW_SHARES, word(0));
  }
  result(7, badAssets);
  result(8, badShares);
  result(9, sub(supplyAssets, badAssets));
}

/** arguments: collateral, borrowShares, totalBorrowAssets, totalBorrowShares, lltv, price, seizedAssets, repaidShares, totalSupplyAssets */
export function liquidate(): i32 {
  begin();
  requireOne(arg(6), arg(7), Why.INCONSISTENT);
  seize(arg(0), arg(1), arg(2), arg(3), arg(4), arg(5), arg(6), arg(7), arg(8));
  return end();
}

/**
 * `Morpho.liquidate` of a whole position: all its shares are repaid, or, where its collateral does not pay for that, all its
 * collateral is seized; or as many shares as `most` assets repay, where that is less. Results as those of `liquidate`; the reason why it reverts, or 0.
 */
export function liquidateAll(
  collateral: u256, borrowShares: u256, borrowAssets: u256, totalShares: u256, lltv: u256, price: u256, supplyAssets: u256, most: u256,
): i32 {
  const none = word(0);
  const wanted = mulThenDiv(mulWad(toAssets(borrowShares, borrowAssets, totalShares, Round.DOWN), incentive(lltv)), priceUnit(), price, Round.DOWN);
  const short = reverted() || less(collateral, wanted);
  forgive();
  if (short) require(!isNil(collateral), Why.INCONSISTENT);
  seize(collateral, borrowShares, borrowAssets, totalShares, lltv, price, short ? collateral : none, short ? none : borrowShares, supplyAssets);
  if (!reverted() && less(most, resultAt(Seizure.REPAID_ASSETS))) { // ⌈⌊most·S/B⌋·B/S⌉ ≤ most
    const repaid = toShares(most, borrowAssets, totalShares, Round.DOWN);
    require(!isNil(repaid), Why.INCONSISTENT);
    seize(collateral, borrowShares, borrowAssets, totalShares, lltv, price, none, repaid, supplyAssets);
  }
  return end();
}

/** Whether the collateral is worth less than the debt and the liquidator's bonus: each unit repaid then lowers the health of the rest. */
export function isToxic(quoted: u256, borrowed: u256, lltv: u256): bool { return less(quoted, mulWad(borrowed, incentive(lltv))); }

/** arguments: those of `liquidate`, then totalSupplyShares, fee, lastUpdate, timestamp, rateAtTarget */
export function liquidateAccrued(): i32 {
  begin();
  require(!isNil(arg(11)), Why.NOT_CREATED);
  requireOne(arg(6), arg(7), Why.INCONSISTENT);
  accrueInterest(10, arg(8), arg(9), arg(2), arg(10), arg(11), arg(12), arg(13), true);
  seize(
    arg(0), arg(1), resultAt(10 + Accrual.BORROW_ASSETS), arg(3), arg(4), arg(5), arg(6), arg(7), resultAt(10 + Accrual.SUPPLY_ASSETS),
  );
  return end();
}

/** `from + quotient·(to − from)`, the pre-liquidation's factors between its two ends. */
function between(from: u256, to: u256, quotient: u256): u256 { return add(mulWad(quotient, sub(to, from)), from); }

/**
 * `PreLiquidation.preLiquidate`, with `Morpho.repay` and, in its callback, `Morpho.withdrawCollateral`; first what its constructor
 * requires. arguments: those of `liquidate` without totalSupplyAssets, then marketPrice, preLltv, preLCF1, preLCF2, preLIF1, preLIF2.
 */
export function preLiquidate(): i32 {
  begin();
  const collateral = arg(0), borrowShares = arg(1), assets = arg(2), shares = arg(3), lltv = arg(4), price = arg(5);
  const preLltv = arg(9), lcf1 = arg(10), lcf2 = arg(11), lif1 = arg(12), lif2 = arg(13);
  require(less(preLltv, lltv), Why.PRE_LLTV_TOO_HIGH);
  require(!less(lcf2, lcf1), Why.PRE_LCF_DECREASING);
  require(!less(wad(), lcf1), Why.PRE_LCF_TOO_HIGH);
  require(!less(lif1, wad()), Why.PRE_LIF_TOO_LOW);
  require(!less(lif2, lif1), Why.PRE_LIF_DECREASING);
  require(!less(mulThenDiv(wad(), wad(), lltv, Round.DOWN), lif2), Why.PRE_LIF_TOO_HIGH);

  requireOne(arg(6), arg(7), Why.PRE_INCONSISTENT);
  const quoted = quotedOf(collateral, price), borrowed = borrowedOf(borrowShares, assets, shares);
  require(!less(mulWad(quoted, lltv), borrowed), Why.LIQUIDATABLE);
  require(less(mulWad(quoted, preLltv), borrowed), Why.NOT_PRE_LIQUIDATABLE);
  const ltv = mulThenDiv(borrowed, wad(), quoted, Round.UP);
  const quotient = mulThenDiv(sub(ltv, preLltv), wad(), sub(lltv, preLltv), Round.DOWN);
  const lif = between(lif1, lif2, quotient);
  amounts(arg(6), arg(7), lif, price, assets, shares);
  const lcf = between(lcf1, lcf2, quotient), repayable = mulWad(borrowShares, lcf);
  require(!less(repayable, resultAt(Seizure.REPAID_SHARES)), Why.PRE_LIQUIDATION_TOO_LARGE);

  repay(borrowShares, assets, shares);
  require(!isNil(resultAt(Seizure.SEIZED)), Why.ZERO_ASSETS);
  const left = withdraw(collateral), leftShares = resultAt(Seizure.BORROW_SHARES);
  const owed = borrowedOf(leftShares, resultAt(Seizure.BORROW_ASSETS), resultAt(Seizure.TOTAL_SHARES));
  if (!isNil(leftShares)) require(isHealthyAt(leftShares, owed, maxBorrowOf(left, arg(8), lltv)), Why.INSUFFICIENT_COLLATERAL);
  result(7, ltv);
  result(8, lif);
  result(9, lcf);
  result(10, repayable);
  return end();
}
