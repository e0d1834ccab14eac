/** Invented snapshots of Maker vaults: four ilks, of whose owners one in ten has a vault in several. The same on every machine. */
import { openBook } from "plimsoll";
import { saveBook } from "plimsoll/arrow";
import { maker } from "plimsoll/maker";
import { drawVaults, random } from "../keeper/synthetic.js";

const WAD = 10n ** 18n, RAY = 10n ** 27n, RAD = 10n ** 45n;
const ILKS = [[2_000n, 145n], [2_000n, 130n], [2_400n, 175n], [60_000n, 150n]] as const;

export interface Generated {
  readonly bytes: Uint8Array;
  /** Owners of vaults, one in a thousand. */
  readonly owners: readonly string[];
}

export function generate(vaults: number, seed = 1): Generated {
  const book = openBook(maker, { keyBytes: 20 }), next = random(seed), perIlk = Math.ceil(vaults / ILKS.length), owners: string[] = [];
  book.setSystem({ par: RAY, base: 0n, Hole: 100_000_000n * RAD, Dirt: 0n });
  const own = new Uint8Array(perIlk * 20);
  for (const [ilk, [price, ratio]] of ILKS.entries()) {
    const mat = (ratio * RAY) / 100n, val = price * WAD, poked = maker.spot({ val, has: true, par: RAY, mat }), count = Math.min(perIlk, vaults - ilk * perIlk);
    if (poked.reverts || count <= 0) break;
    const market = book.addMarket({ val, spot: poked.spot, mat, rate: RAY + BigInt(ilk) * 10n ** 25n, dust: 7_500n * RAD, chop: (113n * WAD) / 100n, hole: 40_000_000n * RAD });
    for (let row = 0; row < count; ++row) {
      if (ilk && row % 10 === 0) continue; // the owner of the ilk before
      for (let i = row * 20; i < row * 20 + 20; ++i) own[i] = next() * 256;
    }
    book.load(market, drawVaults(count, { spot: poked.spot, rate: RAY + BigInt(ilk) * 10n ** 25n }, seed + ilk), own.subarray(0, count * 20));
    for (let row = 0; row < count; row += 999) owners.push(`0x${Array.from(own.subarray(row * 20, row * 20 + 20), (byte) => byte.toString(16).padStart(2, "0")).join("")}`);
  }
  const bytes = saveBook(book, { block: 21_000_000n + BigInt(seed), timestamp: 1_730_000_000n });
  book.dispose();
  return { bytes, owners };
}
