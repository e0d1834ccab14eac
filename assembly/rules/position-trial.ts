/**
 * What-if of one position: `borrow`, `withdrawCollateral`, `repay` and `supplyCollateral` of morpho-blue@3085651a, by assets, and
 * `adjustTrove` of liquity/dev@87345ccd and liquity/bold@b40fa9b9, tried out on its figures; and what it is as time goes by.
 * What is borrowed of a Liquity is the whole increase of the debt, its fee included. What the book does not know (v2's TCR, v1's without pools,
 * whether a trove is open) is taken to allow it.
 */
import { ofLiquity, ofLiquityV2, ofMorpho } from "../cut";
import { addSmall, clear, compare, copy, isZero, product } from "../wide/limbs";
import { Revert, Round, WAD, add, at, begin, fits, less, min, ptr, put, require, reverted, sub, u256, word } from "../wide/u256";
import * as v1 from "./liquity";
import * as morpho from "./morpho";
import {
  ACTIVE_COLL, ACTIVE_DEBT, BORROW_SHARES, BROKEN, COLLATERAL, DEBT, DEFAULT_COLL, DEFAULT_DEBT, HAS, LAST_UPDATE, MARKET_BYTES, NORMAL, OWED,
  OWES, PRICE, SHUTDOWN, SUPPLY_ASSETS, THRESHOLD, TIME, UPDATED, VALUE, VIEW_ASSETS, VIEW_SUPPLY, batchOf, derive, entire, evaluate,
  fails, quotientTo, stride, weigh,
} from "./position";
import { ALL, Figure } from "./status";
import { FIRST, LAST, Question, TARGET, Verdict, byRatio, endless } from "./trial";

let question: i32 = Question.TIME;
/** Whether what is asked moves the debt; and whether it adds. */
let ofDebt = false, adds = false;
/** The market and the row, as they are tried. */
const MARKET: usize = memory.data(1024, 16), ROW: usize = memory.data(144, 16);
/** What stood there before: of a position the amount in question, the market's assets and shares; of a trove what it has and owes, and the pools. */
const BEFORE: usize = memory.data(128, 16), QUOTIENT: usize = memory.data(64, 16);

/** Takes over what is asked of a vault, in a market's record as it is viewed. With `stored`, times begin where interest was last added. */
export function beginTrial(asked: i32, record: usize, vault: usize, stored: bool): void {
  question = asked;
  ofDebt = asked == Question.BORROW || asked == Question.REPAY; adds = asked == Question.BORROW || asked == Question.COLLATERAL;
  memory.copy(MARKET, record, MARKET_BYTES);
  memory.copy(ROW, vault, stride());
  if (asked == Question.TIME) return beginTime(stored);
  endless();
  if (ofMorpho()) beginPosition();
  else beginTrove();
}

export function tryAt(x: usize): i32 { return question == Question.TIME ? unsafeAt(x) : ofMorpho() ? tryPosition(x) : tryTrove(x); }

/**
 * Amounts: each call's checks are monotone, for floors of what is monotone are, as long as a position's shares are part of the market's; and so is what is
 * reached, but for the health of a trove in recovery mode, whose threshold moves along (of a trove that is next to all of the system, roundings decide).
 */
export function mayHold(low: usize, high: usize): bool {
  if (question == Question.TIME && ofMorpho()) return mayBeUnsafe(low, high);
  if (ofMorpho() && ofDebt && isOdd) return true;
  return tryAt(high) != Verdict.NO || (ofLiquity() && question >= Question.REPAY && !byRatio && recovers && mayReach(low, high));
}

/** Whether what was evaluated last has the health, or the ratio, that is wanted. */
function reaches(): i32 {
  quotientTo(QUOTIENT, byRatio ? Figure.RATIO : Figure.HEALTH);
  return !isZero(QUOTIENT + 32, 4) || compare(QUOTIENT, TARGET, 4) >= 0 ? Verdict.YES : Verdict.NO;
}

