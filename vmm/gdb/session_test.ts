// The protocol as a client sees it: bytes in, bytes out, no socket.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { reg } from "../../core/conformance/assembler.ts";
import { RAM } from "../../core/testing/bare_program.ts";
import { bareMachine, FINISH, finish } from "../machine_test_support.ts";
import { COUNTER, countingMachine, CTRL_C, LOOP, PC, TestClient } from "./client_test_support.ts";
import { formatValue } from "./hex.ts";
import { packet } from "./packet.ts";

const hex = (address: number) => address.toString(16);

// ---- Framing ----

Deno.test("packets are acknowledged until the client says that they need not be", async () => {
  const { machine } = await countingMachine();
  using _machine = machine;
  const client = new TestClient(machine);
  await client.send(packet("qC"));
  assertEquals(client.incoming.map(({ type }) => type), ["acknowledged", "packet"]);
  assertEquals(await client.ask("QStartNoAckMode"), "OK");
  client.incoming.length = 0;
  await client.send(packet("qC"));
  assertEquals(client.incoming.map(({ type }) => type), ["packet"]);
});

Deno.test("a damaged packet is refused, a refused answer is sent again", async () => {
  const { machine } = await countingMachine();
  using _machine = machine;
  const client = new TestClient(machine);
  const damaged = packet("qC");
  damaged[1]!++;
  await client.send(damaged);
  assertEquals(client.incoming.map(({ type }) => type), ["refused"]);
  const [answer] = await client.send(packet("qC"));
  assertEquals(await client.send(new TextEncoder().encode("-")), [answer!]);
});

Deno.test("unknown packets get the empty answer, malformed ones an error", async () => {
  const { machine } = await countingMachine();
  using _machine = machine;
  const client = new TestClient(machine);
  for (const unknown of ["vMustReplyEmpty", "!", "qTStatus", "Qzzz", "vFile:open:2f,0,0", ""]) {
    assertEquals(await client.ask(unknown), "", unknown);
  }
  const malformed = [
    "m",
    "m80000000",
    "mzz,4",
    "m80000000,4,4",
    "m11112222333344445,4",
    "M80000000,4:00",
    "M80000000,1:0g",
    "M80000000,1",
    "X80000000,2:a",
    "X80000000",
    "pffff",
    "p",
    "P0=00",
    "P1=",
    "Gzz",
    "G00",
    "G",
    "Z9,80000000,4",
    "Z0,80000000",
    "Z2,80000000,0",
    "Z2,80000000,ffffffff",
    "z0",
    "Hx1",
    "Hg9",
    "T0",
    "T9",
    "vCont;x",
    "vCont;",
    "vCont;s:9",
    "vCont;r80000000",
    "c-1",
    "s11112222333344445",
    "bcx",
    "bsx",
    "qXfer:features:read:target.xml:zz",
    "qXfer:features:read:other.xml:0,10",
    "qRcmd,0",
    "qRcmd,zz",
    "qCRC:0",
    "qThreadExtraInfo,9",
  ];
  for (const each of malformed) assertMatch(await client.ask(each), /^E[0-9a-f]{2}$/, each);
  assertEquals(machine.instructions, 0);
});

// ---- Registers and memory ----

Deno.test("registers are read and written, one and all", async () => {
  const { machine } = await countingMachine();
  using _machine = machine;
  const client = new TestClient(machine);
  const value = 0x1122_3344_5566_7788n;
  assertEquals(await client.setRegister(reg.a5, value), "OK");
  assertEquals(machine.harts.get(0, "x15"), value);
  assertEquals(await client.ask("pf"), "8877665544332211");
  assertEquals(await client.setRegister(33 + 10, value), "OK");
  assertEquals(machine.harts.get(0, "f10"), value);
  const all = await client.ask("g");
  assertEquals(all.length, 65 * 16);
  assertEquals(all.slice(15 * 16, 16 * 16), "8877665544332211");
  assertEquals(all.slice(32 * 16, 33 * 16), formatValue(machine.harts.get(0, "pc"), 8));
  const changed = formatValue(7n, 8).repeat(3) + all.slice(3 * 16);
  assertEquals(await client.ask(`G${changed}`), "OK");
  assertEquals([0, 1, 2].map((n) => machine.harts.get(0, `x${n}`)), [0n, 7n, 7n]);
});

