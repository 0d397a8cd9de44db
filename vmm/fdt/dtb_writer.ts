/**
 * From a tree to the flattened form (`.dtb`): header, memory reservations, structure, strings.
 * The same tree always gives the same bytes, and those are dtc's.
 *
 * @module
 */

import {
  FDT_BEGIN_NODE,
  FDT_END,
  FDT_END_NODE,
  FDT_LAST_COMP_VERSION,
  FDT_MAGIC,
  FDT_PROP,
  FDT_VERSION,
  HEADER,
  HEADER_SIZE,
} from "./format.ts";
import { encodedProperties, resolveReferences } from "./references.ts";
import { type FdtNode, type FdtTree, MAX_DEPTH } from "./tree.ts";

/**
 * Flattens a tree to version 17. References become phandles and paths; nodes referred to get a
 * `phandle` property in the output if they have none.
 *
 * @throws {TypeError} if a reference, label or phandle is wrong
 * @throws {RangeError} if nodes are nested deeper than 64, or a reservation is not 64 bits
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { FdtTree, readDtb, writeDtb } from "./mod.ts";
 *
 * const tree = new FdtTree();
 * tree.root.set("compatible", ["riscv-virtio"]);
 * assertEquals(readDtb(writeDtb(tree)).root.properties.size, 1);
 * ```
 */
export function writeDtb(tree: FdtTree): Uint8Array<ArrayBuffer> {
  const references = resolveReferences(tree);
  const structure = new GrowingBytes();
  const stringTable = new StringTable();

  const writeNode = (node: FdtNode, depth: number): void => {
    if (depth > MAX_DEPTH) {
      throw new RangeError(`Node ${node.path} is nested deeper than ${MAX_DEPTH}`);
    }
    structure.u32(FDT_BEGIN_NODE);
    structure.text(node.name);
    structure.align(4);
    for (const [name, value] of encodedProperties(node, references)) {
      structure.u32(FDT_PROP);
      structure.u32(value.length);
      structure.u32(stringTable.offsetOf(name));
      structure.append(value);
      structure.align(4);
    }
    for (const child of node.children) writeNode(child, depth + 1);
    structure.u32(FDT_END_NODE);
  };
  writeNode(tree.root, 0);
  structure.u32(FDT_END);

  const structOffset = HEADER_SIZE + 16 * (tree.reservations.length + 1);
  const stringsOffset = structOffset + structure.length;
  const totalsize = stringsOffset + stringTable.length;
  if (totalsize > 0x7fff_ffff) throw new RangeError(`Tree of ${totalsize} bytes: at most 2 GiB`);

  const dtb = new Uint8Array(totalsize);
  const view = new DataView(dtb.buffer);
  const header: Record<keyof typeof HEADER, number> = {
    magic: FDT_MAGIC,
    totalsize,
    off_dt_struct: structOffset,
    off_dt_strings: stringsOffset,
    off_mem_rsvmap: HEADER_SIZE,
    version: FDT_VERSION,
    last_comp_version: FDT_LAST_COMP_VERSION,
    boot_cpuid_phys: tree.bootCpuId,
    size_dt_strings: stringTable.length,
    size_dt_struct: structure.length,
  };
  for (const [field, offset] of Object.entries(HEADER)) {
    view.setUint32(offset, header[field as keyof typeof HEADER]);
  }
  tree.reservations.forEach(({ address, sizeBytes }, index) => {
    view.setBigUint64(HEADER_SIZE + 16 * index, checked64(address));
    view.setBigUint64(HEADER_SIZE + 16 * index + 8, checked64(sizeBytes));
  });
  dtb.set(structure.bytes(), structOffset);
  dtb.set(stringTable.bytes(), stringsOffset);
  return dtb;
}

function checked64(value: bigint): bigint {
  if (value !== BigInt.asUintN(64, value)) {
    throw new RangeError(`Memory reservation with ${value}: not an unsigned 64-bit number`);
  }
  return value;
}

/** Property names, each stored once; a name that another ends with is not stored at all. */
class StringTable {
  #text = "";
  #offsets = new Map<string, number>();

  get length(): number {
    return this.#text.length;
  }

  offsetOf(name: string): number {
    let offset = this.#offsets.get(name);
    if (offset === undefined) {
      offset = this.#text.indexOf(name + "\0");
      if (offset < 0) {
        offset = this.#text.length;
        this.#text += name + "\0";
      }
      this.#offsets.set(name, offset);
    }
    return offset;
  }

  /** Names are ASCII (see `FdtNode.set`), so characters are bytes. */
  bytes(): Uint8Array {
    return new TextEncoder().encode(this.#text);
  }
}

class GrowingBytes {
  #buffer = new Uint8Array(4096);
  length = 0;

  u32(value: number): void {
    this.#reserve(4);
    new DataView(this.#buffer.buffer).setUint32(this.length, value);
    this.length += 4;
  }

  text(text: string): void {
    this.append(new TextEncoder().encode(text + "\0"));
  }

  append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Pads with zeros. */
  align(alignment: number): void {
    const padding = -this.length & (alignment - 1);
    this.#reserve(padding);
    this.length += padding;
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.length);
  }

  #reserve(sizeBytes: number): void {
    if (this.length + sizeBytes <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(this.#buffer.length * 2, this.length + sizeBytes));
    grown.set(this.#buffer.subarray(0, this.length));
    this.#buffer = grown;
  }
}
