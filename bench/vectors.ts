/** Vector files: inputs and outputs of contracts as they ran, compared with what the library answers. */
import { openBook, type Status } from "plimsoll";
import { type AaveV3, aaveV3 } from "plimsoll/aave-v3";
import { type Comet, comet } from "plimsoll/comet";
import { type CompoundV2, compoundV2 } from "plimsoll/compound-v2";
import { type LiquityV1, liquityV1 } from "plimsoll/liquity-v1";
import { type LiquityV2, liquityV2 } from "plimsoll/liquity-v2";
import { maker } from "plimsoll/maker";
import { type Morpho, morpho } from "plimsoll/morpho";
import { type Literal, answers, known } from "./literals.js";

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

/** What books are asked; those of accounts answer the contracts' functions too. */
interface Asked extends Disposable {
  scan(query: { screen: "zones" | "keys" | "off"; status?: "reverts"; at?: bigint }): { readonly ids: Float64Array };
  inspect(id: number, time: Time): { readonly status: Status };
  ask?(id: number, name: never, inputs: never, time: Time): unknown;
}
interface Time { readonly at?: bigint }

/** A case as a book holds it, the status that the contract gave it, and the time of the question where the contract accrues. */
interface BookCase<B extends Asked> {
  readonly status: Status;
  readonly time?: Time;
  /** Adds what the case is about, and answers the id. */
  put(book: B): number;
}

/** How the cases of a protocol stand in books: all of one time in one, or where accounts share all assets, each in its own. */
interface Books<B extends Asked = Asked> {
  open(): B;
  readonly shared: boolean;
  /** By function; undefined for a case that no book can hold. */
  readonly cases: Readonly<Record<string, (inputs: never, out: Inputs) => BookCase<B> | undefined>>;
}

/** What replays the vectors of a protocol. */
interface Replay {
  /** The functions by the vectors' names. */
  readonly functions: object;
  readonly books?: Books;
}

type InputsOf<F extends (inputs: never) => unknown> = Parameters<F>[0];

const statusOf = (reverts: unknown, unsafe: unknown): Status => (reverts ? "reverts" : unsafe ? "unsafe" : "safe");
const fits = (...amounts: readonly bigint[]) => amounts.every((amount) => amount >= 0n && amount >> 128n === 0n);

// ---- Maker: a market and a vault

const RAY = 10n ** 27n;

const openMaker = () => openBook(maker);
type MakerBook = ReturnType<typeof openMaker>;
type Figures = Parameters<MakerBook["addMarket"]>[0];

const makerBooks: Books<MakerBook> = {
  open: openMaker, shared: true,
  cases: {
    health: ({ spot, rate, ink, art }: InputsOf<typeof maker.health>, out) => vaultCase({ spot, rate, mat: RAY, val: 0n }, ink, art, out),
    // A poke that reverts leaves no spot to judge by.
    pokeHealth: ({ rate, mat, val, ink, art }: InputsOf<typeof maker.pokeHealth>, { spot, ...out }) => (
      spot === undefined ? undefined : vaultCase({ spot: spot as bigint, rate, mat, val }, ink, art, out)
    ),
  },
};

function vaultCase(market: Figures, ink: bigint, art: bigint, out: Inputs): BookCase<MakerBook> | undefined {
  if (!fits(ink, art)) return undefined;
  return { status: statusOf(out["reverts"], out["unsafe"]), put: (book) => book.add(book.addMarket(market), { ink, art }) };
}

// ---- Aave v3: reserves, eMode categories, an account

/** A reserve that nobody uses, where the case names none. */
const UNUSED = { decimals: 18n, liquidationThreshold: 0n, assetPrice: 1n, liquidityIndex: RAY, variableBorrowIndex: RAY };

const openAave = (pool: AaveV3) => openBook(pool);

