/** The exports of plimsoll.wasm. The build makes two cuts of it, each with the book and what one kind of book needs: asconfig.json. */
export * from "./exports/book";
export * from "./exports/vaults";
export * from "./exports/accounts";
