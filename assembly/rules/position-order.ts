/**
 * In which order positions come: by exact figures, and by scores near them in floating point, which nearly always tell.
 *
 * A score is made of real quotients, where the contracts round; by how much that may move its figure is its doubt (rules/status). With x
 * what is owed, y the limit and c the collateral, all real, and a for Morpho's assets for a share,
 *
 *   Morpho     owed ∈ [x, x + 1)           limit ∈ (y − 1 − lltv/1e18, y]       collateral is what it is
 *   Liquity    owed ∈ (x − 6, x]           collateral ∈ (c − 1, c]              v2's floors, all together; v1's are fewer
 *
 *   quotients  owed/limit is within x/y·(1 ± (by owed)/x ± 2·(by limit)/y) where both are small
 *   prices     are quotients rounded up, by less than 1 more; Morpho's inner one is within (1 + lltv/1e18)/x
 *   profits    by the terms of a scan: of Morpho (LIF − 1)·min(x, c·price/LIF) within 8 + price + a, for all of the debt is repaid, or as
 *              much as all collateral pays for, whose shares are never more. Of Liquity the gas compensation, a part of the collateral,
 *              and what is paid beside it. Where it is not clear whether a liquidation is refused, only the rule tells.
 *
 * In a market that is screened only wild rows revert (rules/position). They, and whatever much doubt is left of, are scored by their exact
 * figures. (Of 2,000 unsafe among 1,000,000 positions of Morpho, each scored exactly: 2.5 ms by debt or by price and 10.6 ms by profit.)
 */
import { ofLiquity, ofLiquityV2, ofMorpho } from "../cut";
import { FACTOR, LIVE, PASS, vaultAt } from "../store/chunks";
import { TWO_50, near, near128 } from "../wide/float";
import { clear, compare, copy, isZero, product } from "../wide/limbs";
import { WAD, at, begin, min, ptr, sub, wad, word } from "../wide/u256";
import * as gain from "./gain";
import { incentive } from "./morpho";
import {
  BORROW_SHARES, DEBT, DEPOSITS, HAS, LIMIT, LLTV, L_COLL, L_DEBT, NORMAL, OWED, OWES, PENALTY_SP, PENALTY_SPREAD, PRICE, QUOTE, RATE, SHARES,
  SHUTDOWN, SNAPSHOT_COLL, SNAPSHOT_DEBT, STAKE, THRESHOLD, TIME, UPDATED, VIEW_ASSETS, VIEW_SUPPLY, YEAR, batchOf, evaluate, isWild, liquidateFor,
  liquidationPrice, quoteOf,
} from "./position";
import { CLOSE, Order, PRICE_LIMBS, Sound, setDoubt } from "./status";

/** More doubt than this, and a figure is worth its exact evaluation. */
const MOST: f64 = 0.0009765625; // 2^−10
/** More than conversions and roundings, of which there are some 30, can make of a quotient of health. */
const APART: f64 = 1e-12;
const TWO_120: f64 = 1329227995784915872903807060280344576.0, TWO_127: f64 = 170141183460469231731687303715884105728.0;

// ---- A market's figures as numbers

/** The market of which they are, none at first. */
let adopted: usize = 0;
/** Whether floats tell of its rows; whether a row is liquidated by its health alone, and no figure of the market makes that revert. */
let screened: bool = false, judged: bool = false, pays: bool = false;
/** What a unit of collateral may owe, and is worth; the common unit's value of a unit of debt. */
let line: f64 = 0, worth: f64 = 0, quote: f64 = 0;
/** Morpho's: assets for a share; lltv, LIF and what it is above 1. */
let each: f64 = 0, lltv: f64 = 0, lif: f64 = 0, margin: f64 = 0;
/** Liquity's: T, and what the pool takes; v2's, until when debts grow, those that are recorded later do not. */
let threshold: f64 = 0, pool: f64 = 0, until: f64 = 0;

/** Before the scores of an order. */
export function startScores(): void { adopted = 0; }

function adopt(market: usize): void {
  const price = near(market + PRICE, 4);
  adopted = market;
  screened = load<u32>(market, PASS) == Sound.SCREEN; judged = !ofLiquity() || load<u32>(market, NORMAL) != 0;
  quote = quoteOf(market) ? near(quoteOf(market), 4) : 1;
  begin();
  if (ofMorpho()) {
    const factor = load<u64>(market, LLTV);
    lltv = <f64>factor / 1e18;
    each = (near(market + VIEW_ASSETS, 4) + 1) / (near(market + BORROW_SHARES, 4) + 1e6);
    worth = price / 1e36; line = worth * lltv;
    screened = screened && factor > 0;
    const bonus = factor <= <u64>WAD ? incentive(word(factor)).lo1 : 0; // more reverts
    lif = <f64>bonus / 1e18; margin = <f64><i64>(bonus - WAD) / 1e18;
    pays = bonus > 0 && compare(market + VIEW_SUPPLY, market + VIEW_ASSETS, 4) >= 0;
    return;
  }
  threshold = near(market + THRESHOLD, 4);
  worth = price / 1e18; line = price / threshold;
  pays = ofLiquity() ? judged && load<u32>(market, LIVE) > 1 : isZero(market + PENALTY_SP + 8, 3) && isZero(market + PENALTY_SPREAD + 8, 3);
  if (ofLiquity()) return;
  const deposits = at(market + DEPOSITS);
  pool = near(ptr(sub(deposits, min(deposits, wad()))), 4);
  until = near(isZero(market + SHUTDOWN, 4) ? market + TIME : market + SHUTDOWN, 4); // 0: debts are as recorded
  screened = screened && until < TWO_50;
}

