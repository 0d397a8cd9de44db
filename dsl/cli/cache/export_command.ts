/**
 * `himawari cache export`: a snapshot as one file.
 *
 * @module
 */

import { exportBundle } from "../../../vmm/snapshot/bundle_export.ts";
import { shortKey } from "../../../vmm/snapshot/explain_miss.ts";
import { EXIT } from "../exit_codes.ts";
import { asUserError, UserError } from "../user_error.ts";
import type { CacheCommand } from "./cache_context.ts";
import { findSnapshots } from "./find_snapshots.ts";
import { formatSize } from "./units.ts";

/** The command. */
export const EXPORT: CacheCommand = {
  name: "export",
  operands: "LAYER|KEY FILE",
  operandCount: [2, 2],
  summary: "writes a snapshot and what it lies on into a file",
  description:
    `Writes a snapshot, of a layer the one saved last, and all that it lies on into one file.

The file holds everything that import needs, and is for the same build of the emulator.`,
  options: [{ name: "overwrite", help: "replace FILE if it is there" }],
  async run({ operands: [name = "", file = ""], switches, folder, print }) {
    const { items } = await folder.inventory();
    const [item] = findSnapshots(items, name);
    if (!switches.has("overwrite") && await asUserError(() => isThere(file))) {
      throw new UserError(`${file} is there already; --overwrite replaces it`);
    }
    const { layers, sizeBytes, missingParent } = await folder.withStore((store) =>
      exportBundle(store, item!.key, file)
    );
    for (const { layer, key } of layers) print(`exported ${layer} ${shortKey(key)}`);
    if (missingParent !== undefined) {
      print(`left out, as it is not stored: the layer below them, ${shortKey(missingParent)}`);
    }
    print(`${file}: ${formatSize(sizeBytes)}`);
    return EXIT.success;
  },
};

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
