/**
 * A split virtqueue, the device's side (virtio 1.2, 2.7).
 *
 * ```text
 *   driver                                     device
 *   descriptor table, available ring  ------>  take(): chains, in order
 *   used ring                         <------  chain.complete(): in any order
 *                                     <------  onUsed, unless the driver wants no notification
 * ```
 *
 * The driver is not trusted. Whatever it does wrong is reported to `onViolation`, and ends the queue's
 * use until it is set up again; nothing throws, and nothing takes longer than the queue is long.
 *
 * @module
 */

import type { StateValue } from "../../core/device.ts";
import type { StateFields } from "../../core/state_fields.ts";
import { DESCRIPTOR_BYTES, DescriptorChain, walkChain } from "./descriptor_chain.ts";
import { type GuestMemory, readU16, writeU16, writeU32 } from "./guest_memory.ts";

/** Feature bits that concern queues (6). */
export const QUEUE_FEATURES = {
  INDIRECT_DESC: 1n << 28n,
  EVENT_IDX: 1n << 29n,
} as const;

/** `avail.flags`: the driver wants no notification of used buffers. */
const AVAIL_F_NO_INTERRUPT = 1;
const INDEX_MASK = 0xffff;
/** Offsets in the available and in the used ring. */
const RING_FLAGS = 0;
const RING_INDEX = 2;
const RING_ENTRIES = 4;
const AVAIL_ENTRY_BYTES = 2;
const USED_ENTRY_BYTES = 8;
/** The event field behind the entries of either ring. */
const EVENT_BYTES = 2;
/** Alignment of the three areas (2.7). */
const ALIGNMENT = { descriptorArea: 16, driverArea: 2, deviceArea: 4 } as const;

/** What a device does with a queue. */
export interface DeviceQueue {
  /**
   * Takes the chains that are available now. There are never more than the queue has entries, even if
   * the driver has its requests write into the rings.
   */
  take(): Iterable<DescriptorChain>;
  /** Takes one chain. */
  takeOne(): DescriptorChain | undefined;
  /** A chain again that was taken and not completed before the device's state was saved. */
  reopen(head: number): DescriptorChain | undefined;
}

/** What a {@link Virtqueue} is wired to. */
export interface VirtqueueOptions {
  readonly memory: GuestMemory;
  /** Largest queue size, a power of two up to 32768. */
  readonly sizeMax: number;
  /** Whether a feature was negotiated. */
  hasFeature(feature: bigint): boolean;
  /** Whether the device may use its queues. */
  isLive(): boolean;
  /** Buffers were used, and the driver is to be told. */
  onUsed(): void;
  onViolation(reason: string): void;
}

/** One queue. */
export class Virtqueue implements DeviceQueue {
  readonly sizeMax: number;
  /** Address of the descriptor table. */
  descriptorArea = 0n;
  /** Address of the available ring. */
  driverArea = 0n;
  /** Address of the used ring. */
  deviceArea = 0n;
  readonly #options: VirtqueueOptions;
  readonly #memory: GuestMemory;
  #size = 0;
  #isReady = false;
  /** The next entry of the available ring, and of the used ring; modulo 2^16. */
  #availIndex = 0;
  #usedIndex = 0;
  /** Chains of an earlier use of the queue are void. */
  #use = {};

  constructor(options: VirtqueueOptions) {
    this.#options = options;
    this.#memory = options.memory;
    this.sizeMax = options.sizeMax;
  }

  /** Number of entries; 0 until the driver has set it. */
  get size(): number {
    return this.#size;
  }

