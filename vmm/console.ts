/**
 * The serial console of a machine: expectations on what it prints, and input.
 *
 * Guest to host: the UART hands over each byte, the {@link Transcript} keeps it, and a waiting
 * expectation is tried at once, so that the machine stops on the byte that completes a match. Host to
 * guest: bytes wait in a queue until the UART's receiver has room; none is lost.
 *
 * @module
 */

import type { SavedState } from "../core/device.ts";
import { StateFields } from "../core/state_fields.ts";
import { announcesPanic } from "./kernel_panic.ts";
import { type ConsoleMatch, type Found, Transcript } from "./transcript.ts";
import type { Verdict } from "./verdict.ts";

/** Options of {@link Console.expect}. */
export interface ExpectOptions {
  /** How long to wait, in milliseconds of virtual time. Default 60,000. */
  readonly timeoutMs?: number;
  /** What must not come first: it ends the wait at once, with the verdict `unexpected`. */
  readonly unless?: string | RegExp;
  /** What is waited for, as errors are to name it. Default: the pattern. */
  readonly what?: string;
}

/** What a machine is asked to run for. */
export interface Wait {
  /** Whether it has come; tried after each byte. */
  readonly isDone: () => boolean;
  /** Whether it can no longer be hoped for; likewise. */
  readonly isRuledOut: () => boolean;
  /** How long to wait, in milliseconds of virtual time. */
  readonly timeoutMs: number;
  /** What is waited for, as errors name it. */
  readonly what: string;
  /** Equal for waits that are over on the same byte of the same output. */
  readonly condition: string;
}

/** What a console needs of its machine. */
export interface ConsoleHost {
  /** Runs until the wait is over, one way or the other; throws a `MachineError` if that cannot be. */
  runUntil(wait: Wait): Promise<void>;
  /** Ends the machine's run at the present instruction. */
  stop(): void;
  /** Input is handed in; answers whether it is not for the machine now (vmm/tape.ts). */
  sent(bytes: Uint8Array): boolean;
  /** The error for what went wrong now. */
  failure(verdict: Verdict, summary: string): Error;
}

/** The chip's end of the line. */
export interface SerialPort {
  onTransmit: (byte: number) => void;
  onRxRoom: () => void;
  readonly rxRoom: number;
  receive(bytes: Uint8Array): number;
}

/** Default of {@link ExpectOptions.timeoutMs}. */
export const DEFAULT_TIMEOUT_MS = 60_000;
const ENCODER = new TextEncoder();
/** Of a longer line the beginning is enough to see what it is. */
const MAX_LINE = 1024;
const KIND = "console";
const VERSION = 1;
const MAX_BYTES = 2 ** 31;

/** The machine's first serial port. */
export class Console {
  readonly #host: ConsoleHost;
  readonly #port: SerialPort;
  #transcript = new Transcript();
  readonly #input: number[] = [];
  #sentBytes = 0;
  readonly #listeners = new Set<(byte: number) => void>();
  #wait: Wait | undefined;
  #panicAt: number | undefined;
  /** Panics that begin before this offset were expected. */
  #panicsExpectedTo = 0;
  /** Bytes still to come that the transcript has already. */
  #skipBytes = 0;
  #line = "";
  #lineStart = 0;

  /** @internal Made by the machine. */
  constructor(host: ConsoleHost, port: SerialPort) {
    this.#host = host;
    this.#port = port;
    port.onTransmit = (byte) => this.#received(byte);
    port.onRxRoom = () => this.#feed();
  }

  /** Everything printed so far: without carriage returns and escape sequences. */
  get transcript(): string {
    return this.#transcript.text;
  }

  /** Everything printed so far, byte for byte. */
  get rawTranscript(): Uint8Array {
    return this.#transcript.raw;
  }

  /** The last lines printed. */
  lastLines(count: number): string[] {
    return this.#transcript.lastLines(count);
  }

  /** Offset in {@link transcript} of the first panic message, if a kernel panicked. */
  get panicAt(): number | undefined {
    return this.#panicAt;
  }

  /** Forgets a panic that was expected. */
  acknowledgePanic(): void {
    this.#panicAt = undefined;
  }

