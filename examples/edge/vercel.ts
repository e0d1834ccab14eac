/** Vercel Edge: the snapshot at the URL that `SNAPSHOT_URL` names. A route that takes all paths: `api/[...path].ts` with a rewrite. */
import { handle } from "hono/vercel";
import { createService } from "./service.js";
import { urlSource } from "./sources.js";

declare const process: { readonly env: Readonly<Record<string, string | undefined>> };

export const config = { runtime: "edge" };
export default handle(createService({ source: urlSource(process.env["SNAPSHOT_URL"] ?? "") }));
