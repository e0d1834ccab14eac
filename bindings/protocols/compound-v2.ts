/**
 * Compound v2: `Comptroller`, `CToken`, `JumpRateModelV2` and `WhitePaperInterestRateModel`, as in
 * compound-finance/compound-protocol at a3214f67.
 *
 * Mantissas are 1e18. An exchange rate is 1e(18 + underlying decimals − cToken decimals), a price 1e(36 − underlying decimals),
 * so that values are 1e18; rates are per block. Functions take what the contracts take, up to the whole uint256, and answer
 * `{ reverts: true, reason }` where the contract reverts: its own message, or the panic of checked arithmetic. An error code is
 * no revert: 0 none, 13 `PRICE_ERROR`.
 * @module
 */
import { loadModule } from "#module/compound-v2";
import { Module } from "../abi.js";
import { AccountBook } from "../accounts.js";
import { PlimsollError } from "../errors.js";
import { type Line, KIND, eachAsset, mergeBy } from "../lines.js";
import { type AccountProtocol, type Fields, type Outcome, type Values, bool, contractFunction, knowFields, list, needFields, or, uint } from "../protocol.js";

const module = /* @__PURE__ */ new Module(loadModule);

const mantissa = uint(256, "1e18"), price = uint(256, "1e(36 - underlying decimals)");
const exchange = uint(256, "1e(18 + underlying decimals - cToken decimals)");
const underlying = uint(256, "underlying"), tokens = uint(256, "cToken"), value = uint(256, "1e18"), block = uint(256, "block");
const error = uint(256, "");

/** Why the contracts revert, as assembly/rules/compound.ts numbers it. */
const reasons = ["", "Panic(0x11) arithmetic over/underflow", "Panic(0x12) division by zero", "borrow rate is absurdly high"] as const;

const define = <I extends Fields, O extends Fields>(name: string, inputs: I, outputs: O, rounding = "") =>
  contractFunction(module, `compoundV2${rounding}.${name}`, `compound_${name}${rounding}`, reasons, inputs, outputs);

/** What an account has in a market that it has entered: `getAccountSnapshot`, and what the Comptroller and the oracle say of it. */
const asset = {
  collateralFactorMantissa: mantissa, exchangeRateMantissa: exchange, oraclePriceMantissa: price,
  cTokenBalance: tokens, borrowBalance: underlying,
};
/** More than any Comptroller has; what fits one call. */
const MOST_ASSETS = 1638;

const liquidity = (rounding?: string) => define(
  "accountLiquidity", { assets: list(MOST_ASSETS, asset) }, { error, liquidity: value, shortfall: value }, rounding,
);

const seize = (rounding?: string) => define(
  "seizeTokens",
  {
    liquidationIncentiveMantissa: mantissa, priceBorrowedMantissa: price, priceCollateralMantissa: price, exchangeRateMantissa: exchange,
    actualRepayAmount: underlying,
  },
  { error, seizeTokens: tokens },
  rounding,
);

const accrueInputs = {
  totalBorrows: underlying, totalReserves: underlying, borrowIndex: mantissa, borrowRateMantissa: mantissa,
  accrualBlockNumber: block, blockNumber: block, reserveFactorMantissa: mantissa, cash: or(underlying, 0n),
};
const accrueOf = define(
  "accrue", accrueInputs,
  { borrowIndex: mantissa, totalBorrows: underlying, totalReserves: underlying, accrualBlockNumber: block, interestAccumulated: underlying },
);

/** A market after `accrueInterest`; `interestAccumulated` is in its event, which there is none of in the same block. */
export interface Accrued {
  readonly borrowIndex: bigint;
  readonly totalBorrows: bigint;
  readonly totalReserves: bigint;
  readonly accrualBlockNumber: bigint;
  readonly interestAccumulated?: bigint;
}

function accrue(inputs: Values<typeof accrueInputs>): Outcome<Accrued> {
  const answer = accrueOf(inputs);
  if (answer.reverts || inputs.blockNumber !== inputs.accrualBlockNumber) return answer;
  const { interestAccumulated: _, ...market } = answer;
  return market;
}

const exchangeRate = define(
  "exchangeRate",
  { cash: underlying, totalBorrows: underlying, totalReserves: underlying, totalSupply: tokens, initialExchangeRateMantissa: exchange },
  { exchangeRate: exchange },
);

