/**
 * virtio over MMIO, version 2 (virtio 1.2, 4.2): registers, negotiation and queues of any virtio device.
 *
 * Data flows: driver -> registers -> status and queues -> {@link VirtioBackend}; used buffers and
 * configuration changes -> `InterruptStatus` -> interrupt line.
 *
 * The driver is not trusted. What it must not do, in its status, its queues or its requests, sets
 * DEVICE_NEEDS_RESET; then nothing works until it writes 0 to the status (2.1).
 *
 * @module
 */

import type { AccessWidth, Device, InterruptLine, SavedState } from "../../core/device.ts";
import { StateFields } from "../../core/state_fields.ts";
import { withHighHalf, withLowHalf } from "../halves.ts";
import type { RegisterTable } from "../register_table.ts";
import type { VirtioBackend, VirtioPort } from "./backend.ts";
import type { GuestMemory } from "./guest_memory.ts";
import { QUEUE_FEATURES, Virtqueue } from "./virtqueue.ts";

/** Registers of the transport (4.2.2). */
export const VIRTIO_MMIO_REGISTERS = {
  /** "virt" in ASCII. */
  MagicValue: { offset: 0x000, width: 4, direction: "read", reset: 0x7472_6976 },
  Version: { offset: 0x004, width: 4, direction: "read", reset: 2 },
  DeviceID: { offset: 0x008, width: 4, direction: "read" },
  /** "hima" in ASCII. */
  VendorID: { offset: 0x00c, width: 4, direction: "read", reset: 0x616d_6968 },
  /** 32 feature bits of the device, those that DeviceFeaturesSel selects. */
  DeviceFeatures: { offset: 0x010, width: 4, direction: "read" },
  DeviceFeaturesSel: { offset: 0x014, width: 4, direction: "write", reset: 0 },
  /** 32 feature bits that the driver takes, those that DriverFeaturesSel selects. */
  DriverFeatures: { offset: 0x020, width: 4, direction: "write", reset: 0 },
  DriverFeaturesSel: { offset: 0x024, width: 4, direction: "write", reset: 0 },
  /** Selects the queue for all registers that begin with Queue, but QueueNotify. */
  QueueSel: { offset: 0x030, width: 4, direction: "write", reset: 0 },
  /** Largest size of the queue; 0 if there is no such queue. */
  QueueNumMax: { offset: 0x034, width: 4, direction: "read" },
  QueueNum: { offset: 0x038, width: 4, direction: "write", reset: 0 },
  QueueReady: { offset: 0x044, width: 4, direction: "read-write", reset: 0 },
  /** There are new buffers in the queue with the number written. */
  QueueNotify: { offset: 0x050, width: 4, direction: "write", reset: 0 },
  InterruptStatus: { offset: 0x060, width: 4, direction: "read", reset: 0 },
  InterruptACK: { offset: 0x064, width: 4, direction: "write", reset: 0 },
  /** Device status; writing 0 resets the device. */
  Status: { offset: 0x070, width: 4, direction: "read-write", reset: 0 },
  QueueDescLow: { offset: 0x080, width: 4, direction: "write", reset: 0 },
  QueueDescHigh: { offset: 0x084, width: 4, direction: "write", reset: 0 },
  QueueDriverLow: { offset: 0x090, width: 4, direction: "write", reset: 0 },
  QueueDriverHigh: { offset: 0x094, width: 4, direction: "write", reset: 0 },
  QueueDeviceLow: { offset: 0x0a0, width: 4, direction: "write", reset: 0 },
  QueueDeviceHigh: { offset: 0x0a4, width: 4, direction: "write", reset: 0 },
  /** All ones: there is no shared memory region (2.10), whichever is selected. */
  SHMLenLow: { offset: 0x0b0, width: 4, direction: "read", reset: 0xffff_ffff },
  SHMLenHigh: { offset: 0x0b4, width: 4, direction: "read", reset: 0xffff_ffff },
  SHMBaseLow: { offset: 0x0b8, width: 4, direction: "read", reset: 0xffff_ffff },
  SHMBaseHigh: { offset: 0x0bc, width: 4, direction: "read", reset: 0xffff_ffff },
  ConfigGeneration: { offset: 0x0fc, width: 4, direction: "read" },
} as const satisfies RegisterTable;

