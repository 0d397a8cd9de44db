// The TLBs show nothing that the specification forbids: fences remove what they name, address spaces
// do not mix, and more of them than there are translation contexts stay right.
//
// Data accesses are made from M-mode with mstatus.MPRV (Privileged, "Memory Privilege in mstatus
// Register") or with HLV and HSV, so that the code itself needs no mapping. Page n of RAM's second
// half holds the number n, to tell pages apart.

import { assert, assertEquals } from "@std/assert";
import { reg } from "./conformance/assembler.ts";
import type { HartArray } from "./hart_array.ts";
import {
  type BareProgram,
  bareProgram,
  MSTATUS,
  type Program,
  RAM,
  ramView,
  runToEnd,
  x,
} from "./testing/bare_program.ts";
import { AddressSpace, pte, RWX, scheme, TablePages } from "./testing/page_tables.ts";

const MIB = 0x10_0000;
const RAM_BYTES = 8 * MIB;
const TABLES = RAM + 0x2_0000;
const RESULTS = RAM + 0x1_0000;
const PAGES = RAM + 4 * MIB;
const VA = 0x12_4020_0000n; // aligned for a megapage
const USER = RWX | pte.U;

/** A program with numbered pages. */
function machine(body: (a: Program, pages: TablePages, harts: HartArray) => void): BareProgram {
  const program = bareProgram((a, harts) => {
    const ram = ramView(harts);
    for (let page = 0; page < 1024; page++) ram.set(PAGES + 0x1000 * page, BigInt(page));
    a.constant(reg.s11, BigInt(RESULTS));
    body(a, new TablePages(harts, TABLES), harts);
  }, { ramSizeBytes: RAM_BYTES });
  program.recordTraps();
  return program;
}

/**
 * Executes one access to `va`, whose address is in a0 and value in a1, as S-mode (or U-mode) would.
 * A trap into M-mode and back leaves MPP = U, so it is set each time.
 */
function accessAs(a: Program, va: bigint, privilege: number, access: "ld" | "sd"): void {
  a.constant(reg.a0, va).clearBits("mstatus", MSTATUS.mpp(3));
  a.setBits("mstatus", MSTATUS.MPRV | MSTATUS.mpp(privilege)).op(access, reg.a1, 0, reg.a0);
  a.clearBits("mstatus", MSTATUS.MPRV);
}

/** Loads and appends the result, or -1 if it faulted, to the list of results. */
function probe(a: Program, va: bigint, privilege = 1): void {
  a.constant(reg.a1, -1n);
  accessAs(a, va, privilege, "ld");
  append(a);
}

/** The same through HLV. */
function probeGuest(a: Program, va: bigint): void {
  a.constant(reg.a0, va).constant(reg.a1, -1n).op("hlv.d", reg.a1, reg.a0);
  append(a);
}

function append(a: Program): void {
  a.op("sd", reg.a1, 0, reg.s11).op("addi", reg.s11, reg.s11, 8);
}

/** Stores a PTE from M-mode, untranslated. */
function setEntry(a: Program, address: number, value: bigint): void {
  a.constant(reg.a0, BigInt(address)).constant(reg.a1, value).op("sd", reg.a1, 0, reg.a0);
}

function fence(a: Program, name: string, address?: bigint, id?: bigint): void {
  if (address !== undefined) a.constant(reg.a0, address);
  if (id !== undefined) a.constant(reg.a1, id);
  a.op(name, address === undefined ? 0 : reg.a0, id === undefined ? 0 : reg.a1);
}

function results(program: BareProgram): bigint[] {
  runToEnd(program);
  const ram = ramView(program.harts);
  const count = (Number(x(program.harts, reg.s11)) - RESULTS) / 8;
  return Array.from({ length: count }, (_, i) => BigInt.asIntN(64, ram.get(RESULTS + 8 * i)));
}

const page = (n: number) => PAGES + 0x1000 * n;
const leaf = (address: number, flags = RWX) => (BigInt(address) >> 12n << 10n) | flags;

