/**
 * The harts of one machine, their clock and their bus: everything that executes.
 *
 * Harts take turns in quanta of retired instructions. One instruction of whichever hart runs takes one
 * nanosecond of virtual time, so the clock is the sum of all harts' instructions plus the time skipped
 * while every hart waited: it never runs backwards between harts. Everything here is a function of
 * what the guest does; the host's time does not enter.
 *
 * @module
 */

import { Bus } from "./bus.ts";
import type {
  AccessWidth,
  InterruptLine,
  SavedState,
  ScheduledEvent,
  VirtualClock,
} from "./device.ts";
import { EventQueue } from "./event_queue.ts";
import { CodeCache, type JitStatistics } from "./jit/code_cache.ts";
import { defaultJitOptions, type JitOptions } from "./jit/jit_options.ts";
import { HartModule } from "./hart_module.ts";
import { openHarts, saveHarts } from "./hart_state.ts";
import { openPageFlags, savePageFlags } from "./page_flags_state.ts";
import type { RamImage } from "./ram_image.ts";
import { RamPages } from "./ram_pages.ts";
import { openTranslations, saveTranslations } from "./translation_state.ts";

/** Interrupt inputs of a hart that devices drive, by their bit in `mip`. */
export type HartInterrupt = "MSIP" | "MEIP" | "SEIP";
const MIP_BIT: Record<HartInterrupt, bigint> = { MSIP: 1n << 3n, MEIP: 1n << 11n, SEIP: 1n << 9n };
const MIP_SSIP = 1n << 1n;

/** Optional extensions that a machine may have beyond the fixed set. */
export type OptionalExtension = "smstateen" | "sscofpmf" | "svadu" | "svpbmt" | "svnapot" | "sstc";

/** What {@link HartArray} is built from. */
export interface HartArrayOptions {
  /** Number of harts, 1 to 8. */
  readonly harts: number;
  /** Physical address of RAM. */
  readonly ramBase: number;
  /** RAM in bytes, a multiple of 64 KiB. */
  readonly ramSizeBytes: number;
  /** Read-only memory, at most 64 KiB: the reset vector. */
  readonly rom?: { readonly base: number; readonly bytes: Uint8Array };
  /** Where every hart starts. Default: the first byte of ROM, or of RAM if there is none. */
  readonly resetPc?: number;
  /** Frequency of `mtime`; divides 1 GHz. Default 10 MHz. */
  readonly timebaseHz?: number;
  /** Default: all but Smstateen and Sscofpmf. */
  readonly extensions?: readonly OptionalExtension[];
  /**
   * Translation to WebAssembly; false leaves everything to the interpreter. Left out or undefined: as
   * the environment says, else as core/jit/jit_options.ts does.
   */
  readonly jit?: JitOptions | false | undefined;
}

/** A trap, as reported to {@link HartArray.onTrap}. */
export interface TrapRecord {
  readonly hartId: number;
  /** Privilege entered: 3 M, 1 S; `virtual` if it is VS. */
  readonly toPrivilege: number;
  readonly toVirtual: boolean;
  readonly cause: bigint;
  readonly tval: bigint;
  readonly epc: bigint;
}

/** Everything about harts, clock and address translation; RAM is apart. */
export interface HartArrayState {
  readonly harts: SavedState;
  readonly translations: SavedState;
  readonly pages: SavedState;
}

/** Why {@link HartArray.run} came back. */
export type RunResult =
  /** {@link HartArray.requestStop} was called. */
  | "stopped"
  /** The instruction budget is used up. */
  | "budget"
  /** The virtual time given has come. */
  | "time"
  /** Every hart waits and nothing is scheduled: only input from outside can go on. */
  | "idle";

/** Instructions a hart runs before the next one's turn. */
export const QUANTUM_INSTRUCTIONS = 20_000;
/** A lone hart has no others to wait for. */
const LONE_QUANTUM_INSTRUCTIONS = 2_000_000;
/** A WFI with an interrupt pending that only a guest could take ends at the next multiple of this time. */
const STALL_NS = 10_000_000;
const END_TURN = 2;
const PAGE_BYTES = 4096;
const DEFAULT_EXTENSIONS: readonly OptionalExtension[] = ["svadu", "svpbmt", "svnapot", "sstc"];

