/**
 * Command lines for a POSIX shell, put together from words.
 *
 * @module
 */

/** What may stand in a command's template: a word, or a list of words. */
export type CommandWord = string | number | bigint | readonly (string | number | bigint)[];

const PLAIN = /^[\w@%+=:,./-]+$/;
// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x1f\x7f]/;

/**
 * Quotes a word. Control characters become escapes of `$'…'`, which busybox's shell and bash know: a
 * terminal would take them for keys.
 *
 * @throws {TypeError} if it has a NUL, which no argument can have
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { quote } from "./command_line.ts";
 *
 * assertEquals(quote("it's"), `'it'\\''s'`);
 * assertEquals(quote("/apps/Image"), "/apps/Image");
 * assertEquals(quote("two\nlines"), "$'two\\nlines'");
 * ```
 */
export function quote(word: string): string {
  if (PLAIN.test(word)) return word;
  if (!CONTROL.test(word)) return `'${word.replaceAll("'", "'\\''")}'`;
  if (word.includes("\0")) throw new TypeError(`A word has a NUL: ${JSON.stringify(word)}`);
  // deno-lint-ignore no-control-regex
  return `$'${word.replaceAll(/[\\'\x01-\x1f\x7f]/g, escape)}'`;
}

function escape(character: string): string {
  if (character === "\\" || character === "'") return `\\${character}`;
  if (character === "\n") return "\\n";
  // Three octal digits always, as a digit may follow.
  return `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`;
}

/**
 * Puts a command line together from a template: what is interpolated is quoted, lists are words.
 *
 * @throws {TypeError} if something other than text, a number or a list of these is interpolated
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { commandLine } from "./command_line.ts";
 *
 * const files = ["a b", "c"];
 * assertEquals(commandLine`ls -l ${files} > ${"/tmp/x"}`, "ls -l 'a b' c > /tmp/x");
 * ```
 */
export function commandLine(
  strings: TemplateStringsArray,
  ...values: readonly CommandWord[]
): string {
  return strings.reduce((line, text, index) => line + quoteWords(values[index - 1]!) + text);
}

function quoteWords(value: CommandWord): string {
  if (value instanceof Array) return value.map((word) => quoteWords(word)).join(" ");
  if (typeof value === "string" || typeof value === "number" || typeof value === "bigint") {
    return quote(String(value));
  }
  throw new TypeError(
    `A command takes text, numbers and lists of these, not ${
      value === null ? value : typeof value
    }`,
  );
}
