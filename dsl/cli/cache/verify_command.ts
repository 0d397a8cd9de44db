/**
 * `himawari cache verify`: reads all that is stored, and compares it with its digests.
 *
 * @module
 */

import { EXIT } from "../exit_codes.ts";
import type { CacheCommand } from "./cache_context.ts";
import { count, formatSize } from "./units.ts";

/** The command. */
export const VERIFY: CacheCommand = {
  name: "verify",
  operands: "",
  operandCount: [0, 0],
  summary: "reads all snapshots and says which are damaged",
  description:
    `Reads every snapshot and every page, compares them with their digests, and lists what is wrong.

What is damaged would be made anew when it is next wanted: rm removes it right away.`,
  options: [],
  async run({ folder, print }) {
    const { items, totalBytes } = await folder.inventory();
    const problems = totalBytes === 0 ? [] : await folder.withStore((store) => store.verify());
    for (const { file, reason } of problems) print(`${file}: ${reason}`);
    if (problems.length > 0) {
      print(`${count(problems.length, "problem")} in ${folder.path}`);
      return EXIT.failure;
    }
    print(`${count(items.length, "snapshot")}, ${formatSize(totalBytes)}: all is well`);
    return EXIT.success;
  },
};
