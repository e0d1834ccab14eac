import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { MAX128, MAX256, RAY, ofAnyWidth, positive, runs, uintOf } from "./arbitraries.js";
import { Revert, rpow } from "./reference/maker.js";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

interface Wide {
  memory: WebAssembly.Memory;
  place(): number; args(): number; results(): number;
  mulHi(a: bigint, b: bigint): bigint;
  isZero(a: number, n: number): number;
  compare(a: number, b: number, n: number): number;
  add(out: number, a: number, b: number, n: number): bigint;
  sub(out: number, a: number, b: number, n: number): bigint;
  addSmall(a: number, small: bigint, n: number): bigint;
  product(out: number, a: number, m: number, b: number, n: number): void;
  divide(q: number, r: number, u: number, m: number, v: number, n: number): void;
  divideUp(q: number, u: number, m: number, v: number, n: number): void;
  productLess(...limbs: bigint[]): number;
  checkedAdd(): number; checkedSub(): number; checkedMul(): number; checkedDiv(): number; sdiv(): number; sadd(): number; smul(): number; pow(): number;
  safe(first: number): number;
  mulDivDown(): number; mulDivUp(): number; mulDivHalfUp(): number;
  mulThenDivDown(): number; mulThenDivUp(): number; mulThenDivHalfUp(): number; fits(): number;
  near(a: number, n: number): number; near128(lo: bigint, hi: bigint): number;
  upper(a: number, n: number): number; lower(a: number, n: number): number;
  upperQuotient(a: number, b: number, n: number): number; lowerQuotient(a: number, b: number, n: number): number;
  prepare(scale: number, c: number, d: number): void;
  quotient(scale: number, a0: bigint, a1: bigint, b0: bigint, b1: bigint): void;
}

const NONE = 0, ARITHMETIC = 1, DIVISION = 2;
let wide: Wide, limbs: BigUint64Array;
let A: number, B: number, C: number, D: number, E: number;

beforeAll(() => {
  execFileSync(process.execPath, [
    "node_modules/assemblyscript/bin/asc.js", "test/assembly/wide.ts", "--outFile", "build/test-wide.wasm", "--runtime", "stub", "--initialMemory", "8",
    "--enable", "simd", "-O3", "--converge", "--noAssert", "--use", "abort=",
  ], { stdio: "inherit" });
  wide = new WebAssembly.Instance(new WebAssembly.Module(readFileSync("build/test-wide.wasm"))).exports as unknown as Wide;
  limbs = new BigUint64Array(wide.memory.buffer);
  [A, B, C, D, E] = [0, 1, 2, 3, 4].map((i) => wide.place() + i * 256) as [number, number, number, number, number];
});

function write(at: number, value: bigint, n: number): number {
  for (let i = 0; i < n; ++i) limbs[(at >>> 3) + i] = BigInt.asUintN(64, value >> BigInt(64 * i));
  return at;
}
function read(at: number, n: number): bigint {
  let value = 0n;
  for (let i = n - 1; i >= 0; --i) value = (value << 64n) | limbs[(at >>> 3) + i]!;
  return value;
}
const lo = (x: bigint) => BigInt.asUintN(64, x), hi = (x: bigint) => x >> 64n;

/** Writes operands, calls, and answers the result, or the reason of a revert. */
type Checked =
  | "checkedAdd" | "checkedSub" | "checkedMul" | "checkedDiv" | "sdiv" | "sadd" | "smul" | "pow" | "mulDivDown" | "mulDivUp" | "mulDivHalfUp"
  | "mulThenDivDown" | "mulThenDivUp" | "mulThenDivHalfUp" | "fits";
function call(name: Checked, ...operands: bigint[]): bigint | { reason: number } {
  operands.forEach((operand, i) => write(wide.args() + i * 32, operand, 4));
  const reason = wide[name]();
  return reason === NONE ? read(wide.results(), 4) : { reason };
}
const fits = (x: bigint) => (x >= 0n && x <= MAX256 ? x : { reason: ARITHMETIC });

