/** Functions of Compound's contracts. */
export {
  accountLiquidity as compound_accountLiquidity, accountLiquidityHalfUp as compound_accountLiquidityHalfUp, accrue as compound_accrue,
  exchangeRate as compound_exchangeRate, borrowBalance as compound_borrowBalance, borrowRate as compound_borrowRate,
  seizeTokens as compound_seizeTokens, seizeTokensHalfUp as compound_seizeTokensHalfUp,
} from "../rules/compound";
