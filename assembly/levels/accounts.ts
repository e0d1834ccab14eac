/**
 * Levels of an asset that accounts hold and owe, the other prices as they are.
 *
 * - All accounts are summed as for keys (rules/shelf), with the asset as dear as it gets where it is owed, and as cheap as it gets
 *   where it is held. What that proves safe is safe at every price.
 * - Of an account that is left, the asset's own lines stand apart from the others. At each price its debt has an upper bound and its
 *   collateral a lower one, in f64s: an amount, its weight and their product err by less than 2^−44 of themselves, a sum by as much
 *   again for any number of lines, all of which TOLERANCE exceeds; and a line's roundings cost less than what it needs
 *   (rules/lines), in units of value. Where these do not prove it safe, the exact rule judges it, and tells
 *   what it is worth.
 * - An account that has nothing to do with the asset is judged once, for all prices.
 *
 * So a safe account costs what a key costs, and an unsafe one, at each level at which it is, the exact rule on the asset's own lines.
 */
import { byAverage, ofAave, ofCompound } from "../cut";
import { STAGE } from "../layout";
import { DEBT as OWES, VALUE, derive, priceIn } from "../rules/assets";
import {
  ASSET, ASSETS, Entry, HELD_NEED, HELD_WEIGHT, Kind, OWED_NEED, OWED_WEIGHT, THRESHOLDS, amountBytes, amountsOf, tagsOf,
} from "../rules/lines";
import { assetAt, evaluateIn, judgeWith, makeKeys, provedSafe, settle, startScenario, sumWithout, weighApart } from "../rules/shelf";
import { Status } from "../rules/status";
import { give, tableClass, take } from "../store/blocks";
import { BLOCK, CHUNKS, LINK_CHUNK, LOG, USED, chunkAt, linesOf, linkAt, marketAt, marketsHeld, vaultAt } from "../store/chunks";
import { near128 } from "../wide/float";
import { addWide, clear, compare, copy } from "../wide/limbs";
import { BINS, COLLATERAL, CUMULATIVE, DEBT, Failure, SUMS_LIMBS, addSums, levelAt, levelCount, logOf } from "./table";

// @ts-ignore: decorator
@inline const TOLERANCE: f64 = 9.094947017729282e-13; // 2^−40

/** In the stage: of each level what a unit weighs that is owed, how much its value errs, and the same of one that is held; keys of a chunk. */
// @ts-ignore: decorator
@inline function weightsAt(i: u32): usize { return STAGE + (i << 5); }
// @ts-ignore: decorator
@inline function keys(): usize { return weightsAt(levelCount); }

/** The asset as it is at each price. */
let records: usize = 0;
// @ts-ignore: decorator
@inline function recordAt(i: u32): usize { return records + i * ASSET; }

/** The set by which accounts are judged, the asset in question, and its record there. */
let set: usize = 0, asset: u32 = 0, record: usize = 0;
/** Sums over accounts that are unsafe whatever the asset's price. */
const STEADY: usize = memory.data(88, 16);

/** Fills the table for an asset, in the view that is. 0, or a Failure. */
export function sumAccounts(index: u32): u32 {
  const log = logOf(levelCount * ASSET);
  records = take(tableClass(log), 1 << log);
  if (!records) return Failure.MEMORY;
  settle();
  set = startScenario();
  clear(STEADY, SUMS_LIMBS);
  asset = index; record = set + ASSETS + index * ASSET;
  for (let i: u32 = 0; i < levelCount; ++i) {
    copy(record + priceIn(), levelAt(i), 4);
    derive(record);
    memory.copy(recordAt(i), record, ASSET);
    const owed = load<f64>(record, OWED_WEIGHT), held = load<f64>(record, HELD_WEIGHT), weights = weightsAt(i);
    store<f64>(weights, owed);
    store<f64>(weights, owed * load<f64>(record, OWED_NEED), 8);
    store<f64>(weights, held, 16);
    store<f64>(weights, held * load<f64>(record, HELD_NEED), 24);
  }
  const last = levelCount - 1, falls = compare(levelAt(last), levelAt(0), 4) < 0;
  const table = weighApart(index, recordAt(falls ? last : 0), recordAt(falls ? 0 : last));
  for (let m: u32 = 0; m < marketsHeld(); ++m) {
    const shelf = marketAt(m);
    for (let j: u32 = 0, n = load<u32>(shelf, CHUNKS); j < n; ++j) {
      const chunk = chunkAt(load<u32>(linkAt(shelf, j), LINK_CHUNK)), block = <usize>load<u32>(chunk, BLOCK), shape = load<u32>(chunk, LOG), used = load<u32>(chunk, USED);
      const safe = provedSafe(shape);
      makeKeys(block, shape, used, table, keys());
      for (let place: u32 = 0; place < used; ++place) if (load<f32>(keys() + (place << 2)) > safe) follow(vaultAt(block, shape, place), shape);
    }
  }
  for (let i: u32 = 0; i < levelCount; ++i) addSums(levelAt(i) + CUMULATIVE, STEADY);
  addSums(levelAt(0) + BINS, STEADY);
  give(tableClass(log), records);
  return 0;
}

