import fc from "fast-check";
import { maker } from "plimsoll/maker";
import { describe, expect, test, vi } from "vitest";
import { MAX256, RAD, RAY, WAD, ofAnyWidth, runs, uintOf } from "./arbitraries.js";
import { Tally, atLeast0, between, nudge, record, refusalTests, refuses, said } from "./contracts.js";
import * as reference from "./reference/maker.js";

vi.setConfig({ testTimeout: 120_000 });

const RUNS = 4000;
const u256 = uintOf(256), u128 = uintOf(128), i256 = u256.map((x) => BigInt.asIntN(256, x));

/** Figures as the chain has them. */
const usual = {
  ink: between(0n, 10n ** 6n * WAD), art: between(0n, 10n ** 9n * WAD), rate: between(RAY, 2n * RAY), spot: between(1n, 5000n * RAY),
  val: between(1n, 10_000n * WAD), par: fc.constant(RAY), mat: between(RAY, 3n * RAY), duty: between(RAY, RAY + 10n ** 20n), base: fc.constant(0n),
  time: between(0n, 2n ** 32n), dust: between(0n, 20_000n * RAD), chop: between(WAD, 2n * WAD), limit: between(0n, 10n ** 9n * RAD),
  buf: between(RAY, 2n * RAY), tip: between(0n, 1000n * RAD), chip: between(0n, WAD / 10n),
  cut: between(RAY - 10n ** 25n, RAY), tau: between(0n, 100_000n), step: between(0n, 1000n), price: between(0n, 10_000n * RAY),
};

const bool = [fc.constant(true), fc.boolean()] as const;

