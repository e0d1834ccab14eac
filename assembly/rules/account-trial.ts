/**
 * What-if of one account: `borrow`, `withdraw`, `repay`, `supply` of Aave's pool (aave-v3-core@782f5191, aave-v3-origin v3.1.0 to
 * fd1fbd91: `ValidationLogic`, `SupplyLogic`, `BorrowLogic`), `borrowAllowed`, `redeemAllowed` of compound-protocol@a3214f67, `withdraw`,
 * `supply` of comet@d5a30b0a, tried out on the account laid out as their arguments; and what they judge as time goes by.
 * What a book does not know (caps, cash, pauses, what an eMode lends, a least borrow) is taken to allow it.
 */
import { byAverage, ofAave, ofComet, ofCompound } from "../cut";
import { ARGS, RESULTS, SYSTEM } from "../layout";
import { clear, compare, copy, isZero } from "../wide/limbs";
import {
  Revert, Round, add, arg, at, begin, count, div, end, fits, isNegative, isNil, less, mul, mulThenDiv, negate, put, reverted, rows, sub, u256, wad, word,
} from "../wide/u256";
import * as aave from "./aave";
import { COLLATERAL as SUM, OWED, isShort } from "./account";
import {
  AaveFigure, CometFigure, DEBT, HEALTH, TokenFigure, alsoRow, choices, derive, deriveBase, judgeLaid, lay, setView, slow,
} from "./assets";
import * as comet from "./comet";
import * as compound from "./compound";
import { ASSET, ASSETS, BASE, BORROW_INDEX, BROKEN, Kind, amountBytes, amountsOf, tagsOf } from "./lines";
import { ratioTo, startScenario } from "./shelf";
import { Status } from "./status";
import { FIRST, LAST, Question, TARGET, Verdict, byRatio, endless } from "./trial";

let question: i32 = Question.TIME, set: usize = 0, vault: usize = 0, lines: u32 = 0;
/** The asset, its row among the arguments, and what stood there of the side in question; the account's bits. */
let asset: u32 = 0, row: usize = 0;
const BEFORE: usize = memory.data(32, 16), CONFIG: usize = memory.data(32, 16), RATIO: usize = memory.data(64, 16);
/** Whether the account has what is wanted already; whether what it has of the asset counts; whether an Aave lends on it. */
let already: bool = false, counts: bool = false, lends: bool = false;
/** Of the account as it is. */
export let status: i32 = Status.SAFE;

/** Takes over what is asked of an account; false where a call would revert whatever the amount. With `stored`, times begin at the last accrual. */
export function beginTrial(asked: i32, assets: usize, account: usize, room: u32, index: u32, stored: bool): bool {
  question = asked; vault = account; lines = room; asset = index;
  if (asked == Question.TIME) {
    set = startScenario();
    falls = false;
    if (ofAave() && (load<u64>(LAST) >> 40 || !isZero(LAST + 8, 3))) { // its clock ends; far beyond, exponents would wrap
      clear(LAST, 4);
      store<u64>(LAST, (<u64>1 << 40) - 1);
    }
    if (stored) clear(FIRST, 4);
    eachLine(stored);
    return true;
  }
  set = assets;
  status = slow(set, vault, lines);
  already = reaches(status) == Verdict.YES;
  if (asked >= Question.REPAY && already) { clear(LAST, 4); return true; }
  const isBase = ofComet() && index == BASE, owed = asked == Question.BORROW || asked == Question.REPAY;
  if ((isBase || ofCompound()) && load<u32>(set + ASSETS + index * ASSET, BROKEN)) return false;
  counts = !ofCompound() || isEntered();
  if (!counts) return true;
  if (lay(set, vault, lines, 0, -1, isBase ? -1 : index, ofCompound() && asked == Question.BORROW)) return false;
  row = alsoRow;
  copy(BEFORE, isBase ? ARGS : row + sideOf(owed), 4);
  endless();
  if (ofAave()) return beginReserve();
  if (ofCompound()) return beginToken();
  if (asked == Question.WITHDRAW) copy(LAST, BEFORE, 4);
  else if (asked == Question.REPAY) {
    begin();
    if (isNegative(at(BEFORE))) put(LAST, comet.debtOf(at(BEFORE), arg(2)));
    else clear(LAST, 4);
    return end() == 0;
  }
  return true;
}

/** Where in its row an asset's balance or debt stands. */
function sideOf(owed: bool): usize {
  if (ofAave()) return owed ? <usize>aave.Reserve.SCALED_DEBT : <usize>aave.Reserve.SCALED_BALANCE;
  return ofComet() ? 32 : owed ? 128 : 96;
}

