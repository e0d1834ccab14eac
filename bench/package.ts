/** What the package weighs, and how soon it answers. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { type Group, quantile, stage } from "./measure.js";

const WARM = 2, STARTS = 15;
const resolve = (name: string) => import.meta.resolve(name);

/** A bundle of everything that a page would load for Maker, its cut of the module inlined. */
async function gzipBytes(): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: `export * from "plimsoll"; export * from "plimsoll/maker";`, resolveDir: fileURLToPath(new URL(".", resolve("plimsoll"))) },
    bundle: true, charset: "utf8", minify: true, format: "esm", target: "es2022", platform: "neutral", mainFields: ["module", "main"], write: false, logLevel: "warning",
  });
  return gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
}

/** A script in a process of its own: from its first statement to its first answer. Node's own start is not in it. */
const FIRST_ANSWER = `
  const start = performance.now();
  const [{ openBook }, { maker }] = await Promise.all([import(${JSON.stringify(resolve("plimsoll"))}), import(${JSON.stringify(resolve("plimsoll/maker"))})]);
  const book = openBook(maker), ray = 10n ** 27n;
  book.add(book.addMarket({ spot: ray, mat: ray, rate: ray }), { ink: 1n, art: 2n });
  const { length } = book.scan();
  const milliseconds = performance.now() - start;
  if (length !== 1) throw new Error("the first answer is wrong");
  console.log(milliseconds);
`;

function coldStart(): number {
  const times = Array.from({ length: WARM + STARTS }, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", FIRST_ANSWER], { encoding: "utf8" });
    if (status) throw new Error(stderr);
    return Number(stdout);
  });
  return quantile(times.slice(WARM), 0.5);
}

export const packageGroup: Group = {
  stages: () => [
    stage({
      vaults: 0, open: () => undefined,
      figures: {
        // Of Maker's cut, and of the whole.
        wasmBytes: ["bytes", () => readFileSync(new URL("maker.wasm", resolve("plimsoll"))).length],
        "wasmBytes.whole": ["bytes", () => readFileSync(new URL(resolve("plimsoll/plimsoll.wasm"))).length],
        gzipBytes: ["bytes", gzipBytes],
        coldStart: ["ms", coldStart],
      },
    }),
  ],
  goals: [
    { name: "wasmBytes", most: 24 * 1024 }, { name: "gzipBytes", most: 20 * 1024 }, { name: "coldStart", most: 15 },
  ],
};
