/** Synthetic books that look like real ones: seeded, the same on every machine. */

/**
 * Quantiles of the health of 1,044 accounts with debt, as a liquidation bot of Euler v2 saw them on four chains in 2025: 0.2 %
 * are below 1, 1 % within 2 % of the line, a third within 10 %.
 */
const HEALTH_QUANTILES: readonly (readonly [share: number, health: number])[] = [
  [0, 0.4595], [0.001, 0.991429], [0.002, 1], [0.003, 1.0103], [0.005, 1.01256], [0.0075, 1.0139], [0.01, 1.01793],
  [0.015, 1.02298], [0.02, 1.02409], [0.03, 1.028], [0.04, 1.03071], [0.05, 1.0322], [0.075, 1.03384], [0.1, 1.03891],
  [0.125, 1.04215], [0.15, 1.04761], [0.175, 1.05229], [0.2, 1.05688], [0.225, 1.06487], [0.25, 1.07074], [0.275, 1.07194],
  [0.3, 1.08027], [0.325, 1.08912], [0.35, 1.09834], [0.375, 1.10722], [0.4, 1.11688], [0.425, 1.12493], [0.45, 1.13848],
  [0.475, 1.15929], [0.5, 1.18371], [0.525, 1.1991], [0.55, 1.21811], [0.575, 1.24739], [0.6, 1.27206], [0.625, 1.30068],
  [0.65, 1.33817], [0.675, 1.38889], [0.7, 1.44307], [0.725, 1.51836], [0.75, 1.63569], [0.775, 1.74431], [0.8, 1.86843],
  [0.825, 1.99313], [0.85, 2.12084], [0.875, 2.41018], [0.9, 2.97366], [0.925, 4.83495], [0.95, 12.3544], [0.975, 40.9015],
  [0.98, 71.0964], [0.985, 409.94], [0.99, 1111.65], [0.995, 2.64803e6], [1, 2.71611e8],
];

/** A generator of numbers in [0, 1) with 32 random bits: sfc32 (Chris Doty-Humphrey, PractRand). */
export function random(seed: number): () => number {
  let a = seed | 0, b = 0x9e3779b9, c = 0x243f6a88, counter = 1;
  const next = () => {
    const t = (a + b + counter++) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t | 0;
    return (t >>> 0) / 4294967296;
  };
  for (let i = 0; i < 16; ++i) next();
  return next;
}

/** The health below which a share of all vaults lies. */
export function healthAt(share: number): number {
  let i = 1;
  while (share > HEALTH_QUANTILES[i]![0]) ++i;
  const [p, low] = HEALTH_QUANTILES[i - 1]!, [q, high] = HEALTH_QUANTILES[i]!;
  return low * (high / low) ** ((share - p) / (q - p));
}

/** Writes a number as the two limbs of a u128, with random digits where a double has none. */
function writeAmount(words: Uint32Array, row: number, value: number, noise: number): void {
  const at = row * 4, high = Math.floor(value / 2 ** 64), rest = value - high * 2 ** 64;
  words[at + 3] = Math.floor(high / 2 ** 32);
  words[at + 2] = high % 2 ** 32;
  words[at + 1] = Math.floor(rest / 2 ** 32);
  words[at] = rest % 2 ** 32 ^ (noise * 2 ** 10);
}

/**
 * `count` vaults with debts of 5,000 to 5,000,000 (wad, log-uniform) and the health of the distribution at these figures (ray),
 * in random order: two little-endian limbs a value.
 */
export function drawVaults(count: number, figures: { readonly spot: bigint; readonly rate: bigint }, seed: number): { ink: BigUint64Array; art: BigUint64Array } {
  const next = random(seed), price = Number(figures.spot) / Number(figures.rate);
  const ink = new Uint32Array(count * 4), art = new Uint32Array(count * 4);
  for (let row = 0; row < count; ++row) {
    const debt = 5e21 * 1000 ** next();
    writeAmount(art, row, debt, next());
    writeAmount(ink, row, (debt / price) * healthAt(next()), next());
  }
  return { ink: new BigUint64Array(ink.buffer), art: new BigUint64Array(art.buffer) };
}
