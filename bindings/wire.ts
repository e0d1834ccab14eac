/** What crosses between a page and the worker that has its book. Everything is a copy, or handed over; nothing is shared. */
import { PlimsollError, type ErrorCode } from "./errors.js";
import { Hits } from "./hits.js";

/** By what the worker finds a protocol. */
export interface Named {
  readonly name: string;
  readonly revision?: number | string | undefined;
}

/** What the worker offers. A property of the book is asked for like a method. */
export interface Served {
  open(protocol: Named, options: object): Promise<Answer>;
  ask(name: string, args: readonly unknown[]): Answer;
}

/** Comlink makes every error a plain one, without its code: so it crosses as a value. */
export type Answer = { readonly value: unknown } | { readonly fault: Fault };
export interface Fault {
  readonly name: string;
  readonly message: string;
  readonly code: ErrorCode | undefined;
  readonly stack: string | undefined;
}

export function faultOf(error: unknown): Fault {
  const { name, message, code, stack } = error as PlimsollError;
  return { name, message, code, stack };
}

/** The error as it was thrown, of its own class: the library's, or the one of that name (`RangeError`, `WebAssembly.RuntimeError`). */
export function errorOf({ name, message, code, stack }: Fault): Error {
  const named = [WebAssembly, globalThis].map((scope) => (scope as unknown as Record<string, typeof Error>)[name]);
  const Class = named.find((found) => found?.prototype instanceof Error) ?? Error;
  const error = code ? new PlimsollError(code, message) : new Class(message);
  error.stack = `${error.stack}\n  in the worker: ${stack}`;
  return error;
}

const HITS = "plimsoll.hits";
type Packed = Readonly<Record<string, unknown>>;
/** Objects are looked into, arrays of numbers are not. */
const isObject = (value: unknown): value is Packed => typeof value === "object" && value !== null && !ArrayBuffer.isView(value);
const mapped = (value: Packed, map: (value: unknown) => unknown) => (
  Array.isArray(value) ? value.map(map) : Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, map(inner)]))
);

/** A result as it crosses. Its arrays belong to nobody else, for a book answers with copies: their buffers are collected, to be handed over. */
export function pack(value: unknown, buffers: Set<Transferable>): unknown {
  if (ArrayBuffer.isView(value)) buffers.add(value.buffer as ArrayBuffer);
  if (!isObject(value)) return value;
  const inner = (part: unknown) => pack(part, buffers);
  return value instanceof Hits ? { [HITS]: value.parts.map(inner) } : mapped(value, inner);
}

export function unpack(value: unknown): unknown {
  if (!isObject(value)) return value;
  return HITS in value ? new Hits(...value[HITS] as Hits["parts"]) : mapped(value, unpack);
}

const handed = new WeakSet<object>();

/**
 * Hands arrays over to the worker instead of copying them: `book.load(market, handOver({ ink, art }), handOver(keys))`. Takes an array of
 * numbers or an object of such, and answers it. With the call their buffers become the worker's, whether it succeeds or fails, whole
 * even where an array is a part of one: on the page they, and all other arrays on them, have the length 0 from then on.
 */
export function handOver<T extends object>(arrays: T): T {
  handed.add(arrays);
  return arrays;
}

/** An argument as it crosses: arrays that were handed over with their buffers, others without the rest of theirs. */
export function give(value: unknown, buffers: Set<Transferable>, all = handed.has(value as object)): unknown {
  if (ArrayBuffer.isView(value)) {
    const array = value as Uint8Array<ArrayBuffer>, { buffer } = array;
    if (!(buffer instanceof ArrayBuffer)) return array.slice(); // shared memory would stay shared
    if (all || handed.has(array)) buffers.add(buffer);
    else if (buffer.byteLength > array.byteLength) return array.slice(); // a clone would take the whole buffer along
    return array;
  }
  if (!isObject(value) || !Object.values(value).some(ArrayBuffer.isView)) return value;
  return mapped(value, (inner) => (ArrayBuffer.isView(inner) ? give(inner, buffers, all) : inner));
}
