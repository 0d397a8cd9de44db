/**
 * The escape key of an interactive machine: Ctrl-A and a letter, as QEMU and lkvm have it.
 *
 * @module
 */

const CTRL_A = 0x01;
const ACTIONS: ReadonlyMap<number, EscapeAction> = new Map([
  ["x".charCodeAt(0), "leave"],
  ["h".charCodeAt(0), "help"],
  ["?".charCodeAt(0), "help"],
]);

/** What the user asks of the program, not of the guest. */
export type EscapeAction = "leave" | "help";

/** Typed bytes, sorted. */
export interface Typed {
  /** What the guest gets. */
  readonly send: Uint8Array;
  /** What the program is to do, in order. */
  readonly actions: readonly EscapeAction[];
}

/** What Ctrl-A h prints. */
export const ESCAPE_HELP = `
Ctrl-A x       end the machine
Ctrl-A Ctrl-A  send one Ctrl-A to the machine
Ctrl-A h       this help
`;

/**
 * Sorts what is typed into what the guest gets and what the program does. Ctrl-A with a key that has
 * no meaning is dropped with it; the two keys may come in different reads.
 */
export class EscapeKey {
  #escaped = false;

  feed(bytes: Uint8Array): Typed {
    const send: number[] = [];
    const actions: EscapeAction[] = [];
    for (const byte of bytes) {
      if (this.#escaped) {
        this.#escaped = false;
        const action = ACTIONS.get(byte);
        if (action !== undefined) actions.push(action);
        else if (byte === CTRL_A) send.push(byte);
      } else if (byte === CTRL_A) this.#escaped = true;
      else send.push(byte);
    }
    return { send: Uint8Array.from(send), actions };
  }
}