describe("against the reference", () => {
  test("spot", () => {
    const tally = new Tally();
    fc.assert(fc.property(record({ val: [usual.val, u256], has: bool, par: [usual.par, u256], mat: [usual.mat, u256] }), (x) => {
      const expected = said(() => reference.spot(x));
      tally.count(expected);
      expect(maker.spot(x)).toEqual(expected);
    }), runs(RUNS));
    tally.saw("returns", "reverts: ", "reverts: invalid opcode");
  });

  test("drip", () => {
    const tally = new Tally(), largest = between(0n, 2n ** 100n);
    fc.assert(fc.property(fc.tuple(record({
      rate: [usual.rate, u256], duty: [usual.duty, u256], base: [usual.base, u256], rho: [usual.time, u256], now: [usual.time, u256],
      Art: [usual.art, u256], dai: [largest, u256], debt: [largest, u256],
    }), fc.constantFrom(undefined, -1n, 0n, 1n, 3600n, 86400n * 365n)).map(([x, later]) => (later === undefined ? x : { ...x, now: atLeast0(x.rho + later) })), (x) => {
      const expected = said(() => reference.drip(x));
      tally.count(expected);
      expect(maker.drip(x)).toEqual(expected);
    }), runs(RUNS));
    tally.saw("returns", "reverts: ", "reverts: Jug/invalid-now");
  });

  const urn = fc.tuple(record({ ink: [usual.ink, u256], art: [usual.art, u256], rate: [usual.rate, u256], spot: [usual.spot, u256] }), fc.constantFrom(undefined, -1n, 0n, 1n))
    .map(([x, d]) => (d === undefined || x.ink === 0n ? x : { ...x, spot: atLeast0((x.art * x.rate) / x.ink + d) }));
  /** Exactly on the line, ink·spot = art·rate, or one unit of anything away. */
  const onTheLine = fc.tuple(fc.tuple(u128, u128, u128, u128).map((all) => all.map((x) => x || 1n) as [bigint, bigint, bigint, bigint]), fc.constantFrom("ink", "art", "rate", "spot", "none"), nudge)
    .map(([[p, q, r, s], which, d]) => {
      const x = { ink: p * q, spot: r * s, art: p * r, rate: q * s };
      return which === "none" ? x : { ...x, [which]: atLeast0(x[which as "ink"] + d) };
    });

  test("health", () => {
    const tally = new Tally();
    fc.assert(fc.property(fc.oneof(urn, onTheLine), (x) => {
      const expected = reference.health(x), answer = maker.health(x);
      tally.count(expected);
      const judged = "reverts" in expected ? expected : { reverts: false, ...expected };
      if (x.ink === MAX256 && x.art === 0n) expect(answer).toMatchObject(judged); // the reference says nothing of frob there
      else expect(answer).toEqual(judged);
    }), runs(2 * RUNS));
    tally.saw("returns", "reverts: ");
  });

  test("pokeHealth", () => {
    fc.assert(fc.property(record({
      ink: [usual.ink, u256], art: [usual.art, u256], rate: [usual.rate, u256], val: [usual.val, u256], has: bool, par: [usual.par, u256], mat: [usual.mat, u256],
    }), (x) => {
      const expected = reference.pokeHealth(x);
      expect(maker.pokeHealth(x)).toEqual("reverts" in expected ? expected : { reverts: false, ...expected });
    }), runs(RUNS));
  });

  test("frob", () => {
    const tally = new Tally(), signed = fc.oneof(between(-(10n ** 24n), 10n ** 24n), between(-2n, 2n));
    const edges = fc.constantFrom("none", "tab=limit", "dust", "line", "Line", "gem", "all of it", "int");
    fc.assert(fc.property(fc.tuple(record({
      ink: [usual.ink, u256], art: [usual.art, u256], Art: [between(10n ** 27n, 10n ** 28n), u256], rate: [usual.rate, u256], spot: [between(1000n * RAY, 5000n * RAY), u256],
      line: [between(10n ** 10n * RAD, 10n ** 11n * RAD), u256], dust: [usual.dust, u256], debt: [between(RAD, 10n ** 9n * RAD), u256], Line: [between(10n ** 11n * RAD, 10n ** 12n * RAD), u256],
      gem: [between(10n ** 24n, 10n ** 25n), u256], dai: [between(10n ** 9n * RAD, 10n ** 10n * RAD), u256], dink: [signed, i256], dart: [signed, i256],
    }), edges, nudge).map(([x, edge, d]) => {
      const ink = x.ink + x.dink, art = x.art + x.dart, tab = art * x.rate;
      switch (edge) {
        case "tab=limit": return ink > 0n && tab > 0n ? { ...x, spot: atLeast0((tab + ink - 1n) / ink + d) } : x;
        case "dust": return { ...x, dust: atLeast0(tab + d) };
        case "line": return { ...x, line: atLeast0((x.Art + x.dart) * x.rate + d) };
        case "Line": return { ...x, Line: atLeast0(x.debt + x.dart * x.rate + d) };
        case "gem": return { ...x, gem: atLeast0(x.dink + d) };
        case "all of it": return { ...x, dink: BigInt.asIntN(256, -x.ink + d), dart: BigInt.asIntN(256, -x.art) };
        case "int": return { ...x, rate: 2n ** 255n + d - 1n, dart: 0n, art: 0n, dink: 1n };
        default: return x;
      }
    }), (x) => {
      const expected = said(() => reference.frob(x));
      tally.count(expected);
      expect(maker.frob(x)).toEqual(expected);
    }), runs(3 * RUNS));
    tally.saw("returns", "reverts: ", "reverts: Vat/ilk-not-init", "reverts: Vat/ceiling-exceeded", "reverts: Vat/not-safe", "reverts: Vat/dust");
  });

  test("bark", () => {
    const tally = new Tally(), edges = fc.constantFrom("none", "none", "line", "room", "dust left", "dusty", "tiny", "no tab", "no top", "int");
    fc.assert(fc.property(fc.tuple(record({
      ink: [usual.ink, u256], art: [usual.art, u256], rate: [usual.rate, u256], spot: [between(1n, RAY), u256], dust: [usual.dust, u256], chop: [usual.chop, u256],
      hole: [between(10n ** 6n * RAD, 10n ** 9n * RAD), u256], dirt: [between(0n, 10n ** 6n * RAD), u256], Hole: [between(10n ** 6n * RAD, 10n ** 9n * RAD), u256], Dirt: [between(0n, 10n ** 6n * RAD), u256],
      val: [usual.val, u256], has: bool, par: [usual.par, u256], buf: [usual.buf, u256], tip: [usual.tip, uintOf(192)], chip: [usual.chip, uintOf(64)],
    }), edges, nudge, between(1n, 10n ** 9n)).map(([x, edge, d, n]) => {
      switch (edge) {
        case "line": return x.ink ? { ...x, spot: atLeast0((x.art * x.rate) / x.ink + d) } : x;
        case "room": return { ...x, hole: atLeast0(x.dirt + (x.art * x.rate * x.chop) / WAD + d), Hole: MAX256 };
        case "dust left": { // what would be left is the dust, or one unit off
          const dart = x.art / 2n;
          return { ...x, chop: WAD, hole: atLeast0(x.dirt + dart * x.rate), Hole: MAX256, dust: atLeast0((x.art - dart) * x.rate + d) };
        }
        case "dusty": {
          const dart = x.art / 3n;
          return { ...x, chop: WAD, hole: atLeast0(x.dirt + dart * x.rate), Hole: MAX256, dust: atLeast0(dart * x.rate + d) };
        }
        case "tiny": return { ...x, ink: n % 3n, hole: atLeast0(x.dirt + n * RAD), dust: 0n };
        case "no tab": return { ...x, art: n + 1n, rate: 1n, ink: n, spot: 1n, chop: n % 5n, dust: 0n };
        case "no top": return { ...x, val: n % 2n, buf: n % 3n };
        case "int": return { ...x, ink: 2n ** 255n + d, art: 2n ** 255n + 1n - d, rate: 1n + (n & 1n), spot: 1n, dust: 0n, Hole: MAX256, hole: MAX256, dirt: 0n, Dirt: 0n, chop: n % 2n };
        default: return x;
      }
    }), (x) => {
      const expected = said(() => reference.bark(x));
      tally.count(expected);
      expect(maker.bark(x)).toEqual(expected);
    }), runs(4 * RUNS));
    tally.saw("returns", "reverts: ", "reverts: Dog/not-unsafe", "reverts: Dog/liquidation-limit-hit", "reverts: Dog/dusty-auction-from-partial-liquidation", "reverts: Dog/null-auction", "reverts: Clipper/zero-tab", "reverts: Clipper/invalid-price", "reverts: Clipper/zero-top-price", "reverts: invalid opcode");
  });

  const curve: fc.Arbitrary<reference.Calc> = fc.oneof(
    record({ tau: [usual.tau, u256] }).map(({ tau }) => ({ calc: "LinearDecrease" as const, tau })),
    record({ cut: [usual.cut, u256], step: [usual.step, u256] }).map((x) => ({ calc: "StairstepExponentialDecrease" as const, ...x })),
    record({ cut: [usual.cut, u256] }).map(({ cut }) => ({ calc: "ExponentialDecrease" as const, cut })),
  );

  test("auctionPrice", () => {
    const tally = new Tally();
    fc.assert(fc.property(curve, record({ top: [usual.price, u256], dur: [usual.tau, u256] }), nudge, fc.boolean(), (calc, x, d, edge) => {
      const input = { ...calc, ...x, ...(edge && calc.calc === "LinearDecrease" ? { dur: atLeast0(calc.tau + d) } : {}) };
      const expected = said(() => reference.auctionPrice(input));
      tally.count(expected);
      expect(maker.auctionPrice(input)).toEqual(expected);
    }), runs(2 * RUNS));
    tally.saw("returns", "reverts: ", "reverts: invalid opcode");
  });

  const sale = record({
    top: [usual.price, u256], tic: [usual.time, uintOf(96)], now: [usual.time, u256], tail: [usual.tau, u256], cusp: [between(0n, RAY), u256],
  });
  const running = fc.tuple(curve, sale, fc.oneof(usual.tau, fc.constant(undefined)), nudge, fc.boolean()).map(([calc, x, dur, d, onTail]) => {
    const now = dur === undefined ? x.now : atLeast0(x.tic + (onTail ? x.tail + d : dur));
    return { ...calc, ...x, now };
  });

  test("auctionStatus", () => {
    const tally = new Tally();
    fc.assert(fc.property(running, (x) => {
      const expected = said(() => reference.auctionStatus(x));
      tally.count(expected);
      expect(maker.auctionStatus(x)).toEqual(expected);
    }), runs(2 * RUNS));
    tally.saw("returns", "reverts: ", "reverts: invalid opcode");
  });

  test("take", () => {
    const tally = new Tally(), edges = fc.constantFrom("none", "tab", "amt", "chost", "max", "Dirt", "dai", "partial");
    fc.assert(fc.property(fc.tuple(running.map((x) => ({ ...x, tail: x.tail < 1000n ? MAX256 : x.tail, cusp: x.cusp % 3n ? 0n : x.cusp })), record({
      tab: [usual.limit, u256], lot: [usual.ink, u256], chost: [usual.dust, u256], amt: [usual.ink, u256], max: [fc.constant(MAX256), u256],
      Dirt: [between(10n ** 10n * RAD, 10n ** 11n * RAD), u256], dirt: [between(10n ** 10n * RAD, 10n ** 11n * RAD), u256], dai: [between(10n ** 12n * RAD, 10n ** 13n * RAD), u256],
    }), edges, nudge, between(1n, 1000n)).map(([s, x, edge, d, part]) => {
      const input = { ...s, ...x };
      const at = reference.outcome(() => reference.auctionStatus(s));
      if ("reverts" in at) return input;
      const slice = x.lot < x.amt ? x.lot : x.amt, owe = slice * at.price;
      switch (edge) {
        case "tab": return { ...input, tab: atLeast0(owe + d) };
        case "amt": return { ...input, amt: atLeast0(x.lot + d) };
        case "chost": return { ...input, amt: x.lot / 2n, tab: atLeast0((x.lot / 2n) * at.price + x.chost + d) };
        case "max": return { ...input, max: atLeast0(at.price + d) };
        case "Dirt": return { ...input, Dirt: atLeast0(owe + d), dirt: atLeast0(owe - d) };
        case "dai": return { ...input, dai: atLeast0(owe + d), tab: atLeast0(owe * 2n) };
        case "partial": return { ...input, amt: x.lot / part, tab: x.lot * at.price < MAX256 ? x.lot * at.price + part : x.tab, chost: atLeast0(x.lot * at.price + d) };
        default: return input;
      }
    }), (x) => {
      const expected = said(() => reference.take(x));
      tally.count(expected);
      expect(maker.take(x)).toEqual(expected);
    }), runs(4 * RUNS));
    tally.saw("returns", "reverts: ", "reverts: Clipper/needs-reset", "reverts: Clipper/too-expensive", "reverts: Clipper/no-partial-purchase");
  });

  test("collateralRatio and healthFactor: Infinity without debt, undefined where a product overflows", () => {
    fc.assert(fc.property(fc.oneof(urn, onTheLine), fc.oneof(usual.mat, u256), (x, mat) => {
      const overflows = x.ink * x.spot > MAX256 || x.art * x.rate > MAX256;
      expect(maker.collateralRatio({ ...x, mat })).toBe(overflows ? undefined : (reference.collateralRatio({ ...x, mat }) ?? Infinity));
      expect(maker.healthFactor(x)).toBe(overflows ? undefined : (reference.healthFactor(x) ?? Infinity));
    }), runs(RUNS));
  });

  test("debt, of any width", () => {
    fc.assert(fc.property(u256, fc.oneof(usual.rate, u256), (art, rate) => {
      expect(maker.debt({ art, rate })).toBe(reference.debt({ art, rate }));
    }), runs(RUNS));
  });
});

