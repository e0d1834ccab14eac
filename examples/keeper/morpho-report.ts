/** What the keeper prints of Morpho's positions: tables for people, one document for programs. */
import { type MorphoMarket, PRICE_UNIT } from "./markets.js";
import type { MorphoRun, PositionState } from "./morpho.js";
import { MOST_LISTED, type MorphoOptions } from "./options.js";
import type { State } from "./play.js";
import { type Row, TICK_HEAD, agree, amount, dim, json, percent, percentiles, table, tenths, tickRow, verdict, whole } from "./print.js";

const WAD = 10n ** 18n;

/** Formats that know the assets' decimals. */
function formatsOf(decimals: ReadonlyMap<string, number>) {
  const of = (symbol: string) => decimals.get(symbol) ?? 0;
  /** An amount in tokens, of dust its first digits; in units where the decimals are not known. */
  const tokens = (value: bigint, symbol: string) => {
    const unit = 10n ** BigInt(of(symbol)), isDust = value > 0n && value * 1_000_000n < unit;
    return `${isDust ? (Number(value) / Number(unit)).toExponential(3) : amount(value, unit, Math.min(of(symbol), 6))} ${symbol}`;
  };
  const priced = (price: bigint, { collateralAsset, loanAsset }: MorphoMarket) => {
    const value = Number(price) / Number(PRICE_UNIT) * 10 ** (of(collateralAsset) - of(loanAsset));
    return value === 0 ? "0" : value >= 1e-4 && value < 1e9 ? value.toLocaleString("en-US", { maximumFractionDigits: value >= 100 ? 2 : 6 }) : value.toExponential(4);
  };
  return { tokens, priced };
}
type Formats = ReturnType<typeof formatsOf>;

const pairOf = ({ collateralAsset, loanAsset, id }: MorphoMarket) => `${collateralAsset}/${loanAsset} ${id.slice(0, 8)}…`;
const ratioOf = (ratio: bigint | number | undefined) => (typeof ratio === "bigint" ? amount(ratio, WAD, 6) : `${ratio ?? "reverts"}`);
/** How far one price lies from another. */
const distance = (to: bigint, from: bigint) => (from && to < 10n ** 60n ? percent(Number(to) / Number(from) - 1) : "");

/** What was loaded, the riskiest, what can be liquidated, and every tick: all but the plain loop. */
export function tablesOfPositions({ decimals }: MorphoOptions, { source, incentives, loadMilliseconds, bytes, riskiest, opening, end, ticks }: MorphoRun): string {
  const formats = formatsOf(decimals), { tokens, priced } = formats;
  const markets = table([
    { cells: ["market", "price", "then", "", "lltv", "bonus", "in debt", "owed"], style: dim },
    ...source.markets.map((market, i) => ({ cells: [
      pairOf(market), priced(market.price, market), ...(end.prices[i] === market.price ? ["", ""] : [priced(end.prices[i]!, market), distance(end.prices[i]!, market.price)]),
      `${amount(market.lltv * 100n, WAD, 2)} %`, `${amount((incentives[i]! - WAD) * 100n, WAD, 2)} %`, whole(market.borrowers.length), tokens(market.totalBorrowAssets, market.loanAsset),
    ] })),
  ], [0]);
  const others = source.others ? `${whole(source.others)} ${source.others === 1 ? "position without debt is" : "positions without debt are"} left out.\n` : "";
  const loaded = `The file has debts in assets: each has 1,000,000 shares an asset here, and each market the sums over the file's positions as\n`
    + `its totals, supplied as borrowed, by which the contract gives every debt back to the unit.\n${others}`
    + `Loaded in ${tenths(loadMilliseconds)} ms into ${(bytes / 1e6).toFixed(1)} MB.\n`;

  const risky = riskiest.length === 0 ? "" : table([
    { cells: [`the riskiest ${whole(riskiest.length)}`, "market", "health", "ratio", "collateral", "debt", "price", "liquidated", ""], style: dim },
    ...riskiest.map((position) => riskRow(position, formats)),
  ], [0, 1, 7]) + "\n";

  const path = table([TICK_HEAD, ...ticks.map((tick) => tickRow(tick, tick.prices, opening.prices))], [1]);
  const fresh = ticks.flatMap((tick) => tick.fresh.map((position) => liquidationRow(position, whole(tick.tick), formats)));
  const listed = fresh.length === 0 ? "" : `${table([liquidationHead("newly unsafe at tick"), ...fresh], [1, 2])}\n`;
  const toxic = [opening, end].some(({ liquidatable }) => liquidatable.some(({ toxic }) => toxic)) ? TOXIC : "";
  return `${source.title}\n\n${markets}\n${loaded}\n${state("At the snapshot's prices", opening, formats)}\n${risky}${path}\n${listed}${state("At the prices then", end, formats)}${toxic}\n`;
}

