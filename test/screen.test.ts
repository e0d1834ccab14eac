import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { Dice, MAX128, MAX256, RAY, WAD, runs, seed, uintOf } from "./arbitraries.js";
import { type Figures, Twin } from "./twin.js";

vi.setConfig({ testTimeout: 240_000 });

const SCREENS = ["zones", "keys", "off"] as const;
/** How many ticks a walk has, scaled like the runs of a property. */
const ticks = (n: number) => runs(n).numRuns;

/** An amount, from dust to the type's maximum. */
function amount(dice: Dice): bigint {
  switch (dice.below(10)) {
    case 0: return dice.pick([0n, 1n, 2n, MAX128, MAX128 - 1n, 2n ** 64n, 2n ** 64n - 1n, 2n ** 127n]);
    case 1: case 2: return dice.uint(128);
    case 3: return 2n ** BigInt(dice.below(128)) + BigInt(dice.below(3)) - (dice.chance(0.5) ? 1n : 0n) & MAX128;
    default: return 10n ** 18n + dice.uint(84);
  }
}

/** Mostly any two amounts; often no ink, no art, or neither. */
function anyAmounts(dice: Dice): [ink: bigint, art: bigint] {
  return dice.chance(0.15) ? dice.pick([[0n, amount(dice)], [amount(dice), 0n], [0n, 0n], [1n, MAX128]] as [bigint, bigint][]) : [amount(dice), amount(dice)];
}

/** Amounts exactly on the line spot/rate, or one unit beside it, by their common divisors. */
function onTheLine(dice: Dice, { spot, rate }: Figures): [ink: bigint, art: bigint] {
  if (!spot || !rate) return anyAmounts(dice);
  const gcd = (a: bigint, b: bigint): bigint => (b ? gcd(b, a % b) : a), d = gcd(spot, rate), p = rate / d, q = spot / d;
  const largest = MAX128 / (p > q ? p : q), n = largest ? 1n + dice.uint(128) % largest : 0n;
  const nudge = () => BigInt(dice.below(3) - 1), clip = (x: bigint) => (x < 0n ? 0n : x > MAX128 ? MAX128 : x);
  if (n) return dice.chance(0.5) ? [n * p, clip(n * q + nudge())] : [clip(n * p + nudge()), n * q];
  const ink = amount(dice); // no common multiple fits: the nearest amounts on either side
  return [ink, clip((ink * spot) / rate + nudge())];
}

/** Figures a tick may set: on a vault's own line, a small step, or the strangest of their type. */
function nextFigures(dice: Dice, twin: Twin, market: number): Partial<Figures> {
  const now = twin.markets[market]!, vaults = [...twin.vaults.values()].filter((vault) => vault.market === market);
  switch (dice.below(12)) {
    case 0: case 1: case 2: {
      if (!vaults.length) return {};
      const { ink, art } = dice.pick(vaults), spot = ink ? (art * now.rate) / ink + BigInt(dice.below(3) - 1) : RAY;
      return { spot: spot < 0n ? 0n : spot > MAX256 ? MAX256 : spot };
    }
    case 3: {
      if (!vaults.length) return {};
      const { ink, art } = dice.pick(vaults), rate = art ? (ink * now.spot) / art + BigInt(dice.below(3) - 1) : RAY;
      return { rate: rate < 0n ? 0n : rate > MAX256 ? MAX256 : rate };
    }
    case 4: return { spot: dice.pick([0n, 1n, MAX128, MAX128 + 1n, MAX256, 2n ** 192n, 2n ** 255n]) };
    case 5: return { rate: dice.pick([0n, 1n, MAX128, MAX128 + 1n, MAX256, 2n ** 200n, RAY, RAY, RAY]) };
    case 6: return { spot: RAY + dice.uint(90), rate: RAY + dice.uint(60) };
    default: return { spot: ((now.spot >> 250n ? RAY : now.spot) * BigInt(900 + dice.below(201))) / 1000n || RAY, ...(now.rate < RAY || now.rate > 2n ** 128n ? { rate: RAY } : {}) };
  }
}

function populate(dice: Dice, twin: Twin, market: number, count: number): void {
  twin.load(market, Array.from({ length: count }, () => (dice.chance(0.4) ? onTheLine(dice, twin.markets[market]!) : anyAmounts(dice))));
}