/** Where the device's configuration space begins; accesses of any width. */
const CONFIG_OFFSET = 0x100;

/** Bits of the device status (2.1). */
export const VIRTIO_STATUS = {
  ACKNOWLEDGE: 1,
  DRIVER: 2,
  DRIVER_OK: 4,
  FEATURES_OK: 8,
  DEVICE_NEEDS_RESET: 64,
  FAILED: 128,
} as const;

const { ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK, DEVICE_NEEDS_RESET, FAILED } = VIRTIO_STATUS;
/** The stages of initialisation, one after the other (3.1.1); FAILED may come at any. */
const STAGES: readonly number[] = [
  0,
  ACKNOWLEDGE,
  ACKNOWLEDGE | DRIVER,
  ACKNOWLEDGE | DRIVER | FEATURES_OK,
  ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK,
];
const STAGE_BITS = ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK;

/** Bits of InterruptStatus (4.2.2). */
export const VIRTIO_INTERRUPT = {
  /** A buffer was used. */
  USED_BUFFER: 1,
  /** The configuration has changed, or the device needs a reset. */
  CONFIGURATION: 2,
} as const;

/** The device follows virtio 1.0 or later. Not taking it would mean a driver of before. */
export const VIRTIO_F_VERSION_1: bigint = 1n << 32n;
const FEATURES = VIRTIO_F_VERSION_1 | QUEUE_FEATURES.INDIRECT_DESC | QUEUE_FEATURES.EVENT_IDX;

/** What a {@link VirtioMmio} is wired to. */
export interface VirtioMmioOptions {
  readonly memory: GuestMemory;
  readonly interrupt: InterruptLine;
  readonly backend: VirtioBackend;
  /** Hears, for people, what the driver has done wrong. */
  readonly onViolation?: (reason: string) => void;
}

/** A virtio device on the bus. Unmapped offsets read 0 and ignore writes. */
export class VirtioMmio implements Device {
  readonly kind: string;
  readonly sizeBytes = 0x1000;
  /** Registers take words alone: other accesses read 0 and write nothing. */
  readonly accessWidths: readonly AccessWidth[] = [1, 2, 4];
  readonly #interrupt: InterruptLine;
  readonly #backend: VirtioBackend;
  readonly #onViolation: (reason: string) => void;
  /** Feature bits that it offers. */
  readonly #features: bigint;
  readonly #queues: readonly Virtqueue[];

  #status = 0;
  #deviceFeaturesSel = 0;
  #driverFeaturesSel = 0;
  #driverFeatures = 0n;
  #queueSel = 0;
  #interruptStatus = 0;

