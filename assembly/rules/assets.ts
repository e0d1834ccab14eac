/**
 * The assets of a book of accounts: what follows from their figures for each protocol, and the contract's own rule on one
 * account where steps cannot tell. The rule's functions read accounts as rows of arguments, so an account is laid out as they
 * want it, beside the stage, which a scan is writing to.
 */
import { ofAave, ofComet, ofCompound } from "../cut";
import { ARGS, RESULTS, STAGE, SYSTEM } from "../layout";
import { clear, copy, isZero } from "../wide/limbs";
import { Round, WAD, at, begin, end, forgive, isNegative, isNil, mulDivDown, negate, ptr, ray, u256 } from "../wide/u256";
import * as aave from "./aave";
import * as comet from "./comet";
import * as compound from "./compound";
import { COLLATERAL, OWED, beginAccount, isShort } from "./account";
import {
  ASSET, ASSETS, BASE, BORROW_INDEX, BROKEN, EXCHANGE_RATE, Entry, Kind, 
  amountBytes, amountsOf, setFast, setSteps, setUnscreened, tagsOf,
} from "./lines";
import { Status } from "./status";

/** Arguments of an account: rows of up to 128 assets, and a category. */
let rowsAt: usize = 0;
/** The numbers of the rows' assets, a byte each. */
export const ROW_ASSETS: usize = memory.data(128, 16);
export const LAID_BYTES: u32 = 128 * 576 + 256;
export function layAt(address: usize): void { rowsAt = address; }

/** What a contract's revision does (Aave's choices; a Compound's rounding). */
export let choices: u32 = 0;
/** The time of the view, an address; 0: as stored. */
let now: usize = 0;
export function setView(time: usize): void { now = time; }
export function setChoices(mask: u32): void { choices = mask; }
/** How a Compound rounds. */
export function roundOf(): i32 { return choices; }

// ---- Categories (Aave's eModes), as rows of arguments

export const CATEGORY_BYTES: u32 = 256;
let categoryRows: usize = 0;
export function keepCategories(address: usize): void { categoryRows = address; }
export function categoryAt(category: u32): usize { return categoryRows + category * CATEGORY_BYTES; }

/** What a category makes of an asset's threshold. */
export function entryOf(asset: usize, category: u32, index: u32): u32 {
  if (!ofAave()) return 0;
  aave.choose(choices);
  const own = load<u32>(asset, AaveFigure.THRESHOLD), row = categoryAt(category);
  const inMode = category && (aave.chosen(aave.Choice.EMODE_BY_ID) ? load<u32>(asset, AaveFigure.CATEGORY) == category : aave.bit(row + aave.Category.COLLATERALS, index));
  const priced = inMode && !isZero(row + aave.Category.PRICE, 4) ? Entry.SLOW : 0; // what is owed too
  if (!aave.takesPart(own)) return Entry.UNCOUNTED | priced;
  return (inMode ? load<u32>(row, aave.Category.THRESHOLD) : own) | priced;
}

// ---- What follows from an asset's figures

/** Figures of a reserve by byte: a row of arguments without its id, and without what the account has. */
export namespace AaveFigure {
  export const THRESHOLD: usize = 64, PRICE: usize = 96, LIQUIDITY_INDEX: usize = 128, LIQUIDITY_RATE: usize = 160, BORROW_INDEX: usize = 192, BORROW_RATE: usize = 224,
    LAST_UPDATE: usize = 256, CATEGORY: usize = 288;
}
/** Figures of a cToken, by byte. */
export namespace TokenFigure {
  export const PRICE: usize = 0, FACTOR: usize = 32, CASH: usize = 64, BORROWS: usize = 96, RESERVES: usize = 128, SUPPLY: usize = 160, INITIAL: usize = 192,
    BORROW_INDEX: usize = 224, RATE: usize = 256, BLOCK: usize = 288, RESERVE_FACTOR: usize = 320, SEIZE_SHARE: usize = 352;
}
/** Figures of a Comet's asset, and of its base (the system's), by byte. */
export namespace CometFigure {
  export const PRICE: usize = 0, SCALE: usize = 32, BORROW_FACTOR: usize = 64, LIQUIDATE_FACTOR: usize = 96, LIQUIDATION_FACTOR: usize = 128;
  export const BASE_PRICE: usize = 0, BASE_SCALE: usize = 32, SUPPLY_INDEX: usize = 64, BORROW_INDEX: usize = 96, TOTAL_SUPPLY: usize = 128, TOTAL_BORROW: usize = 160,
    LAST_ACCRUAL: usize = 192, RATES: usize = 224;
}

