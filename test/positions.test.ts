import fc from "fast-check";
import { liquityV1 } from "plimsoll/liquity-v1";
import { liquityV2 } from "plimsoll/liquity-v2";
import { morpho } from "plimsoll/morpho";
import { openBook } from "plimsoll";
import { describe, expect, test, vi } from "vitest";
import { Dice, MAX128, MAX256, WAD, column, runs, seed } from "./arbitraries.js";
import { refuses } from "./contracts.js";
import { type Adapter, type AnyBook, type AnyQuery, type Ints, PositionTwin, columnsOf, liquity1, liquity1Market, liquity2, liquity2Market, morphoAdapter, morphoMarket, openAny, trove2 } from "./position-twin.js";
import { NOW, TIMES, onTheLine, priceOnTheLine, randomBatch, randomMarket, randomVault, strange, tick } from "./position-worlds.js";
import * as v2 from "./reference/liquity-v2.js";
import { outcome } from "./reference/solidity.js";
import { joinKeys, keyOf } from "./twin.js";

vi.setConfig({ testTimeout: 240_000 });

const ADAPTERS = [morphoAdapter, liquity1, liquity2];
const SCREENS = ["zones", "keys", "off"] as const;

// ---- Any sequence of calls

function anyQuery(dice: Dice, adapter: Adapter, markets: number): AnyQuery {
  const since = dice.chance(0.4), status = dice.pick([undefined, undefined, "unsafe", "reverts"] as const), query: AnyQuery = {};
  if (since) query.since = "last";
  if (status) query.status = status;
  if (dice.chance(0.3)) query.market = dice.below(markets);
  if (dice.chance(0.5)) {
    query.order = dice.pick(adapter.orders);
    if (query.order === "liquidationPrice") query.market ??= dice.below(markets);
  }
  if (dice.chance(0.25)) query.limit = dice.below(30);
  if (dice.chance(0.2)) query.minDebt = dice.uint(90);
  if (!since && status !== "reverts" && dice.chance(0.25)) query.within = dice.pick([1n, WAD / 50n, WAD, dice.uint(128)]);
  if (dice.chance(0.3)) query.at = dice.pick(TIMES[adapter.name]!);
  if (dice.chance(0.6)) query.idsOnly = true;
  if (dice.chance(0.4)) query.screen = dice.pick(SCREENS);
  return query;
}

function sequence(start: number, adapter: Adapter, steps: number, vaults: number): void {
  const dice = new Dice(start), keyBytes = dice.pick([undefined, 20, 32] as const), twin = new PositionTwin(adapter, keyBytes ? { keyBytes } : {});
  let keys = 0;
  const nextKey = () => (keyBytes ? keyOf(++keys, keyBytes) : undefined), strangeness = dice.pick([0, 0.1, 0.3]), times = TIMES[adapter.name]!;
  const markets = () => twin.world.markets.length;
  const one = (market: number) => {
    const drawn = randomVault(dice, adapter, twin.world, market);
    return dice.chance(0.7) ? onTheLine(dice, twin, market, drawn) : drawn;
  };
  const addMarket = () => {
    const market = twin.addMarket(randomMarket(dice, adapter));
    if (adapter === liquity2) for (let n = dice.below(3); n > 0; --n) twin.addBatch(market, randomBatch(dice));
  };
  const some = (n: number) => {
    const market = dice.below(markets()), rows = Array.from({ length: n }, () => one(market));
    twin.load(market, rows, keyBytes && rows.map(() => nextKey()!));
  };
  for (let m = 0; m < 2; ++m) addMarket();
  some(vaults);
  for (let step = 0; step < steps; ++step) {
    const ids = [...twin.entries.keys()], market = dice.below(markets()), id = ids.length ? dice.pick(ids) : undefined, entry = twin.entries.get(id!)!;
    switch (dice.below(17)) {
      case 0: twin.add(market, one(market), nextKey()); break;
      case 1: if (dice.chance(0.3)) some(dice.below(80)); break;
      case 2: case 3: if (id !== undefined) {
        const next = one(entry.market), names = dice.shuffle([...adapter.columns]).slice(0, dice.chance(0.5) ? adapter.columns.length : dice.below(3));
        twin.update(id, Object.fromEntries(names.map((name) => [name, next[name]!])));
      } break;
      case 4: if (ids.length) {
        const some = dice.shuffle(ids).slice(0, dice.below(20)), names = dice.chance(0.5) ? adapter.columns : adapter.columns.slice(0, 1);
        twin.updateMany(some, some.map((one_) => one(twin.entries.get(one_)!.market)), names);
      } break;
      case 5: if (id !== undefined && dice.chance(0.5)) twin.remove(id); break;
      case 6: if (ids.length && dice.chance(0.2)) twin.removeMany(dice.shuffle(ids).slice(0, dice.below(10))); break;
      case 7: if (dice.chance(0.1)) addMarket(); break;
      case 8: if (id !== undefined) { const price = priceOnTheLine(dice, twin, entry.market, entry.vault); if (price !== undefined) twin.setMarket(entry.market, { price }); } break;
      case 9: {
        const all = [...new Set([dice.below(markets()), dice.below(markets())])], prices = all.map((m) => twin.world.markets[m]!["price"]! * BigInt(900 + dice.below(200)) / 1000n);
        if (prices.every((price) => !(price >> 128n))) twin.setMarkets(all, { price: prices });
        break;
      }
      case 10:
        if (dice.chance(strangeness)) twin.setMarket(market, strange(dice, adapter));
        else twin.setMarket(market, dice.chance(0.3) ? randomMarket(dice, adapter) : tick(dice, adapter, twin.world.markets[market]!));
        break;
      case 11: if (dice.chance(0.3)) twin.accrue(dice.pick(times)); break;
      case 12: twin.preview(Array.from({ length: 1 + dice.below(3) }, () => Array.from({ length: 1 + dice.below(3) }, () => {
        const m = dice.below(markets());
        return [m, dice.chance(0.8) ? tick(dice, adapter, twin.world.markets[m]!) : strange(dice, adapter)] as [number, Ints];
      }))); break;
      case 13: if (id !== undefined) twin.inspect(id, dice.chance(0.4) ? dice.pick(times) : undefined); break;
      case 14: if (dice.chance(0.3)) twin.columns(dice.chance(0.4) ? dice.pick(times) : undefined); break;
      case 15: if (twin.world.batches.length) {
        const batch = 1 + dice.below(twin.world.batches.length), next = randomBatch(dice);
        twin.setBatch(batch, dice.chance(0.5) ? next : { debt: next["debt"]! });
      } break;
      default: twin.scan(anyQuery(dice, adapter, markets()));
    }
    if (dice.chance(0.5)) twin.scan(anyQuery(dice, adapter, markets()));
  }
  twin.scan();
  twin.columns();
}

