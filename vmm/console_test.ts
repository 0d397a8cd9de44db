import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Console, type Wait } from "./console.ts";
import type { TripwireName } from "./failure/tripwires.ts";
import { MachineError, type Verdict } from "./verdict.ts";

const ENCODER = new TextEncoder();

/** A console on a chip with four bytes of room, and a machine that prints `output` when it runs. */
function setUp(output = "") {
  const received: number[] = [];
  const port = {
    onTransmit: (_byte: number) => {},
    onRxRoom: () => {},
    room: 4,
    get rxRoom() {
      return this.room;
    },
    receive(bytes: Uint8Array): number {
      const taken = Math.min(bytes.length, this.room);
      received.push(...bytes.subarray(0, taken));
      this.room -= taken;
      return taken;
    },
  };
  // It prints a byte a microsecond, and executes 7 instructions for it.
  const machine = { output, stops: 0, waits: [] as Wait[], nowNs: 0, instructions: 0 };
  const failure = (verdict: Verdict, summary: string) =>
    new MachineError(summary, { verdict, virtualMs: 1, instructions: 2, lastLines: [] });
  const transmit = (byte: number) => {
    machine.nowNs += 1000;
    machine.instructions += 7;
    port.onTransmit(byte);
  };
  const console: Console = new Console({
    runUntil(wait) {
      machine.waits.push(wait);
      console.await(wait);
      const stopsBefore = machine.stops;
      const untilNs = machine.nowNs + wait.timeoutMs * 1e6;
      while (machine.output !== "" && machine.stops === stopsBefore && machine.nowNs < untilNs) {
        const byte = machine.output.charCodeAt(0);
        machine.output = machine.output.slice(1);
        transmit(byte);
      }
      console.await(undefined);
      if (console.tripped !== undefined && !wait.isDone()) {
        return Promise.reject(failure("tripwire", `${wait.what}: ${console.tripped.text}`));
      }
      if (wait.isDone() || wait.isRuledOut()) return Promise.resolve();
      if (wait.endsInTime) {
        machine.nowNs = untilNs;
        return Promise.resolve();
      }
      return Promise.reject(failure("virtual-timeout", wait.what));
    },
    now: () => ({ nowNs: machine.nowNs, instructions: machine.instructions }),
    stop: () => void machine.stops++,
    sent: () => false,
    failure,
  }, port);
  const print = (text: string) => ENCODER.encode(text).forEach(transmit);
  return { console, machine, port, print, received };
}

Deno.test("the machine stops on the byte that completes a match", async () => {
  const { console, machine } = setUp("one two three");
  assertEquals(await console.expect("two"), { text: "two", groups: [], before: "one " });
  assertEquals(machine.output, " three");
  assertEquals((await console.expect(/t(h)/)).groups, ["h"]);
  assertEquals(machine.output, "ree");
});

Deno.test("what is printed already is matched without running, and only once", async () => {
  const { console, machine, print } = setUp();
  print("ready\n");
  await console.expect("ready");
  assertEquals(machine.waits, []);
  const error = await assertRejects(() => console.expect("ready"), MachineError);
  assertEquals(error.verdict, "virtual-timeout");
  assertEquals(machine.waits[0]!.what, 'console.expect("ready")');
  assertEquals(machine.waits[0]!.timeoutMs, 60_000);
});

Deno.test("errors name a wait as asked to", async () => {
  const { console } = setUp();
  await assertRejects(() => console.expect(/x/), MachineError, "console.expect(/x/)");
  await assertRejects(
    () => console.expect(/x/, { what: "the login prompt" }),
    MachineError,
    "the login prompt",
  );
});

Deno.test("what was ruled out ends a wait", async () => {
  const { console, machine } = setUp("Oops: 0\nlogin: ");
  const error = await assertRejects(
    () => console.expect("login: ", { unless: /Oops: \d/ }),
    MachineError,
    'console.expect("login: "): "Oops: 0" came first',
  );
  assertEquals(error.verdict, "unexpected");
  assertEquals(machine.output, "\nlogin: ");
  // It was not consumed, and without the exclusion it does not matter.
  assertEquals((await console.expect("login: ")).before, "Oops: 0\n");
});

Deno.test("of two that are printed already, the first counts", async () => {
  const { console, print } = setUp();
  print("a b");
  await assertRejects(() => console.expect("b", { unless: "a" }), MachineError, "came first");
  await console.expect("a", { unless: "b" });
});

