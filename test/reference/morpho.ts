/**
 * Morpho Blue in BigInt: slow, obvious, and independent of `assembly/`. The second opinion of the property tests.
 *
 * Contracts: morpho-org/morpho-blue@3085651a (`Morpho`), morpho-org/morpho-blue-irm@a1a87fd5 (`AdaptiveCurveIrm`), both solc
 * 0.8.19, and morpho-org/pre-liquidation@9e8b7f4 (`PreLiquidation`). One function per contract call, in the contract's order of
 * evaluation; each takes and gives the fields of its golden vectors.
 *
 * Units: WAD = 1e18; prices 1e36 times loan units per collateral unit; rates WAD a second; times seconds.
 */
import { type Fields, add, div, int, mul, outcome, requires, sub, uint } from "./solidity.js";

const WAD = 10n ** 18n;
const ORACLE_SCALE = 10n ** 36n;
const VIRTUAL_SHARES = 10n ** 6n;
const VIRTUAL_ASSETS = 1n;

/** `toUint128`. */
function to128(z: bigint): bigint {
  requires(z < 2n ** 128n, "max uint128 exceeded");
  return z;
}

// ---------------------------------------------------------------------------------------------------------------------
// Rounding
// ---------------------------------------------------------------------------------------------------------------------

const mulDivDown = (x: bigint, y: bigint, d: bigint) => div(mul(x, y), d);
/** (x·y + (d − 1)) / d: the sum can overflow where the product does not. */
const mulDivUp = (x: bigint, y: bigint, d: bigint) => div(add(mul(x, y), sub(d, 1n)), d);
const wMulDown = (x: bigint, y: bigint) => mulDivDown(x, y, WAD);

const toAssetsDown = (shares: bigint, assets: bigint, total: bigint) => mulDivDown(shares, add(assets, VIRTUAL_ASSETS), add(total, VIRTUAL_SHARES));
const toAssetsUp = (shares: bigint, assets: bigint, total: bigint) => mulDivUp(shares, add(assets, VIRTUAL_ASSETS), add(total, VIRTUAL_SHARES));
const toSharesDown = (amount: bigint, assets: bigint, total: bigint) => mulDivDown(amount, add(total, VIRTUAL_SHARES), add(assets, VIRTUAL_ASSETS));
const toSharesUp = (amount: bigint, assets: bigint, total: bigint) => mulDivUp(amount, add(total, VIRTUAL_SHARES), add(assets, VIRTUAL_ASSETS));

// ---------------------------------------------------------------------------------------------------------------------
// The rate
// ---------------------------------------------------------------------------------------------------------------------

/** `MathLib.wTaylorCompounded`: e^(x·n) − 1 to the third term. */
export function wTaylor({ x, n }: Fields<"x" | "n">): { result: bigint } {
  const first = mul(x, n);
  const second = mulDivDown(first, first, 2n * WAD);
  const third = mulDivDown(second, first, 3n * WAD);
  return { result: add(first, second, third) };
}

const LN_2 = 693147180559945309n;
const LN_WEI = -41446531673892822312n;
const UPPER_BOUND = 93859467695000404319n;
const UPPER_VALUE = 57716089161558943949701069502944508345128422502756744429568n;

/** `ExpLib.wExp`: 2^q · (1 + r + r²/2) with x = q·ln 2 + r. */
export function wExp({ x }: Fields<"x">): { result: bigint } {
  if (x < LN_WEI) return { result: 0n };
  if (x >= UPPER_BOUND) return { result: UPPER_VALUE };
  const half = x < 0n ? -(LN_2 / 2n) : LN_2 / 2n;
  const q = (x + half) / LN_2;
  const r = x - q * LN_2;
  const e = WAD + r + (r * r) / WAD / 2n;
  return { result: q >= 0n ? e << q : e >> -q };
}

const TARGET_UTILIZATION = (9n * WAD) / 10n;
const CURVE_STEEPNESS = 4n * WAD;
const ADJUSTMENT_SPEED = 1585489599188n;
const INITIAL_RATE = 1268391679n, MIN_RATE = 31709791n, MAX_RATE = 63419583967n;

/** int256, toward zero. */
const wMulToZero = (x: bigint, y: bigint) => int(x * y) / WAD;

