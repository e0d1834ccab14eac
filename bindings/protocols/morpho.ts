/**
 * Morpho Blue: `Morpho` as in morpho-org/morpho-blue at 3085651a, `AdaptiveCurveIrm` as in morpho-org/morpho-blue-irm at
 * a1a87fd5, and `PreLiquidation` as in morpho-org/pre-liquidation at 9e8b7f4.
 *
 * Units: assets and collateral in their token's units, shares in the market's, prices 1e36 times loan units per collateral unit,
 * factors (`lltv`, `fee`) WAD, which is 1e18, rates WAD a second, times in seconds. Functions take what the contracts take, and
 * answer `{ reverts: true, reason }` where the contract reverts: its own message, its error's signature, or the panic.
 * @module
 */
import { loadModule } from "#module/morpho";
import { Module } from "../abi.js";
import { type Complete, type Fields, type Outcome, type Protocol, bool, choice, contractFunction, int, or, uint } from "../protocol.js";
import { Book, priceFunction } from "../vaults.js";

const module = /* @__PURE__ */ new Module(loadModule);

const assets = uint(128, "units"), shares = uint(128, "shares"), wad = uint(256, "WAD"), seconds = uint(128, "s");
const price = uint(256, "1e36"), rate = int(256, "WAD/s");
/** What the contracts keep in 128 bits, and compute in 256. */
const units = uint(256, "units"), amount = uint(256, "shares");

/** Why the contracts revert, as assembly/rules/morpho.ts numbers it. */
const reasons = [
  "", "Panic(0x11) arithmetic over/underflow", "Panic(0x12) division by zero",
  "market not created", "max uint128 exceeded", "position is healthy", "inconsistent input", "zero assets", "insufficient collateral",
  "PreLltvTooHigh()", "PreLCFDecreasing()", "PreLCFTooHigh()", "PreLIFTooLow()", "PreLIFDecreasing()", "PreLIFTooHigh()",
  "InconsistentInput()", "LiquidatablePosition()", "NotPreLiquidatablePosition()", "PreLiquidationTooLarge(uint256,uint256)",
] as const;

const define = <I extends Fields, O extends Fields>(name: string, inputs: I, outputs: O) =>
  contractFunction(module, `morpho.${name}`, `morpho_${name}`, reasons, inputs, outputs);

// ---- The book's columns and figures

/** A position: its collateral and the shares of the market's debt. */
const vault = { collateral: assets, borrowShares: shares };

/** A market, in the order of assembly/rules/position.ts. */
const market = {
  /** What its oracle answers; it may be 0. */
  price,
  lltv: wad,
  /** As stored: what is supplied and borrowed, and when interest was last accrued. */
  totalSupplyAssets: or(assets, 0n), totalSupplyShares: or(shares, 0n), totalBorrowAssets: assets, totalBorrowShares: shares,
  lastUpdate: or(seconds, 0n), fee: or(uint(128, "WAD"), 0n),
  /** The rate model's own state, and whether the market has one. */
  rateAtTarget: or(rate, 0n), irm: or(choice(["adaptiveCurve", "none"]), "adaptiveCurve"),
  /** The value of one unit of the loan asset in a unit that you share over markets; 0: there is none. */
  quote: or(uint(128, "yours"), 0n),
};

// ---- Interest

const accrual = { avgBorrowRate: uint(256, "WAD/s"), interest: units, feeShares: amount };
type Accrual = Complete<typeof accrual>;
type Accrued<T> = Omit<T, keyof Accrual | "accrued"> & Partial<Accrual>;

/** Without the event's fields where nothing accrued. */
function ofEvent<T extends Accrual & { readonly accrued: boolean }>(answer: Outcome<T>): Outcome<Accrued<T>> {
  if (answer.reverts) return answer;
  const { accrued, avgBorrowRate, interest, feeShares, ...after } = answer;
  return { ...after, ...(accrued && { avgBorrowRate, interest, feeShares }) } as never;
}

const accrueOf = define(
  "accrue",
  {
    totalSupplyAssets: assets, totalSupplyShares: shares, totalBorrowAssets: assets, fee: uint(128, "WAD"), lastUpdate: seconds,
    timestamp: uint(256, "s"), rateAtTarget: rate, irm: or(choice(["adaptiveCurve", "none"]), "adaptiveCurve"), totalBorrowShares: shares,
  },
  {
    rateAtTarget: rate, totalSupplyShares: shares, ...accrual, accrued: bool, totalSupplyAssets: assets, totalBorrowAssets: assets,
    lastUpdate: seconds, totalBorrowShares: shares,
  },
);
const accrue = (inputs: Parameters<typeof accrueOf>[0]) => ofEvent(accrueOf(inputs));

const wExp = define("wExp", { x: int(256, "WAD") }, { result: int(256, "WAD") });
const wTaylor = define("wTaylor", { x: uint(256, "WAD/s"), n: uint(256, "s") }, { result: wad });

// ---- Health

const position = { collateral: assets, borrowShares: shares, totalBorrowAssets: assets, totalBorrowShares: shares, lltv: wad };

