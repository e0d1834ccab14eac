/** Interest rates that rise with utilization, and faster beyond a kink: Compound's models, v2 and III. Everything 1e18. */
import { add, at, min, mulThenDiv, mulWad, Round, sub, u256, wad } from "../wide/u256";

/**
 * base + ⌊low·min(u, kink)⌋ + ⌊high·(u − min(u, kink))⌋, both over 1e18. At `curve` stand kink, low, high and base, 32 bytes each.
 * Models that branch at the kink give the same, reverts included: below it the second product is 0.
 */
export function kinkedRate(curve: usize, utilization: u256): u256 {
  const normal = min(utilization, at(curve));
  return add(add(at(curve + 96), mulWad(at(curve + 32), normal)), mulWad(at(curve + 64), sub(utilization, normal)));
}

/** ⌊borrowed·1e18 / supplied⌋. */
export function utilizationOf(borrowed: u256, supplied: u256): u256 { return mulThenDiv(borrowed, wad(), supplied, Round.DOWN); }
