import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { PlimsollError } from "plimsoll";
import { type AaveV3, aaveV3 } from "plimsoll/aave-v3";
import { describe, expect, test, vi } from "vitest";
import { MAX128, MAX256, RAY, WAD, ofAnyWidth, runs, uintOf } from "./arbitraries.js";
import { accountData, interestRate, liquidationAmounts, liquidationCall, math, normalizedDebt, normalizedIncome } from "./reference/aave-v3.js";

vi.setConfig({ testTimeout: 120_000 });

const RUNS = 4000;
/** The releases by POOL_REVISION. 6 is 3.2.1, whose arithmetic is that of 5. */
const VERSIONS = new Map([[1, "3.0"], [4, "3.1"], [5, "3.2"], [6, "3.2"], [7, "3.3"], [8, "3.4"], [9, "3.5"], [10, "3.6"], [11, "3.7"]]);
const pools = new Map([...VERSIONS.keys()].map((revision) => [revision, aaveV3({ revision })]));
const anyRevision = fc.constantFrom(...VERSIONS.keys());

const reference = { accountData, liquidationCall, liquidationAmounts, interestRate, normalizedIncome, normalizedDebt, math };
type Name = keyof typeof reference;
const FUNCTIONS = Object.keys(reference) as Name[];
/** A function of the library's, and of the reference. */
const call = (revision: number, name: Name, input: unknown): object => (pools.get(revision)![name] as (x: unknown) => object)(input);
const ask = (revision: number, name: Name, input: unknown): object => (reference[name] as (revision: number, x: unknown) => object)(revision, input);
/** What the reference says, in the library's words. */
function said(revision: number, name: Name, input: unknown): object {
  const answer = ask(revision, name, input);
  return "reverts" in answer ? answer : { reverts: false, ...answer };
}

/** How often each outcome came up, to see that a property met more than one kind. */
class Tally {
  readonly counts = new Map<string, number>();
  count(answer: object): void {
    const kind = "reason" in answer ? String(answer.reason) : "returns";
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }
  saw(...kinds: string[]): void {
    for (const kind of kinds) expect([...this.counts.keys()]).toContain(kind);
  }
}

// ---- The contracts' answers

const own = join(import.meta.dirname, "vectors"), all = join(import.meta.dirname, "../../shared/vectors");

/** Files that hold of other revisions as well, as their notes say. */
const ALSO: Readonly<Record<string, readonly number[]>> = {
  "3.0.math": [1, 4, 5, 6, 7, 8, 9, 10, 11], "3.6.math": [9, 10, 11], "3.0.normalizedIncome": [1, 4, 5, 6, 7, 8, 9, 10, 11],
  "3.0.normalizedDebt": [1, 4, 5, 6, 7], "3.6.normalizedDebt": [8, 9, 10, 11], "3.6.interestRate": [5, 6, 7, 8, 9, 10, 11],
  "3.3.liquidationAmounts": [7, 8], "3.6.liquidationAmounts": [9, 10],
};

/** Both the library and the reference give the contracts' answers; how many there are. */
function reproduces(folder: string): number {
  let cases = 0;
  for (const file of readdirSync(folder).filter((name) => name.startsWith("aave-v3."))) {
    const vectors: { protocol: string; function: Name; cases: { id: string; in: object; out: object }[] } =
      JSON.parse(readFileSync(join(folder, file), "utf8"), (_, value) => (typeof value === "string" && /^\d+$/.test(value) ? BigInt(value) : value));
    const version = vectors.protocol.replace("aave-v", "");
    const revisions = ALSO[`${version}.${vectors.function}`] ?? [...VERSIONS.keys()].filter((revision) => VERSIONS.get(revision) === version);
    expect(revisions.length).toBeGreaterThan(0);
    for (const revision of revisions) for (const { id, in: inputs, out } of vectors.cases) {
      const expected = "reverts" in out ? out : { reverts: false, ...out };
      expect(call(revision, vectors.function, inputs), `${file} ${id} at ${revision}`).toEqual(expected);
      expect(said(revision, vectors.function, inputs), `reference: ${file} ${id} at ${revision}`).toEqual(expected);
    }
    cases += vectors.cases.length;
  }
  return cases;
}

describe("the contracts' answers", () => {
  test("a selection of vectors", () => expect(reproduces(own)).toBeGreaterThan(120));

  test("all vectors", ({ skip }) => {
    skip(!existsSync(all), "../shared/vectors is not here: only the selection was compared");
    expect(reproduces(all)).toBe(8231);
  });
});

// ---- Against the reference

const u256 = uintOf(256), u128 = uintOf(128);
const between = (min: bigint, max: bigint) => fc.bigInt({ min, max });
const nudge = fc.constantFrom(-1n, 0n, 1n);
const positive = (x: bigint, bits = 256n) => (x < 0n ? 0n : x >> bits ? 2n ** bits - 1n : x);

