/**
 * Device trees: build, edit, flatten (`.dtb`), read back, print and parse as source (`.dts`).
 *
 * @module
 */

export {
  type AddressRange,
  type BusWindow,
  interruptsExtended,
  ranges,
  reg,
  unitName,
} from "./bus.ts";
export { readDtb } from "./dtb_reader.ts";
export { writeDtb } from "./dtb_writer.ts";
export { parseDts } from "./dts_parser.ts";
export { printDts } from "./dts_printer.ts";
export { equalTrees, firstDifference } from "./equality.ts";
export { FdtNode, FdtTree, type MemoryReservation } from "./tree.ts";
export {
  bytes,
  type Cell,
  type CellBits,
  cells,
  concat,
  empty,
  FdtValue,
  type FdtValueInput,
  pathOf,
  phandle,
  type PhandleReference,
  type ReferenceResolver,
  strings,
  u64,
  type ValuePart,
} from "./value.ts";