Deno.test("CSRs and modes are read; only plain CSRs are written", async () => {
  const { machine } = await countingMachine();
  using _machine = machine;
  const client = new TestClient(machine);
  const csr = (address: number) => 65 + address;
  assertEquals(await client.register(csr(0x301)), machine.harts.readCsr(0, 0x301));
  assertEquals([await client.register(4161), await client.register(4162)], [3n, 0n]);
  assertEquals(await client.setRegister(csr(0x341), 0x8000_0001n), "OK");
  assertEquals(machine.harts.readCsr(0, 0x341), 0x8000_0000n);
  for (const readOnly of [csr(0x300), csr(0x180), csr(0xf14), 4161, 4162]) {
    assertEquals(await client.setRegister(readOnly, 1n), "E01");
  }
});

Deno.test("memory is read and written, as far as there is any", async () => {
  const { machine } = await countingMachine();
  using _machine = machine;
  const client = new TestClient(machine);
  assertEquals(await client.ask(`M${hex(COUNTER)},4:deadbeef`), "OK");
  assertEquals(await client.ask(`X${hex(COUNTER + 4)},3:#$}`), "OK");
  assertEquals(await client.ask(`m${hex(COUNTER)},8`), "deadbeef23247d00");
  assertEquals(await client.ask(`X${hex(COUNTER)},0:`), "OK");
  const end = RAM + (1 << 20);
  assertEquals(await client.ask(`m${hex(end - 2)},8`), "0000");
  assertEquals(await client.ask(`m${hex(end)},8`), "E0e");
  assertEquals(await client.ask(`M${hex(end - 2)},4:01020304`), "E0e");
  assertEquals(await client.ask(`m${hex(end - 2)},2`), "0000");
  // The ROM is there, but not to be written; a device is left alone.
  assertEquals((await client.ask("m1000,4")).length, 8);
  assertEquals(await client.ask("M1000,1:00"), "E0e");
  assertEquals(await client.ask("m10000000,1"), "E0e");
  assertEquals(await client.ask("mffffffffffffffff,2"), "E0e");
  assertEquals(await client.ask("m8000000000000000,2"), "E0e");
});

Deno.test("a checksum over memory is the one that gdb compares sections by", async () => {
  const { machine } = await countingMachine();
  using _machine = machine;
  const client = new TestClient(machine);
  // CRC-32/MPEG-2 of "123456789".
  assertEquals(await client.ask(`X${hex(COUNTER)},9:123456789`), "OK");
  assertEquals(await client.ask(`qCRC:${hex(COUNTER)},9`), "C376e6e7");
});

// ---- Execution ----

Deno.test("a breakpoint stops before its instruction, each time", async () => {
  const { machine, loop } = await countingMachine();
  using _machine = machine;
  const client = new TestClient(machine);
  const code = machine.harts.ramAt(RAM, 64)!.slice();
  assertEquals(await client.ask(`Z0,${hex(loop)},4`), "OK");
  for (const count of [0n, 1n, 2n]) {
    assertEquals(await client.ask("vCont;c"), "T05thread:1;hwbreak:;");
    assertEquals(await client.register(PC), BigInt(loop));
    assertEquals(await client.register(reg.a0), count);
  }
  assertEquals(machine.harts.ramAt(RAM, 64)!, code);
  assertEquals(await client.ask(`z0,${hex(loop)},4`), "OK");
  assertEquals(await client.ask(`Z1,${hex(loop + LOOP.jump)},4`), "OK");
  assertEquals(await client.ask("c"), "T05thread:1;hwbreak:;");
  assertEquals(await client.register(PC), BigInt(loop + LOOP.jump));
});

