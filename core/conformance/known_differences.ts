/**
 * Where an oracle is known to deviate from the specification, or where the specification leaves a
 * choice and an oracle has made another one than this project. The specification decides; each entry
 * names the section and is as narrow as possible.
 *
 * An entry acts in one of three ways: it changes the case before anything runs it (`adapt`: both
 * engines get the same changed case), it explains single differences afterwards (`explains`), or it
 * explains where the engines part (`endsComparison`).
 *
 * @module
 */

import { entryBytes, pte } from "./address_space.ts";
import { encode } from "./assembler.ts";
import { addressIn, isVirtual, type Step, stepOfBytes, type TestCase } from "./case.ts";
import {
  slot,
  stepSizeBytes,
  trampolineDistanceBytes,
  trampolineVectorBytes,
  trapRecord,
} from "./layout.ts";
import type { CaseResult, Difference } from "./result.ts";

/** Both results of a case, and what tells them apart. */
export interface Comparison {
  readonly testCase: TestCase;
  /** What the oracle left. */
  readonly oracle: CaseResult;
  /** What the engine under test left. */
  readonly subject: CaseResult;
}

/** One row of the table. */
export interface KnownDifference {
  readonly name: string;
  /** Which oracles have it: the version of QEMU as a number, or false for any other engine. */
  readonly oracles: (qemuMajor: number) => boolean;
  /** Why the oracle does not count here. */
  readonly reason: string;
  readonly adapt?: (testCase: TestCase) => TestCase;
  readonly explains?: (difference: Difference, comparison: Comparison) => boolean;
  /** Explains a difference after which the engines go different ways: the rest is not compared. */
  readonly endsComparison?: (difference: Difference, comparison: Comparison) => boolean;
}

const any = () => true;
const before8 = (major: number) => major < 8;
const since8 = (major: number) => major >= 8;

const TVM = 1n << 20n, TSR = 1n << 22n;
const FS = 3n << 13n,
  MXR = 1n << 19n,
  GVA = 1n << 38n,
  MPV = 1n << 39n,
  hstatusGva = 1n << 6n,
  SD = 1n << 63n;
const ADUE = 1n << 61n, PBMTE = 1n << 62n, STCE = 1n << 63n;

