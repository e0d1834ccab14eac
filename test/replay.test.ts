import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const root = join(import.meta.dirname, ".."), own = join(root, "test/vectors"), all = join(root, "../shared/vectors");
const COMMAND = join(root, "build/replay.js");

const replay = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], { encoding: "utf8" });
  return { status, stdout, stderr };
};

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), "replay-")); });
afterEach(() => rmSync(folder, { recursive: true }));

/** Files of protocols that are reproduced, and those whose cases stand in a book too. */
const KNOWN = /^(maker|aave-v3\.\d|compound-v2|comet|morpho-blue|liquity-v[12]|upstream-literals)\./;
const IN_BOOK = /^(maker\.(health|pokeHealth)|aave-v3\.\d\.accountData|compound-v2\.accountLiquidity|comet\.(isLiquidatable|absorb)|morpho-blue\.(isHealthy|liquidate|liquidateAccrued)|liquity-v[12]\.icr)\.json$/;

/** Replays a folder that must pass, and answers its report. */
function passing(vectors: string) {
  const json = join(folder, "report.json"), { status, stdout, stderr } = replay(vectors, "--json", json);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const report: { file: string; covered: boolean; cases: number; passed: number; failed: number; inBook: number }[] = JSON.parse(readFileSync(json, "utf8"));
  expect(report.map(({ file }) => file)).toEqual(readdirSync(vectors).filter((name) => name.endsWith(".json")).sort());
  expect(stdout.trim().split("\n")).toEqual(report.map(({ file, covered, passed, inBook }) => (
    `${file.replace(/\.json$/, "")}: ${covered ? `${passed} passed, 0 failed${inBook ? `, ${inBook} also in a book` : ""}` : "not covered"}`
  )));
  for (const { file, covered, cases, passed, failed, inBook } of report) {
    expect([file, covered, passed, failed]).toEqual([file, KNOWN.test(file), covered ? cases : 0, 0]);
    expect(inBook, file).toBeLessThanOrEqual(passed);
    if (IN_BOOK.test(file)) expect(inBook, file).toBeGreaterThan(0);
    else expect(inBook, file).toBe(0);
  }
  return { report, maker: report.filter(({ file }) => file.startsWith("maker.")) };
}

describe("the contracts' answers", () => {
  test("a selection of vectors", () => {
    const { report, maker } = passing(own);
    expect(maker.length).toBe(9);
    expect(report.reduce((sum, { passed }) => sum + passed, 0)).toBeGreaterThan(120);
  });

  test("all vectors", { timeout: 60_000 }, ({ skip }) => {
    skip(!existsSync(all), "../shared/vectors is not here: only the selection was replayed");
    const { report, maker } = passing(all);
    expect(maker.reduce((sum, { passed }) => sum + passed, 0)).toBe(4423);
    expect(report.find(({ file }) => file === "upstream-literals.json")).toMatchObject({ covered: true, cases: 81, passed: 81 });
    expect(Object.fromEntries(report.flatMap(({ file, inBook }) => (inBook ? [[file.replace(/\.json$/, ""), inBook]] : [])))).toEqual({
      "maker.health": 523, "maker.pokeHealth": 437,
      "aave-v3.0.accountData": 375, "aave-v3.3.accountData": 267, "aave-v3.4.accountData": 266, "aave-v3.5.accountData": 271,
      "aave-v3.6.accountData": 451, "aave-v3.7.accountData": 274,
      "compound-v2.accountLiquidity": 692, "comet.isLiquidatable": 722, "comet.absorb": 460,
      "morpho-blue.isHealthy": 795, "morpho-blue.liquidate": 387, "morpho-blue.liquidateAccrued": 282, "liquity-v1.icr": 429, "liquity-v2.icr": 487,
    });
  });
});