const aaveBooks = (pool: AaveV3): Books<ReturnType<typeof openAave>> => ({
  open: () => openAave(pool), shared: false,
  cases: {
    accountData: ({ blockTimestamp, userEModeCategory, userConfig, reservesCount, eModeCategories, reserves }: InputsOf<AaveV3["accountData"]>, out) => {
      const count = Math.max(0, ...reserves.map(({ id }) => Number(id) + 1));
      const used = reserves.reduce((mask, { id }) => mask | 3n << 2n * id, 0n);
      if (userConfig & ~used || (reservesCount !== undefined && reservesCount < count)) return undefined;
      if (!reserves.every(({ scaledATokenBalance, scaledVariableDebt, stableDebt }) => fits(scaledATokenBalance, scaledVariableDebt) && !stableDebt)) return undefined;
      return {
        status: statusOf(out["reverts"], (out["healthFactor"] as bigint) < 10n ** 18n), time: { at: blockTimestamp },
        put: (book) => {
          for (const { id, ...category } of eModeCategories) if (id) book.setCategory(Number(id), category as never);
          for (let id = 0; id < count; ++id) {
            const reserve = reserves.find((one) => one.id === BigInt(id)) ?? (UNUSED as never);
            const { id: _, scaledATokenBalance, scaledVariableDebt, stableDebt, usingAsCollateral, borrowing, ...figures } = reserve;
            book.addMarket(figures);
          }
          return book.add({
            userEModeCategory, userConfig,
            reserves: reserves.flatMap(({ id, scaledATokenBalance, scaledVariableDebt }) => (
              scaledATokenBalance || scaledVariableDebt || userConfig >> 2n * id & 3n ? [{ reserve: Number(id), scaledATokenBalance, scaledVariableDebt }] : []
            )),
          });
        },
      };
    },
  },
});

// ---- Compound v2: markets, an account

const openCompound = () => openBook(compoundV2);

const compoundBooks: Books<ReturnType<typeof openCompound>> = {
  open: openCompound, shared: false,
  cases: {
    accountLiquidity: ({ assets }: InputsOf<CompoundV2["accountLiquidity"]>, out) => {
      const reverts = out["reverts"] || out["error"], held = ({ cTokenBalance, borrowBalance }: (typeof assets)[number]) => cTokenBalance || borrowBalance;
      // An asset of which the account has nothing can make the contract revert; a book has no such asset.
      if (!assets.every(({ cTokenBalance, borrowBalance }) => fits(cTokenBalance, borrowBalance)) || (reverts && !assets.every(held))) return undefined;
      return {
        status: statusOf(reverts, out["shortfall"]),
        put: (book) => book.add({
          assets: assets.filter(held).map(({ oraclePriceMantissa, collateralFactorMantissa, exchangeRateMantissa, cTokenBalance, borrowBalance }) => ({
            market: book.addMarket({ oraclePriceMantissa, collateralFactorMantissa, initialExchangeRateMantissa: exchangeRateMantissa }),
            cTokenBalance, principal: borrowBalance,
          })),
        }),
      };
    },
  },
};

// ---- Comet: its base, assets, an account

const openComet = () => openBook(comet);
type CometBook = ReturnType<typeof openComet>;
type Absorbed = InputsOf<Comet["absorb"]>;

const cometBooks: Books<CometBook> = {
  open: openComet, shared: false,
  cases: {
    isLiquidatable: (inputs: InputsOf<Comet["isLiquidatable"]>, out) => cometCase(inputs, statusOf(out["reverts"], out["liquidatable"])),
    // What absorb refuses as not liquidatable is safe; whether the view would revert for what else it refuses, it does not tell.
    absorb: (inputs: Absorbed, out) => (
      out["reverts"] && out["reason"] !== "NotLiquidatable()" ? undefined : cometCase(inputs, statusOf(false, !out["reverts"]))
    ),
  },
};

function cometCase({ principal, assets, ...system }: InputsOf<Comet["isLiquidatable"]> & Partial<Absorbed>, status: Status): BookCase<CometBook> | undefined {
  const held = assets.filter(({ balance }) => balance);
  if (principal === -(2n ** 103n) || (status === "reverts" && held.length < assets.length)) return undefined;
  return {
    status,
    put: (book) => {
      book.setSystem(system);
      return book.add({ principal, collateral: held.map(({ offset, balance, ...figures }) => ({ asset: book.addMarket(figures), balance })) });
    },
  };
}

// ---- Morpho, Liquity: a market and a position

const openMorpho = () => openBook(morpho);
type Liquidated = InputsOf<Morpho["liquidate"]>;

const morphoBooks: Books<ReturnType<typeof openMorpho>> = {
  open: openMorpho, shared: true,
  cases: {
    isHealthy: (inputs: InputsOf<Morpho["isHealthy"]>, out) => positionCase(inputs, statusOf(out["reverts"], !out["healthy"])),
    liquidate: (inputs: Liquidated, out) => liquidationCase(inputs, out),
    liquidateAccrued: ({ timestamp, ...inputs }: InputsOf<Morpho["liquidateAccrued"]>, out) => liquidationCase(inputs, out, { at: timestamp }),
  },
};

