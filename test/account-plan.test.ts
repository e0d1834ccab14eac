/** Plans of accounts against a brute-force simulation: every pair of every account tried by the reference in turn, the account as each call leaves it. */
import fc from "fast-check";
import { type AccountPlanOptions, PlimsollError, openBook } from "plimsoll";
import { type AaveV3, aaveV3 } from "plimsoll/aave-v3";
import { comet } from "plimsoll/comet";
import { compoundV2 } from "plimsoll/compound-v2";
import { describe, expect, test, vi } from "vitest";
import { type Account, type Adapter, type Leg, type World, aave, aaveInput, account, cometAccount, cometAdapter, cometView, compound, compoundViews, copyOf } from "./account-twin.js";
import { Dice, MAX256, RAY, WAD, runs, seed } from "./arbitraries.js";
import { accountWith, bisect, randomAccount, randomMarket } from "./account-worlds.js";
import * as aaveReference from "./reference/aave-v3.js";
import * as cometReference from "./reference/comet.js";
import * as compoundReference from "./reference/compound-v2.js";
import { outcome } from "./reference/solidity.js";
import { keyOf } from "./twin.js";

vi.setConfig({ testTimeout: 240_000 });

/** What one call brings before gas, in the unit of value; what the plan says of it; and the account after it. */
interface Call { readonly gross: bigint; readonly cost: bigint; readonly step: { readonly debt: number | undefined; readonly collateral: number | undefined }; readonly after: Account; readonly take?: () => void }
interface Terms { readonly budget?: bigint; readonly discount: bigint }
/** A protocol's calls of an account: by pair of debt and collateral, in the order in which the first of equals is taken. */
type Calls = (one: Account, terms: Terms) => Iterable<Call>;

const sold = (value: bigint, discount: bigint) => (value * (WAD - discount)) / WAD;
const positive = (x: bigint | undefined) => (x === undefined || x < 0n ? 0n : x);

function best(calls: Iterable<Call>): Call | undefined {
  let found: Call | undefined;
  for (const call of calls) if (!found || call.gross > found.gross) found = call;
  return found;
}

function simulate(
  accounts: ReadonlyMap<number, Account>, keys: ReadonlyMap<number, string>, judge: ReturnType<Adapter["judge"]>, begin: () => Calls,
  { order = "profit", limit = 100, minDebt = 0n, budget, gas = 0n, discount = 0n, minProfit = 0n, markets }: AccountPlanOptions,
): object[] {
  const calls = begin(), unsafe = [...accounts].map(([id, one]) => ({ id, one, judged: judge(one) })).filter(({ judged: { status, debt } }) => status === "unsafe" && debt >= minDebt);
  const ranked = unsafe.map(({ id, one, judged }) => ({ id, one, judged, gain: order === "profit" ? positive(best(calls(one, { discount: 0n }))?.gross) : 0n })).sort((a, b) => {
    const by = order === "profit" ? b.gain - a.gain : order === "debt" ? b.judged.debt - a.judged.debt : a.judged.over * b.judged.under - b.judged.over * a.judged.under;
    return by ? (by < 0n ? -1 : 1) : keys.get(a.id)! < keys.get(b.id)! ? -1 : 1;
  });
  const steps: object[] = [];
  let left = budget;
  for (const { id, one } of ranked) for (let now = one; steps.length < limit;) {
    const among = [...calls(now, { ...(left === undefined ? {} : { budget: left }), discount })], call = best(among.filter(({ step: { debt, collateral } }) => !markets || (markets.includes(debt!) && markets.includes(collateral!))));
    if (!call || call.gross < minProfit + gas) break;
    if (left !== undefined) left -= call.cost;
    steps.push({ id, key: keys.get(id), ...call.step, profit: call.gross - gas });
    now = call.after;
    call.take?.();
  }
  return steps;
}

