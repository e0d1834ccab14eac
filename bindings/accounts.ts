/** A book of accounts: its markets are assets, of which each account holds and owes several. */
import { type Core, outOfMemory, rowsOf } from "./abi.js";
import { AT, AnyBook, PLAN, type PlanOptions, type PlanStep, STATUSES, type Status, checkRows, eachPage, knowId, removeChecked, run, stale, writeTime } from "./book.js";
import { PlimsollError, refuse } from "./errors.js";
import { type Found, valueAt } from "./hits.js";
import { type Key, keyBytesOf, toHex } from "./keys.js";
import { type Lines, KIND, eachAsset, mergeBy, told } from "./lines.js";
import { type AccountProtocol, type Complete, type Fields, type LiquidationPrice, type Outcome, type Values, checkFields, knowFields, readResults, uint, writeFields } from "./protocol.js";

/** What a protocol's function of an account is asked with, and what it answers. */
export type Inputs<F> = F extends (inputs: infer I) => unknown ? I : never;
export type Answer<F> = F extends (inputs: never) => infer O ? O : never;

/** Bytes of an account's cell, and where in it a line has its amounts and an account its key. */
const CELL = 48, INNER = 16;

/** Everything about one account. */
export interface AccountInspection<A> {
  readonly id: number;
  readonly key: string | undefined;
  readonly account: A;
  readonly status: Status;
  /** What the contract counts as its collateral and as its debt, in the protocol's unit of value; undefined where it reverts. */
  readonly collateral: bigint | undefined;
  readonly debt: bigint | undefined;
  /** Collateral over debt, wad, rounded down; `Infinity` without debt. */
  readonly ratio: bigint | number | undefined;
  /** The contract's health factor, or what its threshold leaves of the collateral over the debt: unsafe below 1e18, `Infinity` without debt. */
  readonly health: bigint | number | undefined;
}

/** The liquidation price of one asset of an account. */
export interface AccountPrice {
  /** The number of the asset's market; undefined for what a Comet lends. */
  readonly market: number | undefined;
  readonly side: "collateral" | "debt";
  /**
   * `never`: no price of the asset endangers the account. `always`: none saves it. `reverts`: the contract cannot tell, or only beyond
   * prices of 2^126, or a category's price takes the place of the asset's (Aave to 3.1). `undecided`:
   * roundings decide over more prices than can be tried, where the asset is held and owed in nearly equal weight, or an average threshold is
   * cut to whole basis points (Aave to 3.4).
   */
  readonly price: LiquidationPrice | "undecided";
}

/** What a plan is made for. Amounts of money are in the protocol's unit of value: Aave's base currency, Compound's 1e18, a Comet's 1e8. */
export interface AccountPlanOptions extends Omit<PlanOptions, "market"> {
  /** The markets in which calls may be made, for the debt and for the collateral; without it, all. The order does not look at it. */
  readonly markets?: readonly number[];
}

/** A liquidation call of a plan, as the contract would carry it out after the ones before. */
export interface AccountPlanStep<L extends Fields> extends Omit<PlanStep<L>, "market"> {
  /**
   * The number of the market whose debt is repaid, and of the one whose collateral is seized. Undefined for a Comet, which takes over the
   * whole account: `repaid` is the base that it pays out for it, and `seized` the value of all the collateral.
   */
  readonly debt: number | undefined;
  readonly collateral: number | undefined;
}

/** The type of a book of accounts: `AccountBookOf<ReturnType<typeof aaveV3>>`. */
export type AccountBookOf<P> = P extends AccountProtocol<infer A, infer C, infer V, infer M, infer S, infer K, infer L> ? AccountBook<A, C, V, M, S, K, L> : never;

/**
 * A book of accounts that hold and owe several assets. Its markets are the assets: what all accounts share. An account keeps its id
 * whatever is added to it.
 */
export class AccountBook<
  A = unknown, C = unknown, V extends Fields = Fields, M extends Fields = Fields, S extends Fields = Fields, K extends Fields = Fields, L extends Fields = Fields,
