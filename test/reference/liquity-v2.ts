/**
 * Liquity v2 (BOLD) in BigInt: slow, obvious, and independent of `assembly/`. The second opinion of the property tests.
 *
 * Contracts: liquity/bold@b40fa9b9 (tag deployment), solc 0.8.24 (`TroveManager`, `ActivePool`, `LiquityMath`). One function per
 * contract call, in the contract's order of evaluation; each takes and gives the fields of its golden vectors. The pools are
 * taken to hold what their troves record.
 *
 * Units: amounts, prices, ratios and yearly rates 1e18; weighted debt 1e36; times seconds.
 */
import { Revert } from "./maker.js";
import { type Fields, add, div, mul, sub } from "./solidity.js";

const UINT_MAX = 2n ** 256n - 1n;
const WAD = 10n ** 18n;
const ONE_YEAR = 365n * 24n * 3600n;
const MIN_BOLD_IN_SP = WAD;
const ETH_GAS_COMPENSATION = 375n * 10n ** 14n;
const COLL_GAS_COMPENSATION_DIVISOR = 200n, COLL_GAS_COMPENSATION_CAP = 2n * WAD;

const min = (x: bigint, y: bigint) => (x < y ? x : y);

// ---------------------------------------------------------------------------------------------------------------------
// Troves
// ---------------------------------------------------------------------------------------------------------------------

export type Batch = Fields<"debt" | "totalDebtShares" | "annualInterestRate" | "annualManagementFee" | "lastDebtUpdateTime">;
type Alone = Fields<"debt" | "annualInterestRate" | "lastDebtUpdateTime"> & { readonly batch: null };
type Batched = Fields<"batchDebtShares"> & { readonly batch: Batch };
export type Trove = Fields<"coll" | "stake" | "snapshotColl" | "snapshotBoldDebt"> & (Alone | Batched);
type Terms = Fields<"L_coll" | "L_boldDebt" | "shutdownTime" | "timestamp">;

/** Seconds of interest: until now, or until the branch was shut down. */
function period(since: bigint, { shutdownTime, timestamp }: Fields<"shutdownTime" | "timestamp">): bigint {
  if (shutdownTime === 0n) return sub(timestamp, since);
  return since < shutdownTime ? shutdownTime - since : 0n;
}
const calcInterest = (weightedDebt: bigint, seconds: bigint) => mul(weightedDebt, seconds) / ONE_YEAR / WAD;

/** `_getLatestBatchData`. */
function latestBatch(batch: Batch, terms: Terms) {
  const seconds = period(batch.lastDebtUpdateTime, terms);
  const weightedRecordedDebt = mul(batch.debt, batch.annualInterestRate);
  const accruedInterest = calcInterest(weightedRecordedDebt, seconds);
  const weightedRecordedBatchManagementFee = mul(batch.debt, batch.annualManagementFee);
  const accruedManagementFee = calcInterest(weightedRecordedBatchManagementFee, seconds);
  const entireDebt = add(batch.debt, accruedInterest, accruedManagementFee);
  return { weightedRecordedDebt, accruedInterest, weightedRecordedBatchManagementFee, accruedManagementFee, entireDebt };
}

export type TroveDebt = Fields<
  | "entireDebt" | "entireColl" | "redistBoldDebtGain" | "redistCollGain" | "accruedInterest" | "recordedDebt"
  | "annualInterestRate" | "weightedRecordedDebt" | "accruedBatchManagementFee"
>;

/** `TroveManager.getLatestTroveData`. */
export function troveDebt(input: Trove & Terms): TroveDebt {
  const { stake, coll } = input;
  const redistBoldDebtGain = mul(stake, sub(input.L_boldDebt, input.snapshotBoldDebt)) / WAD;
  const redistCollGain = mul(stake, sub(input.L_coll, input.snapshotColl)) / WAD;
  let recordedDebt = 0n, accruedInterest = 0n, accruedBatchManagementFee = 0n, weightedRecordedDebt = 0n, annualInterestRate: bigint;
  if (input.batch === null) {
    ({ annualInterestRate, debt: recordedDebt } = input);
    weightedRecordedDebt = mul(recordedDebt, annualInterestRate);
    accruedInterest = calcInterest(weightedRecordedDebt, period(input.lastDebtUpdateTime, input));
  } else {
    const { batch, batchDebtShares } = input, latest = latestBatch(batch, input);
    annualInterestRate = batch.annualInterestRate;
    if (batch.totalDebtShares > 0n) {
      const share = (whole: bigint) => mul(whole, batchDebtShares) / batch.totalDebtShares;
      recordedDebt = share(batch.debt);
      weightedRecordedDebt = mul(recordedDebt, annualInterestRate);
      accruedInterest = share(latest.accruedInterest);
      accruedBatchManagementFee = share(latest.accruedManagementFee);
    }
  }
  const entireDebt = add(recordedDebt, redistBoldDebtGain, accruedInterest, accruedBatchManagementFee);
  return {
    entireDebt, entireColl: add(coll, redistCollGain), redistBoldDebtGain, redistCollGain, accruedInterest, recordedDebt,
    annualInterestRate, weightedRecordedDebt, accruedBatchManagementFee,
  };
}

