/** Ticks: a new price, then a scan of what changed since the last. Ids only: figures of a million fallen vaults would be another matter. */
import { random } from "../examples/keeper/synthetic.js";
import { ensure, median, quantile, type Stage, time, US } from "./measure.js";

/** A market whose price moves. */
export interface Ticking {
  /** Debt over collateral of each vault, largest first. */
  readonly keys: Float64Array;
  /** How many of them are unsafe at `price`. */
  readonly unsafe: number;
  readonly price: bigint;
  /** The price at which a vault with this key stands on the line. */
  readonly priceAt: (key: number) => bigint;
  /** Sets the price and answers what changed. */
  readonly tick: (price: bigint) => { readonly unsafe: { readonly length: number }; readonly safe: { readonly length: number } };
}

/** How many fall in a tick. */
export const FIRST = 100;
/** Ticks that warm up, and those that are measured. */
const WARM = 20, TICKS = 50, WALK = 1000;

/** A price at which the first `count` keys are unsafe, `share` of the way to the next. */
function priceBelow({ keys, priceAt }: Ticking, count: number, share = 0.5): bigint {
  return priceAt(keys[count - 1]! + (keys[count]! - keys[count - 1]!) * share);
}

/** At each tick the next hundred fall, wherever they stand. */
function measureTick(market: Ticking): number {
  const { unsafe, tick, price } = market, times: number[] = [];
  tick(priceBelow(market, unsafe));
  for (let i = 1; i <= WARM + TICKS; ++i) {
    const to = priceBelow(market, unsafe + i * FIRST);
    times.push(time(() => {
      const { unsafe: fallen, safe } = tick(to);
      ensure(fallen.length === FIRST && !safe.length, `a tick in which ${fallen.length} vaults fell and ${safe.length} rose`);
    }));
  }
  tick(price);
  return quantile(times.slice(WARM), 0.5) * US;
}

/** The price moves up and down between two vaults. */
function measureQuiet(market: Ticking): number {
  const { keys, unsafe, tick, price } = market;
  let at = unsafe;
  for (let i = unsafe; i < unsafe + FIRST; ++i) if (keys[i - 1]! - keys[i]! > keys[at - 1]! - keys[at]!) at = i;
  const low = priceBelow(market, at, 0.3), high = priceBelow(market, at, 0.7);
  tick(low);
  const move = (to: bigint) => {
    const { unsafe: fallen, safe } = tick(to);
    ensure(!fallen.length && !safe.length, `a quiet tick in which ${fallen.length} vaults fell and ${safe.length} rose`);
  };
  const both = median(() => { move(high); move(low); });
  tick(price);
  return both * US / 2;
}

/** A price that wanders within 1 % of where it began, drawn back to it: steps of 0.01 % to 0.2 %. */
function walkOf(price: bigint, ticks: number, seed: number): bigint[] {
  const next = random(seed);
  let distance = 0;
  return Array.from({ length: ticks }, () => {
    const step = 0.0001 + 0.0019 * next(), up = next() < 0.5 - distance * 50; // never up at +1 %, never down at −1 %
    distance += up ? step : -step;
    if (Math.abs(distance) > 0.01) distance -= Math.sign(distance) * 2 * step;
    return price * BigInt(Math.round((1 + distance) * 2 ** 50)) >> 50n;
  });
}

/** Milliseconds of each tick. */
function measureWalk({ tick, price }: Ticking): number[] {
  for (const to of walkOf(price, WALK / 5, 1)) tick(to);
  const times = walkOf(price, WALK, 2).map((to) => time(() => { tick(to); }));
  tick(price);
  return times;
}

/** The price falls by 5 % at once; back up again between the runs, untimed. */
function measureCrash({ tick, unsafe, price }: Ticking): number {
  const fall = median(() => {
    ensure(tick(price * 95n / 100n).unsafe.length > unsafe, "a fall in which no more fell than stood below before");
  }, () => { tick(price); });
  tick(price);
  return fall * US;
}

/** The figures of a stage that ticks, under a prefix to their names. */
export function tickFigures<T extends Ticking>(prefix = ""): Stage<T>["figures"] {
  const walks = new WeakMap<T, number[]>();
  const walk = (market: T) => {
    const times = walks.get(market) ?? measureWalk(market);
    walks.set(market, times);
    return times;
  };
  return {
    [`${prefix}tick`]: ["µs", measureTick],
    [`${prefix}tick.quiet`]: ["µs", measureQuiet],
    [`${prefix}tick.walk`]: ["µs", (market) => quantile(walk(market), 0.5) * US],
    [`${prefix}tick.walk.p99`]: ["µs", (market) => quantile(walk(market), 0.99) * US],
    [`${prefix}tick.crash`]: ["µs", measureCrash],
  };
}
