import fc from "fast-check";
import { comet } from "plimsoll/comet";
import { describe, expect, test, vi } from "vitest";
import { WAD, runs, uintOf } from "./arbitraries.js";
import { Tally, atLeast0, between, nudge, record, refusalTests, refuses, said, vectorTests } from "./contracts.js";
import * as reference from "./reference/comet.js";

vi.setConfig({ testTimeout: 120_000 });

const RUNS = 3000;
const OVERFLOW = "reverts: Panic(0x11) arithmetic over/underflow", DIVISION = "reverts: Panic(0x12) division by zero";
const INDEX = 10n ** 15n, YEAR = 31_536_000n;
const intOf = (bits: number) => uintOf(bits).map((x) => BigInt.asIntN(bits, x));

/** Figures as the chain has them, beside any that their types hold. */
const principal = [fc.oneof({ weight: 5, arbitrary: between(-(10n ** 14n), -1n) }, { weight: 1, arbitrary: between(0n, 10n ** 14n) }), intOf(104)] as const;
const index = [between(INDEX, 2n * INDEX), uintOf(64)] as const, scale = [fc.constantFrom(10n ** 6n, 10n ** 8n, WAD), uintOf(64)] as const;
const price = [between(1n, 10n ** 13n), intOf(256)] as const, factor = [between(0n, WAD), uintOf(64)] as const;
const rate = [between(0n, WAD / YEAR), uintOf(64)] as const, total = [between(0n, 10n ** 24n), uintOf(104)] as const;
const lastAccrualTime = [between(0n, 2n ** 32n), uintOf(40)] as const, timestamp = [between(2n ** 32n, 2n ** 33n), uintOf(256)] as const;

const asset = record({
  balance: [between(0n, 10n ** 22n), uintOf(128)], price, scale, borrowCollateralFactor: factor, liquidateCollateralFactor: factor, liquidationFactor: factor,
});
type Factor = "borrowCollateralFactor" | "liquidateCollateralFactor";

/** What the assets count for, as if nothing could revert. */
const weighted = (assets: readonly reference.Asset[], by: Factor) => (
  assets.reduce((sum, one) => sum + (((one.balance * one.price) / (one.scale || 1n)) * one[by]) / WAD, 0n)
);

/** An account as it is, or one that owes just what its assets count for, one unit less or more. */
const account = (by: Factor): fc.Arbitrary<reference.Account> => fc.tuple(
  record({ principal, baseSupplyIndex: index, baseBorrowIndex: index, basePrice: price, baseScale: scale }), fc.array(asset, { maxLength: 6 }), fc.boolean(), nudge,
).map(([x, assets, onTheLine, d]) => {
  const owed = weighted(assets, by) + d;
  if (!onTheLine || owed < 0n || owed > 2n ** 103n) return { ...x, assets };
  return { ...x, assets, principal: -owed, baseBorrowIndex: INDEX, basePrice: 10n ** 8n, baseScale: 10n ** 8n };
});

const totals = record({ totalSupplyBase: total, totalBorrowBase: [between(10n ** 24n, 10n ** 25n), uintOf(104)] as const });
const rates = record({
  supplyKink: factor, supplyPerSecondInterestRateSlopeLow: rate, supplyPerSecondInterestRateSlopeHigh: rate, supplyPerSecondInterestRateBase: rate,
  borrowKink: factor, borrowPerSecondInterestRateSlopeLow: rate, borrowPerSecondInterestRateSlopeHigh: rate, borrowPerSecondInterestRateBase: rate,
});
const times = fc.tuple(record({ lastAccrualTime, timestamp }), fc.constantFrom(undefined, -1n, 0n, 1n, 3600n, YEAR))
  .map(([x, later]) => (later === undefined ? x : { ...x, timestamp: atLeast0(x.lastAccrualTime + later) }));

vectorTests("comet", comet, reference, 2928);

