/**
 * ELF executables for 64-bit RISC-V (System V ABI, chapters 4 and 5; RISC-V ELF psABI, 8): what to
 * load at which physical address, where to start, and what the symbols are.
 *
 * The input is hostile: every offset and size is checked against the file before it is used, and
 * nothing is allocated by what a header claims.
 *
 * @module
 */

import { hasMagic, type LoadedProgram, type LoadSegment } from "./program.ts";

const MAGIC = [0x7f, 0x45, 0x4c, 0x46];
const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
const ET_EXEC = 2;
const ET_DYN = 3;
const EM_RISCV = 243;
const PT_LOAD = 1;
const SHT_SYMTAB = 2;
const SHT_STRTAB = 3;
/** `e_phnum` when the real number stands elsewhere: more headers than any bootable program has. */
const PN_XNUM = 0xffff;

/** Sizes of the structures of a 64-bit file. */
const EHDR_SIZE = 64;
const PHDR_SIZE = 56;
const SHDR_SIZE = 64;
const SYM_SIZE = 24;

/** Byte offsets of the fields of the file header (`Elf64_Ehdr`). */
const EHDR = {
  ei_class: 4,
  ei_data: 5,
  e_type: 16,
  e_machine: 18,
  e_entry: 24,
  e_phoff: 32,
  e_shoff: 40,
  e_phentsize: 54,
  e_phnum: 56,
  e_shentsize: 58,
  e_shnum: 60,
} as const;

/** Byte offsets of the fields of a program header (`Elf64_Phdr`). */
const PHDR = {
  p_type: 0,
  p_offset: 8,
  p_vaddr: 16,
  p_paddr: 24,
  p_filesz: 32,
  p_memsz: 40,
} as const;

/** Byte offsets of the fields of a section header (`Elf64_Shdr`). */
const SHDR = { sh_type: 4, sh_offset: 24, sh_size: 32, sh_link: 40, sh_entsize: 56 } as const;

/** An ELF executable, ready to be copied into memory. */
export interface LoadedElf extends LoadedProgram {
  /** What the file was. */
  readonly format: "elf";
  /** Value of a symbol as linked, a virtual address; undefined if there is no such symbol. */
  symbol(name: string): bigint | undefined;
  /** Where a virtual address of the program lies in physical memory, if it is in a segment. */
  physicalAddress(virtualAddress: bigint): number | undefined;
  /** Physical address of the HTIF register `tohost`, if the program has the symbol. */
  readonly tohost?: number;
  /** Physical address of the HTIF register `fromhost`, if the program has the symbol. */
  readonly fromhost?: number;
}

/** Whether the bytes have the magic of an ELF file. */
export function isElf(bytes: Uint8Array): boolean {
  return hasMagic(bytes, MAGIC);
}

/**
 * Reads an executable. Its segments go to their physical addresses (`p_paddr`); the entry, a virtual
 * address, is translated through the segment that holds it.
 *
 * @param name what to call the file in errors
 * @throws {SyntaxError} if the file is malformed, has nothing to load, or its entry is in no segment
 * @throws {RangeError} if it is not a little-endian 64-bit RISC-V executable, or an address is
 * beyond 2^53
 */
export function loadElf(bytes: Uint8Array, name = "elf"): LoadedElf {
  const file = new ElfFile(bytes, name);
  file.checkIdentity();
  const mapped = file.readSegments();
  const translate = (address: bigint): number | undefined => {
    const segment = mapped.find(({ virtAddr, memSizeBytes }) =>
      address >= virtAddr && address < virtAddr + BigInt(memSizeBytes)
    );
    return segment && segment.physAddr + Number(address - segment.virtAddr);
  };
  const entryAddress = file.u64(EHDR.e_entry);
  const entry = translate(entryAddress);
  if (entry === undefined) {
    throw file.error(
      EHDR.e_entry,
      `e_entry 0x${entryAddress.toString(16)} is in no PT_LOAD segment`,
    );
  }
  const symbol = file.readSymbols();
  const physicalOf = (symbolName: string): number | undefined => {
    const address = symbol(symbolName);
    return address === undefined ? undefined : translate(address);
  };
  const [tohost, fromhost] = [physicalOf("tohost"), physicalOf("fromhost")];
  return {
    format: "elf",
    entry,
    segments: mapped.map(({ physAddr, bytes, memSizeBytes }) => ({
      physAddr,
      bytes,
      memSizeBytes,
    })),
    symbol,
    physicalAddress: translate,
    ...(tohost === undefined ? {} : { tohost }),
    ...(fromhost === undefined ? {} : { fromhost }),
  };
}

