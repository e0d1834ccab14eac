/**
 * Liquity v2 (BOLD): `TroveManager`, `ActivePool` and `LiquityMath` as in liquity/bold at b40fa9b9 (tag deployment).
 *
 * Units: amounts, prices, ratios and yearly rates 1e18, weighted debt 1e36, times in seconds. Functions take what the contracts
 * take, up to the whole uint256, and answer `{ reverts: true, reason }` where the contract reverts: its error's signature, or the
 * panic. The pools are taken to hold what their troves record: what they would refuse to pay is not reproduced.
 * @module
 */
import { loadModule } from "#module/liquity-v2";
import { Module } from "../abi.js";
import { PlimsollError } from "../errors.js";
import {
  type Complete, type Fields, type Outcome, type Protocol, type Values, bool, checkFields, contractFunction, list, maybe, needFields, or, uint,
  values,
} from "../protocol.js";
import { Book, checkNumbers } from "../vaults.js";

const module = /* @__PURE__ */ new Module(loadModule);

const wad = uint(256, "1e18"), weighted = uint(256, "1e36"), seconds = uint(256, "s"), since = uint(64, "s"), shares = uint(256, "shares");

/** Why the contracts revert, as assembly/rules/liquity2.ts numbers it. */
const reasons = [
  "", "Panic(0x11) arithmetic over/underflow", "Panic(0x12) division by zero", "EmptyData()", "NothingToLiquidate()",
] as const;

const define = <I extends Fields, O extends Fields>(name: string, inputs: I, outputs: O) =>
  contractFunction(module, `liquityV2.${name}`, `liquity2_${name}`, reasons, inputs, outputs);

// ---- The book's columns and figures

const stored = uint(128, "1e18");

/** A trove as recorded: with a debt of its own, or with shares of a batch's, whose number `addBatch` gave. */
const vault = {
  coll: stored, debt: or(stored, 0n), stake: stored, snapshotColl: stored, snapshotBoldDebt: stored,
  annualInterestRate: or(stored, 0n), lastDebtUpdateTime: or(since, 0n), batchDebtShares: or(uint(128, "shares"), 0n), batch: or(uint(32, ""), 0n),
};

/** A market (a branch), in the order of assembly/rules/position.ts. */
const market = {
  price: wad,
  /** What was redistributed for each stake so far, all stakes, and the rests of the last redistribution. */
  L_coll: or(wad, 0n), L_boldDebt: or(wad, 0n), totalStakes: or(wad, 0n), lastCollError_Redistribution: or(wad, 0n), lastBoldDebtError_Redistribution: or(wad, 0n),
  MCR: wad,
  /** What the stability pool holds, of which 1e18 stays, and the penalties. */
  totalBoldDeposits: or(wad, 0n), LIQUIDATION_PENALTY_SP: or(wad, 50000000000000000n), LIQUIDATION_PENALTY_REDISTRIBUTION: or(wad, 100000000000000000n),
  /** When the branch was shut down; 0: it was not. */
  shutdownTime: or(seconds, 0n),
  /** When a query without `at` looks at debts; 0: as recorded, without interest since. `accrue` sets it. */
  timestamp: or(seconds, 0n),
};

// ---- Troves

/** `batches[manager]`, as its last update left it. */
const batch = { debt: wad, totalDebtShares: shares, annualInterestRate: wad, annualManagementFee: wad, lastDebtUpdateTime: since };
const batchWithColl = { ...batch, coll: wad };
const trove = <B extends Fields>(ofBatch: B) => ({
  debt: or(wad, 0n), annualInterestRate: or(wad, 0n), lastDebtUpdateTime: or(since, 0n), coll: wad, stake: wad, batchDebtShares: or(shares, 0n),
  batch: maybe(ofBatch), snapshotColl: wad, snapshotBoldDebt: wad,
});
const terms = { shutdownTime: seconds, timestamp: seconds, L_coll: wad, L_boldDebt: wad };

