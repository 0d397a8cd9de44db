// Code that changes while it is hot: whatever wrote it, from wherever, the next fetch sees the new bytes.
//
// The specification lets a hart go on with the old instruction until FENCE.I (Unprivileged, Zifencei);
// this one never does, and a run must not depend on what was translated.

import { assertEquals } from "@std/assert";
import { encode, reg } from "../../conformance/assembler.ts";
import {
  type BareProgram,
  bareProgram,
  type Program,
  RAM,
  ramView,
  x,
} from "../../testing/bare_program.ts";
import { AddressSpace, pte, RWX, TablePages } from "../../testing/page_tables.ts";
import { ProbeDevice } from "../../testing/probe_device.ts";
import { type Jit, onEveryEngine } from "./engines_testing.ts";

const CODE = RAM + 0x9000;
const OTHER = RAM + 0xb000;
const TABLES = RAM + 0x2_0000;
const DEVICE = 0x1000_0000;
const VA = 0x6_0000_0000n;
const ROUNDS = 64;
/** Code changes in each fourth round, so that it is hot in between. */
const PERIOD = 4;
const RET = encode("jalr", 0, 0, reg.ra);
const ONE_MORE = 1n << 20n; // in the immediate of ADDI

const li = (value: number) => encode("addi", reg.a0, 0, value);

/** What the rounds add up to when round n sees the value stored last. */
const SUM = Array.from({ length: ROUNDS }, (_, n) => BigInt(Math.floor(n / PERIOD) + 1))
  .reduce((sum, value) => sum + value);

function writeCode({ harts }: Pick<BareProgram, "harts">, at: number, words: number[]): void {
  const bytes = harts.ramAt(at, 4 * words.length)!;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  words.forEach((word, i) => view.setUint32(4 * i, word, true));
}

/** s1 counts rounds up, s2 holds the instruction to store, s3 sums a0 over the rounds. */
function rounds(a: Program, store: () => void, use: () => void): void {
  a.constant(reg.s1, 0n).constant(reg.s2, BigInt(li(0))).constant(reg.s3, 0n);
  a.label("round").op("andi", reg.t0, reg.s1, PERIOD - 1).branch("bne", reg.t0, 0, "keep");
  a.constant(reg.t0, ONE_MORE).op("add", reg.s2, reg.s2, reg.t0);
  store();
  a.label("keep");
  use();
  a.op("add", reg.s3, reg.s3, reg.a0).op("addi", reg.s1, reg.s1, 1);
  a.constant(reg.t0, BigInt(ROUNDS)).branch("bne", reg.s1, reg.t0, "round");
}

const seesEveryStore = (program: BareProgram) => assertEquals(x(program.harts, reg.s3), SUM);

for (const fence of [false, true]) {
  const suffix = fence ? "with FENCE.I" : "without a fence";
  const maybeFence = (a: Program) => fence ? a.op("fence.i") : a;

  Deno.test(`a hot function on another page is overwritten, ${suffix}`, () => {
    onEveryEngine((jit) => {
      const program = bareProgram((a) => {
        a.constant(reg.s0, BigInt(CODE));
        rounds(a, () => {
          a.op("sw", reg.s2, 0, reg.s0);
          maybeFence(a);
        }, () => a.op("jalr", reg.ra, 0, reg.s0));
      }, { jit });
      writeCode(program, CODE, [li(0), RET]);
      return program;
    }, { check: seesEveryStore, pieces: [10_000_000, 100] });
  });

  Deno.test(`a hot function on the writer's own page is overwritten, ${suffix}`, () => {
    for (const where of ["ahead", "behind"]) {
      onEveryEngine((jit) =>
        bareProgram((a) => {
          const target = () => a.label("target").word(li(0)).word(RET);
          a.jump("start");
          if (where === "behind") target();
          a.label("start").address(reg.s0, "target");
          rounds(a, () => {
            a.op("sw", reg.s2, 0, reg.s0);
            maybeFence(a);
          }, () => a.jump("target", reg.ra));
          if (where === "ahead") {
            a.jump("out");
            target();
            a.label("out");
          }
        }, { jit }), { check: seesEveryStore });
    }
  });

  Deno.test(`an instruction of the running loop is overwritten, ${suffix}`, () => {
    // The store stands in the same straight line as what it changes, so many instructions away. Three
    // of four times it goes elsewhere, so that the loop is hot.
    for (const distance of [-3, -1, 1, 2, 3]) {
      onEveryEngine((jit) =>
        bareProgram((a) => {
          a.address(reg.s0, "target").constant(reg.s6, BigInt(OTHER)).constant(reg.s1, 0n);
          a.constant(reg.s2, BigInt(li(0))).constant(reg.s3, 0n).constant(reg.s4, ONE_MORE);
          a.label("round").op("andi", reg.t0, reg.s1, PERIOD - 1);
          a.op("czero.nez", reg.t1, reg.s4, reg.t0).op("add", reg.s2, reg.s2, reg.t1);
          a.op("czero.nez", reg.t1, reg.s0, reg.t0).op("czero.eqz", reg.t2, reg.s6, reg.t0)
            .op("or", reg.s7, reg.t1, reg.t2);
          const fill = (count: number) => {
            for (let i = 1; i < count; i++) a.op("addi", reg.s5, reg.s5, i);
          };
          const target = () => a.label("target").word(li(0)).op("add", reg.s3, reg.s3, reg.a0);
          if (distance < 0) {
            target();
            fill(-distance);
          }
          a.op("sw", reg.s2, 0, reg.s7);
          if (distance > 0) {
            fill(distance);
            maybeFence(a);
            target();
          }
          a.op("addi", reg.s1, reg.s1, 1).constant(reg.t0, BigInt(ROUNDS))
            .branch("bne", reg.s1, reg.t0, "round");
        }, { jit }), {
        // Ahead of the store, a round still sees what the one before it stored.
        check: ({ harts }) =>
          assertEquals(
            x(harts, reg.s3),
            distance > 0 ? SUM : SUM - BigInt(ROUNDS / PERIOD),
            `distance ${distance}`,
          ),
      });
    }
  });
}

