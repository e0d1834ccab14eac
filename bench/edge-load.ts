/**
 * `npm run edge:load -- [--seconds N] [--vaults N]`: autocannon at 64 connections against the service in workerd, with requests of every
 * kind, one in a hundred of them malformed, and a new snapshot in the middle. Every tenth answer is checked by plain integers. Exits
 * with 1 where a status or an answer is wrong, or memory does not stay.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { type Server, createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadBook } from "plimsoll/arrow";
import { maker } from "plimsoll/maker";
import { bundle } from "../examples/edge/bundle.js";
import { type Ilk, type ToldVault, wrongWith } from "../examples/edge/check.js";
import { generate } from "../examples/edge/generate.js";
import { obtain } from "../examples/edge/obtain.js";

const CONNECTIONS = 64, CHECKED = 10, AUTOCANNON = "autocannon@9.0.0", WORKERD = "workerd@1.20261117.1";
const WAD = 10n ** 18n, RAY = 10n ** 27n;

interface Request { readonly method: "GET"; readonly path: string; onResponse(status: number, body: string): void }
interface Result { readonly requests: { readonly average: number; readonly total: number }; readonly latency: { readonly p50: number; readonly p99: number }; readonly errors: number; readonly timeouts: number }

const { values } = parseArgs({ options: { seconds: { type: "string", default: "60" }, vaults: { type: "string", default: "100000" } } });
const seconds = Number(values.seconds), snapshots = [1, 2].map((seed) => generate(Number(values.vaults), seed)), books = snapshots.map(({ bytes }) => loadBook(maker, bytes));
const folder = obtain(AUTOCANNON), workerd = obtain(WORKERD);
if (!folder || !workerd) process.exit(1);
const autocannon = createRequire(join(folder, "package.json"))("autocannon") as (options: object) => Promise<Result>;

// ---- The service in workerd, over a snapshot that another server has

const portOf = (server: Server) => new Promise<number>((done) => { server.listen(0, "127.0.0.1", () => done((server.address() as AddressInfo).port)); });
let current = 0;
const storage = createServer(({ method }, answer) => {
  const { bytes } = snapshots[current]!;
  answer.writeHead(200, { etag: `"${current}"`, "content-length": bytes.length }).end(method === "HEAD" ? undefined : bytes);
}), probe = createServer(), storagePort = await portOf(storage), port = await portOf(probe);
await new Promise((done) => { probe.close(done); });

const place = "build/edge-load", { script, modules } = await bundle("examples/edge/cloudflare.ts");
mkdirSync(place, { recursive: true });
for (const [name, bytes] of [["cloudflare.js", script], ...Object.entries(modules)] as const) writeFileSync(join(place, name), bytes);
// Small limits, so that V8 collects in time: left alone, workerd grows for minutes with a script that does nothing.
writeFileSync(join(place, "workerd.capnp"), `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  v8Flags = ["--max-semi-space-size=2", "--single-threaded-gc", "--max-old-space-size=100"],
  services = [(name = "main", worker = .worker), (name = "internet", network = (allow = ["private"]))], sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  compatibilityDate = "2026-04-01", bindings = [(name = "SNAPSHOT_URL", text = "http://127.0.0.1:${storagePort}/snapshot.arrow"), (name = "EVERY", text = "1")],
  modules = [(name = "cloudflare.js", esModule = embed "cloudflare.js")${Object.keys(modules).map((name) => `, (name = "${name}", wasm = embed "${name}")`).join("")}],
);
`);
const service = spawn(join(workerd, "node_modules/.bin/workerd"), ["serve", join(place, "workerd.capnp")], { stdio: "inherit" }), url = `http://127.0.0.1:${port}`;
process.on("exit", () => service.kill());
for (let i = 0; i < 200; ++i) if (await fetch(`${url}/health`).then(({ ok }) => ok, () => new Promise<false>((done) => { setTimeout(done, 50, false); }))) break;

// ---- What is asked, and what is right

const wrong: string[] = [], statuses = new Map<number, number>(), blocks = new Map<string, number>();
let answers = 0, checked = 0;

/** A request whose answers are counted, and some of them checked. */
function request(path: string, expected: number, check: (body: never) => string | undefined): Request {
  return {
    method: "GET", path,
    onResponse(status, body) {
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status !== expected) wrong.push(`${path} answered ${status}: ${body.slice(0, 200)}`);
      else if (answers++ % CHECKED === 0) {
        const why = check(JSON.parse(body) as never);
        ++checked;
        if (why) wrong.push(`${path}: ${why}`);
      }
    },
  };
}

