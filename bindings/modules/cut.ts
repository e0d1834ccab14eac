/** What a source of a cut of the module gives: `#module/…` in package.json, made by the build of inline.ts or deployed.ts. */

/** Which source the runtime's conditions chose. */
export declare const source: "inline" | "workerd" | "edge-light";
export declare const loadModule: () => WebAssembly.Module;
/** Not of a cut but of `#module/instantiate`: how this runtime makes an instance of any of them. */
export declare const instantiate: (module: WebAssembly.Module) => WebAssembly.Instance;