Deno.test("steps go by one instruction, or out of a range", async () => {
  const { machine, loop } = await countingMachine();
  using _machine = machine;
  const client = new TestClient(machine);
  await client.ask(`Z0,${hex(loop)},4`);
  await client.ask("c");
  for (const offset of [LOOP.store, LOOP.load, LOOP.jump, LOOP.add, LOOP.store]) {
    assertEquals(await client.ask("s"), "T05thread:1;");
    assertEquals(await client.register(PC), BigInt(loop + offset));
  }
  await client.ask(`z0,${hex(loop)},4`);
  const range = `${hex(loop + LOOP.store)},${hex(loop + LOOP.jump)}`;
  const before = machine.instructions;
  assertEquals(await client.ask(`vCont;r${range}:1`), "T05thread:1;");
  assertEquals(await client.register(PC), BigInt(loop + LOOP.jump));
  assertEquals(machine.instructions - before, 2);
  assertEquals(await client.ask(`s${hex(loop)}`), "T05thread:1;");
  assertEquals(await client.register(PC), BigInt(loop + LOOP.store));
});

Deno.test("watched accesses stop before they are made", async () => {
  const { machine, loop } = await countingMachine();
  using _machine = machine;
  const client = new TestClient(machine);
  const where = async () => Number(await client.register(PC)) - loop;
  assertEquals(await client.ask(`Z2,${hex(COUNTER + 7)},1`), "OK");
  assertEquals(await client.ask("c"), `T05thread:1;watch:${hex(COUNTER + 7)};`);
  assertEquals([await where(), await client.register(reg.a0)], [LOOP.store, 1n]);
  assertEquals(await client.ask("c"), `T05thread:1;watch:${hex(COUNTER + 7)};`);
  assertEquals([await where(), await client.register(reg.a0)], [LOOP.store, 2n]);
  await client.ask(`z2,${hex(COUNTER + 7)},1`);
  await client.ask(`Z3,${hex(COUNTER)},8`);
  assertEquals(await client.ask("c"), `T05thread:1;rwatch:${hex(COUNTER)};`);
  assertEquals(await where(), LOOP.load);
  await client.ask(`Z4,${hex(COUNTER)},4`);
  await client.ask(`z3,${hex(COUNTER)},8`);
  assertEquals(await client.ask("c"), `T05thread:1;awatch:${hex(COUNTER)};`);
  assertEquals(await where(), LOOP.store);
  await client.ask(`z4,${hex(COUNTER)},4`);
  // Beside the word nothing is watched.
  await client.ask(`Z4,${hex(COUNTER + 8)},8`);
  await client.ask(`Z4,${hex(COUNTER - 1)},1`);
  await client.ask(`Z0,${hex(loop)},4`);
  assertEquals(await client.ask("c"), "T05thread:1;hwbreak:;");
});

Deno.test("Ctrl-C stops a machine that runs, with breakpoints and without", async () => {
  const { machine, loop } = await countingMachine({ harts: 2 });
  using _machine = machine;
  const client = new TestClient(machine);
  for (const breakpoint of [undefined, loop + 0x100]) {
    if (breakpoint !== undefined) await client.ask(`Z0,${hex(breakpoint)},4`);
    const before = machine.instructions;
    const stopped = client.send(packet("vCont;c"));
    await new Promise((resolve) => setTimeout(resolve, 5));
    client.session.receive(CTRL_C);
    assertEquals(await stopped, ["T02thread:1;"]);
    assert(machine.instructions > before);
  }
});

Deno.test("Ctrl-C that comes together with what it is to stop is not lost; without anything, it is nothing", async () => {
  const { machine, loop } = await countingMachine();
  using _machine = machine;
  const client = new TestClient(machine);
  assertEquals(await client.send(CTRL_C), []);
  assertEquals(await client.ask("s"), "T05thread:1;");
  const both = Uint8Array.from([...packet("c"), ...CTRL_C]);
  assertEquals(await client.send(both), ["T02thread:1;"]);
  await client.ask(`Z0,${hex(loop)},4`);
  assertEquals(await client.ask("c"), "T05thread:1;hwbreak:;");
});