// ---- A row's

/** What it has and owes, real, and by how much of them that may be beside the contract's. */
let has: f64 = 0, owes: f64 = 0, hasOff: f64 = 0, owesOff: f64 = 0;

function sketch(market: usize, row: usize): void {
  has = near128(load<u64>(row), load<u64>(row, 8)); owes = near128(load<u64>(row, DEBT), load<u64>(row, DEBT + 8));
  hasOff = 0;
  if (ofMorpho()) {
    owes *= each;
    owesOff = 1 / owes;
    return;
  }
  if (ofLiquityV2()) {
    const batch = batchOf(row), since = batch ? load<u64>(batch, 128) : load<u64>(row, UPDATED);
    let rate = <f64>(batch ? load<u64>(batch, 64) : load<u64>(row, RATE));
    if (batch) {
      owes = near(batch, 4) * near128(load<u64>(row, SHARES), load<u64>(row, SHARES + 8)) / near(batch + 32, 4);
      rate += <f64>load<u64>(batch, 96);
    }
    owes += owes * rate * Math.max(until - <f64>since, 0) / (1e18 * YEAR);
  }
  owes += gained(row, market + L_DEBT, row + SNAPSHOT_DEBT);
  has += gained(row, market + L_COLL, row + SNAPSHOT_COLL);
  hasOff = 1 / has; owesOff = 6 / owes;
}
/** A stake's part of what was redistributed since its snapshot; NaN where it reverts, and where L is beyond 128 bits. */
function gained(row: usize, L: usize, snapshot: usize): f64 {
  const a0 = load<u64>(L), a1 = load<u64>(L, 8), b0 = load<u64>(snapshot), b1 = load<u64>(snapshot, 8);
  if (load<u64>(L, 16) | load<u64>(L, 24) || a1 < b1 || (a1 == b1 && a0 < b0)) return NaN;
  if (a0 == b0 && a1 == b1) return 0;
  return near128(load<u64>(row, STAKE), load<u64>(row, STAKE + 8)) * near128(a0 - b0, a1 - b1 - u64(a0 < b0)) / 1e18;
}

// ---- Scores

/** Of the score that was made last: by how much of it the figure may be beside it, and whether it is the same wherever the score is. */
let beside: f64 = 0, told: bool = false;

export function score(order: i32, market: usize, block: usize, shape: u32, place: u32): f64 {
  const row = vaultAt(block, shape, place);
  if (market != adopted) adopt(market);
  if (order != Order.INTEREST && screened && !(ofLiquityV2() && isWild(row))) {
    sketch(market, row);
    const figure = sketched(order, market, row);
    if (beside <= MOST && has > 0 && (ofMorpho() || (has < TWO_127 && owes < TWO_127))) { setDoubt(beside * 1.01 + CLOSE, told); return figure; }
  }
  setDoubt(CLOSE, false);
  return figureOf(order, market, row);
}

/** The figure of an order of the row that was sketched, near what it is. */
function sketched(order: i32, market: usize, row: usize): f64 {
  const ratio = owes / has, unsafe = ratio / line, off = owesOff + 2 * (ofMorpho() ? (1 + lltv) / (has * line) : hasOff);
  beside = owesOff + 2 * hasOff; told = false;
  switch (order) {
    case Order.DEBT:    return owes * quote;
    case Order.NOMINAL: return ratio;
    case Order.PROFIT:  return profit(market, row, unsafe, off + APART);
    case Order.PRICE: {
      const price = ofMorpho() ? ratio / lltv * 1e36 : ratio * threshold;
      beside = (ofMorpho() ? (1 + lltv) * owesOff : beside) + 1 / price;
      if (ofLiquity() && !(load<u32>(market, NORMAL) && unsafe * (1 - off - APART) > 1)) beside = Infinity; // in normal mode it is more than the price, where recovery mode plays no part
      return price;
    }
  }
  if (!line) told = true; // at a price of 0 all are alike
  else beside = off;
  return unsafe;
}

