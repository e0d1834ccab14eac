/** The service, for every runtime that has `fetch`. */
import type { Hono as App } from "hono";
import { Hono } from "hono/tiny";
import type { Book, Fields, Inspection, LevelQuery, LevelSums, Levels } from "plimsoll";
import { PlimsollError, openBook } from "plimsoll";
import * as v from "valibot";
import { type Figures, type PriceQuery, parse, priceQuery, queryOf, told, toldAll, toldRatio, uint, whole } from "./figures.js";
import { HEADERS, type Issue, Problem } from "./problem.js";
import { PROTOCOLS } from "./protocols.js";
import { type Served, UnusablePrice } from "./served.js";
import { type Keep, type Loaded, Snapshots, type Source } from "./snapshots.js";

export interface Options {
  readonly source: Source;
  readonly protocols?: readonly Served[];
  /** Seconds between looks for a new snapshot; as long, answers from one may be cached. */
  readonly every?: number;
}

type AnyBook = Book<Fields, Fields, Fields, Fields>;

const WAD = 10n ** 18n, MOST_VAULTS = 1000, MOST_LEVELS = 1000;
const METHODS = "GET, HEAD, OPTIONS";
const PREFLIGHT = { "access-control-allow-methods": METHODS, "access-control-allow-headers": "If-None-Match", "access-control-max-age": "86400" };

const owner = (bytes: number, name: string) => v.pipe(v.string(), v.regex(new RegExp(`^0x[0-9a-fA-F]{${bytes * 2}}$`), `must be ${name}: 0x and ${bytes * 2} hex digits`));
const ADDRESS = owner(20, "an address"), KEY = owner(32, "a key");
const market = whole(0, 2 ** 32 - 1), price = uint(256), time = v.optional(uint(64));
const PRICES = v.pipe(v.string(), v.regex(/^\d{1,9}:\d{1,78}(,\d{1,9}:\d{1,78})*$/, "must be pairs of a market and a price, as 0:1884000000000000000000,1:…"), v.transform((text) => text.split(",").map((pair) => pair.split(":") as [string, string])));
const VAULTS_QUERY = v.strictObject({ prices: v.optional(PRICES), at: time });
const RISK_QUERY = v.strictObject({ market: v.optional(market, "0"), price: v.optional(price), limit: v.optional(whole(1, MOST_VAULTS), "100"), at: time });
const LEVELS_QUERY = v.strictObject({ market: v.optional(market, "0"), from: price, to: price, steps: v.optional(whole(2, MOST_LEVELS), "50"), at: time });
const NO_QUERY = v.strictObject({});

const wrong = (field: string, detail: string, status = 400) => new Problem(status, "bad-parameter", `${field} ${detail}`, [{ field, detail }]);

/** A vault that a query describes, in a book of its own that is used again and again. */
interface Desk extends PriceQuery { readonly book: AnyBook; readonly id: number }

function deskOf(served: Served): Desk {
  const { protocol } = served, book = openBook(protocol) as AnyBook, zeros = (fields: Fields) => Object.fromEntries(Object.entries(fields).filter(([, { kind }]) => kind !== "choice").map(([name]) => [name, 0n]));
  book.addMarket(zeros(protocol.market));
  return { ...priceQuery(served), book, id: book.add(0, zeros(protocol.vault)) };
}

/** The figures of some names: as given, else by default, else 0. */
function pick(names: readonly string[], fields: Fields, given: Readonly<Record<string, unknown>>, defaults: Figures): Figures {
  const picked: Record<string, unknown> = {};
  for (const name of names) picked[name] = given[name] ?? defaults[name] ?? fields[name]!.default ?? 0n;
  return picked as Figures;
}

/** What is told of a vault in a snapshot, at a price of its market. */
function describe(served: Served, vault: Inspection<Fields, Fields>, price: bigint) {
  const { key: owner, market } = vault;
  return { ...(owner === undefined ? {} : { owner }), market, vault: toldAll(served.protocol.vault, vault.vault as Figures), ...judge(served, vault, price) };
}

/** What follows from its amounts. */
function judge({ priceDecimals, debtDecimals }: Served, { status, debt, ratio, health, liquidationPrice: line }: Inspection<Fields, Fields>, price: bigint) {
  const known = typeof line === "bigint";
  return {
    status, debt: debt === undefined ? null : told(debt, debtDecimals), ratio: toldRatio(ratio), health: toldRatio(health), price: told(price, priceDecimals),
    liquidationPrice: { kind: known ? "price" : line, ...(known ? told(line, priceDecimals) : { exact: null, decimal: null }) },
    // how far the price may fall, of itself
    distance: known && price ? told((price - line) * WAD / price, 18) : null,
  };
}

