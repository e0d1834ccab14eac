/// <reference lib="esnext.disposable" />
/** A book: the vaults of one protocol with their markets, in one WebAssembly memory. */
import { Core, decodeIds, outOfMemory } from "./abi.js";
import { PlimsollError, show } from "./errors.js";
import { type Figures, type Found, Hits, MAX_U128 } from "./hits.js";
import { type Key, keyBytesOf, toHex } from "./keys.js";
import { type Complete, type Fields, type Protocol, type Values, encode, knowFields, readResults, uint, writeFields } from "./protocol.js";

export interface BookOptions {
  /** Vaults at most; without it, as many as memory holds (about 110 million for two amounts). */
  readonly capacity?: number;
  /** Bytes of the vaults' keys, if they have keys: 20 for an address, 32 for a hash. */
  readonly keyBytes?: 20 | 32;
}

/** What may happen to a vault: `reverts` where the contract's own evaluation would. */
export type Status = "safe" | "unsafe" | "reverts";

/**
 * The price at which a vault is liquidated: the smallest p ≥ 1, in the oracle's own unit, such that the vault is healthy
 * at every price ≥ p. `never`: no price endangers it. `always`: no price saves it. `reverts`: the contract cannot tell.
 * The number may be larger than any price that the contract could compute with.
 */
export type LiquidationPrice = bigint | "never" | "always" | "reverts";

/** In which order a scan lists vaults: least health first, largest debt first, highest liquidation price first. */
export type Order = "riskiest" | "debt" | "liquidationPrice";

export interface Query {
  /** The order; exact, ties by key, in a book without keys by place. Without it, by market and place. */
  readonly order?: Order;
  /** The first so many only. With `since`, what is cut off counts as reported. */
  readonly limit?: number;
  /** Vaults with at least this debt, fees included, wad. */
  readonly minDebt?: bigint;
  /** Safe vaults too whose health is below 1e18 + this (wad): 20000000000000000n for those within 2 % of the line. A market whose vaults no price endangers (Maker's `spot` = 0) has no line. */
  readonly within?: bigint;
  /** The time, in seconds, to which fees are accrued first, as if every market had been touched then. Without it, as stored. */
  readonly at?: bigint;
  /** The vaults of one market. */
  readonly market?: number;
  /** Which vaults: those found unsafe, or those whose evaluation reverts. */
  readonly status?: Exclude<Status, "safe">;
  /** Ids without figures: what a tick over millions of vaults that fall at once should ask for. */
  readonly idsOnly?: boolean;
  /**
   * How much work the screen may save: all of it (`zones`), none by skipping chunks (`keys`), none at all (`off`: every vault
   * by the exact rule). The answer is the same; for measurement and for distrust.
   */
  readonly screen?: "zones" | "keys" | "off";
}

/** What changed since the scan before: a vault never scanned counts as safe. */
export interface Changes<V extends Fields> {
  /** Vaults that became unsafe (or that began to revert, with `status: "reverts"`). */
  readonly unsafe: Hits<V>;
  /** Vaults that are so no more: safe, or reverting. Not those that were removed. */
  readonly safe: Hits<V>;
}

/** Markets with the figures that they would have; those not named stay. */
export type Scenario<M extends Fields> = readonly (readonly [market: number, figures: Partial<Values<M>>])[];

/** What would flip in one scenario, by id: vaults that would become unsafe, and unsafe ones that would be so no more. */
export interface Flips {
  readonly unsafe: Float64Array;
  readonly safe: Float64Array;
}

/** What a liquidation call would do now, or the contract's reason to refuse. */
export type Liquidation<L extends Fields> =
  | ({ readonly refused: false } & Complete<L>)
  | { readonly refused: true; readonly reason: string };

/** Everything about one vault. */
export interface Inspection<V extends Fields, L extends Fields> {
  readonly id: number;
  readonly market: number;
  readonly key: string | undefined;
  readonly vault: Complete<V>;
  readonly status: Status;
  /** Debt with fees, wad, rounded up; undefined where the accrual reverts. */
  readonly debt: bigint | undefined;
  /** Collateral value over debt value, wad, rounded down; `Infinity` without debt; undefined where a value overflows or the accrual reverts. */
  readonly ratio: bigint | number | undefined;
  /** The same over what the liquidation threshold asks: unsafe below 1e18. */
  readonly health: bigint | number | undefined;
  readonly liquidationPrice: LiquidationPrice;
  readonly liquidation: Liquidation<L>;
}

/** The type of a book of a protocol: `BookOf<typeof maker>`. */
export type BookOf<P> = P extends Protocol<infer V, infer M, infer S, infer L> ? Book<V, M, S, L> : never;

