/** The exports of plimsoll.wasm. bindings/abi.ts is their other side. */
// A book.
export {
  layout, open, size, setSystem, addMarket, setMarket, setMarkets, getMarket, view, accrue, reserve, load_ as load, update, remove, check,
  unmark, updateMany, removeMany, find, marketOf, prepare, list, candidateIds, gather, rank, ranked,
  startScenario, scenario, preview, describe, inspect, column, keysAt,
} from "./book";
export {
  reserveAccounts, reserveLines, loadAccounts, readAccount, rewriteAccount, translate, lay, inspectAccount, accountPrice, setCategory,
} from "./accounts";
export { rewind, scan, found } from "./screen/pass";
export { startSelection } from "./order/select";

// The contracts' functions.
export {
  spot as maker_spot, drip as maker_drip, barkUnsafe as maker_barkUnsafe, frobSafe as maker_frobSafe, frob as maker_frob,
  bark as maker_bark, collateralRatio as maker_collateralRatio, healthFactor as maker_healthFactor, debt as maker_debt,
  liquidationPrice as maker_liquidationPrice,
} from "./rules/ilk";
export { auctionPrice as maker_auctionPrice, auctionStatus as maker_auctionStatus, take as maker_take } from "./rules/clip";
export {
  accountLiquidity as compound_accountLiquidity, accountLiquidityHalfUp as compound_accountLiquidityHalfUp, accrue as compound_accrue,
  exchangeRate as compound_exchangeRate, borrowBalance as compound_borrowBalance, borrowRate as compound_borrowRate,
  seizeTokens as compound_seizeTokens, seizeTokensHalfUp as compound_seizeTokensHalfUp,
} from "./rules/compound";
export {
  isLiquidatable as comet_isLiquidatable, isBorrowCollateralized as comet_isBorrowCollateralized, accrue as comet_accrue,
  absorb as comet_absorb, absorbAccrued as comet_absorbAccrued, quoteCollateral as comet_quoteCollateral,
} from "./rules/comet";
export {
  accountData as aave_accountData, interestRate as aave_interestRate, math as aave_math, normalizedDebt as aave_normalizedDebt,
  normalizedIncome as aave_normalizedIncome,
} from "./rules/aave";
export { liquidationAmounts as aave_liquidationAmounts, liquidationCall as aave_liquidationCall } from "./rules/aave-liquidation";
export {
  accrue as morpho_accrue, isHealthy as morpho_isHealthy, liquidate as morpho_liquidate, liquidateAccrued as morpho_liquidateAccrued,
  wExp as morpho_wExp, wTaylor as morpho_wTaylor, liquidationIncentiveFactor as morpho_liquidationIncentiveFactor,
  liquidationPrice as morpho_liquidationPrice, preLiquidate as morpho_preLiquidate,
} from "./rules/morpho";
export {
  computeCR as liquity_computeCR, computeNominalCR as liquity_computeNominalCR, decPow as liquity_decPow, icr as liquity_icr,
  tcr as liquity_tcr, liquidationAmounts as liquity_liquidationAmounts, liquidate as liquity_liquidate,
} from "./rules/liquity";
export {
  troveDebt as liquity2_troveDebt, icr as liquity2_icr, branchTCR as liquity2_branchTCR, liquidationAmounts as liquity2_liquidationAmounts,
  batchLiquidateTroves as liquity2_batchLiquidateTroves,
} from "./rules/liquity2";
