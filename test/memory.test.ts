import { readFileSync } from "node:fs";
import { instantiateSync } from "@assemblyscript/loader";
import fc from "fast-check";
import { maker } from "plimsoll/maker";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { Dice, MAX128, MAX256, RAY, WAD, column, ofAnyWidth, runs, seed, uintOf } from "./arbitraries.js";
import { type MakerBook, joinKeys, keyOf, open, usualMarket } from "./twin.js";
import { PROTOCOLS } from "./protocols.js";

vi.setConfig({ testTimeout: 240_000 });

/** A book's module, which its types do not show. */
const exportsOf = (book: MakerBook) => (book as unknown as { core: { exports: { memory: WebAssembly.Memory; setMarket(market: number, mask: number): void } } }).core.exports;
const bytesOf = (book: MakerBook): number => exportsOf(book).memory.buffer.byteLength;
const rows = (n: number, ink: bigint, art: bigint) => ({ ink: column(new Array(n).fill(ink)), art: column(new Array(n).fill(art)) });

describe("memory stays as large as it was", () => {
  test("over ten million ticks of a market, of the system, and accruals", () => {
    const book = open(), market = book.addMarket(usualMarket()), exports = exportsOf(book);
    book.load(market, rows(100, WAD, WAD / 2n));
    book.scan();
    book.accrue(1n); // a view that is accrued derives its rate at every tick
    const before = bytesOf(book);
    const figures = [{ spot: RAY }, { spot: 2n * RAY }, { spot: MAX256, rate: RAY }, { rate: RAY + 1n }];
    for (let i = 0; i < 500_000; ++i) book.setMarket(market, figures[i & 3]!);
    for (let i = 0; i < 9_500_000; ++i) exports.setMarket(market, 1); // the same, its arguments left where they were
    for (let i = 0; i < 50_000; ++i) book.setSystem({ base: BigInt(i) });
    for (let i = 2; i < 20_000; ++i) book.accrue(BigInt(i));
    for (let i = 0; i < 20_000; ++i) book.setMarkets([market], { spot: new BigUint64Array([BigInt(i), 0n]) });
    for (let i = 0; i < 5000; ++i) { book.scan({ at: BigInt(30_000 + i), idsOnly: true }); book.setMarket(market, figures[i & 3]!); }
    expect(bytesOf(book)).toBe(before);
  });

  test("over millions of vaults that come and go", () => {
    const book = open({ keyBytes: 20 }), market = book.addMarket(usualMarket()), other = book.addMarket(usualMarket()), n = 20_000;
    const keys = joinKeys(Array.from({ length: n }, (_, i) => keyOf(i))), columns = rows(n, WAD, 2n * WAD);
    const churn = () => {
      const ids = book.load(market, columns, keys);
      for (let i = 0; i < 500; ++i) book.add(other, { ink: 1n, art: 1n }, keyOf(i));
      book.scan({ idsOnly: true });
      book.scan({ order: "riskiest", limit: 10, idsOnly: true });
      book.removeMany(ids);
      book.removeMany(book.ids());
      return bytesOf(book);
    };
    const first = churn();
    for (let i = 0; i < 100; ++i) expect(churn()).toBe(first);
    const id = book.add(market, { ink: 1n, art: 1n }, keyOf(1));
    book.remove(id);
    for (let i = 0; i < 1_000_000; ++i) book.remove(book.add(market, { ink: 1n, art: 1n }, keyOf(1))); // a row retires every 16,384 times
    expect(bytesOf(book)).toBe(first);
    expect(book.size).toBe(0);
  });

  test("over a load that fails again and again", () => {
    const book = open({ keyBytes: 20 }), market = book.addMarket(usualMarket()), n = 10_000;
    book.add(market, { ink: 1n, art: 1n }, keyOf(n - 1));
    const keys = joinKeys(Array.from({ length: n }, (_, i) => keyOf(i))), columns = rows(n, WAD, WAD);
    const fail = () => expect(() => book.load(market, columns, keys)).toThrow(expect.objectContaining({ code: "duplicate-key" }));
    fail();
    const before = bytesOf(book);
    for (let i = 0; i < 100; ++i) fail();
    expect(bytesOf(book)).toBe(before);
    expect(book.size).toBe(1);
  });

  test("over questions", () => {
    const book = open(), market = book.addMarket(usualMarket({ val: WAD })), dice = new Dice(3);
    book.setSystem({ par: RAY, base: 0n, Hole: 10n ** 60n, Dirt: 0n });
    const ids = book.load(market, { ink: column(Array.from({ length: 3000 }, () => dice.uint(100))), art: column(Array.from({ length: 3000 }, () => dice.uint(100))) });
    const ask = () => {
      for (const order of ["riskiest", "debt", "liquidationPrice"] as const) book.scan({ order, within: WAD });
      book.scan({ since: "last", order: "debt", minDebt: 1n });
      book.preview([[[market, { spot: RAY / 2n }]]]);
      book.ratios(); book.debts(5n); book.ratiosAsNumbers({ at: 9n });
      for (let i = 0; i < 100; ++i) book.inspect(ids[i]!, { at: BigInt(i) });
    };
    ask();
    const before = bytesOf(book);
    for (let i = 0; i < 200; ++i) ask();
    expect(bytesOf(book)).toBe(before);
  });
});

