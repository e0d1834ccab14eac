/**
 * Rows in chunks. Every row belongs to a market, lives in one of the market's chunks and is found by its number,
 * `chunk << 10 | place`. All chunks of a market but the last hold 1,024 rows; the last has as many as are wanted, 64 at least,
 * and doubles in place, its number unchanged, so ten thousand small markets stay small.
 *
 *   chunk of n rows    ┌ groups    n / 64 · 32 B    of each group of 64 rows what the last scan found (below)
 *   (columns, so that  ├ keys      n · f32          the screen key (screen/pass)
 *    a pass reads what ├ lives     n · u16          odd while the row is taken; ids carry it
 *    it needs)         ├ quads     n / 4 · quad     of four accounts what their keys are made of (rules/shelf)
 *                      ├ vaults    n · stride       the amounts of the protocol's rule side by side, e.g. ink, art
 *                      └ user keys n · keyBytes
 *
 * A chunk's shape is one number: log2 of its rows in the low five bits, which is all that a shift by it looks at, above
 * them nine bits of lines of an account (0: no quads), above those the stride.
 *
 *   group              ┌ bounds    4 f32            largest key found safe, least found unsafe (negated), largest found
 *                      │                            unsafe, and LOOSE: +∞ where limits prove no row unsafe, else −∞
 *                      ├ unsafe    u64              a bit a row
 *                      └ reverts   u64
 *
 *   market             ┌ header    (below)
 *                      └ figures, what follows from them: the rule's business
 *
 *   zones of a market  ┌ bounds    8 bytes a chunk, over its groups
 *   (one table)        └ links     16 bytes a chunk: largest key found unsafe, chunk number, counts of both planes
 */
import { onShelves } from "../cut";
import { doubled, ensure, give, take, chunkClass, tableClass } from "./blocks";

export const ROWS_LOG: u32 = 10, SMALL_LOG: u32 = 6;
/** The last life of a row: a row that often removed is not reused, lest an old id come to life again. */
const LAST_LIFE: u32 = 0x7fff;
/** Set on a row's life while a bulk removal is being checked. */
export const MARK: u32 = 0x8000;
const MAX_CHUNKS: u32 = 1 << 21;

/** What went wrong; negative, beside counts and indexes, which are not. */
export namespace Fault {
  export const MEMORY = -1, STALE = -2;
}

// Chunk record.
const CHUNK_LOG2: u32 = 5;
// @ts-ignore: decorator
@inline export const BLOCK: usize = 0;   // u32, where its columns begin
// @ts-ignore: decorator
@inline export const MARKET: usize = 4;  // u32
// @ts-ignore: decorator
@inline export const ORDINAL: usize = 8; // u32, its place in its market
// @ts-ignore: decorator
@inline export const ROOMY: usize = 12;  // u32, the next chunk of the market with room, plus 1
// @ts-ignore: decorator
@inline export const USED: usize = 16;   // u32, rows ever taken
// @ts-ignore: decorator
@inline export const VACANT: usize = 20; // u16, first free row, plus 1
// @ts-ignore: decorator
@inline export const STALE: usize = 22;  // u8, whether its keys are those of an older reference (rules/shelf)
// @ts-ignore: decorator
@inline export const SLOPE: usize = 23;  // u8, the highest rate at which a debt of its rows grows (rules/position)
// @ts-ignore: decorator
@inline export const LOG: usize = 24;    // u32, its shape
// @ts-ignore: decorator
@inline export const FREED: usize = 28;  // u16, rows that may be taken again
// @ts-ignore: decorator
@inline export const LISTED: usize = 30; // u8, whether it stands in its market's list of chunks with room
// @ts-ignore: decorator
@inline export const AGED: usize = 31;   // u8, whether a row was ever freed: without, every life is 1

