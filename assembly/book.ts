/**
 * What a book does, in terms of the store, the screen, the order and the rule of its family. Pages of rows, ids and
 * columns cross in the STAGE; figures in ARGS, one vault's answers in RESULTS.
 */
import { ARGS, STAGE, STAGE_BYTES, SYSTEM } from "./layout";
import { candidates, makeRoom, push, reserveCandidates, rowAt, select, startSelection, threshold, useComparison } from "./order/select";
import * as ilk from "./rules/ilk";
import { list as listRows, mayBeNear, nearOf, preview as previewMarket, setFloored, useRule, wanted } from "./screen/pass";
import {
  BLOCK, CHUNKS, FACTOR, Fault, HEADER, LINK_CHUNK, LINK_MAX, LINK_UNSAFE, LIVE, LOG, MARK, MARKET, ROWS_LOG, UNSAFE_BITS, USED,
  addMarket as newMarket, chunkAt, chunksHeld, groupOf, idOf, keysOf, lifeAt, linkAt, lives, marketAt, marketsHeld, open as openRows, openStore, place,
  placed, reserve as reserveRows, rowOf, touch, userKeyAt, userKeyBytes, vacate, vaultAt, vaultsHeld,
} from "./store/chunks";
import { enter, find as findKey, leave, reserveKeys } from "./store/keys";
import { quotient, quotientHi, quotientLo } from "./wide/quotient";

/** Rows of a page that carries vaults in, and of one that carries hits out. */
// @ts-ignore: decorator
@inline const PAGE: u32 = 4096;
export function pageRows(): u32 { return PAGE; }
export function hitRows(): u32 { return PAGE >> 1; }
export function idRows(): u32 { return <u32>(STAGE_BYTES >> 3); }

let accrued: bool = false;
const TIME: usize = memory.data(32, 16);
// @ts-ignore: decorator
@inline function time(): usize { return accrued ? TIME : 0; }

/** Opens the book, once per instance: bytes of a user's key (0: none), vaults at most. */
export function open(keyBytes: u32, capacity: f64): bool {
  useRule(ilk.judge, ilk.judgeAll, ilk.reaches);
  useComparison(ilk.precedes);
  return openStore(ilk.STRIDE, keyBytes, ilk.MARKET_BYTES, capacity) && reserveCandidates(1 << ROWS_LOG);
}

export function size(): u32 { return vaultsHeld(); }
export function marketSize(market: u32): u32 { return load<u32>(marketAt(market), LIVE); }

// ---- Figures

/** Takes over the fields of `mask` from ARGS. */
function takeFigures(to: usize, mask: u32): void {
  for (; mask; mask &= mask - 1) memory.copy(to + (ctz(mask) << 5), ARGS + (ctz(mask) << 5), 32);
}

export function setSystem(mask: u32): void {
  takeFigures(SYSTEM, mask);
  for (let i: u32 = 0; i < marketsHeld(); ++i) refresh(marketAt(i));
}

function refresh(market: usize): void {
  ilk.derive(market, time());
  touch(market);
}

/** A new market with the figures in ARGS; its number, or a fault. */
export function addMarket(mask: u32): i32 {
  const index = newMarket();
  if (index >= 0) setMarket(index, mask);
  return index;
}

export function setMarket(index: u32, mask: u32): void {
  const market = marketAt(index);
  takeFigures(market + HEADER, mask);
  refresh(market);
}

/** Markets of a page that changes many. */
// @ts-ignore: decorator
@inline const MARKET_PAGE: u32 = 1024;
export function marketRows(): u32 { return MARKET_PAGE; }

/** The same for many: their numbers (u32) in the stage, then a column (u128) of a page's length for each field of `mask`. */
export function setMarkets(count: u32, mask: u32): void {
  for (let i: u32 = 0; i < count; ++i) {
    const market = marketAt(load<u32>(STAGE + (i << 2)));
    let from = STAGE + (MARKET_PAGE << 2) + (i << 4);
    for (let left = mask; left; left &= left - 1, from += MARKET_PAGE << 4) {
      const to = market + HEADER + (ctz(left) << 5);
      v128.store(to, v128.load(from));
      v128.store(to, i64x2.splat(0), 16);
    }
    refresh(market);
  }
}

/** The figures of a market, to ARGS. */
export function getMarket(index: u32): void { memory.copy(ARGS, marketAt(index) + HEADER, ilk.FIGURES << 5); }

