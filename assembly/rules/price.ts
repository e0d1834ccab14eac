/**
 * Liquidation prices of accounts: of an asset that is held the smallest price from which on the account is healthy at every
 * price, of one that is owed the largest up to which it is; the other prices fixed.
 *
 * Health need not be monotone in a price: an average threshold is cut to whole basis points (Aave up to 3.4), and an asset may be
 * held and owed. But what is held, its average threshold, and what is owed each are. So over an interval of prices the account is
 * healthy if what it holds at one end suffices for what it owes at the other; an interval of which that does not prove it is
 * halved. Single prices are judged by the rule. From some price on the ends of the scale prove it for all that follow.
 */
import { byAverage, ofAave, ofComet, ofCompound } from "../cut";
import { RESULTS } from "../layout";
import { clear, compare, copy, isZero } from "../wide/limbs";
import { Round, add, at, begin, div, end, isNil, less, mul, mulDivDown, mulDivUp, ptr, sub, u256, wad, word } from "../wide/u256";
import { assetUnit, compoundHalf, owedRound, perTokenBeforePrice, thresholdFactor } from "./assets";

/** What a price is: a number, or an answer of its own. */
export namespace Trigger { export const PRICE = 0, NEVER = 1, ALWAYS = 2, REVERTS = 3, UNDECIDED = 4; }

/** Sums over the other assets, and of the asset in question what is held and owed of it, in units; its threshold in basis points. */
const OTHERS: usize = memory.data(192, 16);
const OTHER_VALUE = OTHERS, OTHER_WEIGHED = OTHERS + 32, OTHER_OWED = OTHERS + 64;
export const HELD = OTHERS + 96, OWED = OTHERS + 128;
let asset: usize = 0, isBase = false, bps: u64 = 0;

/** Takes over the sums over the other assets, of so many limbs; nothing is held or owed of the one in question yet. */
export function setOthers(value: usize, weighed: usize, owed: usize, limbs: u32): void {
  clear(OTHERS, 24);
  copy(OTHER_VALUE, value, limbs);
  copy(OTHER_WEIGHED, weighed, limbs);
  copy(OTHER_OWED, owed, limbs);
}

/** Sums at two prices, value, weighed value, average threshold and debt each: those of the lower and of the upper end. */
const LOW: usize = memory.data(128, 16), HIGH: usize = memory.data(128, 16);
const VALUE: usize = 0, WEIGHED: usize = 32, AVERAGE: usize = 64, DEBT: usize = 96;
let looked: u32 = 0;
/** Prices that are looked at before the search gives up. */
const MOST: u32 = 20_000;

/** The account's sums at a price, to LOW or HIGH. False where they leave 256 bits. */
function lookAt(to: usize, p0: u64, p1: u64): bool {
  ++looked;
  begin();
  const price = new u256(p0, p1), held = at(HELD), owed = at(OWED), unity = wad();
  let value = held, weighed = held, debt = owed;
  if (ofCompound()) {
    weighed = div(mul(div(add(mul(perTokenBeforePrice(asset), price), compoundHalf()), unity), held), unity);
    value = weighed;
    debt = div(mul(price, owed), unity);
  } else {
    const unit = assetUnit(asset, isBase);
    value = div(mul(held, price), unit);
    weighed = ofComet() ? (isBase ? weighed : div(mul(value, thresholdFactor(asset)), unity)) : mul(value, word(bps));
    debt = owedRound() == Round.UP ? mulDivUp(owed, price, unit) : div(mul(owed, price), unit);
  }
  value = add(value, at(OTHER_VALUE));
  weighed = add(weighed, at(OTHER_WEIGHED));
  copy(to + VALUE, ptr(value), 4);
  copy(to + WEIGHED, ptr(weighed), 4);
  copy(to + AVERAGE, ptr(isNil(value) ? value : div(weighed, value)), 4);
  copy(to + DEBT, ptr(add(debt, at(OTHER_OWED))), 4);
  return end() == 0;
}