// Market header.
// @ts-ignore: decorator
@inline export const ZONES: usize = 0;      // u32
// @ts-ignore: decorator
@inline export const ZONES_LOG: usize = 4;  // u32, log2 of the chunks it has place for
// @ts-ignore: decorator
@inline export const CHUNKS: usize = 8;     // u32
// @ts-ignore: decorator
@inline export const FIRST_ROOMY: usize = 12; // u32, plus 1
// @ts-ignore: decorator
@inline export const LIVE: usize = 16;      // u32
// @ts-ignore: decorator
@inline const ROOM: usize = 20;             // u32, rows that its chunks have room for
// @ts-ignore: decorator
@inline export const LO: usize = 24;        // f32, a key not above it is proved safe
// @ts-ignore: decorator
@inline export const HI: usize = 28;        // f32, a key above it is proved unsafe
// @ts-ignore: decorator
@inline export const NEAR: usize = 32;      // f32 limits of the query's distance, as LO and HI
// @ts-ignore: decorator
@inline export const FACTOR: usize = 40;    // f64, key times factor is close to 1/health
// @ts-ignore: decorator
@inline export const PASS: usize = 48;      // u32, which pass is sound for it (screen/pass)
// @ts-ignore: decorator
@inline export const INDEX: usize = 52;     // u32, its number
// @ts-ignore: decorator
@inline export const SHAPE: usize = 56;     // u32, of its chunks, without their rows
// @ts-ignore: decorator
@inline export const GROWTH: usize = 60;    // f32, how much a debt may have grown since its key was made: 1 where keys hold
// @ts-ignore: decorator
@inline export const HEADER: usize = 64;

let keyBytes: u32 = 0, marketBytes: u32 = 0;
let living: u32 = 0;
let chunks: usize = 0, chunksLog: u32 = 0, chunkCount: u32 = 0;
let markets: usize = 0, marketsLog: u32 = 0, marketCount: u32 = 0;
let dirty: usize = 0, dirtyLog: u32 = 0; // a bit a market: whether the next scan must visit it

/** Opens the store: bytes of a user key (0: none), and of a market. */
export function openStore(bytesOfKey: u32, bytesOfMarket: u32): bool {
  keyBytes = bytesOfKey; marketBytes = bytesOfMarket;
  chunksLog = 8;
  chunks = take(tableClass(chunksLog), 1 << chunksLog);
  marketsLog = 32 - clz(marketBytes - 1);
  markets = take(tableClass(marketsLog), 1 << marketsLog);
  dirtyLog = 4;
  dirty = take(tableClass(dirtyLog), 1 << dirtyLog);
  if (dirty) memory.fill(dirty, 0, 1 << dirtyLog);
  return chunks != 0 && markets != 0 && dirty != 0;
}

// ---- Addresses

// @ts-ignore: decorator
@inline export function chunkAt(chunk: u32): usize { return chunks + (chunk << CHUNK_LOG2); }
// @ts-ignore: decorator
@inline export function marketAt(market: u32): usize { return markets + <usize>market * marketBytes; }
// @ts-ignore: decorator
@inline export function marketsHeld(): u32 { return marketCount; }
// @ts-ignore: decorator
@inline export function chunksHeld(): u32 { return chunkCount; }
// @ts-ignore: decorator
@inline export function vaultsHeld(): u32 { return living; }
// @ts-ignore: decorator
@inline export function userKeyBytes(): u32 { return keyBytes; }
/** Bytes of a group of 64 rows, of its keys, of its lives. */
const GROUP: u32 = 32, KEYS: u32 = 256, LIVES: u32 = 128;
// @ts-ignore: decorator
@inline export const MOST: usize = 8; // f32, largest key found unsafe
// @ts-ignore: decorator
@inline export const LOOSE: usize = 12;
// @ts-ignore: decorator
@inline export const UNSAFE_BITS: usize = 16;
// @ts-ignore: decorator
@inline export const REVERT_BITS: usize = 24;
// @ts-ignore: decorator
@inline function groupsOf(shape: u32): u32 { return 1 << shape >> 6; }
// @ts-ignore: decorator
@inline export function shapeOf(lines: u32, stride: u32): u32 { return stride << 14 | lines << 5; }
// @ts-ignore: decorator
@inline export function linesOf(shape: u32): u32 { return shape >> 5 & 511; }
// @ts-ignore: decorator
@inline function strideOf(shape: u32): u32 { return shape >> 14; }
// @ts-ignore: decorator
@inline function rowsLog(shape: u32): u32 { return shape & 31; }
/** Bytes of what four accounts' keys are made of: for each line four f32s and four u8s, and four u8s more. */
// @ts-ignore: decorator
@inline export function quadBytes(shape: u32): u32 { return linesOf(shape) * 20 + 4; }
/** Before the quads stands which assets the chunk's accounts owe (a bit each), and which they hold. */
// @ts-ignore: decorator
@inline export const MASKS: u32 = 32;
function quadsBytes(shape: u32): u32 { return linesOf(shape) ? MASKS + (quadBytes(shape) << shape >> 2) : 0; }
function chunkBytes(shape: u32): u32 {
  return (GROUP + KEYS + LIVES) * groupsOf(shape) + quadsBytes(shape) + ((strideOf(shape) + keyBytes) << shape);
}
export function groupOf(block: usize, place: u32): usize { return block + (place >> 6) * GROUP; }
export function keysOf(block: usize, log: u32): usize { return block + GROUP * groupsOf(log); }
export function lives(block: usize, log: u32): usize { return block + (GROUP + KEYS) * groupsOf(log); }
// @ts-ignore: decorator
@inline export function masksOf(block: usize, shape: u32): usize { return block + (GROUP + KEYS + LIVES) * groupsOf(shape); }
// @ts-ignore: decorator
@inline function vaults(block: usize, shape: u32): usize { return masksOf(block, shape) + quadsBytes(shape); }
/** Where a vault's amounts stand, side by side: what is written or judged together is read together. */
export function vaultAt(block: usize, shape: u32, place: u32): usize { return vaults(block, shape) + place * strideOf(shape); }
export function userKeys(block: usize, log: u32): usize { return vaultAt(block, log, 1 << log); }

