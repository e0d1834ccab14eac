import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { type Account, type Adapter, type AnyQuery, AccountTwin, aave, account, cometAdapter, compound, copyOf, leg, openAny } from "./account-twin.js";
import { onTheLine, priceOnTheLine, randomAccount, randomMarket, strange } from "./account-worlds.js";
import { Dice, WAD, runs, seed } from "./arbitraries.js";
import { keyOf } from "./twin.js";

vi.setConfig({ testTimeout: 240_000 });

const REVISIONS = [1, 4, 5, 6, 7, 8, 9, 10, 11] as const;
const aaves = new Map(REVISIONS.map((revision) => [revision, aave(revision)]));
const truncate = compound("truncate"), halfUp = compound("half-up");
const ADAPTERS: readonly Adapter[] = [...aaves.values(), truncate, halfUp, cometAdapter];
const SCREENS = ["zones", "keys", "off"] as const;

function randomCategory(dice: Dice, adapter: Adapter): Record<string, bigint | boolean> {
  const revision = Number(adapter.name.split(" ")[1]);
  return {
    ltv: 9000n, liquidationThreshold: dice.pick([0n, 1n, 9000n, 9300n, 9700n, 10000n]), liquidationBonus: 10100n,
    ...(revision < 5 ? { eModeAssetPrice: dice.chance(0.5) ? 0n : dice.pick([10n ** 8n, 10n ** 8n + 1n, 1n]) } : { collateralBitmap: dice.uint(16) }),
    ...(revision >= 10 ? { ltvzeroBitmap: dice.uint(8) } : {}), ...(revision >= 11 ? { isolated: dice.chance(0.5) } : {}),
  };
}

const anyQuery = (dice: Dice, times: readonly bigint[]): AnyQuery => {
  const since = dice.chance(0.4), status = dice.pick([undefined, undefined, "unsafe", "reverts"] as const), query: AnyQuery = {};
  if (since) query.since = "last";
  if (status) query.status = status;
  if (dice.chance(0.4)) query.order = dice.pick(["riskiest", "debt"] as const);
  if (dice.chance(0.25)) query.limit = dice.below(30);
  if (dice.chance(0.2)) query.minDebt = dice.uint(90);
  if (!since && status !== "reverts" && dice.chance(0.25)) query.within = dice.pick([1n, WAD / 50n, WAD, dice.uint(128)]);
  if (dice.chance(0.3)) query.at = dice.pick(times);
  if (dice.chance(0.6)) query.idsOnly = true;
  if (dice.chance(0.4)) query.screen = dice.pick(SCREENS);
  return query;
};

const TIMES = [0n, 1000n, 2000n, 2001n, 100_000n, 10n ** 8n, 2n ** 39n, 2n ** 41n, 2n ** 200n];

/** One account changes: an amount, a leg, its category, or everything. */
function changed(dice: Dice, adapter: Adapter, twin: AccountTwin, before: Account, most: number): Account {
  const fresh = randomAccount(dice, adapter, twin.world, most);
  if (dice.chance(0.3)) return fresh;
  const next = copyOf(before);
  if (dice.chance(0.3)) next.category = fresh.category;
  if (dice.chance(0.3)) next.principal = fresh.principal;
  for (const [asset, held] of fresh.legs) if (dice.chance(0.7)) next.legs.set(asset, held);
  for (const asset of [...next.legs.keys()]) if (dice.chance(0.2)) next.legs.delete(asset);
  return next;
}

