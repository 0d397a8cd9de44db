/**
 * Differences of QEMU before version 8: verified with 7.2.22.
 *
 * @module
 */

import { pte } from "./address_space.ts";
import { isVirtual } from "./case.ts";
import {
  guestAddresses,
  isAccessFault,
  isFromBreakpoint,
  isGuestPageFault,
  isInPageTables,
  isPageFault,
  isStoreException,
  nearestTrap,
  omitSteps,
  signBit,
  stepOf,
  withoutReservedBits,
} from "./difference_facts.ts";
import type { KnownDifference } from "./known_difference.ts";
import { slot } from "./layout.ts";

const MXR = 1n << 19n,
  GVA = 1n << 38n,
  ADUE = 1n << 61n,
  PBMTE = 1n << 62n,
  STCE = 1n << 63n;

/** The table. */
export const qemu7Differences: readonly KnownDifference[] = [
  {
    name: "no Svadu, and PBMTE of one stage for both",
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
    reason: "came with QEMU 8.0 and later",
    adapt: omitSteps((step) =>
      step.tags.some((tag) => tag === "Zicbom" || tag === "Zicond" || tag === "Zawrs")
    ),
  },
  {
    name: "HLV, HSV and MPRV of 7.2",
    reason:
      "7.2 checks the permissions of HLV, HSV and of MPRV with MPV against the wrong status and " +
      "mode (hypervisor chapter, Virtual-Machine Load and Store Instructions; mstatus.MPRV)",
    adapt: omitSteps(({ tags }) => tags.includes("HLV") || tags.includes("MPV")),
  },
  {
    name: "faults of AMOs are those of loads",
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
    reason: "a page table entry that cannot be read is an access fault (supervisor chapter, Sv32 " +
      "algorithm, step 2); 7.2 raises a page fault",
    endsComparison: ({ field, kind }, { oracle, subject }) =>
      /cause$/.test(kind) && nearestTrap(field, subject).some(isAccessFault) &&
      nearestTrap(field, oracle).some(isPageFault),
  },
  {
    name: "virtual instructions of 7.2",
    reason:
      "an HS-qualified instruction or CSR access in VU-mode is a virtual-instruction exception " +
      "(hypervisor chapter, Trap Cause Codes); 7.2 raises an illegal-instruction one for some",
    endsComparison: ({ field, kind }, { oracle, subject }) =>
      /cause$/.test(kind) && nearestTrap(field, subject).includes(22n) &&
      nearestTrap(field, oracle).some((cause) => cause === 1n || cause === 2n),
  },
  {
    name: "kind of access in guest-page faults of 7.2",
    reason: "a guest-page fault of a VS-stage walk is reported for the original access type " +
      "(hypervisor chapter, Two-Stage Address Translation); 7.2 reports a load",
    endsComparison: ({ field, kind }, { oracle, subject }) =>
      kind.startsWith("trap") && nearestTrap(field, oracle).includes(21n) &&
      nearestTrap(field, subject).some((cause) => cause === 20n || cause === 23n),
  },
  {
    name: "reserved bits of page table entries",
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
    reason:
      "only interrupt numbers are lowered by one for VS-mode (hypervisor chapter, hideleg); 7.2 " +
      "does it to exceptions 2, 6 and 10 also",
    explains: ({ kind, expected, actual }) =>
      /vscause$/.test(kind) && expected === actual - 1n &&
      (actual === 2n || actual === 6n || actual === 10n),
  },
  {
    name: "SC that fails without looking at its address",
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
    reason: "SFENCE.W.INVAL and SFENCE.INVAL.IR raise in U and VU (Svinval); 7.2 lets them pass",
    adapt: omitSteps(({ tags }) => tags.includes("Svinval ordering")),
  },
  {
    name: "MXR in guests",
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
    reason:
      "mtval is the address of the access (machine chapter, mtval); 7.2 splits it into aligned " +
      "parts and reports the address of one",
    explains: ({ field, kind, expected, actual }, { subject }) =>
      /tval$/.test(kind) && nearestTrap(field, subject).some(isAccessFault) &&
      (expected === (actual & ~7n) || expected === (actual & ~3n) || expected === (actual & ~1n)),
  },
  {
    name: "VTVM and satp",
    reason:
      "with hstatus.VTVM any access to satp from VS-mode is a virtual instruction (hypervisor " +
      "chapter, hstatus); 7.2 lets accesses without effect pass",
    endsComparison: ({ field, kind }, { testCase, subject }) =>
      kind.startsWith("trap") && nearestTrap(field, subject).includes(22n) &&
      stepOf(field, subject, testCase)?.tags.includes("csr satp") === true,
  },
  {
    name: "no instruction in mtval",
    reason:
      "mtval of an illegal or virtual instruction is the instruction or zero (machine chapter, " +
      "mtval); 7.2 has zero where it raises them while executing",
    explains: ({ field, kind, expected }, { subject }) =>
      expected === 0n && /tval$/.test(kind) &&
      nearestTrap(field, subject).some((cause) => cause === 2n || cause === 22n),
  },
  {
    name: "EBREAK without address",
    reason: "mtval is zero or the address of the EBREAK (machine chapter, mtval); 7.2 has zero",
    explains: ({ field, kind, expected, actual }, { subject }) =>
      (expected === 0n && /tval$/.test(kind) && isFromBreakpoint(actual, field, subject)) ||
      (/mstatus$/.test(kind) && actual === (expected | GVA) &&
        nearestTrap(field, subject).some((cause) => cause === 3n)),
    adapt: omitSteps(({ tags }) => tags.some((tag) => /^csr (m|s|vs)tval$/.test(tag))),
  },
  {
    name: "instruction across the end of memory",
    reason: "7.2 stops with a failed assertion when the second page of an instruction is no memory",
    adapt: omitSteps(({ tags }) => tags.includes("straddling fetch")),
  },
  {
    name: "CTZW looks at the upper half",
    reason: "CTZW of a word of zeros is 32 (Zbb); 7.2 goes on counting in the upper half",
    adapt: omitSteps(({ tags }) => tags.includes("ctzw")),
  },
  {
    name: "code on user pages with SUM",
    reason:
      "SUM never lets S-mode run code of a user page (supervisor chapter, sstatus.SUM); in 7.2 a " +
      "load that SUM permits opens the page for fetches also",
    endsComparison: ({ kind, field }, { testCase, subject }) =>
      kind.startsWith("trap") && nearestTrap(field, subject).includes(12n) &&
      (testCase.mode === "HS" || testCase.mode === "VS"),
  },
  {
    name: "G-stage permission of A/D updates",
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
    reason:
      "a reserved Svnapot encoding is a page fault and changes nothing (Svnapot); 7.2 updates A " +
      "and D before it looks",
    explains: ({ field, kind, expected, actual }) =>
      kind === "memory" && isInPageTables(field) && (actual & pte.N) !== 0n &&
      expected === (actual | (expected & (pte.A | pte.D))),
  },
  {
    name: "reserved modes of hgatp and vsatp",
    reason:
      "MODE is WARL and must not show an unsupported scheme (hypervisor chapter, hgatp, vsatp); " +
      "7.2 stores any, and stops with a failed assertion when it translates with one",
    adapt: omitSteps(({ tags }) => tags.some((tag) => /^csr (vs|hg)atp$/.test(tag))),
  },
];
