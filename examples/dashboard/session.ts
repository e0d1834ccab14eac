/** A book in its worker, with the prices that the page moves. */
import { PlimsollError } from "plimsoll";
import type { Hit, Hits, Order } from "plimsoll";
import { aaveV3 } from "plimsoll/aave-v3";
import { maker } from "plimsoll/maker";
import { morpho } from "plimsoll/morpho";
import { type WorkerBookOf, handOver, openBook } from "plimsoll/worker";
import { RAY, WAD } from "../keeper/ilks.js";
import { PRICE_UNIT, marketFigures } from "../keeper/markets.js";
import type { Opening, Piece } from "./data.js";
import { decimal, double, units } from "./format.js";

/** POOL_REVISION of the pools of files, which do not say: 3.7. */
const REVISION = 11;
export const aave = aaveV3({ revision: REVISION });

const create = () => new Worker("worker-entry.js", { type: "module" });
type VaultBook = WorkerBookOf<typeof maker>;
type PositionBook = WorkerBookOf<typeof morpho>;
type PoolBook = WorkerBookOf<typeof aave>;
type Of<P extends Opening["protocol"]> = Extract<Opening, { protocol: P }>;
export type OfPool = Of<"aave-v3">;
/** A row of a scan: a vault or a position. */
export type Row = Hit<typeof maker.vault & typeof morpho.vault>;

export interface Market {
  readonly name: string;
  /** The oracle's price when the book was opened, in its own unit. */
  readonly opening: bigint;
  /** What slider and chart have as 100 %: the opening price, unless that is 0. */
  readonly scale: bigint;
  /** Symbols of its token, and of what its price and debts are told in. */
  readonly token: string;
  readonly unit: string;
  /** Decimals of these: of amounts of the token, of prices, of debts in the book. */
  readonly decimals: { readonly token: number; readonly price: number; readonly debt: number };
}

/** What is at risk, of all markets whose debts are in one unit. */
export interface AtRisk {
  readonly unit: string;
  readonly decimals: number;
  debt: bigint;
  collateral: bigint;
}

/** Decimals of tokens that files have by these names without telling them; those of others are 0 until somebody tells them, and units are shown. */
const DECIMALS: readonly (readonly [decimals: number, symbols: string])[] = [
  [6, "USDC USDT PYUSD EURC"], [8, "WBTC cbBTC"], [18, "WETH wstETH weETH cbETH rETH DAI USDS sUSDS USDe sUSDe deUSD sdeUSD"],
];
const usualDecimals = (symbol: string) => DECIMALS.find(([, symbols]) => symbols.split(" ").includes(symbol))?.[0] ?? 0;

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

/** The lowest and the highest price of the sliders and of the chart, in thousandths of the opening price. Of Morpho, whose prices may be 0, the lowest is that. */
const LOWEST = 300;
export const HIGHEST = 1500;
const STEPS = 241;

/** `Spotter.poke` at a price. Throws what is wrong with it. */
export function spotOf(val: bigint, mat: bigint): bigint {
  const poked = maker.spot({ val, has: true, par: RAY, mat });
  if (poked.reverts) throw new RangeError("Beyond what the contract can compute with: Spotter.poke reverts. Enter a smaller price.");
  return poked.spot;
}

export class Session {
  readonly opening: Opening;
  readonly book: VaultBook | PositionBook | PoolBook;
  markets: readonly Market[];
  /** Decimals of the assets by symbol, where the file does not tell them. */
  readonly decimals = new Map<string, number>();
  readonly prices: bigint[];
  /** Vaults of each market. */
  readonly #rows: readonly number[];
  #unsafe = 0;
  /** Prices that were set since the last scan. */
  #moved: Promise<void>[] = [];

  private constructor(opening: Opening, book: Session["book"], rows: readonly number[]) {
    this.#rows = rows;
    this.opening = opening;
    this.book = book;
    if (opening.protocol === "morpho") for (const symbol of opening.markets.flatMap(({ collateralAsset, loanAsset }) => [collateralAsset, loanAsset])) this.decimals.set(symbol, usualDecimals(symbol));
    this.markets = this.#describe();
    this.prices = this.markets.map(({ opening }) => opening);
  }

