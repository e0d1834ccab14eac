/** Plans against a brute-force simulation: every vault liquidated by the reference in turn, the state carried along in plain objects. */
import fc from "fast-check";
import { type PlanOptions, type PlanStep, PlimsollError, openBook } from "plimsoll";
import { liquityV1 } from "plimsoll/liquity-v1";
import { liquityV2 } from "plimsoll/liquity-v2";
import { maker } from "plimsoll/maker";
import { morpho } from "plimsoll/morpho";
import { describe, expect, test, vi } from "vitest";
import { Dice, RAD, RAY, WAD, runs, seed } from "./arbitraries.js";
import * as v1 from "./reference/liquity-v1.js";
import * as v2 from "./reference/liquity-v2.js";
import * as vat from "./reference/maker.js";
import * as blue from "./reference/morpho.js";
import { keyOf } from "./twin.js";

vi.setConfig({ testTimeout: 240_000 });

type Names = Readonly<Record<string, bigint>>;
type Step = PlanStep<never> & { readonly liquidation: Names };
/** What one liquidation brings, before gas, in the common unit; `take` leaves the state as it does. */
interface Outcome {
  readonly repaid: bigint; readonly seized: bigint; readonly bonus: bigint; readonly gross: bigint;
  readonly toxic: boolean; readonly badDebt: boolean; readonly liquidation: Names; readonly cost: bigint; readonly take: () => void;
}
/** A world: which vaults there are, and what liquidating one would do now; undefined where the contract refuses. */
interface World {
  readonly ids: readonly number[];
  readonly keys: ReadonlyMap<number, string>;
  readonly try: (id: number, terms: { readonly budget: bigint | undefined; readonly discount: bigint }) => Outcome | undefined;
}
const sold = (value: bigint, discount: bigint) => (value * (WAD - discount)) / WAD;
const orNothing = <T extends object>(fn: () => T): T | undefined => {
  const done = vat.outcome(fn);
  return "reverts" in done ? undefined : (done as T);
};

function simulate(world: World, { limit = 100, budget, gas = 0n, discount = 0n, minProfit = 0n }: PlanOptions): unknown[] {
  const gains = new Map(world.ids.map((id) => [id, world.try(id, { budget: undefined, discount: 0n })?.gross]));
  const order = world.ids.filter((id) => gains.get(id) !== undefined).sort((a, b) => {
    const [x, y] = [gains.get(a)!, gains.get(b)!].map((gain) => (gain < 0n ? 0n : gain)) as [bigint, bigint], [k, l] = [world.keys.get(a)!, world.keys.get(b)!];
    return x === y ? (k < l ? -1 : k > l ? 1 : 0) : x > y ? -1 : 1;
  });
  const steps: unknown[] = [];
  let left = budget;
  for (const id of order) {
    if (steps.length === limit) break;
    const outcome = world.try(id, { budget: left, discount });
    if (!outcome || outcome.gross < minProfit + gas) continue;
    const { take, gross, cost, ...step } = outcome;
    take();
    if (left !== undefined) left -= cost;
    steps.push({ id, ...step, profit: gross - gas });
  }
  return steps;
}
const told = (steps: readonly Step[], names: readonly string[]) => steps.map(({ id, repaid, seized, bonus, profit, toxic, badDebt, liquidation }) => ({
  id, repaid, seized, bonus, toxic, badDebt, liquidation: Object.fromEntries(names.map((name) => [name, liquidation[name]])), profit,
}));
const named = (from: object, names: readonly string[]): Names => Object.fromEntries(names.map((name) => [name, (from as Names)[name]!]));

/** Options of all kinds. */
const optionsOf = (dice: Dice, unit: bigint): PlanOptions => ({
  ...(dice.chance(0.5) ? { limit: dice.below(12) } : {}), ...(dice.chance(0.4) ? { gas: unit / 100n * BigInt(dice.below(50)) } : {}),
  ...(dice.chance(0.4) ? { discount: WAD / 1000n * BigInt(dice.below(80)) } : {}), ...(dice.chance(0.3) ? { minProfit: dice.pick([-unit, 0n, 1n, unit / 10n]) } : {}),
});

