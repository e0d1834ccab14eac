/**
 * The ilk rule: MakerDAO / Sky `Vat`, `Jug`, `Spotter`, `Dog` of makerdao/dss@fa4f6630, re-implemented from the formulas.
 *
 *   unsafe ⇔ spot > 0 ∧ ink·spot < art·rate      strict, lazy: with spot = 0 nothing is multiplied (Dog.bark)
 *
 * Amounts wad (1e18), rates and prices ray (1e27), limits rad (1e45). Every intermediate is a checked uint256.
 */
import { RESULTS, SYSTEM } from "../layout";
import { FACTOR, HEADER, HI, LO, NEAR, PASS, keysOf, lives, vaultAt } from "../store/chunks";
import * as gain from "./gain";
import { Figure, GAP, Order, PRICE_LIMBS, Plan, Sound, Status, Trigger, figureHi, figureLo, setFigure, setReverting } from "./status";
import { DOWN, TWO_255, TWO_50, UP, above32, above32Pair, below32, near, nearPair } from "../wide/float";
import { PRODUCT, addPair, addWide, clear, compare, copy, divide, divideUp, isZero, mulHi, product, productLess, product128 } from "../wide/limbs";
import { prepare, quotient, quotientHi, quotientLo } from "../wide/quotient";
import {
  Revert, add, arg, at, begin, div, end, flag, forgive, gwei, isNegative, isNil, less, magnitude, min, mul, mulDivDown, mulDivUp, pow, ptr,
  ray, require, result, resultAt, resultFlag, resultWord, reverted, signedMul, sub, u256, wad, withoutReason, word,
} from "../wide/u256";

/** Why the contracts revert, in the order of the messages in bindings/protocols/maker.ts. */
export namespace Why {
  export const DOG_NOT_UNSAFE = 3, DOG_LIMIT_HIT = 4, DOG_DUSTY = 5, DOG_NULL_AUCTION = 6, DOG_OVERFLOW = 7;
  export const CLIP_ZERO_TAB = 8, CLIP_INVALID_PRICE = 9, CLIP_ZERO_TOP = 10;
  export const JUG_INVALID_NOW = 11;
  export const VAT_NOT_INIT = 12, VAT_CEILING = 13, VAT_NOT_SAFE = 14, VAT_DUST = 15;
}

// ---- Columns and figures

/** Bytes of a vault's amounts: ink, and art behind it. */
// @ts-ignore: decorator
@inline export const STRIDE: u32 = 32;
// @ts-ignore: decorator
@inline export const ART: usize = 16;

/** A market's figures, 32 bytes each, in the order of the descriptor. */
// @ts-ignore: decorator
@inline export const SPOT: usize = HEADER;
// @ts-ignore: decorator
@inline export const MAT: usize = HEADER + 32;
// @ts-ignore: decorator
@inline const VAL: usize = HEADER + 64;
// @ts-ignore: decorator
@inline export const RATE: usize = HEADER + 96;
// @ts-ignore: decorator
@inline export const DUTY: usize = HEADER + 128;
// @ts-ignore: decorator
@inline export const RHO: usize = HEADER + 160;
// @ts-ignore: decorator
@inline export const DUST: usize = HEADER + 192;
// @ts-ignore: decorator
@inline const CHOP: usize = HEADER + 224;
// @ts-ignore: decorator
@inline const HOLE: usize = HEADER + 256;
// @ts-ignore: decorator
@inline const DIRT: usize = HEADER + 288;
// @ts-ignore: decorator
@inline const BUF: usize = HEADER + 320;
// @ts-ignore: decorator
@inline const TIP: usize = HEADER + 352;
// @ts-ignore: decorator
@inline const CHIP: usize = HEADER + 384;
/** What follows from them in the view that is being scanned (stored, or accrued to a time). */
// @ts-ignore: decorator
@inline export const VIEW_RATE: usize = HEADER + 416; // the rate of the view
// @ts-ignore: decorator
@inline const BROKEN: usize = HEADER + 448;           // u32, why drip reverts at the view's time, if it does: every vault reverts
// @ts-ignore: decorator
@inline const SCALED: usize = HEADER + 452;           // u32, whether the scales below are up to date
// @ts-ignore: decorator
@inline const RATIO_SCALE: usize = HEADER + 456;  // ink·(spot·mat) / (art·(rate·1e9))
// @ts-ignore: decorator
@inline const HEALTH_SCALE: usize = HEADER + 584; // ink·(spot·1e18) / (art·rate)
// @ts-ignore: decorator
@inline const DEBT_SCALE: usize = HEADER + 712;   // ⌊rate·2^128 / 1e27⌋ (three limbs), whether that is exact
// @ts-ignore: decorator
@inline const FLOOR: usize = HEADER + 744;            // least art that reaches the query's debt floor (u256)
// @ts-ignore: decorator
@inline const LINE: usize = HEADER + 784;             // f64s below and above spot/rate
// @ts-ignore: decorator
@inline export const MARKET_BYTES: u32 = <u32>HEADER + 800;

