/** Node: `SNAPSHOT=snapshot.arrow node node.js` */
import { serve } from "@hono/node-server";
import { sourceOf } from "./file.js";
import { createService } from "./service.js";

const service = createService({ source: sourceOf(process.env) });
serve({ fetch: (request) => service.fetch(request), port: Number(process.env["PORT"] ?? 8787) });
