/** Runs in a worker of its own: draws a book, or reads a file, and gives it out in pieces. The page never parses. */
import { expose, transfer } from "comlink";
import { type Input, WAD, keysOf, synthetic } from "../keeper/ilks.js";
import { type MorphoMarket, type MorphoMarkets, PRICE_UNIT, positionsOf } from "../keeper/markets.js";
import { type Pool, marketsOf, poolOf, readSnapshot, refusal, vaultsOf } from "../keeper/snapshot.js";
import type { AaveV3Account } from "plimsoll/aave-v3";

/** A larger file is refused: as JSON it takes many times its size. */
export const MOST_BYTES = 200 * 2 ** 20;
const ACCOUNTS = 2000;

export type Opening =
  | ({ readonly protocol: "maker" } & Omit<Input, "blocks">)
  | { readonly protocol: "morpho"; readonly title: string; readonly count: number; readonly markets: readonly OpeningMarket[] }
  | ({ readonly protocol: "aave-v3"; readonly count: number } & Omit<Pool, "borrowers" | "others">);
export interface OpeningMarket extends Omit<MorphoMarket, "borrowers"> {
  /** The pair, and where several markets are of it the id. */
  readonly name: string;
  /** Its price, or where that is 0 the one from which on all its collateral together suffices for its debts. */
  readonly scale: bigint;
}
/** Accounts, or what a book of vaults or positions loads into one of its markets. */
export type Piece = ({ readonly rows: number } & (
  | { readonly market: number; readonly amounts: Readonly<Record<string, BigUint64Array>>; readonly keys: Uint8Array | undefined }
  | { readonly accounts: readonly AaveV3Account[]; readonly keys: Uint8Array }
)) | undefined;

let pieces: Iterator<Piece>;

function ofVaults({ blocks, ...opening }: Input): Opening {
  pieces = (function* () { for (const { ilk: market, keys, ...amounts } of blocks()) yield { market, amounts, keys, rows: amounts.ink.length / 2 }; })();
  return { protocol: "maker", ...opening };
}

function ofPositions({ title, markets, positions: count }: MorphoMarkets): Opening {
  pieces = (function* () { for (const [i, market] of markets.entries()) yield { market: i, ...positionsOf(market), rows: market.borrowers.length }; })();
  const pairOf = ({ collateralAsset, loanAsset }: MorphoMarket) => `${collateralAsset}/${loanAsset}`;
  return { protocol: "morpho", title, count, markets: markets.map(({ borrowers, ...market }, i) => {
    const { id, price, lltv, totalBorrowAssets: debt } = market, pair = pairOf(markets[i]!), alone = markets.filter((other) => pairOf(other) === pair).length === 1;
    const limit = borrowers.reduce((sum, { collateral }) => sum + collateral, 0n) * lltv, level = limit && (debt * PRICE_UNIT * WAD + limit - 1n) / limit;
    return { ...market, name: alone ? pair : `${pair} ${id.slice(0, 6)}…`, scale: price || (level >> 192n ? 0n : level) || PRICE_UNIT };
  }) };
}

function ofPool({ borrowers, others: _, ...opening }: Pool): Opening {
  pieces = (function* () {
    for (let from = 0; from < borrowers.length; from += ACCOUNTS) {
      const some = borrowers.slice(from, from + ACCOUNTS);
      yield { accounts: some.map(({ address: _, ...account }) => account), keys: keysOf(some.map(({ address }) => address)), rows: some.length };
    }
  })();
  return { protocol: "aave-v3", ...opening, count: borrowers.length };
}

const source = {
  draw: (count: number, seed: number): Opening => ofVaults(synthetic(count, seed)),

  /** Throws what is wrong with the file, in words. `mat`: the liquidation ratio for vaults, ray. */
  async read(file: File, mat: bigint): Promise<Opening> {
    const refuse = (why: string) => refusal(file.name, "", why);
    if (file.size > MOST_BYTES) throw refuse(`has ${(file.size / 2 ** 20).toFixed(0)} MiB, and a page reads ${MOST_BYTES / 2 ** 20} at most: take fewer rows`);
    let bytes: Uint8Array;
    try { bytes = new Uint8Array(await file.arrayBuffer()); } catch (error) { throw refuse(`cannot be read: ${(error as Error).message}`); }
    const snapshot = readSnapshot(file.name, bytes);
    switch (snapshot.protocol) {
      case "maker": return ofVaults(vaultsOf(snapshot, mat));
      case "morpho": return ofPositions(marketsOf(snapshot));
      case "aave-v3": return ofPool(poolOf(snapshot));
      default: throw refuse("is JSON, but no book: it has neither markets and vaults, nor the users and user_reserves of an Aave pool, nor positions of Morpho");
    }
  },

  next(): Piece {
    const { value } = pieces.next() as { value: Piece };
    if (!value) return undefined;
    const columns = ["amounts" in value ? Object.values(value.amounts) : [], value.keys ?? []].flat();
    return transfer(value, columns.map(({ buffer }) => buffer as ArrayBuffer));
  },
};
export type Source = typeof source;
expose(source);
