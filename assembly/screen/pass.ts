/**
 * The screen: which rows of a market fail their rule, proved in floating point wherever it can be.
 *
 * A rule "unsafe iff debt·B > collateral·A" gives each row a key, an f64 no less than debt/collateral and no more than
 * 1/(1 − LOOSE) of it (wide/float), written once with the row; and each market two limits, computed once a tick:
 *
 *   key ≤ LO   ⇒ debt/collateral ≤ key ≤ LO ≤ A/B                       the row is safe
 *   key > HI   ⇒ debt/collateral ≥ key·(1 − LOOSE) > A/B                 the row is unsafe
 *   otherwise    open: the exact rule decides
 *
 * No debt is key −∞, debt without collateral +∞. A market whose figures could make the contract revert is not screened:
 * each of its rows is judged exactly.
 *
 * Zones: beside each chunk stand the largest key among its rows last found safe and the least among those last found
 * unsafe. While the first is below LO and the second above HI no row of the chunk can have changed its status, and the
 * chunk is passed over: 1,024 vaults for two comparisons. A write opens its chunk (largest safe key +∞).
 */
import {
  BLOCK, CHUNKS, HI, LINK_CHUNK, LINK_MAX, LINK_REVERTS, LINK_UNSAFE, LO, LOG, PASS, ROWS_LOG, USED,
  boundsAt, chunkAt, idOf, linkAt, lives, marketAt, marketsHeld, revertsPlane, settle, touchedAt, touchedCount, unsafePlane,
} from "../store/chunks";
import { STAGE, STAGE_BYTES } from "../layout";

export namespace Status { export const SAFE = 0, UNSAFE = 1, REVERTS = 2; }

/** How a market's rows may be judged. */
export namespace Sound {
  /** Screened; the exact rule decides what is open. */
  export const SCREEN: u32 = 0;
  /** Exactly, row by row: figures so large that the contract could overflow. */
  export const EXACT: u32 = 1;
}

/** How much of the screen a pass uses; the answer is the same. */
export namespace Effort { export const ZONES = 0, KEYS = 1, EXACT = 2; }

/** The exact rule for one row. */
type Judge = (market: usize, block: usize, log: u32, place: u32) => i32;
/** The exact rule for 64 rows; answers the unsafe ones and leaves those that revert in `reverting`. */
type JudgeAll = (market: usize, block: usize, log: u32, place: u32, count: u32) => u64;
/** Whether a row's debt reaches the floor of the query. */
type Reaches = (market: usize, block: usize, log: u32, place: u32) => bool;

let judge: Judge = (market, block, log, place) => Status.SAFE;
let judgeAll: JudgeAll = (market, block, log, place, count) => 0;
let reaches: Reaches = (market, block, log, place) => true;
export let reverting: u64 = 0;
export function setReverting(mask: u64): void { reverting = mask; }

/** Tells the screen the rule of the book's family. */
export function useRule(one: Judge, all: JudgeAll, floor: Reaches): void {
  judge = one; judgeAll = all; reaches = floor;
}

/** Whether results leave out rows below the query's debt floor. */
let floored: bool = false;
export function setFloored(on: bool): void { floored = on; }
// @ts-ignore: decorator
@inline export function wanted(market: usize, block: usize, log: u32, place: u32): bool {
  return !floored || reaches(market, block, log, place);
}

// ---- What a pass found: ids of two kinds, each in its half of the stage.

/** Ids that one half holds. */
export const HALF: u32 = <u32>(STAGE_BYTES >> 4);
let falling: u32 = 0, rising: u32 = 0; // ids in the first half, in the second
export function fallen(): u32 { return falling; }
export function risen(): u32 { return rising; }
export function emptyPages(): void { falling = 0; rising = 0; }
// @ts-ignore: decorator
@inline function full(): bool { return max(falling, rising) + (1 << ROWS_LOG) > HALF; }

/** Writes the ids of the rows in `mask` that the query wants; answers how many ids now stand at `page`. */
function emit(mask: u64, page: usize, count: u32, market: usize, block: usize, log: u32, number: u32, place: u32): u32 {
  const life = lives(block, log);
  while (mask) {
    const at = place + <u32>ctz(mask);
    mask &= mask - 1;
    if (!wanted(market, block, log, at)) continue;
    store<f64>(page + (count++ << 3), idOf(number << ROWS_LOG | at, load<u16>(life + (at << 1))));
  }
  return count;
}