export function boundsAt(market: usize, ordinal: u32): usize { return <usize>load<u32>(market, ZONES) + (ordinal << 3); }
export function linkAt(market: usize, ordinal: u32): usize {
  return <usize>load<u32>(market, ZONES) + (8 << load<u32>(market, ZONES_LOG)) + (ordinal << 4);
}
/** Fields of a link. */
// @ts-ignore: decorator
@inline export const LINK_MAX: usize = 0;      // f32, largest key found unsafe; −∞ without
// @ts-ignore: decorator
@inline export const LINK_CHUNK: usize = 8;    // u32
// @ts-ignore: decorator
@inline export const LINK_UNSAFE: usize = 12;  // u16, rows found unsafe
// @ts-ignore: decorator
@inline export const LINK_REVERTS: usize = 14; // u16, rows that revert

// ---- Ids

/** A row's id: its number, and above 2^32 its life. */
// @ts-ignore: decorator
@inline export function idOf(row: u32, life: u32): f64 { return <f64>life * 4294967296.0 + <f64>row; }

/*
 * An account moves to another shelf when it gets more lines, and keeps its id: there the number is an entry of a table, and
 * the first u32 of the row's vault says which.
 *
 *   entry (8 bytes)    ┌ row  u32, of a free one the next, plus 1 ┬ life  u16 ┬ – ┐
 */
let numbers: usize = 0, numbersLog: u32 = 0, numberCount: u32 = 0, freeNumber: u32 = 0;
// @ts-ignore: decorator
@inline function entryAt(number: u32): usize { return numbers + (number << 3); }

/** Makes room for `more` numbers; false, and nothing changed, where memory cannot grow. */
export function reserveNumbers(more: u32): bool {
  let log = max<u32>(numbersLog, 10);
  while (<u64>numberCount + more > <u64>1 << (log - 3)) if (++log > 31) return false;
  if (log == numbersLog) return true;
  const next = take(tableClass(log), 1 << log);
  if (!next) return false;
  if (numbers) {
    memory.copy(next, numbers, 1 << numbersLog);
    give(tableClass(numbersLog), numbers);
  }
  numbers = next; numbersLog = log;
  return true;
}

