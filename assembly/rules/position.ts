/**
 * The rule of positions whose amounts are shares of something that moves: Morpho's, and the troves of Liquity v1 and v2.
 *
 *   unsafe ⇔ debt > 0 ∧ limit < owed
 *
 *   Morpho      limit = ⌊⌊collateral·price / 1e36⌋·lltv / 1e18⌋       owed = ⌈borrowShares·(totalBorrowAssets + 1) / (totalBorrowShares + 1e6)⌉
 *   Liquity     limit = collateral·price                               owed = debt·T     (⌊x/d⌋ < T ⇔ x < T·d)
 *
 * of a trove with its gains and interest; T is MCR, or TCR where that is more and v1 is in recovery mode.
 *
 * The screen. A row's key is (debt + slack)/collateral, rounded up, both as they were when the keys of its market were made: of
 * Morpho in shares, of Liquity with the gains of then. Its line is price·lltv·(totalBorrowShares + 1e6) / (1e54·(totalBorrowAssets + 1)),
 * or price / T. With x the real quotient of a row's debt and collateral now, and `line` the real one,
 *
 *   Morpho      owed < debt·a + 1 and limit > collateral·line·a − 1 − lltv/1e18, where a is assets for a share. So
 *               debt + (2 + lltv/1e18)/a ≤ collateral·line ⇒ safe, and x > line ⇒ unsafe, for the roundings only add to that. The slack
 *               is a quarter more than that; when a falls so much that it does not do, all keys are made anew.
 *   Liquity v1  is a comparison of integers that nothing but L_ETH and L_LUSDDebt moves; when they move, all keys are made anew.
 *   Liquity v2  the same, and a trove's debt grows with time: from when its keys were made (or its own later update) until a time t
 *               by at most its rate, fee included, times those years, and by less than 4 for the floors (in a batch two of interest
 *               and two of the fee), which are the slack. So the line is divided by that growth on the safe side, and left alone on the
 *               other, where debts only grow. Beside each chunk stands the highest rate of its rows (rounded up to 1/16 of an octave).
 *               After a shutdown debts stand still.
 *
 * A row whose slack is more than 2^−24 of its debt is small, one whose amounts or rates could overflow is wild (key +∞). A limit
 * proves neither unsafe: their group is loose (store/chunks), and the exact rule decides; beside the group stands what proves them so
 * (`surely`), a lower bound of x. Elsewhere the key is at most 2^−24 above x, a step of an f32, and HI lies a step higher for it.
 */
import { ofLiquity, ofLiquityV2, ofMorpho } from "../cut";
import { ARGS, RESULTS } from "../layout";
import { doubled, take, tableClass } from "../store/blocks";
import {
  BLOCK, CHUNKS, FACTOR, GROWTH, HEADER, HI, LINK_CHUNK, LIVE, LO, LOG, LOOSE, NEAR, PASS, SLOPE, USED, chunkAt, groupOf, keysOf, linkAt, lives,
  marketAt, marketsHeld, open, vaultAt,
} from "../store/chunks";
import { DOWN, TWO_255, UP, above32, above32Pair, below32, near, near128 } from "../wide/float";
import { addSmall, addWide, clear, compare, copy, divide, isZero, mulHi, product } from "../wide/limbs";
import { bits } from "../wide/quotient";
import { Revert, add, at, begin, decrease, mul, mulWad, ptr, put, result, resultWord, reverted, u256, wad, word } from "../wide/u256";
import * as morpho from "./morpho";
import * as v1 from "./liquity";
import * as v2 from "./liquity2";
import * as gain from "./gain";
import { ALL, Figure, Order, PRICE_LIMBS, Plan, Sound, Status, Trigger, setFigure, setReverting } from "./status";

// ---- Figures, 32 bytes each, in the order of the descriptors

// @ts-ignore: decorator
@inline export const PRICE: usize = HEADER;
// Morpho's
// @ts-ignore: decorator
@inline export const LLTV: usize = HEADER + 32;
// @ts-ignore: decorator
@inline export const SUPPLY_ASSETS: usize = HEADER + 64;
// @ts-ignore: decorator
@inline const SUPPLY_SHARES: usize = HEADER + 96;
// @ts-ignore: decorator
@inline const BORROW_ASSETS: usize = HEADER + 128;
// @ts-ignore: decorator
@inline export const BORROW_SHARES: usize = HEADER + 160;
// @ts-ignore: decorator
@inline export const LAST_UPDATE: usize = HEADER + 192;
// @ts-ignore: decorator
@inline const FEE: usize = HEADER + 224;
// @ts-ignore: decorator
@inline const RATE_AT_TARGET: usize = HEADER + 256;
// @ts-ignore: decorator
@inline const IRM: usize = HEADER + 288;
// @ts-ignore: decorator
@inline export const QUOTE: usize = HEADER + 320;
// both versions' of Liquity: from here on what `redistribute` reads
// @ts-ignore: decorator
@inline export const L_COLL: usize = HEADER + 32;
// @ts-ignore: decorator
@inline export const L_DEBT: usize = HEADER + 64;
// v1's
// @ts-ignore: decorator
@inline export const ACTIVE_COLL: usize = HEADER + 192;
// @ts-ignore: decorator
@inline export const DEFAULT_COLL: usize = HEADER + 224;
// @ts-ignore: decorator
@inline export const ACTIVE_DEBT: usize = HEADER + 256;
// @ts-ignore: decorator
@inline export const DEFAULT_DEBT: usize = HEADER + 288;
// @ts-ignore: decorator
@inline const STABILITY_POOL: usize = HEADER + 320;
// v2's
// @ts-ignore: decorator
@inline const MCR: usize = HEADER + 192;
// @ts-ignore: decorator
@inline export const DEPOSITS: usize = HEADER + 224;
// @ts-ignore: decorator
@inline export const PENALTY_SP: usize = HEADER + 256;
// @ts-ignore: decorator
@inline export const PENALTY_SPREAD: usize = HEADER + 288;
// @ts-ignore: decorator
@inline export const SHUTDOWN: usize = HEADER + 320;
// @ts-ignore: decorator
@inline const TIMESTAMP: usize = HEADER + 352;