Deno.test("the guest's end is told with its code, and that nothing can come", async () => {
  const cases = [[FINISH.pass, "W00"], [(42n << 16n) | FINISH.fail, "W2a"], [
    FINISH.fail,
    "W01",
  ]] as const;
  for (const [status, expected] of cases) {
    for (const breakpoint of [false, true]) {
      using machine = await bareMachine((program) => finish(program, status));
      const client = new TestClient(machine);
      if (breakpoint) await client.ask("Z0,80ff0000,4");
      assertEquals(await client.ask("c"), expected);
      assertEquals(await client.ask("c"), expected);
    }
  }
  using machine = await bareMachine((program) => program.end());
  const client = new TestClient(machine);
  for (const breakpoint of [false, true]) {
    if (breakpoint) await client.ask("Z0,80ff0000,4");
    const replies = await client.send(packet("c"));
    assertEquals(replies.at(-1), "T11thread:1;");
    assertMatch(replies[0]!, /^O/);
  }
});

Deno.test("a program that talks through tohost ends where it does without a debugger", async () => {
  const body = (program: Parameters<Parameters<typeof bareMachine>[0]>[0]) => {
    program.address(reg.t0, "tohost").op("addi", reg.t1, 0, 7).op("sd", reg.t1, 0, reg.t0)
      .label("spin").op("addi", reg.a0, reg.a0, 1).jump("spin")
      .label("tohost").word(0).word(0);
  };
  using plain = await bareMachine(body, {}, ["tohost"]);
  const outcome = await plain.run();
  assertEquals(outcome.finish, { kind: "fail", code: 3 });
  using machine = await bareMachine(body, {}, ["tohost"]);
  const client = new TestClient(machine);
  await client.ask("Z0,80ff0000,4");
  assertEquals(await client.ask("c"), "W03");
  assertEquals(machine.instructions, plain.instructions);
  assertEquals(await machine.stateHash(), await plain.stateHash());
});

Deno.test("where the machine looks at tohost, breakpoints and steps are as everywhere", async () => {
  let spin = 0;
  using machine = await bareMachine(
    (program) => {
      program.op("addi", reg.a0, 0, 0).label("spin").op("addi", reg.a0, reg.a0, 1).jump("spin");
      while (program.here % 8 !== 0) program.op("addi", 0, 0, 0);
      program.label("tohost").word(0).word(0);
      spin = program.addressOf("spin");
    },
    {},
    ["tohost"],
  );
  const client = new TestClient(machine);
  // The machine looks after every 2,000 instructions.
  await client.monitor("goto 1990");
  await client.ask(`Z0,${hex(spin)},4`);
  for (let n = 0; n < 10; n++) {
    const before = machine.instructions;
    assertEquals(await client.ask("c"), "T05thread:1;hwbreak:;");
    assertEquals(await client.register(PC), BigInt(spin));
    assert(machine.instructions - before <= 2 && machine.instructions > before);
  }
  await client.ask(`z0,${hex(spin)},4`);
  await client.monitor("goto 1990");
  for (let n = 1; n <= 20; n++) {
    assertEquals(await client.ask("s"), "T05thread:1;");
    assertEquals(machine.instructions, 1990 + n);
  }
  await client.ask(`Z0,${hex(spin)},4`);
  await client.monitor("goto 3999");
  for (let n = 0; n < 3; n++) await client.ask("c");
  assert(machine.instructions <= 4005);
});

Deno.test("a machine that cannot go on says why, and the session goes on", async () => {
  const { machine } = await countingMachine();
  const client = new TestClient(machine);
  machine.close();
  const replies = await client.send(packet("c"));
  assertEquals(replies.at(-1), "T11thread:1;");
  assertEquals(await client.ask("qAttached"), "1");
});

// ---- Threads ----

