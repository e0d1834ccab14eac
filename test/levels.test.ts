import fc from "fast-check";
import { type LevelQuery, type Levels, openBook } from "plimsoll";
import { liquityV1 } from "plimsoll/liquity-v1";
import { liquityV2 } from "plimsoll/liquity-v2";
import { morpho } from "plimsoll/morpho";
import { describe, expect, test, vi } from "vitest";
import { type Adapter, AccountTwin, aave, account, cometAdapter, compound, openAny } from "./account-twin.js";
import { onTheLine, priceOnTheLine, randomAccount, randomCategory, randomMarket, strange } from "./account-worlds.js";
import { Dice, MAX128, MAX256, RAY, WAD, runs, seed } from "./arbitraries.js";
import * as liquityReference from "./reference/liquity-v1.js";
import * as liquityV2Reference from "./reference/liquity-v2.js";
import * as morphoReference from "./reference/morpho.js";
import { outcome } from "./reference/solidity.js";
import { type Counted, type Figures, Twin, dump, keyOf, naiveLevels, open, usualMarket } from "./twin.js";

vi.setConfig({ testTimeout: 240_000 });

const STEPS = [2, 3, 7, 40, 100];

// ---- Vaults

/** Figures of a market: of an ilk, or of the strangest. */
function figures(dice: Dice): Partial<Figures> {
  const usual = { mat: (RAY * BigInt(100 + dice.below(200))) / 100n, rate: RAY + dice.uint(80), duty: RAY + dice.uint(60), rho: BigInt(dice.below(100)) };
  const edge = () => dice.pick([0n, 1n, 2n, RAY, MAX128, MAX128 + 1n, 2n ** 200n, MAX256, dice.uint(256)]);
  switch (dice.below(8)) {
    case 0: return { ...usual, mat: edge() };
    case 1: return { ...usual, rate: edge() };
    case 2: return { ...usual, duty: edge() };
    default: return usual;
  }
}

/** Amounts whose line is at a price, or a unit beside it; dust, extremes, nothing. */
function amounts(dice: Dice, price: bigint, { mat, rate }: Pick<Figures, "mat" | "rate">, par: bigint): [ink: bigint, art: bigint] {
  const ink = dice.pick([1n, WAD, 10n * WAD + dice.uint(70), dice.uint(128), MAX128]), clip = (x: bigint) => (x < 0n ? 0n : x > MAX128 ? MAX128 : x);
  if (dice.chance(0.1)) return dice.pick([[0n, 0n], [0n, 1n], [1n, 0n], [MAX128, MAX128], [1n, MAX128], [MAX128, 1n], [dice.uint(128), dice.uint(128)]] as [bigint, bigint][]);
  const spot = par && mat ? (((price * 10n ** 36n) / par) * RAY) / mat : 0n;
  return [ink, clip((rate ? (ink * spot) / rate : dice.uint(128)) + BigInt(dice.below(3) - 1))];
}

const near = (dice: Dice, price: bigint) => (price * BigInt(500 + dice.below(1000))) / 1000n;
const least = (x: bigint) => (x > MAX256 ? MAX256 : x);