/** One vault somewhere is written, removed or added. */
function disturb(dice: Dice, twin: Twin): void {
  const ids = [...twin.vaults.keys()], market = dice.below(twin.markets.length);
  const [ink, art] = dice.chance(0.5) ? onTheLine(dice, twin.markets[market]!) : anyAmounts(dice);
  if (!ids.length || dice.chance(0.3)) { twin.add(market, ink, art); return; }
  const id = dice.pick(ids);
  if (dice.chance(0.4)) twin.remove(id);
  else twin.update(id, dice.chance(0.3) ? { ink } : dice.chance(0.4) ? { art } : { ink, art });
}

/** Which way a scan goes is drawn anew each time, so that one kind of pass takes over what another left behind. */
function look(dice: Dice, twin: Twin): void {
  const screen = dice.pick([...SCREENS, "zones", "zones", "zones"] as const), some = dice.chance(0.25) ? { market: dice.below(twin.markets.length) } : {};
  const status = dice.chance(0.3) ? ("reverts" as const) : ("unsafe" as const), idsOnly = dice.chance(0.7);
  if (dice.chance(0.45)) twin.scan({ screen, status, idsOnly, since: "last", order: "debt", ...some });
  else twin.scan({ screen, status, idsOnly, ...some });
}

function walk(start: number, markets: number, vaults: number, length: number): void {
  const dice = new Dice(start), twin = new Twin();
  twin.setSystem({ par: RAY });
  for (let m = 0; m < markets; ++m) populate(dice, twin, twin.addMarket({ spot: RAY + dice.uint(90), rate: RAY + dice.uint(85) }), vaults);
  for (let tick = 0; tick < length; ++tick) {
    for (let n = dice.below(3); n > 0; --n) { const m = dice.below(markets); twin.setMarket(m, nextFigures(dice, twin, m)); }
    if (dice.chance(0.3)) for (let n = dice.below(4); n > 0; --n) disturb(dice, twin);
    look(dice, twin);
  }
  twin.columns();
}

describe("walks: every tick against the exact rule on every vault", () => {
  test("many small books", () => {
    fc.assert(fc.property(seed, (start) => walk(start, 1 + (start % 3), 40, 150)), runs(30));
  });

  test("a market that grows over several chunks", () => {
    fc.assert(fc.property(seed, (start) => walk(start, 2, 1400, 60)), runs(3));
  });

  test("thousands of ticks of one book", () => {
    fc.assert(fc.property(seed, (start) => walk(start, 3, 70, ticks(3000))), { numRuns: 1 });
  });
});

describe("equality", () => {
  test("every vault on its own line, and the price one unit either side", () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), twin = new Twin(), market = twin.addMarket({ spot: 1n + dice.uint(100), rate: 1n + dice.uint(100) });
      for (let i = 0; i < 200; ++i) twin.add(market, ...onTheLine(dice, twin.markets[market]!));
      const { spot, rate } = twin.markets[market]!;
      for (const [ds, dr] of [[0n, 0n], [1n, 0n], [-1n, 0n], [0n, 1n], [0n, -1n], [1n, 1n], [0n, 0n]] as const) {
        twin.setMarket(market, { spot: spot + ds, rate: rate + dr });
        for (const screen of SCREENS) twin.scan({ screen, idsOnly: true });
      }
    }), runs(60));
  });

  test("one price below the line of each vault in turn", () => {
    fc.assert(fc.property(uintOf(128), uintOf(128), uintOf(128), uintOf(128), (ink, art, rate, spot) => {
      const twin = new Twin(), market = twin.addMarket({ spot, rate });
      twin.add(market, ink, art);
      twin.scan();
      if (!ink) return;
      for (const next of [(art * rate) / ink, (art * rate) / ink + 1n, (art * rate) / ink - 1n, spot]) if (next >= 0n && next <= MAX256) {
        twin.setMarket(market, { spot: next });
        twin.scan({ since: "last" });
        twin.scan();
      }
    }), runs(400));
  });
});