describe("limbs", () => {
  test("the high limb of a product", () => {
    fc.assert(fc.property(uintOf(64), uintOf(64), (a, b) => BigInt.asUintN(64, wide.mulHi(a, b)) === (a * b) >> 64n), runs(5000));
  });

  test("products of every shape, every limb written", () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 }), uintOf(512), uintOf(512), (m, n, x, y) => {
      const a = BigInt.asUintN(64 * m, x), b = BigInt.asUintN(64 * n, y);
      write(C, 2n ** 1088n - 1n, 17);
      wide.product(C, write(A, a, m), m, write(B, b, n), n);
      expect(read(C, m + n)).toBe(a * b);
      expect(read(C + (m + n) * 8, 1)).toBe(2n ** 64n - 1n); // and none beyond
    }), runs(5000));
  });

  test("comparison and zero", () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 12 }), uintOf(768), uintOf(768), fc.constantFrom(-1n, 0n, 1n, undefined), (n, x, y, near) => {
      const a = BigInt.asUintN(64 * n, x), b = BigInt.asUintN(64 * n, near === undefined ? y : x + near);
      expect(wide.compare(write(A, a, n), write(B, b, n), n)).toBe(a < b ? -1 : a > b ? 1 : 0);
      expect(wide.isZero(A, n)).toBe(Number(a === 0n));
    }), runs(5000));
  });

  test("sums and differences with carry and borrow, in place too", () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 8 }), uintOf(512), uintOf(512), fc.constantFrom(0, 1, 2), (n, x, y, where) => {
      const width = 64 * n, a = BigInt.asUintN(width, x), b = BigInt.asUintN(width, y);
      let out = [A, B, C][where]!;
      expect(wide.add(out, write(A, a, n), write(B, b, n), n)).toBe((a + b) >> BigInt(width));
      expect(read(out, n)).toBe(BigInt.asUintN(width, a + b));
      out = [A, B, C][where]!;
      expect(wide.sub(out, write(A, a, n), write(B, b, n), n)).toBe(a < b ? 1n : 0n);
      expect(read(out, n)).toBe(BigInt.asUintN(width, a - b));
      expect(BigInt.asUintN(64, wide.addSmall(write(A, a, n), lo(b), n))).toBe((a + lo(b)) >> BigInt(width));
      expect(read(A, n)).toBe(BigInt.asUintN(width, a + lo(b)));
    }), runs(5000));
  });

  test("a·b < c·d for u128s, at equality and one off", () => {
    const u128 = uintOf(128);
    const quadruple = fc.oneof(
      fc.tuple(u128, u128, u128, u128),
      // a·b and c·d made of the same factors, then one of them moved by one
      fc.tuple(uintOf(64), uintOf(64), uintOf(64), uintOf(64), fc.integer({ min: 0, max: 8 })).map(([p, q, r, s, nudge]) => {
        const factors = [p * q, r * s, p * r, q * s];
        if (nudge < 8) factors[nudge >> 1] = BigInt.asUintN(128, factors[nudge >> 1]! + (nudge & 1 ? 1n : -1n));
        return factors as [bigint, bigint, bigint, bigint];
      }),
    );
    fc.assert(fc.property(quadruple, ([a, b, c, d]) =>
      wide.productLess(lo(a), hi(a), lo(b), hi(b), lo(c), hi(c), lo(d), hi(d)) === Number(a * b < c * d)), runs(20_000));
  });
});

