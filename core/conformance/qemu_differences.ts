/**
 * Differences of every QEMU: verified with 7.2.22 and 11.1.3.
 *
 * @module
 */

import { pte } from "./address_space.ts";
import {
  faultAddresses,
  hasExecuteOnlyTable,
  isGuestPageFault,
  isInPageTables,
  isTrapIntoHsLatest,
  nearestTrap,
  omitSteps,
  stepOf,
  withoutStatusResult,
} from "./difference_facts.ts";
import type { KnownDifference } from "./known_difference.ts";
import type { CaseResult } from "./result.ts";

const TVM = 1n << 20n,
  TSR = 1n << 22n,
  FS = 3n << 13n,
  GVA = 1n << 38n,
  MPV = 1n << 39n,
  hstatusGva = 1n << 6n,
  SD = 1n << 63n;

/** The table. */
export const qemuDifferences: readonly KnownDifference[] = [
  {
    name: "mstatus.GVA is not cleared",
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
    reason: "hstatus.GVA is 0 for a trap that writes no guest virtual address; QEMU sets it for " +
      "illegal and virtual instructions of a guest",
    explains: ({ kind, expected, actual }, { subject }) =>
      (kind === "trap hstatus" || kind === "csr hstatus") && (actual & hstatusGva) === 0n &&
      expected === (actual | hstatusGva) &&
      subject.traps.some(({ scause }) => scause === 2n || scause === 22n),
  },
  {
    name: "vsstatus.SD",
    reason:
      "vsstatus.SD summarises vsstatus.FS (hypervisor chapter, vsstatus). QEMU computes SD for " +
      "vsstatus only when VS-mode itself reads sstatus",
    explains: ({ kind, expected, actual }) =>
      (kind === "trap vsstatus" || kind === "csr vsstatus") && (actual & SD) !== 0n &&
      expected === (actual & ~SD),
  },
  {
    name: "trap instruction left out",
    reason:
      "mtinst and htinst may be zero instead of a transformed instruction (hypervisor chapter, " +
      "Transformed Instruction). 7.2 gives them for guest-page faults only",
    explains: ({ kind, expected, actual }) =>
      /tinst$/.test(kind) && expected === 0n && actual !== 0n && (actual & 3n) !== 0n,
  },
  {
    name: "htval, htinst and hstatus.GVA outside of HS traps",
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
    name: "GVA of breakpoints and misaligned addresses",
    reason:
      "EBREAK and misaligned accesses of a guest write a guest virtual address, so GVA is 1 " +
      "(hypervisor chapter, hstatus.GVA lists both); QEMU leaves it 0",
    explains: ({ kind, expected, actual }, { subject }) =>
      /hstatus$/.test(kind) && actual === (expected | hstatusGva) &&
      subject.traps.some(({ scause }) => scause === 3n || scause === 4n || scause === 6n),
  },
  {
    name: "GVA of HLV from M-mode",
    reason:
      "a fault of HLV, HLVX, HSV or of an access through MPRV with MPV writes a guest virtual " +
      "address: GVA is 1 (hypervisor chapter, mstatus.GVA). QEMU sets it for V=1 only",
    explains: ({ kind, expected, actual }) =>
      (kind === "trap mstatus" || kind === "csr mstatus") && (expected & MPV) === 0n &&
      actual === (expected | GVA),
  },
  {
    name: "FS after writes to fcsr",
    reason:
      "a CSR write that alters fcsr makes FS dirty, one that alters nothing may (machine chapter, " +
      "mstatus.FS). QEMU leaves FS alone",
    explains: ({ kind, expected, actual }) =>
      / (m|s|vs)status$/.test(kind) && (actual & FS) === FS && (expected & FS) !== 0n &&
      (expected | FS | SD | GVA) === (actual | SD | GVA),
  },
  {
    name: "htval and mtval2 of other traps",
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
    name: "first part of a misaligned store",
    reason:
      "of a store across a page end whose second page faults, the first part may be in memory " +
      "(load and store chapter, misaligned accesses); the project writes nothing",
    explains: ({ field, kind }) =>
      kind === "memory" && Number(field.split("+")[1]) % 0x1000 === 0xff8,
  },
  {
    name: "interrupt registers",
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
    reason: "where a field of a register above differs, so does what a program reads of it",
    adapt: (testCase) => ({ ...testCase, steps: testCase.steps.map(withoutStatusResult) }),
  },
  {
    name: "bits 1:0 of hgatp.PPN",
    reason: "they always read as zeros (hypervisor chapter, hgatp); QEMU stores them",
    explains: ({ kind, expected, actual }) =>
      kind === "csr hgatp" && (actual & 3n) === 0n && (expected & ~3n) === actual,
  },
  {
    name: "WFI in VU-mode with TW",
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
    reason:
      "vsepc holds what sepc can hold, bit 0 is zero (hypervisor chapter, vsepc; supervisor " +
      "chapter, sepc); QEMU stores it, " +
      "7.2 in sepc and mepc also",
    explains: ({ kind, expected, actual }) => /epc$/.test(kind) && expected === (actual | 1n),
  },
  {
    name: "TSR and TVM in VS-mode",
    reason:
      "mstatus.TSR and TVM affect HS-mode only (hypervisor chapter, mstatus); QEMU lets TSR make " +
      "an SRET of a guest illegal",
    endsComparison: ({ field, kind }, { oracle }) => {
      const trap = oracle.traps[Number(/^trap (\d+)/.exec(field)?.[1])];
      const traps = TSR | TVM;
      return kind.startsWith("trap") && trap !== undefined && (trap.mstatus & traps) !== 0n &&
        nearestTrap(field, oracle).some((cause) => cause === 1n || cause === 2n);
    },
  },
  {
    name: "order of the parts of a misaligned access",
    reason: "an access across a page end is made in parts whose order is not specified (Load " +
      "and Store Instructions, misaligned accesses); this project reports the first page's fault first, " +
      "QEMU translates both before it accesses either",
    endsComparison: ({ field, kind }, { testCase, oracle, subject }) => {
      if (!/^trap (m|s|vs)(cause|tval)$/.test(kind)) return false;
      const addresses = (result: CaseResult) => faultAddresses(field, result);
      return stepOf(field, subject, testCase) !== undefined &&
        addresses(subject).some((low) =>
          (low & 0xfffn) >= 0xff9n && addresses(oracle).includes((low | 0xfffn) + 1n)
        );
    },
    explains: ({ field, kind, expected, actual }, { subject }) =>
      kind === "memory" && isInPageTables(field) && expected === (actual | pte.A) &&
      subject.traps.some((_, i) =>
        faultAddresses(`trap ${i}`, subject).some((address) => (address & 0xfffn) >= 0xff9n)
      ),
  },
  {
    name: "MXR reads VS-stage tables",
    reason:
      "MXR is about explicit loads (hypervisor chapter, Two-Stage Address Translation); QEMU " +
      "lets it make an execute-only page readable to the VS-stage walk",
    endsComparison: ({ field, kind }, { testCase, subject }) =>
      kind.startsWith("trap") && hasExecuteOnlyTable(testCase) &&
      nearestTrap(field, subject).some(isGuestPageFault),
  },
  {
    name: "HLVX raises fetch exceptions",
    reason:
      "HLVX raises the exceptions of a load (hypervisor chapter, Virtual-Machine Load and Store " +
      "Instructions, note). QEMU raises instruction page faults",
    adapt: omitSteps(({ tags }) => tags.includes("HLVX")),
  },
];