/** A number for the account in a row, for which there is room. */
export function takeNumber(row: u32): u32 {
  let number = freeNumber;
  if (number) freeNumber = load<u32>(entryAt(--number));
  else {
    number = numberCount++;
    store<u64>(entryAt(number), 0);
  }
  store<u32>(entryAt(number), row);
  store<u16>(entryAt(number), load<u16>(entryAt(number), 4) + 1, 4);
  return number;
}
export function moveNumber(number: u32, row: u32): void { store<u32>(entryAt(number), row); }
export function giveNumber(number: u32): void {
  const entry = entryAt(number), life = <u32>load<u16>(entry, 4) & ~MARK;
  store<u16>(entry, <u16>(life + 1), 4);
  if (life == LAST_LIFE) return;
  store<u32>(entry, freeNumber);
  freeNumber = number + 1;
}

/** The id of what lives in a row. */
export function idAt(row: u32): f64 {
  seek(row);
  if (!onShelves()) return idOf(row, load<u16>(lives(foundBlock, foundLog) + (foundPlace << 1)));
  const number = load<u32>(vaultAt(foundBlock, foundLog, foundPlace));
  return idOf(number, load<u16>(entryAt(number), 4));
}
/** The number of the account in a row. */
export function numberAt(row: u32): u32 {
  seek(row);
  return load<u32>(vaultAt(foundBlock, foundLog, foundPlace));
}
/** The row of an id that is known to be good. */
export function rowIn(id: f64): u32 {
  const row = <u32>(<u64>id);
  return onShelves() ? load<u32>(entryAt(row)) : row;
}

/** Where a row stands: what every question about a vault starts with. */
export let foundMarket: usize = 0, foundBlock: usize = 0, foundLog: u32 = 0, foundPlace: u32 = 0;
export function seek(row: u32): void {
  const chunk = chunkAt(row >> ROWS_LOG);
  foundMarket = marketAt(load<u32>(chunk, MARKET));
  foundBlock = load<u32>(chunk, BLOCK);
  foundLog = load<u32>(chunk, LOG);
  foundPlace = row & 1023;
}

/** The row of an id, sought; or −1 where its vault is gone or never was. */
export function rowOf(id: f64): i64 {
  if (!(id >= 0 && id < 281474976710656.0)) return -1; // 2^48; NaN too
  const bits = <u64>id, row = <u32>bits, life = <u32>(bits >> 32);
  if (onShelves()) {
    if (<f64>bits != id || row >= numberCount || !(life & 1) || load<u16>(entryAt(row), 4) != life) return -1;
    seek(load<u32>(entryAt(row)));
    return <i64>load<u32>(entryAt(row));
  }
  if (<f64>bits != id || row >> ROWS_LOG >= chunkCount || !(life & 1)) return -1;
  seek(row);
  return foundPlace < <u32>1 << foundLog && load<u16>(lives(foundBlock, foundLog) + (foundPlace << 1)) == life ? <i64>row : -1;
}

/** Where the life stands that the id of a row carries. */
export function lifeAt(row: u32): usize {
  seek(row);
  if (onShelves()) return entryAt(load<u32>(vaultAt(foundBlock, foundLog, foundPlace))) + 4;
  return lives(foundBlock, foundLog) + (foundPlace << 1);
}

/** Whether two user keys come in order (< 0), out of it (> 0), or are the same (0), byte by byte. */
export function compareKeys(a: usize, b: usize): i32 { return memory.compare(a, b, keyBytes); }

export function userKeyAt(row: u32): usize {
  seek(row);
  return userKeys(foundBlock, foundLog) + foundPlace * keyBytes;
}

// ---- Markets

/** A new market for chunks of a shape, its record zeroed; its number, or a fault. */
export function addMarket(shape: u32): i32 {
  while ((marketCount + 1) * marketBytes > <u32>1 << marketsLog) {
    const next = doubled(markets, marketsLog);
    if (!next) return Fault.MEMORY;
    markets = next; ++marketsLog;
  }
  if (marketCount == <u32>8 << dirtyLog) {
    const next = doubled(dirty, dirtyLog);
    if (!next) return Fault.MEMORY;
    memory.fill(next + (1 << dirtyLog), 0, 1 << dirtyLog);
    dirty = next; ++dirtyLog;
  }
  const zones = take(tableClass(5), 32); // for one chunk, 24 bytes
  if (!zones) return Fault.MEMORY;
  const market = marketAt(marketCount);
  memory.fill(market, 0, marketBytes);
  store<u32>(market, <u32>zones, ZONES);
  store<u32>(market, marketCount, INDEX);
  store<u32>(market, shape, SHAPE);
  store<f32>(market, 1, GROWTH);
  return marketCount++;
}

