/** eMode's categories, and functions of Aave's contracts. */
export { setCategory, getCategory } from "../accounts";
export {
  accountData as aave_accountData, interestRate as aave_interestRate, math as aave_math, normalizedDebt as aave_normalizedDebt,
  normalizedIncome as aave_normalizedIncome,
} from "../rules/aave";
export { liquidationAmounts as aave_liquidationAmounts, liquidationCall as aave_liquidationCall } from "../rules/aave-liquidation";
