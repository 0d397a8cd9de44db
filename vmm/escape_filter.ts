/**
 * Tells text from control sequences in a stream of characters.
 *
 * Known are control sequences (`ESC [ … final`), control strings (`ESC ]`, `ESC P`, `ESC X`, `ESC ^`,
 * `ESC _` up to BEL or `ESC \`) and the escape sequences proper, with any intermediate characters
 * (ECMA-48, 5.3 to 5.6; ECMA-35, 13.2). A line feed ends whatever was begun: a program that dies in
 * the middle of a sequence does not make the rest of the log disappear.
 *
 * @module
 */

const ESC = 0x1b;
const BEL = 0x07;
const LF = 0x0a;
const STRING_OPENERS: ReadonlySet<number> = new Set([..."]PX^_"].map((c) => c.charCodeAt(0)));

const isIntermediate = (code: number) => code >= 0x20 && code <= 0x2f;

/** Filter with the state between two characters. */
export class EscapeFilter {
  #state: "text" | "escape" | "sequence" | "string" | "stringEscape" = "text";

  /** Whether a sequence was begun and has not ended: a character may be no text. */
  get isInSequence(): boolean {
    return this.#state !== "text";
  }

  /** Back to the beginning. */
  reset(): void {
    this.#state = "text";
  }

  /** Whether the character is text. */
  accepts(code: number): boolean {
    if (code === LF) this.#state = "text";
    switch (this.#state) {
      case "text":
        if (code !== ESC) return true;
        this.#state = "escape";
        return false;
      case "escape":
        if (code === 0x5b) this.#state = "sequence";
        else if (STRING_OPENERS.has(code)) this.#state = "string";
        else if (!isIntermediate(code)) this.#state = code === ESC ? "escape" : "text";
        return false;
      case "sequence":
        if (code >= 0x40 && code <= 0x7e) this.#state = "text";
        else if (code === ESC) this.#state = "escape";
        return false;
      case "string":
        if (code === BEL) this.#state = "text";
        else if (code === ESC) this.#state = "stringEscape";
        return false;
      case "stringEscape":
        this.#state = code === ESC ? "stringEscape" : "text";
        return false;
    }
  }
}
