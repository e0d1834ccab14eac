/** The worker's book in an application, as each bundler builds it from the published files, run in a browser. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { type BuildOptions, build as esbuild } from "esbuild";
import type { Browser } from "playwright-core";
import { build as vite } from "vite";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import webpack from "webpack";
import { browsers } from "./browser/browsers.js";
import { type Files, page as html, serve } from "./browser/site.js";
import { NAMED, opening } from "./protocols.js";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** What an application does: opens a book, fills it, asks. Says in the title what it found. */
const app = (options: string) => `
  import { openBook } from "plimsoll/worker";
  import { maker } from "plimsoll/maker";
  const RAY = 10n ** 27n;
  openBook(maker, ${options}).then(async (book) => {
    await book.addMarket({ spot: RAY, mat: RAY, rate: RAY });
    await book.load(0, { ink: new BigUint64Array([1n, 0n, 3n, 0n]), art: new BigUint64Array([2n, 0n, 2n, 0n]) });
    const hits = await book.scan();
    document.title = hits.length + " unsafe, debt " + hits.at(0).debt;
  }).catch((error) => { document.title = error.code + ": " + error.message; });
`;

const folder = mkdtempSync(join(tmpdir(), "bundlers-"));
/** An application in a folder of its own, with the package as it is published. */
function project(name: string, options = ""): string {
  const root = join(folder, name);
  mkdirSync(join(root, "node_modules/plimsoll"), { recursive: true });
  for (const path of ["dist", "package.json"]) cpSync(path, join(root, "node_modules/plimsoll", path), { recursive: true });
  writeFileSync(join(root, "package.json"), `{ "type": "module" }`);
  writeFileSync(join(root, "app.js"), app(options));
  writeFileSync(join(root, "index.html"), html("./app.js"));
  return root;
}

function filesOf(root: string): Files {
  return new Map(readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map(({ parentPath, name }) => {
    const path = join(parentPath, name);
    return [relative(root, path), readFileSync(path)];
  }));
}

const [chromium] = browsers("chromium");
const { missing, launch } = chromium!;

describe.skipIf(missing)("an application built with", () => {
  let browser: Browser;
  beforeAll(async () => { browser = await launch(); });
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  /** Runs the application; answers its title, and which files it loaded. */
  async function run(files: Files): Promise<{ readonly title: string; readonly asked: readonly string[] }> {
    const site = await serve(files, { "content-security-policy": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; img-src data:" });
    try {
      const page = await browser.newPage();
      await page.goto(site.url);
      await page.waitForFunction(() => /unsafe|:/.test(document.title));
      return { title: await page.title(), asked: site.asked.map((path) => path.slice(1)) };
    } finally {
      await site.close();
    }
  }
  const well = "1 unsafe, debt 2";

  test.each([["its defaults", {}], ["workers of ES modules, which load the one protocol alone", { worker: { format: "es" as const } }]])("Vite, %s", async (_, config) => {
    const root = project(`vite-${Object.keys(config).length}`);
    await vite({ root, configFile: false, logLevel: "error", ...config });
    expect((await run(filesOf(join(root, "dist")))).title).toBe(well);
  });

  test("webpack", async () => {
    const root = project("webpack");
    await new Promise<void>((done, fail) => {
      webpack({ mode: "production", context: root, entry: "./app.js", output: { path: join(root, "out"), publicPath: "" } }, (error, stats) => {
        if (error || stats!.hasErrors() || stats!.hasWarnings()) fail(error ?? new Error(stats!.toString()));
        else done();
      });
    });
    expect((await run(filesOf(join(root, "out")).set("index.html", html("main.js")))).title).toBe(well);
  });

  const bundled: BuildOptions = { bundle: true, splitting: true, format: "esm", minify: true, charset: "utf8", target: "es2022", outdir: "out", logLevel: "error" };
  test("esbuild, which has to be told of the worker; it loads the one protocol alone", async () => {
    const root = project("esbuild", `{ create: () => new Worker("worker.js", { type: "module" }) }`);
    const { warnings } = await esbuild({ ...bundled, absWorkingDir: root, entryPoints: { app: "app.js", worker: "plimsoll/worker-entry" } });
    expect(warnings).toEqual([]);
    const files = filesOf(join(root, "out")).set("index.html", html("app.js")), { title, asked } = await run(files);
    expect(title).toBe(well);
    expect(asked.filter((path) => /aave|comet|compound/.test(path))).toEqual([]);
  });

  test("the worker is at most 40 KiB gzipped with any protocol", async () => {
    const root = project("worker");
    // The entry alone, so that nothing is counted that only the page loads.
    await esbuild({ ...bundled, absWorkingDir: root, entryPoints: { worker: "plimsoll/worker-entry" } });
    const alone = filesOf(join(root, "out"));
    for (const protocol of NAMED) {
      const { title, asked } = await run(new Map(alone).set("index.html", html("page.js")).set("page.js", Buffer.from(pageOf(protocol))));
      expect([protocol.name, title]).toEqual([protocol.name, "1 unsafe"]);
      const scripts = [...new Set(asked)].filter((path) => path.endsWith(".js") && path !== "page.js");
      const bytes = scripts.reduce((sum, path) => sum + gzipSync(alone.get(path)!, { level: 9 }).length, 0);
      expect(scripts.length).toBeGreaterThan(1);
      expect(bytes).toBeGreaterThan(20_000);
      expect(bytes, protocol.name).toBeLessThanOrEqual(40 * 1024);
    }
  });

  test("a bundler that finds no worker leaves a script that is missing, and the error says so", async () => {
    const root = project("esbuild-alone");
    await esbuild({ ...bundled, absWorkingDir: root, entryPoints: { app: "app.js" } });
    expect((await run(filesOf(join(root, "out")).set("index.html", html("app.js")))).title).toMatch(/^worker-failed: the script of the worker could not be loaded.*create/);
  });
});

/** Asks a worker for a book of a protocol without any code of the package. */
const pageOf = (protocol: object) => `
  const worker = new Worker("worker.js", { type: "module" });
  worker.onmessage = ({ data }) => { document.title = data.value.fault ? "fault: " + data.value.fault.message : "1 unsafe"; };
  worker.postMessage(${JSON.stringify(opening(protocol))});
`;
