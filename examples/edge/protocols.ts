/**
 * Which protocols this deployment serves: the one place to add or to remove one. The others are beside it in protocols/. What is not
 * imported here is not in the bundle, which is held to 60 KiB gzipped: Maker brings one cut of the module, Morpho and Liquity another
 * that all three share, and either of them fits; both are some 68 KiB.
 */
import { MAKER } from "./protocols/maker.js";
import type { Served } from "./served.js";

export const PROTOCOLS: readonly Served[] = [MAKER];
