/** A book of vaults, each in one market. */
import { type Core, type Module, outOfMemory, rowsOf } from "./abi.js";
import { type Columns, type Given, type Ids, type PlanOptions, type PlanStep, type Status, AMOUNTS, AT, AnyBook, MARKETS, STATUSES, checkColumns, checkIds, checkRows, eachPage, knowId, removeChecked, stale, writeTime } from "./book.js";
import { PlimsollError, refuse, show } from "./errors.js";
import { MAX_U128, valueAt } from "./hits.js";
import { type Key, keyBytesOf, toHex } from "./keys.js";
import { type Complete, type Fields, type LiquidationPrice, type Protocol, type Values, contractFunction, encode, knowFields, readResults, uint, writeFields } from "./protocol.js";

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
export type BookOf<P> = P extends Protocol<infer V, infer M, infer S, infer L, infer B> ? Book<V, M, S, L, B> : never;

/** Results of `inspect` between the vault and the liquidation, 13 places; `inspect` of assembly/rules is the other side. */
const INSPECTED = {
  status: uint(8, ""), valued: uint(8, ""), debt: uint(512, "wad"), ratio: uint(512, "wad"), health: uint(512, "wad"), price: uint(768, ""),
  kind: uint(8, ""), reason: uint(8, ""),
};

/** A book of vaults, each in one market. */
export class Book<
  V extends Fields = Fields, M extends Fields = Fields, S extends Fields = Fields, L extends Fields = Fields, B extends Fields = Fields,
