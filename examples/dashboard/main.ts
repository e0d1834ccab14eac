/** The page: what is moved, dropped and typed goes to the book, and what it answers is shown. */
import { wrap } from "comlink";
import type { Hits, Order } from "plimsoll";
import { MOST_ASSETS } from "../keeper/markets.js";
import { LevelChart, type LevelPoints, RatioChart } from "./chart.js";
import type { Opening, Source } from "./data.js";
import { change, count, decimal, double, money, parse, positions, short, units } from "./format.js";
import { Desk } from "./position.js";
import { type AtRisk, HIGHEST, type Market, type Row, Session, inWords } from "./session.js";
import { type Column, Table } from "./table.js";

const get = <E extends HTMLElement = HTMLElement>(id: string) => document.getElementById(id) as E;
const set = (id: string, text: string) => {
  const element = get(id);
  if (element.textContent !== text) element.textContent = text;
};
const GENERATED = 1_000_000, SEED = 1;
/** Rows of the table while prices move, and when they rest. */
const MOVING = 100, RESTING = 10_000;
/** Markets whose levels are drawn up before anybody asks. */
const READY = 8;
/** Prices rest when they have not moved for so many milliseconds. */
const REST = 160;

let session: Session | undefined;
let selected = 0;

// ---- The theme

const systemDark = matchMedia("(prefers-color-scheme: dark)");
function applyTheme(): void {
  const chosen = localStorage.getItem("theme"), dark = chosen ? chosen === "dark" : systemDark.matches;
  document.documentElement.dataset["theme"] = dark ? "dark" : "light";
  get("theme").ariaLabel = `Theme: ${dark ? "dark" : "light"}. Change to ${dark ? "light" : "dark"}`;
  levelChart?.redraw();
  ratioChart?.redraw();
}

// ---- Scans: the latest prices win

type By = Extract<Order, "riskiest" | "debt" | "liquidationPrice">;
let order: By = "riskiest", reversed = false, moved = false, scanning = false, generation = 0, resting = 0;

const view = (limit: number) => {
  const only = get<HTMLSelectElement>("only").value, within = BigInt(get<HTMLSelectElement>("within").value) * 10n ** 16n;
  return { order, limit, within, market: only === "" ? undefined : Number(only) };
};

/** Scans until the prices are those of the last scan: while one is under way, all movements are one. */
async function scan(): Promise<void> {
  moved = true;
  ++generation;
  clearTimeout(resting);
  document.body.classList.add("moving");
  if (scanning) return;
  scanning = true;
  const current = session!;
  try {
    while (moved && session === current) {
      moved = false;
      const frame = await current.scan(view(Math.max(MOVING, table.last)));
      if (session !== current) break;
      set("unsafe", count(frame.unsafe));
      set("of", `of ${count(current.opening.count)}`);
      set("time", `${frame.milliseconds.toFixed(1)} ms`);
      show(frame.rows, false);
      showPrices();
    }
  } catch (error) {
    if (session === current) fail(error);
  } finally {
    scanning = false;
  }
  showPrices();
  if (session === current) resting = window.setTimeout(rest, REST, current, generation);
  else if (session) void scan();
}

/** What need not be seen while prices move: sums, the distribution, the levels, more rows. Ends when they move again. */
async function rest(current: Session, of: number): Promise<void> {
  const still = () => session === current && generation === of;
  try {
    const risk = await current.atRisk();
    if (!still()) return;
    // What has no common unit is no sum: in large letters is that of the chart's market, if there is something.
    const { unit } = current.markets[selected]!, main = risk.find((sum) => sum.unit === unit && sum.debt) ?? risk.find(({ debt }) => debt) ?? risk[0]!, others = risk.filter((sum) => sum !== main);
    const rounded = ({ decimals, unit }: AtRisk, value: bigint) => `${short(double(value, decimals))} ${unit}`;
    for (const side of ["debt", "collateral"] as const) {
      set(`${side}-at-risk`, rounded(main, main[side]));
      set(`${side}-exact`, [main, ...others.filter((sum) => sum[side])].map((sum) => money(sum[side], sum.decimals, sum.unit)).join(" · "));
    }
    document.body.classList.remove("moving");
    const { rows, unsafe } = await current.scan(view(RESTING));
    if (!still()) return;
    show(rows, true);
    set("announce", `${positions(unsafe)} liquidatable, debt at risk ${[main, ...others].map((sum) => spoken(rounded(sum, sum.debt))).join(", ")}`);
    await drawLevels(current, selected);
    if (still()) await drawRatios(current, still);
    // The other markets' levels, so that they are there when one of their sliders is taken; those of accounts would not last.
    if (!current.pool) for (let market = 0; market < Math.min(READY, current.markets.length) && still(); ++market) await levelsOf(current, market);
  } catch (error) {
    if (still()) fail(error);
  }
}

