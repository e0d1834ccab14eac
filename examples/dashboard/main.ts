/** The page: what is moved, dropped and typed goes to the book, and what it answers is shown. */
import { wrap } from "comlink";
import type { Hit, Hits, Order } from "plimsoll";
import { maker } from "plimsoll/maker";
import { RAY } from "../keeper/ilks.js";
import { LevelChart, type LevelPoints, RatioChart } from "./chart.js";
import type { Opening, Source } from "./data.js";
import { change, count, double, parse, price, short, units } from "./format.js";
import { Desk, decimalsOf } from "./position.js";
import { HIGHEST, LOWEST, Session, inWords } from "./session.js";
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
    const { decimals } = current;
    set("debt-at-risk", `${short(double(risk.debt, decimals))} $`);
    set("debt-exact", `${units(risk.debt, decimals, 2)} $`);
    set("collateral-at-risk", `${short(double(risk.collateral, decimals))} $`);
    set("collateral-exact", `${units(risk.collateral, decimals, 2)} $`);
    document.body.classList.remove("moving");
    const { rows, unsafe } = await current.scan(view(RESTING));
    if (!still()) return;
    show(rows, true);
    set("announce", `${count(unsafe)} positions liquidatable, debt at risk ${short(double(risk.debt, decimals))} dollars`);
    await drawLevels(current, selected);
    if (still()) await drawRatios(current, still);
    // The other markets' levels, so that they are there when one of their sliders is taken; those of accounts would not last.
    if (current.opening.protocol === "maker") for (let market = 0; market < Math.min(READY, current.markets.length) && still(); ++market) await levelsOf(current, market);
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
  const vaults = current.opening.protocol === "maker", known = levels.get(market);
  if (known && (vaults || known.of === generation)) return known;
  const of = generation, { prices, cumulative, bins } = await current.levels(market), { decimals } = current;
  const dollars = (collateral: bigint, i: number) => (vaults ? double(collateral, 18) * double(prices[i]!, decimals) : double(collateral, decimals));
  const points = ({ vaults, debt, collateral }: typeof cumulative, from: number): LevelPoints => ({ // rising, as an axis is
    prices: prices.map((value) => double(value, decimals)).slice(from).reverse(), vaults: vaults.slice(from).reverse(),
    debt: debt.map((value) => double(value, decimals)).slice(from).reverse(), collateral: collateral.map(dollars).slice(from).reverse(),
  });
  // The first bin is what is unsafe at the highest price, and became so at none of these.
  const drawn = { of, points: { cumulative: points(cumulative, 0), bins: points(bins, 1) } };
  if (session === current) levels.set(market, drawn);
  return drawn;
}

async function drawLevels(current: Session, market: number): Promise<void> {
  const { points } = await levelsOf(current, market);
  if (session !== current || market !== selected) return;
  const mode = document.querySelector<HTMLInputElement>("input[name=mode]:checked")!.value as Mode, { opening, name } = current.markets[market]!, { decimals } = current;
  levelChart!.draw(points[mode], double(opening, decimals), mode === "cumulative");
  mark();
  const last = points.cumulative, fall = Math.max(0, last.prices.findIndex((at) => at >= double((opening * 9n) / 10n, decimals)));
  set("levels-note", `${name} 10 % below the opening: ${count(last.vaults[fall]!)} positions with ${short(last.debt[fall]!)} $ of debt would be liquidatable.`);
}

/** Marks the price of the chart's market. */
function mark(): void { levelChart!.mark(double(session!.prices[selected]!, session!.decimals)); }

