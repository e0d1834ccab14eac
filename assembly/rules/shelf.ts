/**
 * Accounts: any number of collaterals and debts in assets that all accounts of the book share (Aave v3, Compound v2, Comet).
 *
 * Accounts with the same number of lines stand together on a shelf, which is a market of the store; a line is one side of
 * one asset. A row holds the lines exactly, and of every four rows stands beside them what a float pass reads.
 *
 *   vault (a row)   ┌ number  u32 ┬ category  u8 ┬ loose  u8 ┬ lines  u16
 *                   ├ tags      lines · u16    the asset, and above 2^8 the kind of line
 *                   └ amounts   lines · 16 B   (32 where the rule asks for two), from a multiple of 8 on
 *
 *   quad            ┌ amounts   lines · 4 f32  amount / 2^64, on the safe side (below)
 *                   ├ weights   lines · 4 u8   which weight: the asset, with 128 for collateral
 *                   └ category  4 u8
 *
 *   asset           ┌ figures, 32 bytes each, in the order of the descriptor
 *                   └ steps and floats that follow from them
 *
 * The screen. A line is worth `amount · weight` and an error e of its roundings; collateral counts with what the threshold
 * leaves of it. Let D be the sum of what is owed and W that of what is held; the account is unsafe iff D > W.
 *
 * - The error in units of the amount is at most `slack`, which an asset keeps (SLACK) until a price falls so far that it does
 *   not hold; then all rows are written anew. An amount of at least 2^20 slacks is known to 2^−20 of itself. A smaller one that
 *   is owed is written a slack larger, one that is held a slack smaller, and its row is loose: its key is an upper bound only,
 *   and nothing proves it unsafe but the exact rule.
 * - So of D and W each sum of f32s errs by less than 2^−20 + (n + 6)·2^−24 of itself for n lines (the amount, the weight, the
 *   product: 2^−24 each; n − 1 additions; f32s here are never subnormal, weights and amounts being kept in range).
 * - The key is D/W at the reference weights. When weights have moved, owed ones by factors up to r and held ones by factors
 *   down to s, D/W is at most r/s times what it was. So with margin m = 2·(2^−20 + (n + 8)·2^−24) and more
 *       key ≤ (s/r)(1 − 2m) ⇒ safe
 *   and, with the smallest factor of what is owed and the largest of what is held, mirrored for rows that are not loose.
 *   The factors are counted over the assets that the accounts of a chunk hold.
 * - A row between the limits is summed anew at the weights of the moment, and only what 1 ± 2m leaves open is judged exactly.
 *
 * A figure that could make the contract overflow, or revert, makes an asset's weights NaN: then the sums are NaN, no
 * comparison proves anything, and the accounts that hold the asset are judged exactly. Such a row has key +∞ and is loose.
 */
import { byAverage, ofAave, ofComet, ofCompound } from "../cut";
import { ARGS } from "../layout";
import { take, tableClass } from "../store/blocks";
import {
  BLOCK, CHUNKS, FACTOR, GROWTH, HEADER, HI, LINK_CHUNK, LINK_MAX, LO, LOG, LOOSE, MASKS, NEAR, PASS, SHAPE, STALE, USED,
  addMarket, boundsAt, chunkAt, groupOf, keysOf, linesOf, linkAt, lives, marketAt, marketsHeld, masksOf, open, quadBytes, shapeOf, touch, vaultAt, vaultsHeld,
} from "../store/chunks";
import { DOWN, TWO64, UP, above32, below32, near, near128 } from "../wide/float";
import { add, clear, compare, copy, divide, isZero, mulHi, product } from "../wide/limbs";
import { Revert, WAD } from "../wide/u256";
import {
  DEBT, DENOMINATOR, FIGURE_LIMBS, HEALTH, NUMERATOR, VALUE,
  accrue, accrueSystem, derive, deriveBase, entryOf, keepCategories, lay, layAt, setChoices, setSums, slow, sumOthers, unitsOf,
} from "./assets";
import {
  ASSET, ASSETS, BASE, BROKEN, Entry, FAST, HELD_EASE, HELD_NEED, HELD_SLACK, HELD_STEPS, HELD_WEIGHT, Kind, MAX_ASSETS, OWED_EASE, OWED_NEED, OWED_SLACK, OWED_STEPS, OWED_WEIGHT,
  SET_LOG, SIDE_BYTES, SPREAD, STEP_BYTES, THRESHOLDS, WEIGHTS, WEIGHTS_BYTES,
  amountBytes, amountsOf, grown, q0, q1, step, steps, strideFor, tagsOf,
} from "./lines";
import { BY_THRESHOLD, COLLATERAL, DEBT as AAVE_DEBT } from "./aave";
import { bestTo, callBest, carry as carryIn, changed as changedIn } from "./calls";
import * as gain from "./gain";
import { COLLATERAL as SUM, OWED as SUM_OWED } from "./account";
import * as price from "./price";
import { Trigger } from "./price";
import { Order, Sound, Status, setDoubt, setReverting } from "./status";

// A shelf's fields, behind the header of a market.
// @ts-ignore: decorator
@inline const SET: usize = HEADER;         // u32
// @ts-ignore: decorator
@inline export const WANTED: usize = HEADER + 8; // u32, accounts for which room is being made
// @ts-ignore: decorator
@inline const UNION: usize = HEADER + 16;  // the masks of its chunks together
export const SHELF_BYTES: u32 = <u32>HEADER + 64;

let book: usize = 0, other: usize = 0, references: usize = 0;
let assetCount: u32 = 0;
/** Categories that accounts are in: a byte each, and a list. */
const USED_CATEGORIES: usize = memory.data(256, 16), CATEGORY_LIST: usize = memory.data(256, 16);
let categoryCount: u32 = 0;

export function assetSet(): usize { return book; }
export function assetsHeld(): u32 { return assetCount; }
export function assetAt(index: u32): usize { return book + ASSETS + index * ASSET; }

/** The sums of an account, by kind of line: what is held and what its thresholds leave of it, then what is owed. */
const SUMS: usize = memory.data(64, 16);
const WEIGHED = SUMS + 16, OWED = SUMS + 32;