describe("levels of a market of vaults, against a naive book", () => {
  test("any vaults, any prices, falling and rising, stored and accrued", () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), twin = new Twin(), par = dice.chance(0.9) ? RAY : dice.pick([0n, 1n, MAX256, dice.uint(256)]);
      twin.setSystem({ par, base: dice.chance(0.8) ? 0n : dice.uint(60) });
      const price = dice.pick([1n, 3n, 10n ** 9n, 2000n * WAD + dice.uint(60), dice.uint(128)]), others = dice.below(3);
      for (let market = 0; market <= others; ++market) {
        twin.addMarket({ ...figures(dice), spot: dice.uint(100) });
        twin.load(market, Array.from({ length: dice.pick([0, 1, 63, 64, 65, 300]) }, () => amounts(dice, near(dice, price), twin.markets[market]!, par)));
      }
      for (let i = 0; i < 6; ++i) {
        const market = dice.below(others + 1), ids = [...twin.vaults.keys()];
        if (dice.chance(0.5)) twin.scan(dice.chance(0.5) ? { since: "last" } : {}); // zones
        if (ids.length && dice.chance(0.3)) twin.remove(dice.pick(ids));
        if (ids.length && dice.chance(0.3)) {
          const [ink, art] = amounts(dice, near(dice, price), twin.markets[market]!, par), id = dice.pick(ids);
          if (twin.vaults.has(id)) twin.update(id, { ink, art });
        }
        if (dice.chance(0.3)) twin.setMarket(market, { spot: dice.pick([0n, dice.uint(100), MAX256]) });
        const end = () => dice.pick([0n, 1n, price, near(dice, price), near(dice, price), least(price * 2n), price + BigInt(dice.below(50)), MAX256, MAX256 / 10n ** 36n, 2n ** 200n, dice.uint(256)]);
        twin.levels(market, { from: end(), to: end(), steps: dice.pick(STEPS), ...(dice.chance(0.3) ? { at: dice.pick([0n, 50n, 1000n, 10n ** 9n]) } : {}) });
        if (dice.chance(0.2)) twin.columns();
      }
    }), runs(150));
  });

  test("prices on the lines of many vaults that are alike, and a unit beside them", () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), twin = new Twin(), mat = (RAY * 145n) / 100n, rate = RAY + (dice.chance(0.5) ? dice.uint(80) : 0n), price = 2000n * WAD + dice.uint(66);
      twin.setSystem({ par: RAY });
      twin.addMarket({ mat, rate, spot: RAY });
      const [ink, art] = amounts(dice, price, { mat, rate }, RAY);
      twin.load(0, Array.from({ length: 100 }, (_, i) => [ink, art > 2n ? art - BigInt(i % 3) : art] as [bigint, bigint]));
      twin.load(0, Array.from({ length: 1500 }, () => amounts(dice, price + BigInt(dice.below(200) - 100), { mat, rate }, RAY)));
      for (const width of [0n, 1n, 5n, 100n, 10n ** 9n]) for (const [from, to] of [[price + width, price - width], [price - width, price + width]] as const) {
        twin.levels(0, { from, to, steps: dice.pick(STEPS) });
      }
    }), runs(8));
  });
});

describe("what is not monotone", () => {
  test("a price whose spot is 0 endangers nothing, and one that cannot be poked neither", () => {
    const twin = new Twin(), mat = 2n * 10n ** 36n; // a val of 2 has a spot of 1
    twin.setSystem({ par: RAY });
    twin.addMarket({ mat, rate: RAY, spot: RAY });
    twin.load(0, [[WAD, 1n], [WAD, WAD], [0n, 1n], [WAD, 0n], [10n ** 30n, 4n * 10n ** 3n]]);
    for (const [from, to] of [[0n, 8n], [8n, 0n]] as const) {
      twin.levels(0, { from, to, steps: 9 });
      const { prices, cumulative, bins } = twin.book.levels(0, { from, to, steps: 9 }), i = prices.indexOf(1n);
      expect(cumulative.vaults[i]).toBe(0);
      expect(cumulative.vaults[prices.indexOf(2n)]).toBeGreaterThan(0);
      if (!from) expect(bins.vaults[prices.indexOf(2n)]).toBe(cumulative.vaults[prices.indexOf(2n)]);
    }
    const most = MAX256 / 10n ** 36n; // beyond it val·1e9·RAY overflows
    for (const [from, to] of [[most - 2n, most + 3n], [most + 3n, most - 2n], [0n, MAX256], [MAX256, 0n]] as const) twin.levels(0, { from, to, steps: 6 });
    expect(() => twin.book.levels(0, { from: most + 1n, to: MAX256, steps: 6 })).toThrow(expect.objectContaining({ code: "reverts" }));
  });

  test("debts beyond 128 bits, debts that overflow, spots beyond 128 bits", () => {
    const twin = new Twin();
    twin.setSystem({ par: RAY });
    for (const rate of [2n ** 128n - 1n, 2n ** 128n, 2n ** 160n, 2n ** 200n, MAX256, 0n]) {
      const market = twin.addMarket({ mat: RAY, rate, spot: RAY });
      twin.load(market, [[1n, MAX128], [1n, 1n], [WAD, WAD], [MAX128, MAX128], [0n, MAX128], [1n, 2n ** 96n], [1n, 2n ** 96n - 1n], [0n, 1n]]);
      for (const [from, to] of [[1n, 2n ** 128n], [2n ** 136n, 0n], [2n ** 119n, 2n ** 120n], [WAD, 0n]] as const) twin.levels(market, { from, to, steps: 20 });
    }
  });
});

