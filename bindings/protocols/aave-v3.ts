/**
 * Aave v3 by revision of its pool: `GenericLogic`, `ReserveLogic`, `LiquidationLogic`, `ValidationLogic`, the rate strategies and the
 * math libraries of aave/aave-v3-core at 782f5191 (3.0) and of aave-dao/aave-v3-origin, tags v3.1.0 to v3.6.0 and fd1fbd91 (3.7).
 *
 * Units: wad 1e18, ray 1e27, bps 1e4; rates are ray a year, times seconds; prices and values are in the pool's base currency, usually
 * US dollars of 8 decimals. Functions take what the contracts take, and answer `{ reverts: true, reason }` where the contract reverts:
 * its error (`"45 HEALTH_FACTOR_NOT_BELOW_THRESHOLD"` up to 3.3, `"HealthFactorNotBelowThreshold()"` from 3.4 on), `"Panic(0x11)"` for
 * checked arithmetic, `"Panic(0x12)"` for a division by zero, `"empty revert data"` for the math libraries.
 * @module
 */
import { PlimsollError, show } from "../errors.js";
import { type AccountProtocol, type Field, type Fields, type Values, bool, choice, contractFunction, fixed, list, or, uint } from "../protocol.js";
import { type AaveV3Account, bookOf, module } from "./aave-v3-book.js";
import {
  type Optional, CODES, ERRORS, accountOutputs, base, bitmap, bps, burnsBadDebt, ceilDebts, choicesOf, countsReserves, directedBonus, does, eModeById, gives, id, index, isolatedCategories,
  leftByScaled, liquidationOutputs, liquidationTerms, ltvzeroBitmap, narrowTokens, only, rate, ratesInBps, revisionOf, stableDebt,
  seconds, units,
} from "./aave-v3-fields.js";

export type { AaveV3Account, AaveV3Position } from "./aave-v3-book.js";

/**
 * An account, in the order of assembly/rules/aave.ts. `terms` are those of a liquidation; `scaled` balances are what the token contracts
 * hold, or whatever they may be taken to say.
 */
function accountFields<T extends Field>(revision: number, terms: T, scaled: Field, time: Field, stable: boolean) {
  const byId = does(revision, eModeById);
  return {
    blockTimestamp: time,
    userEModeCategory: uint(8, ""),
    userConfig: uint(256, ""),
    reservesCount: only(does(revision, countsReserves), uint(256, "")),
    eModeCategories: list(256, {
      id: uint(8, ""), ltv: bps, liquidationThreshold: bps, liquidationBonus: terms,
      eModeAssetPrice: only(byId, base), collateralBitmap: only(!byId, bitmap), ltvzeroBitmap: only(does(revision, ltvzeroBitmap), bitmap),
      isolated: only(does(revision, isolatedCategories), bool),
    }),
    reserves: list(128, {
      id, decimals: uint(8, ""), ltv: bps, liquidationThreshold: bps, assetPrice: base,
      liquidityIndex: index, currentLiquidityRate: index, variableBorrowIndex: index, currentVariableBorrowRate: index, lastUpdateTimestamp: seconds,
      scaledATokenBalance: scaled, scaledVariableDebt: scaled, stableDebt: only(stable, units), eModeCategory: only(byId, uint(8, "")),
      liquidationBonus: terms, liquidationProtocolFee: terms,
      usingAsCollateral: or(bool, false), borrowing: or(bool, false),
    }),
  };
}

/** One place that goes by two names. */
const either = <A extends string, B extends string>(first: boolean, a: A, b: B) => ({ [first ? a : b]: units }) as Record<A | B, Optional>;

/** What the strategies read. */
function rateFields(revision: number) {
  const inBps = does(revision, ratesInBps), stable = does(revision, stableDebt), parameter = inBps ? uint(32, "bps") : rate, first = !inBps;
  return {
    optimalUsageRatio: inBps ? bps : rate, baseVariableBorrowRate: parameter, variableRateSlope1: parameter, variableRateSlope2: parameter,
    unbacked: units, liquidityAdded: units, liquidityTaken: units, reserveFactor: uint(256, "bps"),
    ...either(first, "availableLiquidity", "virtualUnderlyingBalance"),
    totalStableDebt: only(stable, units),
    ...either(stable, "totalVariableDebt", "totalDebt"),
    averageStableBorrowRate: only(stable, rate),
    stableRateSlope1: only(first, rate), stableRateSlope2: only(first, rate), baseStableRateOffset: only(first, rate),
    stableRateExcessOffset: only(first, rate), optimalStableToTotalDebtRatio: only(first, rate),
  };
}

