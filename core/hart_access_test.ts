// Loads, stores and fetches at the edges: across pages, at the ends of RAM and ROM, and at devices.

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
import { AddressSpace, TablePages } from "./testing/page_tables.ts";
import { ProbeDevice } from "./testing/probe_device.ts";

const DEVICE = 0x1000_0000;
const TABLES = RAM + 0x2_0000;
const LOW = RAM + 0x8000; // where the first of two virtual pages lies
const HIGH = RAM + 0xc000; // and the second, not behind it
const VA = 0x7_0000_0000n;
const BOUNDARY = VA + 0x1000n;
const RAM_BYTES = 0x10_0000;

const LOADS = [["lh", 2], ["lhu", 2], ["lw", 4], ["lwu", 4], ["ld", 8]] as const;
const STORES = [["sh", 2], ["sw", 4], ["sd", 8]] as const;

/** Accesses from M-mode with the translation of S-mode. */
function translated(a: Program, space: AddressSpace): void {
  a.setCsr("satp", space.atp()).clearBits("mstatus", MSTATUS.mpp(3));
  a.setBits("mstatus", MSTATUS.MPRV | MSTATUS.mpp(1));
}

/** Two pages at VA, of which either may be missing; `body` follows. */
function twoPages(mapped: "both" | "first" | "second", body: (a: Program) => void): BareProgram {
  const program = bareProgram((a, harts) => {
    const space = new AddressSpace(new TablePages(harts, TABLES));
    if (mapped !== "second") space.map(VA, LOW);
    if (mapped !== "first") space.map(BOUNDARY, HIGH);
    for (let i = 0; i < 0x1000; i++) {
      harts.ramAt(LOW, 0x1000)![i] = i * 7 + 1;
      harts.ramAt(HIGH, 0x1000)![i] = i * 5 + 2;
    }
    translated(a, space);
    body(a);
  }, {
    // MPP must stay S for the accesses that follow.
    handler: (a) =>
      a.getCsr(reg.t6, "mepc").op("addi", reg.t6, reg.t6, 4).op("csrrw", 0, a.csr("mepc"), reg.t6)
        .op("csrrs", reg.s11, a.csr("mcause"), 0).op("jalr", 0, 0, reg.t6),
  });
  program.recordTraps();
  return program;
}

for (const [name, width] of LOADS) {
  Deno.test(`${name} across two pages takes its bytes from both`, () => {
    for (let before = 1; before < width; before++) {
      const program = twoPages("both", (a) => {
        a.constant(reg.a0, BOUNDARY - BigInt(before)).op(name, reg.a1, 0, reg.a0);
      });
      runToEnd(program);
      const low = program.harts.ramAt(LOW + 0x1000 - before, before)!;
      const high = program.harts.ramAt(HIGH, width - before)!;
      let expected = [...low, ...high].reduceRight((sum, byte) => sum << 8n | BigInt(byte), 0n);
      if (!name.endsWith("u")) expected = BigInt.asUintN(64, BigInt.asIntN(8 * width, expected));
      assertEquals(x(program.harts, reg.a1), expected, `${before} bytes before the boundary`);
      assertEquals(program.traps, []);
    }
  });

  Deno.test(`${name} into a missing page faults there, and the register stays`, () => {
    for (const mapped of ["first", "second"] as const) {
      for (let before = 1; before < width; before++) {
        const va = BOUNDARY - BigInt(before);
        const program = twoPages(mapped, (a) => {
          a.constant(reg.a0, va).constant(reg.a1, 0x5a5an).op(name, reg.a1, 0, reg.a0);
        });
        runToEnd(program);
        assertEquals(program.traps.map(({ cause, tval }) => ({ cause, tval })), [
          { cause: 13n, tval: mapped === "first" ? BOUNDARY : va },
        ]);
        assertEquals(x(program.harts, reg.a1), 0x5a5an);
      }
    }
  });
}