/** Sums an account by steps, all lines but those of one asset; false where that cannot tell. */
function sum(set: usize, vault: usize, shape: u32, without: u32 = -1): bool {
  const thresholds = set + THRESHOLDS + (<u32>load<u8>(vault, 4) << 9);
  let tag = tagsOf(vault), amount = amountsOf(vault, linesOf(shape));
  v128.store(SUMS, i64x2.splat(0)); v128.store(SUMS, i64x2.splat(0), 16);
  v128.store(SUMS, i64x2.splat(0), 32); v128.store(SUMS, i64x2.splat(0), 48);
  for (const end = tag + (<u32>load<u16>(vault, 6) << 1); tag < end; tag += 2, amount += amountBytes()) {
    const kind = <u32>load<u8>(tag, 1), index = <u32>load<u8>(tag);
    if (kind >= Kind.IDLE || index == without) continue;
    if (!addLine(set + ASSETS + index * ASSET, kind, load<u32>(thresholds + (index << 2)), amount)) return false;
  }
  return true;
}

// @ts-ignore: decorator
@inline
function addLine(asset: usize, kind: u32, entry: u32, amount: usize): bool {
  const at = asset + HELD_STEPS + kind * SIDE_BYTES, aave = ofAave();
  if (!load<u32>(asset, FAST) || entry & Entry.SLOW) return false;
  if (entry & Entry.UNCOUNTED && kind == Kind.HELD) return true;
  const x0 = load<u64>(amount), x1 = load<u64>(amount, 8);
  if (!(aave ? steps(at, x0, x1) : ofCompound() && kind == Kind.OWED ? grown(asset, amount) : step(at, x0, x1))) return false;
  let v0 = q0, v1 = q1, w0: u64, w1: u64;
  if (aave) { // the value, and basis points of it
    const bps = <u64>(entry & Entry.BPS);
    if (v1 >> 40) return false;
    w0 = v0 * bps; w1 = mulHi(v0, bps) + v1 * bps;
  } else {
    if (!step(at + STEP_BYTES, v0, v1)) return false;
    w0 = q0; w1 = q1;
    if (kind == Kind.OWED) { v0 = w0; v1 = w1; }
  }
  if ((v1 | w1) >> 55) return false; // 256 lines could overflow
  const to = SUMS + (kind << 5);
  v0 += load<u64>(to); w0 += load<u64>(to, 16);
  v1 += load<u64>(to, 8) + u64(v0 < load<u64>(to)); w1 += load<u64>(to, 24) + u64(w0 < load<u64>(to, 16));
  store<u64>(to, v0); store<u64>(to, v1, 8);
  store<u64>(to, w0, 16); store<u64>(to, w1, 24);
  return true;
}

/** Sums all of an account but the lines of one asset, for `judgeWith`. False where steps cannot tell. */
export function sumWithout(set: usize, vault: usize, shape: u32, index: u32): bool {
  const told = sum(set, vault, shape, index);
  copy(OTHERS, SUMS, 8);
  return told;
}
const OTHERS: usize = memory.data(64, 16);
/**
 * Judges an account by what `sumWithout` summed and its own lines of the asset, whose amounts stand at `held` and `owed` (0: none), by
 * the asset's record; with its collateral's value and its debt (rules/assets). −1 where that cannot tell.
 */
export function judgeWith(asset: usize, entry: u32, held: usize, owed: usize): i32 {
  copy(SUMS, OTHERS, 8);
  for (let kind = Kind.HELD; kind <= Kind.OWED; ++kind) {
    const amount = kind == Kind.HELD ? held : owed;
    if (amount && !addLine(asset, kind, entry, amount)) return -1;
  }
  clear(VALUE, 8);
  copy(VALUE, SUMS, 2);
  copy(DEBT, OWED, 2);
  return verdict();
}

/** What the sums say; −1 where they cannot. Of health it is enough to compare while debt is below 2·10^18 (there, half-up lifts nothing to 1). */
function verdict(): i32 {
  const d0 = load<u64>(OWED), d1 = load<u64>(OWED, 8);
  let s0 = load<u64>(WEIGHED), s1 = load<u64>(WEIGHED, 8);
  if (!ofAave()) return s1 < d1 || (s1 == d1 && s0 < d0) ? Status.UNSAFE : Status.SAFE;
  if (!(d0 | d1)) return Status.SAFE;
  if (d1 || d0 >= 2000000000000000000) return -1;
  const line0 = d0 * 10000, line1 = mulHi(d0, 10000);
  if (byAverage()) { // ⌊(C·⌊S/C⌋ + 5000) / 10^4⌋ < D
    const c = load<u64>(SUMS);
    if (load<u64>(SUMS, 8) || s1 >> 16) return -1;
    if (!c) return Status.UNSAFE;
    let average = <u64>((<f64>s1 * 18446744073709551616.0 + <f64>s0) / <f64>c); // off by one at most
    if (exceeds(c, average, s0, s1)) --average;
    else if (!exceeds(c, average + 1, s0, s1)) ++average;
    s0 = c * average + 5000;
    s1 = mulHi(c, average) + u64(s0 < 5000);
  }
  return s1 < line1 || (s1 == line1 && s0 < line0) ? Status.UNSAFE : Status.SAFE;
}

/** c·n > (s1, s0) */
function exceeds(c: u64, n: u64, s0: u64, s1: u64): bool {
  const h = mulHi(c, n);
  return h > s1 || (h == s1 && c * n > s0);
}

/** The exact rule on one account. */
function exact(market: usize, vault: usize, shape: u32): i32 {
  const set = <usize>load<u32>(market, SET);
  if (sum(set, vault, shape)) {
    const status = verdict();
    if (status >= 0) return status;
  }
  return slow(set, vault, linesOf(shape));
}

/** The exact rule on one account, with its figures (rules/assets); all of them 0 where it reverts. */
export function evaluate(market: usize, vault: usize, shape: u32): i32 { return evaluateIn(load<u32>(market, SET), vault, shape); }
/** The same by a set. */
export function evaluateIn(set: usize, vault: usize, shape: u32): i32 {
  clear(VALUE, FIGURE_LIMBS);
  if (!sum(set, vault, shape)) return slow(set, vault, linesOf(shape));
  return setSums(SUMS, WEIGHED, OWED);
}

