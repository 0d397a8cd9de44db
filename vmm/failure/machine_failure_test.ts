// What a user sees when a machine disappoints: the messages as small files in `golden/`, each of which
// tells a person the cause.

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { reg } from "../../core/conformance/assembler.ts";
import type { Program } from "../../core/testing/bare_program.ts";
import type { ExpectOptions } from "../console.ts";
import { Machine } from "../machine.ts";
import type { MachineOptions } from "../machine_options.ts";
import { bareElf, bareMachine, FINISH, finish, print } from "../machine_test_support.ts";
import { BOARD, RAM_BASE } from "../memory_map.ts";
import { MachineError, type Verdict, verdictOf, VERDICTS } from "../verdict.ts";

type Body = (program: Program) => void;

/** How waiting for `pattern` fails on a machine with a program. */
async function failureOf(
  body: Body,
  { pattern = "login: ", options = {}, machine: machineOptions = {} }: {
    pattern?: string | RegExp;
    options?: ExpectOptions;
    machine?: MachineOptions;
  } = {},
): Promise<MachineError> {
  using machine = await bareMachine(body, machineOptions);
  return await assertRejects(
    () => machine.console.expect(pattern, { timeoutMs: 200, ...options }),
    MachineError,
  );
}

async function assertGolden(name: string, error: MachineError, verdict: Verdict): Promise<void> {
  assertEquals(error.verdict, verdict);
  const message = error.message.replace(/^ {2}wall time: .*\n/m, "")
    .replace(/(machine_failure_test\.ts):\d+:\d+/, "$1:LINE:COLUMN");
  const golden = new URL(`golden/${name}.txt`, import.meta.url);
  assertEquals(`${message}\n`, await Deno.readTextFile(golden), name);
}

const loop = (a: Program) => a.label("loop").jump("loop");

// ---- Goldens ----

Deno.test("golden: nothing matched in time, and what came nearest", async () => {
  const error = await failureOf((a) => {
    print(a, "booting\r\n\x1b[1mlog in: \x1b[0m");
    a.constant(reg.s0, BigInt(BOARD.uart0.base)).label("poll")
      .op("lbu", reg.t0, 5, reg.s0).jump("poll");
  }, { options: { timeoutMs: 2 } });
  await assertGolden("virtual-timeout", error, "virtual-timeout");
});

Deno.test("golden: a regular expression with a mistake in it, and nothing left to wait for", async () => {
  const error = await failureOf((a) => {
    print(a, "smp: Brought up 1 node, 2 CPUs\n");
    a.end();
  }, { pattern: /up (\d+) nodes, (\d+) CPUs/, machine: { harts: 2 } });
  await assertGolden("deadlock", error, "deadlock");
});

Deno.test("golden: every hart spins", async () => {
  const error = await failureOf((a) => {
    print(a, "waiting for the other hart\n");
    a.address(reg.s0, "flag").label("spin").op("lw", reg.t0, 0, reg.s0).op("fence")
      .branch("beq", reg.t0, 0, "spin").label("flag").word(0);
  });
  await assertGolden("spin", error, "spin");
});

Deno.test("golden: a trap handler that cannot be executed", async () => {
  const error = await failureOf((a) => {
    print(a, "jumping\n");
    a.op("csrrw", 0, a.csr("mtvec"), 0).op("jalr", 0, 0, 0);
  });
  await assertGolden("trap-loop", error, "trap-loop");
});

Deno.test("golden: a kernel panics", async () => {
  const error = await failureOf((a) => {
    print(a, "[    0.1] Machine model: linux,dummy-virt\n");
    print(a, "[    0.2] Kernel panic - not syncing: VFS: Unable to mount root fs\n");
    print(a, "[    0.3] CPU: 0 PID: 1 Comm: swapper/0\n");
    a.end();
  });
  await assertGolden("panic", error, "panic");
});

Deno.test("golden: a kernel says that it broke", async () => {
  const error = await failureOf((a) => {
    print(a, "[    0.200000] Oops - illegal instruction [#1]\n[    0.200001] epc : 0\n");
    a.end();
  });
  assertEquals(error.tripwire, "oops");
  await assertGolden("tripwire", error, "tripwire");
});

Deno.test("golden: the machine powers off", async () => {
  const error = await failureOf((a) => {
    finish(a, FINISH.pass);
    a.end();
  });
  await assertGolden("finished", error, "finished");
});

Deno.test("golden: output that was ruled out, with names for addresses", async () => {
  const program: Body = (a) => {
    print(a, "segfault\n");
    a.jump("idle").label("idle").op("wfi").jump("idle");
  };
  using machine = await bareMachine(program);
  machine.addSymbols(bareElf(program, ["idle"]));
  await machine.run();
  const error = await assertRejects(
    () => machine.console.expect("done", { unless: "segfault", what: "the end of the test" }),
    MachineError,
  );
  await assertGolden("unexpected", error, "unexpected");
});