/** Leaves of every size: where they begin, and the offset in them at which numbered pages lie. */
const LEAVES = [
  { name: "4 KiB", mode: scheme.sv39, level: 0, target: PAGES, within: 0, parts: [0] },
  {
    name: "64 KiB (Svnapot)",
    mode: scheme.sv39,
    level: 0,
    target: PAGES,
    within: 0,
    parts: [0, 5, 15],
  },
  { name: "2 MiB", mode: scheme.sv39, level: 1, target: PAGES, within: 0, parts: [0, 1, 200, 511] },
  {
    name: "1 GiB",
    mode: scheme.sv39,
    level: 2,
    target: RAM,
    within: 4 * MIB,
    parts: [0, 511, 512, 1023],
  },
  { name: "512 GiB", mode: scheme.sv48, level: 3, target: 0, within: PAGES, parts: [0, 600, 1023] },
  { name: "256 TiB", mode: scheme.sv57, level: 4, target: 0, within: PAGES, parts: [0, 600, 1023] },
] as const;

for (const { name, mode, level, target, within, parts } of LEAVES) {
  const napot = name.includes("Svnapot");
  const base = level >= 3 ? 0n : level === 2 ? 0x10_4000_0000n : VA;
  const at = (part: number) => base + BigInt(within) + 0x1000n * BigInt(part);

  Deno.test(`SFENCE.VMA of any address in a ${name} leaf removes all its parts`, () => {
    for (const fenced of [parts[0], parts.at(-1)!]) {
      const program = machine((a, pages) => {
        const space = new AddressSpace(pages, mode);
        const entries: number[] = [];
        if (napot) {
          for (let i = 0n; i < 16n; i++) {
            const value = leaf(target, RWX | pte.N) | (8n << 10n);
            entries.push(space.setEntry(base + 0x1000n * i, value));
          }
        } else entries.push(space.setEntry(base, leaf(target), level));
        a.setCsr("satp", space.atp(3));
        for (const part of parts) probe(a, at(part));
        for (const entry of entries) setEntry(a, entry, 0n);
        fence(a, "sfence.vma", at(fenced) + 0x7f8n);
        for (const part of parts) probe(a, at(part));
      });
      const found = results(program);
      assertEquals(found.slice(0, parts.length), parts.map((part) => BigInt(part)));
      assertEquals(found.slice(parts.length), parts.map(() => -1n), `fenced part ${fenced}`);
      assertEquals(
        program.traps.map(({ cause, tval }) => ({ cause, tval })),
        parts.map((part) => ({ cause: 13n, tval: at(part) })),
      );
    }
  });
}

Deno.test("SFENCE.VMA of an address leaves other addresses' entries right, and can be repeated", () => {
  const found = results(machine((a, pages) => {
    const space = new AddressSpace(pages);
    const entries = [0, 1, 2].map((n) => space.setEntry(VA + 0x1000n * BigInt(n), leaf(page(n))));
    a.setCsr("satp", space.atp());
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 3; n++) {
        setEntry(a, entries[n]!, leaf(page(10 * round + n)));
        fence(a, "sfence.vma", VA + 0x1000n * BigInt(n));
      }
      for (let n = 0; n < 3; n++) probe(a, VA + 0x1000n * BigInt(n));
    }
  }));
  assertEquals(found, [0n, 1n, 2n, 10n, 11n, 12n, 20n, 21n, 22n]);
});

Deno.test("pages that share a TLB slot do not mix", () => {
  // 1024 entries: addresses 4 MiB apart meet in the same one.
  const addresses = [0n, 1n, 2n, 3n].map((n) => VA + n * 0x40_0000n);
  const found = results(machine((a, pages) => {
    const space = new AddressSpace(pages);
    addresses.forEach((va, n) => space.map(va, page(n)));
    a.setCsr("satp", space.atp());
    for (let round = 0; round < 3; round++) for (const va of addresses) probe(a, va);
  }));
  assertEquals(found, [0n, 1n, 2n, 3n, 0n, 1n, 2n, 3n, 0n, 1n, 2n, 3n]);
});

Deno.test("address spaces with ASIDs of their own need no fence between switches", () => {
  const found = results(machine((a, pages) => {
    const spaces = [1, 2].map((n) => new AddressSpace(pages).map(VA, page(n)));
    for (let round = 0; round < 4; round++) {
      spaces.forEach((space, n) => {
        a.setCsr("satp", space.atp(n + 1));
        probe(a, VA);
        a.op("addi", reg.a1, reg.a1, 10);
        accessAs(a, VA, 1, "sd"); // goes to this space's page
      });
    }
  }));
  assertEquals(found, [1n, 2n, 11n, 12n, 21n, 22n, 31n, 32n]);
});

