/**
 * What a book of accounts does beside what every book does: accounts cross the stage as cells (rules/shelf), one after the
 * other, and move to another shelf when they get more lines or fewer, under the same number.
 */
import { RESULTS, STAGE } from "./layout";
import { CATEGORY_BYTES, VALUE, categoryAt, lay as layOut } from "./rules/assets";
import { amountBytes, amountsOf, tagsOf } from "./rules/lines";
import { CELL, WANTED, assetSet, assetsHeld, erase, evaluate, priceOf, ratioTo, shelfFor, weighCategory, write } from "./rules/shelf";
import { ensure } from "./store/blocks";
import {
  Fault, LINK_REVERTS, LINK_UNSAFE, MOST, ORDINAL, REVERT_BITS, ROWS_LOG, UNSAFE_BITS,
  chunkAt, foundBlock, foundLog, foundMarket, foundPlace, giveNumber, groupOf, idAt, linesOf, linkAt, marketAt, marketsHeld, moveNumber, needed, open, place, reserveNumbers,
  rowOf, seek, takeNumber, userKeyAt, userKeyBytes, vacate, vaultAt,
} from "./store/chunks";
import { enter, leave, reserveKeys } from "./store/keys";
import { clear, copy } from "./wide/limbs";

/** Begins to make room for `count` accounts; false where memory cannot grow. */
export function reserveAccounts(count: u32): bool {
  for (let i: u32 = 0; i < marketsHeld(); ++i) store<u32>(marketAt(i), 0, WANTED);
  return reserveNumbers(count) && (!userKeyBytes() || reserveKeys(count));
}
/** Of them `count` with so many lines. False where memory cannot grow. */
export function reserveLines(lines: u32, count: u32): bool {
  const shelf = shelfFor(lines);
  if (shelf < 0) return false;
  const market = marketAt(shelf);
  store<u32>(market, load<u32>(market, WANTED) + count, WANTED);
  let bytes: u64 = 0;
  for (let i: u32 = 0; i < marketsHeld(); ++i) bytes += needed(marketAt(i), load<u32>(marketAt(i), WANTED));
  return ensure(bytes);
}

/**
 * Takes in `count` accounts from the stage, for which room was reserved; their ids take the place of the first cells. On a key
 * that is there already all of them are undone: −1 − the number of accounts before it; else 0.
 */
export function loadAccounts(count: u32): i32 {
  for (let i: u32 = 0, cell = STAGE; i < count; ++i) {
    const lines = load<u32>(cell, 4), next = cell + (lines + 1) * CELL, taken = place(marketAt(shelfFor(lines)), 1);
    if (taken < 0) unreachable(); // reserveLines promised
    const row = <u32>taken;
    seek(row);
    const shelf = foundMarket, block = foundBlock, shape = foundLog, at = foundPlace;
    memory.copy(userKeyAt(row), cell + 16, userKeyBytes());
    const number = takeNumber(row);
    write(shelf, block, shape, at, number, cell);
    if (userKeyBytes() && !enter(row)) {
      removeAccount(row, false);
      for (let j: u32 = 0; j < i; ++j) removeAccount(<u32>rowOf(load<f64>(STAGE + (j << 3))), true);
      return -1 - <i32>i;
    }
    store<f64>(STAGE + (i << 3), idAt(row));
    cell = next;
  }
  return 0;
}

export function removeAccount(row: u32, keyed: bool): void {
  if (keyed && userKeyBytes()) leave(row);
  seek(row);
  giveNumber(load<u32>(vaultAt(foundBlock, foundLog, foundPlace)));
  erase(foundBlock, foundLog, foundPlace);
  vacate(row);
}

/** An account as cells, to the stage; the number of its lines, or a fault. */
export function readAccount(id: f64): i32 {
  const row = rowOf(id);
  if (row < 0) return Fault.STALE;
  const vault = vaultAt(foundBlock, foundLog, foundPlace), lines = <u32>load<u16>(vault, 6);
  let tag = tagsOf(vault), amount = amountsOf(vault, linesOf(foundLog)), cell = STAGE;
  store<u32>(cell, load<u8>(vault, 4));
  store<u32>(cell, lines, 4);
  memory.copy(cell + 16, userKeyAt(<u32>row), userKeyBytes());
  for (let i: u32 = 0; i < lines; ++i, tag += 2, amount += amountBytes()) {
    cell += CELL;
    store<u32>(cell, load<u8>(tag));
    store<u32>(cell, load<u8>(tag, 1), 4);
    memory.copy(cell + 16, amount, amountBytes());
  }
  return <i32>lines;
}

