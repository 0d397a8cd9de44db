/**
 * The command line: text to a checked command. Nothing is opened or read here.
 *
 * @module
 */

import { MAX_HARTS, MAX_MEM_MIB, MIN_MEM_MIB } from "../../vmm/machine_options.ts";
import { parseArguments, withoutDashes } from "./arguments.ts";
import {
  BOOT_APPEND,
  BOOT_HARTS,
  BOOT_MEM_MIB,
  ELF_MEM_MIB,
  OPTIONS,
  type ValueName,
} from "./option_table.ts";
import { UsageError } from "./user_error.ts";

/** What a trace holds. */
export const TRACE_KINDS = ["all", "instructions", "traps"] as const;
/** One of {@link TRACE_KINDS}. */
export type TraceKind = typeof TRACE_KINDS[number];

/** What every machine is given. */
export interface CommonSettings {
  readonly harts: number;
  readonly memMiB: number;
  readonly isa?: string;
  readonly dtb?: string;
  readonly seed?: bigint;
  readonly maxInstructions?: number;
  readonly trace?: { readonly path: string; readonly kind: TraceKind };
  /** Port for gdb; 0 takes a free one. */
  readonly gdbPort?: number;
  readonly dumpFdt?: { readonly path: string; readonly format: "dtb" | "dts" };
}

/** An interactive machine; files that are not named come from the fixtures. */
export interface BootSettings extends CommonSettings {
  readonly kind: "boot";
  readonly kernel?: string;
  /** `null` is none. */
  readonly initrd?: string | null;
  readonly firmware?: string;
  readonly append: string;
}

/** A bare-metal program. */
export interface ElfSettings extends CommonSettings {
  readonly kind: "elf";
  readonly elf: string;
}

/** What the user wants done. */
export type Command = { readonly kind: "help" | "version" } | BootSettings | ElfSettings;

/** The values given, by long name. */
type Values = Partial<Record<ValueName, string>>;

/**
 * Parses and checks the command line.
 *
 * @throws {UsageError} with one line that says what to write instead
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseOptions } from "./options.ts";
 *
 * const command = parseOptions(["--elf", "hello.elf", "-c", "2"]);
 * assertEquals(command, { kind: "elf", elf: "hello.elf", harts: 2, memMiB: 128 });
 * ```
 */
export function parseOptions(args: readonly string[]): Command {
  const { values, switches, others } = parseArguments(withoutDashes(args), OPTIONS);
  if (switches.has("help")) return { kind: "help" };
  if (switches.has("version")) return { kind: "version" };
  const [stray] = others;
  if (stray !== undefined) {
    throw new UsageError(
      `${stray}: unexpected argument; a file goes with an option, as in --elf ${stray}`,
    );
  }
  return values.elf === undefined ? bootSettings(values) : elfSettings(values, values.elf);
}

function bootSettings(values: Values): BootSettings {
  return {
    kind: "boot",
    ...commonSettings(values, BOOT_HARTS, BOOT_MEM_MIB),
    ...(values.kernel === undefined ? {} : { kernel: values.kernel }),
    ...(values.initrd === undefined
      ? {}
      : { initrd: values.initrd === "none" ? null : values.initrd }),
    ...(values.firmware === undefined ? {} : { firmware: values.firmware }),
    append: values.append ?? BOOT_APPEND,
  };
}

function elfSettings(values: Values, elf: string): ElfSettings {
  for (const name of ["kernel", "initrd", "firmware", "append"] as const) {
    if (values[name] !== undefined) {
      throw new UsageError(
        `--elf runs a bare-metal program and --${name} belongs to a Linux boot: leave one of them out`,
      );
    }
  }
  return { kind: "elf", elf, ...commonSettings(values, 1, ELF_MEM_MIB) };
}

function commonSettings(values: Values, harts: number, memMiB: number): CommonSettings {
  const maxInstructions = values["max-instructions"];
  const trace = traceSettings(values);
  const dumpFdt = values["dump-fdt"];
  const { gdb } = values;
  if (gdb !== undefined && trace !== undefined) {
    throw new UsageError("--gdb and --trace both go by single instructions: leave one of them out");
  }
  return {
    harts: integer("harts", values.harts, harts, 1, MAX_HARTS),
    memMiB: integer("memory", values.memory, memMiB, MIN_MEM_MIB, MAX_MEM_MIB),
    ...(values.isa === undefined ? {} : { isa: values.isa }),
    ...(values.dtb === undefined ? {} : { dtb: values.dtb }),
    ...(values.seed === undefined ? {} : { seed: seedValue(values.seed) }),
    ...(maxInstructions === undefined ? {} : {
      maxInstructions: integer("max-instructions", maxInstructions, 0, 1, Number.MAX_SAFE_INTEGER),
    }),
    ...(trace === undefined ? {} : { trace }),
    ...(gdb === undefined ? {} : { gdbPort: integer("gdb", gdb, 0, 0, 0xffff) }),
    ...(dumpFdt === undefined ? {} : { dumpFdt: { path: dumpFdt, format: fdtFormat(dumpFdt) } }),
  };
}

function traceSettings(values: Values): CommonSettings["trace"] {
  const only = values["trace-only"];
  if (values.trace === undefined) {
    if (only === undefined) return undefined;
    throw new UsageError(`--trace-only ${only} needs --trace FILE: the file to write to`);
  }
  if (only === undefined) return { path: values.trace, kind: "all" };
  if (only !== "instructions" && only !== "traps") {
    throw new UsageError(`--trace-only ${only}: give instructions or traps`);
  }
  return { path: values.trace, kind: only };
}

function integer(
  name: ValueName,
  text: string | undefined,
  byDefault: number,
  min: number,
  max: number,
): number {
  if (text === undefined) return byDefault;
  const value = /^\d+(_\d+)*$/.test(text) ? Number(text.replaceAll("_", "")) : NaN;
  if (!(value >= min && value <= max)) {
    const unit = name === "memory" ? " of MiB" : "";
    throw new UsageError(`--${name} ${text}: give a whole number${unit} from ${min} to ${max}`);
  }
  return value;
}

function seedValue(text: string): bigint {
  if (!/^(\d+|0x[0-9a-f]+)$/i.test(text) || BigInt(text) >= 1n << 64n) {
    throw new UsageError(`--seed ${text}: give a whole number below 2^64, decimal or 0x...`);
  }
  return BigInt(text);
}

function fdtFormat(path: string): "dtb" | "dts" {
  const format = /\.(dtb|dts)$/.exec(path)?.[1];
  if (format === undefined) {
    throw new UsageError(
      `--dump-fdt ${path}: let the name end in .dtb (flattened) or .dts (source)`,
    );
  }
  return format as "dtb" | "dts";
}
