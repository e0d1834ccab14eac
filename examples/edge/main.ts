/** `npm run edge [-- --port P] [--vaults N]`: the service in workerd, over an invented snapshot, and requests to try. */
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { bundle } from "./bundle.js";
import { generate } from "./generate.js";
import { start } from "./local.js";

const { values: { port, vaults } } = parseArgs({ options: { port: { type: "string", default: "8787" }, vaults: { type: "string", default: "100000" } } });
if (!/^\d{1,5}$/.test(port) || !/^[1-9]\d{0,6}$/.test(vaults)) {
  console.error("edge: --port is a number up to 65535, --vaults one up to 9999999");
  process.exit(2);
}

const built = await bundle("examples/edge/cloudflare.ts"), { bytes, owners } = generate(Number(vaults)), service = start(built, { port: Number(port) });
if (!service) process.exit(1);
await (await service.getR2Bucket("BUCKET")).put("snapshot.arrow", bytes);
const url = String(await service.ready).replace(/\/$/, ""), compressed = [built.script, ...Object.values(built.modules)].reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0);

const RAY = 10n ** 27n;
const requests = [
  `/v1/maker/liquidation-price?ink=10000000000000000000&art=13000000000000000000000&mat=${(145n * RAY) / 100n}&val=2000000000000000000000`,
  `/v1/vaults/${owners[0]}`, `/v1/vaults/${owners[0]}?prices=0:1500000000000000000000`, "/v1/at-risk?market=0&limit=3", "/v1/at-risk?market=0&price=1800000000000000000000&limit=3",
  "/v1/levels?market=0&from=2000000000000000000000&to=1500000000000000000000&steps=6", "/v1/at-risk?limit=0", "/health",
];
console.log(`workerd serves ${Number(vaults).toLocaleString("en")} vaults at ${url}; the bundle is ${compressed.toLocaleString("en")} bytes gzipped.\n`);
for (const path of requests) {
  const answer = await fetch(url + path), text = await answer.text();
  console.log(`curl '${url}${path}'\n  ${answer.status} ${text.length > 300 ? `${text.slice(0, 300)}… (${text.length} characters)` : text}\n`);
}
console.log("Ctrl-C ends it.");
const end = () => void service.dispose().then(() => process.exit(0));
process.on("SIGINT", end).on("SIGTERM", end);