/** Has the next scan visit the market. */
export function touch(market: usize): void {
  const index = load<u32>(market, INDEX), word = dirty + (index >> 6 << 3);
  store<u64>(word, load<u64>(word) | <u64>1 << (index & 63));
}

/** The first market from `index` on that a scan must visit; the number of markets, if there is none. */
export function nextTouched(index: u32): u32 {
  while (index < marketCount) {
    const bits = load<u64>(dirty + (index >> 6 << 3)) >> (index & 63);
    if (bits) return index + <u32>ctz(bits);
    index = (index | 63) + 1;
  }
  return marketCount;
}

/** The market has been visited. */
export function settle(index: u32): void {
  const word = dirty + (index >> 6 << 3);
  store<u64>(word, load<u64>(word) & ~(<u64>1 << (index & 63)));
}

// ---- Rows

/** Whether `count` more vaults of a market fit into memory: 0, or the fault. Then `place` cannot fail, if nothing is taken between. */
export function reserve(market: usize, count: u32): i32 { return ensure(needed(market, count)) ? 0 : Fault.MEMORY; }

/** Bytes that `count` more vaults of a market take at most; more than there can be where there are too many chunks. */
export function needed(market: usize, count: u32): u64 {
  const room = load<u32>(market, ROOM);
  if (count <= room) return 0;
  const whole = (count - room >> ROWS_LOG) + 2, all = <u64>chunkCount + whole, own = <u64>load<u32>(market, CHUNKS) + whole;
  if (all > MAX_CHUNKS) return 1 << 33;
  // One chunk more for a last one that widens; tables that double, with all smaller ones that they pass through.
  let bytes = <u64>(whole + 1) * chunkBytes(load<u32>(market, SHAPE) | ROWS_LOG);
  if (all > <u64>1 << (chunksLog - CHUNK_LOG2)) bytes += all * 128;
  if (own > <u64>1 << load<u32>(market, ZONES_LOG)) bytes += own * 256;
  return bytes;
}

/** Rows in a row: how many `place` gave. */
export let placed: u32 = 0;

/**
 * Takes rows for up to `wanted` vaults of the market, together in one chunk: answers the first row, and their number
 * in `placed`. Freed rows are taken first, one at a time. −1 where memory cannot grow.
 */
export function place(market: usize, wanted: u32): i64 {
  const roomy = load<u32>(market, FIRST_ROOMY);
  let number: u32 = 0, row: u32 = 0;
  if (roomy) {
    number = roomy - 1;
    const chunk = chunkAt(number), block = <usize>load<u32>(chunk), log = load<u32>(chunk, LOG), vacant = <u32>load<u16>(chunk, VACANT);
    if (vacant) {
      row = vacant - 1;
      store<u16>(chunk, <u16>load<u32>(vaultAt(block, log, row)), VACANT);
      store<u16>(chunk, load<u16>(chunk, FREED) - 1, FREED);
      placed = 1;
    } else { // it was emptied whole
      row = load<u32>(chunk, USED);
      placed = min(wanted, (<u32>1 << log) - row);
      store<u32>(chunk, row + placed, USED);
    }
    if (!load<u16>(chunk, VACANT) && load<u32>(chunk, USED) == <u32>1 << log) {
      store<u32>(market, load<u32>(chunk, ROOMY), FIRST_ROOMY);
      store<u8>(chunk, 0, LISTED);
    }
  } else {
    const count = load<u32>(market, CHUNKS);
    let chunk: usize = 0;
    if (count) {
      number = load<u32>(linkAt(market, count - 1), LINK_CHUNK);
      chunk = chunkAt(number);
      if (load<u32>(chunk, USED) == <u32>1 << load<u32>(chunk, LOG)) {
        if (rowsLog(load<u32>(chunk, LOG)) == ROWS_LOG) chunk = 0;
        else if (!widen(market, chunk, load<u32>(chunk, USED) + wanted)) return -1;
      }
    }
    if (!chunk) {
      number = chunkCount;
      if (!append(market, wanted)) return -1;
      chunk = chunkAt(number);
    }
    row = load<u32>(chunk, USED);
    placed = min(wanted, (<u32>1 << load<u32>(chunk, LOG)) - row);
    store<u32>(chunk, row + placed, USED);
  }
  const chunk = chunkAt(number);
  let life = lives(load<u32>(chunk), load<u32>(chunk, LOG)) + (row << 1);
  for (const end = life + (placed << 1); life < end; life += 2) store<u16>(life, load<u16>(life) + 1);
  open(market, chunk, row, placed);
  living += placed;
  store<u32>(market, load<u32>(market, LIVE) + placed, LIVE);
  store<u32>(market, load<u32>(market, ROOM) - placed, ROOM);
  return <i64>(number << ROWS_LOG | row);
}

