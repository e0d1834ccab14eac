/** What a branch of Liquity v2 costs: troves with rates of their own, whose debts grow with time. */
import { openBook } from "plimsoll";
import { liquityV2 } from "plimsoll/liquity-v2";
import { drawVaults, random } from "../examples/keeper/synthetic.js";
import { ensure, faster, type Group, median, stage, US } from "./measure.js";
import { tickFigures, type Ticking } from "./ticks.js";

const WAD = 10n ** 18n, YEAR = 31_536_000, DAY = 86_400, MONTH = 30 * DAY;
const NOW = 1_770_000_000;
export const price = 2_375_396_695_018_273_645_190n, MCR = 1_100_000_000_000_000_000n;
/** Troves drawn and loaded at once: more would only need more memory. */
const PIECE = 1_000_000;

/**
 * Debts of 5,000 to 5,000,000 with the health of the distribution now, rates of 0.5 % to 25 % a year (log-uniform), last touched within a
 * month; `keys` takes debt over collateral of now.
 */
export function draw(count: number, seed: number, keys: Float64Array) {
  const next = random(seed), { ink: coll, art: debt } = drawVaults(count, { spot: price * WAD, rate: MCR * WAD }, seed);
  const annualInterestRate = new BigUint64Array(count * 2), lastDebtUpdateTime = new BigUint64Array(count * 2);
  const amount = (limbs: BigUint64Array, row: number) => Number(limbs[row * 2]!) + Number(limbs[row * 2 + 1]!) * 2 ** 64;
  for (let row = 0; row < count; ++row) {
    const rate = 0.005 * 50 ** next(), since = Math.floor(MONTH * next()), owed = amount(debt, row), recorded = BigInt(Math.round(owed / (1 + rate * since / YEAR)));
    annualInterestRate[row * 2] = BigInt(Math.round(rate * 1e18));
    lastDebtUpdateTime[row * 2] = BigInt(NOW - since);
    debt[row * 2] = recorded; // a BigUint64Array takes the low 64 bits
    debt[row * 2 + 1] = recorded >> 64n;
    keys[row] = owed / amount(coll, row);
  }
  return { coll, debt, stake: coll, snapshotColl: new BigUint64Array(count * 2), snapshotBoldDebt: new BigUint64Array(count * 2), annualInterestRate, lastDebtUpdateTime };
}

export const open = (figures: { readonly totalBoldDeposits?: bigint } = {}) => {
  const book = openBook(liquityV2);
  return { book, market: book.addMarket({ price, MCR, timestamp: BigInt(NOW), ...figures }) };
};

function openBig(vaults: number): Ticking & { readonly later: (seconds: number) => number } {
  const { book, market } = open(), keys = new Float64Array(vaults);
  for (let from = 0, piece = 0; from < vaults; from += PIECE) {
    const to = Math.min(from + PIECE, vaults);
    book.load(market, draw(to - from, 20_260_202 + piece++, keys.subarray(from, to)));
  }
  const unsafe = book.scan({ idsOnly: true }).length;
  keys.sort().reverse();
  const tick = (to: bigint) => {
    book.setMarket(market, { price: to });
    return book.scan({ since: "last", idsOnly: true });
  };
  const later = (seconds: number) => book.scan({ since: "last", idsOnly: true, at: BigInt(NOW + seconds) }).unsafe.length;
  return { keys, unsafe, price, tick, priceAt: (key) => BigInt(Math.round(key * 2 ** 80)) * MCR >> 80n, later };
}

/** A day passes, and back again between the runs, untimed. */
function measureLater({ later }: ReturnType<typeof openBig>): number {
  return median(() => { ensure(later(DAY) > 0, "a day in which no trove fell"); }, () => { later(0); }) * US;
}

export const troveGroup: Group = {
  stages: (_, big) => [
    stage({ vaults: big, open: () => openBig(big), figures: { ...tickFigures("trove."), "trove.later": ["µs", measureLater] } }),
  ],
  goals: ["tick", "tick.quiet", "tick.walk", "tick.crash"].map((name) => faster(name, `trove.${name}`, 0.5)),
};
