import fc from "fast-check";
import { openBook } from "plimsoll";
import { morpho } from "plimsoll/morpho";
import { describe, expect, test, vi } from "vitest";
import { MAX128, MAX256, WAD, column, ofAnyWidth, runs, uintOf } from "./arbitraries.js";
import { Tally, atLeast0, between, nudge, record, refusalTests, said, vectorTests } from "./contracts.js";
import * as reference from "./reference/morpho.js";
import { outcome } from "./reference/solidity.js";

vi.setConfig({ testTimeout: 120_000 });

const RUNS = 4000;
const PANIC = "reverts: Panic(0x11) arithmetic over/underflow", DIVISION = "reverts: Panic(0x12) division by zero", UINT128 = "reverts: max uint128 exceeded";
const u256 = uintOf(256), u128 = uintOf(128), i256 = u256.map((x) => BigInt.asIntN(256, x));
const ORACLE = 10n ** 36n;
const divUp = (x: bigint, y: bigint) => (x + y - 1n) / y;

vectorTests("morpho-blue", morpho, reference, 3337, ["liquidationIncentiveFactor", "liquidationPrice", "preLiquidate"]);

/** Markets as the chain has them. */
const usual = {
  assets: between(0n, 10n ** 15n), shares: between(0n, 10n ** 21n), fee: fc.oneof(fc.constant(0n), between(0n, WAD / 4n)),
  time: between(1_700_000_000n, 1_800_000_000n), rateAtTarget: fc.oneof(fc.constant(0n), between(31709791n, 63419583967n)),
  lltv: fc.constantFrom(385n, 625n, 770n, 860n, 915n, 945n, 965n, 980n).map((x) => x * 10n ** 15n), price: between(10n ** 30n, 10n ** 42n), collateral: between(0n, 10n ** 15n),
};
const market = {
  totalSupplyAssets: [usual.assets, u128], totalSupplyShares: [usual.shares, u128], totalBorrowAssets: [usual.assets, u128], totalBorrowShares: [usual.shares, u128],
  fee: [usual.fee, u128], lastUpdate: [usual.time, u128], timestamp: [usual.time, u256], rateAtTarget: [usual.rateAtTarget, i256],
} as const;

