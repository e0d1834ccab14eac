/** The charts: liquidation levels of a market, and the distribution of collateral ratios. */
import uPlot from "uplot";
import { count, short } from "./format.js";

/** Colours are those of the page's theme, asked for at every drawing. */
const colour = (name: string) => () => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const INK = colour("--muted"), LINE = colour("--line"), DEBT = colour("--debt"), DEBT_AREA = colour("--debt-area"), COLLATERAL = colour("--collateral"), COLLATERAL_AREA = colour("--collateral-area");
const SAFE = colour("--collateral"), UNSAFE = colour("--debt");

const FONT = "12px system-ui, sans-serif";
const axis = (values: (value: number) => string, size: number): uPlot.Axis => ({
  stroke: INK, font: FONT, size, gap: 6, grid: { stroke: LINE, width: 1 }, ticks: { show: false }, values: (_, splits) => splits.map((value) => (value == null ? "" : values(value))),
});

/** What is told of a point. */
type Tell = (point: number) => readonly (readonly [name: string, value: string, swatch?: string])[];

/** A chart that fills its element, and tells a point of it beside the cursor, which arrow keys move, too. */
class Chart {
  #plot: uPlot | undefined;
  #at: number | null = null;
  readonly #root: HTMLElement;
  readonly #tip: HTMLElement;
  readonly #tell: Tell;

  constructor(root: HTMLElement, tell: Tell) {
    this.#root = root;
    this.#tell = tell;
    this.#tip = root.appendChild(document.createElement("div"));
    this.#tip.className = "tip";
    this.#tip.hidden = true;
    this.#tip.setAttribute("role", "status");
    root.tabIndex = 0;
    new ResizeObserver(() => { this.#plot?.setSize(this.#size()); }).observe(root);
    root.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10 }[event.key];
      if (!step || !this.#plot) return;
      event.preventDefault();
      const last = this.#plot.data[0].length - 1, at = Math.min(last, Math.max(0, (this.#at ?? (step > 0 ? -1 : last + 1)) + step));
      this.#plot.setCursor({ left: this.#plot.valToPos(this.#plot.data[0][at]!, "x"), top: this.#plot.over.clientHeight / 3 });
    });
    root.addEventListener("blur", () => { this.#plot?.setCursor({ left: -10, top: -10 }); });
  }

  get plot(): uPlot | undefined { return this.#plot; }

  draw(options: Omit<uPlot.Options, "width" | "height">, data: uPlot.AlignedData): void {
    this.#plot?.destroy();
    this.#plot = new uPlot({
      ...this.#size(), legend: { show: false }, padding: [12, 16, 0, 0],
      ...options,
      cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false }, ...options.cursor },
      hooks: { ...options.hooks, setCursor: [() => { this.#show(); }] },
    }, data, this.#root);
  }

  redraw(): void { this.#plot?.redraw(); }

  #size() { return { width: Math.max(200, this.#root.clientWidth), height: this.#root.clientHeight }; }

  #show(): void {
    const plot = this.#plot!, { idx, left } = plot.cursor;
    this.#at = idx != null && left != null && left >= 0 ? idx : null;
    this.#tip.hidden = this.#at === null;
    if (this.#at === null) return;
    this.#tip.replaceChildren(...this.#tell(this.#at).map(([name, value, swatch]) => {
      const row = document.createElement("div"), label = document.createElement("span"), figure = document.createElement("b");
      label.textContent = name;
      if (swatch) label.className = `swatch ${swatch}`;
      figure.textContent = value;
      row.append(label, figure);
      return row;
    }));
    const { offsetLeft } = plot.over, width = this.#tip.offsetWidth, room = this.#root.clientWidth, x = offsetLeft + left!;
    this.#tip.style.transform = `translate(${Math.round(x + 14 + width > room ? Math.max(0, x - 14 - width) : x + 14)}px, 34px)`;
  }
}

export interface LevelPoints {
  /** Rising. */
  readonly prices: readonly number[];
  readonly vaults: readonly number[];
  /** In the unit of the prices. */
  readonly debt: readonly number[];
  readonly collateral: readonly number[];
}

/** The power of ten in which values up to this one are drawn: a chart has no steps for those of 1e-30 or 1e40. */
const tens = (most: number) => (most && (most < 1e-9 || most > 1e18) ? 10 ** Math.floor(Math.log10(most)) : 1);

/** Debt and collateral at risk against price. */
export class LevelChart {
  readonly #chart: Chart;
  readonly #now = document.createElement("div");
  #points: LevelPoints | undefined;
  #price = 0;
  #opening = 1;
  #unit = "";
  #tens = 1;

  constructor(root: HTMLElement) {
    this.#now.className = "now";
    this.#chart = new Chart(root, (at) => {
      const { prices, vaults, debt, collateral } = this.#points!, price = prices[at]!;
      return [
        ["At a price of", `${priceText(price)} ${this.#unit}`],
        ...(this.#opening ? [["from the opening", `${((price / this.#opening - 1) * 100).toFixed(1).replace("-", "−")} %`] as const] : []),
        ["Debt", `${short(debt[at]!)} ${this.#unit}`, "debt"], ["Collateral", `${short(collateral[at]!)} ${this.#unit}`, "collateral"], ["Positions", count(vaults[at]!)],
      ];
    });
  }