// ---- Time

function beginTime(stored: bool): void {
  if (ofMorpho()) { if (stored) copy(FIRST, MARKET + LAST_UPDATE, 4); }
  else if (ofLiquityV2() && isZero(FIRST, 4)) { // 0 is as stored
    const batch = batchOf(ROW);
    copy(FIRST, MARKET + TIME, 4);
    if (!isZero(FIRST, 4)) return;
    if (batch) copy(FIRST, batch + 128, 4);
    else copy(FIRST, ROW + UPDATED, 2);
  }
}

function unsafeAt(time: usize): i32 {
  derive(MARKET, time, ALL);
  return !evaluate(MARKET, ROW) ? Verdict.BEYOND : fails() ? Verdict.YES : Verdict.NO;
}

/** Of a position, whose debt is the more the more its market has borrowed; a trove's never falls. */
function mayBeUnsafe(low: usize, high: usize): bool {
  begin();
  if (!morpho.mostBorrowed(MARKET + SUPPLY_ASSETS, at(low), at(high), MARKET + VIEW_ASSETS)) return true;
  store<u32>(MARKET, 0, BROKEN);
  return !evaluate(MARKET, ROW) || fails();
}

// ---- Morpho

/** Whether a position has more shares than its market. */
let isOdd = false;

function beginPosition(): void {
  clear(BEFORE, 4);
  copy(BEFORE, ROW + (ofDebt ? DEBT : COLLATERAL), 2);
  copy(BEFORE + 32, MARKET + VIEW_ASSETS, 4);
  copy(BEFORE + 64, MARKET + BORROW_SHARES, 4);
  isOdd = compare(BEFORE, BEFORE + 64, 4) > 0;
  if (question == Question.WITHDRAW) copy(LAST, BEFORE, 4);
}

function moved(before: u256, by: u256): u256 { return adds ? add(before, by) : sub(before, by); }

function tryPosition(x: usize): i32 {
  begin();
  let change = at(x);
  if (ofDebt) {
    const all = at(BEFORE + 32), total = at(BEFORE + 64), assets = moved(all, change); // shares of more than all are more than all shares
    change = morpho.toShares(change, all, total, adds ? Round.UP : Round.DOWN);
    const shares = moved(total, change);
    put(MARKET + VIEW_ASSETS, assets);
    put(MARKET + BORROW_SHARES, shares);
    require(fits(assets, 128) && fits(shares, 128), Revert.ARITHMETIC);
  }
  const own = moved(at(BEFORE), change);
  if (reverted() || !fits(own, 128)) return question == Question.BORROW ? Verdict.NO : Verdict.BEYOND;
  copy(ROW + (ofDebt ? DEBT : COLLATERAL), ptr(own), 2);
  if (!evaluate(MARKET, ROW)) return ofDebt ? Verdict.NO : Verdict.BEYOND; // less debt, or less collateral, may not overflow
  if (question >= Question.REPAY) return reaches();
  return fails() || (ofDebt && compare(MARKET + VIEW_SUPPLY, MARKET + VIEW_ASSETS, 4) < 0) ? Verdict.NO : Verdict.YES;
}

// ---- Liquity

/** The least ICR that a call asks for: MCR, 10 % more in a batch; in recovery mode, to borrow, CCR and what there is, else nothing. */
const REQUIRED: usize = memory.data(32, 16), ASKED: usize = memory.data(64, 16);
/** Whether the trove's figures stand; of v1, whether there are pools, and recovery mode; of v2, whether the branch was shut down. */
let stands = false, pooled = false, recovers = false, isShut = false;

/** The least debt: v1's 1800 without the 200 for gas, and v2's. */
function leastDebt(): u256 { return new u256(0x6b935b8bbd400000, 0x6c); }

