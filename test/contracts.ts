/** What the tests of contracts' functions share: inputs usual and odd, the reference's word for it, the contracts' own, bad input. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { PlimsollError } from "plimsoll";
import { describe, expect, test } from "vitest";
import { outcome } from "./reference/maker.js";

// ---- Inputs

export const between = (min: bigint, max: bigint) => fc.bigInt({ min, max });
export const atLeast0 = (x: bigint, bits = 256) => (x < 0n ? 0n : x >> BigInt(bits) ? 2n ** BigInt(bits) - 1n : x);
export const nudge = fc.constantFrom(-1n, 0n, 1n);

/** Usual figures, of which some, or all, give way to ones from the whole range of their type. */
export function record<R extends Record<string, readonly [usual: fc.Arbitrary<unknown>, any: fc.Arbitrary<unknown>]>>(fields: R) {
  type Out = { [K in keyof R]: R[K][0] extends fc.Arbitrary<infer T> ? T : never };
  const names = Object.keys(fields), odd = fc.record(Object.fromEntries(names.map((name) => [name, fields[name]![1]])));
  const plain = fc.record(Object.fromEntries(names.map((name) => [name, fields[name]![0]])));
  const some = fc.oneof(
    { weight: 3, arbitrary: fc.constant<string[]>([]) },
    { weight: 5, arbitrary: fc.subarray(names, { minLength: 1, maxLength: Math.min(2, names.length) }) },
    { weight: 1, arbitrary: fc.subarray(names) },
    { weight: 1, arbitrary: fc.constant(names) },
  );
  return fc.tuple(plain, odd, some).map(([base, other, which]) => ({ ...base, ...Object.fromEntries(which.map((name) => [name, other[name]])) }) as Out);
}

// ---- Answers

/** What the reference says, in the library's words. */
export function said(fn: () => object): object {
  const answer = outcome(fn);
  return "reverts" in answer ? answer : { reverts: false, ...answer };
}

/** How often each outcome came up, to see that a property met more than one kind. */
export class Tally {
  readonly counts = new Map<string, number>();
  /** By what it reverts with, or by the values of the fields named. */
  count(answer: object, ...fields: readonly string[]): void {
    const values = answer as Readonly<Record<string, unknown>>;
    const kind = values["reverts"] ? `reverts: ${values["reason"]}` : ["returns", ...fields.map((name) => `${name} ${values[name]}`)].join(" ");
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }
  saw(...kinds: string[]): void {
    for (const kind of kinds) expect([...this.counts.keys()]).toContain(kind);
  }
}

type Call = (inputs: unknown) => object;
const namesOf = (functions: object) => Object.entries(functions).filter(([, value]) => typeof value === "function").map(([name]) => name).sort();
const callOf = (functions: object, name: string) => (functions as Readonly<Record<string, Call>>)[name]!;

// ---- The contracts' own answers

interface VectorFile {
  readonly function: string;
  readonly cases: readonly { readonly id: string; readonly in: object; readonly out: object }[];
}

const root = join(import.meta.dirname, ".."), own = join(root, "test/vectors"), all = join(root, "../shared/vectors");

function vectorsOf(folder: string, protocol: string): VectorFile[] {
  return readdirSync(folder).filter((file) => file.startsWith(`${protocol}.`) && file.endsWith(".json")).map((file) => (
    JSON.parse(readFileSync(join(folder, file), "utf8"), (_, value) => (typeof value === "string" && /^-?\d+$/.test(value) ? BigInt(value) : value))
  ));
}

/**
 * Every vector, field by field: the library's answer, and the reference's. `total`: how many there are in all. `without`: functions that
 * have none.
 */
export function vectorTests(protocol: string, library: object, reference: object, total: number, without: readonly string[] = []): void {
  const functions = namesOf(library).filter((name) => !without.includes(name));

  function replay(folder: string): number {
    const files = vectorsOf(folder, protocol);
    expect(files.map((file) => file.function).sort()).toEqual(functions);
    for (const { function: name, cases } of files) {
      expect(cases.length, name).toBeGreaterThan(11);
      for (const { id, in: inputs, out } of cases) {
        const expected = { id, reverts: false, ...out };
        expect({ id, ...callOf(library, name)(inputs) }, name).toEqual(expected);
        expect({ id, ...said(() => callOf(reference, name)(inputs)) }, `the reference: ${name}`).toEqual(expected);
      }
    }
    return files.reduce((sum, { cases }) => sum + cases.length, 0);
  }

  describe(`${protocol}: the contracts' answers`, () => {
    test("a selection of vectors", () => {
      replay(own);
    });

    test("all vectors", ({ skip }) => {
      skip(!existsSync(all), "../shared/vectors is not here: only the selection was replayed");
      expect(replay(all)).toBe(total);
    });
  });
}