/** `AdaptiveCurveIrm.borrowRate`: the average rate since `lastUpdate`, and the rate at target now. */
function borrowRate(market: Fields<"totalSupplyAssets" | "totalBorrowAssets" | "rateAtTarget">, elapsed: bigint): { rate: bigint; rateAtTarget: bigint } {
  const { totalSupplyAssets, totalBorrowAssets, rateAtTarget: start } = market;
  const utilization = totalSupplyAssets > 0n ? mulDivDown(totalBorrowAssets, WAD, totalSupplyAssets) : 0n;
  const norm = utilization > TARGET_UTILIZATION ? WAD - TARGET_UTILIZATION : TARGET_UTILIZATION;
  const err = int(int(utilization - TARGET_UTILIZATION) * WAD) / norm;

  const newRate = (linear: bigint) => {
    const rate = wMulToZero(start, wExp({ x: linear }).result);
    return rate < MIN_RATE ? MIN_RATE : rate > MAX_RATE ? MAX_RATE : rate;
  };

  let average: bigint, end: bigint;
  if (start === 0n) {
    average = end = INITIAL_RATE;
  } else {
    const linear = int(wMulToZero(ADJUSTMENT_SPEED, err) * BigInt.asIntN(256, elapsed));
    if (linear === 0n) {
      average = end = start;
    } else {
      end = newRate(linear);
      const mid = newRate(linear / 2n);
      average = int(int(start + end) + 2n * mid) / 4n;
    }
  }

  const coefficient = err < 0n ? WAD - (WAD * WAD) / CURVE_STEEPNESS : CURVE_STEEPNESS - WAD;
  const rate = wMulToZero(int(wMulToZero(coefficient, err) + WAD), average);
  return { rate: BigInt.asUintN(256, rate), rateAtTarget: end };
}

type Accruing = Fields<"totalSupplyAssets" | "totalSupplyShares" | "totalBorrowAssets" | "fee" | "lastUpdate" | "timestamp" | "rateAtTarget">;
type Accrued = Fields<"totalSupplyAssets" | "totalSupplyShares" | "totalBorrowAssets" | "lastUpdate" | "rateAtTarget">;
type Accrual = Fields<"avgBorrowRate" | "interest" | "feeShares">;

/** `Morpho._accrueInterest`. What its event says is absent where nothing is emitted. */
function accrueInterest(market: Accruing, irm: "adaptiveCurve" | "none"): { after: Accrued; event: Accrual | undefined } {
  const { fee, lastUpdate, timestamp } = market;
  let { totalSupplyAssets, totalSupplyShares, totalBorrowAssets, rateAtTarget } = market;
  requires(lastUpdate !== 0n, "market not created");
  const elapsed = sub(timestamp, lastUpdate);
  let event: Accrual | undefined;
  if (elapsed !== 0n && irm === "adaptiveCurve") {
    const { rate, rateAtTarget: end } = borrowRate(market, elapsed);
    rateAtTarget = end;
    const interest = wMulDown(totalBorrowAssets, wTaylor({ x: rate, n: elapsed }).result);
    totalBorrowAssets = uint(totalBorrowAssets + to128(interest), 128);
    totalSupplyAssets = uint(totalSupplyAssets + interest, 128);
    let feeShares = 0n;
    if (fee !== 0n) {
      const feeAmount = wMulDown(interest, fee);
      feeShares = toSharesDown(feeAmount, sub(totalSupplyAssets, feeAmount), totalSupplyShares);
      totalSupplyShares = uint(totalSupplyShares + to128(feeShares), 128);
    }
    event = { avgBorrowRate: rate, interest, feeShares };
  }
  return { after: { totalSupplyAssets, totalSupplyShares, totalBorrowAssets, lastUpdate: BigInt.asUintN(128, timestamp), rateAtTarget }, event };
}

export type AccrueInput = Accruing & Fields<"totalBorrowShares"> & { readonly irm: "adaptiveCurve" | "none" };

/** `Morpho.accrueInterest`. */
export function accrue(input: AccrueInput): Accrued & Fields<"totalBorrowShares"> & Partial<Accrual> {
  const { after, event } = accrueInterest(input, input.irm);
  return { ...after, totalBorrowShares: input.totalBorrowShares, ...event };
}

// ---------------------------------------------------------------------------------------------------------------------
// Health
// ---------------------------------------------------------------------------------------------------------------------

const maxBorrowOf = (collateral: bigint, price: bigint, lltv: bigint) => wMulDown(mulDivDown(collateral, price, ORACLE_SCALE), lltv);

