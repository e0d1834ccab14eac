/** The part of the Arrow library that decodes a file's messages and makes no columns: its own are for values of every type. */
declare module "@uwdata/flechette/src/decode/decode-ipc.js" {
  export { decodeIPC } from "@uwdata/flechette/dist/types/decode/decode-ipc.js";
}
