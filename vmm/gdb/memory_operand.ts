/**
 * What of memory an instruction accesses, from its word and the hart's registers, before it is executed.
 *
 * @module
 */

import { decode } from "../../core/isa/decode.ts";
import type { HartArray } from "../../core/hart_array.ts";
import type { Access } from "./breakpoints.ts";

/** The access that instructions of one word make. */
export interface MemoryOperand {
  /** Register with the address, and what is added to it. */
  readonly base: number;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly reads: boolean;
  readonly writes: boolean;
  /** Whether the address is translated in another mode than the hart's: HLV, HLVX and HSV. */
  readonly translatesApart: boolean;
}

/** Size of Zicboz's cache blocks on this hart. */
const BLOCK_BYTES = 64;
const SIZES: Readonly<Record<string, number>> = { b: 1, h: 2, w: 4, d: 8 };
/** `amoadd.w`, `hlvx.hu`; `lbu`, `fld`, `sd`. */
const SIZE_IN_NAME = /\.([bhwd])u?$|^f?[ls]([bhwd])u?$/;

const known = new Map<number, MemoryOperand | null>();
/** Words are few; a guest that makes up new ones all the time is not to fill the memory. */
const MOST_KNOWN = 1 << 16;

/** What the instruction of a word accesses, if it does. */
export function memoryOperand(word: number): MemoryOperand | undefined {
  let operand = known.get(word);
  if (operand === undefined) {
    operand = derive(word) ?? null;
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(word, operand);
  }
  return operand ?? undefined;
}

function derive(word: number): MemoryOperand | undefined {
  const decoded = decode(word);
  if (decoded === undefined) return undefined;
  const { base, rs1, imm } = decoded;
  const reads = base.flags.has("load");
  const writes = base.flags.has("store");
  if (!reads && !writes) return undefined;
  const isBlock = base.flags.has("cache");
  const [, dotted, plain] = SIZE_IN_NAME.exec(base.name) ?? [];
  const sizeBytes = isBlock ? BLOCK_BYTES : SIZES[dotted ?? plain ?? ""];
  if (sizeBytes === undefined) return undefined;
  const hasOffset = !base.flags.has("atomic") && !base.flags.has("privileged");
  return {
    base: rs1,
    offset: hasOffset ? imm : 0,
    sizeBytes,
    reads,
    writes,
    translatesApart: base.extension === "H",
  };
}

/**
 * Low half of the address that an instruction accesses, for which no bigint has to be made.
 *
 * @param baseLow low half of the base register
 */
export function accessLow({ offset, sizeBytes }: MemoryOperand, baseLow: number): number {
  const low = baseLow + offset;
  return (sizeBytes === BLOCK_BYTES ? low & -BLOCK_BYTES : low) >>> 0;
}

/** The access that a hart's next instruction makes. */
export function accessOf(harts: HartArray, hartId: number, operand: MemoryOperand): Access {
  const { base, offset, sizeBytes, reads, writes } = operand;
  const register = base === 0 ? 0n : harts.get(hartId, `x${base}`);
  const address = BigInt.asUintN(64, register + BigInt(offset));
  const start = sizeBytes === BLOCK_BYTES ? address & ~BigInt(BLOCK_BYTES - 1) : address;
  return { address: start, sizeBytes, reads, writes };
}