// ---- What is shipped, and its twin with assertions

interface Raw {
  [name: string]: unknown;
  memory: WebAssembly.Memory;
}
type Call = (...args: (number | boolean)[]) => number;

const FUNCTIONS = {
  maker_spot: 4, maker_drip: 8, maker_barkUnsafe: 4, maker_frobSafe: 4, maker_frob: 13, maker_bark: 16, maker_collateralRatio: 5, maker_healthFactor: 4, maker_debt: 2,
  maker_liquidationPrice: 5, maker_auctionPrice: 6, maker_auctionStatus: 9, maker_take: 17,
} as const;
const RESULT_BYTES = 1024;

describe("the module", () => {
  let release: Raw, debug: Raw;
  beforeAll(() => {
    const load = (file: string) => instantiateSync(new WebAssembly.Module(readFileSync(file)), { env: { abort: () => { throw new Error("abort"); } } }).instance.exports as unknown as Raw;
    release = load("dist/plimsoll.wasm");
    debug = load("build/plimsoll.debug.wasm");
  });
  const both = () => [release, debug] as const;

  test.each(["plimsoll", ...PROTOCOLS])("%s.wasm imports nothing", (name) => {
    expect(WebAssembly.Module.imports(new WebAssembly.Module(readFileSync(`dist/${name}.wasm`)))).toEqual([]);
  });

  test.each(PROTOCOLS)("the cut for %s is the one that is inlined, and part of the whole", async (cut) => {
    const seen: Uint8Array[] = [], { Module } = WebAssembly, bytes = readFileSync(`dist/${cut}.wasm`);
    WebAssembly.Module = class extends Module { constructor(bytes: BufferSource) { seen.push(new Uint8Array(bytes as Uint8Array)); super(bytes); } } as typeof Module;
    try { (await import(`../dist/${cut}.inline.js`)).loadModule(); } finally { WebAssembly.Module = Module; }
    expect(Buffer.from(seen[0]!).equals(bytes)).toBe(true);
    expect(Object.keys(release)).toEqual(expect.arrayContaining(WebAssembly.Module.exports(new WebAssembly.Module(bytes)).map(({ name }) => name)));
  });

  test("exports the same functions with and without assertions", () => {
    expect(Object.keys(release).filter((name) => typeof release[name] === "function").sort()).toEqual(Object.keys(debug).filter((name) => typeof debug[name] === "function").sort());
    expect(Object.keys(release).filter((name) => name.startsWith("maker_")).sort()).toEqual(Object.keys(FUNCTIONS).sort());
  });

  /** Writes 256-bit arguments. */
  function write(core: Raw, values: readonly bigint[]): void {
    const at = (core["layout"] as Call)(0) >>> 3, u64 = new BigUint64Array(core.memory.buffer);
    values.forEach((value, i) => { for (let j = 0; j < 4; ++j) u64[at + i * 4 + j] = BigInt.asUintN(64, value >> BigInt(64 * j)); });
  }

  for (const [name, count] of Object.entries(FUNCTIONS)) {
    test(`${name}: debug and release answer the same, byte for byte`, () => {
      const usual = fc.oneof(fc.bigInt({ min: RAY, max: 2n * RAY }), fc.bigInt({ min: 0n, max: 10n ** 24n }), fc.bigInt({ min: 0n, max: 5n }), fc.bigInt({ min: 0n, max: 10n ** 50n }));
      const one = fc.oneof({ weight: 3, arbitrary: usual }, { weight: 1, arbitrary: uintOf(256) }, { weight: 1, arbitrary: ofAnyWidth(256) });
      fc.assert(fc.property(fc.array(one, { minLength: count, maxLength: count }), (values) => {
        if (name.startsWith("maker_auction") || name === "maker_take") values = [values[0]! % 3n, ...values.slice(1)];
        const [a, b] = both().map((core) => {
          new Uint8Array(core.memory.buffer, (core["layout"] as Call)(1), RESULT_BYTES).fill(0);
          write(core, values);
          return [(core[name] as Call)(), Buffer.from(new Uint8Array(core.memory.buffer, (core["layout"] as Call)(1), RESULT_BYTES)).toString("hex")];
        });
        expect(a).toEqual(b);
      }), runs(400));
    });
  }

  test("a book, call by call: debug and release answer the same, byte for byte", () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), load = (file: string) => instantiateSync(new WebAssembly.Module(readFileSync(file)), { env: { abort: () => { throw new Error("abort"); } } }).instance.exports as unknown as Raw;
      const cores = [load("dist/plimsoll.wasm"), load("build/plimsoll.debug.wasm")] as const;
      const page = (cores[0]["layout"] as Call)(4), keyBytes = dice.pick([0, 20]), ids: number[] = [];
      let key = 0n;
      /** Calls both, and compares the answers, the results and the first KiB of the stage. */
      const call = (name: string, ...args: (number | boolean)[]): number => {
        const [a, b] = cores.map((core) => {
          const answer = (core[name] as Call)(...args);
          return { answer, results: Buffer.from(new Uint8Array(core.memory.buffer, (core["layout"] as Call)(1), RESULT_BYTES)).toString("hex"), stage: Buffer.from(new Uint8Array(core.memory.buffer, (core["layout"] as Call)(2), 1024)).toString("hex") };
        });
        expect(a).toEqual(b);
        return a!.answer;
      };
      const put = (...values: bigint[]) => { for (const core of cores) write(core, values); };
      const stage = (bytes: number, values: BigUint64Array) => { for (const core of cores) new BigUint64Array(core.memory.buffer, (core["layout"] as Call)(2) + bytes, values.length).set(values); };
      const amount = () => dice.pick([0n, 1n, WAD, 2n * WAD, MAX128, dice.uint(128)]);
      const figures = () => [dice.pick([RAY, 0n, RAY + dice.uint(60), MAX256]), RAY, WAD, dice.pick([RAY, RAY + dice.uint(60), MAX256]), RAY + dice.uint(50), 0n, 0n, WAD, 10n ** 60n, 0n, RAY, 0n, 0n];

      call("open", keyBytes, Infinity);
      put(RAY, 0n, 10n ** 60n, 0n);
      call("setSystem", 15);
      for (let m = 0; m < 2; ++m) { put(...figures()); call("addMarket", 0x1fff); }
      for (let i = 0; i < 120; ++i) switch (dice.below(9)) {
        case 0: case 1: case 2: {
          const n = dice.pick([1, 3, 70, 200]), market = dice.below(2);
          expect(call("reserve", market, n)).toBe(0);
          stage(0, column(Array.from({ length: n }, amount)));
          stage(16 * page, column(Array.from({ length: n }, amount)));
          if (keyBytes) for (const core of cores) { const bytes = new Uint8Array(core.memory.buffer, (core["layout"] as Call)(2) + 32 * page, n * 20); for (let j = 0; j < n; ++j) bytes.set(Buffer.from((key + BigInt(j)).toString(16).padStart(40, "0"), "hex"), j * 20); }
          key += BigInt(n);
          expect(call("load", market, n)).toBe(0);
          ids.push(...new Float64Array(cores[0].memory.buffer, (cores[0]["layout"] as Call)(2), n));
          break;
        }
        case 3: if (ids.length) call("remove", ids.splice(dice.below(ids.length), 1)[0]!); break;
        case 4: if (ids.length) { stage(0, column([amount()])); stage(16 * page, column([amount()])); call("update", dice.pick(ids), 1 + dice.below(3), 0); } break;
        case 5: { put(...figures()); call("setMarket", dice.below(2), dice.pick([1, 8, 9, 0x1fff])); break; }
        case 6: if (ids.length) call("inspect", dice.pick(ids)); break;
        case 7: { put(dice.uint(20)); call("view", dice.chance(0.5)); break; }
        default:
          put(0n, 0n);
          call("prepare", false, false, -1, false);
          call("rewind");
          call("scan", dice.pick([1, 2]), dice.pick([0, 1, 2]), -1, false);
          for (let what = 0; what < 4; ++what) call("found", what);
          call("column", dice.below(4), 0);
      }
      expect(call("size")).toBe(ids.length);
    }), runs(10));
  });
});

