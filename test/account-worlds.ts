/** Random figures and accounts for books of accounts: realistic, on the line, and at the edges of types. */
import { type Account, type Adapter, type Leg, type World, account, copyOf, leg } from "./account-twin.js";
import { type Dice, MAX128, MAX256, RAY, WAD } from "./arbitraries.js";

type Ints = Record<string, bigint>;
const clip = (x: bigint, most = MAX128) => (x < 0n ? 0n : x > most ? most : x);
const family = ({ name }: Adapter) => name.split(" ")[0] as "aave" | "compound" | "comet";
const POWERS = [0, 6, 8, 18];

/** Dollars (1e18) from dust to a billion. */
export const worth = (dice: Dice) => 10n ** BigInt(dice.below(28)) * BigInt(1 + dice.below(1000));

/** A price of a whole token, in 1e-8 dollars: a worthless one, a stablecoin, one at 100,000 dollars. */
const tokenPrice = (dice: Dice) => dice.pick([1n, 100n, 10n ** 8n, 10n ** 8n + BigInt(dice.below(10 ** 6)), 2000n * 10n ** 8n + BigInt(dice.below(10 ** 9)), 10n ** 13n + BigInt(dice.below(10 ** 9))]);

export function randomMarket(dice: Dice, adapter: Adapter): Ints {
  const power = BigInt(dice.pick(POWERS)), price = tokenPrice(dice);
  switch (family(adapter)) {
    case "aave": return adapter.market({
      decimals: power, assetPrice: price, liquidationThreshold: BigInt(dice.pick([0, 1, 5000, 8000, 8250, 9500, 10000, 65535])),
      liquidityIndex: RAY + dice.uint(89), variableBorrowIndex: RAY + dice.uint(89), currentLiquidityRate: dice.uint(86), currentVariableBorrowRate: dice.uint(86), lastUpdateTimestamp: BigInt(dice.below(2000)),
      ...("eModeCategory" in adapter.market() ? { eModeCategory: BigInt(dice.below(4)) } : {}),
    });
    case "compound": {
      const supply = 1n + dice.uint(70);
      return adapter.market({
        oraclePriceMantissa: price * 10n ** (28n - power), collateralFactorMantissa: dice.pick([0n, WAD / 2n, 8n * WAD / 10n, 825n * WAD / 1000n, WAD]), cash: dice.uint(90), totalBorrows: 1n + dice.uint(90), totalReserves: 0n,
        totalSupply: dice.chance(0.2) ? 0n : supply, initialExchangeRateMantissa: 2n * 10n ** (16n + (power > 2n ? power - 2n : 0n)), borrowIndex: WAD + dice.uint(58), borrowRateMantissa: dice.uint(36), accrualBlockNumber: BigInt(dice.below(2000)), reserveFactorMantissa: WAD / 10n,
      });
    }
    case "comet": return adapter.market({ price, scale: 10n ** power, liquidateCollateralFactor: dice.pick([0n, WAD / 2n, 85n * WAD / 100n, 93n * WAD / 100n, WAD]) });
  }
}

/** Figures of the strangest. */
export function strange(dice: Dice, adapter: Adapter): Ints {
  const edge = dice.pick([0n, 1n, 2n, MAX128, 2n ** 127n, 2n ** 64n, dice.uint(128)]), wide = dice.pick([edge, MAX256, 2n ** 128n, 2n ** 200n]);
  switch (family(adapter)) {
    case "aave": return dice.pick<Ints>([{ assetPrice: wide }, { liquidityIndex: edge }, { variableBorrowIndex: edge }, { decimals: dice.pick([0n, 77n, 78n, 255n]) }, { liquidationThreshold: dice.pick([0n, 1n, 2n, 65535n]) }, { lastUpdateTimestamp: 2n ** 40n - 1n }, { currentVariableBorrowRate: edge }]);
    case "compound": return dice.pick<Ints>([{ oraclePriceMantissa: wide }, { collateralFactorMantissa: wide }, { totalReserves: wide }, { borrowIndex: wide }, { totalSupply: wide }, { cash: wide }, { borrowRateMantissa: dice.pick([0n, 5n * 10n ** 12n, 5n * 10n ** 12n + 1n]) }]);
    case "comet": return dice.pick<Ints>([{ price: dice.pick([0n, -1n, 1n, MAX128, 2n ** 255n - 1n, 2n ** 200n, -(2n ** 255n)]) }, { scale: dice.pick([0n, 1n, 2n ** 64n - 1n]) }, { liquidateCollateralFactor: dice.pick([0n, 1n, 2n ** 64n - 1n]) }]);
  }
}

