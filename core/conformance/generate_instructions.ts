/**
 * Random programs over the unprivileged instructions: integer, bit manipulation, atomics, floating
 * point in every rounding mode, compressed, jumps within a step, and encodings with flipped bits, in
 * every privilege mode, with and without identity translation.
 *
 * @module
 */

import { encode, formatOf, mnemonics } from "./assembler.ts";
import { atp, identityTables, pte, type Scheme, scheme } from "./address_space.ts";
import {
  addressIn,
  isVirtual,
  type Mode,
  modes,
  type Patch,
  slotOf,
  type Step,
  step,
  stepOfBytes,
  type TestCase,
} from "./case.ts";
import {
  compressedAddSp,
  compressedBranch,
  compressedJump,
  compressedJumpRegister,
  randomCompressed,
  reservedCompressed,
} from "./compressed.ts";
import { csr } from "./csr_map.ts";
import { type InitialCsr, slot, stepSizeBytes } from "./layout.ts";
import { cornerFloatRegister, cornerInteger, Random } from "./random.ts";

/** x1 links, x2, x8 and x9 point into data, x31 is for the step's own use; all else is free. */
export const linkRegister = 1;
export const pointerRegisters: readonly number[] = [2, 8, 9];
export const scratchRegister = 31;
export const freeRegisters: readonly number[] = Array.from({ length: 32 }, (_, i) => i)
  .filter((i) => i !== linkRegister && i !== scratchRegister && !pointerRegisters.includes(i));

const registerChoice = { destinations: freeRegisters, pointers: pointerRegisters };

/** Offset in the slot that each pointer register starts with; loads reach 2 KiB to either side. */
const pointerOffsets = [slot.data + 0x1000, slot.data + 0x2800, slot.data + 0x4000];

const named = (formats: readonly string[], pattern: RegExp) =>
  mnemonics.filter((name) => formats.includes(formatOf(name)) && pattern.test(name));

const registerOperations = named(["R", "R1", "I", "shift"], /^(?!f|h)/);
const loads = named(["load"], /^f?l/);
const stores = named(["store"], /./);
const atomics = named(["amo"], /^amo/);
const floatOperations = named(["R", "R1", "fpR", "fp1", "fp4"], /^f/);
const branches = named(["branch"], /./);
const integerResult = /^f(eq|lt|le|class|mv\.x|cvt\.(w|wu|l|lu))\b/;

const mstatusFsShift = 13n;
/** Enables of `menvcfg` and `henvcfg`: STCE, PBMTE, ADUE, CBZE, CBCFE, CBIE = flush. */
export const environmentEnables = (7n << 61n) | 0xd0n;

/** Generates case `index` of `seed`. */
export function generateInstructionCase(seed: number, index: number): TestCase {
  const random = new Random(seed, index);
  const slotIndex = slotOf(index);
  const mode = random.pick(modes);
  const translated = random.chance(0.5);
  const space = translated ? identitySpace(random, mode, slotIndex) : bareSpace(random, mode);
  const steps = Array.from({ length: random.between(40, 90) }, () => randomStep(random));
  const x = Array.from({ length: 32 }, () => cornerInteger(random));
  x[0] = 0n;
  x[linkRegister] = BigInt(addressIn(slotIndex, slot.code));
  pointerRegisters.forEach((register, i) => {
    x[register] = BigInt(addressIn(slotIndex, pointerOffsets[i]!));
  });
  return {
    title: `seed ${seed}, case ${index} (instructions, ${mode})`,
    slotIndex,
    mode,
    csrs: { ...initialState(random), ...space.csrs },
    x,
    f: Array.from({ length: 32 }, () => cornerFloatRegister(random)),
    fcsr: BigInt(randomRoundingMode(random) << 5 | random.below(32)),
    steps,
    memory: [...space.memory, { offset: slot.data, bytes: cornerData(random) }],
  };
}