/** The exact pass over up to 64 rows. */
export function judgeAll(market: usize, block: usize, shape: u32, place: u32, count: u32): u64 {
  let mask: u64 = 0, reverts: u64 = 0;
  for (let i: u32 = 0; i < count; ++i) {
    if (!load<u16>(lives(block, shape) + (place + i << 1))) continue;
    const status = exact(market, vaultAt(block, shape, place + i), shape);
    mask    |= u64(status == Status.UNSAFE)  << i;
    reverts |= u64(status == Status.REVERTS) << i;
  }
  setReverting(reverts);
  return mask;
}

// ---- The screen

/** How much the sums of `lines` lines may err (m above). */
function margin(shape: u32): f64 { return 1.9073486328125e-6 + <f64>(linesOf(shape) + 8) * 1.1920928955078125e-7; }

/** Rows that were summed one by one since keys were made; many of them make new keys worth while. */
let spent: u32 = 0, drifted: bool = false;

/** What a row owes and holds, by weights: NaN or infinite where these do not tell. */
let rowOwed: f32 = 0, rowHeld: f32 = 0;
function weighRow(block: usize, shape: u32, place: u32, weights: usize): void {
  const lines = linesOf(shape), quad = quadAt(block, shape, place), table = weights + (<u32>load<u8>(quad + lines * 20 + (place & 3)) << 10);
  let owed: f32 = 0, held: f32 = 0;
  let amount = quad + ((place & 3) << 2), index = quad + (lines << 4) + (place & 3);
  for (const end = amount + (lines << 4); amount < end; amount += 16, index += 4) {
    const x = load<f32>(amount) * load<f32>(table + (<u32>load<u8>(index) << 2));
    if (x < 0) owed -= x;
    else held += x; // NaN too
  }
  rowOwed = owed; rowHeld = held;
}

/** One row between the limits: summed anew, and if need be judged exactly. */
export function judge(market: usize, block: usize, shape: u32, place: u32): i32 {
  const vault = vaultAt(block, shape, place), set = <usize>load<u32>(market, SET);
  weighRow(block, shape, place, set + WEIGHTS);
  ++spent;
  const off = 2 * margin(shape), debt = <f64>rowOwed, value = <f64>rowHeld;
  if (value < Infinity) {
    if (debt <= value * (1 - off)) return Status.SAFE;
    if (!load<u8>(vault, 5) && debt < Infinity && debt * (1 - off) > value * <f64>load<f32>(set, SPREAD)) return Status.UNSAFE;
  }
  return exact(market, vault, shape);
}

function quadAt(block: usize, shape: u32, place: u32): usize { return masksOf(block, shape) + MASKS + (place >> 2) * quadBytes(shape); }

/** Makes the keys of a chunk, to `keys`, at weights: its own at the reference weights, for those of the moment may have moved on since. */
export function makeKeys(block: usize, shape: u32, used: u32, table: usize, keys: usize): void {
  const lines = linesOf(shape), zero = f32x4.splat(0), infinite = f32x4.splat(Infinity), own = keys == keysOf(block, shape);
  let quad = quadAt(block, shape, 0), key = keys;
  for (const end = key + (used << 2); key < end; key += 16, quad += 4) {
    let owed = zero, held = zero;
    const amounts = quad, c = load<u32>(quad + lines * 20);
    quad += lines << 4;
    if (!c) { // the common case, for which one table is 9 % faster than four that are the same
      for (let at = amounts, stop = quad; at < stop; at += 16, quad += 4) {
        let w = v128.load32_zero(table + (<u32>load<u8>(quad) << 2));
        w = v128.load32_lane(table + (<u32>load<u8>(quad, 1) << 2), w, 1);
        w = v128.load32_lane(table + (<u32>load<u8>(quad, 2) << 2), w, 2);
        w = v128.load32_lane(table + (<u32>load<u8>(quad, 3) << 2), w, 3);
        const x = f32x4.mul(v128.load(at), w);
        held = f32x4.add(held, f32x4.pmax(x, zero)); // NaN stays: pmax keeps its first unless it is less
        owed = f32x4.sub(owed, f32x4.pmin(x, zero));
      }
    } else {
      const t0 = table + ((c & 255) << 10), t1 = table + ((c >> 8 & 255) << 10), t2 = table + ((c >> 16 & 255) << 10), t3 = table + (c >> 24 << 10);
      for (let at = amounts, stop = quad; at < stop; at += 16, quad += 4) {
        let w = v128.load32_zero(t0 + (<u32>load<u8>(quad) << 2));
        w = v128.load32_lane(t1 + (<u32>load<u8>(quad, 1) << 2), w, 1);
        w = v128.load32_lane(t2 + (<u32>load<u8>(quad, 2) << 2), w, 2);
        w = v128.load32_lane(t3 + (<u32>load<u8>(quad, 3) << 2), w, 3);
        const x = f32x4.mul(v128.load(at), w);
        held = f32x4.add(held, f32x4.pmax(x, zero));
        owed = f32x4.sub(owed, f32x4.pmin(x, zero));
      }
    }
    // No debt is −∞, what is not finite +∞; a row never written has neither debt nor collateral.
    const finite = v128.and(f32x4.lt(owed, infinite), f32x4.lt(held, infinite));
    const quotients = v128.bitselect(f32x4.div(owed, held), f32x4.splat(-Infinity), f32x4.gt(owed, zero));
    v128.store(key, v128.bitselect(quotients, infinite, finite));
    if (own && !i32x4.all_true(finite)) store<f32>(groupOf(block, <u32>(key - keys >> 2)), Infinity, LOOSE);
  }
  for (let i = used; i & 3; ++i) store<f32>(keys + (i << 2), -Infinity); // of a quad that is not full
}

/**
 * Makes the weights of the moment the references, and has all keys be made anew: a chunk's when it is next looked at, while its
 * keys are near at hand. The next scan looks at every row.
 */
function rekeyAll(): void {
  for (let i: u32 = 0; i < categoryCount; ++i) {
    const at = <u32>load<u8>(CATEGORY_LIST + i) << 10;
    memory.copy(references + at, book + WEIGHTS + at, 1024);
  }
  for (let i: u32 = 0; i < marketsHeld(); ++i) {
    const market = marketAt(i);
    for (let j: u32 = 0, n = load<u32>(market, CHUNKS); j < n; ++j) {
      store<u8>(chunkAt(load<u32>(linkAt(market, j), LINK_CHUNK)), 1, STALE);
      store<f32>(boundsAt(market, j), Infinity);
      store<f32>(linkAt(market, j), Infinity, LINK_MAX);
    }
    touch(market);
  }
  spent = 0; settled = false;
}

