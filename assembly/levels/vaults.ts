/**
 * Levels of a market of vaults. The market has a record for each price, and each record the limits of the screen (screen/pass). As
 * the price falls the limits fall, so a row's key tells in one look from which price on the row is unsafe; where it lies between
 * the limits of a price, the exact rule decides at that price. A row's amounts are added where it becomes unsafe and, if it becomes
 * safe again at a lower price (Maker: one whose spot is 0), taken off there. A row that is safe at all prices is passed over,
 * with its group or its chunk where zones prove it.
 *
 * Nothing is asked of the prices but what each record says: prices are walked through in stretches over which the limits do not
 * rise; one whose figures could overflow, or at which no vault can be unsafe, is a stretch of its own kind.
 */
import { STAGE } from "../layout";
import { broken, judge, marketBytes, reprice, startFigures, surely, tally } from "../rules";
import { Sound, Status } from "../rules/status";
import { maskAbove } from "../screen/pass";
import { give, tableClass, take } from "../store/blocks";
import {
  BLOCK, CHUNKS, HI, LINK_CHUNK, LINK_MAX, LO, LOG, LOOSE, MOST, PASS, USED, boundsAt, chunkAt, groupOf, keysOf, linkAt, vaultAt,
} from "../store/chunks";
import { clear, compare } from "../wide/limbs";
import { BINS, COLLATERAL, CUMULATIVE, DEBT, Failure, SUMS_LIMBS, addSums, copySums, levelAt, levelCount, logOf, takeSums } from "./table";

/** A stretch of prices: over it no vault is unsafe, each is judged exactly, or the limits do not rise. */
namespace Stretch { export const NONE: u32 = 0, EXACT: u32 = 1, SCREENED: u32 = 2; }

/** Prices are numbered from the highest to the lowest. In the stage: limits of each, stretches (first price, kind), the last one's end. */
// @ts-ignore: decorator
@inline function lowAt(i: u32): usize { return STAGE + (i << 2); }
// @ts-ignore: decorator
@inline function highAt(i: u32): usize { return STAGE + (levelCount + i << 2); }
// @ts-ignore: decorator
@inline function stretchAt(i: u32): usize { return STAGE + (levelCount + i << 3); }

let records: usize = 0, bytes: u32 = 0, rises: bool = false, stretches: u32 = 0;
/** The market at the i-th highest price. */
// @ts-ignore: decorator
@inline function recordAt(i: u32): usize { return records + i * bytes; }
/** The level of the i-th highest price. */
// @ts-ignore: decorator
@inline function sumsAt(i: u32): usize { return levelAt(rises ? levelCount - 1 - i : i); }

/** Fills the table for a market in the view that is, at `time` (0: as stored). 0, or a Failure. */
export function sumVaults(market: usize, time: usize): u32 {
  bytes = marketBytes();
  const log = logOf(levelCount * bytes);
  records = take(tableClass(log), 1 << log);
  if (!records) return Failure.MEMORY;
  rises = compare(levelAt(0), levelAt(levelCount - 1), 4) < 0;
  startFigures(market);
  const able = makeStretches(market, time);
  if (able) {
    walk(market);
    finish();
  }
  give(tableClass(log), records);
  return able ? 0 : Failure.REVERTS;
}

/** Makes the records and the stretches; whether there is a price that the contract can evaluate. */
function makeStretches(market: usize, time: usize): bool {
  let kind: u32 = -1, able = false;
  stretches = 0;
  for (let i: u32 = 0; i < levelCount; ++i) {
    const record = recordAt(i);
    memory.copy(record, market, bytes);
    reprice(record, sumsAt(i), time);
    const screened = load<u32>(record, PASS) == Sound.SCREEN, low = load<f32>(record, LO), high = load<f32>(record, HI), before = kind;
    able = able || !broken(record);
    kind = broken(record) || (screened && low == Infinity) ? Stretch.NONE : screened ? Stretch.SCREENED : Stretch.EXACT;
    store<f32>(lowAt(i), low);
    store<f32>(highAt(i), high);
    if (kind == before && (kind != Stretch.SCREENED || (low <= load<f32>(lowAt(i - 1)) && high <= load<f32>(highAt(i - 1))))) continue;
    store<u32>(stretchAt(stretches), i);
    store<u32>(stretchAt(stretches), kind, 4);
    ++stretches;
  }
  store<u32>(stretchAt(stretches), levelCount);
  return able;
}

/** No key at or below this is unsafe at any price. */
let least: f32 = 0;
/** The one stretch over which limits tell, if at all other prices nothing is unsafe; else none, from = end. */
let from: u32 = 0, end: u32 = 0;

function survey(): void {
  least = Infinity; from = 0; end = 0;
  let others = false;
  for (let i: u32 = 0; i < stretches; ++i) {
    const kind = load<u32>(stretchAt(i), 4), first = load<u32>(stretchAt(i)), next = load<u32>(stretchAt(i + 1));
    if (kind == Stretch.NONE) continue;
    others = others || end != 0 || kind == Stretch.EXACT;
    from = first; end = next;
    least = kind == Stretch.EXACT ? -Infinity : min(least, load<f32>(lowAt(next - 1))); // −∞: of no debt
  }
  if (others) { from = 0; end = 0; }
}

