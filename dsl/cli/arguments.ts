/**
 * Arguments of a command by the table of its options: values, switches, and what is neither.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import type { OptionRow } from "./option_table.ts";
import { suggest } from "./suggestion.ts";
import { UsageError } from "./user_error.ts";

/** These win over all else, mistakes too. */
const WINNING = ["help", "version"];

/** Long names of the options with a value; any text if the options are not known by their names. */
export type ValueName<Row extends OptionRow> = OptionRow extends Row ? string
  : Extract<Row, { value: string }>["name"];

/** Arguments, taken apart. */
export interface ParsedArguments<Row extends OptionRow = OptionRow> {
  /** Values by the long name of their option. */
  readonly values: { readonly [name in ValueName<Row>]?: string };
  /** Long names of the switches that are there. */
  readonly switches: ReadonlySet<string>;
  /** What belongs to no option, in order. */
  readonly others: readonly string[];
}

/** `deno task run -- --help` hands over the two dashes too. */
export function withoutDashes(args: readonly string[]): readonly string[] {
  return args[0] === "--" ? args.slice(1) : args;
}

/**
 * Takes arguments apart. With `--help` or `--version`, the rest is left out and may be wrong.
 *
 * @throws {UsageError} for options that are unknown, given twice or without their value
 */
export function parseArguments<const Row extends OptionRow>(
  args: readonly string[],
  rows: readonly Row[],
): ParsedArguments<Row> {
  const valued = rows.filter(({ value }) => value !== undefined);
  const names = valued.map(({ name }) => name);
  const strays: string[] = [];
  const parsed: Record<string, unknown> = parseArgs([...args], {
    string: names,
    boolean: rows.filter(({ value }) => value === undefined).map(({ name }) => name),
    collect: names,
    alias: Object.fromEntries(rows.flatMap(({ name, short }) => short ? [[name, short]] : [])),
    "--": true,
    unknown: (arg: string) => {
      strays.push(arg);
      return false;
    },
  });
  const switches = new Set(
    rows.filter(({ name, value }) => value === undefined && parsed[name] === true)
      .map(({ name }) => name),
  );
  const values: { [name in ValueName<Row>]?: string } = {};
  if (WINNING.some((name) => switches.has(name))) return { values, switches, others: [] };
  for (const row of valued) {
    const value = oneValue(row, parsed[row.name] as readonly string[], args);
    if (value !== undefined) values[row.name as ValueName<Row>] = value;
  }
  const unknown = strays.find((arg) => arg.startsWith("-") && arg !== "-");
  if (unknown !== undefined) throw unknownOption(unknown, rows);
  // An empty argument is a value that the parser took for none: `oneValue` has judged it.
  const others = [...strays, ...parsed["--"] as string[]].filter((arg) => arg !== "");
  return { values, switches, others };
}

/** The one value of an option, if it was given. */
function oneValue(
  { name, short, value: valueName, mayBeEmpty = false }: OptionRow,
  given: readonly string[],
  args: readonly string[],
): string | undefined {
  if (given.length === 0) return undefined;
  if (given.length > 1) {
    throw new UsageError(`--${name} is given ${given.length} times: give it once`);
  }
  const spellings = [`--${name}`, `-${short}`];
  const at = args.findIndex((arg) => spellings.includes(arg));
  const next = args[at + 1];
  if (at >= 0 && (next === undefined || next.startsWith("-"))) {
    const dash = next === undefined ? "" : `; if it begins with a dash, write --${name}=${next}`;
    throw new UsageError(`--${name} needs a value: --${name} ${valueName}${dash}`);
  }
  const [value] = given;
  if (value === "" && !mayBeEmpty) {
    throw new UsageError(`--${name}: its value is empty; leave the option out for the default`);
  }
  return value;
}

function unknownOption(arg: string, rows: readonly OptionRow[]): UsageError {
  const isLong = arg.startsWith("--");
  const typed = arg.replace(/^-+/, "").replace(/=.*/, "");
  const name = suggest(typed, rows.map((option) => option.name));
  const hint = name !== undefined && (isLong || typed.length > 1)
    ? `; did you mean --${name}?`
    : "";
  return new UsageError(`${arg.replace(/=.*/, "")}: no such option${hint}`);
}
