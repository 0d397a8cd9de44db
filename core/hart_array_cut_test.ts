// How a run is cut into pieces does not show: run(1) x N leaves what run(N) leaves, at every cut.

import { assertEquals } from "@std/assert";
import { reg } from "./conformance/assembler.ts";
import { Random } from "./conformance/random.ts";
import { type BareProgram, bareProgram, MSTATUS, RAM, STCE } from "./testing/bare_program.ts";
import { ProbeDevice } from "./testing/probe_device.ts";
import { stateDigest } from "./testing/state_digest.ts";

const DEVICE = 0x1000_0000;
const COUNTER = RAM + 0x8000;
const SUPERVISOR_TIMER = 1n << 5n;
const EXTERNAL = 1n << 11n;

/**
 * Everything at once: timer interrupts that arm the next one, device events that interrupt, exceptions,
 * WFI, LR/SC, AMOs, calls to S-mode and back, on `harts` harts.
 */
function busyProgram(harts: number): BareProgram {
  const program = bareProgram((a) => {
    a.constant(reg.s0, BigInt(COUNTER)).constant(reg.s1, BigInt(DEVICE)).getCsr(reg.s2, "mhartid");
    a.setCsr("menvcfg", STCE).setCsr("mie", SUPERVISOR_TIMER | EXTERNAL);
    a.getCsr(reg.t0, "time").op("addi", reg.t0, reg.t0, 60)
      .op("csrrw", 0, a.csr("stimecmp"), reg.t0);
    a.setBits("mstatus", MSTATUS.MIE);
    a.label("loop");
    a.op("lr.d", reg.t0, 0, reg.s0).op("addi", reg.t0, reg.t0, 1).op(
      "sc.d",
      reg.t1,
      reg.t0,
      reg.s0,
    );
    a.op("add", reg.s3, reg.s3, reg.t1);
    a.op("amoadd.w", reg.t2, reg.t0, reg.s0);
    a.op("sw", reg.s2, 0, reg.s1); // the device answers with an interrupt a little later
    a.op("ecall").op("div", reg.a0, reg.t0, reg.s3).op("sd", reg.a0, 17, reg.s0).op("pause");
    a.op("andi", reg.t1, reg.s4, 3).branch("bne", reg.t1, 0, "loop").op("wfi").jump("loop");
  }, {
    harts,
    timebaseHz: 1e9,
    handler: (a) => {
      a.op("addi", reg.s4, reg.s4, 1);
      a.getCsr(reg.t6, "mcause").branch("blt", reg.t6, 0, "interrupt");
      a.getCsr(reg.t6, "mepc").op("addi", reg.t6, reg.t6, 4).op("csrrw", 0, a.csr("mepc"), reg.t6)
        .op("mret");
      a.label("interrupt").op("sw", reg.s2, 4, reg.s1); // takes the external line back
      a.getCsr(reg.t6, "time").op("addi", reg.t6, reg.t6, 45)
        .op("csrrw", 0, a.csr("stimecmp"), reg.t6).op("mret");
    },
  });
  const { harts: array } = program;
  const lines = Array.from({ length: harts }, (_, id) => array.interrupt(id, "MEIP"));
  array.bus.map(
    "probe",
    DEVICE,
    new ProbeDevice({
      onWrite: (offset, id) => {
        if (offset === 4) lines[id]!.set(false);
        else {array.clock.schedule(array.clock.nowNs + 23n, () =>
            lines[(id + 1) % harts]!.set(true));}
      },
    }),
  );
  return program;
}

/** Digest after each of the first `count` instructions, executed one at a time. */
function digestsOneByOne(harts: number, count: number): string[] {
  const { harts: array } = busyProgram(harts);
  const digests = [stateDigest(array)];
  for (let i = 0; i < count; i++) {
    assertEquals(array.run(1), "budget");
    digests.push(stateDigest(array));
  }
  return digests;
}

for (const harts of [1, 2, 4]) {
  Deno.test(`every cut of the first 600 instructions, ${harts} hart(s)`, () => {
    const reference = digestsOneByOne(harts, 600);
    const whole = busyProgram(harts);
    assertEquals(whole.harts.run(600), "budget");
    assertEquals(stateDigest(whole.harts), reference[600]);
    assertEquals(whole.harts.get(0, "trapsTaken") > 20n / BigInt(harts), true);

    for (let cut = 7; cut < 600; cut += 13) {
      const { harts: array } = busyProgram(harts);
      array.run(cut);
      assertEquals(stateDigest(array), reference[cut], `at ${cut}`);
      array.run(600 - cut);
      assertEquals(stateDigest(array), reference[600], `cut at ${cut}`);
    }
  });
}

Deno.test("random cuts of a long run, over many quanta and waits", () => {
  const total = 200_000;
  for (const harts of [1, 3]) {
    const whole = busyProgram(harts);
    whole.harts.run(total);
    const expected = stateDigest(whole.harts);
    for (let seed = 1; seed <= 3; seed++) {
      const random = new Random(seed, harts);
      const { harts: array } = busyProgram(harts);
      for (let left = total; left > 0;) {
        const piece = Math.min(left, random.between(1, seed === 1 ? 30 : 5_000));
        array.run(piece);
        left -= piece;
      }
      assertEquals(stateDigest(array), expected, `${harts} harts, seed ${seed}`);
    }
  }
});

Deno.test("a stop between two instructions does not show either", () => {
  const harts = 2;
  const whole = busyProgram(harts);
  whole.harts.run(5_000);
  const expected = stateDigest(whole.harts);
  const { harts: array } = busyProgram(harts);
  let next = 1;
  for (let stops = 0; array.instructions < 5_000; stops++) {
    array.clock.schedule(BigInt(array.nowNs + next), () => array.requestStop());
    next = next % 97 + 5;
    array.run(5_000 - array.instructions);
  }
  assertEquals(stateDigest(array), expected);
});