async function drawRatios(current: Session, still: () => boolean): Promise<void> {
  const { opening } = current, [ratios, line, of] = opening.protocol === "maker"
    ? [await current.ratiosOf(selected), double(opening.ilks[selected]!.figures.mat, 27), ` of ${current.markets[selected]!.name}`]
    : [await current.ratiosOf(undefined), undefined, ""];
  if (!still()) return;
  set("ratios-title", `Collateral ratios${of}`);
  const without = ratioChart!.draw(ratios, line);
  set("ratios-note", `${count(ratios.length - without)} positions${without ? `, and ${count(without)} without debt` : ""}.${line === undefined ? "" : ` At least ${Number((line * 100).toFixed(4))} % is asked for.`}`);
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

type Row = Hit<typeof maker.vault>;

const table = new Table<Row>(get("table"), "Positions by risk", (by) => {
  if (by === order) reversed = !reversed;
  else [order, reversed] = [by as By, false];
  void scan();
}, (row) => { void openDetails(row); });

const shortKey = (key: string) => `${key.slice(0, 6)}…${key.slice(-4)}`;
const nameOf = ({ key, id }: { readonly key: string | undefined; readonly id: number }) => key ?? `#${count(id % 2 ** 32)}`;

function columnsOf({ opening, markets, decimals }: Session): Column<Row>[] {
  const figure = (title: string, value: (row: Row) => bigint, digits: number, by?: string, places = decimals): Column<Row> => ({
    title, ...(by && { order: by }), text: (row, exact) => (exact ? String(value(row)) : units(value(row), places, digits)),
  });
  const first: Column<Row> = { title: opening.protocol === "maker" ? "Vault" : "Account", left: true, text: ({ key, id }, exact) => (key ? exact ? key : shortKey(key) : nameOf({ key, id })) };
  const health = figure("Health", ({ health }) => health, 4, "riskiest", 18), debt = figure("Debt, $", ({ debt }) => debt, 2, "debt");
  if (opening.protocol !== "maker") return [first, health, figure("Collateral, $", (row) => (row.vault as unknown as Record<string, bigint>)["totalCollateralBase"]!, 2), debt];
  const single = markets.length === 1 || get<HTMLSelectElement>("only").value !== "", ilkOf = ({ market }: Row) => opening.ilks[market]!.figures;
  return [
    first, { title: "Market", left: true, text: ({ market }) => markets[market]!.name },
    health, debt, figure("Collateral", ({ vault }) => vault.ink, 4),
    {
      title: "Ratio", text: (row, exact) => {
        const { mat, rate } = ilkOf(row), ratio = maker.collateralRatio({ ...row.vault, rate, spot: spots[row.market]!, mat });
        return typeof ratio !== "bigint" ? "–" : exact ? String(ratio) : `${units(ratio * 100n, 18, 2)} %`;
      },
    },
    {
      title: "Liq. price, $", ...(single && { order: "liquidationPrice" }), text: (row, exact) => {
        const { mat, rate } = ilkOf(row), found = maker.liquidationPrice({ ...row.vault, rate, mat, par: RAY });
        return typeof found !== "bigint" ? found : exact ? String(found) : price(found, 18);
      },
    },
  ];
}

/** `spot` of each market as the scan that is shown had it. */
let spots: bigint[] = [];

function show(rows: Hits, final: boolean): void {
  const current = session!, { length } = rows, { opening } = current;
  if (opening.protocol === "maker") spots = current.prices.map((_, market) => current.spotOf(market));
  table.sorted(order, reversed, order !== "riskiest");
  table.show(length, (position) => rows.at(reversed ? length - 1 - position : position) as Row);
  if (length && !final) return;
  const limit = length >= RESTING ? `The first ${count(length)}` : count(length), what = { riskiest: "least health", debt: "largest debt", liquidationPrice: "highest liquidation price" }[order];
  set("table-note", length ? `${limit} by ${what}, in exact order. Choose a row for every figure of it.` : "Nothing is liquidatable at these prices: move one, or show what is near the line.");
}

async function openDetails(row: Row): Promise<void> {
  const current = session!, { opening } = current, list = get("details-list");
  let rows: [name: string, human: string, exact?: string][];
  try { rows = await current.detailsOf(row.id); } catch (error) { rows = [["Gone", inWords(error)]]; }
  get("details-title").textContent = `${opening.protocol === "maker" ? current.markets[row.market]!.name : "Account"} ${nameOf(row)}`;
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

function makePriceRow({ markets, decimals }: Session, market: number): [HTMLElement, PriceRow] {
  const { name, opening } = markets[market]!, root = document.createElement("div"), line = document.createElement("div");
  const add = <K extends "label" | "input" | "output" | "p">(to: HTMLElement, tag: K, properties: Partial<HTMLElementTagNameMap[K]> = {}): HTMLElementTagNameMap[K] => Object.assign(to.appendChild(document.createElement(tag)), properties);
  root.className = "price";
  line.className = "line";
  add(line, "label", { textContent: name, title: name, htmlFor: `price-${market}` });
  const field = add(line, "input", { id: `price-${market}`, inputMode: "decimal", autocomplete: "off" }), output = add(line, "output");
  root.append(line);
  const slider = add(root, "input", { type: "range", min: String(LOWEST), max: String(HIGHEST), step: "1", value: "1000", ariaLabel: `Price of ${name}` }), bad = add(root, "p", { className: "bad", id: `bad-${market}` });
  bad.setAttribute("role", "alert");
  field.setAttribute("aria-describedby", bad.id);
  slider.addEventListener("input", () => { move(market, (opening * BigInt(slider.value)) / 1000n || 1n); });
  slider.addEventListener("focus", () => { select(market); });
  const enter = () => {
    const value = parse(field.value, decimals);
    if (value === undefined) bad.textContent = `${JSON.stringify(field.value.slice(0, 24))} is no price: enter a number such as ${price(opening, decimals).replaceAll(",", "")}, with at most ${decimals} decimals.`;
    else if (value !== session!.prices[market] || bad.textContent) move(market, value);
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
  const { prices, markets, decimals } = session!, { field, slider, output } = priceRows[market]!, { opening } = markets[market]!, now = prices[market]!;
  const thousandths = (now * 1000n) / opening, text = change(opening, now);
  if (document.activeElement !== field || parse(field.value, decimals) !== now) field.value = price(now, decimals);
  slider.value = String(thousandths > BigInt(HIGHEST) ? HIGHEST : thousandths);
  slider.setAttribute("aria-valuetext", `${price(now, decimals)} dollars, ${text} from the opening`);
  output.textContent = now === opening ? "" : text;
  output.className = now < opening ? "down" : now > opening ? "up" : "";
}

// ---- My position

let desk: Desk | undefined;

function showPosition(): void {
  const current = session!, held = Number(get<HTMLSelectElement>("held").value), vaults = current.opening.protocol === "maker";
  const owed = vaults ? held : Number(get<HTMLSelectElement>("owed").value), fields = ["collateral", "debt"] as const;
  const decimals = { collateral: decimalsOf(current, held), debt: vaults ? 18 : decimalsOf(current, owed) };
  set("collateral-unit", current.markets[held]!.name.split("-")[0]!);
  set("debt-unit", vaults ? "DAI" : current.markets[owed]!.name);
  const values = fields.map((field) => parse(get<HTMLInputElement>(field).value || "0", decimals[field]));
  const wrong = fields.find((_, i) => values[i] === undefined || values[i]! >= 1n << 128n);
  const told = ["status", "health", "ratio", "price", "distance", "borrow", "withdraw"] as const;
  fields.forEach((field) => { get(field).setAttribute("aria-invalid", String(field === wrong)); });
  set("position-message", wrong === undefined ? "" : `${wrong === "debt" ? "Debt" : "Collateral"} must be an amount such as 12.5, with at most ${decimals[wrong]} decimals.`);
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
  lost.catch(() => {});
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
  const { opening, markets } = opened, vaults = opening.protocol === "maker";
  set("title", opening.title);
  const rows = markets.map((_, market) => makePriceRow(opened, market));
  priceRows = rows.map(([, row]) => row);
  get("prices").replaceChildren(...rows.map(([root]) => root));
  markets.forEach((_, market) => { showPrice(market); });
  const choices = () => markets.map(({ name }, market) => new Option(name, String(market)));
  for (const id of ["market", "held", "owed"]) get<HTMLSelectElement>(id).replaceChildren(...choices());
  get("only").replaceChildren(new Option("all markets", ""), ...(vaults ? choices() : []));
  get("only").closest<HTMLElement>("label")!.hidden = !vaults || markets.length === 1;
  get("owed-field").hidden = vaults;
  set("held-label", vaults ? "Market" : "Held asset");
  if (!vaults) get<HTMLSelectElement>("owed").selectedIndex = Math.max(0, markets.findIndex(({ name }) => /USD/.test(name)));
  get<HTMLSelectElement>("within").value = "0";
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
  if (order === "liquidationPrice") order = "riskiest";
  table.columns = columnsOf(session!);
  void scan();
});
get("within").addEventListener("change", () => { void scan(); });
get<HTMLInputElement>("exact").addEventListener("change", ({ target }) => { table.exact = (target as HTMLInputElement).checked; });
for (const id of ["held", "owed", "collateral", "debt"]) get(id).addEventListener("input", () => { if (session) showPosition(); });
get("position").addEventListener("submit", (event) => { event.preventDefault(); });
get("close").addEventListener("click", () => { get<HTMLDialogElement>("details").close(); });

void generate();