const BARKED = ["dink", "dart", "due", "tab", "lot", "top", "coin", "ink", "art", "dirt", "Dirt"];
function makerWorld(dice: Dice) {
  const book = openBook(maker, { keyBytes: 20 }), system = { par: RAY, base: 0n, Hole: RAD * BigInt(20_000 + dice.below(100_000)), Dirt: RAD * BigInt(dice.below(10_000)) };
  book.setSystem(system);
  const markets = Array.from({ length: 1 + dice.below(3) }, () => {
    const val = WAD * BigInt(1000 + dice.below(1000)), mat = RAY * 145n / 100n;
    return {
      val, mat, spot: vat.spot({ val, has: true, par: RAY, mat }).spot, rate: RAY + dice.uint(80), dust: RAD * BigInt(dice.below(3000)), chop: WAD * 113n / 100n,
      hole: RAD * BigInt(5_000 + dice.below(60_000)), dirt: RAD * BigInt(dice.below(3_000)), buf: RAY, tip: RAD * BigInt(dice.below(200)), chip: WAD / 1000n * BigInt(dice.below(5)),
    };
  });
  const vaults = new Map<number, { market: number; ink: bigint; art: bigint }>(), keys = new Map<number, string>();
  markets.forEach((figures) => book.addMarket(figures));
  for (let i = 0; i < 40; ++i) {
    const market = dice.below(markets.length), { spot, rate } = markets[market]!, ink = WAD * BigInt(1 + dice.below(20)), key = keyOf(i + 1);
    const art = (ink * spot / rate) * BigInt(90 + dice.below(30)) / 100n;
    const id = book.add(market, { ink, art }, key);
    vaults.set(id, { market, ink, art });
    keys.set(id, key);
  }
  const world: World = {
    ids: [...vaults.keys()], keys,
    try: (id, { discount: _ }) => {
      const { market, ...vault } = vaults.get(id)!, figures = markets[market]!;
      const barked = orNothing(() => vat.bark({ ...vault, ...figures, ...system, has: true }));
      return barked && {
        repaid: 0n, seized: 0n, bonus: barked.coin, gross: barked.coin, toxic: false, badDebt: false, liquidation: named(barked, BARKED), cost: 0n,
        take: () => { figures.dirt = barked.dirt; system.Dirt = barked.Dirt; },
      };
    },
  };
  return { book, world, names: BARKED, unit: 100n * RAD };
}

