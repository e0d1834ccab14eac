/** The keeper's run on an Aave pool: a book is filled with the borrowers, prices move, and each tick is timed; then the same by the plain loop. */
import { openBook } from "plimsoll";
import { type AaveV3, type AaveV3Account, aaveV3 } from "plimsoll/aave-v3";
import { keysOf } from "./ilks.js";
import { type AaveOptions, UsageError } from "./options.js";
import { type Played, play, playLoop } from "./play.js";
import type { LoopTick } from "./print.js";
import { type Pool, type Reserve, SnapshotError } from "./snapshot.js";

/** Dollars have the oracle's 8 decimals. */
export const DOLLAR = 10n ** 8n;
/** The first revision that lets borrowers in eMode choose among categories that a bitmap names; before, a reserve is in one category. */
const BITMAPS = 5;
/** The first revision that rounds against the borrower, and takes health of the sum of weighted values. */
const DIRECTED = 9;
/** The first revision in which collateral counts whose own threshold is 0. */
const COUNTS_ALL = 10;

const openPool = (aave: AaveV3) => openBook(aave, { keyBytes: 20 });
type AaveBook = ReturnType<typeof openPool>;

/** One side of what an account has in a reserve. */
export interface Leg {
  readonly reserve: Reserve;
  readonly side: "collateral" | "debt" | "idle";
  /** Units of the token, interest included, and dollars. */
  readonly amount: bigint;
  readonly value: bigint;
  /** The price at which the account is liquidated, of what counts. */
  readonly liquidationPrice?: ReturnType<AaveBook["liquidationPrices"]>[number]["price"];
}

export interface Account {
  readonly address: string;
  readonly status: ReturnType<AaveBook["inspect"]>["status"];
  readonly health: bigint | number | undefined;
  /** Dollars. */
  readonly collateral: bigint | undefined;
  readonly debt: bigint | undefined;
  readonly eMode: string | undefined;
  readonly legs: readonly Leg[];
}

/** What repaying as much as the contract takes would do, or why it takes nothing. */
export type Liquidation =
  | { readonly refused: true; readonly reason: string }
  | {
    readonly refused: false;
    readonly debt: Reserve;
    readonly collateral: Reserve;
    /** Units of the two tokens; the collateral is the liquidator's, the protocol's fee comes on top of it. */
    readonly repaid: bigint;
    readonly seized: bigint;
    readonly fee: bigint;
    /** Dollars. What the liquidator gains is what it seizes beyond what it repays. */
    readonly repaidValue: bigint;
    readonly seizedValue: bigint;
    readonly feeValue: bigint;
    readonly gain: bigint;
  };

export interface Liquidatable {
  readonly address: string;
  readonly health: bigint | number | undefined;
  readonly liquidation: Liquidation;
}

export interface AaveRun extends Played<Liquidatable, Account> {
  readonly pool: Pool;
  /** The protocol with its revision, such as `aave-v3.7`. */
  readonly protocol: string;
  readonly at: bigint;
  readonly loadMilliseconds: number;
  readonly bytes: number;
  readonly loop: readonly LoopTick[];
}

/** More calls than any pool has room for. */
const ALL_CALLS = 2 ** 31;
const UINT_MAX = (1n << 256n) - 1n;

