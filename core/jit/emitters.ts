/**
 * How each instruction is translated. What has no emitter of its own is executed by the interpreter's
 * function, so this table is the list of what translation covers.
 *
 * @module
 */

import { executable, opNumber } from "../isa/ops.ts";
import type { ControlOps, DecodedInstruction } from "./blocks.ts";
import type { Coverage, Emitter } from "./emitter.ts";
import { FLOAT_EMITTERS } from "./float_emitters.ts";
import { INTEGER_EMITTERS } from "./integer_emitters.ts";
import { MEMORY_EMITTERS } from "./memory_emitters.ts";
import { Wasm } from "./wasm_encoder.ts";

/** The conditional branches, and when they are taken. */
export const BRANCH_CONDITION: ReadonlyMap<number, number> = new Map([
  [opNumber("beq"), Wasm.i64_eq],
  [opNumber("bne"), Wasm.i64_ne],
  [opNumber("blt"), Wasm.i64_lt_s],
  [opNumber("bge"), Wasm.i64_ge_s],
  [opNumber("bltu"), Wasm.i64_lt_u],
  [opNumber("bgeu"), Wasm.i64_ge_u],
]);

const JAL = opNumber("jal");
const JALR = opNumber("jalr");

const own: ReadonlyMap<number, Emitter> = new Map([
  ...INTEGER_EMITTERS,
  ...MEMORY_EMITTERS,
  ...FLOAT_EMITTERS,
]);

function called(op: number): Emitter {
  return {
    coverage: "call",
    emit: (writer, placed) => writer.execute(placed),
    needsFp: executable[op]?.flags.has("fp") ?? false,
    needsFpFast: false,
  };
}

const emitters: readonly Emitter[] = executable.map((_, op) => own.get(op) ?? called(op));

/** The emitter of an operation that is no jump. */
export function emitterOf(op: number): Emitter {
  return emitters[op]!;
}

/** After these the run loop is asked: they trap, return from a trap, or wait. */
const SYSTEM: ReadonlySet<number> = new Set([
  0, // illegal
  ...["ecall", "ebreak", "mret", "sret", "wfi", "wrs.nto", "wrs.sto"].map(opNumber),
]);

/** PAUSE (Zihintpause): a FENCE that gives the turn away. */
const PAUSE = 0x0100_000f;

/** What ends a block. */
export const CONTROL_OPS: ControlOps = {
  isBranch: (op) => BRANCH_CONDITION.has(op),
  jal: JAL,
  jalr: JALR,
  isSystem: ({ op, word }: DecodedInstruction) => SYSTEM.has(op) || word === PAUSE,
};

/** How translated code does an operation. */
export function coverageOf(op: number): Coverage {
  if (SYSTEM.has(op)) return "leave";
  if (op === JAL || op === JALR || BRANCH_CONDITION.has(op)) return "inline";
  return emitterOf(op).coverage;
}