export type IsHealthyInput = Fields<"collateral" | "borrowShares" | "totalBorrowAssets" | "totalBorrowShares" | "price" | "lltv">;

/** `Morpho._isHealthy`. Without borrow shares it asks no oracle: `maxBorrow` is absent where it would overflow. */
export function isHealthy(input: IsHealthyInput): { healthy: boolean; borrowed: bigint; maxBorrow?: bigint } {
  const { collateral, borrowShares, totalBorrowAssets, totalBorrowShares, price, lltv } = input;
  const borrowed = toAssetsUp(borrowShares, totalBorrowAssets, totalBorrowShares);
  if (borrowShares === 0n) {
    const maxBorrow = outcome(() => maxBorrowOf(collateral, price, lltv));
    return { healthy: true, borrowed, ...(typeof maxBorrow === "bigint" && { maxBorrow }) };
  }
  const maxBorrow = maxBorrowOf(collateral, price, lltv);
  return { healthy: maxBorrow >= borrowed, borrowed, maxBorrow };
}

/**
 * The smallest price at which the position is healthy, and so at every one above, products being unbounded.
 *
 * - `"reverts"`: what is borrowed does not fit 256 bits.
 * - `"never"`: no price endangers a position that borrows nothing.
 * - `"always"`: no price helps one without collateral, or in a market whose `lltv` is 0.
 */
export function liquidationPrice(input: Omit<IsHealthyInput, "price">): bigint | "never" | "always" | "reverts" {
  const { collateral, borrowShares, totalBorrowAssets, totalBorrowShares, lltv } = input;
  const product = borrowShares * (totalBorrowAssets + VIRTUAL_ASSETS), total = totalBorrowShares + VIRTUAL_SHARES;
  if (product + total - 1n >= 2n ** 256n) return "reverts";
  if (borrowShares === 0n) return "never";
  if (collateral === 0n || lltv === 0n) return "always";
  const divUp = (x: bigint, y: bigint) => (x + y - 1n) / y;
  const borrowed = divUp(product, total);
  const quoted = divUp(borrowed * WAD, lltv); // ⌊quoted·lltv / 1e18⌋ ≥ borrowed
  return divUp(quoted * ORACLE_SCALE, collateral); // ⌊collateral·price / 1e36⌋ ≥ quoted
}

// ---------------------------------------------------------------------------------------------------------------------
// A position's own calls, by assets, of a market accrued in this second
// ---------------------------------------------------------------------------------------------------------------------

export type ActInput = IsHealthyInput & Fields<"totalSupplyAssets">;
type Acted = Fields<"collateral" | "borrowShares" | "totalBorrowAssets" | "totalBorrowShares">;

function healthyAfter(input: ActInput, after: Partial<Acted>): Partial<Acted> {
  requires(isHealthy({ ...input, ...after }).healthy, "insufficient collateral");
  return after;
}

/** `Morpho.borrow`. */
export function borrow(input: ActInput, assets: bigint): Partial<Acted> {
  const shares = to128(toSharesUp(assets, input.totalBorrowAssets, input.totalBorrowShares));
  const after = healthyAfter(input, {
    borrowShares: uint(input.borrowShares + shares, 128), totalBorrowShares: uint(input.totalBorrowShares + shares, 128),
    totalBorrowAssets: uint(input.totalBorrowAssets + to128(assets), 128),
  });
  requires(after.totalBorrowAssets! <= input.totalSupplyAssets, "insufficient liquidity");
  return after;
}

/** `Morpho.repay`. */
export function repay(input: ActInput, assets: bigint): Partial<Acted> {
  const shares = to128(toSharesDown(assets, input.totalBorrowAssets, input.totalBorrowShares));
  return {
    borrowShares: sub(input.borrowShares, shares), totalBorrowShares: sub(input.totalBorrowShares, shares),
    totalBorrowAssets: assets < input.totalBorrowAssets ? input.totalBorrowAssets - assets : 0n,
  };
}

/** `Morpho.withdrawCollateral`. */
export function withdrawCollateral(input: ActInput, assets: bigint): Partial<Acted> {
  return healthyAfter(input, { collateral: sub(input.collateral, to128(assets)) });
}

/** `Morpho.supplyCollateral`. */
export function supplyCollateral(input: ActInput, assets: bigint): Partial<Acted> {
  return { collateral: uint(input.collateral + to128(assets), 128) };
}