export function tryAt(x: usize): i32 {
  if (question == Question.TIME) return statusAt(x);
  summed = false;
  if (question >= Question.REPAY && isZero(x, 4)) return already ? Verdict.YES : Verdict.NO;
  return ofAave() ? tryReserve(x) : ofCompound() ? tryToken(x) : tryComet(x);
}

/** Whether what was laid out has the health, or the ratio, that is wanted. */
function reaches(is: i32): i32 {
  if (is == Status.REVERTS) return reverting();
  if (!byRatio) return compare(HEALTH, TARGET, 4) >= 0 ? Verdict.YES : Verdict.NO;
  ratioTo(RATIO);
  return isZero(DEBT, 4) || !isZero(RATIO + 32, 4) || compare(RATIO, TARGET, 4) >= 0 ? Verdict.YES : Verdict.NO;
}

/**
 * What a revert says of the amount: what overflows does so with more collateral, or with more debt. A Comet does not look at all assets,
 * if it has seen enough: of those only the one in question tells.
 */
function reverting(): i32 {
  if (question == Question.BORROW || question == Question.REPAY) return Verdict.NO;
  if (ofCompound() && question == Question.WITHDRAW) return Verdict.NO; // whose collateral stays while it is asked
  if (!ofComet()) return Verdict.BEYOND;
  begin();
  comet.addCollateral(at(row + 32), at(row + 64), at(row + 96), at(row + (question == Question.WITHDRAW ? 128 : 160)));
  return end() == Revert.ARITHMETIC ? Verdict.BEYOND : Verdict.NO;
}

// ---- Aave

const USED: u64 = 0x5555555555555555;

function beginReserve(): bool {
  copy(CONFIG, ARGS + (aave.Arg.CONFIG << 5), 4);
  judgeLaid(); // finds the category
  lends = aave.decisiveLtv(row) != 0;
  counts = aave.bit(CONFIG, asset << 1 | 1);
  aave.start();
  if (question == Question.WITHDRAW) put(LAST, aave.balanceOf(at(BEFORE), aave.incomeAt(row)));
  if (question == Question.REPAY) put(LAST, aave.debtOf(at(BEFORE), aave.debtIndexAt(row)));
  return end() == 0;
}

function setBit(index: u32, on: bool): void {
  const byte = ARGS + (aave.Arg.CONFIG << 5) + (index >> 3), mask: u32 = 1 << (index & 7);
  store<u8>(byte, on ? <u8>(load<u8>(byte) | mask) : <u8>(load<u8>(byte) & ~mask));
}

/** Whether the last look came as far as the sums. */
let summed: bool = false;

function tryReserve(x: usize): i32 {
  const takes = question < Question.REPAY, owed = question == Question.BORROW || question == Question.REPAY, none = isZero(x, 4), all = compare(x, LAST, 4) == 0;
  const place = row + sideOf(owed);
  copy(ARGS + (aave.Arg.CONFIG << 5), CONFIG, 4);
  copy(place, BEFORE, 4);
  aave.start();
  const before = at(BEFORE), index = owed ? aave.debtIndexAt(row) : aave.incomeAt(row);
  const scaled = aave.rayDiv(at(x), index, aave.directed(aave.Choice.DIRECTED_TOKENS, takes ? Round.UP : Round.DOWN));
  const grows = question == Question.BORROW || question == Question.COLLATERAL, after = grows ? add(before, scaled) : sub(before, scaled);
  if (reverted() || !fits(grows ? after : scaled, aave.chosen(aave.Choice.NARROW_TOKENS) ? 120 : 128)) return takes ? Verdict.NO : Verdict.BEYOND;
  if (!none && isNil(scaled)) return takes ? Verdict.BEYOND : Verdict.NO; // no token mints or burns nothing
  if (question == Question.BORROW && !aave.chosen(aave.Choice.CEIL_DEBTS)) return borrowsFirst(x);
  put(place, after);
  if (question == Question.BORROW) { if (!none) setBit(asset << 1, true); }
  else if (question == Question.COLLATERAL) { if (lends && isNil(before)) setBit(asset << 1 | 1, true); }
  else if (question == Question.REPAY) { if (aave.chosen(aave.Choice.BORROWS_BY_BALANCE) ? isNil(after) : all) setBit(asset << 1, false); }
  else {
    const debts = (load<u64>(CONFIG) | load<u64>(CONFIG, 8) | load<u64>(CONFIG, 16) | load<u64>(CONFIG, 24)) & USED;
    if (!counts || !debts) return Verdict.YES;
    if (!none && (aave.chosen(aave.Choice.DIRECTED_TOKENS) ? isNil(after) : all)) setBit(asset << 1 | 1, false);
  }
  const now = judgeLaid();
  summed = now != Status.REVERTS;
  if (!takes || !summed) return reaches(now);
  if (now == Status.UNSAFE) return Verdict.NO;
  if (question == Question.WITHDRAW) return aave.hasZeroLtv && lends ? Verdict.NO : Verdict.YES;
  const ltv = aave.average(aave.BY_LTV);
  return !isNil(ltv) && covers(at(aave.DEBT), ltv, Round.UP) ? Verdict.YES : Verdict.NO;
}

