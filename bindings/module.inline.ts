/** Where the module comes from by default: inlined as base64, so that there is no file to lose and no URL to resolve. */
import base64 from "../dist/plimsoll.wasm";

/** Which source the runtime's conditions chose. */
export const source = "inline";

export function loadModule(): WebAssembly.Module {
  const binary = atob(base64), bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; ++i) bytes[i] = binary.charCodeAt(i);
  return new WebAssembly.Module(bytes);
}
