/**
 * One number for the state of a machine, to compare runs by.
 *
 * @module
 */

import type { HartArray } from "../core/hart_array.ts";

/** Which translation contexts are in use is no state of the guest's, nor is what x0 swallowed. */
const NO_STATE: ReadonlySet<string> = new Set([
  "fetchContext",
  "dataContext",
  "contextClock",
  "xsink",
]);

/** SHA-256 over RAM, harts and clock, in hexadecimal. */
export async function hashState(harts: HartArray): Promise<string> {
  const { module } = harts;
  harts.pages.ensurePresent(0, module.ram.length);
  const stride = module.layout("HART_STRIDE");
  const hartBytes = module.layout("Hart_sizeBytes");
  const parts: Uint8Array[] = [await sha256(module.ram)];
  for (let id = 0; id < harts.hartCount; id++) {
    const at = module.layout("HARTS_BASE") + id * stride;
    const state = module.bytes.slice(at, at + hartBytes);
    for (const { name, offset, sizeBytes } of module.hartFields) {
      if (NO_STATE.has(name)) state.fill(0, offset, offset + sizeBytes);
    }
    parts.push(state);
  }
  parts.push(new TextEncoder().encode(String(harts.nowNs)));
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return (await sha256(all)).toHex();
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}
