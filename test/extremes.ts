/** What a what-if answers, against the rule: the most that is accepted, the least that suffices. */
import { expect } from "vitest";
import type { Dice } from "./arbitraries.js";

/** The largest amount that is searched. */
export const ENDLESS = 2n ** 255n - 1n;
const ABOVE = [1n, 2n, 3n, 7n, 1000n, 10n ** 9n, 10n ** 18n, 2n ** 64n, 2n ** 100n, 2n ** 127n, 2n ** 128n];

/** The most: accepted, and nothing above it. */
export function isMost(answer: unknown, accepts: (x: bigint) => boolean, dice: Dice): void {
  const first = typeof answer === "bigint" ? answer : -1n;
  if (typeof answer === "bigint") expect(accepts(answer), `${answer} is accepted`).toBe(true);
  else expect(["refused", "reverts"]).toContain(answer);
  if (first === ENDLESS) return;
  for (const more of [...ABOVE, dice.uint(130), dice.uint(80), dice.uint(40)]) if (more) expect(accepts(first + more), `${first} + ${more} is not`).toBe(false);
}

/** The least: enough, and nothing below it. */
export function isLeast(answer: unknown, suffices: (x: bigint) => boolean, dice: Dice): void {
  if (typeof answer !== "bigint") {
    expect(["never", "reverts"]).toContain(answer);
    for (const x of [0n, ...ABOVE, dice.uint(130), dice.uint(80)]) expect(suffices(x), `${x} does not suffice`).toBe(false);
    return;
  }
  expect(suffices(answer), `${answer} suffices`).toBe(true);
  for (const less of [...ABOVE, dice.uint(130), dice.uint(80), dice.uint(40)]) if (less && less <= answer) expect(suffices(answer - less), `${answer} − ${less} does not`).toBe(false);
  if (answer) expect(suffices(0n)).toBe(false);
}
