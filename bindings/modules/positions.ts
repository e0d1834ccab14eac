/** The cut of plimsoll.wasm for books of positions: Morpho's, and Liquity's troves. */
import { instantiate, loadModule } from "#module/positions";
import { Module } from "../abi.js";

export const positions = /* @__PURE__ */ new Module(loadModule, instantiate);
