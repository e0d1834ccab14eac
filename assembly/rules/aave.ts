/**
 * Aave v3: indexes, accounts and rates of aave/aave-v3-core@782f5191 (3.0) and aave-dao/aave-v3-origin, tags v3.1.0 to v3.6.0 and
 * fd1fbd91 (3.7): `MathUtils`, `ReserveLogic`, `GenericLogic`, the rate strategies, re-implemented from the formulas. Indexes and
 * rates ray, thresholds and shares bps, prices and values in the pool's base currency, times in seconds.
 */
import { ARGS } from "../layout";
import { add as addLimbs, clear, compare, copy } from "../wide/limbs";
import {
  Revert, Round, WAD, add, arg, at, begin, count, div, end, forget, isNil, less, mul, mulDivHalfUp, mulDivWithin, mulWrapping, ptr, ray,
  result, resultFlag, revert, rows, sub, u256, word,
} from "../wide/u256";

export namespace Why {
  /** The libraries' assembly reverts without data. */
  export const EMPTY = 3;
  export const HEALTHY = 4, NOT_COLLATERAL = 5, NOT_BORROWED = 6, DUST = 7, BURNS_NOTHING = 8, TOO_MANY_RESERVES = 9, CAST = 10;
}

// ---- What revisions do differently

/**
 * The bits of argument 0, in the order of bindings/protocols/aave-v3.ts, where they are explained. 7 and 8 only say what fields there
 * are, and are not asked for here.
 */
export namespace Choice {
  export const RATES_IN_BPS = 1 << 0, STABLE_DEBT = 1 << 1, EXPONENTIAL = 1 << 2;
  export const COUNTS_RESERVES = 1 << 3, EMODE_BY_ID = 1 << 4, COUNTS_THRESHOLD_ZERO = 1 << 5, EMODE_LTV_ALONE = 1 << 6;
  export const FLOOR_BALANCES = 1 << 9, CEIL_DEBTS = 1 << 10, CEIL_DEBT_VALUES = 1 << 11, PROJECTS_NO_DEBT = 1 << 12;
  export const HEALTH_FROM_SUM = 1 << 13, FLOOR_BORROWS = 1 << 14;
  export const POSITION_CLOSE_FACTOR = 1 << 15, DUST_RULE = 1 << 16, BURNS_BAD_DEBT = 1 << 17;
  export const CEIL_REPAID = 1 << 18, DIRECTED_BONUS = 1 << 19, DIRECTED_TOKENS = 1 << 20, NARROW_TOKENS = 1 << 21;
  export const ACCRUES_BOTH = 1 << 22, BORROWS_BY_BALANCE = 1 << 23, LEFT_BY_SCALED = 1 << 24;
}

let choices: u32 = 0;
/** Sets what the rules below do, until it is set anew. */
export function choose(mask: u32): void { choices = mask; }
export function chosen(choice: u32): bool { return (choices & choice) != 0; }
/** The direction of a revision that rounds in one; half up before. */
export function directed(choice: u32, round: i32): i32 { return chosen(choice) ? round : Round.HALF_UP; }

/** Begins a contract's function, whose argument 0 is the choices. */
export function start(): void {
  begin();
  choose(load<u32>(ARGS));
}

// ---- The libraries' arithmetic

/** An operation of `WadRayMath`, `PercentageMath`: `a·b/unit`, or with DIVIDE `a·unit/b`; a unit, and a Round. */
namespace Op { export const DIVIDE = 4, RAY = 8, PERCENT = 16, GIGA = 24, UNIT = 24, ROUND = 3; }

function operate(op: u32, a: u256, b: u256): u256 {
  const kind = op & Op.UNIT, round = op & Op.ROUND;
  const unit = kind == Op.RAY ? ray() : word(kind == Op.PERCENT ? 10000 : kind ? 1000000000 : WAD);
  return op & Op.DIVIDE ? mulDivWithin(a, unit, b, round, Why.EMPTY) : mulDivWithin(a, b, unit, round, Why.EMPTY);
}
export function rayMul(a: u256, b: u256, round: i32): u256 { return operate(Op.RAY | round, a, b); }
export function rayDiv(a: u256, b: u256, round: i32): u256 { return operate(Op.RAY | Op.DIVIDE | round, a, b); }
export function percentMul(a: u256, b: u256, round: i32): u256 { return operate(Op.PERCENT | round, a, b); }
export function percentDiv(a: u256, b: u256, round: i32): u256 { return operate(Op.PERCENT | Op.DIVIDE | round, a, b); }
function wadToRay(a: u256): u256 { return operate(Op.GIGA | Op.DIVIDE, a, word(1)); }

