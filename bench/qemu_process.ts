/**
 * A QEMU that keeps running: a person at its console, who can turn to its monitor and back.
 *
 * Both share standard input and output (`-serial mon:stdio`), for a socket of the monitor's own would
 * need permission for the network. Ctrl-A and `c` switch between them.
 *
 * @module
 */

import { ConsoleText } from "./console_text.ts";
import { type Qemu, qemuArguments } from "./qemu.ts";
import type { LinuxWorkload } from "./workload.ts";

/** Turns what is typed from the console to the monitor, or back. */
const SWITCH = "\x01c";
/** What the monitor prints when it waits for a command. */
const MONITOR_PROMPT = "(qemu) ";
/** How long a QEMU that was asked to terminate may take. */
const TERMINATE_TIMEOUT_MS = 5000;

/** The command line for a workload, with the monitor beside the console. */
export function monitoredArguments(workload: LinuxWorkload): string[] {
  return qemuArguments(workload).map((arg) => arg === "stdio" ? "mon:stdio" : arg);
}

/** What the monitor answered to the command before; its editor repaints the line at every key. */
export function monitorAnswer(printed: string): string {
  const begin = printed.indexOf("\n") + 1;
  return printed.slice(begin, printed.lastIndexOf(MONITOR_PROMPT)).trim();
}

/** What came of a command to the monitor. */
export interface MonitorReply {
  readonly answer: string;
  /** When it was typed, by `performance.now()`. */
  readonly startMs: number;
  /** When the monitor was ready for the next. */
  readonly endMs: number;
}

/** A QEMU that was started, and has to be ended. */
export class QemuProcess implements AsyncDisposable {
  readonly #qemu: Qemu;
  readonly #timeoutMs: number;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReadableStreamDefaultReader<Uint8Array>;
  readonly #errors: Promise<string>;
  readonly #console = new ConsoleText();

  /**
   * Starts it.
   *
   * @param timeoutMs real time that it may take to print what is waited for
   */
  constructor(qemu: Qemu, args: readonly string[], timeoutMs: number) {
    this.#qemu = qemu;
    this.#timeoutMs = timeoutMs;
    this.#child = new Deno.Command(qemu.command, {
      args: [...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#output = this.#child.stdout.getReader();
    this.#errors = new Response(this.#child.stderr).text();
  }

  /** Types on the console. */
  async type(text: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(text));
  }

  /**
   * Waits for what is printed behind what was waited for before.
   *
   * @throws {Error} with the end of the console if it does not come in time; QEMU is ended then
   */
  async expect(pattern: RegExp): Promise<void> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#signal("SIGKILL");
    }, this.#timeoutMs);
    try {
      while (!this.#console.consume(pattern)) {
        const { done, value } = await this.#output.read();
        if (done) {
          const when = isLate ? `within ${this.#timeoutMs / 1e3} s` : "before it ended";
          const lastLines = this.#console.text.split("\n").slice(-20).join("\n");
          throw new Error(
            `QEMU ${this.#qemu.version}: did not print ${pattern} ${when}\n` +
              `${await this.#errors}${lastLines}`.trimEnd(),
          );
        }
        this.#console.append(value);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Answers a workload's steps. */
  async converse({ steps }: LinuxWorkload): Promise<void> {
    for (const { expect, send } of steps) {
      await this.expect(new RegExp(expect));
      if (send !== undefined) await this.type(send);
    }
  }

  /**
   * Gives the monitor a command, and goes back to the console.
   *
   * @throws {Error} if the answer is an error
   */
  async command(line: string): Promise<MonitorReply> {
    await this.type(SWITCH);
    await this.expect(/\(qemu\) /);
    const begin = this.#console.text.length;
    const startMs = performance.now();
    await this.type(`${line}\n`);
    await this.expect(/\n\(qemu\) /);
    const endMs = performance.now();
    const answer = monitorAnswer(this.#console.text.slice(begin));
    await this.type(SWITCH);
    if (/^Error: /m.test(answer)) {
      throw new Error(`QEMU ${this.#qemu.version}: ${line}: ${answer}`);
    }
    return { answer, startMs, endMs };
  }

  /** Ends it, if it has not ended by itself; it closes its drives. */
  async [Symbol.asyncDispose](): Promise<void> {
    const timer = setTimeout(() => this.#signal("SIGKILL"), TERMINATE_TIMEOUT_MS);
    this.#signal("SIGTERM");
    // A pipe that nobody reads would hold it up.
    while (!(await this.#output.read()).done);
    await this.#child.status;
    clearTimeout(timer);
    await this.#errors;
    await this.#input.close().catch(() => {});
  }

  #signal(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch (error) {
      // What it says of a process that has ended.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}