/** Ids of vaults. */
export type Ids = Float64Array | readonly number[];

/** Columns of a bulk call: for each field two little-endian limbs a row. */
export type Columns<F extends Fields> = { readonly [K in keyof F]: BigUint64Array };

const ORDERS = { riskiest: 1, debt: 2, liquidationPrice: 3 } as const;
const PLANES = { unsafe: 1, reverts: 2 } as const;
const EFFORTS = { zones: 0, keys: 1, off: 2 } as const;
const STATUSES = ["safe", "unsafe", "reverts"] as const;
const PRICES = [undefined, "never", "always", "reverts"] as const;
const COLUMN = { ids: 0, ratios: 1, floatRatios: 2, debts: 3 } as const;
const ANY = -1;
/** So many are ordered without more memory. */
const FEW = 1000;
const TIME = uint(256, "s"), AMOUNT = uint(256, "wad");

/** Results of `inspect`, by field; assembly/rules/ilk.ts is the other side. */
const INSPECT = { vault: 0, status: 2, valued: 3, debt: 4, ratio: 6, health: 8, price: 10, kind: 13, reason: 14, liquidation: 15 } as const;
const WIDE = 8, PRICE = 12; // limbs
const NO_DEBT = (1n << 512n) - 1n;

/**
 * Opens an empty book for the vaults of a protocol. Instantiates the module, synchronously.
 * @throws `invalid-argument` for options out of range, `out-of-memory` where the host gives no memory.
 */
export function openBook<V extends Fields, M extends Fields, S extends Fields, L extends Fields>(
  protocol: Protocol<V, M, S, L>, options: BookOptions = {},
): Book<V, M, S, L> {
  if (!protocol?.vault) throw new PlimsollError("invalid-argument", `openBook takes a protocol such as maker, not ${show(protocol)}`);
  knowFields("options", options, { capacity: 0, keyBytes: 0 });
  const { capacity = Infinity, keyBytes = 0 } = options;
  if (capacity !== Infinity && (!Number.isSafeInteger(capacity) || capacity < 1)) {
    throw new PlimsollError("invalid-argument", `capacity must be a whole number above 0, not ${show(capacity)}`);
  }
  if (keyBytes !== 0 && keyBytes !== 20 && keyBytes !== 32) {
    throw new PlimsollError("invalid-argument", `keyBytes must be 20 or 32, not ${show(keyBytes)}`);
  }
  return new Book(protocol, capacity, keyBytes);
}

export class Book<V extends Fields = Fields, M extends Fields = Fields, S extends Fields = Fields, L extends Fields = Fields> {
  readonly protocol: Protocol<V, M, S, L>;
  /** Vaults at most. */
  readonly capacity: number;
  /** Bytes of a key; 0 in a book without keys. */
  readonly keyBytes: number;
  readonly #columns: string[];
  #open: Core | undefined;
  #calls = 0;
  #markets = 0;

