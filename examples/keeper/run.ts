/** The run: a book is filled, prices fall, and each tick is timed; then the same ticks by the plain loop. */
import { type BookOf, type Complete, type Inspection, openBook } from "plimsoll";
import { maker } from "plimsoll/maker";
import { type Input, spotAt } from "./ilks.js";
import { pricePath } from "./prices.js";
import type { LoopTick } from "./print.js";
import { progress } from "./progress.js";

type MakerBook = BookOf<typeof maker>;
export type Vault = Inspection<typeof maker.vault, typeof maker.liquidation>;

export interface Tick {
  /** 0 is the opening: every vault is looked at for the first time. */
  readonly tick: number;
  /** The oracle's price of each ilk, wad, and what `Spotter.poke` makes of it. */
  readonly vals: readonly bigint[];
  readonly spots: readonly bigint[];
  readonly microseconds: number;
  readonly becameUnsafe: number;
  readonly becameSafe: number;
  /** Unsafe after this tick, in all. */
  readonly unsafe: number;
  /** The first to bark: the riskiest of those that no tick before has listed. */
  readonly bark: readonly Vault[];
}

export interface Run {
  readonly book: MakerBook;
  /** Vaults of each ilk. */
  readonly counts: readonly number[];
  /** What `load` took, without the drawing or reading of the vaults. */
  readonly loadMilliseconds: number;
  /** Memory of the book. */
  readonly bytes: number;
  readonly ticks: readonly Tick[];
}

/** How far prices fall from the first tick to the last. */
const FALL = 0.03;

/** Fills a book, then plays the falling prices; lists the first `top` to bark at every tick. */
export function run(input: Input, options: { readonly ticks: number; readonly seed: number; readonly top: number }): Run {
  const { ilks, system, count, keyBytes } = input;
  const book = openBook(maker, { capacity: count, ...(keyBytes && { keyBytes }) });
  book.setSystem(system);
  for (const { figures } of ilks) book.addMarket(figures);

  const counts = ilks.map(() => 0), loading = progress("Loading", count);
  let loadMilliseconds = 0;
  for (const { ilk, ink, art, keys } of input.blocks()) {
    const started = performance.now();
    book.load(ilk, { ink, art }, keys);
    loadMilliseconds += performance.now() - started;
    counts[ilk]! += ink.length / 2;
    loading.advance(ink.length / 2);
  }
  loading.end();
  const { bytes } = book;

  const path = [ilks.map(({ figures }) => figures.val!), ...pricePath(ilks.map(({ figures }) => ({ from: figures.val!, change: 1 - FALL })), options.ticks, options.seed)];
  const listed = new Set<number>(), ticks: Tick[] = [], playing = progress("Ticks", path.length);
  let unsafe = 0;
  for (const [tick, vals] of path.entries()) {
    const spots = vals.map((val, i) => spotAt(val, ilks[i]!.figures.mat));

    const started = performance.now();
    for (let market = 0; market < ilks.length; ++market) book.setMarket(market, { spot: spots[market]!, val: vals[market]! });
    const changes = book.scan({ since: "last", idsOnly: true });
    const microseconds = (performance.now() - started) * 1000;

    unsafe += changes.unsafe.length - changes.safe.length;
    ticks.push({
      tick, vals, spots, microseconds, unsafe,
      becameUnsafe: changes.unsafe.length, becameSafe: changes.safe.length, bark: firstToBark(book, options.top, listed),
    });
    playing.advance(1);
  }
  playing.end();
  return { book, counts, loadMilliseconds, bytes, ticks };
}

/**
 * The riskiest vaults with what `Dog.bark` would do. A vault is listed once, as if it were barked then; but nothing is barked:
 * every answer stands by itself, with the ilk's `hole` and `dirt` as they were loaded.
 */
function firstToBark(book: MakerBook, top: number, listed: Set<number>): Vault[] {
  if (top === 0) return [];
  const riskiest = book.scan({ order: "riskiest", limit: listed.size + top, idsOnly: true });
  const fresh = [...riskiest.ids].filter((id) => !listed.has(id)).slice(0, top);
  for (const id of fresh) listed.add(id);
  return fresh.map((id) => book.inspect(id));
}

/** More vaults than this as objects need more memory than a machine may have: the loop then runs over so many at a time. */
export const BATCH = 2_000_000;

/**
 * The plain loop over the same vaults at the same ticks, as keepers write it: an array of objects an ilk, and Maker's rule in
 * BigInt. It is given what helps it: spot and rate stand outside of the loop, and reading the vaults is not timed.
 */
export function plainLoop({ ilks, count, blocks }: Input, ticks: readonly Tick[]): LoopTick[] {
  const totals = ticks.map(() => ({ microseconds: 0, unsafe: 0 })), looping = progress("The plain loop", count * (ticks.length + 1));
  let vaults: Complete<typeof maker.vault>[][] = ilks.map(() => []), held = 0;

  const play = () => {
    for (const [i, { spots }] of ticks.entries()) {
      const total = totals[i]!, started = performance.now();
      for (let ilk = 0; ilk < ilks.length; ++ilk) total.unsafe += countUnsafe(vaults[ilk]!, spots[ilk]!, ilks[ilk]!.figures.rate);
      total.microseconds += (performance.now() - started) * 1000;
      looping.advance(held);
    }
    vaults = ilks.map(() => []);
    held = 0;
  };
  for (const { ilk, ink, art } of blocks()) {
    const rows = ink.length / 2;
    if (held + rows > BATCH) play();
    for (let row = 0; row < rows; ++row) vaults[ilk]!.push({ ink: at(ink, row), art: at(art, row) });
    held += rows;
    looping.advance(rows);
  }
  play();
  looping.end();
  return totals;
}

const at = (limbs: BigUint64Array, row: number) => limbs[row * 2]! | (limbs[row * 2 + 1]! << 64n);

/** `Dog.bark`: "Dog/not-unsafe" unless spot > 0 and ink·spot < art·rate. */
function countUnsafe(vaults: readonly Complete<typeof maker.vault>[], spot: bigint, rate: bigint): number {
  let unsafe = 0;
  for (const { ink, art } of vaults) if (spot > 0n && ink * spot < art * rate) ++unsafe;
  return unsafe;
}
