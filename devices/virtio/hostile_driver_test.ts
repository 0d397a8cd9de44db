/**
 * What a hostile driver does: each thing that the specification forbids, and thousands of random queues.
 * The device must neither throw nor hang nor write where it may not; it asks for a reset instead, and
 * works again after one.
 */

import { assert, assertEquals } from "@std/assert";
import { Pin, Random } from "../testing.ts";
import {
  descriptorBytes,
  EchoBackend,
  FakeMemory,
  type QueueAreas,
  queueAreas,
  RAM,
  TestDriver,
} from "./driver_testing.ts";
import { VirtioMmio } from "./virtio_mmio.ts";
import { VirtioRng } from "./virtio_rng.ts";
import { QUEUE_FEATURES } from "./virtqueue.ts";

const NEXT = 1, WRITE = 2, INDIRECT = 4;
const BUFFER = RAM + 0x4000;
const TABLE = RAM + 0x5000;
const END = RAM + 0x1_0000;

function bench(kind: "echo" | "rng" = "echo") {
  const memory = new FakeMemory();
  const interrupt = new Pin();
  const echo = new EchoBackend();
  const violations: string[] = [];
  const device = new VirtioMmio({
    memory,
    interrupt,
    backend: kind === "echo" ? echo : new VirtioRng(),
    onViolation: (reason) => violations.push(reason),
  });
  return { memory, interrupt, echo, device, violations, driver: new TestDriver(device, memory) };
}

type Bench = ReturnType<typeof bench>;

/** Each is one forbidden thing, done in a queue of 4 entries, and what is said of it. */
const FORBIDDEN: readonly [string, (bench: Bench) => void][] = [
  ["descriptor 4 of a table of 4", ({ driver }) => driver.offer(4)],
  ["descriptor 65535 of a table of 4", ({ driver }) => {
    driver.describe(0, { address: BUFFER, sizeBytes: 1, flags: NEXT, next: 0xffff });
    driver.offer(0);
  }],
  ["a chain of more than 4 descriptors", ({ driver }) => {
    driver.describe(0, { address: BUFFER, sizeBytes: 1, flags: NEXT, next: 0 });
    driver.offer(0);
  }],
  ["a chain of more than 4 descriptors", ({ driver }) => {
    driver.describe(0, { address: BUFFER, flags: NEXT | WRITE, next: 1 });
    driver.describe(1, { address: BUFFER, flags: NEXT | WRITE, next: 0 });
    driver.offer(0);
  }],
  ["a buffer to read behind one to write", ({ driver }) => {
    driver.describe(0, { address: BUFFER, sizeBytes: 1, flags: NEXT | WRITE, next: 1 });
    driver.describe(1, { address: BUFFER, sizeBytes: 1 });
    driver.offer(0);
  }],
  ...[0, RAM - 1, END - 0xff, END, 2 ** 32, 2n ** 53n + 1n, 2n ** 64n - 1n].map((
    address,
  ): [string, (bench: Bench) => void] => ["not in RAM", ({ driver }) => {
    driver.describe(0, { address, sizeBytes: 0x100, flags: WRITE });
    driver.offer(0);
  }]),
  ["a buffer of 4294967295 bytes", ({ driver }) => {
    driver.describe(0, { address: BUFFER, sizeBytes: 0xffff_ffff });
    driver.offer(0);
  }],
  ["an indirect table of 0 bytes", ({ driver }) => {
    driver.describe(0, { address: TABLE, flags: INDIRECT });
    driver.offer(0);
  }],
  ["an indirect table of 17 bytes", ({ driver }) => {
    driver.describe(0, { address: TABLE, sizeBytes: 17, flags: INDIRECT });
    driver.offer(0);
  }],
  ["an indirect descriptor that has a next one", ({ driver }) => {
    driver.describe(0, { address: TABLE, sizeBytes: 16, flags: INDIRECT | NEXT, next: 1 });
    driver.offer(0);
  }],
  ["an indirect descriptor in an indirect table", ({ driver, memory }) => {
    memory.store(TABLE, descriptorBytes({ address: TABLE, sizeBytes: 16, flags: INDIRECT }));
    driver.describe(0, { address: TABLE, sizeBytes: 16, flags: INDIRECT });
    driver.offer(0);
  }],
  ["descriptor 1 of a table of 1", ({ driver, memory }) => {
    memory.store(TABLE, descriptorBytes({ address: BUFFER, sizeBytes: 1, flags: NEXT, next: 1 }));
    driver.describe(0, { address: TABLE, sizeBytes: 16, flags: INDIRECT });
    driver.offer(0);
  }],
  ["a chain of more than 4 descriptors", ({ driver, memory }) => {
    for (let n = 0; n < 100; n++) {
      const entry = { address: BUFFER, sizeBytes: 1, flags: NEXT, next: n + 1 };
      memory.store(TABLE + 16 * n, descriptorBytes(entry));
    }
    driver.describe(0, { address: TABLE, sizeBytes: 1600, flags: INDIRECT });
    driver.offer(0);
  }],
  ["descriptor 1 is not in RAM", ({ driver, memory }) => {
    memory.store(
      END - 16,
      descriptorBytes({ address: BUFFER, sizeBytes: 1, flags: NEXT, next: 1 }),
    );
    driver.describe(0, { address: END - 16, sizeBytes: 64, flags: INDIRECT });
    driver.offer(0);
  }],
  ["5 chains available in a queue of 4 entries", ({ driver }) => {
    for (let n = 0; n < 5; n++) driver.offer(0);
  }],
  ["65535 chains available in a queue of 4 entries", ({ memory }) => {
    memory.store16(queueAreas().driverArea + 2, 0xffff);
  }],
];

