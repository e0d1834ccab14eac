import fc from "fast-check";
import { type Liquidation, liquityV1 } from "plimsoll/liquity-v1";
import { type BatchLiquidation, liquityV2 } from "plimsoll/liquity-v2";
import { describe, expect, test, vi } from "vitest";
import { MAX256, WAD, runs, uintOf } from "./arbitraries.js";
import { Tally, atLeast0, between, nudge, record, refusalTests, refuses, said, vectorTests } from "./contracts.js";
import * as v1 from "./reference/liquity-v1.js";
import * as v2 from "./reference/liquity-v2.js";
import { outcome } from "./reference/solidity.js";

vi.setConfig({ testTimeout: 120_000 });

const RUNS = 4000;
const [ADDITION, SUBTRACTION, MULTIPLICATION] = ["addition", "subtraction", "multiplication"].map((what) => `reverts: SafeMath: ${what} overflow`) as [string, string, string];
const DIVISION = "reverts: SafeMath: division by zero";
const PANIC = "reverts: Panic(0x11) arithmetic over/underflow", PANIC_DIVISION = "reverts: Panic(0x12) division by zero";
const u256 = uintOf(256), u64 = uintOf(64), u8 = uintOf(8);
const divUp = (x: bigint, y: bigint) => (x + y - 1n) / y;

vectorTests("liquity-v1", liquityV1, v1, 2500);
vectorTests("liquity-v2", liquityV2, v2, 2390);

/** Figures as the chain has them. */
const usual = {
  debt: fc.oneof(between(0n, 10n ** 25n), between(0n, 10n)), coll: fc.oneof(between(0n, 10n ** 23n), between(0n, 10n)), price: between(1n, 10n ** 22n),
  term: between(10n ** 16n, 10n ** 18n), snapshot: between(0n, 10n ** 16n), time: between(1_700_000_000n, 1_800_000_000n), rate: between(5n * 10n ** 15n, 25n * 10n ** 17n),
  fee: between(0n, 10n ** 17n), mcr: fc.constantFrom((11n * WAD) / 10n, (12n * WAD) / 10n), penalty: between(5n * 10n ** 16n, 2n * 10n ** 17n),
};
const stake = fc.oneof({ weight: 3, arbitrary: between(0n, 10n ** 20n) }, { weight: 1, arbitrary: fc.constant(0n) });
/** Ratios about which something changes. */
const aim = fc.constantFrom(0n, WAD / 2n, WAD, (105n * WAD) / 100n, (11n * WAD) / 10n, (12n * WAD) / 10n, (13n * WAD) / 10n, (15n * WAD) / 10n, 3n * WAD);

/** One figure anywhere in a record, its lists and its records becomes any. */
function spoil<T>(input: T, at: number, value: bigint): T {
  const paths: (string | number)[][] = [];
  const visit = (x: unknown, path: (string | number)[]): void => {
    if (typeof x === "bigint") paths.push(path);
    else if (Array.isArray(x)) x.forEach((entry, i) => { visit(entry, [...path, i]); });
    else if (typeof x === "object" && x !== null) for (const [name, entry] of Object.entries(x)) if (!/^(sortedTroves|troveArray|order|status|batchIndex|lastDebtUpdateTime)$/.test(name)) visit(entry, [...path, name]);
  };
  visit(input, []);
  const path = paths[at % paths.length]!;
  const set = (x: unknown, [head, ...tail]: readonly (string | number)[]): unknown => {
    if (head === undefined) return value;
    return Array.isArray(x) ? x.map((entry, i) => (i === head ? set(entry, tail) : entry)) : { ...(x as object), [head]: set((x as Record<string, unknown>)[head], tail) };
  };
  return set(input, path) as T;
}
/** One figure in eight inputs, or in all of them. */
const spoiling = fc.record({ spoils: fc.integer({ min: 0, max: 7 }), at: fc.nat(1000), value: u256 });

