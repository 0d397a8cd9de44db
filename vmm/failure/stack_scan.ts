/**
 * Callers of a place in a program without frame pointers: whatever on its stack is an address that a call
 * returns to. Some of it may be left over from calls that have returned, so it is a guess, as the
 * kernel's own traces are then.
 *
 * @module
 */

import { decode } from "../../core/isa/decode.ts";
import type { AddressSpace } from "./address_space.ts";
import type { CodePlace } from "./hart_report.ts";
import type { SymbolTable } from "./symbol_table.ts";

/** Linux's stacks are as large (`THREAD_SIZE`), and lie on such a boundary. */
const STACK_BYTES = 0x4000n;
const MOST_FRAMES = 16;
const RA = 1;

/** Guesses at callers, the innermost first. */
export function scanStack(space: AddressSpace, sp: bigint, symbols: SymbolTable): CodePlace[] {
  const frames: CodePlace[] = [];
  if (sp % 8n !== 0n || sp === 0n) return frames;
  const end = sp - sp % STACK_BYTES + STACK_BYTES;
  const stack = space.read(sp, Number(end - sp));
  if (stack === undefined) return frames;
  const view = new DataView(stack.buffer);
  for (let at = 0; at < stack.length && frames.length < MOST_FRAMES; at += 8) {
    const pc = view.getBigUint64(at, true);
    // A function's first instruction is no place to return to.
    if ((symbols.find(pc)?.offset ?? 0n) === 0n || !isBehindCall(space, pc)) continue;
    frames.push({ pc, symbol: symbols.describe(pc), isGuess: true });
  }
  return frames;
}

function isBehindCall(space: AddressSpace, pc: bigint): boolean {
  const before = space.read(pc - 4n, 4);
  if (before === undefined || pc % 2n !== 0n) return false;
  const word = new DataView(before.buffer).getInt32(0, true);
  return isCall(word) || ((word >>> 16) & 3) !== 3 && isCall(word >>> 16);
}

/** Whether an instruction saves the address behind it in ra. */
function isCall(word: number): boolean {
  const decoded = decode(word);
  return decoded !== undefined && /^jalr?$/.test(decoded.base.name) && decoded.rd === RA;
}
