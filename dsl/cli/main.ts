/**
 * The command line: `deno task run -- --help`.
 *
 * `run` needs `--allow-read` for the files named and the fixtures, and `--allow-write` for `--trace` and
 * `--dump-fdt` only; nothing else. `cache` needs both for the cache folder and the files named, and
 * `--allow-env` for the variables that name the folder, unless `--cache` does.
 *
 * @module
 */

import { runCommandLine } from "./command_line.ts";

if (import.meta.main) {
  // A read of stdin may be under way, which only an exit ends.
  Deno.exit(await runCommandLine(Deno.args, Deno));
}
