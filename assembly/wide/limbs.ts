/**
 * Unsigned integers as little-endian arrays of u64 limbs, addressed by pointer. Nothing here allocates.
 */

// @ts-ignore: decorator
@inline const LOW: u64 = 0xffffffff;

/** High limb of `a·b`: three of the four 32×32 products carry, none overflows (Knuth, TAOCP 4.3.1 M). */
// @ts-ignore: decorator
@inline
export function mulHi(a: u64, b: u64): u64 {
  const al = a & LOW, ah = a >> 32;
  const bl = b & LOW, bh = b >> 32;
  const t = ah * bl + (al * bl >> 32);
  const u = al * bh + (t & LOW);
  return ah * bh + (t >> 32) + (u >> 32);
}

/** Copies `limbs` limbs. */
// @ts-ignore: decorator
@inline
export function copy(to: usize, from: usize, limbs: u32): void {
  memory.copy(to, from, limbs << 3);
}

// @ts-ignore: decorator
@inline
export function clear(at: usize, limbs: u32): void {
  memory.fill(at, 0, limbs << 3);
}

export function isZero(a: usize, limbs: u32): bool {
  let any: u64 = 0;
  for (const end = a + (limbs << 3); a < end; a += 8) any |= load<u64>(a);
  return any == 0;
}

/** −1, 0 or 1 as `a` is less than, equal to or greater than `b`. */
export function compare(a: usize, b: usize, limbs: u32): i32 {
  for (let at = <usize>limbs << 3; at > 0;) {
    at -= 8;
    const x = load<u64>(a + at), y = load<u64>(b + at);
    if (x != y) return x < y ? -1 : 1;
  }
  return 0;
}

/** `out = a + b`; answers the carry. `out` may be `a` or `b`. */
export function add(out: usize, a: usize, b: usize, limbs: u32): u64 {
  let carry: u64 = 0;
  for (let at: usize = 0, end = <usize>limbs << 3; at < end; at += 8) {
    const x = load<u64>(a + at), y = load<u64>(b + at);
    const s = x + y, t = s + carry;
    carry = u64(s < x) | u64(t < s);
    store<u64>(out + at, t);
  }
  return carry;
}

/** `out = a − b`; answers the borrow. `out` may be `a` or `b`. */
export function sub(out: usize, a: usize, b: usize, limbs: u32): u64 {
  let borrow: u64 = 0;
  for (let at: usize = 0, end = <usize>limbs << 3; at < end; at += 8) {
    const x = load<u64>(a + at), y = load<u64>(b + at);
    const d = x - y, t = d - borrow;
    borrow = u64(x < y) | u64(d < borrow);
    store<u64>(out + at, t);
  }
  return borrow;
}

/** `a += small`; answers the carry. */
export function addSmall(a: usize, small: u64, limbs: u32): u64 {
  for (const end = a + (limbs << 3); small != 0 && a < end; a += 8) {
    const s = load<u64>(a) + small;
    small = u64(s < small);
    store<u64>(a, s);
  }
  return small;
}

/** Limbs of a sum: 2^64 integers of 256 bits. */
// @ts-ignore: decorator
@inline export const SUM_LIMBS: u32 = 5;
/** Adds a u128 to a sum. */
// @ts-ignore: decorator
@inline
export function addPair(sum: usize, lo: u64, hi: u64): void {
  const s = load<u64>(sum) + lo, c = u64(s < lo), t = load<u64>(sum, 8) + hi, u = t + c;
  store<u64>(sum, s);
  store<u64>(sum, u, 8);
  addSmall(sum + 16, u64(t < hi) | u64(u < c), SUM_LIMBS - 2);
}
/** Adds an integer of four limbs to a sum. */
export function addWide(sum: usize, a: usize): void { addSmall(sum + 32, add(sum, sum, a, 4), 1); }

/** `out[m + n] = a[m] · b[n]`, every limb written. `out` overlaps neither factor. */
export function product(out: usize, a: usize, m: u32, b: usize, n: u32): void {
  clear(out, m + n);
  while (n > 1 && load<u64>(b + (n - 1 << 3)) == 0) --n; // most have two limbs
  for (let i: u32 = 0; i < m; ++i) {
    const x = load<u64>(a + (i << 3));
    if (!x) continue;
    let carry: u64 = 0, to = out + (i << 3);
    for (let j: u32 = 0; j < n; ++j, to += 8) {
      const y  = load<u64>(b + (j << 3));
      const lo = x * y;
      const s  = lo + load<u64>(to), t = s + carry;
      carry = mulHi(x, y) + u64(s < lo) + u64(t < s);
      store<u64>(to, t);
    }
    store<u64>(to, carry);
  }
}

/**
 * `a·b < c·d` for u128s in limbs, exact, in locals. The upper halves of the products, without what the lower ones carry into
 * them (at most 2), decide unless they are that close; only then the whole products are made. (All of them always: 18.1 ns a
 * comparison of vaults, against 14.6.)
 */
// @ts-ignore: decorator
@inline
export function productLess(
  a0: u64, a1: u64, b0: u64, b1: u64,
  c0: u64, c1: u64, d0: u64, d1: u64,
): bool {
  let l = mulHi(a1, b0), p2 = mulHi(a0, b1) + l, k = u64(p2 < l);
  l = a1 * b1; p2 += l; const p3 = mulHi(a1, b1) + k + u64(p2 < l);
  l = mulHi(c1, d0); let q2 = mulHi(c0, d1) + l; k = u64(q2 < l);
  l = c1 * d1; q2 += l; const q3 = mulHi(c1, d1) + k + u64(q2 < l);
  if (max(p2, q2) < <u64>-3) {
    if (p3 != q3) return p3 < q3;
    if (p2 + 2 < q2) return true;
    if (q2 + 2 < p2) return false;
  }
  return wholeProductLess(a0, a1, b0, b1, c0, c1, d0, d1);
}