/** Usual figures, of which some, or all, give way to ones from the whole range of their type. */
function record<R extends Record<string, readonly [usual: fc.Arbitrary<bigint>, any: fc.Arbitrary<bigint>]>>(fields: R) {
  type Out = { [K in keyof R]: bigint };
  const names = Object.keys(fields), of = (which: 0 | 1) => fc.record(Object.fromEntries(names.map((name) => [name, fields[name]![which]])));
  const some = fc.oneof(
    { weight: 4, arbitrary: fc.constant<string[]>([]) },
    { weight: 4, arbitrary: fc.subarray(names, { minLength: 1, maxLength: Math.min(2, names.length) }) },
    { weight: 1, arbitrary: fc.subarray(names) },
  );
  return fc.tuple(of(0), of(1), some).map(([plain, odd, which]) => ({ ...plain, ...Object.fromEntries(which.map((name) => [name, odd[name]!])) }) as Out);
}

const NOW = 1_750_000_000n;
const usual = {
  index: between(RAY, 3n * RAY), rate: between(0n, RAY), price: fc.oneof(between(1n, 10n ** 13n), between(9n * 10n ** 7n, 11n * 10n ** 7n)),
  units: ofAnyWidth(80), bps: between(0n, 10_000n), bonus: between(10_000n, 12_000n), elapsed: fc.oneof(between(0n, 4n), between(0n, 10n ** 8n)),
};