// ---- Positions: debts that are shares

/** Random markets of a protocol, each with what its reference says of its positions. */
interface World {
  readonly book: { levels(market: number, query: LevelQuery): Levels; scan(query?: object): { readonly length: number } };
  /** What is unsafe at a price. */
  readonly unsafeAt: (price: bigint, at?: bigint) => ReadonlyMap<number, Counted>;
  /** A price near the lines of the positions. */
  readonly price: bigint;
}
const judged = <T>(rows: ReadonlyMap<number, T>, judge: (row: T) => (Counted & { readonly unsafe: boolean }) | { readonly reverts: true }) => {
  const unsafe = new Map<number, Counted>();
  for (const [id, row] of rows) {
    const seen = outcome(() => judge(row)) as Counted & { readonly unsafe?: boolean };
    if (seen.unsafe) unsafe.set(id, { collateral: seen.collateral, debt: seen.debt });
  }
  return unsafe;
};
const some = (dice: Dice) => dice.pick([1n, 1000n, WAD, 10n * WAD + dice.uint(66), dice.uint(100)]);

function openMorpho(dice: Dice): World {
  const book = openBook(morpho), price = dice.pick([10n ** 36n, 2000n * 10n ** 24n + dice.uint(70), dice.uint(126)]), lltv = 86n * WAD / 100n;
  const figures = {
    lltv, totalBorrowAssets: 10n ** 24n + dice.uint(80), totalBorrowShares: 10n ** 30n + dice.uint(90), totalSupplyAssets: 10n ** 26n, totalSupplyShares: 10n ** 32n, lastUpdate: 100n,
    fee: 0n, rateAtTarget: dice.uint(30),
  };
  const market = book.addMarket({ ...figures, price }), rows = new Map<number, { collateral: bigint; borrowShares: bigint }>();
  for (let i = 0; i < 150; ++i) {
    const collateral = some(dice), worth = near(dice, price) * collateral / 10n ** 36n * lltv / WAD;
    const row = { collateral, borrowShares: dice.chance(0.1) ? dice.pick([0n, 1n, MAX128]) : (worth * figures.totalBorrowShares / figures.totalBorrowAssets + BigInt(dice.below(3))) & MAX128 };
    rows.set(book.add(market, row), row);
  }
  return {
    book: book as never, price,
    unsafeAt(of, at) {
      const next = at === undefined ? figures : outcome(() => morphoReference.accrue({ ...figures, timestamp: at, irm: "adaptiveCurve" }));
      return judged(rows, (row) => {
        if ("reverts" in next) return next;
        const { healthy, borrowed } = morphoReference.isHealthy({ ...row, price: of, lltv, totalBorrowAssets: next.totalBorrowAssets, totalBorrowShares: figures.totalBorrowShares });
        return { unsafe: !healthy, collateral: row.collateral, debt: borrowed };
      });
    },
  };
}

