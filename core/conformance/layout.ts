/**
 * Where everything of a test run lies in physical memory.
 *
 * A run is one flat image at the start of RAM: the monitor (`monitor.ts`), then one slot a case. A
 * slot holds all that a case may touch: its page tables, trampolines, code, initial and final
 * registers, the log of its traps and its data frames. Slots are a power of two in size and aligned
 * to it, so a case sees the same addresses whichever other cases run beside it.
 *
 * @module
 */

/** Start of RAM, and of the image. */
export const ramBase = 0x8000_0000;
/** RAM the engines provide. The top belongs to the engine (QEMU puts its device tree there). */
export const ramSizeBytes = 0x1000_0000;
/** The monitor's own data: number of cases, next case, see `monitor.ts`. */
export const driverBlock = ramBase + 0x4000;
/** Spike-style end marker: the monitor writes 1 here before it writes the test finisher. */
export const toHost = ramBase + 0x5000;
/** First slot. */
export const firstSlot = ramBase + 0x20_0000;
export const slotSizeBytes = 0x2_0000;
/** Most cases one run can hold. */
export const slotLimit = 768;
/** Distance from a slot to its copy, from which it is restored when cases run several times. */
export const mirrorDistanceBytes = slotLimit * slotSizeBytes;

/** Offsets of the parts of a slot. */
export const slot = {
  /** Root of the G-stage tables: 16 KiB, aligned to 16 KiB (Privileged, hgatp). */
  gStageRoot: 0x0000,
  /** Further G-stage tables, one page a level. */
  gStageTables: 0x4000,
  /** VS-stage tables (`vsatp`), one page a level, root first. */
  vsStageTables: 0x8000,
  /** Tables for `satp`, one page a level, root first. */
  sStageTables: 0xd000,
  /** Trap vectors of HS and VS mode. */
  trampolines: 0x1_2000,
  /** The case's instructions. */
  code: 0x1_3000,
  codeSizeBytes: 0x2000,
  /** Initial and final registers, see {@link context}. */
  context: 0x1_5000,
  /** Trap records, see {@link trapRecord}. */
  log: 0x1_6000,
  logSizeBytes: 0x2000,
  /** Frames that the case may read, write and run. */
  data: 0x1_8000,
  dataSizeBytes: 0x8000,
} as const;

/** Offsets within the context page. */
export const context = {
  initialX: 0x000,
  initialF: 0x100,
  finalX: 0x200,
  finalF: 0x300,
  initialCsrs: 0x400,
  finalCsrs: 0x540,
  control: 0x700,
} as const;

/** Fields of the control block, one doubleword each. */
export const control = {
  /** 0: enter with SRET, 1: enter with MRET. */
  enterWithMret: 0x00,
  /** Virtual address of the first slot of code, and of the end of the last one. */
  codeStart: 0x08,
  codeEnd: 0x10,
  /** Virtual addresses of the trap vectors. */
  sTrampoline: 0x18,
  vsTrampoline: 0x20,
  /** Physical addresses of the next free trap record and of the end of the log. */
  logNext: 0x28,
  logEnd: 0x30,
  /** Written at the end, see {@link caseStatus}. */
  status: 0x38,
  /** Initial `fcsr`. */
  fcsr: 0x40,
  /** Final `fcsr`. */
  finalFcsr: 0x48,
} as const;

/** How a case ended. */
export const caseStatus = { notRun: 0, finished: 1, logFull: 2 } as const;

/** Bytes of code that a step may take; traps resume at the next multiple. */
export const stepSizeBytes = 16;

/** Size of the vector table in a trampoline: 128 ECALLs; its SRET follows. */
export const trampolineVectorBytes = 0x200;
/** Distance between the trampoline for HS mode and that for VS mode. */
export const trampolineDistanceBytes = 0x800;

/** CSRs in a trap record, in order. */
export const trapRecord = [
  "mcause",
  "mepc",
  "mtval",
  "mtval2",
  "mtinst",
  "mstatus",
  "hstatus",
  "scause",
  "sepc",
  "stval",
  "htval",
  "htinst",
  "vscause",
  "vsepc",
  "vstval",
  "vsstatus",
] as const;

export const trapRecordBytes = trapRecord.length * 8;

/**
 * CSRs a case starts with, in the order they are written. `menvcfg` stands before `mip` and
 * `stimecmp` because `menvcfg.STCE` decides who drives `mip.STIP` (Sstc).
 */
export const initialCsrs = [
  "medeleg",
  "mideleg",
  "mie",
  "menvcfg",
  "mip",
  "mcounteren",
  "stvec",
  "sscratch",
  "scounteren",
  "senvcfg",
  "scause",
  "stval",
  "satp",
  "stimecmp",
  "hedeleg",
  "hideleg",
  "hvip",
  "hcounteren",
  "henvcfg",
  "htval",
  "htinst",
  "hgatp",
  "htimedelta",
  "vsstatus",
  "vstvec",
  "vsscratch",
  "vsepc",
  "vscause",
  "vstval",
  "vsatp",
  "vstimecmp",
  "hstatus",
  "sepc",
  "mcause",
  "mtval",
  "mtval2",
  "mtinst",
  "mepc",
  "mstatus",
] as const;

export type InitialCsr = typeof initialCsrs[number];

/** CSRs saved when a case ends, in order. Those of traps into M-mode come first, see `monitor.ts`. */
export const finalCsrs = [
  ...trapRecord,
  "medeleg",
  "mideleg",
  "mie",
  "mip",
  "mcounteren",
  "menvcfg",
  "sstatus",
  "sie",
  "sip",
  "stvec",
  "scounteren",
  "senvcfg",
  "sscratch",
  "satp",
  "stimecmp",
  "hedeleg",
  "hideleg",
  "hie",
  "hip",
  "hvip",
  "hcounteren",
  "henvcfg",
  "hgatp",
  "htimedelta",
  "vsie",
  "vsip",
  "vstvec",
  "vsscratch",
  "vsatp",
  "vstimecmp",
] as const;

export type FinalCsr = typeof finalCsrs[number];