/** Changes to the view at the time in ARGS, or to the stored one. */
export function view(accrue: bool): void {
  if (!accrue && !accrued) return;
  if (accrue && accrued && memory.compare(TIME, ARGS, 32) == 0) return;
  accrued = accrue;
  memory.copy(TIME, ARGS, 32);
  for (let i: u32 = 0; i < marketsHeld(); ++i) refresh(marketAt(i));
}

/** Moves every market's rate and rho to the time in ARGS, as `drip` would; the first that reverts, or −1: then nothing moves. */
export function accrue(): i32 {
  const now = STAGE; // ARGS may be read by the rule
  memory.copy(now, ARGS, 32);
  for (let i: u32 = 0; i < marketsHeld(); ++i) {
    memory.copy(SCENARIO, marketAt(i), ilk.MARKET_BYTES);
    if (!ilk.accrue(SCENARIO, now)) return i;
  }
  for (let i: u32 = 0; i < marketsHeld(); ++i) {
    ilk.accrue(marketAt(i), now);
    refresh(marketAt(i));
  }
  return -1;
}

/** A market's record for a scenario, or for a trial. */
const SCENARIO: usize = memory.data(1024, 16);

// ---- Vaults

export function reserve(market: u32, count: u32): i32 {
  const fault = reserveRows(marketAt(market), count);
  if (fault) return fault;
  return userKeyBytes() && !reserveKeys(count) ? Fault.MEMORY : 0;
}

/**
 * Takes in `count` vaults of a market from the stage, for which room was reserved: each column a page long, then the
 * users' keys; their ids take the place of the first column. On a key that its market has already: the number of rows
 * taken in before it, with all of the page undone, as −1 − number; else 0.
 */
export function load_(index: u32, count: u32): i32 {
  const market = marketAt(index), keyBytes = userKeyBytes(), userKeysIn = STAGE + ilk.STRIDE * PAGE;
  for (let done: u32 = 0; done < count;) {
    const row = <u32>place(market, count - done), n = placed, at = row & 1023;
    const chunk = chunkAt(row >> ROWS_LOG), block = <usize>load<u32>(chunk, BLOCK), log = load<u32>(chunk, LOG);
    for (let offset: u32 = 0; offset < ilk.STRIDE; offset += 16) {
      let from = STAGE + offset * PAGE + (done << 4), to = vaultAt(block, log, at) + offset;
      for (const end = from + (n << 4); from < end; from += 16, to += ilk.STRIDE) v128.store(to, v128.load(from));
    }
    ilk.rekey(block, log, at, n);
    if (keyBytes) {
      memory.copy(userKeyAt(row), userKeysIn + done * keyBytes, n * keyBytes);
      for (let i: u32 = 0; i < n; ++i) if (!enter(row + i)) {
        for (let j: u32 = 0; j < i; ++j) leave(row + j);
        for (let j: u32 = 0; j < n; ++j) vacate(row + j);
        for (let j: u32 = 0; j < done; ++j) removeRow(<u32>rowOf(load<f64>(STAGE + (j << 3))));
        return -1 - <i32>(done + i);
      }
    }
    const life = lives(block, log) + (at << 1);
    for (let i: u32 = 0; i < n; ++i) store<f64>(STAGE + (done + i << 3), idOf(row + i, load<u16>(life + (i << 1))));
    done += n;
  }
  return 0;
}

/** Where the columns of an id begin, its market, block, log and place: what every question about a vault starts with. */
let at_market: usize = 0, at_block: usize = 0, at_log: u32 = 0, at_place: u32 = 0;
function locate(row: u32): void {
  const chunk = chunkAt(row >> ROWS_LOG);
  at_market = marketAt(load<u32>(chunk, MARKET));
  at_block = load<u32>(chunk, BLOCK);
  at_log = load<u32>(chunk, LOG);
  at_place = row & 1023;
}

/** Writes the columns of `mask` of a vault from row `from` of the stage; a fault for a stale id. */
export function update(id: f64, mask: u32, from: u32): i32 {
  const row = rowOf(id);
  if (row < 0) return Fault.STALE;
  const chunk = chunkAt(<u32>row >> ROWS_LOG), block = <usize>load<u32>(chunk, BLOCK), log = load<u32>(chunk, LOG), at = <u32>row & 1023;
  for (; mask; mask &= mask - 1) {
    const offset = <u32>ctz(mask) << 4;
    v128.store(vaultAt(block, log, at) + offset, v128.load(STAGE + offset * PAGE + (from << 4)));
  }
  ilk.rekey(block, log, at, 1);
  openRows(marketAt(load<u32>(chunk, MARKET)), chunk, at, 1);
  return 0;
}

