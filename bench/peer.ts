/**
 * What a borrower costs in `@aave/math-utils`, with which Aave's own interface computes health factors (BigNumber arithmetic, strings
 * in and out), beside the exact pass. `formatUserSummary` tells more than a status; nobody sells less.
 */
import { existsSync, readFileSync } from "node:fs";
import { type FormatUserSummaryRequest, formatReserves, formatUserSummary, type UserReserveData } from "@aave/math-utils";
import { openBook } from "plimsoll";
import { type AaveV3Account, aaveV3 } from "plimsoll/aave-v3";
import { random } from "../examples/keeper/synthetic.js";
import { type Asset, drawAccount, drawAssets, REVISION } from "./accounts.js";
import { ensure, faster, type Group, median, NS, stage } from "./measure.js";

interface Category { readonly id: number; readonly ltv: bigint; readonly liquidationThreshold: bigint; readonly collateralBitmap: bigint }

/** Accounts that owe something, and what they are judged by. */
interface Borrowers {
  readonly note: string;
  readonly assets: readonly Asset[];
  readonly categories: readonly Category[];
  readonly accounts: readonly AaveV3Account[];
}

/** Real ones, which are not part of the project: 98 of Aave v3 on Base. */
const SNAPSHOT = new URL("../../shared/snapshots/aave-v3-base-2025-08-02.json", import.meta.url);
interface Snapshot {
  readonly asset_prices: readonly { asset_address: string; price_base_currency: string }[];
  readonly reserves: readonly {
    asset_address: string; decimals: number; liquidation_threshold: number; liquidity_index: string; variable_borrow_index: string;
  }[];
  readonly emode_categories: readonly { id: number; ltv: number; liquidation_threshold: number; bitmap: number }[];
  readonly users: readonly { address: string; emode_category_id: number | null }[];
  readonly user_reserves: readonly {
    user_address: string; asset_address: string; usage_as_collateral_enabled: boolean; scaled_atoken_balance: string; scaled_variable_debt: string;
  }[];
}

function readBorrowers(): Borrowers {
  const { asset_prices, reserves, emode_categories, users, user_reserves } = JSON.parse(readFileSync(SNAPSHOT, "utf8")) as Snapshot;
  const accounts = users.map(({ address, emode_category_id }): AaveV3Account => ({
    userEModeCategory: BigInt(emode_category_id ?? 0),
    reserves: user_reserves.filter((one) => one.user_address === address).map((one) => ({
      reserve: reserves.findIndex(({ asset_address }) => asset_address === one.asset_address),
      scaledATokenBalance: BigInt(one.scaled_atoken_balance), scaledVariableDebt: BigInt(one.scaled_variable_debt),
      usingAsCollateral: one.usage_as_collateral_enabled,
    })),
  }));
  return {
    note: "98 borrowers of Aave v3 on Base, 2025-08-02, again and again",
    assets: reserves.map((one) => ({
      decimals: BigInt(one.decimals), liquidationThreshold: BigInt(one.liquidation_threshold),
      assetPrice: BigInt(asset_prices.find(({ asset_address }) => asset_address === one.asset_address)!.price_base_currency),
      liquidityIndex: BigInt(one.liquidity_index), variableBorrowIndex: BigInt(one.variable_borrow_index),
    })),
    categories: emode_categories.map(({ id, ltv, liquidation_threshold, bitmap }) => (
      { id, ltv: BigInt(ltv), liquidationThreshold: BigInt(liquidation_threshold), collateralBitmap: BigInt(bitmap) }
    )),
    accounts: accounts.filter(({ reserves: held }) => held.some(({ scaledVariableDebt }) => scaledVariableDebt)),
  };
}

/** As many in as many reserves, where there are no real ones. */
function drawBorrowers(): Borrowers {
  const next = random(98), assets = drawAssets(next, 13);
  return { note: "98 synthetic borrowers, again and again", assets, categories: [], accounts: Array.from({ length: 98 }, () => drawAccount(next, assets)) };
}

// ---- The peer

type Request = FormatUserSummaryRequest;

const NOW = 1_754_092_800; // the day of the snapshot, which has no rates: nothing accrues, which spares the peer nearly half of its work
const USD = { marketReferencePriceInUsd: "100000000", marketReferenceCurrencyDecimals: 8, currentTimestamp: NOW };
const addressOf = (reserve: number) => `0x${(reserve + 1).toString(16).padStart(40, "0")}`;

