/** The module itself, as runtimes and bundlers that import WebAssembly hand it over. */
declare const module: WebAssembly.Module;
export default module;
