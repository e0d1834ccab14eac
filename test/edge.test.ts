import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { openBook, toLimbs } from "plimsoll";
import { aaveV3 } from "plimsoll/aave-v3";
import { loadBook, saveBook } from "plimsoll/arrow";
import { liquityV2 } from "plimsoll/liquity-v2";
import { maker } from "plimsoll/maker";
import { morpho } from "plimsoll/morpho";
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import { bundle } from "../examples/edge/bundle.js";
import { type ToldVault, spotOf, wrongWith } from "../examples/edge/check.js";
import { generate } from "../examples/edge/generate.js";
import { type Local, MINIFLARE, start } from "../examples/edge/local.js";
import { obtain } from "../examples/edge/obtain.js";
import { LIQUITY_V1 } from "../examples/edge/protocols/liquity-v1.js";
import { LIQUITY_V2 } from "../examples/edge/protocols/liquity-v2.js";
import { MAKER } from "../examples/edge/protocols/maker.js";
import { MORPHO } from "../examples/edge/protocols/morpho.js";
import { type Options, createService as create } from "../examples/edge/service.js";
import type { Source } from "../examples/edge/snapshots.js";
import { Dice, MAX256, RAY, WAD } from "./arbitraries.js";
import { keyOf } from "./twin.js";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const createService = (options: Options) => create({ protocols: [MAKER, MORPHO, LIQUITY_V1, LIQUITY_V2], ...options });

/** A source whose content the test changes; it counts how often it is read. */
class Shelf implements Source {
  content: { version: string; bytes: Uint8Array } | undefined;
  reads = 0;
  looks = 0;
  wait: Promise<unknown> = Promise.resolve();
  constructor(bytes?: Uint8Array) { if (bytes) this.content = { version: "1", bytes }; }
  async version() { ++this.looks; await this.wait; return this.content?.version; }
  async read() { ++this.reads; await this.wait; return this.content; }
}

const { bytes, owners } = generate(8000);
const book = loadBook(maker, bytes), { markets, vault } = book.vaults(), { ink } = vault;
const ilkOf = (market: number) => ({ ...book.market(market), par: RAY });
interface Answer { readonly [name: string]: unknown }
const ask = async (service: ReturnType<typeof createService>, path: string, options: object = {}) => {
  const answer = await service.request(`http://edge.test${path}`, options), text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: (text ? JSON.parse(text) : undefined) as Answer & { vaults: ToldVault[]; errors: { field: string; detail: string }[]; detail: string } };
};

