/** Where a snapshot may lie: at a URL, in a bucket or a namespace of Cloudflare's. A file is in file.ts, for runtimes that have files. */
import type { Source } from "./snapshots.js";

/** What is used of an R2 bucket and of a KV namespace. */
export interface Bucket {
  head(key: string): Promise<{ readonly etag: string } | null>;
  get(key: string): Promise<{ readonly etag: string; arrayBuffer(): Promise<ArrayBuffer> } | null>;
}
export interface Namespace {
  getWithMetadata(key: string, type: "arrayBuffer"): Promise<{ readonly value: ArrayBuffer | null; readonly metadata: unknown }>;
  list(options: { readonly prefix: string; readonly limit: number }): Promise<{ readonly keys: readonly { readonly name: string; readonly metadata?: unknown }[] }>;
}

export const bucketSource = (bucket: Bucket, key: string): Source => ({
  async version() { return (await bucket.head(key))?.etag; },
  async read() {
    const object = await bucket.get(key);
    return object ? { version: object.etag, bytes: new Uint8Array(await object.arrayBuffer()) } : undefined;
  },
});

/** A value of up to 25 MiB, whose metadata has a `version`. */
export const namespaceSource = (namespace: Namespace, key: string): Source => {
  const versionOf = (metadata: unknown) => String((metadata as { readonly version?: unknown } | null | undefined)?.version ?? "1");
  return {
    async version() {
      const { keys } = await namespace.list({ prefix: key, limit: 10 }), found = keys.find(({ name }) => name === key);
      return found && versionOf(found.metadata);
    },
    async read() {
      const { value, metadata } = await namespace.getWithMetadata(key, "arrayBuffer");
      return value ? { version: versionOf(metadata), bytes: new Uint8Array(value) } : undefined;
    },
  };
};

/** A URL whose server tells versions by ETag or by date. */
export const urlSource = (url: string): Source => {
  const ask = async (method: string) => {
    const answer = await fetch(url, { method });
    if (answer.status === 404) return undefined;
    if (!answer.ok) throw new Error(`the snapshot's server answered ${answer.status}`);
    return { answer, version: answer.headers.get("etag") ?? answer.headers.get("last-modified") ?? "1" };
  };
  return {
    async version() { return (await ask("HEAD"))?.version; },
    async read() {
      const found = await ask("GET");
      return found && { version: found.version, bytes: new Uint8Array(await found.answer.arrayBuffer()) };
    },
  };
};
