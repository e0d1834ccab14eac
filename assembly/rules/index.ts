/** The rule of the book's family. A second family makes each of these a choice between two. */
export {
  ART, DEBT_SCALE, FIGURES, HEALTH_SCALE, MARKET_BYTES, NEAR, Order, RATIO_SCALE, STRIDE, VIEW_FIELDS,
  accrue, broken, debtHi, debtLo, debtOf, derive, floatRatio, floatScale, inspect, isNear, judge, judgeAll, precedes, reaches, rekey,
  scale, score, setFloor, setWithin,
} from "./ilk";
