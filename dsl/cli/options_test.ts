import { assertEquals, assertThrows } from "@std/assert";
import { parseOptions } from "./options.ts";
import { UsageError } from "./user_error.ts";

Deno.test("no options: the fixtures' Linux", () => {
  assertEquals(parseOptions([]), {
    kind: "boot",
    harts: 2,
    memMiB: 2048,
    append: "console=ttyS0 earlycon=sbi",
  });
});

Deno.test("every option of a boot", () => {
  const text =
    "--kernel K --initrd I --firmware F --append=-x=1 -m 1_024 -c8 --isa rv64gc --dtb D " +
    "--seed 0xff --max-instructions 1000000 --trace T --trace-only traps --dump-fdt a.b.dts";
  assertEquals(parseOptions(text.split(" ")), {
    kind: "boot",
    kernel: "K",
    initrd: "I",
    firmware: "F",
    append: "-x=1",
    memMiB: 1024,
    harts: 8,
    isa: "rv64gc",
    dtb: "D",
    seed: 255n,
    maxInstructions: 1_000_000,
    trace: { path: "T", kind: "traps" },
    dumpFdt: { path: "a.b.dts", format: "dts" },
  });
});

Deno.test("a bare-metal program has its own defaults", () => {
  assertEquals(parseOptions(["--elf", "p", "--trace=t"]), {
    kind: "elf",
    elf: "p",
    harts: 1,
    memMiB: 128,
    trace: { path: "t", kind: "all" },
  });
});

Deno.test("no initrd, an empty kernel command line", () => {
  const command = parseOptions(["--initrd", "none", "--append", ""]);
  assertEquals(command, { kind: "boot", harts: 2, memMiB: 2048, initrd: null, append: "" });
});

Deno.test("help and version win over all else; the task runner's dashes are passed over", () => {
  assertEquals(parseOptions(["--elf", "x", "-h"]), { kind: "help" });
  assertEquals(parseOptions(["--", "--help"]), { kind: "help" });
  assertEquals(parseOptions(["-V"]), { kind: "version" });
});

const MISTAKES: readonly (readonly [string, string])[] = [
  ["--memroy 12", "--memroy: no such option; did you mean --memory?"],
  ["--Kernel=a", "--Kernel: no such option; did you mean --kernel?"],
  ["-elf p", "-elf: no such option; did you mean --elf?"],
  ["--zzz", "--zzz: no such option"],
  ["-x", "-x: no such option"],
  ["p.elf", "p.elf: unexpected argument; a file goes with an option, as in --elf p.elf"],
  ["--elf p -- q", "q: unexpected argument; a file goes with an option, as in --elf q"],
  ["--elf", "--elf needs a value: --elf FILE"],
  [
    "--append -x",
    "--append needs a value: --append TEXT; if it begins with a dash, write --append=-x",
  ],
  ["--elf=", "--elf: its value is empty; leave the option out for the default"],
  ["-m 64 --memory 65", "--memory is given 2 times: give it once"],
  ["-m 0", "--memory 0: give a whole number of MiB from 1 to 3968"],
  ["-m 3969", "--memory 3969: give a whole number of MiB from 1 to 3968"],
  ["-m 1G", "--memory 1G: give a whole number of MiB from 1 to 3968"],
  ["-m 1.5", "--memory 1.5: give a whole number of MiB from 1 to 3968"],
  ["-c 9", "--harts 9: give a whole number from 1 to 8"],
  ["-c 0x2", "--harts 0x2: give a whole number from 1 to 8"],
  [
    "--max-instructions 0",
    "--max-instructions 0: give a whole number from 1 to 9007199254740991",
  ],
  ["--seed -", "--seed needs a value: --seed N; if it begins with a dash, write --seed=-"],
  ["--seed abc", "--seed abc: give a whole number below 2^64, decimal or 0x..."],
  [
    "--seed 18446744073709551616",
    "--seed 18446744073709551616: give a whole number below 2^64, decimal or 0x...",
  ],
  ["--dump-fdt a.txt", "--dump-fdt a.txt: let the name end in .dtb (flattened) or .dts (source)"],
  ["--trace-only traps", "--trace-only traps needs --trace FILE: the file to write to"],
  ["--trace t --trace-only x", "--trace-only x: give instructions or traps"],
  [
    "--elf p --append q",
    "--elf runs a bare-metal program and --append belongs to a Linux boot: leave one of them out",
  ],
];

for (const [text, message] of MISTAKES) {
  Deno.test(`mistake: ${text}`, () => {
    const error = assertThrows(() => parseOptions(text.split(" ")), UsageError);
    assertEquals(error.message, `${message} (--help lists the options)`);
    assertEquals(error.exitCode, 2);
  });
}