describe("any sequence of calls", () => {
  for (const adapter of ADAPTERS) test(adapter.name, () => {
    fc.assert(fc.property(seed, (start) => sequence(start, adapter, 80, 40)), runs(8));
  });
});

// ---- The screen

/** The steps of a walk, scaled like the runs of a property. */
const ticks = (n: number) => runs(n).numRuns;
const idsIn = (ids: Iterable<number>) => [...ids].sort((a, b) => a - b);
/** A branch of v2 that a book can look at in time. */
const usual = (dice: Dice, adapter: Adapter): Ints => ({ ...randomMarket(dice, adapter), ...(adapter === liquity2 ? { timestamp: NOW, shutdownTime: 0n } : adapter === morphoAdapter ? { lastUpdate: NOW, irm: "adaptiveCurve" as never } : {}) });

/**
 * A walk over some thousand vaults about the line, dust and odd ones among them. The book only ever scans for what changed; a second one
 * is judged exactly, row by row, at every tick, and the reference judges each vault now and then.
 */
function walk(start: number, adapter: Adapter, vaults: number, length: number): void {
  const dice = new Dice(start), twin = new PositionTwin(adapter), exact = openAny(adapter), { book, world } = twin, home: Ints[] = [];
  let found = new Set<number>();
  const both = (run: (on: AnyBook | PositionTwin) => void) => { run(twin); run(exact); };
  for (let m = 0; m < 2; ++m) {
    home.push(usual(dice, adapter));
    both((on) => { on.addMarket(home[m]!); });
    if (adapter === liquity2) for (let n = 0; n < 3; ++n) { const batch = randomBatch(dice); both((on) => { on.addBatch(m, batch); }); }
  }
  const one = (m: number) => { const drawn = randomVault(dice, adapter, world, m); return dice.chance(0.8) ? onTheLine(dice, twin, m, drawn, adapter === liquity2 ? world.markets[m]!["timestamp"]! : undefined) : drawn; };
  for (let m = 0; m < 2; ++m) {
    const rows = Array.from({ length: vaults / 2 }, () => one(m));
    both((on) => { if (on === twin) twin.load(m, rows); else (on as AnyBook).load(m, columnsOf(rows, adapter.columns)); });
  }
  for (let step = 1; step <= length; ++step) {
    const m = dice.below(2), figures = dice.chance(0.08) ? home[m]! : dice.chance(0.02) ? strange(dice, adapter) : tick(dice, adapter, world.markets[m]!);
    both((on) => { on.setMarket(m, figures); });
    if (dice.chance(0.05)) { const row = one(m), id = twin.add(m, row); expect(exact.add(m, row)).toBe(id); }
    if (dice.chance(0.05)) {
      const { id, market } = dice.pick([...twin.entries.values()]), row = one(market);
      both((on) => { on.update(id, row); });
    }
    if (dice.chance(0.02)) { const { id } = dice.pick([...twin.entries.values()]); both((on) => { on.remove(id); }); found.delete(id); }
    if (world.batches.length && dice.chance(0.03)) { const n = 1 + dice.below(world.batches.length), batch = randomBatch(dice); both((on) => { on.setBatch(n, batch); }); }
    const at = adapter !== liquity1 && dice.chance(0.3) ? { at: NOW + BigInt(dice.below(10 ** dice.below(9))) } : {};
    const { unsafe, safe } = book.scan({ since: "last", idsOnly: true, ...at }), judged = new Set(exact.scan({ screen: "off", idsOnly: true, ...at }).ids);
    const changes = { unsafe: idsIn(unsafe.ids), safe: idsIn(safe.ids) };
    expect({ step, ...changes }).toEqual({ step, unsafe: idsIn([...judged].filter((id) => !found.has(id))), safe: idsIn([...found].filter((id) => !judged.has(id))) });
    found = judged;
    if (step % 100 === 0) twin.scan({ ...at, idsOnly: true });
    if (step % 250 === 0) twin.scan({ ...at, idsOnly: true, within: WAD / 50n, order: "riskiest", limit: 50 });
  }
  twin.scan();
}

