/**
 * Rows about accesses as though from a guest: HLV, HLVX, HSV, and MPRV with MPV.
 *
 * @module
 */

import { encode } from "./assembler.ts";
import type { Mode } from "./case.ts";
import { csr } from "./csr_map.ts";
import {
  assertValue,
  type Csrs,
  firstTrap,
  type NotOn,
  type Row,
  row,
  wrongOnQemu,
  wrongOnQemu7,
} from "./directed.ts";
import {
  A,
  accesses,
  address,
  type Fault,
  guestPage,
  GVA,
  hostPage,
  HU,
  LOAD,
  LOAD_PAGE,
  MPRV,
  MPV,
  result,
  Space,
  SPVP,
  STORE,
  STORE_PAGE,
  SUM,
  U,
  V,
  value,
  W,
  X,
} from "./guest_space.ts";

const asGuest = "hypervisor, Virtual-Machine Load and Store Instructions; mstatus.MPRV";
const hlv = [encode("hlv.d", result, address)], hlvx = [encode("hlvx.wu", result, address)];
const hsv = [encode("hsv.d", address, value)];
const oldHlv = wrongOnQemu7("wrong permission checks of HLV");

function hypervisorAccess(
  title: string,
  mode: Mode,
  words: readonly number[],
  guest: bigint,
  host: bigint,
  outcome: Omit<Fault, "tval"> | "allowed",
  csrs: Csrs = {},
  notOn: NotOn = oldHlv,
): Row {
  return accesses(title, asGuest, (place) => {
    const space = new Space(place).guest(0, guest).host(0, host);
    const at = space.frame(0);
    const access = { mode, words, at, csrs: { ...space.csrs, ...csrs } };
    const full = outcome === "allowed" ? outcome : { ...outcome, tval: at };
    return { space, access, outcome: full };
  }, notOn);
}

const supervisorGuest = { hstatus: SPVP };
const gpaOf = wrongOnQemu("GVA is 0 for V = 0");

const hypervisorRows: readonly Row[] = (["M", "HS"] as const).flatMap((mode) => [
  hypervisorAccess(
    `HLV from ${mode}-mode, SPVP = 1`,
    mode,
    hlv,
    guestPage,
    hostPage,
    "allowed",
    supervisorGuest,
  ),
  hypervisorAccess(
    `HLV from ${mode}-mode, SPVP = 0, supervisor page`,
    mode,
    hlv,
    guestPage,
    hostPage,
    { cause: LOAD_PAGE },
  ),
  hypervisorAccess(
    `HLV from ${mode}-mode, SPVP = 0, user page`,
    mode,
    hlv,
    guestPage | U,
    hostPage,
    "allowed",
  ),
  hypervisorAccess(
    `HLV from ${mode}-mode, SPVP = 1, user page`,
    mode,
    hlv,
    guestPage | U,
    hostPage,
    { cause: LOAD_PAGE },
    supervisorGuest,
  ),
  hypervisorAccess(
    `HLV from ${mode}-mode, SPVP = 1, user page, vsstatus.SUM`,
    mode,
    hlv,
    guestPage | U,
    hostPage,
    "allowed",
    { ...supervisorGuest, vsstatus: SUM },
  ),
  hypervisorAccess(
    `HLV from ${mode}-mode, SPVP = 1, user page, mstatus.SUM`,
    mode,
    hlv,
    guestPage | U,
    hostPage,
    { cause: LOAD_PAGE },
    { ...supervisorGuest, mstatus: SUM },
  ),
  hypervisorAccess(`HSV from ${mode}-mode without W`, mode, hsv, guestPage & ~W, hostPage, {
    cause: STORE_PAGE,
  }, supervisorGuest),
  hypervisorAccess(
    `HLVX from ${mode}-mode reads execute-only pages`,
    mode,
    hlvx,
    V | X | A,
    V | X | A | U,
    "allowed",
    supervisorGuest,
  ),
  hypervisorAccess(
    `HLVX from ${mode}-mode needs X in the VS-stage`,
    mode,
    hlvx,
    guestPage & ~X,
    hostPage,
    { cause: LOAD_PAGE },
    supervisorGuest,
    wrongOnQemu("a fetch exception"),
  ),
  hypervisorAccess(
    `HLVX from ${mode}-mode needs X in the G-stage`,
    mode,
    hlvx,
    guestPage,
    hostPage & ~X,
    { cause: LOAD },
    supervisorGuest,
    wrongOnQemu("a fetch exception"),
  ),
  accesses(`HLV guest-page fault from ${mode}-mode`, asGuest, (place) => {
    const space = new Space(place).host(0, 0n);
    const at = space.frame(0);
    return {
      space,
      access: { mode, words: hlv, at, csrs: { ...space.csrs, ...supervisorGuest } },
      outcome: {
        cause: LOAD,
        tval: at,
        gpa: at,
        tinst: BigInt(encode("hlv.d", result, 0) >>> 0),
        gva: true,
      },
    };
  }, gpaOf),
  accesses(`HSV guest-page fault from ${mode}-mode`, asGuest, (place) => {
    const space = new Space(place).host(0, 0n);
    const at = space.frame(0);
    return {
      space,
      access: { mode, words: hsv, at, csrs: { ...space.csrs, ...supervisorGuest } },
      outcome: {
        cause: STORE,
        tval: at,
        gpa: at,
        tinst: BigInt(encode("hsv.d", 0, value) >>> 0),
        gva: true,
      },
    };
  }, gpaOf),
]).concat([
  hypervisorAccess("HLV from U-mode with HU", "U", hlv, guestPage | U, hostPage, "allowed", {
    hstatus: HU,
  }),
  row("GVA without SPV after HLV in HS-mode", "hypervisor, hstatus.GVA", (place) => {
    const space = new Space(place).guest(0, 0n);
    return {
      mode: "HS",
      csrs: { ...space.csrs, hstatus: SPVP, medeleg: 1n << LOAD_PAGE },
      x: { [address]: space.frame(0) },
      steps: [hlv],
      memory: space.memory,
    };
  }, (caseResult) => {
    assertValue("hstatus GVA, SPV", firstTrap(caseResult).hstatus & 0xc0n, 0x40n);
  }, oldHlv),
]);

