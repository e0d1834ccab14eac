import fc from "fast-check";
import type { Hits, Order } from "plimsoll";
import { describe, expect, test, vi } from "vitest";
import { Dice, MAX128, MAX256, RAY, WAD, column, runs, seed } from "./arbitraries.js";
import * as blue from "./reference/morpho.js";
import { type Adapter, type Ints, PositionTwin, liquity1, liquity2, morphoAdapter } from "./position-twin.js";
import { NOW, onTheLine, randomBatch, randomMarket, randomVault, strange, tick } from "./position-worlds.js";
import { Twin, joinKeys, keyOf, open, usualMarket } from "./twin.js";
import { openBook } from "plimsoll";
import { aaveV3 } from "plimsoll/aave-v3";
import { liquityV2 } from "plimsoll/liquity-v2";
import { maker } from "plimsoll/maker";

vi.setConfig({ testTimeout: 240_000 });

const ORDERS = ["riskiest", "debt", "liquidationPrice"] as const;

/** Amounts of which most are unsafe, many alike, and many apart by one unit only. */
function amounts(dice: Dice): [ink: bigint, art: bigint] {
  switch (dice.below(8)) {
    case 0: return [0n, 1n + dice.uint(100)];
    case 1: return [dice.uint(127), MAX128 - dice.uint(4)];
    case 2: return [1n + dice.uint(3), 1n + dice.uint(3)];
    case 3: { const n = BigInt(1 + dice.below(50)); return [n * WAD, 2n * n * WAD]; } // the same health, other debts
    case 4: return [10n ** 30n + BigInt(dice.below(3)), 2n * 10n ** 30n + BigInt(dice.below(3))]; // too close for an f64
    case 5: return [WAD, 2n * WAD];
    case 6: return [WAD + dice.uint(60), WAD / 2n + dice.uint(59)]; // some safe
    default: return [WAD, WAD + BigInt(dice.below(5))];
  }
}

function fill(dice: Dice, twin: Twin, markets: number, vaults: number): void {
  twin.setSystem({ par: RAY });
  for (let m = 0; m < markets; ++m) {
    const market = twin.addMarket({ spot: RAY + (dice.chance(0.5) ? dice.uint(70) : 0n), rate: RAY + (dice.chance(0.5) ? dice.uint(70) : 0n), mat: RAY + dice.uint(89) });
    const rows = Array.from({ length: vaults }, () => amounts(dice));
    const keys = twin.keyed ? dice.shuffle(rows.map((_, i) => keyOf(i))) : undefined; // the same keys in every market
    twin.load(market, rows, keys);
  }
}

const limits = (n: number) => [undefined, 0, 1, 2, 7, n >> 1, n - 1, n, n + 1, 10 * n].map((limit) => (limit === undefined || limit < 0 ? {} : { limit }));