/** The system's fields that an accrued view depends on: base. */
export const VIEW_FIELDS: u32 = 1 << 1;
// @ts-ignore: decorator
@inline const PAR: usize = 0;
// @ts-ignore: decorator
@inline export const BASE: usize = 32;
// @ts-ignore: decorator
@inline const SYSTEM_HOLE: usize = 64;
// @ts-ignore: decorator
@inline const SYSTEM_DIRT: usize = 96;

// ---- The screen

/** Writes the keys of `count` rows: art/ink, rounded up; +∞ without ink, −∞ without art. */
export function rekey(block: usize, log: u32, place: u32, count: u32): void {
  let ink = vaultAt(block, log, place);
  let key = keysOf(block, log) + (place << 2);
  const end = key + (count << 2);
  for (; key < end; key += 8, ink += STRIDE << 1) {
    const other = key + 4 < end ? STRIDE : 0; // an odd one is its own pair
    const debt = nearPair(ink + ART, ink + ART + other), quotient = f64x2.mul(f64x2.div(debt, nearPair(ink, ink + other)), f64x2.splat(UP));
    const keys = above32Pair(v128.bitselect(quotient, f64x2.splat(-Infinity), f64x2.gt(debt, f64x2.splat(0))));
    if (other) v128.store64_lane(key, keys, 0);
    else v128.store32_lane(key, keys, 0);
  }
}

/**
 * Brings what follows from a market's figures up to date, for the view at `time` (null: as stored). Called for every
 * tick of every market, so nothing here divides integers.
 */
export function derive(market: usize, time: usize): void {
  store<u32>(market, 0, SCALED);
  store<u32>(market, 0, BROKEN);
  copy(market + VIEW_RATE, market + RATE, 4);
  if (time) {
    begin();
    const rate = dripRate(at(market + RATE), at(market + DUTY), at(SYSTEM + BASE), at(market + RHO), at(time));
    store<u32>(market, end(), BROKEN);
    if (!load<u32>(market, BROKEN)) copy(market + VIEW_RATE, ptr(rate), 4);
  }
  setLimits(market);
}

/** The limits of the screen, from the spot and the view's rate. */
function setLimits(market: usize): void {
  const spot = market + SPOT, rate = market + VIEW_RATE;
  let lo = Infinity, hi = Infinity, factor = isZero(rate, 4) ? 0.0 : Infinity;
  let sound = load<u32>(market, BROKEN) ? Sound.EXACT : Sound.SCREEN;
  if (!isZero(spot, 4)) {
    if (!isZero(spot + 16, 2) || !isZero(rate + 16, 2)) sound = Sound.EXACT;
    if (!isZero(rate, 4)) {
      const line = near(spot, 4) / near(rate, 4);
      lo = line * DOWN;
      hi = line * UP;
      factor = 2 / (lo + hi);
    }
  }
  store<f64>(market, lo, LINE);
  store<f64>(market, hi, LINE + 8);
  store<f32>(market, below32(lo), LO);
  store<f32>(market, above32(hi), HI);
  store<f64>(market, factor, FACTOR);
  store<u32>(market, sound, PASS);
}

/**
 * Gives a market that was derived another price of the oracle (u256), and the spot that `Spotter.poke` makes of it. Where that reverts
 * there is no such spot, and every vault reverts.
 */
export function reprice(market: usize, price: usize): void {
  if (load<u32>(market, BROKEN)) return; // by its accrual
  begin();
  const spot = spotOf(at(price), at(SYSTEM + PAR), at(market + MAT));
  store<u32>(market, end(), BROKEN);
  copy(market + VAL, price, 4);
  copy(market + SPOT, ptr(spot), 4);
  setLimits(market);
}

const LEFT: usize = memory.data(96, 16), RIGHT: usize = memory.data(96, 16), THIRD: usize = memory.data(96, 16);

/** The judgement of `bark` on one row. */
export function judge(market: usize, block: usize, log: u32, place: u32): i32 {
  return judgeAmounts(market, vaultAt(block, log, place));
}

export function judgeAmounts(market: usize, ink: usize): i32 {
  if (load<u32>(market, BROKEN)) return Status.REVERTS;
  if (isZero(market + SPOT, 4)) return Status.SAFE;
  product(LEFT, ink, 2, market + SPOT, 4);
  product(RIGHT, ink + ART, 2, market + VIEW_RATE, 4);
  if (!isZero(LEFT + 32, 2) || !isZero(RIGHT + 32, 2)) return Status.REVERTS;
  return compare(LEFT, RIGHT, 4) < 0 ? Status.UNSAFE : Status.SAFE;
}

/** The judgement of `bark` on up to 64 rows: the exact pass. */
export function judgeAll(market: usize, block: usize, log: u32, place: u32, count: u32): u64 {
  let ink = vaultAt(block, log, place);
  let mask: u64 = 0, reverts: u64 = 0;
  if (load<u32>(market, PASS) == Sound.SCREEN) {
    const s0 = load<u64>(market, SPOT), s1 = load<u64>(market, SPOT + 8);
    const r0 = load<u64>(market, VIEW_RATE), r1 = load<u64>(market, VIEW_RATE + 8);
    if (s0 | s1) for (let i: u32 = 0; i < count; ++i, ink += STRIDE) {
      mask |= u64(productLess(load<u64>(ink), load<u64>(ink, 8), s0, s1, load<u64>(ink, ART), load<u64>(ink, ART + 8), r0, r1)) << i;
    }
  } else {
    const life = lives(block, log) + (place << 1);
    for (let i: u32 = 0; i < count; ++i, ink += STRIDE) {
      if (!(load<u16>(life + (i << 1)) & 1)) continue;
      const status = judgeAmounts(market, ink);
      mask    |= u64(status == Status.UNSAFE)  << i;
      reverts |= u64(status == Status.REVERTS) << i;
    }
  }
  setReverting(reverts);
  return mask;
}