describe("against the reference", () => {
  const OPERATIONS = [
    ["wadMul", "wadDiv", "rayMul", "rayDiv", "percentMul", "percentDiv", "rayToWad", "wadToRay"],
    [
      "rayMulFloor", "rayMulCeil", "rayDivFloor", "rayDivCeil", "percentMulFloor", "percentMulCeil", "percentDivCeil", "mulDivCeil",
      "getATokenMintScaledAmount", "getATokenBurnScaledAmount", "getATokenTransferScaledAmount", "getATokenBalance",
      "getVTokenMintScaledAmount", "getVTokenBurnScaledAmount", "getVTokenBalance",
    ],
    ["percentDivFloor"],
  ] as const;

  test("math, where the product ends at 2^256 and on ties", () => {
    const tally = new Tally(), units = fc.constantFrom(10n ** 4n, 10n ** 9n, WAD, RAY);
    const edge = fc.tuple(units, fc.oneof(u128, usual.bps), nudge, fc.boolean())
      .map(([unit, b, d, half]) => ({ a: positive((MAX256 - (half ? unit / 2n : 0n)) / (b || 1n) + d), b }));
    const tie = fc.tuple(units, ofAnyWidth(90), nudge).map(([unit, n, d]) => ({ a: positive(n * unit + unit / 2n + d), b: 1n }));
    const operands = fc.oneof(fc.record({ a: u256, b: u256 }), fc.record({ a: u128, b: u128 }), edge, tie);
    fc.assert(fc.property(anyRevision, fc.constantFrom(...OPERATIONS.flat()), operands, fc.oneof(u256, u128), (revision, op, x, c) => {
      if (revision < 9 && !(OPERATIONS[0] as readonly string[]).includes(op)) return;
      if (revision < 11 && op === "percentDivFloor") return;
      const input = { op, a: x.a, ...(op === "rayToWad" || op === "wadToRay" ? {} : { b: x.b }), ...(op === "mulDivCeil" ? { c } : {}) };
      const expected = said(revision, "math", input);
      tally.count(expected);
      expect(call(revision, "math", input)).toEqual(expected);
    }), runs(2 * RUNS));
    tally.saw("returns", "empty revert data");
  });

  const sometimes = fc.oneof({ weight: 8, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: u256 });
  const time = fc.tuple(fc.oneof(fc.constant(NOW), uintOf(40)), usual.elapsed, sometimes)
    .map(([last, elapsed, any]) => ({ lastUpdateTimestamp: last, blockTimestamp: any ?? last + elapsed }));

  test("normalizedIncome and normalizedDebt", () => {
    const tally = new Tally(), any = uintOf(128);
    fc.assert(fc.property(anyRevision, record({ index: [usual.index, any], rate: [usual.rate, any] }), time, (revision, { index, rate }, at) => {
      const income = { liquidityIndex: index, currentLiquidityRate: rate, ...at };
      const debt = { variableBorrowIndex: index, currentVariableBorrowRate: rate, ...at };
      expect(call(revision, "normalizedIncome", income)).toEqual(said(revision, "normalizedIncome", income));
      const expected = said(revision, "normalizedDebt", debt);
      tally.count(expected);
      expect(call(revision, "normalizedDebt", debt)).toEqual(expected);
    }), { ...runs(3 * RUNS), examples: [[8, { index: RAY, rate: MAX128 }, { lastUpdateTimestamp: 0n, blockTimestamp: MAX256 }]] });
    tally.saw("returns", "empty revert data", "Panic(0x11)");
  });

  test("interestRate: 3.0's, that of 3.1, and the later one", () => {
    const tally = new Tally(), debt = ofAnyWidth(90), edges = fc.constantFrom("none", "kink", "stable", "nothing");
    const parameters = record({
      optimal: [between(1n, 9_900n), uintOf(16)], base: [usual.bps, uintOf(32)], slope1: [usual.bps, uintOf(32)], slope2: [between(0n, 100_000n), uintOf(32)],
      stable1: [usual.rate, u256], stable2: [usual.rate, u256], offset: [usual.rate, u256], excess: [usual.rate, u256], ratio: [between(0n, RAY), u256],
    });
    const flows = record({
      unbacked: [usual.units, u256], added: [usual.units, u256], taken: [fc.constant(0n), u256], stable: [debt, u256], variable: [debt, u256],
      average: [usual.rate, u256], factor: [usual.bps, u256], liquidity: [debt, u256],
    });
    fc.assert(fc.property(anyRevision, parameters, flows, edges, nudge, (revision, p, f, edge, d) => {
      const first = revision === 1, withStable = revision < 5, scale = first ? 10n ** 23n : 1n;
      if (edge === "nothing") f = { ...f, stable: 0n, variable: 0n };
      const owed = withStable ? f.stable + f.variable : f.variable;
      if (edge === "kink" && p.optimal) f = { ...f, added: 0n, taken: 0n, liquidity: positive((owed * 10_000n) / p.optimal - owed + d) };
      if (edge === "stable" && owed) p = { ...p, ratio: positive((f.stable * RAY + owed / 2n) / owed + d) };
      const input = {
        optimalUsageRatio: p.optimal * scale, baseVariableBorrowRate: p.base * scale, variableRateSlope1: p.slope1 * scale, variableRateSlope2: p.slope2 * scale,
        unbacked: f.unbacked, liquidityAdded: f.added, liquidityTaken: f.taken, reserveFactor: f.factor,
        ...(first ? {
          availableLiquidity: f.liquidity, stableRateSlope1: p.stable1, stableRateSlope2: p.stable2, baseStableRateOffset: p.offset,
          stableRateExcessOffset: p.excess, optimalStableToTotalDebtRatio: p.ratio,
        } : { virtualUnderlyingBalance: f.liquidity }),
        ...(withStable ? { totalStableDebt: f.stable, totalVariableDebt: f.variable, averageStableBorrowRate: f.average } : { totalDebt: f.variable }),
      };
      const expected = said(revision, "interestRate", input);
      tally.count(expected);
      expect(call(revision, "interestRate", input)).toEqual(expected);
    }), runs(3 * RUNS));
    tally.saw("returns", "empty revert data", "Panic(0x11)");
  });

  test("liquidationAmounts", () => {
    const tally = new Tally(), unit = fc.constantFrom(1n, 100n, 10n ** 6n, 10n ** 8n, WAD), edges = fc.constantFrom("none", "none", "balance", "even");
    fc.assert(fc.property(anyRevision, record({
      collateralAssetPrice: [usual.price, u256], collateralAssetUnit: [unit, u256], debtAssetPrice: [usual.price, u256], debtAssetUnit: [unit, u256],
      debtToCover: [usual.units, u256], borrowerCollateralBalance: [usual.units, u256],
      liquidationBonus: [usual.bonus, uintOf(17)], liquidationProtocolFeePercentage: [usual.bps, uintOf(16)],
    }), edges, nudge, (revision, x, edge, d) => {
      const unbounded = { ...x, borrowerCollateralBalance: MAX256, liquidationProtocolFeePercentage: 0n };
      const found = ask(revision, "liquidationAmounts", unbounded) as { collateralAmount?: bigint };
      const input = edge === "balance" && found.collateralAmount !== undefined ? { ...x, borrowerCollateralBalance: positive(found.collateralAmount + d) }
        : edge === "even" ? { ...x, liquidationBonus: 10_000n + d, collateralAssetPrice: x.debtAssetPrice, debtAssetUnit: x.collateralAssetUnit } : x;
      const expected = said(revision, "liquidationAmounts", input);
      tally.count(expected);
      expect(call(revision, "liquidationAmounts", input)).toEqual(expected);
    }), runs(3 * RUNS));
    tally.saw("returns", "empty revert data", "Panic(0x11)", "Panic(0x12)");
  });
});

// ---- Accounts

type Row = Record<string, bigint | boolean>;
interface Account {
  blockTimestamp: bigint; userEModeCategory: bigint; userConfig: bigint; reservesCount?: bigint; eModeCategories: Row[]; reserves: Row[];
}

/** Fields of reserves and categories that not every revision has: from which to which. */
const SPANS: Readonly<Record<string, readonly [number, number]>> = {
  stableDebt: [1, 4], eModeCategory: [1, 4], eModeAssetPrice: [1, 4], collateralBitmap: [5, 11], ltvzeroBitmap: [10, 11], isolated: [11, 11],
};
const known = (revision: number, liquidation: boolean, row: Row): Row => Object.fromEntries(Object.entries(row).filter(([name]) => {
  const [from, to] = SPANS[name] ?? [1, 11];
  return revision >= from && revision <= to && !(liquidation && name === "stableDebt");
}));
/** An account with what the revision knows of it. */
function knownTo<A extends Account>(revision: number, account: A, liquidation = false): A {
  const { reservesCount, ...rest } = account;
  return {
    ...rest, ...(revision < 8 ? { reservesCount } : {}),
    eModeCategories: account.eModeCategories.map((row) => known(revision, liquidation, row)),
    reserves: account.reserves.map((row) => known(revision, liquidation, row)),
  } as A;
}