const optionsOf = (dice: Dice, unit: bigint): AccountPlanOptions => ({
  ...(dice.chance(0.4) ? { limit: dice.below(12) } : {}), ...(dice.chance(0.4) ? { gas: unit / 100n * BigInt(dice.below(5000)) } : {}),
  ...(dice.chance(0.4) ? { discount: WAD / 1000n * BigInt(dice.below(80)) } : {}), ...(dice.chance(0.4) ? { minProfit: dice.pick([-unit, -(10n ** 40n), 0n, 1n, unit * 10n]) } : {}),
  ...(dice.chance(0.4) ? { budget: unit * 10n ** BigInt(dice.below(6)) + dice.uint(30) } : {}), ...(dice.chance(0.5) ? { order: dice.pick(["riskiest", "debt", "profit"]) } : {}),
  ...(dice.chance(0.2) ? { minDebt: unit * BigInt(dice.below(3000)) } : {}),
});

// ---- Aave

type Ints = Record<string, bigint>;
const DUST = /MustNotLeaveDust|MUST_NOT_LEAVE_DUST/;

function aaveCalls(revision: number, world: World, at: bigint | undefined, meet: (what: string) => void): Calls {
  return function* (one, { budget, discount }) {
    const input = aaveInput(revision, world, one, at), ids = [...one.legs.keys()].sort((a, b) => a - b);
    const category = world.categories.get(one.category) as Ints | undefined, priced = revision < 5 && category?.["eModeAssetPrice"] ? category["eModeAssetPrice"] : undefined;
    for (const debtId of ids) for (const collateralId of ids) {
      const seizing = world.markets[collateralId]!, owing = world.markets[debtId]!, unitOf = (figures: Ints) => BigInt.asUintN(256, 10n ** figures["decimals"]!);
      const price = priced && seizing["eModeCategory"] === BigInt(one.category) ? priced : seizing["assetPrice"]!, debtPrice = priced ?? owing["assetPrice"]!;
      const worthOf = (units: bigint) => units * price / unitOf(seizing), costOf = (units: bigint) => (units * debtPrice + (revision < 9 ? 0n : unitOf(owing) - 1n)) / unitOf(owing);
      const ask = (debtToCover: bigint) => aaveReference.liquidationCall(revision, { ...input, debtReserveId: BigInt(debtId), collateralReserveId: BigInt(collateralId), debtToCover });
      const leavesDust = (answer: ReturnType<typeof ask>) => "reverts" in answer && DUST.test(answer.reason);
      const cap = budget === undefined || !debtPrice ? MAX256 : revision < 9 ? ((budget + 1n) * unitOf(owing) + debtPrice - 1n) / debtPrice - 1n : budget * unitOf(owing) / debtPrice;
      let done = ask(cap < MAX256 ? cap : MAX256);
      if (leavesDust(done)) done = ask(bisect(cap < MAX256 ? cap : MAX256, (x) => !leavesDust(ask(x))));
      if ("reverts" in done) continue;
      if (done.actualDebtToLiquidate > 0n && leavesDust(ask(cap))) meet("dust left out");
      const { healthFactor, actualDebtToLiquidate: repaid, actualCollateralToLiquidate: seized, userConfigAfter, deficits = [] } = done, after = copyOf(one);
      after.legs.get(collateralId)!.supply = done.scaledATokenBalanceAfter;
      for (const { id } of deficits) after.legs.get(Number(id))!.debt = 0n;
      after.legs.get(debtId)!.debt = done.scaledVariableDebtAfter;
      for (const [id, leg] of after.legs) {
        leg.isBorrowed = (userConfigAfter >> BigInt(2 * id) & 1n) === 1n;
        leg.isCollateral = (userConfigAfter >> BigInt(2 * id + 1) & 1n) === 1n;
      }
      const left = aaveReference.accountData(revision, aaveInput(revision, world, after, at)), value = worthOf(seized), cost = costOf(repaid);
      if ("reverts" in left) throw new Error(left.reason);
      yield {
        gross: sold(value, discount) - cost, cost, after,
        step: {
          debt: debtId, collateral: collateralId, repaid, seized, fee: done.liquidationProtocolFeeAmount, bonus: value - cost, toxic: left.healthFactor < healthFactor,
          badDebt: deficits.length > 0 || (!left.totalCollateralBase && left.totalDebtBase > 0n), liquidation: done,
        },
      };
    }
  };
}

