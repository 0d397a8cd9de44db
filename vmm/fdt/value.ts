/**
 * Values of device tree properties.
 *
 * To the flattened tree a value is a string of bytes. Here it keeps what the bytes mean, as a list
 * of parts (cells, strings, raw bytes, references to nodes), so that it can be printed the way it
 * was written, and so that references follow the nodes they name until the tree is flattened.
 *
 * A value is made by the functions of this module and never changed. What came out of a `.dtb` is a
 * single part of raw bytes: the file does not say more.
 *
 * @module
 */

/** Width of the cells of an array in bits; only DTS source has others than 32. */
export type CellBits = 8 | 16 | 32 | 64;

/** The phandle of a node, known when the tree is flattened. */
export interface PhandleReference {
  /** Tells it from a number. */
  readonly kind: "phandle";
  /** Label of the node, or its path beginning with `/`. */
  readonly to: string;
}

/** A cell of an array: a number of the array's width, or the phandle of a node (32 bits only). */
export type Cell = number | bigint | PhandleReference;

/** A stretch of a value with one meaning. */
export type ValuePart =
  | { readonly kind: "cells"; readonly bits: CellBits; readonly cells: readonly Cell[] }
  | { readonly kind: "string"; readonly text: string }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** The path of a node as a string, `&label` outside of `<>` in DTS. */
  | { readonly kind: "path"; readonly to: string };

/** What a reference needs to become bytes: phandle and path of the node it names. */
export interface ReferenceResolver {
  /** Phandle of the node with this label or path. */
  phandleOf(to: string): number;
  /** Path of the node with this label or path. */
  pathOf(to: string): string;
}

/** The value of a property; see the module's functions for how to make one. */
export class FdtValue {
  /** The parts in their order; none for a property that is just present. */
  readonly parts: readonly ValuePart[];

  /**
   * Takes parts in their order; most values are better made by {@linkcode cells} and its like.
   *
   * @throws {RangeError} if a cell does not fit the width of its array
   * @throws {TypeError} if a cell is no integer, a string contains NUL, or a reference stands in an
   * array of other than 32 bits
   */
  constructor(parts: readonly ValuePart[]) {
    for (const part of parts) checkPart(part);
    this.parts = parts;
  }

  /** Labels and paths of all nodes that the value refers to, in order. */
  *references(): Generator<{ kind: "phandle" | "path"; to: string }> {
    for (const part of this.parts) {
      if (part.kind === "path") yield part;
      if (part.kind !== "cells") continue;
      for (const cell of part.cells) if (typeof cell === "object") yield cell;
    }
  }

  /**
   * The bytes of the value in the flattened tree, big-endian.
   *
   * @param resolver needed only if the value has references
   * @throws {TypeError} if the value has references and there is no resolver
   */
  encode(resolver?: ReferenceResolver): Uint8Array<ArrayBuffer> {
    const chunks = this.parts.map((part) => encodePart(part, resolver));
    const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    let at = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }
}

/** A property that is present and has no value, for example `interrupt-controller`. */
export function empty(): FdtValue {
  return new FdtValue([]);
}

/**
 * An array of 32-bit cells: `<1 2 &plic>`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { cells } from "./value.ts";
 *
 * assertEquals(cells(1, 0x1234_5678).encode(), new Uint8Array([0, 0, 0, 1, 0x12, 0x34, 0x56, 0x78]));
 * ```
 */
export function cells(...values: Cell[]): FdtValue {
  return new FdtValue([{ kind: "cells", bits: 32, cells: values }]);
}

/** 64-bit numbers, each as two 32-bit cells, high half first: the usual form of a `<u64>`. */
export function u64(...values: (number | bigint)[]): FdtValue {
  const halves = values.flatMap((value) => {
    const wide = integer(value);
    checkFits(wide, 64);
    return [Number(BigInt.asUintN(64, wide) >> 32n), Number(BigInt.asUintN(32, wide))];
  });
  return cells(...halves);
}

/** One string, or a list of strings as in `compatible`. */
export function strings(...texts: string[]): FdtValue {
  return new FdtValue(texts.map((text) => ({ kind: "string", text })));
}

/**
 * Raw bytes. They are copied.
 *
 * @throws {RangeError} if one of them is no byte
 */
