import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { Dice, MAX128, MAX256, WAD, runs, seed } from "./arbitraries.js";
import { refuses } from "./contracts.js";
import { isLeast, isMost } from "./extremes.js";
import { type Adapter, type Ints, type Judged, PositionTwin, liquity1, liquity1Market, liquity2, liquity2Market, morphoAdapter, morphoMarket, trove2 } from "./position-twin.js";
import { NOW, TIMES, onTheLine, randomBatch, randomMarket, randomVault, strange } from "./position-worlds.js";
import * as v1 from "./reference/liquity-v1.js";
import * as v2 from "./reference/liquity-v2.js";
import * as blue from "./reference/morpho.js";
import { outcome } from "./reference/solidity.js";

vi.setConfig({ testTimeout: 240_000 });

const SUBJECTS = [morphoAdapter, liquity1, liquity2] as const;
const said = <T extends object>(compute: () => T): T | undefined => {
  const answer = outcome(compute);
  return "reverts" in answer ? undefined : (answer as T);
};

/** The what-if calls of any book. */
interface Asker {
  timeToLiquidation(id: number, options?: { at?: bigint; until?: bigint }): bigint | string;
  maxBorrow(id: number, options?: object): bigint | string;
  maxWithdraw(id: number, options?: object): bigint | string;
  repayToRatio(id: number, target: object): bigint | string;
  collateralToRatio(id: number, target: object): bigint | string;
}
const asker = (twin: PositionTwin) => twin.book as unknown as Asker;

type Kind = "borrow" | "withdraw" | "repay" | "supply";
/** Market and vault after a call; undefined where it is refused. */
type Act = (kind: Kind, x: bigint) => { figures: Ints; vault: Ints } | undefined;

function act(twin: PositionTwin, market: number, vault: Ints, at?: bigint): Act {
  const { adapter, world } = twin, stored = world.markets[market]!;
  if (adapter === morphoAdapter) {
    const now = at === undefined ? stored : adapter.accrued(stored, at);
    const calls = { borrow: blue.borrow, withdraw: blue.withdrawCollateral, repay: blue.repay, supply: blue.supplyCollateral };
    return (kind, x) => {
      const after = now && said(() => calls[kind]({ ...now, ...vault } as unknown as blue.ActInput, x));
      if (!after) return undefined;
      const { collateral = vault["collateral"], borrowShares = vault["borrowShares"], ...totals } = after;
      return { figures: { ...now, ...totals } as Ints, vault: { collateral, borrowShares } as Ints };
    };
  }
  const changeOf = (kind: Kind, x: bigint) => ({ borrow: { debtIncrease: x }, withdraw: { collDecrease: x }, repay: { debtDecrease: x }, supply: { collIncrease: x } })[kind];
  if (adapter === liquity1) {
    return (kind, x) => {
      const after = said(() => {
        const { coll, debt } = v1.icr({ ...vault, L_ETH: stored["L_ETH"]!, L_LUSDDebt: stored["L_LUSDDebt"]!, status: 1n, price: 0n } as unknown as v1.IcrInput);
        return v1.adjustTrove({ ...stored, coll, debt } as unknown as v1.AdjustInput, changeOf(kind, x));
      });
      if (!after) return undefined;
      const { coll, debt, ...pools } = after;
      return { figures: { ...stored, ...pools } as Ints, vault: { coll, debt, stake: 0n, snapshotETH: 0n, snapshotLUSDDebt: 0n } as Ints };
    };
  }
  return (kind, x) => {
    const time = at ?? stored["timestamp"]!;
    const after = said(() => v2.adjustTrove({ ...trove2(vault, stored, world, time), price: stored["price"]!, MCR: stored["MCR"]! }, changeOf(kind, x)));
    return after && {
      figures: stored,
      vault: { ...after, stake: 0n, snapshotColl: 0n, snapshotBoldDebt: 0n, annualInterestRate: 0n, lastDebtUpdateTime: 0n, batchDebtShares: 0n, batch: 0n } as unknown as Ints,
    };
  };
}

