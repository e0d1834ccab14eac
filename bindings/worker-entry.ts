/** Runs in the worker: one book of one protocol, of which only that protocol's code is loaded. worker.ts is its other side. */
import { expose, transfer } from "comlink";
import { openBook } from "./book.js";
import { refuse } from "./errors.js";
import { type Answer, type Named, type Served, faultOf, pack } from "./wire.js";

type Opened = Parameters<typeof openBook>[0];

/** Where each protocol is. A name ends where its version begins: `aave-v3.5`. */
const PROTOCOLS: Readonly<Record<string, (of: Named) => Promise<unknown>>> = {
  maker: async () => (await import("./protocols/maker.js")).maker,
  morpho: async () => (await import("./protocols/morpho.js")).morpho,
  "liquity-v1": async () => (await import("./protocols/liquity-v1.js")).liquityV1,
  "liquity-v2": async () => (await import("./protocols/liquity-v2.js")).liquityV2,
  "aave-v3": async ({ revision }) => (await import("./protocols/aave-v3-book.js")).bookOf({ revision: revision as number }),
  "compound-v2": async ({ revision }) => {
    const { compoundV2, compoundV2HalfUp } = await import("./protocols/compound-v2.js");
    return [compoundV2, compoundV2HalfUp].find((one) => one.revision === revision);
  },
  comet: async () => (await import("./protocols/comet.js")).comet,
};

let book: Readonly<Record<string, unknown>> | undefined;

function fail(error: unknown): Answer { return { fault: faultOf(error) }; }

const served: Served = {
  async open(protocol, options) {
    try {
      const find = PROTOCOLS[protocol.name.split(".")[0]!];
      if (!find) refuse("what openBook opens", `one of the library's protocols (${Object.keys(PROTOCOLS).join(", ")})`, protocol.name);
      const opened = openBook((await find(protocol)) as Opened, options);
      book = opened as unknown as typeof book;
      return { value: [opened.capacity, opened.keyBytes] };
    } catch (error) { return fail(error); }
  },
  ask(name, args) {
    try {
      if (!(name in book!)) throw new TypeError(`a book of this protocol has no ${name}`);
      const asked = book![name], buffers = new Set<Transferable>();
      const value = pack(typeof asked === "function" ? asked.apply(book, args) : asked, buffers);
      return transfer({ value }, [...buffers]);
    } catch (error) { return fail(error); }
  },
};
expose(served);