Deno.test("an empty pattern is a mistake", async () => {
  const { console } = setUp();
  await assertRejects(() => console.expect(""), TypeError, "would match without any output");
});

Deno.test("input waits until the chip has room; none is lost", () => {
  const { console, port, received } = setUp();
  console.send("abcdef");
  console.send(Uint8Array.of(0x67));
  assertEquals(received, [...ENCODER.encode("abcd")]);
  assertEquals(console.unsentBytes, 3);
  port.room = 2;
  port.onRxRoom();
  assertEquals(console.unsentBytes, 1);
  port.room = 4;
  port.onRxRoom();
  assertEquals(received, [...ENCODER.encode("abcdefg")]);
  assertEquals(console.unsentBytes, 0);
});

Deno.test("listeners hear each byte until they have enough", () => {
  const { console, print } = setUp();
  const heard: number[] = [];
  const stop = console.onByte((byte) => heard.push(byte));
  print("\x1b[1mé");
  stop();
  print("x");
  assertEquals(heard, [...ENCODER.encode("\x1b[1mé")]);
  assertEquals(console.transcript, "éx");
});

Deno.test("a panic stops the machine at the end of its line, once", () => {
  const { console, machine, print } = setUp();
  print("boot\n[    0.1] Kernel panic - not syncing: VFS");
  assertEquals([console.panicAt, machine.stops], [undefined, 0]);
  print("\n");
  assertEquals([console.panicAt, machine.stops], [5, 1]);
  print("[    0.2] ---[ end Kernel panic - not syncing: VFS ]---\n");
  assertEquals(machine.stops, 1);
  console.acknowledgePanic();
  assertEquals(console.panicAt, undefined);
});

Deno.test("a panic that was waited for is no failure, whether its line has ended or not", async () => {
  for (const pattern of [/Kernel panic - not syncing: VFS\n/, "Kernel panic - not"]) {
    const { console, print } = setUp("[    0.1] Kernel panic - not syncing: VFS\n");
    await console.expect(pattern);
    print(" syncing: VFS\n");
    assertEquals(console.panicAt, undefined);
    print("[    9.0] Kernel panic - not syncing: another\n");
    assertEquals(console.transcript.slice(console.panicAt).startsWith("[    9.0]"), true);
  }
});

Deno.test("an overlong line does not hide a panic at its beginning", () => {
  const { console, print } = setUp();
  print(`Kernel panic - not syncing: ${"x".repeat(5000)}\n`);
  assertEquals(console.panicAt, 0);
});

Deno.test("draining consumes what was printed", async () => {
  const { console, print } = setUp();
  print("old");
  assertEquals(console.drain(), "old");
  await assertRejects(() => console.expect("old"), MachineError);
});

// ---- Times ----

Deno.test("each byte has the time it was printed at", async () => {
  const { console } = setUp("one\ntwo");
  await console.expect("two");
  assertEquals(console.printedAt(0), { nowNs: 1000, instructions: 7 });
  assertEquals(console.printedAt(6), { nowNs: 7000, instructions: 49 });
  assertThrows(() => console.printedAt(7), RangeError, "No byte 7");
  assertEquals(console.lastTimedLines(1), [{
    text: "two",
    at: { nowNs: 5000, instructions: 35 },
  }]);
  assertEquals(console.timedLinesFrom(1).map(({ text }) => text), ["ne", "two"]);
  assertEquals(console.timedLinesFrom(7), []);
});

Deno.test("saved and restored, the console is the same, times included", async () => {
  const { console, print } = setUp();
  print("one\n[    0.1] Kernel panic - not syncing: x\ntwo th");
  console.send("abcdefgh");
  await console.expect("one");
  const saved = console.save();
  assertEquals(saved.version, 2);
  const other = setUp();
  other.console.openState(saved)();
  assertEquals(other.console.save(), saved);
  assertEquals(other.console.printedAt(3), console.printedAt(3));
  assertEquals([other.console.panicAt, other.console.unsentBytes], [4, 4]);
  other.machine.nowNs = 1e9;
  other.print("ree\n");
  assertEquals(other.console.lastLines(1), ["two three"]);
  assertEquals(other.console.printedAt(other.console.rawTranscript.length - 1).nowNs, 1e9 + 4000);
});

