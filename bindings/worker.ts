/// <reference lib="esnext.disposable" preserve="true" />
/**
 * The book in a worker, for pages: the same methods and types as in Node, asynchronous. A question is one round trip of some
 * 50 µs, whatever it asks: ask for many vaults at once. Calls are answered in their order, and need not be awaited one by one.
 * @module
 */
import { type Remote, transfer, wrap } from "comlink";
import type { AccountBook, Answer as AnswerOf, Inputs } from "./accounts.js";
import type { BookOptions, Changes, Query } from "./book.js";
import { type ErrorCode, PlimsollError, refuse } from "./errors.js";
import type { Hits } from "./hits.js";
import type { AccountProtocol, Fields, Protocol } from "./protocol.js";
import type { Book } from "./vaults.js";
import { type Answer, type Named, type Served, errorOf, give, unpack } from "./wire.js";

export { handOver } from "./wire.js";

export interface WorkerBookOptions extends BookOptions {
  /**
   * Makes the worker, where the bundler does not find it by itself, or it should come from elsewhere: its script is
   * `plimsoll/worker-entry`, a module. The worker is the book's from then on, and of no other.
   */
  readonly create?: () => Worker;
}

// ---- Types

type Known = "protocol" | "capacity" | "keyBytes";
type Own = "core" | "reserve" | "scan" | "ask" | "dispose" | typeof Symbol.dispose;
type Later<F> = F extends (...args: infer A) => infer R ? (...args: A) => Promise<R> : Promise<F>;
/** What a book has, each method and each property that changes as a promise. */
export type Asynchronous<B> = Pick<B, Known & keyof B> & { readonly [K in Exclude<keyof B, Known | Own>]: Later<B[K]> };

/** What a worker's book has beside. */
export interface AnyWorkerBook<V extends Fields> {
  scan(query: Query & { readonly since: "last" }): Promise<Changes<V>>;
  scan(query?: Query & { readonly since?: undefined }): Promise<Hits<V>>;
  scan(query: Query & { readonly since?: "last" | undefined }): Promise<Hits<V> | Changes<V>>;
  /** Terminates the worker, whatever it is doing, and lets go of its memory. What was asked and not answered yet rejects with `disposed`, and so does every later call. */
  dispose(): void;
  [Symbol.dispose](): void;
}

/** A book of vaults in a worker. */
export type WorkerBook<
  V extends Fields = Fields, M extends Fields = Fields, S extends Fields = Fields, L extends Fields = Fields, B extends Fields = Fields,
> = AnyWorkerBook<V> & Asynchronous<Book<V, M, S, L, B>>;

/** A book of accounts in a worker. */
export type WorkerAccountBook<
  A = unknown, C = unknown, V extends Fields = Fields, M extends Fields = Fields, S extends Fields = Fields, K extends Fields = Fields,
  L extends Fields = Fields,
> = AnyWorkerBook<V> & Asynchronous<AccountBook<A, C, V, M, S, K, L>> & {
  ask<N extends keyof C & string>(id: number, name: N, inputs?: Inputs<C[N]>, options?: { readonly at?: bigint }): Promise<AnswerOf<C[N]>>;
};

/** The type of a worker's book of a protocol: `WorkerBookOf<typeof maker>`, `WorkerBookOf<ReturnType<typeof aaveV3>>`. */
export type WorkerBookOf<P> =
  P extends AccountProtocol<infer A, infer C, infer V, infer M, infer S, infer K, infer L> ? WorkerAccountBook<A, C, V, M, S, K, L>
    : P extends Protocol<infer V, infer M, infer S, infer L, infer B> ? WorkerBook<V, M, S, L, B> : never;

// ---- The book

/** What the page's Content-Security-Policy forbade while a book was opened: a directive, or "". */
interface Policy { forbade: string }
const forbidden = ({ forbade }: Policy) => `the page's Content-Security-Policy forbids the worker: allow its script in ${forbade}`;

/** What is asked of the worker: of any book, of one of vaults, of one of accounts. */
const ASKED = [
  "bytes", "size", "marketCount", "batchCount",
  "setSystem", "addMarket", "setMarket", "setMarkets", "market", "system", "accrue", "remove", "removeMany", "has", "find", "keys",
  "scan", "preview", "levels", "ids", "ratios", "ratiosAsNumbers", "debts", "add", "load", "update", "inspect", "inspectMany",
  "timeToLiquidation", "maxBorrow", "maxWithdraw", "repayToRatio", "collateralToRatio",
  "updateMany", "vaults", "plan", "addBatch", "setBatch", "batch",
  "setCategory", "category", "account", "liquidationPrices", "ask",
] as const;
const PROPERTIES: readonly string[] = ASKED.slice(0, 4);

/** The book on the page's side. */
class Handle {
  readonly protocol: unknown;
  capacity = 0;
  keyBytes = 0;
  readonly #remote: Remote<Served>;
  readonly #terminate: () => void;
  readonly #pending = new Set<(error: Error) => void>();
  readonly #policy: Policy;
  #ended: (() => Error) | undefined;