> extends AnyBook<V, M, S> {
  readonly protocol: Protocol<V, M, S, L, B>;
  readonly #columns: string[];
  #batches = 0;

  /** @internal */
  constructor(protocol: Protocol<V, M, S, L, B>, capacity: number, keyBytes: number) {
    super(protocol, capacity, keyBytes);
    this.protocol = protocol;
    this.#columns = Object.keys(protocol.vault);
  }

  /**
   * Adds a batch of a market's vaults, which share its debt (Liquity v2), and answers its number, from 1 on: vaults name it. Changing a
   * batch changes all its vaults, and makes the market's keys anew, as the next scan of that market does all its work.
   */
  addBatch(market: number, figures: Values<B>): number {
    const core = this.core, fields = this.#batch();
    this.knowMarket(market);
    const batch = core.exports.addBatch(market, writeFields(core, "batch", fields, figures as Record<string, unknown>, true));
    if (!batch) throw outOfMemory("another batch");
    return (this.#batches = batch);
  }

  /** Changes figures of a batch; those not named stay. */
  setBatch(batch: number, figures: Partial<Values<B>>): void {
    const core = this.core, fields = this.#batch();
    this.#knowBatch(core, "batch", batch, 1);
    core.exports.setBatch(batch, writeFields(core, `batch ${batch}`, fields, figures as Record<string, unknown>, false));
  }

  /** Batches in the book; their numbers are 1 to this. */
  get batchCount(): number { return this.core && this.#batches; }

  /** The figures of a batch as they are stored. */
  batch(batch: number): Complete<B> {
    const core = this.core, fields = this.#batch();
    this.#knowBatch(core, "batch", batch, 1);
    core.exports.getBatch(batch);
    return readResults(core, fields, 0) as Complete<B>;
  }

  #knowBatches(core: Core, vaults: { readonly batch?: BigUint64Array }, marketOf: (row: number) => number): void {
    const column = vaults.batch;
    if (this.protocol.batch && column) for (let row = 0; row * 2 < column.length; ++row) this.#knowBatch(core, `vaults: batch, row ${row}`, Number(valueAt(column, row)), 0, marketOf(row));
  }
  /** A vault has a debt of its own, or a share of a batch's: all of the one; what it has of the other does not count. */
  #knowDebt(what: string, vault: Readonly<Record<string, unknown>>): void {
    const { alone = [], batched = [] } = this.protocol, isBatched = batched.some((name) => vault[name] !== undefined && vault[name] !== 0n);
    for (const name of isBatched ? batched : alone) {
      if (vault[name] === undefined) throw new PlimsollError("missing-field", `${what} lacks ${name}, which a vault ${isBatched ? "in a batch" : "without a batch"} has`);
    }
  }
  #batch(): B {
    const { batch, name } = this.protocol;
    if (!batch) throw new PlimsollError("invalid-argument", `vaults of ${name} stand in no batches`);
    return batch;
  }
  /** Throws unless there is the batch, and of the market, if that is given. */
  #knowBatch(core: Core, what: string, batch: number, least: number, market?: number): void {
    if (!Number.isInteger(batch) || batch < least || batch > this.#batches) {
      throw new PlimsollError("unknown-batch", `${what}: there is no batch ${show(batch)}: this book has ${this.#batches}, numbered from 1`);
    }
    const own = market !== undefined && batch ? core.exports.getBatch(batch) : market;
    if (own !== market) throw new PlimsollError("unknown-batch", `${what}: the batch ${batch} is of market ${own}, not ${market}`);
  }

  /** Adds a vault and answers its id. `key`: in a book with keys, one that no other vault of the market has. */
  add(market: number, vault: Values<V>, key?: Key): number {
    const core = this.core;
    this.knowMarket(market);
    this.#writeVault(core, "vault", vault as Record<string, unknown>, true, market);
    const bytes = this.checkKeys(key, () => keyBytesOf(key, this.keyBytes));
    this.reserve(market, 1);
    if (bytes) core.write(core.column(this.#columns.length), bytes);
    if (core.exports.load(market, 1)) throw duplicateKey("key", bytes!, market);
    return core.read(core.stage, new Float64Array(1))[0]!;
  }

  /**
   * Adds many vaults at once, all or none, and answers their ids in order. Columns hold two little-endian limbs a vault,
   * `keys` one key after the other. The arrays are read, not kept. The ids go into `ids` if it is given (which may hold some if the call fails).
   */
  load(market: number, vaults: Columns<V>, keys?: Uint8Array, ids?: Float64Array): Float64Array {
    const core = this.core, { keyBytes } = this;
    this.knowMarket(market);
    const { columns, count } = checkColumns("vaults", this.protocol.vault, vaults, true);
    this.#knowBatches(core, vaults, () => market);
    const { alone = [], batched = [] } = this.protocol, given = vaults as Readonly<Record<string, unknown>>;
    if (alone.length && ![alone, batched].some((names) => names.every((name) => given[name]))) {
      throw new PlimsollError("missing-field", `vaults lack ${alone.join(", ")}, or ${batched.join(", ")}`);
    }
    const bytes = this.checkKeys(keys, () => checkRows("keys", keys, Uint8Array, count, keyBytes));
    if (ids !== undefined) checkRows("ids", ids, Float64Array, count, 1);
    this.reserve(market, count);
    ids ??= new Float64Array(count);
    for (let from = 0; from < count; from += core.page) {
      const page = rowsOf(ids, 1, from, core.page);
      writeColumns(core, columns, from, page.length);
      if (bytes) core.write(core.column(columns.length), rowsOf(bytes, keyBytes, from, page.length));
      const failed = core.exports.load(market, page.length);
      if (failed) {
        const row = from - 1 - failed;
        removeChecked(core, ids.subarray(0, from)); // only what this call took in
        throw duplicateKey(`keys, row ${row}`, rowsOf(bytes!, keyBytes, row, 1), market);
      }
      core.read(core.stage, page);
    }
    return ids;
  }

  /** All vaults in the order of `ids()`: the market of each, and their amounts as `load` takes them. */
  vaults(): { readonly markets: Uint32Array; readonly vault: Columns<V> } {
    const vault = Object.fromEntries(this.#columns.map((name, i) => [name, this.column(AMOUNTS + i, BigUint64Array, 2)]));
    return { markets: this.column(MARKETS, Uint32Array, 1), vault: vault as unknown as Columns<V> };
  }

  /** Changes amounts of a vault; those not named stay. */
  update(id: number, vault: Partial<Values<V>>): void {
    const core = this.core;
    knowId(id);
    const market = this.protocol.batch ? core.exports.marketOf(id) : 0;
    if (market < 0) throw stale(id);
    const mask = this.#writeVault(core, "vault", vault, false, market);
    if (core.exports.update(id, mask, 0) < 0) throw stale(id);
  }

  /** Changes amounts of many vaults, all or none: for each column named, two limbs a vault. Of a vault named twice the last row stays. */
  updateMany(ids: Ids, vaults: Partial<Columns<V>>): void {
    const core = this.core, rows = checkIds(ids);
    const { columns, mask } = checkColumns("vaults", this.protocol.vault, vaults, false, rows.length);
    eachPage(core, rows, (page, from) => {
      const bad = core.exports.check(page.length, false);
      if (bad >= 0) throw stale(page[bad]!, from + bad);
    });
    this.#knowBatches(core, vaults, (row) => core.exports.marketOf(rows[row]!));
    eachPage(core, rows, (page, from) => {
      writeColumns(core, columns, from, page.length);
      core.exports.updateMany(page.length, mask);
    });
  }

  /**
   * What a liquidator does now: vault after vault in the `order` (by profit, if none is given) that they have at the beginning, the first
   * `limit` (100) that the contract accepts and that bring `minProfit` (0). What vaults share is carried along: the room for auctions,
   * a market's totals, the stability pool and the TCR, a batch, the budget. Nothing of the book changes, but that it scans.
   */
  plan(options: PlanOptions = {}): PlanStep<L>[] {
    return this.steps(options, this.protocol.liquidation, (core, id) => ({ market: core.exports.marketOf(id) }));
  }

  /** Everything about one vault: as stored, or as accrued to the time `at`. */
  inspect(id: number, options: { readonly at?: bigint } = {}): Inspection<V, L> {
    knowFields("options", options, AT);
    const core = this.core, { vault, liquidation, reasons } = this.protocol;
    knowId(id);
    const market = core.exports.inspect(id, writeTime(core, "at", options.at));
    if (market < 0) throw stale(id);
    const { status, valued, debt, ratio, health, price, kind, reason } = readResults(core, INSPECTED, this.#columns.length);
    return {
      id, market,
      key: this.keyBytes ? toHex(core.read(core.stage, new Uint8Array(this.keyBytes))) : undefined,
      vault: readResults(core, vault, 0),
      status: STATUSES[Number(status)]!,
      debt: valued ? debt : undefined,
      ratio: valued & 2n ? ratioOf(ratio) : undefined,
      health: valued & 2n ? ratioOf(health) : undefined,
      liquidationPrice: priceOf(kind, price),
      liquidation: reason ? { refused: true, reason: reasons[Number(reason)]! } : { refused: false, ...readResults(core, liquidation, this.#columns.length + 13) },
    };
  }

  /** Checks amounts and writes them to the stage's first row; answers a mask of the columns named. */
  #writeVault(core: Core, what: string, vault: Readonly<Record<string, unknown>>, whole: boolean, market: number): number {
    const names = this.#columns, fields = this.protocol.vault, calls = this.calls;
    if (typeof vault !== "object" || vault === null) knowFields(what, vault, fields);
    if (whole) this.#knowDebt(what, vault);
    let mask = 0, known = 0;
    for (let column = 0; column < names.length; ++column) {
      const name = names[column]!, value = vault[name];
      if (value === undefined && !(name in vault)) {
        if (!whole) continue;
        if (fields[name]!.default === undefined) throw new PlimsollError("missing-field", `${what} lacks ${name}`);
        core.writeVault(column, fields[name]!.default);
        mask |= 1 << column;
        continue;
      }
      if (name === "batch" && fields[name] && this.protocol.batch) this.#knowBatch(core, `${what}: batch`, Number(encode(`${what}: batch`, fields[name], value)), 0, market);
      core.writeVault(column, typeof value === "bigint" && value >= 0n && value <= MAX_U128 ? value : encode(`${what}: ${name}`, fields[name]!, value));
      mask |= 1 << column;
      ++known;
    }
    for (const _ in vault) --known;
    if (known) knowFields(what, vault, fields); // more names than known ones
    // A getter of the caller's that called the book may have written over the stage: plain values instead.
    return calls === this.calls ? mask : this.#writeVault(core, what, { ...vault }, whole, market);
  }

  /** Makes room for vaults of a market. @internal */
  reserve(market: number, count: number): void {
    this.checkCapacity(count);
    if (this.core.exports.reserve(market, count) < 0) throw outOfMemory(`${count} more vaults`);
  }
}

function duplicateKey(name: string, key: Uint8Array, market: number): PlimsollError {
  return new PlimsollError("duplicate-key", `${name}: market ${market} has a vault with the key ${toHex(key)} already`);
}

function writeColumns(core: Core, columns: Given, from: number, rows: number): void {
  for (const [position, column] of columns) core.write(core.column(position), rowsOf(column, 2, from, rows));
}

// ---- What protocols of vaults share

/** A ratio as it is answered: without debt it has all its 512 bits set. */
export const ratioOf = (value: bigint): bigint | number => (value >> 511n ? Infinity : value);

/** A liquidation price as it is answered. */
export const priceOf = (kind: bigint, price: bigint): LiquidationPrice => ([price, "never", "always", "reverts"] as const)[Number(kind)]!;

/** A function of the module that answers a liquidation price. */
export function priceFunction<I extends Fields>(module: Module, what: string, name: string, inputs: I): (inputs: Values<I>) => LiquidationPrice {
  const call = contractFunction(module, what, name, [], inputs, { price: uint(768, ""), kind: uint(8, "") });
  return (values) => {
    const { price, kind } = call(values) as { readonly price: bigint; readonly kind: bigint };
    return priceOf(kind, price);
  };
}

/** Throws unless each is the number of one of so many rows, from 1. */
export function checkNumbers(what: string, numbers: readonly bigint[], rows: number): void {
  numbers.forEach((number, i) => {
    if (number < 1n || number > BigInt(rows)) refuse(`${what}[${i}]`, `the number of a row, from 1 to ${rows}`, number, "out-of-range");
  });
}
