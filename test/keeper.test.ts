/** The keeper as its user meets it: build/keeper.js in a process of its own. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const real = join(root, "../shared/snapshots/crvusd-2024-01-30.json"), realPool = join(root, "../shared/snapshots/aave-v3-base-2025-08-02.json");
const realPositions = join(root, "../shared/snapshots/morpho-toxic-2026-02.json");

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

const WETH = `0x${"e".repeat(40)}`, USDC = `0x${"C".repeat(40)}`, STETH = `0x${"5".repeat(40)}`;
const WAD = 10n ** 18n, MILLION = 10n ** 6n, DOLLAR = 10n ** 8n;

/**
 * A good pool of three assets at 2,000, 1 and 2,400 dollars, and five accounts: 1 is 3.6 % above the line, 2 is in eMode, 3 and 5 are far from
 * it, 5 with some USDC that is no collateral, and 4 owes nothing.
 */
function goodPool() {
  const units = (amount: number, unit: bigint) => `${BigInt(Math.round(amount * 1e4)) * unit / 10000n}`;
  const reserve = (asset_address: string, liquidation_threshold: number, liquidation_bonus: number) => ({
    asset_address, ltv: 7000, liquidation_threshold, liquidation_bonus, liquidity_index: `${102n * 10n ** 25n}`, variable_borrow_index: `${105n * 10n ** 25n}`, is_active: true,
  } as Record<string, unknown>);
  const has = (i: number, asset_address: string, held: string, owed: string, usage_as_collateral_enabled = owed === "0") => ({
    user_address: owner(i), asset_address, usage_as_collateral_enabled, scaled_atoken_balance: held, scaled_variable_debt: owed,
  } as Record<string, unknown>);
  const eth = (amount: number) => units(amount, WAD), usd = (amount: number) => units(amount, MILLION);
  return {
    title: "Five accounts", taken: "2025-08-02",
    assets: [
      { address: WETH, decimals: 18, symbol: "WETH" }, { address: USDC, decimals: 6, symbol: "USDC" }, { address: STETH, decimals: 18, symbol: "stETH" },
    ] as Record<string, unknown>[],
    asset_prices: [[WETH, 2000n], [USDC, 1n], [STETH, 2400n]].map(([asset_address, price]) => (
      { asset_address, price_base_currency: `${(price as bigint) * DOLLAR}` } as Record<string, unknown>
    )),
    emode_categories: [{ id: 1, ltv: 9300, liquidation_threshold: 9500, liquidation_bonus: 10100, label: "ETH alike", bitmap: 5 } as Record<string, unknown>],
    reserves: [reserve(WETH, 8000, 10500), reserve(USDC, 7500, 10450), reserve(STETH, 7800, 10600)],
    users: [1, 2, 3, 4, 5].map((i) => ({ address: owner(i), emode_category_id: i === 2 ? 1 : null } as Record<string, unknown>)),
    user_reserves: [
      has(1, WETH, eth(10), "0"), has(1, USDC, "0", usd(15000)),
      has(2, STETH, eth(10), "0"), has(2, WETH, "0", eth(10)),
      has(3, WETH, eth(5), "0"), has(3, USDC, "0", usd(2000)),
      has(4, USDC, usd(100), "0"),
      has(5, WETH, eth(1), "0"), has(5, USDC, usd(100), usd(1000), false),
    ],
  };
}

const writePool = (pool: unknown = goodPool()) => write(JSON.stringify(pool));
/** The document of a run on a pool. */
function poolRun(pool: unknown, ...args: string[]) {
  const { status, stdout, stderr } = keeper("--snapshot", writePool(pool), "--json", ...args);
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return JSON.parse(stdout);
}
const near = (value: string, wanted: number) => expect(Math.abs(Number(value) / wanted - 1), `${value} of ${wanted}`).toBeLessThan(1e-6);

/** A run that the README shows, in two parts: before the ticks, and after them. */
function printsWhatTheReadmeShows(protocol: string): void {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  // The command stands in the line, or in lines of its own.
  const [, args, shown] = new RegExp(`npm start -- (--protocol ${protocol} [^\`]+examples[^\`]+)\`+\\s+prints.*?\`\`\`\\n(.*?)\`\`\``, "s").exec(readme)!;
  const { status, stdout } = keeper(...args!.trim().split(/[\s\\\\]+/));
  expect(status).toBe(0);
  const parts = shown!.split(/(?=^At the prices then)/m).map((part) => part.trim());
  expect(parts).toHaveLength(2);
  for (const part of parts) expect(stdout).toContain(part);
}

