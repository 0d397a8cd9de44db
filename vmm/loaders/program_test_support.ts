/**
 * Small kernels and executables for tests, made field by field.
 *
 * @module
 */

/** A kernel `Image` of `sizeBytes` with a good header. */
export function makeImage(
  sizeBytes = 4096,
  imageSizeBytes = 2 * sizeBytes,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(sizeBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x0000_0013, true); // nop
  view.setBigUint64(8, 0x20_0000n, true); // text_offset
  view.setBigUint64(16, BigInt(imageSizeBytes), true);
  view.setUint32(32, 2, true); // version 0.2
  bytes.set(new TextEncoder().encode("RISCV"), 48);
  bytes.set([0x52, 0x53, 0x43, 0x05], 56);
  return bytes;
}

/** What an executable made by {@linkcode makeElf} has. */
export interface ElfParts {
  readonly entry?: bigint;
  readonly segments?: readonly {
    readonly vaddr: bigint;
    readonly paddr: bigint;
    readonly bytes: Uint8Array;
    readonly memSize: number;
  }[];
  readonly symbols?: Readonly<Record<string, bigint>>;
}

/** A little-endian 64-bit RISC-V executable: headers, segments, symbols, names, section headers. */
export function makeElf(parts: ElfParts = {}): Uint8Array<ArrayBuffer> {
  const {
    segments = [
      {
        vaddr: 0x8000_0000n,
        paddr: 0x8000_0000n,
        bytes: new Uint8Array([1, 2, 3, 4]),
        memSize: 16,
      },
    ],
    entry = segments[0]?.vaddr ?? 0n,
    symbols = {},
  } = parts;
  const names = Object.keys(symbols);
  const strings = new TextEncoder().encode("\0" + names.map((name) => name + "\0").join(""));
  const segmentsAt = 64 + 56 * segments.length;
  const symbolsAt = segmentsAt + segments.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const stringsAt = symbolsAt + 24 * (names.length + 1);
  const sectionsAt = stringsAt + strings.length;

  const file = new Uint8Array(sectionsAt + 3 * 64);
  const view = new DataView(file.buffer);
  const u16 = (at: number, value: number) => view.setUint16(at, value, true);
  const u32 = (at: number, value: number) => view.setUint32(at, value, true);
  const u64 = (at: number, value: number | bigint) => view.setBigUint64(at, BigInt(value), true);

  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  u16(16, 2); // ET_EXEC
  u16(18, 243); // EM_RISCV
  u32(20, 1);
  u64(24, entry);
  u64(32, 64); // e_phoff
  u64(40, sectionsAt);
  u16(52, 64);
  u16(54, 56);
  u16(56, segments.length);
  u16(58, 64);
  u16(60, 3);

  let dataAt = segmentsAt;
  segments.forEach(({ vaddr, paddr, bytes, memSize }, index) => {
    const at = 64 + 56 * index;
    u32(at, 1); // PT_LOAD
    u64(at + 8, dataAt);
    u64(at + 16, vaddr);
    u64(at + 24, paddr);
    u64(at + 32, bytes.length);
    u64(at + 40, memSize);
    file.set(bytes, dataAt);
    dataAt += bytes.length;
  });

  let nameAt = 1;
  names.forEach((name, index) => {
    const at = symbolsAt + 24 * (index + 1);
    u32(at, nameAt);
    u16(at + 6, 1);
    u64(at + 8, symbols[name]!);
    nameAt += name.length + 1;
  });
  file.set(strings, stringsAt);

  const section = (index: number, type: number, offset: number, size: number, link: number) => {
    const at = sectionsAt + 64 * index;
    u32(at + 4, type);
    u64(at + 24, offset);
    u64(at + 32, size);
    u32(at + 40, link);
    u64(at + 56, type === 2 ? 24 : 0);
  };
  section(1, 2, symbolsAt, 24 * (names.length + 1), 2); // SHT_SYMTAB
  section(2, 3, stringsAt, strings.length, 0); // SHT_STRTAB
  return file;
}
