/**
 * Which loads and stores remember the page they went to last: those in loops whose address goes on from
 * round to round, as a pointer or an index does (an address that was loaded from memory may be anywhere),
 * and those in one block that have the same base.
 *
 * @module
 */

import { executable, opNumber } from "../isa/ops.ts";
import type { Block, DecodedInstruction } from "./blocks.ts";
import type { Structure, StructuredBlock } from "./control_flow.ts";
import type { StreamPlan, StreamUse } from "./region_writer.ts";
import { instructionsOf, registersRead, registerWritten } from "./register_use.ts";

/** More would only spill other registers. */
const MAX_STREAMS = 6;
const MAX_GROUPS = 3;

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

/** What makes an address out of one that goes on, or of what stays the same. */
const PROGRESSIVE: ReadonlySet<number> = new Set(
  [
    ...[
      "addi",
      "addiw",
      "add",
      "addw",
      "sub",
      "subw",
      "and",
      "andi",
      "slli",
      "slliw",
      "srli",
      "srliw",
    ],
    ...["srai", "sraiw", "mul", "mulw", "lui", "auipc", "add.uw", "slli.uw", "sext.h", "zext.h"],
    ...["sh1add", "sh2add", "sh3add", "sh1add.uw", "sh2add.uw", "sh3add.uw"],
  ].map(opNumber),
);

const ANDI = opNumber("andi");
/** What loads a byte. */
const BYTES: ReadonlySet<number> = new Set([opNumber("lb"), opNumber("lbu")]);

/** Where registers are written in the loops, and which of them go on. */
class Progression {
  readonly #definitions = new Map<number, DecodedInstruction[]>();
  readonly #known = new Map<number, boolean>();

  constructor(blocks: Iterable<StructuredBlock>) {
    for (const { block } of blocks) {
      for (const instruction of instructionsOf(block!)) {
        const register = registerWritten(instruction);
        if (register === undefined) continue;
        const definitions = this.#definitions.get(register);
        if (definitions === undefined) this.#definitions.set(register, [instruction]);
        else definitions.push(instruction);
      }
    }
  }

  /** Whether a register only ever goes on from its own and the like. */
  isProgressive(register: number): boolean {
    const known = this.#known.get(register);
    if (known !== undefined) return known;
    this.#known.set(register, true); // of itself it may go on
    const result = (this.#definitions.get(register) ?? []).every((each) => this.goesOn(each));
    this.#known.set(register, result);
    return result;
  }

  /**
   * Whether what an instruction computes does; an index into a small table is as good.
   *
   * @param local what is known of registers written before in the same block
   */
  goesOn(instruction: DecodedInstruction, local?: ReadonlyMap<number, boolean>): boolean {
    const { op, imm } = instruction;
    if (BYTES.has(op) || (op === ANDI && imm >= 0)) return true;
    return PROGRESSIVE.has(op) &&
      registersRead(instruction).every((register) =>
        local?.get(register) ?? this.isProgressive(register)
      );
  }

  /** The loads and stores of a block whose base goes on. */
  accessesIn(block: Block): Set<DecodedInstruction> {
    const found = new Set<DecodedInstruction>();
    const local = new Map<number, boolean>();
    for (const instruction of block.body) {
      const { rs1 } = instruction;
      if (local.get(rs1) ?? this.isProgressive(rs1)) found.add(instruction);
      const register = registerWritten(instruction);
      if (register !== undefined) local.set(register, this.goesOn(instruction, local));
    }
    return found;
  }
}

/** The accesses of a block by what they have in common: direction, and base register as last written. */
function accessesByBase(block: Block): Map<string, DecodedInstruction[]> {
  const accesses = new Map<string, DecodedInstruction[]>();
  const definedAt = new Map<number, number>();
  for (const instruction of block.body) {
    const key = streamKey(instruction);
    if (key !== undefined) {
      const name = `${key} ${definedAt.get(instruction.rs1) ?? ""}`;
      const known = accesses.get(name);
      if (known === undefined) accesses.set(name, [instruction]);
      else known.push(instruction);
    }
    const register = registerWritten(instruction);
    if (register !== undefined) definedAt.set(register, instruction.offset);
  }
  return accesses;
}

/** Plans the streams of a region. */
export function planStreams(structure: Structure): StreamPlan {
  const streams = new Map<string, number>();
  const uses = new Map<DecodedInstruction, StreamUse>();
  const inLoops = blocksInLoops(structure);
  const progression = new Progression(inLoops);
  for (const node of inLoops) {
    const progressive = progression.accessesIn(node.block!);
    for (const [name, accesses] of accessesByBase(node.block!)) {
      if (!progressive.has(accesses[0]!)) continue;
      const stream = streams.get(name) ?? streams.size;
      if (stream === MAX_STREAMS) continue;
      streams.set(name, stream);
      for (const instruction of accesses) uses.set(instruction, { stream, seeds: false });
    }
  }
  let groups = 0;
  for (const { block } of structure.blocks) {
    let group = 0;
    for (const accesses of accessesByBase(block!).values()) {
      if (accesses.length < 2 || uses.has(accesses[0]!) || group === MAX_GROUPS) continue;
      accesses.forEach((instruction, index) => {
        uses.set(instruction, { stream: streams.size + group, seeds: index === 0 });
      });
      group++;
    }
    groups = Math.max(groups, group);
  }
  return { count: streams.size + groups, uses };
}
