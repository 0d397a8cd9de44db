/**
 * Reads a flattened tree (`.dtb`). The input is hostile: every offset and length is checked against
 * the block it points into before it is used, nothing is allocated by a length that the file only
 * claims, and nesting is limited. Each error names the field or token and the byte offset.
 *
 * @module
 */

import {
  FDT_BEGIN_NODE,
  FDT_END,
  FDT_END_NODE,
  FDT_LAST_COMP_VERSION,
  FDT_MAGIC,
  FDT_NOP,
  FDT_PROP,
  FDT_VERSION,
  HEADER,
  HEADER_SIZE,
} from "./format.ts";
import { type FdtNode, FdtTree, MAX_DEPTH, type MemoryReservation } from "./tree.ts";
import { bytes as bytesValue, empty } from "./value.ts";

/**
 * Reads a flattened tree of version 16 or 17, or of a later version compatible with 17. Bytes
 * behind the `totalsize` of the header are ignored.
 *
 * @param dtb the file
 * @param name what to call the file in errors
 * @returns the tree; every property value is raw bytes, and there are no labels
 * @throws {SyntaxError} if the file is malformed
 * @throws {RangeError} if its version is not one that is read, or nodes are nested deeper than 64
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { createBoardFdt } from "../board_fdt.ts";
 * import { readDtb, writeDtb } from "./mod.ts";
 *
 * const dtb = writeDtb(createBoardFdt({ harts: 1, memBytes: 64 << 20 }));
 * assertEquals(readDtb(dtb).node("/soc/serial@10000000").has("reg"), true);
 * ```
 */
export function readDtb(dtb: Uint8Array, name = "dtb"): FdtTree {
  return new Reader(dtb, name).read();
}

/** A block of the file: offset of the first byte, and of the byte after the last. */
interface Block {
  readonly start: number;
  readonly end: number;
}

class Reader {
  #bytes: Uint8Array;
  #view: DataView;
  #name: string;

  constructor(dtb: Uint8Array, name: string) {
    this.#bytes = dtb;
    this.#view = new DataView(dtb.buffer, dtb.byteOffset, dtb.byteLength);
    this.#name = name;
  }

