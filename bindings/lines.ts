/** What an account has, as a book keeps it and as it is told. */
import { PlimsollError, refuse, show } from "./errors.js";
import { type Fields, checkFields, knowFields } from "./protocol.js";

/** An account: a line is one side of one asset. */
export interface Lines {
  readonly category: number;
  readonly lines: readonly Line[];
}
export interface Line {
  readonly asset: number;
  readonly kind: number;
  readonly amounts: readonly bigint[];
}
/** Kinds of line, as assembly/rules/lines.ts numbers them: what counts, and what is there without counting. */
export const KIND = { held: 0, owed: 1, idle: 2, idleDebt: 3 } as const;

/** Merges entries by the market that each names; one that names a new market is added. */
export function mergeBy<E>(name: string, entries: readonly E[], changes: readonly E[]): E[] {
  const marketOf = (entry: E) => (entry as Readonly<Record<string, unknown>>)[name], merged = new Map(entries.map((entry) => [marketOf(entry), entry]));
  for (const change of changes) merged.set(marketOf(change), { ...merged.get(marketOf(change)), ...told(change) } as E);
  return [...merged.values()];
}
/** An object without what is undefined. */
export const told = <T>(object: T): Partial<T> => Object.fromEntries(Object.entries(object as object).filter(([, value]) => value !== undefined)) as Partial<T>;

/** Checks a list of entries that each name a market of the book, once, and fields; calls back with each in the order of the markets. */
export function eachAsset(
  what: string, list: unknown, name: string, fields: Fields, markets: number,
  use: (market: number, value: (field: string) => bigint, where: string, given: Readonly<Record<string, boolean | undefined>>) => void = () => {}, whole = true,
): void {
  if (!Array.isArray(list)) refuse(what, "an array", list);
  const entries = Array.from(list, (entry: Readonly<Record<string, unknown>>, i) => {
    const where = `${what}[${i}]`;
    knowFields(where, entry, { [name]: 0, ...fields });
    const { [name]: market, ...rest } = entry;
    if (!Number.isInteger(market) || (market as number) < 0 || (market as number) >= markets) {
      throw new PlimsollError("unknown-market", `${where}: there is no market ${show(market)}: this book has ${markets}, numbered from 0`);
    }
    const values = new Map(checkFields(where, fields, whole ? rest : told(rest), whole)), names = Object.keys(fields);
    return { market: market as number, where, given: rest as Readonly<Record<string, boolean>>, value: (field: string) => values.get(names.indexOf(field))! };
  }).sort((a, b) => a.market - b.market);
  entries.forEach(({ market, where, value, given }, i) => {
    if (i && entries[i - 1]!.market === market) throw new PlimsollError("invalid-argument", `${where}: the market ${market} is named twice`);
    use(market, value, where, given);
  });
}