/** What follows from them in the view that is being scanned. */
// @ts-ignore: decorator
@inline export const BROKEN: usize = HEADER + 384;        // u32, why the market reverts in this view, if it does
// @ts-ignore: decorator
@inline const OUTDATED: usize = HEADER + 388;      // u32, whether the keys do not serve this view
// @ts-ignore: decorator
@inline const LINE: usize = HEADER + 392;          // f64s below and above the line, the first divided by GROWTH
// @ts-ignore: decorator
@inline const PLAIN: usize = HEADER + 408;         // f64 below the line, not divided
// @ts-ignore: decorator
@inline const NEED: usize = HEADER + 416;          // f64, the least slack that does
/** What the keys were made with. */
// @ts-ignore: decorator
@inline const SLACK: usize = HEADER + 424;         // f64
// @ts-ignore: decorator
@inline const MOST: usize = HEADER + 432;          // f64, v2: the latest lastDebtUpdateTime of a row; Morpho: its largest collateral
// @ts-ignore: decorator
@inline const KEYED: usize = HEADER + 440;         // f64, v2: TIME
/** And of the view, without the price. */
// @ts-ignore: decorator
@inline const STEEP: usize = HEADER + 440;         // f64, Morpho: the line over the price; negative where rows are judged one by one at any
// @ts-ignore: decorator
@inline const FASTEST: usize = HEADER + 552;       // u32, v2: the largest SLOPE of a chunk
// @ts-ignore: decorator
@inline const KEYED_TERMS: usize = HEADER + 560;   // L_coll and L_debt, v2: shutdownTime
/** And of the view again. */
// @ts-ignore: decorator
@inline export const VIEW_ASSETS: usize = HEADER + 448;   // Morpho: totalBorrowAssets
// @ts-ignore: decorator
@inline export const VIEW_SUPPLY: usize = HEADER + 480;   // totalSupplyAssets
// @ts-ignore: decorator
@inline export const THRESHOLD: usize = HEADER + 448;     // Liquity: T
// @ts-ignore: decorator
@inline export const TIME: usize = HEADER + 480;          // v2: when debts are looked at; 0: as stored
// @ts-ignore: decorator
@inline const FLOOR: usize = HEADER + 512;         // least debt that a query asks for
// @ts-ignore: decorator
@inline const YEARS: usize = HEADER + 544;         // f64, v2: years since the keys were made, rounded up
// @ts-ignore: decorator
@inline export const NORMAL: usize = HEADER + 556;        // u32, v1: whether the system is in normal mode, where it stays throughout a sequence
/** Whole lines of cache; what a tick of Morpho touches stands in six of them. */
// @ts-ignore: decorator
@inline export const MARKET_BYTES: u32 = <u32>HEADER + 704;

/** Amounts of a row, 16 bytes each. */
// @ts-ignore: decorator
@inline export const COLLATERAL: usize = 0;
// @ts-ignore: decorator
@inline export const DEBT: usize = 16;       // Morpho: borrowShares; v2: a trove's own, or its batchDebtShares
// @ts-ignore: decorator
@inline export const STAKE: usize = 32;
// @ts-ignore: decorator
@inline export const SNAPSHOT_COLL: usize = 48;
// @ts-ignore: decorator
@inline export const SNAPSHOT_DEBT: usize = 64;
// @ts-ignore: decorator
@inline export const RATE: usize = 80;       // v2
// @ts-ignore: decorator
@inline export const UPDATED: usize = 96;
// @ts-ignore: decorator
@inline export const SHARES: usize = 112;
// @ts-ignore: decorator
@inline const BATCH: usize = 128;     // the number of a batch, 0 for none

/** Bytes of a row's amounts. */
export function stride(): u32 { return ofMorpho() ? 32 : ofLiquity() ? 80 : 144; }

/** A year of 365 days in seconds. */
// @ts-ignore: decorator
@inline export const YEAR: f64 = 31536000.0;

// ---- Batches of v2

/* a batch (192 bytes)  ┌ debt ┬ totalDebtShares ┬ annualInterestRate ┬ annualManagementFee ┬ lastDebtUpdateTime ┬ u32 its market ┐ */
let batches: usize = 0, batchesLog: u32 = 0, batchCount: u32 = 0;
export const BATCH_BYTES: u32 = 192;
const BATCH_MARKET: usize = 160;
// @ts-ignore: decorator
@inline function batchAt(number: u32): usize { return batches + (number - 1) * BATCH_BYTES; }

export function batchOf(row: usize): usize { return ofLiquityV2() && load<u32>(row, BATCH) ? batchAt(load<u32>(row, BATCH)) : 0; }

