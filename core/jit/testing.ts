/**
 * Pages of made-up code for the tests of region formation and control flow.
 *
 * @module
 */

import { type CodePage, type ControlOps, findRegion, type Region } from "./blocks.ts";

export const ADD = 1, BRANCH = 2, JAL = 3, JALR = 4, SYSTEM = 5;
/** The decoder's destination for x0. */
export const SINK = 32;

export const OPS: ControlOps = {
  isBranch: (op) => op === BRANCH,
  jal: JAL,
  jalr: JALR,
  isSystem: ({ op }) => op === SYSTEM,
};

/** What stands at an offset: operation, a jump's distance, rd. Elsewhere are additions. */
export type Code = Readonly<Record<number, readonly [op: number, imm?: number, rd?: number]>>;

/** A page of 4-byte instructions. */
export function codePage(
  code: Code,
  { cold = [], entered = [] }: { cold?: readonly number[]; entered?: readonly number[] } = {},
): CodePage {
  return {
    has: (offset) => offset >= 0 && offset < 0x1000,
    fetch: (offset) => {
      if (offset + 4 > 0x1000) return undefined;
      const [op, imm = 0, rd = SINK] = code[offset] ?? [ADD];
      return { word: 0, op, rd, rs1: 0, rs2: 0, rs3: 0, rm: 0, imm, length: 4, offset };
    },
    isWarm: (offset) => !cold.includes(offset),
    isEntered: (offset) => entered.includes(offset),
  };
}

/** The region around a place. */
export function region(
  code: Code,
  hot = 0,
  options: Parameters<typeof codePage>[1] = {},
): Region {
  const limits = { instructions: 400, entries: 64, blockInstructions: 250 };
  return findRegion(hot, codePage(code, options), OPS, limits);
}