// ---- What a query asks of a row

let within: usize = memory.data(32, 16); // wad: health below 1e18 + within

/** Sets the distance from the line that `isNear` knows, and each market's limits for it. */
export function setWithin(market: usize, distance: usize): void {
  copy(within, distance, 4);
  const reach = (near(within, 4) + 1e18) / 1e18; // relative error below 2^−48
  store<f32>(market, below32(load<f64>(market, LINE) / reach * DOWN), NEAR);
  store<f32>(market, above32(load<f64>(market, LINE + 8) / reach * UP), NEAR + 4);
}

/** Whether a row that does not revert has health·1e18 < 1e18 + within, as the exact quotient. */
export function isNear(market: usize, block: usize, log: u32, place: u32): bool {
  const ink = vaultAt(block, log, place), art = ink + ART;
  if (judge(market, block, log, place) == Status.REVERTS || isZero(market + SPOT, 4)) return false;
  begin();
  const one = wad(), reach = word(0);
  copy(ptr(reach), within, 4);
  product(THIRD, ink, 2, market + SPOT, 4);
  product(LEFT, THIRD, 4, ptr(one), 4);
  product(THIRD, art, 2, market + VIEW_RATE, 4);
  product(RIGHT, THIRD, 4, ptr(add(one, reach)), 4);
  return compare(LEFT, RIGHT, 8) < 0;
}

/** Sets the least debt (wad) that a query asks for: ⌈art·rate/1e27⌉ ≥ floor ⇔ art·rate > (floor − 1)·1e27. */
export function setFloor(market: usize, floor: usize): void {
  begin();
  const rate = at(market + VIEW_RATE), debt = at(floor);
  let art = new u256(-1, -1, -1, -1); // no debt reaches it where there is no rate
  if (isNil(debt)) art = word(0);
  else if (!isNil(rate)) {
    const more = mulDivDown(sub(debt, word(1)), ray(), rate);
    const least = add(more, word(1));
    if (!reverted()) art = least;
  }
  copy(market + FLOOR, ptr(art), 4);
}

export function reaches(market: usize, block: usize, log: u32, place: u32): bool {
  const art = vaultAt(block, log, place) + ART;
  if (!isZero(market + FLOOR + 16, 2)) return false;
  return compare(art, market + FLOOR, 2) >= 0;
}

// ---- Columns of quotients

/** Whether the market's accrual reverts in the view that is asked for. */
export function broken(market: usize): bool { return load<u32>(market, BROKEN) != 0; }

/** Makes the market's scales for ratio, health and debt, if its figures changed since. */
export function scale(market: usize): void {
  if (load<u32>(market, SCALED)) return;
  store<u32>(market, 1, SCALED);
  begin();
  product(LEFT, market + SPOT, 4, market + MAT, 4);
  product(RIGHT, market + VIEW_RATE, 4, ptr(gwei()), 1);
  prepare(market + RATIO_SCALE, LEFT, RIGHT);
  product(LEFT, market + SPOT, 4, ptr(wad()), 4);
  clear(RIGHT, 5); copy(RIGHT, market + VIEW_RATE, 4);
  prepare(market + HEALTH_SCALE, LEFT, RIGHT);

  clear(LEFT, 8);
  copy(LEFT + 16, market + VIEW_RATE, 4);
  divide(LEFT, RIGHT, LEFT, 6, ptr(ray()), 2);
  copy(market + DEBT_SCALE, LEFT, 3);
  const wide = !isZero(LEFT + 24, 3);
  store<u32>(market, wide ? 2 : u32(isZero(RIGHT, 2)), DEBT_SCALE + 24);
}

/** A figure of a row, after `scale`. */
// @ts-ignore: decorator
@inline
export function figureOf(which: i32, market: usize, row: usize): void {
  if (which == Figure.DEBT) { debtOf(market, row + ART); return; }
  quotient(market + (which == Figure.RATIO ? RATIO_SCALE : HEALTH_SCALE), row, row + ART);
  setFigure(quotientLo, quotientHi);
}

/**
 * ⌈art·rate / 1e27⌉. With M = ⌊rate·2^128/1e27⌋ the exact value lies in [art·M, art·M + art) / 2^128, so it is rounded up
 * from ⌊art·M / 2^128⌋ unless the fraction is 0 or reaches over the next integer; then the long division decides.
 */
