/**
 * Snapshots by what the user calls them: a layer's name, or the beginning of a key.
 *
 * @module
 */

import { shortKey } from "../../../vmm/snapshot/explain_miss.ts";
import type { InventoryItem } from "../../../vmm/snapshot/inventory.ts";
import { suggest } from "../suggestion.ts";
import { UserError } from "../user_error.ts";

/** Fewer digits of a key are more likely a mistake. */
const LEAST_DIGITS = 4;

/**
 * All snapshots of a layer, or the one whose key begins so. A layer's name comes before a key.
 *
 * @param items those saved last first; so are the answers
 * @throws {UserError} if there is none, or several keys begin so
 */
export function findSnapshots(items: readonly InventoryItem[], name: string): InventoryItem[] {
  const ofLayer = items.filter((item) => layerOf(item) === name);
  if (ofLayer.length > 0) return ofLayer;
  const isPrefix = /^[0-9a-f]+$/i.test(name) && name.length >= LEAST_DIGITS;
  const ofKey = isPrefix ? items.filter(({ key }) => key.startsWith(name.toLowerCase())) : [];
  if (ofKey.length === 1) return ofKey;
  if (ofKey.length > 1) {
    throw new UserError(
      `${name}: ${ofKey.length} keys begin so; give more digits: ` +
        ofKey.map(({ key }) => shortKey(key)).join(", "),
    );
  }
  const layers = [...new Set(items.flatMap((item) => layerOf(item) ?? []))];
  const near = suggest(name, layers);
  const hint = near !== undefined
    ? `; did you mean ${near}?`
    : layers.length > 0
    ? `; layers are ${layers.join(", ")}`
    : "; there are no snapshots";
  throw new UserError(`${name}: no such layer or key${hint}`);
}

/** The layer of a snapshot, if it can be read. */
export function layerOf({ content }: InventoryItem): string | undefined {
  return content?.record.layer;
}

/** A snapshot in a line: `host-prompt 0123456789ab`. */
export function nameOf(item: InventoryItem): string {
  return `${layerOf(item) ?? "unreadable"} ${shortKey(item.key)}`;
}
