/**
 * Random device trees for property-based tests: every kind of value, labels, references forwards
 * and backwards, reservations. All are trees that dtc takes without an error.
 *
 * @module
 */

import type { SplitMix64 } from "./split_mix64.ts";
import { FdtTree } from "./tree.ts";
import {
  bytes,
  type Cell,
  type CellBits,
  cells,
  concat,
  empty,
  FdtValue,
  pathOf,
  phandle,
  strings,
  u64,
} from "./value.ts";

const NODE_NAMES = ["soc", "serial", "cpu", "a", "l2-cache", "x,y", "node_1", "p.q+r", "opp-0"];
const PROPERTY_NAMES = [
  "compatible",
  "data",
  "status",
  "#foo-cells",
  "vendor,prop",
  "a_b.c+d",
  "foo-names",
  "is-ok?",
  "x*",
  "long-property-name-with-many-parts",
];
// No text begins with a digit: dtc 1.6.1 prints NUL before one as \\0 and reads it back as octal.
const TEXTS = ["", "okay", "a b", "tab\there", 'quo"te', "back\\slash", "ünïcode", "\x7f1", "x10"];

/** A random tree; equal states of `random` give equal trees. */
export function randomTree(random: SplitMix64): FdtTree {
  const tree = new FdtTree();
  for (let count = random.below(3); count > 0; count--) {
    tree.reservations.push({ address: random.u64(), sizeBytes: random.u64() | 1n });
  }
  const nodes = [tree.root];
  for (let count = random.below(20); count > 0; count--) {
    const parent = random.pick(nodes);
    const unit = random.below(2) === 0 ? "" : `@${random.below(0x10000).toString(16)}`;
    const name = random.pick(NODE_NAMES) + unit;
    if (parent.child(name) !== undefined) continue;
    const node = parent.addNode(name);
    if (random.below(2) === 0) node.addLabel(`l${nodes.length}`);
    if (random.below(6) === 0) node.addLabel(`_also${nodes.length}`);
    nodes.push(node);
  }
  const targets = nodes.slice(1).flatMap((node) => [node.path, ...node.labels]);
  for (const node of nodes) {
    for (let count = random.below(5); count > 0; count--) {
      node.set(random.pick(PROPERTY_NAMES), randomValue(random, targets));
    }
    if (random.below(8) === 0 && node.parent !== undefined) {
      node.set("phandle", 0x100 + nodes.indexOf(node));
    }
  }
  return tree;
}

function randomValue(random: SplitMix64, targets: readonly string[]): FdtValue {
  switch (random.below(9)) {
    case 0:
      return empty();
    case 1:
      return strings(...Array.from({ length: 1 + random.below(3) }, () => random.pick(TEXTS)));
    case 2:
      return bytes(random.bytes(1 + random.below(20)));
    case 3:
      return u64(random.u64());
    case 4:
      return randomArray(random);
    case 5:
      return concat(randomValue(random, targets), randomValue(random, targets));
    case 6:
      return targets.length === 0 ? empty() : pathOf(random.pick(targets));
    default:
      return cells(...Array.from({ length: 1 + random.below(6) }, () => {
        const isReference = targets.length > 0 && random.below(3) === 0;
        return isReference ? phandle(random.pick(targets)) : random.below(2 ** 32);
      }));
  }
}

function randomArray(random: SplitMix64): FdtValue {
  const bits = random.pick<CellBits>([8, 16, 32, 64]);
  const values: Cell[] = Array.from(
    { length: random.below(6) },
    () => BigInt.asUintN(bits, random.u64()),
  );
  return new FdtValue([{ kind: "cells", bits, cells: values }]);
}
