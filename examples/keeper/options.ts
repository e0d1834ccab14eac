/** The keeper's options: read, checked, and refused with a message that names them. */
import { type ParseArgsConfig, parseArgs } from "node:util";

export const HELP = `Finds the liquidatable among many vaults or accounts at every tick of moving prices.

Usage: npm start -- [options]        after a build: node build/keeper.js [options]

  --protocol NAME   maker, aave-v3 or morpho (what the snapshot is of, without one: maker)
  --snapshot FILE   real vaults, accounts or positions instead of synthetic vaults
  --ticks N         ticks of the price path, 1 to 10,000 (12)
  --seed N          seed of the path, and of synthetic vaults, 0 to 4,294,967,295 (1)
  --top N           how many to list, 0 to 1,000: vaults at a tick (3); of aave-v3 and
                    morpho the riskiest, and those newly unsafe at a tick (10)
  --json            one JSON document: amounts as decimal strings, as the contracts
                    scale them
  --help            this text

Maker (prices fall by 3 %):

  --vaults N        synthetic vaults, 1 to 90,000,000 (1,000,000)
  --ratio R         with a snapshot: the liquidation ratio, up to 27 decimals (1.1)

Aave v3 (prices move from the snapshot's to those given here):

  --price ASSET=P   price of an asset in dollars; repeatable. ASSET: symbol or address
  --drop [ASSET=]D  fall of an asset's price in percent, or without ASSET of all whose
                    price is not within 2 % of a dollar, since nobody's health moves
                    when debts fall as well; repeatable (10 without any --price)
  --revision N      POOL_REVISION, which decides every rounding: 1 is 3.0, 4 is 3.1,
                    5 and 6 are 3.2, 7 is 3.3, 8 is 3.4, 9 is 3.5, 10 is 3.6, 11 is 3.7 (11)
  --bonus P         liquidation bonus in percent where the snapshot has none (5: what
                    Aave gives for its largest assets)
  --protocol-fee P  the protocol's share of the bonus in percent (10: what Aave takes of
                    nearly every reserve)
  --at SECONDS      accrue interest to this second (that of the snapshot, so none)
  --supply-rate P   interest of suppliers and borrowers in percent a year, for all
  --borrow-rate P   reserves, as stored in the pool (0: a snapshot has balances as
                    of its own time)

Morpho (prices move from the snapshot's to those given here):

  --price MARKET=P  price of a market's collateral in its loan asset; repeatable. MARKET:
                    its id, or a pair, such as wstETH/WETH, for all markets of it
  --drop [MARKET=]D fall of a market's price in percent, or without MARKET of all;
                    repeatable (10 without any --price)
  --decimals A=N    decimals of an asset, by the symbol that it has in the pairs; repeatable
                    (0: amounts in units, as the file has them, and prices of units)

  A snapshot has debts in assets, not in shares. Every position gets 1,000,000 shares an
  asset, and its market the sum of both over the file's positions as totals, supplied as
  borrowed: then the contract's own conversion gives back each debt to the unit.

Exit status: 0; 1 for a snapshot that cannot be used, or if the plain loop
ever counts another number of unsafe ones; 2 for a wrong option.
`;

/** A wrong option; the message names it, and its value. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const PROTOCOLS = ["maker", "aave-v3", "morpho"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** What all protocols' runs take. */
export interface Common {
  readonly ticks: number;
  readonly seed: number;
  readonly top: number;
  readonly json: boolean;
}

export interface MakerOptions extends Common {
  readonly source: { readonly vaults: number } | { readonly snapshot: string; /** The liquidation ratio, ray. */ readonly ratio: bigint };
}

export interface AaveOptions extends Common {
  readonly snapshot: string;
  readonly revision: number;
  /** New prices by symbol or address, in the oracle's 8 decimals, and falls in 10^−18 of the price; those of no asset are of all. */
  readonly prices: readonly (readonly [asset: string, price: bigint])[];
  readonly drops: readonly (readonly [asset: string | undefined, fall: bigint])[];
  /** Basis points: 10500 is a bonus of 5 %; the fee is the protocol's share of the bonus. */
  readonly liquidationBonus: bigint;
  readonly liquidationProtocolFee: bigint;
  /** Seconds; undefined: when the snapshot was taken. */
  readonly at: bigint | undefined;
  /** Ray a year. */
  readonly currentLiquidityRate: bigint;
  readonly currentVariableBorrowRate: bigint;
}

