import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { type Account, type Adapter, type AnyBook, type World, aave, aaveInput, account, cometAccount, cometAdapter, cometView, compound, compoundAssets, compoundViews, copyOf, leg, openAny } from "./account-twin.js";
import { onTheLine, randomAccount, randomMarket, strange } from "./account-worlds.js";
import { Dice, MAX128, MAX256, RAD, RAY, WAD, runs, seed } from "./arbitraries.js";
import { refuses } from "./contracts.js";
import { isLeast, isMost } from "./extremes.js";
import * as aaveReference from "./reference/aave-v3.js";
import * as cometReference from "./reference/comet.js";
import * as compoundReference from "./reference/compound-v2.js";
import * as makerReference from "./reference/maker.js";
import { outcome } from "./reference/solidity.js";
import { type Figures, open, usualMarket } from "./twin.js";

vi.setConfig({ testTimeout: 240_000 });

const said = <T extends object>(compute: () => T): T | undefined => {
  const answer = outcome(compute);
  return "reverts" in answer ? undefined : (answer as T);
};

// ---- Maker

interface Urn { ink: bigint; art: bigint }
const noLimits = { Art: 0n, line: MAX256, debt: 0n, Line: MAX256, gem: 0n, dai: 0n };

/** The urn after a frob; undefined where it is refused. */
function frobbed({ rate, spot, dust }: Figures, { ink, art }: Urn, dink: bigint, dart: bigint): Urn | undefined {
  const gives = dink > 0n || dart < 0n, purse = gives ? MAX256 : 0n;
  return said(() => makerReference.frob({ ...noLimits, ink, art, Art: art, rate, spot, dust, debt: purse, gem: purse, dai: purse, dink, dart }));
}

function randomUrn(dice: Dice): { figures: Figures; urn: Urn } {
  const wild = dice.chance(0.15), rate = dice.pick([RAY, RAY + dice.uint(89), wild ? dice.uint(256) : RAY * 2n]), spot = dice.pick([RAY, dice.uint(100), wild ? dice.uint(256) : 0n, RAY * 1000n]);
  const figures = usualMarket({ rate, spot, mat: RAY + dice.uint(89), dust: dice.pick([0n, 0n, 100n * RAD, dice.uint(160)]) });
  const art = wild ? dice.uint(128) : dice.uint(90), most = rate ? MAX128 < (art * rate) / (spot || 1n) ? MAX128 : art * rate / (spot || 1n) : 0n;
  const ink = dice.pick([most, most + 1n, most && most - 1n, most * 3n / 2n, most * 3n, dice.uint(128), 0n]);
  return { figures, urn: { ink: ink > MAX128 ? MAX128 : ink, art } };
}

const makerTarget = (dice: Dice): { health: bigint } | { ratio: bigint } => {
  const value = dice.pick([0n, 1n, WAD, WAD + 1n, WAD - 1n, 3n * WAD / 2n, 2n * WAD, dice.uint(64), dice.uint(100), MAX256]);
  return dice.chance(0.5) ? { health: value } : { ratio: value };
};