describe("screens and views", () => {
  test("spot and rate beyond 128 bits and back: some rows revert, and are safe or unsafe again", () => {
    const twin = new Twin(), market = twin.addMarket();
    const amounts = [0n, 1n, 10n ** 18n, 2n ** 64n, 2n ** 127n, MAX128];
    for (const ink of amounts) for (const art of amounts) twin.add(market, ink, art);
    for (const spot of [RAY, 2n ** 128n, RAY, MAX256, 0n, MAX256, 2n ** 129n, 1n, 2n ** 200n, RAY]) for (const rate of [RAY, 2n ** 128n, 0n, MAX256, RAY]) {
      for (const status of ["unsafe", "reverts"] as const) for (const screen of SCREENS) {
        twin.setMarket(market, { spot, rate });
        twin.scan({ status, screen, since: "last" });
        twin.scan({ status, screen });
        twin.setMarket(market, { spot: RAY, rate: RAY });
        twin.scan({ status: "unsafe", since: "last" });
      }
    }
  });

  test("accrued views come and go; a drip that reverts makes its whole market revert", () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), twin = new Twin();
      twin.setSystem({ par: RAY, base: dice.below(2) ? 0n : 10n ** 18n });
      for (let m = 0; m < 3; ++m) {
        populate(dice, twin, twin.addMarket({ spot: RAY + dice.uint(88), rate: RAY, duty: RAY + dice.uint(62), rho: BigInt(dice.below(1000)) }), 60);
      }
      const times = [0n, 500n, 1000n, 100_000n, 10n ** 7n, 10n ** 9n, MAX256];
      for (let i = 0; i < 40; ++i) {
        const at = dice.chance(0.4) ? {} : { at: dice.pick(times) }, status = dice.pick(["unsafe", "reverts"] as const), screen = dice.pick(SCREENS);
        twin.scan({ ...at, status, screen, ...(dice.chance(0.5) ? { since: "last" as const, order: "debt" as const } : {}) });
        if (dice.chance(0.3)) disturb(dice, twin);
        if (dice.chance(0.3)) twin.setSystem({ base: BigInt(dice.below(3)) * 10n ** 17n });
        if (dice.chance(0.2)) twin.accrue(dice.pick(times));
        if (dice.chance(0.2)) { const m = dice.below(3); twin.setMarket(m, { duty: dice.pick([RAY, RAY + 10n ** 18n, 0n, MAX256]), rho: BigInt(dice.below(2000)), rate: dice.pick([RAY, RAY + 1n, MAX128, 2n ** 254n]) }); }
        if (twin.vaults.size) twin.inspect(dice.pick([...twin.vaults.keys()]), at.at);
        if (dice.chance(0.1)) twin.columns(at.at);
      }
    }), runs(25));
  });

  test("within: the exact quotient of health against 1e18 + within", () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), twin = new Twin(), market = twin.addMarket({ spot: RAY + dice.uint(90) }), other = twin.addMarket({ spot: RAY + dice.uint(90), rate: 2n * RAY });
      for (const m of [market, other]) for (let i = 0; i < 100; ++i) {
        const { spot, rate } = twin.markets[m]!, within = dice.pick([1n, WAD / 50n, WAD]), ink = 10n ** 18n + dice.uint(90);
        // art at the edge of the distance, or one beside it
        const art = (ink * spot * WAD) / (rate * (WAD + within)) + BigInt(dice.below(3) - 1);
        twin.add(m, ink, dice.chance(0.8) ? art : amount(dice));
      }
      for (let i = 0; i < 20; ++i) {
        const within = dice.pick([0n, 1n, WAD / 50n, WAD, dice.uint(128), MAX128]);
        const more = dice.pick([{}, { market }, { screen: "off" as const }, { screen: "keys" as const }, { order: "riskiest" as const }, { order: "riskiest" as const, limit: dice.below(60) }, { minDebt: dice.uint(100) }, { order: "riskiest" as const, minDebt: dice.uint(100), limit: 5 }]);
        twin.scan({ within, idsOnly: true, ...more });
        if (dice.chance(0.5)) { const m = dice.below(2); twin.setMarket(m, dice.chance(0.8) ? { spot: ((twin.markets[m]!.spot >> 250n ? RAY : twin.markets[m]!.spot) * BigInt(95 + dice.below(10))) / 100n + 1n } : nextFigures(dice, twin, m)); }
        if (dice.chance(0.3)) disturb(dice, twin);
      }
    }), runs(40));
  });

  test("minDebt: every debt at its floor, one above, one below", () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), twin = new Twin(), rate = dice.pick([RAY, RAY + dice.uint(80), 1n + dice.uint(100), dice.uint(128), RAY - 1n]), market = twin.addMarket({ spot: 1n, rate });
      for (let i = 0; i < 60; ++i) twin.add(market, amount(dice), amount(dice));
      for (let i = 0; i < 20; ++i) {
        const { art } = dice.pick([...twin.vaults.values()]), debt = (art * rate + RAY - 1n) / RAY;
        for (const d of [-1n, 0n, 1n]) if (debt + d >= 0n && debt + d <= MAX256) {
          twin.scan({ minDebt: debt + d, idsOnly: true, ...(dice.chance(0.5) ? { order: "riskiest" as const, limit: dice.below(30) } : {}) });
        }
      }
      twin.scan({ minDebt: MAX256 });
    }), runs(40));
  });

  test("minDebt near 2^256: the least amount that reaches it does not wrap to nothing", () => {
    const rate = RAY - 1n, least = (MAX256 * rate + RAY - 1n) / RAY + 1n, twin = new Twin(), market = twin.addMarket({ spot: 1n, rate });
    twin.add(market, 1n, 1000n);
    for (const minDebt of [least - 2n, least - 1n, least, least + 1n, MAX256]) twin.scan({ minDebt });
  });

  test("preview: every scenario against the exact rule, and nothing is changed or counted as scanned", () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), twin = new Twin();
      for (let m = 0; m < 3; ++m) populate(dice, twin, twin.addMarket({ spot: RAY + dice.uint(90), rate: RAY + dice.uint(80) }), 150);
      for (let i = 0; i < 15; ++i) {
        const scenarios = Array.from({ length: dice.below(4) }, () => Array.from({ length: dice.below(4) }, () => {
          const m = dice.below(3);
          return [m, nextFigures(dice, twin, m)] as [number, Partial<Figures>];
        }));
        if (dice.chance(0.5)) { const m = dice.below(3); twin.setMarket(m, nextFigures(dice, twin, m)); }
        if (dice.chance(0.3)) disturb(dice, twin);
        twin.preview(scenarios);
        if (dice.chance(0.3)) twin.scan({ since: "last", order: "debt", idsOnly: true });
        if (dice.chance(0.2)) twin.scan({ at: 100n });
        if (dice.chance(0.5)) twin.preview(scenarios);
      }
      twin.columns();
      twin.scan({ since: "last", order: "debt" });
    }), runs(40));
  });

  test("inspect: every figure of a vault", () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), twin = new Twin({ keyBytes: 32 });
      twin.setSystem({ par: dice.pick([RAY, RAY, 0n, dice.uint(256)]), base: 0n, Hole: dice.uint(200), Dirt: dice.uint(180) });
      const odd = (usual: bigint, bits = 256) => (dice.chance(0.85) ? usual : dice.uint(bits));
      for (let i = 0; i < 10; ++i) {
        const market = twin.addMarket({
          spot: odd(RAY + dice.uint(80)), mat: odd((RAY * 3n) / 2n), val: odd(1500n * WAD), rate: odd(RAY + dice.uint(70)), duty: odd(RAY + dice.uint(40)), rho: odd(1000n), dust: odd(dice.uint(160)),
          chop: odd(WAD + WAD / 10n), hole: odd(dice.uint(200)), dirt: odd(dice.uint(180)), buf: odd((RAY * 6n) / 5n), tip: odd(dice.uint(150), 192), chip: odd(WAD / 1000n, 64),
        });
        for (let n = 0; n < 8; ++n) {
          const key = "0x" + (dice.bits(255) + 1n).toString(16).padStart(64, "0");
          const id = twin.add(market, ...(dice.chance(0.5) ? onTheLine(dice, twin.markets[market]!) : anyAmounts(dice)), key);
          for (const at of [undefined, 0n, 1000n, 10n ** 6n, MAX256]) twin.inspect(id, at);
        }
      }
      twin.columns();
    }), runs(25));
  });
});

