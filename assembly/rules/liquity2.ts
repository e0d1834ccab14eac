/**
 * Liquity v2 (BOLD): `TroveManager`, `ActivePool` and `LiquityMath` of liquity/bold@b40fa9b9, re-implemented from the formulas.
 *
 *   interest(debt, rate) = ⌊debt·rate·seconds / (365 days·1e18)⌋, simple until a trove or its batch is next touched
 *   entire debt = debt + interest + redistribution gain; in a batch its share of the batch's debt, interest and fee, three floors
 *   a trove can be liquidated ⇔ ICR = ⌊coll·price / debt⌋ < MCR
 *
 * Amounts, prices, ratios and yearly rates 1e18, weighted debt 1e36, times in seconds. Every intermediate is a checked uint256.
 */
import { ARGS, RESULTS, STAGE, STAGE_BYTES } from "../layout";
import { compare, copy } from "../wide/limbs";
import {
  WAD, add, arg, at, begin, count, decrease, div, end, forget, increase, isNil, less, min, mul, mulDivUp, put, require, result, resultFlag,
  resultRows, reverted, rows, rowsOf, sub, u256, wad, word,
} from "../wide/u256";
import { MOVED, Moved, gain, move, ratio, redistribute, tally } from "./liquity";

/** Why the contracts revert, in the order of the messages in bindings/protocols/liquity-v2.ts. */
namespace Why { export const EMPTY = 3, NOTHING = 4; }

/** 365 days, and 1e18 for the rate. */
function year(): u256 { return new u256(0xfc4ea7109e000000, 0x1a1601); }

// ---- Troves

/** `_getInterestPeriod`: until now, or until the branch was shut down. */
function periodOf(since: u256, shutdown: u256, now: u256): u256 {
  if (isNil(shutdown)) return sub(now, since);
  return less(since, shutdown) ? sub(shutdown, since) : word(0);
}

/** `_calcInterest`; its two floors are one. */
function accrued(debt: u256, rate: u256, period: u256): u256 { return div(mul(mul(debt, rate), period), year()); }

/** A trove's share of its batch; 0 of a batch without shares. */
function share(whole: u256, shares: u256, all: u256): u256 { return isNil(all) ? all : div(mul(whole, shares), all); }

/** Where `latest` leaves a trove, 32 bytes each. */
namespace Latest {
  export const DEBT: usize = 0, COLL: usize = 32, DEBT_GAIN: usize = 64, COLL_GAIN: usize = 96, INTEREST: usize = 128, RECORDED: usize = 160;
  export const RATE: usize = 192, WEIGHTED: usize = 224, FEE: usize = 256;
}

/**
 * `getLatestTroveData`, at `to`. A trove by itself is a batch of one share without a fee: `debt`, `rate`, `fee` and `since` are the
 * batch's, and `shares` of `all` the trove's.
 */
export function latest(
  to: usize, debt: u256, rate: u256, fee: u256, since: u256, shares: u256, all: u256, coll: u256, stake: u256, snapshotColl: u256,
  snapshotDebt: u256, shutdown: u256, now: u256, collTerm: u256, debtTerm: u256,
): void {
  const period = periodOf(since, shutdown, now), interest = accrued(debt, rate, period), managed = accrued(debt, fee, period);
  add(add(debt, interest), managed); // the batch's own
  const collGain = gain(stake, collTerm, snapshotColl), debtGain = gain(stake, debtTerm, snapshotDebt);
  const recorded = share(debt, shares, all), ownInterest = share(interest, shares, all), ownFee = share(managed, shares, all);
  put(to + Latest.DEBT, add(add(add(recorded, debtGain), ownInterest), ownFee));
  put(to + Latest.COLL, add(coll, collGain));
  put(to + Latest.DEBT_GAIN, debtGain);
  put(to + Latest.COLL_GAIN, collGain);
  put(to + Latest.INTEREST, ownInterest);
  put(to + Latest.RECORDED, recorded);
  put(to + Latest.RATE, rate);
  put(to + Latest.WEIGHTED, mul(recorded, rate));
  put(to + Latest.FEE, ownFee);
}

