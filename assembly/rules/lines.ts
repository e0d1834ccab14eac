/**
 * What an account's lines are made of and judged by: rows as rules/shelf stores them, assets, and the steps that make a value of
 * an amount. Below it stands nothing that knows chunks or screens.
 *
 *   vault (a row)   ┌ number  u32 ┬ category  u8 ┬ loose  u8 ┬ lines  u16
 *                   ├ tags      lines · u16    the asset, and above 2^8 the kind of line
 *                   └ amounts   lines · 16 B   (32 where the rule asks for two), from a multiple of 8 on
 *
 *   set             ┌ spread      f32, by how much at most collateral may count more than its weight says
 *                   ├ assets      figures (16, of 32 bytes, in the order of the descriptor), then what follows from them
 *                   ├ thresholds  u32 for each asset in each category
 *                   └ weights     f32 for both sides of each asset in each category
 */
import { ofAave, ofCompound } from "../cut";
import { near } from "../wide/float";
import { clear, copy, divide, isZero, mulHi, product } from "../wide/limbs";
import { Round, ptr, u256 } from "../wide/u256";

/** Bytes of a line's amounts. */
// @ts-ignore: decorator
@inline export function amountBytes(): u32 { return ofCompound() ? 32 : 16; }

/** What a Comet lends, as an asset that is owed only. */
export const BASE: u32 = 127;

/** Kinds of line. An idle one is held, or owed (odd), and the contract does not look at it. */
export namespace Kind { export const HELD: u32 = 0, OWED: u32 = 1, IDLE: u32 = 2; }

// ---- A set: all that accounts are judged by. The book has one; a scenario has another

/** A set: assets, what each category makes of each asset's threshold, and the weights of both sides in each category. */
export const SPREAD: usize = 0; // f32, by how much at most collateral may count more than its weight says
export const ASSETS: u32 = 64, ASSET: u32 = 984, MAX_ASSETS: u32 = 128, MAX_CATEGORIES: u32 = 256;
export const THRESHOLDS: u32 = ASSETS + MAX_ASSETS * ASSET;
export const WEIGHTS: u32 = THRESHOLDS + MAX_CATEGORIES * MAX_ASSETS * 4;
export const WEIGHTS_BYTES: u32 = MAX_CATEGORIES * MAX_ASSETS * 8;
export const SET_LOG: u32 = 19; // 507 KiB

/** A threshold's entry: basis points, and what else a category does to the asset. */
export namespace Entry { export const BPS: u32 = 0xffff, SLOW: u32 = 1 << 30, UNCOUNTED: u32 = 1 << 31; }

// An asset's fields, behind its figures (16, of 32 bytes).
// @ts-ignore: decorator
@inline export const HELD_STEPS: usize = 512;   // from a held amount to its value: two steps, and both at once
// @ts-ignore: decorator
@inline export const OWED_STEPS: usize = 680;   // from an owed amount to its value
// @ts-ignore: decorator
@inline export const OWED_WEIGHT: usize = 848;  // f64, value of an owed unit, NaN where it must not be screened
// @ts-ignore: decorator
@inline export const HELD_WEIGHT: usize = 856;  // f64, of a held one, before its threshold
// @ts-ignore: decorator
@inline export const OWED_NEED: usize = 864;    // f64, how much an owed value may err, in units of the amount
// @ts-ignore: decorator
@inline export const HELD_NEED: usize = 872;
// @ts-ignore: decorator
@inline export const OWED_EASE: usize = 968;    // f64, how much it errs at a fifth of the price and a fifth less of an index
// @ts-ignore: decorator
@inline export const HELD_EASE: usize = 976;
// @ts-ignore: decorator
@inline export const OWED_SLACK: usize = 880;   // f64, how much rows were written to stand
// @ts-ignore: decorator
@inline export const HELD_SLACK: usize = 888;
// @ts-ignore: decorator
@inline export const BROKEN: usize = 896; // u32, why every account that uses the asset reverts in this view, if it does
// @ts-ignore: decorator
@inline export const FAST: usize = 900;         // u32, whether the steps serve

// ---- Exact values

/*
 * A step is x ↦ x·num/den, rounded, for u128s x: K = ⌊num·2^128/den⌋ of up to three limbs. The exact quotient lies in
 * [x·K, x·K + x) / 2^128, so its integer part is known unless the fraction's end reaches over the next integer.
 *
 * Nearly always the first 64 bits of x and of K tell it, X and M: with v the integer part and f the fraction of their product (64 bits of
 * it), x·num/den lies in [v + f, v + f + (v + 1)·2^−61), since 1/X + 1/M ≤ 2^−62. Both steps at once have M of the product of both K,
 * which errs by 2^−71 more, and what the first one rounds away moves the result by less than OFF. Where an interval has an integer in it,
 * the whole K is asked. (A pass over accounts: 120 ns an account, against 163 with the whole K alone.)
 */
