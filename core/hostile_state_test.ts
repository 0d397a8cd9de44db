// Saved states are hostile input: what does not fit is refused with a TypeError or a RangeError before
// anything changes, and what fits does no harm when it runs.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { reg } from "./conformance/assembler.ts";
import { Random } from "./conformance/random.ts";
import type { SavedState } from "./device.ts";
import type { HartArray, HartArrayState } from "./hart_array.ts";
import { bareProgram, MSTATUS, RAM } from "./testing/bare_program.ts";
import { MemoryGuard } from "./testing/memory_guard.ts";
import { randomState, wrongStates } from "./testing/mutations.ts";
import { AddressSpace, pte, RWX, scheme, TablePages } from "./testing/page_tables.ts";
import { everything, restoreAll, saveAll, type SavedHarts } from "./testing/saved_harts.ts";

const RAM_BYTES = 0x8_0000;
const TABLES = RAM + 0x2_0000;
const DATA = RAM + 0x6_0000;
const VA = 0x4000_0000n;
const NAMES = ["harts", "translations", "pages"] as const;

/** Two harts in the midst of a loop with translations of every kind. */
function busyHarts(): { harts: HartArray; saved: SavedHarts } {
  const { harts } = bareProgram((a, harts) => {
    const pages = new TablePages(harts, TABLES);
    const guest = new AddressSpace(pages, scheme.sv39, true);
    for (let at = TABLES; at < TABLES + 0x2_0000; at += 0x1000) {
      guest.map(BigInt(at), at, RWX | pte.U);
    }
    guest.map(0x5000n, DATA, RWX | pte.U);
    const space = new AddressSpace(pages);
    space.map(VA, DATA).map(VA + 0x40_0000n, DATA + 0x1000).map(1n << 31n, RAM, RWX, 1);
    const inner = new AddressSpace(pages);
    inner.map(VA, 0x5000, RWX | pte.U);
    a.setCsr("satp", space.atp(1)).setCsr("vsatp", inner.atp(2)).setCsr("hgatp", guest.atp(3));
    a.setBits("mstatus", 3n << 13n).constant(reg.s1, VA).constant(reg.s2, BigInt(DATA));
    a.constant(reg.s3, 1n << 31n);
    a.label("loop").clearBits("mstatus", MSTATUS.mpp(3));
    a.setBits("mstatus", MSTATUS.MPRV | MSTATUS.mpp(1)).op("ld", reg.a0, 0, reg.s1)
      .op("addi", reg.a0, reg.a0, 1).op("sd", reg.a0, 0, reg.s1).op("ld", reg.a1, 16, reg.s3)
      .clearBits("mstatus", MSTATUS.MPRV).op("hlv.d", reg.a2, reg.s1).op("hsv.d", reg.s1, reg.a2)
      .op("amoadd.d", reg.a3, reg.a0, reg.s2).op("fcvt.d.l", 1, reg.a0, 0).op("fadd.d", 2, 2, 1)
      .jump("loop");
  }, { harts: 2, ramSizeBytes: RAM_BYTES, jit: { threshold: 1, batch: 1 } });
  harts.ramWritten(RAM, RAM_BYTES);
  harts.run(30_000);
  return { harts, saved: saveAll(harts) };
}

/** The state of all with one component replaced. */
function replacing(state: HartArrayState, name: string, component: SavedState): HartArrayState {
  return { ...state, [name]: component };
}

Deno.test("a wrong value in any field is refused by its name, and nothing has changed", () => {
  const { harts, saved } = busyHarts();
  harts.run(1_234);
  const before = everything(harts);
  let tried = 0;
  for (const name of NAMES) {
    for (const { what, state } of wrongStates(saved.state[name])) {
      const error = assertThrows(
        () => harts.openState(replacing(saved.state, name, state), saved.ram),
        Error,
        undefined,
        `${name}: ${what}`,
      ) as Error;
      assert(
        error instanceof TypeError || error instanceof RangeError,
        `${name}: ${what}: ${error.stack}`,
      );
      assert(error.message.startsWith("Cannot restore "), error.message);
      tried++;
    }
  }
  assert(tried > 3_000, `${tried}`);
  assertEquals(everything(harts), before);
});

