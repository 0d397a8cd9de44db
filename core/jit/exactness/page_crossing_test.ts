// Hot code at the seam of two pages: an instruction of which one half lies on each, and straight code that
// runs from one page into the next. The pages need not be neighbours in RAM, and the second one changes,
// goes away and comes back.

import { assertEquals } from "@std/assert";
import { Assembler, encode, reg } from "../../conformance/assembler.ts";
import { type BareProgram, bareProgram, type Program, RAM, x } from "../../testing/bare_program.ts";
import { AddressSpace, RWX, TablePages } from "../../testing/page_tables.ts";
import { type Jit, onEveryEngine } from "./engines_testing.ts";

const VA = 0x6_0000_0000n;
const SECOND_VA = VA + 0x1000n;
const FIRST = RAM + 0x9000;
const SECOND = RAM + 0xb000; // not the neighbour
const OTHER_SECOND = RAM + 0xd000;
const DATA = RAM + 0xe000;
const TABLES = RAM + 0x2_0000;
const ROUNDS = 64;
const PERIOD = 4;

const leaf = (page: number) => (BigInt(page) >> 12n << 10n) | RWX;

/** A seam: the code around it, placed so that one instruction begins `before` bytes ahead of it. */
interface Seam {
  /** Emits code from the round's start up to the seam's instruction. */
  readonly ahead?: (a: Assembler) => void;
  /** The instruction at the seam. */
  readonly at: (a: Assembler) => void;
  readonly behind?: (a: Assembler) => void;
  /** Bytes of that instruction that lie on the first page. */
  readonly before: number;
}

/** A round of code around a seam, which counts s1 down and returns. */
function placeSeam({ harts }: BareProgram, seam: Seam, second = SECOND): number {
  const measure = new Assembler(0);
  seam.ahead?.(measure);
  const start = 0x1000 - seam.before - measure.here;
  const a = new Assembler(Number(VA) + start).label("round");
  seam.ahead?.(a);
  seam.at(a);
  seam.behind?.(a);
  a.op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "round").op("jalr", 0, 0, reg.ra);
  a.finish().forEach((byte, i) => {
    const offset = start + i;
    const at = offset < 0x1000 ? FIRST + offset : second + offset - 0x1000;
    harts.ramAt(at, 1)![0] = byte;
  });
  return start;
}

/** S-mode code around a seam between two pages of RAM. s0 is the second page's entry. */
function seamProgram(
  jit: Jit,
  seam: Seam,
  options: { prepare?: (a: Program) => void; handler?: (a: Program) => void } = {},
): BareProgram {
  let fixStart = (_start: number) => {};
  const program = bareProgram((a, harts) => {
    const space = new AddressSpace(new TablePages(harts, TABLES))
      .map(BigInt(RAM), RAM, RWX, 2).map(VA, FIRST);
    const entry = space.setEntry(SECOND_VA, leaf(SECOND));
    a.constant(reg.s0, BigInt(entry)).constant(reg.s1, BigInt(ROUNDS)).constant(reg.s2, VA);
    a.constant(reg.s7, BigInt(DATA)).constant(reg.s8, SECOND_VA).constant(reg.s9, leaf(SECOND));
    options.prepare?.(a);
    a.setCsr("satp", space.atp()).enter(1);
    const jump = a.here;
    a.word(0);
    fixStart = (start) => {
      const word = encode("jalr", reg.ra, 0, reg.s10);
      new DataView(harts.module.ram.buffer, harts.module.ram.byteOffset)
        .setUint32(jump - RAM, word, true);
      harts.set(0, "x26", VA + BigInt(start)); // s10
    };
  }, { jit, ...(options.handler === undefined ? {} : { handler: options.handler }) });
  fixStart(placeSeam(program, seam));
  return program;
}