// ---- 64 rows

// @ts-ignore: decorator
@inline
function above(at: usize, limit: v128): v128 { return f64x2.gt(v128.load(at), limit); }

/** Sixteen keys: a bit for each that is above the limit. */
// @ts-ignore: decorator
@inline
function sixteen(at: usize, limit: v128): u64 {
  const ab = v128.shuffle<i32>(above(at, limit),      above(at + 16, limit),  0, 2, 4, 6);
  const cd = v128.shuffle<i32>(above(at + 32, limit), above(at + 48, limit),  0, 2, 4, 6);
  const ef = v128.shuffle<i32>(above(at + 64, limit), above(at + 80, limit),  0, 2, 4, 6);
  const gh = v128.shuffle<i32>(above(at + 96, limit), above(at + 112, limit), 0, 2, 4, 6);
  return <u64>v128.bitmask<i8>(v128.narrow<i16>(v128.narrow<i32>(ab, cd), v128.narrow<i32>(ef, gh)));
}

// @ts-ignore: decorator
@inline
function maskAbove(at: usize, limit: v128): u64 {
  return sixteen(at, limit) | sixteen(at + 128, limit) << 16 | sixteen(at + 256, limit) << 32 | sixteen(at + 384, limit) << 48;
}

/** The unsafe ones of 64 rows by limits and the exact rule. `market` may be a scenario's record. */
function unsafeOf(market: usize, block: usize, log: u32, place: u32, lo: f64, hi: f64, certify: Judge): u64 {
  const at = block + (place << 3);
  const candidates = maskAbove(at, f64x2.splat(lo));
  if (!candidates) return 0;
  let sure = maskAbove(at, f64x2.splat(hi));
  for (let open = candidates & ~sure; open; open &= open - 1) {
    const i = <u32>ctz(open);
    if (certify(market, block, log, place + i) == Status.UNSAFE) sure |= <u64>1 << i;
  }
  return sure;
}

// ---- The scan: statuses brought up to date

let nextMarket: u32 = 0, nextOrdinal: u32 = 0;
/** Sets the scan to its beginning. */
export function rewind(): void { nextMarket = 0; nextOrdinal = 0; emptyPages(); }

/**
 * Brings the status of every row up to date, in the markets that changed (or in `only`), and reports the rows whose
 * status changed: those that became `plane` in the first half of the stage, those that are so no more in the second.
 * False where a page is full: empty it and call again. With `keep` nothing is written: the changes are only reported.
 */
export function scan(plane: i32, effort: i32, only: i32, keep: bool): bool {
  while (nextMarket < touchedCount()) {
    const index = touchedAt(nextMarket);
    if (only >= 0 && index != <u32>only) { ++nextMarket; continue; }
    const market = marketAt(index), chunks = load<u32>(market, CHUNKS);
    const exact = effort == Effort.EXACT || load<u32>(market, PASS) != Sound.SCREEN;
    const all = exact || effort == Effort.KEYS;
    const limit = f64x2.replace_lane(f64x2.splat(load<f64>(market, LO)), 1, -load<f64>(market, HI));
    const first = boundsAt(market, 0), end = boundsAt(market, chunks);
    let at = boundsAt(market, nextOrdinal);
    while (at < end) {
      if (!all) {
        while (at + 64 <= end && !v128.any_true(v128.or(
          v128.or(f64x2.ge(v128.load(at),     limit), f64x2.ge(v128.load(at, 16), limit)),
          v128.or(f64x2.ge(v128.load(at, 32), limit), f64x2.ge(v128.load(at, 48), limit))))) at += 64;
        while (at < end && !v128.any_true(f64x2.ge(v128.load(at), limit))) at += 16;
        if (at >= end) break;
      }
      if (full()) { nextOrdinal = <u32>(at - first >> 4); return false; }
      visit(market, <u32>(at - first >> 4), plane, exact, keep);
      at += 16;
    }
    nextOrdinal = 0;
    if (keep) ++nextMarket; else settle(nextMarket);
  }
  return true;
}

