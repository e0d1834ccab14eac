/** Integers where arithmetic breaks, and how many of them to try. */
import fc from "fast-check";

/** How many runs of a property: `n`, or as many times more as PLIMSOLL_RUNS says. */
export const runs = (n: number): { numRuns: number } => ({ numRuns: Math.max(1, Math.round(n * Number(process.env["PLIMSOLL_RUNS"] ?? 1))) });

export const WAD = 10n ** 18n, RAY = 10n ** 27n, RAD = 10n ** 45n;
export const MAX128 = 2n ** 128n - 1n, MAX256 = 2n ** 256n - 1n;

/** A random integer of a random width, so that small ones are as likely as large ones. */
export const ofAnyWidth = (bits: number): fc.Arbitrary<bigint> =>
  fc.tuple(fc.integer({ min: 0, max: bits }), fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n })).map(([width, x]) => BigInt.asUintN(width, x));

/** A power of two, and one more or less. */
const powerOfTwo = (bits: number): fc.Arbitrary<bigint> =>
  fc.tuple(fc.integer({ min: 0, max: bits }), fc.constantFrom(-1n, 0n, 1n)).map(([n, d]) => BigInt.asUintN(bits, 2n ** BigInt(n) + d));

/** 32-bit digits on which a long division guesses wrong. */
const oddDigits = (bits: number): fc.Arbitrary<bigint> =>
  fc.array(fc.constantFrom(0n, 1n, 2n, 0x7fffffffn, 0x80000000n, 0x80000001n, 0xfffffffen, 0xffffffffn), { minLength: 1, maxLength: Math.ceil(bits / 32) })
    .map((digits) => BigInt.asUintN(bits, digits.reduce<bigint>((x, digit) => (x << 32n) | digit, 0n)));

/** An unsigned integer of up to `bits` bits: zero, one, all ones, powers of two ± 1, digits of extremes, random widths. */
export const uintOf = (bits: number): fc.Arbitrary<bigint> => fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom(0n, 1n, 2n ** BigInt(bits) - 1n) },
  { weight: 2, arbitrary: powerOfTwo(bits) },
  { weight: 2, arbitrary: oddDigits(bits) },
  { weight: 4, arbitrary: ofAnyWidth(bits) },
);

export const positive = (bits: number): fc.Arbitrary<bigint> => uintOf(bits).map((x) => x || 1n);

/** A small random number generator (xorshift32), for walks too long to be shrunk; seeded by fast-check. */
export class Dice {
  #state: number;
  constructor(seed: number) { this.#state = seed | 0 || 1; }
  next(): number {
    let x = this.#state;
    x ^= x << 13; x ^= x >>> 17; x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }
  below(n: number): number { return Math.floor((this.next() / 4294967296) * n); }
  chance(p: number): boolean { return this.next() < p * 4294967296; }
  pick<T>(from: readonly T[]): T { return from[this.below(from.length)]!; }
  bits(n: number): bigint {
    let x = 0n;
    for (let i = 0; i < n; i += 32) x = (x << 32n) | BigInt(this.next());
    return BigInt.asUintN(n, x);
  }
  /** Of any width up to `n` bits. */
  uint(n: number): bigint { return this.bits(1 + this.below(n)); }
  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; --i) {
      const j = this.below(i + 1);
      [items[i], items[j]] = [items[j]!, items[i]!];
    }
    return items;
  }
}

export const seed = fc.noShrink(fc.integer({ min: 1, max: 0x7fffffff }));

/** Columns of a bulk call: two limbs a value. */
export function column(values: readonly bigint[]): BigUint64Array {
  const rows = new BigUint64Array(values.length * 2);
  values.forEach((value, i) => {
    rows[i * 2] = BigInt.asUintN(64, value);
    rows[i * 2 + 1] = value >> 64n;
  });
  return rows;
}
export function uncolumn(rows: BigUint64Array): bigint[] {
  return Array.from({ length: rows.length / 2 }, (_, i) => rows[i * 2]! | (rows[i * 2 + 1]! << 64n));
}
