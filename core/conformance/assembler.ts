/**
 * A small RISC-V assembler for test programs: one call an instruction, labels, 64-bit constants.
 *
 * It is written from the instruction listings of the unprivileged and privileged manuals and on
 * purpose not from `core/isa`: a wrong encoding there must not agree with a wrong encoding here.
 * Operands stand in the order of assembly text, registers are numbers.
 *
 * @module
 */

/** Integer registers by ABI name, for hand-written code. */
export const reg = {
  zero: 0,
  ra: 1,
  sp: 2,
  gp: 3,
  tp: 4,
  t0: 5,
  t1: 6,
  t2: 7,
  s0: 8,
  s1: 9,
  a0: 10,
  a1: 11,
  a2: 12,
  a3: 13,
  a4: 14,
  a5: 15,
  a6: 16,
  a7: 17,
  s2: 18,
  s3: 19,
  s4: 20,
  s5: 21,
  s6: 22,
  s7: 23,
  s8: 24,
  s9: 25,
  s10: 26,
  s11: 27,
  t3: 28,
  t4: 29,
  t5: 30,
  t6: 31,
} as const;

/** How the operands of an instruction are laid out in its word. */
type Format =
  | "R" // rd, rs1, rs2
  | "R1" // rd, rs1; the rs2 field is part of the opcode
  | "I" // rd, rs1, imm
  | "shift" // rd, rs1, shamt
  | "load" // rd, imm, rs1
  | "store" // rs2, imm, rs1
  | "branch" // rs1, rs2, offset
  | "U" // rd, imm (upper 20 bits)
  | "J" // rd, offset
  | "csr" // rd, csr, rs1 or uimm
  | "amo" // rd, rs2, rs1, aq:rl
  | "fpR" // rd, rs1, rs2, rm
  | "fp1" // rd, rs1, rm; the rs2 field is part of the opcode
  | "fp4" // rd, rs1, rs2, rs3, rm
  | "fixed" // no operands
  | "fence" // rs1, rs2: memory-management fences
  | "cbo"; // rs1: cache blocks

interface Encoding {
  readonly format: Format;
  readonly match: number;
}

const OP = 0x33, OP_32 = 0x3b, OP_IMM = 0x13, OP_IMM_32 = 0x1b;
const LOAD = 0x03, STORE = 0x23, LOAD_FP = 0x07, STORE_FP = 0x27;
const BRANCH = 0x63, AMO = 0x2f, OP_FP = 0x53, SYSTEM = 0x73, MISC_MEM = 0x0f;

const encodings = new Map<string, Encoding>();

function define(format: Format, match: number, name: string): void {
  if (encodings.has(name)) throw new Error(`${name} is defined twice`);
  encodings.set(name, { format, match: match >>> 0 });
}

function defineRow(format: Format, opcode: number, funct7: number, names: string): void {
  names.split(" ").forEach((name, funct3) => {
    if (name !== "-") define(format, (funct7 << 25) | (funct3 << 12) | opcode, name);
  });
}

// RV64I, M: rows in the order of funct3.
defineRow("R", OP, 0x00, "add sll slt sltu xor srl or and");
defineRow("R", OP, 0x20, "sub - - - xnor sra orn andn");
defineRow("R", OP, 0x01, "mul mulh mulhsu mulhu div divu rem remu");
defineRow("R", OP_32, 0x00, "addw sllw - - - srlw - -");
defineRow("R", OP_32, 0x20, "subw - - - - sraw - -");
defineRow("R", OP_32, 0x01, "mulw - - - divw divuw remw remuw");
defineRow("I", OP_IMM, 0x00, "addi - slti sltiu xori - ori andi");
defineRow("I", OP_IMM_32, 0x00, "addiw - - - - - - -");
defineRow("shift", OP_IMM, 0x00, "- slli - - - srli - -");
defineRow("shift", OP_IMM, 0x20, "- - - - - srai - -");
defineRow("shift", OP_IMM_32, 0x00, "- slliw - - - srliw - -");
defineRow("shift", OP_IMM_32, 0x20, "- - - - - sraiw - -");
defineRow("load", LOAD, 0x00, "lb lh lw ld lbu lhu lwu -");
defineRow("store", STORE, 0x00, "sb sh sw sd - - - -");
defineRow("branch", BRANCH, 0x00, "beq bne - - blt bge bltu bgeu");
define("U", 0x37, "lui");
define("U", 0x17, "auipc");
define("J", 0x6f, "jal");
define("load", 0x67, "jalr");

