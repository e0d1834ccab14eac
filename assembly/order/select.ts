/**
 * The first k of many rows, in an exact order. Every candidate has a score, an f64 near the figure that orders it, and by how much of
 * it that may be beside it: scores that lie further apart decide by themselves, the exact rule decides the rest, and ties go by the
 * user's key, else by row. A quicksort that leaves alone what lies beyond k: O(n + k log k). The order is total, so equal rows do no harm.
 */
import { onShelves, positions } from "../cut";
import { alike, precedes, score, startScores } from "../rules";
import { CLOSE, doubt } from "../rules/status";
import { doubled, take, tableClass } from "../store/blocks";
import { BLOCK, LOG, MARKET, ROWS_LOG, chunkAt, compareKeys, marketAt, numberAt, userKeyAt, userKeyBytes, vaultAt } from "../store/chunks";

/*  entry (16 bytes)   ┌ score  f64 ┬ row  u32 ┬ doubt  f32 ┐  */
let entries: usize = 0, log: u32 = 0, count: u32 = 0, rule: i32 = 0;
// @ts-ignore: decorator
@inline const ROW: usize = 8;
// @ts-ignore: decorator
@inline const DOUBT: usize = 12;
// @ts-ignore: decorator
@inline function entryAt(i: u32): usize { return entries + (i << 4); }

/** Begins with no candidates, and room for `most`; false where memory cannot grow. */
export function startSelection(order: i32, most: u32): bool {
  rule = order; count = 0; barred = false;
  startScores();
  return reserveCandidates(most);
}
export function candidates(): u32 { return count; }
export function rowAt(i: u32): u32 { return load<u32>(entryAt(i), ROW); }

/** Makes room for `more` candidates; false where memory cannot grow. */
export function reserveCandidates(more: u32): bool {
  if (!entries) {
    log = 16;
    entries = take(tableClass(log), 1 << log);
    if (!entries) return false;
  }
  while (<u64>count + more > <u64>1 << (log - 4)) {
    if (log >= 31) return false;
    const next = doubled(entries, log);
    if (!next) return false;
    entries = next; ++log;
  }
  return true;
}

/**
 * Makes room for `more` candidates of which only the first `k` matter: where the table is full and they are less than half of
 * it, the others are let go. False where memory cannot grow.
 */
export function makeRoom(more: u32, k: u32): bool {
  if (entries && count + more > 1 << (log - 4) && k + more <= 1 << (log - 5)) {
    select(k);
    count = min(count, k);
  }
  return reserveCandidates(more);
}

/** Adds a candidate; there must be room. */
export function push(score: f64, doubt: f64, row: u32): void {
  const at = entryAt(count++);
  store<f64>(at, score);
  store<u32>(at, row, ROW);
  store<f32>(at, <f32>doubt, DOUBT);
}
/** Adds a row with its score in the order. */
export function propose(market: usize, block: usize, shape: u32, place: u32, row: u32): void {
  const figure = score(rule, market, block, shape, place);
  push(figure, doubt, row);
}

/** The last of the first `k` of what came before, and where it stands: whoever does not come before it is none of them. */
const BAR: usize = memory.data(16, 16);
let barred: bool = false, barMarket: usize = 0, bar: usize = 0;
/**
 * Adds a row as a candidate of which only the first `k` matter; there must be room. So many as are alike at the cut are compared once
 * each, and by their amounts alone: of 20,000 among a million 4 ms less than if all of them were sorted out at the end.
 */
export function offer(market: usize, block: usize, shape: u32, place: u32, row: u32, k: u32): void {
  if (barred && market == barMarket && alike(vaultAt(block, shape, place), bar)) {
    const first = load<u32>(BAR, ROW);
    if (userKeyBytes() ? compareKeys(userKeyAt(row), userKeyAt(first)) > 0 : row > first) return;
    push(load<f64>(BAR), load<f32>(BAR, DOUBT), row);
  } else {
    propose(market, block, shape, place, row);
    if (barred && !before(entryAt(count - 1), BAR)) { --count; return; }
  }
  if (!k || count < <u64>k * 4 + 1000) return;
  select(k);
  count = k;
  barred = true;
  v128.store(BAR, v128.load(entryAt(k - 1)));
  const last = load<u32>(BAR, ROW), chunk = chunkAt(last >> ROWS_LOG);
  barMarket = marketAt(load<u32>(chunk, MARKET)); bar = vaultAt(load<u32>(chunk, BLOCK), load<u32>(chunk, LOG), last & 1023);
}

/** Whether an entry comes before another. */
function before(a: usize, b: usize): bool {
  const s = load<f64>(a), t = load<f64>(b), f = load<f32>(a, DOUBT), g = load<f32>(b, DOUBT), u = <f64>abs(f), v = <f64>abs(g);
  if (t * (1 + v) < s * (1 - u)) return true;
  if (s * (1 + u) < t * (1 - v)) return false;
  const x = load<u32>(a, ROW), y = load<u32>(b, ROW);
  if (x == y) return false;
  const c = chunkAt(x >> ROWS_LOG), d = chunkAt(y >> ROWS_LOG), m = load<u32>(c, MARKET), n = load<u32>(d, MARKET);
  const p = load<u32>(c, BLOCK), q = load<u32>(d, BLOCK), h = load<u32>(c, LOG), l = load<u32>(d, LOG);
  const told = s == t && (!s || (positions() && m == n && f < 0 && g < 0)); // a score of 0 is a figure of 0; of negative doubts, see rules/status
  let order = told || (m == n && alike(vaultAt(p, h, x & 1023), vaultAt(q, l, y & 1023))) ? 0 : precedes(rule, marketAt(m), p, h, x & 1023, marketAt(n), q, l, y & 1023);
  if (!order && userKeyBytes()) order = compareKeys(userKeyAt(x), userKeyAt(y));
  if (!order && onShelves()) return numberAt(x) < numberAt(y); // by id: an account's row may change
  if (!order) order = m == n ? (x < y ? -1 : 1) : (m < n ? -1 : 1);
  return order < 0;
}

// @ts-ignore: decorator
@inline function exchange(i: u32, j: u32): void {
  const a = entryAt(i), b = entryAt(j);
  const x = v128.load(a);
  v128.store(a, v128.load(b));
  v128.store(b, x);
}

/** Puts the first `k` candidates in order at the front. */
export function select(k: u32): void { if (count) sort(0, count - 1, k); }

let seed: u32 = 0x9e3779b9;

/** Sorts [lo, hi], both included, as far as position `k`. */
function sort(lo: u32, hi: u32, k: u32): void {
  while (lo < hi && lo < k) {
    seed ^= seed << 13; seed ^= seed >> 17; seed ^= seed << 5; // a pivot that goes on from call to call; it moves no answer
    exchange(lo, lo + seed % (hi - lo + 1));
    const pivot = entryAt(lo);
    let i = lo, j = hi + 1;
    while (true) {
      do ++i; while (i < hi && before(entryAt(i), pivot));
      do --j; while (before(pivot, entryAt(j)));
      if (i >= j) break;
      exchange(i, j);
    }
    exchange(lo, j);
    if (j - lo < hi - j) { // the shorter side by recursion: log2 n deep at most
      if (j > lo) sort(lo, j - 1, k);
      lo = j + 1;
    } else {
      if (j + 1 < hi) sort(j + 1, hi, k);
      if (j == lo) return;
      hi = j - 1;
    }
  }
}

/** The least score of the first `k` candidates: no row scored below it, by more than the margin, can be among the first `k`. */
export function threshold(k: u32): f64 {
  select(k);
  return load<f64>(entryAt(k - 1)) * (1 - CLOSE);
}
