/** One position, alone in a book on the page, judged by the contracts' own rule as somebody types. */
import { type AccountBookOf, type BookOf, type LiquidationPrice, openBook } from "plimsoll";
import { maker } from "plimsoll/maker";
import { RAY, SYSTEM } from "../keeper/ilks.js";
import { change, price, units } from "./format.js";
import { type OfPool, type OfVaults, type Session, aave, figuresOf } from "./session.js";

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

/** Decimals of a market's token. */
export const decimalsOf = ({ opening }: Session, market: number) => (opening.protocol === "maker" ? 18 : Number(opening.reserves[market]!.decimals));

const WORDS = { never: "no price endangers it", always: "no price saves it", reverts: "the contract cannot tell", undecided: "hangs on roundings" };
const scaled = (amount: bigint, index: bigint) => (amount * RAY) / index;

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
      this.#judge = (position) => this.#judgeVault(book, opening, position);
    } else {
      const book = openBook(aave);
      for (const reserve of opening.reserves) book.addMarket(figuresOf(opening, reserve));
      this.#judge = (position) => this.#judgeAccount(book, opening, position);
    }
  }

  /** Judges a position at the session's prices. */
  judge(position: Position): Answer { return this.#judge(position); }

  #judgeVault(book: BookOf<typeof maker>, { ilks }: OfVaults, { held, collateral: ink, debt }: Position): Answer {
    const { rate } = ilks[held]!.figures, art = (debt * RAY + rate - 1n) / rate;
    book.setMarket(held, this.#session.figuresAt(held, this.#session.prices[held]!));
    const id = book.add(held, { ink, art });
    try {
      const { status, health, ratio, liquidationPrice } = book.inspect(id), dart = book.maxBorrow(id), dink = book.maxWithdraw(id);
      return {
        status: ink || art ? status : "empty", ...this.#told(held, health, ratio, liquidationPrice),
        borrow: typeof dart === "bigint" && dart ? `${units((dart * rate) / RAY, 18, 2)} DAI` : "none",
        withdraw: typeof dink === "bigint" && dink ? `${units(dink, 18, 6)} ${ilks[held]!.name.split("-")[0]}` : "none",
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
      const most = { borrow: [book.maxBorrow(id, { market: owed }), owed], withdraw: [book.maxWithdraw(id, { market: held }), held] } as const;
      const told = ([amount, market]: (typeof most)[keyof typeof most]) => (
        typeof amount === "bigint" && amount ? `${units(amount, Number(reserves[market]!.decimals), 4)} ${reserves[market]!.symbol}` : "none"
      );
      return { status: collateral || debt ? status : "empty", ...this.#told(held, health, ratio, found?.price), borrow: told(most.borrow), withdraw: told(most.withdraw) };
    } finally {
      book.remove(id);
    }
  }

  #told(market: number, health: bigint | number | undefined, ratio: bigint | number | undefined, at: LiquidationPrice | "undecided" | undefined) {
    const wad = (value: bigint | number | undefined, times: bigint, digits: number, unit: string) => (
      value === undefined ? "–" : typeof value === "number" ? "∞" : `${units(value * times, 18, digits)}${unit}`
    );
    return {
      health: wad(health, 1n, 4, ""), ratio: wad(ratio, 100n, 2, " %"),
      liquidationPrice: at === undefined ? "–" : typeof at === "string" ? WORDS[at] : `${price(at, this.#session.decimals)} $`,
      distance: typeof at === "bigint" ? change(this.#session.prices[market]!, at) : "–",
    };
  }
}