/** Frees a row. Its key leaves no trace: −∞ is never a candidate. */
export function vacate(row: u32): void {
  seek(row);
  const number = row >> ROWS_LOG, chunk = chunkAt(number), market = foundMarket, block = foundBlock, log = foundLog, placeInChunk = foundPlace;
  const group = groupOf(block, placeInChunk), bit = <u64>1 << (placeInChunk & 63);
  store<f32>(keysOf(block, log) + (placeInChunk << 2), -Infinity);
  memory.fill(vaultAt(block, log, placeInChunk), 0, strideOf(log));
  const link = linkAt(market, load<u32>(chunk, ORDINAL));
  forget(group + UNSAFE_BITS, bit, link + LINK_UNSAFE);
  forget(group + REVERT_BITS, bit, link + LINK_REVERTS);
  open(market, chunk, placeInChunk, 1);
  if (!onShelves()) store<u8>(chunk, 1, AGED);
  --living;
  store<u32>(market, load<u32>(market, LIVE) - 1, LIVE);
  const lifePtr = lives(block, log) + (placeInChunk << 1), life = <u32>load<u16>(lifePtr) & ~MARK;
  store<u16>(lifePtr, <u16>(onShelves() ? 0 : life + 1)); // ids of accounts do not carry it
  if (life == LAST_LIFE) return;
  store<u32>(market, load<u32>(market, ROOM) + 1, ROOM);
  const freed = <u32>load<u16>(chunk, FREED) + 1;
  store<u16>(chunk, <u16>freed, FREED);
  if (!load<u8>(chunk, LISTED)) {
    store<u8>(chunk, 1, LISTED);
    store<u32>(chunk, load<u32>(market, FIRST_ROOMY), ROOMY);
    store<u32>(market, number + 1, FIRST_ROOMY);
  }
  store<u32>(vaultAt(block, log, placeInChunk), load<u16>(chunk, VACANT));
  store<u16>(chunk, <u16>(placeInChunk + 1), VACANT);
  if (freed == load<u32>(chunk, USED)) { // emptied whole: its rows are taken in one go again
    store<u32>(chunk, 0, USED);
    store<u16>(chunk, 0, VACANT);
    store<u16>(chunk, 0, FREED);
  }
}

/** Clears a bit; the chunk's count of them follows. */
function forget(word: usize, bit: u64, count: usize): void {
  const bits = load<u64>(word);
  if (!(bits & bit)) return;
  store<u64>(word, bits ^ bit);
  store<u16>(count, load<u16>(count) - 1);
}

/** Opens the groups of `count` rows for the next scan: a bound of +∞ promises nothing until they have been looked through. */
export function open(market: usize, chunk: usize, place: u32, count: u32): void {
  const block = <usize>load<u32>(chunk, BLOCK);
  for (let group = groupOf(block, place), last = groupOf(block, place + count - 1); group <= last; group += GROUP) store<f32>(group, Infinity);
  store<f32>(boundsAt(market, load<u32>(chunk, ORDINAL)), Infinity);
  touch(market);
}