/** In the order of assembly/rules/aave.ts, with what each takes. 3.5 adds those that round in one direction, 3.7 the last. */
const OPERATIONS = {
  wadMul: "ab", wadDiv: "ab", rayMul: "ab", rayDiv: "ab", percentMul: "ab", percentDiv: "ab", rayToWad: "a", wadToRay: "a",
  rayMulFloor: "ab", rayMulCeil: "ab", rayDivFloor: "ab", rayDivCeil: "ab", percentMulFloor: "ab", percentMulCeil: "ab", percentDivCeil: "ab",
  mulDivCeil: "abc",
  getATokenMintScaledAmount: "ab", getATokenBurnScaledAmount: "ab", getATokenTransferScaledAmount: "ab", getATokenBalance: "ab",
  getVTokenMintScaledAmount: "ab", getVTokenBurnScaledAmount: "ab", getVTokenBalance: "ab",
  percentDivFloor: "ab",
} as const;
const NAMES = Object.keys(OPERATIONS) as (keyof typeof OPERATIONS)[];

// ---- The contracts' functions

/** No id twice, and a reserve for every one that is named. The values are of their types by now. */
function identify<T>(what: string, answer: T, inputs: { readonly [name: string]: unknown }): T {
  const idsOf = (name: string) => (inputs[name] as readonly { readonly id: bigint }[]).map((row) => row.id);
  for (const name of ["eModeCategories", "reserves"]) {
    const ids = idsOf(name), twice = ids.find((one, i) => ids.indexOf(one) < i);
    if (twice !== undefined) throw new PlimsollError("invalid-argument", `${what}: ${name} has the id ${show(twice)} twice`);
  }
  for (const name of ["collateralReserveId", "debtReserveId"]) if (name in inputs && !idsOf("reserves").includes(inputs[name] as bigint)) {
    throw new PlimsollError("invalid-argument", `${what}: ${name} is ${show(inputs[name])}, and no reserve has that id`);
  }
  return answer;
}

function functionsOf(protocol: string, revision: number) {
  const stable = does(revision, stableDebt), narrow = does(revision, narrowTokens);
  const mask = fixed(BigInt(choicesOf(revision))), reasons = narrow ? ERRORS : CODES;
  const define = <I extends Fields, O extends Fields>(name: string, inputs: I, outputs: O) =>
    contractFunction<I, O>(module, `${protocol}.${name}`, `aave_${name}`, reasons, { choices: mask, ...inputs }, outputs);

  const account = define("accountData", accountFields(revision, or(bps, 0n), units, uint(256, "s"), stable), accountOutputs);
  const accountData: typeof account = (inputs) => identify(`${protocol}.accountData`, account(inputs), inputs);

  const scaled = uint(narrow ? 120 : 128, "scaled units");
  const liquidation = define(
    "liquidationCall", { ...accountFields(revision, bps, scaled, seconds, false), ...liquidationTerms }, liquidationOutputs(revision),
  );
  const liquidationCall: typeof liquidation = (inputs) => identify(`${protocol}.liquidationCall`, liquidation(inputs), inputs);

  const liquidationAmounts = define(
    "liquidationAmounts",
    {
      collateralAssetPrice: base, collateralAssetUnit: units, debtAssetPrice: base, debtAssetUnit: units, debtToCover: units,
      borrowerCollateralBalance: units, liquidationBonus: uint(256, "bps"), liquidationProtocolFeePercentage: bps,
    },
    {
      collateralAmount: units, debtAmountNeeded: units, liquidationProtocolFee: units,
      ...gives(does(revision, burnsBadDebt) && !does(revision, leftByScaled), { collateralToLiquidateInBaseCurrency: base }),
    },
  );

  const interestRate = define("interestRate", rateFields(revision), {
    liquidityRate: rate, variableBorrowRate: rate, ...gives(stable, { stableBorrowRate: rate }),
  });

  const time = { lastUpdateTimestamp: seconds, blockTimestamp: uint(256, "s") };
  const normalizedIncome = define(
    "normalizedIncome", { liquidityIndex: index, currentLiquidityRate: index, ...time }, { normalizedIncome: rate, linearInterest: rate },
  );
  const normalizedDebt = define(
    "normalizedDebt", { variableBorrowIndex: index, currentVariableBorrowRate: index, ...time }, { normalizedDebt: rate, compoundedInterest: rate },
  );

  const operation = choice(NAMES.slice(0, does(revision, directedBonus) ? 24 : does(revision, ceilDebts) ? 23 : 8)), any = or(uint(256, ""), 0n);
  const operate = define("math", { op: operation, a: uint(256, ""), b: any, c: any }, { result: uint(256, "") });
  const math: typeof operate = (inputs) => {
    const answer = operate(inputs);
    for (const name of OPERATIONS[inputs.op]) if (inputs[name as "a"] === undefined) {
      throw new PlimsollError("missing-field", `${protocol}.math lacks ${name}, which ${inputs.op} needs`);
    }
    return answer;
  };

  return { accountData, liquidationCall, liquidationAmounts, interestRate, normalizedIncome, normalizedDebt, math };
}

