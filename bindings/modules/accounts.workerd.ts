import module from "./accounts.wasm";

export { instantiate } from "./deployed.js";
/** Which source the runtime's conditions chose. */
export const source = "workerd";
export const loadModule = (): WebAssembly.Module => module;