function aaveWorld(dice: Dice, revision: number): World {
  const adapter = aave(revision), markets = Array.from({ length: 2 + dice.below(6) }, () => {
    const decimals = BigInt(dice.pick([0, 2, 6, 6, 8, 18, 18, 18])), bonus = BigInt(dice.pick([10000, 10100, 10450, 10500, 10500, 11000, 11500]));
    return adapter.market({
      decimals, assetPrice: dice.pick([10n ** 8n, 99_990_000n, 2000n * 10n ** 8n, 60_000n * 10n ** 8n, 1234567n]) + BigInt(dice.below(100000)), liquidationBonus: bonus, liquidationProtocolFee: BigInt(dice.pick([0, 1000, 2000, 10000])),
      liquidationThreshold: BigInt(dice.pick([0, 5000, 7500, 8000, 8300])), liquidityIndex: RAY + dice.uint(88), variableBorrowIndex: RAY + dice.uint(88), currentLiquidityRate: dice.uint(85), currentVariableBorrowRate: dice.uint(85),
      lastUpdateTimestamp: BigInt(dice.below(2000)), ...(revision < 5 ? { eModeCategory: BigInt(dice.below(2)) } : {}),
    });
  });
  const category: Ints = { ltv: 9000n, liquidationThreshold: 9300n, liquidationBonus: BigInt(dice.pick([10100, 10200])), ...(revision < 5 ? { eModeAssetPrice: dice.pick([0n, 0n, 10n ** 8n]) } : { collateralBitmap: BigInt(dice.below(256)) }) };
  return { markets, system: {}, categories: new Map([[1, category]]) };
}

/** An account of some dollars near the line, of several assets on both sides. */
function aaveAccount(dice: Dice, { markets }: World): Account {
  const small = dice.chance(0.4), dollars = small ? BigInt(1000 + dice.below(7000)) : 10n ** BigInt(1 + dice.below(5)) * BigInt(1 + dice.below(90)), health = BigInt(small ? 90 + dice.below(10) : 45 + dice.below(60));
  return accountWith(dice, markets, (figures, share, owed) => {
    const units = dollars * share * 10n ** (figures["decimals"]! + 8n) / (figures["assetPrice"]! * 100n), index = figures[owed ? "variableBorrowIndex" : "liquidityIndex"]!;
    return (owed ? units * 80n / health : units) * RAY / index;
  }, dice.chance(0.3) ? 1 : 0);
}

// ---- Compound

const said = <T extends object>(compute: () => T): T | undefined => {
  const answer = outcome(compute);
  return "reverts" in answer ? undefined : answer as T;
};