type FromSnapshot = { readonly snapshot: { readonly block: string }; readonly vaults: readonly ToldVault[] };
const ilkOf = (book: (typeof books)[number], market: number): Ilk => ({ ...book.market(market), par: RAY });
/** Whether what is told of vaults is what their snapshot has, and what follows from it. */
function vaultsWrong({ snapshot: { block }, vaults }: FromSnapshot, owner?: string): string | undefined {
  blocks.set(block, (blocks.get(block) ?? 0) + 1);
  const book = books[Number(block) - 21_000_001]!;
  if (owner !== undefined && vaults.length !== book.find(owner).length) return `${vaults.length} vaults of ${book.find(owner).length}`;
  for (const vault of vaults) {
    const own = book.find(vault.owner!).map((id) => book.inspect(id)).find(({ market }) => market === vault.market);
    if (String(own?.vault.ink) !== vault.vault.ink.exact || String(own?.vault.art) !== vault.vault.art.exact) return "its amounts are not those of the snapshot";
    const why = wrongWith(vault, ilkOf(book, vault.market));
    if (why) return why;
  }
  return undefined;
}

const requests: Request[] = Array.from({ length: 200 }, (_, i): Request => {
  const owner = snapshots[(i >> 1) % 2]!.owners[i % snapshots[0]!.owners.length]!;
  if (i % 100 === 99) return request(i % 200 === 99 ? "/v1/at-risk?limit=0" : "/v1/vaults/0x12", 400, ({ errors }: { errors: readonly object[] }) => (errors.length === 1 ? undefined : "its errors are not one"));
  switch (i % 8) {
    case 0: case 1: case 2: {
      const ink = BigInt(10 + i) * WAD, art = 13_000n * WAD, mat = (145n * RAY) / 100n, val = 2000n * WAD;
      return request(`/v1/maker/liquidation-price?ink=${ink}&art=${art}&mat=${mat}&val=${val}`, 200, (told: object) => wrongWith({ ...told, market: 0, vault: { ink: { exact: String(ink) }, art: { exact: String(art) } } } as unknown as ToldVault, { mat, par: RAY, rate: RAY }));
    }
    case 3: case 4: return request(`/v1/vaults/${owner}`, 200, (told: FromSnapshot) => vaultsWrong(told, owner));
    case 5: return request(`/v1/vaults/${owner}?prices=0:${1500 + i}000000000000000000`, 200, (told: FromSnapshot) => vaultsWrong(told, owner));
    case 6: return request(`/v1/at-risk?market=${i % 4}&price=${(i % 4 === 3 ? 55_000 : 1_800) + i}000000000000000000&limit=5`, 200, vaultsWrong);
  }
  return request("/health", 200, ({ status }: { status: string }) => (status === "ok" ? undefined : status));
});

// ---- The run

/** Where the system tells how much memory workerd has: on Linux alone. */
const status = `/proc/${service.pid}/status`, measured = existsSync(status);
/** MiB of workerd. */
const resident = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(status, "utf8"))![1]) >> 10;

const memory: number[] = [], sampling = setInterval(() => { if (measured) memory.push(resident()); }, 250);
setTimeout(() => { current = 1; }, seconds * 500);
const { requests: { average, total }, latency, errors, timeouts } = await autocannon({ url, connections: CONNECTIONS, duration: seconds, timeout: 30, requests });
clearInterval(sampling);
storage.close();

const quarter = Math.floor(memory.length / 4), most = (from: number, to: number) => Math.max(0, ...memory.slice(from, to)), [early, late] = [most(0, quarter * 2), most(quarter * 3, memory.length)];
console.log(`${total.toLocaleString("en")} requests in ${seconds} s at ${CONNECTIONS} connections: ${Math.round(average).toLocaleString("en")} a second, latency ${latency.p50} ms (p99 ${latency.p99} ms)`);
console.log(`statuses ${[...statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count.toLocaleString("en")}`).join(", ")}; errors ${errors}, timeouts ${timeouts}`);
console.log(`${checked.toLocaleString("en")} answers checked, ${wrong.length} wrong; by snapshot ${[...blocks].map(([block, count]) => `${block}: ${count.toLocaleString("en")}`).join(", ")}`);
console.log(!measured ? "workerd's memory is not measured here" : `workerd's memory: ${early} MiB at most in the first half, ${late} MiB in the last quarter, with one snapshot more in its past; by tenths ${Array.from({ length: 10 }, (_, i) => most(Math.floor((memory.length * i) / 10), Math.ceil((memory.length * (i + 1)) / 10))).join(" ")}`);
for (const one of wrong.slice(0, 5)) console.log(`  ${one}`);
const failures = [...(wrong.length ? ["answers are wrong"] : []), ...(errors || timeouts ? ["requests failed"] : []), ...(blocks.size === 2 ? [] : ["the snapshot was not swapped"]), ...(late > early * 1.2 + 64 ? ["memory grew"] : [])];
console.log(failures.length ? `FAILED: ${failures.join(", ")}` : "passed");
process.exit(failures.length ? 1 : 0);
