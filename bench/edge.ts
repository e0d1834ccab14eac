/** Snapshots, and the liquidation-price service in workerd: what a lookup costs in the isolate, and how soon a new isolate answers. */
import { openBook } from "plimsoll";
import { loadBook, saveBook } from "plimsoll/arrow";
import { maker } from "plimsoll/maker";
import { bundle } from "../examples/edge/bundle.js";
import { type Generated, generate } from "../examples/edge/generate.js";
import { drawVaults } from "../examples/keeper/synthetic.js";
import { type Local, start } from "../examples/edge/local.js";
import { type Group, NS, ensure, median, quantile, stage } from "./measure.js";

const LOOKUPS = 20_000, ROUNDS = 5, ISOLATES = 10;

interface Bench { readonly workerd: Local; readonly url: string }

async function open(): Promise<Bench> {
  const own = await bundle("bench/edge-worker.ts"), deployed = await bundle("examples/edge/cloudflare.ts");
  const modules = Object.fromEntries(Object.entries(deployed.modules).map(([name, bytes]) => [name, Buffer.from(bytes).toString("base64")]));
  const workerd = start(own, { bindings: { SCRIPT: new TextDecoder().decode(deployed.script), MODULES: JSON.stringify(modules), EVERY: "100000" }, loader: true });
  if (!workerd) throw new Error("edge figures need workerd, which could not be fetched; --only leaves them out");
  return { workerd, url: String(await workerd.ready).replace(/\/$/, "") };
}

/** Runs with workerd for so long as it is needed. */
async function within<T>(run: (bench: Bench) => Promise<T>): Promise<T> {
  const bench = await open();
  try { return await run(bench); } finally { await bench.workerd.dispose(); }
}

/** Milliseconds of one of `count` that a request asks for, the median of some rounds: what the request itself takes is taken off. */
async function each(url: string, path: string, count: number, body?: string): Promise<number> {
  let round = 0;
  const ask = async (n: number) => {
    const begun = performance.now(), answer = await fetch(`${url}${path}?count=${n}&round=${round++}`, body === undefined ? {} : { method: "POST", body }), text = await answer.text();
    ensure(answer.ok, `${path} in workerd: ${text}`);
    return performance.now() - begun;
  };
  await ask(count); // warms up
  const times: number[] = [];
  for (let i = 0; i < ROUNDS; ++i) times.push((await ask(count)) - (await ask(0)));
  return quantile(times, 0.5) / count;
}

/** A snapshot of vaults in one market, without keys. */
function snapshot(vaults: number): Uint8Array {
  const ray = 10n ** 27n, figures = { spot: 1_500n * ray, mat: ray, rate: ray }, book = openBook(maker);
  book.load(book.addMarket(figures), drawVaults(vaults, figures, 1));
  const bytes = saveBook(book);
  book.dispose();
  return bytes;
}
const load = (bytes: Uint8Array, vaults: number) => (median(() => loadBook(maker, bytes).dispose()) / vaults) * NS;

export const edgeGroup: Group = {
  stages: (vaults) => [
    stage({ vaults, open: () => snapshot(vaults), figures: { "arrow.load": ["ns", (bytes) => load(bytes, vaults)] } }),
    stage({
      vaults: 0, open: () => undefined,
      figures: {
        "edge.price": ["µs", () => within(async ({ url }) => (await each(url, "/price", LOOKUPS)) * 1000)],
        "edge.cold": ["ms", () => within(({ url }) => each(url, "/cold", ISOLATES))],
      },
    }),
    stage({
      vaults, open: (): Generated => generate(vaults),
      figures: {
        "arrow.load.keys": ["ns", ({ bytes }) => load(bytes, vaults)],
        "edge.owner": ["µs", ({ bytes, owners }) => within(async ({ workerd, url }) => {
          await (await workerd.getR2Bucket("BUCKET")).put("snapshot.arrow", bytes);
          return (await each(url, "/owner", LOOKUPS, JSON.stringify(owners))) * 1000;
        })],
      },
    }),
  ],
  goals: [
    { name: "arrow.load", most: 50 },
    { name: "edge.price", most: 50 },
    { name: "edge.owner", most: 100 },
    { name: "edge.cold", most: 30 },
  ],
};