/** What a reserve is worth to its user, in the base currency: collateral, and a share of the debt. */
const leg = fc.record({
  id: fc.oneof(between(0n, 5n), between(0n, 127n)), decimals: fc.constantFrom(0n, 2n, 6n, 8n, 18n), ltv: fc.oneof(fc.constant(0n), usual.bps),
  threshold: fc.oneof({ weight: 5, arbitrary: between(1n, 9_700n) }, { weight: 1, arbitrary: fc.constant(0n) }), price: usual.price,
  liquidityIndex: usual.index, borrowIndex: usual.index, liquidityRate: usual.rate, borrowRate: usual.rate, elapsed: usual.elapsed,
  collateral: fc.oneof(
    { weight: 1, arbitrary: fc.constant(0n) }, { weight: 2, arbitrary: ofAnyWidth(50) }, { weight: 5, arbitrary: between(10n ** 11n, 3n * 10n ** 11n) },
  ),
  share: fc.oneof({ weight: 1, arbitrary: fc.constant(0n) }, { weight: 4, arbitrary: between(1n, 100n) }),
  bits: fc.oneof({ weight: 8, arbitrary: fc.constant(3n) }, { weight: 1, arbitrary: between(0n, 3n) }),
  bonus: usual.bonus, fee: fc.oneof(fc.constant(0n), usual.bps), category: between(0n, 2n),
  stable: fc.oneof({ weight: 3, arbitrary: fc.constant(0n) }, { weight: 1, arbitrary: ofAnyWidth(60) }),
});
const mode = fc.record({
  ltv: usual.bps, liquidationThreshold: usual.bps, liquidationBonus: usual.bonus, eModeAssetPrice: fc.oneof(fc.constant(0n), usual.price),
  collateralBitmap: fc.oneof(between(0n, 63n), u128), ltvzeroBitmap: fc.oneof(fc.constant(0n), between(0n, 63n), u128), isolated: fc.boolean(),
});
/** Where health shall stand: 1 = 1e4. */
const targets = fc.oneof(between(3_000n, 9_400n), between(9_500n, 10_000n), fc.constantFrom(9_500n, 10_000n, 20_000n));

/** An account whose debts are shared out so that its health is near the target. */
const account = fc.tuple(
  fc.uniqueArray(leg, { minLength: 1, maxLength: 5, selector: ({ id }) => id }), fc.array(mode, { maxLength: 2 }), between(0n, 2n), targets,
).map(([legs, modes, category, target]): Account => {
  const units = (base: bigint, { decimals, price }: { decimals: bigint; price: bigint }) => (base * 10n ** decimals) / price;
  const secured = legs.reduce((sum, { collateral, threshold, bits }) => sum + (bits & 2n ? collateral * threshold : 0n), 0n);
  const shares = legs.reduce((sum, { share }) => sum + share, 0n) || 1n;
  return {
    blockTimestamp: NOW, userEModeCategory: category, reservesCount: 128n,
    userConfig: legs.reduce((config, { id, bits, share, stable }) => config | ((bits & (share || stable ? 3n : 2n)) << (2n * id)), 0n),
    eModeCategories: modes.map((entry, i) => ({ id: BigInt(i + 1), ...entry })),
    reserves: legs.map((x) => ({
      id: x.id, decimals: x.decimals, ltv: x.ltv, liquidationThreshold: x.threshold, assetPrice: x.price, lastUpdateTimestamp: NOW - x.elapsed,
      liquidityIndex: x.liquidityIndex, currentLiquidityRate: x.liquidityRate, variableBorrowIndex: x.borrowIndex, currentVariableBorrowRate: x.borrowRate,
      scaledATokenBalance: (units(x.collateral, x) * RAY) / x.liquidityIndex,
      scaledVariableDebt: (units((secured * x.share) / shares / target, x) * RAY) / x.borrowIndex,
      stableDebt: x.stable, eModeCategory: x.category, liquidationBonus: x.bonus, liquidationProtocolFee: x.fee,
    })),
  };
});

