/** The directed rows on the project's own engines. */

import { csrRows } from "./directed_csrs.ts";
import { translationRows } from "./directed_translation.ts";
import { interruptRows } from "./directed_interrupts.ts";
import { trapRows } from "./directed_traps.ts";
import { testRows } from "./directed.ts";
import { InterpreterEngine } from "./interpreter_engine.ts";

await testRows(
  [...csrRows, ...trapRows, ...interruptRows, ...translationRows],
  new InterpreterEngine(),
);