describe("answers", () => {
  const service = createService({ source: new Shelf(bytes) });

  test("a vault that a query describes: Maker, against plain integers", async () => {
    const dice = new Dice(4);
    for (let i = 0; i < 200; ++i) {
      const figures = { ink: dice.uint(90), art: dice.uint(90), mat: RAY + dice.uint(88), val: 1n + dice.uint(80), rate: RAY + dice.uint(80) };
      const query = Object.entries(figures).filter(([name]) => name !== "rate" || dice.chance(0.9)).map(([name, value]) => `${name}=${value}`), rate = query.some((one) => one.startsWith("rate")) ? figures.rate : RAY;
      const { status, body } = await ask(service, `/v1/maker/liquidation-price?${dice.shuffle(query).join("&")}`);
      expect(status).toBe(200);
      const told = { ...body, market: 0, vault: { ink: { exact: String(figures.ink) }, art: { exact: String(figures.art) } } } as unknown as ToldVault;
      expect(wrongWith(told, { mat: figures.mat, par: RAY, rate })).toBe(undefined);
    }
    expect((await ask(service, `/v1/maker/liquidation-price?ink=${10n * WAD}&art=${13_000n * WAD}&mat=${(145n * RAY) / 100n}&val=${1884n * WAD}`)).body).toEqual({
      protocol: "maker", status: "unsafe", debt: { exact: "13000000000000000000000", decimal: "13000" }, ratio: { exact: "1449230769230769230", decimal: "1.44923076923076923" }, health: { exact: "999469496021220159", decimal: "0.999469496021220159" },
      price: { exact: "1884000000000000000000", decimal: "1884" }, liquidationPrice: { kind: "price", exact: "1885000000000000000000", decimal: "1885" }, distance: { exact: "-530785562632696", decimal: "-0.000530785562632696" },
    });
  });

  test("of Morpho and Liquity, as a book has them", async () => {
    const borrow = await ask(service, `/v1/morpho/liquidation-price?collateral=${WAD}&borrowShares=${15n * 10n ** 14n}&price=${2n * 10n ** 27n}&lltv=${86n * 10n ** 16n}&totalBorrowAssets=${10n ** 12n}&totalBorrowShares=${WAD}&irm=none`);
    const positions = openBook(morpho), one = positions.inspect(positions.add(positions.addMarket({ price: 2n * 10n ** 27n, lltv: 86n * 10n ** 16n, totalBorrowAssets: 10n ** 12n, totalBorrowShares: WAD, irm: "none" }), { collateral: WAD, borrowShares: 15n * 10n ** 14n }));
    expect(borrow.body).toMatchObject({ status: one.status, liquidationPrice: { kind: "price", exact: String(one.liquidationPrice) }, health: { exact: String(one.health) }, debt: { exact: String(one.debt) } });
    const trove = await ask(service, `/v1/liquity-v1/liquidation-price?coll=${10n * WAD}&debt=${10_000n * WAD}&price=${2000n * WAD}`);
    expect(trove.body).toMatchObject({ status: "safe", liquidationPrice: { exact: String(1100n * WAD), decimal: "1100" } });
    const newer = await ask(service, `/v1/liquity-v2/liquidation-price?coll=${10n * WAD}&debt=${10_000n * WAD}&price=${2000n * WAD}&MCR=${11n * 10n ** 17n}&annualInterestRate=${WAD / 10n}&lastDebtUpdateTime=1&at=${1 + 31_536_000}`);
    const branch = openBook(liquityV2), other = branch.inspect(branch.add(branch.addMarket({ price: 2000n * WAD, MCR: 11n * 10n ** 17n }), { coll: 10n * WAD, debt: 10_000n * WAD, stake: 0n, snapshotColl: 0n, snapshotBoldDebt: 0n, annualInterestRate: WAD / 10n, lastDebtUpdateTime: 1n }), { at: 31_536_001n });
    expect(newer.body).toMatchObject({ status: "safe", debt: { exact: String(other.debt), decimal: "11000" }, liquidationPrice: { exact: String(other.liquidationPrice) } });
  });

  test("all vaults of an owner, at the snapshot's prices and at others", async () => {
    for (const owner of [...owners, owners[0]!.toUpperCase().replace("0X", "0x")]) for (const prices of ["", `?prices=0:${1500n * WAD},2:${3n * WAD}`]) {
      const { status, body, headers } = await ask(service, `/v1/vaults/${owner}${prices}`), expected = book.find(owner);
      expect([status, body.vaults.length, body["owner"], headers.get("etag")]).toEqual([200, expected.length, owner.toLowerCase(), `"1"`]);
      body.vaults.forEach((one, i) => {
        expect(one.owner).toBe(owner.toLowerCase());
        expect(one.market).toBe(book.inspect(expected[i]!).market);
        expect(one.vault.ink.exact).toBe(String(book.inspect(expected[i]!).vault.ink));
        expect(one.price.exact).toBe(String(prices && one.market === 0 ? 1500n * WAD : prices && one.market === 2 ? 3n * WAD : book.market(one.market).val));
        expect(wrongWith(one, ilkOf(one.market))).toBe(undefined);
      });
    }
    expect((await ask(service, `/v1/vaults/${keyOf(1)}`)).body.vaults).toEqual([]);
    expect((await ask(service, `/v1/vaults/${owners[0]}`)).body["snapshot"]).toEqual({ protocol: "maker", block: "21000001", timestamp: "1730000000" });
  });

  test("the first that could be liquidated at a price, in exact order", async () => {
    const amount = (column: BigUint64Array, row: number) => column[row * 2]! | (column[row * 2 + 1]! << 64n);
    for (const [market, price, limit] of [[0, undefined, 5], [1, 1900n * WAD, 1000], [3, 1n, 3], [2, 10n ** 30n, 10], [1, undefined, 1]] as const) {
      const { status, body } = await ask(service, `/v1/at-risk?market=${market}&limit=${limit}${price === undefined ? "" : `&price=${price}`}`), ilk = ilkOf(market), spot = spotOf(price ?? ilk.val, ilk);
      const all: [over: bigint, under: bigint][] = [];
      markets.forEach((of, row) => { if (of === market && spot && amount(ink, row) * spot < amount(vault.art, row) * ilk.rate) all.push([amount(ink, row), amount(vault.art, row)]); });
      all.sort(([a, b], [c, d]) => (a * d < c * b ? -1 : a * d > c * b ? 1 : 0));
      expect(status).toBe(200);
      expect(body.vaults.map((one) => [one.vault.ink.exact, one.vault.art.exact])).toEqual(all.slice(0, limit).map((one) => one.map(String)));
      expect(body["more"]).toBe(all.length > limit);
      for (const one of body.vaults) expect(wrongWith(one, ilk)).toBe(undefined);
    }
    expect((await ask(service, `/v1/vaults/${owners[0]}`)).body.vaults[0]!.price.exact).toBe(String(book.market(0).val)); // prices of queries leave nothing behind
  });

  test("the liquidation levels", async () => {
    const { status, body } = await ask(service, `/v1/levels?market=1&from=${2000n * WAD}&to=${1500n * WAD}&steps=6`), levels = body["levels"] as { price: { exact: string }; unsafe: { vaults: number; collateral: { exact: string } }; added: { vaults: number } }[];
    expect(status).toBe(200);
    expect(levels.map(({ price }) => price.exact)).toEqual([2000n, 1900n, 1800n, 1700n, 1600n, 1500n].map((price) => String(price * WAD)));
    const amount = (column: BigUint64Array, row: number) => column[row * 2]! | (column[row * 2 + 1]! << 64n);
    levels.forEach(({ price, unsafe, added }, i) => {
      const spot = spotOf(BigInt(price.exact), ilkOf(1));
      let vaults = 0, collateral = 0n;
      markets.forEach((of, row) => { if (of === 1 && amount(ink, row) * spot < amount(vault.art, row) * ilkOf(1).rate) { ++vaults; collateral += amount(ink, row); } });
      expect([unsafe.vaults, unsafe.collateral.exact, added.vaults]).toEqual([vaults, String(collateral), vaults - (i ? levels[i - 1]!.unsafe.vaults : 0)]);
    });
  });

  test("what a client may keep, and who may read", async () => {
    const first = await ask(service, "/v1/at-risk?limit=1"), header = (name: string) => first.headers.get(name);
    expect([header("etag"), header("cache-control"), header("access-control-allow-origin"), header("x-content-type-options"), header("content-security-policy"), header("content-type")])
      .toEqual([`"1"`, "public, max-age=10", "*", "nosniff", "default-src 'none'; frame-ancestors 'none'", "application/json"]);
    for (const match of [`"1"`, `"0", W/"1"`, "*"]) expect(await ask(service, "/v1/at-risk?limit=1", { headers: { "if-none-match": match } })).toMatchObject({ status: 304, body: undefined });
    expect((await ask(service, "/v1/at-risk?limit=1", { headers: { "if-none-match": `"2"` } })).status).toBe(200);
    expect((await ask(service, "/v1/at-risk?limit=0", { headers: { "if-none-match": `"1"` } })).status).toBe(400);
    const preflight = await ask(service, "/v1/at-risk", { method: "OPTIONS", headers: { origin: "https://app.test", "access-control-request-method": "GET" } });
    expect([preflight.status, preflight.headers.get("access-control-allow-methods"), preflight.headers.get("access-control-allow-origin")]).toEqual([204, "GET, HEAD, OPTIONS", "*"]);
    expect(await ask(service, "/v1/at-risk?limit=1", { method: "HEAD" })).toMatchObject({ status: 200, body: undefined });
    expect((await ask(service, "/health")).headers.get("cache-control")).toBe("no-store");
  });
});