// Zba, Zbb, Zbs.
defineRow("R", OP, 0x10, "- - sh1add - sh2add - sh3add -");
defineRow("R", OP_32, 0x10, "- - sh1add.uw - sh2add.uw - sh3add.uw -");
defineRow("R", OP_32, 0x04, "add.uw - - - - - - -");
defineRow("shift", OP_IMM_32, 0x04, "- slli.uw - - - - - -");
defineRow("R", OP, 0x05, "- - - - min minu max maxu");
defineRow("R", OP, 0x30, "- rol - - - ror - -");
defineRow("R", OP_32, 0x30, "- rolw - - - rorw - -");
defineRow("shift", OP_IMM, 0x30, "- - - - - rori - -");
defineRow("shift", OP_IMM_32, 0x30, "- - - - - roriw - -");
defineRow("R", OP, 0x24, "- bclr - - - bext - -");
defineRow("R", OP, 0x34, "- binv - - - - - -");
defineRow("R", OP, 0x14, "- bset - - - - - -");
defineRow("shift", OP_IMM, 0x24, "- bclri - - - bexti - -");
defineRow("shift", OP_IMM, 0x34, "- binvi - - - - - -");
defineRow("shift", OP_IMM, 0x14, "- bseti - - - - - -");
"clz ctz cpop - sext.b sext.h".split(" ").forEach((name, rs2) => {
  if (name === "-") return;
  define("R1", (0x30 << 25) | (rs2 << 20) | (1 << 12) | OP_IMM, name);
  if (rs2 < 3) define("R1", (0x30 << 25) | (rs2 << 20) | (1 << 12) | OP_IMM_32, `${name}w`);
});
define("R1", 0x0800_4000 | OP_32, "zext.h");
define("R1", 0x6b80_5000 | OP_IMM, "rev8");
define("R1", 0x2870_5000 | OP_IMM, "orc.b");

// Zbc and Zicond.
defineRow("R", OP, 0x05, "- clmul clmulr clmulh - - - -");
defineRow("R", OP, 0x07, "- - - - - czero.eqz - czero.nez");

// A.
const amoNames: readonly (readonly [string, number])[] = [
  ["lr", 0x02],
  ["sc", 0x03],
  ["amoswap", 0x01],
  ["amoadd", 0x00],
  ["amoxor", 0x04],
  ["amoand", 0x0c],
  ["amoor", 0x08],
  ["amomin", 0x10],
  ["amomax", 0x14],
  ["amominu", 0x18],
  ["amomaxu", 0x1c],
];
for (const [name, funct5] of amoNames) {
  define("amo", (funct5 << 27) | (2 << 12) | AMO, `${name}.w`);
  define("amo", (funct5 << 27) | (3 << 12) | AMO, `${name}.d`);
}

