import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

test("the benchmark measures, prints and writes what it is asked for; how long things take is no matter of a test", { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "bench-")), json = join(folder, "figures.json");
  try {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(import.meta.dirname, "../build/bench.js"), "--only", "bigint,tick,wasm", "--vaults", "20000", "--big", "30000", "--json", json],
      { encoding: "utf8" },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const figures: { name: string; vaults: number; value: number; unit: string }[] = JSON.parse(readFileSync(json, "utf8"));
    expect(figures.map(({ name, vaults, unit }) => [name, vaults, unit])).toEqual([
      ["bigint", 20000, "ns"], ["bigint.ratios", 20000, "ns"], ["bigint.debts", 20000, "ns"], ["bigint.levels", 20000, "ms"],
      ["tick", 30000, "µs"], ["tick.quiet", 30000, "µs"], ["tick.walk", 30000, "µs"], ["tick.walk.p99", 30000, "µs"], ["tick.crash", 30000, "µs"],
      ["bigint.plan", 20000, "µs"],
      ["wasmBytes", 0, "bytes"], ["wasmBytes.whole", 0, "bytes"],
    ]);
    for (const { name, value } of figures) {
      expect(value).toBeGreaterThan(0);
      expect(stdout).toContain(`\n${name} `);
    }
    expect(stdout).toContain(process.version);
    expect(stdout).toContain("\nbigint × vaults / tick.walk ");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
