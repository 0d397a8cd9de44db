/**
 * Random sequences of floating-point instructions in a loop, that hand their results to each other in
 * registers, with branches among them. No CSR is read or written between, so that flags accrue and the
 * rounding mode holds as in a guest's hot code.
 *
 * @module
 */

import { reg } from "../conformance/assembler.ts";
import { cornerFloatRegister, cornerInteger, type Random } from "../conformance/random.ts";
import { bareProgram, type Program, RAM } from "../testing/bare_program.ts";
import { stateDigest } from "../testing/state_digest.ts";
import type { JitOptions } from "./jit_options.ts";
import {
  countTraps,
  DYN,
  onHartZero,
  runToTheEnd,
  SETTINGS,
  type Shape,
} from "./float_programs_testing.ts";

const ROUNDS = 40;
const INSTRUCTIONS = 48;
/** f8 to f15 and x10 to x17. */
const REGISTERS = 8;
const FIRST_F = 8, FIRST_X = 10;
const INPUTS = RAM + 0x1_0000;
const RECORDS = RAM + 0x2_0000;
const RAM_BYTES = 0x4_0000;
const BYTES_A_ROUND = 16 * REGISTERS;
const FS = 3n << 13n;

/** Flags and `frm` that a pass begins with. */
const PASSES = [[1, 0], [0, 0], [1, 3], [1, 0]] as const;

/** One instruction of the sequence. */
type Emission = (a: Program) => void;

function randomInstruction(random: Random, shapes: readonly Shape[]): Emission {
  const shape = random.pick(shapes);
  const register = (file: "x" | "f") =>
    (file === "f" ? FIRST_F : FIRST_X) + random.below(REGISTERS);
  const operands = [register(shape.destination), ...shape.sources.map(register)];
  if (shape.hasRoundingMode) {
    operands.push(random.weighted([[8, DYN], [8, 0], [2, 1], [1, 2], [1, 3], [1, 4]]));
  }
  return (a) => a.op(shape.name, ...operands);
}

/** The sequence; a branch skips some of it. */
function randomSequence(random: Random, shapes: readonly Shape[]): Emission[] {
  const emissions: Emission[] = [];
  while (emissions.length < INSTRUCTIONS) {
    emissions.push(randomInstruction(random, shapes));
    if (!random.chance(0.1)) continue;
    const [left, right] = [FIRST_X + random.below(REGISTERS), FIRST_X + random.below(REGISTERS)];
    const name = random.pick(["beq", "bne", "blt", "bgeu"]);
    const skipped = Array.from(
      { length: random.between(1, 5) },
      () => randomInstruction(random, shapes),
    );
    emissions.push((a) => {
      const target = `skip_${a.here}`;
      a.branch(name, left, right, target);
      skipped.forEach((emit) => emit(a));
      a.label(target);
    });
  }
  return emissions;
}

function runChain(
  sequence: readonly Emission[],
  inputs: readonly bigint[],
  jit: JitOptions | false,
): string {
  const program = bareProgram((a, harts) => {
    a.setBits("mstatus", FS).constant(reg.s2, BigInt(RECORDS));
    onHartZero(a, () => {
      for (const [fflags, frm] of PASSES) {
        const { here } = a;
        a.op("csrrwi", 0, a.csr("fflags"), fflags).op("csrrwi", 0, a.csr("frm"), frm);
        a.constant(reg.s1, BigInt(INPUTS))
          .constant(reg.s3, BigInt(INPUTS + BYTES_A_ROUND * ROUNDS));
        a.label(`round_${here}`);
        for (let n = 0; n < REGISTERS; n++) {
          a.op("fld", FIRST_F + n, 8 * n, reg.s1);
          a.op("ld", FIRST_X + n, 8 * (REGISTERS + n), reg.s1);
        }
        sequence.forEach((emit) => emit(a));
        for (let n = 0; n < REGISTERS; n++) {
          a.op("fsd", FIRST_F + n, 8 * n, reg.s2);
          a.op("sd", FIRST_X + n, 8 * (REGISTERS + n), reg.s2);
        }
        a.op("addi", reg.s1, reg.s1, BYTES_A_ROUND).op("addi", reg.s2, reg.s2, BYTES_A_ROUND);
        a.branch("bne", reg.s1, reg.s3, `round_${here}`);
        a.op("csrrs", reg.t0, a.csr("fcsr"), 0).op("sd", reg.t0, 0, reg.s2)
          .op("addi", reg.s2, reg.s2, 8);
      }
    });
    const bytes = harts.ramAt(INPUTS, 8 * inputs.length)!;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    inputs.forEach((word, n) => view.setBigUint64(8 * n, word, true));
  }, { jit, ramSizeBytes: RAM_BYTES, handler: countTraps });
  runToTheEnd(program);
  if (jit && !(program.harts.jitStatistics!.regions > 0)) throw new Error("not translated");
  return stateDigest(program.harts);
}

/**
 * Runs a random sequence interpreted and translated.
 *
 * @throws {Error} if the states differ
 */
export function compareChain(random: Random, shapes: readonly Shape[]): void {
  const sequence = randomSequence(random, shapes);
  const inputs = Array.from({ length: ROUNDS }, () => [
    ...Array.from({ length: REGISTERS }, () => cornerFloatRegister(random)),
    ...Array.from({ length: REGISTERS }, () => cornerInteger(random)),
  ]).flat();
  const expected = runChain(sequence, inputs, false);
  for (const jit of SETTINGS) {
    const found = runChain(sequence, inputs, jit);
    if (found !== expected) {
      const how = `with threshold ${jit.threshold}`;
      throw new Error(`interpreted ${expected}, translated ${how} ${found}`);
    }
  }
}
