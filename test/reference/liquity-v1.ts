/**
 * Liquity v1 (LUSD) in BigInt: slow, obvious, and independent of `assembly/`. The second opinion of the property tests.
 *
 * Contracts: liquity/dev@87345ccd, as deployed, solc 0.6.11 (`LiquityMath`, `LiquityBase`, `TroveManager`). One function per
 * contract call, in the contract's order of evaluation; each takes and gives the fields of its golden vectors. The pools are
 * taken to hold what their troves record.
 *
 * Units: amounts, prices and ratios 1e18; nominal ratios 1e20.
 */
import { Revert, type Reverts, outcome } from "./maker.js";

const UINT_MAX = 2n ** 256n - 1n;
const WAD = 10n ** 18n;
const MCR = (11n * WAD) / 10n, CCR = (15n * WAD) / 10n;
const PERCENT_DIVISOR = 200n;
const LUSD_GAS_COMPENSATION = 200n * WAD;

type Fields<Name extends string> = Readonly<Record<Name, bigint>>;

function requires(condition: boolean, reason: string): void {
  if (!condition) throw new Revert(reason);
}

// ---------------------------------------------------------------------------------------------------------------------
// SafeMath
// ---------------------------------------------------------------------------------------------------------------------

function add(x: bigint, y: bigint): bigint {
  requires(x + y <= UINT_MAX, "SafeMath: addition overflow");
  return x + y;
}
function sub(x: bigint, y: bigint): bigint {
  requires(x >= y, "SafeMath: subtraction overflow");
  return x - y;
}
function mul(x: bigint, y: bigint): bigint {
  requires(x * y <= UINT_MAX, "SafeMath: multiplication overflow");
  return x * y;
}
function div(x: bigint, y: bigint): bigint {
  requires(y !== 0n, "SafeMath: division by zero");
  return x / y;
}
const min = (x: bigint, y: bigint) => (x < y ? x : y);

// ---------------------------------------------------------------------------------------------------------------------
// LiquityMath
// ---------------------------------------------------------------------------------------------------------------------

const decMul = (x: bigint, y: bigint) => div(add(mul(x, y), WAD / 2n), WAD);

/** `_decPow`. At `minutes` = 1 it multiplies by 1e18, which can overflow. */
export function decPow({ base, minutes }: Fields<"base" | "minutes">): { result: bigint } {
  let n = min(minutes, 525600000n);
  if (n === 0n) return { result: WAD };
  let x = base, y = WAD;
  while (n > 1n) {
    if (n % 2n === 1n) y = decMul(x, y);
    x = decMul(x, x);
    n /= 2n;
  }
  return { result: decMul(x, y) };
}

/** `_computeCR`, and with 1e20 for the price `_computeNominalCR`. */
const ratio = (coll: bigint, debt: bigint, price: bigint) => (debt > 0n ? div(mul(coll, price), debt) : UINT_MAX);
const nominal = (coll: bigint, debt: bigint) => ratio(coll, debt, 10n ** 20n);

type Nominal<Name extends string> = Fields<Name> | { readonly [K in `${Name}reverts`]: true };

/** Both ratios; each may revert by itself. Never throws. */
export function computeCR({ coll, debt, price }: Fields<"coll" | "debt" | "price">): (Fields<"CR"> | Reverts) & Nominal<"NCR"> {
  const NCR = outcome(() => ({ NCR: nominal(coll, debt) }));
  return { ...outcome(() => ({ CR: ratio(coll, debt, price) })), ...("reverts" in NCR ? { NCRreverts: true } : NCR) };
}

// ---------------------------------------------------------------------------------------------------------------------
// Troves
// ---------------------------------------------------------------------------------------------------------------------

type Stored = Fields<"debt" | "coll" | "stake" | "snapshotETH" | "snapshotLUSDDebt">;
type Terms = Fields<"L_ETH" | "L_LUSDDebt">;
type Entire = Fields<"debt" | "coll" | "pendingETHReward" | "pendingLUSDDebtReward">;

/** A trove with its share of what was redistributed; only an active one has a share. */
function entire(trove: Stored, { L_ETH, L_LUSDDebt }: Terms, active: boolean): Entire {
  const pending = (L: bigint, snapshot: bigint) => {
    const perUnitStaked = sub(L, snapshot);
    return perUnitStaked === 0n || !active ? 0n : div(mul(trove.stake, perUnitStaked), WAD);
  };
  const pendingETHReward = pending(L_ETH, trove.snapshotETH), pendingLUSDDebtReward = pending(L_LUSDDebt, trove.snapshotLUSDDebt);
  return { coll: add(trove.coll, pendingETHReward), debt: add(trove.debt, pendingLUSDDebtReward), pendingETHReward, pendingLUSDDebtReward };
}