describe("walks: every tick against the exact rule on every vault", () => {
  for (const adapter of ADAPTERS) test(adapter.name, () => {
    fc.assert(fc.property(seed, (start) => walk(start, adapter, 1200, ticks(1200))), { numRuns: 1 });
  });
});

// ---- At the boundary

describe("equality", () => {
  for (const adapter of ADAPTERS) test(`${adapter.name}: vaults on their line and one unit beside, and a price one unit beside that`, () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), twin = new PositionTwin(adapter), market = twin.addMarket(usual(dice, adapter));
      if (adapter === liquity2) twin.addBatch(market, randomBatch(dice));
      // Small ones and large ones in the same group of 64.
      for (let i = 0; i < 130; ++i) twin.add(market, onTheLine(dice, twin, market, randomVault(dice, adapter, twin.world, market)));
      const { price } = twin.world.markets[market]!;
      for (const d of [0n, 1n, -1n, 0n, price! / 1000n, 0n, -price! / 1000n]) {
        twin.setMarket(market, { price: price! + d });
        for (const screen of SCREENS) twin.scan({ screen, idsOnly: true });
      }
      for (let i = 0; i < 12; ++i) {
        const { vault } = dice.pick([...twin.entries.values()]), next = priceOnTheLine(dice, twin, market, vault);
        if (next === undefined) continue;
        twin.setMarket(market, { price: next });
        twin.scan({ since: "last", order: "riskiest" });
        twin.scan({ order: "liquidationPrice", limit: 20 });
        twin.preview([[[market, { price: next + 1n }]], [[market, { price: next && next - 1n }]]]);
      }
    }), runs(4));
  });

  test("Morpho: dust of a few shares beside a whale, while the value of a share moves by units", () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), twin = new PositionTwin(morphoAdapter), market = twin.addMarket(morphoMarket({ price: 10n ** 36n, totalBorrowAssets: 10n ** 9n, totalBorrowShares: 10n ** 15n }));
      for (let i = 0; i < 64; ++i) {
        const collateral = BigInt(dice.pick([0, 1, 2, 3, 4, 10, 100, 1000]));
        twin.add(market, { collateral, borrowShares: i ? collateral * BigInt(700_000 + dice.below(300_000)) + BigInt(dice.below(3)) : 10n ** 27n } as Ints);
      }
      for (let i = 0; i < 40; ++i) {
        twin.setMarket(market, { totalBorrowAssets: dice.pick([10n ** 9n, 10n ** 9n + BigInt(dice.below(10 ** 8)), 9n * 10n ** 8n, 10n ** 8n, 10n ** 6n, 0n]), price: 10n ** 36n * BigInt(900 + dice.below(200)) / 1000n });
        for (const screen of SCREENS) twin.scan({ screen, idsOnly: true });
        twin.scan({ since: "last" });
        twin.scan({ order: "riskiest", limit: dice.below(64), within: dice.pick([0n, WAD / 10n]) });
      }
    }), runs(10));
  });
});

