/**
 * Liquity v1 (LUSD): `LiquityMath`, `LiquityBase` and `TroveManager` as in liquity/dev at 87345ccd, the code as deployed, from which
 * later revisions differ.
 *
 * Units: amounts, prices and ratios 1e18, nominal ratios 1e20. Functions take what the contracts take, up to the whole uint256, and
 * answer `{ reverts: true, reason }` where the contract reverts, with its own message. The pools are taken to hold what their troves
 * record: what they would refuse to pay is not reproduced.
 * @module
 */
import { loadModule } from "#module/liquity-v1";
import { Module } from "../abi.js";
import { PlimsollError } from "../errors.js";
import {
  type Complete, type Fields, type Outcome, type Protocol, type Values, bool, checkFields, choice, contractFunction, list, needFields, or, uint,
  values,
} from "../protocol.js";
import { Book, checkNumbers } from "../vaults.js";

const module = /* @__PURE__ */ new Module(loadModule);

const wad = uint(256, "1e18"), nominal = uint(256, "1e20");

/** Why the contracts revert, as assembly/rules/liquity.ts numbers it. */
const reasons = [
  "", "", "SafeMath: division by zero",
  "SafeMath: addition overflow", "SafeMath: subtraction overflow", "SafeMath: multiplication overflow",
  "TroveManager: Calldata address array must not be empty", "TroveManager: nothing to liquidate", "TroveManager: Only one trove in the system",
] as const;

const define = <I extends Fields, O extends Fields>(name: string, inputs: I, outputs: O) =>
  contractFunction(module, `liquityV1.${name}`, `liquity_${name}`, reasons, inputs, outputs);

// ---- The book's columns and figures

const amount = uint(128, "1e18");

/** A trove as recorded, with its stake and what had been redistributed when it was last touched (`rewardSnapshots`). */
const vault = { coll: amount, debt: amount, stake: amount, snapshotETH: amount, snapshotLUSDDebt: amount };

/** The system, which is a book's one market, in the order of assembly/rules/position.ts. */
const market = {
  price: wad,
  /** What was redistributed for each stake so far, all stakes, and the rests of the last redistribution. */
  L_ETH: or(wad, 0n), L_LUSDDebt: or(wad, 0n), totalStakes: or(wad, 0n), lastETHError_Redistribution: or(wad, 0n), lastLUSDDebtError_Redistribution: or(wad, 0n),
  /** What the pools hold: below a TCR of 150 % the system is in recovery mode. */
  activePoolETH: or(wad, 0n), defaultPoolETH: or(wad, 0n), activePoolLUSDDebt: or(wad, 0n), defaultPoolLUSDDebt: or(wad, 0n),
  /** What the stability pool can offset. */
  LUSDInStabPool: or(wad, 0n),
};

// ---- Ratios

const decPow = define("decPow", { base: wad, minutes: uint(256, "min") }, { result: wad });

const ratioOf = define("computeCR", { coll: wad, debt: wad, price: wad }, { CR: wad });
const nominalOf = define("computeNominalCR", { coll: wad, debt: wad }, { NCR: nominal });
function computeCR(
  inputs: Parameters<typeof ratioOf>[0],
): Outcome<{ readonly CR: bigint }> & ({ readonly NCR: bigint } | { readonly NCRreverts: true }) {
  const computed = ratioOf(inputs), { coll, debt } = inputs, other = nominalOf({ coll, debt });
  return { ...computed, ...(other.reverts ? { NCRreverts: true } : { NCR: other.NCR }) };
}

