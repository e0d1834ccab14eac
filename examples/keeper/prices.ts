/** Prices that move: from where they are to where they will be, in noisy ticks. */
import { random } from "./synthetic.js";

export interface Course {
  /** The oracle's price at the opening. */
  readonly from: bigint;
  /** What it will be at the last tick, as a share of that. */
  readonly change: number;
}

/**
 * The oracle's price of each market at each tick. The noise about the line is as large as a step, most of it common to all
 * markets, as it is for real: now and then a falling price rises. A price that does not change has none.
 */
export function pricePath(courses: readonly Course[], ticks: number, seed: number): bigint[][] {
  const next = random(~seed), swing = () => 2 * next() - 1, steps = courses.map(({ change }) => Math.log(change) / ticks);
  return Array.from({ length: ticks }, (_, tick) => {
    const common = swing();
    return courses.map(({ from }, i) => {
      const step = steps[i]!, moved = step * (tick + 1) + 0.9 * step * common + 0.3 * step * swing();
      return (from * BigInt(Math.round(Math.exp(moved) * 1e12))) / 10n ** 12n;
    });
  });
}
