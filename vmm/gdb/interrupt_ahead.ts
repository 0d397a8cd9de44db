/**
 * Whether a hart takes an interrupt in place of its next instruction: what would stop there is not reached
 * yet.
 *
 * @module
 */

import type { HartArray } from "../../core/hart_array.ts";

const MIP = 0x344;
/** `mstatus.MIE`, `mstatus.SIE` and `vsstatus.SIE` (Privileged 1.12, 3.1.6). */
const MIE = 1n << 3n;
const SIE = 1n << 1n;
const U = 0;
const M = 3;

/** Follows Privileged 1.12, 3.1.9, and for VS-mode 9.2.2. */
export function isInterruptAhead(harts: HartArray, hartId: number): boolean {
  const get = (name: string) => harts.get(hartId, name);
  const pending = harts.readCsr(hartId, MIP) & get("mie");
  if (pending === 0n) return false;
  const { privilege, virtual } = harts.mode(hartId);
  const [mideleg, hideleg, mstatus] = [get("mideleg"), get("hideleg"), get("mstatus")];
  if ((pending & ~mideleg) !== 0n && (privilege !== M || (mstatus & MIE) !== 0n)) return true;
  if (privilege === M) return false;
  const forHs = pending & mideleg & ~hideleg;
  if (forHs !== 0n && (virtual || privilege === U || (mstatus & SIE) !== 0n)) return true;
  const forVs = pending & mideleg & hideleg;
  return forVs !== 0n && virtual && (privilege === U || (get("vsstatus") & SIE) !== 0n);
}
