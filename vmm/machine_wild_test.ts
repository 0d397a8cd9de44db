// Wild guests on the whole board: storms of accesses to every chip, and M-mode code of random bytes.
// The process survives, time goes on, and the machine can still be told to stop.

import { assert, assertEquals } from "@std/assert";
import { reg } from "../core/conformance/assembler.ts";
import { Random } from "../core/conformance/random.ts";
import { MemoryGuard } from "../core/testing/memory_guard.ts";
import { Machine } from "./machine.ts";
import { bareElf, bareMachine, FINISH, finish, print } from "./machine_test_support.ts";
import { BOARD, RAM_BASE } from "./memory_map.ts";

const MIB = 1 << 20;
const CHIPS = Object.values(BOARD);
/** The finisher would end the machine. */
const STORMED = CHIPS.filter(({ name }) => name !== "test");

/** An address in a chip, its beginning preferred, or just outside of it. */
function chipAddress(random: Random): number {
  const { base, sizeBytes } = random.pick(STORMED);
  const offset = random.chance(0.7)
    ? random.below(Math.min(sizeBytes, 0x100))
    : random.between(-8, sizeBytes + 8);
  return base + offset;
}

Deno.test("storms of loads and stores of every width on every chip", async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = new Random(seed, 1);
    using machine = await bareMachine((a) => {
      // The handler skips the instruction; interrupts that the storm raises stay disabled.
      a.address(reg.t0, "handler").op("csrrw", 0, a.csr("mtvec"), reg.t0);
      for (let i = 0; i < 1_500; i++) {
        a.constant(reg.a0, BigInt(chipAddress(random)));
        if (random.chance(0.5)) {
          a.op(random.pick(["lb", "lhu", "lw", "ld", "lr.w"]), reg.a1, 0, reg.a0);
        } else {
          const value = random.chance(0.5) ? BigInt(random.below(256)) : random.u64();
          a.constant(reg.a1, value).op(random.pick(["sb", "sh", "sw", "sd"]), reg.a1, 0, reg.a0);
        }
        if (i % 100 === 0) a.op("addi", reg.s0, reg.s0, 1);
      }
      a.end();
      while (a.here % 4 !== 0) a.half(1);
      a.label("handler").getCsr(reg.t6, "mepc").op("addi", reg.t6, reg.t6, 4)
        .op("csrrw", 0, a.csr("mepc"), reg.t6).op("mret");
    }, { harts: 2 });
    const { reason } = await machine.run({ until: { virtualMs: 100 } });
    assert(reason === "time" || reason === "idle", reason);
    assertEquals(machine.harts.get(0, `x${reg.s0}`), 15n, `seed ${seed}`);
    assertEquals(machine.virtualMs >= 1, true);
  }
});

Deno.test("a storm with all interrupts enabled, and a handler that makes it worse", async () => {
  for (let seed = 1; seed <= 8; seed++) {
    const random = new Random(seed, 2);
    using machine = await bareMachine((a) => {
      a.address(reg.t0, "handler").op("csrrw", 0, a.csr("mtvec"), reg.t0);
      a.setCsr("mie", -1n).setBits("mstatus", 8n).label("storm");
      for (let i = 0; i < 300; i++) {
        a.constant(reg.a0, BigInt(chipAddress(random) & ~3)).constant(reg.a1, BigInt(random.u32()));
        a.op(random.pick(["sw", "sd"]), reg.a1, 0, reg.a0).op("lw", reg.a2, 0, reg.a0);
      }
      a.jump("storm");
      while (a.here % 4 !== 0) a.half(1);
      a.label("handler");
      for (let i = 0; i < 5; i++) {
        a.constant(reg.a3, BigInt(chipAddress(random) & ~3)).op("sw", reg.a1, 0, reg.a3);
      }
      a.getCsr(reg.t6, "mepc").op("addi", reg.t6, reg.t6, 4)
        .op("csrrw", 0, a.csr("mepc"), reg.t6).op("mret");
    });
    assertEquals(await machine.run({ until: { instructions: 100_000 } }), {
      reason: "instructions",
    });
  }
});

Deno.test("random bytes in M-mode with the board around them", async () => {
  const elf = bareElf((a) => a.end());
  for (let seed = 1; seed <= 40; seed++) {
    const random = new Random(seed, 3);
    using machine = await Machine.create({ memMiB: 1, elf, harts: 2 });
    const ram = machine.harts.ramAt(RAM_BASE, MIB)!;
    const words = new Uint32Array(ram.buffer, ram.byteOffset, MIB / 4);
    for (let i = 0; i < words.length; i += 7) words[i] = random.u32();
    for (let n = 1; n < 32; n++) {
      machine.harts.set(
        0,
        `x${n}`,
        random.chance(0.5) ? BigInt(chipAddress(random)) : random.u64(),
      );
    }
    machine.harts.set(0, "mtvec", BigInt(RAM_BASE + 4 * random.below(MIB / 4)));
    const guard = new MemoryGuard(machine.harts, [0, 1]);
    const before = machine.virtualMs;
    const { reason } = await machine.run({ until: { instructions: 30_000 } });
    assert(["instructions", "idle", "finished"].includes(reason), reason);
    assert(machine.virtualMs > before);
    guard.check();
  }
});

Deno.test("after a storm a reset leaves a working board", async () => {
  for (let seed = 1; seed <= 8; seed++) {
    const random = new Random(seed, 4);
    using machine = await bareMachine((a) => {
      a.address(reg.t0, "handler").op("csrrw", 0, a.csr("mtvec"), reg.t0);
      // The first start storms, the second one prints.
      a.constant(reg.s0, BigInt(RAM_BASE + MIB / 2)).op("lw", reg.s1, 0, reg.s0)
        .op("addi", reg.t1, 0, 1).op("sw", reg.t1, 0, reg.s0)
        .branch("beq", reg.s1, 0, "storm").jump("second").label("storm");
      for (let i = 0; i < 500; i++) {
        a.constant(reg.a0, BigInt(chipAddress(random) & ~3)).constant(reg.a1, BigInt(random.u32()));
        a.op(random.pick(["sw", "sb"]), reg.a1, 0, reg.a0);
      }
      finish(a, FINISH.reset);
      a.label("second");
      print(a, "alive");
      a.end();
      while (a.here % 4 !== 0) a.half(1);
      a.label("handler").getCsr(reg.t6, "mepc").op("addi", reg.t6, reg.t6, 4)
        .op("csrrw", 0, a.csr("mepc"), reg.t6).op("mret");
    });
    await machine.console.expect("alive", { timeoutMs: 10 });
  }
});