// ---- Charts

let levelChart: LevelChart | undefined, ratioChart: RatioChart | undefined;
type Mode = "cumulative" | "bins";
interface Drawn { readonly of: number; readonly points: Readonly<Record<Mode, LevelPoints>> }
/** Levels by market. Those of accounts hold while the prices stay. */
const levels = new Map<number, Drawn>();

async function levelsOf(current: Session, market: number): Promise<Drawn> {
  const known = levels.get(market);
  if (known && (!current.pool || known.of === generation)) return known;
  const of = generation, { prices, cumulative, bins } = await current.levels(market), { decimals } = current.markets[market]!;
  const worth = (collateral: bigint, i: number) => (current.pool ? double(collateral, decimals.debt) : double(collateral, decimals.token) * double(prices[i]!, decimals.price));
  const points = ({ vaults, debt, collateral }: typeof cumulative, from: number): LevelPoints => ({ // rising, as an axis is
    prices: prices.map((value) => double(value, decimals.price)).slice(from).reverse(), vaults: vaults.slice(from).reverse(),
    debt: debt.map((value) => double(value, decimals.debt)).slice(from).reverse(), collateral: collateral.map(worth).slice(from).reverse(),
  });
  // The first bin is what is unsafe at the highest price, and became so at none of these.
  const drawn = { of, points: { cumulative: points(cumulative, 0), bins: points(bins, 1) } };
  if (session === current) levels.set(market, drawn);
  return drawn;
}

async function drawLevels(current: Session, market: number): Promise<void> {
  const { points } = await levelsOf(current, market);
  if (session !== current || market !== selected) return;
  const mode = document.querySelector<HTMLInputElement>("input[name=mode]:checked")!.value as Mode, { opening, name, unit, decimals } = current.markets[market]!;
  levelChart!.draw(points[mode], double(opening, decimals.price), unit, mode === "cumulative");
  mark();
  const last = points.cumulative, fall = Math.max(0, last.prices.findIndex((at) => at >= double((opening * 9n) / 10n, decimals.price)));
  set("levels-note", `${name} ${opening ? "10 % below the opening" : "at 0, as it opened"}: ${positions(last.vaults[fall]!)} with ${short(last.debt[fall]!)} ${unit} of debt would be liquidatable.`);
}

/** Marks the price of the chart's market. */
function mark(): void { levelChart!.mark(double(session!.prices[selected]!, session!.markets[selected]!.decimals.price)); }

async function drawRatios(current: Session, still: () => boolean): Promise<void> {
  const market = current.pool ? undefined : selected, line = market === undefined ? undefined : current.lineOf(market), ratios = await current.ratiosOf(market);
  if (!still()) return;
  set("ratios-title", `Collateral ratios${market === undefined ? "" : ` of ${current.markets[market]!.name}`}`);
  const without = ratioChart!.draw(ratios, line);
  set("ratios-note", `${positions(ratios.length - without)}${without ? `, and ${count(without)} without debt` : ""}.${line === undefined ? "" : ` At least ${line === Infinity ? "∞" : Number((line * 100).toFixed(4))} % is asked for.`}`);
}

/** Turns the charts to a market: the levels at once, the ratios when prices rest. */
function select(market: number): void {
  if (market === selected) return;
  selected = market;
  get<HTMLSelectElement>("market").value = String(market);
  drawLevels(session!, market).catch(fail);
  if (scanning) return;
  clearTimeout(resting);
  resting = window.setTimeout(rest, REST, session!, generation);
}

// ---- The table

const table = new Table<Row>(get("table"), "Positions by risk", (by) => {
  if (by === order) reversed = !reversed;
  else [order, reversed] = [by as By, false];
  void scan();
}, (row) => { void openDetails(row); });

