/**
 * One test case: the state a program starts from, its steps, and its memory; and the image that many
 * cases make together.
 *
 * @module
 */

import { assembleMonitor, assembleTrampolines, driver } from "./monitor.ts";
import {
  context,
  control,
  driverBlock,
  firstSlot,
  type InitialCsr,
  initialCsrs,
  ramBase,
  slot,
  slotLimit,
  slotSizeBytes,
  stepSizeBytes,
  trampolineDistanceBytes,
} from "./layout.ts";

/** Privilege modes as the hypervisor chapter names them. */
export type Mode = "M" | "HS" | "U" | "VS" | "VU";

export const modes: readonly Mode[] = ["M", "HS", "U", "VS", "VU"];

/** Whether the mode runs with V=1. */
export function isVirtual(mode: Mode): boolean {
  return mode === "VS" || mode === "VU";
}

/** Instructions that a trap skips together. At most {@link stepSizeBytes} long. */
export interface Step {
  readonly code: Uint8Array;
  /** Properties by which `known_differences.ts` recognises the step, for example `"hlv"`. */
  readonly tags: readonly string[];
}

/** Bytes in the slot's memory before the case runs. */
export interface Patch {
  /** Offset within the slot. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Everything that makes up a case. */
export interface TestCase {
  /** What it is in reports, for example `"seed 7, case 12 (translation)"`. */
  readonly title: string;
  /** Number of the slot it must run in; its addresses follow from it. */
  readonly slotIndex: number;
  readonly mode: Mode;
  readonly csrs: { readonly [name in InitialCsr]?: bigint };
  /** Initial x0 to x31. */
  readonly x: readonly bigint[];
  /** Initial f0 to f31. */
  readonly f: readonly bigint[];
  readonly fcsr: bigint;
  readonly steps: readonly Step[];
  readonly memory: readonly Patch[];
}

/** Physical address of a slot. */
export function slotAddress(slotIndex: number): number {
  return firstSlot + slotIndex * slotSizeBytes;
}

/** Slot of a generated case. */
export function slotOf(index: number): number {
  return index % slotLimit;
}

/** Physical (and, mapped one to one, virtual) address of a part of a slot. */
export function addressIn(slotIndex: number, offset: number): number {
  return slotAddress(slotIndex) + offset;
}

/** A step from 32-bit words. */
export function step(words: readonly number[], ...tags: readonly string[]): Step {
  const code = new Uint8Array(words.length * 4);
  const view = new DataView(code.buffer);
  words.forEach((word, i) => view.setUint32(4 * i, word, true));
  return stepOfBytes(code, ...tags);
}

/** A step from raw code. */
export function stepOfBytes(code: Uint8Array, ...tags: readonly string[]): Step {
  if (code.length > stepSizeBytes) throw new RangeError(`Step of ${code.length} bytes`);
  return { code, tags };
}

/** Most steps that fit; the one after the last ends the case. */
export const stepLimit = slot.codeSizeBytes / stepSizeBytes - 1;

const compressedNop = 0x0001;
const endMarker = 0x0000; // defined to be illegal (unprivileged manual, "Expanded Instruction-Length")

/**
 * Lays the cases out with the monitor. Their slots must differ.
 *
 * @param passes how often each case runs, from the same state; the result is that of the last time
 */
export function buildImage(cases: readonly TestCase[], passes = 1): Uint8Array {
  const last = cases.reduce((max, { slotIndex }) => Math.max(max, slotIndex), 0);
  if (last >= slotLimit) throw new RangeError(`Slot ${last} is beyond the last, ${slotLimit - 1}`);
  const image = new Uint8Array(slotAddress(last + 1) - ramBase);
  image.set(assembleMonitor(), 0);
  const trampolines = assembleTrampolines();
  const view = new DataView(image.buffer);
  const ordered = [...cases].sort((a, b) => a.slotIndex - b.slotIndex);
  ordered.forEach((testCase, i) => {
    if (i > 0 && ordered[i - 1]?.slotIndex === testCase.slotIndex) {
      throw new RangeError(`Two cases in slot ${testCase.slotIndex}`);
    }
    writeSlot(testCase, trampolines, image, view);
  });
  writeSlotList(ordered, passes, view);
  return image;
}

/**
 * The monitor walks slots at a fixed distance. A single case anywhere, or cases side by side, are
 * such a walk; anything else is not needed.
 */
function writeSlotList(ordered: readonly TestCase[], passes: number, view: DataView): void {
  const first = ordered[0]?.slotIndex ?? 0;
  ordered.forEach((testCase, i) => {
    if (testCase.slotIndex !== first + i) throw new RangeError("Slots must be side by side");
  });
  const at = driverBlock - ramBase;
  view.setBigUint64(at + driver.nextSlot, BigInt(slotAddress(first)), true);
  view.setBigUint64(at + driver.remaining, BigInt(ordered.length), true);
  view.setBigUint64(at + driver.slotSize, BigInt(slotSizeBytes), true);
  view.setBigUint64(at + driver.passes, BigInt(passes), true);
}

function writeSlot(
  testCase: TestCase,
  trampolines: Uint8Array,
  image: Uint8Array,
  view: DataView,
): void {
  const base = slotAddress(testCase.slotIndex) - ramBase;
  for (const { offset, bytes } of testCase.memory) image.set(bytes, base + offset);
  image.set(trampolines, base + slot.trampolines);
  writeCode(testCase.steps, base + slot.code, image, view);

  const contextAt = base + slot.context;
  testCase.x.forEach((value, i) =>
    view.setBigUint64(contextAt + context.initialX + 8 * i, value, true)
  );
  testCase.f.forEach((value, i) =>
    view.setBigUint64(contextAt + context.initialF + 8 * i, value, true)
  );
  const csrs = withEntry(testCase);
  initialCsrs.forEach((name, i) => {
    view.setBigUint64(contextAt + context.initialCsrs + 8 * i, csrs[name] ?? 0n, true);
  });
  const address = (offset: number) => BigInt(addressIn(testCase.slotIndex, offset));
  const fields: { readonly [name in keyof typeof control]?: bigint } = {
    enterWithMret: testCase.mode === "M" ? 1n : 0n,
    codeStart: address(slot.code),
    codeEnd: address(slot.code + testCase.steps.length * stepSizeBytes),
    sTrampoline: address(slot.trampolines),
    vsTrampoline: address(slot.trampolines + trampolineDistanceBytes),
    logNext: address(slot.log),
    logEnd: address(slot.log + slot.logSizeBytes),
    fcsr: testCase.fcsr,
  };
  for (const [name, value] of Object.entries(fields)) {
    const at = contextAt + context.control + control[name as keyof typeof control];
    view.setBigUint64(at, value, true);
  }
}

function writeCode(
  steps: readonly Step[],
  codeAt: number,
  image: Uint8Array,
  view: DataView,
): void {
  if (steps.length > stepLimit) throw new RangeError(`${steps.length} steps, limit ${stepLimit}`);
  steps.forEach(({ code }, i) => {
    const at = codeAt + i * stepSizeBytes;
    image.set(code, at);
    for (let j = code.length; j < stepSizeBytes; j += 2) {
      view.setUint16(at + j, compressedNop, true);
    }
  });
  view.setUint16(codeAt + steps.length * stepSizeBytes, endMarker, true);
}

const mstatusMpp = 3n << 11n, mstatusSpp = 1n << 8n, hstatusSpv = 1n << 7n;

/** Initial CSRs with everything the return instruction of the monitor needs to enter the mode. */
function withEntry(testCase: TestCase): { readonly [name in InitialCsr]?: bigint } {
  const { mode, slotIndex } = testCase;
  const csrs = {
    stvec: BigInt(addressIn(slotIndex, slot.trampolines)),
    vstvec: BigInt(addressIn(slotIndex, slot.trampolines + trampolineDistanceBytes)),
    ...testCase.csrs,
  };
  const entry = BigInt(addressIn(slotIndex, slot.code));
  const mstatus = csrs.mstatus ?? 0n, hstatus = csrs.hstatus ?? 0n;
  if (mode === "M") return { ...csrs, mepc: entry, mstatus: mstatus | mstatusMpp };
  const supervisor = mode === "HS" || mode === "VS";
  return {
    ...csrs,
    sepc: entry,
    mstatus: supervisor ? mstatus | mstatusSpp : mstatus & ~mstatusSpp,
    hstatus: isVirtual(mode) ? hstatus | hstatusSpv : hstatus & ~hstatusSpv,
  };
}