/** A chunk of its own for the market's next rows, as small as `wanted` allows. */
function append(market: usize, wanted: u32): bool {
  const ordinal = load<u32>(market, CHUNKS), zonesLog = load<u32>(market, ZONES_LOG);
  if (chunkCount == MAX_CHUNKS) return false;
  if (chunkCount == <u32>1 << (chunksLog - CHUNK_LOG2)) {
    const next = doubled(chunks, chunksLog);
    if (!next) return false;
    chunks = next; ++chunksLog;
  }
  if (ordinal == <u32>1 << zonesLog) { // bounds and links each twice as long
    const old = <usize>load<u32>(market, ZONES), next = take(tableClass(zonesLog + 6), 64 << zonesLog);
    if (!next) return false;
    memory.copy(next, old, 8 << zonesLog);
    memory.copy(next + (16 << zonesLog), old + (8 << zonesLog), 16 << zonesLog);
    give(tableClass(zonesLog + 5), old);
    store<u32>(market, <u32>next, ZONES);
    store<u32>(market, zonesLog + 1, ZONES_LOG);
  }
  const log = load<u32>(market, SHAPE) | logFor(wanted);
  const block = take(classOf(market, log), chunkBytes(log));
  if (!block) return false;
  blank(block, log);

  const chunk = chunkAt(chunkCount);
  memory.fill(chunk, 0, 1 << CHUNK_LOG2);
  store<u32>(chunk, <u32>block, BLOCK);
  store<u32>(chunk, load<u32>(market, INDEX), MARKET);
  store<u32>(chunk, ordinal, ORDINAL);
  store<u32>(chunk, log, LOG);
  const bounds = boundsAt(market, ordinal), link = linkAt(market, ordinal);
  store<f32>(bounds, -Infinity, 0);
  store<f32>(bounds, -Infinity, 4);
  store<f32>(link, -Infinity, LINK_MAX);
  store<u32>(link, chunkCount++, LINK_CHUNK);
  store<u32>(link, 0, LINK_UNSAFE);
  store<u32>(market, ordinal + 1, CHUNKS);
  store<u32>(market, load<u32>(market, ROOM) + (1 << log), ROOM);
  return true;
}

/** The class of a market's chunk: shelves have chunks of their own sizes. */
function classOf(market: usize, shape: u32): u32 { return chunkClass(rowsLog(shape) - SMALL_LOG, onShelves() ? load<u32>(market, INDEX) : 0); }

function logFor(rows: u32): u32 {
  return rows <= 1 << SMALL_LOG ? SMALL_LOG : rows >= 1 << ROWS_LOG ? ROWS_LOG : 32 - clz(rows - 1);
}

/** Moves a market's last chunk into a block with place for `rows`, at least twice as many as it had. */
function widen(market: usize, chunk: usize, rows: u32): bool {
  const log = load<u32>(chunk, LOG), next = max(log + 1, load<u32>(market, SHAPE) | logFor(rows));
  const from = <usize>load<u32>(chunk), to = take(classOf(market, next), chunkBytes(next));
  if (!to) return false;
  blank(to, next);
  const groups = groupsOf(log);
  memory.copy(to, from, GROUP * groups);
  memory.copy(keysOf(to, next), keysOf(from, log), KEYS * groups);
  memory.copy(lives(to, next), lives(from, log), 2 << log);
  memory.copy(masksOf(to, next), masksOf(from, log), quadsBytes(log));
  memory.copy(vaults(to, next), vaults(from, log), strideOf(log) << log);
  memory.copy(userKeys(to, next), userKeys(from, log), keyBytes << log);
  give(classOf(market, log), from);
  store<u32>(chunk, <u32>to, BLOCK);
  store<u32>(chunk, next, LOG);
  store<u32>(market, load<u32>(market, ROOM) + (1 << next) - (1 << log), ROOM);
  return true;
}

/** A block whose rows were never taken. */
function blank(block: usize, log: u32): void {
  memory.fill(block, 0, vaults(block, log) - block);
  for (let at = block, end = keysOf(block, log); at < end; at += GROUP) v128.store(at, f32x4.splat(-Infinity));
  for (let at = keysOf(block, log), end = lives(block, log); at < end; at += 16) v128.store(at, f32x4.splat(-Infinity));
}
