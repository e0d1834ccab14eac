/** The keeper's ticks on markets with a price each: prices move, each tick is timed, and the book is looked at before and after. */
import { MOST_LISTED } from "./options.js";
import { pricePath } from "./prices.js";
import type { LoopTick } from "./print.js";
import { progress } from "./progress.js";

/** The book at some prices. */
export interface State<L> {
  readonly prices: readonly bigint[];
  readonly unsafe: number;
  /** Health below 1.1, the unsafe among them. */
  readonly near: number;
  /** Rows whose evaluation reverts. */
  readonly reverts: number;
  /** What to liquidate, riskiest first. */
  readonly liquidatable: readonly L[];
}

export interface Tick<L> extends LoopTick {
  /** 0 is the opening: every row is looked at for the first time. */
  readonly tick: number;
  readonly prices: readonly bigint[];
  readonly becameUnsafe: number;
  readonly becameSafe: number;
  /** The riskiest of those that became unsafe. */
  readonly fresh: readonly L[];
}

/** What the play shows: rows that can be liquidated as `L`, the riskiest of all as `R`. */
export interface Played<L, R> {
  /** The prices of every tick, the opening's first. */
  readonly path: readonly (readonly bigint[])[];
  readonly ticks: readonly Tick<L>[];
  readonly opening: State<L>;
  /** The riskiest at the opening's prices. */
  readonly riskiest: readonly R[];
  readonly end: State<L>;
}

interface Query {
  readonly at?: bigint;
  readonly order?: "riskiest";
  readonly limit?: number;
  readonly within?: bigint;
  readonly status?: "reverts";
  readonly idsOnly: true;
}
interface Rows { readonly length: number; readonly ids: Float64Array }
/** What of a book is played on. */
interface Playable {
  setMarket(market: number, figures: never): void;
  scan(query: Query & { readonly since: "last" }): { readonly unsafe: Rows; readonly safe: Rows };
  scan(query: Query): Rows;
}

interface Play<L, R> {
  readonly book: Playable;
  /** Figures of a market at a price. */
  readonly figures: (price: bigint) => object;
  /** The time of every look, where the book's rows have interest of their own. */
  readonly at?: bigint;
  readonly from: readonly bigint[];
  readonly to: readonly bigint[];
  /** The least price of all. */
  readonly least: bigint;
  readonly list: (ids: Float64Array, prices: readonly bigint[]) => readonly L[];
  readonly risk: (id: number, prices: readonly bigint[]) => R;
}

/** Health of a tenth above the line. */
const NEAR = 10n ** 17n;
const ALL = (1n << 128n) - 1n;

/** Moves prices to the given ones, tick by tick; then looks at the book where they began, and where they end. */
export function play<L, R>({ book, figures, at, from, to, least, list, risk }: Play<L, R>, { ticks: count, seed, top }: { readonly ticks: number; readonly seed: number; readonly top: number }): Played<L, R> {
  const time = at === undefined ? {} : { at };
  let current = from;
  const setPrices = (prices: readonly bigint[]) => {
    prices.forEach((price, market) => { if (price !== current[market]) book.setMarket(market, figures(price) as never); });
    current = prices;
  };

  // From 0, or to it, there is no course: such a price stays until the last tick.
  const courses = from.map((price, i) => ({ from: price, change: price && to[i] ? Number(to[i]) / Number(price) : 1 }));
  const path = [from, ...pricePath(courses, count, seed).map((prices) => prices.map((price) => (price < least ? least : price)))];
  path[count] = to;
  const ticks: Tick<L>[] = [], playing = progress("Ticks", path.length);
  let unsafe = 0;
  for (const [tick, prices] of path.entries()) {
    const started = performance.now();
    setPrices(prices);
    const changes = book.scan({ ...time, since: "last", order: "riskiest", idsOnly: true });
    const microseconds = (performance.now() - started) * 1000;

    unsafe += changes.unsafe.length - changes.safe.length;
    ticks.push({
      tick, prices, microseconds, unsafe, becameUnsafe: changes.unsafe.length, becameSafe: changes.safe.length,
      fresh: list(changes.unsafe.ids.subarray(0, top), prices),
    });
    playing.advance(1);
  }
  playing.end();

  const look = (prices: readonly bigint[]): State<L> => {
    setPrices(prices);
    const hits = book.scan({ ...time, order: "riskiest", idsOnly: true });
    return {
      prices, unsafe: hits.length, near: book.scan({ ...time, within: NEAR, idsOnly: true }).length,
      reverts: book.scan({ ...time, status: "reverts", idsOnly: true }).length, liquidatable: list(hits.ids.subarray(0, MOST_LISTED), prices),
    };
  };
  const opening = look(from);
  const riskiest = Array.from(book.scan({ ...time, within: ALL, order: "riskiest", limit: top, idsOnly: true }).ids, (id) => risk(id, from));
  return { path, ticks, opening, riskiest, end: look(to) };
}

/** The same ticks by a loop that counts the unsafe at some prices. */
export function playLoop(path: readonly (readonly bigint[])[], countUnsafe: (prices: readonly bigint[]) => number): LoopTick[] {
  const looping = progress("The plain loop", path.length);
  const ticks = path.map((prices) => {
    const started = performance.now(), unsafe = countUnsafe(prices), microseconds = (performance.now() - started) * 1000;
    looping.advance(1);
    return { microseconds, unsafe };
  });
  looping.end();
  return ticks;
}
