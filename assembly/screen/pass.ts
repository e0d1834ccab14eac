/**
 * The screen: which rows of a market fail their rule, proved in floating point wherever it can be.
 *
 * A rule "unsafe iff debt·B > collateral·A" gives each row a key, an f32 no less than debt/collateral, written once with the
 * row; and each market two limits around A/B, computed once a tick:
 *
 *   key ≤ LO   ⇒ debt/collateral ≤ key ≤ LO ≤ A/B                             the row is safe
 *   key > HI   ⇒ debt/collateral > the key's third predecessor > A/B           the row is unsafe
 *   otherwise    open: the exact rule decides
 *
 * The second line: the key is the successor of the f32 nearest to x, an f64 bound of the quotient, so x is above the key's
 * second predecessor; the quotient is within LOOSE of x, far less than the step between f32s, so it is above the third. HI
 * lies five steps above an f32 nearest to an upper bound of A/B (wide/float). A quotient beyond the f32s has key +∞ and is above
 * every finite HI; a line beyond them has HI = +∞, which leaves everything above LO open.
 *
 * An f32 rather than an f64: the pass reads half the memory, and what is open because of it, 10^−6 of the width of the
 * line, costs nothing. Measured at 10,000,000 vaults against f64: every key in half the time, a crash in 10.3 ms instead of 18.3.
 *
 * No debt is key −∞, debt without collateral +∞. A market whose figures could make the contract revert is not screened:
 * each of its rows is judged exactly.
 *
 * Zones: beside each group of 64 rows, and over them beside each chunk of up to 1,024, stand the largest key last found
 * safe and the least last found unsafe. While the first is below LO and the second above HI no row can have changed its
 * status: a chunk is passed over for two comparisons, and of a chunk that is not only the groups that may have changed are
 * read. A write opens its group (largest safe key +∞). Measured on a walk over 10,000,000 vaults with 1,100 flips a tick:
 * 350 µs; with zones a chunk alone 1,440 µs.
 */
import { STAGE, STAGE_BYTES } from "../layout";
import {
  AGED, BLOCK, CHUNKS, HI, LOOSE, NEAR, LINK_CHUNK, LINK_MAX, LINK_REVERTS, LINK_UNSAFE, LO, LOG, PASS, REVERT_BITS, UNSAFE_BITS, USED,
  boundsAt, chunkAt, groupOf, keysOf, linkAt, lives, marketAt, marketsHeld, nextTouched, settle,
} from "../store/chunks";
import { chunkHigh, chunkLow, freshen, isNear, judge, judgeAll, narrow, overspent, reaches, surely } from "../rules";
import { Sound, Status, reverting } from "../rules/status";

/** How much of the screen a pass uses; the answer is the same. */
export namespace Effort { export const ZONES = 0, KEYS = 1, EXACT = 2; }

/** Whether results leave out rows below the query's debt floor. */
let floored: bool = false;
export function setFloored(on: bool): void { floored = on; }

/** Of 64 rows those that the query wants. */
export function wanted(mask: u64, market: usize, block: usize, log: u32, place: u32): u64 {
  if (floored) for (let bits = mask; bits; bits &= bits - 1) {
    const i = ctz(bits);
    if (!reaches(market, block, log, place + <u32>i)) mask &= ~(<u64>1 << i);
  }
  return mask;
}

/*
 * What a pass found goes out as two streams of u32s, rows that fell in the first half of the stage, rows that rose in the
 * second, chunk by chunk. Most rows live their first life, so a record is a bitmap, and a fall of a tenth of all vaults
 * costs two bits a vault; ids are made of it where somebody asks for them. (The two streams as records in memory and one function
 * for both: a crash 4 % slower.)
 *
 *   record of a chunk  ┌ number              ┬ which of its 32 words ┬ those words: a bit a row
 *   … of an aged one   └ number | 2^31       ┴ count                 ┴ place | life << 16 of each
 */
