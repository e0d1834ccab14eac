/** Real vaults and accounts from a file: read, checked, and refused with the field's path and the row where something is wrong. */
import * as v from "valibot";
import { toLimbs } from "plimsoll";
import type { AaveV3Account, AaveV3Position } from "plimsoll/aave-v3";
import { type Block, type Input, RAY, SYSTEM, TERMS, keysOf, spotAt } from "./ilks.js";
import { MOST_ASSETS, type MorphoMarket, type MorphoMarkets, type Position, SHARES } from "./markets.js";
import type { Protocol } from "./options.js";

/** A file that cannot be used; the message is for the one who named it. */
export class SnapshotError extends Error {
  override readonly name = "SnapshotError";
}

// ---- Any snapshot

const show = (value: unknown) => {
  if (value === undefined) return "nothing";
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "an array" : "an object";
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 48)}… (${text.length} characters)` : text;
};

/** An issue's message: what should stand there, and what does. */
const expected = (what: string) => (issue: v.BaseIssue<unknown>) => `Expected ${what}, received ${show(issue.input)}`;

/** `vaults[17].debt` */
function pathOf(issue: v.BaseIssue<unknown>): string {
  let path = "";
  for (const { key } of issue.path ?? []) path += typeof key === "number" ? `[${key}]` : path ? `.${key}` : `${key}`;
  return path;
}

/** A file's content, whatever it is. */
export interface Snapshot {
  readonly file: string;
  readonly json: unknown;
  /** What it is of, by its shape; undefined where that does not tell. */
  readonly protocol: Protocol | undefined;
}

/** The error of a file at a path. */
export const refusal = (file: string, path: string, why: string) => new SnapshotError(`${file}: ${path ? `${path}: ` : ""}${why}`);

/** The JSON of a file's bytes. Throws `SnapshotError`. */
export function readSnapshot(file: string, bytes: Uint8Array): Snapshot {
  let text: string, json: unknown;
  try { text = new TextDecoder("utf-8", { fatal: true }).decode(bytes); } catch { throw refusal(file, "", "is not UTF-8 text"); }
  try { json = JSON.parse(text); } catch (error) { throw refusal(file, "", `is not JSON: ${(error as Error).message.replace(/[\s\p{C}]+/gu, " ")}`); }
  const has = (field: string) => typeof json === "object" && json !== null && Object.hasOwn(json, field);
  const protocol = has("vaults") || has("markets") ? "maker" : has("users") || has("user_reserves") ? "aave-v3" : has("positions") ? "morpho" : undefined;
  return { file, json, protocol };
}

/** The content of a schema's shape. Throws `SnapshotError`. */
function check<S extends v.GenericSchema>({ file, json }: Snapshot, schema: S): v.InferOutput<S> {
  const parsed = v.safeParse(schema, json, { abortEarly: true, abortPipeEarly: true });
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  // valibot reports a field that is not there as a wrong key of the object around it.
  throw refusal(file, pathOf(issue), issue.type === "object" && issue.received === "undefined" ? "Expected this field, received nothing" : issue.message);
}

const WIDEST = 1n << 128n;

/** An amount or price: decimal digits in a string, as JSON has no integers of this size. */
const amount = v.pipe(
  v.string(expected("a string of digits")),
  v.regex(/^\d+$/, expected("a string of digits")),
  v.check((text) => text.length <= 60 && BigInt(text) < WIDEST, expected("an amount below 2^128")),
  v.transform((text) => BigInt(text)),
);
/** A name that can be printed. */
const name = v.pipe(v.string(expected("a name")), v.regex(/^[^\p{C}]{1,32}$/u, expected("a name of 1 to 32 printable characters")));
const address = v.pipe(v.string(expected("an address")), v.regex(/^0x[0-9a-fA-F]{40}$/, expected("an address of 0x and 40 hex digits")));
const object = <E extends v.ObjectEntries>(entries: E) => v.object(entries, expected("an object"));
const title = v.optional(v.string(expected("a title")));
/** Titles are printed. */
const printable = (text: string | undefined) => (text ? ` (${text.replace(/\p{C}/gu, " ")})` : "");
const list = <S extends v.GenericSchema>(item: S) => v.pipe(v.array(item, expected("an array")), v.minLength(1, "Expected at least one row"));

// ---- Vaults with one collateral

/** The shape of `snapshots/crvusd-2024-01-30.json`, as far as the keeper reads it: amounts and prices wad, whatever the token. */
const vaultSnapshot = object({
  title,
  markets: list(object({ market: name, oraclePrice: v.pipe(amount, v.minValue(1n, "Expected a price above 0")) })),
  vaults: list(object({ market: name, owner: address, collateral: amount, debt: amount })),
});

/**
 * The file's vaults, one ilk a market, as Maker would judge them: collateral as `ink`, debt as `art` at a rate of 1, and one
 * liquidation ratio (ray) for all. The market's own rule may be another one, as crvUSD's is.
 */
export function vaultsOf(snapshot: Snapshot, mat: bigint): Input {
  const { file } = snapshot, { title, markets, vaults } = check(snapshot, vaultSnapshot), refuse = (path: string, why: string) => refusal(file, path, why);

  const ilks = new Map<string, { readonly ilk: number; readonly rows: Map<string, number> }>();
  markets.forEach(({ market }, i) => {
    const other = ilks.get(market);
    if (other) throw refuse(`markets[${i}].market`, `${show(market)} is the name of markets[${other.ilk}] already`);
    ilks.set(market, { ilk: i, rows: new Map() });
  });
  vaults.forEach(({ market, owner }, i) => {
    const rows = ilks.get(market)?.rows, key = owner.toLowerCase();
    if (!rows) throw refuse(`vaults[${i}].market`, `Expected the name of a market, received ${show(market)}`);
    if (rows.has(key)) throw refuse(`vaults[${i}].owner`, `${owner} has a vault in ${market} already, vaults[${rows.get(key)}]`);
    rows.set(key, i);
  });

  const blocks = [...ilks.values()].map(({ ilk, rows }): Block => {
    const own = Array.from(rows.values(), (i) => vaults[i]!);
    return { ilk, ink: toLimbs(own.map(({ collateral }) => collateral)), art: toLimbs(own.map(({ debt }) => debt)), keys: keysOf([...rows.keys()]) };
  });
  return {
    title: `${vaults.length.toLocaleString("en-US")} vaults of ${file}${printable(title)}`,
    ilks: markets.map(({ market, oraclePrice: val }) => ({ name: market, figures: { spot: spotAt(val, mat), val, mat, rate: RAY, ...TERMS } })),
    system: SYSTEM, count: vaults.length, keyBytes: 20,
    blocks: () => blocks,
  };
}

// ---- Accounts of an Aave pool

const small = (what: string, least: number, most: number) => (
  v.pipe(v.number(expected(what)), v.integer(expected(what)), v.minValue(least, expected(what)), v.maxValue(most, expected(what)), v.transform((value) => BigInt(value)))
);
const basisPoints = small("whole basis points from 0 to 65,535", 0, 65535);
const flag = v.boolean(expected("true or false"));
/** A number of JSON, or where that has too few digits a string of them. */
const bitmap = v.union([
  v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.transform((value) => BigInt(value))),
  v.pipe(v.string(), v.regex(/^\d{1,39}$/), v.transform((text) => BigInt(text))),
], expected("a bitmap: a whole number, or a string of its digits"));
/** A date, or a date and time of UTC or with an offset. */
const date = v.pipe(
  v.string(expected("a date")),
  v.regex(/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/, expected("a date, such as 2025-08-02 or 2025-08-02T12:00:00Z")),
  v.transform((text) => Date.parse(text) / 1000),
  v.check((time) => time >= 0, "Expected a date from 1970 on"),
  v.transform((time) => BigInt(Math.floor(time))),
);
const index = v.pipe(amount, v.minValue(1n, "Expected an index above 0"));

/** The shape of `snapshots/aave-v3-base-2025-08-02.json`, as far as the keeper reads it. The order of `assets` is that of the reserves' ids. */
const poolSnapshot = object({
  title,
  taken: v.optional(date),
  assets: v.pipe(list(object({ address, symbol: name, decimals: small("decimals from 0 to 36", 0, 36) })), v.maxLength(128, "Expected at most 128 rows")),
  asset_prices: list(object({ asset_address: address, price_base_currency: v.pipe(amount, v.minValue(1n, "Expected a price above 0")) })),
  emode_categories: v.array(object({
    id: small("an id from 1 to 255", 1, 255), ltv: basisPoints, liquidation_threshold: basisPoints, liquidation_bonus: v.optional(basisPoints), label: name, bitmap,
  }), expected("an array")),
  reserves: list(object({
    asset_address: address, ltv: basisPoints, liquidation_threshold: basisPoints, liquidation_bonus: v.optional(basisPoints),
    liquidity_index: index, variable_borrow_index: index, is_active: v.optional(flag, true),
  })),
  users: list(object({ address, emode_category_id: v.nullable(small("an id from 0 to 255, or null", 0, 255)) })),
  user_reserves: list(object({
    user_address: address, asset_address: address, usage_as_collateral_enabled: flag, scaled_atoken_balance: amount, scaled_variable_debt: amount,
  })),
});

/** A reserve, and where its asset stands among `assets` is its id. */
export interface Reserve {
  readonly symbol: string;
  readonly address: string;
  readonly decimals: bigint;
  /** The oracle's, in the pool's base currency: dollars of 8 decimals. */
  readonly assetPrice: bigint;
  /** Basis points. */
  readonly ltv: bigint;
  readonly liquidationThreshold: bigint;
  readonly liquidationBonus: bigint | undefined;
  /** Ray, as stored. */
  readonly liquidityIndex: bigint;
  readonly variableBorrowIndex: bigint;
  readonly active: boolean;
}

export interface Category {
  readonly id: number;
  readonly label: string;
  readonly ltv: bigint;
  readonly liquidationThreshold: bigint;
  readonly liquidationBonus: bigint | undefined;
  /** The reserves whose collateral it covers, bit by id. */
  readonly collateralBitmap: bigint;
}

export interface Pool {
  /** The file and its title. */
  readonly title: string;
  readonly file: string;
  /** When it was taken, in seconds. */
  readonly taken: bigint | undefined;
  readonly reserves: readonly Reserve[];
  readonly categories: readonly Category[];
  /** Who owes something. */
  readonly borrowers: readonly (AaveV3Account & { readonly address: string })[];
  /** Accounts that owe nothing. */
  readonly others: number;
}

/** The pool that a file is of. Addresses are compared in lower case. */
export function poolOf(snapshot: Snapshot): Pool {
  const { file } = snapshot, { title, taken, assets, asset_prices, emode_categories, reserves, users, user_reserves } = check(snapshot, poolSnapshot);
  const refuse = (path: string, why: string) => refusal(file, path, why);
  /** Rows by a key that no two have. */
  const unique = <R, K>(table: string, field: string, rows: readonly R[], keyOf: (row: R) => K) => {
    const places = new Map<K, number>();
    rows.forEach((row, i) => {
      const key = keyOf(row), other = places.get(key);
      if (other !== undefined) throw refuse(`${table}[${i}].${field}`, `${show(`${key}`)} is that of ${table}[${other}] already`);
      places.set(key, i);
    });
    return places;
  };
  const ids = unique("assets", "address", assets, ({ address }) => address.toLowerCase());
  const known = <R extends { readonly asset_address: string }>(table: string, rows: readonly R[]) => (
    rows.forEach(({ asset_address }, i) => {
      if (!ids.has(asset_address.toLowerCase())) throw refuse(`${table}[${i}].asset_address`, `Expected the address of one of assets, received ${show(asset_address)}`);
    })
  );
  /** For each asset its row of a table. */
  const byAsset = <R extends { readonly asset_address: string }>(table: string, rows: readonly R[]) => {
    known(table, rows);
    const places = unique(table, "asset_address", rows, ({ asset_address }) => asset_address.toLowerCase());
    return assets.map(({ address, symbol }, i) => {
      const place = places.get(address.toLowerCase());
      if (place === undefined) throw refuse(table, `Expected a row of ${symbol}, ${address}, assets[${i}]`);
      return rows[place]!;
    });
  };
  const prices = byAsset("asset_prices", asset_prices), stored = byAsset("reserves", reserves);
  known("user_reserves", user_reserves);
  unique("emode_categories", "id", emode_categories, ({ id }) => id);
  emode_categories.forEach(({ bitmap }, i) => {
    if (bitmap >> BigInt(assets.length)) throw refuse(`emode_categories[${i}].bitmap`, `Expected bits of the ${assets.length} assets, received ${bitmap}`);
  });

  const accounts = unique("users", "address", users, ({ address }) => address.toLowerCase()), positions: AaveV3Position[][] = users.map(() => []);
  users.forEach(({ emode_category_id: id }, i) => {
    if (id && !emode_categories.some((category) => category.id === id)) throw refuse(`users[${i}].emode_category_id`, `Expected the id of one of emode_categories, received ${id}`);
  });
  unique("user_reserves", "asset_address", user_reserves, ({ user_address, asset_address }) => `${user_address} ${asset_address}`.toLowerCase());
  user_reserves.forEach(({ user_address, asset_address, usage_as_collateral_enabled, scaled_atoken_balance, scaled_variable_debt }, i) => {
    const user = accounts.get(user_address.toLowerCase());
    if (user === undefined) throw refuse(`user_reserves[${i}].user_address`, `Expected the address of one of users, received ${show(user_address)}`);
    if (!usage_as_collateral_enabled && !scaled_atoken_balance && !scaled_variable_debt) return;
    positions[user]!.push({
      reserve: ids.get(asset_address.toLowerCase())!, scaledATokenBalance: scaled_atoken_balance, scaledVariableDebt: scaled_variable_debt,
      usingAsCollateral: usage_as_collateral_enabled,
    });
  });
  const borrowers = users.flatMap(({ address, emode_category_id }, i) => (
    positions[i]!.some(({ scaledVariableDebt }) => scaledVariableDebt) ? [{ address, userEModeCategory: emode_category_id ?? 0n, reserves: positions[i]! }] : []
  ));
  if (borrowers.length === 0) throw refuse("user_reserves", "Expected at least one debt");

  return {
    title: `${borrowers.length.toLocaleString("en-US")} borrowers of ${file}${printable(title)}`, file, taken,
    reserves: assets.map(({ address, symbol, decimals }, i) => {
      const { ltv, liquidation_threshold, liquidation_bonus, liquidity_index, variable_borrow_index, is_active } = stored[i]!;
      return {
        symbol, address: address.toLowerCase(), decimals, assetPrice: prices[i]!.price_base_currency, ltv, liquidationThreshold: liquidation_threshold,
        liquidationBonus: liquidation_bonus, liquidityIndex: liquidity_index, variableBorrowIndex: variable_borrow_index, active: is_active,
      };
    }),
    categories: emode_categories.map(({ id, label, ltv, liquidation_threshold, liquidation_bonus, bitmap }) => ({
      id: Number(id), label, ltv, liquidationThreshold: liquidation_threshold, liquidationBonus: liquidation_bonus, collateralBitmap: bitmap,
    })),
    borrowers, others: users.length - borrowers.length,
  };
}

// ---- Positions of Morpho markets

const wholeAmount = v.pipe(amount, v.check((value) => value < MOST_ASSETS, "Expected an amount below 2^108, whose shares fit a uint128"));

/** Of a bitcoin in units of a stablecoin it needs more than 128 bits. */
const oraclePrice = v.pipe(
  v.string(expected("a string of digits")), v.regex(/^\d+$/, expected("a string of digits")),
  v.check((text) => text.length <= 60 && BigInt(text) < 1n << 192n, expected("a price below 2^192")), v.transform((text) => BigInt(text)),
);

/** The shape of `snapshots/morpho-toxic-2026-02.json`, as far as the keeper reads it: units of the tokens, prices 1e36. A row tells its market's figures. */
const positionSnapshot = object({
  title,
  positions: list(object({
    market: v.pipe(v.string(expected("a market's id")), v.regex(/^0x[0-9a-fA-F]{64}$/, expected("a market's id of 0x and 64 hex digits"))),
    pair: v.pipe(name, v.regex(/^[^/]+\/[^/]+$/, expected("a pair of collateral and loan asset, such as wstETH/WETH"))),
    owner: address, lltv: v.pipe(amount, v.maxValue(10n ** 18n - 1n, "Expected an lltv below 1e18")), oraclePrice, collateral: amount, borrowAssets: wholeAmount,
  })),
});

/**
 * The markets that a file's positions are in. It has neither shares nor totals: with S shares an asset, and totals T and S·T, the
 * contract gives a debt of a back as ⌈S·a·(T + 1) / (S·T + 1e6)⌉, which is a where S is 1e6.
 */
export function marketsOf(snapshot: Snapshot): MorphoMarkets {
  const { file } = snapshot, { title, positions } = check(snapshot, positionSnapshot), refuse = (path: string, why: string) => refusal(file, path, why);
  const markets = new Map<string, { readonly first: number; readonly owners: Map<string, number>; readonly borrowers: Position[]; total: bigint }>();
  positions.forEach(({ market, owner, collateral, borrowAssets }, i) => {
    const id = market.toLowerCase(), key = owner.toLowerCase(), known = markets.get(id) ?? { first: i, owners: new Map<string, number>(), borrowers: [], total: 0n };
    markets.set(id, known);
    for (const field of ["pair", "lltv", "oraclePrice"] as const) {
      const here = positions[i]![field], there = positions[known.first]![field];
      if (here !== there) throw refuse(`positions[${i}].${field}`, `Expected ${there}, as positions[${known.first}] of the same market has it, received ${here}`);
    }
    const other = known.owners.get(key);
    if (other !== undefined) throw refuse(`positions[${i}].owner`, `${owner} has a position in this market already, positions[${other}]`);
    known.owners.set(key, i);
    if (!borrowAssets) return;
    known.total += borrowAssets;
    if (known.total >= MOST_ASSETS) throw refuse(`positions[${i}].borrowAssets`, "Expected debts of a market that add up to less than 2^108");
    known.borrowers.push({ owner: key, collateral, borrowAssets, borrowShares: borrowAssets * SHARES });
  });
  const all = [...markets.entries()].map(([id, { first, borrowers, total }]): MorphoMarket => {
    const { pair, lltv, oraclePrice } = positions[first]!, [collateralAsset, loanAsset] = pair.split("/") as [string, string];
    return { id, collateralAsset, loanAsset, lltv, price: oraclePrice, totalBorrowAssets: total, totalBorrowShares: total * SHARES, borrowers };
  });
  const count = all.reduce((sum, { borrowers }) => sum + borrowers.length, 0);
  if (!count) throw refuse("positions", "Expected at least one debt");
  return { title: `${count.toLocaleString("en-US")} positions in debt of ${file}${printable(title)}`, file, markets: all, positions: count, others: positions.length - count };
}
