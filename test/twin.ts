/**
 * A book beside a naive model of it: every call goes to both, every answer is compared. The model keeps a Map of vaults and
 * judges each of them anew by the reference.
 */
import { type Hits, type LevelQuery, type LevelSums, type Levels, MAX_U128, type Order, type Query, type Status, openBook } from "plimsoll";
import { maker } from "plimsoll/maker";
import { expect } from "vitest";
import { MAX256, RAY, WAD, column, uncolumn } from "./arbitraries.js";
import * as reference from "./reference/maker.js";

export interface Figures {
  spot: bigint; mat: bigint; val: bigint; rate: bigint; duty: bigint; rho: bigint; dust: bigint; chop: bigint; hole: bigint; dirt: bigint;
  buf: bigint; tip: bigint; chip: bigint;
}
export interface System { par: bigint; base: bigint; Hole: bigint; Dirt: bigint }
export interface Vault {
  readonly id: number;
  readonly market: number;
  readonly key: string | undefined;
  ink: bigint;
  art: bigint;
  /** What the last scan found. */
  found: Status;
}
export type MakerBook = ReturnType<typeof open>;
type V = typeof maker.vault;
export const open = (options: { capacity?: number; keyBytes?: 20 | 32 } = {}) => openBook(maker, options);

export const usualMarket = (more: Partial<Figures> = {}): Figures => ({
  spot: RAY, mat: RAY, val: 0n, rate: RAY, duty: RAY, rho: 0n, dust: 0n, chop: WAD, hole: 0n, dirt: 0n, buf: RAY, tip: 0n, chip: 0n, ...more,
});
/** The n-th key. Spread over the key space, but with long runs of equal bytes. */
export function keyOf(n: number, bytes = 20): string {
  return "0x" + (BigInt(n) * 0x9e3779b97f4a7c15n % 2n ** 61n).toString(16).padStart(bytes * 2, "0");
}
export function keyBytes(key: string): Uint8Array {
  return Uint8Array.from({ length: (key.length - 2) / 2 }, (_, i) => Number.parseInt(key.slice(2 + i * 2, 4 + i * 2), 16));
}
export function joinKeys(keys: readonly string[]): Uint8Array {
  const bytes = keys.map(keyBytes), all = new Uint8Array(bytes.reduce((n, key) => n + key.length, 0));
  let at = 0;
  for (const key of bytes) { all.set(key, at); at += key.length; }
  return all;
}
const rowOf = (id: number) => id % 2 ** 32;
const capped = (x: bigint) => (x > MAX_U128 ? MAX_U128 : x);
const byPlace = (a: Vault, b: Vault) => a.market - b.market || rowOf(a.id) - rowOf(b.id);

// ---- Liquidation levels

export interface Counted { readonly collateral: bigint; readonly debt: bigint }
export const pricesOf = ({ from, to, steps }: LevelQuery) => Array.from({ length: steps }, (_, i) => {
  const way = ((to > from ? to - from : from - to) * BigInt(i)) / BigInt(steps - 1);
  return to > from ? from + way : from - way;
});
/** Levels as they are defined: `unsafeAt` says what is unsafe at a price, and with what. */
export function naiveLevels(query: LevelQuery, unsafeAt: (price: bigint) => ReadonlyMap<number, Counted>): Levels {
  const prices = pricesOf(query), all = prices.map(unsafeAt);
  const sums = (of: ReadonlyMap<number, Counted>[]): LevelSums => ({
    vaults: of.map((level) => level.size),
    collateral: of.map((level) => [...level.values()].reduce((sum, { collateral }) => sum + collateral, 0n)),
    debt: of.map((level) => [...level.values()].reduce((sum, { debt }) => sum + debt, 0n)),
  });
  return { prices, cumulative: sums(all), bins: sums(all.map((level, i) => new Map([...level].filter(([id]) => !i || !all[i - 1]!.has(id))))) };
}

