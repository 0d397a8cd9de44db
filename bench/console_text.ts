/**
 * Reads a console from a stream of bytes, and waits for what it prints.
 *
 * @module
 */

/** Terminal control sequences that shells print: a CSI with its parameters (ECMA-48, 5.4). */
// deno-lint-ignore no-control-regex
const CONTROL_SEQUENCE = /\x1b\[[0-?]*[ -/]*[@-~]/g;
/** One that has begun and goes on in bytes that are yet to come. */
// deno-lint-ignore no-control-regex
const UNFINISHED_SEQUENCE = /\x1b(?:\[[0-?]*[ -/]*)?$/;

/** What a console has printed, without carriage returns and control sequences. */
export class ConsoleText {
  readonly #decoder = new TextDecoder();
  #pending = "";
  #text = "";
  #consumed = 0;

  /** Takes over bytes as they come; a sequence may be split between two calls. */
  append(bytes: Uint8Array): void {
    const text = this.#pending + this.#decoder.decode(bytes, { stream: true });
    const end = UNFINISHED_SEQUENCE.exec(text)?.index ?? text.length;
    this.#pending = text.slice(end);
    this.#text += text.slice(0, end).replace(CONTROL_SEQUENCE, "").replaceAll("\r", "");
  }

  /** Everything so far. */
  get text(): string {
    return this.#text;
  }

  /** Looks for a pattern behind what the call before found. */
  consume(pattern: RegExp): boolean {
    const match = pattern.exec(this.#text.slice(this.#consumed));
    if (match === null) return false;
    this.#consumed += match.index + match[0].length;
    return true;
  }
}
