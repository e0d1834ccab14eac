/** What runtimes hand over that compile a `.wasm` when they are deployed: Cloudflare as it is, Vercel with `?module`. */
declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
declare module "*.wasm?module" {
  const module: WebAssembly.Module;
  export default module;
}