/** The vectors' operations by number; 6, 7 and 15 stand outside. */
const OPERATIONS: usize = memory.data<u8>([
  2, 6, 10, 14, 18, 22, 0, 0,       // wadMul, wadDiv, rayMul, rayDiv, percentMul, percentDiv, rayToWad, wadToRay
  8, 9, 12, 13, 16, 17, 21, 0,      // rayMulFloor, -Ceil, rayDivFloor, -Ceil, percentMulFloor, -Ceil, percentDivCeil, mulDivCeil
  12, 13, 13, 8, 13, 12, 9, 20,     // aToken: mint, burn, transfer, balance; vToken: mint, burn, balance; percentDivFloor
]);

/** arguments: choices, operation, a, b, c */
export function math(): i32 {
  start();
  const op = arg(1).lo1 as u32, a = arg(2), b = arg(3);
  result(0,
    op == 6 ? mulDivHalfUp(a, word(1), word(1000000000)) // rounds by the remainder: no overflow
    : op == 7 ? wadToRay(a)
    : op == 15 ? mulDivWithin(a, b, arg(4), Round.UP, Why.EMPTY)
    : operate(load<u8>(OPERATIONS + op), a, b));
  return end();
}

export function equal(a: u256, b: u256): bool { return !compare(ptr(a), ptr(b), 4); }

// ---- Indexes

function year(): u256 { return word(31536000); }

/** `MathUtils.calculateLinearInterest` over `elapsed` seconds. */
function linearInterest(rate: u256, elapsed: u256): u256 { return add(ray(), div(mul(rate, elapsed), year())); }

/** `MathUtils.calculateCompoundedInterest`: three terms of a series, that of e^x or the binomial one. */
function compoundedInterest(rate: u256, elapsed: u256): u256 {
  const two = word(2), six = word(6);
  if (isNil(elapsed)) return ray();
  if (chosen(Choice.EXPONENTIAL)) { // unchecked, but beyond the first product nothing wraps that rayMul lets pass
    const x = div(mulWrapping(rate, elapsed), year());
    const third = rayMul(x, div(x, six), Round.HALF_UP);
    return add(add(ray(), x), rayMul(x, add(div(x, two), third), Round.HALF_UP));
  }
  const square = div(rayMul(rate, rate, Round.HALF_UP), mul(year(), year()));
  const cube = div(rayMul(square, rate, Round.HALF_UP), year());
  const pairs = mul(elapsed, sub(elapsed, word(1)));
  const second = div(mul(pairs, square), two);
  const third = div(mul(mul(pairs, less(two, elapsed) ? sub(elapsed, two) : word(0)), cube), six);
  return add(add(linearInterest(rate, elapsed), second), third);
}

/** `ReserveLogic.getNormalizedIncome`: the index of suppliers at `now`. */
export function incomeIndex(index: u256, rate: u256, last: u256, now: u256): u256 {
  const elapsed = sub(now, last);
  return isNil(elapsed) ? index : rayMul(linearInterest(rate, elapsed), index, Round.HALF_UP);
}

/** `ReserveLogic.getNormalizedDebt`: the index of borrowers at `now`. */
export function debtIndex(index: u256, rate: u256, last: u256, now: u256): u256 {
  const elapsed = sub(now, last);
  return isNil(elapsed) ? index : rayMul(compoundedInterest(rate, elapsed), index, Round.HALF_UP);
}

/** arguments: choices, index, rate, last, now */
export function normalizedIncome(): i32 {
  start();
  result(0, incomeIndex(arg(1), arg(2), arg(3), arg(4)));
  result(1, linearInterest(arg(2), sub(arg(4), arg(3))));
  return end();
}

export function normalizedDebt(): i32 {
  start();
  result(0, debtIndex(arg(1), arg(2), arg(3), arg(4)));
  result(1, compoundedInterest(arg(2), sub(arg(4), arg(3))));
  return end();
}

// ---- An account: begin it, add its legs, ask

/** Sums over the legs: values of collateral and debt, and collateral by LTV and by liquidation threshold. */
export const COLLATERAL: usize = memory.data(128, 16);
export const DEBT: usize = COLLATERAL + 32;
export const BY_LTV: usize = COLLATERAL + 64;
export const BY_THRESHOLD: usize = COLLATERAL + 96;
export let hasZeroLtv: bool = false;

export function beginAccount(): void {
  clear(COLLATERAL, 16);
  hasZeroLtv = false;
}

