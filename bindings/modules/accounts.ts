/** The cut of plimsoll.wasm for books of accounts. */
import { instantiate, loadModule } from "#module/accounts";
import { Module } from "../abi.js";

export const accounts = /* @__PURE__ */ new Module(loadModule, instantiate);
