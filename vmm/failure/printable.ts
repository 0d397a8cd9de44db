/**
 * Console text as it may be shown in a message.
 *
 * @module
 */

/** The text with what would move a terminal's cursor spelled out. */
export function printable(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]/g, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x20 || code > 0xff
      ? JSON.stringify(character).slice(1, -1).replace(
        /^[\u2028\u2029]$/,
        `\\u${code.toString(16)}`,
      )
      : `\\x${code.toString(16)}`;
  });
}
