// What a guest does may depend on what its TLBs hold: a page table that was changed without a fence, an A
// bit that is not set again. A run that is saved in between, and goes on in new harts or in harts that did
// something else meanwhile, does exactly what the uninterrupted one does.

import { assert, assertEquals } from "@std/assert";
import { encode, reg } from "./conformance/assembler.ts";
import { Random } from "./conformance/random.ts";
import type { HartArray, HartArrayOptions } from "./hart_array.ts";
import { bareProgram, MSTATUS, type Program, RAM, ramView } from "./testing/bare_program.ts";
import { AddressSpace, pte, RWX, scheme, TablePages } from "./testing/page_tables.ts";
import { ProbeDevice } from "./testing/probe_device.ts";
import { everything, restoreAll, restoredHarts, saveAll } from "./testing/saved_harts.ts";

const RAM_BYTES = 0x24_0000;
const RESULTS = RAM + 0x6_0000;
const TABLES = RAM + 0x8_0000;
const PAGES = RAM + 0x20_0000;
const DEVICE = 0x1000_0000;
const VA = 0x4000_0000n;
const ADUE = 1n << 61n;
/** A TLB has so many places in a row; pages that far apart share one. */
const TLB_SPAN = 1024n << 12n;
const leaf = (address: number, flags: bigint) => BigInt(address) >> 12n << 10n | flags;
const page = (n: number) => PAGES + 0x1000 * n;

type Body = (a: Program, pages: TablePages, harts: HartArray) => void;

/** Harts that are about to execute a program; numbered pages, and a device that answers 77. */
function harts(body: Body, options: Partial<HartArrayOptions> = {}): HartArray {
  const { harts } = bareProgram((a, harts) => {
    const ram = ramView(harts);
    for (let n = 0; n < 64; n++) ram.set(page(n), BigInt(n));
    a.setCsr("menvcfg", ADUE).setCsr("henvcfg", ADUE).constant(reg.s11, BigInt(RESULTS));
    body(a, new TablePages(harts, TABLES), harts);
  }, { ramSizeBytes: RAM_BYTES, ...options });
  harts.ramWritten(RAM, RAM_BYTES);
  return plugged(harts);
}

function plugged(harts: HartArray): HartArray {
  harts.bus.map("probe", DEVICE, new ProbeDevice({ onRead: () => 77 }));
  return harts;
}

/** How many instructions a program takes until every hart waits. */
function lengthOf(harts: HartArray): number {
  assertEquals(harts.run(200_000), "idle");
  return harts.instructions;
}

/** Compares whole runs with runs that are saved and restored at some instructions. */
function assertExact(
  body: Body,
  cuts: (length: number) => Iterable<number>,
  options: Partial<HartArrayOptions> = {},
): HartArray {
  const whole = harts(body, options);
  const start = saveAll(whole);
  const length = lengthOf(whole);
  const end = everything(whole);
  const used = harts(body, options);
  used.run(length);
  const running = restoreAll(harts(body, options), start);
  let at = 0;
  for (const cut of cuts(length)) {
    assert(cut >= at);
    running.run(cut - at);
    at = cut;
    const saved = saveAll(running);
    const where = `saved after ${cut} of ${length} instructions`;
    restoreAll(used, saved);
    assertEquals(used.save(), saved.state, where);
    used.run(length - cut);
    used.run(1_000);
    assertEquals(everything(used), end, `${where}, restored into used harts`);
    if (cut % 7 !== 0) continue;
    const fresh = plugged(
      restoredHarts(saved, { ...options, ramSizeBytes: RAM_BYTES }),
    );
    fresh.run(1_000_000);
    assertEquals(everything(fresh), end, `${where}, restored into new harts`);
  }
  running.run(200_000);
  assertEquals(everything(running), end, "saved all the time");
  return whole;
}

/** Every so many instructions. */
const every = (step: number) =>
  function* (length: number): Generator<number> {
    for (let at = 0; at <= length; at += step) yield at;
  };

/** What a program has appended to its results. */
function results(harts: HartArray): bigint[] {
  const count = (Number(harts.get(0, `x${reg.s11}`)) - RESULTS) / 8;
  const ram = ramView(harts);
  return Array.from({ length: count }, (_, n) => BigInt.asIntN(64, ram.get(RESULTS + 8 * n)));
}

function append(a: Program, register = reg.a1): void {
  a.op("sd", register, 0, reg.s11).op("addi", reg.s11, reg.s11, 8);
}

