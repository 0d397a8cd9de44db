/**
 * The virtualization requirement: every CSR access and every SYSTEM instruction from VS and VU either
 * traps as the specification says or acts on the guest's own state. And the same for the modes of the
 * host.
 */

import { assertEquals } from "@std/assert";
import { modes } from "./case.ts";
import { accessStates, permissiveState } from "./csr_access.ts";
import { csrTrials, runTrials, systemTrials } from "./csr_access_cases.ts";
import { InterpreterEngine } from "./interpreter_engine.ts";

for (const state of accessStates) {
  for (const mode of modes) {
    Deno.test(`all 4096 CSRs from ${mode}-mode, ${state.title}`, async () => {
      const trials = csrTrials(mode, state);
      assertEquals(await runTrials(trials, mode, state.csrs, new InterpreterEngine()), []);
    });
  }
}

for (const mode of ["VS", "VU"] as const) {
  Deno.test(`all SYSTEM instructions from ${mode}-mode`, async () => {
    const trials = systemTrials(mode);
    assertEquals(await runTrials(trials, mode, permissiveState, new InterpreterEngine()), []);
  });
}
