/** What every module exports: a book. bindings/abi.ts is the other side. */
export {
  layout, open, size, setSystem, getSystem, addMarket, setMarket, setMarkets, getMarket, view, accrue, remove, check, unmark, removeMany, find, marketOf,
  prepare, list, candidateIds, gather, rank, ranked, scenario, preview, levels, describe, column, whatIf,
} from "../book";
export { rewind, scan, found } from "../screen/pass";
export { startSelection } from "../order/select";
export { planTerms, planStep, planTake, planEnd } from "../plan";
