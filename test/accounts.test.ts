import fc from "fast-check";
import { aaveV3 } from "plimsoll/aave-v3";
import { comet } from "plimsoll/comet";
import { compoundV2, compoundV2HalfUp } from "plimsoll/compound-v2";
import { describe, expect, test, vi } from "vitest";
import { type Account, type Adapter, type AnyQuery, AccountTwin, type Leg, type World, aave, aaveInput, account, cometAccount, cometAdapter, cometView, compound, compoundAssets, compoundViews, copyOf, leg, openAny } from "./account-twin.js";
import { onTheLine, priceOnTheLine, randomAccount, randomCategory, randomMarket, strange } from "./account-worlds.js";
import { Dice, WAD, runs, seed } from "./arbitraries.js";
import { refuses } from "./contracts.js";
import { joinKeys, keyOf } from "./twin.js";

vi.setConfig({ testTimeout: 240_000 });

const REVISIONS = [1, 4, 5, 6, 7, 8, 9, 10, 11] as const;
const aaves = new Map(REVISIONS.map((revision) => [revision, aave(revision)]));
const truncate = compound("truncate"), halfUp = compound("half-up");
const ADAPTERS: readonly Adapter[] = [...aaves.values(), truncate, halfUp, cometAdapter];
const SCREENS = ["zones", "keys", "off"] as const;

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

describe("keys made anew in the middle of a query", () => {
  for (const revision of [6, 9] as const) test(`aave ${revision}: a distance and an order, beside a second book that judges exactly`, () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), books = [openAny(aaves.get(revision)!), openAny(aaves.get(revision)!)] as const, prices: bigint[] = [], count = 5;
      for (let i = 0; i < count; ++i) {
        prices.push(BigInt(10 ** 8 + dice.below(10 ** 9)));
        for (const book of books) book.addMarket(aaves.get(revision)!.market({ decimals: 18n, assetPrice: prices[i]!, liquidationThreshold: BigInt(6000 + i * 500) }));
      }
      const worth = (dollars: number, i: number) => BigInt(Math.round(dollars * 1e9)) * 10n ** 17n / prices[i]!;
      // Health from 0.9 to 1.5, two to five lines.
      const accounts = Array.from({ length: 400 }, () => {
        const debt = 100 * 10 ** (dice.below(300) / 100), health = 0.9 + dice.below(600) / 1000, held = 1 + dice.below(4), owed = dice.below(count);
        return account([
          [owed, { debt: worth(debt, owed) }],
          ...Array.from({ length: held }, (_, k): [number, object] => [(owed + 1 + k) % count, { supply: worth(debt * health / held * 10000 / (6000 + ((owed + 1 + k) % count) * 500), (owed + 1 + k) % count) }]),
        ] as Parameters<typeof account>[0]);
      });
      for (const book of books) book.load(accounts.map((one) => aaves.get(revision)!.input(one)));
      for (let tick = 0; tick < 25; ++tick) {
        for (let i = 0; i < count; ++i) if (dice.chance(0.6)) {
          prices[i] = prices[i]! * BigInt(dice.chance(0.5) ? 970 + dice.below(60) : 800 + dice.below(400)) / 1000n;
          for (const book of books) book.setMarket(i, { assetPrice: prices[i]! });
        }
        const query = { ...(dice.chance(0.7) ? { within: BigInt(dice.below(10 ** 6)) * 10n ** 11n } : {}), ...(dice.chance(0.4) ? { order: "riskiest" as const, limit: 40 } : {}) };
        const found = books[0].scan(query).ids, wanted = books[1].scan({ ...query, screen: "off" }).ids;
        expect(query.order ? [...found] : [...found].sort()).toEqual(query.order ? [...wanted] : [...wanted].sort());
      }
    }), runs(15));
  });
});