/** A load or store as S-mode does it. */
function access(a: Program, name: string, va: bigint): void {
  a.constant(reg.a0, va).clearBits("mstatus", MSTATUS.mpp(3))
    .setBits("mstatus", MSTATUS.MPRV | MSTATUS.mpp(1)).op(name, reg.a1, 0, reg.a0)
    .clearBits("mstatus", MSTATUS.MPRV);
}

function probe(a: Program, va: bigint): void {
  a.constant(reg.a1, -1n);
  access(a, "ld", va);
  append(a);
}

/** Stores a PTE, untranslated. */
function setEntry(a: Program, address: number, value: bigint): void {
  a.constant(reg.a0, BigInt(address)).constant(reg.a1, value).op("sd", reg.a1, 0, reg.a0);
}

function readEntry(a: Program, address: number): void {
  a.constant(reg.a0, BigInt(address)).op("ld", reg.a1, 0, reg.a0);
  append(a);
}

Deno.test("an A bit that was cleared without a fence stays clear as long as the entry is cached", () => {
  const clean = pte.V | pte.R | pte.W;
  const whole = assertExact((a, pages) => {
    const space = new AddressSpace(pages);
    const entry = space.setEntry(VA, leaf(page(1), clean));
    a.setCsr("satp", space.atp());
    probe(a, VA);
    readEntry(a, entry);
    setEntry(a, entry, leaf(page(1), clean));
    probe(a, VA);
    readEntry(a, entry); // still clear
    access(a, "sd", VA);
    readEntry(a, entry); // the store walks: A and D
    setEntry(a, entry, leaf(page(1), clean));
    access(a, "sd", VA);
    readEntry(a, entry); // still clear
    a.op("sfence.vma", 0, 0);
    probe(a, VA);
    readEntry(a, entry);
  }, every(1));
  // The last access but one loads what the last store has stored.
  const A = leaf(page(1), clean | pte.A);
  const D = leaf(page(1), clean | pte.A | pte.D);
  const none = leaf(page(1), clean);
  assertEquals(results(whole).filter((value) => value > 64n), [A, none, D, none, none, A]);
});

Deno.test("a page table that was changed without a fence is not seen before one", () => {
  const whole = assertExact((a, pages) => {
    const space = new AddressSpace(pages);
    const entry = space.setEntry(VA, leaf(page(1), RWX));
    const mega = space.setEntry(VA + (1n << 30n), leaf(PAGES, RWX), 1);
    a.setCsr("satp", space.atp());
    for (const va of [VA, VA + (1n << 30n) + 0x5000n]) probe(a, va);
    setEntry(a, entry, leaf(page(2), RWX));
    setEntry(a, mega, 0n);
    for (const va of [VA, VA + (1n << 30n) + 0x5000n, VA + (1n << 30n) + 0x6000n]) probe(a, va);
    a.constant(reg.a0, VA + (1n << 30n) + 0x1f_f000n).op("sfence.vma", reg.a0, 0);
    for (const va of [VA, VA + (1n << 30n) + 0x5000n]) probe(a, va);
    a.constant(reg.a0, VA).op("sfence.vma", reg.a0, 0);
    probe(a, VA);
  }, every(1));
  assertEquals(results(whole), [1n, 5n, 1n, 5n, -1n, 1n, -1n, 2n]);
});

Deno.test("displaced entries, and the turn in which they are given up, are part of the state", () => {
  const whole = assertExact((a, pages) => {
    const space = new AddressSpace(pages);
    const entries: number[] = [];
    for (let n = 0; n < 12; n++) {
      entries.push(space.setEntry(VA + TLB_SPAN * BigInt(n), leaf(page(n), RWX)));
    }
    a.setCsr("satp", space.atp());
    for (let n = 0; n < 12; n++) probe(a, VA + TLB_SPAN * BigInt(n));
    for (const entry of entries) setEntry(a, entry, 0n);
    // Those that are still cached are found, in any order; each one displaces another.
    for (const n of [0, 5, 11, 4, 2, 3, 9, 1, 7, 10]) probe(a, VA + TLB_SPAN * BigInt(n));
  }, every(3));
  const found = results(whole).slice(12);
  assert(found.includes(-1n) && found.some((value) => value > 0n), String(found));
});

