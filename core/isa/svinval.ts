/** Svinval 1.0: fine-grained address-translation cache invalidation. */

import { define, type Instruction } from "./instruction.ts";

/** Supervisor invalidation; the hypervisor forms are in `h.ts`. */
export const svinval: readonly Instruction[] = define("Svinval", ["fence", "privileged"], [
  ["sinval.vma rs1, rs2", "0001011 rs2 rs1 000 00000 1110011"],
  ["sfence.w.inval", "000110000000 00000 000 00000 1110011"],
  ["sfence.inval.ir", "000110000001 00000 000 00000 1110011"],
]);
