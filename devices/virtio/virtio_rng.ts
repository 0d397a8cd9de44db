/**
 * The virtio entropy device (virtio 1.2, 5.4), with bytes that a seed determines: equal machines read
 * equal bytes, and a machine that was given another seed reads others. It is no source of secrets.
 *
 * Drivers fetch ahead: Linux asks again as soon as it has used up an answer, and what it got that way
 * before a snapshot it uses after it, whatever the seed is then. So that this is little, requests are
 * answered by turns with one byte and with all but one, which is for a driver to accept (5.4.6.2): who
 * reads /dev/hwrng, 64 bytes at a time and a request, leaves one byte behind.
 *
 * @module
 */

import type { SavedState } from "../../core/device.ts";
import type { StateFields } from "../../core/state_fields.ts";
import type { VirtioBackend, VirtioPort } from "./backend.ts";
import { CHACHA20_BLOCK_BYTES, CHACHA20_KEY_WORDS, chacha20Block } from "./chacha20.ts";

/** A request gets at most so much, so that no driver can ask for minutes of work (5.4.6.2). */
const MAX_REQUEST_BYTES = 4096;
const QUEUE_SIZE = 8;

/** The entropy source behind a virtio transport. */
export class VirtioRng implements VirtioBackend {
  readonly kind = "virtio_rng";
  readonly deviceId = 4;
  readonly features = 0n;
  readonly queueSizes: readonly number[] = [QUEUE_SIZE];
  #port!: VirtioPort;
  #seed = 0n;
  #key: Uint32Array = keyOf(0n);
  /** How many bytes of the stream were handed out. */
  #position = 0;
  /** Whether the next answer is one byte. */
  #isShortNext = true;

  /** Begins the stream of a seed: any integer, of which the low 64 bits count. */
  reseed(seed: number | bigint): void {
    this.#setStream(BigInt.asUintN(64, BigInt(seed)), 0);
  }

  connect(port: VirtioPort): void {
    this.#port = port;
  }

  notified(queue: number): void {
    for (const chain of this.#port.queues[queue]!.take()) {
      // 5.4.6.1
      if (chain.readableBytes > 0) return this.#port.violated("a request with a buffer to read");
      if (chain.writableBytes === 0) return this.#port.violated("a request for nothing");
      const most = Math.min(chain.writableBytes, MAX_REQUEST_BYTES);
      const bytes = this.#next(this.#isShortNext ? 1 : Math.max(1, most - 1));
      this.#isShortNext = !this.#isShortNext;
      chain.complete(chain.write(0, bytes));
    }
  }

  /** The stream goes on: it is the host's, and a guest that starts again finds other bytes in it. */
  reset(): void {
    this.#isShortNext = true;
  }

  save(): SavedState["fields"] {
    return {
      seed: this.#seed,
      position: BigInt(this.#position),
      isShortNext: this.#isShortNext,
    };
  }

  openState(fields: StateFields): () => void {
    const seed = fields.bigint("seed");
    const position = fields.bigint("position", BigInt(Number.MAX_SAFE_INTEGER));
    const isShortNext = fields.boolean("isShortNext");
    return () => {
      this.#setStream(seed, Number(position));
      this.#isShortNext = isShortNext;
    };
  }

  #setStream(seed: bigint, position: number): void {
    this.#seed = seed;
    this.#key = keyOf(seed);
    this.#position = position;
  }

  #next(sizeBytes: number): Uint8Array {
    let block = Math.floor(this.#position / CHACHA20_BLOCK_BYTES);
    const skip = this.#position % CHACHA20_BLOCK_BYTES;
    const stream = new Uint8Array(
      Math.ceil((skip + sizeBytes) / CHACHA20_BLOCK_BYTES) * CHACHA20_BLOCK_BYTES,
    );
    for (let at = 0; at < stream.length; at += CHACHA20_BLOCK_BYTES) {
      stream.set(chacha20Block(this.#key, block++), at);
    }
    this.#position += sizeBytes;
    return stream.subarray(skip, skip + sizeBytes);
  }
}

function keyOf(seed: bigint): Uint32Array {
  const key = new Uint32Array(CHACHA20_KEY_WORDS);
  key[0] = Number(seed & 0xffff_ffffn);
  key[1] = Number(seed >> 32n);
  return key;
}
