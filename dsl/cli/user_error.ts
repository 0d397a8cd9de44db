/**
 * Mistakes of the user's: one line on stderr, an exit code, no stack trace.
 *
 * @module
 */

import { EXIT } from "./exit_codes.ts";

/** Something the user can put right; the message says how. */
export class UserError extends Error {
  override readonly name: string = "UserError";

  constructor(message: string, readonly exitCode: number = EXIT.failure, options?: ErrorOptions) {
    super(message, options);
  }
}

/** The command line itself is wrong. */
export class UsageError extends UserError {
  override readonly name = "UsageError";

  constructor(message: string) {
    super(`${message} (--help lists the options)`, EXIT.usage);
  }
}

/** Calls `action`; what goes wrong in it is the user's affair, told in one line after `what`. */
export async function asUserError<T>(
  action: () => T | Promise<T>,
  what = "",
): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new UserError(what + message.replaceAll(/\s*\n\s*/g, " "), EXIT.failure, { cause });
  }
}
