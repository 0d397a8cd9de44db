/**
 * Helpers for tests of virtio devices: RAM that notices what is written without being reported, a driver
 * that uses nothing but registers and that RAM, and a device that answers when the test says so.
 *
 * @module
 */

import type { Device, SavedState } from "../../core/device.ts";
import type { StateFields } from "../../core/state_fields.ts";
import type { VirtioBackend, VirtioPort } from "./backend.ts";
import type { DescriptorChain } from "./descriptor_chain.ts";
import { type GuestMemory, readU16, readU32, writeU16, writeU32 } from "./guest_memory.ts";
import { VIRTIO_F_VERSION_1, VIRTIO_MMIO_REGISTERS, VIRTIO_STATUS } from "./virtio_mmio.ts";

/** Physical address of {@link FakeMemory}. */
export const RAM = 0x8000_0000;
const RAM_BYTES = 0x1_0000;

/** RAM of 64 KiB. */
export class FakeMemory implements GuestMemory {
  readonly bytes = new Uint8Array(RAM_BYTES);
  /** What it would hold if nothing but reported writes counted. */
  readonly #reported = new Uint8Array(RAM_BYTES);
  /** Bytes that devices have reported to have written. */
  reportedBytes = 0;

  contains(address: number, sizeBytes: number): boolean {
    return address >= RAM && address + sizeBytes <= RAM + RAM_BYTES;
  }

  bytesAt(address: number, sizeBytes: number): Uint8Array | undefined {
    if (!this.contains(address, sizeBytes)) return undefined;
    return this.bytes.subarray(address - RAM, address - RAM + sizeBytes);
  }

  written(address: number, sizeBytes: number): void {
    const from = address - RAM;
    this.#reported.set(this.bytes.subarray(from, from + sizeBytes), from);
    this.reportedBytes += sizeBytes;
  }

  /** Stores of the guest, which need no report. */
  store(address: number, bytes: Uint8Array | readonly number[]): void {
    this.bytes.set(bytes, address - RAM);
    this.#reported.set(bytes, address - RAM);
  }

  store16(address: number, value: number): void {
    const bytes = new Uint8Array(2);
    writeU16(bytes, 0, value);
    this.store(address, bytes);
  }

  load16(address: number): number {
    return readU16(this.bytes, address - RAM);
  }

  load32(address: number): number {
    return readU32(this.bytes, address - RAM);
  }

  /** Address of 8 bytes of which a device has written some without a report, if there are any. */
  unreported(): number | undefined {
    const [now, told] = [this.bytes, this.#reported].map((bytes) =>
      new BigUint64Array(bytes.buffer)
    );
    for (let n = 0; n < now!.length; n++) {
      if (now![n] !== told![n]) return RAM + 8 * n;
    }
    return undefined;
  }
}

/** A descriptor; absent fields are 0. */
export interface TestDescriptor {
  readonly address?: number | bigint;
  readonly sizeBytes?: number;
  readonly flags?: number;
  readonly next?: number;
}

/** The bytes of a descriptor. */
export function descriptorBytes(descriptor: TestDescriptor): Uint8Array {
  const { address = 0, sizeBytes = 0, flags = 0, next = 0 } = descriptor;
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(address), true);
  writeU32(bytes, 8, sizeBytes);
  writeU16(bytes, 12, flags);
  writeU16(bytes, 14, next);
  return bytes;
}

/** Where a queue lies in memory. */
export interface QueueAreas {
  readonly descriptorArea: number;
  readonly driverArea: number;
  readonly deviceArea: number;
}

/** Areas of the first queues, each in 4 KiB of its own. */
export function queueAreas(queue = 0): QueueAreas {
  const base = RAM + 0x1000 * queue;
  return { descriptorArea: base, driverArea: base + 0x800, deviceArea: base + 0xc00 };
}

type RegisterName = keyof typeof VIRTIO_MMIO_REGISTERS;

/** A driver of one device. */
export class TestDriver {
  readonly #device: Device;
  readonly #memory: FakeMemory;
  #size = 8;
  /** `avail.idx` and the next entry of the used ring, for each queue. */
  readonly #availIndex: number[] = [];
  readonly #usedSeen: number[] = [];

  constructor(device: Device, memory: FakeMemory) {
    this.#device = device;
    this.#memory = memory;
  }

  read(name: RegisterName): number {
    return this.#device.read(VIRTIO_MMIO_REGISTERS[name].offset, 4);
  }

  write(name: RegisterName, value: number): void {
    this.#device.write(VIRTIO_MMIO_REGISTERS[name].offset, 4, value);
  }

  /** Features the device offers. */
  offered(): bigint {
    const words = [0, 1].map((select) => {
      this.write("DeviceFeaturesSel", select);
      return BigInt(this.read("DeviceFeatures"));
    });
    return words[0]! | words[1]! << 32n;
  }

  choose(features: bigint): void {
    for (const select of [0, 1]) {
      this.write("DriverFeaturesSel", select);
      this.write("DriverFeatures", Number(features >> BigInt(32 * select) & 0xffff_ffffn));
    }
  }

  /** Up to FEATURES_OK, as 3.1.1 has it. */
  negotiate(features = 0n): void {
    const { ACKNOWLEDGE, DRIVER, FEATURES_OK } = VIRTIO_STATUS;
    this.write("Status", 0);
    this.write("Status", ACKNOWLEDGE);
    this.write("Status", ACKNOWLEDGE | DRIVER);
    this.choose(features | VIRTIO_F_VERSION_1);
    this.write("Status", ACKNOWLEDGE | DRIVER | FEATURES_OK);
  }