/** The table. */
export const knownDifferences: readonly KnownDifference[] = [
  {
    name: "mstatus.GVA is not cleared",
    oracles: any,
    reason:
      "mstatus.GVA is 0 for a trap that writes no guest virtual address (hypervisor chapter, " +
      "mstatus). QEMU sets it for every trap with V=1 and a nonzero mtval, instructions in mtval " +
      "included, and never clears it",
    explains: ({ kind, expected, actual }) =>
      (kind === "trap mstatus" || kind === "csr mstatus") && (actual & GVA) === 0n &&
      expected === (actual | GVA),
  },
  {
    name: "hstatus.GVA for instruction bits",
    oracles: any,
    reason: "hstatus.GVA is 0 for a trap that writes no guest virtual address; QEMU sets it for " +
      "illegal and virtual instructions of a guest",
    explains: ({ kind, expected, actual }, { subject }) =>
      (kind === "trap hstatus" || kind === "csr hstatus") && (actual & hstatusGva) === 0n &&
      expected === (actual | hstatusGva) &&
      subject.traps.some(({ scause }) => scause === 2n || scause === 22n),
  },
  {
    name: "vsstatus.SD",
    oracles: any,
    reason:
      "vsstatus.SD summarises vsstatus.FS (hypervisor chapter, vsstatus). QEMU computes SD for " +
      "vsstatus only when VS-mode itself reads sstatus",
    explains: ({ kind, expected, actual }) =>
      (kind === "trap vsstatus" || kind === "csr vsstatus") && (actual & SD) !== 0n &&
      expected === (actual & ~SD),
  },
  {
    name: "trap instruction left out",
    oracles: any,
    reason:
      "mtinst and htinst may be zero instead of a transformed instruction (hypervisor chapter, " +
      "Transformed Instruction). 7.2 gives them for guest-page faults only",
    explains: ({ kind, expected, actual }) =>
      /tinst$/.test(kind) && expected === 0n && actual !== 0n && (actual & 3n) !== 0n,
  },
  {
    name: "htval, htinst and hstatus.GVA outside of HS traps",
    oracles: any,
    reason:
      "a trap into VS-mode leaves hstatus, htval and htinst alone (hypervisor chapter, Trap " +
      "Entry); QEMU writes them as for HS. And its CSR write to htinst has no effect, which WARL " +
      "allows, so that the trap instruction of an earlier case is still there",
    explains: ({ field, kind, expected, actual }, { testCase, subject }) =>
      (/ht(val|inst)$/.test(kind) ||
        (/hstatus$/.test(kind) && (expected | hstatusGva) === (actual | hstatusGva))) &&
      !isTrapIntoHsLatest(field, subject, testCase),
  },
  {
    name: "no Svadu, and PBMTE of one stage for both",
    oracles: before8,
    reason: "before 8.0 QEMU always updates A and D bits and has no ADUE; it does not make " +
      "henvcfg.PBMTE read-only zero when menvcfg.PBMTE is 0, nor look at it (Svpbmt)",
    adapt: (testCase) => {
      const { menvcfg = 0n, henvcfg = 0n } = testCase.csrs;
      const both = ADUE | PBMTE;
      const csrs = { ...testCase.csrs, menvcfg: menvcfg | both, henvcfg: henvcfg | both };
      return { ...testCase, csrs };
    },
    explains: ({ kind, expected, actual }) =>
      (kind === "csr menvcfg" || kind === "csr henvcfg") &&
      (expected & ~(ADUE | PBMTE | STCE)) === (actual & ~(ADUE | PBMTE | STCE)),
  },
  {
    name: "no Zicbom, Zicboz, Zicond, Zawrs",
    oracles: before8,
    reason: "came with QEMU 8.0 and later",
    adapt: omitSteps((step) =>
      step.tags.some((tag) => tag === "Zicbom" || tag === "Zicond" || tag === "Zawrs")
    ),
  },
  {
    name: "mstatus.MPV cannot be written",
    oracles: since8,
    reason:
      "mstatus.MPV is an ordinary writable field (hypervisor chapter, mstatus); CSR writes to it " +
      "have no effect in QEMU 11.1, so MPRV with MPV=1 cannot be reached",
    adapt: omitSteps((step) => step.tags.includes("MPV")),
  },
  {
    name: "HLV, HSV and MPRV of 7.2",
    oracles: before8,
    reason:
      "7.2 checks the permissions of HLV, HSV and of MPRV with MPV against the wrong status and " +
      "mode (hypervisor chapter, Virtual-Machine Load and Store Instructions; mstatus.MPRV)",
    adapt: omitSteps(({ tags }) => tags.includes("HLV") || tags.includes("MPV")),
  },
  {
    name: "faults of AMOs are those of loads",
    oracles: before8,
    reason:
      "an AMO raises store faults only (machine chapter, mcause); 7.2 translates a load first " +
      "and reports that",
    endsComparison: ({ field, kind }, { testCase, subject }) =>
      kind.startsWith("trap") && nearestTrap(field, subject).some(isStoreException) &&
      stepOf(field, subject, testCase)?.tags.includes("AMO") === true,
    explains: ({ field, kind, expected, actual }, { testCase }) =>
      kind === "memory" && isInPageTables(field) &&
      (expected | pte.A | pte.D) === (actual | pte.A | pte.D) &&
      testCase.steps.some(({ tags }) => tags.includes("AMO")),
  },
  {
    name: "page tables outside of RAM",
    oracles: before8,
    reason: "a page table entry that cannot be read is an access fault (supervisor chapter, Sv32 " +
      "algorithm, step 2); 7.2 raises a page fault",
    endsComparison: ({ field, kind }, { oracle, subject }) =>
      /cause$/.test(kind) && nearestTrap(field, subject).some(isAccessFault) &&
      nearestTrap(field, oracle).some(isPageFault),
  },
  {
    name: "virtual instructions of 7.2",
    oracles: before8,
    reason:
      "an HS-qualified instruction or CSR access in VU-mode is a virtual-instruction exception " +
      "(hypervisor chapter, Trap Cause Codes); 7.2 raises an illegal-instruction one for some",
    endsComparison: ({ field, kind }, { oracle, subject }) =>
      /cause$/.test(kind) && nearestTrap(field, subject).includes(22n) &&
      nearestTrap(field, oracle).some((cause) => cause === 1n || cause === 2n),
  },
  {
    name: "kind of access in guest-page faults of 7.2",
    oracles: before8,
    reason: "a guest-page fault of a VS-stage walk is reported for the original access type " +
      "(hypervisor chapter, Two-Stage Address Translation); 7.2 reports a load",
    endsComparison: ({ field, kind }, { oracle, subject }) =>
      kind.startsWith("trap") && nearestTrap(field, oracle).includes(21n) &&
      nearestTrap(field, subject).some((cause) => cause === 20n || cause === 23n),
  },
  {
    name: "reserved bits of page table entries",
    oracles: before8,
    reason:
      "reserved bits, PBMT = 3, and N or PBMT in a pointer are page faults (supervisor chapter, " +
      "Sv39; Svnapot; Svpbmt); 7.2 ignores them",
    adapt: (testCase) => ({
      ...testCase,
      memory: testCase.memory.map((patch) =>
        patch.offset < slot.trampolines
          ? { ...patch, bytes: withoutReservedBits(patch.bytes) }
          : patch
      ),
    }),
  },
  {
    name: "vscause of delegated exceptions",
    oracles: before8,
    reason:
      "only interrupt numbers are lowered by one for VS-mode (hypervisor chapter, hideleg); 7.2 " +
      "does it to exceptions 2, 6 and 10 also",
    explains: ({ kind, expected, actual }) =>
      /vscause$/.test(kind) && expected === actual - 1n &&
      (actual === 2n || actual === 6n || actual === 10n),
  },
  {
    name: "SC that fails without looking at its address",
    oracles: before8,
    reason:
      "a misaligned SC raises an exception (Zalrsc), and the project checks the address of an SC " +
      "without a reservation like any store's; 7.2 lets it fail silently",
    endsComparison: ({ field, kind }, { testCase, subject }) =>
      kind.startsWith("trap") && nearestTrap(field, subject).some(isStoreException) &&
      stepOf(field, subject, testCase)?.tags.includes("SC") === true,
    explains: ({ field, kind, expected, actual }, { testCase }) =>
      kind === "memory" && isInPageTables(field) && actual === (expected | pte.A | pte.D) &&
      testCase.steps.some(({ tags }) => tags.includes("SC")),
  },
  {
    name: "SFENCE.W.INVAL in U-mode",
    oracles: before8,
    reason: "SFENCE.W.INVAL and SFENCE.INVAL.IR raise in U and VU (Svinval); 7.2 lets them pass",
    adapt: omitSteps(({ tags }) => tags.includes("Svinval ordering")),
  },
  {
    name: "MXR in guests",
    oracles: before8,
    reason:
      "the HS-level MXR counts in both stages, that of vsstatus in the VS-stage only (hypervisor " +
      "chapter, Two-Stage Address Translation); 7.2 uses the one of vsstatus for everything",
    adapt: (testCase) => {
      if (!isVirtual(testCase.mode)) return testCase;
      const { mstatus = 0n, vsstatus = 0n } = testCase.csrs;
      const csrs = { ...testCase.csrs, mstatus: mstatus & ~MXR, vsstatus: vsstatus & ~MXR };
      return omitSteps(({ tags }) => tags.includes("MXR"))({ ...testCase, csrs });
    },
  },
  {
    name: "upper quarters of guest-physical memory",
    oracles: before8,
    reason: "guest-physical addresses are two bits wider than virtual ones and not sign-extended " +
      "(hypervisor chapter, Guest Physical Address Translation); 7.2 raises a guest-page fault there",
    endsComparison: ({ field, kind }, { testCase, oracle }) =>
      kind.startsWith("trap") && nearestTrap(field, oracle).some(isGuestPageFault) &&
      guestAddresses(field, oracle).some((address) =>
        address >> signBit((testCase.csrs.hgatp ?? 0n) >> 60n) !== 0n
      ),
  },
  {
    name: "address of a misaligned access fault",
    oracles: before8,
    reason:
      "mtval is the address of the access (machine chapter, mtval); 7.2 splits it into aligned " +
      "parts and reports the address of one",
    explains: ({ field, kind, expected, actual }, { subject }) =>
      /tval$/.test(kind) && nearestTrap(field, subject).some(isAccessFault) &&
      (expected === (actual & ~7n) || expected === (actual & ~3n) || expected === (actual & ~1n)),
  },
  {
    name: "VTVM and satp",
    oracles: before8,
    reason:
      "with hstatus.VTVM any access to satp from VS-mode is a virtual instruction (hypervisor " +
      "chapter, hstatus); 7.2 lets accesses without effect pass",
    endsComparison: ({ field, kind }, { testCase, subject }) =>
      kind.startsWith("trap") && nearestTrap(field, subject).includes(22n) &&
      stepOf(field, subject, testCase)?.tags.includes("csr satp") === true,
  },
  {
    name: "no instruction in mtval",
    oracles: before8,
    reason:
      "mtval of an illegal or virtual instruction is the instruction or zero (machine chapter, " +
      "mtval); 7.2 has zero where a helper raises it",
    explains: ({ field, kind, expected }, { subject }) =>
      expected === 0n && /tval$/.test(kind) &&
      nearestTrap(field, subject).some((cause) => cause === 2n || cause === 22n),
  },
  {
    name: "EBREAK without address",
    oracles: before8,
    reason: "mtval is zero or the address of the EBREAK (machine chapter, mtval); 7.2 has zero",
    explains: ({ field, kind, expected, actual }, { subject }) =>
      ((expected === 0n && /tval$/.test(kind)) ||
        (/mstatus$/.test(kind) && actual === (expected | GVA))) &&
      nearestTrap(field, subject).some((cause) => cause === 3n),
    adapt: omitSteps(({ tags }) => tags.some((tag) => /^csr (m|s|vs)tval$/.test(tag))),
  },
  {
    name: "instruction across the end of memory",
    oracles: before8,
    reason: "7.2 stops with a failed assertion when the second page of an instruction is no memory",
    adapt: omitSteps(({ tags }) => tags.includes("straddling fetch")),
  },
  {
    name: "CTZW looks at the upper half",
    oracles: before8,
    reason: "CTZW of a word of zeros is 32 (Zbb); 7.2 goes on counting in the upper half",
    adapt: omitSteps(({ tags }) => tags.includes("ctzw")),
  },
  {
    name: "code on user pages with SUM",
    oracles: before8,
    reason:
      "SUM never lets S-mode run code of a user page (supervisor chapter, sstatus.SUM); in 7.2 a " +
      "load that SUM permits opens the page for fetches also",
    endsComparison: ({ kind, field }, { testCase, subject }) =>
      kind.startsWith("trap") && nearestTrap(field, subject).includes(12n) &&
      (testCase.mode === "HS" || testCase.mode === "VS"),
  },
  {
    name: "G-stage permission of A/D updates",
    oracles: before8,
    reason:
      "the update of a VS-stage entry needs write permission in the G-stage (hypervisor chapter, " +
      "Guest Physical Address Translation); 7.2 does not ask for it",
    endsComparison: ({ kind, field }, { subject }) => {
      const trap = subject.traps[Number(/^trap (\d+)/.exec(field)?.[1])];
      return kind.startsWith("trap") && (trap?.mtinst === 0x3020n || trap?.htinst === 0x3020n);
    },
  },
  {
    name: "A and D bits of reserved Svnapot entries",
    oracles: before8,
    reason:
      "a reserved Svnapot encoding is a page fault and changes nothing (Svnapot); 7.2 updates A " +
      "and D before it looks",
    explains: ({ field, kind, expected, actual }) =>
      kind === "memory" && isInPageTables(field) && (actual & pte.N) !== 0n &&
      expected === (actual | (expected & (pte.A | pte.D))),
  },
  {
    name: "GVA of breakpoints and misaligned addresses",
    oracles: any,
    reason:
      "EBREAK and misaligned accesses of a guest write a guest virtual address, so GVA is 1 " +
      "(hypervisor chapter, hstatus.GVA lists both); QEMU leaves it 0",
    explains: ({ kind, expected, actual }, { subject }) =>
      /hstatus$/.test(kind) && actual === (expected | hstatusGva) &&
      subject.traps.some(({ scause }) => scause === 3n || scause === 4n || scause === 6n),
  },
  {
    name: "GVA of HLV from M-mode",
    oracles: any,
    reason:
      "a fault of HLV, HLVX, HSV or of an access through MPRV with MPV writes a guest virtual " +
      "address: GVA is 1 (hypervisor chapter, mstatus.GVA). QEMU sets it for V=1 only",
    explains: ({ kind, expected, actual }) =>
      (kind === "trap mstatus" || kind === "csr mstatus") && (expected & MPV) === 0n &&
      actual === (expected | GVA),
  },
  {
    name: "FS after writes to fcsr",
    oracles: any,
    reason:
      "a CSR write that alters fcsr makes FS dirty, one that alters nothing may (machine chapter, " +
      "mstatus.FS). QEMU leaves FS alone",
    explains: ({ kind, expected, actual }) =>
      / (m|s|vs)status$/.test(kind) && (actual & FS) === FS && (expected & FS) !== 0n &&
      (expected | FS | SD | GVA) === (actual | SD | GVA),
  },
  {
    name: "htval and mtval2 of other traps",
    oracles: any,
    reason:
      "htval and mtval2 are zero for all but guest-page faults (hypervisor chapter, htval); QEMU " +
      "leaves there what an earlier walk found",
    explains: ({ field, kind, expected, actual }, { subject }) => {
      const trap =
        subject.traps[Number(/^trap (\d+)/.exec(field)?.[1] ?? subject.traps.length - 1)];
      const cause = /mtval2$/.test(kind) ? trap?.mcause : trap?.scause;
      return /(mtval2|htval)$/.test(kind) && expected !== 0n && actual === 0n &&
        cause !== undefined && !isGuestPageFault(cause);
    },
  },
  {
    name: "HLV and henvcfg",
    oracles: since8,
    reason:
      "henvcfg.ADUE and PBMTE govern VS-stage translation (hypervisor chapter, henvcfg), also " +
      "that of HLV and MPRV while V=0; QEMU looks at them only while V=1",
    adapt: (testCase) => {
      if (isVirtual(testCase.mode)) return testCase;
      const { menvcfg = 0n, henvcfg = 0n } = testCase.csrs;
      const both = ADUE | PBMTE;
      const aligned = (henvcfg & ~both) | (menvcfg & both);
      return { ...testCase, csrs: { ...testCase.csrs, henvcfg: aligned } };
    },
  },
  {
    name: "SC to no memory",
    oracles: since8,
    reason:
      "an SC without a reservation may fail before it looks whether there is memory (Zalrsc); " +
      "the project's raises the access fault that a store would",
    endsComparison: ({ field, kind }, { testCase, subject }) =>
      kind.startsWith("trap") && nearestTrap(field, subject).includes(7n) &&
      stepOf(field, subject, testCase)?.tags.includes("SC") === true,
  },
  {
    name: "first part of a misaligned store",
    oracles: any,
    reason:
      "of a store across a page end whose second page faults, the first part may be in memory " +
      "(load and store chapter, misaligned accesses); the project writes nothing",
    explains: ({ field, kind }) =>
      kind === "memory" && Number(field.split("+")[1]) % 0x1000 === 0xff8,
  },
  {
    name: "interrupt registers",
    oracles: any,
    reason:
      "hvip has VS bits only and hvip.VSTIP counts beside vstimecmp (hypervisor chapter, hvip, " +
      "hip); QEMU 11.1 keeps other bits and drops VSTIP with Sstc, 7.2 has wrong vsip and sip masks " +
      "and no STIP in guests",
    adapt: (testCase) => {
      const csrs = { ...testCase.csrs, mie: 0n, mip: 0n, hvip: 0n };
      const isAbout = /^csr (hvip|[mshv]+i[ep]|[mh]ideleg|v?stimecmp)$/;
      return omitSteps(({ tags }) => tags.some((tag) => isAbout.test(tag)))({ ...testCase, csrs });
    },
  },
  {
    name: "status registers as results",
    oracles: any,
    reason: "where a field of a register above differs, so does what a program reads of it",
    adapt: (testCase) => ({ ...testCase, steps: testCase.steps.map(withoutStatusResult) }),
  },
  {
    name: "bits 1:0 of hgatp.PPN",
    oracles: any,
    reason: "they always read as zeros (hypervisor chapter, hgatp); QEMU stores them",
    explains: ({ kind, expected, actual }) =>
      kind === "csr hgatp" && (actual & 3n) === 0n && (expected & ~3n) === actual,
  },
  {
    name: "reserved modes of hgatp and vsatp",
    oracles: before8,
    reason:
      "MODE is WARL and must not show an unsupported scheme (hypervisor chapter, hgatp, vsatp); " +
      "7.2 stores any, and stops with a failed assertion when it translates with one",
    adapt: omitSteps(({ tags }) => tags.some((tag) => /^csr (vs|hg)atp$/.test(tag))),
  },
  {
    name: "WFI in VU-mode with TW",
    oracles: any,
    reason:
      "WFI in VU-mode is a virtual instruction only when mstatus.TW is 0 (hypervisor chapter, " +
      "Trap Cause Codes); QEMU does not look at TW there",
    endsComparison: ({ field, kind }, { testCase, oracle, subject }) =>
      kind.startsWith("trap") && nearestTrap(field, subject).includes(2n) &&
      nearestTrap(field, oracle).includes(22n) &&
      stepOf(field, subject, testCase)?.tags.includes("WFI") === true,
  },
  {
    name: "bit 0 of vsepc",
    oracles: any,
    reason:
      "vsepc holds what sepc can hold, bit 0 is zero (hypervisor chapter, vsepc; supervisor " +
      "chapter, sepc); QEMU stores it, " +
      "7.2 in sepc and mepc also",
    explains: ({ kind, expected, actual }) => /epc$/.test(kind) && expected === (actual | 1n),
  },
  {
    name: "TSR and TVM in VS-mode",
    oracles: any,
    reason:
      "mstatus.TSR and TVM affect HS-mode only (hypervisor chapter, mstatus); QEMU lets TSR make " +
      "an SRET of a guest illegal",
    endsComparison: ({ field, kind }, { oracle }) => {
      const trap = oracle.traps[Number(/^trap (\d+)/.exec(field)?.[1])];
      const traps = TSR | TVM;
      return kind.startsWith("trap") && trap !== undefined && (trap.mstatus & traps) !== 0n &&
        nearestTrap(field, oracle).includes(2n);
    },
  },
  {
    name: "AMO looks for a load first",
    oracles: since8,
    reason:
      "an AMO is a store for translation (machine chapter, mcause; supervisor chapter, Sv39 " +
      "walk). QEMU translates a load before: a fault of that wins, though it may be of another " +
      "stage or kind; A is set where the store then faults, D is not where the load does",
    endsComparison: ({ field, kind }, { testCase, oracle, subject }) =>
      kind.startsWith("trap") && stepOf(field, subject, testCase)?.tags.includes("AMO") === true &&
      nearestTrap(field, subject).some(isStoreFault) &&
      nearestTrap(field, oracle).some(isStoreFault),
    explains: ({ field, kind, expected, actual }, { testCase, subject }) =>
      kind === "memory" && isInPageTables(field) &&
      (expected === (actual | pte.A) || actual === (expected | pte.D)) &&
      subject.traps.some((_, i) => stepOf(`trap ${i}`, subject, testCase)?.tags.includes("AMO")),
  },
  {
    name: "order of the parts of a misaligned access",
    oracles: any,
    reason:
      "an access across a page end is made in parts whose order is not specified (supervisor " +
      "chapter, sfence.vma and virtual memory); this project reports the first page's fault first, " +
      "QEMU translates both before it accesses either",
    endsComparison: ({ field, kind }, { testCase, oracle, subject }) => {
      if (!/^trap (m|s|vs)(cause|tval)$/.test(kind)) return false;
      const addresses = (result: CaseResult) => faultAddresses(field, result);
      return stepOf(field, subject, testCase) !== undefined &&
        addresses(subject).some((low) =>
          (low & 0xfffn) >= 0xff9n && addresses(oracle).includes((low | 0xfffn) + 1n)
        );
    },
  },
  {
    name: "MXR reads VS-stage tables",
    oracles: any,
    reason:
      "MXR is about explicit loads (hypervisor chapter, Two-Stage Address Translation); QEMU " +
      "lets it make an execute-only page readable to the VS-stage walk",
    endsComparison: ({ field, kind }, { testCase, subject }) =>
      kind.startsWith("trap") && hasExecuteOnlyTable(testCase) &&
      nearestTrap(field, subject).some(isGuestPageFault),
  },
  {
    name: "CBO checks of two stages",
    oracles: since8,
    reason:
      "a block is accessible to CBO.INVAL, CLEAN, FLUSH when a load or a store is permitted (CMO, " +
      "Page-Fault Exceptions). When a load fails in the G-stage QEMU reports the fault of a store, " +
      "which may be one of the VS-stage",
    adapt: omitSteps(({ tags }) => tags.includes("translated CBO")),
  },
  {
    name: "pseudoinstructions by the kind of access",
    oracles: since8,
    reason:
      "0x3020 means that an A/D update of a VS-stage entry failed, 0x3000 that its read did " +
      "(hypervisor chapter, Transformed Instruction). QEMU takes 0x3020 for stores, 0x3000 for all " +
      "else",
    explains: ({ kind, expected, actual }) =>
      /tinst$/.test(kind) &&
      ((expected === 0x3020n && actual === 0x3000n) ||
        (expected === 0x3000n && actual === 0x3020n)),
  },
  {
    name: "HLVX raises fetch exceptions",
    oracles: any,
    reason:
      "HLVX raises the exceptions of a load (hypervisor chapter, Virtual-Machine Load and Store " +
      "Instructions, note). QEMU raises instruction page faults",
    adapt: omitSteps(({ tags }) => tags.includes("HLVX")),
  },
  {
    name: "CBO address",
    oracles: since8,
    reason: "xtval of a cache-block instruction is the effective address, rs1 (CMO, Page-Fault " +
      "Exceptions). QEMU reports the start of the block",
    explains: ({ kind, expected, actual }) =>
      (/tval$/.test(kind) && expected === (actual & ~63n)) ||
      (/(mtval2|htval)$/.test(kind) && expected === (actual & ~15n)),
  },
];