export function randomCategory(dice: Dice, adapter: Adapter): Record<string, bigint | boolean> {
  const revision = Number(adapter.name.split(" ")[1]);
  return {
    ltv: 9000n, liquidationThreshold: dice.pick([0n, 1n, 9000n, 9300n, 9700n, 10000n]), liquidationBonus: 10100n,
    ...(revision < 5 ? { eModeAssetPrice: dice.chance(0.5) ? 0n : dice.pick([10n ** 8n, 10n ** 8n + 1n, 1n]) } : { collateralBitmap: dice.uint(16) }),
    ...(revision >= 10 ? { ltvzeroBitmap: dice.uint(8) } : {}), ...(revision >= 11 ? { isolated: dice.chance(0.5) } : {}),
  };
}

/** How many units of a market are worth a dollar (1e18 of them: as much as `value`). */
function unitsFor(adapter: Adapter, figures: Ints, value: bigint, debt: boolean): bigint {
  const price = figures[adapter.price]!;
  if (price <= 0n) return value;
  switch (family(adapter)) {
    case "aave": return clip(value * 10n ** (figures["decimals"]! % 40n) / (price * 10n ** 10n) || 1n);
    case "comet": return clip(value * figures["scale"]! / (price * 10n ** 10n) || 1n);
    case "compound": {
      const { cash = 0n, totalBorrows = 0n, totalSupply = 0n, initialExchangeRateMantissa = WAD } = figures, rate = (totalSupply ? (cash + totalBorrows) * WAD / totalSupply : initialExchangeRateMantissa) || 1n;
      return clip(debt ? value * WAD / price || 1n : value * WAD * WAD / price / rate || 1n);
    }
  }
}

const edgeAmount = (dice: Dice) => dice.pick([1n, 2n, MAX128, MAX128 - 1n, 2n ** 64n, 2n ** 120n, 2n ** 127n, dice.uint(128) || 1n]);

/** An account of up to `most` legs. */
export function randomAccount(dice: Dice, adapter: Adapter, world: World, most = 5): Account {
  const { markets } = world, kind = family(adapter), one = account([], { category: adapter.hasCategories && dice.chance(0.4) ? dice.below(5) : 0 });
  const value = worth(dice), count = Math.min(markets.length, dice.below(most + 1)), assets = dice.shuffle(markets.map((_, i) => i)).slice(0, count), odd = dice.chance(0.08);
  for (const asset of assets) {
    const part = value * BigInt(1 + dice.below(100)) / 100n, holds = kind === "comet" || dice.chance(0.6), owes = kind !== "comet" && (!holds || dice.chance(0.15));
    const held: Partial<Leg> = {};
    if (holds) held.supply = odd ? edgeAmount(dice) : unitsFor(adapter, markets[asset]!, part, false);
    if (owes) held.debt = odd ? edgeAmount(dice) : unitsFor(adapter, markets[asset]!, part * BigInt(60 + dice.below(60)) / 100n, true);
    if (kind === "compound") {
      if (owes) held.index = dice.chance(0.03) ? dice.pick([0n, 1n, MAX128]) : WAD + dice.uint(57);
      if (dice.chance(0.1)) { held.isCollateral = false; held.isBorrowed = false; }
    } else if (kind === "aave" && dice.chance(0.1)) { held.isCollateral = dice.chance(0.5); held.isBorrowed = dice.chance(0.5); }
    const next = leg(held);
    if (next.supply || next.debt || next.isCollateral || next.isBorrowed) one.legs.set(asset, next);
  }
  if (kind === "comet" && dice.chance(0.9)) {
    const owed = odd ? 2n ** 103n - 1n - dice.uint(100) : value * BigInt(1 + dice.below(200)) / 100n * world.system["baseScale"]! / WAD || 1n;
    one.principal = clip(owed, 2n ** 103n - 1n) * (dice.chance(0.85) ? -1n : 1n);
  }
  return one;
}

