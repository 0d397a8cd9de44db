/**
 * `himawari cache`: the stored snapshots of machines.
 *
 * @module
 */

import { cacheDirectory } from "../../../vmm/snapshot/cache_directory.ts";
import { parseArguments, withoutDashes } from "../arguments.ts";
import { type CliStreams, writeText } from "../cli_streams.ts";
import { EXIT } from "../exit_codes.ts";
import { commandLine, optionLines } from "../help_lines.ts";
import type { OptionRow } from "../option_table.ts";
import { unknownWord } from "../subcommands.ts";
import { UsageError, UserError } from "../user_error.ts";
import { type CacheCommand, CacheFolder } from "./cache_context.ts";
import { EXPORT } from "./export_command.ts";
import { GC } from "./gc_command.ts";
import { IMPORT } from "./import_command.ts";
import { LS } from "./ls_command.ts";
import { RM } from "./rm_command.ts";
import { VERIFY } from "./verify_command.ts";
import { WHY } from "./why_command.ts";

/** Every command, in the order of `--help`. */
export const CACHE_COMMANDS: readonly CacheCommand[] = [LS, WHY, GC, RM, VERIFY, EXPORT, IMPORT];

/** Options of all of them. */
const COMMON_OPTIONS: readonly OptionRow[] = [
  {
    name: "cache",
    value: "DIR",
    help: "the cache folder (default: HIMAWARI_CACHE, else himawari in the\n" +
      "user's folder for caches)",
  },
  { name: "help", short: "h", help: "print this and exit" },
];

const EXIT_CODES = `Exit codes:
  0      done
  1      not found, not readable, not writable; verify: something is damaged
  2      the command line is wrong
`;

/** The help text of `himawari cache`. */
export const CACHE_HELP = `Looks after stored snapshots of machines, from which scenarios start.

  deno task cache COMMAND [options]
  deno task cache COMMAND --help         about a command

Commands:
${CACHE_COMMANDS.map(commandLine).join("\n")}

Options of all commands:
${COMMON_OPTIONS.map(optionLines).join("\n")}

A snapshot is named by the beginning of its key, four digits at least, or by its layer.

${EXIT_CODES}`;

/** The help text of one of its commands. */
export function cacheCommandHelp({ name, operands, description, options }: CacheCommand): string {
  const usage = ["deno task cache", name, operands, "[options]"].filter(Boolean).join(" ");
  const rows = [...options, ...COMMON_OPTIONS].map(optionLines).join("\n");
  return `${description}\n\n  ${usage}\n\n${rows}\n\n${EXIT_CODES}`;
}

/**
 * Does what the arguments say; answers the exit code.
 *
 * @throws {UserError} for mistakes of the user's
 */
export async function cacheCommand(
  args: readonly string[],
  streams: CliStreams,
): Promise<number> {
  const [word, ...rest] = withoutDashes(args);
  const command = CACHE_COMMANDS.find(({ name }) => name === word);
  if (command === undefined) {
    // Options only: --help, or a mistake of its own.
    if (word === undefined || word.startsWith("-")) {
      const { switches } = parseArguments(withoutDashes(args), COMMON_OPTIONS);
      if (!switches.has("help")) throw new UsageError(`cache: give a command: ${known()}`);
      writeText(streams.stdout, CACHE_HELP);
      return EXIT.success;
    }
    throw unknownWord(word, CACHE_COMMANDS, "command of cache");
  }
  const rows: readonly OptionRow[] = [...command.options, ...COMMON_OPTIONS];
  const { values, switches, others } = parseArguments(rest, rows);
  if (switches.has("help")) {
    writeText(streams.stdout, cacheCommandHelp(command));
    return EXIT.success;
  }
  checkOperands(command, others);
  return await command.run({
    operands: others,
    values,
    switches,
    folder: new CacheFolder(values["cache"] ?? defaultFolder()),
    print: (line) => writeText(streams.stdout, `${line}\n`),
    nowMs: Date.now(),
  });
}

function checkOperands({ name, operands, operandCount }: CacheCommand, given: readonly string[]) {
  const [least, most] = operandCount;
  if (given.length > most) {
    throw new UsageError(`cache ${name}: unexpected argument ${given[most]}`);
  }
  if (given.length < least) throw new UsageError(`cache ${name}: give ${operands}`);
}

function defaultFolder(): string {
  const folder = cacheDirectory();
  if (folder !== undefined) return folder;
  throw new UserError(
    "there is no cache folder: HIMAWARI_CACHE is off, or none of the variables that name it is set " +
      "and may be read (--allow-env); name one with --cache DIR",
  );
}

function known(): string {
  return CACHE_COMMANDS.map(({ name }) => name).join(", ");
}