/** CSRs of which QEMU shows another value somewhere, see the table. */
const differentlyRead =
  /^csr ([mshv]+status|htval|mtval2|[msv]+tval|[msh]envcfg|[msvh]+epc|(v?s|hg)atp)$/;

/** The step without what it reads of a status register: the last instruction's rd becomes x0. */
function withoutStatusResult(step: Step): Step {
  if (!step.tags.some((tag) => differentlyRead.test(tag)) || step.code.length % 4 !== 0) {
    return step;
  }
  const code = step.code.slice();
  const view = new DataView(code.buffer);
  for (let at = 0; at < code.length; at += 4) {
    const word = view.getUint32(at, true);
    const isCsr = (word & 0x7f) === 0x73 && (word & 0x3000) !== 0;
    if (isCsr) view.setUint32(at, (word & ~0xf80) >>> 0, true);
  }
  return { ...step, code };
}

/** Whether an address is in the trap vectors of HS or VS mode. */
function isInVectors(address: bigint, mode: "HS" | "VS", testCase: TestCase): boolean {
  const distance = mode === "HS" ? 0 : trampolineDistanceBytes;
  const start = BigInt(addressIn(testCase.slotIndex, slot.trampolines + distance));
  return address >= start && address < start + BigInt(trampolineVectorBytes);
}