/** What the peer is given of the reserves once, and each time of an account: its place in every reserve, as Aave's data provider has it. */
function requestsOf({ assets, categories, accounts }: Borrowers): Request[] {
  const formattedReserves = formatReserves({
    ...USD,
    reserves: assets.map((asset, i) => ({
      originalId: i, id: addressOf(i), underlyingAsset: addressOf(i), name: "", symbol: "", decimals: Number(asset.decimals),
      priceInMarketReferenceCurrency: `${asset.assetPrice}`, reserveLiquidationThreshold: `${asset.liquidationThreshold}`,
      liquidityIndex: `${asset.liquidityIndex}`, variableBorrowIndex: `${asset.variableBorrowIndex}`, lastUpdateTimestamp: NOW,
      liquidityRate: "0", variableBorrowRate: "0", usageAsCollateralEnabled: true, baseLTVasCollateral: "0", reserveLiquidationBonus: "10500",
      reserveFactor: "0", availableLiquidity: "0", totalScaledVariableDebt: "0", borrowCap: "0", supplyCap: "0",
      debtCeiling: "0", debtCeilingDecimals: 2, isolationModeTotalDebt: "0", virtualUnderlyingBalance: "0", deficit: "0",
    })),
    eModes: categories.map(({ id, ltv, liquidationThreshold, collateralBitmap }) => ({
      id,
      eMode: {
        ltv: `${ltv}`, liquidationThreshold: `${liquidationThreshold}`, liquidationBonus: "10500", label: "", isolated: false,
        collateralBitmap: collateralBitmap.toString(2), borrowableBitmap: "0", ltvzeroBitmap: "0",
      },
    })),
  });
  return accounts.map(({ userEModeCategory = 0n, reserves }) => ({
    ...USD, formattedReserves, userEmodeCategoryId: Number(userEModeCategory),
    userReserves: assets.map((_, i): UserReserveData => {
      const { scaledATokenBalance = 0n, scaledVariableDebt = 0n, usingAsCollateral = scaledATokenBalance > 0n } = reserves.find(({ reserve }) => reserve === i) ?? {};
      return {
        underlyingAsset: addressOf(i), scaledATokenBalance: `${scaledATokenBalance}`, scaledVariableDebt: `${scaledVariableDebt}`,
        usageAsCollateralEnabledOnUser: usingAsCollateral,
      };
    }),
  }));
}

/** The same without the reserves in which an account has nothing, which the peer's caller would have to leave out. */
const heldOf = (requests: readonly Request[]) => requests.map((request) => ({
  ...request, userReserves: request.userReserves.filter(({ scaledATokenBalance, scaledVariableDebt }) => scaledATokenBalance !== "0" || scaledVariableDebt !== "0"),
}));

/**
 * By how much of itself the peer's health may be off. It rounds a balance to the nearest unit and a value not at all, where the contract
 * (from 3.5 on) rounds both in one direction, values to units of the base currency; and it becomes an f64 here.
 */
function toleranceOf({ reserves }: AaveV3Account, assets: readonly Asset[], health: number, debt: number): number {
  return reserves.reduce((sum, { reserve, scaledATokenBalance, scaledVariableDebt }) => {
    const { assetPrice, decimals } = assets[reserve]!, unit = Number(assetPrice) / 10 ** Number(decimals) + 1;
    return sum + (scaledATokenBalance ? unit / (health * debt) : 0) + (scaledVariableDebt ? unit / debt : 0);
  }, 1e-9);
}

// ---- The book

const ACCOUNTS = 10_000;

function openPeer() {
  const borrowers = existsSync(SNAPSHOT) ? readBorrowers() : drawBorrowers(), { assets, categories, accounts, note } = borrowers;
  const requests = requestsOf(borrowers), next = random(7), book = openBook(aaveV3({ revision: REVISION }));
  for (const { id, ...figures } of categories) book.setCategory(id, figures as never);
  for (const asset of assets) book.addMarket(asset);
  // In random order, so that no branch can be foreseen by what came 98 accounts before.
  const ids = book.load(Array.from({ length: ACCOUNTS }, (_, i) => accounts[i < accounts.length ? i : Math.floor(next() * accounts.length)]!));
  accounts.forEach((account, i) => {
    const { health, debt } = book.inspect(ids[i]!), ours = Number(health) / 1e18, peers = Number(formatUserSummary(requests[i]!).healthFactor);
    const near = Math.abs(ours - peers) <= peers * toleranceOf(account, assets, ours, Number(debt));
    ensure(near, `borrower ${i} has a health of ${ours}, the peer says ${peers}`);
  });
  return { book, note, requests, held: heldOf(requests) };
}

const measurePeer = (requests: readonly Request[]) => median(() => { for (const request of requests) formatUserSummary(request); }) * NS / requests.length;

export const peerGroup: Group = {
  stages: () => [
    stage({
      vaults: ACCOUNTS, open: openPeer, note: ({ note }) => note,
      figures: {
        "account.peer": ["ns", ({ requests }) => measurePeer(requests)],
        "account.peer.held": ["ns", ({ held }) => measurePeer(held)],
        "account.peer.exact": ["ns", ({ book }) => median(() => { book.scan({ screen: "off", since: "last", idsOnly: true }); }) * NS / ACCOUNTS],
      },
    }),
  ],
  goals: [faster("account.peer", "account.peer.exact", 2000)],
};