const WIDTHS: Readonly<Record<string, number>> = {
  decimals: 8, ltv: 16, liquidationThreshold: 16, assetPrice: 256, liquidityIndex: 128, currentLiquidityRate: 128, variableBorrowIndex: 128,
  currentVariableBorrowRate: 128, lastUpdateTimestamp: 40, scaledATokenBalance: 256, scaledVariableDebt: 256, stableDebt: 256, liquidationBonus: 16,
  liquidationProtocolFee: 16,
};
/** A field of one reserve from the whole range of its type. */
const oddity = fc.tuple(fc.nat(4), fc.constantFrom(...Object.keys(WIDTHS)), u256, fc.constantFrom(0n, 1n, undefined));
type Oddity = [number, string, bigint, bigint | undefined];
const oddities = fc.oneof({ weight: 3, arbitrary: fc.constant<Oddity[]>([]) }, { weight: 2, arbitrary: fc.array(oddity, { maxLength: 2 }) });
function bend<A extends Account>(x: A, odd: readonly Oddity[], scaledBits = 256): A {
  const reserves = x.reserves.map((row) => ({ ...row }));
  for (const [i, field, value, small] of odd) {
    const bits = field.startsWith("scaled") ? scaledBits : WIDTHS[field]!;
    reserves[i % reserves.length]![field] = small ?? BigInt.asUintN(bits, value);
  }
  return { ...x, reserves };
}