function openLiquity(dice: Dice): World {
  const book = openBook(liquityV1), price = 2000n * WAD + dice.uint(66), debt = 10n ** 26n, L_ETH = dice.chance(0.5) ? dice.uint(50) : 0n, L_LUSDDebt = dice.chance(0.5) ? dice.uint(60) : 0n;
  // from a system far above recovery mode to one that is in it at every price of interest
  const figures = { L_ETH, L_LUSDDebt, activePoolETH: debt * BigInt(80 + dice.below(200)) / 100n * WAD / price, defaultPoolETH: dice.uint(70), activePoolLUSDDebt: debt, defaultPoolLUSDDebt: dice.uint(70) };
  const market = book.addMarket({ ...figures, price }), rows = new Map<number, Parameters<typeof liquityReference.icr>[0]>();
  for (let i = 0; i < 150; ++i) {
    const coll = some(dice), vault = { coll, debt: dice.chance(0.1) ? dice.pick([0n, 1n, MAX128]) : coll * near(dice, price) / WAD * 10n / BigInt(11 + dice.below(5)) & MAX128, stake: coll, snapshotETH: 0n, snapshotLUSDDebt: dice.chance(0.03) ? L_LUSDDebt + 1n : 0n };
    rows.set(book.add(market, vault), { ...vault, ...figures, status: 1n, price });
  }
  return {
    book: book as never, price,
    unsafeAt(of) {
      return judged(rows, (row) => {
        const { TCR, recoveryMode } = liquityReference.tcr({ ...figures, price: of }), { ICR, coll, debt: owed } = liquityReference.icr({ ...row, price: of }), MCR = 11n * WAD / 10n;
        return { unsafe: ICR < (recoveryMode && TCR > MCR ? TCR : MCR), collateral: coll, debt: owed };
      });
    },
  };
}

function openLiquityV2(dice: Dice): World {
  const book = openBook(liquityV2), price = 2000n * WAD + dice.uint(66), MCR = 11n * WAD / 10n;
  const terms = { L_coll: dice.uint(50), L_boldDebt: dice.uint(60), shutdownTime: dice.chance(0.2) ? 5000n : 0n, timestamp: dice.chance(0.5) ? 2000n : 0n };
  const market = book.addMarket({ ...terms, MCR, price }), rows = new Map<number, Omit<Parameters<typeof liquityV2Reference.icr>[0], "timestamp"> & { lastDebtUpdateTime: bigint }>();
  for (let i = 0; i < 150; ++i) {
    const coll = some(dice), debt = dice.chance(0.1) ? dice.pick([0n, 1n, MAX128]) : coll * near(dice, price) / WAD * 10n / 11n & MAX128;
    const vault = { coll, debt, stake: coll, snapshotColl: 0n, snapshotBoldDebt: 0n, annualInterestRate: BigInt(dice.below(1000)) * 10n ** 15n, lastDebtUpdateTime: BigInt(dice.below(dice.chance(0.5) ? 1000 : 2100)) };
    rows.set(book.add(market, vault), { ...vault, ...terms, MCR, price, batch: null } as never);
  }
  return {
    book: book as never, price,
    unsafeAt(of, at = terms.timestamp || undefined) {
      return judged(rows, (row) => {
        const { entireDebt: owed, entireColl, liquidatable } = liquityV2Reference.icr({ ...row, price: of, timestamp: at ?? row.lastDebtUpdateTime } as never);
        return { unsafe: liquidatable, collateral: entireColl, debt: owed };
      });
    },
  };
}

describe("levels of positions, against their references", () => {
  for (const [name, openWorld] of Object.entries({ morpho: openMorpho, "liquity v1": openLiquity, "liquity v2": openLiquityV2 })) test(name, () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), { book, unsafeAt, price } = openWorld(dice);
      for (let i = 0; i < 6; ++i) {
        const end = () => dice.pick([0n, 1n, price, near(dice, price), near(dice, price), price * 2n, price + BigInt(dice.below(50)), price / 100n, ...(dice.chance(0.2) ? [MAX256, 2n ** 128n, 2n ** 200n] : [])]);
        const query = { from: end(), to: end(), steps: dice.pick([2, 7, 40]), ...(dice.chance(0.3) ? { at: dice.pick([100n, 3000n, 6000n, 10n ** 8n]) } : {}) };
        if (dice.chance(0.5)) book.scan();
        const expected = naiveLevels(query, (of) => unsafeAt(of, query.at));
        let levels: Levels;
        try { levels = book.levels(0, query); } catch (error) { // where nothing can be evaluated
          expect([(error as { code?: string }).code, expected.cumulative.vaults.every((count) => !count)]).toEqual(["reverts", true]);
          continue;
        }
        expect(levels).toEqual(expected);
      }
    }), runs(15));
  });
});

// ---- Accounts