const stored = { debt: wad, coll: wad, stake: wad, snapshotETH: wad, snapshotLUSDDebt: wad };
const entire = { debt: wad, coll: wad, pendingLUSDDebtReward: wad, pendingETHReward: wad, ICR: wad, belowMCR: bool };
const icrOf = define(
  "icr", { ...stored, L_ETH: wad, L_LUSDDebt: wad, status: uint(8, ""), price: wad }, { ...entire, NICR: nominal, NICRreverts: bool },
);
type Ratios = Complete<typeof entire> & ({ readonly NICR: bigint } | { readonly NICRreverts: true });
function icr(inputs: Parameters<typeof icrOf>[0]): Outcome<Ratios> {
  const answer = icrOf(inputs);
  if (answer.reverts) return answer;
  const { NICR, NICRreverts, ...trove } = answer;
  return { ...trove, ...(NICRreverts ? { NICRreverts } : { NICR }) };
}

const pools = { activePoolETH: wad, defaultPoolETH: wad, activePoolLUSDDebt: wad, defaultPoolLUSDDebt: wad };
const tcr = define("tcr", { ...pools, price: wad }, { TCR: wad, recoveryMode: bool });

// ---- Liquidation

const AMOUNTS = { _getOffsetAndRedistributionVals: ["LUSDInStabPool"], _getCappedOffsetVals: ["price"] } as const;
const amountInputs = {
  function: choice(["_getOffsetAndRedistributionVals", "_getCappedOffsetVals"]), debt: wad, coll: wad,
  LUSDInStabPool: or(wad, 0n), price: or(wad, 0n),
};
const offset = { debtToOffset: wad, collToSendToSP: wad, debtToRedistribute: wad, collToRedistribute: wad };
const capped = { ...offset, collGasCompensation: wad, collSurplus: wad, LUSDGasCompensation: wad };
const amountsOf = define("liquidationAmounts", amountInputs, capped);

/** A trove's debt and collateral; `coll` is without the gas compensation for the first, and entire for the second. */
export type LiquidationAmounts = { readonly debt: bigint; readonly coll: bigint } & (
  | { readonly function: "_getOffsetAndRedistributionVals"; readonly LUSDInStabPool: bigint }
  | { readonly function: "_getCappedOffsetVals"; readonly price: bigint }
);

function liquidationAmounts(
  inputs: LiquidationAmounts,
): Outcome<Complete<typeof offset> & Partial<Pick<Complete<typeof capped>, "collGasCompensation" | "LUSDGasCompensation" | "collSurplus">>> {
  const what = "liquityV1.liquidationAmounts";
  checkFields(what, amountInputs, inputs);
  needFields(what, inputs, AMOUNTS[inputs.function], inputs.function);
  const answer = amountsOf(inputs);
  if (answer.reverts || inputs.function === "_getCappedOffsetVals") return answer;
  const { collGasCompensation, LUSDGasCompensation, collSurplus, ...amounts } = answer;
  return amounts;
}

const SEQUENCES = { liquidateTroves: ["n", "sortedTroves"], batchLiquidateTroves: ["troveArray"] } as const;
const terms = {
  L_ETH: wad, L_LUSDDebt: wad, totalStakes: wad, lastETHError_Redistribution: wad, lastLUSDDebtError_Redistribution: wad,
};
const numbers = or(values(900, uint(32, "")), []);
const liquidateInputs = {
  function: choice(["liquidateTroves", "batchLiquidateTroves"]), n: or(uint(256, ""), 0n), price: wad, LUSDInStabPool: wad, ...pools, ...terms,
  troves: list(900, stored), sortedTroves: numbers, troveArray: numbers,
};
const liquidated = {
  liquidated: values(900, bool), collSurplus: values(900, wad), ...terms, liquidatedDebt: wad, liquidatedColl: wad, LUSDGasCompensation: wad,
  totalDebtToOffset: wad, totalCollToSendToSP: wad, totalDebtToRedistribute: wad, totalCollToRedistribute: wad, collGasCompensation: wad,
};
const liquidateOf = define("liquidate", liquidateInputs, liquidated);

