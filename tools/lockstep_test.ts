import { assertEquals, assertMatch } from "@std/assert";
import { reg } from "../core/conformance/assembler.ts";
import { bareElf, FINISH, finish } from "../vmm/machine_test_support.ts";
import { main } from "./lockstep.ts";

/** Runs the command; answers its exit code and what it printed. */
async function run(...args: string[]): Promise<{ code: number; out: string; error: string }> {
  const lines = { log: [] as string[], error: [] as string[] };
  const code = await main(args, {
    log: (line: string) => lines.log.push(line),
    error: (line: string) => lines.error.push(line),
  });
  return { code, out: lines.log.join("\n"), error: lines.error.join("\n") };
}

Deno.test("a bare-metal program runs to its end without a difference", async () => {
  const path = await Deno.makeTempFile({ dir: "/tmp", suffix: ".elf" });
  try {
    const elf = bareElf((a) => {
      a.constant(reg.s1, 30_000n).label("loop").op("addi", reg.s2, reg.s2, 3)
        .op("xor", reg.s3, reg.s3, reg.s2).op("addi", reg.s1, reg.s1, -1)
        .branch("bne", reg.s1, 0, "loop");
      finish(a, FINISH.pass);
      a.label("stuck").jump("stuck");
    });
    await Deno.writeFile(path, elf);
    const { code, out, error } = await run(path, "--threshold", "2", "--batch", "1");
    assertEquals([code, error], [0, ""]);
    assertMatch(out, /^No difference in 1200\d\d instructions, [1-9]\d* regions translated/);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("host Linux begins to boot without a difference", async () => {
  const { code, out } = await run("--linux", "--instructions", "2000000", "--threshold", "5");
  assertEquals(code, 0);
  assertMatch(out, /^No difference in 2000000 instructions, [1-9]\d* regions translated/);
});

Deno.test("what to run must be said, and numbers are numbers", async () => {
  for (const args of [[], ["a.elf", "--linux"]]) {
    const { code, error } = await run(...args);
    assertEquals([code, error], [2, "lockstep: give an ELF file, or --linux, or --nested"]);
  }
  const { code, error } = await run("--linux", "--instructions", "many");
  assertEquals([code, error], [2, "lockstep: --instructions many: give a number from 1"]);
});
