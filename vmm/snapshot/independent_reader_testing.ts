/**
 * Runs the reader of snapshots that was written from `docs/snapshot-format.md` alone, in another
 * language.
 *
 * @module
 */

import type { RealSnapshot } from "./real_store_testing.ts";

const PYTHON = "python3";
const SCRIPT = new URL("./independent_reader.py", import.meta.url).pathname;

/** Why it cannot be run here; undefined if it can. */
export function whyNoIndependentReader(): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "run", command: PYTHON });
  if (state !== "granted") return `no permission to run ${PYTHON}`;
  try {
    const { success, stderr } = run("--check");
    return success ? undefined : stderr;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return `${PYTHON} is not installed`;
    throw error;
  }
}

/**
 * What it finds in a snapshot of a store.
 *
 * @throws {Error} with what it says if it refuses the snapshot
 */
export function readIndependently(directory: string, key: string): RealSnapshot {
  return found(directory, key) as RealSnapshot;
}

/** What it finds in a bundle, the lowest snapshot first. Throws as {@link readIndependently}. */
export function readBundleIndependently(path: string): RealSnapshot[] {
  return found(path) as RealSnapshot[];
}

function found(...args: string[]): unknown {
  const { success, stdout, stderr } = run(...args);
  if (!success) throw new Error(stderr);
  return JSON.parse(stdout);
}

function run(...args: string[]): { success: boolean; stdout: string; stderr: string } {
  const { success, stdout, stderr } = new Deno.Command(PYTHON, { args: [SCRIPT, ...args] })
    .outputSync();
  const text = new TextDecoder();
  return { success, stdout: text.decode(stdout), stderr: text.decode(stderr).trim() };
}
