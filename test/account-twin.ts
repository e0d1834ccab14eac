/**
 * A book of accounts beside a naive model of it: every call goes to both, every answer is compared. The model keeps plain accounts
 * and figures and judges each account anew by the protocol's reference.
 */
import { type Hits, type LevelQuery, type Levels, MAX_U128, type Status, openBook } from "plimsoll";
import { aaveV3 } from "plimsoll/aave-v3";
import { comet } from "plimsoll/comet";
import { compoundV2, compoundV2HalfUp } from "plimsoll/compound-v2";
import { expect } from "vitest";
import { type Dice, MAX128, MAX256, RAY, WAD, column, uncolumn } from "./arbitraries.js";
import * as aaveReference from "./reference/aave-v3.js";
import * as cometReference from "./reference/comet.js";
import * as compoundReference from "./reference/compound-v2.js";
import { outcome } from "./reference/solidity.js";
import { type Counted, joinKeys, naiveLevels } from "./twin.js";

export type Figures = Record<string, bigint | boolean>;
type Ints = Record<string, bigint>;

/** What an account has of one asset, and whether each side counts. `index` is a Compound debt's own. */
export interface Leg {
  supply: bigint;
  debt: bigint;
  index: bigint;
  isCollateral: boolean;
  isBorrowed: boolean;
}
export interface Account {
  category: number;
  /** A Comet's, negative for a borrower. */
  principal: bigint;
  legs: Map<number, Leg>;
}
export const leg = (more: Partial<Leg> = {}): Leg => {
  const { supply = 0n, debt = 0n } = more;
  return { supply, debt, index: WAD, isCollateral: supply > 0n, isBorrowed: debt > 0n, ...more };
};
export const account = (legs: readonly (readonly [asset: number, leg: Partial<Leg>])[] = [], more: Partial<Account> = {}): Account =>
  ({ category: 0, principal: 0n, legs: new Map(legs.map(([asset, one]) => [asset, leg(one)])), ...more });
export const copyOf = (one: Account): Account => ({ ...one, legs: new Map([...one.legs].map(([asset, held]) => [asset, { ...held }])) });

/** What the contract says of an account. `over / under` is its health as a fraction. */
export interface Judged { status: Status; collateral: bigint; debt: bigint; over: bigint; under: bigint; health: bigint }
const REVERTS: Judged = { status: "reverts", collateral: 0n, debt: 0n, over: 0n, under: 0n, health: 0n };

export interface World { markets: Ints[]; system: Ints; categories: Map<number, Figures> }

/** What the model must know of a protocol. */
export interface Adapter {
  readonly name: string;
  readonly protocol: object;
  /** The price of a market, and of what a Comet lends. */
  readonly price: string;
  readonly hasCategories: boolean;
  market(more?: Ints): Ints;
  readonly system?: Ints;
  input(one: Account, dice?: Dice): object;
  change(next: Account, assets: Iterable<number>): object;
  parse(input: unknown): Account;
  /** Judges accounts in one world, at one time. */
  judge(world: World, at?: bigint): (one: Account) => Judged;
  /** The world accrued to a time, or the number of the market that reverts. */
  accrued(world: World, time: bigint): World | number;
}

const said = <T extends object>(compute: () => T): T | undefined => {
  const answer = outcome(compute);
  return "reverts" in answer ? undefined : answer as T;
};
const told = <T extends object>(answer: T): Exclude<T, { reverts: true }> | undefined => ("reverts" in answer ? undefined : answer as Exclude<T, { reverts: true }>);

// ---- Aave

type AaveInput = { userEModeCategory?: bigint; userConfig?: bigint; reserves: { reserve: number; scaledATokenBalance?: bigint; scaledVariableDebt?: bigint; usingAsCollateral?: boolean; borrowing?: boolean }[] };

export function userConfigOf({ legs }: Account): bigint {
  let bits = 0n;
  for (const [id, { isCollateral, isBorrowed }] of legs) bits |= (BigInt(isBorrowed) | BigInt(isCollateral) << 1n) << BigInt(2 * id);
  return bits;
}

