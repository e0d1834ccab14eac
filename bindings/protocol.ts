/**
 * What describes a protocol to the bindings: the names, widths and units of its figures, in the order in which the rule
 * in `assembly/rules` reads them. Values are checked here, once, at the boundary.
 */
import type { Core, Module, RuleExport } from "./abi.js";
import { PlimsollError, refuse, show } from "./errors.js";
import type { Lines } from "./lines.js";

/** A contract's integer, boolean or choice; or values in rows: a list of them, one record, or a record or null. */
export interface Field<T = bigint> {
  readonly kind: "uint" | "int" | "bool" | "choice" | "list" | "record" | "maybe" | "fixed";
  readonly bits: number;
  /** Unit and scale: `wad` 1e18, `ray` 1e27, `rad` 1e45, `s` seconds. */
  readonly unit: string;
  /** The value of a field that may be left out. */
  readonly default?: T;
  readonly choices?: readonly string[];
  /** The fields of a row; `bits` is then how many rows there may be. */
  readonly row?: Fields;
  /** Whether a row is its one field's value, not an object. */
  readonly plain?: boolean;
  readonly type?: T; // for inference alone
}

export const uint = (bits: number, unit: string): Field => ({ kind: "uint", bits, unit });
export const int = (bits: number, unit: string): Field => ({ kind: "int", bits, unit });
export const bool: Field<boolean> = { kind: "bool", bits: 1, unit: "" };
export const choice = <const C extends readonly string[]>(choices: C): Field<C[number]> => ({ kind: "choice", bits: 8, unit: "", choices });
/** At most so many records, or values. */
export const list = <const F extends Fields>(most: number, row: F): Field<readonly Values<F>[]> => ({ kind: "list", bits: most, unit: "", row });
export const values = <T>(most: number, of: Field<T>): Field<readonly T[]> =>
  ({ kind: "list", bits: most, unit: "", row: { value: of as Field }, plain: true });
/** A record within a record, and one that may be null. */
export const record = <const F extends Fields>(row: F): Field<Values<F>> => ({ kind: "record", bits: 1, unit: "", row });
export const maybe = <const F extends Fields>(row: F): Field<Values<F> | null> => ({ kind: "maybe", bits: 1, unit: "", row });
/** A field's place that callers do not know of: what every call has there. */
export const fixed = (value = 0n): Field => ({ kind: "fixed", bits: 256, unit: "", default: value });
/** A field that may be left out. */
export const or = <T>(field: Field<T>, value: T): Field<T> & { readonly default: T } => ({ ...field, default: value });

// biome-ignore lint/suspicious/noExplicitAny: a field of any type
export type Fields = Readonly<Record<string, Field<any>>>;
type Value<F> = F extends { readonly kind: string; readonly type?: infer T } ? Exclude<T, undefined> : never;
export type Optional<F extends Fields> = { [K in keyof F]: F[K] extends { readonly default: unknown } ? K : never }[keyof F];
/** The object that a record of fields describes. */
export type Values<F extends Fields> =
  & { readonly [K in Exclude<keyof F, Optional<F>>]: Value<F[K]> }
  & { readonly [K in Optional<F>]?: Value<F[K]> };
export type Complete<F extends Fields> = { readonly [K in keyof F]: Value<F[K]> };

/** The answer of a contract's function: its results, or that the call reverts, with the contract's reason. */
export type Outcome<T> = ({ readonly reverts: false } & T) | { readonly reverts: true; readonly reason: string };

/**
 * The price at which a vault is liquidated: the smallest p ≥ 1, in the oracle's own unit, such that the vault is healthy
 * at every price ≥ p. `never`: no price endangers it. `always`: no price saves it. `reverts`: the contract cannot tell.
 * The number may be larger than any price that the contract could compute with.
 */
export type LiquidationPrice = bigint | "never" | "always" | "reverts";

/** What every book needs to know of its protocol; `assembly/rules` is its other side. */
export interface Described<V extends Fields = Fields, M extends Fields = Fields, S extends Fields = Fields> {
  readonly name: string;
  /** Which of its revisions, where it has several. */
  readonly revision?: number | string;
  /** The module that has its rule. @internal */
  readonly module: Module;
  /** The class of its books. @internal */
  readonly kind: { readonly Book: unknown };
  /** The columns of a vault, or of an account what a hit tells of it. */
  readonly vault: V;
  /** The figures of a market, and of the system that all markets share. */
  readonly market: M;
  readonly system: S;
  /** Which figure of a market is the price that levels are asked for. */
  readonly price: string;
  /** Why the contracts revert, by number. */
  readonly reasons: readonly string[];
  /** The number of its rule, as assembly/rules/status.ts has it. @internal */
  readonly rule: number;
  readonly account?: { readonly base?: number };
  /** Orders of its own, beside those that every book has. */
  readonly orders?: readonly string[];
}

