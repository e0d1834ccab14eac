/** Cloudflare Workers: the snapshot in an R2 bucket, in a KV namespace, or at a URL. wrangler.jsonc binds them. */
import type { Hono } from "hono";
import { createService } from "./service.js";
import type { Source } from "./snapshots.js";
import { type Bucket, type Namespace, bucketSource, namespaceSource, urlSource } from "./sources.js";

interface Environment {
  readonly BUCKET?: Bucket;
  readonly NAMESPACE?: Namespace;
  readonly SNAPSHOT_URL?: string;
  /** The object's key, or the value's. */
  readonly SNAPSHOT?: string;
  /** Seconds between looks for a new snapshot. */
  readonly EVERY?: string;
}

function sourceOf({ BUCKET, NAMESPACE, SNAPSHOT_URL, SNAPSHOT = "snapshot.arrow" }: Environment): Source {
  if (BUCKET) return bucketSource(BUCKET, SNAPSHOT);
  if (NAMESPACE) return namespaceSource(NAMESPACE, SNAPSHOT);
  if (SNAPSHOT_URL) return urlSource(SNAPSHOT_URL);
  return { version: async () => undefined, read: async () => undefined };
}

let service: Hono | undefined;

export default {
  fetch(request: Request, environment: Environment, context: never): Response | Promise<Response> {
    service ??= createService({ source: sourceOf(environment), every: Number(environment.EVERY ?? 10) });
    return service.fetch(request, environment, context);
  },
};