export interface MorphoOptions extends Common {
  readonly snapshot: string;
  /** New prices by id or pair, loan assets for one of collateral in 10^−36, and falls in 10^−18 of the price; those of no market are of all. */
  readonly prices: readonly (readonly [market: string, price: bigint])[];
  readonly drops: readonly (readonly [market: string | undefined, fall: bigint])[];
  /** Decimals by symbol. */
  readonly decimals: ReadonlyMap<string, number>;
}

export interface Options {
  /** Undefined: what the snapshot is of. */
  readonly protocol: Protocol | undefined;
  readonly snapshot: string | undefined;
  readonly json: boolean;
  /** The options of a protocol's run. Throws `UsageError` where there are some of another. */
  readonly maker: () => MakerOptions;
  readonly aave: () => AaveOptions;
  readonly morpho: () => MorphoOptions;
}

const text = { type: "string" } as const, flag = { type: "boolean" } as const;
const OPTIONS = {
  protocol: text, snapshot: text, ticks: text, seed: text, top: text, json: flag, help: { ...flag, short: "h" },
  vaults: text, ratio: text,
  price: text, drop: text, revision: text, bonus: text, "protocol-fee": text, at: text, "supply-rate": text, "borrow-rate": text,
  decimals: text,
} as const satisfies ParseArgsConfig["options"];
type Name = keyof typeof OPTIONS;
/** Options that are not everybody's, and whose they are. */
const OWN: Partial<Record<Name, readonly Protocol[]>> = {
  vaults: ["maker"], ratio: ["maker"], price: ["aave-v3", "morpho"], drop: ["aave-v3", "morpho"], revision: ["aave-v3"], bonus: ["aave-v3"],
  "protocol-fee": ["aave-v3"], at: ["aave-v3"], "supply-rate": ["aave-v3"], "borrow-rate": ["aave-v3"], decimals: ["morpho"],
};
const REPEATABLE: readonly Name[] = ["price", "drop", "decimals"];
const REVISIONS = [1, 4, 5, 6, 7, 8, 9, 10, 11];

/** What a run lists at most: a document of more would not fit into a string. */
export const MOST_LISTED = 100_000;