/** An account of up to three collaterals and as many debts, their shares percents of it: how many units are that of a market. */
export function accountWith(dice: Dice, markets: readonly Ints[], units: (figures: Ints, share: bigint, owed: boolean) => bigint, category = 0): Account {
  const one = account([], { category }), sides = [false, true].map((owed) => ({ owed, assets: dice.shuffle(markets.map((_, i) => i)).slice(0, 1 + dice.below(3)) }));
  for (const { owed, assets } of sides) for (const asset of assets) {
    const amount = clip(units(markets[asset]!, BigInt(Math.ceil(100 / assets.length)), owed)), { supply = 0n, debt = 0n } = one.legs.get(asset) ?? {};
    const next = leg(owed ? { supply, debt: amount } : { supply: amount, debt });
    if (next.supply || next.debt) one.legs.set(asset, next);
  }
  return one;
}

/** The largest x of [0, most] for which a predicate that once it fails fails on holds; −1 where it never does. */
export function bisect(most: bigint, holds: (x: bigint) => boolean): bigint {
  if (!holds(0n)) return -1n;
  let lo = 0n, hi = 1n;
  while (hi <= most && holds(hi)) { lo = hi; hi *= 2n; }
  if (hi > most) { if (holds(most)) return most; hi = most; }
  while (hi - lo > 1n) {
    const mid = (lo + hi) / 2n;
    if (holds(mid)) lo = mid; else hi = mid;
  }
  return lo;
}

/** An account moved to the line by what it owes, or by what it holds of one asset, and perhaps one unit beside. */
export function onTheLine(dice: Dice, adapter: Adapter, world: World, given: Account, nudge = BigInt(dice.below(3) - 1)): Account {
  const one = copyOf(given), judge = adapter.judge(world), owed = [...one.legs.values()].filter(({ debt, isBorrowed }) => debt && isBorrowed);
  if (one.principal < 0n) {
    const found = bisect(2n ** 103n - 1n, (x) => judge({ ...one, principal: -x }).status !== "unsafe");
    one.principal = -clip(found + nudge, 2n ** 103n - 1n);
  } else if (owed.length) {
    const held = dice.pick(owed);
    const found = bisect(MAX128, (x) => { held.debt = x; return judge(one).status !== "unsafe"; });
    held.debt = clip(found + nudge) || 1n;
  }
  return one;
}

/** A price of a market at which an account is on the line, or a unit beside it; undefined where there is none. */
export function priceOnTheLine(dice: Dice, adapter: Adapter, world: World, one: Account): [market: number, figures: Ints] | undefined {
  if (!one.legs.size) return undefined;
  const market = dice.pick([...one.legs.keys()]), at = (price: bigint): World => ({ ...world, markets: world.markets.map((figures, i) => (i === market ? { ...figures, [adapter.price]: price } : figures)) });
  const first = adapter.judge(at(1n))(one).status, found = bisect(2n ** 110n, (x) => adapter.judge(at(x + 1n))(one).status === first);
  if (found < 0n || found >= 2n ** 110n) return undefined;
  return [market, { [adapter.price]: clip(found + 1n + BigInt(dice.below(3) - 1)) }];
}