/** Runs with some markets at other prices, which then are as they were. */
function atPrices<T>({ book, served }: Loaded, prices: readonly (readonly [market: number, price: bigint, field: string])[], run: () => T): T {
  const before = prices.map(([market]) => [market, book.market(market) as Figures] as const), system = book.system() as Figures;
  try {
    prices.forEach(([market, price, field], i) => {
      try { book.setMarket(market, served.at?.(price, before[i]![1], system) ?? { [served.price]: price }); } catch (error) {
        throw error instanceof UnusablePrice ? wrong(field, error.message) : error;
      }
    });
    return run();
  } finally {
    for (const [market, { [served.price]: price, spot }] of before) book.setMarket(market, { [served.price]: price!, ...(spot === undefined ? {} : { spot }) });
  }
}

function levelsOf(book: AnyBook, market: number, query: LevelQuery): Levels {
  try { return book.levels(market, query); } catch (error) {
    throw error instanceof PlimsollError && error.code === "reverts" ? new Problem(400, "bad-parameter", error.message, [{ field: "from", detail: error.message }]) : error;
  }
}

export function createService({ source, protocols = PROTOCOLS, every = 10 }: Options): App {
  const app = new Hono(), snapshots = new Snapshots(source, protocols, every * 1000), desks = new Map<string, Desk>();
  const cached = `public, max-age=${every}`;

  const json = (body: object, headers: Readonly<Record<string, string>>) => new Response(JSON.stringify(body), { headers: { ...HEADERS, "content-type": "application/json", ...headers } });

  /** Answers from the snapshot, by its version; what `read` checks is checked whatever the client has. */
  const fromSnapshot = async (keep: Keep, seen: string | undefined, read: (loaded: Loaded) => () => object): Promise<Response> => {
    const loaded = await snapshots.current(keep), answer = read(loaded), etag = `"${loaded.version.replace(/[^\w.:-]/g, "")}"`, headers = { etag, "cache-control": cached };
    if (seen?.split(",").some((one) => one.trim().replace(/^W\//, "") === etag || one.trim() === "*")) return new Response(null, { status: 304, headers: { ...HEADERS, ...headers } });
    const { protocol, block, timestamp } = loaded.snapshot;
    return json({ snapshot: { protocol, ...(block === undefined ? {} : { block: String(block) }), ...(timestamp === undefined ? {} : { timestamp: String(timestamp) }) }, ...answer() }, headers);
  };
  const knowMarket = ({ book }: Loaded, market: number, field: string) => {
    if (market >= book.marketCount) throw wrong(field, book.marketCount ? `must be a market of the snapshot, from 0 to ${book.marketCount - 1}` : "names a market, and the snapshot has none");
    return market;
  };

  app.use(async (c, next) => {
    const { method, headers } = c.req.raw;
    if (method === "OPTIONS") return new Response(null, { status: 204, headers: { ...HEADERS, ...PREFLIGHT } });
    if (method !== "GET" && method !== "HEAD") return new Problem(405, "method-not-allowed", `${method} is not known here`, [], { allow: METHODS }).respond();
    if ((headers.get("content-length") ?? "0") !== "0" || headers.has("transfer-encoding")) return new Problem(400, "unexpected-body", "body must not be there", [{ field: "body", detail: "must not be there" }]).respond();
    return next();
  });
  app.notFound((c) => new Problem(404, "not-found", `there is nothing at ${c.req.path.slice(0, 100)}`).respond());
  app.onError((error) => {
    if (error instanceof Problem) return error.respond();
    console.error(error);
    return new Problem(500, "internal", "the service could not answer").respond();
  });

  app.get("/v1/:protocol/liquidation-price", (c) => {
    const name = c.req.param("protocol"), served = protocols.find(({ protocol }) => protocol.name === name);
    if (!served) {
      const issue: Issue = { field: "protocol", detail: `must be one of ${protocols.map(({ protocol }) => protocol.name).join(", ")}` };
      throw new Problem(404, "unknown-protocol", `${issue.field} ${issue.detail}`, [issue]);
    }
    let desk = desks.get(name);
    if (!desk) desks.set(name, desk = deskOf(served));
    const { protocol, defaults = {} } = served, given = parse(desk.schema, queryOf(c.req.url)) as Readonly<Record<string, bigint>>;
    const system = pick(desk.system, protocol.system, given, defaults), figures = pick(desk.market, protocol.market, given, defaults), price = given[served.price]!;
    try {
      if (served.at && given["spot"] === undefined) Object.assign(figures, served.at(price, figures, system));
    } catch (error) {
      throw error instanceof UnusablePrice ? wrong(served.price, error.message) : error;
    }
    desk.book.setSystem(system);
    desk.book.setMarket(0, figures);
    desk.book.update(desk.id, pick(desk.vault, protocol.vault, given, defaults));
    return json({ protocol: name, ...judge(served, desk.book.inspect(desk.id, given["at"] === undefined ? {} : { at: given["at"] }), price) }, { "cache-control": "public, max-age=3600" });
  });

  // Hono throws where a runtime has no such context, and runs on by itself.
  interface Context { readonly executionCtx: { waitUntil(work: Promise<unknown>): void } }
  const keeper = (c: Context): Keep => (work) => {
    let context: Context["executionCtx"];
    try { ({ executionCtx: context } = c); } catch { return; }
    context.waitUntil(work);
  };

  app.get("/v1/vaults/:owner", (c) => fromSnapshot(keeper(c), c.req.header("if-none-match"), (loaded) => {
    const { book, served } = loaded, { prices = [], at } = parse(VAULTS_QUERY, queryOf(c.req.url));
    if (!book.keyBytes) throw new Problem(404, "no-keys", "the vaults of this snapshot have no keys");
    const { owner } = parse(v.strictObject({ owner: book.keyBytes === 20 ? ADDRESS : KEY }), [["owner", c.req.param("owner")]]);
    const given = prices.map(([number, text]) => [knowMarket(loaded, Number(number), "prices"), BigInt(text), "prices"] as const);
    if (new Set(given.map(([market]) => market)).size < given.length) throw wrong("prices", "must name each market once");
    if (given.some(([, value]) => value >> 256n)) throw wrong("prices", "must fit a uint256");
    return () => atPrices(loaded, given, () => {
      const list = book.find(owner).map((id) => book.inspect(id, at === undefined ? {} : { at })), priceOf = new Map<number, bigint>();
      for (const { market } of list) if (!priceOf.has(market)) priceOf.set(market, (book.market(market) as Figures)[served.price]!);
      return { owner: owner.toLowerCase(), vaults: list.map((one) => describe(served, one, priceOf.get(one.market)!)) };
    });
  }));

  app.get("/v1/at-risk", (c) => fromSnapshot(keeper(c), c.req.header("if-none-match"), (loaded) => {
    const { book, served } = loaded, { market, price, limit, at } = parse(RISK_QUERY, queryOf(c.req.url)), time = at === undefined ? {} : { at };
    knowMarket(loaded, market, "market");
    return () => atPrices(loaded, price === undefined ? [] : [[market, price, "price"]], () => {
      const { ids } = book.scan({ market, order: "riskiest", limit: limit + 1, idsOnly: true, ...time }), now = price ?? (book.market(market) as Figures)[served.price]!;
      return { market, price: told(now, served.priceDecimals), vaults: Array.from(ids.subarray(0, limit), (id) => describe(served, book.inspect(id, time), now)), more: ids.length > limit };
    });
  }));

  app.get("/v1/levels", (c) => fromSnapshot(keeper(c), c.req.header("if-none-match"), (loaded) => {
    const { book, served } = loaded, { market, from, to, steps, at } = parse(LEVELS_QUERY, queryOf(c.req.url));
    knowMarket(loaded, market, "market");
    if (from === to) throw wrong("to", "must not be as from");
    return () => {
      const { prices, cumulative, bins } = levelsOf(book, market, { from, to, steps, ...(at === undefined ? {} : { at }) });
      const sums = ({ vaults, collateral, debt }: LevelSums, i: number) => ({ vaults: vaults[i]!, collateral: told(collateral[i]!), debt: told(debt[i]!, served.debtDecimals) });
      return { market, levels: prices.map((price, i) => ({ price: told(price, served.priceDecimals), unsafe: sums(cumulative, i), added: sums(bins, i) })) };
    };
  }));

  app.get("/health", async (c) => {
    parse(NO_QUERY, queryOf(c.req.url));
    await snapshots.current(keeper(c)).catch((error: unknown) => { if (!(error instanceof Problem)) throw error; }); // a Problem is told below
    const { loaded, failure } = snapshots;
    return json({
      status: loaded ? "ok" : "no-snapshot", protocols: protocols.map(({ protocol }) => protocol.name),
      snapshot: loaded ? { protocol: loaded.snapshot.protocol, version: loaded.version, block: loaded.snapshot.block?.toString() ?? null, timestamp: loaded.snapshot.timestamp?.toString() ?? null, vaults: loaded.book.size, markets: loaded.book.marketCount, bytes: loaded.book.bytes } : null,
      ...(failure === undefined ? {} : { refused: failure }),
    }, { "cache-control": "no-store" });
  });

  return app;
}
