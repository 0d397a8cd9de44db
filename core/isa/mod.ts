/**
 * The instruction table of the project: every row of every extension. The interpreter's decoder
 * (`tools/generate_decoder.ts`), the TypeScript decoder, the disassembler and the JIT's coverage
 * all derive from it.
 *
 * @module
 */

import { a } from "./a.ts";
import { c } from "./c.ts";
import { d } from "./d.ts";
import { f } from "./f.ts";
import { h } from "./h.ts";
import type { Instruction } from "./instruction.ts";
import { m } from "./m.ts";
import { privileged } from "./privileged.ts";
import { rv64i } from "./rv64i.ts";
import { svinval } from "./svinval.ts";
import { zawrs } from "./zawrs.ts";
import { zba } from "./zba.ts";
import { zbb } from "./zbb.ts";
import { zbc } from "./zbc.ts";
import { zbs } from "./zbs.ts";
import { zfhmin } from "./zfhmin.ts";
import { zicbo } from "./zicbo.ts";
import { zicond } from "./zicond.ts";
import { zicsr } from "./zicsr.ts";
import { zifencei } from "./zifencei.ts";
import { zihintpause } from "./zihintpause.ts";

export type { Field } from "./encoding.ts";
export type { Flag, Instruction, Operand } from "./instruction.ts";

/** Every instruction, hot integer extensions first. */
export const instructions: readonly Instruction[] = [
  ...rv64i,
  ...m,
  ...zba,
  ...zbb,
  ...zbs,
  ...zicond,
  ...zbc,
  ...a,
  ...f,
  ...d,
  ...zfhmin,
  ...zicsr,
  ...zifencei,
  ...privileged,
  ...svinval,
  ...h,
  ...zawrs,
  ...zicbo,
  ...zihintpause,
  ...c,
];
