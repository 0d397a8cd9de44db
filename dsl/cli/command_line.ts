/**
 * The command line, with everything outside handed in: finds the command and has it run.
 *
 * @module
 */

import { type CliStreams, say } from "./cli_streams.ts";
import { chooseSubcommand } from "./subcommands.ts";
import { UserError } from "./user_error.ts";

/**
 * Does what the command line says; answers the exit code. A mistake of the user's is one line on stderr;
 * anything else that goes wrong is thrown.
 */
export async function runCommandLine(
  args: readonly string[],
  streams: CliStreams,
): Promise<number> {
  try {
    const { subcommand, rest } = chooseSubcommand(args);
    const run = await subcommand.load();
    return await run(rest, streams);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    say(streams, error.message);
    return error.exitCode;
  }
}
