/** The exports of plimsoll.wasm. bindings/abi.ts is their other side. */
import { ARGS, RESULTS, STAGE } from "./layout";

export function args(): usize { return ARGS; }
export function results(): usize { return RESULTS; }
export function stage(): usize { return STAGE; }

// A book.
export {
  open, size, marketSize, setSystem, addMarket, setMarket, setMarkets, marketRows, getMarket, view, accrue, reserve, load_ as load, update, remove, check,
  unmark, updateMany, removeMany, holds, find, marketOf, prepare, touchAll, list, candidateIds, gather, rank, ranked,
  scenario, preview, describe, inspect, brokenMarket, startColumn, column, keysAt, pageRows, hitRows, idRows, idsOffset,
} from "./book";
export { rewind, scan, fallen, risen, fallWords, riseWords, emptyStreams } from "./screen/pass";
export { startSelection, reserveCandidates } from "./order/select";

// The contracts' functions.
export {
  spot as maker_spot, drip as maker_drip, barkUnsafe as maker_barkUnsafe, frobSafe as maker_frobSafe, frob as maker_frob,
  bark as maker_bark, collateralRatio as maker_collateralRatio, healthFactor as maker_healthFactor, debt as maker_debt,
  liquidationPrice as maker_liquidationPrice,
} from "./rules/ilk";
export { auctionPrice as maker_auctionPrice, auctionStatus as maker_auctionStatus, take as maker_take } from "./rules/clip";
