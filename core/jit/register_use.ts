/**
 * Which registers instructions read and write, and which a region may have changed where.
 *
 * A register's number is its place in the hart's state: x0 to x31 are 0 to 31, f0 to f31 follow from
 * {@link F0}. Sets of registers are pairs of 32-bit masks.
 *
 * @module
 */

import { executable } from "../isa/ops.ts";
import type { Block, DecodedInstruction } from "./blocks.ts";
import type { Structure, StructuredBlock } from "./control_flow.ts";

/** The decoder's destination for x0. */
export const X_SINK = 32;
/** Number of f0: after x31, the sink and pc (core/hart/hart_state.ts). */
export const F0 = 34;

type RegisterSlot = "rd" | "rs1" | "rs2" | "rs3";
interface SlotUse {
  readonly slot: RegisterSlot;
  readonly first: 0 | typeof F0;
}
interface OpUse {
  readonly reads: readonly SlotUse[];
  readonly writes: SlotUse | undefined;
}

const USES: readonly OpUse[] = executable.map((row): OpUse => {
  const uses: SlotUse[] = [];
  for (const { slot, kind } of row?.fields ?? []) {
    if (slot !== "rd" && slot !== "rs1" && slot !== "rs2" && slot !== "rs3") continue;
    if (kind === "x") uses.push({ slot, first: 0 });
    else if (kind === "f") uses.push({ slot, first: F0 });
  }
  return {
    reads: uses.filter(({ slot }) => slot !== "rd"),
    writes: uses.find(({ slot }) => slot === "rd"),
  };
});

/** Registers that an instruction reads; x0 is left out. */
export function registersRead(instruction: DecodedInstruction): number[] {
  const registers: number[] = [];
  for (const { slot, first } of USES[instruction.op]!.reads) {
    const register = first + instruction[slot];
    if (register !== 0) registers.push(register);
  }
  return registers;
}

/** The register that an instruction writes, if any. */
export function registerWritten(instruction: DecodedInstruction): number | undefined {
  const use = USES[instruction.op]!.writes;
  if (use === undefined) return undefined;
  const number = instruction[use.slot];
  return use.first === 0 && (number === X_SINK || number === 0) ? undefined : use.first + number;
}

/** A set of registers. */
export class RegisterSet {
  x = 0;
  f = 0;

  add(register: number): void {
    if (register < X_SINK) this.x |= 1 << register;
    else this.f |= 1 << (register - F0);
  }

  has(register: number): boolean {
    return register < X_SINK
      ? ((this.x >>> register) & 1) !== 0
      : ((this.f >>> (register - F0)) & 1) !== 0;
  }

  /** Adds all of another set; answers whether that changed anything. */
  addAll({ x, f }: RegisterSet): boolean {
    const changed = ((x & ~this.x) | (f & ~this.f)) !== 0;
    this.x |= x;
    this.f |= f;
    return changed;
  }

  *[Symbol.iterator](): Generator<number> {
    for (let n = 1; n < 32; n++) if ((this.x >>> n) & 1) yield n;
    for (let n = 0; n < 32; n++) if ((this.f >>> n) & 1) yield F0 + n;
  }
}

/** A block's instructions, with the one that ends it. */
export function instructionsOf(block: Block): readonly DecodedInstruction[] {
  return "instruction" in block.end ? [...block.body, block.end.instruction] : block.body;
}

/** What a region does with the registers. */
export interface RegisterUse {
  /** Read or written anywhere. */
  readonly used: RegisterSet;
  /** Written anywhere. */
  readonly written: RegisterSet;
  /** What may have been written when a block has run through. */
  readonly writtenAfter: ReadonlyMap<StructuredBlock, RegisterSet>;
}

/** Analyses a region. */
export function analyzeRegisters({ blocks, targets, isDispatched }: Structure): RegisterUse {
  const used = new RegisterSet();
  const written = new RegisterSet();
  const writtenAfter = new Map<StructuredBlock, RegisterSet>();
  for (const node of blocks) {
    const own = new RegisterSet();
    for (const instruction of instructionsOf(node.block!)) {
      for (const register of registersRead(instruction)) used.add(register);
      const register = registerWritten(instruction);
      if (register !== undefined) own.add(register);
    }
    used.addAll(own);
    written.addAll(own);
    writtenAfter.set(node, own);
  }
  // Whoever comes through the switch again may have written anything.
  if (isDispatched) { for (const target of targets) writtenAfter.get(target)!.addAll(written); }
  for (let changed = true; changed;) {
    changed = false;
    for (const node of blocks) {
      for (const next of node.successors) {
        if (writtenAfter.get(next)!.addAll(writtenAfter.get(node)!)) changed = true;
      }
    }
  }
  return { used, written, writtenAfter };
}