// ---- Verdicts ----

Deno.test("instructions given are used up exactly", async () => {
  using machine = await bareMachine((a) =>
    a.label("count").op("addi", reg.s0, reg.s0, 1).jump("count")
  );
  await machine.run({ until: { instructions: 1_000 } });
  const error = await assertRejects(
    () => machine.console.expect("x", { instructions: 6_000_001 }),
    MachineError,
    "nothing matched within 6000001 instructions",
  );
  assertEquals([error.verdict, machine.instructions], ["instruction-budget", 6_001_001]);
});

Deno.test("the host's time can be limited", async () => {
  const error = await failureOf(
    (a) => a.label("count").op("addi", reg.s0, reg.s0, 1).jump("count"),
    { options: { wallMs: 1 } },
  );
  assertEquals(error.verdict, "wall-timeout");
});

Deno.test("spins: in one instruction, on all harts, with interrupts that nobody sends", async () => {
  for (const harts of [1, 2, 3]) {
    const error = await failureOf((a) => {
      a.setCsr("mie", 1n << 3n).setBits("mstatus", 1n << 3n); // MSI, of which there is no sender
      loop(a);
    }, { machine: { harts } });
    assertEquals(error.verdict, "spin");
    assertStringIncludes(error.message, `hart ${harts - 1} spins in 1 instruction at 0x8000`);
    assert(error.virtualMs < 100, "long before the end of the timeout");
  }
});

Deno.test("no spins: loops that something may end end with the timeout", async () => {
  const loops: Record<string, Body> = {
    "reads the clock": (a) =>
      a.label("l").getCsr(reg.t0, "time").op("addi", reg.t0, 0, 0).jump("l"),
    "counts": (a) => a.label("l").op("addi", reg.t0, reg.t0, 1).jump("l"),
    "stores": (a) =>
      a.constant(reg.s0, BigInt(RAM_BASE + 0x8_0000)).label("l").op("sw", 0, 0, reg.s0).jump("l"),
    "reads a device": (a) =>
      a.constant(reg.s0, BigInt(BOARD.uart0.base)).label("l").op("lbu", reg.t0, 5, reg.s0).jump(
        "l",
      ),
    "may be interrupted by a device": (a) => {
      a.setCsr("mie", 1n << 11n).setBits("mstatus", 1n << 3n);
      loop(a);
    },
    "may be interrupted by a timer": (a) => {
      a.constant(reg.t0, BigInt(BOARD.clint.base + 0x4000)).constant(reg.t1, 10_000_000n)
        .op("sd", reg.t1, 0, reg.t0).setCsr("mie", 1n << 7n).setBits("mstatus", 1n << 3n);
      loop(a);
    },
    "waits for a hart that sleeps until its timer": (a) => {
      a.getCsr(reg.t0, "mhartid").branch("beq", reg.t0, 0, "l")
        .constant(reg.t0, BigInt(BOARD.clint.base + 0x4008)).constant(reg.t1, 10_000_000n)
        .op("sd", reg.t1, 0, reg.t0).setCsr("mie", 1n << 7n).op("wfi").label("l").jump("l");
    },
  };
  for (const [what, body] of Object.entries(loops)) {
    const machine = { harts: what.includes("hart that") ? 2 : 1 };
    const error = await failureOf(body, { options: { timeoutMs: 60 }, machine });
    assertEquals([error.verdict, error.virtualMs], ["virtual-timeout", 60], what);
  }
});

Deno.test("a spin ends no wait that ends by itself, and looking for one changes nothing", async () => {
  using machine = await bareMachine(loop);
  await machine.console.never("x", { forMs: 60 });
  assertEquals(machine.virtualMs, 60);
  const counts: Body = (a) => {
    a.label("l").op("addi", reg.t0, reg.t0, 1).jump("l");
  };
  using looked = await bareMachine(counts, { harts: 2 });
  await assertRejects(() => looked.console.expect("x", { timeoutMs: 100 }), MachineError);
  using plain = await bareMachine(counts, { harts: 2 });
  await plain.run({ until: { virtualMs: 100 } });
  assertEquals(await looked.stateHash(), await plain.stateHash());
});

Deno.test("an interrupt storm is no trap loop: its handler is executed", async () => {
  const error = await failureOf((a) => {
    a.address(reg.t0, "handler").op("csrrw", 0, a.csr("mtvec"), reg.t0).op("ecall")
      .label("handler").getCsr(reg.t0, "mepc").op("ecall");
    while (a.here % 4 !== 0) a.word(0);
  }, { options: { timeoutMs: 30 } });
  assertEquals(error.verdict, "virtual-timeout");
});