const LIQUIDATED = ["seizedAssets", "repaidShares", "repaidAssets", "totalBorrowAssetsAfter", "totalBorrowSharesAfter", "borrowSharesAfter", "collateralAfter", "badDebtAssets", "badDebtShares", "totalSupplyAssetsAfter"];
function morphoWorld(dice: Dice) {
  const book = openBook(morpho, { keyBytes: 20 }), quoted = dice.chance(0.7), count = quoted ? 1 + dice.below(3) : 1;
  const markets = Array.from({ length: count }, () => ({
    price: 10n ** 27n * BigInt(1 + dice.below(3000)), lltv: WAD / 1000n * BigInt(dice.pick([625, 860, 915, 965])), totalSupplyAssets: 10n ** 14n, totalSupplyShares: 10n ** 20n,
    totalBorrowAssets: 10n ** 13n + dice.uint(40), totalBorrowShares: 10n ** 19n, lastUpdate: 1n, quote: quoted ? BigInt(1 + dice.below(1000)) : 0n,
  }));
  markets.forEach((figures) => book.addMarket(figures));
  const vaults = new Map<number, { market: number; collateral: bigint; borrowShares: bigint }>(), keys = new Map<number, string>();
  for (let i = 0; i < 40; ++i) {
    const market = dice.below(count), { price, lltv, totalBorrowAssets, totalBorrowShares } = markets[market]!, collateral = dice.chance(0.1) ? dice.uint(30) : WAD / 10n * BigInt(1 + dice.below(50)), key = keyOf(i + 1);
    const most = collateral * price / 10n ** 36n * lltv / WAD, borrowShares = (most * (totalBorrowShares + 1000000n) / (totalBorrowAssets + 1n)) * BigInt(80 + dice.below(60)) / 100n + dice.pick([0n, 1n]);
    const id = book.add(market, { collateral, borrowShares }, key);
    vaults.set(id, { market, collateral, borrowShares });
    keys.set(id, key);
  }
  const world: World = {
    ids: [...vaults.keys()], keys,
    try: (id, { budget, discount }) => {
      const { market, ...position } = vaults.get(id)!, figures = markets[market]!, { price, lltv, totalBorrowAssets: B, totalBorrowShares: S } = figures, quote = figures.quote || 1n;
      const { liquidationIncentiveFactor: lif } = blue.liquidationIncentiveFactor({ lltv }), input = { ...position, ...figures };
      const wanted = (position.borrowShares * (B + 1n) / (S + 1000000n)) * lif / WAD * 10n ** 36n / price, short = position.collateral < wanted;
      let done = orNothing(() => blue.liquidate({ ...input, seizedAssets: short ? position.collateral : 0n, repaidShares: short ? 0n : position.borrowShares }));
      const most = budget === undefined ? undefined : budget / quote;
      if (done && most !== undefined && done.repaidAssets > most) done = orNothing(() => blue.liquidate({ ...input, seizedAssets: 0n, repaidShares: most * (S + 1000000n) / (B + 1n) }));
      if (!done) return undefined;
      const value = done.seizedAssets * price / 10n ** 36n, after = done, { maxBorrow: _, borrowed } = blue.isHealthy(input);
      return {
        repaid: done.repaidAssets, seized: done.seizedAssets, bonus: value - done.repaidAssets, gross: (sold(value, discount) - done.repaidAssets) * quote,
        toxic: position.collateral * price / 10n ** 36n < borrowed * lif / WAD, badDebt: done.badDebtAssets > 0n || done.badDebtShares > 0n, liquidation: named(done, LIQUIDATED), cost: done.repaidAssets * quote,
        take: () => { figures.totalBorrowAssets = after.totalBorrowAssetsAfter; figures.totalBorrowShares = after.totalBorrowSharesAfter; figures.totalSupplyAssets = after.totalSupplyAssetsAfter; },
      };
    },
  };
  return { book, world, names: LIQUIDATED, unit: 10n ** 9n };
}

const MOVED = ["debtToOffset", "collToSendToSP", "debtToRedistribute", "collToRedistribute", "collGasCompensation", "collSurplus"];

