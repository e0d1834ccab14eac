/** The cut of plimsoll.wasm for books of Maker's vaults. */
import { instantiate, loadModule } from "#module/ilks";
import { Module } from "../abi.js";

export const ilks = /* @__PURE__ */ new Module(loadModule, instantiate);
