/**
 * For tests against tools of others: whether a tool is there, and running it as a filter.
 *
 * @module
 */

/** Whether a tool can be run; if not, prints why the tests that need it are skipped. */
export function hasTool(tool: string): boolean {
  try {
    new Deno.Command(tool, { args: ["--version"], stdout: "null", stderr: "null" }).outputSync();
    return true;
  } catch (error) {
    console.log(`skipped: cannot run ${tool}: ${(error as Error).message}`);
    return false;
  }
}

/** Whether files can be exchanged with a tool; if not, prints why its tests are skipped. */
export function hasTempDir(): boolean {
  try {
    Deno.removeSync(Deno.makeTempDirSync());
    return true;
  } catch (error) {
    console.log(`skipped: no temporary directory: ${(error as Error).message}`);
    return false;
  }
}

/** Runs a tool with the given standard input; returns its standard output. */
export async function filter(
  tool: string,
  args: string[],
  input: Uint8Array | string,
  cwd?: string | URL,
): Promise<Uint8Array> {
  const child = new Deno.Command(tool, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    ...(cwd === undefined ? {} : { cwd }),
  }).spawn();
  const writer = child.stdin.getWriter();
  const written = writer
    .write(typeof input === "string" ? new TextEncoder().encode(input) : input)
    .then(() => writer.close());
  const [{ success, stdout, stderr }] = await Promise.all([
    child.output(),
    written.catch(() => {}), // a tool that fails early says why on stderr
  ]);
  if (!success) {
    throw new Error(`${tool} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  }
  return stdout;
}
