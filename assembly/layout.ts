/*
 * The memory of one book.
 *
 *   0 ┌──────────────┐
 *     │ constants    │ the compiler's static data
 *     ├──────────────┤ ARGS      arguments of a function or figures of a market, 32 bytes each
 *     ├──────────────┤ RESULTS   what a function answers, 32 bytes each (64 where the width asks)
 *     ├──────────────┤ SYSTEM    what all markets of the book share, 32 bytes each
 *     ├──────────────┤ __heap_base
 *     │ ARENA        │ as-bignum values of one cold call; forgotten when the next begins
 *     ├──────────────┤
 *     │ STAGE        │ what crosses between JavaScript and a book: columns in, ids and columns out
 *     ├──────────────┤
 *     │ BLOCKS …     │ chunks and tables, to the end of memory (store/blocks)
 *     └──────────────┘
 *
 * All integers are little-endian u64 limbs.
 */

export const ARGS:    usize = memory.data(1024, 16); // 32 fields
export const RESULTS: usize = memory.data(1024, 16);
export const SYSTEM:  usize = memory.data(1024, 16); // 32 fields

// @ts-ignore: decorator
@inline export const ARENA_BYTES: usize = 32768;
// @ts-ignore: decorator
@inline export const STAGE_BYTES: usize = 262144;

// @ts-ignore: decorator
@lazy export const ARENA:  usize = (__heap_base + 63) & ~63;
// @ts-ignore: decorator
@lazy export const STAGE:  usize = ARENA + ARENA_BYTES;
// @ts-ignore: decorator
@lazy export const BLOCKS: usize = STAGE + STAGE_BYTES;