Deno.test("recorded output has the times it had", async () => {
  const text = "one\r\ntwo\n\u20ac\n";
  const recorded = setUp(text.slice(0, 9)).console;
  await recorded.expect("two");
  const output = Console.recordedIn(recorded.save());
  for (const isOver of [undefined, () => false]) {
    const { console } = setUp();
    console.play(output, 2, isOver);
    console.play(output, 8, isOver);
    assertEquals(console.transcript, "one\ntwo");
    for (let byte = 0; byte < 8; byte++) {
      assertEquals(console.printedAt(byte), recorded.printedAt(byte));
    }
  }
});

// ---- Other expectations ----

Deno.test("any of several: the answer says which", async () => {
  const { console, machine } = setUp("login: root\n~ # ");
  const first = await console.expectAny({ prompt: "~ # ", login: /(\w+): / });
  assertEquals(first, { which: "login", text: "login: ", groups: ["login"], before: "" });
  assertEquals(machine.output, "root\n~ # ");
  assertEquals((await console.expectAny(["x", "~ # "])).which, 1);
});

Deno.test("any of several: what begins first counts, then the order", async () => {
  const { console, print } = setUp();
  print("abc");
  assertEquals((await console.expectAny(["bc", "b", /a./])).which, 2);
  print("b");
  assertEquals((await console.expectAny([/^c/, "c"])).which, 0);
  await assertRejects(() => console.expectAny([]), TypeError, "give at least one pattern");
});

Deno.test("several in order; a failure says at which one", async () => {
  const { console } = setUp("a1 b2 a3 c");
  const matches = await console.expectInOrder([/a(\d)/, /a(\d)/]);
  assertEquals(matches.map(({ groups }) => groups[0]), ["1", "3"]);
  assertEquals(matches[1]!.before, " b2 ");
  await assertRejects(
    () => console.expectInOrder(["c", "a1"], { timeoutMs: 5 }),
    MachineError,
    'console.expectInOrder, 2 of 2: "a1"',
  );
});

Deno.test("several in order share the time", async () => {
  const { console, machine } = setUp(`${"x".repeat(3000)}a${"x".repeat(3000)}b`);
  await assertRejects(() => console.expectInOrder(["a", "b"], { timeoutMs: 5 }), MachineError);
  assertEquals(machine.nowNs, 5e6);
});

Deno.test("a whole line", async () => {
  const { console, machine } = setUp("MemTotal: 12 kB\nfree\nfreed\n\nrest");
  const match = await console.expectLine(/^(\w+): +(\d+) kB$/);
  assertEquals([match.text, match.groups], ["MemTotal: 12 kB", ["MemTotal", "12"]]);
  assertEquals(machine.output, "free\nfreed\n\nrest");
  assertEquals((await console.expectLine("freed")).before, "free\n");
  assertEquals((await console.expectLine("")).text, "");
  await assertRejects(() => console.expectLine("rest"), MachineError, 'console.expectLine("rest")');
});

Deno.test("a line that is printed already, or of which the beginning was consumed", async () => {
  const { console, print } = setUp();
  print("key: value\nnext\n");
  await console.expect("key: ");
  assertEquals((await console.expectLine(/^v/)).text, "value");
  assertEquals((await console.expectLine("next")).before, "");
});

Deno.test("never: time passes, or the byte that completes it ends it", async () => {
  const { console, machine } = setUp("good\nsegfault\n");
  await console.never("segv", { forMs: 0.006 });
  assertEquals(machine.nowNs, 6000);
  const error = await assertRejects(
    () => console.never(/seg\w+t/, { forMs: 5 }),
    MachineError,
    'console.never(/seg\\w+t/): "segfault" came',
  );
  assertEquals([error.verdict, machine.output], ["unexpected", "\n"]);
  // Nothing was consumed, and what is there already counts.
  await assertRejects(() => console.never("good", { forMs: 1 }), MachineError, '"good" came');
  await console.expect("good");
  await assertRejects(() => console.never("x", { forMs: 0 }), RangeError, "forMs 0");
});

Deno.test("idle: until nothing was printed for some time", async () => {
  const { console, machine } = setUp("0123456789");
  assertEquals(await console.idle({ forMs: 0.003 }), "0123456789");
  assertEquals(machine.nowNs, 13_000);
  assertEquals(console.drain(), "0123456789");
  assertEquals(await console.idle({ forMs: 2 }), "");
  machine.output = "x".repeat(100);
  const error = await assertRejects(
    () => console.idle({ forMs: 0.02, timeoutMs: 0.05 }),
    MachineError,
    "console.idle: it was never quiet for 0.02 ms within 0.05 ms",
  );
  assertEquals(error.verdict, "virtual-timeout");
});