  setUpQueue(queue = 0, size = 8, areas: QueueAreas = queueAreas(queue)): void {
    this.#size = size;
    this.#availIndex[queue] = 0;
    this.#usedSeen[queue] = 0;
    const { driverArea, deviceArea } = queueAreas(queue);
    for (const ring of [driverArea, deviceArea]) this.#memory.store(ring, new Uint8Array(0x400));
    this.write("QueueSel", queue);
    this.write("QueueNum", size);
    for (
      const [name, address] of [
        ["QueueDesc", areas.descriptorArea],
        ["QueueDriver", areas.driverArea],
        ["QueueDevice", areas.deviceArea],
      ] as const
    ) {
      this.write(`${name}Low`, address % 2 ** 32);
      this.write(`${name}High`, Math.floor(address / 2 ** 32));
    }
    this.write("QueueReady", 1);
  }

  ready(): void {
    this.write("Status", this.read("Status") | VIRTIO_STATUS.DRIVER_OK);
  }

  /** The device in use, with its first queues set up. */
  start(options: { features?: bigint; size?: number; queues?: number } = {}): this {
    const { features = 0n, size = 8, queues = 1 } = options;
    this.negotiate(features);
    for (let queue = 0; queue < queues; queue++) this.setUpQueue(queue, size);
    this.ready();
    return this;
  }

  describe(index: number, descriptor: TestDescriptor, queue = 0): void {
    this.#memory.store(
      queueAreas(queue).descriptorArea + 16 * index,
      descriptorBytes(descriptor),
    );
  }

  /** Makes a chain available. */
  offer(head: number, queue = 0): void {
    const { driverArea } = queueAreas(queue);
    const index = this.#availIndex[queue]!;
    this.#memory.store16(driverArea + 4 + 2 * (index % this.#size), head);
    this.#availIndex[queue] = (index + 1) & 0xffff;
    this.#memory.store16(driverArea + 2, this.#availIndex[queue]);
  }

  notify(queue = 0): void {
    this.write("QueueNotify", queue);
  }

  /** New entries of the used ring. */
  used(queue = 0): { id: number; sizeBytes: number }[] {
    const { deviceArea } = queueAreas(queue);
    const entries = [];
    const end = this.#memory.load16(deviceArea + 2);
    for (let seen = this.#usedSeen[queue]!; seen !== end; seen = (seen + 1) & 0xffff) {
      const at = deviceArea + 4 + 8 * (seen % this.#size);
      entries.push({ id: this.#memory.load32(at), sizeBytes: this.#memory.load32(at + 4) });
    }
    this.#usedSeen[queue] = end;
    return entries;
  }

  get needsReset(): boolean {
    return (this.read("Status") & VIRTIO_STATUS.DEVICE_NEEDS_RESET) !== 0;
  }
}

const CONFIG_BYTES = 8;

/**
 * A device with two queues and 8 bytes of configuration. Requests of the first queue are answered with
 * what they tell, when {@link answer} is called; those of the second, for buffers, when {@link send} is.
 */
export class EchoBackend implements VirtioBackend {
  readonly kind = "virtio_echo";
  readonly deviceId = 63;
  readonly features = 1n << 5n;
  readonly queueSizes: readonly number[] = [8, 4];
  readonly config = new Uint8Array(CONFIG_BYTES);
  configGeneration = 0;
  port!: VirtioPort;
  #taken: DescriptorChain[] = [];

  connect(port: VirtioPort): void {
    this.port = port;
  }

  notified(queue: number): void {
    if (queue === 0) this.#taken.push(...this.port.queues[0]!.take());
  }

  /** Requests that wait for an answer. */
  get waiting(): readonly DescriptorChain[] {
    return this.#taken;
  }

  /** Answers what waits, last come first served. */
  answer(): void {
    for (const chain of this.#taken.splice(0).reverse()) {
      chain.complete(chain.write(0, chain.read(0, Infinity)));
    }
  }

  /** The host sends to the driver; answers whether there was a buffer. */
  send(bytes: Uint8Array): boolean {
    const chain = this.port.queues[1]!.takeOne();
    chain?.complete(chain.write(0, bytes));
    return chain !== undefined;
  }

  /** The host changes the configuration. */
  configure(byte: number): void {
    this.config.fill(byte);
    this.configGeneration = (this.configGeneration + 1) % 2 ** 32;
    this.port.configChanged();
  }

  reset(): void {
    this.#taken = [];
    this.config.fill(0);
    this.configGeneration = 0;
  }

  readConfig(offset: number, width: number): number {
    let value = 0;
    for (let n = width - 1; n >= 0; n--) value = value * 256 + (this.config[offset + n] ?? 0);
    return value;
  }

  writeConfig(offset: number, width: number, value: number): void {
    for (let n = 0; n < width && offset + n < CONFIG_BYTES; n++) {
      this.config[offset + n] = value >>> (8 * n);
    }
  }

  save(): SavedState["fields"] {
    return {
      config: [...this.config],
      configGeneration: this.configGeneration,
      taken: this.#taken.map(({ head }) => head),
    };
  }

  openState(fields: StateFields): () => void {
    const config = fields.integers("config", CONFIG_BYTES, 0xff);
    const configGeneration = fields.integer("configGeneration", 0xffff_ffff);
    const taken = fields.integers("taken", { atMost: this.queueSizes[0]! }, 0xffff);
    return () => {
      this.config.set(config);
      this.configGeneration = configGeneration;
      this.#taken = taken.flatMap((head) => this.port.queues[0]!.reopen(head) ?? []);
    };
  }
}