/** Of what basis points leave, at least so much counts: an average of them is cut by less than one (Aave to 3.4). */
// @ts-ignore: decorator
@inline function shareOf(bps: u32): f64 { return !ofAave() ? 1 : byAverage() ? <f64>bps - 1 : <f64>bps; }
/** At least what counts of a held amount, and at most what counts of one that is owed. */
// @ts-ignore: decorator
@inline function atLeast(share: f64, amount: f64, weight: f64, error: f64): f64 {
  const value = amount * weight;
  return share * (share < 0 ? value * (1 + TOLERANCE) + error : max(0, value * (1 - TOLERANCE) - error));
}
// @ts-ignore: decorator
@inline function atMost(share: f64, amount: f64, weight: f64, error: f64): f64 { return share * (amount * weight * (1 + TOLERANCE) + error); }
/** Whether so much suffices for so much owed, if the contract can tell: where it overflows nothing is unsafe either. Never for NaN. */
// @ts-ignore: decorator
@inline function suffices(held: f64, owed: f64): bool { return owed <= held * (1 - TOLERANCE); }

/** Judges an account at every price, as far as it has not been proved safe. */
function follow(vault: usize, shape: u32): void {
  const thresholds = set + THRESHOLDS + (<u32>load<u8>(vault, 4) << 9), whole: f64 = ofAave() ? 10000 : 1;
  let tag = tagsOf(vault), amount = amountsOf(vault, linesOf(shape));
  let held: f64 = 0, owed: f64 = 0, ownHeld: f64 = 0, ownOwed: f64 = 0, ownShare: f64 = 0, holds: usize = 0, owes: usize = 0;
  for (const end = tag + (<u32>load<u16>(vault, 6) << 1); tag < end; tag += 2, amount += amountBytes()) {
    const index = <u32>load<u8>(tag), kind = <u32>load<u8>(tag, 1), entry = load<u32>(thresholds + (index << 2));
    if (kind >= Kind.IDLE) continue;
    if (entry & Entry.SLOW) held = NaN;
    let x = near128(load<u64>(amount), load<u64>(amount, 8));
    if (kind == Kind.OWED) {
      if (ofCompound()) x = x * 1e18 / near128(load<u64>(amount, 16), load<u64>(amount, 24));
      if (index == asset) { ownOwed = x; owes = amount; continue; }
      const at = assetAt(index), weight = load<f64>(at, OWED_WEIGHT);
      owed += atMost(whole, x, weight, weight * load<f64>(at, OWED_NEED));
    } else if (!(entry & Entry.UNCOUNTED)) {
      const share = shareOf(entry & Entry.BPS);
      if (index == asset) { ownHeld = x; ownShare = share; holds = amount; continue; }
      const at = assetAt(index), weight = load<f64>(at, HELD_WEIGHT);
      held += atLeast(share, x, weight, weight * load<f64>(at, HELD_NEED));
    }
  }
  if (!holds && !owes) {
    if (!suffices(held, owed) && evaluateIn(set, vault, shape) == Status.UNSAFE) count(STEADY);
    return;
  }
  const entry = load<u32>(thresholds + (asset << 2));
  let was = false, summed = false, told = false;
  for (let i: u32 = 0; i < levelCount; ++i) {
    const weights = weightsAt(i);
    let least = held, most = owed;
    if (holds) least += atLeast(ownShare, ownHeld, load<f64>(weights, 16), load<f64>(weights, 24));
    if (owes)  most  += atMost(whole, ownOwed, load<f64>(weights), load<f64>(weights, 8));
    if (suffices(least, most)) { was = false; continue; }
    if (!summed) { told = sumWithout(set, vault, shape, asset); summed = true; }
    let status = told ? judgeWith(recordAt(i), entry, holds, owes) : -1;
    if (status < 0) {
      memory.copy(record, recordAt(i), ASSET);
      status = evaluateIn(set, vault, shape);
    }
    const unsafe = status == Status.UNSAFE;
    if (unsafe) {
      count(levelAt(i) + CUMULATIVE);
      if (!was) count(levelAt(i) + BINS);
    }
    was = unsafe;
  }
}

/** Adds what was evaluated last to sums. */
function count(sums: usize): void {
  store<u64>(sums, load<u64>(sums) + 1);
  addWide(sums + COLLATERAL, VALUE);
  addWide(sums + DEBT, OWES);
}