describe("Liquity v1 against the reference", () => {
  test("decPow", () => {
    const tally = new Tally(), edge = 2n ** 256n / WAD;
    fc.assert(fc.property(
      fc.oneof(between(WAD - 10n ** 12n, WAD), between(0n, 3n * WAD), between(edge - 2n, edge + 2n), u256), fc.oneof(between(0n, 4n), between(0n, 600_000_000n), u256),
      (base, minutes) => {
        const expected = said(() => v1.decPow({ base, minutes }));
        tally.count(expected);
        expect(liquityV1.decPow({ base, minutes })).toEqual(expected);
      },
    ), runs(RUNS));
    tally.saw("returns", MULTIPLICATION);
  });

  test("computeCR", () => {
    const tally = new Tally();
    fc.assert(fc.property(record({ coll: [usual.coll, u256], debt: [usual.debt, u256], price: [usual.price, u256] }), (x) => {
      const expected = said(() => v1.computeCR(x));
      tally.count(expected);
      expect(liquityV1.computeCR(x)).toEqual(expected);
    }), runs(RUNS));
    tally.saw("returns", MULTIPLICATION);
  });

  const trove = {
    debt: [usual.debt, u256], coll: [usual.coll, u256], stake: [usual.coll, u256], snapshotETH: [usual.snapshot, u256], snapshotLUSDDebt: [usual.snapshot, u256],
    L_ETH: [usual.term, u256], L_LUSDDebt: [usual.term, u256], price: [usual.price, u256],
  } as const;

  test("icr", () => {
    const tally = new Tally();
    let nominal = 0;
    fc.assert(fc.property(fc.tuple(record({ ...trove, status: [fc.constant(1n), u8] }), aim, nudge, fc.boolean()).map(([x, ratio, d, aims]) => {
      if (!aims) return x;
      return { ...x, coll: atLeast0(divUp(ratio * x.debt, x.price || 1n) + d) };
    }), (x) => {
      const expected = said(() => v1.icr(x));
      tally.count(expected);
      if ("NICRreverts" in expected) ++nominal;
      expect(liquityV1.icr(x)).toEqual(expected);
    }), { ...runs(2 * RUNS), examples: [
      [{ debt: 1n, coll: MAX256, stake: 1n, snapshotETH: 0n, snapshotLUSDDebt: 0n, L_ETH: WAD, L_LUSDDebt: 0n, status: 1n, price: 1n }],
      [{ debt: 1n, coll: MAX256, stake: 1n, snapshotETH: 0n, snapshotLUSDDebt: 0n, L_ETH: WAD, L_LUSDDebt: 0n, status: 2n, price: 1n }],
      [{ debt: MAX256, coll: MAX256, stake: 1n, snapshotETH: 0n, snapshotLUSDDebt: 1n, L_ETH: WAD, L_LUSDDebt: 0n, status: 1n, price: 1n }], // a gain that fails before a sum
    ] });
    tally.saw("returns", ADDITION, SUBTRACTION, MULTIPLICATION);
    expect(nominal).toBeGreaterThan(0);
  });

  test("tcr", () => {
    const tally = new Tally();
    fc.assert(fc.property(fc.tuple(record({
      activePoolETH: [usual.coll, u256], defaultPoolETH: [usual.coll, u256], activePoolLUSDDebt: [usual.debt, u256], defaultPoolLUSDDebt: [usual.debt, u256], price: [usual.price, u256],
    }), nudge, fc.boolean()).map(([x, d, aims]) => {
      if (!aims) return x;
      return { ...x, activePoolETH: atLeast0(divUp(15n * WAD * (x.activePoolLUSDDebt + x.defaultPoolLUSDDebt), 10n * (x.price || 1n)) - x.defaultPoolETH + d) };
    }), (x) => {
      const expected = said(() => v1.tcr(x));
      tally.count(expected);
      expect(liquityV1.tcr(x)).toEqual(expected);
    }), runs(RUNS));
    tally.saw("returns", ADDITION, MULTIPLICATION);
  });

  test("liquidationAmounts", () => {
    const tally = new Tally();
    const amounts = record({ debt: [usual.debt, u256], coll: [usual.coll, u256], LUSDInStabPool: [usual.debt, u256], price: [usual.price, u256] });
    fc.assert(fc.property(fc.tuple(amounts, fc.constantFrom("none", "pool", "empty", "covered"), fc.boolean(), nudge).map(([{ price, LUSDInStabPool, ...x }, edge, caps, d]): v1.LiquidationAmountsInput => {
      if (caps) return { function: "_getCappedOffsetVals", debt: x.debt, coll: edge === "covered" ? atLeast0((x.debt * 11n * WAD) / (10n * (price || 1n)) + d) : x.coll, price };
      return { function: "_getOffsetAndRedistributionVals", ...x, LUSDInStabPool: edge === "pool" ? atLeast0(x.debt + d) : edge === "empty" ? 0n : LUSDInStabPool };
    }), (x) => {
      const expected = said(() => v1.liquidationAmounts(x));
      tally.count(expected);
      expect(liquityV1.liquidationAmounts(x)).toEqual(expected);
    }), runs(2 * RUNS));
    tally.saw("returns", SUBTRACTION, MULTIPLICATION, DIVISION);
  });

  /** Systems of a few troves whose ratios and pool are about where something changes. */
  const system: fc.Arbitrary<Liquidation> = fc.tuple(
    fc.record({ price: between(10n ** 18n, 10n ** 22n), L_ETH: usual.term, L_LUSDDebt: usual.term, pool: fc.nat(9), d: nudge, more: between(0n, 10n ** 24n), n: fc.oneof(between(0n, 8n), u256), batch: fc.boolean(), ccr: fc.nat(3) }),
    fc.array(fc.tuple(fc.record({ debt: between(1n, 10n ** 24n), stake, snapshotETH: usual.snapshot, snapshotLUSDDebt: usual.snapshot }), aim, nudge), { minLength: 0, maxLength: 6 }),
    fc.record({ order: fc.array(fc.nat(100), { maxLength: 8 }), errors: fc.tuple(between(0n, 10n ** 20n), between(0n, 10n ** 20n)), stakes: stake }),
    spoiling,
  ).map(([{ price, L_ETH, L_LUSDDebt, pool, d, more, n, batch, ccr }, rows, { order, errors, stakes }, { spoils, at, value }]) => {
    const troves = rows.map(([x, ratio, nudged]) => {
      const debt = x.debt + (x.stake * (L_LUSDDebt - x.snapshotLUSDDebt)) / WAD;
      return { ...x, coll: atLeast0(divUp(ratio * debt, price) + nudged - (x.stake * (L_ETH - x.snapshotETH)) / WAD) };
    });
    const entire = troves.map((x) => ({ debt: x.debt + (x.stake * (L_LUSDDebt - x.snapshotLUSDDebt)) / WAD, coll: x.coll + (x.stake * (L_ETH - x.snapshotETH)) / WAD }));
    const debts = entire.reduce((sum, { debt }) => sum + debt, 0n), colls = entire.reduce((sum, { coll }) => sum + coll, 0n);
    const LUSDInStabPool = pool === 0 ? 0n : pool < 5 ? atLeast0((entire[pool - 1]?.debt ?? 1n) + d) : pool < 7 ? debts + d + 1n : more;
    const ratio = ({ debt, coll }: { debt: bigint; coll: bigint }) => (coll * price) / debt;
    const sortedTroves = entire.map((x, i) => ({ number: BigInt(i + 1), ratio: ratio(x) })).sort((a, b) => Number(b.ratio - a.ratio)).map(({ number }) => number);
    const input = {
      price, LUSDInStabPool, L_ETH, L_LUSDDebt, totalStakes: troves.reduce((sum, { stake }) => sum + stake, stakes), troves, sortedTroves,
      activePoolETH: ccr === 0 ? atLeast0(divUp(15n * WAD * debts, 10n * price) + d) : ccr === 1 ? divUp(2n * WAD * debts, price) : colls, activePoolLUSDDebt: debts, defaultPoolETH: 0n, defaultPoolLUSDDebt: 0n,
      lastETHError_Redistribution: errors[0], lastLUSDDebtError_Redistribution: errors[1],
    };
    const troveArray = troves.length ? order.map((i) => BigInt((i % troves.length) + 1)) : [];
    const whole: Liquidation = batch ? { ...input, function: "batchLiquidateTroves", troveArray } : { ...input, function: "liquidateTroves", n };
    return spoils ? whole : spoil(whole, at, value);
  });

  test("liquidate", () => {
    const tally = new Tally(), met = new Set<string>();
    fc.assert(fc.property(system, (x) => {
      const expected = said(() => v1.liquidate(x as v1.LiquidateInput));
      tally.count(expected);
      const answer = expected as v1.LiquidateOutput;
      if (answer.liquidated) {
        met.add(answer.recoveryModeAtStart ? "recovery" : "normal");
        if (answer.collSurplus.some(Boolean)) met.add("capped");
        if (answer.totalDebtToRedistribute && answer.totalDebtToOffset) met.add("mixed");
        if (answer.liquidated.filter(Boolean).length > 2) met.add("many");
      }
      expect(liquityV1.liquidate(x)).toEqual(expected);
    }), runs(4 * RUNS));
    tally.saw(
      "returns", ADDITION, SUBTRACTION, MULTIPLICATION, DIVISION, "reverts: TroveManager: nothing to liquidate", "reverts: TroveManager: Only one trove in the system",
      "reverts: TroveManager: Calldata address array must not be empty",
    );
    expect([...met].sort()).toEqual(["capped", "many", "mixed", "normal", "recovery"]);
  });

  test("as many troves as one call takes", () => {
    const troves = Array.from({ length: 900 }, (_, i) => ({ debt: 2000n * WAD + BigInt(i), coll: WAD + BigInt(i * i), stake: WAD, snapshotETH: BigInt(i), snapshotLUSDDebt: 0n }));
    const numbers = troves.map((_, i) => BigInt(i + 1)), all = {
      price: 2100n * WAD, LUSDInStabPool: 10n ** 24n, activePoolETH: 2000n * WAD, activePoolLUSDDebt: 1_800_000n * WAD, defaultPoolETH: 0n, defaultPoolLUSDDebt: 0n, L_ETH: 10n ** 15n, L_LUSDDebt: 7n,
      totalStakes: 900n * WAD, lastETHError_Redistribution: 1n, lastLUSDDebtError_Redistribution: 2n, troves,
    };
    for (const x of [
      { ...all, function: "liquidateTroves" as const, n: 1000n, sortedTroves: [...numbers].reverse() },
      { ...all, function: "batchLiquidateTroves" as const, troveArray: numbers.filter((n) => n % 7n), sortedTroves: numbers },
    ]) expect(liquityV1.liquidate(x)).toEqual(said(() => v1.liquidate(x)));
  });
});

