/**
 * All generators together: a case number decides which one makes it.
 *
 * @module
 */

import type { TestCase } from "./case.ts";
import { generateInstructionCase } from "./generate_instructions.ts";
import { generatePrivilegedCase } from "./generate_privileged.ts";
import { generateSwitchingCase } from "./generate_switching.ts";
import { generateTranslationCase } from "./generate_translation.ts";

const generators = [
  generateInstructionCase,
  generateTranslationCase,
  generateInstructionCase,
  generateTranslationCase,
  generatePrivilegedCase,
  generateSwitchingCase,
];

/** Case `index` of `seed`; the same on every computer. */
export function generateCase(seed: number, index: number): TestCase {
  return generators[index % generators.length]!(seed, index);
}
