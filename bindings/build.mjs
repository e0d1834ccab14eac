// Bundles the bindings to dist: an entry for the library and for each protocol, and every source of every cut of the module.
import { copyFileSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const CUTS = ["ilks", "positions", "accounts"], SOURCES = ["inline", "workerd", "edge-light"];
const PROTOCOLS = ["maker", "compound-v2", "comet", "aave-v3", "morpho", "liquity-v1", "liquity-v2"];

// The cuts as the texts that modules/inline.ts reads.
for (const cut of CUTS) {
  let text = "";
  for (const byte of readFileSync(`dist/${cut}.wasm`)) text += String.fromCharCode(byte < 70 ? byte + 35 : byte < 105 || byte > 126 ? byte + 256 : byte);
  writeFileSync(`build/${cut}.text.js`, `export default ${JSON.stringify(text)};\n`);
  writeFileSync(`build/${cut}.text.d.ts`, "declare const text: string;\nexport default text;\n");
}

await build({
  entryPoints: Object.fromEntries([
    ...["index", "arrow", "worker", "worker-entry"].map((name) => [name, `bindings/${name}.ts`]),
    ...PROTOCOLS.map((name) => [name, `bindings/protocols/${name}.ts`]),
    ...CUTS.flatMap((cut) => SOURCES.map((source) => [`${cut}.${source}`, `bindings/modules/${cut}.${source}.ts`])),
  ]),
  bundle: true, splitting: true, format: "esm", target: "es2022", charset: "utf8", minifySyntax: true, drop: ["console"], mangleProps: /^__/,
  external: ["#module/*", "*.wasm", "*.wasm?module"], outdir: "dist", logLevel: "warning",
});

// esbuild keeps imports of chunks of which nothing is used, for what they might do; nothing here does anything when it is imported.
for (const file of readdirSync("dist").filter((name) => name.endsWith(".js"))) {
  writeFileSync(`dist/${file}`, readFileSync(`dist/${file}`, "utf8").replace(/^import "\.\/chunk-[^"]*";\n/gm, ""));
}

for (const [name, of] of [["assemblyscript", "assemblyscript"], ["comlink", "comlink"], ["flechette", "@uwdata/flechette"]]) copyFileSync(`node_modules/${of}/LICENSE`, `dist/LICENSE.${name}`);