describe("against the reference", () => {
  function judges(verdict: string, by: Factor, library: (x: reference.Account) => object, rule: (x: reference.Account) => object): void {
    test(verdict, () => {
      const tally = new Tally();
      fc.assert(fc.property(account(by), (x) => {
        const expected = said(() => rule(x));
        tally.count(expected, verdict);
        expect(library(x)).toEqual(expected);
      }), runs(3 * RUNS));
      tally.saw(`returns ${verdict} true`, `returns ${verdict} false`, "reverts: BadPrice()", OVERFLOW, DIVISION);
    });
  }
  judges("liquidatable", "liquidateCollateralFactor", comet.isLiquidatable, reference.isLiquidatable);
  judges("collateralized", "borrowCollateralFactor", comet.isBorrowCollateralized, reference.isBorrowCollateralized);

  test("accrue", () => {
    const tally = new Tally();
    fc.assert(fc.property(record({ baseSupplyIndex: index, baseBorrowIndex: index, totalSupplyBase: total, totalBorrowBase: total }), times, rates, fc.boolean(), nudge, (indexes, when, curves, kinked, d) => {
      let x = { ...indexes, ...when, ...curves };
      const { utilization } = said(() => reference.accrue(x)) as { utilization?: bigint };
      if (kinked && utilization !== undefined) x = { ...x, supplyKink: atLeast0(utilization + d, 64), borrowKink: atLeast0(utilization - d, 64) };
      const expected = said(() => reference.accrue(x));
      tally.count(expected);
      tally.count({ accrues: "utilization" in expected }, "accrues");
      expect(comet.accrue(x)).toEqual(expected);
    }), runs(3 * RUNS));
    tally.saw("returns accrues true", "returns accrues false", "reverts: TimestampTooLarge()", "reverts: InvalidUInt64()", OVERFLOW);
  });

  /** One whose collateral does not count until it is seized, and then for more than it is worth. */
  const windfall = fc.tuple(account("liquidateCollateralFactor"), fc.array(fc.tuple(asset, uintOf(128), uintOf(255)), { minLength: 1, maxLength: 3 }), fc.boolean()).map(([x, some, cheap]) => ({
    ...x,
    ...(cheap ? { basePrice: 1n } : {}),
    assets: some.map(([one, balance, of]) => ({ ...one, balance, price: (of || 1n) / (cheap ? balance || 1n : 2n ** 140n) || 1n, liquidateCollateralFactor: 0n, liquidationFactor: 2n ** 64n - 1n })),
  }));

  /** One whose collateral pays for 2^63 times `value`. */
  const seizes = (value: bigint): reference.Account => ({
    principal: -(2n ** 64n), baseSupplyIndex: INDEX, baseBorrowIndex: INDEX, basePrice: 1n, baseScale: 2n ** 63n,
    assets: [{ balance: 1n, price: value, scale: 1n, borrowCollateralFactor: 0n, liquidateCollateralFactor: 0n, liquidationFactor: WAD }],
  });

  test("absorb", () => {
    const tally = new Tally();
    fc.assert(fc.property(fc.oneof(account("liquidateCollateralFactor"), windfall), totals, (x, sums) => {
      const before = { ...x, ...sums }, expected = said(() => reference.absorb(before));
      tally.count(expected);
      if ("newPrincipal" in expected) tally.count({ supplies: expected.newPrincipal !== 0n }, "supplies");
      expect(comet.absorb(before)).toEqual(expected);
    }), { ...runs(5 * RUNS), examples: [[seizes(2n ** 192n), { totalSupplyBase: 0n, totalBorrowBase: 0n }], [seizes(2n ** 192n - 1n), { totalSupplyBase: 0n, totalBorrowBase: 0n }]] });
    tally.saw("returns supplies true", "returns supplies false", "reverts: NotLiquidatable()", "reverts: BadPrice()", OVERFLOW, DIVISION);
    tally.saw("reverts: InvalidUInt104()", "reverts: InvalidInt104()", "reverts: InvalidInt256()");
  });

  test("absorbAccrued", () => {
    const tally = new Tally();
    fc.assert(fc.property(account("liquidateCollateralFactor"), totals, times, rates, (x, sums, when, curves) => {
      const before = { ...x, ...sums, ...when, rates: curves }, expected = said(() => reference.absorbAccrued(before));
      tally.count(expected, "isLiquidatableStored", "absorbs");
      if ("reason" in expected) tally.count({ because: expected.reason }, "because");
      expect(comet.absorbAccrued(before)).toEqual(expected);
    }), runs(4 * RUNS));
    for (const stored of [true, false]) for (const absorbs of [true, false]) tally.saw(`returns isLiquidatableStored ${stored} absorbs ${absorbs}`);
    tally.saw("returns because NotLiquidatable()", "returns because TimestampTooLarge()", "returns because InvalidUInt64()", "reverts: BadPrice()");
  });

  test("quoteCollateral", () => {
    const tally = new Tally();
    fc.assert(fc.property(record({
      baseAmount: [between(0n, 10n ** 24n), uintOf(256)], basePrice: price, assetPrice: price, baseScale: scale, assetScale: scale, liquidationFactor: factor,
      storeFrontPriceFactor: factor,
    }), (x) => {
      const expected = said(() => reference.quoteCollateral(x));
      tally.count(expected);
      expect(comet.quoteCollateral(x)).toEqual(expected);
    }), runs(2 * RUNS));
    tally.saw("returns", "reverts: BadPrice()", OVERFLOW, DIVISION);
  });
});

