/** The rule of the book's family: of vaults in a market of their own (ilk, position), or of accounts (shelf). */
import { onShelves, positions } from "../cut";
import * as account from "./account-trial";
import * as ilk from "./ilk";
import * as urn from "./ilk-trial";
import * as position from "./position";
import * as places from "./position-order";
import * as trove from "./position-trial";
import * as shelf from "./shelf";
import { CLOSE, Order, setDoubt } from "./status";
import { FACTOR, HI, LO, vaultAt } from "../store/chunks";
import { ASSET } from "./lines";

export { ALL, CLOSE, Figure, GAP, Order, figureHi, figureLo } from "./status";

/** Bytes of a vault's amounts, of a market. */
export function stride(): u32 { return positions() ? position.stride() : ilk.STRIDE; }
export function marketBytes(): u32 { return onShelves() ? shelf.SHELF_BYTES : positions() ? position.MARKET_BYTES : ilk.MARKET_BYTES; }
/** The system's fields that an accrued view depends on. */
export const VIEW_FIELDS: u32 = ilk.VIEW_FIELDS;

// ---- What the screen asks

export function judge(market: usize, block: usize, shape: u32, place: u32): i32 {
  return onShelves() ? shelf.judge(market, block, shape, place) : positions() ? position.judge(market, block, shape, place) : ilk.judge(market, block, shape, place);
}
export function judgeAll(market: usize, block: usize, shape: u32, place: u32, count: u32): u64 {
  return onShelves() ? shelf.judgeAll(market, block, shape, place, count)
    : positions() ? position.judgeAll(market, block, shape, place, count) : ilk.judgeAll(market, block, shape, place, count);
}
export function reaches(market: usize, block: usize, shape: u32, place: u32): bool {
  return onShelves() ? shelf.reaches(market, block, shape, place) : positions() ? position.reaches(market, block, shape, place) : ilk.reaches(market, block, shape, place);
}
export function isNear(market: usize, block: usize, shape: u32, place: u32): bool {
  return onShelves() ? shelf.isNear(market, block, shape, place) : positions() ? position.isNear(market, block, shape, place) : ilk.isNear(market, block, shape, place);
}

/** Limits of the keys of a chunk: its market's, or those of what its rows use. */
export let chunkLow: f32 = 0, chunkHigh: f32 = 0;
export function narrow(market: usize, chunk: usize): void {
  chunkLow = load<f32>(market, LO); chunkHigh = load<f32>(market, HI);
  if (onShelves()) {
    shelf.narrow(market, chunk);
    chunkLow = shelf.low; chunkHigh = shelf.high;
  } else if (positions()) {
    position.narrow(market, chunk);
    chunkLow = position.low;
  }
}
/** Makes what the keys of a chunk tell be of now. */
// @ts-ignore: decorator
@inline export function freshen(market: usize, chunk: usize): void { if (onShelves()) shelf.freshen(market, chunk); }
/** Whether keys were made anew, because too many rows had to be judged one by one. */
// @ts-ignore: decorator
@inline export function overspent(): bool { return onShelves() && shelf.overspent(); }
/** Of a row found unsafe in a loose group: a limit below this proves it so. */
export function surely(market: usize, block: usize, shape: u32, place: u32): f32 {
  return positions() ? position.surely(market, block, shape, place) : -Infinity;
}

// ---- What the book asks

export function rekey(market: usize, block: usize, shape: u32, place: u32, count: u32): void {
  if (positions()) position.rekey(market, block, shape, place, count);
  else ilk.rekey(block, shape, place, count);
}
/** Notes of a chunk what its rows have in common. */
export function note(market: usize, chunk: usize, place: u32, count: u32): void { if (positions()) position.note(market, chunk, place, count); }
/** Brings a market up to date in the view at `time`, of whose figures those of `mask` have changed. */
export function derive(market: usize, time: usize, mask: u32): void {
  if (positions()) position.derive(market, time, mask);
  else ilk.derive(market, time);
}
/** Makes the keys of a market anew where they do not serve its view; whether they did not. */
export function renew(market: usize): bool {
  if (!positions() || !position.outdated(market)) return false;
  position.remake(market);
  return true;
}
export function accrue(market: usize, time: usize): bool { return positions() ? position.accrue(market, time) : ilk.accrue(market, time); }
export function broken(market: usize): bool { return positions() ? position.broken(market) : ilk.broken(market); }
export function inspect(market: usize, block: usize, shape: u32, place: u32): void {
  if (positions()) position.inspect(market, block, shape, place);
  else ilk.inspect(market, block, shape, place);
}

/** Of a market: what the figures of its rows need. Then `look` at a row, and of what it saw a figure, or the ratio as a number. */
export function startFigures(market: usize): void {
  if (positions()) return;
  ilk.scale(market);
  factor = ilk.floatScale(market);
}
let factor: f64 = 0, stands: bool = false;
// @ts-ignore: decorator
@inline export function look(market: usize, row: usize): void { if (positions()) stands = position.evaluate(market, row); }
// @ts-ignore: decorator
@inline
export function figure(which: i32, market: usize, row: usize): void {
  if (positions()) position.figureOf(which, stands);
  else ilk.figureOf(which, market, row);
}
// @ts-ignore: decorator
@inline export function ratioAsNumber(row: usize): f64 { return positions() ? position.ratioAsNumber(stands) : ilk.floatRatio(factor, row); }