Deno.test("a device's page that was mapped elsewhere is still the device's", () => {
  const whole = assertExact((a, pages) => {
    const space = new AddressSpace(pages);
    const entry = space.setEntry(VA, leaf(DEVICE, RWX));
    a.setCsr("satp", space.atp());
    access(a, "lw", VA);
    append(a);
    setEntry(a, entry, leaf(page(3), RWX));
    access(a, "lw", VA + 8n);
    append(a);
    access(a, "sw", VA); // this one walks, as nothing was stored before
    a.op("sfence.vma", 0, 0);
    access(a, "lw", VA);
    append(a);
  }, every(1));
  assertEquals(results(whole), [77n, 77n, 77n]); // the last one loads what was stored
});

Deno.test("two stages: a change of either without a fence, HFENCE.GVMA and HFENCE.VVMA", () => {
  const whole = assertExact((a, pages) => {
    const guest = new AddressSpace(pages, scheme.sv39, true);
    const space = new AddressSpace(pages);
    const entry = space.setEntry(VA, leaf(0x5000, RWX | pte.U));
    for (let at = TABLES; at < TABLES + 0x4_0000; at += 0x1000) {
      guest.map(BigInt(at), at, RWX | pte.U);
    }
    const guestEntry = guest.setEntry(0x5000n, leaf(page(7), RWX | pte.U));
    guest.setEntry(0x6000n, leaf(page(9), RWX | pte.U));
    a.setCsr("hgatp", guest.atp(3)).setCsr("vsatp", space.atp(5));
    const hlv = (va: bigint) => {
      a.constant(reg.a0, va).constant(reg.a1, -1n).op("hlv.d", reg.a1, reg.a0);
      append(a);
    };
    hlv(VA);
    setEntry(a, guestEntry, leaf(page(8), RWX | pte.U));
    hlv(VA);
    a.op("hfence.vvma", 0, 0);
    hlv(VA);
    setEntry(a, entry, leaf(0x6000, RWX | pte.U));
    hlv(VA);
    a.op("hfence.gvma", 0, 0);
    hlv(VA);
    a.constant(reg.a0, VA).constant(reg.a1, 11n).op("hsv.d", reg.a0, reg.a1);
    hlv(VA);
  }, every(1));
  assertEquals(results(whole), [7n, 7n, 8n, 8n, 9n, 11n]);
});

Deno.test("more address spaces than there are contexts", () => {
  assertExact((a, pages) => {
    const spaces = Array.from({ length: 30 }, (_, n) => {
      const space = new AddressSpace(pages);
      return { space, entry: space.setEntry(VA, leaf(page(n), RWX)), n };
    });
    for (const { space, n } of spaces) {
      a.setCsr("satp", space.atp(n));
      probe(a, VA);
    }
    for (const { entry } of spaces) setEntry(a, entry, leaf(page(63), RWX));
    for (const { space, n } of [...spaces.slice(20), ...spaces.slice(0, 12)]) {
      a.setCsr("satp", space.atp(n));
      probe(a, VA);
    }
  }, every(23));
});

Deno.test("several harts: code that another hart writes, and reservations that it breaks", () => {
  for (const jit of [false, { threshold: 1, batch: 1 }] as const) {
    assertExact(
      (a, _pages, harts) => {
        const ram = harts.ramAt(RAM, RAM_BYTES)!;
        const code = new DataView(ram.buffer, ram.byteOffset);
        code.setUint32(page(2) - RAM, encode("addi", reg.a0, reg.a0, 1), true);
        code.setUint32(page(2) - RAM + 4, encode("jalr", 0, 0, reg.ra), true);
        a.getCsr(reg.s0, "mhartid").constant(reg.s1, BigInt(page(2)))
          .constant(reg.s2, BigInt(page(3))).constant(reg.s3, 300n).constant(reg.s4, 1n << 20n)
          .label("loop").op("jalr", reg.ra, 0, reg.s1)
          .label("retry").op("lr.d", reg.t0, 0, reg.s2).op("addi", reg.t0, reg.t0, 1)
          .op("sc.d", reg.t1, reg.t0, reg.s2).branch("bne", reg.t1, 0, "retry")
          .op("andi", reg.t2, reg.s3, 15).op("addi", reg.t3, reg.s0, 3)
          .branch("bne", reg.t2, reg.t3, "same")
          .op("lw", reg.t0, 0, reg.s1).op("addw", reg.t0, reg.t0, reg.s4)
          .op("sw", reg.t0, 0, reg.s1).op("fence.i")
          .label("same").op("addi", reg.s3, reg.s3, -1).branch("bne", reg.s3, 0, "loop");
      },
      every(977),
      { harts: 3, jit },
    );
  }
});