Deno.test("values that contradict one another are refused", () => {
  const { harts, saved } = busyHarts();
  const before = everything(harts);
  type Record = { [field: string]: number | bigint | Uint8Array };
  const hartsWith = (fields: Record, id = 0): HartArrayState => {
    const { harts: list } = saved.state.harts.fields as unknown as { harts: Record[] };
    const changed = list.map((hart, n) => n === id ? { ...hart, ...fields } : hart);
    const state = saved.state.harts;
    return { ...saved.state, harts: { ...state, fields: { ...state.fields, harts: changed } } };
  };
  const contextsWith = (change: (contexts: Record[]) => Record[]): HartArrayState => {
    const { contexts } = saved.state.translations.fields as unknown as { contexts: Record[] };
    const fields = { contexts: change([...contexts]) };
    return { ...saved.state, translations: { ...saved.state.translations, fields } };
  };
  const entry = (place: number, tag: bigint, page: number): Uint8Array => {
    const view = new DataView(new ArrayBuffer(14));
    view.setUint16(0, place, true);
    view.setBigUint64(2, tag, true);
    view.setUint32(10, page, true);
    return new Uint8Array(view.buffer);
  };
  const entryIs = (place: number, tag: bigint, page: number) =>
    contextsWith(([first, ...rest]) => [{ ...first!, entries: entry(place, tag, page) }, ...rest]);
  const runs = (...numbers: number[]): HartArrayState => {
    const fields = { runs: new Uint8Array(Uint32Array.from(numbers).buffer) };
    return { ...saved.state, pages: { ...saved.state.pages, fields } };
  };
  const ramPage = RAM / 4096;
  const cases: readonly (readonly [HartArrayState, string])[] = [
    [hartsWith({ prv: 2 }), '"harts[0].prv" is 2, which is no privilege mode'],
    [hartsWith({ pc: 0x8000_0001n }, 1), '"harts[1].pc" is odd'],
    [hartsWith({ mepc: 1n }), '"harts[0].mepc" is odd'],
    [hartsWith({ vsepc: 3n }), '"harts[0].vsepc" is odd'],
    [hartsWith({ fetchContext: 23 }), '"harts[0].fetchContext" is 23, which is no context in use'],
    [hartsWith({ dataContext: 22 }, 1), '"harts[1].dataContext" is 22, which is no context in use'],
    [hartsWith({ dataContext: 24 }), '"harts[0].dataContext" is 24'],
    [contextsWith(() => []), '"harts[0].fetchContext" is '],
    [contextsWith((all) => [...all, all[0]!]), "a second time for hart 0"],
    [
      contextsWith(([first, second, ...rest]) => [
        first!,
        { ...second!, stamp: first!["stamp"]! },
        ...rest,
      ]),
      "a second time for hart 0",
    ],
    [entryIs(3096, 0n, ramPage), "has one at place 3096"],
    [entryIs(0, 1n, ramPage), "has one with the tag 0x1"],
    [entryIs(0, 0x400n, ramPage), "has one with the tag 0x400"],
    [entryIs(0, 0xc00n, ramPage), "has one with the tag 0xc00"],
    [entryIs(0, (1n << 64n) - 1n, ramPage), "has one with the tag 0xffff"],
    [entryIs(0, 0n, ramPage - 1), "which is no memory"],
    [entryIs(0, 0n, ramPage + RAM_BYTES / 4096), "which is no memory"],
    [entryIs(0, 0n, 0xffff_ffff), "which is no memory"],
    [
      contextsWith(([first, ...rest]) => [{ ...first!, entries: new Uint8Array(13) }, ...rest]),
      "no whole entries",
    ],
    [runs(0, 1), "no whole number of runs"],
    [runs(0, 129, 4), "one of 129 pages from page 0"],
    [runs(128, 1, 4), "one of 1 pages from page 128"],
    [runs(0xffff_ffff, 1, 4), "one of 1 pages from page 4294967295"],
    [runs(5, 2, 4, 6, 1, 8), "one of 1 pages from page 6"],
    [runs(0, 1, 16), "has one with flags 16"],
    [runs(0, 1, 2), "has one with flags 2"],
  ];
  for (const [state, message] of cases) {
    assertThrows(() => harts.openState(state, saved.ram), RangeError, message);
  }
  assertEquals(everything(harts), before);
});

Deno.test("a store translation must not lead to ROM", () => {
  const ROM = 0x1000;
  const { harts } = bareProgram((a) => a.end(), {
    rom: { base: ROM, bytes: new Uint8Array(8) },
    resetPc: RAM,
  });
  harts.run(100);
  const { state, ram } = saveAll(harts);
  const { contexts } = state.translations.fields as unknown as { contexts: object[] };
  for (
    const [place, isRefused] of [[0, false], [1031, false], [1032, true], [2063, true], [
      2064,
      false,
    ]]
  ) {
    const entries = new Uint8Array(14);
    const view = new DataView(entries.buffer);
    view.setUint16(0, place as number, true);
    view.setUint32(10, ROM / 4096, true);
    const fields = { contexts: [{ ...contexts[0], entries }] };
    const changed = { ...state, translations: { ...state.translations, fields } } as HartArrayState;
    const open = () => harts.openState(changed, ram);
    if (isRefused) assertThrows(open, RangeError, "which is read-only");
    else open();
  }
});

Deno.test("thousands of random changes: refused, or run without harm", () => {
  const { harts, saved } = busyHarts();
  const guard = new MemoryGuard(harts, [0, 1]);
  let refused = 0;
  let accepted = 0;
  for (let seed = 1; seed <= 4_000; seed++) {
    const random = new Random(seed, 7);
    let state = saved.state;
    const changed = NAMES.filter(() => random.chance(0.5));
    for (const name of changed.length === 0 ? [random.pick(NAMES)] : changed) {
      state = replacing(state, name, randomState(random, saved.state[name]));
    }
    let apply;
    try {
      apply = harts.openState(state, saved.ram);
    } catch (error) {
      assert(error instanceof RangeError || error instanceof TypeError, `seed ${seed}: ${error}`);
      refused++;
      continue;
    }
    apply();
    accepted++;
    const before = harts.instructions;
    const result = harts.run(2_000);
    assert(["budget", "idle"].includes(result), result);
    assert(harts.instructions >= before);
    harts.save();
    if (seed % 50 === 0) guard.check();
  }
  guard.check();
  assert(refused > 200 && accepted > 500, `${refused} refused, ${accepted} accepted`);
  // The harts are none the worse for it.
  restoreAll(harts, saved).run(5_000);
  const end = everything(harts);
  const other = busyHarts().harts;
  other.run(5_000);
  assertEquals(end, everything(other));
});