/** Values of a trove, as arguments and as a row; the row goes on with status and batchIndex. */
namespace Trove {
  export const DEBT: usize = 0, RATE: usize = 32, SINCE: usize = 64, COLL: usize = 96, STAKE: usize = 128, SHARES: usize = 160;
  export const BATCH: usize = 192, SNAPSHOT_COLL: usize = 224, SNAPSHOT_DEBT: usize = 256;
  export const STATUS: usize = 288, BATCH_INDEX: usize = 320, BYTES: usize = 352;
}
/** Of a batch. */
namespace Batch {
  export const DEBT: usize = 0, SHARES: usize = 32, RATE: usize = 64, FEE: usize = 96, SINCE: usize = 128, COLL: usize = 160;
}

/** Where a trove's batch stands; 0 for a trove by itself. */
function batchOf(trove: usize): usize { return load<u32>(trove + Trove.BATCH) ? rowsOf(trove + Trove.BATCH) : 0; }

/** `latest` of a trove's values, under the terms shutdownTime, timestamp, L_coll, L_boldDebt. */
function latestOf(to: usize, trove: usize, terms: usize): void {
  const batch = batchOf(trove), one = word(1);
  latest(
    to, at(batch ? batch + Batch.DEBT : trove + Trove.DEBT), at(batch ? batch + Batch.RATE : trove + Trove.RATE),
    batch ? at(batch + Batch.FEE) : word(0), at(batch ? batch + Batch.SINCE : trove + Trove.SINCE),
    batch ? at(trove + Trove.SHARES) : one, batch ? at(batch + Batch.SHARES) : one, at(trove + Trove.COLL), at(trove + Trove.STAKE),
    at(trove + Trove.SNAPSHOT_COLL), at(trove + Trove.SNAPSHOT_DEBT), at(terms), at(terms + 32), at(terms + 64), at(terms + 96),
  );
}

/** arguments: those of `Trove`, then shutdownTime, timestamp, L_coll, L_boldDebt. Results as in `Latest`. */
export function troveDebt(): i32 {
  begin();
  latestOf(RESULTS, ARGS, ARGS + 9 * 32);
  return end();
}

/** arguments: those of `troveDebt`, then price, MCR */
export function icr(): i32 {
  begin();
  latestOf(RESULTS, ARGS, ARGS + 9 * 32);
  const icr = ratio(at(RESULTS + Latest.COLL), at(RESULTS + Latest.DEBT), arg(13));
  result(2, icr);
  resultFlag(3, less(icr, arg(14)));
  return end();
}

// ---- The branch

/** What accrues on the whole branch, rounded up. */
function accruedUp(weighted: u256, period: u256): u256 { return mulDivUp(mul(weighted, period), word(1), year()); }

/**
 * `_getTCR` by the pools' trackers, whose interest and fees are rounded up. arguments: shutdownTime, timestamp, collBalance,
 * defaultPoolCollBalance, aggRecordedDebt, aggWeightedDebtSum, lastAggUpdateTime, aggBatchManagementFees,
 * aggWeightedBatchManagementFeeSum, lastAggBatchManagementFeesUpdateTime, defaultPoolBoldDebt, price, CCR, SCR
 */
export function branchTCR(): i32 {
  begin();
  const shutdown = arg(0), now = arg(1), open = isNil(shutdown), until = open ? now : shutdown, since = arg(9);
  const interest = open ? accruedUp(arg(5), sub(now, arg(6))) : word(0);
  const fee = accruedUp(arg(8), sub(until, min(since, until)));
  const debt = add(add(add(add(arg(4), interest), arg(7)), fee), arg(10)), coll = add(arg(2), arg(3));
  const tcr = ratio(coll, debt, arg(11));
  result(0, interest);
  result(1, fee);
  result(2, debt);
  result(3, coll);
  result(4, tcr);
  resultFlag(5, less(tcr, arg(12)));
  resultFlag(6, open && !less(tcr, arg(13)));
  return end();
}

// ---- Liquidation

/** The most collateral that pays for debt with a penalty. */
function worth(debt: u256, penalty: u256, price: u256): u256 { return div(mul(debt, add(wad(), penalty)), price); }

