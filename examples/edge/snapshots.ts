/** The snapshot that is served: loaded once, shared by all requests, replaced whole. */
import type { Book, Fields } from "plimsoll";
import { type Snapshot, loadBook, readSnapshot } from "plimsoll/arrow";
import { Problem } from "./problem.js";
import type { Served } from "./served.js";

/** Where snapshots come from. */
export interface Source {
  /** The version that is there now, however the source tells one; undefined where there is none. */
  version(): Promise<string | undefined>;
  read(): Promise<{ readonly version: string; readonly bytes: Uint8Array } | undefined>;
}

export interface Loaded {
  readonly served: Served;
  readonly book: Book<Fields, Fields, Fields, Fields>;
  readonly snapshot: Snapshot;
  readonly version: string;
}

/** Keeps a promise alive behind the answer to a request. */
export type Keep = (work: Promise<unknown>) => void;

/** A load that takes longer is given up: the request that began it may be gone, and its reading with it. */
const PATIENCE = 30_000;
/** Seconds after which it is worth to ask again where there is none. */
const RETRY = 1;

export class Snapshots {
  readonly #source: Source;
  readonly #protocols: readonly Served[];
  readonly #every: number;
  #loaded: Loaded | undefined;
  #loading: { readonly work: Promise<void>; readonly since: number } | undefined;
  #checked = 0;
  /** Why the last load failed, and of which version. */
  #failure: { readonly version: string | undefined; readonly why: string } | undefined;

  /** `every`: milliseconds between looks for a new version. */
  constructor(source: Source, protocols: readonly Served[], every: number) {
    this.#source = source;
    this.#protocols = protocols;
    this.#every = every;
  }

  get loaded(): Loaded | undefined { return this.#loaded; }
  get failure(): string | undefined { return this.#failure?.why; }

  /**
   * The snapshot to answer with. The first requests wait for one load; later ones take what is there, and look for a new version behind
   * their answers. What comes after this is one synchronous piece: the snapshot cannot be replaced under it.
   */
  async current(keep: Keep): Promise<Loaded> {
    const now = Date.now();
    if (now - this.#checked >= this.#every || (!this.#loaded && now - this.#checked >= RETRY * 1000)) this.#look(keep, now);
    if (!this.#loaded) await this.#loading?.work;
    if (!this.#loaded) throw new Problem(503, "no-snapshot", this.#failure?.why ?? "no snapshot was found", [], { "retry-after": String(RETRY) });
    return this.#loaded;
  }

  #look(keep: Keep, now: number): void {
    if (this.#loading && now - this.#loading.since < PATIENCE) return;
    this.#checked = now;
    const loading = { work: this.#replace().finally(() => { if (this.#loading === loading) this.#loading = undefined; }), since: now };
    this.#loading = loading;
    keep(loading.work);
  }

  /** Reads a version that is new; where it is broken, what was there stays. */
  async #replace(): Promise<void> {
    let version: string | undefined;
    try {
      const known = this.#loaded?.version;
      if (known !== undefined || this.#failure?.version !== undefined) {
        version = await this.#source.version();
        if (version === known || (version !== undefined && version === this.#failure?.version)) return;
      }
      const read = await this.#source.read();
      version = read?.version;
      if (!read) throw new Error("no snapshot was found");
      const next = this.#open(read.bytes, read.version), old = this.#loaded;
      this.#loaded = next;
      this.#failure = undefined;
      old?.book.dispose();
    } catch (error) {
      this.#failure = { version, why: (error as Error).message };
    }
  }

  #open(bytes: Uint8Array, version: string): Loaded {
    const snapshot = readSnapshot(bytes), served = this.#protocols.find(({ protocol }) => protocol.name === snapshot.protocol);
    if (!served) throw new Error(`the snapshot is of ${snapshot.protocol ?? "no protocol"}, and served are ${this.#protocols.map(({ protocol }) => protocol.name).join(", ")}`);
    return { served, snapshot, version, book: loadBook(served.protocol, bytes) };
  }
}
