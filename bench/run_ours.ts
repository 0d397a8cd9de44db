/**
 * One run on our machine, in a process of its own: `deno run --allow-read=. bench/run_ours.ts WORKLOAD`,
 * where WORKLOAD is a {@link Workload} as JSON. Its last line on standard output is the report.
 *
 * @module
 */

import process from "node:process";
import { Machine } from "../mod.ts";
import type { Workload } from "./workload.ts";

/** What is printed at the end. */
export interface OurReport {
  readonly consoleText: string;
  readonly instructions: number;
  readonly peakRssMiB: number;
}

/** Virtual time for one step: far more than any takes. */
const STEP_TIMEOUT_MS = 600_000;

async function execute(workload: Workload): Promise<Machine> {
  const { harts, memMiB } = workload;
  if (workload.kind === "program") {
    const machine = await Machine.create({ harts, memMiB, elf: workload.elf });
    const { finish } = await machine.run();
    if (finish?.kind !== "pass") {
      throw new Error(`${workload.elf} failed with code ${finish?.code}`);
    }
    return machine;
  }
  const { firmware, kernel, initrd, bootargs, steps } = workload;
  const machine = await Machine.create({ harts, memMiB, firmware, kernel, initrd, bootargs });
  for (const { expect, send } of steps) {
    await machine.console.expect(new RegExp(expect), { timeoutMs: STEP_TIMEOUT_MS });
    if (send !== undefined) machine.console.send(send);
  }
  return machine;
}

/** The kernel's own count: `VmHWM`, without the permission that reading `/proc` takes. */
function peakRssMiB(): number {
  return process.resourceUsage().maxRSS / 1024;
}

if (import.meta.main) {
  try {
    using machine = await execute(JSON.parse(Deno.args[0]!));
    const report: OurReport = {
      consoleText: machine.console.transcript,
      instructions: machine.instructions,
      peakRssMiB: peakRssMiB(),
    };
    console.log(JSON.stringify(report));
  } catch (error) {
    console.error((error as Error).message);
    Deno.exit(1);
  }
}