/** Ways to write a word of code; s0 is its address and s2 the word. */
const WRITES: readonly { readonly name: string; readonly emit: (a: Program) => void }[] = [
  {
    name: "halves",
    emit: (a) =>
      a.op("sh", reg.s2, 0, reg.s0).op("srli", reg.t0, reg.s2, 16).op("sh", reg.t0, 2, reg.s0),
  },
  {
    name: "the upper byte",
    emit: (a) => a.op("srli", reg.t0, reg.s2, 16).op("sh", reg.t0, 2, reg.s0),
  },
  { name: "AMOSWAP", emit: (a) => a.op("amoswap.w", 0, reg.s2, reg.s0) },
  {
    name: "SC",
    emit: (a) => a.op("lr.w", reg.t0, 0, reg.s0).op("sc.w", reg.t0, reg.s2, reg.s0),
  },
  { name: "FSW", emit: (a) => a.op("fmv.w.x", 1, reg.s2).op("fsw", 1, 0, reg.s0) },
  {
    name: "a misaligned store that begins on the page before",
    emit: (a) => {
      a.op("slli", reg.t0, reg.s2, 32).op("sd", reg.t0, -4, reg.s0);
    },
  },
  { name: "HSV", emit: (a) => a.op("hsv.w", reg.s0, reg.s2) },
  {
    name: "CBO.ZERO and a store",
    emit: (a) => {
      a.op("cbo.zero", reg.s0).constant(reg.t0, BigInt(RET | 0)).op("sw", reg.t0, 4, reg.s0)
        .op("sw", reg.s2, 0, reg.s0);
    },
  },
];

for (const { name, emit } of WRITES) {
  Deno.test(`hot code at the start of a page is overwritten by ${name}`, () => {
    onEveryEngine((jit) => {
      const program = bareProgram((a) => {
        a.setBits("mstatus", 1n << 13n); // FS
        a.constant(reg.s0, BigInt(CODE));
        rounds(a, () => emit(a), () => a.op("jalr", reg.ra, 0, reg.s0));
      }, { jit });
      writeCode(program, CODE, [li(0), RET]);
      return program;
    }, { check: seesEveryStore });
  });
}

Deno.test("hot code is written through another virtual address of its page", () => {
  for (const [writer, reader] of [[VA, VA + 0x1000n], [BigInt(CODE), VA], [VA, BigInt(CODE)]]) {
    onEveryEngine((jit) => {
      const program = bareProgram((a, harts) => {
        const space = new AddressSpace(new TablePages(harts, TABLES))
          .map(BigInt(RAM), RAM, RWX, 2).map(VA, CODE).map(VA + 0x1000n, CODE);
        a.constant(reg.s0, writer!).constant(reg.s4, reader!);
        a.setCsr("satp", space.atp()).enter(1);
        rounds(
          a,
          () => a.op("sw", reg.s2, 0, reg.s0),
          () => a.op("jalr", reg.ra, 0, reg.s4),
        );
      }, { jit });
      writeCode(program, CODE, [li(0), RET]);
      return program;
    }, { check: seesEveryStore });
  }
});

