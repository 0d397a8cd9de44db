/**
 * Checks that a guest left everything outside its own state alone: what lies in linear memory before
 * RAM, and the harts that did not run.
 *
 * @module
 */

import type { HartArray } from "../hart_array.ts";

/** A stretch of linear memory that must not change. */
interface Guarded {
  readonly name: string;
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** How much of a large area is looked at, next to what a guest does reach. */
const MARGIN_BYTES = 0x1_0000;

/** Remembers what must not change from now on. */
export class MemoryGuard {
  readonly #harts: HartArray;
  readonly #guarded: Guarded[] = [];

  /** @param running harts that may execute, from 0 on; the state of all others is guarded */
  constructor(harts: HartArray, running: readonly number[]) {
    this.#harts = harts;
    const { module } = harts;
    const layout = (name: string) => module.layout(name);
    const ramPages = module.ram.length / 4096;
    this.#guard("static data", 0, layout("MACHINE_BASE"));
    for (let id = 0; id < layout("MAX_HARTS"); id++) {
      if (running.includes(id)) continue;
      const start = layout("HARTS_BASE") + id * layout("HART_STRIDE");
      this.#guard(`state of hart ${id}`, start, start + layout("HART_STRIDE"));
    }
    const contexts = layout("HART_CONTEXTS") * layout("CONTEXT_BYTES");
    const contextsEnd = layout("CONTEXTS_BASE") + layout("MAX_HARTS") * contexts;
    const neighbour = running.length; // the first hart that does not run
    if (neighbour < layout("MAX_HARTS")) {
      const start = layout("CONTEXTS_BASE") + neighbour * contexts;
      this.#guard(`translations of hart ${neighbour}`, start, start + contexts);
    }
    const flagsEnd = layout("PAGE_FLAGS_BASE") + ramPages;
    this.#guard("gap behind the translations", contextsEnd, contextsEnd + MARGIN_BYTES);
    this.#guard("flags behind the last page", flagsEnd, flagsEnd + MARGIN_BYTES);
    this.#guard("ROM", layout("ROM_OFFSET"), layout("ROM_OFFSET") + layout("MAX_ROM_BYTES"));
    this.#guard("gap before RAM", layout("RAM_OFFSET") - MARGIN_BYTES, layout("RAM_OFFSET"));
    const decoderEnd = layout("CONTEXTS_BASE");
    this.#guard("16-bit decoder", decoderEnd - MARGIN_BYTES, decoderEnd);
  }

  #guard(name: string, start: number, end: number): void {
    this.#guarded.push({ name, start, bytes: this.#harts.module.bytes.slice(start, end) });
  }

  /** Fails if anything changed, naming what and where. */
  check(): void {
    const { bytes } = this.#harts.module;
    for (const { name, start, bytes: before } of this.#guarded) {
      if (equal(bytes, start, before)) continue;
      const at = before.findIndex((byte, i) => bytes[start + i] !== byte);
      throw new Error(
        `${name} was changed at linear-memory address 0x${(start + at).toString(16)}`,
      );
    }
    this.#checkDecoder();
  }

  /** A slot of the decoder's cache holds the decoding of its own word: it is found under its hash. */
  #checkDecoder(): void {
    const { module } = this.#harts;
    const base = module.layout("DECODE32_BASE");
    const bits = module.layout("DECODE32_BITS");
    for (let n = 0; n < 1 << bits; n++) {
      const word = module.getU32(base + 16 * n);
      if (word === 0) continue; // never used
      if (Math.imul(word, 0x9e3779b1) >>> (32 - bits) !== n) {
        throw new Error(`Decoder slot ${n} holds 0x${word.toString(16)}, which belongs elsewhere`);
      }
    }
  }
}

/** Compares by words: the guarded areas are megabytes. */
function equal(bytes: Uint8Array, start: number, before: Uint8Array): boolean {
  const words = before.length >> 2;
  const now = new Uint32Array(bytes.buffer, bytes.byteOffset + start, words);
  const then = new Uint32Array(before.buffer, before.byteOffset, words);
  for (let i = 0; i < words; i++) if (now[i] !== then[i]) return false;
  for (let i = words << 2; i < before.length; i++) if (bytes[start + i] !== before[i]) return false;
  return true;
}