describe("figures and amounts at the ends of their types", () => {
  const AMOUNTS = [0n, 1n, 2n ** 64n, 2n ** 127n, MAX128] as const;
  const back = (twin: PositionTwin, ends: readonly Partial<Ints>[]) => {
    const home = { ...twin.world.markets[0]! };
    for (const figures of ends) {
      twin.setMarket(0, figures);
      for (const status of ["unsafe", "reverts"] as const) {
        twin.scan({ status, since: "last" });
        for (const screen of SCREENS) twin.scan({ status, screen, order: "riskiest" });
      }
      twin.scan({ within: WAD / 2n, order: twin.adapter.orders.at(-1)!, market: 0 });
      for (const id of [...twin.entries.keys()].slice(0, 60)) twin.inspect(id);
      twin.columns();
      twin.preview([[[0, home]]]);
      twin.setMarket(0, home);
      twin.scan({ since: "last" });
      twin.preview([[[0, figures]]]);
    }
  };

  test("morpho", () => {
    const twin = new PositionTwin(morphoAdapter);
    twin.addMarket(morphoMarket({ lastUpdate: NOW }));
    for (const collateral of AMOUNTS) for (const borrowShares of AMOUNTS) twin.add(0, { collateral, borrowShares } as Ints);
    const whole = [0n, 1n, 2n ** 64n, WAD, 2n ** 127n - 2n, 2n ** 127n - 1n, 2n ** 127n, MAX128 - 1n, MAX128];
    back(twin, [
      ...[0n, 1n, 2n ** 64n, 2n ** 127n, 2n ** 128n, 2n ** 200n, MAX256].map((price) => ({ price })), ...[0n, 1n, WAD - 1n, WAD, WAD + 1n, 2n ** 64n - 1n, 2n ** 64n, MAX256].map((lltv) => ({ lltv })),
      ...whole.map((totalBorrowAssets) => ({ totalBorrowAssets })), ...whole.map((totalBorrowShares) => ({ totalBorrowShares })), { totalBorrowAssets: MAX128, totalBorrowShares: 0n }, { totalBorrowAssets: 0n, totalBorrowShares: 0n },
      { price: 0n, lltv: 0n }, { price: MAX256, lltv: MAX256 },
    ] as Partial<Ints>[]);
  });

  test("liquity v1", () => {
    const twin = new PositionTwin(liquity1);
    twin.addMarket(liquity1Market({ L_ETH: 10n ** 15n, L_LUSDDebt: 10n ** 18n }));
    for (const coll of AMOUNTS) for (const debt of AMOUNTS) for (const stake of [0n, MAX128]) twin.add(0, { coll, debt, stake, snapshotETH: dicey(coll + debt) % 2n * 10n ** 15n, snapshotLUSDDebt: 10n ** 18n } as Ints);
    twin.add(0, { coll: WAD, debt: WAD, stake: 0n, snapshotETH: 10n ** 15n + 1n, snapshotLUSDDebt: 0n } as Ints);
    const ends = [0n, 1n, WAD, 2n ** 127n, 2n ** 128n, 2n ** 200n, MAX256];
    back(twin, [
      ...ends.map((price) => ({ price })), ...ends.map((L_ETH) => ({ L_ETH })), ...ends.map((L_LUSDDebt) => ({ L_LUSDDebt })), { activePoolETH: MAX256, defaultPoolETH: 1n }, { activePoolLUSDDebt: MAX256, defaultPoolLUSDDebt: 1n },
      { activePoolETH: MAX256, activePoolLUSDDebt: 1n }, { activePoolLUSDDebt: 1n }, { activePoolETH: 1n, activePoolLUSDDebt: 1n }, { activePoolETH: WAD, activePoolLUSDDebt: 1500n * WAD }, { activePoolETH: WAD, activePoolLUSDDebt: 1500n * WAD, price: 0n },
    ] as Partial<Ints>[]);
  });

  test("liquity v2", () => {
    const twin = new PositionTwin(liquity2);
    twin.addMarket(liquity2Market({ timestamp: NOW }));
    const plain = { stake: 0n, snapshotColl: 0n, snapshotBoldDebt: 0n, annualInterestRate: WAD / 20n, lastDebtUpdateTime: NOW - 10n ** 6n, batchDebtShares: 0n, batch: 0n };
    for (const coll of AMOUNTS) for (const debt of AMOUNTS) for (const annualInterestRate of [0n, WAD / 20n, 2n ** 64n - 1n, MAX128]) twin.add(0, { ...plain, coll, debt, annualInterestRate } as Ints);
    for (const batch of [
      { debt: 10n ** 22n, totalDebtShares: 10n ** 22n }, { debt: 10n ** 22n, totalDebtShares: 0n }, { debt: 2n ** 104n, totalDebtShares: 1n }, { debt: MAX256, totalDebtShares: MAX256 }, { debt: WAD, totalDebtShares: WAD, annualInterestRate: MAX256 },
      { debt: WAD, totalDebtShares: WAD, annualManagementFee: MAX256 }, { debt: WAD, totalDebtShares: WAD, lastDebtUpdateTime: 2n ** 64n - 1n },
    ]) {
      const number = twin.addBatch(0, { annualInterestRate: WAD / 10n, annualManagementFee: WAD / 100n, lastDebtUpdateTime: NOW - 1000n, ...batch } as Ints);
      for (const batchDebtShares of AMOUNTS) for (const coll of [0n, 10n ** 19n, MAX128]) twin.add(0, { ...plain, coll, debt: 0n, batchDebtShares, batch: BigInt(number) } as Ints);
    }
    const ends = [0n, 1n, WAD, 2n ** 127n, 2n ** 128n, 2n ** 200n, MAX256];
    back(twin, [
      ...ends.map((price) => ({ price })), ...ends.map((L_coll) => ({ L_coll })), ...ends.map((MCR) => ({ MCR })), ...TIMES["liquity v2"]!.map((timestamp) => ({ timestamp })),
      ...[1n, NOW - 10n ** 7n, NOW - 1n, NOW, NOW + 10n ** 9n, 2n ** 64n, MAX256].map((shutdownTime) => ({ shutdownTime })),
    ] as Partial<Ints>[]);
  });
});
/** Digits that look random, of a number. */
const dicey = (x: bigint) => (x * 0x9e3779b97f4a7c15n) >> 40n;

describe("equal keys at the cut of a limit", () => {
  const rows: [Adapter, Ints, Ints, string][] = [
    [morphoAdapter, morphoMarket(), { collateral: 10n ** 12n, borrowShares: 10n ** 18n } as Ints, "borrowShares"],
    [liquity1, liquity1Market(), { coll: 10n ** 18n, debt: 2000n * WAD, stake: WAD, snapshotETH: 0n, snapshotLUSDDebt: 0n } as Ints, "debt"],
    [liquity2, liquity2Market({ timestamp: NOW }), { coll: 10n ** 18n, debt: 1990n * WAD, stake: WAD, snapshotColl: 0n, snapshotBoldDebt: 0n, annualInterestRate: WAD / 20n, lastDebtUpdateTime: NOW - 1000n, batchDebtShares: 0n, batch: 0n } as Ints, "debt"],
  ];
  for (const [adapter, figures, vault, owes] of rows) for (const keyBytes of [undefined, 20] as const) test(`${adapter.name}, ${keyBytes ? "with" : "without"} keys: 20,000 of them`, () => {
    const twin = new PositionTwin(adapter, keyBytes ? { keyBytes } : {}), market = twin.addMarket(figures), count = 20_000, { book } = twin;
    const all = Array.from({ length: count }, (_, i) => (i % 4999 === 17 ? { ...vault, [owes]: vault[owes]! + 1n } : i % 2999 === 5 ? { ...vault, [owes]: vault[owes]! - 1n } : vault) as Ints);
    twin.load(market, all, keyBytes && all.map((_, i) => keyOf(i + 1)));
    const { now, figures: judged, views } = twin.expected({});
    for (const order of adapter.orders) {
      const expected = now.sort(twin.compare(order, judged, views)).map(({ id }) => id);
      for (const limit of [0, 5, 1001]) expect([...book.scan({ order, limit, market, idsOnly: true }).ids]).toEqual(expected.slice(0, limit));
    }
    twin.scan({ order: "riskiest", limit: 100, minDebt: twin.views()[0]!.judge(vault).debt + 1n });
  });
});

