// Wild guests: whatever a guest executes, the run comes back at its budget, time goes on, and nothing
// outside the guest's own state changes.

import { assert, assertEquals } from "@std/assert";
import { encode, formatOf, mnemonics, reg } from "./conformance/assembler.ts";
import { csrAddress } from "./conformance/csr_map.ts";
import { Random } from "./conformance/random.ts";
import { HartArray } from "./hart_array.ts";
import { bareProgram, MSTATUS, RAM, ramView, STCE } from "./testing/bare_program.ts";
import { MemoryGuard } from "./testing/memory_guard.ts";
import { ProbeDevice } from "./testing/probe_device.ts";

const RAM_BYTES = 0x4_0000;
const DEVICE = 0x1000_0000;
const BUDGET = 3_000;

/** Addresses around everything that there is, and far from it. */
const WILD_ADDRESSES = [
  0n,
  0x1000n,
  BigInt(DEVICE),
  BigInt(DEVICE) + 0xffcn,
  BigInt(RAM) - 8n,
  BigInt(RAM),
  BigInt(RAM + RAM_BYTES) - 4n,
  BigInt(RAM + RAM_BYTES),
  0xffff_fff8n,
  0x1_0000_0000n,
  (1n << 32n) + BigInt(RAM),
  (1n << 55n) - 8n,
  (1n << 56n) + BigInt(RAM),
  1n << 63n,
  -8n,
] as const;

/** One hart may run; a second one sleeps and must stay as it is. */
function wildHarts(random: Random): { harts: HartArray; guard: MemoryGuard } {
  const harts = new HartArray({ harts: 2, ramBase: RAM, ramSizeBytes: RAM_BYTES });
  harts.bus.map("probe", DEVICE, new ProbeDevice({ onRead: () => random.u32() }));
  harts.module.setU32(harts.module.hartField(1, "waiting"), 1);
  for (let n = 1; n < 32; n++) {
    const value = random.chance(0.6)
      ? random.pick(WILD_ADDRESSES) + BigInt(random.between(-16, 16))
      : random.u64();
    harts.set(0, `x${n}`, value);
    harts.set(1, `x${n}`, 0x1111_1111_1111_1111n * BigInt(n % 16));
  }
  return { harts, guard: new MemoryGuard(harts, [0]) };
}

/** Runs to the budget in two pieces. */
function runWild(harts: HartArray, guard: MemoryGuard): void {
  const before = harts.nowNs;
  const instructions = harts.instructions;
  for (const piece of [BUDGET - 1_000, 1_000]) {
    const result = harts.run(piece);
    assert(result === "budget" || result === "idle", result);
  }
  const executed = harts.instructions - instructions;
  assert(executed <= BUDGET);
  assert(executed === BUDGET || harts.isWaiting(0), `${executed} instructions`);
  assert(harts.nowNs - before >= executed);
  guard.check();
}

function fill(harts: HartArray, next: () => number): void {
  const ram = harts.module.ram;
  const words = new Uint32Array(ram.buffer, ram.byteOffset, ram.length / 4);
  for (let i = 0; i < words.length; i++) words[i] = next();
}

Deno.test("random bytes as a program", () => {
  for (let seed = 1; seed <= 150; seed++) {
    const random = new Random(seed, 1);
    const { harts, guard } = wildHarts(random);
    fill(harts, () => random.u32());
    // A handler that goes on: traps land in the random code.
    harts.set(0, "mtvec", BigInt(RAM + 4 * random.below(RAM_BYTES / 4)));
    runWild(harts, guard);
  }
});