Deno.test("a hot loop writes its own page under another virtual address", () => {
  onEveryEngine((jit) => {
    const program = bareProgram((a, harts) => {
      const space = new AddressSpace(new TablePages(harts, TABLES))
        .map(BigInt(RAM), RAM, RWX, 2).map(VA, CODE).map(VA + 0x1000n, CODE);
      a.constant(reg.s0, VA + 0x1000n).constant(reg.s4, VA).constant(reg.s1, BigInt(ROUNDS));
      a.constant(reg.s2, BigInt(li(0))).constant(reg.s5, ONE_MORE);
      a.setCsr("satp", space.atp()).enter(1).op("jalr", reg.ra, 0, reg.s4);
    }, { jit });
    writeCode(program, CODE, [
      encode("add", reg.s2, reg.s2, reg.s5),
      encode("sw", reg.s2, 8, reg.s0), // the next instruction, by the other address
      li(0),
      encode("add", reg.s3, reg.s3, reg.a0),
      encode("addi", reg.s1, reg.s1, -1),
      encode("bne", reg.s1, 0, -20),
      RET,
    ]);
    return program;
  }, {
    check: ({ harts }) => assertEquals(x(harts, reg.s3), BigInt(ROUNDS * (ROUNDS + 1) / 2)),
    pieces: [10_000_000, 50],
  });
});

Deno.test("hot code is changed from outside between runs", () => {
  onEveryEngine((jit) => {
    const program = bareProgram((a) => {
      a.constant(reg.s0, BigInt(CODE)).constant(reg.s1, 2000n);
      a.label("round").op("jalr", reg.ra, 0, reg.s0).op("add", reg.s3, reg.s3, reg.a0)
        .op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "round");
    }, { jit });
    writeCode(program, CODE, [li(1), RET]);
    return program;
  }, {
    drive: (program) => {
      for (let value = 2; program.harts.run(997) !== "idle"; value++) {
        writeCode(program, CODE, [li(value), RET]);
        program.harts.flushTranslations();
      }
    },
  });
});

for (const where of ["another page", "the running page"] as const) {
  Deno.test(`a device changes hot code on ${where} during a store to it`, () => {
    onEveryEngine((jit) => {
      let target = CODE;
      const program = bareProgram((a) => {
        a.constant(reg.s4, BigInt(DEVICE)).constant(reg.s1, BigInt(ROUNDS)).jump("round");
        if (where === "the running page") target = a.here;
        a.word(li(0)).word(RET);
        a.label("round").op("sw", reg.s1, 0, reg.s4);
        a.constant(reg.s0, BigInt(target)).op("jalr", reg.ra, 0, reg.s0);
        a.op("add", reg.s3, reg.s3, reg.a0).op("addi", reg.s1, reg.s1, -1)
          .branch("bne", reg.s1, 0, "round");
      }, { jit });
      writeCode(program, target, [li(0), RET]);
      const onWrite = (_offset: number, value: number) => {
        writeCode(program, target, [li(value)]);
        program.harts.flushTranslations();
      };
      program.harts.bus.map("dma", DEVICE, new ProbeDevice({ onWrite }));
      return program;
    }, {
      check: ({ harts }) => assertEquals(x(harts, reg.s3), BigInt(ROUNDS * (ROUNDS + 1) / 2)),
    });
  });
}

Deno.test("a device changes the instruction behind the store to it", () => {
  onEveryEngine((jit) => {
    let target = 0;
    const program = bareProgram((a) => {
      a.constant(reg.s4, BigInt(DEVICE)).constant(reg.s1, BigInt(ROUNDS));
      a.label("round").op("sw", reg.s1, 0, reg.s4);
      target = a.here;
      a.word(li(0)).op("add", reg.s3, reg.s3, reg.a0).op("addi", reg.s1, reg.s1, -1)
        .branch("bne", reg.s1, 0, "round");
    }, { jit });
    const onWrite = (_offset: number, value: number) => {
      writeCode(program, target, [li(value)]);
      program.harts.flushTranslations();
    };
    program.harts.bus.map("dma", DEVICE, new ProbeDevice({ onWrite }));
    return program;
  }, {
    check: ({ harts }) => assertEquals(x(harts, reg.s3), BigInt(ROUNDS * (ROUNDS + 1) / 2)),
  });
});

// ---- The same address, other code ----