/** `LiquityMath._computeCR`. */
const ratio = (coll: bigint, debt: bigint, price: bigint) => (debt > 0n ? mul(coll, price) / debt : UINT_MAX);

export type IcrInput = Trove & Terms & Fields<"price" | "MCR">;

/** `TroveManager.getCurrentICR`, and whether `batchLiquidateTroves` liquidates. */
export function icr(input: IcrInput): Fields<"entireDebt" | "entireColl" | "ICR"> & { liquidatable: boolean } {
  const { entireDebt, entireColl } = troveDebt(input);
  const ICR = ratio(entireColl, entireDebt, input.price);
  return { entireDebt, entireColl, ICR, liquidatable: ICR < input.MCR };
}

// ---------------------------------------------------------------------------------------------------------------------
// A borrower's own calls
// ---------------------------------------------------------------------------------------------------------------------

export type Change = { readonly collIncrease?: bigint; readonly collDecrease?: bigint; readonly debtIncrease?: bigint; readonly debtDecrease?: bigint };
const MIN_DEBT = 2000n * WAD, BCR = WAD / 10n;

/** `BorrowerOperations._adjustTrove` but for the TCR; `debtIncrease` is with the upfront fee. */
export function adjustTrove(input: IcrInput, { collIncrease = 0n, collDecrease = 0n, debtIncrease = 0n, debtDecrease = 0n }: Change): Fields<"coll" | "debt"> {
  if (input.shutdownTime) throw new Revert("IsShutDown()");
  const { entireColl, entireDebt } = troveDebt(input);
  const coll = sub(add(entireColl, collIncrease), collDecrease), debt = sub(add(entireDebt, debtIncrease), debtDecrease);
  if (debt < MIN_DEBT) throw new Revert("DebtBelowMin()");
  if (ratio(coll, debt, input.price) < (input.batch ? add(input.MCR, BCR) : input.MCR)) throw new Revert("ICRBelowMCR()");
  return { coll, debt };
}

// ---------------------------------------------------------------------------------------------------------------------
// The branch
// ---------------------------------------------------------------------------------------------------------------------

export type BranchTCRInput = Fields<
  | "collBalance" | "defaultPoolCollBalance" | "aggRecordedDebt" | "aggWeightedDebtSum" | "lastAggUpdateTime"
  | "aggBatchManagementFees" | "aggWeightedBatchManagementFeeSum" | "lastAggBatchManagementFeesUpdateTime"
  | "defaultPoolBoldDebt" | "shutdownTime" | "timestamp" | "price" | "CCR" | "SCR"
>;

/** `_getTCR` from the pools' trackers, whose interest and fees are rounded up. */
export function branchTCR(input: BranchTCRInput): Fields<
  "pendingAggInterest" | "pendingAggBatchManagementFee" | "entireBranchDebt" | "entireBranchColl" | "TCR"
> & { belowCCR: boolean; redeemable: boolean } {
  const { shutdownTime, timestamp } = input;
  const yearlyUp = (weighted: bigint, seconds: bigint) => (mul(weighted, seconds) + ONE_YEAR * WAD - 1n) / (ONE_YEAR * WAD);
  const since = input.lastAggBatchManagementFeesUpdateTime, until = shutdownTime === 0n ? timestamp : shutdownTime;
  const pendingAggInterest = shutdownTime === 0n ? yearlyUp(input.aggWeightedDebtSum, sub(timestamp, input.lastAggUpdateTime)) : 0n;
  const pendingAggBatchManagementFee = yearlyUp(input.aggWeightedBatchManagementFeeSum, since < until ? until - since : 0n);
  const entireBranchColl = add(input.collBalance, input.defaultPoolCollBalance);
  const active = add(input.aggRecordedDebt, pendingAggInterest, input.aggBatchManagementFees, pendingAggBatchManagementFee);
  const entireBranchDebt = add(active, input.defaultPoolBoldDebt);
  const TCR = ratio(entireBranchColl, entireBranchDebt, input.price);
  return {
    pendingAggInterest, pendingAggBatchManagementFee, entireBranchDebt, entireBranchColl, TCR,
    belowCCR: TCR < input.CCR, redeemable: TCR >= input.SCR && shutdownTime === 0n,
  };
}

