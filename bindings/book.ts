/// <reference lib="esnext.disposable" preserve="true" />
/** A book: the vaults of one protocol with their markets, in one WebAssembly memory. */
import { type Column, Core, decodeIds, outOfMemory, rowsOf } from "./abi.js";
import type { AccountBook } from "./accounts.js";
import { PlimsollError, refuse, show } from "./errors.js";
import { type Figures, type Found, Hits, MAX_U128, valueAt } from "./hits.js";
import { type Key, keyBytesOf, toHex } from "./keys.js";
import { type LevelQuery, type Levels, levelsOf } from "./levels.js";
import { type AccountProtocol, type Calls, type Complete, type Described, type Fields, type Optional, type Protocol, type Values, bool, encode, int, knowFields, oneOf, readResults, uint, wholeNumber, writeFields } from "./protocol.js";
import type { Book } from "./vaults.js";

export interface BookOptions {
  /** Vaults at most; without it, as many as memory holds (about 110 million for two amounts). */
  readonly capacity?: number;
  /** Bytes of the vaults' keys, if they have keys: 20 for an address, 32 for a hash. */
  readonly keyBytes?: 20 | 32;
}

/** What may happen to a vault: `reverts` where the contract's own evaluation would. */
export type Status = "safe" | "unsafe" | "reverts";

/**
 * In which order a scan lists vaults: least health first, largest debt first, highest liquidation price first. Of Liquity too: least
 * nominal ratio first (v1), lowest interest rate first, as redemptions go (v2). `profit`: what brings its liquidator most first, alone and now
 * (an account: by its best call).
 */
export type Order = "riskiest" | "debt" | "liquidationPrice" | "nominalICR" | "interestRate" | "profit";

export interface Query {
  /** The order; exact, ties by key, in a book without keys by place (accounts: by id). Without it, by market and place. */
  readonly order?: Order;
  /** The first so many only. With `since`, what is cut off counts as reported. */
  readonly limit?: number;
  /** Vaults with at least this debt, fees included, wad; accounts, in their protocol's unit of value (one that reverts has none). */
  readonly minDebt?: bigint;
  /** Safe vaults too whose health is below 1e18 + this (wad): 20000000000000000n for those within 2 % of the line. A market whose vaults no price endangers (Maker's `spot` = 0) has no line. */
  readonly within?: bigint;
  /** The time, in seconds, to which fees are accrued first, as if every market had been touched then. Without it, as stored. */
  readonly at?: bigint;
  /** The vaults of one market; not of accounts, which have none. */
  readonly market?: number;
  /** Which vaults: those found unsafe, or those whose evaluation reverts. */
  readonly status?: Exclude<Status, "safe">;
  /** Ids without figures: what a tick over millions of vaults that fall at once should ask for. */
  readonly idsOnly?: boolean;
  /**
   * How much work the screen may save: all of it (`zones`), none by skipping chunks (`keys`), none at all (`off`: every vault
   * by the exact rule). Of accounts `keys` sums every one anew in floating point. The answer is the same; for measurement and for distrust.
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

/** What a plan is made for. Amounts of money are in the unit of `quote`, or without it of the debt (Maker: rad). */
export interface PlanOptions extends Pick<Query, "order" | "limit" | "minDebt" | "at" | "market"> {
  /** What may be repaid in all; without it, anything. */
  readonly budget?: bigint;
  /** What a liquidation costs its liquidator beside what it repays. */
  readonly gas?: bigint;
  /** What the sale of seized collateral loses of its value, wad: 10000000000000000n for 1 %. */
  readonly discount?: bigint;
  /** The least profit of a step. */
  readonly minProfit?: bigint;
}

/** A liquidation of a plan, as the contract would carry it out after the ones before. */
export interface PlanStep<L extends Fields> {
  readonly id: number;
  readonly market: number;
  readonly key: string | undefined;
  /** What the liquidator pays (units of the debt) and takes (units of the collateral), and what the protocol takes of that. */
  readonly repaid: bigint;
  readonly seized: bigint;
  readonly fee: bigint;
  /** The value of what is seized and paid beyond what is repaid (negative: less), in units of the debt; and what is left of it after `discount` and `gas`. */
  readonly bonus: bigint;
  readonly profit: bigint;
  /** Whether the liquidation lowers the health of what it leaves, and whether it leaves debt that no collateral pays. */
  readonly toxic: boolean;
  readonly badDebt: boolean;
  /** All that the contract computes. */
  readonly liquidation: Complete<L>;
}

/** What a what-if is asked of: as stored, or as accrued to the time `at`. */
export interface WhatIf {
  readonly at?: bigint;
  /** Of an account, the number of the asset's market; left out for what a Comet lends. Vaults have one of each, and none is named. */
  readonly market?: number;
}

/** What is to be reached, in one of the two figures that `inspect` shows, wad. */
export type Target = WhatIf & (
  | { readonly health: bigint; readonly ratio?: undefined }
  | { readonly ratio: bigint; readonly health?: undefined }
);

/**
 * The most that the contract accepts; 0 where it is nothing. `refused`: not even that, for the vault is beyond what the contract asks for.
 * `reverts`: the contract cannot tell. `undecided`: roundings decide over more amounts than can be tried.
 */
export type MostAmount = bigint | "refused" | "reverts" | "undecided";

/** The least that suffices; 0 where nothing is needed. `never`: no amount does, or none that the contract accepts. */
export type LeastAmount = bigint | "never" | "reverts" | "undecided";

/** Ids of vaults. */
export type Ids = Float64Array | readonly number[];

/** Columns of a bulk call: for each field two little-endian limbs a row. */
export type Columns<F extends Fields> =
  & { readonly [K in Exclude<keyof F, Optional<F>>]: BigUint64Array }
  & { readonly [K in Optional<F>]?: BigUint64Array };

const ORDERS = ["riskiest", "debt", "liquidationPrice"], OWN_ORDERS = ["nominalICR", "interestRate", "profit"];
const PLANES = ["unsafe", "reverts"];
const EFFORTS = ["zones", "keys", "off"], ZONES = 0;
/** @internal */
export const STATUSES = ["safe", "unsafe", "reverts"] as const;
const IDS = 0, RATIOS = 1, FLOAT_RATIOS = 2, DEBTS = 3, KEYS = 5; // what a column holds
/** @internal */
export const MARKETS = 4, AMOUNTS = 6;
const ANY = -1;
/** So many are ordered without more memory. */
const FEW = 1000;
const SIGNED = int(256, ""), TIME = uint(256, "s"), AMOUNT = uint(256, "wad"), DISTANCE = uint(128, "wad");

/** What every book does. */
export abstract class AnyBook<V extends Fields, M extends Fields, S extends Fields> {
  abstract readonly protocol: Described<V, M, S>;
  abstract inspect(id: number, options?: { readonly at?: bigint }): unknown;
  /** Vaults at most. */
  readonly capacity: number;
  /** Bytes of a key; 0 in a book without keys. */
  readonly keyBytes: number;
  #open: Core | undefined;
  /** Calls of methods so far. @internal */
  protected calls = 0;
  #markets = 0;