/** Makes a chunk's keys, if they are stale. */
export function freshen(market: usize, chunk: usize): void {
  if (!load<u8>(chunk, STALE)) return;
  store<u8>(chunk, 0, STALE);
  const used = load<u32>(chunk, USED);
  if (!used) return;
  const block = <usize>load<u32>(chunk, BLOCK), shape = load<u32>(chunk, LOG);
  makeKeys(block, shape, used, references, keysOf(block, shape));
  open(market, chunk, 0, used);
}

/** For a query that asks for every account to be summed. */
export function sumAll(): void {
  rekeyAll();
  settle();
}

/** Makes all keys anew where so many rows were summed one by one that it would have been cheaper; whether it did. */
export function overspent(): bool {
  if (!drifted || spent <= vaultsHeld() / KEYS_COST) return false;
  rekeyAll();
  settle();
  return true;
}
/** How many keys a pass makes in the time that one row takes that is summed alone. */
const KEYS_COST: u32 = 10;

// ---- Limits

/** For each asset the largest and the least factor by which its weights moved since keys were made: of what is owed, of what is held. */
const MOST_OWED: usize = memory.data(512, 16), LEAST_OWED: usize = memory.data(512, 16),
  LEAST_HELD: usize = memory.data(512, 16), MOST_HELD: usize = memory.data(512, 16);
/** The same assets in the order of each, the extreme one first. */
const BY_MOST_OWED: usize = memory.data(136, 16), BY_LEAST_OWED: usize = memory.data(136, 16),
  BY_LEAST_HELD: usize = memory.data(136, 16), BY_MOST_HELD: usize = memory.data(136, 16);
let settled: bool = false;

function factorOf(now: usize, then: usize): f32 {
  const x = load<f32>(now), y = load<f32>(then);
  return x == y || (x != x && y != y) ? 1 : x / y;
}

/** The asset at a place: the assets, and behind them what a Comet lends. */
// @ts-ignore: decorator
@inline function assetIn(i: u32): u32 { return i < assetCount ? i : BASE; }

/** Whether something owed weighed nothing when keys were made, and does now: they take its debtors for accounts without debt. */
let asleep: bool = false;

/** Finds the factors of a set. False where keys cannot tell of an asset that accounts use: a weight was NaN, or is. */
function findFactors(set: usize): bool {
  let known = true, spread: f32 = 1;
  asleep = false;
  for (let n: u32 = 0; n <= assetCount; ++n) {
    const asset = assetIn(n), to = asset << 2;
    let mostOwed: f32 = 0, leastOwed: f32 = Infinity, leastHeld: f32 = Infinity, mostHeld: f32 = 0;
    for (let i: u32 = 0; i < categoryCount; ++i) {
      const c = <u32>load<u8>(CATEGORY_LIST + i), at = (c << 10) + to;
      const owed = factorOf(set + WEIGHTS + at, references + at), held = factorOf(set + WEIGHTS + 512 + at, references + 512 + at);
      // From a weight of 0 no key tells what is owed; NaN moves limits as far as they go.
      const woken = !(owed < Infinity), named = load<u8>(NAMED + asset) != 0;
      if (named && (woken || held != held)) known = false;
      if (named && woken && !load<f32>(references + at)) asleep = true;
      mostOwed = woken ? Infinity : max(mostOwed, owed); leastOwed = owed != owed ? 0 : min(leastOwed, owed);
      mostHeld = held != held ? Infinity : max(mostHeld, held); leastHeld = held != held ? 0 : min(leastHeld, held);
      const entry = load<u32>(set + THRESHOLDS + (c << 9) + to), bps = <f32>(entry & Entry.BPS);
      if (byAverage() && n < assetCount && !(entry & Entry.UNCOUNTED)) spread = max(spread, bps > 1 ? bps / (bps - 1) : Infinity);
    }
    store<f32>(MOST_OWED + to, mostOwed); store<f32>(LEAST_OWED + to, leastOwed);
    store<f32>(MOST_HELD + to, mostHeld); store<f32>(LEAST_HELD + to, leastHeld);
  }
  store<f32>(set, spread, SPREAD);
  sortBy(MOST_OWED, BY_MOST_OWED, 1);
  sortBy(LEAST_OWED, BY_LEAST_OWED, -1);
  sortBy(MOST_HELD, BY_MOST_HELD, 1);
  sortBy(LEAST_HELD, BY_LEAST_HELD, -1);
  return known;
}

/** Puts the assets in the order of a factor, the largest first or (with sign −1) the least. */
function sortBy(factors: usize, order: usize, sign: f32): void {
  for (let i: u32 = 0; i <= assetCount; ++i) {
    const asset = assetIn(i), x = load<f32>(factors + (asset << 2)) * sign;
    let j = i;
    for (; j; --j) {
      const before = load<u8>(order + j - 1);
      if (load<f32>(factors + (<u32>before << 2)) * sign >= x) break;
      store<u8>(order + j, before);
    }
    store<u8>(order + j, <u8>asset);
  }
}

/** The first factor of an order whose asset stands in the mask; 1 where none does. */
function extreme(factors: usize, order: usize, mask: usize): f64 {
  for (let i: u32 = 0; i <= assetCount; ++i) {
    const asset = <u32>load<u8>(order + i);
    if (load<u8>(mask + (asset >> 3)) >> <u8>(asset & 7) & 1) return <f64>load<f32>(factors + (asset << 2));
  }
  return 1;
}

/** Limits of the keys of accounts that use the assets of a mask. */
export let low: f32 = 0, high: f32 = 0;
function findLimits(set: usize, shape: u32, mask: usize): void {
  const off = 2 * margin(shape);
  const fell = extreme(LEAST_HELD, BY_LEAST_HELD, mask + 16) / extreme(MOST_OWED, BY_MOST_OWED, mask);
  const rose = extreme(MOST_HELD, BY_MOST_HELD, mask + 16) / extreme(LEAST_OWED, BY_LEAST_OWED, mask);
  if (!(fell > 1 - off && rose < 1 + off)) drifted = true;
  low = fell > 1e-30 ? below32(min(fell, 1e30) * (1 - off)) : -1; // never a key of +∞, and where need be below that of every debt
  high = rose < 1e30 ? above32(rose * (1 + off) * <f64>load<f32>(set, SPREAD)) : Infinity;
}

