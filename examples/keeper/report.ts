/** What the keeper prints: tables for people, one document for programs. */
import { styleText } from "node:util";
import { RAD, RAY, WAD, type Input } from "./ilks.js";
import { BATCH, type LoopTick, type Run, type Tick, type Vault, percentile } from "./run.js";

// ---- Numbers

const whole = (value: number) => value.toLocaleString("en-US");

/** An amount in units of `unit`, rounded down, with thousands set apart; what rounds to nothing is not shown as nothing. */
function amount(value: bigint, unit: bigint, decimals: number): string {
  const scaled = (value * 10n ** BigInt(decimals)) / unit;
  if (scaled === 0n && value > 0n) return `<0.${"1".padStart(decimals, "0")}`;
  const digits = scaled.toString().padStart(decimals + 1, "0"), point = digits.length - decimals;
  return BigInt(digits.slice(0, point)).toLocaleString("en-US") + (decimals ? `.${digits.slice(point)}` : "");
}

const percent = (share: number) => `${share < 0 ? "−" : "+"}${Math.abs(share * 100).toFixed(2)} %`;
const tenths = (value: number) => value.toLocaleString("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const time = (microseconds: number) => `${tenths(microseconds)} µs`;

// ---- Tables

const coloured = process.stdout.isTTY && !process.env["NO_COLOR"];
const bold = (text: string) => (coloured ? styleText("bold", text) : text);
const dim = (text: string) => (coloured ? styleText("dim", text) : text);

interface Row {
  readonly cells: readonly string[];
  /** Text behind the cells that no column makes room for. */
  readonly rest?: string;
  readonly style?: (text: string) => string;
}

/** Rows in columns: those in `left` flush left, the others flush right. A row may have fewer cells than others. */
function table(rows: readonly Row[], left: readonly number[]): string {
  const widths: number[] = [];
  for (const { cells } of rows) cells.forEach((cell, i) => { widths[i] = Math.max(widths[i] ?? 0, cell.length); });
  return rows.map(({ cells, rest = "", style = String }) => {
    const line = cells.map((cell, i) => (left.includes(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  ");
    return `${style(`${line}  ${rest}`.trimEnd())}\n`;
  }).join("");
}

/** What was loaded, and every tick: all that is known before the plain loop has run. */
export function tables(input: Input, { book, counts, loadMilliseconds, bytes, ticks }: Run): string {
  const opening = ticks[0]!;
  const ilks = table([
    { cells: ["ilk", "vaults", "price", "mat", "rate", "dust", "penalty", "room for auctions"], style: dim },
    ...input.ilks.map(({ name }, i) => {
      const { mat, rate, dust, chop, hole, dirt } = book.market(i);
      return { cells: [
        name, whole(counts[i]!), amount(opening.vals[i]!, WAD, 2), `${amount(mat * 100n, RAY, 2)} %`, amount(rate, RAY, 6),
        amount(dust, RAD, 0), `${amount((chop - WAD) * 100n, WAD, 0)} %`, amount(hole - dirt, RAD, 0),
      ] };
    }),
  ], [0]);
  const each = input.count < SIGNIFICANT ? "" : `, ${(bytes / input.count).toFixed(1)} bytes a vault`;
  const loaded = `Loaded in ${tenths(loadMilliseconds)} ms into ${(bytes / 1e6).toFixed(1)} MB${each}.`;

  const listing = ticks.some(({ bark }) => bark.length > 0);
  const path = table([
    { cells: ["tick", "prices", "time", "became unsafe", "safe again", "unsafe in all"], style: bold },
    ...(listing ? [{ cells: ["", "ilk", input.keyBytes ? "owner" : "id", "health", "dart", "dink", "tab"], style: dim }] : []),
    ...ticks.flatMap((tick) => [
      { cells: [
        whole(tick.tick), tick === opening ? "opening" : percent(fallOf(tick, opening)), time(tick.microseconds), whole(tick.becameUnsafe),
        whole(tick.becameSafe), whole(tick.unsafe),
      ], style: bold },
      ...tick.bark.map((vault) => barkRow(input, vault)),
    ]),
  ], [1]);
  const note = listing ? "Below each tick: the riskiest, each vault once, as if it were barked there. Nothing is: every\n"
    + "answer stands by itself, with the ilk's room for auctions as above.\n\n" : "";
  return `${input.title}\n\n${ilks}\n${loaded}\n\n${path}\n${note}`;
}

/** Below so many vaults, the memory that every book needs hides what a vault needs. */
const SIGNIFICANT = 100_000;

/** The mean change of the ilks' prices since the opening. */
function fallOf({ vals }: Tick, opening: Tick): number {
  return vals.reduce((sum, val, i) => sum + Number(val) / Number(opening.vals[i]!) - 1, 0) / vals.length;
}

function barkRow({ ilks }: Input, { id, market, key, health, liquidation }: Vault): Row {
  const cells = ["", ilks[market]!.name, key ?? `${id}`, typeof health === "bigint" ? amount(health, WAD, 4) : `${health}`];
  if (liquidation.refused) return { cells, rest: `refused: ${liquidation.reason}` };
  const { dart, dink, tab } = liquidation;
  return { cells: [...cells, amount(dart, WAD, 2), amount(dink, WAD, 4), amount(tab, RAD, 2)] };
}

/** p50 and p99 of the ticks; the opening is none. */
function percentiles(ticks: readonly { readonly microseconds: number }[]): { readonly p50: number; readonly p99: number } {
  const times = ticks.slice(1).map(({ microseconds }) => microseconds);
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}

/** Whether the plain loop counts what the book counts, at the opening and at every tick. */
const agree = (ticks: readonly Tick[], loop: readonly LoopTick[]) => ticks.every(({ unsafe }, i) => unsafe === loop[i]!.unsafe);

/** Times of the book and of the plain loop side by side, and whether they agree. */
export function verdict({ count }: Input, { ticks }: Run, loop: readonly LoopTick[]): string {
  const book = percentiles(ticks), plain = percentiles(loop);
  const line = (name: string, fast: number, slow: number) => ({ cells: [name, time(fast), time(slow), `${slow < fast ? (slow / fast).toPrecision(1) : tenths(slow / fast)}×`] });
  const times = table([
    { cells: [ticks.length === 2 ? "1 tick" : `${whole(ticks.length - 1)} ticks`, "Plimsoll", "BigInt loop", ""], style: bold },
    line("p50", book.p50, plain.p50),
    line(ticks.length > 100 ? "p99" : "p99, the slowest", book.p99, plain.p99),
    line("opening", ticks[0]!.microseconds, loop[0]!.microseconds),
  ], [0]);
  const batches = count > BATCH ? `The BigInt loop ran over ${whole(BATCH)} vaults at a time, to fit into memory.\n` : "";
  const end = agree(ticks, loop) ? "Both count the same unsafe vaults at the opening and at every tick." : "THEY DO NOT AGREE on which vaults are unsafe.";
  return `${times}\n${batches}${end}\n`;
}

// ---- The document

/** Everything as JSON: amounts as decimal strings as the contracts scale them, times in microseconds. */
export function documentOf(source: object, input: Input, { book, counts, loadMilliseconds, bytes, ticks }: Run, loop: readonly LoopTick[]): string {
  const opening = ticks[0]!;
  const document = {
    title: input.title,
    source,
    vaults: input.count,
    ilks: input.ilks.map(({ name }, i) => ({ name, vaults: counts[i], ...book.market(i), val: opening.vals[i], spot: opening.spots[i] })),
    system: input.system,
    load: { milliseconds: loadMilliseconds, bytes },
    ticks: ticks.map(({ bark, ...tick }, i) => ({
      ...tick,
      loop: loop[i],
      bark: bark.map(({ id, market, key, vault, ...rest }) => ({ id, ilk: input.ilks[market]!.name, owner: key, ...vault, ...rest })),
    })),
    book: percentiles(ticks),
    loop: percentiles(loop),
    agree: agree(ticks, loop),
  };
  return JSON.stringify(document, (_, value) => (
    typeof value === "bigint" ? `${value}` : typeof value === "number" ? Math.round(value * 1000) / 1000 : value
  ), 2);
}