function compoundCalls(rounding: compoundReference.Rounding, world: World, at: bigint | undefined, meet: (what: string) => void): Calls {
  const views = compoundViews(world, at) as Ints[], { closeFactorMantissa, liquidationIncentiveMantissa } = world.system as { closeFactorMantissa: bigint; liquidationIncentiveMantissa: bigint };
  const assetOf = (id: number, { supply, debt, index }: Leg): compoundReference.Asset => ({
    ...views[id]!, cTokenBalance: supply, borrowBalance: compoundReference.borrowBalance({ principal: debt, borrowIndex: views[id]!["borrowIndex"]!, interestIndex: index }).borrowBalance,
  }) as unknown as compoundReference.Asset;
  const entered = ([, one]: [number, Leg]) => one.isCollateral || one.isBorrowed;
  const figures = (one: Account) => {
    const sums = [...one.legs].filter(entered).map(([id, held]) => assetOf(id, held)).map(({ collateralFactorMantissa: factor, exchangeRateMantissa: rate, oraclePriceMantissa: price, cTokenBalance, borrowBalance }) => {
      const half = rounding === "half-up" ? WAD / 2n : 0n;
      return [((factor * rate + half) / WAD * price + half) / WAD * cTokenBalance / WAD, price * borrowBalance / WAD] as const;
    });
    const collateral = sums.reduce((sum, [x]) => sum + x, 0n), debt = sums.reduce((sum, [, x]) => sum + x, 0n);
    return { debt, health: debt ? collateral * WAD / debt : MAX256 };
  };
  return function* (one, { budget, discount }) {
    const legs = [...one.legs].sort(([a], [b]) => a - b), assets = legs.filter(entered).map(([id, held]) => assetOf(id, held));
    for (const [debtId, owing] of legs) if (owing.debt && owing.isBorrowed) for (const [collateralId, holding] of legs) if (holding.supply) {
      const borrowed = assetOf(debtId, owing), collateral = assetOf(collateralId, holding), view = views[collateralId]!, valued = (units: bigint) => borrowed.oraclePriceMantissa * units / WAD;
      const share = view["protocolSeizeShareMantissa"]!;
      const ask = (repayAmount: bigint) => said(() => compoundReference.liquidateBorrow({ assets, borrowed, collateral, closeFactorMantissa, liquidationIncentiveMantissa, protocolSeizeShareMantissa: share, repayAmount }, rounding));
      const fits = (units: bigint) => units === 0n || ((budget === undefined || valued(units) <= budget) && ask(units) !== undefined);
      if (!ask(1n)) continue;
      const done = ask(bisect(borrowed.borrowBalance, fits));
      if (!done) continue;
      if (done.accountTokensNew < 2n) meet("collateral gone");
      if (!entered([collateralId, holding])) meet("not entered");
      const { actualRepayAmount: repaid, liquidatorSeizeTokens: seized, protocolSeizeTokens: fee } = done, after = copyOf(one);
      Object.assign(after.legs.get(debtId)!, { debt: done.accountBorrowsNew, index: views[debtId]!["borrowIndex"]! });
      after.legs.get(collateralId)!.supply = done.accountTokensNew;
      const value = collateral.oraclePriceMantissa * (collateral.exchangeRateMantissa * seized / WAD) / WAD, cost = valued(repaid), left = figures(after);
      yield {
        gross: sold(value, discount) - cost, cost, after,
        step: {
          debt: debtId, collateral: collateralId, repaid, seized, fee, bonus: value - cost, toxic: left.health < figures(one).health,
          badDebt: left.debt > 0n && ![...after.legs.values()].some(({ supply }) => supply), liquidation: done,
        },
        take: () => { // both markets, as repayBorrowFresh and seizeInternal leave them
          const owed = views[debtId]!;
          views[debtId] = { ...owed, cash: owed["cash"]! + repaid, totalBorrows: owed["totalBorrows"]! - repaid };
          const view = views[collateralId]!;
          if (!view["totalSupply"]) return;
          const next: Ints = { ...view, totalReserves: view["totalReserves"]! + done.protocolSeizeAmount, totalSupply: view["totalSupply"]! - fee };
          views[collateralId] = { ...next, exchangeRateMantissa: compoundReference.exchangeRate(next as unknown as compoundReference.ExchangeRateInput).exchangeRate };
          if (views[collateralId]["exchangeRateMantissa"] !== view["exchangeRateMantissa"]) meet("another exchange rate");
        },
      };
    }
  };
}

function compoundWorld(dice: Dice, adapter: Adapter, rounding: compoundReference.Rounding): World {
  const markets = Array.from({ length: 2 + dice.below(5) }, () => {
    const decimals = BigInt(dice.pick([0, 6, 8, 18, 18])), price = dice.pick([10n ** 18n, 2000n * WAD, 60_000n * WAD]) + dice.uint(50);
    const cash = 10n ** (27n + decimals) / price, totalBorrows = cash + dice.uint(20), exchangeRate = 2n * 10n ** (8n + decimals);
    return adapter.market({
      oraclePriceMantissa: price * 10n ** (18n - decimals), collateralFactorMantissa: dice.pick([0n, WAD / 2n, 8n * WAD / 10n, 825n * WAD / 1000n]), totalSupply: dice.chance(0.2) ? 0n : (cash + totalBorrows) * WAD / exchangeRate,
      initialExchangeRateMantissa: exchangeRate, cash, totalBorrows, totalReserves: dice.uint(10),
      borrowIndex: WAD + dice.uint(58), borrowRateMantissa: dice.uint(32), accrualBlockNumber: BigInt(dice.below(2000)), reserveFactorMantissa: WAD / 10n,
      protocolSeizeShareMantissa: rounding === "half-up" ? 0n : dice.pick([0n, 28n * 10n ** 15n, 28n * 10n ** 15n]),
    });
  });
  return { markets, categories: new Map(), system: { closeFactorMantissa: dice.pick([WAD / 2n, WAD / 2n, WAD, 2n * WAD, dice.uint(59)]), liquidationIncentiveMantissa: dice.pick([108n, 108n, 110n, 100n, 90n]) * 10n ** 16n } };
}