const ADAPTERS: readonly Adapter[] = [...([1, 4, 5, 6, 7, 8, 9, 10, 11] as const).map(aave), compound("truncate"), compound("half-up"), cometAdapter];
const TIMES = [0n, 1000n, 2000n, 100_000n, 10n ** 8n, 2n ** 41n];

/** A world of five assets, whose accounts are anything, or on the line, or a unit beside it. */
function accountsOf(dice: Dice, adapter: Adapter, accounts: number, most = 5): AccountTwin {
  const twin = new AccountTwin(adapter);
  for (let m = 0; m < 5; ++m) twin.addMarket(randomMarket(dice, adapter));
  if (adapter.hasCategories) for (let c = 1; c < 4; ++c) twin.setCategory(c, randomCategory(dice, adapter));
  twin.load(Array.from({ length: accounts }, (_, i) => {
    const drawn = randomAccount(dice, adapter, twin.world, most);
    return i % 4 ? drawn : onTheLine(dice, adapter, twin.world, drawn);
  }));
  return twin;
}

describe("levels of an asset of accounts, against a naive book", () => {
  for (const adapter of ADAPTERS) test(adapter.name, () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), twin = accountsOf(dice, adapter, 40), highest = adapter === cometAdapter ? 2n ** 255n - 1n : MAX256;
      for (let i = 0; i < 6; ++i) {
        const market = dice.below(5), now = twin.world.markets[market]![adapter.price]!, price = now > 0n && now < 2n ** 200n ? now : 10n ** 8n;
        const line = priceOnTheLine(dice, adapter, twin.world, dice.pick([...twin.entries.values()]).account);
        const [of, at] = line && dice.chance(0.5) ? [line[0], line[1][adapter.price]!] : [market, price];
        const end = () => dice.pick([at, at + BigInt(dice.below(9)), at > 9n ? at - BigInt(dice.below(9)) : 0n, near(dice, at), near(dice, at), at / 10n, at / 1000n, 0n, at * 3n, at * 10n ** 6n, ...(dice.chance(0.2) ? [highest, 2n ** 128n, 2n ** 200n] : [])]);
        if (dice.chance(0.5)) twin.scan(dice.chance(0.5) ? { since: "last" } : {});
        twin.levels(of, { from: end(), to: end(), steps: dice.pick([2, 5, 9, 20]), ...(dice.chance(0.3) ? { at: dice.pick(TIMES) } : {}) });
        const other = dice.below(5), figures = twin.world.markets[other]!, next = figures[adapter.price]!;
        if (dice.chance(0.5)) twin.setMarket(other, dice.chance(0.1) ? strange(dice, adapter) : { [adapter.price]: next > 0n && next < 2n ** 120n ? near(dice, next) : 10n ** 8n });
        if (dice.chance(0.3)) twin.update(dice.pick([...twin.entries.keys()]), randomAccount(dice, adapter, twin.world, 4));
      }
      twin.scan({ since: "last" }); // what scans found was not touched
      twin.columns();
    }), runs(15));
  });
});

