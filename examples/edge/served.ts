/** What the service knows of a protocol beside its descriptor. */
import type { Fields, Protocol } from "plimsoll";
import type { Figures } from "./figures.js";

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

/** `protocol` is a descriptor of any vaults: figures are checked by their fields. */
export const serve = (served: Omit<Served, "protocol"> & { readonly protocol: unknown }): Served => served as Served;

/** A price at which the contract would not set the market. */
export class UnusablePrice extends Error {}
