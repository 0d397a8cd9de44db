/**
 * A quick fingerprint of everything a guest could observe of harts, RAM and clock, to compare runs.
 *
 * @module
 */

import type { HartArray } from "../hart_array.ts";

/** Choices of the emulator that no instruction can read. */
const UNOBSERVABLE = ["fetchContext", "dataContext", "contextClock"] as const;

function mix(hash: number, words: Uint32Array): number {
  for (const word of words) {
    hash = Math.imul(hash ^ word, 0x85eb_ca6b);
    hash ^= hash >>> 15;
  }
  return hash >>> 0;
}

/** Equal for harts in the same state; built for small RAM. */
export function stateDigest(harts: HartArray): string {
  const { module } = harts;
  const ram = module.ram;
  harts.pages.ensurePresent(0, ram.length);
  let hash = mix(1, new Uint32Array(ram.buffer, ram.byteOffset, ram.length / 4));
  for (let id = 0; id < harts.hartCount; id++) {
    const at = module.layout("HARTS_BASE") + id * module.layout("HART_STRIDE");
    const state = module.bytes.slice(at, at + module.layout("Hart_sizeBytes"));
    const view = new DataView(state.buffer);
    for (const field of UNOBSERVABLE) view.setUint32(module.layout(`Hart_${field}`), 0, true);
    view.setBigUint64(module.layout("Hart_xsink"), 0n, true);
    hash = mix(hash, new Uint32Array(state.buffer));
  }
  return `${hash.toString(16)} at ${harts.nowNs} ns, ${harts.instructions} instructions`;
}
