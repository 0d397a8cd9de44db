/**
 * What an access to a CSR must do, for all 4096 numbers and every mode, and what every SYSTEM
 * instruction must do in a guest: executed, illegal, or virtual.
 *
 * The tables are written from the specification: the CSR listing (machine-readable conventions of
 * csr[11:8]), machine chapter (`mcounteren`, `mstatus.TVM`), Sstc, and the list of cases in the
 * hypervisor chapter's "Trap Cause Codes".
 *
 * @module
 */

import type { Mode } from "./case.ts";
import { csr, csrAddress, isReadOnly, lowestPrivilege } from "./csr_map.ts";
import type { InitialCsr } from "./layout.ts";

/** What becomes of an instruction. */
export type Fate = "executes" | "illegal" | "virtual";

/** Names of CSRs by address; Smstateen and Sscofpmf are not on the default machine. */
const names: ReadonlyMap<number, string> = new Map(
  [...csrAddress].filter(([name]) => !/stateen|scountovf/.test(name)).map((
    [name, address],
  ) => [address, name]),
);

/** The bits of the state that decide about CSR accesses. */
export interface AccessState {
  readonly csrs: { readonly [name in InitialCsr]?: bigint };
}

const TVM = 1n << 20n, VTVM = TVM, STCE = 1n << 63n, TM = 2n, FS = 3n << 13n;

/** The fate of an access; `writes` is whether the instruction writes (CSRRS with x0 does not). */
export function csrFate(address: number, writes: boolean, mode: Mode, { csrs }: AccessState): Fate {
  const name = names.get(address);
  if (name === undefined) return "illegal";
  if (writes && isReadOnly(address)) return "illegal";
  if (mode === "M") return name[0] === "f" && !hasFloat(mode, csrs) ? "illegal" : "executes";

  // What HS-mode may do, with TVM taken as 0, decides between illegal and virtual.
  const { mcounteren = 0n, hcounteren = 0n, scounteren = 0n, menvcfg = 0n } = csrs;
  if (lowestPrivilege(address) === 3) return "illegal";
  const isCounter = address >= 0xc00 && address <= 0xc1f;
  const bit = 1n << BigInt(address & 0x1f);
  if (isCounter && (mcounteren & bit) === 0n) return "illegal";
  const isTimer = name === "stimecmp" || name === "vstimecmp";
  if (isTimer && ((mcounteren & TM) === 0n || (menvcfg & STCE) === 0n)) return "illegal";
  if (/^f/.test(name)) return hasFloat(mode, csrs) ? "executes" : "illegal";

  const privilege = lowestPrivilege(address);
  switch (mode) {
    case "HS":
      if ((name === "satp" || name === "hgatp") && ((csrs.mstatus ?? 0n) & TVM) !== 0n) {
        return "illegal";
      }
      return "executes";
    case "U":
      if (privilege > 0) return "illegal";
      return (scounteren & bit) === 0n ? "illegal" : "executes";
    case "VS":
      if (privilege === 2) return "virtual";
      if (isCounter) return (hcounteren & bit) === 0n ? "virtual" : "executes";
      if (name === "satp") return ((csrs.hstatus ?? 0n) & VTVM) !== 0n ? "virtual" : "executes";
      if (isTimer) {
        return (hcounteren & TM) === 0n || ((csrs.henvcfg ?? 0n) & STCE) === 0n
          ? "virtual"
          : "executes";
      }
      return "executes";
    case "VU":
      if (privilege > 0) return "virtual";
      return (hcounteren & bit) === 0n || (scounteren & bit) === 0n ? "virtual" : "executes";
  }
}

function hasFloat(mode: Mode, csrs: AccessState["csrs"]): boolean {
  const isOn = (status = 0n) => (status & FS) !== 0n;
  const virtual = mode === "VS" || mode === "VU";
  return isOn(csrs.mstatus) && (!virtual || isOn(csrs.vsstatus));
}