/** A new batch of a market; its number, or 0 where memory cannot grow. */
export function addBatch(market: u32): u32 {
  if ((batchCount + 1) * BATCH_BYTES > (batches ? <u32>1 << batchesLog : 0)) {
    const next = batches ? doubled(batches, batchesLog) : take(tableClass(10), 1 << 10);
    if (!next) return 0;
    batchesLog = batches ? batchesLog + 1 : 10;
    batches = next;
  }
  const batch = batchAt(++batchCount);
  clear(batch, BATCH_BYTES >> 3);
  store<u32>(batch, market, BATCH_MARKET);
  return batchCount;
}
/** Takes over a batch's figures of `mask` from ARGS; the market whose keys must be made anew. */
export function setBatch(number: u32, mask: u32): u32 {
  const batch = batchAt(number);
  for (; mask; mask &= mask - 1) copy(batch + (ctz(mask) << 5), ARGS + (ctz(mask) << 5), 4);
  const market = load<u32>(batch, BATCH_MARKET);
  store<f64>(marketAt(market), -1, SLACK);
  return market;
}
export function getBatch(number: u32): u32 {
  copy(RESULTS, batchAt(number), BATCH_BYTES >> 3);
  return load<u32>(batchAt(number), BATCH_MARKET);
}

// ---- One row, exactly

/** Of the row that was evaluated last: what it has and owes, and what is compared; all 0 where the contract reverts. */
export const HAS: usize = memory.data(32, 16), OWES: usize = memory.data(32, 16), VALUE: usize = memory.data(32, 16),
  LIMIT: usize = memory.data(32, 16), OWED: usize = memory.data(64, 16), LATEST_DATA: usize = memory.data(288, 16);

/** A u128 of a row. */
// @ts-ignore: decorator
@inline export function amount(address: usize): u256 { return new u256(load<u64>(address), load<u64>(address, 8)); }

/** What a trove has and owes in the view, to HAS and OWES. */
export function entire(market: usize, row: usize): void {
  const coll = amount(row), stake = amount(row + STAKE), snapshotColl = amount(row + SNAPSHOT_COLL), snapshotDebt = amount(row + SNAPSHOT_DEBT);
  if (ofLiquity()) {
    v1.entire(amount(row + DEBT), coll, stake, snapshotColl, snapshotDebt, at(market + L_COLL), at(market + L_DEBT));
    copy(OWES, v1.ENTIRE, 4);
    copy(HAS, v1.ENTIRE + 32, 4);
    return;
  }
  const number = load<u32>(row, BATCH), batch = number ? batchAt(number) : 0, one = word(1);
  const since = batch ? at(batch + 128) : amount(row + UPDATED), now = isZero(market + TIME, 4) ? since : at(market + TIME);
  v2.latest(
    LATEST_DATA, batch ? at(batch) : amount(row + DEBT), batch ? at(batch + 64) : amount(row + RATE), batch ? at(batch + 96) : word(0), since,
    batch ? amount(row + SHARES) : one, batch ? at(batch + 32) : one, coll, stake, snapshotColl, snapshotDebt,
    at(market + SHUTDOWN), now, at(market + L_COLL), at(market + L_DEBT),
  );
  copy(OWES, LATEST_DATA, 4);
  copy(HAS, LATEST_DATA + 32, 4);
}

/** What is compared of a trove, by what it has and owes. */
export function weigh(market: usize): void {
  clear(VALUE, 4);
  if (!isZero(OWES, 4)) put(VALUE, mul(at(HAS), at(market + PRICE)));
  copy(LIMIT, VALUE, 4);
  product(OWED, OWES, 4, market + THRESHOLD, 4);
}

/** Evaluates a row in the view; whether it stands. Nothing is borrowed where OWES is 0. */
export function evaluate(market: usize, row: usize): bool {
  begin();
  let reverts = load<u32>(market, BROKEN) != 0;
  if (!reverts) {
    clear(OWED, 8);
    if (ofMorpho()) {
      copy(HAS, row, 2); clear(HAS + 16, 2);
      clear(OWES, 4); clear(VALUE, 4); clear(LIMIT, 4);
      if (isZero(row + DEBT, 2)) return true;
      const quoted = morpho.quotedOf(amount(row), at(market + PRICE));
      put(VALUE, quoted);
      put(LIMIT, mulWad(quoted, at(market + LLTV)));
      put(OWES, morpho.borrowedOf(amount(row + DEBT), at(market + VIEW_ASSETS), at(market + BORROW_SHARES)));
      copy(OWED, OWES, 4);
    } else {
      entire(market, row);
      weigh(market);
    }
    reverts = reverted();
  }
  if (reverts) { clear(HAS, 4); clear(OWES, 4); clear(VALUE, 4); clear(LIMIT, 4); clear(OWED, 8); }
  return !reverts;
}

/** Adds what a row has and owes to sums. */
export function tally(market: usize, row: usize, collateral: usize, debt: usize): void {
  evaluate(market, row);
  addWide(collateral, HAS);
  addWide(debt, OWES);
}

/** Whether the row that was evaluated last is unsafe. */
export function fails(): bool { return !isZero(OWED + 32, 4) || compare(LIMIT, OWED, 4) < 0; }

export function judge(market: usize, block: usize, shape: u32, place: u32): i32 {
  if (!evaluate(market, vaultAt(block, shape, place))) return Status.REVERTS;
  return fails() ? Status.UNSAFE : Status.SAFE;
}

export function judgeAll(market: usize, block: usize, shape: u32, place: u32, count: u32): u64 {
  if (ofMorpho() && load<u32>(market, PASS) == Sound.SCREEN && scale(market)) return judgePositions(market, block, shape, place, count);
  const life = lives(block, shape) + (place << 1);
  let mask: u64 = 0, reverts: u64 = 0;
  for (let i: u32 = 0; i < count; ++i) {
    if (!(load<u16>(life + (i << 1)) & 1)) continue;
    const status = judge(market, block, shape, place + i);
    mask    |= u64(status == Status.UNSAFE)  << i;
    reverts |= u64(status == Status.REVERTS) << i;
  }
  setReverting(reverts);
  return mask;
}