for (const [name, width] of STORES) {
  Deno.test(`${name} across two pages: both or nothing`, () => {
    for (const mapped of ["both", "first", "second"] as const) {
      for (let before = 1; before < width; before++) {
        const va = BOUNDARY - BigInt(before);
        const program = twoPages(mapped, (a) => {
          a.constant(reg.a1, 0x1122_3344_5566_7788n).constant(reg.a0, va).op(
            name,
            reg.a1,
            0,
            reg.a0,
          );
        });
        const { harts } = program;
        const bytes = () => [
          ...harts.ramAt(LOW + 0xff0, 16)!,
          ...harts.ramAt(HIGH, 16)!,
        ];
        const expected = bytes();
        if (mapped === "both") {
          for (let i = 0; i < width; i++) expected[16 - before + i] = 0x88 - 0x11 * i;
        }
        runToEnd(program);
        assertEquals(bytes(), expected);
        assertEquals(
          program.traps.map(({ cause, tval }) => ({ cause, tval })),
          mapped === "both" ? [] : [{ cause: 15n, tval: mapped === "first" ? BOUNDARY : va }],
        );
      }
    }
  });
}

Deno.test("an instruction across two pages: the second half's address is reported", () => {
  for (const secondMapped of [true, false]) {
    const program = bareProgram((a, harts) => {
      const space = new AddressSpace(new TablePages(harts, TABLES)).map(VA, LOW);
      if (secondMapped) space.map(BOUNDARY, HIGH);
      const word = encode("addi", reg.a0, 0, 123);
      new DataView(harts.ramAt(LOW, 0x1000)!.buffer, harts.ramAt(LOW, 1)!.byteOffset)
        .setUint16(0xffe, word & 0xffff, true);
      const high = new DataView(harts.ramAt(HIGH, 8)!.buffer, harts.ramAt(HIGH, 1)!.byteOffset);
      high.setUint16(0, word >>> 16, true);
      high.setUint16(2, 0x0073, true); // ecall
      high.setUint16(4, 0, true);
      a.setCsr("satp", space.atp()).clearBits("mstatus", MSTATUS.mpp(3))
        .setBits("mstatus", MSTATUS.mpp(1)).setCsr("mepc", BOUNDARY - 2n).op("mret");
    }, { handler: (a) => a.end() });
    program.recordTraps();
    runToEnd(program);
    const [trap] = program.traps;
    if (secondMapped) {
      assertEquals([trap!.cause, trap!.epc], [9n, BOUNDARY + 2n]);
      assertEquals(x(program.harts, reg.a0), 123n);
    } else {
      // Privileged, mtval: "the portion of the instruction that caused the fault".
      assertEquals([trap!.cause, trap!.epc, trap!.tval], [12n, BOUNDARY - 2n, BOUNDARY]);
    }
  }
});

Deno.test("a 16-bit instruction at the end of a page needs no next page", () => {
  const program = bareProgram((a, harts) => {
    const space = new AddressSpace(new TablePages(harts, TABLES)).map(VA, LOW);
    new DataView(harts.ramAt(LOW, 0x1000)!.buffer, harts.ramAt(LOW, 1)!.byteOffset)
      .setUint16(0xffe, 0x4515, true); // c.li a0, 5
    a.setCsr("satp", space.atp()).clearBits("mstatus", MSTATUS.mpp(3))
      .setBits("mstatus", MSTATUS.mpp(1)).setCsr("mepc", BOUNDARY - 2n).op("mret");
  }, { handler: (a) => a.end() });
  program.recordTraps();
  runToEnd(program);
  assertEquals(x(program.harts, reg.a0), 5n);
  const { cause, epc, tval } = program.traps[0]!;
  assertEquals([cause, epc, tval], [12n, BOUNDARY, BOUNDARY]);
});

Deno.test("RAM ends where it ends", () => {
  const end = RAM + RAM_BYTES;
  const program = bareProgram((a) => {
    for (const back of [8, 7, 1, 0]) {
      a.constant(reg.a0, BigInt(end - back)).op("ld", reg.a1, 0, reg.a0);
      a.op("sd", reg.a1, 0, reg.a0);
    }
    a.constant(reg.a0, BigInt(RAM - 1)).op("lb", reg.a1, 0, reg.a0).op("lh", reg.a1, 0, reg.a0);
  });
  program.recordTraps();
  runToEnd(program);
  // An access across the end names the first byte that is not there.
  const at = (tval: number, cause: bigint) => ({ cause, tval: BigInt(tval) });
  assertEquals(program.traps.map(({ cause, tval }) => ({ cause, tval })), [
    at(end, 5n),
    at(end, 7n),
    at(end, 5n),
    at(end, 7n),
    at(end, 5n),
    at(end, 7n),
    at(RAM - 1, 5n),
    at(RAM - 1, 5n),
  ]);
});

