/**
 * Directed conversion: an f64 that is proved to be no less, or no more, than an integer or a quotient.
 *
 * `near` adds limbs from the top, each step converting (error u = 2^−53), scaling by 2^64 (exact) and adding (error u)
 * non-negative terms, so over at most 8 limbs the relative error is below (1 + u)^16 − 1 < 2^−48.9 (over 12, where scores are made of it, 2^−48.4). A quotient adds
 * those of both sides and one of its own, below 2^−47.8. Nothing overflows (< 2^1024) or is subnormal.
 *
 *   x ≤ near(x) · UP            since (1 − 2^−48.9)(1 + 2^−47)(1 − u) > 1
 *   x ≥ near(x) · DOWN          since (1 + 2^−48.9)(1 − 2^−47)(1 + u) < 1
 *   a/b ≤ near(a)/near(b) · UP  since (1 − 2^−47.8)(1 + 2^−47)(1 − u) > 1, and mirrored for DOWN
 *
 * A bound is off by less than 2^−45 of the true value, called LOOSE elsewhere. 0 stays 0.
 */
// @ts-ignore: decorator
@inline export const TWO_50: f64 = 1125899906842624.0;
// @ts-ignore: decorator
@inline export const TWO_255: f64 = 57896044618658097711785492504343953926634992332820282019728792003956564819968.0;
// @ts-ignore: decorator
@inline export const UP: f64 = 1.0 + 7.105427357601002e-15;   // 1 + 2^−47
// @ts-ignore: decorator
@inline export const DOWN: f64 = 1.0 - 7.105427357601002e-15; // 1 − 2^−47
// @ts-ignore: decorator
@inline export const TWO64: f64 = 18446744073709551616.0;

/**
 * A u64 as an f64, rounded once. x64 converts unsigned 64-bit integers by a branch that random low limbs mislead; the halves
 * are exact, and their sum rounds. (In columns of ratios 4.5 ns a vault less.)
 */
// @ts-ignore: decorator
@inline
export function toFloat(x: u64): f64 { return <f64><u32>(x >> 32) * 4294967296.0 + <f64><u32>x; }

/** An f64 near a u128, to within 2^−48.9. */
// @ts-ignore: decorator
@inline
export function near128(lo: u64, hi: u64): f64 { return toFloat(hi) * TWO64 + toFloat(lo); }

/**
 * Two u64s as f64s, each rounded once: each half of x becomes the fraction of a power of two, 2^84 + high·2^32 and 2^52 + low,
 * both exact, and (2^84 + high·2^32 − (2^84 + 2^52)) + (2^52 + low) rounds in the last addition alone.
 */
// @ts-ignore: decorator
@inline
function toFloats(x: v128): v128 {
  const high = v128.or(i64x2.shr_u(x, 32), i64x2.splat(0x4530000000000000));
  const low  = v128.or(v128.and(x, i64x2.splat(0xffffffff)), i64x2.splat(0x4330000000000000));
  return f64x2.add(f64x2.sub(high, f64x2.splat(19342813118337666422669312.0)), low); // 2^84 + 2^52
}

/** Two f64s near the u128s at `a` and `b`, to within 2^−48.9. */
export function nearPair(a: usize, b: usize): v128 {
  const x = toFloats(v128.load(a)), y = toFloats(v128.load(b));
  return f64x2.add(
    f64x2.mul(v128.shuffle<i64>(x, y, 1, 3), f64x2.splat(TWO64)),
    v128.shuffle<i64>(x, y, 0, 2),
  );
}

/** An f64 near an integer of up to 8 limbs, to within 2^−48.9. */
export function near(a: usize, limbs: u32): f64 {
  let x: f64 = 0, top = <usize>limbs << 3;
  while (top > 16 && load<u64>(a + top - 8) == 0) top -= 8; // most are of two: each of the others would be a product and a sum in vain
  for (let at = top; at > 0;) {
    at -= 8;
    x = x * TWO64 + toFloat(load<u64>(a + at));
  }
  return x;
}

/** At least the integer. */
export function upper(a: usize, limbs: u32): f64 { return near(a, limbs) * UP; }

/** At most the integer. */
export function lower(a: usize, limbs: u32): f64 { return near(a, limbs) * DOWN; }

/** At least `a/b`; `b` not zero. */
export function upperQuotient(a: usize, b: usize, limbs: u32): f64 { return near(a, limbs) / near(b, limbs) * UP; }

/** At most `a/b`; `b` not zero. */
export function lowerQuotient(a: usize, b: usize, limbs: u32): f64 { return near(a, limbs) / near(b, limbs) * DOWN; }

// ---- f32 bounds of non-negative numbers

const INFINITY_BITS: u32 = 0x7f800000;

/** The f32 that comes `steps` after x ≥ 0, at most +∞. */
// @ts-ignore: decorator
@inline
function after(x: f32, steps: u32): f32 { return reinterpret<f32>(min(reinterpret<u32>(x) + steps, INFINITY_BITS)); }

/** The largest f32 ≤ x. */
export function below32(x: f64): f32 {
  const near = <f32>x;
  return <f64>near > x ? reinterpret<f32>(reinterpret<u32>(near) - 1) : near;
}

/** An f32 ≥ x that no `above32Pair` of a number ≤ x exceeds, nor that of a number whose f64 bound is LOOSE above it. */
export function above32(x: f64): f32 { return after(<f32>x, 5); }

/**
 * f32s no less than two f64s x ≥ 0 (or ±∞, which stay), in the low lanes: the nearest one's successor. Of such a key it is
 * known that x is more than the key's second predecessor: the nearest is at least x's midpoint to its predecessor.
 */
// @ts-ignore: decorator
@inline
export function above32Pair(x: v128): v128 {
  const near = f32x4.demote_f64x2_zero(x);
  const finite = f32x4.lt(f32x4.abs(near), f32x4.splat(Infinity));
  return i32x4.sub(near, finite); // all ones is −1
}
