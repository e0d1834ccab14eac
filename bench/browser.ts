/** What a book in a worker costs a page, and how soon the dashboard has painted, in headless Chromium. */
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type { Browser, Page } from "playwright-core";
import { find } from "../test/browser/browsers.js";
import { type Files, type Site, bundle, page as html, serve } from "../test/browser/site.js";
import { NAMED, opening } from "../test/protocols.js";
import type { BenchPage } from "./browser-page.js";
import { type Group, ensure, quantile, stage } from "./measure.js";

/** Clocks of isolated pages are 20 times finer. */
const ISOLATED = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
const DASHBOARD = "build/dashboard", WARM = 60, STEPS = 120, JUMPS = 12;

declare const bench: BenchPage;

interface Opened {
  readonly browser: Browser;
  readonly sites: readonly Site[];
  readonly worker: Page;
  readonly dashboard: Page;
}

async function openPages(vaults: number): Promise<Opened> {
  const browser = await find("chromium")!();
  const files = await bundle({ page: "bench/browser-page.ts", "worker-entry": "plimsoll/worker-entry" }, { minify: true });
  const sites = await Promise.all([files.set("index.html", html("page.js")), dashboardFiles()].map((served) => serve(served, ISOLATED)));
  const [worker, dashboard] = [await browser.newPage(), await browser.newPage({ viewport: { width: 1440, height: 900 } })];
  await worker.goto(sites[0]!.url);
  await worker.waitForFunction(() => "bench" in globalThis);
  await worker.evaluate((count) => bench.open(count), vaults);
  return { browser, sites, worker, dashboard };
}

function dashboardFiles(): Files {
  execFileSync(process.execPath, ["examples/dashboard/build.mjs"], { stdio: "inherit" });
  return new Map(readdirSync(DASHBOARD).map((name) => [name, readFileSync(`${DASHBOARD}/${name}`)]));
}

const gzipped = (files: Files, names: Iterable<string>) => [...names].reduce((sum, name) => sum + gzipSync(files.get(name)!, { level: 9 }).length, 0);

const bytesName = ({ name }: { readonly name: string }) => `worker.gzipBytes.${name}`;

/** What a worker loads for one protocol. */
async function workerBytes(protocol: object): Promise<number> {
  const files = await bundle({ "worker-entry": "plimsoll/worker-entry" }, { minify: true }), site = await serve(files.set("index.html", html("none.js"))), browser = await find("chromium")!();
  try {
    const page = await browser.newPage();
    await page.goto(site.url);
    await page.evaluate((message) => new Promise((opened) => {
      const worker = new Worker("worker-entry.js", { type: "module" });
      worker.onmessage = opened;
      worker.postMessage(message);
    }).then(() => undefined), opening(protocol));
    return gzipped(files, new Set(site.asked.map((path) => path.slice(1)).filter((path) => path.endsWith(".js") && files.has(path))));
  } finally {
    await browser.close();
    await site.close();
  }
}

/** Opens the dashboard anew, with its million vaults. */
async function loadDashboard({ dashboard, sites }: Opened): Promise<void> {
  await dashboard.addInitScript(() => {
    const tasks: number[] = [];
    Object.assign(globalThis, { tasks });
    new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) tasks.push(duration); }).observe({ type: "longtask", buffered: true });
  });
  await dashboard.goto(sites[1]!.url);
  await dashboard.waitForFunction(() => document.querySelector("#ratios-note")!.textContent!.includes("positions"));
}