describe("Maker: the rule agrees", () => {
  test("borrow, withdraw, repay, add collateral", () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), { figures, urn } = randomUrn(dice), book = open(), market = book.addMarket(figures), id = book.add(market, urn);
      isMost(book.maxBorrow(id), (x) => x < 2n ** 255n && frobbed(figures, urn, 0n, x) !== undefined, dice);
      isMost(book.maxWithdraw(id), (x) => x <= urn.ink && frobbed(figures, urn, -x, 0n) !== undefined, dice);
      const target = makerTarget(dice);
      const reaches = (next: Urn | undefined) => {
        if (!next) return false;
        const { rate, spot, mat } = figures;
        if (next.ink * spot > MAX256 || next.art * rate > MAX256) return false;
        const figure = "health" in target ? makerReference.healthFactor({ ...next, rate, spot }) : makerReference.collateralRatio({ ...next, rate, spot, mat });
        return figure === undefined || figure >= ("health" in target ? target.health : target.ratio); // undefined without debt
      };
      isLeast(book.repayToRatio(id, target), (x) => x <= urn.art && reaches(x ? frobbed(figures, urn, 0n, -x) : urn), dice);
      isLeast(book.collateralToRatio(id, target), (x) => x < 2n ** 255n && reaches(x ? frobbed(figures, urn, x, 0n) : urn), dice);
    }), runs(300));
  });

  test("dust: all or nothing", () => {
    const book = open(), market = book.addMarket(usualMarket({ spot: 100n * RAY, dust: 50n * RAD })), of = (ink: bigint, art: bigint) => book.add(market, { ink, art });
    expect(book.maxBorrow(of(1n * WAD, 0n))).toBe(100n * WAD);
    expect(book.maxBorrow(of(WAD / 2n, 0n))).toBe(50n * WAD);
    expect(book.maxBorrow(of(WAD / 2n - 1n, 0n))).toBe(0n); // less than dust would be left
    expect(book.maxBorrow(of(1n * WAD, 10n * WAD))).toBe(90n * WAD);
    expect(book.maxBorrow(of(WAD / 10n, 10n * WAD))).toBe("refused"); // dust already
    expect(book.maxWithdraw(of(1n * WAD, 10n * WAD))).toBe("refused");
    expect(book.maxWithdraw(of(1n * WAD, 60n * WAD))).toBe(4n * WAD / 10n);
    const id = of(1n * WAD, 80n * WAD);
    expect(book.repayToRatio(id, { health: 2n * WAD })).toBe(30n * WAD); // exactly dust is left
    expect(book.repayToRatio(id, { health: 2n * WAD + 1n })).toBe(80n * WAD);
    expect(book.repayToRatio(of(1n * WAD, 10n * WAD), { health: 11n * WAD })).toBe(10n * WAD);
    expect(book.collateralToRatio(of(1n * WAD, 10n * WAD), { health: 11n * WAD })).toBe("never"); // no frob leaves that
    expect(book.collateralToRatio(of(1n * WAD, 10n * WAD), { health: 10n * WAD })).toBe(0n);
  });

  test("an unsafe vault: a frob of nothing asks for nothing", () => {
    const book = open(), market = book.addMarket(usualMarket()), id = book.add(market, { ink: 1n, art: 2n });
    expect([book.maxBorrow(id), book.maxWithdraw(id)]).toEqual([0n, 0n]);
    book.setMarket(market, { rate: 0n });
    expect([book.maxBorrow(id), book.maxWithdraw(id), book.repayToRatio(id, { health: WAD })]).toEqual(["refused", "refused", 0n]);
    book.setMarket(market, { rate: MAX256 });
    expect([book.maxBorrow(id), book.maxWithdraw(id), book.collateralToRatio(id, { health: WAD })]).toEqual(["reverts", "reverts", "reverts"]);
  });

  test("as accrued to a time, or not to be accrued", () => {
    const book = open(), market = book.addMarket(usualMarket({ duty: RAY + RAY / 100n, rho: 10n })), id = book.add(market, { ink: 200n, art: 100n });
    expect([book.maxBorrow(id), book.maxBorrow(id, { at: 10n }), book.maxBorrow(id, { at: 11n }), book.maxBorrow(id, { at: 80n })]).toEqual([100n, 100n, 98n, 0n]);
    for (const ask of [book.maxBorrow(id, { at: 9n }), book.maxWithdraw(id, { at: 9n }), book.repayToRatio(id, { health: 1n, at: 9n }), book.collateralToRatio(id, { ratio: 1n, at: 9n })]) expect(ask).toBe("reverts");
    expect(book.maxBorrow(id)).toBe(100n); // as before
  });
});