/** An account as the contract's functions take it; of all reserves, or of those where it has something. */
export function aaveInput(revision: number, { markets, categories }: World, one: Account, at: bigint | undefined, all = false) {
  const ids = all ? markets.map((_, id) => id) : [...one.legs.keys()].sort((a, b) => a - b), by = revision < 5;
  return {
    blockTimestamp: at ?? 0n, userEModeCategory: BigInt(one.category), userConfig: userConfigOf(one),
    ...(revision < 8 ? { reservesCount: all ? 128n : BigInt(markets.length) } : {}),
    eModeCategories: [...categories].filter(([id]) => all || id === one.category).map(([id, figures]) => ({ id: BigInt(id), liquidationBonus: 10000n, ...(by ? { eModeAssetPrice: 0n } : {}), ...(revision >= 10 ? { ltvzeroBitmap: 0n } : {}), ...(revision >= 11 ? { isolated: false } : {}), ...figures })) as unknown as aaveReference.EModeCategory[],
    reserves: ids.map((id) => {
      const held = one.legs.get(id), figures = markets[id]!;
      return {
        id: BigInt(id), ...figures, ...(at === undefined ? { lastUpdateTimestamp: 0n } : {}),
        scaledATokenBalance: held?.supply ?? 0n, scaledVariableDebt: held?.debt ?? 0n,
      } as unknown as aaveReference.Reserve;
    }),
  };
}

export function aave(revision: number): Adapter {
  const inMode = (id: number, { categories, markets }: World, category: number): boolean => category !== 0 && (
    revision < 5 ? markets[id]!["eModeCategory"] === BigInt(category) : ((categories.get(category)?.["collateralBitmap"] as bigint ?? 0n) >> BigInt(id) & 1n) === 1n
  );
  return {
    name: `aave ${revision}`, protocol: aaveV3({ revision }), price: "assetPrice", hasCategories: true,
    market: (more = {}) => ({
      decimals: 18n, ltv: 7000n, liquidationThreshold: 8000n, assetPrice: 10n ** 8n, liquidityIndex: RAY, currentLiquidityRate: 0n, variableBorrowIndex: RAY,
      currentVariableBorrowRate: 0n, lastUpdateTimestamp: 0n, ...(revision < 5 ? { eModeCategory: 0n } : {}), liquidationBonus: 10500n, liquidationProtocolFee: 1000n, ...more,
    }),
    input(one, dice) {
      const flags = dice?.chance(0.3) ?? true, config = !flags && dice!.chance(0.4);
      return {
        ...(one.category || !dice || dice.chance(0.5) ? { userEModeCategory: BigInt(one.category) } : {}),
        ...(config ? { userConfig: userConfigOf(one) } : {}),
        reserves: [...one.legs].map(([reserve, { supply, debt, isCollateral, isBorrowed }]) => ({
          reserve, ...(supply || !dice?.chance(0.5) ? { scaledATokenBalance: supply } : {}), ...(debt || !dice?.chance(0.5) ? { scaledVariableDebt: debt } : {}),
          ...(flags || (!config && isCollateral !== supply > 0n) ? { usingAsCollateral: isCollateral } : {}),
          ...(flags || (!config && isBorrowed !== debt > 0n) ? { borrowing: isBorrowed } : {}),
        })),
      };
    },
    change: (next, assets) => ({
      userEModeCategory: BigInt(next.category),
      reserves: [...assets].map((reserve) => {
        const { supply, debt, isCollateral, isBorrowed } = next.legs.get(reserve) ?? leg();
        return { reserve, scaledATokenBalance: supply, scaledVariableDebt: debt, usingAsCollateral: isCollateral, borrowing: isBorrowed };
      }),
    }),
    parse(input) {
      const { userEModeCategory = 0n, reserves } = input as AaveInput;
      return account(reserves.map(({ reserve, scaledATokenBalance: supply = 0n, scaledVariableDebt: debt = 0n, usingAsCollateral, borrowing }) =>
        [reserve, { supply, debt, isCollateral: usingAsCollateral ?? supply > 0n, isBorrowed: borrowing ?? debt > 0n }]), { category: Number(userEModeCategory) });
    },
    judge(world, at) {
      const incomes = new Map<number, bigint | undefined>();
      const income = (id: number) => {
        if (!incomes.has(id)) {
          const figures = world.markets[id]!;
          incomes.set(id, at === undefined ? figures["liquidityIndex"]! : told(aaveReference.normalizedIncome(revision, { ...figures, blockTimestamp: at } as unknown as aaveReference.IncomeInput))?.normalizedIncome);
        }
        return incomes.get(id);
      };
      return (one) => {
        const data = told(aaveReference.accountData(revision, aaveInput(revision, world, one, at)));
        if (!data) return REVERTS;
        const { totalCollateralBase: collateral, totalDebtBase: debt, healthFactor, avgLiquidationThreshold } = data;
        let over = (collateral * avgLiquidationThreshold + 5000n) / 10000n, under = debt;
        if (revision >= 9) {
          over = 0n; under = debt * 10000n;
          for (const [id, { supply, isCollateral }] of one.legs) {
            const { assetPrice, decimals, liquidationThreshold } = world.markets[id]! as { assetPrice: bigint; decimals: bigint; liquidationThreshold: bigint };
            if (!isCollateral || (revision < 10 && !liquidationThreshold)) continue;
            const unit = BigInt.asUintN(256, 10n ** decimals), bps = inMode(id, world, one.category) ? world.categories.get(one.category)!["liquidationThreshold"] as bigint : liquidationThreshold;
            over += supply * income(id)! / RAY * assetPrice / unit * bps;
          }
        }
        return { status: healthFactor < WAD ? "unsafe" : "safe", collateral, debt, over, under: debt ? under : 0n, health: healthFactor };
      };
    },
    accrued(world, time) {
      const markets: Ints[] = [];
      for (const [id, figures] of world.markets.entries()) {
        const input = { ...figures, blockTimestamp: time };
        const income = told(aaveReference.normalizedIncome(revision, input as unknown as aaveReference.IncomeInput))?.normalizedIncome;
        const debt = told(aaveReference.normalizedDebt(revision, input as unknown as aaveReference.DebtInput))?.normalizedDebt;
        if (income === undefined || debt === undefined || income > MAX128 || debt > MAX128) return id;
        markets.push({ ...figures, liquidityIndex: income, variableBorrowIndex: debt, lastUpdateTimestamp: time });
      }
      return { ...world, markets };
    },
  };
}

