/** A keeper on Plimsoll: which vaults became unsafe at a tick, which to bark first, and how long it took to know. */
import { type ParseArgsConfig, parseArgs } from "node:util";
import { PlimsollError } from "plimsoll";
import { type Input, RAY, synthetic } from "./ilks.js";
import { comparison, documentOf, tables } from "./report.js";
import { plainLoop, run } from "./run.js";
import { SnapshotError, vaultsOf } from "./snapshot.js";

const HELP = `Finds the liquidatable among many vaults at every tick of falling prices.

Usage: npm start -- [options]        after a build: node build/keeper.js [options]

  --vaults N        synthetic vaults, 1 to 90,000,000 (1,000,000)
  --ticks N         ticks of the price path, 1 to 10,000 (12)
  --seed N          seed of the vaults and of the path, 0 to 4,294,967,295 (1)
  --top N           vaults to list at a tick, 0 to 1,000 (3)
  --snapshot FILE   real vaults instead of synthetic ones
  --ratio R         with a snapshot: the liquidation ratio, up to 27 decimals (1.1)
  --json            one JSON document: amounts as decimal strings, as the contracts scale them
  --help            this text

Exit status: 0; 1 for a snapshot that cannot be used, or if the plain loop
ever counts another number of unsafe vaults; 2 for a wrong option.
`;

/** A wrong option; the message names it, and its value. */
class UsageError extends Error {
  override readonly name = "UsageError";
}

interface Options {
  readonly source: { readonly vaults: number } | { readonly snapshot: string; /** The liquidation ratio, ray. */ readonly ratio: bigint };
  readonly ticks: number;
  readonly seed: number;
  readonly top: number;
  readonly json: boolean;
}

const OPTIONS = {
  vaults: { type: "string" }, ticks: { type: "string" }, seed: { type: "string" }, top: { type: "string" },
  snapshot: { type: "string" }, ratio: { type: "string" }, json: { type: "boolean" }, help: { type: "boolean", short: "h" },
} as const satisfies ParseArgsConfig["options"];

/** Vaults that a run lists at most: a document of more would not fit into a string. */
const MOST_LISTED = 100_000;

/** The options, or undefined where help was asked for. */
function readOptions(args: string[]): Options | undefined {
  // Not strict: `--vaults -5` is then told what is wrong with −5, and every message is ours.
  const { tokens } = parseArgs({ args, options: OPTIONS, strict: false, tokens: true });
  const given: Partial<Record<keyof typeof OPTIONS, string>> = {};
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional") throw new UsageError(`unexpected argument ${JSON.stringify(token.value)}`);
    if (!Object.hasOwn(OPTIONS, token.name)) throw new UsageError(`unknown option ${token.rawName}`);
    const name = token.name as keyof typeof OPTIONS, takesValue = OPTIONS[name].type === "string";
    if (takesValue && (!token.value || (!token.inlineValue && token.value.startsWith("--")))) throw new UsageError(`--${name} needs a value`);
    if (!takesValue && token.value !== undefined) throw new UsageError(`--${name} takes no value, but was given ${JSON.stringify(token.value)}`);
    given[name] = token.value ?? "";
  }
  if (given.help !== undefined) return undefined;
  if (given.snapshot !== undefined && given.vaults !== undefined) throw new UsageError(`--vaults ${given.vaults} and --snapshot exclude each other`);
  if (given.snapshot === undefined && given.ratio !== undefined) throw new UsageError(`--ratio ${given.ratio} is for a snapshot: name one with --snapshot`);

  const whole = (name: "vaults" | "ticks" | "seed" | "top", least: number, most: number, otherwise: number) => {
    const text = given[name], value = Number(text);
    if (text === undefined) return otherwise;
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new UsageError(`--${name} must be a whole number from ${least} to ${most.toLocaleString("en-US")}, not ${JSON.stringify(text)}`);
    }
    return value;
  };
  const ticks = whole("ticks", 1, 10_000, 12), top = whole("top", 0, 1000, 3);
  if (top * ticks > MOST_LISTED) throw new UsageError(`--top ${top} at ${ticks} ticks lists more than ${MOST_LISTED.toLocaleString("en-US")} vaults`);
  const source = given.snapshot === undefined
    ? { vaults: whole("vaults", 1, 90_000_000, 1_000_000) }
    : { snapshot: given.snapshot, ratio: readRatio(given.ratio ?? "1.1") };
  return { source, ticks, seed: whole("seed", 0, 2 ** 32 - 1, 1), top, json: given.json !== undefined };
}

/** A decimal number as a ray. */
function readRatio(text: string): bigint {
  const [, units = "", decimals = ""] = /^(\d{1,9})(?:\.(\d{1,27}))?$/.exec(text) ?? [];
  const ratio = BigInt(units) * RAY + BigInt(decimals.padEnd(27, "0"));
  if (ratio === 0n) throw new UsageError(`--ratio must be a decimal number above 0, such as 1.5, not ${JSON.stringify(text)}`);
  return ratio;
}

/** Runs and reports; answers the exit status. */
function main(options: Options): number {
  const print = (text: string) => void (options.json || process.stdout.write(text));
  const { source, seed } = options;
  const input: Input = "vaults" in source ? synthetic(source.vaults, seed) : vaultsOf(source.snapshot, source.ratio);
  const result = run(input, options);
  print(tables(input, result));
  const loop = plainLoop(input, result.ticks);
  print(comparison(input, result, loop));
  if (options.json) process.stdout.write(`${documentOf({ ...source, seed }, input, result, loop)}\n`);

  const differs = result.ticks.find(({ unsafe }, i) => unsafe !== loop[i]!.unsafe);
  if (!differs) return 0;
  process.stderr.write(`keeper: WRONG: at tick ${differs.tick} the book has ${differs.unsafe} unsafe vaults, the plain loop ${loop[differs.tick]!.unsafe}\n`);
  return 1;
}

// `npm start | head` closes the pipe: that is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

try {
  const options = readOptions(process.argv.slice(2));
  if (options) process.exitCode = main(options);
  else process.stdout.write(HELP);
} catch (error) {
  const usage = error instanceof UsageError;
  if (!usage && !(error instanceof SnapshotError) && !(error instanceof PlimsollError && error.code === "out-of-memory")) throw error;
  process.stderr.write(`keeper: ${error.message}${usage ? " (--help lists the options)" : ""}\n`);
  process.exitCode = usage ? 2 : 1;
}