describe("accounts", () => {
  for (const adapter of [aave(6), aave(11), compound("truncate"), cometAdapter]) test(`${adapter.name}: an asset that is held and owed, or by nobody, and one without a price so far`, () => {
    const dice = new Dice(11), twin = accountsOf(dice, adapter, 30), fresh = twin.addMarket(), without = twin.addMarket({ [adapter.price]: 0n });
    twin.levels(fresh, { from: 10n ** 9n, to: 0n, steps: 10 });
    for (let i = 0; i < 20; ++i) {
      const supply = 10n ** 18n * BigInt(1 + dice.below(100)), debt = adapter === cometAdapter ? {} : { debt: supply * BigInt(dice.below(130)) / 100n };
      twin.add(account([[dice.pick([fresh, without]), { supply, ...debt }], [0, { supply: dice.uint(60) }]], adapter === cometAdapter ? { principal: -dice.uint(30) } : {}));
    }
    for (const of of [fresh, without]) for (const [from, to] of [[10n ** 9n, 0n], [0n, 10n ** 9n], [10n ** 20n, 10n ** 19n], [1n, 40n]] as const) twin.levels(of, { from, to, steps: 40 });
    twin.scan({ since: "last" });
  });

  test("a price far below the one that rows were written at", () => {
    for (const adapter of [aave(9), compound("truncate"), cometAdapter]) {
      const dice = new Dice(12), twin = new AccountTwin(adapter);
      for (let m = 0; m < 3; ++m) twin.addMarket();
      for (let i = 0; i < 60; ++i) {
        const small = 10n ** BigInt(dice.below(22)), supply = small * BigInt(1 + dice.below(1000)), owed = supply * BigInt(dice.below(100)) / 100n + 1n;
        twin.add(account([[i % 2, { supply }], ...(adapter === cometAdapter ? [] : [[2, { debt: owed }]] as [number, object][])], adapter === cometAdapter ? { principal: -(owed / 10n ** 12n) } : {}));
      }
      twin.scan();
      const price = twin.world.markets[0]![adapter.price]!;
      for (const part of [2n, 4n, 5n, 6n, 100n, 10n ** 5n]) for (const of of [0, 2]) twin.levels(of, { from: price / part + 20n, to: price / part - price / part / 3n, steps: 20 });
      twin.levels(0, { from: price * 1000n, to: price * 10n, steps: 20 });
      twin.scan({ since: "last" });
    }
  });

  test("of many lines; bad input; a category's own price", () => {
    const twin = accountsOf(new Dice(13), aave(11), 10);
    for (let m = 5; m < 60; ++m) twin.addMarket(randomMarket(new Dice(m), aave(11)));
    const dice = new Dice(14);
    twin.load(Array.from({ length: 30 }, () => randomAccount(dice, aave(11), twin.world, 60)));
    for (const of of [0, 7, 59]) twin.levels(of, { from: twin.world.markets[of]!["assetPrice"]! * 2n, to: 0n, steps: 12 });
    const book = openAny(cometAdapter), asset = book.addMarket(cometAdapter.market());
    expect(() => book.levels(asset, { from: 2n ** 255n, to: 1n, steps: 2 })).toThrow(expect.objectContaining({ code: "out-of-range" }));
    expect(() => book.levels(asset, { from: -1n, to: 1n, steps: 2 })).toThrow(expect.objectContaining({ code: "out-of-range" }));
    expect(() => book.levels(1, { from: 1n, to: 1n, steps: 2 })).toThrow(expect.objectContaining({ code: "unknown-market" }));
    expect(book.levels(asset, { from: 2n ** 255n - 1n, to: 0n, steps: 2 }).cumulative).toEqual({ vaults: [0, 0], collateral: [0n, 0n], debt: [0n, 0n] });
  });
});