describe("Maker: the time to liquidation", () => {
  const judge = ({ duty, rho, rate, spot }: Figures, { ink, art }: Urn, base: bigint, now: bigint) => {
    const dripped = said(() => makerReference.drip({ rate, duty, base, rho, now, Art: 0n, dai: 0n, debt: 0n }));
    return dripped ? makerReference.unsafe({ ink, art, rate: dripped.rate, spot }) : "reverts";
  };
  const stepped = (figures: Figures, urn: Urn, base: bigint, from: bigint, until: bigint) => {
    for (let now = from; now <= until; ++now) {
      const status = judge(figures, urn, base, now);
      if (status !== "safe") return status === "unsafe" ? now : "reverts";
    }
    return "never";
  };
  const ask = (figures: Figures, urn: Urn, base: bigint, options: { at?: bigint; until?: bigint } = {}) => {
    const book = open();
    book.setSystem({ base });
    return book.timeToLiquidation(book.add(book.addMarket(figures), urn), options);
  };

  test("second by second: fees of a unit a second, ordinary, enormous, negative", () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), fee = dice.pick([1n, 2n, 7n, 50n, 10n ** 6n, 1547125957863212448n, 10n ** 24n, RAY / 10n, RAY * 3n, dice.uint(100), 0n, -1n, -3n, -50n, -(10n ** 19n), -RAY, -RAY / 3n]);
      const base = dice.pick([0n, 0n, RAY / 2n]), duty = RAY + fee < base ? 0n : RAY + fee - base, rho = BigInt(dice.below(1000)), rate = dice.pick([RAY, RAY + dice.uint(88)]);
      const art = dice.pick([WAD, 2n ** 120n, dice.uint(128) || 1n]), figures = usualMarket({ duty, rho, rate });
      const later = said(() => makerReference.drip({ rate, duty, base, rho, now: rho + BigInt(dice.below(500)), Art: 0n, dai: 0n, debt: 0n }))?.rate ?? rate;
      // On the line at some second, but for a unit of the last digit.
      const ink = dice.pick([2n ** 100n, art]), spot = art * later / ink + BigInt(dice.below(5) - 2);
      const figuresThen = { ...figures, spot: spot < 0n ? 0n : spot }, urn = { ink, art }, from = rho + BigInt(dice.pick([0, 0, 1, dice.below(600)])), until = from + BigInt(dice.below(700));
      expect(ask(figuresThen, urn, base, { ...(from === rho && dice.chance(0.5) ? {} : { at: from }), until })).toBe(stepped(figuresThen, urn, base, from, until));
    }), runs(400));
  });

  test("far away: it is unsafe then, and not a second before", () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), fee = dice.pick([10n ** 9n, 10n ** 15n, 1547125957863212448n, 10n ** 20n, 1n, 10n]), rho = dice.uint(31), figures = usualMarket({ duty: RAY + fee, rho, spot: dice.uint(110) + 1n });
      const art = dice.uint(100) + 1n, urn = { ink: art * RAY / figures.spot * BigInt(1000 + dice.below(3000)) / 1000n + dice.uint(20), art };
      if (urn.ink > MAX128) return;
      const answer = ask(figures, urn, 0n), at = (now: bigint) => judge(figures, urn, 0n, now);
      if (typeof answer !== "bigint") {
        expect(answer).toBe("never");
        expect(at(2n ** 40n - 1n)).toBe("safe");
        return;
      }
      expect(at(answer)).toBe("unsafe");
      for (let i = 1n; i <= 30n && answer - i >= rho; ++i) expect(at(answer - i)).toBe("safe");
      for (let i = 0; i < 20; ++i) expect(at(rho + dice.bits(64) % (answer - rho + 1n) % (answer - rho || 1n)) === "safe" || answer === rho).toBe(true);
    }), runs(150));
  });

  test("the ends: never, always, before the last drip, where drip overflows, until", () => {
    const usual = usualMarket({ duty: RAY + RAY / 1000n, rho: 100n, spot: RAY }), urn = { ink: 200n, art: 100n };
    expect(ask(usualMarket({ rho: 100n }), urn, 0n)).toBe("never"); // no fee
    expect(ask({ ...usual, duty: RAY - 1n }, urn, 0n)).toBe("never");
    expect(ask({ ...usual, spot: 0n }, urn, 0n, { until: 10n ** 4n })).toBe("never");
    expect(ask(usual, { ink: 200n, art: 0n }, 0n, { until: 10n ** 4n })).toBe("never");
    expect(ask(usual, { ink: 99n, art: 100n }, 0n)).toBe(100n);
    expect(ask(usual, { ink: 99n, art: 100n }, 0n, { at: 99n })).toBe("reverts");
    const time = ask(usual, urn, 0n) as bigint; // twice as much after 694 s
    expect(time).toBe(100n + 694n);
    expect(ask(usual, urn, 0n, { until: time })).toBe(time);
    expect(ask(usual, urn, 0n, { until: time - 1n })).toBe("never");
    expect(ask(usual, urn, 0n, { at: time + 5n })).toBe(time + 5n);
    expect(ask(usual, urn, 0n, { until: 99n })).toBe("never"); // there is no such second
    expect(ask(usual, { ink: MAX128, art: 1n }, 0n)).toBe("reverts"); // rpow overflows before
    expect(ask(usual, { ink: 10n ** 20n, art: 1n }, 0n)).toBe(100n + 46075n);
    expect(ask(usualMarket({ spot: MAX256 }), { ink: MAX128, art: 1n }, 0n)).toBe("reverts");
    expect(ask({ ...usual, duty: RAY + 1n }, urn, 0n)).toBe("never"); // not before 2^40
    expect(ask({ ...usual, duty: MAX256 }, urn, 1n)).toBe("reverts");
  });
});

// ---- Accounts

type Kind = "borrow" | "withdraw" | "repay" | "supply";

/** What an adapter's contract makes of an account; undefined where it refuses. */
type Act = (world: World, one: Account, kind: Kind, asset: number, amount: bigint, at?: bigint) => Account | undefined;

/** With a place for an asset. */
function withLeg(one: Account, asset: number): Account {
  const next = copyOf(one);
  if (!next.legs.has(asset)) next.legs.set(asset, leg());
  return next;
}