type Target = { health: bigint } | { ratio: bigint };
const targetOf = (dice: Dice): Target => {
  const value = dice.pick([0n, 1n, WAD, WAD + 1n, WAD - 1n, (11n * WAD) / 10n, (15n * WAD) / 10n, 2n * WAD, WAD + dice.uint(60), dice.uint(64), dice.uint(100), MAX256]);
  return dice.chance(0.6) ? { health: value } : { ratio: value };
};
/** Whether a vault has what is wanted, as `inspect` shows it. */
function has({ status, debt, value, limit, owed }: Judged, scale: bigint, target: Target): boolean {
  if (status === "reverts") return false;
  if ("ratio" in target) return !debt || value * scale / debt >= target.ratio;
  return !debt || !owed || limit * WAD / owed >= target.health;
}

const clip = (x: bigint) => (x < 0n ? 0n : x > MAX128 ? MAX128 : x);

/** A market with a vault that it counts, on the line or anywhere. */
function scene(dice: Dice, adapter: Adapter, odd = 0.1): { twin: PositionTwin; market: number; vault: Ints; id: number } {
  const twin = new PositionTwin(adapter), market = twin.addMarket({ ...randomMarket(dice, adapter), ...(dice.chance(odd) ? strange(dice, adapter) : {}) } as Ints);
  if (adapter === liquity2 && dice.chance(0.5)) twin.addBatch(market, randomBatch(dice));
  let vault = randomVault(dice, adapter, twin.world, market);
  if (dice.chance(0.7)) vault = onTheLine(dice, twin, market, vault);
  const more = dice.pick([0n, 1n, dice.uint(40), vault["collateral"] ?? vault["coll"]!]), name = adapter === morphoAdapter ? "collateral" : "coll";
  if (dice.chance(0.5)) vault = { ...vault, [name]: clip(vault[name]! + (dice.chance(0.8) ? more : -more)) };
  const figures = twin.world.markets[market]!;
  if (dice.chance(0.95) && adapter === morphoAdapter && vault["borrowShares"]! > figures["totalBorrowShares"]!) {
    const shares = vault["borrowShares"]! * BigInt(1 + dice.below(4)), assets = shares / 10n ** 6n, supply = assets * BigInt(10 + dice.below(10)) / 10n;
    twin.setMarket(market, { totalBorrowShares: clip(shares), totalBorrowAssets: clip(assets), totalSupplyAssets: clip(supply), totalSupplyShares: clip(supply * 10n ** 6n) });
    if (dice.chance(0.7)) vault = onTheLine(dice, twin, market, vault);
    if (vault["borrowShares"]! > shares) vault = { ...vault, borrowShares: clip(shares) };
  }
  if (dice.chance(0.95) && adapter === liquity1) {
    const times = BigInt(dice.pick([1, 1, 3, 50])), price = figures["price"]!, debt = vault["debt"]! * times, coll = vault["coll"]! * times;
    const ratio = BigInt(dice.pick([100, 112, 140, 149, 150, 151, 200])), others = dice.chance(0.2) || !price ? coll : debt * ratio * WAD / 100n / (price || 1n);
    if (dice.chance(0.8)) twin.setMarket(market, { activePoolLUSDDebt: clip(debt + dice.uint(40)), activePoolETH: clip(others < vault["coll"]! ? vault["coll"]! : others), defaultPoolETH: 0n, defaultPoolLUSDDebt: dice.pick([0n, dice.uint(60)]) });
    else if (dice.chance(0.5)) twin.setMarket(market, { activePoolLUSDDebt: 0n, activePoolETH: 0n, defaultPoolETH: 0n, defaultPoolLUSDDebt: 0n });
  }
  return { twin, market, vault, id: twin.book.add(market, vault) };
}

