import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { openBook, type ErrorCode, PlimsollError } from "plimsoll";
import { describe, expect, test, vi } from "vitest";
import { Dice, MAX128, MAX256, RAY, WAD, column, runs, seed } from "./arbitraries.js";
import { type MakerBook, Twin, dump, joinKeys, keyBytes, keyOf, open, usualMarket } from "./twin.js";
import { maker } from "plimsoll/maker";

vi.setConfig({ testTimeout: 240_000 });

// ---- Any sequence of calls

function amounts(dice: Dice): [ink: bigint, art: bigint] {
  return dice.pick([[WAD, 2n * WAD], [2n * WAD, WAD], [WAD, WAD], [0n, 0n], [0n, 1n], [1n, 0n], [MAX128, MAX128], [dice.uint(128), dice.uint(128)], [WAD + dice.uint(60), WAD + dice.uint(60)]]);
}

class Session {
  readonly twin: Twin;
  readonly dice: Dice;
  readonly gone: number[] = [];
  #key = 0;
  constructor(start: number) {
    this.dice = new Dice(start);
    this.twin = new Twin(this.dice.pick([{}, { keyBytes: 20 }, { keyBytes: 32 }] as const));
    this.twin.addMarket({ spot: RAY });
  }
  market(): number { return this.dice.below(this.twin.markets.length); }
  ids(): number[] { return [...this.twin.vaults.keys()]; }
  some(most: number): number[] { return this.dice.shuffle(this.ids()).slice(0, this.dice.below(most + 1)); }
  /** A key that its market has not; often one that another market has, or that was there before. */
  key(market: number): string | undefined {
    const { twin, dice } = this;
    if (!twin.keyed) return undefined;
    if (dice.chance(0.4)) {
      const key = keyOf(dice.below(this.#key + 1), twin.book.keyBytes);
      if (![...twin.vaults.values()].some((vault) => vault.market === market && vault.key === key)) return key;
    }
    return keyOf(++this.#key, twin.book.keyBytes);
  }
  lose(ids: readonly number[]): void { this.gone.push(...ids); }

  step(): void {
    const { twin, dice } = this;
    switch (dice.below(20)) {
      case 0: if (twin.markets.length < 70) twin.addMarket({ spot: RAY + dice.uint(80), rate: RAY + dice.uint(70), duty: RAY + dice.uint(50), rho: BigInt(dice.below(100)) }); break;
      case 1: case 2: case 3: { const m = this.market(); twin.add(m, ...amounts(dice), this.key(m)); break; }
      case 4: case 5: {
        const m = this.market(), n = dice.pick([0, 1, 5, 63, 64, 65, 127, 129, dice.below(300), dice.chance(0.1) ? 1100 : 3, dice.chance(0.03) ? 4200 : 2]);
        const keys = twin.keyed ? Array.from({ length: n }, () => keyOf(++this.#key, twin.book.keyBytes)) : undefined;
        twin.load(m, Array.from({ length: n }, () => amounts(dice)), keys);
        break;
      }
      case 6: case 7: { const ids = this.ids(); if (ids.length) { const [ink, art] = amounts(dice); twin.update(dice.pick(ids), dice.pick([{ ink }, { art }, { ink, art }, {}])); } break; }
      case 8: {
        const ids = this.some(200), twice = dice.chance(0.3) ? [...ids, ...ids.slice(0, 5)] : ids, rows = twice.map(() => amounts(dice));
        twin.updateMany(twice, dice.pick([{ ink: rows.map((row) => row[0]) }, { art: rows.map((row) => row[1]) }, { art: rows.map((row) => row[1]), ink: rows.map((row) => row[0]) }]));
        break;
      }
      case 9: case 10: { const ids = this.ids(); if (ids.length) { const id = dice.pick(ids); twin.remove(id); this.lose([id]); } break; }
      case 11: { const ids = this.some(dice.chance(0.1) ? 5000 : 150); twin.removeMany(ids); this.lose(ids); break; }
      case 12: { const m = this.market(), ids = twin.inPlace(m).map((vault) => vault.id); if (dice.chance(0.15)) { twin.removeMany(dice.shuffle(ids)); this.lose(ids); } break; } // a market emptied whole
      case 13: twin.setMarket(this.market(), dice.pick([{ spot: RAY + dice.uint(89) }, { spot: 0n }, { spot: MAX256 }, { rate: RAY + dice.uint(80) }, { duty: RAY + dice.uint(50), rho: BigInt(dice.below(100)) }, { val: dice.uint(100) }])); break;
      case 14: { const n = dice.below(5), of = Array.from({ length: n }, () => this.market()); twin.setMarkets(of, { spot: of.map(() => RAY + dice.uint(89)), ...(dice.chance(0.5) ? { chip: of.map(() => dice.uint(64)) } : {}) }); break; }
      case 15: twin.setSystem(dice.pick([{ par: RAY }, { base: dice.uint(50) }, { Hole: dice.uint(200), Dirt: dice.uint(100) }])); break;
      case 16: twin.accrue(dice.pick([0n, 99n, 1000n + dice.uint(20)])); break;
      case 17: twin.preview([[[this.market(), { spot: RAY + dice.uint(88) }]], []]); break;
      default: {
        const more = { idsOnly: dice.chance(0.8), screen: dice.pick(["zones", "zones", "keys", "off"] as const), ...(dice.chance(0.3) ? { market: this.market() } : {}), ...(dice.chance(0.2) ? { at: dice.pick([50n, 5000n]) } : {}), ...(dice.chance(0.2) ? { status: "reverts" as const } : {}), ...(dice.chance(0.2) ? { limit: dice.below(40) } : {}) };
        twin.scan({ ...more, ...(dice.chance(0.4) ? { since: "last" as const } : {}), ...(dice.chance(0.4) ? { order: dice.pick(["riskiest", "debt"] as const) } : {}) });
      }
    }
  }

  /** Everything that can be asked, compared. */
  review(): void {
    const { twin, dice } = this, { book } = twin, ids = this.ids();
    twin.columns();
    for (let i = 0; i < 5 && ids.length; ++i) twin.inspect(dice.pick(ids), dice.pick([undefined, 2000n]));
    for (let i = 0; i < 20 && this.gone.length; ++i) {
      const id = dice.pick(this.gone);
      expect(book.has(id)).toBe(false);
      for (const run of [() => book.remove(id), () => book.update(id, { ink: 1n }), () => book.inspect(id)]) expect(run).toThrow(expect.objectContaining({ code: "stale-id" }));
    }
    if (!twin.keyed) return;
    const byKey = new Map<string, number[]>();
    for (const { key, id } of twin.inPlace()) byKey.set(key!, [...(byKey.get(key!) ?? []), id]);
    for (let i = 0; i < 60; ++i) {
      const key = keyOf(dice.below(this.#key + 2), book.keyBytes);
      expect(book.find(dice.chance(0.5) ? key : keyBytes(key))).toEqual(byKey.get(key) ?? []);
    }
  }
}

describe("any sequence of calls equals a naive model", () => {
  test("short sessions", () => {
    fc.assert(fc.property(seed, (start) => {
      const session = new Session(start);
      for (let i = 0; i < 60; ++i) session.step();
      session.review();
    }), runs(60));
  });

  test("long sessions", () => {
    fc.assert(fc.property(seed, (start) => {
      const session = new Session(start);
      for (let i = 0; i < 400; ++i) {
        session.step();
        if (i % 40 === 0) session.review();
      }
      session.review();
    }), runs(6));
  });

  test("a chunk that grows from 64 to 1,024 rows while rows are unsafe or revert", () => {
    for (const keyed of [false, true]) {
      const twin = new Twin(keyed ? { keyBytes: 32 } : {}), market = twin.addMarket(), other = twin.addMarket({ spot: MAX256 });
      for (let i = 0; i < 1100; ++i) {
        const key = keyed ? keyOf(i, 32) : undefined;
        twin.add(market, WAD, i % 3 ? 2n * WAD : WAD / 2n, key);
        twin.add(other, i % 2 ? 1n : MAX128, WAD, key);
        if ([0, 10, 62, 63, 64, 65, 127, 128, 129, 255, 256, 511, 512, 513, 1022, 1023, 1024, 1025].includes(i)) {
          twin.scan({ idsOnly: true });
          twin.scan({ since: "last" });
          twin.scan({ status: "reverts", idsOnly: true });
          twin.scan({ order: "riskiest", limit: 5, idsOnly: true });
        }
      }
      twin.columns();
    }
  });
});

describe("rows and ids", () => {
  test("a row used 40,000 times and more never gives an id again; old ids stay refused", () => {
    const book = open(), market = book.addMarket(usualMarket()), ids = new Set<number>(), kept: number[] = [];
    for (let i = 0; i < 50_000; ++i) {
      const id = book.add(market, { ink: 1n, art: BigInt(i) });
      ids.add(id);
      if (i % 500 === 0) kept.push(id);
      book.remove(id);
    }
    expect(ids.size).toBe(50_000);
    expect(book.size).toBe(0);
    for (const id of kept) expect(book.has(id)).toBe(false);
    const last = book.add(market, { ink: 5n, art: 7n });
    expect(ids.has(last)).toBe(false);
    expect(book.inspect(last).vault).toEqual({ ink: 5n, art: 7n });
    expect([...book.ids()]).toEqual([last]);
  });

  test("what was found of removed vaults leaves no count behind", () => {
    const book = open(), market = book.addMarket(usualMarket());
    for (let i = 0; i < 65_535; ++i) {
      const id = book.add(market, { ink: WAD, art: 2n * WAD });
      book.scan({ idsOnly: true });
      book.remove(id);
    }
    for (let n = 1; n <= 3; ++n) {
      book.add(market, { ink: WAD, art: 2n * WAD });
      expect([book.scan().length, book.scan({ order: "riskiest" }).length, book.scan({ screen: "off" }).length]).toEqual([n, n, n]);
    }
  });

  test("the same of vaults that revert", () => {
    const book = open(), market = book.addMarket(usualMarket({ spot: MAX256 }));
    for (let i = 0; i < 65_536; ++i) {
      const id = book.add(market, { ink: WAD, art: WAD });
      if (i !== 7) book.scan({ status: "reverts", idsOnly: true });
      book.remove(id);
    }
    book.add(market, { ink: WAD, art: WAD });
    expect(book.scan({ status: "reverts" }).length).toBe(1);
    expect(book.scan({ status: "reverts", screen: "off", since: "last" }).safe.length).toBe(0);
    book.setMarket(market, { spot: RAY });
    expect(book.scan({ status: "reverts", since: "last" }).safe.length).toBe(1);
  });

  test("numbers that are no ids", () => {
    const book = open(), market = book.addMarket(usualMarket()), id = book.add(market, { ink: 1n, art: 1n });
    for (const bad of [-1, 0, 1, 0.5, id + 0.5, id + 1, id + 2 ** 32, id + 2 ** 33, id + 1024, 2 ** 48, 2 ** 53, Number.NaN, Infinity, -Infinity, -0]) {
      expect(book.has(bad)).toBe(false);
      expect(() => book.remove(bad)).toThrow(expect.objectContaining({ code: "stale-id" }));
      expect(() => book.removeMany(Float64Array.of(id, bad))).toThrow(expect.objectContaining({ code: "stale-id" }));
    }
    expect(book.has(id)).toBe(true);
  });

  test("keys: a table that grows, shrinks and fills again, by runs of neighbours", () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), book = open({ keyBytes: 20 }), held = new Map<number, number>();
      const market = book.addMarket(usualMarket());
      for (let round = 0; round < 6; ++round) {
        for (let i = dice.below(1500); i > 0; --i) {
          const n = dice.below(3000);
          if (!held.has(n)) held.set(n, book.add(market, { ink: 1n, art: 1n }, keyOf(n)));
        }
        for (const [n, id] of dice.shuffle([...held]).slice(0, dice.below(held.size + 1))) { book.remove(id); held.delete(n); }
        for (let n = 0; n < 3000; ++n) expect(book.find(keyOf(n))).toEqual(held.has(n) ? [held.get(n)] : []);
      }
    }), runs(4));
  });

  test("a key in very many markets", () => {
    const book = open({ keyBytes: 20 }), key = keyOf(1), ids: number[] = [];
    for (let m = 0; m < 3000; ++m) ids.push(book.add(book.addMarket(usualMarket()), { ink: 1n, art: 1n }, key));
    expect(book.find(key)).toEqual(ids);
    book.removeMany(Float64Array.from(ids.filter((_, i) => i % 3)));
    expect(book.find(key)).toEqual(ids.filter((_, i) => i % 3 === 0));
  });

  test("the capacity, to the last vault", () => {
    const book = open({ capacity: 100 }), market = book.addMarket(usualMarket()), rows = (n: number) => ({ ink: column(new Array(n).fill(1n)), art: column(new Array(n).fill(1n)) });
    const full = expect.objectContaining({ code: "capacity-reached" });
    expect(() => book.load(market, rows(101))).toThrow(full);
    const ids = book.load(market, rows(100));
    expect(() => book.add(market, { ink: 1n, art: 1n })).toThrow(full);
    expect(book.load(market, rows(0)).length).toBe(0);
    book.remove(ids[50]!);
    expect(() => book.load(market, rows(2))).toThrow(full);
    book.add(market, { ink: 1n, art: 1n });
    expect(book.size).toBe(100);
  });
});

// ---- Errors

/** A book with vaults in two markets, some unsafe, changes pending that no scan has seen, and a copy of all that it says. */
function fixture(options: { keyBytes?: 20 | 32; capacity?: number }) {
  const book = open(options), dice = new Dice(5), keyed = options.keyBytes !== undefined;
  book.setSystem({ par: RAY, base: 0n, Hole: 10n ** 50n, Dirt: 0n });
  const markets = [book.addMarket(usualMarket({ rho: 100n })), book.addMarket(usualMarket({ spot: 2n * RAY, rho: 200n }))];
  const ids: number[] = [];
  for (const market of markets) for (let i = 0; i < 70; ++i) ids.push(book.add(market, { ink: WAD, art: dice.uint(61) }, keyed ? keyOf(i) : undefined));
  const removed = ids.splice(10, 5);
  book.removeMany(Float64Array.from(removed));
  book.scan();
  book.setMarket(0, { spot: RAY / 2n });
  book.update(ids[100]!, { art: 10n * WAD });
  return { book, ids, removed };
}

/** Runs what must throw, and sees that the book says the same as before, to the last figure. */
function refuses(book: MakerBook, code: ErrorCode, run: () => unknown, ...parts: string[]): void {
  const before = dump(book);
  let thrown: unknown;
  try { run(); } catch (error) { thrown = error; }
  expect(thrown).toBeInstanceOf(PlimsollError);
  expect((thrown as PlimsollError).code).toBe(code);
  for (const part of parts) expect((thrown as PlimsollError).message).toContain(part);
  expect(dump(book)).toEqual(before);
}

type Loose = Record<string, (...args: unknown[]) => unknown>;

describe("a call that throws has changed nothing", () => {
  test("amounts, figures, times", () => {
    const { book, ids } = fixture({}), id = ids[0]!, loose = book as unknown as Loose;
    for (const bad of [1, "1", null, Number.NaN, true]) {
      refuses(book, "not-a-bigint", () => loose["add"]!(0, { ink: 1n, art: bad }), "art");
      refuses(book, "not-a-bigint", () => loose["update"]!(id, { ink: 5n, art: bad }), "art");
      refuses(book, "not-a-bigint", () => loose["setMarket"]!(0, { spot: 5n, rate: bad }), "rate");
      refuses(book, "not-a-bigint", () => loose["addMarket"]!({ ...usualMarket(), mat: bad }), "mat");
      refuses(book, "not-a-bigint", () => loose["setSystem"]!({ par: 5n, base: bad }), "base");
      refuses(book, "not-a-bigint", () => loose["accrue"]!(bad), "time");
      refuses(book, "not-a-bigint", () => loose["scan"]!({ minDebt: bad }), "minDebt");
      refuses(book, "not-a-bigint", () => loose["scan"]!({ within: bad }), "within");
      refuses(book, "not-a-bigint", () => loose["scan"]!({ at: bad }), "at");
      refuses(book, "not-a-bigint", () => loose["preview"]!([[[0, { spot: bad }]]]), "spot");
      refuses(book, "not-a-bigint", () => loose["debts"]!(bad));
      refuses(book, "not-a-bigint", () => loose["ratios"]!({ at: bad }));
      refuses(book, "not-a-bigint", () => loose["inspect"]!(id, { at: bad }));
    }
    for (const bad of [-1n, 2n ** 128n, 2n ** 256n]) {
      refuses(book, "out-of-range", () => book.add(0, { ink: 1n, art: bad }), "art", `${bad}`.slice(0, 40));
      refuses(book, "out-of-range", () => book.update(id, { ink: 5n, art: bad }), "art");
    }
    for (const bad of [-1n, 2n ** 256n]) {
      refuses(book, "out-of-range", () => book.setMarket(1, { rate: 5n, spot: bad }), "spot");
      refuses(book, "out-of-range", () => book.addMarket({ ...usualMarket(), dust: bad }), "dust");
      refuses(book, "out-of-range", () => book.setSystem({ par: 7n, Hole: bad }), "Hole");
      refuses(book, "out-of-range", () => book.accrue(bad));
      refuses(book, "out-of-range", () => book.scan({ minDebt: bad }));
      refuses(book, "out-of-range", () => book.scan({ at: bad }));
      refuses(book, "out-of-range", () => book.preview([[[1, { spot: 1n }]], [[0, { mat: bad }]]]));
    }
    refuses(book, "out-of-range", () => book.scan({ within: 2n ** 128n }));
    refuses(book, "out-of-range", () => book.setMarket(0, { chip: 2n ** 64n }), "chip");
    refuses(book, "out-of-range", () => book.setMarket(0, { tip: 2n ** 192n }), "tip");
    refuses(book, "out-of-range", () => book.setMarkets([0, 1], { spot: column([1n, 1n]), chip: column([1n, 2n ** 64n]) }), "chip");
  });

  test("fields that lack, or that nobody knows", () => {
    const { book, ids } = fixture({}), id = ids[0]!, loose = book as unknown as Loose;
    refuses(book, "missing-field", () => loose["add"]!(0, { ink: 1n }), "art");
    refuses(book, "missing-field", () => loose["load"]!(0, { ink: column([1n]) }), "art");
    refuses(book, "missing-field", () => loose["addMarket"]!({ spot: 1n, mat: 1n }), "rate");
    for (const field of ["inc", "toString", "constructor", "hasOwnProperty"]) {
      refuses(book, "unknown-field", () => loose["add"]!(0, { ink: 1n, art: 1n, [field]: 1n }), field);
      refuses(book, "unknown-field", () => loose["update"]!(id, { ink: 7n, [field]: 1n }), field);
      refuses(book, "unknown-field", () => loose["load"]!(0, { ink: column([1n]), art: column([1n]), [field]: column([1n]) }), field);
      refuses(book, "unknown-field", () => loose["updateMany"]!(Float64Array.of(id), { ink: column([1n]), [field]: column([1n]) }), field);
      refuses(book, "unknown-field", () => loose["setMarket"]!(0, { spot: 1n, [field]: 1n }), field);
      refuses(book, "unknown-field", () => loose["setMarkets"]!([0], { spot: column([1n]), [field]: column([1n]) }), field);
      refuses(book, "unknown-field", () => loose["addMarket"]!({ ...usualMarket(), [field]: 1n }), field);
      refuses(book, "unknown-field", () => loose["setSystem"]!({ par: 1n, [field]: 1n }), field);
      refuses(book, "unknown-field", () => loose["scan"]!({ [field]: 1n }), field);
      refuses(book, "unknown-field", () => loose["preview"]!([[[0, { [field]: 1n }]]]), field);
    }
    expect(() => open({ size: 5 } as object)).toThrow(expect.objectContaining({ code: "unknown-field" }));
  });

  test("lengths that do not fit together, and arrays of another type", () => {
    const { book, ids } = fixture({}), { book: keyed } = fixture({ keyBytes: 20 }), some = Float64Array.from(ids.slice(0, 3)), three = column([1n, 2n, 3n]), loose = book as unknown as Loose;
    for (const wrong of [new BigUint64Array(0), new BigUint64Array(5), new BigUint64Array(7), new BigUint64Array(8)]) {
      refuses(book, "length-mismatch", () => book.load(0, { ink: three, art: wrong }));
      refuses(book, "length-mismatch", () => book.updateMany(some, { ink: three, art: wrong }));
      refuses(book, "length-mismatch", () => book.updateMany(some, { art: wrong }));
      refuses(book, "length-mismatch", () => book.setMarkets([0, 1, 0], { spot: three, rate: wrong }));
    }
    refuses(book, "length-mismatch", () => book.load(0, { ink: new BigUint64Array(3), art: new BigUint64Array(3) }));
    refuses(book, "length-mismatch", () => book.load(0, { ink: new BigUint64Array(1), art: new BigUint64Array(1) }));
    for (const bytes of [0, 59, 61, 80]) refuses(keyed, "length-mismatch", () => keyed.load(0, { ink: three, art: three }, new Uint8Array(bytes)));
    refuses(book, "length-mismatch", () => book.ratios({ out: new BigUint64Array(3) }));
    refuses(book, "length-mismatch", () => book.debts(undefined, { out: new BigUint64Array(3) }));
    refuses(book, "length-mismatch", () => book.ratiosAsNumbers({ out: new Float64Array(3) }));
    for (const wrong of [[1n, 2n], new Float64Array(6), "abc", 5]) {
      refuses(book, "invalid-argument", () => loose["load"]!(0, { ink: three, art: wrong }));
      refuses(book, "invalid-argument", () => loose["updateMany"]!(some, { ink: wrong }));
      refuses(book, "invalid-argument", () => loose["setMarkets"]!([0, 1, 0], { spot: wrong }));
    }
    for (const wrong of [new Uint32Array(3), new BigUint64Array(3), ["1"], "abc", undefined, null]) {
      refuses(book, "invalid-argument", () => loose["updateMany"]!(wrong, { ink: three }));
      refuses(book, "invalid-argument", () => loose["removeMany"]!(wrong));
    }
  });

  test("arguments out of their range", () => {
    const { book, ids } = fixture({}), { book: keyed } = fixture({ keyBytes: 20 }), loose = book as unknown as Loose;
    for (const query of [{ order: "health" }, { order: 1 }, { status: "safe" }, { screen: "on" }, { since: 5 }, { since: "first" }, { limit: -1 }, { limit: 1.5 }, { limit: 5n }, { limit: Number.NaN }, { idsOnly: 1 }, { within: 1n, since: "last" }, { within: 1n, status: "reverts" }, { order: "liquidationPrice" }]) {
      refuses(book, "invalid-argument", () => loose["scan"]!(query));
    }
    for (const key of ["0x", "0x12", "", keyOf(1).slice(2), `${keyOf(1)}00`, `0x${"g".repeat(40)}`, new Uint8Array(19), new Uint8Array(32), 5, null, {}]) {
      refuses(keyed, "invalid-argument", () => (keyed as unknown as Loose)["add"]!(0, { ink: 1n, art: 1n }, key));
      refuses(keyed, "invalid-argument", () => (keyed as unknown as Loose)["find"]!(key));
    }
    refuses(keyed, "missing-field", () => keyed.add(0, { ink: 1n, art: 1n }));
    refuses(keyed, "missing-field", () => keyed.load(0, { ink: column([1n]), art: column([1n]) }));
    refuses(keyed, "invalid-argument", () => (keyed as unknown as Loose)["load"]!(0, { ink: column([1n]), art: column([1n]) }, [keyOf(1)]));
    refuses(book, "invalid-argument", () => book.add(0, { ink: 1n, art: 1n }, keyOf(999)));
    refuses(book, "invalid-argument", () => book.load(0, { ink: column([1n]), art: column([1n]) }, joinKeys([keyOf(999)])));
    refuses(book, "invalid-argument", () => book.find(keyOf(1)));
    for (const bad of [null, undefined, 5, "x"]) {
      refuses(book, "invalid-argument", () => loose["add"]!(0, bad));
      refuses(book, "invalid-argument", () => loose["load"]!(0, bad));
      refuses(book, "invalid-argument", () => loose["update"]!(ids[0], bad));
      refuses(book, "invalid-argument", () => loose["setMarket"]!(0, bad));
      refuses(book, "invalid-argument", () => loose["addMarket"]!(bad));
      refuses(book, "invalid-argument", () => loose["setSystem"]!(bad));
      refuses(book, "invalid-argument", () => loose["setMarkets"]!([0], bad));
      refuses(book, "invalid-argument", () => loose["preview"]!(bad));
      if (bad !== undefined) {
        refuses(book, "invalid-argument", () => loose["scan"]!(bad));
        refuses(book, "invalid-argument", () => loose["inspect"]!(ids[0], bad));
        expect(() => (open as (x: unknown) => unknown)(bad)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
      }
    }
    for (const capacity of [0, -1, 1.5, Number.NaN, "5", 5n, null]) expect(() => (open as (x: unknown) => unknown)({ capacity })).toThrow(expect.objectContaining({ code: "invalid-argument" }));
    for (const bytes of [1, 21, 33, -20, "20", null]) expect(() => (open as (x: unknown) => unknown)({ keyBytes: bytes })).toThrow(expect.objectContaining({ code: "invalid-argument" }));
    const hits = book.scan();
    for (const position of [-1, hits.length, 0.5, Number.NaN]) refuses(book, "invalid-argument", () => hits.at(position));
  });

  test("markets and ids that are not there", () => {
    const { book, ids, removed } = fixture({}), gone = removed[2]!, id = ids[0]!, rows = { ink: column([7n, 7n]), art: column([7n, 7n]) };
    for (const market of [-1, 2, 0.5, Number.NaN, Infinity, "0", undefined, null]) {
      const m = market as number;
      refuses(book, "unknown-market", () => book.add(m, { ink: 1n, art: 1n }));
      refuses(book, "unknown-market", () => book.load(m, rows));
      refuses(book, "unknown-market", () => book.setMarket(m, { spot: 1n }));
      refuses(book, "unknown-market", () => book.setMarkets([0, m], { spot: column([1n, 1n]) }));
      refuses(book, "unknown-market", () => book.market(m));
      if (market !== undefined) refuses(book, "unknown-market", () => book.scan({ market: m }));
      refuses(book, "unknown-market", () => book.preview([[[0, { spot: 1n }]], [[m, { spot: 1n }]]]));
    }
    for (const bad of [gone, id + 0.5, Number.NaN, -1]) {
      refuses(book, "stale-id", () => book.update(bad, { ink: 1n }));
      refuses(book, "stale-id", () => book.remove(bad));
      refuses(book, "stale-id", () => book.inspect(bad));
      refuses(book, "stale-id", () => book.updateMany(Float64Array.of(id, bad), rows), "row 1");
      refuses(book, "stale-id", () => book.removeMany(Float64Array.of(id, ids[1]!, bad)), "row 2");
    }
    refuses(book, "duplicate-id", () => book.removeMany(Float64Array.of(id, ids[1]!, id)), "row 2");
    expect(book.scan({ since: "last" }).unsafe.length).toBeGreaterThan(0); // what was pending still is
  });

  test("a bad row beyond the first page: nothing of the pages before is done", () => {
    const book = open({ keyBytes: 20 }), market = book.addMarket(usualMarket()), other = book.addMarket(usualMarket()), n = 9000;
    const keys = Array.from({ length: n }, (_, i) => keyOf(i)), rows = { ink: column(new Array(n).fill(WAD)), art: column(new Array(n).fill(2n * WAD)) };
    const ids = book.load(market, rows, joinKeys(keys));
    const gone = ids[8500]!;
    book.remove(gone);
    const said = () => [book.size, book.ids(), book.debts(), book.scan({ idsOnly: true }).length, keys.map((key) => book.find(key))];
    const before = said();
    const refused = (code: ErrorCode, run: () => unknown, part: string) => {
      expect(run).toThrow(expect.objectContaining({ code, message: expect.stringContaining(part) }));
      expect(said()).toEqual(before);
    };
    refused("stale-id", () => book.updateMany(ids, { art: column(new Array(n).fill(1n)) }), "row 8500");
    refused("stale-id", () => book.removeMany(ids), "row 8500");
    const twice = Float64Array.from(ids);
    twice[8500] = ids[3]!;
    refused("duplicate-id", () => book.removeMany(twice), "row 8500");
    // a key of the market's own, one that came before in the same call, and on either side of a page's border
    for (const row of [0, 1, 4095, 4096, 4097, 8191, 8192, 8999]) {
      const fresh = keys.map((_, i) => keyOf(100_000 + i));
      fresh[row] = keyOf(42);
      refused("duplicate-key", () => book.load(market, rows, joinKeys(fresh)), `row ${row}`);
      if (row > 0) {
        fresh[row] = fresh[row - 1]!;
        refused("duplicate-key", () => book.load(other, rows, joinKeys(fresh)), `row ${row}`);
      }
    }
    refused("duplicate-key", () => book.add(market, { ink: 1n, art: 1n }, keyOf(42)), keyOf(42));
    expect(book.load(other, rows, joinKeys(keys)).length).toBe(n);
    expect(book.scan({ idsOnly: true }).length).toBe(2 * n - 1);
  });

  test("duplicate keys among rows that are taken again", () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), twin = new Twin({ keyBytes: 20 }), market = twin.addMarket();
      const n = 100 + dice.below(200);
      twin.load(market, Array.from({ length: n }, () => amounts(dice)), Array.from({ length: n }, (_, i) => keyOf(i)));
      twin.scan();
      twin.removeMany(dice.shuffle([...twin.vaults.keys()]).slice(0, dice.chance(0.2) ? n : dice.below(n)));
      for (let i = 0; i < 3; ++i) {
        const held = [...twin.vaults.values()], keys = Array.from({ length: 150 }, (_, j) => keyOf(1000 + j));
        const row = dice.below(150);
        keys[row] = held.length && dice.chance(0.5) ? dice.pick(held).key! : keys[row ? row - 1 : 149]!;
        const rows = { ink: column(keys.map(() => 0n)), art: column(keys.map(() => MAX128)) };
        expect(() => twin.book.load(market, rows, joinKeys(keys))).toThrow(expect.objectContaining({ code: "duplicate-key" }));
        twin.columns();
        for (const vault of twin.vaults.values()) expect(twin.book.find(vault.key!)).toEqual([vault.id]);
        expect(twin.book.find(keyOf(1001))).toEqual([]);
        twin.scan({ since: "last" });
        twin.scan({ order: "riskiest", limit: 5 });
      }
    }), runs(20));
  });

  test("capacity, accrual, figures of ids only", () => {
    const { book } = fixture({ capacity: 140 });
    refuses(book, "capacity-reached", () => book.load(0, { ink: column(new Array(6).fill(1n)), art: column(new Array(6).fill(1n)) }), "6");
    refuses(book, "reverts", () => book.accrue(150n), "market 1"); // market 0 could be
    refuses(book, "reverts", () => book.debts(150n));
    refuses(book, "reverts", () => book.ratios({ at: 50n }));
    refuses(book, "no-figures", () => book.scan({ idsOnly: true }).figures);
    refuses(book, "no-figures", () => book.scan({ idsOnly: true }).at(0).health);
  });

  test("a book that was disposed of", () => {
    const { book, ids } = fixture({}), hits = book.scan();
    book[Symbol.dispose]();
    book.dispose(); // twice does no harm
    const calls: (() => unknown)[] = [
      () => book.size, () => book.marketCount, () => book.ids(), () => book.add(0, { ink: 1n, art: 1n }), () => book.load(0, { ink: column([1n]), art: column([1n]) }), () => book.update(ids[0]!, { ink: 1n }),
      () => book.updateMany(Float64Array.of(ids[0]!), { ink: column([1n]) }), () => book.remove(ids[0]!), () => book.removeMany(Float64Array.of(ids[0]!)), () => book.has(ids[0]!), () => book.find(keyOf(1)),
      () => book.scan(), () => book.preview([]), () => book.inspect(ids[0]!), () => book.ratios(), () => book.ratiosAsNumbers(), () => book.debts(), () => book.accrue(1n),
      () => book.market(0), () => book.addMarket(usualMarket()), () => book.setMarket(0, {}), () => book.setMarkets([0], {}), () => book.setSystem({}),
    ];
    for (const call of calls) expect(call).toThrow(expect.objectContaining({ code: "disposed" }));
    expect(hits.length).toBeGreaterThan(0); // results stay
    expect(hits.at(0).debt).toBeGreaterThan(0n);
  });

  test("amounts are those that were given, whatever a getter of them does", () => {
    const book = openBook(maker), market = book.addMarket({ spot: RAY, mat: RAY, rate: RAY }), id = book.add(market, { ink: 1n, art: 2n }), other = book.add(market, { ink: 5n, art: 6n });
    book.update(id, { ink: 9n, get art() { book.update(other, { ink: 7n, art: 8n }); return 3n; } });
    expect([book.inspect(id).vault, book.inspect(other).vault]).toEqual([{ ink: 9n, art: 3n }, { ink: 7n, art: 8n }]);
  });

  test("figures that are named and undefined", () => {
    const book = openBook(maker), market = book.addMarket({ spot: RAY, mat: RAY, rate: RAY }), id = book.add(market, { ink: 1n, art: 2n }), loose = book as unknown as Loose;
    refuses(book, "not-a-bigint", () => loose["setMarket"]!(market, { spot: undefined }), "spot");
    refuses(book, "not-a-bigint", () => loose["setSystem"]!({ par: undefined }), "par");
    refuses(book, "not-a-bigint", () => loose["update"]!(id, { art: undefined }), "art");
  });

  test("options that nobody knows, and scenarios of another shape", () => {
    const book = openBook(maker), market = book.addMarket({ spot: RAY, mat: RAY, rate: RAY }), id = book.add(market, { ink: 1n, art: 2n }), loose = book as unknown as Loose;
    for (const [name, ...args] of [["inspect", id, { time: 5n }], ["ratios", { time: 5n }], ["ratiosAsNumbers", { tim: 1n }], ["debts", 5n, { outt: 1 }], ["scan", { ordr: "debt" }]] as const) {
      refuses(book, "unknown-field", () => loose[name]!(...args));
    }
    for (const [name, ...args] of [["ratios", 5n], ["ratios", null], ["debts", 5n, null], ["preview", [[market, { spot: 1n }]]], ["preview", [[null]]], ["preview", new Array(1)], ["scan", { order: ["debt"] }], ["setMarkets", 5, {}], ["updateMany", [id], null]] as const) {
      refuses(book, "invalid-argument", () => loose[name]!(...args));
    }
    for (const protocol of [undefined, null, "maker", {}]) expect(() => (openBook as (protocol: unknown) => unknown)(protocol)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  });

  test("no more memory for rows, or for their keys: all of a load or nothing", () => {
    const seen = JSON.parse(execFileSync(process.execPath, ["--wasm-max-mem-pages=100", "--input-type=module", "-e", `
      import { openBook } from "plimsoll";
      import { maker } from "plimsoll/maker";
      const RAY = 10n ** 27n, wrong = [];
      let refused = 0;
      for (let n = 20_000; n < 160_000; n += 1009) {
        const book = openBook(maker, { keyBytes: 20 }), market = book.addMarket({ spot: RAY, mat: RAY, rate: RAY });
        const column = new BigUint64Array(n * 2).fill(1n), keys = new Uint8Array(n * 20), view = new DataView(keys.buffer);
        for (let i = 0; i < n; ++i) view.setUint32(i * 20, i + 1);
        try { book.load(market, { ink: column, art: column }, keys); if (book.size !== n) wrong.push([n, book.size]); }
        catch (error) { ++refused; if (error.code !== "out-of-memory" || book.size) wrong.push([n, String(error), book.size]); }
      }
      console.log(JSON.stringify({ wrong, refused }));
    `], { encoding: "utf8" })) as { wrong: unknown[]; refused: number };
    expect(seen.wrong).toEqual([]);
    expect(seen.refused).toBeGreaterThan(10);
  });

  test("no more memory: a host that gives 4 MiB", () => {
    const script = `
      import { openBook } from "plimsoll";
      import { maker } from "plimsoll/maker";
      const RAY = 10n ** 27n, column = (n, v) => { const rows = new BigUint64Array(n * 2); for (let i = 0; i < n; ++i) rows[i * 2] = v; return rows; };
      const book = openBook(maker), market = book.addMarket({ spot: RAY, mat: RAY, rate: RAY });
      const said = () => JSON.stringify([book.size, [...book.ids()], [...book.debts()].map(String), book.scan({ idsOnly: true }).length, book.scan({ order: "riskiest", limit: 3 }).length]);
      const codes = [];
      for (let i = 0; i < 3; ++i) {
        for (const n of [50_000, 3000, 1]) for (;;) {
          const before = said();
          try { book.load(market, { ink: column(n, 1n), art: column(n, BigInt(i)) }); }
          catch (error) { codes.push(error.code); if (said() !== before) codes.push("changed"); break; }
        }
        for (;;) try { book.addMarket({ spot: RAY, mat: RAY, rate: RAY }); } catch (error) { codes.push(error.code); break; }
        book.removeMany(book.ids().slice(0, 5000));
        book.load(market, { ink: column(4000, 1n), art: column(4000, 2n) }); // into the rows that came free
        book.add(market, { ink: 1n, art: 1n });
      }
      console.log(JSON.stringify({ codes, size: book.size, bytes: book.core.exports.memory.buffer.byteLength }));
    `;
    const answer = JSON.parse(execFileSync(process.execPath, ["--wasm-max-mem-pages=64", "--input-type=module", "-e", script], { encoding: "utf8" })) as { codes: string[]; size: number; bytes: number };
    expect(new Set(answer.codes)).toEqual(new Set(["out-of-memory"]));
    expect(answer.codes.length).toBe(12);
    expect(answer.bytes).toBeLessThanOrEqual(4 * 2 ** 20);
    expect(answer.size).toBeGreaterThan(10_000);
  });
});