/** The executing part of a machine. */
export class HartArray {
  readonly module: HartModule;
  /** What of RAM is there, and what was written. */
  readonly pages: RamPages;
  readonly bus: Bus = new Bus();
  readonly clock: VirtualClock;
  readonly hartCount: number;
  /** Called for each trap when set before the run. */
  onTrap: ((trap: TrapRecord) => void) | undefined;
  /**
   * Called before each instruction, and before the interrupt that comes in its place; harts then go one
   * instruction at a time, slowly, but do the same.
   */
  onInstruction: ((hartId: number) => void) | undefined;

  readonly #events = new EventQueue();
  readonly #ramBase: number;
  readonly #resetPc: bigint;
  #running: number | undefined;
  #turn = 0;
  #quantumLeft: number;
  readonly #quantum: number;
  #stopRequested = false;
  readonly #code: CodeCache | undefined;
  #instructions = 0;
  readonly #fields: Record<
    "sliceEndNs" | "remaining" | "attention" | "endSlice" | "ioAddress" | "ioValue",
    number
  >;

  constructor(options: HartArrayOptions) {
    const { harts, ramBase, ramSizeBytes, timebaseHz = 10_000_000 } = options;
    this.hartCount = harts;
    this.#ramBase = ramBase;
    this.module = new HartModule(ramSizeBytes, {
      readBus: (_hartId, width) => this.#readBus(width),
      writeBus: (_hartId, width) => this.#writeBus(width),
      traceTrap: (hartId) => this.#traceTrap(hartId),
      fetchPage: (index) => this.pages.fetch(index),
    });
    this.pages = new RamPages(this.module);
    const m = this.module;
    this.#fields = {
      sliceEndNs: m.machineField("sliceEndNs"),
      remaining: m.machineField("remaining"),
      attention: m.machineField("attention"),
      endSlice: m.machineField("endSlice"),
      ioAddress: m.machineField("ioAddress"),
      ioValue: m.machineField("ioValue"),
    };
    m.setU32(m.machineField("hartCount"), harts);
    m.setNumber(m.machineField("nsPerTick"), 1e9 / timebaseHz);
    m.setNumber(m.machineField("ramBase"), ramBase);
    m.setNumber(m.machineField("ramSizeBytes"), ramSizeBytes);
    if (options.rom !== undefined) {
      const { base, bytes } = options.rom;
      m.setNumber(m.machineField("romBase"), base);
      // Whole pages, as a TLB entry stands for one: zeros fill the last.
      m.setNumber(
        m.machineField("romSizeBytes"),
        Math.ceil(bytes.length / PAGE_BYTES) * PAGE_BYTES,
      );
      m.bytes.set(bytes, m.layout("ROM_OFFSET"));
    }
    this.#resetPc = BigInt(options.resetPc ?? options.rom?.base ?? ramBase);
    let bits = 0;
    for (const name of options.extensions ?? DEFAULT_EXTENSIONS) {
      bits |= m.layout(`EXT_${name.toUpperCase()}`);
    }
    m.setU32(m.machineField("extensions"), bits);
    m.exports.initialize();
    this.#quantum = harts === 1 ? LONE_QUANTUM_INSTRUCTIONS : QUANTUM_INSTRUCTIONS;
    this.#quantumLeft = this.#quantum;
    this.resetHarts();
    const jit = options.jit ?? defaultJitOptions();
    if (jit) this.#code = new CodeCache(m, jit);
    this.clock = new HartClock(this, this.#events);
  }