// ---- Times, shutdowns, batches

describe("v2: time goes both ways", () => {
  const trove = (more: object): Ints => ({ coll: WAD, debt: 1700n * WAD, stake: WAD, snapshotColl: 0n, snapshotBoldDebt: 0n, annualInterestRate: WAD / 4n, lastDebtUpdateTime: NOW - 1000n, batchDebtShares: 0n, batch: 0n, ...more }) as Ints;
  /** A trove that at a time is exactly on the line, or a unit of debt beyond. */
  const onLine = (twin: PositionTwin, at: bigint, beyond: bigint, more: object = {}): Ints => {
    const vault = trove(more), { judge } = twin.adapter.view(twin.world.markets[0]!, twin.world, at);
    let lo = 0n, hi = 2000n * WAD;
    while (hi - lo > 1n) { const mid = (lo + hi) / 2n; if (judge({ ...vault, debt: mid }).status === "safe") lo = mid; else hi = mid; }
    return { ...vault, debt: lo + beyond };
  };

  test("what was written at a later view is judged right when a query looks back", () => {
    const twin = new PositionTwin(liquity2), later = NOW + 10n ** 6n / 2n;
    twin.addMarket(liquity2Market({ timestamp: NOW }));
    twin.add(0, trove({}));
    twin.scan({ at: later });
    for (let i = 0; i < 70; ++i) twin.add(0, onLine(twin, NOW + BigInt(i) * 5000n, BigInt(i % 2)));
    for (const at of [later, NOW, later, NOW + 100_000n, NOW + 200_000n, NOW, later]) { twin.scan({ at }); twin.scan({ since: "last", at: NOW }); }
  });

  test("dust found unsafe at a later view is safe again before", () => {
    const twin = new PositionTwin(liquity2);
    twin.addMarket(liquity2Market({ timestamp: NOW }));
    for (let i = 1n; i < 40n; ++i) twin.add(0, trove({ coll: i * 60_000n, debt: i * 60_000n * 2000n * 10n / 11n - i % 3n, annualInterestRate: 2n * WAD }));
    for (const at of [NOW, NOW + 400_000n, NOW, NOW + 10n, NOW + 400_000n, NOW + 1n]) { twin.scan({ at, since: "last" }); twin.scan({ at }); }
  });

  test("a trove touched after the view reverts at once, alone or in its batch", () => {
    const twin = new PositionTwin(liquity2);
    twin.addMarket(liquity2Market({ timestamp: NOW }));
    const batch = twin.addBatch(0, { debt: 10n ** 22n, totalDebtShares: 10n ** 22n, annualInterestRate: WAD / 20n, annualManagementFee: 0n, lastDebtUpdateTime: NOW } as Ints);
    const ids = [trove({}), trove({ debt: 0n, batchDebtShares: 10n ** 21n, batch: BigInt(batch) })].map((vault) => twin.add(0, vault));
    const look = () => { for (const status of ["unsafe", "reverts"] as const) for (const since of [{ since: "last" as const }, {}]) twin.scan({ status, ...since }); };
    look();
    twin.add(0, trove({ lastDebtUpdateTime: NOW + 1n }));
    look();
    twin.update(ids[0]!, { lastDebtUpdateTime: NOW + 2n });
    look();
    twin.setBatch(batch, { lastDebtUpdateTime: NOW + 5n });
    look();
    for (const timestamp of [NOW + 1n, NOW + 4n, NOW + 5n, NOW]) { twin.setMarket(0, { timestamp }); look(); }
    twin.setMarket(0, { shutdownTime: NOW + 3n });
    look();
  });

  test("a shutdown, in the past or in the future, ends interest", () => {
    const twin = new PositionTwin(liquity2);
    twin.addMarket(liquity2Market({ timestamp: NOW }));
    for (let i = 0; i < 60; ++i) twin.add(0, onLine(twin, NOW + BigInt(i - 30) * 10_000n, BigInt(i % 2), { lastDebtUpdateTime: NOW - 400_000n }));
    for (const shutdownTime of [0n, NOW - 100_000n, NOW - 400_000n, 1n, NOW + 250_000n, 0n, NOW + 10n ** 8n, NOW]) {
      twin.setMarket(0, { shutdownTime });
      for (const at of [{}, { at: NOW - 300_000n }, { at: NOW + 300_000n }, {}]) { twin.scan({ ...at, since: "last" }); twin.scan(at); twin.scan({ ...at, within: WAD / 100n }); }
      twin.preview([[[0, { shutdownTime: NOW - 50_000n }]], [[0, { timestamp: NOW + 20_000n }]]]);
    }
  });

  test("at 0 is as recorded, like a timestamp of 0", () => {
    const twin = new PositionTwin(liquity2);
    twin.addMarket(liquity2Market());
    const id = twin.add(0, trove({}));
    expect([twin.book.inspect(id)["debt"], twin.book.inspect(id, { at: 0n })["debt"]]).toEqual([1700n * WAD, 1700n * WAD]);
    twin.setMarket(0, { timestamp: NOW });
    expect([twin.book.inspect(id)["debt"] as bigint > 1700n * WAD, twin.book.inspect(id, { at: 0n })["debt"]]).toEqual([true, 1700n * WAD]);
    twin.scan({ at: 0n });
  });

  test("floors of a batch whose shares are worth little: debts of a few units, years apart", () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), twin = new PositionTwin(liquity2);
      twin.addMarket(liquity2Market({ price: WAD, MCR: WAD, timestamp: NOW }));
      const batch = BigInt(twin.addBatch(0, { debt: BigInt(1 + dice.below(1000)), totalDebtShares: BigInt(1 + dice.below(1000)), annualInterestRate: BigInt(dice.below(100)) * WAD / 40n, annualManagementFee: BigInt(dice.below(100)) * WAD / 100n, lastDebtUpdateTime: NOW - BigInt(dice.below(10 ** 7)) } as Ints));
      for (let i = 0; i < 64; ++i) twin.add(0, trove({ coll: BigInt(dice.below(300)), debt: 0n, batchDebtShares: BigInt(dice.below(600)), batch }));
      for (let i = 0; i < 10; ++i) twin.scan({ at: NOW + BigInt(dice.below(10 ** dice.below(9))), idsOnly: true });
    }), runs(40));
  });
});