// F and D, format field 0 and 1; Zfhmin has loads, stores, moves and conversions with format 2.
const floatFormats: readonly (readonly [string, number])[] = [["s", 0], ["d", 1]];
for (const [suffix, format] of floatFormats) {
  const fp = (funct5: number, funct3: number, rs2 = 0) =>
    ((funct5 << 27) | (format << 25) | (rs2 << 20) | (funct3 << 12) | OP_FP) >>> 0;
  define("fp4", (format << 25) | 0x43, `fmadd.${suffix}`);
  define("fp4", (format << 25) | 0x47, `fmsub.${suffix}`);
  define("fp4", (format << 25) | 0x4b, `fnmsub.${suffix}`);
  define("fp4", (format << 25) | 0x4f, `fnmadd.${suffix}`);
  define("fpR", fp(0x00, 0), `fadd.${suffix}`);
  define("fpR", fp(0x01, 0), `fsub.${suffix}`);
  define("fpR", fp(0x02, 0), `fmul.${suffix}`);
  define("fpR", fp(0x03, 0), `fdiv.${suffix}`);
  define("fp1", fp(0x0b, 0), `fsqrt.${suffix}`);
  define("R", fp(0x04, 0), `fsgnj.${suffix}`);
  define("R", fp(0x04, 1), `fsgnjn.${suffix}`);
  define("R", fp(0x04, 2), `fsgnjx.${suffix}`);
  define("R", fp(0x05, 0), `fmin.${suffix}`);
  define("R", fp(0x05, 1), `fmax.${suffix}`);
  define("R", fp(0x14, 2), `feq.${suffix}`);
  define("R", fp(0x14, 1), `flt.${suffix}`);
  define("R", fp(0x14, 0), `fle.${suffix}`);
  define("R1", fp(0x1c, 1), `fclass.${suffix}`);
  ["w", "wu", "l", "lu"].forEach((integer, rs2) => {
    define("fp1", fp(0x18, 0, rs2), `fcvt.${integer}.${suffix}`);
    define("fp1", fp(0x1a, 0, rs2), `fcvt.${suffix}.${integer}`);
  });
}
define("fp1", 0x4010_0053, "fcvt.s.d");
define("fp1", 0x4200_0053, "fcvt.d.s");
define("R1", 0xe000_0053, "fmv.x.w");
define("R1", 0xf000_0053, "fmv.w.x");
define("R1", 0xe200_0053, "fmv.x.d");
define("R1", 0xf200_0053, "fmv.d.x");
define("fp1", 0x4020_0053, "fcvt.s.h");
define("fp1", 0x4220_0053, "fcvt.d.h");
define("fp1", 0x4400_0053, "fcvt.h.s");
define("fp1", 0x4410_0053, "fcvt.h.d");
define("R1", 0xe400_0053, "fmv.x.h");
define("R1", 0xf400_0053, "fmv.h.x");
defineRow("load", LOAD_FP, 0x00, "- flh flw fld - - - -");
defineRow("store", STORE_FP, 0x00, "- fsh fsw fsd - - - -");

// Zicsr, privileged instructions, H, Svinval, cache blocks, fences.
defineRow("csr", SYSTEM, 0x00, "- csrrw csrrs csrrc - csrrwi csrrsi csrrci");
define("fixed", 0x0000_0073, "ecall");
define("fixed", 0x0010_0073, "ebreak");
define("fixed", 0x1020_0073, "sret");
define("fixed", 0x3020_0073, "mret");
define("fixed", 0x1050_0073, "wfi");
define("fixed", 0x00d0_0073, "wrs.nto");
define("fixed", 0x01d0_0073, "wrs.sto");
define("fixed", 0x1800_0073, "sfence.w.inval");
define("fixed", 0x1810_0073, "sfence.inval.ir");
define("fixed", 0x0000_100f, "fence.i");
define("fixed", 0x0ff0_000f, "fence");
define("fixed", 0x8330_000f, "fence.tso");
define("fixed", 0x0100_000f, "pause");
define("fence", 0x1200_0073, "sfence.vma");
define("fence", 0x1600_0073, "sinval.vma");
define("fence", 0x2200_0073, "hfence.vvma");
define("fence", 0x6200_0073, "hfence.gvma");
define("fence", 0x2600_0073, "hinval.vvma");
define("fence", 0x6600_0073, "hinval.gvma");
define("cbo", 0x0000_2000 | MISC_MEM, "cbo.inval");
define("cbo", 0x0010_2000 | MISC_MEM, "cbo.clean");
define("cbo", 0x0020_2000 | MISC_MEM, "cbo.flush");
define("cbo", 0x0040_2000 | MISC_MEM, "cbo.zero");
const hypervisorLoads: readonly (readonly [string, number])[] = [
  ["hlv.b", 0x6000_4073],
  ["hlv.bu", 0x6010_4073],
  ["hlv.h", 0x6400_4073],
  ["hlv.hu", 0x6410_4073],
  ["hlvx.hu", 0x6430_4073],
  ["hlv.w", 0x6800_4073],
  ["hlv.wu", 0x6810_4073],
  ["hlvx.wu", 0x6830_4073],
  ["hlv.d", 0x6c00_4073],
];
for (const [name, match] of hypervisorLoads) define("R1", match, name);
["hsv.b", "hsv.h", "hsv.w", "hsv.d"].forEach((name, size) => {
  define("fence", 0x6200_4073 + (size << 26), name); // operands (rs1, rs2), like a fence
});

