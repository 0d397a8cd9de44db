import { assertEquals, assertRejects } from "@std/assert";
import { Console, type Wait } from "./console.ts";
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
  const machine = { output, stops: 0, waits: [] as Wait[] };
  const failure = (verdict: Verdict, summary: string) =>
    new MachineError(summary, { verdict, virtualMs: 1, instructions: 2, lastLines: [] });
  const console: Console = new Console({
    runUntil(wait) {
      machine.waits.push(wait);
      console.await(wait);
      const stopsBefore = machine.stops;
      while (machine.output !== "" && machine.stops === stopsBefore) {
        const byte = machine.output.charCodeAt(0);
        machine.output = machine.output.slice(1);
        port.onTransmit(byte);
      }
      console.await(undefined);
      if (wait.isDone() || wait.isRuledOut()) return Promise.resolve();
      return Promise.reject(failure("virtual-timeout", wait.what));
    },
    stop: () => void machine.stops++,
    sent: () => false,
    failure,
  }, port);
  const print = (text: string) => ENCODER.encode(text).forEach((byte) => port.onTransmit(byte));
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
