/**
 * The typed view of plimsoll.wasm: the only file that knows its addresses.
 * assembly/exports is its other side, assembly/layout.ts the map.
 */
import { instantiate } from "#module/instantiate";
import { PlimsollError } from "./errors.js";

/** What the module exports. Booleans come back as 0 and 1; negative results are faults. */
export interface Exports {
  memory: { readonly buffer: ArrayBuffer };
  layout(what: number): number;
  open(keyBytes: number, rule: number, choices: number): number;
  size(): number;
  setSystem(mask: number): void;
  getSystem(): void;
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
  find(skip: number): number;
  marketOf(id: number): number;
  prepare(floor: boolean, near: boolean, market: number, all: boolean): void;
  rewind(): void;
  scan(plane: number, effort: number, market: number, keep: boolean): number;
  found(what: number): number;
  list(plane: number, market: number, near: boolean): number;
  startSelection(order: number, most: number): number;
  candidateIds(count: number): void;
  gather(order: number, limit: number, market: number, near: boolean, floor: boolean): number;
  rank(limit: number): number;
  ranked(from: number, count: number): void;
  reserveAccounts(count: number): number;
  reserveLines(lines: number, count: number): number;
  loadAccounts(count: number): number;
  readAccount(id: number): number;
  rewriteAccount(id: number): number;
  translate(count: number): void;
  lay(id: number): number;
  inspectAccount(id: number): number;
  accountPrice(id: number, asset: number, owed: boolean): number;
  setCategory(category: number, bytes: number): void;
  getCategory(category: number): void;
  startScenario(): number;
  scenario(market: number, mask: number): void;
  preview(market: number): number;
  levels(market: number, count: number, accrued: boolean): number;
  describe(count: number): void;
  inspect(id: number, accrued: boolean): number;
  addBatch(market: number, mask: number): number;
  setBatch(batch: number, mask: number): void;
  getBatch(batch: number): number;
  unquoted(): number;
  planTerms(): void;
  planStep(id: number): number;
  planTake(): number;
  planEnd(): void;
  column(kind: number, done: number): number;
  whatIf(id: number, question: number, asset: number, accrued: boolean, ratio: boolean): number;
  keysAt(chunk: number): number;
}

/** A contract's function: arguments in ARGS, results in RESULTS, the reason of its revert returned (0: none). */
export type RuleExport = () => number;

/** A cut of plimsoll.wasm, compiled when it is first needed. */
export class Module {
  readonly #load: () => WebAssembly.Module;
  #compiled: WebAssembly.Module | undefined;
  #shared: Core | undefined;