// ---- Compound

type CompoundInput = { assets: { market: number; cTokenBalance?: bigint; principal?: bigint; interestIndex?: bigint; entered?: boolean }[] };

/** A market as `accrueInterest` leaves it; undefined where that reverts. */
function accruedToken(figures: Ints, at: bigint | undefined): Ints | undefined {
  if (at === undefined) return figures;
  const next = said(() => compoundReference.accrue({ ...figures, blockNumber: at } as unknown as compoundReference.AccrueInput));
  if (!next) return undefined;
  const { totalBorrows, totalReserves, borrowIndex, accrualBlockNumber } = next;
  return { ...figures, totalBorrows, totalReserves, borrowIndex, accrualBlockNumber };
}

/** An account as the Comptroller finds it, market by market; undefined where a market it has entered reverts on the way. */
export function compoundAssets(views: readonly (Ints | undefined)[], one: Account): compoundReference.Asset[] | undefined {
  const assets: compoundReference.Asset[] = [];
  for (const [id, { supply, debt, index, isCollateral, isBorrowed }] of [...one.legs].sort(([a], [b]) => a - b)) {
    if (!isCollateral && !isBorrowed) continue;
    const view = views[id], owed = view && said(() => compoundReference.borrowBalance({ principal: debt, borrowIndex: view["borrowIndex"]!, interestIndex: index }));
    if (!view || !owed) return undefined;
    const { collateralFactorMantissa, exchangeRateMantissa, oraclePriceMantissa } = view;
    assets.push({ collateralFactorMantissa, exchangeRateMantissa, oraclePriceMantissa, cTokenBalance: supply, borrowBalance: owed.borrowBalance } as compoundReference.Asset);
  }
  return assets;
}
export const compoundViews = ({ markets }: World, at?: bigint): (Ints | undefined)[] => markets.map((figures) => {
  const next = accruedToken(figures, at), rate = next && said(() => compoundReference.exchangeRate(next as unknown as compoundReference.ExchangeRateInput));
  return rate && { ...next, exchangeRateMantissa: rate.exchangeRate };
});

