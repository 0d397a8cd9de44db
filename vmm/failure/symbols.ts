/**
 * Symbols of an ELF file, for error messages (System V ABI, chapter 4, "Symbol Table").
 *
 * @module
 */

import { loadElf } from "../loaders/elf.ts";
import { type Symbol, SymbolTable } from "./symbol_table.ts";

/** Names for addresses in some modes of a hart. */
export interface SymbolSource {
  /** M, HS, VS, or any. */
  readonly whose: "firmware" | "host" | "guest" | "program";
  readonly table: SymbolTable;
}

const SHT_SYMTAB = 2;
const SYM_SIZE = 24;
const SHDR_SIZE = 64;
/** `st_info`: what a symbol is. */
const STT_NOTYPE = 0;
const STT_FUNC = 2;
/** Labels of the compiler and the psABI's mapping symbols are no names. */
const NO_NAME = /^(?:\.L|\$[xd])/;

/**
 * Reads the functions and labels of an ELF file.
 *
 * @throws {SyntaxError} if it is malformed, or has no symbol table
 * @throws {RangeError} as `loadElf`
 */
export function elfSymbols(elf: Uint8Array, whose: SymbolSource["whose"]): SymbolSource {
  loadElf(elf, "symbols"); // checks headers and tables
  const view = new DataView(elf.buffer, elf.byteOffset, elf.byteLength);
  const number = (at: number) => Number(view.getBigUint64(at, true));
  const sections = number(40);
  for (let n = 0; n < view.getUint16(60, true); n++) {
    const at = sections + n * SHDR_SIZE;
    if (view.getUint32(at + 4, true) !== SHT_SYMTAB) continue;
    const strings = sections + view.getUint32(at + 40, true) * SHDR_SIZE;
    const names = elf.subarray(number(strings + 24), number(strings + 24) + number(strings + 32));
    const start = number(at + 24);
    const symbols: Symbol[] = [];
    for (let each = start; each + SYM_SIZE <= start + number(at + 32); each += SYM_SIZE) {
      const symbol = readSymbol(view, each, names);
      if (symbol !== undefined) symbols.push(symbol);
    }
    return { whose, table: new SymbolTable(symbols) };
  }
  throw new SyntaxError("symbols: the ELF file has no symbol table: it was stripped");
}

function readSymbol(view: DataView, at: number, names: Uint8Array): Symbol | undefined {
  const type = view.getUint8(at + 4) & 0xf;
  const isDefined = view.getUint16(at + 6, true) !== 0;
  if (!isDefined || (type !== STT_NOTYPE && type !== STT_FUNC)) return undefined;
  const nameAt = view.getUint32(at, true);
  const end = names.indexOf(0, nameAt);
  const name = new TextDecoder().decode(names.subarray(nameAt, end < 0 ? undefined : end));
  if (name === "" || NO_NAME.test(name)) return undefined;
  return {
    address: view.getBigUint64(at + 8, true),
    name,
    sizeBytes: Number(view.getBigUint64(at + 16, true)),
  };
}
