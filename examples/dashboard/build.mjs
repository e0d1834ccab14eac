// Builds the dashboard into build/dashboard. With --serve, serves it on localhost and prints the address.
import { createServer } from "node:http";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url)), out = fileURLToPath(new URL("../../build/dashboard/", import.meta.url));

rmSync(out, { recursive: true, force: true });
await build({
  entryPoints: [
    { in: `${here}main.ts`, out: "main" }, { in: `${here}data.ts`, out: "data" }, { in: "plimsoll/worker-entry", out: "worker-entry" },
    { in: `${here}style.css`, out: "style" }, { in: `${here}index.html`, out: "index" },
  ],
  bundle: true, splitting: true, format: "esm", minify: true, charset: "utf8", target: "es2022", outdir: out, loader: { ".html": "copy" }, absWorkingDir: here,
  external: ["./liquity-v1.js", "./liquity-v2.js", "./comet.js", "./compound-v2.js"], // protocols that this page never opens
  logOverride: { "ignored-bare-import": "silent" }, logLevel: "warning",
});

if (process.argv.includes("--serve")) {
  const port = Number(process.env.PORT ?? 8080), types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css" };
  const server = createServer(({ url }, response) => {
    const { pathname } = new URL(url, "http://localhost"), name = pathname === "/" ? "index.html" : pathname.slice(1);
    let file;
    if (/^[\w-]+\.\w+$/.test(name) && existsSync(out + name)) file = readFileSync(out + name);
    response.writeHead(file ? 200 : 404, { "content-type": types[extname(name)] ?? "text/plain", "content-security-policy": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src data:; worker-src 'self'", "x-content-type-options": "nosniff" });
    response.end(file ?? "There is no such file.");
  });
  server.on("error", (error) => {
    console.error(error.code === "EADDRINUSE" ? `Port ${port} is in use: name another, PORT=8081 npm run dashboard` : error.message);
    process.exitCode = 1;
  });
  server.listen(port, "127.0.0.1", () => { console.log(`The dashboard is at http://localhost:${server.address().port}/`); });
}