export function remove(id: f64): i32 {
  const row = rowOf(id);
  if (row < 0) return Fault.STALE;
  removeRow(<u32>row);
  return 0;
}

function removeRow(row: u32): void {
  if (userKeyBytes()) leave(row);
  vacate(row);
}

/** Where bulk ids stand in the stage: behind the columns. */
// @ts-ignore: decorator
@inline function idsIn(): usize { return STAGE + ilk.STRIDE * PAGE; }
export function idsOffset(): u32 { return ilk.STRIDE * PAGE; }

/** The first of `count` ids that is stale, or −1. With `mark`, an id that comes twice is stale the second time, until `unmark`. */
export function check(count: u32, mark: bool): i32 {
  for (let i: u32 = 0; i < count; ++i) {
    const row = rowOf(load<f64>(idsIn() + (i << 3)));
    if (row < 0) {
      if (mark) unmark(i);
      return i;
    }
    if (mark) store<u16>(lifeAt(<u32>row), load<u16>(lifeAt(<u32>row)) | MARK);
  }
  return -1;
}

/** Takes the marks off the first `count` ids, all of which were marked. */
export function unmark(count: u32): void {
  for (let i: u32 = 0; i < count; ++i) {
    const life = lifeAt(<u32>(<u64>load<f64>(idsIn() + (i << 3))));
    store<u16>(life, load<u16>(life) & ~MARK);
  }
}

/** Updates the vaults whose ids were checked. */
export function updateMany(count: u32, mask: u32): void {
  for (let i: u32 = 0; i < count; ++i) update(load<f64>(idsIn() + (i << 3)), mask, i);
}

/** Removes the vaults whose ids were checked and marked. */
export function removeMany(count: u32): void {
  for (let i: u32 = 0; i < count; ++i) removeRow(<u32>(<u64>load<f64>(idsIn() + (i << 3))));
}

/** Whether the id's vault is there. */
export function holds(id: f64): bool { return rowOf(id) >= 0; }

/** Ids of the vaults with the key in ARGS, of a market (or −1: of any), to the stage after skipping `skip`; their number. */
export function find(skip: u32): u32 {
  const count = findKey(ARGS, STAGE, skip, idRows());
  for (let i = <i32>count - 1; i >= 0; --i) { // from the back: an id is twice as wide as a row
    const row = load<u32>(STAGE + (i << 2));
    store<f64>(STAGE + (i << 3), idOf(row, load<u16>(lifeAt(row))));
  }
  return count;
}

/** The market of an id, or a fault. */
export function marketOf(id: f64): i32 {
  const row = rowOf(id);
  return row < 0 ? Fault.STALE : <i32>load<u32>(chunkAt(<u32>row >> ROWS_LOG), MARKET);
}

// ---- Scan

/** Prepares a query: its debt floor is in ARGS[0], its distance in ARGS[1]. */
export function prepare(floor: bool, near: bool): void {
  setFloored(floor);
  if (!floor && !near) return;
  for (let i: u32 = 0; i < marketsHeld(); ++i) {
    if (floor) ilk.setFloor(marketAt(i), ARGS);
    if (near) ilk.setWithin(marketAt(i), ARGS + 32);
  }
}

/** Has the next scan look through every market, whether it changed or not. */
export function touchAll(): void { for (let i: u32 = 0; i < marketsHeld(); ++i) touch(marketAt(i)); }

/** Lists rows found `plane`, or with `near` those within the query's distance too. */
export function list(plane: i32, only: i32, near: bool): bool {
  return listRows(plane, only, near, ilk.isNear, ilk.NEAR);
}

/** Candidates of an order from ids in the stage. False where memory cannot grow. */
export function candidateIds(order: i32, count: u32): bool {
  if (!reserveCandidates(count)) return false;
  for (let i: u32 = 0; i < count; ++i) {
    const row = <u32>(<u64>load<f64>(STAGE + (i << 3)));
    locate(row);
    push(ilk.score(order, at_market, at_block, at_log, at_place), row);
  }
  return true;
}

