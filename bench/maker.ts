/** What Maker's books cost, beside the loops over BigInts and doubles that do the same in JavaScript. */
import { readFileSync } from "node:fs";
import { openBook } from "plimsoll";
import { maker } from "plimsoll/maker";
import { drawVaults, random } from "../examples/keeper/synthetic.js";
import { collectGarbage, ensure, exportsOf, faster, type Group, median, NS, type Ratio, stage } from "./measure.js";
import { tickFigures } from "./ticks.js";

const RAY = 10n ** 27n, GIGA = 10n ** 9n, RAY_UP = RAY - 1n;
/** An ilk's figures with all their digits: round ones would make the BigInts shorter. */
export const spot = 1_638_204_617_935_482_760_159_384_726_051n, rate = 1_023_418_905_762_341_896_057_234_189n, mat = 1_450_000_000_000_000_000_000_000_000n;
export const FIGURES = { spot, rate, mat, val: 2_375_396_695_000_000_000_000n };
/** Vaults drawn and loaded at once: more would only need more memory. */
const PIECE = 1_000_000;

type Amounts = ReturnType<typeof drawVaults>;
export const draw = (count: number, piece = 0): Amounts => drawVaults(count, FIGURES, 20_250_802 + piece);

export const open = () => {
  const book = openBook(maker);
  book.setSystem({ par: RAY });
  return { book, market: book.addMarket(FIGURES) };
};

export const amount = (limbs: BigUint64Array, row: number) => limbs[row * 2]! | (limbs[row * 2 + 1]! << 64n);

/** Debt over collateral of each vault, as doubles. */
export function keysOf({ ink, art }: Amounts, out: Float64Array): Float64Array {
  const inks = new Uint32Array(ink.buffer), arts = new Uint32Array(art.buffer);
  const double = (words: Uint32Array, at: number) => ((words[at + 3]! * 2 ** 32 + words[at + 2]!) * 2 ** 32 + words[at + 1]!) * 2 ** 32 + words[at]!;
  for (let row = 0; row < out.length; ++row) out[row] = double(arts, row * 4) / double(inks, row * 4);
  return out;
}

// ---- The rivals

export interface Vault { readonly ink: bigint; readonly art: bigint }

/** Objects in the order of their creation: the same loop takes up to three times as long over objects that were re-sorted. */
export const objectsOf = ({ ink, art }: Amounts): Vault[] => Array.from({ length: ink.length / 2 }, (_, row) => ({ ink: amount(ink, row), art: amount(art, row) }));

function countUnsafe(vaults: readonly Vault[]): number {
  let count = 0;
  for (const { ink, art } of vaults) if (ink * spot < art * rate) ++count;
  return count;
}

function ratiosOf(vaults: readonly Vault[], out: bigint[]): void {
  for (let i = 0; i < vaults.length; ++i) {
    const { ink, art } = vaults[i]!;
    out[i] = (ink * spot * mat) / (art * rate * GIGA);
  }
}

function debtsOf(vaults: readonly Vault[], out: bigint[]): void {
  for (let i = 0; i < vaults.length; ++i) out[i] = (vaults[i]!.art * rate + RAY_UP) / RAY;
}

/** The oracle's price, falling to its half. */
const LEVELS = { from: FIGURES.val, to: FIGURES.val / 2n, steps: 100 };

/** What is unsafe at each of falling spots: each vault falls at one, which a bisection finds, and is so at all that follow. */
function levelsOf(vaults: readonly Vault[], spots: readonly bigint[]) {
  const count = spots.map(() => 0), collateral = spots.map(() => 0n), debt = spots.map(() => 0n), last = spots.length - 1, lowest = spots[last]!;
  for (const { ink, art } of vaults) {
    const owed = art * rate;
    if (ink * lowest >= owed) continue;
    let first = 0;
    for (let end = last; first < end;) {
      const middle = (first + end) >> 1;
      if (ink * spots[middle]! < owed) end = middle;
      else first = middle + 1;
    }
    ++count[first]!;
    collateral[first]! += ink;
    debt[first]! += (owed + RAY_UP) / RAY;
  }
  for (let i = 1; i <= last; ++i) {
    count[i]! += count[i - 1]!;
    collateral[i]! += collateral[i - 1]!;
    debt[i]! += debt[i - 1]!;
  }
  return { vaults: count, collateral, debt };
}