describe("keys that are to be made anew, and are not yet when prices move again", () => {
  for (const adapter of [aaves.get(6)!, aaves.get(9)!, truncate, cometAdapter]) test(adapter.name, () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), twin = new AccountTwin(adapter), odd = 3;
      for (let m = 0; m <= odd; ++m) twin.addMarket(adapter.market());
      const move = (market: number, by: bigint) => { twin.setMarket(market, { [adapter.price]: twin.world.markets[market]![adapter.price]! * by / 1000n }); };
      // All hold 0 and 1 and owe 2, or what a Comet lends, so that all of them gain from a rise; one holds the odd asset.
      const one = (held: readonly number[]) => {
        const supplies = held.map((asset): [number, Partial<Leg>] => [asset, { supply: 10n ** 20n * BigInt(1 + dice.below(1000)) }]);
        const drawn = account(adapter === cometAdapter ? supplies : [...supplies, [2, { debt: 1n }]], adapter === cometAdapter ? { principal: -1n } : {});
        return onTheLine(dice, adapter, twin.world, drawn, 0n);
      };
      twin.add(one([0, 1, odd]));
      for (let i = 0; i < 60; ++i) { twin.add(one([0, 1])); if (i % 20 === 19) move(dice.below(2), BigInt(960 + dice.below(80))); }
      for (let tick = 0; tick < 8; ++tick) {
        const price = twin.world.markets[odd]![adapter.price]!;
        twin.setMarket(odd, { [adapter.price]: 2n ** 200n }); // no float says what its holder is worth
        twin.scan();
        twin.setMarket(odd, { [adapter.price]: price });
        expect(twin.book.preview([])).toEqual([]); // now keys are to be made, and none is looked at
        const by = BigInt(950 + dice.below(100));
        for (const market of [0, 1]) move(market, by);
        if (dice.chance(0.5)) twin.scan();
        else twin.preview([[[0, { [adapter.price]: twin.world.markets[0]![adapter.price]! * 2n }]]]);
      }
    }), runs(10));
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
    fc.assert(fc.property(seed, (start) => {
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

// ---- Prices

/** The world with another price of a market, or of what a Comet lends. */
const priced = ({ price }: Adapter, world: World, market: number | undefined, value: bigint): World => (market === undefined
  ? { ...world, system: { ...world.system, basePrice: value } }
  : { ...world, markets: world.markets.map((figures, i) => (i === market ? { ...figures, [price]: value } : figures)) });

/** Revisions whose threshold is an average in whole basis points. */
const AVERAGES = new Set<Adapter>([1, 4, 5, 6, 7, 8].map((revision) => aaves.get(revision as 1)!));

describe("liquidation prices, by the forward rule", () => {
  test("held and owed in the same weight: roundings decide", () => {
    const twin = new AccountTwin(aaves.get(6)!), market = twin.addMarket({ decimals: 0n, assetPrice: 1n, liquidationThreshold: 10000n });
    const id = twin.add(account([[market, { supply: 1n, debt: 1n }]]));
    expect(twin.book.liquidationPrices(id).find(({ side }) => side === "collateral")!.price).toBe("undecided");
  });

  test("what a cToken counts for is cut before it is multiplied: a step of it is no rise", () => {
    for (const adapter of [truncate, halfUp]) {
      const twin = new AccountTwin(adapter), pool = twin.addMarket(adapter.market({ collateralFactorMantissa: WAD / 2n, cash: 2n * 10n ** 24n, totalBorrows: 0n, totalReserves: 0n, totalSupply: 10n ** 30n, borrowIndex: WAD }));
      const id = twin.add(account([[pool, { supply: 10n ** 24n, debt: 15n * 10n ** 17n }], [twin.addMarket(adapter.market()), { supply: 10n ** 30n }]]));
      expect(twin.book.liquidationPrices(id).find(({ market, side }) => market === pool && side === "collateral")!.price).toBe("always");
      expect(twin.book.liquidationPrices(id).find(({ market, side }) => market === pool && side === "debt")!.price).toBeTypeOf("bigint");
    }
  });

  test("what counts for nothing in an average brings it down", () => {
    const adapter = aaves.get(8)!, twin = new AccountTwin(adapter), a = twin.addMarket(), b = twin.addMarket(), owed = twin.addMarket();
    twin.setCategory(1, { ltv: 0n, liquidationThreshold: 0n, liquidationBonus: 10100n, collateralBitmap: 1n });
    const id = twin.add(account([[a, { supply: WAD }], [b, { supply: 100n * WAD }], [owed, { debt: WAD }]], { category: 1 }));
    expect(twin.book.liquidationPrices(id)[0]).toEqual({ market: a, side: "collateral", price: "always" });
    twin.setMarket(a, { assetPrice: 2n ** 60n });
    twin.scan();
    expect(twin.book.inspect(id).status).toBe("unsafe");
  });

  for (const adapter of ADAPTERS) test(adapter.name, () => {
    const seen = new Map<string, number>();
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), twin = new AccountTwin(adapter);
      for (let m = 0; m < 5; ++m) twin.addMarket(randomMarket(dice, adapter));
      if (adapter.hasCategories) for (let c = 1; c < 4; ++c) { const figures = randomCategory(dice, adapter); twin.setCategory(c, dice.chance(0.8) && "eModeAssetPrice" in figures ? { ...figures, eModeAssetPrice: 0n } : figures); }
      for (let i = 0; i < 15; ++i) {
        const drawn = randomAccount(dice, adapter, twin.world, 4), one = dice.chance(0.5) ? onTheLine(dice, adapter, twin.world, drawn) : drawn, id = twin.add(one);
        const at = dice.chance(0.25) ? 10n ** 6n : undefined, answers = twin.book.liquidationPrices(id, at === undefined ? {} : { at });
        const lines = [...one.legs].flatMap(([m, { supply, debt, isCollateral, isBorrowed }]) => [...(isCollateral && (supply || adapter.hasCategories) ? [`${m} collateral`] : []), ...(isBorrowed && (debt || adapter.hasCategories) ? [`${m} debt`] : [])]);
        expect(answers.map(({ market, side }) => `${market} ${side}`).sort()).toEqual([...lines, ...(one.principal < 0n ? ["undefined debt"] : [])].sort());
        for (const { market, side, price } of answers) {
          seen.set(typeof price === "bigint" ? "price" : price, (seen.get(typeof price === "bigint" ? "price" : price) ?? 0) + 1);
          const statusAt = (value: bigint) => adapter.judge(priced(adapter, twin.world, market, value), at)(one).status, owed = side === "debt";
          const says = (value: bigint, status: string) => { expect([start, i, market, side, price, value, statusAt(value)]).toEqual([start, i, market, side, price, value, status]); };
            const held = one.legs.get(market!), both = held !== undefined && held.supply > 0n && held.debt > 0n;
            const healthy = (value: bigint) => { expect([start, i, market, side, price, value, statusAt(value) !== "unsafe"]).toEqual([start, i, market, side, price, value, true]); }; // far off the contract may overflow
          const some = Array.from({ length: 12 }, () => 1n + dice.uint(100));
          if (price === "never") for (const p of [1n, 2n, ...some]) healthy(p);
          else if (price === "always") {
            if (owed) says(1n, "unsafe");
            else if (!both) expect([start, i, market, [2n ** 100n, 2n ** 119n, 2n ** 125n, 2n ** 140n, 2n ** 160n, 2n ** 190n, ...Array.from({ length: 20 }, () => 2n ** 90n + dice.bits(90))].some((p) => statusAt(p) === "unsafe")]).toEqual([start, i, market, true]);
          } else if (typeof price === "bigint") {
            expect(price).toBeGreaterThanOrEqual(1n);
            says(price, "safe");
            says(owed ? price + 1n : price - 1n, "unsafe");
            const near = Array.from({ length: 12 }, (_, k) => BigInt(k)), far = some.map((x) => (owed ? x % price + 1n : price + x)), ratio = Array.from({ length: 12 }, () => price * BigInt(1000 + dice.below(2000)) / 1000n);
            for (const p of owed ? [...near.map((x) => price - x), ...far, ...ratio.map((x) => price * price / x)] : [...near.map((x) => price + x), ...far, ...ratio]) if (p > 0n) healthy(p);
          } else if (price === "undecided") expect([start, i, market, side, both || AVERAGES.has(adapter)]).toEqual([start, i, market, side, true]);
          else {
            const byCategory = adapter.hasCategories && (twin.world.categories.get(one.category)?.["eModeAssetPrice"] ?? 0n) !== 0n; // the category's price, not the asset's
            const beyond = (statusAt(2n ** 119n) === "unsafe") !== owed; // no price below 2^120 settles it
            const vast = [...one.legs.values()].some(({ supply, debt, index }) => (supply | debt) >> 100n || index < 10n ** 15n); // units beyond 128 bits
            expect([start, i, market, side, byCategory || beyond || vast || both || [1n, 2n ** 60n, 2n ** 119n].some((p) => statusAt(p) === "reverts")]).toEqual([start, i, market, side, true]);
          }
        }
      }
    }), runs(6));
    for (const kind of ["price", "never", "always"]) expect(seen.get(kind) ?? 0).toBeGreaterThan(0);
    expect(seen.get("undecided") ?? 0).toBeLessThan(15 + [...seen.values()].reduce((sum, n) => sum + n, 0) / 20);
  });
});