/**
 * The rows found unsafe (with `near`: or within the query's distance) as candidates of an order, of which the first `k` are
 * asked for. For the riskiest, the k-th largest key that chunks attain bounds what can be among them, and chunks below it
 * are passed over. False where memory cannot grow. Needs up-to-date statuses.
 */
export function gather(order: i32, k: u32, only: i32, near: bool, floor: bool): bool {
  let least = -Infinity;
  if (order == ilk.Order.RISKIEST && !floor && k < chunksHeld()) { // with a debt floor the largest key may belong to a row that does not count
    startSelection(ilk.Order.NONE);
    if (!reserveCandidates(chunksHeld())) return false;
    for (let m: u32 = 0; m < marketsHeld(); ++m) {
      if (only >= 0 && m != <u32>only) continue;
      const market = marketAt(m), factor = load<f64>(market, FACTOR);
      for (let i: u32 = 0, n = load<u32>(market, CHUNKS); i < n; ++i) {
        const link = linkAt(market, i), top = <f64>load<f32>(link, LINK_MAX);
        if (top > 0) push(top * factor, load<u32>(link, LINK_CHUNK) << ROWS_LOG);
      }
    }
    if (k && candidates() > k) least = threshold(k) * (1 - 4.76837158203125e-7); // an f32 key is up to 2^−21 above its quotient
  }
  startSelection(order);
  for (let m: u32 = 0; m < marketsHeld(); ++m) {
    if (only >= 0 && m != <u32>only) continue;
    const market = marketAt(m), factor = load<f64>(market, FACTOR);
    for (let i: u32 = 0, n = load<u32>(market, CHUNKS); i < n; ++i) {
      const link = linkAt(market, i), close = near && mayBeNear(market, i, ilk.NEAR);
      if (!close && (!load<u16>(link, LINK_UNSAFE) || <f64>load<f32>(link, LINK_MAX) * factor < least)) continue;
      if (!gatherChunk(order, k, market, load<u32>(link, LINK_CHUNK), least, close)) return false;
    }
  }
  return true;
}

function gatherChunk(order: i32, k: u32, market: usize, number: u32, least: f64, near: bool): bool {
  const chunk = chunkAt(number), block = <usize>load<u32>(chunk, BLOCK), log = load<u32>(chunk, LOG), used = load<u32>(chunk, USED);
  const keys = keysOf(block, log), factor = load<f64>(market, FACTOR);
  if (!makeRoom(used, k)) return false;
  for (let place: u32 = 0; place < used; place += 64) {
    let mask = load<u64>(groupOf(block, place), UNSAFE_BITS);
    if (near) mask |= nearOf(market, block, log, place, ilk.isNear, ilk.NEAR);
    for (mask = wanted(mask, market, block, log, place); mask; mask &= mask - 1) {
      const at = place + <u32>ctz(mask);
      if (<f64>load<f32>(keys + (at << 2)) * factor < least) continue;
      push(ilk.score(order, market, block, log, at), number << ROWS_LOG | at);
    }
  }
  return true;
}

/** Sorts the first `k` candidates; how many there are of them. */
export function rank(k: u32): u32 {
  select(k);
  return min(k, candidates());
}

/** The ids of the candidates from position `from`, to the stage; their number. */
export function ranked(from: u32, count: u32): void {
  for (let i: u32 = 0; i < count; ++i) {
    const row = rowAt(from + i);
    store<f64>(STAGE + (i << 3), idOf(row, load<u16>(lifeAt(row))));
  }
}

/** Scenario `index` market with the figures of `mask` in ARGS; what would flip, paged like a scan. `rewind` first. */
export function scenario(index: u32, mask: u32): void {
  memory.copy(SCENARIO, marketAt(index), ilk.MARKET_BYTES);
  takeFigures(SCENARIO + HEADER, mask);
  ilk.derive(SCENARIO, time());
}
export function preview(index: u32): bool { return previewMarket(marketAt(index), SCENARIO); }

// ---- Figures of vaults

/**
 * Describes the vaults of `count` ids at the stage's beginning: behind them, each a page of hits long, the market (u32),
 * the rule's columns, health and debt (u128), then the user's keys.
 */
