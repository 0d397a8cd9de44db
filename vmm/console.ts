/**
 * The serial console of a machine: expectations on what it prints, and input.
 *
 * Guest to host: the UART hands over each byte, the {@link Transcript} keeps it with its time, and a
 * waiting expectation is tried at once, so that the machine stops on the byte that completes a match.
 * Lines that trip a tripwire stop it too. Host to guest: bytes wait in a queue until the UART's receiver
 * has room; none is lost.
 *
 * @module
 */

import type { SavedState } from "../core/device.ts";
import { StateFields } from "../core/state_fields.ts";
import { type CallSite, noteCallSite } from "./failure/source_line.ts";
import {
  isTripwireName,
  type Tripped,
  type TripwireName,
  tripwirePattern,
  Tripwires,
} from "./failure/tripwires.ts";
import { InputQueue } from "./input_queue.ts";
import { type KernelPanic, readPanicReport } from "./kernel_panic.ts";
import { AnySearch, LineSearch, PatternSearch, type Search } from "./search.ts";
import { type ConsoleMatch, type Found, type TimedLine, Transcript } from "./transcript.ts";
import { type Moment, TranscriptTimes } from "./transcript_times.ts";
import type { Verdict } from "./verdict.ts";

/** How long to wait. */
export interface WaitOptions {
  /** How long to wait, in milliseconds of virtual time. Default 60,000. */
  readonly timeoutMs?: number;
  /** After how many instructions to give up. Default: as many as it takes. */
  readonly instructions?: number;
  /** After how many milliseconds of the host's time to give up; by no means the same each time. Default: never. */
  readonly wallMs?: number;
  /** What is waited for, as errors are to name it. Default: the call. */
  readonly what?: string;
}

/** Options of {@link Console.expect}. */
export interface ExpectOptions extends WaitOptions {
  /** What must not come first: it ends the wait at once, with the verdict `unexpected`. */
  readonly unless?: string | RegExp;
  /** Another verdict for that. */
  readonly unlessVerdict?: Verdict;
}

/** Options of {@link Console.never}. */
export interface NeverOptions {
  /** For how long, in milliseconds of virtual time. */
  readonly forMs: number;
  /** What is watched for, as errors are to name it. Default: the call. */
  readonly what?: string;
}

/** Options of {@link Console.idle}. */
export interface IdleOptions {
  /** For how long nothing is to be printed, in milliseconds of virtual time. Default 100. */
  readonly forMs?: number;
  /** When to give up, in milliseconds of virtual time. Default 60,000. */
  readonly timeoutMs?: number;
  /** What is waited for, as errors are to name it. Default: the call. */
  readonly what?: string;
}

/** What {@link Console.expectAny} found. */
export interface AnyMatch<Name extends string | number = number> extends ConsoleMatch {
  /** Which of the patterns it was: its place in the list, or its name. */
  readonly which: Name;
}

/** A panic that was waited for. */
export interface ExpectedPanic extends KernelPanic {
  /** What the kernel said of it, as far as it came. */
  readonly report: string;
}

/** What a machine is asked to run for. */
export interface Wait {
  /** Whether it has come; tried after each byte. */
  readonly isDone: () => boolean;
  /** Whether it can no longer be hoped for; likewise. */
  readonly isRuledOut: () => boolean;
  /** How long to wait, in milliseconds of virtual time. */
  readonly timeoutMs: number;
  /** Whether that is what is waited for, and no failure. */
  readonly endsInTime?: boolean;
  /** Instructions that it may take. */
  readonly instructions?: number | undefined;
  /** Milliseconds of the host's time that it may take. */
  readonly wallMs?: number | undefined;
  /** What is waited for, as errors name it. */
  readonly what: string;
  /** Equal for waits that are over on the same byte of the same output. */
  readonly condition: string;
  /** For an error that explains itself: the patterns, where in the text they were looked for, and who asked. */
  readonly patterns?: readonly (string | RegExp)[];
  readonly from?: number;
  readonly site?: CallSite;
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
  failure(verdict: Verdict, summary: string, wait?: Wait): Error;
  /** Virtual time and instructions, to the instruction in progress. Default: bytes have no time. */
  now?(): Moment;
  /** Makes the machine what it is now, if a recording stood for it: an error is to tell of it. */
  settle?(): Promise<void>;
}

/** Output of a recorded run, see {@link Console.play}. */
export interface RecordedOutput {
  readonly bytes: Uint8Array;
  readonly times: TranscriptTimes;
}