describe("liquidationPrice", () => {
  const input = fc.oneof(
    record({ ink: [usual.ink, u256], art: [usual.art, u256], rate: [usual.rate, u256], mat: [usual.mat, u256], par: [usual.par, u256] }),
    record({ ink: [between(0n, 3n), u256], art: [between(0n, 3n), u128], rate: [between(0n, 3n), u128], mat: [ofAnyWidth(100), u256], par: [ofAnyWidth(120), u256] }),
    fc.record({ ink: ofAnyWidth(130), art: ofAnyWidth(130), rate: ofAnyWidth(120), mat: u256, par: u256 }),
  );

  test("against the reference", () => {
    fc.assert(fc.property(input, (x) => {
      expect(maker.liquidationPrice(x)).toBe(reference.liquidationPrice(x));
    }), { ...runs(3 * RUNS), examples: [
      [{ ink: 1n, art: 1n, rate: 1n, mat: MAX256, par: MAX256 }],
      [{ ink: 1n, art: 2n ** 128n - 1n, rate: 2n ** 128n - 1n, mat: MAX256, par: MAX256 }],
      [{ ink: MAX256, art: 1n, rate: MAX256, mat: MAX256, par: MAX256 }],
    ] });
  });

  test("by its definition: barkable one below it, not there, and at no price above", () => {
    const kinds = new Set<string>();
    fc.assert(fc.property(input, fc.array(fc.oneof(ofAnyWidth(64), ofAnyWidth(300)), { minLength: 8, maxLength: 8 }), (x, above) => {
      const { ink, art, rate, mat, par } = x, price = maker.liquidationPrice(x);
      kinds.add(typeof price === "bigint" ? "price" : price);
      if (price === "reverts") {
        expect(mat === 0n || par === 0n || art * rate > MAX256).toBe(true);
        return;
      }
      const spotAt = (val: bigint) => ((((val * 10n ** 36n) / par) * RAY) / mat);
      const barkable = (val: bigint) => { const spot = spotAt(val); return spot > 0n && ink * spot < art * rate; };
      // the least val at which the spot is 1 or more
      const first = ((mat + RAY - 1n) / RAY * par + 10n ** 36n - 1n) / 10n ** 36n;
      if (price === "always") {
        expect([first, ...above.map((d) => first + d)].every(barkable)).toBe(true);
        return;
      }
      if (price === "never") {
        expect([1n, first, ...above.map((d) => 1n + d), ...above.map((d) => first + d)].some(barkable)).toBe(false);
        return;
      }
      expect(price > 1n).toBe(true);
      expect(barkable(price - 1n)).toBe(true);
      expect(barkable(price)).toBe(false);
      expect(above.some((d) => barkable(price + d))).toBe(false);
    }), runs(2 * RUNS));
    expect([...kinds].sort()).toEqual(["always", "never", "price", "reverts"]);
  });
});

