// Where translated code begins: the jump cache, and the places that are jumped to so often that they are
// queued for translation (layout.ts). An entry names code by its linear-memory address, so it holds for
// every way of translating addresses; a store to the page clears it.

import {
  HOT_COUNTS_BASE, HOT_QUEUE_BASE, HOT_QUEUE_ENTRIES, JUMP_CACHE_BASE, JUMP_CACHE_ENTRIES,
} from "./layout";
import { machine } from "./machine_state";

/**
 * Index in the table of the translated code at a linear-memory address, or 0. Counts the jump; a place
 * jumped to often is queued for translation.
 */
// @ts-ignore: decorator
@inline
export function lookUpCode(code: usize): u32 {
  const entry = JUMP_CACHE_BASE + ((code << 2) & ((JUMP_CACHE_ENTRIES - 1) << 3));
  if (load<u32>(entry) == <u32>code) return load<u32>(entry, 4);
  return countJump(code);
}

function countJump(code: usize): u32 {
  const m = machine();
  const at = HOT_COUNTS_BASE + ((code >> 1) & (JUMP_CACHE_ENTRIES - 1));
  const count = <u32>load<u8>(at) + 1;
  if (count < m.jitThreshold) {
    store<u8>(at, <u8>count);
    return 0;
  }
  store<u8>(at, 0);
  if (m.hotCount < HOT_QUEUE_ENTRIES) {
    store<u32>(HOT_QUEUE_BASE + (<usize>m.hotCount << 2), <u32>code);
    m.hotCount++;
    if (m.hotCount >= m.jitBatch && !m.endSlice) m.endSlice = 1;
  }
  return 0;
}

/** Forgets the translated code of the page at a linear-memory address. */
export function dropCode(page: usize): void {
  memory.fill(JUMP_CACHE_BASE + ((page << 2) & ((JUMP_CACHE_ENTRIES - 1) << 3)), 0, 0x4000);
  memory.fill(HOT_COUNTS_BASE + ((page >> 1) & (JUMP_CACHE_ENTRIES - 1)), 0, 0x800);
}

/** Forgets all translated code. */
export function dropAllCode(): void {
  memory.fill(JUMP_CACHE_BASE, 0, <usize>JUMP_CACHE_ENTRIES << 3);
  memory.fill(HOT_COUNTS_BASE, 0, JUMP_CACHE_ENTRIES);
  machine().hotCount = 0;
}