function compoundAccount(dice: Dice, world: World): Account {
  const dollars = 10n ** BigInt(18 + dice.below(6)) * BigInt(1 + dice.below(90)), health = BigInt(45 + dice.below(60)), views = compoundViews(world) as Ints[];
  const one = accountWith(dice, views, (figures, share, owed) => {
    const value = dollars * share / 100n, price = figures["oraclePriceMantissa"]!;
    return owed ? value * 80n * WAD / (health * price) : value * WAD / price * WAD / (figures["exchangeRateMantissa"]! || 1n);
  });
  for (const held of one.legs.values()) {
    held.index = held.debt ? WAD + dice.uint(57) : WAD;
    if (!held.debt && dice.chance(0.15)) held.isCollateral = false;
  }
  return one;
}

// ---- Comet

function cometCalls(world: World, at: bigint | undefined): Calls {
  const view = cometView(world, at);
  let totals = { totalSupplyBase: world.system["totalSupplyBase"]!, totalBorrowBase: world.system["totalBorrowBase"]! };
  return function* (one) {
    const input = view && cometAccount(view, one), done = input && said(() => cometReference.absorb({ ...input, ...totals }));
    if (!done) return;
    const { assets, basePrice, baseScale } = input, seized = assets.reduce((sum, { balance, price, scale }) => sum + balance * price / scale, 0n);
    const covered = assets.reduce((sum, { balance, price, scale, liquidationFactor }) => sum + balance * price / scale * liquidationFactor / WAD, 0n) * baseScale / basePrice;
    yield {
      gross: 0n, cost: 0n, after: { ...one, principal: done.newPrincipal, legs: new Map<number, Leg>() },
      step: {
        debt: undefined, collateral: undefined, repaid: done.basePaidOut, seized, fee: 0n, bonus: seized - done.valueOfBasePaidOut, toxic: false, badDebt: covered < done.basePaidOut,
        liquidation: done,
      },
      take: () => { totals = { totalSupplyBase: done.totalSupplyBaseAfter, totalBorrowBase: done.totalBorrowBaseAfter }; },
    };
  };
}

/** Opens a book of a world, with its accounts, and compares a plan. */
function compare(
  dice: Dice, adapter: Adapter, world: World, make: () => Account, unit: bigint, calls: (at: bigint | undefined) => Calls, meet: (what: string, when?: boolean) => void,
): void {
  const book = openBook(adapter.protocol as AaveV3, { keyBytes: 20 }), accounts = new Map<number, Account>(), keys = new Map<number, string>();
  const at = dice.chance(0.3) ? 2000n + dice.uint(26) : undefined;
  if (Object.keys(world.system).length) book.setSystem(world.system as never);
  for (const figures of world.markets) book.addMarket(figures as never);
  for (const [id, figures] of world.categories) book.setCategory(id, figures as never);
  for (let i = 1; i < 16; ++i) {
    const one = make(), id = book.add(adapter.input(one) as never, keyOf(i));
    accounts.set(id, one);
    keys.set(id, keyOf(i));
  }
  const some = world.markets.map((_, i) => i).filter(() => dice.chance(0.7));
  const options = { ...optionsOf(dice, unit), ...(adapter !== cometAdapter && dice.chance(0.2) ? { markets: some } : {}), ...(at === undefined ? {} : { at }) };
  const stored = () => [...accounts.keys()].map((id) => book.inspect(id, at === undefined ? {} : { at })), before = stored(), figures = world.markets.map((_, i) => book.market(i));
  const steps = book.plan(options);
  expect(stored()).toEqual(before); // nothing has changed
  expect(world.markets.map((_, i) => book.market(i))).toEqual(figures);
  expect(steps).toEqual(simulate(accounts, keys, adapter.judge(world, at), () => calls(at), options));
  meet("steps", steps.length > 3);
  meet("another call", steps.some(({ id }, i) => steps[i + 1]?.id === id));
  meet("another pair", steps.some(({ id, debt, collateral }, i) => steps[i + 1]?.id === id && (steps[i + 1]!.debt !== debt || steps[i + 1]!.collateral !== collateral)));
  meet("toxic", steps.some(({ toxic }) => toxic));
  meet("bad debt", steps.some(({ badDebt }) => badDebt));
  meet("budget", options.budget !== undefined && steps.length > 0);
}

