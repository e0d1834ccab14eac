/**
 * Liquidation levels: at each of many prices what would be unsafe, and what was not so at the price before.
 *
 *   level              ┌ price       u256
 *                      ├ bins        sums over what is unsafe here and was not at the level before
 *                      └ cumulative  sums over what is unsafe here
 *   sums               ┌ vaults      u64
 *                      ├ collateral  320 bits
 *                      └ debt        320 bits
 *
 * The table stays until the next question, so that JavaScript can read it.
 */
import { give, tableClass, take } from "../store/blocks";
import { SUM_LIMBS, add, clear, compare, copy, divide, product, sub } from "../wide/limbs";

// @ts-ignore: decorator
@inline export const COLLATERAL: usize = 8;
// @ts-ignore: decorator
@inline export const DEBT: usize = 48;
/** Limbs of sums: a count, and two. */
// @ts-ignore: decorator
@inline export const SUMS_LIMBS: u32 = 11;
// @ts-ignore: decorator
@inline export const BINS: usize = 32;
// @ts-ignore: decorator
@inline export const CUMULATIVE: usize = 120;
// @ts-ignore: decorator
@inline const LEVEL: u32 = 208;

/** Answers to the question that are no table: memory cannot grow; the contract can evaluate none of the prices. */
export namespace Failure { export const MEMORY: u32 = 1, REVERTS: u32 = 2; }

let table: usize = 0, tableLog: u32 = 0;
export let levelCount: u32 = 0;

// @ts-ignore: decorator
@inline export function levelAt(i: u32): usize { return table + i * LEVEL; }

const STEP: usize = memory.data(40, 16), I: usize = memory.data(8, 16), GAPS: usize = memory.data(8, 16);

/**
 * Begins a table of `count` levels, their prices from `from` to `to` (u256s), both included; between them the i-th is
 * ⌊|to − from|·i / (count − 1)⌋ away from the first. Its address, or 0 where memory cannot grow.
 */
export function lay(from: usize, to: usize, count: u32): usize {
  const log = logOf(count * LEVEL);
  if (log > tableLog) {
    if (table) give(tableClass(tableLog), table);
    tableLog = log;
    table = take(tableClass(log), 1 << log);
    if (!table) { tableLog = 0; return 0; }
  }
  levelCount = count;
  clear(table, count * (LEVEL >> 3));
  const falls = compare(to, from, 4) < 0;
  store<u64>(GAPS, count - 1);
  for (let i: u32 = 0; i < count; ++i) {
    const price = levelAt(i);
    if (falls) sub(price, from, to, 4);
    else sub(price, to, from, 4);
    store<u64>(I, i);
    product(STEP, price, 4, I, 1);
    divide(STEP, 0, STEP, 5, GAPS, 1);
    if (falls) sub(price, from, STEP, 4);
    else add(price, from, STEP, 4);
  }
  return table;
}

/** The logarithm of a table's bytes. */
export function logOf(bytes: u32): u32 { return 32 - clz(bytes - 1); }

/** Adds sums to sums. */
export function addSums(to: usize, sums: usize): void {
  store<u64>(to, load<u64>(to) + load<u64>(sums));
  add(to + COLLATERAL, to + COLLATERAL, sums + COLLATERAL, SUM_LIMBS);
  add(to + DEBT, to + DEBT, sums + DEBT, SUM_LIMBS);
}
/** Takes sums, which are among them, from sums. */
export function takeSums(from: usize, sums: usize): void {
  store<u64>(from, load<u64>(from) - load<u64>(sums));
  sub(from + COLLATERAL, from + COLLATERAL, sums + COLLATERAL, SUM_LIMBS);
  sub(from + DEBT, from + DEBT, sums + DEBT, SUM_LIMBS);
}
// @ts-ignore: decorator
@inline export function copySums(to: usize, sums: usize): void { copy(to, sums, SUMS_LIMBS); }