describe("an Aave pool", () => {
  it("lists its borrowers, riskiest first, and their liquidation prices", () => {
    const { accounts, withoutDebt, agree, source, opening, riskiest } = poolRun(goodPool());
    expect({ accounts, withoutDebt, agree, protocol: source.protocol, at: source.at }).toEqual({ accounts: 4, withoutDebt: 1, agree: true, protocol: "aave-v3.7", at: `${Date.UTC(2025, 7, 2) / 1000}` });
    expect(opening).toMatchObject({ unsafe: 0, near: 1, reverts: 0, liquidatable: [] });
    expect(riskiest.map(({ address }: { address: string }) => address)).toEqual([owner(1), owner(2), owner(5), owner(3)]);
    const [first, second, third] = riskiest;
    expect(first).toMatchObject({ status: "safe", health: "1036190476190476190", collateral: `${20400n * DOLLAR}`, debt: `${15750n * DOLLAR}`, eMode: null });
    expect(first.legs.map(({ asset, side, amount, value }: Record<string, unknown>) => ({ asset, side, amount, value }))).toEqual([
      { asset: "WETH", side: "collateral", amount: `${102n * WAD / 10n}`, value: `${20400n * DOLLAR}` },
      { asset: "USDC", side: "debt", amount: `${15750n * MILLION}`, value: `${15750n * DOLLAR}` },
    ]);
    near(first.legs[0].liquidationPrice, 15750e8 / 10.2 / 0.8);
    near(first.legs[1].liquidationPrice, 20400e8 * 0.8 / 15750);
    expect(second).toMatchObject({ eMode: "ETH alike" });
    near(second.health, 1e18 * 24480 * 0.95 / 21000);
    expect(third.legs.map(({ asset, side }: Record<string, string>) => `${asset} ${side}`)).toEqual(["WETH collateral", "USDC idle", "USDC debt"]);
    expect(third.legs[1]).not.toHaveProperty("liquidationPrice");
  });

  it("prints what the README shows", () => { printsWhatTheReadmeShows("aave-v3"); });

  it("prints tables", () => {
    const { status, stdout } = keeper("--protocol", "aave-v3", "--snapshot", writePool(), "--price", "WETH=1500", "--ticks", "4");
    expect(status).toBe(0);
    for (const text of [
      "4 borrowers of", "(Five accounts)", "aave-v3.7, interest as of 2025-08-02 00:00:00 UTC, protocol fee 10.00 % of the bonus. 1 account without debt is left out.",
      "At the snapshot's prices: 0 unsafe, 1 more with a health factor below 1.1.", "below 1,930.14", "above 1.0361", "ETH alike", "no collateral",
      "At the prices then: 1 unsafe", "14,571.428572 USDC", "10.151428 WETH", "Both count the same unsafe accounts at the opening and at every tick.",
    ]) expect(stdout).toContain(text);
    expect(stdout).toMatch(/^WETH +2,000\.00 +1,500\.00 +−25\.00 %/m);
    expect(stdout.match(/^ {2,3}[0-4] {2}/gm)).toHaveLength(5);
  });

  it("tells what a liquidation repays and seizes at given prices", () => {
    const { end, ticks } = poolRun(goodPool(), "--price", "WETH=1500", "--ticks", "3");
    expect(end.prices).toEqual([1500n, 1n, 2400n].map((price) => `${price * DOLLAR}`));
    expect(end.liquidatable.map(({ address }: { address: string }) => address)).toEqual([owner(1)]);
    const [{ liquidation }] = end.liquidatable;
    // All 10.2 WETH, but for a unit that scaling loses: 15,300 / 1.05 dollars of debt, and a tenth of the bonus for the protocol.
    expect(liquidation).toMatchObject({
      refused: false, debt: "USDC", collateral: "WETH", repaid: "14571428572", seized: "10151428571428571428", fee: "48571428571428571",
    });
    expect(BigInt(liquidation.gain)).toBe(BigInt(liquidation.seizedValue) - BigInt(liquidation.repaidValue));
    expect(ticks.at(-1)).toMatchObject({ unsafe: 1, prices: end.prices });
    expect(ticks.flatMap(({ fresh }: { fresh: { address: string }[] }) => fresh.map(({ address }) => address))).toContain(owner(1));
    let unsafe = 0;
    for (const tick of ticks) expect(tick.unsafe).toBe(unsafe += tick.becameUnsafe - tick.becameSafe);
  });

  it("takes the pair that pays most, and no more than leaves no dust", () => {
    const pool = goodPool(), holding = (asset_address: string, held: bigint, owed: bigint) => (
      { user_address: owner(1), asset_address, usage_as_collateral_enabled: held > 0n, scaled_atoken_balance: `${held}`, scaled_variable_debt: `${owed}` }
    );
    // 3,060 and 3,121.2 dollars, of which thresholds leave 4,882.536, against 5,033.28.
    pool.user_reserves.splice(0, 2, holding(WETH, 3n * WAD / 2n, 0n), holding(STETH, 1275n * WAD / 1000n, 0n), holding(USDC, 0n, 47936n * MILLION / 10n));
    const of = (revision: string) => poolRun(pool, "--revision", revision, "--drop", "0").end.liquidatable[0].liquidation;
    const whole = of("1"), careful = of("11");
    expect(whole).toMatchObject({ refused: false, collateral: "stETH" });
    near(whole.repaidValue, 5033.28e8 / 2);
    expect(careful).toMatchObject({ refused: false, collateral: "stETH" });
    near(`${BigInt(careful.seizedValue) + BigInt(careful.feeValue)}`, 2121.2e8);
  });

  it("gives the contract's reason to refuse", () => {
    const pool = goodPool();
    pool.user_reserves.shift(); // a debt without collateral
    const of = (revision: string) => poolRun(pool, "--revision", revision).opening.liquidatable[0];
    expect(of("11")).toMatchObject({ address: owner(1), health: "0", liquidation: { refused: true, reason: "CollateralCannotBeLiquidated()" } });
    expect(of("7").liquidation.reason).toBe("46 COLLATERAL_CANNOT_BE_LIQUIDATED");
    expect(keeper("--snapshot", writePool(pool)).stdout).toContain("refused: CollateralCannotBeLiquidated()");
    const idle = goodPool();
    idle.reserves[1]!["is_active"] = false;
    expect(poolRun(idle, "--price", "WETH=1500").end.liquidatable[0].liquidation).toEqual({ refused: true, reason: "USDC is not active" });
  });

  it("moves prices as it is told", () => {
    const then = (...args: string[]) => poolRun(goodPool(), "--ticks", "1", ...args).end.prices.map((price: string) => Number(price) / 1e8);
    expect(then()).toEqual([1800, 1, 2160]);
    expect(then("--drop", "50")).toEqual([1000, 1, 1200]);
    expect(then("--drop", "USDC=50")).toEqual([2000, 0.5, 2400]);
    expect(then("--drop", "10", "--drop", "stETH=20.5")).toEqual([1800, 1, 1908]);
    expect(then("--drop", "10", "--price", "WETH=3000", "--price", `${USDC}=1.01234567`)).toEqual([3000, 1.01234567, 2160]);
    expect(then("--price", "WETH=1", "--price", "WETH=2")).toEqual([2, 1, 2400]);
  });

  it("takes what the file lacks from options", () => {
    const pool = goodPool();
    delete pool.reserves[0]!["liquidation_bonus"];
    const of = (...args: string[]) => poolRun(pool, "--price", "WETH=1500", ...args).end.liquidatable[0].liquidation;
    near(of().repaid, 15300e6 / 1.05);
    near(of("--bonus", "20").repaid, 15300e6 / 1.2);
    expect(of("--protocol-fee", "0").fee).toBe("0");
    const late = `${Date.UTC(2025, 7, 2) / 1000 + 31536000}`, { riskiest, source } = poolRun(pool, "--at", late, "--supply-rate", "1", "--borrow-rate", "4");
    expect(source).toMatchObject({ at: late, currentLiquidityRate: `${10n ** 25n}`, currentVariableBorrowRate: `${4n * 10n ** 25n}` });
    expect(Math.abs(Number(riskiest[0].health) / 1e18 - 16320 * 1.01 / (15750 * Math.exp(0.04)))).toBeLessThan(1e-5);
  });

  it("is judged alike by the plain loop at every revision", () => {
    for (const revision of ["1", "4", "5", "6", "7", "8", "9", "10", "11"]) {
      expect(poolRun(goodPool(), "--revision", revision, "--price", "WETH=1500", "--ticks", "60")).toMatchObject({ agree: true, source: { revision: Number(revision) } });
    }
  });

  it("is refused before 3.2 where a reserve is in two categories", () => {
    const pool = goodPool();
    pool.emode_categories.push({ ...pool.emode_categories[0], id: 2, bitmap: "4" });
    pool.users[2]!["emode_category_id"] = 2;
    pool.user_reserves[4]!["asset_address"] = STETH;
    const file = writePool(pool);
    expect(keeper("--snapshot", file, "--revision", "4")).toMatchObject({ status: 1, stderr: expect.stringContaining(`keeper: ${file}: stETH is collateral of ${owner(3)} in the eMode category 2 and of another in 1`) });
    expect(keeper("--snapshot", file, "--revision", "5").status).toBe(0);
  });

  type Pool = ReturnType<typeof goodPool>;
  it.each<[why: string, edit: (pool: Pool) => unknown, message: string]>([
    ["no assets", ({ assets: _, ...rest }) => rest, "assets: Expected this field, received nothing"],
    ["no prices", ({ asset_prices: _, ...rest }) => rest, "asset_prices: Expected this field, received nothing"],
    ["no categories", ({ emode_categories: _, ...rest }) => rest, "emode_categories: Expected this field, received nothing"],
    ["no reserves", ({ reserves: _, ...rest }) => rest, "reserves: Expected this field, received nothing"],
    ["no accounts", ({ users: _, ...rest }) => rest, "users: Expected this field, received nothing"],
    ["no balances", ({ user_reserves: _, ...rest }) => rest, "user_reserves: Expected this field, received nothing"],
    ["no debts", (p) => { for (const row of p.user_reserves) row["scaled_variable_debt"] = "0"; }, "user_reserves: Expected at least one debt"],
    ["a title that is none", (p) => ({ ...p, title: 5 }), "title: Expected a title, received 5"],
    ["a date that is none", (p) => ({ ...p, taken: "yesterday" }), 'taken: Expected a date, such as 2025-08-02 or 2025-08-02T12:00:00Z, received "yesterday"'],
    ["a day that is none", (p) => ({ ...p, taken: "2025-13-02" }), "taken: Expected a date from 1970 on"],
    ["an asset without address", (p) => { delete p.assets[1]!["address"]; }, "assets[1].address: Expected this field, received nothing"],
    ["an address that is none", (p) => { p.assets[1]!["address"] = "USDC"; }, "assets[1].address: Expected an address of 0x and 40 hex digits"],
    ["an address twice", (p) => { p.assets[1]!["address"] = WETH.toUpperCase().replace("X", "x"); }, "assets[1].address: "],
    ["a symbol that is none", (p) => { p.assets[2]!["symbol"] = "\u001b[2J"; }, "assets[2].symbol: Expected a name of 1 to 32 printable characters"],
    ["decimals in a string", (p) => { p.assets[0]!["decimals"] = "18"; }, 'assets[0].decimals: Expected decimals from 0 to 36, received "18"'],
    ["too many decimals", (p) => { p.assets[0]!["decimals"] = 37; }, "assets[0].decimals: Expected decimals from 0 to 36, received 37"],
    ["too many assets", (p) => { for (let i = 0; i < 126; ++i) p.assets.push({ address: owner(1000 + i), decimals: 18, symbol: "X" }); }, "assets: Expected at most 128 rows"],
    ["a price of nothing", (p) => { p.asset_prices[1]!["price_base_currency"] = "0"; }, "asset_prices[1].price_base_currency: Expected a price above 0"],
    ["a price of a number", (p) => { p.asset_prices[1]!["price_base_currency"] = 1; }, "asset_prices[1].price_base_currency: Expected a string of digits, received 1"],
    ["a price of another asset", (p) => { p.asset_prices[1]!["asset_address"] = owner(9); }, "asset_prices[1].asset_address: Expected the address of one of assets"],
    ["a price twice", (p) => { p.asset_prices[1]!["asset_address"] = WETH; }, "asset_prices[1].asset_address: "],
    ["a price too few", (p) => { p.asset_prices.pop(); }, "asset_prices: Expected a row of stETH, 0x5555"],
    ["a reserve too few", (p) => { p.reserves.shift(); }, "reserves: Expected a row of WETH, 0xeeee"],
    ["a reserve of another asset", (p) => { p.reserves[2]!["asset_address"] = owner(9); }, "reserves[2].asset_address: Expected the address of one of assets"],
    ["an LTV in a string", (p) => { p.reserves[2]!["ltv"] = "7000"; }, 'reserves[2].ltv: Expected whole basis points from 0 to 65,535, received "7000"'],
    ["a threshold too large", (p) => { p.reserves[2]!["liquidation_threshold"] = 65536; }, "reserves[2].liquidation_threshold: Expected whole basis points from 0 to 65,535, received 65536"],
    ["a bonus of a half", (p) => { p.reserves[2]!["liquidation_bonus"] = 10500.5; }, "reserves[2].liquidation_bonus: Expected whole basis points"],
    ["an index of nothing", (p) => { p.reserves[0]!["liquidity_index"] = "0"; }, "reserves[0].liquidity_index: Expected an index above 0"],
    ["an index too wide", (p) => { p.reserves[0]!["variable_borrow_index"] = `${2n ** 128n}`; }, "reserves[0].variable_borrow_index: Expected an amount below 2^128"],
    ["an activity that is none", (p) => { p.reserves[0]!["is_active"] = "yes"; }, 'reserves[0].is_active: Expected true or false, received "yes"'],
    ["a category 0", (p) => { p.emode_categories[0]!["id"] = 0; }, "emode_categories[0].id: Expected an id from 1 to 255, received 0"],
    ["a category twice", (p) => { p.emode_categories.push({ ...p.emode_categories[0] }); }, "emode_categories[1].id: "],
    ["a category's LTV", (p) => { p.emode_categories[0]!["ltv"] = -1; }, "emode_categories[0].ltv: Expected whole basis points"],
    ["a category's threshold", (p) => { delete p.emode_categories[0]!["liquidation_threshold"]; }, "emode_categories[0].liquidation_threshold: Expected this field"],
    ["a category's bonus", (p) => { p.emode_categories[0]!["liquidation_bonus"] = null; }, "emode_categories[0].liquidation_bonus: Expected whole basis points"],
    ["a category's label", (p) => { p.emode_categories[0]!["label"] = ""; }, "emode_categories[0].label: Expected a name"],
    ["a bitmap that is none", (p) => { p.emode_categories[0]!["bitmap"] = "0x5"; }, 'emode_categories[0].bitmap: Expected a bitmap: a whole number, or a string of its digits, received "0x5"'],
    ["a bitmap of other assets", (p) => { p.emode_categories[0]!["bitmap"] = 8; }, "emode_categories[0].bitmap: Expected bits of the 3 assets, received 8"],
    ["an account that is none", (p) => { p.users[3]!["address"] = null; }, "users[3].address: Expected an address, received null"],
    ["an account twice", (p) => { p.users[3]!["address"] = owner(1); }, "users[3].address: "],
    ["an unknown category", (p) => { p.users[3]!["emode_category_id"] = 7; }, "users[3].emode_category_id: Expected the id of one of emode_categories, received 7"],
    ["a category in a string", (p) => { p.users[3]!["emode_category_id"] = "1"; }, 'users[3].emode_category_id: Expected an id from 0 to 255, or null, received "1"'],
    ["a balance of nobody", (p) => { p.user_reserves[6]!["user_address"] = owner(9); }, "user_reserves[6].user_address: Expected the address of one of users"],
    ["a balance of another asset", (p) => { p.user_reserves[6]!["asset_address"] = owner(9); }, "user_reserves[6].asset_address: Expected the address of one of assets"],
    ["a balance twice", (p) => { p.user_reserves.push({ ...p.user_reserves[6] }); }, "user_reserves[9].asset_address: "],
    ["a balance in a number", (p) => { p.user_reserves[6]!["scaled_atoken_balance"] = 5; }, "user_reserves[6].scaled_atoken_balance: Expected a string of digits, received 5"],
    ["a debt too wide", (p) => { p.user_reserves[6]!["scaled_variable_debt"] = `${2n ** 128n}`; }, "user_reserves[6].scaled_variable_debt: Expected an amount below 2^128"],
    ["a flag that is none", (p) => { p.user_reserves[6]!["usage_as_collateral_enabled"] = 1; }, "user_reserves[6].usage_as_collateral_enabled: Expected true or false, received 1"],
    ["a row that is none", (p) => ({ ...p, user_reserves: [...p.user_reserves, null] }), "user_reserves[9]: Expected an object, received null"],
  ])("is refused for %s", (_, edit, message) => {
    const pool = goodPool(), file = writePool(edit(pool) ?? pool), { status, stdout, stderr } = keeper("--snapshot", file, "--protocol", "aave-v3");
    expect(stderr).toContain(`keeper: ${file}: ${message}`);
    expect(stderr.trimEnd()).not.toContain("\n");
    expect(stdout).toBe("");
    expect(status).toBe(1);
  });

  it("is told from a snapshot of vaults", () => {
    const pool = writePool();
    expect(keeper("--protocol", "maker", "--snapshot", pool)).toMatchObject({ status: 2, stdout: "", stderr: expect.stringContaining(`--protocol maker: ${pool} is a snapshot for aave-v3`) });
    expect(keeper("--snapshot", pool, "--ratio", "1.5")).toMatchObject({ status: 2, stdout: "", stderr: expect.stringContaining("--ratio 1.5 is for --protocol maker, and this is aave-v3") });
    expect(keeper("--snapshot", pool, "--price", "DOGE=1")).toMatchObject({ status: 2, stdout: "", stderr: expect.stringContaining('has no "DOGE"; it has WETH, USDC, stETH') });
    expect(keeper("--snapshot", pool, "--at", "5")).toMatchObject({ status: 2, stdout: "", stderr: expect.stringContaining("--at 5 lies before 1754092800, when the snapshot was taken") });
    const vaults = write(JSON.stringify(good()));
    expect(keeper("--protocol", "aave-v3", "--snapshot", vaults)).toMatchObject({ status: 2, stdout: "", stderr: expect.stringContaining(`--protocol aave-v3: ${vaults} is a snapshot for maker`) });
    expect(keeper("--snapshot", vaults, "--price", "WETH=1")).toMatchObject({ status: 2, stdout: "", stderr: expect.stringContaining("--price WETH=1 is for --protocol aave-v3 or morpho, and this is maker") });
  });

  if (!existsSync(realPool)) console.log(`The real pool is not at ${realPool}: its test is skipped.`);
  it.skipIf(!existsSync(realPool))("of 98 real borrowers runs", () => {
    // By rounding half up and of the average threshold (3.0 to 3.4), and in the protocol's favour and of the sum (3.5 on).
    for (const [revision, lowest] of [["1", "1000257157551860106"], ["7", "1000257157551860106"], ["8", "1000257157551860106"], ["9", "1000168852318505185"], ["11", "1000168852318505185"]]) {
      for (const prices of [["--drop", "20"], ["--price", "WETH=3000", "--drop", "cbBTC=40"]]) {
        const document = JSON.parse(keeper("--protocol", "aave-v3", "--snapshot", realPool, "--revision", revision!, "--top", "98", "--ticks", "30", ...prices, "--json").stdout);
        expect(document).toMatchObject({ accounts: 98, withoutDebt: 2, agree: true, opening: { unsafe: 0, near: 11, reverts: 0 } });
        expect(document.riskiest).toHaveLength(98);
        expect(document.riskiest[0].health).toBe(lowest);
        for (const { health, liquidation } of document.end.liquidatable) {
          expect(BigInt(health)).toBeLessThan(WAD);
          expect(liquidation.refused).toBe(false);
        }
        expect(document.end.liquidatable.length).toBe(document.end.unsafe);
      }
    }
  });
});

