/** What a liquidation would bring its liquidator: filled by the rules, read by the order by profit and by plans. */
import { add, clear, compare, copy, isZero, product, sub } from "../wide/limbs";
import { at, mulDivDown, negate, ptr, put, sub as less, u256, wad, word } from "../wide/u256";

/** The terms: what may be repaid at most, in units of the debt (of an account its value); what part of the seized collateral its sale costs, WAD; and what a call costs beside, in the common unit (8 limbs). */
export const MOST: usize = memory.data(32, 16), DISCOUNT: usize = memory.data(32, 16), GAS: usize = memory.data(64, 16);
/** Of accounts: in which markets calls may be made, a bit each. */
export const MARKETS: usize = memory.data(16, 16);
/** What the contract takes and gives, in its own units; the bonus is negative where it takes more. What is repaid, in the unit of MOST. */
export const REPAID: usize = memory.data(32, 16), SEIZED: usize = memory.data(32, 16), BONUS: usize = memory.data(32, 16), FEE: usize = memory.data(32, 16), COST: usize = memory.data(32, 16);
/** What is left after the sale and the call, in the common unit: its magnitude, and whether it is a loss. */
export const PROFIT: usize = memory.data(64, 16);
export let loss: bool = false, toxic: bool = false, badDebt: bool = false;
export function setFlags(isToxic: bool, leavesBadDebt: bool): void { toxic = isToxic; badDebt = leavesBadDebt; }

/** No limit, in any market, and a sale and a call that cost nothing. */
export function setTerms(): void { memory.fill(MOST, 0xff, 32); memory.fill(MARKETS, 0xff, 16); clear(DISCOUNT, 4); clear(GAS, 8); }

/** A liquidation that the contract refuses. */
export function none(): void {
  clear(REPAID, 4); clear(SEIZED, 4); clear(BONUS, 4); clear(FEE, 4); clear(COST, 4); clear(PROFIT, 8);
  loss = toxic = badDebt = false;
}

/** What is repaid and seized, the value of that, what is paid beside it, all in units of debt; and where the common unit's value of one stands, or 0. */
export function settle(repaid: u256, seized: u256, value: u256, paid: u256, quote: usize): void {
  put(REPAID, repaid); put(COST, repaid); put(SEIZED, seized); clear(FEE, 4);
  const sold = mulDivDown(value, less(wad(), at(DISCOUNT)), wad());
  if (difference(BONUS, value, paid, repaid)) put(BONUS, negate(at(BONUS)));
  loss = difference(PROFIT, sold, paid, repaid);
  clear(PROFIT + 32, 4);
  if (quote) {
    product(QUOTED, PROFIT, 4, quote, 4);
    copy(PROFIT, QUOTED, 8);
  }
  pay();
}

/** Takes the call's own cost off the profit. */
function pay(): void {
  if (loss) add(PROFIT, PROFIT, GAS, 8);
  else if (compare(PROFIT, GAS, 8) >= 0) sub(PROFIT, PROFIT, GAS, 8);
  else {
    sub(PROFIT, GAS, PROFIT, 8);
    loss = true;
  }
}

/** Of two assets: units that are repaid, seized and the protocol's, and the value of what is repaid and of what is seized. */
export function settleAssets(repaid: u256, seized: u256, fee: u256, cost: u256, value: u256): void {
  settle(cost, seized, value, word(0), 0);
  put(REPAID, repaid); put(FEE, fee);
}

/** Of what brings its caller nothing, and costs nothing: units that are repaid, and the values of what is seized and of that. */
export function settleFree(repaid: u256, seized: u256, cost: u256): void {
  settle(cost, seized, seized, word(0), 0);
  put(REPAID, repaid);
  clear(COST, 4); clear(PROFIT, 8);
  loss = false;
  pay();
}

const QUOTED: usize = memory.data(64, 16);

/** |a + b − c|; whether it is negative. A sum beyond 256 bits stops at them. */
function difference(out: usize, a: u256, b: u256, c: u256): bool {
  const sum = word(0);
  if (add(ptr(sum), ptr(a), ptr(b), 4)) memory.fill(ptr(sum), 0xff, 32);
  if (compare(ptr(sum), ptr(c), 4) < 0) { sub(out, ptr(c), ptr(sum), 4); return true; }
  sub(out, ptr(sum), ptr(c), 4);
  return false;
}

/** The figure by which an order by profit goes: a loss is as good as nothing. */
export function gainTo(out: usize): void {
  if (loss) clear(out, 8);
  else copy(out, PROFIT, 8);
}
