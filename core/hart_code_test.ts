// Code that changes: stores to instructions show at once, with and without FENCE.I, under every alias.
//
// The specification lets a hart go on with the old instruction until FENCE.I (Unprivileged, Zifencei);
// this one never does, and a run must not depend on what was cached.

import { assertEquals } from "@std/assert";
import { encode, reg } from "./conformance/assembler.ts";
import { bareProgram, MSTATUS, type Program, RAM, runToEnd, x } from "./testing/bare_program.ts";
import { AddressSpace, RWX, TablePages } from "./testing/page_tables.ts";

const CODE = RAM + 0x9000;
const VA = 0x6_0000_0000n;
const RET = encode("jalr", 0, 0, reg.ra);
const li = (value: number) => encode("addi", reg.a0, 0, value);

/** Writes a 32-bit word at the address in `base`. */
function storeWord(a: Program, base: number, offset: number, word: number): void {
  a.constant(reg.t0, BigInt(word | 0)).op("sw", reg.t0, offset, base);
}

function call(a: Program, base: number): void {
  a.op("jalr", reg.ra, 0, base).op("sb", reg.a0, 0, reg.s11).op("addi", reg.s11, reg.s11, 1);
}

const RESULTS = RAM + 0x1_0000;

function results(program: ReturnType<typeof bareProgram>): number[] {
  runToEnd(program);
  return Array.from(program.harts.ramAt(RESULTS, Number(x(program.harts, reg.s11)) - RESULTS)!);
}

for (const fence of [false, true]) {
  const suffix = fence ? "with FENCE.I" : "without a fence";

  Deno.test(`a function that is overwritten returns the new value, ${suffix}`, () => {
    const values = Array.from({ length: 60 }, (_, i) => i);
    const program = bareProgram((a) => {
      a.constant(reg.s11, BigInt(RESULTS)).constant(reg.s0, BigInt(CODE));
      storeWord(a, reg.s0, 4, RET);
      for (const value of values) {
        storeWord(a, reg.s0, 0, li(value));
        if (fence) a.op("fence.i");
        call(a, reg.s0);
      }
    });
    assertEquals(results(program), values);
  });

  Deno.test(`the next instruction is overwritten by the one before it, ${suffix}`, () => {
    const program = bareProgram((a) => {
      a.address(reg.s0, "target").constant(reg.t0, BigInt(li(7)));
      a.op("addi", reg.a0, 0, 1).op("sw", reg.t0, 0, reg.s0);
      if (fence) a.op("fence.i");
      a.label("target").op("addi", reg.a0, 0, 2);
    });
    runToEnd(program);
    assertEquals(x(program.harts, reg.a0), 7n);
  });

  Deno.test(`a loop that changes its own body, many times over, ${suffix}`, () => {
    const rounds = 300;
    const program = bareProgram((a) => {
      a.constant(reg.s1, BigInt(rounds)).address(reg.s0, "body");
      a.label("loop").label("body").op("addi", reg.a0, reg.a0, 0); // the immediate grows
      a.op("lw", reg.t0, 0, reg.s0).constant(reg.t1, 1n << 20n).op("add", reg.t0, reg.t0, reg.t1);
      a.constant(reg.t1, 0x0fff_ffffn).op("and", reg.t0, reg.t0, reg.t1);
      a.op("sw", reg.t0, 0, reg.s0);
      if (fence) a.op("fence.i");
      a.op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "loop");
    });
    runToEnd(program);
    let [sum, immediate] = [0, 0];
    for (let i = 0; i < rounds; i++) {
      sum += immediate;
      immediate = (immediate + 1) & 0xff;
    }
    assertEquals(x(program.harts, reg.a0), BigInt(sum));
  });
}

Deno.test("half of a 32-bit instruction is overwritten, also across a page", () => {
  for (const at of [CODE + 0x100, CODE + 0x102, CODE + 0xffe]) {
    const program = bareProgram((a) => {
      a.constant(reg.s11, BigInt(RESULTS)).constant(reg.s0, BigInt(at));
      for (
        const [offset, half] of [[0, li(5) & 0xffff], [2, li(5) >>> 16], [4, RET & 0xffff], [
          6,
          RET >>> 16,
        ]]
      ) {
        a.constant(reg.t0, BigInt(half!)).op("sh", reg.t0, offset!, reg.s0);
      }
      call(a, reg.s0);
      a.constant(reg.t0, BigInt(li(6) >>> 16)).op("sh", reg.t0, 2, reg.s0);
      call(a, reg.s0);
      a.constant(reg.t0, 0x4521n).op("sh", reg.t0, 0, reg.s0); // c.li a0, 8
      a.constant(reg.t0, 0x8082n).op("sh", reg.t0, 2, reg.s0); // c.jr ra
      call(a, reg.s0);
    });
    assertEquals(results(program), [5, 6, 8]);
  }
});