/** Fills a book, looks at it at the snapshot's prices, moves prices to the given ones, and looks again. */
export function runAave(pool: Pool, options: AaveOptions): AaveRun {
  const { revision, ticks: count, seed, top } = options, taken = pool.taken ?? 0n, at = options.at ?? taken;
  if (at < taken) throw new UsageError(`--at ${at} lies before ${taken}, when the snapshot was taken`);
  const opening: readonly bigint[] = pool.reserves.map(({ assetPrice }) => assetPrice), end = pricesGiven(pool, options);

  const aave = aaveV3({ revision }), book = openPool(aave), categoryOf = revision < BITMAPS ? categoriesOf(pool) : undefined;
  pool.reserves.forEach(({ symbol: _, address: __, active: ___, liquidationBonus = options.liquidationBonus, ...figures }, i) => book.addMarket({
    ...figures, liquidationBonus, liquidationProtocolFee: options.liquidationProtocolFee, lastUpdateTimestamp: taken,
    currentLiquidityRate: options.currentLiquidityRate, currentVariableBorrowRate: options.currentVariableBorrowRate,
    ...(categoryOf && { eModeCategory: categoryOf[i]! }),
  }));
  for (const { id, label: _, collateralBitmap, liquidationBonus = options.liquidationBonus, ...figures } of pool.categories) {
    book.setCategory(id, { ...figures, liquidationBonus, ...(categoryOf ? {} : { collateralBitmap }) });
  }
  const started = performance.now();
  book.load(pool.borrowers.map(({ address: _, ...account }) => account), keysOf(pool.borrowers.map(({ address }) => address)));
  const loadMilliseconds = performance.now() - started, { bytes } = book;

  const indexes = pool.reserves.map(({ liquidityIndex, variableBorrowIndex }) => {
    const time = { lastUpdateTimestamp: taken, blockTimestamp: at }, { currentLiquidityRate, currentVariableBorrowRate } = options;
    const supply = aave.normalizedIncome({ liquidityIndex, currentLiquidityRate, ...time });
    const debt = aave.normalizedDebt({ variableBorrowIndex, currentVariableBorrowRate, ...time });
    if (supply.reverts || debt.reverts) throw new UsageError(`interest cannot be accrued to --at ${at}: the contract reverts`);
    return { income: supply.normalizedIncome, debt: debt.normalizedDebt };
  });
  const list = (ids: Float64Array, prices: readonly bigint[]) => {
    const calls = ids.length ? firstCalls(book, pool.reserves, at) : undefined;
    return Array.from(ids, (id): Liquidatable => {
      const { key, account, health } = book.inspect(id, { at }), call = calls?.get(id);
      return { address: key!, health, liquidation: call ? told(call, pool.reserves, prices) : refusal(book, id, account, pool.reserves, at) };
    });
  };
  const accountOf = (id: number): Account => {
    const { key, account, status, health, collateral, debt } = book.inspect(id, { at }), prices = book.liquidationPrices(id, { at });
    return {
      address: key!, status, health, collateral, debt,
      eMode: pool.categories.find((category) => BigInt(category.id) === account.userEModeCategory)?.label,
      legs: legsOf(account, pool.reserves, indexes, revision).map(({ market, ...leg }) => {
        const found = prices.find((price) => price.market === market && price.side === leg.side);
        return { ...leg, ...(found && { liquidationPrice: found.price }) };
      }),
    };
  };

  const played = play({ book, figures: (assetPrice) => ({ assetPrice }), at, from: opening, to: end, least: 1n, list, risk: accountOf }, { ticks: count, seed, top });
  return { ...played, pool, protocol: aave.name, at, loadMilliseconds, bytes, loop: plainLoop(pool, indexes, played.path, revision) };
}

/** The prices that the options give: a price outranks a fall, and an asset's own fall that of all. */
function pricesGiven({ file, reserves }: Pool, { prices, drops }: AaveOptions): bigint[] {
  const find = (option: string, asset: string) => {
    const found = reserves.flatMap(({ symbol, address }, i) => (symbol === asset || address === asset.toLowerCase() ? [i] : []));
    if (found.length === 1) return found[0]!;
    throw new UsageError(found.length
      ? `--${option}: ${asset} is the symbol of several assets: name an address, such as ${reserves[found[0]!]!.address}`
      : `--${option}: ${file} has no ${JSON.stringify(asset)}; it has ${reserves.map(({ symbol }) => symbol).join(", ")}`);
  };
  const falls = reserves.map(() => 0n), given = new Map<number, bigint>();
  for (const [asset, fall] of drops) if (asset === undefined) reserves.forEach(({ assetPrice }, i) => { if (!isPegged(assetPrice)) falls[i] = fall; });
  for (const [asset, fall] of drops) if (asset !== undefined) falls[find("drop", asset)] = fall;
  for (const [asset, price] of prices) given.set(find("price", asset), price);
  return reserves.map(({ assetPrice }, i) => given.get(i) ?? ((assetPrice * (10n ** 18n - falls[i]!)) / 10n ** 18n || 1n));
}