describe("against the reference", () => {
  const LN_2 = 693147180559945309n;

  test("wExp", () => {
    const edges = fc.tuple(fc.integer({ min: -62, max: 137 }), fc.constantFrom(0n, LN_2 / 2n), nudge).map(([q, half, d]) => BigInt(q) * LN_2 + half + d);
    const bounds = fc.tuple(fc.constantFrom(-41446531673892822312n, 93859467695000404319n, 0n, -(2n ** 255n) + 1n), nudge).map(([x, d]) => x + d);
    fc.assert(fc.property(fc.oneof(between(-42n * WAD, 94n * WAD), edges, bounds, i256), (x) => {
      expect(morpho.wExp({ x })).toEqual(said(() => reference.wExp({ x })));
    }), runs(2 * RUNS));
  });

  test("wTaylor", () => {
    const tally = new Tally();
    fc.assert(fc.property(fc.oneof(fc.record({ x: between(0n, 10n ** 12n), n: between(0n, 10n ** 9n) }), fc.record({ x: u256, n: u256 }), fc.record({ x: ofAnyWidth(100), n: ofAnyWidth(60) })), (x) => {
      const expected = said(() => reference.wTaylor(x));
      tally.count(expected);
      expect(morpho.wTaylor(x)).toEqual(expected);
    }), runs(RUNS));
    tally.saw("returns", PANIC);
  });

  /** Accruals with the utilization on its target, time in its order, or neither. */
  const accruing = fc.tuple(record(market), fc.constantFrom("none", "target", "full", "none"), fc.constantFrom(undefined, -1n, 0n, 1n, 12n, 86400n, 86400n * 365n, 10n ** 11n), nudge)
    .map(([x, edge, later, d]) => {
      const timed = later === undefined ? x : { ...x, timestamp: atLeast0(x.lastUpdate + later) };
      switch (edge) {
        case "target": return { ...timed, totalBorrowAssets: atLeast0((x.totalSupplyAssets * 9n) / 10n + d, 128) };
        case "full": return { ...timed, totalBorrowAssets: atLeast0(x.totalSupplyAssets + d, 128) };
        default: return timed;
      }
    });

  test("accrue", () => {
    const tally = new Tally();
    fc.assert(fc.property(accruing, fc.constantFrom("adaptiveCurve", "adaptiveCurve", "adaptiveCurve", "none"), (x, irm) => {
      const expected = said(() => reference.accrue({ ...x, irm }));
      tally.count(expected);
      expect(morpho.accrue({ ...x, irm })).toEqual(expected);
      if (irm === "adaptiveCurve") expect(morpho.accrue(x)).toEqual(expected);
    }), runs(3 * RUNS));
    tally.saw("returns", PANIC, UINT128, "reverts: market not created");
  });

  const position = {
    collateral: [usual.collateral, u128], borrowShares: [usual.shares, u128], totalBorrowAssets: [usual.assets, u128], totalBorrowShares: [usual.shares, u128],
    lltv: [usual.lltv, u256], price: [usual.price, u256],
  } as const;

  test("isHealthy", () => {
    const tally = new Tally();
    let valueless = 0;
    fc.assert(fc.property(fc.tuple(record(position), fc.constantFrom("none", "line", "no debt", "on the unit"), nudge).map(([x, edge, d]) => {
      const price = reference.liquidationPrice(x);
      switch (edge) {
        case "line": return typeof price === "bigint" ? { ...x, price: atLeast0(price + d) } : x;
        case "no debt": return { ...x, borrowShares: 0n };
        case "on the unit": return { ...x, lltv: WAD, price: ORACLE, collateral: atLeast0(divUp(x.borrowShares * (x.totalBorrowAssets + 1n), x.totalBorrowShares + 10n ** 6n) + d, 128) };
        default: return x;
      }
    }), (x) => {
      const expected = said(() => reference.isHealthy(x));
      tally.count(expected);
      if (!("maxBorrow" in expected) && "healthy" in expected) ++valueless;
      expect(morpho.isHealthy(x)).toEqual(expected);
    }), runs(2 * RUNS));
    tally.saw("returns", PANIC);
    expect(valueless).toBeGreaterThan(0);
  });

  test("liquidationIncentiveFactor", () => {
    const factors = [[860n, 1043841336116910229n], [385n, 1150000000000000000n], [625n, 1126760563380281690n], [770n, 1074113856068743286n], [980n, 1006036217303822937n]] as const;
    for (const [lltv, liquidationIncentiveFactor] of factors) {
      expect(morpho.liquidationIncentiveFactor({ lltv: lltv * 10n ** 15n })).toEqual({ reverts: false, liquidationIncentiveFactor });
    }
    const tally = new Tally();
    fc.assert(fc.property(fc.oneof(between(0n, WAD), between(WAD - 1n, WAD + 1n), u256), (lltv) => {
      const expected = said(() => reference.liquidationIncentiveFactor({ lltv }));
      tally.count(expected);
      expect(morpho.liquidationIncentiveFactor({ lltv })).toEqual(expected);
    }), runs(RUNS));
    tally.saw("returns", PANIC);
  });

  /** A position that can be liquidated, or nearly, and amounts about what it has. */
  const liquidating = fc.tuple(
    record({ ...position, totalSupplyAssets: [usual.assets, u128], seizedAssets: [usual.collateral, u256], repaidShares: [usual.shares, u256] }),
    fc.constantFrom("seized", "repaid", "seized", "repaid", "both", "neither"), fc.constantFrom("none", "line", "sole borrower", "all shares", "all collateral", "tiny", "no price"), nudge,
  ).map(([x, by, edge, d]) => {
    const line = reference.liquidationPrice(x), below = typeof line === "bigint" ? { ...x, price: atLeast0(edge === "line" ? line + d : (line * 9n) / 10n) } : x;
    const amounts = { seizedAssets: by === "seized" || by === "both" ? x.seizedAssets || 1n : 0n, repaidShares: by === "repaid" || by === "both" ? x.repaidShares || 1n : 0n };
    const only = (all: bigint, amount: bigint) => (amount === 0n ? 0n : atLeast0(all + d, 256) || 1n);
    const some = (all: bigint, amount: bigint) => (amount === 0n ? 0n : all === 0n ? 1n : (amount % all) || 1n);
    switch (edge) {
      case "sole borrower": return { ...below, ...amounts, totalBorrowShares: x.borrowShares, seizedAssets: some(x.collateral, amounts.seizedAssets), repaidShares: only(x.borrowShares, amounts.repaidShares) };
      case "all shares": return { ...below, ...amounts, repaidShares: only(x.borrowShares, amounts.repaidShares) };
      case "all collateral": return { ...below, ...amounts, price: below.price / 10n ** 6n, seizedAssets: only(x.collateral, amounts.seizedAssets) };
      case "tiny": return { ...below, seizedAssets: amounts.seizedAssets && 1n, repaidShares: amounts.repaidShares && 1n };
      case "no price": return { ...below, ...amounts, price: 0n };
      default: return { ...below, seizedAssets: some(x.collateral, amounts.seizedAssets), repaidShares: some(x.borrowShares, amounts.repaidShares) };
    }
  });

  test("liquidate", () => {
    const tally = new Tally();
    let badDebt = 0;
    fc.assert(fc.property(liquidating, (x) => {
      const expected = said(() => reference.liquidate(x));
      tally.count(expected);
      if ("badDebtAssets" in expected && expected.badDebtAssets) ++badDebt;
      expect(morpho.liquidate(x)).toEqual(expected);
    }), runs(4 * RUNS));
    tally.saw("returns", PANIC, DIVISION, UINT128, "reverts: position is healthy", "reverts: inconsistent input");
    expect(badDebt).toBeGreaterThan(0);
  });

  test("liquidateAccrued", () => {
    const tally = new Tally();
    fc.assert(fc.property(accruing, liquidating, (m, x) => {
      const { totalBorrowShares: _, totalSupplyAssets, totalBorrowAssets, ...times } = m;
      const input = { ...x, ...times, ...(totalBorrowAssets % 3n === 0n && { totalSupplyAssets, totalBorrowAssets }) };
      const expected = said(() => reference.liquidateAccrued(input));
      tally.count(expected);
      expect(morpho.liquidateAccrued(input)).toEqual(expected);
    }), runs(2 * RUNS));
    tally.saw("returns", PANIC, "reverts: position is healthy", "reverts: inconsistent input", "reverts: market not created");
  });

  test("liquidateAccrued is liquidate after accrue", () => {
    let done = 0;
    fc.assert(fc.property(accruing, liquidating, (m, x) => {
      const { totalBorrowShares: _, ...times } = m, input = { ...x, ...times };
      const after = morpho.accrue({ ...m, totalBorrowShares: x.totalBorrowShares }), answer = morpho.liquidateAccrued(input);
      if (after.reverts || answer.reverts) return;
      const { totalSupplyAssets, totalBorrowAssets } = after;
      const { seizedAssets, repaidShares, collateral, borrowShares, price, lltv, totalBorrowShares } = x;
      expect(answer).toMatchObject(morpho.liquidate({ seizedAssets, repaidShares, collateral, borrowShares, price, lltv, totalBorrowShares, totalSupplyAssets, totalBorrowAssets }));
      ++done;
    }), runs(RUNS));
    expect(done).toBeGreaterThan(0);
  });

  /** A position in the band between the pre-liquidation's LLTV and the market's, or just outside. */
  const preLiquidating = fc.tuple(
    record({
      ...position, collateral: [between(1n, 10n ** 15n), u128], totalBorrowAssets: [between(1n, 10n ** 15n), u128], price: [between(10n ** 35n, 10n ** 37n), u256], marketPrice: [usual.price, u256],
      preLltv: [between(0n, WAD), u256], preLCF1: [between(0n, WAD), u256], preLCF2: [between(0n, WAD), u256], preLIF1: [between(WAD, WAD + WAD / 50n), u256], preLIF2: [between(WAD, WAD + WAD / 50n), u256],
      seizedAssets: [usual.collateral, u256], repaidShares: [usual.shares, u256],
    }),
    between(0n, 1000n), fc.constantFrom("none", "none", "none", "line", "preLine", "repayable", "tiny", "market", "whole", "parameters"), fc.constantFrom("seized", "repaid", "repaid", "both", "neither"), nudge,
  ).map(([x, part, edge, by, d]) => {
    const preLltv = (x.lltv * (500n + part / 2n)) / 1001n, order = edge !== "parameters";
    const [preLCF1, preLCF2] = order && x.preLCF1 > x.preLCF2 ? [x.preLCF2, x.preLCF1] : [x.preLCF1, x.preLCF2];
    const [preLIF1, preLIF2] = order && x.preLIF1 > x.preLIF2 ? [x.preLIF2, x.preLIF1] : [x.preLIF1, x.preLIF2];
    const quoted = (x.collateral * x.price) / ORACLE, most = (quoted * x.lltv) / WAD, least = (quoted * preLltv) / WAD;
    const borrowed = edge === "line" ? most + d : edge === "preLine" ? least + d : least + ((most - least) * (part + 1n)) / 1002n;
    const totalBorrowShares = atLeast0(x.totalBorrowAssets * 10n ** 6n, 128); // a share is a millionth of an asset
    const borrowShares = atLeast0((borrowed * (totalBorrowShares + 10n ** 6n)) / (x.totalBorrowAssets + 1n), 128);
    const base = {
      ...x, borrowShares, totalBorrowShares, preLCF1, preLCF2, preLIF1, preLIF2, ...(order && { preLltv }),
      marketPrice: edge === "market" ? atLeast0(x.price - (x.price * part) / 10_000n) : x.marketPrice % 5n ? x.price : x.marketPrice,
      ...(edge === "whole" && { preLCF1: WAD, preLCF2: WAD + WAD / 100n }),
    };
    const some = (all: bigint, amount: bigint) => (all === 0n ? 1n : (amount % (all / 20n + 1n)) || 1n);
    const seizedAssets = by === "seized" || by === "both" ? (edge === "tiny" ? 1n : some(x.collateral, x.seizedAssets)) : 0n;
    let repaidShares = by === "repaid" || by === "both" ? (edge === "tiny" ? 1n : some(borrowShares, x.repaidShares)) : 0n;
    if (repaidShares && (edge === "repayable" || edge === "whole")) {
      const most = edge === "whole" ? { repayableShares: borrowShares } : outcome(() => reference.preLiquidate({ ...base, seizedAssets: 0n, repaidShares: 1n, marketPrice: 10n ** 60n }));
      if (!("reverts" in most)) repaidShares = most.repayableShares + d;
    }
    return { ...base, seizedAssets, repaidShares: atLeast0(repaidShares) };
  });

  test("preLiquidate", () => {
    const tally = new Tally();
    fc.assert(fc.property(preLiquidating, (x) => {
      const expected = said(() => reference.preLiquidate(x));
      tally.count(expected);
      expect(morpho.preLiquidate(x)).toEqual(expected);
    }), runs(8 * RUNS));
    tally.saw(
      "returns", PANIC, "reverts: PreLltvTooHigh()", "reverts: PreLCFDecreasing()", "reverts: PreLCFTooHigh()", "reverts: PreLIFTooLow()", "reverts: PreLIFDecreasing()",
      "reverts: PreLIFTooHigh()", "reverts: InconsistentInput()", "reverts: LiquidatablePosition()", "reverts: NotPreLiquidatablePosition()",
      "reverts: PreLiquidationTooLarge(uint256,uint256)", "reverts: insufficient collateral", "reverts: zero assets",
    );
  });

  test("the most that can be pre-liquidated, as Morpho's own SDK expects it", () => {
    // morpho-org/sdks@cdff8c45 packages/blue-sdk/src/position/PreLiquidationPosition.test.ts
    const x = {
      totalBorrowAssets: 1000000000000n, totalBorrowShares: 1000000000000000000n, collateral: 200000000000n, borrowShares: 170000000000000000n, lltv: 860000000000000000n,
      price: ORACLE, marketPrice: ORACLE, preLltv: 800000000000000000n, preLCF1: 200000000000000000n, preLCF2: 800000000000000000n, preLIF1: 1010000000000000000n, preLIF2: 1010000000000000000n,
    };
    const some = morpho.preLiquidate({ ...x, seizedAssets: 1n, repaidShares: 0n });
    if (some.reverts) throw new Error(some.reason);
    expect(morpho.preLiquidate({ ...x, seizedAssets: 0n, repaidShares: some.repayableShares })).toMatchObject({ reverts: false, seizedAssets: 120189999998n });
    expect(morpho.preLiquidate({ ...x, seizedAssets: 0n, repaidShares: some.repayableShares + 1n })).toEqual({ reverts: true, reason: "PreLiquidationTooLarge(uint256,uint256)" });
  });

  test("a pre-liquidation repays no more than it may, and leaves a healthy position", () => {
    let done = 0;
    fc.assert(fc.property(preLiquidating, (x) => {
      const answer = morpho.preLiquidate(x);
      if (answer.reverts) return;
      ++done;
      const { lltv, marketPrice: price } = x;
      expect(morpho.isHealthy({
        collateral: answer.collateralAfter, borrowShares: answer.borrowSharesAfter, totalBorrowAssets: answer.totalBorrowAssetsAfter, totalBorrowShares: answer.totalBorrowSharesAfter, lltv, price,
      })).toMatchObject({ healthy: true });
      expect(answer.repaidShares <= answer.repayableShares).toBe(true);
    }), runs(RUNS));
    expect(done).toBeGreaterThan(0);
  });
});