export function compound(rounding: compoundReference.Rounding): Adapter {
  return {
    name: `compound ${rounding}`, protocol: rounding === "half-up" ? compoundV2HalfUp : compoundV2, price: "oraclePriceMantissa", hasCategories: false,
    market: (more = {}) => ({
      oraclePriceMantissa: WAD, collateralFactorMantissa: 8n * WAD / 10n, cash: 10n ** 24n, totalBorrows: 10n ** 24n, totalReserves: 0n, totalSupply: 10n ** 24n,
      initialExchangeRateMantissa: 2n * WAD, borrowIndex: WAD, borrowRateMantissa: 0n, accrualBlockNumber: 0n, reserveFactorMantissa: 0n, ...more,
    }),
    input: (one, dice) => ({
      assets: [...one.legs].map(([market, { supply, debt, index, isCollateral, isBorrowed }]) => ({
        market, ...(supply || !dice?.chance(0.5) ? { cTokenBalance: supply } : {}), ...(debt ? { principal: debt, interestIndex: index } : {}),
        ...((isCollateral || isBorrowed) && dice?.chance(0.5) ? {} : { entered: isCollateral || isBorrowed }),
      })),
    }),
    change: (next, assets) => ({
      assets: [...assets].map((market) => {
        const { supply, debt, index, isCollateral, isBorrowed } = next.legs.get(market) ?? leg();
        return { market, cTokenBalance: supply, principal: debt, interestIndex: index, entered: isCollateral || isBorrowed };
      }),
    }),
    parse: (input) => account((input as CompoundInput).assets.map(({ market, cTokenBalance: supply = 0n, principal: debt = 0n, interestIndex = WAD, entered = true }) =>
      [market, { supply, debt, index: debt ? interestIndex : WAD, isCollateral: entered && supply > 0n, isBorrowed: entered && debt > 0n }])),
    judge(world, at) {
      const views = compoundViews(world, at);
      return (one) => {
        const assets = compoundAssets(views, one);
        if (!assets) return REVERTS;
        const answer = said(() => compoundReference.accountLiquidity({ assets }, rounding));
        if (!answer || answer.error) return REVERTS;
        const half = rounding === "half-up" ? WAD / 2n : 0n;
        let collateral = 0n, debt = 0n;
        for (const { collateralFactorMantissa: factor, exchangeRateMantissa: rate, oraclePriceMantissa: price, cTokenBalance, borrowBalance } of assets) {
          collateral += ((factor * rate + half) / WAD * price + half) / WAD * cTokenBalance / WAD;
          debt += price * borrowBalance / WAD;
        }
        return { status: answer.shortfall ? "unsafe" : "safe", collateral, debt, over: collateral, under: debt, health: debt ? collateral * WAD / debt : MAX256 };
      };
    },
    accrued(world, time) {
      const markets = world.markets.map((figures) => accruedToken(figures, time)), failed = markets.indexOf(undefined);
      return failed >= 0 ? failed : { ...world, markets: markets as Ints[] };
    },
  };
}

// ---- Comet

type CometInput = { principal: bigint; collateral: { asset: number; balance: bigint }[] };

export const cometAccount = (world: World, one: Account) => ({
  principal: one.principal,
  ...Object.fromEntries(["baseSupplyIndex", "baseBorrowIndex", "basePrice", "baseScale"].map((name) => [name, world.system[name]!])),
  assets: [...one.legs].sort(([a], [b]) => a - b).map(([id, { supply }]) => ({ balance: supply, ...world.markets[id]! })),
}) as unknown as cometReference.Account;

/** A Comet's world with its indexes accrued to a time; undefined where that reverts. */
export function cometView(world: World, at?: bigint): World | undefined {
  if (at === undefined) return world;
  const next = said(() => cometReference.accrue({ ...world.system, timestamp: at } as unknown as Parameters<typeof cometReference.accrue>[0])) as Ints | undefined;
  return next && { ...world, system: { ...world.system, baseSupplyIndex: next["baseSupplyIndex"]!, baseBorrowIndex: next["baseBorrowIndex"]! } };
}

