/**
 * The contracts' checked 256-bit arithmetic for cold code, on as-bignum's u256 values. A value's pointer is a pointer to
 * its four limbs, so the limb arithmetic serves it as it is. Values live in the ARENA until the next `begin`, or in a
 * loop's round until `forget`, so a call needs a few KiB at most.
 *
 * A revert does not unwind: the first one is kept, everything after it computes on harmless numbers, and the caller
 * looks once, at the end.
 */
import { u256 } from "as-bignum/assembly";
import { ARENA, ARENA_BYTES, ARGS, RESULTS, STAGE } from "../layout";
import { add as addLimbs, addSmall, compare, copy, divide, isZero, product, sub as subLimbs } from "./limbs";

export { u256 };

/** Why a call reverted. A protocol's own reasons follow from 3 on. */
export namespace Revert {
  export const NONE = 0;
  /** Checked arithmetic: an overflow or an underflow. */
  export const ARITHMETIC = 1;
  /** A division by zero. */
  export const DIVISION = 2;
}

/** Which arithmetic was checked, as SafeMath's messages tell it. */
namespace Operation { export const ADD = 0, SUB = 1, MUL = 2; }

let reason: i32 = Revert.NONE, operation: i32 = Operation.ADD;

/** Forgets the values and the revert of the call before. */
export function begin(): void {
  heap.reset();
  reason = Revert.NONE;
}

/** Forgets the values alone: in a loop, between two rows whose sums stand elsewhere. */
export function forget(): void { heap.reset(); }

/** The first reason why the call reverted, or `Revert.NONE`. */
export function end(): i32 {
  if (changetype<usize>(word(0)) + 64 > ARENA + ARENA_BYTES) unreachable(); // values may never reach the stage
  return reason;
}

/** `end` for contracts whose checked arithmetic tells a sum (`first`), a difference and a product (the next two) apart. */
export function endSafe(first: i32): i32 {
  const why = end();
  return why == Revert.ARITHMETIC ? first + operation : why;
}

/** Forgets a revert, and keeps the values: for the next question about them. */
export function forgive(): void { reason = Revert.NONE; }
/** Of a call to another contract: its division by zero reverts the caller without a reason. */
export function withoutReason(): void { if (reason == Revert.DIVISION) reason = Revert.ARITHMETIC; }

export function revert(why: i32): void { if (!reason) reason = why; }
function overflow(by: i32): void {
  if (!reason) operation = by;
  revert(Revert.ARITHMETIC);
}
export function require(condition: bool, why: i32): void { if (!condition) revert(why); }
// @ts-ignore: decorator
@inline
export function reverted(): bool { return reason != Revert.NONE; }

// @ts-ignore: decorator
@inline
export function ptr(a: u256): usize { return changetype<usize>(a); }
/** A value of one limb. */
export function word(x: u64): u256 { return new u256(x); }
export function at(address: usize): u256 {
  return new u256(load<u64>(address), load<u64>(address, 8), load<u64>(address, 16), load<u64>(address, 24));
}
export function arg(field: u32): u256 { return at(ARGS + (field << 5)); }
// @ts-ignore: decorator
@inline
export function flag(field: u32): bool { return load<u64>(ARGS + (field << 5)) != 0; }
export function result(field: u32, value: u256): void { put(RESULTS + (field << 5), value); }
export function resultWord(field: u32, value: u64): void { result(field, word(value)); }
export function resultFlag(field: u32, value: bool): void { resultWord(field, u64(value)); }
/** A result as it was set; and values elsewhere, which outlive `forget`. */
export function resultAt(field: u32): u256 { return at(RESULTS + (field << 5)); }
export function put(to: usize, value: u256): void { copy(to, ptr(value), 4); }
export function increase(to: usize, by: u256): void { if (addLimbs(to, to, ptr(by), 4)) overflow(Operation.ADD); }
export function decrease(from: usize, by: u256): void { if (subLimbs(from, from, ptr(by), 4)) overflow(Operation.SUB); }

/** Of an argument that is rows of values, 32 bytes each, in the stage: how many there are, and the address of the first. */
export function count(field: u32): u32 { return load<u32>(ARGS + (field << 5)); }
export function rows(field: u32): usize { return rowsOf(ARGS + (field << 5)); }
/** The same for a value of a row that is rows itself. */
export function rowsOf(cell: usize): usize { return STAGE + (<usize>load<u32>(cell, 8) << 5); }
/** Answers `count` rows that stand in the stage. */
export function resultRows(field: u32, count: u32, first: usize): void { result(field, new u256(count, first - STAGE >> 5)); }

