/**
 * Books as Apache Arrow IPC files, which DuckDB, pandas, Polars and browsers read and write.
 *
 * A row is a vault: its `market` (uint32), the protocol's amounts under their own names, `decimal128(38, 0)` where all of a column
 * fit and `fixed_size_binary(16)`, little-endian, where not, and in a book with keys its `key` (`fixed_size_binary`). A row of a book
 * of accounts has the account's fields and a list of its entries, a struct each. The schema's metadata has `plimsoll.version`,
 * `plimsoll.protocol`, `plimsoll.revision`, `plimsoll.block`, `plimsoll.timestamp`, `plimsoll.keyBytes`, and in `plimsoll.figures` those
 * of the system, the markets and the categories: JSON, integers as strings of digits.
 * @module
 */
import { type Batch, type DataType, Column as ArrowColumn, Type, batchType, bool, columnFromArray, decimal128, field, fixedSizeBinary, list, struct, tableFromColumns, tableToIPC, uint32 } from "@uwdata/flechette";
import { decodeIPC } from "@uwdata/flechette/src/decode/decode-ipc.js";
import { limbs } from "./abi.js";
import type { AccountBook } from "./accounts.js";
import { type BookOptions, type Columns, openBook } from "./book.js";
import { PlimsollError, refuse, show } from "./errors.js";
import { keyBytesOf } from "./keys.js";
import { type AccountProtocol, type Described, type Field, type Fields, type Protocol, type Values, knowFields, uint } from "./protocol.js";
import type { Book } from "./vaults.js";

/** When the figures were on chain, for a snapshot's tag. */
export interface SnapshotTime {
  readonly block?: bigint;
  /** Seconds. */
  readonly timestamp?: bigint;
}

/** What a file says of itself. */
export interface Snapshot extends SnapshotTime {
  /** The protocol's name, as `maker.name`; undefined in a file without a tag, which another tool wrote. */
  readonly protocol: string | undefined;
  /** Of protocols with several: Aave's POOL_REVISION. */
  readonly revision: string | undefined;
  /** Vaults. */
  readonly size: number;
  /** Bytes of the vaults' keys; 0 without keys. */
  readonly keyBytes: number;
}

/** The figures of a book, by the names that `setSystem`, `addMarket`, `addBatch` and `setCategory` take. */
export interface SnapshotFigures<M extends Fields = Fields, S extends Fields = Fields, K extends Fields = Fields, B extends Fields = Fields> {
  readonly system?: Partial<Values<S>>;
  readonly markets: readonly Values<M>[];
  /** Each with the market that it is of. */
  readonly batches?: readonly { readonly market: number; readonly figures: Values<B> }[];
  readonly categories?: Readonly<Record<number, Values<K>>>;
}

export interface LoadOptions<M extends Fields = Fields, S extends Fields = Fields, K extends Fields = Fields, B extends Fields = Fields> extends Pick<BookOptions, "capacity"> {
  /** In place of the file's own; a file that another tool wrote, without a tag, needs them. Rows name markets by their place here. */
  readonly figures?: SnapshotFigures<M, S, K, B>;
}

type AnyProtocol = Described & { readonly category?: Fields; readonly batch?: Fields };
type Figures = { readonly [name: string]: unknown };

const VERSION = "1", KEY = "key", MARKET = "market";
const U64 = uint(64, "");
const bad = (why: string) => new PlimsollError("bad-snapshot", `this is no snapshot: ${why}`);

// ---- Save

/**
 * A book as an Arrow IPC file. Vaults stand in the order of `ids()`; accounts without keys in the order of their ids, by which ties go.
 * @throws `disposed`, and what a wrong `time` asks for
 */
// biome-ignore lint/suspicious/noExplicitAny: a book of any protocol
export function saveBook(book: Book<any, any, any, any, any> | AccountBook<any, any, any, any, any, any>, time: SnapshotTime = {}): Uint8Array {
  if (!(book?.protocol?.vault && "size" in book)) refuse("what saveBook saves", "a book", book);
  knowFields("time", time, { block: 0, timestamp: 0 });
  const { keyBytes } = book, { name, revision } = book.protocol as AnyProtocol, columns: [string, ArrowColumn<unknown>][] = [];
  for (const [what, value] of Object.entries(time)) if (value !== undefined) checked(what, U64, value);
  if (ofVaults(book)) {
    const { markets, vault } = book.vaults();
    columns.push([MARKET, columnOf(uint32(), markets, book.size)]);
    for (const [amount, values] of Object.entries(vault as Columns<Fields>)) columns.push([amount, amountsOf(values)]);
    const keys = book.keys();
    if (keys) columns.push([KEY, columnOf(fixedSizeBinary(keyBytes), keys, book.size)]);
  } else columns.push(...accountColumns(book as AccountBook));
  const table = tableFromColumns(columns), { schema } = table;
  schema.fields.forEach(({ name, type }, i) => { schema.fields[i] = field(name, type, false); });
  schema.metadata = new Map(Object.entries({
    "plimsoll.version": VERSION, "plimsoll.protocol": name, "plimsoll.revision": revision, "plimsoll.block": time.block, "plimsoll.timestamp": time.timestamp,
    "plimsoll.keyBytes": keyBytes, "plimsoll.figures": JSON.stringify(figuresOf(book), (_, value) => (typeof value === "bigint" ? String(value) : value)),
  }).filter(([, value]) => value !== undefined).map(([key, value]) => [key, String(value)]));
  return sealed(tableToIPC(table, { format: "file" })!);
}

