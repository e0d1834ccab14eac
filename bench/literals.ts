/** Expectations that stand in the protocols' own test suites: inputs by names of their own, put as the library's functions take them. */
import { PlimsollError } from "plimsoll";
import { aaveV3 } from "plimsoll/aave-v3";
import { comet } from "plimsoll/comet";
import { compoundV2 } from "plimsoll/compound-v2";
import { morpho } from "plimsoll/morpho";

export interface Literal { readonly system: string; readonly fn: string; readonly input: unknown; readonly expected: unknown }
type Ints<Name extends string> = Readonly<Record<Name, bigint>>;

const RAY = 10n ** 27n, UNIT = 10n ** 18n;
/** Revisions of a pool by the systems' names: any, or of before and after what changed in 3.4. */
const REVISIONS: Readonly<Record<string, readonly number[]>> = { aave: [1, 7, 9, 11], "aave<=3.3": [1, 4, 7], "aave>=3.4": [8, 9, 10, 11] };

/** An answer with the names of what is expected: only those that both know are compared. */
type Asked = Readonly<Record<string, unknown>>;

/** What to ask of each function, by its name; of a protocol's revisions, each that has it. */
const ASK: Readonly<Record<string, (input: never, revision: number) => Asked>> = {
  calculateLinearInterest: ({ rate, dt }: Ints<"rate" | "dt">, revision) => {
    const answer = aaveV3({ revision }).normalizedIncome({ liquidityIndex: RAY, currentLiquidityRate: rate, lastUpdateTimestamp: 0n, blockTimestamp: dt });
    return { expected: answer.reverts || answer.normalizedIncome };
  },
  getReserveNormalizedIncome: ({ rate, dt, index }: Ints<"rate" | "dt" | "index">, revision) => {
    const answer = aaveV3({ revision }).normalizedIncome({ lastUpdateTimestamp: 0n, liquidityIndex: index, currentLiquidityRate: rate, blockTimestamp: dt });
    return { expected: answer.reverts || answer.normalizedIncome };
  },
  calculateCompoundedInterest: ({ rate, dt }: Ints<"rate" | "dt">, revision) => {
    const answer = aaveV3({ revision }).normalizedDebt({ variableBorrowIndex: RAY, currentVariableBorrowRate: rate, lastUpdateTimestamp: 0n, blockTimestamp: dt });
    return { expected: answer.reverts || answer.normalizedDebt };
  },
  liquidateCalculateSeizeTokens: ({ exchangeRate, priceBorrowed, priceCollateral, incentive, repay }: Ints<"exchangeRate" | "priceBorrowed" | "priceCollateral" | "incentive" | "repay">) => {
    const answer = compoundV2.seizeTokens({
      exchangeRateMantissa: exchangeRate, priceBorrowedMantissa: priceBorrowed, priceCollateralMantissa: priceCollateral, liquidationIncentiveMantissa: incentive, actualRepayAmount: repay,
    });
    return { expected: answer.reverts || answer.seizeTokens };
  },
  exchangeRateStored: ({ cash, borrows, reserves, supply }: Ints<"cash" | "borrows" | "reserves" | "supply">) => {
    const answer = compoundV2.exchangeRate({ cash, totalBorrows: borrows, totalReserves: reserves, totalSupply: supply, initialExchangeRateMantissa: 0n });
    return { expected: answer.reverts || answer.exchangeRate };
  },
  quoteCollateral: ({ base, basePrice, assetPrice, liquidationFactor, storeFront }: Ints<"base" | "basePrice" | "assetPrice" | "liquidationFactor" | "storeFront">) => {
    const answer = comet.quoteCollateral({ baseAmount: base, basePrice, assetPrice, baseScale: 10n ** 6n, assetScale: UNIT, liquidationFactor, storeFrontPriceFactor: storeFront });
    return { expected: answer.reverts || answer.collateralAmount };
  },
  liquidationIncentiveFactor: (lltv: bigint) => {
    const answer = morpho.liquidationIncentiveFactor({ lltv });
    return { expected: answer.reverts || answer.liquidationIncentiveFactor };
  },
  wExp: (x: bigint) => {
    const answer = morpho.wExp({ x });
    return { expected: answer.reverts || answer.result };
  },
  position: (input: Parameters<typeof morpho.isHealthy>[0]) => {
    const answer = morpho.isHealthy(input);
    return answer.reverts ? {} : { borrowAssets: answer.borrowed, maxBorrowAssets: answer.maxBorrow };
  },
  "isHealthy/liqPrice": ({ price, ...input }: Parameters<typeof morpho.isHealthy>[0]) => ({ ...morpho.isHealthy({ price, ...input }), minHealthyPrice: morpho.liquidationPrice(input) }),
  "accrueInterest(USDC/wstETH 86% mainnet)": (input: Parameters<typeof morpho.accrue>[0]) => accrued(morpho.accrue(input)),
  adaptiveCurveIrm: ({ elapsed, ...input }: Ints<"totalSupplyAssets" | "totalBorrowAssets" | "rateAtTarget" | "elapsed">) => (
    accrued(morpho.accrue({ ...input, totalSupplyShares: 0n, totalBorrowShares: 0n, fee: 0n, lastUpdate: 1n, timestamp: 1n + (elapsed || 1n) }))
  ), // the first rate is the same after any time, and in no time nothing accrues
};
const accrued = (answer: ReturnType<typeof morpho.accrue>): Asked => {
  if (answer.reverts) return {};
  const { rateAtTarget, ...rest } = answer;
  return { ...rest, endRateAtTarget: rateAtTarget };
};

/** The answers to a literal, one for each revision that it is of; none where nothing of the library is meant. */
export function answers({ system, fn, input, expected }: Literal): Asked[] {
  const revisions = REVISIONS[system];
  if (revisions && Array.isArray(input)) return revisions.flatMap((revision) => mathOf(revision, fn, input as bigint[]));
  if (!Object.hasOwn(ASK, fn) || (system.startsWith("aave") && !revisions)) return [];
  const all = (revisions ?? [0]).map((revision) => ASK[fn]!(input as never, revision));
  return all.filter((answer) => known(answer, expected).length);
}
/** A library function of a revision that has it. */
function mathOf(revision: number, op: string, [a, b, c]: readonly bigint[]): Asked[] {
  try {
    const answer = aaveV3({ revision }).math({ op, a, b, ...(c !== undefined && { c }) } as never);
    return [{ expected: answer.reverts || answer.result }];
  } catch (error) {
    if (error instanceof PlimsollError && error.code === "invalid-argument") return []; // the revision has no such function
    throw error;
  }
}
/** What of an expectation the answer has, by name. */
export function known(answer: Asked, expected: unknown): string[] {
  return "expected" in answer ? ["expected"] : Object.keys(expected as object).filter((name) => name in answer);
}
