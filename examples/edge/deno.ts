/** Deno: `SNAPSHOT=snapshot.arrow deno run --allow-net --allow-read --allow-env deno.ts` */
import { sourceOf } from "./file.js";
import { createService } from "./service.js";

declare const Deno: { readonly env: { toObject(): Readonly<Record<string, string>> }; serve(options: { readonly port: number }, handler: (request: Request) => Response | Promise<Response>): unknown };

const variables = Deno.env.toObject(), service = createService({ source: sourceOf(variables) });
Deno.serve({ port: Number(variables["PORT"] ?? 8787) }, (request) => service.fetch(request));