describe("the functions' own instance", () => {
  test("does not grow", () => {
    // the instance is shared and hidden: what it grew by would show in the process
    const call = () => {
      maker.bark({ ink: WAD, art: 2n * WAD, rate: RAY, spot: RAY, dust: 0n, chop: WAD, hole: 10n ** 60n, dirt: 0n, Hole: 10n ** 60n, Dirt: 0n, val: WAD, has: true, par: RAY, buf: RAY, tip: 0n, chip: 0n });
      maker.drip({ rate: RAY, duty: RAY + 10n ** 18n, base: 0n, rho: 0n, now: MAX128, Art: 1n, dai: 1n, debt: 1n });
      maker.liquidationPrice({ ink: WAD, art: WAD, rate: RAY, mat: MAX256, par: MAX256 });
      maker.take({ calc: "StairstepExponentialDecrease", cut: RAY - 1n, step: 1n, top: RAY, tic: 0n, now: 2n ** 60n, tail: MAX256, cusp: 0n, tab: 1n, lot: WAD, chost: 0n, amt: WAD, max: MAX256, Dirt: MAX256, dirt: MAX256, dai: MAX256 });
    };
    const grow = vi.spyOn(WebAssembly.Memory.prototype, "grow");
    call();
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 50_000; ++i) call();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
    expect(grow).not.toHaveBeenCalled();
    grow.mockRestore();
  });
});