/** Whether, of the traps that did not go to M-mode, the last one up to a field's went to HS. */
function isTrapIntoHsLatest(field: string, { traps }: CaseResult, testCase: TestCase): boolean {
  const trap = /^trap (\d+)/.exec(field);
  for (let i = trap ? Number(trap[1]) : traps.length - 1; i >= 0; i--) {
    const { mepc } = traps[i]!;
    if (isInVectors(mepc, "HS", testCase)) return true;
    if (isInVectors(mepc, "VS", testCase)) return false;
  }
  return false;
}

/** The step a trap began in, through trampolines. */
function stepOf(field: string, { traps }: CaseResult, testCase: TestCase): Step | undefined {
  const number = /^trap (\d+)/.exec(field);
  const trap = number ? traps[Number(number[1])] : undefined;
  if (!trap) return undefined;
  let epc = trap.mepc;
  if (isInVectors(epc, "HS", testCase)) epc = trap.sepc;
  if (isInVectors(epc, "VS", testCase)) epc = trap.vsepc;
  const offset = Number(epc) - addressIn(testCase.slotIndex, slot.code);
  return testCase.steps[Math.floor(offset / stepSizeBytes)];
}

/** Causes of the trap that a field belongs to, at every level; of the last trap for a CSR. */
function nearestTrap(field: string, { traps }: CaseResult): readonly bigint[] {
  const number = /^trap (\d+)/.exec(field);
  const trap = traps[number ? Number(number[1]) : traps.length - 1];
  return trap ? [trap.mcause, trap.scause, trap.vscause] : [];
}

