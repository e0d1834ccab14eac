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
    fc.assert(fc.property(seed, (start) => sequence(start, adapter, 80, 40)), runs(12));
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
    fc.assert(fc.property(seed, (start) => walk(start, adapter, 1200, ticks(1500))), { numRuns: 1 });
  });
});