describe("accounts against the reference", () => {
  test("accountData", () => {
    const tally = new Tally(), sides = new Set<string>();
    const whole = fc.oneof(
      { weight: 8, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: fc.record({ userConfig: u256 }) }, { weight: 1, arbitrary: fc.record({ blockTimestamp: u256 }) },
      { weight: 1, arbitrary: fc.record({ reservesCount: fc.oneof(between(0n, 130n), u256) }) },
    );
    fc.assert(fc.property(anyRevision, account, oddities, whole, (revision, x, odd, over) => {
      const input = knownTo(revision, { ...bend(x, odd), ...over }), expected = said(revision, "accountData", input);
      tally.count(expected);
      if ("healthFactor" in expected) sides.add((expected.healthFactor as bigint) < WAD ? "liquidatable" : "not");
      expect(call(revision, "accountData", input)).toEqual(expected);
    }), runs(4 * RUNS));
    tally.saw("returns", "empty revert data", "Panic(0x11)", "74 INVALID_RESERVE_INDEX");
    expect(sides.size).toBe(2);
  });

  test("accountData: health one unit either side of 1", () => {
    const found = new Set<bigint>();
    fc.assert(fc.property(anyRevision, account, between(0n, 10n ** 12n), (revision, x, seed) => {
      // one debt, in a reserve of its own whose unit of account is the base currency: its value is its scaled amount
      const of = (debt: bigint): Account => knownTo(revision, {
        ...x, userConfig: (x.userConfig & (MAX256 / 3n << 1n)) | 1n,
        reserves: [...x.reserves.filter(({ id }) => id !== 0n), {
          id: 0n, decimals: 0n, ltv: 0n, liquidationThreshold: 0n, assetPrice: 1n, liquidityIndex: RAY, currentLiquidityRate: 0n, variableBorrowIndex: RAY,
          currentVariableBorrowRate: 0n, lastUpdateTimestamp: NOW, scaledATokenBalance: 0n, scaledVariableDebt: debt, stableDebt: 0n, eModeCategory: 0n,
        }],
        eModeCategories: x.eModeCategories.map((row) => ({ ...row, eModeAssetPrice: 0n })),
      });
      const at = (debt: bigint) => (ask(revision, "accountData", of(debt)) as { healthFactor?: bigint }).healthFactor ?? MAX256;
      let [safe, unsafe] = [0n, 2n ** 100n + seed];
      while (unsafe - safe > 1n) { const middle = (safe + unsafe) / 2n; if (at(middle) < WAD) unsafe = middle; else safe = middle; }
      for (const debt of [safe, unsafe, unsafe + 1n]) {
        const expected = said(revision, "accountData", of(debt));
        expect(call(revision, "accountData", of(debt))).toEqual(expected);
        if ("healthFactor" in expected) found.add(expected.healthFactor as bigint);
      }
    }), runs(RUNS / 10));
    expect(found.has(WAD)).toBe(true);
  });

  const cover = fc.oneof(fc.constant(MAX256), usual.units, ofAnyWidth(256), fc.constantFrom(0n, 1n));
  const edges = fc.constantFrom("none", "none", "one collateral", "left", "all");
  const liquidations = fc.tuple(account, fc.nat(4), fc.nat(4), cover, edges, nudge, between(0n, 200_000_000_000n));
  test("liquidationCall", () => {
    const tally = new Tally(), deficits = new Set<number>();
    fc.assert(fc.property(anyRevision, liquidations, oddities, (revision, [drawn, i, j, most, edge, d, left], odd) => {
      /** One of the reserves that the user supplies (1) or owes (0), if there is any. */
      const one = (bit: bigint, n: number): Row => {
        const some = drawn.reserves.filter(({ id }) => (drawn.userConfig >> (2n * (id as bigint) + bit)) & 1n);
        return some[n % (some.length || 1)] ?? drawn.reserves[0]!;
      };
      const collateral = one(1n, i)["id"] as bigint, owed = one(0n, j), debt = owed["id"] as bigint;
      const bent = bend(drawn, odd, revision < 8 ? 128 : 120);
      const x = edge === "one collateral" ? { ...bent, userConfig: bent.userConfig & (MAX256 / 3n | (2n << (2n * collateral))) } : bent;
      const input = { ...knownTo(revision, x, true), collateralReserveId: collateral, debtReserveId: debt, debtToCover: most };
      if (edge === "left" || edge === "all") { // what is repaid leaves so much debt, in the base currency
        const { actualDebtToLiquidate: all } = ask(revision, "liquidationCall", { ...input, debtToCover: MAX256 }) as { actualDebtToLiquidate?: bigint };
        const kept = edge === "left" ? (left * 10n ** (owed["decimals"] as bigint)) / (owed["assetPrice"] as bigint) : 0n;
        if (all !== undefined) input.debtToCover = positive(all + d - kept);
      }
      const expected = said(revision, "liquidationCall", input);
      tally.count(expected);
      if ("deficits" in expected) deficits.add((expected.deficits as unknown[]).length);
      expect(call(revision, "liquidationCall", input)).toEqual(expected);
    }), runs(6 * RUNS));
    tally.saw(
      "returns", "empty revert data", "Panic(0x11)", "Panic(0x12)",
      "45 HEALTH_FACTOR_NOT_BELOW_THRESHOLD", "46 COLLATERAL_CANNOT_BE_LIQUIDATED", "47 SPECIFIED_CURRENCY_NOT_BORROWED_BY_USER",
      "103 MUST_NOT_LEAVE_DUST", "25 INVALID_BURN_AMOUNT",
      "HealthFactorNotBelowThreshold()", "CollateralCannotBeLiquidated()", "SpecifiedCurrencyNotBorrowedByUser()",
      "MustNotLeaveDust()", "InvalidBurnAmount()",
      "SafeCast: value doesn't fit in 128 bits", "SafeCastOverflowedUintDowncast(uint8,uint256)",
    );
    for (const count of [0, 1, 2, 3]) expect([...deficits]).toContain(count);
  });

  test("liquidationCall: a scaled amount wider than its token holds, where an index is far below 1", () => {
    for (const revision of VERSIONS.keys()) {
      const bits = revision < 8 ? 128n : 120n, debt = 2n ** bits / RAY + 1n; // 2^bits − 1 scaled units round up to it
      const row = {
        decimals: 0n, ltv: 1000n, liquidationThreshold: 1000n, assetPrice: 10n ** 8n, currentLiquidityRate: 0n, currentVariableBorrowRate: 0n, lastUpdateTimestamp: NOW,
        eModeCategory: 0n, liquidationBonus: 10_500n, liquidationProtocolFee: 0n,
      };
      const input = {
        ...knownTo(revision, {
          blockTimestamp: NOW, userEModeCategory: 0n, userConfig: 0b0110n, reservesCount: 2n, eModeCategories: [], reserves: [
            { id: 0n, ...row, liquidityIndex: RAY, variableBorrowIndex: RAY, scaledATokenBalance: 2n * debt, scaledVariableDebt: 0n },
            { id: 1n, ...row, liquidityIndex: RAY, variableBorrowIndex: 1n, scaledATokenBalance: 0n, scaledVariableDebt: 2n ** bits - 1n },
          ],
        }, true),
        collateralReserveId: 0n, debtReserveId: 1n, debtToCover: MAX256,
      };
      const expected = said(revision, "liquidationCall", input);
      expect(expected).toMatchObject({ reason: expect.stringMatching(/^SafeCast/) });
      expect(call(revision, "liquidationCall", input)).toEqual(expected);
    }
  });

  test("an account with all of 128 reserves, in 256 categories, and all of its debts unsecured", () => {
    for (const revision of VERSIONS.keys()) {
      const reserves = Array.from({ length: 128 }, (_, i) => ({
        id: BigInt(127 - i), decimals: i === 7 ? 77n : 18n, ltv: 5000n, liquidationThreshold: 6000n, assetPrice: 10n ** 8n + BigInt(i),
        liquidityIndex: RAY + BigInt(i), currentLiquidityRate: RAY / 20n, variableBorrowIndex: RAY + 7n * BigInt(i), currentVariableBorrowRate: RAY / 10n,
        lastUpdateTimestamp: NOW - BigInt(i * i), scaledATokenBalance: i === 9 ? WAD : 0n, scaledVariableDebt: WAD + BigInt(i),
        stableDebt: 0n, eModeCategory: 3n, liquidationBonus: 10_500n, liquidationProtocolFee: 1_000n, usingAsCollateral: true, borrowing: true,
      }));
      const eModeCategories = Array.from({ length: 256 }, (_, i) => ({
        id: BigInt(255 - i), ltv: 9000n, liquidationThreshold: 9300n, liquidationBonus: 10_100n, eModeAssetPrice: 0n,
        collateralBitmap: MAX128, ltvzeroBitmap: 5n, isolated: true,
      }));
      const x = { blockTimestamp: NOW, userEModeCategory: 3n, userConfig: MAX256, reservesCount: 128n, eModeCategories, reserves };
      const input = knownTo(revision, x);
      expect(call(revision, "accountData", input)).toEqual(said(revision, "accountData", input));
      const liquidation = { ...knownTo(revision, x, true), collateralReserveId: 118n, debtReserveId: 64n, debtToCover: MAX256 };
      const expected = said(revision, "liquidationCall", liquidation);
      expect(call(revision, "liquidationCall", liquidation)).toEqual(expected);
      expect(expected).toMatchObject({ reverts: false });
      if (revision >= 7) expect((expected as { deficits: unknown[] }).deficits.length).toBeGreaterThan(126);
    }
  });
});