for (const [reason, act] of FORBIDDEN) {
  Deno.test(`a queue with ${reason}: DEVICE_NEEDS_RESET, and a reset heals it`, () => {
    const all = bench();
    const { driver, violations, interrupt, echo, memory } = all;
    driver.start({ size: 4, features: QUEUE_FEATURES.INDIRECT_DESC });
    act(all);
    driver.notify();
    assertEquals(violations.length, 1);
    assert(violations[0]!.includes(reason), violations[0]);
    assertEquals([driver.needsReset, driver.read("InterruptStatus")], [true, 2]);
    assertEquals(interrupt.level, true);
    driver.notify();
    echo.answer();
    assertEquals([memory.reportedBytes, violations.length], [0, 1], "it goes on");

    driver.start({ size: 4 });
    driver.describe(0, { address: BUFFER, sizeBytes: 1, flags: WRITE });
    driver.offer(0);
    driver.notify();
    echo.answer();
    assertEquals(driver.used(), [{ id: 0, sizeBytes: 0 }]);
  });
}

Deno.test("an indirect table may stand behind other descriptors, and its WRITE flag is ignored", () => {
  const { driver, memory, echo, violations } = bench();
  driver.start({ size: 4, features: QUEUE_FEATURES.INDIRECT_DESC });
  memory.store(BUFFER, [1, 2, 3, 4]);
  driver.describe(0, { address: BUFFER, sizeBytes: 2, flags: NEXT, next: 1 });
  driver.describe(1, { address: TABLE, sizeBytes: 48, flags: INDIRECT | WRITE });
  for (
    const [n, entry] of [
      { address: BUFFER + 2, sizeBytes: 2, flags: NEXT, next: 2 },
      { address: BUFFER + 0x13, sizeBytes: 5, flags: WRITE },
      { address: BUFFER + 0x10, sizeBytes: 3, flags: WRITE | NEXT, next: 1 },
    ].entries()
  ) memory.store(TABLE + 16 * n, descriptorBytes(entry));
  driver.offer(0);
  driver.notify();
  echo.answer();
  assertEquals(violations, []);
  assertEquals(driver.used(), [{ id: 0, sizeBytes: 4 }]);
  assertEquals([...memory.bytesAt(BUFFER + 0x10, 5)!], [1, 2, 3, 4, 0]);
});

