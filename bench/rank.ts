/** What the first hundred cost, in each order: beside JavaScript that knows every vault's key already, as a double, and is not exact. */
import { openBook } from "plimsoll";
import { liquityV1 } from "plimsoll/liquity-v1";
import { drawVaults } from "../examples/keeper/synthetic.js";
import * as maker from "./maker.js";
import { ensure, faster, type Group, median, quantile, type Stage, stage, time, US } from "./measure.js";
import * as pair from "./pair.js";
import { FIRST } from "./ticks.js";
import * as trove from "./trove.js";

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

// ---- The books

type Order = "riskiest" | "debt" | "liquidationPrice" | "profit" | "nominalICR" | "interestRate";
/** What a scan is asked for, and what it answers. */
interface Ranking { readonly scan: (query: { readonly order: Order; readonly limit: number; readonly idsOnly?: boolean }) => { readonly ids: Float64Array; readonly length: number } }

/** A book of drawn vaults, with what JavaScript knows of them. */
interface Drawn {
  readonly book: Ranking;
  readonly ids: Float64Array;
  /** Debt over collateral of each, and above which of them it is unsafe. Within a market prices have their order, and nominal ratios. */
  readonly keys: Float64Array;
  readonly line: number;
  /** What the others go by, of each. */
  readonly by: Readonly<Partial<Record<Order, (row: number) => number>>>;
}

const WAD = 10n ** 18n;
const amount = (limbs: BigUint64Array, row: number) => Number(limbs[row * 2]!) + Number(limbs[row * 2 + 1]!) * 2 ** 64;

/** Columns of amounts, drawn; `alter` makes many alike. */
type Alter = (keys: Float64Array, columns: Readonly<Record<string, BigUint64Array>>) => void;
const keysOf = (debt: BigUint64Array, collateral: BigUint64Array) => Float64Array.from({ length: debt.length / 2 }, (_, row) => amount(debt, row) / amount(collateral, row));

/** What a call pays: 250 Dai, and a thousandth of what is owed with the penalty. So profits have the order of the debts. */
const PAID = { tip: 250n * 10n ** 45n, chip: 10n ** 15n };

function openMaker(vaults: number, alter: Alter): Drawn {
  const amounts = maker.draw(vaults), { book, market } = maker.open(), keys = keysOf(amounts.art, amounts.ink);
  alter(keys, amounts);
  // What prices and calls need.
  book.setSystem({ par: 10n ** 27n, Hole: 10n ** 55n });
  book.setMarket(market, { chop: 1_130_000_000_000_000_000n, hole: 10n ** 55n, buf: 10n ** 27n, ...PAID });
  const debt = (row: number) => amount(amounts.art, row);
  return { book, ids: book.load(market, amounts), keys, line: Number(maker.spot) / Number(maker.rate), by: { debt, profit: debt } };
}

function openMorpho(vaults: number, alter: Alter): Drawn {
  const amounts = pair.draw(vaults, pair.FIGURES, pair.SEED), { book, market } = pair.open(), { collateral, borrowShares } = amounts, keys = keysOf(borrowShares, collateral);
  alter(keys, amounts);
  const { price, lltv } = pair.FIGURES, { of, over } = pair.lineOf(pair.FIGURES), line = Number(price) * Number(of) / Number(over), factor = Number(lltv) / 1e18;
  /** Shares that a unit of collateral repays: it is worth the line over lltv. */
  const repays = line / factor * (1 - 0.3 * (1 - factor));
  return {
    book, ids: book.load(market, amounts), keys, line,
    by: { debt: (row) => amount(borrowShares, row), profit: (row) => Math.min(amount(borrowShares, row), amount(collateral, row) * repays) },
  };
}

/** The system in normal mode, its pool full. */
function openLiquityV1(vaults: number, alter: Alter): Drawn {
  const { price } = trove, { ink: coll, art: debt } = drawVaults(vaults, { spot: price * WAD, rate: trove.MCR * WAD }, 20_260_203), none = new BigUint64Array(vaults * 2);
  const keys = keysOf(debt, coll), columns = { coll, debt, stake: coll, snapshotETH: none, snapshotLUSDDebt: none };
  alter(keys, { coll, debt });
  const book = openBook(liquityV1), market = book.addMarket({ price, activePoolETH: 10n ** 30n, activePoolLUSDDebt: 10n ** 30n, LUSDInStabPool: 10n ** 30n });
  return {
    book, ids: book.load(market, columns), keys, line: Number(price) / Number(trove.MCR), by: { debt: (row) => amount(debt, row), profit: (row) => amount(coll, row) },
  };
}

/** A branch whose pool is full: gas compensations are a part of the collateral, and at most two of it. */
function openLiquityV2(vaults: number, alter: Alter): Drawn {
  const { book, market } = trove.open({ totalBoldDeposits: 10n ** 30n }), keys = new Float64Array(vaults), columns = trove.draw(vaults, 20_260_204, keys), { coll, annualInterestRate } = columns;
  alter(keys, columns);
  return {
    book, ids: book.load(market, columns), keys, line: Number(trove.price) / Number(trove.MCR),
    by: {
      debt: (row) => keys[row]! * amount(coll, row), profit: (row) => Math.min(amount(coll, row) / 200, 2e18), interestRate: (row) => 1 / amount(annualInterestRate, row),
    },
  };
}

