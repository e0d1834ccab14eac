/** Real vaults from a file: read, checked, and refused with the field's path and the row where something is wrong. */
import { readFileSync } from "node:fs";
import * as v from "valibot";
import { type Block, type Input, RAY, SYSTEM, TERMS, spotAt } from "./ilks.js";

/** A file that cannot be used; the message is for the one who named it. */
export class SnapshotError extends Error {
  override readonly name = "SnapshotError";
}

// ---- Any snapshot

const show = (value: unknown) => {
  if (value === undefined) return "nothing";
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "an array" : "an object";
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 48)}… (${text.length} characters)` : text;
};

/** An issue's message: what should stand there, and what does. */
const expected = (what: string) => (issue: v.BaseIssue<unknown>) => `Expected ${what}, received ${show(issue.input)}`;

/** `vaults[17].debt` */
function pathOf(issue: v.BaseIssue<unknown>): string {
  let path = "";
  for (const { key } of issue.path ?? []) path += typeof key === "number" ? `[${key}]` : path ? `.${key}` : `${key}`;
  return path;
}

/** Reads a JSON file of a schema's shape. Throws `SnapshotError`. */
export function readSnapshot<S extends v.GenericSchema>(file: string, schema: S): v.InferOutput<S> {
  const refuse = (why: string) => new SnapshotError(`${file}: ${why}`);
  let bytes: Uint8Array, text: string, json: unknown;
  try { bytes = readFileSync(file); } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw refuse(code === "ENOENT" ? "no such file" : code === "EISDIR" ? "is a folder, not a file" : `cannot be read (${code})`);
  }
  try { text = new TextDecoder("utf-8", { fatal: true }).decode(bytes); } catch { throw refuse("is not UTF-8 text"); }
  try { json = JSON.parse(text); } catch (error) { throw refuse(`is not JSON: ${(error as Error).message.replace(/[\s\p{C}]+/gu, " ")}`); }
  const parsed = v.safeParse(schema, json, { abortEarly: true, abortPipeEarly: true });
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0], path = pathOf(issue);
  // valibot reports a field that is not there as a wrong key of the object around it.
  const why = issue.type === "object" && issue.received === "undefined" ? "Expected this field, received nothing" : issue.message;
  throw refuse(path ? `${path}: ${why}` : why);
}

const WIDEST = 1n << 128n;

/** An amount or price: decimal digits in a string, as JSON has no integers of this size. */
const amount = v.pipe(
  v.string(expected("a string of digits")),
  v.regex(/^\d+$/, expected("a string of digits")),
  v.check((text) => text.length <= 60 && BigInt(text) < WIDEST, expected("an amount below 2^128")),
  v.transform((text) => BigInt(text)),
);
/** A name that can be printed. */
const name = v.pipe(v.string(expected("a name")), v.regex(/^[^\p{C}]{1,32}$/u, expected("a name of 1 to 32 printable characters")));
const address = v.pipe(v.string(expected("an address")), v.regex(/^0x[0-9a-fA-F]{40}$/, expected("an address of 0x and 40 hex digits")));
const object = <E extends v.ObjectEntries>(entries: E) => v.object(entries, expected("an object"));
const list = <S extends v.GenericSchema>(item: S) => v.pipe(v.array(item, expected("an array")), v.minLength(1, "Expected at least one row"));

// ---- Vaults with one collateral

/** The shape of `snapshots/crvusd-2024-01-30.json`, as far as the keeper reads it: amounts and prices wad, whatever the token. */
const vaultSnapshot = object({
  title: v.optional(v.string(expected("a title"))),
  markets: list(object({ market: name, oraclePrice: v.pipe(amount, v.minValue(1n, "Expected a price above 0")) })),
  vaults: list(object({ market: name, owner: address, collateral: amount, debt: amount })),
});

/**
 * The file's vaults, one ilk a market, as Maker would judge them: collateral as `ink`, debt as `art` at a rate of 1, and one
 * liquidation ratio (ray) for all. The market's own rule may be another one, as crvUSD's is.
 */
export function vaultsOf(file: string, mat: bigint): Input {
  const { title, markets, vaults } = readSnapshot(file, vaultSnapshot);
  const refuse = (path: string, why: string) => new SnapshotError(`${file}: ${path}: ${why}`);

  const ilks = new Map<string, { readonly ilk: number; readonly rows: Map<string, number> }>();
  markets.forEach(({ market }, i) => {
    const other = ilks.get(market);
    if (other) throw refuse(`markets[${i}].market`, `${show(market)} is the name of markets[${other.ilk}] already`);
    ilks.set(market, { ilk: i, rows: new Map() });
  });
  vaults.forEach(({ market, owner }, i) => {
    const rows = ilks.get(market)?.rows, key = owner.toLowerCase();
    if (!rows) throw refuse(`vaults[${i}].market`, `Expected the name of a market, received ${show(market)}`);
    if (rows.has(key)) throw refuse(`vaults[${i}].owner`, `${owner} has a vault in ${market} already, vaults[${rows.get(key)}]`);
    rows.set(key, i);
  });

  const blocks = [...ilks.values()].map(({ ilk, rows }): Block => {
    const ink = new BigUint64Array(rows.size * 2), art = new BigUint64Array(rows.size * 2), keys = Buffer.alloc(rows.size * 20);
    let row = 0;
    for (const [owner, i] of rows) {
      const { collateral, debt } = vaults[i]!;
      ink.set([collateral, collateral >> 64n], row * 2); // a BigUint64Array takes the low 64 bits
      art.set([debt, debt >> 64n], row * 2);
      keys.write(owner.slice(2), row * 20, "hex");
      ++row;
    }
    return { ilk, ink, art, keys };
  });
  return {
    title: `${vaults.length.toLocaleString("en-US")} vaults of ${file}${title ? ` (${title.replace(/\p{C}/gu, " ")})` : ""}`,
    ilks: markets.map(({ market, oraclePrice: val }) => ({ name: market, figures: { spot: spotAt(val, mat), val, mat, rate: RAY, ...TERMS } })),
    system: SYSTEM, count: vaults.length, keyBytes: 20,
    blocks: () => blocks,
  };
}