  /** @internal */
  constructor(load: () => WebAssembly.Module) { this.#load = load; }

  /** @internal */
  instance(): WebAssembly.Instance { return instantiate((this.#compiled ??= this.#load())); }

  /** The instance that the contracts' functions share; a book has one of its own. */
  get shared(): Core { return (this.#shared ??= new Core(this)); }
}

/** An instance; throws where the host has no memory for it, does not let it compile or (WebKit) be instantiated, or has no WebAssembly. */
function started(module: Module): WebAssembly.Instance {
  try {
    return module.instance();
  } catch (error) {
    if (error instanceof RangeError) throw outOfMemory("the book");
    if (!["CompileError", "EvalError", "ReferenceError"].includes((error as Error).name)) throw error;
    throw new PlimsollError("wasm-blocked", `WebAssembly does not compile here; in a page, script-src of the Content-Security-Policy must have 'wasm-unsafe-eval' (${(error as Error).message})`);
  }
}

const LIMB = 64n, NONE = new BigUint64Array(0);

export type Column = BigUint64Array | Float64Array | Uint32Array | Uint8Array;
/** Rows of a column, `width` numbers each. */
export const rowsOf = <C extends Column>(column: C, width: number, from: number, rows: number) => column.subarray(from * width, (from + rows) * width) as C;
const bytesOf = ({ buffer, byteOffset, byteLength }: Column) => new Uint8Array(buffer, byteOffset, byteLength);

/** One instance of the module with views of its memory, renewed when that has grown. */
export class Core {
  readonly exports: Exports & Record<string, RuleExport>;
  /** Addresses in bytes: arguments, results, the stage, and in it the ids of a bulk update or removal. */
  args!: number;
  results!: number;
  stage!: number;
  ids!: number;
  /** Rows of a page of vaults, hits, ids, markets. */
  page!: number;
  hitPage!: number;
  idPage!: number;
  marketPage!: number;
  /** Values in rows that one call takes. */
  get cells(): number { return this.idPage >>> 2; }
  get stageBytes(): number { return this.idPage * 8; }

  #u64: BigUint64Array = NONE;
  #u8!: Uint8Array;

  constructor(module: Module) {
    this.exports = started(module).exports as unknown as Core["exports"];
    this.#locate();
  }

  #locate(): void {
    [this.args, this.results, this.stage, this.ids, this.page, this.hitPage, this.idPage, this.marketPage] =
      Array.from({ length: 8 }, (_, i) => this.exports.layout(i)) as [number, number, number, number, number, number, number, number];
  }

  /** Opens the book of an instance; false where there is no memory for it. */
  open(keyBytes: number, rule: number, choices: number): boolean {
    const opened = this.exports.open(keyBytes, rule, choices);
    this.#locate(); // how many rows a page holds depends on the rule
    return opened !== 0;
  }

  /** The memory's limbs, with views of it as it is now. When it grows, the old ones are detached, and their length is 0. */
  #renew(): BigUint64Array {
    if (!this.#u64.length) {
      const { buffer } = this.exports.memory;
      this.#u64 = new BigUint64Array(buffer);
      this.#u8 = new Uint8Array(buffer);
    }
    return this.#u64;
  }

  // ---- Figures: 32 bytes each

  /** Writes an integer of up to 256 bits, two's complement. */
  #write(at: number, value: bigint): void {
    const u64 = this.#renew();
    for (let limb = 0; limb < 4; ++limb, value >>= LIMB) u64[(at >>> 3) + limb] = value; // a BigUint64Array takes the low 64 bits
  }
  /** An integer of `count` limbs. */
  #read(at: number, count = 4): bigint { return limbs(this.#renew(), at >>> 3, count); }

  writeArg(field: number, value: bigint): void { this.#write(this.args + field * 32, value); }
  readArg(field: number): bigint { return this.#read(this.args + field * 32); }
  readResult(field: number, count?: number): bigint { return this.#read(this.results + field * 32, count); }

  /** The rows of lists stand in the stage. */
  writeCells(cells: readonly bigint[]): void {
    cells.forEach((value, i) => { this.#write(this.stage + i * 32, value); });
  }
  readCell(cell: number): bigint { return this.#read(this.stage + cell * 32); }

  // ---- Columns

  /** Where a column of vaults begins (keys stand behind the last), one of markets, a stream of rows. */
  column(column: number): number { return this.stage + column * 16 * this.page; }
  marketColumn(column: number): number { return this.stage + this.marketPage * (4 + 16 * column); }
  stream(stream: number): number { return this.stage + stream * 4 * this.idPage; }

  /** Writes one value of a vault's column. */
  writeVault(column: number, value: bigint): void {
    const u64 = this.#renew(), at = this.column(column) >>> 3;
    u64[at] = value;
    u64[at + 1] = value >> LIMB;
  }

  write(at: number, rows: Column): void {
    this.#renew();
    this.#u8.set(bytesOf(rows), at);
  }

  /** Fills an array from memory. */
  read<C extends Column>(at: number, rows: C): C {
    this.#renew();
    bytesOf(rows).set(this.#u8.subarray(at, at + rows.byteLength));
    return rows;
  }

  /** Fills rows of columns from the description of hits: behind their ids the columns one after the other, each a page long. */
  readHits(columns: readonly Column[], count: number, from: number, rows: number): void {
    let at = this.stage + this.hitPage * 8;
    for (const column of columns) {
      const width = column.length / count;
      this.read(at, rowsOf(column, width, from, rows));
      at += this.hitPage * width * column.BYTES_PER_ELEMENT;
    }
  }
}

const AGED = 0x80000000, ROWS = 1024, LIFE = 2 ** 32;

/** The ids of the rows in streams; assembly/screen/pass.ts writes them. */
export function decodeIds({ streams, count }: { readonly streams: readonly Uint32Array[]; readonly count: number }): Float64Array {
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
  return new PlimsollError("out-of-memory", `no memory for ${what}: WebAssembly has 4 GiB, or what the host allows`);
}

/** An unsigned integer of little-endian limbs. */
export function limbs(view: BigUint64Array, at: number, count: number): bigint {
  let value = 0n;
  for (let i = count - 1; i >= 0; --i) value = (value << LIMB) | view[at + i]!;
  return value;
}