/** CSRs as a hypervisor would have set them up, with some luck. */
export function initialState(random: Random): { [name in InitialCsr]?: bigint } {
  const floatState = () => BigInt(random.chance(0.04) ? 0 : random.between(1, 3)) << mstatusFsShift;
  const sometimes = (value: bigint) => random.chance(0.9) ? value : random.u64() & value;
  return {
    mstatus: floatState(),
    vsstatus: floatState(),
    menvcfg: environmentEnables,
    henvcfg: environmentEnables,
    senvcfg: sometimes(0xd0n),
    mcounteren: sometimes(7n),
    hcounteren: sometimes(7n),
    scounteren: sometimes(7n),
    stimecmp: 0xffff_ffff_ffff_ffffn,
    vstimecmp: 0xffff_ffff_ffff_ffffn,
  };
}

interface Space {
  readonly csrs: { readonly [name in InitialCsr]?: bigint };
  readonly memory: readonly Patch[];
}

/** No translation; traps go where the random delegation says. */
function bareSpace(random: Random, mode: Mode): Space {
  return { csrs: delegation(random, mode), memory: [] };
}

/**
 * Everything one to one through page tables. U and VU run on user pages, which the trampolines of
 * the supervisor modes could not execute: their traps stay in M-mode.
 */
function identitySpace(random: Random, mode: Mode, slotIndex: number): Space {
  const base = BigInt(addressIn(slotIndex, 0));
  const schemes: readonly Scheme[] = [scheme.sv39, scheme.sv48, scheme.sv57];
  const stage = random.pick(schemes), guest = random.pick(schemes);
  const user = mode === "U" || mode === "VU" ? pte.U : 0n;
  const flags = pte.V | pte.R | pte.W | pte.X | pte.A | pte.D | user;
  const tables = (table: number) => identityTables(stage, base, table, table + 0x1000, flags);
  const root = (table: number) => base + BigInt(table);
  const supervisor = user === 0n ? delegation(random, mode) : {};
  if (!isVirtual(mode)) {
    return {
      csrs: { ...supervisor, satp: atp(stage, root(slot.sStageTables), random.below(16)) },
      memory: tables(slot.sStageTables),
    };
  }
  const guestFlags = flags | pte.U;
  return {
    csrs: {
      ...supervisor,
      vsatp: atp(stage, root(slot.vsStageTables), random.below(16)),
      hgatp: atp(guest, root(slot.gStageRoot), random.below(16)),
    },
    memory: [
      ...tables(slot.vsStageTables),
      ...identityTables(guest, base, slot.gStageRoot, slot.gStageTables, guestFlags),
    ],
  };
}

/** Exceptions that may be delegated here: all but environment calls from the supervisor modes. */
const delegableExceptions = 0xf0_b1ffn;

/** Random `medeleg` and `hedeleg`; the trap vectors point to the trampolines. */
export function delegation(
  random: Random,
  mode: Mode,
): { readonly [name in "medeleg" | "hedeleg"]?: bigint } {
  if (mode === "M" || random.chance(0.4)) return {};
  return {
    medeleg: random.u64() & delegableExceptions,
    hedeleg: random.chance(0.5) ? random.u64() & delegableExceptions : 0n,
  };
}

function cornerData(random: Random): Uint8Array {
  const words = new BigUint64Array(slot.dataSizeBytes / 8);
  for (let i = 0; i < words.length; i++) {
    words[i] = random.chance(0.5) ? cornerFloatRegister(random) : cornerInteger(random);
  }
  return new Uint8Array(words.buffer);
}

function randomRoundingMode(random: Random): number {
  return random.chance(0.02) ? random.between(5, 7) : random.between(0, 4);
}

function randomStep(random: Random): Step {
  return random.weighted<(random: Random) => Step>([
    [24, registerStep],
    [4, upperStep],
    [10, memoryStep],
    [12, compressedStep],
    [6, atomicStep],
    [6, jumpStep],
    [26, floatStep],
    [3, floatCsrStep],
    [3, systemStep],
    [6, malformedStep],
    [1, reservedStep],
  ])(random);
}

const destination = (random: Random) => random.pick(freeRegisters);
const source = (random: Random) => random.below(32);
const immediate = (random: Random) =>
  random.chance(0.3) ? random.pick([-2048, -1, 0, 1, 2047]) : random.between(-2048, 2047);