describe("the exact order, against a sort in BigInt", () => {
  for (const keyed of [true, false]) for (const order of ORDERS) {
    test(`${order}, ${keyed ? "ties by key" : "ties by place"}`, () => {
      fc.assert(fc.property(seed, (start) => {
        const dice = new Dice(start), twin = new Twin(keyed ? { keyBytes: 20 } : {}), markets = order === "liquidationPrice" ? 1 : 1 + dice.below(4);
        fill(dice, twin, markets, 60);
        for (const limit of limits(60 * markets)) {
          twin.scan({ order, ...limit, idsOnly: dice.chance(0.7) });
          if (markets > 1) twin.scan({ order, ...limit, market: dice.below(markets), idsOnly: true });
        }
        twin.setMarket(0, { spot: (RAY * BigInt(50 + dice.below(100))) / 100n });
        twin.scan({ order, since: "last", idsOnly: true, ...dice.pick(limits(60)) });
        twin.scan({ order, status: "reverts", idsOnly: true });
        twin.scan({ order, idsOnly: true, within: WAD / 10n, ...dice.pick(limits(60)) });
        twin.scan({ order, idsOnly: true, minDebt: dice.uint(70), ...dice.pick(limits(60)) });
      }), runs(20));
    });
  }

  test("of a market among others by liquidation price; of several at once refused", () => {
    const dice = new Dice(7), twin = new Twin({ keyBytes: 20 });
    fill(dice, twin, 3, 50);
    for (const market of [0, 1, 2]) twin.scan({ order: "liquidationPrice", market });
    expect(() => twin.book.scan({ order: "liquidationPrice" })).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  });

  test("thousands of vaults over several chunks and markets, hardly any equal", () => {
    const dice = new Dice(11), twin = new Twin({ keyBytes: 20 });
    for (let m = 0; m < 3; ++m) {
      const market = twin.addMarket({ spot: RAY + dice.uint(88), rate: RAY + dice.uint(80) });
      twin.load(market, Array.from({ length: 3000 }, () => [10n ** 20n + dice.uint(68), 10n ** 20n + dice.uint(68)]), Array.from({ length: 3000 }, (_, i) => keyOf(i)));
    }
    for (const order of ["riskiest", "debt"] as const) for (const limit of [1, 10, 1000, 5000, 20_000]) twin.scan({ order, limit, idsOnly: true });
  });

  test("a hundred thousand ties", () => {
    const book = open({ keyBytes: 20 }), n = 50_000, dice = new Dice(13), keys = dice.shuffle(Array.from({ length: n }, (_, i) => keyOf(i)));
    for (let m = 0; m < 2; ++m) {
      const market = book.addMarket(usualMarket({ spot: RAY * BigInt(m + 1), rate: RAY * BigInt(m + 1) }));
      book.load(market, { ink: column(new Array(n).fill(WAD)), art: column(new Array(n).fill(2n * WAD)) }, joinKeys(keys));
    }
    const sorted = [...keys].sort();
    for (const limit of [1, 10, 2049, 40_001, 2 * n]) {
      const hits = book.scan({ order: "riskiest", limit });
      expect(hits.length).toBe(limit);
      for (const i of [0, 1, 2, 3, limit >> 1, limit - 2, limit - 1]) if (i >= 0 && i < limit) {
        expect([hits.at(i).key, hits.at(i).market]).toEqual([sorted[i >> 1], i & 1]); // equal keys: by market
      }
    }
    const debt = book.scan({ order: "debt", limit: n + 10 });
    expect([debt.at(0).market, debt.at(0).key, debt.at(n).market, debt.at(n).key]).toEqual([1, sorted[0], 0, sorted[0]]);
  });

  test("the widest figures: products of 768 bits", () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), twin = new Twin({ keyBytes: 20 });
      twin.setSystem({ par: dice.pick([RAY, MAX256, 1n]) });
      const markets = dice.chance(0.3) ? 1 : 2;
      for (let m = 0; m < markets; ++m) {
        twin.addMarket({ spot: dice.pick([1n, MAX128, 2n ** 200n]) - BigInt(dice.below(2)), rate: dice.pick([MAX128, 2n ** 128n, 2n ** 190n]) - BigInt(dice.below(2)), mat: dice.pick([RAY, MAX256]) });
        for (let i = 0; i < 40; ++i) twin.add(m, dice.chance(0.5) ? MAX128 - BigInt(dice.below(3)) : dice.uint(40), dice.chance(0.5) ? MAX128 - BigInt(dice.below(3)) : dice.uint(64), keyOf(i));
      }
      for (const order of ORDERS) for (const status of ["unsafe", "reverts"] as const) twin.scan({ order, status, idsOnly: true, market: dice.below(markets), limit: 1 + dice.below(60) });
      twin.scan({ order: "riskiest", idsOnly: true });
      twin.scan({ order: "debt", idsOnly: true });
    }), runs(25));
  });
});

