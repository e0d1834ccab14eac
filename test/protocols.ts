/** Every protocol, by the name that a worker is asked for; of Aave one revision. */
export const NAMED = [{ name: "maker" }, { name: "aave-v3", revision: 11 }, { name: "compound-v2" }, { name: "comet" }, { name: "morpho" }, { name: "liquity-v1" }, { name: "liquity-v2" }] as const;
/** Each has an entry of the package and a cut of the module. */
export const PROTOCOLS = NAMED.map(({ name }) => name);
/** The message that asks a worker for a book, without any code of the package. */
export const opening = (protocol: object) => ({ id: "1", type: "APPLY", path: ["open"], argumentList: [protocol, {}].map((value) => ({ type: "RAW", value })) });
