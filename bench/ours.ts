/**
 * Runs a workload on our machine in a fresh process.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import type { OurReport } from "./run_ours.ts";
import type { OurRunResult, Workload } from "./workload.ts";

const PROJECT = fromFileUrl(new URL("..", import.meta.url));

/** Runs a workload once; `timeoutSeconds` is real time. */
export async function runOurs(workload: Workload, timeoutSeconds: number): Promise<OurRunResult> {
  const signal = AbortSignal.timeout(timeoutSeconds * 1e3);
  const start = performance.now();
  const child = new Deno.Command("deno", {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--allow-read=.",
      "bench/run_ours.ts",
      JSON.stringify(workload),
    ],
    cwd: PROJECT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal,
  });
  const { success, stdout, stderr } = await child.output();
  const seconds = (performance.now() - start) / 1e3;
  if (signal.aborted) throw new Error(`ours: not done after ${timeoutSeconds} s`);
  if (!success) throw new Error(`ours: ${new TextDecoder().decode(stderr).trim()}`);
  const report: OurReport = JSON.parse(new TextDecoder().decode(stdout));
  return { seconds, ...report };
}
