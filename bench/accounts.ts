/** What books of accounts cost: 2 to 5 legs over 40 assets, beside an exact loop over BigInts. */
import { openBook } from "plimsoll";
import { type AaveV3Account, type AaveV3Position, aaveV3 } from "plimsoll/aave-v3";
import { healthAt, random } from "../examples/keeper/synthetic.js";
import { ensure, faster, type Group, median, NS, quantile, type Ratio, stage, time, US } from "./measure.js";
import { type Ranks, measureMasked, measurePartial, measureRank, measureSort, rankOf } from "./rank.js";

const ASSETS = 40, RAY = 10n ** 27n;

/** POOL_REVISION: 3.5, where health is of the sum of values by threshold. */
export const REVISION = 9;

export interface Asset {
  readonly decimals: bigint;
  readonly liquidationThreshold: bigint;
  readonly assetPrice: bigint;
  readonly liquidityIndex: bigint;
  readonly variableBorrowIndex: bigint;
}

/** Decimals, and between which prices in dollars: what is near a dollar, what is near a bitcoin, and the rest. */
const KINDS = [[6n, 0.9, 1.2], [8n, 60_000, 120_000], [18n, 0.01, 10_000], [18n, 0.01, 10_000]] as const;

/** Assets with prices log-uniform in those of their kind (8 decimals), figures with all their digits. */
export function drawAssets(next: () => number, count = ASSETS): Asset[] {
  return Array.from({ length: count }, (_, i) => {
    const [decimals, low, high] = KINDS[i % KINDS.length]!;
    return {
      decimals,
      liquidationThreshold: 6000n + BigInt(Math.floor(next() * 3300)),
      assetPrice: BigInt(Math.round(1e8 * low * (high / low) ** next())),
      liquidityIndex: RAY + BigInt(Math.floor(next() * 2 ** 50)) * 10n ** 11n,
      variableBorrowIndex: RAY + BigInt(Math.floor(next() * 2 ** 50)) * 2n * 10n ** 11n,
    };
  });
}

/** Units of an asset that are worth a number of dollars, scaled by its index. */
const unitsOf = (dollars: number, { assetPrice, decimals }: Asset, index: bigint) =>
  BigInt(Math.round(dollars * 1e8 / Number(assetPrice) * 10 ** Math.min(Number(decimals), 9) * 1e3)) * 10n ** BigInt(Math.max(Number(decimals) - 9, 0)) * RAY / index / 1000n + 1n;

/** An account of the given assets: one or two of them owed, the others held, debts of 5,000 to 5,000,000 dollars, health of the distribution. */
export function drawAccount(next: () => number, assets: readonly Asset[]): AaveV3Account {
  const legs = 2 + Math.floor(next() * 4), owed = legs > 2 && next() < 0.4 ? 2 : 1, taken = new Set<number>();
  while (taken.size < legs) taken.add(Math.floor(next() * assets.length));
  const debt = 5e3 * 1000 ** next(), health = healthAt(next()), shares = Array.from(taken, () => 0.1 + next());
  const sum = (from: number, to: number) => shares.slice(from, to).reduce((total, share) => total + share, 0);
  return {
    reserves: Array.from(taken, (reserve, i): AaveV3Position => {
      const asset = assets[reserve]!;
      if (i < owed) return { reserve, scaledVariableDebt: unitsOf(debt * shares[i]! / sum(0, owed), asset, asset.variableBorrowIndex) };
      const dollars = debt * health * shares[i]! / sum(owed, legs) * 10000 / Number(asset.liquidationThreshold);
      return { reserve, scaledATokenBalance: unitsOf(dollars, asset, asset.liquidityIndex) };
    }),
  };
}

// ---- The rival

interface Leg { readonly asset: number; readonly held: bigint; readonly owed: bigint }
interface Prepared { readonly price: bigint; readonly unit: bigint; readonly threshold: bigint; readonly income: bigint; readonly debt: bigint }