describe("chunks passed over", () => {
  test("the riskiest few of many chunks, and those of the highest price, while vaults come, go and change", () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), twin = new Twin();
      twin.setSystem({ par: dice.pick([RAY, RAY, 10n ** 15n, 1n]) }); // of a small par, prices are small integers, and many alike
      for (let m = 0; m < 2; ++m) twin.load(twin.addMarket({ spot: RAY * BigInt(m + 1) }), Array.from({ length: 2600 }, () => [2n * WAD + dice.uint(58), WAD]));
      const ids = () => dice.pick([...twin.vaults.keys()]);
      for (let i = 0; i < 60; ++i) {
        const unsafe = [...twin.vaults.values()].filter((vault) => vault.found === "unsafe");
        for (let n = dice.below(4); n > 0; --n) switch (dice.below(4)) {
          case 0: twin.update(ids(), { art: 3n * WAD + dice.uint(70) }); break;
          case 1: if (unsafe.length) { const { id } = dice.pick(unsafe); if (twin.vaults.has(id)) twin.remove(id); } break;
          case 2: if (unsafe.length) { const { id } = dice.pick(unsafe); if (twin.vaults.has(id)) twin.update(id, { art: WAD / 2n + dice.uint(61) }); } break;
          default: twin.add(dice.below(2), WAD + dice.uint(60), WAD + dice.uint(62));
        }
        if (dice.chance(0.2)) twin.setMarket(dice.below(2), { spot: (RAY * BigInt(80 + dice.below(60))) / 100n });
        twin.scan({ order: "riskiest", limit: dice.below(5), idsOnly: true, ...(dice.chance(0.2) ? { within: WAD / 20n } : {}), ...(dice.chance(0.2) ? { market: dice.below(2) } : {}) });
        twin.scan({ order: "liquidationPrice", market: dice.below(2), limit: dice.below(5), idsOnly: true, ...(dice.chance(0.2) ? { within: WAD / 20n } : {}) });
      }
    }), runs(8));
  });
});

describe("a market whose accrual reverts", () => {
  test("is ordered by its stored rate, among the others", () => {
    const book = openBook(maker), late = book.addMarket({ spot: RAY, mat: RAY, rate: RAY, rho: 100n }), early = book.addMarket({ spot: RAY, mat: RAY, rate: RAY });
    const mild = book.add(late, { ink: WAD, art: 2n * WAD }), worst = book.add(early, { ink: WAD, art: 9n * WAD }), bad = book.add(late, { ink: WAD, art: 5n * WAD });
    expect([...book.scan().ids]).toEqual([mild, bad, worst]);
    book.setMarket(early, { spot: 20n * RAY });
    book.setMarket(late, { spot: 100n * RAY });
    const { unsafe, safe } = book.scan({ since: "last", at: 50n, order: "riskiest" });
    expect([[...unsafe.ids], [...safe.ids]]).toEqual([[], [worst, bad, mild]]);
    expect([...book.scan({ status: "reverts", at: 50n, order: "riskiest" }).ids]).toEqual([bad, mild]);
  });
});

describe("keys at the lower end of f32", () => {
  test("a limited order names the riskiest, although a subnormal key rounds further up than its figure", () => {
    const book = openBook(maker), near = (1n << 128n) - 1n, one = 1n << 100n;
    const low = book.addMarket({ spot: 1n, mat: RAY, rate: near }), plain = book.addMarket({ spot: one, mat: RAY, rate: one });
    book.add(low, { ink: ((1n << 149n) * 100n) / ((1n << 21n) * 100n + 51n), art: 1n });
    const riskiest = book.add(plain, { ink: one, art: (one * ((1n << 23n) * 10n + 23n)) / ((1n << 23n) * 10n) });
    expect(book.scan({ order: "riskiest" }).ids[0]).toBe(riskiest);
    expect([...book.scan({ order: "riskiest", limit: 1 }).ids]).toEqual([riskiest]);
  });
});