// ---- All vaults, each asked

function openMillion(vaults: number) {
  const amounts = draw(vaults), objects = objectsOf(amounts), { book, market } = open();
  const ids = book.load(market, amounts), unsafe = countUnsafe(objects);
  ensure(book.scan({ screen: "off", idsOnly: true }).length === unsafe, "the exact pass and the BigInt loop disagree");
  return { vaults, amounts, objects, book, market, ids, unsafe, results: new Array<bigint>(vaults).fill(0n), columns: new BigUint64Array(vaults * 2) };
}
type Million = ReturnType<typeof openMillion>;

/** A column that the book filled, beside the results of a rival. */
function agree({ columns, results }: Million): void {
  ensure(results.every((value, row) => amount(columns, row) === value), "a column and its BigInts disagree");
}

function measureLevels({ book, market, objects }: Million): number {
  const { prices, cumulative } = book.levels(market, LEVELS), spots = prices.map((val) => (val * GIGA * RAY) / mat), rival = levelsOf(objects, spots);
  ensure(JSON.stringify(cumulative, text) === JSON.stringify(rival, text), "the levels and those of the BigInts disagree");
  return median(() => { book.levels(market, LEVELS); });
}
const text = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);

/** Random vaults take new amounts. Ids and amounts lie in the order of their use, so that only the book is read at random. */
function measureUpdate({ book, ids }: Million): number {
  const next = random(7), count = Math.min(100_000, ids.length), amounts = objectsOf(draw(count, 1));
  const order = Float64Array.from({ length: count }, () => ids[Math.floor(next() * ids.length)]!);
  return median(() => {
    for (let i = 0; i < count; ++i) book.update(order[i]!, amounts[i]!);
  }) * NS / count;
}

// ---- Loading

/** Into the room that as many vaults left, so that the system's price for fresh memory is not in it. */
function measureLoad(amounts: Amounts, vaults: number): number {
  const { book, market } = open(), ids = book.load(market, amounts);
  return median(() => { book.load(market, amounts, undefined, ids); }, () => { book.removeMany(ids); }) * NS / vaults;
}

/** Into a new book each time, whose memory is new to the process too. */
function measureFreshLoad(amounts: Amounts, vaults: number): number {
  let fresh = open();
  return median(() => { fresh.book.load(fresh.market, amounts); }, () => {
    fresh.book.dispose();
    collectGarbage(); // or the last run's book is collected during this one
    fresh = open();
  }) * NS / vaults;
}

/** What the system takes for giving as much memory, when each page is touched for the first time. */
function measureTouch(amounts: Amounts, vaults: number): number {
  const { book, market } = open();
  book.load(market, amounts);
  const pages = book.bytes >> 16;
  let bytes: Uint8Array | undefined;
  return median(() => {
    for (let at = 0; at < bytes!.length; at += 4096) bytes![at] = 1;
  }, () => {
    bytes = undefined;
    collectGarbage();
    bytes = new Uint8Array(new WebAssembly.Memory({ initial: pages }).buffer);
  }) * NS / vaults;
}

// ---- Ticks

function openBig(vaults: number) {
  const { book, market } = open(), keys = new Float64Array(vaults);
  for (let from = 0, piece = 0; from < vaults; from += PIECE) {
    const count = Math.min(PIECE, vaults - from), amounts = draw(count, piece++);
    book.load(market, amounts);
    keysOf(amounts, keys.subarray(from, from + count));
  }
  const unsafe = book.scan({ idsOnly: true }).length;
  keys.sort().reverse();
  const tick = (to: bigint) => {
    book.setMarket(market, { spot: to });
    return book.scan({ since: "last", idsOnly: true });
  };
  return { book, keys, unsafe, price: spot, tick, priceAt: (key: number) => BigInt(Math.round(key * 2 ** 80)) * rate >> 80n };
}

// ---- The group

/** Bytes of a chunk's keys. */
const CHUNK_KEYS = 4096;