/** What a liquidation of a row takes and brings, to rules/gain and RESULTS; the reason why not, or 0. Then its market may be left as it leaves it. Of an account (`again`) the next after the last. */
export function liquidate(market: usize, row: usize, shape: u32, again: bool): i32 {
  return onShelves() ? shelf.liquidate(row, shape, again) : positions() ? position.liquidateFor(market, row) : ilk.liquidate(market, row);
}
/** Where the figures stand that it changes, with how many bytes. */
export function changed(market: usize): usize { return onShelves() ? shelf.changed() : market; }
export function changedBytes(): u32 { return onShelves() ? ASSET : marketBytes(); }
export function carry(market: usize, row: usize): void {
  if (onShelves()) { shelf.carry(); return; }
  if (positions()) position.carry(market, row);
  else ilk.carry(market);
}
/** Where the common unit's value of a unit of a market's debt stands, or 0. */
export function quoteOf(market: usize): usize { return positions() ? position.quoteOf(market) : 0; }
/** Where the batch of a row stands, with how many bytes, or 0. */
export function batchOf(row: usize): usize { return positions() ? position.batchOf(row) : 0; }

/** Gives a market's record another price, in the view at `time`. */
export function reprice(market: usize, price: usize, time: usize): void {
  if (positions()) position.reprice(market, price, time);
  else ilk.reprice(market, price);
}
/** Adds the collateral and the debt of a row that stands to sums; after `startFigures`. */
// @ts-ignore: decorator
@inline
export function tally(market: usize, row: usize, collateral: usize, debt: usize): void {
  if (positions()) position.tally(market, row, collateral, debt);
  else ilk.tally(market, row, collateral, debt);
}

// ---- What a query asks

export function setFloor(market: usize, floor: usize): void {
  if (onShelves()) shelf.setFloor(floor);
  else if (positions()) position.setFloor(market, floor);
  else ilk.setFloor(market, floor);
}
export function setWithin(market: usize, distance: usize): void {
  if (onShelves()) shelf.setWithin(market, distance);
  else if (positions()) position.setWithin(market, distance);
  else ilk.setWithin(market, distance);
}

/** Before the scores of an order. */
export function startScores(): void {
  if (positions()) places.startScores();
  else if (!onShelves()) ilk.startScores();
}
/** Reads of the lines of memory that a score will ask for: where floats tell, of an account nothing else than its part of the float pass. */
// @ts-ignore: decorator
@inline
export function readAhead(block: usize, shape: u32, place: u32): u64 {
  if (onShelves()) return shelf.readAhead(block, shape, place);
  const vault = vaultAt(block, shape, place), first = load<u64>(vault);
  return stride() > 64 ? first ^ load<u64>(vault + 64) ^ load<u64>(vault + stride() - 8) : first;
}
/** A figure that is larger the earlier a row comes in an order, near what it is: `doubt` (rules/status) says how near. */
export function score(order: i32, market: usize, block: usize, shape: u32, place: u32): f64 {
  if (positions()) return places.score(order, market, block, shape, place);
  setDoubt(CLOSE, false);
  return onShelves() ? shelf.score(order, market, block, shape, place) : ilk.score(order, market, block, shape, place);
}
/** Whether two vaults of a market have the same amounts, and so no order; not asked of accounts. */
export function alike(x: usize, y: usize): bool {
  if (onShelves()) return false;
  for (const end = x + stride(); x < end; x += 16, y += 16) if (v128.any_true(v128.xor(v128.load(x), v128.load(y)))) return false;
  return true;
}
export function precedes(order: i32, am: usize, ab: usize, as: u32, ap: u32, bm: usize, bb: usize, bs: u32, bp: u32): i32 {
  return onShelves() ? shelf.precedes(order, am, ab, as, ap, bm, bb, bs, bp)
    : positions() ? places.precedes(order, am, ab, as, ap, bm, bb, bs, bp) : ilk.precedes(order, am, ab, as, ap, bm, bb, bs, bp);
}
/** Whether keys tell of an order's first rows. */
export function keysTell(order: i32): bool { return order == Order.RISKIEST || (!onShelves() && (order == Order.PRICE || order == Order.NOMINAL)); }
/** By what they are multiplied, to be in the order of several markets. */
export function weightOf(order: i32, market: usize): f64 { return positions() ? places.weightOf(order, market) : load<f64>(market, FACTOR); }
/** Up to where they do: of two rows whose keys differ by 2^−19 of it, one of them below this, which comes first. */
export function surest(order: i32, market: usize, least: f64): f64 {
  return onShelves() ? least : positions() ? places.surest(order, market, least) : ilk.surest(order, market, least);
}

// ---- What a what-if asks (rules/trial)

/** Takes over what is asked of a vault, in a market's record as it is viewed. With `stored`, times begin where fees were last collected. */
export function beginTrial(question: i32, market: usize, vault: usize, stored: bool): void {
  if (positions()) trove.beginTrial(question, market, vault, stored);
  else urn.beginTrial(question, market, vault, stored);
}
export function tryAt(x: usize): i32 { return onShelves() ? account.tryAt(x) : positions() ? trove.tryAt(x) : urn.tryAt(x); }
export function mayHold(low: usize, high: usize): bool { return onShelves() ? account.mayHold(low, high) : positions() ? trove.mayHold(low, high) : urn.mayHold(low, high); }