/** What a trove has by itself, and what it has in a batch. */
const ALONE = ["debt", "annualInterestRate", "lastDebtUpdateTime"] as const, BATCHED = ["batchDebtShares"] as const;

/** A trove as stored: with a debt of its own, or with shares of a batch's. */
export type Trove<B, More = unknown> = {
  readonly coll: bigint; readonly stake: bigint; readonly snapshotColl: bigint; readonly snapshotBoldDebt: bigint;
} & (
  | { readonly batch: null; readonly debt: bigint; readonly annualInterestRate: bigint; readonly lastDebtUpdateTime: bigint }
  | ({ readonly batch: B; readonly batchDebtShares: bigint } & More)
);

const needTrove = (what: string, values: { readonly batch: unknown }, more: readonly string[] = []): void => {
  if (values.batch === null) needFields(what, values, ALONE, "a trove without a batch");
  else needFields(what, values, [...BATCHED, ...more], "a trove in a batch");
};

/** A function of one trove: what it needs must be there. */
function ofTrove<I extends Fields, O extends Fields>(name: string, more: I, outputs: O) {
  const inputs = { ...trove(batch), ...terms, ...more }, call = define(name, inputs, outputs);
  return (values: Trove<Values<typeof batch>> & Values<typeof terms> & Values<I>): Outcome<Complete<O>> => {
    checkFields(`liquityV2.${name}`, inputs, values);
    needTrove(`liquityV2.${name}`, values);
    return call(values as Parameters<typeof call>[0]);
  };
}

const troveDebt = ofTrove("troveDebt", {}, {
  entireDebt: wad, entireColl: wad, redistBoldDebtGain: wad, redistCollGain: wad, accruedInterest: wad, recordedDebt: wad,
  annualInterestRate: wad, weightedRecordedDebt: weighted, accruedBatchManagementFee: wad,
});

const icr = ofTrove("icr", { price: wad, MCR: wad }, { entireDebt: wad, entireColl: wad, ICR: wad, liquidatable: bool });

// ---- The branch

const branchTCR = define(
  "branchTCR",
  {
    shutdownTime: seconds, timestamp: seconds, collBalance: wad, defaultPoolCollBalance: wad, aggRecordedDebt: wad, aggWeightedDebtSum: weighted,
    lastAggUpdateTime: seconds, aggBatchManagementFees: wad, aggWeightedBatchManagementFeeSum: weighted,
    lastAggBatchManagementFeesUpdateTime: seconds, defaultPoolBoldDebt: wad, price: wad, CCR: wad, SCR: wad,
  },
  {
    pendingAggInterest: wad, pendingAggBatchManagementFee: wad, entireBranchDebt: wad, entireBranchColl: wad, TCR: wad, belowCCR: bool,
    redeemable: bool,
  },
);

// ---- Liquidation

const penalties = { LIQUIDATION_PENALTY_SP: wad, LIQUIDATION_PENALTY_REDISTRIBUTION: wad };

const amounts = { debtToOffset: wad, collToSendToSP: wad, debtToRedistribute: wad, collToRedistribute: wad, collGasCompensation: wad, collSurplus: wad };
const liquidationAmounts = define(
  "liquidationAmounts",
  { entireTroveDebt: wad, entireTroveColl: wad, boldInSPForOffsets: wad, price: wad, ...penalties },
  amounts,
);
const liquidation = { ...amounts, ETHGasCompensation: wad };

const redistribution = { totalStakes: wad, lastCollError_Redistribution: wad, lastBoldDebtError_Redistribution: wad };
const liquidateInputs = {
  ...terms, ...redistribution, MCR: wad, price: wad, totalBoldDeposits: wad, penalties: or(maybe(penalties), null),
  troves: list(400, { ...trove(batchWithColl), status: uint(8, ""), batchIndex: or(uint(256, ""), 0n) }), order: values(900, uint(32, "")),
};
const liquidateOf = define("batchLiquidateTroves", liquidateInputs, {
  liquidated: values(400, bool), L_coll: wad, L_boldDebt: wad, ...redistribution, boldGasCompensation: wad,
  debtOffsetBySP: wad, collSentToSP: wad, debtRedistributed: wad, collRedistributed: wad, collGasCompensation: wad, collSurplus: wad,
});

