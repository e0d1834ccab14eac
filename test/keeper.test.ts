/** The keeper as its user meets it: build/keeper.js in a process of its own. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const real = join(root, "../shared/snapshots/crvusd-2024-01-30.json");

function keeper(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [join(root, "build/keeper.js"), ...args], { encoding: "utf8", maxBuffer: 2 ** 26 });
}

let folder = "";
beforeAll(() => { folder = mkdtempSync(join(tmpdir(), "plimsoll-keeper-")); });
afterAll(() => rmSync(folder, { recursive: true }));

function write(content: string | Uint8Array): string {
  const file = join(folder, "snapshot.json");
  writeFileSync(file, content);
  return file;
}

const owner = (i: number) => `0x${i.toString(16).padStart(40, "0")}`;

/** A good snapshot of ten vaults in two markets at 2,000 and 40,000: four hold 125 % of their debt, two 80 %, four 200 %. */
function good() {
  const wad = (amount: number) => `${BigInt(amount * 1000) * 10n ** 15n}`;
  return {
    title: "Ten vaults",
    markets: [{ market: "WETH", oraclePrice: wad(2000) }, { market: "WBTC", oraclePrice: wad(40000) }],
    vaults: Array.from({ length: 10 }, (_, i) => ({
      market: i % 2 ? "WBTC" : "WETH", owner: owner(i >> 1), collateral: wad(1),
      debt: wad((i % 2 ? 40000 : 2000) / (i < 4 ? 1.25 : i < 6 ? 0.8 : 2)),
    } as Record<string, unknown>)),
  };
}

describe("synthetic vaults", () => {
  it("prints a table and agrees with the plain loop", () => {
    const { status, stdout } = keeper("--vaults", "20000", "--ticks", "5", "--top", "2");
    expect(status).toBe(0);
    expect(stdout).toContain("20,000 synthetic vaults, seed 1");
    expect(stdout).toContain("Both count the same unsafe vaults at the opening and at every tick.");
    for (const word of ["ETH-A", "WSTETH-A", "WBTC-A", "dart", "dink", "tab", "p50", "p99"]) expect(stdout).toContain(word);
    expect(stdout.match(/^ {3}[0-5] {2}/gm)).toHaveLength(6);
  });

  it("lines the table up", () => {
    const lines = keeper("--vaults", "20000", "--ticks", "5").stdout.split("\n");
    const from = lines.findIndex((line) => line.startsWith("tick"));
    const rows = lines.slice(from, lines.indexOf("", from)), end = lines[from]!.indexOf("became unsafe") + "became unsafe".length;
    expect(rows.length).toBeGreaterThan(20);
    for (const row of rows) {
      expect(row[end - 1], row).not.toBe(" ");
      expect(row.slice(end, end + 2), row).toBe("  ");
    }
  });

  it("gives everything as JSON", () => {
    const { status, stdout } = keeper("--vaults", "20000", "--ticks", "5", "--top", "2", "--json");
    expect(status).toBe(0);
    const document = JSON.parse(stdout);
    expect(document.vaults).toBe(20000);
    expect(document.agree).toBe(true);
    expect(document.ilks.map(({ vaults }: { vaults: number }) => vaults)).toEqual([10000, 6000, 4000]);
    expect(document.ticks).toHaveLength(6);
    let unsafe = 0;
    const listed = new Set<number>();
    for (const tick of document.ticks) {
      expect(tick.unsafe).toBe(unsafe += tick.becameUnsafe - tick.becameSafe);
      expect(tick.loop.unsafe).toBe(unsafe);
      expect(tick.microseconds).toBeTypeOf("number");
      expect(tick.bark).toHaveLength(2);
      for (const { id, status, health, liquidation } of tick.bark) {
        listed.add(id);
        expect(status).toBe("unsafe");
        expect(BigInt(health)).toBeLessThan(10n ** 18n);
        if (!liquidation.refused) for (const field of ["dart", "dink", "tab"]) expect(liquidation[field]).toMatch(/^\d+$/);
      }
    }
    expect(listed.size).toBe(12);
    for (const side of [document.book, document.loop]) expect(Object.keys(side)).toEqual(["p50", "p99"]);
  });

  it("draws the same vaults for the same seed, others for another", () => {
    const unsafe = (seed: string) => JSON.parse(keeper("--vaults", "20000", "--ticks", "4", "--seed", seed, "--json").stdout)
      .ticks.map((tick: { unsafe: number }) => tick.unsafe);
    expect(unsafe("7")).toEqual(unsafe("7"));
    expect(unsafe("7")).not.toEqual(unsafe("8"));
  });

  it.each([["1"], ["2"], ["7"]])("runs with %s vaults", (vaults) => {
    const { status, stdout } = keeper("--vaults", vaults, "--ticks", "2", "--json");
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ vaults: Number(vaults), agree: true });
  });
});