/** Brings up to date what follows from an asset's figures in the view. */
export function derive(asset: usize): void {
  begin();
  setFast(asset, true);
  if (ofAave()) deriveReserve(asset);
  else if (ofCompound()) deriveToken(asset);
  else deriveCollateral(asset);
}

function deriveReserve(asset: usize): void {
  aave.choose(choices);
  const price = at(asset + AaveFigure.PRICE), unit = aave.unitOf(asset - 32), last = at(asset + AaveFigure.LAST_UPDATE), time = now ? at(now) : last;
  const down = Round.DOWN, half = Round.HALF_UP;
  const income = aave.incomeIndex(at(asset + AaveFigure.LIQUIDITY_INDEX), at(asset + AaveFigure.LIQUIDITY_RATE), last, time);
  if (end()) setUnscreened(asset);
  else setSteps(asset, true, income, ray(), aave.chosen(aave.Choice.FLOOR_BALANCES) ? down : half, price, unit, down);
  forgive();
  const debt = aave.debtIndex(at(asset + AaveFigure.BORROW_INDEX), at(asset + AaveFigure.BORROW_RATE), last, time);
  if (end()) setUnscreened(asset);
  else setSteps(asset, false, debt, ray(), aave.chosen(aave.Choice.CEIL_DEBTS) ? Round.UP : half, price, unit, aave.chosen(aave.Choice.CEIL_DEBT_VALUES) ? Round.UP : down);
}

/** The exchange rate of the view, of stored or of accrued figures, and the borrowers' index. */
function deriveToken(asset: usize): void {
  const wad = new u256(WAD), one = new u256(1), unit = at(asset + TokenFigure.PRICE);
  let borrows = at(asset + TokenFigure.BORROWS), reserves = at(asset + TokenFigure.RESERVES), index = at(asset + TokenFigure.BORROW_INDEX);
  if (now) {
    compound.accrueTo(borrows, reserves, index, at(asset + TokenFigure.RATE), at(asset + TokenFigure.BLOCK), at(now), at(asset + TokenFigure.RESERVE_FACTOR));
    index = at(compound.ACCRUED); borrows = at(compound.ACCRUED + 32); reserves = at(compound.ACCRUED + 64);
  }
  const rate = compound.exchangeRateOf(at(asset + TokenFigure.CASH), borrows, reserves, at(asset + TokenFigure.SUPPLY), at(asset + TokenFigure.INITIAL));
  copy(asset + BORROW_INDEX, ptr(index), 4);
  copy(asset + EXCHANGE_RATE, ptr(rate), 4);
  store<u32>(asset + BROKEN, end());
  const each = compound.perToken(at(asset + TokenFigure.FACTOR), rate, unit, choices); // where this reverts the Comptroller says so itself
  if (end() || isNil(unit)) { setUnscreened(asset); return; }
  setSteps(asset, true, each, wad, Round.DOWN, one, one, Round.DOWN);
  setSteps(asset, false, index, wad, Round.DOWN, unit, wad, Round.DOWN);
}

function deriveCollateral(asset: usize): void {
  const price = at(asset + CometFigure.PRICE);
  if (isNil(price) || isNegative(price)) { setUnscreened(asset); return; }
  setSteps(asset, true, price, at(asset + CometFigure.SCALE), Round.DOWN, at(asset + CometFigure.LIQUIDATE_FACTOR), new u256(WAD), Round.DOWN);
  setSteps(asset, false, new u256(), new u256(1), Round.DOWN, new u256(), new u256(1), Round.DOWN);
}

