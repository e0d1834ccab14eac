/** Vector files: inputs and outputs of contracts as they ran, compared with what the library answers. */
import { type Book, type Fields, openBook, type Protocol, type Status } from "plimsoll";
import { comet } from "plimsoll/comet";
import { compoundV2 } from "plimsoll/compound-v2";
import { liquityV1 } from "plimsoll/liquity-v1";
import { liquityV2 } from "plimsoll/liquity-v2";
import { aaveV3 } from "plimsoll/aave-v3";
import { maker } from "plimsoll/maker";
import { morpho } from "plimsoll/morpho";

/** Decoded JSON: a bigint for each decimal string, everything else as it was written. */
type Value = bigint | number | boolean | string | null | readonly Value[] | Inputs;
interface Inputs { readonly [name: string]: Value }

/** What a file came to; `inBook` of its cases were also asked of a book. */
export interface Outcome {
  readonly file: string;
  readonly covered: boolean;
  readonly cases: number;
  readonly passed: number;
  readonly failed: number;
  readonly inBook: number;
}

/** A case that failed: where the answers differ. */
export interface Difference { readonly id: string; readonly in: Inputs; readonly differences: readonly string[] }

/** A case as a book holds it: a market of its own, one vault, and the status that the contract gave it. */
interface BookCase { readonly market: Inputs; readonly vault: Inputs; readonly status: Status }

/** What replays the vectors of a protocol. */
interface Replay {
  /** The functions by the vectors' names. */
  readonly functions: object;
  /** Where there is a book: the protocol, and by function how a case stands in it; undefined for a case that no book can hold. */
  readonly protocol?: Protocol;
  readonly inBook?: Readonly<Record<string, (inputs: Inputs, out: Inputs) => BookCase | undefined>>;
}

const RAY = 10n ** 27n;
const statusOf = (out: Inputs): Status => (out["reverts"] ? "reverts" : out["unsafe"] ? "unsafe" : "safe");
const pick = (values: Inputs, ...names: readonly string[]): Inputs => Object.fromEntries(names.map((name) => [name, values[name]!]));

/** By the vectors' name of the protocol. */
const REPLAYS: Readonly<Record<string, Replay>> = {
  maker: {
    functions: maker,
    protocol: maker as unknown as Protocol,
    inBook: {
      health: (inputs, out) => ({
        market: { ...pick(inputs, "spot", "rate"), mat: RAY, val: 0n }, vault: pick(inputs, "ink", "art"), status: statusOf(out),
      }),
      // A poke that reverts leaves no spot to judge by.
      pokeHealth: (inputs, out) => (out["spot"] === undefined ? undefined : {
        market: { ...pick(inputs, "rate", "mat", "val"), spot: out["spot"] }, vault: pick(inputs, "ink", "art"), status: statusOf(out),
      }),
    },
  },
  "compound-v2": { functions: compoundV2 },
  comet: { functions: comet },
  "morpho-blue": { functions: morpho },
  "liquity-v1": { functions: liquityV1 },
  "liquity-v2": { functions: liquityV2 },
  "aave-v3.0": { functions: aaveV3({ revision: 1 }) },
  "aave-v3.3": { functions: aaveV3({ revision: 7 }) },
  "aave-v3.4": { functions: aaveV3({ revision: 8 }) },
  "aave-v3.5": { functions: aaveV3({ revision: 9 }) },
  "aave-v3.6": { functions: aaveV3({ revision: 10 }) },
  "aave-v3.7": { functions: aaveV3({ revision: 11 }) },
};

/** Something given that cannot be read as asked. */
export class InputError extends Error {}

interface VectorFile { readonly protocol: string; readonly function: string; readonly cases: readonly { id: string; in: Inputs; out: Inputs }[] }

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null && !Array.isArray(value);