const actOfAave = (revision: number): Act => (world, one, kind, asset, amount, at) => {
  const given = withLeg(one, asset), after = said(() => aaveReference.act(revision, aaveInput(revision, world, given, at), kind, BigInt(asset), amount));
  if (!after) return undefined;
  const reserve = after.reserves.find(({ id }) => id === BigInt(asset))!, bit = (n: number) => (after.userConfig >> BigInt(2 * asset + n) & 1n) === 1n;
  given.legs.set(asset, { ...given.legs.get(asset)!, supply: reserve.scaledATokenBalance, debt: reserve.scaledVariableDebt, isCollateral: bit(1), isBorrowed: bit(0) });
  return given;
};

const actOfCompound = (rounding: compoundReference.Rounding): Act => (world, one, kind, asset, amount, at) => {
  const next = withLeg(one, asset), held = next.legs.get(asset)!, entered = held.isCollateral || held.isBorrowed || !one.legs.has(asset);
  const views = compoundViews(world, at), view = views[asset];
  if (!view) return undefined;
  if (kind === "borrow" || kind === "withdraw") {
    if (kind === "withdraw" && amount > held.supply) return undefined;
    if (kind === "withdraw" && !(held.isCollateral || held.isBorrowed)) return next;
    held.isCollateral = true;
    const assets = compoundAssets(views, next), modified = [...next.legs.keys()].filter((id) => next.legs.get(id)!.isCollateral || next.legs.get(id)!.isBorrowed).sort((a, b) => a - b).indexOf(asset);
    const answer = assets && said(() => compoundReference.accountLiquidity({ assets }, rounding, { modified, redeemTokens: kind === "withdraw" ? amount : 0n, borrowAmount: kind === "borrow" ? amount : 0n }));
    return answer && !answer.error && !answer.shortfall ? next : undefined;
  }
  if (kind === "repay") {
    const owed = said(() => compoundReference.borrowBalance({ principal: held.debt, borrowIndex: view["borrowIndex"]!, interestIndex: held.index }));
    if (!owed || amount > owed.borrowBalance) return undefined;
    return { ...next, legs: new Map(next.legs).set(asset, { ...held, debt: owed.borrowBalance - amount, index: view["borrowIndex"]! }) };
  }
  const rate = view["exchangeRateMantissa"]!;
  if (!rate || amount * WAD > MAX256) return undefined;
  return { ...next, legs: new Map(next.legs).set(asset, { ...held, supply: held.supply + amount * WAD / rate, isCollateral: entered }) };
};

const actOfComet: Act = (world, one, kind, asset, amount, at) => {
  const view = kind === "borrow" || kind === "repay" || one.principal < 0n ? cometView(world, at) : cometView(world, at) ?? world, next = copyOf(one);
  if (!view) return undefined;
  if (kind === "borrow" || kind === "repay") {
    const input = cometAccount(view, one), done = said(() => (kind === "borrow" ? cometReference.withdrawBase : cometReference.supplyBase)(input, amount));
    const owed = one.principal < 0n ? -one.principal * input.baseBorrowIndex / 10n ** 15n : 0n;
    return done && (kind === "borrow" || amount <= owed) ? { ...next, principal: done.principal } : undefined;
  }
  const held = one.legs.get(asset)?.supply ?? 0n;
  if (kind === "supply") {
    next.legs.set(asset, leg({ supply: held + amount }));
    return held + amount > MAX128 ? undefined : next;
  }
  const order = [...one.legs.keys()].sort((a, b) => a - b), of = order.indexOf(asset);
  if (of < 0) return amount === 0n && said(() => cometReference.isBorrowCollateralized(cometAccount(view, one)))?.collateralized ? next : undefined;
  return said(() => cometReference.withdrawCollateral(cometAccount(view, one), of, amount)) && next;
};

const REVISIONS = [1, 4, 5, 7, 8, 9, 10, 11] as const;
const SUBJECTS: readonly (readonly [Adapter, Act])[] = [
  ...REVISIONS.map((revision) => [aave(revision), actOfAave(revision)] as const),
  [compound("truncate"), actOfCompound("truncate")], [compound("half-up"), actOfCompound("half-up")], [cometAdapter, actOfComet],
];
const isComet = (adapter: Adapter) => adapter === cometAdapter;
/** The protocols whose thresholds are averaged and cut. */
const cuts = ({ name }: Adapter) => /^aave [1-8]$/.test(name);

interface Asker extends AnyBook {
  maxBorrow(id: number, options?: object): unknown;
  maxWithdraw(id: number, options?: object): unknown;
  repayToRatio(id: number, target: object): unknown;
  collateralToRatio(id: number, target: object): unknown;
  timeToLiquidation(id: number, options?: object): unknown;
}

