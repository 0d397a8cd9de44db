/**
 * Which code of a page becomes one region: the basic blocks that can be reached from a hot place and are
 * warm themselves, by the interpreter's counts. Cold code stays the interpreter's.
 *
 * @module
 */

/** An instruction as the hart's decoder left it (layout of a slot: core/hart/generated/decode.ts). */
export interface DecodedInstruction {
  /** The instruction word; 16 bits of it if compressed. */
  readonly word: number;
  readonly op: number;
  readonly rd: number;
  readonly rs1: number;
  readonly rs2: number;
  readonly rs3: number;
  readonly rm: number;
  readonly imm: number;
  readonly length: number;
  /** Offset in the page, in bytes. */
  readonly offset: number;
}

/** How a block ends. Offsets may lie outside the page, where a jump leaves. */
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
  /** An instruction after which the run loop is always asked: a trap, a return from one, a wait. */
  | { readonly kind: "system"; readonly instruction: DecodedInstruction }
  /** On to the next instruction, which begins another block or another page. */
  | { readonly kind: "fall"; readonly next: number }
  /** The next instruction crosses the page's end. */
  | { readonly kind: "leave"; readonly at: number };

/** A basic block. */
export interface Block {
  /** Offset in the page, in bytes. */
  readonly offset: number;
  readonly body: readonly DecodedInstruction[];
  readonly end: BlockEnd;
  /** Instructions retired when the block ran through, with the one that ends it. */
  readonly count: number;
}

/** Blocks that become one function. */
export interface Region {
  readonly blocks: ReadonlyMap<number, Block>;
  /** Offsets where it may be entered, the hot place first. */
  readonly entries: readonly number[];
}

/** What ends a block, by operation number. */
export interface ControlOps {
  isBranch(op: number): boolean;
  readonly jal: number;
  readonly jalr: number;
  isSystem(instruction: DecodedInstruction): boolean;
}

/** What is known of the code of a page and of its neighbours. Offsets are from the page's beginning. */
export interface CodePage {
  /** Whether there is code that may be translated along: in the page, or where its neighbours are now. */
  has(offset: number): boolean;
  /** The instruction at an offset; undefined if it crosses the end of its page. */
  fetch(offset: number): DecodedInstruction | undefined;
  /** Whether the place was reached often enough to be worth translating along. */
  isWarm(offset: number): boolean;
  /** Whether translated code is entered there already. */
  isEntered(offset: number): boolean;
}

/** Bounds of a region. */
export interface RegionLimits {
  readonly instructions: number;
  readonly entries: number;
  readonly blockInstructions: number;
}

const PAGE_BYTES = 0x1000;
/** The decoder's destination for x0. */
const X_SINK = 32;

/** Offsets that a block's end may continue at within the region; a call goes on in the callee. */
export function successors(end: BlockEnd): readonly number[] {
  switch (end.kind) {
    case "branch":
      return [end.taken, end.next];
    case "jump":
      return [end.target];
    case "fall":
      return [end.next];
    default:
      return [];
  }
}

/** Where a call returns to, if the block ends with one. */
function returnPoint(end: BlockEnd): number | undefined {
  if (end.kind !== "jump" && end.kind !== "indirect") return undefined;
  const { rd, offset, length } = end.instruction;
  return rd === X_SINK ? undefined : offset + length;
}

/** Number of an offset's page: 0 is the region's own, -1 the one before. */
export function pageOf(offset: number): number {
  return Math.floor(offset / PAGE_BYTES);
}

/** Finds the region around a hot place. */
export function findRegion(
  hot: number,
  page: CodePage,
  ops: ControlOps,
  limits: RegionLimits,
): Region {
  // First pass: where blocks begin.
  const leaders = new Set<number>();
  const scanned = new Set<number>();
  const entries = new Set([hot]);
  const work = [hot];
  for (let start = work.pop(); start !== undefined; start = work.pop()) {
    if (leaders.has(start)) continue;
    if (scanned.size > limits.instructions) break;
    leaders.add(start);
    let count = 0;
    for (let offset = start; !scanned.has(offset);) {
      if (pageOf(offset) !== pageOf(start)) {
        if (page.has(offset) && page.isWarm(offset)) work.push(offset);
        break;
      }
      const instruction = page.fetch(offset);
      if (instruction === undefined) break;
      scanned.add(offset);
      const end = endOf(instruction, ops);
      if (end !== undefined) {
        const after = returnPoint(end);
        for (const next of successors(end)) {
          if (!page.has(next) || !page.isWarm(next)) continue;
          // A callee is a region of its own, unless it is short: loops want the registers for themselves.
          if (after === undefined || isShort(next, page, ops)) work.push(next);
        }
        if (after !== undefined && page.has(after) && page.isWarm(after)) {
          entries.add(after);
          work.push(after);
        }
        break;
      }
      offset += instruction.length;
      if (++count === limits.blockInstructions) {
        if (pageOf(offset) === pageOf(start)) work.push(offset);
        break;
      }
    }
  }
  // Second pass: the blocks between them.
  const blocks = new Map<number, Block>();
  for (const start of leaders) {
    blocks.set(start, readBlock(start, page, ops, leaders, limits.blockInstructions));
  }
  for (const start of leaders) {
    if (page.isEntered(start)) entries.add(start);
  }
  return {
    blocks,
    entries: [...entries].filter((offset) => leaders.has(offset)).slice(0, limits.entries),
  };
}

const SHORT_INSTRUCTIONS = 40;

/** Whether straight on from an offset there is an end of the function soon, and no loop before. */
function isShort(start: number, page: CodePage, ops: ControlOps): boolean {
  let offset = start;
  for (let n = 0; n < SHORT_INSTRUCTIONS && page.has(offset); n++) {
    const instruction = page.fetch(offset);
    if (instruction === undefined) return false;
    const { op, rd, imm, length } = instruction;
    if (op === ops.jalr && rd === X_SINK) return true;
    if ((ops.isBranch(op) || (op === ops.jal && rd === X_SINK)) && imm <= 0) return false;
    offset += length;
  }
  return false;
}

function endOf(instruction: DecodedInstruction, ops: ControlOps): BlockEnd | undefined {
  const { op, offset, imm, length } = instruction;
  if (ops.isBranch(op)) {
    return { kind: "branch", instruction, taken: offset + imm, next: offset + length };
  }
  if (op === ops.jal) return { kind: "jump", instruction, target: offset + imm };
  if (op === ops.jalr) return { kind: "indirect", instruction };
  if (ops.isSystem(instruction)) return { kind: "system", instruction };
  return undefined;
}

function readBlock(
  start: number,
  page: CodePage,
  ops: ControlOps,
  leaders: ReadonlySet<number>,
  maxInstructions: number,
): Block {
  const body: DecodedInstruction[] = [];
  let offset = start;
  while (true) {
    if (
      pageOf(offset) !== pageOf(start) || (offset !== start && leaders.has(offset)) ||
      body.length === maxInstructions
    ) {
      return { offset: start, body, end: { kind: "fall", next: offset }, count: body.length };
    }
    const instruction = page.fetch(offset);
    if (instruction === undefined) {
      return { offset: start, body, end: { kind: "leave", at: offset }, count: body.length };
    }
    const end = endOf(instruction, ops);
    if (end !== undefined) return { offset: start, body, end, count: body.length + 1 };
    body.push(instruction);
    offset += instruction.length;
  }
}
