/**
 * Liquidations of an account that is laid out (rules/assets): of all pairs of what it owes and what it holds the one that brings
 * most, and the account as that call leaves it. A Comet absorbs the account whole, and pays nobody for it.
 */
import { ofAave, ofComet, ofCompound } from "../cut";
import { ARGS, RESULTS, SYSTEM } from "../layout";
import { clear, compare, copy, isZero } from "../wide/limbs";
import * as aave from "./aave";
import * as aaveCalls from "./aave-liquidation";
import * as comet from "./comet";
import * as compound from "./compound";
import { CometFigure, DEBT, FIGURE_LIMBS, HEALTH, ROW_ASSETS, TokenFigure, VALUE, derive, judgeLaid, roundOf } from "./assets";
import * as gain from "./gain";
import { ASSET, ASSETS, BASE, EXCHANGE_RATE } from "./lines";
import { Plan } from "./status";
import { Revert, count, rows } from "../wide/u256";

// What calls change of a row: what is held, and what is owed behind it.
// @ts-ignore: decorator
@inline const AMOUNTS: u32 = 64;
const KEPT: usize = memory.data(8192, 16), BEST: usize = memory.data(64, 16), BEFORE: usize = memory.data(32, 16);
let held: u32 = 0, owed: u32 = 0, loss: bool = false;

/** The argument that is the account's rows. */
function rowsIn(): u32 { return ofAave() ? aave.Arg.RESERVES : 0; }
function rowAt(i: u32): usize { return rows(rowsIn()) + i * (ofAave() ? <u32>aave.Reserve.BYTES : compound.ASSET); }
function amountsOf(i: u32): usize { return rowAt(i) + (ofAave() ? <usize>aave.Reserve.SCALED_BALANCE : compound.TOKENS); }
function assetOf(set: usize, row: u32): usize { return set + ASSETS + <u32>load<u8>(ROW_ASSETS + row) * ASSET; }

/** Calls for a debt and a collateral, as rows: what it brings to rules/gain; why it is refused, or 0. */
function call(set: usize, debt: u32, collateral: u32): i32 {
  if (!ofAave()) return compound.liquidateMost(rowAt(debt), rowAt(collateral), SYSTEM, assetOf(set, collateral) + TokenFigure.RESERVES, assetOf(set, collateral) + TokenFigure.SEIZE_SHARE, roundOf());
  const to = ARGS + (aave.Arg.COLLATERAL_ID << 5);
  clear(to, 8);
  store<u32>(to, load<u8>(ROW_ASSETS + collateral));
  store<u32>(to, load<u8>(ROW_ASSETS + debt), 32);
  return aaveCalls.liquidateMost();
}

function isAllowed(row: u32): bool { return aave.bit(gain.MARKETS, load<u8>(ROW_ASSETS + row)); }

/** Finds the pair that brings most, of those that bring the same the first by debt, then by collateral; false where all are refused. */
function search(set: usize): bool {
  const n = count(rowsIn());
  let found = false;
  for (let i: u32 = 0; i < n; ++i) copy(KEPT + i * AMOUNTS, amountsOf(i), 8);
  for (let debt: u32 = 0; debt < n; ++debt) {
    if (isZero(KEPT + debt * AMOUNTS + 32, 4) || !isAllowed(debt)) continue;
    for (let collateral: u32 = 0; collateral < n; ++collateral) {
      if (isZero(KEPT + collateral * AMOUNTS, 4) || !isAllowed(collateral)) continue;
      const refused = call(set, debt, collateral);
      for (let i: u32 = 0; i < n; ++i) copy(amountsOf(i), KEPT + i * AMOUNTS, 8);
      if (refused) continue;
      const more = compare(gain.PROFIT, BEST, 8);
      if (found && (gain.loss ? !loss || more >= 0 : !loss && more <= 0)) continue;
      copy(BEST, gain.PROFIT, 8);
      loss = gain.loss; owed = debt; held = collateral; found = true;
    }
  }
  return found;
}

/** The figure by which an order by profit goes: what the best call brings, a loss being as good as nothing. */
export function bestTo(out: usize, set: usize): void {
  clear(out, 8);
  if (!ofComet() && search(set) && !loss) copy(out, BEST, 8);
}

function answer(debt: u32, collateral: u32): void {
  memory.copy(RESULTS + (Plan.LIQUIDATION << 5), RESULTS, 288);
  clear(RESULTS + (Plan.DEBT_MARKET << 5), 8);
  store<u32>(RESULTS + (Plan.DEBT_MARKET << 5), debt);
  store<u32>(RESULTS + (Plan.COLLATERAL_MARKET << 5), collateral);
}

/** Calls for the best pair: what it brings to rules/gain and RESULTS, and the account is left as it leaves it. False where all are refused. */
export function callBest(set: usize): bool {
  if (ofComet()) {
    if (comet.absorb()) return false;
    answer(BASE, BASE);
    comet.settleAbsorbed();
    return true;
  }
  if (!search(set)) return false;
  clear(VALUE, FIGURE_LIMBS);
  judgeLaid();
  copy(BEFORE, HEALTH, 4);
  call(set, owed, held);
  answer(load<u8>(ROW_ASSETS + owed), load<u8>(ROW_ASSETS + held));
  const deficits = ofAave() && !isZero(RESULTS + 256, 1);
  if (ofAave()) copy(ARGS + (aave.Arg.CONFIG << 5), RESULTS + 128, 4);
  judgeLaid();
  let bare = isZero(VALUE, 4);
  if (!ofAave()) { // where a collateral factor is 0 it can be seized, too
    bare = true;
    for (let i: u32 = 0; i < count(0); ++i) if (!isZero(amountsOf(i), 4)) bare = false;
  }
  gain.setFlags(compare(HEALTH, BEFORE, 4) < 0, deficits || (bare && !isZero(DEBT, 4)));
  return true;
}

/** Where the asset stands whose figures the last call changes. */
export function changed(set: usize): usize { return ofComet() ? set + ASSETS + BASE * ASSET : assetOf(set, held); }
/** Leaves what accounts share as the last call does: a cToken's reserves and supply, and with them its exchange rate; a Comet's totals. */
export function carry(set: usize): void {
  if (ofComet()) copy(SYSTEM + CometFigure.TOTAL_SUPPLY, RESULTS + (Plan.LIQUIDATION + 4 << 5), 8);
  if (!ofCompound()) return;
  const asset = changed(set);
  compound.carrySeized(asset + TokenFigure.RESERVES);
  derive(asset);
  copy(rowAt(held) + 32, asset + EXCHANGE_RATE, 4);
}