const ETH_MARKET = `0x${"a1".repeat(32)}`, BTC_MARKET = `0x${"B2".repeat(32)}`;

/**
 * Good positions: of wstETH against WETH at 1.2 and 90 %, 1 at health 1.08, 2 at 0.972, whose liquidation pays, and 3, which owes nothing;
 * of WBTC against USDC at 100,000 and 86 %, 1 at 1.147 and 4, whose collateral is worth 90 % of its debt.
 */
function goodPositions() {
  const row = (market: string, pair: string, lltv: bigint, oraclePrice: bigint, i: number, collateral: bigint, borrowAssets: bigint) => ({
    market, pair, owner: owner(i), lltv: `${lltv}`, oraclePrice: `${oraclePrice}`, collateral: `${collateral}`, borrowAssets: `${borrowAssets}`,
  } as Record<string, unknown>);
  const eth = (i: number, collateral: bigint, debt: bigint) => row(ETH_MARKET, "wstETH/WETH", 9n * WAD / 10n, 12n * 10n ** 35n, i, collateral * WAD / 10n, debt * WAD / 10n);
  const btc = (i: number, collateral: bigint, debt: bigint) => row(BTC_MARKET, "WBTC/USDC", 86n * WAD / 100n, 10n ** 39n, i, collateral * 10n ** 5n, debt * MILLION);
  return { title: "Five positions", positions: [eth(1, 100n, 100n), btc(1, 1000n, 75_000n), eth(2, 90n, 100n), eth(3, 5n, 0n), btc(4, 90n, 10_000n)] };
}
/** The document of a run on positions. */
function positionsRun(positions: unknown, ...args: string[]) {
  const { status, stdout, stderr } = keeper("--snapshot", write(JSON.stringify(positions)), "--json", ...args);
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return JSON.parse(stdout);
}

