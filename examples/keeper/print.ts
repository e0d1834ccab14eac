/** How the keeper prints: numbers, tables, and JSON. */
import { styleText } from "node:util";

// ---- Numbers

export const whole = (value: number) => value.toLocaleString("en-US");

/** An amount in units of `unit`, rounded down, with thousands set apart; what rounds to nothing is not shown as nothing. */
export function amount(value: bigint, unit: bigint, decimals: number): string {
  const scaled = (value * 10n ** BigInt(decimals)) / unit;
  if (scaled === 0n && value > 0n) return `<0.${"1".padStart(decimals, "0")}`;
  const digits = scaled.toString().padStart(decimals + 1, "0"), point = digits.length - decimals;
  return BigInt(digits.slice(0, point)).toLocaleString("en-US") + (decimals ? `.${digits.slice(point)}` : "");
}

export const percent = (share: number) => `${share < 0 ? "−" : "+"}${Math.abs(share * 100).toFixed(2)} %`;
export const tenths = (value: number) => value.toLocaleString("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
export const time = (microseconds: number) => `${tenths(microseconds)} µs`;

// ---- Tables

const coloured = process.stdout.isTTY && !process.env["NO_COLOR"];
export const bold = (text: string) => (coloured ? styleText("bold", text) : text);
export const dim = (text: string) => (coloured ? styleText("dim", text) : text);

export interface Row {
  readonly cells: readonly string[];
  /** Text behind the cells that no column makes room for. */
  readonly rest?: string;
  readonly style?: (text: string) => string;
}

/** Rows in columns: those in `left` flush left, the others flush right. A row may have fewer cells than others. */
export function table(rows: readonly Row[], left: readonly number[]): string {
  const widths: number[] = [];
  for (const { cells } of rows) cells.forEach((cell, i) => { widths[i] = Math.max(widths[i] ?? 0, cell.length); });
  return rows.map(({ cells, rest = "", style = String }) => {
    const line = cells.map((cell, i) => (left.includes(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  ");
    return `${style(`${line}  ${rest}`.trimEnd())}\n`;
  }).join("");
}

// ---- Times

/** A tick as the plain loop plays it. */
export interface LoopTick {
  readonly microseconds: number;
  readonly unsafe: number;
}

/** The smallest of the values that a share of all does not exceed. */
function percentile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.ceil(values.length * share) - 1]!;
}

/** p50 and p99 of the ticks; the opening is none. */
export function percentiles(ticks: readonly { readonly microseconds: number }[]): { readonly p50: number; readonly p99: number } {
  const times = ticks.slice(1).map(({ microseconds }) => microseconds);
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}

export const TICK_HEAD: Row = { cells: ["tick", "prices", "time", "became unsafe", "safe again", "unsafe in all"], style: bold };
interface TickCounts extends LoopTick {
  readonly tick: number;
  readonly becameUnsafe: number;
  readonly becameSafe: number;
}
/** A tick, at its prices and with what the opening's were. */
export function tickRow({ tick, microseconds, becameUnsafe, becameSafe, unsafe }: TickCounts, prices: readonly bigint[], from: readonly bigint[]): Row {
  return { cells: [whole(tick), tick === 0 ? "opening" : percent(meanChange(prices, from)), time(microseconds), whole(becameUnsafe), whole(becameSafe), whole(unsafe)] };
}

/** The mean change of the prices that change. */
function meanChange(prices: readonly bigint[], from: readonly bigint[]): number {
  const changes = prices.flatMap((price, i) => (price === from[i] || !from[i] ? [] : [Number(price) / Number(from[i]) - 1]));
  return changes.reduce((sum, change) => sum + change, 0) / Math.max(changes.length, 1);
}

/** Whether the plain loop counts what the book counts, at the opening and at every tick. */
export const agree = (ticks: readonly LoopTick[], loop: readonly LoopTick[]) => ticks.every(({ unsafe }, i) => unsafe === loop[i]!.unsafe);

/** Times of the book and of the plain loop side by side, and whether they agree. */
export function verdict(ticks: readonly LoopTick[], loop: readonly LoopTick[], what: string, note = ""): string {
  const book = percentiles(ticks), plain = percentiles(loop);
  const line = (name: string, fast: number, slow: number) => ({ cells: [name, time(fast), time(slow), `${slow < fast ? (slow / fast).toPrecision(1) : tenths(slow / fast)}×`] });
  const times = table([
    { cells: [ticks.length === 2 ? "1 tick" : `${whole(ticks.length - 1)} ticks`, "Plimsoll", "BigInt loop", ""], style: bold },
    line("p50", book.p50, plain.p50),
    line(ticks.length > 100 ? "p99" : "p99, the slowest", book.p99, plain.p99),
    line("opening", ticks[0]!.microseconds, loop[0]!.microseconds),
  ], [0]);
  const few = book.p50 > plain.p50 ? `Of so few ${what} a scan costs more than the loop: it is made for thousands.\n` : "";
  const end = agree(ticks, loop) ? `Both count the same unsafe ${what} at the opening and at every tick.` : `THEY DO NOT AGREE on which ${what} are unsafe.`;
  return `${times}\n${note}${few}${end}\n`;
}

// ---- The document

/** JSON: integers of the contracts as decimal strings, infinite ones as "Infinity", measurements to a thousandth. */
export function json(document: object): string {
  return JSON.stringify(document, (_, value) => (
    typeof value === "bigint" || value === Infinity ? `${value}` : typeof value === "number" ? Math.round(value * 1000) / 1000 : value
  ), 2);
}
