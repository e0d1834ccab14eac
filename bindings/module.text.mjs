// Writes dist/plimsoll.wasm as the text that module.inline.ts reads.
import { readFileSync, writeFileSync } from "node:fs";

let text = "";
for (const byte of readFileSync("dist/plimsoll.wasm")) text += String.fromCharCode(byte < 70 ? byte + 35 : byte < 105 || byte > 126 ? byte + 256 : byte);
writeFileSync("build/plimsoll.text.js", `export default ${JSON.stringify(text)};\n`);
writeFileSync("build/plimsoll.text.d.ts", "declare const text: string;\nexport default text;\n");