describe("the rule agrees", () => {
  for (const adapter of SUBJECTS) test(`${adapter.name}: borrow, withdraw, repay, add collateral`, () => {
    const seen = new Map<string, number>();
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), { twin, market, vault, id } = scene(dice, adapter), book = asker(twin);
      const at = dice.chance(0.6) ? undefined : dice.pick(TIMES[adapter.name]!), options = at === undefined ? {} : { at };
      const then = act(twin, market, vault, at), judged = adapter.view(twin.world.markets[market]!, twin.world, at).judge(vault);
      const target = targetOf(dice), isOdd = adapter === morphoAdapter && vault["borrowShares"]! > twin.world.markets[market]!["totalBorrowShares"]!;
      const isAll = adapter === liquity1 && judged.debt * 10n > twin.world.markets[market]!["activePoolLUSDDebt"]!; // much of the system, whose TCR it moves
      const enough = (kind: Kind) => (x: bigint) => {
        if (!x) return has(judged, adapter.scale, target);
        const after = then(kind, x);
        return after !== undefined && has(adapter.view(after.figures, twin.world).judge(after.vault), adapter.scale, target);
      };
      const answers = { borrow: book.maxBorrow(id, options), withdraw: book.maxWithdraw(id, options), repay: book.repayToRatio(id, { ...target, ...options }), supply: book.collateralToRatio(id, { ...target, ...options }) };
      for (const [kind, answer] of Object.entries(answers) as [Kind, bigint | string][]) {
        const name = `${kind} ${typeof answer === "bigint" ? (answer ? "some" : "nothing") : answer}`;
        seen.set(name, (seen.get(name) ?? 0) + 1);
        if (answer === "reverts") expect(judged.status).toBe("reverts");
        if (answer === "undecided") expect(isOdd || isAll).toBe(true);
        else if (kind === "borrow" || kind === "withdraw") isMost(answer, (x) => then(kind, x) !== undefined, dice);
        else isLeast(answer, enough(kind), dice);
      }
    }), runs(500));
    for (const name of ["borrow some", "withdraw some", "repay some", "supply some", "borrow refused", "repay never", "supply never", "repay nothing", "supply nothing"]) expect(seen.get(name) ?? 0, name).toBeGreaterThan(0);
  });
});

