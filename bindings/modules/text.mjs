// Writes the cuts of plimsoll.wasm as the texts that inline.ts reads.
import { readFileSync, writeFileSync } from "node:fs";

for (const cut of ["vaults", "accounts"]) {
  let text = "";
  for (const byte of readFileSync(`dist/${cut}.wasm`)) text += String.fromCharCode(byte < 70 ? byte + 35 : byte < 105 || byte > 126 ? byte + 256 : byte);
  writeFileSync(`build/${cut}.text.js`, `export default ${JSON.stringify(text)};\n`);
  writeFileSync(`build/${cut}.text.d.ts`, "declare const text: string;\nexport default text;\n");
}