function accumulate(sum: usize, value: u256): void { if (addLimbs(sum, sum, ptr(value), 4)) revert(Revert.ARITHMETIC); }

export function balanceOf(scaled: u256, income: u256): u256 { return rayMul(scaled, income, directed(Choice.FLOOR_BALANCES, Round.DOWN)); }
export function debtOf(scaled: u256, index: u256): u256 { return rayMul(scaled, index, directed(Choice.CEIL_DEBTS, Round.UP)); }
export function valueOf(amount: u256, price: u256, unit: u256): u256 { return div(mul(amount, price), unit); }
export function debtValueOf(debt: u256, price: u256, unit: u256): u256 {
  return chosen(Choice.CEIL_DEBT_VALUES) ? mulDivWithin(debt, price, unit, Round.UP, Why.EMPTY) : valueOf(debt, price, unit);
}

/** Whether an enabled collateral with this threshold of its own counts at all. */
export function takesPart(threshold: u64): bool { return threshold != 0 || chosen(Choice.COUNTS_THRESHOLD_ZERO); }

/**
 * A collateral's LTV for its user, whose category may hold it (`inMode`), hold it at 0 (`zeroed`), or lend on nothing else (`isolated`).
 * Notes a collateral without any.
 */
export function ltvOf(own: u64, inMode: bool, modeLtv: u64, zeroed: bool, isolated: bool): u64 {
  if (!chosen(Choice.EMODE_LTV_ALONE)) {
    if (!own) hasZeroLtv = true;
    return own && inMode ? modeLtv : own;
  }
  const ltv = inMode ? (zeroed ? 0 : modeLtv) : isolated ? 0 : own;
  if (!ltv) hasZeroLtv = true;
  return ltv;
}

/** A leg of collateral: a scaled balance at its reserve's income. */
export function addCollateral(scaled: u256, income: u256, price: u256, unit: u256, ltv: u64, threshold: u64): void {
  const value = valueOf(balanceOf(scaled, income), price, unit);
  accumulate(COLLATERAL, value);
  accumulate(BY_LTV, mul(value, word(ltv)));
  accumulate(BY_THRESHOLD, mul(value, word(threshold)));
}

/** Whether the index of a reserve is asked for a user with this scaled debt, and may revert. */
export function projectsDebt(scaled: u256): bool { return !isNil(scaled) || chosen(Choice.PROJECTS_NO_DEBT); }

/** A leg of debt, in units of its asset. */
export function addDebt(debt: u256, price: u256, unit: u256): void { accumulate(DEBT, debtValueOf(debt, price, unit)); }

export function average(sum: usize): u256 {
  const collateral = at(COLLATERAL);
  return isNil(collateral) ? collateral : div(at(sum), collateral);
}

/** Wad, all ones without debt. Of the truncated average threshold, or of Σ value·threshold. */
export function healthFactor(): u256 {
  const debt = at(DEBT), sums = chosen(Choice.HEALTH_FROM_SUM);
  if (isNil(debt)) return new u256(-1, -1, -1, -1);
  const secured = sums ? at(BY_THRESHOLD) : percentMul(at(COLLATERAL), average(BY_THRESHOLD), Round.HALF_UP);
  const health = operate(Op.DIVIDE | Round.HALF_UP, secured, debt);
  return sums ? div(health, word(10000)) : health;
}

/** Health as a fraction of what it divides, before it rounds. */
export function healthParts(numerator: usize, denominator: usize): void {
  const sums = chosen(Choice.HEALTH_FROM_SUM);
  copy(numerator, ptr(sums ? at(BY_THRESHOLD) : percentMul(at(COLLATERAL), average(BY_THRESHOLD), Round.HALF_UP)), 4);
  copy(denominator, ptr(sums ? mul(at(DEBT), word(10000)) : at(DEBT)), 4);
}

export function isLiquidatable(health: u256): bool { return less(health, word(WAD)); }

// ---- The account in the arguments

/** Arguments of `accountData` and, with three more, `liquidationCall`. */
export namespace Arg {
  export const NOW = 1, CATEGORY = 2, CONFIG = 3, COUNT = 4, CATEGORIES = 5, RESERVES = 6, COLLATERAL_ID = 7, DEBT_ID = 8, COVER = 9;
}

/** A row of `reserves`, by byte. */
export namespace Reserve {
  export const DECIMALS = 32, LTV = 64, THRESHOLD = 96, PRICE = 128;
  export const LIQUIDITY_INDEX = 160, LIQUIDITY_RATE = 192, BORROW_INDEX = 224, BORROW_RATE = 256, LAST_UPDATE = 288;
  export const SCALED_BALANCE = 320, SCALED_DEBT = 352, STABLE_DEBT = 384, CATEGORY = 416, BONUS = 448, FEE = 480;
  export const BYTES = 576;
}

