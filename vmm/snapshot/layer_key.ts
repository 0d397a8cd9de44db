/**
 * The key of a layer: the same for the same steps from the same inputs, and for nothing else.
 *
 * @module
 */

import type { StateValue } from "../../core/device.ts";
import { encodeCbor } from "./cbor.ts";
import { sha256Hex } from "./digest.ts";
import type { LayerMaterial } from "./record.ts";

/**
 * Lower-case hex SHA-256 of the CBOR array of parent key (empty text if there is none), layer,
 * material and actions, maps sorted by their keys' UTF-16 code units.
 *
 * @throws {TypeError} if an action is no `StateValue`
 *
 * @example
 * ```ts
 * import { layerKey } from "./layer_key.ts";
 *
 * const key = layerKey({
 *   parent: undefined,
 *   layer: "host-prompt",
 *   material: { kernel: "ab12", seed: "1" },
 *   actions: [{ kind: "wait", for: "$ " }],
 * });
 * console.log(key.length); // 64
 * ```
 */
export function layerKey({ parent, layer, material, actions }: LayerMaterial): string {
  return sha256Hex(encodeCbor([parent ?? "", layer, sorted(material), sorted(actions)]));
}

function sorted(value: StateValue): StateValue {
  if (typeof value !== "object" || value instanceof Uint8Array) return value;
  if (isArray(value)) return value.map(sorted);
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, sorted(value[name] as StateValue)]));
}

function isArray(value: StateValue): value is readonly StateValue[] {
  return Array.isArray(value);
}
