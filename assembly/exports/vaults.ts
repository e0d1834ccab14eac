/** A book of vaults. */
export { reserve, load_ as load, update, updateMany, inspect } from "../book";
