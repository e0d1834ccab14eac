/**
 * Compound III in BigInt: slow, obvious, and independent of `assembly/`. The second opinion of the property tests.
 *
 * Contracts: compound-finance/comet@d5a30b0a, solc 0.8.15 (`CometWithExtendedAssetList`, `AssetList`). One function per contract
 * call, in the contract's order of evaluation; each takes and gives the fields of its golden vectors. Inputs are taken to be within
 * the contract's own types.
 *
 * Indexes 1e15, factors and rates 1e18, prices and values 1e8. A borrower's principal is negative.
 */
import { type Fields, type Reverts, add, div, fitsInt, fitsUint, int, mul, outcome, requires, sub, uint } from "./solidity.js";

const FACTOR_SCALE = 10n ** 18n;
const INDEX_SCALE = 10n ** 15n;

const mulFactor = (n: bigint, factor: bigint) => mul(n, factor) / FACTOR_SCALE;
const mulPrice = (n: bigint, price: bigint, fromScale: bigint) => div(mul(n, price), fromScale);
const divPrice = (n: bigint, price: bigint, toScale: bigint) => div(mul(n, toScale), price);
const signedMulPrice = (n: bigint, price: bigint, fromScale: bigint) => div(int(n * price), fromScale);

function safe64(n: bigint): bigint {
  requires(fitsUint(n, 64), "InvalidUInt64()");
  return n;
}
function safe104(n: bigint): bigint {
  requires(fitsUint(n, 104), "InvalidUInt104()");
  return n;
}
function signed104(n: bigint): bigint {
  requires(fitsInt(n, 104), "InvalidInt104()");
  return n;
}
function signed256(n: bigint): bigint {
  requires(fitsInt(n, 256), "InvalidInt256()");
  return n;
}

function getPrice(answer: bigint): bigint {
  requires(answer > 0n, "BadPrice()");
  return answer;
}

/** An amount of principal, of either side, at its index. */
const presentAmount = (principal: bigint, index: bigint) => mul(principal, index) / INDEX_SCALE;

/** Of a signed principal. A debt is rounded down. */
function presentValue(principal: bigint, { baseSupplyIndex, baseBorrowIndex }: Indexes): bigint {
  if (principal >= 0n) return presentAmount(principal, baseSupplyIndex);
  return -presentAmount(int(-principal, 104), baseBorrowIndex);
}

// ---------------------------------------------------------------------------------------------------------------------
// Health
// ---------------------------------------------------------------------------------------------------------------------

type Indexes = Fields<"baseSupplyIndex" | "baseBorrowIndex">;

export type Asset = Fields<"balance" | "price" | "scale" | "borrowCollateralFactor" | "liquidateCollateralFactor" | "liquidationFactor">;
export type Account = Indexes & Fields<"principal" | "basePrice" | "baseScale"> & { readonly assets: readonly Asset[] };

/** Whether a borrower's liquidity is not negative. Once it is not, no further price is asked for. */
function hasLiquidity(account: Account, factor: "borrowCollateralFactor" | "liquidateCollateralFactor"): boolean {
  let liquidity = signedMulPrice(presentValue(account.principal, account), getPrice(account.basePrice), account.baseScale);
  for (const asset of account.assets) {
    if (liquidity >= 0n) return true;
    const value = mulPrice(asset.balance, getPrice(asset.price), asset.scale);
    liquidity = int(liquidity + signed256(mulFactor(value, asset[factor])));
  }
  return liquidity >= 0n;
}

export function isLiquidatable(account: Account): { liquidatable: boolean } {
  return { liquidatable: account.principal < 0n && !hasLiquidity(account, "liquidateCollateralFactor") };
}

export function isBorrowCollateralized(account: Account): { collateralized: boolean } {
  return { collateralized: account.principal >= 0n || hasLiquidity(account, "borrowCollateralFactor") };
}

// ---------------------------------------------------------------------------------------------------------------------
// Users
// ---------------------------------------------------------------------------------------------------------------------