const category = (dice: Dice, adapter: Adapter): Record<string, bigint | boolean> => {
  const revision = Number(adapter.name.split(" ")[1]);
  return {
    ltv: dice.pick([0n, 9000n]), liquidationThreshold: dice.pick([1n, 9300n, 9700n]), liquidationBonus: 10100n,
    ...(revision < 5 ? { eModeAssetPrice: dice.chance(0.5) ? 0n : 10n ** 8n } : { collateralBitmap: dice.uint(6) }),
    ...(revision >= 10 ? { ltvzeroBitmap: dice.uint(4) } : {}), ...(revision >= 11 ? { isolated: dice.chance(0.5) } : {}),
  };
};

function randomWorld(dice: Dice, adapter: Adapter, oddly = 0.15): { world: World; book: Asker } {
  const book = openAny(adapter) as Asker, world: World = { markets: [], system: {}, categories: new Map() };
  if (adapter.system) {
    world.system = { ...adapter.system, basePrice: 10n ** 8n + dice.uint(20), baseSupplyIndex: 10n ** 15n + dice.uint(45), baseBorrowIndex: 10n ** 15n + dice.uint(45) };
    book.setSystem(world.system);
  }
  for (let m = 0; m < 5; ++m) {
    const figures = { ...randomMarket(dice, adapter), ...(adapter.hasCategories ? { ltv: BigInt(dice.pick([0, 5000, 7500, 7800])) } : {}), ...(dice.chance(oddly) ? strange(dice, adapter) : {}) };
    world.markets.push(figures);
    book.addMarket(figures);
  }
  if (adapter.hasCategories) for (let c = 1; c < 5; ++c) { const figures = category(dice, adapter); world.categories.set(c, figures); book.setCategory(c, figures); }
  return { world, book };
}

