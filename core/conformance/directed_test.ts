/** The directed rows on the project's own engines. */

import { testRows } from "./directed.ts";
import { directedRows } from "./directed_rows.ts";
import { jitPasses } from "./fuzz.ts";
import { InterpreterEngine, JitEngine } from "./interpreter_engine.ts";

await testRows(directedRows, new InterpreterEngine());
await testRows(directedRows, new JitEngine(), jitPasses);