export const STEP_BYTES: usize = 56;
/** The steps of a side; those of what is owed stand behind those of what is held. */
export const SIDE_BYTES: u32 = 3 * <u32>STEP_BYTES;
namespace Step {
  export const K: usize = 0, ROUND: usize = 24, EXACT: usize = 28;
  export const M: usize = 32, OFF: usize = 40, SHIFT: usize = 48, HALF: usize = 50, UP: usize = 51, ROUGH: usize = 52;
}
const NEVER: u32 = 1024; // a shift that no amount reaches

const N: usize = memory.data(64, 16), R: usize = memory.data(64, 16);

/** Makes a step; whether it serves (K below 2^192). */
function makeStep(at: usize, num: usize, den: usize, round: u32): bool {
  clear(N, 8);
  copy(N + 16, num, 4);
  divide(N, R, N, 6, den, 4);
  copy(at, N, 3);
  store<u32>(at, u32(isZero(R, 4)), Step.EXACT);
  makeQuick(at, 3, round, 0);
  if (isZero(R, 4) && isZero(N, 2)) store<i32>(at, 0, Step.ROUGH);
  return isZero(N + 24, 3);
}

/** What `quick` needs of K, which stands in N: with two limbs of fraction, or with four if it has six. */
function makeQuick(at: usize, limbs: u32, round: u32, off: u64): void {
  let top = N + (limbs - 1 << 3);
  while (top > N && !load<u64>(top)) top -= 8;
  const x = load<u64>(top), a = clz(x);
  store<u64>(at, x << a | load<u64>(top - 8) >> 1 >> (63 - a), Step.M);
  store<u64>(at, off, Step.OFF);
  store<u16>(at, <u16>(top > N ? <u32>a + (limbs == 3 ? 128 : 256) - <u32>(top - N << 3) : NEVER), Step.SHIFT);
  store<u8>(at, u8(round == Round.HALF_UP), Step.HALF);
  store<u8>(at, u8(round == Round.UP), Step.UP);
  store<i32>(at, -1, Step.ROUGH);
  store<u32>(at, round, Step.ROUND);
}

/** Makes both steps at once, where a unit more or less after the first one seldom changes the result. */
function joinSteps(at: usize): void {
  const second = at + STEP_BYTES, both = second + STEP_BYTES, ratio = load<u64>(second, Step.K + 8);
  product(N, at, 3, second, 3);
  makeQuick(both, 6, load<u32>(second, Step.ROUND), ratio + 1);
  const large = load<u64>(second, Step.K + 16) || ratio >> 56; // 2^−8 and more
  const small = max(load<u16>(at, Step.SHIFT), load<u16>(second, Step.SHIFT)) > 119; // a K below 2^72
  if (large || small) store<u16>(both, NEVER, Step.SHIFT);
}

export let q0: u64 = 0, q1: u64 = 0;

/** Takes a step from x to q by the first bits of both; false where they do not tell. Nothing branches on what an amount is like. */
function quick(at: usize, x0: u64, x1: u64): bool {
  const wide: u64 = 0 - u64(x1 != 0), high = x1 | x0 & ~wide, a = clz(high), r = <u64>load<u16>(at, Step.SHIFT) + a - (wide & 64);
  if (r - 68 > 59) return false; // 2^60 and more, or less than 1
  const x = high << a | (x0 & wide) >> 1 >> (63 - a), m = load<u64>(at, Step.M), h = mulHi(x, m), s = r - 64;
  const f = h << (64 - s) | x * m >> s, g = f + (<u64>load<u8>(at, Step.HALF) << 63);
  const v = h >> s, off = load<u64>(at, Step.OFF) + (v + 1 << 3 & (<u64>load<i32>(at, Step.ROUGH) | wide));
  if (u64(g < off) | u64(g + off < g)) return false;
  q0 = v + u64(g < f) + (<u64>load<u8>(at, Step.UP) & u64(g != 0));
  q1 = 0;
  return true;
}

/** Takes both steps from x to q; false where it cannot tell, or where q needs more than 128 bits. */
export function steps(at: usize, x0: u64, x1: u64): bool {
  return quick(at + 2 * STEP_BYTES, x0, x1) || (step(at, x0, x1) && step(at + STEP_BYTES, q0, q1));
}

