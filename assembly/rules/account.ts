/**
 * An account that holds and owes several assets: its sums, while the legs go by one after another. They stand outside the arena, so
 * that a loop may `forget` between two legs. What a leg is worth is each protocol's own rule.
 */
import { clear, compare } from "../wide/limbs";

/** What the collateral counts for, and what is owed; uint256, in the protocol's unit of value. */
export const COLLATERAL: usize = memory.data(32, 16), OWED: usize = memory.data(32, 16);

export function beginAccount(): void {
  clear(COLLATERAL, 4);
  clear(OWED, 4);
}

/** The verdict so far: whether the collateral counts for less than is owed. */
export function isShort(): bool { return compare(COLLATERAL, OWED, 4) < 0; }
