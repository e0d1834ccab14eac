/** Keys of the user's own: 20 or 32 bytes, as bytes or as `0x…`. */
import { refuse } from "./errors.js";

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
    return Uint8Array.from(key.slice(2).match(/../g)!, (digits) => Number.parseInt(digits, 16));
  }
  refuse("a key of this book", `${bytes} bytes, or 0x and ${bytes * 2} hex digits`, key instanceof Uint8Array ? toHex(key) : key);
}
