/**
 * `npm run replay -- DIR… [--json FILE]`: runs every vector file in the folders through the library. Exits with 1 where an
 * answer differs from the contract's, with 2 where it cannot read what it was given.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { InputError, type Outcome, replay, show } from "./vectors.js";

/** Failed cases that are printed, of each file. */
const SHOWN = 3;

function readFolder(folder: string): [name: string, path: string][] {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith(".json")).sort();
  } catch (error) {
    throw new InputError(`${folder} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
  if (!names.length) throw new InputError(`${folder} has no JSON files`);
  return names.map((name) => [name, join(folder, name)]);
}

function run(): number {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: "string" } } });
  if (!positionals.length) throw new InputError("usage: npm run replay -- DIR… [--json FILE]");
  const outcomes: Outcome[] = [];
  for (const [name, path] of positionals.flatMap(readFolder)) {
    let result: ReturnType<typeof replay>;
    try {
      result = replay(name, readFileSync(path, "utf8"));
    } catch (error) {
      throw error instanceof InputError ? new InputError(`${path} ${error.message}`) : error;
    }
    const { outcome, failures } = result, { covered, passed, failed, inBook } = outcome;
    outcomes.push(outcome);
    console.log(`${name.slice(0, -".json".length)}: ${covered ? `${passed} passed, ${failed} failed${inBook ? `, ${inBook} also in a book` : ""}` : "not covered"}`);
    for (const failure of failures.slice(0, SHOWN)) {
      console.log(`  ${failure.id}: ${failure.differences.join("; ")}\n    in ${show(failure.in)}`);
    }
    if (failures.length > SHOWN) console.log(`  and ${failures.length - SHOWN} more`);
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(outcomes, null, 2)}\n`);
  return outcomes.some(({ failed }) => failed) ? 1 : 0;
}

try {
  process.exitCode = run();
} catch (error) {
  console.error(`replay: ${(error as Error).message}`);
  process.exitCode = 2;
}
