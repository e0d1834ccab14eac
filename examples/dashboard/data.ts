/** Runs in a worker of its own: draws a book, or reads a file, and gives it out in pieces. The page never parses. */
import { expose, transfer } from "comlink";
import { type Block, type Input, synthetic } from "../keeper/ilks.js";
import { type Pool, readSnapshot, poolOf, refusal, vaultsOf } from "../keeper/snapshot.js";
import type { AaveV3Account } from "plimsoll/aave-v3";

/** A larger file is refused: as JSON it takes many times its size. */
export const MOST_BYTES = 200 * 2 ** 20;
const ACCOUNTS = 2000;

export type Opening =
  | ({ readonly protocol: "maker" } & Omit<Input, "blocks">)
  | ({ readonly protocol: "aave-v3"; readonly count: number } & Omit<Pool, "borrowers" | "others">);
export type Piece = ({ readonly rows: number } & (Block | { readonly accounts: readonly AaveV3Account[]; readonly keys: Uint8Array })) | undefined;

let pieces: Iterator<Piece>;

function ofVaults({ blocks, ...opening }: Input): Opening {
  pieces = (function* () { for (const block of blocks()) yield { ...block, rows: block.ink.length / 2 }; })();
  return { protocol: "maker", ...opening };
}

function* accountsOf({ borrowers }: Pool): Generator<Piece> {
  for (let from = 0; from < borrowers.length; from += ACCOUNTS) {
    const some = borrowers.slice(from, from + ACCOUNTS), hex = some.map(({ address }) => address.slice(2)).join("");
    const keys = Uint8Array.from({ length: some.length * 20 }, (_, i) => Number.parseInt(hex.slice(i * 2, i * 2 + 2), 16));
    yield { accounts: some.map(({ address: _, ...account }) => account), keys, rows: some.length };
  }
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
    if (!snapshot.protocol) throw refuse("is JSON, but no book: it has neither markets and vaults, nor the users and user_reserves of an Aave pool");
    if (snapshot.protocol === "morpho") throw refuse("is of Morpho positions, which the keeper takes and this page does not: take a book of vaults or of an Aave pool");
    if (snapshot.protocol === "maker") return ofVaults(vaultsOf(snapshot, mat));
    const pool = poolOf(snapshot), { borrowers, others: _, ...rest } = pool;
    pieces = accountsOf(pool);
    return { protocol: "aave-v3", ...rest, count: borrowers.length };
  },

  next(): Piece {
    const { value } = pieces.next() as { value: Piece };
    if (!value) return undefined;
    return transfer(value, "ink" in value ? [value.ink.buffer, value.art.buffer, ...(value.keys ? [value.keys.buffer] : [])] as Transferable[] : [value.keys.buffer as ArrayBuffer]);
  },
};
export type Source = typeof source;
expose(source);