describe("accounts: the rule agrees", () => {
  for (const [adapter, act] of SUBJECTS) test(adapter.name, () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), { world, book } = randomWorld(dice, adapter);
      const drawn = randomAccount(dice, adapter, world), one = dice.chance(0.5) ? onTheLine(dice, adapter, world, drawn) : drawn;
      const id = book.add(adapter.input(one)), at = dice.chance(0.3) ? BigInt(2000 + dice.below(10 ** 8)) : undefined, when = at === undefined ? {} : { at };
      const judge = adapter.judge(world, at), now = judge(one), market = dice.chance(0.7) && one.legs.size ? dice.pick([...one.legs.keys()]) : dice.below(5);
      const named = { ...when, market }, based = isComet(adapter) ? when : named;
      const tell = (kind: Kind, x: bigint) => act(world, one, kind, market, x, at);
      const decided = (answer: unknown) => answer !== "undecided" || !(cuts(adapter) || expect.fail("undecided"));

      const borrow = book.maxBorrow(id, based), withdraw = book.maxWithdraw(id, named);
      isMost(borrow, (x) => tell("borrow", x) !== undefined, dice);
      if (decided(withdraw)) isMost(withdraw, (x) => tell("withdraw", x) !== undefined, dice);
      for (const answer of [borrow, withdraw]) if (answer === "refused") expect(now.status).not.toBe("reverts");

      const value = dice.pick([0n, 1n, WAD, WAD + 1n, now.health < MAX256 ? now.health : WAD, now.health + 1n < MAX256 ? now.health + 1n : WAD, 3n * WAD / 2n, 2n * WAD, dice.uint(64), dice.uint(90)]);
      const target = dice.chance(0.6) ? { health: value } : { ratio: value };
      const suffices = (kind: Kind) => (x: bigint) => {
        const next = x ? tell(kind, x) : one, then = next && judge(next);
        if (!then || then.status === "reverts") return false;
        return then.debt === 0n || ("health" in target ? then.health : then.collateral * WAD / then.debt) >= value;
      };
      const repay = book.repayToRatio(id, { ...target, ...based }), supply = book.collateralToRatio(id, { ...target, ...named });
      isLeast(repay, suffices("repay"), dice);
      if (decided(supply)) isLeast(supply, suffices("supply"), dice);
      for (const answer of [repay, supply]) if (answer === "never") expect(now.status).not.toBe("reverts");
      expect(book.inspect(id)).toMatchObject({ status: adapter.judge(world)(one).status }); // nothing changed
    }), runs(120));
  });

  test("amounts: of the example", () => {
    const adapter = aave(9), book = openAny(adapter) as Asker;
    for (const figures of [{ ltv: 8050n, liquidationThreshold: 8300n, assetPrice: 2000n * 10n ** 8n }, { decimals: 6n, ltv: 7700n }]) book.addMarket(adapter.market(figures));
    const id = book.add(adapter.input(account([[0, { supply: 5n * WAD }], [1, { debt: 7_500_000_000n }]])));
    expect(book.maxBorrow(id, { market: 1 })).toBe(550_000_000n); // 80.5 % of 10,000 dollars less 7,500
    expect(book.maxWithdraw(id, { market: 0 })).toBe(481_927_710_840_000_000n); // what stays is worth 9,036.14457832 dollars, of which 83 % are 7,500
    expect(book.repayToRatio(id, { health: 2n * WAD, market: 1 })).toBe(3_350_000_000n);
    expect(book.repayToRatio(id, { ratio: 2n * WAD, market: 1 })).toBe(2_500_000_000n);
    expect(book.repayToRatio(id, { health: 2n * WAD, market: 0 })).toBe("never");
    expect(book.maxWithdraw(id, { market: 1 })).toBe(0n);
  });

  test("an average that is cut: what is accepted above a refused amount is found", () => {
    // Of 1,000 dollars at 80 % and 1,000 at 50 %: to take from the second lifts the average by whole basis points.
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), adapter = aave(8), act = actOfAave(8), world: World = { markets: [], system: {}, categories: new Map() }, book = openAny(adapter) as Asker;
      for (const threshold of [8000n, 5000n, 7000n]) {
        const figures = adapter.market({ decimals: 2n, liquidationThreshold: threshold + BigInt(dice.below(3)), ltv: 4000n });
        world.markets.push(figures);
        book.addMarket(figures);
      }
      const one = onTheLine(dice, adapter, world, account([[0, { supply: 10n ** 5n + dice.uint(16) }], [1, { supply: 10n ** 5n + dice.uint(10) }], [2, { debt: 100n }]]), -BigInt(dice.below(12)));
      const id = book.add(adapter.input(one)), most = book.maxWithdraw(id, { market: 1 }) as bigint, accepts = (x: bigint) => act(world, one, "withdraw", 1, x) !== undefined;
      let last = -1n;
      for (let x = 0n; x <= one.legs.get(1)!.supply && x < 3000n; ++x) if (accepts(x)) last = x;
      if (most < 3000n) expect(most).toBe(last);
      else isMost(most, accepts, dice);
      const judge = adapter.judge(world), health = judge(one).health + BigInt(dice.below(3)) * 10n ** 13n, least = book.collateralToRatio(id, { health, market: 1 }) as bigint;
      let first = -1n;
      for (let x = 0n; x < 3000n && first < 0n; ++x) if (judge(act(world, one, "supply", 1, x)!).health >= health) first = x;
      if (first >= 0n) expect(least).toBe(first);
    }), runs(12));
  });
});

