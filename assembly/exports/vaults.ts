/** A book of vaults. */
export { reserve, load_ as load, update, updateMany, inspect, keysAt } from "../book";
