// What Debian's gdb makes of it. Needs --allow-net=127.0.0.1 and --allow-run=gdb-multiarch.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { hasTool } from "../fdt/oracle_test_support.ts";
import type { Machine } from "../machine.ts";
import { COUNTER, countingMachine, LOOP } from "./client_test_support.ts";
import { canServe } from "./server_test_support.ts";
import { serveGdb } from "./server.ts";

const GDB = "gdb-multiarch";
const TIMEOUT_MS = 60_000;
/** Stands before what each command prints. */
const MARK = "~~~~";
const ignore = !(hasTool(GDB) && canServe());

const breakAt = (address: number) => `break *0x${address.toString(16)}`;

/** Runs gdb commands on a machine; answers what each of them printed. */
async function gdb(machine: Machine, commands: readonly string[]): Promise<string[]> {
  await using server = serveGdb(machine, { port: 0, checkpointInstructions: 1_000 });
  const args = [
    ...["set confirm off", "set width 0", "set architecture riscv:rv64"],
    `target remote ${server.hostname}:${server.port}`,
    ...commands.flatMap((command) => [`echo ${MARK}\\n`, command]),
    `echo ${MARK}\\n`,
  ].flatMap((command) => ["-ex", command]);
  const { stdout, stderr } = await new Deno.Command(GDB, {
    args: ["-nx", "-batch", ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).output();
  const text = new TextDecoder().decode(stdout);
  const parts = text.split(`${MARK}\n`).map((part) => part.trim());
  assertEquals(parts.length, commands.length + 2, text + new TextDecoder().decode(stderr));
  return parts.slice(1, -1);
}

Deno.test({
  name: "gdb breaks, steps, reads and writes registers and memory",
  ignore,
  fn: async () => {
    const { machine, loop } = await countingMachine();
    using _machine = machine;
    const address = (offset: number) => `0x${(loop + offset).toString(16)}`;
    const printed = await gdb(machine, [
      "p/x $pc",
      "x/i $pc",
      breakAt(loop),
      "continue",
      "continue",
      "p $a0",
      "stepi",
      "p/x $pc",
      "info registers pc a0 s0",
      `x/gx 0x${COUNTER.toString(16)}`,
      "set var $a0 = 41",
      "stepi",
      `x/gx 0x${COUNTER.toString(16)}`,
      `set var *(int *)0x${COUNTER.toString(16)} = 77`,
      `x/gx 0x${COUNTER.toString(16)}`,
      `x/2i ${address(LOOP.add)}`,
    ]);
    assertEquals(printed[0], "$1 = 0x1000");
    assertStringIncludes(printed[1]!, "auipc\tt0,0x0");
    assertMatch(printed[3]!, /Breakpoint 1, 0x[0-9a-f]+ in \?\? \(\)/);
    assertMatch(printed[4]!, /Breakpoint 1, /);
    assertEquals(printed[5], "$2 = 1");
    assertEquals(printed[7], `$3 = ${address(LOOP.store)}`);
    assertMatch(printed[8]!, /^pc +0x[0-9a-f]+\t0x[0-9a-f]+\na0 +0x2\t2/);
    assertMatch(printed[9]!, /0x0*1$/);
    assertMatch(printed[12]!, /0x0*29$/);
    assertMatch(printed[14]!, /0x0*4d$/);
    assertStringIncludes(printed[15]!, "add\ta0,a0,1");
    assertEquals(machine.harts.get(0, "x10"), 41n);
  },
});

Deno.test({
  name: "gdb watches memory, forwards and backwards, and steps back",
  ignore,
  fn: async () => {
    const { machine, loop } = await countingMachine();
    using _machine = machine;
    const address = (offset: number) => `0x${(loop + offset).toString(16)}`;
    const printed = await gdb(machine, [
      breakAt(loop),
      "continue",
      "continue",
      "delete",
      `watch *(long *)0x${COUNTER.toString(16)}`,
      "continue",
      "p/x $pc",
      "continue",
      "p $a0",
      "reverse-continue",
      "p/x $pc",
      "reverse-continue",
      "delete",
      breakAt(loop),
      "reverse-continue",
      "p $a0",
      "reverse-stepi",
      "p/x $pc",
      "stepi",
      "delete",
      "reverse-continue",
      "p/x $pc",
    ]);
    assertMatch(printed[5]!, /Old value = 1\nNew value = 2/);
    assertEquals(printed[6], `$1 = ${address(LOOP.load)}`);
    assertMatch(printed[7]!, /Old value = 2\nNew value = 3/);
    assertEquals(printed[8], "$2 = 3");
    assertMatch(printed[9]!, /Old value = 3\nNew value = 2/);
    assertEquals(printed[10], `$3 = ${address(LOOP.store)}`);
    assertMatch(printed[11]!, /Old value = 2\nNew value = 1/);
    assertMatch(printed[14]!, /Breakpoint 3, /);
    assertEquals(printed[15], "$4 = 1");
    assertEquals(printed[17], `$5 = ${address(LOOP.jump)}`);
    assertMatch(printed[20]!, /No more reverse-execution history/);
    assertEquals(printed[21], "$6 = 0x1000");
    assertEquals(machine.instructions, 0);
  },
});

Deno.test({
  name: "gdb sees harts as threads, CSRs, modes, and monitor commands",
  ignore,
  fn: async () => {
    const { machine } = await countingMachine({ harts: 2 });
    using _machine = machine;
    const printed = await gdb(machine, [
      "info threads",
      "thread 2",
      "p $mhartid",
      "p $priv",
      "p $virt",
      "info registers mstatus",
      "p $ft0",
      "set var $mepc = 0x80000004",
      "p/x $mepc",
      "info mem",
      "monitor mode",
      "thread 1",
      "stepi",
      "monitor where",
      "info registers fcsr",
    ]);
    assertMatch(
      printed[0]!,
      /\* 1 +Thread 1 "hart 0" \(M-mode\).*\n +2 +Thread 2 "hart 1" \(M-mode\)/,
    );
    assertEquals(printed.slice(2, 5), ["$1 = 1", "$2 = 3", "$3 = 0"]);
    assertMatch(printed[5]!, /^mstatus +0xa00000000/);
    assertEquals(printed[6], "$4 = {float = 0, double = 0}");
    assertEquals(printed[8], "$5 = 0x80000004");
    assertStringIncludes(printed[9]!, "ro");
    assertStringIncludes(printed[12]!, "0x0000000000001004");
    assertMatch(printed[14]!, /^fcsr +0x0/);
    assertEquals(machine.harts.readCsr(1, 0x341), 0x8000_0004n);
  },
});

Deno.test({
  name: "gdb reads CSRs and memory where a breakpoint is, and leaves the machine as it found it",
  ignore,
  fn: async () => {
    const { machine, loop } = await countingMachine({ harts: 2 });
    using _machine = machine;
    await gdb(machine, [
      breakAt(loop),
      ...Array.from({ length: 20 }, () => "continue"),
      "info registers csr",
      "info all-registers",
      "x/64gx 0x80000000",
      "delete",
      ...Array.from({ length: 20 }, () => "stepi"),
      "detach",
    ]);
    const { instructions } = machine;
    assert(instructions > 50);
    const { machine: plain } = await countingMachine({ harts: 2 });
    using _plain = plain;
    await plain.run({ until: { instructions } });
    assertEquals(await machine.stateHash(), await plain.stateHash());
  },
});
