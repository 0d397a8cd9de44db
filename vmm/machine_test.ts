import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { reg } from "../core/conformance/assembler.ts";
import { readDtb } from "./fdt/mod.ts";
import { bareMachine, FINISH, finish, print } from "./machine_test_support.ts";
import { BOARD, RAM_BASE } from "./memory_map.ts";
import { MachineError, type Verdict } from "./verdict.ts";

const MIB = 1 << 20;

// ---- Start ----

Deno.test("every hart starts in M-mode at the entry, with its id in a0 and the device tree in a1", async () => {
  using machine = await bareMachine((a) => a.end(), { harts: 3 });
  assertEquals(await machine.run(), { reason: "idle" });
  for (const id of [0, 1, 2]) {
    assertEquals(machine.harts.mode(id), { privilege: 3, virtual: false });
    assertEquals(machine.harts.get(id, `x${reg.a0}`), BigInt(id));
    const fdtAddr = Number(machine.harts.get(id, `x${reg.a1}`));
    const dtb = machine.harts.ramAt(fdtAddr, machine.dtb.length)!;
    assertEquals(dtb.slice(), machine.dtb);
    assertEquals(readDtb(dtb.slice()).root.children.length, machine.fdt.root.children.length);
  }
});

Deno.test("a new machine has executed nothing", async () => {
  using machine = await bareMachine((a) => a.end());
  assertEquals([machine.instructions, machine.virtualMs, machine.finish], [0, 0, undefined]);
  assertEquals(machine.console.transcript, "");
});

// ---- End ----

Deno.test("the test finisher ends the machine: pass, fail with a code", async () => {
  const cases = [
    [FINISH.pass, { kind: "pass", code: 0 }],
    [FINISH.fail, { kind: "fail", code: 0 }],
    [(42n << 16n) | FINISH.fail, { kind: "fail", code: 42 }],
    [(0xffffn << 16n) | FINISH.fail, { kind: "fail", code: 0xffff }],
  ] as const;
  for (const [status, expected] of cases) {
    using machine = await bareMachine((a) => {
      a.op("addi", reg.s0, 0, 1);
      finish(a, status);
      a.op("addi", reg.s0, 0, 2).end();
    });
    assertEquals(await machine.run(), { reason: "finished", finish: expected });
    assertEquals(machine.finish, expected);
    // Not one instruction behind the store.
    assertEquals(machine.harts.get(0, `x${reg.s0}`), 1n);
    const { instructions } = machine;
    assertEquals(await machine.run(), { reason: "finished", finish: expected });
    assertEquals(machine.instructions, instructions);
  }
});

Deno.test("other words to the finisher change nothing", async () => {
  using machine = await bareMachine((a) => {
    for (const word of [0n, 1n, 0x5554n, 0x1_0000n, -1n]) finish(a, word);
    a.end();
  });
  assertEquals(await machine.run(), { reason: "idle" });
});

Deno.test("reset starts over: programs as loaded, harts and chips in their reset state", async () => {
  using machine = await bareMachine((a) => {
    // Counts the starts in a word that no segment covers, so that it survives.
    a.constant(reg.s0, BigInt(RAM_BASE + MIB / 2)).op("lw", reg.s1, 0, reg.s0)
      .op("addi", reg.s1, reg.s1, 1).op("sw", reg.s1, 0, reg.s0);
    a.address(reg.s2, "data").op("lw", reg.s3, 0, reg.s2).op("sw", 0, 0, reg.s2);
    a.getCsr(reg.s4, "mscratch").setCsr("mscratch", 99n);
    a.constant(reg.t0, BigInt(BOARD.uart0.base)).op("lbu", reg.s5, 7, reg.t0)
      .op("addi", reg.t1, 0, 0x5a).op("sb", reg.t1, 7, reg.t0);
    print(a, "start ");
    a.op("addi", reg.t2, 0, 3).branch("beq", reg.s1, reg.t2, "done");
    finish(a, FINISH.reset);
    a.label("wait").jump("wait");
    a.label("done").end().label("data").word(1234);
  });
  assertEquals(await machine.run(), { reason: "idle" });
  const register = (n: number) => machine.harts.get(0, `x${n}`);
  assertEquals(register(reg.s1), 3n); // started three times
  assertEquals(register(reg.s3), 1234n); // the program's data was loaded anew
  assertEquals(register(reg.s4), 0n);
  assertEquals(register(reg.s5), 0n); // the UART's scratch register
  assertEquals(machine.console.transcript, "start start start ");
  assertEquals(machine.finish, undefined);
});

