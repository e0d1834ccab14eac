/** Functions of Liquity v1's contracts. */
export {
  computeCR as liquity_computeCR, computeNominalCR as liquity_computeNominalCR, decPow as liquity_decPow, icr as liquity_icr,
  tcr as liquity_tcr, liquidationAmounts as liquity_liquidationAmounts, liquidate as liquity_liquidate,
} from "../rules/liquity";
