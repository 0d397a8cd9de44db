import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { checkJitOptions, DEFAULT_JIT, type JitOptions, parseJitSetting } from "./jit_options.ts";

Deno.test("options that are out of range or unknown are refused", () => {
  assertEquals(checkJitOptions({}), { threshold: 8000, batch: 24, budgetBytes: 256 << 20 });
  for (
    const [options, message] of [
      [{ threshold: -1 }, "jit threshold -1: give a whole number from 0 to"],
      [{ threshold: 1.5 }, "jit threshold 1.5"],
      [{ batch: 0 }, "jit batch 0: give a whole number from 1 to 1024"],
      [{ batch: 1025 }, "jit batch 1025"],
      [{ budgetBytes: NaN }, "jit budgetBytes NaN"],
      [{ budgetBytes: -1 }, "jit budgetBytes -1"],
    ] as [JitOptions, string][]
  ) assertThrows(() => checkJitOptions(options), RangeError, message);
  assertThrows(
    () => checkJitOptions({ treshold: 1 } as JitOptions),
    TypeError,
    "jit: unknown option treshold; there are: threshold, batch",
  );
});

Deno.test("each setting of HIMAWARI_JIT", () => {
  assertEquals(parseJitSetting("off"), false);
  assertEquals(parseJitSetting("0"), false);
  assertEquals(parseJitSetting("always"), { threshold: 1, batch: 1 });
  assertEquals(parseJitSetting("default"), {});
  assertEquals(parseJitSetting("7"), { threshold: 7 });
  assertEquals(parseJitSetting("5000"), { threshold: 5000 });
});

Deno.test("an unknown setting is refused, and the message says which there are", () => {
  for (const setting of ["on", "ALWAYS", "-1", "1.5", "1e2", " 7", "0x10"]) {
    assertThrows(
      () => parseJitSetting(setting),
      RangeError,
      `HIMAWARI_JIT="${setting}": give off, always, default, or a threshold (0 is off)`,
    );
  }
});

/** What a fresh process takes for the default, given the variable and a permission. */
async function defaultIn(setting: string, permission: string): Promise<string> {
  const module = new URL("jit_options.ts", import.meta.url).href;
  const child = new Deno.Command("deno", {
    args: ["run", "--no-prompt", "--quiet", "--no-lock", "--no-config", permission, "-"],
    env: { HIMAWARI_JIT: setting },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(
    `import { defaultJitOptions } from ${JSON.stringify(module)};
    console.log(JSON.stringify(defaultJitOptions()));`,
  ));
  await writer.close();
  const { stdout, stderr } = await child.output();
  return new TextDecoder().decode(Uint8Array.from([...stdout, ...stderr])).trim();
}

Deno.test("the variable counts where it may be read, and is not asked for elsewhere", async () => {
  const [always, unset, denied, wrong] = await Promise.all([
    defaultIn("always", "--allow-env=HIMAWARI_JIT"),
    defaultIn("", "--allow-env=HIMAWARI_JIT"),
    defaultIn("always", "--allow-env=CI"),
    defaultIn("perhaps", "--allow-env=HIMAWARI_JIT"),
  ]);
  assertEquals(always, '{"threshold":1,"batch":1}');
  assertEquals(unset, JSON.stringify(DEFAULT_JIT));
  assertEquals(denied, JSON.stringify(DEFAULT_JIT));
  assertStringIncludes(wrong, 'RangeError: HIMAWARI_JIT="perhaps": give off, always, default');
});
