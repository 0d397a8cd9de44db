/**
 * A machine: harts, RAM, chips, what it boots, and its console.
 *
 * @module
 */

import { HartArray, type RunResult } from "../core/hart_array.ts";
import type { FinishRequest } from "../devices/test_finisher.ts";
import { type Board, createBoard } from "./board.ts";
import { type BootImage, createBootImage } from "./boot_image.ts";
import { Console, type Wait } from "./console.ts";
import { type FdtTree, readDtb } from "./fdt/mod.ts";
import { Htif } from "./htif.ts";
import { type CheckedOptions, checkOptions, type MachineOptions } from "./machine_options.ts";
import { optionalExtensionsOf } from "./isa_string.ts";
import { describePanic, readPanicReport } from "./kernel_panic.ts";
import { BOARD, RAM_BASE } from "./memory_map.ts";
import { MachineError, type Verdict } from "./verdict.ts";

const MIB = 1 << 20;
/** The event loop gets a turn after so many instructions: a tenth of a second or less. */
const CHUNK_INSTRUCTIONS = 5_000_000;
/** How often a program's `tohost` is looked at. */
const HTIF_INSTRUCTIONS = 2_000;
/** A panicking kernel goes on to print where it was. */
const PANIC_REPORT_MS = 50;
const MESSAGE_LINES = 30;

/** When {@link Machine.run} is to come back, besides when the machine ends. */
export type RunUntil =
  /** Only when the guest powered off or failed. */
  | "finished"
  /** When every hart waits and nothing is scheduled. */
  | "idle"
  /** When so many instructions were executed since power-on. */
  | { readonly instructions: number }
  /** At a virtual time since power-on. */
  | { readonly virtualMs: number };

/** How a run came to its end. */
export interface RunOutcome {
  readonly reason: "finished" | "idle" | "instructions" | "time";
  /** What the guest asked for, if it ended the machine. */
  readonly finish?: FinishRequest;
}

/**
 * A RISC-V machine.
 *
 * Nothing runs by itself: {@link Machine.run} and the console's `expect` execute instructions until what
 * they wait for has come. Limitation: one machine uses one thread.
 *
 * @example
 * ```ts ignore
 * const machine = await Machine.create({ memMiB: 256, firmware, kernel, initrd, bootargs: "console=ttyS0" });
 * await machine.console.expect("~ # ");
 * machine.console.send("uname -m\n");
 * await machine.console.expect("riscv64");
 * machine.close();
 * ```
 */
export class Machine implements Disposable {
  /** The first serial port. */
  readonly console: Console;
  /** The harts and all that executes; for tools that look inside. */
  readonly harts: HartArray;

  readonly #image: BootImage;
  readonly #board: Board;
  readonly #htif: Htif | undefined;
  #finish: FinishRequest | undefined;
  #closed = false;
  #busy = false;