/** The chip's end of the line. */
export interface SerialPort {
  onTransmit: (byte: number) => void;
  onRxRoom: () => void;
  readonly rxRoom: number;
  receive(bytes: Uint8Array): number;
}

/** Default of {@link WaitOptions.timeoutMs}. */
export const DEFAULT_TIMEOUT_MS = 60_000;
/** Default of {@link IdleOptions.forMs}. */
const DEFAULT_IDLE_MS = 100;
/** A panicking kernel goes on to print where it was. */
const PANIC_REPORT_MS = 50;
/** The last line of a panic's report. */
const PANIC_REPORT_END = /---\[ end Kernel panic[^\n]*\n/;
const POWER_ON: Moment = { nowNs: 0, instructions: 0 };
const ENCODER = new TextEncoder();
/** Of a longer line the beginning is enough to see what it is. */
const MAX_LINE = 1024;
/** Beginning of the {@link Wait.condition} of waits that end in time. */
const TIMED = "for some time: ";
const KIND = "console";
const VERSION = 2;
const MAX_BYTES = 2 ** 31;
/** A byte's time takes 17 bytes at most (vmm/transcript_times.ts). */
const MAX_TIMES_BYTES = 2 ** 33;
const MAX_NAME = 32;

/** The machine's first serial port. */
export class Console {
  /** Lines after which there is nothing to wait for; all are looked for unless turned off. */
  readonly tripwires: Tripwires = new Tripwires();

  readonly #host: ConsoleHost;
  readonly #port: SerialPort;
  #transcript = new Transcript();
  readonly #input = new InputQueue();
  #sentBytes = 0;
  readonly #listeners = new Set<(byte: number) => void>();
  #wait: Wait | undefined;
  #tripped: Tripped | undefined;
  /** The last match: what trips within it was expected. */
  #matched = { start: 0, end: 0 };
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

  /**
   * When a byte of {@link rawTranscript} was printed.
   *
   * @throws {RangeError} if there is no such byte
   */
  printedAt(byte: number): Moment {
    return this.#transcript.times.at(byte);
  }

  /** The last lines printed. */
  lastLines(count: number): string[] {
    return this.#transcript.lastLines(count);
  }

  /** The last lines printed, with when each began. */
  lastTimedLines(count: number): TimedLine[] {
    return this.#transcript.lastTimedLines(count);
  }

  /** Lines printed from an offset in {@link transcript} on, with when each began; at most the last `atMost`. */
  timedLinesFrom(offset: number, atMost = Infinity): TimedLine[] {
    const { lineCount, length } = this.#transcript;
    if (offset >= length) return [];
    const first = Math.max(this.#transcript.lineOf(offset), lineCount - atMost);
    return this.#transcript.timedLines(first, lineCount).map((line, n) => {
      const before = n === 0 ? offset - this.#transcript.startOfLine(first) : 0;
      return before > 0 ? { ...line, text: line.text.slice(before) } : line;
    });
  }

  /** What tripped, if something did and nobody waited for it. */
  get tripped(): Tripped | undefined {
    return this.#tripped;
  }

  /** Offset in {@link transcript} of the line that announced a panic, if a kernel panicked. */
  get panicAt(): number | undefined {
    return this.#tripped?.name === "panic" ? this.#tripped.lineStart : undefined;
  }

  /** Forgets what tripped: it was expected. */
  acknowledgeTripped(): void {
    this.#tripped = undefined;
  }

  /** As {@link acknowledgeTripped}, for a panic. */
  acknowledgePanic(): void {
    if (this.panicAt !== undefined) this.acknowledgeTripped();
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
   * @throws {MachineError} with verdict `virtual-timeout`, `instruction-budget`, `wall-timeout`,
   * `deadlock`, `spin`, `trap-loop`, `panic`, `tripwire`, `finished`, or `unexpected` if `options.unless`
   * came first
   *
   * @example
   * ```ts ignore
   * const { groups } = await machine.console.expect(/(\d+) CPUs/, { timeoutMs: 5_000 });
   * await machine.console.expect("login: ", { unless: "Login incorrect" });
   * ```
   */
  async expect(pattern: string | RegExp, options: ExpectOptions = {}): Promise<ConsoleMatch> {
    const what = options.what ?? `console.expect(${describePattern(pattern)})`;
    checkPatterns(what, [pattern]);
    return await this.#await(
      new PatternSearch(this.#transcript, pattern),
      [pattern],
      describePattern(pattern),
      { ...options, what, site: noteCallSite() },
    );
  }

  /**
   * As {@link expect}, for the first of several patterns; the answer says which it was. Of those that
   * begin at one place, the first in the list counts.
   *
   * @example
   * ```ts ignore
   * const { which } = await machine.console.expectAny({ prompt: "~ # ", login: /login: $/ });
   * if (which === "login") machine.console.send("root\n");
   * const second = await machine.console.expectAny(["yes", "no"]); // second.which is 0 or 1
   * ```
   */
  async expectAny(
    patterns: readonly (string | RegExp)[],
    options?: ExpectOptions,
  ): Promise<AnyMatch>;
  async expectAny<Name extends string>(
    patterns: Readonly<Record<Name, string | RegExp>>,
    options?: ExpectOptions,
  ): Promise<AnyMatch<Name>>;
  async expectAny(
    patterns: readonly (string | RegExp)[] | Readonly<Record<string, string | RegExp>>,
    options: ExpectOptions = {},
  ): Promise<AnyMatch<string | number>> {
    const names: readonly (string | number)[] = Array.isArray(patterns)
      ? [...patterns.keys()]
      : Object.keys(patterns);
    const list: readonly (string | RegExp)[] = Object.values(patterns);
    const described = list.map(describePattern).join(", ");
    const what = options.what ?? `console.expectAny(${described})`;
    checkPatterns(what, list);
    const search = new AnySearch(
      list.map((pattern) => new PatternSearch(this.#transcript, pattern)),
    );
    const match = await this.#await(search, list, `any of ${described}`, {
      ...options,
      what,
      site: noteCallSite(),
    });
    return { ...match, which: names[search.index]! };
  }

  /**
   * As {@link expect}, for several patterns one after the other; `timeoutMs` is for all together.
   *
   * @example
   * ```ts ignore
   * const [cpus] = await machine.console.expectInOrder([/(\d+) CPUs/, "Run /init", "~ # "]);
   * ```
   */
  async expectInOrder(
    patterns: readonly (string | RegExp)[],
    options: ExpectOptions = {},
  ): Promise<ConsoleMatch[]> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, what = "console.expectInOrder" } = options;
    checkPatterns(what, patterns);
    checkTimeout(what, timeoutMs);
    const site = noteCallSite();
    const endNs = this.#nowNs + timeoutMs * 1e6;
    const matches: ConsoleMatch[] = [];
    for (const [index, pattern] of patterns.entries()) {
      const step = `${what}, ${index + 1} of ${patterns.length}: ${describePattern(pattern)}`;
      matches.push(
        await this.#await(
          new PatternSearch(this.#transcript, pattern),
          [pattern],
          describePattern(pattern),
          {
            ...options,
            // What is there already takes no time.
            timeoutMs: Math.max((endNs - this.#nowNs) / 1e6, 1e-6),
            what: step,
            site,
          },
        ),
      );
    }
    return matches;
  }

  /**
   * As {@link expect}, for a whole line: a text is all of it, a regular expression matches in it, with `^`
   * and `$` as its ends. The answer's `text` is the line. The machine stops on the line feed.
   *
   * @example
   * ```ts ignore
   * const { groups } = await machine.console.expectLine(/^MemTotal: +(\d+) kB$/);
   * ```
   */
  async expectLine(pattern: string | RegExp, options: ExpectOptions = {}): Promise<ConsoleMatch> {
    const what = options.what ?? `console.expectLine(${describePattern(pattern)})`;
    return await this.#await(
      new LineSearch(this.#transcript, pattern),
      [pattern],
      `line ${describePattern(pattern)}`,
      { ...options, what, site: noteCallSite() },
    );
  }

  /**
   * Runs the machine for some virtual time, in which `pattern` must not come. What was printed before and
   * not consumed counts; nothing is consumed.
   *
   * @throws {MachineError} with verdict `unexpected` on the byte that completes a match, or as
   * {@link expect}
   *
   * @example
   * ```ts ignore
   * await machine.console.never(/segfault/, { forMs: 500 });
   * ```
   */
  async never(pattern: string | RegExp, options: NeverOptions): Promise<void> {
    const { forMs, what = `console.never(${describePattern(pattern)})` } = options;
    checkPatterns(what, [pattern]);
    checkTimeout(what, forMs, "forMs");
    const search = new PatternSearch(this.#transcript, pattern);
    let found = search.find();
    const wait: Wait = {
      isDone: () => false,
      isRuledOut: () => (found ??= search.findNew()) !== undefined,
      timeoutMs: forMs,
      endsInTime: true,
      what,
      condition: `never ${
        describePattern(pattern)
      } for ${forMs} ms from ${this.#transcript.cursor}`,
      site: noteCallSite(),
    };
    if (found === undefined) await this.#host.runUntil(wait);
    if (found === undefined) return;
    await this.#host.settle?.();
    throw this.#host.failure("unexpected", `${what}: ${JSON.stringify(found.text)} came`, wait);
  }

  /**
   * Runs the machine until nothing was printed for some virtual time, or every hart waits and nothing is
   * scheduled. Returns what was printed meanwhile; it is not consumed.
   *
   * @throws {MachineError} with verdict `virtual-timeout` if it keeps on printing, or as {@link expect}
   *
   * @example
   * ```ts ignore
   * await machine.console.idle({ forMs: 200 });
   * const banner = machine.console.drain();
   * ```
   */
  async idle(options: IdleOptions = {}): Promise<string> {
    const { forMs = DEFAULT_IDLE_MS, timeoutMs = DEFAULT_TIMEOUT_MS, what = "console.idle" } =
      options;
    checkTimeout(what, forMs, "forMs");
    checkTimeout(what, timeoutMs);
    const site = noteCallSite();
    const start = this.#transcript.length;
    const endNs = this.#nowNs + timeoutMs * 1e6;
    let quietFromNs = this.#nowNs;
    while (true) {
      const printedBefore = this.printedBytes;
      const untilNs = Math.min(quietFromNs + forMs * 1e6, endNs);
      const wait: Wait = {
        isDone: () => false,
        isRuledOut: () => false,
        timeoutMs: Math.max((untilNs - this.#nowNs) / 1e6, 1e-6),
        endsInTime: true,
        what,
        condition: `${TIMED}idle to ${untilNs}`,
        site,
      };
      await this.#host.runUntil(wait);
      if (this.printedBytes === printedBefore) return this.#transcript.slice(start);
      quietFromNs = this.printedAt(this.printedBytes - 1).nowNs;
      if (this.#nowNs < endNs) continue;
      throw this.#host.failure(
        "virtual-timeout",
        `${what}: it was never quiet for ${forMs} ms within ${timeoutMs} ms of virtual time`,
        wait,
      );
    }
  }

  /**
   * Waits for a kernel's panic, which is no failure then, and lets the kernel finish its report.
   *
   * @throws {MachineError} if something else comes first, or nothing
   *
   * @example
   * ```ts ignore
   * machine.console.send("echo c > /proc/sysrq-trigger\n");
   * const { whose, reason } = await machine.console.expectPanic();
   * ```
   */
  async expectPanic(options: WaitOptions = {}): Promise<ExpectedPanic> {
    const { start } = await this.#expectTripped("panic", {
      what: "console.expectPanic",
      ...options,
      site: noteCallSite(),
    });
    const search = new PatternSearch(this.#transcript, PANIC_REPORT_END);
    let end = search.find();
    if (end === undefined) {
      await this.#host.runUntil({
        isDone: () => (end ??= search.findNew()) !== undefined,
        isRuledOut: () => false,
        timeoutMs: PANIC_REPORT_MS,
        endsInTime: true,
        what: "the panic's report",
        condition: `${TIMED}report from ${this.#transcript.cursor}`,
      });
    }
    return {
      ...readPanicReport(this.transcript, start),
      report: this.#transcript.slice(start),
    };
  }

  /**
   * Waits for a line that trips a tripwire, which is no failure then. Returns the line.
   *
   * @throws {TypeError} if there is no such tripwire
   * @throws {MachineError} if something else comes first, or nothing
   *
   * @example
   * ```ts ignore
   * await machine.console.expectTripwire("oops");
   * ```
   */
  async expectTripwire(name: TripwireName, options: WaitOptions = {}): Promise<ConsoleMatch> {
    if (!isTripwireName(name)) this.tripwires.enable(name); // which says what there is
    const { match } = await this.#expectTripped(name, {
      what: `console.expectTripwire(${JSON.stringify(name)})`,
      ...options,
      site: noteCallSite(),
    });
    return match;
  }

  async #expectTripped(
    name: TripwireName,
    options: WaitOptions & { what: string; site: CallSite },
  ): Promise<{ match: ConsoleMatch; start: number }> {
    const pattern = tripwirePattern(name);
    const match = await this.#await(
      new LineSearch(this.#transcript, pattern),
      [pattern],
      `line ${describePattern(pattern)}`,
      options,
    );
    return { match, start: this.#matched.start };
  }

  async #await(
    search: Search,
    patterns: readonly (string | RegExp)[],
    condition: string,
    options: ExpectOptions & { what: string; site: CallSite },
  ): Promise<ConsoleMatch> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, instructions, wallMs, unless, what, site } = options;
    const transcript = this.#transcript;
    let match = search.find();
    const obstacles = unless === undefined ? undefined : new PatternSearch(transcript, unless);
    let obstacle = obstacles?.find();
    const wait: Wait = {
      isDone: () => (match ??= search.findNew()) !== undefined,
      isRuledOut: () => (obstacle ??= obstacles?.findNew()) !== undefined,
      timeoutMs,
      instructions,
      wallMs,
      what,
      // What an expectation finds depends on what those before have consumed.
      condition: `${condition} unless ${describePattern(unless ?? "")} from ${transcript.cursor}`,
      patterns,
      from: transcript.cursor,
      site,
    };
    if (match === undefined && obstacle === undefined) await this.#host.runUntil(wait);
    if (match !== undefined && !isBefore(obstacle, match)) return this.#consume(match);
    await this.#host.settle?.();
    throw this.#host.failure(
      options.unlessVerdict ?? "unexpected",
      `${what}: ${JSON.stringify(obstacle!.text)} came first`,
      wait,
    );
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
  play(printed: RecordedOutput, end: number, isOver?: () => boolean): void {
    const { bytes, times } = printed;
    while (this.printedBytes < end) {
      const at = this.printedBytes;
      const part = bytes.subarray(at, isOver === undefined ? end : at + 1);
      this.#took(part, this.#transcript.appendAll(part, times, at));
      if (isOver?.()) return;
    }
  }

  /** @internal What a saved console had printed; the same object each time, as it is read on and on. */
  static recordedIn(state: SavedState): RecordedOutput {
    let recorded = recordings.get(state);
    if (recorded === undefined) {
      const bytes = state.fields["transcript"] as Uint8Array;
      const times = TranscriptTimes.open(state.fields["times"] as Uint8Array, bytes.length);
      recordings.set(state, recorded = { bytes, times });
    }
    return recorded;
  }

  /**
   * @internal The machine is now where it had printed less than the transcript has, which came from a
   * recording: what it prints up to there is not news, and it stops there. Input is what it was then.
   */
  skipPrinted(base: SavedState | undefined): void {
    const printed = base === undefined ? 0 : (base.fields["transcript"] as Uint8Array).length;
    this.#input.clear();
    if (base !== undefined) this.#input.push(base.fields["input"] as Uint8Array);
    this.#skipBytes = this.printedBytes - printed;
  }

  /** @internal Whether the machine has still to print what the transcript has. */
  get isSkipping(): boolean {
    return this.#skipBytes > 0;
  }

  /** @internal Gives the machine input that was sent before. */
  sendAgain(bytes: Uint8Array): void {
    this.#input.push(bytes);
    this.#feed();
  }

  /** @internal For a snapshot: the transcript, what was consumed, and the input that the guest has not taken. */
  save(): SavedState {
    return {
      kind: KIND,
      version: VERSION,
      fields: {
        transcript: this.#transcript.raw,
        times: this.#transcript.times.save(),
        cursor: this.#transcript.cursor,
        matchStart: this.#matched.start,
        matchEnd: this.#matched.end,
        input: this.#input.toBytes(),
        sentBytes: this.#sentBytes,
        tripwire: this.#tripped?.name ?? "",
        trippedAt: this.#tripped?.start ?? 0,
        trippedLine: this.#tripped?.lineStart ?? 0,
        trippedText: this.#tripped?.text ?? "",
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
    const times = openTimes(fields, raw.length);
    const cursor = fields.integer("cursor", raw.length);
    const matchStart = fields.integer("matchStart", raw.length);
    const matchEnd = fields.integer("matchEnd", raw.length);
    const input = fields.bytes("input", { atMost: MAX_BYTES });
    const sentBytes = fields.integer("sentBytes", Number.MAX_SAFE_INTEGER);
    const name = fields.text("tripwire", MAX_NAME);
    const start = fields.integer("trippedAt", raw.length);
    const lineStart = fields.integer("trippedLine", raw.length);
    const text = fields.text("trippedText", MAX_LINE);
    let tripped: Tripped | undefined;
    if (isTripwireName(name)) tripped = { name, start, lineStart, text };
    else if (name !== "") fields.reject("tripwire", `is ${JSON.stringify(name)}, which is none`);
    fields.finish();
    const transcript = new Transcript();
    transcript.restore(raw, times, cursor);
    return () => {
      this.#transcript = transcript;
      this.#input.clear();
      this.#input.push(input);
      this.#skipBytes = 0;
      this.#sentBytes = sentBytes;
      this.#tripped = tripped;
      this.#matched = { start: matchStart, end: matchEnd };
      this.#lineStart = transcript.startOfLine(transcript.lineCount - 1);
      this.#line = transcript.slice(this.#lineStart, this.#lineStart + MAX_LINE);
    };
  }

  /** @internal The machine is to stop on the byte that ends this wait. */
  await(wait: Wait | undefined): void {
    this.#wait = wait;
  }

  #received(byte: number): void {
    if (this.#skipBytes === 0) {
      this.#took(Uint8Array.of(byte), this.#transcript.append(byte, this.#host.now?.()));
      if (this.#wait?.isDone() || this.#wait?.isRuledOut()) this.#host.stop();
    } else if (--this.#skipBytes === 0) this.#host.stop();
  }

  /** Bytes came, which added this to the text. */
  #took(bytes: Uint8Array, added: string): void {
    const start = this.#transcript.length - added.length;
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
    if (this.#tripped?.name === "panic") return;
    const line = this.#line.slice(0, MAX_LINE);
    const tripped = this.tripwires.look(line, this.#lineStart);
    // What follows on the first is part of its report, but for the panic that it may lead to.
    if (tripped === undefined || (this.#tripped !== undefined && tripped.name !== "panic")) return;
    if (this.#isExpected(tripped)) return;
    this.#tripped = tripped;
    this.#host.stop();
  }

  #consume(match: Found): ConsoleMatch {
    this.#matched = { start: match.start, end: match.end ?? match.start + match.text.length };
    if (this.#tripped !== undefined && this.#isExpected(this.#tripped)) this.acknowledgeTripped();
    return this.#transcript.consume(match);
  }

  /** Who waits for what trips is not told of it as of a failure. */
  #isExpected({ start, text }: Tripped): boolean {
    return start < this.#matched.end && start + text.length > this.#matched.start;
  }

  get #nowNs(): number {
    return (this.#host.now?.() ?? POWER_ON).nowNs;
  }

  #feed(): void {
    const room = this.#port.rxRoom;
    if (room === 0 || this.#input.length === 0) return;
    this.#input.drop(this.#port.receive(this.#input.peek(room)));
  }
}

/** @internal Whether a recorded wait was for some time, and not for output alone. */
export function endsWithTime(condition: string): boolean {
  return condition.startsWith(TIMED);
}

const recordings = new WeakMap<SavedState, RecordedOutput>();

function openTimes(fields: StateFields, bytes: number): TranscriptTimes {
  const stream = fields.bytes("times", { atMost: MAX_TIMES_BYTES });
  try {
    return TranscriptTimes.open(stream, bytes);
  } catch (error) {
    return fields.reject("times", `is malformed: ${(error as Error).message}`);
  }
}

function describePattern(pattern: string | RegExp): string {
  return pattern instanceof RegExp ? String(pattern) : JSON.stringify(pattern);
}

function checkPatterns(what: string, patterns: readonly (string | RegExp)[]): void {
  if (patterns.length === 0) throw new TypeError(`${what}: give at least one pattern`);
  for (const pattern of patterns) {
    if (pattern === "") throw new TypeError(`${what}: would match without any output`);
    if (typeof pattern === "string" || pattern instanceof RegExp) continue;
    throw new TypeError(`${what}: a pattern is a text or a regular expression, not ${pattern}`);
  }
}

function checkTimeout(what: string, timeoutMs: number, name = "timeoutMs"): void {
  if (timeoutMs > 0) return;
  throw new RangeError(`${what}: ${name} ${timeoutMs} is no positive number`);
}

function isBefore(obstacle: Found | undefined, match: Found): boolean {
  return obstacle !== undefined && obstacle.start < match.start;
}
