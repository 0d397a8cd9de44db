/**
 * The monitor: bare-metal M-mode code that runs many cases one after another and records what
 * happens in each.
 *
 * For each slot it writes the case's initial CSRs and registers, enters the case, logs every trap
 * and lets the case go on at its next step, and in the end saves all registers and CSRs into the
 * slot. After the last case it writes the test finisher. It runs the same on every engine.
 *
 * Traps that are delegated to HS or VS mode land in a trampoline (an ECALL for every vector), whose
 * ECALL reaches the monitor. It follows `mepc` through `sepc` and `vsepc` to the step where the first
 * of these traps began and lets the trampoline return with its SRET, so that delegation and SRET run
 * as in a real system while the case's page tables stay free to be broken.
 *
 * The lower modes are entered through SRET, not MRET: QEMU 11.1 drops `mstatus.MPV` when a CSR
 * instruction writes it.
 *
 * @module
 */

import { Assembler, reg } from "./assembler.ts";
import { csr } from "./csr_map.ts";
import {
  caseStatus,
  context,
  control,
  driverBlock,
  finalCsrs,
  initialCsrs,
  mirrorDistanceBytes,
  ramBase,
  slot,
  slotSizeBytes,
  stepSizeBytes,
  toHost,
  trampolineDistanceBytes,
  trampolineVectorBytes,
  trapRecord,
  trapRecordBytes,
} from "./layout.ts";

const { zero, ra, sp, gp, tp, t0, t1, t2, s0, s1, a0, t5, t6 } = reg;

/** Where a case begins: control block fields are addressed from the context page. */
const controlField = (name: keyof typeof control) => context.control + control[name];

const clintMtimecmp = 0x0200_4000;
const testFinisher = 0x0010_0000;
const finisherPass = 0x5555;
const mstatusFs = 0x6000n;
const mstatusMprv = 1n << 17n;
const napotAll = 0x1f; // pmpcfg: NAPOT, R, W, X

/** Offsets in the driver block. `passes` is how often each case runs, `pass` counts from 0. */
export const driver = { nextSlot: 0, remaining: 8, slotSize: 16, passes: 24, pass: 32 } as const;

/** The monitor's machine code, to be placed at the start of RAM. */
export function assembleMonitor(): Uint8Array {
  const a = new Assembler(ramBase);
  boot(a);
  startNextCase(a);
  trapHandler(a);
  finishCase(a);
  skipAbsentCsr(a);
  powerOff(a);
  return a.finish();
}

/** Trap vectors of HS mode at 0 and of VS mode at {@link trampolineDistanceBytes}. */
export function assembleTrampolines(): Uint8Array {
  const a = new Assembler(0);
  for (let i = 0; i < 2; i++) {
    for (let at = 0; at < trampolineVectorBytes; at += 4) a.op("ecall");
    a.op("sret");
    while (a.here % trampolineDistanceBytes !== 0) a.half(0);
  }
  return a.finish();
}

function boot(a: Assembler): void {
  a.op("csrrw", zero, csr("mie"), zero);
  a.op("csrrw", zero, csr("mscratch"), zero);
  a.constant(t0, -1n).constant(t1, BigInt(clintMtimecmp)).op("sd", t0, 0, t1); // no timer interrupt
  a.op("csrrw", zero, csr("pmpaddr0"), t0);
  a.op("addi", t0, zero, napotAll).op("csrrw", zero, csr("pmpcfg0"), t0);
}