describe("positions of Morpho", () => {
  it("are listed, riskiest first, with what they owe to the unit", () => {
    const { positions, withoutDebt, agree, source, opening, riskiest, markets } = positionsRun(goodPositions());
    expect({ positions, withoutDebt, agree, source }).toMatchObject({ positions: 4, withoutDebt: 1, agree: true, source: { protocol: "morpho", sharesPerAsset: 1_000_000 } });
    expect(opening).toMatchObject({ unsafe: 2, near: 3, reverts: 0 });
    expect(riskiest.map(({ owner, loanAsset }: Record<string, string>) => `${owner} ${loanAsset}`)).toEqual([
      `${owner(4)} USDC`, `${owner(2)} WETH`, `${owner(1)} WETH`, `${owner(1)} USDC`,
    ]);
    expect(riskiest.map(({ debt }: { debt: string }) => debt)).toEqual(["10000000000", `${10n * WAD}`, `${10n * WAD}`, "75000000000"]);
    expect(riskiest[1]).toMatchObject({ market: ETH_MARKET, status: "unsafe", health: "972000000000000000", ratio: `${108n * WAD / 100n}`, toxic: false, badDebt: false });
    // ⌈10e18·1e18 / 0.9e18⌉ of value, of 9e18.
    expect(riskiest[1].liquidationPrice).toBe("1234567901234567901333333333333333334");
    expect(riskiest[2].health).toBe(`${108n * WAD / 100n}`);
    expect(markets.map(({ id, totalBorrowAssets, totalBorrowShares, borrowers }: Record<string, unknown>) => ({ id, totalBorrowAssets, totalBorrowShares, borrowers }))).toEqual([
      { id: ETH_MARKET, totalBorrowAssets: `${20n * WAD}`, totalBorrowShares: `${20n * WAD * MILLION}`, borrowers: 2 },
      { id: BTC_MARKET.toLowerCase(), totalBorrowAssets: "85000000000", totalBorrowShares: "85000000000000000", borrowers: 2 },
    ]);
  });

  it("tell what a liquidation takes, and whether it is toxic or leaves bad debt", () => {
    const [broke, late] = positionsRun(goodPositions()).opening.liquidatable;
    // The incentive is 1 / (1 − 0.3·0.14) = 1.0438…: nine thousand dollars pay for 8,622.
    expect(broke).toMatchObject({ owner: owner(4), toxic: true, badDebt: true, liquidation: { refused: false, seizedAssets: "9000000", collateralAfter: "0", borrowSharesAfter: "0" } });
    near(broke.liquidation.repaidAssets, 9000e6 * 0.958);
    expect(BigInt(broke.liquidation.repaidAssets) + BigInt(broke.liquidation.badDebtAssets)).toBe(10_000_000000n);
    expect(late).toMatchObject({ owner: owner(2), toxic: false, badDebt: false, liquidation: { refused: false, repaidAssets: `${10n * WAD}`, badDebtAssets: "0" } });
    near(late.liquidation.seizedAssets, 10e18 / 0.97 / 1.2);
  });

  it("are evaluated at a price of 0, and without collateral", () => {
    const snapshot = goodPositions();
    for (const row of snapshot.positions) if (row["market"] === BTC_MARKET) row["oraclePrice"] = "0";
    snapshot.positions[0]!["collateral"] = "0";
    const { opening, agree, ticks } = positionsRun(snapshot), of = (i: number, loan: string) => opening.liquidatable.find((one: Record<string, string>) => one["owner"] === owner(i) && one["loanAsset"] === loan);
    expect(agree).toBe(true);
    expect(opening.unsafe).toBe(4);
    expect(of(4, "USDC")).toMatchObject({ health: "0", toxic: true, badDebt: true, liquidation: { refused: false, seizedAssets: "9000000", repaidAssets: "0", badDebtAssets: "10000000000" } });
    expect(of(1, "WETH")).toMatchObject({ health: "0", liquidationPrice: "always", badDebt: true, liquidation: { refused: true, reason: "inconsistent input" } });
    expect(ticks.at(-1).prices[1]).toBe("0");
    expect(keeper("--snapshot", write(JSON.stringify(snapshot))).stdout).toContain("refused: inconsistent input; toxic, bad debt");
  });

  it("revert where the contract overflows", () => {
    const snapshot = goodPositions();
    Object.assign(snapshot.positions[4]!, { collateral: `${2n ** 128n - 1n}` });
    for (const row of snapshot.positions) if (row["market"] === BTC_MARKET) row["oraclePrice"] = `${2n ** 192n - 1n}`;
    expect(positionsRun(snapshot, "--drop", "0")).toMatchObject({ agree: true, opening: { unsafe: 1, reverts: 1 } });
  });

  it("have amounts of the widest debts", () => {
    const snapshot = goodPositions();
    snapshot.positions[4]!["borrowAssets"] = `${2n ** 108n - 75_000_000001n}`;
    expect(positionsRun(snapshot)).toMatchObject({ agree: true, riskiest: [{ owner: owner(4), debt: `${2n ** 108n - 75_000_000001n}` }, {}, {}, {}] });
  });

  it("move prices as they are told", () => {
    const then = (...args: string[]) => positionsRun(goodPositions(), "--ticks", "1", ...args).end.prices;
    expect(then()).toEqual([`${108n * 10n ** 34n}`, `${9n * 10n ** 38n}`]);
    expect(then("--drop", "WBTC/USDC=50")).toEqual([`${12n * 10n ** 35n}`, `${5n * 10n ** 38n}`]);
    expect(then("--drop", "50", "--drop", `${BTC_MARKET}=10`)).toEqual([`${6n * 10n ** 35n}`, `${9n * 10n ** 38n}`]);
    expect(then("--price", "WBTC/USDC=90000.5", "--decimals", "WBTC=8", "--decimals", "USDC=6")).toEqual([`${12n * 10n ** 35n}`, `${900005n * 10n ** 33n}`]);
    expect(then("--price", "wstETH/WETH=0")[0]).toBe("0");
    const { ticks } = positionsRun(goodPositions(), "--price", "wstETH/WETH=0", "--ticks", "3");
    expect(ticks.map(({ prices }: { prices: string[] }) => prices[0])).toEqual([...new Array(3).fill(`${12n * 10n ** 35n}`), "0"]);
  });

  it("prints tables", () => {
    const { status, stdout } = keeper("--snapshot", write(JSON.stringify(goodPositions())), "--decimals", "wstETH=18", "--decimals", "WETH=18", "--decimals", "WBTC=8", "--decimals", "USDC=6");
    expect(status).toBe(0);
    for (const text of [
      "4 positions in debt of", "(Five positions)", "1,000,000 shares an asset", "1 position without debt is left out.", "At the snapshot's prices: 2 unsafe, 1 more with a health below 1.1.",
      "below 1.234568", "10.000000 WETH", "0.090000 WBTC", "toxic, bad debt", "Bad debt: no collateral is left for it", "Both count the same unsafe positions at the opening and at every tick.",
    ]) expect(stdout).toContain(text);
    expect(keeper("--snapshot", write(JSON.stringify(goodPositions()))).stdout).toContain("9,000,000 WBTC");
  });

  it("prints what the README shows", () => { printsWhatTheReadmeShows("morpho"); });

  type Snapshot = ReturnType<typeof goodPositions>;
  it.each<[why: string, edit: (snapshot: Snapshot) => unknown, message: string]>([
    ["no positions", () => ({ positions: [] }), "positions: Expected at least one row"],
    ["no debts", (s) => { for (const row of s.positions) row["borrowAssets"] = "0"; }, "positions: Expected at least one debt"],
    ["a missing amount", (s) => { delete s.positions[2]!["borrowAssets"]; }, "positions[2].borrowAssets: Expected this field, received nothing"],
    ["a number for an amount", (s) => { s.positions[2]!["collateral"] = 5; }, "positions[2].collateral: Expected a string of digits, received 5"],
    ["a float for a price", (s) => { s.positions[2]!["oraclePrice"] = "1.5"; }, 'positions[2].oraclePrice: Expected a string of digits, received "1.5"'],
    ["a price too wide", (s) => { s.positions[2]!["oraclePrice"] = `${2n ** 192n}`; }, "positions[2].oraclePrice: Expected a price below 2^192, received"],
    ["a debt too wide", (s) => { s.positions[2]!["borrowAssets"] = `${2n ** 108n}`; }, "positions[2].borrowAssets: Expected an amount below 2^108"],
    ["debts too wide", (s) => { for (const row of s.positions) if (row["market"] === BTC_MARKET) row["borrowAssets"] = `${2n ** 107n}`; }, "positions[4].borrowAssets: Expected debts of a market that add up to less than 2^108"],
    ["an lltv of one", (s) => { s.positions[2]!["lltv"] = `${WAD}`; }, "positions[2].lltv: Expected an lltv below 1e18"],
    ["a market that is none", (s) => { s.positions[2]!["market"] = "0x12"; }, 'positions[2].market: Expected a market\'s id of 0x and 64 hex digits, received "0x12"'],
    ["a pair that is none", (s) => { s.positions[2]!["pair"] = "WETH"; }, 'positions[2].pair: Expected a pair of collateral and loan asset, such as wstETH/WETH, received "WETH"'],
    ["an owner who is no address", (s) => { s.positions[2]!["owner"] = "me"; }, "positions[2].owner: Expected an address of 0x and 40 hex digits"],
    ["an owner twice", (s) => { s.positions[2]!["owner"] = owner(1); }, `positions[2].owner: ${owner(1)} has a position in this market already, positions[0]`],
    ["two prices of a market", (s) => { s.positions[2]!["oraclePrice"] = "5"; }, "positions[2].oraclePrice: Expected 1200000000000000000000000000000000000, as positions[0] of the same market has it, received 5"],
    ["two pairs of a market", (s) => { s.positions[4]!["pair"] = "cbBTC/USDC"; }, "positions[4].pair: Expected WBTC/USDC, as positions[1] of the same market has it, received cbBTC/USDC"],
    ["a row that is none", (s) => ({ positions: [...s.positions, 7] }), "positions[5]: Expected an object, received 7"],
  ])("are refused for %s", (_, edit, message) => {
    const snapshot = goodPositions(), file = write(JSON.stringify(edit(snapshot) ?? snapshot)), { status, stdout, stderr } = keeper("--snapshot", file, "--protocol", "morpho");
    expect(stderr).toContain(`keeper: ${file}: ${message}`);
    expect(stderr.trimEnd()).not.toContain("\n");
    expect(stdout).toBe("");
    expect(status).toBe(1);
  });

  it("are told from other snapshots, and by their names", () => {
    const file = write(JSON.stringify(goodPositions()));
    expect(keeper("--protocol", "maker", "--snapshot", file)).toMatchObject({ status: 2, stdout: "", stderr: expect.stringContaining(`--protocol maker: ${file} is a snapshot for morpho`) });
    expect(keeper("--snapshot", file, "--bonus", "5")).toMatchObject({ status: 2, stdout: "", stderr: expect.stringContaining("--bonus 5 is for --protocol aave-v3, and this is morpho") });
    expect(keeper("--snapshot", file, "--price", "WETH=1")).toMatchObject({ status: 2, stdout: "", stderr: expect.stringContaining('has no market "WETH"; it has wstETH/WETH, WBTC/USDC') });
    expect(keeper("--snapshot", file, "--decimals", "DAI=18")).toMatchObject({ status: 2, stdout: "", stderr: expect.stringContaining('has no "DAI"; it has wstETH, WETH, WBTC, USDC') });
  });

  if (!existsSync(realPositions)) console.log(`The real positions are not at ${realPositions}: their test is skipped.`);
  it.skipIf(!existsSync(realPositions))("of 63 real ones run", () => {
    const snapshot = JSON.parse(readFileSync(realPositions, "utf8")) as { positions: Record<string, string>[] };
    const { positions, withoutDebt, agree, opening, riskiest, end } = JSON.parse(keeper("--protocol", "morpho", "--snapshot", realPositions, "--top", "63", "--drop", "60", "--json").stdout);
    expect({ positions, withoutDebt, agree, unsafe: opening.unsafe, reverts: opening.reverts }).toEqual({ positions: 27, withoutDebt: 36, agree: true, unsafe: 22, reverts: 0 });
    expect(end.unsafe).toBeGreaterThan(opening.unsafe);
    for (const { owner, market, debt, health, status, toxic, badDebt } of riskiest) {
      const row = snapshot.positions.find((row) => row["owner"]!.toLowerCase() === owner && row["market"] === market)!;
      expect(debt).toBe(row["borrowAssets"]);
      expect(Math.abs(Number(health) / 1e18 - Number(row["healthFactor"]))).toBeLessThanOrEqual(1e-3 * Number(row["healthFactor"]));
      expect({ toxic, badDebt }).toEqual({ toxic: status === "unsafe", badDebt: status === "unsafe" });
    }
  });
});

