import fc from "fast-check";
import { compoundV2, compoundV2HalfUp } from "plimsoll/compound-v2";
import { describe, expect, test, vi } from "vitest";
import { MAX256, WAD, runs, uintOf } from "./arbitraries.js";
import { Tally, atLeast0, between, nudge, record, refusalTests, refuses, said, vectorTests } from "./contracts.js";
import * as reference from "./reference/compound-v2.js";

vi.setConfig({ testTimeout: 120_000 });

const RUNS = 3000;
const OVERFLOW = "reverts: Panic(0x11) arithmetic over/underflow", DIVISION = "reverts: Panic(0x12) division by zero";
const u256 = uintOf(256);

/** Figures as the chain has them. */
const usual = {
  factor: between(0n, (9n * WAD) / 10n), exchangeRate: between(10n ** 14n, 10n ** 28n), price: between(10n ** 10n, 10n ** 32n),
  tokens: between(0n, 10n ** 16n), amount: between(0n, 10n ** 26n), incentive: between(WAD, (12n * WAD) / 10n),
  rate: between(0n, 5n * 10n ** 12n), index: between(WAD, 10n * WAD), block: between(0n, 30_000_000n),
};
const any = <T>(arbitrary: fc.Arbitrary<T>) => [arbitrary, u256] as const;

vectorTests("compound-v2", compoundV2, reference, 2936);

const VARIANTS = [["compoundV2", compoundV2, "truncate"], ["compoundV2HalfUp", compoundV2HalfUp, "half-up"]] as const;

describe.each(VARIANTS)("%s against the reference", (_, library, rounding) => {
  const asset = record({
    collateralFactorMantissa: any(usual.factor), exchangeRateMantissa: any(usual.exchangeRate), oraclePriceMantissa: any(usual.price),
    cTokenBalance: any(usual.tokens), borrowBalance: any(usual.amount),
  });
  /** One that counts for, or owes, exactly so much. */
  const holds = (tokens: bigint) => (
    { collateralFactorMantissa: WAD, exchangeRateMantissa: WAD, oraclePriceMantissa: WAD, cTokenBalance: tokens, borrowBalance: 0n }
  );
  const owes = (borrowBalance: bigint) => ({ ...holds(0n), borrowBalance });

  test("accountLiquidity", () => {
    const tally = new Tally();
    fc.assert(fc.property(fc.array(asset, { maxLength: 6 }), fc.constantFrom("as it is", "on the line", "without a price"), nudge, fc.nat(), (some, edge, d, at) => {
      let assets = some;
      if (edge === "without a price") assets = assets.map((one, i) => (i === at % assets.length ? { ...one, oraclePriceMantissa: 0n } : one));
      if (edge === "on the line") {
        const sums = said(() => reference.accountLiquidity({ assets }, rounding)) as Partial<reference.Liquidity>;
        if (sums.error === 0n) assets = [...assets, sums.liquidity ? owes(atLeast0(sums.liquidity + d)) : holds(atLeast0(sums.shortfall! + d))];
      }
      const expected = said(() => reference.accountLiquidity({ assets }, rounding));
      tally.count(expected, "error");
      if ("shortfall" in expected) tally.count({ is: expected.shortfall === 1n ? "one short" : expected.shortfall ? "short" : "not short" }, "is");
      expect(library.accountLiquidity({ assets })).toEqual(expected);
    }), runs(2 * RUNS));
    tally.saw("returns error 0", "returns error 13", "returns is one short", "returns is short", "returns is not short");
    tally.saw(rounding === "truncate" ? OVERFLOW : "returns error 11");
  });

  test("accountLiquidity of as many assets as one call takes", () => {
    const assets = Array.from({ length: 1638 }, (_, i) => ({
      collateralFactorMantissa: BigInt(i) * 10n ** 14n + 7n, exchangeRateMantissa: 2n * 10n ** 16n + BigInt(i), oraclePriceMantissa: 10n ** 30n + BigInt(i),
      cTokenBalance: 10n ** 9n + BigInt(i), borrowBalance: BigInt(i * i),
    }));
    expect(library.accountLiquidity({ assets })).toEqual(said(() => reference.accountLiquidity({ assets }, rounding)));
    refuses(() => library.accountLiquidity({ assets: [...assets, ...assets] }), "out-of-range", "assets", "1638");
  });

  test("seizeTokens", () => {
    const tally = new Tally();
    fc.assert(fc.property(record({
      liquidationIncentiveMantissa: any(usual.incentive), priceBorrowedMantissa: any(usual.price), priceCollateralMantissa: any(usual.price),
      exchangeRateMantissa: any(usual.exchangeRate), actualRepayAmount: any(usual.amount),
    }), (x) => {
      const expected = said(() => reference.seizeTokens(x, rounding));
      tally.count(expected, "error");
      expect(library.seizeTokens(x)).toEqual(expected);
    }), { ...runs(2 * RUNS), examples: [
      [{ liquidationIncentiveMantissa: WAD, priceBorrowedMantissa: 1n, priceCollateralMantissa: 1n, exchangeRateMantissa: WAD / 2n - 1n, actualRepayAmount: 1n }],
    ] });
    tally.saw("returns error 0", "returns error 13");
    tally.saw(...(rounding === "truncate" ? [OVERFLOW, DIVISION] : ["returns error 11"]));
  });
});

