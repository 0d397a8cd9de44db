/**
 * The contract between a virtio transport and the device behind it: network card, disk, entropy source.
 *
 * The transport (`virtio_mmio.ts`) has the registers, the negotiation and the queues; the backend has
 * what makes the device. Data flows: driver -> queue -> transport's {@link VirtioBackend.notified} ->
 * chains, which the backend completes at once or later; backend's host side -> {@link VirtioPort} ->
 * chains taken earlier -> used ring and interrupt.
 *
 * @module
 */

import type { SavedState } from "../../core/device.ts";
import type { StateFields } from "../../core/state_fields.ts";
import type { DeviceQueue } from "./virtqueue.ts";

/** What a backend may do to its transport. */
export interface VirtioPort {
  readonly queues: readonly DeviceQueue[];
  /** Feature bits that both sides have; 0 until the driver has chosen. */
  readonly features: bigint;
  /** The driver is up and has done nothing wrong; queues give nothing while it is not. */
  readonly isLive: boolean;
  /** Tells the driver that the configuration space has changed. */
  configChanged(): void;
  /** The driver has done what it must not: the device stops until it is reset (2.1.1). */
  violated(reason: string): void;
}

/** A device behind a transport. */
export interface VirtioBackend {
  /** Name of the chip in errors and saved state, for example `"virtio_rng"`. */
  readonly kind: string;
  /** Device type (virtio 1.2, 5). */
  readonly deviceId: number;
  /** Feature bits of this type of device that it offers; those of queue and transport are added. */
  readonly features: bigint;
  /** Largest size of each queue: powers of two. */
  readonly queueSizes: readonly number[];
  /** Changes whenever the configuration space does, other than by the driver. Default: never. */
  readonly configGeneration?: number;
  /** Called once, before anything else. */
  connect(port: VirtioPort): void;
  /** There may be chains in a queue. */
  notified(queue: number): void;
  /** The driver or the machine resets the device: chains that were taken are void. */
  reset(): void;
  /** Reads the configuration space, 4 KiB less the transport's registers. Default: zeros. */
  readConfig?(offset: number, width: number): number;
  writeConfig?(offset: number, width: number, value: number): void;
  /** State as plain named fields, beside those of the transport. */
  save(): SavedState["fields"];
  /**
   * Checks saved fields; the answer puts them into effect, when queues can be used again.
   *
   * @throws as `Device.restore`
   */
  openState(fields: StateFields): () => void;
  /** As `Device.whyUnsaveable`. */
  whyUnsaveable?(): string | undefined;
}
