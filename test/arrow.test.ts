import { readFileSync } from "node:fs";
import { type Data, type DataType, Binary, Decimal, FixedSizeBinary, Int32, List, RecordBatch, RecordBatchFileWriter, Schema, Field as ArrowField, Struct, Table, Uint32, Utf8, makeData, makeVector, tableFromIPC, tableToIPC, vectorFromArray } from "apache-arrow";
import fc from "fast-check";
import { PlimsollError, openBook } from "plimsoll";
import { aaveV3 } from "plimsoll/aave-v3";
import { type LoadOptions, loadBook, readSnapshot, saveBook } from "plimsoll/arrow";
import { comet } from "plimsoll/comet";
import { compoundV2, compoundV2HalfUp } from "plimsoll/compound-v2";
import { liquityV1 } from "plimsoll/liquity-v1";
import { liquityV2 } from "plimsoll/liquity-v2";
import { maker } from "plimsoll/maker";
import { morpho } from "plimsoll/morpho";
import { describe, expect, test, vi } from "vitest";
import { type Adapter, AccountTwin, type AnyBook, aave, cometAdapter, compound } from "./account-twin.js";
import { randomAccount, randomMarket } from "./account-worlds.js";
import { Dice, MAX128, RAY, WAD, column, runs, seed, uncolumn } from "./arbitraries.js";
import { type MakerBook, joinKeys, keyOf, open, usualMarket } from "./twin.js";

vi.setConfig({ testTimeout: 240_000 });

const MOST_DECIMAL = 10n ** 38n - 1n;
const refuses = (code: string, call: () => unknown, message: RegExp = /./) => {
  try { call(); } catch (error) {
    expect(error).toBeInstanceOf(PlimsollError);
    expect({ code: (error as PlimsollError).code, message: (error as Error).message }).toEqual({ code, message: expect.stringMatching(message) });
    return;
  }
  expect.fail("nothing was thrown");
};

// ---- Books that are equal but for their ids

function sameVaults(a: MakerBook, b: MakerBook): void {
  const [ofA, ofB] = [a.ids(), b.ids()], told = (book: MakerBook, ids: Float64Array, at?: bigint) => [...ids].map((id) => ({ ...book.inspect(id, at === undefined ? {} : { at }), id: 0 }));
  expect([b.size, b.keyBytes, b.marketCount, b.system()]).toEqual([a.size, a.keyBytes, a.marketCount, a.system()]);
  for (let market = 0; market < a.marketCount; ++market) expect(b.market(market)).toEqual(a.market(market));
  expect(told(b, ofB)).toEqual(told(a, ofA));
  expect(told(b, ofB, 5000n)).toEqual(told(a, ofA, 5000n));
  const place = (ids: Float64Array) => new Map([...ids].map((id, i) => [id, i])), [placesA, placesB] = [place(ofA), place(ofB)];
  for (const query of [{}, { order: "riskiest" }, { order: "debt" }, { order: "riskiest", limit: 7, within: WAD }, { status: "reverts" }, { order: "debt", at: 10n ** 6n }] as const) {
    expect([...b.scan(query).ids].map((id) => placesB.get(id))).toEqual([...a.scan(query).ids].map((id) => placesA.get(id)));
  }
  for (let market = 0; market < a.marketCount; ++market) {
    expect([...b.scan({ order: "liquidationPrice", market }).ids].map((id) => placesB.get(id))).toEqual([...a.scan({ order: "liquidationPrice", market }).ids].map((id) => placesA.get(id)));
  }
}

function randomBook(dice: Dice, keyBytes: 0 | 20 | 32, vaults: number, wide = 128): MakerBook {
  const book = open(keyBytes ? { keyBytes } : {}), amount = () => dice.pick([0n, 1n, MOST_DECIMAL, dice.uint(60), dice.uint(60), 2n ** BigInt(wide) - 1n, dice.uint(wide)]);
  book.setSystem({ par: RAY, base: dice.uint(60), Hole: dice.uint(200), Dirt: dice.uint(100) });
  for (let m = 1 + dice.below(5); m > 0; --m) book.addMarket(usualMarket({ spot: dice.uint(100), rate: RAY + dice.uint(80), mat: RAY, val: dice.uint(80), duty: RAY + dice.uint(60), rho: BigInt(dice.below(4000)), hole: 2n ** 256n - 1n }));
  for (let n = 0; n < vaults; ++n) book.add(dice.below(book.marketCount), { ink: amount(), art: amount() }, keyBytes ? keyOf(dice.below(10 ** 9) * 1000 + n, keyBytes) : undefined);
  for (const id of dice.shuffle([...book.ids()]).slice(0, dice.below(vaults / 4 + 1))) book.remove(id);
  return book;
}