describe("by hand", () => {
  test("Morpho: health, liquidity, dust shares", () => {
    const figures = morphoMarket({ price: 10n ** 36n, lltv: WAD / 2n, totalSupplyAssets: 10n ** 12n, totalBorrowAssets: 10n ** 11n, totalBorrowShares: 10n ** 17n });
    const twin = new PositionTwin(morphoAdapter), market = twin.addMarket(figures), book = asker(twin), add = (collateral: bigint, borrowShares: bigint) => twin.book.add(market, { collateral, borrowShares } as Ints);
    const one = add(2000n, 400n * 10n ** 6n); // may owe 1000, owes 400
    expect(twin.book.inspect(one)["debt"]).toBe(400n);
    expect([book.maxBorrow(one), book.maxWithdraw(one)]).toEqual([600n, 1200n]);
    expect(book.maxBorrow(add(10n ** 13n, 0n))).toBe(9n * 10n ** 11n); // all there is
    expect(book.maxWithdraw(add(77n, 0n))).toBe(77n);
    expect([book.maxBorrow(add(799n, 400n * 10n ** 6n)), book.maxWithdraw(add(799n, 400n * 10n ** 6n))]).toEqual(["refused", "refused"]);
    expect([book.maxBorrow(add(800n, 400n * 10n ** 6n)), book.maxWithdraw(add(800n, 400n * 10n ** 6n))]).toEqual([0n, 0n]);
    expect([book.repayToRatio(one, { health: 5n * WAD }), book.repayToRatio(one, { ratio: 10n * WAD })]).toEqual([200n, 200n]);
    expect([book.collateralToRatio(one, { health: 5n * WAD }), book.collateralToRatio(one, { ratio: 10n * WAD })]).toEqual([2000n, 2000n]);
    expect(book.collateralToRatio(one, { ratio: 10n * WAD + 1n })).toBe(2001n);
    expect(book.repayToRatio(one, { health: MAX256 })).toBe(400n); // 400e6 shares to the last
    expect(book.repayToRatio(add(2000n, 400n * 10n ** 6n + 1n), { health: MAX256 })).toBe("never"); // a share is left, or too much is paid
    expect(book.collateralToRatio(one, { health: MAX256 })).toBe("never");
    twin.setMarket(market, { totalSupplyAssets: 10n ** 11n - 1n });
    expect([book.maxBorrow(one), book.maxWithdraw(one)]).toEqual(["refused", 1200n]); // less is there than was lent
    twin.setMarket(market, { price: MAX256 });
    expect([book.maxBorrow(one), book.maxWithdraw(one), book.repayToRatio(one, { health: WAD }), book.collateralToRatio(one, { health: WAD })]).toEqual(["reverts", 1999n, 400n, "reverts"]);
    for (const ask of [book.maxBorrow(one, { at: 9n }), book.maxWithdraw(one, { at: 9n }), book.repayToRatio(one, { health: 1n, at: 9n }), book.collateralToRatio(one, { ratio: 1n, at: 9n })]) expect(ask).toBe("reverts"); // not created
  });

  test("Morpho: more shares than the market has, which no contract leaves", () => {
    const twin = new PositionTwin(morphoAdapter), market = twin.addMarket(morphoMarket({ totalSupplyAssets: 10n ** 30n, totalBorrowAssets: 10n ** 6n, totalBorrowShares: 10n ** 9n })), id = twin.book.add(market, { collateral: 10n ** 14n, borrowShares: 10n ** 16n } as Ints);
    expect([asker(twin).maxBorrow(id), asker(twin).maxWithdraw(id)]).toEqual(["undecided", expect.any(BigInt)]);
  });

  test("Liquity v1: in normal mode and in recovery mode", () => {
    const trove = (coll: bigint, debt: bigint) => ({ coll, debt, stake: 0n, snapshotETH: 0n, snapshotLUSDDebt: 0n }) as Ints;
    const twin = new PositionTwin(liquity1), system = twin.addMarket(liquity1Market({ price: 1000n * WAD, activePoolETH: 1600n * WAD, activePoolLUSDDebt: 10n ** 6n * WAD })), book = asker(twin), add = (coll: bigint, debt: bigint) => twin.book.add(system, trove(coll, debt));
    const one = add(22n * WAD, 10_000n * WAD), small = add(22n * WAD, 2000n * WAD), low = add(10n * WAD, 10_000n * WAD), large = add(1000n * WAD, 10_000n * WAD);
    expect([book.maxBorrow(one), book.maxWithdraw(one)]).toEqual([10_000n * WAD, 11n * WAD]); // to 110 %
    expect([book.maxBorrow(large), book.maxWithdraw(large)]).toEqual([66_666_666666666666666666n, 100n * WAD]); // to a TCR of 150 %
    expect([book.maxBorrow(low), book.maxWithdraw(low)]).toEqual(["refused", "refused"]);
    expect(book.repayToRatio(low, { ratio: WAD * 101n / 100n })).toBe(909_090909090909090910n); // nothing that leaves less than 110 %
    expect(book.collateralToRatio(low, { ratio: WAD * 101n / 100n })).toBe(WAD);
    expect([book.repayToRatio(one, { ratio: 11n * WAD }), book.repayToRatio(one, { ratio: 11n * WAD + 1n })]).toEqual([8000n * WAD, "never"]); // 2000 stay
    expect([book.repayToRatio(small, { ratio: 11n * WAD }), book.repayToRatio(small, { ratio: 11n * WAD + 1n }), book.collateralToRatio(small, { ratio: 11n * WAD + 1n })]).toEqual([0n, "never", 2n]);
    twin.setMarket(system, { price: 900n * WAD }); // a TCR of 144 %
    expect([book.maxBorrow(one), book.maxWithdraw(one)]).toEqual([0n, 0n]); // 198 %, and no less
    expect([book.maxBorrow(low), book.maxWithdraw(low)]).toEqual(["refused", 0n]);
    expect(book.repayToRatio(low, { ratio: WAD })).toBe(1000n * WAD);
    const least = book.repayToRatio(low, { health: WAD }) as bigint, pools = twin.world.markets[system]!, then = (x: bigint) => {
      const { activePoolLUSDDebt } = pools as { activePoolLUSDDebt: bigint };
      return liquity1.view({ ...pools, activePoolLUSDDebt: activePoolLUSDDebt - x }, twin.world).judge(trove(10n * WAD, 10_000n * WAD - x)).status;
    };
    expect([then(least), then(least - 1n)]).toEqual(["safe", "unsafe"]); // by the TCR that it leaves
    twin.setMarket(system, { activePoolETH: 0n, activePoolLUSDDebt: 0n });
    expect([book.maxBorrow(large), book.maxWithdraw(large)]).toEqual([808_181_818181818181818181n, 987_777777777777777777n]); // no pools, no TCR
    twin.setMarket(system, { price: 2n ** 200n });
    expect([book.maxBorrow(large), book.maxWithdraw(large), book.repayToRatio(large, { health: 1n }), book.collateralToRatio(large, { health: 1n })]).toEqual(["reverts", "reverts", "reverts", "reverts"]); // the ICR before is asked for, too
  });

  test("Liquity v1: in recovery mode the threshold moves along, and roundings decide", () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), price = 1000n * WAD, D = (10n ** 22n) + dice.uint(70), C = D * BigInt(1150 + dice.below(300)) / 1000n * WAD / price + dice.uint(20);
      const part = BigInt(300 + dice.below(600)), coll = C * part / 1000n, debt = D * (part + BigInt(dice.below(90))) / 1000n + dice.uint(20);
      const figures = liquity1Market({ price, activePoolETH: C, activePoolLUSDDebt: D }), twin = new PositionTwin(liquity1), market = twin.addMarket(figures);
      const healthAt = (kind: Kind, x: bigint) => {
        const after = act(twin, market, { coll, debt, stake: 0n, snapshotETH: 0n, snapshotLUSDDebt: 0n } as Ints)(kind, x)!, { limit, owed } = liquity1.view(after.figures, twin.world).judge(after.vault);
        return limit * WAD / owed;
      };
      const id = twin.book.add(market, { coll, debt, stake: 0n, snapshotETH: 0n, snapshotLUSDDebt: 0n });
      for (const [kind, ask] of [["supply", (health: bigint) => asker(twin).collateralToRatio(id, { health })], ["repay", (health: bigint) => asker(twin).repayToRatio(id, { health })]] as const) {
        const target = healthAt(kind, BigInt(dice.below(400))) + BigInt(dice.below(2));
        let first = 0n;
        while (healthAt(kind, first) < target) ++first;
        expect(ask(target)).toBe(first);
      }
    }), runs(25));
  });

  test("Liquity v2: alone, in a batch, less than the least debt, after a shutdown", () => {
    const twin = new PositionTwin(liquity2), branch = twin.addMarket(liquity2Market({ price: 1000n * WAD })), book = asker(twin);
    const batch = twin.addBatch(branch, { debt: 10_000n * WAD, totalDebtShares: 10_000n * WAD, annualInterestRate: 0n, annualManagementFee: 0n, lastDebtUpdateTime: NOW } as Ints);
    const add = (coll: bigint, debt: bigint, more: Partial<Ints> = {}) => twin.book.add(branch, { coll, debt, stake: 0n, snapshotColl: 0n, snapshotBoldDebt: 0n, annualInterestRate: WAD / 10n, lastDebtUpdateTime: NOW, batchDebtShares: 0n, batch: 0n, ...more });
    const one = add(22n * WAD, 10_000n * WAD), batched = add(24n * WAD, 0n, { batchDebtShares: 10_000n * WAD, batch: BigInt(batch) } as Partial<Ints>), zombie = add(22n * WAD, 1000n * WAD), tiny = add(2n * WAD, 1000n * WAD);
    expect([book.maxBorrow(one), book.maxWithdraw(one)]).toEqual([10_000n * WAD, 11n * WAD]); // to 110 %
    expect(book.maxBorrow(one, { at: NOW + 31536000n })).toBe(9000n * WAD);
    expect([book.maxBorrow(batched), book.maxWithdraw(batched)]).toEqual([10_000n * WAD, 12n * WAD]); // to 120 %
    expect([book.repayToRatio(one, { ratio: 11n * WAD }), book.repayToRatio(one, { ratio: 11n * WAD + 1n })]).toEqual([8000n * WAD, "never"]);
    expect([book.maxBorrow(zombie), book.maxWithdraw(zombie), book.repayToRatio(zombie, { ratio: 23n * WAD }), book.collateralToRatio(zombie, { ratio: 23n * WAD })]).toEqual([19_000n * WAD, "refused", "never", "never"]);
    expect(book.maxBorrow(tiny)).toBe("refused"); // 1818 is not enough
    expect(book.repayToRatio(zombie, { ratio: 22n * WAD })).toBe(0n);
    twin.setMarket(branch, { shutdownTime: NOW });
    expect([book.maxBorrow(one), book.maxWithdraw(one), book.repayToRatio(one, { ratio: WAD }), book.collateralToRatio(one, { ratio: 3n * WAD })]).toEqual(["refused", "refused", 0n, "never"]);
  });
});