Deno.test("the verdict on anything that is thrown", () => {
  const details = { virtualMs: 0, instructions: 0, lastLines: [] };
  const failed = new MachineError("x", { ...details, verdict: "deadlock" });
  assertEquals(verdictOf(failed), "deadlock");
  assertEquals(verdictOf(new Error("y", { cause: failed })), "deadlock");
  try {
    assertEquals(1, 2);
  } catch (error) {
    assertEquals(verdictOf(error), "mismatch");
  }
  assertEquals([verdictOf(new TypeError("z")), verdictOf("z")], [
    "infrastructure",
    "infrastructure",
  ]);
  assertEquals(new Set(VERDICTS).size, VERDICTS.length);
});

// ---- Times ----

/** Prints, sleeps, and prints again. */
const TALK: Body = (a) => {
  a.setCsr("mie", 1n << 7n).constant(reg.s1, BigInt(BOARD.clint.base + 0x4000))
    .constant(reg.s2, BigInt(BOARD.clint.base + 0xbff8));
  print(a, "one\n");
  a.op("ld", reg.t0, 0, reg.s2).op("addi", reg.t0, reg.t0, 1000).op("sd", reg.t0, 0, reg.s1)
    .op("wfi");
  print(a, "two\n");
  a.setCsr("mie", 0n).end();
};

Deno.test("a byte's time and instructions are those of the store that printed it", async () => {
  using machine = await bareMachine(TALK);
  for (const text of ["o", "n", "one\n", "t", "two\n"]) {
    machine.console.drain();
    await machine.console.expect(text.at(-1)!);
    const { nowNs, instructions } = machine.console.printedAt(
      machine.console.rawTranscript.length - 1,
    );
    // The machine stops behind the store; the byte came within it.
    assert(machine.virtualMs * 1e6 - nowNs <= 1, `${text}: ${nowNs} of ${machine.virtualMs * 1e6}`);
    assert(machine.instructions - instructions <= 1, `${text}: ${instructions}`);
    assertEquals(nowNs - instructions, Math.round(machine.virtualMs * 1e6) - machine.instructions);
  }
  const slept = machine.console.printedAt(4).nowNs - machine.console.printedAt(3).nowNs;
  assert(slept >= 99_000, `${slept} ns of sleep`);
});

Deno.test("times are the same however the run is cut, translated or not", async () => {
  const times = async (options: MachineOptions, step: number) => {
    using machine = await bareMachine(TALK, options);
    for (let n = step; n < 400; n += step) await machine.run({ until: { instructions: n } });
    await machine.run();
    return [...machine.console.rawTranscript.keys()].map((n) => machine.console.printedAt(n));
  };
  const expected = await times({}, 1000);
  assertEquals(expected.length, 8);
  assertEquals(await times({}, 1), expected);
  assertEquals(await times({ jit: { threshold: 1, batch: 1 } }, 7), expected);
  assertEquals(await times({ jit: false }, 3), expected);
});

Deno.test("times come back with snapshots, rewinding and playback", async () => {
  const all = (machine: Machine) =>
    [...machine.console.rawTranscript.keys()].map((n) => machine.console.printedAt(n));
  const options = { memMiB: 1, elf: bareElf(TALK) };
  using machine = await Machine.create(options);
  machine.beginLayer([]);
  await machine.console.expect("one");
  const early = machine.checkpoint();
  await machine.console.expect("tw");
  await machine.console.never("x", { forMs: 1 });
  const { actions } = await machine.endLayer();
  const layer = { actions, snapshot: machine.checkpoint() };
  const expected = all(machine);

  using restored = Machine.restore(layer.snapshot);
  assertEquals(all(restored), expected);

  using played = Machine.prepare({ ...options, elf: "no/such/file.elf" });
  played.beginLayer([layer]);
  await played.console.expect(/o.e/);
  assertEquals(all(played), expected.slice(0, 3));
  await played.console.expect("tw");
  assertEquals(all(played), expected.slice(0, 6));
  machine.rewind(early);
  assertEquals(all(machine), expected.slice(0, 3));
});

Deno.test("a recorded wait for some time is played, and nothing else is taken for it", async () => {
  const options = { memMiB: 1, elf: bareElf(TALK) };
  using machine = await Machine.create(options);
  machine.beginLayer([]);
  await machine.console.expect("one\n");
  await machine.console.never("x", { forMs: 0.05 });
  await machine.console.expect("two");
  const { actions } = await machine.endLayer();
  const layer = { actions, snapshot: machine.checkpoint() };

  using same = Machine.prepare({ ...options, elf: "no/such/file.elf" });
  same.beginLayer([layer]);
  await same.console.expect("one\n");
  await same.console.never("x", { forMs: 0.05 });
  assertEquals(same.console.transcript, "one\n");
  await same.console.expect("two");
  assertEquals(await same.endLayer(), layer);
  assertEquals(same.virtualMs, machine.virtualMs);

  // Longer, so that more is printed meanwhile: it is really done.
  using other = Machine.prepare(options);
  other.beginLayer([layer]);
  await other.console.expect("one\n");
  await other.console.never("x", { forMs: 0.2 });
  assertEquals(other.console.transcript, "one\ntwo\n");
});