function setLimits(market: usize, set: usize): void {
  findLimits(set, load<u32>(market, SHAPE), market + UNION);
  store<f32>(market, low, LO);
  store<f32>(market, high, HI);
  // What a limit says of a key and 1, it says of any multiple of both.
  store<f64>(market, 1 / <f64>high, FACTOR);
  store<f32>(market, above32(<f64>high / <f64>low), GROWTH);
  store<u32>(market, <u32>set, SET);
  setNear(market); // keys may be made anew in the middle of a query
}

/** Sets `low` and `high` for the accounts of one chunk, by the assets that they use, and makes its keys if they are stale. */
export function narrow(market: usize, chunk: usize): void {
  freshen(market, chunk);
  const shape = load<u32>(chunk, LOG);
  findLimits(load<u32>(market, SET), shape, masksOf(load<u32>(chunk, BLOCK), shape));
}

/** Brings keys and limits up to date with the weights, before every question. */
export function settle(): void {
  if (settled) return;
  for (let i: u32 = 0; i < MAX_ASSETS; ++i) if (load<u8>(NAMED + i) && coarse(assetAt(i))) { writeAllAnew(); break; }
  if (!findFactors(book)) {
    rekeyAll();
    findFactors(book);
  }
  drifted = false;
  for (let i: u32 = 0; i < marketsHeld(); ++i) setLimits(marketAt(i), book);
  settled = true;
}

/** Whether rows were written with less slack than an asset needs by now. */
function coarse(asset: usize): bool {
  return load<f64>(asset, OWED_NEED) > load<f64>(asset, OWED_SLACK) || load<f64>(asset, HELD_NEED) > load<f64>(asset, HELD_SLACK);
}

// ---- Scenarios

/** Begins a scenario with what the book is judged by; its set. */
export function startScenario(): usize {
  memory.copy(other, book, 1 << SET_LOG);
  return other;
}
/** Changes an asset of it: the figures of `mask` in ARGS. */
export function changeInScenario(index: u32, mask: u32): void {
  const asset = other + ASSETS + index * ASSET;
  for (; mask; mask &= mask - 1) copy(asset + (ctz(mask) << 5), ARGS + (ctz(mask) << 5), 4);
  derive(asset);
  weighAsset(other, index);
}
/** A shelf's record as the scenario judges it. */
export function inScenario(record: usize, market: usize): void {
  memory.copy(record, market, SHELF_BYTES);
  findFactors(other);
  setLimits(record, other);
  if (asleep) store<u32>(record, Sound.EXACT, PASS);
  settled = false; // the factors of the book are found anew
}

/** The largest key that is proved safe if it was made of the very weights that the account is judged by. */
export function provedSafe(shape: u32): f32 { return below32(1 - 2 * margin(shape)); }

/**
 * Gives an asset of the scenario two prices at once, by its records at both: what is held of it is as cheap as at one, what is owed as
 * dear as at the other. The weights, of which keys are made. Where rows were not written for so low a price, what is held weighs
 * nothing, and what is owed as much as in the book, whose price is then higher.
 */
export function weighApart(index: u32, cheap: usize, dear: usize): usize {
  const asset = other + ASSETS + index * ASSET;
  for (let i: u32 = 0; i < categoryCount; ++i) {
    const c = <u32>load<u8>(CATEGORY_LIST + i), at = WEIGHTS + (c << 10) + (index << 2), entry = load<u32>(other + THRESHOLDS + (c << 9) + (index << 2));
    memory.copy(asset, dear, ASSET);
    weighIn(other, c, index);
    let owed = load<f32>(other + at);
    if (coarse(dear) && load<f64>(dear, OWED_WEIGHT) <= load<f64>(assetAt(index), OWED_WEIGHT)) owed = load<f32>(book + at);
    memory.copy(asset, cheap, ASSET);
    weighIn(other, c, index);
    if (coarse(cheap) && load<f64>(cheap, HELD_WEIGHT) >= 0 && !(entry & Entry.SLOW) && (!byAverage() || entry & Entry.BPS)) store<f32>(other + at + 512, 0);
    store<f32>(other + at, owed);
  }
  return other + WEIGHTS;
}

// ---- Weights

const NAMED: usize = memory.data(128, 16); // a byte an asset: whether a row ever named it

/** An f32 weight that keeps products in range: 0, or 2^−60 to 2^120; else NaN. */
function weightOf(x: f64): f32 { return x == 0 || (x > 8.7e-19 && x < 1.3e36) ? <f32>x : NaN; }

/** What an asset's sides weigh in a category. */
function weighIn(set: usize, category: u32, index: u32): void {
  const asset = set + ASSETS + index * ASSET, entry = index == BASE && ofComet() ? Entry.UNCOUNTED : entryOf(asset, category, index);
  store<u32>(set + THRESHOLDS + (category << 9) + (index << 2), entry);
  let owed = load<f64>(asset, OWED_WEIGHT), held = load<f64>(asset, HELD_WEIGHT);
  if (ofAave()) { // basis points; an average of them is cut by less than one
    owed *= 10000;
    const bps = <f64>(entry & Entry.BPS);
    held *= byAverage() ? bps ? bps - 1 : NaN : bps; // of 0 it costs the others theirs
  }
  if (entry & Entry.UNCOUNTED) held = 0;
  if (entry & Entry.SLOW || (set == other && coarse(asset))) { owed = NaN; held = NaN; }
  const at = set + WEIGHTS + (category << 10) + (index << 2);
  store<f32>(at, -weightOf(owed));
  store<f32>(at + 512, weightOf(held));
}

/** An asset's weights in every category that accounts are in. */
function weighAsset(set: usize, index: u32): void {
  for (let i: u32 = 0; i < categoryCount; ++i) weighIn(set, load<u8>(CATEGORY_LIST + i), index);
  settled = false;
}