const borrowBalance = define(
  "borrowBalance", { principal: underlying, borrowIndex: mantissa, interestIndex: mantissa }, { borrowBalance: underlying },
);

const MAX256 = (1n << 256n) - 1n;
const yearly = or(mantissa, 0n);
const borrowRateInputs = {
  cash: underlying, borrows: underlying, reserves: underlying,
  kink: or(mantissa, MAX256), multiplierPerBlock: mantissa, jumpMultiplierPerBlock: or(mantissa, 0n), baseRatePerBlock: mantissa,
  baseRatePerYear: yearly, multiplierPerYear: yearly, jumpMultiplierPerYear: yearly,
};
const borrowRateOf = define("borrowRate", borrowRateInputs, { utilizationRate: mantissa, borrowRate: mantissa });

function borrowRate(inputs: Values<typeof borrowRateInputs>): Outcome<{ readonly utilizationRate: bigint; readonly borrowRate: bigint }> {
  const answer = borrowRateOf(inputs), { kink, jumpMultiplierPerBlock } = inputs;
  if ((kink === undefined) !== (jumpMultiplierPerBlock === undefined)) {
    needFields("compoundV2.borrowRate", inputs, ["kink", "jumpMultiplierPerBlock"], "the jump model");
  }
  return answer;
}

const accountLiquidity = liquidity(), seizeTokens = seize();

// ---- The book's accounts and figures

/** A market (a cToken and what the Comptroller and the oracle say of it), in the order of assembly/rules/assets.ts. */
const marketFields = (share: bigint) => ({
  /** `getUnderlyingPrice`. 0: no price; every account that has entered the market reverts. */
  oraclePriceMantissa: price,
  collateralFactorMantissa: mantissa,
  /** What the exchange rate is made of; while `totalSupply` is 0 it is `initialExchangeRateMantissa`. */
  cash: or(underlying, 0n), totalBorrows: or(underlying, 0n), totalReserves: or(underlying, 0n), totalSupply: or(tokens, 0n),
  initialExchangeRateMantissa: or(exchange, 0n),
  borrowIndex: or(mantissa, 10n ** 18n),
  /** What accrues from `accrualBlockNumber` on; the time of a scan is a block. */
  borrowRateMantissa: or(mantissa, 0n), accrualBlockNumber: or(block, 0n), reserveFactorMantissa: or(mantissa, 0n),
  /** Of seized cTokens the reserves' part. Older cTokens have none. */
  protocolSeizeShareMantissa: or(mantissa, share),
});
const market = marketFields(28n * 10n ** 15n);

/** The Comptroller's, without which nothing is liquidated. */
const system = { closeFactorMantissa: mantissa, liquidationIncentiveMantissa: mantissa };

/** An account's place in one market. */
export interface CompoundV2Position {
  /** The number of the market in the book. */
  readonly market: number;
  readonly cTokenBalance?: bigint;
  /** `accountBorrows`: what was owed when the market's index was `interestIndex`. */
  readonly principal?: bigint;
  readonly interestIndex?: bigint;
  /** Whether the account has entered the market; true unless it is said not to. A market not entered does not count. */
  readonly entered?: boolean;
}
/** An account: the markets in which it has something. */
export interface CompoundV2Account { readonly assets: readonly CompoundV2Position[] }

const position = { cTokenBalance: or(uint(128, "cToken"), 0n), principal: or(uint(128, "underlying"), 0n), interestIndex: or(uint(128, "1e18"), 10n ** 18n), entered: or(bool, true) };

const readAccount = (what: string, given: CompoundV2Account, markets: number) => {
  const lines: Line[] = [];
  knowFields(what, given, { assets: 0 });
  eachAsset(`${what}: assets`, given.assets, "market", position, markets, (asset, value, where) => {
    const entered = value("entered"), supply = value("cTokenBalance"), principal = value("principal");
    if (!supply && !principal) throw new PlimsollError("invalid-argument", `${where} has neither cTokenBalance nor principal`);
    if (supply) lines.push({ asset, kind: entered ? KIND.held : KIND.idle, amounts: [supply, 0n] });
    if (principal) lines.push({ asset, kind: entered ? KIND.owed : KIND.idleDebt, amounts: [principal, value("interestIndex")] });
  });
  return { category: 0, lines };
};

