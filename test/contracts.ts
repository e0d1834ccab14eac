/** What the tests of contracts' functions share: their vectors, inputs that are usual but for some, and how bad input is refused. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { PlimsollError } from "plimsoll";
import { describe, expect, test } from "vitest";
import { outcome } from "./reference/maker.js";

// ---- Vectors

type Call = (inputs: never) => object;
interface Vectors { readonly protocol: string; readonly function: string; readonly cases: readonly { readonly id: string; readonly in: object; readonly out: object }[] }

const SELECTED = join(import.meta.dirname, "vectors"), ALL = join(import.meta.dirname, "../../shared/vectors");

function read(folder: string, protocol: string): Vectors[] {
  return readdirSync(folder).filter((name) => name.startsWith(`${protocol}.`)).sort().map((name) => JSON.parse(
    readFileSync(join(folder, name), "utf8"), (_, value) => (typeof value === "string" && /^-?\d+$/.test(value) ? BigInt(value) : value),
  ) as Vectors);
}

/** The library and the reference agree with every vector, field for field, and have no field that it has not. */
export function agreesWithVectors(protocol: string, functions: object, reference: object, count: number): void {
  const check = (files: readonly Vectors[]): number => {
    for (const file of files) {
      const call = (functions as Record<string, Call>)[file.function]!, model = (reference as Record<string, Call>)[file.function]!;
      for (const { id, in: inputs, out } of file.cases) {
        const where = `${protocol}.${file.function} ${id}`;
        expect(call(inputs as never), where).toEqual({ reverts: false, ...out });
        expect(outcome(() => model(inputs as never)), `${where}, reference`).toEqual(out);
      }
    }
    return files.reduce((sum, { cases }) => sum + cases.length, 0);
  };
  describe(`${protocol}: the contracts' answers`, () => {
    test("a selection of vectors", () => {
      const files = read(SELECTED, protocol);
      expect(check(files)).toBeGreaterThanOrEqual(12 * files.length);
    });
    test("all vectors", ({ skip }) => {
      skip(!existsSync(ALL), "../shared/vectors is not here: only the selection was run");
      const files = read(ALL, protocol);
      expect(files.map((file) => file.function)).toEqual(read(SELECTED, protocol).map((file) => file.function));
      expect(check(files)).toBe(count);
    });
  });
}

// ---- Properties

export const between = (min: bigint, max: bigint) => fc.bigInt({ min, max });
export const nudge = fc.constantFrom(-1n, 0n, 1n);
export const atLeast0 = (x: bigint, bits = 256) => (x < 0n ? 0n : x >> BigInt(bits) ? 2n ** BigInt(bits) - 1n : x);

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

/** What the reference says, in the library's words. */
export function said(fn: () => object): object {
  const answer = outcome(fn);
  return "reverts" in answer ? answer : { reverts: false, ...answer };
}

/** How often each outcome came up, to see that a property met more than one kind. */
export class Tally {
  readonly counts = new Map<string, number>();
  count(answer: object): void {
    const kind = "reverts" in answer && answer.reverts ? `reverts: ${(answer as { reason?: string }).reason}` : "returns";
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }
  saw(...kinds: string[]): void {
    for (const kind of kinds) expect([...this.counts.keys()]).toContain(kind);
  }
}

// ---- Bad input

export function refuses(run: () => unknown, code: string, ...parts: string[]): void {
  let thrown: unknown;
  try { run(); } catch (error) { thrown = error; }
  expect(thrown).toBeInstanceOf(PlimsollError);
  expect((thrown as PlimsollError).code).toBe(code);
  for (const part of parts) expect((thrown as PlimsollError).message).toContain(part);
}

/** Of which widths fields are that are no uint256, which are signed, and which may be left out. */
export interface Shape { readonly widths?: Readonly<Record<string, number>>; readonly signed?: readonly string[]; readonly optional?: readonly string[] }

/** Each function refuses what its fields cannot hold, fields that it has not, and to do without those it has. Lists and records are left alone. */
export function refusesBadFields(functions: object, inputs: Readonly<Record<string, object>>, { widths = {}, signed = [], optional = [] }: Shape = {}): void {
  for (const [name, good] of Object.entries(inputs)) test(name, () => {
    const call = (values: unknown) => (functions as Record<string, (values: unknown) => unknown>)[name]!(values);
    call(good); // as it stands it is accepted
    for (const [field, value] of Object.entries(good)) {
      const rest = Object.fromEntries(Object.entries(good).filter(([other]) => other !== field));
      if (!optional.includes(field)) for (const without of [rest, { ...good, [field]: undefined }]) refuses(() => call(without), "missing-field", field);
      if (typeof value === "object") continue;
      if (typeof value !== "bigint") {
        for (const bad of [0, 1n, null, "Linear", "toString", "constructor", "__proto__"]) refuses(() => call({ ...good, [field]: bad }), "invalid-argument", field);
        continue;
      }
      const bits = BigInt(widths[field] ?? 256), [min, max] = signed.includes(field) ? [-(2n ** 255n), 2n ** 255n - 1n] : [0n, 2n ** bits - 1n];
      for (const fine of [min, max]) call({ ...good, [field]: fine });
      for (const bad of [min - 1n, max + 1n, -(2n ** 300n)]) refuses(() => call({ ...good, [field]: bad }), "out-of-range", field, String(bad).slice(0, 50));
      for (const bad of [1, Number.NaN, 1.5, "1", null, true, {}, []]) refuses(() => call({ ...good, [field]: bad }), "not-a-bigint", field);
    }
    refuses(() => call({ ...good, inc: 1n }), "unknown-field", "inc");
    for (const bad of [null, undefined, 1n, "x"]) refuses(() => call(bad), "invalid-argument");
  });
}
