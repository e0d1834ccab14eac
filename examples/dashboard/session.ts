/** A book in its worker, with the prices that the page moves. */
import { PlimsollError } from "plimsoll";
import type { Hits, Order } from "plimsoll";
import { aaveV3 } from "plimsoll/aave-v3";
import { maker } from "plimsoll/maker";
import { type WorkerBookOf, handOver, openBook } from "plimsoll/worker";
import { RAY } from "../keeper/ilks.js";
import type { Opening, Piece } from "./data.js";
import { units } from "./format.js";

/** POOL_REVISION of the pools of files, which do not say: 3.7. */
const REVISION = 11;
export const aave = aaveV3({ revision: REVISION });

const create = () => new Worker("worker-entry.js", { type: "module" });
type VaultBook = WorkerBookOf<typeof maker>;
type PoolBook = WorkerBookOf<typeof aave>;
export type OfVaults = Extract<Opening, { protocol: "maker" }>;
export type OfPool = Extract<Opening, { protocol: "aave-v3" }>;

export interface Market {
  readonly name: string;
  /** The oracle's price when the book was opened, in its own unit. */
  readonly opening: bigint;
}

/** What a scan at some prices found. */
export interface Frame {
  /** Unsafe in all, and the first of them in the order asked for. */
  readonly unsafe: number;
  readonly rows: Hits;
  /** From asking to the answer. */
  readonly milliseconds: number;
}

export interface View {
  readonly order: Order;
  readonly limit: number;
  readonly within: bigint;
  readonly market: number | undefined;
}

/** The lowest and the highest price of the sliders and of the chart, in thousandths of the opening price. */
export const LOWEST = 300, HIGHEST = 1500;
const STEPS = 241;

/** `Spotter.poke` at a price. Throws what is wrong with it. */
export function spotOf(val: bigint, mat: bigint): bigint {
  const poked = maker.spot({ val, has: true, par: RAY, mat });
  if (poked.reverts) throw new RangeError("Beyond what the contract can compute with: Spotter.poke reverts. Enter a smaller price.");
  return poked.spot;
}

export class Session {
  readonly opening: Opening;
  readonly book: VaultBook | PoolBook;
  readonly markets: readonly Market[];
  /** Decimals of prices, and of values in the pool's or Maker's unit of account. */
  readonly decimals: number;
  readonly prices: bigint[];
  /** Vaults of each market. */
  readonly #rows: readonly number[];
  #unsafe = 0;
  /** Prices that were set since the last scan. */
  #moved: Promise<void>[] = [];

  private constructor(opening: Opening, book: VaultBook | PoolBook, rows: readonly number[]) {
    this.#rows = rows;
    this.opening = opening;
    this.book = book;
    this.markets = opening.protocol === "maker"
      ? opening.ilks.map(({ name, figures }) => ({ name, opening: figures.val! }))
      : opening.reserves.map(({ symbol, assetPrice }) => ({ name: symbol, opening: assetPrice }));
    this.decimals = opening.protocol === "maker" ? 18 : 8;
    this.prices = this.markets.map(({ opening }) => opening);
  }