export const cometAdapter: Adapter = {
  name: "comet", protocol: comet, price: "price", hasCategories: false,
  market: (more = {}) => ({ price: 10n ** 8n, scale: WAD, borrowCollateralFactor: 8n * WAD / 10n, liquidateCollateralFactor: 85n * WAD / 100n, liquidationFactor: 9n * WAD / 10n, ...more }),
  system: {
    basePrice: 10n ** 8n, baseScale: 10n ** 6n, baseSupplyIndex: 10n ** 15n, baseBorrowIndex: 10n ** 15n, totalSupplyBase: 10n ** 15n, totalBorrowBase: 10n ** 14n * 8n, lastAccrualTime: 0n,
    supplyKink: 8n * WAD / 10n, supplyPerSecondInterestRateSlopeLow: 10n ** 9n, supplyPerSecondInterestRateSlopeHigh: 10n ** 10n, supplyPerSecondInterestRateBase: 0n,
    borrowKink: 8n * WAD / 10n, borrowPerSecondInterestRateSlopeLow: 10n ** 9n, borrowPerSecondInterestRateSlopeHigh: 10n ** 10n, borrowPerSecondInterestRateBase: 10n ** 8n,
  },
  input: (one) => ({ principal: one.principal, collateral: [...one.legs].map(([asset, { supply }]) => ({ asset, balance: supply })) }),
  change: (next, assets) => ({ principal: next.principal, collateral: [...assets].map((asset) => ({ asset, balance: next.legs.get(asset)?.supply ?? 0n })) }),
  parse: (input) => account((input as CometInput).collateral.map(({ asset, balance }) => [asset, { supply: balance }]), { principal: (input as CometInput).principal }),
  judge(world, at) {
    const view = cometView(world, at);
    return (one) => {
      if (one.principal < 0n && !view) return REVERTS;
      const input = cometAccount(view ?? world, one), answer = said(() => cometReference.isLiquidatable(input));
      if (!answer) return REVERTS;
      let collateral = 0n, over = 0n;
      for (const { balance, price, scale, liquidateCollateralFactor } of input.assets) {
        if (price <= 0n || !scale || balance * price > MAX256 || balance * price / scale * liquidateCollateralFactor > MAX256) continue; // not looked at
        collateral += balance * price / scale;
        over += balance * price / scale * liquidateCollateralFactor / WAD;
      }
      const debt = one.principal < 0n ? -one.principal * input.baseBorrowIndex / 10n ** 15n * input.basePrice / input.baseScale : 0n;
      return { status: answer.liquidatable ? "unsafe" : "safe", collateral, debt, over, under: debt, health: debt ? over * WAD / debt : MAX256 };
    };
  },
  accrued(world, time) {
    const next = cometView(world, time);
    return next ? { ...next, system: { ...next.system, lastAccrualTime: time } } : -1;
  },
};

// ---- The book, as any protocol's

export interface AnyQuery {
  order?: "riskiest" | "debt";
  limit?: number;
  minDebt?: bigint;
  within?: bigint;
  at?: bigint;
  status?: "unsafe" | "reverts";
  since?: "last";
  idsOnly?: boolean;
  screen?: "zones" | "keys" | "off";
}
export interface AnyInspection { id: number; key: string | undefined; account: unknown; status: Status; collateral?: bigint; debt?: bigint; ratio?: bigint | number; health?: bigint | number }
export interface AnyPrice { market: number | undefined; side: "collateral" | "debt"; price: bigint | string }
/** A book without its protocol's types. */
export interface AnyBook {
  readonly size: number;
  readonly bytes: number;
  readonly marketCount: number;
  setSystem(figures: object): void;
  addMarket(figures: object): number;
  setMarket(market: number, figures: object): void;
  setMarkets(markets: number[], columns: object): void;
  setCategory(category: number, figures: object): void;
  market(market: number): Ints;
  accrue(time: bigint): void;
  add(account: unknown, key?: unknown): number;
  load(accounts: readonly unknown[], keys?: Uint8Array): Float64Array;
  update(id: number, change: unknown): void;
  remove(id: number): void;
  removeMany(ids: Float64Array | number[]): void;
  has(id: number): boolean;
  find(key: unknown): number[];
  account(id: number): unknown;
  inspect(id: number, options?: object): AnyInspection;
  liquidationPrices(id: number, options?: object): AnyPrice[];
  ask(id: number, name: string, inputs: object, options?: object): object;
  scan(query: AnyQuery & { since: "last" }): { unsafe: Hits; safe: Hits };
  scan(query?: AnyQuery): Hits;
  preview(scenarios: unknown): { unsafe: Float64Array; safe: Float64Array }[];
  levels(market: number, query: LevelQuery): Levels;
  ids(): Float64Array;
  ratios(options?: object): BigUint64Array;
  ratiosAsNumbers(options?: object): Float64Array;
  debts(time?: bigint): BigUint64Array;
}
export const openAny = (adapter: Adapter, options: object = {}) => openBook(adapter.protocol as never, options) as unknown as AnyBook;

