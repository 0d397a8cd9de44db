/**
 * What the tables of known differences ask about a case and its results: which trap, which step, which
 * kind of fault; and the changes to a case that they have in common.
 *
 * @module
 */

import { entryBytes, pte } from "./address_space.ts";
import { encode } from "./assembler.ts";
import { addressIn, type Step, stepOfBytes, type TestCase } from "./case.ts";
import { slot, stepSizeBytes, trampolineDistanceBytes, trampolineVectorBytes } from "./layout.ts";
import type { CaseResult } from "./result.ts";

/** CSRs of which QEMU shows another value somewhere, see the table. */
export const differentlyRead =
  /^csr ([mshv]+status|v?scause|htval|mtval2|[msv]+tval|[msh]envcfg|[msvh]+epc|(v?s|hg)atp)$/;

/** The step without what it reads of a status register: the last instruction's rd becomes x0. */
export function withoutStatusResult(step: Step): Step {
  if (!step.tags.some((tag) => differentlyRead.test(tag)) || step.code.length % 4 !== 0) {
    return step;
  }
  const code = step.code.slice();
  const view = new DataView(code.buffer);
  for (let at = 0; at < code.length; at += 4) {
    const word = view.getUint32(at, true);
    const isCsr = (word & 0x7f) === 0x73 && (word & 0x3000) !== 0;
    if (isCsr) view.setUint32(at, (word & ~0xf80) >>> 0, true);
  }
  return { ...step, code };
}

/** Whether an address is in the trap vectors of HS or VS mode. */
export function isInVectors(address: bigint, mode: "HS" | "VS", testCase: TestCase): boolean {
  const distance = mode === "HS" ? 0 : trampolineDistanceBytes;
  const start = BigInt(addressIn(testCase.slotIndex, slot.trampolines + distance));
  return address >= start && address < start + BigInt(trampolineVectorBytes);
}

/** Whether, of the traps that did not go to M-mode, the last one up to a field's went to HS. */
export function isTrapIntoHsLatest(
  field: string,
  { traps }: CaseResult,
  testCase: TestCase,
): boolean {
  const trap = /^trap (\d+)/.exec(field);
  for (let i = trap ? Number(trap[1]) : traps.length - 1; i >= 0; i--) {
    const { mepc } = traps[i]!;
    if (isInVectors(mepc, "HS", testCase)) return true;
    if (isInVectors(mepc, "VS", testCase)) return false;
  }
  return false;
}

/** The step a trap began in, through trampolines. */
export function stepOf(field: string, { traps }: CaseResult, testCase: TestCase): Step | undefined {
  const number = /^trap (\d+)/.exec(field);
  const trap = number ? traps[Number(number[1])] : undefined;
  if (!trap) return undefined;
  let epc = trap.mepc;
  if (isInVectors(epc, "HS", testCase)) epc = trap.sepc;
  if (isInVectors(epc, "VS", testCase)) epc = trap.vsepc;
  const offset = Number(epc) - addressIn(testCase.slotIndex, slot.code);
  return testCase.steps[Math.floor(offset / stepSizeBytes)];
}

/** Causes of the trap that a field belongs to, at every level; of the last trap for a CSR. */
export function nearestTrap(field: string, { traps }: CaseResult): readonly bigint[] {
  const number = /^trap (\d+)/.exec(field);
  const trap = traps[number ? Number(number[1]) : traps.length - 1];
  return trap ? [trap.mcause, trap.scause, trap.vscause] : [];
}

/**
 * Whether a breakpoint, in the trap that a field belongs to or before, left `value` as a trap value: it
 * stays there when the program writes xcause, or another level takes the next trap.
 */
export function isFromBreakpoint(value: bigint, field: string, { traps }: CaseResult): boolean {
  const number = /^trap (\d+)/.exec(field);
  const upTo = number ? Number(number[1]) + 1 : traps.length;
  return traps.slice(0, upTo).some((trap) =>
    (trap.mcause === 3n && trap.mtval === value) ||
    (trap.scause === 3n && trap.stval === value) ||
    (trap.vscause === 3n && trap.vstval === value)
  );
}

/** Exceptions of stores, misaligned ones included. */
export const isStoreException = (cause: bigint) => cause === 6n || isStoreFault(cause);
export const isAccessFault = (cause: bigint) => cause === 1n || cause === 5n || cause === 7n;
export const isPageFault = (cause: bigint) =>
  cause === 12n || cause === 13n || cause === 15n || isGuestPageFault(cause);
export const isStoreFault = (cause: bigint) => cause === 7n || cause === 15n || cause === 23n;
export const isGuestPageFault = (cause: bigint) => cause === 20n || cause === 21n || cause === 23n;

/** Fault addresses in a trap record, at every level. */
export function faultAddresses(field: string, { traps }: CaseResult): readonly bigint[] {
  const trap = traps[Number(/^trap (\d+)/.exec(field)?.[1])];
  return trap ? [trap.mtval, trap.stval, trap.vstval] : [];
}

/** Guest-physical addresses in a trap record. */
export function guestAddresses(field: string, { traps }: CaseResult): readonly bigint[] {
  const trap = traps[Number(/^trap (\d+)/.exec(field)?.[1])];
  return trap ? [trap.mtval2 << 2n, trap.htval << 2n] : [];
}

/** The highest bit of a virtual address in the scheme of a MODE field. */
export const signBit = (mode: bigint) => 11n + 9n * (mode - 5n);

/** Whether a VS-stage table lies in a page that the G-stage maps as executable but not readable. */
export function hasExecuteOnlyTable({ slotIndex, memory }: TestCase): boolean {
  const isTable = (entry: bigint) => {
    const offset = Number(((entry >> 10n) & 0xfff_ffff_ffffn) << 12n) - addressIn(slotIndex, 0);
    return offset >= slot.vsStageTables && offset < slot.sStageTables;
  };
  return memory.filter(({ offset }) => offset < slot.vsStageTables).some(({ bytes }) => {
    const entry = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
    return isTable(entry) && (entry & pte.X) !== 0n && (entry & pte.R) === 0n;
  });
}

/** An entry with all reserved bits clear. */
export function withoutReservedBits(bytes: Uint8Array): Uint8Array {
  let [value = 0n] = new BigUint64Array(bytes.slice().buffer);
  const isPointer = (value & (pte.R | pte.W | pte.X)) === 0n;
  const pbmt = 3n << pte.pbmtShift;
  value &= ~pte.reserved;
  if (isPointer || (value & pbmt) === pbmt) value &= ~pbmt;
  if (isPointer) value &= ~pte.N;
  return entryBytes(value);
}

export function isInPageTables(field: string): boolean {
  return Number(field.split("+")[1]) < slot.trampolines;
}

export function omitSteps(hasToGo: (step: Step) => boolean): (testCase: TestCase) => TestCase {
  const nothing = stepOfBytes(new Uint8Array(new Uint32Array([encode("addi", 0, 0, 0)]).buffer));
  return (testCase) => ({
    ...testCase,
    steps: testCase.steps.map((step) => hasToGo(step) ? nothing : step),
  });
}