describe("a book comes back equal", () => {
  test("of vaults", () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), book = randomBook(dice, dice.pick([0, 20, 32] as const), dice.below(300), dice.pick([100, 128])), block = dice.uint(64), timestamp = dice.uint(64), bytes = saveBook(book, { block, timestamp });
      expect(readSnapshot(bytes)).toEqual({ protocol: "maker", revision: undefined, block, timestamp, size: book.size, keyBytes: book.keyBytes });
      const loaded = loadBook(maker, bytes);
      sameVaults(book, loaded);
      expect(loadBook(maker, saveBook(loaded)).size).toBe(book.size);
    }), runs(60));
  });

  test("whose vaults fill many chunks, by pages and slices", () => {
    const dice = new Dice(7), n = 150_000, book = open({ keyBytes: 20 });
    book.addMarket(usualMarket());
    book.addMarket(usualMarket({ spot: 3n * RAY }));
    const columns = (from: number, to: number) => ({ ink: column(Array.from({ length: to - from }, () => dice.uint(70))), art: column(Array.from({ length: to - from }, () => dice.uint(70))) });
    book.load(0, columns(0, n / 2), joinKeys(Array.from({ length: n / 2 }, (_, i) => keyOf(i))));
    book.load(1, columns(n / 2, n), joinKeys(Array.from({ length: n / 2 }, (_, i) => keyOf(i))));
    book.removeMany([...book.ids()].filter((_, i) => i % 7 === 3));
    const loaded = loadBook(maker, saveBook(book)), [a, b] = [book.vaults(), loaded.vaults()];
    expect(Buffer.from(loaded.keys()!).equals(Buffer.from(book.keys()!))).toBe(true);
    expect(b.markets).toEqual(a.markets);
    expect(b.vault.ink).toEqual(a.vault.ink);
    expect(b.vault.art).toEqual(a.vault.art);
    const scan = (of: MakerBook) => Array.from(of.scan({ order: "riskiest", limit: 500 }), ({ key, market, health }) => [key, market, health]);
    expect(scan(loaded)).toEqual(scan(book));
    expect(loaded.find(keyOf(4)).length).toBe(2);
  });

  test("of positions and troves, with their choices and batches", () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), positions = openBook(morpho, { keyBytes: 20 }), first = openBook(liquityV1), second = openBook(liquityV2, { keyBytes: 32 });
      for (let m = 0; m < 3; ++m) {
        positions.addMarket({ price: dice.uint(150), lltv: 860000000000000000n, totalBorrowAssets: dice.uint(90), totalBorrowShares: dice.uint(110), totalSupplyAssets: dice.uint(91), rateAtTarget: dice.uint(40), irm: dice.pick(["adaptiveCurve", "none"]), lastUpdate: 1000n });
        second.addMarket({ price: dice.uint(80), L_coll: dice.uint(60), L_boldDebt: dice.uint(60), MCR: 1100000000000000000n, totalStakes: WAD });
      }
      first.addMarket({ price: dice.uint(80), activePoolETH: 10n ** 24n, activePoolLUSDDebt: 10n ** 24n });
      const batchesOf: number[][] = [[0], [0], [0]];
      for (let n = dice.below(4), market = 0; n > 0; --n) batchesOf[market = dice.below(3)]!.push(second.addBatch(market, { debt: dice.uint(90), totalDebtShares: dice.uint(90) + 1n, annualInterestRate: 5n * 10n ** 16n, annualManagementFee: 10n ** 16n, lastDebtUpdateTime: 900n }));
      for (let n = 0; n < 60; ++n) {
        const trove = { coll: dice.uint(80), stake: dice.uint(80), snapshotColl: 0n };
        positions.add(dice.below(3), { collateral: dice.uint(100), borrowShares: dice.uint(100) }, keyOf(n + 1));
        first.add(0, { coll: dice.uint(80), stake: dice.uint(80), debt: dice.uint(80), snapshotETH: 0n, snapshotLUSDDebt: 0n });
        const market = dice.below(3), batch = dice.pick(batchesOf[market]!);
        second.add(market, { ...trove, snapshotBoldDebt: 0n, annualInterestRate: 10n ** 16n, lastDebtUpdateTime: 1000n, batch: BigInt(batch), ...(batch ? { batchDebtShares: dice.uint(80) } : { debt: dice.uint(80) }) }, keyOf(n + 1, 32));
      }
      const check = <B extends { ids(): Float64Array; keys(): Uint8Array | undefined; inspect(id: number, at: { at?: bigint }): object; scan(query: object): Iterable<{ health: bigint; debt: bigint }> }>(a: B, b: B) => {
        const told = (book: B, at: { at?: bigint }) => [...book.ids()].map((id) => ({ ...book.inspect(id, at), id: 0 }));
        for (const at of [{}, { at: 5000n }]) expect(told(b, at)).toEqual(told(a, at));
        expect(b.keys()).toEqual(a.keys());
        const scan = (book: B) => Array.from(book.scan({ order: "riskiest" }), ({ health, debt }) => [health, debt]);
        expect(scan(b)).toEqual(scan(a));
      };
      check(positions, loadBook(morpho, saveBook(positions)));
      check(first, loadBook(liquityV1, saveBook(first)));
      const copy = loadBook(liquityV2, saveBook(second));
      check(second, copy);
      expect(copy.batchCount).toBe(second.batchCount);
      for (let n = 1; n <= copy.batchCount; ++n) expect(copy.batch(n)).toEqual(second.batch(n));
    }), runs(15));
  });

  const ADAPTERS: readonly Adapter[] = [...([1, 4, 7, 9, 10, 11] as const).map(aave), compound("truncate"), compound("half-up"), cometAdapter];
  const sameAccounts = (a: AnyBook, b: AnyBook, keyed: boolean, order: Float64Array) => {
    const ids = b.ids(), told = (book: AnyBook, of: Iterable<number>, at: object) => [...of].map((id) => ({ ...book.inspect(id, at), id: 0, prices: book.liquidationPrices(id, at) }));
    for (const at of [{}, { at: 3000n }]) expect(told(b, b === a ? order : [...ids].sort((x, y) => (keyed ? 0 : (x % 2 ** 32) - (y % 2 ** 32))), at)).toEqual(told(a, order, at));
    for (const query of [{ order: "riskiest" }, { order: "debt", within: WAD }, { order: "riskiest", limit: 5 }, { status: "reverts", order: "debt" }] as const) {
      const said = (book: AnyBook) => Array.from(book.scan(query), ({ key, health, debt, vault }) => ({ key, health, debt, vault }));
      expect(said(b)).toEqual(said(a));
    }
    expect(b.scan().length).toBe(a.scan().length);
  };
  test.each(ADAPTERS.map((adapter) => [adapter.name, adapter] as const))("of accounts: %s", (_, adapter) => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), keyBytes = dice.pick([undefined, 20, 32] as const), twin = new AccountTwin(adapter, keyBytes ? { keyBytes } : {});
      for (let m = 0; m < 8; ++m) twin.addMarket(randomMarket(dice, adapter));
      if (adapter.hasCategories) {
        const revision = Number(adapter.name.split(" ")[1]);
        twin.setCategory(2, {
          ltv: 9000n, liquidationThreshold: 9300n, liquidationBonus: 10100n, ...(revision < 5 ? { eModeAssetPrice: dice.pick([0n, 10n ** 8n]) } : { collateralBitmap: dice.uint(8) }),
          ...(revision >= 10 ? { ltvzeroBitmap: dice.uint(8) } : {}), ...(revision >= 11 ? { isolated: dice.chance(0.5) } : {}),
        });
      }
      const all = Array.from({ length: dice.below(120) }, () => randomAccount(dice, adapter, twin.world, 5));
      twin.load(all, keyBytes && all.map((_, i) => keyOf(dice.below(10 ** 9) * 1000 + i, keyBytes)), dice);
      const bytes = saveBook(twin.book as never), loaded = loadBook(adapter.protocol as typeof comet, bytes) as unknown as AnyBook;
      expect(readSnapshot(bytes)).toMatchObject({ size: twin.book.size, keyBytes: keyBytes ?? 0 });
      const ids = twin.book.ids();
      sameAccounts(twin.book, loaded, !!keyBytes, keyBytes ? ids : ids.sort((a, b) => (a % 2 ** 32) - (b % 2 ** 32)));
    }), runs(15));
  });
});

