/** What the keeper prints of Maker's vaults: tables for people, one document for programs. */
import { RAD, RAY, WAD, type Input } from "./ilks.js";
import { type LoopTick, type Row, TICK_HEAD, agree, amount, bold, dim, json, percentiles, table, tenths, tickRow, verdict, whole } from "./print.js";
import { BATCH, type Run, type Vault } from "./run.js";

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
    TICK_HEAD,
    ...(listing ? [{ cells: ["", "ilk", input.keyBytes ? "owner" : "id", "health", "dart", "dink", "tab"], style: dim }] : []),
    ...ticks.flatMap((tick) => [
      { ...tickRow(tick, tick.vals, opening.vals), style: bold },
      ...tick.bark.map((vault) => barkRow(input, vault)),
    ]),
  ], [1]);
  const note = listing ? "Below each tick: the riskiest, each vault once, as if it were barked there. Nothing is: every\n"
    + "answer stands by itself, with the ilk's room for auctions as above.\n\n" : "";
  return `${input.title}\n\n${ilks}\n${loaded}\n\n${path}\n${note}`;
}

/** Below so many vaults, the memory that every book needs hides what a vault needs. */
const SIGNIFICANT = 100_000;

function barkRow({ ilks }: Input, { id, market, key, health, liquidation }: Vault): Row {
  const cells = ["", ilks[market]!.name, key ?? `${id}`, typeof health === "bigint" ? amount(health, WAD, 4) : `${health}`];
  if (liquidation.refused) return { cells, rest: `refused: ${liquidation.reason}` };
  const { dart, dink, tab } = liquidation;
  return { cells: [...cells, amount(dart, WAD, 2), amount(dink, WAD, 4), amount(tab, RAD, 2)] };
}

/** Times of the book and of the plain loop, and whether they agree. */
export function comparison({ count }: Input, { ticks }: Run, loop: readonly LoopTick[]): string {
  return verdict(ticks, loop, "vaults", count > BATCH ? `The BigInt loop ran over ${whole(BATCH)} vaults at a time, to fit into memory.\n` : "");
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
  return json(document);
}
