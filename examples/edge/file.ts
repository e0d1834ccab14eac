/** A snapshot in a file, or at a URL: Node, Deno and Bun. */
import { readFile, stat } from "node:fs/promises";
import type { Source } from "./snapshots.js";
import { urlSource } from "./sources.js";

const missing = (error: unknown) => {
  if ((error as { readonly code?: string }).code === "ENOENT") return undefined;
  throw error;
};

function fileSource(path: string): Source {
  const version = () => stat(path).then(({ mtimeMs, size }) => `${mtimeMs.toString(36)}-${size.toString(36)}`, missing);
  return {
    version,
    async read() {
      const before = await version(), bytes = await readFile(path).catch(missing);
      return before === undefined || !bytes ? undefined : { version: before, bytes };
    },
  };
}

/** What the variables of the environment name: `SNAPSHOT`, a path or a URL, and `PORT`. */
export const sourceOf = ({ SNAPSHOT = "snapshot.arrow" }: Readonly<Record<string, string | undefined>>): Source => (/^https?:/.test(SNAPSHOT) ? urlSource(SNAPSHOT) : fileSource(SNAPSHOT));
