// Both stages, as a debugger sees them, against what the harts themselves do.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { reg } from "../../core/conformance/assembler.ts";
import { type Program, RAM, ramView } from "../../core/testing/bare_program.ts";
import { AddressSpace, pte, RWX, scheme, TablePages } from "../../core/testing/page_tables.ts";
import type { Scheme } from "../../core/conformance/address_space.ts";
import type { Machine } from "../machine.ts";
import { bareMachine } from "../machine_test_support.ts";
import { translate } from "./translate.ts";
import { TestClient } from "../gdb/client_test_support.ts";

const TABLES = RAM + 0x4_0000;
const GUEST_RAM = 0x8000_0000n;
/** Where the guest's data is, for it, for its own tables, and in RAM. */
const DATA = { virtual: 0xffff_ffc0_1234_5000n, guest: 0x9000_0000n, physical: RAM + 0x3_0000 };

/** A guest of one hart in VS-mode, with code mapped to itself and a page of data; and what it is to read. */
async function guestMachine(
  modes: { readonly vs: Scheme; readonly g: Scheme } = { vs: scheme.sv39, g: scheme.sv39 },
): Promise<{ machine: Machine; at: (label: string) => number }> {
  let program: Program | undefined;
  const machine = await bareMachine((a) => {
    program = a;
    a.setCsr("pmpaddr15", (1n << 54n) - 1n).setCsr("pmpcfg2", 0x1fn << 56n);
    a.address(reg.t0, "vsatp").op("ld", reg.t0, 0, reg.t0).op("csrrw", 0, a.csr("vsatp"), reg.t0);
    a.address(reg.t0, "hgatp").op("ld", reg.t0, 0, reg.t0).op("csrrw", 0, a.csr("hgatp"), reg.t0);
    a.constant(reg.s0, DATA.virtual).enter(1, true);
    a.label("guest").op("ld", reg.a0, 0, reg.s0).op("sd", reg.a0, 8, reg.s0).label("wait").jump(
      "wait",
    );
    while (a.here % 8 !== 0) a.op("addi", 0, 0, 0);
    a.label("vsatp").word(0).word(0).label("hgatp").word(0).word(0);
  });
  const { harts } = machine;
  const pages = new TablePages(harts, TABLES);
  const g = new AddressSpace(pages, modes.g, true);
  for (let at = 0; at < 0x10_0000; at += 0x1000) {
    g.map(GUEST_RAM + BigInt(at), RAM + at, RWX | pte.U);
  }
  g.map(DATA.guest, DATA.physical, RWX | pte.U);
  const vs = new AddressSpace(pages, modes.vs);
  vs.map(GUEST_RAM, GUEST_RAM, RWX).map(DATA.virtual, DATA.guest, RWX);
  const ram = ramView(harts);
  ram.set(DATA.physical, 0x0123_4567_89ab_cdefn);
  ram.set(program!.addressOf("vsatp"), vs.atp());
  ram.set(program!.addressOf("hgatp"), g.atp());
  harts.ramWritten(RAM, 0x10_0000);
  return { machine, at: (label) => program!.addressOf(label) };
}