/** What a liquidation of the row that was sketched brings, the quotient of health being within `off`: nothing where it is refused. */
function profit(market: usize, row: usize, unsafe: f64, off: f64): f64 {
  let bonus: f64, error: f64, sure = pays && off < MOST && unsafe * (1 - off) > 1 && owes < TWO_120 && has < TWO_120;
  if (ofMorpho()) {
    bonus = Math.min(owes, has * worth / lif) * margin;
    error = 8 + worth + each;
    sure = sure && compare(row + DEBT, market + BORROW_SHARES, 2) <= 0;
  } else {
    const part = ofLiquity() ? 1 : Math.min(pool / owes, 1), gas = has * part / 200;
    told = ofLiquityV2() && gas * (1 - MOST * 4) > 2e18;
    bonus = (ofLiquity() ? gas : Math.min(gas, 2e18)) * worth + (ofLiquity() ? 2e20 : 0);
    error = 2 + 2 * worth + (part < 1 ? bonus * owesOff : 0);
  }
  if (bonus == 0 || (off < MOST && unsafe * (1 + off) < 1)) { beside = 0; return 0; }
  beside = sure ? error / bonus : Infinity;
  return bonus * quote;
}

// ---- Exact

const FIRST: usize = memory.data(128, 16), OTHER: usize = memory.data(128, 16), LAST: usize = memory.data(128, 16);

function figureOf(order: i32, market: usize, row: usize): f64 {
  switch (order) {
    case Order.PRICE:    liquidationPrice(OTHER, market, row); return near(OTHER, PRICE_LIMBS);
    case Order.INTEREST: rateTo(OTHER, row); return 1 / (near(OTHER, 4) + 1);
    case Order.PROFIT:   liquidateFor(market, row); gain.gainTo(OTHER); return near(OTHER, 8);
  }
  evaluate(market, row);
  const debt = near(OWES, 4);
  if (order == Order.DEBT) return quoteOf(market) ? debt * near(quoteOf(market), 4) : debt;
  if (debt == 0) return -Infinity;
  return order == Order.NOMINAL ? debt / near(HAS, 4) : near(OWED, 8) / near(LIMIT, 4);
}

function rateTo(to: usize, row: usize): void {
  const batch = batchOf(row);
  clear(to, 4);
  copy(to, batch ? batch + 64 : row + RATE, batch ? 4 : 2);
}

/** Whether a comes before b (−1), after it (1) or beside it (0). */
export function precedes(order: i32, am: usize, ab: usize, as: u32, ap: u32, bm: usize, bb: usize, bs: u32, bp: u32): i32 {
  const a = vaultAt(ab, as, ap), b = vaultAt(bb, bs, bp);
  switch (order) {
    case Order.NONE: return 0;
    case Order.PRICE:
      liquidationPrice(FIRST, am, a);
      liquidationPrice(OTHER, bm, b);
      return compare(OTHER, FIRST, PRICE_LIMBS);
    case Order.INTEREST:
      rateTo(FIRST, a);
      rateTo(OTHER, b);
      return compare(FIRST, OTHER, 4);
    case Order.PROFIT:
      liquidateFor(am, a);
      gain.gainTo(FIRST);
      liquidateFor(bm, b);
      gain.gainTo(OTHER);
      return compare(OTHER, FIRST, 8);
  }
  evaluate(am, a);
  copy(FIRST, OWES, 4);
  copy(FIRST + 32, order == Order.NOMINAL ? HAS : LIMIT, 4);
  copy(FIRST + 64, OWED, 8);
  evaluate(bm, b);
  if (order == Order.DEBT) {
    if (!ofMorpho() || am == bm) return compare(OWES, FIRST, 4);
    product(LAST, FIRST, 4, am + QUOTE, 4);
    product(OTHER, OWES, 4, bm + QUOTE, 4);
    return compare(OTHER, LAST, 8);
  }
  const idleA = isZero(FIRST, 4), idleB = isZero(OWES, 4);
  if (idleA || idleB) return <i32>idleA - <i32>idleB;
  if (order == Order.NOMINAL) {
    clear(LAST, 12); clear(OTHER, 12);
    product(LAST, FIRST + 32, 4, OWES, 4);
    product(OTHER, HAS, 4, FIRST, 4);
  } else {
    product(LAST, FIRST + 32, 4, OWED, 8);
    product(OTHER, LIMIT, 4, FIRST + 64, 8);
  }
  return compare(LAST, OTHER, 12);
}

// ---- What keys tell of it

/** By what keys are multiplied, to be in the order of several markets. */
export function weightOf(order: i32, market: usize): f64 { return order == Order.NOMINAL ? 1 : load<f64>(market, FACTOR); }

/**
 * Up to where keys tell which rows come first (rules/index). A health of Morpho's is a quotient of integers, which are large where it is less
 * than 8 times too low. Prices rise with keys where they are large themselves, and, of v1, above the end of recovery mode: in normal mode those of what is unsafe.
 */
export function surest(order: i32, market: usize, least: f64): f64 {
  if (order != Order.PRICE) return ofMorpho() && order == Order.RISKIEST ? Math.min(least, 8) : least;
  if (market != adopted) adopt(market);
  return screened && (!ofLiquity() || (judged && least > 1)) && near(market + PRICE, 4) * least > TWO_50 ? least : -Infinity;
}