/** A protocol of vaults, each in one market. `B`: the figures of a batch, where its vaults may share their debt in batches. */
export interface Protocol<
  V extends Fields = Fields, M extends Fields = Fields, S extends Fields = Fields, L extends Fields = Fields, B extends Fields = Fields,
> extends Described<V, M, S> {
  /** What a liquidation of a vault would do now. */
  readonly liquidation: L;
  readonly batch?: B;
  /** What a vault has by itself, and what it has in a batch: one or the other. */
  readonly alone?: readonly string[];
  readonly batched?: readonly string[];
}

/** A function of the protocol that a book asks of one of its accounts: what it takes beside the account, from argument `first` on. */
export interface Call {
  readonly name: string;
  readonly first: number;
  readonly inputs: Fields;
  readonly outputs: Fields;
  /** Which inputs are numbers of markets. */
  readonly assets?: readonly string[];
}
export type Calls = Readonly<Record<string, (inputs: never) => unknown>>;

/** A protocol of accounts `A`, which hold and owe several assets; `C`: its functions of an account, by name. */
export interface AccountProtocol<
  A = unknown, C = unknown, V extends Fields = Fields, M extends Fields = Fields, S extends Fields = Fields, K extends Fields = Fields, L extends Fields = Fields,
> extends Described<V, M, S> {
  /** What the revision does differently, for the rule. */
  readonly choices: number;
  /** Figures of a category of accounts, from the second place of its row on. */
  readonly category?: K;
  readonly account: {
    /** The names of an account's fields; of them `list` is its entries, which name a market as `name`. */
    readonly fields: readonly string[];
    readonly list: string;
    readonly name: string;
    /** What an entry has beside its market. */
    readonly entry: Fields;
    /** Whether an entry has anything left. */
    readonly isThere: (entry: never) => boolean;
    /** Checks an account and answers its lines in the order of their assets. */
    readonly read: (what: string, account: A, markets: number) => Lines;
    readonly write: (lines: Lines) => A;
    /** The number of an asset that is no market: what a Comet lends. */
    readonly base?: number;
  };
  readonly calls: Readonly<Record<string, Call>>;
  /** What the contract computes of a liquidation call. */
  readonly liquidation: L;
  readonly asks?: C; // for inference alone
}

/**
 * Throws unless `value` fits the field; answers it as an integer for the module. Rows go to `cells`, field by field, and what
 * is answered is their number and, 64 bits higher, where they begin.
 */
export function encode(name: string, field: Field<unknown>, value: unknown, cells: bigint[] = []): bigint {
  switch (field.kind) {
    case "record": return encodeRows(name, field, [value], cells);
    case "maybe": return encodeRows(name, field, value === null ? [] : [value], cells);
    case "list":
      if (!Array.isArray(value)) refuse(name, "an array", value);
      if (value.length > field.bits) throw new PlimsollError("out-of-range", `${name} may have ${field.bits} entries, not ${value.length}`);
      return encodeRows(name, field, value, cells);
    case "bool":
      if (typeof value !== "boolean") refuse(name, "true or false", value);
      return value ? 1n : 0n;
    case "choice": return BigInt(oneOf(name, value, field.choices!));
  }
  if (typeof value !== "bigint") refuse(name, "a bigint", value, "not-a-bigint");
  const { kind, bits } = field;
  if (kind === "int" ? BigInt.asIntN(bits, value) !== value : value < 0n || value >> BigInt(bits)) refuse(name, `a ${kind}${bits}`, value, "out-of-range");
  return value;
}

function encodeRows(name: string, { kind, row, plain }: Field<unknown>, rows: readonly unknown[], cells: bigint[]): bigint {
  const fields = row!, width = Object.keys(fields).length, first = cells.length;
  cells.length += rows.length * width;
  cells.fill(0n, first);
  rows.forEach((entry, i) => {
    const what = kind === "list" ? `${name}[${i}]` : name, from = first + i * width;
    if (plain) cells[from] = encode(what, fields["value"]!, entry, cells);
    else for (const [position, value] of checkFields(what, fields, entry as Readonly<Record<string, unknown>>, true, cells)) cells[from + position] = value;
  });
  return BigInt(rows.length) | (BigInt(first) << 64n);
}