for (
  const [name, modes] of Object.entries({
    "Sv39 on Sv39x4": { vs: scheme.sv39, g: scheme.sv39 },
    "Sv48 on Sv57x4": { vs: scheme.sv48, g: scheme.sv57 },
    "Sv57 on Sv48x4": { vs: scheme.sv57, g: scheme.sv48 },
  })
) {
  Deno.test(`a guest's memory through both stages: ${name}`, async () => {
    const { machine, at } = await guestMachine(modes);
    using _machine = machine;
    const client = new TestClient(machine);
    await client.ask(`Z0,${at("guest").toString(16)},4`);
    assertEquals(await client.ask("c"), "T05thread:1;hwbreak:;");
    assertEquals([await client.register(4161), await client.register(4162)], [1n, 1n]);
    assertEquals(machine.harts.mode(0), { privilege: 1, virtual: true });
    const ram = machine.harts.ramAt(RAM, 0x10_0000)!.slice();
    const { physical, guestPhysical, steps, fault } = translate(
      machine.harts,
      0,
      DATA.virtual + 0x18n,
    );
    assertEquals([physical, guestPhysical, fault], [
      BigInt(DATA.physical) + 0x18n,
      DATA.guest + 0x18n,
      undefined,
    ]);
    const levels = { vs: Number(modes.vs) - 5, g: Number(modes.g) - 5 };
    assertEquals(steps.filter(({ stage }) => stage === "VS").length, levels.vs);
    assertEquals(steps.length, levels.vs + (levels.vs + 1) * levels.g);
    const data = DATA.virtual.toString(16);
    assertEquals(await client.ask(`m${data},8`), "efcdab8967452301");
    assertEquals(await client.ask(`m${(DATA.virtual + 0xffen).toString(16)},4`), "0000");
    assertEquals(await client.ask(`m${DATA.guest.toString(16)},4`), "E0e");
    const text = await client.monitor(`translate ${data}`);
    assertStringIncludes(text, "VS-mode: 0x" + data);
    assertStringIncludes(
      text,
      `guest physical 0x90000000, physical 0x${DATA.physical.toString(16)}`,
    );
    // Looking has set no A bit, nor brought anything else about.
    assertEquals(machine.harts.ramAt(RAM, 0x10_0000)!, ram);
    // Where the hart itself reads and writes, watched by its virtual address.
    await client.ask(`Z2,${(DATA.virtual + 8n).toString(16)},8`);
    assertEquals(await client.ask("c"), `T05thread:1;watch:${(DATA.virtual + 8n).toString(16)};`);
    assertEquals(await client.register(reg.a0), 0x0123_4567_89ab_cdefn);
    assertEquals(await client.ask(`M${data},2:ffff`), "OK");
    assertEquals(ramView(machine.harts).get(DATA.physical) & 0xffffn, 0xffffn);
  });
}

Deno.test("addresses without a way say why", async () => {
  const { machine, at } = await guestMachine();
  using _machine = machine;
  const { harts } = machine;
  const client = new TestClient(machine);
  await client.ask(`Z0,${at("guest").toString(16)},4`);
  await client.ask("c");
  const fault = (address: bigint) => translate(harts, 0, address).fault;
  assertEquals(fault(0x1000n), "VS-stage entry of level 2 is not valid");
  assertEquals(fault(1n << 50n), "the address is too wide for the VS-stage's 3 levels");
  // A table that leads out of RAM, into itself, or nowhere.
  const saved = harts.get(0, "hgatp");
  harts.set(0, "hgatp", (8n << 60n) | 0x1n);
  assertEquals(fault(GUEST_RAM), "G-stage page table is not in RAM");
  harts.set(0, "hgatp", (3n << 60n) | 0x8_0000n);
  assertEquals(fault(GUEST_RAM), "hgatp.MODE 3 is reserved");
  harts.set(0, "hgatp", 0n);
  assertEquals(translate(harts, 0, DATA.virtual).physical, DATA.guest);
  assertEquals(await client.ask(`m${DATA.virtual.toString(16)},4`), "E0e");
  harts.set(0, "hgatp", saved);
  const loop = BigInt(RAM + 0xf_0000);
  for (let n = 0n; n < 512n; n++) ramView(harts).set(Number(loop + 8n * n), (loop >> 2n) | pte.V);
  harts.set(0, "vsatp", (8n << 60n) | (loop >> 12n));
  assertEquals(fault(0n), "VS-stage entry of level 0 is no leaf");
});

Deno.test("superpages and Svnapot", async () => {
  const { machine } = await guestMachine();
  using _machine = machine;
  const { harts } = machine;
  const space = new AddressSpace(new TablePages(harts, TABLES + 0x6_0000));
  const NAPOT = 1n << 63n;
  space.map(0x4000_0000n, 0x8000_0000, RWX, 2).map(0x20_0000n, 0x8020_0000, RWX, 1);
  // 16 pages of which the entry names the middle (Svnapot: 64 KiB).
  space.setEntry(0x1_3000n, (0x8010_8000n >> 2n) | RWX | NAPOT);
  harts.set(0, "satp", space.atp());
  const { module } = harts;
  module.setU32(module.hartField(0, "prv"), 1);
  const physical = (address: bigint) => translate(harts, 0, address).physical;
  assertEquals(physical(0x4123_4567n), 0x8123_4567n);
  assertEquals(physical(0x2f_ffffn), 0x802f_ffffn);
  assertEquals(physical(0x1_3abcn), 0x8010_3abcn);
  assert(physical(0x1_4000n) === undefined);
});
