/**
 * The serial console of a machine: expectations on what it prints, and input.
 *
 * Guest to host: the UART hands over each byte, the {@link Transcript} keeps it, and a waiting
 * expectation is tried at once, so that the machine stops on the byte that completes a match. Host to
 * guest: bytes wait in a queue until the UART's receiver has room; none is lost.
 *
 * @module
 */

import type { Uart16550 } from "../devices/uart16550.ts";
import { type ConsoleMatch, Transcript } from "./transcript.ts";

/** Options of {@link Console.expect}. */
export interface ExpectOptions {
  /** How long to wait, in milliseconds of virtual time. Default 60,000. */
  readonly timeoutMs?: number;
}

/** What a console needs of its machine. */
export interface ConsoleHost {
  /**
   * Runs the machine until `isDone` says so after a byte; throws a `MachineError` if that cannot be.
   * `describe` says what was waited for.
   */
  runUntil(isDone: () => boolean, timeoutMs: number, describe: string): Promise<void>;
  /** Ends the machine's run at the present instruction. */
  stop(): void;
}

/** Default of {@link ExpectOptions.timeoutMs}. */
export const DEFAULT_TIMEOUT_MS = 60_000;
const ENCODER = new TextEncoder();

/** A kernel's last words, and what tells whose they are. */
const PANIC = /Kernel panic - not syncing: [^\n]*\n/;

/** The machine's first serial port. */
export class Console {
  readonly #host: ConsoleHost;
  readonly #uart: Uart16550;
  readonly #transcript = new Transcript();
  readonly #input: number[] = [];
  readonly #listeners = new Set<(byte: number) => void>();
  #awaited: (() => boolean) | undefined;
  #panicAt: number | undefined;
  #line = "";

  /** @internal Made by the machine. */
  constructor(host: ConsoleHost, uart: Uart16550) {
    this.#host = host;
    this.#uart = uart;
    uart.onTransmit = (byte) => this.#received(byte);
    uart.onRxRoom = () => this.#feed();
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
   * A match spans at most 4,096 characters.
   *
   * @throws {MachineError} with verdict `virtual-timeout`, `deadlock`, `panic` or `finished`
   *
   * @example
   * ```ts ignore
   * const { groups } = await machine.console.expect(/(\d+) CPUs/, { timeoutMs: 5_000 });
   * ```
   */
  async expect(pattern: string | RegExp, options: ExpectOptions = {}): Promise<ConsoleMatch> {
    const present = this.#transcript.consumeAnywhere(pattern);
    if (present !== undefined) return present;
    let match: ConsoleMatch | undefined;
    await this.#host.runUntil(
      () => (match ??= this.#transcript.consume(pattern)) !== undefined,
      options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      `console.expect(${pattern instanceof RegExp ? pattern : JSON.stringify(pattern)})`,
    );
    return match!;
  }

  /** Sends text to the guest as if typed; returns at once, the machine takes it as it runs. */
  send(text: string | Uint8Array): void {
    const bytes = typeof text === "string" ? ENCODER.encode(text) : text;
    for (const byte of bytes) this.#input.push(byte);
    this.#feed();
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

  /** @internal The machine waits for `isDone`, tried after each byte. */
  await(isDone: (() => boolean) | undefined): void {
    this.#awaited = isDone;
  }

  #received(byte: number): void {
    const added = this.#transcript.append(byte);
    for (const listener of this.#listeners) listener(byte);
    this.#line += added;
    if (added.endsWith("\n")) {
      if (this.#panicAt === undefined && PANIC.test(this.#line)) {
        this.#panicAt = this.#transcript.length - this.#line.length;
        this.#host.stop();
      }
      this.#line = "";
    }
    if (this.#awaited?.()) this.#host.stop();
  }

  #feed(): void {
    const room = this.#uart.rxRoom;
    if (room === 0 || this.#input.length === 0) return;
    const taken = this.#uart.receive(Uint8Array.from(this.#input.slice(0, room)));
    this.#input.splice(0, taken);
  }
}