/** Which of the two it is, without the class: a bundle has the one that its protocols need. */
const ofVaults = (book: Book | AccountBook): book is Book => !("account" in book.protocol);

function figuresOf(book: Book | AccountBook): SnapshotFigures {
  const markets = Array.from({ length: book.marketCount }, (_, market) => book.market(market)), system = book.system();
  if (ofVaults(book)) {
    const batches = Array.from({ length: book.batchCount }, (_, i) => ({ market: book.core.exports.getBatch(i + 1), figures: book.batch(i + 1) }));
    return { system, markets, ...(book.protocol.batch ? { batches } : {}) };
  }
  if (!book.protocol.category) return { system, markets };
  const categories: Record<number, object> = {};
  for (let number = 1; number < 256; ++number) {
    const figures = book.category(number);
    if (Object.values(figures).some(Boolean)) categories[number] = figures;
  }
  return { system, markets, categories };
}

/** A column of values as they stand in memory. */
function columnOf(type: DataType, values: unknown, length: number): ArrowColumn<unknown> {
  const Rows = batchType(type) as unknown as new (of: object) => Batch<unknown>;
  return new ArrowColumn(!length ? [] : [new Rows({ length, nullCount: 0, type, validity: new Uint8Array(0), values })], type);
}

const decimal = decimal128(38, 0), MOST_DECIMAL = 10n ** 38n - 1n, MOST_TOP = Number(MOST_DECIMAL >> 96n);

/** Whether all fit into 38 digits: nearly always the top 32 bits tell. */
function areDecimal(values: BigUint64Array): boolean {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
  for (let at = 3; at < words.length; at += 4) if (words[at]! >= MOST_TOP && limbs(values, (at - 3) / 2, 2) > MOST_DECIMAL) return false;
  return true;
}
function amountsOf(values: BigUint64Array): ArrowColumn<unknown> {
  const length = values.length / 2;
  return areDecimal(values) ? columnOf(decimal, values, length) : columnOf(fixedSizeBinary(16), new Uint8Array(values.buffer, values.byteOffset, values.byteLength), length);
}

function accountColumns(book: AccountBook): [string, ArrowColumn<unknown>][] {
  const { keyBytes, protocol: { account } } = book, all = book.ids(), keys = book.keys();
  const accounts = Array.from(keys ? all : all.sort(byNumber), (id) => book.account(id) as Figures), columns: [string, ArrowColumn<unknown>][] = [];
  for (const name of ownFields(account)) columns.push([name, columnFromArray(accounts.map((one) => one[name] as bigint), decimal)]);
  const entries = accounts.map((one) => one[account.list] as readonly Figures[]);
  const entry: [string, Field<unknown>, DataType][] = Object.entries(account.entry).map(([name, of]) => {
    const fits = of.kind === "bool" || entries.every((rows) => rows.every((row) => ((row[name] as bigint | undefined) ?? 0n) <= MOST_DECIMAL));
    return [name, of, of.kind === "bool" ? bool() : fits ? decimal : fixedSizeBinary(16)];
  });
  const type = list(struct([field(account.name, uint32(), false), ...entry.map(([name, of, type]) => field(name, type, of.kind === "bool"))]));
  const rows = entries.map((of) => of.map((row) => Object.fromEntries([
    [account.name, row[account.name]],
    ...entry.map(([name, of, type]) => {
      const value = row[name] ?? (of.kind === "bool" ? null : of.default ?? 0n);
      return [name, type.typeId === Type.FixedSizeBinary ? bytes16(value as bigint) : value];
    }),
  ])));
  columns.push([account.list, columnFromArray(rows, type)]);
  if (keys) columns.push([KEY, columnOf(fixedSizeBinary(keyBytes), keys, accounts.length)]);
  return columns;
}

/** Ids of accounts in the order of their numbers. */
const byNumber = (a: number, b: number) => a % 2 ** 32 - b % 2 ** 32;
const bytes16 = (value: bigint) => new Uint8Array(BigUint64Array.of(value, value >> 64n).buffer);
/** The fields that every account has beside its list. */
function ownFields({ list, write }: AccountProtocol["account"]): string[] {
  return Object.keys(write({ category: 0, lines: [] }) as object).filter((name) => name !== list);
}

// ---- The seal: where nobody looks, between the end of the stream and the footer, a hash of all other bytes; who rewrites the file loses it

const MARK = "plimsoll", SEAL_BYTES = MARK.length + 16, TAIL = 10; // a footer's length, and ARROW1

function sealed(file: Uint8Array): Uint8Array {
  const footer = footerOf(file), whole = new Uint8Array(file.length + SEAL_BYTES), seal = hash(file.subarray(0, footer), file.subarray(footer));
  whole.set(file.subarray(0, footer));
  whole.set(Uint8Array.from(MARK, (letter) => letter.charCodeAt(0)), footer);
  whole.set(new Uint8Array(seal.buffer), footer + MARK.length);
  whole.set(file.subarray(footer), footer + SEAL_BYTES);
  return whole;
}

function checkSeal(file: Uint8Array, footer: number): void {
  const from = footer - SEAL_BYTES;
  if (from < 0 || String.fromCharCode(...file.subarray(from, from + MARK.length)) !== MARK) return;
  const seal = new Uint8Array(hash(file.subarray(0, from), file.subarray(footer)).buffer);
  if (seal.some((byte, i) => byte !== file[from + MARK.length + i])) throw bad("its bytes are not those that were saved");
}

