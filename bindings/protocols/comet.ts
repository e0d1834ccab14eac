/**
 * Compound III: `CometWithExtendedAssetList` and `AssetList`, as in compound-finance/comet at d5a30b0a.
 *
 * Indexes are 1e15, factors and rates 1e18 and rates a second, prices and values 1e8, scales 10^decimals, times seconds. Functions
 * take the contract's own types and answer `{ reverts: true, reason }` where it reverts: its own error, as `"BadPrice()"`, or the
 * panic of checked arithmetic.
 * @module
 */
import { loadModule } from "#module/comet";
import { Module } from "../abi.js";
import { AccountBook } from "../accounts.js";
import { PlimsollError } from "../errors.js";
import { type Line, KIND, eachAsset } from "../lines.js";
import { type AccountProtocol, type Outcome, type Fields, type Values, bool, contractFunction, encode, int, knowFields, list, or, record, uint } from "../protocol.js";

const module = /* @__PURE__ */ new Module(loadModule);

const index = uint(64, "1e15"), factor = uint(64, "1e18"), rate = uint(64, "1e18 a second"), scale = uint(64, "10^decimals");
const answer = int(256, "1e8");
const principal = int(104, "principal"), total = uint(104, "principal"), base = uint(256, "base"), value = uint(256, "1e8");

/** Why the contract reverts, as assembly/rules/comet.ts numbers it. */
const reasons = [
  "", "Panic(0x11) arithmetic over/underflow", "Panic(0x12) division by zero",
  "BadPrice()", "NotLiquidatable()", "InvalidUInt64()", "InvalidUInt104()", "InvalidInt104()", "InvalidInt256()", "TimestampTooLarge()",
] as const;

const define = <I extends Fields, O extends Fields>(name: string, inputs: I, outputs: O) =>
  contractFunction(module, `comet.${name}`, `comet_${name}`, reasons, inputs, outputs);

/** An asset that the account has put in, as `getAssetInfo` gives it, with the feed's answer. Its `offset` decides nothing. */
const asset = {
  offset: or(uint(8, ""), 0n), balance: uint(128, "asset"), price: answer, scale,
  borrowCollateralFactor: factor, liquidateCollateralFactor: factor, liquidationFactor: factor,
};
const MOST_ASSETS = 24;

const indexes = { baseSupplyIndex: index, baseBorrowIndex: index };
/** An account in its market, in the order that every rule reads. */
const account = { principal, ...indexes, basePrice: answer, baseScale: scale, assets: list(MOST_ASSETS, asset) };
const totals = { totalSupplyBase: total, totalBorrowBase: total };
const times = { lastAccrualTime: uint(40, "s"), timestamp: uint(256, "s") };
const rates = {
  supplyKink: factor, supplyPerSecondInterestRateSlopeLow: rate, supplyPerSecondInterestRateSlopeHigh: rate,
  supplyPerSecondInterestRateBase: rate,
  borrowKink: factor, borrowPerSecondInterestRateSlopeLow: rate, borrowPerSecondInterestRateSlopeHigh: rate,
  borrowPerSecondInterestRateBase: rate,
};

const isLiquidatable = define("isLiquidatable", account, { liquidatable: bool });
const isBorrowCollateralized = define("isBorrowCollateralized", account, { collateralized: bool });

const accrueInputs = { ...indexes, ...totals, ...times, ...rates };
const accrueOf = define("accrue", accrueInputs, { ...indexes, utilization: uint(256, "1e18"), supplyRate: rate, borrowRate: rate });

/** Indexes after `accrueInternal`, and the rates that led to them; in the same second it asks for none. */
export interface Accrued {
  readonly baseSupplyIndex: bigint;
  readonly baseBorrowIndex: bigint;
  readonly utilization?: bigint;
  readonly supplyRate?: bigint;
  readonly borrowRate?: bigint;
}

function accrue(inputs: Values<typeof accrueInputs>): Outcome<Accrued> {
  const after = accrueOf(inputs);
  if (after.reverts || inputs.timestamp !== inputs.lastAccrualTime) return after;
  const { reverts, baseSupplyIndex, baseBorrowIndex } = after;
  return { reverts, baseSupplyIndex, baseBorrowIndex };
}

const absorbed = {
  newPrincipal: principal, newBalance: int(256, "base"), basePaidOut: base, valueOfBasePaidOut: value,
  totalSupplyBaseAfter: total, totalBorrowBaseAfter: total,
};
const absorb = define("absorb", { ...account, ...totals }, absorbed);

const absorbAccruedInputs = { ...account, ...totals, ...times, rates: record(rates) };
const absorbAccruedOf = define("absorbAccrued", absorbAccruedInputs, {
  isLiquidatableStored: bool, absorbs: bool, why: uint(8, ""), baseSupplyIndexAfter: index, baseBorrowIndexAfter: index, ...absorbed,
});

/** What `absorb` does with an account whose market has not been touched: it does, or says why not. */
export type AbsorbedAccrued = { readonly isLiquidatableStored: boolean } & (
  | { readonly absorbs: false; readonly reason: string }
  | {
    readonly absorbs: true;
    readonly baseSupplyIndexAfter: bigint;
    readonly baseBorrowIndexAfter: bigint;
    readonly newPrincipal: bigint;
    readonly basePaidOut: bigint;
    readonly valueOfBasePaidOut: bigint;
    readonly totalSupplyBaseAfter: bigint;
    readonly totalBorrowBaseAfter: bigint;
  }
);

