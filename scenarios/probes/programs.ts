/**
 * Programs that each try one instruction which is the hypervisor's, and then `exit(0)`.
 */

import type { FileMap } from "himawari";

/** `csrr a0, csr` */
const csrRead = (csr: number) => (csr << 20 | 0x00002573) >>> 0;
/** `csrw csr, a0` */
const csrWrite = (csr: number) => (csr << 20 | 0x00051073) >>> 0;

const PROBES: Readonly<Record<string, number>> = {
  // HS-mode CSRs
  read_hstatus: csrRead(0x600),
  read_hedeleg: csrRead(0x602),
  read_htval: csrRead(0x643),
  read_hgatp: csrRead(0x680),
  write_hgatp: csrWrite(0x680),
  write_hvip: csrWrite(0x645),
  // VS CSRs by their own numbers, and supervisor CSRs, from user mode
  read_vsstatus: csrRead(0x200),
  read_vsatp: csrRead(0x280),
  read_sstatus: csrRead(0x100),
  read_satp: csrRead(0x180),
  // M-mode
  read_mstatus: csrRead(0x300),
  read_misa: csrRead(0x301),
  mret: 0x30200073,
  // memory as another privilege sees it; hstatus.HU is 0
  hlv_w: 0x68054573, // hlv.w a0, (a0)
  hlvx_hu: 0x64354573, // hlvx.hu a0, (a0)
  hsv_w: 0x6aa54073, // hsv.w a0, (a0)
  hfence_vvma: 0x22000073,
  hfence_gvma: 0x62000073,
  hinval_vvma: 0x26000073,
  hinval_gvma: 0x66000073,
  sfence_vma: 0x12000073,
  sret: 0x10200073,
};
/** And one that must pass, or the others would prove nothing. */
const CONTROL = 0x00000013; // nop

const SIGILL_STATUS = 128 + 4;

/** A static RISC-V program of one segment: `instruction`, then `exit(0)`. */
function program(instruction: number): Uint8Array {
  const base = 0x10000n;
  const code = [instruction, 0x00000513, 0x05d00893, 0x00000073]; // li a0, 0; li a7, 93; ecall
  const bytes = new Uint8Array(64 + 56 + 4 * code.length);
  const view = new DataView(bytes.buffer);
  const half = (at: number, value: number) => view.setUint16(at, value, true);
  const word = (at: number, value: number) => view.setUint32(at, value, true);
  const double = (at: number, value: bigint) => view.setBigUint64(at, value, true);
  // ELF header
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // 64-bit, little-endian
  half(16, 2); // ET_EXEC
  half(18, 243); // EM_RISCV
  word(20, 1);
  double(24, base + 120n); // entry
  double(32, 64n); // program headers
  half(52, 64);
  half(54, 56);
  half(56, 1);
  // The one program header: all of the file, readable and executable
  word(64, 1); // PT_LOAD
  word(68, 5);
  double(80, base);
  double(88, base);
  double(96, BigInt(bytes.length));
  double(104, BigInt(bytes.length));
  double(112, 0x1000n);
  code.forEach((value, index) => word(120 + 4 * index, value));
  return bytes;
}

/** The programs, below `/probes`. */
export function programFiles(): FileMap {
  const probes = Object.entries({ ...PROBES, control: CONTROL });
  return Object.fromEntries(probes.map(([name, instruction]) => [
    `/probes/${name}`,
    { content: program(instruction), mode: 0o755 },
  ]));
}

/**
 * Runs every probe below a directory and reports each exit status. Each report is a line of its own,
 * behind a mark: firmware prints, without a newline, that it cannot emulate an instruction.
 */
export const runProbes = (directory: string) =>
  `for p in ${directory}/*; do $p 2> /dev/null; printf '\\n= %s %d' \${p##*/} $?; done`;

/** The lines of such a report. */
export const reported = (out: string) =>
  [...out.matchAll(/^= (\w+ \d+)/gm)].map((match) => match[1]);

/** What {@link reported} is to give. */
export const EXPECTED_REPORT = Object.keys({ ...PROBES, control: CONTROL }).sort()
  .map((name) => `${name} ${name === "control" ? 0 : SIGILL_STATUS}`);
