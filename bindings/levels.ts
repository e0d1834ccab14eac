/** Liquidation levels: what would be unsafe at each of many prices. */
import { type Core, limbs, outOfMemory } from "./abi.js";
import { PlimsollError } from "./errors.js";
import { type Field, encode, knowFields, uint, wholeNumber } from "./protocol.js";

/** The prices that are asked for. */
export interface LevelQuery {
  /** The first and the last price, in the oracle's own unit, as the market's figure has it (Maker: `val`). Falling or rising. */
  readonly from: bigint;
  readonly to: bigint;
  /** How many prices: 2 to 4,096, both ends included. The i-th is ⌊|to − from|·i / (steps − 1)⌋ away from the first. */
  readonly steps: number;
  /** The time to which interest is accrued first. Without it, as stored. */
  readonly at?: bigint;
}

/** Sums, one entry a level. */
export interface LevelSums {
  /** How many vaults. */
  readonly vaults: number[];
  /** Their collateral and their debt: of vaults, amounts (debts with fees and interest, as `debts` rounds them; troves with what was redistributed to them); of accounts, what the contract counts at that price. */
  readonly collateral: bigint[];
  readonly debt: bigint[];
}

export interface Levels {
  readonly prices: bigint[];
  /** What is unsafe at each price. */
  readonly cumulative: LevelSums;
  /** What is unsafe at each price and was not at the one before; the first: what is unsafe there. */
  readonly bins: LevelSums;
}

const MOST = 4096, QUERY = { from: 0, to: 0, steps: 0, at: 0 };
/** Limbs of a level, and in it of its bins and of what is cumulative; of sums, where their parts begin. assembly/levels/table.ts is the other side. */
const LEVEL = 26, BINS = 4, CUMULATIVE = 15, COLLATERAL = 1, DEBT = 6, SUM = 5;
const MEMORY = 1, REVERTS = 2;

/** Asks the core. `price`: the figure of the market; `enter` writes the time as argument 0 and answers whether there is one. */
export function levelsOf(core: Core, market: number, price: Field<unknown>, query: LevelQuery, enter: (at: bigint | undefined) => boolean): Levels {
  knowFields("query", query, QUERY);
  const { from, to, steps, at } = query, bits = price.kind === "int" ? price.bits - 1 : price.bits, field = uint(bits, price.unit);
  wholeNumber("steps", steps, 2);
  if (steps > MOST) throw new PlimsollError("out-of-range", `steps must be at most ${MOST}, not ${steps}`);
  const first = encode("from", field, from), last = encode("to", field, to), accrued = enter(at);
  core.writeArg(1, first);
  core.writeArg(2, last);
  const table = core.exports.levels(market, steps, accrued) >>> 0;
  if (table === MEMORY) throw outOfMemory(`${steps} levels`);
  if (table === REVERTS) throw new PlimsollError("reverts", `market ${market} cannot be valued at any price from ${from} to ${to}: the contract reverts`);
  const words = core.read(table, new BigUint64Array(steps * LEVEL));
  const each = <T>(read: (level: number) => T) => Array.from({ length: steps }, (_, i) => read(i * LEVEL));
  const sums = (first: number): LevelSums => ({
    vaults: each((level) => Number(words[level + first]!)),
    collateral: each((level) => limbs(words, level + first + COLLATERAL, SUM)),
    debt: each((level) => limbs(words, level + first + DEBT, SUM)),
  });
  return { prices: each((level) => limbs(words, level, BINS)), cumulative: sums(CUMULATIVE), bins: sums(BINS) };
}