describe("what a pass may not overlook", () => {
  test("a vault without ink that gets some, alone in its group; a price of nothing, a rate of nothing, after it was found", () => {
    for (const art of [1n, WAD, MAX128]) for (const others of [[], [[WAD, WAD / 2n]], [[0n, 0n]], [[0n, 5n]], [[WAD, 2n * WAD]]] as [bigint, bigint][][]) {
      for (const change of ["ink", "art", "spot", "rate", "remove", "revert"]) for (const screen of SCREENS) {
        const twin = new Twin(), market = twin.addMarket(), id = twin.add(market, 0n, art);
        for (const [ink, debt] of others) twin.add(market, ink, debt);
        twin.scan();
        if (change === "ink") twin.update(id, { ink: MAX128 });
        if (change === "art") twin.update(id, { art: 0n });
        if (change === "spot") twin.setMarket(market, { spot: 0n });
        if (change === "rate") twin.setMarket(market, { rate: 0n });
        if (change === "remove") twin.remove(id);
        if (change === "revert") twin.setMarket(market, { rate: MAX256 });
        twin.scan({ since: "last", screen });
        twin.scan({ screen });
        twin.setMarket(market, { spot: RAY, rate: RAY });
        twin.scan({ since: "last" });
        twin.scan();
      }
    }
  });

  test("quotients and lines beyond what an f32 holds", () => {
    const twin = new Twin(), market = twin.addMarket();
    for (const [ink, art] of [[1n, MAX128], [2n, MAX128], [1n, MAX128 - 2n ** 103n], [1n, 2n ** 127n], [MAX128, 1n], [2n ** 127n, 1n], [MAX128, 3n], [MAX128, MAX128], [1n, 1n], [0n, MAX128], [MAX128, 0n]] as const) twin.add(market, ink, art);
    for (const spot of [1n, MAX128, MAX128 - 1n, 2n ** 127n, 2n ** 103n, 3n]) for (const rate of [1n, MAX128, 2n ** 127n, 2n, 3n]) {
      twin.setMarket(market, { spot, rate });
      twin.scan({ since: "last" });
      for (const screen of SCREENS) twin.scan({ screen });
      for (const within of [1n, WAD / 50n, MAX128]) twin.scan({ within, order: "riskiest" });
    }
  });
});