  /** @internal */
  constructor({ module, rule }: Described, capacity: number, keyBytes: number, choices = 0) {
    this.capacity = capacity;
    this.keyBytes = keyBytes;
    this.#open = new Core(module);
    if (!this.#open.open(keyBytes, rule, choices)) throw outOfMemory("the book");
  }

  /** The instance behind the book, for measurements of memory and passes. @internal */
  get core(): Core {
    ++this.calls;
    if (!this.#open) throw new PlimsollError("disposed", "this book was disposed of");
    return this.#open;
  }

  /** Bytes of the book's WebAssembly memory. */
  get bytes(): number { return this.core.exports.memory.buffer.byteLength; }

  /** Vaults in the book. */
  get size(): number { return this.core.exports.size(); }

  /** Markets in the book; their numbers are 0 to this − 1. */
  get marketCount(): number { return this.core && this.#markets; }

  /** Lets go of the memory. Every later call throws `disposed`. */
  dispose(): void { this.#open = undefined; }
  [Symbol.dispose](): void { this.dispose(); }

  // ---- Figures

  /** Sets figures that all markets share; those not named stay. They begin as 0. */
  setSystem(figures: Partial<Values<S>>): void {
    const core = this.core;
    core.exports.setSystem(writeFields(core, "system", this.protocol.system, figures, false));
  }

  /** Adds a market and answers its number. */
  addMarket(figures: Values<M>): number {
    const core = this.core, mask = writeFields(core, "market", this.protocol.market, figures as Record<string, unknown>, true);
    const market = core.exports.addMarket(mask);
    if (market < 0) throw this.protocol.account ? new PlimsollError("capacity-reached", `a book of accounts has ${this.#markets} markets at most`) : outOfMemory("another market");
    return (this.#markets = market + 1) - 1;
  }

  /** Changes figures of a market; those not named stay. This is a tick: it costs nothing per vault. */
  setMarket(market: number, figures: Partial<Values<M>>): void {
    const core = this.core;
    this.knowMarket(market);
    core.exports.setMarket(market, writeFields(core, `market ${market}`, this.protocol.market, figures, false));
  }

  /**
   * Changes figures of many markets: for each field named, two limbs (u128) a market. All or none.
   */
  setMarkets(markets: ArrayLike<number>, figures: Partial<Columns<M>>): void {
    const core = this.core, count = markets?.length;
    if (!(count >= 0)) refuse("markets", "a list of numbers", markets);
    const known = this.#markets;
    for (let i = 0; i < count; ++i) {
      const market = markets[i]!;
      if (market >>> 0 !== market || market >= known) this.knowMarket(market);
    }
    const { columns, mask } = checkColumns("markets", this.protocol.market, figures, false, count);
    for (let from = 0; from < count; from += core.marketPage) {
      const page = new Uint32Array(Math.min(core.marketPage, count - from));
      for (let i = 0; i < page.length; ++i) page[i] = markets[from + i]!; // Uint32Array.from with a function: 36 ns a market
      core.write(core.stage, page);
      columns.forEach(([, column], i) => { core.write(core.marketColumn(i), rowsOf(column, 2, from, page.length)); });
      core.exports.setMarkets(page.length, mask);
    }
  }

  /** The figures of a market as they are stored. */
  market(market: number): Complete<M> {
    const core = this.core;
    this.knowMarket(market);
    core.exports.getMarket(market);
    return readResults(core, this.protocol.market, 0);
  }

  /** The figures that all markets share, as they are stored. */
  system(): Complete<S> {
    const core = this.core;
    core.exports.getSystem();
    return readResults(core, this.protocol.system, 0);
  }

  /**
   * Accrues fees to a time, in seconds, as if the contract had touched every market then. A compounded rate depends on when it
   * was touched: accrue at the times of the chain's own touches, or scan with `at`.
   * @throws `reverts` where a market's accrual would revert; then none is accrued.
   */
  accrue(time: bigint): void {
    const core = this.core;
    writeTime(core, "time", time);
    mayAccrue(core.exports.accrue(), time, this.protocol.account?.base);
  }

  // ---- Vaults

  /** Removes a vault; its id is never given again. */
  remove(id: number): void {
    const core = this.core;
    knowId(id);
    if (core.exports.remove(id) < 0) throw stale(id);
  }

  /** Removes many vaults, all or none. */
  removeMany(of: Ids): void {
    const core = this.core, ids = checkIds(of);
    eachPage(core, ids, (page, from) => {
      const bad = core.exports.check(page.length, true);
      if (bad < 0) return;
      const id = page[bad]!;
      eachPage(core, ids.subarray(0, from), (marked) => core.exports.unmark(marked.length));
      throw core.exports.marketOf(id) >= 0 ? new PlimsollError("duplicate-id", `ids, row ${from + bad}: the vault ${id} is named before`) : stale(id, from + bad);
    });
    removeChecked(core, ids);
  }

  /** Whether the id's vault is in the book. */
  has(id: number): boolean { return typeof id === "number" && this.core.exports.marketOf(id) >= 0; }

  /** The ids of the vaults that carry a key: one a market at most. */
  find(key: Key): number[] {
    const core = this.core, found: number[] = [];
    if (!this.keyBytes) throw withoutKeys();
    const bytes = keyBytesOf(key, this.keyBytes);
    for (let count = core.idPage; count === core.idPage;) {
      core.write(core.args, bytes);
      count = core.exports.find(found.length);
      found.push(...core.read(core.stage, new Float64Array(count)));
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
    const core = this.core, { exports } = core;
    knowFields("query", query, QUERY);
    const { order, limit, minDebt, within, at, market, status = "unsafe", idsOnly = false, screen = "zones", since } = query;
    const orders = [...ORDERS, ...(this.protocol.orders ?? [])], ordering = order === undefined ? 0 : 1 + [...ORDERS, ...OWN_ORDERS].indexOf(orders[oneOf("order", order, orders)]!);
    const plane = 1 + oneOf("status", status, PLANES), effort = oneOf("screen", screen, EFFORTS);
    if (since !== undefined) oneOf("since", since, ["last"]);
    if (limit !== undefined) wholeNumber("limit", limit, 0);
    if (typeof idsOnly !== "boolean") refuse("idsOnly", "true or false", idsOnly);
    if (this.protocol.account && (order === "liquidationPrice" || market !== undefined)) {
      throw new PlimsollError("invalid-argument", "accounts have no market of their own: leave out market, and order by liquidationPrice");
    }
    if (market !== undefined) this.knowMarket(market);
    if (order === "liquidationPrice" && market === undefined && this.#markets > 1) {
      throw new PlimsollError("invalid-argument", "prices of several markets cannot be compared: name a market to order by liquidationPrice");
    }
    if ((order === "debt" || order === "profit") && market === undefined && this.#markets > 1) {
      const unquoted = exports.unquoted?.() ?? -1;
      if (unquoted >= 0) throw new PlimsollError("invalid-argument", `${order}s of several markets have no common unit: market ${unquoted} has no quote; or name a market`);
    }
    if (within !== undefined && (since || status === "reverts")) throw new PlimsollError("invalid-argument", "within goes neither with since nor with reverts");
    const floor = minDebt === undefined ? 0n : encode("minDebt", AMOUNT, minDebt);
    const distance = within === undefined ? 0n : encode("within", DISTANCE, within);

    const only = market ?? ANY, near = distance > 0n, floored = floor > 0n, most = Math.min(limit ?? this.size, this.size);
    exports.view(writeTime(core, "at", at));
    core.writeArg(0, floor);
    core.writeArg(1, distance);
    exports.prepare(floored, near, only, effort > 0);

    const fallen = nothing(), risen = nothing();
    const update = () => exports.scan(plane, effort, only, false);
    const finish = (found: Found) => this.#hits(
      core, ordering ? inOrder(core, ordering, this.idsOf(core, found), most) : found.count > most ? this.idsOf(core, found).slice(0, most) : found, idsOnly,
    );
    if (ordering && (since || most > FEW)) roomToOrder(core, plane, only);
    if (since) {
      run(core, update, fallen, risen);
      return { unsafe: finish(fallen), safe: finish(risen) };
    }
    run(core, update);
    if (ordering && status === "unsafe") {
      if (!exports.gather(ordering, most, only, near, floored)) throw outOfMemory("the order");
      return this.#hits(core, ranked(core, most), idsOnly);
    }
    run(core, () => exports.list(plane, only, near), fallen, undefined, ordering ? Infinity : most);
    return finish(fallen);
  }

  /**
   * What would flip if markets had other figures: for each scenario, a list of markets with the figures to change, the vaults
   * that would become unsafe and those that would become safe, against the figures as they are. Nothing changes, and nothing
   * is counted as scanned.
   */
  preview(scenarios: readonly Scenario<M>[]): Flips[] {
    const core = this.core, { exports } = core;
    if (!Array.isArray(scenarios)) refuse("scenarios", "a list of scenarios", scenarios);
    const checked = Array.from<Scenario<M>, Map<number, Partial<Values<M>>>>(scenarios, (changes, i) => {
      if (!Array.isArray(changes) || !Array.from<unknown>(changes).every(Array.isArray)) refuse(`scenario ${i}`, "a list of [market, figures]", changes);
      const merged = new Map<number, Partial<Values<M>>>();
      for (const [market, figures] of changes) {
        this.knowMarket(market);
        writeFields(core, `scenario ${i}, market ${market}`, this.protocol.market, figures, false);
        merged.set(market, { ...merged.get(market), ...figures });
      }
      return merged;
    });
    exports.view(false);
    exports.prepare(false, false, ANY, false);
    return checked.map((merged) => {
      const fallen = nothing(), risen = nothing();
      this.flip(core, merged, fallen, risen);
      return { unsafe: this.idsOf(core, fallen), safe: this.idsOf(core, risen) };
    });
  }

  /**
   * How many vaults would be unsafe at each of many prices of a market, the other figures as they are, with how much collateral and
   * debt: exact sums, in one pass. Nothing changes, and nothing is counted as scanned. A vault that would revert at a price is not
   * unsafe there; nor is one at a price that the contract itself cannot evaluate (Maker: a `val` whose `Spotter.poke` reverts).
   * @throws `reverts` where the contract can evaluate none of the prices, or not accrue the market to `at`.
   */
  levels(market: number, query: LevelQuery): Levels {
    const core = this.core, { market: figures, price } = this.protocol;
    this.knowMarket(market);
    return levelsOf(core, market, figures[price]!, query, (at) => writeTime(core, "at", at));
  }

  /** The ids of all vaults, by market and place: the order of `ratios` and `debts`. */
  ids(): Float64Array {
    return this.column(IDS, Float64Array, 1);
  }

  /** The keys of all vaults in the order of `ids()`, one after the other; undefined in a book without keys. */
  keys(): Uint8Array | undefined {
    const { keyBytes } = this;
    return keyBytes && this.core ? this.column(KEYS, Uint8Array, keyBytes) : undefined;
  }

  /**
   * Every vault's collateral ratio in the order of `ids()`: ⌊collateral value / debt value⌋ in wad, two limbs each, the largest
   * value (2^128 − 1) without debt and for what is above it. As stored, or accrued to `at`; into `out` if it is given.
   * @throws `reverts` where a market's accrual to `at` would revert.
   */
  ratios(options: { readonly at?: bigint; readonly out?: BigUint64Array } = {}): BigUint64Array {
    knowFields("options", options, AT_OUT);
    return this.column(RATIOS, BigUint64Array, 2, options.at, options.out);
  }

  /** The same as plain numbers (1.5 for 150 %), within 2^−45 of the quotient; `Infinity` without debt. */
  ratiosAsNumbers(options: { readonly at?: bigint; readonly out?: Float64Array } = {}): Float64Array {
    knowFields("options", options, AT_OUT);
    return this.column(FLOAT_RATIOS, Float64Array, 1, options.at, options.out);
  }

  /** Every vault's debt with fees up to a time (or as stored), wad, rounded up, two limbs each, in the order of `ids()`; at most 2^128 − 1. */
  debts(time?: bigint, options: { readonly out?: BigUint64Array } = {}): BigUint64Array {
    knowFields("options", options, OUT);
    return this.column(DEBTS, BigUint64Array, 2, time, options.out);
  }

  /** Everything about many vaults, as `inspect` tells it of one, in the order of the ids. */
  inspectMany(ids: Ids, options: { readonly at?: bigint } = {}): ReturnType<this["inspect"]>[] {
    return Array.from(checkIds(ids), (id) => this.inspect(id, options) as ReturnType<this["inspect"]>);
  }

  // ---- What-if

  /**
   * The first second (Compound v2: block) from `at` to `until` at which accrual alone, prices fixed, makes the vault unsafe by the contract's
   * own judgement; without `at` from the last accrual on (of an account, the latest of its assets'; of Liquity v2 the branch's `timestamp` or the trove's own
   * last update; of v1, where nothing accrues, 0), without `until` to 2^40 − 1, where
   * Aave's and Comet's clocks end (Aave is asked of none beyond). `never`: at none of them. `reverts`: before that comes one at which the contract's accrual or
   * evaluation reverts. `undecided`: roundings decide over more seconds than can be tried.
   */
  timeToLiquidation(id: number, options: { readonly at?: bigint; readonly until?: bigint } = {}): bigint | "never" | "reverts" | "undecided" {
    knowFields("options", options, AT_UNTIL);
    const { core } = this, { at, until = LAST_TIME } = options;
    writeTime(core, "until", until, 1);
    if (at !== undefined && encode("at", TIME, at) > until) refuse("until", `no earlier than at, ${at}n`, until, "out-of-range");
    return this.#ask(core, id, TIME_TO, 0, at, false) ?? "never";
  }

  /**
   * The most that the contract's own check lets the vault borrow now: Maker's `dart` of `frob`, with the ilk's dust; of an account units of the asset,
   * as `borrow` takes them (a Comet's `withdraw` of what it lends, own supply included); of Morpho assets, as many as are supplied; of Liquity
   * the increase of the debt, with its fee, where v2's TCR is taken to allow it. Ceilings, caps, cash, pauses and the like are
   * taken to allow it. At most 2^255 − 1, where an asset is worth next to nothing.
   */
  maxBorrow(id: number, options: WhatIf = {}): MostAmount { return this.#amount(id, BORROW, options, AT_MARKET) ?? "refused"; }

  /**
   * The most that the contract's own check lets the vault take out now: Maker's `dink`, as `frob` frees it; of an account units of the
   * asset, as `withdraw` takes them (cTokens, as `redeem` does); of Morpho and Liquity collateral.
   */
  maxWithdraw(id: number, options: WhatIf = {}): MostAmount { return this.#amount(id, WITHDRAW, options, AT_MARKET) ?? "refused"; }

  /**
   * The least repayment after which the vault has at least a health, or a ratio, as `inspect` shows it: Maker's `dart`, which leaves no dust; of an
   * account units of the asset, as `repay`, `repayBorrow` and a Comet's `supply` take them; of Morpho assets, as `repay` takes them; of Liquity what `adjustTrove` takes, which
   * leaves the least debt.
   */
  repayToRatio(id: number, target: Target): LeastAmount { return this.#amount(id, REPAY, target, TARGETS) ?? "never"; }

  /**
   * The least collateral to add after which the vault has at least a health, or a ratio, as `inspect` shows it: Maker's `dink`; of an
   * account units of the asset, as `supply` and `mint` take them. Where the account has nothing of it yet, it is taken to count: an Aave's
   * if its LTV is not 0, a cToken as entered. Of Morpho and Liquity collateral.
   */
  collateralToRatio(id: number, target: Target): LeastAmount { return this.#amount(id, COLLATERAL, target, TARGETS) ?? "never"; }

  #amount(id: number, question: number, options: WhatIf & { readonly health?: bigint | undefined; readonly ratio?: bigint | undefined }, known: object) {
    const { core } = this, { account } = this.protocol;
    knowFields(question < REPAY ? "options" : "target", options, known);
    const { at, market, health, ratio } = options, base = account?.base !== undefined && (question === BORROW || question === REPAY);
    if (account && !base) {
      if (market === undefined) throw new PlimsollError("missing-field", `${question < REPAY ? "options" : "target"} lacks market, the asset that is asked for`);
      this.knowMarket(market);
    } else if (market !== undefined) throw new PlimsollError("invalid-argument", account ? "a Comet lends one asset: leave out market" : "a vault has one market: leave out market");
    if (question >= REPAY) {
      if ((health === undefined) === (ratio === undefined)) throw new PlimsollError(health === undefined ? "missing-field" : "invalid-argument", "target needs health or ratio, one of them");
      core.writeArg(1, health === undefined ? encode("target: ratio", AMOUNT, ratio) : encode("target: health", AMOUNT, health));
    }
    return this.#ask(core, id, question, base ? account!.base! : market ?? 0, at, health === undefined);
  }

  /** undefined: there is none. */
  #ask(core: Core, id: number, question: number, asset: number, at: bigint | undefined, ratio: boolean): bigint | "reverts" | "undecided" | undefined {
    knowId(id);
    const answer = core.exports.whatIf(id, question, asset, writeTime(core, "at", at), ratio);
    if (answer < 0) throw stale(id);
    return answer ? SEARCHED[answer] : core.readResult(0);
  }

  // ---- Inside

  /** The steps of a plan: `tell` answers what each has beside what all have. @internal */
  protected steps<T>(options: PlanOptions, liquidation: Fields, tell: (core: Core, id: number) => object, markets = MAX_U128): T[] {
    knowFields("options", options, PLAN);
    const { order = "profit", limit = 100, budget = MAX_U256, gas = 0n, discount = 0n, minProfit = 0n, ...query } = options;
    wholeNumber("limit", limit, 0);
    encode("minProfit", SIGNED, minProfit);
    const terms = [encode("budget", AMOUNT, budget), encode("discount", AMOUNT, discount), encode("gas", AMOUNT, gas), markets];
    if (discount > WAD) refuse("discount", "at most 1e18", discount, "out-of-range");
    for (let tried = limit * 2;; tried *= 16) {
      const { ids } = this.scan({ ...query, order, limit: Math.min(tried, this.size), idsOnly: true }), steps = this.#steps(ids, limit, terms, minProfit, liquidation, tell);
      if (steps.length === limit || ids.length < tried) return steps as T[];
    }
  }

  #steps(ids: Float64Array, limit: number, terms: readonly bigint[], minProfit: bigint, liquidation: Fields, tell: (core: Core, id: number) => object): object[] {
    const core = this.core, { exports } = core, steps: object[] = [];
    terms.forEach((term, i) => { core.writeArg(i, term); });
    exports.planTerms();
    try {
      for (const id of ids) do {
        if (steps.length === limit) return steps;
        if (exports.planStep(id)) break;
        const key = this.keyBytes ? toHex(core.read(core.stage, new Uint8Array(this.keyBytes))) : undefined;
        const { repaid, seized, bonus, fee, profit: value, loss, toxic, badDebt } = readResults(core, STEP, 0), profit = loss ? -value : value;
        if (profit < minProfit) break;
        const step = { repaid, seized, fee, bonus, profit, toxic, badDebt, liquidation: readResults(core, liquidation, STEP_FIELDS) };
        const told = tell(core, id);
        if (!exports.planTake()) throw outOfMemory("the plan");
        steps.push({ id, key, ...told, ...step });
      } while (this.protocol.account); // again, as the call leaves it
    } finally { exports.planEnd(); }
    return steps;
  }

  /** @internal */
  protected knowMarket(market: number): void {
    if (!Number.isInteger(market) || market < 0 || market >= this.#markets) {
      throw new PlimsollError("unknown-market", `there is no market ${show(market)}: this book has ${this.#markets}, numbered from 0`);
    }
  }

  /** The bytes of keys that were given, in a book that has keys; undefined in one that has none. @internal */
  protected checkKeys(given: unknown, bytes: () => Uint8Array): Uint8Array | undefined {
    if (this.keyBytes) {
      if (given === undefined) throw new PlimsollError("missing-field", "this book has keys: give each vault one");
      return bytes();
    }
    if (given !== undefined) throw withoutKeys();
    return undefined;
  }

  /** @internal */
  protected checkCapacity(count: number): void {
    if (this.size + count > this.capacity) {
      throw new PlimsollError("capacity-reached", `${count} more vaults do not fit: the book holds ${this.size} of ${this.capacity}`);
    }
    if (count > 0xffffffff) throw outOfMemory(`${count} more vaults`);
  }

  /** The ids of rows that a pass found. @internal */
  protected idsOf(_core: Core, found: Found): Float64Array { return decodeIds(found); }

  /** What keeps them until somebody asks. @internal */
  protected lazily(_core: Core, found: Found): Found | Float64Array { return found; }

  /** Runs a scenario's passes, its changes by market. @internal */
  protected flip(core: Core, changes: ReadonlyMap<number, Partial<Values<M>>>, fallen: Found, risen: Found): void {
    for (const [market, figures] of changes) {
      core.exports.scenario(market, writeFields(core, "scenario", this.protocol.market, figures, false));
      run(core, () => core.exports.preview(market), fallen, risen);
    }
  }

  #hits(core: Core, found: Found | Float64Array, idsOnly: boolean): Hits<V> {
    if (idsOnly) return new Hits<V>(found instanceof Float64Array ? found : this.lazily(core, found), undefined, 0);
    const ids = found instanceof Float64Array ? found : this.idsOf(core, found);
    const { keyBytes } = this, count = ids.length, column = () => new BigUint64Array(count * 2);
    const markets = new Uint32Array(count), vault = Object.fromEntries(Object.keys(this.protocol.vault).map((name) => [name, column()])), health = column(), debt = column();
    const keys = keyBytes ? new Uint8Array(count * keyBytes) : undefined, figures: Figures = { markets, vault, health, debt, keys };
    const columns = [markets, ...Object.values(vault), health, debt, ...(keys ? [keys] : [])]; // in the order of `describe`
    eachPage(core, ids, (page, from) => {
      core.exports.describe(page.length);
      core.readHits(columns, count, from, page.length);
    }, core.stage, core.hitPage);
    return new Hits<V>(ids, figures, keyBytes);
  }

  /** A column over all vaults, `width` numbers each, into `out` if it is given. @internal */
  protected column<C extends Column>(kind: number, type: new (length: number) => C, width: number, time?: bigint, out?: C): C {
    const core = this.core, { exports } = core, accrued = writeTime(core, "time", time);
    if (out !== undefined) checkRows("out", out, type, this.size, width);
    exports.view(accrued);
    out ??= new type(this.size * width);
    for (let done = 0, rows = 0; (rows = exports.column(kind, done)); done += rows) {
      mayAccrue(~rows, time);
      core.read(core.stage, rowsOf(out, width, done, rows));
    }
    return out;
  }
}

/**
 * Opens an empty book for the vaults of a protocol. Instantiates the module, synchronously.
 * @throws `invalid-argument` for options out of range, `out-of-memory` where the host gives no memory.
 */
export function openBook<A, C, V extends Fields, M extends Fields, S extends Fields, K extends Fields, L extends Fields>(
  protocol: AccountProtocol<A, C, V, M, S, K, L>, options?: BookOptions,
): AccountBook<A, C, V, M, S, K, L>;
export function openBook<V extends Fields, M extends Fields, S extends Fields, L extends Fields, B extends Fields>(
  protocol: Protocol<V, M, S, L, B>, options?: BookOptions,
): Book<V, M, S, L, B>;
export function openBook(protocol: Protocol | AccountProtocol<unknown, Calls, Fields, Fields, Fields>, options: BookOptions = {}): unknown {
  if (!protocol?.vault) refuse("what openBook opens", "a protocol such as maker", protocol);
  knowFields("options", options, { capacity: 0, keyBytes: 0 });
  const { capacity = Infinity, keyBytes = 0 } = options;
  if (capacity !== Infinity) wholeNumber("capacity", capacity, 1);
  if (keyBytes !== 0 && keyBytes !== 20 && keyBytes !== 32) refuse("keyBytes", "20 or 32", keyBytes);
  return new (protocol.kind.Book as new (...of: unknown[]) => unknown)(protocol, capacity, keyBytes);
}

/** @internal */
export const PLAN = { order: 0, limit: 0, minDebt: 0, at: 0, market: 0, budget: 0, gas: 0, discount: 0, minProfit: 0 };
/** Results of a plan's step, before those of the liquidation. */
const STEP = { repaid: uint(256, ""), seized: uint(256, ""), bonus: SIGNED, fee: uint(256, ""), profit: uint(512, ""), loss: bool, toxic: bool, badDebt: bool };
const STEP_FIELDS = 9, WAD = 10n ** 18n, MAX_U256 = 2n ** 256n - 1n;
const QUERY = { order: 0, limit: 0, minDebt: 0, within: 0, at: 0, market: 0, status: 0, idsOnly: 0, screen: 0, since: 0 };
/** @internal */
export const AT = { at: 0 };
const AT_UNTIL = { at: 0, until: 0 }, AT_MARKET = { at: 0, market: 0 }, TARGETS = { ...AT_MARKET, health: 0, ratio: 0 };
/** What is asked (assembly/rules/trial.ts), and how a search ends that finds nothing (assembly/search.ts). */
const TIME_TO = 0, BORROW = 1, WITHDRAW = 2, REPAY = 3, COLLATERAL = 4;
const SEARCHED = [undefined, undefined, "reverts", "undecided"] as const;
const LAST_TIME = 2n ** 40n - 1n;
const OUT = { out: 0 }, AT_OUT = { at: 0, out: 0 };

const nothing = (): Found => ({ streams: [], count: 0 });

// ---- What is given

/** @internal */
export function knowId(id: unknown): void {
  if (typeof id !== "number") refuse("an id", "a number", id);
}

/** @internal */
export function checkIds(ids: unknown): Float64Array {
  if (ids instanceof Float64Array) return ids;
  if (!Array.isArray(ids)) refuse("ids", "a Float64Array or an array", ids);
  ids.forEach(knowId);
  return Float64Array.from(ids);
}

/** @internal */
export function checkRows<C extends Column>(name: string, rows: unknown, type: new (length: number) => C, count: number, width: number): C {
  if (!(rows instanceof type)) refuse(name, `a ${type.name}`, rows);
  if (rows.length !== count * width) throw new PlimsollError("length-mismatch", `${name} has ${rows.length} entries; ${count} rows need ${count * width}`);
  return rows;
}

/** @internal */
export type Given = readonly [position: number, column: BigUint64Array][];

/** Checks columns of fields, all of them with `whole`, and of `count` rows if that is given; answers them with their positions, and a mask of those. @internal */
export function checkColumns(what: string, fields: Fields, given: Readonly<Record<string, unknown>>, whole: boolean, count?: number) {
  knowFields(what, given, fields);
  const columns: [position: number, column: BigUint64Array][] = [];
  let mask = 0;
  const entries = Object.entries(fields), first = entries.find(([name]) => name in given)?.[0], rows = given[first!];
  count ??= rows instanceof BigUint64Array ? Math.ceil(rows.length / 2) : 0;
  entries.forEach(([name, field], position) => {
    const left = !(name in given) && field.default !== undefined;
    if (whole && !left && given[name] === undefined) throw new PlimsollError("missing-field", `${what} lacks ${name}`);
    if (!(name in given) && !(whole && left)) return;
    const column = left ? new BigUint64Array(count! * 2) : checkRows(`${what}: ${name}`, given[name], BigUint64Array, count!, 2); // defaults of columns are 0
    if (field.bits < 128 && !left) for (let row = 0; row < count!; ++row) encode(`${what}: ${name}, row ${row}`, field, valueAt(column, row));
    columns.push([position, column]);
    mask |= 1 << position;
  });
  return { columns, mask, count: count ?? 0 };
}

/** Writes a time as an argument, the first, if there is one; answers whether there is. @internal */
export function writeTime(core: Core, name: string, time: bigint | undefined, field = 0): boolean {
  if (time === undefined) return false;
  core.writeArg(field, encode(name, TIME, time));
  return true;
}

// ---- What is refused

/** @internal */
export function stale(id: number, row?: number): PlimsollError {
  return new PlimsollError("stale-id", `${row === undefined ? "" : `ids, row ${row}: `}no vault has the id ${show(id)}: it was removed, or is of another book`);
}

function withoutKeys(): PlimsollError {
  return new PlimsollError("invalid-argument", "this book was opened without keys: open it with keyBytes");
}

/** Throws if there is a market whose accrual reverts. */
function mayAccrue(market: number, time: bigint | undefined, base?: number): void {
  const what = market === base ? "the base asset" : `market ${market}`;
  if (market >= 0) throw new PlimsollError("reverts", `${what} cannot be ${time === undefined ? "valued" : `accrued to ${time}`}: the contract reverts`);
}

// ---- Pages

/** Calls back with pages of ids, each written to the stage. @internal */
export function eachPage(core: Core, ids: Float64Array, use: (page: Float64Array, from: number) => void, at = core.ids, size = core.page): void {
  for (let from = 0; from < ids.length; from += size) {
    const page = rowsOf(ids, 1, from, size);
    core.write(at, page);
    use(page, from);
  }
}

/** @internal */
export function removeChecked(core: Core, ids: Float64Array): void {
  eachPage(core, ids, (page) => core.exports.removeMany(page.length));
}

// ---- Passes

/** Runs a pass to its end, or until `most` rows fell; collects what fell and rose where somebody wants it. @internal */
export function run(core: Core, pass: () => number, fallen?: Found, risen?: Found, most = Infinity): void {
  const { exports } = core;
  exports.rewind();
  for (let done = 0; !done && !(fallen && fallen.count >= most);) {
    done = pass();
    [fallen, risen].forEach((into, stream) => {
      const count = into ? exports.found(stream * 2) : 0;
      if (!count) return;
      into!.streams.push(core.read(core.stream(stream), new Uint32Array(exports.found(stream * 2 + 1))));
      into!.count += count;
    });
  }
}

/** Makes sure, before statuses change, that what will be ordered can be: a change that a failed call swallowed would be lost. */
function roomToOrder(core: Core, plane: number, only: number): void {
  const { exports } = core, fallen = nothing(), risen = nothing();
  run(core, () => exports.scan(plane, ZONES, only, true), fallen, risen);
  run(core, () => exports.list(plane, only, false), fallen);
  startSelection(core, 0, Math.max(fallen.count, risen.count));
}

function startSelection(core: Core, order: number, most: number): void {
  if (!core.exports.startSelection(order, most)) throw outOfMemory("the order");
}

function inOrder(core: Core, order: number, ids: Float64Array, most: number): Float64Array {
  startSelection(core, order, ids.length);
  eachPage(core, ids, (page) => core.exports.candidateIds(page.length), core.stage, core.idPage);
  return ranked(core, most);
}

function ranked(core: Core, most: number): Float64Array {
  const ids = new Float64Array(core.exports.rank(most));
  for (let from = 0; from < ids.length; from += core.idPage) {
    const page = rowsOf(ids, 1, from, core.idPage);
    core.exports.ranked(from, page.length);
    core.read(core.stage, page);
  }
  return ids;
}