export type IcrInput = Stored & Terms & Fields<"status" | "price">;

/** `TroveManager.getCurrentICR`, `getNominalICR`, `getEntireDebtAndColl`. Only the nominal ratio may revert alone. */
export function icr(input: IcrInput): Entire & Fields<"ICR"> & Nominal<"NICR"> & { belowMCR: boolean } {
  const now = entire(input, input, input.status === 1n);
  const ICR = ratio(now.coll, now.debt, input.price);
  const NICR = outcome(() => ({ NICR: nominal(now.coll, now.debt) }));
  return { ...now, ICR, ...("reverts" in NICR ? { NICRreverts: true } : NICR), belowMCR: ICR < MCR };
}

export type TcrInput = Fields<"activePoolETH" | "defaultPoolETH" | "activePoolLUSDDebt" | "defaultPoolLUSDDebt" | "price">;

/** `TroveManager.getTCR`, `checkRecoveryMode`. */
export function tcr(pools: TcrInput): { TCR: bigint; recoveryMode: boolean } {
  const TCR = ratio(add(pools.activePoolETH, pools.defaultPoolETH), add(pools.activePoolLUSDDebt, pools.defaultPoolLUSDDebt), pools.price);
  return { TCR, recoveryMode: TCR < CCR };
}

// ---------------------------------------------------------------------------------------------------------------------
// A borrower's own calls
// ---------------------------------------------------------------------------------------------------------------------

export type Change = { readonly collIncrease?: bigint; readonly collDecrease?: bigint; readonly debtIncrease?: bigint; readonly debtDecrease?: bigint };
export type AdjustInput = TcrInput & Fields<"coll" | "debt">;

/** `BorrowerOperations._adjustTrove` of a trove with its rewards applied; `debtIncrease` is with the fee. Pools without debt are not known, and stay out of it. */
export function adjustTrove(input: AdjustInput, change: Change): Fields<"coll" | "debt"> & Omit<TcrInput, "price"> {
  const { coll, debt, price } = input, { recoveryMode } = tcr(input), { collIncrease = 0n, collDecrease = 0n, debtIncrease = 0n, debtDecrease = 0n } = change;
  const oldICR = ratio(coll, debt, price), newColl = sub(add(coll, collIncrease), collDecrease), newDebt = sub(add(debt, debtIncrease), debtDecrease);
  const newICR = ratio(newColl, newDebt, price), totalDebt = add(input.activePoolLUSDDebt, input.defaultPoolLUSDDebt);
  const { activePoolETH, defaultPoolETH, activePoolLUSDDebt, defaultPoolLUSDDebt } = input;
  const pools = !totalDebt ? { activePoolETH, defaultPoolETH, activePoolLUSDDebt, defaultPoolLUSDDebt } : {
    activePoolETH: sub(add(add(activePoolETH, defaultPoolETH), collIncrease), collDecrease), defaultPoolETH: 0n,
    activePoolLUSDDebt: sub(add(totalDebt, debtIncrease), debtDecrease), defaultPoolLUSDDebt: 0n,
  };
  if (recoveryMode) {
    requires(collDecrease === 0n, "BorrowerOps: Collateral withdrawal not permitted Recovery Mode");
    if (change.debtIncrease !== undefined) { // an increase of nothing is asked for the same
      requires(newICR >= CCR, "BorrowerOps: Operation must leave trove with ICR >= CCR");
      requires(newICR >= oldICR, "BorrowerOps: Cannot decrease your Trove's ICR in Recovery Mode");
    }
  } else {
    requires(newICR >= MCR, "BorrowerOps: An operation that would result in ICR < MCR is not permitted");
    requires(!tcr({ ...pools, price }).recoveryMode, "BorrowerOps: An operation that would result in TCR < CCR is not permitted");
  }
  if (debtDecrease) requires(sub(sub(debt, LUSD_GAS_COMPENSATION), debtDecrease) >= 1800n * WAD, "BorrowerOps: Trove's net debt must be greater than minimum");
  return { coll: newColl, debt: newDebt, ...pools };
}

// ---------------------------------------------------------------------------------------------------------------------
// Liquidation
// ---------------------------------------------------------------------------------------------------------------------