describe("liquidationPrice", () => {
  const input = fc.oneof(
    record({
      collateral: [usual.collateral, u128], borrowShares: [usual.shares, u128], totalBorrowAssets: [usual.assets, u128], totalBorrowShares: [usual.shares, u128], lltv: [usual.lltv, u256],
    }),
    fc.record({ collateral: ofAnyWidth(128), borrowShares: u128, totalBorrowAssets: u128, totalBorrowShares: u128, lltv: ofAnyWidth(64) }),
  );

  test("against the reference", () => {
    const kinds = new Set<unknown>();
    fc.assert(fc.property(input, (x) => {
      const expected = reference.liquidationPrice(x);
      kinds.add(typeof expected === "bigint" ? "price" : expected);
      expect(morpho.liquidationPrice(x)).toBe(expected);
    }), { ...runs(3 * RUNS), examples: [
      [{ collateral: 1n, borrowShares: MAX128, totalBorrowAssets: MAX128 - 2n, totalBorrowShares: 0n, lltv: 1n }],
      [{ collateral: MAX128, borrowShares: MAX128, totalBorrowAssets: MAX128, totalBorrowShares: 0n, lltv: MAX256 }],
      [{ collateral: 1n, borrowShares: MAX128, totalBorrowAssets: MAX128, totalBorrowShares: MAX128, lltv: 1n }],
      [{ collateral: 1n, borrowShares: 1n, totalBorrowAssets: 0n, totalBorrowShares: 0n, lltv: 0n }],
      [{ collateral: 0n, borrowShares: 0n, totalBorrowAssets: 1n, totalBorrowShares: 1n, lltv: 1n }],
    ] });
    expect([...kinds].sort()).toEqual(["always", "never", "price", "reverts"]);
  });

  test("by its definition: not healthy one below it, healthy there and at every price above", () => {
    fc.assert(fc.property(input, fc.array(fc.oneof(ofAnyWidth(64), ofAnyWidth(140)), { minLength: 4, maxLength: 4 }), (x, above) => {
      const price = morpho.liquidationPrice(x);
      if (typeof price !== "bigint") return;
      const healthy = (at: bigint) => (at > MAX256 ? undefined : morpho.isHealthy({ ...x, price: at }));
      // where the product overflows the contract answers nothing
      for (const at of [price, ...above.map((d) => price + d)]) {
        const answer = healthy(at);
        if (answer && !answer.reverts) expect(answer.healthy).toBe(true);
      }
      const below = healthy(price - 1n);
      if (below && !below.reverts) expect(below.healthy).toBe(false);
    }), runs(RUNS));
  });

  test("a position of a market on the chain", () => {
    const x = { totalBorrowAssets: 30448219939637n, totalBorrowShares: 29909458369905209203n, lltv: 860000000000000000n, collateral: WAD, borrowShares: 1960114976021943000n };
    const price = morpho.liquidationPrice(x) as bigint;
    expect(price).toBe(reference.liquidationPrice(x));
    expect(morpho.isHealthy({ ...x, price })).toMatchObject({ healthy: true });
    expect(morpho.isHealthy({ ...x, price: price - 1n })).toMatchObject({ healthy: false });
  });
});