  /** `cumulative`: what is unsafe at a price, as lines; otherwise what becomes so between two, as bars. */
  draw(points: LevelPoints, opening: number, unit: string, cumulative: boolean): void {
    this.#points = points;
    this.#opening = opening;
    this.#unit = unit;
    const { prices, debt, collateral } = points, x = this.#tens = tens(prices.at(-1)!), y = tens(Math.max(...debt, ...collateral));
    const paths = cumulative ? {} : { paths: uPlot.paths.bars!({ size: [0.9, 12] }), width: 0 };
    const filled = (line: () => string, area: () => string) => ({ stroke: line, fill: cumulative ? area : line, width: 2, points: { show: false }, ...paths });
    this.#chart.draw({
      scales: { x: { time: false, range: [prices[0]! / x, prices.at(-1)! / x] }, y: { range: (_, __, most) => [0, (most || 1) * 1.08] } },
      axes: [axis((value) => priceText(value * x), 34), axis((value) => short(value * y), 62)],
      series: [
        {},
        { label: "Collateral", ...filled(COLLATERAL, COLLATERAL_AREA) },
        { label: "Debt", ...filled(DEBT, DEBT_AREA) },
      ],
      hooks: { setSize: [() => { this.#place(); }], ready: [(plot) => { plot.over.append(this.#now); }] },
    }, [prices.map((price) => price / x), collateral.map((value) => value / y), debt.map((value) => value / y)]);
    this.#place();
  }

  /** Marks the price as it is now. Nothing is drawn anew. */
  mark(price: number): void {
    this.#price = price;
    this.#place();
  }

  redraw(): void { this.#chart.redraw(); }

  #place(): void {
    const { plot } = this.#chart, { min = 0, max = 0 } = plot?.scales["x"] ?? {};
    const price = this.#price / this.#tens;
    this.#now.hidden = !plot || price < min! || price > max!;
    if (this.#now.hidden) return;
    const x = plot!.valToPos(price, "x");
    this.#now.style.transform = `translateX(${x.toFixed(1)}px)`;
    this.#now.classList.toggle("flip", x > plot!.bbox.width / devicePixelRatio - 110);
    this.#now.dataset["price"] = `now ${priceText(this.#price)} ${this.#unit}`;
  }
}

const priceText = (price: number) => (price >= 1e5 ? short(price) : price >= 100 ? price.toLocaleString("en-US", { maximumFractionDigits: price < 1000 ? 1 : 0 }) : String(Number(price.toPrecision(4))));

/** Ratios from 0 to 400 % in steps of 5 points; the last is everything above. Where there are none below 50 %, these are left out. */
const WIDTH = 0.05, BINS = 81, LEFT = 10;

/** How many positions have which collateral ratio. */
export class RatioChart {
  readonly #chart: Chart;
  #counts: number[] = [];

  constructor(root: HTMLElement) {
    this.#chart = new Chart(root, (at) => [
      ["Collateral ratio", at === BINS - 1 ? "400 % and more" : `${at * 5} to ${at * 5 + 5} %`], ["Positions", count(this.#counts[at]!)],
    ]);
  }

  /** `line`: the ratio that is asked for, if it is one for all. Answers how many have no debt. */
  draw(ratios: Float64Array, line: number | undefined): number {
    const counts = new Uint32Array(BINS);
    let without = 0;
    for (let i = 0; i < ratios.length; ++i) {
      const ratio = ratios[i]!;
      if (ratio === Infinity) ++without;
      else ++counts[Math.min(BINS - 1, Math.floor(ratio / WIDTH + 1e-9))]!;
    }
    this.#counts = [...counts];
    const edge = line === undefined ? 0 : line / WIDTH, bars = { fill: SAFE, stroke: SAFE, width: 0, points: { show: false }, paths: uPlot.paths.bars!({ size: [0.86, 40], align: 1 }) };
    const split = (unsafe: boolean) => this.#counts.map((many, i) => (i + 0.5 < edge === unsafe ? many : null));
    this.#chart.draw({
      scales: { x: { time: false, range: [counts.subarray(0, LEFT).some(Boolean) ? 0 : LEFT * 5, 405] }, y: { range: (_, __, most) => [0, (most || 1) * 1.08] } },
      axes: [axis((value) => (value > 400 ? "" : value === 400 ? "400+" : `${value} %`), 34), axis(short, 62)],
      series: [{}, bars, { ...bars, fill: UNSAFE, stroke: UNSAFE }],
      cursor: { points: { show: false } },
    }, [counts.length ? this.#counts.map((_, i) => i * 5) : [], split(false), split(true)] as uPlot.AlignedData);
    return without;
  }

  redraw(): void { this.#chart.redraw(); }
}
