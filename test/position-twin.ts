/**
 * A book of positions (Morpho, Liquity v1 and v2) beside a naive model of it: every call goes to both, every answer is compared. The
 * model keeps plain vaults and figures and judges each vault anew by the protocol's reference.
 */
import { type Hits, MAX_U128, type Status, openBook } from "plimsoll";
import { liquityV1 } from "plimsoll/liquity-v1";
import { liquityV2 } from "plimsoll/liquity-v2";
import { morpho } from "plimsoll/morpho";
import { expect } from "vitest";
import { WAD, column, uncolumn } from "./arbitraries.js";
import * as v1 from "./reference/liquity-v1.js";
import * as v2 from "./reference/liquity-v2.js";
import * as blue from "./reference/morpho.js";
import { outcome } from "./reference/solidity.js";
import { joinKeys } from "./twin.js";

export type Ints = Record<string, bigint>;
export type Price = bigint | "never" | "always" | "reverts";

/** What the contract says of a vault: `limit / owed` is its health as a fraction, `value / debt` its ratio, in which `scale` is 1. */
export interface Judged { status: Status; debt: bigint; coll: bigint; value: bigint; limit: bigint; owed: bigint }
const REVERTS: Judged = { status: "reverts", debt: 0n, coll: 0n, value: 0n, limit: 0n, owed: 0n };
type Refusal = { readonly refused: true; readonly reason: string };

/** A market at one time: why it reverts, if it does, and what it says of a vault. */
export interface View {
  readonly broken?: string;
  judge(vault: Ints): Judged;
  price(vault: Ints): Price;
  /** What `inspect` must tell of a liquidation; undefined where the model does not know. `count`: vaults of the market. */
  liquidation(vault: Ints, count: number): ({ readonly refused: false } & Ints) | Refusal | undefined;
}

export interface World { readonly markets: Ints[]; readonly batches: { readonly market: number; figures: Ints }[] }

/** What the model must know of a protocol. */
export interface Adapter {
  readonly name: string;
  readonly protocol: object;
  readonly columns: readonly string[];
  readonly orders: readonly Order[];
  /** In which a ratio is 1. */
  readonly scale: bigint;
  view(figures: Ints, world: World, at?: bigint): View;
  /** A market accrued to a time; undefined where that reverts. */
  accrued(figures: Ints, time: bigint): Ints | undefined;
}

const said = <T extends object>(compute: () => T): T | undefined => {
  const answer = outcome(compute);
  return "reverts" in answer ? undefined : (answer as T);
};
const reasonOf = (compute: () => object): string | undefined => (outcome(compute) as { reason?: string }).reason;

// ---- Morpho

type AccrueInput = blue.AccrueInput;