/** Whether the collateral is no less than a debt asks for at an LTV. */
function covers(debt: u256, ltv: u256, round: i32): bool {
  const asked = aave.percentDiv(debt, ltv, round);
  return !reverted() && !less(at(aave.COLLATERAL), asked);
}

/** `validateBorrow` up to 3.4, before anything is borrowed: health above 1, and the LTV of what there is covers the new debt too. */
function borrowsFirst(x: usize): i32 {
  if (judgeLaid() == Status.REVERTS) return Verdict.NO;
  const inMode = aave.isInMode(row), ltv = aave.average(aave.BY_LTV);
  if (aave.chosen(aave.Choice.EMODE_BY_ID) && !inMode && !isNil(arg(aave.Arg.CATEGORY))) return Verdict.NO;
  if (isNil(ltv) || !less(wad(), at(HEALTH))) return Verdict.NO;
  const value = div(mul(aave.priceOf(row, inMode), at(x)), aave.unitOf(row));
  return covers(add(at(aave.DEBT), value), ltv, Round.HALF_UP) ? Verdict.YES : Verdict.NO;
}

// ---- Compound v2

/** A row behind the last that adds what a hypothetical redemption or borrow does. */
let effect: usize = 0;

/** Whether the account has entered the asset's market, or nothing of it; else what it holds there (to LAST) is free to go, and of no use. */
function isEntered(): bool {
  let amount = amountsOf(vault, lines), entered = question != Question.WITHDRAW;
  clear(LAST, 4);
  for (let tag = tagsOf(vault), last = tag + (<u32>load<u16>(vault, 6) << 1); tag < last; tag += 2, amount += amountBytes()) {
    const kind = <u32>load<u8>(tag, 1);
    if (<u32>load<u8>(tag) != asset) continue;
    entered = kind < Kind.IDLE;
    if (question == Question.WITHDRAW && kind == Kind.IDLE) copy(LAST, amount, 2);
  }
  return entered || question == Question.BORROW;
}

function beginToken(): bool {
  begin();
  if (question == Question.WITHDRAW || question == Question.REPAY) copy(LAST, BEFORE, 4);
  if (question >= Question.REPAY) return true;
  const price = question == Question.BORROW ? at(row + 64) : compound.perToken(at(row), at(row + 32), at(row + 64), choices);
  effect = rows(0) + <usize>count(0) * 160;
  memory.fill(effect, 0, 160);
  put(effect + 64, price);
  if (question == Question.BORROW || !isNil(price)) store<u32>(ARGS, count(0) + 1); // what counts for nothing has no effect
  return end() == 0;
}

function tryToken(x: usize): i32 {
  if (!counts) return question == Question.WITHDRAW ? Verdict.YES : Verdict.NO;
  begin();
  if (question < Question.REPAY) copy(effect + 128, x, 4);
  else if (question == Question.REPAY) { // what is left is kept at the index of now, and read at it
    const index = at(set + ASSETS + asset * ASSET + BORROW_INDEX);
    put(row + 128, compound.balanceOf(sub(at(BEFORE), at(x)), index, index));
  }
  else put(row + 96, add(at(BEFORE), mulThenDiv(at(x), wad(), at(row + 32), Round.DOWN)));
  if (end()) return question == Question.REPAY ? Verdict.NO : Verdict.BEYOND;
  const now = judgeLaid();
  return question >= Question.REPAY ? reaches(now) : now == Status.SAFE ? Verdict.YES : Verdict.NO;
}

// ---- Comet

function tryComet(x: usize): i32 {
  begin();
  const before = at(BEFORE), amount = at(x);
  if (question == Question.BORROW || question == Question.REPAY) {
    const owes = isNegative(before), present = owes ? comet.debtOf(before, arg(2)) : comet.presentValue(before, arg(1));
    if (!owes && !less(present, amount)) { // of what it has supplied
      mulThenDiv(sub(present, amount), comet.indexScale(), arg(1), Round.DOWN);
      return end() ? Verdict.NO : Verdict.YES;
    }
    const owed = question == Question.REPAY ? sub(present, amount) : owes ? add(present, amount) : sub(amount, present);
    const principal = mulThenDiv(owed, comet.indexScale(), arg(2), Round.UP);
    if (end() || !fits(principal, 103)) return Verdict.NO;
    put(ARGS, negate(principal));
    if (question == Question.BORROW && isNil(owed)) return Verdict.YES;
  } else {
    const balance = question == Question.WITHDRAW ? sub(before, amount) : add(before, amount);
    if (!fits(balance, 128)) return Verdict.BEYOND;
    put(row + 32, balance);
    copy(row + 64, set + ASSETS + asset * ASSET + CometFigure.PRICE, 8); // and scale
    if (isNil(balance)) { // the account has the asset no more: neither is asked for
      put(row + 64, word(1));
      put(row + 96, word(1));
    }
  }
  if (question >= Question.REPAY) return reaches(judgeLaid());
  const why = comet.isBorrowCollateralized();
  return why ? reverting() : load<u32>(RESULTS) ? Verdict.YES : Verdict.NO;
}

