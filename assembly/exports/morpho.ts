/** What a book of Morpho has of its own, and functions of the contracts. */
export { unquoted } from "../rules/position";
export {
  accrue as morpho_accrue, isHealthy as morpho_isHealthy, liquidate as morpho_liquidate, liquidateAccrued as morpho_liquidateAccrued,
  wExp as morpho_wExp, wTaylor as morpho_wTaylor, liquidationIncentiveFactor as morpho_liquidationIncentiveFactor,
  liquidationPrice as morpho_liquidationPrice, preLiquidate as morpho_preLiquidate,
} from "../rules/morpho";