// ---- Bad input

export function refuses(run: () => unknown, code: string, ...parts: string[]): void {
  let thrown: unknown;
  try { run(); } catch (error) { thrown = error; }
  expect(thrown).toBeInstanceOf(PlimsollError);
  expect((thrown as PlimsollError).code).toBe(code);
  for (const part of parts) expect((thrown as PlimsollError).message).toContain(part);
}

/**
 * The type of a field by its name, or its function's and its own: of integers, and whether it may be left out, or what it has be null.
 * The others are uint256, or what they are in the input.
 */
export type Types = Readonly<Record<string, `${"uint" | "int"}${number}${"?" | ""}` | "?" | "maybe">>;
type Inputs = Readonly<Record<string, unknown>>;

/** Takes fields away from an input that is accepted, and puts in their place what does not fit, in rows as well. */
function refusesFields(call: (inputs: unknown) => unknown, good: Inputs, types: Types, where: string): void {
  call(good);
  for (const [field, value] of Object.entries(good)) {
    const { [field]: _, ...without } = good, put = (bad: unknown) => () => call({ ...good, [field]: bad });
    const type = types[`${where}.${field}`] ?? types[field] ?? "uint256", [, kind, bits] = /^(u?int)(\d+)/.exec(type) ?? [];
    if (type.endsWith("?")) call(without);
    else for (const missing of [() => call(without), put(undefined)]) refuses(missing, "missing-field", where, field);
    if (Array.isArray(value)) {
      for (const bad of [null, 1n, "x", {}]) refuses(put(bad), "invalid-argument", where, field);
      const last = value.length - 1, row = value[last], place = `${field}[${last}]`, putRow = (bad: unknown) => put([...value.slice(0, last), bad])();
      if (typeof row === "bigint") for (const bad of [null, undefined, 1]) refuses(() => putRow(bad), "not-a-bigint", place);
      else {
        for (const bad of [null, undefined, 1n, []]) refuses(() => putRow(bad), "invalid-argument", place);
        refusesFields(putRow, row, types, place);
      }
    } else if (typeof value === "object") {
      for (const bad of [1n, "x", [], ...(type === "maybe" ? [] : [null])]) refuses(put(bad), "invalid-argument", where, field);
      if (value) refusesFields((row) => put(row)(), value as Inputs, types, field);
    } else if (typeof value === "bigint") {
      const half = 2n ** (BigInt(bits!) - 1n), [min, max] = kind === "int" ? [-half, half - 1n] : [0n, 2n * half - 1n];
      for (const fine of [min, max]) put(fine)();
      for (const bad of [min - 1n, max + 1n, -(2n ** 300n)]) refuses(put(bad), "out-of-range", where, field, String(bad).slice(0, 50));
      for (const bad of [1, Number.NaN, 1.5, "1", null, true, {}, []]) refuses(put(bad), "not-a-bigint", where, field);
    } else {
      for (const bad of [0, 1n, null, "Linear", "toString", "constructor", "__proto__"]) refuses(put(bad), "invalid-argument", where, field);
    }
  }
  refuses(() => call({ ...good, inc: 1n }), "unknown-field", where, "inc");
}

/** Bad input to each function of a protocol, given an input that it takes, or several. */
export function refusalTests(protocol: string, library: object, good: Readonly<Record<string, Inputs | readonly Inputs[]>>, types: Types = {}): void {
  describe(`${protocol}: what does not fit is refused, with the function, the field and the value`, () => {
    expect(Object.keys(good).sort()).toEqual(namesOf(library));
    for (const [name, inputs] of Object.entries(good)) {
      test(name, () => {
        const call = callOf(library, name), where = `${protocol}.${name}`;
        for (const one of [inputs].flat()) refusesFields(call, one, types, where);
        for (const bad of [null, undefined, 1n, "x", []]) refuses(() => call(bad), "invalid-argument", where);
        refuses(() => call({}), "missing-field", where);
      });
    }
  });
}