/** Four lanes that take two words at a step. Every step is a bijection of each word, so one that changed never goes unseen. */
function hash(...parts: readonly Uint8Array[]): Uint32Array {
  let a = 0x243f6a88, b = 0x85a308d3, c = 0x13198a2e, d = 0x03707344;
  for (const part of parts) {
    const { buffer, byteOffset, length } = part.byteOffset % 4 ? part.slice() : part, words = new Int32Array(buffer, byteOffset, length >>> 5 << 3);
    for (let i = 0; i < words.length; i += 8) {
      a = Math.imul(a ^ words[i]!, 0x9e3779b1) + words[i + 4]! | 0; a = a << 13 | a >>> 19;
      b = Math.imul(b ^ words[i + 1]!, 0x85ebca77) + words[i + 5]! | 0; b = b << 13 | b >>> 19;
      c = Math.imul(c ^ words[i + 2]!, 0xc2b2ae3d) + words[i + 6]! | 0; c = c << 13 | c >>> 19;
      d = Math.imul(d ^ words[i + 3]!, 0x27d4eb2f) + words[i + 7]! | 0; d = d << 13 | d >>> 19;
    }
    for (let i = words.byteLength; i < length; ++i) { a = Math.imul(a ^ part[i]!, 0x9e3779b1); a = a << 13 | a >>> 19; }
    b ^= length;
  }
  return Uint32Array.of(a, b, c, d);
}

// ---- Load

/**
 * What a file says of itself. Its structure is checked, and if `saveBook` wrote it all of its bytes; its rows are not.
 * @throws `bad-snapshot` for what is no Arrow file, truncated or damaged, `unknown-version` for one of another version of this format
 */
export function readSnapshot(bytes: Uint8Array): Snapshot {
  const { table, meta } = open(bytes), time = (name: string) => meta.has(`plimsoll.${name}`) ? { [name]: integer(`plimsoll.${name}`, meta.get(`plimsoll.${name}`)) } : {};
  return {
    protocol: meta.get("plimsoll.protocol"), revision: meta.get("plimsoll.revision"), ...time("block"), ...time("timestamp"),
    size: table.rows, keyBytes: keyBytesIn(table, meta),
  };
}

/**
 * A new book with what is in an Arrow IPC file: the same keys, scans and inspections as the book that was saved; ids may be others.
 * A file of another tool may have its columns in any order, more of them, several record batches, amounts in any decimals or integers
 * without fractions, and keys as binary or `0x…`; it must not be compressed, and nothing in it dictionary-encoded.
 * @throws `bad-snapshot`, `wrong-protocol`, `unknown-version`, and whatever `addMarket` and `load` refuse. No book stays.
 */
export function loadBook<A, C, V extends Fields, M extends Fields, S extends Fields, K extends Fields>(
  protocol: AccountProtocol<A, C, V, M, S, K>, bytes: Uint8Array, options?: LoadOptions<M, S, K>,
): AccountBook<A, C, V, M, S, K>;
export function loadBook<V extends Fields, M extends Fields, S extends Fields, L extends Fields, B extends Fields>(
  protocol: Protocol<V, M, S, L, B>, bytes: Uint8Array, options?: LoadOptions<M, S, Fields, B>,
): Book<V, M, S, L, B>;
export function loadBook(protocol: Protocol | AccountProtocol, bytes: Uint8Array, options: LoadOptions = {}): Book | AccountBook {
  knowFields("options", options, { capacity: 0, figures: 0 });
  const { table, meta } = open(bytes), { capacity } = options, given = figuresFor(protocol, meta, options.figures), keyBytes = keyBytesIn(table, meta);
  const book = openBook(protocol as Protocol, { ...(capacity === undefined ? {} : { capacity }), ...(keyBytes ? { keyBytes: keyBytes as 20 | 32 } : {}) }) as Book | AccountBook;
  try {
    setFigures(book, given);
    const keys = keyBytes ? keysOf(columnIn(table, KEY), keyBytes) : undefined;
    if (ofVaults(book)) loadVaults(book, table, keys);
    else loadAccounts(book, table, keys);
    return book;
  } catch (error) {
    book.dispose();
    throw error instanceof PlimsollError ? error : bad((error as Error).message);
  }
}

type Meta = ReadonlyMap<string, string>;

/** The table of a file, its structure checked. */
function open(bytes: Uint8Array): { readonly table: Table; readonly meta: Meta } {
  if (!(bytes instanceof Uint8Array)) refuse("a snapshot", "a Uint8Array", bytes);
  const file = bytes.byteOffset % 8 ? bytes.slice() : bytes;
  try {
    checkFile(file);
    const { schema, records } = decodeIPC(file) as unknown as Decoded, meta: Meta = schema.metadata ?? new Map(), version = meta.get("plimsoll.version");
    if (version !== undefined && version !== VERSION) throw new PlimsollError("unknown-version", `the snapshot is of version ${show(version)}, and this is version ${VERSION}`);
    return { table: tableOf(schema.fields, records), meta };
  } catch (error) {
    throw error instanceof PlimsollError ? error : bad((error as Error).message);
  }
}