/** Every mnemonic the assembler knows. */
export const mnemonics: readonly string[] = [...encodings.keys()];

/** The operand layout of `name`. */
export function formatOf(name: string): Format {
  return lookup(name).format;
}

function lookup(name: string): Encoding {
  const encoding = encodings.get(name);
  if (!encoding) throw new RangeError(`Unknown instruction "${name}"`);
  return encoding;
}

/** Rounding mode field: dynamic, from `frm`. */
export const dynamicRounding = 7;

/** One 32-bit instruction as a word; operands in the order of assembly text. */
export function encode(name: string, ...operands: readonly number[]): number {
  const { format, match } = lookup(name);
  const a = operands[0] ?? 0, b = operands[1] ?? 0, c = operands[2] ?? 0;
  const d = operands[3] ?? 0, e = operands[4] ?? dynamicRounding;
  switch (format) {
    case "R":
      return (match | (a << 7) | (b << 15) | (c << 20)) >>> 0;
    case "R1":
      return (match | (a << 7) | (b << 15)) >>> 0;
    case "I":
    case "shift":
      return (match | (a << 7) | (b << 15) | (signed12(name, c) << 20)) >>> 0;
    case "load":
      return (match | (a << 7) | (c << 15) | (signed12(name, b) << 20)) >>> 0;
    case "store": {
      const imm = signed12(name, b);
      return (match | ((imm & 0x1f) << 7) | (c << 15) | (a << 20) | ((imm >> 5) << 25)) >>> 0;
    }
    case "branch":
      return (match | (a << 15) | (b << 20) | branchOffset(name, c)) >>> 0;
    case "U":
      return (match | (a << 7) | ((b & 0xfffff) << 12)) >>> 0;
    case "J":
      return (match | (a << 7) | jumpOffset(name, b)) >>> 0;
    case "csr":
      return (match | (a << 7) | (b << 20) | (c << 15)) >>> 0;
    case "amo":
      return (match | (a << 7) | (b << 20) | (c << 15) | (d << 25)) >>> 0;
    case "fpR":
      return (match | (a << 7) | (b << 15) | (c << 20) |
        ((operands[3] ?? dynamicRounding) << 12)) >>> 0;
    case "fp1":
      return (match | (a << 7) | (b << 15) | ((operands[2] ?? dynamicRounding) << 12)) >>> 0;
    case "fp4":
      return (match | (a << 7) | (b << 15) | (c << 20) | (d << 27) | (e << 12)) >>> 0;
    case "fixed":
      return match;
    case "fence":
      return (match | (a << 15) | (b << 20)) >>> 0;
    case "cbo":
      return (match | (a << 15)) >>> 0;
  }
}

function signed12(name: string, value: number): number {
  if (value < -2048 || value > 2047) throw new RangeError(`${name}: immediate ${value}`);
  return value & 0xfff;
}

function branchOffset(name: string, offset: number): number {
  if (offset < -4096 || offset > 4094 || offset & 1) throw new RangeError(`${name}: ${offset}`);
  return (((offset >> 12) & 1) << 31) | (((offset >> 5) & 0x3f) << 25) |
    (((offset >> 1) & 0xf) << 8) | (((offset >> 11) & 1) << 7);
}