describe("liquidation prices", () => {
  for (const adapter of ADAPTERS) test(`${adapter.name}: the smallest from which on a vault is healthy`, () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), twin = new PositionTwin(adapter), market = twin.addMarket(randomMarket(dice, adapter)), figures = twin.world.markets[market]!;
      for (let i = 0; i < 12; ++i) {
        const vault = randomVault(dice, adapter, twin.world, market), id = twin.add(market, dice.chance(0.7) ? onTheLine(dice, twin, market, vault) : vault), own = twin.entries.get(id)!.vault;
        const price = twin.book.inspect(id)["liquidationPrice"] as bigint | string, status = (p: bigint) => adapter.view({ ...figures, price: p }, twin.world).judge(own).status;
        if (price === "reverts") continue;
        if (typeof price === "string") { for (const p of [1n, WAD, figures["price"]!]) expect([price, status(p)]).toEqual([price, price === "never" ? "safe" : "unsafe"]); continue; }
        expect(price).toBeGreaterThan(0n);
        if (price >> 120n) continue;
        if (price > 1n) expect(status(price - 1n)).toBe("unsafe");
        for (let j = 0; j < 60; ++j) expect(status(price + BigInt(j < 30 ? j : dice.below(10 ** dice.below(9))))).toBe("safe");
      }
    }), runs(25));
  });

  test("v1's recovery mode: troves whose ratio is next to the system's", () => {
    let found = 0, lost = 0;
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), twin = new PositionTwin(liquity1), small = dice.chance(0.7), C = small ? BigInt(1000 + dice.below(10 ** 6)) : 10n ** 24n + dice.bits(70), price = small ? WAD * 3n / 2n : 10n ** 20n;
      const D = C * price / WAD * 2n / 3n + BigInt(dice.below(3));
      twin.addMarket(liquity1Market({ price, activePoolETH: C, activePoolLUSDDebt: D }));
      for (let i = 0; i < 6; ++i) {
        const coll = small ? BigInt(1 + dice.below(3000)) : C / 1000n + dice.uint(60), debt = coll * D / C + BigInt(dice.below(4) - 1), id = twin.add(0, { coll, debt: debt < 0n ? 0n : debt, stake: 0n, snapshotETH: 0n, snapshotLUSDDebt: 0n } as Ints);
        twin.inspect(id);
        const own = twin.entries.get(id)!.vault, answer = twin.book.inspect(id)["liquidationPrice"], status = (p: bigint) => liquity1.view({ ...twin.world.markets[0]!, price: p }, twin.world).judge(own).status;
        if (answer === "reverts") { ++lost; continue; }
        if (typeof answer !== "bigint") continue;
        ++found;
        if (answer > 1n) expect(status(answer - 1n)).toBe("unsafe");
        const end = (D * 3n * WAD / 2n + C - 1n) / C; // from here on the recovery mode is over
        for (let p = answer; p < answer + 400n; ++p) expect(status(p)).toBe("safe");
        for (let p = end - 300n; p < end + 3n; ++p) if (p >= answer) expect(status(p)).toBe("safe");
      }
    }), runs(40));
    expect(found).toBeGreaterThan(lost);
  });
});

test("v2: what inspect tells of a liquidation is what batchLiquidateTroves moves", () => {
  let taken = 0;
  fc.assert(fc.property(seed, (start) => {
    const dice = new Dice(start), twin = new PositionTwin(liquity2), market = twin.addMarket({ ...randomMarket(dice, liquity2), timestamp: NOW }), figures = twin.world.markets[market]!;
    const batch = twin.addBatch(market, { debt: 10n ** 24n, totalDebtShares: 9n * 10n ** 23n, annualInterestRate: WAD / 20n, annualManagementFee: WAD / 100n, lastDebtUpdateTime: NOW - 5000n } as Ints);
    for (let i = 0; i < 10; ++i) {
      const vault = onTheLine(dice, twin, market, randomVault(dice, liquity2, twin.world, market)), id = twin.add(market, vault), { liquidation } = twin.book.inspect(id) as { liquidation: Ints & { refused: boolean; reason: string } };
      const terms = { MCR: figures["MCR"]!, price: figures["price"]!, totalBoldDeposits: figures["totalBoldDeposits"]!, totalStakes: 2n ** 130n, lastCollError_Redistribution: 0n, lastBoldDebtError_Redistribution: 0n };
      const one = trove2(vault, figures, twin.world, NOW), whole = one.batch ? { batch: { ...one.batch, coll: 2n ** 130n }, batchIndex: BigInt(batch) } : { batch: null };
      const done = outcome(() => v2.batchLiquidateTroves({
        shutdownTime: figures["shutdownTime"]!, timestamp: NOW, L_coll: figures["L_coll"]!, L_boldDebt: figures["L_boldDebt"]!, ...terms, troves: [{ ...one, ...whole, status: 1n } as never], order: [1n],
        penalties: { LIQUIDATION_PENALTY_SP: figures["LIQUIDATION_PENALTY_SP"]!, LIQUIDATION_PENALTY_REDISTRIBUTION: figures["LIQUIDATION_PENALTY_REDISTRIBUTION"]! },
      }));
      if ("reverts" in done) { if (liquidation.refused) expect(liquidation.reason).toBe((done as unknown as { reason: string }).reason); continue; }
      ++taken;
      expect(liquidation).toEqual({
        refused: false, debtToOffset: done.debtOffsetBySP, collToSendToSP: done.collSentToSP, debtToRedistribute: done.debtRedistributed, collToRedistribute: done.collRedistributed,
        collGasCompensation: done.collGasCompensation, collSurplus: done.collSurplus, ETHGasCompensation: done.boldGasCompensation,
      });
    }
  }), runs(40));
  expect(taken).toBeGreaterThan(20);
});