// ---------------------------------------------------------------------------------------------------------------------
// Liquidation
// ---------------------------------------------------------------------------------------------------------------------

export type LiquidationAmountsInput = Fields<
  "entireTroveDebt" | "entireTroveColl" | "boldInSPForOffsets" | "price" | "LIQUIDATION_PENALTY_SP" | "LIQUIDATION_PENALTY_REDISTRIBUTION"
>;

/** `_getOffsetAndRedistributionVals`. */
export function liquidationAmounts(input: LiquidationAmountsInput): Fields<
  "debtToOffset" | "collToSendToSP" | "collGasCompensation" | "debtToRedistribute" | "collToRedistribute" | "collSurplus"
> {
  const { entireTroveDebt: debt, entireTroveColl: coll, boldInSPForOffsets, price } = input;
  const seize = (available: bigint, against: bigint, penalty: bigint): [seized: bigint, surplus: bigint] => {
    const most = div(mul(against, add(WAD, penalty)), price);
    return available > most ? [most, available - most] : [available, 0n];
  };
  let debtToOffset = 0n, collSPPortion = 0n, collGasCompensation = 0n, collToSendToSP = 0n, collSurplus = 0n;
  if (boldInSPForOffsets > 0n) {
    debtToOffset = min(debt, boldInSPForOffsets);
    collSPPortion = div(mul(coll, debtToOffset), debt);
    collGasCompensation = min(collSPPortion / COLL_GAS_COMPENSATION_DIVISOR, COLL_GAS_COMPENSATION_CAP);
    [collToSendToSP, collSurplus] = seize(collSPPortion - collGasCompensation, debtToOffset, input.LIQUIDATION_PENALTY_SP);
  }
  const debtToRedistribute = debt - debtToOffset, rest = coll - collSPPortion;
  let collToRedistribute = 0n;
  if (debtToRedistribute > 0n && rest > 0n) {
    [collToRedistribute, collSurplus] = seize(rest + collSurplus, debtToRedistribute, input.LIQUIDATION_PENALTY_REDISTRIBUTION);
  }
  return { debtToOffset, collToSendToSP, collGasCompensation, debtToRedistribute, collToRedistribute, collSurplus };
}

type Penalties = Fields<"LIQUIDATION_PENALTY_SP" | "LIQUIDATION_PENALTY_REDISTRIBUTION">;
type OfBatch = Batch & Fields<"coll">;
export type BatchLiquidateInput = Terms & Fields<
  "MCR" | "price" | "totalBoldDeposits" | "totalStakes" | "lastCollError_Redistribution" | "lastBoldDebtError_Redistribution"
> & {
  readonly troves: readonly (Trove & Fields<"status"> & ({ readonly batch: null } | (Fields<"batchIndex"> & { readonly batch: OfBatch })))[];
  readonly order: readonly bigint[];
  readonly penalties?: Penalties | null;
};

export type BatchLiquidateOutput = Fields<
  | "debtOffsetBySP" | "debtRedistributed" | "boldGasCompensation" | "collGasCompensation" | "collSentToSP" | "collRedistributed" | "collSurplus"
  | "L_coll" | "L_boldDebt" | "totalStakes" | "lastCollError_Redistribution" | "lastBoldDebtError_Redistribution"
> & { readonly liquidated: readonly boolean[] };

/**
 * `TroveManager.batchLiquidateTroves`. Troves are numbered from 1, and one more always stays. Batches with the same `batchIndex`
 * are one, which each liquidation leaves updated to the next.
 */
