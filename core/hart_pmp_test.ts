// Physical memory protection: ranges to the byte, priority, locks, and changes that take effect at once
// (Privileged, "Physical Memory Protection").

import { assertEquals } from "@std/assert";
import { encode, reg } from "./conformance/assembler.ts";
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
import { AddressSpace, RWX, TablePages } from "./testing/page_tables.ts";

const R = 1n, W = 2n, X = 4n, LOCK = 0x80n;
const TOR = 1n << 3n, NA4 = 2n << 3n, NAPOT = 3n << 3n;
const DATA = RAM + 0x8000;
const RESULTS = RAM + 0x1_0000;

/** `pmpaddr` of a naturally aligned region. */
function napot(base: number, sizeBytes: number): bigint {
  return (BigInt(base) >> 2n) | ((BigInt(sizeBytes) >> 3n) - 1n);
}

interface Entry {
  readonly config: bigint;
  readonly address: bigint;
}

/** Writes entries 0, 1, ...; the last entry (15) allows everything that they do not match. */
function setEntries(a: Program, entries: readonly Entry[]): void {
  entries.forEach(({ address }, n) => a.setCsr(`pmpaddr${n}`, address));
  a.setCsr("pmpcfg0", entries.reduce((sum, { config }, n) => sum | config << BigInt(8 * n), 0n));
}

/** One access at `address`; whether it came through is appended to the results (1 or 0). */
function probe(a: Program, name: string, address: number, privilege: number): void {
  const here = `probe_${a.here}`;
  a.constant(reg.a0, BigInt(address)).op("addi", reg.a2, 0, 0);
  if (privilege !== 3) {
    a.clearBits("mstatus", MSTATUS.mpp(3)).setBits(
      "mstatus",
      MSTATUS.MPRV | MSTATUS.mpp(privilege),
    );
  }
  // A trap skips this instruction, and the handler has counted.
  a.op("addi", reg.s9, 0, 0).label(here);
  if (name.startsWith("s")) a.op(name, reg.a3, 0, reg.a0);
  else a.op(name, reg.a1, 0, reg.a0);
  if (privilege !== 3) a.clearBits("mstatus", MSTATUS.MPRV);
  a.op("xori", reg.a2, reg.s9, 1).op("sb", reg.a2, 0, reg.s11).op("addi", reg.s11, reg.s11, 1);
}

/** A program whose handler notes a fault in s9 and skips. */
function machine(body: (a: Program) => void, harts = 1): BareProgram {
  const program = bareProgram((a) => {
    a.constant(reg.s11, BigInt(RESULTS));
    body(a);
  }, {
    harts,
    handler: (a) =>
      a.op("addi", reg.s9, 0, 1).getCsr(reg.t6, "mepc").op("addi", reg.t6, reg.t6, 4)
        .op("csrrw", 0, a.csr("mepc"), reg.t6).op("mret"),
  });
  program.recordTraps();
  return program;
}

function results(program: BareProgram): number[] {
  runToEnd(program);
  const count = Number(x(program.harts, reg.s11)) - RESULTS;
  return Array.from(program.harts.ramAt(RESULTS, count)!);
}

/** Regions of every kind; `first` to `end` is what they cover around DATA. */
const REGIONS: readonly {
  readonly name: string;
  readonly entries: readonly Entry[];
  readonly first: number;
  readonly end: number;
}[] = [
  {
    name: "NA4",
    entries: [{ config: NA4, address: BigInt(DATA + 0x100) >> 2n }],
    first: DATA + 0x100,
    end: DATA + 0x104,
  },
  {
    name: "NAPOT of 8 bytes",
    entries: [{ config: NAPOT, address: napot(DATA + 0x108, 8) }],
    first: DATA + 0x108,
    end: DATA + 0x110,
  },
  {
    name: "NAPOT of 32 bytes",
    entries: [{ config: NAPOT, address: napot(DATA + 0x120, 32) }],
    first: DATA + 0x120,
    end: DATA + 0x140,
  },
  {
    name: "TOR",
    entries: [
      { config: 0n, address: BigInt(DATA + 0x134) >> 2n },
      { config: TOR, address: BigInt(DATA + 0x144) >> 2n },
    ],
    first: DATA + 0x134,
    end: DATA + 0x144,
  },
];

