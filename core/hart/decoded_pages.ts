// Pages of decoded code: what `run` goes along.
//
// A page of code has one entry of 8 bytes for each halfword, so that an instruction's entry is found from
// its address alone, and those of straight-line code lie in a row. Entries are filled one by one, when
// they are first executed; 0 is one that is not. (Layout of an entry: decoded_entry.ts.)
//
// A page of code that is written loses its entries (code_pages.ts), so they never differ from the code.
// They are found under the address of the code in linear memory, and hold for every way of translating.

import { handlerOf, packEntry } from "./decoded_entry";
import {
  DECODED_INDEX_BASE, DECODED_PAGE_BYTES, DECODED_PAGE_STRIDE, DECODED_PAGES, DECODED_PAGES_BASE,
} from "./layout";

/** Entries that are never filled: from here every instruction is looked for. */
export const NOWHERE: usize = DECODED_PAGES_BASE;
/** Entries of code that may not be remembered; one at a time is filled. */
export const PASSING: usize = DECODED_PAGES_BASE + DECODED_PAGE_STRIDE;
const FIRST_OWNED: u32 = 2;
/** Where a page says which page of code it decodes, behind entries that stay 0. */
const OWNER: usize = DECODED_PAGE_BYTES + 32;

let passingEntry: usize = PASSING;
let nextPage: u32 = FIRST_OWNED;

// @ts-ignore: decorator
@inline
function pageAt(index: u32): usize {
  return DECODED_PAGES_BASE + <usize>index * DECODED_PAGE_STRIDE;
}

/** Where the index of the page's entries is. */
// @ts-ignore: decorator
@inline
function indexAt(code: usize): usize {
  return DECODED_INDEX_BASE + (code >> 12 << 1);
}

/** Where the entry of the instruction at `pc` is, or would be. */
// @ts-ignore: decorator
@inline
export function entryAt(entries: usize, pc: u64): usize {
  return entries + (<usize>(pc & 0xfff) << 2);
}

/** The entries of the page of code at a linear-memory address, or 0. */
// @ts-ignore: decorator
@inline
export function decodedPage(code: usize): usize {
  const index = <u32>load<u16>(indexAt(code));
  return index ? pageAt(index) : 0;
}

/** The same, made if there are none, in place of those that were made first. */
export function openDecodedPage(code: usize): usize {
  const known = decodedPage(code);
  if (known) return known;
  const page = pageAt(nextPage);
  const owner = <usize>load<u32>(page, OWNER);
  if (owner) dropDecodedPage(owner);
  store<u32>(page, <u32>code, OWNER);
  store<u16>(indexAt(code), <u16>nextPage);
  nextPage = nextPage + 1 < DECODED_PAGES ? nextPage + 1 : FIRST_OWNED;
  return page;
}

/** Forgets the entries of the page of code at a linear-memory address. */
export function dropDecodedPage(code: usize): void {
  const page = decodedPage(code);
  if (!page) return;
  memory.fill(page, 0, DECODED_PAGE_STRIDE);
  store<u16>(indexAt(code), 0);
}

/** Forgets all entries. */
export function dropAllDecodedPages(): void {
  for (let index = FIRST_OWNED; index < DECODED_PAGES; index++) {
    const owner = <usize>load<u32>(pageAt(index), OWNER);
    if (owner) dropDecodedPage(owner);
  }
}

/** Fills the entry of the instruction at `pc` among `PASSING`, and empties the one filled before. */
export function fillPassing(pc: u64, entry: u64): usize {
  store<u64>(passingEntry, 0);
  passingEntry = entryAt(PASSING, pc);
  store<u64>(passingEntry, entry);
  return passingEntry;
}

/** The entry for a decoded instruction (layout of a slot: generated/decode.ts). */
export function entryOf(slot: usize): u64 {
  const op = <u32>load<u16>(slot, 4);
  const handler = handlerOf(op, load<u32>(slot), load<u8>(slot, 15));
  return packEntry(handler, load<u8>(slot, 6), load<u8>(slot, 7), load<u8>(slot, 12), load<u32>(slot, 8));
}