Deno.test("SFENCE.VMA with an ASID renews that one, and spares the others' entries", () => {
  const found = results(machine((a, pages) => {
    const space = new AddressSpace(pages);
    const entry = space.setEntry(VA, leaf(page(1)));
    const useAsid = (asid: number) => a.setCsr("satp", space.atp(asid));
    for (const asid of [1, 2]) {
      useAsid(asid);
      probe(a, VA);
    }
    setEntry(a, entry, leaf(page(7)));
    fence(a, "sfence.vma", undefined, 1n);
    useAsid(1);
    probe(a, VA);
    // The specification allows either value here; that nothing is lost is what makes switches cheap.
    useAsid(2);
    probe(a, VA);
    fence(a, "sfence.vma", VA, 2n);
    probe(a, VA);
  }));
  assertEquals(found, [1n, 1n, 7n, 1n, 7n]);
});

Deno.test("more address spaces than translation contexts stay apart", () => {
  const count = 40;
  const found = results(machine((a, pages, harts) => {
    assert(harts.module.layout("HART_CONTEXTS") < count);
    const spaces = Array.from(
      { length: count },
      (_, n) => new AddressSpace(pages).map(VA, page(n)),
    );
    // Forwards, backwards, and by leaps.
    for (const step of [1, count - 1, 7]) {
      for (let i = 0; i < count; i++) {
        const n = (i * step) % count;
        a.setCsr("satp", spaces[n]!.atp(n + 1));
        probe(a, VA);
      }
    }
  }));
  const expected = [1, count - 1, 7].flatMap((step) =>
    Array.from({ length: count }, (_, i) => BigInt((i * step) % count))
  );
  assertEquals(found, expected);
});

Deno.test("a fence reaches contexts that are not in use", () => {
  const found = results(machine((a, pages) => {
    const space = new AddressSpace(pages);
    const entry = space.setEntry(VA, leaf(page(1)));
    const other = new AddressSpace(pages).map(VA, page(2));
    a.setCsr("satp", space.atp(1));
    probe(a, VA);
    a.setCsr("satp", other.atp(2));
    probe(a, VA);
    setEntry(a, entry, leaf(page(5)));
    fence(a, "sfence.vma");
    probe(a, VA);
    a.setCsr("satp", space.atp(1));
    probe(a, VA);
  }));
  assertEquals(found, [1n, 2n, 2n, 5n]);
});

Deno.test("SUM, MXR and the privilege act at once, in both directions", () => {
  const executeOnly = pte.V | pte.X | pte.A | pte.D;
  const found = results(machine((a, pages) => {
    const space = new AddressSpace(pages).map(VA, page(1), USER)
      .map(VA + 0x1000n, page(2)).map(VA + 0x2000n, page(3), executeOnly);
    a.setCsr("satp", space.atp());
    for (let round = 0; round < 2; round++) {
      probe(a, VA); // a user page, no SUM
      a.setBits("mstatus", MSTATUS.SUM);
      probe(a, VA);
      a.clearBits("mstatus", MSTATUS.SUM);
      probe(a, VA, 0); // as U-mode
      probe(a, VA + 0x1000n, 0); // a supervisor page
      probe(a, VA + 0x1000n);
      probe(a, VA + 0x2000n);
      a.setBits("mstatus", 1n << 19n);
      probe(a, VA + 0x2000n);
      a.clearBits("mstatus", 1n << 19n);
    }
  }));
  const round = [-1n, 1n, 1n, -1n, 2n, -1n, 3n];
  assertEquals(found, [...round, ...round]);
});

Deno.test("MPRV switches translation on and off for the same address", () => {
  const found = results(machine((a, pages) => {
    const space = new AddressSpace(pages).map(BigInt(page(1)), page(2));
    a.setCsr("satp", space.atp());
    for (let round = 0; round < 3; round++) {
      probe(a, BigInt(page(1)));
      a.constant(reg.a0, BigInt(page(1))).op("ld", reg.a1, 0, reg.a0);
      append(a);
    }
  }));
  assertEquals(found, [2n, 1n, 2n, 1n, 2n, 1n]);
});

Deno.test("a read entry does not let a store skip the dirty bit", () => {
  for (const adue of [false, true]) {
    let entry = 0;
    const program = machine((a, pages) => {
      const space = new AddressSpace(pages);
      entry = space.setEntry(VA, leaf(page(1), RWX & ~pte.D));
      a.setCsr("menvcfg", adue ? 1n << 61n : 0n).setCsr("satp", space.atp());
      probe(a, VA);
      a.constant(reg.a1, 99n);
      accessAs(a, VA, 1, "sd");
      probe(a, VA);
    });
    assertEquals(results(program), [1n, adue ? 99n : 1n]);
    assertEquals(program.traps.map(({ cause }) => cause), adue ? [] : [15n]);
    assertEquals((ramView(program.harts).get(entry) & pte.D) !== 0n, adue);
  }
});

