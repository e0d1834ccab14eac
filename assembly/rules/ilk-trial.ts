/**
 * What-if of one urn: `Vat.frob` and `Jug.drip` of makerdao/dss@fa4f6630, tried out. The system's and the ilk's ceilings are taken to
 * leave room, and nobody to lack gem or dai.
 */
import { ARGS, RESULTS, SYSTEM } from "../layout";
import { near } from "../wide/float";
import { add as addLimbs, clear, compare, copy, divide, isZero, product } from "../wide/limbs";
import { bits } from "../wide/quotient";
import {
  Revert, add, at, begin, div, end, gwei, isNegative, isNil, less, min, mul, mulDivUp, negate, pow, ptr, put, ray, reverted, sub, u256, wad, word,
} from "../wide/u256";
import { ART as BEHIND_INK, BASE, DUST, DUTY, MAT, RATE, RHO, SPOT, VIEW_RATE, Why, dripRate, frob, isUnsafe, wideQuotient } from "./ilk";
import { FIRST, LAST, Question, TARGET, Verdict, byRatio, endless } from "./trial";

let question: i32 = Question.TIME, market: usize = 0;
const INK: usize = memory.data(64, 16), ART: usize = INK + 32;

/** Takes over what is asked of a vault, in a market's record as it is viewed. With `stored`, times begin where fees were last collected. */
export function beginTrial(asked: i32, record: usize, vault: usize, stored: bool): void {
  question = asked; market = record;
  clear(INK, 8);
  copy(INK, vault, 2);
  copy(ART, vault + BEHIND_INK, 2);
  if (asked == Question.TIME) { if (stored) copy(FIRST, record + RHO, 4); }
  else if (asked == Question.WITHDRAW) copy(LAST, INK, 4);
  else if (asked == Question.REPAY) copy(LAST, ART, 4);
  else endless();
}

export function tryAt(x: usize): i32 { return question == Question.TIME ? unsafeAt(x) : frobBy(x); }

export function mayHold(low: usize, high: usize): bool {
  return question == Question.TIME ? mayBeUnsafe(low, high) : frobBy(high) != Verdict.NO;
}

// ---- Amounts

/**
 * What `frob` says of an amount. It is monotone but for dust, which refuses what comes after what it accepts: the least that may be
 * borrowed, the most that may be repaid short of everything.
 */
function frobBy(x: usize): i32 {
  const gives = question >= Question.REPAY;
  begin();
  if (!gives || !isZero(x, 4)) {
    const nil = word(0), all = negate(word(1)), purse = gives ? all : nil, amount = at(x);
    const change = question == Question.BORROW || question == Question.COLLATERAL ? amount : negate(amount);
    const ofDebt = question == Question.BORROW || question == Question.REPAY;
    copy(ARGS, INK, 8);                       // ink, art
    copy(ARGS + 64, ART, 4);                  // Art
    copy(ARGS + 96, market + VIEW_RATE, 4);
    copy(ARGS + 128, market + SPOT, 4);
    put(ARGS + 160, all);                     // line
    copy(ARGS + 192, market + DUST, 4);
    put(ARGS + 224, purse);                   // debt
    put(ARGS + 256, all);                     // Line
    put(ARGS + 288, purse);                   // gem
    put(ARGS + 320, purse);                   // dai
    put(ARGS + 352, ofDebt ? nil : change);
    put(ARGS + 384, ofDebt ? change : nil);
    const why = frob();
    if (why == Why.VAT_DUST) return Verdict.BEYOND;
    if (why) return why == Revert.ARITHMETIC && (question == Question.WITHDRAW || question == Question.COLLATERAL) ? Verdict.BEYOND : Verdict.NO;
    if (!gives) return Verdict.YES;
  } else copy(RESULTS, INK, 8);
  return reaches() ? Verdict.YES : Verdict.NO;
}

/** Whether the ink and art among the results have the health, or the ratio, that is wanted. */
function reaches(): bool {
  begin();
  const ink = at(RESULTS), art = at(RESULTS + 32), rate = at(market + VIEW_RATE), spot = at(market + SPOT);
  if (byRatio) wideQuotient(2, ink, spot, at(market + MAT), art, rate, gwei());
  else wideQuotient(2, ink, spot, wad(), art, rate, word(1));
  return !reverted() && (!isZero(RESULTS + 96, 4) || compare(RESULTS + 64, TARGET, 4) >= 0);
}