  read(): FdtTree {
    if (this.#bytes.length < HEADER_SIZE) {
      throw this.#error(0, `${this.#bytes.length} bytes, the header alone has ${HEADER_SIZE}`);
    }
    const magic = this.#header("magic");
    if (magic !== FDT_MAGIC) {
      throw this.#error(
        HEADER.magic,
        `magic is ${hex(magic)}, not ${hex(FDT_MAGIC)}: not a flattened device tree`,
      );
    }
    this.#checkVersion();
    const totalsize = this.#header("totalsize");
    if (totalsize < HEADER_SIZE || totalsize > this.#bytes.length) {
      throw this.#error(
        HEADER.totalsize,
        `totalsize is ${totalsize}, but the file has ${this.#bytes.length} bytes`,
      );
    }
    const tree = new FdtTree();
    tree.bootCpuId = this.#header("boot_cpuid_phys");
    tree.reservations = this.#readReservations(totalsize);
    const strings = this.#block("off_dt_strings", this.#header("size_dt_strings"), 1, totalsize);
    const structure = this.#structureBlock(totalsize);
    new StructureReader(this, structure, strings).read(tree.root);
    return tree;
  }

  #checkVersion(): void {
    const version = this.#header("version");
    const lastCompatible = this.#header("last_comp_version");
    if (version < FDT_LAST_COMP_VERSION || lastCompatible > FDT_VERSION) {
      throw new RangeError(
        `${this.#name}: offset ${HEADER.version}: version ${version}, last_comp_version ` +
          `${lastCompatible}: versions ${FDT_LAST_COMP_VERSION} and ${FDT_VERSION} are read; ` +
          "convert it with dtc -I dtb -O dtb -V 17",
      );
    }
    if (lastCompatible > version) {
      throw this.#error(
        HEADER.last_comp_version,
        `last_comp_version ${lastCompatible} is above version ${version}`,
      );
    }
  }

  #structureBlock(totalsize: number): Block {
    if (this.#header("version") >= 17) {
      return this.#block("off_dt_struct", this.#header("size_dt_struct"), 4, totalsize);
    }
    // Version 16 has no size_dt_struct: the block ends at its FDT_END, at the latest with the file.
    const start = this.#block("off_dt_struct", 0, 4, totalsize).start;
    return { start, end: totalsize - ((totalsize - start) & 3) };
  }

  #block(field: keyof typeof HEADER, size: number, alignment: number, totalsize: number): Block {
    const start = this.#header(field);
    if (start < HEADER_SIZE && !(size === 0 && field === "off_dt_strings")) {
      throw this.#error(HEADER[field], `${field} is ${start}, inside of the header`);
    }
    if (start > totalsize || size > totalsize - start) {
      throw this.#error(
        HEADER[field],
        `${field} is ${start} with ${size} bytes, behind totalsize ${totalsize}`,
      );
    }
    if (start % alignment !== 0) {
      throw this.#error(HEADER[field], `${field} is ${start}, not a multiple of ${alignment}`);
    }
    return { start, end: start + size };
  }

  #readReservations(totalsize: number): MemoryReservation[] {
    const reservations: MemoryReservation[] = [];
    let at = this.#block("off_mem_rsvmap", 0, 8, totalsize).start;
    for (;; at += 16) {
      if (at + 16 > totalsize) {
        throw this.#error(at, "memory reservations run over the end: no entry of zeros ends them");
      }
      const address = this.#view.getBigUint64(at);
      const sizeBytes = this.#view.getBigUint64(at + 8);
      if (address === 0n && sizeBytes === 0n) return reservations;
      reservations.push({ address, sizeBytes });
    }
  }

  #header(field: keyof typeof HEADER): number {
    return this.#view.getUint32(HEADER[field]);
  }

  /** The word at an offset that the caller has checked. */
  u32(offset: number): number {
    return this.#view.getUint32(offset);
  }

  slice(start: number, end: number): Uint8Array {
    return this.#bytes.subarray(start, end);
  }

  /** Text up to NUL, which must come before `end`; returns it as Latin-1 for the name checks. */
  text(start: number, end: number, what: string): string {
    const nul = this.#bytes.subarray(start, end).indexOf(0);
    if (nul < 0) throw this.#error(start, `${what} has no terminating NUL within its block`);
    // Real names are short. The limit keeps one long string, pointed at often, from costing memory.
    if (nul > 1024) throw this.#error(start, `${what} has ${nul} characters: more than 1024`);
    return String.fromCharCode(...this.#bytes.subarray(start, start + nul));
  }

  error(offset: number, message: string): SyntaxError {
    return this.#error(offset, message);
  }

  tooDeep(offset: number): RangeError {
    return new RangeError(
      `${this.#name}: offset ${offset}: node is nested deeper than ${MAX_DEPTH}`,
    );
  }

  #error(offset: number, message: string): SyntaxError {
    return new SyntaxError(`${this.#name}: offset ${offset}: ${message}`);
  }
}

/** Walks the tokens of the structure block (Devicetree Specification 0.4, 5.4). */
class StructureReader {
  #reader: Reader;
  #structure: Block;
  #strings: Block;
  #at: number;
  #names = new Map<number, string>();

  constructor(reader: Reader, structure: Block, strings: Block) {
    this.#reader = reader;
    this.#structure = structure;
    this.#strings = strings;
    this.#at = structure.start;
  }