export const morphoAdapter: Adapter = {
  name: "morpho", protocol: morpho, columns: ["collateral", "borrowShares"], orders: ["riskiest", "debt", "liquidationPrice"], scale: WAD,
  view(figures, _, at) {
    const accrued = at === undefined ? figures : outcome(() => blue.accrue({ ...figures, timestamp: at } as unknown as AccrueInput));
    if ("reverts" in accrued) {
      const broken = (accrued as unknown as { reason: string }).reason;
      return { broken, judge: () => REVERTS, price: () => "reverts", liquidation: () => ({ refused: true, reason: broken }) };
    }
    const now = { ...figures, ...accrued } as Ints;
    const input = (vault: Ints) => ({ ...now, ...vault }) as unknown as blue.LiquidateInput;
    return {
      judge(vault) {
        const { collateral, borrowShares } = vault as { collateral: bigint; borrowShares: bigint };
        if (!borrowShares) return { status: "safe", debt: 0n, coll: collateral, value: 0n, limit: 0n, owed: 0n };
        const answer = said(() => blue.isHealthy(input(vault)));
        if (!answer) return REVERTS;
        const { healthy, borrowed, maxBorrow } = answer;
        return { status: healthy ? "safe" : "unsafe", debt: borrowed, coll: collateral, value: collateral * now["price"]! / 10n ** 36n, limit: maxBorrow!, owed: borrowed };
      },
      price: (vault) => blue.liquidationPrice(input(vault)),
      /** All shares are repaid, or where the collateral does not pay for them, all collateral is seized. */
      liquidation(vault) {
        const { collateral, borrowShares } = vault as { collateral: bigint; borrowShares: bigint };
        const { price, lltv, totalBorrowAssets, totalBorrowShares } = now as Record<"price" | "lltv" | "totalBorrowAssets" | "totalBorrowShares", bigint>;
        const lif = said(() => blue.liquidationIncentiveFactor({ lltv }))?.liquidationIncentiveFactor;
        const worth = borrowShares * (totalBorrowAssets + 1n) / (totalBorrowShares + 10n ** 6n) * (lif ?? 0n), wanted = price ? worth / WAD * 10n ** 36n / price : undefined;
        const beyond = lif === undefined || worth >> 256n || worth / WAD * 10n ** 36n >> 256n;
        const bySeizing = beyond || wanted === undefined || wanted > collateral, amounts = bySeizing ? { seizedAssets: collateral, repaidShares: 0n } : { seizedAssets: 0n, repaidShares: borrowShares };
        if (!bySeizing && !borrowShares) { // nothing to repay: the contract asks for an amount before all else
          const why = reasonOf(() => blue.liquidate({ ...input(vault), seizedAssets: 1n, repaidShares: 0n }));
          return { refused: true, reason: why! };
        }
        const done = outcome(() => blue.liquidate({ ...input(vault), ...amounts }));
        if ("reverts" in done) return { refused: true, reason: (done as unknown as { reason: string }).reason };
        return { refused: false, ...(done as unknown as Ints) } as { refused: false } & Ints;
      },
    };
  },
  accrued(figures, time) {
    const done = said(() => blue.accrue({ ...figures, timestamp: time } as unknown as AccrueInput));
    if (!done) return undefined;
    const { totalSupplyAssets, totalSupplyShares, totalBorrowAssets, lastUpdate, rateAtTarget } = done;
    return { ...figures, totalSupplyAssets, totalSupplyShares, totalBorrowAssets, lastUpdate, rateAtTarget };
  },
};
/** A market of Morpho's, with the usual figures for those not given. */
export const morphoMarket = (more: Readonly<Record<string, bigint | "adaptiveCurve" | "none">> = {}): Ints => ({
  price: 10n ** 36n, lltv: (86n * WAD) / 100n, totalSupplyAssets: 10n ** 15n, totalSupplyShares: 10n ** 21n, totalBorrowAssets: 9n * 10n ** 14n, totalBorrowShares: 9n * 10n ** 20n,
  lastUpdate: 0n, fee: 0n, rateAtTarget: 0n, irm: "adaptiveCurve", quote: 0n, ...more,
}) as unknown as Ints;

// ---- Liquity

/** The last price that is looked at where recovery mode ends. */
const WINDOW = 4096n;
const MCR = (11n * WAD) / 10n, CCR = (15n * WAD) / 10n;
const divUp = (x: bigint, y: bigint) => (x + y - 1n) / y;

/** What both versions judge by: debt and collateral now, and the ratio below which a trove is liquidated. */
function judgeTrove(has: () => { debt: bigint; coll: bigint }, price: bigint, threshold: bigint): Judged {
  const now = said(has);
  if (!now || (now.debt && now.coll * price >> 256n)) return REVERTS;
  const { debt, coll } = now, value = debt ? coll * price : 0n, owed = debt * threshold;
  return { status: debt && value / debt < threshold ? "unsafe" : "safe", debt, coll, value, limit: value, owed };
}
function priceOf(coll: bigint, debt: bigint, ratio: bigint): Price {
  if (!debt) return "never";
  if (!coll) return "always";
  return divUp(debt * ratio, coll) || "never";
}