describe("the question", () => {
  const fill = (dice: Dice) => {
    const twin = new Twin({ keyBytes: 20 });
    twin.setSystem({ par: RAY });
    twin.addMarket({ mat: (RAY * 3n) / 2n, rate: RAY, spot: 1000n * RAY, duty: RAY + 10n ** 18n });
    const rows = Array.from({ length: 3000 }, () => amounts(dice, near(dice, 1500n * WAD), twin.markets[0]!, RAY)).map(([ink, art]) => [ink >> 20n, art >> 20n] as [bigint, bigint]); // hits cut debts to 128 bits
    twin.load(0, rows, rows.map((_, i) => keyOf(i)));
    return twin;
  };

  test("moves no baseline, no view, no figure, and takes no memory a second time", () => {
    const twin = fill(new Dice(5)), query = { from: 3000n * WAD, to: 0n, steps: 4096 };
    const asks = [() => twin.levels(0, { ...query, steps: 50 }), () => twin.levels(0, { ...query, steps: 50, at: 10n ** 6n }), () => twin.book.levels(0, query)];
    for (const ask of asks) {
      const before = dump(twin.book);
      ask();
      expect(dump(twin.book)).toEqual(before);
      twin.scan({ since: "last" });
      twin.setMarket(0, { spot: 950n * RAY + BigInt(asks.indexOf(ask)) * RAY });
      ask();
      twin.scan({ since: "last", order: "riskiest", limit: 20 });
      twin.scan({ at: 10n ** 5n });
      ask();
      twin.scan({ since: "last" });
    }
    const askMany = () => { for (let i = 0; i < 50; ++i) twin.book.levels(0, { ...query, steps: 2 + (i * 997) % 4095 }); return twin.book.bytes; };
    expect(askMany()).toBe(askMany());
  });

  test("the last price is `to`, and prices are those of the grid", () => {
    const twin = fill(new Dice(6));
    const { prices } = twin.book.levels(0, { from: 10n, to: 3n, steps: 4 });
    expect(prices).toEqual([10n, 8n, 6n, 3n]); // ⌊7·i/3⌋ below 10
    expect(twin.book.levels(0, { from: 3n, to: 10n, steps: 4 }).prices).toEqual([3n, 5n, 7n, 10n]);
    expect(twin.book.levels(0, { from: 0n, to: MAX256, steps: 3 }).prices).toEqual([0n, MAX256 / 2n, MAX256]);
    expect(twin.book.levels(0, { from: 5n, to: 5n, steps: 2 }).prices).toEqual([5n, 5n]);
  });

  test("an empty market, and one whose vaults went", () => {
    const twin = new Twin();
    twin.setSystem({ par: RAY });
    twin.addMarket({ mat: RAY, rate: RAY, spot: RAY });
    twin.levels(0, { from: 10n, to: 0n, steps: 5 });
    const ids = twin.load(0, [[1n, 5n], [2n, 7n]]);
    twin.removeMany([...ids]);
    twin.levels(0, { from: 10n ** 19n, to: 0n, steps: 5 });
  });

  test("what agrees with a scan and its debts at each price", () => {
    const twin = fill(new Dice(7)), at = 10n ** 5n, { prices, cumulative } = twin.book.levels(0, { from: 2500n * WAD, to: 1000n * WAD, steps: 12, at });
    prices.forEach((val, i) => {
      twin.book.setMarket(0, { val, spot: (val * 10n ** 9n * RAY) / (RAY * 3n / 2n) });
      const hits = twin.book.scan({ at });
      expect([hits.length, [...hits].reduce((sum, { debt }) => sum + debt, 0n), [...hits].reduce((sum, { vault }) => sum + vault.ink, 0n)]).toEqual([cumulative.vaults[i], cumulative.debt[i], cumulative.collateral[i]]);
    });
  });

  test("bad input is refused, by field and value", () => {
    const book = open(), market = book.addMarket(usualMarket({ mat: RAY })), good = { from: 1n, to: 2n, steps: 2 };
    const refused = (code: string, text: string, ask: () => unknown) => expect(ask).toThrow(expect.objectContaining({ name: "PlimsollError", code, message: expect.stringContaining(text) }));
    const levels = (query: unknown, ...of: unknown[]) => () => book.levels((of.length ? of[0] : market) as number, query as typeof good);
    refused("reverts", "market 0", levels(good)); // no par yet
    book.setSystem({ par: RAY });
    expect(levels(good)().prices).toEqual([1n, 2n]);
    for (const of of [1, -1, 0.5, "0", undefined]) refused("unknown-market", "market", levels(good, of));
    for (const query of [undefined, null, 5, [good]]) refused("invalid-argument", "query", levels(query));
    refused("unknown-field", "step", levels({ ...good, step: 3 }));
    for (const steps of [1, 0, -2, 2.5, Number.NaN, Infinity, "5", 5n, undefined]) refused("invalid-argument", "steps", levels({ ...good, steps }));
    refused("out-of-range", "4096, not 4097", levels({ ...good, steps: 4097 }));
    for (const end of ["from", "to"]) {
      for (const value of [1, "1", undefined, null]) refused("not-a-bigint", end, levels({ ...good, [end]: value }));
      for (const value of [-1n, MAX256 + 1n]) refused("out-of-range", end, levels({ ...good, [end]: value }));
    }
    refused("not-a-bigint", "at", levels({ ...good, at: 5 }));
    refused("out-of-range", "at", levels({ ...good, at: -1n }));
    book.setMarket(market, { rho: 100n });
    refused("reverts", "market 0", levels({ ...good, at: 99n }));
    book.dispose();
    refused("disposed", "", levels(good));
  });
});
