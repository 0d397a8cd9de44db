/** Zihintpause 2.0: pause hint. */

import { define, type Instruction } from "./instruction.ts";

/** `pause`: a `fence` with predecessor W and an empty successor set. */
export const zihintpause: readonly Instruction[] = define("Zihintpause", ["hint"], [
  ["pause", "0000 0001 0000 00000 000 00000 0001111", { within: "fence" }],
]);