function debtOf(market: usize, art: usize): void {
  const scale = market + DEBT_SCALE, exact = load<u32>(scale, 24), m0 = load<u64>(scale), m1 = load<u64>(scale, 8), m2 = load<u64>(scale, 16);
  const a0 = load<u64>(art), a1 = load<u64>(art, 8);
  const f0 = a0 * m0;
  let f1 = mulHi(a0, m0), l = a0 * m1; f1 += l; let k = u64(f1 < l); // in locals: 4 ns less than by product128
  l = a1 * m0; f1 += l; k += u64(f1 < l);
  let q0 = mulHi(a0, m1) + k, q1 = u64(q0 < k);
  l = mulHi(a1, m0); q0 += l; q1 += u64(q0 < l);
  l = a1 * m1; q0 += l; q1 += u64(q0 < l) + mulHi(a1, m1);
  let p0 = a0 * m2, p1 = a1 * m2, p2: u64 = 0;
  if (m2 > 1) { // seldom: rates are below 2 ray for long
    product128(a0, a1, m2, 0);
    p1 = load<u64>(PRODUCT, 8);
    p2 = load<u64>(PRODUCT, 16);
  }
  q0 += p0; p0 = u64(q0 < p0);
  p1 += p0; let c = u64(p1 < p0) | p2;
  q1 += p1; c |= u64(q1 < p1);
  const t0 = f0 + a0, t1 = f1 + a1, over = u64(t1 < f1) | u64(t1 + u64(t0 < f0) < t1);
  if (!c && (exact == 1 || (exact == 0 && (f0 | f1) != 0 && !over))) {
    const up = u64((f0 | f1) != 0);
    q0 += up; c = u64(q0 < up); q1 += c;
    if (!(c && !q1)) { setFigure(q0, q1); return; }
  }
  begin();
  const debt = mulDivUp(amount(art), at(market + VIEW_RATE), ray());
  const beyond = reverted() || (debt.hi1 | debt.hi2) != 0;
  setFigure(beyond ? <u64>-1 : debt.lo1, beyond ? <u64>-1 : debt.lo2);
}

/** Adds a row's ink, and its debt of any width, to sums; after `scale`. */
export function tally(market: usize, ink: usize, collateral: usize, debt: usize): void {
  const art = ink + ART;
  addPair(collateral, load<u64>(ink), load<u64>(ink, 8));
  debtOf(market, art);
  if ((figureLo & figureHi) != <u64>-1) { addPair(debt, figureLo, figureHi); return; }
  product(LEFT, art, 2, market + VIEW_RATE, 4);
  begin();
  divideUp(LEFT, LEFT, 6, ptr(ray()), 2);
  addWide(debt, LEFT); // of what can be unsafe, below 2^167
}

/** spot·mat / (rate·1e27), the factor from ink/art to the ratio as a plain number. */
export function floatScale(market: usize): f64 {
  return near(market + SPOT, 4) * near(market + MAT, 4) / near(market + VIEW_RATE, 4) / 1e27;
}

/** The collateral ratio as a plain number, to within 2^−45; Infinity without debt. */
// @ts-ignore: decorator
@inline
export function floatRatio(scale: f64, ink: usize): f64 {
  const debt = near(ink + ART, 2);
  return debt > 0 && scale < Infinity ? near(ink, 2) * scale / debt : Infinity;
}

// ---- Order

/** A figure that is larger the earlier a row comes in the order, to within 2^−45. */
export function score(order: i32, market: usize, block: usize, log: u32, place: u32): f64 {
  const ink = vaultAt(block, log, place), art = ink + ART;
  if (order == Order.RISKIEST) {
    const factor = load<f64>(market, FACTOR), debt = near(art, 2);
    return factor != 0 && debt != 0 ? debt / near(ink, 2) * factor : -Infinity;
  }
  if (order == Order.DEBT) return near(art, 2) * near(market + VIEW_RATE, 4);
  if (order == Order.PROFIT) {
    const profit = profitNear(market, ink);
    if (profit >= 0) return profit;
    liquidate(market, ink);
    gain.gainTo(LEFT);
    return near(LEFT, 8);
  }
  const close = priceNear(market, ink);
  if (close > 0) return close;
  begin();
  price(LEFT, amount(ink), amount(art), at(market + VIEW_RATE), at(market + MAT), at(SYSTEM + PAR));
  return near(LEFT, PRICE_LIMBS);
}

/**
 * art·rate·mat·par / (ink·1e63), near a liquidation price: `price` takes three quotients, each rounded up by less than 1. Where all are
 * above 2^50 and below 2^256 that is 3·2^−50 of it, and five conversions with nine roundings, below 7·2^−49, less than 2^−45 in all;
 * and the val below has a spot, which is not 0. Otherwise 0: only `price` tells.
 */
function priceNear(market: usize, ink: usize): f64 {
  const owed = near(ink + ART, 2) * near(market + VIEW_RATE, 4);
  return owed < TWO_255 ? priceAt(market, owed / near(ink, 2)) : 0;
}
/** The same at the spot below which a vault is unsafe. */
function priceAt(market: usize, spot: f64): f64 {
  const feed = spot * near(market + MAT, 4) / 1e27, val = feed * near(SYSTEM + PAR, 4) / 1e36;
  return spot > TWO_50 && feed > TWO_50 && val > TWO_50 && spot < TWO_255 && feed < TWO_255 && val < TWO_255 ? val : 0;
}
/**
 * Prices never fall as debt in units of collateral rises, and where `priceAt` tells them they rise with it by all but 2^−45: then rows
 * whose health differs by 2^−19 are in the order of their keys.
 */