const shortKey = (key: string) => `${key.slice(0, 6)}…${key.slice(-4)}`;
const nameOf = ({ key, id }: { readonly key: string | undefined; readonly id: number }) => key ?? `#${count(id % 2 ** 32)}`;

/** Digits that a cell has room for. */
const ROOM = 9;
const FIRST = { maker: "Vault", morpho: "Position", "aave-v3": "Account" };

function columnsOf(current: Session): Column<Row>[] {
  const { opening, markets, pool } = current, only = get<HTMLSelectElement>("only").value, shown = only === "" ? markets : [markets[Number(only)]!];
  const unit = current.unitOf(shown), of = unit === undefined ? "" : `, ${unit}`, single = shown.length === 1;
  const first: Column<Row> = { title: FIRST[opening.protocol], left: true, text: ({ key, id }, exact) => (key ? exact ? key : shortKey(key) : nameOf({ key, id })) };
  /** A figure in a unit of the row's market. */
  const figure = (title: string, value: (row: Row) => bigint, told: (value: bigint, market: Market) => string, by?: Order | false): Column<Row> => ({
    title, ...(by && { order: by }), text: (row, exact) => (exact ? String(value(row)) : told(value(row), markets[row.market ?? 0]!)),
  });
  const amount = (of: "debt" | "token", digits: number) => (value: bigint, { unit, decimals }: Market) => (unit === "$" ? units(value, decimals[of], digits) : decimal(value, decimals[of], ROOM));
  const debts = amount("debt", 2);
  const health = figure("Health", ({ health }) => health, (value) => units(value, 18, 4), "riskiest");
  const debt = figure(`Debt${of}`, ({ debt }) => debt, debts, (single || current.unitOf() !== undefined) && "debt");
  if (pool) return [first, health, figure("Collateral, $", ({ vault }) => (vault as unknown as Record<string, bigint>)["totalCollateralBase"]!, debts), debt];
  return [
    first, { title: "Market", left: true, wide: opening.protocol === "morpho", text: ({ market }) => markets[market]!.name },
    health, debt, figure("Collateral", ({ vault }) => vault.ink ?? vault.collateral, amount("token", 4)),
    {
      title: "Ratio", text: (row, exact) => {
        const ratio = current.ratioOf(row, rated[row.market]!);
        return ratio === undefined ? "–" : exact ? String(ratio) : `${units(ratio * 100n, 18, 2)} %`;
      },
    },
    {
      title: `Liq. price${unit === "$" ? of : ""}`, ...(single && { order: "liquidationPrice" }), text: (row, exact) => {
        const found = current.liquidationPriceOf(row);
        return typeof found !== "bigint" ? found : exact ? String(found) : decimal(found, markets[row.market]!.decimals.price, ROOM);
      },
    },
  ];
}

/** By what the ratios of each market's rows are told, as the scan that is shown had it. */
let rated: bigint[] = [];

function show(rows: Hits, final: boolean): void {
  const current = session!, { length } = rows;
  rated = current.prices.map((_, market) => current.rated(market));
  table.sorted(order, reversed, order !== "riskiest");
  table.show(length, (position) => rows.at(reversed ? length - 1 - position : position) as Row);
  if (length && !final) return;
  const limit = length >= RESTING ? `The first ${count(length)}` : count(length), what = { riskiest: "least health", debt: "largest debt", liquidationPrice: "highest liquidation price" }[order];
  set("table-note", length ? `${limit} by ${what}, in exact order. Choose a row for every figure of it.` : "Nothing is liquidatable at these prices: move one, or show what is near the line.");
}

async function openDetails(row: Row): Promise<void> {
  const current = session!, list = get("details-list");
  let rows: [name: string, human: string, exact?: string][];
  try { rows = await current.detailsOf(row); } catch (error) { rows = [["Gone", inWords(error)]]; }
  get("details-title").textContent = `${current.pool ? "Account" : current.markets[row.market]!.name} ${nameOf(row)}`;
  list.replaceChildren(...rows.map(([name, human, exact]) => {
    const entry = document.createElement("div");
    for (const [tag, text] of [["dt", name], ["dd", human], ...(exact === undefined ? [] : [["dd", exact]])] as const) entry.appendChild(document.createElement(tag!)).textContent = text!;
    return entry;
  }));
  get<HTMLDialogElement>("details").showModal();
}