export const WAD = 1000000000000000000;
export function wad(): u256 { return word(WAD); }
export function gwei(): u256 { return word(1000000000); }
export function ray(): u256 { return new u256(0x9fd0803ce8000000, 0x33b2e3c); }

export function isNil(a: u256): bool { return !a; }
export function less(a: u256, b: u256): bool { return compare(ptr(a), ptr(b), 4) < 0; }
export function min(a: u256, b: u256): u256 { return less(a, b) ? a : b; }

export function add(a: u256, b: u256): u256 {
  const sum = word(0);
  if (addLimbs(ptr(sum), ptr(a), ptr(b), 4)) overflow(Operation.ADD);
  return sum;
}

export function sub(a: u256, b: u256): u256 {
  const difference = word(0);
  if (subLimbs(ptr(difference), ptr(a), ptr(b), 4)) overflow(Operation.SUB);
  return difference;
}

const WIDE: usize = memory.data(128, 16), REST: usize = memory.data(64, 16);

export function mul(a: u256, b: u256): u256 {
  const low = mulWrapping(a, b);
  if (!isZero(WIDE + 32, 4)) overflow(Operation.MUL);
  return low;
}
/** The low 256 bits, as unchecked arithmetic leaves them. */
export function mulWrapping(a: u256, b: u256): u256 {
  product(WIDE, ptr(a), 4, ptr(b), 4);
  return at(WIDE);
}

/** `⌊a/b⌋`; the EVM's checked division stops at `b` = 0. */
export function div(a: u256, b: u256): u256 {
  const quotient = word(0);
  if (isNil(b)) revert(Revert.DIVISION);
  else divide(ptr(quotient), 0, ptr(a), 4, ptr(b), 4);
  return quotient;
}

/** `⌊a/b⌋` toward zero on two's-complement values, as SDIV; −2^255 / −1 wraps there to −2^255, and so does it here. */
export function sdiv(a: u256, b: u256): u256 {
  const quotient = div(magnitude(a), magnitude(b));
  return isNegative(a) != isNegative(b) ? negate(quotient) : quotient;
}
// @ts-ignore: decorator
@inline
export function isNegative(a: u256): bool { return <i64>a.hi2 < 0; }
export function negate(a: u256): u256 {
  const negative = word(0);
  subLimbs(ptr(negative), ptr(negative), ptr(a), 4);
  return negative;
}
export function magnitude(a: u256): u256 { return isNegative(a) ? negate(a) : a; }

/** `a + b` and `a·b` of int256s. */
export function sadd(a: u256, b: u256): u256 {
  const sum = word(0);
  addLimbs(ptr(sum), ptr(a), ptr(b), 4);
  if ((<i64>((a.hi2 ^ sum.hi2) & (b.hi2 ^ sum.hi2))) < 0) overflow(Operation.ADD);
  return sum;
}
export function smul(a: u256, b: u256): u256 {
  const magnitudes = mul(magnitude(a), magnitude(b)), z = isNegative(a) != isNegative(b) ? negate(magnitudes) : magnitudes;
  if (!isNil(z) && isNegative(z) == (isNegative(a) == isNegative(b))) overflow(Operation.MUL);
  return z;
}
/** The product of an int256 x ≥ 0 and an int256 of a sign and the magnitude y, as an int256: its magnitude. */
export function signedMul(x: u256, y: u256, negative: bool): u256 {
  require(!isNegative(x), Revert.ARITHMETIC);
  return magnitude(smul(x, negative ? negate(y) : y));
}

/** Whether `a` < 2^bits, for at most 128 bits. */
export function fits(a: u256, bits: u32): bool {
  return !((bits < 64 ? a.lo1 >> bits | a.lo2 : bits < 128 ? a.lo2 >> (bits - 64) : 0) | a.hi1 | a.hi2);
}

/** How a quotient is rounded. */
export namespace Round { export const DOWN = 0, UP = 1, HALF_UP = 2; }

/**
 * `a·b/c` as a contract writes it, in 256 bits: reverts where `a·b` needs more, or with the `⌊c/2⌋` that HALF_UP or the `c − 1`
 * that UP adds to it.
 */
