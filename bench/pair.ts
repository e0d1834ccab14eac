/**
 * What books of Morpho's positions cost, in one large market and in ten thousand small ones, beside `AccrualPosition` of
 * `@morpho-org/blue-sdk`, with which Morpho's own interface and bots check positions (exact BigInt).
 */
import { AccrualPosition, Market, MarketParams } from "@morpho-org/blue-sdk";
import { openBook } from "plimsoll";
import { morpho } from "plimsoll/morpho";
import { drawVaults, random } from "../examples/keeper/synthetic.js";
import { ensure, faster, type Group, median, NS, type Ratio, stage } from "./measure.js";
import { tickFigures, type Ticking } from "./ticks.js";

/** A market of wstETH against WETH, with all digits. */
export const FIGURES = {
  price: 1_207_814_365_092_718_340_000_000_000_000_000_000n, lltv: 945_000_000_000_000_000n,
  totalSupplyAssets: 61_305_718_402_916_273_840_115n, totalSupplyShares: 59_806_271_940_386_152_790_314_882_605n,
  totalBorrowAssets: 55_018_273_645_190_827_364_550n, totalBorrowShares: 53_402_918_273_645_546_372_819_004_733n,
};
type Figures = typeof FIGURES;
const VIRTUAL_SHARES = 1_000_000n, LINE_UNIT = 10n ** 54n;

/** Numerator and denominator of the shares that a unit of collateral may owe: of what the line is beside the price, and of a price. */
export const lineOf = ({ lltv, totalBorrowAssets, totalBorrowShares }: Omit<Figures, "price">) => (
  { of: lltv * (totalBorrowShares + VIRTUAL_SHARES), over: LINE_UNIT * (totalBorrowAssets + 1n) }
);
/** Positions that owe 0.005 to 5 of a token of 18 decimals, in shares, with the health of the distribution. */
export function draw(count: number, figures: Figures, seed: number): { collateral: BigUint64Array; borrowShares: BigUint64Array } {
  const { of, over } = lineOf(figures), { ink, art } = drawVaults(count, { spot: figures.price * of / LINE_UNIT, rate: over / LINE_UNIT }, seed);
  return { collateral: ink, borrowShares: art };
}
type Amounts = ReturnType<typeof draw>;

const amount = (limbs: BigUint64Array, row: number) => limbs[row * 2]! | (limbs[row * 2 + 1]! << 64n);

/** A pass over all positions that reports what changed, which is nothing: the pass alone, without listing what is unsafe. */
const CHANGES = { since: "last", idsOnly: true } as const;
export const open = () => {
  const book = openBook(morpho);
  return { book, market: book.addMarket(FIGURES) };
};

// ---- The peer

export const SEED = 20_260_201;

/** The positions as objects of the peer, which its users make of what they have fetched. */
function peersOf({ collateral, borrowShares }: Amounts): AccrualPosition[] {
  const address = (digit: string) => `0x${digit.repeat(40)}` as const;
  const params = new MarketParams({ loanToken: address("1"), collateralToken: address("2"), oracle: address("3"), irm: address("4"), lltv: FIGURES.lltv });
  const market = new Market({ ...FIGURES, params, lastUpdate: NOW, fee: 0n, rateAtTarget: 1_268_391_679n });
  return Array.from({ length: collateral.length / 2 }, (_, row) => (
    new AccrualPosition({ user: address("5"), supplyShares: 0n, collateral: amount(collateral, row), borrowShares: amount(borrowShares, row) }, market)
  ));
}
const NOW = 1_770_000_000n;

const countUnhealthy = (positions: readonly AccrualPosition[]) => positions.reduce((count, { isHealthy }) => count + Number(!isHealthy), 0);

/** A tenth of the positions, as objects of 15 fields each: more of them would only make the garbage collector slower. */
function openPeer(vaults: number) {
  const amounts = draw(vaults, FIGURES, SEED), positions = peersOf(amounts), { book, market } = open();
  book.load(market, amounts);
  ensure(book.scan({ screen: "off", idsOnly: true }).length === countUnhealthy(positions), "the exact pass and the peer disagree");
  ensure(book.scan({ idsOnly: true }).length === countUnhealthy(positions), "the screen and the peer disagree");
  return { book, positions };
}

// ---- Ticks

/** Positions drawn and loaded at once: more would only need more memory. */
const PIECE = 1_000_000;

function openBig(vaults: number): Ticking & { readonly book: ReturnType<typeof open>["book"] } {
  const { book, market } = open(), keys = new Float64Array(vaults), { of, over } = lineOf(FIGURES);
  for (let from = 0, piece = 0; from < vaults; from += PIECE) {
    const count = Math.min(PIECE, vaults - from), amounts = draw(count, FIGURES, SEED + ++piece);
    book.load(market, amounts);
    keysOf(amounts, keys.subarray(from, from + count));
  }
  const unsafe = book.scan({ idsOnly: true }).length;
  keys.sort().reverse();
  const tick = (price: bigint) => {
    book.setMarket(market, { price });
    return book.scan({ since: "last", idsOnly: true });
  };
  // A key is a line: price·of/over.
  return { book, keys, unsafe, price: FIGURES.price, tick, priceAt: (key) => (BigInt(Math.round(key * 2 ** 50)) * over / of) >> 50n };
}

