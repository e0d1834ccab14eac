import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { type Plugin, build } from "esbuild";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { obtain } from "../examples/edge/obtain.js";
import { PROTOCOLS } from "./protocols.js";
import type { Report } from "./runtimes/suite.js";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const run = promisify(execFile), root = resolve(import.meta.dirname, ".."), folder = join(root, "build/runtimes");
const vectors = readdirSync(join(root, "test/vectors")).sort();
/** The cuts of the module. */
const CUTS = [...PROTOCOLS].sort();
/** Calls the suite with the selection of vectors as text, and hands its report over. */
const entry = (then: string) => ({
  contents: `import { suite } from "./test/runtimes/suite.ts";\n${vectors.map((file, i) => `import vectors${i} from "./test/vectors/${file}";`).join("\n")}
    const report = () => suite({ ${vectors.map((file, i) => `${JSON.stringify(file)}: vectors${i}`).join(", ")} });\n${then}`,
  resolveDir: root, loader: "ts" as const,
});
/** The suite as a bundler makes it for a runtime with such conditions; `external`: what is left to the runtime. */
async function bundle(file: string, then: string, { conditions = [], external = [], plugins = [], format = "esm" }: { conditions?: string[]; external?: string[]; plugins?: Plugin[]; format?: "esm" | "iife" }): Promise<string[]> {
  const { metafile } = await build({
    stdin: entry(then), bundle: true, format, conditions, external, plugins, outfile: join(folder, file), platform: "neutral", target: "es2022", loader: { ".json": "text" }, mainFields: ["module", "main"], logLevel: "warning", metafile: true,
  });
  return Object.keys(metafile.inputs).map((path) => path.replace(/^.*dist\//, "dist/"));
}
/** Every file of the package that may bring a module. */
const sourcesIn = (inputs: readonly string[]) => inputs.filter((path) => CUTS.some((cut) => path.startsWith(`dist/${cut}.`) && path !== `dist/${cut}.js`)).sort();

let expected: Report;
beforeAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  // as npm installs it: Deno and Bun resolve #module themselves
  const installed = join(folder, "node_modules/plimsoll");
  mkdirSync(installed, { recursive: true });
  cpSync(join(root, "dist"), join(installed, "dist"), { recursive: true });
  cpSync(join(root, "package.json"), join(installed, "package.json"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module", dependencies: { plimsoll: "*" } }));
  await bundle("node_modules/plimsoll/suite.js", "console.log(JSON.stringify(report()));", { external: ["plimsoll", "plimsoll/*", "#module/*"] });
  expected = JSON.parse((await run(process.execPath, [join(installed, "suite.js")])).stdout);
});

const same = (seen: Report, source: string) => expect({ ...seen, first: 0 }).toEqual({ ...expected, first: 0, sources: CUTS.map(() => source) });

test("the suite does what it says", () => {
  expect(expected.cases).toBeGreaterThan(300);
  expect(expected.inBook).toBeGreaterThan(50);
  expect(expected.sources).toEqual(CUTS.map(() => "inline"));
});

describe("runtimes that read the package's conditions themselves", () => {
  const script = join(folder, "node_modules/plimsoll/suite.js");
  test.for([
    ["Node 20", "node@20.20.2", "node", [], /^v20\./], ["Node 22", "node@22.23.3", "node", [], /^v22\./], ["Node 24", "node@24.21.0", "node", [], /^v24\./], ["Node 26", "node@26.10.0", "node", [], /^v26\./],
    ["Deno", "deno@2.9.6", "deno", ["run", "--no-lock", "--cached-only", "--node-modules-dir=manual"], /^deno 2\./], ["Bun", "bun@1.4.4", "bun", ["run"], /^1\.4/],
  ] as const)("%s", async ([, spec, bin, options, version], { skip }) => {
    const at = obtain(spec);
    if (!at) return skip(`${spec} could not be fetched`);
    const runtime = join(at, "node_modules/.bin", bin);
    expect((await run(runtime, ["--version"])).stdout).toMatch(version);
    const { stdout } = await run(runtime, [...options, script], { cwd: folder, env: { ...process.env, NO_COLOR: "1" } });
    same(JSON.parse(stdout), "inline");
  });
});

const WORKERD = "workerd@1.20261117.1", EDGE_RUNTIME = ["edge-runtime@4.0.1", "@edge-runtime/vm@5.0.0"] as const;

describe("workerd", () => {
  const config = (script: string) => `
    using Workerd = import "/workerd/workerd.capnp";
    const config :Workerd.Config = (services = [(name = "main", worker = .worker)]);
    const worker :Workerd.Worker = (compatibilityDate = "2026-04-01", modules = [
      (name = "${script}", esModule = embed "${script}"),
      ${CUTS.map((cut) => `(name = "${cut}.wasm", wasm = embed "node_modules/plimsoll/dist/${cut}.wasm")`).join(", ")},
    ]);`;
  const inWorkerd = async (at: string, script: string) => {
    writeFileSync(join(folder, `${script}.capnp`), config(script));
    return await run(join(at, "node_modules/.bin/workerd"), ["test", "--verbose", join(folder, `${script}.capnp`)]).then(({ stdout, stderr }) => ({ failed: false, said: stdout + stderr }), ({ stdout, stderr }) => ({ failed: true, said: stdout + stderr }));
  };
  const tested = "export default { test() { console.log('report ' + JSON.stringify(report())); } };";

  test("compiles nothing: it takes the modules that were deployed", async ({ skip }) => {
    const at = obtain(WORKERD);
    if (!at) return skip(`${WORKERD} could not be fetched`);
    const inputs = await bundle("workerd.js", tested, { conditions: ["workerd", "worker", "browser"], external: ["*.wasm"] });
    expect(sourcesIn(inputs)).toEqual(CUTS.map((cut) => `dist/${cut}.workerd.js`));
    const { failed, said } = await inWorkerd(at, "workerd.js");
    expect({ failed, said: failed ? said : "" }).toEqual({ failed: false, said: "" });
    same(JSON.parse(/report (.*)/.exec(said)![1]!), "workerd");
  });

  test("refuses the default source, so the condition is needed", async ({ skip }) => {
    const at = obtain(WORKERD);
    if (!at) return skip(`${WORKERD} could not be fetched`);
    expect(sourcesIn(await bundle("inline.js", tested, { external: ["*.wasm"] }))).toEqual(CUTS.map((cut) => `dist/${cut}.inline.js`));
    const { failed, said } = await inWorkerd(at, "inline.js");
    expect(failed).toBe(true);
    expect(said).toContain("Wasm code generation disallowed by embedder");
  });
});

describe("edge-runtime", () => {
  /** What Vercel does with `?module`: it hands over what was compiled when the function was deployed, from outside of the context. */
  const deployed: Plugin = {
    name: "deployed",
    setup(build) {
      build.onResolve({ filter: /\.wasm\?module$/ }, ({ path }) => ({ path, namespace: "deployed" }));
      build.onLoad({ filter: /./, namespace: "deployed" }, ({ path }) => ({ contents: `export default deployed[${JSON.stringify(path.replace("?module", ""))}];` }));
    },
  };
  const inRuntime = (at: string, script: string) => {
    const { EdgeRuntime } = createRequire(join(at, "package.json"))("edge-runtime");
    const modules = Object.fromEntries(CUTS.map((cut) => [`./${cut}.wasm`, new WebAssembly.Module(readFileSync(join(root, `dist/${cut}.wasm`)))]));
    // here it would compile bytes, as Vercel does not
    const runtime = new EdgeRuntime({ codeGeneration: { strings: false, wasm: false }, extend: (context: object) => Object.assign(context, { deployed: modules }) });
    runtime.evaluate(readFileSync(join(folder, script), "utf8"));
    return JSON.parse(runtime.evaluate("JSON.stringify(report())"));
  };
  const called = "globalThis.report = report;";

  test("compiles nothing: it takes the modules that were deployed, of another realm", async ({ skip }) => {
    const at = obtain(...EDGE_RUNTIME);
    if (!at) return skip(`${EDGE_RUNTIME[0]} could not be fetched`);
    const inputs = await bundle("edge-light.js", called, { conditions: ["edge-light"], plugins: [deployed], format: "iife" });
    expect(sourcesIn(inputs)).toEqual(CUTS.map((cut) => `dist/${cut}.edge-light.js`));
    same(inRuntime(at, "edge-light.js"), "edge-light");
  });

  test("refuses the default source where it may not compile", async ({ skip }) => {
    const at = obtain(...EDGE_RUNTIME);
    if (!at) return skip(`${EDGE_RUNTIME[0]} could not be fetched`);
    await bundle("edge-inline.js", called, { format: "iife" });
    expect(() => inRuntime(at, "edge-inline.js")).toThrow(/disallowed by embedder/);
  });
});