export function mulThenDiv(a: u256, b: u256, c: u256, round: i32): u256 {
  let product = mul(a, b);
  if (round == Round.UP) product = add(product, sub(c, word(1)));
  if (round == Round.HALF_UP) {
    const half = at(ptr(c));
    halve(ptr(half));
    product = add(product, half);
  }
  return div(product, c);
}
/** `⌊a·b/1e18⌋`, the product in 256 bits. */
export function mulWad(a: u256, b: u256): u256 { return mulThenDiv(a, b, wad(), Round.DOWN); }

/** `a·b/c` with a 512-bit intermediate; reverts where `c` is 0 or the quotient needs more than 256 bits. */
function mulDiv(a: u256, b: u256, c: u256, round: i32): u256 {
  if (isNil(c)) { revert(Revert.DIVISION); return c; }
  product(WIDE, ptr(a), 4, ptr(b), 4);
  divide(WIDE, REST, WIDE, 8, ptr(c), 4);
  const quotient = at(WIDE);
  if (!isZero(WIDE + 32, 4)) revert(Revert.ARITHMETIC);
  let up = round == Round.UP && !isZero(REST, 4);
  if (round == Round.HALF_UP) { // rest ≥ c − rest ⇔ the fraction is at least a half
    subLimbs(REST + 32, ptr(c), REST, 4);
    up = compare(REST, REST + 32, 4) >= 0;
  }
  return up ? add(quotient, word(1)) : quotient;
}
export function mulDivDown(a: u256, b: u256, c: u256): u256 { return mulDiv(a, b, c, Round.DOWN); }
export function mulDivUp(a: u256, b: u256, c: u256): u256 { return mulDiv(a, b, c, Round.UP); }
export function mulDivHalfUp(a: u256, b: u256, c: u256): u256 { return mulDiv(a, b, c, Round.HALF_UP); }

/**
 * `a·b/c` of a contract whose product is 256 bits wide: reverts with `why` where c is 0, or where a·b, with half of c added if
 * that is how it rounds, is wider.
 */
export function mulDivWithin(a: u256, b: u256, c: u256, round: i32, why: i32): u256 {
  const quotient = new u256();
  product(WIDE, ptr(a), 4, ptr(b), 4);
  if (round == Round.HALF_UP) {
    copy(REST, ptr(c), 4); halve(REST);
    if (addLimbs(WIDE, WIDE, REST, 4)) revert(why);
  }
  if (isNil(c) || !isZero(WIDE + 32, 4)) { revert(why); return quotient; }
  divide(ptr(quotient), REST, WIDE, 4, ptr(c), 4);
  if (round == Round.UP && !isZero(REST, 4)) addSmall(ptr(quotient), 1, 4);
  return quotient;
}

const X: usize = memory.data(32, 16), Z: usize = memory.data(32, 16), N: usize = memory.data(32, 16),
  B: usize = memory.data(32, 16), HALF: usize = memory.data(32, 16);

/**
 * `x^n` in fixed point with unit `b` (not 0), squaring and multiplying from the low bit, each step rounded half-up: `rpow` of
 * dss `jug.sol` and `abaci.sol`, and Liquity's `_decPow` in value. Reverts exactly where theirs does: a product or a
 * rounding beyond 256 bits, a square of x ≥ 2^128. The order of the steps is part of the result.
 */
export function pow(x: u256, n: u256, b: u256): u256 {
  if (isNil(x)) return isNil(n) ? b : x;
  copy(X, ptr(x), 4); copy(N, ptr(n), 4); copy(B, ptr(b), 4);
  copy(Z, load<u64>(N) & 1 ? X : B, 4);
  copy(HALF, B, 4); halve(HALF);
  for (halve(N); !isZero(N, 4) && !reverted(); halve(N)) {
    step(X, X);
    if (load<u64>(N) & 1) step(Z, X);
  }
  return at(Z);
}

/** `z = (z·x + HALF) / B`, checked. */
function step(z: usize, x: usize): void {
  product(WIDE, z, 4, x, 4);
  if (!isZero(WIDE + 32, 4)) overflow(Operation.MUL);
  else if (addLimbs(WIDE, WIDE, HALF, 4)) overflow(Operation.ADD);
  else divide(z, 0, WIDE, 4, B, 4);
}

/** Halves a value in place. */
export function halve(a: usize): void {
  store<u64>(a, load<u64>(a, 0)  >> 1 | load<u64>(a, 8)  << 63, 0);
  store<u64>(a, load<u64>(a, 8)  >> 1 | load<u64>(a, 16) << 63, 8);
  store<u64>(a, load<u64>(a, 16) >> 1 | load<u64>(a, 24) << 63, 16);
  store<u64>(a, load<u64>(a, 24) >> 1, 24);
}