Deno.test("a console expectation goes on over a reset", async () => {
  using machine = await bareMachine((a) => {
    a.constant(reg.s0, BigInt(RAM_BASE + MIB / 2)).op("lw", reg.s1, 0, reg.s0)
      .op("addi", reg.t2, reg.s1, 1).op("sw", reg.t2, 0, reg.s0).branch("bne", reg.s1, 0, "again");
    finish(a, FINISH.reset);
    a.label("again");
    print(a, "second start\n");
    a.end();
  });
  await machine.console.expect("second start");
});

// ---- HTIF ----

/** A program with `tohost` and `fromhost`. */
function htifMachine(requests: readonly bigint[]) {
  return bareMachine(
    (a) => {
      a.address(reg.s0, "tohost").address(reg.s1, "fromhost");
      for (const [index, request] of requests.entries()) {
        a.op("sd", 0, 0, reg.s1).constant(reg.t0, request).op("sd", reg.t0, 0, reg.s0);
        // The host clears tohost when it has seen the request.
        a.label(`wait${index}`).op("ld", reg.t1, 0, reg.s0)
          .branch("bne", reg.t1, 0, `wait${index}`).op("ld", reg.s2, 0, reg.s1);
      }
      a.end();
      while (a.here % 64 !== 0) a.word(0);
      a.label("tohost").word(0).word(0).label("fromhost").word(0).word(0);
    },
    {},
    ["tohost", "fromhost"],
  );
}

Deno.test("HTIF: tohost 1 passes, (code << 1) | 1 fails with the code", async () => {
  for (
    const [word, expected] of [
      [1n, { kind: "pass", code: 0 }],
      [(7n << 1n) | 1n, { kind: "fail", code: 7 }],
      [(1337n << 1n) | 1n, { kind: "fail", code: 1337 }],
    ] as const
  ) {
    using machine = await htifMachine([word]);
    assertEquals(await machine.run(), { reason: "finished", finish: expected });
  }
});

Deno.test("HTIF: device 1, command 1 prints a character and answers in fromhost", async () => {
  const putchar = (text: string) => (1n << 56n) | (1n << 48n) | BigInt(text.charCodeAt(0));
  using machine = await htifMachine([..."HTIF\n"].map(putchar));
  assertEquals(await machine.run(), { reason: "idle" });
  assertEquals(machine.console.transcript, "HTIF\n");
  assertEquals(machine.harts.get(0, `x${reg.s2}`), (1n << 56n) | (1n << 48n));
});

Deno.test("HTIF: the write call prints; one that points nowhere fails and harms nothing", async () => {
  for (const [length, expected] of [[5n, 5n], [1n << 40n, -1n]] as const) {
    using machine = await bareMachine(
      (a) => {
        a.address(reg.s0, "tohost").address(reg.s1, "block").address(reg.t0, "text");
        a.op("sd", reg.t0, 16, reg.s1).constant(reg.t0, length).op("sd", reg.t0, 24, reg.s1);
        a.op("addi", reg.t0, 0, 64).op("sd", reg.t0, 0, reg.s1).op("sd", reg.s1, 0, reg.s0);
        a.label("wait").op("ld", reg.t1, 0, reg.s0).branch("bne", reg.t1, 0, "wait");
        a.op("ld", reg.s2, 0, reg.s1).end();
        while (a.here % 64 !== 0) a.word(0);
        a.label("block");
        for (let i = 0; i < 16; i++) a.word(0);
        a.label("tohost").word(0).word(0);
        a.label("text");
        for (const word of [0x6c6c6568, 0x0a6f]) a.word(word); // "hello\n"
      },
      {},
      ["tohost"],
    );
    assertEquals(await machine.run(), { reason: "idle" });
    assertEquals(BigInt.asIntN(64, machine.harts.get(0, `x${reg.s2}`)), expected);
    assertEquals(machine.console.transcript, length === 5n ? "hello" : "");
  }
});

// ---- run({ until }) ----

