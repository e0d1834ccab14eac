/** The exports of plimsoll.wasm. bindings/abi.ts is their other side. */
// A book.
export {
  layout, open, size, setSystem, addMarket, setMarket, setMarkets, getMarket, view, accrue, reserve, load_ as load, update, remove, check,
  unmark, updateMany, removeMany, find, marketOf, prepare, list, candidateIds, gather, rank, ranked,
  scenario, preview, describe, inspect, column, keysAt,
} from "./book";
export { rewind, scan, found } from "./screen/pass";
export { startSelection } from "./order/select";

// The contracts' functions.
export {
  spot as maker_spot, drip as maker_drip, barkUnsafe as maker_barkUnsafe, frobSafe as maker_frobSafe, frob as maker_frob,
  bark as maker_bark, collateralRatio as maker_collateralRatio, healthFactor as maker_healthFactor, debt as maker_debt,
  liquidationPrice as maker_liquidationPrice,
} from "./rules/ilk";
export { auctionPrice as maker_auctionPrice, auctionStatus as maker_auctionStatus, take as maker_take } from "./rules/clip";