Deno.test("an indirect table that was not negotiated", () => {
  const { driver, violations } = bench();
  driver.start({ size: 4 });
  driver.describe(0, { address: TABLE, sizeBytes: 16, flags: INDIRECT });
  driver.offer(0);
  driver.notify();
  assertEquals(violations, ["an indirect descriptor, which was not negotiated"]);
});

Deno.test("queues that cannot be", () => {
  const areas = queueAreas();
  const wrong: readonly Partial<QueueAreas & { size: number }>[] = [
    ...[0, 3, 16, 0x8000_0000, 0xffff_ffff].map((size) => ({ size })),
    { descriptorArea: RAM + 8 },
    { driverArea: RAM + 1 },
    { deviceArea: RAM + 2 },
    { descriptorArea: END - 112 },
    { driverArea: END - 18 },
    { deviceArea: END - 64 },
    { deviceArea: 0 },
    { descriptorArea: 2 ** 53 },
    { driverArea: 2 ** 63 },
  ];
  for (const { size = 8, ...areasOf } of wrong) {
    const { driver, violations } = bench();
    driver.negotiate();
    driver.setUpQueue(0, size, { ...areas, ...areasOf });
    assertEquals([driver.needsReset, driver.read("QueueReady")], [true, 0], violations.join());
    assertEquals(driver.read("InterruptStatus"), 0, "no interrupt before DRIVER_OK");
  }
});

Deno.test("a ring that ends with RAM has no event field, which is asked for only if negotiated", () => {
  for (const features of [0n, QUEUE_FEATURES.EVENT_IDX]) {
    const { driver, violations, memory, echo } = bench();
    driver.negotiate(features);
    driver.setUpQueue(0, 8, { ...queueAreas(), driverArea: END - 20 });
    driver.ready();
    driver.describe(0, { address: BUFFER, sizeBytes: 1, flags: WRITE });
    memory.store16(END - 18, 1);
    driver.notify();
    echo.answer();
    assertEquals(violations.length, features === 0n ? 0 : 1);
    assertEquals(memory.load16(queueAreas().deviceArea + 2), 1);
  }
});

Deno.test("rings that requests write into do not make a notification endless", () => {
  // The used ring lies on the available ring, entry on index: each answer makes more available.
  for (let shift = 0; shift < 64; shift += 4) {
    const { driver, memory } = bench("rng");
    driver.negotiate();
    const { descriptorArea, driverArea } = queueAreas();
    driver.setUpQueue(0, 8, { descriptorArea, driverArea, deviceArea: driverArea - 32 + shift });
    driver.ready();
    for (let n = 0; n < 8; n++) {
      driver.describe(n, { address: driverArea + 2, sizeBytes: 1, flags: WRITE });
      memory.store16(driverArea + 4 + 2 * n, n);
    }
    memory.store16(driverArea + 2, 8);
    const before = memory.reportedBytes;
    driver.notify();
    // An answer, an entry and an index for each of 8.
    assert(memory.reportedBytes - before <= 8 * (1 + 8 + 2), `shift ${shift}`);
  }
});

Deno.test("8 requests for 4 GiB are served a page each", () => {
  const { driver, memory, violations } = bench("rng");
  memory.contains = (address) => address >= RAM;
  const scratch = new Uint8Array(2 ** 16);
  const { bytesAt } = FakeMemory.prototype;
  memory.bytesAt = (address, sizeBytes) =>
    address < END ? bytesAt.call(memory, address, sizeBytes) : scratch.subarray(0, sizeBytes);
  memory.written = () => {};
  driver.start();
  for (let n = 0; n < 8; n++) {
    driver.describe(n, { address: END, sizeBytes: 0xffff_ffff, flags: WRITE });
    driver.offer(n);
  }
  driver.notify();
  assertEquals(violations, []);
  const sizes = driver.used().map(({ sizeBytes }) => sizeBytes);
  assertEquals(sizes, [1, 4095, 1, 4095, 1, 4095, 1, 4095]);
});

