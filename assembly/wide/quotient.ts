/**
 * Columns of quotients: `⌊a·C / (b·D)⌋` for u128s a, b of many rows and one pair (C, D) a market, of up to 512 and 320 bits,
 * at a fraction of a long division each.
 *
 * Once a market: K = ⌊C·2^shift / D⌋ of 127 or 128 bits. With M = ⌊a·K / 2^shift⌋ the true quotient lies in
 * [M/b, (M + 1 + a/2^shift)/b), since the cut-off fractions are below 1 and below a/2^shift. Two f64-guided digits give
 * q = ⌊M/b⌋ and the rest r = M − q·b exactly; the answer is q if even r + 1 + a/2^shift stays below b, and otherwise the
 * full division decides.
 *
 * The digits: M/b in f64 has a relative error below 2^−49, so its product with LESS = 1 − 2^−46 is at most the quotient. A
 * quotient below 2^63 leaves less than 2^18·b at worst, which gives the last digit with an error below 2^−30, so that with SLIGHT
 * taken off it is never too many and at most one too few. A larger quotient, below 2^107, first loses a leading digit in units
 * of 2^48, which leaves less than 2^62·b.
 */
import { TWO64, near128 } from "./float";
import { PRODUCT, clear, copy, divide, isZero, mulHi, product, product128 } from "./limbs";

/** A scale in memory: K (two limbs), shift, whether K serves, C (eight limbs) and D (five). */
// @ts-ignore: decorator
@inline const SHIFT: usize = 16;
// @ts-ignore: decorator
@inline const SERVES: usize = 20;
// @ts-ignore: decorator
@inline const C: usize = 24;
// @ts-ignore: decorator
@inline const D: usize = 88;
// @ts-ignore: decorator
@inline const C_LIMBS: u32 = 8;
// @ts-ignore: decorator
@inline const D_LIMBS: u32 = 5;

// @ts-ignore: decorator
@inline const LESS: f64 = 1.0 - 1.4210854715202004e-14; // 1 − 2^−46
// @ts-ignore: decorator
@inline const SLIGHT: f64 = 9.313225746154785e-10;       // 2^−30

const N: usize = memory.data(128, 16), Q: usize = memory.data(128, 16);

/** Prepares a scale. D = 0 is allowed: then there is no quotient, and `quotient` answers as for b = 0. */
export function prepare(scale: usize, c: usize, d: usize): void {
  copy(scale + C, c, C_LIMBS);
  copy(scale + D, d, D_LIMBS);
  store<u32>(scale, 0, SERVES);
  if (isZero(d, D_LIMBS) || isZero(c, C_LIMBS)) return;
  // C·2^shift / D has 127 or 128 bits for shift = 127 − bits(C) + bits(D).
  const shift = 127 - bits(c, C_LIMBS) + bits(d, D_LIMBS);
  if (shift < 0 || shift > 127) return;
  const limb = shift >> 6, bit = shift & 63;
  clear(N, 11);
  for (let i = 0; i < <i32>C_LIMBS; ++i) {
    const x = load<u64>(c + (i << 3)), to = N + (i + limb << 3);
    store<u64>(to, load<u64>(to) | x << bit);
    if (bit) store<u64>(to, x >> (64 - bit), 8);
  }
  divide(Q, 0, N, 10, d, D_LIMBS);
  copy(scale, Q, 2);
  store<u32>(scale, shift, SHIFT);
  store<u32>(scale, u32(isZero(Q + 16, 8)), SERVES);
}

/** Bits of an integer, its leading zeros not counted. */
export function bits(a: usize, limbs: u32): i32 {
  let n = <i32>limbs;
  while (n > 0 && load<u64>(a + (n - 1 << 3)) == 0) --n;
  return n ? (n << 6) - <i32>clz(load<u64>(a + (n - 1 << 3))) : 0;
}

/** The quotient's limbs; both all ones where it needs more than 128 bits, or there is none (b·D = 0). */
export let quotientLo: u64 = 0, quotientHi: u64 = 0;