  read(root: FdtNode): void {
    let token = this.#token();
    if (token.value !== FDT_BEGIN_NODE) {
      throw this.#reader.error(token.offset, `token ${hex(token.value)}, not FDT_BEGIN_NODE`);
    }
    const rootName = this.#nodeName();
    if (rootName !== "") {
      throw this.#reader.error(token.offset, `root is named ${JSON.stringify(rootName)}`);
    }
    this.#readNodes(root);
    token = this.#token();
    if (token.value !== FDT_END) {
      throw this.#reader.error(
        token.offset,
        `token ${hex(token.value)}, not FDT_END, behind the root`,
      );
    }
  }

  /** Everything from behind the root's name up to its FDT_END_NODE. */
  #readNodes(root: FdtNode): void {
    const open = [root];
    while (open.length > 0) {
      const node = open.at(-1)!;
      const { offset, value } = this.#token();
      if (value === FDT_END_NODE) open.pop();
      else if (value === FDT_PROP) this.#readProperty(node, offset);
      else if (value === FDT_BEGIN_NODE) {
        if (open.length > MAX_DEPTH) throw this.#reader.tooDeep(offset);
        open.push(this.#child(node, offset));
      } else if (value === FDT_END) {
        throw this.#reader.error(offset, `FDT_END inside of node ${node.path}`);
      } else throw this.#reader.error(offset, `unknown token ${hex(value)} in node ${node.path}`);
    }
  }

  #child(parent: FdtNode, offset: number): FdtNode {
    const name = this.#nodeName();
    try {
      return parent.addNode(name);
    } catch (error) {
      throw this.#reader.error(offset, `in ${parent.path}: ${(error as Error).message}`);
    }
  }

  #readProperty(node: FdtNode, offset: number): void {
    const length = this.#word("length of a property");
    const nameOffset = this.#word("nameoff of a property");
    if (nameOffset >= this.#strings.end - this.#strings.start) {
      throw this.#reader.error(
        offset,
        `property in ${node.path} has nameoff ${nameOffset}; the strings block has ` +
          `${this.#strings.end - this.#strings.start} bytes`,
      );
    }
    const name = this.#propertyName(nameOffset);
    if (length > this.#structure.end - this.#at) {
      throw this.#reader.error(
        offset,
        `property ${name} of ${node.path} has length ${length}; ` +
          `${this.#structure.end - this.#at} bytes are left`,
      );
    }
    // Properties come before child nodes (5.4.2), each once.
    if (node.hasChildren) {
      throw this.#reader.error(
        offset,
        `property ${name} of ${node.path} stands behind a child node`,
      );
    }
    if (node.has(name)) {
      throw this.#reader.error(offset, `property ${name} of ${node.path} is there twice`);
    }
    const value = this.#reader.slice(this.#at, this.#at + length);
    try {
      node.set(name, length === 0 ? empty() : bytesValue(value));
    } catch (error) {
      throw this.#reader.error(offset, `in ${node.path}: ${(error as Error).message}`);
    }
    this.#skipTo(this.#at + length);
  }

  #propertyName(nameOffset: number): string {
    let name = this.#names.get(nameOffset);
    if (name === undefined) {
      const { start, end } = this.#strings;
      name = this.#reader.text(start + nameOffset, end, "name of a property");
      this.#names.set(nameOffset, name);
    }
    return name;
  }

  #nodeName(): string {
    const name = this.#reader.text(this.#at, this.#structure.end, "name of a node");
    this.#skipTo(this.#at + name.length + 1);
    return name;
  }

  /** The next token that is no FDT_NOP. */
  #token(): { offset: number; value: number } {
    for (;;) {
      const offset = this.#at;
      const value = this.#word("token");
      if (value !== FDT_NOP) return { offset, value };
    }
  }

  #word(what: string): number {
    if (this.#at + 4 > this.#structure.end) {
      throw this.#reader.error(this.#at, `structure block ends where a ${what} should be`);
    }
    this.#at += 4;
    return this.#reader.u32(this.#at - 4);
  }

  /** Continues at the next multiple of 4; running over the end shows at the next token. */
  #skipTo(offset: number): void {
    this.#at = offset + (-offset & 3);
  }
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