export function bytes(raw: Uint8Array | readonly number[]): FdtValue {
  if (!(raw instanceof Uint8Array)) { for (const byte of raw) checkFits(integer(byte), 8); }
  return new FdtValue([{ kind: "bytes", bytes: new Uint8Array(raw) }]);
}

/** The phandle of the node with this label or path, for use in {@link cells}. */
export function phandle(to: string): PhandleReference {
  return { kind: "phandle", to };
}

/** The path of the node with this label or path, as a string. */
export function pathOf(to: string): FdtValue {
  return new FdtValue([{ kind: "path", to }]);
}

/** Values one after the other. */
export function concat(...values: FdtValue[]): FdtValue {
  return new FdtValue(values.flatMap((value) => value.parts));
}

/** Short forms that stand for a value where a property is set. */
export type FdtValueInput =
  | FdtValue
  /** one 32-bit cell */
  | number
  /** one reference in a 32-bit cell */
  | PhandleReference
  /** one string */
  | string
  /** a list of strings */
  | readonly string[]
  /** raw bytes */
  | Uint8Array
  /** present without a value */
  | true;

/** The value that a short form stands for. */
export function toFdtValue(input: FdtValueInput): FdtValue {
  if (input instanceof FdtValue) return input;
  if (input === true) return empty();
  if (typeof input === "number") return cells(input);
  if (typeof input === "string") return strings(input);
  if (input instanceof Uint8Array) return bytes(input);
  if (Array.isArray(input)) return strings(...input);
  return cells(input as PhandleReference);
}

function checkPart(part: ValuePart): void {
  if (part.kind === "string") {
    if (part.text.includes("\0")) {
      throw new TypeError(
        `String ${JSON.stringify(part.text)} contains NUL: use a list of strings`,
      );
    }
    // TextEncoder would silently write U+FFFD for a lone surrogate.
    if (!part.text.isWellFormed()) {
      throw new TypeError(`String ${JSON.stringify(part.text)} is not well-formed Unicode`);
    }
  } else if (part.kind === "cells") {
    for (const cell of part.cells) {
      if (typeof cell !== "object") checkFits(integer(cell), part.bits);
      else if (part.bits !== 32) {
        throw new TypeError(
          `Reference to ${cell.to} in an array of ${part.bits}-bit cells: a phandle has 32 bits`,
        );
      }
    }
  }
}

function integer(value: number | bigint): bigint {
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    throw new TypeError(`Cell ${value} is not a safe integer: use a bigint above 2^53`);
  }
  return BigInt(value);
}

/** A negative number stands for its two's complement, as in dtc. */
function checkFits(value: bigint, bits: CellBits): void {
  if (value > (1n << BigInt(bits)) - 1n || value < -(1n << BigInt(bits - 1))) {
    throw new RangeError(`Value ${value} does not fit a cell of ${bits} bits`);
  }
}

function encodePart(part: ValuePart, resolver?: ReferenceResolver): Uint8Array {
  switch (part.kind) {
    case "bytes":
      return part.bytes;
    case "string":
      return new TextEncoder().encode(part.text + "\0");
    case "path":
      return new TextEncoder().encode(needed(resolver, part.to).pathOf(part.to) + "\0");
    case "cells": {
      const cellBytes = part.bits / 8;
      const view = new DataView(new ArrayBuffer(part.cells.length * cellBytes));
      part.cells.forEach((cell, index) => {
        const value = typeof cell === "object"
          ? needed(resolver, cell.to).phandleOf(cell.to)
          : cell;
        writeCell(view, index * cellBytes, part.bits, value);
      });
      return new Uint8Array(view.buffer);
    }
  }
}

function writeCell(view: DataView, offset: number, bits: CellBits, value: number | bigint): void {
  if (bits === 64) view.setBigUint64(offset, BigInt.asUintN(64, BigInt(value)));
  else if (bits === 32) view.setUint32(offset, Number(value));
  else if (bits === 16) view.setUint16(offset, Number(value));
  else view.setUint8(offset, Number(value));
}

function needed(resolver: ReferenceResolver | undefined, to: string): ReferenceResolver {
  if (resolver === undefined) {
    throw new TypeError(`Reference to ${to} has no bytes outside of a tree`);
  }
  return resolver;
}