  /** @internal */
  constructor(protocol: Protocol<V, M, S, L>, capacity: number, keyBytes: number) {
    this.protocol = protocol;
    this.capacity = capacity;
    this.keyBytes = keyBytes;
    this.#columns = Object.keys(protocol.vault);
    this.#open = new Core();
    if (!this.#open.exports.open(keyBytes)) throw outOfMemory("the book");
  }

  get #core(): Core {
    ++this.#calls;
    if (!this.#open) throw new PlimsollError("disposed", "this book was disposed of");
    return this.#open;
  }

  /** The instance behind the book, for measurements of memory and passes. @internal */
  get core(): Core { return this.#core; }

  /** Bytes of the book's WebAssembly memory. */
  get bytes(): number { return this.#core.exports.memory.buffer.byteLength; }

  /** Vaults in the book. */
  get size(): number { return this.#core.exports.size(); }

  /** Markets in the book; their numbers are 0 to this − 1. */
  get marketCount(): number { return this.#core && this.#markets; }

  /** Lets go of the memory. Every later call throws `disposed`. */
  dispose(): void { this.#open = undefined; }
  [Symbol.dispose](): void { this.dispose(); }

  // ---- Figures

  /** Sets figures that all markets share; those not named stay. They begin as 0. */
  setSystem(figures: Partial<Values<S>>): void {
    const core = this.#core;
    core.exports.setSystem(writeFields(core, "system", this.protocol.system, figures, false));
  }

  /** Adds a market and answers its number. */
  addMarket(figures: Values<M>): number {
    const core = this.#core, mask = writeFields(core, "market", this.protocol.market, figures as Record<string, unknown>, true);
    const market = core.exports.addMarket(mask);
    if (market < 0) throw outOfMemory("another market");
    return (this.#markets = market + 1) - 1;
  }

  /** Changes figures of a market; those not named stay. This is a tick: it costs nothing per vault. */
  setMarket(market: number, figures: Partial<Values<M>>): void {
    const core = this.#core;
    this.#knowMarket(market);
    core.exports.setMarket(market, writeFields(core, `market ${market}`, this.protocol.market, figures, false));
  }

  /**
   * Changes figures of many markets: for each field named, two limbs (u128) a market. All or none.
   */
  setMarkets(markets: ArrayLike<number>, columns: Partial<Columns<M>>): void {
    const core = this.#core, names = Object.keys(this.protocol.market), count = markets?.length;
    if (!(count >= 0)) throw new PlimsollError("invalid-argument", `markets must be a list of numbers, not ${show(markets)}`);
    knowFields("columns", columns, this.protocol.market);
    for (let i = 0; i < count; ++i) this.#knowMarket(markets[i]!);
    const given: [number, string, BigUint64Array][] = [];
    for (const name in columns) {
      const field = names.indexOf(name);
      const rows = checkColumn(`markets: ${name}`, columns[name], count), { bits } = this.protocol.market[name]!;
      if (bits < 128) for (let i = 0; i < count; ++i) encode(`markets: ${name}, row ${i}`, this.protocol.market[name]!, rows[i * 2]! | (rows[i * 2 + 1]! << 64n));
      given.push([field, name, rows]);
    }
    given.sort((a, b) => a[0] - b[0]);
    const mask = given.reduce((bits, [field]) => bits | (1 << field), 0);
    for (let from = 0; from < count; from += core.marketPage) {
      const rows = Math.min(core.marketPage, count - from);
      core.writeMarkets(Uint32Array.from({ length: rows }, (_, i) => markets[from + i]!));
      given.forEach(([, , column], i) => core.writeMarketColumn(i, column.subarray(from * 2, (from + rows) * 2)));
      core.exports.setMarkets(rows, mask);
    }
  }

  /** The figures of a market as they are stored. */
  market(market: number): Complete<M> {
    const core = this.#core, values: Record<string, unknown> = {};
    this.#knowMarket(market);
    core.exports.getMarket(market);
    Object.entries(this.protocol.market).forEach(([name, field], i) => {
      const value = core.readArg(i);
      values[name] = field.kind === "bool" ? value !== 0n : value;
    });
    return values as Complete<M>;
  }

  /**
   * Accrues fees to a time, in seconds, as if the contract had touched every market then. A compounded rate depends on when it
   * was touched: accrue at the times of the chain's own touches, or scan with `at`.
   * @throws `reverts` where a market's accrual would revert; then none is accrued.
   */
  accrue(time: bigint): void {
    const core = this.#core;
    core.writeArg(0, encode("time", TIME, time));
    const market = core.exports.accrue();
    if (market >= 0) throw new PlimsollError("reverts", `market ${market} cannot be accrued to ${time}: the contract reverts`);
  }

  // ---- Vaults

  /** Adds a vault and answers its id. `key`: in a book with keys, one that no other vault of the market has. */
  add(market: number, vault: Values<V>, key?: Key): number {
    const core = this.#core;
    this.#knowMarket(market);
    this.#writeVault(core, "vault", vault as Record<string, unknown>, true);
    const bytes = this.#checkKeys(key, () => keyBytesOf(key, this.keyBytes));
    this.#reserve(core, market, 1);
    if (bytes) core.writeKeys(this.#columns.length, bytes);
    if (core.exports.load(market, 1)) throw new PlimsollError("duplicate-key", `market ${market} has a vault with the key ${toHex(bytes!)} already`);
    return core.readIds(1)[0]!;
  }

  /**
   * Adds many vaults at once, all or none, and answers their ids in order. Columns hold two little-endian limbs a vault,
   * `keys` one key after the other. The arrays are read, not kept. The ids go into `ids` if it is given (which may hold some if the call fails).
   */
  load(market: number, vaults: Columns<V>, keys?: Uint8Array, ids?: Float64Array): Float64Array {
    const core = this.#core, names = this.#columns, { keyBytes } = this;
    this.#knowMarket(market);
    const { columns, count } = this.#checkColumns(vaults, names);
    const bytes = this.#checkKeys(keys, () => {
      if (!(keys instanceof Uint8Array)) throw new PlimsollError("invalid-argument", `keys must be a Uint8Array, not ${show(keys)}`);
      if (keys.length !== count * keyBytes) throw new PlimsollError("length-mismatch", `keys has ${keys.length} bytes; ${count} vaults need ${count * keyBytes}`);
      return keys;
    });
    if (ids !== undefined && checkIds(ids).length !== count) throw new PlimsollError("length-mismatch", `ids has ${ids.length} entries; there are ${count} vaults`);
    this.#reserve(core, market, count);
    ids ??= new Float64Array(count);
    for (let from = 0; from < count; from += core.page) {
      const rows = Math.min(core.page, count - from);
      columns.forEach((column, i) => core.writeColumn(i, column.subarray(from * 2, (from + rows) * 2)));
      if (bytes) core.writeKeys(names.length, bytes.subarray(from * keyBytes, (from + rows) * keyBytes));
      const failed = core.exports.load(market, rows);
      if (failed) {
        const row = from - 1 - failed;
        this.#removeChecked(core, ids.subarray(0, from)); // only what this call took in
        throw new PlimsollError("duplicate-key", `keys, row ${row}: market ${market} has a vault with the key ${toHex(bytes!.subarray(row * keyBytes, (row + 1) * keyBytes))} already`);
      }
      core.copyFloats(ids, from, rows);
    }
    return ids;
  }

  /** Changes amounts of a vault; those not named stay. */
  update(id: number, vault: Partial<Values<V>>): void {
    const core = this.#core;
    knowId(id);
    const mask = this.#writeVault(core, "vault", vault, false);
    if (core.exports.update(id, mask, 0) < 0) throw stale(id);
  }

  /** Changes amounts of many vaults, all or none: for each column named, two limbs a vault. Of a vault named twice the last row stays. */
  updateMany(ids: Ids, vaults: Partial<Columns<V>>): void {
    const core = this.#core, names = Object.keys(vaults ?? {});
    ids = checkIds(ids);
    const { columns } = this.#checkColumns(vaults, names, ids.length);
    const at = names.map((name) => this.#columns.indexOf(name));
    const mask = at.reduce((bits, column) => bits | (1 << column), 0);
    this.#pages(core, ids, (page, from) => {
      const bad = core.exports.check(page.length, false);
      if (bad >= 0) throw stale(ids[from + bad]!, from + bad);
    });
    this.#pages(core, ids, (page, from) => {
      columns.forEach((column, i) => core.writeColumn(at[i]!, column.subarray(from * 2, (from + page.length) * 2)));
      core.exports.updateMany(page.length, mask);
    });
  }

  /** Removes a vault; its id is never given again. */
  remove(id: number): void {
    const core = this.#core;
    knowId(id);
    if (core.exports.remove(id) < 0) throw stale(id);
  }

  /** Removes many vaults, all or none. */
  removeMany(of: Ids): void {
    const core = this.#core, ids = checkIds(of);
    this.#pages(core, ids, (page, from) => {
      const bad = core.exports.check(page.length, true);
      if (bad < 0) return;
      this.#pages(core, ids.subarray(0, from), (marked) => core.exports.unmark(marked.length));
      const id = ids[from + bad]!;
      throw core.exports.holds(id)
        ? new PlimsollError("duplicate-id", `ids, row ${from + bad}: the vault ${id} is named before`)
        : stale(id, from + bad);
    });
    this.#removeChecked(core, ids);
  }

  #removeChecked(core: Core, ids: Float64Array): void {
    this.#pages(core, ids, (page) => core.exports.removeMany(page.length));
  }