describe("inputs", () => {
  const position = { collateral: 1n, borrowShares: 1n, totalBorrowAssets: 1n, totalBorrowShares: 1n, lltv: 1n };
  const liquidate = { ...position, price: 1n, seizedAssets: 1n, repaidShares: 0n, totalSupplyAssets: 1n };
  const { totalSupplyAssets: _, ...amounts } = liquidate;
  const narrow = ["totalSupplyAssets", "totalSupplyShares", "totalBorrowAssets", "totalBorrowShares", "collateral", "borrowShares", "fee", "lastUpdate"];
  refusalTests("morpho", morpho, {
    accrue: { totalSupplyAssets: 1n, totalSupplyShares: 1n, totalBorrowAssets: 1n, totalBorrowShares: 1n, fee: 1n, lastUpdate: 1n, timestamp: 1n, rateAtTarget: 1n, irm: "none" },
    wExp: { x: 1n },
    wTaylor: { x: 1n, n: 1n },
    isHealthy: { ...position, price: 1n },
    liquidationPrice: position,
    liquidationIncentiveFactor: { lltv: 1n },
    liquidate,
    liquidateAccrued: { ...liquidate, totalSupplyShares: 1n, fee: 1n, lastUpdate: 1n, timestamp: 1n, rateAtTarget: 1n },
    preLiquidate: { ...amounts, marketPrice: 1n, preLltv: 1n, preLCF1: 1n, preLCF2: 1n, preLIF1: 1n, preLIF2: 1n },
  }, { ...Object.fromEntries(narrow.map((name) => [name, "uint128" as const])), rateAtTarget: "int256", "morpho.wExp.x": "int256", irm: "?" });
});

