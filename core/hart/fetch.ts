// Finds and decodes the instruction at an address.
//
// Decoded instructions are kept twice: as slots of 16 bytes under the instruction word, complete, for
// `executeSlow` and the translator; and as entries of 8 bytes under the address of the code
// (decoded_pages.ts), which `run` goes along.

import { ACCESS_EXECUTE, pending } from "./fault";
import { decode } from "./generated/decode";
import { Hart } from "./hart_state";
import { decodedPage, entryAt, entryOf, fillPassing, openDecodedPage, PASSING } from "./decoded_pages";
import { DECODE16_BASE, DECODE32_BASE, DECODE32_BITS } from "./layout";
import { isCodePageCached, locateCode } from "./memory";
import { tlbEntry } from "./tlb";

const PAGE_MASK: u64 = ~0xfff;

// @ts-ignore: decorator
@inline
function slotOfWide(insn: u32): usize {
  return DECODE32_BASE + (<usize>((insn * 0x9e3779b1) >> (32 - DECODE32_BITS)) << 4);
}

/** The decoded form of an instruction word. */
export function decodedSlot(insn: u32): usize {
  if ((insn & 3) != 3) return DECODE16_BASE + (<usize>(insn & 0xffff) << 4);
  const slot = slotOfWide(insn);
  if (load<u32>(slot) != insn) decode(insn, slot);
  return slot;
}

/** Decodes all 16-bit instructions once. */
export function prepareDecoder(): void {
  for (let insn: u32 = 0; insn < 0x10000; insn++) {
    if ((insn & 3) != 3) decode(insn, DECODE16_BASE + (<usize>insn << 4));
  }
  decode(3, slotOfWide(3));
}

/** Linear-memory address of the first byte of the last `fetch`. */
let fetched: usize = 0;

/** Fetches at `pc` through translation, across a page or PMP boundary if need be. May raise. */
function fetch(h: Hart, pc: u64): u32 {
  fetched = locateCode(h, pc);
  if (fetched == 0) return 0;
  const low = <u32>load<u16>(fetched);
  if ((low & 3) != 3) return low;
  // Both halves on one page, which the PMP treats alike.
  if ((pc & 0xfff) != 0xffe && isCodePageCached(h, pc)) return load<u32>(fetched);
  const first = fetched;
  const second = locateCode(h, pc + 2);
  if (second == 0) return 0;
  fetched = first;
  return low | (<u32>load<u16>(second) << 16);
}

/** After `findEntry`: the page of code in linear memory, or 0 if it may not be remembered. */
export let foundCode: usize = 0;
/** After `findEntry`: the page's entries. */
export let foundEntries: usize = 0;

/** The slot of the instruction that `PASSING` holds. */
let passingSlot: usize = 0;

/** Finds the entry of the instruction at `pc`, and fills it if need be. Answers 0 if the fetch raised. */
export function findEntry(h: Hart, pc: u64): usize {
  const tlb = tlbEntry(<usize>h.fetchContext, ACCESS_EXECUTE, pc);
  if (load<u64>(tlb) == (pc & PAGE_MASK)) {
    foundCode = <usize>(<u32>(pc & PAGE_MASK) + load<u32>(tlb, 8));
    foundEntries = decodedPage(foundCode);
    const entry = entryAt(foundEntries, pc);
    if (foundEntries && load<u64>(entry)) return entry;
  }
  const insn = fetch(h, pc);
  if (pending) return 0;
  const slot = decodedSlot(insn);
  // The second half may come to lie elsewhere, and what is not in the TLB is to be looked for each time.
  const crosses = (pc & 0xfff) == 0xffe && (insn & 3) == 3;
  if (crosses || !isCodePageCached(h, pc)) {
    foundCode = 0;
    foundEntries = PASSING;
    passingSlot = slot;
    return fillPassing(pc, entryOf(slot));
  }
  foundCode = fetched & ~0xfff;
  foundEntries = openDecodedPage(foundCode);
  const entry = entryAt(foundEntries, pc);
  store<u64>(entry, entryOf(slot));
  return entry;
}

/** The slot of the instruction at an offset of the page of code at `code`, which is being executed. */
export function slotAt(code: usize, offset: usize): usize {
  if (!code) return passingSlot;
  const low = <u32>load<u16>(code + offset);
  return decodedSlot((low & 3) == 3 ? load<u32>(code + offset) : low);
}