export function batchLiquidateTroves(input: BatchLiquidateInput): BatchLiquidateOutput {
  const { MCR, price, troves, totalBoldDeposits } = input;
  if (input.order.length === 0) throw new Revert("EmptyData()");
  /** Those of the branches as they were deployed: 5 %, and what MCR is above 100 %. */
  const penalties = (): Penalties => input.penalties ?? { LIQUIDATION_PENALTY_SP: (5n * WAD) / 100n, LIQUIDATION_PENALTY_REDISTRIBUTION: sub(MCR, WAD) };
  const batches = new Map<bigint, OfBatch>();
  for (const trove of troves) if (trove.batch !== null && !batches.has(trove.batchIndex)) batches.set(trove.batchIndex, trove.batch);
  const liquidated = troves.map(() => false);
  let remaining = totalBoldDeposits - min(MIN_BOLD_IN_SP, totalBoldDeposits), { totalStakes } = input;
  const totals = {
    collGasCompensation: 0n, ETHGasCompensation: 0n, debtDecrease: 0n, collDecrease: 0n, appliedRedistBoldDebtGain: 0n,
    oldWeightedRecordedDebt: 0n, newWeightedRecordedDebt: 0n,
    debtToOffset: 0n, collToSendToSP: 0n, debtToRedistribute: 0n, collToRedistribute: 0n, collSurplus: 0n,
  };

  for (const number of input.order) {
    const i = Number(number) - 1, stored = troves[i]!;
    if (liquidated[i] || (stored.status !== 1n && stored.status !== 4n)) continue;
    const batch = stored.batch === null ? null : batches.get(stored.batchIndex)!;
    const trove = { ...input, ...stored, batch } as Trove & Terms;
    if (!icr({ ...trove, MCR, price }).liquidatable) continue;

    const now = troveDebt(trove);
    const amounts = liquidationAmounts({ entireTroveDebt: now.entireDebt, entireTroveColl: now.entireColl, boldInSPForOffsets: remaining, price, ...penalties() });
    totalStakes = sub(totalStakes, stored.stake);
    liquidated[i] = true;
    let oldWeightedRecordedDebt = now.weightedRecordedDebt, newWeightedRecordedDebt = 0n;
    if (stored.batch !== null && batch) {
      const latest = latestBatch(batch, input);
      const debtDecrease = now.entireDebt - now.redistBoldDebtGain;
      batches.set(stored.batchIndex, {
        ...batch,
        totalDebtShares: sub(batch.totalDebtShares, stored.batchDebtShares),
        debt: sub(latest.entireDebt, debtDecrease),
        coll: sub(batch.coll, now.entireColl - now.redistCollGain),
        lastDebtUpdateTime: BigInt.asUintN(64, input.timestamp),
      });
      oldWeightedRecordedDebt = add(latest.weightedRecordedDebt, mul(debtDecrease, batch.annualInterestRate));
      newWeightedRecordedDebt = mul(latest.entireDebt, batch.annualInterestRate);
      add(latest.weightedRecordedBatchManagementFee, mul(debtDecrease, batch.annualManagementFee));
      mul(latest.entireDebt, batch.annualManagementFee);
    }
    remaining -= amounts.debtToOffset;
    const values = {
      ...amounts, ETHGasCompensation: ETH_GAS_COMPENSATION, debtDecrease: now.entireDebt, collDecrease: now.entireColl,
      appliedRedistBoldDebtGain: now.redistBoldDebtGain, oldWeightedRecordedDebt, newWeightedRecordedDebt,
    };
    for (const name of Object.keys(totals) as (keyof typeof totals)[]) totals[name] = add(totals[name], values[name]);
  }
  if (totals.debtDecrease === 0n) throw new Revert("NothingToLiquidate()");

  let { L_coll, L_boldDebt, lastCollError_Redistribution, lastBoldDebtError_Redistribution } = input;
  if (totals.debtToRedistribute > 0n) {
    const coll = add(mul(totals.collToRedistribute, WAD), lastCollError_Redistribution);
    const debt = add(mul(totals.debtToRedistribute, WAD), lastBoldDebtError_Redistribution);
    const perColl = div(coll, totalStakes), perDebt = div(debt, totalStakes);
    lastCollError_Redistribution = coll - perColl * totalStakes;
    lastBoldDebtError_Redistribution = debt - perDebt * totalStakes;
    L_coll = add(L_coll, perColl);
    L_boldDebt = add(L_boldDebt, perDebt);
  }
  return {
    liquidated, debtOffsetBySP: totals.debtToOffset, debtRedistributed: totals.debtToRedistribute, boldGasCompensation: totals.ETHGasCompensation,
    collGasCompensation: totals.collGasCompensation, collSentToSP: totals.collToSendToSP, collRedistributed: totals.collToRedistribute,
    collSurplus: totals.collSurplus, L_coll, L_boldDebt, totalStakes, lastCollError_Redistribution, lastBoldDebtError_Redistribution,
  };
}