export function describe(count: u32): void {
  const rows = PAGE >> 1, keyBytes = userKeyBytes();
  const marketsOut = STAGE + (rows << 3), columns = marketsOut + (rows << 2);
  const healthOut = columns + rows * ilk.STRIDE, debtOut = healthOut + (rows << 4), keysOut = debtOut + (rows << 4);
  for (let i: u32 = 0; i < count; ++i) {
    const row = <u32>(<u64>load<f64>(STAGE + (i << 3)));
    locate(row);
    const ink = vaultAt(at_block, at_log, at_place), art = ink + ilk.ART;
    store<u32>(marketsOut + (i << 2), load<u32>(chunkAt(row >> ROWS_LOG), MARKET));
    v128.store(columns + (i << 4), v128.load(ink));
    v128.store(columns + (rows << 4) + (i << 4), v128.load(art));
    ilk.scale(at_market);
    quotient(at_market + ilk.HEALTH_SCALE, ink, art);
    store<u64>(healthOut + (i << 4), quotientLo);
    store<u64>(healthOut + (i << 4), quotientHi, 8);
    ilk.debtOf(at_market, art);
    store<u64>(debtOut + (i << 4), ilk.debtLo);
    store<u64>(debtOut + (i << 4), ilk.debtHi, 8);
    if (keyBytes) memory.copy(keysOut + i * keyBytes, userKeyAt(row), keyBytes);
  }
}

/** Everything about one vault, to RESULTS; a fault for a stale id. */
export function inspect(id: f64): i32 {
  const row = rowOf(id);
  if (row < 0) return Fault.STALE;
  locate(<u32>row);
  ilk.inspect(at_market, at_block, at_log, at_place);
  if (userKeyBytes()) memory.copy(STAGE, userKeyAt(<u32>row), userKeyBytes());
  return <i32>load<u32>(chunkAt(<u32>row >> ROWS_LOG), MARKET);
}

/** The first market whose accrual reverts in this view, or −1. */
export function brokenMarket(): i32 {
  for (let i: u32 = 0; i < marketsHeld(); ++i) if (ilk.broken(marketAt(i))) return i;
  return -1;
}

/** What a column holds. */
namespace Column { export const IDS = 0, RATIOS = 1, RATIOS_F64 = 2, DEBTS = 3; }

let columnMarket: u32 = 0, columnOrdinal: u32 = 0;
export function startColumn(): void { columnMarket = 0; columnOrdinal = 0; }

/** The next rows of a column over all vaults, market by market in the order of their places, to the stage; their number, 0 at the end. */
export function column(kind: i32): u32 {
  const wide = kind == Column.RATIOS || kind == Column.DEBTS, end = STAGE + STAGE_BYTES;
  let to = STAGE;
  for (; columnMarket < marketsHeld(); ++columnMarket, columnOrdinal = 0) {
    const market = marketAt(columnMarket), chunks = load<u32>(market, CHUNKS), factor = ilk.floatScale(market);
    ilk.scale(market);
    for (; columnOrdinal < chunks; ++columnOrdinal) {
      if (to + (16 << ROWS_LOG) > end) return rowsTo(to, wide);
      const number = load<u32>(linkAt(market, columnOrdinal), LINK_CHUNK), chunk = chunkAt(number), used = load<u32>(chunk, USED);
      const block = <usize>load<u32>(chunk, BLOCK), log = load<u32>(chunk, LOG), life = lives(block, log);
      let vault = vaultAt(block, log, 0);
      for (let i: u32 = 0; i < used; ++i, vault += ilk.STRIDE) {
        const l = load<u16>(life + (i << 1));
        if (!(l & 1)) continue;
        if (kind == Column.DEBTS) {
          ilk.debtOf(market, vault + ilk.ART);
          store<u64>(to, ilk.debtLo);
          store<u64>(to, ilk.debtHi, 8);
        } else if (kind == Column.RATIOS) {
          quotient(market + ilk.RATIO_SCALE, vault, vault + ilk.ART);
          store<u64>(to, quotientLo);
          store<u64>(to, quotientHi, 8);
        } else store<f64>(to, kind == Column.IDS ? idOf(number << ROWS_LOG | i, l) : ilk.floatRatio(factor, vault, vault + ilk.ART));
        to += wide ? 16 : 8;
      }
    }
  }
  return rowsTo(to, wide);
}

function rowsTo(end: usize, wide: bool): u32 { return <u32>(end - STAGE) >> (wide ? 4 : 3); }

/** Where the keys of a chunk stand, for the benchmark that reads them as fast as memory allows; 0 behind the last. */
export function keysAt(number: u32): usize {
  const chunk = chunkAt(number);
  return number < chunksHeld() ? keysOf(load<u32>(chunk, BLOCK), load<u32>(chunk, LOG)) : 0;
}