// ---- Random programs ----

const SHARED_PAGES = 10;

/** Accesses, PTE edits and fences without a plan, in M-mode by way of MPRV and HLV, and calls of mapped code. */
function randomBody(seed: number): Body {
  return (a, pages, harts) => {
    const random = new Random(seed, 5);
    const guest = new AddressSpace(pages, scheme.sv39, true);
    const spaces = [new AddressSpace(pages), new AddressSpace(pages), new AddressSpace(pages)];
    const virtualPages = Array.from(
      { length: SHARED_PAGES },
      (_, n) => VA + TLB_SPAN * BigInt(n % 4) + 0x1000n * BigInt(n >> 2),
    );
    const entries: number[] = [];
    const randomLeaf = () =>
      leaf(
        random.chance(0.1) ? DEVICE : page(random.below(SHARED_PAGES)),
        random.pick([RWX, RWX, RWX | pte.U, RWX | pte.U, RWX & ~pte.D, RWX & ~(pte.A | pte.D), 0n]),
      );
    for (const space of spaces) {
      for (const va of virtualPages) entries.push(space.setEntry(va, randomLeaf()));
    }
    for (let at = TABLES; at < TABLES + 0x6_0000; at += 0x1000) {
      guest.map(BigInt(at), at, RWX | pte.U);
    }
    for (let n = 0; n < SHARED_PAGES; n++) {
      entries.push(guest.setEntry(BigInt(page(n)), leaf(page(n), RWX | pte.U)));
    }
    const ram = harts.ramAt(RAM, RAM_BYTES)!;
    const code = new DataView(ram.buffer, ram.byteOffset);
    for (let n = 0; n < SHARED_PAGES; n++) {
      code.setUint32(page(n) - RAM + 16, encode("addi", reg.s5, reg.s5, n), true);
      code.setUint32(page(n) - RAM + 20, encode("jalr", 0, 0, reg.ra), true);
    }
    const va = () => random.pick(virtualPages);
    const satp = (space: AddressSpace) => space.atp(random.below(2));
    for (let n = 0; n < 120; n++) {
      switch (random.below(12)) {
        case 0:
        case 1:
        case 2:
          access(a, random.pick(["ld", "lw"]), va() + BigInt(8 * random.below(2)));
          a.op("add", reg.s5, reg.s5, reg.a1);
          break;
        case 3:
        case 4:
          access(a, random.pick(["sd", "sw"]), va() + BigInt(8 * random.below(2)));
          break;
        case 5:
          setEntry(a, random.pick(entries), randomLeaf());
          break;
        case 6:
          a.setCsr("satp", satp(random.pick(spaces)));
          break;
        case 7:
          a.setCsr("vsatp", satp(random.pick(spaces))).setCsr("hgatp", guest.atp(random.below(2)));
          break;
        case 8:
          a.constant(reg.a0, va()).op("hlv.d", reg.a1, reg.a0).op("add", reg.s5, reg.s5, reg.a1)
            .op("hsv.w", reg.a0, reg.s5);
          break;
        case 9:
          a.constant(reg.a0, va()).constant(reg.a1, BigInt(random.below(2)));
          a.op(
            random.pick(["sfence.vma", "hfence.vvma", "hfence.gvma"]),
            random.chance(0.7) ? reg.a0 : 0,
            random.chance(0.5) ? reg.a1 : 0,
          );
          break;
        case 10:
          a.constant(reg.a0, BigInt(page(random.below(SHARED_PAGES)) + 16))
            .op("jalr", reg.ra, 0, reg.a0);
          break;
        case 11:
          a.setBits("mstatus", MSTATUS.SUM);
          break;
      }
    }
    a.op("add", 0, 0, 0);
  };
}

Deno.test("random accesses, page-table edits and fences", () => {
  for (let seed = 1; seed <= 6; seed++) {
    const random = new Random(seed, 6);
    const cuts = function* (length: number): Generator<number> {
      for (let at = random.below(60); at <= length; at += 1 + random.below(120)) yield at;
    };
    assertExact(randomBody(seed), cuts, {
      jit: seed % 2 === 0 ? { threshold: 1, batch: 1 } : false,
    });
  }
});