/** Within 2 % of a dollar. */
const isPegged = (price: bigint) => price * 100n >= DOLLAR * 98n && price * 100n <= DOLLAR * 102n;

/**
 * Before 3.2 a reserve is in one category. The one for each that judges the file's borrowers as its bitmaps would: that of those in
 * eMode who hold it as collateral there.
 */
function categoriesOf({ file, reserves, categories, borrowers }: Pool): bigint[] {
  const chosen = reserves.map(() => 0n);
  for (const { userEModeCategory = 0n, reserves: positions, address } of borrowers) {
    const bitmap = categories.find(({ id }) => BigInt(id) === userEModeCategory)?.collateralBitmap ?? 0n;
    for (const { reserve, usingAsCollateral } of positions) {
      if (!usingAsCollateral || !(bitmap >> BigInt(reserve) & 1n)) continue;
      if (chosen[reserve] && chosen[reserve] !== userEModeCategory) {
        throw new SnapshotError(`${file}: ${reserves[reserve]!.symbol} is collateral of ${address} in the eMode category ${userEModeCategory} and of another in ${chosen[reserve]}: before revision ${BITMAPS} a reserve has one`);
      }
      chosen[reserve] = userEModeCategory;
    }
  }
  return chosen;
}

interface Indexes {
  readonly income: bigint;
  readonly debt: bigint;
}

/** What an account has, for people: amounts as the token contracts tell them at the snapshot's prices. */
function legsOf({ reserves: positions }: AaveV3Account, reserves: readonly Reserve[], indexes: readonly Indexes[], revision: number): (Leg & { readonly market: number })[] {
  return positions.flatMap(({ reserve: market, scaledATokenBalance = 0n, scaledVariableDebt = 0n, usingAsCollateral = scaledATokenBalance > 0n }) => {
    const reserve = reserves[market]!, { income, debt } = indexes[market]!, worth = (amount: bigint) => (amount * reserve.assetPrice) / 10n ** reserve.decimals;
    const held = balanceOf(scaledATokenBalance, income, revision), owed = debtOf(scaledVariableDebt, debt, revision);
    return [
      ...(held ? [{ market, reserve, side: usingAsCollateral ? "collateral" as const : "idle" as const, amount: held, value: worth(held) }] : []),
      ...(owed ? [{ market, reserve, side: "debt" as const, amount: owed, value: worth(owed) }] : []),
    ];
  });
}

type Call = ReturnType<AaveBook["plan"]>[number];

/** The first call of a plan for each account that is unsafe, whatever it brings. */
function firstCalls(book: AaveBook, reserves: readonly Reserve[], at: bigint): Map<number, Call> {
  const first = new Map<number, Call>(), markets = reserves.flatMap(({ active }, i) => (active ? [i] : []));
  for (const call of book.plan({ at, order: "riskiest", limit: ALL_CALLS, minProfit: -(1n << 255n), markets })) if (!first.has(call.id)) first.set(call.id, call);
  return first;
}

/** A call for people. */
function told({ debt, collateral, repaid, seized, fee, bonus: gain }: Call, reserves: readonly Reserve[], prices: readonly bigint[]): Liquidation {
  const worth = (amount: bigint) => (amount * prices[collateral!]!) / 10n ** reserves[collateral!]!.decimals, seizedValue = worth(seized);
  return { refused: false, debt: reserves[debt!]!, collateral: reserves[collateral!]!, repaid, seized, fee, repaidValue: seizedValue - gain, seizedValue, feeValue: worth(fee), gain };
}