describe("what the contract does not look at", () => {
  const one: reference.Asset = {
    balance: 100n * WAD, price: 10n ** 8n, scale: WAD, borrowCollateralFactor: (8n * WAD) / 10n, liquidateCollateralFactor: (9n * WAD) / 10n, liquidationFactor: (95n * WAD) / 100n,
  };
  const borrower = { principal: -80n * 10n ** 6n, baseSupplyIndex: INDEX, baseBorrowIndex: INDEX, basePrice: 10n ** 8n, baseScale: 10n ** 6n, assets: [one] };
  const unpriced = { ...one, price: 0n };

  test("prices of the assets after those that suffice", () => {
    expect(comet.isLiquidatable({ ...borrower, assets: [one, unpriced] })).toEqual({ reverts: false, liquidatable: false });
    expect(comet.isLiquidatable({ ...borrower, assets: [unpriced, one] })).toEqual({ reverts: true, reason: "BadPrice()" });
    expect(comet.isLiquidatable({ ...borrower, principal: -91n * 10n ** 6n, assets: [one, unpriced] })).toEqual({ reverts: true, reason: "BadPrice()" });
  });

  test("any price where nothing is borrowed", () => {
    const supplier = { ...borrower, principal: 0n, basePrice: -1n, assets: [unpriced] };
    expect(comet.isLiquidatable(supplier)).toEqual({ reverts: false, liquidatable: false });
    expect(comet.isBorrowCollateralized(supplier)).toEqual({ reverts: false, collateralized: true });
  });

  test("a debt of less than a unit of value", () => {
    const crumb = { ...borrower, principal: -1n, basePrice: 10n ** 8n - 1n, baseScale: 10n ** 8n, assets: [] };
    expect(comet.isLiquidatable(crumb)).toEqual({ reverts: false, liquidatable: false });
    expect(comet.isLiquidatable({ ...crumb, basePrice: 10n ** 8n })).toEqual({ reverts: false, liquidatable: true });
  });

  test("twenty-four assets, every one of which counts", () => {
    const assets = Array.from({ length: 24 }, (_, offset) => ({ ...one, offset: BigInt(offset), balance: one.balance / 24n + BigInt(offset) }));
    const sum = weighted(assets, "liquidateCollateralFactor"), x = { ...borrower, basePrice: 10n ** 8n, baseScale: 10n ** 8n, assets };
    expect(comet.isLiquidatable({ ...x, principal: -sum })).toEqual({ reverts: false, liquidatable: false });
    expect(comet.isLiquidatable({ ...x, principal: -sum - 1n })).toEqual({ reverts: false, liquidatable: true });
    const before = {
      ...x, principal: -sum, totalSupplyBase: 10n ** 20n, totalBorrowBase: 10n ** 20n, lastAccrualTime: 0n, timestamp: YEAR,
      rates: {
        supplyKink: WAD, supplyPerSecondInterestRateSlopeLow: 10n ** 9n, supplyPerSecondInterestRateSlopeHigh: 0n, supplyPerSecondInterestRateBase: 0n,
        borrowKink: WAD, borrowPerSecondInterestRateSlopeLow: 10n ** 9n, borrowPerSecondInterestRateSlopeHigh: 0n, borrowPerSecondInterestRateBase: 10n ** 9n,
      },
    };
    const answer = comet.absorbAccrued(before);
    expect(answer).toMatchObject({ isLiquidatableStored: false, absorbs: true });
    expect(answer).toEqual(said(() => reference.absorbAccrued(before)));
    refuses(() => comet.isLiquidatable({ ...x, assets: [...assets, one] }), "out-of-range", "comet.isLiquidatable: assets", "24");
  });
});

describe("inputs", () => {
  const one = { offset: 1n, balance: 1n, price: 1n, scale: 1n, borrowCollateralFactor: 1n, liquidateCollateralFactor: 1n, liquidationFactor: 1n };
  const account = { principal: 1n, baseSupplyIndex: 1n, baseBorrowIndex: 1n, basePrice: 1n, baseScale: 1n, assets: [one, one] };
  const sums = { totalSupplyBase: 1n, totalBorrowBase: 1n }, when = { lastAccrualTime: 1n, timestamp: 1n };
  const curves = {
    supplyKink: 1n, supplyPerSecondInterestRateSlopeLow: 1n, supplyPerSecondInterestRateSlopeHigh: 1n, supplyPerSecondInterestRateBase: 1n,
    borrowKink: 1n, borrowPerSecondInterestRateSlopeLow: 1n, borrowPerSecondInterestRateSlopeHigh: 1n, borrowPerSecondInterestRateBase: 1n,
  };
  refusalTests("comet", comet, {
    isLiquidatable: account, isBorrowCollateralized: account, absorb: { ...account, ...sums }, absorbAccrued: { ...account, ...sums, ...when, rates: curves },
    accrue: { baseSupplyIndex: 1n, baseBorrowIndex: 1n, ...sums, ...when, ...curves },
    quoteCollateral: { baseAmount: 1n, basePrice: 1n, assetPrice: 1n, baseScale: 1n, assetScale: 1n, liquidationFactor: 1n, storeFrontPriceFactor: 1n },
  }, {
    principal: "int104", baseSupplyIndex: "uint64", baseBorrowIndex: "uint64", basePrice: "int256", assetPrice: "int256", price: "int256",
    baseScale: "uint64", assetScale: "uint64", scale: "uint64", offset: "uint8?", balance: "uint128",
    borrowCollateralFactor: "uint64", liquidateCollateralFactor: "uint64", liquidationFactor: "uint64", storeFrontPriceFactor: "uint64",
    totalSupplyBase: "uint104", totalBorrowBase: "uint104", lastAccrualTime: "uint40",
    ...Object.fromEntries(Object.keys(curves).map((name) => [name, "uint64" as const])),
  });
});