const TOXIC = "Each answer stands by itself, of a liquidation of all that the contract takes. Toxic: what it takes for an asset repaid is more\n"
  + "than the position has for one, so its health falls. Bad debt: no collateral is left for it, and the suppliers lose it.\n";

function riskRow({ owner, market, health, ratio, collateral, debt, price, liquidationPrice }: PositionState, { tokens, priced }: Formats): Row {
  const cells = [
    owner, pairOf(market), ratioOf(health), ratioOf(ratio), tokens(collateral, market.collateralAsset), debt === undefined ? "reverts" : tokens(debt, market.loanAsset),
    priced(price, market),
  ];
  if (typeof liquidationPrice !== "bigint") return { cells: [...cells, liquidationPrice === "always" ? "at any price" : liquidationPrice] };
  return { cells: [...cells, `below ${priced(liquidationPrice, market)}`, distance(liquidationPrice, price)] };
}

/** How many are unsafe at some prices, and what to do with them. */
function state(where: string, { unsafe, near, reverts, liquidatable }: State<PositionState>, formats: Formats): string {
  const more = unsafe > liquidatable.length ? `The first ${whole(MOST_LISTED)}.\n` : "";
  const counts = `${where}: ${whole(unsafe)} unsafe, ${whole(near - unsafe)} more with a health below 1.1${reverts ? `, ${whole(reverts)} revert` : ""}.\n`;
  return counts + (liquidatable.length ? table([liquidationHead(""), ...liquidatable.map((position) => liquidationRow(position, "", formats))], [1, 2]) + more : "");
}

const liquidationHead = (first: string): Row => ({ cells: [first, "position", "market", "health", "seized", "repaid", "bad debt"], style: dim });
function liquidationRow({ owner, market, health, liquidation, toxic, badDebt }: PositionState, first: string, { tokens }: Formats): Row {
  const cells = [first, owner, pairOf(market), ratioOf(health)], words = [...(toxic ? ["toxic"] : []), ...(badDebt ? ["bad debt"] : [])].join(", ");
  if (liquidation.refused) return { cells, rest: [`refused: ${liquidation.reason}`, words].filter(Boolean).join("; ") };
  const { seizedAssets, repaidAssets, badDebtAssets } = liquidation;
  return { cells: [
    ...cells, tokens(seizedAssets, market.collateralAsset), tokens(repaidAssets, market.loanAsset), badDebtAssets ? tokens(badDebtAssets, market.loanAsset) : "–",
  ], rest: words };
}

/** Times of the book and of the plain loop, and whether they agree. */
export const comparisonOfPositions = ({ ticks, loop }: MorphoRun) => verdict(ticks, loop, "positions");

/** Everything as JSON: amounts as decimal strings in the tokens' units, prices as the oracles scale them. */
export function documentOfPositions({ snapshot, seed, decimals }: MorphoOptions, { source, incentives, loadMilliseconds, bytes, riskiest, opening, end, ticks, loop }: MorphoRun): string {
  const position = ({ market: { id, collateralAsset, loanAsset }, ...rest }: PositionState) => ({ market: id, collateralAsset, loanAsset, ...rest });
  const stateOf = ({ liquidatable, ...rest }: State<PositionState>) => ({ ...rest, liquidatable: liquidatable.map(position) });
  return json({
    title: source.title,
    source: { protocol: "morpho", snapshot, seed, sharesPerAsset: 1_000_000, decimals: Object.fromEntries(decimals) },
    positions: source.positions,
    withoutDebt: source.others,
    markets: source.markets.map(({ borrowers, ...market }, i) => ({ ...market, liquidationIncentiveFactor: incentives[i], borrowers: borrowers.length })),
    load: { milliseconds: loadMilliseconds, bytes },
    opening: stateOf(opening),
    riskiest: riskiest.map(position),
    ticks: ticks.map(({ fresh, ...tick }, i) => ({ ...tick, loop: loop[i], fresh: fresh.map(position) })),
    end: stateOf(end),
    book: percentiles(ticks),
    loop: percentiles(loop),
    agree: agree(ticks, loop),
  });
}