/** Why the contract refuses every pair of what an account owes and what it holds. */
function refusal(book: AaveBook, id: number, { reserves: positions }: AaveV3Account, reserves: readonly Reserve[], at: bigint): Liquidation {
  const owed = positions.filter(({ scaledVariableDebt }) => scaledVariableDebt), held = positions.filter(({ scaledATokenBalance }) => scaledATokenBalance);
  const reasons = new Set<string>();
  for (const { reserve: debt } of owed) {
    // Who holds nothing is asked for what it owes: the contract then says why not.
    for (const { reserve: collateral } of held.length ? held : [{ reserve: debt }]) {
      const off = [debt, collateral].find((reserve) => !reserves[reserve]!.active);
      if (off !== undefined) {
        reasons.add(`${reserves[off]!.symbol} is not active`);
        continue;
      }
      const answer = book.ask(id, "liquidationCall", { collateralReserveId: BigInt(collateral), debtReserveId: BigInt(debt), debtToCover: UINT_MAX }, { at });
      if (answer.reverts) reasons.add(answer.reason);
    }
  }
  return { refused: true, reason: [...reasons].join(", ") };
}

// ---- The plain loop

const RAY = 10n ** 27n, WAD = 10n ** 18n, BPS = 10000n;
const halfUp = (a: bigint, b: bigint, c: bigint) => (checked(a * b) + c / 2n) / c;
const ceil = (a: bigint, b: bigint, c: bigint) => (checked(a * b) + c - 1n) / c;
const balanceOf = (scaled: bigint, index: bigint, revision: number) => (revision < DIRECTED ? halfUp(scaled, index, RAY) : scaled * index / RAY);
const debtOf = (scaled: bigint, index: bigint, revision: number) => (revision < DIRECTED ? halfUp(scaled, index, RAY) : ceil(scaled, index, RAY));

class Overflow extends Error {}
/** Solidity's checked arithmetic. */
function checked(value: bigint): bigint {
  if (value > UINT_MAX) throw new Overflow();
  return value;
}

/** The same borrowers at the same ticks as keepers write it: an array of objects, and Aave's rule in BigInt. The indexes are given. */
function plainLoop({ reserves, categories, borrowers }: Pool, indexes: readonly Indexes[], path: readonly (readonly bigint[])[], revision: number): LoopTick[] {
  const units = reserves.map(({ decimals }) => 10n ** decimals);
  const accounts = borrowers.map(({ userEModeCategory, reserves: positions }) => {
    const category = categories.find(({ id }) => BigInt(id) === userEModeCategory);
    return positions.map(({ reserve, scaledATokenBalance = 0n, scaledVariableDebt = 0n, usingAsCollateral }) => ({
      reserve, owed: scaledVariableDebt,
      held: usingAsCollateral && (revision >= COUNTS_ALL || reserves[reserve]!.liquidationThreshold) ? scaledATokenBalance : 0n,
      threshold: category && (category.collateralBitmap >> BigInt(reserve) & 1n) ? category.liquidationThreshold : reserves[reserve]!.liquidationThreshold,
    }));
  });

  /** `GenericLogic.calculateUserAccountData`: is the health factor below 1? */
  const isUnsafe = (account: (typeof accounts)[number], prices: readonly bigint[]) => {
    let collateral = 0n, weighted = 0n, debt = 0n;
    for (const { reserve, held, owed, threshold } of account) {
      const price = prices[reserve]!, unit = units[reserve]!, index = indexes[reserve]!;
      if (held) {
        const value = checked(balanceOf(held, index.income, revision) * price) / unit;
        collateral += value;
        weighted += value * threshold;
      }
      if (owed) {
        const amount = debtOf(owed, index.debt, revision);
        debt += revision < DIRECTED ? checked(amount * price) / unit : ceil(amount, price, unit);
      }
    }
    if (debt === 0n) return false;
    if (revision >= DIRECTED) return halfUp(weighted, WAD, debt) / BPS < WAD;
    return halfUp(halfUp(collateral, collateral && weighted / collateral, BPS), WAD, debt) < WAD;
  };

  return playLoop(path, (prices) => {
    let unsafe = 0;
    for (const account of accounts) {
      try {
        if (isUnsafe(account, prices)) ++unsafe;
      } catch (error) {
        if (!(error instanceof Overflow)) throw error; // the contract reverts: nobody is liquidated
      }
    }
    return unsafe;
  });
}