/*
 * Positions of Morpho, many at once and without a division. With τ the market's line (above) as a real number,
 *
 *   collateral·τ ≥ shares + (2 + lltv/1e18)/a  ⇒ safe          collateral·τ < shares  ⇒ unsafe
 *
 * as the screen has it, here in integers: TIMES ≤ τ·2^SHIFT < TIMES + 1 with 64 bits, so a position that is safe by more than 2^−63 of
 * its collateral, and the roundings, is proved so by two multiplications of limbs; what is not is compared by the whole fraction; and
 * what is still open is evaluated. Nothing overflows where the market is screened. (Each evaluated: 644 ns a position.)
 */
const TAU: usize = memory.data(64, 16), UNIT: usize = memory.data(40, 16); // numerator (8 limbs) and denominator (5)
const PRICE_WAD: usize = memory.data<u64>([0x9240000000000000, 0xc51999090b65f67d, 0xa70c3c40a64e6], 16); // 1e54
const OF: usize = memory.data(80, 16), OVER: usize = memory.data(80, 16);
/** The market of which they are: none after its figures changed. TIMES is 0 where this way does not serve. */
let scaled: usize = 0, times: u64 = 0, margin: u64 = 0, shift: i32 = 0;

function scale(market: usize): bool {
  if (scaled == market) return times != 0;
  scaled = market; times = 0;
  const need = load<f64>(market, NEED);
  clear(OF, 3); copy(OF, market + BORROW_SHARES, 2); addSmall(OF, 1000000, 3);
  product(OVER, market + PRICE, 4, market + LLTV, 1);
  product(TAU, OF, 3, OVER, 5);
  clear(OF, 3); copy(OF, market + VIEW_ASSETS, 2); addSmall(OF, 1, 2);
  product(UNIT, OF, 2, PRICE_WAD, 3);
  const size = bits(TAU, 8) - bits(UNIT, 5); // τ is between 2^(size − 1) and 2^(size + 1)
  if (isZero(TAU, 8) || size < -62 || size > 125 || !(need < 4611686018427387904.0)) return false;
  const up: u32 = size < 65 ? (128 - size) >> 6 : 0; // limbs: the quotient has then 65 bits at least
  clear(OF, 10); // τ·2^(64·up), and its quotient
  copy(OF + (up << 3), TAU, 8);
  divide(OF, 0, OF, 8 + up, UNIT, 5);
  const below = bits(OF, 8 + up) - 64, at = OF + (below >> 6 << 3), rest = below & 63;
  times = load<u64>(at) >> rest | (rest ? load<u64>(at, 8) << (64 - rest) : 0);
  shift = <i32>(up << 6) - below;
  margin = <u64>need + 1;
  return true;
}

function judgePositions(market: usize, block: usize, shape: u32, place: u32, count: u32): u64 {
  const t = times, n = margin, far = shift >= 64, down = shift < 0, by = <u64>(down ? -shift : shift) & 63, rest = 63 - by;
  let mask: u64 = 0, row = vaultAt(block, shape, place);
  for (let i: u32 = 0; i < count; ++i, row += 32) {
    const c0 = load<u64>(row), c1 = load<u64>(row, 8), s1 = load<u64>(row, DEBT + 8), x0 = load<u64>(row, DEBT) + n, x1 = s1 + u64(x0 < n);
    const m = c1 * t;
    let l0 = c0 * t, l1 = mulHi(c0, t) + m, l2 = mulHi(c1, t) + u64(l1 < m);
    let r0: u64, r1: u64, r2: u64 = 0;
    if (down) { r0 = (x0 >> by | x1 << 1 << rest) + 1; r1 = (x1 >> by) + u64(r0 == 0); }
    else { r0 = x0 << by; r1 = x1 << by | x0 >> 1 >> rest; r2 = x1 >> 1 >> rest; }
    if (far) { l0 = l1; l1 = l2; l2 = 0; }
    if (x1 >= s1 && (l2 != r2 ? l2 > r2 : l1 != r1 ? l1 > r1 : l0 >= r0)) continue;
    if (fallsShort(row) || judge(market, block, shape, place + i) == Status.UNSAFE) mask |= <u64>1 << i;
  }
  setReverting(0);
  return mask;
}
/** collateral·τ < shares. */
function fallsShort(row: usize): bool {
  product(OF, row, 2, TAU, 8);
  clear(OVER, 10); product(OVER, row + DEBT, 2, UNIT, 5);
  return compare(OF, OVER, 10) < 0;
}

// ---- The screen

const VIEW_TIME: usize = memory.data(32, 16);

/** What a trove has and owes when the keys were made, or where it was touched later, then. */
function entireAsKeyed(market: usize, row: usize): void {
  const keyed = <u64>min(load<f64>(market, KEYED), 4611686018427387904.0); // 2^62
  copy(VIEW_TIME, market + TIME, 4);
  clear(market + TIME, 4);
  if (keyed) store<u64>(market, max(keyed, updatedOf(row)), TIME);
  entire(market, row);
  copy(market + TIME, VIEW_TIME, 4);
}

/** Whether Morpho's price is one at which the value of a row could overflow. */
// @ts-ignore: decorator
@inline
function overflows(market: usize, price: f64): bool {
  return !(price * load<f64>(market, MOST) < TWO_255);
}
/** Whether the market's figures and its rows' cannot make a row's evaluation revert, but for a wild one's. */
function sound(market: usize): bool {
  const most = load<f64>(market, MOST);
  if (ofMorpho()) return !overflows(market, nearWord(market + PRICE));
  return ofLiquity() || !isZero(market + SHUTDOWN, 4) || isZero(market + TIME, 4) || near(market + TIME, 4) >= most;
}

