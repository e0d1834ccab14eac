/** What a rule says of a row. */
export namespace Status { export const SAFE = 0, UNSAFE = 1, REVERTS = 2; }

/** By how much keys may be beside their order: a chunk's largest unsafe key is at most 2^−22 of it above its quotient, a subnormal one 3 of at least 2^21 steps, and as much again where an open row that was judged safe has the larger key. */
export const GAP: f64 = 3.814697265625e-6; // 2^−18

/** All figures of a market. */
export const ALL: u32 = 0xffffffff;

/** In which order a query lists rows. */
export namespace Order { export const NONE = 0, RISKIEST = 1, DEBT = 2, PRICE = 3, NOMINAL = 4, INTEREST = 5, PROFIT = 6; }

/** By how much of it the score that was made last may be beside its figure; negative where, of two rows of a market, equal scores are equal figures. */
export let doubt: f32 = 0;
export function setDoubt(by: f64, told: bool): void { doubt = <f32>(told ? -by : by); }
/** What it is for conversions and roundings alone, 2^−44. */
export const CLOSE: f64 = 5.684341886080802e-14;

/** How a market's rows may be judged. */
export namespace Sound {
  /** Screened; the exact rule decides what is open. */
  export const SCREEN: u32 = 0;
  /** Exactly, row by row: figures so large that the contract could overflow. */
  export const EXACT: u32 = 1;
}

/** Of the rows that were judged together last, those that revert. */
export let reverting: u64 = 0;
export function setReverting(mask: u64): void { reverting = mask; }

/** What a liquidation price is: a number, or an answer of its own. */
export namespace Trigger { export const PRICE = 0, NEVER = 1, ALWAYS = 2, REVERTS = 3; }
/** Limbs of a liquidation price: up to 560 bits, and then some, so that it takes whole fields. */
export const PRICE_LIMBS: u32 = 12;

/** Figures of a vault. */
export namespace Figure { export const HEALTH = 0, DEBT = 1, RATIO = 2; }
/** One of them: what needs more than 128 bits is 2^128 − 1. */
export let figureLo: u64 = 0, figureHi: u64 = 0;
// @ts-ignore: decorator
@inline
export function setFigure(lo: u64, hi: u64): void { figureLo = lo; figureHi = hi; }

/** Results of a plan's step, by field. */
export namespace Plan {
  export const REPAID = 0, SEIZED = 1, BONUS = 2, FEE = 3, PROFIT = 4, LOSS = 6, TOXIC = 7, BAD_DEBT = 8, LIQUIDATION = 9;
  export const DEBT_MARKET = 26, COLLATERAL_MARKET = 27; // of an account
}
