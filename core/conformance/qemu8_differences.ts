/**
 * Differences of QEMU 8 and later: verified with 11.1.3.
 *
 * @module
 */

import { pte } from "./address_space.ts";
import { isVirtual } from "./case.ts";
import {
  isInPageTables,
  isStoreFault,
  nearestTrap,
  omitSteps,
  stepOf,
} from "./difference_facts.ts";
import type { KnownDifference } from "./known_difference.ts";

const ADUE = 1n << 61n, PBMTE = 1n << 62n;

/** The table. */
export const qemu8Differences: readonly KnownDifference[] = [
  {
    name: "mstatus.MPV cannot be written",
    reason:
      "mstatus.MPV is an ordinary writable field (hypervisor chapter, mstatus); CSR writes to it " +
      "have no effect in QEMU 11.1, so MPRV with MPV=1 cannot be reached",
    adapt: omitSteps((step) => step.tags.includes("MPV")),
  },
  {
    name: "HLV and henvcfg",
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
    reason:
      "an SC without a reservation may fail before it looks whether there is memory (Zalrsc); " +
      "the project's raises the access fault that a store would",
    endsComparison: ({ field, kind }, { testCase, subject }) =>
      kind.startsWith("trap") && nearestTrap(field, subject).includes(7n) &&
      stepOf(field, subject, testCase)?.tags.includes("SC") === true,
  },
  {
    name: "AMO looks for a load first",
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
    name: "CBO checks of two stages",
    reason:
      "a block is accessible to CBO.INVAL, CLEAN, FLUSH when a load or a store is permitted (CMO, " +
      "Page-Fault Exceptions). When a load fails in the G-stage QEMU reports the fault of a store, " +
      "which may be one of the VS-stage",
    adapt: omitSteps(({ tags }) => tags.includes("translated CBO")),
  },
  {
    name: "pseudoinstructions by the kind of access",
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
    name: "CBO address",
    reason: "xtval of a cache-block instruction is the effective address, rs1 (CMO, Page-Fault " +
      "Exceptions). QEMU reports the start of the block",
    explains: ({ kind, expected, actual }) =>
      (/tval$/.test(kind) && expected === (actual & ~63n)) ||
      (/(mtval2|htval)$/.test(kind) && expected === (actual & ~15n)),
  },
];