/** An integer instruction as a word, with random operands. */
function registerWord(random: Random, name: string): number {
  const rd = destination(random), rs1 = source(random);
  switch (formatOf(name)) {
    case "I":
      return encode(name, rd, rs1, immediate(random));
    case "shift":
      return encode(name, rd, rs1, random.below(/iw$/.test(name) ? 32 : 64));
    case "R1":
      return encode(name, rd, rs1);
    default:
      return encode(name, rd, rs1, source(random));
  }
}

function registerStep(random: Random): Step {
  const names = Array.from(
    { length: random.between(1, 4) },
    () => random.pick(registerOperations),
  );
  return step(names.map((name) => registerWord(random, name)), ...names.flatMap(tagsOf));
}

/** What `known_differences.ts` has to know of an instruction. */
function tagsOf(name: string): string[] {
  if (name.startsWith("czero")) return ["Zicond"];
  return name === "ctzw" ? [name] : [];
}

function upperStep(random: Random): Step {
  const name = random.chance(0.5) ? "lui" : "auipc";
  return step([encode(name, destination(random), random.below(1 << 20))]);
}

/** A load or store near a pointer, aligned or not; now and then into the odd end of a page. */
function memoryStep(random: Random): Step {
  const pointer = random.pick(pointerRegisters);
  const name = random.pick(random.chance(0.5) ? loads : stores);
  const offset = random.chance(0.5) ? immediate(random) : random.between(-255, 255) * 8;
  const register = formatOf(name) === "load" && !name.startsWith("f")
    ? destination(random)
    : source(random);
  return step([encode(name, register, offset, pointer)]);
}

function compressedStep(random: Random): Step {
  const code = new Uint8Array(stepSizeBytes);
  const view = new DataView(code.buffer);
  const count = random.between(1, 5);
  for (let i = 0; i < count; i++) {
    view.setUint16(2 * i, randomCompressed(random, registerChoice), true);
  }
  if (!random.chance(0.3)) return stepOfBytes(code.slice(0, 2 * count));
  // a 32-bit instruction off its natural alignment
  view.setUint32(2 * count, registerWord(random, "add"), true);
  return stepOfBytes(code.slice(0, 2 * count + 4));
}

/** LR/SC as a pair, SC alone, or an AMO; sometimes misaligned. */
function atomicStep(random: Random): Step {
  const address = scratchRegister, width = random.pick(["w", "d"]);
  const align = width === "w" ? 4 : 8;
  const offset = random.between(-100, 100) * align + (random.chance(0.1) ? random.below(8) : 0);
  const pointer = random.pick(pointerRegisters);
  const point = encode("addi", address, pointer, offset);
  const order = random.below(4), rd = destination(random), rs2 = random.pick(freeRegisters);
  switch (random.below(5)) {
    case 0:
      return step([
        point,
        encode(`lr.${width}`, rd, 0, address, order),
        encode("addi", random.pick(freeRegisters), rd, 1),
        encode(`sc.${width}`, destination(random), rs2, address, order),
      ]);
    case 1:
      return step([point, encode(`sc.${width}`, rd, rs2, address, order)], "SC");
    default:
      return step([point, encode(random.pick(atomics), rd, rs2, address, order)], "AMO");
  }
}

/** Jumps and branches over parts of their own step. */
function jumpStep(random: Random): Step {
  const filler = () => registerWord(random, random.pick(["add", "xor", "sub", "sltu"]));
  const halves = (...words: readonly number[]) => {
    const code = new Uint8Array(2 * words.length);
    words.forEach((word, i) => new DataView(code.buffer).setUint16(2 * i, word, true));
    return stepOfBytes(code);
  };
  const half = () => 0x4001 | (random.pick([10, 11, 12]) << 7) | (random.below(32) << 2); // c.li
  const forward = random.pick([8, 12]);
  switch (random.below(7)) {
    case 0:
    case 1:
      return step([
        encode(random.pick(branches), source(random), source(random), forward),
        filler(),
        filler(),
        filler(),
      ]);
    case 2:
      return step([encode("jal", destination(random), forward), filler(), filler(), filler()]);
    case 3: // jalr clears bit 0 of the target
      return step([
        encode("auipc", scratchRegister, 0),
        encode("jalr", destination(random), 12 + random.below(2), scratchRegister),
        filler(),
        filler(),
      ]);
    case 4:
      return halves(compressedJump(4 + 2 * random.below(3)), half(), half(), half(), half());
    case 5:
      return halves(
        compressedBranch(random.between(8, 15), random.chance(0.5), 4),
        half(),
        compressedAddSp(32),
        compressedAddSp(-32),
      );
    default: {
      const code = new Uint8Array(14);
      const view = new DataView(code.buffer);
      view.setUint32(0, encode("auipc", scratchRegister, 0), true);
      view.setUint32(4, encode("addi", scratchRegister, scratchRegister, 12), true);
      const jump = compressedJumpRegister(scratchRegister, random.chance(0.5));
      [jump, half(), half()].forEach((word, i) => view.setUint16(8 + 2 * i, word, true));
      return stepOfBytes(code);
    }
  }
}