// ---- Prices

interface PriceRow { readonly field: HTMLInputElement; readonly slider: HTMLInputElement; readonly output: HTMLOutputElement; readonly bad: HTMLElement }
let priceRows: PriceRow[] = [];

/** What is read aloud for a dollar sign. */
const spoken = (text: string) => text.replace(/\$/, "dollars");

function makePriceRow(current: Session, market: number): [HTMLElement, PriceRow] {
  const { name, scale } = current.markets[market]!, root = document.createElement("div"), line = document.createElement("div");
  const add = <K extends "label" | "input" | "output" | "p">(to: HTMLElement, tag: K, properties: Partial<HTMLElementTagNameMap[K]> = {}): HTMLElementTagNameMap[K] => Object.assign(to.appendChild(document.createElement(tag)), properties);
  root.className = "price";
  line.className = name.length > 8 ? "line long" : "line";
  add(line, "label", { textContent: name, title: name, htmlFor: `price-${market}` });
  const field = add(line, "input", { id: `price-${market}`, inputMode: "decimal", autocomplete: "off" }), output = add(line, "output");
  root.append(line);
  const slider = add(root, "input", { type: "range", min: String(current.lowest), max: String(HIGHEST), step: "1", value: "1000", ariaLabel: `Price of ${name}` }), bad = add(root, "p", { className: "bad", id: `bad-${market}` });
  bad.setAttribute("role", "alert");
  field.setAttribute("aria-describedby", bad.id);
  slider.addEventListener("input", () => { move(market, current.priceAt(market, Number(slider.value))); });
  slider.addEventListener("focus", () => { select(market); });
  const enter = () => {
    const { decimals } = current.markets[market]!, value = parse(field.value, decimals.price);
    if (value === undefined) bad.textContent = `${JSON.stringify(field.value.slice(0, 24))} is no price: enter a number such as ${decimal(scale, decimals.price).replaceAll(",", "")}, with at most ${decimals.price} decimals.`;
    else if (value !== current.prices[market] || bad.textContent) move(market, value);
  };
  field.addEventListener("change", enter);
  field.addEventListener("keydown", ({ key }) => { if (key === "Enter") enter(); });
  return [root, { field, slider, output, bad }];
}

/** Moves the price of a market, or says why it cannot be moved there. */
function move(market: number, to: bigint): void {
  const current = session!, { bad } = priceRows[market]!;
  try {
    current.setPrice(market, to);
  } catch (error) {
    bad.textContent = inWords(error);
    return;
  }
  bad.textContent = "";
  select(market);
  touched.add(market);
  void scan();
}

/** Markets whose price moved and is not shown yet: everything is painted at once, when the scan has answered, so that a movement takes one frame. */
const touched = new Set<number>();
function showPrices(): void {
  if (!touched.size) return;
  for (const market of touched) showPrice(market);
  mark();
  if (["held", "owed"].some((id) => touched.has(Number(get<HTMLSelectElement>(id).value)))) showPosition();
  touched.clear();
}

function showPrice(market: number): void {
  const { prices, markets } = session!, { field, slider, output } = priceRows[market]!, { opening, scale, unit, decimals: { price: decimals } } = markets[market]!, now = prices[market]!;
  const thousandths = (now * 1000n) / scale, text = change(opening, now);
  if (document.activeElement !== field || parse(field.value, decimals) !== now) field.value = decimal(now, decimals);
  slider.value = String(thousandths > BigInt(HIGHEST) ? HIGHEST : thousandths);
  slider.setAttribute("aria-valuetext", `${decimal(now, decimals)} ${spoken(unit)}${opening ? `, ${text} from the opening` : ""}`);
  output.textContent = now === opening || !opening ? "" : text;
  output.className = now < opening ? "down" : now > opening ? "up" : "";
}

