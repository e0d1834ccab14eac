/** The exports of plimsoll.wasm. The build makes cuts of it too, each with the book and the rules that one kind of book needs: asconfig.json. */
export * from "./exports/book";
export * from "./exports/vaults";
export * from "./exports/ilks";
export * from "./exports/positions";
export * from "./exports/accounts";
