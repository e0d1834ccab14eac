/** A book's vaults, and the functions of the contracts that keep them. */
export { reserve, load_ as load, update, updateMany, inspect, addBatch, setBatch } from "../book";
export { planTerms, planStep, planTake, planEnd } from "../plan";
export { getBatch, unquoted } from "../rules/position";
export {
  spot as maker_spot, drip as maker_drip, barkUnsafe as maker_barkUnsafe, frobSafe as maker_frobSafe, frob as maker_frob,
  bark as maker_bark, collateralRatio as maker_collateralRatio, healthFactor as maker_healthFactor, debt as maker_debt,
  liquidationPrice as maker_liquidationPrice,
} from "../rules/ilk";
export { auctionPrice as maker_auctionPrice, auctionStatus as maker_auctionStatus, take as maker_take } from "../rules/clip";
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