/** The state in which SYSTEM instructions are tried: nothing but privilege stands against them. */
export const permissiveState: AccessState["csrs"] = {
  mstatus: FS,
  vsstatus: FS,
  mcounteren: 0xffff_ffffn,
  hcounteren: 0xffff_ffffn,
  scounteren: 0xffff_ffffn,
  menvcfg: STCE,
  henvcfg: STCE,
};

/**
 * The fate in a guest of a SYSTEM instruction other than a CSR access (funct3 000 or 100). For those
 * that would leave the program "executes" stands without being tried.
 */
export function systemFate(word: number, mode: "VS" | "VU"): Fate {
  const funct3 = (word >>> 12) & 7, rd = (word >>> 7) & 31, rs1 = (word >>> 15) & 31;
  const funct12 = word >>> 20, funct7 = word >>> 25, rs2 = (word >>> 20) & 31;
  if (funct3 === 4) {
    return hypervisorAccesses.has(`${funct7} ${loadKind(funct7, rd, rs2)}`) ? "virtual" : "illegal";
  }
  if (rd !== 0) return "illegal";
  const fence = fences.get(funct7);
  if (fence === "supervisor") return mode === "VS" ? "executes" : "virtual";
  if (fence === "hypervisor") return "virtual";
  if (rs1 !== 0) return "illegal";
  switch (funct12) {
    case 0x000: // ECALL
    case 0x001: // EBREAK
    case 0x00d: // WRS.NTO
    case 0x01d: // WRS.STO
      return "executes";
    case 0x102: // SRET
    case 0x105: // WFI
    case 0x180: // SFENCE.W.INVAL
    case 0x181: // SFENCE.INVAL.IR
      return mode === "VS" ? "executes" : "virtual";
    default: // MRET among them: it is not HS-qualified
      return "illegal";
  }
}

/** Memory-management fences by funct7. */
const fences: ReadonlyMap<number, "supervisor" | "hypervisor"> = new Map([
  [0x09, "supervisor"], // SFENCE.VMA
  [0x0b, "supervisor"], // SINVAL.VMA
  [0x11, "hypervisor"], // HFENCE.VVMA
  [0x31, "hypervisor"], // HFENCE.GVMA
  [0x13, "hypervisor"], // HINVAL.VVMA
  [0x33, "hypervisor"], // HINVAL.GVMA
]);

/** HLV and HSV by funct7 and, for loads, the rs2 field. */
const hypervisorAccesses: ReadonlySet<string> = new Set([
  ...["48 0", "48 1", "50 0", "50 1", "50 3", "52 0", "52 1", "52 3", "54 0"], // .B .H .W .D
  ...["49 store", "51 store", "53 store", "55 store"],
]);

function loadKind(funct7: number, rd: number, rs2: number): string {
  return (funct7 & 1) === 0 ? `${rs2}` : rd === 0 ? "store" : "none";
}

/** Whether trying the instruction would end or block the program. */
export function leavesProgram(word: number): boolean {
  const funct12 = word >>> 20;
  return (word & 0x000f_ff80) === 0 && (funct12 === 0x102 || funct12 === 0x105);
}

/** States that open and close what decides about counters, timers and `satp`. */
export const accessStates: readonly (AccessState & { readonly title: string })[] = [
  { title: "everything granted", csrs: permissiveState },
  { title: "nothing granted", csrs: { mstatus: TVM, hstatus: VTVM } },
  {
    title: "withheld from guests",
    csrs: { ...permissiveState, hcounteren: 0n, henvcfg: 0n, hstatus: VTVM },
  },
  { title: "withheld from users", csrs: { ...permissiveState, scounteren: 0n } },
  {
    title: "withheld by M-mode alone",
    csrs: { ...permissiveState, mcounteren: 0n, menvcfg: 0n, mstatus: FS | TVM },
  },
  { title: "floating point off in the guest only", csrs: { ...permissiveState, vsstatus: 0n } },
];

/** The only CSR numbers that are not tried: accesses that take the program from the monitor. */
export const untried: ReadonlySet<number> = new Set([csr("mscratch"), csr("mtvec")]);
