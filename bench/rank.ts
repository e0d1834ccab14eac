/** What the first hundred cost, in each order: beside JavaScript that knows every vault's key already, as a double, and is not exact. */
import { amount, draw, keysOf, open, rate, spot } from "./maker.js";
import { ensure, faster, type Group, median, quantile, stage, time, US } from "./measure.js";
import { FIRST } from "./ticks.js";

// ---- The rivals

/** Rows of the `count` largest keys, largest first: a heap of them, the least on top, that a larger key enters. */
function largest(keys: Float64Array, count: number): Uint32Array {
  const heap = new Float64Array(count), rows = new Uint32Array(count);
  const sink = (key: number, row: number, end: number) => {
    let i = 0;
    for (let child = 1; child < end; child = i * 2 + 1) {
      if (child + 1 < end && heap[child + 1]! < heap[child]!) ++child;
      if (heap[child]! >= key) break;
      heap[i] = heap[child]!;
      rows[i] = rows[child]!;
      i = child;
    }
    heap[i] = key;
    rows[i] = row;
  };
  heap.fill(-Infinity);
  for (let row = 0, least = -Infinity; row < keys.length; ++row) if (keys[row]! > least) {
    sink(keys[row]!, row, count);
    least = heap[0]!;
  }
  for (let end = count - 1; end > 0; --end) { // the least to the back, until the largest stands in front
    const key = heap[end]!, row = rows[end]!;
    heap[end] = heap[0]!;
    rows[end] = rows[0]!;
    sink(key, row, end);
  }
  return rows;
}

/** The same by a sort of all rows. */
function sorted(keys: Float64Array, count: number): Uint32Array {
  return Uint32Array.from(keys, (_, row) => row).sort((a, b) => keys[b]! - keys[a]! || a - b).subarray(0, count);
}

/** Largest first, those that are safe left out. */
function unsafeOf(keys: Float64Array, by: Float64Array, out: Float64Array): Float64Array {
  for (let row = 0; row < keys.length; ++row) out[row] = keys[row]! > LINE ? by[row]! : -1;
  return out;
}
const LINE = Number(spot) / Number(rate);
/** What a call pays: 250 Dai, and a thousandth of what is owed with the penalty. So profits have the order of the debts. */
const PAID = { tip: 250n * 10n ** 45n, chip: 10n ** 15n };

// ---- The books

/** Vaults that are alike, and stand behind a few that are riskier. */
const ALIKE = 20_000, RISKIER = 50;

function openRank(vaults: number, alike: boolean) {
  const amounts = draw(vaults), { book, market } = open(), keys = keysOf(amounts, new Float64Array(vaults));
  if (alike) {
    const row = largest(keys, RISKIER + 1)[RISKIER]!, step = Math.floor(vaults / ALIKE);
    for (const column of [amounts.ink, amounts.art]) for (let i = 0; i < ALIKE; ++i) {
      if (keys[i * step]! <= keys[row]!) column.copyWithin(i * step * 2, row * 2, row * 2 + 2);
    }
    keysOf(amounts, keys);
  }
  // What prices and calls need.
  book.setSystem({ par: 10n ** 27n, Hole: 10n ** 55n });
  book.setMarket(market, { chop: 1_130_000_000_000_000_000n, hole: 10n ** 55n, buf: 10n ** 27n, ...PAID });
  const ids = book.load(market, amounts), debts = Float64Array.from(keys, (_, row) => Number(amount(amounts.art, row)));
  book.scan({ idsOnly: true });
  /** Of what is equal the selection keeps any, the book the first, in the order of their places. */
  const same = (order: Order, by: Float64Array, rows: Uint32Array) => {
    const first = Array.from(book.scan({ order, limit: FIRST }).ids, (id) => ids.indexOf(id));
    ensure(first.length === FIRST && first.every((row, i) => by[row] === by[rows[i]!]), `the order by ${order} and the selection disagree`);
    ensure(first.every((row, i) => !i || by[row] !== by[first[i - 1]!] || row > first[i - 1]!), `the order by ${order} among equals is not that of their places`);
  };
  return { book, keys, debts, masked: new Float64Array(vaults), same };
}
type Rank = ReturnType<typeof openRank>;
type Order = "riskiest" | "debt" | "liquidationPrice" | "profit";

function measureRank({ book, keys, debts, masked, same }: Rank, order: Order): number {
  const by = order === "debt" || order === "profit" ? unsafeOf(keys, debts, masked) : keys; // of one ilk, prices have the order of the keys
  same(order, by, largest(by, FIRST));
  return median(() => { book.scan({ order, limit: FIRST }); }) * US;
}
const measurePartial = ({ keys }: Rank) => median(() => { largest(keys, FIRST); }) * US;
const measurePartialDebt = ({ keys, debts, masked }: Rank) => median(() => { largest(unsafeOf(keys, debts, masked), FIRST); }) * US;
/** A second each. */
function measureSort({ keys, same }: Rank): number {
  same("riskiest", keys, sorted(keys, FIRST));
  return quantile([0, 1, 2].map(() => time(() => { sorted(keys, FIRST); })), 0.5) * US;
}

export const rankGroup: Group = {
  stages: (vaults) => [
    stage({
      vaults, open: () => openRank(vaults, false),
      figures: {
        rank: ["µs", (all) => measureRank(all, "riskiest")],
        "rank.debt": ["µs", (all) => measureRank(all, "debt")],
        "rank.liquidationPrice": ["µs", (all) => measureRank(all, "liquidationPrice")],
        "rank.profit": ["µs", (all) => measureRank(all, "profit")],
        "rank.partial": ["µs", measurePartial],
        "rank.debt.partial": ["µs", measurePartialDebt],
        "rank.sort": ["µs", measureSort],
      },
    }),
    stage({
      vaults, open: () => openRank(vaults, true),
      figures: {
        "rank.alike": ["µs", (all) => measureRank(all, "riskiest")],
        "rank.alike.debt": ["µs", (all) => measureRank(all, "debt")],
        "rank.alike.liquidationPrice": ["µs", (all) => measureRank(all, "liquidationPrice")],
        "rank.alike.profit": ["µs", (all) => measureRank(all, "profit")],
        "rank.alike.partial": ["µs", measurePartial],
        "rank.alike.debt.partial": ["µs", measurePartialDebt],
      },
    }),
  ],
  goals: [
    faster("rank.partial", "rank", 10),
    faster("rank.debt.partial", "rank.debt", 10),
    faster("rank.partial", "rank.liquidationPrice", 10),
    faster("rank.debt.partial", "rank.profit", 10),
    faster("rank.sort", "rank", 1000),
    faster("rank.sort", "rank.debt", 1000),
    faster("rank.sort", "rank.liquidationPrice", 1000),
    faster("rank.sort", "rank.profit", 1000),
    faster("rank.alike.partial", "rank.alike", 1),
    faster("rank.alike.debt.partial", "rank.alike.debt", 1),
    faster("rank.alike.partial", "rank.alike.liquidationPrice", 1),
    faster("rank.alike.debt.partial", "rank.alike.profit", 1),
  ],
};