/** Whether what is held at one end (values of `a`, the lesser average threshold) suffices for what is owed at the other (`b`). */
function suffices(a: usize, average: usize, b: usize): bool {
  if (isZero(b + DEBT, 4)) return true;
  begin();
  const debt = at(b + DEBT), half = div(debt, word(2)), unity = wad(), whole = word(10000);
  if (!ofAave()) return !less(at(a + WEIGHED), debt);
  // health·debt, half-up, reaches 1e18·debt
  const asked = mul(byAverage() ? debt : mul(debt, whole), unity);
  const has = byAverage() ? div(add(mul(at(a + VALUE), at(average + AVERAGE)), word(5000)), whole) : at(a + WEIGHED);
  const enough = !less(add(mul(has, unity), half), asked);
  if (end()) broken = true;
  return enough;
}
// @ts-ignore: decorator
@inline function healthy(at: usize): bool { return suffices(at, at, at); }
function lesser(): usize { return compare(LOW + AVERAGE, HIGH + AVERAGE, 4) < 0 ? LOW : HIGH; }

let found0: u64 = 0, found1: u64 = 0, broken = false;

/** The last unhealthy price of [lo, hi] (or with `first` the first); false where there is none. */
function search(lo0: u64, lo1: u64, hi0: u64, hi1: u64, first: bool): bool {
  if (looked > MOST || broken) { broken = true; return false; }
  if (!lookAt(LOW, lo0, lo1) || !lookAt(HIGH, hi0, hi1)) { broken = true; return false; }
  if (!healthy(first ? LOW : HIGH)) {
    found0 = first ? lo0 : hi0; found1 = first ? lo1 : hi1;
    return true;
  }
  if (suffices(LOW, lesser(), HIGH)) return false;
  const d0 = hi0 - lo0, d1 = hi1 - lo1 - u64(hi0 < lo0);
  if (!d1 && d0 <= 1) {
    if (!d0 || healthy(first ? HIGH : LOW)) return false;
    found0 = first ? hi0 : lo0; found1 = first ? hi1 : lo1;
    return true;
  }
  const h0 = d0 >> 1 | d1 << 63, m0 = lo0 + h0, m1 = lo1 + (d1 >> 1) + u64(m0 < lo0), n0 = m0 + 1, n1 = m1 + u64(!n0);
  if (first) return search(lo0, lo1, m0, m1, true) || search(n0, n1, hi0, hi1, true);
  return search(n0, n1, hi0, hi1, false) || search(lo0, lo1, m0, m1, false);
}

/** Prices are looked at below 2^126. */
const TOP: u32 = 126;

/**
 * More than roundings move a sum between two prices, in the unit of the sum (of Aave, ten-thousandths of it): an end of it errs by
 * less than 2, but what a cToken counts for is cut before it is multiplied, which costs up to a unit for each 10^18 that are held.
 */
function roundings(): u256 {
  if (ofAave()) return word(400000);
  const few = word(8);
  return ofCompound() ? add(div(mul(word(2), at(HELD)), wad()), few) : few;
}

/** Whether the account is healthy at every price from 2^k on: what is held outgrows what is owed, by more than roundings can take back. */
function healthyFrom(k: u32): bool {
  if (!lookAt(LOW, k < 64 ? <u64>1 << k : 0, k < 64 ? 0 : <u64>1 << (k - 64))) return false;
  if (!lookAt(HIGH, k < 63 ? <u64>1 << (k + 1) : 0, k < 63 ? 0 : <u64>1 << (k - 63))) return false;
  begin();
  // Twice the price: a sum that grows does so by what doubles, less what roundings cost at either end.
  const whole = word(ofAave() ? 10000 : 1), slack = roundings();
  const cut = byAverage();
  const whole1 = cut && bps == 1 && !less(at(LOW + WEIGHED), at(LOW + VALUE)); // an average of 1 at least
  const has = whole1 ? at(LOW + VALUE) : cut ? (less(at(LOW + WEIGHED), at(LOW + VALUE)) ? word(0) : sub(at(LOW + WEIGHED), at(LOW + VALUE))) : at(LOW + WEIGHED);
  const next = whole1 ? at(HIGH + VALUE) : cut ? (less(at(HIGH + WEIGHED), at(HIGH + VALUE)) ? word(0) : sub(at(HIGH + WEIGHED), at(HIGH + VALUE))) : at(HIGH + WEIGHED);
  const owes = add(mul(at(LOW + DEBT), whole), slack), grown = add(mul(sub(at(HIGH + DEBT), at(LOW + DEBT)), whole), slack);
  const enough = !less(has, owes) && !less(next, has) && (isZero(OWED, 4) || !less(sub(next, has), grown));
  return !end() && enough;
}

