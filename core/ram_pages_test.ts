// RAM that was restored comes page by page, whoever looks at it first; what is written is noted, again
// after each snapshot; code stays decoded and translated exactly where it is the same.

import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { encode, reg } from "./conformance/assembler.ts";
import type { HartArray } from "./hart_array.ts";
import { PAGE_BYTES, RamImage } from "./ram_image.ts";
import {
  type BareProgram,
  bareProgram,
  MSTATUS,
  type Program,
  RAM,
  ramView,
  x,
} from "./testing/bare_program.ts";
import { AddressSpace, pte, RWX, scheme, TablePages } from "./testing/page_tables.ts";
import {
  everything,
  restoreAll,
  restoredHarts,
  saveAll,
  type SavedHarts,
} from "./testing/saved_harts.ts";

/** Page numbers: code lies in page 0 and, for these tests, nowhere else unless they say so. */
const DATA = 32;
const TABLES = 64;
const address = (page: number) => RAM + page * PAGE_BYTES;
const ADUE = 1n << 61n;
const TRANSLATE = { threshold: 1, batch: 1 } as const;

/** A program in harts that have executed nothing, with the number n in the first word of page n from DATA on. */
function program(
  body: (a: Program, harts: HartArray) => void,
  options: Parameters<typeof bareProgram>[1] = {},
): BareProgram {
  const made = bareProgram((a, harts) => {
    const ram = ramView(harts);
    for (let page = DATA; page < TABLES; page++) ram.set(address(page), BigInt(page));
    body(a, harts);
  }, options);
  made.harts.ramWritten(RAM, made.harts.module.ram.length);
  return made;
}

/** The same with a note of every page whose content was asked for. */
function observed({ state, ram }: SavedHarts): { saved: SavedHarts; asked: Set<number> } {
  const asked = new Set<number>();
  const noting = [...ram.pages()].map(([page, content]) =>
    [page, {
      bytes: () => {
        assert(!asked.has(page), `page ${page} came twice`);
        asked.add(page);
        return content.bytes();
      },
    }] as const
  );
  return { saved: { state, ram: ram.with(noting) }, asked };
}

/** Pages that were written since the image that harts go by. */
function writtenPages(harts: HartArray): number[] {
  return [...harts.pages.capture(true).changesFrom(harts.pages.image)].map(([page]) => page);
}

interface AccessCase {
  readonly name: string;
  readonly body: (a: Program, pages: TablePages) => void;
  /** Pages that are brought in besides that of the code. */
  readonly pages: readonly number[];
  /** Those among them that are written. */
  readonly written: readonly number[];
  /** What a0 holds at the end. */
  readonly result: bigint;
}

/** Loads the address of a data page. */
const at = (a: Program, register: number, page: number, offset = 0) =>
  a.constant(register, BigInt(address(page) + offset));

/** Page tables at TABLES: root, then the two tables below for VA 0, then more. */
function mapped(a: Program, pages: TablePages, flags: bigint): AddressSpace {
  const space = new AddressSpace(pages);
  space.map(0x5000n, address(DATA + 5), flags);
  a.setCsr("menvcfg", ADUE);
  return space;
}