/** What a Comet's borrowers owe, from the system's figures. */
export function deriveBase(asset: usize): void {
  begin();
  setFast(asset, true);
  const base = SYSTEM, price = at(base + CometFigure.BASE_PRICE), scale = at(base + CometFigure.BASE_SCALE);
  copy(asset + BORROW_INDEX, base + CometFigure.BORROW_INDEX, 4);
  copy(asset + EXCHANGE_RATE, base + CometFigure.SUPPLY_INDEX, 4);
  let why = 0;
  if (now) {
    comet.accrueIndexes(base + CometFigure.SUPPLY_INDEX, base + CometFigure.TOTAL_SUPPLY, at(base + CometFigure.LAST_ACCRUAL), at(now), base + CometFigure.RATES);
    why = end();
    if (!why) { copy(asset + EXCHANGE_RATE, RESULTS, 4); copy(asset + BORROW_INDEX, RESULTS + 32, 4); }
  }
  store<u32>(asset + BROKEN, why);
  if (why || isNil(price) || isNegative(price)) { setUnscreened(asset); return; }
  setSteps(asset, false, at(asset + BORROW_INDEX), new u256(1000000000000000), Round.DOWN, price, scale, Round.DOWN);
  setSteps(asset, true, new u256(), new u256(1), Round.DOWN, new u256(), new u256(1), Round.DOWN);
}

/** Moves an asset's figures to the time at `to`, as its contract's accrual would. False, and nothing changed, where that reverts. */
export function accrue(asset: usize, to: usize): bool {
  begin();
  if (ofAave()) {
    aave.choose(choices);
    const time = at(to), last = at(asset + AaveFigure.LAST_UPDATE);
    const income = aave.incomeIndex(at(asset + AaveFigure.LIQUIDITY_INDEX), at(asset + AaveFigure.LIQUIDITY_RATE), last, time);
    const debt = aave.debtIndex(at(asset + AaveFigure.BORROW_INDEX), at(asset + AaveFigure.BORROW_RATE), last, time);
    if (end() || (income.hi1 | income.hi2 | debt.hi1 | debt.hi2)) return false;
    copy(asset + AaveFigure.LIQUIDITY_INDEX, ptr(income), 4);
    copy(asset + AaveFigure.BORROW_INDEX, ptr(debt), 4);
    copy(asset + AaveFigure.LAST_UPDATE, to, 4);
  } else if (ofCompound()) {
    compound.accrueTo(
      at(asset + TokenFigure.BORROWS), at(asset + TokenFigure.RESERVES), at(asset + TokenFigure.BORROW_INDEX), at(asset + TokenFigure.RATE),
      at(asset + TokenFigure.BLOCK), at(to), at(asset + TokenFigure.RESERVE_FACTOR),
    );
    if (end()) return false;
    copy(asset + TokenFigure.BORROW_INDEX, compound.ACCRUED, 4);
    copy(asset + TokenFigure.BORROWS, compound.ACCRUED + 32, 8); // and reserves
    copy(asset + TokenFigure.BLOCK, to, 4);
  }
  return true;
}

/** The same of the figures that all assets share: a Comet's indexes. */
export function accrueSystem(to: usize): bool {
  if (!ofComet()) return true;
  begin();
  const base = SYSTEM;
  comet.accrueIndexes(base + CometFigure.SUPPLY_INDEX, base + CometFigure.TOTAL_SUPPLY, at(base + CometFigure.LAST_ACCRUAL), at(to), base + CometFigure.RATES);
  if (end()) return false;
  copy(base + CometFigure.SUPPLY_INDEX, RESULTS, 8); // and of borrowers
  copy(base + CometFigure.LAST_ACCRUAL, to, 4);
  return true;
}

// ---- What a price is to an asset (rules/price)

/** Where an asset's price stands among its figures, by byte. */
export function priceIn(): usize { return ofAave() ? AaveFigure.PRICE : TokenFigure.PRICE; } // a Comet's too