  constructor(protocol: unknown, worker: Worker, policy: Policy) {
    this.protocol = protocol;
    this.#policy = policy;
    this.#terminate = worker.terminate.bind(worker);
    worker.terminate = () => { this.#end("disposed", "the worker of this book was terminated"); };
    // These listeners keep the book, and with it comlink's proxy, as long as the worker lives: what is pending on a lost proxy is never answered.
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.#end("worker-failed", this.#failure(event));
    });
    worker.addEventListener("messageerror", () => { this.#end("worker-failed", "an answer of the worker could not be read: there may be no memory for it"); });
    this.#remote = wrap<Served>(worker);
  }

  async open({ name, revision }: Named, options: object): Promise<void> {
    try {
      [this.capacity, this.keyBytes] = await this.#answer(() => this.#remote.open({ name, revision }, options)) as [number, number];
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  static {
    for (const name of ASKED) {
      Object.defineProperty(Handle.prototype, name, PROPERTIES.includes(name)
        ? { get(this: Handle) { return this.#ask(name, []); } }
        : { value(this: Handle, ...args: unknown[]) { return this.#ask(name, args); } });
    }
  }

  #ask(name: string, args: readonly unknown[]): Promise<unknown> {
    return this.#answer(() => {
      const buffers = new Set<Transferable>(), given = args.map((arg) => give(arg, buffers));
      return this.#remote.ask(name, transfer(given, [...buffers]));
    });
  }

  dispose(): void { this.#end("disposed", "this book was disposed of"); }
  [Symbol.dispose](): void { this.dispose(); }

  async #answer(run: () => Promise<Answer>): Promise<unknown> {
    if (this.#ended) throw this.#ended();
    const answer = await new Promise<Answer>((resolve, reject) => {
      this.#pending.add(reject);
      run().finally(() => this.#pending.delete(reject)).then(resolve, reject);
    }).catch((error: Error) => {
      throw error.name === "DataCloneError" ? new PlimsollError("invalid-argument", `an argument cannot go to a worker: ${error.message}`) : error;
    });
    if ("fault" in answer) throw errorOf(answer.fault);
    return unpack(answer.value);
  }

  #end(code: ErrorCode, message: string): void {
    this.#terminate();
    const ended = this.#ended ??= () => new PlimsollError(code, message);
    for (const reject of this.#pending) reject(ended());
    this.#pending.clear();
  }

  #failure({ message, filename, lineno }: ErrorEvent): string {
    if (message) return `the worker of this book failed, and the book is lost: ${message} (${filename}:${lineno})`;
    return this.#policy.forbade
      ? forbidden(this.#policy)
      : "the script of the worker could not be loaded: it is missing, or no JavaScript. Where a bundler does not find it, give openBook a function create that makes the worker";
  }
}

/**
 * Opens an empty book in a worker of its own, which loads the code of this one protocol.
 * @throws what `openBook` throws in Node, `worker-failed` where the worker does not start, `wasm-blocked` where it may not compile.
 */
export function openBook<A, C, V extends Fields, M extends Fields, S extends Fields, K extends Fields, L extends Fields>(
  protocol: AccountProtocol<A, C, V, M, S, K, L>, options?: WorkerBookOptions,
): Promise<WorkerAccountBook<A, C, V, M, S, K, L>>;
export function openBook<V extends Fields, M extends Fields, S extends Fields, L extends Fields, B extends Fields>(
  protocol: Protocol<V, M, S, L, B>, options?: WorkerBookOptions,
): Promise<WorkerBook<V, M, S, L, B>>;
export async function openBook(protocol: Named, options: WorkerBookOptions = {}): Promise<unknown> {
  if (typeof protocol?.name !== "string") refuse("what openBook opens", "a protocol such as maker", protocol);
  const { create = spawn, ...rest } = options, policy: Policy = { forbade: "" };
  const forbid = ({ effectiveDirective }: SecurityPolicyViolationEvent) => { policy.forbade = effectiveDirective; };
  globalThis.addEventListener?.("securitypolicyviolation", forbid as EventListener);
  try {
    const book = new Handle(protocol, await make(create, policy), policy);
    await book.open(protocol, rest);
    return book;
  } finally {
    globalThis.removeEventListener?.("securitypolicyviolation", forbid as EventListener);
  }
}

/** Bundlers look for exactly this, on one line. */
const spawn = () => new Worker(new URL("./worker-entry.js", import.meta.url), { type: "module" });

async function make(create: () => Worker, policy: Policy): Promise<Worker> {
  try {
    return create();
  } catch (error) {
    const { name, message } = error as Error;
    // Where a policy forbids a worker, WebKit throws, and says what forbids it a task later; others make one that fails.
    if (name === "SecurityError") await new Promise((told) => { setTimeout(told); });
    throw new PlimsollError("worker-failed", name === "SecurityError" && policy.forbade ? forbidden(policy) : `the worker could not be made: ${message}`);
  }
}