// ---- What is refused

function refuses(run: () => unknown, code: string, ...parts: string[]): void {
  let thrown: unknown;
  try { run(); } catch (error) { thrown = error; }
  expect(thrown).toBeInstanceOf(PlimsollError);
  expect((thrown as PlimsollError).code).toBe(code);
  for (const part of parts) expect((thrown as PlimsollError).message).toContain(part);
}

describe("revisions", () => {
  test("each is frozen, and says which it is", () => {
    for (const [revision, version] of VERSIONS) {
      const pool = aaveV3({ revision });
      expect([pool.name, pool.revision, Object.isFrozen(pool)]).toEqual([`aave-v${version}`, revision, true]);
      expect(Object.entries(pool).filter(([, value]) => typeof value === "function").map(([name]) => name).sort()).toEqual([...FUNCTIONS].sort());
    }
  });

  test("one that is not known is refused, with those that are", () => {
    const aave = aaveV3 as (options: unknown) => AaveV3;
    for (const revision of [0, 2, 3, 12, -1, 1.5, Number.NaN, 11n, "11", null, undefined]) refuses(() => aave({ revision }), "invalid-argument", "1, 4, 5, 6, 7, 8, 9, 10, 11");
    refuses(() => aave({}), "invalid-argument", "1, 4, 5, 6, 7, 8, 9, 10, 11");
    refuses(() => aave({ revision: 11, version: "3.7" }), "unknown-field", "version");
    for (const bad of [undefined, null, 11, "3.7", [11]]) refuses(() => aave(bad), "invalid-argument");
  });
});

