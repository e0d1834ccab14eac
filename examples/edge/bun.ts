/** Bun: `SNAPSHOT=snapshot.arrow bun run bun.ts` */
import { sourceOf } from "./file.js";
import { createService } from "./service.js";

const service = createService({ source: sourceOf(process.env) });
export default { port: Number(process.env["PORT"] ?? 8787), fetch: (request: Request) => service.fetch(request) };
