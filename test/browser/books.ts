/** Figures and vaults for books in the browser. */
import type { maker } from "plimsoll/maker";
import type { Values } from "plimsoll";

export const WAD = 10n ** 18n, RAY = 10n ** 27n, RAD = 10n ** 45n;

export const figures: Values<typeof maker.market> = {
  val: 2_000n * WAD, spot: (2_000n * RAY * 100n) / 150n, mat: (RAY * 150n) / 100n, rate: (RAY * 105n) / 100n, duty: RAY + 10n ** 18n, rho: 1_700_000_000n,
  dust: 100n * RAD, chop: (113n * WAD) / 100n, hole: 10n ** 12n * RAD,
};

/** Vaults about the line, the same ones each time: two limbs a value, and keys. */
export function seeded(count: number, seed = 1): { ink: BigUint64Array; art: BigUint64Array; keys: Uint8Array } {
  let state = seed;
  const next = () => { state = (state * 48271) % 2147483647; return state; };
  const ink = new BigUint64Array(count * 2), art = new BigUint64Array(count * 2), keys = new Uint8Array(count * 20);
  for (let i = 0; i < count; ++i) {
    const debt = BigInt(next()) * 10n ** 13n + 10n ** 20n, collateral = (debt * BigInt(760 + (next() % 80))) / 1_000_000n;
    ink.set([collateral, collateral >> 64n], i * 2);
    art.set([debt, debt >> 64n], i * 2);
    new DataView(keys.buffer).setUint32(i * 20, i + 1);
  }
  return { ink, art, keys };
}
