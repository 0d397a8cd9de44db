/**
 * Runs a workload on our machine in a fresh process.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import type { OurReport, OurRequest } from "./run_ours.ts";
import type { OurRunResult, Workload } from "./workload.ts";

const PROJECT = fromFileUrl(new URL("..", import.meta.url));

/** Runs a workload once; `timeoutSeconds` is real time. */
export async function runOurs(
  workload: Workload,
  jit: string,
  timeoutSeconds: number,
): Promise<OurRunResult> {
  const signal = AbortSignal.timeout(timeoutSeconds * 1e3);
  const start = performance.now();
  const child = new Deno.Command("deno", {
    args: ["run", "--quiet", "--no-prompt", "--allow-read=.", "bench/run_ours.ts"],
    cwd: PROJECT,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    signal,
  }).spawn();
  const request: OurRequest = { workload, jit };
  const input = new Blob([JSON.stringify(request)]).stream().pipeTo(child.stdin);
  // A process that ends before it has read everything has said why on standard error.
  const [{ success, stdout, stderr }] = await Promise.all([child.output(), input.catch(() => {})]);
  const seconds = (performance.now() - start) / 1e3;
  if (signal.aborted) throw new Error(`ours: not done after ${timeoutSeconds} s`);
  if (!success) throw new Error(`ours: ${new TextDecoder().decode(stderr).trim()}`);
  const report: OurReport = JSON.parse(new TextDecoder().decode(stdout));
  return { seconds, ...report };
}
