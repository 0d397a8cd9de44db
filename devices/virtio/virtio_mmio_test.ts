import { assertEquals } from "@std/assert";
import { Pin } from "../testing.ts";
import { EchoBackend, FakeMemory, RAM, TestDriver } from "./driver_testing.ts";
import { VIRTIO_F_VERSION_1, VIRTIO_MMIO_REGISTERS, VirtioMmio } from "./virtio_mmio.ts";
import { QUEUE_FEATURES } from "./virtqueue.ts";

const BUFFERS = RAM + 0x4000;
const { EVENT_IDX } = QUEUE_FEATURES;

function bench() {
  const memory = new FakeMemory();
  const interrupt = new Pin();
  const echo = new EchoBackend();
  const violations: string[] = [];
  const device = new VirtioMmio({
    memory,
    interrupt,
    backend: echo,
    onViolation: (reason) => violations.push(reason),
  });
  return { memory, interrupt, echo, device, violations, driver: new TestDriver(device, memory) };
}

/** A request that tells `text`, with as much room for the answer, in two descriptors. */
function request({ memory, driver }: ReturnType<typeof bench>, head: number, text: string): void {
  const at = BUFFERS + 0x100 * head;
  memory.store(at, new TextEncoder().encode(text));
  driver.describe(head, { address: at, sizeBytes: text.length, flags: 1, next: head + 1 });
  driver.describe(head + 1, { address: at + 0x80, sizeBytes: text.length, flags: 2 });
  driver.offer(head);
  driver.notify();
}

function answerOf({ memory }: ReturnType<typeof bench>, head: number, length: number): string {
  return new TextDecoder().decode(memory.bytesAt(BUFFERS + 0x100 * head + 0x80, length));
}

Deno.test("a driver finds the device by its registers", () => {
  const { driver } = bench();
  assertEquals(driver.read("MagicValue"), 0x7472_6976);
  assertEquals(driver.read("Version"), 2);
  assertEquals(driver.read("DeviceID"), 63);
  const { INDIRECT_DESC } = QUEUE_FEATURES;
  assertEquals(driver.offered(), VIRTIO_F_VERSION_1 | EVENT_IDX | INDIRECT_DESC | 1n << 5n);
  driver.write("DeviceFeaturesSel", 2);
  assertEquals(driver.read("DeviceFeatures"), 0);
  assertEquals(
    [0, 1, 2, 0xffff_ffff].map((queue) => {
      driver.write("QueueSel", queue);
      return driver.read("QueueNumMax");
    }),
    [8, 4, 0, 0],
  );
});

Deno.test("features: all that is chosen must be offered, and VERSION_1 must be chosen", () => {
  for (
    const [features, isAccepted] of [
      [VIRTIO_F_VERSION_1, true],
      [VIRTIO_F_VERSION_1 | 1n << 5n | EVENT_IDX, true],
      [1n << 5n, false],
      [VIRTIO_F_VERSION_1 | 1n << 6n, false],
      [VIRTIO_F_VERSION_1 | 1n << 63n, false],
    ] as const
  ) {
    const { driver, echo } = bench();
    driver.write("Status", 1);
    driver.write("Status", 3);
    driver.choose(features);
    driver.write("Status", 0xb);
    assertEquals(driver.read("Status"), isAccepted ? 0xb : 3);
    assertEquals(echo.port.features, isAccepted ? features : 0n);
    driver.choose(VIRTIO_F_VERSION_1);
    assertEquals(echo.port.features, isAccepted ? features : 0n, "chosen once and for all");
  }
});

Deno.test("status: the stages come in order, and nothing is taken back", () => {
  for (const bits of [[2], [1, 2], [1, 3, 7], [1, 9], [1, 3, 0xb, 3], [1, 0], [1, 3, 0x0f]]) {
    const { driver } = bench();
    driver.choose(bits.at(-1) === 0x0f ? 0n : VIRTIO_F_VERSION_1);
    for (const value of bits) driver.write("Status", value);
    assertEquals(driver.needsReset, bits.at(-1) !== 0, String(bits));
    driver.write("Status", 0);
    assertEquals(driver.read("Status"), 0);
  }
  const { driver, echo } = bench();
  driver.choose(VIRTIO_F_VERSION_1);
  driver.write("Status", 0x0f);
  assertEquals([driver.read("Status"), echo.port.isLive], [0x0f, true], "several stages at once");
  driver.write("Status", 0x8f);
  assertEquals([driver.read("Status"), echo.port.isLive], [0x8f, false], "FAILED");
});