const isHealthyOf = define("isHealthy", { ...position, price }, { healthy: bool, borrowed: units, maxBorrow: units, valued: bool });
type Health = { readonly healthy: boolean; readonly borrowed: bigint; readonly maxBorrow?: bigint };
function isHealthy(inputs: Parameters<typeof isHealthyOf>[0]): Outcome<Health> {
  const answer = isHealthyOf(inputs);
  if (answer.reverts) return answer;
  const { valued, maxBorrow, ...judged } = answer;
  return valued ? { ...judged, maxBorrow } : judged;
}

const liquidationPrice = priceFunction(module, "morpho.liquidationPrice", "morpho_liquidationPrice", position);

// ---- Liquidation

const liquidationIncentiveFactor = define("liquidationIncentiveFactor", { lltv: wad }, { liquidationIncentiveFactor: wad });

const liquidating = { ...position, price, seizedAssets: units, repaidShares: amount };
const seizure = {
  seizedAssets: units, repaidShares: amount, repaidAssets: units,
  totalBorrowAssetsAfter: assets, totalBorrowSharesAfter: shares, borrowSharesAfter: shares, collateralAfter: assets,
};
const liquidation = { ...seizure, badDebtAssets: assets, badDebtShares: shares, totalSupplyAssetsAfter: assets };

const liquidate = define("liquidate", { ...liquidating, totalSupplyAssets: assets }, liquidation);

const liquidateAccruedOf = define(
  "liquidateAccrued",
  {
    ...liquidating, totalSupplyAssets: assets, totalSupplyShares: shares, fee: uint(128, "WAD"), lastUpdate: seconds,
    timestamp: uint(256, "s"), rateAtTarget: rate,
  },
  { ...liquidation, rateAtTargetAfter: rate, totalSupplySharesAfter: shares, ...accrual, accrued: bool },
);
const liquidateAccrued = (inputs: Parameters<typeof liquidateAccruedOf>[0]) => ofEvent(liquidateAccruedOf(inputs));

const preLiquidate = define(
  "preLiquidate",
  { ...liquidating, marketPrice: price, preLltv: wad, preLCF1: wad, preLCF2: wad, preLIF1: wad, preLIF2: wad },
  { ...seizure, ltv: wad, preLIF: wad, preLCF: wad, repayableShares: amount },
);

/** Morpho Blue for `openBook`, and every reproduced function of its contracts. */
export interface Morpho extends Protocol<typeof vault, typeof market, Fields, typeof liquidation> {
  /**
   * `Morpho.accrueInterest` with the rate of `AdaptiveCurveIrm`, whose `rateAtTarget` (0 before its first) is state of the market;
   * with `irm: "none"` only `lastUpdate` moves. `avgBorrowRate`, `interest` and `feeShares` are the event's, absent where there is
   * none.
   */
  readonly accrue: typeof accrue;
  /** `ExpLib.wExp` of the rate model: e^x, WAD. */
  readonly wExp: typeof wExp;
  /** `MathLib.wTaylorCompounded`: e^(x·n) − 1 to the third term, WAD. */
  readonly wTaylor: typeof wTaylor;
  /**
   * `Morpho._isHealthy` of a market accrued to now (`maxBorrow ≥ borrowed`), and its two sides. A position that borrows nothing is
   * healthy at any price; then `maxBorrow` is absent where it would overflow.
   */
  readonly isHealthy: typeof isHealthy;
  /**
   * The smallest `price` (1e36) at which the position is healthy, as it is at every one above. `"never"` where nothing is borrowed,
   * `"always"` without collateral or with an `lltv` of 0, `"reverts"` where what is borrowed overflows.
   */
  readonly liquidationPrice: typeof liquidationPrice;
  /** What a liquidator gets for each asset repaid: min(1.15, 1 / (1 − 0.3·(1 − lltv))), WAD. */
  readonly liquidationIncentiveFactor: typeof liquidationIncentiveFactor;
  /** `Morpho.liquidate` of a market accrued in the same second, by `seizedAssets` or by `repaidShares`: the other is 0. */
  readonly liquidate: typeof liquidate;
  /** `Morpho.liquidate`, which accrues first. */
  readonly liquidateAccrued: typeof liquidateAccrued;
  /**
   * `PreLiquidation.preLiquidate` of a market accrued in the same second, by `seizedAssets` or by `repaidShares`. `price` is the
   * pre-liquidation's oracle's, `marketPrice` the market's, at which the rest must be healthy. `preLIF`, `preLCF`: the factors at
   * this `ltv`; `repayableShares`: the most that can be repaid. Parameters that the constructor refuses revert with its error.
   */
  readonly preLiquidate: typeof preLiquidate;
}

export const morpho: Morpho = {
  name: "morpho", module, kind: { Book }, rule: 5, vault, market, system: {}, price: "price", liquidation, reasons, orders: ["profit"],
  accrue, wExp, wTaylor, isHealthy, liquidationPrice, liquidationIncentiveFactor, liquidate, liquidateAccrued, preLiquidate,
};