/** The smallest price from which on a trove of v1 cannot be liquidated, in recovery mode or out of it. */
function priceOfV1(coll: bigint, debt: bigint, C: bigint, D: bigint): Price {
  const plain = priceOf(coll, debt, MCR);
  if (typeof plain !== "bigint" || !C || !D) return plain;
  const end = divUp(D * CCR, C);
  if (plain >= end || coll * D >= C * debt) return plain;
  if (end >> 256n) return "reverts";
  for (let p = end - 1n; p >= plain; --p) {
    if (p < end - WINDOW || coll * p >> 256n || C * p >> 256n) return "reverts";
    if (coll * p / debt < C * p / D) return p + 1n;
  }
  return plain;
}

const trove1 = (vault: Ints, figures: Ints) => ({ ...vault, L_ETH: figures["L_ETH"]!, L_LUSDDebt: figures["L_LUSDDebt"]!, status: 1n, price: figures["price"]! }) as unknown as v1.IcrInput;
/** Debt and collateral with gains. The reference asks for ratios too, which at a price of 0 cannot revert. */
const entire1 = (vault: Ints, figures: Ints) => v1.icr({ ...trove1(vault, figures), price: 0n });

export const liquity1: Adapter = {
  name: "liquity v1", protocol: liquityV1, columns: ["coll", "debt", "stake", "snapshotETH", "snapshotLUSDDebt"], orders: ["riskiest", "debt", "liquidationPrice", "nominalICR"], scale: 1n,
  view(figures) {
    const { price, activePoolETH, defaultPoolETH, activePoolLUSDDebt, defaultPoolLUSDDebt } = figures as Record<"price" | "activePoolETH" | "defaultPoolETH" | "activePoolLUSDDebt" | "defaultPoolLUSDDebt", bigint>;
    const system = outcome(() => v1.tcr(figures as unknown as v1.TcrInput));
    if ("reverts" in system) {
      const broken = (system as unknown as { reason: string }).reason;
      return { broken, judge: () => REVERTS, price: () => "reverts", liquidation: () => ({ refused: true, reason: broken }) };
    }
    const { TCR, recoveryMode } = system, threshold = recoveryMode && TCR > MCR ? TCR : MCR;
    return {
      judge: (vault) => judgeTrove(() => entire1(vault, figures), price, threshold),
      price(vault) {
        const now = said(() => entire1(vault, figures));
        return now ? priceOfV1(now.coll, now.debt, activePoolETH + defaultPoolETH, activePoolLUSDDebt + defaultPoolLUSDDebt) : "reverts";
      },
      liquidation(vault, count) {
        const other = { debt: 0n, coll: 0n, stake: 0n, snapshotETH: 0n, snapshotLUSDDebt: 0n };
        const done = v1.liquidate({
          ...figures, lastETHError_Redistribution: 0n, lastLUSDDebtError_Redistribution: 0n, totalStakes: 2n ** 128n, function: "batchLiquidateTroves", troveArray: [1n], sortedTroves: [],
          troves: [vault, ...Array.from({ length: count - 1 }, () => other)],
        } as unknown as v1.LiquidateInput);
        const now = said(() => entire1(vault, figures));
        if (now && (now.debt >> 128n || now.coll >> 128n || figures["L_ETH"]! >> 200n || figures["L_LUSDDebt"]! >> 200n)) return undefined; // what is spread may overflow on its own
        if ("reverts" in done) return { refused: true, reason: done.reason };
        return {
          refused: false, debtToOffset: done.totalDebtToOffset, collToSendToSP: done.totalCollToSendToSP, debtToRedistribute: done.totalDebtToRedistribute,
          collToRedistribute: done.totalCollToRedistribute, collGasCompensation: done.collGasCompensation, collSurplus: done.collSurplus[0]!, LUSDGasCompensation: done.LUSDGasCompensation,
        } as unknown as { refused: false } & Ints;
      },
    };
  },
  accrued: (figures) => figures,
};
export const liquity1Market = (more: Partial<Ints> = {}): Ints => ({
  price: 2000n * WAD, L_ETH: 0n, L_LUSDDebt: 0n, totalStakes: 0n, lastETHError_Redistribution: 0n, lastLUSDDebtError_Redistribution: 0n,
  activePoolETH: 0n, defaultPoolETH: 0n, activePoolLUSDDebt: 0n, defaultPoolLUSDDebt: 0n, LUSDInStabPool: 0n, ...more,
}) as Ints;

