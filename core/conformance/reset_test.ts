/** The state of a hart after reset (machine chapter, "Reset"; hypervisor chapter; supervisor chapter). */

import { assertEquals } from "@std/assert";
import { HartArray } from "../hart_array.ts";
import { csr } from "./csr_map.ts";
import { hex } from "./directed.ts";

const harts = new HartArray({ harts: 1, ramBase: 0x8000_0000, ramSizeBytes: 0x10_0000 });
const read = (name: string) => harts.readCsr(0, csr(name));

Deno.test("reset: M-mode with V = 0", () => {
  assertEquals(harts.mode(0), { privilege: 3, virtual: false });
});

Deno.test("reset: mstatus.MIE and MPRV are 0, XLEN is 64 everywhere", () => {
  const mstatus = read("mstatus");
  assertEquals(hex(mstatus & ((1n << 3n) | (1n << 17n))), "0x0");
  assertEquals(hex((mstatus >> 32n) & 15n), "0xa");
});

Deno.test("reset: misa names RV64 I, M, A, F, D, C, S, U, H", () => {
  const letters = [..."IMAFDCSUH"].reduce((bits, letter) => {
    return bits | (1n << BigInt(letter.charCodeAt(0) - 65));
  }, 0n);
  assertEquals(hex(read("misa")), hex((2n << 62n) | letters));
});

Deno.test("reset: mcause is 0", () => assertEquals(read("mcause"), 0n));

Deno.test("reset: PMP entries are off and unlocked", () => {
  for (const name of ["pmpcfg0", "pmpcfg2"]) {
    assertEquals(hex(read(name) & 0x9898_9898_9898_9898n), "0x0");
  }
});

Deno.test("reset: nothing is translated", () => {
  for (const name of ["satp", "vsatp", "hgatp"]) assertEquals(read(name) >> 60n, 0n);
});

Deno.test("reset: hart 0 is mhartid 0", () => assertEquals(read("mhartid"), 0n));

Deno.test("reset: VS-level interrupts are delegated to HS-mode", () => {
  assertEquals(hex(read("mideleg") & 0x444n), "0x444");
});