/** `_getOffsetAndRedistributionVals`, to MOVED. What the pool's cap leaves goes to redistribution, and what that leaves to the owner. */
function split(debt: u256, coll: u256, pool: u256, price: u256, poolPenalty: u256, spreadPenalty: u256): void {
  const none = word(0);
  let byPool = none, portion = none, gas = none, toPool = none, spread = none, surplus = none;
  if (!isNil(pool)) {
    byPool = min(debt, pool);
    portion = div(mul(coll, byPool), debt);
    gas = min(div(portion, word(200)), word(2 * WAD));
    surplus = sub(portion, gas);
    toPool = min(surplus, worth(byPool, poolPenalty, price));
    surplus = sub(surplus, toPool);
  }
  const rest = sub(debt, byPool), restColl = sub(coll, portion);
  if (!isNil(rest) && !isNil(restColl)) {
    surplus = add(restColl, surplus);
    spread = min(surplus, worth(rest, spreadPenalty, price));
    surplus = sub(surplus, spread);
  }
  move(byPool, toPool, rest, spread, gas, surplus);
}

/**
 * arguments: entireTroveDebt, entireTroveColl, boldInSPForOffsets, price, LIQUIDATION_PENALTY_SP, LIQUIDATION_PENALTY_REDISTRIBUTION.
 * Results as in `Moved`.
 */
export function liquidationAmounts(): i32 {
  begin();
  split(arg(0), arg(1), arg(2), arg(3), arg(4), arg(5));
  copy(RESULTS, MOVED, 24);
  return end();
}

/** What `batchLiquidateTroves` of one trove would move, then the liquidator's compensation for gas; the reason why it would not, or 0. */
export function liquidateOne(to: usize, coll: usize, debt: usize, price: usize, mcr: usize, deposits: usize, penalties: usize): i32 {
  const has = at(coll), owes = at(debt), p = at(price), inPool = at(deposits);
  require(less(ratio(has, owes, p), at(mcr)), Why.NOTHING);
  if (reverted()) return end();
  split(owes, has, sub(inPool, min(inPool, wad())), p, at(penalties), at(penalties + 32));
  copy(to, MOVED, 24);
  put(to + Moved.BYTES, gasCompensation());
  return end();
}
/** Takes a liquidated trove out of its batch, which stands as in `Batch`; at `now` stands 0 where interest is left out. */
export function leave(batch: usize, shares: u256, debt: u256, debtGain: u256, shutdown: u256, now: usize): void {
  const whole = at(batch + Batch.DEBT), since = at(batch + Batch.SINCE), time = at(now), period = isNil(time) ? time : periodOf(since, shutdown, time);
  const left = add(add(whole, accrued(whole, at(batch + Batch.RATE), period)), accrued(whole, at(batch + Batch.FEE), period));
  put(batch + Batch.DEBT, sub(left, sub(debt, debtGain)));
  decrease(batch + Batch.SHARES, shares);
  if (!isNil(time)) put(batch + Batch.SINCE, word(time.lo1)); // as a uint64
}
function gasCompensation(): u256 { return word(37500000000000000); }

/** Results of `batchLiquidateTroves`; from TERMS on the five of `redistribute`, from TOTALS on those of `Moved`, and what runs along. */
// @ts-ignore: decorator
@inline const TERMS: usize = RESULTS + 32;
// @ts-ignore: decorator
@inline const STAKES: usize = RESULTS + 3 * 32;
// @ts-ignore: decorator
@inline const BOLD_GAS: usize = RESULTS + 6 * 32;
// @ts-ignore: decorator
@inline const TOTALS: usize = RESULTS + 7 * 32;
// @ts-ignore: decorator
@inline const POOL: usize = RESULTS + 13 * 32;
// @ts-ignore: decorator
@inline const COLL: usize = RESULTS + 14 * 32;
// @ts-ignore: decorator
@inline const OLD_WEIGHTED: usize = RESULTS + 15 * 32;
// @ts-ignore: decorator
@inline const NEW_WEIGHTED: usize = RESULTS + 16 * 32;

const TROVE: usize = memory.data(288, 16);