/** Exceptions of stores, misaligned ones included. */
const isStoreException = (cause: bigint) => cause === 6n || isStoreFault(cause);
const isAccessFault = (cause: bigint) => cause === 1n || cause === 5n || cause === 7n;
const isPageFault = (cause: bigint) =>
  cause === 12n || cause === 13n || cause === 15n || isGuestPageFault(cause);
const isStoreFault = (cause: bigint) => cause === 7n || cause === 15n || cause === 23n;
const isGuestPageFault = (cause: bigint) => cause === 20n || cause === 21n || cause === 23n;

/** Fault addresses in a trap record, at every level. */
function faultAddresses(field: string, { traps }: CaseResult): readonly bigint[] {
  const trap = traps[Number(/^trap (\d+)/.exec(field)?.[1])];
  return trap ? [trap.mtval, trap.stval, trap.vstval] : [];
}

/** Guest-physical addresses in a trap record. */
function guestAddresses(field: string, { traps }: CaseResult): readonly bigint[] {
  const trap = traps[Number(/^trap (\d+)/.exec(field)?.[1])];
  return trap ? [trap.mtval2 << 2n, trap.htval << 2n] : [];
}

/** The highest bit of a virtual address in the scheme of a MODE field. */
const signBit = (mode: bigint) => 11n + 9n * (mode - 5n);

