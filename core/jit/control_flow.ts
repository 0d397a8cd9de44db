/**
 * Control flow within one page: basic blocks, and their dominator tree in the order that structured code
 * needs (Ramsey, "Beyond Relooper", ICFP 2022).
 *
 * @module
 */

/** An instruction as the hart's decoder left it (layout of a slot: core/hart/generated/decode.ts). */
export interface DecodedInstruction {
  readonly op: number;
  readonly rd: number;
  readonly rs1: number;
  readonly rs2: number;
  readonly imm: number;
  readonly length: number;
  /** Offset in the page, in bytes. */
  readonly offset: number;
}

/** How a block ends. */
export type BlockEnd =
  /** A conditional branch: the taken target and the next instruction. */
  | {
    readonly kind: "branch";
    readonly instruction: DecodedInstruction;
    readonly taken: number;
    readonly next: number;
  }
  /** JAL: to a fixed target. */
  | { readonly kind: "jump"; readonly instruction: DecodedInstruction; readonly target: number }
  /** JALR. */
  | { readonly kind: "indirect"; readonly instruction: DecodedInstruction }
  /** On to the next instruction, which begins another block or lies beyond the page. */
  | { readonly kind: "fall"; readonly next: number }
  /** The next instruction is for the interpreter. */
  | { readonly kind: "leave"; readonly at: number };

/** A basic block. Offsets are relative to the page and may lie outside it where a jump leaves. */
export interface Block {
  readonly offset: number;
  readonly body: readonly DecodedInstruction[];
  readonly end: BlockEnd;
  /** Instructions retired when the block ran through, with its branch or jump. */
  readonly count: number;
}

/** A block's place in the structure. */
export interface StructuredBlock {
  readonly block: Block;
  /** Position in reverse postorder. */
  readonly order: number;
  readonly isLoopHeader: boolean;
  /** Whether more than one forward edge enters it. */
  readonly isMerge: boolean;
  /** Blocks that it dominates immediately, in reverse postorder. */
  readonly children: StructuredBlock[];
}

/** What ends a block and where it may go, by operation number. */
export interface ControlOps {
  isBranch(op: number): boolean;
  readonly jal: number;
  readonly jalr: number;
  /** Whether the translator has code for the operation. */
  isTranslated(op: number): boolean;
}

const PAGE_BYTES = 0x1000;

/** Reads an instruction at an offset of the page; undefined if it crosses the page's end. */
export type Fetch = (offset: number) => DecodedInstruction | undefined;

/** Offsets in the region that a block's end may continue at. */
function successors(end: BlockEnd): readonly number[] {
  switch (end.kind) {
    case "branch":
      return [end.taken, end.next];
    case "jump":
      // A call: the callee is another region.
      return end.instruction.rd === LINK_SINK ? [end.target] : [];
    case "fall":
      return [end.next];
    default:
      return [];
  }
}

/** The decoder's destination for x0. */
const LINK_SINK = 32;

/**
 * Finds the blocks reachable from `entry` without leaving the page.
 *
 * @param maxInstructions stop growing beyond so many
 */
export function findBlocks(
  entry: number,
  fetch: Fetch,
  ops: ControlOps,
  maxInstructions: number,
): Map<number, Block> {
  // First pass: where blocks begin.
  const leaders = new Set<number>();
  const scanned = new Set<number>();
  const work = [entry];
  const inPage = (offset: number) => offset >= 0 && offset < PAGE_BYTES;
  for (let start = work.pop(); start !== undefined; start = work.pop()) {
    if (leaders.has(start)) continue;
    if (scanned.size > maxInstructions && start !== entry) continue;
    leaders.add(start);
    for (let offset = start; inPage(offset) && !scanned.has(offset);) {
      const instruction = fetch(offset);
      if (instruction === undefined) break;
      scanned.add(offset);
      const end = endOf(instruction, ops);
      if (end !== undefined) {
        for (const next of successors(end)) if (inPage(next)) work.push(next);
        break;
      }
      offset += instruction.length;
    }
  }
  // Second pass: the blocks between them.
  const blocks = new Map<number, Block>();
  for (const start of leaders) blocks.set(start, readBlock(start, fetch, ops, leaders));
  return blocks;
}