describe("a snapshot", () => {
  const unsafeAt = (ratio: string) => JSON.parse(keeper("--snapshot", write(JSON.stringify(good())), "--ratio", ratio, "--ticks", "1", "--json").stdout).ticks[0].unsafe;

  it("is judged by the ratio", () => {
    expect(unsafeAt("0.7")).toBe(0);
    expect(unsafeAt("0.8")).toBe(0);
    expect(unsafeAt("0.800000000000000001")).toBe(2);
    expect(unsafeAt("1.3")).toBe(6);
    expect(unsafeAt("2.5")).toBe(10);
  });

  it("names the owners, riskiest first", () => {
    const file = write(JSON.stringify(good())), { ticks } = JSON.parse(keeper("--snapshot", file, "--ratio", "1.3", "--ticks", "1", "--json").stdout);
    expect(ticks[0].bark.map(({ ilk, owner }: { ilk: string; owner: string }) => `${ilk} ${owner}`).slice(0, 2).sort()).toEqual([`WBTC ${owner(2)}`, `WETH ${owner(2)}`]);
    expect(keeper("--snapshot", file, "--ratio", "1.3", "--ticks", "1").stdout).toContain(owner(2));
  });

  it("says why a vault without collateral is refused", () => {
    const snapshot = good();
    snapshot.vaults[0]!["collateral"] = "0";
    const { status, stdout } = keeper("--snapshot", write(JSON.stringify(snapshot)), "--ticks", "1");
    expect(status).toBe(0);
    expect(stdout).toContain("0.0000  refused: Dog/null-auction");
  });

  it("loads the widest amounts and prices", () => {
    const snapshot = good(), widest = `${2n ** 128n - 1n}`;
    Object.assign(snapshot.vaults[4]!, { collateral: widest, debt: widest });
    snapshot.markets[0]!.oraclePrice = widest;
    expect(JSON.parse(keeper("--snapshot", write(JSON.stringify(snapshot)), "--json").stdout)).toMatchObject({ vaults: 10, agree: true });
  });

  type Snapshot = ReturnType<typeof good>;
  it.each<[why: string, edit: (snapshot: Snapshot) => unknown, message: string]>([
    ["a missing amount", (s) => { delete s.vaults[7]!["debt"]; }, "vaults[7].debt: Expected this field, received nothing"],
    ["letters in an amount", (s) => { s.vaults[7]!["debt"] = "12x"; }, 'vaults[7].debt: Expected a string of digits, received "12x"'],
    ["a number for an amount", (s) => { s.vaults[3]!["collateral"] = 12; }, "vaults[3].collateral: Expected a string of digits, received 12"],
    ["a negative amount", (s) => { s.vaults[3]!["collateral"] = "-12"; }, 'vaults[3].collateral: Expected a string of digits, received "-12"'],
    ["an amount too wide", (s) => { s.vaults[9]!["debt"] = `${2n ** 128n}`; }, "vaults[9].debt: Expected an amount below 2^128, received"],
    ["an unknown market", (s) => { s.vaults[5]!["market"] = "DOGE"; }, 'vaults[5].market: Expected the name of a market, received "DOGE"'],
    ["a market of Object's", (s) => { s.vaults[5]!["market"] = "constructor"; }, "vaults[5].market: Expected the name of a market"],
    ["an owner who is no address", (s) => { s.vaults[1]!["owner"] = "0x12"; }, "vaults[1].owner: Expected an address of 0x and 40 hex digits"],
    ["an owner twice", (s) => { s.vaults[8]!["owner"] = owner(1); }, "vaults[8].owner: "],
    ["a market twice", (s) => { s.markets[1]!.market = "WETH"; }, 'markets[1].market: "WETH" is the name of markets[0] already'],
    ["a price of nothing", (s) => { s.markets[1]!.oraclePrice = "0"; }, "markets[1].oraclePrice: Expected a price above 0"],
    ["a row that is none", (s) => ({ ...s, vaults: [...s.vaults, null] }), "vaults[10]: Expected an object, received null"],
    ["no rows", (s) => ({ ...s, vaults: [] }), "vaults: Expected at least one row"],
    ["no markets", ({ vaults }) => ({ vaults }), "markets: Expected this field, received nothing"],
    ["another kind of document", () => 5, "Expected an object, received 5"],
  ])("is refused for %s", (_, edit, message) => {
    const snapshot = good(), file = write(JSON.stringify(edit(snapshot) ?? snapshot));
    const { status, stdout, stderr } = keeper("--snapshot", file);
    expect(stderr).toContain(`keeper: ${file}: ${message}`);
    expect(stderr.trimEnd()).not.toContain("\n");
    expect(stdout).toBe("");
    expect(status).toBe(1);
  });

  it.each<[why: string, content: string | Uint8Array, message: string]>([
    ["is not JSON", "{ vaults", "is not JSON"],
    ["is empty", "", "is not JSON"],
    ["is not UTF-8", Uint8Array.of(0x7b, 0xff, 0x7d), "is not UTF-8"],
  ])("is refused where it %s", (_, content, message) => {
    const file = write(content), { status, stderr } = keeper("--snapshot", file);
    expect(stderr).toContain(`keeper: ${file}: ${message}`);
    expect(stderr.trimEnd()).not.toContain("\n");
    expect(status).toBe(1);
  });

  it("is refused where there is none", () => {
    expect(keeper("--snapshot", join(folder, "none.json"))).toMatchObject({ status: 1, stdout: "", stderr: `keeper: ${join(folder, "none.json")}: no such file\n` });
    expect(keeper("--snapshot", folder)).toMatchObject({ status: 1, stdout: "", stderr: `keeper: ${folder}: is a folder, not a file\n` });
  });

  if (!existsSync(real)) console.log(`The real snapshot is not at ${real}: its test is skipped.`);
  it.skipIf(!existsSync(real))("of 773 real vaults runs", () => {
    for (const [ratio, unsafe] of [["1.1", 32], ["1.5", 223]] as const) {
      const document = JSON.parse(keeper("--snapshot", real, "--ratio", ratio, "--json").stdout);
      expect(document).toMatchObject({ vaults: 773, agree: true });
      expect(document.ilks.map(({ name }: { name: string }) => name)).toEqual(["WETH", "wstETH", "WBTC", "tBTC", "sfrxETH"]);
      expect(document.ticks[0].unsafe).toBe(unsafe);
    }
  });
});