export function surest(order: i32, market: usize, least: f64): f64 {
  return order == Order.RISKIEST || priceAt(market, least * (1 - GAP) * near(market + SPOT, 4)) > 0 ? least : -Infinity;
}

/**
 * tip + art·rate·chop·chip/1e36, near what `bark` pays where it takes the vault whole and refuses nothing: figures are such that no
 * product overflows, and auctions have room for it by more than the roundings of `dart` take away. With amounts above 2^50 two quotients
 * rounded down and fourteen roundings are less than 2^−45 of it. 0 where nothing is paid. Otherwise −1: only `bark` tells.
 */
function profitNear(market: usize, ink: usize): f64 {
  if (priced != market) priceCalls(market);
  const art = near(ink + ART, 2), tab = art * tabs;
  if (!(art > TWO_50 && tab > TWO_50 && tab < room && near(ink, 2) * spots < art) || isZero(ink, 2)) return nothing ? 0 : -1;
  const profit = flat + tab * share;
  return profit > TWO_50 ? profit : -1;
}
/** The market of which these are, none at first: debt with the penalty over art, up to where `bark` takes it whole (0: it tells nothing), the art below which a unit of ink is safe, and what is paid. */
let priced: usize = 0, tabs: f64 = 0, room: f64 = 0, spots: f64 = 0, flat: f64 = 0, share: f64 = 0, nothing: bool = false;
export function startScores(): void { priced = 0; }
function priceCalls(market: usize): void {
  const rate = near(market + VIEW_RATE, 4), chop = near(market + CHOP, 4), all = near(SYSTEM + SYSTEM_HOLE, 4), own = near(market + HOLE, 4), limit = Math.max(all, own);
  const val = near(market + VAL, 4) * 1e36, feed = val / near(SYSTEM + PAR, 4), top = feed * near(market + BUF, 4) / 1e27;
  priced = market;
  nothing = isZero(market + TIP, 4) && isZero(market + CHIP, 4);
  tabs = rate * chop / 1e18; share = near(market + CHIP, 4) / 1e18; flat = near(market + TIP, 4);
  spots = near(market + SPOT, 4) * (1 + 1e-12) / rate;
  room = Math.min(all - near(SYSTEM + SYSTEM_DIRT, 4), own - near(market + DIRT, 4)) * (1 - 1e-12) - limit * 1e-12;
  // tab < room ≤ limit, and what else `bark` multiplies: val, top, room and debt by 1e18, tab by chip.
  const sure = !load<u32>(market, BROKEN) && !nothing && spots > 0 && feed > TWO_50 && top > TWO_50 && val < TWO_255 && top * 1e27 < TWO_255
    && limit * 1e18 < TWO_255 && limit / chop * 1e18 < TWO_255 && limit * share * 1e18 < TWO_255 && flat < TWO_255;
  if (!sure) room = 0;
}

/** Whether a comes before b (−1), after it (1) or beside it (0), exactly. */
export function precedes(order: i32, am: usize, ab: usize, al: u32, ap: u32, bm: usize, bb: usize, bl: u32, bp: u32): i32 {
  const inkA = vaultAt(ab, al, ap), artA = inkA + ART;
  const inkB = vaultAt(bb, bl, bp), artB = inkB + ART;
  if (order == Order.PRICE) {
    begin();
    price(LEFT, amount(inkA), amount(artA), at(am + VIEW_RATE), at(am + MAT), at(SYSTEM + PAR));
    begin();
    copy(THIRD, LEFT, PRICE_LIMBS);
    price(LEFT, amount(inkB), amount(artB), at(bm + VIEW_RATE), at(bm + MAT), at(SYSTEM + PAR));
    return compare(LEFT, THIRD, PRICE_LIMBS);
  }
  if (order == Order.DEBT) {
    product(LEFT, artA, 2, am + VIEW_RATE, 4);
    product(RIGHT, artB, 2, bm + VIEW_RATE, 4);
    return compare(RIGHT, LEFT, 6);
  }
  if (order == Order.PROFIT) {
    liquidate(am, inkA);
    gain.gainTo(THIRD);
    liquidate(bm, inkB);
    gain.gainTo(LEFT);
    return compare(LEFT, THIRD, 8);
  }
  if (order == Order.NONE) return 0;
  // health: ink·spot / (art·rate), cross-multiplied; up to 768 bits where figures are wide. Without debt it comes last.
  const idleA = isZero(artA, 2) || isZero(am + VIEW_RATE, 4), idleB = isZero(artB, 2) || isZero(bm + VIEW_RATE, 4);
  if (idleA || idleB) return <i32>idleA - <i32>idleB;
  if (compare(inkA, inkB, 2) == 0 && compare(artA, artB, 2) == 0 && am == bm) return 0;
  cross(LEFT_SIDE, inkA, am, artB, bm);
  cross(RIGHT_SIDE, inkB, bm, artA, am);
  return compare(LEFT_SIDE, RIGHT_SIDE, 12);
}

