/**
 * `himawari cache why`: why a snapshot was made although there were others, and whether it is of use.
 *
 * A miss leaves the snapshot of what was wanted. So that is compared with what was there before: the
 * older snapshot of the same layer that differs least.
 *
 * @module
 */

import project from "../../../deno.json" with { type: "json" };
import { emulatorBuild } from "../../../vmm/emulator_build.ts";
import { describeDifferences, nearestOf, shortKey } from "../../../vmm/snapshot/explain_miss.ts";
import type {
  Inventory,
  InventoryContent,
  InventoryItem,
} from "../../../vmm/snapshot/inventory.ts";
import { EXIT } from "../exit_codes.ts";
import { asUserError } from "../user_error.ts";
import type { CacheCommand } from "./cache_context.ts";
import { findSnapshots, nameOf } from "./find_snapshots.ts";
import { count, formatAge } from "./units.ts";

/** The command. */
export const WHY: CacheCommand = {
  name: "why",
  operands: "LAYER|KEY",
  operandCount: [1, 1],
  summary: "says why a snapshot was made although there were others",
  description:
    `Says why a snapshot was made although there were others, and whether it will be used.

Compares the snapshot, of a layer the one saved last, with the older one of the same layer that
differs least: the emulator's build, what the machine was started with, what was done to it, and the
layers below. Snapshots that differ in the build alone have the same key, and the newer one takes
the place of the older; HIMAWARI_LOG=cache tells such a miss when it happens.`,
  options: [],
  async run({ operands: [name = ""], folder, print, nowMs }) {
    const inventory = await folder.inventory();
    const [item] = findSnapshots(inventory.items, name);
    const build = await asUserError(() => emulatorBuild(project.version));
    for (const line of explain(item!, inventory, build, nowMs)) print(line);
    return EXIT.success;
  },
};

function explain(
  item: InventoryItem,
  { items }: Inventory,
  build: string,
  nowMs: number,
): string[] {
  const ago = ({ savedMs }: InventoryItem) => `saved ${formatAge(nowMs - savedMs)} ago`;
  const { content } = item;
  if (content === undefined) {
    return [`${nameOf(item)}, ${ago(item)}, cannot be used: ${item.problem?.detail}`];
  }
  const records = items.flatMap((other) => other.content?.record ?? []);
  const { record } = content;
  const older = items.slice(items.indexOf(item) + 1).flatMap((other) =>
    other.content?.record ?? []
  );
  const before = nearestOf(record, older.filter(({ layer }) => layer === record.layer));
  const lines = [`${nameOf(item)}, ${ago(item)}, ${fate(item, content, items, build)}`];
  if (before === undefined) {
    return [
      ...lines,
      "There is no older snapshot of this layer to compare with. It was made with:",
      ...Object.entries(record.material).map(([field, value]) => `  ${field}: ${value}`),
      ...(record.parent === undefined ? [] : [`  the layer below: ${shortKey(record.parent)}`]),
      `  ${count(record.actions.length, "action")} since`,
    ];
  }
  const beforeItem = items.find(({ key }) => key === before.key)!;
  return [
    ...lines,
    `It was made as the nearest one before, ${shortKey(before.key)}, ${ago(beforeItem)}, differs:`,
    ...describeDifferences(before, record, records).map((line) => `  ${line}`),
  ];
}

/** Whether it will be used. */
function fate(
  { problem }: InventoryItem,
  { record: { build: own, parent } }: InventoryContent,
  items: readonly InventoryItem[],
  build: string,
): string {
  if (problem !== undefined) return `cannot be used: ${problem.detail}`;
  if (own !== build) {
    return `will be made anew: it is of another build of the emulator, ${shortKey(own)}; ` +
      `this one is ${shortKey(build)}`;
  }
  if (parent !== undefined && !items.some(({ key }) => key === parent)) {
    return `can be used when the layer below it, ${shortKey(parent)}, has been made again`;
  }
  return "can be used";
}
