/**
 * From a user's key to the rows that carry it: a hash table of row numbers, open addressing with linear probing, at most
 * half full, entries moved back on removal (Knuth, TAOCP 6.4 R). A key stands once in a market, and in any number of markets.
 */
import { onShelves } from "../cut";
import { MARKET, ROWS_LOG, chunkAt, compareKeys, userKeyAt, userKeyBytes } from "./chunks";
import { give, take, tableClass } from "./blocks";

let table: usize = 0, log: u32 = 0, count: u32 = 0; // entries: row + 1, or 0; `log` of bytes

function home(key: usize): u32 {
  let h: u64 = 0;
  for (const end = key + userKeyBytes(); key < end; key += 4) h = (h ^ load<u32>(key)) * 0x9e3779b97f4a7c15;
  return <u32>(h >> 32) & mask();
}

// @ts-ignore: decorator
@inline function mask(): u32 { return (1 << (log - 2)) - 1; }
// @ts-ignore: decorator
@inline function slot(i: u32): usize { return table + (i << 2); }
// @ts-ignore: decorator
@inline function same(a: usize, b: usize): bool { return compareKeys(a, b) == 0; }
/** Where a key may stand once: a market; in a book of accounts the book. */
function marketOf(row: u32): u32 { return onShelves() ? 0 : load<u32>(chunkAt(row >> ROWS_LOG), MARKET); }

/** Makes room for `more` keys; false, and nothing changed, where memory cannot grow. */
export function reserveKeys(more: u32): bool {
  let next = max<u32>(log, 6);
  while ((<u64>count + more) * 8 > <u64>1 << next) ++next;
  if (next == log) return true;
  if (next > 31) return false;
  const old = table, oldLog = log, fresh = take(tableClass(next), 1 << next);
  if (!fresh) return false;
  memory.fill(fresh, 0, 1 << next);
  table = fresh; log = next;
  if (!old) return true;
  for (let at = old; at < old + (1 << oldLog); at += 4) {
    const entry = load<u32>(at);
    if (entry) store<u32>(freeSlot(home(userKeyAt(entry - 1))), entry);
  }
  give(tableClass(oldLog), old);
  return true;
}

function freeSlot(i: u32): usize {
  while (load<u32>(slot(i))) i = (i + 1) & mask();
  return slot(i);
}

/** Enters a row under the key that it carries; false where another row of its market has the key. */
export function enter(row: u32): bool {
  const key = userKeyAt(row), market = marketOf(row);
  let i = home(key);
  for (let entry = load<u32>(slot(i)); entry; i = (i + 1) & mask(), entry = load<u32>(slot(i))) {
    if (marketOf(entry - 1) == market && same(userKeyAt(entry - 1), key)) return false;
  }
  store<u32>(slot(i), row + 1);
  ++count;
  return true;
}

/** Takes a row out. */
export function leave(row: u32): void {
  let i = home(userKeyAt(row));
  while (load<u32>(slot(i)) != row + 1) i = (i + 1) & mask();
  --count;
  for (let j = i;;) {
    j = (j + 1) & mask();
    const entry = load<u32>(slot(j));
    if (!entry) break;
    const k = home(userKeyAt(entry - 1)); // may it move back to i, or is its home in (i, j]?
    if (i <= j ? i < k && k <= j : i < k || k <= j) continue;
    store<u32>(slot(i), entry);
    i = j;
  }
  store<u32>(slot(i), 0);
}

/** Rows that carry the key, in no order: writes at most `most` of them after skipping `skip`; answers how many it wrote. */
export function find(key: usize, out: usize, skip: u32, most: u32): u32 {
  let found: u32 = 0;
  if (!table) return 0;
  let i = home(key);
  for (let entry = load<u32>(slot(i)); entry && found < skip + most; i = (i + 1) & mask(), entry = load<u32>(slot(i))) {
    if (!same(userKeyAt(entry - 1), key)) continue;
    if (found >= skip) store<u32>(out + (found - skip << 2), entry - 1);
    ++found;
  }
  return found - min(found, skip);
}