/** A branch before a liquidation, the troves that matter, and in which order the caller lists them, by their numbers from 1. */
export type BatchLiquidation = Omit<Values<typeof liquidateInputs>, "troves"> & {
  readonly troves: readonly (Trove<Values<typeof batchWithColl>, { readonly batchIndex: bigint }> & { readonly status: bigint })[];
};

function batchLiquidateTroves(inputs: BatchLiquidation): ReturnType<typeof liquidateOf> {
  const what = "liquityV2.batchLiquidateTroves", batches = new Map<bigint, Values<typeof batchWithColl>>();
  checkFields(what, liquidateInputs, inputs as Values<typeof liquidateInputs>);
  checkNumbers(`${what}: order`, inputs.order, inputs.troves.length);
  inputs.troves.forEach((one, i) => {
    needTrove(`${what}: troves[${i}]`, one, ["batchIndex"]);
    if (one.batch === null) return;
    const known = batches.get(one.batchIndex) ?? one.batch;
    batches.set(one.batchIndex, known);
    for (const name of Object.keys(batchWithColl) as (keyof typeof known)[]) if (known[name] !== one.batch[name]) {
      throw new PlimsollError(
        "invalid-argument", `${what}: troves[${i}]: batch ${one.batchIndex} has the ${name} ${known[name]} before, and here ${one.batch[name]}`,
      );
    }
  });
  return liquidateOf(inputs as Values<typeof liquidateInputs>);
}

/** Liquity v2 for `openBook`, and every reproduced function of its contracts. */
export interface LiquityV2 extends Protocol<typeof vault, typeof market, Fields, typeof liquidation, typeof batch> {
  /**
   * `TroveManager.getLatestTroveData` at `timestamp`, or at `shutdownTime` where that is not 0. With `batch: null` a trove has its own
   * `debt`, `annualInterestRate` and `lastDebtUpdateTime`; in a batch it has `batchDebtShares`.
   */
  readonly troveDebt: typeof troveDebt;
  /** `TroveManager.getCurrentICR`, 2^256 − 1 without debt, and whether `batchLiquidateTroves` would liquidate the trove (ICR < MCR). */
  readonly icr: typeof icr;
  /**
   * `TroveManager._getTCR` from what the pools track, whose interest and fees are rounded up; whether it is below the critical
   * `CCR`; and whether the branch can be redeemed from (TCR ≥ `SCR`, not shut down).
   */
  readonly branchTCR: typeof branchTCR;
  /** `TroveManager._getOffsetAndRedistributionVals`; `boldInSPForOffsets` is without the 1e18 that the pool keeps. */
  readonly liquidationAmounts: typeof liquidationAmounts;
  /**
   * `TroveManager.batchLiquidateTroves(order)`: the totals of its event, and the terms of redistribution after it. `status` 1 is active, 4
   * a zombie; any other is skipped. Troves with the same `batchIndex` share a batch, and give it alike. `penalties` are the branch's;
   * without them 5 % and what `MCR` is above 100 %, as deployed. One more trove stays in the branch. At most 400 troves.
   */
  readonly batchLiquidateTroves: typeof batchLiquidateTroves;
}

export const liquityV2: LiquityV2 = {
  name: "liquity-v2", module, kind: { Book }, rule: 7, vault, market, system: {}, price: "price", batch, alone: ALONE, batched: ["batch", ...BATCHED], liquidation, reasons, orders: ["interestRate", "profit"],
  troveDebt, icr, branchTCR, liquidationAmounts, batchLiquidateTroves,
};