/** Of a signed present value. A debt is rounded up. */
function principalValue(value: bigint, { baseSupplyIndex, baseBorrowIndex }: Indexes): bigint {
  if (value >= 0n) return signed104(safe104(div(mul(value, INDEX_SCALE), baseSupplyIndex)));
  return -signed104(safe104(div(sub(add(mul(-value, INDEX_SCALE), baseBorrowIndex), 1n), baseBorrowIndex)));
}

/** withdrawBase, without accrual or a least borrow: the new principal. */
export function withdrawBase(account: Account, amount: bigint): { principal: bigint } {
  const balance = int(presentValue(account.principal, account) - signed256(amount)), principal = principalValue(balance, account);
  requires(balance >= 0n || isBorrowCollateralized({ ...account, principal }).collateralized, "NotCollateralized()");
  return { principal };
}

/** supplyBase: the new principal. */
export function supplyBase(account: Account, amount: bigint): { principal: bigint } {
  return { principal: principalValue(int(presentValue(account.principal, account) + signed256(amount)), account) };
}

/** withdrawCollateral of the account's `of`th asset: the new balance. What is empty is no more looked at. */
export function withdrawCollateral(account: Account, of: number, amount: bigint): { balance: bigint } {
  const balance = sub(account.assets[of]!.balance, amount);
  const assets = account.assets.map((asset, i) => (i === of ? { ...asset, balance } : asset)).filter((asset) => asset.balance !== 0n);
  requires(isBorrowCollateralized({ ...account, assets }).collateralized, "NotCollateralized()");
  return { balance };
}

// ---------------------------------------------------------------------------------------------------------------------
// Accrual
// ---------------------------------------------------------------------------------------------------------------------

type Totals = Fields<"totalSupplyBase" | "totalBorrowBase">;
/** `lastAccrualTime` is uint40. */
type Times = Fields<"lastAccrualTime" | "timestamp">;
type Side = "supply" | "borrow";
export type Rates = Fields<`${Side}Kink` | `${Side}PerSecondInterestRate${"SlopeLow" | "SlopeHigh" | "Base"}`>;

/** getSupplyRate, getBorrowRate. */
function rateAt(utilization: bigint, side: Side, rates: Rates): bigint {
  const base = rates[`${side}PerSecondInterestRateBase`];
  const low = rates[`${side}PerSecondInterestRateSlopeLow`];
  const high = rates[`${side}PerSecondInterestRateSlopeHigh`];
  const kink = rates[`${side}Kink`];
  if (utilization <= kink) return safe64(add(base, mulFactor(low, utilization)));
  return safe64(add(add(base, mulFactor(low, kink)), mulFactor(high, utilization - kink)));
}

export type AccrueOutput = Indexes | (Indexes & Fields<"utilization" | "supplyRate" | "borrowRate">);

/** accrueInternal, and the rates that it takes. */
export function accrue(market: Indexes & Totals & Times & Rates): AccrueOutput {
  const { baseSupplyIndex, baseBorrowIndex, totalSupplyBase, totalBorrowBase, lastAccrualTime, timestamp } = market;
  requires(timestamp < 2n ** 40n, "TimestampTooLarge()");
  const elapsed = sub(timestamp, lastAccrualTime);
  if (elapsed === 0n) return { baseSupplyIndex, baseBorrowIndex };

  const supply = presentAmount(totalSupplyBase, baseSupplyIndex);
  const utilization = supply === 0n ? 0n : mul(presentAmount(totalBorrowBase, baseBorrowIndex), FACTOR_SCALE) / supply;
  const supplyRate = rateAt(utilization, "supply", market);
  const borrowRate = rateAt(utilization, "borrow", market);
  const later = (index: bigint, rate: bigint) => uint(index + safe64(mulFactor(index, mul(rate, elapsed))), 64);
  return {
    baseSupplyIndex: later(baseSupplyIndex, supplyRate),
    baseBorrowIndex: later(baseBorrowIndex, borrowRate),
    utilization, supplyRate, borrowRate,
  };
}