/** The sums of 3.5, without the last division of health, which is exact while debts are below 2·10^18. */
function sumsOf(legs: readonly Leg[], assets: readonly Prepared[]): { weighted: bigint; debt: bigint } {
  let weighted = 0n, debt = 0n;
  for (const { asset, held, owed } of legs) {
    const { price, unit, threshold, income, debt: index } = assets[asset]!;
    if (held) weighted += held * income / RAY * price / unit * threshold;
    if (owed) debt += ((owed * index + RAY - 1n) / RAY * price + unit - 1n) / unit;
  }
  return { weighted, debt };
}
function countUnsafe(accounts: readonly (readonly Leg[])[], assets: readonly Prepared[]): number {
  let count = 0;
  for (const legs of accounts) {
    const { weighted, debt } = sumsOf(legs, assets);
    if (weighted < debt * 10000n) ++count;
  }
  return count;
}

// ---- The book

const PIECE = 50_000;

function openMillion(count: number) {
  const next = random(20_250_802), assets = drawAssets(next), book = openBook(aaveV3({ revision: REVISION }));
  for (const asset of assets) book.addMarket(asset);
  const objects: Leg[][] = [], ids = new Float64Array(count);
  for (let from = 0; from < count; from += PIECE) {
    const accounts = Array.from({ length: Math.min(PIECE, count - from) }, () => drawAccount(next, assets));
    ids.set(book.load(accounts), from);
    for (const { reserves } of accounts) {
      objects.push(reserves.map(({ reserve, scaledATokenBalance = 0n, scaledVariableDebt = 0n }) => ({ asset: reserve, held: scaledATokenBalance, owed: scaledVariableDebt })));
    }
  }
  const prepared = assets.map((asset): Prepared => ({
    price: asset.assetPrice, unit: 10n ** asset.decimals, threshold: asset.liquidationThreshold, income: asset.liquidityIndex, debt: asset.variableBorrowIndex,
  }));
  const unsafe = countUnsafe(objects, prepared);
  ensure(book.scan({ screen: "off", idsOnly: true }).length === unsafe, "the exact pass and the BigInt loop disagree");
  ensure(book.scan({ idsOnly: true }).length === unsafe, "the screen and the BigInt loop disagree");
  /** Sets prices and answers what changed. */
  const tick = (prices: readonly (readonly [number, bigint])[]) => {
    for (const [market, assetPrice] of prices) book.setMarket(market, { assetPrice });
    return book.scan({ since: "last", idsOnly: true });
  };
  const agree = (prices: readonly bigint[]) => {
    ensure(book.scan({ idsOnly: true }).length === countUnsafe(objects, prepared.map((asset, i) => ({ ...asset, price: prices[i]! }))), `the book finds ${book.scan({ idsOnly: true }).length}, exactly ${book.scan({ screen: "off", idsOnly: true }).length}, then ${book.scan({ idsOnly: true }).length} of ${countUnsafe(objects, prepared.map((asset, i) => ({ ...asset, price: prices[i]! })))}`);
  };
  /** What the rivals of an order know of each account. */
  const rank = (): Ranks => {
    const sums = objects.map((legs) => sumsOf(legs, prepared)), keys = Float64Array.from(sums, ({ weighted, debt }) => Number(debt * 10000n) / Number(weighted));
    return rankOf({ book, ids, keys, line: 1, by: { debt: (row) => Number(sums[row]!.debt) } });
  };
  let walked: number[] | undefined, ranked: Ranks | undefined;
  const all = { book, assets, objects, prepared, unsafe, tick, agree, walk: () => (walked ??= measureWalk(all)), ranks: () => (ranked ??= rank()) };
  return all;
}
type Million = ReturnType<typeof openMillion>;

const CHANGES = { since: "last", idsOnly: true } as const;

/** One price falls by 0.3 %, and rises again, each asset in turn: falls are measured. */
function measureTick({ assets, tick }: Million): number {
  const times: number[] = [];
  for (let round = 0; round < 3; ++round) assets.forEach(({ assetPrice }, i) => {
    const spent = time(() => { tick([[i, assetPrice * 997n / 1000n]]); });
    tick([[i, assetPrice]]);
    if (round) times.push(spent);
  });
  return quantile(times, 0.5) * US;
}

const LEVELS = 100;
/** Which asset's price falls to its half. */
const FALLING = 2;

