/**
 * Liquity v1 (LUSD): `LiquityMath`, `LiquityBase` and `TroveManager` of liquity/dev@87345ccd, as deployed, re-implemented from the
 * formulas.
 *
 *   entire = recorded + ⌊stake·(L − snapshot) / 1e18⌋     of collateral and of debt
 *   ICR    = ⌊coll·price / debt⌋, 2^256 − 1 without debt
 *   in normal mode a trove can be liquidated ⇔ ICR < MCR
 *
 * Amounts, prices and ratios 1e18, nominal ratios 1e20. Every intermediate is a uint256 under SafeMath, whose messages tell sums,
 * differences and products apart.
 */
import { ARGS, RESULTS, STAGE, STAGE_BYTES } from "../layout";
import { clear, compare, copy, divideUp, isZero, product } from "../wide/limbs";
import { PRICE_LIMBS, Trigger } from "./status";
import {
  add, arg, at, begin, count, decrease, div, endSafe, flag, forget, forgive, increase, isNil, less, min, mul, pow, ptr, put, require, result,
  resultFlag, resultRows, reverted, rows, sub, u256, wad, word,
} from "../wide/u256";

/** Why the contracts revert, in the order of the messages in bindings/protocols/liquity-v1.ts. */
namespace Why { export const SAFE_MATH = 3, EMPTY = 6, NOTHING = 7, ONLY_ONE = 8; }

// @ts-ignore: decorator
@inline const MCR: u64 = 1100000000000000000;
// @ts-ignore: decorator
@inline export const CCR: u64 = 1500000000000000000;

// ---- Both versions'

/** `_computeCR`. */
export function ratio(coll: u256, debt: u256, price: u256): u256 {
  return isNil(debt) ? new u256(-1, -1, -1, -1) : div(mul(coll, price), debt);
}

/** A stake's part of what was redistributed since its snapshot. */
export function gain(stake: u256, L: u256, snapshot: u256): u256 { return div(mul(stake, sub(L, snapshot)), wad()); }

/**
 * What a liquidation moves, and all of a sequence together, 32 bytes each: offset by the pool, spread over the other troves, and what
 * else becomes of the collateral.
 */
export namespace Moved {
  export const DEBT_OFFSET: usize = 0, COLL_OFFSET: usize = 32, DEBT_SPREAD: usize = 64, COLL_SPREAD: usize = 96;
  export const COLL_GAS: usize = 128, COLL_SURPLUS: usize = 160, BYTES: usize = 192;
}
export const MOVED: usize = memory.data(192, 16);

export function move(debtOffset: u256, collOffset: u256, debtSpread: u256, collSpread: u256, collGas: u256, collSurplus: u256): void {
  put(MOVED + Moved.DEBT_OFFSET, debtOffset);
  put(MOVED + Moved.COLL_OFFSET, collOffset);
  put(MOVED + Moved.DEBT_SPREAD, debtSpread);
  put(MOVED + Moved.COLL_SPREAD, collSpread);
  put(MOVED + Moved.COLL_GAS, collGas);
  put(MOVED + Moved.COLL_SURPLUS, collSurplus);
}

/** Adds what a liquidation moves to the totals. */
export function tally(totals: usize): void {
  for (let field: usize = 0; field < Moved.BYTES; field += 32) increase(totals + field, at(MOVED + field));
}

/**
 * Spreads the totals' redistribution over all stakes, each time with the rest of the time before. At `terms` stand L of collateral,
 * L of debt, all stakes, and the two rests.
 */
export function redistribute(terms: usize, totals: usize): void {
  if (isNil(at(totals + Moved.DEBT_SPREAD))) return;
  const coll = add(mul(at(totals + Moved.COLL_SPREAD), wad()), at(terms + 96));
  const debt = add(mul(at(totals + Moved.DEBT_SPREAD), wad()), at(terms + 128));
  spread(terms, coll, at(terms + 64));
  spread(terms + 32, debt, at(terms + 64));
}
function spread(L: usize, amount: u256, stakes: u256): void {
  const each = div(amount, stakes);
  put(L + 96, sub(amount, mul(each, stakes)));
  increase(L, each);
}

