/**
 * Callers, through frame pointers.
 *
 * `s0` points behind a frame's record: the caller's pc 8 bytes below it, the caller's `s0` 16 below
 * (RISC-V ELF psABI, "Frame Pointer Convention"). A function that calls none may keep only `s0` there,
 * at the place of the pc. Linux enters its own functions from an exception with the registers it
 * interrupted on the stack; from there the trace goes on in what was interrupted.
 *
 * @module
 */

import type { AddressSpace } from "./address_space.ts";
import type { CodePlace } from "./hart_report.ts";
import { scanStack } from "./stack_scan.ts";
import type { SymbolTable } from "./symbol_table.ts";

/** Registers that a trace begins with. */
export interface TraceStart {
  readonly pc: bigint;
  readonly ra: bigint;
  readonly sp: bigint;
  readonly fp: bigint;
}

const MOST_FRAMES = 24;
const LARGEST_FRAME = 0x1_0000n;
/** Of `struct pt_regs`, which begins with `epc`. */
const PT_REGS = { epc: 0n, s0: 64n } as const;

/**
 * Callers of a place, the innermost first, as long as they are code that `symbols` knows: through frame
 * pointers, or where there are none, guessed.
 */
export function backtrace(
  space: AddressSpace,
  start: TraceStart,
  symbols: SymbolTable,
): CodePlace[] {
  const frames = followFramePointers(space, start, symbols);
  return frames.length > 0 ? frames : scanStack(space, start.sp, symbols);
}

function followFramePointers(
  space: AddressSpace,
  start: TraceStart,
  symbols: SymbolTable,
): CodePlace[] {
  const frames: CodePlace[] = [];
  const exception = exceptionRange(symbols);
  let { fp } = start;
  let isFirst = true;
  while (frames.length < MOST_FRAMES && fp % 8n === 0n && fp >= 16n) {
    const [savedRa, savedFp] = [space.readU64(fp - 8n), space.readU64(fp - 16n)];
    if (savedRa === undefined || savedFp === undefined) break;
    const isLeaf = isFirst && symbols.find(savedRa) === undefined &&
      savedRa > fp && savedRa - fp < LARGEST_FRAME;
    const caller = isLeaf ? start.ra : savedRa;
    const callerFp = isLeaf ? savedRa : savedFp;
    isFirst = false;
    const symbol = symbols.describe(caller);
    if (symbol === undefined) break;
    frames.push({ pc: caller, symbol });
    if (exception !== undefined && caller >= exception.start && caller < exception.end) {
      const [pc, interruptedFp] = [space.readU64(fp + PT_REGS.epc), space.readU64(fp + PT_REGS.s0)];
      const interrupted = pc === undefined ? undefined : symbols.describe(pc);
      if (interrupted === undefined || interruptedFp === undefined) break;
      frames.push({ pc: pc!, symbol: interrupted });
      fp = interruptedFp;
      continue;
    }
    // Stacks grow down: a caller's frame is above.
    if (callerFp <= fp || callerFp - fp > LARGEST_FRAME) break;
    fp = callerFp;
  }
  return frames;
}

/** Linux's entry code (arch/riscv/kernel/entry.S). */
function exceptionRange(symbols: SymbolTable): { start: bigint; end: bigint } | undefined {
  const start = symbols.addressOf("handle_exception");
  const end = symbols.addressOf("ret_from_exception_end") ?? symbols.addressOf("ret_from_fork") ??
    symbols.addressOf("handle_kernel_stack_overflow");
  return start === undefined || end === undefined ? undefined : { start, end };
}