// ---- Two stages ----

/** A guest: VS-stage and G-stage, with the guest's tables mapped one to one. */
function guest(pages: TablePages): { vs: AddressSpace; g: AddressSpace } {
  const g = new AddressSpace(pages, scheme.sv39, true).map(BigInt(RAM), RAM, USER, 2);
  return { vs: new AddressSpace(pages), g };
}

Deno.test("guests with VMIDs of their own need no fence between world switches", () => {
  const found = results(machine((a, pages) => {
    a.setCsr("hstatus", 1n << 8n); // SPVP: HLV acts as VS-mode
    const guests = [0, 1, 2].map((n) => {
      const { vs, g } = guest(pages);
      vs.map(VA, page(n));
      return { vs, g };
    });
    for (let round = 0; round < 3; round++) {
      guests.forEach(({ vs, g }, n) => {
        // The same ASID everywhere: only the VMID tells the guests apart.
        a.setCsr("hgatp", g.atp(n + 1)).setCsr("vsatp", vs.atp(1));
        probeGuest(a, VA);
      });
    }
  }));
  assertEquals(found, [0n, 1n, 2n, 0n, 1n, 2n, 0n, 1n, 2n]);
});

Deno.test("one guest's processes: vsatp changes alone, G-stage stays", () => {
  const found = results(machine((a, pages) => {
    a.setCsr("hstatus", 1n << 8n);
    const { vs, g } = guest(pages);
    const other = new AddressSpace(pages).map(VA, page(8));
    vs.map(VA, page(3));
    a.setCsr("hgatp", g.atp(1));
    for (let round = 0; round < 3; round++) {
      a.setCsr("vsatp", vs.atp(1));
      probeGuest(a, VA);
      a.setCsr("vsatp", other.atp(2));
      probeGuest(a, VA);
    }
    a.setCsr("vsatp", 0n); // Bare: guest physical addresses
    probeGuest(a, BigInt(page(5)));
  }));
  assertEquals(found, [3n, 8n, 3n, 8n, 3n, 8n, 5n]);
});

for (const how of ["all", "address", "asid", "address and asid"] as const) {
  Deno.test(`HFENCE.VVMA (${how}) renews the guest's own stage`, () => {
    const found = results(machine((a, pages) => {
      a.setCsr("hstatus", 1n << 8n);
      const { vs, g } = guest(pages);
      const entry = vs.setEntry(VA, leaf(PAGES), 1);
      a.setCsr("hgatp", g.atp(1)).setCsr("vsatp", vs.atp(9));
      probeGuest(a, VA);
      probeGuest(a, VA + 0x1_0000n);
      setEntry(a, entry, leaf(PAGES + 2 * MIB));
      fence(
        a,
        "hfence.vvma",
        how.includes("address") ? VA + 0x5_0000n : undefined,
        how.includes("asid") ? 9n : undefined,
      );
      probeGuest(a, VA);
      probeGuest(a, VA + 0x1_0000n);
    }));
    assertEquals(found, [0n, 16n, 512n, 528n]);
  });
}

for (const how of ["all", "address", "vmid", "address and vmid"] as const) {
  Deno.test(`HFENCE.GVMA (${how}) renews the second stage`, () => {
    const found = results(machine((a, pages) => {
      a.setCsr("hstatus", 1n << 8n);
      const gpa = 0x4000_0000;
      const g = new AddressSpace(pages, scheme.sv39, true).map(BigInt(RAM), RAM, USER, 2);
      const entry = g.setEntry(BigInt(gpa), leaf(page(4), USER));
      const vs = new AddressSpace(pages).map(VA, gpa);
      a.setCsr("hgatp", g.atp(6)).setCsr("vsatp", vs.atp(1));
      probeGuest(a, VA);
      setEntry(a, entry, leaf(page(9), USER));
      fence(
        a,
        "hfence.gvma",
        how.includes("address") ? BigInt(gpa) >> 2n : undefined,
        how.includes("vmid") ? 6n : undefined,
      );
      probeGuest(a, VA);
      setEntry(a, entry, 0n);
      fence(a, "hfence.gvma");
      probeGuest(a, VA);
    }));
    assertEquals(found, [4n, 9n, -1n]);
  });
}

