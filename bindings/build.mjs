// Compiles a cut of the module for each protocol, and bundles the bindings to dist: an entry for the library and for each protocol,
// and every source of every cut.
import { execFile } from "node:child_process";
import { copyFileSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { build } from "esbuild";

/** Of each protocol its number (assembly/cut.ts) and the kind of its book (assembly/exports). */
const PROTOCOLS = {
  maker: [0, "vaults"], "aave-v3": [2, "accounts"], "compound-v2": [3, "accounts"], comet: [4, "accounts"],
  morpho: [5, "vaults"], "liquity-v1": [6, "vaults"], "liquity-v2": [7, "vaults"],
};
const NAMES = Object.keys(PROTOCOLS);

const cuts = NAMES.map((name) => async () => {
  const [only, kind] = PROTOCOLS[name], entries = ["book", kind, name].map((file) => `assembly/exports/${file}.ts`);
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    "node_modules/assemblyscript/bin/asc.js", ...entries, "--target", "release", "--use", "abort=", "--use", `ONLY=${only}`, "-o", `dist/${name}.wasm`,
  ]);
  if (stdout || stderr) console.log(stdout, stderr);
});
const inTurn = async () => { for (let cut = cuts.shift(); cut; cut = cuts.shift()) await cut(); };
await Promise.all([inTurn(), inTurn()]);

/** A cut as the text that modules/inline.ts reads: 68 and 24 are as there. */
function textOf(cut) {
  const bytes = readFileSync(`dist/${cut}.wasm`), counts = new Array(256).fill(0);
  for (const byte of bytes) ++counts[byte];
  const common = [...counts.keys()].slice(68).sort((a, b) => counts[b] - counts[a]).slice(0, 24);
  const codes = counts.map((_, byte) => (byte < 68 ? byte + 35 : common.includes(byte) ? common.indexOf(byte) + 103 : byte + 256));
  return String.fromCharCode(...common.map((byte) => byte + 256)) + Array.from(bytes, (byte) => String.fromCharCode(codes[byte])).join("");
}
/** The sources of a cut, and where its `instantiate` is (modules/cut.ts). */
const SOURCES = {
  inline: ["inline", (cut) => `import { moduleOf } from "./inline.js"; const text = ${JSON.stringify(textOf(cut))};
    export const source = "inline", loadModule = () => moduleOf(text);`],
  workerd: ["deployed", (cut) => `import module from "./${cut}.wasm"; export const source = "workerd", loadModule = () => module;`],
  "edge-light": ["deployed", (cut) => `import module from "./${cut}.wasm?module"; export const source = "edge-light", loadModule = () => module;`],
};
const INSTANTIATE = "instantiate";
const sources = {
  name: "sources of the cuts",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^cut:/ }, ({ path }) => ({ path: path.slice(4), namespace: "cut" }));
    onLoad({ filter: /./, namespace: "cut" }, ({ path }) => {
      const [cut, source] = path.split("."), [file, of] = SOURCES[source];
      return { contents: cut === INSTANTIATE ? `export { instantiate } from "./${file}.js";` : of(cut), resolveDir: "bindings/modules" };
    });
  },
};

await build({
  entryPoints: Object.fromEntries([
    ...["index", "arrow", "worker", "worker-entry"].map((name) => [name, `bindings/${name}.ts`]),
    ...NAMES.map((name) => [name, `bindings/protocols/${name}.ts`]),
    ...[...NAMES, INSTANTIATE].flatMap((cut) => Object.keys(SOURCES).map((source) => [`${cut}.${source}`, `cut:${cut}.${source}`])),
  ]),
  bundle: true, splitting: true, format: "esm", target: "es2022", charset: "utf8", minifySyntax: true, legalComments: "inline", drop: ["console"], mangleProps: /^__/,
  external: ["#module/*", "*.wasm", "*.wasm?module"], outdir: "dist", logLevel: "warning", plugins: [sources],
});

// esbuild keeps imports of chunks of which nothing is used, for what they might do; nothing here does anything when it is imported.
for (const file of readdirSync("dist").filter((name) => name.endsWith(".js"))) {
  writeFileSync(`dist/${file}`, readFileSync(`dist/${file}`, "utf8").replace(/^import "\.\/chunk-[^"]*";\n/gm, ""));
}

for (const [name, of] of [["assemblyscript", "assemblyscript"], ["comlink", "comlink"], ["flechette", "@uwdata/flechette"]]) copyFileSync(`node_modules/${of}/LICENSE`, `dist/LICENSE.${name}`);