let fallPtr: usize = 0, fallHead: usize = 0, fallCount: u32 = 0;
let risePtr: usize = 0, riseHead: usize = 0, riseCount: u32 = 0;
// @ts-ignore: decorator
@inline function half(): usize { return STAGE_BYTES >> 1; }
// @ts-ignore: decorator
@inline const AGED_BIT: u32 = 1 << 31;

/** Rows in the first stream, its u32s; the same of the second. */
export function found(what: i32): u32 {
  switch (what) {
    case 0: return fallCount;
    case 1: return <u32>(fallPtr - STAGE >> 2);
    case 2: return riseCount;
  }
  return <u32>(risePtr - STAGE - half() >> 2);
}
function emptyStreams(): void {
  fallPtr = STAGE; risePtr = STAGE + half();
  fallCount = 0; riseCount = 0;
}
function full(): bool { return max(fallPtr - STAGE, risePtr - STAGE - half()) + 8 + 4096 > half(); }
// @ts-ignore: decorator
@inline function startRecords(): void { fallHead = 0; riseHead = 0; }

/** Writes rows of a group to a stream, whose record of this chunk begins at `head` (0: not yet); answers the stream's new end. */
function write(to: usize, head: usize, mask: u64, number: u32, chunk: usize, group: u32): usize {
  const aged = load<u8>(chunk, AGED) != 0;
  if (!head) {
    store<u32>(to, aged ? number | AGED_BIT : number);
    store<u32>(to, 0, 4);
    head = to;
    to += 8;
  }
  if (aged) {
    const life = lives(load<u32>(chunk, BLOCK), load<u32>(chunk, LOG));
    store<u32>(head, load<u32>(head, 4) + <u32>popcnt(mask), 4);
    for (; mask; mask &= mask - 1, to += 4) {
      const place = (group << 6) + <u32>ctz(mask);
      store<u32>(to, place | <u32>load<u16>(life + (place << 1)) << 16);
    }
    return to;
  }
  const low = <u32>mask, high = <u32>(mask >> 32);
  if (low)  { store<u32>(to, low);  to += 4; }
  if (high) { store<u32>(to, high); to += 4; }
  store<u32>(head, load<u32>(head, 4) | (u32(low != 0) | u32(high != 0) << 1) << (group << 1), 4);
  return to;
}

function fall(mask: u64, market: usize, number: u32, chunk: usize, group: u32): void {
  mask = wanted(mask, market, load<u32>(chunk, BLOCK), load<u32>(chunk, LOG), group << 6);
  if (!mask) return;
  const begin = fallPtr;
  fallPtr = write(begin, fallHead, mask, number, chunk, group);
  if (!fallHead) fallHead = begin;
  fallCount += <u32>popcnt(mask);
}

function rise(mask: u64, market: usize, number: u32, chunk: usize, group: u32): void {
  mask = wanted(mask, market, load<u32>(chunk, BLOCK), load<u32>(chunk, LOG), group << 6);
  if (!mask) return;
  const begin = risePtr;
  risePtr = write(begin, riseHead, mask, number, chunk, group);
  if (!riseHead) riseHead = begin;
  riseCount += <u32>popcnt(mask);
}

// ---- 64 rows

/** Keys above the limit, a bit each. */
export function maskAbove(at: usize, limit: f32): u64 {
  const bound = f32x4.splat(limit);
  let mask: u64 = 0;
  for (let i: u64 = 0; i < 64; i += 16, at += 64) mask |= sixteen(
    f32x4.gt(v128.load(at), bound), f32x4.gt(v128.load(at, 16), bound), f32x4.gt(v128.load(at, 32), bound), f32x4.gt(v128.load(at, 48), bound),
  ) << i;
  return mask;
}

/** Four comparisons of four keys as sixteen bits. */
// @ts-ignore: decorator
@inline
function sixteen(a: v128, b: v128, c: v128, d: v128): u64 {
  return <u64>v128.bitmask<i8>(v128.narrow<i16>(v128.narrow<i32>(a, b), v128.narrow<i32>(c, d)));
}