/** The options, or undefined where help was asked for. */
export function readOptions(args: string[]): Options | undefined {
  const given = readArguments(args);
  if (given.help) return undefined;
  const last = (name: Name) => given[name]?.at(-1), quoted = JSON.stringify;

  const whole = (name: Name, least: number, most: number, otherwise: number) => {
    const text = last(name), value = Number(text);
    if (text === undefined) return otherwise;
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new UsageError(`--${name} must be a whole number from ${least} to ${most.toLocaleString("en-US")}, not ${quoted(text)}`);
    }
    return value;
  };
  /** A decimal number in units of 10^−decimals. */
  const scaled = (name: Name, text: string, decimals: number, least: bigint, most: bigint | undefined, what: string) => {
    const [, units, rest = ""] = /^(\d{1,12})(?:\.(\d+))?$/.exec(text) ?? [];
    const value = units === undefined || rest.length > decimals ? -1n : BigInt(units + rest.padEnd(decimals, "0"));
    if (value < least || (most !== undefined && value > most)) throw new UsageError(`--${name} must be ${what}, not ${quoted(text)}`);
    return value;
  };
  const percent = (name: Name, decimals: number, otherwise: string) => (
    scaled(name, last(name) ?? otherwise, decimals, 0n, 100n * 10n ** BigInt(decimals), `a percentage from 0 to 100 with at most ${decimals} decimals`)
  );
  /** `ASSET=VALUE`, or `VALUE` alone. */
  const pairs = (name: Name) => (given[name] ?? []).map((pair) => {
    const at = pair.lastIndexOf("=");
    return [at < 0 ? undefined : pair.slice(0, at), pair.slice(at + 1), pair] as const;
  });

  const named = last("protocol"), protocol = PROTOCOLS.find((protocol) => protocol === named), snapshot = last("snapshot");
  if (protocol !== named) throw new UsageError(`--protocol must be maker, aave-v3 or morpho, not ${quoted(named)}`);
  if (snapshot !== undefined && given.vaults) throw new UsageError(`--vaults ${last("vaults")} and --snapshot exclude each other`);
  if (snapshot === undefined && given.ratio) throw new UsageError(`--ratio ${last("ratio")} is for a snapshot: name one with --snapshot`);
  if (snapshot === undefined && protocol === "aave-v3") throw new UsageError("--protocol aave-v3 needs accounts: name a snapshot with --snapshot");
  if (snapshot === undefined && protocol === "morpho") throw new UsageError("--protocol morpho needs positions: name a snapshot with --snapshot");

  const ticks = whole("ticks", 1, 10_000, 12), seed = whole("seed", 0, 2 ** 32 - 1, 1), json = given.json !== undefined;
  const common = (otherwise: number) => {
    const top = whole("top", 0, 1000, otherwise);
    if (top * ticks > MOST_LISTED) throw new UsageError(`--top ${top} at ${ticks} ticks lists more than ${MOST_LISTED.toLocaleString("en-US")}`);
    return { ticks, seed, top, json };
  };
  const only = (of: Protocol) => {
    const name = (Object.keys(OWN) as Name[]).find((name) => given[name] && !OWN[name]!.includes(of));
    if (name) throw new UsageError(`--${name} ${last(name)} is for --protocol ${OWN[name]!.join(" or ")}, and this is ${of}`);
  };

  const ratio = scaled("ratio", last("ratio") ?? "1.1", 27, 1n, undefined, "a decimal number above 0, such as 1.5");
  const maker: MakerOptions = {
    ...common(3), source: snapshot === undefined ? { vaults: whole("vaults", 1, 90_000_000, 1_000_000) } : { snapshot, ratio },
  };
  const revision = whole("revision", 1, 11, 11);
  if (!REVISIONS.includes(revision)) throw new UsageError(`--revision must be one of ${REVISIONS.join(", ")}, not ${quoted(last("revision"))}`);
  const drops = pairs("drop").map(([asset, text]) => [
    asset, scaled("drop", text, 16, 0n, 100n * 10n ** 16n - 1n, "a percentage from 0 to less than 100, or one of an asset or market, such as WETH=10"),
  ] as const);
  const pricesOf = (what: string, unit: string, decimals: number, least: bigint) => pairs("price").map(([of, text, pair]) => {
    if (!of) throw new UsageError(`--price must be the price of ${what}, not ${quoted(pair)}`);
    return [of, scaled("price", text, decimals, least, undefined, `a price ${unit} with at most ${decimals} decimals`)] as const;
  });
  const falls = drops.length || given.price ? drops : [[undefined, 10n ** 17n] as const];
  const at = given.at && BigInt(whole("at", 0, 2 ** 40 - 1, 0));
  const aave: Omit<AaveOptions, "snapshot" | "prices"> = {
    ...common(10), revision, drops: falls, at,
    liquidationBonus: 10000n + percent("bonus", 2, "5"), liquidationProtocolFee: percent("protocol-fee", 2, "10"),
    currentLiquidityRate: percent("supply-rate", 25, "0"), currentVariableBorrowRate: percent("borrow-rate", 25, "0"),
  };

  const decimals = new Map(pairs("decimals").map(([symbol, text]) => {
    if (!symbol || !/^\d+$/.test(text) || Number(text) > 36) throw new UsageError(`--decimals must be those of an asset, from 0 to 36, such as USDC=6, not ${quoted(symbol ? `${symbol}=${text}` : text)}`);
    return [symbol, Number(text)] as const;
  }));

  const options: Options = {
    protocol: protocol ?? (snapshot === undefined ? "maker" : undefined), snapshot, json,
    maker: () => { only("maker"); return maker; },
    aave: () => { only("aave-v3"); return { ...aave, snapshot: snapshot!, prices: pricesOf("an asset, such as WETH=3000", "in dollars above 0", 8, 1n) }; },
    morpho: () => {
      only("morpho");
      const prices = pricesOf("a market, such as wstETH/WETH=1.2", "in the loan asset", 36, 0n);
      return { ...common(10), snapshot: snapshot!, prices, drops: falls, decimals };
    },
  };
  // What is named is checked before any file is opened.
  if (options.protocol === "maker") options.maker();
  if (options.protocol === "aave-v3") options.aave();
  if (options.protocol === "morpho") options.morpho();
  return options;
}

/** The values that each option was given. */
function readArguments(args: string[]): Partial<Record<Name, string[]>> {
  // Not strict: `--vaults -5` is then told what is wrong with −5, and every message is ours.
  const { tokens } = parseArgs({ args, options: OPTIONS, strict: false, tokens: true });
  const given: Partial<Record<Name, string[]>> = {};
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional") throw new UsageError(`unexpected argument ${JSON.stringify(token.value)}`);
    if (!Object.hasOwn(OPTIONS, token.name)) throw new UsageError(`unknown option ${token.rawName}`);
    const name = token.name as Name, takesValue = OPTIONS[name].type === "string";
    if (takesValue && (!token.value || (!token.inlineValue && token.value.startsWith("--")))) throw new UsageError(`--${name} needs a value`);
    if (!takesValue && token.value !== undefined) throw new UsageError(`--${name} takes no value, but was given ${JSON.stringify(token.value)}`);
    given[name] = [...(REPEATABLE.includes(name) ? given[name] ?? [] : []), token.value ?? ""];
  }
  return given;
}