Deno.test("a request and its answer", () => {
  const all = bench();
  const { driver, echo, interrupt, memory } = all;
  driver.start();
  request(all, 0, "hello");
  request(all, 2, "world");
  assertEquals([driver.used(), interrupt.level], [[], false]);
  echo.answer();
  assertEquals(driver.used(), [{ id: 2, sizeBytes: 5 }, { id: 0, sizeBytes: 5 }]);
  assertEquals([answerOf(all, 0, 5), answerOf(all, 2, 5)], ["hello", "world"]);
  assertEquals([driver.read("InterruptStatus"), interrupt.level], [1, true]);
  driver.write("InterruptACK", 1);
  assertEquals([driver.read("InterruptStatus"), interrupt.level], [0, false]);
  assertEquals(memory.unreported(), undefined);
});

Deno.test("what was made available before DRIVER_OK is served then, and not before", () => {
  const all = bench();
  const { driver, echo } = all;
  driver.negotiate();
  driver.setUpQueue();
  request(all, 0, "early");
  assertEquals(echo.waiting.length, 0);
  driver.ready();
  assertEquals(echo.waiting.length, 1);
});

Deno.test("indices go round at 2^16", () => {
  const all = bench();
  const { driver, echo } = all;
  driver.start({ size: 2 });
  for (let round = 0; round < 65_540; round++) {
    driver.describe(0, { address: BUFFERS, sizeBytes: 1, flags: 2 });
    driver.offer(0);
    driver.notify();
    echo.answer();
    if (driver.used().length !== 1) throw new Error(`round ${round}: not answered`);
  }
  assertEquals(driver.needsReset, false);
});

Deno.test("avail.flags keeps the device from interrupting", () => {
  const all = bench();
  const { driver, echo, interrupt, memory } = all;
  driver.start();
  memory.store16(RAM + 0x800, 1);
  request(all, 0, "quiet");
  echo.answer();
  assertEquals([driver.used().length, interrupt.level], [1, false]);
});

Deno.test("EVENT_IDX: the driver says at which entry to interrupt, the device at which to notify", () => {
  const all = bench();
  const { driver, echo, interrupt, memory } = all;
  driver.start({ features: EVENT_IDX });
  const usedEvent = RAM + 0x800 + 4 + 2 * 8;
  const availEvent = RAM + 0xc00 + 4 + 8 * 8;
  memory.store16(usedEvent, 1);
  // Says nothing with this feature (2.7.7.1).
  memory.store16(RAM + 0x800, 1);
  for (const [round, level] of [[1, false], [2, true], [3, false]] as const) {
    request(all, 0, "event");
    echo.answer();
    assertEquals(interrupt.level, level, `round ${round}`);
    assertEquals(memory.load16(availEvent), round);
    driver.write("InterruptACK", 1);
  }
  assertEquals(memory.unreported(), undefined);
});

Deno.test("the host sends into buffers that wait", () => {
  const { driver, echo, memory, interrupt } = bench();
  driver.start({ queues: 2, size: 4 });
  assertEquals(echo.send(Uint8Array.of(1)), false);
  driver.describe(0, { address: BUFFERS, sizeBytes: 2, flags: 3, next: 1 }, 1);
  driver.describe(1, { address: BUFFERS + 16, sizeBytes: 2, flags: 2 }, 1);
  driver.offer(0, 1);
  assertEquals(echo.send(Uint8Array.of(1, 2, 3)), true);
  assertEquals(driver.used(1), [{ id: 0, sizeBytes: 3 }]);
  assertEquals([...memory.bytesAt(BUFFERS, 3)!, ...memory.bytesAt(BUFFERS + 16, 2)!], [
    1,
    2,
    0,
    3,
    0,
  ]);
  assertEquals(interrupt.level, true);
});