function figuresFor(protocol: AnyProtocol, meta: Meta, given: SnapshotFigures | undefined): SnapshotFigures {
  const name = meta.get("plimsoll.protocol"), revision = meta.get("plimsoll.revision"), own = protocol.revision === undefined ? undefined : String(protocol.revision);
  const full = (of: string | undefined, at: string | undefined) => `${of}${at === undefined ? "" : ` (revision ${at})`}`;
  if (name !== undefined && (name !== protocol.name || revision !== own)) {
    throw new PlimsollError("wrong-protocol", `the snapshot is of ${full(name, revision)}, not of ${full(protocol.name, own)}`);
  }
  if (given !== undefined) {
    knowFields("figures", given, { system: 0, markets: 0, batches: 0, categories: 0 });
    if (!Array.isArray(given.markets)) refuse("figures: markets", "an array", given.markets);
    if (given.batches !== undefined && !Array.isArray(given.batches)) refuse("figures: batches", "an array", given.batches);
    return given;
  }
  const text = meta.get("plimsoll.figures");
  if (name === undefined || text === undefined) throw new PlimsollError("missing-field", "the snapshot has no figures, as saveBook writes them: give them as figures");
  let figures: unknown;
  try { figures = JSON.parse(text); } catch { throw bad("plimsoll.figures is no JSON"); }
  if (!isRecord(figures) || !Array.isArray(figures["markets"])) throw bad("plimsoll.figures has no markets");
  const { system = {}, markets, batches, categories } = figures, { market, batch = {}, category = {} } = protocol;
  return {
    system: integers("system", protocol.system, system), markets: (markets as unknown[]).map((one, i) => integers(`market ${i}`, market, one)),
    ...(Array.isArray(batches) ? { batches: batches.map((one, i) => ({ market: isRecord(one) ? one["market"] : one, figures: integers(`batch ${i + 1}`, batch, isRecord(one) ? one["figures"] : one) })) } : {}),
    ...(isRecord(categories) ? { categories: Object.fromEntries(Object.entries(categories).map(([number, one]) => [number, integers(`category ${number}`, category, one)])) } : {}),
  } as unknown as SnapshotFigures;
}

const isRecord = (value: unknown): value is Figures => typeof value === "object" && value !== null && !Array.isArray(value);

/** Figures from JSON: strings of digits are integers. */
function integers(what: string, fields: Fields, values: unknown): Figures {
  if (!isRecord(values)) throw bad(`${what} in plimsoll.figures is no object`);
  return Object.fromEntries(Object.entries(values).map(([name, value]) => {
    const { kind } = Object.hasOwn(fields, name) ? fields[name]! : { kind: "" };
    return [name, kind === "uint" || kind === "int" ? integer(`${what}: ${name} in plimsoll.figures`, value) : value];
  }));
}

function integer(what: string, value: unknown): bigint {
  if (typeof value !== "string" || !/^-?\d{1,80}$/.test(value)) throw bad(`${what} is ${show(value)}, not a string of digits`);
  return BigInt(value);
}

function checked(what: string, of: Field, value: unknown): void {
  if (typeof value !== "bigint") refuse(what, "a bigint", value, "not-a-bigint");
  if (value < 0n || value >> BigInt(of.bits)) refuse(what, `a uint${of.bits}`, value, "out-of-range");
}

function setFigures(book: Book | AccountBook, { system, markets, batches, categories }: SnapshotFigures): void {
  if (system) book.setSystem(system as never);
  for (const one of markets) book.addMarket(one as never);
  for (const { market, figures } of batches ?? []) (book as Book).addBatch(market, figures as never);
  for (const [number, figures] of Object.entries(categories ?? {})) (book as AccountBook).setCategory(Number(number), figures as never);
}

function keyBytesIn(table: Table, meta: Meta): 0 | 20 | 32 {
  const keys = table.columns.get(KEY), told = meta.get("plimsoll.keyBytes");
  if (!keys) {
    if (told !== undefined && told !== "0") throw bad("it lacks the column key");
    return 0;
  }
  const first = keys.type.typeId === Type.FixedSizeBinary ? keys.type.stride! : table.rows ? keyAt(keys.parts.find(({ rows }) => rows)!, 0).length : Number(told ?? 20);
  if ((first !== 20 && first !== 32) || Number(told ?? first) !== first) throw bad(`its keys have ${first} bytes, not 20 or 32`);
  return first;
}

function columnIn(table: Table, name: string): Column {
  const column = table.columns.get(name);
  if (!column) throw bad(`it lacks the column ${name}`);
  if (column.parts.some(({ nulls }) => nulls)) throw bad(`values of its column ${name} are missing (null)`);
  return column;
}

// ---- Vaults

/** Vaults that go over at a time. */
const SLICE = 65536;

