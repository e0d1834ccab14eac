/** What the keeper prints of an Aave pool's accounts: tables for people, one document for programs. */
import { type AaveRun, type Account, DOLLAR, type Leg, type Liquidatable } from "./aave.js";
import { type AaveOptions, MOST_LISTED } from "./options.js";
import type { State } from "./play.js";
import { type Row, TICK_HEAD, agree, amount, bold, dim, json, percent, percentiles, table, tenths, tickRow, verdict, whole } from "./print.js";
import type { Reserve } from "./snapshot.js";

const WAD = 10n ** 18n;

const dollars = (value: bigint) => amount(value, DOLLAR, 2);
/** A price with enough digits for what is worth a dollar, or next to nothing. */
const priced = (price: bigint) => amount(price, DOLLAR, price >= 100n * DOLLAR ? 2 : price >= DOLLAR / 100n ? 4 : 8);
/** An amount of tokens, of dust its first digits. */
function tokens(value: bigint, { decimals, symbol }: Reserve): string {
  const unit = 10n ** decimals, isDust = value > 0n && value * 1_000_000n < unit;
  return `${isDust ? (Number(value) / Number(unit)).toExponential(3) : amount(value, unit, Math.min(Number(decimals), 6))} ${symbol}`;
}
const healthOf = (health: bigint | number | undefined) => (typeof health === "bigint" ? amount(health, WAD, 6) : `${health ?? "reverts"}`);
/** How far one price lies from another. */
const distance = (to: bigint, from: bigint) => percent(Number(to) / Number(from) - 1);

/** What was loaded, the riskiest, what can be liquidated, and every tick: all but the plain loop. */
export function tablesOfAccounts(options: AaveOptions, { pool, protocol, at, loadMilliseconds, bytes, riskiest, opening, end, ticks }: AaveRun): string {
  const legs = pool.reserves.map((_, i) => pool.borrowers.flatMap(({ reserves }) => reserves.filter(({ reserve }) => reserve === i)));
  const bonusOf = (bonus: bigint) => (bonus > 10000n ? `${amount(bonus - 10000n, 100n, 2)} %` : "–");
  const assets = table([
    { cells: ["asset", "price $", "then $", "", "threshold", "bonus", "held by", "owed by"], style: dim },
    ...pool.reserves.map(({ symbol, assetPrice, liquidationThreshold, liquidationBonus = options.liquidationBonus }, i) => ({ cells: [
      symbol, priced(assetPrice), ...(end.prices[i] === assetPrice ? ["", ""] : [priced(end.prices[i]!), distance(end.prices[i]!, assetPrice)]),
      `${amount(liquidationThreshold, 100n, 2)} %`, bonusOf(liquidationBonus),
      whole(legs[i]!.filter(({ scaledATokenBalance }) => scaledATokenBalance).length), whole(legs[i]!.filter(({ scaledVariableDebt }) => scaledVariableDebt).length),
    ] })),
  ], [0]);
  const others = pool.others ? ` ${whole(pool.others)} ${pool.others === 1 ? "account without debt is" : "accounts without debt are"} left out.` : "";
  const when = `${new Date(Number(at) * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`;
  const loaded = `${protocol}, interest as of ${when}, protocol fee ${amount(options.liquidationProtocolFee, 100n, 2)} % of the bonus.${others}\n`
    + `Loaded in ${tenths(loadMilliseconds)} ms into ${(bytes / 1e6).toFixed(1)} MB.\n`;

  const risky = riskiest.length === 0 ? "" : table([
    { cells: [`the riskiest ${whole(riskiest.length)}`, "health", "collateral $", "debt $", "eMode"], style: bold },
    { cells: ["", "", "", "", "price $", "liquidated", ""], style: dim },
    ...riskiest.flatMap((account) => [accountRow(account), ...account.legs.map((leg) => legRow(leg, account))]),
  ], [0, 5]) + "\n";

  const path = table([TICK_HEAD, ...ticks.map((tick) => tickRow(tick, tick.prices, opening.prices))], [1]);
  const fresh = ticks.flatMap((tick) => tick.fresh.map((account) => liquidatableRow(account, whole(tick.tick))));
  const listed = fresh.length === 0 ? "" : `${table([liquidatableHead("newly unsafe at tick"), ...fresh], [1])}\n`;
  return `${pool.title}\n\n${assets}\n${loaded}\n${state("At the snapshot's prices", opening)}\n${risky}${path}\n${listed}${state("At the prices then", end)}\n`;
}

function accountRow({ address, health, collateral, debt, eMode }: Account): Row {
  const value = (amount: bigint | undefined) => (amount === undefined ? "reverts" : dollars(amount));
  return { cells: [address, healthOf(health), value(collateral), value(debt), eMode ?? "–"] };
}