Deno.test("configuration: any width, a generation, an interrupt when the host changes it", () => {
  const { driver, device, echo, interrupt } = bench();
  driver.start();
  const generation = driver.read("ConfigGeneration");
  echo.configure(0x5a);
  assertEquals(device.read(0x100, 4), 0x5a5a_5a5a);
  assertEquals([device.read(0x105, 1), device.read(0x106, 2)], [0x5a, 0x5a5a]);
  assertEquals([driver.read("InterruptStatus"), interrupt.level], [2, true]);
  assertEquals(driver.read("ConfigGeneration"), generation + 1);
  device.write(0x102, 2, 0x1234);
  assertEquals(device.read(0x100, 4), 0x1234_5a5a);
  assertEquals(device.read(0xffc, 4), 0);
});

Deno.test("registers take words alone", () => {
  const { device, driver } = bench();
  const { Status, MagicValue } = VIRTIO_MMIO_REGISTERS;
  device.write(Status.offset, 1, 1);
  device.write(Status.offset, 2, 1);
  device.write(Status.offset + 1, 4, 1);
  assertEquals(driver.read("Status"), 0);
  assertEquals(device.read(MagicValue.offset, 1), 0);
});

Deno.test("a queue in use keeps its settings", () => {
  const all = bench();
  const { driver, echo } = all;
  driver.start();
  driver.write("QueueNum", 2);
  driver.write("QueueDescLow", 0);
  driver.write("QueueDriverHigh", 1);
  request(all, 0, "kept");
  echo.answer();
  assertEquals(driver.used(), [{ id: 0, sizeBytes: 4 }]);
});

Deno.test("a request that was taken before a reset is not answered after it", () => {
  for (const how of ["Status", "QueueReady"] as const) {
    const all = bench();
    const { driver, echo, memory } = all;
    driver.start();
    request(all, 0, "late");
    const [chain] = echo.waiting;
    if (how === "QueueReady") driver.write("QueueReady", 0);
    else driver.write("Status", 0);
    const reported = memory.reportedBytes;
    driver.start();
    chain!.complete(4);
    assertEquals([driver.used(), memory.reportedBytes], [[], reported], how);
  }
});

Deno.test("restored with a request in flight: it is answered once", () => {
  const first = bench();
  first.driver.start();
  request(first, 0, "first");
  request(first, 2, "other");
  const state = structuredClone(first.device.save());
  const second = bench();
  second.memory.store(RAM, first.memory.bytes);
  second.device.restore(state);
  assertEquals(second.echo.waiting.map(({ head }) => head), [0, 2]);
  for (const { echo } of [first, second]) echo.answer();
  assertEquals(second.memory.bytes, first.memory.bytes);
  assertEquals(second.interrupt.level, true);
  assertEquals(second.device.save(), first.device.save());
});

Deno.test("restored between making available and notifying: served at the notification", () => {
  const first = bench();
  first.driver.start();
  request(first, 0, "first");
  first.echo.answer();
  first.memory.store16(RAM + 0x800 + 4 + 2, 0);
  first.memory.store16(RAM + 0x800 + 2, 2);
  const second = bench();
  second.memory.store(RAM, first.memory.bytes);
  second.device.restore(structuredClone(first.device.save()));
  assertEquals(second.echo.waiting.length, 0);
  second.driver.notify();
  second.echo.answer();
  assertEquals(second.memory.load16(RAM + 0xc00 + 2), 2);
});

Deno.test("restore refuses what cannot be", () => {
  const { device, driver } = bench();
  driver.start();
  const good = device.save();
  for (
    const [field, value] of [
      ["status", 0x0d],
      ["status", 0x10],
      ["driverFeatures", 0n],
      ["driverFeatures", 1n << 6n | VIRTIO_F_VERSION_1],
    ] as const
  ) {
    let message = "";
    try {
      device.restore({ ...good, fields: { ...good.fields, [field]: value } });
    } catch (error) {
      message = (error as RangeError).message;
    }
    assertEquals(message.includes(`"${field}"`), true, `${field} ${value}: "${message}"`);
    assertEquals(device.save(), good);
  }
});