describe("a plan is a simulation with the state carried along", () => {
  for (const [name, make] of Object.entries({ maker: makerWorld, morpho: morphoWorld })) {
    test(name, () => {
      let long = 0, partial = 0;
      fc.assert(fc.property(seed, (start) => {
        const dice = new Dice(start), { book, world, names, unit } = make(dice);
        const options: PlanOptions = { ...optionsOf(dice, unit), ...(dice.chance(0.4) ? { budget: unit * BigInt(dice.below(400)) } : {}) };
        const before = world.ids.map((id) => book.inspect(id)), steps = book.plan(options) as unknown as Step[];
        expect(world.ids.map((id) => book.inspect(id))).toEqual(before); // nothing has changed
        expect(told(steps, names)).toEqual(simulate(world, options));
        for (const step of steps) expect(step.key).toBe(world.keys.get(step.id));
        if (steps.length > 3) ++long;
        if (steps.some(({ badDebt }) => badDebt)) ++partial;
      }), runs(150));
      expect(long).toBeGreaterThan(10);
      if (name === "morpho") expect(partial).toBeGreaterThan(5);
    });
  }

  test("Liquity v1: in normal and in recovery mode, as batchLiquidateTroves takes the same troves one by one", () => {
    const met = new Set<string>();
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), price = WAD * 2000n, book = openBook(liquityV1, { keyBytes: 20 });
      const troves = Array.from({ length: 2 + dice.below(14) }, () => {
        const coll = WAD * BigInt(1 + dice.below(30));
        return { coll, debt: coll * 2000n * 100n / BigInt(90 + dice.below(90)), stake: coll, snapshotETH: dice.below(2) ? 0n : WAD / 100n, snapshotLUSDDebt: 0n };
      });
      const pools = {
        price, L_ETH: WAD / 100n, L_LUSDDebt: WAD / 10n, totalStakes: troves.reduce((sum, { stake }) => sum + stake, 0n), lastETHError_Redistribution: 5n, lastLUSDDebtError_Redistribution: 7n,
        activePoolETH: troves.reduce((sum, { coll }) => sum + coll, WAD), activePoolLUSDDebt: troves.reduce((sum, { debt }) => sum + debt, 0n), defaultPoolETH: 3n * WAD, defaultPoolLUSDDebt: WAD,
        LUSDInStabPool: dice.pick([0n, WAD * BigInt(dice.below(200_000))]),
      };
      const market = book.addMarket(pools), ids = troves.map((trove, i) => book.add(market, trove, keyOf(i + 1)));
      const steps = book.plan() as unknown as Step[], order = steps.map(({ id }) => BigInt(ids.indexOf(id) + 1));
      const all = v1.liquidate({ ...pools, troves, sortedTroves: troves.map((_, i) => BigInt(i + 1)), function: "batchLiquidateTroves", troveArray: order });
      if (steps.length === 0) { expect("reverts" in all).toBe(true); return; }
      if ("reverts" in all) throw new Error(all.reason);
      // Liquidated one after the other, each prefix of the plan moves what the steps of the plan move.
      const sums = Object.fromEntries(MOVED.map((name) => [name, steps.reduce((sum, { liquidation }) => sum + liquidation[name]!, 0n)]));
      expect(sums).toEqual({
        debtToOffset: all.totalDebtToOffset, collToSendToSP: all.totalCollToSendToSP, debtToRedistribute: all.totalDebtToRedistribute, collToRedistribute: all.totalCollToRedistribute,
        collGasCompensation: all.collGasCompensation, collSurplus: all.collSurplus.reduce((sum, x) => sum + x, 0n),
      });
      expect(all.liquidated).toEqual(ids.map((id) => steps.some((step) => step.id === id)));
      for (const { id, liquidation, profit, seized } of steps) {
        expect(liquidation["collSurplus"]).toBe(all.collSurplus[ids.indexOf(id)]);
        expect(seized).toBe(liquidation["collGasCompensation"]);
        expect(profit).toBe(seized * price / WAD + 200n * WAD);
      }
      met.add(all.recoveryModeAtStart ? "recovery" : "normal");
      if (all.collSurplus.some((x) => x > 0n)) met.add("capped");
      if (sums["debtToOffset"]! > 0n && sums["debtToRedistribute"]! > 0n) met.add("mixed");
    }), runs(300));
    expect([...met].sort()).toEqual(["capped", "mixed", "normal", "recovery"]);
  });

  test("Liquity v2: batches and the pool are carried, as batchLiquidateTroves leaves them", () => {
    let batched = 0, mixed = 0;
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), price = WAD * 2000n, now = 5_000_000n, book = openBook(liquityV2, { keyBytes: 20 });
      const pools = {
        price, MCR: WAD * 11n / 10n, L_coll: WAD / 1000n, L_boldDebt: WAD / 10n, totalStakes: 10_000n * WAD, lastCollError_Redistribution: 1n, lastBoldDebtError_Redistribution: 2n,
        totalBoldDeposits: dice.pick([0n, WAD, WAD * BigInt(dice.below(90_000)), WAD * BigInt(dice.below(90_000))]), shutdownTime: dice.chance(0.2) ? 4_000_000n : 0n,
      };
      const market = book.addMarket(pools), batches = Array.from({ length: 2 }, () => ({
        debt: WAD * BigInt(500_000 + dice.below(500_000)), totalDebtShares: WAD * 500_000n, annualInterestRate: WAD / 100n * BigInt(1 + dice.below(20)), annualManagementFee: WAD / 1000n * BigInt(dice.below(20)), lastDebtUpdateTime: 1_000_000n + dice.uint(20),
      }));
      const numbers = batches.map((batch) => BigInt(book.addBatch(market, batch)));
      const troves = Array.from({ length: 3 + dice.below(10) }, () => {
        const coll = WAD * BigInt(2 + dice.below(20)), stake = coll, snapshots = { snapshotColl: 0n, snapshotBoldDebt: dice.below(2) ? 0n : WAD / 20n }, near = coll * 2000n * 100n / BigInt(95 + dice.below(40));
        if (dice.chance(0.4)) {
          const which = dice.below(2), batch = batches[which]!;
          return { coll, stake, ...snapshots, which, batchDebtShares: near * batch.totalDebtShares / batch.debt };
        }
        return { coll, stake, ...snapshots, which: -1, debt: near, annualInterestRate: WAD / 100n * BigInt(dice.below(30)), lastDebtUpdateTime: dice.uint(22) };
      });
      const ids = troves.map(({ which, ...trove }, i) => book.add(market, { ...trove, ...(which < 0 ? {} : { batch: numbers[which]! }) }, keyOf(i + 1)));
      const steps = book.plan({ at: now }) as unknown as Step[], order = steps.map(({ id }) => BigInt(ids.indexOf(id) + 1));
      batches.forEach((batch, i) => expect(book.batch(Number(numbers[i]))).toEqual(batch));
      if (!order.length) return;
      const all = v2.batchLiquidateTroves({
        ...pools, timestamp: now, order,
        troves: troves.map(({ which, ...trove }) => ({ ...trove, status: 1n, ...(which < 0 ? { batch: null } : { batch: { ...batches[which]!, coll: 10n ** 30n }, batchIndex: BigInt(which) }) })) as never,
        penalties: { LIQUIDATION_PENALTY_SP: WAD / 20n, LIQUIDATION_PENALTY_REDISTRIBUTION: WAD / 10n },
      });
      const sum = (name: string) => steps.reduce((total, { liquidation }) => total + liquidation[name]!, 0n);
      expect(all.liquidated).toEqual(ids.map((id) => steps.some((step) => step.id === id)));
      expect({ debtOffsetBySP: sum("debtToOffset"), debtRedistributed: sum("debtToRedistribute"), collSentToSP: sum("collToSendToSP"), collRedistributed: sum("collToRedistribute"), collGasCompensation: sum("collGasCompensation"), collSurplus: sum("collSurplus") })
        .toEqual(named(all, ["debtOffsetBySP", "debtRedistributed", "collSentToSP", "collRedistributed", "collGasCompensation", "collSurplus"]));
      if (steps.filter(({ id }) => troves[ids.indexOf(id)]!.which >= 0).length > 1) ++batched;
      if (sum("debtToOffset") && sum("debtToRedistribute")) ++mixed;
    }), runs(300));
    expect(batched).toBeGreaterThan(20);
    expect(mixed).toBeGreaterThan(20);
  });
});

