/** What the keeper watches of Morpho: markets with their figures, and the positions in them. */
import { toLimbs } from "plimsoll";
import { keysOf } from "./ilks.js";

/** The unit of prices. */
export const PRICE_UNIT = 10n ** 36n;
/** Shares an asset, as many as Morpho gives at first; and the first amount whose shares are too many. */
export const SHARES = 1_000_000n, MOST_ASSETS = 1n << 108n;

export interface Position {
  readonly owner: string;
  readonly collateral: bigint;
  readonly borrowAssets: bigint;
  readonly borrowShares: bigint;
}

export interface MorphoMarket {
  readonly id: string;
  /** Symbols of the collateral and of what is lent. */
  readonly collateralAsset: string;
  readonly loanAsset: string;
  readonly lltv: bigint;
  /** The oracle's: units of the loan asset for one of collateral, 1e36. */
  readonly price: bigint;
  /** Over the file's positions. */
  readonly totalBorrowAssets: bigint;
  readonly totalBorrowShares: bigint;
  /** Who owes something. */
  readonly borrowers: readonly Position[];
}

export interface MorphoMarkets {
  readonly title: string;
  readonly file: string;
  readonly markets: readonly MorphoMarket[];
  /** Positions in debt, and positions that owe nothing. */
  readonly positions: number;
  readonly others: number;
}

/** A market's figures, as `addMarket` takes them: what is supplied is what is borrowed. */
export const marketFigures = ({ price, lltv, totalBorrowAssets, totalBorrowShares }: Omit<MorphoMarket, "borrowers">) => (
  { price, lltv, totalSupplyAssets: totalBorrowAssets, totalBorrowAssets, totalBorrowShares }
);

/** A market's positions, as `load` takes them. */
export function positionsOf({ borrowers }: MorphoMarket) {
  const amounts = { collateral: toLimbs(borrowers.map(({ collateral }) => collateral)), borrowShares: toLimbs(borrowers.map(({ borrowShares }) => borrowShares)) };
  return { amounts, keys: keysOf(borrowers.map(({ owner }) => owner)) };
}