/** `out[12] = ink·spot · art·rate`, each in its market. */
function cross(out: usize, ink: usize, market: usize, art: usize, other: usize): void {
  product(P, ink, 2, market + SPOT, 4);
  product(Q, art, 2, other + VIEW_RATE, 4);
  product(out, P, 6, Q, 6);
}

const P: usize = memory.data(48, 16), Q: usize = memory.data(48, 16),
  LEFT_SIDE: usize = memory.data(96, 16), RIGHT_SIDE: usize = memory.data(96, 16);

/** A u128 of a column. */
function amount(address: usize): u256 { return new u256(load<u64>(address), load<u64>(address, 8)); }

// ---- The contracts' functions. Arguments and results in the order of the descriptor.

/** `Spotter.poke`: ⌊⌊val·1e9·RAY / par⌋·RAY / mat⌋, 0 without a valid price. */
function spotOf(val: u256, par: u256, mat: u256): u256 { return div(mul(feedOf(val, par), ray()), mat); }
function feedOf(val: u256, par: u256): u256 { return div(mul(mul(val, gwei()), ray()), par); }

export function spot(): i32 {
  begin();
  result(0, flag(1) ? spotOf(arg(0), arg(2), arg(3)) : word(0));
  return end();
}

/** `Dog.bark`'s judgement, unsafe or not; reverts on overflow. */
export function isUnsafe(ink: u256, art: u256, rate: u256, spot: u256): bool {
  if (isNil(spot)) return false;
  const value = mul(ink, spot);
  return less(value, mul(art, rate));
}

/** Jug.drip's rate: rpow(base + duty, now − rho)·rate / RAY. */
export function dripRate(rate: u256, duty: u256, base: u256, rho: u256, now: u256): u256 {
  require(!less(now, rho), Why.JUG_INVALID_NOW);
  if (reverted()) return rate;
  const next = div(mul(pow(add(base, duty), sub(now, rho), ray()), rate), ray());
  require(!isNegative(next) && !isNegative(rate), Revert.ARITHMETIC); // diff casts both to int256
  return next;
}

export function drip(): i32 {
  begin();
  const rate = arg(0), Art = arg(5);
  const next = dripRate(rate, arg(1), arg(2), arg(3), arg(4));
  const grows = !less(next, rate);
  const rad = signedMul(Art, grows ? sub(next, rate) : sub(rate, next), !grows);
  result(0, next);
  result(1, signedAdd(arg(6), rad, !grows));
  result(2, signedAdd(arg(7), rad, !grows));
  return end();
}

function signedAdd(x: u256, y: u256, negative: bool): u256 { return negative ? sub(x, y) : add(x, y); }
function signedSub(x: u256, y: u256, negative: bool): u256 { return signedAdd(x, y, !negative); }

/** What `bark` judges. */
export function barkUnsafe(): i32 {
  begin();
  resultFlag(0, isUnsafe(arg(0), arg(1), arg(2), arg(3)));
  return end();
}

/** Whether `frob` accepts a riskier change that lands on this state, ceilings and dust aside. */
export function frobSafe(): i32 {
  begin();
  const ink = arg(0), art = arg(1), rate = arg(2), spot = arg(3);
  require(!isNil(rate), Why.VAT_NOT_INIT);
  require(!isNegative(rate), Revert.ARITHMETIC); // _mul(rate, dart)
  const tab = mul(rate, art);
  const most = mul(ink, spot);
  resultFlag(0, !less(most, tab));
  return end();
}

/** `Vat.frob` of the sender's own urn. dink and dart are int256. */
export function frob(): i32 {
  begin();
  const rate = arg(3), spot = arg(4), dink = arg(11), dart = arg(12);
  const repays = isNegative(dart), frees = isNegative(dink);
  const byInk = magnitude(dink), byArt = magnitude(dart);
  const riskier = (!repays && !isNil(dart)) || frees;
  require(!isNil(rate), Why.VAT_NOT_INIT);
  const ink = signedAdd(arg(0), byInk, frees), art = signedAdd(arg(1), byArt, repays), Art = signedAdd(arg(2), byArt, repays);
  const dtab = signedMul(rate, byArt, repays);
  const tab = mul(rate, art);
  const debt = signedAdd(arg(7), dtab, repays);
  const all = mul(Art, rate); // evaluated whether needed or not
  require(repays || isNil(dart) || (!less(arg(5), all) && !less(arg(8), debt)), Why.VAT_CEILING);
  const most = mul(ink, spot);
  require(!riskier || !less(most, tab), Why.VAT_NOT_SAFE);
  require(isNil(art) || !less(tab, arg(6)), Why.VAT_DUST);
  result(0, ink);
  result(1, art);
  result(2, Art);
  result(3, debt);
  result(4, signedSub(arg(9), byInk, frees));
  result(5, signedAdd(arg(10), dtab, repays));
  return end();
}

/** `Dog.bark` with `Vat.grab` and `Clipper.kick`. */
export function bark(): i32 {
  begin();
  barkOf(
    arg(0), arg(1), arg(2), arg(3), arg(4), arg(5), arg(6), arg(7), arg(8), arg(9), arg(10), flag(11), arg(12), arg(13), arg(14), arg(15),
    0,
  );
  return end();
}

