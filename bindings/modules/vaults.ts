/** The cut of plimsoll.wasm for books of vaults. */
import { loadModule } from "#module/vaults";
import { Module } from "../abi.js";

export const vaults = /* @__PURE__ */ new Module(loadModule);
