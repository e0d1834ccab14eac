/** Functions of Comet. */
export {
  isLiquidatable as comet_isLiquidatable, isBorrowCollateralized as comet_isBorrowCollateralized, accrue as comet_accrue,
  absorb as comet_absorb, absorbAccrued as comet_absorbAccrued, quoteCollateral as comet_quoteCollateral,
} from "../rules/comet";