// ---- LiquityMath

/** `_decPow`: `pow` of base and minutes, but for its first step, a multiplication by 1e18 even where it changes nothing. */
export function decPow(): i32 {
  begin();
  const base = arg(0), minutes = min(arg(1), word(525600000));
  if (!isNil(minutes)) mul(base, wad());
  result(0, pow(base, minutes, wad()));
  return endSafe(Why.SAFE_MATH);
}

export function computeCR(): i32 {
  begin();
  result(0, ratio(arg(0), arg(1), arg(2)));
  return endSafe(Why.SAFE_MATH);
}

function nominal(coll: u256, debt: u256): u256 { return ratio(coll, debt, new u256(0x6bc75e2d63100000, 5)); }

export function computeNominalCR(): i32 {
  begin();
  result(0, nominal(arg(0), arg(1)));
  return endSafe(Why.SAFE_MATH);
}

// ---- Troves

/** A trove with its gains, 32 bytes each: entire debt and collateral, and what it gained of each. */
export const ENTIRE: usize = memory.data(128, 16);

/** `getEntireDebtAndColl`, to ENTIRE, in the order of `getCurrentICR`. Only an active trove's stake gains. */
export function entire(debt: u256, coll: u256, stake: u256, snapshotETH: u256, snapshotDebt: u256, ethTerm: u256, debtTerm: u256): void {
  const ethGain = gain(stake, ethTerm, snapshotETH), debtGain = gain(stake, debtTerm, snapshotDebt);
  put(ENTIRE + 32, add(coll, ethGain));
  put(ENTIRE, add(debt, debtGain));
  put(ENTIRE + 64, debtGain);
  put(ENTIRE + 96, ethGain);
}

/** arguments: debt, coll, stake, snapshotETH, snapshotLUSDDebt, L_ETH, L_LUSDDebt, status, price */
export function icr(): i32 {
  begin();
  entire(arg(0), arg(1), arg(7).lo1 == 1 ? arg(2) : word(0), arg(3), arg(4), arg(5), arg(6));
  const debt = at(ENTIRE), coll = at(ENTIRE + 32), icr = ratio(coll, debt, arg(8)), stands = !reverted();
  copy(RESULTS, ENTIRE, 16);
  result(4, icr);
  resultFlag(5, less(icr, word(MCR)));
  result(6, nominal(coll, debt));
  resultFlag(7, reverted()); // the nominal ratio by itself
  if (stands) forgive();
  return endSafe(Why.SAFE_MATH);
}

/** arguments: activePoolETH, defaultPoolETH, activePoolLUSDDebt, defaultPoolLUSDDebt, price */
export function tcr(): i32 {
  begin();
  const coll = add(arg(0), arg(1)), tcr = ratio(coll, add(arg(2), arg(3)), arg(4));
  result(0, tcr);
  resultFlag(1, recovers(tcr));
  return endSafe(Why.SAFE_MATH);
}

/** Whether the system is in recovery mode. */
function recovers(tcr: u256): bool { return less(tcr, word(CCR)); }

/** Below which ICR a book's troves can be liquidated: MCR, in recovery mode the TCR if that is more. The pools stand one after the other. */
export function threshold(to: usize, pools: usize, price: usize): i32 {
  begin();
  const tcr = poolRatio(pools, at(price)), mcr = word(MCR);
  recovery = recovers(tcr);
  put(to, recovery && less(mcr, tcr) ? tcr : mcr);
  return endSafe(Why.SAFE_MATH);
}
/** Whether that was in recovery mode. */
export let recovery: bool = false;
function poolRatio(pools: usize, price: u256): u256 {
  return ratio(add(at(pools), at(pools + 32)), add(at(pools + 64), at(pools + 96)), price);
}

