/** Where a module comes from by default: inlined as text, so that there is no file to lose and no URL to resolve. */
import { instantiateSync } from "@assemblyscript/loader";

/**
 * Compiles a module. Its bytes stand in a string: the small ones as the characters from `#` on, those of the commonest
 * operators as themselves, so that the frequent ones take one byte of UTF-8 and none needs an escape but `\`; the others 256
 * higher. To gzip that is little more than the file (base64 costs 30 %).
 */
export function moduleOf(text: string): WebAssembly.Module {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; ++i) {
    const code = text.charCodeAt(i);
    bytes[i] = code < 105 ? code - 35 : code; // a Uint8Array takes the low 8 bits
  }
  return new WebAssembly.Module(bytes);
}

export const instantiate = (module: WebAssembly.Module): WebAssembly.Instance => instantiateSync(module, {}).instance;