// ---- The protocols' functions of an account

describe("a function of an account in the book is the contract's own of the same account", () => {
  const times = [undefined, 2000n, 10n ** 8n, 2n ** 39n, 0n];
  for (const [revision, adapter] of aaves) test(adapter.name, () => {
    const protocol = aaveV3({ revision });
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), twin = new AccountTwin(adapter);
      for (let m = 0; m < 5; ++m) twin.addMarket(randomMarket(dice, adapter));
      for (let c = 1; c < 4; ++c) twin.setCategory(c, randomCategory(dice, adapter));
      for (let i = 0; i < 15; ++i) {
        const one = randomAccount(dice, adapter, twin.world, 4), id = twin.add(one), at = dice.pick(times), options = at === undefined ? {} : { at };
        const inputs = aaveInput(revision, twin.world, one, at, true), stable = revision < 5 ? { stableDebt: 0n } : {};
        const alone = protocol.accountData({ ...inputs, reserves: inputs.reserves.map((reserve) => ({ ...reserve, ...stable })) } as never);
        expect(twin.book.ask(id, "accountData", {}, options)).toEqual(alone);
        if ([...one.legs.values()].some(({ supply, debt }) => supply >> 120n || debt >> 120n)) continue;
        for (let j = 0; j < 3; ++j) {
          const ids = [...one.legs.keys()], held = ids.find((x) => one.legs.get(x)!.isCollateral) ?? dice.below(5), owed = ids.find((x) => one.legs.get(x)!.isBorrowed) ?? dice.below(5);
          const terms = { collateralReserveId: BigInt(j ? dice.below(5) : held), debtReserveId: BigInt(j ? dice.below(5) : owed), debtToCover: dice.pick([2n ** 256n - 1n, dice.uint(100), 1n]) };
          expect([terms, twin.book.ask(id, "liquidationCall", terms, options)]).toEqual([terms, protocol.liquidationCall({ ...inputs, ...terms } as never)]);
        }
      }
    }), runs(6));
  });

  for (const [adapter, protocol] of [[truncate, compoundV2], [halfUp, compoundV2HalfUp]] as const) test(adapter.name, () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), twin = new AccountTwin(adapter);
      for (let m = 0; m < 5; ++m) twin.addMarket({ ...randomMarket(dice, adapter), ...(dice.chance(0.1) ? { oraclePriceMantissa: dice.pick([0n, 2n ** 255n]) } : {}) });
      for (let i = 0; i < 15; ++i) {
        const one = randomAccount(dice, adapter, twin.world, 4), id = twin.add(one), at = dice.pick(times), assets = compoundAssets(compoundViews(twin.world, at), one);
        expect(twin.book.ask(id, "accountLiquidity", {}, at === undefined ? {} : { at })).toEqual(assets ? protocol.accountLiquidity({ assets }) : { reverts: true, reason: expect.stringMatching(/^Panic|absurdly high$/) });
      }
    }), runs(20));
  });

  test("comet", () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), twin = new AccountTwin(cometAdapter);
      for (let m = 0; m < 5; ++m) twin.addMarket({ ...randomMarket(dice, cometAdapter), ...(dice.chance(0.1) ? { price: 0n } : {}) });
      for (let i = 0; i < 15; ++i) {
        const one = randomAccount(dice, cometAdapter, twin.world, 4), id = twin.add(one), at = dice.pick(times), view = cometView(twin.world, at);
        for (const name of ["isLiquidatable", "isBorrowCollateralized", "absorb"] as const) {
          const { totalSupplyBase, totalBorrowBase } = twin.world.system, input = cometAccount(view ?? twin.world, one);
          const alone = !view && one.principal < 0n ? { reverts: true, reason: "" } : (comet[name] as (inputs: object) => object)({ ...input, ...(name === "absorb" ? { totalSupplyBase, totalBorrowBase } : {}) });
          expect([name, twin.book.ask(id, name, {}, at === undefined ? {} : { at })]).toEqual([name, alone]);
        }
      }
    }), runs(20));
  });
});

