/**
 * The assets of a book of accounts: what follows from their figures for each protocol, and the contract's own rule on one
 * account where steps cannot tell. The rule's functions read accounts as rows of arguments, so an account is laid out as they
 * want it, beside the stage, which a scan is writing to.
 */
import { ARGS, RESULTS, STAGE, SYSTEM } from "../layout";
import { clear, copy, isZero } from "../wide/limbs";
import { Revert, Round, WAD, at, begin, end, forget, isNil, mulThenDiv, ptr, ray, u256 } from "../wide/u256";
import * as aave from "./aave";
import * as comet from "./comet";
import * as compound from "./compound";
import { beginAccount, isShort } from "./account";
import {
  ASSET, ASSETS, BASE, BORROW_INDEX, Entry, Kind, Rounding, Rule,
  amountBytes, amountsOf, rule, setFast, setSteps, setUnscreened, tagsOf,
} from "./lines";
import { Status } from "./status";

/** Arguments of an account: rows of up to 128 assets, and a category. */
let rowsAt: usize = 0;
export const LAID_BYTES: u32 = 128 * 576 + 256;
export function layAt(address: usize): void { rowsAt = address; }

/** What a contract's revision does (Aave's choices; a Compound's rounding). */
let choices: u32 = 0;
/** The time of the view, an address; 0: as stored. */
let now: usize = 0;
export function setView(time: usize): void { now = time; }
export function setChoices(mask: u32): void { choices = mask; }

// ---- Categories (Aave's eModes), as rows of arguments

export const CATEGORY_BYTES: u32 = 256;
let categoryRows: usize = 0;
export function keepCategories(address: usize): void { categoryRows = address; }
export function categoryAt(category: u32): usize { return categoryRows + category * CATEGORY_BYTES; }

/** What a category makes of an asset's threshold. */
export function entryOf(asset: usize, category: u32, index: u32): u32 {
  if (rule > Rule.AAVE_SUM) return 0;
  aave.choose(choices);
  const own = load<u32>(asset, AaveFigure.THRESHOLD), row = categoryAt(category);
  if (!aave.takesPart(own)) return Entry.UNCOUNTED;
  const inMode = category && (aave.chosen(aave.Choice.EMODE_BY_ID) ? load<u32>(asset, AaveFigure.CATEGORY) == category : aave.bit(row + aave.Category.COLLATERALS, index));
  if (!inMode) return own;
  return load<u32>(row, aave.Category.THRESHOLD) | (isZero(row + aave.Category.PRICE, 4) ? 0 : Entry.SLOW);
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
    BORROW_INDEX: usize = 224, RATE: usize = 256, BLOCK: usize = 288, RESERVE_FACTOR: usize = 320;
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
  if (rule <= Rule.AAVE_SUM) deriveReserve(asset);
  else if (rule == Rule.COMPOUND) deriveToken(asset);
  else deriveCollateral(asset);
}

function deriveReserve(asset: usize): void {
  aave.choose(choices);
  const price = at(asset + AaveFigure.PRICE), unit = aave.unitOf(asset - 32), last = at(asset + AaveFigure.LAST_UPDATE), time = now ? at(now) : last;
  const down = Rounding.DOWN, half = Rounding.HALF_UP;
  const income = aave.incomeIndex(at(asset + AaveFigure.LIQUIDITY_INDEX), at(asset + AaveFigure.LIQUIDITY_RATE), last, time);
  if (end()) setUnscreened(asset);
  else setSteps(asset, true, income, ray(), aave.chosen(aave.Choice.FLOOR_BALANCES) ? down : half, price, unit, down);
  forgive();
  const debt = aave.debtIndex(at(asset + AaveFigure.BORROW_INDEX), at(asset + AaveFigure.BORROW_RATE), last, time);
  if (end()) setUnscreened(asset);
  else setSteps(asset, false, debt, ray(), aave.chosen(aave.Choice.CEIL_DEBTS) ? Rounding.UP : half, price, unit, aave.chosen(aave.Choice.CEIL_DEBT_VALUES) ? Rounding.UP : down);
}

/** The exchange rate of the view: of stored or of accrued figures. */
function deriveToken(asset: usize): void {
}

function deriveCollateral(asset: usize): void {
}
