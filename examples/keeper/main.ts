/** A keeper on Plimsoll: who became unsafe at a tick, what to liquidate first, and how long it took to know. */
import { PlimsollError } from "plimsoll";
import { runAave } from "./aave.js";
import { comparisonOfAccounts, documentOfAccounts, tablesOfAccounts } from "./aave-report.js";
import { type Input, synthetic } from "./ilks.js";
import { runMorpho } from "./morpho.js";
import { comparisonOfPositions, documentOfPositions, tablesOfPositions } from "./morpho-report.js";
import { type AaveOptions, HELP, type MakerOptions, type MorphoOptions, UsageError, readOptions } from "./options.js";
import type { LoopTick } from "./print.js";
import { comparison, documentOf, tables } from "./report.js";
import { openSnapshot } from "./file.js";
import { plainLoop, run } from "./run.js";
import { type Snapshot, SnapshotError, marketsOf, poolOf, vaultsOf } from "./snapshot.js";

/** What a run says to people, to programs, and of every tick. */
interface Output {
  readonly document: () => string;
  readonly ticks: readonly LoopTick[];
  readonly loop: readonly LoopTick[];
}

function runMaker({ source, ...options }: MakerOptions, snapshot: Snapshot | undefined, print: (text: string) => void): Output {
  const input: Input = "vaults" in source ? synthetic(source.vaults, options.seed) : vaultsOf(snapshot!, source.ratio);
  const result = run(input, options), { ticks } = result;
  print(tables(input, result));
  const loop = plainLoop(input, ticks);
  print(comparison(input, result, loop));
  return { ticks, loop, document: () => documentOf({ ...source, seed: options.seed }, input, result, loop) };
}

function runAccounts(options: AaveOptions, snapshot: Snapshot, print: (text: string) => void): Output {
  const result = runAave(poolOf(snapshot), options), { ticks, loop } = result;
  print(tablesOfAccounts(options, result));
  print(comparisonOfAccounts(result));
  return { ticks, loop, document: () => documentOfAccounts(options, result) };
}

function runPositions(options: MorphoOptions, snapshot: Snapshot, print: (text: string) => void): Output {
  const result = runMorpho(marketsOf(snapshot), options), { ticks, loop } = result;
  print(tablesOfPositions(options, result));
  print(comparisonOfPositions(result));
  return { ticks, loop, document: () => documentOfPositions(options, result) };
}

/** Runs and reports; answers the exit status. */
function main(args: string[]): number {
  const options = readOptions(args);
  if (!options) {
    process.stdout.write(HELP);
    return 0;
  }
  const print = (text: string) => void (options.json || process.stdout.write(text));
  const snapshot = options.snapshot === undefined ? undefined : openSnapshot(options.snapshot);
  const { protocol = snapshot?.protocol ?? "maker" } = options;
  if (snapshot?.protocol && snapshot.protocol !== protocol) throw new UsageError(`--protocol ${protocol}: ${snapshot.file} is a snapshot for ${snapshot.protocol}`);
  const { document, ticks, loop } = protocol === "maker" ? runMaker(options.maker(), snapshot, print)
    : protocol === "aave-v3" ? runAccounts(options.aave(), snapshot!, print) : runPositions(options.morpho(), snapshot!, print);
  if (options.json) process.stdout.write(`${document()}\n`);

  const differs = ticks.findIndex(({ unsafe }, i) => unsafe !== loop[i]!.unsafe);
  if (differs < 0) return 0;
  process.stderr.write(`keeper: WRONG: at tick ${differs} the book has ${ticks[differs]!.unsafe} unsafe, the plain loop ${loop[differs]!.unsafe}\n`);
  return 1;
}

// `npm start | head` closes the pipe: that is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  const usage = error instanceof UsageError;
  if (!usage && !(error instanceof SnapshotError) && !(error instanceof PlimsollError && error.code === "out-of-memory")) throw error;
  process.stderr.write(`keeper: ${error.message}${usage ? " (--help lists the options)" : ""}\n`);
  process.exitCode = usage ? 2 : 1;
}
