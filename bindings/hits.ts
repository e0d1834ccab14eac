/** What a scan found: columns that the caller owns, decoded on demand. */
import { decodeIds, limbs } from "./abi.js";
import { PlimsollError } from "./errors.js";
import { toHex } from "./keys.js";
import { type Complete, type Fields, encode, uint } from "./protocol.js";

const U128 = uint(128, "");

/** The largest value of a column: it stands for itself, for anything above it, and for a ratio without debt. */
export const MAX_U128 = (1n << 128n) - 1n;

/** A column of values, two little-endian limbs each, as `load` and the other bulk calls take it. @throws `out-of-range` for a value that is no u128. */
export function toLimbs(values: readonly bigint[]): BigUint64Array {
  const column = new BigUint64Array(values.length * 2);
  values.forEach((value, row) => {
    encode(`row ${row}`, U128, value);
    column[row * 2] = value;
    column[row * 2 + 1] = value >> 64n;
  });
  return column;
}

/** The value in a row of a column of two limbs each. */
export function valueAt(column: BigUint64Array, row: number): bigint { return limbs(column, row * 2, 2); }

/** One vault that a scan found, as it was then. */
export interface Hit<V extends Fields = Fields> {
  /** The vault's id. */
  readonly id: number;
  /** The number of its market; 0 for an account, which has none. */
  readonly market: number;
  /** Its key as `0x…`; undefined in a book without keys. */
  readonly key: string | undefined;
  /** Its amounts, by the contract's names; of an account the value of its collateral. */
  readonly vault: Complete<V>;
  /** Collateral value over what the liquidation threshold asks, wad, rounded down; unsafe below 1e18; of an Aave account its health factor. At most `MAX_U128`; 0 for an account that reverts. */
  readonly health: bigint;
  /** Debt with fees, wad, rounded up; of an account its value as the contract counts it. At most `MAX_U128`, which also stands for an account that reverts. */
  readonly debt: bigint;
}

/** Columns of figures, one entry a hit; integers as two little-endian limbs each. */
export interface Figures {
  readonly markets: Uint32Array;
  /** The vault's own columns, by name. */
  readonly vault: Readonly<Record<string, BigUint64Array>>;
  readonly health: BigUint64Array;
  readonly debt: BigUint64Array;
  /** The keys, one after the other; undefined in a book without keys. */
  readonly keys: Uint8Array | undefined;
}

/** Rows that a pass found, as the module wrote them. */
export interface Found {
  readonly streams: Uint32Array[];
  count: number;
}

/** Vaults in the order of the query. Independent of the book: what changes there changes nothing here. */
export class Hits<V extends Fields = Fields> implements Iterable<Hit<V>> {
  readonly length: number;
  #ids: Float64Array | undefined;
  #found: Found | undefined;
  readonly #figures: Figures | undefined;
  readonly #keyBytes: number;

  /** @internal */
  constructor(found: Found | Float64Array, figures: Figures | undefined, keyBytes: number) {
    if (found instanceof Float64Array) this.#ids = found;
    else this.#found = found;
    this.length = found instanceof Float64Array ? found.length : found.count;
    this.#figures = figures;
    this.#keyBytes = keyBytes;
  }

  /** What it is made of, for a copy on another thread. @internal */
  get parts(): [found: Found | Float64Array, figures: Figures | undefined, keyBytes: number] { return [this.#ids ?? this.#found!, this.#figures, this.#keyBytes]; }

  /** The vaults' ids. */
  get ids(): Float64Array {
    if (!this.#ids) {
      this.#ids = decodeIds(this.#found!);
      this.#found = undefined;
    }
    return this.#ids;
  }

  /** The columns themselves. Throws `no-figures` for a scan with `idsOnly`. */
  get figures(): Figures {
    if (!this.#figures) throw new PlimsollError("no-figures", "this scan was asked for ids only; leave out idsOnly, or inspect the id");
    return this.#figures;
  }

  /** The hit at a position; throws `invalid-argument` outside 0 to length − 1. */
  at(position: number): Hit<V> {
    if (!Number.isInteger(position) || position < 0 || position >= this.length) {
      throw new PlimsollError("invalid-argument", `position ${position} is outside 0 to ${this.length - 1}`);
    }
    const { ids } = this, read = () => this.figures, keyBytes = this.#keyBytes;
    return {
      id: ids[position]!,
      get market() { return read().markets[position]!; },
      get key() {
        const { keys } = read();
        return keys && toHex(keys.subarray(position * keyBytes, (position + 1) * keyBytes));
      },
      get vault() {
        const values: Record<string, bigint> = {}, columns = read().vault;
        for (const name in columns) values[name] = valueAt(columns[name]!, position);
        return values as Complete<V>;
      },
      get health() { return valueAt(read().health, position); },
      get debt() { return valueAt(read().debt, position); },
    };
  }

  *[Symbol.iterator](): Iterator<Hit<V>> {
    for (let i = 0; i < this.length; ++i) yield this.at(i);
  }
}