describe("long division", () => {
  /** Divides u of m limbs by v of n limbs, quotient and rest at the given places. */
  function check(u: bigint, m: number, v: bigint, n: number, q = C, r = D, u0 = A, v0 = B): void {
    if (u0 !== v0) write(v0, v, n);
    write(u0, u, m);
    wide.divide(q, r, u0, m, v0, n);
    expect(read(q, m)).toBe(u / v);
    if (r) expect(read(r, n)).toBe(u % v);
    if (u0 === A && v0 === B && q === C) {
      wide.divideUp(C, write(A, u, m), m, write(B, v, n), n);
      expect(read(C, m)).toBe((u + v - 1n) / v);
    }
  }

  test("every shape", () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 8 }), uintOf(1024), positive(512), fc.boolean(), (m, n, x, y, rest) => {
      n = Math.min(m, n);
      check(BigInt.asUintN(64 * m, x), m, BigInt.asUintN(64 * n, y) || 1n, n, C, rest ? D : 0);
    }), runs(20_000));
  });

  test("quotients and rests at their extremes", () => {
    fc.assert(fc.property(uintOf(512), positive(512), uintOf(512), fc.constantFrom("first", "last", "any"), (q, v, r, which) => {
      const u = q * v + (which === "first" ? 0n : which === "last" ? v - 1n : r % v);
      check(u, 16, v, 8);
    }), runs(10_000));
  });

  test("the hard cases of algorithm D", () => {
    const cases: [bigint, bigint][] = [
      // Hacker's Delight, divmnu: digits guessed too large by one and by two, and the add-back step
      [0x0000000380000000000000003n, 0x200000000000000000000001n], // quotient digit 1 too large
      [0x00007fff_00000000_80000000n << 32n, 0x80000000_00000001n],
      [0x80000000_00000000_fffe0000n << 32n, 0x80000000_0000ffffn],
      [0x80000000_fffffffe_00000000n << 32n, 0x80000000_ffffffffn],
      [0x80000000_00000000_00000000_00000003n, 0x20000000_00000000_00000001n], // add-back
      [0x7fffffff_80000000_00000000_00000000n, 0x80000000_00000000_00000001n], // add-back
      [0xffffffff_ffffffff_ffffffff_fffffffen, 0xffffffff_ffffffffn],
      [(0x80000000n << 96n) - 1n, 0x80000000_00000000_ffffffffn],
      [2n ** 1024n - 1n, 2n ** 512n - 1n],
      [2n ** 1024n - 1n, 2n ** 511n],
      [2n ** 1024n - 1n, 1n],
      [0n, 7n],
      [5n, 7n],
      [2n ** 256n, 2n ** 256n - 1n],
    ];
    for (const [u, v] of cases) for (const shift of [0n, 1n, 31n, 32n, 33n, 63n, 64n, 200n]) {
      check(u, 16, v, 8);
      if ((u << shift) < 2n ** 1024n && (v << shift) < 2n ** 512n) check(u << shift, 16, v << shift, 8);
    }
  });

  test("every pair of digits that a guess is made of", () => {
    const digits = [0n, 1n, 0x7fffffffn, 0x80000000n, 0x80000001n, 0xfffffffen, 0xffffffffn];
    for (const v1 of digits.slice(2)) for (const v0 of digits) for (const v2 of digits) {
      const v = (v1 << 64n) | (v0 << 32n) | v2;
      for (const u3 of digits) for (const u2 of digits) for (const u1 of digits) check((u3 << 96n) | (u2 << 64n) | (u1 << 32n) | 0xffffffffn, 2, v, 2);
    }
  });

  test("in place: quotient or rest over the inputs", () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 8 }), uintOf(512), positive(512), (n, x, y) => {
      const u = BigInt.asUintN(64 * n, x), v = BigInt.asUintN(64 * n, y) || 1n;
      check(u, n, v, n, A, D);
      check(u, n, v, n, B, D);
      check(u, n, v, n, C, B);
      check(u, n, v, n, A, B);
      check(u, n, v, n, A, 0);
      check(u, n, v, n, C, A);
      check(u, n, v, n, B, A);
    }), runs(5000));
  });
});

