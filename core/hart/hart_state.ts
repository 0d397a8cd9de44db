// The state of one hart, as it lies in linear memory.
//
// The one definition of the layout: the build derives from this file the offsets that hart.wasm
// exports as globals, and TypeScript reads those. Integer registers come first, so that register n of
// hart `h` is at `h + n*8`; the slot after x31 swallows writes to x0, so that no instruction needs to
// test for it.

// @ts-ignore: decorator
@unmanaged
export class Hart {
  x0: u64; x1: u64; x2: u64; x3: u64; x4: u64; x5: u64; x6: u64; x7: u64;
  x8: u64; x9: u64; x10: u64; x11: u64; x12: u64; x13: u64; x14: u64; x15: u64;
  x16: u64; x17: u64; x18: u64; x19: u64; x20: u64; x21: u64; x22: u64; x23: u64;
  x24: u64; x25: u64; x26: u64; x27: u64; x28: u64; x29: u64; x30: u64; x31: u64;
  xsink: u64;
  pc: u64;
  f0: u64; f1: u64; f2: u64; f3: u64; f4: u64; f5: u64; f6: u64; f7: u64;
  f8: u64; f9: u64; f10: u64; f11: u64; f12: u64; f13: u64; f14: u64; f15: u64;
  f16: u64; f17: u64; f18: u64; f19: u64; f20: u64; f21: u64; f22: u64; f23: u64;
  f24: u64; f25: u64; f26: u64; f27: u64; f28: u64; f29: u64; f30: u64; f31: u64;
  fflags: u32; // accrued exceptions: NV 16, DZ 8, OF 4, UF 2, NX 1
  frm: u32;

  hartId: u32;
  prv: u32; // 0 U, 1 S, 3 M
  virt: u32; // V: 1 while a guest runs
  waiting: u32; // 1 after WFI, until an enabled interrupt is pending

  // Translation contexts chosen for the present mode (see tlb.ts); addresses in linear memory.
  fetchContext: u32;
  dataContext: u32;
  contextClock: u32; // stamps contexts for least-recently-used replacement
  reservationValid: u32;
  reservationAddress: u64; // physical address of the last LR

  // Counters. `instret` counts up to the start of the present slice.
  instret: u64;
  mcycleOffset: u64;

  // Machine level
  mstatus: u64;
  medeleg: u64;
  mideleg: u64;
  mie: u64;
  mipSoftware: u64; // bits of mip that software wrote
  mipLines: u64; // bits of mip that devices drive: MSIP, MEIP, SEIP
  mtvec: u64;
  mcounteren: u64;
  mscratch: u64;
  mepc: u64;
  mcause: u64;
  mtval: u64;
  mtval2: u64;
  mtinst: u64;
  menvcfg: u64;
  mstateen0: u64; mstateen1: u64; mstateen2: u64; mstateen3: u64;
  mtimecmp: u64; // ACLINT MTIMER, in timebase ticks
  pmpcfg0: u64; pmpcfg2: u64;
  pmpaddr0: u64; pmpaddr1: u64; pmpaddr2: u64; pmpaddr3: u64;
  pmpaddr4: u64; pmpaddr5: u64; pmpaddr6: u64; pmpaddr7: u64;
  pmpaddr8: u64; pmpaddr9: u64; pmpaddr10: u64; pmpaddr11: u64;
  pmpaddr12: u64; pmpaddr13: u64; pmpaddr14: u64; pmpaddr15: u64;

  // Supervisor level (HS when the hypervisor extension is in use)
  stvec: u64;
  scounteren: u64;
  sscratch: u64;
  sepc: u64;
  scause: u64;
  stval: u64;
  satp: u64;
  senvcfg: u64;
  stimecmp: u64;
  sstateen0: u64; sstateen1: u64; sstateen2: u64; sstateen3: u64;

  // Hypervisor
  hstatus: u64;
  hedeleg: u64;
  hideleg: u64;
  hvip: u64;
  hgeie: u64;
  hgeip: u64;
  hcounteren: u64;
  henvcfg: u64;
  htimedelta: u64;
  htval: u64;
  htinst: u64;
  hgatp: u64;
  hstateen0: u64; hstateen1: u64; hstateen2: u64; hstateen3: u64;

  // Virtual supervisor
  vsstatus: u64;
  vstvec: u64;
  vsscratch: u64;
  vsepc: u64;
  vscause: u64;
  vstval: u64;
  vsatp: u64;
  vstimecmp: u64;

  // Counts of traps by where they came from and went to, for verdicts and charts.
  exitsToHypervisor: u64; // traps from V=1 to HS or M
  trapsTaken: u64;
}