// ---- Time

describe("the time to liquidation", () => {
  const judge = (twin: PositionTwin, market: number, vault: Ints, at: bigint) => twin.adapter.view(twin.world.markets[market]!, twin.world, at).judge(vault).status;
  const stepped = (twin: PositionTwin, market: number, vault: Ints, from: bigint, until: bigint) => {
    for (let now = from; now <= until; ++now) {
      const status = judge(twin, market, vault, now);
      if (status !== "safe") return status === "unsafe" ? now : "reverts";
    }
    return "never";
  };

  /** The second in which the average rate since the last update falls at once: where its power of 2 does. */
  const falls = (figures: Ints) => {
    const { totalSupplyAssets: supply, totalBorrowAssets: borrowed } = figures as Record<"totalSupplyAssets" | "totalBorrowAssets", bigint>;
    const utilization = supply ? borrowed * WAD / supply : 0n, gap = (9n * WAD) / 10n - utilization;
    return gap > 0n ? 346573590279972654n / (1585489599188n * (gap * WAD / ((9n * WAD) / 10n)) / WAD || 1n) : 1000n;
  };

  test("Morpho, second by second", () => {
    const seen = new Map<string, number>();
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), { twin, market, vault: any } = scene(dice, morphoAdapter, 0.03), figures = twin.world.markets[market]!, since = figures["lastUpdate"]!;
      const from = since + dice.pick([0n, 0n, 1n, falls(figures) - 150n, 2n * falls(figures) - 150n, BigInt(dice.below(10 ** 7))]), until = from + BigInt(dice.below(300));
      const vault = onTheLine(dice, twin, market, any, from + BigInt(dice.below(300))), id = twin.book.add(market, vault);
      const answer = asker(twin).timeToLiquidation(id, { ...(from === since && dice.chance(0.5) ? {} : { at: from }), until }), name = typeof answer === "string" ? answer : answer === from ? "at once" : "later";
      seen.set(name, (seen.get(name) ?? 0) + 1);
      expect(answer).toBe(from < 0n ? "reverts" : stepped(twin, market, vault, from, until));
    }), runs(250));
    for (const name of ["later", "never", "at once"]) expect(seen.get(name) ?? 0, name).toBeGreaterThan(0);
  });

  test("Morpho, just before the rate falls: what comes after is safe again", () => {
    const figures = morphoMarket({ totalSupplyAssets: 10n ** 25n, totalSupplyShares: 10n ** 31n, totalBorrowAssets: 10n ** 23n, totalBorrowShares: 10n ** 29n, rateAtTarget: 63419583967n, lastUpdate: NOW, price: 10n ** 36n, lltv: WAD });
    const twin = new PositionTwin(morphoAdapter), market = twin.addMarket(figures), borrowShares = 10n ** 28n;
    const owes = (at: bigint) => twin.adapter.view(figures, twin.world, at).judge({ collateral: 1n, borrowShares } as Ints).debt;
    let drop = NOW + falls(figures) - 50n;
    while (owes(drop + 1n) >= owes(drop)) ++drop;
    for (const ago of [0n, 1n, 5n, 20n]) {
      const vault = { collateral: owes(drop - ago) - 1n, borrowShares } as Ints, id = twin.book.add(market, vault);
      const first = asker(twin).timeToLiquidation(id) as bigint;
      expect(first).toBeLessThanOrEqual(drop - ago);
      expect(judge(twin, market, vault, first)).toBe("unsafe");
      expect(judge(twin, market, vault, first - 1n)).toBe("safe");
      expect(judge(twin, market, vault, drop + 1n)).toBe("safe");
      expect(stepped(twin, market, vault, drop - 100n, drop)).toBe(first);
    }
  });

  test("Liquity v2, second by second: alone, in a batch, after a shutdown", () => {
    const seen = new Map<string, number>();
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), { twin, market, vault: any } = scene(dice, liquity2, 0.03), { figures: batch } = twin.world.batches[Number(any["batch"]!) - 1] ?? {};
      const stamp = twin.world.markets[market]!["timestamp"]!, since = stamp || (batch ? batch["lastDebtUpdateTime"]! : any["lastDebtUpdateTime"]!);
      const from = since + dice.pick([0n, 0n, 1n, BigInt(dice.below(10 ** 8))]), until = from + BigInt(dice.below(400));
      if (until > MAX256) return;
      const vault = onTheLine(dice, twin, market, any, from + BigInt(dice.below(400))), id = twin.book.add(market, vault);
      const answer = asker(twin).timeToLiquidation(id, { ...(from === since && dice.chance(0.5) ? {} : { at: from }), until }), name = typeof answer === "string" ? answer : answer === from ? "at once" : "later";
      seen.set(name, (seen.get(name) ?? 0) + 1);
      expect(answer).toBe(stepped(twin, market, vault, from, until));
    }), runs(250));
    for (const name of ["later", "never", "at once"]) expect(seen.get(name) ?? 0, name).toBeGreaterThan(0);
  });

  test("far away: it is unsafe then, and not a second before", () => {
    for (const adapter of [morphoAdapter, liquity2]) fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), { twin, market, vault, id } = scene(dice, adapter, 0), { figures: batch } = twin.world.batches[Number(vault["batch"] ?? 0n) - 1] ?? {}, figures = twin.world.markets[market]!;
      const since = adapter === morphoAdapter ? figures["lastUpdate"]! : figures["timestamp"]! || (batch ? batch["lastDebtUpdateTime"]! : vault["lastDebtUpdateTime"]!), answer = asker(twin).timeToLiquidation(id);
      const at = (now: bigint) => judge(twin, market, vault, now);
      expect(answer).not.toBe("undecided");
      if (answer === "never") expect(at(2n ** 40n - 1n)).toBe("safe");
      if (answer === "reverts") expect([at(since), at(2n ** 40n - 1n)]).toContain("reverts");
      if (typeof answer !== "bigint") return;
      expect(at(answer)).toBe("unsafe");
      for (let i = 1n; i <= 30n && answer - i >= since; ++i) expect(at(answer - i)).toBe("safe");
      for (let i = 0; i < 20 && answer > since; ++i) expect(at(since + dice.bits(64) % (answer - since))).toBe("safe");
    }), runs(150));
  });

  test("the ends", () => {
    const twin = new PositionTwin(morphoAdapter), figures = morphoMarket({ lastUpdate: 100n, rateAtTarget: 63419583967n }), market = twin.addMarket(figures), book = asker(twin);
    const add = (collateral: bigint, borrowShares: bigint, where = market) => twin.book.add(where, { collateral, borrowShares } as Ints);
    const safe = add(1_200_000n, 10n ** 12n), unsafe = add(1n, 10n ** 12n), idle = add(1n, 0n);
    expect(book.timeToLiquidation(safe, { until: 10n ** 4n })).toBe("never");
    expect(book.timeToLiquidation(unsafe)).toBe(100n);
    expect(book.timeToLiquidation(unsafe, { at: 7000n })).toBe(7000n);
    expect(book.timeToLiquidation(unsafe, { at: 99n })).toBe("reverts");
    expect(book.timeToLiquidation(unsafe, { until: 99n })).toBe("never"); // there is no such second
    expect(book.timeToLiquidation(idle, { until: 10n ** 9n })).toBe("never");
    expect(book.timeToLiquidation(idle, { until: MAX256 })).toBe("reverts"); // interest overflows
    const first = book.timeToLiquidation(safe) as bigint;
    expect(book.timeToLiquidation(safe, { until: first })).toBe(first);
    expect(book.timeToLiquidation(safe, { until: first - 1n })).toBe("never");
    const still = twin.addMarket(morphoMarket({ ...figures, irm: "none" })), fresh = twin.addMarket(morphoMarket());
    expect(book.timeToLiquidation(add(1_200_000n, 10n ** 12n, still), { until: MAX256 })).toBe("never");
    expect(book.timeToLiquidation(add(1_200_000n, 10n ** 12n, fresh))).toBe("reverts"); // not created

    const old = new PositionTwin(liquity1), system = old.addMarket(liquity1Market()), trove = (coll: bigint, debt: bigint) => old.book.add(system, { coll, debt, stake: 0n, snapshotETH: 0n, snapshotLUSDDebt: 0n });
    expect(asker(old).timeToLiquidation(trove(2n * WAD, 2000n * WAD), { until: MAX256 })).toBe("never");
    expect([asker(old).timeToLiquidation(trove(WAD, 2000n * WAD)), asker(old).timeToLiquidation(trove(WAD, 2000n * WAD), { at: 7n })]).toEqual([0n, 7n]);

    const bold = new PositionTwin(liquity2), branch = bold.addMarket(liquity2Market()), owing = (debt: bigint, where = branch) =>
      bold.book.add(where, { coll: 2n * WAD, debt, stake: 0n, snapshotColl: 0n, snapshotBoldDebt: 0n, annualInterestRate: WAD, lastDebtUpdateTime: 1000n, batchDebtShares: 0n, batch: 0n });
    expect(asker(bold).timeToLiquidation(owing(2000n * WAD))).toBe(1000n + 25802182n); // + 81.8 %
    expect(asker(bold).timeToLiquidation(owing(2000n * WAD), { at: 0n })).toBe(1000n + 25802182n);
    expect(asker(bold).timeToLiquidation(owing(2000n * WAD), { at: 999n })).toBe("reverts");
    expect(asker(bold).timeToLiquidation(owing(4000n * WAD))).toBe(1000n);
    const shut = bold.addMarket(liquity2Market({ shutdownTime: 10n ** 6n }));
    expect(asker(bold).timeToLiquidation(owing(2000n * WAD, shut), { until: MAX256 })).toBe("never");
  });
});