export class Twin {
  readonly book: MakerBook;
  readonly keyed: boolean;
  readonly system: System = { par: 0n, base: 0n, Hole: 0n, Dirt: 0n };
  readonly markets: Figures[] = [];
  readonly vaults = new Map<number, Vault>();
  /** Every id ever given, to see that none comes again. */
  readonly given = new Set<number>();

  constructor(options: { capacity?: number; keyBytes?: 20 | 32 } = {}) {
    this.book = open(options);
    this.keyed = options.keyBytes !== undefined;
  }

  // ---- Changes

  setSystem(figures: Partial<System>): void {
    this.book.setSystem(figures);
    Object.assign(this.system, figures);
  }
  addMarket(more: Partial<Figures> = {}): number {
    const figures = usualMarket(more), market = this.book.addMarket(figures);
    expect(market).toBe(this.markets.length);
    this.markets.push(figures);
    return market;
  }
  setMarket(market: number, figures: Partial<Figures>): void {
    this.book.setMarket(market, figures);
    Object.assign(this.markets[market]!, figures);
  }
  setMarkets(markets: number[], columns: { [K in keyof Figures]?: bigint[] }): void {
    this.book.setMarkets(markets, Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, column(values)])));
    for (const [name, values] of Object.entries(columns)) markets.forEach((market, i) => { this.markets[market]![name as keyof Figures] = values[i]!; });
  }
  accrue(time: bigint): boolean {
    const rates = this.markets.map((_, i) => this.rate(i, time));
    const fails = rates.indexOf(undefined);
    if (fails >= 0) {
      expect(() => this.book.accrue(time)).toThrow(expect.objectContaining({ code: "reverts", message: expect.stringContaining(`market ${fails} `) }));
      return false;
    }
    this.book.accrue(time);
    this.markets.forEach((market, i) => { market.rate = rates[i]!; market.rho = time; });
    return true;
  }
  #enter(id: number, market: number, ink: bigint, art: bigint, key: string | undefined): void {
    expect(this.given.has(id)).toBe(false);
    this.given.add(id);
    this.vaults.set(id, { id, market, key, ink, art, found: "safe" });
  }
  add(market: number, ink: bigint, art: bigint, key?: string): number {
    const id = this.book.add(market, { ink, art }, key);
    this.#enter(id, market, ink, art, key);
    return id;
  }
  load(market: number, rows: readonly (readonly [ink: bigint, art: bigint])[], keys?: readonly string[]): Float64Array {
    const ids = this.book.load(market, { ink: column(rows.map((row) => row[0])), art: column(rows.map((row) => row[1])) }, keys && joinKeys(keys));
    expect(ids.length).toBe(rows.length);
    rows.forEach(([ink, art], i) => this.#enter(ids[i]!, market, ink, art, keys?.[i]));
    return ids;
  }
  update(id: number, amounts: { ink?: bigint; art?: bigint }): void {
    this.book.update(id, amounts);
    Object.assign(this.vaults.get(id)!, amounts);
  }
  updateMany(ids: readonly number[], columns: { ink?: bigint[]; art?: bigint[] }): void {
    this.book.updateMany(Float64Array.from(ids), Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, column(values)])));
    for (const [name, values] of Object.entries(columns)) ids.forEach((id, i) => { this.vaults.get(id)![name as "ink"] = values[i]!; });
  }
  remove(id: number): void {
    this.book.remove(id);
    this.vaults.delete(id);
  }
  removeMany(ids: readonly number[]): void {
    this.book.removeMany(Float64Array.from(ids));
    for (const id of ids) this.vaults.delete(id);
  }

  // ---- What the model says

  /** The rate of a market as stored, or dripped to a time; undefined where that reverts. */
  rate(market: number, at?: bigint, figures = this.markets[market]!): bigint | undefined {
    if (at === undefined) return figures.rate;
    const { rate, duty, rho } = figures;
    const dripped = reference.outcome(() => reference.drip({ rate, duty, base: this.system.base, rho, now: at, Art: 0n, dai: 0n, debt: 0n }));
    return "reverts" in dripped ? undefined : dripped.rate;
  }
  rates(at?: bigint): (bigint | undefined)[] { return this.markets.map((_, i) => this.rate(i, at)); }
  status(vault: Vault, rates: readonly (bigint | undefined)[], markets: readonly Figures[] = this.markets): Status {
    const rate = rates[vault.market];
    return rate === undefined ? "reverts" : reference.unsafe({ ink: vault.ink, art: vault.art, rate, spot: markets[vault.market]!.spot });
  }
  /** In the order of `ids()`. */
  inPlace(only?: number): Vault[] {
    return [...this.vaults.values()].filter((vault) => only === undefined || vault.market === only).sort(byPlace);
  }
  /** The exact order that a query asks for. */
  compare(order: Order | undefined, rates: readonly (bigint | undefined)[]): (a: Vault, b: Vault) => number {
    const rateOf = (vault: Vault) => rates[vault.market] ?? this.markets[vault.market]!.rate;
    const spotOf = (vault: Vault) => this.markets[vault.market]!.spot;
    const ties = (a: Vault, b: Vault) => (a.key !== undefined && b.key !== undefined && a.key !== b.key ? (a.key < b.key ? -1 : 1) : byPlace(a, b));
    const sign = (x: bigint) => (x < 0n ? -1 : x > 0n ? 1 : 0);
    if (!order) return byPlace;
    if (order === "debt") return (a, b) => sign(b.art * rateOf(b) - a.art * rateOf(a)) || ties(a, b);
    if (order === "riskiest") {
      return (a, b) => {
        const debtA = a.art * rateOf(a), debtB = b.art * rateOf(b);
        if (!debtA || !debtB) return Number(!debtA) - Number(!debtB) || ties(a, b);
        return sign(a.ink * spotOf(a) * debtB - b.ink * spotOf(b) * debtA) || ties(a, b);
      };
    }
    const price = (vault: Vault) => {
      const { mat } = this.markets[vault.market]!, answer = reference.liquidationPrice({ ink: vault.ink, art: vault.art, rate: rateOf(vault), mat, par: this.system.par });
      return answer === "always" ? 2n ** 600n : typeof answer === "bigint" ? answer : 0n;
    };
    const prices = new Map<number, bigint>(), cached = (vault: Vault) => {
      let p = prices.get(vault.id);
      if (p === undefined) prices.set(vault.id, (p = price(vault)));
      return p;
    };
    return (a, b) => sign(cached(b) - cached(a)) || ties(a, b);
  }

  /** What a scan must answer; brings what was found up to date as the scan does. */
  expected(query: Query & { since?: "last" }): { now: Vault[]; unsafe: Vault[]; safe: Vault[] } {
    const { order, limit, minDebt = 0n, within = 0n, at, market, status = "unsafe" } = query;
    const rates = this.rates(at), now: Vault[] = [], unsafe: Vault[] = [], safe: Vault[] = [];
    for (const vault of this.vaults.values()) {
      if (market !== undefined && vault.market !== market) continue;
      const is = this.status(vault, rates), was = vault.found;
      vault.found = is;
      const rate = rates[vault.market] ?? this.markets[vault.market]!.rate;
      if (minDebt > 0n && reference.debt({ art: vault.art, rate }) < minDebt) continue;
      if (is === status) now.push(vault);
      else if (within > 0n && is === "safe") {
        const { spot } = this.markets[vault.market]!;
        if (spot > 0n && vault.ink * spot * WAD < vault.art * rate * (WAD + within)) now.push(vault);
      }
      if (is === status && was !== status) unsafe.push(vault);
      if (is !== status && was === status) safe.push(vault);
    }
    const finish = (list: Vault[]) => list.sort(this.compare(order, rates)).slice(0, limit);
    return { now: finish(now), unsafe: finish(unsafe), safe: finish(safe) };
  }

  // ---- Comparisons

  scan(query: Query & { since?: "last" } = {}): void {
    const expected = this.expected(query);
    const ids = (list: Vault[]) => list.map((vault) => vault.id);
    if (query.since) {
      const changes = this.book.scan(query as Query & { since: "last" });
      expect([...changes.unsafe.ids]).toEqual(ids(expected.unsafe));
      expect([...changes.safe.ids]).toEqual(ids(expected.safe));
      this.#figures(changes.unsafe, query);
      return;
    }
    const hits = this.book.scan(query as Query);
    expect([...hits.ids]).toEqual(ids(expected.now));
    this.#figures(hits, query);
  }

  #figures(hits: Hits<V>, { at, idsOnly }: Query): void {
    if (idsOnly) return;
    const rates = this.rates(at);
    let checked = 0;
    for (const hit of hits) {
      if (++checked > 20) return;
      const vault = this.vaults.get(hit.id)!, rate = rates[vault.market];
      if (rate === undefined) continue;
      const health = reference.healthFactor({ ...vault, rate, spot: this.markets[vault.market]!.spot });
      expect({ market: hit.market, key: hit.key, vault: hit.vault, health: hit.health, debt: hit.debt }).toEqual({
        market: vault.market, key: vault.key, vault: { ink: vault.ink, art: vault.art },
        health: health === undefined ? MAX_U128 : capped(health), debt: capped(reference.debt({ art: vault.art, rate })),
      });
    }
  }

  preview(scenarios: [market: number, figures: Partial<Figures>][][]): void {
    const answers = this.book.preview(scenarios), now = this.rates(), all = this.inPlace();
    expect(answers.length).toBe(scenarios.length);
    scenarios.forEach((changes, i) => {
      const markets = this.markets.map((figures) => ({ ...figures }));
      for (const [market, figures] of changes) Object.assign(markets[market]!, figures);
      const then = markets.map(({ rate }) => rate);
      const before = all.map((vault) => this.status(vault, now) === "unsafe"), after = all.map((vault) => this.status(vault, then, markets) === "unsafe");
      const sorted = (ids: Float64Array) => [...ids].sort((a, b) => a - b);
      expect(sorted(answers[i]!.unsafe)).toEqual(all.filter((_, j) => after[j] && !before[j]).map((vault) => vault.id).sort((a, b) => a - b));
      expect(sorted(answers[i]!.safe)).toEqual(all.filter((_, j) => before[j] && !after[j]).map((vault) => vault.id).sort((a, b) => a - b));
    });
  }

  /** What the levels of a market must be; undefined where the contract can evaluate none of the prices. */
  expectedLevels(market: number, query: LevelQuery): Levels | undefined {
    const rate = this.rate(market, query.at), vaults = this.inPlace(market), { mat } = this.markets[market]!, { par } = this.system;
    const debts = new Map(rate === undefined ? [] : vaults.map(({ id, art }) => [id, reference.debt({ art, rate })]));
    let able = false;
    const expected = naiveLevels(query, (val) => {
      const poked = reference.outcome(() => reference.spot({ val, has: true, par, mat })), unsafe = new Map<number, Counted>();
      if (rate === undefined || "reverts" in poked) return unsafe;
      able = true;
      for (const { id, ink, art } of vaults) if (reference.unsafe({ ink, art, rate, spot: poked.spot }) === "unsafe") unsafe.set(id, { collateral: ink, debt: debts.get(id)! });
      return unsafe;
    });
    return able ? expected : undefined;
  }
  levels(market: number, query: LevelQuery): void {
    const expected = this.expectedLevels(market, query), ask = () => this.book.levels(market, query);
    if (expected) expect(ask()).toEqual(expected);
    else expect(ask).toThrow(expect.objectContaining({ code: "reverts", message: expect.stringContaining(`market ${market} `) }));
  }

  inspect(id: number, at?: bigint): void {
    const vault = this.vaults.get(id)!, figures = this.markets[vault.market]!, rate = this.rate(vault.market, at), { ink, art } = vault;
    const seen = this.book.inspect(id, at === undefined ? {} : { at });
    const { spot, mat, val, dust, chop, hole, dirt, buf, tip, chip } = figures, { par, Hole, Dirt } = this.system;
    expect(seen).toMatchObject({ id, market: vault.market, key: vault.key, vault: { ink, art }, status: this.status(vault, [...Array(vault.market).fill(undefined), rate]) });
    if (rate === undefined) {
      expect(seen).toMatchObject({ debt: undefined, ratio: undefined, health: undefined, liquidationPrice: "reverts", liquidation: { refused: true } });
      return;
    }
    const overflows = ink * spot > MAX256 || art * rate > MAX256;
    const barked = reference.outcome(() => reference.bark({ ink, art, rate, spot, dust, chop, hole, dirt, Hole, Dirt, val, has: val > 0n, par, buf, tip, chip }));
    expect(seen).toMatchObject({
      debt: reference.debt({ art, rate }),
      ratio: overflows ? undefined : (reference.collateralRatio({ ink, art, rate, spot, mat }) ?? Infinity),
      health: overflows ? undefined : (reference.healthFactor({ ink, art, rate, spot }) ?? Infinity),
      liquidationPrice: reference.liquidationPrice({ ink, art, rate, mat, par }),
      liquidation: "reverts" in barked ? { refused: true, reason: barked.reason } : { refused: false, ...barked },
    });
  }

  /** Sizes, ids, markets and whole columns. */
  columns(at?: bigint): void {
    const { book } = this, all = this.inPlace(), rates = this.rates(at);
    expect(book.size).toBe(all.length);
    expect(book.marketCount).toBe(this.markets.length);
    expect([...book.ids()]).toEqual(all.map((vault) => vault.id));
    this.markets.forEach((figures, i) => expect(book.market(i)).toEqual(figures));
    const options = at === undefined ? {} : { at };
    if (rates.includes(undefined)) {
      for (const read of [() => book.ratios(options), () => book.debts(at), () => book.ratiosAsNumbers(options)]) expect(read).toThrow(expect.objectContaining({ code: "reverts" }));
      return;
    }
    const exact = all.map(({ ink, art, market }) => {
      const { spot, mat } = this.markets[market]!, rate = rates[market]!;
      return { ratio: reference.collateralRatio({ ink, art, rate, spot, mat }), debt: reference.debt({ art, rate }) };
    });
    expect(uncolumn(book.ratios(options))).toEqual(exact.map(({ ratio }) => (ratio === undefined ? MAX_U128 : capped(ratio))));
    expect(uncolumn(book.debts(at))).toEqual(exact.map(({ debt }) => capped(debt)));
    const floats = book.ratiosAsNumbers(options);
    all.forEach(({ ink, art, market }, i) => {
      const { spot, mat } = this.markets[market]!, over = ink * spot * mat, under = art * rates[market]! * RAY;
      if (under === 0n) { expect(floats[i]).toBe(Infinity); return; }
      // within 2^−45 of over/under; 2^220 makes integers of both with digits to spare
      const scaled = (over << 2200n) / under, got = floats[i]! === 0 ? 0n : fromFloat(floats[i]!, 2200n);
      const error = got > scaled ? got - scaled : scaled - got;
      expect(error <= (scaled >> 45n) + 1n).toBe(true);
    });
  }
}

/** ⌊x·2^shift⌋ of an f64, exactly. */
function fromFloat(x: number, shift: bigint): bigint {
  const bits = new BigUint64Array(Float64Array.of(x).buffer)[0]!, exponent = (bits >> 52n) & 0x7ffn, mantissa = bits & (2n ** 52n - 1n);
  const [m, e] = exponent ? [mantissa | (2n ** 52n), exponent - 1075n] : [mantissa, -1074n];
  return e + shift >= 0n ? m << (e + shift) : m >> -(e + shift);
}

/** Everything that a book says about itself, to see that a call that threw changed nothing. */
export function dump(book: MakerBook): unknown {
  const ids = [...book.ids()];
  return {
    size: book.size, ids, markets: Array.from({ length: book.marketCount }, (_, i) => book.market(i)),
    ratios: book.ratios(), debts: book.debts(), numbers: book.ratiosAsNumbers(), vaults: ids.map((id) => book.inspect(id)),
    found: book.keyBytes ? ids.map((id) => book.find(book.inspect(id).key!)) : undefined,
  };
}