// ---- Memory

describe("memory", () => {
  test("stays as it is while accounts come, change, and go", () => {
    for (const adapter of SOME) {
      const book = openAny(adapter, { keyBytes: 20 }), dice = new Dice(7), world: World = { markets: [], system: adapter.system ?? {}, categories: new Map() };
      if (adapter.system) book.setSystem(adapter.system);
      for (let m = 0; m < 12; ++m) { world.markets.push(adapter.market()); book.addMarket(adapter.market()); }
      const drawn = Array.from({ length: 400 }, () => randomAccount(dice, adapter, world, 12)), keys = joinKeys(drawn.map((_, i) => keyOf(i))), inputs = drawn.map((one) => adapter.input(one));
      const everything = Array.from({ length: 12 }, (_, m) => m);
      const churn = () => {
        const ids = book.load(inputs, keys);
        for (let k = 0; k < ids.length; ++k) book.update(ids[k]!, adapter.change(drawn[(k * 7 + 1) % drawn.length]!, everything));
        book.scan({ since: "last", order: "riskiest" });
        for (let k = 0; k < ids.length; ++k) book.update(ids[k]!, adapter.change(drawn[k]!, everything));
        book.scan();
        expect(() => book.load(inputs, keys)).toThrow(expect.objectContaining({ code: "duplicate-key" }));
        book.preview([[[0, { [adapter.price]: 1n }]]]);
        book.liquidationPrices(ids[5]!);
        book.removeMany(ids);
        return book.bytes;
      };
      churn();
      const before = churn();
      for (let round = 0; round < 4; ++round) expect(churn()).toBe(before);
      for (let k = 0; k < 20_000; ++k) book.remove(book.add(inputs[3], keyOf(1)));
      expect([book.bytes, book.size]).toEqual([before, 0]);
    }
  });

  test("a leg costs no more than 32 bytes", () => {
    for (const adapter of [aaves.get(1)!, aaves.get(11)!, cometAdapter]) {
      const bytes = [4, 12].map((legs) => {
        const book = openAny(adapter), count = 20_480;
        for (let m = 0; m < 16; ++m) book.addMarket(adapter.market());
        const one = adapter.input(account(Array.from({ length: legs }, (_, m) => [m, { supply: WAD }])));
        book.load(new Array(count).fill(one));
        return book.bytes / count;
      });
      expect((bytes[1]! - bytes[0]!) / 8).toBeLessThan(32);
    }
  });

  test("capacity", () => {
    const twin = new AccountTwin(aaves.get(11)!, { capacity: 3 }), market = twin.addMarket(), one = account([[market, { supply: 1n }]]);
    twin.load([one, one]);
    refuses(() => twin.book.load([1, 2].map(() => twin.adapter.input(one))), "capacity-reached", "2", "3");
    twin.add(one);
    refuses(() => twin.book.add(twin.adapter.input(one)), "capacity-reached", "3");
    twin.columns();
  });
});