function loadVaults(book: Book, table: Table, keys: Uint8Array | undefined): void {
  const { keyBytes, protocol: { vault } } = book, names = Object.keys(vault).filter((name) => vault[name]!.default === undefined || table.columns.has(name));
  const isOne = book.marketCount === 1 && !table.columns.has(MARKET); // the only one need not be named
  const markets = isOne ? new Uint32Array(table.rows) : marketsOf(columnIn(table, MARKET)), ends = runsOf(markets, book.marketCount);
  let columns: readonly (BigUint64Array | Uint8Array)[] = [...names.map((name) => limbsOf(name, columnIn(table, name))), ...(keys ? [keys] : [])], inOrder = ends;
  if (ends.length > book.marketCount) ({ columns, ends: inOrder } = sorted(markets, columns, book.marketCount));
  if (inOrder.length) book.reserve(inOrder[0]![0], table.rows); // tables of their last size at once
  for (let run = 0, from = 0; run < inOrder.length; from = inOrder[run++]![1]) {
    const [market, end] = inOrder[run]!, ids = new Float64Array(Math.min(SLICE, end - from));
    book.reserve(market, end - from);
    for (let row = from; row < end; row += SLICE) {
      const to = Math.min(end, row + SLICE), slice = <C extends BigUint64Array | Uint8Array>(of: C, width: number) => of.subarray(row * width, to * width) as C;
      book.load(
        market, Object.fromEntries(names.map((name, i) => [name, slice(columns[i] as BigUint64Array, 2)])), keys && slice(columns.at(-1) as Uint8Array, keyBytes),
        ids.subarray(0, to - row),
      );
    }
  }
}

type Runs = readonly (readonly [market: number, end: number])[];

/** Runs of rows of one market, each with where it ends. */
function runsOf(markets: Uint32Array, count: number): Runs {
  const runs: [number, number][] = [], { length } = markets;
  for (let row = 0; row < length;) {
    const market = markets[row]!;
    if (market >= count) throw new PlimsollError("unknown-market", `market, row ${row}: there is no market ${market}: the snapshot has ${count}, numbered from 0`);
    while (++row < length && markets[row] === market);
    runs.push([market, row]);
  }
  return runs;
}

/** The rows in the order of their markets, else as they were. */
function sorted(markets: Uint32Array, columns: readonly (BigUint64Array | Uint8Array)[], count: number): { readonly columns: readonly (BigUint64Array | Uint8Array)[]; readonly ends: Runs } {
  const starts = new Uint32Array(count + 1), rows = markets.length;
  for (const market of markets) ++starts[market + 1]!;
  for (let market = 0; market < count; ++market) starts[market + 1]! += starts[market]!;
  const ends: Runs = Array.from({ length: count }, (_, market) => [market, starts[market + 1]!] as const).filter(([market, end]) => end > starts[market]!);
  const place = markets.map((market) => starts[market]!++);
  return {
    ends, columns: columns.map((from) => {
      const width = from.length / rows, to = new (from.constructor as Uint8ArrayConstructor)(from.length) as Uint8Array;
      for (let row = 0; row < rows; ++row) for (let i = 0; i < width; ++i) to[place[row]! * width + i] = (from as Uint8Array)[row * width + i]!;
      return to;
    }),
  };
}

function marketsOf(column: Column): Uint32Array {
  const { typeId, bitWidth } = column.type;
  if (typeId === Type.Int && bitWidth === 32) return flat(column, Uint32Array, 1);
  return Uint32Array.from(integersIn(MARKET, column), (value) => (value > 0xffffffffn ? 0xffffffff : Number(value)));
}

/** A column of two limbs a value: as it stands, where it is such a one. */
function limbsOf(name: string, column: Column): BigUint64Array {
  const { typeId, stride, bitWidth, scale } = column.type;
  if (typeId === Type.FixedSizeBinary && stride === 16) return flat(column, BigUint64Array, 2);
  if (typeId === Type.Decimal && bitWidth === 128 && !scale) {
    const whole = flat(column, BigUint64Array, 2), words = new Int32Array(whole.buffer, whole.byteOffset, whole.length * 2);
    for (let at = 3; at < words.length; at += 4) if (words[at]! < 0) {
      throw new PlimsollError("out-of-range", `${name}, row ${(at - 3) / 4} must be a uint128, not ${BigInt.asIntN(128, limbs(whole, (at - 3) / 2, 2))}`);
    }
    return whole;
  }
  const values = integersIn(name, column), out = new BigUint64Array(values.length * 2);
  values.forEach((value, row) => {
    if (value >> 128n) throw new PlimsollError("out-of-range", `${name}, row ${row} must be a uint128, not ${value}`);
    out[row * 2] = value;
    out[row * 2 + 1] = value >> 64n;
  });
  return out;
}

function keysOf(column: Column, keyBytes: number): Uint8Array {
  if (column.type.typeId === Type.FixedSizeBinary) return flat(column, Uint8Array, keyBytes);
  const keys = new Uint8Array(column.rows * keyBytes);
  let row = 0;
  for (const part of column.parts) for (let i = 0; i < part.rows; ++i) {
    const key = keyAt(part, i);
    if (key.length !== keyBytes) throw bad(`${KEY}, row ${row} has ${key.length} bytes, not ${keyBytes}`);
    keys.set(key, row++ * keyBytes);
  }
  return keys;
}
/** A key of whatever is text or bytes. */
function keyAt(part: Part, row: number): Uint8Array {
  const key = valueAt(part, row);
  if (typeof key === "string") return keyBytesOf(key, (key.length - 2) / 2);
  if (!(key instanceof Uint8Array)) throw mistyped(KEY, "binary, or text as 0x…");
  return key;
}

const mistyped = (name: string, what: string) => bad(`its column ${name} is not of a type that it may have: ${what}`);

/** The values of a column as one array: the file's own bytes where it is one batch. */
function flat<C extends Uint8Array | Uint32Array | BigUint64Array>(
  { parts, rows }: Column, Values: { new (length: number): C; new (buffer: ArrayBufferLike, at: number, length: number): C }, width: number,
): C {
  const views = parts.map(({ values, rows }) => new Values(values.buffer, values.byteOffset, rows * width));
  if (views.length === 1) return views[0]!;
  const all = new Values(rows * width);
  let at = 0;
  for (const view of views) { all.set(view as never, at); at += view.length; }
  return all;
}

