import { assertEquals } from "@std/assert";
import { compareTraces } from "./compare_traces.ts";

async function* lines(text: string): AsyncGenerator<string> {
  yield* text.trim().split("\n").map((line) => line.trim());
}

const TRAP = "riscv_cpu_do_interrupt: hart:0, async:0, cause:0000000000000002, " +
  "epc:0x0000000080000004, tval:0x0000000000000000, desc=illegal_instruction";
const OWN = `
  Trace 0: M 0x0000000000001000: 00000297 auipc x5,0x0
  Trace 0: M 0x0000000080000000: 0001 c.addi x0,0
  Trace 0: M 0x0000000080000004: 0000 .2byte 0x0
  ${TRAP}
  Trace 0: M 0x0000000080000100: 0001 c.addi x0,0`;
const QEMU = `
  Trace 0: 0x7f7a08000100 [0000000000000000/0000000000001000/00209003/ff000201]
  Trace 0: 0x7f7a08000100 [0000000000000000/0000000000001004/00209003/ff000201]
  Trace 0: 0x7f7a08000240 [0000000000000000/0000000080000000/00209003/ff000201]
  Trace 0: 0x7f7a08000280 [0000000000000000/0000000080000002/00209003/ff000201]
  Stopped execution of TB chain before 0x7f7a08000280 [0000000080000002]
  Trace 0: 0x7f7a08000380 [0000000000000000/0000000080000004/00209003/ff000201]
  ${TRAP}
  Trace 0: 0x7f7a08000380 [0000000000000000/0000000080000100/00209003/ff000201]
  Trace 0: 0x7f7a08000380 [0000000000000000/0000000080000102/00209003/ff000201]`;

Deno.test("our trace and QEMU's of the same run agree, whatever their boot ROMs do", async () => {
  const { compared, difference } = await compareTraces(lines(OWN), lines(QEMU));
  assertEquals(difference, undefined);
  assertEquals([...compared], [[0, 4]]);
});

Deno.test("the first difference is shown with where it is", async () => {
  const other = QEMU.replace("cause:0000000000000002", "cause:0000000000000005");
  const { difference } = await compareTraces(lines(OWN), lines(other));
  assertEquals(difference?.hartId, 0);
  assertEquals(difference?.equalEvents, 2);
  assertEquals(difference?.context.length, 2);
  assertEquals(difference?.left.line, TRAP);
  assertEquals([difference?.left.lineNumber, difference?.right.lineNumber], [4, 7]);
});

Deno.test("harts are compared each by itself, however they take turns", async () => {
  const insn = (hart: number, pc: string) => `Trace ${hart}: M 0x00000000800000${pc}: 0001 c.nop\n`;
  const left = insn(0, "00") + insn(0, "02") + insn(1, "00") + insn(1, "02");
  const right = insn(1, "00") + insn(0, "00") + insn(1, "02") + insn(0, "02");
  const { compared, difference } = await compareTraces(lines(left), lines(right));
  assertEquals(difference, undefined);
  assertEquals(new Map([...compared].sort()), new Map([[0, 2], [1, 2]]));
});
