/**
 * Where in the user's program something was asked for.
 *
 * @module
 */

/** A line of the user's program. */
export interface SourceLine {
  /** File, line and column, the file as the program's location has it or relative to the working directory. */
  readonly location: string;
  /** The line itself, without spaces around it, if it may be read. */
  readonly text?: string | undefined;
}

/** A call, to be looked at only if something goes wrong. */
export interface CallSite {
  readonly stack?: string | undefined;
}

/** Frames of ours, between the user's and where the call was noted. */
const MOST_FRAMES = 30;
/** The project's own folder, and what of it is no user. */
const ROOT = new URL("../../", import.meta.url).href;
const OURS = /^(?:core|devices|dsl|fixtures|vmm)\/(?!.*(?:_test|_testing)\.ts$)|^mod\.ts$/;

/** Notes who calls. It costs little until it is looked at. */
export function noteCallSite(): CallSite {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = MOST_FRAMES;
  const site = new Error();
  Error.stackTraceLimit = limit;
  return site;
}

/**
 * The innermost frame that is not ours.
 *
 * @param read reads a file; default {@link readIfAllowed}
 */
export function findSourceLine(
  { stack }: CallSite,
  read: (url: URL) => string | undefined = readIfAllowed,
): SourceLine | undefined {
  for (
    const [, file, line, column] of (stack ?? "").matchAll(
      /((?:file|https?|jsr):.*?):(\d+):(\d+)\)?$/gm,
    )
  ) {
    if (file!.startsWith(ROOT) && OURS.test(file!.slice(ROOT.length))) continue;
    const text = read(new URL(file!))?.split("\n")[Number(line) - 1]?.trim();
    const location = `${shortened(file!)}:${line}:${column}`;
    return { location, ...(text === undefined ? {} : { text }) };
  }
  return undefined;
}

/** Files of the project by their path in it; others by their whole one. */
function shortened(file: string): string {
  return file.startsWith(ROOT) ? file.slice(ROOT.length) : file.replace(/^file:\/\//, "");
}

/** Reads a file if that is permitted; nobody is asked. */
function readIfAllowed(url: URL): string | undefined {
  if (url.protocol !== "file:") return undefined;
  try {
    const { state } = Deno.permissions.querySync({ name: "read", path: url });
    return state === "granted" ? Deno.readTextFileSync(url) : undefined;
  } catch {
    return undefined; // without the line, the place is enough
  }
}