/** Instructions that may stand at the seam, and what they leave in s3 after all rounds. */
const INSTRUCTIONS: readonly {
  readonly name: string;
  readonly at: (a: Assembler) => void;
  readonly sum: number;
}[] = [
  { name: "ADDI", at: (a) => a.op("addi", reg.s3, reg.s3, 5), sum: 5 * ROUNDS },
  {
    name: "LD",
    at: (a) => a.op("ld", reg.a0, 0, reg.s7).op("add", reg.s3, reg.s3, reg.a0),
    sum: 9 * ROUNDS,
  },
  {
    name: "SD",
    at: (a) =>
      a.op("sd", reg.s1, 8, reg.s7).op("ld", reg.a0, 8, reg.s7).op("add", reg.s3, reg.s3, reg.a0),
    sum: ROUNDS * (ROUNDS + 1) / 2,
  },
  {
    name: "a branch that is taken every other time",
    at: (a) =>
      a.branch("bne", reg.s4, 0, "over").op("addi", reg.s3, reg.s3, 3).label("over")
        .op("addi", reg.s3, reg.s3, 1),
    sum: ROUNDS + 3 * ROUNDS / 2,
  },
  {
    name: "JAL",
    at: (a) =>
      a.jump("over", reg.a1).op("addi", reg.s3, reg.s3, 3).label("over")
        .op("addi", reg.s3, reg.s3, 1),
    sum: ROUNDS,
  },
  {
    name: "AMOADD",
    at: (a) => a.op("amoadd.d", reg.a0, reg.s6, reg.s7).op("add", reg.s3, reg.s3, reg.s6),
    sum: ROUNDS,
  },
  {
    name: "CSRRS",
    at: (a) => a.op("csrrs", reg.a0, 0x140, 0).op("addi", reg.s3, reg.s3, 2),
    sum: 2 * ROUNDS,
  },
];

for (const { name, at, sum } of INSTRUCTIONS) {
  for (const before of [2, 4]) {
    Deno.test(`${name}, ${before === 2 ? "across the seam" : "last on its page"}`, () => {
      onEveryEngine((jit) => {
        const program = seamProgram(jit, {
          before,
          ahead: (a) => a.op("addi", reg.s5, reg.s5, 1).op("andi", reg.s4, reg.s5, 1),
          at,
        }, { prepare: (a) => a.constant(reg.s6, 1n) });
        new DataView(program.harts.ramAt(DATA, 8)!.buffer, program.harts.ramAt(DATA, 8)!.byteOffset)
          .setBigUint64(0, 9n, true);
        return program;
      }, {
        check: ({ harts }) => assertEquals(x(harts, reg.s3), BigInt(sum)),
        pieces: [10_000_000, 7],
      });
    });
  }
}

/** Emits `body` in each fourth round; s1 counts down. */
function sometimes(a: Assembler, body: (a: Assembler) => void): void {
  const label = `skip_${a.here}`;
  a.op("andi", reg.t0, reg.s1, PERIOD - 1).branch("bne", reg.t0, 0, label);
  body(a);
  a.label(label);
}

/** ADDI s3, s3, 1 grows by one each time a period begins, the first round included. */
const GROWN = Array.from({ length: ROUNDS }, (_, n) => BigInt(2 + Math.floor(n / PERIOD)))
  .reduce((sum, value) => sum + value);

Deno.test("the half of a hot instruction that lies on the second page is overwritten", () => {
  for (const direct of [true, false]) {
    onEveryEngine((jit) =>
      seamProgram(jit, {
        before: 2,
        ahead: (a) =>
          sometimes(a, () =>
            a.op("lhu", reg.t0, 0, reg.s6).op("addi", reg.t0, reg.t0, 0x10)
              .op("sh", reg.t0, 0, reg.s6)),
        at: (a) => a.op("addi", reg.s3, reg.s3, 1),
      }, { prepare: (a) => a.constant(reg.s6, direct ? SECOND_VA : BigInt(SECOND)) }), {
      check: ({ harts }) => assertEquals(x(harts, reg.s3), GROWN),
      pieces: [10_000_000, 50],
    });
  }
});