const ACCESSES: readonly AccessCase[] = [
  {
    name: "a load",
    body: (a) => at(a, reg.a1, DATA + 1).op("ld", reg.a0, 0, reg.a1),
    pages: [DATA + 1],
    written: [],
    result: BigInt(DATA + 1),
  },
  {
    name: "a floating-point load",
    body: (a) =>
      at(a, reg.a1, DATA + 2).setBits("mstatus", 3n << 13n).op("fld", 1, 0, reg.a1)
        .op("fmv.x.d", reg.a0, 1),
    pages: [DATA + 2],
    written: [],
    result: BigInt(DATA + 2),
  },
  {
    name: "a misaligned load over two pages",
    body: (a) => at(a, reg.a1, DATA + 3, -4).op("ld", reg.a0, 0, reg.a1),
    pages: [DATA + 2, DATA + 3],
    written: [],
    result: BigInt(DATA + 3) << 32n,
  },
  {
    name: "a store of a byte, which leaves the rest of the page",
    body: (a) =>
      at(a, reg.a1, DATA + 4).op("addi", reg.a2, 0, 1).op("sb", reg.a2, 1, reg.a1)
        .op("ld", reg.a0, 0, reg.a1),
    pages: [DATA + 4],
    written: [DATA + 4],
    result: BigInt(DATA + 4) | 0x100n,
  },
  {
    name: "a misaligned store over two pages",
    body: (a) =>
      at(a, reg.a1, DATA + 5, -4).op("addi", reg.a2, 0, -1).op("sd", reg.a2, 0, reg.a1)
        .op("lwu", reg.a0, 4, reg.a1),
    pages: [DATA + 4, DATA + 5],
    written: [DATA + 4, DATA + 5],
    result: 0xffff_ffffn,
  },
  {
    name: "an AMO",
    body: (a) =>
      at(a, reg.a1, DATA + 6).op("addi", reg.a2, 0, 3).op("amoadd.d", reg.a0, reg.a2, reg.a1),
    pages: [DATA + 6],
    written: [DATA + 6],
    result: BigInt(DATA + 6),
  },
  {
    name: "LR and SC",
    body: (a) =>
      at(a, reg.a1, DATA + 7).op("lr.d", reg.a0, 0, reg.a1).op("sc.d", reg.a3, reg.a0, reg.a1),
    pages: [DATA + 7],
    written: [DATA + 7],
    result: BigInt(DATA + 7),
  },
  {
    name: "LR alone",
    body: (a) => at(a, reg.a1, DATA + 7).op("lr.d", reg.a0, 0, reg.a1),
    pages: [DATA + 7],
    written: [],
    result: BigInt(DATA + 7),
  },
  {
    name: "a cache block that is zeroed",
    body: (a) =>
      a.setBits("menvcfg", 1n << 7n).constant(reg.a1, BigInt(address(DATA + 8)))
        .op("cbo.zero", reg.a1).op("ld", reg.a0, 0, reg.a1),
    pages: [DATA + 8],
    written: [DATA + 8],
    result: 0n,
  },
  {
    name: "a fetch",
    body: (a) => at(a, reg.a1, DATA + 9, 8).op("jalr", reg.ra, 0, reg.a1),
    pages: [DATA + 9],
    written: [],
    result: 99n,
  },
  {
    name: "a fetch over two pages",
    body: (a) => at(a, reg.a1, DATA + 10, -2).op("jalr", reg.ra, 0, reg.a1),
    pages: [DATA + 9, DATA + 10],
    written: [],
    result: 98n,
  },
  {
    name: "a page-table walk that changes nothing",
    body: (a, pages) => {
      const space = mapped(a, pages, RWX);
      a.setCsr("satp", space.atp()).constant(reg.a1, 0x5000n)
        .clearBits("mstatus", MSTATUS.mpp(3)).setBits("mstatus", MSTATUS.MPRV | MSTATUS.mpp(1))
        .op("ld", reg.a0, 0, reg.a1).clearBits("mstatus", MSTATUS.MPRV);
    },
    pages: [DATA + 5, TABLES, TABLES + 1, TABLES + 2],
    written: [],
    result: BigInt(DATA + 5),
  },
  {
    name: "a page-table walk that sets A",
    body: (a, pages) => {
      const space = mapped(a, pages, pte.V | pte.R | pte.W);
      a.setCsr("satp", space.atp()).constant(reg.a1, 0x5000n)
        .clearBits("mstatus", MSTATUS.mpp(3)).setBits("mstatus", MSTATUS.MPRV | MSTATUS.mpp(1))
        .op("ld", reg.a0, 0, reg.a1).clearBits("mstatus", MSTATUS.MPRV);
    },
    pages: [DATA + 5, TABLES, TABLES + 1, TABLES + 2],
    written: [TABLES + 2],
    result: BigInt(DATA + 5),
  },
  {
    name: "HLV through both stages",
    body: (a, pages) => {
      const guest = new AddressSpace(pages, scheme.sv39, true); // 4 pages from TABLES on
      for (const page of [DATA + 6, TABLES + 6, TABLES + 7, TABLES + 8]) {
        guest.map(BigInt(address(page)), address(page), RWX | pte.U);
      }
      const space = new AddressSpace(pages);
      space.map(0x7000n, address(DATA + 6), RWX | pte.U);
      assertEquals(space.root, address(TABLES + 6));
      a.setCsr("hgatp", guest.atp()).setCsr("vsatp", space.atp()).constant(reg.a1, 0x7000n)
        .op("hlv.d", reg.a0, reg.a1);
    },
    pages: [DATA + 6, TABLES, ...[4, 5, 6, 7, 8].map((n) => TABLES + n)],
    written: [],
    result: BigInt(DATA + 6),
  },
  {
    name: "HLVX and HSV",
    body: (a, pages) => {
      const guest = new AddressSpace(pages, scheme.sv39, true);
      guest.map(0x3000n, address(DATA + 11), RWX | pte.U);
      a.setCsr("hgatp", guest.atp()).constant(reg.a1, 0x3000n)
        .op("hlvx.wu", reg.a0, reg.a1).op("hsv.w", reg.a1, reg.a0);
    },
    pages: [DATA + 11, TABLES, TABLES + 4, TABLES + 5],
    written: [DATA + 11],
    result: BigInt(DATA + 11),
  },
];

