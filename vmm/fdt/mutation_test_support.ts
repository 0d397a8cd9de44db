/**
 * For tests of readers of hostile input: damages a good input at random, reproducibly, and checks
 * that a reader takes the result or refuses it as documented.
 *
 * @module
 */

import { assert } from "@std/assert";
import { SplitMix64 } from "./split_mix64.ts";

/** Numbers at the edges of fields. */
const EDGES = [0, 1, 3, 4, 0x7f, 0x80, 0xff, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffff];

/** A damaged copy of the bytes. */
export function mutateBytes(input: Uint8Array, random: SplitMix64): Uint8Array {
  let bytes = new Uint8Array(input);
  for (let changes = 1 + random.below(4); changes > 0 && bytes.length > 0; changes--) {
    const at = random.below(bytes.length);
    const end = Math.min(bytes.length, at + 1 + random.below(16));
    switch (random.below(8)) {
      case 0:
        bytes[at]! ^= 1 << random.below(8);
        break;
      case 1:
        bytes[at] = random.below(256);
        break;
      case 2:
      case 3: { // a whole aligned word, of either byte order
        if (bytes.length < 4) break;
        const view = new DataView(bytes.buffer);
        const word = (at & ~3) + 4 <= bytes.length ? at & ~3 : 0;
        view.setUint32(word, random.pick(EDGES), random.below(2) === 0);
        break;
      }
      case 4:
        bytes = bytes.slice(0, at);
        break;
      case 5: // cut out
        bytes = join(bytes.subarray(0, at), bytes.subarray(end));
        break;
      case 6: // repeat
        bytes = join(bytes.subarray(0, end), bytes.subarray(at));
        break;
      case 7: // copy elsewhere
        bytes.copyWithin(random.below(bytes.length), at, end);
        break;
    }
  }
  return bytes;
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

/** A damaged copy of the text; `tokens` are pieces that mean something to its reader. */
export function mutateText(input: string, tokens: readonly string[], random: SplitMix64): string {
  let text = input;
  for (let changes = 1 + random.below(4); changes > 0; changes--) {
    const at = random.below(text.length + 1);
    const end = Math.min(text.length, at + random.below(12));
    const from = random.below(text.length + 1);
    const piece = text.slice(from, from + random.below(40));
    switch (random.below(5)) {
      case 0:
        text = text.slice(0, at) + random.pick(tokens) + text.slice(at);
        break;
      case 1:
        text = text.slice(0, at) + text.slice(end);
        break;
      case 2:
        text = text.slice(0, at) + piece + text.slice(at);
        break;
      case 3:
        text = text.slice(0, at) + String.fromCharCode(random.below(300)) + text.slice(at + 1);
        break;
      case 4:
        if (random.below(4) === 0) text = text.slice(0, at);
        break;
    }
  }
  return text;
}

/** How a run of damaged inputs went. */
export interface FuzzResult {
  readonly accepted: number;
  readonly refused: number;
}

/**
 * Feeds damaged inputs to a reader. An error must be of exactly one of the classes, and its message
 * must match `message`: "Maximum call stack size exceeded" is a RangeError too.
 */
export function fuzz<T>(options: {
  readonly seed: number;
  readonly runs: number;
  readonly input: (random: SplitMix64) => T;
  readonly read: (input: T) => void;
  readonly errors: readonly ErrorConstructor[];
  readonly message: RegExp;
}): FuzzResult {
  const result = { accepted: 0, refused: 0 };
  for (let run = 0; run < options.runs; run++) {
    const input = options.input(new SplitMix64(options.seed * 1_000_003 + run));
    try {
      options.read(input);
      result.accepted++;
    } catch (error) {
      const known = options.errors.some((errorClass) =>
        (error as Error).constructor === errorClass
      ) && options.message.test((error as Error).message);
      assert(known, `run ${run} of seed ${options.seed}: ${(error as Error).stack}`);
      result.refused++;
    }
  }
  return result;
}