  /** Whether the id's vault is in the book. */
  has(id: number): boolean { return this.#core.exports.holds(id) === 1 && typeof id === "number"; }

  /** The ids of the vaults that carry a key: one a market at most. */
  find(key: Key): number[] {
    const core = this.#core, found: number[] = [];
    if (!this.keyBytes) throw new PlimsollError("invalid-argument", "this book was opened without keys");
    const bytes = keyBytesOf(key, this.keyBytes);
    for (let more = true; more;) {
      core.writeKey(bytes);
      const count = core.exports.find(found.length);
      found.push(...core.readIds(count));
      more = count === core.idPage;
    }
    return found.sort((a, b) => core.exports.marketOf(a) - core.exports.marketOf(b));
  }

  // ---- Questions

  /**
   * What changed since the scan before, whichever query that had: every scan moves the baseline, in the markets that it looks
   * at, and what its `limit` or `minDebt` hides counts as reported.
   */
  scan(query: Query & { readonly since: "last" }): Changes<V>;
  /** The vaults that are unsafe now. Exact: what the screen cannot prove, the contract's rule decides. */
  scan(query?: Query & { readonly since?: undefined }): Hits<V>;
  scan(query: Query & { readonly since?: "last" | undefined }): Hits<V> | Changes<V>;
  scan(query: Query & { readonly since?: "last" | undefined } = {}): Hits<V> | Changes<V> {
    const core = this.#core, { exports } = core;
    knowFields("query", query, QUERY);
    const { order, limit, minDebt, within, at, market, status = "unsafe", idsOnly = false, screen = "zones", since } = query;
    oneOf("order", order, ORDERS);
    oneOf("status", status, PLANES);
    oneOf("screen", screen, EFFORTS);
    oneOf("since", since, { last: 1 });
    if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 0)) throw new PlimsollError("invalid-argument", `limit must be a whole number, not ${show(limit)}`);
    if (typeof idsOnly !== "boolean") throw new PlimsollError("invalid-argument", `idsOnly must be true or false, not ${show(idsOnly)}`);
    if (market !== undefined) this.#knowMarket(market);
    if (order === "liquidationPrice" && market === undefined && this.#markets > 1) {
      throw new PlimsollError("invalid-argument", "prices of several markets cannot be compared: name a market to order by liquidation price");
    }
    if (within !== undefined && since) throw new PlimsollError("invalid-argument", "within is a question about now, not about what changed: leave out since");
    if (within !== undefined && status === "reverts") throw new PlimsollError("invalid-argument", "a vault that reverts has no distance: leave out within");
    const time = at === undefined ? undefined : encode("at", TIME, at);
    const floor = minDebt === undefined ? 0n : encode("minDebt", AMOUNT, minDebt);
    const distance = within === undefined ? 0n : encode("within", uint(128, "wad"), within);