// ---------------------------------------------------------------------------------------------------------------------
// Liquidation
// ---------------------------------------------------------------------------------------------------------------------

const MAX_LIF = (115n * WAD) / 100n, CURSOR = (3n * WAD) / 10n;

export function liquidationIncentiveFactor({ lltv }: Fields<"lltv">): { liquidationIncentiveFactor: bigint } {
  const factor = mulDivDown(WAD, WAD, sub(WAD, wMulDown(CURSOR, sub(WAD, lltv))));
  return { liquidationIncentiveFactor: factor < MAX_LIF ? factor : MAX_LIF };
}

type Amounts = Fields<"seizedAssets" | "repaidShares">;

/** The other of the two amounts, whichever is given. */
function amounts({ seizedAssets, repaidShares }: Amounts, lif: bigint, price: bigint, assets: bigint, total: bigint): Amounts {
  if (seizedAssets > 0n) {
    const quoted = mulDivUp(seizedAssets, price, ORACLE_SCALE);
    return { seizedAssets, repaidShares: toSharesUp(mulDivUp(quoted, WAD, lif), assets, total) };
  }
  return { seizedAssets: mulDivDown(wMulDown(toAssetsDown(repaidShares, assets, total), lif), ORACLE_SCALE, price), repaidShares };
}

export type LiquidateInput = IsHealthyInput & Amounts & Fields<"totalSupplyAssets">;
export type LiquidateOutput = Amounts & Fields<
  | "repaidAssets" | "badDebtAssets" | "badDebtShares"
  | "totalSupplyAssetsAfter" | "totalBorrowAssetsAfter" | "totalBorrowSharesAfter" | "borrowSharesAfter" | "collateralAfter"
>;

const exactlyOneZero = ({ seizedAssets, repaidShares }: Amounts, reason: string) => requires((seizedAssets === 0n) !== (repaidShares === 0n), reason);

/** `Morpho.liquidate` of a market accrued in this second. */
export function liquidate(input: LiquidateInput): LiquidateOutput {
  const { price, lltv } = input;
  let { totalSupplyAssets, totalBorrowAssets, totalBorrowShares, collateral, borrowShares } = input;
  exactlyOneZero(input, "inconsistent input");
  const borrowed = toAssetsUp(borrowShares, totalBorrowAssets, totalBorrowShares);
  requires(maxBorrowOf(collateral, price, lltv) < borrowed, "position is healthy"); // asks the oracle whatever is borrowed
  const { liquidationIncentiveFactor: lif } = liquidationIncentiveFactor({ lltv });
  const { seizedAssets, repaidShares } = amounts(input, lif, price, totalBorrowAssets, totalBorrowShares);
  const repaidAssets = toAssetsUp(repaidShares, totalBorrowAssets, totalBorrowShares);

  borrowShares = sub(borrowShares, to128(repaidShares));
  totalBorrowShares = sub(totalBorrowShares, repaidShares);
  totalBorrowAssets = totalBorrowAssets > repaidAssets ? totalBorrowAssets - repaidAssets : 0n;
  collateral = sub(collateral, to128(seizedAssets));

  let badDebtAssets = 0n, badDebtShares = 0n;
  if (collateral === 0n) {
    badDebtShares = borrowShares;
    const owed = toAssetsUp(badDebtShares, totalBorrowAssets, totalBorrowShares);
    badDebtAssets = owed < totalBorrowAssets ? owed : totalBorrowAssets;
    totalBorrowAssets -= badDebtAssets;
    totalSupplyAssets = sub(totalSupplyAssets, badDebtAssets);
    totalBorrowShares = sub(totalBorrowShares, badDebtShares);
    borrowShares = 0n;
  }
  return {
    seizedAssets, repaidShares, repaidAssets, badDebtAssets, badDebtShares,
    totalSupplyAssetsAfter: totalSupplyAssets, totalBorrowAssetsAfter: totalBorrowAssets, totalBorrowSharesAfter: totalBorrowShares,
    borrowSharesAfter: borrowShares, collateralAfter: collateral,
  };
}

export type LiquidateAccruedInput = LiquidateInput & Accruing;

