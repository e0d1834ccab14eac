/**
 * Compound v2: `Comptroller`, `CToken`, `JumpRateModelV2` and `WhitePaperInterestRateModel` of
 * compound-finance/compound-protocol@a3214f67, re-implemented from the formulas.
 *
 *   T = ⌊⌊collateralFactor·exchangeRate⌋·price⌋
 *   shortfall ⇔ Σ ⌊T·cTokenBalance⌋ < Σ ⌊price·borrowBalance⌋      strict; each product over 1e18
 *
 * Until a5591d5 the Comptroller rounded both products of T, and both of a liquidation's ratio, half-up, and answered MATH_ERROR
 * where it reverts now: `Round.HALF_UP` is that revision, `Round.DOWN` the later one.
 *
 * Mantissas are 1e18, an exchange rate 1e(18 + underlying − cToken decimals), a price 1e(36 − underlying decimals), so that
 * values are 1e18. Every figure is a uint256, every intermediate a checked one.
 */
import { COLLATERAL, OWED, beginAccount, isShort } from "./account";
import * as gain from "./gain";
import { kinkedRate, utilizationOf } from "./kink";
import { ARGS, RESULTS } from "../layout";
import { copy, isZero } from "../wide/limbs";
import {
  Round, add, arg, at, begin, count, decrease, end, forget, forgive, increase, isNil, less, min, mul, mulDivUp, mulThenDiv, mulWad, ptr, put, require, result,
  resultWord, reverted, rows, sub, u256, wad, word,
} from "../wide/u256";

/** Why the contracts revert, in the order of the messages in bindings/protocols/compound-v2.ts. */
namespace Why { export const ABSURD_RATE = 3; }

/** `ComptrollerErrorReporter.Error`: an answer, not a revert. */
export namespace Failure { export const NONE = 0, MATH = 11, PRICE = 13; }

// ---- An account. `beginAccount`, `addAsset` for each market it has entered in their order, then `isShort`.

/** The Comptroller's product of two mantissas. */
function mulExp(a: u256, b: u256, round: i32): u256 { return mulThenDiv(a, b, wad(), round); }

/** `tokensToDenom`: what a cToken counts for. */
export function perToken(factor: u256, exchangeRate: u256, price: u256, round: i32): u256 { return mulExp(mulExp(factor, exchangeRate, round), price, round); }

/** Adds what the account holds and owes in one market. Answers a `Failure`: then the account is not judged. */
export function addAsset(factor: u256, exchangeRate: u256, price: u256, tokens: u256, borrowed: u256, round: i32): u32 {
  if (isNil(price)) return Failure.PRICE;
  increase(COLLATERAL, mulWad(perToken(factor, exchangeRate, price, round), tokens));
  increase(OWED, mulWad(price, borrowed));
  return settle(Failure.NONE, round);
}

/** The older Comptroller does not revert where its arithmetic fails. */
function settle(failure: u32, round: i32): u32 {
  if (round != Round.HALF_UP || !reverted()) return failure;
  forgive();
  return Failure.MATH;
}

/** Bytes of an asset's row, and where in it the account's own stand: cTokens, and what is owed. */
// @ts-ignore: decorator
@inline export const ASSET: u32 = 160;
// @ts-ignore: decorator
@inline export const TOKENS: usize = 96;
// @ts-ignore: decorator
@inline const OWES: usize = 128;

export function liquidity(round: i32): i32 {
  begin();
  beginAccount();
  let failure: u32 = Failure.NONE;
  const last = rows(0) + <usize>count(0) * ASSET;
  for (let row = rows(0); row < last && !failure && !reverted(); row += ASSET) {
    forget();
    failure = addAsset(at(row), at(row + 32), at(row + 64), at(row + TOKENS), at(row + OWES), round);
  }
  if (failure) beginAccount(); // nothing is said of its sums
  forget();
  const collateral = at(COLLATERAL), owed = at(OWED), none = word(0), short = isShort();
  resultWord(0, failure);
  result(1, short ? none : sub(collateral, owed));
  result(2, short ? sub(owed, collateral) : none);
  return end();
}

// ---- The contracts' functions. Arguments and results in the order of the descriptor.

/** `Comptroller.getAccountLiquidity` */
export function accountLiquidity(): i32 { return liquidity(Round.DOWN); }
export function accountLiquidityHalfUp(): i32 { return liquidity(Round.HALF_UP); }

/** What `accrueInterest` leaves: index, borrows, reserves, and the interest between. */
export const ACCRUED: usize = memory.data(128, 16);

/** `CToken.accrueInterest`: simple interest over the blocks since. In the same block nothing is looked at. */
export function accrueTo(borrows: u256, reserves: u256, index: u256, rate: u256, from: u256, to: u256, reserveFactor: u256): void {
  require(!less(word(5000000000000), rate) || from == to, Why.ABSURD_RATE);
  const factor = mul(rate, sub(to, from));
  const interest = mulWad(factor, borrows);
  copy(ACCRUED, ptr(add(mulWad(factor, index), index)), 4);
  copy(ACCRUED + 32, ptr(add(interest, borrows)), 4);
  copy(ACCRUED + 64, ptr(add(mulWad(reserveFactor, interest), reserves)), 4);
  copy(ACCRUED + 96, ptr(interest), 4);
}