/** A trove of v2 as the reference takes it, at a time; 0: as recorded. */
export function trove2(vault: Ints, figures: Ints, world: World, time: bigint): v2.Trove & Record<"timestamp" | "shutdownTime" | "L_coll" | "L_boldDebt", bigint> {
  const number = Number(vault["batch"]!), batch = number ? (world.batches[number - 1]!.figures as unknown as v2.Batch) : null;
  const since = batch ? batch.lastDebtUpdateTime : vault["lastDebtUpdateTime"]!;
  const { shutdownTime, L_coll, L_boldDebt } = figures as Record<"shutdownTime" | "L_coll" | "L_boldDebt", bigint>;
  return { ...vault, batch, timestamp: time || since, shutdownTime, L_coll, L_boldDebt } as unknown as ReturnType<typeof trove2>;
}

export const liquity2: Adapter = {
  name: "liquity v2", protocol: liquityV2, orders: ["riskiest", "debt", "liquidationPrice", "interestRate"], scale: 1n,
  columns: ["coll", "debt", "stake", "snapshotColl", "snapshotBoldDebt", "annualInterestRate", "lastDebtUpdateTime", "batchDebtShares", "batch"],
  view(figures, world, at) {
    const price = figures["price"]!, mcr = figures["MCR"]!, time = at ?? figures["timestamp"]!;
    const entire = (vault: Ints) => {
      const { entireDebt: debt, entireColl: coll } = v2.troveDebt(trove2(vault, figures, world, time));
      return { debt, coll };
    };
    return {
      judge: (vault) => judgeTrove(() => entire(vault), price, mcr),
      price(vault) {
        const now = said(() => entire(vault));
        return now ? priceOf(now.coll, now.debt, mcr) : "reverts";
      },
      liquidation(vault) {
        const done = outcome(() => {
          const { liquidatable, entireDebt, entireColl } = v2.icr({ ...trove2(vault, figures, world, time), price, MCR: mcr });
          if (!liquidatable) return { refused: true, reason: "NothingToLiquidate()" };
          const deposits = figures["totalBoldDeposits"]!;
          return {
            refused: false, ETHGasCompensation: 375n * 10n ** 14n,
            ...v2.liquidationAmounts({ ...figures, price, entireTroveDebt: entireDebt, entireTroveColl: entireColl, boldInSPForOffsets: deposits - (deposits < WAD ? deposits : WAD) } as unknown as v2.LiquidationAmountsInput),
          };
        });
        return ("reverts" in done ? { refused: true, reason: (done as unknown as Refusal).reason } : done) as unknown as Refusal;
      },
    };
  },
  accrued: (figures, time) => ({ ...figures, timestamp: time }),
};
export const liquity2Market = (more: Partial<Ints> = {}): Ints => ({
  price: 2000n * WAD, L_coll: 0n, L_boldDebt: 0n, totalStakes: 0n, lastCollError_Redistribution: 0n, lastBoldDebtError_Redistribution: 0n, MCR, totalBoldDeposits: 0n,
  LIQUIDATION_PENALTY_SP: WAD / 20n, LIQUIDATION_PENALTY_REDISTRIBUTION: WAD / 10n, shutdownTime: 0n, timestamp: 0n, ...more,
}) as Ints;

