/** The exports of plimsoll.wasm. The build makes cuts of it too, each with what the book of one protocol needs: bindings/build.mjs. */
export * from "./exports/book";
export * from "./exports/vaults";
export * from "./exports/accounts";
export * from "./exports/maker";
export * from "./exports/aave-v3";
export * from "./exports/compound-v2";
export * from "./exports/comet";
export * from "./exports/morpho";
export * from "./exports/liquity-v1";
export * from "./exports/liquity-v2";
