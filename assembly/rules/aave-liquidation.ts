/**
 * Aave v3's liquidation: `LiquidationLogic`, `ValidationLogic`, and the burning of `AToken` and `VariableDebtToken`, of
 * aave/aave-v3-core@782f5191 (3.0) and aave-dao/aave-v3-origin, tags v3.1.0 to v3.6.0 and fd1fbd91 (3.7), re-implemented from the
 * formulas. The liquidator is paid in the underlying. What happens to the rest of a reserve (rates, treasury, liquidity) is taken
 * to succeed.
 */
import { ARGS, RESULTS } from "../layout";
import * as gain from "./gain";
import { clear, copy } from "../wide/limbs";
import {
  Revert, Round, WAD, add, arg, at, count, div, end, forget, isNil, less, min, mul, mulDivDown, mulDivUp, ptr, require, result, resultRows, revert, reverted, rows, sub, u256, word,
} from "../wide/u256";
import {
  Arg, COLLATERAL, Category, Choice, DEBT, NOTHING, Reserve, Why, balanceOf, bit, category, chosen, debtIndexAt, debtOf, debtValueOf, directed,
  equal, healthFactor, idLimit, incomeAt, isInMode, isLiquidatable, percentDiv, percentMul, priceOf, rayDiv, reserveAt, start, sumAccount, takesPart,
  unitOf, valueOf,
} from "./aave";

/** What `amounts` finds: collateral for the liquidator, debt to repay, fee, and the value of both collaterals. */
const AMOUNTS: usize = memory.data(128, 16);
const REPAID = AMOUNTS + 32, FEE = AMOUNTS + 64, VALUE = AMOUNTS + 96;

/** Whether the value of what is seized is computed, and tells whether collateral is left. */
function comparesValues(): bool { return chosen(Choice.BURNS_BAD_DEBT) && !chosen(Choice.LEFT_BY_SCALED); }

/** `_calculateAvailableCollateralToLiquidate`. */
function amounts(price: u256, unit: u256, debtPrice: u256, debtUnit: u256, cover: u256, balance: u256, bonus: u256, feeShare: u256): void {
  const down = directed(Choice.DIRECTED_BONUS, Round.DOWN);
  const base = div(mul(mul(debtPrice, cover), unit), mul(price, debtUnit));
  let collateral = percentMul(base, bonus, down), repaid = cover, fee = word(0);
  if (less(balance, collateral)) {
    collateral = balance;
    repaid = percentDiv(div(mul(mul(price, balance), debtUnit), mul(debtPrice, unit)), bonus, directed(Choice.CEIL_REPAID, Round.UP));
  }
  if (comparesValues()) copy(VALUE, ptr(valueOf(collateral, price, unit)), 4);
  if (!isNil(feeShare)) {
    const extra = sub(collateral, percentDiv(collateral, bonus, down));
    fee = percentMul(extra, feeShare, directed(Choice.DIRECTED_BONUS, Round.UP));
  }
  copy(AMOUNTS, ptr(sub(collateral, fee)), 4);
  copy(REPAID, ptr(repaid), 4);
  copy(FEE, ptr(fee), 4);
}

/** arguments: choices, then those of `amounts` */
export function liquidationAmounts(): i32 {
  start();
  amounts(arg(1), arg(2), arg(3), arg(4), arg(5), arg(6), arg(7), arg(8));
  copy(RESULTS, AMOUNTS, 16);
  return end();
}

// ---- Tokens

function fits(a: u256, bits: u32, why: i32): u256 {
  require(!(a.hi1 | a.hi2) && (bits == 128 || !(a.lo2 >> 56)), why);
  return a;
}

/** `ReserveLogic.updateState`: both indexes fit again; the borrowers'. */
function accrue(row: usize): u256 {
  fits(incomeAt(row), 128, Why.CAST);
  return fits(debtIndexAt(row), 128, Why.CAST);
}

/** Scaled amounts of collateral that goes, and of debt. */
function ofAToken(amount: u256, index: u256): u256 { return rayDiv(amount, index, directed(Choice.DIRECTED_TOKENS, Round.UP)); }
function ofVToken(amount: u256, index: u256): u256 { return rayDiv(amount, index, directed(Choice.DIRECTED_TOKENS, Round.DOWN)); }

/** Takes a scaled amount from a scaled balance; what is left. */
function take(balance: usize, scaled: u256): u256 {
  const left = sub(at(balance), fits(scaled, chosen(Choice.NARROW_TOKENS) ? 120 : 128, Why.CAST));
  copy(balance, ptr(left), 4);
  return left;
}