Deno.test("a page of hot code is remapped to other code, SFENCE.VMA by address or whole", () => {
  for (const fence of [reg.s4, 0]) {
    onEveryEngine((jit) => {
      const program = bareProgram((a, harts) => {
        const space = new AddressSpace(new TablePages(harts, TABLES)).map(BigInt(RAM), RAM, RWX, 2);
        const leaf = (page: number) => (BigInt(page) >> 12n << 10n) | RWX;
        const entry = space.setEntry(VA, leaf(CODE));
        a.constant(reg.s0, BigInt(entry)).constant(reg.s4, VA).constant(reg.s1, BigInt(ROUNDS));
        a.constant(reg.s5, leaf(CODE)).constant(reg.s6, leaf(CODE) ^ leaf(OTHER));
        a.setCsr("satp", space.atp()).enter(1);
        a.label("round");
        for (let i = 0; i < 3; i++) {
          a.op("jalr", reg.ra, 0, reg.s4).op("add", reg.s3, reg.s3, reg.a0);
        }
        a.op("xor", reg.s5, reg.s5, reg.s6).op("sd", reg.s5, 0, reg.s0).op("sfence.vma", fence, 0);
        a.op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "round");
      }, { jit });
      writeCode(program, CODE, [li(1), RET]);
      writeCode(program, OTHER, [li(100), RET]);
      return program;
    }, {
      check: ({ harts }) => assertEquals(x(harts, reg.s3), BigInt(ROUNDS / 2 * 3 * 101)),
      pieces: [10_000_000, 33],
    });
  }
});

Deno.test("hot code remaps its own page and goes on in the other one", () => {
  onEveryEngine((jit) => {
    const program = bareProgram((a, harts) => {
      const space = new AddressSpace(new TablePages(harts, TABLES)).map(BigInt(RAM), RAM, RWX, 2);
      const leaf = (page: number) => (BigInt(page) >> 12n << 10n) | RWX;
      const entry = space.setEntry(VA, leaf(CODE));
      a.constant(reg.s0, BigInt(entry)).constant(reg.s4, VA).constant(reg.s1, BigInt(ROUNDS));
      a.constant(reg.s5, leaf(CODE)).constant(reg.s6, leaf(CODE) ^ leaf(OTHER));
      a.setCsr("satp", space.atp()).enter(1).op("jalr", reg.ra, 0, reg.s4);
    }, { jit });
    const loop = (value: number) => [
      encode("xor", reg.s5, reg.s5, reg.s6),
      encode("sd", reg.s5, 0, reg.s0),
      encode("sfence.vma", reg.s4, 0),
      encode("addi", reg.s3, reg.s3, value), // fetched from the page just mapped
      encode("addi", reg.s1, reg.s1, -1),
      encode("bne", reg.s1, 0, -20),
      RET,
    ];
    writeCode(program, CODE, loop(1));
    writeCode(program, OTHER, loop(100));
    return program;
  }, {
    check: ({ harts }) => assertEquals(x(harts, reg.s3), BigInt(ROUNDS / 2 * 101)),
    pieces: [10_000_000, 33],
  });
});

/** Two address spaces with a page of code of their own at the same address, which RAM does not show. */
function twoSpaces(
  jit: Jit,
  flags: bigint,
  body: (a: Program, spaces: readonly AddressSpace[], pages: TablePages) => void,
): BareProgram {
  const program = bareProgram((a, harts) => {
    const pages = new TablePages(harts, TABLES);
    const spaces = [CODE, OTHER].map((page) =>
      new AddressSpace(pages).map(BigInt(RAM), RAM, flags, 2).map(VA, page, flags)
    );
    body(a, spaces, pages);
  }, { jit, ramSizeBytes: 0x20_0000 });
  writeCode(program, CODE, [li(1), RET]);
  writeCode(program, OTHER, [li(100), RET]);
  return program;
}

for (const asids of [[1, 2], [0, 0]] as const) {
  Deno.test(`two address spaces, ASIDs ${asids}, have other code at one address`, () => {
    onEveryEngine((jit) =>
      twoSpaces(jit, RWX, (a, spaces) => {
        const [first, second] = spaces.map((space, i) => space.atp(asids[i]!));
        a.constant(reg.s4, VA).constant(reg.s1, BigInt(ROUNDS));
        a.constant(reg.s5, first!).constant(reg.s6, first! ^ second!);
        a.setCsr("satp", first!).enter(1);
        a.label("round").op("jalr", reg.ra, 0, reg.s4).op("add", reg.s3, reg.s3, reg.a0)
          .op("jalr", reg.ra, 0, reg.s4).op("add", reg.s3, reg.s3, reg.a0);
        a.op("xor", reg.s5, reg.s5, reg.s6).op("csrrw", 0, a.csr("satp"), reg.s5);
        if (asids[0] === asids[1]) a.op("sfence.vma", 0, 0);
        a.op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "round");
      }), {
      check: ({ harts }) => assertEquals(x(harts, reg.s3), BigInt(ROUNDS * 101)),
      pieces: [10_000_000, 61],
    });
  });
}