describe("bad input", () => {
  const service = createService({ source: new Shelf(bytes) });
  const maker1 = `ink=1&art=1&mat=${RAY}&val=1`, wide = String(MAX256 + 1n);
  test.for([
    ["an unknown protocol", "/v1/uniswap/liquidation-price?ink=1", 404, "protocol"], ["one that is not deployed", "/v1/aave-v3.5/liquidation-price", 404, "protocol"],
    ["a missing parameter", `/v1/maker/liquidation-price?ink=1&art=1&val=1`, 400, "mat"], ["an empty one", `/v1/maker/liquidation-price?${maker1}&rate=`, 400, "rate"],
    ["a negative one", `/v1/maker/liquidation-price?ink=-1&art=1&mat=1&val=1`, 400, "ink"], ["a fractional one", `/v1/maker/liquidation-price?ink=1.5&art=1&mat=1&val=1`, 400, "ink"],
    ["one with an exponent", `/v1/maker/liquidation-price?ink=1e18&art=1&mat=1&val=1`, 400, "ink"], ["one in hex", `/v1/maker/liquidation-price?ink=0x10&art=1&mat=1&val=1`, 400, "ink"], ["one with a space", `/v1/maker/liquidation-price?ink=%201&art=1&mat=1&val=1`, 400, "ink"],
    ["digits of another script", `/v1/maker/liquidation-price?ink=${encodeURIComponent("١")}&art=1&mat=1&val=1`, 400, "ink"],
    ["one too wide for its amount", `/v1/maker/liquidation-price?ink=${2n ** 128n}&art=1&mat=1&val=1`, 400, "ink"], ["one too wide for its figure", `/v1/maker/liquidation-price?ink=1&art=1&mat=${wide}&val=1`, 400, "mat"], ["a million digits", `/v1/maker/liquidation-price?ink=${"9".repeat(1e6)}&art=1&mat=1&val=1`, 400, "ink"],
    ["a repeated one", `/v1/maker/liquidation-price?${maker1}&ink=2`, 400, "ink"], ["one that is not known", `/v1/maker/liquidation-price?${maker1}&lltv=1`, 400, "lltv"], ["__proto__", `/v1/maker/liquidation-price?${maker1}&__proto__=1`, 400, "__proto__"],
    ["a price that the contract refuses", `/v1/maker/liquidation-price?ink=1&art=1&mat=1&val=${MAX256}`, 400, "val"], ["a wrong choice", "/v1/morpho/liquidation-price?collateral=1&borrowShares=1&price=1&lltv=1&totalBorrowAssets=1&totalBorrowShares=1&irm=linear", 400, "irm"],
    ["an owner that is no address", "/v1/vaults/vitalik.eth", 400, "owner"], ["too short a one", `/v1/vaults/0x${"1".repeat(39)}`, 400, "owner"], ["one that is not hex", `/v1/vaults/0x${"g".repeat(40)}`, 400, "owner"], ["one that is broken text", "/v1/vaults/%ff", 400, "owner"],
    ["prices that are none", `/v1/vaults/${owners[0]}?prices=0`, 400, "prices"], ["of a market that is not there", `/v1/vaults/${owners[0]}?prices=9:1`, 400, "prices"], ["of one twice", `/v1/vaults/${owners[0]}?prices=0:1,0:2`, 400, "prices"], ["too wide", `/v1/vaults/${owners[0]}?prices=0:${wide}`, 400, "prices"],
    ["one that reverts", `/v1/vaults/${owners[0]}?prices=0:${MAX256}`, 400, "prices"],
    ["a limit of 0", "/v1/at-risk?limit=0", 400, "limit"], ["of 10^9", "/v1/at-risk?limit=1000000000", 400, "limit"], ["that is no number", "/v1/at-risk?limit=all", 400, "limit"],
    ["a market that is not there", "/v1/at-risk?market=4", 400, "market"], ["a huge one", "/v1/at-risk?market=4294967296", 400, "market"], ["a time that is too wide", `/v1/at-risk?at=${2n ** 64n}`, 400, "at"], ["a price that reverts", `/v1/at-risk?price=${MAX256}`, 400, "price"],
    ["levels without an end", "/v1/levels?from=1", 400, "to"], ["one level", "/v1/levels?from=1&to=2&steps=1", 400, "steps"], ["none between", "/v1/levels?from=1&to=1", 400, "to"], ["levels that revert", `/v1/levels?from=${MAX256}&to=${MAX256 - 1n}`, 400, "from"], ["a price of levels that is too wide", `/v1/levels?from=${wide}&to=1`, 400, "from"], ["a query where none belongs", "/health?x=1", 400, "x"],
  ] as const)("%s", async ([, path, status, field]) => {
    const { status: seen, headers, body } = await ask(service, path);
    expect({ seen, type: headers.get("content-type"), cache: headers.get("cache-control"), cors: headers.get("access-control-allow-origin") }).toEqual({ seen: status, type: "application/problem+json", cache: "no-store", cors: "*" });
    expect(body).toMatchObject({ type: expect.stringMatching(/^urn:plimsoll:problem:/), title: expect.any(String), status, detail: expect.stringContaining(field) });
    expect(body.errors.map((one) => one.field)).toContain(field);
    expect(JSON.stringify(body).length).toBeLessThan(2000);
    expect(JSON.stringify(body)).not.toMatch(/\n|\.[jt]s\b/);
  });

  test.for([["/"], ["/v1"], ["/v1/"], ["/v1/maker"], ["/v1/vaults"], ["/v1/vaults/"], ["/v1/../../etc/passwd"], ["/..%2f..%2fetc/passwd"], ["//etc/passwd"], ["/v1/vaults/..%2f..%2fhealth/x"], ["/health/x"], ["/%"]])("a path that leads nowhere: %s", async ([path]) => {
    const { status, body } = await ask(service, path!);
    expect([status, body["type"]]).toEqual([404, "urn:plimsoll:problem:not-found"]);
  });

  test("a body where none belongs, a method that is not known", async () => {
    const posted = await ask(service, "/v1/at-risk", { method: "POST", body: "{}" });
    expect([posted.status, posted.headers.get("allow"), posted.body["type"]]).toEqual([405, "GET, HEAD, OPTIONS", "urn:plimsoll:problem:method-not-allowed"]);
    for (const method of ["PUT", "DELETE", "PATCH"]) expect((await ask(service, "/health", { method })).status).toBe(405);
    const bodied = await ask(service, "/v1/at-risk", { headers: { "content-length": "2" } });
    expect([bodied.status, bodied.body.errors]).toEqual([400, [{ field: "body", detail: "must not be there" }]]);
  });
});