/** arguments: totalBorrows, totalReserves, borrowIndex, rate, from, to, reserveFactor */
export function accrue(): i32 {
  begin();
  accrueTo(arg(0), arg(1), arg(2), arg(3), arg(4), arg(5), arg(6));
  copy(RESULTS, ACCRUED, 12);
  result(3, arg(5));
  copy(RESULTS + 128, ACCRUED + 96, 4);
  return end();
}

/** What a market's lenders own: cash + borrows − reserves. */
function owned(cash: u256, borrows: u256, reserves: u256): u256 { return sub(add(cash, borrows), reserves); }

/** `CToken.exchangeRateStored` */
export function exchangeRateOf(cash: u256, borrows: u256, reserves: u256, supply: u256, initial: u256): u256 {
  return isNil(supply) ? initial : mulThenDiv(owned(cash, borrows, reserves), wad(), supply, Round.DOWN);
}

export function exchangeRate(): i32 {
  begin();
  result(0, exchangeRateOf(arg(0), arg(1), arg(2), arg(3), arg(4)));
  return end();
}

/** `CToken.borrowBalanceStored` */
export function balanceOf(principal: u256, index: u256, interestIndex: u256): u256 {
  return isNil(principal) ? principal : mulThenDiv(principal, index, interestIndex, Round.DOWN);
}

export function borrowBalance(): i32 {
  begin();
  result(0, balanceOf(arg(0), arg(1), arg(2)));
  return end();
}

/** `InterestRateModel.getBorrowRate` of the jump model. The whitepaper model is one whose kink is out of reach. */
export function borrowRate(): i32 {
  begin();
  const borrows = arg(1), utilization = isNil(borrows) ? borrows : utilizationOf(borrows, owned(arg(0), borrows, arg(2)));
  result(0, utilization);
  result(1, kinkedRate(ARGS + 96, utilization));
  return end();
}

/** `Comptroller.liquidateCalculateSeizeTokens` */
export function seizeTokens(): i32 { return seize(Round.DOWN); }
export function seizeTokensHalfUp(): i32 { return seize(Round.HALF_UP); }

/** cTokens seized for a unit repaid. */
function seizeRatio(incentive: u256, priceBorrowed: u256, priceCollateral: u256, exchangeRate: u256, round: i32): u256 {
  return mulThenDiv(mulExp(incentive, priceBorrowed, round), wad(), mulExp(priceCollateral, exchangeRate, round), Round.DOWN);
}

function seize(round: i32): i32 {
  begin();
  const priceBorrowed = arg(1), priceCollateral = arg(2);
  let failure: u32 = Failure.PRICE, tokens = word(0);
  if (!isNil(priceBorrowed) && !isNil(priceCollateral)) {
    tokens = mulWad(seizeRatio(arg(0), priceBorrowed, priceCollateral, arg(3), round), arg(4));
    failure = settle(Failure.NONE, round);
  }
  resultWord(0, failure);
  result(1, failure ? word(0) : tokens);
  return end();
}

/** `liquidateBorrow` refuses: no shortfall, or nothing to repay. */
const REFUSED: i32 = Why.ABSURD_RATE + 1;
/** totalReserves and totalSupply of the seized market after it. */
const TOTALS: usize = memory.data(64, 16);

/**
 * `CToken.liquidateBorrow` of as much as `closeFactorMantissa` lets be repaid (at `terms`, `liquidationIncentiveMantissa` behind it), as the collateral
 * suffices for, and whose value is at most gain.MOST; what it brings goes to rules/gain. `debt` and `collateral` are rows of the account's
 * assets, of which all are accrued, `totals` the reserves and behind them the supply of the seized market: without supply, the
 * exchange rate is given, and stays.
 */
export function liquidateMost(debt: usize, collateral: usize, terms: usize, totals: usize, share: usize, round: i32): i32 {
  if (liquidity(round) || load<u32>(RESULTS) || !isShort()) return REFUSED;
  begin();
  const one = word(1), price = at(debt + 64), borrows = at(debt + OWES), tokens = at(collateral + TOKENS), rate = at(collateral + 32);
  const ratio = seizeRatio(at(terms + 32), price, at(collateral + 64), rate, round);
  let repaid = min(mulWad(at(terms), borrows), borrows);
  if (!isNil(ratio)) repaid = min(repaid, sub(mulDivUp(add(tokens, one), wad(), ratio), one));
  if (less(at(gain.MOST), mulWad(price, repaid))) repaid = sub(mulDivUp(add(at(gain.MOST), one), wad(), price), one);
  require(!isNil(repaid), REFUSED);
  const seized = mulWad(ratio, repaid), reserved = mulWad(seized, at(share)), mine = sub(seized, reserved), amount = mulWad(rate, reserved);
  copy(TOTALS, totals, 8);
  if (!isZero(totals + 32, 4)) {
    increase(TOTALS, amount);
    decrease(TOTALS + 32, reserved);
  }
  gain.settleAssets(repaid, mine, reserved, mulWad(price, repaid), mulWad(at(collateral + 64), mulWad(rate, mine)));
  result(0, repaid);
  result(1, seized);
  result(2, mine);
  result(3, reserved);
  result(4, amount);
  put(debt + OWES, sub(borrows, repaid));
  put(collateral + TOKENS, sub(tokens, seized));
  copy(RESULTS + 160, debt + OWES, 4);
  copy(RESULTS + 192, collateral + TOKENS, 4);
  return end();
}

/** Leaves the totals of the seized market as the last liquidation does. */
export function carrySeized(totals: usize): void { copy(totals, TOTALS, 8); }