/** The price of the asset, to RESULTS; a Trigger. `others` were set, and HELD and OWED. */
export function find(record: usize, base: bool, threshold: u64, owed: bool): i32 {
  asset = record; isBase = base; bps = threshold; looked = 0; broken = false;
  clear(RESULTS, 4);
  if (isZero(OTHER_OWED, 4) && isZero(OWED, 4)) return Trigger.NEVER;
  if (!lookAt(LOW, 1, 0)) return Trigger.REVERTS;
  if (byAverage() && bps <= 1 && !owed && isZero(OWED, 4) && !isZero(HELD, 4) && (!bps || compare(OTHER_WEIGHED, OTHER_VALUE, 4) < 0)) return Trigger.ALWAYS; // the average falls to 0
  if (isZero(OWED, 4) && (isZero(HELD, 4) || !counts())) return healthy(LOW) ? Trigger.NEVER : Trigger.ALWAYS;
  let k: u32 = 0;
  if (owed) { // octave by octave, the first price that is not healthy
    for (; k < TOP; ++k) {
      const lo0 = k < 64 ? <u64>1 << k : 0, lo1 = k < 64 ? 0 : <u64>1 << (k - 64);
      const hi0 = (lo0 << 1) - 1, hi1 = (lo1 << 1 | lo0 >> 63) - u64(!(lo0 << 1));
      if (search(lo0, lo1, hi0, hi1, true)) break;
      if (broken) return looked > MOST ? Trigger.UNDECIDED : Trigger.REVERTS;
      if (healthyFrom(k)) return Trigger.NEVER;
    }
    if (k == TOP) return isZero(OWED, 4) ? Trigger.NEVER : Trigger.REVERTS;
    if (!found1 && found0 == 1) return Trigger.ALWAYS;
    store<u64>(RESULTS, found0 - 1);
    store<u64>(RESULTS, found1 - u64(!found0), 8);
    return Trigger.PRICE;
  }
  while (k < TOP && !healthyFrom(k)) ++k;
  if (k == TOP) {
    const side = isZero(HELD, 4) ? -1 : outgrows();
    return side < 0 ? Trigger.ALWAYS : side ? Trigger.REVERTS : Trigger.UNDECIDED;
  }
  const hi0 = k < 64 ? <u64>1 << k : 0, hi1 = k < 64 ? 0 : <u64>1 << (k - 64);
  if (!search(1, 0, hi0, hi1, false)) return broken ? (looked > MOST ? Trigger.UNDECIDED : Trigger.REVERTS) : Trigger.NEVER;
  found0 += 1;
  store<u64>(RESULTS, found0);
  store<u64>(RESULTS, found1 + u64(!found0), 8);
  return Trigger.PRICE;
}

/** Whether what is held of the asset counts for anything. */
function counts(): bool { return ofCompound() ? !isNil(perTokenBeforePrice(asset)) : ofComet() ? !isNil(thresholdFactor(asset)) : bps != 0; }

/** Whether at high prices more is owed than what is held can cover (−1), or less (1), or roundings decide (0). */
function outgrows(): i32 {
  if (!lookAt(HIGH, 0, <u64>1 << (TOP - 65))) return 1;
  begin();
  const held = sub(at(HIGH + WEIGHED), at(OTHER_WEIGHED)), owed = sub(at(HIGH + DEBT), at(OTHER_OWED));
  const debt = mul(owed, word(ofAave() ? 10000 : 1)), slack = roundings();
  if (less(add(held, slack), debt)) return -1;
  return less(add(debt, byAverage() ? add(slack, at(HIGH + VALUE)) : slack), held) ? 1 : 0;
}