  constructor(options: VirtioMmioOptions) {
    const { memory, interrupt, backend } = options;
    this.kind = backend.kind;
    this.#interrupt = interrupt;
    this.#backend = backend;
    this.#onViolation = options.onViolation ?? (() => {});
    this.#features = backend.features | FEATURES;
    this.#queues = backend.queueSizes.map((sizeMax) =>
      new Virtqueue({
        memory,
        sizeMax,
        hasFeature: (feature) => (this.#negotiated & feature) !== 0n,
        isLive: () => this.#isLive,
        onUsed: () => this.#raise(VIRTIO_INTERRUPT.USED_BUFFER),
        onViolation: (reason) => this.#violated(reason),
      })
    );
    backend.connect(this.#port());
  }

  read(offset: number, width: AccessWidth): number {
    if (offset >= CONFIG_OFFSET) {
      return this.#backend.readConfig?.(offset - CONFIG_OFFSET, width) ?? 0;
    }
    if (width !== 4) return 0;
    const registers = VIRTIO_MMIO_REGISTERS;
    switch (offset) {
      case registers.MagicValue.offset:
        return registers.MagicValue.reset;
      case registers.Version.offset:
        return registers.Version.reset;
      case registers.DeviceID.offset:
        return this.#backend.deviceId;
      case registers.VendorID.offset:
        return registers.VendorID.reset;
      case registers.DeviceFeatures.offset:
        return featureWord(this.#features, this.#deviceFeaturesSel);
      case registers.QueueNumMax.offset:
        return this.#queue?.sizeMax ?? 0;
      case registers.QueueReady.offset:
        return this.#queue?.isReady ? 1 : 0;
      case registers.InterruptStatus.offset:
        return this.#interruptStatus;
      case registers.Status.offset:
        return this.#status;
      case registers.SHMLenLow.offset:
      case registers.SHMLenHigh.offset:
      case registers.SHMBaseLow.offset:
      case registers.SHMBaseHigh.offset:
        return registers.SHMLenLow.reset;
      case registers.ConfigGeneration.offset:
        return this.#backend.configGeneration ?? 0;
      default:
        return 0;
    }
  }

  write(offset: number, width: AccessWidth, value: number): void {
    if (offset >= CONFIG_OFFSET) {
      this.#backend.writeConfig?.(offset - CONFIG_OFFSET, width, value);
      return;
    }
    if (width !== 4) return;
    const registers = VIRTIO_MMIO_REGISTERS;
    switch (offset) {
      case registers.DeviceFeaturesSel.offset:
        this.#deviceFeaturesSel = value;
        break;
      case registers.DriverFeatures.offset:
        this.#takeFeatures(value);
        break;
      case registers.DriverFeaturesSel.offset:
        this.#driverFeaturesSel = value;
        break;
      case registers.QueueSel.offset:
        this.#queueSel = value;
        break;
      case registers.QueueReady.offset:
        this.#queue?.setReady((value & 1) !== 0);
        break;
      case registers.QueueNotify.offset:
        this.#notified(value);
        break;
      case registers.InterruptACK.offset:
        this.#interruptStatus &= ~value;
        break;
      case registers.Status.offset:
        this.#writeStatus(value);
        break;
      default:
        this.#writeQueueSettings(offset, value);
        break;
    }
    this.#deriveInterrupt();
  }

  reset(): void {
    this.#deviceFeaturesSel = 0;
    this.#driverFeaturesSel = 0;
    this.#queueSel = 0;
    this.#resetDevice();
    this.#deriveInterrupt();
  }

  save(): SavedState {
    return {
      kind: this.kind,
      version: 1,
      fields: {
        status: this.#status,
        deviceFeaturesSel: this.#deviceFeaturesSel,
        driverFeaturesSel: this.#driverFeaturesSel,
        driverFeatures: this.#driverFeatures,
        queueSel: this.#queueSel,
        interruptStatus: this.#interruptStatus,
        queues: this.#queues.map((queue) => queue.save()),
        ...this.#backend.save(),
      },
    };
  }

  restore(state: SavedState): void {
    const fields = StateFields.open(state, this.kind, 1);
    const status = fields.integer("status", 0xff);
    const deviceFeaturesSel = fields.integer("deviceFeaturesSel", 0xffff_ffff);
    const driverFeaturesSel = fields.integer("driverFeaturesSel", 0xffff_ffff);
    const driverFeatures = fields.bigint("driverFeatures");
    const queueSel = fields.integer("queueSel", 0xffff_ffff);
    const interruptStatus = fields.integer("interruptStatus", 3);
    const queues = fields.records("queues", this.#queues.length);
    const applyQueues = this.#queues.map((queue, index) => queue.openState(queues[index]!));
    const applyBackend = this.#backend.openState(fields);
    const stage = status & ~(DEVICE_NEEDS_RESET | FAILED);
    if (!STAGES.includes(stage)) fields.reject("status", `is 0x${status.toString(16)}`);
    if (stage & FEATURES_OK && !this.#accepts(driverFeatures)) {
      fields.reject("driverFeatures", "has what the device does not offer");
    }
    fields.finish();

    this.#status = status;
    this.#deviceFeaturesSel = deviceFeaturesSel;
    this.#driverFeaturesSel = driverFeaturesSel;
    this.#driverFeatures = driverFeatures;
    this.#queueSel = queueSel;
    this.#interruptStatus = interruptStatus;
    for (const apply of applyQueues) apply();
    applyBackend();
    this.#deriveInterrupt();
  }

  whyUnsaveable(): string | undefined {
    return this.#backend.whyUnsaveable?.();
  }

  #port(): VirtioPort {
    const features = () => this.#negotiated;
    const isLive = () => this.#isLive;
    return {
      queues: this.#queues,
      get features() {
        return features();
      },
      get isLive() {
        return isLive();
      },
      configChanged: () => this.#raise(VIRTIO_INTERRUPT.CONFIGURATION),
      violated: (reason) => this.#violated(reason),
    };
  }

  /** The queue that is selected. */
  get #queue(): Virtqueue | undefined {
    return this.#queues[this.#queueSel];
  }

  /** Feature bits that both sides have. */
  get #negotiated(): bigint {
    return this.#status & FEATURES_OK ? this.#driverFeatures : 0n;
  }