/** A row of `eModeCategories`. */
export namespace Category {
  export const LTV = 32, THRESHOLD = 64, BONUS = 96, PRICE = 128, COLLATERALS = 160, LTV_ZEROS = 192, ISOLATED = 224;
  export const BYTES = 256;
}

/** A row where there is none: a category that does not exist holds nothing. */
export const NOTHING: usize = memory.data(576, 16);
/** The user's category. */
export let category: usize = NOTHING;

/** The row with this id, or NOTHING. */
function find(field: u32, bytes: usize, id: u64): usize {
  let row = rows(field);
  for (let left = count(field); left; --left, row += bytes) if (load<u64>(row) == id) return row;
  return NOTHING;
}
export function reserveAt(id: u64): usize { return find(Arg.RESERVES, Reserve.BYTES, id); }

export function bit(bitmap: usize, index: u32): bool { return (load<u8>(bitmap + (index >> 3)) >> (index & 7) & 1) != 0; }

/** Whether the user's category holds a reserve, by the reserve's own category or by the category's bitmap. */
export function isInMode(row: usize): bool {
  const chosenByUser = load<u64>(ARGS + (Arg.CATEGORY << 5));
  if (!chosenByUser) return false;
  return chosen(Choice.EMODE_BY_ID) ? load<u64>(row, Reserve.CATEGORY) == chosenByUser : bit(category + Category.COLLATERALS, load<u32>(row));
}

/** The oracle's price of a reserve, or the category's of what it holds, where it has a price source. */
export function priceOf(row: usize, held: bool): u256 {
  const price = at(category + Category.PRICE);
  return held && !isNil(price) ? price : at(row + Reserve.PRICE);
}

/** `10^decimals`, unchecked: it wraps from 78 on. */
export function unitOf(row: usize): u256 {
  const unit = word(1), twice = word(0);
  for (let left = load<u32>(row, Reserve.DECIMALS); left; --left) {
    const a = ptr(unit), b = ptr(twice);
    addLimbs(b, a, a, 4);
    addLimbs(a, b, b, 4);
    addLimbs(a, a, a, 4);
    addLimbs(a, a, b, 4);
  }
  return unit;
}

export function incomeAt(row: usize): u256 {
  return incomeIndex(at(row + Reserve.LIQUIDITY_INDEX), at(row + Reserve.LIQUIDITY_RATE), at(row + Reserve.LAST_UPDATE), arg(Arg.NOW));
}
export function debtIndexAt(row: usize): u256 {
  return debtIndex(at(row + Reserve.BORROW_INDEX), at(row + Reserve.BORROW_RATE), at(row + Reserve.LAST_UPDATE), arg(Arg.NOW));
}

/** The LTV of a reserve for its user. */
function userLtv(row: usize, inMode: bool): u64 {
  return ltvOf(
    load<u64>(row, Reserve.LTV), inMode, load<u64>(category, Category.LTV),
    bit(category + Category.LTV_ZEROS, load<u32>(row)), load<u64>(category, Category.ISOLATED) != 0,
  );
}
/** The LTV that says whether a reserve may be collateral, and whether it must go first: up to 3.5 its own. */
export function decisiveLtv(row: usize): u64 { return chosen(Choice.EMODE_LTV_ALONE) ? userLtv(row, isInMode(row)) : load<u64>(row, Reserve.LTV); }

function addReserve(row: usize, isCollateral: bool, isBorrowed: bool): void {
  const inMode = isInMode(row), unit = unitOf(row), price = priceOf(row, inMode);
  const threshold = load<u64>(row, Reserve.THRESHOLD);
  if (isCollateral && takesPart(threshold)) {
    addCollateral(
      at(row + Reserve.SCALED_BALANCE), incomeAt(row), price, unit,
      userLtv(row, inMode),
      inMode ? load<u64>(category, Category.THRESHOLD) : threshold,
    );
  }
  if (isBorrowed) {
    const scaled = at(row + Reserve.SCALED_DEBT);
    addDebt(add(projectsDebt(scaled) ? debtOf(scaled, debtIndexAt(row)) : scaled, at(row + Reserve.STABLE_DEBT)), price, unit);
  }
}

/** Ids below which a loop over reserves ends. */
export function idLimit(): u32 {
  const most = word(128), ids = arg(Arg.COUNT);
  return chosen(Choice.COUNTS_RESERVES) && less(ids, most) ? ids.lo1 as u32 : 128;
}