describe("the snapshot", () => {
  const other = generate(400, 2).bytes;
  let now = 1_000_000;
  beforeEach(() => { vi.spyOn(Date, "now").mockImplementation(() => now); });
  const versionIn = async (service: ReturnType<typeof createService>) => ((await ask(service, "/health")).body["snapshot"] as { version: string } | null)?.version;
  const settle = () => new Promise((resolve) => { setTimeout(resolve, 20); });

  test("is loaded once for concurrent first requests", async () => {
    const shelf = new Shelf(bytes), service = createService({ source: shelf });
    let open = () => {};
    shelf.wait = new Promise<void>((resolve) => { open = resolve; });
    const all = Array.from({ length: 50 }, () => ask(service, `/v1/vaults/${owners[0]}`));
    open();
    expect(new Set((await Promise.all(all)).map(({ status }) => status))).toEqual(new Set([200]));
    expect([shelf.reads, shelf.looks]).toEqual([1, 0]);
  });

  test("swaps in whole when a new one is there, and answers go on meanwhile", async () => {
    const shelf = new Shelf(bytes), service = createService({ source: shelf, every: 10 });
    expect(await versionIn(service)).toBe("1");
    shelf.content = { version: "2", bytes: other };
    expect(await versionIn(service)).toBe("1"); // not looked for yet
    now += 10_000;
    const during = await ask(service, "/v1/at-risk?limit=1");
    expect([during.status, during.headers.get("etag")]).toEqual([200, `"1"`]);
    await settle();
    const after = await ask(service, "/v1/at-risk?limit=1");
    expect([after.headers.get("etag"), after.body["snapshot"]]).toEqual([`"2"`, { protocol: "maker", block: "21000002", timestamp: "1730000000" }]);
    expect(shelf.reads).toBe(2);
  });

  test("of another kind or broken is refused, and the old one keeps serving", async () => {
    const foreign = saveBook(openBook(aaveV3({ revision: 9 }))), future = bytes.slice();
    for (const broken of [bytes.subarray(0, bytes.length / 2), new Uint8Array(0), foreign, future.fill(7, 100, 120)]) {
      const shelf = new Shelf(bytes), service = createService({ source: shelf, every: 10 });
      await versionIn(service);
      shelf.content = { version: "broken", bytes: broken };
      for (let i = 0; i < 3; ++i) {
        now += 10_000;
        expect((await ask(service, `/v1/vaults/${owners[0]}`)).status).toBe(200);
        await settle();
      }
      expect(await versionIn(service)).toBe("1");
      expect((await ask(service, "/health")).body["refused"]).toMatch(/no snapshot|of aave/);
      expect(shelf.reads).toBe(2); // a version that was refused is not read again
      shelf.content = { version: "3", bytes: other };
      now += 10_000;
      await versionIn(service);
      await settle();
      expect(await versionIn(service)).toBe("3");
      expect((await ask(service, "/health")).body["refused"]).toBe(undefined);
    }
  });

  test("that is absent or broken from the start is told so, and what needs none answers", async () => {
    for (const content of [undefined, { version: "1", bytes: bytes.subarray(0, 5000) }]) {
      const shelf = new Shelf(), service = createService({ source: shelf });
      shelf.content = content;
      const { status, body, headers } = await ask(service, "/v1/at-risk");
      expect([status, headers.get("content-type"), headers.get("retry-after"), body["type"]]).toEqual([503, "application/problem+json", "1", "urn:plimsoll:problem:no-snapshot"]);
      expect((await ask(service, `/v1/maker/liquidation-price?ink=1&art=1&mat=${RAY}&val=1`)).status).toBe(200);
      expect((await ask(service, "/health")).body).toMatchObject({ status: "no-snapshot", snapshot: null, refused: expect.any(String) });
      shelf.content = { version: "2", bytes };
      now += 1000;
      expect((await ask(service, "/v1/at-risk")).status).toBe(200);
    }
  });

  test("whose source fails, or hangs, does not end the service", async () => {
    const shelf = new Shelf(bytes), service = createService({ source: shelf });
    shelf.wait = Promise.reject(new Error("no network"));
    shelf.wait.catch(() => {});
    expect((await ask(service, "/v1/at-risk")).body.detail).toBe("no network");
    now += 1000;
    shelf.wait = new Promise(() => {}); // a request that was cut off, and its reading with it
    void ask(service, "/v1/at-risk");
    await settle();
    now += 40_000;
    shelf.wait = Promise.resolve();
    expect((await ask(service, "/v1/at-risk")).status).toBe(200);
  });

  test("without keys, or with keys of 32 bytes", async () => {
    const plain = openBook(maker), hashes = openBook(maker, { keyBytes: 32 }), ilk = { spot: RAY, mat: RAY, rate: RAY, val: WAD };
    plain.load(plain.addMarket(ilk), { ink: toLimbs([1n]), art: toLimbs([1n]) });
    hashes.add(hashes.addMarket(ilk), { ink: 5n, art: 1n }, keyOf(7, 32));
    expect(await ask(createService({ source: new Shelf(saveBook(plain)) }), `/v1/vaults/${owners[0]}`)).toMatchObject({ status: 404, body: { type: "urn:plimsoll:problem:no-keys" } });
    const service = createService({ source: new Shelf(saveBook(hashes)) });
    expect((await ask(service, `/v1/vaults/${keyOf(7, 32)}`)).body.vaults).toHaveLength(1);
    expect((await ask(service, `/v1/vaults/${owners[0]}`)).body.errors[0]!.field).toBe("owner");
    expect((await ask(createService({ source: new Shelf(saveBook(openBook(maker))) }), "/v1/at-risk")).body.errors[0]).toEqual({ field: "market", detail: "names a market, and the snapshot has none" });
  });
});