    const only = market ?? ANY, plane = PLANES[status], effort = EFFORTS[screen], ordering = order ? ORDERS[order] : 0;
    const near = distance > 0n, floored = floor > 0n;
    this.#view(core, time);
    core.writeArg(0, floor);
    core.writeArg(1, distance);
    exports.prepare(floored, near, only);
    if (effort) exports.touchAll();

    const finish = (found: Found) => {
      if (ordering) return this.#hits(core, this.#order(core, ordering, found, limit), idsOnly);
      if (limit === undefined || found.count <= limit) return this.#hits(core, found, idsOnly);
      return this.#hits(core, decodeIds(found.streams, found.count).slice(0, limit), idsOnly);
    };

    if (since) {
      if (ordering) this.#roomToOrder(core, plane, only);
      const fallen = nothing(), risen = nothing();
      this.#update(core, plane, effort, only, fallen, risen);
      return { unsafe: finish(fallen), safe: finish(risen) };
    }

    const most = Math.min(limit ?? this.size, this.size);
    if (ordering && most > FEW) this.#roomToOrder(core, plane, only);
    this.#update(core, plane, effort, only);
    if (ordering && plane === PLANES.unsafe) {
      if (!exports.gather(ordering, most, only, near, floored)) throw outOfMemory("the order");
      return this.#hits(core, this.#ranked(core, most), idsOnly);
    }
    const found = nothing();
    exports.rewind();
    for (let done = 0; !done && !(limit !== undefined && !ordering && found.count >= limit);) {
      done = exports.list(plane, only, near);
      this.#collect(core, found);
    }
    return finish(found);
  }

  /**
   * What would flip if markets had other figures: for each scenario, a list of markets with the figures to change, the vaults
   * that would become unsafe and those that would become safe, against the figures as they are. Nothing changes, and nothing
   * is counted as scanned.
   */
  preview(scenarios: readonly Scenario<M>[]): Flips[] {
    const core = this.#core, { exports } = core;
    if (!Array.isArray(scenarios)) throw new PlimsollError("invalid-argument", `scenarios must be a list of scenarios, not ${show(scenarios)}`);
    Array.from<unknown>(scenarios).forEach((changes, i) => {
      if (!Array.isArray(changes) || !Array.from<unknown>(changes).every(Array.isArray)) throw new PlimsollError("invalid-argument", `scenario ${i} must be a list of [market, figures], not ${show(changes)}`);
      for (const [market, figures] of changes) {
        this.#knowMarket(market);
        writeFields(core, `scenario ${i}, market ${market}`, this.protocol.market, figures, false);
      }
    });
    this.#view(core, undefined);
    exports.prepare(false, false, ANY);
    return scenarios.map((changes) => {
      const merged = new Map<number, Partial<Values<M>>>();
      for (const [market, figures] of changes) merged.set(market, { ...merged.get(market), ...figures });
      const fallen = nothing(), risen = nothing();
      for (const [market, figures] of merged) {
        exports.scenario(market, writeFields(core, "scenario", this.protocol.market, figures, false));
        exports.rewind();
        for (let done = 0; !done;) {
          done = exports.preview(market);
          this.#collect(core, fallen, risen);
        }
      }
      return { unsafe: decodeIds(fallen.streams, fallen.count), safe: decodeIds(risen.streams, risen.count) };
    });
  }

  /** Everything about one vault: as stored, or as accrued to the time `at`. */
  inspect(id: number, options: { readonly at?: bigint } = {}): Inspection<V, L> {
    knowFields("options", options, AT);
    const core = this.#core, { exports } = core, { at } = options, { vault, liquidation, reasons } = this.protocol;
    knowId(id);
    const time = at === undefined ? undefined : encode("at", TIME, at);
    if (time !== undefined) core.writeArg(0, time);
    const market = exports.inspect(id, time !== undefined);
    if (market < 0) throw stale(id);
    const key = this.keyBytes ? toHex(core.readKey(this.keyBytes)) : undefined;
    const read = (field: number, limbs?: number) => core.readResult(field, limbs);
    const valued = read(INSPECT.valued);
    const ratioAt = (field: number) => {
      if (!(valued & 2n)) return undefined;
      const value = read(field, WIDE);
      return value === NO_DEBT ? Infinity : value;
    };
    const reason = Number(read(INSPECT.reason));
    return {
      id, market, key,
      vault: readResults(core, vault, INSPECT.vault),
      status: STATUSES[Number(read(INSPECT.status))]!,
      debt: valued ? read(INSPECT.debt, WIDE) : undefined,
      ratio: ratioAt(INSPECT.ratio),
      health: ratioAt(INSPECT.health),
      liquidationPrice: PRICES[Number(read(INSPECT.kind))] ?? read(INSPECT.price, PRICE),
      liquidation: reason ? { refused: true, reason: reasons[reason]! } : { refused: false, ...readResults(core, liquidation, INSPECT.liquidation) },
    };
  }

  /** The ids of all vaults, by market and place: the order of `ratios` and `debts`. */
  ids(): Float64Array {
    return this.#floatColumn(COLUMN.ids, undefined);
  }

  /**
   * Every vault's collateral ratio in the order of `ids()`: ⌊collateral value / debt value⌋ in wad, two limbs each, the largest
   * value (2^128 − 1) without debt and for what is above it. As stored, or accrued to `at`; into `out` if it is given.
   * @throws `reverts` where a market's accrual to `at` would revert.
   */
  ratios(options: { readonly at?: bigint; readonly out?: BigUint64Array } = {}): BigUint64Array {
    knowFields("options", options, AT_OUT);
    return this.#limbColumn(COLUMN.ratios, options.at, options.out);
  }

  /** The same as plain numbers (1.5 for 150 %), within 2^−45 of the quotient; `Infinity` without debt. */
  ratiosAsNumbers(options: { readonly at?: bigint; readonly out?: Float64Array } = {}): Float64Array {
    knowFields("options", options, AT_OUT);
    return this.#floatColumn(COLUMN.floatRatios, options.at, options.out);
  }

  /** Every vault's debt with fees up to a time (or as stored), wad, rounded up, two limbs each, in the order of `ids()`; at most 2^128 − 1. */
  debts(time?: bigint, options: { readonly out?: BigUint64Array } = {}): BigUint64Array {
    knowFields("options", options, OUT);
    return this.#limbColumn(COLUMN.debts, time, options.out);
  }

  // ---- Inside

  #knowMarket(market: number): void {
    if (!Number.isInteger(market) || market < 0 || market >= this.#markets) {
      throw new PlimsollError("unknown-market", `there is no market ${show(market)}: this book has ${this.#markets}, numbered from 0`);
    }
  }

  /** Checks amounts and writes them to the stage's first row; answers a mask of the columns named. */
  #writeVault(core: Core, what: string, vault: Readonly<Record<string, unknown>>, whole: boolean): number {
    const names = this.#columns, fields = this.protocol.vault, calls = this.#calls;
    if (typeof vault !== "object" || vault === null) knowFields(what, vault, fields);
    let mask = 0, known = 0;
    for (let column = 0; column < names.length; ++column) {
      const name = names[column]!, value = vault[name];
      if (value === undefined && !(name in vault)) {
        if (whole) throw new PlimsollError("missing-field", `${what} lacks ${name}`);
        continue;
      }
      core.writeVault(column, typeof value === "bigint" && value >= 0n && value <= MAX_U128 ? value : encode(`${what}: ${name}`, fields[name]!, value));
      mask |= 1 << column;
      ++known;
    }
    for (const _ in vault) --known;
    if (known) knowFields(what, vault, fields); // more names than known ones
    // A getter of the caller's that called the book may have written over the stage: plain values instead.
    return calls === this.#calls ? mask : this.#writeVault(core, what, { ...vault }, whole);
  }

  #checkColumns(vaults: Partial<Columns<V>>, names: readonly string[], rows?: number): { columns: BigUint64Array[]; count: number } {
    knowFields("vaults", vaults, this.protocol.vault);
    let count = rows;
    const columns = names.map((name) => {
      const column = vaults[name];
      if (column === undefined) throw new PlimsollError("missing-field", `vaults lacks ${name}`);
      if (!(column instanceof BigUint64Array)) throw new PlimsollError("invalid-argument", `vaults: ${name} must be a BigUint64Array, not ${show(column)}`);
      count ??= Math.ceil(column.length / 2);
      return checkColumn(`vaults: ${name}`, column, count);
    });
    return { columns, count: count ?? 0 };
  }

  /** The bytes of keys that were given, in a book that has keys; undefined in one that has none. */
  #checkKeys(given: unknown, bytes: () => Uint8Array): Uint8Array | undefined {
    if (this.keyBytes) {
      if (given === undefined) throw new PlimsollError("missing-field", "this book has keys: give each vault one");
      return bytes();
    }
    if (given !== undefined) throw new PlimsollError("invalid-argument", "this book was opened without keys: open it with keyBytes");
    return undefined;
  }

  #reserve(core: Core, market: number, count: number): void {
    if (this.size + count > this.capacity) {
      throw new PlimsollError("capacity-reached", `${count} more vaults do not fit: the book holds ${this.size} of ${this.capacity}`);
    }
    if (count > 0xffffffff || core.exports.reserve(market, count) < 0) throw outOfMemory(`${count} more vaults`);
  }

  /** Calls back with pages of ids, each written to the stage. */
  #pages(core: Core, ids: Float64Array, use: (page: Float64Array, from: number) => void): void {
    for (let from = 0; from < ids.length; from += core.page) {
      const page = ids.subarray(from, from + core.page);
      core.writeIds(page);
      use(page, from);
    }
  }

  #view(core: Core, time: bigint | undefined): void {
    if (time !== undefined) core.writeArg(0, time);
    core.exports.view(time !== undefined);
  }

  /** Brings statuses up to date; collects what changed where somebody wants it. */
  #update(core: Core, plane: number, effort: number, only: number, fallen?: Found, risen?: Found): void {
    const { exports } = core;
    exports.rewind();
    for (let done = 0; !done;) {
      done = exports.scan(plane, effort, only, false);
      this.#collect(core, fallen, risen);
    }
  }

  #collect(core: Core, fallen?: Found, rose?: Found): void {
    for (const [risen, into] of [[false, fallen], [true, rose]] as const) {
      const count = core.found(risen);
      if (!into || !count) continue;
      into.streams.push(core.readStream(risen));
      into.count += count;
    }
    core.exports.emptyStreams();
  }

  /** Makes sure, before statuses change, that what will be ordered can be: a change that a failed call swallowed would be lost. */
  #roomToOrder(core: Core, plane: number, only: number): void {
    const { exports } = core, passes = [() => exports.scan(plane, EFFORTS.zones, only, true), () => exports.list(plane, only, false)];
    let count = 0;
    for (const pass of passes) {
      exports.rewind();
      for (let done = 0; !done;) {
        done = pass();
        count += Math.max(core.found(false), core.found(true));
        exports.emptyStreams();
      }
    }
    exports.startSelection(0);
    if (!exports.reserveCandidates(count)) throw outOfMemory("the order");
  }

  #order(core: Core, order: number, found: Found, limit: number | undefined): Float64Array {
    const { exports } = core, ids = decodeIds(found.streams, found.count);
    exports.startSelection(order);
    for (let from = 0; from < ids.length; from += core.idPage) {
      const page = ids.subarray(from, from + core.idPage);
      core.writeHits(page);
      if (!exports.candidateIds(order, page.length)) throw outOfMemory("the order");
    }
    return this.#ranked(core, Math.min(limit ?? ids.length, ids.length));
  }

  #ranked(core: Core, limit: number): Float64Array {
    const count = core.exports.rank(limit), ids = new Float64Array(count);
    for (let from = 0; from < count; from += core.idPage) {
      const rows = Math.min(core.idPage, count - from);
      core.exports.ranked(from, rows);
      core.copyFloats(ids, from, rows);
    }
    return ids;
  }

  #hits(core: Core, found: Found | Float64Array, idsOnly: boolean): Hits<V> {
    if (idsOnly) return new Hits<V>(found, undefined, 0);
    const ids = found instanceof Float64Array ? found : decodeIds(found.streams, found.count);
    const { keyBytes } = this, count = ids.length, column = () => new BigUint64Array(count * 2);
    const vault = Object.fromEntries(this.#columns.map((name) => [name, column()]));
    const figures: Figures = {
      markets: new Uint32Array(count), vault, health: column(), debt: column(),
      keys: keyBytes ? new Uint8Array(count * keyBytes) : undefined,
    };
    const columns = [...Object.values(vault), figures.health, figures.debt];
    for (let from = 0; from < count; from += core.hitPage) {
      const page = ids.subarray(from, from + core.hitPage);
      core.writeHits(page);
      core.exports.describe(page.length);
      core.copyDescription(page.length, from, figures.markets, columns, figures.keys, keyBytes);
    }
    return new Hits<V>(ids, figures, keyBytes);
  }

  #limbColumn(kind: number, at: bigint | undefined, out: BigUint64Array | undefined): BigUint64Array {
    const core = this.#startColumn(at, out, BigUint64Array, 2);
    out ??= new BigUint64Array(this.size * 2);
    for (let done = 0, rows = 0; (rows = core.exports.column(kind)); done += rows) core.copyLimbs(out, done, rows);
    return out;
  }

  #floatColumn(kind: number, at: bigint | undefined, out?: Float64Array): Float64Array {
    const core = this.#startColumn(at, out, Float64Array, 1);
    out ??= new Float64Array(this.size);
    for (let done = 0, rows = 0; (rows = core.exports.column(kind)); done += rows) core.copyFloats(out, done, rows);
    return out;
  }

  #startColumn(at: bigint | undefined, out: unknown, type: typeof BigUint64Array | typeof Float64Array, width: number): Core {
    const core = this.#core, time = at === undefined ? undefined : encode("time", TIME, at);
    if (out !== undefined && !(out instanceof type)) throw new PlimsollError("invalid-argument", `out must be a ${type.name}, not ${show(out)}`);
    if (out && out.length !== this.size * width) {
      throw new PlimsollError("length-mismatch", `out has ${out.length} entries; ${this.size} vaults need ${this.size * width}`);
    }
    this.#view(core, time);
    const market = core.exports.brokenMarket();
    if (market >= 0) throw new PlimsollError("reverts", `market ${market} cannot be accrued to ${at}: the contract reverts`);
    core.exports.startColumn();
    return core;
  }
}

