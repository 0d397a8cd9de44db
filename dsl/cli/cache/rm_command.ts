/**
 * `himawari cache rm`: removes snapshots, used or not.
 *
 * @module
 */

import { removeSnapshots } from "../../../vmm/snapshot/clean_up.ts";
import { EXIT } from "../exit_codes.ts";
import { UsageError } from "../user_error.ts";
import type { CacheCommand } from "./cache_context.ts";
import { findSnapshots, nameOf } from "./find_snapshots.ts";
import { count, formatSize } from "./units.ts";

/** The command. */
export const RM: CacheCommand = {
  name: "rm",
  operands: "LAYER|KEY...",
  operandCount: [0, Infinity],
  summary: "removes snapshots",
  description: `Removes one snapshot by its key, all snapshots of a layer, or all there are.

Snapshots that lie on a removed one stay. They can be used again when it has been made again, and
has become what it was.`,
  options: [{ name: "all", help: "remove all snapshots" }],
  async run({ operands, switches, folder, print }) {
    const isAll = switches.has("all");
    if (isAll === operands.length > 0) {
      throw new UsageError("cache rm: give layers or keys, or --all");
    }
    const { items } = await folder.inventory();
    const chosen = isAll
      ? items
      : items.filter((item) =>
        operands.map((name) => findSnapshots(items, name)).flat().includes(item)
      );
    if (chosen.length === 0) {
      // Else a name would not have been found.
      if (isAll) print(`no snapshots in ${folder.path}`);
      else for (const name of operands) findSnapshots(items, name);
      return EXIT.success;
    }
    const { freedBytes, orphans } = await folder.withStore((store) =>
      removeSnapshots(store, chosen)
    );
    for (const item of chosen) print(`removed ${nameOf(item)}`);
    print(`${count(chosen.length, "snapshot")} removed, ${formatSize(freedBytes)} freed`);
    for (const item of orphans) print(`${nameOf(item)} stays; what it lies on is gone`);
    return EXIT.success;
  },
};