Deno.test("run until a number of instructions or a virtual time since power-on", async () => {
  using machine = await bareMachine((a) => a.label("loop").jump("loop"));
  assertEquals(await machine.run({ until: { instructions: 12_345 } }), { reason: "instructions" });
  assertEquals(machine.instructions, 12_345);
  assertEquals(await machine.run({ until: { instructions: 12_000 } }), { reason: "instructions" });
  assertEquals(machine.instructions, 12_345); // passed already
  assertEquals(await machine.run({ until: { virtualMs: 2.5 } }), { reason: "time" });
  assertEquals(machine.virtualMs, 2.5);
  assertEquals(machine.instructions, 2_500_000);
  assertEquals(await machine.run({ until: { virtualMs: 1 } }), { reason: "time" });
  assertEquals(machine.instructions, 2_500_000);
});

Deno.test("a virtual time is reached in sleep as well, and costs nothing", async () => {
  using machine = await bareMachine((a) => a.end());
  assertEquals(await machine.run({ until: { virtualMs: 3_600_000 } }), { reason: "time" });
  assertEquals(machine.virtualMs, 3_600_000);
  assert(machine.instructions < 100);
  assertEquals(await machine.run({ until: "idle" }), { reason: "idle" });
  assertEquals(await machine.run({ until: "finished" }), { reason: "idle" });
});

Deno.test("run until something else is refused", async () => {
  using machine = await bareMachine((a) => a.end());
  // deno-lint-ignore no-explicit-any
  const run = (until: any) => () => machine.run({ until });
  for (const until of ["prompt", {}, { ms: 5 }, { instructions: 5, virtualMs: 5 }, 7]) {
    await assertRejects(run(until), TypeError, "Machine.run: until is ");
  }
  for (const value of [NaN, -1, Infinity, "5"]) {
    for (const name of ["instructions", "virtualMs"]) {
      await assertRejects(
        run({ [name]: value }),
        RangeError,
        `Machine.run: until ${name} ${value} is`,
      );
    }
  }
  await assertRejects(run({ instructions: 1.5 }), RangeError, "instructions 1.5");
});

Deno.test("run in pieces leaves the same state as in one", async () => {
  const program = (a: Parameters<Parameters<typeof bareMachine>[0]>[0]) => {
    a.constant(reg.s0, BigInt(RAM_BASE + MIB / 2)).label("loop").op(
      "amoadd.d",
      reg.t0,
      reg.s0,
      reg.s0,
    )
      .op("mul", reg.s1, reg.t0, reg.s0).op("sd", reg.s1, 8, reg.s0).jump("loop");
  };
  using whole = await bareMachine(program, { harts: 2 });
  using pieces = await bareMachine(program, { harts: 2 });
  await whole.run({ until: { instructions: 100_000 } });
  for (let at = 1; at < 100_000; at += 7_919) await pieces.run({ until: { instructions: at } });
  await pieces.run({ until: { instructions: 100_000 } });
  assertEquals(await pieces.stateHash(), await whole.stateHash());
  await pieces.run({ until: { instructions: 100_001 } });
  assert(await pieces.stateHash() !== await whole.stateHash());
});

// ---- Verdicts ----

async function verdictOf(body: () => Promise<unknown>): Promise<MachineError> {
  const error = await assertRejects(body, MachineError);
  return error as MachineError;
}

Deno.test("deadlock: every hart waits and nothing is scheduled", async () => {
  using machine = await bareMachine((a) => {
    a.branch("bne", reg.a0, 0, "wait");
    print(a, "almost\nthere");
    a.label("wait").end();
  }, { harts: 2 });
  const error = await verdictOf(() => machine.console.expect("prompt"));
  assertEquals<Verdict>(error.verdict, "deadlock");
  assertEquals(error.lastLines, ["almost", "there"]);
  assertMatch(error.message, /console\.expect\("prompt"\): every hart waits/);
  assertMatch(error.message, /\| almost\n.*\| there/);
  assertEquals(error.instructions, machine.instructions);
});

Deno.test("input that the guest does not take is no reason to wait for ever", async () => {
  using machine = await bareMachine((a) => a.end());
  machine.console.send("x".repeat(100));
  assertEquals(await machine.run(), { reason: "idle" });
  const error = await verdictOf(() => machine.console.expect("prompt"));
  assertEquals<Verdict>(error.verdict, "deadlock");
});

