/**
 * A machine: harts, RAM, chips, what it boots, and its console.
 *
 * @module
 */

import type { HartArray, RunResult } from "../core/hart_array.ts";
import type { JitOptions } from "../core/jit/jit_options.ts";
import type { FinishRequest } from "../devices/test_finisher.ts";
import { type BootImage, createBootImage } from "./boot_image.ts";
import { Chassis } from "./chassis.ts";
import { Console, endsWithTime, type RecordedOutput, type Wait } from "./console.ts";
import { type FdtTree, readDtb } from "./fdt/mod.ts";
import { Htif } from "./htif.ts";
import { openComponents, saveComponents } from "./machine_state.ts";
import {
  type CheckedOptions,
  checkOptions,
  checkSeed,
  checkShape,
  type MachineOptions,
} from "./machine_options.ts";
import { type FailureContext, gatherFailure } from "./failure/gather.ts";
import { ProgressWatch } from "./failure/progress.ts";
import { elfSymbols, type SymbolSource } from "./failure/symbols.ts";
import { describeTripped } from "./kernel_panic.ts";
import type { MachineShape, MachineSnapshot } from "./snapshot/snapshot.ts";
import { hashState } from "./state_hash.ts";
import { type Action, isSending, Playback, type Recording, type Stop } from "./tape.ts";
import { type Input, Timeline } from "./timeline.ts";
import type { Moment } from "./transcript_times.ts";
import { MachineError, type Verdict } from "./verdict.ts";

/** The event loop gets a turn after so many instructions: a tenth of a second or less. */
const CHUNK_INSTRUCTIONS = 5_000_000;
/** How often a program's `tohost` is looked at. */
const HTIF_INSTRUCTIONS = 2_000;
/** A kernel that trips a tripwire goes on to print where it was. */
const TRIPWIRE_REPORT_MS = 50;
/** What Linux prints last, before it spins for ever; after a silence nothing more comes. */
const PANIC_END = "---[ end Kernel panic";
const MAX_PANIC_END = 4096;
const PANIC_SILENCE_MS = 1;

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

/** How a machine is to go on from a snapshot. */
export interface RestoreOptions {
  /** As in {@link MachineOptions}. */
  readonly jit?: JitOptions | false | undefined;
  /**
   * What the machine was made with. Needed for nothing but a guest that resets the machine, which finds
   * in RAM again what was there at power-on.
   */
  readonly boot?: MachineOptions | undefined;
  /** As {@link Machine.reseed}. Default: the entropy device goes on as in the snapshot. */
  readonly seed?: number | bigint | undefined;
}

/** A layer that was made before, and where it led to. */
export interface RestorableLayer extends Recording {
  readonly snapshot: MachineSnapshot;
}

/** What was done in a layer that was not made before. */
export interface RecordedLayer {
  readonly actions: readonly Action[];
  /** Why it cannot stand for running it again, if so. */
  readonly unrepeatable?: string;
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

  readonly #shape: MachineShape;
  readonly #jit: JitOptions | false | undefined;
  readonly #chassis: Chassis;
  readonly #harts: HartArray;
  /** What it was made with, if that is known, and what that made. */
  readonly #options: CheckedOptions | undefined;
  #image: BootImage | undefined;
  /** What the entropy device begins with at power-on. */
  readonly #seed: bigint;
  #dtb: Uint8Array<ArrayBuffer> = new Uint8Array();
  #tohost: number | undefined;
  #fromhost: number | undefined;
  #htif: Htif | undefined;
  #finish: FinishRequest | undefined;
  #closed = false;
  #busy = false;
  #timeline = new Timeline();
  readonly #symbols: SymbolSource[] = [];
  /** Where harts, chips and RAM are to start from before anything is executed; what they hold now is void. */
  #pending: MachineSnapshot | "power-on" | undefined;
  /** The machine's clock while {@link #pending}, and when it is closed. */
  #pendingStop: Stop = { nowNs: 0, instructions: 0, printedBytes: 0 };
  #playback: Playback<RestorableLayer> | undefined;
  #recording: { actions: Action[]; unrepeatable?: string } | undefined;