interface MappedSegment extends LoadSegment {
  readonly virtAddr: bigint;
}

class ElfFile {
  #bytes: Uint8Array;
  #view: DataView;
  #name: string;

  constructor(bytes: Uint8Array, name: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#name = name;
  }

  checkIdentity(): void {
    if (!isElf(this.#bytes)) throw this.error(0, "no ELF file: the magic 7f 45 4c 46 is missing");
    if (this.#bytes.length < EHDR_SIZE) {
      throw this.error(0, `${this.#bytes.length} bytes, the ELF header alone has ${EHDR_SIZE}`);
    }
    const [elfClass, data] = [this.#bytes[EHDR.ei_class], this.#bytes[EHDR.ei_data]];
    if (elfClass !== ELFCLASS64 || data !== ELFDATA2LSB) {
      throw this.#unsupported(
        EHDR.ei_class,
        `class ${elfClass}, data ${data}: only little-endian 64-bit files run here`,
      );
    }
    const machine = this.#view.getUint16(EHDR.e_machine, true);
    if (machine !== EM_RISCV) {
      throw this.#unsupported(EHDR.e_machine, `e_machine ${machine}, RISC-V is ${EM_RISCV}`);
    }
    const type = this.#view.getUint16(EHDR.e_type, true);
    if (type !== ET_EXEC && type !== ET_DYN) {
      throw this.#unsupported(EHDR.e_type, `e_type ${type} is no executable: link it first`);
    }
  }

  /** The PT_LOAD segments, in order of physical address. */
  readSegments(): MappedSegment[] {
    const count = this.#view.getUint16(EHDR.e_phnum, true);
    if (count === PN_XNUM) throw this.#unsupported(EHDR.e_phnum, `e_phnum ${count}: too many`);
    const table = this.#table(EHDR.e_phoff, EHDR.e_phentsize, PHDR_SIZE, count, "program headers");
    const segments: MappedSegment[] = [];
    for (let at = table; at < table + count * PHDR_SIZE; at += PHDR_SIZE) {
      if (this.#view.getUint32(at + PHDR.p_type, true) !== PT_LOAD) continue;
      const segment = this.#readSegment(at);
      if (segment.memSizeBytes > 0) segments.push(segment);
    }
    if (segments.length === 0) {
      throw this.error(EHDR.e_phnum, "no PT_LOAD segment: nothing to load");
    }
    segments.sort((a, b) => a.physAddr - b.physAddr);
    for (let i = 1; i < segments.length; i++) {
      const [low, high] = [segments[i - 1]!, segments[i]!];
      if (low.physAddr + low.memSizeBytes > high.physAddr) {
        throw this.error(
          table,
          `segments at physical 0x${low.physAddr.toString(16)} and ` +
            `0x${high.physAddr.toString(16)} overlap`,
        );
      }
    }
    return segments;
  }

  #readSegment(at: number): MappedSegment {
    const [offset, fileSize] = [this.u64(at + PHDR.p_offset), this.u64(at + PHDR.p_filesz)];
    const [physAddr, memSize] = [this.u64(at + PHDR.p_paddr), this.u64(at + PHDR.p_memsz)];
    if (offset + fileSize > BigInt(this.#bytes.length)) {
      throw this.error(
        at + PHDR.p_filesz,
        `segment of 0x${fileSize.toString(16)} bytes at file offset 0x${
          offset.toString(16)
        } ends ` +
          `behind the file (${this.#bytes.length} bytes)`,
      );
    }
    if (memSize < fileSize) {
      throw this.error(
        at + PHDR.p_memsz,
        `p_memsz 0x${memSize.toString(16)} is less than p_filesz 0x${fileSize.toString(16)}`,
      );
    }
    if (physAddr + memSize > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw this.#unsupported(
        at + PHDR.p_paddr,
        `segment at physical 0x${physAddr.toString(16)} with 0x${memSize.toString(16)} bytes ` +
          "reaches beyond 2^53",
      );
    }
    return {
      physAddr: Number(physAddr),
      virtAddr: this.u64(at + PHDR.p_vaddr),
      bytes: this.#bytes.subarray(Number(offset), Number(offset + fileSize)),
      memSizeBytes: Number(memSize),
    };
  }

  /** A function that looks symbols up; in a stripped file it finds none. */
  readSymbols(): (symbolName: string) => bigint | undefined {
    const count = this.#view.getUint16(EHDR.e_shnum, true);
    if (count === 0) return () => undefined;
    const table = this.#table(EHDR.e_shoff, EHDR.e_shentsize, SHDR_SIZE, count, "section headers");
    for (let at = table; at < table + count * SHDR_SIZE; at += SHDR_SIZE) {
      if (this.#view.getUint32(at + SHDR.sh_type, true) !== SHT_SYMTAB) continue;
      const symbols = this.#section(at, "symbol table");
      if (this.u64(at + SHDR.sh_entsize) !== BigInt(SYM_SIZE)) {
        throw this.error(at + SHDR.sh_entsize, `sh_entsize of the symbol table is not ${SYM_SIZE}`);
      }
      const link = this.#view.getUint32(at + SHDR.sh_link, true);
      const stringsAt = table + link * SHDR_SIZE;
      if (link >= count || this.#view.getUint32(stringsAt + SHDR.sh_type, true) !== SHT_STRTAB) {
        throw this.error(
          at + SHDR.sh_link,
          `sh_link ${link} of the symbol table is no string table`,
        );
      }
      const strings = this.#section(stringsAt, "string table");
      return (symbolName) => this.#lookUp(symbolName, symbols, strings);
    }
    return () => undefined;
  }

  #lookUp(symbolName: string, symbols: FileRange, strings: FileRange): bigint | undefined {
    const wanted = new TextEncoder().encode(symbolName + "\0");
    for (let at = symbols.start; at + SYM_SIZE <= symbols.end; at += SYM_SIZE) {
      const nameAt = strings.start + this.#view.getUint32(at, true);
      if (nameAt + wanted.length > strings.end) continue;
      // st_shndx 0 is an undefined symbol.
      if (this.#view.getUint16(at + 6, true) === 0) continue;
      if (wanted.every((byte, index) => this.#bytes[nameAt + index] === byte)) {
        return this.u64(at + 8);
      }
    }
    return undefined;
  }

  #section(at: number, what: string): FileRange {
    const [offset, size] = [this.u64(at + SHDR.sh_offset), this.u64(at + SHDR.sh_size)];
    if (offset + size > BigInt(this.#bytes.length)) {
      throw this.error(at + SHDR.sh_offset, `${what} ends behind the file`);
    }
    return { start: Number(offset), end: Number(offset + size) };
  }

  /** Checks a table of headers; returns its file offset. */
  #table(
    offsetField: number,
    sizeField: number,
    entrySize: number,
    count: number,
    what: string,
  ): number {
    const found = this.#view.getUint16(sizeField, true);
    if (count > 0 && found !== entrySize) {
      throw this.error(sizeField, `${what} have ${found} bytes each, not ${entrySize}`);
    }
    const offset = this.u64(offsetField);
    if (offset + BigInt(count * entrySize) > BigInt(this.#bytes.length)) {
      throw this.error(
        offsetField,
        `${count} ${what} at file offset 0x${offset.toString(16)} end behind the file ` +
          `(${this.#bytes.length} bytes): truncated`,
      );
    }
    return Number(offset);
  }

  /** A little-endian 64-bit number at an offset that the caller has checked. */
  u64(offset: number): bigint {
    return this.#view.getBigUint64(offset, true);
  }

  error(offset: number, message: string): SyntaxError {
    return new SyntaxError(`${this.#name}: offset ${offset}: ${message}`);
  }

  #unsupported(offset: number, message: string): RangeError {
    return new RangeError(`${this.#name}: offset ${offset}: ${message}`);
  }
}

/** A stretch of the file. */
interface FileRange {
  readonly start: number;
  readonly end: number;
}
