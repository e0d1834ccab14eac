/**
 * Blocks of memory for chunks and tables. A block belongs to a class of equal size; a block given back waits in its
 * class's list and is taken before memory grows, so a book that churns stays as large as it ever had to be.
 */
import { BLOCKS } from "../layout";

const FREE: usize = memory.data(1408, 16); // 32 heads of tables and 64 times 5 of chunks, each the first free block or 0

/** What a table was that grew: blocks of any class are cut from it before memory grows. */
let spare: usize = 0, spareEnd: usize = 0;
let top: u64 = 0; // first byte never handed out; u64, since the end of memory is 2^32

/** The class of a table of `1 << log` bytes. */
// @ts-ignore: decorator
@inline
export function tableClass(log: u32): u32 { return log; }
/** The class of a chunk by its size, 0 to 4, and its shelf. */
// @ts-ignore: decorator
@inline
export function chunkClass(size: u32, shelf: u32): u32 { return 32 + shelf * 5 + size; }

/** Makes sure that `bytes` can be taken without fail; false, and nothing changed, where memory cannot grow so far. */
export function ensure(bytes: u64): bool {
  if (!top) top = BLOCKS;
  const have = <u64>memory.size() << 16, need = top + bytes;
  if (need <= have) return true;
  if (need > 1 << 32) return false;
  const pages = <i32>((need - have + 0xffff) >> 16);
  const slack = memory.size() >> 4; // a sixteenth more, so that growing by small steps stays cheap
  return (slack > pages && memory.grow(slack) >= 0) || memory.grow(pages) >= 0;
}

/** A block of the class, `bytes` long, or 0 where memory cannot grow. Its content is undefined. */
export function take(cls: u32, bytes: u32): usize {
  const list = FREE + (cls << 2), block = load<u32>(list);
  if (block) {
    store<u32>(list, load<u32>(block));
    return block;
  }
  const size = (<u64>bytes + 63) & ~63; // whole lines of cache
  if (size <= spareEnd - spare) {
    spare += <usize>size;
    return spare - <usize>size;
  }
  if (!ensure(size)) return 0;
  const at = top;
  top += size;
  return <usize>at;
}

export function give(cls: u32, block: usize): void {
  const list = FREE + (cls << 2);
  store<u32>(block, load<u32>(list));
  store<u32>(list, <u32>block);
}

/** A table twice as long, with what `table` holds at its start, `table` given back; 0, and nothing changed, on failure. */
export function doubled(table: usize, log: u32): usize {
  const next = take(tableClass(log + 1), 2 << log);
  if (next) {
    memory.copy(next, table, 1 << log);
    if (log >= 6 && <usize>1 << log > spareEnd - spare) { spare = table; spareEnd = table + (1 << log); }
    else give(tableClass(log), table);
  }
  return next;
}