function sequence(start: number, adapter: Adapter, steps: number, accounts: number, most: number, markets: number): void {
  const dice = new Dice(start), keyBytes = dice.pick([undefined, 20, 32] as const), twin = new AccountTwin(adapter, keyBytes ? { keyBytes } : {});
  let keys = 0;
  const nextKey = () => (keyBytes ? keyOf(++keys, keyBytes) : undefined), strangeness = dice.pick([0, 0.03, 0.1]);
  const one = () => {
    const drawn = randomAccount(dice, adapter, twin.world, most);
    return dice.chance(0.3) ? onTheLine(dice, adapter, twin.world, drawn) : drawn;
  };
  for (let m = 0; m < markets; ++m) twin.addMarket(randomMarket(dice, adapter));
  const some = (n: number) => { const all = Array.from({ length: n }, one); twin.load(all, keyBytes && all.map(() => nextKey()!), dice); };
  some(accounts);
  for (let step = 0; step < steps; ++step) {
    const ids = [...twin.entries.keys()], n = twin.world.markets.length, market = dice.below(n);
    switch (dice.below(16)) {
      case 0: twin.add(one(), nextKey(), dice); break;
      case 1: if (dice.chance(0.3)) some(dice.below(20)); break;
      case 2: case 3: if (ids.length) { const id = dice.pick(ids); twin.update(id, changed(dice, adapter, twin, twin.entries.get(id)!.account, most)); } break;
      case 4: if (ids.length) { const id = dice.pick(ids); twin.update(id, onTheLine(dice, adapter, twin.world, twin.entries.get(id)!.account)); } break;
      case 5: if (ids.length && dice.chance(0.5)) twin.remove(dice.pick(ids)); break;
      case 6: if (ids.length && dice.chance(0.2)) twin.removeMany(dice.shuffle(ids).slice(0, dice.below(10))); break;
      case 7: if (n < 120 && dice.chance(0.2)) twin.addMarket(randomMarket(dice, adapter)); break;
      case 8: if (ids.length) { const found = priceOnTheLine(dice, adapter, twin.world, twin.entries.get(dice.pick(ids))!.account); if (found) twin.setMarket(...found); } break;
      case 9: {
        const price = twin.world.markets[market]![adapter.price]!;
        if (price > 0n && price < 2n ** 120n) twin.setMarkets([market], { [adapter.price]: [price * BigInt(900 + dice.below(200)) / 1000n] });
        else twin.setMarket(market, randomMarket(dice, adapter));
        break;
      }
      case 10:
        if (dice.chance(strangeness)) twin.setMarket(market, strange(dice, adapter));
        else if (dice.chance(0.2)) twin.setMarket(market, randomMarket(dice, adapter));
        else if (adapter.hasCategories) twin.setCategory(1 + dice.below(4), randomCategory(dice, adapter));
        else if (adapter.system) twin.setSystem(dice.chance(strangeness) ? dice.pick([{ basePrice: 0n }, { baseScale: 0n }, { baseBorrowIndex: 2n ** 64n - 1n }, { lastAccrualTime: 2000n }]) : { ...adapter.system, basePrice: 10n ** 8n + dice.uint(24) });
        break;
      case 11: if (dice.chance(0.3)) twin.accrue(dice.pick(TIMES.slice(0, 6))); break;
      case 12: twin.preview(Array.from({ length: 1 + dice.below(3) }, () => Array.from({ length: 1 + dice.below(3) }, () => {
        const m = dice.below(n), price = twin.world.markets[m]![adapter.price]!;
        return [m, dice.chance(0.8) ? { [adapter.price]: price * BigInt(dice.pick([0, 1, 500, 900, 999, 1001, 1100, 3000, 10 ** 6])) / 1000n % 2n ** 200n } : strange(dice, adapter)] as [number, Record<string, bigint>];
      }))); break;
      case 13: if (ids.length) twin.inspect(dice.pick(ids), dice.chance(0.4) ? dice.pick(TIMES) : undefined); break;
      case 14: if (dice.chance(0.3)) twin.columns(dice.chance(0.4) ? dice.pick(TIMES) : undefined); break;
      default: twin.scan(anyQuery(dice, TIMES));
    }
    if (dice.chance(0.5)) twin.scan(anyQuery(dice, TIMES));
  }
  twin.scan();
  twin.columns();
}

describe("any sequence of calls", () => {
  for (const adapter of ADAPTERS) test(adapter.name, () => {
    fc.assert(fc.property(seed, (start) => sequence(start, adapter, 60, 40, 5, 5)), runs(8));
  });
  for (const adapter of [aaves.get(8)!, aaves.get(11)!, truncate, cometAdapter]) test(`${adapter.name}: up to 120 legs`, () => {
    fc.assert(fc.property(seed, (start) => sequence(start, adapter, 30, 30, 120, 120)), runs(1));
  });
});