type Offset = Fields<"debtToOffset" | "collToSendToSP" | "debtToRedistribute" | "collToRedistribute">;
type Capped = Offset & Fields<"collGasCompensation" | "LUSDGasCompensation" | "collSurplus">;

/** `_getOffsetAndRedistributionVals`; `coll` without the gas compensation. */
function offset(debt: bigint, coll: bigint, LUSDInStabPool: bigint): Offset {
  if (LUSDInStabPool === 0n) return { debtToOffset: 0n, collToSendToSP: 0n, debtToRedistribute: debt, collToRedistribute: coll };
  const debtToOffset = min(debt, LUSDInStabPool);
  const collToSendToSP = div(mul(coll, debtToOffset), debt);
  return { debtToOffset, collToSendToSP, debtToRedistribute: sub(debt, debtToOffset), collToRedistribute: sub(coll, collToSendToSP) };
}

/** `_getCappedOffsetVals`: the pool takes all debt, and collateral for MCR of it. */
function capped(debt: bigint, coll: bigint, price: bigint): Capped {
  const portion = div(mul(debt, MCR), price);
  const collGasCompensation = portion / PERCENT_DIVISOR;
  return {
    collGasCompensation, LUSDGasCompensation: LUSD_GAS_COMPENSATION, debtToOffset: debt, collToSendToSP: sub(portion, collGasCompensation),
    debtToRedistribute: 0n, collToRedistribute: 0n, collSurplus: sub(coll, portion),
  };
}

export type LiquidationAmountsInput = Fields<"debt" | "coll"> & (
  | { readonly function: "_getOffsetAndRedistributionVals"; readonly LUSDInStabPool: bigint }
  | { readonly function: "_getCappedOffsetVals"; readonly price: bigint }
);

export function liquidationAmounts(input: LiquidationAmountsInput): Offset | Capped {
  return input.function === "_getCappedOffsetVals" ? capped(input.debt, input.coll, input.price) : offset(input.debt, input.coll, input.LUSDInStabPool);
}

export type LiquidateInput = TcrInput & Terms & Fields<
  "LUSDInStabPool" | "totalStakes" | "lastETHError_Redistribution" | "lastLUSDDebtError_Redistribution"
> & { readonly troves: readonly Stored[]; readonly sortedTroves: readonly bigint[] } & (
  | { readonly function: "liquidateTroves"; readonly n: bigint }
  | { readonly function: "batchLiquidateTroves"; readonly troveArray: readonly bigint[] }
);

export type LiquidateOutput = Terms & Fields<
  | "TCR" | "totalDebtToOffset" | "totalCollToSendToSP" | "totalDebtToRedistribute" | "totalCollToRedistribute"
  | "liquidatedDebt" | "liquidatedColl" | "collGasCompensation" | "LUSDGasCompensation"
  | "totalStakes" | "lastETHError_Redistribution" | "lastLUSDDebtError_Redistribution"
> & { readonly recoveryModeAtStart: boolean; readonly liquidated: readonly boolean[]; readonly collSurplus: readonly bigint[] };

/**
 * `TroveManager.liquidateTroves` and `batchLiquidateTroves`. `troves` are all of the system, all active, and are numbered from 1.
 * The state of the system before it is there also where it reverts, unless that reverts too. Never throws.
 */
export function liquidate(input: LiquidateInput): LiquidateOutput | (Reverts & { readonly TCR?: bigint; readonly recoveryModeAtStart?: boolean }) {
  const before = outcome(() => tcr(input));
  const done = outcome(() => {
    requires(input.function === "liquidateTroves" || input.troveArray.length > 0, "TroveManager: Calldata address array must not be empty");
    return liquidateFrom(input, tcr(input).recoveryMode);
  });
  return "reverts" in before ? (done as Reverts) : { TCR: before.TCR, recoveryModeAtStart: before.recoveryMode, ...done };
}

