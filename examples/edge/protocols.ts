/**
 * Which protocols a deployment serves: the one place to add or to remove one. These four share a module of WebAssembly; what is not
 * listed is not in the bundle.
 */
import type { Fields, LiquidationPrice, Protocol } from "plimsoll";
import { liquityV1 } from "plimsoll/liquity-v1";
import { liquityV2 } from "plimsoll/liquity-v2";
import { maker } from "plimsoll/maker";
import { morpho } from "plimsoll/morpho";
import { type Figures, UnusablePrice } from "./figures.js";

/** A protocol as it is served. Values have the contracts' names and units. */
export interface Served {
  readonly protocol: Protocol<Fields, Fields, Fields, Fields>;
  /** Decimals of an oracle's price, and of a debt where they are known. */
  readonly priceDecimals: number;
  readonly debtDecimals?: number;
  /** What the price is called among a market's figures. */
  readonly price: string;
  /** The figures of a market at another price. Throws where the contract takes no such price. */
  readonly at?: (price: bigint, market: Figures, system: Figures) => Figures;
  /** Figures that a query may leave out, beside those that have a default of their own. */
  readonly defaults?: Figures;
  /** Figures of a vault that a query does not have. */
  readonly without?: readonly string[];
}

const RAY = 10n ** 27n;

/** What `Spotter.poke` makes of the oracle's price. */
function poke(val: bigint, { mat }: Figures, { par }: Figures): Figures {
  const poked = maker.spot({ val, has: val > 0n, par: par!, mat: mat! });
  if (poked.reverts) throw new UnusablePrice(`Spotter.poke reverts at this price${poked.reason && `: ${poked.reason}`}`);
  return { val, spot: poked.spot };
}

const trove = { stake: 0n };

export const PROTOCOLS: readonly Served[] = [
  { protocol: maker, priceDecimals: 18, debtDecimals: 18, price: "val", at: poke, defaults: { rate: RAY, par: RAY } },
  { protocol: morpho, priceDecimals: 36, price: "price" },
  { protocol: liquityV1, priceDecimals: 18, debtDecimals: 18, price: "price", defaults: { ...trove, snapshotETH: 0n, snapshotLUSDDebt: 0n } },
  { protocol: liquityV2, priceDecimals: 18, debtDecimals: 18, price: "price", defaults: { ...trove, snapshotColl: 0n, snapshotBoldDebt: 0n, annualInterestRate: 0n }, without: ["batch", "batchDebtShares"] },
] as unknown as readonly Served[];

export type { LiquidationPrice };