describe("the command", () => {
  const health = () => JSON.parse(readFileSync(join(own, "maker.health.json"), "utf8"));
  const write = (name: string, json: unknown) => writeFileSync(join(folder, name), typeof json === "string" ? json : JSON.stringify(json));

  test("shows where an answer differs, and fails", () => {
    const vectors = health(), wrong = vectors.cases.find(({ kind }: { kind: string }) => kind === "boundary");
    wrong.out.unsafe = !wrong.out.unsafe;
    write("maker.health.json", vectors);
    const { status, stdout } = replay(folder), [contract, library] = wrong.out.unsafe ? ["unsafe", "safe"] : ["safe", "unsafe"];
    expect(status).toBe(1);
    expect(stdout).toContain(`maker.health: ${vectors.cases.length - 1} passed, 1 failed, `);
    expect(stdout).toContain(`  ${wrong.id}: unsafe is ${!wrong.out.unsafe}, the contract says ${wrong.out.unsafe}; `);
    for (const screen of ["zones", "keys", "off"]) expect(stdout).toContain(`screen ${screen} finds it ${library}, the contract says ${contract}`);
    expect(stdout).toContain(`inspect finds it ${library}, the contract says ${contract}`);
    expect(stdout).toContain(`in ${JSON.stringify(wrong.in)}`);
  });

  test.each<[string, (out: { [name: string]: unknown }) => void, string, string, string]>([
    ["compound-v2.accountLiquidity", (out) => { out["shortfall"] = "1"; out["liquidity"] = "0"; }, "liquidity", "safe", "unsafe"],
    ["comet.isLiquidatable", (out) => { out["liquidatable"] = true; }, "liquidatable", "safe", "unsafe"],
    ["comet.absorb", (out) => { for (const name of Object.keys(out)) delete out[name]; Object.assign(out, { reverts: true, reason: "NotLiquidatable()" }); }, "reverts", "unsafe", "safe"],
  ])("shows where a book of accounts differs: %s", (file, falsify, name, library, contract) => {
    const vectors = JSON.parse(readFileSync(join(own, `${file}.json`), "utf8")), { cases }: { cases: { id: string; out: { [name: string]: unknown } }[] } = vectors;
    const wrong = cases.find(({ out }) => (file.endsWith("absorb") ? !out["reverts"] : out["liquidatable"] === false || BigInt(out["liquidity"] as string ?? 0) > 0n))!;
    falsify(wrong.out);
    write(`${file}.json`, { ...vectors, cases: [wrong] });
    const { status, stdout } = replay(folder);
    expect(status).toBe(1);
    expect(stdout).toContain(`${file}: 0 passed, 1 failed, 1 also in a book`);
    for (const screen of ["zones", "keys", "off"]) expect(stdout).toContain(`screen ${screen} finds it ${library}, the contract says ${contract}`);
    expect(stdout).toContain(`inspect finds it ${library}, the contract says ${contract}; asked of the book, `);
    expect(stdout).toContain(`asked of the book, ${name} is `);
  });

  test("an answer where the contract reverts is wrong, and so is a revert where it answers", () => {
    const vectors = health(), { cases }: { cases: { out: { reverts?: boolean } }[] } = vectors;
    const answers = cases.findIndex(({ out }) => !out.reverts), reverts = cases.findIndex(({ out }) => out.reverts);
    vectors.cases[answers].out = { reverts: true, reason: "" };
    vectors.cases[reverts].out = { unsafe: false };
    write("maker.health.json", vectors);
    const { status, stdout } = replay(folder);
    expect(status).toBe(1);
    expect(stdout).toContain("reverts is false, the contract says true");
    expect(stdout).toContain("reverts is true, the contract says false");
  });

  test("expectations of test suites: those about what is here", () => {
    const suite = (expected: string) => ({ vectors: [{ system: "morpho", fn: "wExp", input: "0", expected }, { system: "silov2", fn: "estimateMaxRepayValue", input: [], expected: "0" }] });
    write("literals.json", suite("1000000000000000000"));
    expect(replay(folder)).toMatchObject({ status: 0, stdout: "literals: 1 passed, 0 failed\n" });
    write("literals.json", suite("1"));
    const { status, stdout } = replay(folder);
    expect(status).toBe(1);
    expect(stdout).toContain("0 morpho wExp: expected is \"1000000000000000000\", the test suite says \"1\"");
  });

  test("a case that the function does not take fails alone", () => {
    const vectors = health();
    delete vectors.cases[0].in.spot;
    write("maker.health.json", vectors);
    const { status, stdout } = replay(folder);
    expect(status).toBe(1);
    expect(stdout).toContain(`${vectors.cases.length - 1} passed, 1 failed`);
    expect(stdout).toContain("lacks spot");
  });

  test("several folders, in their order; what no protocol answers is not covered", () => {
    write("b.json", { note: "no vectors" });
    write("a.json", { protocol: "unheard-of", function: "health", cases: [{ in: {}, out: {} }] });
    write("c.json", { protocol: "maker", function: "name", cases: [] });
    const { status, stdout } = replay(folder, own), lines = stdout.split("\n");
    expect(status).toBe(0);
    expect(lines.slice(0, 3)).toEqual(["a: not covered", "b: not covered", "c: not covered"]);
    expect(lines).toContainEqual(expect.stringMatching(/^maker\.auctionPrice: \d+ passed, 0 failed$/));
  });

  test.each<[string, unknown, string]>([
    ["not JSON", "{", "is not JSON"],
    ["no cases", { protocol: "maker", function: "health" }, "has no array of cases"],
    ["a case without out", { protocol: "maker", function: "health", cases: [{ in: {} }] }, "number 0, without the objects in and out"],
  ])("a file with %s", (_, content, message) => {
    write("file.json", content);
    const { status, stdout, stderr } = replay(folder);
    expect({ status, stdout, lines: stderr.split("\n").length }).toEqual({ status: 2, stdout: "", lines: 2 });
    expect(stderr).toContain(message);
  });

  test("folders and options that are not there", () => {
    const empty = replay(folder), missing = replay(join(folder, "missing")), option = replay(own, "--fast"), none = replay();
    for (const { status, stdout, stderr } of [empty, missing, option, none]) {
      expect({ status, stdout, lines: stderr.split("\n").length }).toEqual({ status: 2, stdout: "", lines: 2 });
    }
    expect(empty.stderr).toContain("has no JSON files");
    expect(missing.stderr).toContain("cannot be read: ENOENT");
    expect(option.stderr).toContain("--fast");
    expect(none.stderr).toContain("usage: npm run replay");
  });
});