const run = promisify(execFile), root = resolve(import.meta.dirname, "..");

describe("in workerd", () => {
  const built = bundle("examples/edge/cloudflare.ts");
  let local: Local | undefined;
  afterAll(() => local?.dispose());

  test("the bundle is at most 60 KiB gzipped, with one cut of the module", async () => {
    const { script, modules } = await built, files = [script, ...Object.values(modules)];
    expect(Object.keys(modules)).toEqual(["maker.wasm"]);
    expect(files.reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0)).toBeLessThanOrEqual(60 * 1024);
  });

  test("answers, refuses, swaps the snapshot of a bucket", async ({ skip }) => {
    vi.restoreAllMocks();
    local = start(await built, { bindings: { EVERY: "1" } });
    if (!local) return skip(`${MINIFLARE} could not be fetched`);
    const url = String(await local.ready).replace(/\/$/, ""), bucket = await local.getR2Bucket("BUCKET");
    const get = async (path: string, options: RequestInit = {}) => {
      const answer = await fetch(url + path, options), text = await answer.text();
      return { status: answer.status, type: answer.headers.get("content-type"), etag: answer.headers.get("etag"), body: (text ? JSON.parse(text) : {}) as { vaults: ToldVault[]; snapshot: { block: string }; errors: { field: string }[]; type: string } };
    };
    expect(await get("/v1/at-risk")).toMatchObject({ status: 503, type: "application/problem+json" });
    expect((await get(`/v1/maker/liquidation-price?ink=1&art=1&mat=${RAY}&val=1`)).status).toBe(200);
    await bucket.put("snapshot.arrow", bytes);
    await new Promise((done) => { setTimeout(done, 1100); });
    const all = await Promise.all(owners.map((owner) => get(`/v1/vaults/${owner}?prices=0:${1700n * WAD}`)));
    for (const { status, body } of all) {
      expect(status).toBe(200);
      for (const one of body.vaults) expect(wrongWith(one, ilkOf(one.market))).toBe(undefined);
    }
    expect((await get("/v1/at-risk", { headers: { "if-none-match": all[0]!.etag! } })).status).toBe(304);
    for (const [path, status] of [["/v1/at-risk?limit=0", 400], ["/v1/vaults/0x1", 400], ["/v1/nobody/liquidation-price", 404], ["/v1/..%2f..%2fetc/passwd", 404], ["/x", 404], ["/v1/maker/liquidation-price?ink=-1", 400]] as const) {
      expect(await get(path)).toMatchObject({ status, type: "application/problem+json", body: { type: expect.stringContaining("urn:plimsoll:problem:") } });
    }
    expect((await get("/health", { method: "POST", body: "x" })).status).toBe(405);
    const becomes = async (block: string) => {
      for (let i = 0; i < 100; ++i) {
        const { status, body } = await get("/v1/at-risk?limit=1");
        expect(status).toBe(200);
        if (body.snapshot.block === block) return;
        await new Promise((done) => { setTimeout(done, 100); });
      }
      expect.fail(`no snapshot of block ${block}`);
    };
    await bucket.put("snapshot.arrow", bytes.subarray(0, 9999)); // broken: the old one stays
    await new Promise((done) => { setTimeout(done, 2500); });
    await becomes("21000001");
    await bucket.put("snapshot.arrow", generate(400, 2).bytes);
    await becomes("21000002");
  });

  test("a short load: the full one is `npm run edge:load`", async ({ skip }) => {
    if (!obtain("workerd@1.20261117.1") || !obtain("autocannon@9.0.0")) return skip("workerd or autocannon could not be fetched");
    const { stdout } = await run(process.execPath, [join(root, "build/edge-load.js"), "--seconds", "6", "--vaults", "5000"], { cwd: root }).catch((error: { stdout: string; stderr: string }) => ({ stdout: error.stdout + error.stderr }));
    expect(stdout).toMatch(/ checked, 0 wrong/);
    expect(stdout).toMatch(/\npassed\n$/);
  });

  test("npm run edge starts it and prints requests that work", async ({ skip }) => {
    if (!obtain(MINIFLARE)) return skip(`${MINIFLARE} could not be fetched`);
    const child = spawn(process.execPath, [join(root, "build/edge.js"), "--port", "0", "--vaults", "3000"], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    child.stdout.on("data", (text) => { said += text; });
    child.stderr.on("data", (text) => { said += text; });
    for (let i = 0; i < 600 && !said.includes("Ctrl-C") && child.exitCode === null; ++i) await new Promise((done) => { setTimeout(done, 100); });
    const requests = [...said.matchAll(/^curl '([^']+)'\n {2}(\d+) /gm)];
    expect(requests.map(([, , status]) => status)).toEqual(["200", "200", "200", "200", "200", "200", "400", "200"]);
    expect((await fetch(requests[0]![1]!)).status).toBe(200);
    const gone = new Promise((done) => { child.on("exit", done); });
    child.kill("SIGTERM");
    await gone;
  });
});