function burn(balance: usize, scaled: u256): u256 {
  require(!isNil(scaled), Why.BURNS_NOTHING);
  return take(balance, scaled);
}

/** The user's bits, as the liquidation leaves them: a result, and the debts without collateral. */
const CONFIG_AFTER: usize = RESULTS + 128;
let noCollateralLeft: bool = false;

function clearBit(index: u32): void {
  const byte = CONFIG_AFTER + (index >> 3);
  store<u8>(byte, <u8>(load<u8>(byte) & ~(<u32>1 << (index & 7))));
}

/** `_burnDebtTokens` of a reserve of which `owed` is owed and `paid` repaid: the deficit. */
function burnDebt(row: usize, index: u256, owed: u256, paid: u256): u256 {
  const none = word(0), scaled = row + Reserve.SCALED_DEBT;
  const left = isNil(owed) ? none : burn(scaled, ofVToken(noCollateralLeft ? owed : paid, index));
  const outstanding = sub(owed, paid);
  const gone = chosen(Choice.BORROWS_BY_BALANCE) ? isNil(left) : noCollateralLeft || isNil(outstanding);
  if (gone) clearBit(load<u32>(row) << 1);
  return noCollateralLeft ? fits(outstanding, 128, Why.CAST) : none;
}

// ---- The call

/** MIN_LEFTOVER_BASE: what must be left of debt and collateral, unless all of one is taken. */
// @ts-ignore: decorator
@inline const LEFTOVER: u64 = 100000000000;

/** The most to repay that leaves as much of both. */
function coverThatLeaves(price: u256, unit: u256, debtPrice: u256, debtUnit: u256, debt: u256, balance: u256, bonus: u256): u256 {
  const one = word(1), least = word(LEFTOVER);
  const kept = chosen(Choice.CEIL_DEBT_VALUES) ? add(mulDivDown(sub(least, one), debtUnit, debtPrice), one) : mulDivUp(least, debtUnit, debtPrice);
  const taken = sub(balance, mulDivUp(least, unit, price)); // collateral at most, and before the bonus:
  const base = div(add(mul(taken, word(10000)), word(chosen(Choice.DIRECTED_BONUS) ? 9999 : 4999)), bonus);
  return min(sub(debt, kept), sub(mulDivUp(add(base, one), mul(price, debtUnit), mul(debtPrice, unit)), one));
}

const DEFICIT: usize = memory.data(32, 16);

/** Arguments: those of an account, then the ids of the collateral's and of the debt's reserve, and the most to repay. */
export function liquidationCall(): i32 { return call(false); }

/**
 * The same of as much as the contract takes, that leaves no dust, and whose value is at most gain.MOST; what it brings goes to
 * rules/gain. The most to repay is no argument then.
 */
export function liquidateMost(): i32 { return call(true); }

