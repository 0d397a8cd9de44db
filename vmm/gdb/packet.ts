/**
 * Packets of gdb's remote serial protocol: `$payload#checksum`, acknowledged by `+` or refused by `-`,
 * and the byte 3 outside of packets, which is Ctrl-C (gdb manual, appendix E.1).
 *
 * Payloads are strings of one character a byte, as most of the protocol is text and the rest is bytes.
 *
 * @module
 */

/** Longest payload that is taken, as told to the client (`PacketSize`). */
export const MAX_PAYLOAD_BYTES = 0x4000;

const START = 0x24; // $
const END = 0x23; // #
const ESCAPE = 0x7d; // }
const REPEAT = 0x2a; // *
const ESCAPE_FLIP = 0x20;
const ACKNOWLEDGE = 0x2b; // +
const REFUSE = 0x2d; // -
const CTRL_C = 0x03;

/** What comes from a client. */
export type Incoming =
  | { readonly type: "packet"; readonly payload: string }
  /** The checksum is wrong. */
  | { readonly type: "damaged" }
  /** The payload is longer than was agreed. */
  | { readonly type: "too-long" }
  | { readonly type: "acknowledged" }
  | { readonly type: "refused" }
  | { readonly type: "interrupt" };

/** Finds packets in a stream of bytes, however it is cut. */
export class PacketReader {
  #state: "outside" | "payload" | "checksum" = "outside";
  #payload: number[] = [];
  #sum = 0;
  #digits = "";
  #isTooLong = false;

  /** Takes bytes; answers what has come to its end with them. */
  read(bytes: Uint8Array): Incoming[] {
    const found: Incoming[] = [];
    for (const byte of bytes) {
      const incoming = this.#take(byte);
      if (incoming !== undefined) found.push(incoming);
    }
    return found;
  }

  #take(byte: number): Incoming | undefined {
    if (this.#state === "checksum") {
      this.#digits += String.fromCharCode(byte);
      return this.#digits.length < 2 ? undefined : this.#finish();
    }
    if (byte === START) {
      // In a payload it is escaped: whatever was before it is a packet that was broken off.
      this.#state = "payload";
      this.#payload = [];
      this.#sum = 0;
      this.#isTooLong = false;
      return undefined;
    }
    if (this.#state === "outside") return SINGLE_BYTES.get(byte);
    if (byte === END) {
      this.#state = "checksum";
      this.#digits = "";
      return undefined;
    }
    this.#sum = (this.#sum + byte) & 0xff;
    // Twice as much, for every byte may be escaped.
    if (this.#payload.length < 2 * MAX_PAYLOAD_BYTES) this.#payload.push(byte);
    else this.#isTooLong = true;
    return undefined;
  }

  #finish(): Incoming {
    this.#state = "outside";
    const payload = unescape(this.#payload);
    this.#payload = [];
    if (!/^[0-9a-f]{2}$/i.test(this.#digits) || parseInt(this.#digits, 16) !== this.#sum) {
      return { type: "damaged" };
    }
    if (this.#isTooLong || payload.length > MAX_PAYLOAD_BYTES) return { type: "too-long" };
    return { type: "packet", payload };
  }
}

const SINGLE_BYTES: ReadonlyMap<number, Incoming> = new Map([
  [ACKNOWLEDGE, { type: "acknowledged" }],
  [REFUSE, { type: "refused" }],
  [CTRL_C, { type: "interrupt" }],
]);

function unescape(bytes: readonly number[]): string {
  let text = "";
  for (let n = 0; n < bytes.length; n++) {
    const byte = bytes[n]!;
    text += String.fromCharCode(byte === ESCAPE ? (bytes[++n] ?? 0) ^ ESCAPE_FLIP : byte);
  }
  return text;
}

/** A payload as it goes over the line. */
export function packet(payload: string): Uint8Array<ArrayBuffer> {
  const bytes = [START];
  let sum = 0;
  const add = (byte: number) => {
    bytes.push(byte);
    sum = (sum + byte) & 0xff;
  };
  for (let n = 0; n < payload.length; n++) {
    const byte = payload.charCodeAt(n) & 0xff;
    if (byte === START || byte === END || byte === ESCAPE || byte === REPEAT) {
      add(ESCAPE);
      add(byte ^ ESCAPE_FLIP);
    } else add(byte);
  }
  const checksum = sum.toString(16).padStart(2, "0");
  return Uint8Array.from([...bytes, END, checksum.charCodeAt(0), checksum.charCodeAt(1)]);
}

/** The answer to a packet that came whole. */
export const ACKNOWLEDGEMENT: Uint8Array<ArrayBuffer> = Uint8Array.of(ACKNOWLEDGE);
/** The answer to a damaged one: it is to be sent again. */
export const REFUSAL: Uint8Array<ArrayBuffer> = Uint8Array.of(REFUSE);
