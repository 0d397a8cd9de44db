// State shared by all harts of a machine: the clock, the slice that runs, and the mailbox for MMIO.

import { MACHINE_BASE } from "./layout";

// @ts-ignore: decorator
@unmanaged
export class Machine {
  // Virtual time. `now = sliceEndNs - remaining`: retiring an instruction costs one subtraction.
  sliceEndNs: u64;
  mtimeOffset: u64; // ticks added to the clock by writes to mtime
  nsPerTick: u64; // 100 for a timebase of 10 MHz
  remaining: i32; // instructions left in the slice
  sliceInstructions: i32; // the slice's size when it began

  // Set by anything that may change which interrupt is due; looked at on the next boundary.
  attention: u32;
  // Set to end the slice after the present instruction (a timer moved, an IPI was sent, WFI, stop).
  endSlice: u32;

  // Translated code (code_entries.ts, jit_runtime.ts)
  jitThreshold: i32; // arrivals at a place before it is queued; 0 turns translation off
  jitBatch: u32; // the slice ends when so many places are queued
  hotCount: u32; // places in the queue
  codeTables: u32; // tables in use
  jitInstructions: u64; // retired in translated code
  jitLeave: u32; // after a load that missed the TLB: 1 it raised, 2 the run loop is asked for

  hartCount: u32;
  extensions: u32; // EXT_* bits
  ramBase: u64;
  ramSizeBytes: u64;
  romBase: u64;
  romSizeBytes: u64;
  lastHart: u32; // whose slice it was; another hart's may have stored to its reservation
  geilen: u32;
  traceTraps: u32;

  // Mailbox of the last MMIO access.
  ioAddress: u64;
  ioValue: u64;

  // The last trap, for traces and verdicts.
  trapHart: u32;
  trapToPrv: u32;
  trapCause: u64;
  trapTval: u64;
  trapEpc: u64;
}

// @ts-ignore: decorator
@inline
export function machine(): Machine {
  return changetype<Machine>(MACHINE_BASE);
}

/** Virtual nanoseconds at the present instruction. */
export function nowNs(): u64 {
  const m = machine();
  return m.sliceEndNs - <u64>(<i64>m.remaining);
}

/** The value of `mtime`. */
export function mtime(): u64 {
  const m = machine();
  return nowNs() / m.nsPerTick + m.mtimeOffset;
}