const writeAccount = ({ lines }: { readonly lines: readonly Line[] }): CompoundV2Account => ({
  assets: lines.map(({ asset, kind, amounts }): CompoundV2Position => ({
    market: asset, entered: kind < KIND.idle, ...(kind & 1 ? { principal: amounts[0]!, interestIndex: amounts[1]! } : { cTokenBalance: amounts[0]! }),
  })).reduce<CompoundV2Position[]>((assets, one) => mergeBy("market", assets, [one]), []),
});

/** What `liquidateBorrow` computes: of the seized cTokens the protocol's go to the reserves, and what the account has in both markets after it. */
const liquidation = {
  actualRepayAmount: underlying, seizeTokens: tokens, liquidatorSeizeTokens: tokens, protocolSeizeTokens: tokens, protocolSeizeAmount: underlying,
  accountBorrowsNew: underlying, accountTokensNew: tokens,
};

const forBook = (rounding: "" | "HalfUp") => ({
  name: "compound-v2", ...(rounding ? { revision: "half-up" } : {}), module, kind: { Book: AccountBook }, rule: 3, choices: rounding ? 2 : 0, reasons, market: rounding ? marketFields(0n) : market, system, price: "oraclePriceMantissa", vault: { sumCollateral: value },
  orders: ["profit"], liquidation,
  account: {
    fields: ["assets"], list: "assets", name: "market", entry: position,
    isThere: ({ cTokenBalance, principal }: CompoundV2Position) => !!cTokenBalance || !!principal,
    read: readAccount, write: writeAccount,
  },
  calls: { accountLiquidity: { name: `compound_accountLiquidity${rounding}`, first: 1, inputs: {}, outputs: { error, liquidity: value, shortfall: value } } },
});

/** What a book asks of one of its accounts. */
export interface CompoundV2Calls {
  readonly accountLiquidity: (inputs: object) => Outcome<{ readonly error: bigint; readonly liquidity: bigint; readonly shortfall: bigint }>;
}

/** Compound v2 for `openBook`, and every reproduced function of its contracts. */
export interface CompoundV2 extends AccountProtocol<CompoundV2Account, CompoundV2Calls, { readonly sumCollateral: typeof value }, typeof market, typeof system, Fields, typeof liquidation> {
  /**
   * `Comptroller.getAccountLiquidity` of an account that has entered the `assets`, in their order. It can be liquidated where
   * `shortfall` is above 0; an asset without a price is error 13, unless one before it reverts.
   */
  readonly accountLiquidity: typeof accountLiquidity;
  /**
   * `CToken.accrueInterest` at `blockNumber`. Without an `interestAccumulated` in the same block, where nothing is done. `cash` only
   * goes to the rate model, whose answer is `borrowRateMantissa`.
   */
  readonly accrue: typeof accrue;
  /** `CToken.exchangeRateStored`: `initialExchangeRateMantissa` while there is no supply. */
  readonly exchangeRate: typeof exchangeRate;
  /** `CToken.borrowBalanceStored`: `principal` as of the account's `interestIndex`, at the market's `borrowIndex`. */
  readonly borrowBalance: typeof borrowBalance;
  /**
   * `getBorrowRate` and `utilizationRate` of the jump model, or without `kink` and `jumpMultiplierPerBlock` of the whitepaper model.
   * The yearly figures, of which the constructor makes those per block, may be there and are not used.
   */
  readonly borrowRate: typeof borrowRate;
  /** `Comptroller.liquidateCalculateSeizeTokens`: error 13 where a price is 0. */
  readonly seizeTokens: typeof seizeTokens;
}

export const compoundV2: CompoundV2 = { ...forBook(""), accountLiquidity, accrue, exchangeRate, borrowBalance, borrowRate, seizeTokens };

/**
 * The Comptroller before a5591d5 (2020-12-10), which forks of that time have. It rounds the products of two mantissas half-up, in
 * `accountLiquidity` and `seizeTokens`, and answers there with error 11, `MATH_ERROR`, where the later one reverts.
 */
export const compoundV2HalfUp: CompoundV2 = { ...compoundV2, ...forBook("HalfUp"), accountLiquidity: liquidity("HalfUp"), seizeTokens: seize("HalfUp") };
