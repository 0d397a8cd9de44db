/**
 * Finds loops that nothing can end.
 *
 * A machine spins if of its harts
 *
 * - each that runs goes round in a loop of few instructions that change registers only and read RAM
 *   only, after which all registers are as before, and
 * - none can be interrupted, or woken: no interrupt is enabled that may still become pending. Of those,
 *   timers that are set and whatever devices may raise count as able to; software interrupts do not, as
 *   no hart is left to send one.
 *
 * So nothing changes what the loops read: the next round is as the last. Devices that write RAM by
 * themselves are the exception, for which it must hold at two looks millions of instructions apart.
 * A loop that reads the clock or a device, that stores, that uses atomic instructions, or into which an
 * interrupt may come is not taken for a spin, though it may well be one: it ends with a timeout.
 *
 * @module
 */

import type { HartArray } from "../../core/hart_array.ts";
import { decode, type Decoded } from "../../core/isa/decode.ts";
import { AddressSpace } from "./address_space.ts";
import { registersOf } from "../page_tables/translate.ts";

const LONGEST_LOOP = 64;
/** More than the longest turn of a hart (`QUANTUM_INSTRUCTIONS`). */
const STEP_TO_NEXT = 20_000;
const REGISTERS = Array.from({ length: 31 }, (_, n) => `x${n + 1}`);
/** What writes memory or other state, reads what changes by itself, or leaves the mode. */
const NOT_PURE =
  /^(?:s[bhwd]|f(?!ence$|ence\.tso$).*|lr\..*|sc\..*|amo.*|csr.*|ecall|ebreak|[sm]ret|wfi|sfence.*|sinval.*|h[lsfi].*|wrs.*|cbo.*)$/;
const LOAD = /^l[bhwd]u?$/;
const LOAD_BYTES = 8;
const NEVER = 0xffff_ffff_ffff_ffffn;

/** Interrupts, by their bits in `mip`: (V)SSI and MSI need a hart that sends them. */
const INTERRUPT = { VSTI: 1n << 6n, STI: 1n << 5n, MTI: 1n << 7n } as const;
const SOFTWARE_INTERRUPTS = 1n << 1n | 1n << 2n | 1n << 3n;
const TIMER_INTERRUPTS = INTERRUPT.STI | INTERRUPT.VSTI | INTERRUPT.MTI;
const MSTATUS_SIE = 1n << 1n;
const MSTATUS_MIE = 1n << 3n;
const PRIVILEGE_M = 3;
const PRIVILEGE_S = 1;

/** Executes so many instructions; answers whether nothing ended that early. */
export type Execute = (instructions: number) => boolean;

/** At most so many instructions are executed to find out. */
export const MOST_INSTRUCTIONS = 400_000;

/** The loops, a line for each hart; undefined if the machine does not spin. */
export function findSpin(harts: HartArray, execute: Execute): string[] | undefined {
  const ids = Array.from({ length: harts.hartCount }, (_, id) => id);
  if (ids.some((id) => canBeInterrupted(harts, id))) return undefined;
  const running = new Set(ids.filter((id) => !harts.isWaiting(id)));
  const loops = new Map<number, string>();
  // Twice as many turns as there are harts: each may end while its loop is looked at.
  for (let turn = 0; turn < 2 * ids.length && loops.size < running.size; turn++) {
    const found = stepThroughLoop(harts, ids, execute);
    if (found !== undefined) loops.set(found.hart, found.loop);
    if (!execute(STEP_TO_NEXT)) return undefined;
  }
  if (loops.size < running.size) return undefined;
  return [...loops].sort(([a], [b]) => a - b).map(([, loop]) => loop);
}

