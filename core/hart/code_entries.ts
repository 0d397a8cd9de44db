// Where translated code is entered, and how often the other places are reached (layout.ts).
//
// A page that code was executed from has a table with one word for each halfword: the entry of
// translated code (bit 31 set), or how many arrivals are left before the place is queued for translation
// (0: nobody has come yet). The translator sets a higher number where it has covered a place within a
// region, and marks where a region that spans pages comes over from another one. A word is found under
// the address of the code in linear memory, so it holds for every way of translating addresses; a store
// to the page clears the page's table.

import {
  CODE_TABLE_BYTES, CODE_TABLES_BASE, CODE_TABLES, HOT_QUEUE_BASE, HOT_QUEUE_ENTRIES, TABLE_OF_PAGE_BASE,
  TABLE_OF_PAGE_BYTES,
} from "./layout";
import { Hart } from "./hart_state";
import { machine } from "./machine_state";

/** A place from which on a region goes on from another page: bits 0 to 22 are its function's index. */
const CROSSED: i32 = 0x4000_0000;

/** In place of a table where there is none: the zeros at the beginning of memory. */
const NO_TABLE: u32 = 0;

/** Address of the word of the code at a linear-memory address. */
// @ts-ignore: decorator
@inline
function wordOf(code: usize): usize {
  return <usize>load<u32>(TABLE_OF_PAGE_BASE + ((code >> 12) << 2)) + ((code & 0xffe) << 1);
}

/**
 * The entry of translated code at a linear-memory address, negative; else how often it may still be reached
 * before it is queued. `page` is the virtual address of its page.
 */
// @ts-ignore: decorator
@inline
export function lookUpCode(h: Hart, code: usize, page: u64): i32 {
  const word = wordOf(code);
  const value = load<i32>(word);
  if (value <= 0) return value < 0 ? value : firstArrival(h, code, page);
  if (value >= CROSSED) return value;
  store<i32>(word, value - 1);
  if (value == 2) queue(h, code, page);
  return value;
}

/** Begins to count, in the page's table, made if there is none. */
function firstArrival(h: Hart, code: usize, page: u64): i32 {
  const m = machine();
  const at = TABLE_OF_PAGE_BASE + ((code >> 12) << 2);
  if (load<u32>(at) == NO_TABLE) {
    if (m.codeTables == CODE_TABLES) dropAllCode();
    store<u32>(at, <u32>(CODE_TABLES_BASE + <usize>m.codeTables * CODE_TABLE_BYTES));
    m.codeTables++;
  }
  store<i32>(wordOf(code), m.jitThreshold);
  if (m.jitThreshold == 1) queue(h, code, page);
  return 0;
}

function queue(h: Hart, code: usize, page: u64): void {
  const m = machine();
  if (m.hotCount == HOT_QUEUE_ENTRIES) return;
  const place = HOT_QUEUE_BASE + (<usize>m.hotCount << 4);
  store<u32>(place, <u32>code);
  store<u32>(place, h.fetchContext, 4);
  store<u64>(place, page, 8);
  m.hotCount++;
  if (m.hotCount >= m.jitBatch && !m.endSlice) m.endSlice = 1;
}

/** Forgets the translated code of the page at a linear-memory address. */
export function dropCode(page: usize): void {
  const table = load<u32>(TABLE_OF_PAGE_BASE + ((page >> 12) << 2));
  if (table != NO_TABLE) memory.fill(table, 0, CODE_TABLE_BYTES);
}

/** Forgets all translated code and all counts. */
export function dropAllCode(): void {
  const m = machine();
  memory.fill(TABLE_OF_PAGE_BASE, 0, TABLE_OF_PAGE_BYTES);
  memory.fill(CODE_TABLES_BASE, 0, <usize>m.codeTables * CODE_TABLE_BYTES);
  m.codeTables = 0;
  m.hotCount = 0;
}