Deno.test("code written through one virtual address runs under another", () => {
  const program = bareProgram((a, harts) => {
    const space = new AddressSpace(new TablePages(harts, RAM + 0x2_0000))
      .map(BigInt(RAM), RAM, RWX, 2).map(VA, CODE).map(VA + 0x1000n, CODE);
    a.constant(reg.s11, BigInt(RESULTS)).constant(reg.s0, VA).constant(reg.s1, VA + 0x1000n);
    a.constant(reg.s2, BigInt(CODE)).setCsr("satp", space.atp()).enter(1);
    storeWord(a, reg.s2, 4, RET);
    let value = 0;
    for (const writer of [reg.s0, reg.s1, reg.s2]) {
      for (const reader of [reg.s0, reg.s1, reg.s2]) {
        storeWord(a, writer, 0, li(++value));
        call(a, reader);
      }
    }
  });
  assertEquals(results(program), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

Deno.test("a page of code is replaced by a remap while it runs", () => {
  const other = CODE + 0x2000;
  const program = bareProgram((a, harts) => {
    const space = new AddressSpace(new TablePages(harts, RAM + 0x2_0000)).map(
      BigInt(RAM),
      RAM,
      RWX,
      2,
    );
    const entry = space.setEntry(VA, (BigInt(CODE) >> 12n << 10n) | RWX);
    a.constant(reg.s0, VA).constant(reg.s1, BigInt(entry));
    a.constant(reg.s2, (BigInt(other) >> 12n << 10n) | RWX);
    a.setCsr("satp", space.atp()).enter(1).op("jalr", reg.ra, 0, reg.s0);
    const write = (address: number, words: readonly number[]) => {
      const bytes = harts.ramAt(address, 4 * words.length)!;
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      words.forEach((word, i) => view.setUint32(4 * i, word, true));
    };
    const remap = [encode("sd", reg.s2, 0, reg.s1), encode("sfence.vma", reg.s0, 0)];
    write(CODE, [...remap, li(1), RET]);
    write(other, [0, 0, li(2), RET]);
  });
  runToEnd(program);
  assertEquals(x(program.harts, reg.a0), 2n);
});

Deno.test("one hart writes the code that another one runs", () => {
  const program = bareProgram((a) => {
    a.constant(reg.s0, BigInt(CODE)).constant(reg.s11, BigInt(RESULTS)).getCsr(reg.s1, "mhartid");
    a.branch("bne", reg.s1, 0, "runner");
    storeWord(a, reg.s0, 4, RET);
    for (let value = 1; value <= 10; value++) {
      storeWord(a, reg.s0, 0, li(value));
      a.op("pause");
    }
    a.jump("done").label("runner");
    for (let i = 0; i < 10; i++) {
      call(a, reg.s0);
      a.op("pause");
    }
    a.label("done");
  }, { harts: 2 });
  runToEnd(program);
  assertEquals(
    Array.from(program.harts.ramAt(RESULTS, 10)!),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
});

Deno.test("data beside code on one page: both stay right", () => {
  const program = bareProgram((a) => {
    a.constant(reg.s0, 500n).address(reg.s1, "data").jump("loop");
    a.label("data").word(0).word(0);
    a.label("loop").op("ld", reg.t0, 0, reg.s1).op("addi", reg.t0, reg.t0, 3)
      .op("sd", reg.t0, 0, reg.s1).op("amoadd.d", reg.t1, reg.s0, reg.s1)
      .op("addi", reg.s0, reg.s0, -1).branch("bne", reg.s0, 0, "loop");
    a.op("ld", reg.a0, 0, reg.s1);
  });
  runToEnd(program);
  assertEquals(x(program.harts, reg.a0), BigInt(500 * 3 + 500 * 501 / 2));
});

for (const jit of [false, { threshold: 1, batch: 1 }] as const) {
  Deno.test(`a page-table walk that sets D in an instruction changes it, ${jit ? "translated" : "interpreted"}`, () => {
    // The word is a PTE with D clear and `jalr x0, 0x200(ra)`; with D set it is `jalr ra, 0x200(ra)`.
    const WORD = encode("jalr", 0, 0x200, reg.ra);
    const [root, middle, leaf] = [RAM + 0x4000, RAM + 0x5000, RAM + 0x9000];
    const index = 0x190;
    const place = leaf + 8 * index;
    const va = (1n << 30n) | (BigInt(index) << 12n);
    const program = bareProgram((a, harts) => {
      const write = (address: number, value: bigint) =>
        new DataView(harts.module.ram.buffer, harts.module.ram.byteOffset + address - RAM)
          .setBigUint64(0, value, true);
      write(root + 8, (BigInt(middle) >> 2n) | 1n);
      write(middle, (BigInt(leaf) >> 2n) | 1n);
      write(place, BigInt(WORD));
      a.setCsr("menvcfg", 1n << 61n).setCsr("satp", (8n << 60n) | (BigInt(root) >> 12n));
      a.constant(reg.s0, BigInt(place)).constant(reg.s1, va).constant(reg.s2, 20n);
      a.label("again").address(reg.ra, "back").op("addi", reg.ra, reg.ra, -0x200)
        .op("jalr", 0, 0, reg.s0).label("back").op("addi", reg.s2, reg.s2, -1)
        .branch("bne", reg.s2, 0, "again");
      a.op("addi", reg.a0, reg.ra, 0).branch("bne", reg.s3, 0, "done");
      a.setBits("mstatus", MSTATUS.MPRV | (1n << 11n)).op("sd", 0, 0, reg.s1)
        .clearBits("mstatus", MSTATUS.MPRV);
      a.op("addi", reg.a1, reg.a0, 0).op("addi", reg.s3, 0, 1).op("addi", reg.s2, 0, 1)
        .jump("again").label("done");
    }, { jit });
    runToEnd(program);
    const { harts } = program;
    assertEquals(harts.ramAt(place, 1)![0]! & 0x80, 0x80);
    assertEquals(x(harts, reg.a0), BigInt(place + 4));
    assertEquals(x(harts, reg.a1) === BigInt(place + 4), false);
    if (jit) assertEquals(harts.jitStatistics!.regions > 0, true);
  });
}