/** Writes the keys of `count` rows. */
export function rekey(market: usize, block: usize, shape: u32, place: u32, count: u32): void {
  const slack = load<f64>(market, SLACK);
  for (let i = place; i < place + count; ++i) {
    const row = vaultAt(block, shape, i);
    let debt: f64, coll: f64, wild = false;
    let most: f64 = 0;
    if (ofMorpho()) { debt = near(row + DEBT, 2); coll = most = near(row, 2); }
    else {
      begin();
      entireAsKeyed(market, row);
      wild = reverted() || !isZero(OWES + 16, 2) || !isZero(HAS + 16, 2);
      debt = near(OWES, 4); coll = near(HAS, 4);
      if (ofLiquityV2()) {
        if (isWild(row)) wild = true;
        most = <f64>updatedOf(row);
      }
    }
    if (most > load<f64>(market, MOST)) {
      store<f64>(market, most, MOST);
      if (!sound(market)) store<u32>(market, Sound.EXACT, PASS);
    }
    let key: f32 = -Infinity;
    if (wild) key = Infinity;
    else if (debt > 0) key = f32x4.extract_lane(above32Pair(f64x2.splat((debt + slack) / coll * UP)), 0);
    store<f32>(keysOf(block, shape) + (i << 2), key);
    if (wild || (debt > 0 && debt < slack * 16777216.0)) store<f32>(groupOf(block, i), Infinity, LOOSE);
  }
}

/** Of v2: when a trove or its batch was last touched; and whether interest on it might overflow, or be more than its batch's. */
function updatedOf(row: usize): u64 {
  if (!ofLiquityV2()) return 0;
  const number = load<u32>(row, BATCH);
  return number ? load<u64>(batchAt(number), 128) : load<u64>(row, UPDATED);
}
export function isWild(row: usize): bool {
  const number = load<u32>(row, BATCH);
  if (load<u64>(row, UPDATED + 8) | load<u64>(row, RATE + 8)) return true;
  if (!number) return false;
  const batch = batchAt(number);
  return !isZero(batch + 128 + 8, 3) || !isZero(batch + 72, 3) || !isZero(batch + 104, 3) || !isZero(batch + 48, 2)
    || !isZero(batch + 16, 2) || load<u64>(batch, 8) >> 40 != 0 || compare(row + SHARES, batch + 32, 2) > 0;
}

/** A rate a year, fee included, as a code that is no less: sixteenths of an octave from 2^−11 on. */
function slopeOf(row: usize): u32 {
  const number = load<u32>(row, BATCH);
  const rate = number ? near(batchAt(number) + 64, 1) + near(batchAt(number) + 96, 1) : near(row + RATE, 1);
  return <u32>max(0, min(<i32>(reinterpret<u32>(<f32>(rate / 1e18)) >> 19) + 1 - SLOPE_BASE, 255));
}
// @ts-ignore: decorator
@inline const SLOPE_BASE: i32 = (127 - 11) << 4;
/** The rate of a code; of the last one there is no bound. */
function rateOf(code: u32): f64 { return code == 255 ? Infinity : <f64>reinterpret<f32>((code + <u32>SLOPE_BASE) << 19); }

/** What is known of a chunk beside its keys: the highest rate of its rows. */
export function note(market: usize, chunk: usize, place: u32, count: u32): void {
  if (!ofLiquityV2()) return;
  let slope: u32 = load<u8>(chunk, SLOPE);
  for (let i = place; i < place + count; ++i) slope = max(slope, slopeOf(vaultAt(load<u32>(chunk, BLOCK), load<u32>(chunk, LOG), i)));
  store<u8>(chunk, <u8>slope, SLOPE);
  if (slope > load<u32>(market, FASTEST)) {
    store<u32>(market, slope, FASTEST);
    limit(market);
  }
}

/** Makes all keys of a market anew, for the view as it is. */
export function remake(market: usize): void {
  store<f64>(market, load<f64>(market, NEED) * 1.25, SLACK);
  copy(market + KEYED_TERMS, market + L_COLL, 8);
  if (ofLiquityV2()) copy(market + KEYED_TERMS + 64, market + SHUTDOWN, 4);
  if (ofLiquityV2()) store<f64>(market, near(market + TIME, 4), KEYED);
  store<f64>(market, 0, MOST);
  store<u32>(market, 0, FASTEST);
  for (let i: u32 = 0, n = load<u32>(market, CHUNKS); i < n; ++i) {
    const chunk = chunkAt(load<u32>(linkAt(market, i), LINK_CHUNK)), used = load<u32>(chunk, USED), block = <usize>load<u32>(chunk, BLOCK);
    if (!used) continue;
    for (let place: u32 = 0; place < used; place += 64) store<f32>(groupOf(block, place), -Infinity, LOOSE);
    store<u8>(chunk, 0, SLOPE);
    rekey(market, block, load<u32>(chunk, LOG), 0, used);
    note(market, chunk, 0, used);
    open(market, chunk, 0, used);
  }
}

/* A figure, fast: loops over limbs, and calls for 32 bytes, were a fourth of `derive`. */
function nearWord(at: usize): f64 { return load<u64>(at, 16) | load<u64>(at, 24) ? near(at, 4) : near128(load<u64>(at), load<u64>(at, 8)); }
// @ts-ignore: decorator
@inline function copyWord(to: usize, from: usize): void { v128.store(to, v128.load(from)); v128.store(to, v128.load(from, 16), 16); }

