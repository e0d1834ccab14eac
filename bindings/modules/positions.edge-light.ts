import module from "./positions.wasm?module";

export { instantiate } from "./deployed.js";
/** Which source the runtime's conditions chose. */
export const source = "edge-light";
export const loadModule = (): WebAssembly.Module => module;