const PRODUCT: usize = memory.data(64, 16), BEFORE: usize = memory.data(32, 16);
/** The troves' prices that are searched below the end of recovery mode. */
// @ts-ignore: decorator
@inline const WINDOW: i32 = 4096;

/** The smallest price at which ⌊coll·price/debt⌋ reaches a ratio, at `out`. */
export function priceAt(out: usize, coll: usize, debt: usize, ratio: usize): i32 {
  if (isZero(debt, 4)) return Trigger.NEVER;
  if (isZero(coll, 4)) return Trigger.ALWAYS;
  clear(out, PRICE_LIMBS);
  product(PRODUCT, debt, 4, ratio, 4);
  divideUp(out, PRODUCT, 8, coll, 4);
  return isZero(out, PRICE_LIMBS) ? Trigger.NEVER : Trigger.PRICE;
}

/**
 * The smallest price from which on a trove cannot be liquidated. Above the end of recovery mode it is that of MCR. Below it, a trove
 * above MCR is unsafe where ⌊coll·p/debt⌋ < ⌊C·p/D⌋ of the pools, which is so at the last such price unless the two are less than 1 apart
 * there; then the floors decide, price by price. Where none of those within the window does, there is no telling.
 */
export function price(out: usize, coll: usize, debt: usize, pools: usize): i32 {
  begin();
  put(C, add(at(pools), at(pools + 32)));
  put(D, add(at(pools + 64), at(pools + 96)));
  const kind = priceAt(out, coll, debt, ptr(word(MCR)));
  if (kind != Trigger.PRICE || isZero(C, 4) || isZero(D, 4)) return kind;
  if (priceAt(BEFORE_OUT, C, D, ptr(word(CCR))) != Trigger.PRICE || compare(out, BEFORE_OUT, PRICE_LIMBS) >= 0) return kind;
  // C·debt ≤ D·coll: the trove is no riskier than all, at every price
  product(PRODUCT, C, 4, debt, 4);
  product(OTHER, D, 4, coll, 4);
  if (compare(PRODUCT, OTHER, 8) <= 0) return kind;
  if (!isZero(BEFORE_OUT + 32, PRICE_LIMBS - 4)) return Trigger.REVERTS;
  copy(BEFORE, BEFORE_OUT, 4);
  for (let i = 0; i < WINDOW && compare(out, BEFORE, 4) < 0; ++i, forget()) {
    const p = sub(at(BEFORE), word(1)), own = ratio(at(coll), at(debt), p), all = ratio(at(C), at(D), p);
    if (reverted()) return Trigger.REVERTS;
    if (less(own, all)) {
      clear(out, PRICE_LIMBS);
      copy(out, BEFORE, 4);
      return kind;
    }
    put(BEFORE, p);
  }
  return compare(out, BEFORE, 4) < 0 ? Trigger.REVERTS : kind;
}
const C: usize = memory.data(32, 16), D: usize = memory.data(32, 16);
const BEFORE_OUT: usize = memory.data(96, 16), OTHER: usize = memory.data(64, 16);

// ---- Liquidation

/** The liquidator's part of collateral, and LUSD for each trove. */
function gasOf(coll: u256): u256 { return div(coll, word(200)); }
function gasLUSD(): u256 { return new u256(0xd78ebc5ac6200000, 10); }

/** `_getOffsetAndRedistributionVals`, to MOVED; `coll` is without `gas`. */
function offset(debt: u256, coll: u256, pool: u256, gas: u256): void {
  let byPool = word(0), toPool = byPool;
  if (!isNil(pool)) {
    byPool = min(debt, pool);
    toPool = div(mul(coll, byPool), debt);
  }
  move(byPool, toPool, sub(debt, byPool), sub(coll, toPool), gas, word(0));
}

