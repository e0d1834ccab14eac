/**
 * The typed view of plimsoll.wasm: the only file that instantiates the module and knows its addresses.
 * assembly/index.ts is its other side, assembly/layout.ts the map.
 */
import { instantiateSync } from "@assemblyscript/loader";
import { loadModule } from "#module";
import { PlimsollError } from "./errors.js";

/** What the module exports. Booleans come back as 0 and 1; negative results are faults. */
export interface Exports {
  memory: { readonly buffer: ArrayBuffer };
  layout(what: number): number;
  open(keyBytes: number): number;
  size(): number;
  setSystem(mask: number): void;
  addMarket(mask: number): number;
  setMarket(market: number, mask: number): void;
  setMarkets(count: number, mask: number): void;
  getMarket(market: number): void;
  view(accrued: boolean): void;
  accrue(): number;
  reserve(market: number, count: number): number;
  load(market: number, count: number): number;
  update(id: number, mask: number, from: number): number;
  remove(id: number): number;
  check(count: number, mark: boolean): number;
  unmark(count: number): void;
  updateMany(count: number, mask: number): void;
  removeMany(count: number): void;
  holds(id: number): number;
  find(skip: number): number;
  marketOf(id: number): number;
  prepare(floor: boolean, near: boolean, market: number): void;
  touchAll(): void;
  rewind(): void;
  scan(plane: number, effort: number, market: number, keep: boolean): number;
  found(what: number): number;
  emptyStreams(): void;
  list(plane: number, market: number, near: boolean): number;
  startSelection(order: number): void;
  reserveCandidates(count: number): number;
  candidateIds(order: number, count: number): number;
  gather(order: number, limit: number, market: number, near: boolean, floor: boolean): number;
  rank(limit: number): number;
  ranked(from: number, count: number): void;
  scenario(market: number, mask: number): void;
  preview(market: number): number;
  describe(count: number): void;
  inspect(id: number, accrued: boolean): number;
  brokenMarket(): number;
  startColumn(): void;
  column(kind: number): number;
  keysAt(chunk: number): number;
}

type Layout = [args: number, results: number, stage: number, ids: number, page: number, hitPage: number, idPage: number, marketPage: number];

/** A contract's function: arguments in ARGS, results in RESULTS, the reason of its revert returned (0: none). */
export type RuleExport = () => number;

let compiled: WebAssembly.Module | undefined;
let shared: Core | undefined;

/** The instance that the contracts' functions share; a book has one of its own. */
export function sharedCore(): Core {
  return (shared ??= new Core());
}

const LIMB = 64n, NONE = new BigUint64Array(0);

/** One instance of the module with views of its memory, renewed when that has grown. */
export class Core {
  readonly exports: Exports & Record<string, RuleExport>;
  /** Rows of a page of vaults, hits, ids, markets. */
  readonly page: number;
  readonly hitPage: number;
  readonly idPage: number;
  readonly marketPage: number;
  /** Values in rows that one call takes. */
  get cells(): number { return this.idPage >>> 2; }

  #stage: number;
  #args: number;
  #results: number;
  #ids: number;
  #u64: BigUint64Array = NONE;
  #f64!: Float64Array;
  #u32!: Uint32Array;
  #u8!: Uint8Array;

  constructor() {
    this.exports = instantiateSync((compiled ??= loadModule()), {}).instance.exports as unknown as Core["exports"];
    const { exports } = this;
    const [args, results, stage, ids, page, hitPage, idPage, marketPage] = Array.from({ length: 8 }, (_, i) => exports.layout(i)) as Layout;
    this.#args = args >>> 3;
    this.#results = results >>> 3;
    this.#stage = stage;
    this.#ids = ids;
    this.page = page;
    this.hitPage = hitPage;
    this.idPage = idPage;
    this.marketPage = marketPage;
    this.#renew();
  }

  /** Views of the memory as it is now. When it grows, the old ones are detached, and their length is 0. */
  #renew(): void {
    if (this.#u64.length) return;
    const { buffer } = this.exports.memory;
    this.#u64 = new BigUint64Array(buffer);
    this.#f64 = new Float64Array(buffer);
    this.#u32 = new Uint32Array(buffer);
    this.#u8 = new Uint8Array(buffer);
  }

  // ---- Figures: 32 bytes each

  /** Writes an integer of up to 256 bits, two's complement, as argument `field`. */
  writeArg(field: number, value: bigint): void { this.#write(this.#args + field * 4, value); }

  #write(at: number, value: bigint): void {
    this.#renew();
    const u64 = this.#u64;
    u64[at] = value; // a BigUint64Array takes the low 64 bits
    u64[at + 1] = value >> LIMB;
    u64[at + 2] = value >> 128n;
    u64[at + 3] = value >> 192n;
  }

