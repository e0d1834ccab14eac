/** Keys of the user's own: 20 or 32 bytes, as bytes or as `0x…`. */
import { PlimsollError, show } from "./errors.js";

export type Key = Uint8Array | string;

export function toHex(key: Uint8Array): string {
  let text = "0x";
  for (const byte of key) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** The bytes of a key; throws unless it has as many as the book's keys. */
export function keyBytesOf(key: unknown, bytes: number): Uint8Array {
  if (key instanceof Uint8Array && key.length === bytes) return key;
  if (typeof key === "string" && key.length === 2 + bytes * 2 && /^0x[0-9a-fA-F]*$/.test(key)) {
    return Uint8Array.from({ length: bytes }, (_, i) => Number.parseInt(key.slice(2 + i * 2, 4 + i * 2), 16));
  }
  const got = key instanceof Uint8Array ? `${key.length} bytes` : show(key);
  throw new PlimsollError("invalid-argument", `a key of this book is ${bytes} bytes, or 0x and ${bytes * 2} hex digits, not ${got}`);
}
