/** Where a module comes from by default: inlined as text, so that there is no file to lose and no URL to resolve. */
import { instantiateSync } from "@assemblyscript/loader";

/**
 * Compiles a module. Its bytes stand in a string: the first 68 as the characters from `#` on; the 24 commonest of the others, with which
 * the string begins, as those that follow up to `~`; what is left 256 higher. So the frequent ones take one byte of UTF-8, and none
 * needs an escape but `\`. To gzip that is little more than the file (base64 costs 30 %).
 */
export function moduleOf(text: string): WebAssembly.Module {
  const bytes = new Uint8Array(text.length - 24);
  for (let i = 0; i < bytes.length; ++i) {
    const code = text.charCodeAt(i + 24);
    bytes[i] = code < 103 ? code - 35 : code < 127 ? text.charCodeAt(code - 103) : code; // a Uint8Array takes the low 8 bits
  }
  return new WebAssembly.Module(bytes);
}

export const instantiate = (module: WebAssembly.Module): WebAssembly.Instance => instantiateSync(module, {}).instance;