  get #isLive(): boolean {
    return (this.#status & (DRIVER_OK | DEVICE_NEEDS_RESET | FAILED)) === DRIVER_OK;
  }

  #takeFeatures(word: number): void {
    // What was negotiated stays as it is.
    if (this.#status & FEATURES_OK) return;
    if (this.#driverFeaturesSel === 0) {
      this.#driverFeatures = withLowHalf(this.#driverFeatures, word);
    } else if (this.#driverFeaturesSel === 1) {
      this.#driverFeatures = withHighHalf(this.#driverFeatures, word);
    }
  }

  #accepts(features: bigint): boolean {
    return (features & ~this.#features) === 0n && (features & VIRTIO_F_VERSION_1) !== 0n;
  }

  #writeStatus(value: number): void {
    if (value === 0) return this.#resetDevice();
    this.#status |= value & FAILED;
    if (this.#status & DEVICE_NEEDS_RESET) return;
    const before = this.#status & STAGE_BITS;
    let stage = value & STAGE_BITS;
    const isChoice = (stage & ~before & FEATURES_OK) !== 0;
    // The driver reads the status back to see whether its choice was taken (3.1.1).
    if (isChoice && !this.#accepts(this.#driverFeatures)) stage &= ~FEATURES_OK;
    if (STAGES.indexOf(stage) < STAGES.indexOf(before)) {
      const hex = [before, value].map((bits) => `0x${bits.toString(16)}`);
      return this.#violated(`status ${hex[1]} after ${hex[0]}`);
    }
    this.#status = this.#status & ~STAGE_BITS | stage;
    if (stage & ~before & DRIVER_OK) {
      for (const queue of this.#queues.keys()) this.#notified(queue);
    }
  }

  #writeQueueSettings(offset: number, value: number): void {
    const queue = this.#queue;
    // Not to be changed while the queue is in use (4.2.2.2).
    if (queue === undefined || queue.isReady) return;
    const registers = VIRTIO_MMIO_REGISTERS;
    switch (offset) {
      case registers.QueueNum.offset:
        queue.setSize(value);
        break;
      case registers.QueueDescLow.offset:
        queue.descriptorArea = withLowHalf(queue.descriptorArea, value);
        break;
      case registers.QueueDescHigh.offset:
        queue.descriptorArea = withHighHalf(queue.descriptorArea, value);
        break;
      case registers.QueueDriverLow.offset:
        queue.driverArea = withLowHalf(queue.driverArea, value);
        break;
      case registers.QueueDriverHigh.offset:
        queue.driverArea = withHighHalf(queue.driverArea, value);
        break;
      case registers.QueueDeviceLow.offset:
        queue.deviceArea = withLowHalf(queue.deviceArea, value);
        break;
      case registers.QueueDeviceHigh.offset:
        queue.deviceArea = withHighHalf(queue.deviceArea, value);
        break;
    }
  }

  #notified(queue: number): void {
    if (this.#isLive && this.#queues[queue]?.isReady) this.#backend.notified(queue);
  }

  #violated(reason: string): void {
    if (this.#status & DEVICE_NEEDS_RESET) return;
    this.#onViolation(reason);
    this.#status |= DEVICE_NEEDS_RESET;
    // Without DRIVER_OK the driver is not to be notified of anything (2.1.2).
    if (this.#status & DRIVER_OK) this.#raise(VIRTIO_INTERRUPT.CONFIGURATION);
  }

  #raise(interrupt: number): void {
    this.#interruptStatus |= interrupt;
    this.#deriveInterrupt();
  }

  /** What the driver's reset does (2.4). */
  #resetDevice(): void {
    this.#status = 0;
    this.#driverFeatures = 0n;
    this.#interruptStatus = 0;
    for (const queue of this.#queues) queue.reset();
    this.#backend.reset();
  }

  #deriveInterrupt(): void {
    this.#interrupt.set(this.#interruptStatus !== 0);
  }
}

/** 32 of the feature bits; there are no more than 64. */
function featureWord(features: bigint, select: number): number {
  return select > 1 ? 0 : Number(features >> BigInt(32 * select) & 0xffff_ffffn);
}
