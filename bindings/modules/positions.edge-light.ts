import module from "./positions.wasm?module";

/** Which source the runtime's conditions chose. */
export const source = "edge-light";
export const loadModule = (): WebAssembly.Module => module;
