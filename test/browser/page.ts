/** What the tests of the worker binding use in the page. */
import { MAX_U128, PlimsollError, openBook as openHere, toLimbs } from "plimsoll";
import { aaveV3 } from "plimsoll/aave-v3";
import { comet } from "plimsoll/comet";
import { compoundV2, compoundV2HalfUp } from "plimsoll/compound-v2";
import { maker } from "plimsoll/maker";
import { type WorkerBookOptions, handOver, openBook } from "plimsoll/worker";
import { RAY, WAD, figures, seeded } from "./books.js";
import { playAccounts, playOtherVaults, playVaults } from "./play.js";

const create = () => new Worker("worker-entry.js", { type: "module" });

const kit = {
  PlimsollError, MAX_U128, toLimbs, openHere, handOver, create, maker, aaveV3, comet, compoundV2, compoundV2HalfUp, RAY, WAD, figures, seeded, playVaults, playOtherVaults, playAccounts,
  openDefault: openBook,
  /** Opens a Maker book in a worker with one market. */
  async open(options: WorkerBookOptions = {}) {
    const book = await openBook(maker, { create, ...options });
    await book.addMarket(figures);
    return book;
  },
  openBook: ((protocol: Parameters<typeof openBook>[0], options?: WorkerBookOptions) => openBook(protocol, { create, ...options })) as unknown as typeof openBook,
  /** What a promise rejects with. */
  async failure(promise: Promise<unknown>) {
    try {
      await promise;
    } catch (error) {
      const { name, message, code } = error as PlimsollError;
      return { name, message, code, ours: error instanceof PlimsollError, isClass: (error as Error).constructor.name };
    }
    return undefined;
  },
};
export type Kit = typeof kit;

Object.assign(globalThis, { kit });