/** The kernel of bench/assembly/roofline.ts over a book's memory. */
function rooflineOver(memory: WebAssembly.Memory): (at: number, end: number) => number {
  const module = new WebAssembly.Module(readFileSync(new URL("../build/roofline.wasm", import.meta.url)));
  return new WebAssembly.Instance(module, { env: { memory } }).exports["sum"] as (at: number, end: number) => number;
}

/** A pass over all vaults that reports what changed, which is nothing: the pass alone, without listing what is unsafe. */
const CHANGES = { since: "last", idsOnly: true } as const;

/** How much faster a tick is than the BigInt loop over as many vaults. Ten million objects would only make the loop slower. */
const fasterThanLoop = (name: string, least: number): Ratio => (
  { name: `bigint × vaults / ${name}`, of: (figure) => figure("bigint").value * figure(name).vaults / (figure(name).value * 1000), least }
);

export const makerGroup: Group = {
  stages: (vaults, big) => [
    stage({
      vaults, open: () => draw(vaults), // before there are a million objects for the garbage collector to walk
      figures: {
        load: ["ns", (amounts) => measureLoad(amounts, vaults)],
        "load.fresh": ["ns", (amounts) => measureFreshLoad(amounts, vaults)],
        "load.touch": ["ns", (amounts) => measureTouch(amounts, vaults)],
      },
    }),
    stage({
      vaults, open: () => openMillion(vaults),
      figures: {
        bigint: ["ns", ({ objects, unsafe }) => median(() => { ensure(countUnsafe(objects) === unsafe, "unsafe vaults"); }) * NS / vaults],
        exact: ["ns", ({ book }) => median(() => { book.scan({ screen: "off", ...CHANGES }); }) * NS / vaults],
        screen: ["ns", ({ book }) => median(() => { book.scan({ screen: "keys", ...CHANGES }); }) * NS / vaults],
        "bigint.ratios": ["ns", ({ objects, results }) => median(() => { ratiosOf(objects, results); }) * NS / vaults],
        ratios: ["ns", (all) => {
          const value = median(() => { all.book.ratios({ out: all.columns }); });
          ratiosOf(all.objects, all.results);
          for (let i = 0; i < vaults; ++i) if (all.results[i]! >> 128n) all.results[i] = (1n << 128n) - 1n;
          agree(all);
          return value * NS / vaults;
        }],
        "bigint.debts": ["ns", ({ objects, results }) => median(() => { debtsOf(objects, results); }) * NS / vaults],
        debts: ["ns", (all) => {
          const value = median(() => { all.book.debts(undefined, { out: all.columns }); });
          debtsOf(all.objects, all.results);
          agree(all);
          return value * NS / vaults;
        }],
        "bigint.levels": ["ms", ({ book, market, objects }) => {
          const spots = book.levels(market, LEVELS).prices.map((val) => (val * GIGA * RAY) / mat);
          return median(() => { levelsOf(objects, spots); });
        }],
        levels: ["ms", measureLevels],
        bytesPerVault: ["bytes", ({ book }) => book.bytes / vaults],
        update: ["ns", measureUpdate],
      },
    }),
    stage({
      vaults: big, open: () => openBig(big),
      figures: {
        roofline: ["ns", ({ book }) => {
          const { keysAt, memory } = exportsOf(book), sum = rooflineOver(memory as WebAssembly.Memory), chunks: number[] = [];
          for (let at = 0; (at = keysAt(chunks.length)); ) chunks.push(at);
          return median(() => { for (const at of chunks) sum(at, at + CHUNK_KEYS); }) * NS / big;
        }],
        "screen.10M": ["ns", ({ book }) => median(() => { book.scan({ screen: "keys", ...CHANGES }); }) * NS / big],
        ...tickFigures(),
      },
    }),
  ],
  goals: [
    faster("bigint", "exact", 3.5),
    faster("bigint", "screen", 100),
    faster("roofline", "screen.10M", 0.6),
    faster("bigint.ratios", "ratios", 5),
    faster("bigint.debts", "debts", 10),
    faster("bigint.levels", "levels", 8),
    fasterThanLoop("tick", 5000),
    fasterThanLoop("tick.quiet", 20_000),
    fasterThanLoop("tick.walk", 500),
    fasterThanLoop("tick.crash", 50),
    { name: "load", most: 15 },
    { name: "update", most: 300 },
    { name: "bytesPerVault", most: 48 },
  ],
};