/** The integers of a column, none of them negative. */
function integersIn(name: string, { type: { typeId, scale = 0 }, parts }: Column): bigint[] {
  if (!(typeId === Type.Int || (typeId === Type.Decimal && !scale))) throw mistyped(name, "decimal without a fraction, fixed_size_binary(16), or an integer");
  const values: bigint[] = [];
  for (const part of parts) for (let row = 0; row < part.rows; ++row) {
    const value = valueAt(part, row) as bigint;
    if (value < 0n) throw new PlimsollError("out-of-range", `${name}, row ${values.length} must not be negative, and is ${value}`);
    values.push(value);
  }
  return values;
}

// ---- Accounts

/** Accounts that are made into objects at a time. */
const SOME = 4096;

function loadAccounts(book: AccountBook, table: Table, keys: Uint8Array | undefined): void {
  const { keyBytes, protocol: { account } } = book, own = ownFields(account).map((name) => [name, columnIn(table, name)] as const), entries = columnIn(table, account.list);
  const entry = (row: unknown): Figures => {
    if (!isRecord(row)) throw mistyped(account.list, "a list of structs");
    return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null).map(([name, value]) => [
      name, name === account.name && typeof value === "bigint" ? Number(value) : value instanceof Uint8Array && value.length === 16 ? limbs(new BigUint64Array(value.slice().buffer), 0, 2) : value,
    ]));
  };
  let done = 0;
  entries.parts.forEach((part, batch) => {
    for (let from = 0; from < part.rows; from += SOME) {
      const to = Math.min(part.rows, from + SOME);
      book.load(Array.from({ length: to - from }, (_, i) => {
        const of = valueAt(part, from + i);
        if (!Array.isArray(of)) throw mistyped(account.list, "a list of structs");
        return { ...Object.fromEntries(own.map(([name, { parts }]) => [name, valueAt(parts[batch]!, from + i)])), [account.list]: of.map(entry) };
      }), keys?.subarray((done + from) * keyBytes, (done + to) * keyBytes));
    }
    done += part.rows;
  });
}

// ---- Columns, as far as a book has them

interface Kind { readonly typeId: number; readonly bitWidth?: number; readonly signed?: boolean; readonly scale?: number; readonly stride?: number; readonly children?: readonly Named[] }
interface Named { readonly name: string; readonly type: Kind }
/** A column of one record batch. */
interface Part {
  readonly type: Kind;
  readonly rows: number;
  readonly nulls: number;
  readonly validity: Uint8Array;
  readonly values: Uint8Array;
  readonly offsets: Int32Array | BigInt64Array | undefined;
  readonly children: readonly Part[];
  /** Of views, what does not fit into them. */
  readonly data: readonly Uint8Array[];
}
interface Column { readonly type: Kind; readonly rows: number; readonly parts: readonly Part[] }
interface Table { readonly rows: number; readonly columns: ReadonlyMap<string, Column> }

/** What the library makes of a file's messages. */
interface Decoded {
  readonly schema: { readonly fields: readonly Named[]; readonly metadata: Meta | null };
  readonly records: readonly Messages[];
}
interface Messages {
  readonly length: number;
  readonly nodes: readonly { readonly length: number; readonly nullCount: number }[];
  readonly regions: readonly { readonly offset: number; readonly length: number }[];
  readonly variadic: readonly number[];
  readonly compression: unknown;
  readonly body: Uint8Array;
}

/** The columns of a file by name, each found to be as long as its batches. */
function tableOf(fields: readonly Named[], records: readonly Messages[]): Table {
  const columns = new Map<string, { type: Kind; rows: number; parts: Part[] }>();
  for (const { name, type } of fields) {
    if (columns.has(name)) throw bad(`it has the column ${name} twice`);
    columns.set(name, { type, rows: 0, parts: [] });
  }
  let rows = 0;
  for (const batch of records) {
    const next = partsOf(batch);
    for (const [name, column] of columns) {
      column.parts.push(next(name, column.type, batch.length));
      column.rows += batch.length;
    }
    rows += batch.length;
  }
  return { rows, columns };
}

const EMPTY: Uint8Array = new Uint8Array(0);