describe("checked u256", () => {
  const u = uintOf(256);
  const nearLimit = fc.oneof(fc.tuple(u, u), u.chain((a) => fc.tuple(fc.constant(a), fc.constantFrom(-1n, 0n, 1n).map((d) => BigInt.asUintN(256, MAX256 - a + d)))));

  test("add, sub, mul, div revert exactly where the result leaves 256 bits", () => {
    fc.assert(fc.property(nearLimit, ([a, b]) => {
      expect(call("checkedAdd", a, b)).toEqual(fits(a + b));
      expect(call("checkedSub", a, b)).toEqual(fits(a - b));
      expect(call("checkedMul", a, b)).toEqual(fits(a * b));
      expect(call("checkedDiv", a, b)).toEqual(b ? a / b : { reason: DIVISION });
      if (a) { // the last factor that fits, and the first that does not
        expect(call("checkedMul", a, MAX256 / a)).toEqual(fits(a * (MAX256 / a)));
        if (a > 1n) expect(call("checkedMul", a, MAX256 / a + 1n)).toEqual({ reason: ARITHMETIC });
      }
    }), runs(5000));
  });

  test("mulDiv down, up and half up through 512 bits", () => {
    const triple = fc.oneof(
      fc.tuple(u, u, u),
      fc.tuple(u, positive(256), fc.constantFrom(0n, 1n, 2n)).map(([a, c, d]) => [a, c, c - d] as const), // around a
      fc.tuple(positive(128), positive(128)).map(([a, c]) => [a, c, 2n * c] as const), // exactly a half
    );
    fc.assert(fc.property(triple, ([a, b, c]) => {
      c = BigInt.asUintN(256, c);
      if (c === 0n) {
        for (const name of ["mulDivDown", "mulDivUp", "mulDivHalfUp"] as const) expect(call(name, a, b, c)).toEqual({ reason: DIVISION });
        return;
      }
      const x = a * b;
      expect(call("mulDivDown", a, b, c)).toEqual(fits(x / c));
      expect(call("mulDivUp", a, b, c)).toEqual(fits((x + c - 1n) / c));
      expect(call("mulDivHalfUp", a, b, c)).toEqual(fits((2n * x + c) / (2n * c)));
    }), runs(10_000));
  });

  test("a product, then a quotient: what does not fit 256 bits on the way reverts", () => {
    const half = fc.tuple(u, u).map(([q, c]): [bigint, bigint, bigint] => [BigInt.asUintN(127, q) * 2n + 1n, BigInt.asUintN(127, c), BigInt.asUintN(127, c) * 2n]); // (q + ½)·c
    fc.assert(fc.property(fc.oneof(fc.tuple(u, u, u), fc.tuple(uintOf(128), uintOf(128), uintOf(128)), half), ([a, b, c]) => {
      const expected = (x: bigint) => (x > MAX256 ? { reason: ARITHMETIC } : c ? x / c : { reason: DIVISION });
      expect(call("mulThenDivDown", a, b, c)).toEqual(expected(a * b));
      expect(call("mulThenDivUp", a, b, c)).toEqual(c ? expected(a * b + c - 1n) : { reason: ARITHMETIC });
      expect(call("mulThenDivHalfUp", a, b, c)).toEqual(expected(a * b + c / 2n));
    }), { ...runs(5000), examples: [[[MAX256, 1n, 1n]], [[MAX256, 1n, 2n]], [[MAX256, 1n, 0n]], [[2n ** 128n, 2n ** 128n, 0n]]] });
  });

  test("fits tells how wide a value is", () => {
    fc.assert(fc.property(u, fc.integer({ min: 1, max: 128 }), fc.boolean(), (a, bits, near) => {
      const x = near ? BigInt.asUintN(bits + 1, a) : a;
      for (const value of [x, 2n ** BigInt(bits), 2n ** BigInt(bits) - 1n]) expect(call("fits", value, BigInt(bits))).toBe(value >> BigInt(bits) ? 0n : 1n);
    }), runs(5000));
  });

  test("sdiv truncates, and wraps at −2^255 / −1", () => {
    expect(call("sdiv", 2n ** 255n, MAX256)).toBe(2n ** 255n);
    fc.assert(fc.property(u, u, (a, b) => {
      const x = BigInt.asIntN(256, a), y = BigInt.asIntN(256, b);
      expect(call("sdiv", a, b)).toEqual(y ? BigInt.asUintN(256, x / y) : { reason: DIVISION });
    }), runs(5000));
  });

  test("sadd and smul revert exactly where the result leaves int256", () => {
    const fitsInt = (x: bigint) => (BigInt.asIntN(256, x) === x ? BigInt.asUintN(256, x) : { reason: ARITHMETIC }), least = -(2n ** 255n);
    const check = (x: bigint, y: bigint) => {
      const [a, b] = [BigInt.asUintN(256, x), BigInt.asUintN(256, y)];
      expect(call("sadd", a, b)).toEqual(fitsInt(x + y));
      expect(call("smul", a, b)).toEqual(fitsInt(x * y));
    };
    for (const x of [least, least + 1n, -least - 1n, least / 2n, -1n, 0n, 1n, 2n]) for (const y of [least, least + 1n, -least - 1n, -1n, 0n, 1n, 2n]) check(x, y);
    fc.assert(fc.property(u, u, fc.constantFrom(0n, 1n, -1n), (a, b, d) => {
      const x = BigInt.asIntN(256, a), y = BigInt.asIntN(256, b);
      check(x, y);
      if (x) { // the last factor that fits, and the first that does not
        check(x, BigInt.asIntN(256, least / x + d));
        check(x, BigInt.asIntN(256, (-least - 1n) / x + d));
        check(x, BigInt.asIntN(256, least - x + d));
      }
    }), runs(5000));
  });

  test("the first operation that fails tells which it was", () => {
    fc.assert(fc.property(nearLimit, ([a, b]) => {
      write(wide.args(), a, 4);
      write(wide.args() + 32, b, 4);
      const fails = [a + b > MAX256, a < b, a * b > MAX256];
      for (const first of [0, 1, 2]) {
        const at = fails.indexOf(true, first);
        expect(wide.safe(first)).toBe(at < 0 ? DIVISION : 3 + at);
      }
    }), runs(5000));
  });

  test("pow is rpow of dss, with its reverts", () => {
    const rate = fc.bigInt({ min: RAY - 10n ** 20n, max: RAY + 10n ** 20n });
    fc.assert(fc.property(
      fc.oneof(u, rate, ofAnyWidth(130)), fc.oneof(fc.bigInt({ min: 0n, max: 40n }), ofAnyWidth(40), u), fc.oneof(fc.constant(RAY), positive(100), positive(256)),
      (x, n, b) => {
        let expected: bigint | { reason: number };
        try { expected = rpow(x, n, b); } catch (error) {
          if (!(error instanceof Revert)) throw error;
          expected = { reason: ARITHMETIC };
        }
        expect(call("pow", x, n, b)).toEqual(expected);
      },
    ), runs(5000));
  });

  test("pow reverts at the first x whose square, or whose rounding, does not fit, and not before", () => {
    expect(call("pow", MAX128, 2n, 1n)).toBe(MAX128 * MAX128);
    expect(call("pow", MAX128 + 1n, 2n, 1n)).toEqual({ reason: ARITHMETIC });
    expect(call("pow", MAX128 + 1n, 1n, 1n)).toBe(MAX128 + 1n);
    const reverts = (x: bigint, n: bigint, b: bigint) => {
      try { rpow(x, n, b); return false; } catch { return true; }
    };
    for (const b of [1n, 2n, 10n ** 18n, RAY, 2n ** 200n]) for (const n of [2n, 3n, 4n, 5n, 10n, 31n, 32n]) {
      let most = 0n; // the last x that does not revert, bit by bit
      for (let bit = 2n ** 255n; bit; bit >>= 1n) if (!reverts(most + bit, n, b)) most += bit;
      expect(call("pow", most, n, b)).toBe(rpow(most, n, b));
      expect(call("pow", most + 1n, n, b)).toEqual({ reason: ARITHMETIC });
    }
    expect(call("pow", 0n, 0n, RAY)).toBe(RAY);
    expect(call("pow", 0n, 5n, RAY)).toBe(0n);
    expect(call("pow", 7n, 0n, RAY)).toBe(RAY);
  });
});