describe("in other runtimes, by their adapters", () => {
  const folder = join(root, "build/edge-adapters");
  const free = () => new Promise<number>((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => { const { port } = server.address() as { port: number }; server.close(() => done(port)); });
  });
  test.for([["node", undefined, "node", []], ["deno", "deno@2.9.6", "deno", ["run", "--allow-all", "--no-lock"]], ["bun", "bun@1.4.4", "bun", ["run"]]] as const)("%s", async ([adapter, spec, bin, options], { skip }) => {
    const at = spec && obtain(spec);
    if (spec && !at) return skip(`${spec} could not be fetched`);
    await build({ entryPoints: [join(root, `examples/edge/${adapter}.ts`)], bundle: true, platform: "node", format: "esm", outfile: join(folder, `${adapter}.mjs`), logLevel: "error" });
    const files = mkdtempSync(join(tmpdir(), "edge-")), port = await free();
    writeFileSync(join(files, "snapshot.arrow"), bytes);
    const child = spawn(at ? join(at, "node_modules/.bin", bin) : process.execPath, [...options, join(folder, `${adapter}.mjs`)], { env: { ...process.env, PORT: String(port), SNAPSHOT: join(files, "snapshot.arrow") }, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    child.stderr.on("data", (text) => { said += text; });
    try {
      let answer: Response | undefined;
      for (let i = 0; i < 200 && !answer && child.exitCode === null; ++i) answer = await fetch(`http://127.0.0.1:${port}/v1/vaults/${owners[1]}`).catch(() => new Promise<undefined>((done) => { setTimeout(done, 50, undefined); }));
      expect({ status: answer?.status, said: answer ? "" : said }).toEqual({ status: 200, said: "" });
      for (const one of ((await answer!.json()) as { vaults: ToldVault[] }).vaults) expect(wrongWith(one, ilkOf(one.market))).toBe(undefined);
      expect((await fetch(`http://127.0.0.1:${port}/v1/at-risk?limit=0`)).status).toBe(400);
    } finally {
      child.kill();
      rmSync(files, { recursive: true });
    }
  });

  test("vercel: the handler that the edge runtime calls", async () => {
    process.env["SNAPSHOT_URL"] = "http://127.0.0.1:1/none";
    const { default: handler, config } = await import("../examples/edge/vercel.js");
    expect(config).toEqual({ runtime: "edge" });
    expect((await handler(new Request(`https://edge.test/v1/maker/liquidation-price?ink=1&art=1&mat=${RAY}&val=1`))).status).toBe(200);
    expect((await handler(new Request("https://edge.test/v1/at-risk"))).status).toBe(503);
  });
});

test("1,000,000 vaults with keys of 20 bytes load within 128 MiB of WebAssembly memory and heap together", async () => {
  const folder = mkdtempSync(join(tmpdir(), "edge-")), file = join(folder, "million.arrow");
  try {
    writeFileSync(file, generate(1_000_000).bytes);
    // what is there when the load ends: the file's bytes, the memory of the book, and whatever the heap was left with
    const { stdout } = await run(process.execPath, ["--expose-gc", "--input-type=module", "--eval", `
      import { readFileSync } from "node:fs";
      import { loadBook } from "plimsoll/arrow";
      import { maker } from "plimsoll/maker";
      const bytes = readFileSync(${JSON.stringify(file)});
      gc();
      const before = process.memoryUsage();
      const book = loadBook(maker, bytes), { heapUsed, arrayBuffers } = process.memoryUsage();
      console.log(JSON.stringify({ size: book.size, book: book.bytes, file: bytes.length, heap: heapUsed, buffers: arrayBuffers - before.arrayBuffers }));
    `], { cwd: root }), { size, book, file: own, heap, buffers } = JSON.parse(stdout) as { size: number; book: number; file: number; heap: number; buffers: number };
    expect(size).toBe(1_000_000);
    expect((book + own + heap + (buffers < book ? buffers : buffers - book)) / 2 ** 20).toBeLessThan(128); // Node counts the book's memory among its buffers, or does not
  } finally {
    rmSync(folder, { recursive: true });
  }
});