// ---- Bad input

describe("what does not fit is refused, and changes nothing", () => {
  const good = {
    "aave 11": { one: { reserves: [{ reserve: 0, scaledATokenBalance: 5n }] }, list: "reserves", name: "reserve", amount: "scaledATokenBalance", both: { scaledATokenBalance: 0n, scaledVariableDebt: 0n } },
    "compound truncate": { one: { assets: [{ market: 0, cTokenBalance: 5n }] }, list: "assets", name: "market", amount: "cTokenBalance", both: { cTokenBalance: 0n, principal: 0n } },
    comet: { one: { principal: -3n, collateral: [{ asset: 0, balance: 5n }] }, list: "collateral", name: "asset", amount: "balance", both: { balance: 0n } },
  } as const;
  for (const adapter of [aaves.get(11)!, truncate, cometAdapter]) {
    const { one, list, name, amount, both } = good[adapter.name as keyof typeof good], entry = (one as unknown as Record<string, object[]>)[list]![0]!;
    const filled = () => {
      const twin = new AccountTwin(adapter, { keyBytes: 20 });
      twin.addMarket();
      twin.addMarket();
      const id = twin.add(adapter.parse(one), keyOf(1));
      twin.scan();
      return { twin, book: twin.book, id };
    };
    const same = (twin: AccountTwin, id: number) => { twin.columns(); twin.inspect(id); twin.scan({ since: "last" }); };

    test(`${adapter.name}: accounts`, () => {
      const { twin, book, id } = filled(), put = (entries: unknown) => ({ ...one, [list]: entries });
      const bad: [input: unknown, code: string, ...parts: string[]][] = [
        [put([{ ...entry, [name]: 2 }]), "unknown-market", list, "2"], [put([{ ...entry, [name]: -1 }]), "unknown-market", "-1"], [put([{ ...entry, [name]: 0.5 }]), "unknown-market", "0.5"],
        [put([{ ...entry, [name]: "0" }]), "unknown-market", "0"], [put([{ ...entry, [name]: 0n }]), "unknown-market"], [put([{ ...entry, [name]: undefined }]), "unknown-market"],
        [put([entry, entry]), "invalid-argument", list, "twice"], [put([{ [name]: 0, ...both }]), "invalid-argument", `${list}[0]`, amount],
        [put([{ ...entry, [amount]: 5 }]), "not-a-bigint", amount, "5"], [put([{ ...entry, [amount]: "5" }]), "not-a-bigint", amount], [put([{ ...entry, [amount]: null }]), "not-a-bigint", amount],
        [put([{ ...entry, [amount]: 2n ** 128n }]), "out-of-range", amount], [put([{ ...entry, [amount]: -1n }]), "out-of-range", amount, "-1"],
        [put([{ ...entry, wrong: 1n }]), "unknown-field", "wrong"], [put([null]), "invalid-argument"], [put([5n]), "invalid-argument"], [put({}), "invalid-argument", list], [put(undefined), "invalid-argument", list],
        [{ ...one, wrong: 1n }, "unknown-field", "wrong"], [null, "invalid-argument"], [undefined, "invalid-argument"], [5, "invalid-argument"], [[], "invalid-argument"],
      ];
      if (adapter.name === "comet") {
        bad.push([{ collateral: [] }, "not-a-bigint", "principal"], [{ principal: -(2n ** 103n), collateral: [] }, "out-of-range", "principal"], [{ principal: 2n ** 103n, collateral: [] }, "out-of-range", "principal"], [put([{ asset: 0 }]), "missing-field", "balance"]);
      }
      if (adapter.hasCategories) bad.push(
        [{ ...one, userConfig: 16n }, "unknown-market", "userConfig"], [{ ...one, userConfig: 2n ** 256n }, "out-of-range", "userConfig"], [{ ...one, userConfig: 1 }, "not-a-bigint", "userConfig"],
        [{ ...one, userEModeCategory: 256n }, "out-of-range", "userEModeCategory"], [{ ...one, userEModeCategory: -1n }, "out-of-range", "userEModeCategory"], [{ ...one, userEModeCategory: 1 }, "not-a-bigint", "userEModeCategory"],
        [put([{ ...entry, borrowing: 1n }]), "invalid-argument", "borrowing"], [put([{ ...entry, usingAsCollateral: "yes" }]), "invalid-argument", "usingAsCollateral"],
      );
      if (adapter === truncate) bad.push([put([{ ...entry, entered: 1n }]), "invalid-argument", "entered"], [put([{ ...entry, principal: 1n, interestIndex: 2n ** 128n }]), "out-of-range", "interestIndex"]);
      for (const [input, code, ...parts] of bad) {
        refuses(() => book.add(input, keyOf(2)), code, ...parts);
        refuses(() => book.load([one, input], joinKeys([keyOf(2), keyOf(3)])), code, ...parts);
      }
      same(twin, id);
    });

    test(`${adapter.name}: changes`, () => {
      const { twin, book, id } = filled(), put = (entries: unknown) => ({ [list]: entries });
      for (const [input, code, ...parts] of [
        [put([{ ...entry, [name]: 2 }]), "unknown-market", "2"], [put([{ ...entry, [amount]: 5 }]), "not-a-bigint", amount], [put([{ ...entry, [amount]: 0 }]), "not-a-bigint", amount],
[put([{ ...entry, [amount]: null }]), "not-a-bigint", amount], [put([{ ...entry, [amount]: 2n ** 128n }]), "out-of-range", amount],
        [put([{ ...entry, wrong: 1n }]), "unknown-field", "wrong"], [{ wrong: 1n }, "unknown-field", "wrong"], [put([entry, entry]), "invalid-argument", "twice"], [put(5), "invalid-argument", list], [put([null]), "invalid-argument"],
        [null, "invalid-argument"], [undefined, "invalid-argument"], [5, "invalid-argument"],
      ] as [unknown, string, ...string[]][]) refuses(() => book.update(id, input), code, ...parts);
      same(twin, id);
    });

    test(`${adapter.name}: ids, keys, queries, scenarios and functions`, () => {
      const { twin, book, id } = filled(), gone = book.add(one, keyOf(9));
      book.remove(gone);
      for (const stale of [gone, -1, 0, 0.5, Number.NaN, Infinity, 2 ** 40, id + 1]) {
        for (const call of [() => book.update(stale, {}), () => book.remove(stale), () => book.account(stale), () => book.inspect(stale), () => book.liquidationPrices(stale), () => book.removeMany([id, stale]), () => book.ask(stale, adapter.hasCategories ? "accountData" : adapter === truncate ? "accountLiquidity" : "absorb", {})]) {
          refuses(call, "stale-id");
        }
        expect(book.has(stale)).toBe(false);
      }
      for (const call of [() => book.update("1" as never, {}), () => book.remove(null as never), () => book.account(1n as never), () => book.ask({} as never, "x", {})]) refuses(call, "invalid-argument");
      refuses(() => book.removeMany([id, id]), "duplicate-id", String(id));
      refuses(() => book.add(one, keyOf(1)), "duplicate-key", keyOf(1));
      refuses(() => book.load([one, one], joinKeys([keyOf(5), keyOf(5)])), "duplicate-key", keyOf(5), "row 1");
      refuses(() => book.load([one, one], joinKeys([keyOf(5), keyOf(1)])), "duplicate-key", keyOf(1), "row 1");
      refuses(() => book.add(one), "missing-field", "key");
      for (const key of ["0x12", keyOf(1, 32), new Uint8Array(19), 5]) { refuses(() => book.add(one, key), "invalid-argument", "key"); refuses(() => book.find(key), "invalid-argument", "key"); }
      refuses(() => book.load([one], new Uint8Array(19)), "length-mismatch", "keys");
      refuses(() => book.load(one as never), "invalid-argument", "accounts");
      const bare = openAny(adapter);
      bare.addMarket(adapter.market());
      refuses(() => bare.add(one, keyOf(1)), "invalid-argument", "keyBytes");
      refuses(() => bare.find(keyOf(1)), "invalid-argument", "keyBytes");
      refuses(() => book.scan({ market: 0 } as never), "invalid-argument", "market");
      refuses(() => book.scan({ order: "liquidationPrice" } as never), "invalid-argument", "liquidationPrice");
      refuses(() => book.scan({ wrong: 0 } as never), "unknown-field", "wrong");
      refuses(() => book.scan({ limit: -1 }), "invalid-argument", "limit");
      refuses(() => book.scan({ within: 1n, since: "last" } as never), "invalid-argument", "within");
      refuses(() => book.preview([[[2, {}]]]), "unknown-market", "2");
      refuses(() => book.preview([[[0, { wrong: 1n }]]]), "unknown-field", "wrong");
      refuses(() => book.preview([[[0, { [adapter.price]: 1 }]]]), "not-a-bigint", adapter.price);
      refuses(() => book.setMarket(2, {}), "unknown-market", "2");
      refuses(() => book.setMarket(0, { [adapter.price]: 2n ** 256n }), "out-of-range", adapter.price);
      const { [adapter.price]: _, ...without } = adapter.market();
      refuses(() => book.addMarket(without), "missing-field", adapter.price);
      refuses(() => book.ask(id, "wrong", {}), "invalid-argument", "wrong");
      refuses(() => book.ask(id, "toString", {}), "invalid-argument", "toString");
      if (adapter.hasCategories) {
        const terms = { collateralReserveId: 0n, debtReserveId: 1n, debtToCover: 1n };
        refuses(() => book.ask(id, "liquidationCall", { ...terms, debtReserveId: 2n }), "unknown-market", "2");
        refuses(() => book.ask(id, "liquidationCall", { ...terms, collateralReserveId: 128n }), "out-of-range", "collateralReserveId");
        refuses(() => book.ask(id, "liquidationCall", { ...terms, collateralReserveId: 0 }), "not-a-bigint", "collateralReserveId");
        refuses(() => book.ask(id, "liquidationCall", { debtReserveId: 0n, debtToCover: 1n }), "missing-field", "collateralReserveId");
        const figures = { ltv: 1n, liquidationThreshold: 1n, collateralBitmap: 1n };
        for (const category of [0, 256, -1, 1.5, "1", 1n]) refuses(() => book.setCategory(category as never, figures), "invalid-argument", "category");
        refuses(() => book.setCategory(1, { ...figures, ltv: 65536n }), "out-of-range", "ltv");
        refuses(() => book.setCategory(1, { ltv: 1n, liquidationThreshold: 1n }), "missing-field", "collateralBitmap");
        refuses(() => book.setCategory(1, { ...figures, eModeAssetPrice: 1n }), "unknown-field", "eModeAssetPrice");
      } else refuses(() => book.setCategory(1, {}), "invalid-argument", "categories");
      for (const call of [() => book.ask(id, adapter.hasCategories ? "accountData" : adapter === truncate ? "accountLiquidity" : "absorb", { wrong: 1n }), () => book.inspect(id, { wrong: 1n }), () => book.liquidationPrices(id, { wrong: 1n })]) refuses(call, "unknown-field", "wrong");
      refuses(() => book.inspect(id, { at: 5 }), "not-a-bigint", "at");
      same(twin, id);
    });
  }

  test("more assets than a book has", () => {
    for (const [adapter, most] of [[aaves.get(11)!, 128], [truncate, 128], [cometAdapter, 127]] as const) {
      const twin = new AccountTwin(adapter);
      for (let m = 0; m < most; ++m) twin.addMarket();
      refuses(() => twin.book.addMarket(adapter.market()), "capacity-reached", String(most));
      const id = twin.add(account(Array.from({ length: most }, (_, m) => [m, { supply: 10n ** 20n, ...(adapter === cometAdapter ? {} : { debt: 5n * 10n ** 19n }) }]), adapter === cometAdapter ? { principal: -1n } : {}));
      twin.scan();
      twin.inspect(id);
      expect(twin.book.liquidationPrices(id).length).toBe(adapter === cometAdapter ? 128 : 256);
    }
  });
});