describe("answers of many pages", () => {
  test("more than 16,384 flips in one scan, more than 32,768 vaults in one list", () => {
    const twin = new Twin(), first = twin.addMarket(), second = twin.addMarket();
    const rows = (n: number) => Array.from({ length: n }, (_, i) => [WAD + BigInt(i % 7), (WAD * BigInt(90 + (i % 3))) / 100n] as [bigint, bigint]);
    twin.load(first, rows(45_000));
    twin.load(second, rows(20_000));
    twin.scan({ since: "last", idsOnly: true });
    for (const spot of [RAY / 2n, RAY, (RAY * 91n) / 100n, RAY / 2n, MAX256, RAY]) {
      twin.setMarket(first, { spot });
      twin.preview([[[second, { spot }], [first, { spot: RAY / 3n }]]]);
      twin.scan({ since: "last", idsOnly: true, market: first });
      twin.setMarket(second, { spot });
      twin.scan({ since: "last", idsOnly: true, status: spot === MAX256 ? "reverts" : "unsafe" });
      twin.scan({ idsOnly: true });
      twin.scan({ idsOnly: true, status: "reverts" });
      twin.scan({ idsOnly: true, limit: 33_000 });
    }
  });

  test("changes come by market and place, too, and limit takes the first of them", () => {
    const twin = new Twin();
    for (let m = 0; m < 6; ++m) { const market = twin.addMarket(); for (let i = 0; i < 3; ++i) twin.add(market, WAD, 2n * WAD); }
    twin.scan({ since: "last" });
    for (const order of [[3, 1, 5, 0, 2, 4], [5, 4, 3, 2, 1, 0]]) {
      for (const market of order) twin.setMarket(market, { spot: 3n * RAY });
      twin.scan({ since: "last", limit: 7 });
      for (const market of [...order].reverse()) twin.setMarket(market, { spot: RAY });
      twin.scan({ since: "last", limit: 7 });
    }
  });

  test("a scan of one market leaves the changes of the others for later", () => {
    const twin = new Twin(), markets = [0, 1, 2].map(() => twin.addMarket());
    for (const market of markets) for (let i = 0; i < 5; ++i) twin.add(market, WAD, WAD + BigInt(i - 2));
    twin.scan({ since: "last", market: 1 });
    twin.setMarket(1, { spot: 2n * RAY });
    twin.setMarket(2, { spot: RAY / 2n });
    twin.scan({ market: 0, order: "riskiest" });
    twin.scan({ since: "last", market: 2 });
    twin.scan({ since: "last", order: "debt" });
    twin.scan({ since: "last" });
  });

  test("limit with since: what was cut off counts as scanned", () => {
    const twin = new Twin(), market = twin.addMarket();
    for (let i = 0; i < 10; ++i) twin.add(market, WAD, 2n * WAD + BigInt(i));
    const query = { since: "last", limit: 3, order: "debt" } as const; // in a variable its type must still tell what comes back
    const { unsafe } = twin.book.scan(query);
    expect(unsafe.length).toBe(3);
    expect(twin.book.scan({ since: "last" }).unsafe.length).toBe(0);
    expect(twin.book.scan().length).toBe(10);
  });
});