/** A floating-point instruction, then its flags into memory: each step's flags count. */
function floatStep(random: Random): Step {
  const name = random.pick(floatOperations);
  const flagsAt = random.between(-1024, 1024);
  return step([
    floatWord(random, name),
    encode("csrrwi", scratchRegister, csr("fflags"), 0),
    encode("sb", scratchRegister, flagsAt, random.pick(pointerRegisters)),
  ]);
}

function floatWord(random: Random, name: string): number {
  const rd = integerResult.test(name) ? destination(random) : random.below(32);
  const [a, b, c] = [random.below(32), random.below(32), random.below(32)] as const;
  const rounding = random.chance(0.4) ? 7 : randomRoundingMode(random);
  switch (formatOf(name)) {
    case "fp4":
      return encode(name, rd, a, b, c, rounding);
    case "fpR":
      return encode(name, rd, a, b, rounding);
    case "fp1":
      return encode(name, rd, a, rounding);
    default:
      return encode(name, rd, a, b);
  }
}

function floatCsrStep(random: Random): Step {
  const name = random.pick(["fflags", "frm", "fcsr"]);
  const operation = random.pick(["csrrw", "csrrs", "csrrc", "csrrwi", "csrrsi", "csrrci"]);
  // keep reserved rounding modes rare: they make every later instruction illegal
  const mask = name === "fflags" ? 31 : random.chance(0.1) ? 7 : 3;
  return operation.endsWith("i")
    ? step([encode(operation, destination(random), csr(name), random.below(32) & mask)])
    : step([
      encode("andi", scratchRegister, random.pick(freeRegisters), name === "fcsr" ? 0x7f : mask),
      encode(operation, destination(random), csr(name), scratchRegister),
    ]);
}

function systemStep(random: Random): Step {
  const name = random.pick([
    "ecall",
    "ebreak",
    "fence",
    "fence.i",
    "fence.tso",
    "pause",
    "counter",
  ]);
  if (name !== "counter") return step([encode(name)]);
  const counter = random.pick(["cycle", "time", "instret"]);
  return step([encode("csrrs", 0, csr(counter), 0)], "counter");
}

/** A valid instruction with one bit flipped outside of opcode, rd and rs1. */
function malformedStep(random: Random): Step {
  const name = random.pick([...registerOperations, ...floatOperations]);
  const word = name.startsWith("f") ? floatWord(random, name) : registerWord(random, name);
  const bit = random.pick([12, 13, 14, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31]);
  const flipped = (word ^ (1 << bit)) >>> 0;
  // An FP result that turns into an integer result could hit a pointer.
  const rd = (flipped >>> 7) & 31;
  const safe = freeRegisters.includes(rd) ? flipped : (flipped & ~(31 << 7)) >>> 0;
  return step([safe], "malformed", ...(isZicond(safe) ? ["Zicond"] : isCtzw(safe) ? ["ctzw"] : []));
}

/** CTZW: OP-IMM-32 with funct12 0x601 and funct3 001. */
function isCtzw(word: number): boolean {
  return (word & 0xfff0_707f) >>> 0 === 0x6010_101b;
}

/** CZERO.EQZ and CZERO.NEZ: OP with funct7 0000111 and funct3 101 or 111. */
function isZicond(word: number): boolean {
  return (word & 0xfe00_507f) >>> 0 === 0x0e00_5033;
}

function reservedStep(random: Random): Step {
  const code = new Uint8Array(2);
  new DataView(code.buffer).setUint16(0, reservedCompressed(random), true);
  return stepOfBytes(code, "malformed");
}