/** Brings what follows from a market's figures up to date, of which those of `mask` have changed, for the view at `time` (null: as stored). */
export function derive(market: usize, time: usize, mask: u32): void {
  scaled = 0;
  if (!ofMorpho()) { deriveTroves(market, time); return; }
  if (mask != 1 << <u32>(PRICE - HEADER >> 5)) deriveTotals(market, time);
  // A price alone: of a tick of 10,000 small markets it saves the half.
  const price = nearWord(market + PRICE), steep = load<f64>(market, STEEP);
  setLine(market, price * abs<f64>(steep), overflows(market, price) || reinterpret<i64>(steep) < 0 ? Sound.EXACT : Sound.SCREEN);
}

/** What follows from Morpho's figures but the price. */
function deriveTotals(market: usize, time: usize): void {
  let why = Revert.NONE;
  copyWord(market + VIEW_ASSETS, market + BORROW_ASSETS);
  copyWord(market + VIEW_SUPPLY, market + SUPPLY_ASSETS);
  if (time) {
    begin();
    why = morpho.view(market + VIEW_SUPPLY, market + VIEW_ASSETS, at(market + SUPPLY_SHARES), at(market + FEE), at(market + LAST_UPDATE), at(time), at(market + RATE_AT_TARGET), isZero(market + IRM, 1));
  }
  const shares = nearWord(market + BORROW_SHARES) + 1e6, assets = nearWord(market + VIEW_ASSETS) + 1, lltv = nearWord(market + LLTV);
  const steep = lltv / 1e54 * (shares / assets);
  store<f64>(market, (2.0 + lltv / 1e18) * (shares / assets) * (UP * UP), NEED);
  const outdated = load<f64>(market, NEED) > load<f64>(market, SLACK), wide = load<u64>(market, LLTV + 8) | load<u64>(market, LLTV + 16) | load<u64>(market, LLTV + 24);
  store<u32>(market, outdated, OUTDATED);
  store<u32>(market, why, BROKEN);
  store<f64>(market, why || outdated || wide || assets >= 170141183460469231731687303715884105728.0 ? -steep : steep, STEEP); // 2^127
}

function deriveTroves(market: usize, time: usize): void {
  let why = Revert.NONE, pass = Sound.SCREEN;
  begin();
  if (ofLiquity()) {
    why = v1.threshold(market + THRESHOLD, market + ACTIVE_COLL, market + PRICE);
    store<u32>(market, u32(!v1.recovery), NORMAL);
  } else {
    copy(market + THRESHOLD, market + MCR, 4);
    copy(market + TIME, time ? time : market + TIMESTAMP, 4);
  }
  const shut = ofLiquityV2() && !isZero(market + SHUTDOWN, 4), keyed = load<f64>(market, KEYED);
  const now = ofLiquity() ? 0.0 : shut ? keyed : near(market + TIME, 4);
  store<f64>(market, 4, NEED);
  store<f64>(market, (now - keyed) / YEAR * UP, YEARS);
  const drifts = now != keyed && (keyed == 0 || now < keyed || rateOf(load<u32>(market, FASTEST)) * load<f64>(market, YEARS) > 0.03125);
  const moved = compare(market + KEYED_TERMS, market + L_COLL, 8) != 0 || (ofLiquityV2() && compare(market + KEYED_TERMS + 64, market + SHUTDOWN, 4) != 0);
  store<u32>(market, load<f64>(market, SLACK) < 4 || drifts || moved, OUTDATED);
  if (!isZero(market + PRICE + 16, 2) || load<u64>(market, PRICE + 8) >> 63 || isZero(market + THRESHOLD, 4)) pass = Sound.EXACT;
  if (now >= 1099511627776.0) pass = Sound.EXACT; // 2^40
  if (why || load<u32>(market, OUTDATED) || !sound(market)) pass = Sound.EXACT;
  store<u32>(market, why, BROKEN);
  setLine(market, nearWord(market + PRICE) / near(market + THRESHOLD, 4), pass);
}

/** Sets a market's line, and how its rows are judged. */
function setLine(market: usize, line: f64, pass: u32): void {
  store<u32>(market, pass, PASS);
  store<f64>(market, line * (DOWN * DOWN), PLAIN);
  store<f64>(market, line * (UP * UP), LINE + 8);
  store<f64>(market, line > 0 ? 1 / line : Infinity, FACTOR);
  limit(market);
}

export function reprice(market: usize, price: usize, time: usize): void {
  copy(market + PRICE, price, 4);
  derive(market, time, ALL);
}

/** How much debts may have grown since the keys were made, at a rate. */
function growth(market: usize, slope: u32): f64 { return ofLiquityV2() && load<f64>(market, YEARS) > 0 ? 1 + rateOf(slope) * load<f64>(market, YEARS) : 1; }

/** Sets a market's limits. */
function limit(market: usize): void {
  let low = load<f64>(market, PLAIN);
  if (ofLiquityV2()) {
    const grown = growth(market, load<u32>(market, FASTEST));
    low = low / grown * DOWN;
    store<f32>(market, above32(grown), GROWTH);
  }
  store<f64>(market, low, LINE);
  store<f32>(market, below32(low), LO);
  const high = reinterpret<u32>(above32(load<f64>(market, LINE + 8)));
  store<f32>(market, reinterpret<f32>(min(high + 1, 0x7f800000)), HI);
}

