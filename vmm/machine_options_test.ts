import { assertEquals, assertThrows } from "@std/assert";
import { checkOptions, type MachineOptions } from "./machine_options.ts";

const elf = new Uint8Array(1);
const firmware = new Uint8Array(1);
const kernel = new Uint8Array(1);

/** Checks that options are refused with exactly this message. */
function refused(
  options: Record<string, unknown>,
  // deno-lint-ignore no-explicit-any
  errorClass: new (...args: any[]) => Error,
  message: string,
): void {
  const error = assertThrows(() => checkOptions(options as MachineOptions), errorClass);
  assertEquals((error as Error).message, message);
}

Deno.test("defaults are filled in, the rest is handed through", () => {
  const checked = checkOptions({ elf, bootargs: "quiet" });
  assertEquals([checked.harts, checked.memMiB, checked.bootargs], [1, 256, "quiet"]);
  assertEquals(checked.elf, elf);
  assertEquals(checkOptions({ elf, harts: 8, memMiB: 3968 }).memMiB, 3968);
  assertEquals(checkOptions({ elf, harts: 1, memMiB: 1 }).memMiB, 1);
});

Deno.test("harts out of range", () => {
  for (const harts of [0, -1, 9, 1.5, NaN, Infinity, "2", null, 2n]) {
    refused(
      { elf, harts },
      RangeError,
      `harts: ${harts} is no whole number from 1 to 8; a machine runs its harts in turn on one thread`,
    );
  }
});

Deno.test("memory out of range", () => {
  for (const memMiB of [0, -256, 3969, 0.5, NaN, Infinity, "256", null]) {
    refused(
      { elf, memMiB },
      RangeError,
      `memMiB: ${memMiB} is no whole number from 1 to 3968; harts and RAM share 4 GiB of address space`,
    );
  }
});

Deno.test("an unknown option is named, with those that there are", () => {
  const error = assertThrows(
    () => checkOptions({ elf, memMB: 64 } as MachineOptions),
    TypeError,
  ) as Error;
  assertEquals(error.message.startsWith("Machine.create: unknown option memMB; known: "), true);
  for (
    const name of ["harts", "memMiB", "firmware", "kernel", "initrd", "bootargs", "fdt", "elf"]
  ) {
    assertEquals(error.message.includes(name), true, name);
  }
});

Deno.test("what belongs together", () => {
  refused({}, TypeError, "Machine.create: nothing to run; give firmware and kernel, or elf");
  refused(
    { kernel },
    TypeError,
    "Machine.create: a kernel needs firmware to start it; give firmware (OpenSBI's fw_dynamic.bin)",
  );
  refused({ firmware, initrd: {} }, TypeError, "Machine.create: an initrd needs a kernel");
  for (const extra of [{ firmware }, { kernel }, { initrd: {} }]) {
    refused(
      { elf, ...extra },
      TypeError,
      "Machine.create: elf is a bare-metal program; leave out firmware, kernel and initrd",
    );
  }
  checkOptions({ firmware });
  checkOptions({ firmware, kernel, initrd: {} });
});

Deno.test("a NUL in the command line", () => {
  refused(
    { firmware, kernel, bootargs: "quiet\0" },
    TypeError,
    "Machine.create: bootargs contain a NUL",
  );
});

Deno.test("an ISA string that is none", () => {
  for (const isa of ["", "x86", "rv32imac", "RV64G", 64]) {
    const error = assertThrows(() => checkOptions({ elf, isa } as MachineOptions)) as Error;
    assertEquals(error.message.startsWith("isa"), true, error.message);
  }
});

Deno.test("a command line or seed of the wrong type", () => {
  refused(
    { firmware, kernel, bootargs: 5 },
    TypeError,
    "Machine.create: bootargs are a string, not number",
  );
  for (const seed of [1.5, NaN, 2 ** 60, "7"]) {
    refused(
      { elf, seed },
      RangeError,
      `seed: ${seed} is no whole number; give larger ones as bigint`,
    );
  }
  checkOptions({ elf, seed: -3 });
  checkOptions({ elf, seed: 1n << 90n });
});

Deno.test("no options, and a jit that is neither off nor options", () => {
  assertThrows(
    () => checkOptions(undefined as unknown as MachineOptions),
    TypeError,
    "give an object of options",
  );
  assertThrows(
    () => checkOptions({ elf: "program.elf", jit: 7 as unknown as false }),
    TypeError,
    "jit: 7 is neither false nor an object",
  );
});