describe("accounts: the time to liquidation", () => {
  const stepped = (adapter: Adapter, world: World, one: Account, from: bigint, until: bigint) => {
    for (let now = from; now <= until; ++now) {
      const { status } = adapter.judge(world, now)(one);
      if (status !== "safe") return status === "unsafe" ? now : "reverts";
    }
    return "never";
  };

  /** Interest that is felt within seconds. */
  const hasten = (dice: Dice, adapter: Adapter, figures: Record<string, bigint>) => {
    if (adapter.hasCategories) return { ...figures, liquidityIndex: RAY + dice.uint(89), currentLiquidityRate: dice.pick([0n, RAY, dice.uint(100), dice.uint(112)]), currentVariableBorrowRate: dice.pick([0n, RAY, dice.uint(100), dice.uint(112)]), lastUpdateTimestamp: BigInt(dice.below(100)) };
    if (isComet(adapter)) return figures;
    return { ...figures, borrowRateMantissa: dice.pick([0n, 5n * 10n ** 12n, dice.uint(42)]), accrualBlockNumber: BigInt(dice.below(100)), reserveFactorMantissa: dice.pick([0n, WAD / 10n, WAD, 3n * WAD]) };
  };

  for (const [adapter] of SUBJECTS) test(`${adapter.name}: second by second`, () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), { world, book } = randomWorld(dice, adapter, 0.05), from = 100n + BigInt(dice.below(50)), until = from + BigInt(dice.below(250));
      world.markets.forEach((figures, m) => { world.markets[m] = hasten(dice, adapter, figures); book.setMarket(m, world.markets[m]!); });
      if (isComet(adapter)) { world.system = { ...world.system, borrowPerSecondInterestRateBase: dice.pick([0n, 10n ** 9n, 10n ** 15n, dice.uint(60)]), lastAccrualTime: BigInt(dice.below(100)) }; book.setSystem(world.system); }
      // On the line at some second.
      const then = adapter.accrued(world, from + BigInt(dice.below(200))), drawn = randomAccount(dice, adapter, world, 3);
      const one = typeof then === "number" ? drawn : onTheLine(dice, adapter, then, drawn), id = book.add(adapter.input(one));
      expect(book.timeToLiquidation(id, { at: from, until })).toBe(stepped(adapter, world, one, from, until));
      const used = [...one.legs].filter(([, { isCollateral, isBorrowed, supply, debt }]) => isComet(adapter) ? false : adapter.hasCategories ? isCollateral || isBorrowed : (isCollateral && supply) || (isBorrowed && debt));
      const touched = isComet(adapter) ? world.system["lastAccrualTime"]! : used.reduce((last, [m]) => { const t = world.markets[m]![adapter.hasCategories ? "lastUpdateTimestamp" : "accrualBlockNumber"]!; return t > last ? t : last; }, 0n);
      expect(book.timeToLiquidation(id, { until })).toBe(stepped(adapter, world, one, touched, until));
    }), runs(25));
  });

  for (const [adapter] of SUBJECTS) test(`${adapter.name}: far away`, () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), { world, book } = randomWorld(dice, adapter, 0);
      const one = randomAccount(dice, adapter, world), id = book.add(adapter.input(one)), answer = book.timeToLiquidation(id, { at: 2000n });
      const at = (now: bigint) => adapter.judge(world, now)(one).status;
      if (answer === "undecided") { expect(cuts(adapter)).toBe(true); return; }
      if (answer === "reverts") { for (let k = 11n; k < 40n; ++k) expect(at(2n ** k)).not.toBe("unsafe"); return; }
      if (answer === "never") { for (const now of [2000n, 10n ** 6n, 10n ** 9n, 10n ** 10n, 2n ** 40n - 1n]) expect(at(now)).toBe("safe"); return; }
      const time = answer as bigint;
      expect(at(time)).toBe("unsafe");
      for (let i = 1n; i <= 10n && time - i >= 2000n; ++i) expect(at(time - i)).toBe("safe");
      for (let i = 0; i < 10 && time > 2000n; ++i) expect(at(2000n + dice.bits(64) % (time - 2000n))).toBe("safe");
    }), runs(60));
  });

  test("the ends: nothing owed, unsafe already, before an accrual, beyond all clocks", () => {
    for (const [adapter] of SUBJECTS) {
      const book = openAny(adapter) as Asker, last = { lastUpdateTimestamp: 100n }, touched = adapter.hasCategories ? last : isComet(adapter) ? {} : { accrualBlockNumber: 100n };
      if (adapter.system) book.setSystem({ ...adapter.system, lastAccrualTime: 100n, supplyPerSecondInterestRateSlopeLow: 0n, borrowPerSecondInterestRateSlopeLow: 0n, borrowPerSecondInterestRateBase: 0n });
      for (let m = 0; m < 2; ++m) book.addMarket(adapter.market({ ...touched, ...(isComet(adapter) ? { scale: 10n ** 6n } : {}) }));
      const owing = (debt: bigint) => book.add(adapter.input(isComet(adapter) ? account([[0, { supply: WAD }]], { principal: -debt }) : account([[0, { supply: WAD }], [1, { debt }]])));
      const idle = book.add(adapter.input(account([[0, { supply: WAD }]]))), safe = owing(WAD / 2n), unsafe = owing(3n * WAD);
      for (const options of [{}, { until: MAX256 }, { at: 10n ** 9n, until: 10n ** 12n }]) expect(book.timeToLiquidation(idle, options)).toBe("never");
      expect(book.timeToLiquidation(safe)).toBe("never");
      expect(book.timeToLiquidation(safe, { until: MAX256 })).toBe(isComet(adapter) ? "reverts" : "never"); // TimestampTooLarge
      expect(book.timeToLiquidation(unsafe)).toBe(100n);
      expect(book.timeToLiquidation(unsafe, { at: 7000n })).toBe(7000n);
      expect(book.timeToLiquidation(unsafe, { at: 99n })).toBe("reverts");
      expect(book.timeToLiquidation(unsafe, { until: 99n })).toBe("never");
      expect(book.timeToLiquidation(book.add(adapter.input(account())))).toBe("never");
    }
  });

  test("both sides accrue alike: roundings decide, and the first second is found", () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), adapter = dice.pick([aave(8), aave(9), aave(11)]), world: World = { markets: [], system: {}, categories: new Map() }, book = openAny(adapter) as Asker;
      const rate = RAY * BigInt(1 + dice.below(10 ** 6)), figures = adapter.market({ decimals: 3n, liquidationThreshold: 10000n, liquidityIndex: RAY, variableBorrowIndex: RAY, currentLiquidityRate: rate, currentVariableBorrowRate: rate });
      for (let m = 0; m < 2; ++m) { world.markets.push(figures); book.addMarket(figures); }
      const supply = 1n + dice.uint(40), one = account([[0, { supply }], [1, { debt: supply < 3n ? supply : supply - BigInt(dice.below(3)) }]]), id = book.add(adapter.input(one));
      expect(book.timeToLiquidation(id, { at: 1n, until: 300n })).toBe(stepped(adapter, world, one, 1n, 300n));
    }), runs(60));
  });
});

