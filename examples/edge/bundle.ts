/** The service as it is deployed on Cloudflare: what wrangler makes of cloudflare.ts, a script and the modules beside it. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { build } from "esbuild";

export interface Bundle { readonly script: Uint8Array; readonly modules: Readonly<Record<string, Uint8Array>> }

/** Bundles an entry with wrangler's conditions. Of the package's modules it takes those that the script imports. */
export async function bundle(entry: string): Promise<Bundle> {
  const modules: Record<string, Uint8Array> = {};
  const { outputFiles } = await build({
    entryPoints: [entry], bundle: true, minify: true, format: "esm", target: "es2022", platform: "neutral", conditions: ["workerd", "worker", "browser"], mainFields: ["browser", "module", "main"],
    charset: "utf8", write: false, logLevel: "error",
    plugins: [{
      name: "wasm",
      setup({ onResolve }) {
        onResolve({ filter: /\.wasm$/ }, ({ path, resolveDir }) => {
          modules[basename(path)] = readFileSync(`${resolveDir}/${path}`);
          return { path: `./${basename(path)}`, external: true };
        });
      },
    }],
  });
  return { script: outputFiles[0]!.contents, modules };
}