/**
 * `batchLiquidateTroves` in the caller's order: it skips what is closed or healthy. The pool keeps 1e18. Troves with the same
 * batchIndex share a batch, which every liquidation leaves as the next finds it.
 *
 * arguments: shutdownTime, timestamp, L_coll, L_boldDebt, totalStakes, both errors, MCR, price, totalBoldDeposits, penalties, troves,
 * order
 */
export function batchLiquidateTroves(): i32 {
  begin();
  const all = count(11), troves = rows(11), steps = count(12), order = rows(12), penalties = rows(10);
  const closed = STAGE + STAGE_BYTES - (<usize>all << 5); // a result: a flag each
  memory.fill(closed, 0, <usize>all << 5);
  memory.fill(RESULTS, 0, 32 * 32);
  copy(TERMS, ARGS + 2 * 32, 5 * 4);
  shareBatches(troves, all);
  const deposits = arg(9);
  put(POOL, sub(deposits, min(deposits, wad())));
  require(steps > 0, Why.EMPTY);

  for (let i: u32 = 0; i < steps && !reverted(); ++i, forget()) {
    const number: usize = load<u32>(order + (<usize>i << 5)) - 1, trove = troves + number * Trove.BYTES, flag = closed + (number << 5);
    const status = load<u64>(trove + Trove.STATUS), mcr = arg(7), price = arg(8);
    if (load<u64>(flag) || (status != 1 && status != 4)) continue; // active, zombie
    latestOf(TROVE, trove, ARGS);
    const debt = at(TROVE + Latest.DEBT), coll = at(TROVE + Latest.COLL);
    if (!less(ratio(coll, debt, price), mcr)) continue;
    const given = count(10) != 0;
    split(
      debt, coll, at(POOL), price, given ? at(penalties) : word(WAD / 20), given ? at(penalties + 32) : sub(mcr, wad()),
    );
    decrease(STAKES, at(trove + Trove.STAKE));
    leaveBatch(trove, debt, coll);
    decrease(POOL, at(MOVED + Moved.DEBT_OFFSET));
    tally(TOTALS);
    increase(COLL, coll);
    increase(BOLD_GAS, gasCompensation());
    store<u64>(flag, 1);
  }

  require(!isNil(at(BOLD_GAS)), Why.NOTHING);
  redistribute(TERMS, TOTALS);
  resultRows(0, all, closed);
  return end();
}

/** Makes troves with the same batchIndex refer to the first one's batch. */
function shareBatches(troves: usize, all: usize): void {
  for (let i = troves, to = troves + all * Trove.BYTES; i < to; i += Trove.BYTES) {
    for (let j = troves; j < i; j += Trove.BYTES) {
      const same = batchOf(i) && batchOf(j) && !compare(i + Trove.BATCH_INDEX, j + Trove.BATCH_INDEX, 4);
      if (same) { copy(i + Trove.BATCH, j + Trove.BATCH, 4); break; }
    }
  }
}

/** Takes a closing trove's debt, shares and collateral out of its batch, and sums the weighted debts that the pools are told. */
function leaveBatch(trove: usize, debt: u256, coll: u256): void {
  const batch = batchOf(trove);
  if (!batch) return increase(OLD_WEIGHTED, at(TROVE + Latest.WEIGHTED));
  const now = arg(1), whole = at(batch + Batch.DEBT), rate = at(batch + Batch.RATE), fee = at(batch + Batch.FEE);
  const period = periodOf(at(batch + Batch.SINCE), arg(0), now);
  const left = add(add(whole, accrued(whole, rate, period)), accrued(whole, fee, period));
  const gone = sub(debt, at(TROVE + Latest.DEBT_GAIN));
  decrease(batch + Batch.SHARES, at(trove + Trove.SHARES));
  put(batch + Batch.DEBT, sub(left, gone));
  decrease(batch + Batch.COLL, sub(coll, at(TROVE + Latest.COLL_GAIN)));
  put(batch + Batch.SINCE, word(now.lo1)); // as a uint64
  increase(OLD_WEIGHTED, add(mul(whole, rate), mul(gone, rate)));
  increase(NEW_WEIGHTED, mul(left, rate));
  add(mul(whole, fee), mul(gone, fee));
  mul(left, fee);
}