Deno.test("options and patterns that make no sense are refused", async () => {
  const { console } = setUp();
  await assertRejects(() => console.expect(7 as never), TypeError, "a pattern is a text or a");
  await assertRejects(() => console.expectAny([""]), TypeError, "without any output");
  await assertRejects(() => console.idle({ timeoutMs: NaN }), RangeError, "timeoutMs NaN");
  await assertRejects(() => console.expectTripwire("x" as TripwireName), TypeError, 'no "x"');
});

Deno.test("what rules an expectation out may have a verdict of its own", async () => {
  const { console } = setUp("bye\n");
  const error = await assertRejects(
    () => console.expect("x", { unless: "bye", unlessVerdict: "guest-exited" }),
    MachineError,
  );
  assertEquals(error.verdict, "guest-exited");
});

// ---- Tripwires ----

const OOPS = "[    1.500000] Oops [#1]\n";

Deno.test("a tripwire stops the machine at the end of its line", async () => {
  const { console, machine } = setUp(`boot\n${OOPS}more`);
  await assertRejects(() => console.expect("login"), MachineError, "Oops [#1]");
  assertEquals(console.tripped, { name: "oops", start: 20, lineStart: 5, text: "Oops [#1]" });
  assertEquals([machine.output, console.panicAt], ["more", undefined]);
  console.acknowledgeTripped();
  assertEquals(console.tripped, undefined);
});

Deno.test("what an expectation waits for does not trip, before or after its line ends", async () => {
  for (const pattern of [/Oops.*\n/, "Oops"]) {
    const { console, print } = setUp(OOPS);
    await console.expect(pattern);
    print(" [#1]\n");
    assertEquals(console.tripped, undefined);
    print(OOPS);
    assertEquals(console.tripped?.name, "oops");
  }
});

Deno.test("a match beside it does not make it expected", async () => {
  const { console, print } = setUp();
  print(`ok ${OOPS}`);
  await console.expect("ok");
  assertEquals(console.tripped?.name, "oops");
});

Deno.test("a panic that an oops leads to is what counts", () => {
  const { console, print } = setUp();
  print(`${OOPS}[    1.6] BUG: x\n[    1.600000] Kernel panic - not syncing: Fatal exception\n`);
  assertEquals(console.tripped?.name, "panic");
});

Deno.test("a tripwire that is off does not stop the machine", async () => {
  const { console } = setUp(`${OOPS}login: `);
  console.tripwires.disable("oops");
  await console.expect("login: ");
  assertEquals(console.tripped, undefined);
});

Deno.test("a panic that is expected comes with its report", async () => {
  const report = "[    2.000000] Kernel panic - not syncing: sysrq\n" +
    "[    2.1] Hardware name: linux,dummy-virt (DT)\n[    2.2] ---[ end Kernel panic - not " +
    "syncing: sysrq ]---\n";
  const { console, machine } = setUp(`boot\n${report}after`);
  assertEquals(await console.expectPanic(), { whose: "guest", reason: "sysrq", report });
  assertEquals([console.tripped, machine.output], [undefined, "after"]);
});

Deno.test("expected tripwires: the one that is named, and no other", async () => {
  const { console } = setUp(`${OOPS}[    2.000000] BUG: x\n`);
  assertEquals((await console.expectTripwire("oops")).text, OOPS.trimEnd());
  await assertRejects(() => console.expectTripwire("rcu-stall"), MachineError, "BUG: x");
  await assertRejects(() => setUp("quiet").console.expectPanic(), MachineError, "expectPanic");
});

Deno.test("10,000 lines pasted at once, or in as many sends, arrive whole", () => {
  const lines = Array.from({ length: 10_000 }, (_, n) => `echo line ${n}\n`);
  for (const sends of [[lines.join("")], lines]) {
    const { console, port, received } = setUp();
    for (const text of sends) console.send(text);
    while (console.unsentBytes > 0) {
      port.room = 16;
      port.onRxRoom();
    }
    assertEquals(new TextDecoder().decode(Uint8Array.from(received)), lines.join(""));
  }
});