// ---- What is refused, and what stays

describe("a book", () => {
  test("refuses what does not fit", () => {
    for (const adapter of SUBJECTS) {
      const { twin, id } = scene(new Dice(7), adapter, 0), book = asker(twin);
      refuses(() => book.maxBorrow(id, { market: 0 }), "invalid-argument", "market");
      refuses(() => book.maxWithdraw(id + 1), "stale-id", `${id + 1}`);
      refuses(() => book.repayToRatio(id, {}), "missing-field", "health");
      refuses(() => book.collateralToRatio(id, { health: WAD, ratio: WAD }), "invalid-argument", "one of them");
      refuses(() => book.timeToLiquidation(id, { at: 10n, until: 9n }), "out-of-range", "until");
    }
  });

  test("stays as it was", () => {
    for (const adapter of SUBJECTS) fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), { twin, market } = scene(dice, adapter), ids = Array.from({ length: 20 }, () => twin.book.add(market, onTheLine(dice, twin, market, randomVault(dice, adapter, twin.world, market))));
      const at = NOW + 10n ** 5n, before = [...twin.book.scan({ at }).ids], told = JSON.stringify(ids.map((id) => twin.book.inspect(id)), (_, x: unknown) => (typeof x === "bigint" ? `${x}` : x));
      for (const id of ids) {
        const book = asker(twin);
        for (const answer of [book.timeToLiquidation(id, { at, until: at + 1000n }), book.maxBorrow(id, { at }), book.maxWithdraw(id), book.repayToRatio(id, { health: 2n * WAD }), book.collateralToRatio(id, { ratio: 2n * WAD })]) expect(answer).toBeDefined();
      }
      expect(JSON.stringify(ids.map((id) => twin.book.inspect(id)), (_, x: unknown) => (typeof x === "bigint" ? `${x}` : x))).toBe(told);
      expect([...twin.book.scan({ at }).ids]).toEqual(before);
      expect([...twin.book.scan({ at, screen: "off" }).ids]).toEqual(before);
    }), runs(10));
  });
});