/** Shares over collateral of each position, as doubles. */
function keysOf({ collateral, borrowShares }: Amounts, out: Float64Array): void {
  for (let row = 0; row < out.length; ++row) out[row] = Number(amount(borrowShares, row)) / Number(amount(collateral, row));
}

// ---- Many markets

const POSITIONS = 100;
const LLTVS = [770_000_000_000_000_000n, 860_000_000_000_000_000n, 915_000_000_000_000_000n, 945_000_000_000_000_000n];

/** Markets of a hundred positions, each with figures of its own. */
function openMany(count: number) {
  const next = random(SEED), book = openBook(morpho), numbers = new Uint32Array(count), first: bigint[] = [];
  for (let i = 0; i < count; ++i) {
    const scale = 0.01 * 10_000 ** next(), of = (value: bigint) => value * BigInt(Math.round(scale * 2 ** 30)) >> 30n;
    const figures = {
      price: of(FIGURES.price), lltv: LLTVS[i % LLTVS.length]!, totalSupplyAssets: of(FIGURES.totalSupplyAssets), totalSupplyShares: of(FIGURES.totalSupplyShares),
      totalBorrowAssets: of(FIGURES.totalBorrowAssets), totalBorrowShares: of(FIGURES.totalBorrowShares),
    };
    numbers[i] = book.addMarket(figures);
    book.load(numbers[i]!, draw(POSITIONS, figures, SEED + i));
    first.push(figures.price);
  }
  book.scan({ idsOnly: true });
  /** Prices that wander within 1 % of where they began, drawn back to it, together and each by itself: two limbs each. */
  const own = new Float64Array(count);
  let common = 0;
  const step = () => {
    const prices = new BigUint64Array(count * 2);
    common += 0.002 * (next() - 0.5) - 0.02 * common;
    first.forEach((price, i) => {
      own[i] = own[i]! + 0.001 * (next() - 0.5) - 0.02 * own[i]!;
      const to = price * BigInt(Math.round((1 + common + own[i]!) * 2 ** 40)) >> 40n;
      prices[i * 2] = to; // a BigUint64Array takes the low 64 bits
      prices[i * 2 + 1] = to >> 64n;
    });
    return prices;
  };
  return { book, numbers, step };
}

function measureMany({ book, numbers, step }: ReturnType<typeof openMany>): number {
  let prices = step();
  const value = median(() => {
    book.setMarkets(numbers, { price: prices });
    book.scan(CHANGES);
  }, () => { prices = step(); });
  const screened = book.scan({ idsOnly: true }).ids, exact = book.scan({ screen: "off", idsOnly: true }).ids;
  ensure(screened.length === exact.length && screened.every((id, i) => id === exact[i]), "the screen and the exact pass disagree over many markets");
  return value * NS / numbers.length;
}

/** How much faster than the peer a tick is, per position. */
const fasterThanPeer = (name: string, least: number): Ratio => (
  { name: `pair.peer × positions / ${name}`, of: (figure) => figure("pair.peer").value * figure(name).vaults / (figure(name).value * 1000), least }
);
const asMaker = (name: string): Ratio => faster(name, `pair.${name}`, 0.5);

export const pairGroup: Group = {
  stages: (vaults, big) => [
    stage({
      vaults: Math.floor(vaults / 10), open: () => openPeer(Math.floor(vaults / 10)),
      figures: {
        "pair.peer": ["ns", ({ positions }) => median(() => { countUnhealthy(positions); }) * NS / positions.length],
        "pair.peer.accrued": ["ns", ({ positions }) => (
          median(() => { positions.reduce((count, position) => count + Number(!position.accrueInterest(NOW).isHealthy), 0); }) * NS / positions.length
        )],
        "pair.exact": ["ns", ({ book, positions }) => median(() => { book.scan({ screen: "off", ...CHANGES }); }) * NS / positions.length],
        "pair.screen": ["ns", ({ book, positions }) => median(() => { book.scan({ screen: "keys", ...CHANGES }); }) * NS / positions.length],
      },
    }),
    stage({
      vaults, open: () => openMany(Math.floor(vaults / POSITIONS)),
      figures: {
        "pair.manyMarkets": ["ns", measureMany],
        "pair.manyMarkets.bytes": ["bytes", ({ book }) => book.bytes / book.size],
      },
    }),
    stage({ vaults: big, open: () => openBig(big), figures: tickFigures("pair.") }),
  ],
  goals: [
    faster("pair.peer", "pair.exact", 50),
    fasterThanPeer("pair.tick", 10_000),
    asMaker("tick"), asMaker("tick.quiet"), asMaker("tick.walk"), asMaker("tick.crash"),
    { name: "pair.manyMarkets", most: 100 },
    { name: "pair.manyMarkets.bytes", most: 64 },
  ],
};
