/** A book of Aave v3's accounts: what they have, and the figures of their reserves and categories. */
import { loadModule } from "#module/aave-v3";
import { Module } from "../abi.js";
import { AccountBook } from "../accounts.js";
import { PlimsollError } from "../errors.js";
import { type Line, type Lines, KIND, eachAsset, mergeBy } from "../lines.js";
import { bool, encode, knowFields, or, uint } from "../protocol.js";
import {
  CODES, ERRORS, accountOutputs, base, bitmap, bps, choicesOf, does, eModeById, healthFromSum, index, isolatedCategories, liquidationOutputs, liquidationTerms, ltvzeroBitmap,
  narrowTokens, only, revisionOf, seconds,
} from "./aave-v3-fields.js";

// ---- The book's accounts and figures

/** An account's place in one reserve. */
export interface AaveV3Position {
  /** The number of the market in the book: the reserve's id, if reserves are added in their order. */
  readonly reserve: number;
  readonly scaledATokenBalance?: bigint;
  readonly scaledVariableDebt?: bigint;
  /** The bits of `userConfig` for the reserve. Without them, a balance is collateral, and a debt is borrowed. */
  readonly usingAsCollateral?: boolean;
  readonly borrowing?: boolean;
}
/** An account: its eMode category (0: none), and the reserves in which it has something. */
export interface AaveV3Account {
  readonly userEModeCategory?: bigint;
  /** `userConfig.data`, which decides what counts where it is given: bit 2·reserve borrowing, bit 2·reserve + 1 collateral. */
  readonly userConfig?: bigint;
  readonly reserves: readonly AaveV3Position[];
}

/** A reserve, in the order of assembly/rules/assets.ts. */
const marketFields = (revision: number) => ({
  decimals: uint(8, ""),
  /** Basis points, of the reserve itself. */
  ltv: or(bps, 0n), liquidationThreshold: bps,
  /** The oracle's, in the pool's base currency. */
  assetPrice: base,
  /** As stored, and the rates at which they grow from `lastUpdateTimestamp` on. */
  liquidityIndex: index, currentLiquidityRate: or(index, 0n), variableBorrowIndex: index, currentVariableBorrowRate: or(index, 0n),
  lastUpdateTimestamp: or(seconds, 0n),
  eModeCategory: only(does(revision, eModeById), or(uint(8, ""), 0n)),
  /** 10500: the liquidator gets 5 % more than it repays; of which the fee's share goes to the protocol. */
  liquidationBonus: or(bps, 10000n), liquidationProtocolFee: or(bps, 0n),
});

const categoryFields = (revision: number) => ({
  ltv: bps, liquidationThreshold: bps, liquidationBonus: or(bps, 10000n),
  eModeAssetPrice: only(does(revision, eModeById), or(base, 0n)), collateralBitmap: only(!does(revision, eModeById), bitmap),
  ltvzeroBitmap: only(does(revision, ltvzeroBitmap), or(bitmap, 0n)), isolated: only(does(revision, isolatedCategories), or(bool, false)),
});

const amount = or(uint(128, "scaled units"), 0n), flag = or(bool, false);
const position = { scaledATokenBalance: amount, scaledVariableDebt: amount, usingAsCollateral: flag, borrowing: flag };

function readAccount(what: string, account: AaveV3Account, markets: number): Lines {
  const lines: Line[] = [];
  knowFields(what, account, { userEModeCategory: 0, userConfig: 0, reserves: 0 });
  const { userConfig, userEModeCategory = 0n } = account, category = encode(`${what}: userEModeCategory`, uint(8, ""), userEModeCategory);
  let bits = userConfig === undefined ? 0n : encode(`${what}: userConfig`, uint(256, ""), userConfig);
  if (bits >> BigInt(2 * markets)) throw new PlimsollError("unknown-market", `${what}: userConfig names a reserve that this book has not: it has ${markets}`);
  const bit = (index: number) => (bits >> BigInt(index) & 1n) === 1n;
  const add = (asset: number, supply: bigint, debt: bigint, isCollateral: boolean, isBorrowed: boolean) => {
    if (supply || isCollateral) lines.push({ asset, kind: isCollateral ? KIND.held : KIND.idle, amounts: [supply] });
    if (debt || isBorrowed) lines.push({ asset, kind: isBorrowed ? KIND.owed : KIND.idleDebt, amounts: [debt] });
    bits &= ~(3n << BigInt(2 * asset));
  };
  eachAsset(`${what}: reserves`, account.reserves, "reserve", position, markets, (asset, value, where, given) => {
    const supply = value("scaledATokenBalance"), debt = value("scaledVariableDebt");
    const isCollateral = userConfig === undefined ? given.usingAsCollateral ?? supply > 0n : bit(2 * asset + 1);
    const isBorrowed = userConfig === undefined ? given.borrowing ?? debt > 0n : bit(2 * asset);
    if (!supply && !debt && !isCollateral && !isBorrowed) throw new PlimsollError("invalid-argument", `${where} has neither scaledATokenBalance nor scaledVariableDebt`);
    add(asset, supply, debt, isCollateral, isBorrowed);
  });
  for (let asset = 0; bits; ++asset) add(asset, 0n, 0n, bit(2 * asset + 1), bit(2 * asset));
  return { category: Number(category), lines: lines.sort((a, b) => a.asset - b.asset || (a.kind & 1) - (b.kind & 1)) };
}

/** Flags are told where they are not what the amounts say. */
function writeAccount({ category, lines }: Lines): AaveV3Account {
  const reserves = lines.map(({ asset, kind, amounts: [amount] }): AaveV3Position => {
    const counts = kind < KIND.idle, expected = amount! > 0n;
    if (kind & 1) return { reserve: asset, scaledVariableDebt: amount!, ...(counts === expected ? {} : { borrowing: counts }) };
    return { reserve: asset, scaledATokenBalance: amount!, ...(counts === expected ? {} : { usingAsCollateral: counts }) };
  });
  return { userEModeCategory: BigInt(category), reserves: reserves.reduce<AaveV3Position[]>((merged, one) => mergeBy("reserve", merged, [one]), []) };
}

export const module = /* @__PURE__ */ new Module(loadModule);

/** What a book of a revision is opened with. */
export function bookOf(options: { readonly revision: number }) {
  const { revision, name } = revisionOf(options), liquidation = liquidationOutputs(revision);
  return {
    revision, name, module, kind: { Book: AccountBook }, rule: does(revision, healthFromSum) ? 2 : 1, choices: choicesOf(revision), reasons: does(revision, narrowTokens) ? ERRORS : CODES,
    orders: ["profit"], liquidation, market: marketFields(revision), system: {}, price: "assetPrice", category: categoryFields(revision), vault: { totalCollateralBase: base },
    account: {
      fields: ["userEModeCategory", "userConfig", "reserves"], list: "reserves", name: "reserve", entry: position,
      isThere: ({ reserve: _, ...has }: AaveV3Position) => Object.values(has).some(Boolean),
      read: readAccount, write: writeAccount,
    },
    calls: {
      accountData: { name: "aave_accountData", first: 7, inputs: {}, outputs: accountOutputs },
      liquidationCall: {
        name: "aave_liquidationCall", first: 7, inputs: liquidationTerms, outputs: liquidation, assets: ["collateralReserveId", "debtReserveId"],
      },
    },
  };
}