// ---- Pre-liquidation

test("Morpho: a preview at the pre-liquidation's preLltv lists what its contract accepts", () => {
  fc.assert(fc.property(seed, (start) => {
    const dice = new Dice(start), twin = new PositionTwin(morphoAdapter), market = twin.addMarket({ ...randomMarket(dice, morphoAdapter), lltv: 86n * WAD / 100n }), { book } = twin, figures = twin.world.markets[market]!;
    if (!figures["totalBorrowAssets"]) return;
    for (let i = 0; i < 40; ++i) twin.add(market, onTheLine(dice, twin, market, randomVault(dice, morphoAdapter, twin.world, market)));
    const preLltv = BigInt(70 + dice.below(16)) * WAD / 100n, [flips] = book.preview([[[market, { lltv: preLltv }]]]), listed = new Set(flips!.unsafe);
    for (const { id, vault } of twin.entries.values()) {
      const answer = morpho.preLiquidate({
        ...(vault as Record<"collateral" | "borrowShares", bigint>), totalBorrowAssets: figures["totalBorrowAssets"]!, totalBorrowShares: figures["totalBorrowShares"]!, lltv: figures["lltv"]!, price: figures["price"]!, marketPrice: figures["price"]!,
        preLltv, preLCF1: WAD / 2n, preLCF2: WAD, preLIF1: WAD, preLIF2: WAD, seizedAssets: 0n, repaidShares: 1n,
      }) as { reverts: boolean; reason?: string };
      // What it refuses beside, it refuses for the amount.
      expect({ id, listed: listed.has(id) }).toEqual({ id, listed: !["LiquidatablePosition()", "NotPreLiquidatablePosition()"].includes(answer.reason ?? "") && twin.status(market, vault) === "safe" });
    }
  }), runs(30));
});

// ---- What does not fit