/** What an amount times a price is divided by. */
export function assetUnit(asset: usize, isBase: bool): u256 {
  if (ofComet()) return at(isBase ? SYSTEM + CometFigure.BASE_SCALE : asset + CometFigure.SCALE);
  return aave.unitOf(asset - 32);
}
/** How the value of a debt is rounded. */
export function owedRound(): i32 {
  aave.choose(choices);
  return ofAave() && aave.chosen(aave.Choice.CEIL_DEBT_VALUES) ? Round.UP : Round.DOWN;
}
/** A Comet asset's liquidateCollateralFactor. */
export function thresholdFactor(asset: usize): u256 { return at(asset + CometFigure.LIQUIDATE_FACTOR); }
/** Of a cToken ⌊factor·exchange rate⌋, and what is added before the price's product is cut. */
export function perTokenBeforePrice(asset: usize): u256 { return compound.perToken(at(asset + TokenFigure.FACTOR), at(asset + EXCHANGE_RATE), new u256(WAD), choices); }
export function compoundHalf(): u256 { return new u256(choices == Round.HALF_UP ? WAD / 2 : 0); }

// ---- One account as arguments

function rowsArgument(field: u32, count: u32, first: usize): void {
  const to = ARGS + (field << 5);
  clear(to, 4);
  store<u64>(to, count);
  store<u64>(to, first - STAGE >> 5, 8);
}

function word(field: u32, value: u64): void {
  clear(ARGS + (field << 5), 4);
  store<u64>(ARGS + (field << 5), value);
}

/** A row of an asset of which there is nothing; its address. */
function layAsset(row: usize, width: usize, index: u32, set: usize): usize {
  const asset = set + ASSETS + index * ASSET;
  memory.fill(row, 0, width);
  if (ofCompound()) {
    copy(row, asset + TokenFigure.FACTOR, 4);
    copy(row + 32, asset + EXCHANGE_RATE, 4);
    copy(row + 64, asset + TokenFigure.PRICE, 4);
    return row;
  }
  store<u32>(row, index);
  if (ofComet()) { copy(row + 64, asset, 20); return row; } // price, scale, factors
  memory.copy(row + 32, asset, 288);
  memory.copy(row + 416, asset + AaveFigure.CATEGORY, 96);
  if (!now) clear(row + aave.Reserve.LAST_UPDATE, 4);
  return row;
}

/** Where the row of the asset stands that was to have one. */
export let alsoRow: usize = 0;

/**
 * Lays an account out as the arguments of its protocol's functions: Aave's `accountData` and `liquidationCall`, Compound's
 * `accountLiquidity`, a Comet's `isLiquidatable` and `absorb`. Lines stand in the order of their assets; of an Aave all `assets`
 * of the book get a row, if that is wanted; an asset may be left out, and another get a row whether there are lines of it or not (with
 * `enters`, those of a cToken count that was not entered; with `seizable` the cTokens of others get one, and do not count). Answers why
 * an accrual on the way reverts, 0 where none does.
 */