> extends AnyBook<V, M, S> {
  readonly protocol: AccountProtocol<A, C, V, M, S, K, L>;

  /** @internal */
  constructor(protocol: AccountProtocol<A, C, V, M, S, K, L>, capacity: number, keyBytes: number) {
    super(protocol, capacity, keyBytes, protocol.choices);
    this.protocol = protocol;
  }

  /** Sets the figures of a category of accounts (an Aave eMode), all of them. */
  setCategory(category: number, figures: Values<K>): void {
    const { core } = this, fields = this.#categoryFields(category);
    const row = new Array<bigint>(8).fill(0n);
    for (const [position, value] of checkFields(`category ${category}`, fields, figures)) row[position + 1] = value;
    core.writeCells(row);
    core.exports.setCategory(category, row.length * 32);
  }

  /** The figures of a category as they were set; all of them 0 in one that never was. */
  category(category: number): Complete<K> {
    const { core } = this, fields = this.#categoryFields(category);
    core.exports.getCategory(category);
    return readResults(core, fields, 1);
  }

  #categoryFields(category: number): K {
    const fields = this.protocol.category;
    if (!fields) throw new PlimsollError("invalid-argument", `accounts of ${this.protocol.name} have no categories`);
    if (!Number.isInteger(category) || category < 1 || category > 255) refuse("category", "a whole number from 1 to 255", category);
    return fields;
  }

  /** Adds an account and answers its id. `key`: in a book with keys, one that no other account has. */
  add(account: A, key?: Key): number {
    return this.load([account], this.checkKeys(key, () => keyBytesOf(key, this.keyBytes)))[0]!;
  }

  /** Adds many accounts, all or none, and answers their ids in order. `keys`: one key after the other, in a book that has keys. */
  load(accounts: readonly A[], keys?: Uint8Array): Float64Array {
    const { core, keyBytes } = this, { exports } = core, { account } = this.protocol;
    if (!Array.isArray(accounts)) refuse("accounts", "an array", accounts);
    const bytes = this.checkKeys(keys, () => checkRows("keys", keys, Uint8Array, accounts.length, keyBytes));
    const all = Array.from(accounts, (one, i) => account.read(accounts.length === 1 ? "account" : `accounts[${i}]`, one, this.marketCount));
    this.checkCapacity(all.length);
    const counts = new Map<number, number>();
    for (const { lines } of all) counts.set(lines.length, (counts.get(lines.length) ?? 0) + 1);
    const room = () => exports.reserveAccounts(all.length) && [...counts].every(([lines, count]) => exports.reserveLines(lines, count));
    if (!room()) throw outOfMemory(`${all.length} more accounts`);
    const ids = new Float64Array(all.length);
    for (let from = 0; from < all.length;) {
      let to = from, at = 0;
      for (; to < all.length && at + (all[to]!.lines.length + 1) * CELL <= core.stageBytes; ++to) {
        this.#write(core, at, all[to]!, bytes && rowsOf(bytes, keyBytes, to, 1));
        at += (all[to]!.lines.length + 1) * CELL;
      }
      const failed = exports.loadAccounts(to - from);
      if (failed) {
        const row = from - 1 - failed;
        removeChecked(core, ids.subarray(0, from));
        throw new PlimsollError("duplicate-key", `${all.length === 1 ? "key" : `keys, row ${row}`}: an account has the key ${toHex(rowsOf(bytes!, keyBytes, row, 1))} already`);
      }
      core.read(core.stage, ids.subarray(from, to));
      from = to;
    }
    return ids;
  }

  /** Changes an account: what is named of it, and of its assets those that are named; an asset that is left with nothing goes. */
  update(id: number, change: Partial<A>): void {
    const { account } = this.protocol, { list, name } = account;
    knowFields("change", change, Object.fromEntries(account.fields.map((field) => [field, 0])));
    const { [list]: entries, ...rest } = change as Readonly<Record<string, unknown>>;
    if (entries !== undefined) eachAsset(`change: ${list}`, entries, name, account.entry, this.marketCount, undefined, false);
    const old = this.account(id) as Readonly<Record<string, readonly never[]>>;
    const merged = mergeBy(name, old[list]!, (entries ?? []) as readonly never[]).filter(account.isThere);
    const next = account.read("change", { ...old, ...told(rest), [list]: merged } as A, this.marketCount), { core } = this;
    this.#write(core, 0, next, undefined);
    const fault = core.exports.rewriteAccount(id);
    if (fault) throw fault === -1 ? outOfMemory("more lines") : stale(id);
  }

  /** An account as it is stored. */
  account(id: number): A {
    const { core } = this;
    knowId(id);
    const count = core.exports.readAccount(id);
    if (count < 0) throw stale(id);
    const words = core.read(core.stage, new Uint32Array((count + 1) * CELL / 4)), limbs = new BigUint64Array(words.buffer);
    return this.protocol.account.write({
      category: words[0]!,
      lines: Array.from({ length: count }, (_, i) => {
        const at = (i + 1) * CELL;
        return { asset: words[at / 4]!, kind: words[at / 4 + 1]!, amounts: [valueAt(limbs, at / 16 + 1), valueAt(limbs, at / 16 + 2)] };
      }),
    });
  }

  /** Everything about one account: as stored, or as accrued to the time `at`. */
  inspect(id: number, options: { readonly at?: bigint } = {}): AccountInspection<A> {
    knowFields("options", options, AT);
    const { at } = options, account = this.account(id), { core } = this;
    const key = this.keyBytes ? toHex(core.read(core.stage + INNER, new Uint8Array(this.keyBytes))) : undefined;
    core.exports.view(writeTime(core, "at", at));
    if (core.exports.inspectAccount(id) < 0) throw stale(id);
    const { status, collateral, debt, health, ratio } = readResults(core, EVALUATED, 0), reverts = status === 2n;
    return {
      id, key, account, status: STATUSES[Number(status)]!,
      collateral: reverts ? undefined : collateral, debt: reverts ? undefined : debt,
      ratio: reverts ? undefined : debt ? ratio : Infinity,
      health: reverts ? undefined : debt ? health : Infinity,
    };
  }

  /**
   * At which price of each of its assets an account is liquidated, the other prices fixed: as stored, or as accrued to `at`. Of an
   * asset that is held, the smallest price p ≥ 1, in the oracle's own unit, such that the account is healthy at every price ≥ p; of one
   * that is owed, the largest such that it is healthy at every price ≤ p. What does not count has none.
   */
  liquidationPrices(id: number, options: { readonly at?: bigint } = {}): AccountPrice[] {
    knowFields("options", options, AT);
    const { core } = this, { account } = this.protocol, { lines } = account.read("account", this.account(id), this.marketCount), prices: AccountPrice[] = [];
    core.exports.view(writeTime(core, "at", options.at));
    for (const { asset, kind } of lines) {
      if (kind >= KIND.idle) continue;
      const owed = kind === KIND.owed, answer = core.exports.accountPrice(id, asset, owed);
      if (answer < 0) throw stale(id);
      prices.push({ market: account.base === asset ? undefined : asset, side: owed ? "debt" : "collateral", price: PRICE_KINDS[answer] ?? core.readResult(0) });
    }
    return prices;
  }

  /**
   * Asks one of the protocol's functions of an account in the book (Aave's `accountData`, `liquidationCall` …), with the arguments that
   * are not the account's or its assets': as stored, or as accrued to the time `at`.
   */
  ask<K extends keyof C & string>(id: number, name: K, inputs?: Inputs<C[K]>, options: { readonly at?: bigint } = {}): Answer<C[K]> {
    knowFields("options", options, AT);
    const { core } = this, call = Object.hasOwn(this.protocol.calls, name) ? this.protocol.calls[name] : undefined;
    if (!call) refuse("name", `one of ${Object.keys(this.protocol.calls).join(", ")}`, name);
    knowId(id);
    const values = (inputs ?? {}) as Readonly<Record<string, bigint>>, given = checkFields(name, call.inputs, values);
    const names = Object.keys(call.inputs);
    for (const [position, value] of given) if (call.assets?.includes(names[position]!)) this.knowMarket(Number(value));
    core.exports.view(writeTime(core, "at", options.at));
    const laid = core.exports.lay(id);
    if (laid < 0) throw stale(id);
    for (const [position, value] of given) core.writeArg(call.first + position, value);
    const reason = laid || core.exports[call.name]!();
    const answer: Outcome<object> = reason ? { reverts: true, reason: this.protocol.reasons[reason]! } : { reverts: false, ...readResults(core, call.outputs, 0) };
    return answer as Answer<C[K]>;
  }

  /**
   * What a liquidator does now: account after account in the `order` (by profit, if none is given) that they have at the beginning. Of
   * what an account owes and holds the pair that brings most, of which the contract takes as much as it will; then the account is
   * looked at again as that call leaves it, until it is healthy, or no call brings `minProfit` (0). The first `limit` (100) calls.
   * Nothing of the book changes, but that it scans.
   */
  plan(options: AccountPlanOptions = {}): AccountPlanStep<L>[] {
    knowFields("options", options, { ...PLAN, markets: 0 });
    const { markets, ...rest } = options, { base } = this.protocol.account;
    if (markets !== undefined && (!Array.isArray(markets) || base !== undefined)) refuse("markets", base === undefined ? "a list of numbers" : `left out: ${this.protocol.name} takes accounts whole`, markets);
    markets?.forEach((market) => { this.knowMarket(market); });
    const marketIn = (core: Core, result: number) => {
      const asset = Number(core.readResult(result));
      return asset === base ? undefined : asset;
    };
    return this.steps(
      rest, this.protocol.liquidation, (core) => ({ debt: marketIn(core, PAIR), collateral: marketIn(core, PAIR + 1) }),
      markets?.reduce((mask, market) => mask | 1n << BigInt(market), 0n),
    );
  }

  #write(core: Core, at: number, { category, lines }: Lines, key: Uint8Array | undefined): void {
    const words = new Uint32Array((lines.length + 1) * CELL / 4), limbs = new BigUint64Array(words.buffer);
    words[0] = category;
    words[1] = lines.length;
    if (key) new Uint8Array(words.buffer).set(key, INNER);
    lines.forEach(({ asset, kind, amounts }, i) => {
      const to = (i + 1) * CELL;
      words[to / 4] = asset;
      words[to / 4 + 1] = kind;
      amounts.forEach((amount, j) => { limbs[(to + INNER) / 8 + j * 2] = amount; limbs[(to + INNER) / 8 + j * 2 + 1] = amount >> 64n; });
    });
    core.write(core.stage + at, words);
  }

  /** @internal */
  protected override idsOf(core: Core, found: Found): Float64Array {
    const ids = super.idsOf(core, found);
    eachPage(core, ids, (page) => {
      core.exports.translate(page.length);
      core.read(core.stage, page);
    }, core.stage, core.idPage);
    return ids;
  }
  /** @internal */
  protected override lazily(core: Core, found: Found): Float64Array { return this.idsOf(core, found); } // rows move, ids stay

  /** @internal */
  protected override flip(core: Core, changes: ReadonlyMap<number, Partial<Values<M>>>, fallen: Found, risen: Found): void {
    const shelves = core.exports.startScenario();
    for (const [market, figures] of changes) core.exports.scenario(market, writeFields(core, "scenario", this.protocol.market, figures, false));
    for (let shelf = 0; shelf < shelves; ++shelf) run(core, () => core.exports.preview(shelf), fallen, risen);
  }
}

const PRICE_KINDS = [undefined, "never", "always", "reverts", "undecided"] as const;

/** Results of a plan's step: the markets of its debt and its collateral. */
const PAIR = 26;
/** Results of `inspectAccount`. */
const EVALUATED = { status: uint(8, ""), collateral: uint(256, ""), debt: uint(256, ""), health: uint(256, "wad"), ratio: uint(512, "wad") };
