/**
 * The commands, one a row: the first argument names one. What begins with a dash belongs to `run`,
 * whose name may be left out.
 *
 * @module
 */

import { withoutDashes } from "./arguments.ts";
import type { CliStreams } from "./cli_streams.ts";
import { suggest } from "./suggestion.ts";
import { UsageError } from "./user_error.ts";

/** Does what a command's arguments say; answers the exit code. */
export type RunSubcommand = (args: readonly string[], streams: CliStreams) => Promise<number>;

/** A command. */
export interface Subcommand {
  readonly name: string;
  /** For `--help`. */
  readonly summary: string;
  /** Its program, loaded when it is wanted. It has a `--help` of its own. */
  readonly load: () => Promise<RunSubcommand>;
}

const RUN: Subcommand = {
  name: "run",
  summary: "runs a machine in this terminal: all that follows is about it",
  load: async () => (await import("./run_command.ts")).runCommand,
};

/** Every command, in the order of `--help`. */
export const SUBCOMMANDS: readonly Subcommand[] = [
  RUN,
  {
    name: "cache",
    summary: "stored snapshots: lists, explains, removes, checks and moves them",
    load: async () => (await import("./cache/cache_command.ts")).cacheCommand,
  },
];

/**
 * The command that arguments begin with, and what follows it.
 *
 * @throws {UsageError} if they begin with another word
 */
export function chooseSubcommand(
  args: readonly string[],
): { readonly subcommand: Subcommand; readonly rest: readonly string[] } {
  const own = withoutDashes(args);
  const [word = ""] = own;
  const subcommand = SUBCOMMANDS.find(({ name }) => name === word);
  if (subcommand !== undefined) return { subcommand, rest: own.slice(1) };
  // What looks like a file is one for which an option is missing; `run` says which.
  if (/^[a-z]+$/i.test(word)) throw unknownWord(word, SUBCOMMANDS, "command");
  return { subcommand: RUN, rest: own };
}

/** The mistake of a word that names none of `known`. */
export function unknownWord(
  word: string,
  known: readonly { readonly name: string }[],
  what: string,
): UsageError {
  const names = known.map(({ name }) => name);
  const near = suggest(word, names);
  const hint = near === undefined ? `known are ${names.join(", ")}` : `did you mean ${near}?`;
  return new UsageError(`${word}: no such ${what}; ${hint}`);
}