describe("what does not fit is refused, with the field and the value", () => {
  const reserve: Row = {
    id: 3n, decimals: 18n, ltv: 1n, liquidationThreshold: 1n, assetPrice: 1n, liquidityIndex: RAY, currentLiquidityRate: 1n, variableBorrowIndex: RAY,
    currentVariableBorrowRate: 1n, lastUpdateTimestamp: 1n, scaledATokenBalance: 1n, scaledVariableDebt: 1n, stableDebt: 1n, eModeCategory: 1n,
    liquidationBonus: 1n, liquidationProtocolFee: 1n, usingAsCollateral: true, borrowing: true,
  };
  const category: Row = {
    id: 1n, ltv: 1n, liquidationThreshold: 1n, liquidationBonus: 1n, eModeAssetPrice: 1n, collateralBitmap: 1n, ltvzeroBitmap: 1n, isolated: true,
  };
  const whole: Account = { blockTimestamp: 1n, userEModeCategory: 1n, userConfig: 192n, reservesCount: 4n, eModeCategories: [category], reserves: [reserve] };
  const strategy = {
    optimalUsageRatio: 1n, baseVariableBorrowRate: 1n, variableRateSlope1: 1n, variableRateSlope2: 1n, unbacked: 1n, liquidityAdded: 1n, liquidityTaken: 1n,
    reserveFactor: 1n,
  };
  const stable = { totalStableDebt: 1n, totalVariableDebt: 1n, averageStableBorrowRate: 1n };
  const first = {
    availableLiquidity: 1n, stableRateSlope1: 1n, stableRateSlope2: 1n, baseStableRateOffset: 1n, stableRateExcessOffset: 1n, optimalStableToTotalDebtRatio: 1n,
  };
  const goods = (revision: number): Record<Name, object> => ({
    accountData: knownTo(revision, whole),
    liquidationCall: { ...knownTo(revision, whole, true), collateralReserveId: 3n, debtReserveId: 3n, debtToCover: 1n },
    liquidationAmounts: {
      collateralAssetPrice: 1n, collateralAssetUnit: 1n, debtAssetPrice: 1n, debtAssetUnit: 1n, debtToCover: 1n, borrowerCollateralBalance: 1n,
      liquidationBonus: 1n, liquidationProtocolFeePercentage: 1n,
    },
    interestRate: { ...strategy, ...(revision < 5 ? stable : { totalDebt: 1n }), ...(revision < 4 ? first : { virtualUnderlyingBalance: 1n }) },
    normalizedIncome: { liquidityIndex: 1n, currentLiquidityRate: 1n, lastUpdateTimestamp: 1n, blockTimestamp: 1n },
    normalizedDebt: { variableBorrowIndex: 1n, currentVariableBorrowRate: 1n, lastUpdateTimestamp: 1n, blockTimestamp: 1n },
    math: { op: "rayMul", a: 1n, b: 1n },
  });
  const ABSENT: Readonly<Record<Name, readonly string[]>> = {
    accountData: ["reservesCount", "choices", "collateralReserveId"], liquidationCall: ["reservesCount", "choices"], liquidationAmounts: ["choices"],
    interestRate: ["totalDebt", ...Object.keys(stable), ...Object.keys(first), "virtualUnderlyingBalance", "choices"],
    normalizedIncome: ["variableBorrowIndex", "choices"], normalizedDebt: ["liquidityIndex", "choices"], math: ["d", "choices"],
  };

  /** Every field of a record: missing, of another type, too small, too large. */
  function checks(revision: number, name: Name, good: object, put: (record: object) => object): void {
    const bad = (record: object) => () => call(revision, name, put(record));
    for (const [field, value] of Object.entries(good)) {
      const rest = Object.fromEntries(Object.entries(good).filter(([other]) => other !== field));
      // what userConfig says, and what only a liquidation reads
      const optional = ["usingAsCollateral", "borrowing", ...(name === "accountData" ? ["liquidationBonus", "liquidationProtocolFee"] : [])];
      if (optional.includes(field)) call(revision, name, put(rest));
      else refuses(bad(rest), "missing-field", `aave-v${VERSIONS.get(revision)}.${name}`, field);
      if (typeof value === "boolean" || typeof value === "string" || Array.isArray(value)) {
        for (const other of [0, 1n, null, "x", {}]) refuses(bad({ ...good, [field]: other }), "invalid-argument", field);
        continue;
      }
      for (const other of [1, "1", null, true, {}]) refuses(bad({ ...good, [field]: other }), "not-a-bigint", field);
      for (const other of [-1n, 2n ** 256n, -(2n ** 300n)]) refuses(bad({ ...good, [field]: other }), "out-of-range", field, String(other).slice(0, 50));
    }
  }

  for (const [revision, version] of VERSIONS) test(`at revision ${revision}`, () => {
    const good = goods(revision);
    for (const name of FUNCTIONS) {
      call(revision, name, good[name]); // as it stands it is accepted
      checks(revision, name, good[name], (x) => x);
      for (const field of ABSENT[name]) if (!(field in good[name])) {
        refuses(() => call(revision, name, { ...good[name], [field]: 1n }), "unknown-field", `aave-v${version}.${name} has no`, field);
      }
      for (const bad of [null, undefined, 1n, "x", []]) refuses(() => call(revision, name, bad), "invalid-argument", `aave-v${version}.${name}`);
    }
    for (const name of ["accountData", "liquidationCall"] as const) {
      const rows = good[name] as Account, given = (over: object) => () => call(revision, name, { ...rows, ...over });
      const lists = [["reserves", rows.reserves[0]!, reserve], ["eModeCategories", rows.eModeCategories[0]!, category]] as const;
      for (const [list, row, every] of lists) {
        checks(revision, name, row, (x) => ({ ...rows, [list]: [x] }));
        for (const field of Object.keys(every)) if (!(field in row)) refuses(given({ [list]: [{ ...row, [field]: every[field] }] }), "unknown-field", field);
        refuses(given({ [list]: [row, row] }), "invalid-argument", list, `${row["id"]}n twice`);
      }
      refuses(given({ reserves: new Array(129).fill(rows.reserves[0]) }), "out-of-range", "reserves", "129");
      refuses(given({ reserves: [{ ...rows.reserves[0], id: 128n }] }), "out-of-range", "id", "128");
    }
    const liquidation = good.liquidationCall as Account, liquidate = (over: object) => () => call(revision, "liquidationCall", { ...liquidation, ...over });
    for (const field of ["collateralReserveId", "debtReserveId"]) refuses(liquidate({ [field]: 4n }), "invalid-argument", field, "4n");
    const bits = revision < 8 ? 128n : 120n;
    refuses(liquidate({ reserves: [{ ...liquidation.reserves[0], scaledATokenBalance: 2n ** bits }] }), "out-of-range", `uint${bits}`);
  });

  test("operations of other revisions, and what an operation needs", () => {
    refuses(() => call(8, "math", { op: "rayMulFloor", a: 1n, b: 1n }), "invalid-argument", "op", "rayMulFloor");
    refuses(() => call(10, "math", { op: "percentDivFloor", a: 1n, b: 1n }), "invalid-argument", "op", "percentDivFloor");
    refuses(() => call(11, "math", { op: "toString", a: 1n, b: 1n }), "invalid-argument", "op");
    refuses(() => call(11, "math", { op: "wadMul", a: 1n }), "missing-field", "b, which wadMul needs");
    refuses(() => call(11, "math", { op: "mulDivCeil", a: 1n, b: 1n }), "missing-field", "c, which mulDivCeil needs");
    expect(call(11, "math", { op: "rayToWad", a: RAY })).toEqual({ reverts: false, result: WAD });
  });
});
