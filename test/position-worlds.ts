/** Random markets, batches and vaults for the tests of books of positions: usual ones, odd ones, and ones on the line. */
import { bisect } from "./account-worlds.js";
import { type Dice, MAX128, MAX256, WAD } from "./arbitraries.js";
import { type Adapter, type Ints, type PositionTwin, type World, liquity1, liquity1Market, liquity2Market, morphoAdapter, morphoMarket } from "./position-twin.js";

const clip = (x: bigint, most = MAX128) => (x < 0n ? 0n : x > most ? most : x);
/** A number of about n digits. */
const about = (dice: Dice, digits: number) => 10n ** BigInt(digits) + dice.bits(32) * 10n ** BigInt(digits) / 2n ** 31n;
export const NOW = 1_750_000_000n;

export const TIMES: Readonly<Record<string, readonly bigint[]>> = {
  morpho: [0n, NOW - 1n, NOW, NOW + 1n, NOW + 1000n, NOW + 10n ** 5n, NOW + 10n ** 7n, NOW + 10n ** 9n, 2n ** 41n, 2n ** 130n, MAX256],
  "liquity v1": [0n, 1n, MAX256],
  "liquity v2": [0n, 1n, NOW - 10n ** 8n, NOW - 1000n, NOW, NOW + 1n, NOW + 1000n, NOW + 10n ** 6n, NOW + 10n ** 7n, NOW + 10n ** 8n, 2n ** 40n - 1n, 2n ** 40n, 2n ** 64n, 2n ** 200n, MAX256],
};

// ---- Markets

export function randomMarket(dice: Dice, adapter: Adapter): Ints {
  switch (adapter) {
    case morphoAdapter: {
      const totalBorrowAssets = dice.pick([0n, 1n, about(dice, 6), about(dice, 12), about(dice, 15), about(dice, 24)]);
      const totalSupplyAssets = totalBorrowAssets * BigInt(1000 + dice.below(800)) / 1000n, inflated = BigInt(900 + dice.below(101));
      return morphoMarket({
        price: dice.pick([10n ** 36n, about(dice, 27), about(dice, 36), about(dice, 50)]), lltv: dice.pick([38n, 62n, 77n, 86n, 94n, 98n]) * WAD / 100n,
        totalSupplyAssets, totalSupplyShares: totalSupplyAssets * 10n ** 6n, totalBorrowAssets, totalBorrowShares: totalBorrowAssets * 1000n * inflated, lastUpdate: dice.chance(0.9) ? NOW - BigInt(dice.below(1000)) : 0n,
        fee: dice.pick([0n, WAD / 10n, WAD / 4n]), rateAtTarget: dice.pick([0n, 1268391679n, 31709791n, 63419583967n]), irm: dice.chance(0.8) ? "adaptiveCurve" : "none", quote: BigInt(1 + dice.below(1000)),
      });
    }
    case liquity1: {
      const price = about(dice, 20 + dice.below(3)), debt = about(dice, 24), ratio = BigInt(dice.pick([90, 105, 110, 111, 140, 149, 150, 151, 200, 300])) * WAD / 100n;
      return liquity1Market({
        price, L_ETH: dice.chance(0.5) ? 0n : dice.uint(60), L_LUSDDebt: dice.chance(0.5) ? 0n : dice.uint(65), LUSDInStabPool: dice.pick([0n, about(dice, 21), about(dice, 26)]),
        activePoolETH: dice.chance(0.2) ? 0n : debt * ratio / price, activePoolLUSDDebt: dice.chance(0.2) ? 0n : debt, defaultPoolETH: dice.uint(50), defaultPoolLUSDDebt: dice.uint(50),
      });
    }
  }
  return liquity2Market({
    price: about(dice, 20 + dice.below(3)), L_coll: dice.chance(0.5) ? 0n : dice.uint(60), L_boldDebt: dice.chance(0.5) ? 0n : dice.uint(65), MCR: dice.pick([110n, 120n]) * WAD / 100n,
    totalBoldDeposits: dice.pick([0n, WAD, about(dice, 21), about(dice, 26)]), timestamp: dice.pick([0n, NOW, NOW, NOW + 1000n]), shutdownTime: dice.chance(0.8) ? 0n : NOW + BigInt(dice.below(4000) - 2000),
  });
}