function liquidateFrom(input: LiquidateInput, recovery: boolean): Omit<LiquidateOutput, "TCR" | "recoveryModeAtStart"> {
  const { price, troves } = input;
  const liquidated = troves.map(() => false), collSurplus = troves.map(() => 0n);
  let { totalStakes, LUSDInStabPool: remaining } = input;
  let systemColl = add(input.activePoolETH, input.defaultPoolETH), systemDebt = add(input.activePoolLUSDDebt, input.defaultPoolLUSDDebt);
  const totals = {
    collGasCompensation: 0n, LUSDGasCompensation: 0n, debt: 0n, coll: 0n,
    debtToOffset: 0n, collToSendToSP: 0n, debtToRedistribute: 0n, collToRedistribute: 0n, collSurplus: 0n,
  };
  const live = () => liquidated.filter((gone) => !gone).length;
  const trove = (number: bigint) => {
    const i = Number(number) - 1;
    if (!liquidated[i]) return entire(troves[i]!, input, true);
    return { debt: 0n, coll: 0n }; // closed
  };

  /** Closes a trove; answers the values that are added to the totals. */
  function close(number: bigint, now: Fields<"debt" | "coll">, how: "redistribute" | "offset" | "capped"): typeof totals {
    const { debt, coll } = now, i = Number(number) - 1;
    const gas = coll / PERCENT_DIVISOR, toLiquidate = sub(coll, gas);
    totalStakes = sub(totalStakes, troves[i]!.stake);
    const plain = { collGasCompensation: gas, LUSDGasCompensation: LUSD_GAS_COMPENSATION, collSurplus: 0n };
    const values = how === "capped" ? capped(debt, coll, price) : { ...plain, ...offset(debt, toLiquidate, how === "offset" ? remaining : 0n) };
    requires(live() > 1, "TroveManager: Only one trove in the system");
    liquidated[i] = true;
    collSurplus[i] = values.collSurplus;
    return { ...values, debt, coll };
  }

  function tally(values: typeof totals): void {
    for (const name of Object.keys(totals) as (keyof typeof totals)[]) totals[name] = add(totals[name], values[name]);
  }

  const list = input.function === "liquidateTroves";
  const order = list ? [...input.sortedTroves].reverse() : input.troveArray;
  let normal = !recovery;
  for (const [i, number] of order.entries()) {
    if (list && BigInt(i) >= input.n) break;
    if (list && recovery && number === input.sortedTroves[0]) break; // the head of the list stays
    if (!list && recovery && liquidated[Number(number) - 1]) continue;
    const now = trove(number);
    const ICR = ratio(now.coll, now.debt, price);
    if (!normal) {
      if (ICR >= MCR && remaining === 0n) {
        if (list) break;
        continue;
      }
      const TCR = ratio(systemColl, systemDebt, price);
      let values: typeof totals | undefined;
      if (live() > 1) {
        if (ICR <= WAD) values = close(number, now, "redistribute");
        else if (ICR < MCR) values = close(number, now, "offset");
        else if (ICR < TCR && now.debt <= remaining) values = close(number, now, "capped");
      }
      if (values) {
        remaining = sub(remaining, values.debtToOffset);
        systemDebt = sub(systemDebt, values.debtToOffset);
        systemColl = sub(systemColl, values.collToSendToSP);
        if (list) systemColl = sub(systemColl, values.collSurplus); // as deployed: a batch forgets the surplus
        tally(values);
      }
      normal = ratio(systemColl, systemDebt, price) >= CCR;
    } else if (ICR < MCR) {
      const values = close(number, now, "offset");
      remaining = sub(remaining, values.debtToOffset);
      tally(values);
    } else if (list) {
      break;
    }
  }
  requires(totals.debt > 0n, "TroveManager: nothing to liquidate");

  let { L_ETH, L_LUSDDebt, lastETHError_Redistribution, lastLUSDDebtError_Redistribution } = input;
  if (totals.debtToRedistribute > 0n) {
    const ETH = add(mul(totals.collToRedistribute, WAD), lastETHError_Redistribution);
    const LUSD = add(mul(totals.debtToRedistribute, WAD), lastLUSDDebtError_Redistribution);
    const perETH = div(ETH, totalStakes), perLUSD = div(LUSD, totalStakes);
    lastETHError_Redistribution = sub(ETH, mul(perETH, totalStakes));
    lastLUSDDebtError_Redistribution = sub(LUSD, mul(perLUSD, totalStakes));
    L_ETH = add(L_ETH, perETH);
    L_LUSDDebt = add(L_LUSDDebt, perLUSD);
  }
  return {
    liquidated, collSurplus,
    totalDebtToOffset: totals.debtToOffset, totalCollToSendToSP: totals.collToSendToSP,
    totalDebtToRedistribute: totals.debtToRedistribute, totalCollToRedistribute: totals.collToRedistribute,
    liquidatedDebt: totals.debt, liquidatedColl: sub(sub(totals.coll, totals.collGasCompensation), totals.collSurplus),
    collGasCompensation: totals.collGasCompensation, LUSDGasCompensation: totals.LUSDGasCompensation,
    L_ETH, L_LUSDDebt, totalStakes, lastETHError_Redistribution, lastLUSDDebtError_Redistribution,
  };
}