/** All weights of a category, when its first account comes or its own figures change. */
export function weighCategory(category: u32): void {
  const fresh = !load<u8>(USED_CATEGORIES + category);
  store<u8>(USED_CATEGORIES + category, 1);
  if (fresh) store<u8>(CATEGORY_LIST + categoryCount++, <u8>category);
  for (let i: u32 = 0; i <= assetCount; ++i) weighIn(book, category, assetIn(i));
  if (fresh) memory.copy(references + (category << 10), book + WEIGHTS + (category << 10), 1024);
  settled = false;
  touchShelves();
}

/** A new asset, all zero; −1 where there are as many as can be. */
export function addAsset(): i32 { return assetCount < (ofComet() ? BASE : MAX_ASSETS) ? assetCount++ : -1; }

/** An asset's figures or the view have changed, and its steps are set: what follows for the screen. Its first weights are references. */
export function weigh(index: u32): void {
  weighAsset(book, index);
  if (load<u8>(NAMED + index)) return;
  for (let at = index << 2; at < WEIGHTS_BYTES; at += 512) store<f32>(references + at, load<f32>(book + WEIGHTS + at)); // both sides, all categories
  relax(assetAt(index));
}
/** Gives an asset the slack for rows that will be written. */
function relax(asset: usize): void {
  store<f64>(asset, load<f64>(asset, OWED_EASE), OWED_SLACK);
  store<f64>(asset, load<f64>(asset, HELD_EASE), HELD_SLACK);
}

// ---- Rows

/**
 * An account in the stage is cells of 48 bytes: the first has its category (u32), the number of its lines (u32) and, from
 * byte 16 on, its user key; then one a line: asset (u32), kind (u32) and, from byte 16 on, two u128s.
 */
export const CELL: u32 = 48;

/** Lines that a row of a shelf has room for: up to 16 as many as there are, then steps of an eighth. */
function roomFor(lines: u32): u32 {
  if (lines <= 16) return max<u32>(lines, 1);
  const step = <u32>1 << (28 - clz(lines - 1)); // an eighth of the next power of two below
  return (lines + step - 1) & ~(step - 1);
}

/** The shelf for accounts of so many lines; −1 where memory cannot grow. */
export function shelfFor(lines: u32): i32 {
  const room = roomFor(lines);
  for (let i: u32 = 0; i < marketsHeld(); ++i) if (linesOf(load<u32>(marketAt(i), SHAPE)) == room) return i;
  const index = addMarket(shapeOf(room, strideFor(room)));
  if (index >= 0) {
    store<u32>(marketAt(index), <u32>book, SET);
    settled = false;
  }
  return index;
}

/** Writes the account at `cell` into a row, under its number, and makes its key. */
export function write(market: usize, block: usize, shape: u32, place: u32, number: u32, cell: usize): void {
  const vault = vaultAt(block, shape, place), count = load<u32>(cell, 4), category = load<u32>(cell);
  store<u32>(vault, number);
  store<u8>(vault, <u8>category, 4);
  store<u16>(vault, <u16>count, 6);
  if (!load<u8>(USED_CATEGORIES + category)) weighCategory(category);
  let tag = tagsOf(vault), amount = amountsOf(vault, linesOf(shape));
  const masks = masksOf(block, shape), union = market + UNION;
  for (const end = cell + count * CELL; cell < end; tag += 2, amount += amountBytes()) {
    cell += CELL;
    const asset = load<u32>(cell), kind = load<u32>(cell, 4);
    store<u16>(tag, <u16>(asset | kind << 8));
    memory.copy(amount, cell + 16, amountBytes());
    if (kind >= Kind.IDLE) continue;
    store<u8>(NAMED + asset, 1);
    const bit = (kind == Kind.OWED ? 0 : 16) + (asset >> 3), mask = <u8>(<u32>1 << (asset & 7));
    store<u8>(masks + bit, load<u8>(masks + bit) | mask);
    if (!(load<u8>(union + bit) & mask)) { store<u8>(union + bit, load<u8>(union + bit) | mask); settled = false; }
  }
  writeQuad(block, shape, place);
  store<f32>(keysOf(block, shape) + (place << 2), keyOf(block, shape, place));
}

/** What a line weighs that is idle or not there: held of the last asset there can be, which few books have and no Comet holds. */
const NOTHING: u32 = BASE | 128;

/** Writes what the float pass reads of a row, and whether the row is loose. */
function writeQuad(block: usize, shape: u32, place: u32): void {
  const vault = vaultAt(block, shape, place), lines = linesOf(shape), count = <u32>load<u16>(vault, 6);
  let tag = tagsOf(vault), amount = amountsOf(vault, lines), loose = false;
  let at = quadAt(block, shape, place) + ((place & 3) << 2), index = quadAt(block, shape, place) + (lines << 4) + (place & 3);
  for (let i: u32 = 0; i < lines; ++i, at += 16, index += 4, tag += 2, amount += amountBytes()) {
    let x: f64 = 0, weight = NOTHING;
    if (i < count) {
      const kind = load<u8>(tag, 1);
      if (kind < Kind.IDLE) {
        weight = <u32>load<u8>(tag);
        const asset = assetAt(weight), held = kind == Kind.HELD, slack = load<f64>(asset + (held ? HELD_SLACK : OWED_SLACK));
        x = near128(load<u64>(amount), load<u64>(amount, 8));
        if (ofCompound() && !held && x) x = x * 1e18 / near128(load<u64>(amount, 16), load<u64>(amount, 24));
        if (x && x < slack * 1048576) {
          loose = true;
          x = held ? (x < slack + 1 ? 0 : x - slack) : x + slack;
        }
        if (held) weight |= 128;
      }
    }
    store<f32>(at, <f32>(x * 5.421010862427522e-20)); // 2^−64
    store<u8>(index, <u8>weight);
  }
  store<u8>(index, load<u8>(vault, 4)); // behind the last: the category
  store<u8>(vault, <u8>loose, 5);
  if (loose) store<f32>(groupOf(block, place), Infinity, LOOSE);
}

/** The key of one row at the reference weights. */
function keyOf(block: usize, shape: u32, place: u32): f32 {
  weighRow(block, shape, place, references);
  if (rowHeld < Infinity && rowOwed < Infinity) return rowOwed > 0 ? rowOwed / rowHeld : -Infinity;
  store<f32>(groupOf(block, place), Infinity, LOOSE);
  return Infinity;
}

/** Empties a row before it is given back. */
export function erase(block: usize, shape: u32, place: u32): void {
  const vault = vaultAt(block, shape, place);
  store<u16>(vault, 0, 6);
  store<u8>(vault, 0, 4);
  writeQuad(block, shape, place);
}