/** Runs a property until it has met with each of these, a few times over: what is rare may need more runs, what never comes is an error. */
function met(whats: readonly string[], count: number, property: (dice: Dice, meet: (what: string, when?: boolean) => void) => void): void {
  const times = new Map<string, number>();
  const missing = () => whats.filter((what) => (times.get(what) ?? 0) < 3);
  for (let round = 0; round < 10 && (round === 0 || missing().length); ++round) {
    fc.assert(fc.property(seed, (start) => property(new Dice(start), (what, when = true) => { if (when) times.set(what, (times.get(what) ?? 0) + 1); })), runs(count));
  }
  expect(missing()).toEqual([]);
}

describe("a plan of accounts is a simulation with each account carried along", () => {
  const always = ["steps", "another call", "another pair", "toxic", "budget"];
  for (const revision of [1, 4, 5, 7, 8, 9, 10, 11]) test(`aave, revision ${revision}`, () => {
    met([...always, "bad debt", ...(revision < 7 ? [] : ["dust left out"])], 60, (dice, meet) => {
      const adapter = aave(revision), world = aaveWorld(dice, revision);
      compare(dice, adapter, world, () => (dice.chance(0.1) ? randomAccount(dice, adapter, world) : aaveAccount(dice, world)), 10n ** 8n, (at) => aaveCalls(revision, world, at, meet), meet);
    });
  });
  test("aave, the last unit that leaves no dust, where units of collateral are coarse and it is they that bind", () => {
    met(["dust left out"], 40, (dice, meet) => {
      const revision = dice.pick([7, 8, 9, 10, 11]), adapter = aave(revision), price = 10n ** 8n + BigInt(dice.below(10 ** 9)), power = BigInt(dice.below(3)), bonus = BigInt(11_000 + dice.below(900));
      const markets = [
        adapter.market({ decimals: power, assetPrice: price, liquidationThreshold: 9500n, liquidationBonus: bonus, liquidationProtocolFee: BigInt(dice.below(3000)), liquidityIndex: RAY }),
        adapter.market({ decimals: BigInt(dice.pick([6, 18])), assetPrice: 10n ** 8n + BigInt(dice.below(10 ** 6)), variableBorrowIndex: RAY }),
      ];
      const world: World = { markets, system: {}, categories: new Map() }, unit = 10n ** markets[1]!["decimals"]!;
      compare(dice, adapter, world, () => {
        const dollars = BigInt(2010 + dice.below(330)), supply = dollars * 10n ** (8n + power) / price + 1n, debt = supply * price / 10n ** power * 99n * unit / (100n * markets[1]!["assetPrice"]!);
        return account([[0, { supply }], [1, { debt }]]);
      }, 10n ** 8n, (at) => aaveCalls(revision, world, at, meet), meet);
    });
  });
  for (const rounding of ["truncate", "half-up"] as const) test(`compound, ${rounding}`, () => {
    met([...always, "bad debt", "collateral gone", "not entered", ...(rounding === "truncate" ? ["another exchange rate"] : [])], 50, (dice, meet) => {
      const adapter = compound(rounding), world = compoundWorld(dice, adapter, rounding);
      compare(dice, adapter, world, () => compoundAccount(dice, world), WAD, (at) => compoundCalls(rounding, world, at, meet), meet);
    });
  });
  test("comet", () => {
    met(["steps", "bad debt"], 150, (dice, meet) => {
      const world: World = { markets: Array.from({ length: 1 + dice.below(6) }, () => randomMarket(dice, cometAdapter)), categories: new Map(), system: cometAdapter.system! };
      compare(dice, cometAdapter, world, () => randomAccount(dice, cometAdapter, world), 10n ** 8n, (at) => cometCalls(world, at), meet);
    });
  });
});

