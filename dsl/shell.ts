/**
 * A POSIX shell that sits on a serial console, as busybox's does.
 *
 * A command is typed between two marks that the shell prints and the typed line does not contain, so
 * that neither the echo of the line, however it wraps, nor a prompt is taken for output.
 *
 * @module
 */

import type { ConsoleMatch } from "../vmm/transcript.ts";
import type { ExpectOptions } from "../vmm/console.ts";
import { MachineError } from "../vmm/verdict.ts";
import { commandLine, type CommandWord, quote } from "./command_line.ts";

/** What a command did. */
export interface CommandResult {
  /** Exit status. */
  readonly code: number;
  /**
   * What it printed, without a newline at the end. What the kernel says meanwhile is part of it;
   * `dmesg -n 1` keeps the kernel quiet.
   */
  readonly out: string;
}

/** Options of a command. */
export interface CommandOptions {
  /** How long it may take, in milliseconds of virtual time. Default 60,000. */
  readonly timeoutMs?: number;
}

/** What a shell needs of a console. */
export interface ShellConsole {
  send(text: string): void;
  readonly sentBytes: number;
  expect(pattern: string | RegExp, options?: ExpectOptions): Promise<ConsoleMatch>;
}

/** Busybox's prompt, `\w \$ `: what the shell prints before it reads a line. */
export const PROMPT = /(?:^|\n)(?:~|~?\/[^\n ]*) [#$] $/;

/** Busybox's line editor drops what is typed beyond 1,023 characters. */
const MAX_LINE = 1000;

/** Characters that could end a command, or what follows it, other than as meant. */
const NEEDS_EVAL = /[&#;'"`\\(){}]/;

/** A kernel message, which may come between any two characters. */
const KERNEL_MESSAGE = "(?:\\[ *\\d+\\.\\d{6}\\][^\\n]*\\n)?";

/** A pattern for text that kernel messages may interrupt. */
function interruptible(...parts: readonly (string | RegExp)[]): RegExp {
  const pieces = parts.flatMap((part) => part instanceof RegExp ? [part.source] : [...part]);
  return new RegExp(pieces.join(KERNEL_MESSAGE));
}

/** A shell, driven through its console. */
export class Shell {
  readonly #console: ShellConsole;
  readonly #prompt: RegExp;
  #commands = 0;
  /** How much had been typed when the shell was last seen at its prompt. */
  #promptAfterBytes: number | undefined;

  /** `prompt` is what it prints before it reads a line; default {@link PROMPT}. */
  constructor(console: ShellConsole, prompt: RegExp = PROMPT) {
    this.#console = console;
    this.#prompt = prompt;
  }

  /** Waits for the prompt; returns at once if nothing was typed since it was last seen. */
  async ready(options: CommandOptions = {}): Promise<void> {
    if (this.#console.sentBytes === this.#promptAfterBytes) return;
    await this.#awaitPrompt({ what: "the shell's prompt", ...options });
  }

  /** As {@link run}, with the line as a template: what is interpolated is quoted. */
  async sh(
    strings: TemplateStringsArray,
    ...values: readonly CommandWord[]
  ): Promise<CommandResult> {
    return await this.run(commandLine(strings, ...values));
  }

  /**
   * Runs one command line and waits for its end. The shell is at its prompt.
   *
   * @throws {TypeError} if the line is empty or has control characters
   * @throws {RangeError} if the line is longer than the shell's editor takes
   * @throws {MachineError} as `console.expect`
   */
  async run(line: string, options: CommandOptions = {}): Promise<CommandResult> {
    checkLine(line);
    const id = ++this.#commands;
    const body = NEEDS_EVAL.test(line) ? `eval ${quote(line)}` : line;
    const typed = `echo "@${id}<"@; ${body}; echo "@${id}>"$?@`;
    if (typed.length > MAX_LINE) {
      throw new RangeError(
        `A command of ${line.length} characters is too long to be typed (about 900 are possible): ` +
          "put it into a file of the host's `files` and run that",
      );
    }
    this.#console.send(`${typed}\n`);
    const what = `the end of command ${JSON.stringify(line)}`;
    const expect = (pattern: RegExp) => this.#console.expect(pattern, { what, ...options });
    try {
      await expect(interruptible("\n", `@${id}<@\n`));
      const end = await expect(interruptible(`@${id}>`, /(\d+)/, "@\n"));
      await this.#awaitPrompt({ what, ...options });
      return { code: Number(end.groups[0]), out: end.before.replace(/\n$/, "") };
    } catch (error) {
      throw explain(error, what, this.#prompt);
    }
  }

  async #awaitPrompt(options: ExpectOptions): Promise<void> {
    await this.#console.expect(this.#prompt, options);
    this.#promptAfterBytes = this.#console.sentBytes;
  }
}

/** Says what the console looks like when a command does not end. */
function explain(error: unknown, what: string, prompt: RegExp): unknown {
  if (!(error instanceof MachineError)) return error;
  if (error.verdict !== "virtual-timeout" && error.verdict !== "deadlock") return error;
  const text = error.lastLines.join("\n");
  if (prompt.test(text)) {
    const why = "the shell is at its prompt, but did not finish the line: a syntax error, or exit";
    return new MachineError(`${what}: ${why}`, error, { cause: error });
  }
  if (text.endsWith("\n> ")) {
    const why = "the shell waits for the rest of the line: a here-document?";
    return new MachineError(`${what}: ${why}`, error, { cause: error });
  }
  return error;
}

function checkLine(line: string): void {
  if (line.trim() === "") throw new TypeError("A command is empty");
  // deno-lint-ignore no-control-regex
  const control = /[\x00-\x1f\x7f]/.exec(line)?.[0];
  if (control === undefined) return;
  throw new TypeError(
    `A command is one line without control characters, and ${JSON.stringify(line)} has ` +
      `${
        JSON.stringify(control)
      }: interpolate such text as \${value}, or in a template write two ` +
      "backslashes for one of the shell's",
  );
}