describe("Liquity v2 against the reference", () => {
  const batch = record({
    debt: [usual.debt, u256], totalDebtShares: [usual.debt, u256], annualInterestRate: [usual.rate, u256], annualManagementFee: [usual.fee, u256], lastDebtUpdateTime: [usual.time, u64],
  });
  const trove = { coll: [usual.coll, u256], stake: [usual.coll, u256], snapshotColl: [usual.snapshot, u256], snapshotBoldDebt: [usual.snapshot, u256] } as const;
  const own = record({ debt: [usual.debt, u256], annualInterestRate: [usual.rate, u256], lastDebtUpdateTime: [usual.time, u64] });
  const anyTrove = fc.tuple(
    record({ ...trove, L_coll: [usual.term, u256], L_boldDebt: [usual.term, u256], shutdownTime: [fc.constant(0n), u256], timestamp: [usual.time, u256], price: [usual.price, u256], MCR: [usual.mcr, u256] }),
    own, batch, fc.tuple(usual.debt, u256), fc.nat(9), nudge,
  ).map(([x, alone, of, [shares, any], kind, d]) => {
    const when = kind === 0 ? { shutdownTime: x.timestamp || 1n, timestamp: atLeast0(x.timestamp + 1000n) } : kind === 1 ? { timestamp: atLeast0(alone.lastDebtUpdateTime + d) } : { timestamp: x.timestamp < 1_800_000_000n ? 1_800_000_000n : x.timestamp };
    const batched = kind % 2 === 0, batchDebtShares = kind === 8 ? any : of.totalDebtShares ? shares % (of.totalDebtShares + 1n) : shares;
    return { ...x, ...when, ...(batched ? { batch: of, batchDebtShares } : { batch: null, ...alone }) } as v2.IcrInput;
  });
  const bare = ({ price: _, MCR: __, ...x }: v2.IcrInput) => x as Omit<v2.IcrInput, "price" | "MCR"> & Parameters<typeof v2.troveDebt>[0];

  test("troveDebt", () => {
    const tally = new Tally();
    fc.assert(fc.property(anyTrove.map(bare), (x) => {
      const expected = said(() => v2.troveDebt(x));
      tally.count(expected);
      expect(liquityV2.troveDebt(x)).toEqual(expected);
    }), runs(3 * RUNS));
    tally.saw("returns", PANIC);
  });

  test("icr", () => {
    const tally = new Tally();
    fc.assert(fc.property(fc.tuple(anyTrove, nudge, fc.boolean()).map(([x, d, aims]) => {
      if (!aims || !x.price) return x;
      const found = outcome(() => v2.troveDebt(x));
      return "reverts" in found ? x : { ...x, coll: atLeast0(divUp(x.MCR * found.entireDebt, x.price) - found.redistCollGain + d) };
    }), (x) => {
      const expected = said(() => v2.icr(x));
      tally.count(expected);
      expect(liquityV2.icr(x)).toEqual(expected);
    }), runs(3 * RUNS));
    tally.saw("returns", PANIC);
  });

  test("branchTCR", () => {
    const tally = new Tally(), weighted = between(0n, 10n ** 43n);
    fc.assert(fc.property(fc.tuple(record({
      collBalance: [usual.coll, u256], defaultPoolCollBalance: [usual.coll, u256], aggRecordedDebt: [usual.debt, u256], aggWeightedDebtSum: [weighted, u256], lastAggUpdateTime: [usual.time, u256],
      aggBatchManagementFees: [usual.coll, u256], aggWeightedBatchManagementFeeSum: [weighted, u256], lastAggBatchManagementFeesUpdateTime: [usual.time, u256], defaultPoolBoldDebt: [usual.debt, u256],
      shutdownTime: [fc.oneof(fc.constant(0n), usual.time), u256], timestamp: [fc.constant(1_800_000_000n), u256], price: [usual.price, u256], CCR: [fc.constant((15n * WAD) / 10n), u256], SCR: [usual.mcr, u256],
    }), nudge, fc.constantFrom("CCR", "SCR", "none")).map(([x, d, edge]) => {
      if (edge === "none" || !x.price) return x;
      const found = outcome(() => v2.branchTCR(x));
      return "reverts" in found ? x : { ...x, collBalance: atLeast0(divUp(x[edge] * found.entireBranchDebt, x.price) - x.defaultPoolCollBalance + d) };
    }), (x) => {
      const expected = said(() => v2.branchTCR(x));
      tally.count(expected);
      expect(liquityV2.branchTCR(x)).toEqual(expected);
    }), runs(2 * RUNS));
    tally.saw("returns", PANIC);
  });

  test("liquidationAmounts", () => {
    const tally = new Tally();
    fc.assert(fc.property(fc.tuple(record({
      entireTroveDebt: [usual.debt, u256], entireTroveColl: [usual.coll, u256], boldInSPForOffsets: [usual.debt, u256], price: [usual.price, u256],
      LIQUIDATION_PENALTY_SP: [usual.penalty, u256], LIQUIDATION_PENALTY_REDISTRIBUTION: [usual.penalty, u256],
    }), fc.constantFrom("none", "pool", "empty", "covered", "surplus"), nudge).map(([x, edge, d]) => {
      const worth = (penalty: bigint) => atLeast0((x.entireTroveDebt * (WAD + penalty)) / (x.price || 1n) + d);
      switch (edge) {
        case "pool": return { ...x, boldInSPForOffsets: atLeast0(x.entireTroveDebt + d) };
        case "empty": return { ...x, boldInSPForOffsets: 0n, entireTroveColl: worth(x.LIQUIDATION_PENALTY_REDISTRIBUTION) };
        case "covered": return { ...x, entireTroveColl: worth(x.LIQUIDATION_PENALTY_SP) };
        case "surplus": return { ...x, boldInSPForOffsets: x.entireTroveDebt / 2n + 1n, entireTroveColl: worth((x.LIQUIDATION_PENALTY_SP + x.LIQUIDATION_PENALTY_REDISTRIBUTION) / 2n) };
        default: return x;
      }
    }), (x) => {
      const expected = said(() => v2.liquidationAmounts(x));
      tally.count(expected);
      expect(liquityV2.liquidationAmounts(x)).toEqual(expected);
    }), runs(3 * RUNS));
    tally.saw("returns", PANIC, PANIC_DIVISION);
  });

  /** Branches of a few troves, some of them in the same batches, about where they become liquidatable. */
  const branch: fc.Arbitrary<BatchLiquidation> = fc.tuple(
    fc.record({
      price: between(10n ** 18n, 10n ** 22n), L_coll: usual.term, L_boldDebt: usual.term, timestamp: fc.constant(1_800_000_000n), shutdownTime: fc.oneof({ weight: 3, arbitrary: fc.constant(0n) }, { weight: 1, arbitrary: usual.time }),
      MCR: usual.mcr, totalStakes: between(10n ** 21n, 10n ** 22n), lastCollError_Redistribution: between(0n, 10n ** 20n), lastBoldDebtError_Redistribution: between(0n, 10n ** 20n), totalBoldDeposits: between(0n, 10n ** 24n),
      penalties: fc.oneof(fc.constant(undefined), fc.constant(null), fc.record({ LIQUIDATION_PENALTY_SP: usual.penalty, LIQUIDATION_PENALTY_REDISTRIBUTION: usual.penalty })),
    }),
    fc.array(fc.record({ debt: between(1n, 10n ** 24n), totalDebtShares: between(0n, 10n ** 24n), annualInterestRate: usual.rate, annualManagementFee: usual.fee, lastDebtUpdateTime: usual.time, coll: between(10n ** 24n, 10n ** 25n) }), { minLength: 2, maxLength: 2 }),
    fc.array(fc.record({
      which: fc.nat(3), debt: between(1n, 10n ** 24n), share: between(0n, 3n), annualInterestRate: usual.rate, lastDebtUpdateTime: usual.time, stake, snapshotColl: usual.snapshot, snapshotBoldDebt: usual.snapshot,
      status: fc.oneof({ weight: 8, arbitrary: fc.constantFrom(1n, 4n) }, { weight: 1, arbitrary: u8 }), ratio: aim, d: nudge,
    }), { maxLength: 6 }),
    fc.record({ order: fc.array(fc.nat(100), { maxLength: 8 }), pool: fc.nat(9), d: nudge }),
    spoiling,
  ).map(([terms, batches, rows, { order, pool, d }, { spoils, at, value }]) => {
    const debts: bigint[] = [];
    const troves = rows.map(({ which, ratio, d: nudged, share, debt, annualInterestRate, lastDebtUpdateTime, ...rest }) => {
      const of = batches[which];
      const stored = { ...rest, coll: 0n, ...(of ? { batch: of, batchIndex: BigInt(which), batchDebtShares: (of.totalDebtShares * share) / 6n } : { batch: null, debt, annualInterestRate, lastDebtUpdateTime }) };
      const { entireDebt, redistCollGain } = v2.troveDebt({ ...terms, ...stored } as never);
      debts.push(entireDebt);
      return { ...stored, coll: atLeast0(divUp(ratio * entireDebt, terms.price) + nudged - redistCollGain) };
    });
    const { penalties, ...known } = terms;
    const all = debts.reduce((sum, x) => sum + x, 0n), totalBoldDeposits = pool === 0 ? 0n : pool < 5 ? atLeast0((debts[pool - 1] ?? 0n) + WAD + d) : pool < 7 ? all + WAD + d : pool === 7 ? WAD + d : terms.totalBoldDeposits;
    const whole = { ...known, ...(penalties !== undefined && { penalties }), totalBoldDeposits, troves, order: troves.length ? order.map((i) => BigInt((i % troves.length) + 1)) : [] } as BatchLiquidation;
    if (spoils) return whole;
    const spoiled = spoil(whole, at, value), first = new Map<bigint, unknown>();
    // troves of one batch give it alike
    return { ...spoiled, troves: spoiled.troves.map((x) => {
      if (x.batch === null) return x;
      if (!first.has(x.batchIndex)) first.set(x.batchIndex, x.batch);
      return { ...x, batch: first.get(x.batchIndex) as typeof x.batch };
    }) };
  });

  test("batchLiquidateTroves", () => {
    const tally = new Tally(), met = new Set<string>();
    fc.assert(fc.property(branch, (x) => {
      const expected = said(() => v2.batchLiquidateTroves(x as v2.BatchLiquidateInput));
      tally.count(expected);
      const answer = expected as v2.BatchLiquidateOutput;
      if (answer.liquidated) {
        const gone = x.troves.filter((_, i) => answer.liquidated[i]).map(({ batch }) => batch).filter(Boolean);
        if (new Set(gone).size < gone.length) met.add("same batch");
        if (answer.debtOffsetBySP && answer.debtRedistributed) met.add("mixed");
        if (answer.collSurplus) met.add("surplus");
        if (x.shutdownTime) met.add("shut down");
      }
      expect(liquityV2.batchLiquidateTroves(x)).toEqual(expected);
    }), runs(4 * RUNS));
    tally.saw("returns", PANIC, PANIC_DIVISION, "reverts: NothingToLiquidate()", "reverts: EmptyData()");
    expect([...met].sort()).toEqual(["mixed", "same batch", "shut down", "surplus"]);
  });

  test("as many troves as one call takes, all of them in batches", () => {
    const troves = Array.from({ length: 400 }, (_, i) => ({
      status: 1n, coll: WAD + BigInt(i * i), stake: WAD, snapshotColl: BigInt(i), snapshotBoldDebt: 0n, batchDebtShares: 2000n * WAD + BigInt(i), batchIndex: BigInt(i % 5),
      batch: { debt: 170_000n * WAD, totalDebtShares: 165_000n * WAD, annualInterestRate: WAD / 20n, annualManagementFee: WAD / 100n, lastDebtUpdateTime: 1_700_000_000n, coll: 100n * WAD },
    }));
    const order = Array.from({ length: 900 }, (_, i) => BigInt(((i * 7) % 400) + 1));
    const x = {
      MCR: (11n * WAD) / 10n, price: 2100n * WAD, timestamp: 1_750_000_000n, shutdownTime: 0n, L_coll: 10n ** 15n, L_boldDebt: 7n, totalBoldDeposits: 200_000n * WAD, totalStakes: 1000n * WAD,
      lastCollError_Redistribution: 1n, lastBoldDebtError_Redistribution: 2n, penalties: { LIQUIDATION_PENALTY_SP: WAD / 20n, LIQUIDATION_PENALTY_REDISTRIBUTION: WAD / 10n }, troves, order,
    };
    const answer = liquityV2.batchLiquidateTroves(x);
    expect(answer).toEqual(said(() => v2.batchLiquidateTroves(x)));
    expect(answer).toMatchObject({ reverts: false });
  });
});