export let low: f32 = 0;
/** The lower limit of a chunk's keys: its own rates may be lower than the fastest of the market. */
export function narrow(market: usize, chunk: usize): void {
  low = load<f64>(market, YEARS) > 0 && ofLiquityV2() ? below32(load<f64>(market, PLAIN) / growth(market, load<u8>(chunk, SLOPE)) * DOWN) : load<f32>(market, LO);
}

/** Whether keys must be made anew before the market is scanned in this view; and in a scenario, that nothing is screened. */
export function outdated(market: usize): bool { return load<u32>(market, OUTDATED) != 0; }
export function broken(market: usize): bool { return load<u32>(market, BROKEN) != 0; }

/** Of a row found unsafe in a loose group: a limit below this proves it so. */
export function surely(market: usize, block: usize, shape: u32, place: u32): f32 {
  const row = vaultAt(block, shape, place);
  if (ofMorpho()) return below32(near(row + DEBT, 2) / near(row, 2) * DOWN);
  if (load<f32>(keysOf(block, shape) + (place << 2)) == Infinity) return -Infinity;
  begin();
  entireAsKeyed(market, row); // debts may fall again to what they were then
  if (isZero(OWES, 4)) return -Infinity;
  return below32(near(OWES, 4) / near(HAS, 4) * DOWN);
}

// ---- What a query asks of a row

let within: usize = memory.data(32, 16);

export function setWithin(market: usize, distance: usize): void {
  copy(within, distance, 4);
  const reach = (near(within, 4) + 1e18) / 1e18;
  store<f32>(market, below32(load<f64>(market, LINE) / reach * DOWN), NEAR);
  const high = reinterpret<u32>(above32(load<f64>(market, LINE + 8) / reach * UP));
  store<f32>(market, reinterpret<f32>(min(high + 1, 0x7f800000)), NEAR + 4);
}

const WIDE: usize = memory.data(128, 16), WIDER: usize = memory.data(128, 16);

/** Whether limit·1e18 < owed·(1e18 + within). */
export function isNear(market: usize, block: usize, shape: u32, place: u32): bool {
  if (!evaluate(market, vaultAt(block, shape, place)) || isZero(OWES, 4)) return false;
  const one = wad(), reach = add(one, at(within));
  clear(WIDE, 12);
  product(WIDE, LIMIT, 4, ptr(one), 4);
  product(WIDER, OWED, 8, ptr(reach), 4);
  return compare(WIDE, WIDER, 12) < 0;
}

export function setFloor(market: usize, floor: usize): void { copy(market + FLOOR, floor, 4); }
export function reaches(market: usize, block: usize, shape: u32, place: u32): bool {
  return evaluate(market, vaultAt(block, shape, place)) && compare(OWES, market + FLOOR, 4) >= 0;
}

// ---- The common unit

/** Where the common unit's value of one unit of the loan asset stands, or 0. */
export function quoteOf(market: usize): usize { return ofMorpho() && !isZero(market + QUOTE, 4) ? market + QUOTE : 0; }
/** The first market of Morpho whose loan asset has no value in a common unit, or −1: in their order by debt it is asked for. */
export function unquoted(): i32 {
  for (let i: u32 = 0; i < marketsHeld(); ++i) if (ofMorpho() && !quoteOf(marketAt(i))) return i;
  return -1;
}

// ---- What is told of a row

function saturate(at: usize, limbs: u32): void {
  const wide = !isZero(at + 16, limbs - 2);
  setFigure(wide ? <u64>-1 : load<u64>(at), wide ? <u64>-1 : load<u64>(at, 8));
}

/** A figure of the row that was evaluated last: of one that reverts, a health and a ratio of 0 and a debt of 2^128 − 1. */
export function figureOf(which: i32, stands: bool): void {
  if (!stands) { const most: u64 = which == Figure.DEBT ? -1 : 0; setFigure(most, most); return; }
  if (which == Figure.DEBT) { saturate(OWES, 4); return; }
  quotientTo(WIDE, which);
  saturate(WIDE, 8);
}

/** ⌊1e18·limit/owed⌋ or ⌊1e18·value/debt⌋ in 512 bits, all ones without debt, or where nothing is asked of it. */
export function quotientTo(out: usize, which: i32): void {
  memory.fill(out, 0xff, 64);
  if (isZero(OWES, 4) || (which == Figure.HEALTH && isZero(OWED, 8))) return;
  begin();
  const one = ptr(wad());
  if (which == Figure.RATIO && !ofMorpho()) { clear(out, 8); divide(out, 0, VALUE, 4, OWES, 4); return; }
  product(WIDER, which == Figure.RATIO ? VALUE : LIMIT, 4, one, 4);
  if (which == Figure.RATIO) divide(out, 0, WIDER, 8, OWES, 4);
  else divide(out, 0, WIDER, 8, OWED, 8);
}

/** The collateral ratio of the row that was evaluated last as a plain number; Infinity without debt. */
export function ratioAsNumber(stands: bool): f64 {
  if (!stands) return 0;
  const debt = near(OWES, 4);
  return debt > 0 ? near(VALUE, 4) / debt / (ofMorpho() ? 1 : 1e18) : Infinity;
}

/** The smallest price from which on a row is healthy, at `out`; which kind of answer it is. 0 and all ones where it is none. */
export function liquidationPrice(out: usize, market: usize, row: usize): i32 {
  const kind = priceKind(out, market, row);
  if (kind != Trigger.PRICE) memory.fill(out, kind == Trigger.ALWAYS ? 0xff : 0, PRICE_LIMBS << 3);
  return kind;
}
function priceKind(out: usize, market: usize, row: usize): i32 {
  if (load<u32>(market, BROKEN)) return Trigger.REVERTS;
  begin();
  if (ofMorpho()) {
    const owed = isZero(row + DEBT, 2) ? word(0) : morpho.borrowedOf(amount(row + DEBT), at(market + VIEW_ASSETS), at(market + BORROW_SHARES));
    return reverted() ? Trigger.REVERTS : morpho.price(out, amount(row), owed, at(market + LLTV));
  }
  entire(market, row);
  if (reverted()) return Trigger.REVERTS;
  return ofLiquity() ? v1.price(out, HAS, OWES, market + ACTIVE_COLL) : v1.priceAt(out, HAS, OWES, market + MCR);
}

