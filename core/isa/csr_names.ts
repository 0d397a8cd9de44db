/**
 * Names of the CSRs of RV64, for disassembly and traces. What a CSR does is the hart's business; a
 * name here does not mean that the hart has it.
 *
 * @module
 */

/** Names of CSRs at consecutive addresses. */
type Run = readonly [address: number, ...names: string[]];

const RUNS: readonly Run[] = [
  // Unprivileged.
  [0x001, "fflags", "frm", "fcsr"],
  [0x008, "vstart", "vxsat", "vxrm"],
  [0x00f, "vcsr"],
  [0x015, "seed"],
  [0xc00, "cycle", "time", "instret", ...numbered("hpmcounter", 3, 31)],
  [0xc20, "vl", "vtype", "vlenb"],
  // Supervisor.
  [0x100, "sstatus"],
  [0x104, "sie", "stvec", "scounteren"],
  [0x10a, "senvcfg"],
  [0x10c, ...numbered("sstateen", 0, 3)],
  [0x140, "sscratch", "sepc", "scause", "stval", "sip"],
  [0x14d, "stimecmp"],
  [0x150, "siselect", "sireg"],
  [0x15c, "stopei"],
  [0x180, "satp"],
  [0x5a8, "scontext"],
  [0xda0, "scountovf"],
  [0xdb0, "stopi"],
  // Virtual supervisor.
  [0x200, "vsstatus"],
  [0x204, "vsie", "vstvec"],
  [0x240, "vsscratch", "vsepc", "vscause", "vstval", "vsip"],
  [0x24d, "vstimecmp"],
  [0x250, "vsiselect", "vsireg"],
  [0x25c, "vstopei"],
  [0x280, "vsatp"],
  [0xeb0, "vstopi"],
  // Hypervisor.
  [0x600, "hstatus"],
  [0x602, "hedeleg", "hideleg", "hie", "htimedelta", "hcounteren", "hgeie", "hvien", "hvictl"],
  [0x60a, "henvcfg"],
  [0x60c, ...numbered("hstateen", 0, 3)],
  [0x643, "htval", "hip", "hvip", "hviprio1", "hviprio2"],
  [0x64a, "htinst"],
  [0x680, "hgatp"],
  [0x6a8, "hcontext"],
  [0xe12, "hgeip"],
  // Machine.
  [0x300, "mstatus", "misa", "medeleg", "mideleg", "mie", "mtvec", "mcounteren"],
  [0x308, "mvien", "mvip", "menvcfg"],
  [0x30c, ...numbered("mstateen", 0, 3)],
  [0x320, "mcountinhibit"],
  [0x323, ...numbered("mhpmevent", 3, 31)],
  [0x340, "mscratch", "mepc", "mcause", "mtval", "mip"],
  [0x34a, "mtinst", "mtval2"],
  [0x350, "miselect", "mireg"],
  [0x35c, "mtopei"],
  // RV64 has only the even pmpcfg registers.
  ...Array.from({ length: 8 }, (_, index): Run => [0x3a0 + 2 * index, `pmpcfg${2 * index}`]),
  [0x3b0, ...numbered("pmpaddr", 0, 63)],
  [0x747, "mseccfg"],
  [0xb00, "mcycle"],
  [0xb02, "minstret", ...numbered("mhpmcounter", 3, 31)],
  [0xf11, "mvendorid", "marchid", "mimpid", "mhartid", "mconfigptr"],
  [0xfb0, "mtopi"],
  // Trigger module and debug mode.
  [0x7a0, "tselect", "tdata1", "tdata2", "tdata3", "tinfo", "tcontrol"],
  [0x7a8, "mcontext"],
  [0x7aa, "mscontext"],
  [0x7b0, "dcsr", "dpc", "dscratch0", "dscratch1"],
];

/** CSR names by address. */
export const csrNames: ReadonlyMap<number, string> = new Map(
  RUNS.flatMap(([address, ...names]) =>
    names.map((name, index): [number, string] => [address + index, name])
  ),
);

function numbered(name: string, first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, index) => `${name}${first + index}`);
}
