import { assertEquals } from "@std/assert";
import {
  callCli,
  finish,
  finisherProgram,
  makeProgram,
  print,
  spawnCli,
  toHost,
} from "./cli_test_support.ts";

const HTIF_PUTCHAR = 0x0101n << 48n;

/** Writes `bytes` to a file for as long as `use` takes. */
async function withFile<T>(
  bytes: Uint8Array,
  use: (path: string) => Promise<T>,
): Promise<T> {
  const path = await Deno.makeTempFile({ suffix: ".elf" });
  try {
    await Deno.writeFile(path, bytes);
    return await use(path);
  } finally {
    await Deno.remove(path);
  }
}

/** Runs a program in this process. */
function runProgram(bytes: Uint8Array, ...options: string[]) {
  return withFile(bytes, (path) => callCli("--elf", path, "-m", "4", ...options));
}

Deno.test("as a process: output on stdout, the guest's code as exit code", async () => {
  await withFile(finisherProgram(0x5555, "hello\n"), async (path) => {
    const result = await spawnCli("--elf", path);
    assertEquals(result, { code: 0, stdout: "hello\n", stderr: "" });
  });
  await withFile(finisherProgram(42 << 16 | 0x3333), async (path) => {
    const result = await spawnCli("--elf", path);
    const stderr = "himawari: the machine failed with code 42\n";
    assertEquals(result, { code: 42, stdout: "", stderr });
  });
});

Deno.test("as a process: a mistake is one line and no stack trace", async () => {
  assertEquals(await spawnCli("--memroy", "64"), {
    code: 2,
    stdout: "",
    stderr:
      "himawari: --memroy: no such option; did you mean --memory? (--help lists the options)\n",
  });
});

Deno.test("test finisher: a failure with code 0 is still a failure", async () => {
  const { code, stderr } = await runProgram(finisherProgram(0x3333));
  assertEquals([code, stderr], [1, "himawari: the machine failed with code 0\n"]);
});

Deno.test("HTIF: pass, after output by putchar", async () => {
  const program = makeProgram((assembler) => {
    for (const byte of new TextEncoder().encode("ok\n")) {
      toHost(assembler, HTIF_PUTCHAR | BigInt(byte));
    }
    toHost(assembler, 1n);
  }, { htif: true });
  assertEquals(await runProgram(program), { code: 0, stdout: "ok\n", stderr: "" });
});

Deno.test("HTIF: failure", async () => {
  const program = makeProgram((assembler) => toHost(assembler, 7n << 1n | 1n), { htif: true });
  assertEquals(await runProgram(program), {
    code: 7,
    stdout: "",
    stderr: "himawari: the machine failed with code 7\n",
  });
});

Deno.test("--max-instructions ends a loop", async () => {
  const program = makeProgram((assembler) => assembler.label("loop").jump("loop"));
  assertEquals(await runProgram(program, "--max-instructions", "100_000"), {
    code: 124,
    stdout: "",
    stderr: "himawari: stopped after 100000 instructions (--max-instructions)\n",
  });
});

Deno.test("a program that waits for nothing is told from one that runs", async () => {
  const program = makeProgram((assembler) => {
    print(assembler, "zzz");
    assembler.label("sleep").op("wfi").jump("sleep");
  });
  const { code, stdout, stderr } = await runProgram(program);
  assertEquals([code, stdout], [1, "zzz"]);
  assertEquals(
    stderr.replace(/0x8[0-9a-f]+/, "PC"),
    "himawari: every hart waits for an interrupt and none can come (pc PC)\n",
  );
});

