/** What the keeper watches: ilks with their figures, and the vaults in them. */
import { maker } from "plimsoll/maker";
import type { Complete, Values } from "plimsoll";
import { drawVaults, random } from "./synthetic.js";

export const WAD = 10n ** 18n, RAY = 10n ** 27n, RAD = 10n ** 45n;

export interface Ilk {
  readonly name: string;
  /** The figures that `addMarket` takes, at the opening price. */
  readonly figures: Values<typeof maker.market>;
}

/** Vaults of one ilk in columns of two limbs a value, as `load` takes them; `keys` where the vaults have owners. */
export interface Block {
  readonly ilk: number;
  readonly ink: BigUint64Array;
  readonly art: BigUint64Array;
  readonly keys?: Uint8Array;
}

/** Addresses as keys of a book. */
export function keysOf(addresses: readonly string[]): Uint8Array {
  const keys = new Uint8Array(addresses.length * 20);
  addresses.forEach((address, row) => { for (let byte = 0; byte < 20; ++byte) keys[row * 20 + byte] = Number.parseInt(address.slice(2 + byte * 2, 4 + byte * 2), 16); });
  return keys;
}

export interface Input {
  /** Where the vaults come from, in a line. */
  readonly title: string;
  readonly ilks: readonly Ilk[];
  readonly system: Complete<typeof maker.system>;
  /** How many vaults there are in all. */
  readonly count: number;
  /** Bytes of the vaults' keys; 0 without keys. */
  readonly keyBytes: 0 | 20;
  /** The vaults in the order of their creation: the same ones each time it is called. */
  blocks(): Iterable<Block>;
}

/** `Vat.ilks.spot` at an oracle's price. */
export function spotAt(val: bigint, mat: bigint): bigint {
  const poked = maker.spot({ val, has: true, par: RAY, mat });
  if (poked.reverts) throw new RangeError(`Spotter.poke reverts at val ${val}, mat ${mat}`);
  return poked.spot;
}

/** What an auction costs and how much of it may run, where nothing else is known: the terms of ETH-A. */
export const TERMS = {
  chop: 113n * WAD / 100n, hole: 40_000_000n * RAD, dirt: 0n, buf: 11n * RAY / 10n, tip: 250n * RAD, chip: WAD / 1000n,
};

/** `Spotter.par`, `Jug.base`, and the room for the auctions of all ilks together. */
export const SYSTEM = { par: RAY, base: 0n, Hole: 150_000_000n * RAD, Dirt: 0n };

/** `Jug.ilks.duty` of 5.25 % a year. */
const FEE = 1_000000001622535724756171269n;

/**
 * Three ilks with figures like those of Maker at the beginning of 2024; `rate` and `dirt` are made up, the latter such that
 * WBTC-A has little room left for auctions. `share`: of all vaults.
 */
const ILKS = [
  {
    name: "ETH-A", share: 0.5, val: 228_341n * WAD / 100n, mat: 145n * RAY / 100n, rate: 1_208473516027394518246190374n,
    duty: FEE, hole: 40_000_000n * RAD, dirt: 3_150_000n * RAD,
  },
  {
    name: "WSTETH-A", share: 0.3, val: 263_792n * WAD / 100n, mat: 150n * RAY / 100n, rate: 1_084159027734610925518263047n,
    duty: FEE, hole: 30_000_000n * RAD, dirt: 0n,
  },
  {
    name: "WBTC-A", share: 0.2, val: 4_258_015n * WAD / 100n, mat: 145n * RAY / 100n, rate: 1_176802294518037261940527318n,
    duty: FEE, hole: 10_000_000n * RAD, dirt: 8_730_000n * RAD,
  },
] as const;

/** So many vaults are drawn at once: enough to load fast, few enough to show progress and to need little memory. */
const BLOCK_ROWS = 65536;

/** `count` seeded vaults in three ilks, drawn anew whenever they are asked for. */
export function synthetic(count: number, seed: number): Input {
  const ilks = ILKS.map(({ name, share: _, val, mat, ...figures }) => (
    { name, figures: { spot: spotAt(val, mat), val, mat, dust: 7_500n * RAD, ...TERMS, ...figures } }
  ));
  return {
    title: `${count.toLocaleString("en-US")} synthetic vaults, seed ${seed}`,
    ilks, count, keyBytes: 0,
    system: { ...SYSTEM, Dirt: ilks.reduce((sum, { figures }) => sum + figures.dirt, 0n) },
    *blocks() {
      const next = random(seed);
      let from = 0, share = 0;
      for (const [ilk, { figures }] of ilks.entries()) {
        share += ILKS[ilk]!.share;
        // The last ilk takes what rounding leaves.
        const to = ilk === ilks.length - 1 ? count : Math.floor(count * share);
        for (; from < to; from = Math.min(from + BLOCK_ROWS, to)) {
          yield { ilk, ...drawVaults(Math.min(BLOCK_ROWS, to - from), figures, next() * 2 ** 32) };
        }
      }
    },
  };
}
