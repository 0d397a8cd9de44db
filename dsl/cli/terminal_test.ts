import { assertEquals } from "@std/assert";
import type { InputSource } from "./terminal.ts";
import { Terminal } from "./terminal.ts";

/** A stdin whose input the test types. */
class FakeInput implements InputSource {
  readonly rawCalls: boolean[] = [];
  readonly #terminal: boolean;
  readonly #queue: (Uint8Array | null)[] = [];
  #arrived: (() => void) | undefined;

  constructor(terminal: boolean) {
    this.#terminal = terminal;
  }

  type(text: string | null): void {
    this.#queue.push(text === null ? null : new TextEncoder().encode(text));
    this.#arrived?.();
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    while (this.#queue.length === 0) {
      await new Promise<void>((resolve) => this.#arrived = resolve);
    }
    const next = this.#queue.shift()!;
    if (next === null) return null;
    buffer.set(next);
    return next.length;
  }

  isTerminal(): boolean {
    return this.#terminal;
  }

  setRaw(raw: boolean): void {
    this.rawCalls.push(raw);
  }
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const LONG_MS = 1_000_000;

Deno.test("a terminal is raw until restored, once", () => {
  const input = new FakeInput(true);
  const terminal = new Terminal(input, () => {});
  assertEquals(input.rawCalls, [true]);
  terminal.restore();
  terminal.restore();
  assertEquals(input.rawCalls, [true, false]);
});

Deno.test("the terminal is restored when an error leaves the block", () => {
  const input = new FakeInput(true);
  try {
    using _terminal = new Terminal(input, () => {});
    throw new Error("wild guest");
  } catch {
    // what matters is the state it left
  }
  assertEquals(input.rawCalls, [true, false]);
});

Deno.test("input ends a wait; the next piece comes after the first was taken", async () => {
  const input = new FakeInput(true);
  using terminal = new Terminal(input, () => {});
  input.type("ls\r");
  input.type("pwd\r");
  await terminal.wait(LONG_MS);
  assertEquals(text(terminal.take()), "ls\r");
  await terminal.wait(LONG_MS);
  assertEquals(text(terminal.take()), "pwd\r");
  assertEquals(text(terminal.take()), "");
});

Deno.test("Ctrl-A x ends a wait and says so; Ctrl-A h prints help", async () => {
  const input = new FakeInput(true);
  const said: string[] = [];
  using terminal = new Terminal(input, (help) => said.push(help));
  assertEquals(terminal.leaves, false);
  input.type("\x01h\x01x");
  await terminal.wait(LONG_MS);
  assertEquals(terminal.leaves, true);
  assertEquals(said.length, 1);
});

Deno.test("what follows Ctrl-A x in one read does not keep the user here", async () => {
  const input = new FakeInput(true);
  using terminal = new Terminal(input, () => {});
  input.type("a\x01xb");
  await terminal.wait(LONG_MS);
  assertEquals(terminal.leaves, true);
  assertEquals(text(terminal.take()), "ab");
});

Deno.test("a pipe is never raw, has no escape key, and its end changes nothing", async () => {
  const input = new FakeInput(false);
  using terminal = new Terminal(input, () => {});
  input.type("\x01x");
  await terminal.wait(LONG_MS);
  assertEquals(text(terminal.take()), "\x01x");
  input.type(null);
  await terminal.wait(1);
  assertEquals(terminal.leaves, false);
  assertEquals(text(terminal.take()), "");
  assertEquals(input.rawCalls, []);
});
