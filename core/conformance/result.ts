/**
 * What a case left in its slot, by names: the traps in order, registers, CSRs, memory.
 *
 * @module
 */

import {
  context,
  control,
  type FinalCsr,
  finalCsrs,
  ramBase,
  slot,
  slotSizeBytes,
  trapRecord,
  trapRecordBytes,
} from "./layout.ts";
import { slotAddress, type TestCase } from "./case.ts";

/** One trap as the monitor logged it. */
export type TrapRecord = { readonly [name in typeof trapRecord[number]]: bigint };

/** Names of {@link caseStatus}, by number. */
const statusNames = ["not run", "finished", "log full"] as const;
export type Status = typeof statusNames[number];

/** The end of a case. */
export interface CaseResult {
  readonly status: Status;
  readonly traps: readonly TrapRecord[];
  readonly x: readonly bigint[];
  readonly f: readonly bigint[];
  readonly fcsr: bigint;
  readonly csrs: { readonly [name in FinalCsr]: bigint };
  /** The whole slot. */
  readonly memory: Uint8Array;
}

/** Reads the result of a case out of the memory a run has left. */
export function readResult(memory: Uint8Array, testCase: TestCase): CaseResult {
  const base = slotAddress(testCase.slotIndex) - ramBase;
  const bytes = memory.subarray(base, base + slotSizeBytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const u64 = (offset: number) => view.getBigUint64(offset, true);
  const words = (offset: number) => Array.from({ length: 32 }, (_, i) => u64(offset + 8 * i));
  const controlAt = slot.context + context.control;
  const logEnd = Number(u64(controlAt + control.logNext)) - slotAddress(testCase.slotIndex);
  const status = statusNames[Number(u64(controlAt + control.status))] ?? "not run";

  const traps: TrapRecord[] = [];
  for (let at: number = slot.log; at < logEnd; at += trapRecordBytes) {
    traps.push(named(trapRecord, (i) => u64(at + 8 * i)));
  }
  const x = words(slot.context + context.finalX);
  x[0] = 0n; // not stored
  return {
    status,
    traps,
    x,
    f: words(slot.context + context.finalF),
    fcsr: u64(controlAt + control.finalFcsr),
    csrs: named(finalCsrs, (i) => u64(slot.context + context.finalCsrs + 8 * i)),
    memory: bytes,
  };
}

function named<Name extends string>(
  names: readonly Name[],
  value: (index: number) => bigint,
): { readonly [name in Name]: bigint } {
  return Object.fromEntries(names.map((name, i) => [name, value(i)])) as {
    readonly [name in Name]: bigint;
  };
}

/** One value that two engines do not agree on. */
export interface Difference {
  /** For example `"trap 3 mtval2"`, `"x5"`, `"csr vsip"`, `"memory +0x18010"`. */
  readonly field: string;
  /** The field without what is numbered: `"trap mtval2"`, `"x"`, `"csr vsip"`, `"memory"`. */
  readonly kind: string;
  readonly expected: bigint;
  readonly actual: bigint;
}

/** Every difference of two results, in the order that tells most: traps, registers, CSRs, memory. */
export function differences(expected: CaseResult, actual: CaseResult): Difference[] {
  const found: Difference[] = [];
  const compare = (field: string, kind: string, left: bigint, right: bigint) => {
    if (left !== right) found.push({ field, kind, expected: left, actual: right });
  };
  const trapCount = Math.min(expected.traps.length, actual.traps.length);
  for (let i = 0; i < trapCount; i++) {
    const left = expected.traps[i]!, right = actual.traps[i]!;
    for (const name of trapRecord) {
      compare(`trap ${i} ${name}`, `trap ${name}`, left[name], right[name]);
    }
  }
  compare("trap count", "trap count", BigInt(expected.traps.length), BigInt(actual.traps.length));
  compareStatus(expected.status, actual.status, compare);
  expected.x.forEach((value, i) => compare(`x${i}`, "x", value, actual.x[i]!));
  expected.f.forEach((value, i) => compare(`f${i}`, "f", value, actual.f[i]!));
  compare("fcsr", "fcsr", expected.fcsr, actual.fcsr);
  for (const name of finalCsrs) {
    compare(`csr ${name}`, `csr ${name}`, expected.csrs[name], actual.csrs[name]);
  }
  compareMemory(expected.memory, actual.memory, compare);
  return found;
}

function compareStatus(
  expected: Status,
  actual: Status,
  compare: (field: string, kind: string, left: bigint, right: bigint) => void,
): void {
  const number = (status: Status) => BigInt(statusNames.indexOf(status));
  compare("status", "status", number(expected), number(actual));
}

/** Page tables and data; what lies between are the registers and traps that have names. */
function compareMemory(
  expected: Uint8Array,
  actual: Uint8Array,
  compare: (field: string, kind: string, left: bigint, right: bigint) => void,
): void {
  const left = new BigUint64Array(expected.slice().buffer);
  const right = new BigUint64Array(actual.slice().buffer);
  for (let i = 0; i < left.length; i++) {
    const offset = i * 8;
    if (offset >= slot.context && offset < slot.data) continue;
    compare(`memory +0x${offset.toString(16)}`, "memory", left[i]!, right[i]!);
  }
}