  private constructor(
    shape: MachineShape,
    options: CheckedOptions | undefined,
    jit: JitOptions | false | undefined,
  ) {
    const { harts, memMiB, isa } = shape;
    this.#shape = { harts, memMiB, isa };
    this.#options = options;
    this.#seed = checkSeed(options?.seed ?? 0);
    this.#jit = jit;
    this.#chassis = Chassis.take(this.#shape, jit);
    this.#harts = this.#chassis.harts;
    this.#chassis.onFinish = (request) => {
      this.#finish = request;
      this.#harts.requestStop();
    };
    this.console = new Console({
      runUntil: (wait) => this.#runUntil(wait),
      stop: () => this.#harts.requestStop(),
      failure: (verdict, summary, wait) => this.#failure(verdict, summary, { wait }),
      now: () => this.#now,
      settle: () => this.#settle(),
      sent: (bytes) => this.#sent(bytes),
    }, this.#chassis.uart);
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
    const machine = Machine.prepare(options);
    try {
      await machine.#materialise();
      return machine;
    } catch (error) {
      machine.close();
      throw error;
    }
  }

  /** @internal As {@link create}, but what it boots is read when it first executes. */
  static prepare(options: MachineOptions): Machine {
    const checked = checkOptions(options);
    const machine = new Machine(checked, checked, checked.jit);
    machine.#pending = "power-on";
    return machine;
  }

  /**
   * A new machine in the state of a snapshot. Pages of RAM are brought in when the guest first uses them.
   *
   * @throws {TypeError} if the snapshot is malformed, has chips that this machine has not, or is of another
   * kind of machine than `options.boot` makes
   * @throws {RangeError} if a value in it is out of range
   * @throws {SyntaxError} if its ISA string is none
   */
  static restore(snapshot: MachineSnapshot, options: RestoreOptions = {}): Machine {
    const { boot, jit = boot?.jit, seed } = options;
    const checked = boot && checkOptions(boot);
    const shape = checkShape(snapshot.shape);
    if (checked !== undefined) checkSameShape("Machine.restore", shape, checked, "boot");
    const machine = new Machine(shape, checked, jit);
    machine.#restore(snapshot);
    machine.#timeline.mark(snapshot);
    if (seed !== undefined) machine.reseed(seed);
    return machine;
  }

  /** The harts and all that executes; for tools that look inside. */
  get harts(): HartArray {
    this.#materialiseNow();
    return this.#harts;
  }

  /** What it is made of. */
  get shape(): MachineShape {
    return this.#shape;
  }

  /** The device tree that firmware is handed. */
  get fdt(): FdtTree {
    return readDtb(this.dtb);
  }

  /** The same, flattened. */
  get dtb(): Uint8Array<ArrayBuffer> {
    this.#materialiseNow();
    return this.#dtb.slice();
  }

  /** Virtual milliseconds since power-on. */
  get virtualMs(): number {
    return this.#nowNs / 1e6;
  }

  /** Instructions executed since power-on by all harts. */
  get instructions(): number {
    return this.#isLive ? this.#harts.instructions : this.#pendingStop.instructions;
  }

  /** How the guest ended the machine, if it did. */
  get finish(): FinishRequest | undefined {
    this.#materialiseNow();
    return this.#finish;
  }

  /**
   * Names for addresses in error messages, from an ELF file with a symbol table. A Linux kernel needs none
   * if it has its own in memory (`CONFIG_KALLSYMS`).
   *
   * @param whose in which modes of a hart they hold: `"firmware"` M, `"host"` HS, `"guest"` VS,
   * `"program"` all
   * @throws {SyntaxError} if the file is malformed
   */
  addSymbols(elf: Uint8Array, whose: SymbolSource["whose"] = "program"): void {
    this.#symbols.push(elfSymbols(elf, whose));
  }