/** Takes the next slot off the driver block, or powers off; t6 is the context page from here on. */
function startNextCase(a: Assembler): void {
  a.label("start next case");
  a.address(t0, "skip absent csr").op("csrrw", zero, csr("mtvec"), t0);
  a.constant(t0, BigInt(driverBlock));
  a.op("ld", t1, driver.remaining, t0).branch("beq", t1, zero, "power off");
  a.op("ld", t6, driver.nextSlot, t0);
  a.op("ld", s0, driver.pass, t0).op("ld", s1, driver.passes, t0);
  a.op("addi", t2, s0, 1).branch("bltu", t2, s1, "not the last pass");
  a.op("addi", t1, t1, -1).op("sd", t1, driver.remaining, t0);
  a.op("ld", t2, driver.slotSize, t0).op("add", t2, t2, t6).op("sd", t2, driver.nextSlot, t0);
  a.op("addi", t2, zero, 0);
  a.label("not the last pass");
  a.op("sd", t2, driver.pass, t0);
  copySlot(a);
  a.constant(t0, BigInt(slot.context)).op("add", t6, t6, t0);

  // Floating-point registers first, while FS is on; then the CSRs, among them mstatus.
  a.constant(t0, mstatusFs).op("csrrw", zero, csr("mstatus"), t0);
  for (let i = 0; i < 32; i++) a.op("fld", i, context.initialF + 8 * i, t6);
  a.op("ld", t0, controlField("fcsr"), t6).op("csrrw", zero, csr("fcsr"), t0);
  a.op("csrrw", zero, csr("mie"), zero);
  initialCsrs.forEach((name, i) => {
    a.op("ld", t0, context.initialCsrs + 8 * i, t6).op("csrrw", zero, csr(name), t0);
  });
  a.op("sfence.vma", zero, zero).op("hfence.vvma", zero, zero).op("hfence.gvma", zero, zero);
  a.op("fence.i");

  a.address(t0, "trap handler").op("csrrw", zero, csr("mtvec"), t0);
  a.op("csrrw", zero, csr("mscratch"), t6);
  // The reservation of an earlier case must not live on.
  a.op("addi", t0, t6, 2040).op("sc.d", zero, zero, t0);
  a.op("ld", t0, controlField("enterWithMret"), t6).branch("bne", t0, zero, "enter with mret");
  loadInitialIntegers(a);
  a.op("sret");
  a.label("enter with mret");
  loadInitialIntegers(a);
  a.op("mret");
}

/**
 * When cases run several times (s1), the first pass (s0 = 0) saves the slot, the others restore it. Code
 * stays as it is: an engine that translates code is to meet the same code again.
 */
function copySlot(a: Assembler): void {
  a.op("addi", t0, zero, 1).branch("bgeu", t0, s1, "slot is ready");
  a.constant(t0, BigInt(mirrorDistanceBytes)).op("add", t0, t0, t6); // copy
  a.op("addi", t1, t6, 0);
  a.branch("bne", s0, zero, "copy back");
  a.op("addi", gp, t1, 0).op("addi", t1, t0, 0).op("addi", t0, gp, 0);
  a.label("copy back"); // from t0 to t1
  const copyRange = (name: string, sizeBytes: number) => {
    a.constant(t2, BigInt(sizeBytes)).op("add", t2, t2, t0);
    a.label(name);
    for (let i = 0; i < 4; i++) a.op("ld", a0 + i, 8 * i, t0);
    for (let i = 0; i < 4; i++) a.op("sd", a0 + i, 8 * i, t1);
    a.op("addi", t0, t0, 32).op("addi", t1, t1, 32).branch("bltu", t0, t2, name);
  };
  copyRange("copy tables", slot.trampolines);
  a.constant(t2, BigInt(slot.context - slot.trampolines));
  a.op("add", t0, t0, t2).op("add", t1, t1, t2);
  copyRange("copy registers and data", slotSizeBytes - slot.context);
  a.label("slot is ready");
}

function loadInitialIntegers(a: Assembler): void {
  for (let i = 1; i < 32; i++) a.op("ld", i, context.initialX + 8 * i, t6);
}