describe("what a plan of accounts is asked", () => {
  const open = () => {
    const book = openBook(aaveV3({ revision: 11 })), index = { liquidityIndex: RAY, variableBorrowIndex: RAY };
    const markets = [0, 1].map(() => book.addMarket({ decimals: 0n, liquidationThreshold: 8000n, liquidationBonus: 10500n, assetPrice: 10n ** 8n, ...index }));
    const borrow = (supply: bigint, debt: bigint) => book.add({ reserves: [...(supply ? [{ reserve: 0, scaledATokenBalance: supply }] : []), { reserve: 1, scaledVariableDebt: debt }] });
    return { book, markets, borrow };
  };

  test("the order by profit is that of the best calls, and what brings nothing comes last, by id", () => {
    const { book, borrow } = open(), ids = [borrow(10_000n, 9000n), borrow(0n, 5000n), borrow(100_000n, 81_000n), borrow(0n, 7000n), borrow(50_000n, 10_000n)] as const;
    const order = [ids[2], ids[0], ids[1], ids[3]];
    expect([...book.scan({ order: "profit", idsOnly: true }).ids]).toEqual(order);
    for (const limit of [0, 1, 2, 3, 4]) expect([...book.scan({ order: "profit", limit }).ids]).toEqual(order.slice(0, limit));
    expect(book.plan().map(({ id, debt, collateral, repaid, seized, bonus }) => ({ id, debt, collateral, repaid, seized, bonus }))).toEqual([
      { id: ids[2], debt: 1, collateral: 0, repaid: 40_500n, seized: 42_525n, bonus: 2025n * 10n ** 8n },
      { id: ids[0], debt: 1, collateral: 0, repaid: 9000n, seized: 9450n, bonus: 450n * 10n ** 8n },
    ]);
  });

  test("a budget buys a part, and the last of it no dust", () => {
    const { book, borrow } = open(), id = borrow(10_000n, 9000n), repaid = (budget: bigint) => book.plan({ budget: budget * 10n ** 8n }).map((step) => step.repaid);
    expect([repaid(9000n), repaid(8999n), repaid(8000n), repaid(7999n), repaid(0n)]).toEqual([[9000n], [8000n], [8000n], [7999n], []]);
    expect(book.inspect(id).status).toBe("unsafe");
  });

  test("a Compound without its Comptroller's figures liquidates nothing", () => {
    const book = openBook(compoundV2), market = book.addMarket({ oraclePriceMantissa: WAD, collateralFactorMantissa: WAD / 2n, initialExchangeRateMantissa: WAD });
    const id = book.add({ assets: [{ market, cTokenBalance: 100n * WAD, principal: 60n * WAD }] });
    expect([...book.scan().ids]).toEqual([id]);
    expect(book.plan()).toEqual([]);
    book.setSystem({ closeFactorMantissa: WAD / 2n });
    book.setSystem({ liquidationIncentiveMantissa: WAD * 108n / 100n });
    expect(book.plan({ limit: 1 })).toMatchObject([{ id, debt: market, collateral: market, repaid: 30n * WAD, seized: 324n * WAD / 10n * 972n / 1000n, fee: 324n * WAD / 10n * 28n / 1000n }]);
  });

  test("what is wrong is refused, and nothing has changed", () => {
    const { book, borrow } = open(), id = borrow(10_000n, 9000n), before = book.inspect(id);
    for (const options of [{ limit: -1 }, { limit: 1.5 }, { budget: -1n }, { budget: 5 }, { gas: -1n }, { discount: WAD + 1n }, { order: "liquidationPrice" }, { order: "first" }, { minProfit: 1 }, { market: 0 }, { markets: 0 }, { markets: [2] }, { price: 1n }] as unknown as AccountPlanOptions[]) {
      expect(() => book.plan(options)).toThrow(PlimsollError);
    }
    expect(book.inspect(id)).toEqual(before);
    expect(() => openBook(comet).plan({ markets: [] })).toThrow(expect.objectContaining({ code: "invalid-argument" }));
    expect(book.plan({ markets: [0] })).toEqual([]);
    book.dispose();
    expect(() => book.plan()).toThrow(expect.objectContaining({ code: "disposed" }));
  });
});
