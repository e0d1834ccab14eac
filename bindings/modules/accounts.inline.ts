import text from "../../build/accounts.text.js";
import { moduleOf } from "./inline.js";

export { instantiate } from "./inline.js";

/** Which source the runtime's conditions chose. */
export const source = "inline";
export const loadModule = (): WebAssembly.Module => moduleOf(text);