// ---- The book, as any protocol's

export type Order = "riskiest" | "debt" | "liquidationPrice" | "nominalICR" | "interestRate";
export interface AnyQuery {
  order?: Order;
  limit?: number;
  minDebt?: bigint;
  within?: bigint;
  at?: bigint;
  market?: number;
  status?: "unsafe" | "reverts";
  since?: "last";
  idsOnly?: boolean;
  screen?: "zones" | "keys" | "off";
}
/** A book without its protocol's types. */
export interface AnyBook {
  readonly size: number;
  readonly marketCount: number;
  readonly keyBytes: number;
  addMarket(figures: object): number;
  setMarket(market: number, figures: object): void;
  setMarkets(markets: number[], columns: object): void;
  market(market: number): Ints;
  addBatch(market: number, figures: object): number;
  setBatch(batch: number, figures: object): void;
  batch(batch: number): Ints;
  accrue(time: bigint): void;
  add(market: number, vault: object, key?: string): number;
  load(market: number, columns: object, keys?: Uint8Array): Float64Array;
  update(id: number, vault: object): void;
  updateMany(ids: Float64Array, columns: object): void;
  remove(id: number): void;
  removeMany(ids: Float64Array): void;
  find(key: string): number[];
  inspect(id: number, options?: object): Record<string, unknown>;
  scan(query: AnyQuery & { since: "last" }): { unsafe: Hits; safe: Hits };
  scan(query?: AnyQuery): Hits;
  preview(scenarios: unknown): { unsafe: Float64Array; safe: Float64Array }[];
  ids(): Float64Array;
  ratios(options?: object): BigUint64Array;
  ratiosAsNumbers(options?: object): Float64Array;
  debts(time?: bigint): BigUint64Array;
  dispose(): void;
}
export const openAny = (adapter: Adapter, options: object = {}) => openBook(adapter.protocol as never, options) as unknown as AnyBook;

export interface Entry { readonly id: number; readonly market: number; readonly key: string | undefined; vault: Ints; found: Status }

const capped = (x: bigint) => (x > MAX_U128 ? MAX_U128 : x);
const sorted = (ids: Iterable<number>) => [...ids].sort((a, b) => a - b);
const idsOf = (list: readonly Entry[]) => list.map(({ id }) => id);
const rowOf = (id: number) => id % 2 ** 32;
const sign = (x: bigint) => (x < 0n ? -1 : x > 0n ? 1 : 0);
export const columnsOf = (rows: readonly Ints[], names: readonly string[]) => Object.fromEntries(names.map((name) => [name, column(rows.map((row) => row[name]!))]));

export class PositionTwin {
  readonly book: AnyBook;
  readonly adapter: Adapter;
  readonly world: World = { markets: [], batches: [] };
  readonly entries = new Map<number, Entry>();
  readonly given = new Set<number>();

  constructor(adapter: Adapter, options: { keyBytes?: 20 | 32; capacity?: number } = {}) {
    this.adapter = adapter;
    this.book = openAny(adapter, options);
  }

  // ---- Changes

