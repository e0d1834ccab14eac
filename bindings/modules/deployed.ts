/** A module that a runtime compiled when it was deployed may be of another realm, and the loader would take it for bytes. */
export const instantiate = (module: WebAssembly.Module): WebAssembly.Instance => new WebAssembly.Instance(module);