Deno.test("accesses to nothing fault with their own cause and address", () => {
  const nowhere = [
    0n,
    0x4000_0000n,
    0xffff_fff0n,
    1n << 40n,
    (1n << 55n) + 8n,
    (1n << 56n) + 16n,
    -16n,
  ];
  const accesses: readonly (readonly [bigint, (a: Program) => void])[] = [
    [5n, (a) => a.op("ld", reg.a1, 0, reg.a0)],
    [5n, (a) => a.op("lbu", reg.a1, 0, reg.a0)],
    [7n, (a) => a.op("sb", reg.a1, 0, reg.a0)],
    [7n, (a) => a.op("sd", reg.a1, 0, reg.a0)],
    [5n, (a) => a.op("lr.d", reg.a1, 0, reg.a0)],
    [7n, (a) => a.op("sc.d", reg.a1, reg.a1, reg.a0)],
    [7n, (a) => a.op("amoadd.w", reg.a1, reg.a1, reg.a0)],
    [7n, (a) => a.op("cbo.zero", reg.a0)],
    [5n, (a) => a.op("fld", 1, 0, reg.a0)],
    [7n, (a) => a.op("fsw", 1, 0, reg.a0)],
  ];
  const program = bareProgram((a) => {
    a.setBits("mstatus", 3n << 13n);
    for (const address of nowhere) {
      a.constant(reg.a0, address);
      for (const [, access] of accesses) access(a);
    }
  });
  program.recordTraps();
  runToEnd(program);
  const expected = nowhere.flatMap((address) =>
    accesses.map(([cause]) => ({ cause, tval: BigInt.asUintN(64, address) }))
  );
  assertEquals(program.traps.map(({ cause, tval }) => ({ cause, tval })), expected);
});

Deno.test("a jump to nowhere faults at its target", () => {
  for (const target of [0n, 0x4000_0000n, 1n << 55n, 1n << 60n, -2n, BigInt(DEVICE)]) {
    const program = bareProgram((a) => a.constant(reg.a0, target).op("jalr", 0, 0, reg.a0), {
      handler: (a) => a.end(),
    });
    program.harts.bus.map("probe", DEVICE, new ProbeDevice());
    program.recordTraps();
    runToEnd(program);
    const { cause, epc, tval } = program.traps[0]!;
    const address = BigInt.asUintN(64, target);
    assertEquals([cause, epc, tval], [1n, address, address]);
  }
});

// ---- Devices ----

/** A program with a device, recorded. */
function withDevice(
  body: (a: Program) => void,
  device = new ProbeDevice({ onRead: (offset) => 0x8182_8384 + offset }),
): { program: BareProgram; device: ProbeDevice } {
  const program = bareProgram((a) => {
    a.constant(reg.a0, BigInt(DEVICE));
    body(a);
  });
  program.harts.bus.map("probe", DEVICE, device);
  program.recordTraps();
  return { program, device };
}

Deno.test("device reads are extended as the instruction says", () => {
  const device = new ProbeDevice({
    onRead: (_, width) => [0, 0x81, 0x8281, 0, 0x8483_8281][width]!,
  });
  const { program } = withDevice((a) => {
    ["lb", "lbu", "lh", "lhu", "lw", "lwu"].forEach((name, i) => a.op(name, reg.s2 + i, 0, reg.a0));
  }, device);
  runToEnd(program);
  const found = [0, 1, 2, 3, 4, 5].map((i) => BigInt.asIntN(64, x(program.harts, reg.s2 + i)));
  assertEquals(found, [-0x7fn, 0x81n, -0x7d7fn, 0x8281n, -0x7b7c_7d7fn, 0x8483_8281n]);
  assertEquals(device.accesses.map(({ width }) => width), [1, 1, 2, 2, 4, 4]);
});

Deno.test("device writes carry the width's bytes and no more", () => {
  const { program, device } = withDevice((a) => {
    a.constant(reg.a1, 0x1122_3344_5566_7788n);
    ["sb", "sh", "sw"].forEach((name, i) => a.op(name, reg.a1, 4 * i, reg.a0));
  });
  runToEnd(program);
  assertEquals(device.accesses, [
    { kind: "write", offset: 0, width: 1, value: 0x88 },
    { kind: "write", offset: 4, width: 2, value: 0x7788 },
    { kind: "write", offset: 8, width: 4, value: 0x5566_7788 },
  ]);
});