function positionCase(
  { collateral, borrowShares, ...figures }: Omit<Liquidated, "seizedAssets" | "repaidShares" | "totalSupplyAssets"> & Partial<Liquidated>, status: Status, time?: Time,
): BookCase<ReturnType<typeof openMorpho>> {
  const { seizedAssets, repaidShares, ...market } = figures;
  return { status, ...(time && { time }), put: (book) => book.add(book.addMarket(market), { collateral, borrowShares }) };
}
/** What is liquidated is unsafe, what is refused as healthy is safe; whether health would revert for what else is refused, it does not tell. */
function liquidationCase(inputs: Liquidated, out: Inputs, time?: Time): ReturnType<typeof positionCase> | undefined {
  return out["reverts"] && out["reason"] !== "position is healthy" ? undefined : positionCase(inputs, statusOf(false, !out["reverts"]), time);
}

const openLiquityV1 = () => openBook(liquityV1);

const liquityV1Books: Books<ReturnType<typeof openLiquityV1>> = {
  open: openLiquityV1, shared: true,
  cases: {
    // Without pools the system is not in recovery mode. A trove that is not active gains nothing, like one without a stake.
    icr: ({ status, stake, price, L_ETH, L_LUSDDebt, ...stored }: InputsOf<LiquityV1["icr"]>, out) => {
      const vault = { ...stored, stake: status === 1n ? stake : 0n };
      return fits(...Object.values(vault)) ? { status: statusOf(out["reverts"], out["belowMCR"]), put: (book) => book.add(book.addMarket({ price, L_ETH, L_LUSDDebt }), vault) } : undefined;
    },
  },
};

const openLiquityV2 = () => openBook(liquityV2);

const liquityV2Books: Books<ReturnType<typeof openLiquityV2>> = {
  open: openLiquityV2, shared: true,
  cases: {
    icr: ({ batch, price, MCR, L_coll, L_boldDebt, shutdownTime, timestamp, ...vault }: InputsOf<LiquityV2["icr"]>, out) => (
      timestamp && fits(...Object.values(vault)) ? {
        status: statusOf(out["reverts"], out["liquidatable"]),
        put: (book) => {
          const market = book.addMarket({ price, MCR, L_coll, L_boldDebt, shutdownTime, timestamp });
          return book.add(market, { ...vault, ...(batch && { batch: BigInt(book.addBatch(market, batch)) }) });
        },
      } : undefined
    ),
  },
};

// ---- All of them

const replayAave = (revision: number): Replay => {
  const pool = aaveV3({ revision });
  return { functions: pool, books: aaveBooks(pool) };
};

/** By the vectors' name of the protocol. */
const REPLAYS: Readonly<Record<string, Replay>> = {
  maker: { functions: maker, books: makerBooks },
  "aave-v3.0": replayAave(1),
  "aave-v3.3": replayAave(7),
  "aave-v3.4": replayAave(8),
  "aave-v3.5": replayAave(9),
  "aave-v3.6": replayAave(10),
  "aave-v3.7": replayAave(11),
  "compound-v2": { functions: compoundV2, books: compoundBooks },
  comet: { functions: comet, books: cometBooks },
  "morpho-blue": { functions: morpho, books: morphoBooks },
  "liquity-v1": { functions: liquityV1, books: liquityV1Books },
  "liquity-v2": { functions: liquityV2, books: liquityV2Books },
};

/** Something given that cannot be read as asked. */
export class InputError extends Error {}

interface VectorFile { readonly protocol: string; readonly function: string; readonly cases: readonly { id: string; in: Inputs; out: Inputs }[] }

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null && !Array.isArray(value);

/** The file's content, or undefined for JSON of another kind. */
function parse(text: string): VectorFile | readonly Literal[] | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text, (_, value) => (typeof value === "string" && /^-?\d+$/.test(value) ? BigInt(value) : value));
  } catch (error) {
    throw new InputError(`is not JSON: ${(error as Error).message.replaceAll("\n", " ")}`);
  }
  if (isObject(json) && Array.isArray(json["vectors"]) && json["vectors"].every((one) => isObject(one) && "fn" in one && "expected" in one)) return json["vectors"] as Literal[];
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
  const parsed = parse(text);
  if (Array.isArray(parsed)) return replayLiterals(file, parsed);
  const vectors = parsed as VectorFile | undefined, cases = vectors?.cases ?? [];
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
  const inBook = replayInBooks(known, vectors!, differences);
  const failures = cases.flatMap((entry, i) => (differences[i]!.length ? [{ id: entry.id, in: entry.in, differences: differences[i]! }] : []));
  return { outcome: { file, covered: true, cases: cases.length, passed: cases.length - failures.length, failed: failures.length, inBook }, failures };
}