describe("inputs", () => {
  const bark = { ink: 1n, art: 1n, rate: 1n, spot: 1n, dust: 1n, chop: 1n, hole: 1n, dirt: 0n, Hole: 1n, Dirt: 0n, val: 1n, has: true, par: 1n, buf: 1n, tip: 1n, chip: 1n };
  const take = { calc: "LinearDecrease" as const, tau: 1n, top: 1n, tic: 1n, now: 1n, tail: 1n, cusp: 1n, tab: 1n, lot: 1n, chost: 1n, amt: 1n, max: 1n, Dirt: 1n, dirt: 1n, dai: 1n };
  const functions = {
    spot: { val: 1n, has: true, par: 1n, mat: 1n },
    drip: { rate: 1n, duty: 1n, base: 1n, rho: 1n, now: 1n, Art: 1n, dai: 1n, debt: 1n },
    health: { ink: 1n, art: 1n, rate: 1n, spot: 1n },
    pokeHealth: { ink: 1n, art: 1n, rate: 1n, val: 1n, has: true, par: 1n, mat: 1n },
    frob: { ink: 1n, art: 1n, Art: 1n, rate: 1n, spot: 1n, line: 1n, dust: 1n, debt: 1n, Line: 1n, gem: 1n, dai: 1n, dink: 1n, dart: 1n },
    bark,
    auctionPrice: { calc: "LinearDecrease", tau: 1n, top: 1n, dur: 1n },
    auctionStatus: { calc: "LinearDecrease", tau: 1n, top: 1n, tic: 1n, now: 1n, tail: 1n, cusp: 1n },
    take,
    collateralRatio: { ink: 1n, art: 1n, rate: 1n, spot: 1n, mat: 1n },
    healthFactor: { ink: 1n, art: 1n, rate: 1n, spot: 1n },
    debt: { art: 1n, rate: 1n },
    liquidationPrice: { ink: 1n, art: 1n, rate: 1n, mat: 1n, par: 1n },
  } as const;
  const call = (name: string, x: unknown) => (maker as unknown as Record<string, (x: unknown) => unknown>)[name]!(x);

  refusalTests("maker", maker, functions, { tip: "uint192", chip: "uint64", tic: "uint96", dink: "int256", dart: "int256" });

  test("an argument is checked even where the answer does not depend on it", () => {
    refuses(() => call("pokeHealth", { ...functions.pokeHealth, par: 0n, ink: -1n }), "out-of-range", "ink");
    refuses(() => call("bark", { ...bark, art: 0n, chip: 2n ** 64n }), "out-of-range", "chip");
  });

  test("each curve asks for its own parameters", () => {
    const at = { top: RAY, dur: 1n };
    refuses(() => call("auctionPrice", { calc: "LinearDecrease", ...at, cut: RAY }), "missing-field", "tau");
    refuses(() => call("auctionPrice", { calc: "StairstepExponentialDecrease", ...at, cut: RAY }), "missing-field", "step");
    refuses(() => call("auctionPrice", { calc: "StairstepExponentialDecrease", ...at, step: 1n }), "missing-field", "cut");
    refuses(() => call("auctionPrice", { calc: "ExponentialDecrease", ...at, tau: 1n }), "missing-field", "cut");
  });
});
