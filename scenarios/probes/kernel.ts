/**
 * A bare program that takes a kernel's place, tries one instruction after the other, and prints for each
 * the cause of the trap that it got, or `0`.
 */

// -- A few instructions, as words (Unprivileged, chapter "RV32/64G Instruction Set Listings")

const ZERO = 0, T0 = 5, A0 = 10, A1 = 11, A6 = 16, A7 = 17, S2 = 18;
const addi = (rd: number, rs1: number, imm: number) =>
  ((imm & 0xfff) << 20 | rs1 << 15 | rd << 7 | 0x13) >>> 0;
const lui = (rd: number, imm20: number) => (imm20 << 12 | rd << 7 | 0x37) >>> 0;
const auipc = (rd: number, imm20: number) => (imm20 << 12 | rd << 7 | 0x17) >>> 0;
const jal = (offset: number) => ((offset & 0x7fe) << 20 | (offset & 0xff000) | 0x6f) >>> 0;
const csrr = (rd: number, csr: number) => (csr << 20 | 2 << 12 | rd << 7 | 0x73) >>> 0;
const csrw = (csr: number, rs1: number) => (csr << 20 | rs1 << 15 | 1 << 12 | 0x73) >>> 0;
const ECALL = 0x00000073;
const SRET = 0x10200073;
const [SEPC, SCAUSE, STVEC] = [0x141, 0x142, 0x105];

const ILLEGAL = "2";
const FINE = "0";

/** Instruction, and what it is to answer. */
export const KERNEL_PROBES: Readonly<Record<string, readonly [number, string]>> = {
  "csrr sstatus": [csrr(A0, 0x100), FINE],
  "csrr satp": [csrr(A0, 0x180), FINE],
  "csrw sscratch": [csrw(0x140, A0), FINE],
  "sfence.vma": [0x12000073, FINE],

  "csrr hstatus": [csrr(A0, 0x600), ILLEGAL],
  "csrw hstatus": [csrw(0x600, A0), ILLEGAL],
  "csrw hedeleg": [csrw(0x602, A0), ILLEGAL],
  "csrw hideleg": [csrw(0x603, A0), ILLEGAL],
  "csrr hvip": [csrr(A0, 0x645), ILLEGAL],
  "csrr hie": [csrr(A0, 0x604), ILLEGAL],
  "csrr hgeip": [csrr(A0, 0xe12), ILLEGAL],
  "csrw hgeie": [csrw(0x607, A0), ILLEGAL],
  "csrw henvcfg": [csrw(0x60a, A0), ILLEGAL],
  "csrw hcounteren": [csrw(0x606, A0), ILLEGAL],
  "csrw htimedelta": [csrw(0x605, A0), ILLEGAL],
  "csrr htval": [csrr(A0, 0x643), ILLEGAL],
  "csrr htinst": [csrr(A0, 0x64a), ILLEGAL],
  "csrr hgatp": [csrr(A0, 0x680), ILLEGAL],
  "csrw hgatp": [csrw(0x680, A0), ILLEGAL],
  "csrr vsstatus": [csrr(A0, 0x200), ILLEGAL],
  "csrw vstvec": [csrw(0x205, A0), ILLEGAL],
  "csrw vsatp": [csrw(0x280, A0), ILLEGAL],
  "csrw vstimecmp": [csrw(0x24d, A0), ILLEGAL],

  "csrr mstatus": [csrr(A0, 0x300), ILLEGAL],
  "csrw mtvec": [csrw(0x305, A0), ILLEGAL],
  "csrw pmpcfg0": [csrw(0x3a0, A0), ILLEGAL],
  "mret": [0x30200073, ILLEGAL],

  "hlv.b": [0x60054573, ILLEGAL],
  "hlv.d": [0x6c054573, ILLEGAL],
  "hlvx.wu": [0x68354573, ILLEGAL],
  "hsv.d": [0x6ea54073, ILLEGAL],
  "hfence.vvma": [0x22000073, ILLEGAL],
  "hfence.gvma": [0x62000073, ILLEGAL],
  "hinval.vvma": [0x26000073, ILLEGAL],
  "hinval.gvma": [0x66000073, ILLEGAL],
};

/** Prints the character `S2 + add` with SBI's legacy console call (SBI 2.0, 5.2). */
const print = (from: number, add: number) => [addi(A0, from, add), addi(A7, ZERO, 1), ECALL];

/** A trap: note its cause, go on behind the instruction. */
const HANDLER = [csrr(S2, SCAUSE), csrr(T0, SEPC), addi(T0, T0, 4), csrw(SEPC, T0), SRET];

/** The program: probes one after the other, then power-off with SBI's SRST (SBI 2.0, 10.1). */
function kernelCode(): number[] {
  const setUp = [auipc(T0, 0), addi(T0, T0, 16), csrw(STVEC, T0), jal(4 + 4 * HANDLER.length)];
  const probes = Object.values(KERNEL_PROBES).flatMap(([instruction]) => [
    addi(S2, ZERO, 0),
    instruction,
    ...print(S2, "0".charCodeAt(0)),
  ]);
  const powerOff = [
    addi(A0, ZERO, 0),
    addi(A1, ZERO, 0),
    addi(A6, ZERO, 0),
    lui(A7, 0x53525),
    addi(A7, A7, 0x354),
    ECALL,
  ];
  return [
    ...setUp,
    ...HANDLER,
    ...print(ZERO, "<".charCodeAt(0)),
    ...probes,
    ...print(ZERO, ">".charCodeAt(0)),
    ...print(ZERO, "\n".charCodeAt(0)),
    ...powerOff,
  ];
}

/** A RISC-V `Image`: a header of 64 bytes that begins with a jump over it. */
function image(code: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(64 + 4 * code.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, jal(64), true);
  view.setBigUint64(8, 0x20_0000n, true); // text_offset
  view.setBigUint64(16, BigInt(bytes.length), true); // image_size
  view.setUint32(32, 2, true); // header version 0.2
  bytes.set(new TextEncoder().encode("RISCV"), 48);
  bytes.set(new TextEncoder().encode("RSC\x05"), 56);
  code.forEach((word, index) => view.setUint32(64 + 4 * index, word, true));
  return bytes;
}

/** A kernel that prints `<`, what each of {@link KERNEL_PROBES} answered, and `>`. */
export function probeKernel(): Uint8Array {
  return image(kernelCode());
}
