/**
 * CSR addresses by name, from the listing in the privileged manual (chapter "Control and Status
 * Registers"), for RVA22S64 with H, Sstc, Smstateen and Sscofpmf.
 *
 * Written from the manual, not from `core/isa`, for the reason given in `assembler.ts`.
 *
 * @module
 */

const numbered = (name: string, first: number, address: number, count: number) =>
  Array.from({ length: count }, (_, i): [string, number] => [`${name}${first + i}`, address + i]);

/** Address of every CSR that the machine has. */
export const csrAddress: ReadonlyMap<string, number> = new Map<string, number>([
  ["fflags", 0x001],
  ["frm", 0x002],
  ["fcsr", 0x003],
  ["cycle", 0xc00],
  ["time", 0xc01],
  ["instret", 0xc02],
  ...numbered("hpmcounter", 3, 0xc03, 29),
  ["sstatus", 0x100],
  ["sie", 0x104],
  ["stvec", 0x105],
  ["scounteren", 0x106],
  ["senvcfg", 0x10a],
  ...numbered("sstateen", 0, 0x10c, 4),
  ["sscratch", 0x140],
  ["sepc", 0x141],
  ["scause", 0x142],
  ["stval", 0x143],
  ["sip", 0x144],
  ["stimecmp", 0x14d],
  ["satp", 0x180],
  ["scountovf", 0xda0],
  ["hstatus", 0x600],
  ["hedeleg", 0x602],
  ["hideleg", 0x603],
  ["hie", 0x604],
  ["htimedelta", 0x605],
  ["hcounteren", 0x606],
  ["hgeie", 0x607],
  ["henvcfg", 0x60a],
  ...numbered("hstateen", 0, 0x60c, 4),
  ["htval", 0x643],
  ["hip", 0x644],
  ["hvip", 0x645],
  ["htinst", 0x64a],
  ["hgatp", 0x680],
  ["hgeip", 0xe12],
  ["vsstatus", 0x200],
  ["vsie", 0x204],
  ["vstvec", 0x205],
  ["vsscratch", 0x240],
  ["vsepc", 0x241],
  ["vscause", 0x242],
  ["vstval", 0x243],
  ["vsip", 0x244],
  ["vstimecmp", 0x24d],
  ["vsatp", 0x280],
  ["mvendorid", 0xf11],
  ["marchid", 0xf12],
  ["mimpid", 0xf13],
  ["mhartid", 0xf14],
  ["mconfigptr", 0xf15],
  ["mstatus", 0x300],
  ["misa", 0x301],
  ["medeleg", 0x302],
  ["mideleg", 0x303],
  ["mie", 0x304],
  ["mtvec", 0x305],
  ["mcounteren", 0x306],
  ["menvcfg", 0x30a],
  ...numbered("mstateen", 0, 0x30c, 4),
  ["mcountinhibit", 0x320],
  ...numbered("mhpmevent", 3, 0x323, 29),
  ["mscratch", 0x340],
  ["mepc", 0x341],
  ["mcause", 0x342],
  ["mtval", 0x343],
  ["mip", 0x344],
  ["mtinst", 0x34a],
  ["mtval2", 0x34b],
  ["pmpcfg0", 0x3a0],
  ["pmpcfg2", 0x3a2],
  ...numbered("pmpaddr", 0, 0x3b0, 16),
  ["mcycle", 0xb00],
  ["minstret", 0xb02],
  ...numbered("mhpmcounter", 3, 0xb03, 29),
]);

/** Address of a CSR by name. */
export function csr(name: string): number {
  const address = csrAddress.get(name);
  if (address === undefined) throw new RangeError(`Unknown CSR "${name}"`);
  return address;
}

/** Whether the address lies in the read-only quarter (csr[11:10] = 0b11). */
export function isReadOnly(address: number): boolean {
  return address >> 10 === 3;
}

/** Lowest privilege that may access the CSR (csr[9:8]): 0 U, 1 S, 2 H and VS CSRs, 3 M. */
export function lowestPrivilege(address: number): 0 | 1 | 2 | 3 {
  return ((address >> 8) & 3) as 0 | 1 | 2 | 3;
}