function wholeProductLess(a0: u64, a1: u64, b0: u64, b1: u64, c0: u64, c1: u64, d0: u64, d1: u64): bool {
  product128(a0, a1, b0, b1);
  copy(OTHER, PRODUCT, 4);
  product128(c0, c1, d0, d1);
  return compare(OTHER, PRODUCT, 4) < 0;
}

/** The 256-bit product of u128s in limbs, to PRODUCT. */
export function product128(a0: u64, a1: u64, b0: u64, b1: u64): void {
  let s = mulHi(a0, b0), l = a0 * b1, h = mulHi(a0, b1);
  s += l; let c = u64(s < l);
  l = a1 * b0; s += l; c += u64(s < l);
  store<u64>(PRODUCT, a0 * b0);
  store<u64>(PRODUCT, s, 8);
  s = h + mulHi(a1, b0); let g = u64(s < h);
  l = a1 * b1; s += l; g += u64(s < l);
  s += c; g += u64(s < c);
  store<u64>(PRODUCT, s, 16);
  store<u64>(PRODUCT, mulHi(a1, b1) + g, 24);
}
export const PRODUCT: usize = memory.data(32, 16);
const OTHER: usize = memory.data(32, 16);

const U: usize = memory.data(144, 16), V: usize = memory.data(72, 16); // 17 limbs and 8, normalised

/**
 * `q[m] = ⌊u[m] / v[n]⌋`, `r[n]` the rest: Knuth's algorithm D (TAOCP 4.3.1) on 32-bit digits, since WebAssembly
 * divides at most 64 by 64 bits. n ≤ m ≤ 16, n ≤ 8, `v` not zero. `r` may be 0 where nobody asks; results may overlap inputs.
 */
export function divide(q: usize, r: usize, u: usize, m: u32, v: usize, n: u32): void {
  let digits = n << 1;
  while (digits > 1 && load<u64>(v + (digits - 2 << 2)) == 0) digits -= 2;
  if (load<u32>(v + ((digits - 1) << 2)) == 0) --digits;
  let top = m << 1;
  while (top >= digits + 2 && load<u64>(u + (top - 2 << 2)) == 0) top -= 2;
  const shift = clz(load<u32>(v + ((digits - 1) << 2)));

  // Normalise: the divisor's first digit has its top bit set.
  let carry: u64 = 0;
  for (let i: u32 = 0; i < digits; ++i) {
    const x = (<u64>load<u32>(v + (i << 2)) << shift) | carry;
    store<u32>(V + (i << 2), <u32>x); carry = x >> 32;
  }
  carry = 0;
  for (let i: u32 = 0; i < top; ++i) {
    const x = (<u64>load<u32>(u + (i << 2)) << shift) | carry;
    store<u32>(U + (i << 2), <u32>x); carry = x >> 32;
  }
  store<u32>(U + (top << 2), <u32>carry);
  clear(q, m);

  const first: u64 = load<u32>(V + ((digits - 1) << 2));
  const second: u64 = digits > 1 ? load<u32>(V + ((digits - 2) << 2)) : 0;
  for (let j = <i32>top - <i32>digits; j >= 0; --j) {
    const at = U + (j << 2), head = at + (digits << 2);
    const n2 = (<u64>load<u32>(head) << 32) | load<u32>(head - 4);
    let guess = n2 / first, rest = n2 - guess * first;
    const third: u64 = digits > 1 ? load<u32>(head - 8) : 0;
    while (guess > LOW || guess * second > ((rest << 32) | third)) {
      --guess; rest += first;
      if (rest > LOW) break;
    }
    let borrow: i64 = 0; carry = 0;
    for (let i: u32 = 0; i < digits; ++i) {
      const p = guess * load<u32>(V + (i << 2)) + carry;
      carry = p >> 32;
      const t = <i64>load<u32>(at + (i << 2)) - borrow - <i64>(p & LOW);
      store<u32>(at + (i << 2), <u32>t);
      borrow = t < 0 ? 1 : 0;
    }
    const t = <i64>load<u32>(head) - borrow - <i64>carry;
    store<u32>(head, <u32>t);
    if (t < 0) { // one too many: seldom, about 2 in 2^32
      --guess; carry = 0;
      for (let i: u32 = 0; i < digits; ++i) {
        const s = <u64>load<u32>(at + (i << 2)) + load<u32>(V + (i << 2)) + carry;
        store<u32>(at + (i << 2), <u32>s); carry = s >> 32;
      }
      store<u32>(head, load<u32>(head) + <u32>carry);
    }
    store<u32>(q + (j << 2), <u32>guess);
  }

  if (r) {
    for (let i: u32 = 0; i < n << 1; ++i) {
      let x: u64 = 0;
      if (i < digits) x = ((<u64>load<u32>(U + ((i + 1) << 2)) << 32) | load<u32>(U + (i << 2))) >> shift;
      store<u32>(r + (i << 2), <u32>x);
    }
  }
}

const REST: usize = memory.data(64, 16);

/** `q[m] = ⌈u[m] / v[n]⌉`, within the bounds of `divide`. */
export function divideUp(q: usize, u: usize, m: u32, v: usize, n: u32): void {
  divide(q, REST, u, m, v, n);
  if (!isZero(REST, n)) addSmall(q, 1, m);
}