Deno.test("harts are threads, with registers of their own", async () => {
  const { machine, loop } = await countingMachine({ harts: 3 });
  using _machine = machine;
  const client = new TestClient(machine);
  assertEquals(await client.ask("qfThreadInfo"), "m1,2,3");
  assertEquals(await client.ask("qsThreadInfo"), "l");
  assertEquals([await client.ask("T3"), await client.ask("T4")], ["OK", "E03"]);
  assertEquals(await client.ask("Hg3"), "OK");
  assertEquals(await client.ask("qC"), "QC3");
  assertEquals(await client.register(65 + 0xf14), 2n);
  await client.ask("vCont;s:3;c");
  assertEquals(await client.ask("qC"), "QC3");
  assert(machine.harts.instret(2) === 1n);
  await client.ask(`Z0,${hex(loop)},4`);
  assertMatch(await client.ask("vCont;c"), /^T05thread:[123];hwbreak:;$/);
  const xml = await client.ask("qXfer:threads:read::0,1000");
  assertMatch(xml, /^l/);
  assertStringIncludes(xml, '<thread id="3" core="2" name="hart 2">M-mode</thread>');
});

Deno.test("documents come in parts", async () => {
  const { machine } = await countingMachine();
  using _machine = machine;
  const client = new TestClient(machine);
  for (const document of ["features:read:target.xml", "memory-map:read:"]) {
    const whole: string[] = [];
    for (let offset = 0, more = true; more; offset += 0x1001) {
      const part = await client.ask(`qXfer:${document}:${offset.toString(16)},1001`);
      whole.push(part.slice(1));
      more = part.startsWith("m");
    }
    assertMatch(whole.join(""), /^<\?xml[\s\S]*<\/[a-z-]+>$/);
    const end = whole.join("").length.toString(16);
    assertEquals(await client.ask(`qXfer:${document}:${end},10`), "l");
    assertMatch(await client.ask(`qXfer:${document}:fffff,10`), /^E/);
  }
});

// ---- Monitor ----

Deno.test("monitor commands answer in words", async () => {
  const { machine } = await countingMachine();
  using _machine = machine;
  const client = new TestClient(machine);
  assertEquals(await client.monitor("mode"), "hart 0: M-mode");
  assertMatch(await client.monitor("where"), /^hart 0: M 0x1000: auipc /);
  assertEquals(await client.monitor("exits"), "hart 0: 0 traps, of them 0 VM exits");
  assertEquals(await client.monitor("csr mhartid"), "mhartid = 0x0");
  assertMatch(await client.monitor("csr nonsense"), /^No CSR/);
  assertEquals(await client.monitor("time"), "0 instructions, 0.000000 ms");
  assertEquals(await client.monitor("hash"), await machine.stateHash());
  assertMatch(await client.monitor("goto 100"), /^100 instructions/);
  assertMatch(await client.monitor("goto 10"), /^10 instructions/);
  assertEquals(machine.instructions, 10);
  assertMatch(await client.monitor("translate 0x80000000"), /\n {2}physical 0x80000000$/);
  for (const help of ["", "help", "  help  ", "toString", "__proto__"]) {
    assertStringIncludes(await client.monitor(help), "monitor translate ADDR");
  }
});

// ---- End ----

Deno.test("after detaching the machine stands and is its owner's again", async () => {
  const { machine, loop } = await countingMachine();
  using _machine = machine;
  const client = new TestClient(machine);
  await client.ask(`Z0,${hex(loop)},4`);
  await client.ask("c");
  const { instructions } = machine;
  assertEquals(await client.ask("D"), "OK");
  assertEquals(client.session.end, "detached");
  assertEquals(await client.send(packet("g")), []);
  await machine.run({ until: { instructions: instructions + 1000 } });
  assertEquals(machine.instructions, instructions + 1000);
});

Deno.test("killing closes the machine", async () => {
  for (const [how, replies] of [["k", []], ["vKill;1", ["OK"]]] as const) {
    const { machine } = await countingMachine();
    const client = new TestClient(machine);
    assertEquals(await client.send(packet(how)), [...replies]);
    assertEquals(client.session.end, "killed");
    assertEquals(await machine.run().catch((error) => error.message), "The machine is closed");
  }
});

Deno.test("a client that goes away while the machine runs leaves it standing", async () => {
  const { machine } = await countingMachine();
  using _machine = machine;
  const client = new TestClient(machine);
  const stopped = client.session.receive(packet("c"));
  await new Promise((resolve) => setTimeout(resolve, 1));
  await client.session.close();
  await stopped;
  const { instructions } = machine;
  await machine.run({ until: { instructions: instructions + 1 } });
});