  addMarket(figures: Ints): number {
    const market = this.book.addMarket(figures);
    expect(market).toBe(this.world.markets.length);
    this.world.markets.push({ ...figures });
    return market;
  }
  setMarket(market: number, figures: Partial<Ints>): void {
    this.book.setMarket(market, figures);
    Object.assign(this.world.markets[market]!, figures);
  }
  setMarkets(markets: number[], columns: Record<string, bigint[]>): void {
    this.book.setMarkets(markets, Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, column(values)])));
    for (const [name, values] of Object.entries(columns)) markets.forEach((market, i) => { this.world.markets[market]![name] = values[i]!; });
  }
  addBatch(market: number, figures: Ints): number {
    const batch = this.book.addBatch(market, figures);
    this.world.batches.push({ market, figures: { ...figures } });
    expect(batch).toBe(this.world.batches.length);
    return batch;
  }
  setBatch(batch: number, figures: Partial<Ints>): void {
    this.book.setBatch(batch, figures);
    Object.assign(this.world.batches[batch - 1]!.figures, figures);
  }
  accrue(time: bigint): boolean {
    const next = this.world.markets.map((figures) => this.adapter.accrued(figures, time)), failed = next.indexOf(undefined);
    if (failed >= 0) {
      expect(() => this.book.accrue(time)).toThrow(expect.objectContaining({ code: "reverts", message: expect.stringContaining(`market ${failed} `) }));
      return false;
    }
    this.book.accrue(time);
    next.forEach((figures, i) => { this.world.markets[i] = { ...figures! }; });
    return true;
  }
  #enter(id: number, market: number, vault: Ints, key: string | undefined): void {
    expect(this.given.has(id)).toBe(false);
    this.given.add(id);
    this.entries.set(id, { id, market, key, vault: { ...vault }, found: "safe" });
  }
  add(market: number, vault: Ints, key?: string): number {
    const id = this.book.add(market, vault, key);
    this.#enter(id, market, vault, key);
    return id;
  }
  load(market: number, rows: readonly Ints[], keys?: readonly string[]): Float64Array {
    const ids = this.book.load(market, columnsOf(rows, this.adapter.columns), keys && joinKeys(keys));
    expect(ids.length).toBe(rows.length);
    rows.forEach((vault, i) => { this.#enter(ids[i]!, market, vault, keys?.[i]); });
    return ids;
  }
  update(id: number, change: Ints): void {
    this.book.update(id, change);
    Object.assign(this.entries.get(id)!.vault, change);
  }
  updateMany(ids: readonly number[], rows: readonly Ints[], names: readonly string[]): void {
    this.book.updateMany(Float64Array.from(ids), columnsOf(rows, names));
    ids.forEach((id, i) => { for (const name of names) this.entries.get(id)!.vault[name] = rows[i]![name]!; });
  }
  remove(id: number): void {
    this.book.remove(id);
    this.entries.delete(id);
  }
  removeMany(ids: readonly number[]): void {
    this.book.removeMany(Float64Array.from(ids));
    for (const id of ids) this.entries.delete(id);
  }

  // ---- What the model says

  views(at?: bigint, markets = this.world.markets): View[] { return markets.map((figures) => this.adapter.view(figures, this.world, at)); }
  status(market: number, vault: Ints, at?: bigint): Status { return this.adapter.view(this.world.markets[market]!, this.world, at).judge(vault).status; }
  inPlace(): Entry[] { return [...this.entries.values()].sort(byPlace); }
  rateOf({ vault }: Entry): bigint { return vault["batch"] ? this.world.batches[Number(vault["batch"]) - 1]!.figures["annualInterestRate"]! : vault["annualInterestRate"]!; }

  /** What a scan must answer; brings what was found up to date as the scan does. */
  expected({ minDebt = 0n, within = 0n, at, market, status = "unsafe" }: AnyQuery) {
    const views = this.views(at), now: Entry[] = [], unsafe: Entry[] = [], safe: Entry[] = [], figures = new Map<number, Judged>();
    for (const entry of this.entries.values()) {
      if (market !== undefined && entry.market !== market) continue;
      const judged = views[entry.market]!.judge(entry.vault), { status: is, debt, limit, owed } = judged, was = entry.found;
      figures.set(entry.id, judged);
      entry.found = is;
      if (minDebt > 0n && (is === "reverts" || debt < minDebt)) continue;
      if (is === status || (within > 0n && is === "safe" && debt && limit * WAD < owed * (WAD + within))) now.push(entry);
      if (is === status && was !== status) unsafe.push(entry);
      if (is !== status && was === status) safe.push(entry);
    }
    return { now, unsafe, safe, figures, views };
  }

  /** The exact order that a query asks for. */
  compare(order: Order | undefined, figures: ReadonlyMap<number, Judged>, views: readonly View[]): (a: Entry, b: Entry) => number {
    const prices = new Map<number, bigint>();
    const price = (entry: Entry) => {
      let known = prices.get(entry.id);
      if (known === undefined) {
        const answer = views[entry.market]!.price(entry.vault);
        prices.set(entry.id, (known = answer === "always" ? 2n ** 768n : typeof answer === "bigint" ? answer : 0n));
      }
      return known;
    };
    const rank = (a: Entry, b: Entry): number => {
      const x = figures.get(a.id)!, y = figures.get(b.id)!;
      switch (order) {
        case "debt": {
          const quote = (entry: Entry) => (a.market === b.market ? 1n : this.world.markets[entry.market]!["quote"] ?? 1n);
          return sign(y.debt * quote(b) - x.debt * quote(a));
        }
        case "liquidationPrice": return sign(price(b) - price(a));
        case "interestRate": return sign(this.rateOf(a) - this.rateOf(b));
        case undefined: return 0;
      }
      if (!x.debt || !y.debt) return Number(!x.debt) - Number(!y.debt);
      return order === "nominalICR" ? sign(x.coll * y.debt - y.coll * x.debt) : sign(x.limit * y.owed - y.limit * x.owed);
    };
    return (a, b) => rank(a, b) || (order && a.key !== undefined && b.key !== undefined && a.key !== b.key ? (a.key < b.key ? -1 : 1) : byPlace(a, b));
  }

  // ---- Comparisons

  scan(query: AnyQuery = {}): void {
    const expected = this.expected(query), { since, order, limit } = query, by = this.compare(order, expected.figures, expected.views);
    const compare = (hits: Hits, list: Entry[]) => {
      expect([...hits.ids]).toEqual(idsOf(list.sort(by).slice(0, limit)));
      if (!query.idsOnly) this.#figures(hits, expected.figures);
    };
    if (since) {
      const { unsafe, safe } = this.book.scan({ ...query, since });
      compare(unsafe, expected.unsafe);
      compare(safe, expected.safe);
    } else compare(this.book.scan(query), expected.now);
  }

  #figures(hits: Hits, figures: ReadonlyMap<number, Judged>): void {
    let checked = 0;
    for (const hit of hits) {
      if (++checked > 20) return;
      const entry = this.entries.get(hit.id)!, judged = figures.get(hit.id)!, reverts = judged.status === "reverts", health = healthOf(judged);
      expect({ market: hit.market, key: hit.key, vault: hit.vault, health: hit.health, debt: hit.debt }).toEqual({
        market: entry.market, key: entry.key, vault: entry.vault,
        health: reverts ? 0n : health === Infinity ? MAX_U128 : capped(health as bigint), debt: reverts ? MAX_U128 : capped(judged.debt),
      });
    }
  }

  preview(scenarios: [market: number, figures: Partial<Ints>][][]): void {
    const answers = this.book.preview(scenarios), views = this.views(), all = [...this.entries.values()];
    const before = new Map(all.map(({ id, market, vault }) => [id, views[market]!.judge(vault).status === "unsafe"]));
    expect(answers.length).toBe(scenarios.length);
    scenarios.forEach((changes, i) => {
      const markets = this.world.markets.map((figures) => ({ ...figures }));
      for (const [market, figures] of changes) Object.assign(markets[market]!, figures);
      const then = this.views(undefined, markets), unsafe: number[] = [], safe: number[] = [];
      for (const { id, market, vault } of all) {
        const was = before.get(id)!, is = then[market]!.judge(vault).status === "unsafe";
        if (is && !was) unsafe.push(id);
        if (was && !is) safe.push(id);
      }
      expect({ scenario: i, unsafe: sorted(answers[i]!.unsafe), safe: sorted(answers[i]!.safe) }).toEqual({ scenario: i, unsafe: sorted(unsafe), safe: sorted(safe) });
    });
  }

  inspect(id: number, at?: bigint): void {
    const { market, vault, key } = this.entries.get(id)!, view = this.adapter.view(this.world.markets[market]!, this.world, at), judged = view.judge(vault);
    const seen = this.book.inspect(id, at === undefined ? {} : { at }), reverts = judged.status === "reverts";
    const { liquidation, ...others } = seen, count = [...this.entries.values()].filter((entry) => entry.market === market).length;
    expect(others).toEqual({
      id, market, key, vault, status: judged.status, debt: reverts ? undefined : judged.debt, ratio: reverts ? undefined : ratioOf(judged, this.adapter.scale),
      health: reverts ? undefined : healthOf(judged), liquidationPrice: view.price(vault),
    });
    const expected = view.liquidation(vault, count);
    if (expected) expect(liquidation).toEqual(expected);
    if (key !== undefined) expect(this.book.find(key)).toContain(id);
  }

  /** Sizes, ids, markets and whole columns. */
  columns(at?: bigint): void {
    const { book, world } = this, all = this.inPlace(), views = this.views(at), options = at === undefined ? {} : { at };
    expect([book.size, book.marketCount]).toEqual([all.length, world.markets.length]);
    expect([...book.ids()]).toEqual(idsOf(all));
    world.markets.forEach((figures, i) => { expect(book.market(i)).toEqual(figures); });
    world.batches.forEach(({ figures }, i) => { expect(book.batch(i + 1)).toEqual(figures); });
    if (all.some(({ market }) => views[market]!.broken !== undefined)) {
      for (const read of [() => book.ratios(options), () => book.debts(at), () => book.ratiosAsNumbers(options)]) expect(read).toThrow(expect.objectContaining({ code: "reverts" }));
      return;
    }
    const judged = all.map(({ market, vault }) => views[market]!.judge(vault)), { scale } = this.adapter, toWad = WAD / scale;
    expect(uncolumn(book.debts(at))).toEqual(judged.map(({ status, debt }) => (status === "reverts" ? MAX_U128 : capped(debt))));
    expect(uncolumn(book.ratios(options))).toEqual(judged.map((one) => {
      const ratio = ratioOf(one, scale);
      return one.status === "reverts" ? 0n : ratio === Infinity ? MAX_U128 : capped(ratio as bigint);
    }));
    const floats = book.ratiosAsNumbers(options);
    judged.forEach(({ status, value, debt }, i) => {
      if (status === "reverts") { expect(floats[i]).toBe(0); return; }
      if (!debt) { expect(floats[i]).toBe(Infinity); return; }
      const exact = (value << 1200n) / (debt * toWad), seen = fromFloat(floats[i]!, 1200n), off = exact > seen ? exact - seen : seen - exact;
      expect(off <= (exact >> 45n) + 1n).toBe(true);
    });
  }
}

const byPlace = (a: Entry, b: Entry) => a.market - b.market || rowOf(a.id) - rowOf(b.id);
const healthOf = ({ debt, limit, owed }: Judged): bigint | number => (debt && owed ? limit * WAD / owed : Infinity);
const ratioOf = ({ debt, value }: Judged, scale: bigint): bigint | number => (debt ? value * scale / debt : Infinity);

/** ⌊x·2^shift⌋ of an f64, exactly. */
function fromFloat(x: number, shift: bigint): bigint {
  const bits = new BigUint64Array(Float64Array.of(x).buffer)[0]!, exponent = (bits >> 52n) & 0x7ffn, mantissa = bits & (2n ** 52n - 1n);
  const [m, e] = exponent ? [mantissa | (2n ** 52n), exponent - 1075n] : [mantissa, -1074n];
  return e + shift >= 0n ? m << (e + shift) : m >> -(e + shift);
}