/** Logs the trap and resumes at the next step, or ends the case. */
function trapHandler(a: Assembler): void {
  while (a.here % 4 !== 0) a.half(0x0001);
  a.label("trap handler");
  a.op("csrrw", t6, csr("mscratch"), t6);
  for (let i = 1; i < 31; i++) a.op("sd", i, context.finalX + 8 * i, t6);
  a.op("csrrw", t0, csr("mscratch"), t6).op("sd", t0, context.finalX + 8 * t6, t6);

  a.op("addi", a0, zero, caseStatus.logFull);
  a.op("ld", t0, controlField("logNext"), t6).op("ld", t1, controlField("logEnd"), t6);
  a.branch("bgeu", t0, t1, "finish case");
  trapRecord.forEach((name, i) => {
    a.op("csrrs", t1, csr(name), zero).op("sd", t1, 8 * i, t0);
  });
  a.op("addi", t0, t0, trapRecordBytes).op("sd", t0, controlField("logNext"), t6);
  a.constant(t0, mstatusMprv).op("csrrc", zero, csr("mstatus"), t0);

  // t0: where the first trap of the chain began; t1: its cause; s0, s1: delegated to HS, to VS.
  a.op("csrrs", t0, csr("mepc"), zero).op("csrrs", t1, csr("mcause"), zero);
  a.op("addi", s0, zero, 0).op("addi", s1, zero, 0);
  const followTrampoline = (
    field: "sTrampoline" | "vsTrampoline",
    flag: number,
    epc: string,
    cause: string,
  ) => {
    const skip = `not in ${field}`;
    a.op("ld", t2, controlField(field), t6).op("sub", t2, t0, t2);
    a.op("addi", sp, zero, trampolineVectorBytes + 4).branch("bgeu", t2, sp, skip);
    a.op("addi", flag, zero, 1);
    a.op("csrrs", t0, csr(epc), zero).op("csrrs", t1, csr(cause), zero);
    a.label(skip);
  };
  // An interrupt that finds a trampoline running stands for itself.
  a.branch("blt", t1, zero, "interrupt");
  followTrampoline("sTrampoline", s0, "sepc", "scause");
  a.branch("blt", t1, zero, "interrupt");
  followTrampoline("vsTrampoline", s1, "vsepc", "vscause");
  a.branch("blt", t1, zero, "interrupt");

  a.op("ld", gp, controlField("codeStart"), t6).op("ld", tp, controlField("codeEnd"), t6);
  a.op("sub", t2, t0, gp).op("sub", t5, tp, gp);
  a.branch("bltu", t2, t5, "to the next step");
  a.op("addi", a0, zero, caseStatus.finished).branch("beq", t0, tp, "finish case");
  // Outside of the code: a call went astray. Its link register tells where it came from.
  a.op("ld", t0, context.finalX + 8 * ra, t6);
  a.op("sub", t2, t0, gp).branch("bltu", t2, t5, "resume");
  a.jump("finish case");
  a.label("to the next step");
  a.op("andi", t0, t0, -stepSizeBytes).op("addi", t0, t0, stepSizeBytes);
  a.jump("resume");

  // An interrupt is taken once: its enable bit goes, and the interrupted step runs.
  a.label("interrupt");
  a.op("add", t1, t1, s1); // VS-level numbers are one less than their bit in mie
  a.op("addi", t2, zero, 1).op("sll", t2, t2, t1).op("csrrc", zero, csr("mie"), t2);

  a.label("resume"); // at t0
  a.op("addi", t1, zero, trampolineVectorBytes);
  a.branch("beq", s1, zero, "not from VS");
  a.op("csrrw", zero, csr("vsepc"), t0);
  a.op("ld", t0, controlField("vsTrampoline"), t6).op("add", t0, t0, t1);
  a.label("not from VS");
  a.branch("beq", s0, zero, "not from HS");
  a.op("csrrw", zero, csr("sepc"), t0);
  a.op("ld", t0, controlField("sTrampoline"), t6).op("add", t0, t0, t1);
  a.label("not from HS");
  a.op("csrrw", zero, csr("mepc"), t0);
  for (let i = 1; i < 32; i++) a.op("ld", i, context.finalX + 8 * i, t6);
  a.op("mret");
}

/** Saves the final state (the handler has saved x1 to x31) and goes on with the next case. */
function finishCase(a: Assembler): void {
  a.label("finish case"); // a0: status
  a.op("sd", a0, controlField("status"), t6);
  a.address(t0, "skip absent csr").op("csrrw", zero, csr("mtvec"), t0);
  a.constant(t0, mstatusMprv).op("csrrc", zero, csr("mstatus"), t0);
  finalCsrs.forEach((name, i) => {
    a.op("addi", t0, zero, -2).op("csrrs", t0, csr(name), zero);
    a.op("sd", t0, context.finalCsrs + 8 * i, t6);
  });
  a.constant(t0, mstatusFs).op("csrrs", zero, csr("mstatus"), t0);
  a.op("csrrs", t0, csr("fcsr"), zero).op("sd", t0, controlField("finalFcsr"), t6);
  for (let i = 0; i < 32; i++) a.op("fsd", i, context.finalF + 8 * i, t6);
  a.jump("start next case");
}

/** Trap handler outside of cases: a CSR the engine lacks keeps what the register held. */
function skipAbsentCsr(a: Assembler): void {
  while (a.here % 4 !== 0) a.half(0x0001);
  a.label("skip absent csr");
  a.op("csrrs", t2, csr("mepc"), zero).op("addi", t2, t2, 4).op("csrrw", zero, csr("mepc"), t2);
  a.op("mret");
}

function powerOff(a: Assembler): void {
  a.label("power off");
  a.address(t0, "hang").op("csrrw", zero, csr("mtvec"), t0);
  a.constant(t0, BigInt(toHost)).op("addi", t1, zero, 1).op("sd", t1, 0, t0);
  a.constant(t0, BigInt(testFinisher)).constant(t1, BigInt(finisherPass)).op("sw", t1, 0, t0);
  while (a.here % 4 !== 0) a.half(0x0001);
  a.label("hang").jump("hang");
}
