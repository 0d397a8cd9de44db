import { assertEquals, assertNotEquals } from "@std/assert";
import { Pin } from "../testing.ts";
import { FakeMemory, RAM, TestDriver } from "./driver_testing.ts";
import { VirtioMmio } from "./virtio_mmio.ts";
import { VirtioRng } from "./virtio_rng.ts";

const BUFFER = RAM + 0x4000;
/** The key stream of ChaCha20 with key and nonce 0, from the second byte on (RFC 8439, A.1). */
const STREAM_OF_0 = "b8e0ada0f13d90405d6ae55386bd28";

function bench(seed?: number | bigint) {
  const memory = new FakeMemory();
  const interrupt = new Pin();
  const rng = new VirtioRng();
  if (seed !== undefined) rng.reseed(seed);
  const device = new VirtioMmio({ memory, interrupt, backend: rng });
  const driver = new TestDriver(device, memory).start();
  /** Asks for bytes, and answers those that came. */
  const ask = (sizeBytes: number): string => {
    driver.describe(0, { address: BUFFER, sizeBytes, flags: 2 });
    driver.offer(0);
    driver.notify();
    const [used, ...others] = driver.used();
    assertEquals([used!.id, others.length, interrupt.level], [0, 0, true]);
    driver.write("InterruptACK", 1);
    assertEquals(memory.unreported(), undefined);
    return memory.bytesAt(BUFFER, used!.sizeBytes)!.toHex();
  };
  return { memory, rng, device, driver, ask };
}

Deno.test("it is an entropy device with one queue and no features of its own", () => {
  const { driver } = bench();
  assertEquals(driver.read("DeviceID"), 4);
  assertEquals(driver.offered() & 0xff_ffffn, 0n);
  driver.write("QueueSel", 1);
  assertEquals(driver.read("QueueNumMax"), 0);
});

Deno.test("requests are answered at once, by turns with one byte and with all but one", () => {
  const { ask } = bench();
  assertEquals(ask(16), "76");
  assertEquals(ask(16), STREAM_OF_0);
  assertEquals(ask(16).length, 2);
  assertEquals(ask(5000).length, 2 * 4095);
  assertEquals([ask(1).length, ask(1).length], [2, 2]);
});

Deno.test("the stream goes on over requests and over a reset of the device", () => {
  const once = bench();
  once.ask(64);
  const whole = once.ask(2000);
  const bit = bench();
  bit.ask(64);
  let parts = "";
  for (let size = 1; parts.length < whole.length; size = size % 200 + 1) {
    parts += bit.ask(size);
    if (size === 50) bit.driver.start();
  }
  assertEquals(parts.slice(0, whole.length), whole);
});

Deno.test("a seed determines the stream, by its low 64 bits", () => {
  const bytes = (seed: number | bigint) => {
    const { ask } = bench(seed);
    return ask(64) + ask(64);
  };
  assertEquals(bytes(0), bytes(0n));
  assertEquals(bytes(-1), bytes(2n ** 64n - 1n));
  const seeds = [0, 1, 2, 2 ** 32, 2n ** 63n, -1];
  assertEquals(new Set(seeds.map(bytes)).size, seeds.length);
});

Deno.test("reseeded after a restore: other bytes for another seed, the same for the same", () => {
  const first = bench(1);
  first.ask(64);
  const state = structuredClone(first.device.save());
  const bytes = (seed?: number) => {
    const fork = bench();
    fork.device.restore(state);
    if (seed !== undefined) fork.rng.reseed(seed);
    fork.driver.start();
    return fork.ask(64) + fork.ask(64);
  };
  assertEquals(bytes(5), bytes(5));
  assertNotEquals(bytes(5), bytes(6));
  assertEquals(bytes(), bytes());
  assertNotEquals(bytes(), bytes(1));
});

Deno.test("what it cannot answer: a buffer to read, and no buffer to write", () => {
  for (const [flags, sizeBytes] of [[0, 8], [2, 0]] as const) {
    const { driver } = bench();
    driver.describe(0, { address: BUFFER, sizeBytes, flags });
    driver.offer(0);
    driver.notify();
    assertEquals([driver.needsReset, driver.used()], [true, []]);
  }
});