/** Throws unless a value is one of the names; answers its position. */
export function oneOf(name: string, value: unknown, names: readonly string[]): number {
  const index = names.indexOf(value as string);
  if (index < 0) refuse(name, `one of ${names.join(", ")}`, value);
  return index;
}

/** Throws unless a value is a whole number of at least `least`. */
export function wholeNumber(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) refuse(name, `a whole number of at least ${least}`, value);
}

/** Throws unless it is an object whose names are all known. */
export function knowFields(what: string, values: unknown, known: object): void {
  if (typeof values !== "object" || values === null || Array.isArray(values)) refuse(what, "an object", values);
  const isKnown = (name: string) => Object.hasOwn(known, name) && (known as Fields)[name]?.kind !== "fixed";
  for (const name in values) if (!isKnown(name)) {
    throw new PlimsollError("unknown-field", `${what} has no ${show(name)}; it has ${Object.keys(known).filter(isKnown).join(", ") || "none"}`);
  }
}

/**
 * Throws unless an object has the fields, each with a value that fits; answers them as integers with their positions. Fields
 * may be left out: with `whole` those that have a default, which they take, and without it any.
 */
export function checkFields(what: string, fields: Fields, values: Readonly<Record<string, unknown>>, whole = true, cells: bigint[] = []): [position: number, value: bigint][] {
  knowFields(what, values, fields);
  const encoded: [number, bigint][] = [];
  let position = 0;
  for (const name in fields) {
    const field = fields[name]!, given = field.kind === "fixed" ? undefined : values[name], value = given === undefined && whole ? field.default : given;
    if (value !== undefined || (!whole && name in values)) encoded.push([position, encode(`${what}: ${name}`, field, value, cells)]);
    else if (whole) throw new PlimsollError("missing-field", `${what} lacks ${name}`);
    ++position;
  }
  return encoded;
}

/** Checks an object and writes its fields as arguments; answers a mask of them. */
export function writeFields(core: Core, what: string, fields: Fields, values: Readonly<Record<string, unknown>>, whole: boolean): number {
  let mask = 0;
  const cells: bigint[] = [];
  const encoded = checkFields(what, fields, values, whole, cells);
  if (cells.length > core.cells) throw new PlimsollError("out-of-range", `${what} has ${cells.length} values in rows, and ${core.cells} fit one call`);
  core.writeCells(cells);
  for (const [position, value] of encoded) {
    core.writeArg(position, value);
    mask |= 1 << position;
  }
  return mask;
}

/** Reads results from `first` on as an object of the fields. */
export function readResults<F extends Fields>(core: Core, fields: F, first: number): Complete<F> {
  const values: Record<string, unknown> = {};
  let at = first;
  for (const name in fields) {
    const { kind, bits } = fields[name]!, cells = kind === "uint" ? (bits + 255) >> 8 : 1; // what the library defines may be wider
    if (kind !== "fixed") values[name] = decode(core, fields[name]!, core.readResult(at, cells * 4));
    at += cells;
  }
  return values as Complete<F>;
}

function decode(core: Core, field: Field<unknown>, value: bigint): unknown {
  switch (field.kind) {
    case "bool": return value !== 0n;
    case "choice": return field.choices![Number(value)];
    case "int": return BigInt.asIntN(256, value);
    case "list": {
      const row = field.row!, names = Object.keys(row), count = Number(value & 0xffffffffn), first = Number(value >> 64n);
      return Array.from({ length: count }, (_, i) => {
        const cell = (j: number) => decode(core, row[names[j]!]!, core.readCell(first + i * names.length + j));
        return field.plain ? cell(0) : Object.fromEntries(names.map((name, j) => [name, cell(j)]));
      });
    }
  }
  return value;
}

/** A contract's function as the module exports it. */
export function contractFunction<I extends Fields, O extends Fields>(
  module: Module, what: string, name: string, reasons: readonly string[], inputs: I, outputs: O,
): (inputs: Values<I>) => Outcome<Complete<O>> {
  return (values) => {
    const core = module.shared;
    writeFields(core, what, inputs, values as Readonly<Record<string, unknown>>, true);
    const reason = (core.exports[name] as RuleExport)();
    if (reason) return { reverts: true, reason: reasons[reason]! };
    return { reverts: false, ...readResults(core, outputs, 0) };
  };
}

/** Throws unless the fields are there that these values of others ask for. */
export function needFields(what: string, values: object, names: readonly string[], why: string): void {
  for (const name of names) if ((values as Readonly<Record<string, unknown>>)[name] === undefined) {
    throw new PlimsollError("missing-field", `${what} lacks ${name}, which ${why} needs`);
  }
}