const capped = (x: bigint) => (x > MAX_U128 ? MAX_U128 : x);
const sorted = (ids: Iterable<number>) => [...ids].sort((a, b) => a - b);
const idsOf = (list: readonly Entry[]) => list.map(({ id }) => id);

export interface Entry { readonly id: number; readonly key: string | undefined; account: Account; found: Status }

export class AccountTwin {
  readonly book: AnyBook;
  readonly adapter: Adapter;
  readonly keyed: boolean;
  world: World;
  readonly entries = new Map<number, Entry>();
  readonly given = new Set<number>();

  constructor(adapter: Adapter, options: { keyBytes?: 20 | 32; capacity?: number } = {}) {
    this.adapter = adapter;
    this.book = openAny(adapter, options);
    this.keyed = options.keyBytes !== undefined;
    this.world = { markets: [], system: {}, categories: new Map() };
    if (adapter.system) this.setSystem(adapter.system);
  }

  // ---- Changes

  setSystem(figures: Ints): void {
    this.book.setSystem(figures);
    this.world.system = { ...this.world.system, ...figures };
  }
  addMarket(more: Ints = {}): number {
    const figures = this.adapter.market(more), market = this.book.addMarket(figures);
    expect(market).toBe(this.world.markets.length);
    this.world.markets.push(figures);
    return market;
  }
  setMarket(market: number, figures: Ints): void {
    this.book.setMarket(market, figures);
    this.world.markets[market] = { ...this.world.markets[market]!, ...figures };
  }
  setMarkets(markets: number[], columns: Record<string, bigint[]>): void {
    this.book.setMarkets(markets, Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, column(values)])));
    for (const [name, values] of Object.entries(columns)) markets.forEach((market, i) => { this.world.markets[market] = { ...this.world.markets[market]!, [name]: values[i]! }; });
  }
  setCategory(category: number, figures: Figures): void {
    this.book.setCategory(category, figures);
    this.world.categories.set(category, figures);
  }
  accrue(time: bigint): boolean {
    const next = this.adapter.accrued(this.world, time);
    if (typeof next === "number") {
      expect(() => this.book.accrue(time)).toThrow(expect.objectContaining({ code: "reverts", ...(next >= 0 ? { message: expect.stringContaining(`market ${next} `) } : {}) }));
      return false;
    }
    this.book.accrue(time);
    this.world = next;
    return true;
  }
  #enter(id: number, one: Account, key: string | undefined): void {
    expect(this.given.has(id)).toBe(false);
    this.given.add(id);
    this.entries.set(id, { id, key, account: copyOf(one), found: "safe" });
  }
  add(one: Account, key?: string, dice?: Dice): number {
    const id = this.book.add(this.adapter.input(one, dice), key);
    this.#enter(id, one, key);
    return id;
  }
  load(all: readonly Account[], keys?: readonly string[], dice?: Dice): Float64Array {
    const ids = this.book.load(all.map((one) => this.adapter.input(one, dice)), keys && joinKeys(keys));
    expect(ids.length).toBe(all.length);
    all.forEach((one, i) => { this.#enter(ids[i]!, one, keys?.[i]); });
    return ids;
  }
  /** Brings an account to another state, by what differs. */
  update(id: number, next: Account): void {
    const entry = this.entries.get(id)!, before = entry.account, assets = new Set<number>();
    for (const asset of [...before.legs.keys(), ...next.legs.keys()]) {
      if (JSON.stringify(before.legs.get(asset), text) !== JSON.stringify(next.legs.get(asset), text)) assets.add(asset);
    }
    this.book.update(id, this.adapter.change(next, assets));
    entry.account = copyOf(next);
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

  status(one: Account, at?: bigint): Status { return this.adapter.judge(this.world, at)(one).status; }

  expected({ minDebt = 0n, within = 0n, at, status = "unsafe" }: AnyQuery) {
    const judge = this.adapter.judge(this.world, at), now: Entry[] = [], unsafe: Entry[] = [], safe: Entry[] = [], figures = new Map<number, Judged>();
    for (const id of this.book.ids()) {
      const entry = this.entries.get(id)!, judged = judge(entry.account), { status: is, debt, over, under } = judged, was = entry.found;
      figures.set(id, judged);
      entry.found = is;
      if (minDebt > 0n && debt < minDebt) continue;
      if (is === status || (within > 0n && is === "safe" && under && over * WAD < under * (WAD + within))) now.push(entry);
      if (is === status && was !== status) unsafe.push(entry);
      if (is !== status && was === status) safe.push(entry);
    }
    return { now, unsafe, safe, figures };
  }

  // ---- Comparisons

  scan(query: AnyQuery = {}): void {
    const expected = this.expected(query), { since, status = "unsafe" } = query;
    const compare = (hits: Hits, list: Entry[], placed: boolean) => {
      this.#ordered(hits, list, query, expected.figures, placed);
      if (!query.idsOnly) this.#figures(hits, expected.figures);
    };
    if (since) {
      const { unsafe, safe } = this.book.scan({ ...query, since });
      compare(unsafe, expected.unsafe, false);
      compare(safe, expected.safe, false);
    } else compare(this.book.scan(query), expected.now, status !== undefined);
  }

  #ordered(hits: Hits, list: Entry[], { order, limit }: AnyQuery, figures: Map<number, Judged>, placed: boolean): void {
    const ids = [...hits.ids];
    expect(new Set(ids).size).toBe(ids.length);
    if (!order) {
      if (placed) expect(ids).toEqual(idsOf(list).slice(0, limit));
      else if (limit === undefined || limit >= list.length) expect(sorted(ids)).toEqual(sorted(idsOf(list)));
      else expect([ids.length, ids.filter((id) => list.some((entry) => entry.id === id)).length]).toEqual([limit, limit]);
      return;
    }
    const sign = (x: bigint) => (x < 0n ? -1 : x > 0n ? 1 : 0);
    const rank = (a: number, b: number) => {
      const x = figures.get(a)!, y = figures.get(b)!;
      if (order === "debt") return sign(y.debt - x.debt);
      if (!x.under || !y.under) return Number(!x.under) - Number(!y.under);
      return sign(x.over * y.under - y.over * x.under);
    };
    const byKey = (a: Entry, b: Entry) => rank(a.id, b.id) || (this.keyed ? (a.key! < b.key! ? -1 : 1) : 0);
    const all = [...list].sort(byKey).slice(0, limit);
    if (this.keyed) { expect(ids).toEqual(idsOf(all)); return; }
    // ties by place: the same ranks, and no account that is not among those asked for
    expect(ids.length).toBe(all.length);
    const member = new Set(idsOf(list));
    ids.forEach((id, i) => { expect([member.has(id), rank(id, all[i]!.id)]).toEqual([true, 0]); });
  }

  #figures(hits: Hits, figures: Map<number, Judged>): void {
    let checked = 0;
    for (const hit of hits) {
      if (++checked > 20) return;
      const entry = this.entries.get(hit.id)!, { status, collateral, debt, health } = figures.get(hit.id)!;
      const reverts = status === "reverts";
      expect([hit.key, Object.values(hit.vault)[0], hit.debt, hit.health]).toEqual([entry.key, capped(collateral), reverts ? MAX_U128 : capped(debt), reverts ? 0n : capped(health)]);
    }
  }

  preview(scenarios: [market: number, figures: Ints][][]): void {
    const answers = this.book.preview(scenarios), judge = this.adapter.judge(this.world), before = new Map([...this.entries.values()].map(({ id, account: one }) => [id, judge(one).status === "unsafe"]));
    expect(answers.length).toBe(scenarios.length);
    scenarios.forEach((changes, i) => {
      const markets = [...this.world.markets];
      for (const [market, figures] of changes) markets[market] = { ...markets[market]!, ...figures };
      const then = this.adapter.judge({ ...this.world, markets }), unsafe: number[] = [], safe: number[] = [];
      for (const { id, account: one } of this.entries.values()) {
        const was = before.get(id)!, is = then(one).status === "unsafe";
        if (is && !was) unsafe.push(id);
        if (was && !is) safe.push(id);
      }
      expect({ scenario: i, unsafe: sorted(answers[i]!.unsafe), safe: sorted(answers[i]!.safe) }).toEqual({ scenario: i, unsafe: sorted(unsafe), safe: sorted(safe) });
    });
  }

  levels(market: number, query: LevelQuery): void {
    const expected = naiveLevels(query, (price) => {
      const markets = this.world.markets.map((figures, i) => (i === market ? { ...figures, [this.adapter.price]: price } : figures));
      const judge = this.adapter.judge({ ...this.world, markets }, query.at), unsafe = new Map<number, Counted>();
      for (const { id, account: one } of this.entries.values()) {
        const { status, collateral, debt } = judge(one);
        if (status === "unsafe") unsafe.set(id, { collateral, debt });
      }
      return unsafe;
    });
    expect(this.book.levels(market, query)).toEqual(expected);
  }

  inspect(id: number, at?: bigint): void {
    const { account: one, key } = this.entries.get(id)!, { status, collateral, debt, health } = this.adapter.judge(this.world, at)(one);
    const seen = this.book.inspect(id, at === undefined ? {} : { at }), reverts = status === "reverts";
    expect({ ...seen, account: canonical(this.adapter.parse(seen.account)) }).toEqual({
      id, key, status, account: canonical(one),
      collateral: reverts ? undefined : collateral, debt: reverts ? undefined : debt,
      ratio: reverts ? undefined : debt ? collateral * WAD / debt : Infinity, health: reverts ? undefined : debt ? health : Infinity,
    });
    expect(canonical(this.adapter.parse(this.book.account(id)))).toEqual(canonical(one));
    expect(this.book.has(id)).toBe(true);
    if (key !== undefined) expect(this.book.find(key)).toEqual([id]);
  }

  /** Sizes, ids, markets and whole columns. */
  columns(at?: bigint): void {
    const { book, entries, world } = this, ids = book.ids(), judge = this.adapter.judge(world, at);
    expect(book.size).toBe(entries.size);
    expect(sorted(ids)).toEqual(sorted(entries.keys()));
    world.markets.forEach((figures, i) => { expect(book.market(i)).toMatchObject(figures); });
    const all = [...ids].map((id) => judge(entries.get(id)!.account)), options = at === undefined ? {} : { at };
    let debts: BigUint64Array;
    try { debts = book.debts(at); } catch (error) { // only where an account reverts
      expect(error).toMatchObject({ code: "reverts" });
      for (const read of [() => book.ratios(options), () => book.ratiosAsNumbers(options)]) expect(read).toThrow(expect.objectContaining({ code: "reverts" }));
      return;
    }
    expect(uncolumn(debts)).toEqual(all.map(({ status, debt }) => (status === "reverts" ? MAX_U128 : capped(debt))));
    expect(uncolumn(book.ratios(options))).toEqual(all.map(({ status, collateral, debt }) => (status === "reverts" ? 0n : debt ? capped(collateral * WAD / debt) : MAX_U128)));
    const floats = book.ratiosAsNumbers(options);
    all.forEach(({ status, collateral, debt }, i) => {
      if (status === "reverts") { expect(floats[i]).toBe(0); return; }
      if (!debt) { expect(floats[i]).toBe(Infinity); return; }
      const scaled = (collateral << 200n) / debt, seen = BigInt(Math.round(floats[i]! * 2 ** 60)) << 140n, off = scaled > seen ? scaled - seen : seen - scaled;
      expect(off <= (scaled >> 44n) + (1n << 141n)).toBe(true);
    });
  }
}

const text = (_: string, value: unknown) => (typeof value === "bigint" ? `${value}n` : value);

/** An account for comparison: assets in order, and nothing that does not show. */
export const canonical = (one: Account) => ({
  category: one.category, principal: one.principal, legs: [...one.legs].sort(([a], [b]) => a - b),
});
