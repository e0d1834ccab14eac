/** Batches, and functions of Liquity v2's contracts. */
export { addBatch, setBatch } from "../book";
export { getBatch } from "../rules/position";
export {
  troveDebt as liquity2_troveDebt, icr as liquity2_icr, branchTCR as liquity2_branchTCR, liquidationAmounts as liquity2_liquidationAmounts,
  batchLiquidateTroves as liquity2_batchLiquidateTroves,
} from "../rules/liquity2";
