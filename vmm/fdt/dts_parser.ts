/**
 * Parses DTS source (Devicetree Specification 0.4, chapter 6, and what dtc adds to it) into a tree.
 *
 * Labels stay on their nodes and references stay references: phandles are given out when the tree
 * is flattened. Files are not included, neither by `/include/` nor by `/incbin/`: the source is one
 * text, and reading it touches nothing else.
 *
 * @module
 */

import { acceptInteger } from "./dts_expression.ts";
import { DtsScanner } from "./dts_scanner.ts";
import { resolveReferences } from "./references.ts";
import { type FdtNode, FdtTree, MAX_DEPTH } from "./tree.ts";
import { type Cell, type CellBits, FdtValue, type ValuePart } from "./value.ts";

/**
 * Parses DTS source.
 *
 * @param text the source; `/dts-v1/;` comes first
 * @param name what to call the source in errors
 * @throws {SyntaxError} naming line and column if the source is malformed or refers to what is not
 * there
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { cells, parseDts } from "./mod.ts";
 *
 * const tree = parseDts(`/dts-v1/;
 *   / {
 *     uart: serial@10000000 { clock-frequency = <(3686400 * 2)>; };
 *   };
 *   &uart { status = "disabled"; };
 * `);
 * assertEquals(tree.node("uart").get("clock-frequency")?.encode(), cells(7372800).encode());
 * ```
 */
export function parseDts(text: string, name = "dts"): FdtTree {
  return new Parser(new DtsScanner(text, name)).parse();
}

/** A reference in a value: label or path, and where it stands. */
interface Reference {
  readonly to: string;
  readonly at: number;
}

class Parser {
  #scanner: DtsScanner;
  #tree = new FdtTree();
  #labels = new Map<string, FdtNode>();
  /** References in values with where they stand, to be checked when all labels are known. */
  #references = new Map<FdtNode, Map<string, Reference[]>>();
  /** Nodes to drop unless something refers to them. */
  #omittable = new Set<FdtNode>();
  /** Labels read while looking for another reservation: they belong to the first node. */
  #pendingLabels: { at: number; labels: string[] } | undefined;

  constructor(scanner: DtsScanner) {
    this.#scanner = scanner;
  }