describe("the two roundings", () => {
  const asset = { collateralFactorMantissa: 1n, exchangeRateMantissa: WAD / 2n, oraclePriceMantissa: WAD, cTokenBalance: WAD, borrowBalance: 0n };

  test("a half is a whole before a5591d5, and nothing since", () => {
    const none = { reverts: false, error: 0n, liquidity: 0n, shortfall: 0n };
    expect(compoundV2HalfUp.accountLiquidity({ assets: [asset] })).toEqual({ ...none, liquidity: 1n });
    expect(compoundV2.accountLiquidity({ assets: [asset] })).toEqual(none);
    for (const library of [compoundV2, compoundV2HalfUp]) {
      expect(library.accountLiquidity({ assets: [{ ...asset, exchangeRateMantissa: WAD / 2n - 1n }] })).toEqual(none);
      // nor is the value of what is held rounded up, or that of what is owed
      expect(library.accountLiquidity({ assets: [{ ...asset, exchangeRateMantissa: WAD, cTokenBalance: WAD - 1n, oraclePriceMantissa: 1n, borrowBalance: WAD - 1n }] })).toEqual(none);
    }
  });

  test("what fails in the arithmetic is an error before a5591d5, and reverts since", () => {
    const assets = [asset, { ...asset, collateralFactorMantissa: MAX256 }];
    const seize = { liquidationIncentiveMantissa: WAD, priceBorrowedMantissa: WAD, priceCollateralMantissa: 1n, exchangeRateMantissa: 0n, actualRepayAmount: 1n };
    expect(compoundV2HalfUp.accountLiquidity({ assets })).toEqual({ reverts: false, error: 11n, liquidity: 0n, shortfall: 0n });
    expect(compoundV2HalfUp.seizeTokens(seize)).toEqual({ reverts: false, error: 11n, seizeTokens: 0n });
    expect(compoundV2.accountLiquidity({ assets })).toEqual({ reverts: true, reason: "Panic(0x11) arithmetic over/underflow" });
    expect(compoundV2.seizeTokens(seize)).toEqual({ reverts: true, reason: "Panic(0x12) division by zero" });
  });

  test("an asset without a price ends it: what comes after does not matter, an overflow before does", () => {
    const wide = { ...asset, cTokenBalance: MAX256, collateralFactorMantissa: WAD }, unpriced = { ...asset, oraclePriceMantissa: 0n };
    const error = { reverts: false, liquidity: 0n, shortfall: 0n };
    expect(compoundV2.accountLiquidity({ assets: [unpriced, wide] })).toEqual({ ...error, error: 13n });
    expect(compoundV2.accountLiquidity({ assets: [wide, unpriced] })).toMatchObject({ reverts: true });
    expect(compoundV2HalfUp.accountLiquidity({ assets: [unpriced, wide] })).toEqual({ ...error, error: 13n });
    expect(compoundV2HalfUp.accountLiquidity({ assets: [wide, unpriced] })).toEqual({ ...error, error: 11n });
  });
});