/** `_getCappedOffsetVals`, to MOVED: the pool takes all debt, and collateral for MCR of it. */
function capped(debt: u256, coll: u256, price: u256): void {
  const none = word(0), portion = div(mul(debt, word(MCR)), price), gas = gasOf(portion);
  move(debt, sub(portion, gas), none, none, gas, sub(coll, portion));
}

/** arguments: function, debt, coll, LUSDInStabPool, price. Results as in `Moved`, then LUSDGasCompensation. */
export function liquidationAmounts(): i32 {
  begin();
  if (flag(0)) capped(arg(1), arg(2), arg(4));
  else offset(arg(1), arg(2), arg(3), word(0));
  copy(RESULTS, MOVED, 24);
  result(6, gasLUSD());
  return endSafe(Why.SAFE_MATH);
}

/** What `batchLiquidateTroves` of one trove among `all` would move, then the liquidator's LUSD; the reason why it would not, or 0. */
export function liquidateOne(to: usize, coll: usize, debt: usize, price: usize, pool: usize, pools: usize, recovery: bool, all: u32): i32 {
  const has = at(coll), owes = at(debt), p = at(price), inPool = at(pool), icr = ratio(has, owes, p), tcr = poolRatio(pools, p);
  const how = howTo(icr, tcr, recovery, owes, inPool, all);
  require(how != How.NOT, Why.NOTHING);
  require(all > 1, Why.ONLY_ONE);
  if (reverted()) return endSafe(Why.SAFE_MATH);
  const gas = gasOf(has);
  if (how == How.CAPPED) capped(owes, has, p);
  else offset(owes, sub(has, gas), how == How.OFFSET ? inPool : word(0), gas);
  if (recovery) { // the system's TCR after it is asked for
    sub(add(at(pools + 64), at(pools + 96)), at(MOVED + Moved.DEBT_OFFSET));
    sub(add(at(pools), at(pools + 32)), at(MOVED + Moved.COLL_OFFSET));
  }
  copy(to, MOVED, 24);
  put(to + Moved.BYTES, gasLUSD());
  return endSafe(Why.SAFE_MATH);
}

/** How a trove is liquidated, of `left` that there are. */
function howTo(icr: u256, tcr: u256, recovery: bool, debt: u256, pool: u256, left: u32): i32 {
  const below = less(icr, word(MCR)), usual = below ? How.OFFSET : How.NOT;
  if (!recovery) return usual;
  if (left <= 1) return How.NOT;
  if (!less(wad(), icr)) return How.SPREAD;
  return !below && less(icr, tcr) && !less(pool, debt) ? How.CAPPED : usual;
}

/** Results of `liquidate`; from TERMS on the five of `redistribute`, from TOTALS on those of `Moved`, and what runs along. */
// @ts-ignore: decorator
@inline const TERMS: usize = RESULTS + 2 * 32;
// @ts-ignore: decorator
@inline const STAKES: usize = RESULTS + 4 * 32;
// @ts-ignore: decorator
@inline const DEBT: usize = RESULTS + 7 * 32;
// @ts-ignore: decorator
@inline const COLL: usize = RESULTS + 8 * 32;
// @ts-ignore: decorator
@inline const LUSD_GAS: usize = RESULTS + 9 * 32;
// @ts-ignore: decorator
@inline const TOTALS: usize = RESULTS + 10 * 32;
// @ts-ignore: decorator
@inline const POOL: usize = RESULTS + 16 * 32;
// @ts-ignore: decorator
@inline const SYSTEM_DEBT: usize = RESULTS + 17 * 32;
// @ts-ignore: decorator
@inline const SYSTEM_COLL: usize = RESULTS + 18 * 32;

/** Values of a trove's row: debt, coll, stake, snapshotETH, snapshotLUSDDebt. */
// @ts-ignore: decorator
@inline const ROW: usize = 5 * 32;

/** How a trove is liquidated. */
namespace How { export const NOT = 0, SPREAD = 1, OFFSET = 2, CAPPED = 3; }