function legRow({ reserve, side, amount: units, value, liquidationPrice: price }: Leg, { status }: Account): Row {
  const cells = [`  ${tokens(units, reserve)}`, "", side === "debt" ? "" : dollars(value), side === "debt" ? dollars(value) : "", priced(reserve.assetPrice)];
  if (side === "idle") return { cells: [...cells, "no collateral"], style: dim };
  // Of what is held and owed, one side alone tells at which price it ends: no price near zero is safe for the other, since values are cut.
  if (price === "always" && status === "safe") return { cells: [...cells, "–"], style: dim };
  if (typeof price !== "bigint") return { cells: [...cells, price ?? ""], style: dim };
  return { cells: [...cells, `${side === "debt" ? "above" : "below"} ${priced(price)}`, distance(price, reserve.assetPrice)], style: dim };
}

/** How many are unsafe at some prices, and what to do with them. */
function state(where: string, { unsafe, near, reverts, liquidatable }: State<Liquidatable>): string {
  const more = unsafe > liquidatable.length ? `The first ${whole(MOST_LISTED)}.\n` : "";
  const counts = `${where}: ${whole(unsafe)} unsafe, ${whole(near - unsafe)} more with a health factor below 1.1${reverts ? `, ${whole(reverts)} revert` : ""}.\n`;
  return counts + (liquidatable.length ? table([liquidatableHead(""), ...liquidatable.map((account) => liquidatableRow(account, ""))], [1]) + more : "");
}

const liquidatableHead = (first: string): Row => ({ cells: [first, "account", "health", "repaid", "$", "seized", "$", "gain $", "protocol's", "$"], style: dim });
function liquidatableRow({ address, health, liquidation }: Liquidatable, first: string): Row {
  const cells = [first, address, healthOf(health)];
  if (liquidation.refused) return { cells, rest: `refused: ${liquidation.reason}` };
  const { debt, collateral, repaid, seized, fee, repaidValue, seizedValue, feeValue, gain } = liquidation;
  return { cells: [
    ...cells, tokens(repaid, debt), dollars(repaidValue), tokens(seized, collateral), dollars(seizedValue), signed(gain), tokens(fee, collateral), dollars(feeValue),
  ] };
}
const signed = (value: bigint) => (value < 0n ? `−${dollars(-value)}` : dollars(value));

/** Times of the book and of the plain loop, and whether they agree. */
export const comparisonOfAccounts = ({ ticks, loop }: AaveRun) => verdict(ticks, loop, "accounts");

/** Everything as JSON: amounts as decimal strings in the tokens' units, values and prices in dollars of 8 decimals. */
export function documentOfAccounts(options: AaveOptions, { pool, protocol, at, loadMilliseconds, bytes, riskiest, opening, end, ticks, loop }: AaveRun): string {
  const { snapshot, revision, seed, liquidationBonus, liquidationProtocolFee, currentLiquidityRate, currentVariableBorrowRate } = options;
  const liquidatable = ({ liquidation, ...rest }: Liquidatable) => ({
    ...rest, liquidation: liquidation.refused ? liquidation : { ...liquidation, debt: liquidation.debt.symbol, collateral: liquidation.collateral.symbol },
  });
  const stateOf = ({ liquidatable: list, ...rest }: State<Liquidatable>) => ({ ...rest, liquidatable: list.map(liquidatable) });
  return json({
    title: pool.title,
    source: { protocol, snapshot, revision, seed, at, liquidationBonus, liquidationProtocolFee, currentLiquidityRate, currentVariableBorrowRate },
    accounts: pool.borrowers.length,
    withoutDebt: pool.others,
    assets: pool.reserves.map((reserve, id) => ({ id, ...reserve, liquidationBonus: reserve.liquidationBonus ?? liquidationBonus })),
    eModes: pool.categories.map((category) => ({ ...category, liquidationBonus: category.liquidationBonus ?? liquidationBonus })),
    load: { milliseconds: loadMilliseconds, bytes },
    opening: stateOf(opening),
    riskiest: riskiest.map(({ legs, ...account }) => ({
      ...account, eMode: account.eMode ?? null, legs: legs.map(({ reserve, ...leg }) => ({ asset: reserve.symbol, ...leg })),
    })),
    ticks: ticks.map(({ fresh, ...tick }, i) => ({ ...tick, loop: loop[i], fresh: fresh.map(liquidatable) })),
    end: stateOf(end),
    book: percentiles(ticks),
    loop: percentiles(loop),
    agree: agree(ticks, loop),
  });
}