describe("the same vaults, the same order", () => {
  /** Puts vaults into a book in some order and manner, with others that come and go between; answers the keys of each order. */
  function sequences(dice: Dice, vaults: { market: number; ink: bigint; art: bigint; key: string }[]): string[][] {
    const book = open({ keyBytes: 20 }), visitors: number[] = [];
    book.setSystem({ par: RAY });
    for (let m = 0; m < 2; ++m) book.addMarket(usualMarket({ spot: RAY, rate: RAY + BigInt(m) }));
    const visit = () => {
      if (dice.chance(0.3)) visitors.push(book.add(dice.below(2), { ink: 0n, art: dice.uint(90) }, keyOf(1_000_000 + dice.next())));
      if (visitors.length && dice.chance(0.3)) book.remove(visitors.splice(dice.below(visitors.length), 1)[0]!);
      if (dice.chance(0.05)) book.scan({ order: "riskiest", limit: 3 });
    };
    const left = dice.shuffle([...vaults]);
    while (left.length) {
      visit();
      if (dice.chance(0.5)) {
        const { market, key, ink, art } = left.pop()!;
        const id = book.add(market, dice.chance(0.8) ? { ink, art } : { ink: 1n, art }, key);
        if (dice.chance(0.2)) { book.remove(id); book.add(market, { ink, art }, key); } else book.update(id, { ink });
      } else {
        const market = dice.below(2), some = left.filter((vault) => vault.market === market).slice(0, 1 + dice.below(200));
        book.load(market, { ink: column(some.map(({ ink }) => ink)), art: column(some.map(({ art }) => art)) }, joinKeys(some.map(({ key }) => key)));
        for (const vault of some) left.splice(left.indexOf(vault), 1);
      }
    }
    book.removeMany(Float64Array.from(visitors));
    const orders: [Order, number | undefined][] = [["riskiest", undefined], ["debt", undefined], ["liquidationPrice", 0], ["liquidationPrice", 1]];
    return orders.flatMap(([order, market]) => [1, 20, 10_000].map((limit) => {
      const hits = book.scan({ order, limit, ...(market === undefined ? {} : { market }) });
      return [...hits].map((hit) => `${hit.market} ${hit.key}`);
    }));
  }

  test("whatever the order of adding, the chunks, and who was there between", () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start);
      const vaults = Array.from({ length: 700 }, (_, i) => { const [ink, art] = amounts(dice); return { market: i & 1, ink, art, key: keyOf(i) }; });
      const first = sequences(dice, vaults);
      expect(first[2]!.length).toBeGreaterThan(300);
      for (let i = 0; i < 3; ++i) expect(sequences(dice, vaults)).toEqual(first);
    }), runs(6));
  });
});

describe("the order by profit", () => {
  test("is that of what bark pays, where auctions have just room, where it refuses, and where figures are near what they may be", () => {
    let paid = 0, refused = 0;
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), book = openBook(maker, { keyBytes: 20 }), rad = RAY * WAD, near = (value: bigint) => (value > 2n ? value + BigInt(dice.below(5)) - 2n : value);
      const size = dice.pick([1n, 10n ** 9n, WAD, 10n ** 26n]), rate = RAY + dice.uint(80), chop = dice.pick([0n, 1n, WAD, 113n * WAD / 100n]);
      const some = size * RAY * BigInt(1 + dice.below(200)) * (chop || WAD) / WAD, beside = some * BigInt(dice.below(5) - 2) / 10n ** 12n;
      const full = dice.pick([0n, 0n, 10n ** 72n, MAX256 / 2n]), room = dice.pick([near(some), some + beside, some * 10n, 0n, 10n ** 55n, 10n ** 60n, 2n ** 200n, MAX256 / WAD]);
      book.setSystem({ par: dice.pick([RAY, 1n, MAX256, RAY / 3n]), Hole: full + (dice.chance(0.5) ? room : 10n ** 55n), Dirt: full || (dice.chance(0.3) ? near(room) : 0n) });
      for (let m = 0; m < 2; ++m) {
        const market = book.addMarket({
          spot: RAY, rate, chop, hole: full + room, dirt: full || (dice.chance(0.3) ? dice.uint(100) : 0n), dust: dice.pick([0n, size * RAY]), val: dice.pick([WAD, 0n, 1n, 2n ** 127n]), mat: RAY,
          buf: dice.pick([RAY, 1n, MAX256]), tip: dice.pick([0n, 250n * rad, 2n ** 192n - 1n]), chip: dice.pick([0n, 1n, WAD / 1000n, 2n ** 64n - 1n]),
        });
        for (let i = 0; i < 40; ++i) book.add(market, { ink: dice.pick([0n, size, size * 2n, dice.uint(128)]), art: dice.chance(0.1) ? dice.uint(128) : size * BigInt(1 + dice.below(300)) + BigInt(dice.below(2)) }, keyOf(m * 100 + i));
      }
      const within = dice.chance(0.3) ? { within: WAD / 2n } : {}, ids = Array.from(book.scan({ idsOnly: true, ...within }).ids);
      const expected = ids.map((id) => {
        const { key, market, liquidation } = book.inspect(id);
        if (liquidation.refused) ++refused;
        else if (liquidation.coin) ++paid;
        return { key: key!, market, coin: liquidation.refused ? 0n : liquidation.coin };
      }).sort((a, b) => (a.coin === b.coin ? (a.key < b.key ? -1 : 1) : a.coin > b.coin ? -1 : 1)).map(({ key }) => key);
      for (const limit of [1, 3, 20, 1000]) expect(Array.from(book.scan({ order: "profit", limit, ...within }), ({ key }) => key)).toEqual(expected.slice(0, limit));
    }), runs(150));
    expect([paid > 0, refused > 0]).toEqual([true, true]);
  });

  test("the first of thousands, many of them alike, with and without keys", () => {
    for (const keyed of [true, false]) {
      const dice = new Dice(17), book = open(keyed ? { keyBytes: 20 } : {}), count = 6000, keys = dice.shuffle(Array.from({ length: count }, (_, i) => keyOf(i)));
      book.setSystem({ par: RAY, base: 0n, Hole: 10n ** 55n, Dirt: 0n });
      const market = book.addMarket(usualMarket({ spot: RAY, rate: RAY, hole: 10n ** 55n, val: WAD, tip: 0n, chip: WAD / 1000n }));
      const arts = keys.map((_, i) => (2n + BigInt(i % 3 ? dice.below(40) : 41)) * WAD);
      const ids = book.load(market, { ink: column(arts.map(() => WAD)), art: column(arts) }, keyed ? joinKeys(keys) : undefined);
      const sorted = arts.map((art, i) => ({ art, tie: keyed ? keys[i]! : String(i).padStart(6, "0"), id: ids[i]! })).sort((a, b) => (a.art === b.art ? (a.tie < b.tie ? -1 : 1) : a.art > b.art ? -1 : 1));
      for (const limit of [1, 10, 300, 2100, 5000]) expect(Array.from(book.scan({ order: "profit", limit, idsOnly: true }).ids)).toEqual(sorted.slice(0, limit).map(({ id }) => id));
    }
  });
});