function knowId(id: unknown): void {
  if (typeof id !== "number") throw new PlimsollError("invalid-argument", `an id is a number, not ${show(id)}`);
}

const QUERY = { order: 0, limit: 0, minDebt: 0, within: 0, at: 0, market: 0, status: 0, idsOnly: 0, screen: 0, since: 0 };
const AT = { at: 0 }, OUT = { out: 0 }, AT_OUT = { at: 0, out: 0 };

function oneOf(name: string, value: string | undefined, known: object): void {
  if (value !== undefined && (typeof value !== "string" || !Object.hasOwn(known, value))) {
    throw new PlimsollError("invalid-argument", `${name} must be ${Object.keys(known).map((name) => `"${name}"`).join(" or ")}, not ${show(value)}`);
  }
}

function stale(id: number, row?: number): PlimsollError {
  return new PlimsollError("stale-id", `${row === undefined ? "" : `ids, row ${row}: `}no vault has the id ${show(id)}: it was removed, or the id is not of this book`);
}

function checkColumn(name: string, column: unknown, count: number): BigUint64Array {
  if (!(column instanceof BigUint64Array)) throw new PlimsollError("invalid-argument", `${name} must be a BigUint64Array, not ${show(column)}`);
  if (column.length !== count * 2) throw new PlimsollError("length-mismatch", `${name} has ${column.length} limbs; ${count} rows need ${count * 2}`);
  return column;
}

function checkIds(ids: unknown): Float64Array {
  if (Array.isArray(ids)) ids.forEach(knowId);
  else if (!(ids instanceof Float64Array)) throw new PlimsollError("invalid-argument", `ids must be a Float64Array or an array, not ${show(ids)}`);
  return ids instanceof Float64Array ? ids : Float64Array.from(ids as number[]);
}

const nothing = (): Found => ({ streams: [], count: 0 });
