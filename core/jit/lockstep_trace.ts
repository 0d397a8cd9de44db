/**
 * The last instructions before a difference, as the interpreter executes them: what each was, and which
 * of the values that differ it was the last to write.
 *
 * @module
 */

import { disassemble } from "../isa/disassemble.ts";
import {
  codeAddress,
  type Difference,
  fieldAddress,
  type LockstepHarts,
} from "./lockstep_state.ts";

/** An executed instruction. */
export interface TracedInstruction {
  readonly hartId: number;
  readonly pc: bigint;
  /** Where its bytes lie in linear memory; undefined if its fetch failed. */
  readonly code: number | undefined;
  readonly text: string;
}

/** A trace, and the instruction in it that is to blame, as far as one can tell. */
export interface Trace {
  readonly instructions: readonly TracedInstruction[];
  /**
   * Index of the earliest instruction that was the last to write something that differs. A value that
   * an instruction got wrong and a later one overwrote is not seen any more, so this may be a later one.
   */
  readonly suspect: number | undefined;
}

/** Executes `count` instructions one by one and watches what differs afterwards. */
export function traceInstructions(
  harts: LockstepHarts,
  count: number,
  differences: readonly Difference[],
): Trace {
  const { module } = harts;
  const watched = differences.filter(({ kind }) => kind !== "clock").map(({ address }) => address);
  const lastWriters = watched.map(() => -1);
  let values = watched.map((address) => module.getU64(address));
  const instructions: TracedInstruction[] = [];
  let open: { hartId: number; pc: bigint; fetchContext: number } | undefined;
  const close = () => {
    if (open === undefined) return;
    const { hartId, pc, fetchContext } = open;
    const code = codeAddress(module, fetchContext, pc);
    const now = watched.map((address) => module.getU64(address));
    now.forEach((value, n) => {
      if (value !== values[n]) lastWriters[n] = instructions.length;
    });
    values = now;
    instructions.push({ hartId, pc, code, text: describe(harts, code, pc) });
    open = undefined;
  };
  harts.onInstruction = (hartId) => {
    close();
    open = {
      hartId,
      pc: module.getU64(fieldAddress(module, hartId, "pc")),
      fetchContext: module.getU32(fieldAddress(module, hartId, "fetchContext")),
    };
  };
  harts.run(count);
  close();
  harts.onInstruction = undefined;
  return { instructions, suspect: earliest(differences, watched, lastWriters) };
}

/** pc and the clock change with each instruction: they tell only if nothing else does. */
function earliest(
  differences: readonly Difference[],
  watched: readonly number[],
  lastWriters: readonly number[],
): number | undefined {
  const tellTale = (where: string) => !/: (pc|instret)$/.test(where);
  const writers = watched.flatMap((address, n) => {
    const difference = differences.find((each) => each.address === address)!;
    return tellTale(difference.where) && lastWriters[n]! >= 0 ? [lastWriters[n]!] : [];
  });
  if (writers.length > 0) return Math.min(...writers);
  const others = lastWriters.filter((index) => index >= 0);
  return others.length > 0 ? Math.max(...others) : undefined;
}

function describe({ module }: LockstepHarts, code: number | undefined, pc: bigint): string {
  if (code === undefined) return "(its page is not mapped)";
  const low = module.bytes[code]! | (module.bytes[code + 1]! << 8);
  const isLong = (low & 3) === 3;
  if (isLong && (code & 0xfff) === 0xffe) return "(an instruction across two pages)";
  return disassemble(isLong ? module.getU32(code) : low, pc);
}