  parse(): FdtTree {
    this.#parseHeader();
    this.#parseReservations();
    if (this.#scanner.atEnd) throw this.#scanner.error("expected / { } with the tree");
    while (!this.#scanner.atEnd) this.#parseTopLevel();
    this.#checkReferences();
    this.#tree.bootCpuId = this.#firstCpuId();
    return this.#tree;
  }

  #parseHeader(): void {
    if (!this.#scanner.next("/dts-v1/")) throw this.#scanner.error("expected /dts-v1/; first");
    while (this.#scanner.accept("/dts-v1/")) this.#scanner.expect(";", "behind /dts-v1/");
    if (this.#scanner.next("/plugin/")) {
      throw this.#scanner.error("overlays (/plugin/) are not read: extend a tree with &label { }");
    }
  }

  #parseReservations(): void {
    for (;;) {
      const start = this.#scanner.at;
      const labelled = this.#skipLabels();
      if (!this.#scanner.accept("/memreserve/")) {
        if (labelled) this.#pendingLabels = { at: start, labels: labelled };
        return;
      }
      const address = this.#integer("the address of /memreserve/");
      const sizeBytes = this.#integer("the size of /memreserve/");
      this.#scanner.expect(";", "behind /memreserve/");
      this.#tree.reservations.push({ address, sizeBytes });
    }
  }

  #parseTopLevel(): void {
    const start = this.#pendingLabels?.at ?? this.#scanner.at;
    const labels = [...this.#pendingLabels?.labels ?? [], ...this.#skipLabels() ?? []];
    this.#pendingLabels = undefined;
    if (this.#scanner.accept("/delete-node/")) {
      const node = this.#referencedNode();
      if (node.parent === undefined) throw this.#scanner.errorAt(start, "cannot delete the root");
      this.#removeNode(node);
      this.#scanner.expect(";", "behind /delete-node/");
    } else if (this.#scanner.accept("/omit-if-no-ref/")) {
      this.#omittable.add(this.#referencedNode());
      this.#scanner.expect(";", "behind /omit-if-no-ref/");
    } else if (this.#scanner.next("&")) {
      this.#parseBody(this.#referencedNode(), labels, start, 0);
    } else if (this.#scanner.accept("/include/")) {
      throw this.#scanner.errorAt(start, "/include/ is not read: put the text of the file here");
    } else if (this.#scanner.accept("/")) {
      this.#parseBody(this.#tree.root, labels, start, 0);
    } else throw this.#scanner.error("expected / { }, &label { } or /delete-node/ &label");
  }

  /** From `{` to `};`: adds to a node that may have a body already. */
  #parseBody(node: FdtNode, labels: string[], labelsAt: number, depth: number): void {
    if (depth > MAX_DEPTH) throw this.#scanner.error(`node is nested deeper than ${MAX_DEPTH}`);
    for (const label of labels) this.#addLabel(node, label, labelsAt);
    this.#scanner.expect("{", `to open node ${node.path}`);
    const seenProperties = new Set<string>();
    const seenNodes = new Set<string>();
    while (!this.#scanner.accept("}")) {
      const start = this.#scanner.at;
      const omittable = { found: false };
      const itemLabels = this.#itemPrefix(omittable);
      if (this.#scanner.accept("/delete-property/")) {
        const nameAt = this.#scanner.at;
        const name = this.#name("a property");
        this.#refuseSeen(seenProperties, name, nameAt);
        node.delete(name);
        this.#scanner.expect(";", "behind /delete-property/");
      } else if (this.#scanner.accept("/delete-node/")) {
        const nameAt = this.#scanner.at;
        const name = this.#name("a node");
        this.#refuseSeen(seenNodes, name, nameAt);
        const child = node.child(name);
        if (child !== undefined) this.#removeNode(child);
        this.#scanner.expect(";", "behind /delete-node/");
      } else if (this.#scanner.next("/include/")) {
        throw this.#scanner.error("/include/ is not read: put the text of the file here");
      } else {
        const nameAt = this.#scanner.at;
        const name = this.#name(`a property, a node or } of ${node.path}`);
        if (this.#scanner.next("{")) {
          if (seenNodes.has(name)) {
            throw this.#scanner.errorAt(
              nameAt,
              `node ${name} is twice in one body of ${node.path}`,
            );
          }
          seenNodes.add(name);
          const child = node.child(name) ?? node.addNode(name);
          if (omittable.found) this.#omittable.add(child);
          this.#parseBody(child, itemLabels, start, depth + 1);
        } else {
          if (omittable.found) throw this.#scanner.error("expected { behind /omit-if-no-ref/");
          if (seenNodes.size > 0) {
            throw this.#scanner.errorAt(nameAt, `property ${name} stands behind a node`);
          }
          if (seenProperties.has(name)) {
            throw this.#scanner.errorAt(
              nameAt,
              `property ${name} is twice in one body of ${node.path}`,
            );
          }
          seenProperties.add(name);
          this.#parseProperty(node, name);
        }
      }
    }
    this.#scanner.expect(";", `behind } of node ${node.path}`);
  }

  /** dtc deletes only what earlier bodies gave; it would keep or refuse what this one did. */
  #refuseSeen(seen: ReadonlySet<string>, name: string, at: number): void {
    if (seen.has(name)) throw this.#scanner.errorAt(at, `${name} is set and deleted in one body`);
  }

  /** Labels and `/omit-if-no-ref/` in any order. */
  #itemPrefix(omittable: { found: boolean }): string[] {
    const labels: string[] = [];
    for (;;) {
      const label = this.#scanner.acceptLabel();
      if (label !== undefined) labels.push(label);
      else if (this.#scanner.accept("/omit-if-no-ref/")) omittable.found = true;
      else return labels;
    }
  }

  #parseProperty(node: FdtNode, property: string): void {
    const references: Reference[] = [];
    const parts: ValuePart[] = [];
    if (this.#scanner.accept("=")) {
      do {
        this.#skipLabels();
        parts.push(this.#parsePart(property, references));
        this.#skipLabels();
      } while (this.#scanner.accept(","));
    }
    this.#scanner.expect(";", `behind property ${property}`);
    node.set(property, new FdtValue(parts));
    // A value set before, with its references, is gone.
    const ofNode = this.#references.get(node) ?? new Map<string, Reference[]>();
    this.#references.set(node, ofNode.set(property, references));
  }

  #parsePart(property: string, references: Reference[]): ValuePart {
    const at = this.#scanner.at;
    const string = this.#scanner.acceptString();
    if (string !== undefined) return stringPart(string);
    if (this.#scanner.accept("[")) return { kind: "bytes", bytes: this.#parseBytes() };
    const to = this.#scanner.acceptReference();
    if (to !== undefined) {
      references.push({ to, at });
      return { kind: "path", to };
    }
    if (this.#scanner.next("/incbin/")) {
      throw this.#scanner.error("/incbin/ is not read: put the bytes here, as [00 11 22]");
    }
    const bits = this.#scanner.accept("/bits/") ? this.#parseBits() : 32;
    this.#scanner.expect("<", `or ", [, & in the value of ${property}`);
    return { kind: "cells", bits, cells: this.#parseCells(bits, references) };
  }

  #parseBits(): CellBits {
    const at = this.#scanner.at;
    const bits = Number(this.#integer("8, 16, 32 or 64"));
    if (bits !== 8 && bits !== 16 && bits !== 32 && bits !== 64) {
      throw this.#scanner.errorAt(at, `/bits/ ${bits}: 8, 16, 32 or 64 are possible`);
    }
    return bits;
  }

  #parseCells(bits: CellBits, references: Reference[]): Cell[] {
    const values: Cell[] = [];
    for (;;) {
      this.#skipLabels();
      if (this.#scanner.accept(">")) return values;
      const at = this.#scanner.at;
      const to = this.#scanner.acceptReference();
      if (to !== undefined) {
        if (bits !== 32) {
          throw this.#scanner.errorAt(at, `reference in ${bits}-bit cells: a phandle has 32 bits`);
        }
        references.push({ to, at });
        values.push({ kind: "phandle", to });
      } else values.push(this.#cell(bits, at));
    }
  }

  #cell(bits: CellBits, at: number): number | bigint {
    const value = this.#integer("a cell or >");
    const mask = (1n << BigInt(bits)) - 1n;
    // Expressions have 64 bits; a small negative one is cut to the cell, as in dtc.
    if (value > mask && (value | mask) !== (1n << 64n) - 1n) {
      throw this.#scanner.errorAt(at, `value 0x${value.toString(16)} does not fit ${bits} bits`);
    }
    return bits === 64 ? value : Number(value & mask);
  }

  #parseBytes(): Uint8Array {
    const values: number[] = [];
    for (;;) {
      this.#skipLabels();
      if (this.#scanner.accept("]")) return Uint8Array.from(values);
      const byte = this.#scanner.acceptByte();
      if (byte === undefined) throw this.#scanner.error("expected two hexadecimal digits or ]");
      values.push(byte);
    }
  }

  #integer(what: string): bigint {
    const value = acceptInteger(this.#scanner);
    if (value === undefined) throw this.#scanner.error(`expected ${what}`);
    return value;
  }

  #name(what: string): string {
    const name = this.#scanner.acceptName();
    if (name === undefined) throw this.#scanner.error(`expected ${what}`);
    return name;
  }

  /** Labels of anything but a node are read and forgotten: nothing can refer to them in a `.dtb`. */
  #skipLabels(): string[] | undefined {
    let labels: string[] | undefined;
    for (;;) {
      const label = this.#scanner.acceptLabel();
      if (label === undefined) return labels;
      (labels ??= []).push(label);
    }
  }

  #addLabel(node: FdtNode, label: string, at: number): void {
    const other = this.#labels.get(label);
    if (other !== undefined && other !== node) {
      throw this.#scanner.errorAt(at, `label ${label} is on ${other.path} already`);
    }
    this.#labels.set(label, node);
    node.addLabel(label);
  }

  #removeNode(node: FdtNode): void {
    node.parent?.removeNode(node.name);
    for (const removed of node.walk()) {
      for (const label of removed.labels) this.#labels.delete(label);
    }
  }

  /** The node that `&label` or `&{/path}` names here, which must exist already. */
  #referencedNode(): FdtNode {
    const at = this.#scanner.at;
    const to = this.#scanner.acceptReference();
    if (to === undefined) throw this.#scanner.error("expected &label or &{/path}");
    return this.#lookUp(to, at);
  }

  #lookUp(to: string, at: number): FdtNode {
    const node = to.startsWith("/") ? this.#tree.find(to) : this.#labels.get(to);
    if (node === undefined) {
      const what = to.startsWith("/") ? "path" : "label";
      throw this.#scanner.errorAt(at, `no node has the ${what} ${to}`);
    }
    return node;
  }

  #checkReferences(): void {
    const present = new Set(this.#tree.root.walk());
    const used = new Set<FdtNode>();
    for (const node of present) {
      for (const property of node.properties.keys()) {
        for (const { to, at } of this.#references.get(node)?.get(property) ?? []) {
          used.add(this.#lookUp(to, at));
        }
      }
    }
    for (const node of this.#omittable) {
      if (present.has(node) && !used.has(node)) node.parent?.removeNode(node.name);
    }
    try {
      resolveReferences(this.#tree);
    } catch (error) {
      // Phandles given by number that clash, or a reference into a node omitted just now.
      throw this.#scanner.errorAt(0, (error as Error).message);
    }
  }

  /** dtc's rule: the boot hart is the first child of `/cpus`. */
  #firstCpuId(): number {
    const reg = this.#tree.find("/cpus")?.children[0]?.get("reg");
    if (reg === undefined || [...reg.references()].length > 0) return 0;
    const bytes = reg.encode();
    return bytes.length === 4 ? new DataView(bytes.buffer).getUint32(0) : 0;
  }
}

/** A string literal; one with NUL or with bytes that are no UTF-8 is kept as bytes. */
function stringPart(raw: Uint8Array): ValuePart {
  if (!raw.includes(0)) {
    try {
      const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
      return { kind: "string", text };
    } catch {
      // Escapes such as \xff: any byte is allowed in a string.
    }
  }
  const bytes = new Uint8Array(raw.length + 1);
  bytes.set(raw);
  return { kind: "bytes", bytes };
}
