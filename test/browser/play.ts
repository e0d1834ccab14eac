/** The same calls to a book on the page and to one in a worker: each must answer alike, value for value and error for error. */
import { type BookOptions, type Hits, openBook as openHere, toLimbs } from "plimsoll";
import { aaveV3 } from "plimsoll/aave-v3";
import { comet } from "plimsoll/comet";
import { compoundV2, compoundV2HalfUp } from "plimsoll/compound-v2";
import { liquityV1 } from "plimsoll/liquity-v1";
import { liquityV2 } from "plimsoll/liquity-v2";
import { maker } from "plimsoll/maker";
import { morpho } from "plimsoll/morpho";
import { type WorkerBookOptions, openBook } from "plimsoll/worker";
import { RAD, RAY, WAD, figures, seeded } from "./books.js";

export interface Played {
  /** Where the two differ. */
  readonly differences: string[];
  /** What was called, and how many calls threw. */
  readonly called: string[];
  readonly calls: number;
  readonly thrown: number;
}

/** The library's class of hits, which it does not export. */
const isHits = (value: unknown): value is Hits => value?.constructor.name === "Hits";

function show(value: unknown): string {
  if (isHits(value)) {
    let rows = "no figures";
    try { rows = [...value].map(({ id, market, key, vault, health, debt }) => show({ id, market, key, vault, health, debt })).join(); } catch (error) { rows = show(error); }
    return `Hits ${value.length} ${show(value.ids)} ${rows}`;
  }
  if (value instanceof Error) return `${value.constructor.name} ${value.name} ${(value as { code?: string }).code} ${value.message}`;
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} ${value.byteOffset} ${value.buffer.byteLength === value.byteLength} [${[...value as Uint8Array].join()}]`;
  if (Array.isArray(value)) return `[${value.map(show).join()}]`;
  if (typeof value === "object" && value !== null) return `{${Object.entries(value).map(([key, inner]) => `${key}: ${show(inner)}`).join()}}`;
  return typeof value === "bigint" ? `${value}n` : JSON.stringify(value) ?? String(value);
}

type Anything = Record<string, (...args: unknown[]) => unknown>;
/** Asks both books. Arguments are made anew for each, since a call may write into them. */
type Both = (name: string, args?: () => unknown[]) => Promise<unknown>;

async function duet(protocol: unknown, create: () => Worker, options: BookOptions, play: (both: Both) => Promise<void>): Promise<Played> {
  const here = openHere(protocol as typeof maker, options) as unknown as Anything;
  const there = await openBook(protocol as typeof maker, { ...options, create } as WorkerBookOptions) as unknown as Anything;
  const differences: string[] = [], called = new Set<string>();
  let calls = 0, thrown = 0;
  const get = (book: Anything, name: string, args: unknown[]) => (typeof book[name] === "function" ? book[name](...args) : book[name]);
  await play(async (name, args = () => []) => {
    called.add(name);
    ++calls;
    let mine: unknown, theirs: unknown;
    try { mine = get(here, name, args()); } catch (error) { mine = error; ++thrown; }
    try { theirs = await get(there, name, args()); } catch (error) { theirs = error; }
    if (show(mine) !== show(theirs)) differences.push(`${name}: ${show(mine).slice(0, 500)} here, ${show(theirs).slice(0, 500)} in the worker`);
    return mine;
  });
  there["dispose"]!();
  return { differences, called: [...called].sort(), calls, thrown };
}

const COUNT = 3000;

export function playVaults(create: () => Worker): Promise<Played> {
  return duet(maker, create, { capacity: 2 * COUNT, keyBytes: 20 }, async (both) => {
    for (const property of ["size", "marketCount", "bytes", "capacity", "keyBytes"]) await both(property);
    await both("setSystem", () => [{ par: RAY, base: 0n, Hole: 10n ** 12n * RAD, Dirt: 0n }]);
    await both("setSystem", () => [{ par: -1n }]);
    await both("addMarket", () => [figures]);
    await both("addMarket", () => [{ ...figures, val: 1_000n * WAD }]);
    await both("addMarket", () => [{ spot: 1 }]);
    const ids = await both("load", () => { const { ink, art, keys } = seeded(COUNT); return [0, { ink, art }, keys]; }) as Float64Array;
    await both("load", () => { const { ink, art, keys } = seeded(COUNT); return [0, { ink, art }, keys]; }); // duplicate keys
    await both("load", () => { const { ink, keys } = seeded(2); return [0, { ink }, keys]; });
    await both("load", () => { const { ink, art, keys } = seeded(5, 9); return [1, { ink, art }, keys, new Float64Array(5)]; });
    await both("add", () => [1, { ink: 10n * WAD, art: 5n * WAD }, `0x${"ab".repeat(20)}`]);
    await both("add", () => [7, { ink: 1n, art: 1n }, `0x${"ab".repeat(20)}`]);
    await both("find", () => [`0x${"ab".repeat(20)}`]);
    await both("find", () => ["0x12"]);
    await both("has", () => [ids[0]]);
    await both("has", () => [17]);
    await both("market", () => [0]);
    await both("market", () => [2]);
    for (const query of [
      {}, { order: "riskiest", limit: 50 }, { order: "debt", minDebt: 10n ** 23n }, { order: "liquidationPrice", market: 0, limit: 10 }, { within: 2n * 10n ** 16n, limit: 100 },
      { idsOnly: true }, { since: "last" }, { status: "reverts" }, { order: "nothing" }, { at: 1_700_100_000n, limit: 5 }, { screen: "off", idsOnly: true, market: 1 },
    ]) await both("scan", () => [query]);
    await both("setMarket", () => [0, { spot: figures.spot * 99n / 100n, val: 1_980n * WAD }]);
    await both("scan", () => [{ since: "last" }]);
    await both("setMarkets", () => [[0, 1], { val: toLimbs([1_950n * WAD, 990n * WAD]) }]);
    await both("setMarkets", () => [[0, 9], { val: toLimbs([1n, 1n]) }]);
    await both("scan", () => [{ since: "last", idsOnly: true }]);
    await both("preview", () => [[[[0, { spot: figures.spot * 9n / 10n }]], [[1, { spot: figures.spot * 2n }], [0, { spot: 1n }]]]]);
    await both("preview", () => [[[0]]]);
    await both("levels", () => [0, { from: 2_000n * WAD, to: 1_500n * WAD, steps: 11 }]);
    await both("levels", () => [0, { from: 2_000n * WAD, to: 1_500n * WAD, steps: 1 }]);
    await both("inspect", () => [ids[1]]);
    await both("inspect", () => [ids[1], { at: 1_700_100_000n }]);
    await both("inspect", () => [5]);
    await both("inspectMany", () => [ids.subarray(0, 20)]);
    await both("inspectMany", () => [[ids[0], 5]]);
    for (const name of ["timeToLiquidation", "maxBorrow", "maxWithdraw"]) await both(name, () => [ids[3]]);
    for (const name of ["repayToRatio", "collateralToRatio"]) await both(name, () => [ids[3], { health: 2n * WAD }]);
    await both("repayToRatio", () => [ids[3], {}]);
    await both("update", () => [ids[0], { art: 10n ** 24n }]);
    await both("update", () => [ids[0], { art: 1n << 128n }]);
    await both("updateMany", () => [ids.subarray(0, 3), { ink: toLimbs([1n, 2n, 3n]) }]);
    await both("updateMany", () => [ids.subarray(0, 3), { ink: toLimbs([1n, 2n]) }]);
    await both("accrue", () => [1_700_000_100n]);
    await both("accrue", () => [1n]);
    for (const name of ["ids", "keys", "ratios", "ratiosAsNumbers", "debts", "vaults", "system", "plan"]) await both(name);
    await both("plan", () => [{ limit: -1 }]);
    await both("ratios", () => [{ out: new BigUint64Array((COUNT + 6) * 2), at: 1_700_000_200n }]);
    await both("ratios", () => [{ out: new BigUint64Array(3) }]);
    await both("debts", () => [1_700_000_200n]);
    await both("remove", () => [ids[2]]);
    await both("remove", () => [ids[2]]);
    await both("removeMany", () => [ids.subarray(10, 20)]);
    await both("removeMany", () => [ids.subarray(10, 20)]);
    await both("scan", () => [{ order: "riskiest" }]);
    await both("size");
  });
}

/** Vaults of other protocols: what their books have beside Maker's. */
const vaultsOf = {
  morpho: {
    protocol: morpho, system: {}, market: { price: 2_000n * 10n ** 36n, lltv: (86n * WAD) / 100n, totalBorrowAssets: 10n ** 24n, totalBorrowShares: 10n ** 30n },
    vault: (i: bigint) => ({ collateral: 10n ** 18n + i * 10n ** 15n, borrowShares: 1_700n * 10n ** 24n }), tick: { price: 1_500n * 10n ** 36n }, batch: {}, order: "liquidationPrice",
  },
  "liquity-v1": {
    protocol: liquityV1, system: {}, market: { price: 2_000n * WAD, activePoolETH: 10n ** 24n, activePoolLUSDDebt: 10n ** 24n, totalStakes: 10n ** 24n },
    vault: (i: bigint) => ({ coll: 10n ** 18n + i * 10n ** 15n, debt: 1_700n * WAD, stake: WAD, snapshotETH: 0n, snapshotLUSDDebt: 0n }), tick: { price: 1_500n * WAD }, batch: {}, order: "nominalICR",
  },
  "liquity-v2": {
    protocol: liquityV2, system: {}, market: { price: 2_000n * WAD, MCR: (11n * WAD) / 10n, totalStakes: 10n ** 24n },
    vault: (i: bigint) => ({ coll: 10n ** 18n + i * 10n ** 15n, debt: 1_700n * WAD, stake: WAD, snapshotColl: 0n, snapshotBoldDebt: 0n, annualInterestRate: i * 10n ** 15n, lastDebtUpdateTime: 1_700_000_000n }),
    tick: { price: 1_500n * WAD }, batch: { debt: 10n ** 24n, totalDebtShares: 10n ** 24n, annualInterestRate: 10n ** 16n, annualManagementFee: 0n, lastDebtUpdateTime: 1_700_000_000n }, order: "interestRate",
  },
};

export type VaultBooks = keyof typeof vaultsOf;
export function playOtherVaults(create: () => Worker, which: VaultBooks): Promise<Played> {
  const { protocol, system, market, vault, tick, batch, order } = vaultsOf[which];
  return duet(protocol, create, {}, async (both) => {
    await both("setSystem", () => [system]);
    await both("addMarket", () => [market]);
    await both("addMarket", () => [{}]);
    const vaults = Array.from({ length: 500 }, (_, i) => vault(BigInt(i))), names = Object.keys(vaults[0]!);
    const ids = await both("load", () => [0, Object.fromEntries(names.map((name) => [name, toLimbs(vaults.map((one) => (one as unknown as Record<string, bigint>)[name]!))]))]) as Float64Array;
    await both("add", () => [0, vaults[0]]);
    await both("addBatch", () => [0, batch]);
    await both("setBatch", () => [1, { debt: 2n * 10n ** 24n }]);
    await both("batch", () => [1]);
    await both("batch", () => [9]);
    for (const price of [market, tick]) {
      await both("setMarket", () => [0, price]);
      for (const query of [{}, { order }, { order: "riskiest", limit: 10 }, { since: "last" }, { at: 1_800_000_000n, idsOnly: true }, { order: "none" }]) await both("scan", () => [query]);
    }
    await both("market", () => [0]);
    await both("inspectMany", () => [ids.subarray(0, 10)]);
    await both("inspect", () => [ids[0], { at: 1_800_000_000n }]);
    await both("accrue", () => [1_800_000_000n]);
    await both("accrue", () => [-1n]);
    for (const name of ["ids", "ratios", "ratiosAsNumbers", "debts", "bytes", "size", "batchCount", "vaults", "plan", "keys"]) await both(name);
    await both("ratios", () => [{ at: "now" }]);
    await both("remove", () => [1]);
  });
}

const index = { liquidityIndex: (102n * RAY) / 100n, variableBorrowIndex: (105n * RAY) / 100n };
const accountsOf = {
  aave: {
    markets: [
      { decimals: 18n, ltv: 8050n, liquidationThreshold: 8300n, liquidationBonus: 10500n, assetPrice: 2_000_00000000n, ...index },
      { decimals: 6n, ltv: 7700n, liquidationThreshold: 8000n, liquidationBonus: 10450n, assetPrice: 1_00000000n, ...index },
    ],
    tick: { assetPrice: 1_860_00000000n },
    account: (i: bigint) => ({ reserves: [{ reserve: 0, scaledATokenBalance: 5n * WAD + i * 10n ** 15n }, { reserve: 1, scaledVariableDebt: 7_500_000000n }] }),
    change: { reserves: [{ reserve: 1, scaledVariableDebt: 1_000_000000n }] },
    ask: ["liquidationCall", { collateralReserveId: 0n, debtReserveId: 1n, debtToCover: 2n ** 256n - 1n }] as const,
    category: { ltv: 9000n, liquidationThreshold: 9300n, collateralBitmap: 1n },
  },
  compound: {
    markets: [
      { oraclePriceMantissa: 2_000n * WAD, collateralFactorMantissa: (8n * WAD) / 10n, initialExchangeRateMantissa: WAD / 50n },
      { oraclePriceMantissa: 10n ** 30n, collateralFactorMantissa: (7n * WAD) / 10n, initialExchangeRateMantissa: WAD / 50n },
    ],
    tick: { oraclePriceMantissa: 1_800n * WAD },
    account: (i: bigint) => ({ assets: [{ market: 0, cTokenBalance: 250n * WAD + i * 10n ** 17n, entered: true }, { market: 1, principal: 7_500_000000n, interestIndex: WAD, entered: true }] }),
    change: { assets: [{ market: 1, principal: 1_000_000000n, interestIndex: WAD }] },
    ask: ["accountLiquidity", {}] as const,
    category: {},
  },
  comet: {
    markets: [{ price: 2_000_00000000n, scale: WAD, borrowCollateralFactor: (8n * WAD) / 10n, liquidateCollateralFactor: (85n * WAD) / 100n, liquidationFactor: (95n * WAD) / 100n }],
    tick: { price: 1_760_00000000n },
    account: (i: bigint) => ({ principal: -7_500_000000n, collateral: [{ asset: 0, balance: 5n * WAD + i * 10n ** 15n }] }),
    change: { principal: -1_000_000000n },
    ask: ["isLiquidatable", {}] as const,
    category: {},
  },
};

export type AccountBooks = "aave" | "aave 3.0" | "compound" | "compoundHalfUp" | "comet";
export function playAccounts(create: () => Worker, which: AccountBooks): Promise<Played> {
  const protocol = { aave: aaveV3({ revision: 9 }), "aave 3.0": aaveV3({ revision: 1 }), compound: compoundV2, compoundHalfUp: compoundV2HalfUp, comet }[which];
  const { markets, tick, account, change, ask, category } = accountsOf[which.startsWith("aave") ? "aave" : which.startsWith("compound") ? "compound" : "comet"];
  return duet(protocol, create, { capacity: 5000, keyBytes: 20 }, async (both) => {
    await both("setSystem", () => [which === "comet" ? { basePrice: 1_00000000n, baseScale: 10n ** 6n, baseBorrowIndex: 10n ** 15n, baseSupplyIndex: 10n ** 15n } : {}]);
    for (const market of markets) await both("addMarket", () => [market]);
    await both("addMarket", () => [{}]);
    await both("setCategory", () => [1, category]);
    await both("setCategory", () => [300, category]);
    await both("category", () => [1]);
    await both("system");
    const ids = await both("load", () => [Array.from({ length: 400 }, (_, i) => account(BigInt(i))), seeded(400).keys]) as Float64Array;
    await both("load", () => [Array.from({ length: 4 }, (_, i) => account(BigInt(i))), seeded(4).keys]);
    await both("add", () => [account(1n), `0x${"cd".repeat(20)}`]);
    await both("add", () => [{ nothing: 1 }, `0x${"ce".repeat(20)}`]);
    for (const query of [{ order: "riskiest", limit: 20 }, { order: "debt" }, { within: 10n ** 17n, limit: 30 }, { idsOnly: true }, { since: "last" }, { market: 0 }, { status: "reverts" }]) await both("scan", () => [query]);
    await both("setMarket", () => [0, tick]);
    await both("scan", () => [{ since: "last" }]);
    await both("scan", () => [{ since: "last", idsOnly: true }]);
    await both("scan", () => [{ order: "riskiest" }]);
    await both("preview", () => [[[[0, { [Object.keys(tick)[0]!]: 1n }]]]]);
    await both("inspect", () => [ids[3]]);
    await both("inspect", () => [ids[3], { at: 1n }]);
    await both("inspectMany", () => [[ids[3], ids[5]]]);
    await both("liquidationPrices", () => [ids[3]]);
    await both("levels", () => [0, { from: (tick as Record<string, bigint>)[Object.keys(tick)[0]!]! * 2n, to: 1n, steps: 5 }]);
    for (const name of ["timeToLiquidation", "maxBorrow", "maxWithdraw"]) await both(name, () => [ids[3], name.startsWith("max") ? { market: 0 } : {}]);
    for (const name of ["repayToRatio", "collateralToRatio"]) await both(name, () => [ids[3], { market: 0, ratio: 2n * WAD }]);
    await both("account", () => [ids[3]]);
    await both("account", () => [3]);
    await both("ask", () => [ids[0], ...ask]);
    await both("ask", () => [ids[0], "nothing"]);
    await both("update", () => [ids[3], change]);
    await both("account", () => [ids[3]]);
    for (const name of ["ids", "ratios", "ratiosAsNumbers", "debts", "size", "marketCount"]) await both(name);
    await both("find", () => [`0x${"cd".repeat(20)}`]);
    await both("has", () => [ids[0]]);
    await both("market", () => [0]);
    await both("setMarkets", () => [[0], {}]);
    await both("accrue", () => [1n]);
    await both("remove", () => [ids[0]]);
    await both("removeMany", () => [[ids[1], ids[1]]]);
    await both("removeMany", () => [[ids[1], ids[2]]]);
    await both("bytes");
  });
}