// ---- Time

/** What `bark` would judge after a `drip` at a time. */
function unsafeAt(time: usize): i32 {
  begin();
  const rate = rateAt(at(time)), unsafe = isUnsafe(at(INK), at(ART), rate, at(market + SPOT));
  return reverted() ? Verdict.BEYOND : unsafe ? Verdict.YES : Verdict.NO;
}
function rateAt(time: u256): u256 { return dripRate(at(market + RATE), at(market + DUTY), at(SYSTEM + BASE), at(market + RHO), time); }

/**
 * Whether the vault may be unsafe at some time of an interval. rpow rounds every square and every product, so a later rate may be less by
 * the last digits, though a true power is not: what it makes of n is b·X^n·e^±E, where E is the sum of
 *
 *   ρ_k   of each square x_k up to the last that n needs: ρ_0 = 0, ρ_(k+1) = 2ρ_k + ρ_k² + θ_k / x_(k+1), θ_k being what was rounded
 *   u     of each product, one for each bit of n at most: half a unit of what is least among them
 *
 * So from n to any n' before it the power grows by e^2E at most, if fees are above 1; if they are below, from any n to one after it, and it
 * is never more than the square before n besides, for no factor is more than 1. E is below 2^−40, and 2.5·E is taken for e^2E − 1.
 */
function mayBeUnsafe(low: usize, high: usize): bool {
  begin();
  const one = ray(), fee = add(at(market + DUTY), at(SYSTEM + BASE)), grows = !less(fee, one), rho = at(market + RHO);
  if (!compare(ptr(fee), ptr(one), 4)) return false; // no square differs from the one before
  const first = sub(at(low), rho), last = sub(at(high), rho);
  const atLast = pow(fee, last, one), power = grows ? atLast : pow(fee, first, one);
  if (reverted() || isUnsafeWith(power)) return true;
  const error = errorOf(fee, bits(ptr(last), 4) - 1, grows ? 1e27 : near(ptr(atLast), 4));
  let most = power;
  const told = error < 9.1e-13; // 2^−40
  if (told) most = add(add(power, word(1)), mulDivUp(power, word(<u64>(error * 3.17e30) + 1), new u256(0, 68719476736))); // 2.5·2^100, 2^100
  if (grows) { if (!told) return true; }
  else {
    let before = one;
    if (!isNil(first)) {
      const n = bits(ptr(first), 4) - 1, square = word(0);
      store<u64>(ptr(square) + (n >> 6 << 3), <u64>1 << (n & 63));
      before = pow(fee, square, one);
    }
    most = told ? min(most, before) : before;
  }
  return isUnsafeWith(most);
}

/** Whether the vault may be unsafe where no more than a power comes before the rate; true too where something could overflow. */
function isUnsafeWith(power: u256): bool {
  const rate = div(mul(power, at(market + RATE)), ray());
  mul(add(power, word(1)), ray()); // what a product is before it is divided
  return isUnsafe(at(INK), at(ART), rate, at(market + SPOT)) || reverted() || isNegative(rate);
}

const S: usize = memory.data(32, 16), W: usize = memory.data(64, 16), R: usize = memory.data(32, 16);

/** E of the powers of a fee up to those that need `squares` squares, of which none is below `least`. */
function errorOf(fee: u256, squares: i32, least: f64): f64 {
  const one = ray(), halfOne = div(one, word(2));
  let error = 0.0, all = 0.0;
  copy(S, ptr(fee), 4);
  for (let k = 0; k < squares; ++k) {
    product(W, S, 4, S, 4);
    addLimbs(W, W, ptr(halfOne), 4); // no carry: the last of them did not revert
    divide(W, R, W, 8, ptr(one), 4);
    copy(S, W, 4);
    const rounded = abs(near(R, 4) / 1e27 - 0.5) + 1e-15; // as f64s know it
    error = (error * (2 + error) + rounded / near(S, 4)) * 1.000001;
    all += error;
  }
  return (all + <f64>squares / least) * 1.000001;
}