/** Takes a step from x to q; false where it cannot tell, or where q needs more than 128 bits. */
export function step(at: usize, x0: u64, x1: u64): bool {
  if (quick(at, x0, x1)) return true;
  const k0 = load<u64>(at), k1 = load<u64>(at, 8), k2 = load<u64>(at, 16);
  let f1 = mulHi(x0, k0), l = x0 * k1, c: u64 = 0;
  f1 += l; c = u64(f1 < l);
  l = x1 * k0; f1 += l; c += u64(f1 < l);
  const f0 = x0 * k0;
  let a = mulHi(x0, k1) + c, h = u64(a < c); 
  l = mulHi(x1, k0); a += l; h += u64(a < l);
  l = x1 * k1; a += l; h += u64(a < l);
  let b = mulHi(x1, k1) + h, wide: u64 = 0;
  if (k2) {
    l = x0 * k2; a += l; c = u64(a < l);
    b += c; wide = u64(b < c);
    l = mulHi(x0, k2); b += l; wide |= u64(b < l);
    l = x1 * k2; b += l; wide |= u64(b < l) | mulHi(x1, k2);
  }
  const round = load<u32>(at, Step.ROUND), exact = load<u32>(at, Step.EXACT);
  let g1 = f1, up: u64 = 0;
  if (round == Round.HALF_UP) { g1 += 1 << 63; up = u64(g1 < f1); }
  else if (round == Round.UP) up = u64((f0 | f1) != 0 || (!exact && (x0 | x1) != 0));
  if (!exact) {
    const s0 = f0 + x0, s1 = g1 + x1;
    if (s1 < g1 || s1 + u64(s0 < f0) < s1) return false;
  }
  a += up; c = u64(a < up);
  b += c;
  q0 = a; q1 = b;
  return !wide && !(c && !b);
}

/**
 * Sets how an amount on one side of an asset becomes a value: two steps. Not to be screened where the contract could overflow on the
 * way for an amount of 128 bits: the first product, the second, or the value with bits to spare for sums (and with Aave for
 * thresholds and the unit of health). What a Compound debt's own index makes larger than 128 bits overflows the f32s of a sum long
 * before it does the contract's 256: a value below 2^192 is multiplied by 10^18 at most.
 */
export function setSteps(asset: usize, held: bool, num: u256, den: u256, round: u32, num2: u256, den2: u256, round2: u32): void {
  const at = asset + (held ? HELD_STEPS : OWED_STEPS);
  let sound = !isZero(ptr(den), 4) && !isZero(ptr(den2), 4) && makeStep(at, ptr(num), ptr(den), round) && makeStep(at + STEP_BYTES, ptr(num2), ptr(den2), round2);
  if (sound) joinSteps(at);
  const a = near(ptr(num), 4) / near(ptr(den), 4), price = near(ptr(num2), 4), b = price / near(ptr(den2), 4);
  sound = sound && near(ptr(num), 4) < 1.7e38 && a * price < 1.7e38 && a * b < (ofAave() ? 1.0e12 : 1.0e34);
  store<f64>(asset + (held ? HELD_WEIGHT : OWED_WEIGHT), sound ? a * b : NaN);
  const unit = sound && a * b > 0 ? 1 / a : 0, value = sound && a * b > 0 ? 2 / (a * b) : 0;
  store<f64>(asset + (held ? HELD_NEED : OWED_NEED), unit + value);
  store<f64>(asset + (held ? HELD_EASE : OWED_EASE), unit * 1.25 + value * 5);
  if (!sound) store<u32>(asset, 0, FAST);
}
export function setFast(asset: usize, fast: bool): void { store<u32>(asset, u32(fast), FAST); }
/** An asset whose accounts are judged exactly, one by one. */
export function setUnscreened(asset: usize): void {
  setFast(asset, false);
  store<f64>(asset, NaN, OWED_WEIGHT);
  store<f64>(asset, NaN, HELD_WEIGHT);
}

// ---- Compound: a debt has the index of its own

/** Where an asset's borrowIndex of the view stands. */
// @ts-ignore: decorator
@inline export const BORROW_INDEX: usize = 904;
/** Where its exchange rate stands, or a Comet's index of suppliers. */
// @ts-ignore: decorator
@inline export const EXCHANGE_RATE: usize = 936;

/** ⌊principal·borrowIndex / interestIndex⌋ to q; false where it has more than 128 bits. */
export function grown(asset: usize, amount: usize): bool {
  const index = asset + BORROW_INDEX;
  if (!isZero(index + 16, 2) || isZero(amount + 16, 2)) return false;
  product(N, amount, 2, index, 2);
  divide(N, 0, N, 4, amount + 16, 2);
  q0 = load<u64>(N); q1 = load<u64>(N, 8);
  return isZero(N + 16, 2);
}

// ---- Rows

// @ts-ignore: decorator
@inline export function tagsOf(vault: usize): usize { return vault + 8; }
export function amountsOf(vault: usize, lines: u32): usize { return vault + 8 + (lines * 2 + 7 & ~7); }
export function strideFor(lines: u32): u32 { return 8 + (lines * 2 + 7 & ~7) + lines * amountBytes(); }