/** Takes the columns of a record batch one after the other. */
function partsOf({ nodes, regions, variadic, compression, body }: Messages) {
  if (compression) throw bad("it is compressed");
  let node = 0, region = 0, several = 0;
  const bytes = () => {
    const { offset, length } = regions[region++]!;
    return body.subarray(offset, offset + length);
  };
  const next = (name: string, type: Kind, rows: number): Part => {
    const { length, nullCount: nulls } = nodes[node++]!, { typeId } = type, short = () => bad(`its column ${name} is not as long as its rows`);
    if (length < rows) throw short();
    const part = { type, rows: length, nulls, validity: EMPTY, values: EMPTY, offsets: undefined as Part["offsets"], children: [] as Part[], data: [] as Uint8Array[] };
    if (typeId === Type.Null) return { ...part, nulls: length };
    part.validity = bytes();
    if (nulls && part.validity.length * 8 < length) throw short();
    const ends = (wide: boolean): number => {
      const { buffer, byteOffset, byteLength } = bytes(), at = part.offsets = wide ? new BigInt64Array(buffer, byteOffset, byteLength >> 3) : new Int32Array(buffer, byteOffset, byteLength >> 2);
      if (at.length <= length && length) throw short();
      for (let i = 0; i < length; ++i) if (at[i]! > at[i + 1]!) throw bad(`the offsets of its column ${name} go back`);
      if (length && at[0]! < 0) throw bad(`the offsets of its column ${name} lead out of it`);
      return length ? Number(at[length]!) : 0;
    };
    const values = (bits: number) => {
      part.values = bytes();
      if (part.values.length * 8 < length * bits) throw short();
    };
    switch (typeId) {
      case Type.Bool: values(1); break;
      case Type.Int: case Type.Decimal: values(type.bitWidth!); break;
      case Type.FixedSizeBinary: values(type.stride! * 8); break;
      case Type.Float: case Type.Date: case Type.Time: case Type.Timestamp: case Type.Interval: case Type.Duration: values(0); break;
      case Type.Binary: case Type.Utf8: case Type.LargeBinary: case Type.LargeUtf8: {
        const end = ends(typeId === Type.LargeBinary || typeId === Type.LargeUtf8);
        values(0);
        if (end > part.values.length) throw bad(`the offsets of its column ${name} lead out of it`);
        break;
      }
      case Type.BinaryView: case Type.Utf8View:
        values(128);
        for (let i = variadic[several++] ?? 0; i > 0; --i) part.data.push(bytes());
        break;
      case Type.List: case Type.LargeList: {
        const end = ends(typeId === Type.LargeList);
        part.children = [next(name, type.children![0]!.type, end)];
        break;
      }
      case Type.Struct: part.children = type.children!.map((child) => next(name, child.type, length)); break;
      default: throw mistyped(name, "integer, decimal, binary, text, bool, list or struct");
    }
    return part;
  };
  return (name: string, type: Kind, rows: number) => {
    const part = next(name, type, rows);
    if (part.rows !== rows) throw bad("its columns are not equally long");
    return part;
  };
}

const TEXTS: readonly number[] = [Type.Utf8, Type.LargeUtf8, Type.Utf8View];

/** A value: an integer, a flag, bytes, text, a list or an object; null where it is missing, undefined of another type. */
function valueAt(part: Part, row: number): unknown {
  const { type: { typeId, bitWidth, signed, stride, children: fields }, nulls, validity, values, offsets, children, data } = part;
  if (nulls && !(validity[row >> 3]! >> (row & 7) & 1)) return null;
  const text = (bytes: Uint8Array) => (TEXTS.includes(typeId) ? String.fromCharCode(...bytes.subarray(0, 100)) : bytes);
  switch (typeId) {
    case Type.Bool: return !!(values[row >> 3]! >> (row & 7) & 1);
    case Type.Int: case Type.Decimal: {
      const bytes = bitWidth! / 8;
      let value = 0n;
      for (let i = (row + 1) * bytes - 1; i >= row * bytes; --i) value = value << 8n | BigInt(values[i]!);
      return signed || typeId === Type.Decimal ? BigInt.asIntN(bitWidth!, value) : value;
    }
    case Type.FixedSizeBinary: return values.subarray(row * stride!, (row + 1) * stride!);
    case Type.BinaryView: case Type.Utf8View: {
      const view = new DataView(values.buffer, values.byteOffset + row * 16, 16), length = view.getInt32(0, true), from = view.getInt32(12, true);
      const whole = length <= 12 ? values.subarray(row * 16 + 4, row * 16 + 4 + length) : data[view.getInt32(8, true)]?.subarray(from, from + length);
      if (whole?.length !== length) throw bad("a view in it leads out of it");
      return text(whole);
    }
  }
  const [from, to] = offsets ? [Number(offsets[row]), Number(offsets[row + 1])] : [0, 0];
  switch (typeId) {
    case Type.Binary: case Type.LargeBinary: case Type.Utf8: case Type.LargeUtf8: return text(values.subarray(from, to));
    case Type.List: case Type.LargeList: return Array.from({ length: to - from }, (_, i) => valueAt(children[0]!, from + i));
    case Type.Struct: return Object.fromEntries(fields!.map(({ name }, i) => [name, valueAt(children[i]!, row)]));
  }
  return undefined;
}

// ---- What the library trusts: lengths, offsets, and how many there are of what

/** A table of a flatbuffer by slot: bytes of a scalar, a text, a table, or a vector of structs of so many bytes or of tables. */
type Slot = number | "text" | Shape | readonly [number | (() => Shape)];
type Shape = { readonly [slot: number]: Slot };
const PAIRS: Slot = [() => ({ 0: "text", 1: "text" })];
const FIELD: Shape = { 0: "text", 1: 1, 2: 1, 3: {}, 4: { 0: 8, 1: { 0: 4, 1: 1 }, 2: 1 }, 5: [() => FIELD], 6: PAIRS };
const FOOTER: Shape = { 0: 2, 1: { 0: 2, 1: [() => FIELD], 2: PAIRS, 3: [8] }, 2: [24], 3: [24], 4: PAIRS };
const MESSAGE: Shape = { 0: 2, 1: 1, 2: { 0: 8, 1: [16], 2: [16], 3: { 0: 1, 1: 1 }, 4: [8] }, 3: 8, 4: PAIRS };
const TYPE_SLOT = 2, RECORD_BATCH = 3;

