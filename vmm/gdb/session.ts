/**
 * One client of gdb's remote protocol: bytes in, bytes out. Where they come from and go to is no concern
 * of this file.
 *
 * ```text
 *   receive(bytes) -> PacketReader -> queue -> execute (commands.ts) -> send(bytes)
 *                          | Ctrl-C
 *                          +--------> Debuggee.interrupt
 * ```
 *
 * @module
 */

import type { Machine } from "../machine.ts";
import { type Client, execute } from "./commands.ts";
import { Debuggee, type DebugOptions } from "./debuggee.ts";
import { formatBytes } from "./hex.ts";
import {
  ACKNOWLEDGEMENT,
  type Incoming,
  MAX_PAYLOAD_BYTES,
  packet,
  PacketReader,
  REFUSAL,
} from "./packet.ts";
import { FAILED, MALFORMED } from "./reply.ts";

/** How a session came to its end. */
export type SessionEnd =
  /** The machine stands where it stood. */
  | "detached"
  /** The machine is closed. */
  | "killed"
  /** The client sent more than it waits for answers to. */
  | "flooded";

/** A client waits for each answer, so that there is hardly ever more than one. */
const MOST_QUEUED = 256;
/** A line that loses every packet is no line. */
const MOST_REPEATS = 8;
/** Two digits a byte, behind an `O`. */
const MOST_PRINTED_BYTES = MAX_PAYLOAD_BYTES / 2 - 1;

/**
 * A session of the remote protocol with one machine, which nobody else is to run meanwhile.
 *
 * @example
 * ```ts ignore
 * const session = new GdbSession(machine, (bytes) => socket.write(bytes));
 * for await (const bytes of socket.readable) session.receive(bytes);
 * ```
 */
export class GdbSession {
  readonly #debuggee: Debuggee;
  readonly #send: (bytes: Uint8Array<ArrayBuffer>) => void;
  readonly #reader = new PacketReader();
  readonly #client: Client;
  readonly #queue: string[] = [];
  #work: Promise<void> | undefined;
  #acknowledges = true;
  /** Acknowledgements end with the answer that says so. */
  #lastAcknowledged = false;
  #lastSent: Uint8Array<ArrayBuffer> | undefined;
  #repeats = 0;
  #end: SessionEnd | undefined;

  /**
   * @param send takes what goes to the client
   * @throws {TypeError} if the machine is closed
   * @throws {RangeError} if an option is out of range
   */
  constructor(
    machine: Machine,
    send: (bytes: Uint8Array<ArrayBuffer>) => void,
    options: DebugOptions = {},
  ) {
    this.#debuggee = new Debuggee(machine, options);
    this.#send = send;
    this.#client = {
      debuggee: this.#debuggee,
      leaveOutAcknowledgements: () => {
        this.#lastAcknowledged = true;
      },
      print: (text) => this.#print(text),
      end: (how) => {
        this.#end ??= how;
      },
    };
  }

  /** How the session ended, if it did; what still comes from the client is nothing to it. */
  get end(): SessionEnd | undefined {
    return this.#end;
  }

  /** Takes bytes of the client; the answer comes when all that was complete is answered. Never rejects. */
  receive(bytes: Uint8Array): Promise<void> {
    for (const incoming of this.#reader.read(bytes)) this.#take(incoming);
    return this.#work ?? Promise.resolve();
  }

  /** The client is gone: whatever runs for it stops. */
  close(): Promise<void> {
    this.#end ??= "detached";
    this.#queue.length = 0;
    this.#debuggee.breakpoints.clear();
    this.#debuggee.interrupt();
    return this.#work ?? Promise.resolve();
  }

  #take(incoming: Incoming): void {
    if (this.#end !== undefined) return;
    switch (incoming.type) {
      case "interrupt":
        // While nothing runs and nothing is about to, there is nothing to stop.
        if (this.#work !== undefined) this.#debuggee.interrupt();
        break;
      case "refused":
        this.#sendAgain();
        break;
      case "damaged":
        if (this.#acknowledges) this.#send(REFUSAL);
        break;
      case "too-long":
        if (this.#acknowledges) this.#send(ACKNOWLEDGEMENT);
        this.#answer(MALFORMED);
        break;
      case "packet":
        if (this.#acknowledges) this.#send(ACKNOWLEDGEMENT);
        this.#enqueue(incoming.payload);
    }
  }

  #sendAgain(): void {
    if (!this.#acknowledges || this.#lastSent === undefined) return;
    if (this.#repeats++ < MOST_REPEATS) this.#send(this.#lastSent);
  }

  #enqueue(payload: string): void {
    if (this.#queue.length >= MOST_QUEUED) {
      this.#end = "flooded";
      this.#queue.length = 0;
      this.#debuggee.interrupt();
      return;
    }
    this.#queue.push(payload);
    this.#work ??= this.#workOff();
  }

  async #workOff(): Promise<void> {
    // Not at once: receive is to have the promise first.
    await Promise.resolve();
    for (
      let payload = this.#queue.shift();
      payload !== undefined && this.#end === undefined;
      payload = this.#queue.shift()
    ) {
      const reply = await this.#execute(payload);
      if (reply !== undefined) this.#answer(reply);
      if (this.#lastAcknowledged) this.#acknowledges = false;
    }
    this.#work = undefined;
    if (this.#end === "killed") this.#debuggee.machine.close();
  }

  /** Nothing that a client sends is to end the process that the machine lives in. */
  async #execute(payload: string): Promise<string | undefined> {
    try {
      return await execute(this.#client, payload);
    } catch {
      return FAILED; // the machine was closed by others, say
    }
  }

  #answer(payload: string): void {
    this.#lastSent = packet(payload);
    this.#repeats = 0;
    this.#send(this.#lastSent);
  }

  #print(text: string): void {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length; at += MOST_PRINTED_BYTES) {
      const piece = bytes.subarray(at, at + MOST_PRINTED_BYTES);
      this.#send(packet(`O${formatBytes(piece)}`));
    }
  }
}
