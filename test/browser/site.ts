/** Sites for the tests: bundles and pages, served from memory on a port of their own. */
import { readFileSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, extname } from "node:path";
import { type BuildOptions, build } from "esbuild";

export type Files = Map<string, Uint8Array | string>;

const TYPES: Readonly<Record<string, string>> = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".map": "application/json" };

export interface Site {
  readonly url: string;
  /** Paths that were asked for, in their order. */
  readonly asked: string[];
  close(): Promise<unknown>;
}

export async function serve(files: Files, headers: Readonly<Record<string, string>> = {}): Promise<Site> {
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    const path = new URL(request.url!, "http://site").pathname, name = path.endsWith("/") ? `${path}index.html` : path, file = files.get(name.slice(1));
    asked.push(path);
    response.writeHead(file === undefined ? 404 : 200, { "content-type": TYPES[extname(name)] ?? "application/octet-stream", "cache-control": "no-store", ...headers });
    response.end(file);
  });
  await new Promise<void>((listening) => { server.listen(0, "127.0.0.1", listening); });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, asked,
    close: () => new Promise((closed) => { server.closeAllConnections(); server.close(closed); }),
  };
}

/** What esbuild makes of entries, by name. */
export async function bundle(entryPoints: Record<string, string>, options: BuildOptions = {}): Promise<Files> {
  const { outputFiles } = await build({
    entryPoints, bundle: true, splitting: true, format: "esm", target: "es2022", charset: "utf8", outdir: "/", write: false,
    logOverride: { "ignored-bare-import": "silent" }, logLevel: "warning", ...options,
  });
  return new Map(outputFiles!.map(({ path, contents }) => [basename(path), contents]));
}

export const page = (script: string) => `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>test</title><script type="module" src="${script}"></script>`;
export const text = (path: string) => readFileSync(path, "utf8");