/** Milliseconds from each movement of the first slider until table and chart are painted. Movements come at any time within a frame. */
async function paintTimes(page: Page, positions: readonly number[], pause: number): Promise<number[]> {
  return page.evaluate(async ([positions, pause]) => {
    const slider = document.querySelector<HTMLInputElement>("#prices input[type=range]")!, time = document.querySelector("#time")!, times: number[] = [];
    const wait = (milliseconds: number) => new Promise((done) => { setTimeout(done, milliseconds); });
    for (const position of positions) {
      await wait(pause + Math.random() * 17);
      time.textContent = ""; // so that two scans of the same time are told apart
      await wait(0);
      const answered = new Promise<void>((done) => {
        const observer = new MutationObserver(() => { if (time.textContent) { observer.disconnect(); done(); } });
        observer.observe(time, { childList: true, characterData: true, subtree: true });
      });
      const started = performance.now();
      slider.value = String(position);
      slider.dispatchEvent(new Event("input", { bubbles: true }));
      await answered;
      await new Promise((painted) => {
        requestAnimationFrame(() => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = painted; // after the frame is painted
          port2.postMessage(0);
        });
      });
      times.push(performance.now() - started);
    }
    return times;
  }, [positions, pause] as const);
}

export const browserGroup: Group = {
  stages: (vaults) => [
    stage<Promise<Opened>>({
      vaults, open: () => openPages(vaults), note: async (opened) => `Chromium ${(await opened).browser.version()}, headless`,
      missing: () => (find("chromium") ? undefined : "Chromium is not installed, and its figures are left out: node test/browser/install.mjs"),
      figures: {
        "worker.roundTrip": ["µs", async (opened) => quantile(await (await opened).worker.evaluate(() => bench.roundTrips()), 0.5)],
        "worker.tick": ["µs", async (opened) => quantile(await (await opened).worker.evaluate((steps) => bench.ticks(steps), STEPS), 0.5)],
        "worker.tick.jump": ["µs", async (opened) => quantile(await (await opened).worker.evaluate((jumps) => bench.jumps(jumps), JUMPS), 0.5)],
        "worker.load": ["ns", async (opened) => (await opened).worker.evaluate(() => bench.load())],
        "dashboard.step": ["ms", async (opened) => {
          await loadDashboard(await opened);
          return quantile((await paintTimes((await opened).dashboard, Array.from({ length: WARM + STEPS }, (_, i) => 999 - (i % 60)), 25)).slice(WARM), 0.5);
        }],
        "dashboard.jump": ["ms", async (opened) => {
          const { dashboard } = await opened;
          if (!(await dashboard.$("#ratios-note:not(:empty)"))) await loadDashboard(await opened);
          const times = await paintTimes(dashboard, Array.from({ length: JUMPS }, (_, i) => (i % 2 ? 1000 : 700)), 1500);
          ensure((await dashboard.textContent("#unsafe")) !== "–", "the dashboard has no figures");
          return quantile(times.filter((_, i) => i % 2 === 0), 0.5); // down, not back
        }],
        "dashboard.longestTask": ["ms", async (opened) => {
          const { dashboard } = await opened;
          await loadDashboard(await opened);
          await paintTimes(dashboard, [...Array.from({ length: 40 }, (_, i) => 999 - i), 700], 15);
          await dashboard.waitForTimeout(800);
          return Math.max(0, ...(await dashboard.evaluate(() => (globalThis as unknown as { tasks: number[] }).tasks)));
        }],
      },
      close: async (opened) => {
        const { browser, sites } = await opened;
        await browser.close();
        for (const site of sites) await site.close();
      },
    }),
    stage({
      vaults: 0, open: () => undefined,
      missing: () => (find("chromium") ? undefined : "Chromium is not installed, and its figures are left out: node test/browser/install.mjs"),
      figures: {
        ...Object.fromEntries(NAMED.map((protocol) => [bytesName(protocol), ["bytes", () => workerBytes(protocol)] as const])),
        "dashboard.gzipBytes": ["bytes", () => { const files = dashboardFiles(); return gzipped(files, files.keys()); }],
      },
    }),
  ],
  goals: [
    { name: "worker.tick", most: 2000 }, { name: "dashboard.step", most: 16 }, { name: "dashboard.jump", most: 50 }, { name: "dashboard.longestTask", most: 50 },
    ...NAMED.map((protocol) => ({ name: bytesName(protocol), most: 40 * 1024 })), { name: "dashboard.gzipBytes", most: 140 * 1024 },
  ],
};
