/** Figures between text and integers: queries checked by schemas made of the protocols' own fields, answers both exact and readable. */
import type { Field, Fields } from "plimsoll";
import * as v from "valibot";
import { type Issue, Problem } from "./problem.js";
import type { Served } from "./served.js";

export type Figures = Readonly<Record<string, bigint>>;

// ---- Queries

const digits = v.pipe(v.string(), v.maxLength(78, "must be a whole number of at most 78 digits"), v.regex(/^(0|[1-9]\d*)$/, "must be a whole number, in digits"));
/** An unsigned integer of so many bits, as text. */
export const uint = (bits: number) => v.pipe(digits, v.transform((text) => BigInt(text)), v.check((value) => value >> BigInt(bits) === 0n, `must fit a uint${bits}`));
export const whole = (least: number, most: number) => v.pipe(
  digits, v.transform((text) => Number(text)), v.check((value) => value >= least && value <= most, `must be a whole number from ${least} to ${most}`),
);
const int = (bits: number) => v.pipe(
  v.string(), v.maxLength(79, "must be a whole number"), v.regex(/^-?(0|[1-9]\d*)$/, "must be a whole number, in digits"), v.transform((text) => BigInt(text)),
  v.check((value) => BigInt.asIntN(bits, value) === value, `must fit an int${bits}`),
);

/** The parameters of a request's URL. */
export function queryOf(url: string): URLSearchParams {
  const at = url.indexOf("?");
  return new URLSearchParams(at < 0 ? "" : url.slice(at));
}

/** Checks a query, each of whose parameters may be there once. Throws a problem that names what is wrong. */
export function parse<T extends v.ObjectEntries>(schema: v.StrictObjectSchema<T, undefined>, given: Iterable<readonly [name: string, value: string]>): v.InferOutput<typeof schema> {
  const single: Record<string, string> = Object.create(null), issues: Issue[] = [];
  for (const [name, value] of given) {
    if (name in single) issues.push({ field: name, detail: "must be given once" });
    single[name] = value;
  }
  const seen = v.safeParse(schema, single, { abortPipeEarly: true });
  for (const { path, message, expected, received } of seen.issues ?? []) {
    const field = String(path?.[0]?.key ?? "");
    issues.push({ field, detail: !(field in schema.entries) ? "is not known here" : received === "undefined" || !(field in single) ? "is missing" : expected && message.startsWith("Invalid") ? `must be ${expected}` : message });
  }
  if (issues.length) throw new Problem(400, "bad-parameter", issues.map(({ field, detail }) => `${field} ${detail}`).join("; "), issues);
  return seen.output as v.InferOutput<typeof schema>;
}

function entryOf({ kind, bits, choices }: Field<unknown>) {
  return kind === "choice" ? v.picklist(choices!) : kind === "int" ? int(bits) : uint(bits);
}
/** What a protocol's figures and a vault of it are called in a query. */
export interface PriceQuery {
  readonly schema: v.StrictObjectSchema<v.ObjectEntries, undefined>;
  readonly vault: readonly string[];
  readonly market: readonly string[];
  readonly system: readonly string[];
}

/** The query for a vault that stands in no snapshot: its amounts, the figures of its market and of the system, and the time. */
export function priceQuery({ protocol, defaults = {}, without = [], price, at }: Served): PriceQuery {
  const { vault, market, system } = protocol, entries: Record<string, v.GenericSchema> = { at: v.optional(uint(64)) };
  for (const fields of [system, market, vault]) for (const [name, field] of Object.entries(fields)) {
    if (without.includes(name)) continue;
    const needed = name === price || !(fields === system || name in defaults || field.default !== undefined || (at && name === "spot"));
    entries[name] = needed ? entryOf(field) : v.optional(entryOf(field));
  }
  const names = (fields: Fields) => Object.keys(fields).filter((name) => !without.includes(name));
  return { schema: v.strictObject(entries), vault: names(vault), market: names(market), system: names(system) };
}

// ---- Answers

/** An integer as it is, and with its decimals where they are known. */
export interface Told { readonly exact: string; readonly decimal?: string }

export function told(value: bigint, decimals?: number): Told {
  const exact = value.toString();
  if (decimals === undefined) return { exact };
  const negative = value < 0n, text = (negative ? exact.slice(1) : exact).padStart(decimals + 1, "0"), fraction = text.slice(text.length - decimals).replace(/0+$/, "");
  return { exact, decimal: `${negative ? "-" : ""}${text.slice(0, text.length - decimals)}${fraction && `.${fraction}`}` };
}

const DECIMALS: Readonly<Record<string, number>> = { wad: 18, WAD: 18, "1e18": 18, ray: 27, rad: 45, "1e36": 36 };
/** Amounts by their names, readable where their units have decimals. */
export const toldAll = (fields: Fields, values: Figures) => Object.fromEntries(Object.keys(values).map((name) => [name, told(values[name]!, DECIMALS[fields[name]!.unit])]));

/** A ratio: infinite without debt, null where the contract would revert. */
export const toldRatio = (ratio: bigint | number | undefined) => (ratio === undefined ? null : typeof ratio === "bigint" ? told(ratio, 18) : "infinite" as const);