function accessProgram({ body }: AccessCase, options = {}): BareProgram {
  return program((a, harts) => {
    const ram = harts.ramAt(RAM, harts.module.ram.length)!;
    const code = new DataView(ram.buffer, ram.byteOffset);
    const put = (at: number, word: number) => code.setUint32(at - RAM, word, true);
    put(address(DATA + 9) + 8, encode("addi", reg.a0, 0, 99));
    put(address(DATA + 9) + 12, encode("jalr", 0, 0, reg.ra));
    put(address(DATA + 10) - 2, encode("addi", reg.a0, 0, 98));
    put(address(DATA + 10) + 2, encode("jalr", 0, 0, reg.ra));
    body(a, new TablePages(harts, address(TABLES)));
  }, options);
}

for (const jit of [false, TRANSLATE] as const) {
  const how = jit ? "translated" : "interpreted";
  for (const each of ACCESSES) {
    Deno.test(`${each.name}, ${how}: absent pages come, and writes are noted`, () => {
      const made = accessProgram(each, { jit });
      const { saved, asked } = observed(saveAll(made.harts));
      const harts = restoredHarts(saved, { jit });
      assertEquals([...asked], []);
      assertEquals(harts.run(10_000), "idle");
      assertEquals(x(harts, reg.a0), each.result);
      assertEquals([...asked].sort((a, b) => a - b), [0, ...each.pages].sort((a, b) => a - b));
      assertEquals(writtenPages(harts), each.written);
      // In harts in which everything is there already, the same happens.
      made.harts.run(10_000);
      assertEquals(everything(harts), everything(made.harts));
      assertEquals(writtenPages(made.harts), each.written);
    });
  }
}

Deno.test("each access brings pages into harts that hold something else there", () => {
  for (const each of ACCESSES) {
    const made = accessProgram(each);
    const start = saveAll(made.harts);
    made.harts.run(10_000);
    const end = everything(made.harts);
    const used = made.harts;
    for (let page = 1; page < used.pages.count; page++) {
      used.ramAt(address(page), PAGE_BYTES)!.fill(0xa5);
    }
    used.ramWritten(RAM, used.module.ram.length);
    const { saved, asked } = observed(start);
    restoreAll(used, saved);
    used.run(10_000);
    assertEquals([...asked].sort((a, b) => a - b), [0, ...each.pages].sort((a, b) => a - b));
    assertEquals(everything(used), end, each.name);
  }
});

