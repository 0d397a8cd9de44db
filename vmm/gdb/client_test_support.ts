/**
 * A client of the remote protocol for tests, and a machine for it.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { reg } from "../../core/conformance/assembler.ts";
import { type Program, RAM } from "../../core/testing/bare_program.ts";
import type { Machine } from "../machine.ts";
import type { MachineOptions } from "../machine_options.ts";
import { bareMachine } from "../machine_test_support.ts";
import type { DebugOptions } from "./debuggee.ts";
import { formatValue, parseBytes, valueOf } from "./hex.ts";
import { type Incoming, packet, PacketReader } from "./packet.ts";
import { GdbSession } from "./session.ts";

/** Where the counting program keeps its count. */
export const COUNTER = RAM + 0x8000;

/** Addresses in the counting program, from the first instruction of its loop on. */
export const LOOP = { add: 0, store: 4, load: 8, jump: 12 } as const;

/** Counts for ever in a0, by way of memory; `loop` is the first of four instructions of 4 bytes. */
export function counting(program: Program): void {
  program.constant(reg.s0, BigInt(COUNTER)).op("addi", reg.a0, 0, 0).label("loop")
    .op("addi", reg.a0, reg.a0, 1)
    .op("sd", reg.a0, 0, reg.s0)
    .op("ld", reg.a1, 0, reg.s0)
    .jump("loop");
}

/** A machine with the counting program, and where its loop is. */
export async function countingMachine(
  options: MachineOptions = {},
): Promise<{ machine: Machine; loop: number }> {
  let loop = 0;
  const machine = await bareMachine((program) => {
    counting(program);
    loop = program.addressOf("loop");
  }, options);
  return { machine, loop };
}

/** Sends packets and reads what comes back. */
export class TestClient {
  readonly session: GdbSession;
  /** Everything that came, in order. */
  readonly incoming: Incoming[] = [];
  readonly #reader = new PacketReader();

  constructor(machine: Machine, options?: DebugOptions) {
    this.session = new GdbSession(
      machine,
      (bytes) => this.incoming.push(...this.#reader.read(bytes)),
      options,
    );
  }

  /** Sends bytes; answers the payloads of the packets that came for them. */
  async send(bytes: Uint8Array): Promise<string[]> {
    const before = this.incoming.length;
    await this.session.receive(bytes);
    return this.incoming.slice(before).flatMap((each) =>
      each.type === "packet" ? [each.payload] : []
    );
  }

  /** Sends a packet; answers its one reply. */
  async ask(payload: string): Promise<string> {
    const replies = await this.send(packet(payload));
    assertEquals(replies.length, 1, `replies to ${payload}: ${JSON.stringify(replies)}`);
    return replies[0]!;
  }

  /** Value of a register. */
  async register(number: number): Promise<bigint> {
    return valueOf(parseBytes(await this.ask(`p${number.toString(16)}`))!);
  }

  /** Writes a register of 8 bytes. */
  async setRegister(number: number, value: bigint): Promise<string> {
    return await this.ask(`P${number.toString(16)}=${formatValue(value, 8)}`);
  }

  /** Runs a monitor command; answers what it prints. */
  async monitor(command: string): Promise<string> {
    const hex = [...new TextEncoder().encode(command)].map((byte) =>
      byte.toString(16).padStart(2, "0")
    ).join("");
    const replies = await this.send(packet(`qRcmd,${hex}`));
    assertEquals(replies.at(-1), "OK");
    const printed = replies.slice(0, -1).map((reply) => reply.slice(1)).join("");
    return new TextDecoder().decode(parseBytes(printed)!).trimEnd();
  }
}

/** Ctrl-C. */
export const CTRL_C: Uint8Array<ArrayBuffer> = Uint8Array.of(3);
/** Number of `pc`. */
export const PC = 32;
