/**
 * Lines of help texts: options and commands in columns.
 *
 * @module
 */

import type { OptionRow } from "./option_table.ts";

const COLUMN = 26;

/** The lines of an option. */
export function optionLines(row: OptionRow): string {
  const short = row.short === undefined ? "    " : `-${row.short}, `;
  const left = `  ${short}--${row.name}${row.value === undefined ? "" : ` ${row.value}`}`;
  const [first, ...rest] = row.help.split("\n");
  const gap = left.length < COLUMN + 4
    ? left.padEnd(COLUMN + 4)
    : `${left}\n${" ".repeat(COLUMN + 4)}`;
  return [gap + first, ...rest.map((line) => " ".repeat(COLUMN + 4) + line)].join("\n");
}

/** The line of a command. */
export function commandLine({ name, summary }: { name: string; summary: string }): string {
  return `  ${name.padEnd(COLUMN)}  ${summary}`;
}