// ---- The screen

/** The steps of a walk, scaled like the runs of a property. */
const ticks = (n: number) => runs(n).numRuns;
const idsIn = (ids: Iterable<number>) => [...ids].sort((a, b) => a - b);

/**
 * A walk of prices over some thousand accounts. The book only ever scans for what changed; a second one with the same accounts is
 * judged exactly, row by row, and the reference judges each account at the end.
 */
function walk(start: number, adapter: Adapter, accounts: number, length: number): void {
  const dice = new Dice(start), twin = new AccountTwin(adapter), exact = openAny(adapter), { book } = twin, markets = 8;
  if (adapter.system) exact.setSystem(adapter.system);
  for (let m = 0; m < markets; ++m) exact.addMarket(twin.world.markets[twin.addMarket(randomMarket(dice, adapter))]!);
  if (adapter.hasCategories) for (let c = 1; c < 4; ++c) { const figures = randomCategory(dice, adapter); twin.setCategory(c, figures); exact.setCategory(c, figures); }
  const all = Array.from({ length: accounts }, (_, i) => { const drawn = randomAccount(dice, adapter, twin.world, 4); return i % 10 ? drawn : onTheLine(dice, adapter, twin.world, drawn); });
  const ids = twin.load(all), others = exact.load(all.map((one) => adapter.input(one))), at = new Map(Array.from(others, (id, i) => [id, ids[i]!]));
  const found = new Set<number>(book.scan({ since: "last", idsOnly: true }).unsafe.ids), home = twin.world.markets.map((figures) => figures[adapter.price]!);
  const set = (market: number, price: bigint) => { twin.setMarket(market, { [adapter.price]: price }); exact.setMarket(market, { [adapter.price]: price }); };
  for (let tick = 1; tick <= length; ++tick) {
    const moved = dice.chance(0.3) ? home.map((_, m) => m) : [dice.below(markets)], common = BigInt(9950 + dice.below(101));
    if (dice.chance(0.05)) { const m = dice.below(markets), price = twin.world.markets[m]![adapter.price]!; set(m, dice.chance(0.4) ? 0n : dice.chance(0.5) ? home[m]! : price * 10n ** 6n < 2n ** 100n ? price * 10n ** 6n : home[m]!); }
    else for (const m of moved) {
      const price = twin.world.markets[m]![adapter.price]!, next = price * (moved.length > 1 ? common : BigInt(9900 + dice.below(201))) / 10000n;
      set(m, price === 0n || price > home[m]! * 10n ** 5n || price * 1000n < home[m]! ? home[m]! : next);
    }
    if (dice.chance(0.02)) { // an account changes, and may move
      const i = dice.below(accounts), id = ids[i]!, next = changed(dice, adapter, twin, twin.entries.get(id)!.account, 6);
      twin.update(id, next);
      exact.update(others[i]!, adapter.change(next, Array.from({ length: markets }, (_, m) => m)));
    }
    const { unsafe, safe } = book.scan({ since: "last", idsOnly: true });
    for (const id of unsafe.ids) { expect(found.has(id)).toBe(false); found.add(id); }
    for (const id of safe.ids) { expect(found.has(id)).toBe(true); found.delete(id); }
    if (tick % 10 === 0) expect(idsIn(found)).toEqual(idsIn([...exact.scan({ screen: "off", idsOnly: true }).ids].map((id) => at.get(id)!)));
  }
  const judge = adapter.judge(twin.world);
  expect(idsIn(found)).toEqual(idsIn([...twin.entries.values()].filter((entry) => judge(entry.account).status === "unsafe").map(({ id }) => id)));
}

const SOME = [aaves.get(1)!, aaves.get(8)!, aaves.get(11)!, truncate, cometAdapter];

describe("walks of prices: what changed, tick by tick", () => {
  for (const adapter of SOME) test(adapter.name, () => {
    fc.assert(fc.property(seed, (start) => walk(start, adapter, 2000, ticks(1000))), { numRuns: 1 });
  });
});