  /**
   * Runs the machine until the console prints `pattern`, and returns what matched. What was consumed
   * by an earlier expectation does not count. The machine stops on the byte that completes the match.
   *
   * Matched is the text without carriage returns and escape sequences; a match that is still to come
   * spans at most 4,096 characters. As it is tried after each byte, `/\d+/` matches the first digit:
   * say what follows, as in `/(\d+)\n/`.
   *
   * @throws {TypeError} if the pattern matches without any output, or the machine is closed or runs
   * already
   * @throws {MachineError} with verdict `virtual-timeout`, `deadlock`, `panic`, `finished`, or
   * `unexpected` if `options.unless` came first
   *
   * @example
   * ```ts ignore
   * const { groups } = await machine.console.expect(/(\d+) CPUs/, { timeoutMs: 5_000 });
   * await machine.console.expect("login: ", { unless: /Oops|BUG:/ });
   * ```
   */
  async expect(pattern: string | RegExp, options: ExpectOptions = {}): Promise<ConsoleMatch> {
    const {
      timeoutMs = DEFAULT_TIMEOUT_MS,
      unless,
      what = `console.expect(${describePattern(pattern)})`,
    } = options;
    if (pattern === "") throw new TypeError(`${what}: would match without any output`);
    const transcript = this.#transcript;
    let match = transcript.find(pattern);
    let obstacle = unless === undefined ? undefined : transcript.find(unless);
    if (match === undefined && obstacle === undefined) {
      await this.#host.runUntil({
        isDone: () => (match ??= transcript.findAtEnd(pattern)) !== undefined,
        isRuledOut: () =>
          unless !== undefined && (obstacle ??= transcript.findAtEnd(unless)) !== undefined,
        timeoutMs,
        what,
        // What an expectation finds depends on what those before have consumed.
        condition: `${
          [pattern, unless ?? ""].map(describePattern).join(" unless ")
        } from ${transcript.cursor}`,
      });
    }
    if (match !== undefined && !isBefore(obstacle, match)) {
      this.#notePanicExpected(match);
      return transcript.consume(match);
    }
    throw this.#host.failure("unexpected", `${what}: ${JSON.stringify(obstacle!.text)} came first`);
  }

  /** Sends text to the guest as if typed; returns at once, the machine takes it as it runs. */
  send(text: string | Uint8Array): void {
    const bytes = typeof text === "string" ? ENCODER.encode(text) : text;
    if (!this.#host.sent(bytes)) this.sendAgain(bytes);
    this.#sentBytes += bytes.length;
  }

  /** Bytes sent so far, whether the guest has taken them or not. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** Bytes sent that the guest has not taken yet. */
  get unsentBytes(): number {
    return this.#input.length;
  }

  /** Consumes and returns what was printed and not yet matched. */
  drain(): string {
    return this.#transcript.drain();
  }

  /** Calls `listener` with each byte printed from now on; returns how to stop that. */
  onByte(listener: (byte: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @internal Bytes printed so far. */
  get printedBytes(): number {
    return this.#transcript.rawLength;
  }

  /**
   * @internal Takes recorded output as if it were printed, up to an offset from the beginning of the
   * transcript, or until `isOver` says so after a byte: without it, it is much quicker.
   */
  play(printed: Uint8Array, end: number, isOver?: () => boolean): void {
    while (this.printedBytes < end) {
      const at = this.printedBytes;
      this.#take(printed.subarray(at, isOver === undefined ? end : at + 1));
      if (isOver?.()) return;
    }
  }

  /**
   * @internal The machine is now where it had printed less than the transcript has, which came from a
   * recording: what it prints up to there is not news, and it stops there. Input is what it was then.
   */
  skipPrinted(base: SavedState | undefined): void {
    const printed = base === undefined ? 0 : (base.fields["transcript"] as Uint8Array).length;
    this.#input.splice(0, Infinity);
    for (const byte of (base?.fields["input"] ?? []) as Uint8Array) this.#input.push(byte);
    this.#skipBytes = this.printedBytes - printed;
  }

  /** @internal Whether the machine has still to print what the transcript has. */
  get isSkipping(): boolean {
    return this.#skipBytes > 0;
  }

  /** @internal Gives the machine input that was sent before. */
  sendAgain(bytes: Uint8Array): void {
    for (const byte of bytes) this.#input.push(byte);
    this.#feed();
  }

  /** @internal For a snapshot: the transcript, what was consumed, and the input that the guest has not taken. */
  save(): SavedState {
    return {
      kind: KIND,
      version: VERSION,
      fields: {
        transcript: this.#transcript.raw,
        cursor: this.#transcript.cursor,
        input: Uint8Array.from(this.#input),
        sentBytes: this.#sentBytes,
        hasPanicked: this.#panicAt !== undefined,
        panicAt: this.#panicAt ?? 0,
        panicsExpectedTo: this.#panicsExpectedTo,
      },
    };
  }

  /**
   * @internal Checks what {@link save} saved; the answer takes it over. Nobody waits for anything then.
   *
   * @throws {TypeError} if the kind or a field's type does not fit
   * @throws {RangeError} if the version is unknown or a field is out of range
   */
  openState(state: SavedState): () => void {
    const fields = StateFields.open(state, KIND, VERSION);
    const raw = fields.bytes("transcript", { atMost: MAX_BYTES });
    const cursor = fields.integer("cursor", raw.length);
    const input = fields.bytes("input", { atMost: MAX_BYTES });
    const sentBytes = fields.integer("sentBytes", Number.MAX_SAFE_INTEGER);
    const hasPanicked = fields.boolean("hasPanicked");
    const panicAt = fields.integer("panicAt", raw.length);
    const panicsExpectedTo = fields.integer("panicsExpectedTo", raw.length);
    fields.finish();
    const transcript = new Transcript();
    transcript.restore(raw, cursor);
    return () => {
      this.#transcript = transcript;
      this.#input.splice(0, Infinity);
      for (const byte of input) this.#input.push(byte);
      this.#skipBytes = 0;
      this.#sentBytes = sentBytes;
      this.#panicAt = hasPanicked ? panicAt : undefined;
      this.#panicsExpectedTo = panicsExpectedTo;
      const { text } = transcript;
      this.#lineStart = text.lastIndexOf("\n") + 1;
      this.#line = text.slice(this.#lineStart, this.#lineStart + MAX_LINE);
    };
  }

  /** @internal The machine is to stop on the byte that ends this wait. */
  await(wait: Wait | undefined): void {
    this.#wait = wait;
  }

  #received(byte: number): void {
    if (this.#skipBytes === 0) {
      this.#take(Uint8Array.of(byte));
      if (this.#wait?.isDone() || this.#wait?.isRuledOut()) this.#host.stop();
    } else if (--this.#skipBytes === 0) this.#host.stop();
  }

  #take(bytes: Uint8Array): void {
    const start = this.#transcript.length;
    const added = bytes.length === 1
      ? this.#transcript.append(bytes[0]!)
      : this.#transcript.appendAll(bytes);
    if (this.#listeners.size > 0) {
      for (const byte of bytes) {
        for (const listener of this.#listeners) listener(byte);
      }
    }
    let at = 0;
    for (let end = added.indexOf("\n"); end >= 0; end = added.indexOf("\n", at)) {
      this.#line += added.slice(at, end);
      this.#lineEnded();
      this.#line = "";
      at = end + 1;
      this.#lineStart = start + at;
    }
    if (this.#line.length < MAX_LINE) this.#line += added.slice(at);
  }

  #lineEnded(): void {
    if (this.#panicAt !== undefined || !announcesPanic(this.#line)) return;
    if (this.#lineStart < this.#panicsExpectedTo) return;
    this.#panicAt = this.#lineStart;
    this.#host.stop();
  }

  /** Who waits for a panic is not told of it as of a failure. */
  #notePanicExpected({ start, text }: Found): void {
    if (!text.includes("Kernel panic")) return;
    this.#panicsExpectedTo = start + text.length;
    if (this.#panicAt !== undefined && this.#panicAt < this.#panicsExpectedTo) {
      this.acknowledgePanic();
    }
  }

  #feed(): void {
    const room = this.#port.rxRoom;
    if (room === 0 || this.#input.length === 0) return;
    const taken = this.#port.receive(Uint8Array.from(this.#input.slice(0, room)));
    this.#input.splice(0, taken);
  }
}

function describePattern(pattern: string | RegExp): string {
  return pattern instanceof RegExp ? String(pattern) : JSON.stringify(pattern);
}

function isBefore(obstacle: Found | undefined, match: Found): boolean {
  return obstacle !== undefined && obstacle.start < match.start;
}