  /** Sets the number of entries, which the driver chooses. */
  setSize(size: number): void {
    if (isQueueSize(size) && size <= this.sizeMax) this.#size = size;
    else this.#options.onViolation(`a queue of ${size} entries`);
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Begins or ends the use of the queue. */
  setReady(isReady: boolean): void {
    if (isReady === this.#isReady) return;
    const reason = isReady ? this.#unusable() : undefined;
    if (reason !== undefined) return this.#options.onViolation(reason);
    this.#isReady = isReady;
    this.#availIndex = 0;
    this.#usedIndex = 0;
    this.#use = {};
  }

  reset(): void {
    this.setReady(false);
    this.#size = 0;
    this.descriptorArea = 0n;
    this.driverArea = 0n;
    this.deviceArea = 0n;
  }

  *take(): Iterable<DescriptorChain> {
    // Counted once: what requests write into the ring must not make it longer.
    for (let left = this.#available(); left > 0 && this.#isUsable; left--) {
      const chain = this.#takeNext();
      if (chain === undefined) return;
      yield chain;
    }
    this.#wantNotification();
  }

  takeOne(): DescriptorChain | undefined {
    if (this.#available() > 0) return this.#takeNext();
    this.#wantNotification();
    return undefined;
  }

  reopen(head: number): DescriptorChain | undefined {
    return this.#isUsable ? this.#chain(head) : undefined;
  }

  /** State as plain named fields. */
  save(): { readonly [field: string]: StateValue } {
    return {
      size: this.#size,
      isReady: this.#isReady,
      descriptorArea: this.descriptorArea,
      driverArea: this.driverArea,
      deviceArea: this.deviceArea,
      availIndex: this.#availIndex,
      usedIndex: this.#usedIndex,
    };
  }

  /** Checks saved fields; the answer puts them into effect. */
  openState(fields: StateFields): () => void {
    const size = fields.integer("size", this.sizeMax);
    const isReady = fields.boolean("isReady");
    const descriptorArea = fields.bigint("descriptorArea");
    const driverArea = fields.bigint("driverArea");
    const deviceArea = fields.bigint("deviceArea");
    const availIndex = fields.integer("availIndex", INDEX_MASK);
    const usedIndex = fields.integer("usedIndex", INDEX_MASK);
    if (size !== 0 && !isQueueSize(size)) fields.reject("size", "is no power of two");
    if (isReady && size === 0) fields.reject("isReady", "is true for a queue without entries");
    return () => {
      this.#size = size;
      this.#isReady = isReady;
      this.descriptorArea = descriptorArea;
      this.driverArea = driverArea;
      this.deviceArea = deviceArea;
      this.#availIndex = availIndex;
      this.#usedIndex = usedIndex;
      this.#use = {};
    };
  }

  get #isUsable(): boolean {
    return this.#isReady && this.#options.isLive();
  }

  /** Why the driver's settings cannot be used, if so. */
  #unusable(): string | undefined {
    if (this.#size === 0) return "a queue without a size";
    const sizes = {
      descriptorArea: DESCRIPTOR_BYTES * this.#size,
      driverArea: RING_ENTRIES + AVAIL_ENTRY_BYTES * this.#size,
      deviceArea: RING_ENTRIES + USED_ENTRY_BYTES * this.#size,
    };
    for (const area of ["descriptorArea", "driverArea", "deviceArea"] as const) {
      const address = this[area];
      const isAligned = address % BigInt(ALIGNMENT[area]) === 0n;
      if (isAligned && this.#memory.contains(Number(address), sizes[area])) continue;
      return `a queue with its ${area} at 0x${address.toString(16)}, ` +
        (isAligned ? "not in RAM" : "not aligned");
    }
    return undefined;
  }

  /** How many chains the driver has made available. */
  #available(): number {
    if (!this.#isUsable) return 0;
    const index = this.#read(Number(this.driverArea) + RING_INDEX);
    if (index === undefined) return 0;
    const count = (index - this.#availIndex) & INDEX_MASK;
    if (count <= this.#size) return count;
    this.#options.onViolation(`${count} chains available in a queue of ${this.#size} entries`);
    return 0;
  }

  #takeNext(): DescriptorChain | undefined {
    const slot = this.#availIndex % this.#size;
    const head = this.#read(Number(this.driverArea) + RING_ENTRIES + AVAIL_ENTRY_BYTES * slot);
    if (head === undefined) return undefined;
    const chain = this.#chain(head);
    if (chain !== undefined) this.#availIndex = (this.#availIndex + 1) & INDEX_MASK;
    return chain;
  }

  #chain(head: number): DescriptorChain | undefined {
    const buffers = walkChain({
      memory: this.#memory,
      address: Number(this.descriptorArea),
      entries: this.#size,
      allowsIndirect: this.#options.hasFeature(QUEUE_FEATURES.INDIRECT_DESC),
    }, head);
    if (typeof buffers === "string") {
      this.#options.onViolation(buffers);
      return undefined;
    }
    const use = this.#use;
    return new DescriptorChain(head, buffers, this.#memory, (writtenBytes) => {
      if (use === this.#use && this.#isUsable) this.#putUsed(head, writtenBytes);
    });
  }

  #putUsed(head: number, writtenBytes: number): void {
    const ring = Number(this.deviceArea);
    const address = ring + RING_ENTRIES + USED_ENTRY_BYTES * (this.#usedIndex % this.#size);
    const entry = this.#bytesAt(address, USED_ENTRY_BYTES);
    if (entry === undefined) return;
    writeU32(entry, 0, head);
    writeU32(entry, 4, writtenBytes);
    this.#memory.written(address, USED_ENTRY_BYTES);
    const usedBefore = this.#usedIndex;
    this.#usedIndex = (usedBefore + 1) & INDEX_MASK;
    this.#write(ring + RING_INDEX, this.#usedIndex);
    if (this.#wantsNotification(usedBefore)) this.#options.onUsed();
  }

  /** Whether the driver wants to hear of the entry of the used ring with this index (2.7.7, 2.7.10). */
  #wantsNotification(usedIndex: number): boolean {
    const ring = Number(this.driverArea);
    if (this.#options.hasFeature(QUEUE_FEATURES.EVENT_IDX)) {
      return this.#read(ring + RING_ENTRIES + AVAIL_ENTRY_BYTES * this.#size) === usedIndex;
    }
    const flags = this.#read(ring + RING_FLAGS);
    return flags !== undefined && (flags & AVAIL_F_NO_INTERRUPT) === 0;
  }

  /** Everything was taken: asks the driver to notify when it makes the next chain available. */
  #wantNotification(): void {
    if (!this.#isUsable || !this.#options.hasFeature(QUEUE_FEATURES.EVENT_IDX)) return;
    const address = Number(this.deviceArea) + RING_ENTRIES + USED_ENTRY_BYTES * this.#size;
    this.#write(address, this.#availIndex);
  }

  #read(address: number): number | undefined {
    const bytes = this.#bytesAt(address, EVENT_BYTES);
    return bytes && readU16(bytes, 0);
  }

  #write(address: number, value: number): void {
    const bytes = this.#bytesAt(address, EVENT_BYTES);
    if (bytes === undefined) return;
    writeU16(bytes, 0, value);
    this.#memory.written(address, EVENT_BYTES);
  }

  #bytesAt(address: number, sizeBytes: number): Uint8Array | undefined {
    const bytes = this.#memory.bytesAt(address, sizeBytes);
    if (bytes === undefined) {
      this.#options.onViolation(`a ring that goes on at 0x${address.toString(16)}, not in RAM`);
    }
    return bytes;
  }
}

/** Sizes are powers of two (2.7). */
function isQueueSize(size: number): boolean {
  return size > 0 && (size & (size - 1)) === 0;
}
