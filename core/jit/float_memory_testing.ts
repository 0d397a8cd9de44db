/**
 * Programs that load or store an f register at many addresses, aligned and not, across pages and beyond the
 * end of RAM, and write down what that left. They do it in a loop, where accesses remember their page, and in
 * a function of its own, where they do not.
 *
 * @module
 */

import { assert } from "@std/assert";
import { reg } from "../conformance/assembler.ts";
import { bareProgram, type Program, RAM, ramView } from "../testing/bare_program.ts";
import { stateDigest } from "../testing/state_digest.ts";
import type { JitOptions } from "./jit_options.ts";
import { countTraps, onHartZero, runToTheEnd, SETTINGS } from "./float_programs_testing.ts";

const RAM_BYTES = 0x4_0000;
const RAM_END = RAM + RAM_BYTES;
const ADDRESSES = RAM + 0x4000;
const VALUES_AT = RAM + 0x6000;
const DATA = RAM + 0x8000;
const RECORDS = RAM + 0x1_0000;
/** What was loaded, or the two words around what was stored; `mstatus`. */
const RECORD_BYTES = 24;
const FS = 3n << 13n;
const OFFSETS = [0, 4, -5];

/** Base addresses: every alignment, around the seam of two pages, around the end of RAM. */
const BASES: readonly number[] = [
  ...Array.from({ length: 17 }, (_, n) => DATA + n),
  ...Array.from({ length: 24 }, (_, n) => DATA + 0x1000 - 12 + n),
  ...Array.from({ length: 12 }, (_, n) => DATA + 0x2040 + n), // again a page that is whole
  ...Array.from({ length: 20 }, (_, n) => RAM_END - 14 + n),
  ...[RAM - 0x40, 0x1000_0001, DATA + 8, DATA + 0x1010], // there is nothing below RAM
];
/** How often each base has its turn: the first times, the loop may not be translated yet. */
const TURNS = 3;
const ROUNDS = TURNS * BASES.length;

/** How a round of accesses is made. */
interface Way {
  readonly name: string;
  /** Emits the access at s8 plus an offset; the register is f1. */
  readonly access: (a: Program, name: string, offset: number) => void;
  /** Whether `mstatus.FS` takes turns, too. */
  readonly changesFs?: boolean;
}

const WAYS: readonly Way[] = [
  { name: "in a loop", access: (a, name, offset) => a.op(name, 1, offset, reg.s8) },
  {
    name: "in a function",
    // Through a register, so that it is a region of its own.
    access: (a, _, offset) =>
      a.address(reg.s9, `function_${OFFSETS.indexOf(offset)}`).op("jalr", reg.ra, 0, reg.s9),
  },
  {
    name: "with FS in every state",
    access: (a, name, offset) => a.op(name, 1, offset, reg.s8),
    changesFs: true,
  },
];

/** Goes once through all bases and values; records go to s2. */
function emitRounds(a: Program, name: string, { access, changesFs = false }: Way): void {
  const { here } = a;
  a.constant(reg.s1, BigInt(ADDRESSES)).constant(reg.s4, BigInt(VALUES_AT));
  a.constant(reg.s3, BigInt(ADDRESSES + 8 * ROUNDS));
  a.label(`round_${here}`).op("ld", reg.s8, 0, reg.s1).op("fld", 1, 0, reg.s4);
  OFFSETS.forEach((offset, n) => {
    const at = RECORD_BYTES * n;
    if (changesFs) {
      a.op("srli", reg.t0, reg.s1, 3).op("slli", reg.t0, reg.t0, 13).op(
        "and",
        reg.t0,
        reg.t0,
        reg.s5,
      )
        .op("csrrc", 0, a.csr("mstatus"), reg.s5).op("csrrs", 0, a.csr("mstatus"), reg.t0);
    }
    access(a, name, offset);
    if (changesFs) {
      a.getCsr(reg.t0, "mstatus").op("sd", reg.t0, at + 16, reg.s2)
        .op("csrrs", 0, a.csr("mstatus"), reg.s5);
    }
    if (name.startsWith("fl")) {
      a.op("fsd", 1, at, reg.s2);
      return;
    }
    a.op("addi", reg.s9, reg.s8, offset).op("andi", reg.s9, reg.s9, -8);
    a.op("ld", reg.t0, 0, reg.s9).op("ld", reg.t1, 8, reg.s9);
    a.op("sd", reg.t0, at, reg.s2).op("sd", reg.t1, at + 8, reg.s2);
    a.op("sd", reg.s6, 0, reg.s9).op("sd", reg.s6, 8, reg.s9);
  });
  a.op("addi", reg.s2, reg.s2, RECORD_BYTES * OFFSETS.length).op("addi", reg.s4, reg.s4, 8)
    .op("addi", reg.s1, reg.s1, 8).branch("bne", reg.s1, reg.s3, `round_${here}`);
}