for (const { name, entries, first, end } of REGIONS) {
  Deno.test(`${name}: an access fails if any of its bytes is inside, in U-, S- and M-mode`, () => {
    for (const privilege of [0, 1, 3]) {
      const locked = entries.map(({ config, address }) => ({
        config: privilege === 3 && config !== 0n ? config | LOCK : config,
        address,
      }));
      const probes: { name: string; address: number; ok: number }[] = [];
      for (
        const [access, width] of [["lb", 1], ["lh", 2], ["lw", 4], ["ld", 8], ["sd", 8], [
          "sb",
          1,
        ]] as const
      ) {
        for (let address = first - 9; address < end + 3; address++) {
          probes.push({
            name: access,
            address,
            ok: address + width <= first || address >= end ? 1 : 0,
          });
        }
      }
      const program = machine((a) => {
        setEntries(a, locked);
        for (const { name, address } of probes) probe(a, name, address, privilege);
      });
      assertEquals(results(program), probes.map(({ ok }) => ok), `privilege ${privilege}`);
      const failed = probes.filter(({ ok }) => ok === 0);
      assertEquals(
        program.traps.map(({ cause, tval }) => ({ cause, tval })),
        failed.map(({ name, address }) => ({
          cause: name.startsWith("s") ? 7n : 5n,
          tval: BigInt(address),
        })),
      );
    }
  });
}

Deno.test("an access that a permitting entry covers in part fails, though the rest is allowed too", () => {
  const at = DATA + 0x10;
  const program = machine((a) => {
    setEntries(a, [{ config: NA4 | R | W | X, address: BigInt(at) >> 2n }]);
    probe(a, "lw", at, 1); // all of it inside
    probe(a, "ld", at, 1); // half
    probe(a, "ld", at - 4, 1);
    probe(a, "lw", at + 4, 1);
    probe(a, "ld", at, 3); // "irrespective of the L, R, W, and X bits"
    probe(a, "lw", at, 3);
  });
  assertEquals(results(program), [1, 0, 0, 1, 0, 1]);
});

Deno.test("permissions one by one, and the entry with the lowest number decides", () => {
  const program = machine((a) => {
    for (
      const [inner, outer] of [[R, R | W], [R | W, R], [0n, R | W | X], [R | W, 0n], [X, R | W]]
    ) {
      setEntries(a, [
        { config: NAPOT | inner!, address: napot(DATA, 16) },
        { config: NAPOT | outer!, address: napot(DATA, 64) },
      ]);
      for (const address of [DATA, DATA + 16, DATA + 64]) {
        probe(a, "ld", address, 0);
        probe(a, "sd", address, 0);
      }
    }
  });
  assertEquals(results(program), [
    ...[1, 0, 1, 1, 1, 1],
    ...[1, 1, 1, 0, 1, 1],
    ...[0, 0, 1, 1, 1, 1],
    ...[1, 1, 0, 0, 1, 1],
    ...[0, 0, 1, 1, 1, 1],
  ]);
});

Deno.test("below M-mode nothing is allowed without a match; M-mode needs none", () => {
  const program = machine((a) => {
    a.setCsr("pmpcfg2", 0n);
    probe(a, "ld", DATA, 0);
    probe(a, "ld", DATA, 1);
    probe(a, "sd", DATA, 3);
    a.setCsr("pmpcfg2", 0x1fn << 56n);
    probe(a, "ld", DATA, 0);
  });
  assertEquals(results(program), [0, 0, 1, 1]);
});

Deno.test("changes take effect on the next access, with the page in the TLB", () => {
  const program = machine((a) => {
    for (let round = 0; round < 3; round++) {
      setEntries(a, [{ config: NAPOT | R | W, address: napot(DATA, 0x1000) }]);
      probe(a, "ld", DATA + 0x800, 1);
      probe(a, "sd", DATA + 0x800, 1);
      setEntries(a, [{ config: NAPOT | R, address: napot(DATA, 0x1000) }]);
      probe(a, "ld", DATA + 0x800, 1);
      probe(a, "sd", DATA + 0x800, 1);
      a.setCsr("pmpaddr0", napot(DATA + 0x1000, 0x1000));
      probe(a, "sd", DATA + 0x800, 1);
      probe(a, "sd", DATA + 0x1800, 1);
      // The configuration alone, with the pages in use.
      a.setCsr("pmpcfg0", 0n);
      probe(a, "sd", DATA + 0x1800, 1);
      a.setCsr("pmpcfg0", NAPOT | R);
      probe(a, "sd", DATA + 0x1800, 1);
      probe(a, "ld", DATA + 0x1800, 1);
      a.setCsr("pmpcfg0", NAPOT);
      probe(a, "ld", DATA + 0x1800, 1);
    }
  });
  const round = [1, 1, 1, 0, 1, 0, 1, 0, 1, 0];
  assertEquals(results(program), [...round, ...round, ...round]);
});