/** Whether a VS-stage table lies in a page that the G-stage maps as executable but not readable. */
function hasExecuteOnlyTable({ slotIndex, memory }: TestCase): boolean {
  const isTable = (entry: bigint) => {
    const offset = Number(((entry >> 10n) & 0xfff_ffff_ffffn) << 12n) - addressIn(slotIndex, 0);
    return offset >= slot.vsStageTables && offset < slot.sStageTables;
  };
  return memory.filter(({ offset }) => offset < slot.vsStageTables).some(({ bytes }) => {
    const entry = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
    return isTable(entry) && (entry & pte.X) !== 0n && (entry & pte.R) === 0n;
  });
}

/** An entry with all reserved bits clear. */
function withoutReservedBits(bytes: Uint8Array): Uint8Array {
  let [value = 0n] = new BigUint64Array(bytes.slice().buffer);
  const isPointer = (value & (pte.R | pte.W | pte.X)) === 0n;
  const pbmt = 3n << pte.pbmtShift;
  value &= ~pte.reserved;
  if (isPointer || (value & pbmt) === pbmt) value &= ~pbmt;
  if (isPointer) value &= ~pte.N;
  return entryBytes(value);
}

function isInPageTables(field: string): boolean {
  return Number(field.split("+")[1]) < slot.trampolines;
}

