/**
 * Property values whose shape depends on the bus: `reg`, `ranges`, `interrupts-extended`.
 *
 * @module
 */

import type { FdtNode } from "./tree.ts";
import { type Cell, cells, type FdtValue, phandle } from "./value.ts";

/** A range of addresses, such as a region of the board's memory map. */
export interface AddressRange {
  /** First address. */
  readonly base: number | bigint;
  /** Length in bytes. */
  readonly sizeBytes: number | bigint;
}

/** A window of a bus: where addresses of its children appear at the bus's parent. */
export interface BusWindow {
  /** First address as the children see it. */
  readonly childBase: number | bigint;
  /** First address as the bus's parent sees it. */
  readonly parentBase: number | bigint;
  /** Length in bytes. */
  readonly sizeBytes: number | bigint;
}

/**
 * The value of `reg` for a child of `bus`: addresses and sizes in as many cells as the
 * `#address-cells` and `#size-cells` of the bus say (2 and 1 if it does not say: Devicetree
 * Specification 0.4, 2.3.5).
 *
 * @throws {RangeError} if an address or size does not fit its cells
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { cells, FdtTree, reg } from "./mod.ts";
 *
 * const soc = new FdtTree().root.addNode("soc", { "#address-cells": 2, "#size-cells": 2 });
 * assertEquals(reg(soc, { base: 0x1000_0000, sizeBytes: 0x100 }), cells(0, 0x1000_0000, 0, 0x100));
 * ```
 */
export function reg(bus: FdtNode, ...ranges: AddressRange[]): FdtValue {
  const addressCells = cellCount(bus, "#address-cells", 2);
  const sizeCells = cellCount(bus, "#size-cells", 1);
  return cells(...ranges.flatMap(({ base, sizeBytes }) => [
    ...split(base, addressCells, "#address-cells", bus),
    ...split(sizeBytes, sizeCells, "#size-cells", bus),
  ]));
}

/**
 * The value of `ranges` of a bus (Devicetree Specification 0.4, 2.3.8). A bus whose addresses are
 * its parent's has an empty `ranges` instead.
 *
 * @throws {RangeError} if an address or size does not fit its cells
 * @throws {TypeError} if the bus has no parent
 */
export function ranges(bus: FdtNode, ...windows: BusWindow[]): FdtValue {
  const parent = bus.parent;
  if (parent === undefined) throw new TypeError(`${bus.path} has no parent to map ranges to`);
  const childCells = cellCount(bus, "#address-cells", 2);
  const parentCells = cellCount(parent, "#address-cells", 2);
  const sizeCells = cellCount(bus, "#size-cells", 1);
  return cells(...windows.flatMap(({ childBase, parentBase, sizeBytes }) => [
    ...split(childBase, childCells, "#address-cells", bus),
    ...split(parentBase, parentCells, "#address-cells", parent),
    ...split(sizeBytes, sizeCells, "#size-cells", bus),
  ]));
}

/**
 * The value of `interrupts-extended`: pairs of an interrupt controller (label or path) and its
 * interrupt specifier.
 */
export function interruptsExtended(
  ...interrupts: (readonly [controller: string, ...specifier: number[]])[]
): FdtValue {
  return cells(...interrupts.flatMap<Cell>(([controller, ...specifier]) => [
    phandle(controller),
    ...specifier,
  ]));
}

/** Name of a node with a unit address: `serial@10000000`. */
export function unitName(name: string, address: number | bigint): string {
  return `${name}@${address.toString(16)}`;
}

function cellCount(bus: FdtNode, property: string, standard: number): number {
  const bytes = bus.get(property)?.encode();
  if (bytes === undefined) return standard;
  const count = bytes.length === 4 ? new DataView(bytes.buffer).getUint32(0) : NaN;
  // Four cells is the most that any binding uses; the limit keeps a forged tree from costing memory.
  if (!(count <= 4)) throw new RangeError(`${property} of ${bus.path} must be one cell of 0 to 4`);
  return count;
}

function split(value: number | bigint, count: number, property: string, bus: FdtNode): number[] {
  const wide = BigInt(value);
  if (wide < 0n || wide >= 1n << BigInt(32 * count)) {
    throw new RangeError(
      `0x${wide.toString(16)} does not fit the ${count} cells of ${property} of ${bus.path}`,
    );
  }
  return Array.from(
    { length: count },
    (_, index) => Number((wide >> BigInt(32 * (count - 1 - index))) & 0xffff_ffffn),
  );
}
