/**
 * A process of ours that saves and restores a nested guest on request (`run_snapshot.ts`).
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import type { SnapshotReplies, SnapshotRequest, SnapshotSettings } from "./run_snapshot.ts";

const PROJECT = fromFileUrl(new URL("..", import.meta.url));

/** One that was started, and has to be ended. */
export class SnapshotProcess implements AsyncDisposable {
  readonly #timeoutMs: number;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReadableStreamDefaultReader<string>;
  readonly #errors: Promise<string>;
  #received = "";

  /**
   * Starts it.
   *
   * @param timeoutMs real time that each request may take
   */
  constructor(settings: SnapshotSettings, timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.#child = new Deno.Command("deno", {
      args: [
        ...["run", "--quiet", "--no-prompt", "--allow-read=.", "--allow-write=bench/.build"],
        ...["bench/run_snapshot.ts", JSON.stringify(settings)],
      ],
      cwd: PROJECT,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#output = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#errors = new Response(this.#child.stderr).text();
  }

  /**
   * Asks for something, and waits for it.
   *
   * @throws {Error} if it fails, or does not come in time; the process has ended then
   */
  async ask<Kind extends SnapshotRequest["kind"]>(
    request: SnapshotRequest & { readonly kind: Kind },
  ): Promise<SnapshotReplies[Kind]> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#kill();
    }, this.#timeoutMs);
    try {
      // A process that has ended says why on standard error.
      await this.#input.write(new TextEncoder().encode(`${JSON.stringify(request)}\n`))
        .catch(() => {});
      while (!this.#received.includes("\n")) {
        const { done, value } = await this.#output.read();
        if (done) {
          const reason = isLate ? `not done after ${this.#timeoutMs / 1e3} s` : await this.#errors;
          throw new Error(`ours, ${request.kind}: ${reason.trim()}`);
        }
        this.#received += value;
      }
    } finally {
      clearTimeout(timer);
    }
    const end = this.#received.indexOf("\n");
    const line = this.#received.slice(0, end);
    this.#received = this.#received.slice(end + 1);
    return JSON.parse(line);
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {});
    while (!(await this.#output.read()).done);
    await this.#child.status;
    await this.#errors;
  }

  #kill(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      // What it says of a process that has ended.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}
