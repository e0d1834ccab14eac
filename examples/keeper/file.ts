/** Snapshots from disk. */
import { readFileSync } from "node:fs";
import { type Snapshot, readSnapshot, refusal } from "./snapshot.js";

/** Reads a JSON file. Throws `SnapshotError`. */
export function openSnapshot(file: string): Snapshot {
  let bytes: Uint8Array;
  try { bytes = readFileSync(file); } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw refusal(file, "", code === "ENOENT" ? "no such file" : code === "EISDIR" ? "is a folder, not a file" : `cannot be read (${code})`);
  }
  return readSnapshot(file, bytes);
}