/** Writes what the float pass reads of every row anew, with fresh slack, and all keys. */
function writeAllAnew(): void {
  for (let i: u32 = 0; i <= assetCount; ++i) relax(assetAt(assetIn(i)));
  for (let i: u32 = 0; i < marketsHeld(); ++i) {
    const market = marketAt(i);
    for (let j: u32 = 0, n = load<u32>(market, CHUNKS); j < n; ++j) {
      const chunk = chunkAt(load<u32>(linkAt(market, j), LINK_CHUNK)), block = <usize>load<u32>(chunk, BLOCK), shape = load<u32>(chunk, LOG);
      for (let place: u32 = 0; place < load<u32>(chunk, USED); ++place) {
        if (!(place & 63)) store<f32>(groupOf(block, place), -Infinity, LOOSE);
        writeQuad(block, shape, place);
      }
    }
  }
  rekeyAll();
}

/** Opens a book of accounts by what its revision does; false where there is no memory. */
export function openShelves(choices: u32): bool {
  setChoices(choices);
  book = zeroed(SET_LOG);
  other = zeroed(SET_LOG);
  references = zeroed(SET_LOG - 1);
  const laid = zeroed(17), categories = zeroed(16);
  layAt(laid);
  keepCategories(categories);
  if (!book || !other || !references || !laid || !categories) return false;
  if (ofComet()) refreshAsset(BASE);
  return true;
}
function zeroed(log: u32): usize { return take(tableClass(log), 1 << log); } // memory that was never used is zero

/** An asset's figures changed, or the view: what follows from them. */
export function refreshAsset(index: u32): void {
  if (index == BASE && ofComet()) deriveBase(assetAt(BASE));
  else derive(assetAt(index));
  weigh(index);
  touchShelves();
}
export function refreshAssets(): void {
  for (let i: u32 = 0; i < assetCount; ++i) refreshAsset(i);
  if (ofComet()) refreshAsset(BASE);
}
function touchShelves(): void { for (let i: u32 = 0; i < marketsHeld(); ++i) touch(marketAt(i)); }

/** Moves every asset's figures to the time at `now`; the first that reverts, or −1: then none moves. */
export function accrueAssets(now: usize): i32 {
  memory.copy(other, book, 1 << SET_LOG);
  for (let i: u32 = 0; i < assetCount; ++i) if (!accrue(other + ASSETS + i * ASSET, now)) return <i32>i;
  if (!accrueSystem(now)) return <i32>BASE;
  for (let i: u32 = 0; i < assetCount; ++i) accrue(assetAt(i), now);
  return -1;
}

/** The first asset that accounts use and whose accrual reverts in the view, or −1. */
export function brokenAsset(): i32 {
  for (let i: u32 = 0; i <= assetCount; ++i) if (load<u8>(NAMED + assetIn(i)) && load<u32>(assetAt(assetIn(i)), BROKEN)) return <i32>assetIn(i);
  return -1;
}

// ---- What a query asks of a row

const within: usize = memory.data(32, 16), least: usize = memory.data(32, 16);

/** Sets the distance from the line (wad) that `isNear` knows, and a shelf's limits for it: anew whenever its keys are. */
export function setWithin(market: usize, distance: usize): void {
  copy(within, distance, 4);
  reach = (near(within, 4) + 1e18) / 1e18;
  setNear(market);
}
let reach: f64 = 1;
function setNear(market: usize): void {
  store<f32>(market, below32(<f64>load<f32>(market, LO) / reach * DOWN), NEAR);
  store<f32>(market, above32(<f64>load<f32>(market, HI) / reach * UP), NEAR + 4);
}

const LEFT: usize = memory.data(64, 16), RIGHT: usize = memory.data(64, 16), FIRST: usize = memory.data(64, 16), WIDE: usize = memory.data(32, 16);

/** Whether a row that does not revert has health·1e18 < 1e18 + within, as the exact quotient. */
export function isNear(market: usize, block: usize, shape: u32, place: u32): bool {
  if (evaluate(market, vaultAt(block, shape, place), shape) == Status.REVERTS || isZero(DENOMINATOR, 4)) return false;
  clear(WIDE, 4);
  store<u64>(WIDE, WAD);
  product(LEFT, NUMERATOR, 4, WIDE, 4);
  add(WIDE, WIDE, within, 4);
  product(RIGHT, DENOMINATOR, 4, WIDE, 4);
  return compare(LEFT, RIGHT, 8) < 0;
}

/** Sets the least debt that a query asks for. */
export function setFloor(debt: usize): void { copy(least, debt, 4); }
export function reaches(market: usize, block: usize, shape: u32, place: u32): bool {
  evaluate(market, vaultAt(block, shape, place), shape);
  return compare(DEBT, least, 4) >= 0;
}

// ---- Liquidation prices

/** The liquidation price of an asset for an account, to RESULTS; a Trigger. */
export function priceOf(vault: usize, shape: u32, index: u32, owed: bool): i32 {
  const asset = assetAt(index), entry = load<u32>(book + THRESHOLDS + (<u32>load<u8>(vault, 4) << 9) + (index << 2));
  if (entry & Entry.SLOW) return Trigger.REVERTS; // the category's price, not the asset's
  const aave = ofAave(), told = load<u32>(asset, FAST) && sum(book, vault, shape, index);
  if (told) price.setOthers(SUMS, WEIGHED, OWED, 2);
  else {
    if (load<u32>(asset, BROKEN) || !sumOthers(book, vault, linesOf(shape), index)) return Trigger.REVERTS;
    if (aave) price.setOthers(COLLATERAL, BY_THRESHOLD, AAVE_DEBT, 4);
    else price.setOthers(SUM, SUM, SUM_OWED, 4);
  }
  let tag = tagsOf(vault), amount = amountsOf(vault, linesOf(shape));
  for (const end = tag + (<u32>load<u16>(vault, 6) << 1); tag < end; tag += 2, amount += amountBytes()) {
    const kind = <u32>load<u8>(tag, 1), held = kind == Kind.HELD, to = held ? price.HELD : price.OWED;
    if (<u32>load<u8>(tag) != index || kind >= Kind.IDLE || (held && entry & Entry.UNCOUNTED && aave)) continue;
    if (held && !aave) memory.copy(to, amount, 16);
    else if (ofCompound() ? grown(asset, amount) : told && step(asset + (held ? HELD_STEPS : OWED_STEPS), load<u64>(amount), load<u64>(amount, 8))) {
      store<u64>(to, q0);
      store<u64>(to, q1, 8);
    } else if (ofCompound() || !unitsOf(asset, held, amount, to)) return Trigger.REVERTS;
  }
  return price.find(asset, ofComet() && index == BASE, entry & Entry.BPS, owed);
}

