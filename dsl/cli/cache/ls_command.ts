/**
 * `himawari cache ls`: what is stored.
 *
 * @module
 */

import { shortKey } from "../../../vmm/snapshot/explain_miss.ts";
import type { Inventory, InventoryItem } from "../../../vmm/snapshot/inventory.ts";
import { EXIT } from "../exit_codes.ts";
import type { CacheCommand, CacheContext } from "./cache_context.ts";
import { layerOf, nameOf } from "./find_snapshots.ts";
import { type Column, textTable } from "./text_table.ts";
import { count, formatAge, formatSize } from "./units.ts";

const COLUMNS: readonly Column[] = [
  { heading: "LAYER", align: "left" },
  { heading: "KEY", align: "left" },
  { heading: "PARENT", align: "left" },
  { heading: "SAVED", align: "right" },
  { heading: "USED", align: "right" },
  { heading: "OWN", align: "right" },
  { heading: "SHARED", align: "right" },
  { heading: "INSTRUCTIONS", align: "right" },
  { heading: "VIRTUAL TIME", align: "right" },
  { heading: "MACHINE", align: "left" },
];

/** The command. */
export const LS: CacheCommand = {
  name: "ls",
  operands: "",
  operandCount: [0, 0],
  summary: "lists the snapshots",
  description: `Lists the snapshots, those saved last first.

SAVED and USED say how long ago, uses to an hour. OWN is what would be free without the snapshot;
SHARED is the size of packs of which other snapshots need pages too.`,
  options: [{ name: "json", help: "as JSON, sizes in bytes and times in full" }],
  async run(context) {
    const inventory = await context.folder.inventory();
    const lines = context.switches.has("json")
      ? [JSON.stringify(toJson(context.folder.path, inventory), undefined, 2)]
      : toLines(inventory, context);
    for (const line of lines) context.print(line);
    return EXIT.success;
  },
};

function toLines(inventory: Inventory, { folder, nowMs }: CacheContext): string[] {
  const { items, totalBytes, unneededBytes } = inventory;
  const unneeded = unneededBytes > 0 ? `, ${formatSize(unneededBytes)} of it for gc` : "";
  const total = `${count(items.length, "snapshot")} in ${folder.path}, ` +
    `${formatSize(totalBytes)}${unneeded}`;
  if (items.length === 0) return [total];
  const unusable = items.flatMap((item) =>
    item.problem === undefined ? [] : [`${nameOf(item)} cannot be used: ${item.problem.detail}`]
  );
  return [
    ...textTable(COLUMNS, items.map((item) => toRow(item, nowMs))),
    "",
    ...unusable,
    total,
  ];
}

function toRow(item: InventoryItem, nowMs: number): string[] {
  const { key, content, savedMs, usedMs, ownBytes, sharedBytes } = item;
  const parent = content?.record.parent;
  const harts = content?.shape.harts ?? 0;
  return [
    layerOf(item) ?? "?",
    shortKey(key),
    parent === undefined ? "-" : shortKey(parent),
    formatAge(nowMs - savedMs),
    formatAge(nowMs - usedMs),
    formatSize(ownBytes),
    formatSize(sharedBytes),
    ...(content === undefined ? ["?", "?", "?"] : [
      content.instructions.toLocaleString("en").replaceAll(",", " "),
      `${(content.virtualNs / 1e9).toFixed(3)} s`,
      `${count(harts, "hart")}, ${content.shape.memMiB} MiB`,
    ]),
  ];
}

/** Everything, for other programs. */
function toJson(directory: string, { items, totalBytes, unneededBytes }: Inventory) {
  return {
    directory,
    snapshots: items.map(({ key, content, problem, savedMs, usedMs, ownBytes, sharedBytes }) => ({
      key,
      layer: content?.record.layer ?? null,
      parent: content?.record.parent ?? null,
      saved: new Date(savedMs).toISOString(),
      used: new Date(usedMs).toISOString(),
      ownBytes,
      sharedBytes,
      instructions: content?.instructions ?? null,
      virtualNs: content?.virtualNs ?? null,
      machine: content?.shape ?? null,
      material: content?.record.material ?? null,
      build: content?.record.build ?? null,
      problem: problem?.detail ?? null,
    })),
    totals: { snapshots: items.length, totalBytes, unneededBytes },
  };
}
