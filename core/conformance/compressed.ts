/**
 * Random compressed instructions (C with D, RV64), encoded from the instruction listing of the
 * unprivileged manual's chapter on "C".
 *
 * @module
 */

import type { Random } from "./random.ts";

/** Registers a generated instruction may name. */
export interface RegisterChoice {
  /** Any destination. */
  readonly destinations: readonly number[];
  /** Registers that point into data; x2, x8 and x9 must be among them. */
  readonly pointers: readonly number[];
}

/** Places consecutive bits of a value into a halfword: `bit 5 of value goes to bit 12`. */
function scatter(
  value: number,
  ...places: readonly (readonly [from: number, to: number])[]
): number {
  return places.reduce((half, [from, to]) => half | (((value >> from) & 1) << to), 0);
}

const signed6 = (imm: number) => (((imm >> 5) & 1) << 12) | ((imm & 0x1f) << 2);
const short = (register: number) => register - 8;

/** A random 16-bit instruction that neither jumps nor changes a pointer. */
export function randomCompressed(random: Random, { destinations }: RegisterChoice): number {
  const rd = random.pick(destinations.filter((r) => r !== 0));
  const rs = random.below(32);
  const rdShort = short(random.between(10, 15)), rsShort = short(random.between(8, 15));
  const base = short(random.between(8, 9));
  const imm = random.below(64), nonzero = random.between(1, 63);
  const fr = random.below(32);
  const doubleOffset = scatter(random.below(32) << 3, [3, 10], [4, 11], [5, 12], [6, 5], [7, 6]);
  const wordOffset = scatter(random.below(32) << 2, [2, 6], [3, 10], [4, 11], [5, 12], [6, 5]);
  const spDouble = scatter(imm << 3, [3, 5], [4, 6], [5, 12], [6, 2], [7, 3], [8, 4]);
  const spWord = scatter(imm << 2, [2, 4], [3, 5], [4, 6], [5, 12], [6, 2], [7, 3]);
  const spDoubleStore = scatter(imm << 3, [3, 10], [4, 11], [5, 12], [6, 7], [7, 8], [8, 9]);
  const spWordStore = scatter(imm << 2, [2, 9], [3, 10], [4, 11], [5, 12], [6, 7], [7, 8]);
  const arithmetic = (low: number) => 0x8c01 | (rdShort << 7) | (rsShort << 2) | low;
  return random.pick<() => number>([
    () =>
      // c.addi4spn
      (rdShort << 2) | scatter(
        random.between(1, 255) << 2,
        ...[[4, 11], [5, 12], [6, 7], [7, 8], [8, 9], [9, 10], [2, 6], [3, 5]] as const,
      ),
    () => 0x2000 | doubleOffset | (base << 7) | (random.below(8) << 2), // c.fld
    () => 0x4000 | wordOffset | (base << 7) | (rdShort << 2), // c.lw
    () => 0x6000 | doubleOffset | (base << 7) | (rdShort << 2), // c.ld
    () => 0xa000 | doubleOffset | (base << 7) | (random.below(8) << 2), // c.fsd
    () => 0xc000 | wordOffset | (base << 7) | (rsShort << 2), // c.sw
    () => 0xe000 | doubleOffset | (base << 7) | (rsShort << 2), // c.sd
    () => 0x0001 | (rd << 7) | signed6(imm), // c.addi, hints when imm = 0
    () => 0x2001 | (rd << 7) | signed6(imm), // c.addiw
    () => 0x4001 | (rd << 7) | signed6(imm), // c.li
    () => 0x6001 | (rd << 7) | signed6(nonzero), // c.lui
    () => 0x8001 | (rdShort << 7) | signed6(imm), // c.srli
    () => 0x8401 | (rdShort << 7) | signed6(imm), // c.srai
    () => 0x8801 | (rdShort << 7) | signed6(imm), // c.andi
    () => arithmetic(0x00), // c.sub
    () => arithmetic(0x20), // c.xor
    () => arithmetic(0x40), // c.or
    () => arithmetic(0x60), // c.and
    () => arithmetic(0x1000), // c.subw
    () => arithmetic(0x1020), // c.addw
    () => 0x0002 | (rd << 7) | signed6(imm), // c.slli
    () => 0x2002 | (fr << 7) | spDouble, // c.fldsp
    () => 0x4002 | (rd << 7) | spWord, // c.lwsp
    () => 0x6002 | (rd << 7) | spDouble, // c.ldsp
    () => 0x8002 | (rd << 7) | (random.between(1, 31) << 2), // c.mv
    () => 0x9002 | (rd << 7) | (random.between(1, 31) << 2), // c.add
    () => 0xa002 | spDoubleStore | (fr << 2), // c.fsdsp
    () => 0xc002 | spWordStore | (rs << 2), // c.swsp
    () => 0xe002 | spDoubleStore | (rs << 2), // c.sdsp
    () => 0x9002, // c.ebreak
  ])();
}

/** A reserved encoding: it must raise an illegal-instruction exception. */
export function reservedCompressed(random: Random): number {
  const bits = random.below(0x2000) & ~3;
  return random.pick<() => number>([
    () => 0x0000 | (random.below(8) << 2), // c.addi4spn with nzuimm = 0
    () => 0x8000 | bits, // quadrant 0, funct3 100
    () => 0x2001 | (bits & 0x107c), // c.addiw with rd = 0
    () => 0x6001 | (random.between(3, 31) << 7), // c.lui with nzimm = 0
    () => 0x6101, // c.addi16sp with nzimm = 0
    () => 0x9c41 | (random.below(8) << 7) | (random.below(16) << 2), // quadrant 1, 100 1 11 1x
    () => 0x4002 | (bits & 0x107c), // c.lwsp with rd = 0
    () => 0x6002 | (bits & 0x107c), // c.ldsp with rd = 0
    () => 0x8002, // c.jr with rs1 = 0
  ])();
}

/** `c.j` forward by `offset` bytes (less than 32). */
export function compressedJump(offset: number): number {
  return 0xa001 | scatter(offset, [1, 3], [2, 4], [3, 5], [4, 11]);
}

/** `c.beqz` or `c.bnez` of x8 to x15, forward by `offset` bytes (less than 32). */
export function compressedBranch(register: number, ifZero: boolean, offset: number): number {
  return (ifZero ? 0xc001 : 0xe001) | (short(register) << 7) |
    scatter(offset, [1, 3], [2, 4], [3, 10], [4, 11]);
}

/** `c.addi16sp` by a nonzero multiple of 16 in [-512, 496]. */
export function compressedAddSp(bytes: number): number {
  return 0x6101 | scatter(bytes, [4, 6], [5, 2], [6, 5], [7, 3], [8, 4], [9, 12]);
}

/** `c.jr` (link false) or `c.jalr`. */
export function compressedJumpRegister(register: number, link: boolean): number {
  return (link ? 0x9002 : 0x8002) | (register << 7);
}
