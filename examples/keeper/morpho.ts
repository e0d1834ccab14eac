/** The keeper's run on Morpho markets: a book is filled with the positions, prices move, and each tick is timed; then the same by the plain loop. */
import { type Inspection, openBook } from "plimsoll";
import { morpho } from "plimsoll/morpho";
import { type MorphoMarket, type MorphoMarkets, PRICE_UNIT, marketFigures, positionsOf } from "./markets.js";
import { type MorphoOptions, UsageError } from "./options.js";
import { type Played, play, playLoop } from "./play.js";
import type { LoopTick } from "./print.js";

const WAD = 10n ** 18n;

type Vault = Inspection<typeof morpho.vault, typeof morpho.liquidation>;

/** A position at some prices: what it is worth, when it is liquidated, and what a liquidation of as much as the contract takes would do. */
export interface PositionState extends Pick<Vault, "status" | "health" | "ratio" | "liquidationPrice" | "liquidation"> {
  readonly owner: string;
  readonly market: MorphoMarket;
  readonly price: bigint;
  readonly collateral: bigint;
  readonly debt: bigint | undefined;
  /** Whether every asset that is repaid takes more than the position has for it, so that its health falls. */
  readonly toxic: boolean;
  /** Whether debt is left that no collateral pays, which is the suppliers' loss. */
  readonly badDebt: boolean;
}

export interface MorphoRun extends Played<PositionState, PositionState> {
  readonly source: MorphoMarkets;
  /** `liquidationIncentiveFactor` of each market, wad: what a liquidator gets for an asset repaid. */
  readonly incentives: readonly bigint[];
  readonly loadMilliseconds: number;
  readonly bytes: number;
  readonly loop: readonly LoopTick[];
}

/** Fills a book, looks at it at the snapshot's prices, moves prices to the given ones, and looks again. */
export function runMorpho(source: MorphoMarkets, options: MorphoOptions): MorphoRun {
  const { markets } = source, { ticks: count, seed, top } = options;
  const opening: readonly bigint[] = markets.map(({ price }) => price), end = pricesGiven(source, options);

  const book = openBook(morpho, { keyBytes: 20 });
  for (const market of markets) book.addMarket(marketFigures(market));
  const incentives = markets.map(({ lltv }) => {
    const answer = morpho.liquidationIncentiveFactor({ lltv });
    if (answer.reverts) throw new RangeError(`liquidationIncentiveFactor reverts at ${lltv}`); // only from 1e18 on
    return answer.liquidationIncentiveFactor;
  });
  const positions = markets.map(positionsOf);
  const started = performance.now();
  positions.forEach(({ amounts, keys }, market) => { book.load(market, amounts, keys); });
  const loadMilliseconds = performance.now() - started, { bytes } = book;

  const stateOf = (id: number, prices: readonly bigint[]): PositionState => {
    const { key, market, vault, status, debt, health, ratio, liquidationPrice, liquidation } = book.inspect(id);
    const unsafe = status === "unsafe";
    return {
      owner: key!, market: markets[market]!, price: prices[market]!, collateral: vault.collateral, debt, status, health, ratio, liquidationPrice, liquidation,
      toxic: unsafe && typeof ratio === "bigint" && ratio < incentives[market]!,
      badDebt: unsafe && (liquidation.refused ? vault.collateral === 0n : liquidation.badDebtAssets > 0n),
    };
  };
  const list = (ids: Float64Array, prices: readonly bigint[]) => Array.from(ids, (id) => stateOf(id, prices));
  const played = play({ book, figures: (price) => ({ price }), from: opening, to: end, least: 0n, list, risk: stateOf }, { ticks: count, seed, top });
  return { ...played, source, incentives, loadMilliseconds, bytes, loop: plainLoop(source, played.path) };
}

/** The prices that the options give: a price outranks a fall, and a market's own fall that of all. */
function pricesGiven({ file, markets }: MorphoMarkets, { prices, drops, decimals }: MorphoOptions): bigint[] {
  const pairOf = ({ collateralAsset, loanAsset }: MorphoMarket) => `${collateralAsset}/${loanAsset}`;
  const symbols = new Set(markets.flatMap(({ collateralAsset, loanAsset }) => [collateralAsset, loanAsset]));
  for (const symbol of decimals.keys()) if (!symbols.has(symbol)) throw new UsageError(`--decimals: ${file} has no ${JSON.stringify(symbol)}; it has ${[...symbols].join(", ")}`);
  const find = (option: string, name: string) => {
    const found = markets.flatMap((market, i) => (pairOf(market) === name || market.id === name.toLowerCase() ? [i] : []));
    if (!found.length) throw new UsageError(`--${option}: ${file} has no market ${JSON.stringify(name)}; it has ${[...new Set(markets.map(pairOf))].join(", ")}`);
    return found;
  };
  const falls = markets.map(() => 0n), given = new Map<number, bigint>();
  for (const [name, fall] of drops) if (name === undefined) falls.fill(fall);
  for (const [name, fall] of drops) if (name !== undefined) for (const market of find("drop", name)) falls[market] = fall;
  for (const [name, price] of prices) for (const market of find("price", name)) {
    const { collateralAsset, loanAsset } = markets[market]!, of = (symbol: string) => 10n ** BigInt(decimals.get(symbol) ?? 0);
    const scaled = price * of(loanAsset) / of(collateralAsset);
    given.set(market, scaled);
  }
  return markets.map(({ price }, i) => given.get(i) ?? price * (WAD - falls[i]!) / WAD);
}

// ---- The plain loop

const VIRTUAL_SHARES = 1_000_000n, UINT_MAX = (1n << 256n) - 1n;

/** The same positions at the same ticks as keepers write it: an array of objects, and Morpho's rule in BigInt. */
function plainLoop({ markets }: MorphoMarkets, path: readonly (readonly bigint[])[]): LoopTick[] {
  const positions = markets.flatMap(({ lltv, totalBorrowAssets, totalBorrowShares, borrowers }, market) => (
    borrowers.map(({ collateral, borrowShares }) => ({ market, collateral, borrowShares, lltv, totalBorrowAssets, totalBorrowShares }))
  ));
  /** `Morpho._isHealthy`. */
  const isUnsafe = ({ market, collateral, borrowShares, lltv, totalBorrowAssets, totalBorrowShares }: (typeof positions)[number], prices: readonly bigint[]) => {
    if (borrowShares === 0n) return false;
    const shares = totalBorrowShares + VIRTUAL_SHARES, borrowed = (borrowShares * (totalBorrowAssets + 1n) + shares - 1n) / shares;
    const value = collateral * prices[market]!;
    return value <= UINT_MAX && (value / PRICE_UNIT) * lltv / WAD < borrowed; // beyond, the contract reverts: nobody is liquidated
  };
  return playLoop(path, (prices) => positions.reduce((unsafe, position) => unsafe + Number(isUnsafe(position, prices)), 0));
}