function call(all: bool): i32 {
  start();
  const seized = reserveAt(load<u64>(ARGS + (Arg.COLLATERAL_ID << 5))), owing = reserveAt(load<u64>(ARGS + (Arg.DEBT_ID << 5)));
  const byPosition = chosen(Choice.POSITION_CLOSE_FACTOR), half = Round.HALF_UP;
  accrue(owing);
  if (chosen(Choice.ACCRUES_BOTH)) accrue(seized);
  sumAccount();

  const health = healthFactor(), closeLimit = word(WAD / 100 * 95);
  let balance = health, income = health;
  if (byPosition) { income = incomeAt(seized); balance = balanceOf(at(seized + Reserve.SCALED_BALANCE), income); }
  const index = debtIndexAt(owing), debt = debtOf(at(owing + Reserve.SCALED_DEBT), index), halves = less(closeLimit, health);
  let most = byPosition ? debt : percentMul(debt, word(halves ? 5000 : 10000), half);

  require(isLiquidatable(health), Why.HEALTHY);
  require(bit(ARGS + (Arg.CONFIG << 5), load<u32>(seized) << 1 | 1) && takesPart(load<u64>(seized, Reserve.THRESHOLD)), Why.NOT_COLLATERAL);
  require(!isNil(debt), Why.NOT_BORROWED);
  if (reverted()) return end();

  if (!byPosition) { income = incomeAt(seized); balance = balanceOf(at(seized + Reserve.SCALED_BALANCE), income); }
  const inMode = isInMode(seized), bonus = at(inMode ? category + Category.BONUS : seized + Reserve.BONUS);
  const price = priceOf(seized, inMode), debtPrice = priceOf(owing, true); // the debt at the category's price, whether that holds it or not
  const unit = unitOf(seized), debtUnit = unitOf(owing);

  if (byPosition) {
    require(max(load<u64>(seized, Reserve.DECIMALS), load<u64>(owing, Reserve.DECIMALS)) < 78, Revert.ARITHMETIC);
    const least = word(200000000000), debtValue = debtValueOf(debt, debtPrice, debtUnit), value = valueOf(balance, price, unit);
    if (halves && !less(value, least) && !less(debtValue, least)) {
      const part = percentMul(at(DEBT), word(5000), half);
      if (less(part, debtValue)) most = div(mul(part, debtUnit), debtPrice);
    }
  }
  let cover = all ? most : min(arg(Arg.COVER), most);
  if (all && less(at(gain.MOST), debtValueOf(cover, debtPrice, debtUnit))) {
    cover = chosen(Choice.CEIL_DEBT_VALUES) ? mulDivDown(at(gain.MOST), debtUnit, debtPrice) : sub(mulDivUp(add(at(gain.MOST), word(1)), debtUnit, debtPrice), word(1));
  }
  let collateral = debt, repaid = debt, taken = debt;
  for (let again = all; ; again = false) {
    amounts(price, unit, debtPrice, debtUnit, cover, balance, bonus, at(seized + Reserve.FEE));
    collateral = at(AMOUNTS); repaid = at(REPAID); taken = add(collateral, at(FEE));
    if (!chosen(Choice.DUST_RULE) || !less(repaid, debt) || !less(taken, balance)) break;
    const least = word(LEFTOVER), debtLeft = debtValueOf(sub(debt, repaid), debtPrice, debtUnit), left = valueOf(sub(balance, taken), price, unit);
    if (!less(debtLeft, least) && !less(left, least)) break;
    if (!again) { revert(Why.DUST); break; }
    cover = min(cover, coverThatLeaves(price, unit, debtPrice, debtUnit, debt, balance, bonus));
  }
  let fee = at(FEE);
  if (reverted()) return end(); // from here on rows change

  result(4, arg(Arg.CONFIG));
  let emptied = false;
  if (chosen(Choice.LEFT_BY_SCALED)) {
    const scaled = at(seized + Reserve.SCALED_BALANCE), consumed = min(add(ofAToken(collateral, income), ofAToken(fee, income)), scaled);
    noCollateralLeft = equal(valueOf(balanceOf(consumed, income), price, unit), at(COLLATERAL));
    emptied = noCollateralLeft || equal(consumed, scaled);
  } else {
    noCollateralLeft = comparesValues() && equal(at(VALUE), at(COLLATERAL));
    emptied = equal(taken, balance);
  }
  if (emptied) clearBit(load<u32>(seized) << 1 | 1);

  copy(DEFICIT, ptr(burnDebt(owing, index, debt, repaid)), 4);
  if (!chosen(Choice.ACCRUES_BOTH)) accrue(seized);
  let left = burn(seized + Reserve.SCALED_BALANCE, ofAToken(collateral, income)), treasury = word(0);
  if (!isNil(fee)) {
    treasury = ofAToken(fee, income);
    if (less(left, treasury)) {
      fee = balanceOf(left, income);
      treasury = chosen(Choice.DIRECTED_TOKENS) ? left : ofAToken(fee, income);
    }
    left = take(seized + Reserve.SCALED_BALANCE, treasury);
  }
  result(0, health);
  result(1, repaid);
  result(2, collateral);
  result(3, fee);
  result(5, left);
  result(7, treasury);
  if (all) gain.settleAssets(repaid, collateral, fee, debtValueOf(repaid, debtPrice, debtUnit), valueOf(collateral, price, unit));
  burnBadDebt(owing);
  copy(RESULTS + 192, owing + Reserve.SCALED_DEBT, 4);
  return end();
}

/** `_burnBadDebt`, where no collateral is left; answers every deficit by its reserve's id. */
function burnBadDebt(owing: usize): void {
  const first = rows(Arg.RESERVES) + count(Arg.RESERVES) * Reserve.BYTES, limit = idLimit();
  let deficits: u32 = 0, to = first;
  for (let id: u32 = 0; id < 128 && noCollateralLeft; ++id) {
    const row = reserveAt(id);
    if (row == NOTHING) continue;
    let deficit = row == owing ? at(DEFICIT) : word(0);
    if (id < limit && bit(CONFIG_AFTER, id << 1)) {
      const index = accrue(row);
      deficit = fits(add(deficit, burnDebt(row, index, debtOf(at(row + Reserve.SCALED_DEBT), index), word(0))), 128, Revert.ARITHMETIC);
    }
    if (!isNil(deficit)) {
      clear(to, 4);
      store<u32>(to, id);
      copy(to + 32, ptr(deficit), 4);
      to += 64; ++deficits;
    }
    forget();
  }
  resultRows(8, deficits, first);
}
