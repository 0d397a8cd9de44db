/**
 * Which loads and stores remember the page they went to last: those in loops, by base register. In a loop
 * a pointer stays on a page for many rounds.
 *
 * @module
 */

import { executable } from "../isa/ops.ts";
import type { DecodedInstruction } from "./blocks.ts";
import type { Structure, StructuredBlock } from "./control_flow.ts";
import type { StreamPlan } from "./region_writer.ts";

/** More would only spill other registers. */
const MAX_STREAMS = 6;

/** Blocks of natural loops, innermost or not: from a header to the last block that goes back to it. */
function blocksInLoops({ blocks }: Structure): Set<StructuredBlock> {
  const inLoops = new Set<StructuredBlock>();
  for (const last of blocks) {
    for (const header of last.successors) {
      if (!header.isLoopHeader || header.order > last.order) continue;
      for (const block of blocks) {
        if (block.order >= header.order && block.order <= last.order) inLoops.add(block);
      }
    }
  }
  return inLoops;
}

/** `read` or `write` with the base register, for a plain load or store. */
function streamKey({ op, rs1 }: DecodedInstruction): string | undefined {
  const flags = executable[op]?.flags;
  if (flags === undefined || flags.has("atomic") || flags.has("privileged") || flags.has("cache")) {
    return undefined;
  }
  if (flags.has("load")) return `read ${rs1}`;
  return flags.has("store") ? `write ${rs1}` : undefined;
}

/** Plans the streams of a region. */
export function planStreams(structure: Structure): StreamPlan {
  const numbers = new Map<string, number>();
  const streamOf = new Map<DecodedInstruction, number>();
  for (const block of blocksInLoops(structure)) {
    for (const instruction of block.block!.body) {
      const key = streamKey(instruction);
      if (key === undefined) continue;
      let number = numbers.get(key);
      if (number === undefined) {
        if (numbers.size === MAX_STREAMS) continue;
        number = numbers.size;
        numbers.set(key, number);
      }
      streamOf.set(instruction, number);
    }
  }
  return { count: numbers.size, streamOf };
}