describe("a market against the reference", () => {
  test("accrue", () => {
    const tally = new Tally(), edges = fc.constantFrom("as it is", "same block", "next", "rate");
    fc.assert(fc.property(record({
      totalBorrows: any(usual.amount), totalReserves: any(usual.amount), borrowIndex: any(usual.index), borrowRateMantissa: any(usual.rate),
      accrualBlockNumber: any(usual.block), blockNumber: any(usual.block), reserveFactorMantissa: any(usual.factor), cash: any(usual.amount),
    }), edges, nudge, (some, edge, d) => {
      let x = some;
      if (edge === "same block") x = { ...x, blockNumber: x.accrualBlockNumber };
      if (edge === "next") x = { ...x, blockNumber: atLeast0(x.accrualBlockNumber + 1n + d) };
      if (edge === "rate") x = { ...x, borrowRateMantissa: 5n * 10n ** 12n + d, blockNumber: atLeast0(x.accrualBlockNumber + 10n) };
      const expected = said(() => reference.accrue(x));
      tally.count(expected);
      tally.count({ accrues: "interestAccumulated" in expected }, "accrues");
      expect(compoundV2.accrue(x)).toEqual(expected);
    }), runs(2 * RUNS));
    tally.saw("returns", OVERFLOW, "reverts: borrow rate is absurdly high", "returns accrues true", "returns accrues false");
  });

  test("exchangeRate", () => {
    const tally = new Tally();
    fc.assert(fc.property(record({
      cash: any(usual.amount), totalBorrows: any(usual.amount), totalReserves: any(between(0n, 10n ** 24n)), totalSupply: any(usual.tokens),
      initialExchangeRateMantissa: any(usual.exchangeRate),
    }), fc.constantFrom("as it is", "no supply", "reserves"), nudge, (some, edge, d) => {
      let x = some;
      if (edge === "no supply") x = { ...x, totalSupply: 0n };
      if (edge === "reserves") x = { ...x, totalReserves: atLeast0(x.cash + x.totalBorrows + d) };
      const expected = said(() => reference.exchangeRate(x));
      tally.count(expected);
      expect(compoundV2.exchangeRate(x)).toEqual(expected);
    }), runs(RUNS));
    tally.saw("returns", OVERFLOW);
  });

  test("borrowBalance", () => {
    const tally = new Tally();
    fc.assert(fc.property(record({ principal: any(usual.amount), borrowIndex: any(usual.index), interestIndex: any(usual.index) }), (x) => {
      const expected = said(() => reference.borrowBalance(x));
      tally.count(expected);
      expect(compoundV2.borrowBalance(x)).toEqual(expected);
    }), { ...runs(RUNS), examples: [[{ principal: 0n, borrowIndex: MAX256, interestIndex: 0n }]] });
    tally.saw("returns", OVERFLOW, DIVISION);
  });

  const market = record({
    cash: any(usual.amount), borrows: any(usual.amount), reserves: any(between(0n, 10n ** 24n)), baseRatePerBlock: any(usual.rate), multiplierPerBlock: any(usual.rate),
  });
  const jump = record({ kink: any(between(0n, WAD)), jumpMultiplierPerBlock: any(usual.rate) });

  test.each([["jump", true], ["whitepaper", false]])("borrowRate of the %s model", (_, jumps) => {
    const tally = new Tally();
    fc.assert(fc.property(market, jump, fc.constantFrom("as it is", "kink", "all lent"), nudge, (some, curve, edge, d) => {
      const base = edge === "all lent" ? { ...some, reserves: atLeast0(some.cash + some.borrows + d) } : some;
      let x: reference.BorrowRateInput = jumps ? { ...base, ...curve } : base;
      const { utilizationRate } = said(() => reference.borrowRate(x)) as { utilizationRate?: bigint };
      if (jumps && edge === "kink" && utilizationRate !== undefined) x = { ...x, kink: atLeast0(utilizationRate + d) };
      const expected = said(() => reference.borrowRate(x));
      tally.count(expected);
      expect(compoundV2.borrowRate(x)).toEqual(expected);
    }), runs(2 * RUNS));
    tally.saw("returns", OVERFLOW, DIVISION);
  });
});

describe("inputs", () => {
  const asset = { collateralFactorMantissa: 1n, exchangeRateMantissa: 1n, oraclePriceMantissa: 1n, cTokenBalance: 1n, borrowBalance: 1n };
  const whitepaper = { cash: 1n, borrows: 1n, reserves: 1n, baseRatePerBlock: 1n, multiplierPerBlock: 1n };
  const good = {
    accountLiquidity: { assets: [asset, asset] },
    accrue: {
      cash: 1n, totalBorrows: 1n, totalReserves: 1n, borrowIndex: 1n, borrowRateMantissa: 1n, accrualBlockNumber: 1n, blockNumber: 1n, reserveFactorMantissa: 1n,
    },
    exchangeRate: { cash: 1n, totalBorrows: 1n, totalReserves: 1n, totalSupply: 1n, initialExchangeRateMantissa: 1n },
    borrowBalance: { principal: 1n, borrowIndex: 1n, interestIndex: 1n },
    borrowRate: { ...whitepaper, kink: 1n, jumpMultiplierPerBlock: 1n, baseRatePerYear: 1n, multiplierPerYear: 1n, jumpMultiplierPerYear: 1n },
    seizeTokens: { liquidationIncentiveMantissa: 1n, priceBorrowedMantissa: 1n, priceCollateralMantissa: 1n, exchangeRateMantissa: 1n, actualRepayAmount: 1n },
  };
  refusalTests("compoundV2", compoundV2, good, {
    "compoundV2.accrue.cash": "uint256?", baseRatePerYear: "uint256?", multiplierPerYear: "uint256?", jumpMultiplierPerYear: "uint256?",
  });

  test("a kink and its multiplier come together, or not at all", () => {
    compoundV2.borrowRate(whitepaper);
    refuses(() => compoundV2.borrowRate({ ...whitepaper, kink: 1n }), "missing-field", "jumpMultiplierPerBlock");
    refuses(() => compoundV2.borrowRate({ ...whitepaper, jumpMultiplierPerBlock: 1n }), "missing-field", "lacks kink");
  });

  test("errors name the variant that was called", () => {
    refuses(() => compoundV2HalfUp.accountLiquidity({ assets: [{ ...asset, cTokenBalance: -1n }] }), "out-of-range", "compoundV2HalfUp.accountLiquidity: assets[0]: cTokenBalance");
    refuses(() => compoundV2HalfUp.seizeTokens({ ...good.seizeTokens, actualRepayAmount: MAX256 + 1n }), "out-of-range", "compoundV2HalfUp.seizeTokens: actualRepayAmount");
  });
});