/** What is unsafe, repaid in whole or in part, large enough that v2's compensation is at its cap or beside it. */
function whale(dice: Dice, adapter: Adapter, figures: Ints): Ints {
  const size = figures["price"]! < 10_000n ? 2n ** 126n + dice.uint(126) : BigInt(dice.pick([1, 10, 399, 400, 401, 402, 1000])) * WAD, over = BigInt(dice.pick([950, 1010, 1050, 1160, 1500])) * 1000n + BigInt(dice.below(3000)), { price, lltv, totalBorrowAssets: assets, totalBorrowShares: shares } = figures as Record<string, bigint>;
  if (adapter === morphoAdapter && price && dice.chance(0.2)) { // hardly worth anything, and all the more in debt
    return { collateral: (10n ** 33n * BigInt(10_000 + dice.below(4000)) / price) % 2n ** 128n, borrowShares: ((10n ** 9n + dice.uint(26)) * (shares! + 1_000_000n) / (assets! + 1n)) % 2n ** 128n } as Ints;
  }
  if (adapter === morphoAdapter) {
    const value = size * price! / 10n ** 36n, lif = lltv! > WAD ? WAD : blue.liquidationIncentiveFactor({ lltv: lltv! }).liquidationIncentiveFactor;
    const owed = dice.chance(0.3) ? value * WAD / lif : value * lltv! / WAD * over / 1_000_000n; // just so much that all collateral pays for it
    return { collateral: size, borrowShares: (owed * (shares! + 1_000_000n) / (assets! + 1n)) % 2n ** 128n } as Ints;
  }
  const trove = { coll: size, debt: size * price! / WAD * over / 1_100_000n + BigInt(dice.below(2)), stake: size };
  if (adapter === liquity1) return { ...trove, snapshotETH: figures["L_ETH"]!, snapshotLUSDDebt: figures["L_LUSDDebt"]! } as Ints;
  return { ...trove, snapshotColl: figures["L_coll"]!, snapshotBoldDebt: figures["L_boldDebt"]!, annualInterestRate: dice.pick([0n, WAD / 20n]), lastDebtUpdateTime: NOW - 3000n, batchDebtShares: 0n, batch: 0n } as Ints;
}
/** A vault whose amounts are a few units beside another's: their figures differ by what roundings make of it, or not at all. */
function beside(dice: Dice, vault: Ints): Ints {
  const fixed = ["batch", "lastDebtUpdateTime", "snapshotETH", "snapshotLUSDDebt", "snapshotColl", "snapshotBoldDebt"];
  return Object.fromEntries(Object.entries(vault).map(([name, x]) => [name, fixed.includes(name) || !x || x + 4n > MAX128 || dice.chance(0.4) ? x : x + BigInt(dice.below(7)) - (x > 3n ? 3n : 0n)])) as Ints;
}
/** What a liquidation brings by what it takes: a loss is as good as nothing. */
function gainOf(adapter: Adapter, { price, quote }: Ints, { refused, ...amounts }: { readonly refused: boolean } & Ints): bigint {
  if (refused) return 0n;
  if (adapter === morphoAdapter) {
    const bonus = amounts["seizedAssets"]! * price! / 10n ** 36n - amounts["repaidAssets"]!;
    return bonus > 0n ? bonus * (quote || 1n) : 0n;
  }
  return amounts["collGasCompensation"]! * price! / WAD + (adapter === liquity1 ? amounts["LUSDGasCompensation"]! : 0n);
}