// ---- Intervals

const HIGH: usize = memory.data(128, 16);
const HIGH_DEBT = HIGH + 32;

/**
 * Amounts: each rule is monotone, but for an average threshold cut to whole basis points (Aave up to 3.4). Over an interval the
 * collateral is no more than at its end, and the average, which follows the asset's own one way or the other, no more than at one of both.
 */
export function mayHold(low: usize, high: usize): bool {
  if (question == Question.TIME) return mayBeUnsafe(low, high);
  const verdict = tryAt(high);
  if (verdict != Verdict.NO || !byAverage() || question == Question.BORROW || question == Question.REPAY || !summed) return verdict != Verdict.NO;
  if (question == Question.WITHDRAW ? aave.hasZeroLtv && lends : byRatio) return false;
  const highest = aave.average(aave.BY_THRESHOLD);
  copy(HIGH, aave.COLLATERAL, 16);
  put(RATIO, highest);
  tryAt(low);
  if (!summed) return true;
  const other = aave.average(aave.BY_THRESHOLD), most = less(other, at(RATIO)) ? at(RATIO) : other;
  copy(aave.COLLATERAL, HIGH, 4);
  put(aave.BY_THRESHOLD, mul(at(HIGH), most));
  const health = aave.healthFactor();
  return end() != 0 || (question == Question.WITHDRAW ? !aave.isLiquidatable(health) : !less(health, at(TARGET)));
}

/** What the account is at a time, all that it uses accrued till then. */
function statusAt(time: usize): i32 {
  setView(time);
  if (ofComet()) deriveBase(set + ASSETS + BASE * ASSET);
  else if (ofCompound()) eachLine(false);
  const is = slow(set, vault, lines);
  return is == Status.REVERTS ? Verdict.BEYOND : is == Status.UNSAFE ? Verdict.YES : Verdict.NO;
}

/** Whether an exchange rate may fall: more than all interest goes to the reserves, which no cToken allows. */
let falls: bool = false;

/** Derives the assets that an account uses, anew; or finds the latest of their accruals, before which one of them reverts. */
function eachLine(find: bool): void {
  if (find && ofComet()) copy(FIRST, SYSTEM + CometFigure.LAST_ACCRUAL, 4);
  for (let tag = tagsOf(vault), last = tag + (<u32>load<u16>(vault, 6) << 1); tag < last; tag += 2) {
    const record = set + ASSETS + <u32>load<u8>(tag) * ASSET;
    if (load<u8>(tag, 1) >= <u8>Kind.IDLE || ofComet()) continue;
    if (ofCompound()) {
      begin();
      if (less(wad(), at(record + TokenFigure.RESERVE_FACTOR))) falls = true;
      if (!find) derive(record);
    }
    const touched = record + (ofCompound() ? TokenFigure.BLOCK : AaveFigure.LAST_UPDATE);
    if (find && compare(FIRST, touched, 4) < 0) copy(FIRST, touched, 4);
  }
}

/**
 * Time: what is held, what its thresholds leave of it and what is owed never fall, for neither do indexes, so that over an interval
 * the account is safe if what it holds at its beginning suffices for what it owes at its end (an average is at least what the first threshold
 * sum makes of the last collateral).
 */
function mayBeUnsafe(low: usize, high: usize): bool {
  const later = statusAt(high);
  if (later != Verdict.NO || ofComet()) return later != Verdict.NO; // whose collateral does not accrue
  if (ofCompound()) {
    copy(HIGH_DEBT, OWED, 4);
    statusAt(low);
    return falls || compare(SUM, HIGH_DEBT, 4) < 0;
  }
  copy(HIGH, aave.COLLATERAL, 16);
  statusAt(low);
  copy(aave.DEBT, HIGH_DEBT, 4);
  if (byAverage() && !isZero(HIGH, 4)) put(aave.BY_THRESHOLD, mul(at(aave.COLLATERAL), div(at(aave.BY_THRESHOLD), at(HIGH))));
  return aave.isLiquidatable(aave.healthFactor()) || end() != 0;
}
