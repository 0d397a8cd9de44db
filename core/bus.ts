/**
 * The bus: which device answers at which physical address.
 *
 * @module
 */

import type { AccessWidth, Device } from "./device.ts";

/** A device in the physical address space. */
export interface Mapping {
  /** Name in errors, `"uart0"`. */
  readonly name: string;
  /** Physical address of the device's offset 0. */
  readonly base: number;
  readonly device: Device;
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
}

function range(name: string, base: number, sizeBytes: number): string {
  return `${name} (${hex(base)}-${hex(base + sizeBytes - 1)})`;
}

/** Routes accesses outside RAM. */
export class Bus {
  readonly #mappings: Mapping[] = [];
  /** Devices are accessed in runs: the last one answered is tried first. */
  #last: Mapping | undefined;

  /** All devices, in order of address. */
  get mappings(): readonly Mapping[] {
    return this.#mappings;
  }

  /**
   * Maps a device.
   *
   * @throws {RangeError} if it overlaps another; both are named
   */
  map(name: string, base: number, device: Device): void {
    for (const other of this.#mappings) {
      if (base < other.base + other.device.sizeBytes && other.base < base + device.sizeBytes) {
        throw new RangeError(
          `Cannot map ${range(name, base, device.sizeBytes)}: overlaps ` +
            range(other.name, other.base, other.device.sizeBytes),
        );
      }
    }
    this.#mappings.push({ name, base, device });
    this.#mappings.sort((a, b) => a.base - b.base);
  }

  #find(address: number, widthBytes: number): Mapping | undefined {
    const last = this.#last;
    if (last !== undefined && contains(last, address, widthBytes)) return last;
    const found = this.#mappings.find((mapping) => contains(mapping, address, widthBytes));
    if (found !== undefined) this.#last = found;
    return found;
  }

  /**
   * Reads `widthBytes` (1, 2, 4); `undefined` is an access fault. 8-byte accesses are the caller's to
   * split.
   */
  read(address: number, width: AccessWidth): number | undefined {
    const mapping = this.#find(address, width);
    if (mapping === undefined || !mapping.device.accessWidths.includes(width)) return undefined;
    return mapping.device.read(address - mapping.base, width);
  }

  /** Writes; false is an access fault. */
  write(address: number, width: AccessWidth, value: number): boolean {
    const mapping = this.#find(address, width);
    if (mapping === undefined || !mapping.device.accessWidths.includes(width)) return false;
    mapping.device.write(address - mapping.base, width, value);
    return true;
  }
}

function contains(mapping: Mapping, address: number, widthBytes: number): boolean {
  return address >= mapping.base &&
    address + widthBytes <= mapping.base + mapping.device.sizeBytes;
}