  /** Fills a book from pieces. Throws `AbortError` when it is cancelled; then nothing is left of it. */
  static async open(opening: Opening, next: () => Promise<Piece>, progress: (rows: number) => void, signal: AbortSignal): Promise<Session> {
    const book = opening.protocol === "maker" ? await openVaults(opening) : await openPool(opening);
    const abort = () => { book.dispose(); };
    signal.addEventListener("abort", abort);
    const counts = opening.protocol === "maker" ? opening.ilks.map(() => 0) : [];
    try {
      for (let rows = 0, piece = await next(); piece; piece = await next()) {
        signal.throwIfAborted();
        if ("ink" in piece) {
          await (book as VaultBook).load(piece.ilk, handOver({ ink: piece.ink, art: piece.art }), piece.keys && handOver(piece.keys));
          counts[piece.ilk]! += piece.rows;
        }
        else await (book as PoolBook).load(piece.accounts, handOver(piece.keys));
        progress(rows += piece.rows);
      }
      signal.throwIfAborted();
      return new Session(opening, book, counts);
    } catch (error) {
      book.dispose();
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /** The figures of a market at a price. Throws what is wrong with the price. */
  figuresAt(market: number, price: bigint): object {
    if (price <= 0n) throw new RangeError("0 is no price: enter one above 0.");
    if (price >> 128n) throw new RangeError("Beyond what the contract can compute with. Enter a smaller price.");
    const { opening } = this;
    if (opening.protocol === "maker") return { val: price, spot: spotOf(price, opening.ilks[market]!.figures.mat) };
    return { assetPrice: price };
  }

  /** Moves a price; the next scan sees it. Throws what is wrong with the price, and then nothing has moved. */
  setPrice(market: number, price: bigint): void {
    const figures = this.figuresAt(market, price);
    this.prices[market] = price;
    this.#moved.push(this.book.setMarket(market, figures)); // the scan that follows is answered after it, and fails with it
  }

  /** Scans the whole book: what changed since the last scan, and the first of the unsafe. */
  async scan({ order, limit, within, market }: View): Promise<Frame> {
    const started = performance.now(), query = { order, limit, within, ...(this.opening.protocol === "maker" && market !== undefined && { market }) };
    const [changes, rows] = await Promise.all([this.book.scan({ since: "last", idsOnly: true }), this.book.scan(query), ...this.#moved.splice(0)]);
    this.#unsafe += changes.unsafe.length - changes.safe.length;
    return { unsafe: this.#unsafe, rows, milliseconds: performance.now() - started };
  }

  /** What is unsafe at each of many prices of a market, the others as they are. */
  levels(market: number) {
    const { opening } = this.markets[market]!, at = (thousandths: number) => (opening * BigInt(thousandths)) / 1000n || 1n;
    return this.book.levels(market, { from: at(HIGHEST), to: at(LOWEST), steps: STEPS });
  }

  /** Exactly what is unsafe now: debt and collateral of a market's vaults, or of all accounts. */
  async atRisk(): Promise<{ readonly debt: bigint; readonly collateral: bigint }> {
    const vaults = this.opening.protocol === "maker", markets = vaults ? [...this.markets.keys()] : [0];
    const sums = await Promise.all(markets.map(async (market) => {
      const price = this.prices[market]!, { cumulative: { debt, collateral } } = await this.book.levels(market, { from: price, to: price + 1n, steps: 2 });
      return { debt: debt[0]!, collateral: vaults ? (collateral[0]! * price) / 10n ** 18n : collateral[0]! };
    }));
    return { debt: sums.reduce((sum, { debt }) => sum + debt, 0n), collateral: sums.reduce((sum, { collateral }) => sum + collateral, 0n) };
  }

  /** Collateral ratios of a market's vaults, or of all positions; infinite without debt. */
  async ratiosOf(market: number | undefined): Promise<Float64Array> {
    const ratios = await this.book.ratiosAsNumbers();
    if (market === undefined) return ratios;
    const from = this.#rows.slice(0, market).reduce((sum, rows) => sum + rows, 0); // by market, as ids are
    return ratios.subarray(from, from + this.#rows[market]!);
  }

  /** `spot` of a market at its price. */
  spotOf(market: number): bigint { return spotOf(this.prices[market]!, (this.opening as OfVaults).ilks[market]!.figures.mat); }

  /** Every figure of a position, for people, and as the contract has it. */
  async detailsOf(id: number): Promise<[name: string, human: string, exact?: string][]> {
    const { opening, decimals } = this, figure = (name: string, value: bigint | number | string | undefined, places: number, unit = ""): [string, string, string?] => (
      typeof value === "bigint" ? [name, `${units(value, places, Math.min(places, 6))}${unit}`, String(value)] : [name, value === undefined ? "the contract reverts" : value === Infinity ? "infinite: no debt" : String(value)]
    );
    if (opening.protocol === "maker") {
      const found = await (this.book as VaultBook).inspect(id), { liquidation } = found;
      return [
        ["Status", found.status], ...(found.key ? [["Owner", found.key] as [string, string]] : []), figure("Collateral", found.vault.ink, 18), figure("Normalized debt", found.vault.art, 18), figure("Debt", found.debt, 18, " DAI"),
        figure("Collateral ratio", found.ratio, 18), figure("Health", found.health, 18), figure("Liquidated below", found.liquidationPrice, 18, " $"),
        ...(liquidation.refused
          ? [["Dog.bark", `would refuse: ${liquidation.reason}`] as [string, string]]
          : [figure("Dog.bark seizes", liquidation.dink, 18), figure("of its debt", liquidation.dart, 18), figure("auction raises", liquidation.tab, 45, " DAI")]),
      ];
    }
    const book = this.book as PoolBook, [found, prices] = await Promise.all([book.inspect(id), book.liquidationPrices(id)]);
    return [
      ["Status", found.status], ["Account", found.key!], figure("Collateral", found.collateral, decimals, " $"), figure("Debt", found.debt, decimals, " $"), figure("Collateral ratio", found.ratio, 18), figure("Health", found.health, 18),
      ...prices.map(({ market, side, price }) => figure(`${opening.reserves[market!]!.symbol} ${side === "debt" ? "above" : "below"}`, price, 8, " $")),
    ];
  }

  dispose(): void { this.book.dispose(); }
}

async function openVaults({ ilks, system, count, keyBytes }: OfVaults): Promise<VaultBook> {
  const book = await openBook(maker, { create, capacity: count, ...(keyBytes && { keyBytes }) });
  book.setSystem(system);
  await Promise.all(ilks.map(({ figures }) => book.addMarket(figures)));
  return book;
}

async function openPool(opening: OfPool): Promise<PoolBook> {
  const { reserves, categories, count } = opening, book = await openBook(aave, { create, capacity: count, keyBytes: 20 });
  await Promise.all([
    ...reserves.map((reserve) => book.addMarket(figuresOf(opening, reserve))),
    ...categories.map(({ id, label: _, liquidationBonus = BONUS, ...figures }) => book.setCategory(id, { ...figures, liquidationBonus })),
  ]);
  return book;
}

/** Where a file has no liquidation bonus: 5 %. */
const BONUS = 10500n;

/** The figures of a reserve of a file. */
export function figuresOf({ taken: lastUpdateTimestamp = 0n }: OfPool, { symbol: _, address: __, active: ___, liquidationBonus = BONUS, ...figures }: OfPool["reserves"][number]) {
  return { ...figures, liquidationBonus, lastUpdateTimestamp };
}

/** What an error says to whoever looks at the page, and what to do. */
export function inWords(error: unknown): string {
  if (!(error instanceof PlimsollError)) return (error as Error).message;
  switch (error.code) {
    case "out-of-memory": return "There is not enough memory for this book. Close other tabs, or take fewer vaults.";
    case "wasm-blocked": return `This page may not run WebAssembly: serve it and its scripts with 'wasm-unsafe-eval' in script-src of the Content-Security-Policy. (${error.message})`;
    case "worker-failed": return `The book's worker does not run: ${error.message}. Look whether worker-entry.js is served beside the page, and allowed by its Content-Security-Policy (worker-src 'self'); then load the page again.`;
    default: return error.message;
  }
}