Deno.test("SFENCE.VMA in HS-mode leaves a guest's translations alone, and the other way round", () => {
  const found = results(machine((a, pages) => {
    a.setCsr("hstatus", 1n << 8n);
    const { vs, g } = guest(pages);
    vs.map(VA, page(3));
    const host = new AddressSpace(pages);
    const hostEntry = host.setEntry(VA, leaf(page(30)));
    a.setCsr("hgatp", g.atp(1)).setCsr("vsatp", vs.atp(1)).setCsr("satp", host.atp(1));
    probe(a, VA);
    probeGuest(a, VA);
    setEntry(a, hostEntry, leaf(page(31)));
    fence(a, "sfence.vma");
    probe(a, VA);
    probeGuest(a, VA);
    fence(a, "hfence.vvma");
    fence(a, "hfence.gvma");
    probe(a, VA);
    probeGuest(a, VA);
  }));
  assertEquals(found, [30n, 3n, 31n, 3n, 31n, 3n]);
});

Deno.test("SFENCE.VMA executed by the guest renews the guest's translations", () => {
  for (const how of ["all", "address"]) {
    const program = machine((a, pages) => {
      const { vs, g } = guest(pages);
      vs.map(BigInt(RAM), RAM, RWX, 2);
      const entry = vs.setEntry(VA, leaf(page(3)));
      a.setCsr("hgatp", g.atp(1)).setCsr("vsatp", vs.atp(1)).enter(1, true);
      a.constant(reg.s0, VA).op("ld", reg.s1, 0, reg.s0);
      setEntry(a, entry, leaf(page(4)));
      fence(a, "sfence.vma", how === "address" ? VA : undefined);
      a.op("ld", reg.s2, 0, reg.s0);
    });
    runToEnd(program);
    assertEquals([x(program.harts, reg.s1), x(program.harts, reg.s2)], [3n, 4n]);
    assertEquals(program.harts.mode(0), { privilege: 1, virtual: true });
  }
});

Deno.test("SINVAL.VMA, HINVAL.VVMA and HINVAL.GVMA renew as the fences do", () => {
  const found = results(machine((a, pages) => {
    a.setCsr("hstatus", 1n << 8n);
    const { vs, g } = guest(pages);
    const guestEntry = vs.setEntry(VA, leaf(page(1)));
    const host = new AddressSpace(pages);
    const hostEntry = host.setEntry(VA, leaf(page(2)));
    a.setCsr("hgatp", g.atp(1)).setCsr("vsatp", vs.atp(1)).setCsr("satp", host.atp(1));
    probe(a, VA);
    probeGuest(a, VA);
    setEntry(a, hostEntry, leaf(page(20)));
    setEntry(a, guestEntry, leaf(page(10)));
    a.op("sfence.w.inval");
    fence(a, "sinval.vma", VA);
    fence(a, "hinval.vvma", VA);
    a.op("sfence.inval.ir");
    probe(a, VA);
    probeGuest(a, VA);
    setEntry(a, guestEntry, leaf(page(11)));
    fence(a, "hinval.gvma");
    probeGuest(a, VA);
  }));
  assertEquals(found, [2n, 1n, 20n, 10n, 11n]);
});

// ---- What else is kept about pages ----

Deno.test("page flags tell which pages were touched, written and executed", () => {
  const program = bareProgram((a) => {
    a.constant(reg.a0, BigInt(RAM + 0x8000)).op("ld", reg.a1, 0, reg.a0);
    a.constant(reg.a0, BigInt(RAM + 0x9000)).op("sd", reg.a1, 0, reg.a0);
    a.constant(reg.a0, BigInt(RAM + 0xafff)).op("sh", reg.a1, 0, reg.a0);
  });
  runToEnd(program);
  const { module } = program.harts;
  const [touched, dirty, code] = ["PAGE_TOUCHED", "PAGE_DIRTY", "PAGE_CODE"].map((name) =>
    module.layout(name)
  ) as [number, number, number];
  const at = module.layout("PAGE_FLAGS_BASE");
  const known = touched | dirty | code;
  const flags = Array.from(module.bytes.subarray(at, at + 13), (flag) => flag & known);
  assertEquals(flags[0]! & code, code);
  assertEquals(flags.slice(1), [
    ...[0, 0, 0, 0, 0, 0, 0],
    touched,
    touched | dirty,
    touched | dirty,
    touched | dirty,
    0,
  ]);
});