export function lay(set: usize, vault: usize, lines: u32, assets: u32 = 0, without: u32 = -1, also: u32 = -1, enters: bool = false, seizable: bool = false): i32 {
  const category = <u32>load<u8>(vault, 4), width: usize = ofAave() ? <usize>aave.Reserve.BYTES : ofCompound() ? 160 : 224;
  let tag = tagsOf(vault), amount = amountsOf(vault, lines), row = rowsAt + CATEGORY_BYTES - width, id: u32 = -1, count: u32 = 0;
  let why: i32 = also != -1 ? load<u32>(set + ASSETS + also * ASSET, BROKEN) : 0;
  alsoRow = 0;
  const config = ARGS + (aave.Arg.CONFIG << 5);
  if (ofAave()) clear(config, 4);
  else if (ofComet()) word(0, 0);
  for (const last = tag + (<u32>load<u16>(vault, 6) << 1); tag < last; tag += 2, amount += amountBytes()) {
    const index = <u32>load<u8>(tag), kind = <u32>load<u8>(tag, 1), asset = set + ASSETS + index * ASSET, owed = (kind & 1) != 0;
    const idle = kind >= Kind.IDLE && !(enters && index == also);
    if (!idle && !why) why = load<u32>(asset, BROKEN);
    if (index == without) continue;
    const apart = idle && ofCompound(); // a market that was not entered
    if (apart && (!seizable || owed || load<u32>(asset, BROKEN) || isZero(asset + TokenFigure.PRICE, 4))) continue;
    if (ofComet() && index == BASE) {
      copy(ARGS, amount, 2);
      if (owed) { begin(); copy(ARGS, ptr(negate(at(ARGS))), 4); }
      continue;
    }
    if (index != id) {
      if (!alsoRow && also < index) alsoRow = layAsset(row += width, width, also, set);
      id = index;
      layAsset(row += width, width, index, set);
      if (index == also) alsoRow = row;
      if (apart) clear(row, 4);
      store<u8>(ROW_ASSETS + count++, <u8>index);
    }
    if (ofAave()) {
      const bit = index << 1 | u32(!owed);
      if (!idle) store<u8>(config + (bit >> 3), load<u8>(config + (bit >> 3)) | <u8>(<u32>1 << (bit & 7)));
      copy(row + (owed ? aave.Reserve.SCALED_DEBT : aave.Reserve.SCALED_BALANCE), amount, 2);
    } else if (ofCompound()) {
      if (owed) {
        begin();
        const balance = compound.balanceOf(new u256(load<u64>(amount), load<u64>(amount, 8)), at(asset + BORROW_INDEX), new u256(load<u64>(amount, 16), load<u64>(amount, 24)));
        if (!why) why = end();
        copy(row + 128, ptr(balance), 4);
      } else copy(row + 96, amount, 2);
    } else copy(row + 32, amount, 2);
  }
  if (!alsoRow && also != -1) alsoRow = layAsset(row += width, width, also, set);
  if (ofAave()) {
    let held = rowsAt + CATEGORY_BYTES, last = row;
    for (let index: u32 = 0; index < assets; ++index) {
      if (held <= last && load<u32>(held) == index) held += width;
      else layAsset(row += width, width, index, set);
    }
  }
  const rows = <u32>((row + width - rowsAt - CATEGORY_BYTES) / width), first = rowsAt + CATEGORY_BYTES;
  if (ofAave()) {
    word(0, choices);
    word(aave.Arg.NOW, 0);
    if (now) copy(ARGS + (aave.Arg.NOW << 5), now, 4);
    word(aave.Arg.CATEGORY, category);
    word(aave.Arg.COUNT, 128);
    memory.copy(rowsAt, categoryAt(category), CATEGORY_BYTES);
    store<u64>(rowsAt, category);
    rowsArgument(aave.Arg.CATEGORIES, 1, rowsAt);
    rowsArgument(aave.Arg.RESERVES, rows, first);
  } else if (ofCompound()) rowsArgument(0, rows, first);
  else {
    const base = set + ASSETS + BASE * ASSET;
    copy(ARGS + 32, base + EXCHANGE_RATE, 4);
    copy(ARGS + 64, base + BORROW_INDEX, 4);
    copy(ARGS + 96, SYSTEM + CometFigure.BASE_PRICE, 8);
    rowsArgument(5, rows, first);
    copy(ARGS + 192, SYSTEM + CometFigure.TOTAL_SUPPLY, 8);
  }
  return why;
}

/** What the contract says of an account: value of its collateral, debt, health (wad), and health as a fraction. */
export const VALUE: usize = memory.data(160, 16);
export const DEBT: usize = VALUE + 32, HEALTH: usize = VALUE + 64, NUMERATOR: usize = VALUE + 96, DENOMINATOR: usize = VALUE + 128;
export const FIGURE_LIMBS: u32 = 20;

/** The same from sums that steps made: of collateral, of what thresholds leave of it, of debt. */
export function setSums(value: usize, weighed: usize, owed: usize): i32 {
  if (ofAave()) {
    aave.choose(choices);
    aave.beginAccount();
    copy(aave.COLLATERAL, value, 2);
    copy(aave.BY_THRESHOLD, weighed, 2);
    copy(aave.DEBT, owed, 2);
  } else {
    beginAccount();
    copy(COLLATERAL, weighed, 2);
    copy(OWED, owed, 2);
  }
  const status = finish();
  copy(VALUE, value, 2);
  return status;
}

