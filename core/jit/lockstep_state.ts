/**
 * Where the states of two machines differ: fields of harts, the clock, bytes of RAM.
 *
 * @module
 */

import type { HartField, HartModule } from "../hart_module.ts";

/** What is needed of the harts of a machine to run and compare them; `HartArray` is one. */
export interface LockstepHarts {
  readonly module: HartModule;
  readonly hartCount: number;
  readonly nowNs: number;
  readonly instructions: number;
  onInstruction: ((hartId: number) => void) | undefined;
  run(maxInstructions: number): string;
}

/** One difference. */
export interface Difference {
  /** For example `hart 0: x10`, or `RAM at 0x80001000`. */
  readonly where: string;
  readonly reference: bigint;
  readonly translated: bigint;
  /** The field that differs, or the address in RAM, as linear memory has it. */
  readonly address: number;
  readonly kind: "field" | "ram" | "clock";
}

/** Choices of the emulator that no instruction can read. */
const UNOBSERVABLE: ReadonlySet<string> = new Set([
  "fetchContext",
  "dataContext",
  "contextClock",
  "xsink",
]);
const MOST_RAM_DIFFERENCES = 8;

const fieldsOfLayout = new WeakMap<HartModule, readonly HartField[]>();

/** The fields of a hart that a guest can observe, in the order of the layout. */
function observableFields(module: HartModule): readonly HartField[] {
  const known = fieldsOfLayout.get(module);
  if (known !== undefined) return known;
  const fields = module.hartFields.filter(({ name }) => !UNOBSERVABLE.has(name));
  fieldsOfLayout.set(module, fields);
  return fields;
}

function hartBase(module: HartModule, hartId: number): number {
  return module.layout("HARTS_BASE") + hartId * module.layout("HART_STRIDE");
}

function read(module: HartModule, address: number, sizeBytes: number): bigint {
  return sizeBytes === 8 ? module.getU64(address) : BigInt(module.getU32(address));
}

/** Differences between harts and clocks. Quick if there is none. */
export function hartDifferences(reference: LockstepHarts, translated: LockstepHarts): Difference[] {
  const found: Difference[] = [];
  for (const name of ["nowNs", "instructions"] as const) {
    if (reference[name] === translated[name]) continue;
    found.push({
      where: name,
      reference: BigInt(reference[name]),
      translated: BigInt(translated[name]),
      address: 0,
      kind: "clock",
    });
  }
  const [left, right] = [reference.module, translated.module];
  for (let id = 0; id < reference.hartCount; id++) {
    const base = hartBase(left, id);
    for (const { name, offset, sizeBytes } of observableFields(left)) {
      const address = base + offset;
      // By halves: most of the time they are equal, and a bigint costs.
      const isEqual = left.getU32(address) === right.getU32(address) &&
        (sizeBytes === 4 || left.getU32(address + 4) === right.getU32(address + 4));
      if (isEqual) continue;
      found.push({
        where: `hart ${id}: ${name}`,
        reference: read(left, address, sizeBytes),
        translated: read(right, address, sizeBytes),
        address,
        kind: "field",
      });
    }
  }
  return found;
}

/** The first differences in RAM, by 64-bit words. */
export function ramDifferences(reference: LockstepHarts, translated: LockstepHarts): Difference[] {
  const [left, right] = [reference.module, translated.module];
  const words = (module: HartModule) =>
    new Uint32Array(module.ram.buffer, module.ram.byteOffset, module.ram.length >> 2);
  const [mine, other] = [words(left), words(right)];
  const ramBase = left.getNumber(left.machineField("ramBase"));
  const found: Difference[] = [];
  for (let i = 0; i < mine.length && found.length < MOST_RAM_DIFFERENCES; i++) {
    if (mine[i] === other[i]) continue;
    const at = (i >> 1) * 8;
    const address = left.ram.byteOffset + at;
    found.push({
      where: `RAM at 0x${(ramBase + at).toString(16)}`,
      reference: left.getU64(address),
      translated: right.getU64(address),
      address,
      kind: "ram",
    });
    i |= 1; // the other half of the word
  }
  return found;
}

/** Linear-memory address of the code at a virtual address, if a fetch has just gone there. */
export function codeAddress(
  module: HartModule,
  fetchContext: number,
  pc: bigint,
): number | undefined {
  const tlbBytes = module.layout("TLB_BYTES");
  const index = Number((pc >> 12n) % BigInt(module.layout("TLB_ENTRIES")));
  const entry = fetchContext + 2 * tlbBytes + 16 * index;
  if (module.getU64(entry) !== BigInt.asUintN(64, pc & ~0xfffn)) return undefined;
  return (Number(BigInt.asUintN(32, pc)) + module.getU32(entry + 8)) >>> 0;
}

/** Linear-memory address of a hart's field. */
export function fieldAddress(module: HartModule, hartId: number, name: string): number {
  return hartBase(module, hartId) + module.layout(`Hart_${name}`);
}