/** `GenericLogic.calculateUserAccountData`, to its sums. Forgets all values. */
export function sumAccount(): void {
  const config = ARGS + (Arg.CONFIG << 5), limit = idLimit();
  beginAccount();
  category = find(Arg.CATEGORIES, Category.BYTES, load<u64>(ARGS + (Arg.CATEGORY << 5)));
  if (isNil(at(config))) return;
  for (let id: u32 = 0; id < limit; ++id) {
    const isBorrowed = bit(config, id << 1), isCollateral = bit(config, id << 1 | 1);
    const row = isBorrowed || isCollateral ? reserveAt(id) : NOTHING;
    if (row != NOTHING) addReserve(row, isCollateral, isBorrowed);
    forget();
  }
  if (chosen(Choice.COUNTS_RESERVES) && less(word(128), arg(Arg.COUNT))) revert(Why.TOO_MANY_RESERVES);
}

export function accountData(): i32 {
  start();
  sumAccount();
  const collateral = at(COLLATERAL), debt = at(DEBT), ltv = average(BY_LTV);
  result(0, collateral);
  result(1, debt);
  result(3, ltv);
  result(4, average(BY_THRESHOLD));
  result(5, healthFactor());
  resultFlag(6, hasZeroLtv);
  const most = percentMul(collateral, ltv, directed(Choice.FLOOR_BORROWS, Round.DOWN));
  result(2, less(most, debt) ? word(0) : sub(most, debt));
  return end();
}

// ---- Rates

/** An argument of `interestRate` that the later strategy has in bps; ray. */
function parameter(field: u32): u256 {
  return chosen(Choice.RATES_IN_BPS) ? mul(arg(field), new u256(0x2c7e14af6800000, 0x152d)) : arg(field); // 1e23
}

/** What two slopes add to a rate. */
function slopes(usage: u256, optimal: u256, slope1: u256, slope2: u256): u256 {
  if (!less(optimal, usage)) return rayDiv(rayMul(slope1, usage, Round.HALF_UP), optimal, Round.HALF_UP);
  return add(slope1, rayMul(slope2, rayDiv(sub(usage, optimal), sub(ray(), optimal), Round.HALF_UP), Round.HALF_UP));
}

/**
 * `calculateInterestRates` of the reserve's strategy. arguments: choices; optimal usage, base, slopes 1 and 2; unbacked, added, taken,
 * reserve factor, liquidity; stable debt, variable debt, average stable rate; slopes of the stable rate, its offset, its excess offset,
 * optimal share of stable debt
 */
export function interestRate(): i32 {
  start();
  const later = chosen(Choice.RATES_IN_BPS), half = Round.HALF_UP, none = word(0);
  const optimal = parameter(1), base = parameter(2), slope1 = parameter(3), slope2 = parameter(4);
  const stableDebt = arg(10), variableDebt = arg(11), debt = add(stableDebt, variableDebt), idle = isNil(debt);
  result(0, none);
  result(1, base);
  result(2, none);
  if (later && idle) return end();

  let usage = none, supplyUsage = none, stableShare = none, stableRate = none, rate = none;
  if (!later) stableRate = add(slope1, arg(15));
  if (!idle) {
    if (!later) stableShare = rayDiv(stableDebt, debt, half);
    const all = add(sub(add(arg(9), arg(6)), arg(7)), debt);
    usage = rayDiv(debt, all, half);
    supplyUsage = rayDiv(debt, add(all, arg(5)), half);
  }
  if (!later) stableRate = add(stableRate, slopes(usage, optimal, arg(13), arg(14)));
  const variableRate = add(base, slopes(usage, optimal, slope1, slope2)), optimalShare = arg(17);
  if (less(optimalShare, stableShare)) {
    stableRate = add(stableRate, rayMul(arg(16), rayDiv(sub(stableShare, optimalShare), sub(ray(), optimalShare), half), half));
  }
  if (!chosen(Choice.STABLE_DEBT)) rate = variableRate;
  else if (!idle) { // what borrowers pay on average
    const variable = rayMul(wadToRay(variableDebt), variableRate, half), stable = rayMul(wadToRay(stableDebt), arg(12), half);
    rate = rayDiv(add(variable, stable), wadToRay(debt), half);
  }
  result(0, percentMul(rayMul(rate, supplyUsage, half), sub(word(10000), arg(8)), half));
  result(1, variableRate);
  result(2, stableRate);
  return end();
}