// ---------------------------------------------------------------------------------------------------------------------
// Absorption
// ---------------------------------------------------------------------------------------------------------------------

export type AbsorbOutput = Fields<
  "newPrincipal" | "newBalance" | "basePaidOut" | "valueOfBasePaidOut" | "totalSupplyBaseAfter" | "totalBorrowBaseAfter"
>;

/** absorb of one account, without accrual. */
export function absorb(before: Account & Totals): AbsorbOutput {
  requires(isLiquidatable(before).liquidatable, "NotLiquidatable()");
  const { baseScale, principal } = before;
  const oldBalance = presentValue(principal, before);
  const basePrice = getPrice(before.basePrice);
  let value = 0n;
  for (const { balance, price, scale, liquidationFactor } of before.assets) {
    value = add(value, mulFactor(mulPrice(balance, getPrice(price), scale), liquidationFactor));
  }
  const covered = int(oldBalance + signed256(divPrice(value, basePrice, baseScale)));
  const newBalance = covered < 0n ? 0n : covered;
  const newPrincipal = signed104(safe104(div(mul(newBalance, INDEX_SCALE), before.baseSupplyIndex)));

  // The old principal is a debt, the new one is not: the debt is repaid whole, what is left over is supplied.
  const totalSupplyBaseAfter = uint(before.totalSupplyBase + newPrincipal, 104);
  const totalBorrowBaseAfter = uint(before.totalBorrowBase + principal, 104);
  const basePaidOut = newBalance - oldBalance;
  return {
    newPrincipal, newBalance, basePaidOut, valueOfBasePaidOut: mulPrice(basePaidOut, basePrice, baseScale),
    totalSupplyBaseAfter, totalBorrowBaseAfter,
  };
}

export type AbsorbAccruedInput = Account & Totals & Times & { readonly rates: Rates };
export type AbsorbAccruedOutput = { readonly isLiquidatableStored: boolean } & (
  | { readonly absorbs: false; readonly reason: string }
  | ({ readonly absorbs: true } & Fields<"baseSupplyIndexAfter" | "baseBorrowIndexAfter"> & Omit<AbsorbOutput, "newBalance">)
);

/** The view on the stored indexes, then absorb, which accrues first. */
export function absorbAccrued(before: AbsorbAccruedInput): AbsorbAccruedOutput {
  const isLiquidatableStored = isLiquidatable(before).liquidatable;
  const absorbed: (AbsorbOutput & Indexes) | Reverts = outcome(() => {
    const { baseSupplyIndex, baseBorrowIndex } = accrue({ ...before, ...before.rates });
    return { baseSupplyIndex, baseBorrowIndex, ...absorb({ ...before, baseSupplyIndex, baseBorrowIndex }) };
  });
  if ("reverts" in absorbed) return { isLiquidatableStored, absorbs: false, reason: absorbed.reason };
  const { baseSupplyIndex: baseSupplyIndexAfter, baseBorrowIndex: baseBorrowIndexAfter, newBalance: _, ...after } = absorbed;
  return { isLiquidatableStored, absorbs: true, baseSupplyIndexAfter, baseBorrowIndexAfter, ...after };
}

// ---------------------------------------------------------------------------------------------------------------------
// Storefront
// ---------------------------------------------------------------------------------------------------------------------

export type QuoteInput = Fields<
  "baseAmount" | "basePrice" | "assetPrice" | "baseScale" | "assetScale" | "liquidationFactor" | "storeFrontPriceFactor"
>;

export function quoteCollateral(input: QuoteInput): Fields<"collateralAmount"> {
  const assetPrice = getPrice(input.assetPrice);
  const discount = mulFactor(input.storeFrontPriceFactor, sub(FACTOR_SCALE, input.liquidationFactor));
  const discounted = mulFactor(assetPrice, sub(FACTOR_SCALE, discount));
  const basePrice = getPrice(input.basePrice);
  return { collateralAmount: div(div(mul(mul(basePrice, input.baseAmount), input.assetScale), discounted), input.baseScale) };
}