// @ts-ignore: decorator
@inline function larger(a: f32, b: f32): f32 { return a > b ? a : b; }
/** The largest of four in every lane. Scalars would branch, and be guessed wrong: 0.5 ns a key where all is unsettled. */
// @ts-ignore: decorator
@inline
function largest(v: v128): v128 {
  v = f32x4.pmax(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  return f32x4.pmax(v, v128.shuffle<i32>(v, v, 1, 0, 3, 2));
}

/** The unsafe ones of 64 rows by limits and the exact rule. `market` may be a scenario's record. */
function unsafeOf(market: usize, block: usize, log: u32, place: u32, lo: f32, hi: f32): u64 {
  const at = keysOf(block, log) + (place << 2);
  const candidates = maskAbove(at, lo);
  if (!candidates) return 0;
  let sure = maskAbove(at, load<f32>(groupOf(block, place), LOOSE) > 0 ? Infinity : hi);
  for (let open = candidates & ~sure; open; open &= open - 1) {
    const i = <u32>ctz(open);
    if (judge(market, block, log, place + i) == Status.UNSAFE) sure |= <u64>1 << i;
  }
  return sure;
}

// ---- The scan: statuses brought up to date

let nextMarket: u32 = 0, nextOrdinal: u32 = 0;
/** Sets a pass to its beginning. */
export function rewind(): void { nextMarket = 0; nextOrdinal = 0; }

/**
 * Brings the status of every row up to date, in the markets that changed (or in `only`), and reports the rows whose
 * status changed: those that became `plane` fall, those that are so no more rise. False where a stream is full: empty it
 * and call again. With `keep` nothing is written: the changes are only reported.
 */
export function scan(plane: i32, effort: i32, only: i32, keep: bool): bool {
  emptyStreams();
  for (let index = nextTouched(nextMarket); index < marketsHeld(); nextOrdinal = 0, index = nextTouched(index + 1)) {
    nextMarket = index;
    if (only >= 0 && index != <u32>only) continue;
    const market = marketAt(index), chunks = load<u32>(market, CHUNKS);
    const exact = effort == Effort.EXACT || load<u32>(market, PASS) != Sound.SCREEN;
    const all = exact || effort == Effort.KEYS;
    const first = boundsAt(market, 0), end = boundsAt(market, chunks);
    let limits = limitsOf(market), at = boundsAt(market, nextOrdinal);
    while (at < end) {
      if (!all) {
        while (at + 16 <= end && !v128.any_true(f32x4.ge(v128.load(at), limits))) at += 16;
        while (at < end && !mayChange(at, limits)) at += 8;
        if (at >= end) break;
      }
      if (full()) { nextOrdinal = <u32>(at - first >> 3); return false; }
      visit(market, <u32>(at - first >> 3), plane, exact, all, keep);
      at += 8;
      if (overspent()) { limits = limitsOf(market); at = first; } // new keys: all over, and nothing found twice
    }
    if (!keep) settle(index);
  }
  return true;
}

// @ts-ignore: decorator
@inline function limitsOf(market: usize): v128 { return pair(load<f32>(market, LO), -load<f32>(market, HI)); }
/** Two f32s, twice. */
// @ts-ignore: decorator
@inline function pair(a: f32, b: f32): v128 { return i64x2.splat(<u64>reinterpret<u32>(a) | <u64>reinterpret<u32>(b) << 32); }
/** Whether a chunk's bounds reach limits: then something in it may have changed. */
// @ts-ignore: decorator
@inline function mayChange(bounds: usize, limits: v128): bool { return v128.any_true(f32x4.ge(v128.load64_splat(bounds), limits)); }
/** The same limits for a group's bounds, of which the other two lanes are not compared. */
// @ts-ignore: decorator
@inline function groupLimits(limits: v128): v128 { return i64x2.replace_lane(limits, 1, -1); } // NaN

/** What a look through groups of a chunk needs to know, and what it found. */
let unsafeDelta: u32 = 0, revertDelta: u32 = 0, dense = false;

/** Looks through the groups of a chunk that may have changed. */
function visit(market: usize, ordinal: u32, plane: i32, exact: bool, all: bool, keep: bool): void {
  const link = linkAt(market, ordinal), number = load<u32>(link, LINK_CHUNK), chunk = chunkAt(number);
  const block = <usize>load<u32>(chunk, BLOCK), log = load<u32>(chunk, LOG), used = load<u32>(chunk, USED);
  const groups = (used + 63) >> 6;
  narrow(market, chunk);
  const lo = f32x4.splat(chunkLow), both = pair(chunkLow, -chunkHigh), limits = groupLimits(both), never = f32x4.splat(-Infinity);
  if (!all && !mayChange(boundsAt(market, ordinal), both)) return;
  const quiet = !load<u16>(link, LINK_REVERTS) && !exact;
  unsafeDelta = 0; revertDelta = 0; dense = false;
  startRecords();

  let over = never, keys = keysOf(block, log), bounds = block;
  for (let group: u32 = 0; group < groups; ++group, bounds += 32, keys += 256) {
    if (all || v128.any_true(f32x4.ge(v128.load(bounds), limits))) {
      if (quiet && !dense && load<f32>(bounds, 8) == -Infinity) { // the common case: all were safe and are
        let most = never, other = never;
        for (let at = keys, end = keys + 256; at < end; at += 128) {
          const a = v128.load(at),     b = v128.load(at, 16), c = v128.load(at, 32), d = v128.load(at, 48);
          const e = v128.load(at, 64), f = v128.load(at, 80), g = v128.load(at, 96), h = v128.load(at, 112);
          most  = f32x4.pmax(most,  f32x4.pmax(f32x4.pmax(a, b), f32x4.pmax(c, d)));
          other = f32x4.pmax(other, f32x4.pmax(f32x4.pmax(e, f), f32x4.pmax(g, h)));
        }
        most = f32x4.pmax(most, other);
        if (!v128.any_true(f32x4.gt(most, lo))) {
          most = v128.shuffle<i32>(largest(most), v128.load(bounds), 0, 6, 6, 7); // nothing was unsafe; LOOSE stays
          if (!keep && v128.any_true(f32x4.ne(most, v128.load(bounds)))) v128.store(bounds, most); // else no line of cache is made dirty
          over = f32x4.pmax(over, most);
          continue;
        }
      }
      look(market, number, chunk, group, plane, exact, keep);
    }
    over = f32x4.pmax(over, v128.load(bounds));
  }
  if (keep) return;

  v128.store64_lane(boundsAt(market, ordinal), over, 0);
  store<f32>(link, f32x4.extract_lane(over, 2), LINK_MAX);
  store<u16>(link, <u16>(load<u16>(link, LINK_UNSAFE) + unsafeDelta), LINK_UNSAFE);
  store<u16>(link, <u16>(load<u16>(link, LINK_REVERTS) + revertDelta), LINK_REVERTS);
}

/** Finds the status of 64 rows anew, reports what changed, and writes bits and bounds unless `keep`. */
function look(market: usize, number: u32, chunk: usize, group: u32, plane: i32, exact: bool, keep: bool): void {
  const block = <usize>load<u32>(chunk, BLOCK), log = load<u32>(chunk, LOG), keys = keysOf(block, log) + (group << 8);
  const state = groupOf(block, group << 6), before = load<u64>(state, UNSAFE_BITS), reverted = load<u64>(state, REVERT_BITS);
  let mask: u64 = 0, reverts: u64 = 0, safest: f32 = 0, least: f32 = Infinity, top: f32 = 0; // keys are not negative, but for −∞

  if (exact) {
    const used = load<u32>(chunk, USED);
    mask = judgeAll(market, block, log, group << 6, min(used - (group << 6), 64));
    reverts = reverting;
    for (let i: u32 = 0; i < 64; ++i) {
      const key = load<f32>(keys + (i << 2));
      if (mask >> i & 1) { least = min(least, key); top = larger(key, top); }
      else safest = larger(key, safest);
    }
    if (reverts) safest = Infinity; // they stand in neither bound: look again each time
  } else {
    const loosely = load<f32>(state, LOOSE) > 0;
    const lo = chunkLow, bound = f32x4.splat(loosely ? Infinity : chunkHigh), zero = f32x4.splat(0);
    let safe = zero, most = zero, unsafe = f32x4.splat(Infinity);
    for (let i: u64 = 0, at = keys; i < 64; i += 16, at += 64) {
      const a = v128.load(at), b = v128.load(at, 16), c = v128.load(at, 32), d = v128.load(at, 48);
      // a comparison is all ones or 0: with `and` it lets a key pass or 0, with `or` a key or NaN, which pmin leaves out
      const A = f32x4.le(a, bound), B = f32x4.le(b, bound), C = f32x4.le(c, bound), D = f32x4.le(d, bound);
      most = f32x4.pmax(most, f32x4.pmax(f32x4.pmax(a, b), f32x4.pmax(c, d)));
      safe = f32x4.pmax(safe, f32x4.pmax(f32x4.pmax(v128.and(a, A), v128.and(b, B)), f32x4.pmax(v128.and(c, C), v128.and(d, D))));
      unsafe = f32x4.pmin(f32x4.pmin(unsafe, v128.or(a, A)), v128.or(b, B));
      unsafe = f32x4.pmin(f32x4.pmin(unsafe, v128.or(c, C)), v128.or(d, D));
      mask |= (sixteen(A, B, C, D) ^ 0xffff) << i;
    }
    safest = f32x4.extract_lane(largest(safe), 0);
    top = loosely ? Infinity : f32x4.extract_lane(largest(most), 0);
    least = -f32x4.extract_lane(largest(f32x4.neg(unsafe)), 0);
    dense = popcnt(mask) > 4;
    if (safest > lo) { // something is open
      safest = lo; // holds for the rest
      for (let open = maskAbove(keys, lo) & ~mask; open; open &= open - 1) {
        const i = <u32>ctz(open), key = load<f32>(keys + (i << 2));
        const status = judge(market, block, log, (group << 6) + i);
        if (status == Status.UNSAFE) { mask |= <u64>1 << i; least = min(least, loosely ? surely(market, block, log, (group << 6) + i) : key); }
        else {
          safest = larger(key, safest);
          reverts |= u64(status == Status.REVERTS) << i;
        }
      }
      if (reverts) safest = Infinity; // look again each time
    }
  }

  const now = plane == Status.UNSAFE ? mask : reverts, then = plane == Status.UNSAFE ? before : reverted;
  if (now & ~then) fall(now & ~then, market, number, chunk, group);
  if (then & ~now) rise(then & ~now, market, number, chunk, group);
  if (keep) return;
  const loose = load<f32>(state, LOOSE);
  if (exact && loose > 0 && mask) { least = -Infinity; top = Infinity; } // no limit is known to prove them unsafe: look again each time
  const next = f32x4.replace_lane(f32x4.replace_lane(f32x4.replace_lane(f32x4.splat(loose), 0, safest), 1, -least), 2, mask ? top : -Infinity);
  if (v128.any_true(f32x4.ne(next, v128.load(state)))) v128.store(state, next);
  if (mask != before) {
    store<u64>(state, mask, UNSAFE_BITS);
    unsafeDelta += <u32>popcnt(mask) - <u32>popcnt(before);
  }
  if (reverts != reverted) {
    store<u64>(state, reverts, REVERT_BITS);
    revertDelta += <u32>popcnt(reverts) - <u32>popcnt(reverted);
  }
}

// ---- What is so now; statuses must be up to date

/**
 * Lists rows in the order of their places, as rows that fall: those found unsafe, or reverting, or, with `near`, those
 * within the query's distance too. False where the stream is full.
 */
export function list(plane: i32, only: i32, near: bool): bool {
  emptyStreams();
  for (; nextMarket < marketsHeld(); ++nextMarket, nextOrdinal = 0) {
    if (only >= 0 && nextMarket != <u32>only) continue;
    const market = marketAt(nextMarket), chunks = load<u32>(market, CHUNKS);
    for (; nextOrdinal < chunks; ++nextOrdinal) {
      const link = linkAt(market, nextOrdinal), close = near && mayBeNear(market, nextOrdinal);
      if (!close && !(plane == Status.UNSAFE ? load<u16>(link, LINK_UNSAFE) : load<u16>(link, LINK_REVERTS))) continue;
      if (full()) return false;
      const number = load<u32>(link, LINK_CHUNK), chunk = chunkAt(number);
      const block = <usize>load<u32>(chunk, BLOCK), log = load<u32>(chunk, LOG), used = load<u32>(chunk, USED);
      if (close) freshen(market, chunk);
      startRecords();
      for (let place: u32 = 0; place < used; place += 64) {
        const state = groupOf(block, place);
        let mask = plane == Status.UNSAFE ? load<u64>(state, UNSAFE_BITS) : load<u64>(state, REVERT_BITS);
        if (close) mask |= nearOf(market, block, log, place);
        if (mask) fall(mask, market, number, chunk, place >> 6);
      }
    }
  }
  return true;
}

/** Whether a chunk may hold safe rows within the query's distance. */
export function mayBeNear(market: usize, ordinal: u32): bool {
  return load<u32>(market, PASS) != Sound.SCREEN || load<f32>(boundsAt(market, ordinal)) >= load<f32>(market, NEAR);
}

/** Of 64 rows those within the query's distance. */
export function nearOf(market: usize, block: usize, log: u32, place: u32): u64 {
  const keys = keysOf(block, log) + (place << 2), screened = load<u32>(market, PASS) == Sound.SCREEN;
  let mask: u64 = screened && !(load<f32>(groupOf(block, place), LOOSE) > 0) ? maskAbove(keys, load<f32>(market, NEAR + 4)) : 0;
  let open = maskAbove(keys, screened ? load<f32>(market, NEAR) : -1) & ~mask; // not screened: all that have debt
  for (; open; open &= open - 1) {
    const i = <u32>ctz(open);
    if (isNear(market, block, log, place + i)) mask |= <u64>1 << i;
  }
  return mask;
}

/** Reports the rows of a market whose status would change with the figures of `scenario`; nothing is written. */
export function preview(market: usize, scenario: usize): bool {
  emptyStreams();
  const chunks = load<u32>(market, CHUNKS);
  const exact = load<u32>(market, PASS) != Sound.SCREEN || load<u32>(scenario, PASS) != Sound.SCREEN;
  const lo = load<f32>(market, LO), hi = load<f32>(market, HI), nextLo = load<f32>(scenario, LO), nextHi = load<f32>(scenario, HI);
  const limits = pair(min(lo, nextLo), -max(hi, nextHi));
  for (; nextOrdinal < chunks; ++nextOrdinal) {
    if (!exact && !mayChange(boundsAt(market, nextOrdinal), limits)) continue;
    if (full()) return false;
    const number = load<u32>(linkAt(market, nextOrdinal), LINK_CHUNK), chunk = chunkAt(number);
    const block = <usize>load<u32>(chunk, BLOCK), log = load<u32>(chunk, LOG), used = load<u32>(chunk, USED);
    freshen(market, chunk);
    startRecords();
    for (let place: u32 = 0; place < used; place += 64) {
      if (!exact && !v128.any_true(f32x4.ge(v128.load(groupOf(block, place)), groupLimits(limits)))) continue;
      const count = min(used - place, 64);
      const now  = exact ? judgeAll(market, block, log, place, count)   : unsafeOf(market, block, log, place, lo, hi);
      const then = exact ? judgeAll(scenario, block, log, place, count) : unsafeOf(scenario, block, log, place, nextLo, nextHi);
      if (then & ~now) fall(then & ~now, scenario, number, chunk, place >> 6);
      if (now & ~then) rise(now & ~then, scenario, number, chunk, place >> 6);
    }
  }
  nextOrdinal = 0;
  return true;
}