/** Looks through a chunk. */
function visit(market: usize, ordinal: u32, plane: i32, exact: bool, keep: bool): void {
  const link = linkAt(market, ordinal), number = load<u32>(link, LINK_CHUNK), chunk = chunkAt(number);
  const block = <usize>load<u32>(chunk, BLOCK), log = load<u32>(chunk, LOG), used = load<u32>(chunk, USED);
  const lo = f64x2.splat(load<f64>(market, LO)), hi = f64x2.splat(load<f64>(market, HI));
  const unsafeBits = unsafePlane(block, log), revertBits = revertsPlane(block, log);
  const reverted = <u32>load<u16>(link, LINK_REVERTS) != 0;
  let safest = f64x2.splat(0); // keys are not negative, but for −∞
  let least = Infinity, most = -Infinity;
  let unsafeCount: u32 = 0, revertCount: u32 = 0;

  for (let place: u32 = 0; place < used; place += 64) {
    const keys = block + (place << 3), word = place >> 3;
    const before = load<u64>(unsafeBits + word);
    let mask: u64 = 0, reverts: u64 = 0;

    if (exact) {
      mask = judgeAll(market, block, log, place, min(used - place, 64));
      reverts = reverting;
      safest = largestBut(keys, mask | reverts, safest);
    } else {
      let any = f64x2.splat(0), largest = safest;
      for (let at = keys, end = keys + 512; at < end; at += 64) {
        const a = v128.load(at), b = v128.load(at, 16), c = v128.load(at, 32), d = v128.load(at, 48);
        any = v128.or(any, v128.or(v128.or(f64x2.gt(a, lo), f64x2.gt(b, lo)), v128.or(f64x2.gt(c, lo), f64x2.gt(d, lo))));
        largest = f64x2.pmax(largest, f64x2.pmax(f64x2.pmax(a, b), f64x2.pmax(c, d)));
      }
      if (!v128.any_true(any)) safest = largest;
      else {
        const candidates = maskAbove(keys, lo);
        mask = maskAbove(keys, hi);
        for (let open = candidates & ~mask; open; open &= open - 1) {
          const i = <u32>ctz(open);
          if (judge(market, block, log, place + i) == Status.UNSAFE) mask |= <u64>1 << i;
        }
        safest = largestBut(keys, mask, safest);
      }
    }

    const revertedBefore = reverted ? load<u64>(revertBits + word) : 0;
    const now = plane == Status.UNSAFE ? mask : reverts, then = plane == Status.UNSAFE ? before : revertedBefore;
    if (now != then) {
      falling = emit(now & ~then, STAGE, falling, market, block, log, number, place);
      rising = emit(then & ~now, STAGE + (HALF << 3), rising, market, block, log, number, place);
    }
    if (keep) continue;
    if (mask != before) store<u64>(unsafeBits + word, mask);
    if (reverts != revertedBefore) store<u64>(revertBits + word, reverts);
    unsafeCount += <u32>popcnt(mask);
    revertCount += <u32>popcnt(reverts);
    for (; mask; mask &= mask - 1) {
      const key = load<f64>(keys + (<usize>ctz(mask) << 3));
      least = min(least, key); most = max(most, key);
    }
  }
  if (keep) return;
  const bounds = boundsAt(market, ordinal);
  if (revertCount) safest = f64x2.splat(Infinity); // their keys stand in neither bound: look again each time
  store<f64>(bounds, max(f64x2.extract_lane(safest, 0), f64x2.extract_lane(safest, 1)));
  store<f64>(bounds, -least, 8);
  store<f64>(link, most, LINK_MAX);
  store<u16>(link, <u16>unsafeCount, LINK_UNSAFE);
  store<u16>(link, <u16>revertCount, LINK_REVERTS);
}

/** The largest of 64 keys and of `so far`, without those in `mask`. */
// @ts-ignore: decorator
@inline
function largestBut(keys: usize, mask: u64, soFar: v128): v128 {
  for (let i: u32 = 0; i < 64; i += 2, keys += 16) {
    const bits = mask >> i;
    const out = i64x2.replace_lane(i64x2.splat(-<i64>(bits & 1)), 1, -<i64>(bits >> 1 & 1));
    soFar = f64x2.pmax(soFar, v128.andnot(v128.load(keys), out));
  }
  return soFar;
}

