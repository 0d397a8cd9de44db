/**
 * Rows about trap returns, and about what GVA says of a trap.
 *
 * @module
 */

import { encode } from "./assembler.ts";
import { csr } from "./csr_map.ts";
import { assertValue, firstTrap, type Row, row, wrongOnQemu, wrongOnQemu7 } from "./directed.ts";
import { nowhere } from "./page_tables.ts";

const address = 10;
const gva = 1n << 38n, mpv = 1n << 39n;
const guestFence = encode("hfence.gvma", 0, 0);
const SIE = 1n << 1n, SPIE = 1n << 5n, SPP = 1n << 8n, SPV = 1n << 7n;
const xlen = 0xa_0000_0000n;

/** Trap returns: the monitor itself enters by SRET; what it left is in the first record. */
const returnRows: readonly Row[] = [
  row(
    "SRET moves SPIE to SIE and clears SPP and SPV",
    "supervisor, SRET; hypervisor, Trap Return",
    {
      mode: "HS",
      csrs: { mstatus: SPIE, medeleg: 8n },
      steps: [[encode("ebreak")]],
    },
    (result) => {
      // the trap into HS moved SIE back to SPIE
      const { mstatus, hstatus } = firstTrap(result);
      assertValue("SPIE, SIE, SPP", mstatus & (SPIE | SIE | SPP), SPIE | SPP);
      assertValue("SPV", hstatus & SPV, 0n);
    },
  ),
  row("SRET in VS-mode acts on vsstatus", "hypervisor, Trap Return", (place) => ({
    mode: "VS",
    csrs: { vsstatus: SPP | SPIE },
    x: { [address]: place.step(1) },
    steps: [[encode("csrrw", 0, csr("sepc"), address), encode("sret")], [encode("ebreak")]],
  }), (result, place) => {
    const { mepc, vsstatus, mstatus } = firstTrap(result);
    assertValue("mepc", mepc, place.step(1));
    assertValue("vsstatus", vsstatus & (SPP | SPIE | SIE), SPIE | SIE);
    assertValue("MPV and MPP: still VS-mode", mstatus & (mpv | (3n << 11n)), mpv | (1n << 11n));
  }),
  row("SRET from VS-mode with SPP = 0 goes to VU-mode", "hypervisor, Trap Return", (place) => ({
    mode: "VS",
    x: { [address]: place.step(1) },
    steps: [[encode("csrrw", 0, csr("sepc"), address), encode("sret")], [encode("ecall")]],
  }), (result) => {
    const { mcause, mstatus } = firstTrap(result);
    assertValue("mcause", mcause, 8n);
    assertValue("MPV and MPP", mstatus & (mpv | (3n << 11n)), mpv);
  }),
  row("MRET to a lower mode clears MPRV", "machine, mstatus.MPRV", (place) => ({
    mode: "M",
    x: { [address]: place.step(1), 11: (1n << 17n) | (1n << 11n) | xlen },
    steps: [[
      encode("csrrw", 0, csr("mepc"), address),
      encode("csrrw", 0, csr("mstatus"), 11),
      encode("mret"),
    ], [encode("ebreak")]],
  }), (result, place) => {
    const { mepc, mstatus } = firstTrap(result);
    assertValue("mepc", mepc, place.step(1));
    assertValue("MPRV", mstatus & (1n << 17n), 0n);
    assertValue("MPP", (mstatus >> 11n) & 3n, 1n);
  }, wrongOnQemu7("MPRV stays")),
  row("MRET with MPP = M ignores MPV", "hypervisor, mstatus.MPV", (place) => ({
    mode: "M",
    x: { [address]: place.step(1), 11: (3n << 11n) | mpv | xlen },
    steps: [[
      encode("csrrw", 0, csr("mepc"), address),
      encode("csrrw", 0, csr("mstatus"), 11),
      encode("mret"),
    ], [encode("ecall")]],
  }), (result) => assertValue("mcause", firstTrap(result).mcause, 11n)),
  row(
    "MRET with MPV enters VS-mode",
    "hypervisor, mstatus.MPV",
    (place) => ({
      mode: "M",
      x: { [address]: place.step(1), 11: (1n << 11n) | mpv | xlen },
      steps: [[
        encode("csrrw", 0, csr("mepc"), address),
        encode("csrrw", 0, csr("mstatus"), 11),
        encode("mret"),
      ], [encode("ecall")]],
    }),
    (result) => assertValue("mcause", firstTrap(result).mcause, 10n),
    (name) =>
      name.startsWith("qemu 11.") ? "MPV cannot be written by a CSR instruction" : undefined,
  ),
];

/** GVA tells whether mtval holds a guest virtual address. */
const gvaRows: readonly Row[] = [
  ...([["an illegal instruction", 0xffff_ffff], ["a virtual instruction", guestFence]] as const)
    .map(
      ([title, word]) =>
        row(`${title} of a guest leaves GVA 0`, "hypervisor, mstatus.GVA", {
          mode: "VS",
          steps: [[word]],
        }, (result) =>
          assertValue("GVA", firstTrap(result).mstatus & gva, 0n), wrongOnQemu("GVA is 1")),
    ),
  row("an access fault of a guest sets GVA", "hypervisor, mstatus.GVA", {
    mode: "VS",
    x: { [address]: nowhere },
    steps: [[encode("ld", 5, 0, address)]],
  }, (result) => assertValue("GVA", firstTrap(result).mstatus & gva, gva)),
  row(
    "a trap of HS-mode clears GVA",
    "hypervisor, mstatus.GVA",
    {
      mode: "HS",
      csrs: { mstatus: gva },
      x: { [address]: nowhere },
      steps: [[encode("ld", 5, 0, address)]],
    },
    (result) => assertValue("GVA", firstTrap(result).mstatus & gva, 0n),
    wrongOnQemu("GVA stays"),
  ),
];

/** The rows. */
export const returnAndGvaRows: readonly Row[] = [...returnRows, ...gvaRows];
