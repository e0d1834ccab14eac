import module from "./ilks.wasm";

/** Which source the runtime's conditions chose. */
export const source = "workerd";
export const loadModule = (): WebAssembly.Module => module;
