/**
 * `himawari run`: a machine in this terminal, or a bare-metal program.
 *
 * @module
 */

import project from "../../deno.json" with { type: "json" };
import { Machine } from "../../vmm/machine.ts";
import { runBareMetal } from "./bare_metal.ts";
import { type CliStreams, say, writeText } from "./cli_streams.ts";
import { ConsoleOutput } from "./console_output.ts";
import { EXIT } from "./exit_codes.ts";
import { debugMachine } from "./debugger.ts";
import { dumpFdt } from "./dump_fdt.ts";
import { HELP } from "./help.ts";
import { runInteractive } from "./interactive.ts";
import { LineFile } from "./line_file.ts";
import { machineOptions } from "./machine_settings.ts";
import { type BootSettings, type ElfSettings, parseOptions } from "./options.ts";
import { reportEnd, type RunEnd } from "./run_end.ts";
import { SignalWatch } from "./signals.ts";
import { summaryLine } from "./summary.ts";
import { Terminal } from "./terminal.ts";
import { Tracer } from "./trace.ts";
import { asUserError } from "./user_error.ts";

/** Does what the options say; answers the exit code. */
export async function runCommand(args: readonly string[], streams: CliStreams): Promise<number> {
  const command = parseOptions(args);
  switch (command.kind) {
    case "help":
      writeText(streams.stdout, HELP);
      return EXIT.success;
    case "version":
      writeText(streams.stdout, `himawari ${project.version}\n`);
      return EXIT.success;
    default:
      return await runMachine(command, streams);
  }
}

async function runMachine(
  settings: BootSettings | ElfSettings,
  streams: CliStreams,
): Promise<number> {
  using machine = await asUserError(async () => Machine.create(await machineOptions(settings)));
  if (settings.dumpFdt !== undefined) {
    await dumpFdt(machine, settings.dumpFdt);
    return EXIT.success;
  }
  const output = new ConsoleOutput(machine.console, streams.stdout);
  if (settings.gdbPort !== undefined) {
    const left = await debugMachine(machine, settings.gdbPort, output, streams);
    if (left === "killed") return EXIT.success;
  }
  const end = await withTrace(
    machine,
    settings,
    () =>
      settings.kind === "elf"
        ? bareMetal(machine, settings, output)
        : interactive(machine, settings, output, streams),
  );
  const { code, message } = reportEnd(end);
  if (message !== undefined) say(streams, message);
  return code;
}

/** Traces what `run` does, if the user wants a trace. */
async function withTrace(
  machine: Machine,
  { trace }: BootSettings | ElfSettings,
  run: () => Promise<RunEnd>,
): Promise<RunEnd> {
  if (trace === undefined) return await run();
  const what = `--trace ${trace.path}: `;
  using file = await asUserError(() => new LineFile(trace.path), what);
  const tracer = new Tracer(machine.harts, trace.kind, (line) => file.write(line));
  try {
    return await run();
  } finally {
    tracer.finish();
    await asUserError(() => file.flush(), what);
  }
}

async function bareMetal(
  machine: Machine,
  settings: ElfSettings,
  output: ConsoleOutput,
): Promise<RunEnd> {
  using signals = new SignalWatch();
  return await runBareMetal(machine, output, signals, settings.maxInstructions);
}

async function interactive(
  machine: Machine,
  settings: BootSettings,
  output: ConsoleOutput,
  streams: CliStreams,
): Promise<RunEnd> {
  const startMs = performance.now();
  let outcome;
  {
    using terminal = new Terminal(streams.stdin, (text) => writeText(streams.stderr, text));
    using signals = new SignalWatch(() => terminal.wake());
    outcome = await runInteractive(machine, terminal, output, signals, settings.maxInstructions);
  }
  const wallMs = performance.now() - startMs;
  say(streams, summaryLine(machine, wallMs, outcome.mips));
  return outcome.end;
}