/** A flatbuffer of which every offset and length was found inside of it. */
class Flat {
  readonly #view: DataView;
  #left: number;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#left = bytes.length; // so many tables there may be at most, for they may refer to each other
  }

  /** The place of what an offset at a place leads to. */
  follow(at: number): number { return at + this.#int(at); }
  #int(at: number): number {
    const value = this.#view.getInt32(at, true);
    if (value < 0) throw bad("a length or an offset in it is negative");
    return value;
  }
  /** Where a field of a table stands; 0 where it has none. */
  slot(table: number, slot: number): number {
    const vtable = table - this.#view.getInt32(table, true), at = 4 + slot * 2;
    if (at >= this.#view.getInt16(vtable, true)) return 0;
    const offset = this.#view.getInt16(vtable + at, true);
    if (offset < 0) throw bad("an offset in it is negative");
    return offset && table + offset;
  }
  long(at: number): number {
    const value = Number(this.#view.getBigInt64(at, true));
    if (!(value >= 0 && Number.isSafeInteger(value))) throw bad("a length or an offset in it is out of range");
    return value;
  }
  int(at: number): number { return this.#int(at); }
  byte(at: number): number { return this.#view.getUint8(at); }
  /** The first entry of a vector at a place, and how many it has. */
  vector(at: number): readonly [first: number, count: number] {
    const to = at && this.follow(at);
    return at ? [to + 4, this.#int(to)] : [0, 0];
  }

  check(table: number, shape: Shape, depth = 0): void {
    if (--this.#left < 0 || depth > 32) throw bad("its schema refers to itself");
    for (const [slot, part] of Object.entries(shape)) {
      const at = this.slot(table, Number(slot));
      if (!at) continue;
      if (typeof part === "number") this.#view.getUint8(at + part - 1);
      else if (part === "text") this.#end(this.follow(at), 1);
      else if (!Array.isArray(part)) this.check(this.follow(at), part as Shape, depth + 1);
      else {
        const [of] = part as unknown as readonly [number | (() => Shape)], [first, count] = this.vector(at);
        this.#end(first - 4, typeof of === "number" ? of : 4);
        if (typeof of !== "number") for (let i = 0; i < count; ++i) this.check(this.follow(first + i * 4), of(), depth + 1);
      }
    }
    if (shape === FIELD && this.slot(table, TYPE_SLOT) && this.byte(this.slot(table, TYPE_SLOT)) === Type.Union) throw bad("it has a union");
  }
  #end(vector: number, bytes: number): void {
    const end = vector + 4 + this.#int(vector) * bytes;
    if (end > this.#view.byteLength) throw bad("a length in it leads out of it");
  }
}

/** Where a file's footer begins. */
function footerOf(file: Uint8Array): number {
  const text = (from: number) => String.fromCharCode(...file.subarray(from, from + 6));
  if (file.length < 24 || text(0) !== "ARROW1") throw bad("it does not begin as an Arrow IPC file");
  if (text(file.length - 6) !== "ARROW1") throw bad("it does not end as an Arrow IPC file: it may be truncated");
  const at = file.length - TAIL, footer = at - new DataView(file.buffer, file.byteOffset).getInt32(at, true);
  if (!(footer >= 8 && footer < at)) throw bad("its footer is not where it says");
  return footer;
}

/** Throws unless everything in a file lies where it can be. */
function checkFile(file: Uint8Array): void {
  const start = footerOf(file), footer = new Flat(file.subarray(start, file.length - TAIL)), root = footer.follow(0);
  checkSeal(file, start);
  footer.check(root, FOOTER);
  const schema = footer.slot(root, 1), endian = schema && footer.slot(footer.follow(schema), 0);
  if (!schema) throw bad("it has no schema");
  if (endian && footer.byte(endian)) throw bad("it is big-endian");
  if (footer.vector(footer.slot(root, 2))[1]) throw bad("it is dictionary-encoded");
  const [first, count] = footer.vector(footer.slot(root, 3));
  for (let i = 0, free = 8; i < count; ++i) {
    const at = footer.long(first + i * 24);
    if (at < free || at > start - 8) throw bad(`its record batch ${i} is not where its footer says`);
    free = checkBatch(file.subarray(at, start), i) + at;
  }
}

/** Checks a record batch; answers where it ends. */
function checkBatch(bytes: Uint8Array, number: number): number {
  const whole = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), marked = whole.getInt32(0, true) === -1, from = marked ? 8 : 4, length = whole.getInt32(from - 4, true);
  if (length < 8 || from + length > bytes.length) throw bad(`its record batch ${number} leads out of it`);
  const message = new Flat(bytes.subarray(from, from + length)), root = message.follow(0), type = message.slot(root, 1), header = message.slot(root, 2), body = message.slot(root, 3);
  if (!type || message.byte(type) !== RECORD_BATCH || !header) throw bad(`its record batch ${number} is none`);
  message.check(root, MESSAGE);
  const size = body ? message.long(body) : 0, [first, count] = message.vector(message.slot(message.follow(header), 2));
  if (from + length + size > bytes.length) throw bad(`its record batch ${number} leads out of it`);
  for (let i = 0; i < count; ++i) if (message.long(first + i * 16) + message.long(first + i * 16 + 8) > size) throw bad(`a buffer of its record batch ${number} leads out of it`);
  return from + length + size;
}