Deno.test("a locked entry ignores writes, and so does the address below a locked TOR entry", () => {
  const program = machine((a) => {
    a.setCsr("pmpaddr1", 0x111n).setCsr("pmpaddr2", 0x222n).setCsr("pmpaddr3", 0x333n);
    a.setCsr("pmpcfg0", (TOR | LOCK | R) << 16n);
    a.setCsr("pmpaddr1", 0x1111n).setCsr("pmpaddr2", 0x2222n).setCsr("pmpaddr3", 0x3333n);
    a.setCsr("pmpcfg0", (NAPOT | R | W) << 24n);
    a.getCsr(reg.a0, "pmpaddr1").getCsr(reg.a1, "pmpaddr2").getCsr(reg.a2, "pmpaddr3")
      .getCsr(reg.a3, "pmpcfg0");
  });
  runToEnd(program);
  const found = [reg.a0, reg.a1, reg.a2, reg.a3].map((r) => x(program.harts, r));
  assertEquals(found, [0x111n, 0x222n, 0x3333n, (TOR | LOCK | R) << 16n | (NAPOT | R | W) << 24n]);
  program.harts.resetHarts();
  assertEquals(program.harts.readCsr(0, 0x3a0), 0n);
});

Deno.test("execute permission can be given and taken while the page is in use", () => {
  const code = RAM + 0x9000;
  const configs = [R | W | X, R | W, X, R, R | X];
  const program = bareProgram((a) => {
    a.constant(reg.s11, BigInt(RESULTS)).constant(reg.s10, BigInt(code));
    a.setCsr("pmpaddr0", napot(code, 0x1000)).enter(1);
    for (const config of configs) {
      a.constant(reg.a7, NAPOT | config).op("ecall"); // M-mode puts a7 into pmpcfg0
      a.op("addi", reg.a0, 0, 0).op("jalr", reg.ra, 0, reg.s10)
        .op("sb", reg.a0, 0, reg.s11).op("addi", reg.s11, reg.s11, 1);
    }
  }, {
    handler: (a) =>
      a.getCsr(reg.t6, "mcause").op("addi", reg.t6, reg.t6, -9).branch("bne", reg.t6, 0, "fault")
        .op("csrrw", 0, a.csr("pmpcfg0"), reg.a7)
        .getCsr(reg.t6, "mepc").op("addi", reg.t6, reg.t6, 4)
        .op("csrrw", 0, a.csr("mepc"), reg.t6).op("mret")
        .label("fault").op("csrrw", 0, a.csr("mepc"), reg.ra).op("mret"),
  });
  const bytes = program.harts.ramAt(code, 8)!;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setUint32(0, encode("addi", reg.a0, 0, 1), true);
  view.setUint32(4, encode("jalr", 0, 0, reg.ra), true);
  program.recordTraps();
  assertEquals(results(program), configs.map((config) => config & X ? 1 : 0));
  const faults = program.traps.filter(({ cause }) => cause !== 9n);
  assertEquals(
    faults.map(({ cause, tval }) => ({ cause, tval })),
    [1, 3].map(() => ({ cause: 1n, tval: BigInt(code) })),
  );
});

Deno.test("a fetch is denied by locked entries, to four bytes", () => {
  const code = RAM + 0x9000;
  for (let denied = 0; denied < 4; denied++) {
    const program = bareProgram((a) => {
      a.setCsr("pmpaddr0", BigInt(code + 4 * denied) >> 2n).setCsr("pmpcfg0", NA4 | R | W | LOCK);
      a.constant(reg.a1, BigInt(code)).op("jalr", reg.ra, 0, reg.a1);
    }, { handler: (a) => a.end() });
    const bytes = program.harts.ramAt(code, 16)!;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const count = encode("addi", reg.a0, reg.a0, 1);
    [count, count, count, encode("jalr", 0, 0, reg.ra)].forEach((word, i) =>
      view.setUint32(4 * i, word, true)
    );
    program.recordTraps();
    runToEnd(program);
    assertEquals(x(program.harts, reg.a0), BigInt(denied));
    assertEquals(
      program.traps.map(({ cause, tval, epc }) => ({ cause, tval, epc })),
      [{ cause: 1n, tval: BigInt(code + 4 * denied), epc: BigInt(code + 4 * denied) }],
    );
  }
});