Deno.test("an access of 8 bytes is two of 4, low first", () => {
  const { program, device } = withDevice((a) => {
    a.op("ld", reg.a1, 0x10, reg.a0).constant(reg.a2, 0xaabb_ccdd_1122_3344n)
      .op("sd", reg.a2, 0x20, reg.a0);
  });
  runToEnd(program);
  assertEquals(device.accesses, [
    { kind: "read", offset: 0x10, width: 4, value: 0x8182_8394 },
    { kind: "read", offset: 0x14, width: 4, value: 0x8182_8398 },
    { kind: "write", offset: 0x20, width: 4, value: 0x1122_3344 },
    { kind: "write", offset: 0x24, width: 4, value: 0xaabb_ccdd },
  ]);
  assertEquals(x(program.harts, reg.a1), 0x8182_8398_8182_8394n);
});

Deno.test("a misaligned access to a device faults, and the device sees nothing", () => {
  const expected: { cause: bigint; tval: bigint }[] = [];
  const { program, device } = withDevice((a) => {
    for (const [names, cause] of [[LOADS, 5n], [STORES, 7n]] as const) {
      for (const [name, width] of names) {
        for (let offset = 1; offset < 2 * width; offset++) {
          if (offset % width === 0) continue;
          a.op(name, reg.a1, 0x40 + offset, reg.a0);
          expected.push({ cause, tval: BigInt(DEVICE + 0x40 + offset) });
        }
      }
    }
  });
  runToEnd(program);
  assertEquals(program.traps.map(({ cause, tval }) => ({ cause, tval })), expected);
  assertEquals(device.accesses, []);
});

Deno.test("a width that a device does not take is an access fault", () => {
  const device = new ProbeDevice({ accessWidths: [1] });
  const { program } = withDevice((a) => {
    a.op("lw", reg.a1, 0, reg.a0).op("sh", reg.a1, 0, reg.a0).op("ld", reg.a1, 0, reg.a0)
      .op("sd", reg.a1, 0, reg.a0).op("lb", reg.a1, 0, reg.a0);
  }, device);
  runToEnd(program);
  assertEquals(program.traps.map(({ cause }) => cause), [5n, 7n, 5n, 7n]);
  assertEquals(device.accesses.length, 1);
});

Deno.test("devices take no atomics", () => {
  const { program, device } = withDevice((a) => {
    a.op("lr.w", reg.a1, 0, reg.a0).op("sc.w", reg.a1, reg.a1, reg.a0)
      .op("amoswap.d", reg.a1, reg.a1, reg.a0).op("cbo.zero", reg.a0);
  });
  runToEnd(program);
  assertEquals(program.traps.map(({ cause }) => cause), [5n, 7n, 7n, 7n]);
  assertEquals(program.traps.every(({ tval }) => tval === BigInt(DEVICE)), true);
  assertEquals(device.accesses, []);
});

Deno.test("behind the end of a device that is smaller than its page there is nothing", () => {
  const device = new ProbeDevice({ sizeBytes: 0x100 });
  const { program } = withDevice((a) => {
    a.op("lw", reg.a1, 0xfc, reg.a0).op("lw", reg.a1, 0x100, reg.a0).op("ld", reg.a1, 0xf8, reg.a0)
      .op("sw", reg.a1, 0x7fc, reg.a0);
  }, device);
  runToEnd(program);
  assertEquals(program.traps.map(({ cause, tval }) => ({ cause, tval })), [
    { cause: 5n, tval: BigInt(DEVICE + 0x100) },
    { cause: 7n, tval: BigInt(DEVICE + 0x7fc) },
  ]);
});