function absorbAccrued(inputs: Values<typeof absorbAccruedInputs>): Outcome<AbsorbedAccrued> {
  const after = absorbAccruedOf(inputs);
  if (after.reverts) return after;
  const { reverts, isLiquidatableStored, absorbs, why, newBalance: _, ...rest } = after;
  if (!absorbs) return { reverts, isLiquidatableStored, absorbs, reason: reasons[Number(why)]! };
  return { reverts, isLiquidatableStored, absorbs, ...rest };
}

const quoteCollateral = define(
  "quoteCollateral",
  {
    baseAmount: base, basePrice: answer, assetPrice: answer, baseScale: scale, assetScale: scale, liquidationFactor: factor,
    storeFrontPriceFactor: factor,
  },
  { collateralAmount: uint(256, "asset") },
);

// ---- The book's accounts and figures

/** A collateral asset of the Comet: its feed's answer (a price that is not above 0 reverts) and its configuration. */
const market = { price: answer, scale, borrowCollateralFactor: factor, liquidateCollateralFactor: factor, liquidationFactor: factor };

/** The Comet itself, in the order of assembly/rules/assets.ts: what it lends, its indexes as stored, and its rates. */
const system = { basePrice: answer, baseScale: scale, ...indexes, ...totals, lastAccrualTime: uint(40, "s"), ...rates };

/** What the base asset is called among the lines of an account. */
const BASE = 127;

/** An account: its principal (int104; negative: it borrows) and what it has put in. */
export interface CometAccount {
  readonly principal: bigint;
  readonly collateral: readonly CometCollateral[];
}
export interface CometCollateral {
  /** The number of the asset in the book. */
  readonly asset: number;
  readonly balance: bigint;
}

const collateral = { balance: uint(128, "asset") };

const readAccount = (what: string, given: CometAccount, markets: number) => {
  const lines: Line[] = [];
  knowFields(what, given, { principal: 0, collateral: 0 });
  const owes = encode(`${what}: principal`, principal, given.principal);
  if (owes === -(2n ** 103n)) throw new PlimsollError("out-of-range", `${what}: principal must be above -2^103, where the contract cannot negate it`);
  eachAsset(`${what}: collateral`, given.collateral, "asset", collateral, markets, (asset, value, where) => {
    if (!value("balance")) throw new PlimsollError("invalid-argument", `${where} has no balance`);
    lines.push({ asset, kind: KIND.held, amounts: [value("balance")] });
  });
  if (owes) lines.push({ asset: BASE, kind: owes < 0n ? KIND.owed : KIND.idle, amounts: [owes < 0n ? -owes : owes] });
  return { category: 0, lines };
};

const writeAccount = ({ lines }: { readonly lines: readonly Line[] }): CometAccount => ({
  principal: lines.reduce((sum, { asset, kind, amounts }) => (asset === BASE ? (kind === KIND.owed ? -amounts[0]! : amounts[0]!) : sum), 0n),
  collateral: lines.filter(({ asset }) => asset !== BASE).map(({ asset, amounts }) => ({ asset, balance: amounts[0]! })),
});

const forBook = {
  name: "comet", module, kind: { Book: AccountBook }, rule: 4, choices: 0, reasons, market, system, price: "price", vault: { collateral: value },
  orders: ["profit"], liquidation: absorbed,
  account: {
    fields: ["principal", "collateral"], list: "collateral", name: "asset", entry: collateral,
    isThere: ({ balance }: CometCollateral) => !!balance,
    read: readAccount, write: writeAccount, base: BASE,
  },
  calls: {
    isLiquidatable: { name: "comet_isLiquidatable", first: 10, inputs: {}, outputs: { liquidatable: bool } },
    isBorrowCollateralized: { name: "comet_isBorrowCollateralized", first: 10, inputs: {}, outputs: { collateralized: bool } },
    absorb: { name: "comet_absorb", first: 10, inputs: {}, outputs: absorbed },
  },
};

/** What a book asks of one of its accounts: on stored indexes, or with `at` on accrued ones. */
export interface CometCalls {
  readonly isLiquidatable: (inputs: object) => Outcome<{ readonly liquidatable: boolean }>;
  readonly isBorrowCollateralized: (inputs: object) => Outcome<{ readonly collateralized: boolean }>;
  readonly absorb: (inputs: object) => ReturnType<typeof absorb>;
}

/** Compound III for `openBook`, a book for each Comet, and every reproduced function of its contract. */
export interface Comet extends AccountProtocol<CometAccount, CometCalls, { readonly collateral: typeof value }, typeof market, typeof system, Fields, typeof absorbed> {
  /** `isLiquidatable` on the indexes as stored. `assets` are those that the account has put in, in the order of their index. */
  readonly isLiquidatable: typeof isLiquidatable;
  /** `isBorrowCollateralized` on the indexes as stored: the same with `borrowCollateralFactor`. */
  readonly isBorrowCollateralized: typeof isBorrowCollateralized;
  /** `accrueInternal` at `timestamp`: the indexes after it, and `getUtilization`, `getSupplyRate`, `getBorrowRate` before. */
  readonly accrue: typeof accrue;
  /** `absorb` of one account in the second of the last accrual: its position and the market's totals after it, and the event's figures. */
  readonly absorb: typeof absorb;
  /**
   * `isLiquidatable` on the indexes as stored, then `absorb` at `timestamp`, which accrues first: whether it absorbs, or its reason to
   * revert. The answer is a revert where the view reverts already.
   */
  readonly absorbAccrued: typeof absorbAccrued;
  /** `quoteCollateral`: the collateral that the storefront sells for `baseAmount`. */
  readonly quoteCollateral: typeof quoteCollateral;
}

export const comet: Comet = { ...forBook, isLiquidatable, isBorrowCollateralized, accrue, absorb, absorbAccrued, quoteCollateral };
