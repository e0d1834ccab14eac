import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { PROTOCOLS } from "./protocols.js";

vi.setConfig({ testTimeout: 120_000 });

const pack = JSON.parse(readFileSync("package.json", "utf8")) as { [key: string]: unknown; exports: Record<string, unknown>; imports: Record<string, unknown> };
/** Keys in their order, nested: the order of conditions decides which one a runtime takes. */
const order = (value: unknown): unknown => (typeof value === "object" && value !== null ? Object.entries(value).map(([key, inner]) => [key, order(inner)]) : value);
const node = (script: string): unknown => JSON.parse(execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" }));
const scripts = () => readdirSync("dist").filter((file) => file.endsWith(".js"));

describe("package.json", () => {
  test("what is exported, with its conditions in their order", () => {
    expect(order(pack.exports)).toEqual([
      [".", [["types", "./dist/index.d.ts"], ["default", "./dist/index.js"]]],
      ["./maker", [["types", "./dist/protocols/maker.d.ts"], ["default", "./dist/maker.js"]]],
      ["./compound-v2", [["types", "./dist/protocols/compound-v2.d.ts"], ["default", "./dist/compound-v2.js"]]],
      ["./aave-v3", [["types", "./dist/protocols/aave-v3.d.ts"], ["default", "./dist/aave-v3.js"]]],
      ["./comet", [["types", "./dist/protocols/comet.d.ts"], ["default", "./dist/comet.js"]]],
      ["./morpho", [["types", "./dist/protocols/morpho.d.ts"], ["default", "./dist/morpho.js"]]],
      ["./liquity-v1", [["types", "./dist/protocols/liquity-v1.d.ts"], ["default", "./dist/liquity-v1.js"]]],
      ["./liquity-v2", [["types", "./dist/protocols/liquity-v2.d.ts"], ["default", "./dist/liquity-v2.js"]]],
      ["./arrow", [["types", "./dist/arrow.d.ts"], ["default", "./dist/arrow.js"]]],
      ["./worker", [["types", "./dist/worker.d.ts"], ["default", "./dist/worker.js"]]],
      ["./worker-entry", [["types", "./dist/worker-entry.d.ts"], ["default", "./dist/worker-entry.js"]]],
      ["./plimsoll.wasm", [["types", "./dist/plimsoll.wasm.d.ts"], ["default", "./dist/plimsoll.wasm"]]],
      ["./package.json", "./package.json"],
    ]);
  });

  test("where the module comes from, with the conditions in their order", () => {
    expect(order(pack.imports)).toEqual([
      ["#module/*", [["types", "./dist/modules/cut.d.ts"], ["workerd", "./dist/*.workerd.js"], ["edge-light", "./dist/*.edge-light.js"], ["default", "./dist/*.inline.js"]]],
    ]);
  });

  test("ESM only, without side effects, and nothing that runs at installation", () => {
    expect(pack["type"]).toBe("module");
    expect(pack["sideEffects"]).toEqual(["./dist/worker-entry.js"]); // the script of a worker: imported for what it does
    expect(pack["main"]).toBeUndefined();
    expect(Object.keys(pack["scripts"] as object).filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([]);
    expect(pack["dependencies"]).toBeUndefined(); // the loader and comlink are built in
  });

  test("every file that it names is there", () => {
    const files = JSON.stringify([pack.exports, pack.imports]).match(/\.\/dist\/[^"]+/g)!;
    for (const file of files.flatMap((path) => (path.includes("*") ? PROTOCOLS.map((cut) => path.replace("*", cut)) : [path]))) expect(readFileSync(file).length).toBeGreaterThan(0);
  });
});

describe("importing", () => {
  test("compiles nothing, instantiates nothing, changes nothing global", () => {
    expect(node(`
      const done = [];
      for (const name of ["Module", "Instance", "Memory", "Table"]) WebAssembly[name] = new Proxy(WebAssembly[name], { construct(of, args) { done.push(name); return Reflect.construct(of, args); } });
      for (const name of ["compile", "instantiate", "compileStreaming", "instantiateStreaming", "validate"]) { const real = WebAssembly[name]; WebAssembly[name] = (...args) => { done.push(name); return real(...args); }; }
      const { atob: decode } = globalThis;
      globalThis.atob = (text) => { done.push("atob"); return decode(text); };
      const before = Reflect.ownKeys(globalThis).length, timers = process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
      const { openBook } = await import("plimsoll"), { maker } = await import("plimsoll/maker");
      for (const protocol of ["compound-v2", "comet"]) await import("plimsoll/" + protocol);
      const atImport = [...done], globals = Reflect.ownKeys(globalThis).length - before, more = process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length - timers;
      maker.debt({ art: 1n, rate: 1n });
      openBook(maker);
      openBook(maker);
      console.log(JSON.stringify({ atImport, globals, more, modules: done.filter((name) => name === "Module").length, instances: done.filter((name) => name === "Instance").length }));
    `)).toEqual({ atImport: [], globals: 0, more: 0, modules: 1, instances: 3 }); // one compilation for all
  });

  test("no module awaits at its top level", () => {
    for (const file of scripts()) {
      // a script without module syntax cannot hold a top-level await: take imports and exports away and parse
      const body = readFileSync(`dist/${file}`, "utf8").replace(/^import [\s\S]*?;$/gm, "").replace(/^export \{[\s\S]*?\};$/gm, "").replaceAll("import.meta", "({})");
      expect(() => new Function(body), file).not.toThrow();
    }
    expect(() => new Function("await 1")).toThrow(SyntaxError);
  });

  test("the exports are what the documentation names", async () => {
    expect(Object.keys(await import("plimsoll")).sort()).toEqual(["MAX_U128", "PlimsollError", "openBook", "toLimbs", "valueAt"]);
    expect(Object.keys(await import("plimsoll/arrow")).sort()).toEqual(["loadBook", "readSnapshot", "saveBook"]);
    expect(Object.keys(await import("plimsoll/maker"))).toEqual(["maker"]);
    expect(Object.keys(await import("plimsoll/compound-v2")).sort()).toEqual(["compoundV2", "compoundV2HalfUp"]);
    expect(Object.keys(await import("plimsoll/aave-v3"))).toEqual(["aaveV3"]);
    expect(Object.keys(await import("plimsoll/comet"))).toEqual(["comet"]);
    expect(Object.keys(await import("plimsoll/morpho"))).toEqual(["morpho"]);
    expect(Object.keys(await import("plimsoll/liquity-v1"))).toEqual(["liquityV1"]);
    expect(Object.keys(await import("plimsoll/liquity-v2"))).toEqual(["liquityV2"]);
    expect(Object.keys(await import("plimsoll/worker")).sort()).toEqual(["handOver", "openBook"]);
  });

  test("both entries share one core, and one class of errors", () => {
    expect(node(`
      import { PlimsollError } from "plimsoll";
      import { maker } from "plimsoll/maker";
      let same = false;
      try { maker.debt({}); } catch (error) { same = error instanceof PlimsollError; }
      console.log(JSON.stringify(same));
    `)).toBe(true);
  });

  test("the raw module is there under its own name", () => {
    const file = node(`console.log(JSON.stringify(import.meta.resolve("plimsoll/plimsoll.wasm")))`) as string;
    expect(WebAssembly.validate(readFileSync(new URL(file)))).toBe(true);
    expect(WebAssembly.Module.imports(new WebAssembly.Module(readFileSync(new URL(file))))).toEqual([]);
  });
});

describe("what is published", () => {
  test("holds what it should, and nothing else", () => {
    const [{ files }] = JSON.parse(execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })) as [{ files: { path: string }[] }];
    const paths = files.map(({ path }) => path).sort();
    for (const path of paths) expect(path).toMatch(/^(CHANGELOG\.md|LICENSE|dist\/LICENSE\.(assemblyscript|comlink|flechette)|README\.md|package\.json|dist\/((protocols|modules)\/)?[\w.-]+\.(js|d\.ts)|dist\/[\w-]+\.wasm)$/);
    const entries = ["index", ...PROTOCOLS, "worker", "worker-entry"];
    const scriptsAndTypes = entries.flatMap((name) => [`dist/${name}.js`, /^(index|worker.*)$/.test(name) ? `dist/${name}.d.ts` : `dist/protocols/${name}.d.ts`]);
    for (const path of ["LICENSE", "dist/LICENSE.assemblyscript", "dist/LICENSE.comlink", "dist/LICENSE.flechette", "dist/arrow.js", "dist/arrow.d.ts", "package.json", ...scriptsAndTypes, "dist/plimsoll.wasm", "dist/plimsoll.wasm.d.ts", "dist/modules/cut.d.ts", ...PROTOCOLS.flatMap((cut) => ["inline.js", "workerd.js", "edge-light.js", "wasm"].map((end) => `dist/${cut}.${end}`))]) expect(paths).toContain(path);
    const text = (script: string) => readFileSync(`dist/${script}`, "utf8");
    for (const script of scripts()) { // none left over from another build
      const named = JSON.stringify(pack).replaceAll("*", script.split(".")[0]!) + scripts().filter((other) => other !== script).map(text).join("");
      expect(named.includes(script), script).toBe(true);
    }
  });

  test("publint has nothing to say", () => {
    const { status, stdout, stderr } = spawnSync("npx", ["publint", "--strict"], { encoding: "utf8", env: { ...process.env, npm_config_ignore_scripts: "true" } });
    expect({ status, said: status ? stdout + stderr : "" }).toEqual({ status: 0, said: "" });
  });

  test("types resolve for every consumer of ES modules", () => {
    const { status, stdout, stderr } = spawnSync("npx", ["attw", "--pack", ".", "--profile", "esm-only"], { encoding: "utf8", env: { ...process.env, npm_config_ignore_scripts: "true" } });
    expect({ status, said: status ? stdout + stderr : "" }).toEqual({ status: 0, said: "" });
  });
});