/** Vaults that are alike, and stand behind a few that are riskier. */
const ALIKE = 20_000, RISKIER = 50;
const asDrawn: Alter = () => {};
const alike: Alter = (keys, columns) => {
  const row = largest(keys, RISKIER + 1)[RISKIER]!, step = Math.floor(keys.length / ALIKE), all = Object.values(columns);
  for (let to = 0; to < ALIKE * step; to += step) if (keys[to]! <= keys[row]!) {
    keys[to] = keys[row]!;
    for (const column of all) column.copyWithin(to * 2, row * 2, row * 2 + 2);
  }
};

// ---- The figures

export interface Ranks extends Drawn {
  /** What an order goes by, largest first; that of a safe vault is −1. */
  readonly figures: (order: Order) => Float64Array;
  /** The same once more, as the rival does it. */
  readonly mask: () => Float64Array;
  readonly same: (order: Order, rows: Uint32Array) => void;
}

export function rankOf(drawn: Drawn): Ranks {
  const { book, ids, keys, line, by } = drawn, debts = Float64Array.from(keys, (_, row) => by.debt!(row)), masked = new Float64Array(keys.length);
  const mask = (of: Float64Array) => {
    for (let row = 0; row < keys.length; ++row) masked[row] = keys[row]! > line ? of[row]! : -1;
    return masked;
  };
  const figures = (order: Order) => (order === "debt" ? mask(debts) : by[order] ? mask(Float64Array.from(keys, (_, row) => by[order]!(row))) : keys);
  book.scan({ order: "debt", limit: 0, idsOnly: true });
  /** Of what is equal the selection keeps any, the book the first, in the order of their places. */
  const same = (order: Order, rows: Uint32Array) => {
    const of = figures(order), first = Array.from(book.scan({ order, limit: FIRST }).ids, (id) => ids.indexOf(id));
    ensure(first.length === FIRST && first.every((row, i) => of[row] === of[rows[i]!]), `the order by ${order} and the selection disagree`);
    ensure(first.every((row, i) => !i || of[row] !== of[first[i - 1]!] || row > first[i - 1]!), `the order by ${order} among equals is not that of their places`);
  };
  return { ...drawn, figures, mask: () => mask(debts), same };
}

/** Ids only, as the rivals answer rows. */
export function measureRank({ book, figures, same }: Ranks, order: Order): number {
  same(order, largest(figures(order), FIRST));
  return median(() => { book.scan({ order, limit: FIRST, idsOnly: true }); }) * US;
}
export const measurePartial = ({ keys }: Ranks) => median(() => { largest(keys, FIRST); }) * US;
export const measureMasked = ({ mask }: Ranks) => median(() => { largest(mask(), FIRST); }) * US;
/** A second each. */
export function measureSort({ keys, same }: Ranks): number {
  same("riskiest", sorted(keys, FIRST));
  return quantile([0, 1, 2].map(() => time(() => { sorted(keys, FIRST); })), 0.5) * US;
}

/** Of each protocol how its book is opened, and the orders that it has; those by keys have another rival than those of which what is safe must be left out. */
const BY_KEYS: readonly Order[] = ["riskiest", "liquidationPrice", "nominalICR"];
const BOOKS: readonly (readonly [name: string, open: (vaults: number, alter: Alter) => Drawn, orders: readonly Order[]])[] = [
  ["rank", openMaker, ["riskiest", "debt", "liquidationPrice", "profit"]],
  ["rank.morpho", openMorpho, ["riskiest", "debt", "liquidationPrice", "profit"]],
  ["rank.liquityV1", openLiquityV1, ["riskiest", "debt", "liquidationPrice", "profit", "nominalICR"]],
  ["rank.liquityV2", openLiquityV2, ["riskiest", "debt", "liquidationPrice", "profit", "interestRate"]],
];
const named = (name: string, order: Order) => `${name}.${order}`;
const rival = (name: string, order: Order) => `${name}.partial${BY_KEYS.includes(order) ? "" : ".masked"}`;

export const rankGroup: Group = {
  stages: (vaults) => BOOKS.flatMap(([name, open, orders]) => [[name, asDrawn], [`${name}.alike`, alike]].map(([of, alter]) => stage<Ranks>({
    vaults, open: () => rankOf(open(vaults, alter as Alter)),
    figures: {
      ...Object.fromEntries(orders.map((order) => [named(of as string, order), ["µs", (all: Ranks) => measureRank(all, order)]])),
      [`${of}.partial`]: ["µs", measurePartial],
      [`${of}.partial.masked`]: ["µs", measureMasked],
      ...(alter === asDrawn && { [`${of}.sort`]: ["µs", measureSort] }),
    } as Stage<Ranks>["figures"],
  }))),
  goals: BOOKS.flatMap(([name, , orders]) => orders.flatMap((order) => [
    faster(rival(name, order), named(name, order), 10),
    faster(`${name}.sort`, named(name, order), 1000),
    faster(rival(`${name}.alike`, order), named(`${name}.alike`, order), 1),
  ])),
};
