// What hart.wasm offers to TypeScript.

import { Hart } from "./hart_state";
import { machine } from "./machine_state";
import { csrRead, resetHart } from "./csr";
import * as interpreter from "./interpreter";
import { ENVCFG_STCE } from "./bits";
import { dropCode } from "./code_entries";
import { dropAllDecodedPages, dropDecodedPage } from "./decoded_pages";
import { HART_STRIDE, HARTS_BASE } from "./layout";
import { flushAll } from "./tlb";
import { hasPendingInterrupt, hasWakeup } from "./trap";

export { jitFmaD, jitFmaS } from "./jit_fma";
export {
  jitExecute, jitLoad, jitMulh, jitMulhsu, jitMulhu, jitOrcb, jitRev8, jitClmul, jitClmulh, jitClmulr, jitStore,
} from "./jit_runtime";
export { dropAllCode } from "./code_entries";
export { contextsReplaced, guardEntries } from "./tlb";
export * from "./layout";
export * from "./generated/offsets";

function hart(id: u32): Hart {
  return changetype<Hart>(HARTS_BASE + <usize>id * HART_STRIDE);
}

/** Prepares the machine; the fields of Machine have been written. */
export function initialize(): void {
  interpreter.prepareDecoder();
}

export function reset(id: u32): void {
  resetHart(hart(id), id);
}

export function run(id: u32, budget: i32): i32 {
  return interpreter.run(hart(id), budget);
}

/** Whether a hart waits though an enabled interrupt is pending, one that it cannot take now. */
export function isAnyStalled(): bool {
  for (let id: u32 = 0; id < machine().hartCount; id++) {
    const h = hart(id);
    if (h.waiting && hasPendingInterrupt(h)) return true;
  }
  return false;
}

/** Ends the wait of those harts. */
export function endStalledWaits(): void {
  for (let id: u32 = 0; id < machine().hartCount; id++) {
    const h = hart(id);
    if (h.waiting && hasPendingInterrupt(h)) h.waiting = 0;
  }
}

/** Forgets all cached translations and decoded code: memory was changed from outside, or a snapshot was restored. */
export function flushTranslations(id: u32): void {
  dropAllDecodedPages();
  flushAll(hart(id));
}

/** Forgets what was decoded and translated from the page at a linear-memory address. */
export function forgetCode(pointer: u32): void {
  const page = <usize>pointer & ~0xfff;
  dropDecodedPage(page);
  dropCode(page);
  machine().attention = 1; // whatever runs there is to start over
}

const LAST_NS: u64 = (<u64>1) << 53;

function earlier(compare: u64, ticks: u64, best: u64): u64 {
  return compare > ticks && compare - ticks < best ? compare - ticks : best;
}

/**
 * Virtual time of the next timer event of any hart in nanoseconds, or infinity. Timers already due do
 * not count: their interrupts are pending. Call between slices.
 */
export function nextTimerNs(): f64 {
  const m = machine();
  const now = m.sliceEndNs;
  const ticks = now / m.nsPerTick + m.mtimeOffset;
  let best = u64.MAX_VALUE;
  for (let id: u32 = 0; id < m.hartCount; id++) {
    const h = hart(id);
    best = earlier(h.mtimecmp, ticks, best);
    if (h.menvcfg & ENVCFG_STCE) {
      best = earlier(h.stimecmp, ticks, best);
      if (h.henvcfg & ENVCFG_STCE) best = earlier(h.vstimecmp, ticks + h.htimedelta, best);
    }
  }
  // The clock ends at 2^53 ns (104 days), beyond which a number is not exact: a rounded time would come
  // before the timer is due, again and again.
  if (best >= LAST_NS / m.nsPerTick) return Infinity;
  const due = now - now % m.nsPerTick + best * m.nsPerTick;
  return due < LAST_NS ? <f64>due : Infinity;
}

/** Whether the hart can execute now: it does not wait, or an interrupt it waits for is pending. */
export function isRunnable(id: u32): bool {
  const h = hart(id);
  return !h.waiting || hasWakeup(h);
}

/** Reads a CSR as M-mode would, for debuggers and tests: no access check, no side effect. */
export function readCsr(id: u32, csr: u32): u64 {
  const h = hart(id);
  const virt = h.virt;
  h.virt = 0;
  const value = csrRead(h, csr);
  h.virt = virt;
  return value;
}

/** The slot of a decoded instruction word (layout: generated/decode.ts), for the translator. */
export function decodedSlot(insn: u32): usize {
  return interpreter.decodedSlot(insn);
}