/** `Morpho.liquidate`, which accrues first. */
export function liquidateAccrued(input: LiquidateAccruedInput): LiquidateOutput & Fields<"totalSupplySharesAfter" | "rateAtTargetAfter"> & Partial<Accrual> {
  requires(input.lastUpdate !== 0n, "market not created");
  exactlyOneZero(input, "inconsistent input");
  const { after, event } = accrueInterest(input, "adaptiveCurve");
  return { ...liquidate({ ...input, ...after }), totalSupplySharesAfter: after.totalSupplyShares, rateAtTargetAfter: after.rateAtTarget, ...event };
}

// ---------------------------------------------------------------------------------------------------------------------
// Pre-liquidation
// ---------------------------------------------------------------------------------------------------------------------

export type PreLiquidateInput = Omit<IsHealthyInput, "price"> & Amounts & Fields<
  "price" | "marketPrice" | "preLltv" | "preLCF1" | "preLCF2" | "preLIF1" | "preLIF2"
>;
export type PreLiquidateOutput = Amounts & Fields<
  | "repaidAssets" | "ltv" | "preLIF" | "preLCF" | "repayableShares"
  | "totalBorrowAssetsAfter" | "totalBorrowSharesAfter" | "borrowSharesAfter" | "collateralAfter"
>;

/**
 * `PreLiquidation.preLiquidate` of a market accrued in this second: `price` is the pre-liquidation oracle's, `marketPrice` the
 * market's. Parameters that the constructor refuses revert as it does.
 */
export function preLiquidate(input: PreLiquidateInput): PreLiquidateOutput {
  const { totalBorrowAssets, totalBorrowShares, collateral, borrowShares, price, marketPrice, lltv } = input;
  const { preLltv, preLCF1, preLCF2, preLIF1, preLIF2 } = input;
  requires(preLltv < lltv, "PreLltvTooHigh()");
  requires(preLCF1 <= preLCF2, "PreLCFDecreasing()");
  requires(preLCF1 <= WAD, "PreLCFTooHigh()");
  requires(WAD <= preLIF1, "PreLIFTooLow()");
  requires(preLIF1 <= preLIF2, "PreLIFDecreasing()");
  requires(preLIF2 <= (WAD * WAD) / lltv, "PreLIFTooHigh()");

  exactlyOneZero(input, "InconsistentInput()");
  const quoted = mulDivDown(collateral, price, ORACLE_SCALE);
  const borrowed = toAssetsUp(borrowShares, totalBorrowAssets, totalBorrowShares);
  requires(borrowed <= wMulDown(quoted, lltv), "LiquidatablePosition()");
  requires(borrowed > wMulDown(quoted, preLltv), "NotPreLiquidatablePosition()");
  const ltv = mulDivUp(borrowed, WAD, quoted);
  const quotient = mulDivDown(sub(ltv, preLltv), WAD, lltv - preLltv);
  const preLIF = add(wMulDown(quotient, preLIF2 - preLIF1), preLIF1);
  const { seizedAssets, repaidShares } = amounts(input, preLIF, price, totalBorrowAssets, totalBorrowShares);
  const preLCF = add(wMulDown(quotient, preLCF2 - preLCF1), preLCF1);
  const repayableShares = wMulDown(borrowShares, preLCF);
  requires(repaidShares <= repayableShares, "PreLiquidationTooLarge(uint256,uint256)");

  // Morpho.repay, and in its callback Morpho.withdrawCollateral
  const repaidAssets = toAssetsUp(repaidShares, totalBorrowAssets, totalBorrowShares);
  const borrowSharesAfter = sub(borrowShares, to128(repaidShares));
  const totalBorrowSharesAfter = sub(totalBorrowShares, repaidShares);
  const totalBorrowAssetsAfter = totalBorrowAssets > repaidAssets ? totalBorrowAssets - repaidAssets : 0n;
  requires(seizedAssets !== 0n, "zero assets");
  const collateralAfter = sub(collateral, to128(seizedAssets));
  const after = { collateral: collateralAfter, borrowShares: borrowSharesAfter, totalBorrowAssets: totalBorrowAssetsAfter, totalBorrowShares: totalBorrowSharesAfter };
  requires(borrowSharesAfter === 0n || isHealthy({ ...after, price: marketPrice, lltv }).healthy, "insufficient collateral");
  return {
    seizedAssets, repaidShares, repaidAssets, ltv, preLIF, preLCF, repayableShares,
    totalBorrowAssetsAfter, totalBorrowSharesAfter, borrowSharesAfter, collateralAfter,
  };
}