describe("the line", () => {
  /** Accounts at equality and one unit on either side, then prices on the line of each of some, and one beside it. */
  for (const adapter of ADAPTERS) test(adapter.name, () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), twin = new AccountTwin(adapter);
      for (let m = 0; m < 5; ++m) twin.addMarket(randomMarket(dice, adapter));
      if (adapter.hasCategories) for (let c = 1; c < 4; ++c) twin.setCategory(c, randomCategory(dice, adapter));
      for (let i = 0; i < 25; ++i) {
        const one = onTheLine(dice, adapter, twin.world, randomAccount(dice, adapter, twin.world, 3), 0n);
        twin.add(one);
        for (const nudge of [-1n, 1n]) twin.add(onTheLine(dice, adapter, twin.world, one, nudge));
      }
      twin.scan({ since: "last", idsOnly: true });
      for (let i = 0; i < 15; ++i) {
        const drawn = dice.pick([...twin.entries.values()]).account, found = priceOnTheLine(dice, adapter, twin.world, drawn);
        if (!found) continue;
        const [market, figures] = found, price = figures[adapter.price]!, before = twin.world.markets[market]![adapter.price]!;
        for (const next of [price, price + 1n, price > 0n ? price - 1n : 0n, 0n, before]) {
          twin.setMarket(market, { [adapter.price]: next });
          twin.scan({ since: "last", idsOnly: true });
        }
        twin.scan({ idsOnly: true });
      }
    }), runs(4));
  });
});

