/**
 * A loop that has something of everything that hot code has: arithmetic, loads and stores, calls and
 * returns, an indirect jump, branches both ways. For tests that disturb it.
 *
 * @module
 */

import { reg } from "../../conformance/assembler.ts";
import type { Program } from "../../testing/bare_program.ts";

/** Registers that the loop changes. */
export const LOOP_REGISTERS = [reg.s1, reg.s2, reg.s3, reg.s4, reg.a0, reg.a1, reg.ra];

/** Bytes of memory that {@link emitHotLoop} uses, at `data`. */
export const LOOP_DATA_BYTES = 64;

/**
 * Emits the loop, which never ends, from label `hot` on; s1 counts its rounds. The caller leaves the data's
 * address in s0. It may be emitted once in a program.
 */
export function emitHotLoop(a: Program): void {
  a.address(reg.s5, "hot_callee").address(reg.s6, "hot_case_0").jump("hot");
  a.label("hot_callee");
  a.op("ld", reg.a1, 8, reg.s0).op("xor", reg.a1, reg.a1, reg.a0).op("sd", reg.a1, 8, reg.s0);
  a.op("jalr", 0, 0, reg.ra);

  a.label("hot").op("addi", reg.s1, reg.s1, 1).op("mul", reg.a0, reg.s1, reg.s1);
  a.op("sw", reg.a0, 0, reg.s0).op("lh", reg.s2, 1, reg.s0); // the load is misaligned
  a.jump("hot_callee", reg.ra);
  a.op("jalr", reg.ra, 0, reg.s5);
  a.op("andi", reg.t0, reg.s1, 1).branch("beq", reg.t0, 0, "hot_even");
  a.op("add", reg.s3, reg.s3, reg.a1).op("divu", reg.s4, reg.a1, reg.s1);
  a.label("hot_even").op("andi", reg.t0, reg.s1, 3).op("slli", reg.t0, reg.t0, 3)
    .op("add", reg.t0, reg.t0, reg.s6).op("jalr", 0, 0, reg.t0);
  for (let n = 0; n < 4; n++) {
    a.label(`hot_case_${n}`).op("addi", reg.s3, reg.s3, n + 1).jump("hot_join");
  }
  a.label("hot_join").op("amoadd.d", reg.t1, reg.s3, reg.s0).branch("bne", reg.s1, 0, "hot");
}