// ---- What is refused

describe("bad input", () => {
  test("names the field and the value, and changes nothing", () => {
    const vaults = open(), market = vaults.addMarket(usualMarket()), id = vaults.add(market, { ink: 2n, art: 1n });
    const accounts = openAny(aave(11)) as Asker, comets = openAny(cometAdapter) as Asker;
    accounts.addMarket(aave(11).market());
    comets.setSystem(cometAdapter.system!);
    comets.addMarket(cometAdapter.market());
    const user = accounts.add(aave(11).input(account([[0, { supply: WAD }]]))), borrower = comets.add(cometAdapter.input(account([[0, { supply: WAD }]], { principal: -1n })));
    const any = vaults as unknown as Asker;
    refuses(() => any.maxBorrow(id, { market: 0 }), "invalid-argument", "market");
    refuses(() => any.maxBorrow(id, { when: 0n }), "unknown-field", "when");
    refuses(() => any.maxBorrow(id, { at: 1 }), "not-a-bigint", "at");
    refuses(() => any.maxBorrow(id, { at: -1n }), "out-of-range", "at");
    refuses(() => any.maxBorrow("0" as unknown as number), "invalid-argument", "id");
    refuses(() => any.maxWithdraw(id + 1), "stale-id", `${id + 1}`);
    refuses(() => any.repayToRatio(id, {}), "missing-field", "health");
    refuses(() => any.repayToRatio(id, undefined as unknown as object), "invalid-argument", "target");
    refuses(() => any.repayToRatio(id, { health: WAD, ratio: WAD }), "invalid-argument", "one of them");
    refuses(() => any.collateralToRatio(id, { health: 1.5 }), "not-a-bigint", "health");
    refuses(() => any.collateralToRatio(id, { ratio: MAX256 + 1n }), "out-of-range", "ratio");
    refuses(() => any.timeToLiquidation(id, { at: 10n, until: 9n }), "out-of-range", "until");
    refuses(() => any.timeToLiquidation(id, { at: 2n ** 41n }), "out-of-range", "until");
    refuses(() => any.timeToLiquidation(id, { until: -1n }), "out-of-range", "until");
    refuses(() => any.timeToLiquidation(id, { market: 0 }), "unknown-field", "market");
    refuses(() => any.timeToLiquidation(-1), "stale-id", "-1");
    refuses(() => accounts.maxBorrow(user), "missing-field", "market");
    refuses(() => accounts.maxWithdraw(user, { market: 1 }), "unknown-market", "1");
    refuses(() => accounts.maxWithdraw(user, { market: 0.5 }), "unknown-market", "0.5");
    refuses(() => comets.maxBorrow(borrower, { market: 0 }), "invalid-argument", "market");
    refuses(() => comets.repayToRatio(borrower, { health: WAD, market: 0 }), "invalid-argument", "market");
    refuses(() => comets.maxWithdraw(borrower), "missing-field", "market");
    expect(vaults.inspect(id).status).toBe("safe");
    expect(vaults.maxBorrow(id)).toBe(1n);
    vaults.remove(id);
    refuses(() => any.maxBorrow(id), "stale-id", `${id}`);
    vaults.dispose();
    refuses(() => any.maxBorrow(id), "disposed", "disposed");
  });

  test("the book's view, and what a scan finds, stay as they were", () => {
    for (const [adapter] of SUBJECTS) fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), { world, book } = randomWorld(dice, adapter, 0), ids = Array.from({ length: 20 }, () => book.add(adapter.input(onTheLine(dice, adapter, world, randomAccount(dice, adapter, world)))));
      const before = [...book.scan({ at: 5000n }).ids];
      for (const id of ids) book.timeToLiquidation(id, { at: 10n ** 6n, until: 10n ** 7n });
      expect([...book.scan({ at: 5000n }).ids]).toEqual(before);
      expect([...book.scan({ at: 5000n, screen: "off" }).ids]).toEqual(before);
    }), runs(3));
  });
});