  /** Virtual nanoseconds since power-on, to the instruction in progress. */
  get nowNs(): number {
    return this.module.getNumber(this.#fields.sliceEndNs) -
      this.module.getU32(this.#fields.remaining);
  }

  /** Instructions executed by all harts, those that trapped included. */
  get instructions(): number {
    return this.#instructions;
  }

  /** What translation did, if it is on. */
  get jitStatistics(): JitStatistics | undefined {
    return this.#code?.statistics;
  }

  /** Instructions retired by one hart (`minstret`). */
  instret(hartId: number): bigint {
    return this.module.getU64(this.module.hartField(hartId, "instret"));
  }

  /** Field of a hart's state by its name in the layout, for example `"pc"`, `"x10"`, `"satp"`. */
  get(hartId: number, field: string): bigint {
    return this.module.getU64(this.module.hartField(hartId, field));
  }

  set(hartId: number, field: string, value: bigint): void {
    this.module.setU64(this.module.hartField(hartId, field), BigInt.asUintN(64, value));
  }

  /** Privilege (0 U, 1 S, 3 M) and V of a hart. */
  mode(hartId: number): { privilege: number; virtual: boolean } {
    const m = this.module;
    return {
      privilege: m.getU32(m.hartField(hartId, "prv")),
      virtual: m.getU32(m.hartField(hartId, "virt")) !== 0,
    };
  }

  /** Value of a CSR as M-mode reads it. */
  readCsr(hartId: number, csr: number): bigint {
    return BigInt.asUintN(64, this.module.exports.readCsr(hartId, csr));
  }

  /** Whether a hart sleeps in WFI. */
  isWaiting(hartId: number): boolean {
    return this.module.getU32(this.module.hartField(hartId, "waiting")) !== 0;
  }

  /** Input of a hart that a device drives. */
  interrupt(hartId: number, name: HartInterrupt): InterruptLine {
    const field = this.module.hartField(hartId, "mipLines");
    const bit = MIP_BIT[name];
    return {
      set: (level) => {
        const lines = this.module.getU64(field);
        const next = level ? lines | bit : lines & ~bit;
        if (next === lines) return;
        this.module.setU64(field, next);
        this.#interruptChanged(hartId);
      },
    };
  }

  /** Sets `mip.SSIP` of a hart, the ACLINT SSWI's effect. */
  setSsip(hartId: number): void {
    const field = this.module.hartField(hartId, "mipSoftware");
    this.module.setU64(field, this.module.getU64(field) | MIP_SSIP);
    this.#interruptChanged(hartId);
  }

  /** `mtime`, in ticks. */
  readMtime(): bigint {
    const m = this.module;
    const ticks = BigInt(this.nowNs) / m.getU64(m.machineField("nsPerTick"));
    return BigInt.asUintN(64, ticks + m.getU64(m.machineField("mtimeOffset")));
  }

  writeMtime(value: bigint): void {
    const m = this.module;
    const ticks = BigInt(this.nowNs) / m.getU64(m.machineField("nsPerTick"));
    m.setU64(m.machineField("mtimeOffset"), BigInt.asUintN(64, value - ticks));
    this.#timerChanged();
  }

  readMtimecmp(hartId: number): bigint {
    return this.get(hartId, "mtimecmp");
  }

  writeMtimecmp(hartId: number, value: bigint): void {
    this.set(hartId, "mtimecmp", value);
    this.#timerChanged();
  }

  /** Replaces what is in ROM; the rest of it becomes zeros. Code decoded from there is forgotten. */
  writeRom(bytes: Uint8Array): void {
    const { module } = this;
    const sizeBytes = module.getNumber(module.machineField("romSizeBytes"));
    if (bytes.length > sizeBytes) {
      throw new RangeError(`${bytes.length} bytes are more than the ${sizeBytes} of ROM`);
    }
    const at = module.layout("ROM_OFFSET");
    const rom = module.bytes.subarray(at, at + sizeBytes);
    if (rom.every((byte, n) => byte === (bytes[n] ?? 0))) return;
    rom.fill(0);
    rom.set(bytes);
    for (let page = 0; page < sizeBytes; page += PAGE_BYTES) module.exports.forgetCode(at + page);
  }

  /** Contents of ROM, with the zeros that fill its last page. */
  readRom(): Uint8Array<ArrayBuffer> {
    const { module } = this;
    const at = module.layout("ROM_OFFSET");
    return module.bytes.slice(at, at + module.getNumber(module.machineField("romSizeBytes")));
  }

  /** Ends the run after the present instruction. */
  requestStop(): void {
    this.#stopRequested = true;
    this.#endSlice(1);
  }

  /** Puts every hart into its reset state; RAM and devices stay. */
  resetHarts(): void {
    for (let id = 0; id < this.hartCount; id++) {
      this.module.exports.reset(id);
      this.set(id, "pc", this.#resetPc);
    }
    this.#turn = 0;
    this.#quantumLeft = this.#quantum;
  }

  /** Forgets cached translations, after RAM or hart state was changed from outside. */
  flushTranslations(): void {
    this.module.exports.dropAllCode();
    for (let id = 0; id < this.hartCount; id++) this.module.exports.flushTranslations(id);
    // By a device, in mid-run: what runs now may be what changed.
    if (this.#running !== undefined) this.module.setU32(this.#fields.attention, 1);
  }

  /**
   * Must be called after RAM was written from outside, through {@link ramAt}: code decoded from there is
   * forgotten, and snapshots include it. What the guest's address translation has cached stays.
   */
  ramWritten(address: number, sizeBytes: number): void {
    this.pages.noteWritten(address - this.#ramBase, sizeBytes);
    const first = address - address % PAGE_BYTES;
    for (let page = first; page < address + sizeBytes; page += PAGE_BYTES) {
      this.module.exports.forgetCode(this.module.layout("RAM_OFFSET") + page - this.#ramBase);
    }
  }

  /** Physical RAM at an address, or undefined if any of it is not RAM. */
  ramAt(address: number, sizeBytes: number): Uint8Array<ArrayBuffer> | undefined {
    const offset = address - this.#ramBase;
    if (!(offset >= 0 && sizeBytes >= 0 && offset + sizeBytes <= this.module.ram.length)) {
      return undefined;
    }
    this.pages.ensurePresent(offset, sizeBytes);
    return this.module.ram.subarray(offset, offset + sizeBytes);
  }

  /** The state between two runs, RAM excepted: `pages.capture` has that. */
  save(): HartArrayState {
    const { module, hartCount } = this;
    return {
      harts: saveHarts(module, hartCount, {
        turn: this.#turn,
        quantumLeft: this.#quantumLeft,
        instructions: this.#instructions,
        nowNs: this.nowNs,
      }),
      translations: saveTranslations(module, hartCount),
      pages: savePageFlags(this.pages.keptFlags()),
    };
  }

  /**
   * Checks a saved state; the answer puts it into effect, with RAM as `image` has it. Things that devices
   * have scheduled are theirs to schedule again.
   *
   * @throws {TypeError} if a state's kind or a field's type does not fit
   * @throws {RangeError} if a version is unknown, a field is out of range, or RAM has another size
   */
  openState(state: HartArrayState, image: RamImage): () => void {
    const { module, hartCount, pages } = this;
    if (image.pageCount !== pages.count) {
      throw new RangeError(
        `Cannot restore RAM: the image has ${image.pageCount} pages, the machine ${pages.count}`,
      );
    }
    const translations = openTranslations(state.translations, module, hartCount);
    const { schedule, apply } = openHarts(
      state.harts,
      module,
      hartCount,
      this.#quantum,
      translations.isLive,
    );
    const flags = openPageFlags(state.pages, pages.count, pages.keptMask);
    return () => {
      pages.show(image, flags);
      translations.apply();
      apply(); // last: forgetting code asks the harts for attention
      this.#running = undefined; // content that could not be had may have ended a run
      this.#turn = schedule.turn;
      this.#quantumLeft = schedule.quantumLeft;
      this.#instructions = schedule.instructions;
      this.#stopRequested = false;
    };
  }

  /**
   * Runs until stopped, `maxInstructions` were executed, virtual time is `untilNs`, or every hart waits
   * for ever. That somebody waits for a time keeps no hart awake: it is no event.
   */
  run(maxInstructions: number, untilNs = Infinity): RunResult {
    const { exports } = this.module;
    this.module.setU32(this.module.machineField("traceTraps"), this.onTrap === undefined ? 0 : 1);
    const end = this.#instructions + maxInstructions;
    while (true) {
      this.#events.fireDue(BigInt(this.nowNs));
      if (this.#stopRequested) {
        this.#stopRequested = false;
        return "stopped";
      }
      const nowNs = this.nowNs;
      if (nowNs >= untilNs) return "time";
      if (this.#instructions >= end) return "budget";
      if (!this.#chooseRunnable()) {
        if (!this.#skipToNextEvent(untilNs)) return "idle";
        continue;
      }
      const dueNs = Math.min(exports.nextTimerNs(), this.#events.nextDueNs);
      const budget = Math.max(
        1,
        Math.min(this.#quantumLeft, end - this.#instructions, dueNs - nowNs, untilNs - nowNs),
      );
      this.onInstruction?.(this.#turn);
      this.#running = this.#turn;
      const used = exports.run(this.#turn, this.onInstruction === undefined ? budget : 1);
      this.#running = undefined;
      this.#instructions += used;
      this.#quantumLeft -= used;
      this.#code?.translateQueued(used);
      const endsTurn = this.module.getU32(this.#fields.endSlice) === END_TURN;
      if (endsTurn || this.#quantumLeft <= 0) this.#nextTurn();
    }
  }

  #nextTurn(): void {
    this.#turn = (this.#turn + 1) % this.hartCount;
    this.#quantumLeft = this.#quantum;
  }

  /** Gives the turn to the first hart, from the present one on, that can run. */
  #chooseRunnable(): boolean {
    for (let n = 0; n < this.hartCount; n++) {
      if (this.module.exports.isRunnable(this.#turn)) return true;
      this.#nextTurn();
    }
    return false;
  }

  /** Every hart waits: time goes on to the next timer or event, not past `untilNs`. */
  #skipToNextEvent(untilNs: number): boolean {
    const { exports } = this.module;
    const nowNs = this.nowNs;
    let dueNs = Math.min(exports.nextTimerNs(), this.#events.nextDueNs);
    // Counted from power-on, not from now: where a run was cut must not show.
    const stallEndNs = (Math.floor(nowNs / STALL_NS) + 1) * STALL_NS;
    const endsStall = dueNs > stallEndNs && exports.isAnyStalled() !== 0;
    if (endsStall) dueNs = stallEndNs;
    if (dueNs === Infinity) return false;
    this.module.setNumber(this.#fields.sliceEndNs, Math.max(Math.min(dueNs, untilNs), nowNs));
    if (endsStall && stallEndNs <= untilNs) exports.endStalledWaits();
    return true;
  }

  #endSlice(how: number): void {
    const m = this.module;
    m.setU32(this.#fields.attention, 1);
    m.setU32(this.#fields.endSlice, Math.max(how, m.getU32(this.#fields.endSlice)));
  }

  /** A line changed: the running hart looks at once, another one gets the turn. */
  #interruptChanged(hartId: number): void {
    if (this.#running === undefined) return;
    if (hartId === this.#running) this.module.setU32(this.#fields.attention, 1);
    else this.#endSlice(END_TURN);
  }

  #timerChanged(): void {
    if (this.#running !== undefined) this.#endSlice(1);
  }

  /** @internal A device scheduled something: the slice must not run past it. */
  eventScheduled(): void {
    this.#timerChanged();
  }

  #readBus(width: number): boolean {
    const m = this.module;
    const address = m.getNumber(this.#fields.ioAddress);
    const low = this.bus.read(address, Math.min(width, 4) as AccessWidth);
    if (low === undefined) return false;
    let high = 0;
    if (width === 8) {
      const answer = this.bus.read(address + 4, 4);
      if (answer === undefined) return false;
      high = answer;
    }
    m.setU32(this.#fields.ioValue, low);
    m.setU32(this.#fields.ioValue + 4, high);
    return true;
  }

  #writeBus(width: number): boolean {
    const m = this.module;
    const address = m.getNumber(this.#fields.ioAddress);
    const value = m.getU32(this.#fields.ioValue);
    const masked = width >= 4 ? value : value & ((1 << (8 * width)) - 1);
    if (!this.bus.write(address, Math.min(width, 4) as AccessWidth, masked)) return false;
    return width < 8 || this.bus.write(address + 4, 4, m.getU32(this.#fields.ioValue + 4));
  }

  #traceTrap(hartId: number): void {
    const m = this.module;
    const to = m.getU32(m.machineField("trapToPrv"));
    this.onTrap?.({
      hartId,
      toPrivilege: to & 3,
      toVirtual: (to & 4) !== 0,
      cause: m.getU64(m.machineField("trapCause")),
      tval: m.getU64(m.machineField("trapTval")),
      epc: m.getU64(m.machineField("trapEpc")),
    });
  }
}

class HartClock implements VirtualClock {
  readonly #harts: HartArray;
  readonly #events: EventQueue;

  constructor(harts: HartArray, events: EventQueue) {
    this.#harts = harts;
    this.#events = events;
  }

  get nowNs(): bigint {
    return BigInt(this.#harts.nowNs);
  }

  schedule(dueNs: bigint, callback: () => void): ScheduledEvent {
    const event = this.#events.schedule(dueNs, callback);
    this.#harts.eventScheduled();
    return event;
  }
}