/** A figure of a market that next to none has. */
export function strange(dice: Dice, adapter: Adapter): Partial<Ints> {
  const wide = () => dice.pick([0n, 1n, 2n ** 64n, 2n ** 127n, 2n ** 128n, 2n ** 200n, MAX256]), narrow = () => dice.pick([0n, 1n, 10n ** 6n, 2n ** 64n, 2n ** 127n - 2n, 2n ** 127n - 1n, MAX128 - 1n, MAX128]);
  switch (adapter) {
    case morphoAdapter: return dice.pick<() => Partial<Ints>>([
      () => ({ price: wide() }), () => ({ lltv: dice.pick([0n, 1n, WAD - 1n, WAD, WAD + 1n, 2n ** 64n - 1n, 2n ** 64n, MAX256]) }), () => ({ totalBorrowAssets: narrow() }), () => ({ totalBorrowShares: narrow() }),
      () => ({ totalBorrowAssets: 0n, totalBorrowShares: 0n }), () => ({ lastUpdate: dice.pick([0n, NOW + 10n ** 6n, MAX128]) }), () => ({ rateAtTarget: dice.pick([-1n, 2n ** 100n]) }),
    ])();
    case liquity1: return dice.pick<() => Partial<Ints>>([
      () => ({ price: wide() }), () => ({ L_ETH: wide() }), () => ({ L_LUSDDebt: wide() }), () => ({ activePoolETH: wide() }), () => ({ activePoolLUSDDebt: wide() }), () => ({ defaultPoolETH: wide(), activePoolETH: wide() }),
    ])();
  }
  return dice.pick<() => Partial<Ints>>([
    () => ({ price: wide() }), () => ({ L_coll: wide() }), () => ({ L_boldDebt: wide() }), () => ({ MCR: dice.pick([0n, 1n, WAD, 2n ** 200n, MAX256]) }),
    () => ({ timestamp: dice.pick(TIMES["liquity v2"]!) }), () => ({ shutdownTime: dice.pick([0n, 1n, NOW - 10n ** 6n, NOW + 10n ** 9n, 2n ** 64n, MAX256]) }),
  ])();
}

/** What a tick may change. */
export function tick(dice: Dice, adapter: Adapter, before: Ints): Partial<Ints> {
  const near = (x: bigint, permille: number) => clip(x * BigInt(1000 - permille + dice.below(2 * permille + 1)) / 1000n, MAX256 >> 1n), price = { price: near(before["price"]!, 20) };
  if (dice.chance(0.6)) return price;
  switch (adapter) {
    case morphoAdapter: return dice.pick<() => Partial<Ints>>([
      () => ({ totalBorrowAssets: clip(near(before["totalBorrowAssets"]!, 10)) }), () => ({ totalBorrowShares: clip(near(before["totalBorrowShares"]!, 10)) }),
      () => ({ totalBorrowAssets: before["totalBorrowAssets"]! * BigInt(dice.pick([1, 3, 5, 9])) / 10n }), // bad debt
      () => ({ totalBorrowShares: clip(before["totalBorrowShares"]! * 2n) }), () => ({ ...price, totalBorrowAssets: clip(before["totalBorrowAssets"]! * 1001n / 1000n + 1n) }),
    ])();
    case liquity1: return dice.pick<() => Partial<Ints>>([
      () => ({ L_ETH: clip(before["L_ETH"]! + dice.uint(57), MAX256), L_LUSDDebt: clip(before["L_LUSDDebt"]! + dice.uint(62), MAX256) }), () => ({ L_ETH: before["L_ETH"]! * 9n / 10n }),
      () => ({ activePoolETH: near(before["activePoolETH"]!, 30) }), () => ({ activePoolLUSDDebt: near(before["activePoolLUSDDebt"]!, 30) }),
      () => ({ ...price, activePoolETH: clip(before["activePoolLUSDDebt"]! * BigInt(dice.pick([105, 109, 111, 130, 149, 150, 151])) * WAD / 100n / (price.price || 1n), MAX256) }),
    ])();
  }
  return dice.pick<() => Partial<Ints>>([
    () => ({ L_coll: clip(before["L_coll"]! + dice.uint(57), MAX256), L_boldDebt: clip(before["L_boldDebt"]! + dice.uint(62), MAX256) }), () => ({ timestamp: clip(before["timestamp"]! + BigInt(dice.below(10 ** dice.below(8))), MAX256) }),
    () => ({ ...price, timestamp: NOW + BigInt(dice.below(10 ** dice.below(9))) }), () => ({ timestamp: clip(before["timestamp"]! - BigInt(dice.below(10 ** 5)), MAX256) }),
    () => ({ shutdownTime: dice.chance(0.6) ? 0n : NOW + BigInt(dice.below(10 ** 6) - 5 * 10 ** 5) }),
  ])();
}