/** The system before a liquidation, with all of its troves (active, numbered from 1), and which of them are tried. */
export type Liquidation = Omit<Values<typeof liquidateInputs>, "function" | "n" | "sortedTroves" | "troveArray"> & (
  | { readonly function: "liquidateTroves"; readonly n: bigint; readonly sortedTroves: readonly bigint[] }
  | { readonly function: "batchLiquidateTroves"; readonly troveArray: readonly bigint[]; readonly sortedTroves?: readonly bigint[] }
);
interface SystemState { readonly TCR: bigint; readonly recoveryModeAtStart: boolean }

function liquidate(
  inputs: Liquidation,
):
  | ({ readonly reverts: false } & SystemState & Complete<typeof liquidated>)
  | ({ readonly reverts: true; readonly reason: string } & Partial<SystemState>) {
  const what = "liquityV1.liquidate";
  checkFields(what, liquidateInputs, inputs);
  needFields(what, inputs, SEQUENCES[inputs.function], inputs.function);
  const { troves, sortedTroves, price, activePoolETH, defaultPoolETH, activePoolLUSDDebt, defaultPoolLUSDDebt } = inputs;
  if (sortedTroves) {
    checkNumbers(`${what}: sortedTroves`, sortedTroves, troves.length);
    if (sortedTroves.length !== troves.length || new Set(sortedTroves).size !== troves.length) {
      throw new PlimsollError("invalid-argument", `${what}: sortedTroves must hold each of the ${troves.length} troves once`);
    }
  }
  if (inputs.function === "batchLiquidateTroves") checkNumbers(`${what}: troveArray`, inputs.troveArray, troves.length);
  const answer = liquidateOf(inputs), before = tcr({ activePoolETH, defaultPoolETH, activePoolLUSDDebt, defaultPoolLUSDDebt, price });
  return { ...(!before.reverts && { TCR: before.TCR, recoveryModeAtStart: before.recoveryMode }), ...answer } as ReturnType<typeof liquidate>;
}

/** Liquity v1 for `openBook`, and every reproduced function of its contracts. */
export interface LiquityV1 extends Protocol<typeof vault, typeof market, Fields, typeof capped> {
  /** `LiquityMath._decPow`: base^minutes, 1e18, each step rounded half-up; no more than 525,600,000 minutes count. */
  readonly decPow: typeof decPow;
  /**
   * `LiquityMath._computeCR`, and `_computeNominalCR` beside it, which may revert by itself (`NCRreverts`). 2^256 − 1 without debt.
   */
  readonly computeCR: typeof computeCR;
  /**
   * `TroveManager.getEntireDebtAndColl`, `getCurrentICR` and `getNominalICR`, and whether ICR is below the 110 % at which a trove can
   * be liquidated in normal mode. `status` 1 is active; any other gains nothing. `NICRreverts` where the nominal ratio alone reverts.
   */
  readonly icr: typeof icr;
  /** `TroveManager.getTCR`, and whether it is below 150 %. */
  readonly tcr: typeof tcr;
  /**
   * `TroveManager._getOffsetAndRedistributionVals` of a trove's debt and its collateral without the gas compensation, or
   * `_getCappedOffsetVals` of a whole trove, which also answers the gas compensations and the owner's surplus.
   */
  readonly liquidationAmounts: typeof liquidationAmounts;
  /**
   * `TroveManager.liquidateTroves(n)` from the tail of `sortedTroves`, or `batchLiquidateTroves(troveArray)`: the totals, what each
   * trove's owner may claim (`collSurplus`), and the terms of redistribution after it. `TCR` and `recoveryModeAtStart` are of before,
   * there also where it reverts. At most 900 troves.
   */
  readonly liquidate: typeof liquidate;
}

export const liquityV1: LiquityV1 = {
  name: "liquity-v1", module, kind: { Book }, rule: 6, vault, market, system: {}, price: "price", liquidation: capped, reasons, orders: ["nominalICR", "profit"],
  decPow, computeCR, icr, tcr, liquidationAmounts, liquidate,
};