const CSRS = [...csrAddress.values()];
/** WFI would end the run early. */
const NAMES = mnemonics.filter((name) => name !== "wfi");
/** Bits of an instruction word that hold operands, by format. */
const OPERAND_BITS: Readonly<Record<ReturnType<typeof formatOf>, number>> = {
  R: 0x01ff_8f80,
  R1: 0x000f_8f80,
  I: 0xffff_8f80,
  shift: 0x01ff_8f80,
  load: 0xffff_8f80,
  store: 0xffff_8f80,
  branch: 0xffff_8f80,
  U: 0xffff_ff80,
  J: 0xffff_ff80,
  csr: 0x000f_8f80,
  amo: 0x07ff_8f80,
  fpR: 0x01ff_8f80,
  fp1: 0x000f_8f80,
  fp4: 0xf9ff_8f80,
  fixed: 0,
  fence: 0x01ff_8000,
  cbo: 0x000f_8000,
};

/** An instruction with random operands, of any kind the assembler knows. */
function randomInstruction(random: Random): number {
  const name = random.pick(NAMES);
  const csr = name.startsWith("csrr") ? random.pick(CSRS) : 0;
  return (encode(name, 0, csr, 0) | (random.u32() & OPERAND_BITS[formatOf(name)])) >>> 0;
}

Deno.test("random instructions of every extension, with random CSRs", () => {
  for (let seed = 1; seed <= 150; seed++) {
    const random = new Random(seed, 2);
    const { harts, guard } = wildHarts(random);
    fill(harts, () => randomInstruction(random));
    harts.set(0, "mtvec", BigInt(RAM + 4 * random.below(RAM_BYTES / 4)));
    harts.set(0, "mstatus", 3n << 13n);
    runWild(harts, guard);
  }
});

Deno.test("garbage as page tables, in every mode and both stages", () => {
  for (let seed = 1; seed <= 120; seed++) {
    const random = new Random(seed, 3);
    const root = () =>
      (BigInt(random.pick([0, 8, 9, 10])) << 60n) | (BigInt(random.below(4)) << 44n) |
      (random.chance(0.8)
        ? BigInt(RAM + 0x1000 * random.below(RAM_BYTES / 4096)) >> 12n
        : random.u64() >> 20n);
    const program = bareProgram((a) => {
      a.setCsr("medeleg", random.u64()).setCsr("hedeleg", random.u64());
      for (const name of ["stvec", "vstvec"]) {
        a.setCsr(name, BigInt(RAM + 0x100 * random.below(64)));
      }
      a.setCsr("menvcfg", random.chance(0.5) ? 1n << 61n : 0n);
      a.setCsr("henvcfg", random.chance(0.5) ? 1n << 61n : 0n);
      a.setCsr("hgatp", root()).setCsr("vsatp", root()).setCsr("satp", root());
      a.setBits("mstatus", random.chance(0.5) ? MSTATUS.SUM | 1n << 19n : 0n);
      a.constant(reg.a0, random.pick(WILD_ADDRESSES));
      if (random.chance(0.4)) {
        // Stay in M-mode, and access through the tables.
        a.setBits(
          "mstatus",
          MSTATUS.MPRV | MSTATUS.mpp(random.below(2)) | (random.chance(0.5) ? MSTATUS.MPV : 0n),
        );
        for (let i = 0; i < 40; i++) {
          a.constant(reg.a0, random.chance(0.5) ? random.u64() : random.u64() & 0xff_ffff_ffffn);
          a.op(random.pick(["ld", "lw", "lb"]), reg.a1, 0, reg.a0);
          a.op(random.pick(["sd", "sb"]), reg.a1, 0, reg.a0).op("hlv.d", reg.a2, reg.a0)
            .op("hlvx.wu", reg.a2, reg.a0).op("hsv.w", reg.a0, reg.a2).op(
              "amoadd.d",
              reg.a3,
              reg.a1,
              reg.a0,
            );
        }
      } else a.enter(random.below(2), random.chance(0.6));
    }, { ramSizeBytes: RAM_BYTES, harts: 2 });
    const { harts } = program;
    harts.module.setU32(harts.module.hartField(1, "waiting"), 1);
    const guard = new MemoryGuard(harts, [0]);
    const view = ramView(harts);
    for (let at = RAM + 0x4000; at < RAM + RAM_BYTES; at += 8) {
      // Valid pointers and leaves, mostly into RAM: walks go far, in circles too.
      const page = BigInt(RAM + 0x1000 * random.below(RAM_BYTES / 4096)) >> 12n;
      const flags = random.chance(0.5) ? 1n : random.u64() & 0xffn | 1n;
      view.set(at, random.chance(0.9) ? page << 10n | flags : random.u64());
    }
    runWild(harts, guard);
  }
});

