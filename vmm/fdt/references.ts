/**
 * From references by label or path to phandles and paths, when a tree is flattened.
 *
 * A node that something refers to needs a `phandle` property. Nodes that have one keep it; the
 * others get the lowest free number in the order in which references come up, as in dtc. The tree
 * itself is not changed: the numbers given out are returned beside it.
 *
 * @module
 */

import type { FdtNode, FdtTree } from "./tree.ts";
import type { FdtValue, ReferenceResolver } from "./value.ts";

/** All references of one tree, resolved. */
export interface ResolvedReferences extends ReferenceResolver {
  /** Phandles given out to nodes that have no `phandle` of their own. */
  readonly allocated: ReadonlyMap<FdtNode, number>;
}

/**
 * Resolves every reference of the tree.
 *
 * @throws {TypeError} if a reference names no node, two nodes have one label or one phandle, or a
 * `phandle` property is not one cell that is neither 0 nor 0xffffffff
 */
export function resolveReferences(tree: FdtTree): ResolvedReferences {
  const labels = new Map<string, FdtNode>();
  const owners = new Map<number, FdtNode>();
  const phandles = new Map<FdtNode, number>();
  for (const node of tree.root.walk()) {
    for (const label of node.labels) {
      const other = labels.get(label);
      if (other !== undefined) {
        throw new TypeError(`Label ${label} is on ${other.path} and on ${node.path}`);
      }
      labels.set(label, node);
    }
    const own = explicitPhandle(node);
    if (own === undefined) continue;
    const other = owners.get(own);
    if (other !== undefined) {
      throw new TypeError(`Phandle ${own} is on ${other.path} and on ${node.path}`);
    }
    owners.set(own, node);
    phandles.set(node, own);
  }

  const nodeOf = (to: string, from: FdtNode | undefined, property: string): FdtNode => {
    const node = to.startsWith("/") ? tree.find(to) : labels.get(to);
    if (node === undefined) {
      throw new TypeError(
        `Property ${property} of ${from?.path ?? "?"} refers to ${to}: ` +
          (to.startsWith("/") ? "no node has this path" : "no node has this label"),
      );
    }
    return node;
  };

  const allocated = new Map<FdtNode, number>();
  let next = 1;
  for (const node of tree.root.walk()) {
    for (const [property, value] of node.properties) {
      for (const { kind, to } of value.references()) {
        const target = nodeOf(to, node, property);
        if (kind !== "phandle" || phandles.has(target)) continue;
        while (owners.has(next)) next++;
        owners.set(next, target);
        phandles.set(target, next);
        allocated.set(target, next);
      }
    }
  }

  return {
    allocated,
    phandleOf: (to) => phandles.get(nodeOf(to, undefined, "?"))!,
    pathOf: (to) => nodeOf(to, undefined, "?").path,
  };
}

/** Properties of the node with the phandle that it was given, encoded. */
export function* encodedProperties(
  node: FdtNode,
  references: ResolvedReferences,
): Generator<[name: string, bytes: Uint8Array]> {
  for (const [name, value] of node.properties) yield [name, value.encode(references)];
  const phandle = references.allocated.get(node);
  if (phandle !== undefined && !node.has("phandle")) {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, phandle);
    yield ["phandle", bytes];
  }
}

function explicitPhandle(node: FdtNode): number | undefined {
  const value = node.get("phandle") ?? node.get("linux,phandle");
  // `phandle = <&self>` asks for any number, as in dtc.
  if (value === undefined || refersToItself(node, value)) return undefined;
  const bytes = [...value.references()].length === 0 ? value.encode() : new Uint8Array(0);
  if (bytes.length !== 4) {
    throw new TypeError(`Property phandle of ${node.path} must be one cell`);
  }
  const phandle = new DataView(bytes.buffer).getUint32(0);
  if (phandle === 0 || phandle === 0xffff_ffff) {
    throw new TypeError(`Property phandle of ${node.path} must not be 0 or 0xffffffff`);
  }
  return phandle;
}

function refersToItself(node: FdtNode, value: FdtValue): boolean {
  const [part] = value.parts;
  if (value.parts.length !== 1 || part?.kind !== "cells" || part.cells.length !== 1) return false;
  const [cell] = part.cells;
  return typeof cell === "object" && (cell.to === node.path || node.labels.has(cell.to));
}