/** The quotient for the u128s at `a` and `b`. */
export function quotient(scale: usize, a: usize, b: usize): void {
  if (!short(scale, load<u64>(a), load<u64>(a, 8), load<u64>(b), load<u64>(b, 8))) long(scale, a, b);
}

/** The short way; false where it cannot decide. */
function short(scale: usize, a0: u64, a1: u64, b0: u64, b1: u64): bool {
  if (!load<u32>(scale, SERVES)) return false;
  const shift = load<u32>(scale, SHIFT);
  product128(a0, a1, load<u64>(scale), load<u64>(scale, 8));

  // M = a·K >> shift: whole limbs by where it is read, the rest by shifting
  const bit = shift & 63, over = 63 - bit, from = PRODUCT + (shift >> 6 << 3);
  const p1 = load<u64>(from, 8), p2 = load<u64>(from, 16), p3 = shift < 64 ? load<u64>(from, 24) : 0;
  let m0 = load<u64>(from) >> bit | p1 << 1 << over, m1 = p1 >> bit | p2 << 1 << over, m2 = p2 >> bit | p3 << 1 << over, m3 = p3 >> bit;
  // Digits of q = ⌊M/b⌋, and M the rest of it
  const inverse = 1.0 / near128(b0, b1);
  let q: u64 = 0, leading: u64 = 0;
  for (let last = false; ;) {
    const more = (near128(m2, m3) * (TWO64 * TWO64) + near128(m0, m1)) * inverse;
    let d: u64, d0: u64, d1: u64, d2: u64, d3: u64 = 0;
    const large = more >= 9223372036854775808.0;
    if (large) {
      if (!(more < 162259276829213363391578010288128.0)) return false; // 2^107
      d = <i64>(more * (LESS / 281474976710656.0));
    } else d = <i64>max(last ? more - SLIGHT : more * LESS, 0);
    d0 = d * b0; d1 = mulHi(d, b0); d2 = mulHi(d, b1);
    const l = d * b1; d1 += l; d2 += u64(d1 < l);
    if (large) {
      leading = d;
      d3 = d2 >> 16; d2 = d2 << 48 | d1 >> 16; d1 = d1 << 48 | d0 >> 16; d0 <<= 48;
    } else q += d;
    let k = u64(m0 < d0), t = m1 - d1, c = u64(m1 < d1); m0 -= d0;
    m1 = t - k; k = c + u64(t < k);
    t = m2 - d2; c = u64(m2 < d2);
    m2 = t - k; m3 = m3 - d3 - c - u64(t < k);
    if (last) break;
    last = !large;
  }
  if (m2 != 0 || m1 > b1 || (m1 == b1 && m0 >= b0)) { // one too few
    ++q;
    const k = u64(m0 < b0), t = m1 - b1; m0 -= b0;
    m2 = m2 - u64(m1 < b1) - u64(t < k); m1 = t - k;
  }

  // Decided if the rest + 2 + a/2^shift < b.
  const x = shift < 64 ? a0 >> bit | a1 << 1 << over : a1 >> bit, s = x + 2, t = m0 + s;
  const x1 = (shift < 64 ? a1 >> bit : 0) + u64(s < x) + u64(t < s), u = m1 + x1;
  if (m2 != 0 || u < x1 || u > b1 || (u == b1 && t >= b0)) return false;
  const l = leading << 48;
  quotientLo = q + l;
  quotientHi = (leading >> 16) + u64(quotientLo < l);
  return true;
}

const BD: usize = memory.data(64, 16);

/** The long way: 640-bit numerator, 448-bit denominator. */
function long(scale: usize, a: usize, b: usize): void {
  product(N, a, 2, scale + C, C_LIMBS);
  product(BD, b, 2, scale + D, D_LIMBS);
  let wide = isZero(BD, 7);
  if (!wide) {
    divide(Q, 0, N, 10, BD, 7);
    wide = !isZero(Q + 16, 8);
  }
  quotientLo = wide ? <u64>-1 : load<u64>(Q);
  quotientHi = wide ? <u64>-1 : load<u64>(Q, 8);
}
