/** What runs in every runtime: the contracts' vectors, a book's life, refusals, a snapshot. It throws, or answers what it saw. */
import { source as aaveSource } from "#module/aave-v3";
import { source as cometSource } from "#module/comet";
import { source as compoundSource } from "#module/compound-v2";
import { source as liquitySource } from "#module/liquity-v1";
import { source as boldSource } from "#module/liquity-v2";
import { source as makerSource } from "#module/maker";
import { source as morphoSource } from "#module/morpho";
import { PlimsollError, openBook, toLimbs } from "plimsoll";
import { aaveV3 } from "plimsoll/aave-v3";
import { loadBook, saveBook } from "plimsoll/arrow";
import { maker } from "plimsoll/maker";
import { type Outcome, replay } from "../../bench/vectors.js";

export interface Report {
  /** Where the cuts of the module came from. */
  readonly sources: readonly string[];
  /** Vectors that were replayed, and of them those also asked of a book. */
  readonly cases: number;
  readonly inBook: number;
  /** Milliseconds from the first call to the first liquidation price, where the clock runs. */
  readonly first: number;
}

const WAD = 10n ** 18n, RAY = 10n ** 27n;

function equal(what: string, seen: unknown, expected: unknown): void {
  const text = (value: unknown) => JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? `${inner}n` : inner));
  if (text(seen) !== text(expected)) throw new Error(`${what}: ${text(seen)}, not ${text(expected)}`);
}
function refused(code: string, call: () => unknown): void {
  try { call(); } catch (error) {
    equal(`a refusal's code and class (${error})`, [(error as PlimsollError).code, error instanceof PlimsollError], [code, true]);
    return;
  }
  throw new Error(`${code} was not thrown`);
}

function vaults(): void {
  const book = openBook(maker, { keyBytes: 20 }), key = `0x${"5e".repeat(20)}`;
  book.setSystem({ par: RAY, base: 0n, Hole: 10n ** 54n, Dirt: 0n });
  const market = book.addMarket({ val: 2000n * WAD, spot: 1379310344827586206896551724137n, mat: (145n * RAY) / 100n, rate: RAY, hole: 10n ** 54n });
  const id = book.add(market, { ink: 10n * WAD, art: 13_000n * WAD }, key), n = 5000;
  book.load(market, { ink: toLimbs(new Array(n).fill(WAD)), art: toLimbs(new Array(n).fill(1n)) }, Uint8Array.from({ length: n * 20 }, (_, i) => (i % 20 === 19 ? Math.floor(i / 20) >> 8 : i % 20 === 18 ? Math.floor(i / 20) & 255 : 1)));
  equal("a scan", book.scan().length, 0);
  const spot = maker.spot({ val: 1884n * WAD, has: true, par: RAY, mat: (145n * RAY) / 100n });
  if (spot.reverts) throw new Error(spot.reason);
  equal("a preview", book.preview([[[market, { spot: spot.spot }]]])[0]!.unsafe.length, 1);
  book.setMarket(market, { val: 1884n * WAD, spot: spot.spot });
  equal("a tick", Array.from(book.scan({ order: "riskiest" }), (hit) => [hit.key, hit.health]), [[key, 999469496021220159n]]);
  const { liquidationPrice, status, liquidation } = book.inspect(id);
  equal("an inspection", [liquidationPrice, status, liquidation.refused], [1885n * WAD, "unsafe", false]);
  const copy = loadBook(maker, saveBook(book));
  equal("a snapshot", [copy.size, copy.find(key).map((found) => copy.inspect(found).liquidationPrice)], [n + 1, [1885n * WAD]]);
  refused("out-of-range", () => book.add(market, { ink: 2n ** 128n, art: 0n }, `0x${"01".repeat(20)}`));
  refused("duplicate-key", () => book.add(market, { ink: 1n, art: 0n }, key));
  refused("bad-snapshot", () => loadBook(maker, new Uint8Array(64)));
  book.remove(id);
  refused("stale-id", () => book.inspect(id));
  book.dispose();
  refused("disposed", () => book.scan());
}

function accounts(): void {
  const book = openBook(aaveV3({ revision: 9 })), index = { liquidityIndex: (102n * RAY) / 100n, variableBorrowIndex: (105n * RAY) / 100n };
  const weth = book.addMarket({ decimals: 18n, liquidationThreshold: 8300n, assetPrice: 2_000_00000000n, ...index }), usdc = book.addMarket({ decimals: 6n, liquidationThreshold: 8000n, assetPrice: 1_00000000n, ...index });
  const id = book.add({ reserves: [{ reserve: weth, scaledATokenBalance: 5n * WAD }, { reserve: usdc, scaledVariableDebt: 7_500_000000n }] });
  equal("liquidation prices", book.liquidationPrices(id).map(({ price }) => price), [186038270730n, 107504761n]);
  book.setMarket(weth, { assetPrice: 1_860_00000000n });
  equal("a scan of accounts", Array.from(book.scan(), (hit) => hit.health), [999794285714285714n]);
}

export function suite(vectors: Readonly<Record<string, string>>): Report {
  const start = performance.now(), price = maker.liquidationPrice({ ink: WAD, art: WAD, rate: RAY, mat: RAY, par: RAY }), first = performance.now() - start;
  equal("the first liquidation price", price, WAD);
  vaults();
  accounts();
  const outcomes: Outcome[] = [];
  for (const [file, text] of Object.entries(vectors)) {
    const { outcome, failures } = replay(file, text);
    equal(`${file}: differences`, failures.slice(0, 1), []);
    equal(`${file}: covered`, outcome.covered, true);
    outcomes.push(outcome);
  }
  const sum = (of: "cases" | "inBook") => outcomes.reduce((all, outcome) => all + outcome[of], 0);
  return { sources: [aaveSource, cometSource, compoundSource, liquitySource, boldSource, makerSource, morphoSource], cases: sum("cases"), inBook: sum("inBook"), first };
}