Deno.test("pages of zeros are holes, and come as zeros where something else was", () => {
  const { harts } = program((a) => at(a, reg.a1, 20).op("ld", reg.a0, 0x7f8, reg.a1));
  const start = saveAll(harts);
  assertEquals([...start.ram.pages()].map(([page]) => page), [
    0,
    ...Array.from({ length: TABLES - DATA }, (_, n) => DATA + n),
  ]);
  harts.ramAt(address(20), PAGE_BYTES)!.fill(0xff);
  harts.ramWritten(address(20), PAGE_BYTES);
  const other = saveAll(harts);
  assertEquals([...other.ram.changesFrom(start.ram)].map(([page]) => page), [20]);
  restoreAll(harts, start).run(1_000);
  assertEquals(x(harts, reg.a0), 0n);
  restoreAll(harts, other).run(1_000);
  assertEquals(x(harts, reg.a0), 2n ** 64n - 1n);
  // Zeros that were written over something are a hole again.
  restoreAll(harts, other);
  harts.ramAt(address(20), PAGE_BYTES)!.fill(0);
  harts.ramWritten(address(20), 1);
  const { ram } = saveAll(harts);
  assertStrictEquals(ram.page(20), undefined);
  assertEquals([...ram.changesFrom(start.ram)], []);
});

Deno.test("ramAt brings in what it hands out and no more, ramWritten notes what is written and no more", () => {
  const { harts: first } = program((a) => a.end());
  const { saved, asked } = observed(saveAll(first));
  const harts = restoredHarts(saved);
  const pages = () => [...asked].sort((a, b) => a - b);
  assertEquals(harts.ramAt(address(DATA + 3), 1)![0], DATA + 3);
  assertEquals(pages(), [DATA + 3]);
  assertEquals(harts.ramAt(address(DATA + 6) - 1, 2)![1], DATA + 6);
  assertEquals(pages(), [DATA + 3, DATA + 5, DATA + 6]);
  assertEquals(harts.ramAt(address(DATA + 9), 0)!.length, 0);
  assertEquals(harts.ramAt(RAM + harts.module.ram.length, 0)!.length, 0);
  assertEquals(harts.ramAt(RAM + harts.module.ram.length, 1), undefined);
  assertEquals(pages(), [DATA + 3, DATA + 5, DATA + 6]);
  assertEquals(writtenPages(harts), []);
  for (
    const [offset, sizeBytes, expected] of [
      [address(DATA + 5) + 4095, 1, [DATA + 5]],
      [address(DATA + 5) + 4095, 2, [DATA + 5, DATA + 6]],
      [address(DATA + 3), 0, []],
    ] as const
  ) {
    harts.ramWritten(offset, sizeBytes);
    assertEquals(writtenPages(harts), expected);
    saveAll(harts);
  }
});

Deno.test("after each snapshot the next store to a page is noted again", () => {
  for (const jit of [false, TRANSLATE] as const) {
    const { harts } = program((a) => {
      at(a, reg.a1, DATA).constant(reg.a2, BigInt(address(DATA + 1))).label("loop");
      a.op("addi", reg.a0, reg.a0, 1).op("sd", reg.a0, 0, reg.a1).op("amoadd.d", 0, reg.a0, reg.a2)
        .op("ld", reg.a3, 0, reg.a2).jump("loop");
    }, { jit });
    let parent = saveAll(harts).ram;
    for (let round = 0; round < 5; round++) {
      harts.run(1_000);
      const { ram } = saveAll(harts);
      assertEquals([...ram.changesFrom(parent)].map(([page]) => page), [DATA, DATA + 1]);
      // Nothing executed, nothing changed.
      assertEquals([...saveAll(harts).ram.changesFrom(ram)], []);
      parent = ram;
    }
  }
});

Deno.test("an image is not what the machine writes later, unless it was to be a view", () => {
  const { harts } = program((a) => a.end());
  const copies = harts.pages.capture(true);
  const view = harts.pages.capture(false);
  const first = harts.ramAt(address(DATA), 8)!;
  first[0] = 200;
  assertEquals(copies.page(DATA)!.bytes()[0], DATA);
  assertEquals(view.page(DATA)!.bytes()[0], 200);
  assertEquals(copies.page(DATA)!.bytes().length, PAGE_BYTES);
});