  /** Writes the rows of lists to the stage, 32 bytes a value. */
  writeCells(cells: readonly bigint[]): void {
    cells.forEach((value, i) => { this.#write((this.#stage >>> 3) + i * 4, value); });
  }
  readCell(cell: number): bigint {
    this.#renew();
    return limbs(this.#u64, (this.#stage >>> 3) + cell * 4, 4);
  }

  readArg(field: number): bigint {
    this.#renew();
    return limbs(this.#u64, this.#args + field * 4, 4);
  }

  /** Reads `count` limbs of result `field`. */
  readResult(field: number, count = 4): bigint {
    this.#renew();
    return limbs(this.#u64, this.#results + field * 4, count);
  }

  /** Writes a key as argument 0. */
  writeKey(key: Uint8Array): void {
    this.#renew();
    this.#u8.set(key, this.#args << 3);
  }

  // ---- The stage

  /** Writes one value of a vault's column. */
  writeVault(column: number, value: bigint): void {
    const at = (this.#stage + column * 16 * this.page) >>> 3;
    this.#renew();
    this.#u64[at] = value;
    this.#u64[at + 1] = value >> LIMB;
  }

  /** Writes rows of a vault's column, two limbs each. */
  writeColumn(column: number, rows: BigUint64Array): void {
    this.#renew();
    this.#u64.set(rows, (this.#stage + column * 16 * this.page) >>> 3);
  }

  /** Writes keys behind `columns` columns. */
  writeKeys(columns: number, keys: Uint8Array): void {
    this.#renew();
    this.#u8.set(keys, this.#stage + columns * 16 * this.page);
  }

  /** Writes ids behind the columns, for a bulk update or removal. */
  writeIds(ids: Float64Array): void {
    this.#renew();
    this.#f64.set(ids, this.#ids >>> 3);
  }

  /** Writes ids at the stage's beginning, for an order or a description. */
  writeHits(ids: Float64Array): void {
    this.#renew();
    this.#f64.set(ids, this.#stage >>> 3);
  }

  /** Copies `count` ids from the stage's beginning. */
  readIds(count: number): Float64Array {
    this.#renew();
    const at = this.#stage >>> 3;
    return this.#f64.slice(at, at + count);
  }

  /** Rows that a pass found: those that fell, or those that rose. */
  found(risen: boolean): number { return this.exports.found(risen ? 2 : 0); }

  /** Copies them, as the module writes them. */
  readStream(risen: boolean): Uint32Array {
    this.#renew();
    const at = (this.#stage >>> 2) + (risen ? this.idPage : 0);
    return this.#u32.slice(at, at + this.exports.found(risen ? 3 : 1));
  }

  writeMarkets(markets: Uint32Array): void {
    this.#renew();
    this.#u32.set(markets, this.#stage >>> 2);
  }

  writeMarketColumn(column: number, rows: BigUint64Array): void {
    this.#renew();
    this.#u64.set(rows, (this.#stage + this.marketPage * (4 + 16 * column)) >>> 3);
  }

  /** Copies `count` numbers of a column of f64s, or of two limbs each, from the stage into `out`. */
  copyFloats(out: Float64Array, to: number, count: number): void {
    this.#renew();
    out.set(this.#f64.subarray(this.#stage >>> 3, (this.#stage >>> 3) + count), to);
  }
  copyLimbs(out: BigUint64Array, to: number, count: number): void {
    this.#renew();
    out.set(this.#u64.subarray(this.#stage >>> 3, (this.#stage >>> 3) + count * 2), to * 2);
  }

  /** Copies the description of `count` hits: markets, columns (the vault's, then health and debt), keys. */
  copyDescription(count: number, to: number, markets: Uint32Array, columns: BigUint64Array[], keys: Uint8Array | undefined, keyBytes: number): void {
    this.#renew();
    const rows = this.hitPage;
    let at = this.#stage + rows * 8;
    markets.set(this.#u32.subarray(at >>> 2, (at >>> 2) + count), to);
    at += rows * 4;
    for (const column of columns) {
      column.set(this.#u64.subarray(at >>> 3, (at >>> 3) + count * 2), to * 2);
      at += rows * 16;
    }
    keys?.set(this.#u8.subarray(at, at + count * keyBytes), to * keyBytes);
  }

  /** Copies the key that `inspect` left at the stage's beginning. */
  readKey(keyBytes: number): Uint8Array {
    this.#renew();
    return this.#u8.slice(this.#stage, this.#stage + keyBytes);
  }
}

const AGED = 0x80000000, ROWS = 1024, LIFE = 2 ** 32;

/** The ids of the rows in streams; assembly/screen/pass.ts writes them. */
export function decodeIds(streams: readonly Uint32Array[], count: number): Float64Array {
  const ids = new Float64Array(count);
  let to = 0;
  for (const stream of streams) for (let at = 0; at < stream.length;) {
    const head = stream[at++]!;
    if (head & AGED) {
      const first = (head ^ AGED) * ROWS;
      for (let left = stream[at++]!; left > 0; --left) {
        const entry = stream[at++]!;
        ids[to++] = (entry >>> 16) * LIFE + first + (entry & 0xffff);
      }
    } else {
      const first = LIFE + head * ROWS;
      for (let words = stream[at++]!; words; words &= words - 1) {
        const base = first + 32 * (31 - Math.clz32(words & -words));
        for (let bits = stream[at++]!; bits; bits &= bits - 1) ids[to++] = base + 31 - Math.clz32(bits & -bits);
      }
    }
  }
  return ids;
}

export function outOfMemory(what: string): PlimsollError {
  return new PlimsollError("out-of-memory", `no memory for ${what}: WebAssembly memory ends at 4 GiB, and the host may set less`);
}

/** An unsigned integer of little-endian limbs. */
export function limbs(view: BigUint64Array, at: number, count: number): bigint {
  let value = 0n;
  for (let i = count - 1; i >= 0; --i) value = (value << LIMB) | view[at + i]!;
  return value;
}
