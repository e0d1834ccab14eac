/** What the bench of the worker binding does in the page. Times are in microseconds, but for `load`. */
import { maker } from "plimsoll/maker";
import { type WorkerBookOf, handOver, openBook } from "plimsoll/worker";
import { drawVaults } from "../examples/keeper/synthetic.js";
import { spotAt } from "../examples/keeper/ilks.js";

const RAY = 10n ** 27n, MAT = (145n * RAY) / 100n, VAL = 2_375_396_695_000_000_000_000n, RATE = 1_023_418_905_762_341_896_057_234_189n;
const at = (thousandths: number) => { const val = (VAL * BigInt(thousandths)) / 1000n; return { val, spot: spotAt(val, MAT) }; };

let book: WorkerBookOf<typeof maker>, count: number;

const open = async () => {
  const opened = await openBook(maker, { create: () => new Worker("worker-entry.js", { type: "module" }) });
  await opened.addMarket({ ...at(1000), mat: MAT, rate: RATE });
  return opened;
};
const timed = async (run: () => Promise<unknown>) => {
  const started = performance.now();
  await run();
  return (performance.now() - started) * 1000;
};
/** A new price, what changed, and the first hundred: as a page asks at every movement of a slider. */
const tick = (thousandths: number) => {
  void book.setMarket(0, at(thousandths));
  return Promise.all([book.scan({ since: "last", idsOnly: true }), book.scan({ order: "riskiest", limit: 100 })]);
};
const repeated = async (times: number, run: (i: number) => Promise<unknown>) => {
  const all: number[] = [];
  for (let i = 0; i < times; ++i) all.push(await timed(() => run(i)));
  return all;
};

const bench = {
  async open(vaults: number) {
    count = vaults;
    book = await open();
    await book.load(0, handOver(drawVaults(count, { ...at(1000), rate: RATE }, 20_250_802)));
    await tick(1000);
  },
  roundTrips: () => repeated(500, () => book.size),
  async ticks(steps: number) {
    await repeated(10, () => tick(1000));
    return repeated(steps, (i) => tick(999 - (i % 60)));
  },
  /** Down by 30 %; the way back is not counted. */
  async jumps(times: number) {
    const all: number[] = [];
    for (let i = 0; i < times; ++i) {
      await tick(1000);
      let fallen = 0;
      all.push(await timed(async () => { fallen = (await tick(700))[0].unsafe.length; }));
      if (fallen < count / 4) throw new Error(`not measured: only ${fallen} of ${count} fell`);
    }
    await tick(1000);
    return all;
  },
  /** Nanoseconds a vault, handed over. */
  async load() {
    const other = await open(), vaults = drawVaults(count, { ...at(1000), rate: RATE }, 1), microseconds = await timed(() => other.load(0, handOver(vaults)));
    other.dispose();
    return (microseconds * 1000) / count;
  },
};
export type BenchPage = typeof bench;

Object.assign(globalThis, { bench });