Deno.test("a snapshot of restored harts needs no page that was not written", () => {
  const { harts: first } = program((a) => {
    at(a, reg.a1, DATA).label("loop").op("ld", reg.a0, 0, reg.a1).op("addi", reg.a0, reg.a0, 1)
      .op("sd", reg.a0, 0, reg.a1).jump("loop");
  });
  const { saved, asked } = observed(saveAll(first));
  const harts = restoredHarts(saved);
  harts.run(100);
  const next = saveAll(harts);
  assertEquals([...asked].sort((a, b) => a - b), [0, DATA]);
  assertEquals([...next.ram.changesFrom(saved.ram)].map(([page]) => page), [DATA]);
  for (const [page, content] of next.ram.pages()) {
    if (page !== DATA) assertStrictEquals(content, saved.ram.page(page));
  }
  first.run(100);
  assertEquals(everything(harts), everything(first));
});

Deno.test("content that cannot be had: the error comes through, and the harts can be restored anew", () => {
  const { harts: first } = program((a) => at(a, reg.a1, DATA).op("ld", reg.a0, 0, reg.a1));
  const saved = saveAll(first);
  const broken = saved.ram.with([[DATA, {
    bytes: () => {
      throw new RangeError("gone");
    },
  }]]);
  const harts = restoredHarts({ state: saved.state, ram: broken });
  assertThrows(() => harts.run(1_000), RangeError, "gone");
  assertThrows(() => harts.ramAt(address(DATA), 1), RangeError, "gone");
  restoreAll(harts, saved).run(1_000);
  first.run(1_000);
  assertEquals(everything(harts), everything(first));
});

Deno.test("an image of another size is refused before anything changes", () => {
  const { harts } = program((a) => a.end());
  const { state } = saveAll(harts);
  harts.run(20);
  const before = everything(harts);
  for (const count of [1, 255, 257, 4096]) {
    assertThrows(
      () => harts.openState(state, RamImage.zeros(count)),
      RangeError,
      `the image has ${count} pages, the machine 256`,
    );
  }
  assertEquals(everything(harts), before);
});

// ---- Code ----

/** Whether code of a page is decoded. */
function isDecoded(harts: HartArray, page: number): boolean {
  const { module } = harts;
  const index = module.layout("RAM_OFFSET") / PAGE_BYTES + page;
  const at = module.layout("DECODED_INDEX_BASE") + 2 * index;
  return module.bytes[at]! + module.bytes[at + 1]! !== 0;
}

/** Calls functions on two pages for ever, which answer numbers. */
function callingProgram(jit: typeof TRANSLATE | false): BareProgram {
  return program((a, harts) => {
    const ram = harts.ramAt(RAM, harts.module.ram.length)!;
    const code = new DataView(ram.buffer, ram.byteOffset);
    for (const page of [DATA, DATA + 1]) {
      const offset = address(page) - RAM;
      code.setUint32(offset, encode("addi", reg.a0, reg.a0, page), true);
      code.setUint32(offset + 4, encode("jalr", 0, 0, reg.ra), true);
    }
    at(a, reg.s1, DATA).constant(reg.s2, BigInt(address(DATA + 1))).label("loop")
      .op("jalr", reg.ra, 0, reg.s1).op("jalr", reg.ra, 0, reg.s2).jump("loop");
  }, { jit });
}

