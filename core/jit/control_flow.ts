/**
 * A region's control flow in the order that structured code needs: its dominator tree (Ramsey, "Beyond
 * Relooper", ICFP 2022).
 *
 * A region may have several entries; then its root is a switch that goes to one of them. A jump back to
 * a block that does not dominate it (an irreducible loop) goes through the switch as well.
 *
 * @module
 */

import { type Block, type Region, successors } from "./blocks.ts";

/** A block's place in the structure. */
export interface StructuredBlock {
  /** Undefined for the switch. */
  readonly block: Block | undefined;
  /** Position in reverse postorder; the root's is 0. */
  readonly order: number;
  readonly isLoopHeader: boolean;
  /** Whether it is reached by a branch out of a `block`: more than one forward edge, or the switch. */
  readonly isMerge: boolean;
  /** Blocks that it dominates immediately, in reverse postorder. */
  readonly children: StructuredBlock[];
  /** Successors in the region. */
  readonly successors: readonly StructuredBlock[];
}

/** A structured region. */
export interface Structure {
  readonly root: StructuredBlock;
  /** Every block but the switch, in reverse postorder. */
  readonly blocks: readonly StructuredBlock[];
  readonly byOffset: ReadonlyMap<number, StructuredBlock>;
  /** Where the switch goes, by its number: the region's entries first. Empty if the root is no switch. */
  readonly targets: readonly StructuredBlock[];
  /** Whether the region comes back to the switch. */
  readonly isDispatched: boolean;
}

interface Node {
  readonly block: Block | undefined;
  order: number;
  readonly successors: Node[];
  readonly predecessors: Node[];
  idom: Node | undefined;
}

/**
 * Structures a region.
 *
 * @param dispatches whether jumps to entries that are known only at run time are to stay in the region
 */
export function structure(region: Region, dispatches = false): Structure {
  const targets = [...region.entries];
  let isDispatched = dispatches;
  while (true) {
    const needsSwitch = targets.length > 1 || isDispatched;
    const order = orderNodes(region.blocks, targets, needsSwitch);
    findDominators(order);
    const missing = new Set<number>();
    let irreducible = false;
    for (const node of order) {
      for (const next of node.successors) {
        if (next.order > node.order || dominates(next, node)) continue;
        irreducible = true;
        if (!targets.includes(next.block!.offset)) missing.add(next.block!.offset);
      }
    }
    if (missing.size === 0 && (!irreducible || isDispatched)) {
      return toTree(order, needsSwitch ? targets : [], isDispatched);
    }
    isDispatched = true;
    targets.push(...missing);
  }
}

/** The nodes reachable from the targets, in reverse postorder. */
function orderNodes(
  blocks: ReadonlyMap<number, Block>,
  targets: readonly number[],
  needsSwitch: boolean,
): Node[] {
  const nodes = new Map<number, Node>();
  const postorder: Node[] = [];
  const nodeOf = (block: Block | undefined): Node => ({
    block,
    order: 0,
    successors: [],
    predecessors: [],
    idom: undefined,
  });
  const root = nodeOf(needsSwitch ? undefined : blocks.get(targets[0]!)!);
  if (!needsSwitch) nodes.set(targets[0]!, root);
  const nextOf = ({ block }: Node) => block === undefined ? targets : successors(block.end);
  // Depth first without recursion: a page may hold two thousand blocks in a row.
  const stack = [{ node: root, next: 0 }];
  while (stack.length > 0) {
    const top = stack.at(-1)!;
    const offsets = nextOf(top.node);
    if (top.next === offsets.length) {
      postorder.push(top.node);
      stack.pop();
      continue;
    }
    const block = blocks.get(offsets[top.next++]!);
    if (block === undefined) continue;
    let node = nodes.get(block.offset);
    if (node === undefined) {
      node = nodeOf(block);
      nodes.set(block.offset, node);
      stack.push({ node, next: 0 });
    }
    // Both ways of a branch may go to the same block: two edges, one successor.
    node.predecessors.push(top.node);
    if (!top.node.successors.includes(node)) top.node.successors.push(node);
  }
  const order = postorder.reverse();
  order.forEach((node, position) => node.order = position);
  return order;
}

/** Whether `ancestor` dominates `node`. */
function dominates(ancestor: Node, node: Node): boolean {
  let at = node;
  while (at !== ancestor && at.idom !== at) at = at.idom!;
  return at === ancestor;
}

/** Cooper, Harvey, Kennedy: "A Simple, Fast Dominance Algorithm". */
function findDominators(order: readonly Node[]): void {
  const root = order[0]!;
  root.idom = root;
  for (let changed = true; changed;) {
    changed = false;
    for (const node of order) {
      if (node === root) continue;
      let idom: Node | undefined;
      for (const predecessor of node.predecessors) {
        if (predecessor.idom === undefined) continue;
        idom = idom === undefined ? predecessor : intersect(idom, predecessor);
      }
      if (node.idom !== idom) {
        node.idom = idom;
        changed = true;
      }
    }
  }
}

function intersect(left: Node, right: Node): Node {
  let [a, b] = [left, right];
  while (a !== b) {
    while (a.order > b.order) a = a.idom!;
    while (b.order > a.order) b = b.idom!;
  }
  return a;
}

function toTree(
  order: readonly Node[],
  targets: readonly number[],
  isDispatched: boolean,
): Structure {
  const root = order[0]!;
  const structured = order.map((node) => {
    const forward = node.predecessors.filter((predecessor) => predecessor.order < node.order);
    const backward = node.predecessors.filter((predecessor) => predecessor.order >= node.order);
    return {
      block: node.block,
      order: node.order,
      isLoopHeader: backward.some((predecessor) => dominates(node, predecessor)),
      isMerge: forward.length > 1 || forward.some(({ block }) => block === undefined),
      children: [] as StructuredBlock[],
      successors: [] as StructuredBlock[],
    };
  });
  order.forEach((node) => {
    if (node !== root) structured[node.idom!.order]!.children.push(structured[node.order]!);
    structured[node.order]!.successors.push(
      ...node.successors.map((next) => structured[next.order]!),
    );
  });
  const blocks = structured.filter(({ block }) => block !== undefined);
  const byOffset = new Map(blocks.map((each) => [each.block!.offset, each]));
  return {
    root: structured[0]!,
    blocks,
    byOffset,
    targets: targets.map((offset) => byOffset.get(offset)!),
    isDispatched,
  };
}