describe("the exact pass over many positions, which divides only where it must", () => {
  /** A market of any scale: the line lies anywhere from 2^−70 to 2^130 shares for a unit of collateral, and beyond. */
  const figures = fc.record({
    price: fc.oneof(between(10n ** 20n, 10n ** 52n), ofAnyWidth(200)), lltv: fc.oneof(usual.lltv, ofAnyWidth(64)),
    totalBorrowAssets: ofAnyWidth(127), totalBorrowShares: fc.oneof(ofAnyWidth(128), between(0n, 100n)),
  });
  const same = figures.chain((one) => fc.oneof(
    fc.constant(one), ofAnyWidth(108).map((assets) => ({ ...one, totalBorrowAssets: assets, totalBorrowShares: assets * 1_000_000n })),
  ));
  /** What a position may owe at most, in shares, and a little beside that: both roundings, one unit either side, the slack of the proof. */
  const near = fc.tuple(fc.oneof(ofAnyWidth(128), between(0n, 10n ** 24n)), fc.constantFrom(-3n, -2n, -1n, 0n, 1n, 2n, 3n), nudge, fc.oneof(fc.constant(true), fc.boolean()), ofAnyWidth(128));

  test("agrees with the contract's rule", () => {
    const book = openBook(morpho), seen = new Set<string>();
    fc.assert(fc.property(same, fc.array(near, { minLength: 1, maxLength: 70 }), (figures, drawn) => {
      const { price, lltv, totalBorrowAssets, totalBorrowShares } = figures, over = totalBorrowAssets + 1n, of = totalBorrowShares + 1_000_000n;
      const positions = drawn.map(([collateral, assets, shares, onLine, any]) => {
        const most = collateral * price / ORACLE * lltv / WAD, borrowShares = onLine ? atLeast0((most + assets) * of / over + shares, 128) : any;
        return { collateral, borrowShares };
      });
      const market = book.addMarket(figures);
      const ids = book.load(market, { collateral: column(positions.map(({ collateral }) => collateral)), borrowShares: column(positions.map(({ borrowShares }) => borrowShares)) });
      const statuses = positions.map((position) => {
        const answer = outcome(() => reference.isHealthy({ ...position, ...figures }));
        return "reverts" in answer ? "reverts" : answer.healthy ? "safe" : "unsafe";
      });
      for (const screen of ["off", "zones", "off"] as const) for (const status of ["unsafe", "reverts"] as const) {
        expect([...book.scan({ screen, market, status, idsOnly: true }).ids]).toEqual([...ids].filter((_, i) => statuses[i] === status));
      }
      for (const status of statuses) seen.add(status);
      book.removeMany(ids);
    }), runs(1500));
    expect([...seen].sort()).toEqual(["reverts", "safe", "unsafe"]);
  });
});