function jumpOffset(name: string, offset: number): number {
  if (offset < -(1 << 20) || offset >= 1 << 20 || offset & 1) {
    throw new RangeError(`${name}: ${offset}`);
  }
  return (((offset >> 20) & 1) << 31) | (((offset >> 1) & 0x3ff) << 21) |
    (((offset >> 11) & 1) << 20) | (((offset >> 12) & 0xff) << 12);
}

/** Code under construction, placed at a fixed address. */
export class Assembler {
  #bytes: number[] = [];
  readonly #labels = new Map<string, number>();
  readonly #fixups: { readonly at: number; readonly patch: () => void }[] = [];

  /** @param baseAddress where the first byte will be in memory */
  constructor(readonly baseAddress: number) {}

  /** Address of the next byte. */
  get here(): number {
    return this.baseAddress + this.#bytes.length;
  }

  /** Appends one 32-bit instruction. */
  op(name: string, ...operands: readonly number[]): this {
    return this.word(encode(name, ...operands));
  }

  /** Appends a raw 32-bit word. */
  word(word: number): this {
    this.#bytes.push(word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24);
    return this;
  }

  /** Appends a raw 16-bit parcel. */
  half(half: number): this {
    this.#bytes.push(half & 0xff, (half >>> 8) & 0xff);
    return this;
  }

  /** Names the current address. */
  label(name: string): this {
    if (this.#labels.has(name)) throw new Error(`Label ${name} is defined twice`);
    this.#labels.set(name, this.#bytes.length);
    return this;
  }

  /** Address of a label that is already placed. */
  addressOf(name: string): number {
    return this.baseAddress + this.#offsetOf(name);
  }

  /** A branch to a label, placed before or after. */
  branch(name: string, rs1: number, rs2: number, target: string): this {
    return this.#later((at) => encode(name, rs1, rs2, this.#offsetOf(target) - at));
  }

  /** `jal rd, target`. */
  jump(target: string, rd = 0): this {
    return this.#later((at) => encode("jal", rd, this.#offsetOf(target) - at));
  }

  /** `rd = address of target`, relative to the program counter. */
  address(rd: number, target: string): this {
    const distance = (at: number) => this.#offsetOf(target) - at;
    this.#later((at) => encode("auipc", rd, (distance(at) + 0x800) >> 12));
    return this.#later((at) => encode("addi", rd, rd, (distance(at - 4) << 20) >> 20));
  }

  /** `rd = value`, with as many instructions as it takes. */
  constant(rd: number, value: bigint): this {
    const signed = BigInt.asIntN(64, value);
    if (signed >= -2048n && signed < 2048n) return this.op("addi", rd, 0, Number(signed));
    if (signed === BigInt.asIntN(32, signed)) {
      const low = Number(BigInt.asIntN(12, signed));
      this.op("lui", rd, Number(((signed - BigInt(low)) >> 12n) & 0xfffffn));
      return low === 0 ? this : this.op("addiw", rd, rd, low);
    }
    const low = BigInt.asIntN(12, signed);
    this.constant(rd, (signed - low) >> 12n);
    this.op("slli", rd, rd, 12);
    return low === 0n ? this : this.op("addi", rd, rd, Number(low));
  }

  /** The code, with every label resolved. */
  finish(): Uint8Array {
    for (const { patch } of this.#fixups) patch();
    this.#fixups.length = 0;
    return Uint8Array.from(this.#bytes);
  }

  #offsetOf(name: string): number {
    const offset = this.#labels.get(name);
    if (offset === undefined) throw new Error(`Label ${name} is not defined`);
    return offset;
  }

  #later(build: (at: number) => number): this {
    const at = this.#bytes.length;
    this.word(0);
    const patch = () => {
      const word = build(at);
      for (let i = 0; i < 4; i++) this.#bytes[at + i] = (word >>> (8 * i)) & 0xff;
    };
    this.#fixups.push({ at, patch });
    return this;
  }
}