function accessProgram(
  name: string,
  values: readonly bigint[],
  jit: JitOptions | false,
  hartCount: number,
) {
  const program = bareProgram((a, harts) => {
    a.setBits("mstatus", FS).constant(reg.s2, BigInt(RECORDS)).constant(reg.s5, FS);
    a.constant(reg.s6, 0x0123_4567_89ab_cdefn).jump("start");
    OFFSETS.forEach((offset, n) =>
      a.label(`function_${n}`).op(name, 1, offset, reg.s8).op("jalr", 0, 0, reg.ra)
    );
    a.label("start");
    onHartZero(a, () => WAYS.forEach((way) => emitRounds(a, name, way)));
    const ram = ramView(harts);
    for (let n = 0; n < ROUNDS; n++) {
      ram.set(ADDRESSES + 8 * n, BigInt(BASES[n % BASES.length]!));
      ram.set(VALUES_AT + 8 * n, values[n % values.length]!);
    }
    const pattern = harts.ramAt(DATA - 16, 0x3000)!;
    for (let n = 0; n < pattern.length; n++) pattern[n] = (n * 0x9d + (n >> 8)) & 0xff;
    const last = harts.ramAt(RAM_END - 64, 64)!;
    for (let n = 0; n < last.length; n++) last[n] = 0xf0 - n;
  }, { jit, harts: hartCount, ramSizeBytes: RAM_BYTES, handler: countTraps });
  runToTheEnd(program);
  return program;
}

/**
 * Loads or stores everywhere, interpreted and translated.
 *
 * @param values what the register holds before
 * @returns how many accesses there were
 * @throws {Error} if the two differ, naming the first access that does
 */
export function compareAccesses(name: string, values: readonly bigint[], harts = 1): number {
  const interpreted = accessProgram(name, values, false, harts);
  const expected = stateDigest(interpreted.harts);
  for (const jit of SETTINGS) {
    const translated = accessProgram(name, values, jit, harts);
    compareRecords(name, ramView(interpreted.harts), ramView(translated.harts));
    const found = stateDigest(translated.harts);
    assert(found === expected, `${name}: ${expected}, but translated ${found}`);
    assert(translated.harts.jitStatistics!.regions > 1, `${name} was not translated`);
  }
  return WAYS.length * ROUNDS * OFFSETS.length;
}

type RamView = ReturnType<typeof ramView>;

function compareRecords(name: string, interpreted: RamView, translated: RamView): void {
  for (let n = 0; n < WAYS.length * ROUNDS * OFFSETS.length; n++) {
    for (let at = RECORDS + RECORD_BYTES * n; at < RECORDS + RECORD_BYTES * (n + 1); at += 8) {
      const [expected, found] = [interpreted.get(at), translated.get(at)];
      if (expected === found) continue;
      const round = Math.floor(n / OFFSETS.length);
      const base = BASES[round % BASES.length]!;
      throw new Error(
        `${name} 0x${base.toString(16)} + ${OFFSETS[n % OFFSETS.length]} ` +
          `${WAYS[Math.floor(round / ROUNDS)]!.name}: 0x${expected.toString(16)} interpreted, ` +
          `0x${found.toString(16)} translated`,
      );
    }
  }
}