// ---- Other tools

const decimals = new Decimal(0, 38);
const limbsOf = (values: readonly bigint[]) => new Uint32Array(column(values).buffer);
const bigints = (file: Table, name: string) => file.batches.flatMap((batch) => {
  const { values, type } = batch.getChild(name)!.data[0]!, bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
  expect([Decimal, FixedSizeBinary].some((of) => type instanceof of)).toBe(true);
  return uncolumn(new BigUint64Array(bytes.buffer)).slice(0, batch.numRows);
});

describe("apache-arrow", () => {
  test("reads what was saved, and sums it to the same totals", () => {
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), book = randomBook(dice, dice.pick([0, 20, 32] as const), 1 + dice.below(500), dice.pick([100, 126, 128])), file = tableFromIPC(saveBook(book, { block: 9n })), { markets, vault } = book.vaults();
      expect([file.numRows, file.schema.metadata.get("plimsoll.protocol"), file.schema.metadata.get("plimsoll.block"), file.schema.metadata.get("plimsoll.version")]).toEqual([book.size, "maker", "9", "1"]);
      expect(file.schema.names).toEqual(["market", "ink", "art", ...(book.keyBytes ? ["key"] : [])]);
      expect([...file.getChild("market")!]).toEqual([...markets]);
      for (const name of ["ink", "art"] as const) {
        const expected = uncolumn(vault[name]), fits = expected.every((value) => value <= MOST_DECIMAL), { type } = file.getChild(name)!;
        expect(type instanceof Decimal ? [type.precision, type.scale, type.bitWidth] : (type as FixedSizeBinary).byteWidth).toEqual(fits ? [38, 0, 128] : 16);
        expect(bigints(file, name)).toEqual(expected);
        expect(bigints(file, name).reduce((sum, value) => sum + value, 0n)).toBe(expected.reduce((sum, value) => sum + value, 0n));
      }
      if (book.keyBytes) expect(joinKeys([...file.getChild("key")!].map((key: Uint8Array) => "0x" + Buffer.from(key).toString("hex")))).toEqual(book.keys());
      const figures = JSON.parse(file.schema.metadata.get("plimsoll.figures")!);
      expect(figures.markets[0].rate).toBe(String(book.market(0).rate));
      expect(figures.system.par).toBe(String(RAY));
    }), runs(30));
  });

  test("reads accounts", () => {
    const book = openBook(aaveV3({ revision: 9 }), { keyBytes: 20 }), index = { liquidityIndex: RAY, variableBorrowIndex: RAY };
    const [weth, usdc] = [18n, 6n].map((decimals) => book.addMarket({ decimals, liquidationThreshold: 8000n, assetPrice: 10n ** 8n, ...index }));
    book.add({ userEModeCategory: 3n, reserves: [{ reserve: weth!, scaledATokenBalance: 5n * WAD }, { reserve: usdc!, scaledVariableDebt: MAX128, borrowing: false }] }, keyOf(1));
    book.add({ reserves: [] }, keyOf(2));
    const rows = tableFromIPC(saveBook(book)).toArray().map((row) => row.toJSON()).sort((a, b) => b["reserves"].length - a["reserves"].length);
    expect(rows.map(({ key }) => "0x" + Buffer.from(key).toString("hex"))).toEqual([keyOf(1), keyOf(2)]);
    const [first, second] = [...rows[0]!["reserves"]].map((entry) => entry.toJSON());
    expect([first!.reserve, first!.usingAsCollateral, first!.borrowing, second!.reserve, second!.borrowing, second!.usingAsCollateral]).toEqual([0, null, null, 1, false, null]);
    expect(rows[1]!["reserves"].length).toBe(0);
  });

  const ilks = [{ spot: RAY, mat: RAY, rate: RAY }, { spot: 2n * RAY, mat: RAY, rate: RAY }, { spot: RAY, mat: RAY, rate: 3n * RAY }];
  const figures = { system: { par: RAY }, markets: ilks };
  const rows = 500, dice = new Dice(11), ink = Array.from({ length: rows }, () => dice.uint(90)), art = Array.from({ length: rows }, () => dice.uint(60)), market = ink.map(() => dice.below(3)), keys = ink.map((_, i) => keyOf(i + 1));
  const expected = () => {
    const book = open({ keyBytes: 20 });
    book.setSystem({ par: RAY });
    for (const ilk of ilks) book.addMarket(ilk);
    ink.forEach((_, i) => book.add(market[i]!, { ink: ink[i]!, art: art[i]! }, keys[i]!));
    return book;
  };
  const data = <T extends DataType>(type: T, values: unknown, length: number) => makeData({ type, length, nullCount: 0, data: values } as never) as unknown as Data<T>;
  const range = <T>(of: readonly T[], from: number, to: number) => of.slice(from, to);
  const batchOf = (schema: Schema, columns: Data[], length: number) => new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length, nullCount: 0, children: columns }));

  test("writes what is loaded: several batches, the columns in another order and more of them, rows of markets mixed", () => {
    const bytes16 = new FixedSizeBinary(16), schema = new Schema([new ArrowField("note", new Utf8(), true), new ArrowField("art", bytes16), new ArrowField("key", new FixedSizeBinary(20)), new ArrowField("market", new Uint32()), new ArrowField("ink", decimals)]);
    const cuts = [0, 120, 120, 499, rows], batches = cuts.slice(1).map((to, i) => {
      const from = cuts[i]!, n = to - from;
      return batchOf(schema, [
        vectorFromArray(Array.from({ length: n }, (_, j) => (j % 3 ? "x" : null)), new Utf8()).data[0] ?? makeData({ type: new Utf8() }), data(bytes16, new Uint8Array(limbsOf(range(art, from, to)).buffer), n), data(new FixedSizeBinary(20), joinKeys(range(keys, from, to)), n),
        data(new Uint32(), Uint32Array.from(range(market, from, to)), n), data(decimals, limbsOf(range(ink, from, to)), n),
      ], n);
    });
    const bytes = RecordBatchFileWriter.writeAll(batches).toUint8Array(true);
    expect(readSnapshot(bytes)).toEqual({ protocol: undefined, revision: undefined, size: rows, keyBytes: 20 });
    sameVaults(expected(), loadBook(maker, bytes, { figures }));
    sameVaults(expected(), loadBook(maker, new Uint8Array([0, ...bytes]).subarray(1), { figures })); // at an odd address
    refuses("missing-field", () => loadBook(maker, bytes), /figures/);
    refuses("unknown-market", () => loadBook(maker, bytes, { figures: { markets: ilks.slice(0, 2) } }), /market, row \d+: there is no market 2/);
    refuses("capacity-reached", () => loadBook(maker, bytes, { figures, capacity: rows - 1 }));
  });

  test("writes other types that say the same: small integers, keys as bytes or text, one market that goes without saying", () => {
    const small = ink.map((x) => Number(x % 30000n)), reference = () => {
      const book = open({ keyBytes: 20 });
      book.addMarket(ilks[0]!);
      small.forEach((x, i) => book.add(0, { ink: BigInt(x), art: art[i]! }, keys[i]!));
      return book;
    };
    const hex = keys.map((key) => key.toUpperCase().replace("0X", "0x"));
    for (const key of [vectorFromArray(hex, new Utf8()), vectorFromArray(keys.map((key) => Buffer.from(key.slice(2), "hex")), new Binary())]) {
      const table = new Table({ ink: makeVector(Uint16Array.from(small)), key, art: makeVector(data(decimals, limbsOf(art), rows)) } as never);
      sameVaults(reference(), loadBook(maker, tableToIPC(table, "file"), { figures: { markets: [ilks[0]!] } }));
      refuses("bad-snapshot", () => loadBook(maker, tableToIPC(table, "file"), { figures }), /lacks the column market/);
    }
    const signed = new Table({ ink: vectorFromArray(small, new Int32()), art: makeVector(data(decimals, limbsOf(art), rows)), market: vectorFromArray(small.map(() => 0), new Int32()) } as never);
    expect(loadBook(maker, tableToIPC(signed, "file"), { figures }).size).toBe(rows);
  });

  test("is refused what cannot be a vault, with the row", () => {
    const table = (columns: object) => tableToIPC(new Table({ ink: makeVector(data(decimals, limbsOf([1n, 2n]), 2)), art: makeVector(data(decimals, limbsOf([1n, 2n]), 2)), market: makeVector(Uint32Array.of(0, 0)), ...columns } as never), "file");
    const load = (columns: object, options: LoadOptions = {}) => () => loadBook(maker, table(columns), { figures, ...options } as never);
    expect(load({})().size).toBe(2);
    refuses("out-of-range", load({ ink: makeVector(data(decimals, limbsOf([1n, 2n ** 128n - 5n]), 2)) }), /ink, row 1 .* not -5/);
    refuses("out-of-range", load({ ink: vectorFromArray([1, -2], new Int32()) }), /ink, row 1 .* -2/);
    refuses("bad-snapshot", load({ ink: vectorFromArray(["1", "2"], new Utf8()) }), /column ink/);
    refuses("bad-snapshot", load({ ink: makeVector(data(new Decimal(2, 38), limbsOf([1n, 2n]), 2)) }), /column ink/);
    refuses("bad-snapshot", load({ ink: makeVector(Float64Array.of(1, 2)) }), /column ink/);
    refuses("bad-snapshot", load({ ink: vectorFromArray([1, null], new Int32()) }), /ink are missing/);
    refuses("bad-snapshot", load({ ink: vectorFromArray(["a", "b"]) }), /dictionary/);
    refuses("bad-snapshot", load({ key: makeVector(data(new FixedSizeBinary(21), new Uint8Array(42), 2)) }), /21 bytes/);
    refuses("bad-snapshot", load({ key: vectorFromArray(["0x12", "0x13"], new Utf8()) }), /keys have 1 bytes/);
    refuses("invalid-argument", load({ key: vectorFromArray([keyOf(1), keyOf(2).replace("0x", "0y")], new Utf8()) }), /0y/);
    refuses("duplicate-key", load({ key: vectorFromArray([keyOf(1), keyOf(1)], new Utf8()) }), new RegExp(keyOf(1)));
    refuses("unknown-market", load({ market: vectorFromArray([0, 7], new Int32()) }), /row 1: there is no market 7/);
    refuses("bad-snapshot", () => loadBook(maker, tableToIPC(new Table({ art: makeVector(Uint32Array.of(1)), market: makeVector(Uint32Array.of(0)) }), "file"), { figures }), /lacks the column ink/);
    refuses("missing-field", load({}, { figures: { markets: [{ spot: RAY, mat: RAY }] } } as never), /rate/);
    refuses("unknown-field", load({}, { figures: { market: [] } } as never), /figures has no "market"/);
    refuses("invalid-argument", load({}, { figures: { markets: 3 } } as never), /markets must be an array/);
  });

  test("a list of accounts with the wrong things in it is refused", () => {
    const protocol = aaveV3({ revision: 9 }), figures = { markets: [{ decimals: 18n, liquidationThreshold: 8000n, assetPrice: 1n, liquidityIndex: RAY, variableBorrowIndex: RAY }] };
    const entry = new Struct([new ArrowField("reserve", new Int32()), new ArrowField("scaledATokenBalance", new Int32(), true)]);
    const table = (lists: unknown[], type: DataType = new List(new ArrowField("item", entry))) => tableToIPC(new Table({ userEModeCategory: vectorFromArray(lists.map(() => 0), new Int32()), reserves: vectorFromArray(lists, type) } as never), "file");
    const load = (lists: unknown[], type?: DataType) => () => loadBook(protocol, table(lists, type), { figures });
    expect(load([[{ reserve: 0, scaledATokenBalance: 5 }], []])().size).toBe(2);
    refuses("unknown-market", load([[{ reserve: 1, scaledATokenBalance: 5 }]]), /no market 1/);
    refuses("out-of-range", load([[], [{ reserve: 0, scaledATokenBalance: -5 }]]), /-5/);
    refuses("invalid-argument", load([[{ reserve: 0, scaledATokenBalance: 5 }, { reserve: 0, scaledATokenBalance: 5 }]]), /twice/);
    refuses("bad-snapshot", load(["x"], new Utf8()), /reserves/);
    refuses("bad-snapshot", load([[1]], new List(new ArrowField("item", new Int32()))), /reserves/);
  });
});

