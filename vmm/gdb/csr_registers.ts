/**
 * Which CSRs the debugger shows, and which of them it may write.
 *
 * @module
 */

import { csrNames } from "../../core/isa/csr_names.ts";

/** CSRs that have a name but are not part of RVA22S64 with H, Sstc, Smstateen and Sscofpmf. */
const NOT_THERE: readonly (readonly [first: number, last: number])[] = [
  [0x008, 0x00f], // vector
  [0x015, 0x015], // seed
  [0x150, 0x15c], // siselect to stopei
  [0x250, 0x25c], // vsiselect to vstopei
  [0x308, 0x309], // mvien, mvip
  [0x350, 0x35c], // miselect to mtopei
  [0x3a4, 0x3af], // pmpcfg4 and up
  [0x3c0, 0x3ef], // pmpaddr16 and up
  [0x5a8, 0x5a8], // scontext
  [0x608, 0x609], // hvien, hvictl
  [0x646, 0x647], // hviprio1, hviprio2
  [0x6a8, 0x6a8], // hcontext
  [0x747, 0x747], // mseccfg
  [0x7a0, 0x7b3], // triggers and debug mode
  [0xc20, 0xc22], // vl, vtype, vlenb
  [0xdb0, 0xdb0], // stopi
  [0xeb0, 0xeb0], // vstopi
  [0xfb0, 0xfb0], // mtopi
];

/** Address and name of a CSR. */
export interface CsrRegister {
  readonly address: number;
  readonly name: string;
}

/** Every CSR of the machine, by address. */
export const csrRegisters: readonly CsrRegister[] = [...csrNames]
  .filter(([address]) => !NOT_THERE.some(([first, last]) => address >= first && address <= last))
  .map(([address, name]) => ({ address, name }))
  .sort((a, b) => a.address - b.address);

const ALL = (1n << 64n) - 1n;
const EVEN = ALL & ~1n;

/**
 * Those that hold what is written to them, under these bits, and on which nothing else depends. The
 * others change which interrupt is due or how addresses are translated, and are the guest's to write.
 */
export const plainCsrs: ReadonlyMap<string, bigint> = new Map([
  ["mscratch", ALL],
  ["mepc", EVEN],
  ["mcause", ALL],
  ["mtval", ALL],
  ["mtval2", ALL],
  ["mtinst", ALL],
  ["sscratch", ALL],
  ["sepc", EVEN],
  ["scause", ALL],
  ["stval", ALL],
  ["htval", ALL],
  ["htinst", ALL],
  ["vsscratch", ALL],
  ["vsepc", EVEN],
  ["vscause", ALL],
  ["vstval", ALL],
]);
