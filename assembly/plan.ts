/**
 * A plan: liquidations one after the other, each as the ones before leave its market. What they change, which is figures of
 * markets, of batches and of the system, is kept, and put back at the end. An account is laid out, and works on as the last
 * call left it for as long as it is asked for again.
 *
 *   change (1344 bytes)  ┌ market  its record ┬ batch  192 ┬ system  192 ┬ u32s: where the market and the batch stand ┐
 *
 * Of accounts it is an asset's record, and reaches over the batch, which they have not.
 */
import { ARGS, RESULTS, STAGE, SYSTEM } from "./layout";
import * as rule from "./rules";
import * as gain from "./rules/gain";
import { BATCH_BYTES } from "./rules/position";
import { Plan } from "./rules/status";
import { doubled, take, tableClass } from "./store/blocks";
import { Fault, foundBlock, foundLog, foundMarket, foundPlace, rowOf, userKeyAt, userKeyBytes, vaultAt } from "./store/chunks";
import { clear, copy, divide, product, sub } from "./wide/limbs";

// @ts-ignore: decorator
@inline const CHANGE: u32 = 1344;
// @ts-ignore: decorator
@inline const AT_BATCH: usize = 928;
// @ts-ignore: decorator
@inline const AT_SYSTEM: usize = 1120;
// @ts-ignore: decorator
@inline const AT_PLACES: usize = 1312;
let changes: usize = 0, changesLog: u32 = 0, count: u32 = 0;
let market: usize = 0, row: usize = 0, last: f64 = -1;

/** What may still be repaid, in the common unit; all ones: anything. */
const BUDGET: usize = memory.data(32, 16), SPENT: usize = memory.data(64, 16);

/** The terms of what follows, in ARGS: what may be repaid in all, what the sale of collateral costs, what a call costs, and in which markets calls may be made. */
export function planTerms(): void {
  copy(BUDGET, ARGS, 4);
  copy(gain.DISCOUNT, ARGS + 32, 4);
  copy(gain.GAS, ARGS + 64, 4);
  copy(gain.MARKETS, ARGS + 96, 2);
}

function boundless(): bool { return (load<u64>(BUDGET) & load<u64>(BUDGET, 8) & load<u64>(BUDGET, 16) & load<u64>(BUDGET, 24)) == 0xffffffffffffffff; }

/** What the liquidation of a vault takes and brings, to RESULTS, and its key to the stage; the reason why the contract refuses it, 0, or a fault. */
export function planStep(id: f64): i32 {
  const number = rowOf(id);
  if (number < 0) return Fault.STALE;
  market = foundMarket; row = vaultAt(foundBlock, foundLog, foundPlace);
  if (userKeyBytes()) memory.copy(STAGE, userKeyAt(<u32>number), userKeyBytes());
  const quote = rule.quoteOf(market);
  if (quote && !boundless()) divide(gain.MOST, 0, BUDGET, 4, quote, 4);
  else copy(gain.MOST, BUDGET, 4);
  const why = rule.liquidate(market, row, foundLog, id == last);
  last = id;
  copy(RESULTS, gain.REPAID, 4);
  copy(RESULTS + (Plan.SEIZED << 5), gain.SEIZED, 4);
  copy(RESULTS + (Plan.BONUS << 5), gain.BONUS, 4);
  copy(RESULTS + (Plan.FEE << 5), gain.FEE, 4);
  copy(RESULTS + (Plan.PROFIT << 5), gain.PROFIT, 8);
  clear(RESULTS + (Plan.LOSS << 5), 12);
  store<u64>(RESULTS + (Plan.LOSS << 5), u64(gain.loss));
  store<u64>(RESULTS + (Plan.TOXIC << 5), u64(gain.toxic));
  store<u64>(RESULTS + (Plan.BAD_DEBT << 5), u64(gain.badDebt));
  return why;
}

/** Leaves everything as the last step does; false, and nothing changed, where there is no memory to keep what was. */
export function planTake(): bool {
  if ((count + 1) * CHANGE > (changes ? <u32>1 << changesLog : 0)) {
    const next = changes ? doubled(changes, changesLog) : take(tableClass(14), 1 << 14);
    if (!next) return false;
    changesLog = changes ? changesLog + 1 : 14;
    changes = next;
  }
  const change = changes + CHANGE * count++, place = rule.changed(market), batch = rule.batchOf(row);
  memory.copy(change, place, rule.changedBytes());
  if (batch) memory.copy(change + AT_BATCH, batch, BATCH_BYTES);
  memory.copy(change + AT_SYSTEM, SYSTEM, 192);
  store<u32>(change, <u32>place, AT_PLACES);
  store<u32>(change, <u32>batch, AT_PLACES + 4);
  if (!boundless()) {
    const quote = rule.quoteOf(market);
    clear(SPENT, 8);
    if (quote) product(SPENT, gain.COST, 4, quote, 4); // ≤ BUDGET, of which it is a part
    else copy(SPENT, gain.COST, 4);
    sub(BUDGET, BUDGET, SPENT, 4);
  }
  rule.carry(market, row);
  return true;
}

/** Puts everything back. */
export function planEnd(): void {
  last = -1;
  while (count) {
    const change = changes + CHANGE * --count, batch = <usize>load<u32>(change, AT_PLACES + 4);
    memory.copy(load<u32>(change, AT_PLACES), change, rule.changedBytes());
    if (batch) memory.copy(batch, change + AT_BATCH, BATCH_BYTES);
    memory.copy(SYSTEM, change + AT_SYSTEM, 192);
  }
  gain.setTerms();
}
