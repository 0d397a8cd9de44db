/**
 * Standard input for a machine: a terminal in raw mode with an escape key, or a pipe whose every byte
 * goes to the guest.
 *
 * A reader waits for input all the time; what it got lies ready in {@link Terminal.take}. It reads on
 * only when that was taken, so that a large file does not pile up.
 *
 * @module
 */

import { ESCAPE_HELP, type EscapeAction, EscapeKey } from "./escape_key.ts";

const READ_BYTES = 4096;

/** Where input comes from: `Deno.stdin`, or what a test puts there. */
export interface InputSource {
  read(buffer: Uint8Array): Promise<number | null>;
  isTerminal(): boolean;
  setRaw(raw: boolean): void;
}

/** The user's side of an interactive machine. */
export class Terminal implements Disposable {
  readonly #source: InputSource;
  readonly #escape: EscapeKey | undefined;
  readonly #say: (text: string) => void;
  #ready: Uint8Array | undefined;
  #taken: (() => void) | undefined;
  #wake: (() => void) | undefined;
  #leaves = false;
  #closed = false;

  /**
   * Starts to read; a terminal goes into raw mode until {@link Terminal.restore}.
   *
   * @param say prints help to the user
   */
  constructor(source: InputSource, say: (text: string) => void) {
    this.#source = source;
    this.#say = say;
    if (source.isTerminal()) {
      this.#escape = new EscapeKey();
      source.setRaw(true);
    }
    this.#readOn();
  }

  /** Whether a person sits at it. */
  get isTerminal(): boolean {
    return this.#escape !== undefined;
  }

  /** Whether the user pressed Ctrl-A x. */
  get leaves(): boolean {
    return this.#leaves;
  }

  /** What was typed for the guest since the last call. */
  take(): Uint8Array {
    const ready = this.#ready ?? new Uint8Array(0);
    this.#ready = undefined;
    this.#taken?.();
    return ready;
  }

  /**
   * Comes back after so many milliseconds, or at {@link Terminal.wake}, or as soon as there is input if
   * that is wanted.
   */
  async wait(ms: number, untilInput = true): Promise<void> {
    if ((untilInput && this.#ready !== undefined) || this.#leaves) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve; // first: Deno may let the reader go on within setTimeout
    const timer = setTimeout(resolve, ms);
    await promise;
    clearTimeout(timer);
    this.#wake = undefined;
  }

  /** Ends a {@link Terminal.wait}. */
  wake(): void {
    this.#wake?.();
  }

  /** Gives the terminal back as it was. Harmless when repeated. */
  restore(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#taken?.();
    if (this.#escape !== undefined) this.#source.setRaw(false);
  }

  /** As {@link Terminal.restore}. */
  [Symbol.dispose](): void {
    this.restore();
  }

  async #readOn(): Promise<void> {
    const buffer = new Uint8Array(READ_BYTES);
    while (!this.#closed) {
      let length: number | null;
      try {
        length = await this.#source.read(buffer);
      } catch {
        length = null; // closed, or no stdin at all: as its end
      }
      if (length === null) return;
      const bytes = buffer.slice(0, length);
      if (this.#escape === undefined) await this.#offer(bytes);
      else {
        const { send, actions } = this.#escape.feed(bytes);
        actions.forEach((action) => this.#act(action));
        if (send.length > 0) await this.#offer(send);
      }
    }
  }

  #act(action: EscapeAction): void {
    if (action === "help") return this.#say(ESCAPE_HELP);
    this.#leaves = true;
    this.wake();
  }

  /** Lays out input until it is taken. */
  async #offer(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    this.#ready = bytes;
    this.wake();
    await new Promise<void>((resolve) => this.#taken = resolve);
    this.#taken = undefined;
  }
}