function beginTrove(): void {
  begin();
  entire(MARKET, ROW);
  const isV1 = ofLiquity(), least = leastDebt();
  recovers = isV1 && !load<u32>(MARKET, NORMAL);
  isShut = !isV1 && !isZero(MARKET + SHUTDOWN, 4);
  pooled = false;
  copy(BEFORE, HAS, 4);
  copy(BEFORE + 32, OWES, 4);
  if (isV1) {
    put(BEFORE + 64, add(at(MARKET + ACTIVE_COLL), at(MARKET + DEFAULT_COLL)));
    put(BEFORE + 96, add(at(MARKET + ACTIVE_DEBT), at(MARKET + DEFAULT_DEBT)));
    pooled = !isZero(BEFORE + 96, 4);
    copy(MARKET + ACTIVE_COLL, BEFORE + 64, 4); clear(MARKET + DEFAULT_COLL, 4);
    copy(MARKET + ACTIVE_DEBT, BEFORE + 96, 4); clear(MARKET + DEFAULT_DEBT, 4);
  }
  const has = at(BEFORE), owes = at(BEFORE + 32);
  if (question == Question.WITHDRAW) put(LAST, recovers ? word(0) : pooled ? min(has, at(BEFORE + 64)) : has);
  if (question == Question.REPAY) {
    put(LAST, less(owes, least) ? word(0) : sub(owes, least));
    if (pooled && compare(BEFORE + 96, LAST, 4) < 0) copy(LAST, BEFORE + 96, 4);
  }
  copy(REQUIRED, MARKET + THRESHOLD, 4);
  if (isV1) {
    const icr = v1.ratio(has, owes, at(MARKET + PRICE)), least = word(v1.CCR); // the call asks for it in either mode
    if (recovers) put(REQUIRED, question != Question.BORROW ? word(0) : less(icr, least) ? least : icr);
  } else if (batchOf(ROW) && addSmall(REQUIRED, WAD / 10, 4)) memory.fill(REQUIRED, 0xff, 32);
  stands = !reverted();
}

/** Moves what is asked by an amount, with the threshold that this makes; whether it stands. */
function move(x: usize): bool {
  begin();
  copy(HAS, BEFORE, 4);
  copy(OWES, BEFORE + 32, 4);
  put(ofDebt ? OWES : HAS, moved(at(ofDebt ? BEFORE + 32 : BEFORE), at(x)));
  if (pooled) {
    put(MARKET + (ofDebt ? ACTIVE_DEBT : ACTIVE_COLL), moved(at(ofDebt ? BEFORE + 96 : BEFORE + 64), at(x)));
    if (reverted() || v1.threshold(MARKET + THRESHOLD, MARKET + ACTIVE_COLL, MARKET + PRICE)) return false;
  }
  weigh(MARKET);
  return !reverted();
}

function tryTrove(x: usize): i32 {
  const gives = question >= Question.REPAY;
  if (!stands) return Verdict.NO;
  if (!move(x)) return question == Question.BORROW ? Verdict.NO : Verdict.BEYOND;
  if (gives && isZero(x, 4)) return reaches();
  if (isShut) return Verdict.NO;
  if (ofLiquityV2() && less(at(OWES), leastDebt())) return question == Question.BORROW ? Verdict.BEYOND : Verdict.NO;
  product(ASKED, OWES, 4, REQUIRED, 4);
  if (!isZero(OWES, 4) && (!isZero(ASKED + 32, 4) || compare(VALUE, ASKED, 4) < 0)) return Verdict.NO;
  if (pooled && !recovers && v1.recovery) return Verdict.NO; // below CCR
  return gives ? reaches() : Verdict.YES;
}

/** In recovery mode thresholds rise with what is given until it ends, and fall then: none of an interval is below those of both ends. */
function mayReach(low: usize, high: usize): bool {
  if (!stands || !pooled || !move(low)) return false;
  copy(ASKED, MARKET + THRESHOLD, 4);
  if (!move(high) || compare(ASKED, MARKET + THRESHOLD, 4) >= 0) return false;
  product(OWED, OWES, 4, ASKED, 4);
  return reaches() == Verdict.YES;
}