/** A load of M-mode through MPRV. */
function throughMprv(
  title: string,
  mpp: bigint,
  virtual: boolean,
  guest: bigint,
  outcome: Omit<Fault, "tval"> | "allowed",
  csrs: Csrs = {},
  host = hostPage,
): Row {
  const notOn = (name: string) =>
    name.startsWith("qemu 11.") && virtual && mpp !== 3n
      ? "MPV cannot be written by a CSR instruction"
      : name.startsWith("qemu 7.") && virtual
      ? "MPRV with MPV checks the wrong permissions"
      : undefined;
  return row(title, asGuest, (place) => {
    const space = new Space(place).guest(0, guest).host(0, host);
    const status = (csrs.mstatus ?? 0n) | 0xa_0000_0000n | MPRV | (mpp << 11n) |
      (virtual ? MPV : 0n);
    return {
      mode: "M",
      csrs: { ...space.csrs, ...csrs },
      x: { [address]: space.frame(0), 5: status, 6: MPRV },
      steps: [[
        encode("csrrw", 0, csr("mstatus"), 5),
        encode("ld", result, 0, address),
        encode("csrrc", 0, csr("mstatus"), 6),
      ]],
      memory: space.memory,
    };
  }, (caseResult, place) => {
    const trap = firstTrap(caseResult);
    if (outcome === "allowed") {
      assertValue("first trap is the end of the case", trap.mepc, place.step(1));
      return;
    }
    assertValue("mcause", trap.mcause, outcome.cause);
    assertValue("mtval", trap.mtval, place.data);
    if (outcome.gpa !== undefined) assertValue("mtval2", trap.mtval2, outcome.gpa >> 2n);
    assertValue("MPP", (trap.mstatus >> 11n) & 3n, 3n);
    assertValue("MPV", trap.mstatus & MPV, 0n);
    assertValue("GVA", trap.mstatus & GVA, outcome.gva ? GVA : 0n);
  }, notOn);
}

const mprvRows: readonly Row[] = [
  throughMprv("MPRV with MPP = M: no translation", 3n, false, 0n, "allowed"),
  throughMprv("MPRV with MPP = M and MPV: no translation", 3n, true, 0n, "allowed"),
  throughMprv("MPRV with MPP = S: HS-level translation only", 1n, false, 0n, "allowed"),
  throughMprv("MPRV with MPP = S and MPV: two stages", 1n, true, guestPage, "allowed"),
  throughMprv("MPRV with MPP = S and MPV: load page fault", 1n, true, 0n, {
    cause: LOAD_PAGE,
    gva: true,
  }),
  throughMprv(
    "MPRV with MPP = S and MPV: load guest-page fault",
    1n,
    true,
    guestPage,
    { cause: LOAD, gva: true },
    {},
    0n,
  ),
  throughMprv("MPRV with MPP = S and MPV: user page", 1n, true, guestPage | U, {
    cause: LOAD_PAGE,
    gva: true,
  }, { mstatus: SUM }),
  throughMprv(
    "MPRV with MPP = S and MPV: user page with vsstatus.SUM",
    1n,
    true,
    guestPage | U,
    "allowed",
    { vsstatus: SUM },
  ),
  throughMprv("MPRV with MPP = U and MPV: user page", 0n, true, guestPage | U, "allowed"),
  throughMprv("MPRV with MPP = U and MPV: supervisor page", 0n, true, guestPage, {
    cause: LOAD_PAGE,
    gva: true,
  }),
];

/** The rows. */
export const asGuestRows: readonly Row[] = [...hypervisorRows, ...mprvRows];