describe("options", () => {
  it("are explained by --help", () => {
    const { status, stdout } = keeper("--help");
    expect(status).toBe(0);
    for (const name of ["vaults", "ticks", "seed", "top", "snapshot", "ratio", "json", "help"]) expect(stdout).toContain(`--${name} `);
  });

  it.each<[args: string[], message: string]>([
    [["--frob"], "unknown option --frob"],
    [["-x"], "unknown option -x"],
    [["vaults"], 'unexpected argument "vaults"'],
    [["--vaults", "0"], 'not "0"'],
    [["--vaults", "-5"], 'not "-5"'],
    [["--vaults", "1.5"], 'not "1.5"'],
    [["--vaults", "NaN"], 'not "NaN"'],
    [["--vaults", "90000001"], 'not "90000001"'],
    [["--vaults"], "--vaults needs a value"],
    [["--ticks", "0"], 'not "0"'],
    [["--seed", "4294967296"], 'not "4294967296"'],
    [["--top", "-1"], 'not "-1"'],
    [["--top", "1000", "--ticks", "10000"], "--top 1000 at 10000 ticks"],
    [["--json=yes"], '--json takes no value, but was given "yes"'],
    [["--ratio", "1.5"], "--ratio 1.5 is for a snapshot"],
    [["--snapshot", "x", "--vaults", "3"], "--vaults 3 and --snapshot exclude each other"],
    [["--snapshot", "--json"], "--snapshot needs a value"],
    [["--snapshot", "x", "--ratio", "0"], 'not "0"'],
    [["--snapshot", "x", "--ratio", "-1"], 'not "-1"'],
    [["--snapshot", "x", "--ratio", "1.2.3"], 'not "1.2.3"'],
  ])("are refused: %j", (args, message) => {
    const { status, stdout, stderr } = keeper(...args);
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^keeper: [^\n]*\n$/);
    expect(stdout).toBe("");
    expect(status).toBe(2);
  });
});