/** Fields for the decimals of assets that no file tells; all that is told in them is told anew. */
function showDecimals(current: Session): void {
  const root = get<HTMLDetailsElement>("decimals");
  root.hidden = !current.decimals.size;
  root.open = [...current.decimals.values()].includes(0);
  root.querySelector("div")!.replaceChildren(...Array.from(current.decimals, ([symbol, decimals]) => {
    const label = document.createElement("label"), field = document.createElement("input");
    Object.assign(field, { type: "number", min: "0", max: "36", value: String(decimals) });
    field.addEventListener("input", () => {
      if (!field.value || !field.validity.valid) return;
      current.setDecimals(symbol, Number(field.value));
      levels.clear();
      current.markets.forEach((_, market) => { showPrice(market); });
      showPosition();
      table.columns = columnsOf(current);
      void scan();
    });
    label.append(symbol, field);
    return label;
  }));
}

// ---- My position

let desk: Desk | undefined;

function showPosition(): void {
  const { pool, markets, opening } = session!, held = Number(get<HTMLSelectElement>("held").value), owed = pool ? Number(get<HTMLSelectElement>("owed").value) : held;
  const has = markets[held]!, owes = markets[owed]!, fields = ["collateral", "debt"] as const, most = { collateral: 1n << 128n, debt: opening.protocol === "morpho" ? MOST_ASSETS : 1n << 128n };
  const decimals = { collateral: has.decimals.token, debt: pool ? owes.decimals.token : has.decimals.debt };
  set("collateral-unit", has.token);
  set("debt-unit", pool ? owes.token : has.unit === "$" ? "DAI" : has.unit);
  const values = fields.map((field) => parse(get<HTMLInputElement>(field).value || "0", decimals[field]));
  const wrong = fields.find((_, i) => values[i] === undefined || values[i]! >= most[fields[i]!]);
  const told = ["status", "health", "ratio", "price", "distance", "borrow", "withdraw"] as const;
  fields.forEach((field) => { get(field).setAttribute("aria-invalid", String(field === wrong)); });
  set("position-message", wrong === undefined ? "" : `${wrong === "debt" ? "Debt" : "Collateral"} must be an amount such as ${decimals[wrong] ? "12.5" : "12"}, with at most ${decimals[wrong]} decimals.`);
  let texts = told.map(() => "–"), status = "";
  if (wrong === undefined) {
    try {
      const answer = desk!.judge({ held, owed, collateral: values[0]!, debt: values[1]! });
      status = answer.status;
      texts = [{ safe: "safe", unsafe: "liquidatable", reverts: "the contract reverts", empty: "–" }[answer.status], answer.health, answer.ratio, answer.liquidationPrice, answer.distance, answer.borrow, answer.withdraw];
    } catch (error) {
      set("position-message", inWords(error));
    }
  }
  told.forEach((name, i) => { set(`my-${name}`, texts[i]!); });
  get("my-status").className = status;
}

// ---- Loading

let loading: AbortController | undefined;

function fail(error: unknown): void { set("message", inWords(error)); }

/** Loads a book beside the one that is there, which stays until the new one is whole. */
async function load(what: string, begin: (source: ReturnType<typeof wrap<Source>>) => Promise<Opening>): Promise<void> {
  loading?.abort();
  const controller = loading = new AbortController(), { signal } = controller, progress = get<HTMLProgressElement>("progress");
  set("message", "");
  progress.removeAttribute("value");
  set("loaded", "");
  document.querySelector<HTMLElement>(".choose")!.hidden = true;
  get("loading").hidden = false;
  const worker = new Worker("data.js", { type: "module" });
  const lost = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => { reject(signal.reason); });
    worker.addEventListener("error", ({ message }) => { reject(new Error(`The worker that reads books does not run${message ? `: ${message}` : ": data.js is missing beside the page, or forbidden by its Content-Security-Policy"}. Load the page again.`)); });
  });
  lost.catch(() => {}); // whoever races it below hears of it; after that nobody waits
  try {
    const source = wrap<Source>(worker), opening = await Promise.race([begin(source), lost]);
    const opened = await Session.open(opening, () => Promise.race([source.next(), lost]), (rows) => {
      progress.value = rows / opening.count;
      set("loaded", `${count(rows)} of ${count(opening.count)}`);
    }, signal);
    session?.dispose();
    adopt(opened);
  } catch (error) {
    const said = signal.aborted ? `${what} was cancelled` : inWords(error);
    if (loading === controller) set("message", `${said.replace(/\.?$/, ".")}${session ? " The book before it is still here." : ""}`);
  } finally {
    worker.terminate();
    if (loading === controller) {
      loading = undefined;
      document.querySelector<HTMLElement>(".choose")!.hidden = false;
      get("loading").hidden = true;
    }
  }
}