describe("orders of positions", () => {
  for (const adapter of [morphoAdapter, liquity1, liquity2]) test(`${adapter.name}: by every figure and by what a liquidation brings, whole or in part, beside the line, at caps, of dust, and a few units apart`, () => {
    let paid = 0, refused = 0;
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), twin = new PositionTwin(adapter, { keyBytes: 20 }), markets = 1 + dice.below(3);
      for (let m = 0, n = 0; m < markets; ++m) {
        const like = m && dice.chance(0.5) ? twin.world.markets[0]! : randomMarket(dice, adapter), odd: Readonly<Record<string, bigint>> = adapter === morphoAdapter ? { totalSupplyAssets: 0n } : { LIQUIDATION_PENALTY_SP: MAX256 };
        // Another market that differs by one unit; prices that are small integers; what makes every call revert.
        const figures = { ...like, price: dice.chance(0.15) ? 50n + dice.uint(10) : like["price"]! + BigInt(m), ...(dice.chance(0.15) && adapter !== liquity1 ? odd : {}), ...(adapter === liquity2 && dice.chance(0.5) ? { totalBoldDeposits: 10n ** 30n } : {}) } as Ints, market = twin.addMarket(figures), vaults: Ints[] = [];
        if (adapter === liquity2) twin.addBatch(market, randomBatch(dice));
        for (let i = 0, count = dice.pick([1, 20, 20]); i < count; ++i) {
          const vault = dice.chance(0.3) ? whale(dice, adapter, figures) : randomVault(dice, adapter, twin.world, market);
          vaults.push(dice.chance(0.5) ? onTheLine(dice, twin, market, vault) : vault);
        }
        for (let i = vaults.length; i > 1 && i < 60; ++i) vaults.push(beside(dice, dice.pick(vaults)));
        for (const vault of vaults) twin.add(market, vault, keyOf(n++));
      }
      for (let i = 0; i < 4; ++i) {
        const market = dice.below(markets);
        const within = dice.chance(0.3) ? { within: WAD / 2n } : {}, limit = { limit: dice.pick([1, 3, 20, 1000]) };
        for (const order of adapter.orders) twin.scan({ order, ...limit, ...within, idsOnly: true, ...(order === "liquidationPrice" ? { market } : {}) });
        const ids = Array.from(twin.book.scan({ idsOnly: true, ...within }).ids);
        const expected = ids.map((id) => {
          const { key, market, liquidation } = twin.book.inspect(id) as unknown as { key: string; market: number; liquidation: { readonly refused: boolean } & Ints };
          const gain = gainOf(adapter, twin.world.markets[market]!, liquidation);
          if (liquidation.refused) ++refused;
          else if (gain) ++paid;
          return { id, key, market, gain };
        }).sort((a, b) => (a.gain === b.gain ? (a.key < b.key ? -1 : 1) : a.gain > b.gain ? -1 : 1)).map(({ id }) => id);
        for (const limit of [1, 3, 20, 1000]) expect([...(twin.book as unknown as { scan(query: object): Hits }).scan({ order: "profit", limit, ...within, idsOnly: true }).ids]).toEqual(expected.slice(0, limit));
        const figures = dice.chance(0.2) ? strange(dice, adapter) : tick(dice, adapter, twin.world.markets[market]!);
        if (!(figures["price"] && figures["price"] >> 127n)) twin.setMarket(market, figures); // what is seized can be valued
      }
    }), runs(60));
    expect([paid > 0, refused > 0]).toEqual([true, true]);
  });
});

