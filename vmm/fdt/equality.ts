/**
 * When two trees are the same tree.
 *
 * @module
 */

import { encodedProperties, type ResolvedReferences, resolveReferences } from "./references.ts";
import type { FdtNode, FdtTree } from "./tree.ts";

/**
 * Says where two trees first differ as a kernel sees them: node names, property names and bytes,
 * reservations, boot hart. Labels, the way a value is written and the order of properties and of
 * nodes do not count.
 *
 * @returns undefined if they are equal, else one line that names the first difference
 * @throws {TypeError} if a reference in one of them cannot be resolved
 */
export function firstDifference(a: FdtTree, b: FdtTree): string | undefined {
  if (a.bootCpuId !== b.bootCpuId) return `bootCpuId: ${a.bootCpuId} and ${b.bootCpuId}`;
  const reserved = (tree: FdtTree) =>
    tree.reservations.map((r) => `${r.address.toString(16)}+${r.sizeBytes.toString(16)}`).join(" ");
  if (reserved(a) !== reserved(b)) return `reservations: ${reserved(a)} and ${reserved(b)}`;
  return nodeDifference(a.root, b.root, resolveReferences(a), resolveReferences(b));
}

/**
 * Whether two trees are the same as a kernel sees them; see {@linkcode firstDifference}.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { equalTrees, parseDts, printDts } from "./mod.ts";
 *
 * const tree = parseDts(`/dts-v1/; / { user = <&a>; a: node { size = <16>; }; };`);
 * assert(equalTrees(tree, parseDts(printDts(tree))));
 * ```
 */
export function equalTrees(a: FdtTree, b: FdtTree): boolean {
  return firstDifference(a, b) === undefined;
}

function nodeDifference(
  a: FdtNode,
  b: FdtNode,
  aReferences: ResolvedReferences,
  bReferences: ResolvedReferences,
): string | undefined {
  const aProperties = new Map(encodedProperties(a, aReferences));
  const bProperties = new Map(encodedProperties(b, bReferences));
  for (const name of new Set([...aProperties.keys(), ...bProperties.keys()])) {
    const [aHex, bHex] = [aProperties.get(name)?.toHex(), bProperties.get(name)?.toHex()];
    if (aHex !== bHex) {
      return `${a.path}: property ${name}: ${aHex ?? "none"} and ${bHex ?? "none"}`;
    }
  }
  for (const name of new Set([...a.children, ...b.children].map((child) => child.name))) {
    const [aChild, bChild] = [a.child(name), b.child(name)];
    if (aChild === undefined || bChild === undefined) {
      return `${a.path}: node ${name} is in ${
        aChild === undefined ? "the second" : "the first"
      } only`;
    }
    const difference = nodeDifference(aChild, bChild, aReferences, bReferences);
    if (difference !== undefined) return difference;
  }
  return undefined;
}
