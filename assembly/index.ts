/** The exports of plimsoll.wasm. bindings/abi.ts is their other side. */
// A book.
export {
  layout, open, size, setSystem, addMarket, setMarket, setMarkets, getMarket, view, accrue, reserve, load_ as load, update, remove, check,
  unmark, updateMany, removeMany, holds, find, marketOf, prepare, touchAll, list, candidateIds, gather, rank, ranked,
  scenario, preview, describe, inspect, brokenMarket, startColumn, column, keysAt,
} from "./book";
export { rewind, scan, found, emptyStreams } from "./screen/pass";
export { startSelection, reserveCandidates } from "./order/select";

// The contracts' functions.
export {
  spot as maker_spot, drip as maker_drip, barkUnsafe as maker_barkUnsafe, frobSafe as maker_frobSafe, frob as maker_frob,
  bark as maker_bark, collateralRatio as maker_collateralRatio, healthFactor as maker_healthFactor, debt as maker_debt,
  liquidationPrice as maker_liquidationPrice,
} from "./rules/ilk";
export { auctionPrice as maker_auctionPrice, auctionStatus as maker_auctionStatus, take as maker_take } from "./rules/clip";
export {
  accountData as aave_accountData, interestRate as aave_interestRate, math as aave_math, normalizedDebt as aave_normalizedDebt,
  normalizedIncome as aave_normalizedIncome,
} from "./rules/aave";
export { liquidationAmounts as aave_liquidationAmounts, liquidationCall as aave_liquidationCall } from "./rules/aave-liquidation";
