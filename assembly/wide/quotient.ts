/**
 * Columns of quotients: `⌊a·C / (b·D)⌋` for u128s a, b of many rows and one pair (C, D) a market, of up to 512 and 320 bits,
 * at a fraction of a long division each.
 *
 * Once a market: K = ⌊C·2^shift / D⌋ of 127 or 128 bits. With M = ⌊a·K / 2^shift⌋ the true quotient lies in
 * [M/b, (M + 1 + a/2^shift)/b), since the cut-off fractions are below 1 and below a/2^shift. Two f64-guided digits give
 * q = ⌊M/b⌋ and the rest r = M − q·b exactly; the answer is q if even r + 1 + a/2^shift stays below b, and otherwise the
 * full division decides.
 *
 * The digits, for quotients below 2^63 (a larger one, below 2^107, first loses a leading digit in units of 2^48, which
 * leaves less than 2^62): M/b in f64 has a relative error below 2^−49, so its product with LESS = 1 − 2^−46
 * is at most the quotient and at least 2^18 below it at worst. What is left, below 2^18·b, gives the second digit with an
 * error below 2^−30, so that with SLIGHT taken off it is never too many and at most one too few.
 */
import { TWO64, near128 } from "./float";
import { clear, copy, divide, isZero, mulHi, product } from "./limbs";

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
export const SCALE_BYTES: u32 = 128;

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

function bits(a: usize, limbs: u32): i32 {
  let n = <i32>limbs;
  while (n > 0 && load<u64>(a + (n - 1 << 3)) == 0) --n;
  return n ? (n << 6) - <i32>clz(load<u64>(a + (n - 1 << 3))) : 0;
}

/** The quotient's limbs; both all ones where it needs more than 128 bits, or there is none (b·D = 0). */
export let quotientLo: u64 = 0, quotientHi: u64 = 0;

export function quotient(scale: usize, a0: u64, a1: u64, b0: u64, b1: u64): void {
  if (!short(scale, a0, a1, b0, b1)) long(scale, a0, a1, b0, b1);
}

/** The short way; false where it cannot decide. */
function short(scale: usize, a0: u64, a1: u64, b0: u64, b1: u64): bool {
  if (!load<u32>(scale, SERVES)) return false;
  const k0 = load<u64>(scale), k1 = load<u64>(scale, 8), shift = load<u32>(scale, SHIFT);

  // a·K, 256 bits, then M = a·K >> shift
  let s = mulHi(a0, k0), l = a0 * k1, h = mulHi(a0, k1);
  s += l; let c = u64(s < l);
  l = a1 * k0; const p1 = s + l; c += u64(p1 < l);
  s = h + mulHi(a1, k0); let g = u64(s < h);
  l = a1 * k1; s += l; g += u64(s < l);
  const p2 = s + c; g += u64(p2 < c);
  const p3 = mulHi(a1, k1) + g, p0 = a0 * k0;
  let m0: u64, m1: u64, m2: u64, m3: u64;
  const bit = shift & 63, over = 63 - bit;
  if (shift < 64) {
    m0 = p0 >> bit | p1 << 1 << over; m1 = p1 >> bit | p2 << 1 << over; m2 = p2 >> bit | p3 << 1 << over; m3 = p3 >> bit;
  } else {
    m0 = p1 >> bit | p2 << 1 << over; m1 = p2 >> bit | p3 << 1 << over; m2 = p3 >> bit; m3 = 0;
  }
  const inverse = 1.0 / near128(b0, b1);
  let first = ((<f64><i64>m3 * TWO64 + <f64><i64>m2) * (TWO64 * TWO64) + near128(m0, m1)) * inverse;
  let leading: u64 = 0, k: u64, t: u64;
  if (first >= 9223372036854775808.0) { // a leading digit, in units of 2^48
    if (!(first < 162259276829213363391578010288128.0)) return false; // 2^107
    leading = <i64>(first * (LESS / 281474976710656.0));
    const d0 = leading * b0;
    let d1 = mulHi(leading, b0), d2 = mulHi(leading, b1);
    l = leading * b1; d1 += l; d2 += u64(d1 < l);
    h = d0 << 48; k = u64(m0 < h); m0 -= h;
    h = d1 << 48 | d0 >> 16; t = m1 - h; c = u64(m1 < h); m1 = t - k; k = c + u64(t < k);
    h = d2 << 48 | d1 >> 16; t = m2 - h; c = u64(m2 < h); m2 = t - k; k = c + u64(t < k);
    m3 = m3 - (d2 >> 16) - k;
    first = (<f64><i64>m2 * (TWO64 * TWO64) + near128(m0, m1)) * inverse;
  }
  if (m3 | (m2 >> 62)) return false;

  // r = M − q·b: not negative, since q is at most the quotient; below 2^18·b, so three limbs
  let q: u64 = <i64>(first * LESS);
  let r0 = q * b0, r1 = mulHi(q, b0), r2 = mulHi(q, b1);
  l = q * b1; r1 += l; r2 += u64(r1 < l);
  k = u64(m0 < r0); r0 = m0 - r0;
  t = m1 - r1; c = u64(m1 < r1); r1 = t - k; r2 = m2 - r2 - c - u64(t < k);

  const e: u64 = <i64>max((<f64><i64>r2 * (TWO64 * TWO64) + near128(r0, r1)) * inverse - SLIGHT, 0);
  q += e;
  l = e * b1; h = mulHi(e, b0) + l;
  g = mulHi(e, b1) + u64(h < l);
  l = e * b0;
  k = u64(r0 < l); r0 -= l;
  t = r1 - h; c = u64(r1 < h); r1 = t - k; r2 = r2 - g - c - u64(t < k);

  if (r2 != 0 || r1 > b1 || (r1 == b1 && r0 >= b0)) { // one too few
    ++q;
    k = u64(r0 < b0); r0 -= b0;
    t = r1 - b1; c = u64(r1 < b1); r1 = t - k; r2 = r2 - c - u64(t < k);
  }

  // Decided if r + 2 + a/2^shift < b.
  let x0: u64, x1: u64;
  if (shift < 64) { x0 = a0 >> bit | a1 << 1 << over; x1 = a1 >> bit; } else { x0 = a1 >> bit; x1 = 0; }
  s = x0 + 2; x1 += u64(s < x0);
  t = r0 + s; c = u64(t < s);
  x1 += c;
  const u = r1 + x1;
  if (r2 != 0 || u < x1 || u > b1 || (u == b1 && t >= b0)) return false;
  l = leading << 48;
  quotientLo = q + l;
  quotientHi = (leading >> 16) + u64(quotientLo < l);
  return true;
}

const A: usize = memory.data(16, 16), B: usize = memory.data(16, 16), BD: usize = memory.data(64, 16);

/** The long way: 640-bit numerator, 448-bit denominator. */
function long(scale: usize, a0: u64, a1: u64, b0: u64, b1: u64): void {
  store<u64>(A, a0); store<u64>(A, a1, 8);
  store<u64>(B, b0); store<u64>(B, b1, 8);
  product(N, A, 2, scale + C, C_LIMBS);
  product(BD, B, 2, scale + D, D_LIMBS);
  let wide = isZero(BD, 7);
  if (!wide) {
    divide(Q, 0, N, 10, BD, 7);
    wide = !isZero(Q + 16, 8);
  }
  quotientLo = wide ? <u64>-1 : load<u64>(Q);
  quotientHi = wide ? <u64>-1 : load<u64>(Q, 8);
}
