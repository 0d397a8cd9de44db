/**
 * The command line of `deno task bench`.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { parseJitSetting } from "../core/jit/jit_options.ts";

/** What the command line asks for. */
export interface BenchArguments {
  /** How often each engine runs each measure. */
  readonly pairs: number;
  /** Names of measures or of groups of them; all if empty. */
  readonly only: readonly string[];
  /** QEMUs to compare with; the default one if empty. */
  readonly qemus: readonly string[];
  /** Translation in our machine, as `HIMAWARI_JIT` has it. */
  readonly jit: string;
  /** How many guests `guests-50` boots. */
  readonly guests: number;
  /** Real time that one run may take. */
  readonly timeoutSeconds: number;
  readonly list: boolean;
  readonly help: boolean;
}

/** What `--help` prints. */
export const USAGE = `Usage: deno task bench [OPTIONS]

Times our machine and QEMU in turn. JSON lines on standard output, a table on standard error.

  --pairs N          runs of each engine for each measure (default 5)
  --only MEASURE     only this measure, or a group of them: cpu; may be repeated
  --qemu PATH        QEMU to compare with (default: environment variable QEMU, else
                     qemu-system-riscv64 on the PATH); repeated, the faster one counts
  --jit SETTING      translation in our machine: off, always, default, or how often a place
                     is reached before it is translated
  --guests N         guests that guests-50 boots (default 50)
  --timeout SECONDS  the longest that a run may take (default 600); guests-50 has as much
                     for ten guests
  --list             print the names of the measures
  --help             print this`;

const STRING_OPTIONS = ["pairs", "only", "qemu", "jit", "guests", "timeout"] as const;

function parsePositive(option: string, text: string, isWhole: boolean): number {
  const value = Number(text);
  if (text.trim() === "" || !(value > 0 && value <= 1e6) || (isWhole && !Number.isInteger(value))) {
    const expected = isWhole ? "whole number" : "number";
    throw new TypeError(`${option} ${JSON.stringify(text)}: expected a positive ${expected}`);
  }
  return value;
}

/**
 * Parses the command line.
 *
 * @param environmentQemu value of the environment variable QEMU
 * @throws {TypeError} if an option is unknown or malformed, or no measure has a name given
 */
export function parseArguments(
  args: readonly string[],
  measures: readonly string[],
  environmentQemu?: string,
): BenchArguments {
  // `deno task bench -- --pairs 2` hands the dashes on.
  const own = args[0] === "--" ? args.slice(1) : args;
  const parsed = parseArgs([...own], {
    string: [...STRING_OPTIONS],
    boolean: ["list", "help"],
    collect: [...STRING_OPTIONS],
    unknown: (argument: string) => {
      throw new TypeError(`unknown argument ${argument}; --help lists the options`);
    },
  });
  const values = (option: typeof STRING_OPTIONS[number]): string[] => {
    const given: string[] = parsed[option];
    if (given.includes("")) throw new TypeError(`--${option} needs a value`);
    return given;
  };
  const single = (option: typeof STRING_OPTIONS[number]): string | undefined => {
    const given = values(option);
    if (given.length > 1) throw new TypeError(`--${option} given twice`);
    return given[0];
  };
  const only = values("only");
  for (const name of only) {
    if (!measures.some((measure) => isSelected(measure, [name]))) {
      throw new TypeError(`no measure ${name}; there are: ${measures.join(", ")}`);
    }
  }
  const qemus = values("qemu");
  const jit = single("jit") ?? "default";
  parseJitSetting(jit, "--jit");
  return {
    pairs: parsePositive("--pairs", single("pairs") ?? "5", true),
    only,
    qemus: qemus.length > 0 || !environmentQemu ? qemus : [environmentQemu],
    jit,
    guests: parsePositive("--guests", single("guests") ?? "50", true),
    timeoutSeconds: parsePositive("--timeout", single("timeout") ?? "600", false),
    list: parsed.list,
    help: parsed.help,
  };
}

/** Whether a measure is among those asked for: by its name, or by the group before a slash. */
export function isSelected(measure: string, only: readonly string[]): boolean {
  return only.length === 0 ||
    only.some((name) => measure === name || measure.startsWith(`${name}/`));
}