/** The exact value of a finite, non-negative f64, as numerator over 2^1074. */
function exactly(x: number): bigint {
  const bits = new BigUint64Array(Float64Array.of(x).buffer)[0]!, exponent = Number((bits >> 52n) & 0x7ffn), mantissa = bits & (2n ** 52n - 1n);
  expect(Number.isFinite(x) && bits >> 63n === 0n).toBe(true);
  return exponent ? (mantissa | (2n ** 52n)) << BigInt(exponent - 1) : mantissa;
}
const ONE = 2n ** 1074n;
/** Within 2^−45 of p/q on the given side: x·2^1074 against p·2^1074/q. */
function bounds(x: number, p: bigint, q: bigint, side: "above" | "below" | "beside"): void {
  const error = exactly(x) * q - p * ONE; // times q
  if (side === "above") expect(error >= 0n).toBe(true);
  if (side === "below") expect(error <= 0n).toBe(true);
  expect((error < 0n ? -error : error) << 45n <= p * ONE).toBe(true);
}

describe("directed floats", () => {
  test("integers of up to 512 bits", () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 8 }), uintOf(512), (n, x) => {
      const a = BigInt.asUintN(64 * n, x);
      write(A, a, n);
      bounds(wide.near(A, n), a, 1n, "beside");
      bounds(wide.upper(A, n), a, 1n, "above");
      bounds(wide.lower(A, n), a, 1n, "below");
      if (n <= 2) bounds(wide.near128(lo(a), hi(a)), a, 1n, "beside");
    }), runs(10_000));
  });

  test("quotients", () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 8 }), uintOf(512), positive(512), (n, x, y) => {
      const a = BigInt.asUintN(64 * n, x), b = BigInt.asUintN(64 * n, y) || 1n;
      write(A, a, n); write(B, b, n);
      bounds(wide.upperQuotient(A, B, n), a, b, "above");
      bounds(wide.lowerQuotient(A, B, n), a, b, "below");
    }), runs(10_000));
  });
});

