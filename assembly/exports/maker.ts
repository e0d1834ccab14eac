/** Functions of Maker's contracts. */
export {
  spot as maker_spot, drip as maker_drip, barkUnsafe as maker_barkUnsafe, frobSafe as maker_frobSafe, frob as maker_frob,
  bark as maker_bark, collateralRatio as maker_collateralRatio, healthFactor as maker_healthFactor, debt as maker_debt,
  liquidationPrice as maker_liquidationPrice,
} from "../rules/ilk";
export { auctionPrice as maker_auctionPrice, auctionStatus as maker_auctionStatus, take as maker_take } from "../rules/clip";