function endOf(instruction: DecodedInstruction, ops: ControlOps): BlockEnd | undefined {
  const { op, offset, imm, length } = instruction;
  if (ops.isBranch(op)) {
    return { kind: "branch", instruction, taken: offset + imm, next: offset + length };
  }
  if (op === ops.jal) return { kind: "jump", instruction, target: offset + imm };
  if (op === ops.jalr) return { kind: "indirect", instruction };
  if (!ops.isTranslated(op)) return { kind: "leave", at: offset };
  return undefined;
}

function readBlock(
  start: number,
  fetch: Fetch,
  ops: ControlOps,
  leaders: ReadonlySet<number>,
): Block {
  const body: DecodedInstruction[] = [];
  let offset = start;
  while (true) {
    if (offset >= PAGE_BYTES || (offset !== start && leaders.has(offset))) {
      return { offset: start, body, end: { kind: "fall", next: offset }, count: body.length };
    }
    const instruction = fetch(offset);
    if (instruction === undefined) {
      return { offset: start, body, end: { kind: "leave", at: offset }, count: body.length };
    }
    const end = endOf(instruction, ops);
    if (end !== undefined) {
      return { offset: start, body, end, count: body.length + (end.kind === "leave" ? 0 : 1) };
    }
    body.push(instruction);
    offset += instruction.length;
  }
}

interface Node {
  readonly block: Block;
  order: number;
  predecessors: Node[];
  idom: Node | undefined;
}

/** Whether `ancestor` dominates `node`. */
function dominates(ancestor: Node, node: Node): boolean {
  for (
    let at: Node | undefined = node;
    at !== undefined;
    at = at.idom === at ? undefined : at.idom
  ) {
    if (at === ancestor) return true;
  }
  return false;
}

/** Builds the dominator tree of the blocks reachable from `entry`, and returns its root. */
export function structure(blocks: ReadonlyMap<number, Block>, entry: number): StructuredBlock {
  const nodes = new Map<number, Node>();
  const postorder: Node[] = [];
  // Depth first without recursion: a page may hold two thousand blocks in a row.
  const visit = (offset: number): Node => {
    const node: Node = { block: blocks.get(offset)!, order: 0, predecessors: [], idom: undefined };
    nodes.set(offset, node);
    return node;
  };
  const stack = [{ node: visit(entry), next: 0 }];
  while (stack.length > 0) {
    const top = stack.at(-1)!;
    const targets = successors(top.node.block.end);
    if (top.next === targets.length) {
      postorder.push(top.node);
      stack.pop();
      continue;
    }
    const target = targets[top.next++]!;
    if (!blocks.has(target)) continue;
    const known = nodes.get(target);
    if (known === undefined) stack.push({ node: visit(target), next: 0 });
  }
  const reverse = postorder.reverse();
  reverse.forEach((node, order) => node.order = order);
  for (const node of reverse) {
    for (const target of successors(node.block.end)) nodes.get(target)?.predecessors.push(node);
  }
  findDominators(reverse);
  return toTree(reverse);
}

/** Cooper, Harvey, Kennedy: "A Simple, Fast Dominance Algorithm". */
function findDominators(reverse: readonly Node[]): void {
  const root = reverse[0]!;
  root.idom = root;
  for (let changed = true; changed;) {
    changed = false;
    for (const node of reverse) {
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

function toTree(reverse: readonly Node[]): StructuredBlock {
  const structured = reverse.map((node): StructuredBlock => {
    const forward = node.predecessors.filter((predecessor) => predecessor.order < node.order);
    const backward = node.predecessors.filter((predecessor) => predecessor.order >= node.order);
    return {
      block: node.block,
      order: node.order,
      isLoopHeader: backward.some((predecessor) => dominates(node, predecessor)),
      isMerge: forward.length > 1,
      children: [],
    };
  });
  reverse.forEach((node) => {
    if (node.idom !== undefined && node.idom !== node) {
      structured[node.idom.order]!.children.push(structured[node.order]!);
    }
  });
  return structured[0]!;
}
