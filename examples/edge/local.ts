/** The service in workerd on this machine, as Cloudflare would run it: the bundle, and a bucket with a snapshot. */
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Bundle } from "./bundle.js";
import { obtain } from "./obtain.js";

/** What is used of Miniflare, which runs on Node 20 up to this version. */
export const MINIFLARE = "miniflare@4.20260426.0";
interface Bucket { put(key: string, bytes: Uint8Array): Promise<unknown>; delete(key: string): Promise<unknown> }
export interface Local {
  readonly ready: Promise<URL>;
  getR2Bucket(name: string): Promise<Bucket>;
  dispatchFetch(url: string, options?: object): Promise<Response>;
  dispose(): Promise<void>;
}

/** Starts it; undefined where workerd cannot be fetched. `loader`: it may make isolates of its own, to measure how soon they answer. */
export function start({ script, modules }: Bundle, { port = 0, bindings = {}, loader = false }: { readonly port?: number; readonly bindings?: Readonly<Record<string, string>>; readonly loader?: boolean } = {}): Local | undefined {
  const folder = obtain(MINIFLARE);
  if (!folder) return undefined;
  const { Miniflare } = createRequire(join(folder, "package.json"))("miniflare") as { readonly Miniflare: new (options: object) => Local };
  return new Miniflare({
    host: "127.0.0.1", port, compatibilityDate: "2026-04-01", r2Buckets: ["BUCKET"], bindings, ...(loader ? { workerLoaders: { LOADER: {} } } : {}),
    modules: [
      { type: "ESModule", path: "cloudflare.js", contents: new TextDecoder().decode(script) },
      ...Object.entries(modules).map(([path, contents]) => ({ type: "CompiledWasm", path, contents })),
    ],
  });
}