function barkOf(
  ink: u256, art: u256, rate: u256, spot: u256, dust: u256, chop: u256, hole: u256, dirt: u256, Hole: u256, Dirt: u256,
  val: u256, has: bool, par: u256, buf: u256, tip: u256, chip: u256, first: u32,
): void {
  require(isUnsafe(ink, art, rate, spot), Why.DOG_NOT_UNSAFE);
  require(less(Dirt, Hole) && less(dirt, hole), Why.DOG_LIMIT_HIT);
  if (reverted()) return;
  const one = wad();
  const room = min(sub(Hole, Dirt), sub(hole, dirt));
  let dart = min(art, div(div(mul(room, one), rate), chop));
  if (reverted()) return;
  if (less(dart, art)) {
    if (less(mul(sub(art, dart), rate), dust)) dart = art;
    else require(!less(mul(dart, rate), dust), Why.DOG_DUSTY);
  }
  const dink = div(mul(ink, dart), art);
  require(!isNil(dink), Why.DOG_NULL_AUCTION);
  require(!beyondInt(dart) && !beyondInt(dink), Why.DOG_OVERFLOW);
  signedMul(rate, dart, true); // grab
  const due = mul(dart, rate);
  const tab = div(mul(due, chop), one);
  const DirtAfter = add(Dirt, tab), dirtAfter = add(dirt, tab);

  // Clipper.kick
  require(!isNil(tab), Why.CLIP_ZERO_TAB);
  require(has, Why.CLIP_INVALID_PRICE);
  const called = !reverted();
  const top = div(mul(feedOf(val, par), buf), ray());
  if (called) withoutReason();
  require(!isNil(top), Why.CLIP_ZERO_TOP);
  const coin = isNil(tip) && isNil(chip) ? word(0) : add(tip, div(mul(tab, chip), one));

  result(first, dink);     result(first + 1, dart); result(first + 2, due);  result(first + 3, tab);
  result(first + 4, dink); result(first + 5, top);  result(first + 6, coin); result(first + 7, sub(ink, dink));
  result(first + 8, sub(art, dart)); result(first + 9, dirtAfter); result(first + 10, DirtAfter);
}

/** More than 2^255. */
function beyondInt(a: u256): bool { return isNegative(a) && !isNil(new u256(a.lo1, a.lo2, a.hi1, a.hi2 << 1)); }

// ---- What the library defines (DESIGN: collateral ratio, health, liquidation price)

/** ⌊ink·spot·mat / (art·rate·1e9)⌋ in 512 bits at `out`, all ones without debt. */
export function collateralRatio(): i32 {
  begin();
  wideQuotient(0, arg(0), arg(3), arg(4), arg(1), arg(2), gwei());
  return end();
}

/** ⌊ink·spot·1e18 / (art·rate)⌋ in 512 bits, all ones without debt. */
export function healthFactor(): i32 {
  begin();
  wideQuotient(0, arg(0), arg(3), wad(), arg(1), arg(2), word(1));
  return end();
}

export function wideQuotient(field: u32, a: u256, b: u256, c: u256, d: u256, e: u256, f: u256): void {
  const numerator = mul(a, b), denominator = mul(d, e);
  const out = RESULTS + (field << 5);
  memory.fill(out, 0xff, 64);
  if (reverted() || isNil(denominator)) return;
  product(P12, ptr(numerator), 4, ptr(c), 4);
  product(D12, ptr(denominator), 4, ptr(f), 4);
  divide(out, 0, P12, 8, D12, 8);
}
const P12: usize = memory.data(64, 16), D12: usize = memory.data(64, 16);

/** The debt with fees, ⌈art·rate / 1e27⌉, wad, in 512 bits. */
export function debt(): i32 {
  begin();
  wideDebt(0, arg(0), arg(1));
  return end();
}

function wideDebt(field: u32, art: u256, rate: u256): void {
  product(P12, ptr(art), 4, ptr(rate), 4);
  divideUp(RESULTS + (field << 5), P12, 8, ptr(ray()), 2);
}

const S: usize = memory.data(32, 16), M: usize = memory.data(112, 16), W: usize = memory.data(96, 16), V: usize = memory.data(128, 16);

/**
 * The smallest val ≥ 1 such that the vault is not barkable at any val ≥ it, at `out`:
 *
 *   spot(val) ≥ ⌈art·rate / ink⌉  ⇔  val ≥ ⌈⌈⌈art·rate / ink⌉·mat / RAY⌉·par / 1e36⌉
 *
 * both floors of spot(val) turned into ceilings. A val so small that its spot is 0 endangers no vault. `out` is 0 where no
 * price endangers the vault or the contract cannot tell, and all ones where every price does.
 */