/** What a liquidation would do now. */
const SEIZURE: usize = memory.data(320, 16);

/** What a liquidation of a row would do, to SEIZURE; the reason why not, or 0. */
function liquidate(market: usize, row: usize): i32 {
  if (load<u32>(market, BROKEN)) return load<u32>(market, BROKEN);
  begin();
  if (ofMorpho()) {
    const why = morpho.liquidateAll(amount(row), amount(row + DEBT), at(market + VIEW_ASSETS), at(market + BORROW_SHARES), at(market + LLTV), at(market + PRICE), at(market + VIEW_SUPPLY), at(gain.MOST));
    copy(SEIZURE, RESULTS, 40);
    return why;
  }
  entire(market, row);
  if (ofLiquity()) return v1.liquidateOne(SEIZURE, HAS, OWES, market + PRICE, market + STABILITY_POOL, market + ACTIVE_COLL, !load<u32>(market, NORMAL), load<u32>(market, LIVE));
  return v2.liquidateOne(SEIZURE, HAS, OWES, market + PRICE, market + MCR, market + DEPOSITS, market + PENALTY_SP);
}

/** The same to rules/gain and to the RESULTS of a plan's step; the reason why not, or 0. */
export function liquidateFor(market: usize, row: usize): i32 {
  gain.none();
  const stands = evaluate(market, row), why = stands ? liquidate(market, row) : Revert.ARITHMETIC;
  if (why) return why;
  begin();
  const seized = at(SEIZURE + (ofMorpho() ? 0 : 128)), price = at(market + PRICE);
  if (ofMorpho()) {
    gain.settle(at(SEIZURE + 64), seized, morpho.quotedOf(seized, price), word(0), quoteOf(market));
    gain.setFlags(morpho.isToxic(at(VALUE), at(OWES), at(market + LLTV)), !isZero(SEIZURE + 224, 8));
  } else {
    gain.settle(word(0), seized, mulWad(seized, price), ofLiquity() ? at(SEIZURE + 192) : word(0), 0);
    product(WIDE, OWES, 4, ptr(wad()), 4);
    gain.setFlags(false, !isZero(WIDE + 32, 4) || compare(VALUE, WIDE, 4) < 0);
  }
  copy(RESULTS + (Plan.LIQUIDATION << 5), SEIZURE, 40);
  return reverted() ? Revert.ARITHMETIC : 0;
}

/** Leaves the market as the last liquidation does, for the next of a plan. */
export function carry(market: usize, row: usize): void {
  begin();
  if (ofMorpho()) {
    copy(market + VIEW_ASSETS, SEIZURE + 96, 4);
    copy(market + BORROW_SHARES, SEIZURE + 128, 4);
    copy(market + VIEW_SUPPLY, SEIZURE + 288, 4);
    return;
  }
  const offset = at(SEIZURE);
  if (ofLiquity()) {
    decrease(market + STABILITY_POOL, offset);
    store<u32>(market, load<u32>(market, LIVE) - 1, LIVE);
    if (load<u32>(market, NORMAL)) return;
    decrease(market + ACTIVE_DEBT, offset);
    decrease(market + ACTIVE_COLL, at(SEIZURE + 32));
    v1.threshold(market + THRESHOLD, market + ACTIVE_COLL, market + PRICE);
    store<u32>(market, u32(!v1.recovery), NORMAL);
  } else {
    decrease(market + DEPOSITS, offset);
    const number = load<u32>(row, BATCH);
    if (number) v2.leave(batchAt(number), amount(row + SHARES), at(OWES), at(LATEST_DATA + 64), at(market + SHUTDOWN), market + TIME);
  }
}

/** Status, debt, ratio, health, liquidation price and what a liquidation would do. */
export function inspect(market: usize, block: usize, shape: u32, place: u32): void {
  const row = vaultAt(block, shape, place), columns = stride() >> 4;
  const why = liquidate(market, row);
  begin();
  for (let i: u32 = 0; i < columns; ++i) result(i, amount(row + (i << 4)));
  const stands = evaluate(market, row);
  const kind = liquidationPrice(RESULTS + (columns + 8 << 5), market, row);
  evaluate(market, row);
  const to = RESULTS + (columns << 5);
  resultWord(columns, stands ? fails() ? Status.UNSAFE : Status.SAFE : Status.REVERTS);
  resultWord(columns + 1, stands ? 3 : 0);
  copy(to + 64, OWES, 4); clear(to + 96, 4);
  quotientTo(to + 128, Figure.RATIO);
  quotientTo(to + 192, Figure.HEALTH);
  resultWord(columns + 11, kind);
  resultWord(columns + 12, why);
  copy(to + 416, SEIZURE, 40);
}

/** Accrues a market to `time`, as the contract does; false, and nothing changed, where it reverts. */
export function accrue(market: usize, time: usize): bool {
  if (ofLiquity()) return true;
  if (ofLiquityV2()) { copy(market + TIMESTAMP, time, 4); return true; }
  begin();
  return !morpho.accrueStored(market + SUPPLY_ASSETS, at(time));
}
