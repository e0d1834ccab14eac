/** One position, alone in a book on the page, judged by the contracts' own rule as somebody types. */
import { type AccountBookOf, type BookOf, type LiquidationPrice, MAX_U128, type MostAmount, openBook } from "plimsoll";
import { maker } from "plimsoll/maker";
import { morpho } from "plimsoll/morpho";
import { RAY, SYSTEM } from "../keeper/ilks.js";
import { SHARES, marketFigures } from "../keeper/markets.js";
import { change, decimal, units } from "./format.js";
import { type OfPool, type Session, aave, figuresOf } from "./session.js";

/** What is typed: collateral of a market, debt (in another market, where accounts owe assets), in units of the tokens. */
export interface Position {
  readonly held: number;
  readonly owed: number;
  readonly collateral: bigint;
  readonly debt: bigint;
}

export interface Answer {
  readonly status: "safe" | "unsafe" | "reverts" | "empty";
  readonly health: string;
  readonly ratio: string;
  readonly liquidationPrice: string;
  readonly distance: string;
  readonly borrow: string;
  readonly withdraw: string;
}

const WORDS = { never: "no price endangers it", always: "no price saves it", reverts: "the contract cannot tell", undecided: "hangs on roundings" };
const scaled = (amount: bigint, index: bigint) => (amount * RAY) / index;
const most = (amount: MostAmount, told: (amount: bigint) => string) => (typeof amount === "bigint" && amount ? told(amount) : "none");

/** The book of the one position, with the markets of a session. */
export class Desk {
  readonly #session: Session;
  readonly #judge: (position: Position) => Answer;

  constructor(session: Session) {
    this.#session = session;
    const { opening } = session;
    if (opening.protocol === "maker") {
      const book = openBook(maker);
      book.setSystem(SYSTEM);
      for (const { figures } of opening.ilks) book.addMarket(figures);
      this.#judge = ({ held, collateral: ink, debt }) => {
        const { rate } = opening.ilks[held]!.figures;
        return this.#judgeVault(book, held, { ink, art: (debt * RAY + rate - 1n) / rate }, (dart) => `${units((dart * rate) / RAY, 18, 2)} DAI`, (dink) => units(dink, 18, 6));
      };
    } else if (opening.protocol === "morpho") {
      const book = openBook(morpho);
      // What the markets have left to lend is not in the file.
      for (const market of opening.markets) book.addMarket({ ...marketFigures(market), totalSupplyAssets: MAX_U128 });
      this.#judge = ({ held, collateral, debt }) => {
        const { unit, decimals } = session.markets[held]!;
        return this.#judgeVault(book, held, { collateral, borrowShares: debt * SHARES }, (assets) => `${decimal(assets, decimals.debt)} ${unit}, if supplied`, (assets) => decimal(assets, decimals.token));
      };
    } else {
      const book = openBook(aave);
      for (const reserve of opening.reserves) book.addMarket(figuresOf(opening, reserve));
      this.#judge = (position) => this.#judgeAccount(book, opening, position);
    }
  }

  /** Judges a position at the session's prices. */
  judge(position: Position): Answer { return this.#judge(position); }

  /** A vault or a position of a market; how its room is told. */
  #judgeVault(book: BookOf<typeof maker> | BookOf<typeof morpho>, held: number, vault: object, borrow: (amount: bigint) => string, withdraw: (amount: bigint) => string): Answer {
    const { prices, markets } = this.#session;
    book.setMarket(held, this.#session.figuresAt(held, prices[held]!));
    const id = book.add(held, vault as never);
    try {
      const { status, health, ratio, liquidationPrice } = book.inspect(id);
      return {
        status: Object.values(vault).some(Boolean) ? status : "empty", ...this.#told(held, health, ratio, liquidationPrice),
        borrow: most(book.maxBorrow(id), borrow), withdraw: most(book.maxWithdraw(id), (amount) => `${withdraw(amount)} ${markets[held]!.token}`),
      };
    } finally {
      book.remove(id);
    }
  }

  #judgeAccount(book: AccountBookOf<typeof aave>, { reserves }: OfPool, { held, owed, collateral, debt }: Position): Answer {
    for (const market of [held, owed]) book.setMarket(market, this.#session.figuresAt(market, this.#session.prices[market]!));
    const has = { reserve: held, scaledATokenBalance: scaled(collateral, reserves[held]!.liquidityIndex), usingAsCollateral: true };
    const owes = { reserve: owed, scaledVariableDebt: scaled(debt, reserves[owed]!.variableBorrowIndex) + (debt ? 1n : 0n) };
    const id = book.add({ reserves: held === owed ? [{ ...has, ...owes }] : [has, owes] });
    try {
      const { status, health, ratio } = book.inspect(id), found = book.liquidationPrices(id).find(({ market, side }) => market === held && side === "collateral");
      const told = (market: number) => (amount: bigint) => `${units(amount, Number(reserves[market]!.decimals), 4)} ${reserves[market]!.symbol}`;
      return {
        status: collateral || debt ? status : "empty", ...this.#told(held, health, ratio, found?.price),
        borrow: most(book.maxBorrow(id, { market: owed }), told(owed)), withdraw: most(book.maxWithdraw(id, { market: held }), told(held)),
      };
    } finally {
      book.remove(id);
    }
  }

  #told(market: number, health: bigint | number | undefined, ratio: bigint | number | undefined, at: LiquidationPrice | "undecided" | undefined) {
    const wad = (value: bigint | number | undefined, times: bigint, digits: number, unit: string) => (
      value === undefined ? "–" : typeof value === "number" ? "∞" : `${units(value * times, 18, digits)}${unit}`
    );
    const { decimals, unit } = this.#session.markets[market]!;
    return {
      health: wad(health, 1n, 4, ""), ratio: wad(ratio, 100n, 2, " %"),
      liquidationPrice: at === undefined ? "–" : typeof at === "string" ? WORDS[at] : `${decimal(at, decimals.price)} ${unit}`,
      distance: typeof at === "bigint" ? change(this.#session.prices[market]!, at) : "–",
    };
  }
}