Deno.test("--trace holds what was executed, and changes nothing", async () => {
  const program = makeProgram((assembler) => {
    assembler.address(5, "handler").op("csrrw", 0, 0x305, 5).op("ecall");
    assembler.label("handler");
    finish(assembler, 0x5555);
  });
  await withFile(program, async (path) => {
    const log = `${path}.log`;
    try {
      assertEquals((await callCli("--elf", path, "-m", "4", "--trace", log)).code, 0);
      const lines = (await Deno.readTextFile(log)).split("\n").filter((line) =>
        !line.includes("0x00000000000010") // the boot ROM
      );
      assertEquals(lines.slice(0, 7), [
        "Trace 0: M 0x0000000080000000: 00000297 auipc x5,0x0",
        "Trace 0: M 0x0000000080000004: 01028293 addi x5,x5,16",
        "Trace 0: M 0x0000000080000008: 30529073 csrrw x0,mtvec,x5",
        "Trace 0: M 0x000000008000000c: 00000073 ecall",
        "riscv_cpu_do_interrupt: hart:0, async:0, cause:000000000000000b, " +
        "epc:0x000000008000000c, tval:0x0000000000000000, desc=machine_ecall",
        "Trace 0: M 0x0000000080000010: 001002b7 lui x5,0x100",
        "Trace 0: M 0x0000000080000014: 00005337 lui x6,0x5",
      ]);
      assertEquals(lines.slice(7), [
        "Trace 0: M 0x0000000080000018: 5553031b addiw x6,x6,1365",
        "Trace 0: M 0x000000008000001c: 0062a023 sw x6,0(x5)",
        "",
      ]);
      const only = await callCli("--elf", path, "--trace", log, "--trace-only", "traps");
      assertEquals(only.code, 0);
      assertEquals((await Deno.readTextFile(log)).split("\n").length, 2);
    } finally {
      await Deno.remove(log);
    }
  });
});

Deno.test("--dump-fdt writes the tree in both forms and runs nothing", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await withFile(finisherProgram(1 << 16 | 0x3333), async (path) => {
      for (const name of ["a.dtb", "a.dts"]) {
        const result = await callCli("--elf", path, "-c", "3", "--dump-fdt", `${dir}/${name}`);
        assertEquals(result, { code: 0, stdout: "", stderr: "" });
      }
    });
    const dtb = await Deno.readFile(`${dir}/a.dtb`);
    assertEquals([...dtb.slice(0, 4)], [0xd0, 0x0d, 0xfe, 0xed]);
    const dts = await Deno.readTextFile(`${dir}/a.dts`);
    assertEquals(dts.slice(0, 8), "/dts-v1/");
    assertEquals(dts.match(/cpu@\d/g)?.length, 3);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a missing file", async () => {
  assertEquals(await callCli("--elf", "/nowhere/p.elf"), {
    code: 1,
    stdout: "",
    stderr: "himawari: elf /nowhere/p.elf: there is no such file\n",
  });
});

Deno.test("a truncated ELF, another machine's, no ELF: one line naming file and place", async () => {
  const good = finisherProgram(0x5555);
  const foreign = good.slice();
  foreign[18] = 62;
  const cases: readonly (readonly [Uint8Array, RegExp])[] = [
    [good.subarray(0, 40), /^himawari: elf PATH: offset \d+: .+\n$/],
    [good.subarray(0, 100), /^himawari: elf PATH: offset \d+: .+\n$/],
    [foreign, /^himawari: elf PATH: offset 18: e_machine 62, RISC-V is 243\n$/],
    [new TextEncoder().encode("#!/bin/sh\n".repeat(20)), /^himawari: elf PATH: .+\n$/],
    [new Uint8Array(0), /^himawari: elf PATH: is empty\n$/],
  ];
  for (const [bytes, pattern] of cases) {
    const { code, stdout, stderr } = await withFile(
      bytes,
      async (path) => {
        const result = await callCli("--elf", path);
        return { ...result, stderr: result.stderr.replaceAll(path, "PATH") };
      },
    );
    assertEquals([code, stdout, pattern.test(stderr) ? "" : stderr], [1, "", ""]);
  }
});

Deno.test("a file that cannot be written", async () => {
  const { code, stderr } = await runProgram(finisherProgram(0x5555), "--trace", "/tmp/no/t.log");
  assertEquals(code, 1);
  assertEquals(stderr.startsWith("himawari: --trace /tmp/no/t.log: No such file"), true, stderr);
  assertEquals(stderr.trimEnd().includes("\n"), false);
});