type Functions = ReturnType<typeof functionsOf>;
type Book = ReturnType<typeof bookOf>;

/** What a book asks of one of its accounts. */
export interface AaveV3Calls {
  readonly accountData: (inputs: object) => ReturnType<Functions["accountData"]>;
  readonly liquidationCall: (inputs: Values<typeof liquidationTerms>) => ReturnType<Functions["liquidationCall"]>;
}

/**
 * The reproduced functions of a pool of one revision. Inputs have the contracts' own names. Those that not every revision knows
 * may be left out as far as types go: a revision asks for what it knows, and refuses the rest.
 */
export interface AaveV3 extends AccountProtocol<AaveV3Account, AaveV3Calls, { readonly totalCollateralBase: typeof base }, Book["market"], object & Fields, Book["category"], Book["liquidation"]> {
  /** POOL_REVISION. */
  readonly revision: number;
  /**
   * `GenericLogic.calculateUserAccountData` at `blockTimestamp`, with `calculateAvailableBorrows`. `userConfig` decides what counts:
   * bit 2·id borrowing, bit 2·id + 1 collateral; a reserve's `usingAsCollateral` and `borrowing` may repeat it, and are not read.
   * `healthFactor` (wad) is 2^256 − 1 without debt; the account can be liquidated below 1e18. What only a liquidation reads
   * (`liquidationBonus`, `liquidationProtocolFee`) may be there. Up to 3.3 there is `reservesCount`; up to 3.1 `stableDebt`, `eModeCategory`
   * and `eModeAssetPrice` (0: no price source), from 3.2 on `collateralBitmap`, from 3.6 on `ltvzeroBitmap`, in 3.7 `isolated`. Up to 3.3,
   * of reserves with virtual accounting: what GHO's own debt token discounts is not reproduced.
   */
  readonly accountData: Functions["accountData"];
  /**
   * `LiquidationLogic.executeLiquidationCall` of up to `debtToCover`, the liquidator paid in the underlying; reserves are active and have
   * debt in total, nothing is paused, the sentinel allows it, no debt is at a stable rate. Gives the amounts (collateral without the
   * protocol's fee), the borrower's bits and scaled balances after it, what the treasury receives, and from 3.3 on the `deficits`
   * that reserves are left with.
   */
  readonly liquidationCall: Functions["liquidationCall"];
  /** `LiquidationLogic._calculateAvailableCollateralToLiquidate`; from 3.3 to 3.6 with the value of the collateral, fee included. */
  readonly liquidationAmounts: Functions["liquidationAmounts"];
  /**
   * `calculateInterestRates` of the reserve's strategy, ray a year: `DefaultReserveInterestRateStrategy` in 3.0 (parameters in ray), its V2
   * from 3.1 on (bps; of a reserve with virtual accounting). Up to 3.1 with debt at a stable rate; later, `totalDebt`. `unbacked` is
   * the deficit from 3.4 on.
   */
  readonly interestRate: Functions["interestRate"];
  /** `ReserveLogic.getNormalizedIncome`: the suppliers' index at `blockTimestamp`, and `MathUtils.calculateLinearInterest` (ray). */
  readonly normalizedIncome: Functions["normalizedIncome"];
  /** `ReserveLogic.getNormalizedDebt`: the borrowers' index at `blockTimestamp`, and `MathUtils.calculateCompoundedInterest` (ray). */
  readonly normalizedDebt: Functions["normalizedDebt"];
  /** By name, the functions of `WadRayMath`, `PercentageMath`, from 3.5 on `TokenMath` and `MathUtils.mulDivCeil`: `op` of `a`, `b`, `c`. */
  readonly math: Functions["math"];
}

/**
 * Aave v3 as a pool's POOL_REVISION has it: 1 is 3.0, 4 is 3.1, 5 and 6 are 3.2, 7 is 3.3, 8 is 3.4, 9 is 3.5, 10 is 3.6, 11 is 3.7.
 * @throws PlimsollError `invalid-argument` for another
 */
export function aaveV3(options: { readonly revision: number }): AaveV3 {
  const { name, revision } = revisionOf(options);
  return Object.freeze({ ...bookOf(options), ...functionsOf(name, revision) });
}