// ---- Order

export function readAhead(block: usize, shape: u32, place: u32): u64 {
  const quad = quadAt(block, shape, place);
  return load<u64>(quad) ^ load<u64>(quad + 64);
}

/** A figure that is larger the earlier a row comes in the order: what the screen sums is within its margins, of a row that is not loose. */
export function score(order: i32, market: usize, block: usize, shape: u32, place: u32): f64 {
  const vault = vaultAt(block, shape, place);
  if (order == Order.PROFIT) {
    if (ofComet()) return 0; // it pays nobody
    profitTo(LEFT, market, vault, shape);
    return near(LEFT, 8);
  }
  const set = <usize>load<u32>(market, SET);
  weighRow(block, shape, place, set + WEIGHTS);
  const owed = <f64>rowOwed, held = <f64>rowHeld;
  if ((load<f32>(groupOf(block, place), LOOSE) < 0 || !load<u8>(vault, 5)) && owed > 0 && owed < Infinity && held > 0 && held < Infinity) {
    const off = 2 * margin(shape) + (order == Order.DEBT ? 0 : <f64>load<f32>(set, SPREAD) - 1); // an average counts for up to so much more
    if (off < 0.001) {
      setDoubt(off, false);
      return order == Order.DEBT ? owed * (ofAave() ? TWO64 / 10000 : TWO64) : owed / held;
    }
  }
  evaluate(market, vault, shape);
  if (order == Order.DEBT) return near(DEBT, 4);
  return isZero(DENOMINATOR, 4) ? -Infinity : near(DENOMINATOR, 4) / near(NUMERATOR, 4);
}

/** Whether a comes before b (−1), after it (1) or beside it (0), exactly. */
export function precedes(order: i32, am: usize, ab: usize, as: u32, ap: u32, bm: usize, bb: usize, bs: u32, bp: u32): i32 {
  if (order == Order.NONE) return 0;
  if (order == Order.PROFIT) {
    profitTo(RIGHT, am, vaultAt(ab, as, ap), as);
    profitTo(LEFT, bm, vaultAt(bb, bs, bp), bs);
    return compare(LEFT, RIGHT, 8);
  }
  evaluate(am, vaultAt(ab, as, ap), as);
  copy(FIRST, order == Order.DEBT ? DEBT : NUMERATOR, 4);
  copy(FIRST + 32, DENOMINATOR, 4);
  evaluate(bm, vaultAt(bb, bs, bp), bs);
  if (order == Order.DEBT) return compare(DEBT, FIRST, 4);
  const idleA = isZero(FIRST + 32, 4), idleB = isZero(DENOMINATOR, 4);
  if (idleA || idleB) return <i32>idleA - <i32>idleB;
  product(LEFT, FIRST, 4, DENOMINATOR, 4);
  product(RIGHT, NUMERATOR, 4, FIRST + 32, 4);
  return compare(LEFT, RIGHT, 8);
}

function profitTo(out: usize, market: usize, vault: usize, shape: u32): void {
  const set = <usize>load<u32>(market, SET);
  if (lay(set, vault, linesOf(shape), 0, -1, -1, false, true)) clear(out, 8);
  else bestTo(out, set);
}

// ---- Plans

/** Liquidates an account, laid out anew or (`again`) as the call before left it; the reason why not, or 0. */
export function liquidate(vault: usize, shape: u32, again: bool): i32 {
  gain.none();
  return (again || !lay(book, vault, linesOf(shape), 0, -1, -1, false, true)) && callBest(book) ? 0 : Revert.ARITHMETIC;
}
/** Where what the last call changes of its asset stands, and leaving it so. */
export function changed(): usize { return changedIn(book); }
export function carry(): void { carryIn(book); }

// ---- Figures

/** A figure's low 128 bits, or the largest value where it has more. */
export let figureLo: u64 = 0, figureHi: u64 = 0;
function figure(at: usize, wide: bool): void {
  figureLo = wide ? <u64>-1 : load<u64>(at);
  figureHi = wide ? <u64>-1 : load<u64>(at, 8);
}

/** What a row's figures are asked for: of one that reverts, the riskiest there can be. */
export namespace Figure { export const VALUE = 0, HEALTH = 1, DEBT = 2, RATIO = 3; }

/** Evaluates a row, whose figures `figureOf` then tells; whether it reverts. */
export function evaluateRow(market: usize, block: usize, shape: u32, place: u32): bool {
  return evaluate(market, vaultAt(block, shape, place), shape) == Status.REVERTS;
}
export function figureOf(which: i32, reverts: bool): void {
  if (which == Figure.RATIO && !reverts) {
    ratioTo(LEFT);
    figure(LEFT, isZero(DEBT, 4) || !isZero(LEFT + 16, 6));
    return;
  }
  const at = which == Figure.VALUE ? VALUE : which == Figure.HEALTH ? HEALTH : which == Figure.DEBT ? DEBT : WIDE;
  if (reverts) clear(WIDE, 4);
  figure(at, reverts ? which == Figure.DEBT : !isZero(at + 16, 2));
  if (reverts && which != Figure.DEBT) { figureLo = 0; figureHi = 0; }
}
/** ⌊collateral·1e18 / debt⌋ of what was evaluated, eight limbs; without debt the numerator. */
export function ratioTo(to: usize): void {
  clear(WIDE, 4);
  store<u64>(WIDE, WAD);
  product(to, VALUE, 4, WIDE, 4);
  if (!isZero(DEBT, 4)) divide(to, 0, to, 8, DEBT, 4);
}
/** Collateral value over debt as a plain number. */
export function ratioAsNumber(reverts: bool): f64 { return reverts ? 0 : isZero(DEBT, 4) ? Infinity : near(VALUE, 4) / near(DEBT, 4); }