/**
 * `liquidateTroves(n)` along the sorted list from its tail, or `batchLiquidateTroves(troveArray)`. Recovery mode ends for the rest
 * of the sequence where the running TCR reaches CCR; in a list the head stays in it, and a batch forgets the surplus in the TCR.
 *
 * arguments: function, n, price, LUSDInStabPool, activePoolETH, defaultPoolETH, activePoolLUSDDebt, defaultPoolLUSDDebt, L_ETH,
 * L_LUSDDebt, totalStakes, both errors, troves, sortedTroves, troveArray
 */
export function liquidate(): i32 {
  begin();
  const list = !flag(0), all = count(13), steps = count(list ? 14 : 15), order = rows(list ? 14 : 15), troves = rows(13);
  const closed = STAGE + STAGE_BYTES - (<usize>all << 6), surplus = closed + (<usize>all << 5); // results: a flag and a surplus each
  memory.fill(closed, 0, <usize>all << 6);
  memory.fill(RESULTS, 0, 32 * 32);
  copy(TERMS, ARGS + 8 * 32, 5 * 4);
  copy(POOL, ARGS + 3 * 32, 4);
  require(list || steps > 0, Why.EMPTY);
  put(SYSTEM_COLL, add(arg(4), arg(5)));
  put(SYSTEM_DEBT, add(arg(6), arg(7)));
  const recovery = recovers(ratio(at(SYSTEM_COLL), at(SYSTEM_DEBT), arg(2)));
  let normal = !recovery, left = all;

  for (let i: u32 = 0; i < steps && !reverted(); ++i, forget()) {
    if (list && (!less(word(i), arg(1)) || (recovery && i == steps - 1))) break;
    const number: usize = load<u32>(order + (<usize>(list ? steps - 1 - i : i) << 5)) - 1;
    const trove = troves + number * ROW, flag = closed + (number << 5);
    if (load<u64>(flag)) continue;
    entire(at(trove), at(trove + 32), at(trove + 64), at(trove + 96), at(trove + 128), arg(8), arg(9));
    const debt = at(ENTIRE), coll = at(ENTIRE + 32), price = arg(2), pool = at(POOL), icr = ratio(coll, debt, price);
    if (!less(icr, word(MCR)) && (normal || isNil(pool))) {
      if (list) break;
      continue;
    }
    const how = howTo(icr, normal ? icr : ratio(at(SYSTEM_COLL), at(SYSTEM_DEBT), price), !normal, debt, pool, left);
    if (how) {
      const gas = gasOf(coll);
      decrease(STAKES, at(trove + 64));
      if (how == How.CAPPED) capped(debt, coll, price);
      else offset(debt, sub(coll, gas), how == How.OFFSET ? pool : word(0), gas);
      require(left > 1, Why.ONLY_ONE);
      --left;
      decrease(POOL, at(MOVED + Moved.DEBT_OFFSET));
      if (!normal) {
        decrease(SYSTEM_DEBT, at(MOVED + Moved.DEBT_OFFSET));
        decrease(SYSTEM_COLL, at(MOVED + Moved.COLL_OFFSET));
        if (list) decrease(SYSTEM_COLL, at(MOVED + Moved.COLL_SURPLUS));
      }
      tally(TOTALS);
      increase(DEBT, debt);
      increase(COLL, coll);
      increase(LUSD_GAS, gasLUSD());
      store<u64>(flag, 1);
      copy(surplus + (number << 5), MOVED + Moved.COLL_SURPLUS, 4);
    }
    if (!normal) normal = !recovers(ratio(at(SYSTEM_COLL), at(SYSTEM_DEBT), price));
  }

  require(!isNil(at(DEBT)), Why.NOTHING);
  redistribute(TERMS, TOTALS);
  decrease(COLL, at(TOTALS + Moved.COLL_GAS));
  decrease(COLL, at(TOTALS + Moved.COLL_SURPLUS));
  resultRows(0, all, closed);
  resultRows(1, all, surplus);
  return endSafe(Why.SAFE_MATH);
}