function omitSteps(hasToGo: (step: Step) => boolean): (testCase: TestCase) => TestCase {
  const nothing = stepOfBytes(new Uint8Array(new Uint32Array([encode("addi", 0, 0, 0)]).buffer));
  return (testCase) => ({
    ...testCase,
    steps: testCase.steps.map((step) => hasToGo(step) ? nothing : step),
  });
}

/** Entries that bear on an oracle. */
export function differencesOf(qemuMajor: number): readonly KnownDifference[] {
  return knownDifferences.filter(({ oracles }) => oracles(qemuMajor));
}

/** The case as the entries want it. */
export function adaptCase(testCase: TestCase, entries: readonly KnownDifference[]): TestCase {
  return entries.reduce((adapted, { adapt }) => adapt ? adapt(adapted) : adapted, testCase);
}

/** The differences that no entry explains; `explained` counts by entry. */
export function unexplained(
  found: readonly Difference[],
  comparison: Comparison,
  entries: readonly KnownDifference[],
  explained: Map<string, number>,
): Difference[] {
  const left: Difference[] = [];
  const count = (entry: KnownDifference) =>
    explained.set(entry.name, (explained.get(entry.name) ?? 0) + 1);
  for (const difference of found) {
    const entry = entries.find(({ explains }) => explains?.(difference, comparison));
    if (entry) {
      count(entry);
      continue;
    }
    const end = entries.find(({ endsComparison }) => endsComparison?.(difference, comparison));
    if (end) {
      count(end);
      break;
    }
    left.push(difference);
  }
  return left;
}

/** Fields of a trap record, for entries about traps. */
export const trapFields: readonly string[] = trapRecord;