function readFile(file: File): void {
  const mat = parse(get<HTMLInputElement>("mat").value, 25);
  if (!mat) set("message", "The liquidation ratio must be a percentage above 0, such as 110.");
  else void load(file.name, (source) => source.read(file, mat));
}
const generate = () => load("The generated book", (source) => source.draw(GENERATED, SEED));

/** Shows a new book. */
function adopt(opened: Session): void {
  session = opened;
  touched.clear();
  desk = new Desk(opened);
  selected = 0;
  order = "riskiest";
  reversed = false;
  levels.clear();
  const { opening, markets, pool } = opened;
  set("title", opening.title);
  const rows = markets.map((_, market) => makePriceRow(opened, market));
  priceRows = rows.map(([, row]) => row);
  get("prices").replaceChildren(...rows.map(([root]) => root));
  markets.forEach((_, market) => { showPrice(market); });
  const choices = () => markets.map(({ name }, market) => new Option(name, String(market)));
  for (const id of ["market", "held", "owed"]) get<HTMLSelectElement>(id).replaceChildren(...choices());
  get("only").replaceChildren(new Option("all markets", ""), ...(pool ? [] : choices()));
  get("only").closest<HTMLElement>("label")!.hidden = pool || markets.length === 1;
  get("owed-field").hidden = !pool;
  set("held-label", pool ? "Held asset" : "Market");
  if (pool) get<HTMLSelectElement>("owed").selectedIndex = Math.max(0, markets.findIndex(({ name }) => /USD/.test(name)));
  get<HTMLSelectElement>("within").value = "0";
  showDecimals(opened);
  table.show(0, () => { throw new RangeError("no rows yet"); });
  table.columns = columnsOf(opened);
  levelChart ??= new LevelChart(get("levels"));
  ratioChart ??= new RatioChart(get("ratios"));
  showPosition();
  void scan();
}

// ---- What people do

get("theme").addEventListener("click", () => {
  localStorage.setItem("theme", document.documentElement.dataset["theme"] === "dark" ? "light" : "dark");
  applyTheme();
});
systemDark.addEventListener("change", applyTheme);
applyTheme();

get("cancel").addEventListener("click", () => { loading?.abort(); });
get("generate").addEventListener("click", () => { void generate(); });
get<HTMLInputElement>("file").addEventListener("change", ({ target }) => {
  const input = target as HTMLInputElement, file = input.files?.[0];
  if (file) readFile(file);
  input.value = "";
});
const drop = get("drop");
for (const type of ["dragenter", "dragover"]) addEventListener(type, (event) => { event.preventDefault(); drop.classList.add("over"); });
addEventListener("dragleave", ({ relatedTarget }) => { if (!relatedTarget) drop.classList.remove("over"); });
addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  const file = event.dataTransfer?.files[0];
  if (file) readFile(file);
  else set("message", "That was no file: drop a JSON file.");
});

get("reset").addEventListener("click", () => { session?.markets.forEach(({ opening }, market) => { if (session!.prices[market] !== opening) move(market, opening); }); });
get<HTMLSelectElement>("market").addEventListener("change", ({ target }) => { select(Number((target as HTMLSelectElement).value)); });
for (const input of document.querySelectorAll("input[name=mode]")) input.addEventListener("change", () => { if (session) drawLevels(session, selected).catch(fail); });
get("only").addEventListener("change", () => {
  const columns = columnsOf(session!);
  if (!columns.some((column) => column.order === order)) order = "riskiest";
  table.columns = columns;
  void scan();
});
get("within").addEventListener("change", () => { void scan(); });
get<HTMLInputElement>("exact").addEventListener("change", ({ target }) => { table.exact = (target as HTMLInputElement).checked; });
for (const id of ["held", "owed", "collateral", "debt"]) get(id).addEventListener("input", () => { if (session) showPosition(); });
get("position").addEventListener("submit", (event) => { event.preventDefault(); });
get("close").addEventListener("click", () => { get<HTMLDialogElement>("details").close(); });

void generate();
