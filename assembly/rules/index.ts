/** The rule of the book's family: of vaults with two amounts in a market of their own (ilk), or of accounts (shelf). */
import * as ilk from "./ilk";
import * as shelf from "./shelf";
import { HI, LO, onShelves } from "../store/chunks";

export {
  ART, DEBT_SCALE, FIGURES, HEALTH_SCALE, MARKET_BYTES, RATIO_SCALE, STRIDE, VIEW_FIELDS,
  accrue, broken, debtHi, debtLo, debtOf, derive, floatRatio, floatScale, inspect, rekey, scale,
} from "./ilk";

export { Order } from "./status";

// ---- What the screen asks

export function judge(market: usize, block: usize, shape: u32, place: u32): i32 {
  return onShelves() ? shelf.judge(market, block, shape, place) : ilk.judge(market, block, shape, place);
}
export function judgeAll(market: usize, block: usize, shape: u32, place: u32, count: u32): u64 {
  return onShelves() ? shelf.judgeAll(market, block, shape, place, count) : ilk.judgeAll(market, block, shape, place, count);
}
export function reaches(market: usize, block: usize, shape: u32, place: u32): bool {
  return onShelves() ? shelf.reaches(market, block, shape, place) : ilk.reaches(market, block, shape, place);
}
export function isNear(market: usize, block: usize, shape: u32, place: u32): bool {
  return onShelves() ? shelf.isNear(market, block, shape, place) : ilk.isNear(market, block, shape, place);
}

/** Limits of the keys of a chunk: its market's, or those of the assets that its accounts use. */
export let chunkLow: f32 = 0, chunkHigh: f32 = 0;
export function narrow(market: usize, chunk: usize): void {
  if (onShelves()) {
    shelf.narrow(market, chunk);
    chunkLow = shelf.low; chunkHigh = shelf.high;
  } else {
    chunkLow = load<f32>(market, LO); chunkHigh = load<f32>(market, HI);
  }
}
/** Makes what the keys of a chunk tell be of now. */
// @ts-ignore: decorator
@inline export function freshen(market: usize, chunk: usize): void { if (onShelves()) shelf.freshen(market, chunk); }
/** Whether keys were made anew, because too many rows had to be judged one by one. */
// @ts-ignore: decorator
@inline export function overspent(): bool { return onShelves() && shelf.overspent(); }

// ---- What a query asks

export function setFloor(market: usize, floor: usize): void { if (onShelves()) shelf.setFloor(floor); else ilk.setFloor(market, floor); }
export function setWithin(market: usize, distance: usize): void { if (onShelves()) shelf.setWithin(market, distance); else ilk.setWithin(market, distance); }

export function score(order: i32, market: usize, block: usize, shape: u32, place: u32): f64 {
  return onShelves() ? shelf.score(order, market, block, shape, place) : ilk.score(order, market, block, shape, place);
}
export function precedes(order: i32, am: usize, ab: usize, as: u32, ap: u32, bm: usize, bb: usize, bs: u32, bp: u32): i32 {
  return onShelves() ? shelf.precedes(order, am, ab, as, ap, bm, bb, bs, bp) : ilk.precedes(order, am, ab, as, ap, bm, bb, bs, bp);
}