Deno.test("two guests, by hgatp alone, have other code at one guest physical address", () => {
  onEveryEngine((jit) =>
    bareProgram((a, harts) => {
      const pages = new TablePages(harts, TABLES);
      const flags = RWX | pte.U;
      const guests = [CODE, OTHER].map((page) =>
        new AddressSpace(pages, undefined, true).map(BigInt(RAM), RAM, flags, 2)
          .map(0x4000_0000n, page, flags)
      );
      // A round in VS-mode, then ECALL, and M-mode switches guests.
      writeCode({ harts }, CODE, [li(1), RET]);
      writeCode({ harts }, OTHER, [li(100), RET]);
      a.constant(reg.s5, guests[0]!.atp(1)).constant(reg.s6, guests[0]!.atp(1) ^ guests[1]!.atp(2));
      a.constant(reg.s4, 0x4000_0000n).constant(reg.s1, BigInt(ROUNDS));
      a.op("csrrw", 0, a.csr("hgatp"), reg.s5).enter(1, true);
      a.label("round").op("jalr", reg.ra, 0, reg.s4).op("add", reg.s3, reg.s3, reg.a0)
        .op("jalr", reg.ra, 0, reg.s4).op("add", reg.s3, reg.s3, reg.a0).op("ecall")
        .op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "round");
    }, {
      jit,
      ramSizeBytes: 0x20_0000,
      handler: (a) =>
        a.op("xor", reg.s5, reg.s5, reg.s6).op("csrrw", 0, a.csr("hgatp"), reg.s5)
          .getCsr(reg.t6, "mepc").op("addi", reg.t6, reg.t6, 4)
          .op("csrrw", 0, a.csr("mepc"), reg.t6).op("mret"),
    }), {
    check: ({ harts }) => assertEquals(x(harts, reg.s3), BigInt(ROUNDS * 101)),
    pieces: [10_000_000, 61],
  });
});

Deno.test("one hart writes the code that another one runs hot", () => {
  for (const harts of [2, 3]) {
    onEveryEngine((jit) => {
      const program = bareProgram((a) => {
        a.constant(reg.s0, BigInt(CODE)).getCsr(reg.s7, "mhartid").constant(reg.s1, 400n);
        a.constant(reg.s2, BigInt(li(0))).constant(reg.s4, ONE_MORE);
        a.branch("bne", reg.s7, 0, "runner");
        a.label("write").op("add", reg.s2, reg.s2, reg.s4).op("sw", reg.s2, 0, reg.s0);
        for (let i = 0; i < 40; i++) a.op("addi", reg.s3, reg.s3, 1);
        a.op("pause").op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "write").jump("done");
        a.label("runner").op("jalr", reg.ra, 0, reg.s0).op("add", reg.s3, reg.s3, reg.a0);
        a.op("andi", reg.t0, reg.s1, 7).branch("bne", reg.t0, 0, "no_pause").op("pause")
          .label("no_pause").op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "runner");
        a.label("done");
      }, { jit, harts });
      writeCode(program, CODE, [li(0), RET]);
      return program;
    }, {
      pieces: [10_000_000, 1000],
      check: ({ harts: array }) => assertEquals(x(array, reg.s3), 16_000n),
    });
  }
});

Deno.test("data beside hot code on its page is written", () => {
  onEveryEngine((jit) => {
    let data = 0;
    const program = bareProgram((a) => {
      a.constant(reg.s0, 500n).address(reg.s1, "data").jump("loop").label("data");
      data = a.here;
      a.word(0).word(0);
      a.label("loop").op("ld", reg.t0, 0, reg.s1).op("addi", reg.t0, reg.t0, 3)
        .op("sd", reg.t0, 0, reg.s1).op("addi", reg.s0, reg.s0, -1)
        .branch("bne", reg.s0, 0, "loop");
    }, { jit });
    assertEquals(ramView(program.harts).get(data), 0n);
    return program;
  }, {
    check: ({ harts }) => assertEquals(x(harts, reg.t0), 1500n),
    pieces: [10_000_000, 7],
  });
});