// ---- What is no snapshot

const small = () => {
  const book = randomBook(new Dice(5), 20, 40, 100);
  return { book, bytes: saveBook(book, { block: 1n }) };
};
/** Rewrites a file's metadata, its seal lost, as another tool would. */
function retagged(bytes: Uint8Array, change: (meta: Map<string, string>) => void): Uint8Array {
  const table = tableFromIPC(bytes), meta = new Map(table.schema.metadata);
  change(meta);
  return tableToIPC(new Table(new Schema(table.schema.fields, meta), table.batches.map((batch) => new RecordBatch(new Schema(table.schema.fields, meta), batch.data))), "file");
}

describe("what is no snapshot is refused", () => {
  test("of another protocol, revision or version", () => {
    const { bytes } = small(), pool = openBook(aaveV3({ revision: 9 }));
    refuses("wrong-protocol", () => loadBook(aaveV3({ revision: 9 }), bytes), /of maker, not of aave-v3\.5 \(revision 9\)/);
    refuses("wrong-protocol", () => loadBook(comet, saveBook(pool)), /not of comet/);
    refuses("wrong-protocol", () => loadBook(aaveV3({ revision: 10 }), saveBook(pool)), /revision 9.*revision 10/);
    refuses("wrong-protocol", () => loadBook(compoundV2, saveBook(openBook(compoundV2HalfUp))), /half-up/);
    for (const call of [readSnapshot, (of: Uint8Array) => loadBook(maker, of)]) refuses("unknown-version", () => call(retagged(bytes, (meta) => meta.set("plimsoll.version", "2"))), /version "2"/);
  });

  test("with figures that are none", () => {
    const { bytes, book } = small(), withFigures = (text: string) => () => loadBook(maker, retagged(bytes, (meta) => meta.set("plimsoll.figures", text)));
    sameVaults(book, loadBook(maker, retagged(bytes, () => {})));
    refuses("bad-snapshot", withFigures("{"), /no JSON/);
    refuses("bad-snapshot", withFigures("null"), /no markets/);
    refuses("bad-snapshot", withFigures(`{"markets":[3]}`), /market 0/);
    refuses("bad-snapshot", withFigures(`{"markets":[{"spot":1}]}`), /spot .* is 1, not a string/);
    refuses("bad-snapshot", withFigures(`{"markets":[{"spot":"1.5"}]}`), /spot/);
    refuses("missing-field", withFigures(`{"markets":[{"spot":"1"}]}`), /lacks mat/);
    refuses("unknown-field", withFigures(`{"markets":[{"spot":"1","mat":"1","rate":"1","__proto__x":"1"}]}`), /__proto__x/);
    refuses("out-of-range", withFigures(`{"markets":[{"spot":"-1","mat":"1","rate":"1"}]}`), /spot/);
    refuses("unknown-market", withFigures(`{"markets":[]}`), /no market/);
    refuses("bad-snapshot", () => readSnapshot(retagged(bytes, (meta) => meta.set("plimsoll.block", "x"))), /block/);
    refuses("bad-snapshot", () => loadBook(maker, retagged(bytes, (meta) => meta.set("plimsoll.keyBytes", "7"))), /20 bytes/);
  });

  test("what is not bytes, not a book, not a time", () => {
    for (const wrong of [undefined, null, "ARROW1", new ArrayBuffer(8), [1]]) refuses("invalid-argument", () => readSnapshot(wrong as never), /Uint8Array/);
    for (const wrong of [undefined, {}, maker]) refuses("invalid-argument", () => saveBook(wrong as never), /a book/);
    refuses("unknown-field", () => saveBook(open(), { time: 1n } as never), /time/);
    refuses("not-a-bigint", () => saveBook(open(), { block: 1 } as never), /block/);
    refuses("out-of-range", () => saveBook(open(), { timestamp: -1n }), /timestamp/);
    const gone = open();
    gone.dispose();
    refuses("disposed", () => saveBook(gone));
    for (const [bytes, why] of [[new Uint8Array(0), /begin/], [new Uint8Array(100), /begin/], [readFileSync("package.json"), /begin/], [new TextEncoder().encode("ARROW1" + "\0".repeat(40)), /end/]] as const) {
      refuses("bad-snapshot", () => readSnapshot(bytes), why);
      refuses("bad-snapshot", () => loadBook(maker, bytes), why);
    }
    const { bytes } = small();
    refuses("bad-snapshot", () => readSnapshot(tableToIPC(tableFromIPC(bytes), "stream")), /begin/);
  });

  test("truncated anywhere", () => {
    const { bytes } = small();
    for (let length = 0; length < bytes.length; ++length) refuses("bad-snapshot", () => loadBook(maker, bytes.subarray(0, length)));
  });

  test("with any byte changed, whatever it says", () => {
    const { bytes, book } = small(), dice = new Dice(3);
    let unsealed = 0;
    for (let at = 0; at < bytes.length; ++at) {
      const damaged = bytes.slice();
      damaged[at]! ^= 1 << dice.below(8);
      try {
        sameVaults(book, loadBook(maker, damaged)); // where the seal's own mark is hit
        ++unsealed;
      } catch (error) {
        expect(error).toMatchObject({ name: "PlimsollError", code: "bad-snapshot" });
      }
    }
    expect(unsealed).toBe(8);
  });

  /** Without a seal nothing tells damage from data: then what is loaded is what the bytes say, or it is refused; never more. */
  const survives = (bytes: Uint8Array, load: (bytes: Uint8Array) => { readonly bytes: number; dispose(): void }) => {
    try {
      const book = load(bytes);
      expect(book.bytes).toBeLessThan(8 * 2 ** 20);
      book.dispose();
      return true;
    } catch (error) {
      if (!(error instanceof PlimsollError)) throw error;
      expect(error.message.length).toBeLessThan(1000);
      return false;
    }
  };
  test("fuzz: lengths, offsets and types that lie", () => {
    const unsealedVaults = retagged(small().bytes, () => {}), twin = new AccountTwin(aave(9)), dice = new Dice(9);
    for (let m = 0; m < 4; ++m) twin.addMarket(randomMarket(dice, aave(9)));
    twin.load(Array.from({ length: 30 }, () => randomAccount(dice, aave(9), twin.world, 4)));
    const unsealedAccounts = retagged(saveBook(twin.book as never), () => {}), both = [[unsealedVaults, (bytes: Uint8Array) => loadBook(maker, bytes)], [unsealedAccounts, (bytes: Uint8Array) => loadBook(aaveV3({ revision: 9 }), bytes)]] as const;
    for (const [bytes, load] of both) expect(survives(bytes, load)).toBe(true);
    fc.assert(fc.property(seed, (start) => {
      const dice = new Dice(start), [bytes, load] = dice.pick(both), view = new DataView(bytes.slice().buffer);
      for (let n = 1 + dice.below(4); n > 0; --n) {
        const at = dice.chance(0.5) ? bytes.length - 1 - dice.below(Math.min(bytes.length, 6000)) : dice.below(bytes.length), word = at & ~3;
        if (dice.chance(0.4)) view.setUint8(at, dice.pick([0, 1, 0x7f, 0x80, 0xff, dice.below(256)]));
        else if (dice.chance(0.7) && word + 4 <= bytes.length) view.setInt32(word, dice.pick([0, -1, 1, 0x7fffffff, -0x80000000, dice.below(2 ** 31), view.getInt32(word, true) + dice.below(64) - 32, bytes.length, 2 ** 30]), true);
        else if (word + 8 <= bytes.length) view.setBigInt64(word, dice.pick([-1n, 2n ** 62n, 2n ** 31n, 2n ** 53n, dice.bits(62)]), true);
      }
      survives(new Uint8Array(view.buffer), load);
    }), runs(3000));
    fc.assert(fc.property(seed, (start) => { // pieces moved, left out, doubled
      const dice = new Dice(start), [bytes, load] = dice.pick(both), from = dice.below(bytes.length), to = dice.below(bytes.length), length = dice.below(200);
      survives(Buffer.concat([bytes.subarray(0, from), bytes.subarray(to, to + length), bytes.subarray(dice.chance(0.5) ? from : Math.min(bytes.length, from + length))]), load);
    }), runs(1000));
  });
});
