/** A book's accounts, and the functions of the contracts that keep them. */
export {
  reserveAccounts, reserveLines, loadAccounts, readAccount, rewriteAccount, translate, lay, inspectAccount, accountPrice, setCategory, getCategory,
} from "../accounts";
export { startScenario } from "../book";
export {
  accountLiquidity as compound_accountLiquidity, accountLiquidityHalfUp as compound_accountLiquidityHalfUp, accrue as compound_accrue,
  exchangeRate as compound_exchangeRate, borrowBalance as compound_borrowBalance, borrowRate as compound_borrowRate,
  seizeTokens as compound_seizeTokens, seizeTokensHalfUp as compound_seizeTokensHalfUp,
} from "../rules/compound";
export {
  isLiquidatable as comet_isLiquidatable, isBorrowCollateralized as comet_isBorrowCollateralized, accrue as comet_accrue,
  absorb as comet_absorb, absorbAccrued as comet_absorbAccrued, quoteCollateral as comet_quoteCollateral,
} from "../rules/comet";
export {
  accountData as aave_accountData, interestRate as aave_interestRate, math as aave_math, normalizedDebt as aave_normalizedDebt,
  normalizedIncome as aave_normalizedIncome,
} from "../rules/aave";
export { liquidationAmounts as aave_liquidationAmounts, liquidationCall as aave_liquidationCall } from "../rules/aave-liquidation";