/** Figures and judgement from the protocol's own sums. */
function finish(): i32 {
  begin();
  if (ofAave()) {
    const health = aave.healthFactor(), liquidatable = aave.isLiquidatable(health);
    if (end()) { clear(VALUE, FIGURE_LIMBS); return Status.REVERTS; }
    if (!isZero(aave.DEBT, 4)) aave.healthParts(NUMERATOR, DENOMINATOR);
    copy(VALUE, aave.COLLATERAL, 4);
    copy(DEBT, aave.DEBT, 4);
    copy(HEALTH, ptr(health), 4);
    return liquidatable ? Status.UNSAFE : Status.SAFE;
  }
  copy(VALUE, COLLATERAL, 4); copy(NUMERATOR, COLLATERAL, 4);
  copy(DEBT, OWED, 4); copy(DENOMINATOR, OWED, 4);
  memory.fill(HEALTH, 0xff, 32);
  if (!isZero(OWED, 4)) {
    const health = mulDivDown(at(COLLATERAL), new u256(WAD), at(OWED));
    if (!end()) copy(HEALTH, ptr(health), 4);
  }
  return isShort() ? Status.UNSAFE : Status.SAFE;
}

/** The contract's own judgement, and its figures. */
export function slow(set: usize, vault: usize, lines: u32): i32 {
  clear(VALUE, FIGURE_LIMBS);
  return lay(set, vault, lines) ? Status.REVERTS : judgeLaid();
}

/** The same of what was laid out. */
export function judgeLaid(): i32 {
  if (ofAave()) {
    aave.start();
    aave.sumAccount();
    if (end()) return Status.REVERTS;
  } else if (ofCompound()) {
    if (compound.liquidity(choices) || load<u32>(RESULTS)) return Status.REVERTS; // an error bars liquidation as a revert would
  } else {
    if (comet.isLiquidatable()) return Status.REVERTS;
    comet.sumAssets();
  }
  const status = finish();
  if (ofComet()) copy(VALUE, comet.WORTH, 4);
  return status;
}

/** Sums all lines of an account but those of one asset by the contract's own arithmetic (to rules/aave, or rules/account). False where that reverts. */
export function sumOthers(set: usize, vault: usize, lines: u32, index: u32): bool {
  if (lay(set, vault, lines, 0, ofAave() ? -1 : index)) return false;
  if (ofCompound()) return !compound.liquidity(choices) && !load<u32>(RESULTS);
  if (!ofAave()) return comet.sumAccount();
  aave.start();
  const config = ARGS + (aave.Arg.CONFIG << 5) + (index >> 2);
  store<u8>(config, load<u8>(config) & ~<u8>(<u32>3 << ((index & 3) << 1)));
  aave.sumAccount();
  return end() == 0;
}
/** The units of an amount at the index of the view. False where that reverts. */
export function unitsOf(asset: usize, held: bool, amount: usize, to: usize): bool {
  begin();
  const scaled = new u256(load<u64>(amount), load<u64>(amount, 8));
  if (ofComet()) {
    copy(to, ptr(mulDivDown(scaled, at(asset + BORROW_INDEX), new u256(1000000000000000))), 4);
    return end() == 0;
  }
  aave.choose(choices);
  const last = at(asset + AaveFigure.LAST_UPDATE), time = now ? at(now) : last;
  const units = held
    ? aave.balanceOf(scaled, aave.incomeIndex(at(asset + AaveFigure.LIQUIDITY_INDEX), at(asset + AaveFigure.LIQUIDITY_RATE), last, time))
    : aave.debtOf(scaled, aave.debtIndex(at(asset + AaveFigure.BORROW_INDEX), at(asset + AaveFigure.BORROW_RATE), last, time));
  copy(to, ptr(units), 4);
  return end() == 0;
}
