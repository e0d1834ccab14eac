/** Where a book begins. */
import type { AccountBook } from "./accounts.js";
import type { BookOptions } from "./book.js";
import { refuse } from "./errors.js";
import { type AccountProtocol, type Calls, type Fields, type Protocol, knowFields, wholeNumber } from "./protocol.js";
import type { Book } from "./vaults.js";

/**
 * Opens an empty book for the vaults of a protocol. Instantiates the module, synchronously.
 * @throws `invalid-argument` for options out of range, `out-of-memory` where the host gives no memory.
 */
export function openBook<A, C, V extends Fields, M extends Fields, S extends Fields, K extends Fields, L extends Fields>(
  protocol: AccountProtocol<A, C, V, M, S, K, L>, options?: BookOptions,
): AccountBook<A, C, V, M, S, K, L>;
export function openBook<V extends Fields, M extends Fields, S extends Fields, L extends Fields, B extends Fields>(
  protocol: Protocol<V, M, S, L, B>, options?: BookOptions,
): Book<V, M, S, L, B>;
export function openBook(protocol: Protocol | AccountProtocol<unknown, Calls, Fields, Fields, Fields>, options: BookOptions = {}): unknown {
  if (!protocol?.vault) refuse("what openBook opens", "a protocol such as maker", protocol);
  knowFields("options", options, { capacity: 0, keyBytes: 0 });
  const { capacity = Infinity, keyBytes = 0 } = options;
  if (capacity !== Infinity) wholeNumber("capacity", capacity, 1);
  if (keyBytes !== 0 && keyBytes !== 20 && keyBytes !== 32) refuse("keyBytes", "20 or 32", keyBytes);
  return new (protocol.kind.Book as new (...of: unknown[]) => unknown)(protocol, capacity, keyBytes);
}