function price(out: usize, ink: u256, art: u256, rate: u256, mat: u256, par: u256): i32 {
  const owed = mul(art, rate);
  clear(out, PRICE_LIMBS);
  if (reverted() || isNil(mat) || isNil(par)) return Trigger.REVERTS;
  if (isNil(owed)) return Trigger.NEVER;
  if (isNil(ink)) { memory.fill(out, 0xff, PRICE_LIMBS << 3); return Trigger.ALWAYS; }
  const oneVal = feedScale();
  divideUp(S, ptr(owed), 4, ptr(ink), 4);    // ≤ 256 bits
  product(M, S, 4, ptr(mat), 4);
  divideUp(M, M, 8, ptr(ray()), 2);          // ≤ 423 bits
  product(W, M, 7, ptr(par), 4);
  divideUp(W, W, 11, ptr(oneVal), 2);        // ≤ 560 bits
  // The val below is the largest that might endanger the vault. If its spot is 0, none does.
  copy(out, W, 11);
  subOne(W, 11);
  product(M, W, 11, ptr(oneVal), 2);
  divide(M, 0, M, 13, ptr(par), 4);
  product(V, M, 13, ptr(ray()), 2);
  if (isZero(V + 32, 11) && compare(V, ptr(mat), 4) < 0) { clear(out, PRICE_LIMBS); return Trigger.NEVER; }
  return Trigger.PRICE;
}

/** `poke` multiplies val by 1e9 and RAY before it divides. */
function feedScale(): u256 { return mul(ray(), gwei()); }

function subOne(a: usize, limbs: u32): void {
  for (const end = a + (limbs << 3); a < end; a += 8) {
    const x = load<u64>(a);
    store<u64>(a, x - 1);
    if (x) break;
  }
}

export function liquidationPrice(): i32 {
  begin();
  const kind = price(RESULTS, arg(0), arg(1), arg(2), arg(3), arg(4));
  resultWord(3, kind);
  return Revert.NONE;
}

// ---- One vault of the book

/** Results of `inspect`, by field. */
namespace Inspect {
  export const INK = 0, ART = 1, STATUS = 2, VALUED = 3, DEBT = 4, RATIO = 6, HEALTH = 8, PRICE = 10, KIND = 13, REASON = 14, BARK = 15;
}

/** Status, debt, ratio, health, liquidation price and what bark would do. */
export function inspect(market: usize, block: usize, log: u32, place: u32): void {
  const inkAt = vaultAt(block, log, place), artAt = inkAt + ART;
  const status = judge(market, block, log, place), broken = load<u32>(market, BROKEN);
  begin();
  const ink = amount(inkAt), art = amount(artAt), rate = at(market + VIEW_RATE), spot = at(market + SPOT);
  const mat = at(market + MAT), par = at(SYSTEM + PAR), val = at(market + VAL);
  result(Inspect.INK, ink);
  result(Inspect.ART, art);
  resultWord(Inspect.STATUS, status);
  wideDebt(Inspect.DEBT, art, rate);
  wideQuotient(Inspect.RATIO, ink, spot, mat, art, rate, gwei());
  wideQuotient(Inspect.HEALTH, ink, spot, wad(), art, rate, word(1));
  resultWord(Inspect.VALUED, u64(!broken) | u64(!broken && !reverted()) << 1); // the debt, ratio and health
  forgive();
  const kind = price(RESULTS + (Inspect.PRICE << 5), ink, art, rate, mat, par);
  resultWord(Inspect.KIND, broken ? Trigger.REVERTS : kind);
  forgive();
  barkOf(
    ink, art, rate, spot, at(market + DUST), at(market + CHOP), at(market + HOLE), at(market + DIRT),
    at(SYSTEM + SYSTEM_HOLE), at(SYSTEM + SYSTEM_DIRT), val, !isNil(val), par, at(market + BUF), at(market + TIP), at(market + CHIP),
    Inspect.BARK,
  );
  resultWord(Inspect.REASON, broken ? broken : end());
}

// ---- What a keeper earns

/** What `bark` of a row takes and pays, to the RESULTS from `first` on, and to rules/gain: the keeper's coin, rad. The reason why not, or 0. */
export function liquidate(market: usize, row: usize): i32 {
  begin();
  gain.none();
  if (load<u32>(market, BROKEN)) return load<u32>(market, BROKEN);
  const val = at(market + VAL);
  barkOf(
    amount(row), amount(row + ART), at(market + VIEW_RATE), at(market + SPOT), at(market + DUST), at(market + CHOP), at(market + HOLE), at(market + DIRT),
    at(SYSTEM + SYSTEM_HOLE), at(SYSTEM + SYSTEM_DIRT), val, !isNil(val), at(SYSTEM + PAR), at(market + BUF), at(market + TIP), at(market + CHIP),
    Plan.LIQUIDATION,
  );
  const why = end();
  if (!why) gain.settle(word(0), word(0), word(0), resultAt(Plan.LIQUIDATION + 6), 0);
  return why;
}
/** Leaves the auctions as the liquidation does. */
export function carry(market: usize): void {
  copy(market + DIRT, RESULTS + (Plan.LIQUIDATION + 9 << 5), 4);
  copy(SYSTEM + SYSTEM_DIRT, RESULTS + (Plan.LIQUIDATION + 10 << 5), 4);
}

/** Drips a market to `time`: rate and rho as the contract leaves them. False, and nothing changed, where it reverts. */
export function accrue(market: usize, time: usize): bool {
  begin();
  const rate = dripRate(at(market + RATE), at(market + DUTY), at(SYSTEM + BASE), at(market + RHO), at(time));
  if (end()) return false;
  copy(market + RATE, ptr(rate), 4);
  copy(market + RHO, time, 4);
  return true;
}