// ---- Lists of what is so now; statuses must be up to date

/**
 * Lists rows in the order of their places, into the whole stage: those found unsafe, or reverting, or, with `near`,
 * those not above the distance that the rule's `certify` knows. False where the stage is full.
 */
export function list(plane: i32, only: i32, near: bool, certify: Judge, limits: usize): bool {
  for (; nextMarket < marketsHeld(); ++nextMarket, nextOrdinal = 0) {
    if (only >= 0 && nextMarket != <u32>only) continue;
    const market = marketAt(nextMarket), chunks = load<u32>(market, CHUNKS);
    for (; nextOrdinal < chunks; ++nextOrdinal) {
      const link = linkAt(market, nextOrdinal), bounds = boundsAt(market, nextOrdinal);
      const some = (plane == Status.UNSAFE ? load<u16>(link, LINK_UNSAFE) : load<u16>(link, LINK_REVERTS)) != 0;
      const close = near && (load<u32>(market, PASS) != Sound.SCREEN || load<f64>(bounds) >= load<f64>(market + limits));
      if (!some && !close) continue;
      if (falling + (1 << ROWS_LOG) > HALF << 1) return false;
      const number = load<u32>(link, LINK_CHUNK), chunk = chunkAt(number);
      const block = <usize>load<u32>(chunk, BLOCK), log = load<u32>(chunk, LOG), used = load<u32>(chunk, USED);
      const bits = plane == Status.UNSAFE ? unsafePlane(block, log) : revertsPlane(block, log);
      for (let place: u32 = 0; place < used; place += 64) {
        let mask = load<u64>(bits + (place >> 3));
        if (close) mask |= nearOf(market, block, log, place, certify, limits);
        if (mask) falling = emit(mask, STAGE, falling, market, block, log, number, place);
      }
    }
  }
  return true;
}

/** Of 64 rows those within the distance that `certify` knows. */
export function nearOf(market: usize, block: usize, log: u32, place: u32, certify: Judge, limits: usize): u64 {
  if (load<u32>(market, PASS) == Sound.SCREEN) {
    return unsafeOf(market, block, log, place, load<f64>(market + limits), load<f64>(market + limits, 8), certify);
  }
  let mask: u64 = 0;
  for (let i: u32 = 0; i < 64; ++i) {
    if (load<f64>(block + (place + i << 3)) >= 0 && certify(market, block, log, place + i) == Status.UNSAFE) mask |= <u64>1 << i;
  }
  return mask;
}

// ---- Preview: what would flip

/** Reports the rows of a market whose status would change with the figures of `scenario`; nothing is written. */
export function preview(market: usize, scenario: usize): bool {
  const chunks = load<u32>(market, CHUNKS);
  const exact = load<u32>(market, PASS) != Sound.SCREEN || load<u32>(scenario, PASS) != Sound.SCREEN;
  const lo = load<f64>(market, LO), hi = load<f64>(market, HI), nextLo = load<f64>(scenario, LO), nextHi = load<f64>(scenario, HI);
  const low = min(lo, nextLo), high = max(hi, nextHi);
  for (; nextOrdinal < chunks; ++nextOrdinal) {
    const bounds = boundsAt(market, nextOrdinal);
    if (!exact && load<f64>(bounds) < low && -load<f64>(bounds, 8) > high) continue;
    if (full()) return false;
    const number = load<u32>(linkAt(market, nextOrdinal), LINK_CHUNK), chunk = chunkAt(number);
    const block = <usize>load<u32>(chunk, BLOCK), log = load<u32>(chunk, LOG), used = load<u32>(chunk, USED);
    for (let place: u32 = 0; place < used; place += 64) {
      const now  = exact ? judgeAll(market, block, log, place, min(used - place, 64))   : unsafeOf(market, block, log, place, lo, hi, judge);
      const then = exact ? judgeAll(scenario, block, log, place, min(used - place, 64)) : unsafeOf(scenario, block, log, place, nextLo, nextHi, judge);
      if (now == then) continue;
      falling = emit(then & ~now, STAGE, falling, scenario, block, log, number, place);
      rising = emit(now & ~then, STAGE + (HALF << 3), rising, scenario, block, log, number, place);
    }
  }
  nextOrdinal = 0;
  return true;
}
