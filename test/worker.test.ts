import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { AccountBook } from "../bindings/accounts.js";
import { AnyBook } from "../bindings/book.js";
import { Book } from "../bindings/vaults.js";
import type { Kit } from "./browser/page.js";
import { browsers } from "./browser/browsers.js";
import { type Files, type Site, bundle, page as html, serve } from "./browser/site.js";
import type { CommonBrowser, CommonPage } from "./browser/webkit.js";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

declare const kit: Kit;

let files: Files;
beforeAll(async () => {
  files = await bundle({ page: "test/browser/page.ts", "worker-entry": "plimsoll/worker-entry" });
  files.set("index.html", html("page.js"));
});

describe.each(browsers("chromium", "firefox", "webkit"))("the book in a worker, $name", ({ name, missing, launch }) => {
  let browser: CommonBrowser, site: Site, page: CommonPage;
  beforeAll(async () => {
    if (missing) return;
    browser = await launch();
    site = await serve(files);
    page = await open(site);
  });
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  async function open({ url }: Site): Promise<CommonPage> {
    const opened = await browser.newPage();
    await opened.goto(url);
    await opened.waitForFunction(() => "kit" in globalThis);
    return opened;
  }
  const inPage = <T>(run: () => T | Promise<T>): Promise<T> => page.evaluate(run);
  /** Runs a function in a page of the same files under a Content-Security-Policy. */
  async function underPolicy<T>(policy: string, run: () => T | Promise<T>): Promise<T> {
    const strict = await serve(files, { "content-security-policy": policy });
    try {
      const opened = await open(strict), answer = await opened.evaluate(run);
      await opened.close();
      return answer;
    } finally { await strict.close(); }
  }

  describe.skipIf(missing)("methods", () => {
    const played: Set<string> = new Set();
    test("of vaults answer as the book on the page does, errors included", async () => {
      const { differences, called, calls, thrown } = await inPage(() => kit.playVaults(kit.create));
      expect(differences).toEqual([]);
      expect(calls).toBeGreaterThan(50);
      expect(thrown).toBeGreaterThan(12);
      for (const method of called) played.add(method);
    });

    test.each(["morpho", "liquity-v1", "liquity-v2"] as const)("of vaults, %s", async (which) => {
      const { differences, called, calls, thrown } = await inPage(new Function(`return kit.playOtherVaults(kit.create, ${JSON.stringify(which)})`) as () => ReturnType<Kit["playOtherVaults"]>);
      expect(differences).toEqual([]);
      expect(calls).toBeGreaterThan(25);
      expect(thrown).toBeGreaterThan(3);
      expect(thrown).toBeLessThan(12);
      for (const method of called) played.add(method);
    });

    test.each(["aave", "aave 3.0", "compound", "compoundHalfUp", "comet"] as const)("of accounts, %s", async (which) => {
      const { differences, called, thrown } = await inPage(new Function(`return kit.playAccounts(kit.create, ${JSON.stringify(which)})`) as () => ReturnType<Kit["playAccounts"]>);
      expect(differences).toEqual([]);
      expect(thrown).toBeGreaterThan(6);
      for (const method of called) played.add(method);
    });

    test("were all of them played", () => {
      const methods = [AnyBook, Book, AccountBook].flatMap(({ prototype }) => Object.getOwnPropertyNames(prototype))
        .filter((method) => !["constructor", "dispose", "core", "knowMarket", "checkKeys", "checkCapacity", "idsOf", "lazily", "flip", "column", "reserve", "steps"].includes(method));
      expect(methods.filter((method) => !played.has(method))).toEqual([]);
    });
  });

  describe.skipIf(missing)("what crosses", () => {
    test("results own their memory and never bring the module's along", async () => {
      expect(await inPage(async () => {
        const book = await kit.open(), { ink, art } = kit.seeded(5000);
        const ids = await book.load(0, { ink, art });
        const hits = await book.scan(), few = await book.scan({ limit: 3, order: "debt" }), { unsafe } = await book.scan({ since: "last" });
        const arrays = [ids, await book.ratios(), await book.ids(), hits.ids, few.ids, unsafe.ids, few.figures.health, few.figures.markets, ...Object.values(few.figures.vault)];
        await book.setMarket(0, { spot: 1n });
        await book.scan();
        return { found: hits.length > 100 && few.length === 3, owned: arrays.map((array) => array.buffer.byteLength - array.byteLength), still: few.at(0).health < kit.WAD };
      })).toEqual({ found: true, owned: new Array(10).fill(0), still: true });
    });

    test("inputs are copied, without the rest of their buffers; what is handed over is the worker's", async () => {
      expect(await inPage(async () => {
        const book = await kit.open(), all = kit.seeded(3000), part = (column: BigUint64Array) => column.subarray(0, 2000);
        const posted: number[] = [], post = Worker.prototype.postMessage;
        Worker.prototype.postMessage = function (message: unknown, transfer: unknown) {
          JSON.stringify(message, (_, value) => (ArrayBuffer.isView(value) ? void posted.push(value.buffer.byteLength) : typeof value === "bigint" ? 0 : value));
          return post.call(this, message, transfer as StructuredSerializeOptions);
        };
        await book.load(0, { ink: part(all.ink), art: part(all.art) });
        const kept = all.ink.length, twice = new BigUint64Array(4000), halves = { ink: twice.subarray(0, 2000), art: twice.subarray(2000) };
        await book.load(0, kit.handOver({ ink: all.ink, art: all.art }));
        await book.load(0, kit.handOver(halves)); // two arrays on one buffer
        const again = await kit.failure(book.load(0, { ink: all.ink, art: all.art })); // now empty
        const out = await book.ratios({ out: kit.handOver(new BigUint64Array(10000)) });
        Worker.prototype.postMessage = post;
        return { kept, posted, gone: [all.ink.length, all.art.length, twice.length], size: await book.size, again: again?.code, out: out.length };
      })).toEqual({
        kept: 6000, posted: [16000, 16000, 48000, 48000, 32000, 32000, 0, 0, 80000], gone: [0, 0, 0], size: 5000, again: "invalid-argument", out: 10000,
      });
    });

    test("an argument that no message can carry is refused", async () => {
      expect(await inPage(async () => {
        const book = await kit.open();
        const failure = await kit.failure(book.add(0, { ink: (() => 1n) as never, art: 1n }));
        return { code: failure?.code, ours: failure?.ours, size: await book.size };
      })).toEqual({ code: "invalid-argument", ours: true, size: 0 });
    });

    test("errors keep class, code and message, and say where they were thrown", async () => {
      expect(await inPage(async () => {
        const book = await kit.open(), here = kit.openHere(kit.maker);
        let message = "";
        try { here.market(7); } catch (error) { message = (error as Error).message; }
        here.addMarket(kit.figures);
        const failure = await kit.failure(book.market(7)), of = await book.market(7).catch((error: Error) => error.stack!);
        return { ...failure, message: failure!.message.replace("1, numbered", "0, numbered") === message, stack: /in the worker:.*unknown-market|in the worker:[\s\S]*worker-entry|in the worker/.test(of as string) };
      })).toMatchObject({ name: "PlimsollError", code: "unknown-market", ours: true, message: true, stack: true });
    });

    test("openBook refuses what it refuses in Node, and leaves no worker behind", async () => {
      expect(await inPage(async () => {
        let terminated = 0;
        const { terminate } = Worker.prototype;
        Worker.prototype.terminate = function () { ++terminated; terminate.call(this); };
        const codes = [
          await kit.failure(kit.openBook(kit.maker, { capacity: 0 })), await kit.failure(kit.openBook(kit.maker, { keyBytes: 7 as 20 })),
          await kit.failure(kit.openBook({ name: "nobody's" } as never)), await kit.failure(kit.openBook(undefined as never)),
          await kit.failure(kit.openBook(kit.maker, { create: () => { throw new Error("no workers today"); } })),
        ];
        Worker.prototype.terminate = terminate;
        return { codes: codes.map((failure) => failure?.code), last: codes.at(-1)?.message, terminated };
      })).toEqual({
        codes: ["invalid-argument", "invalid-argument", "invalid-argument", "invalid-argument", "worker-failed"],
        last: "the worker could not be made: no workers today", terminated: 3,
      });
    });
  });

  describe.skipIf(missing)("the end", () => {
    test("of a book rejects what is pending, and every later call", async () => {
      expect(await inPage(async () => {
        const book = await kit.open(), { ink, art } = kit.seeded(20000);
        await book.load(0, { ink, art });
        const pending = [book.scan({ screen: "off" }), book.ratios(), book.size];
        const failures = pending.map((one) => kit.failure(one));
        book.dispose();
        book.dispose();
        const late = await kit.failure(book.scan());
        return { pending: (await Promise.all(failures)).map((failure) => failure?.code), late };
      })).toMatchObject({ pending: ["disposed", "disposed", "disposed"], late: { code: "disposed", ours: true, message: "this book was disposed of" } });
    });

    test("of the worker, terminated by the one who made it, too", async () => {
      expect(await inPage(async () => {
        const worker = kit.create(), book = await kit.open({ create: () => worker }), pending = kit.failure(book.scan());
        worker.terminate();
        return [(await pending)?.message, (await kit.failure(book.size))?.code];
      })).toEqual(["the worker of this book was terminated", "disposed"]);
    });

    test("a crash of the worker is an error of what is pending and of what follows", async () => {
      const script = `import "./worker-entry.js"; addEventListener("message", ({ data }) => { if (JSON.stringify(data, (_, value) => typeof value === "bigint" ? 0 : value).includes("preview")) setTimeout(() => { throw new RangeError("boom"); }); });`;
      files.set("crash.js", script);
      const failures = await inPage(async () => {
        const book = await kit.open({ create: () => new Worker("crash.js", { type: "module" }) });
        await book.preview([]);
        const pending = [];
        for (let i = 0; i < 100; ++i) { // until the crash is known
          pending.push(await kit.failure(book.size));
          if (pending.at(-1)) break;
          await new Promise((wait) => { setTimeout(wait, 20); });
        }
        return [pending.at(-1), await kit.failure(book.scan())];
      });
      for (const failure of failures) {
        expect(failure).toMatchObject({ code: "worker-failed", ours: true });
        expect(failure!.message).toContain("boom");
      }
    });

    test("a trap of the module is an error of its own class", async () => {
      files.set("trap.js", `import "./worker-entry.js"; BigUint64Array.prototype.subarray = () => { throw new WebAssembly.RuntimeError("unreachable"); };`);
      expect(await inPage(async () => {
        const book = await kit.open({ create: () => new Worker("trap.js", { type: "module" }) });
        await book.add(0, { ink: 1n, art: 1n });
        return kit.failure(book.debts());
      })).toMatchObject({ name: "RuntimeError", message: "unreachable", isClass: "RuntimeError" });
    });

    // Chromium alone collects garbage when it is asked to.
    if (name === "chromium") test("a book that nobody holds any more still answers what it was asked", async () => {
      expect(await inPage(async () => {
        const { gc } = globalThis as unknown as { gc: () => void };
        const answers = Array.from({ length: 5 }, async () => (await kit.open()).ids());
        for (let i = 0; i < 20; ++i) {
          gc();
          await new Promise((wait) => { setTimeout(wait, 5); });
        }
        return (await Promise.all(answers)).map((ids) => ids.length);
      })).toEqual([0, 0, 0, 0, 0]);
    });
  });

  describe.skipIf(missing)("where it cannot run", () => {
    test("a script that is missing", async () => {
      expect(await inPage(() => kit.failure(kit.openBook(kit.maker, { create: () => new Worker("nowhere.js", { type: "module" }) })))).toMatchObject({
        code: "worker-failed", ours: true, message: expect.stringContaining("could not be loaded: it is missing"),
      });
    });

    test("a page whose policy forbids workers", async () => {
      expect(await underPolicy("script-src 'self' 'wasm-unsafe-eval'; worker-src 'none'", () => kit.failure(kit.openBook(kit.maker)))).toMatchObject({
        code: "worker-failed", ours: true, message: expect.stringContaining("Content-Security-Policy forbids the worker: allow its script in worker-src"),
      });
    });

    test("a policy without wasm-unsafe-eval: the error says what to add; with it, all is well", async () => {
      expect(await underPolicy("default-src 'none'; script-src 'self'", () => kit.failure(kit.openBook(kit.maker)))).toMatchObject({
        code: "wasm-blocked", ours: true, message: expect.stringContaining("script-src of the Content-Security-Policy must have 'wasm-unsafe-eval'"),
      });
      expect(await underPolicy("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'", async () => (await kit.open()).marketCount)).toBe(1);
    });
  });

  test.skipIf(missing)("several books have workers of their own", async () => {
    expect(await inPage(async () => {
      const [a, b] = await Promise.all([kit.open(), kit.open({ keyBytes: 20 })]), { ink, art, keys } = kit.seeded(100);
      await Promise.all([a.load(0, { ink, art }), b.load(0, { ink: ink.slice(0, 20), art: art.slice(0, 20) }, keys.slice(0, 200))]);
      a.dispose();
      return [await b.size, b.keyBytes, (await b.scan({ order: "riskiest", limit: 1, within: kit.MAX_U128 })).at(0).key?.length];
    })).toEqual([10, 20, 42]);
  });

  test.skipIf(missing)("calls that are not awaited are answered in their order", async () => {
    expect(await inPage(async () => {
      const book = await kit.open(), { ink, art } = kit.seeded(2000);
      const answers = [book.load(0, { ink, art }), book.setMarket(0, { spot: 1n }), book.scan({ idsOnly: true }), book.setMarket(0, { spot: kit.figures.spot * 100n }), book.scan({ idsOnly: true })];
      const [, , first, , second] = await Promise.all(answers) as { length: number }[];
      return [first!.length, second!.length];
    })).toEqual([2000, 0]);
  });
});