describe("chunks passed over, of positions and accounts", () => {
  /** What is listed with a limit is the beginning of what is listed without one, for which no chunk is passed over. */
  function sameBeginning(book: object, orders: readonly object[], dice: Dice): void {
    const { scan } = book as { scan(query: object): Hits };
    for (const query of orders) {
      const all = scan.call(book, { ...query, idsOnly: true }).ids;
      for (const limit of [1, 2, 1 + dice.below(5)]) expect(scan.call(book, { ...query, limit, idsOnly: true }).ids).toEqual(all.slice(0, limit));
    }
  }

  for (const adapter of [morphoAdapter, liquity1, liquity2]) test(`${adapter.name}: dust, small prices and ordinary ones, in markets of several chunks`, () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), twin = new PositionTwin(adapter);
      for (let m = 0; m < 2; ++m) {
        const figures = randomMarket(dice, adapter), market = twin.addMarket({ ...figures, ...(dice.chance(0.6) ? { price: 50n + dice.uint(8) } : {}) } as Ints);
        if (adapter === liquity2) twin.addBatch(market, randomBatch(dice));
        // Of some kinds in turn: dust keeps what is beside it from being passed over.
        for (let i = 0; i < 4; ++i) {
          const some = Array.from({ length: 3 }, () => (dice.chance(0.7) ? whale(dice, adapter, twin.world.markets[market]!) : onTheLine(dice, twin, market, randomVault(dice, adapter, twin.world, market))));
          twin.load(market, Array.from({ length: 600 }, () => beside(dice, dice.pick(some))));
        }
      }
      for (let i = 0; i < 6; ++i) {
        const market = dice.below(2), { price } = twin.world.markets[market]!;
        sameBeginning(twin.book, twin.adapter.orders.flatMap((order): object[] => (order === "liquidationPrice" ? [{ order, market: 0 }, { order, market: 1 }] : [{ order }])), dice);
        twin.setMarket(market, dice.chance(0.7) ? { price: price! * BigInt(900 + dice.below(200)) / 1000n } : tick(dice, adapter, twin.world.markets[market]!));
      }
    }), runs(adapter === liquity1 ? 3 : 8)); // v1's prices in recovery mode are searched for, one by one
  });

  test("accounts, by small steps of prices, after which keys hold with a margin, and large ones, after which they are made anew", () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), book = openBook(aaveV3({ revision: dice.pick([1, 9]) })), prices = Array.from({ length: 6 }, () => 10n ** 8n * BigInt(1 + dice.below(3000))), moved = [...prices];
      for (const assetPrice of prices) book.addMarket({ decimals: 18n, liquidationThreshold: 7990n + BigInt(dice.below(20)), assetPrice, liquidityIndex: RAY, variableBorrowIndex: RAY });
      for (let i = 0; i < 4; ++i) book.load(Array.from({ length: 1500 }, () => {
        const owed = dice.below(6), held = Array.from({ length: 1 + dice.below(3) }, (_, j) => (owed + 1 + j) % 6), dollars = BigInt(dice.chance(0.5) ? 1000 + dice.below(10 ** 6) : 123_456);
        const over = BigInt(dice.chance(0.5) ? 9_500_000 + dice.below(10 ** 6) : 9_900_000), worth = dollars * over / 8_000_000n / BigInt(held.length); // health about 1; many nearly alike
        const dust = dice.chance(0.05) ? 10n ** BigInt(10 + dice.below(4)) : 1n, units = (value: bigint, asset: number) => (value * 10n ** 26n / prices[asset]! + dice.uint(40)) / dust + 1n;
        return { reserves: [{ reserve: owed, scaledVariableDebt: units(dollars, owed) }, ...held.map((reserve) => ({ reserve, scaledATokenBalance: units(worth, reserve) }))] };
      }));
      for (let i = 0; i < 40; ++i) {
        const market = dice.below(6);
        moved[market] = dice.chance(0.1) ? prices[market]! * BigInt(900 + dice.below(200)) / 1000n : moved[market]! * BigInt(9990 + dice.below(21)) / 10_000n;
        book.setMarket(market, { assetPrice: moved[market]! });
        sameBeginning(book, dice.chance(0.2) ? [{ order: "riskiest" }, { order: "riskiest", within: WAD / 50n }, { order: "debt" }] : [{ order: "riskiest" }], dice);
        if (i % 8) continue;
        const healths = Array.from(book.scan({ order: "riskiest" }), ({ health }) => health), debts = Array.from(book.scan({ order: "debt" }), ({ debt }) => debt);
        expect(healths.length).toBeGreaterThan(100);
        expect(healths.every((health, j) => !j || health >= healths[j - 1]!)).toBe(true);
        expect(debts.every((debt, j) => !j || debt <= debts[j - 1]!)).toBe(true);
      }
    }), runs(4));
  });

  test("not where prices are the same small integer: the first by its place has a smaller key than the others", () => {
    const book = openBook(liquityV2), market = book.addMarket({ price: 50n, MCR: (11n * WAD) / 10n }), count = 2100, coll = 10n ** 27n, same = (x: bigint) => column(new Array(count).fill(x));
    const debts = Array.from({ length: count }, (_, i) => ((i ? 759n : 752n) * coll) / 11n / WAD); // safe from 75.2 or 75.9 on, which is 76
    const ids = book.load(market, {
      coll: same(coll), debt: column(debts), stake: same(0n), snapshotColl: same(0n), snapshotBoldDebt: same(0n), annualInterestRate: same(0n), lastDebtUpdateTime: same(0n), batchDebtShares: same(0n),
    });
    expect([book.inspect(ids[0]!).liquidationPrice, book.inspect(ids[1]!).liquidationPrice]).toEqual([76n, 76n]);
    expect(book.scan({ order: "liquidationPrice", market, limit: 1, idsOnly: true }).ids[0]).toBe(ids[0]);
    expect(book.scan({ order: "riskiest", limit: 1, idsOnly: true }).ids[0]).toBe(ids[1]);
  });

  test("of accounts that were looked at before keys were made anew in the middle of a scan", () => {
    const book = openBook(aaveV3({ revision: 9 })), unit = 10n ** 18n;
    for (let i = 0; i < 3; ++i) book.addMarket({ decimals: 18n, liquidationThreshold: 8000n, assetPrice: 10n ** 8n, liquidityIndex: RAY, variableBorrowIndex: RAY });
    /** Owes 1,000 against what makes debt over collateral this, a little of it in a third asset or not: so it stands on another shelf. */
    const account = (key: number, third: boolean) => ({
      reserves: [
        { reserve: 0, scaledVariableDebt: 1000n * unit }, { reserve: 1, scaledATokenBalance: BigInt(Math.round((1250 / key - (third ? 10 : 0)) * 1e6)) * unit / 1_000_000n },
        ...(third ? [{ reserve: 2, scaledATokenBalance: 10n * unit }] : []),
      ],
    });
    const [riskiest] = book.load([account(0.7, false)]);
    book.load(Array.from({ length: 2100 }, (_, i) => account(0.63 + i * 1e-6, true)));
    expect(book.scan({ order: "riskiest" }).length).toBe(0);
    book.setMarket(1, { assetPrice: 6n * 10n ** 7n });
    expect([...book.scan({ order: "riskiest", limit: 1, idsOnly: true }).ids]).toEqual([riskiest]);
  });
});
