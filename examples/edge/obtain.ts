/**
 * Runtimes and tools that are too large to be dependencies of development: fetched from the npm registry when somebody first asks for
 * them, into `.cache/` of the folder that npm runs in. Where that cannot be, tests that need them are skipped, loudly; in CI they fail.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const CACHE = resolve(".cache/npm");

/** The folder that holds `node_modules` with the packages, each `name@version`; undefined where they cannot be had. */
export function obtain(...packages: readonly string[]): string | undefined {
  const folder = join(CACHE, packages.join("+").replace(/[@/]/g, "_").replace(/^_/, ""));
  if (existsSync(folder)) return folder;
  mkdirSync(CACHE, { recursive: true });
  const part = mkdtempSync(join(CACHE, "part-"));
  writeFileSync(join(part, "package.json"), "{}");
  const { status, stderr } = spawnSync("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts=false", "--prefix", part, ...packages], { encoding: "utf8", timeout: 240_000 });
  if (status === 0) {
    try { renameSync(part, folder); } catch (error) {
      if (!existsSync(folder)) throw error;
      rmSync(part, { recursive: true }); // another process was first
    }
    return folder;
  }
  rmSync(part, { recursive: true, force: true });
  if (process.env["CI"]) throw new Error(`${packages.join(", ")} could not be fetched: ${stderr}`);
  console.warn(`\n!! SKIPPED: ${packages.join(", ")} could not be fetched from the npm registry, and what needs it was not tested.\n${stderr.trim().split("\n").slice(-3).join("\n")}\n`);
  return undefined;
}
