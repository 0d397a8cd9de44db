/**
 * Descriptor chains: one request of the driver, as buffers in its memory (virtio 1.2, 2.7.5).
 *
 * The driver is not trusted: every descriptor is copied when it is looked at, every address and length
 * is checked, and the number of steps is bounded, before a device sees anything of the chain.
 *
 * @module
 */

import { type GuestMemory, readU16, readU32, readU64 } from "./guest_memory.ts";

/** Length of a descriptor, in bytes. */
export const DESCRIPTOR_BYTES = 16;

/** Flags of a descriptor. */
export const DESCRIPTOR_FLAGS = {
  /** The chain goes on at `next`. */
  NEXT: 1,
  /** The device writes the buffer; otherwise it reads it. */
  WRITE: 2,
  /** The buffer is a table of descriptors. */
  INDIRECT: 4,
} as const;

/** A chain is at most so many bytes in all (2.7.5). */
const MAX_CHAIN_BYTES = 2 ** 32;

/** A stretch of guest memory. */
export interface GuestBuffer {
  readonly address: number;
  readonly sizeBytes: number;
}

/** The buffers of a chain, in order. */
export interface ChainBuffers {
  /** What the driver tells. */
  readonly readable: readonly GuestBuffer[];
  /** Where the device answers. */
  readonly writable: readonly GuestBuffer[];
}

/** Where chains are. */
export interface DescriptorTable {
  readonly memory: GuestMemory;
  /** Address of the descriptor table. */
  readonly address: number;
  /** Queue size: entries of the table, and the longest chain. */
  readonly entries: number;
  /** Whether VIRTIO_F_INDIRECT_DESC was negotiated. */
  readonly allowsIndirect: boolean;
}

interface Descriptor {
  readonly address: number;
  readonly sizeBytes: number;
  readonly flags: number;
  readonly next: number;
}

/** Follows the chain that begins at `head`; the answer is text, and says why, if it is malformed. */
export function walkChain(table: DescriptorTable, head: number): ChainBuffers | string {
  const { memory, allowsIndirect } = table;
  const readable: GuestBuffer[] = [];
  const writable: GuestBuffer[] = [];
  let { address: tableAddress, entries } = table;
  let isIndirect = false;
  let totalBytes = 0;
  let index = head;
  // Every chain that does not loop ends before: tables are visited once each, the indirect one last.
  for (let steps = 0; steps <= table.entries; steps++) {
    if (index >= entries) return `descriptor ${index} of a table of ${entries}`;
    const found = descriptorAt(memory, tableAddress + index * DESCRIPTOR_BYTES);
    if (found === undefined) return `descriptor ${index} is not in RAM`;
    const { address, sizeBytes, flags, next } = found;
    if (flags & DESCRIPTOR_FLAGS.INDIRECT) {
      if (!allowsIndirect) return "an indirect descriptor, which was not negotiated";
      if (isIndirect) return "an indirect descriptor in an indirect table";
      if (flags & DESCRIPTOR_FLAGS.NEXT) return "an indirect descriptor that has a next one";
      if (sizeBytes === 0 || sizeBytes % DESCRIPTOR_BYTES !== 0) {
        return `an indirect table of ${sizeBytes} bytes`;
      }
      // WRITE says nothing here and is to be ignored (2.7.5.3.2).
      isIndirect = true;
      tableAddress = address;
      entries = sizeBytes / DESCRIPTOR_BYTES;
      index = 0;
      continue;
    }
    if (readable.length + writable.length === table.entries) break;
    totalBytes += sizeBytes;
    if (totalBytes > MAX_CHAIN_BYTES) return "a chain of more than 2^32 bytes";
    if (!memory.contains(address, sizeBytes)) {
      return `a buffer of ${sizeBytes} bytes at 0x${address.toString(16)}, not in RAM`;
    }
    if (flags & DESCRIPTOR_FLAGS.WRITE) writable.push({ address, sizeBytes });
    else if (writable.length > 0) return "a buffer to read behind one to write";
    else readable.push({ address, sizeBytes });
    if (!(flags & DESCRIPTOR_FLAGS.NEXT)) return { readable, writable };
    index = next;
  }
  return `a chain of more than ${table.entries} descriptors`;
}

function descriptorAt(memory: GuestMemory, address: number): Descriptor | undefined {
  const bytes = memory.bytesAt(address, DESCRIPTOR_BYTES);
  return bytes && {
    address: readU64(bytes, 0),
    sizeBytes: readU32(bytes, 8),
    flags: readU16(bytes, 12),
    next: readU16(bytes, 14),
  };
}

/** One request, to be answered by {@link complete}. */
export class DescriptorChain {
  /** Index of its first descriptor: what a device that answers later saves. */
  readonly head: number;
  /** How much the driver tells. */
  readonly readableBytes: number;
  /** How much room there is for the answer. */
  readonly writableBytes: number;
  readonly #memory: GuestMemory;
  readonly #buffers: ChainBuffers;
  readonly #complete: (writtenBytes: number) => void;

  /** @internal Chains come from a queue. */
  constructor(
    head: number,
    buffers: ChainBuffers,
    memory: GuestMemory,
    complete: (writtenBytes: number) => void,
  ) {
    this.head = head;
    this.readableBytes = sumBytes(buffers.readable);
    this.writableBytes = sumBytes(buffers.writable);
    this.#memory = memory;
    this.#buffers = buffers;
    this.#complete = complete;
  }

  /** A copy of what the driver tells, from an offset on: so many bytes, or fewer if there are no more. */
  read(offset: number, sizeBytes: number): Uint8Array {
    const size = Math.max(0, Math.min(sizeBytes, this.readableBytes - offset));
    const copy = new Uint8Array(size);
    this.#visit(this.#buffers.readable, offset, size, (bytes, at) => copy.set(bytes, at));
    return copy;
  }

  /** Writes into the room for the answer, from an offset on; answers how many bytes fitted. */
  write(offset: number, source: Uint8Array): number {
    const size = Math.max(0, Math.min(source.length, this.writableBytes - offset));
    this.#visit(this.#buffers.writable, offset, size, (bytes, at, address) => {
      bytes.set(source.subarray(at, at + bytes.length));
      this.#memory.written(address, bytes.length);
    });
    return size;
  }

  /**
   * Gives the buffers back to the driver. Nothing happens if the queue was reset since.
   *
   * @param writtenBytes how much of the room, from its beginning on, holds the answer
   */
  complete(writtenBytes: number): void {
    this.#complete(writtenBytes);
  }

  #visit(
    buffers: readonly GuestBuffer[],
    offset: number,
    sizeBytes: number,
    use: (bytes: Uint8Array, at: number, address: number) => void,
  ): void {
    let skip = offset;
    let done = 0;
    for (const buffer of buffers) {
      if (done === sizeBytes) return;
      const length = Math.min(buffer.sizeBytes - skip, sizeBytes - done);
      if (length <= 0) {
        skip -= buffer.sizeBytes;
        continue;
      }
      const address = buffer.address + skip;
      // In RAM: `walkChain` has checked.
      use(this.#memory.bytesAt(address, length)!, done, address);
      done += length;
      skip = 0;
    }
  }
}

function sumBytes(buffers: readonly GuestBuffer[]): number {
  return buffers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