Deno.test("a page table that points to itself", () => {
  for (const [mode, levels] of [[8n, 3], [9n, 4], [10n, 5]] as const) {
    const root = RAM + 0x2_0000;
    const program = bareProgram((a) => {
      a.setCsr("satp", mode << 60n | BigInt(root) >> 12n);
      a.clearBits("mstatus", MSTATUS.mpp(3)).setBits("mstatus", MSTATUS.MPRV | MSTATUS.mpp(1));
      a.op("ld", reg.a1, 0, 0);
    });
    ramView(program.harts).set(root, BigInt(root) >> 12n << 10n | 1n);
    program.recordTraps();
    assertEquals(program.harts.run(1000), "idle");
    // The pointer in the last level is no leaf.
    assertEquals(program.traps.map(({ cause }) => cause), [13n], `${levels} levels`);
  }
});

Deno.test("trap handlers that trap: at nothing, at a device, at an illegal instruction", () => {
  for (
    const mtvec of [0n, 1n, BigInt(DEVICE), BigInt(RAM + 0x8000), 1n << 56n, -4n, (1n << 63n) | 1n]
  ) {
    const { harts, guard } = wildHarts(new Random(1, 4));
    harts.set(0, "mtvec", mtvec);
    fill(harts, () => 0); // an illegal instruction everywhere
    runWild(harts, guard);
    assertEquals(harts.instructions, BUDGET);
    assertEquals(harts.instret(0), 0n);
    assertEquals(harts.get(0, "trapsTaken"), BigInt(BUDGET));
  }
});

Deno.test("a delegated trap loop in S- and VS-mode, with interrupts of every kind pending", () => {
  for (const virtual of [false, true]) {
    const program = bareProgram((a) => {
      a.setCsr("medeleg", -1n).setCsr("hedeleg", -1n).setCsr("mideleg", -1n).setCsr("hideleg", -1n);
      a.setCsr("stvec", 0n).setCsr("vstvec", 1n).setCsr("menvcfg", STCE).setCsr("henvcfg", STCE);
      a.setCsr("mie", -1n).setCsr("mip", -1n).setCsr("hvip", -1n).setCsr("stimecmp", 0n);
      a.setCsr("mstatus", 2n | MSTATUS.MPIE).setCsr("vsstatus", 2n).enter(1, virtual);
    });
    const { harts } = program;
    const guard = new MemoryGuard(harts, [0]);
    assertEquals(harts.run(5_000), "budget");
    assertEquals(harts.instructions, 5_000);
    guard.check();
  }
});

Deno.test("timers set to every extreme end no run and stop no clock", () => {
  const extremes = [
    0n,
    1n,
    1n << 53n,
    (1n << 53n) + 1n,
    1n << 62n,
    (1n << 63n) + 1n,
    (1n << 64n) - 1n,
  ];
  for (const compare of extremes) {
    for (const delta of extremes) {
      const program = bareProgram((a) => {
        a.setCsr("menvcfg", STCE).setCsr("henvcfg", STCE).setCsr("mie", 0xe0n);
        a.setCsr("htimedelta", delta).setCsr("stimecmp", compare).setCsr("vstimecmp", compare);
        a.label("loop").op("addi", reg.a0, reg.a0, 1).jump("loop");
      });
      program.harts.writeMtime(compare);
      program.harts.writeMtimecmp(0, delta);
      assertEquals(program.harts.run(1_000), "budget");
      assertEquals([program.harts.instructions, program.harts.nowNs], [1_000, 1_000]);
    }
  }
});
