import { assertEquals } from "@std/assert";
import { decode, lookUp, X0_SINK } from "./decode.ts";

function slots(word: number) {
  const decoded = decode(word);
  if (decoded === undefined) return undefined;
  const { instruction, base, rd, rs1, rs2, rs3, imm, rm, length } = decoded;
  return { name: instruction.name, base: base.name, rd, rs1, rs2, rs3, imm, rm, length };
}

Deno.test("decode yields operands of a 32-bit instruction", () => {
  assertEquals(slots(0xfe11_3c23), { // sd x1,-8(x2)
    name: "sd",
    base: "sd",
    rd: 0,
    rs1: 2,
    rs2: 1,
    rs3: 0,
    imm: -8,
    rm: 0,
    length: 4,
  });
});

Deno.test("decode yields the instruction that a compressed one stands for", () => {
  assertEquals(slots(0x9002)?.base, "ebreak");
  assertEquals(slots(0x8082), { // c.jr x1
    name: "c.jr",
    base: "jalr",
    rd: X0_SINK,
    rs1: 1,
    rs2: 0,
    rs3: 0,
    imm: 0,
    rm: 0,
    length: 2,
  });
  assertEquals(slots(0x9082)?.rd, 1); // c.jalr x1
  assertEquals(slots(0x713d)?.imm, -32); // c.addi16sp x2,-32
});

Deno.test("decode ignores the upper half of a compressed word", () => {
  assertEquals(slots(0xffff_8082), slots(0x8082));
});

Deno.test("an integer destination of x0 becomes the sink, a floating-point one stays", () => {
  assertEquals(slots(0x0000_0013)?.rd, X0_SINK); // addi x0,x0,0
  assertEquals(slots(0x0020_8053)?.rd, 0); // fadd.s f0,f1,f2,rne
  assertEquals(slots(0xc000_8053)?.rd, X0_SINK); // fcvt.w.s x0,f1,rne
});

Deno.test("decode keeps CSR number and immediate of csrrwi apart", () => {
  const { rs1, imm, rd } = slots(0x3001_d0f3)!; // csrrwi x1,mstatus,3
  assertEquals({ rs1, imm, rd }, { rs1: 3, imm: 0x300, rd: 1 });
});

Deno.test("decode keeps aq and rl, and the sets of a fence", () => {
  assertEquals(slots(0x1401_20af)?.rm, 2); // lr.w.aq x1,(x2)
  assertEquals(slots(0x1a31_30af)?.rm, 1); // sc.d.rl x1,x3,(x2)
  assertEquals(slots(0x8330_000f), { ...slots(0x0330_000f)!, name: "fence.tso", imm: 0x833 });
});

Deno.test("hints within another instruction keep their name and execute as it", () => {
  assertEquals(slots(0x0100_000f)?.name, "pause");
  assertEquals(slots(0x0100_000f)?.base, "fence");
  assertEquals(slots(0x0210_e013)?.name, "prefetch.r");
  assertEquals(slots(0x0210_e013)?.base, "ori");
  assertEquals(slots(0x0001)?.base, "addi"); // c.nop
  assertEquals(slots(0x8006)?.rd, X0_SINK); // c.mv x0,x1
});

const RESERVED: readonly [word: number, what: string][] = [
  [0x0000, "the all-zero halfword"],
  [0x0004, "c.addi4spn with an immediate of 0"],
  [0x8000, "quadrant 0, funct3 100"],
  [0x2001, "c.addiw with rd = x0"],
  [0x6101, "c.addi16sp with an immediate of 0"],
  [0x6281, "c.lui with an immediate of 0"],
  [0x9c41, "c.subw's reserved neighbour"],
  [0x4002, "c.lwsp with rd = x0"],
  [0x6002, "c.ldsp with rd = x0"],
  [0x8002, "c.jr with rs1 = x0"],
  [0x0200_109b, "slliw by 32"],
  [0x1012_20af, "lr.w with rs2 = x1"],
  [0x1200_00f3, "sfence.vma with rd = x1"],
  [0x0000_a08f, "cbo.inval with rd = x1"],
  [0x0000_001f, "the prefix of a longer instruction"],
  [0xffff_ffff, "all ones"],
];

Deno.test("reserved encodings are no instruction", async (test) => {
  for (const [word, what] of RESERVED) {
    await test.step(`0x${word.toString(16)}: ${what}`, () => {
      assertEquals(lookUp(word), undefined);
    });
  }
});
