// Lockstep finds nothing where there is nothing, and a planted fault at its instruction.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { reg } from "../conformance/assembler.ts";
import { bareProgram, type Program, RAM } from "../testing/bare_program.ts";
import type { TranslatedModule } from "./code_cache.ts";
import type { JitOptions } from "./jit_options.ts";
import { emitHotLoop } from "./exactness/hot_loop_testing.ts";
import { describeMismatch, lockstep, type LockstepResult } from "./lockstep.ts";
import { readFunctions } from "./wasm_text.ts";
import { Wasm } from "./wasm_encoder.ts";

const AT_ONCE: JitOptions = { threshold: 1, batch: 1 };

/** Exchanges an opcode, wherever a region has it; as often as it is there. */
function replaceOpcode(
  from: number,
  to: number,
  counts: { replaced: number },
): (module: TranslatedModule) => Uint8Array<ArrayBuffer> {
  return ({ bytes }) => {
    const changed = bytes.slice();
    for (const { instructions } of readFunctions(bytes)) {
      for (const { opcode, offset } of instructions) {
        if (opcode !== from) continue;
        changed[offset] = to;
        counts.replaced++;
      }
    }
    return changed;
  };
}

function run(
  body: (a: Program) => void,
  jit: JitOptions,
  options: { stepInstructions?: number; maxInstructions?: number; harts?: number } = {},
): Promise<LockstepResult> {
  const { harts = 1, ...rest } = options;
  return lockstep({
    create: (setting) => bareProgram(body, { jit: setting, harts }),
    jit,
    maxInstructions: 20_000,
    stepInstructions: 1000,
    ramInterval: 4,
    ...rest,
  });
}

Deno.test("a machine that is translated right shows no difference", async () => {
  for (const harts of [1, 2]) {
    const body = (a: Program) => {
      a.constant(reg.s0, BigInt(RAM + 0xc000));
      emitHotLoop(a);
    };
    const { mismatch, instructions, regions } = await run(body, AT_ONCE, { harts });
    assertEquals(mismatch, undefined);
    assertEquals(instructions, 20_000);
    assert(regions > 0);
  }
});

Deno.test("a program that ends, ends the run", async () => {
  const result = await run((a) => a.op("addi", reg.a0, 0, 1), AT_ONCE);
  assertEquals(result.mismatch, undefined);
  assert(result.instructions < 100);
});

/** Counts down in s1; the fault goes into what stands before. */
function loop(a: Program, body: (a: Program) => void): void {
  a.constant(reg.s1, 3000n).constant(reg.s2, 0x1234_5678n).constant(reg.s0, BigInt(RAM + 0x8000));
  a.label("loop").op("addi", reg.s3, reg.s3, 3);
  body(a);
  a.op("addi", reg.s8, reg.s8, 1).op("addi", reg.s1, reg.s1, -1)
    .branch("bne", reg.s1, 0, "loop");
}

/** Faults, each an opcode for another, and the one instruction of the program that has it. */
const FAULTS = [
  { name: "xor becomes or", from: Wasm.i64_xor, to: Wasm.i64_or, at: "xor x20,x19,x18" },
  { name: "rotl becomes rotr", from: Wasm.i64_rotl, to: Wasm.i64_rotr, at: "rol x22,x19,x18" },
  {
    name: "a store of 16 bits becomes one of 8",
    from: Wasm.i64_store16,
    to: Wasm.i64_store8,
    at: "sh x19,6(x8)",
  },
] as const;

for (const { name, from, to, at } of FAULTS) {
  Deno.test(`a planted fault is found at its instruction: ${name}`, async () => {
    const counts = { replaced: 0 };
    const jit = { ...AT_ONCE, onModule: replaceOpcode(from, to, counts) };
    const { mismatch, instructions } = await run((a) =>
      loop(a, () => {
        a.op("xor", reg.s4, reg.s3, reg.s2).op("add", reg.s5, reg.s5, reg.s4);
        a.op("rol", reg.s6, reg.s3, reg.s2).op("add", reg.s7, reg.s7, reg.s6);
        a.op("sh", reg.s3, 6, reg.s0);
      }), jit);
    assert(counts.replaced > 0, "the fault was planted");
    if (mismatch === undefined) throw new Error("The fault was not found");
    assertEquals(mismatch.instructions, instructions + 1);
    const { trace, differences, region } = mismatch;
    const suspect = trace.instructions[trace.suspect!]!;
    const text = describeMismatch(mismatch);
    assertEquals(suspect.text, at, text);
    assert(differences.length > 0);
    assert(region !== undefined, text);
    assertStringIncludes(text, `The states differ after ${mismatch.instructions} instructions`);
    assertStringIncludes(text, `First suspect: 0x${suspect.pc.toString(16)}: ${suspect.text}`);
    assertStringIncludes(text, at);
    assertStringIncludes(text, "(func (;");
  });
}