for (const jit of [false, TRANSLATE] as const) {
  const how = jit ? "translated" : "interpreted";

  Deno.test(`code in pages that are the same stays, ${how}`, () => {
    const { harts } = callingProgram(jit);
    harts.run(500);
    const saved = saveAll(harts);
    harts.run(500);
    const end = everything(harts);
    const regions = harts.jitStatistics?.regions;
    for (let round = 0; round < 3; round++) {
      restoreAll(harts, saved);
      assertEquals([0, DATA, DATA + 1].map((page) => isDecoded(harts, page)), [true, true, true]);
      harts.run(500);
      assertEquals(everything(harts), end);
    }
    assertEquals(harts.jitStatistics?.regions, regions);
  });

  Deno.test(`code in pages that differ is forgotten, ${how}`, () => {
    const { harts } = callingProgram(jit);
    harts.run(500);
    const one = saveAll(harts);
    harts.run(500);
    const oneEnd = everything(harts);
    restoreAll(harts, one);
    const view = harts.ramAt(address(DATA), 4)!;
    new DataView(view.buffer, view.byteOffset).setUint32(
      0,
      encode("addi", reg.a0, reg.a0, 1),
      true,
    );
    harts.ramWritten(address(DATA), 4);
    const two = saveAll(harts);
    harts.run(500);
    const twoEnd = everything(harts);
    assert(twoEnd.digest !== oneEnd.digest);
    for (
      const [saved, end] of [[one, oneEnd], [two, twoEnd], [two, twoEnd], [one, oneEnd]] as const
    ) {
      restoreAll(harts, saved);
      harts.run(500);
      assertEquals(everything(harts), end);
      const fresh = restoredHarts(saved, { jit });
      fresh.run(500);
      assertEquals(everything(fresh), end);
    }
    restoreAll(harts, two);
    harts.run(500);
    restoreAll(harts, one);
    assertEquals([0, DATA, DATA + 1].map((page) => isDecoded(harts, page)), [true, false, true]);
  });

  Deno.test(`code that writes itself goes on as it did, ${how}`, () => {
    const made = program((a, harts) => {
      const ram = harts.ramAt(RAM, harts.module.ram.length)!;
      const code = new DataView(ram.buffer, ram.byteOffset);
      code.setUint32(address(DATA) - RAM, encode("addi", reg.a0, reg.a0, 1), true);
      code.setUint32(address(DATA) - RAM + 4, encode("jalr", 0, 0, reg.ra), true);
      // Each round adds another number: the instruction's immediate is in bits 20 and up.
      at(a, reg.s1, DATA).constant(reg.s2, 1n << 20n).label("loop")
        .op("jalr", reg.ra, 0, reg.s1).op("jalr", reg.ra, 0, reg.s1)
        .op("lw", reg.t0, 0, reg.s1).op("addw", reg.t0, reg.t0, reg.s2).op("sw", reg.t0, 0, reg.s1)
        .op("fence.i").jump("loop");
    }, { jit });
    const { harts } = made;
    const points: SavedHarts[] = [saveAll(harts)];
    for (let n = 1; n < 40; n++) {
      harts.run(37);
      points.push(saveAll(harts));
    }
    harts.run(37);
    const end = everything(harts);
    // Backwards, so that what is in the machine is always of another time.
    for (let n = points.length - 1; n >= 0; n--) {
      restoreAll(harts, points[n]!);
      harts.run(37 * (points.length - n));
      assertEquals(everything(harts), end, `from point ${n}`);
    }
    const fresh = restoredHarts(points[7]!, { jit });
    fresh.run(37 * (points.length - 7));
    assertEquals(everything(fresh), end);
  });
}

Deno.test("ROM that differs is executed as it is now", () => {
  const ROM = 0x1000;
  const rom = (value: number) => {
    const words = Uint32Array.of(
      encode("addi", reg.a0, 0, value),
      encode("wfi"),
      encode("jal", 0, -4),
    );
    return new Uint8Array(words.buffer);
  };
  for (const jit of [false, TRANSLATE] as const) {
    const { harts } = program((a) => a.end(), { jit, rom: { base: ROM, bytes: rom(1) } });
    const start = saveAll(harts);
    for (const value of [1, 2, 1, 3]) {
      harts.writeRom(rom(value));
      restoreAll(harts, start);
      harts.writeRom(rom(value));
      assertEquals(harts.run(1_000), "idle");
      assertEquals(x(harts, reg.a0), BigInt(value));
    }
  }
});