Deno.test("a fetch fails if its second half is denied, in the middle of a page too", () => {
  const code = RAM + 0x9000;
  for (const at of [code + 0x102, code + 0x106]) {
    for (const warm of [false, true]) {
      const program = bareProgram((a) => {
        a.constant(reg.a1, BigInt(at)).constant(reg.s0, BigInt(code));
        if (warm) a.op("jalr", reg.ra, 0, reg.s0); // another function on the page
        a.setCsr("pmpaddr0", BigInt(at + 2) >> 2n).setCsr("pmpcfg0", NA4 | R | W | LOCK);
        a.op("jalr", reg.ra, 0, reg.a1);
      }, { handler: (a) => a.end() });
      const bytes = program.harts.ramAt(code, 0x200)!;
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      view.setUint32(0, encode("jalr", 0, 0, reg.ra), true);
      view.setUint32(at - code, encode("addi", reg.a0, 0, 1), true);
      program.recordTraps();
      runToEnd(program);
      const { cause, epc, tval } = program.traps[0]!;
      assertEquals([cause, epc, tval], [1n, BigInt(at), BigInt(at + 2)]);
      assertEquals(x(program.harts, reg.a0), 0n);
    }
  }
});

Deno.test("page-table walks obey the PMP: an access fault, not a page fault", () => {
  const va = 0x5_0000_0000n;
  let entryAddress = 0;
  const program = bareProgram((a, harts) => {
    const space = new AddressSpace(new TablePages(harts, RAM + 0x2_0000)).map(va, DATA);
    entryAddress = space.entryAddress(va);
    a.setCsr("satp", space.atp()).constant(reg.a0, va).constant(reg.a1, -1n);
    a.setCsr("pmpaddr0", napot(entryAddress, 8)).setCsr("pmpcfg0", NAPOT);
    a.clearBits("mstatus", MSTATUS.mpp(3)).setBits("mstatus", MSTATUS.MPRV | MSTATUS.mpp(1));
    a.op("ld", reg.a1, 0, reg.a0);
    a.clearBits("mstatus", MSTATUS.MPRV).setCsr("pmpcfg0", 0n);
    a.clearBits("mstatus", MSTATUS.mpp(3)).setBits("mstatus", MSTATUS.MPRV | MSTATUS.mpp(1));
    a.op("ld", reg.a2, 0, reg.a0);
  });
  ramView(program.harts).set(DATA, 77n);
  program.recordTraps();
  runToEnd(program);
  assertEquals(program.traps.map(({ cause, tval }) => ({ cause, tval })), [{
    cause: 5n,
    tval: va,
  }]);
  assertEquals(x(program.harts, reg.a2), 77n);
});

Deno.test("hardware updates of A and D need write permission for the entry", () => {
  const va = 0x5_0000_0000n;
  for (const [config, expected] of [[NAPOT | R, [7n]], [NAPOT | R | W, []]] as const) {
    const program = bareProgram((a, harts) => {
      const space = new AddressSpace(new TablePages(harts, RAM + 0x2_0000));
      const entry = space.setEntry(va, BigInt(DATA) >> 12n << 10n | RWX & ~0xc0n);
      a.setCsr("menvcfg", 1n << 61n).setCsr("satp", space.atp()).constant(reg.a0, va);
      a.setCsr("pmpaddr0", napot(entry, 8)).setCsr("pmpcfg0", config);
      a.clearBits("mstatus", MSTATUS.mpp(3)).setBits("mstatus", MSTATUS.MPRV | MSTATUS.mpp(1));
      a.op("sd", reg.a0, 0, reg.a0);
    });
    program.recordTraps();
    runToEnd(program);
    assertEquals(program.traps.map(({ cause }) => cause), [...expected]);
  }
});

Deno.test("each hart has its own PMP", () => {
  const program = bareProgram((a) => {
    a.getCsr(reg.s0, "mhartid").constant(reg.a0, BigInt(DATA)).op("addi", reg.s1, 0, 50);
    a.branch("beq", reg.s0, 0, "loop");
    a.setCsr("pmpaddr0", napot(DATA, 8)).setCsr("pmpcfg0", NAPOT | R | LOCK);
    a.label("loop").op("sd", reg.s0, 0, reg.a0).op("pause").op("ld", reg.a1, 0, reg.a0);
    a.op("addi", reg.s1, reg.s1, -1).branch("bne", reg.s1, 0, "loop");
  }, { harts: 2 });
  program.recordTraps();
  runToEnd(program);
  assertEquals(program.traps.length, 50);
  assertEquals(program.traps.every(({ hartId, cause }) => hartId === 1 && cause === 7n), true);
  assertEquals(ramView(program.harts).get(DATA), 0n);
});
