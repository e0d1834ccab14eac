/**
 * What describes a protocol to the bindings: the names, widths and units of its figures, in the order in which the rule
 * in `assembly/rules` reads them. Values are checked here, once, at the boundary.
 */
import { type Core, type RuleExport, sharedCore } from "./abi.js";
import { PlimsollError, show } from "./errors.js";

/** A contract's integer, boolean or choice. */
export interface Field<T = bigint> {
  readonly kind: "uint" | "int" | "bool" | "choice";
  readonly bits: number;
  /** Unit and scale: `wad` 1e18, `ray` 1e27, `rad` 1e45, `s` seconds. */
  readonly unit: string;
  /** The value of a field that may be left out. */
  readonly default?: T;
  readonly choices?: readonly string[];
  readonly type?: T; // for inference alone
}

export const uint = (bits: number, unit: string): Field => ({ kind: "uint", bits, unit });
export const int = (bits: number, unit: string): Field => ({ kind: "int", bits, unit });
export const bool: Field<boolean> = { kind: "bool", bits: 1, unit: "" };
export const choice = <const C extends readonly string[]>(choices: C): Field<C[number]> => ({ kind: "choice", bits: 8, unit: "", choices });
/** A field that may be left out. */
export const or = <T>(field: Field<T>, value: T): Field<T> & { readonly default: T } => ({ ...field, default: value });

export type Fields = Readonly<Record<string, Field<never> | Field<bigint> | Field<boolean> | Field<string>>>;
type Value<F> = F extends { readonly kind: string; readonly type?: infer T } ? Exclude<T, undefined> : never;
type Optional<F extends Fields> = { [K in keyof F]: F[K] extends { readonly default: unknown } ? K : never }[keyof F];
/** The object that a record of fields describes. */
export type Values<F extends Fields> =
  & { readonly [K in Exclude<keyof F, Optional<F>>]: Value<F[K]> }
  & { readonly [K in Optional<F>]?: Value<F[K]> };
export type Complete<F extends Fields> = { readonly [K in keyof F]: Value<F[K]> };

/** The answer of a contract's function: its results, or that the call reverts, with the contract's reason. */
export type Outcome<T> = ({ readonly reverts: false } & T) | { readonly reverts: true; readonly reason: string };

/** What the bindings need to know of a protocol; `assembly/rules` is its other side. */
export interface Protocol<V extends Fields = Fields, M extends Fields = Fields, S extends Fields = Fields, L extends Fields = Fields> {
  readonly name: string;
  /** The columns of a vault. */
  readonly vault: V;
  /** The figures of a market, and of the system that all markets share. */
  readonly market: M;
  readonly system: S;
  /** What a liquidation of a vault would do now. */
  readonly liquidation: L;
  /** Why the contracts revert, by number. */
  readonly reasons: readonly string[];
}

/** Throws unless `value` fits the field; answers it as an integer for the module. */
export function encode(name: string, field: Field<unknown>, value: unknown): bigint {
  switch (field.kind) {
    case "bool":
      if (typeof value !== "boolean") throw new PlimsollError("invalid-argument", `${name} must be true or false, not ${show(value)}`);
      return value ? 1n : 0n;
    case "choice": {
      const index = field.choices!.indexOf(value as string);
      if (index < 0) throw new PlimsollError("invalid-argument", `${name} must be one of ${field.choices!.join(", ")}, not ${show(value)}`);
      return BigInt(index);
    }
  }
  if (typeof value !== "bigint") throw new PlimsollError("not-a-bigint", `${name} must be a bigint, not ${show(value)}`);
  const sign = field.kind === "int" ? 1 : 0;
  if (sign ? BigInt.asIntN(field.bits, value) !== value : value < 0n || value >> BigInt(field.bits) !== 0n) {
    throw new PlimsollError("out-of-range", `${name} must fit ${field.kind}${field.bits}, not ${show(value)}`);
  }
  return value;
}

/** Throws unless it is an object whose names are all known. */
export function knowFields(what: string, values: unknown, known: object): void {
  if (typeof values !== "object" || values === null || Array.isArray(values)) throw new PlimsollError("invalid-argument", `${what} must be an object, not ${show(values)}`);
  for (const name in values) if (!Object.hasOwn(known, name)) {
    throw new PlimsollError("unknown-field", `${what} has no ${show(name)}; it has ${Object.keys(known).join(", ")}`);
  }
}

/**
 * Throws unless an object has the fields, each with a value that fits; answers them as integers with their positions. Fields
 * may be left out: with `whole` those that have a default, which they take, and without it any.
 */
export function checkFields(what: string, fields: Fields, values: Readonly<Record<string, unknown>>, whole = true): [position: number, value: bigint][] {
  knowFields(what, values, fields);
  const encoded: [number, bigint][] = [];
  let position = 0;
  for (const name in fields) {
    const field = fields[name]!, value = values[name] === undefined && whole ? field.default : values[name];
    if (value !== undefined || (!whole && name in values)) encoded.push([position, encode(`${what}: ${name}`, field, value)]);
    else if (whole) throw new PlimsollError("missing-field", `${what} lacks ${name}`);
    ++position;
  }
  return encoded;
}

/** Checks an object and writes its fields as arguments; answers a mask of them. */
export function writeFields(core: Core, what: string, fields: Fields, values: Readonly<Record<string, unknown>>, whole: boolean): number {
  let mask = 0;
  for (const [position, value] of checkFields(what, fields, values, whole)) {
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
    const field = fields[name]!, value = core.readResult(at);
    values[name] = field.kind === "bool" ? value !== 0n : value;
    ++at;
  }
  return values as Complete<F>;
}

/** A contract's function as the module exports it. */
export function contractFunction<I extends Fields, O extends Fields>(
  what: string, name: string, reasons: readonly string[], inputs: I, outputs: O,
): (inputs: Values<I>) => Outcome<Complete<O>> {
  return (values) => {
    const core = sharedCore();
    writeFields(core, what, inputs, values as Readonly<Record<string, unknown>>, true);
    const reason = (core.exports[name] as RuleExport)();
    if (reason) return { reverts: true, reason: reasons[reason]! };
    return { reverts: false, ...readResults(core, outputs, 0) };
  };
}