  /**
   * SHA-256 over RAM, harts and clock, in hexadecimal: equal for machines in the same state.
   */
  async stateHash(): Promise<string> {
    await this.#materialise();
    return await hashState(this.#harts);
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
    const played = this.#playRun(JSON.stringify(until));
    if (played !== undefined) return played;
    await this.#materialise();
    const outcome = await this.#run(until);
    this.#record({
      kind: "run",
      until: JSON.stringify(until),
      reason: outcome.reason,
      stop: this.#stop(),
    });
    return outcome;
  }

  /**
   * The machine as it is, in memory: to {@link rewind} to, or to make another from with {@link restore}.
   * The next one shares the pages that were not written in between.
   *
   * @throws {TypeError} if the machine is closed or runs
   */
  checkpoint(): MachineSnapshot {
    using _turn = this.#takeTurn();
    this.#materialiseNow();
    const snapshot = this.#capture(true);
    this.#harts.pages.adopt(snapshot.ram);
    this.#timeline.mark(snapshot);
    return snapshot;
  }

  /**
   * Makes the machine what it was. Its memory is used again, and translated code where pages are the same.
   *
   * @throws {TypeError} if the machine is closed or runs, or the snapshot is of another kind of machine
   */
  rewind(to: MachineSnapshot): void {
    using _turn = this.#takeTurn();
    checkSameShape("Machine.rewind", checkShape(to.shape), this.#shape, "this one");
    this.#restore(to);
    this.#pending = undefined;
    this.#playback = undefined;
    this.#spoil("it was rewound");
    this.#timeline = this.#timeline.until(to);
  }

  /**
   * Another machine in the same state, which goes its own way from now on; pages that neither writes are
   * shared.
   *
   * @throws {TypeError} if the machine is closed or runs
   */
  fork(): Machine {
    const snapshot = this.checkpoint();
    const fork = new Machine(this.#shape, this.#options, this.#jit);
    fork.#image = this.#image;
    fork.#restore(snapshot);
    fork.#timeline.mark(snapshot);
    return fork;
  }

  /**
   * Has the entropy device begin the stream of another seed: machines that were forked or restored from
   * one snapshot read other bytes from then on if their seeds differ, and the same if they do not. What
   * the guest has fetched before stays: of Linux the next byte of /dev/hwrng, and the state of its own
   * generator, /dev/urandom.
   *
   * @param seed a whole number, of which the low 64 bits count
   * @throws {RangeError} if the seed is no whole number
   * @throws {TypeError} if the machine is closed or runs
   */
  reseed(seed: number | bigint): void {
    const bits = checkSeed(seed);
    using _turn = this.#takeTurn();
    if (this.#pending !== undefined) {
      const same = (action: Action) => action.kind === "reseed" && action.seed === bits;
      if (this.#playback?.follow(same)) return;
    }
    if (this.#pending === "power-on" && this.#image === undefined) {
      // Its files can be read only when it runs next.
      (this.#playback ??= new Playback([])).diverge({ kind: "reseed", seed: bits });
      return;
    }
    this.#materialiseNow();
    this.#reseed(bits);
  }

  /**
   * Goes to an exact instruction, forwards or backwards: from the nearest checkpoint before it, with the
   * same input at the same instructions, so that everything happens again as it did. What lies behind
   * the target is forgotten. Nothing else ends the run, neither a panic nor a match.
   *
   * @param target instructions executed by all harts since power-on, or retired by one (`minstret`)
   * @throws {RangeError} if the target is no whole number, if it is in the past and there is no checkpoint
   * before it, or if the machine ends or idles for ever before it
   * @throws {TypeError} if the machine is closed or runs
   */
  async runTo(
    target: { readonly instructions: number } | {
      readonly instret: number | bigint;
      readonly hart?: number;
    },
  ): Promise<void> {
    const { instructions, instret, hart, what } = this.#target(target);
    using _turn = this.#takeTurn();
    await this.#materialise();
    const goal = instructions ?? instret!;
    const positionAt = (snapshot: MachineSnapshot) =>
      instructions === undefined ? instretOf(snapshot, hart) : snapshot.instructions;
    const position = () =>
      instructions === undefined ? Number(this.#harts.instret(hart)) : this.#harts.instructions;
    let inputs: readonly Input[] = [];
    if (position() > goal) {
      const found = this.#timeline.before((snapshot) => positionAt(snapshot) <= goal);
      if (found === undefined) {
        throw new RangeError(
          `Machine.runTo: ${what} is in the past and no checkpoint is before it; call ` +
            "machine.checkpoint() at places that you may want to go back to",
        );
      }
      inputs = found.inputs;
      this.#spoil("it was taken back");
      this.#restore(found.snapshot);
      this.#timeline = this.#timeline.until(found.snapshot);
    }
    let next = 0;
    while (position() < goal) {
      const input = inputs[next];
      if (input !== undefined && this.#nowNs >= input.nowNs) {
        if ("seed" in input) this.#reseed(input.seed);
        else this.console.send(input.bytes);
        next++;
        continue;
      }
      const result = this.#step(goal - position(), input?.nowNs);
      if (await this.#hasFinished()) {
        throw new RangeError(`Machine.runTo: ${describeFinish(this.#finish!)} before ${what}`);
      }
      if (result === "idle" && inputs[next] === undefined) {
        throw new RangeError(
          `Machine.runTo: every hart waits for an interrupt, and none can come before ${what}`,
        );
      }
      await eventLoopTurn();
    }
    this.#spoil("it was taken to an instruction");
  }

  /**
   * @internal Has the machine written to a snapshot store: `write` is given what it is now and answers the
   * same with pages that the store keeps. The machine is not to go on meanwhile.
   *
   * @throws {TypeError} if part of its state is not the machine's own
   */
  async store(write: (snapshot: MachineSnapshot) => Promise<MachineSnapshot>): Promise<void> {
    using _turn = this.#takeTurn();
    await this.#materialise();
    this.#harts.pages.adopt((await write(this.#capture(false))).ram);
  }

  /**
   * @internal From now on what is done to the machine is recorded. As long as it is what `layers` recorded,
   * it is played from there, provided that nothing was executed since the last layer.
   */
  beginLayer(layers: readonly RestorableLayer[]): void {
    this.#recording = { actions: [] };
    this.#playback = this.#pending === undefined ? undefined : new Playback(layers);
  }

  /** @internal Ends the layer: the one that was played as a whole, or what was done. */
  async endLayer(): Promise<RestorableLayer | RecordedLayer> {
    const played = this.#playback?.complete;
    if (played !== undefined) {
      this.#playback = undefined;
      this.#recording = undefined;
      this.#pending = played.snapshot;
      return played;
    }
    await this.#materialise();
    const recording = this.#recording!;
    this.#recording = undefined;
    return recording;
  }

  /** Ends the machine; its memory is given back. Harmless when repeated. */
  close(): void {
    if (this.#closed) return;
    this.#pendingStop = {
      nowNs: this.#nowNs,
      instructions: this.instructions,
      printedBytes: this.console.printedBytes,
    };
    this.#closed = true;
    // One that runs has still to find out.
    if (!this.#busy) this.#chassis.leave();
  }

  /** As {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  get #nowNs(): number {
    return this.#isLive ? this.#harts.nowNs : this.#pendingStop.nowNs;
  }

  /** Virtual time and instructions, to the instruction in progress. */
  get #now(): Moment {
    if (!this.#isLive) return this.#pendingStop;
    const { instructions, nowNs, module } = this.#harts;
    // Those of the slice that runs are not counted yet.
    const slice = module.getU32(module.machineField("sliceInstructions"));
    const left = slice === 0 ? 0 : module.getU32(module.machineField("remaining"));
    return { nowNs, instructions: instructions + slice - left };
  }

  /** Whether harts, chips and RAM hold what the machine is now. */
  get #isLive(): boolean {
    return this.#pending === undefined && !this.#closed;
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

  async #run(until: RunUntil): Promise<RunOutcome> {
    let endInstructions = Infinity;
    let timeUp = false;
    let event;
    if (typeof until === "object") {
      if ("instructions" in until) endInstructions = until.instructions;
      else {
        event = this.#harts.clock.schedule(BigInt(Math.ceil(until.virtualMs * 1e6)), () => {
          timeUp = true;
          this.#harts.requestStop();
        });
      }
    }
    try {
      while (true) {
        if (await this.#hasFinished()) return { reason: "finished", finish: this.#finish! };
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

  /** Executes a chunk. */
  #step(maxInstructions: number, untilNs = Infinity): RunResult {
    let left = Math.min(CHUNK_INSTRUCTIONS, maxInstructions);
    while (left > 0) {
      const chunk = Math.min(left, this.#instructionsToPoll);
      const result = this.#execute(chunk, untilNs);
      if (result === "idle" || this.#instructionsToPoll === HTIF_INSTRUCTIONS) this.#pollHtif();
      if (this.#finish !== undefined) return "stopped";
      if (result !== "budget") return result;
      left -= chunk;
    }
    return "budget";
  }

  /** How far it is to the next look at `tohost`. Counted from power-on: where a run was cut must not show. */
  get #instructionsToPoll(): number {
    if (this.#htif === undefined) return Infinity;
    return HTIF_INSTRUCTIONS - this.#harts.instructions % HTIF_INSTRUCTIONS;
  }

  #pollHtif(): void {
    const request = this.#htif?.poll((byte) => this.#chassis.uart.onTransmit(byte));
    if (request !== undefined) this.#finish = request;
  }

  #execute(maxInstructions: number, untilNs: number): RunResult {
    try {
      return this.#harts.run(maxInstructions, untilNs);
    } catch (error) {
      // A page could not be read, say: the harts stand in the midst of an instruction.
      this.#chassis.spoil();
      throw error;
    }
  }

  /** Whether the guest ended the machine; a reset starts it anew. */
  async #hasFinished(): Promise<boolean> {
    if (this.#finish?.kind === "reset") this.#image ??= await this.#bootImage();
    return this.#hasFinishedNow();
  }

  #hasFinishedNow(): boolean {
    if (this.#finish === undefined) return false;
    if (this.#finish.kind !== "reset") return true;
    const image = this.#imageNow();
    this.#finish = undefined;
    for (const { device } of this.#harts.bus.mappings) device.reset();
    this.#harts.resetHarts();
    this.#loadRam(image);
    this.#harts.flushTranslations();
    return false;
  }

  async #bootImage(): Promise<BootImage> {
    if (this.#options === undefined) {
      throw new TypeError(
        "The guest resets the machine, but what is to be in RAM then is not known: give " +
          "Machine.restore the options that the machine was made with, as `boot`",
      );
    }
    return await createBootImage(this.#options);
  }

  #imageNow(): BootImage {
    if (this.#image !== undefined) return this.#image;
    throw new TypeError("The machine's files are not read yet: await machine.run() first");
  }

  #loadRam(image: BootImage): void {
    for (const { physAddr, bytes, memSizeBytes } of image.segments) {
      const sizeBytes = Math.max(bytes.length, memSizeBytes);
      const target = this.#harts.ramAt(physAddr, sizeBytes);
      if (target === undefined) {
        throw new RangeError(
          `Cannot load ${bytes.length} bytes at 0x${physAddr.toString(16)}: not in RAM`,
        );
      }
      if (bytes instanceof Uint8Array) target.set(bytes);
      else bytes.copyTo(target);
      target.fill(0, bytes.length);
      this.#harts.ramWritten(physAddr, sizeBytes);
    }
  }

  #powerOn(): void {
    const image = this.#imageNow();
    this.#chassis.clear();
    this.#chassis.use();
    this.#harts.writeRom(image.rom);
    this.#dtb = image.dtb;
    this.#tohost = image.elf?.tohost;
    this.#fromhost = image.elf?.fromhost;
    this.#connectHtif();
    this.#loadRam(image);
    image.checkLoaded?.((physAddr, sizeBytes) => this.#harts.ramAt(physAddr, sizeBytes)!);
    this.#chassis.rng.reseed(this.#seed);
  }

  #connectHtif(): void {
    this.#htif = this.#tohost === undefined
      ? undefined
      : new Htif(this.#harts, this.#tohost, this.#fromhost);
  }

  #capture(copies: boolean): MachineSnapshot {
    for (const { name, device } of this.#harts.bus.mappings) {
      const reason = device.whyUnsaveable?.();
      if (reason !== undefined) {
        throw new TypeError(`This machine cannot be saved: ${reason} (${name})`);
      }
    }
    const facts = {
      dtb: this.#dtb,
      tohost: this.#tohost,
      fromhost: this.#fromhost,
      finish: this.#finish,
    };
    return {
      shape: this.#shape,
      components: { ...saveComponents(this.#harts, facts), console: this.console.save() },
      ram: this.#harts.pages.capture(copies),
      instructions: this.#harts.instructions,
      virtualNs: this.#harts.nowNs,
    };
  }

  /** Takes over a snapshot, its console included. */
  #restore(snapshot: MachineSnapshot): void {
    this.#applyComponents(snapshot)();
  }

  /** Takes over a snapshot but its console; the answer does that. */
  #applyComponents({ components, ram, instructions, virtualNs }: MachineSnapshot): () => void {
    const clock = components["harts"]?.fields;
    if (clock?.["instructions"] !== instructions || clock?.["nowNs"] !== virtualNs) {
      throw new RangeError(
        "Cannot restore a machine: the snapshot's clock is not that of its harts",
      );
    }
    const apply = openComponents(this.#harts, components, ram);
    const applyConsole = this.console.openState(components["console"]!);
    this.#chassis.use();
    const facts = apply();
    this.#dtb = facts.dtb;
    this.#tohost = facts.tohost;
    this.#fromhost = facts.fromhost;
    this.#finish = facts.finish;
    this.#connectHtif();
    return applyConsole;
  }

  /** Makes harts, chips and RAM what they are to be now, if they are not. */
  async #materialise(): Promise<void> {
    // What was played may have the guest reset the machine.
    const hasPlayed = this.#options !== undefined && (this.#playback?.played.length ?? 0) > 0;
    if (this.#pending === "power-on" || hasPlayed) this.#image ??= await this.#bootImage();
    this.#materialiseNow();
  }

  #materialiseNow(): void {
    if (this.#closed) throw new TypeError("The machine is closed");
    const base = this.#pending;
    if (base === undefined) return;
    const played = this.#playback?.played ?? [];
    this.#recording?.actions.push(...played);
    this.#playback = undefined;
    if (base === "power-on") {
      this.#powerOn();
      this.#pending = undefined;
      this.console.skipPrinted(undefined);
    } else {
      this.#applyComponents(base);
      this.#pending = undefined;
      this.console.skipPrinted(base.components["console"]!);
      if (played.length === 0) this.#timeline.mark(base);
    }
    for (const action of played) {
      if (action.kind === "send") this.console.sendAgain(action.bytes);
      else if (action.kind === "reseed") this.#chassis.rng.reseed(action.seed);
      else this.#again(() => this.#harts.nowNs >= action.stop.nowNs, action.stop.nowNs);
    }
    this.#again(() => !this.console.isSkipping, Infinity);
  }

  /** Executes what was played, for real. */
  #again(isDone: () => boolean, untilNs: number): void {
    while (!isDone()) {
      if (this.#step(Infinity, untilNs) === "idle" || this.#hasFinishedNow()) return;
    }
  }

  #stop(): Stop {
    const { nowNs, instructions } = this.#harts;
    return { nowNs, instructions, printedBytes: this.console.printedBytes };
  }

  #record(action: Action): void {
    this.#recording?.actions.push(action);
  }

  /** What goes on cannot be repeated from a recording of it. */
  #spoil(reason: string): void {
    if (this.#recording !== undefined) this.#recording.unrepeatable = reason;
  }

  #reseed(seed: bigint): void {
    this.#chassis.rng.reseed(seed);
    this.#timeline.input({ nowNs: this.#harts.nowNs, seed });
    this.#record({ kind: "reseed", seed });
  }

  /** Input comes; answers whether it was played and is not for the machine yet. */
  #sent(bytes: Uint8Array): boolean {
    // Its chips may be another machine's by now.
    if (this.#closed) throw new TypeError("The machine is closed");
    if (this.#pending !== undefined) {
      if (this.#playback?.follow((action) => isSending(action, bytes))) return true;
      if (this.#pending === "power-on" && this.#image === undefined) {
        // Its files can be read only when it runs next.
        (this.#playback ??= new Playback([])).diverge({ kind: "send", bytes: bytes.slice() });
        return true;
      }
      this.#materialiseNow();
    }
    this.#timeline.input({ nowNs: this.#harts.nowNs, bytes: bytes.slice() });
    this.#record({ kind: "send", bytes: bytes.slice() });
    return false;
  }

  #playRun(until: string): RunOutcome | undefined {
    // One that ended the machine has more to tell than was recorded.
    const action = this.#playback?.follow((each) =>
      each.kind === "run" && each.until === until && each.reason !== "finished"
    );
    if (action?.kind !== "run") return undefined;
    this.console.play(outputIn(this.#playback!.some!.snapshot), action.stop.printedBytes);
    this.#pendingStop = action.stop;
    return { reason: action.reason as RunOutcome["reason"] };
  }

  /** Whether what is waited for comes, and comes where it was recorded. */
  #playWait(wait: Wait, untilNs: number): boolean {
    const recorded = this.#playback?.next("wait")
      .filter(({ action: { stop } }) => stop.nowNs <= untilNs)
      .sort((a, b) => b.action.stop.printedBytes - a.action.stop.printedBytes) ?? [];
    // Output of the one that goes furthest: behind their ends the others may have been given other input.
    const furthest = recorded[0];
    if (furthest === undefined) return false;
    const isFailing = () => wait.isRuledOut() || this.console.tripped !== undefined;
    const same = recorded.find(({ action }) => action.condition === wait.condition);
    const { recording, action: { stop } } = same ?? furthest;
    this.console.play(
      outputIn(recording.snapshot),
      stop.printedBytes,
      same === undefined ? () => wait.isDone() || isFailing() : undefined,
    );
    const endsInTime = wait.endsInTime === true;
    if (isFailing() || !(wait.isDone() || (endsInTime && same !== undefined))) return false;
    const action = this.#playback!.follow((each) =>
      each.kind === "wait" && each.stop.printedBytes === this.console.printedBytes &&
      // Only those that a match ended are over on the same byte.
      (each.condition === wait.condition || !(endsInTime || endsWithTime(each.condition)))
    );
    if (action?.kind !== "wait") return false;
    this.#pendingStop = action.stop;
    return true;
  }

  async #runUntil(wait: Wait): Promise<void> {
    const { timeoutMs, what } = wait;
    if (!(timeoutMs > 0)) {
      throw new RangeError(`${what}: timeoutMs ${timeoutMs} is no positive number`);
    }
    using _turn = this.#takeTurn();
    const untilNs = this.#afterMs(timeoutMs);
    if (this.#playWait(wait, untilNs)) return;
    await this.#materialise();
    try {
      await this.#runLive(wait, untilNs);
    } catch (error) {
      this.#spoil("something that was expected did not come");
      throw error;
    }
    this.#record({ kind: "wait", condition: wait.condition, stop: this.#stop() });
  }

  async #runLive(wait: Wait, untilNs: number): Promise<void> {
    const { timeoutMs, what, endsInTime, instructions = Infinity, wallMs = Infinity } = wait;
    const startNs = untilNs - Math.ceil(timeoutMs * 1e6);
    const from = { wait, startNs, wallStartMs: performance.now() };
    const endInstructions = this.instructions + instructions;
    const progress = new ProgressWatch(this.#harts, () => this.console.printedBytes);
    const fail = (verdict: Verdict, summary: string) =>
      this.#failure(verdict, `${what}: ${summary}`, from);
    this.console.await(wait);
    try {
      while (true) {
        if (wait.isDone()) return;
        if (this.console.tripped !== undefined) {
          if (this.#waitPastTripwire(wait)) return;
          throw this.#tripped(from);
        }
        if (wait.isRuledOut()) return;
        if (await this.#hasFinished()) {
          throw fail("finished", `${describeFinish(this.#finish!)} first`);
        }
        if (this.#harts.nowNs >= untilNs) {
          if (endsInTime) return;
          throw fail("virtual-timeout", `nothing matched within ${timeoutMs} ms of virtual time`);
        }
        if (this.instructions >= endInstructions) {
          throw fail("instruction-budget", `nothing matched within ${instructions} instructions`);
        }
        if (performance.now() - from.wallStartMs >= wallMs) {
          throw fail("wall-timeout", `nothing matched within ${wallMs} ms of the host's time`);
        }
        if (this.#step(endInstructions - this.instructions, untilNs) === "idle") {
          if (endsInTime) return;
          throw fail("deadlock", "every hart waits for an interrupt and none can come");
        }
        // A program that talks by HTIF waits for answers in RAM.
        const left = endsInTime || this.#htif !== undefined
          ? 0
          : Math.min(endInstructions - this.instructions, untilNs - this.#nowNs);
        const stuck = progress.look((count) => this.#execute(count, untilNs) === "budget", left);
        if (stuck !== undefined) throw fail(stuck.verdict, stuck.why);
        await eventLoopTurn();
      }
    } finally {
      this.console.await(undefined);
    }
  }

  /** The virtual time so many milliseconds from now, in nanoseconds. */
  #afterMs(virtualMs: number): number {
    return this.#nowNs + Math.ceil(virtualMs * 1e6);
  }

  /**
   * Lets a kernel that tripped a tripwire say where it was. Answers whether what is waited for came
   * nevertheless: then it was expected, or it was a log that something printed.
   */
  #waitPastTripwire(wait: Wait): boolean {
    const untilNs = this.#afterMs(TRIPWIRE_REPORT_MS);
    while (this.#nowNs < untilNs && !wait.isDone() && this.#finish === undefined) {
      const silentNs = Math.min(untilNs, this.#afterMs(PANIC_SILENCE_MS));
      const printed = this.console.printedBytes;
      if (this.#step(Infinity, silentNs) === "idle") break;
      const isSilent = this.#nowNs >= silentNs && printed === this.console.printedBytes;
      if (isSilent && this.console.transcript.slice(-MAX_PANIC_END).includes(PANIC_END)) break;
    }
    if (!wait.isDone()) return false;
    this.console.acknowledgeTripped();
    return true;
  }

  #tripped(from: FailureContext & { wait: Wait }): MachineError {
    const tripped = this.console.tripped!;
    this.console.acknowledgeTripped();
    const what = describeTripped(this.console.transcript, tripped);
    const verdict = tripped.name === "panic" ? "panic" : "tripwire";
    return this.#failure(verdict, `${from.wait.what}: ${what}`, {
      ...from,
      tripwire: tripped.name,
    });
  }

  /** Goes on without a recording, as far as that is possible: a failure without harts is one too. */
  async #settle(): Promise<void> {
    if (this.#closed) return;
    try {
      await this.#materialise();
    } catch {
      // What it boots is not there: it was never needed.
    }
  }

  #failure(verdict: Verdict, summary: string, context: FailureContext): MachineError {
    return new MachineError(summary, {
      verdict,
      virtualMs: this.virtualMs,
      instructions: this.instructions,
      // While a recording is played, harts and RAM hold something else.
      ...gatherFailure(this.console, this.#isLive ? this.#harts : undefined, this.#symbols, {
        nowNs: this.#nowNs,
        ...context,
      }),
    });
  }

  #target(
    target: { readonly instructions: number } | {
      readonly instret: number | bigint;
      readonly hart?: number;
    },
  ): { instructions?: number; instret?: number; hart: number; what: string } {
    const isRetired = "instret" in target;
    const goal = Number(isRetired ? target.instret : target.instructions);
    const hart = isRetired ? target.hart ?? 0 : 0;
    if (!Number.isSafeInteger(goal) || goal < 0) {
      throw new RangeError(
        `Machine.runTo: give { instructions } or { instret } as a whole number from 0 on, not ` +
          String(isRetired ? target.instret : target.instructions),
      );
    }
    if (!Number.isInteger(hart) || hart < 0 || hart >= this.#shape.harts) {
      throw new RangeError(
        `Machine.runTo: there is no hart ${hart}, only 0 to ${this.#shape.harts - 1}`,
      );
    }
    return isRetired
      ? { instret: goal, hart, what: `instret ${goal} of hart ${hart}` }
      : { instructions: goal, hart, what: `instruction ${goal}` };
  }
}

/** Checks that a snapshot fits. */
function checkSameShape(
  caller: string,
  snapshot: MachineShape,
  machine: MachineShape,
  whose: string,
): void {
  for (const name of ["harts", "memMiB", "isa"] as const) {
    if (snapshot[name] === machine[name]) continue;
    throw new TypeError(
      `${caller}: the snapshot is of a machine with ${name} ${snapshot[name]}, ${whose} has ` +
        `${machine[name]}${caller === "Machine.rewind" ? "; use Machine.restore" : ""}`,
    );
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

/** What a console had printed when a snapshot was taken. */
function outputIn(snapshot: MachineSnapshot): RecordedOutput {
  return Console.recordedIn(snapshot.components["console"]!);
}

function instretOf(snapshot: MachineSnapshot, hart: number): number {
  const harts = snapshot.components["harts"]!.fields["harts"] as readonly { instret: bigint }[];
  return Number(harts[hart]!.instret);
}
