/** What a book of positions has of its own, and the functions of Morpho's and Liquity's contracts. */
export { addBatch, setBatch } from "../book";
export { getBatch, unquoted } from "../rules/position";
export {
  accrue as morpho_accrue, isHealthy as morpho_isHealthy, liquidate as morpho_liquidate, liquidateAccrued as morpho_liquidateAccrued,
  wExp as morpho_wExp, wTaylor as morpho_wTaylor, liquidationIncentiveFactor as morpho_liquidationIncentiveFactor,
  liquidationPrice as morpho_liquidationPrice, preLiquidate as morpho_preLiquidate,
} from "../rules/morpho";
export {
  computeCR as liquity_computeCR, computeNominalCR as liquity_computeNominalCR, decPow as liquity_decPow, icr as liquity_icr,
  tcr as liquity_tcr, liquidationAmounts as liquity_liquidationAmounts, liquidate as liquity_liquidate,
} from "../rules/liquity";
export {
  troveDebt as liquity2_troveDebt, icr as liquity2_icr, branchTCR as liquity2_branchTCR, liquidationAmounts as liquity2_liquidationAmounts,
  batchLiquidateTroves as liquity2_batchLiquidateTroves,
} from "../rules/liquity2";