  #describe(): Market[] {
    const { opening } = this;
    switch (opening.protocol) {
      case "maker": return opening.ilks.map(({ name, figures: { val = 0n } }) => (
        { name, opening: val, scale: val, token: name.split("-")[0]!, unit: "$", decimals: { token: 18, price: 18, debt: 18 } }
      ));
      case "morpho": return opening.markets.map(({ name, price, scale, collateralAsset: token, loanAsset: unit }) => {
        const held = this.decimals.get(token)!, lent = this.decimals.get(unit)!;
        return { name, opening: price, scale, token, unit, decimals: { token: held, price: 36 + lent - held, debt: lent } };
      });
      case "aave-v3": return opening.reserves.map(({ symbol, assetPrice, decimals }) => (
        { name: symbol, opening: assetPrice, scale: assetPrice, token: symbol, unit: "$", decimals: { token: Number(decimals), price: 8, debt: 8 } }
      ));
    }
  }

  /** Tells amounts and prices of an asset in so many decimals from now on. */
  setDecimals(symbol: string, decimals: number): void {
    this.decimals.set(symbol, decimals);
    this.markets = this.#describe();
  }

  /** Whether it is a book of accounts, which have no market of their own. */
  get pool(): boolean { return this.opening.protocol === "aave-v3"; }

  /** The unit of some markets' debts, if it is one for all. */
  unitOf(markets = this.markets): string | undefined { return markets.every(({ unit }) => unit === markets[0]!.unit) ? markets[0]!.unit : undefined; }

  /** Fills a book from pieces. Throws `AbortError` when it is cancelled; then nothing is left of it. */
  static async open(opening: Opening, next: () => Promise<Piece>, progress: (rows: number) => void, signal: AbortSignal): Promise<Session> {
    const book = await (opening.protocol === "maker" ? openVaults(opening) : opening.protocol === "morpho" ? openPositions(opening) : openPool(opening));
    const abort = () => { book.dispose(); };
    signal.addEventListener("abort", abort);
    const counts: number[] = [];
    try {
      for (let rows = 0, piece = await next(); piece; piece = await next()) {
        signal.throwIfAborted();
        if ("amounts" in piece) {
          await (book as VaultBook).load(piece.market, handOver(piece.amounts) as never, piece.keys && handOver(piece.keys));
          counts[piece.market] = (counts[piece.market] ?? 0) + piece.rows;
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
    const { opening } = this, ofMorpho = opening.protocol === "morpho";
    if (!price && !ofMorpho) throw new RangeError("0 is no price: enter one above 0.");
    if (price >> (ofMorpho ? 256n : 128n)) throw new RangeError("Beyond what the contract can compute with. Enter a smaller price.");
    if (opening.protocol === "maker") return { val: price, spot: spotOf(price, opening.ilks[market]!.figures.mat) };
    return ofMorpho ? { price } : { assetPrice: price };
  }

  /** The lowest price of slider and chart, in thousandths. */
  get lowest(): number { return this.opening.protocol === "morpho" ? 0 : LOWEST; }

  /** A price in thousandths of the opening one. */
  priceAt(market: number, thousandths: number): bigint { return (this.markets[market]!.scale * BigInt(thousandths)) / 1000n || (this.lowest ? 1n : 0n); }

  /** Moves a price; the next scan sees it. Throws what is wrong with the price, and then nothing has moved. */
  setPrice(market: number, price: bigint): void {
    const figures = this.figuresAt(market, price);
    this.prices[market] = price;
    this.#moved.push(this.book.setMarket(market, figures)); // the scan that follows is answered after it, and fails with it
  }

  /** Scans the whole book: what changed since the last scan, and the first of the unsafe. */
  async scan({ order, limit, within, market }: View): Promise<Frame> {
    const started = performance.now(), query = { order, limit, within, ...(!this.pool && market !== undefined && { market }) };
    const [changes, rows] = await Promise.all([this.book.scan({ since: "last", idsOnly: true }), this.book.scan(query), ...this.#moved.splice(0)]);
    this.#unsafe += changes.unsafe.length - changes.safe.length;
    return { unsafe: this.#unsafe, rows, milliseconds: performance.now() - started };
  }

  /** What is unsafe at each of many prices of a market, the others as they are. */
  levels(market: number) {
    return this.book.levels(market, { from: this.priceAt(market, HIGHEST), to: this.priceAt(market, this.lowest), steps: STEPS });
  }

  /** Exactly what is unsafe now: debts and the value of the collateral, of all vaults, positions or accounts. */
  async atRisk(): Promise<AtRisk[]> {
    const one = this.opening.protocol === "morpho" ? PRICE_UNIT : WAD, sums = new Map<string, AtRisk>();
    await Promise.all((this.pool ? this.markets.slice(0, 1) : this.markets).map(async ({ unit, decimals }, market) => {
      const price = this.prices[market]!, { cumulative: { debt, collateral } } = await this.book.levels(market, { from: price, to: price ^ 1n, steps: 2 });
      const sum = sums.get(unit) ?? { unit, decimals: decimals.debt, debt: 0n, collateral: 0n };
      sums.set(unit, sum);
      sum.debt += debt[0]!;
      sum.collateral += this.pool ? collateral[0]! : (collateral[0]! * price) / one;
    }));
    return [...sums.values()];
  }

  /** Collateral ratios of a market's vaults, or of all positions; infinite without debt. */
  async ratiosOf(market: number | undefined): Promise<Float64Array> {
    const ratios = await this.book.ratiosAsNumbers();
    if (market === undefined) return ratios;
    const from = this.#rows.slice(0, market).reduce((sum, rows) => sum + rows, 0); // by market, as ids are
    return ratios.subarray(from, from + this.#rows[market]!);
  }

  /** The collateral ratio that a market asks for; undefined in a pool. */
  lineOf(market: number): number | undefined {
    const { opening } = this;
    if (opening.protocol === "maker") return double(opening.ilks[market]!.figures.mat, 27);
    return opening.protocol === "morpho" ? 1 / double(opening.markets[market]!.lltv, 18) : undefined;
  }

  /** By what the ratio of a market's rows is told: Maker's `spot` at its price, Morpho's price. */
  rated(market: number): bigint {
    const { opening } = this, price = this.prices[market]!;
    return opening.protocol === "maker" ? spotOf(price, opening.ilks[market]!.figures.mat) : price;
  }

  /** The collateral ratio of a row, wad. */
  ratioOf({ market, vault, debt }: Row, rated: bigint): bigint | undefined {
    const { opening } = this;
    if (opening.protocol !== "maker") return debt ? (((vault.collateral * rated) / PRICE_UNIT) * WAD) / debt : undefined;
    const { mat, rate } = opening.ilks[market]!.figures, ratio = maker.collateralRatio({ ...vault, rate, spot: rated, mat });
    return typeof ratio === "bigint" ? ratio : undefined;
  }

  /** The liquidation price of a row. */
  liquidationPriceOf({ market, vault }: Row) {
    const { opening } = this;
    if (opening.protocol === "maker") {
      const { mat, rate } = opening.ilks[market]!.figures;
      return maker.liquidationPrice({ ...vault, rate, mat, par: RAY });
    }
    const { lltv, totalBorrowAssets, totalBorrowShares } = (opening as Of<"morpho">).markets[market]!;
    return morpho.liquidationPrice({ ...vault, lltv, totalBorrowAssets, totalBorrowShares });
  }

  /** Every figure of a position, for people, and as the contract has it. */
  async detailsOf({ id, market }: Row): Promise<[name: string, human: string, exact?: string][]> {
    const { opening } = this, figure = (name: string, value: bigint | number | string | undefined, places: number, unit = ""): [string, string, string?] => (
      typeof value === "bigint" ? [name, `${units(value, places, Math.min(places, 6))}${unit}`, String(value)] : [name, value === undefined ? "the contract reverts" : value === Infinity ? "infinite: no debt" : String(value)]
    );
    if (opening.protocol === "morpho") {
      const found = await (this.book as PositionBook).inspect(id), { liquidation } = found, { name, token, unit, decimals } = this.markets[market]!;
      const held = (what: string, value: bigint) => figure(what, value, decimals.token, ` ${token}`), lent = (what: string, value: bigint | undefined) => figure(what, value, decimals.debt, ` ${unit}`);
      const at = found.liquidationPrice;
      return [
        ["Status", found.status], ["Owner", found.key!], ["Market", name, opening.markets[market]!.id], held("Collateral", found.vault.collateral), ["Borrow shares", units(found.vault.borrowShares, 0, 0)],
        lent("Debt", found.debt), figure("Collateral ratio", found.ratio, 18), figure("Health", found.health, 18),
        typeof at === "bigint" ? ["Liquidated below", `${decimal(at, decimals.price)} ${unit}`, String(at)] : ["Liquidation price", at],
        ...(liquidation.refused
          ? [["liquidate", `would refuse: ${liquidation.reason}`] as [string, string]]
          : [held("liquidate seizes", liquidation.seizedAssets), lent("repays", liquidation.repaidAssets), lent("leaves bad debt", liquidation.badDebtAssets)]),
      ];
    }
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
      ["Status", found.status], ["Account", found.key!], figure("Collateral", found.collateral, 8, " $"), figure("Debt", found.debt, 8, " $"), figure("Collateral ratio", found.ratio, 18), figure("Health", found.health, 18),
      ...prices.map(({ market, side, price }) => figure(`${opening.reserves[market!]!.symbol} ${side === "debt" ? "above" : "below"}`, price, 8, " $")),
    ];
  }

  dispose(): void { this.book.dispose(); }
}

async function openVaults({ ilks, system, count, keyBytes }: Of<"maker">): Promise<VaultBook> {
  const book = await openBook(maker, { create, capacity: count, ...(keyBytes && { keyBytes }) });
  book.setSystem(system);
  await Promise.all(ilks.map(({ figures }) => book.addMarket(figures)));
  return book;
}

async function openPositions({ markets, count }: Of<"morpho">): Promise<PositionBook> {
  const book = await openBook(morpho, { create, capacity: count, keyBytes: 20 });
  // Debts in one asset have an order over all markets.
  const quote = markets.every(({ loanAsset }) => loanAsset === markets[0]!.loanAsset) ? 1n : 0n;
  await Promise.all(markets.map((market) => book.addMarket({ ...marketFigures(market), quote })));
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