/** The file's content, or undefined for JSON of another kind. */
function parse(text: string): VectorFile | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text, (_, value) => (typeof value === "string" && /^-?\d+$/.test(value) ? BigInt(value) : value));
  } catch (error) {
    throw new InputError(`is not JSON: ${(error as Error).message.replaceAll("\n", " ")}`);
  }
  if (!isObject(json) || typeof json["protocol"] !== "string" || typeof json["function"] !== "string") return undefined;
  const { cases } = json;
  if (!Array.isArray(cases)) throw new InputError("names a protocol and a function, but has no array of cases");
  cases.forEach((entry: unknown, i) => {
    if (!isObject(entry) || !isObject(entry["in"]) || !isObject(entry["out"])) throw new InputError(`has a case, number ${i}, without the objects in and out`);
  });
  return {
    protocol: json["protocol"], function: json["function"],
    cases: cases.map((entry, i) => ({ id: String(entry.id ?? `case ${i}`), in: entry.in, out: entry.out })),
  };
}

/** JSON in which bigints are decimal strings, as in the files. */
export const show = (value: unknown): string => JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? `${inner}` : inner)) ?? "absent";

/** Replays a file's text. @throws InputError */
export function replay(file: string, text: string): { outcome: Outcome; failures: Difference[] } {
  const vectors = parse(text), cases = vectors?.cases ?? [];
  const known = vectors && Object.hasOwn(REPLAYS, vectors.protocol) ? REPLAYS[vectors.protocol]! : undefined;
  const call = known && Object.hasOwn(known.functions, vectors!.function) ? (known.functions as Readonly<Record<string, unknown>>)[vectors!.function] : undefined;
  if (!known || typeof call !== "function") {
    return { outcome: { file, covered: false, cases: cases.length, passed: 0, failed: 0, inBook: 0 }, failures: [] };
  }
  const differences = cases.map((entry) => {
    try {
      return compare(entry.out, call(entry.in));
    } catch (error) {
      return [`the call threw ${error}`];
    }
  });
  const inBook = replayInBook(known, vectors!, differences);
  const failures = cases.flatMap((entry, i) => (differences[i]!.length ? [{ id: entry.id, in: entry.in, differences: differences[i]! }] : []));
  return { outcome: { file, covered: true, cases: cases.length, passed: cases.length - failures.length, failed: failures.length, inBook }, failures };
}

/** Every key that the contract's answer has must be equal in the library's, and whether it reverts. */
function compare(expected: Inputs, answer: Inputs): string[] {
  const names = new Set([...Object.keys(expected), "reverts"]);
  return [...names].flatMap((name) => {
    const want = name === "reverts" ? expected[name] ?? false : expected[name], got = answer[name];
    return show(want) === show(got) ? [] : [`${name} is ${show(got)}, the contract says ${show(want)}`];
  });
}

const fits = (vault: Inputs) => Object.values(vault).every((amount) => typeof amount === "bigint" && amount >= 0n && amount >> 128n === 0n);

/**
 * Puts the cases whose amounts fit into one book, a market each, and asks every scan, with each screen, and `inspect` for
 * their status. Adds what differs to the cases' differences; answers how many were asked.
 */
function replayInBook({ protocol, inBook }: Replay, vectors: VectorFile, differences: string[][]): number {
  const place = inBook && Object.hasOwn(inBook, vectors.function) ? inBook[vectors.function] : undefined;
  if (!protocol || !place) return 0;
  using book: Book<Fields, Fields, Fields, Fields> = openBook(protocol);
  const held = vectors.cases.flatMap((entry, i) => {
    const stand = place(entry.in, entry.out);
    if (!stand || !fits(stand.vault)) return [];
    try {
      return [{ id: book.add(book.addMarket(stand.market as never), stand.vault as never), case: i, status: stand.status }];
    } catch (error) {
      differences[i]!.push(`a book refused it: ${error}`);
      return [];
    }
  });
  for (const screen of ["zones", "keys", "off"] as const) {
    const unsafe = new Set(book.scan({ screen }).ids), reverts = new Set(book.scan({ screen, status: "reverts" }).ids);
    for (const { id, case: i, status } of held) {
      const found = unsafe.has(id) ? (reverts.has(id) ? "both unsafe and reverts" : "unsafe") : reverts.has(id) ? "reverts" : "safe";
      if (found !== status) differences[i]!.push(`a scan with screen ${screen} finds it ${found}, the contract says ${status}`);
    }
  }
  for (const { id, case: i, status } of held) {
    const found = book.inspect(id).status;
    if (found !== status) differences[i]!.push(`inspect finds it ${found}, the contract says ${status}`);
  }
  return held.length;
}