/** Values that find edges more often than random ones would. */
function address(random: Random): number {
  return random.pick([
    () => RAM + random.below(0x1_0000),
    () => RAM + 16 * random.below(0x1000),
    () => BUFFER + random.below(0x100),
    () => END - random.below(32),
    () => random.uint32(),
    () => random.uint32() * 2 ** 32 + random.uint32(),
  ])();
}

/** Requests as they should be. */
function politeQueue(random: Random, { driver }: Bench): void {
  for (let n = 0; n < 8; n++) {
    const goesOn = n < 3 && random.below(2) === 0;
    driver.describe(n, {
      address: BUFFER + random.below(0x1000),
      sizeBytes: 1 + random.below(0x1000),
      flags: WRITE | (goesOn ? NEXT : 0),
      next: n + 1,
    });
  }
  for (let requests = random.below(9); requests > 0; requests--) driver.offer(random.below(4));
}

function hostileQueue(random: Random, { driver, memory }: Bench): void {
  const tables = [queueAreas().descriptorArea, TABLE];
  for (const table of tables) {
    for (let n = 0; n < 8; n++) {
      const isTable = random.below(6) === 0;
      memory.store(
        table + 16 * n,
        descriptorBytes({
          address: isTable ? TABLE : address(random),
          sizeBytes: isTable
            ? 16 * (1 + random.below(9))
            : random.pick([0, 1, 8, 64, 300, 65_536, random.uint32()]),
          flags: isTable ? INDIRECT : random.below(3) === 0 ? random.below(8) : random.below(4),
          next: random.below(20) === 0 ? random.below(65_536) : random.below(8),
        }),
      );
    }
  }
  const requests = random.below(20) === 0 ? random.below(70_000) : 1 + random.below(8);
  for (let n = 0; n < Math.min(requests, 8); n++) {
    driver.offer(random.below(30) === 0 ? random.below(65_536) : random.below(8));
  }
  if (requests > 8) memory.store16(queueAreas().driverArea + 2, requests);
}

Deno.test("4000 random queues: nothing is thrown, no write goes unreported, a reset heals", () => {
  let violated = 0;
  let answered = 0;
  for (let seed = 1; seed <= 4_000; seed++) {
    const random = new Random(seed * 2_654_435_761);
    const all = bench(seed % 2 === 0 ? "rng" : "echo");
    const { driver, memory, echo, device } = all;
    const { INDIRECT_DESC, EVENT_IDX } = QUEUE_FEATURES;
    driver.negotiate(random.pick([0n, INDIRECT_DESC, INDIRECT_DESC | EVENT_IDX]));
    const areas = { ...queueAreas() };
    if (random.below(4) === 0) {
      const area = random.pick(["descriptorArea", "driverArea", "deviceArea"] as const);
      areas[area] = address(random);
    }
    driver.setUpQueue(0, random.pick([8, 8, 8, 8, 8, random.below(20)]), areas);
    driver.ready();
    for (let round = 0; round < 3; round++) {
      if (random.below(2) === 0) politeQueue(random, all);
      else hostileQueue(random, all);
      driver.notify();
      echo.answer();
    }
    assertEquals(memory.unreported(), undefined, `seed ${seed}`);
    if (driver.needsReset) violated++;
    else answered++;
    device.restore(structuredClone(device.save()));

    driver.start({ size: 4 });
    driver.describe(0, { address: BUFFER, sizeBytes: 8, flags: WRITE });
    driver.offer(0);
    driver.notify();
    echo.answer();
    assertEquals(driver.used().length, 1, `seed ${seed}: it does not work after a reset`);
  }
  assert(violated > 500 && answered > 200, `${violated} violated, ${answered} did not`);
});