Deno.test("the half of a hot instruction that lies on the first page is overwritten", () => {
  // Bit 7 of the low half is the lowest bit of rd: s2 (x18) or s3 (x19).
  onEveryEngine((jit) =>
    seamProgram(jit, {
      before: 2,
      ahead: (a) =>
        sometimes(a, () =>
          a.op("lhu", reg.t0, 0xffe - 0x800, reg.s6).op("xori", reg.t0, reg.t0, 0x80)
            .op("sh", reg.t0, 0xffe - 0x800, reg.s6)),
      at: (a) => a.op("addi", reg.s3, reg.s3, 1),
    }, { prepare: (a) => a.constant(reg.s6, VA + 0x800n) }), {
    check: ({ harts }) => assertEquals(x(harts, reg.s3), BigInt(ROUNDS / 2)),
  });
});

Deno.test("the second page of a hot loop is remapped", () => {
  onEveryEngine((jit) => {
    const ahead = (a: Assembler) =>
      sometimes(a, () =>
        a.op("xor", reg.s9, reg.s9, reg.s6).op("sd", reg.s9, 0, reg.s0)
          .op("sfence.vma", reg.s8, 0));
    const program = seamProgram(jit, {
      before: 2,
      ahead,
      at: (a) => a.op("addi", reg.s3, reg.s3, 1),
      behind: (a) => a.op("addi", reg.s4, reg.s4, 1),
    }, { prepare: (a) => a.constant(reg.s6, leaf(SECOND) ^ leaf(OTHER_SECOND)) });
    placeSeam(program, {
      before: 2,
      ahead,
      at: (a) => a.op("addi", reg.s3, reg.s3, 100),
      behind: (a) => a.op("addi", reg.s4, reg.s4, 1),
    }, OTHER_SECOND);
    return program;
  }, {
    check: ({ harts }) => {
      assertEquals(x(harts, reg.s3), BigInt(ROUNDS / 2 * 101));
      assertEquals(x(harts, reg.s4), BigInt(ROUNDS));
    },
    pieces: [10_000_000, 50],
  });
});

for (const before of [2, 4]) {
  Deno.test(`the second page of a hot loop is unmapped, ${before} bytes before it`, () => {
    onEveryEngine((jit) =>
      seamProgram(jit, {
        before,
        ahead: (a) => sometimes(a, () => a.op("sd", 0, 0, reg.s0).op("sfence.vma", reg.s8, 0)),
        at: (a) => a.op("addi", reg.s3, reg.s3, 1),
        behind: (a) => a.op("addi", reg.s4, reg.s4, 1),
      }, {
        // The handler maps the page again and repeats the instruction.
        handler: (a) =>
          a.op("sd", reg.s9, 0, reg.s0).op("sfence.vma", reg.s8, 0)
            .op("addi", reg.s5, reg.s5, 1).op("mret"),
      }), {
      check: ({ harts, traps }) => {
        assertEquals([x(harts, reg.s3), x(harts, reg.s4)], [BigInt(ROUNDS), BigInt(ROUNDS)]);
        assertEquals(traps.length, ROUNDS / PERIOD);
        for (const { cause, epc, tval } of traps) {
          assertEquals(cause, 12n);
          assertEquals(epc, before === 2 ? SECOND_VA - 2n : SECOND_VA);
          assertEquals(tval, SECOND_VA);
        }
      },
      pieces: [10_000_000, 50],
    });
  });
}

Deno.test("a hot loop that runs over many page boundaries", () => {
  // Compressed and long instructions alternate, so that each boundary is met in another way.
  onEveryEngine((jit) =>
    bareProgram((a) => {
      a.constant(reg.s1, 20n).label("round");
      for (let i = 0; i < 2500; i++) {
        if (i % 7 === 3) a.half(0x0985); // c.addi s3, 1
        else a.op("addi", reg.s3, reg.s3, 1);
      }
      a.op("addi", reg.s1, reg.s1, -1).op("beq", reg.s1, 0, 16).address(reg.t0, "round")
        .op("jalr", 0, 0, reg.t0);
    }, { jit }), {
    check: ({ harts }) => assertEquals(x(harts, reg.s3), 50_000n),
    pieces: [10_000_000, 1000],
  });
});