/** Literals of test suites; those that are about what the library has are its cases. */
function replayLiterals(file: string, literals: readonly Literal[]): ReturnType<typeof replay> {
  const asked = literals.flatMap((literal, i) => {
    const all = answers(literal), { input, expected } = literal;
    const differences = all.flatMap((answer) => known(answer, expected).flatMap((name) => {
      const want = name === "expected" ? expected : (expected as Inputs)[name];
      return show(want) === show(answer[name]) ? [] : [`${name} is ${show(answer[name])}, the test suite says ${show(want)}`];
    }));
    return all.length ? [{ id: `${i} ${literal.system} ${literal.fn}`, in: input as Inputs, differences }] : [];
  });
  const failures = asked.filter(({ differences }) => differences.length);
  return { outcome: { file, covered: asked.length > 0, cases: asked.length, passed: asked.length - failures.length, failed: failures.length, inBook: 0 }, failures };
}

/** Every key that the contract's answer has must be equal in the library's, and whether it reverts. */
function compare(expected: Inputs, answer: Inputs): string[] {
  const names = new Set([...Object.keys(expected), "reverts"]);
  return [...names].flatMap((name) => {
    const want = name === "reverts" ? expected[name] ?? false : expected[name], got = answer[name];
    return show(want) === show(got) ? [] : [`${name} is ${show(got)}, the contract says ${show(want)}`];
  });
}

/** A case on its way through a book. */
interface Asking extends BookCase<Asked> { readonly out: Inputs; readonly differences: string[] }

/** What `run` answers; nothing where it throws, which is a difference. */
function attempt<T>(differences: string[], run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    differences.push(`a book refused it: ${error}`);
    return undefined;
  }
}

/** Puts the cases that a book can hold into books and asks them. Adds what differs to the cases' differences; answers how many were asked. */
function replayInBooks({ books }: Replay, vectors: VectorFile, differences: string[][]): number {
  const place = books && Object.hasOwn(books.cases, vectors.function) ? books.cases[vectors.function] : undefined;
  if (!books || !place) return 0;
  const cases = vectors.cases.flatMap(({ in: inputs, out }, i): Asking[] => {
    const one = attempt(differences[i]!, () => place(inputs as never, out));
    return one ? [{ ...one, out, differences: differences[i]! }] : [];
  });
  const byTime = new Map<bigint | undefined, Asking[]>();
  for (const one of cases) byTime.set(one.time?.at, [...(byTime.get(one.time?.at) ?? []), one]);
  const groups = books.shared ? [...byTime.values()] : cases.map((one) => [one]);
  return groups.reduce((count, group) => count + askBook(books, vectors.function, group), 0);
}

/** Asks a book of its cases, which are of one time: every scan, with each screen, `inspect`, and `ask`. */
function askBook(books: Books, name: string, cases: readonly Asking[]): number {
  using book = books.open();
  const held = cases.flatMap((one) => {
    const id = attempt(one.differences, () => one.put(book));
    return id === undefined ? [] : [{ id, ...one }];
  });
  const time = cases[0]?.time ?? {};
  for (const screen of ["zones", "keys", "off"] as const) {
    const unsafe = new Set(book.scan({ screen, ...time }).ids), reverts = new Set(book.scan({ screen, status: "reverts", ...time }).ids);
    for (const { id, status, differences } of held) {
      const found = unsafe.has(id) ? (reverts.has(id) ? "both unsafe and reverts" : "unsafe") : reverts.has(id) ? "reverts" : "safe";
      if (found !== status) differences.push(`a scan with screen ${screen} finds it ${found}, the contract says ${status}`);
    }
  }
  for (const { id, status, out, differences } of held) {
    const found = book.inspect(id, time).status;
    if (found !== status) differences.push(`inspect finds it ${found}, the contract says ${status}`);
    if (!book.ask) continue;
    const answer = book.ask(id, name as never, {} as never, time) as Inputs;
    // Where an asset's own figures revert already, a book has no reason to tell.
    const expected = answer["reason"] === "" ? { reverts: out["reverts"] ?? false } : out;
    differences.push(...compare(expected, answer).map((difference) => `asked of the book, ${difference}`));
  }
  return held.length;
}