describe("bad input changes nothing", () => {
  const dump = (book: AnyBook) => {
    const ids = [...book.ids()];
    return { ids, markets: Array.from({ length: book.marketCount }, (_, i) => book.market(i)), vaults: ids.map((id) => book.inspect(id)), ratios: book.ratios(), debts: book.debts() };
  };
  const refused = (book: object, code: string, run: () => unknown, ...parts: string[]) => {
    const before = dump(book as AnyBook);
    refuses(run, code, ...parts);
    expect(dump(book as AnyBook)).toEqual(before);
  };

  test("batches: there are none, or not this one, or of another market", () => {
    const book = openBook(liquityV2), markets = [book.addMarket({ price: 2000n * WAD, MCR: WAD }), book.addMarket({ price: 2000n * WAD, MCR: WAD })] as const;
    const of = { debt: WAD, totalDebtShares: WAD, annualInterestRate: 0n, annualManagementFee: 0n, lastDebtUpdateTime: 0n }, vault = { coll: WAD, stake: WAD, snapshotColl: 0n, snapshotBoldDebt: 0n };
    refused(book, "unknown-batch", () => book.add(markets[0], { ...vault, batch: 1n, batchDebtShares: 1n }), "vault: batch", "no batch 1");
    const own = { ...vault, debt: 0n, annualInterestRate: 0n, lastDebtUpdateTime: 0n }, batch = book.addBatch(markets[1], of), id = book.add(markets[0], own), other = book.add(markets[1], own);
    for (const bad of [0, 2, -1, 0.5, Number.NaN, "1"] as never[]) {
      refused(book, "unknown-batch", () => book.setBatch(bad, of));
      refused(book, "unknown-batch", () => book.batch(bad));
    }
    refused(book, "unknown-market", () => book.addBatch(2, of));
    refused(book, "missing-field", () => book.addBatch(markets[0], { debt: 1n } as never), "totalDebtShares");
    refused(book, "out-of-range", () => book.setBatch(batch, { lastDebtUpdateTime: 2n ** 64n }), "lastDebtUpdateTime");
    refused(book, "unknown-field", () => book.setBatch(batch, { coll: 1n } as never), "coll");
    refused(book, "out-of-range", () => book.add(markets[0], { ...vault, batch: 2n ** 32n, batchDebtShares: 1n }), "batch");
    for (const bad of [1n, 2n]) {
      const rows = { coll: column([WAD, WAD]), stake: column([WAD, WAD]), snapshotColl: column([0n, 0n]), snapshotBoldDebt: column([0n, 0n]), batch: column([0n, bad]) };
      refused(book, "unknown-batch", () => book.load(markets[0], rows), "row 1");
      refused(book, "unknown-batch", () => book.add(markets[0], { ...vault, batch: bad, batchDebtShares: 1n }), bad === 1n ? "of market 1, not 0" : "no batch 2");
      refused(book, "unknown-batch", () => book.update(id, { batch: bad }));
      refused(book, "unknown-batch", () => book.updateMany([other, id], { batch: rows.batch }), "row 1");
    }
    book.updateMany([other, id], { batch: column([1n, 0n]) });
    expect(book.inspect(other).vault.batch).toBe(1n);
    for (const books of [openBook(morpho), openBook(liquityV1)]) {
      refuses(() => books.batch(1), "invalid-argument", "no batches");
      refuses(() => books.setBatch(1, {}), "invalid-argument", "no batches");
    }
  });

  test("a trove has a debt of its own or a batch's, and all that goes with it", () => {
    const book = openBook(liquityV2), market = book.addMarket({ price: WAD, MCR: WAD }), trove = { coll: WAD, stake: WAD, snapshotColl: 0n, snapshotBoldDebt: 0n };
    const batch = BigInt(book.addBatch(market, { debt: WAD, totalDebtShares: WAD, annualInterestRate: 0n, annualManagementFee: 0n, lastDebtUpdateTime: 1n })), alone = { debt: WAD, annualInterestRate: 1n, lastDebtUpdateTime: 1n };
    refused(book, "missing-field", () => book.add(market, trove), "debt");
    refused(book, "missing-field", () => book.add(market, { ...trove, debt: WAD, annualInterestRate: 1n }), "lastDebtUpdateTime");
    refused(book, "missing-field", () => book.add(market, { ...trove, batch }), "batchDebtShares");
    refused(book, "missing-field", () => book.add(market, { ...trove, batchDebtShares: WAD }), "batch");
    refused(book, "missing-field", () => book.load(market, { coll: column([WAD]), stake: column([WAD]), snapshotColl: column([0n]), snapshotBoldDebt: column([0n]) }), "batch");
    book.add(market, { ...trove, ...alone, batch: 0n, batchDebtShares: 0n });
    book.add(market, { ...trove, batch, batchDebtShares: WAD, debt: 0n });
    expect(book.size).toBe(2);
  });

  test("columns, amounts, orders, markets", () => {
    const book = openBook(morpho, { keyBytes: 20 }), figures = { price: 10n ** 36n, lltv: 86n * WAD / 100n, totalBorrowAssets: 10n ** 12n, totalBorrowShares: 10n ** 18n };
    const first = book.addMarket({ ...figures, quote: 1n }), second = book.addMarket(figures), id = book.add(first, { collateral: WAD, borrowShares: WAD }, keyOf(1)), keys = joinKeys([keyOf(2), keyOf(3)]);
    const rows = { collateral: column([1n, 2n]), borrowShares: column([1n, 2n]) };
    refused(book, "length-mismatch", () => book.load(first, { ...rows, borrowShares: column([1n]) }, keys), "borrowShares");
    refused(book, "length-mismatch", () => book.load(first, rows, joinKeys([keyOf(2)])), "keys");
    refused(book, "missing-field", () => book.load(first, { collateral: rows.collateral } as never, keys), "borrowShares");
    refused(book, "unknown-field", () => book.load(first, { ...rows, debt: rows.collateral } as never, keys), "debt");
    refused(book, "missing-field", () => book.load(first, rows));
    refused(book, "duplicate-key", () => book.load(first, rows, joinKeys([keyOf(2), keyOf(1)])), "row 1");
    for (const bad of [2n ** 128n, -1n]) {
      refused(book, "out-of-range", () => book.add(first, { collateral: bad, borrowShares: 0n }, keyOf(5)), "collateral");
      refused(book, "out-of-range", () => book.update(id, { borrowShares: bad }), "borrowShares");
      refused(book, "out-of-range", () => book.setMarket(first, { totalBorrowAssets: bad }), "totalBorrowAssets");
    }
    refused(book, "out-of-range", () => book.setMarket(first, { rateAtTarget: 2n ** 255n }), "rateAtTarget");
    refused(book, "invalid-argument", () => book.setMarket(first, { irm: "linear" as never }), "irm");
    refused(book, "not-a-bigint", () => book.setMarket(first, { price: 1 as never }), "price");
    refused(book, "invalid-argument", () => book.scan({ order: "debt" }), `market ${second} has no quote`);
    expect(book.scan({ order: "debt", market: second }).length).toBe(0);
    book.setMarket(second, { quote: 3n });
    book.scan({ order: "debt" });
    refused(book, "invalid-argument", () => book.scan({ order: "liquidationPrice" }), "liquidationPrice");
    for (const order of ["nominalICR", "interestRate", "ICR"] as const) refused(book, "invalid-argument", () => book.scan({ order: order as never }), "order");
    refuses(() => openBook(liquityV1).scan({ order: "interestRate" }), "invalid-argument", "nominalICR");
    refuses(() => openBook(liquityV2).scan({ order: "nominalICR" }), "invalid-argument", "interestRate");
    refused(book, "reverts", () => book.accrue(1n), "market 0"); // it was never touched: there is no lastUpdate
    refused(book, "unknown-market", () => book.preview([[[2, {}]]]));
  });
});
