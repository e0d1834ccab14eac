/** How a figure is measured, and what a group of figures is. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Book } from "plimsoll";
import type { Exports } from "../bindings/abi.js";

/** A figure of the report. `vaults`: how many stood in the book, 0 where there is none. `note`: on what it was measured, where that may vary. */
export interface Figure { readonly name: string; readonly vaults: number; readonly value: number; readonly unit: Unit; readonly note?: string }
export type Unit = "ns" | "µs" | "ms" | "bytes";

/** What a quotient of figures should be at least. */
export interface Ratio { readonly name: string; readonly of: (figure: (name: string) => Figure) => number; readonly least: number }
/** What a figure should be at most. */
export interface Limit { readonly name: string; readonly most: number }

/** Figures that share what they are measured on, which is made when the first of them is wanted. */
export interface Stage<T> {
  readonly vaults: number;
  readonly open: () => T;
  /** The note of its figures. */
  readonly note?: (stage: T) => string | Promise<string>;
  /** What this machine lacks for them, if it lacks something: then they are left out. */
  readonly missing?: () => string | undefined;
  readonly close?: (stage: T) => Promise<void>;
  /** In the order in which they are measured: what changes the book comes last. */
  readonly figures: Readonly<Record<string, readonly [unit: Unit, measure: (stage: T) => number | Promise<number>]>>;
}
export const stage = <T>(of: Stage<T>): Stage<unknown> => of as Stage<unknown>;

/** The figures of a protocol, or of the package, and their goals. */
export interface Group {
  readonly stages: (vaults: number, big: number) => readonly Stage<unknown>[];
  readonly goals: readonly (Ratio | Limit)[];
}

/** How much faster one figure is than another in the same unit. */
export const faster = (slow: string, fast: string, least: number): Ratio => (
  { name: `${slow} / ${fast}`, of: (figure) => figure(slow).value / figure(fast).value, least }
);

export const NS = 1e6, US = 1e3; // in a millisecond

/** What lies at a share of the sorted values: 0.5 for the median. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort(), at = (sorted.length - 1) * share, low = Math.floor(at);
  return sorted[low]! + (sorted[Math.ceil(at)]! - sorted[low]!) * (at - low);
}

/** Milliseconds that a call takes, once. */
export function time(run: () => void): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}

/**
 * Milliseconds that `run` takes: the median of at least 11 runs and a second, after at least 3 runs and 0.2 s of warming up (first
 * calls are up to 2.5 times slower, those of small kernels more). `before` prepares each run, untimed.
 */
export function median(run: () => void, before: () => void = () => {}): number {
  const repeat = (runs: number, milliseconds: number) => {
    const times: number[] = [];
    for (let spent = 0; times.length < runs || spent < milliseconds;) {
      before();
      times.push(time(run));
      spent += times.at(-1)!;
    }
    return times;
  };
  repeat(3, 200);
  return quantile(repeat(11, 1000), 0.5);
}

/** The module behind a book. The published declarations leave it out: only measurements look past the API. */
export function exportsOf(book: unknown): Exports {
  return (book as Book & { readonly core: { readonly exports: Exports } }).core.exports;
}

/** A full collection, between runs. */
export function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

/** Throws where a measurement did not do what it is about: a wrong answer has no speed. */
export function ensure(holds: boolean, what: string): void {
  if (!holds) throw new Error(`not measured: ${what}`);
}
