/**
 * Where a region looks whether the slice has enough instructions left: at its entries and loop headers,
 * for the longest way to the next such place. The blocks between need no check, and the interpreter
 * executes what is left at the end of a slice, so that it ends on the exact instruction.
 *
 * @module
 */

import type { Structure, StructuredBlock } from "./control_flow.ts";

/** A longer way is cut: the end of a slice that is interpreted should not be long. */
const LONGEST_WAY = 200;

/**
 * The blocks that check, with the instructions that must be left.
 */
export function findChecks({ blocks, targets, root }: Structure): Map<StructuredBlock, number> {
  const checks = new Map<StructuredBlock, number>();
  const required = new Map<StructuredBlock, number>();
  const isCheck = new Set<StructuredBlock>([...targets, root]);
  for (const block of blocks) if (block.isLoopHeader) isCheck.add(block);
  for (const node of blocks.toReversed()) {
    let longest = 0;
    for (const next of node.successors) {
      if (next.order > node.order && !isCheck.has(next)) {
        longest = Math.max(longest, required.get(next)!);
      }
    }
    const way = node.block!.count + longest;
    required.set(node, way);
    if (way > LONGEST_WAY) isCheck.add(node);
    if (isCheck.has(node)) checks.set(node, way);
  }
  return checks;
}