/** Goes round a loop once, with the hart whose turn it is. */
function stepThroughLoop(
  harts: HartArray,
  ids: readonly number[],
  execute: Execute,
): { hart: number; loop: string } | undefined {
  const before = ids.map((id) => ({ id, state: stateOf(harts, id), retired: harts.instret(id) }));
  let hart: number | undefined;
  let lowest = NEVER;
  for (let step = 1; step <= LONGEST_LOOP; step++) {
    const pure = new Map(ids.map((id) => [id, isPure(harts, id)]));
    if (!execute(1)) return undefined;
    const ran = before.filter(({ id, retired }) => harts.instret(id) !== retired);
    const [only] = ran;
    // An instruction that trapped is none; one that ends a turn is looked at in the next.
    if (only === undefined || ran.length > 1) return undefined;
    if (harts.instret(only.id) - only.retired !== BigInt(step)) return undefined;
    if (!pure.get(only.id)) return undefined;
    hart = only.id;
    const pc = harts.get(hart, "pc");
    if (pc < lowest) lowest = pc;
    if (stateOf(harts, hart) !== only.state) continue;
    const instructions = step === 1 ? "1 instruction" : `${step} instructions`;
    return { hart, loop: `hart ${hart} spins in ${instructions} at 0x${lowest.toString(16)}` };
  }
  return undefined;
}

/** Registers and mode, to be compared. */
function stateOf(harts: HartArray, hart: number): string {
  const { privilege, virtual } = harts.mode(hart);
  const registers = ["pc", "trapsTaken", ...REGISTERS].map((name) => harts.get(hart, name));
  return [privilege, virtual, ...registers].join();
}

/** Whether the next instruction changes registers only and reads RAM only. */
function isPure(harts: HartArray, hart: number): boolean {
  const space = new AddressSpace(harts, registersOf(harts, hart));
  const pc = harts.get(hart, "pc");
  const low = space.read(pc, 2);
  if (low === undefined) return false;
  const isWide = (low[0]! & 3) === 3;
  const high = isWide ? space.read(pc + 2n, 2) : undefined;
  if (isWide && high === undefined) return false;
  const word = low[0]! | low[1]! << 8 | (high?.[0] ?? 0) << 16 | (high?.[1] ?? 0) << 24;
  const decoded = decode(word);
  if (decoded === undefined || NOT_PURE.test(decoded.base.name)) return false;
  return !LOAD.test(decoded.base.name) || loadsFromRam(harts, hart, space, decoded);
}

function loadsFromRam(
  harts: HartArray,
  hart: number,
  space: AddressSpace,
  { rs1, imm }: Decoded,
): boolean {
  const base = rs1 === 0 ? 0n : harts.get(hart, `x${rs1}`);
  const address = BigInt.asUintN(64, base + BigInt(imm));
  // Misaligned or not, it lies in these.
  return space.read(address - address % BigInt(LOAD_BYTES), LOAD_BYTES) !== undefined;
}

/** Whether an interrupt may still come that a hart would take, or that would wake it. */
function canBeInterrupted(harts: HartArray, hart: number): boolean {
  const [mie, mideleg, mstatus] = ["mie", "mideleg", "mstatus"].map((name) =>
    harts.get(hart, name)
  ) as [bigint, bigint, bigint];
  const possible = mie & ~SOFTWARE_INTERRUPTS & ~unsetTimers(harts, hart);
  if (harts.isWaiting(hart)) return possible !== 0n;
  const { privilege, virtual } = harts.mode(hart);
  const takesM = privilege < PRIVILEGE_M || (mstatus & MSTATUS_MIE) !== 0n;
  if (takesM && (possible & ~mideleg) !== 0n) return true;
  const takesS = privilege < PRIVILEGE_S || virtual ||
    (privilege === PRIVILEGE_S && (mstatus & MSTATUS_SIE) !== 0n);
  return takesS && (possible & mideleg) !== 0n;
}

/** Timer interrupts that cannot come. */
function unsetTimers(harts: HartArray, hart: number): bigint {
  let unset = TIMER_INTERRUPTS;
  if (harts.get(hart, "mtimecmp") !== NEVER) unset &= ~INTERRUPT.MTI;
  if (harts.get(hart, "stimecmp") !== NEVER) unset &= ~INTERRUPT.STI;
  if (harts.get(hart, "vstimecmp") !== NEVER) unset &= ~INTERRUPT.VSTI;
  return unset;
}