describe("options", () => {
  it("are explained by --help", () => {
    const { status, stdout } = keeper("--help");
    expect(status).toBe(0);
    for (const name of [
      "vaults", "ticks", "seed", "top", "snapshot", "ratio", "json", "help", "protocol", "price", "drop", "revision", "bonus", "protocol-fee", "at", "supply-rate", "borrow-rate", "decimals",
    ]) expect(stdout).toContain(`--${name} `);
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
    [["--protocol", "aave"], '--protocol must be maker, aave-v3 or morpho, not "aave"'],
    [["--protocol", "morpho"], "--protocol morpho needs positions"],
    [["--protocol", "morpho", "--snapshot", "x", "--ratio", "1.5"], "--ratio 1.5 is for --protocol maker, and this is morpho"],
    [["--protocol", "morpho", "--snapshot", "x", "--bonus", "5"], "--bonus 5 is for --protocol aave-v3, and this is morpho"],
    [["--protocol", "morpho", "--snapshot", "x", "--price", "1"], '--price must be the price of a market, such as wstETH/WETH=1.2, not "1"'],
    [["--protocol", "morpho", "--snapshot", "x", "--price", "A/B=x"], '--price must be a price in the loan asset with at most 36 decimals, not "x"'],
    [["--protocol", "morpho", "--snapshot", "x", "--decimals", "6"], '--decimals must be those of an asset, from 0 to 36, such as USDC=6, not "6"'],
    [["--protocol", "morpho", "--snapshot", "x", "--decimals", "USDC=37"], 'not "USDC=37"'],
    [["--decimals", "USDC=6"], "--decimals USDC=6 is for --protocol morpho, and this is maker"],
    [["--protocol", "aave-v3"], "--protocol aave-v3 needs accounts"],
    [["--protocol", "aave-v3", "--snapshot", "x", "--ratio", "1.5"], "--ratio 1.5 is for --protocol maker"],
    [["--protocol", "aave-v3", "--vaults", "5"], "--protocol aave-v3 needs accounts"],
    [["--revision", "8"], "--revision 8 is for --protocol aave-v3"],
    [["--drop", "10"], "--drop 10 is for --protocol aave-v3"],
    [["--protocol", "maker", "--snapshot", "x", "--bonus", "5"], "--bonus 5 is for --protocol aave-v3"],
    [["--snapshot", "x", "--revision", "3"], '--revision must be one of 1, 4, 5, 6, 7, 8, 9, 10, 11, not "3"'],
    [["--snapshot", "x", "--revision", "12"], 'not "12"'],
    [["--protocol", "aave-v3", "--snapshot", "x", "--price", "3000"], '--price must be the price of an asset, such as WETH=3000, not "3000"'],
    [["--protocol", "aave-v3", "--snapshot", "x", "--price", "WETH=0"], '--price must be a price in dollars above 0 with at most 8 decimals, not "0"'],
    [["--protocol", "aave-v3", "--snapshot", "x", "--price", "WETH=1.123456789"], 'not "1.123456789"'],
    [["--protocol", "aave-v3", "--snapshot", "x", "--price", "WETH=-3"], 'not "-3"'],
    [["--snapshot", "x", "--drop", "100"], 'not "100"'],
    [["--snapshot", "x", "--drop", "WETH=ten"], 'not "ten"'],
    [["--snapshot", "x", "--bonus", "5.001"], '--bonus must be a percentage from 0 to 100 with at most 2 decimals, not "5.001"'],
    [["--snapshot", "x", "--protocol-fee", "101"], 'not "101"'],
    [["--snapshot", "x", "--at", "1754092800000"], 'not "1754092800000"'],
    [["--snapshot", "x", "--supply-rate", "-1"], 'not "-1"'],
    [["--snapshot", "x", "--borrow-rate", "1e3"], 'not "1e3"'],
  ])("are refused: %j", (args, message) => {
    const { status, stdout, stderr } = keeper(...args);
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^keeper: [^\n]*\n$/);
    expect(stdout).toBe("");
    expect(status).toBe(2);
  });
});