function measureLevels({ book, assets, objects, prepared }: Million): number {
  const from = assets[FALLING]!.assetPrice, query = { from, to: from / 2n, steps: LEVELS }, { prices, cumulative } = book.levels(FALLING, query);
  for (const i of [0, LEVELS >> 1, LEVELS - 1]) {
    const at = prepared.map((asset, j) => (j === FALLING ? { ...asset, price: prices[i]! } : asset));
    ensure(countUnsafe(objects, at) === cumulative.vaults[i], "the levels and the BigInt loop disagree");
  }
  return median(() => { book.levels(FALLING, query); });
}

const WALK = 1000;

/** All prices wander together and each by itself, drawn back to where they began, within 1 % of it. Milliseconds of each tick. */
function measureWalk({ assets, tick, agree }: Million): number[] {
  const next = random(3), normal = () => next() + next() + next() - 1.5, own = assets.map(() => 0);
  let common = 0;
  const step = () => {
    common += 0.0006 * normal() - 0.02 * common;
    return assets.map(({ assetPrice }, i): [number, bigint] => {
      own[i] = own[i]! + 0.0003 * normal() - 0.02 * own[i]!;
      const distance = Math.max(-0.01, Math.min(0.01, common + own[i]!));
      return [i, assetPrice * BigInt(Math.round((1 + distance) * 2 ** 40)) >> 40n];
    });
  };
  for (let i = 0; i < WALK / 5; ++i) tick(step());
  let prices = step();
  const times = Array.from({ length: WALK }, () => {
    prices = step();
    return time(() => { tick(prices); });
  });
  agree(prices.map(([, price]) => price));
  tick(assets.map(({ assetPrice }, i) => [i, assetPrice]));
  return times;
}

/** How much faster a tick is than the BigInt loop over as many accounts. */
const fasterThanLoop = (name: string, least: number): Ratio => (
  { name: `account.bigint × accounts / ${name}`, of: (figure) => figure("account.bigint").value * figure(name).vaults / (figure(name).value * 1000), least }
);

export const accountsGroup: Group = {
  stages: (vaults) => [
    stage({
      vaults, open: () => openMillion(vaults),
      figures: {
        "account.bigint": ["ns", ({ objects, prepared, unsafe }) => median(() => { ensure(countUnsafe(objects, prepared) === unsafe, "unsafe accounts"); }) * NS / vaults],
        "account.full": ["ns", ({ book }) => median(() => { book.scan({ screen: "off", ...CHANGES }); }) * NS / vaults],
        "account.screen": ["ns", ({ book }) => median(() => { book.scan({ screen: "keys", ...CHANGES }); }) * NS / vaults],
        "account.rank.riskiest": ["µs", ({ ranks }) => measureRank(ranks(), "riskiest")],
        "account.rank.debt": ["µs", ({ ranks }) => measureRank(ranks(), "debt")],
        "account.rank.profit": ["ms", ({ book }) => median(() => { book.scan({ order: "profit", limit: 100, idsOnly: true }); })],
        "account.rank.partial": ["µs", ({ ranks }) => measurePartial(ranks())],
        "account.rank.partial.masked": ["µs", ({ ranks }) => measureMasked(ranks())],
        "account.rank.sort": ["µs", ({ ranks }) => measureSort(ranks())],
        "account.bytes": ["bytes", ({ book }) => book.bytes / vaults],
        "account.levels": ["ms", measureLevels],
        "account.tick": ["µs", measureTick],
        "account.walk": ["µs", ({ walk }) => quantile(walk(), 0.5) * US],
        "account.walk.p99": ["µs", ({ walk }) => quantile(walk(), 0.99) * US],
      },
    }),
  ],
  goals: [
    faster("account.bigint", "account.full", 6),
    faster("account.bigint", "account.screen", 250),
    faster("account.rank.partial", "account.rank.riskiest", 10),
    faster("account.rank.partial.masked", "account.rank.debt", 10),
    faster("account.rank.sort", "account.rank.riskiest", 1000),
    faster("account.rank.sort", "account.rank.debt", 1000),
    {
      name: "account.bigint × accounts × levels / account.levels", least: 300,
      of: (figure) => figure("account.bigint").value * figure("account.levels").vaults * LEVELS / (figure("account.levels").value * NS),
    },
    fasterThanLoop("account.tick", 1000),
    fasterThanLoop("account.walk", 400),
  ],
};
