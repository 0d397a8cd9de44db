// The floating-point environment: rounding modes and accrued exception flags
// (RISC-V unprivileged ISA, "F" extension, floating-point control and status register).
//
// The operations of this folder accrue into one module variable, so that they need no hart and a
// caller pays one load and one store around any number of them: `setAccruedFlags(hart.fflags)`,
// operate, `hart.fflags = accruedFlags()`.

/** Round to nearest, ties to even. */
export const RNE: u32 = 0;
/** Round towards zero. */
export const RTZ: u32 = 1;
/** Round down, towards minus infinity. */
export const RDN: u32 = 2;
/** Round up, towards plus infinity. */
export const RUP: u32 = 3;
/** Round to nearest, ties to the larger magnitude. */
export const RMM: u32 = 4;
/** In an instruction's rm field: take the mode from `frm`. */
export const DYN: u32 = 7;

/** Inexact. */
export const NX: u32 = 1;
/** Underflow. */
export const UF: u32 = 2;
/** Overflow. */
export const OF: u32 = 4;
/** Divide by zero. */
export const DZ: u32 = 8;
/** Invalid operation. */
export const NV: u32 = 16;

let accrued: u32 = 0;

/** The flags raised since {@link setAccruedFlags}, or-ed with those it was given. */
@inline
export function accruedFlags(): u32 {
  return accrued;
}

/** Sets the flags that the following operations accrue into. */
@inline
export function setAccruedFlags(flags: u32): void {
  accrued = flags;
}

/** Accrues exception flags. */
@inline
export function raise(flags: u32): void {
  accrued |= flags;
}

/** Whether raising NX would change nothing, so that exactness need not be worked out. */
@inline
export function inexactAccrued(): bool {
  return (accrued & NX) != 0;
}