export function randomBatch(dice: Dice): Ints {
  const debt = about(dice, 22 + dice.below(4)), odd = dice.chance(0.1);
  return {
    debt: odd ? dice.uint(128) : debt, totalDebtShares: odd ? dice.pick([0n, 1n, dice.uint(200)]) : debt * BigInt(900 + dice.below(200)) / 1000n,
    annualInterestRate: dice.pick([0n, WAD / 200n, WAD / 20n, WAD / 2n, 5n * WAD / 2n, odd ? 2n ** 80n : WAD]), annualManagementFee: dice.pick([0n, WAD / 1000n, WAD / 10n, WAD]),
    lastDebtUpdateTime: NOW + BigInt(dice.below(4000) - 3900), 
  } as Ints;
}

// ---- Vaults

const oneOf = (dice: Dice) => dice.pick([0n, 1n, 2n, 2n ** 64n, 2n ** 127n, MAX128 - 1n, MAX128]);

/** A vault of a market; one in thirty of it odd. */
export function randomVault(dice: Dice, adapter: Adapter, world: World, market: number): Ints {
  const odd = dice.chance(1 / 30), amount = () => (odd && dice.chance(0.6) ? oneOf(dice) : dice.chance(0.05) ? BigInt(dice.below(4)) : about(dice, dice.chance(0.1) ? dice.below(10) : 15 + dice.below(8)));
  if (adapter === morphoAdapter) return { collateral: dice.chance(0.3) ? about(dice, 4 + dice.below(6)) : amount(), borrowShares: amount() } as Ints;
  const figures = world.markets[market]!, before = (term: bigint) => (odd && dice.chance(0.2) ? term + 1n : dice.chance(0.5) ? term : term * BigInt(dice.below(101)) / 100n);
  const coll = amount(), stake = odd ? oneOf(dice) : coll * BigInt(800 + dice.below(201)) / 1000n;
  if (adapter === liquity1) return { coll, debt: amount(), stake: clip(stake), snapshotETH: clip(before(figures["L_ETH"]!)), snapshotLUSDDebt: clip(before(figures["L_LUSDDebt"]!)) } as Ints;
  const own = world.batches.flatMap((batch, i) => (batch.market === market ? [i + 1] : [])), batch = own.length && dice.chance(0.5) ? dice.pick(own) : 0;
  const shares = batch ? world.batches[batch - 1]!.figures["totalDebtShares"]! : 0n;
  return {
    coll, debt: batch ? 0n : amount(), stake: clip(stake), snapshotColl: clip(before(figures["L_coll"]!)), snapshotBoldDebt: clip(before(figures["L_boldDebt"]!)),
    annualInterestRate: batch ? 0n : odd && dice.chance(0.3) ? dice.uint(128) : dice.pick([0n, WAD / 200n, WAD / 20n, WAD / 3n, 5n * WAD / 2n]),
    lastDebtUpdateTime: batch ? 0n : odd && dice.chance(0.5) ? NOW + BigInt(dice.below(10 ** 5)) : NOW - BigInt(dice.below(4000)),
    batchDebtShares: batch ? (odd ? clip(shares * 2n + 1n) : clip(shares * BigInt(dice.below(1000)) / 10000n)) : 0n, batch: BigInt(batch),
  } as Ints;
}

/** The name of what a vault owes. */
export const owed = (vault: Ints): string => ("borrowShares" in vault ? "borrowShares" : vault["batch"] ? "batchDebtShares" : "debt");

/** A vault moved to the line by what it owes, and one unit beside, or by some part of it. */
export function onTheLine(dice: Dice, twin: PositionTwin, market: number, vault: Ints, at?: bigint): Ints {
  const { judge } = twin.adapter.view(twin.world.markets[market]!, twin.world, at), name = owed(vault);
  const found = bisect(MAX128, (x) => judge({ ...vault, [name]: x }).status !== "unsafe");
  return { ...vault, [name]: clip(dice.chance(0.5) ? found + BigInt(dice.below(3) - 1) : found * BigInt(900 + dice.below(200)) / 1000n) } as Ints;
}

/** A price at which a vault is on the line, or a unit beside it; undefined where there is none. */
export function priceOnTheLine(dice: Dice, twin: PositionTwin, market: number, vault: Ints): bigint | undefined {
  const price = twin.views()[market]!.price(vault);
  return typeof price === "bigint" && !(price >> 200n) ? clip(price + BigInt(dice.below(3) - 1), MAX256) : undefined;
}