describe("extremes", () => {
  /** One market at a time is driven to where weights are 0, vast, or nothing to screen by, and back; another shares its accounts. */
  for (const adapter of ADAPTERS) test(`${adapter.name}: figures go to extremes and come back`, () => {
    fc.assert(fc.property(process.env["SEED"] ? fc.constant(Number(process.env["SEED"])) : seed, (start) => {
      const dice = new Dice(start), twin = new AccountTwin(adapter);
      for (let m = 0; m < 4; ++m) twin.addMarket(randomMarket(dice, adapter));
      const fill = () => { for (let i = 0; i < 15; ++i) { const drawn = randomAccount(dice, adapter, twin.world, 3); twin.add(dice.chance(0.3) ? onTheLine(dice, adapter, twin.world, drawn) : drawn); } };
      fill();
      for (let i = 0; i < 40; ++i) {
        const market = dice.below(4), before = twin.world.markets[market]!, price = before[adapter.price]!;
        const there = dice.chance(0.5) ? { [adapter.price]: dice.pick([0n, 1n, price * 10n ** 6n, price / 10n ** 6n, price * 10n ** 20n]) % 2n ** 150n } : strange(dice, adapter);
        const look = () => { if (dice.chance(0.8)) twin.scan({ ...(dice.chance(0.7) ? { since: "last" as const } : {}), idsOnly: true, ...(dice.chance(0.3) ? { status: "reverts" as const } : {}), ...(dice.chance(0.3) ? { screen: dice.pick(SCREENS) } : {}), ...(dice.chance(0.3) ? { at: dice.pick(TIMES) } : {}) }); };
        if (dice.chance(0.3)) twin.preview([[[market, there]], [[market, there], [dice.below(4), { [adapter.price]: 1n }]]]);
        twin.setMarket(market, there);
        if (dice.chance(0.2)) fill();
        look();
        look();
        if (dice.chance(0.4)) { const other = dice.below(4); twin.setMarket(other, { [adapter.price]: (twin.world.markets[other]![adapter.price]! + 1n) % 2n ** 254n }); look(); }
        if (dice.chance(0.3)) twin.preview([[[market, before]]]);
        if (dice.chance(0.8)) twin.setMarket(market, before);
        look();
        if (dice.chance(0.1)) twin.removeMany(dice.shuffle([...twin.entries.keys()]).slice(0, 10));
      }
      twin.scan();
      twin.columns();
    }), runs(3));
  });

  test("a debt at a price of 0 while keys are made, and back", () => {
    const adapter = aaves.get(11)!;
    for (const screen of SCREENS) {
      const twin = new AccountTwin(adapter), debt = twin.addMarket(), held = twin.addMarket();
      twin.add(account([[debt, { debt: 90n * WAD }], [held, { supply: 100n * WAD }]]));
      twin.scan({ since: "last" });
      twin.setMarket(debt, { assetPrice: 0n });
      twin.scan({ screen });
      twin.preview([[[debt, { assetPrice: 10n ** 8n }]]]);
      twin.setMarket(debt, { assetPrice: 10n ** 8n });
      twin.scan({ since: "last" });
    }
  });

  test("an eMode's threshold of 0 and 1 bps pulls the average down", () => {
    for (const revision of [1, 4, 5, 7, 8, 9, 11] as const) {
      const adapter = aaves.get(revision)!;
      for (const threshold of [0n, 1n]) {
        const twin = new AccountTwin(adapter), inMode = revision < 5 ? { eModeCategory: 1n } : {}, more = revision >= 5 ? { collateralBitmap: 1n } : { eModeAssetPrice: 0n };
        const a = twin.addMarket(inMode), b = twin.addMarket(), owed = twin.addMarket();
        twin.setCategory(1, { ltv: 9000n, liquidationThreshold: threshold, liquidationBonus: 10100n, ...more, ...(revision >= 10 ? { ltvzeroBitmap: 0n } : {}), ...(revision >= 11 ? { isolated: false } : {}) });
        for (const supply of [1n, 100n, 10_000n, 10n ** 6n]) for (const debt of [1n, 50n, 79n, 81n]) {
          twin.add(account([[a, { supply: supply * WAD }], [b, { supply: 100n * WAD }], [owed, { debt: debt * WAD }]], { category: 1 }));
        }
        for (const screen of SCREENS) twin.scan({ screen });
        twin.setMarket(a, { assetPrice: 10n ** 10n });
        twin.scan({ since: "last" });
      }
    }
  });

  test("a category's price also counts for debts in what is no collateral", () => {
    for (const revision of [1, 4] as const) {
      const twin = new AccountTwin(aaves.get(revision)!), held = twin.addMarket(), owed = twin.addMarket({ liquidationThreshold: 0n, eModeCategory: 1n });
      twin.setCategory(1, { ltv: 9000n, liquidationThreshold: 9000n, liquidationBonus: 10100n, eModeAssetPrice: 2n * 10n ** 8n });
      const id = twin.add(account([[held, { supply: 100n * WAD }], [owed, { debt: 50n * WAD }]], { category: 1 }));
      twin.scan();
      twin.inspect(id);
    }
  });

  test("an account that is unsafe moves to another shelf, safe there or not", () => {
    for (const adapter of ADAPTERS) for (const rescue of [true, false]) {
      const twin = new AccountTwin(adapter), dice = new Dice(5);
      for (let m = 0; m < 4; ++m) twin.addMarket(adapter.market());
      let drawn = randomAccount(dice, adapter, twin.world, 3);
      while (twin.status(drawn) !== "unsafe" || !drawn.legs.size) drawn = randomAccount(dice, adapter, twin.world, 3);
      const id = twin.add(drawn);
      twin.scan({ since: "last" });
      const next = copyOf(drawn), free = [0, 1, 2, 3].filter((m) => !next.legs.has(m))[0]!;
      next.legs.set(free, leg({ supply: rescue ? 10n ** 36n : 1n }));
      twin.update(id, next);
      expect(twin.status(next)).toBe(rescue ? "safe" : "unsafe");
      twin.scan({ since: "last" });
      twin.update(id, drawn);
      twin.scan({ since: "last" });
      twin.scan();
      twin.update(id, account()); // nothing left
      twin.scan({ since: "last" });
      twin.inspect(id);
    }
  });
});

if (process.env["ONE"]) test.only("one", () => { const [name, start, most = "5"] = process.env["ONE"]!.split(","); sequence(Number(start), ADAPTERS.find((a) => a.name === name)!, most === "5" ? 60 : 30, most === "5" ? 40 : 30, Number(most), Number(most)); });
