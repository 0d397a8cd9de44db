import { assertEquals, assertThrows } from "@std/assert";
import { loadElf } from "./mod.ts";
import { makeElf } from "./program_test_support.ts";

const bytes = new Uint8Array([1, 2, 3, 4]);

Deno.test("segments go to their physical addresses, in order", () => {
  const elf = loadElf(makeElf({
    entry: 0xffff_ffff_8000_0002n,
    segments: [
      { vaddr: 0xffff_ffff_8000_1000n, paddr: 0x8000_1000n, bytes, memSize: 0x100 },
      { vaddr: 0xffff_ffff_8000_0000n, paddr: 0x8000_0000n, bytes, memSize: 4 },
      { vaddr: 0n, paddr: 0n, bytes: new Uint8Array(0), memSize: 0 },
    ],
  }));
  assertEquals(elf.entry, 0x8000_0002);
  assertEquals(elf.segments, [
    { physAddr: 0x8000_0000, bytes, memSizeBytes: 4 },
    { physAddr: 0x8000_1000, bytes, memSizeBytes: 0x100 },
  ]);
});

Deno.test("symbols, and HTIF's registers by physical address", () => {
  const elf = loadElf(makeElf({
    segments: [{ vaddr: 0x1000n, paddr: 0x8000_0000n, bytes, memSize: 0x100 }],
    symbols: { main: 0x1000n, tohost: 0x1040n, to: 0x1n },
  }));
  assertEquals(elf.symbol("main"), 0x1000n);
  assertEquals(elf.symbol("to"), 1n);
  assertEquals(elf.symbol("mai"), undefined);
  assertEquals(elf.tohost, 0x8000_0040);
  assertEquals(elf.fromhost, undefined);
  assertEquals(elf.physicalAddress(0x10ffn), 0x8000_00ff);
  assertEquals(elf.physicalAddress(0x1100n), undefined);
});

Deno.test("a stripped file has no symbols", () => {
  const file = makeElf({ symbols: { main: 0n } });
  new DataView(file.buffer).setUint16(60, 0, true);
  assertEquals(loadElf(file).symbol("main"), undefined);
});

/** Offsets of the first program header and, from the end, of the symbol table's header. */
const PHDR = 64;
const SYMTAB = -128;

/** Damage by name: what is done to a good file, and the error that names it. */
const DAMAGES: readonly [
  string,
  (view: DataView, end: number) => void,
  ErrorConstructor,
  string,
][] = [
  ["magic", (v) => v.setUint8(0, 0), SyntaxError, "offset 0: no ELF file"],
  ["32 bits", (v) => v.setUint8(4, 1), RangeError, "offset 4: class 1, data 1"],
  ["machine", (v) => v.setUint16(18, 62, true), RangeError, "e_machine 62, RISC-V is 243"],
  ["relocatable", (v) => v.setUint16(16, 1, true), RangeError, "e_type 1 is no executable"],
  ["entry", (v) => v.setUint32(24, 16, true), SyntaxError, "e_entry 0x10 is in no PT_LOAD"],
  ["e_phoff", (v) => v.setUint32(36, 1), SyntaxError, "offset 32: 1 program headers at file"],
  ["e_phentsize", (v) => v.setUint16(54, 32, true), SyntaxError, "have 32 bytes each, not 56"],
  ["e_phnum", (v) => v.setUint16(56, 0xffff, true), RangeError, "e_phnum 65535: too many"],
  ["many headers", (v) => v.setUint16(56, 9999, true), SyntaxError, "9999 program headers"],
  ["nothing to load", (v) => v.setUint32(PHDR, 4, true), SyntaxError, "no PT_LOAD segment"],
  ["p_offset", (v) => v.setUint8(PHDR + 15, 0xff), SyntaxError, "ends behind the file"],
  ["p_filesz", (v) => v.setUint8(PHDR + 39, 0xff), SyntaxError, "ends behind the file"],
  [
    "p_memsz",
    (v) => v.setUint8(PHDR + 40, 1),
    SyntaxError,
    "p_memsz 0x1 is less than p_filesz 0x4",
  ],
  ["p_paddr", (v) => v.setUint8(PHDR + 31, 0xff), RangeError, "reaches beyond 2^53"],
  ["e_shoff", (v) => v.setUint8(47, 0xff), SyntaxError, "section headers at file offset"],
  [
    "sh_offset",
    (v, end) => v.setUint8(end + SYMTAB + 31, 1),
    SyntaxError,
    "symbol table ends behind",
  ],
  [
    "sh_entsize",
    (v, end) => v.setUint8(end + SYMTAB + 56, 8),
    SyntaxError,
    "sh_entsize of the symbol",
  ],
  ["sh_link", (v, end) => v.setUint8(end + SYMTAB + 40, 9), SyntaxError, "sh_link 9 of the symbol"],
];

for (const [name, damage, errorClass, message] of DAMAGES) {
  Deno.test(`what it refuses: ${name}`, () => {
    const file = makeElf({ symbols: { main: 0n } });
    damage(new DataView(file.buffer), file.length);
    assertThrows(() => loadElf(file, "test.elf"), errorClass, message);
    assertThrows(() => loadElf(file, "test.elf"), errorClass, "test.elf: offset ");
  });
}

Deno.test("what it refuses: segments on top of each other", () => {
  const segment = { vaddr: 0n, paddr: 0x8000_0000n, bytes, memSize: 0x11 };
  const file = makeElf({ segments: [segment, { ...segment, paddr: 0x8000_0010n }] });
  assertThrows(() => loadElf(file), SyntaxError, "physical 0x80000000 and 0x80000010 overlap");
});
