/**
 * Prints a tree as DTS source (Devicetree Specification 0.4, chapter 6) that dtc and `parseDts`
 * read back to the same tree.
 *
 * Values keep the form they were made in. What came out of a `.dtb` is raw bytes; there the form is
 * guessed: a list of strings if it can be one, else cells if the length fits, else bytes.
 *
 * @module
 */

import { type FdtNode, type FdtTree, MAX_DEPTH } from "./tree.ts";
import type { Cell, CellBits, FdtValue, ValuePart } from "./value.ts";

/**
 * Prints a tree as DTS source.
 *
 * @throws {RangeError} if nodes are nested deeper than 64
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { FdtTree, phandle, printDts } from "./mod.ts";
 *
 * const tree = new FdtTree();
 * tree.root.addNode("clock", { "#clock-cells": 0 }, "osc");
 * tree.root.addNode("timer", { clocks: phandle("osc"), status: "okay" });
 * assertEquals(
 *   printDts(tree),
 *   `/dts-v1/;
 *
 * / {
 * \tosc: clock {
 * \t\t#clock-cells = <0x0>;
 * \t};
 *
 * \ttimer {
 * \t\tclocks = <&osc>;
 * \t\tstatus = "okay";
 * \t};
 * };
 * `,
 * );
 * ```
 */
export function printDts(tree: FdtTree): string {
  const lines = ["/dts-v1/;"];
  for (const { address, sizeBytes } of tree.reservations) {
    lines.push(`/memreserve/ 0x${address.toString(16)} 0x${sizeBytes.toString(16)};`);
  }
  lines.push("");
  printNode(tree.root, 0, lines);
  return lines.join("\n") + "\n";
}

function printNode(node: FdtNode, depth: number, lines: string[]): void {
  if (depth > MAX_DEPTH) {
    throw new RangeError(`Node ${node.path} is nested deeper than ${MAX_DEPTH}`);
  }
  const indent = "\t".repeat(depth);
  const labels = [...node.labels].map((label) => `${label}: `).join("");
  lines.push(`${indent}${labels}${node.name === "" ? "/" : node.name} {`);
  for (const [name, value] of node.properties) {
    lines.push(`${indent}\t${printProperty(name, value)}`);
  }
  node.children.forEach((child, index) => {
    if (index > 0 || node.properties.size > 0) lines.push("");
    printNode(child, depth + 1, lines);
  });
  lines.push(`${indent}};`);
}

function printProperty(name: string, value: FdtValue): string {
  const parts = value.parts.map(printPart).filter((text) => text !== "");
  return parts.length === 0 ? `${name};` : `${name} = ${parts.join(", ")};`;
}

function printPart(part: ValuePart): string {
  switch (part.kind) {
    case "cells":
      return printCells(part.cells, part.bits);
    case "string":
      return quote(part.text);
    case "path":
      return printReference(part.to);
    case "bytes":
      return printGuessed(part.bytes);
  }
}

function printCells(values: readonly Cell[], bits: CellBits): string {
  const texts = values.map((cell) => {
    if (typeof cell === "object") return printReference(cell.to);
    return `0x${BigInt.asUintN(bits, BigInt(cell)).toString(16)}`;
  });
  return `${bits === 32 ? "" : `/bits/ ${bits} `}<${texts.join(" ")}>`;
}

function printReference(to: string): string {
  return to.startsWith("/") ? `&{${to}}` : `&${to}`;
}

function printGuessed(raw: Uint8Array): string {
  if (raw.length === 0) return "";
  const texts = asStrings(raw);
  if (texts !== undefined) return texts.map(quote).join(", ");
  if (raw.length % 4 !== 0) {
    return `[${[...raw].map((byte) => byte.toString(16).padStart(2, "0")).join(" ")}]`;
  }
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  return printCells(Array.from({ length: raw.length / 4 }, (_, i) => view.getUint32(4 * i)), 32);
}

/** The strings that the bytes can be: printable ASCII, none empty, each with its NUL. */
function asStrings(raw: Uint8Array): string[] | undefined {
  if (raw.at(-1) !== 0) return undefined;
  let start = 0;
  const texts: string[] = [];
  while (start < raw.length) {
    const end = raw.indexOf(0, start);
    const text = new TextDecoder("latin1").decode(raw.subarray(start, end));
    if (!/^[\x20-\x7e]+$/.test(text)) return undefined;
    texts.push(text);
    start = end + 1;
  }
  return texts;
}

/** A string literal; what is not printable ASCII is written as octal escapes of its UTF-8 bytes. */
function quote(text: string): string {
  let quoted = "";
  for (const byte of new TextEncoder().encode(text)) {
    if (byte === 0x22 || byte === 0x5c) quoted += `\\${String.fromCharCode(byte)}`;
    else if (byte >= 0x20 && byte <= 0x7e) quoted += String.fromCharCode(byte);
    // Three octal digits always: an escape takes at most three, so a digit behind it stays apart.
    else quoted += `\\${byte.toString(8).padStart(3, "0")}`;
  }
  return `"${quoted}"`;
}
