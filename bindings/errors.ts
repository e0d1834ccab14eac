/**
 * Every error that the library throws, by its stable code.
 *
 * | code | when |
 * | --- | --- |
 * | `not-a-bigint` | an amount, a figure or a time that is not a bigint |
 * | `out-of-range` | a bigint that is negative or too wide for its field |
 * | `invalid-argument` | another value of the wrong type or outside its range |
 * | `missing-field`, `unknown-field` | an object that lacks a required field, or has one that the protocol does not know |
 * | `length-mismatch` | columns, ids or keys whose lengths do not fit together |
 * | `unknown-market` | a number that no `addMarket` of this book returned |
 * | `unknown-batch` | a number that no `addBatch` of this book returned |
 * | `stale-id` | an id whose vault was removed, or that this book never gave |
 * | `duplicate-id` | the same vault twice in one bulk removal |
 * | `duplicate-key` | a key that another vault of the market carries |
 * | `capacity-reached` | more vaults than the book was opened for |
 * | `out-of-memory` | the WebAssembly memory cannot grow further (its limit is 4 GiB, the host's may be less) |
 * | `reverts` | a market cannot be accrued to a time, or not valued at any price that was asked for: the contract would revert, and the call has no row to say so (`accrue`, columns, `levels`) |
 * | `bad-snapshot` | bytes that are no Arrow file of a book: truncated, damaged, without a column or with a wrong type |
 * | `wrong-protocol`, `unknown-version` | a snapshot of another protocol or revision, or of another version of the format |
 * | `no-figures` | a figure of a hit that was asked for with `idsOnly` |
 * | `disposed` | a book after `dispose` |
 * | `wasm-blocked` | a host that does not let WebAssembly compile: a Content-Security-Policy without `wasm-unsafe-eval` |
 * | `worker-failed` | a worker that did not start, or that crashed |
 *
 * A call that throws has changed nothing in the book.
 */
export type ErrorCode =
  | "not-a-bigint" | "out-of-range" | "invalid-argument" | "missing-field" | "unknown-field" | "length-mismatch"
  | "unknown-market" | "unknown-batch" | "stale-id" | "duplicate-id" | "duplicate-key" | "capacity-reached" | "out-of-memory"
  | "reverts" | "bad-snapshot" | "wrong-protocol" | "unknown-version" | "no-figures" | "disposed" | "wasm-blocked" | "worker-failed";

/** The library's one error class. Tell errors apart by `code`; `message` names the field and the value. */
export class PlimsollError extends Error {
  override readonly name = "PlimsollError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Throws: a value is not what it must be. */
export function refuse(name: string, what: string, value: unknown, code: ErrorCode = "invalid-argument"): never {
  throw new PlimsollError(code, `${name} must be ${what}, not ${show(value)}`);
}

/** A value as a message shows it: short, and with its type where that is what is wrong. */
export function show(value: unknown): string {
  const text = Object(value) === value ? `[${(value as object).constructor?.name}]`
    : typeof value === "bigint" ? `${value}n` : typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > 100 ? `${text.slice(0, 60)}… (${text.length} characters)` : text;
}