describe("columns of quotients", () => {
  const scaled = (c: bigint, d: bigint) => wide.prepare(E, write(A, c, 8), write(B, d, 5));
  function check(a: bigint, b: bigint, c: bigint, d: bigint): void {
    wide.quotient(E, lo(a), hi(a), lo(b), hi(b));
    const exact = b * d === 0n ? MAX128 : (a * c) / (b * d);
    expect(read(wide.results(), 2)).toBe(exact > MAX128 ? MAX128 : exact);
  }

  test("against BigInt, any figures", () => {
    fc.assert(fc.property(uintOf(512), uintOf(320), fc.array(fc.tuple(uintOf(128), uintOf(128)), { minLength: 1, maxLength: 20 }), (c, d, rows) => {
      scaled(c, d);
      for (const [a, b] of rows) check(a, b, c, d);
    }), runs(5000));
  });

  test("figures of a market: C and D of alike widths", () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 256 }), fc.integer({ min: -128, max: 128 }), uintOf(512), uintOf(320), fc.array(fc.tuple(uintOf(128), uintOf(128)), { minLength: 10, maxLength: 40 }), (bits, more, x, y, rows) => {
      const c = BigInt.asUintN(Math.max(1, bits + more), x) || 1n, d = BigInt.asUintN(bits, y) || 1n;
      scaled(c, d);
      for (const [a, b] of rows) check(a, b, c, d);
    }), runs(4000));
  });

  test("quotients that are whole, or one short of it: b·D divides a·C, then a, b, C one off", () => {
    const nudged = (x: bigint, d: bigint, bits: number) => BigInt.asUintN(bits, x + d);
    fc.assert(fc.property(
      positive(64), positive(64), positive(64), positive(160), positive(64), fc.tuple(fc.constantFrom(-1n, 0n, 1n), fc.constantFrom(-1n, 0n, 1n), fc.constantFrom(-1n, 0n, 1n)),
      (p, q, r, d, s, [da, db, dc]) => {
        // a = p·q, b = p·r … so that a·C = (q·s)·(b·D) with C = r·s·D
        const a = nudged(p * q, da, 128), b = nudged(p, db, 128), c = nudged(r * s * d, dc, 512);
        scaled(c, d);
        check(a, b, c, d);
        check(p * q, p * r, c, d);
        check(p * q, p * q, c, d);
      },
    ), runs(10_000));
  });

  test("at the edges: no b, no D, no C, more than 2^63, more than 128 bits", () => {
    const a = 10n ** 20n;
    for (const [c, d] of [[1n, 0n], [0n, 1n], [0n, 0n], [1n, 1n], [2n ** 512n - 1n, 1n], [1n, 2n ** 320n - 1n], [2n ** 512n - 1n, 2n ** 320n - 1n], [2n ** 127n, 1n], [2n ** 128n, 1n], [1n, 2n ** 127n]] as const) {
      scaled(c, d);
      for (const x of [0n, 1n, a, 2n ** 64n - 1n, 2n ** 64n, MAX128]) for (const y of [0n, 1n, a, 2n ** 64n - 1n, 2n ** 64n, MAX128]) check(x, y, c, d);
    }
    scaled(2n ** 63n, 1n);
    for (const x of [1n, 2n, 3n]) for (const y of [1n, 2n, 3n]) check(x, y, 2n ** 63n, 1n);
    scaled(10n ** 63n, 10n ** 45n);
    for (let i = 0n; i < 100n; ++i) { check(2n ** 63n - 50n + i, 10n ** 18n, 10n ** 63n, 10n ** 45n); check(9223372036854775807n * 2n + i, 2n * 10n ** 18n, 10n ** 63n, 10n ** 45n); }
  });
});