describe("what a plan is asked", () => {
  const open = () => {
    const book = openBook(morpho), figures = { price: 10n ** 36n, lltv: WAD / 2n, totalBorrowAssets: 10n ** 12n, totalBorrowShares: 10n ** 18n };
    return { book, markets: [book.addMarket(figures), book.addMarket(figures)] };
  };
  test("several markets need a common unit, one does not", () => {
    const { book, markets } = open();
    for (const ask of [() => book.plan(), () => book.scan({ order: "profit" }), () => book.scan({ order: "debt" })]) expect(ask).toThrow(expect.objectContaining({ code: "invalid-argument", message: expect.stringContaining("market 0") }));
    expect(book.plan({ market: markets[1]! })).toEqual([]);
    book.setMarket(0, { quote: 1n });
    expect(() => book.plan()).toThrow(expect.objectContaining({ message: expect.stringContaining("market 1") }));
    book.setMarket(1, { quote: 1n });
    expect(book.plan()).toEqual([]);
  });
  test("what is wrong is refused, and nothing has changed", () => {
    const { book } = open();
    for (const options of [{ limit: -1 }, { limit: 1.5 }, { budget: -1n }, { budget: 5 }, { gas: -1n }, { discount: WAD + 1n }, { order: "first" }, { minProfit: 1 }, { market: 7 }, { price: 1n }] as unknown as PlanOptions[]) {
      expect(() => book.plan(options)).toThrow(PlimsollError);
    }
    expect(book.marketCount).toBe(2);
  });
});