Deno.test("virtual-timeout: the machine runs on and says nothing", async () => {
  using machine = await bareMachine((a) => a.label("loop").jump("loop"));
  const error = await verdictOf(() => machine.console.expect(/# $/, { timeoutMs: 3 }));
  assertEquals<Verdict>(error.verdict, "virtual-timeout");
  assertEquals([error.virtualMs, error.instructions], [3, 3_000_000]);
  assertMatch(error.message, /console\.expect\(\/# \$\/\): nothing matched within 3 ms/);
  assertMatch(error.message, /the console printed nothing/);
});

Deno.test("finished: the machine ended before the text came", async () => {
  for (
    const [status, words] of [
      [FINISH.pass, "the machine powered off first"],
      [(3n << 16n) | FINISH.fail, "the machine failed with code 3 first"],
    ] as const
  ) {
    using machine = await bareMachine((a) => finish(a, status));
    const error = await verdictOf(() => machine.console.expect("prompt"));
    assertEquals<Verdict>(error.verdict, "finished");
    assertMatch(error.message, new RegExp(words));
  }
});

Deno.test("a match in the last words before power-off counts", async () => {
  using machine = await bareMachine((a) => {
    print(a, "bye");
    finish(a, FINISH.pass);
  });
  assertEquals((await machine.console.expect("bye")).text, "bye");
});

Deno.test("a timeout that is no positive number is refused", async () => {
  using machine = await bareMachine((a) => a.end());
  for (const timeoutMs of [0, -1, NaN]) {
    await assertRejects(
      () => machine.console.expect("x", { timeoutMs }),
      RangeError,
      `timeoutMs ${timeoutMs} is no positive number`,
    );
  }
});

// ---- Lifetime ----

Deno.test("after close nothing runs; closing again is harmless", async () => {
  const machine = await bareMachine((a) => {
    print(a, "printed");
    a.end();
  });
  await machine.console.expect("printed");
  machine.close();
  machine.close();
  await assertRejects(() => machine.run(), TypeError, "The machine is closed");
  await assertRejects(() => machine.console.expect("more"), TypeError, "The machine is closed");
  assertEquals(machine.console.transcript, "printed");
});

Deno.test("a machine runs one call at a time", async () => {
  using machine = await bareMachine((a) => a.label("loop").jump("loop"));
  const first = machine.run({ until: { instructions: 20_000_000 } });
  await assertRejects(() => machine.run(), TypeError, "The machine runs already");
  await assertRejects(() => machine.console.expect("x"), TypeError, "The machine runs already");
  assertEquals(await first, { reason: "instructions" });
  assertEquals(await machine.run({ until: { instructions: 20_000_001 } }), {
    reason: "instructions",
  });
});

Deno.test("timers and files have their turn while a machine runs", async () => {
  using machine = await bareMachine((a) => {
    a.constant(reg.s0, BigInt(BOARD.uart0.base));
    // Until the line status register says that a byte came.
    a.label("poll").op("lbu", reg.t0, 5, reg.s0).op("andi", reg.t0, reg.t0, 1)
      .branch("beq", reg.t0, 0, "poll");
    finish(a, FINISH.pass);
    a.end();
  });
  setTimeout(async () => {
    await Deno.stat(".");
    machine.console.send("x");
  }, 1);
  assertEquals((await machine.run()).reason, "finished");
});

Deno.test("machines in one process do not influence one another", async () => {
  const start = (harts: number) =>
    bareMachine((a) => {
      a.constant(reg.s0, BigInt(RAM_BASE + MIB / 2)).getCsr(reg.s3, "mhartid").label("loop");
      a.op("lr.d", reg.t0, 0, reg.s0).op("add", reg.t0, reg.t0, reg.s3)
        .op("addi", reg.t0, reg.t0, 1).op("sc.d", reg.t1, reg.t0, reg.s0);
      a.op("ebreak").jump("loop"); // mtvec is 0: a trap loop at nothing, then
    }, { harts });
  const alone: string[] = [];
  for (const harts of [1, 2, 3]) {
    using machine = await start(harts);
    await machine.run({ until: { instructions: 60_000 } });
    alone.push(await machine.stateHash());
  }
  const together = await Promise.all([1, 2, 3].map(start));
  for (let at = 5_000; at <= 60_000; at += 5_000) {
    await Promise.all(together.map((machine) => machine.run({ until: { instructions: at } })));
  }
  const hashes = await Promise.all(together.map((machine) => machine.stateHash()));
  together.forEach((machine) => machine.close());
  assertEquals(hashes, alone);
});

Deno.test("the handed-out device tree bytes are a copy", async () => {
  using machine = await bareMachine((a) => a.end());
  machine.dtb.fill(0);
  assertEquals(machine.fdt.node("/chosen").path, "/chosen");
  assertThrows(() => machine.fdt.node("/nothing"));
});
