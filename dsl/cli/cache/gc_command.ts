/**
 * `himawari cache gc`: makes the cache small.
 *
 * @module
 */

import { cleanUp, DEFAULT_GRACE_MS, DEFAULT_MAX_BYTES } from "../../../vmm/snapshot/clean_up.ts";
import { EXIT } from "../exit_codes.ts";
import type { CacheCommand } from "./cache_context.ts";
import { nameOf } from "./find_snapshots.ts";
import { count, formatAge, formatSize, parseAge, parseSize } from "./units.ts";

const DEFAULT_MAX_AGE = "30d";

/** The command. */
export const GC: CacheCommand = {
  name: "gc",
  operands: "",
  operandCount: [0, 0],
  summary: "removes what was used longest ago, and what is not needed",
  description:
    `Removes snapshots beyond the limits, those used longest ago first, and what no snapshot needs.

Other processes may be at work meanwhile. A machine that runs is not harmed: it keeps open what it
was restored from. A snapshot that was used a short time ago stays, and so do those below it.`,
  options: [
    {
      name: "max-size",
      value: "SIZE",
      help: `most that the cache may take (default: ${formatSize(DEFAULT_MAX_BYTES)})`,
    },
    {
      name: "max-age",
      value: "AGE",
      help: `what was not used for longer goes (default: ${DEFAULT_MAX_AGE})`,
    },
    {
      name: "grace",
      value: "AGE",
      help: "what was used more recently stays, whatever the limits; uses\n" +
        `are known to an hour (default: ${formatAge(DEFAULT_GRACE_MS)})`,
    },
  ],
  async run({ values, folder, print, nowMs }) {
    const size = values["max-size"];
    const grace = values["grace"];
    const maxBytes = size === undefined ? DEFAULT_MAX_BYTES : parseSize("--max-size", size);
    const maxAgeMs = parseAge("--max-age", values["max-age"] ?? DEFAULT_MAX_AGE);
    const graceMs = grace === undefined ? DEFAULT_GRACE_MS : parseAge("--grace", grace);
    // Reading first, so that a folder that is not there is not made.
    const { totalBytes } = await folder.inventory();
    if (totalBytes === 0) {
      print(`${folder.path} is empty`);
      return EXIT.success;
    }
    const options = { maxBytes, maxAgeMs, graceMs, nowMs };
    const result = await folder.withStore((store) => cleanUp(store, options));
    for (const item of result.removed) print(`removed ${nameOf(item)}`);
    print(
      `${count(result.removed.length, "snapshot")} removed, ${
        formatSize(result.freedBytes)
      } freed, ` +
        `${formatSize(result.leftBytes)} left`,
    );
    if (result.spared > 0) {
      print(
        `${count(result.spared, "snapshot")} beyond the limits but used within ` +
          `${formatAge(graceMs)}: --grace 0 removes such too`,
      );
    }
    return EXIT.success;
  },
};
