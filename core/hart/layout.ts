// Map of the linear memory: everything a machine is, in one wasm memory.
//
//   0x0000_0000  zeros: the code table of a page that has none
//   0x0000_2000  static data of hart.wasm (softfloat tables)
//   0x0001_0000  Machine
//   0x0002_0000  Hart 0, Hart 1, ... one HART_STRIDE apart
//   0x0004_0000  decoded 32-bit instructions, a cache keyed by the instruction word
//   0x0010_0000  decoded 16-bit instructions, complete
//   0x0020_0000  translation contexts: TLBs, HART_CONTEXTS per hart
//   0x0140_0000  page flags, one byte a page of RAM
//   0x0150_0000  ROM
//   0x0160_0000  places in the code that are to be translated
//   0x0180_0000  table of each page's code (code_entries.ts), by linear address
//   0x01c0_0000  index of each page's decoded entries (decoded_pages.ts), by linear address
//   0x0200_0000  tables of translated code
//   0x0400_0000  pages of decoded entries
//   0x0510_0000  RAM, up to the end of the 4 GiB that wasm32 can address

export const MACHINE_BASE: usize = 0x0001_0000;
export const HARTS_BASE: usize = 0x0002_0000;
export const HART_STRIDE: usize = 0x1000;
export const MAX_HARTS: u32 = 8;

export const DECODE32_BASE: usize = 0x0004_0000;
export const DECODE32_BITS: u32 = 14; // 16 Ki slots of 16 bytes end at 0x8_0000
export const DECODE16_BASE: usize = 0x0010_0000;

export const CONTEXTS_BASE: usize = 0x0020_0000;
export const HART_CONTEXTS: u32 = 24;
export const TLB_ENTRIES: u32 = 1024;
export const TLB_ENTRY_BYTES: u32 = 16;
// Behind the entries lie those that were displaced last.
export const TLB_VICTIMS: u32 = 8;
export const TLB_BYTES: u32 = (TLB_ENTRIES + TLB_VICTIMS) * TLB_ENTRY_BYTES;
export const CONTEXT_HEADER_BYTES: u32 = 640;
// A context: read, write and execute TLB, then its header.
export const CONTEXT_BYTES: u32 = 3 * TLB_BYTES + CONTEXT_HEADER_BYTES;
// Fields of the header (tlb.ts)
export const CONTEXT_SATP: usize = 3 * TLB_BYTES;
export const CONTEXT_HGATP: usize = CONTEXT_SATP + 8;
export const CONTEXT_MODE: usize = CONTEXT_SATP + 16;
export const CONTEXT_STAMP: usize = CONTEXT_SATP + 20; // when it was last chosen
export const CONTEXT_LIVE: usize = CONTEXT_SATP + 24; // 0: its entries are stale, clear before use
export const CONTEXT_HUGE: usize = CONTEXT_SATP + 28; // a leaf of 512 GiB or more was split
export const CONTEXT_GIGA: usize = CONTEXT_SATP + 40; // split leaves of 1 GiB, a bit per (address >> 30) mod 64
export const CONTEXT_NEXT_VICTIM: usize = CONTEXT_SATP + 48; // u8 for each TLB
export const CONTEXT_MEGA: usize = CONTEXT_SATP + 64; // split leaves up to 2 MiB, a bit per hash of address >> 21
export const CONTEXT_MEGA_BYTES: u32 = 512;
export const TLB_MMIO: u64 = 0x800;
export const TLB_GUARDED: u64 = 0x400;

export const PAGE_FLAGS_BASE: usize = 0x0140_0000;
export const ROM_OFFSET: usize = 0x0150_0000;
export const MAX_ROM_BYTES: u32 = 0x1_0000;
export const RAM_OFFSET: usize = 0x0510_0000;
export const MAX_RAM_BYTES: u64 = 0x1_0000_0000 - 0x0510_0000;

// Page flags, set where a TLB entry is filled.
export const PAGE_TOUCHED: u8 = 1;
export const PAGE_DIRTY: u8 = 2;
export const PAGE_CODE: u8 = 4; // some execute TLB holds the page, and no write TLB does
export const PAGE_WRITABLE: u8 = 8; // some write TLB may hold the page
export const PAGE_ABSENT: u8 = 16; // its content is still to come from what was restored

// Translated code (code_entries.ts)
export const HOT_QUEUE_BASE: usize = 0x0160_0000; // 16 bytes each: linear address, fetch context, virtual page
export const HOT_QUEUE_ENTRIES: u32 = 1024;
export const TABLE_OF_PAGE_BASE: usize = 0x0180_0000; // u32 a page of linear memory
export const TABLE_OF_PAGE_BYTES: usize = 0x0040_0000;
export const CODE_TABLES_BASE: usize = 0x0200_0000;
export const CODE_TABLE_BYTES: usize = 0x2000; // u32 a halfword of the page
export const CODE_TABLES: u32 = 0x1000;

// Decoded code (decoded_pages.ts): 8 bytes a halfword of the page. Behind them entries that stay 0, for
// what comes after the page, and the page's owner.
export const DECODED_INDEX_BASE: usize = 0x01c0_0000; // u16 a page of linear memory
export const DECODED_PAGES_BASE: usize = 0x0400_0000;
export const DECODED_PAGES: u32 = 1024;
export const DECODED_PAGE_BYTES: usize = 0x4000;
export const DECODED_PAGE_STRIDE: usize = DECODED_PAGE_BYTES + 64;

// Optional extensions (Machine.extensions).
export const EXT_SMSTATEEN: u32 = 1;
export const EXT_SSCOFPMF: u32 = 2;
export const EXT_SVADU: u32 = 4;
export const EXT_SVPBMT: u32 = 8;
export const EXT_SVNAPOT: u32 = 16;
export const EXT_SSTC: u32 = 32;