  private constructor(options: CheckedOptions, image: BootImage) {
    this.#image = image;
    this.harts = new HartArray({
      harts: options.harts,
      ramBase: RAM_BASE,
      ramSizeBytes: options.memMiB * MIB,
      rom: { base: BOARD.mrom.base, bytes: image.rom },
      extensions: optionalExtensionsOf(options.isa),
      jit: options.jit,
    });
    this.#board = createBoard(this.harts, (request) => {
      this.#finish = request;
      this.harts.requestStop();
    });
    this.console = new Console({
      runUntil: (wait) => this.#runUntil(wait),
      stop: () => this.harts.requestStop(),
      failure: (verdict, summary) => this.#failure(verdict, summary),
    }, this.#board.uart);
    const { elf } = image;
    if (elf?.tohost !== undefined) this.#htif = new Htif(this.harts, elf.tohost, elf.fromhost);
    this.#loadRam();
    image.checkLoaded?.((physAddr, sizeBytes) => this.harts.ramAt(physAddr, sizeBytes)!);
  }

  /**
   * Builds a machine and places everything in its memory; it has executed nothing yet.
   *
   * @throws {RangeError} if a number is out of range, or something does not fit in RAM: the message says
   * how much memory would do
   * @throws {SyntaxError} if a file is malformed, naming the file and where
   * @throws {TypeError} if options do not go together
   * @throws {Deno.errors.NotFound} if a file does not exist
   */
  static async create(options: MachineOptions): Promise<Machine> {
    const checked = checkOptions(options);
    return new Machine(checked, await createBootImage(checked));
  }

  /** The device tree that firmware is handed. */
  get fdt(): FdtTree {
    return readDtb(this.#image.dtb);
  }

  /** The same, flattened. */
  get dtb(): Uint8Array<ArrayBuffer> {
    return this.#image.dtb.slice();
  }

  /** Virtual milliseconds since power-on. */
  get virtualMs(): number {
    return this.harts.nowNs / 1e6;
  }

  /** Instructions executed since power-on by all harts. */
  get instructions(): number {
    return this.harts.instructions;
  }

  /** How the guest ended the machine, if it did. */
  get finish(): FinishRequest | undefined {
    return this.#finish;
  }

  /**
   * SHA-256 over RAM, harts and clock, in hexadecimal: equal for machines in the same state.
   */
  async stateHash(): Promise<string> {
    const { module } = this.harts;
    const stride = module.layout("HART_STRIDE");
    const hartBytes = module.layout("Hart_sizeBytes");
    const digests: Uint8Array[] = [
      new Uint8Array(await crypto.subtle.digest("SHA-256", module.ram)),
    ];
    for (let id = 0; id < this.harts.hartCount; id++) {
      const at = module.layout("HARTS_BASE") + id * stride;
      const state = module.bytes.slice(at, at + hartBytes);
      // Which translation contexts are in use is no state of the guest's.
      const view = new DataView(state.buffer);
      for (const field of ["fetchContext", "dataContext", "contextClock"]) {
        view.setUint32(module.layout(`Hart_${field}`), 0, true);
      }
      view.setBigUint64(module.layout("Hart_xsink"), 0n, true);
      digests.push(state);
    }
    digests.push(new TextEncoder().encode(String(this.harts.nowNs)));
    const all = new Uint8Array(digests.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of digests) {
      all.set(part, at);
      at += part.length;
    }
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", all));
    return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /**
   * Executes until `until`, or until the guest ends the machine.
   *
   * @throws {RangeError} if `until` names a number that is none, or negative
   * @throws {TypeError} if `until` is something else, or the machine is closed, or runs already
   */
  async run(options: { readonly until?: RunUntil } = {}): Promise<RunOutcome> {
    const until = checkUntil(options.until ?? "finished");
    using _turn = this.#takeTurn();
    let endInstructions = Infinity;
    let timeUp = false;
    let event;
    if (typeof until === "object") {
      if ("instructions" in until) endInstructions = until.instructions;
      else {
        event = this.harts.clock.schedule(BigInt(Math.ceil(until.virtualMs * 1e6)), () => {
          timeUp = true;
          this.harts.requestStop();
        });
      }
    }
    try {
      while (true) {
        if (this.#hasFinished()) return { reason: "finished", finish: this.#finish! };
        if (timeUp) return { reason: "time" };
        if (this.instructions >= endInstructions) return { reason: "instructions" };
        // Input that the guest has no room for does not wake it either.
        if (this.#step(endInstructions - this.instructions) === "idle") return { reason: "idle" };
        await eventLoopTurn();
      }
    } finally {
      event?.cancel();
    }
  }

  /** Ends the machine; its memory is given back. Harmless when repeated. */
  close(): void {
    this.#closed = true;
  }

  /** As {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #takeTurn(): Disposable {
    if (this.#closed) throw new TypeError("The machine is closed");
    if (this.#busy) throw new TypeError("The machine runs already: await the call before");
    this.#busy = true;
    return {
      [Symbol.dispose]: () => {
        this.#busy = false;
      },
    };
  }

  /** Executes a chunk. */
  #step(maxInstructions: number, untilNs = Infinity): RunResult {
    const chunk = this.#htif === undefined ? CHUNK_INSTRUCTIONS : HTIF_INSTRUCTIONS;
    let left = Math.min(CHUNK_INSTRUCTIONS, maxInstructions);
    while (left > 0) {
      const result = this.harts.run(Math.min(chunk, left), untilNs);
      const request = this.#htif?.poll((byte) => this.#board.uart.onTransmit(byte));
      if (request !== undefined) this.#finish = request;
      if (this.#finish !== undefined) return "stopped";
      if (result !== "budget") return result;
      left -= chunk;
    }
    return "budget";
  }

  /** Whether the guest ended the machine; a reset starts it anew. */
  #hasFinished(): boolean {
    if (this.#finish === undefined) return false;
    if (this.#finish.kind !== "reset") return true;
    this.#finish = undefined;
    for (const { device } of this.harts.bus.mappings) device.reset();
    this.harts.resetHarts();
    this.#loadRam();
    this.harts.flushTranslations();
    return false;
  }

  #loadRam(): void {
    for (const { physAddr, bytes, memSizeBytes } of this.#image.segments) {
      const target = this.harts.ramAt(physAddr, Math.max(bytes.length, memSizeBytes));
      if (target === undefined) {
        throw new RangeError(
          `Cannot load ${bytes.length} bytes at 0x${physAddr.toString(16)}: not in RAM`,
        );
      }
      if (bytes instanceof Uint8Array) target.set(bytes);
      else bytes.copyTo(target);
      target.fill(0, bytes.length);
    }
  }

  async #runUntil(wait: Wait): Promise<void> {
    const { timeoutMs, what } = wait;
    if (!(timeoutMs > 0)) {
      throw new RangeError(`${what}: timeoutMs ${timeoutMs} is no positive number`);
    }
    using _turn = this.#takeTurn();
    const untilNs = this.#afterMs(timeoutMs);
    this.console.await(wait);
    try {
      while (true) {
        if (wait.isDone()) return;
        if (this.console.panicAt !== undefined) {
          if (this.#waitPastPanic(wait)) return;
          throw this.#panic(what);
        }
        if (wait.isRuledOut()) return;
        if (this.#hasFinished()) {
          throw this.#failure("finished", `${what}: ${describeFinish(this.#finish!)} first`);
        }
        if (this.harts.nowNs >= untilNs) {
          throw this.#failure(
            "virtual-timeout",
            `${what}: nothing matched within ${timeoutMs} ms of virtual time`,
          );
        }
        if (this.#step(Infinity, untilNs) === "idle") {
          throw this.#failure(
            "deadlock",
            `${what}: every hart waits for an interrupt and none can come`,
          );
        }
        await eventLoopTurn();
      }
    } finally {
      this.console.await(undefined);
    }
  }

  /** The virtual time so many milliseconds from now, in nanoseconds. */
  #afterMs(virtualMs: number): number {
    return this.harts.nowNs + Math.ceil(virtualMs * 1e6);
  }

  /**
   * Lets a kernel that announced its panic say where it was. Answers whether what is waited for came
   * nevertheless: then it was expected, or it was a log that something printed.
   */
  #waitPastPanic(wait: Wait): boolean {
    const untilNs = this.#afterMs(PANIC_REPORT_MS);
    while (this.harts.nowNs < untilNs && !wait.isDone() && this.#finish === undefined) {
      if (this.#step(Infinity, untilNs) === "idle") break;
    }
    if (!wait.isDone()) return false;
    this.console.acknowledgePanic();
    return true;
  }

  #panic(what: string): MachineError {
    const panic = readPanicReport(this.console.transcript, this.console.panicAt!);
    this.console.acknowledgePanic();
    return this.#failure("panic", `${what}: ${describePanic(panic)}`);
  }

  #failure(verdict: Verdict, summary: string): MachineError {
    return new MachineError(summary, {
      verdict,
      virtualMs: this.virtualMs,
      instructions: this.instructions,
      lastLines: this.console.lastLines(MESSAGE_LINES),
    });
  }
}

function checkUntil(until: RunUntil): RunUntil {
  if (until === "finished" || until === "idle") return until;
  const [[name, value] = [], ...others] = Object.entries(until ?? {});
  if (others.length > 0 || (name !== "instructions" && name !== "virtualMs")) {
    throw new TypeError(
      'Machine.run: until is "finished", "idle", { instructions } or { virtualMs }, not ' +
        JSON.stringify(until),
    );
  }
  const isWhole = name === "virtualMs" || Number.isInteger(value);
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0 || !isWhole) {
    throw new RangeError(`Machine.run: until ${name} ${value} is no number from 0 on`);
  }
  return until;
}

function describeFinish(finish: FinishRequest): string {
  return finish.kind === "fail"
    ? `the machine failed with code ${finish.code}`
    : "the machine powered off";
}

/** Lets timers, signals and other machines have their turn; `setTimeout` would sleep for 2 ms. */
function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
