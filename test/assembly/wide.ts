/** What wide.test.ts calls: assembly/wide over fixed memory. Operands of u256 calls in ARGS, answers in RESULTS. */
import { ARGS, RESULTS } from "../../assembly/layout";
import * as float from "../../assembly/wide/float";
import * as limbs from "../../assembly/wide/limbs";
import * as quotients from "../../assembly/wide/quotient";
import * as checked from "../../assembly/wide/u256";

const MEMORY: usize = memory.data(4096, 16);
export function place(): usize { return MEMORY; }
export function args(): usize { return ARGS; }
export function results(): usize { return RESULTS; }

// ---- Limbs

export function mulHi(a: u64, b: u64): u64 { return limbs.mulHi(a, b); }
export function isZero(a: usize, n: u32): bool { return limbs.isZero(a, n); }
export function compare(a: usize, b: usize, n: u32): i32 { return limbs.compare(a, b, n); }
export function add(out: usize, a: usize, b: usize, n: u32): u64 { return limbs.add(out, a, b, n); }
export function sub(out: usize, a: usize, b: usize, n: u32): u64 { return limbs.sub(out, a, b, n); }
export function addSmall(a: usize, small: u64, n: u32): u64 { return limbs.addSmall(a, small, n); }
export function product(out: usize, a: usize, m: u32, b: usize, n: u32): void { limbs.product(out, a, m, b, n); }
export function divide(q: usize, r: usize, u: usize, m: u32, v: usize, n: u32): void { limbs.divide(q, r, u, m, v, n); }
export function divideUp(q: usize, u: usize, m: u32, v: usize, n: u32): void { limbs.divideUp(q, u, m, v, n); }
export function productLess(a0: u64, a1: u64, b0: u64, b1: u64, c0: u64, c1: u64, d0: u64, d1: u64): bool {
  return limbs.productLess(a0, a1, b0, b1, c0, c1, d0, d1);
}

// ---- Checked u256

export function checkedAdd(): i32 { checked.begin(); checked.result(0, checked.add(checked.arg(0), checked.arg(1))); return checked.end(); }
export function checkedSub(): i32 { checked.begin(); checked.result(0, checked.sub(checked.arg(0), checked.arg(1))); return checked.end(); }
export function checkedMul(): i32 { checked.begin(); checked.result(0, checked.mul(checked.arg(0), checked.arg(1))); return checked.end(); }
export function checkedDiv(): i32 { checked.begin(); checked.result(0, checked.div(checked.arg(0), checked.arg(1))); return checked.end(); }
export function sdiv(): i32 { checked.begin(); checked.result(0, checked.sdiv(checked.arg(0), checked.arg(1))); return checked.end(); }
export function sadd(): i32 { checked.begin(); checked.result(0, checked.sadd(checked.arg(0), checked.arg(1))); return checked.end(); }
export function smul(): i32 { checked.begin(); checked.result(0, checked.smul(checked.arg(0), checked.arg(1))); return checked.end(); }
/** What SafeMath would say of the first operation of these that fails, 3 to 5: a + b, a − b, a·b, from operation `first` on. */
export function safe(first: i32): i32 {
  checked.begin();
  if (first <= 0) checked.add(checked.arg(0), checked.arg(1));
  if (first <= 1) checked.sub(checked.arg(0), checked.arg(1));
  checked.mul(checked.arg(0), checked.arg(1));
  checked.div(checked.arg(0), new checked.u256());
  return checked.endSafe(3);
}
export function pow(): i32 { checked.begin(); checked.result(0, checked.pow(checked.arg(0), checked.arg(1), checked.arg(2))); return checked.end(); }
export function mulDivDown(): i32 {
  checked.begin(); checked.result(0, checked.mulDivDown(checked.arg(0), checked.arg(1), checked.arg(2))); return checked.end();
}
export function mulDivUp(): i32 {
  checked.begin(); checked.result(0, checked.mulDivUp(checked.arg(0), checked.arg(1), checked.arg(2))); return checked.end();
}
export function mulDivHalfUp(): i32 {
  checked.begin(); checked.result(0, checked.mulDivHalfUp(checked.arg(0), checked.arg(1), checked.arg(2))); return checked.end();
}
export function mulThenDivDown(): i32 {
  checked.begin(); checked.result(0, checked.mulThenDiv(checked.arg(0), checked.arg(1), checked.arg(2), checked.Round.DOWN)); return checked.end();
}
export function mulThenDivUp(): i32 {
  checked.begin(); checked.result(0, checked.mulThenDiv(checked.arg(0), checked.arg(1), checked.arg(2), checked.Round.UP)); return checked.end();
}
export function mulThenDivHalfUp(): i32 {
  checked.begin(); checked.result(0, checked.mulThenDiv(checked.arg(0), checked.arg(1), checked.arg(2), checked.Round.HALF_UP)); return checked.end();
}
/** Whether the first operand is below 2^(the second). */
export function fits(): i32 { checked.begin(); checked.resultFlag(0, checked.fits(checked.arg(0), <u32>checked.arg(1).lo1)); return checked.end(); }

// ---- Directed floats

export function near(a: usize, n: u32): f64 { return float.near(a, n); }
export function near128(lo: u64, hi: u64): f64 { return float.near128(lo, hi); }
export function upper(a: usize, n: u32): f64 { return float.upper(a, n); }
export function lower(a: usize, n: u32): f64 { return float.lower(a, n); }
export function upperQuotient(a: usize, b: usize, n: u32): f64 { return float.upperQuotient(a, b, n); }
export function lowerQuotient(a: usize, b: usize, n: u32): f64 { return float.lowerQuotient(a, b, n); }

// ---- Columns of quotients

export function prepare(scale: usize, c: usize, d: usize): void { quotients.prepare(scale, c, d); }
const AMOUNTS: usize = memory.data(32, 16);
/** The quotient to RESULTS[0], whose upper half stays. */
export function quotient(scale: usize, a0: u64, a1: u64, b0: u64, b1: u64): void {
  store<u64>(AMOUNTS, a0, 0);  store<u64>(AMOUNTS, a1, 8);
  store<u64>(AMOUNTS, b0, 16); store<u64>(AMOUNTS, b1, 24);
  quotients.quotient(scale, AMOUNTS, AMOUNTS + 16);
  store<u64>(RESULTS, quotients.quotientLo, 0);
  store<u64>(RESULTS, quotients.quotientHi, 8);
}
