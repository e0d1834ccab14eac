/**
 * `npm run bench -- [--json FILE] [--only NAME,…] [--vaults N] [--big N]`: every figure of the README, with the machine and
 * the versions. `--only` takes beginnings of names; the sizes are there to try the bench itself.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { accountsGroup } from "./accounts.js";
import { browserGroup } from "./browser.js";
import { makerGroup } from "./maker.js";
import { edgeGroup } from "./edge.js";
import type { Figure, Group } from "./measure.js";
import { packageGroup } from "./package.js";
import { pairGroup } from "./pair.js";
import { peerGroup } from "./peer.js";
import { planGroup } from "./plan.js";
import { rankGroup } from "./rank.js";
import { troveGroup } from "./trove.js";

const GROUPS: readonly Group[] = [makerGroup, rankGroup, planGroup, pairGroup, troveGroup, accountsGroup, peerGroup, packageGroup, edgeGroup, browserGroup];

function machine(): string {
  const versions = ["plimsoll/package.json", "assemblyscript/package.json", "esbuild/package.json"].map((name) => {
    const { name: of, version } = JSON.parse(readFileSync(fileURLToPath(import.meta.resolve(name)), "utf8"));
    return `${of} ${version}`;
  });
  const { platform, arch, version, versions: { v8 } } = process;
  return [
    `${cpus()[0]!.model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`, `${platform} ${release()} ${arch}`,
    `Node ${version} (V8 ${v8})`, ...versions,
  ].join("; ");
}

/** Four digits, or all of a whole number. */
const format = (value: number) => value.toLocaleString("en", value >= 1000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 4 });

/** Prints rows in columns, those of `right` aligned to the right. */
function print(rows: readonly (readonly string[])[], right: readonly number[]): void {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  for (const row of rows) console.log(row.map((cell, i) => (right.includes(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join("  ").trimEnd());
}

async function measure(groups: readonly Group[], vaults: number, big: number, wanted: (name: string) => boolean): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const group of groups) for (const stage of group.stages(vaults, big)) {
    const names = Object.keys(stage.figures).filter(wanted);
    if (!names.length) continue;
    const missing = stage.missing?.();
    if (missing) {
      console.error(missing);
      continue;
    }
    const open = stage.open(), note = stage.note ? { note: await stage.note(open) } : {};
    try {
      for (const name of names) {
        process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${name} …` : "");
        const [unit, run] = stage.figures[name]!;
        figures.push({ name, vaults: stage.vaults, value: await run(open), unit, ...note });
      }
    } finally {
      await stage.close?.(open);
    }
  }
  process.stderr.write(process.stderr.isTTY ? "\r\x1b[K" : "");
  return figures;
}

function goals(groups: readonly Group[], figures: readonly Figure[]): string[][] {
  return groups.flatMap((group) => group.goals).map((goal) => {
    const found = (name: string) => figures.find((figure) => figure.name === name) ?? { name, vaults: 0, value: Number.NaN, unit: "ns" as const };
    const ratio = "least" in goal, value = ratio ? goal.of(found) : found(goal.name).value, unit = ratio ? "×" : found(goal.name).unit;
    const met = ratio ? value >= goal.least : value <= goal.most;
    return Number.isNaN(value) ? [] : [
      goal.name, format(value), unit, ratio ? `at least ${format(goal.least)}` : `at most ${format(goal.most)}`, met ? "" : "missed",
    ];
  }).filter((row) => row.length);
}

/** Fewer vaults have no hundred near the line for each tick. */
const LEAST = 20_000;
function sizeOf(option: string, text: string): number {
  if (!/^\d+$/.test(text) || Number(text) < LEAST) throw new Error(`--${option} must be a whole number of at least ${LEAST}, not ${text}`);
  return Number(text);
}

async function run(): Promise<void> {
  const { values: { json, only, vaults, big } } = parseArgs({
    options: { json: { type: "string" }, only: { type: "string" }, vaults: { type: "string", default: "1000000" }, big: { type: "string", default: "10000000" } },
  });
  const beginnings = only?.split(",") ?? [""];
  const figures = await measure(
    GROUPS, sizeOf("vaults", vaults), sizeOf("big", big), (name) => beginnings.some((beginning) => name.startsWith(beginning)),
  );
  if (!figures.length) throw new Error(`no figure's name begins with ${only}`);
  console.log(`${machine()}\n`);
  print([["figure", "vaults", "value", "unit", ""], ...figures.map(({ name, vaults, value, unit, note = "" }) => [name, vaults ? format(vaults) : "", format(value), unit, note])], [1, 2]);
  const compared = goals(GROUPS, figures);
  if (compared.length) {
    console.log();
    print([["compared", "value", "", "goal", ""], ...compared], [1]);
  }
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(figures, null, 2)}\n`);
}

try {
  await run();
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  process.exitCode = 1;
}