Deno.test("a device behind translation is reached at its offset, first and second time", () => {
  const device = new ProbeDevice();
  const program = bareProgram((a, harts) => {
    const space = new AddressSpace(new TablePages(harts, TABLES)).map(VA, DEVICE);
    space.map(BOUNDARY, LOW);
    translated(a, space);
    a.constant(reg.a0, VA);
    for (let i = 0; i < 3; i++) a.op("lw", reg.a1, 0x120, reg.a0).op("sw", reg.a1, 0x124, reg.a0);
    a.constant(reg.a0, BOUNDARY - 4n).op("ld", reg.a1, 0, reg.a0); // half device, half RAM
  });
  program.harts.bus.map("probe", DEVICE, device);
  program.recordTraps();
  runToEnd(program);
  assertEquals(device.accesses.map(({ kind, offset }) => [kind, offset]), [
    ["read", 0x120],
    ["write", 0x124],
    ["read", 0x120],
    ["write", 0x124],
    ["read", 0x120],
    ["write", 0x124],
  ]);
  assertEquals(program.traps.map(({ cause, tval }) => ({ cause, tval })), [
    { cause: 5n, tval: BOUNDARY - 4n },
  ]);
});

// ---- ROM ----

const ROM = 0x1000;

/** The address of an instruction that jumps from ROM to RAM. */
function romProgram(body: (a: Program) => void): BareProgram {
  const rom = new Uint8Array(8192);
  rom.fill(0xa5, 0x100, 0x110);
  new DataView(rom.buffer).setUint32(0, encode("lui", reg.t0, 0x80000), true);
  // Sign-extended: clear the upper half.
  const words = [
    encode("lui", reg.t0, 0x80000),
    encode("slli", reg.t0, reg.t0, 32),
    encode("srli", reg.t0, reg.t0, 32),
    encode("jalr", 0, 0, reg.t0),
  ];
  words.forEach((word, i) => new DataView(rom.buffer).setUint32(4 * i, word, true));
  const program = bareProgram(body, { rom: { base: ROM, bytes: rom } });
  program.recordTraps();
  return program;
}

Deno.test("harts start in ROM; it can be read and not written", () => {
  const program = romProgram((a) => {
    a.constant(reg.a0, BigInt(ROM + 0x100)).op("ld", reg.a1, 0, reg.a0);
    a.op("sd", reg.a0, 0, reg.a0).op("ld", reg.a2, 8, reg.a0);
    a.op("amoor.d", reg.a3, reg.a0, reg.a0).op("cbo.zero", reg.a0).op("lr.d", reg.a4, 0, reg.a0)
      .op("sc.d", reg.a5, reg.a0, reg.a0).op("ld", reg.a6, 0, reg.a0);
  });
  assertEquals(program.harts.get(0, "pc"), BigInt(ROM));
  runToEnd(program);
  const filled = 0xa5a5_a5a5_a5a5_a5a5n;
  assertEquals([reg.a1, reg.a2, reg.a4, reg.a6].map((r) => x(program.harts, r)), [
    filled,
    filled,
    filled,
    filled,
  ]);
  assertEquals(program.traps.map(({ cause }) => cause), [7n, 7n, 7n, 7n]);
});

Deno.test("ROM ends with its last page, and what is asked first does not matter", () => {
  const bytes = new Uint8Array(0x28).fill(0x11);
  const filled = 0x1111_1111_1111_1111n;
  for (const offsets of [[0x20, 0x28, 0x1000], [0x1000, 0x28, 0x20], [0x28, 0x20, 0x1000]]) {
    const program = bareProgram((a) => {
      a.constant(reg.a0, BigInt(ROM)).constant(reg.a2, BigInt(ROM + 0x1000));
      offsets.forEach((offset, i) => {
        if (offset < 0x1000) a.op("ld", reg.s2 + i, offset, reg.a0);
        else a.op("ld", reg.s2 + i, 0, reg.a2);
      });
    }, { rom: { base: ROM, bytes }, resetPc: RAM });
    program.recordTraps();
    runToEnd(program);
    const found = offsets.map((_, i) => x(program.harts, reg.s2 + i));
    assertEquals(found, offsets.map((offset) => offset === 0x20 ? filled : 0n));
    assertEquals(program.traps.map(({ cause, tval }) => ({ cause, tval })), [
      { cause: 5n, tval: BigInt(ROM + 0x1000) },
    ]);
  }
});

Deno.test("RAM is untouched by all of this", () => {
  const { program } = withDevice((a) => a.op("sd", reg.a0, 0, reg.a0));
  runToEnd(program);
  const ram = ramView(program.harts);
  for (let at = RAM + 0x1000; at < RAM + RAM_BYTES; at += 8) {
    if (ram.get(at) !== 0n) throw new Error(`RAM was written at 0x${at.toString(16)}`);
  }
});
