import { assertEquals } from "@std/assert";
import { Assembler, reg } from "../../core/conformance/assembler.ts";
import { HartArray, type TrapRecord } from "../../core/hart_array.ts";
import { Tracer, trapLine } from "./trace.ts";

const RAM_BASE = 0x8000_0000;
const RAM_BYTES = 1 << 20;
const CSR = { mstatus: 0x300, mie: 0x304, mtvec: 0x305, mepc: 0x341, mip: 0x344, satp: 0x180 };
const PMP = { pmpcfg0: 0x3a0, pmpaddr0: 0x3b0 };

function machineWith(build: (assembler: Assembler) => void, harts = 1): HartArray {
  const array = new HartArray({ harts, ramBase: RAM_BASE, ramSizeBytes: RAM_BYTES });
  const assembler = new Assembler(RAM_BASE);
  build(assembler);
  array.ramAt(RAM_BASE, RAM_BYTES)!.set(assembler.finish());
  return array;
}

function traced(array: HartArray, instructions: number): string[] {
  const lines: string[] = [];
  const tracer = new Tracer(array, "all", (line) => lines.push(line));
  array.run(instructions);
  tracer.finish();
  return lines;
}

const TRAP: TrapRecord = {
  hartId: 1,
  toPrivilege: 1,
  toVirtual: false,
  cause: 9n,
  tval: 0n,
  epc: 0x8020_0000n,
};

Deno.test("traps look as QEMU's", () => {
  assertEquals(
    trapLine(TRAP),
    "riscv_cpu_do_interrupt: hart:1, async:0, cause:0000000000000009, " +
      "epc:0x0000000080200000, tval:0x0000000000000000, desc=supervisor_ecall",
  );
  const timer = { ...TRAP, cause: 1n << 63n | 5n };
  assertEquals(trapLine(timer).includes("async:1, cause:0000000000000005"), true);
  assertEquals(trapLine(timer).endsWith("desc=s_timer"), true);
});

Deno.test("an interrupt taken by VS-mode has the hypervisor's number", () => {
  const timer = { ...TRAP, toVirtual: true, cause: 1n << 63n | 5n };
  assertEquals(trapLine(timer).includes("cause:0000000000000006"), true);
  assertEquals(trapLine(timer).endsWith("desc=vs_timer"), true);
});

Deno.test("an interrupt comes before the handler's first instruction, not after the one it took the place of", () => {
  const array = machineWith((assembler) => {
    assembler.address(reg.t0, "handler").op("csrrw", 0, CSR.mtvec, reg.t0);
    assembler.op("csrrwi", 0, CSR.mie, 2).op("csrrwi", 0, CSR.mip, 2);
    assembler.op("csrrwi", 0, CSR.mstatus, 8); // MIE
    assembler.op("addi", 1, 0, 1);
    assembler.label("handler").op("addi", 2, 0, 2).op("addi", 3, 0, 3);
  });
  assertEquals(traced(array, 8).slice(5), [
    "Trace 0: M 0x0000000080000014: 30045073 csrrwi x0,mstatus,8",
    "riscv_cpu_do_interrupt: hart:0, async:1, cause:0000000000000001, " +
    "epc:0x0000000080000018, tval:0x0000000000000000, desc=s_software",
    "Trace 0: M 0x000000008000001c: 00200113 addi x2,x0,2",
    "Trace 0: M 0x0000000080000020: 00300193 addi x3,x0,3",
  ]);
});

Deno.test("behind a page table, instructions are read where they lie; a fault to fetch has no instruction", () => {
  const table = RAM_BASE + 0x1000;
  const array = machineWith((assembler) => {
    assembler.address(reg.t0, "handler").op("csrrw", 0, CSR.mtvec, reg.t0);
    assembler.constant(reg.t0, -1n).op("csrrw", 0, PMP.pmpaddr0, reg.t0);
    assembler.op("csrrwi", 0, PMP.pmpcfg0, 0x1f); // NAPOT, RWX
    // Virtual 0 to 1 GiB, a gigapage on RAM: V R W X U A D.
    assembler.constant(reg.t0, BigInt(table)).constant(reg.t1, BigInt(RAM_BASE) >> 2n | 0xdfn);
    assembler.op("sd", reg.t1, 0, reg.t0);
    assembler.constant(reg.t0, 8n << 60n | BigInt(table) >> 12n).op("csrrw", 0, CSR.satp, reg.t0);
    assembler.constant(reg.t0, 0x200n).op("csrrw", 0, CSR.mepc, reg.t0).op("mret");
    assembler.label("handler").op("addi", 1, 0, 1);
    while (assembler.here < RAM_BASE + 0x200) assembler.half(1);
    assembler.op("addi", 5, 0, 6).constant(reg.t2, 0x4000_0000n).op("jalr", 0, 0, reg.t2);
  });
  const lines = traced(array, 60);
  const at = lines.findIndex((line) => line.startsWith("Trace 0: U"));
  assertEquals(lines.slice(at, at + 5), [
    "Trace 0: U 0x0000000000000200: 00600293 addi x5,x0,6",
    "Trace 0: U 0x0000000000000204: 400003b7 lui x7,0x40000",
    "Trace 0: U 0x0000000000000208: 00038067 jalr x0,0(x7)",
    "riscv_cpu_do_interrupt: hart:0, async:0, cause:000000000000000c, " +
    "epc:0x0000000040000000, tval:0x0000000040000000, desc=exec_page_fault",
    `Trace 0: M 0x${array.readCsr(0, CSR.mtvec).toString(16).padStart(16, "0")}: ` +
    "00100093 addi x1,x0,1",
  ]);
});

Deno.test("a traced machine does exactly what one at full speed does", () => {
  const build = (assembler: Assembler) => {
    // Both harts add to one word and count, which shows in whose turn it was.
    assembler.address(reg.t0, "word").label("loop").constant(reg.t1, 1n);
    assembler.op("amoadd.d", reg.t2, reg.t1, reg.t0, 0).op("xor", reg.a0, reg.a0, reg.t2);
    assembler.op("add", reg.a1, reg.a1, reg.a0).jump("loop");
    while (assembler.here % 8 !== 0) assembler.half(1);
    assembler.label("word").word(0).word(0);
  };
  const fast = machineWith(build, 2);
  fast.run(100_000);
  const slow = machineWith(build, 2);
  const lines = traced(slow, 100_000);
  assertEquals(lines.length, 100_000);
  assertEquals([slow.instructions, slow.nowNs], [fast.instructions, fast.nowNs]);
  for (const hartId of [0, 1]) {
    for (const field of ["pc", "x6", "x7", "x10", "x11", "instret"]) {
      assertEquals(slow.get(hartId, field), fast.get(hartId, field), `hart ${hartId} ${field}`);
    }
  }
});