function walk(market: usize): void {
  survey();
  const low = least, first = from, last = end;
  for (let ordinal: u32 = 0, n = load<u32>(market, CHUNKS); ordinal < n; ++ordinal) {
    const link = linkAt(market, ordinal);
    if (max(load<f32>(boundsAt(market, ordinal)), load<f32>(link, LINK_MAX)) <= low) continue;
    const chunk = chunkAt(load<u32>(link, LINK_CHUNK)), block = <usize>load<u32>(chunk, BLOCK), log = load<u32>(chunk, LOG), used = load<u32>(chunk, USED);
    for (let place: u32 = 0; place < used; place += 64) {
      const group = groupOf(block, place), keys = keysOf(block, log) + (place << 2);
      if (max(load<f32>(group), load<f32>(group, MOST)) <= low) continue;
      const loose = load<f32>(group, LOOSE) > 0;
      for (let mask = maskAbove(keys, low); mask; mask &= mask - 1) {
        const at = place + <u32>ctz(mask), key = load<f32>(keysOf(block, log) + (at << 2));
        if (first < last && !loose) { // nearly always one look tells all
          const i = past(lowAt(0), first, last, key);
          if (key > load<f32>(highAt(i))) { count(recordAt(i), vaultAt(block, log, at), sumsAt(i) + BINS); continue; }
        }
        follow(block, log, at, key, loose ? surely(market, block, log, at) : key);
      }
    }
  }
}

/** Whether the row that is being followed is unsafe at the price before. */
let was: bool = false;

/** Follows a row from the highest price to the lowest: not below its key is it proved safe, and below `proof` unsafe. */
function follow(block: usize, log: u32, place: u32, key: f32, proof: f32): void {
  const row = vaultAt(block, log, place);
  was = false;
  for (let s: u32 = 0; s < stretches; ++s) {
    const stretch = stretchAt(s), kind = load<u32>(stretch, 4), end = load<u32>(stretch, 8);
    let i = load<u32>(stretch), sure = end;
    if (kind == Stretch.NONE) { was = false; continue; } // `finish` knows
    if (kind == Stretch.SCREENED) {
      const first = i;
      i = past(lowAt(0), first, end, key);
      if (i > first) turn(row, first, false);
      for (sure = i; sure < end && proof <= load<f32>(highAt(sure)); ++sure);
    }
    for (; i < sure; ++i) turn(row, i, judge(recordAt(i), block, log, place) == Status.UNSAFE);
    if (sure < end) turn(row, sure, true);
  }
}

/** The first price of [from, end) whose limit is below the key, of limits that do not rise: by where evenly spaced ones would be. */
// @ts-ignore: decorator
@inline
function past(limits: usize, from: u32, end: u32, key: f32): u32 {
  const first = load<f32>(limits + (from << 2)), span = first - load<f32>(limits + (end - 1 << 2)), far = (first - key) / span;
  let i = far > 0 ? (far < 1 ? from + <u32>(far * <f32>(end - 1 - from)) : end) : from; // of NaN the first
  while (i > from && key > load<f32>(limits + (i - 1 << 2))) --i;
  while (i < end && key <= load<f32>(limits + (i << 2))) ++i;
  return i;
}

function turn(row: usize, i: u32, unsafe: bool): void {
  if (unsafe == was) return;
  was = unsafe;
  if (unsafe) count(recordAt(i), row, sumsAt(i) + BINS);
  else count(recordAt(i - 1), row, sumsAt(i) + CUMULATIVE); // for the time being; as it was when it was unsafe
}

// @ts-ignore: decorator
@inline
function count(record: usize, row: usize, sums: usize): void {
  store<u64>(sums, load<u64>(sums) + 1);
  tally(record, row, sums + COLLATERAL, sums + DEBT);
}

/** From what becomes unsafe and what becomes safe at each price: what is unsafe there; and what it was not at the level before. */
function finish(): void {
  let before: usize = 0;
  for (let s: u32 = 0; s < stretches; ++s) for (let stretch = stretchAt(s), i = load<u32>(stretch); i < load<u32>(stretch, 8); ++i) {
    const level = sumsAt(i), all = level + CUMULATIVE;
    if (before && load<u32>(stretch, 4) == Stretch.NONE) copySums(all, before); // nothing is unsafe: all that was became safe
    copySums(FALLEN, level + BINS);
    copySums(RISEN, all);
    if (before) copySums(all, before);
    else clear(all, SUMS_LIMBS);
    addSums(all, FALLEN);
    takeSums(all, RISEN);
    // In rising order a bin is what becomes safe at the next lower price.
    if (rises && before) copySums(before - CUMULATIVE + BINS, RISEN);
    if (rises && i + 1 == levelCount) copySums(level + BINS, all);
    before = all;
  }
}
const FALLEN: usize = memory.data(88, 16), RISEN: usize = memory.data(88, 16);