describe("inputs", () => {
  const pools = { activePoolETH: 1n, defaultPoolETH: 1n, activePoolLUSDDebt: 1n, defaultPoolLUSDDebt: 1n };
  const stored = { debt: 1n, coll: 1n, stake: 1n, snapshotETH: 0n, snapshotLUSDDebt: 0n };
  const list: Liquidation = {
    function: "liquidateTroves", n: 1n, price: 1n, LUSDInStabPool: 1n, ...pools, L_ETH: 1n, L_LUSDDebt: 1n, totalStakes: 1n, lastETHError_Redistribution: 1n, lastLUSDDebtError_Redistribution: 1n,
    troves: [stored, stored], sortedTroves: [2n, 1n],
  };
  const { n: _, sortedTroves: __, ...rest } = list, array: Liquidation = { ...rest, function: "batchLiquidateTroves", troveArray: [1n, 1n] };

  describe("v1", () => {
    refusalTests("liquityV1", liquityV1, {
      decPow: { base: 1n, minutes: 1n },
      computeCR: { coll: 1n, debt: 1n, price: 1n },
      icr: { ...stored, status: 1n, L_ETH: 1n, L_LUSDDebt: 1n, price: 1n },
      tcr: { ...pools, price: 1n },
      liquidationAmounts: [
        { function: "_getCappedOffsetVals", debt: 1n, coll: 1n, price: 1n },
        { function: "_getOffsetAndRedistributionVals", debt: 1n, coll: 1n, LUSDInStabPool: 1n },
      ],
      liquidate: [list, array],
    }, { status: "uint8" });

    test("a choice of functions, each with what it needs", () => {
      refuses(() => liquityV1.liquidate({ ...list, function: undefined } as never), "missing-field", "function");
      refuses(() => liquityV1.liquidate({ ...list, function: "liquidate" } as never), "invalid-argument", "function");
      refuses(() => liquityV1.liquidate({ ...array, function: "liquidateTroves" } as never), "missing-field", "lacks n, which liquidateTroves needs");
      refuses(() => liquityV1.liquidate({ ...list, function: "batchLiquidateTroves" } as never), "missing-field", "troveArray");
      refuses(() => liquityV1.liquidationAmounts({ function: "_getCappedOffsetVals", debt: 1n, coll: 1n, LUSDInStabPool: 1n } as never), "missing-field", "price");
    });

    test("troves and their numbers", () => {
      for (const number of [0n, 3n, 2n ** 32n - 1n]) refuses(() => liquityV1.liquidate({ ...array, troveArray: [1n, number] } as never), "out-of-range", "troveArray[1]", `${number}`);
      refuses(() => liquityV1.liquidate({ ...list, sortedTroves: [3n, 1n] } as never), "out-of-range", "sortedTroves[0]", "3");
      for (const sortedTroves of [[], [1n], [1n, 1n]]) refuses(() => liquityV1.liquidate({ ...list, sortedTroves } as never), "invalid-argument", "sortedTroves");
      refuses(() => liquityV1.liquidate({ ...array, troveArray: [-1n] } as never), "out-of-range", "troveArray[0]");
      refuses(() => liquityV1.liquidate({ ...array, troveArray: [1] } as never), "not-a-bigint", "troveArray[0]");
      for (const troves of [undefined, null, {}, 1n]) refuses(() => liquityV1.liquidate({ ...array, troves } as never), troves === undefined ? "missing-field" : "invalid-argument", "troves");
      refuses(() => liquityV1.liquidate({ ...array, troves: [stored, { ...stored, stake: -1n }] } as never), "out-of-range", "troves[1]", "stake");
      refuses(() => liquityV1.liquidate({ ...array, troves: [{ ...stored, status: 1n }, stored] } as never), "unknown-field", "troves[0]", "status");
      refuses(() => liquityV1.liquidate({ ...array, troves: [stored, { debt: 1n }] } as never), "missing-field", "troves[1]", "coll");
      refuses(() => liquityV1.liquidate({ ...array, troves: Array(901).fill(stored) } as never), "out-of-range", "troves", "900");
    });
  });

  describe("v2", () => {
    const terms = { shutdownTime: 0n, timestamp: 2n ** 64n, L_coll: 1n, L_boldDebt: 1n };
    const common = { coll: 1n, stake: 1n, snapshotColl: 0n, snapshotBoldDebt: 0n }, own = { debt: 1n, annualInterestRate: 1n, lastDebtUpdateTime: 1n };
    const alone = { ...common, ...own, batch: null };
    const batch = { debt: 1n, totalDebtShares: 1n, annualInterestRate: 1n, annualManagementFee: 1n, lastDebtUpdateTime: 1n };
    const batched = { ...common, batchDebtShares: 1n, batch };
    const branch = {
      ...terms, MCR: 1n, price: 1n, totalBoldDeposits: 1n, totalStakes: 1n, lastCollError_Redistribution: 1n, lastBoldDebtError_Redistribution: 1n, order: [1n, 2n],
      troves: [{ ...alone, status: 1n }, { ...batched, status: 4n, batchIndex: 1n, batch: { ...batch, coll: 1n } }],
    } as const;
    refusalTests("liquityV2", liquityV2, {
      troveDebt: [{ ...alone, ...terms }, { ...batched, ...terms }],
      icr: [{ ...alone, ...terms, price: 1n, MCR: 1n }, { ...batched, ...terms, price: 1n, MCR: 1n }],
      branchTCR: {
        shutdownTime: 1n, timestamp: 1n, collBalance: 1n, defaultPoolCollBalance: 1n, aggRecordedDebt: 1n, aggWeightedDebtSum: 1n, lastAggUpdateTime: 1n, aggBatchManagementFees: 1n,
        aggWeightedBatchManagementFeeSum: 1n, lastAggBatchManagementFeesUpdateTime: 1n, defaultPoolBoldDebt: 1n, price: 1n, CCR: 1n, SCR: 1n,
      },
      liquidationAmounts: { entireTroveDebt: 1n, entireTroveColl: 1n, boldInSPForOffsets: 1n, price: 1n, LIQUIDATION_PENALTY_SP: 1n, LIQUIDATION_PENALTY_REDISTRIBUTION: 1n },
      batchLiquidateTroves: branch,
    }, { lastDebtUpdateTime: "uint64", status: "uint8", batch: "maybe" });

    const troves = (...rows: object[]) => liquityV2.batchLiquidateTroves({ ...branch, order: [1n], troves: rows } as never);

    test("batches", () => {
      refuses(() => liquityV2.troveDebt({ ...batched, ...terms, batch: { ...batch, debt: -1n } }), "out-of-range", "batch", "debt");
      refuses(() => liquityV2.troveDebt({ ...batched, ...terms, batch: { ...batch, coll: 1n } } as never), "unknown-field", "batch", "coll");
      refuses(() => liquityV2.troveDebt({ ...batched, ...terms, batch: { ...batch, lastDebtUpdateTime: 2n ** 64n } }), "out-of-range", "lastDebtUpdateTime");
      refuses(() => liquityV2.troveDebt({ ...batched, ...terms, batch: { debt: 1n } } as never), "missing-field", "batch", "totalDebtShares");
      for (const bad of [1n, "x", []]) refuses(() => liquityV2.troveDebt({ ...batched, ...terms, batch: bad } as never), "invalid-argument", "batch");
      refuses(() => troves({ ...batched, status: 1n, batchIndex: 1n }), "missing-field", "troves[0]", "coll");
      refuses(() => troves({ ...batched, status: 1n, batch: { ...batch, coll: 1n } }), "missing-field", "troves[0]", "batchIndex");
      refuses(() => troves(...[1n, 2n].map((coll) => ({ ...batched, status: 1n, batchIndex: 7n, batch: { ...batch, coll } }))), "invalid-argument", "troves[1]", "batch 7", "coll");
      refuses(() => troves({ ...alone, status: 1n }, { ...common, status: 1n, batch: null, debt: 1n }), "missing-field", "troves[1]", "annualInterestRate");
    });

    test("troves and their numbers", () => {
      for (const number of [0n, 3n]) refuses(() => liquityV2.batchLiquidateTroves({ ...branch, order: [2n, 1n, number] }), "out-of-range", "order[2]", `${number}`);
      refuses(() => liquityV2.batchLiquidateTroves({ ...branch, order: [2n ** 32n] }), "out-of-range", "order[0]");
      refuses(() => troves({ ...alone, status: 256n }), "out-of-range", "troves[0]", "status");
      refuses(() => troves({ ...alone, status: 1n, inc: 1n }), "unknown-field", "troves[0]", "inc");
      refuses(() => troves(...Array(401).fill({ ...alone, status: 1n })), "out-of-range", "troves", "400");
      refuses(() => liquityV2.batchLiquidateTroves({ ...branch, penalties: { LIQUIDATION_PENALTY_SP: 1n } as never }), "missing-field", "LIQUIDATION_PENALTY_REDISTRIBUTION");
    });
  });
});