/** Writes an account anew from the stage, its key as it is: in its row, or on another shelf if it has other lines. 0, or a fault. */
export function rewriteAccount(id: f64): i32 {
  const row = rowOf(id), lines = load<u32>(STAGE, 4);
  if (row < 0) return Fault.STALE;
  const shelf = shelfFor(lines);
  if (shelf < 0) return Fault.MEMORY;
  seek(<u32>row);
  const number = load<u32>(vaultAt(foundBlock, foundLog, foundPlace));
  let to = <u32>row;
  if (marketAt(shelf) != foundMarket) {
    if (!ensure(needed(marketAt(shelf), 1))) return Fault.MEMORY;
    const taken = place(marketAt(shelf), 1);
    if (taken < 0) unreachable();
    to = <u32>taken;
    const key = userKeyAt(to);
    memory.copy(key, userKeyAt(<u32>row), userKeyBytes());
    carry(<u32>row, to);
    if (userKeyBytes()) leave(<u32>row);
    seek(<u32>row);
    erase(foundBlock, foundLog, foundPlace);
    vacate(<u32>row);
    if (userKeyBytes()) enter(to);
    moveNumber(number, to);
  }
  seek(to);
  write(foundMarket, foundBlock, foundLog, foundPlace, number, STAGE);
  open(foundMarket, chunkAt(to >> ROWS_LOG), foundPlace, 1);
  return 0;
}

/** Carries what the last scan found of a row over to another, so that a scan of changes sees one account. */
function carry(from: u32, to: u32): void {
  seek(from);
  const state = groupOf(foundBlock, foundPlace), bit = <u32>foundPlace & 63;
  const unsafe = load<u64>(state, UNSAFE_BITS) >> bit & 1, reverts = load<u64>(state, REVERT_BITS) >> bit & 1;
  seek(to);
  const next = groupOf(foundBlock, foundPlace), at = <u32>foundPlace & 63, link = linkAt(foundMarket, load<u32>(chunkAt(to >> ROWS_LOG), ORDINAL));
  store<u64>(next, load<u64>(next, UNSAFE_BITS) | unsafe << at, UNSAFE_BITS);
  if (unsafe) store<f32>(next, Infinity, MOST); // a look must not take the group for one that was all safe
  store<u64>(next, load<u64>(next, REVERT_BITS) | reverts << at, REVERT_BITS);
  store<u16>(link, <u16>(load<u16>(link, LINK_UNSAFE) + <u32>unsafe), LINK_UNSAFE);
  store<u16>(link, <u16>(load<u16>(link, LINK_REVERTS) + <u32>reverts), LINK_REVERTS);
}

/** The ids of `count` rows at the stage's beginning (f64s), in their place. */
export function translate(count: u32): void {
  for (let i: u32 = 0; i < count; ++i) store<f64>(STAGE + (i << 3), idAt(<u32>(<u64>load<f64>(STAGE + (i << 3)))));
}

/** Lays an account out as the arguments of its protocol's functions: 0, the reason why an accrual on the way reverts, or a fault. */
export function lay(id: f64): i32 {
  if (rowOf(id) < 0) return Fault.STALE;
  return layOut(assetSet(), vaultAt(foundBlock, foundLog, foundPlace), linesOf(foundLog), assetsHeld());
}

/** Evaluates an account: status, value of the collateral, debt, health and ratio, to RESULTS. */
export function inspectAccount(id: f64): i32 {
  if (rowOf(id) < 0) return Fault.STALE;
  const status = evaluate(foundMarket, vaultAt(foundBlock, foundLog, foundPlace), foundLog);
  clear(RESULTS, 32);
  store<u32>(RESULTS, status);
  copy(RESULTS + 32, VALUE, 12); // value, debt, health
  ratioTo(RESULTS + 128);
  return 0;
}

/** The liquidation price of an asset for an account, to RESULTS; which kind of answer it is. */
export function accountPrice(id: f64, asset: u32, owed: bool): i32 {
  if (rowOf(id) < 0) return Fault.STALE;
  return priceOf(vaultAt(foundBlock, foundLog, foundPlace), foundLog, asset, owed);
}

/** Sets a category's figures from a row of arguments at the stage's beginning. */
export function setCategory(category: u32, bytes: u32): void {
  memory.copy(categoryAt(category), STAGE, bytes);
  weighCategory(category);
}

/** A category's figures as they were set, to RESULTS. */
export function getCategory(category: u32): void { memory.copy(RESULTS, categoryAt(category), CATEGORY_BYTES); }
