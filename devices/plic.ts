/**
 * SiFive PLIC: the platform-level interrupt controller of the `virt` board.
 *
 * Device line -> gateway of its source -> pending bit -> for each context (a hart's M or S mode)
 * the enabled sources above its threshold -> the context's external interrupt line -> hart. The
 * hart reads claim to learn the source and writes it back to complete.
 *
 * The gateways are level-triggered: a high line makes its source pending once, and not again before
 * the handler has completed (PLIC 1.0, 1.2). A request is never taken back: a line that drops before
 * the claim leaves its source pending, where QEMU drops it.
 *
 * Source sets are bitmaps of 32-bit words, so a claim looks at three words and at the pending
 * sources alone.
 *
 * @module
 */

import type { AccessWidth, Device, InterruptLine, SavedState } from "../core/device.ts";
import type { RegisterTable } from "./register_table.ts";
import { StateFields } from "../core/state_fields.ts";

/** Registers of the PLIC (PLIC 1.0, chapter 3). */
export const PLIC_REGISTERS = {
  /** One per source, from source 0, which is absent and reads 0. */
  priority: { offset: 0x0, width: 4, direction: "read-write", reset: 0, strideBytes: 4 },
  /** One bit per source. */
  pending: { offset: 0x1000, width: 4, direction: "read", reset: 0, strideBytes: 4 },
  /** One bit per source, words 4 bytes apart; the stride is that from context to context. */
  enable: { offset: 0x2000, width: 4, direction: "read-write", reset: 0, strideBytes: 0x80 },
  /** One per context: the priority up to which sources do not interrupt. */
  threshold: {
    offset: 0x20_0000,
    width: 4,
    direction: "read-write",
    reset: 0,
    strideBytes: 0x1000,
  },
  /** One per context: reading claims a source, writing completes it. */
  claim: { offset: 0x20_0004, width: 4, direction: "read-write", reset: 0, strideBytes: 0x1000 },
} as const satisfies RegisterTable;

/** Priorities and thresholds are 3 bits wide: 0 is "never", 7 the most urgent. */
export const PLIC_MAX_PRIORITY = 7;

/** Sources of the `virt` board: 1 to 95. */
export const VIRT_PLIC_SOURCES = 95;

/** The source space of the register map (PLIC 1.0, chapter 3). */
const MAX_SOURCES = 1023;

/** What a {@link Plic} is wired to. */
export interface PlicOptions {
  /** The external interrupt line of each context: on the `virt` board M then S of each hart. */
  readonly contexts: readonly InterruptLine[];
  /** Highest source number; {@link VIRT_PLIC_SOURCES} if left out. */
  readonly sources?: number;
}

interface Context {
  readonly interrupt: InterruptLine;
  readonly enable: Uint32Array;
  threshold: number;
}

/** The PLIC chip. Unmapped offsets read 0 and ignore writes. */
export class Plic implements Device {
  readonly kind = "plic";
  readonly sizeBytes = 0x60_0000;
  readonly accessWidths: readonly AccessWidth[] = [4];
  readonly #sources: number;
  readonly #lines: readonly InterruptLine[];
  readonly #contexts: readonly Context[];
  /** The bits of each word that belong to a source. */
  readonly #sourceMask: Uint32Array;

  readonly #priority: Uint8Array;
  /** Lines that are high. */
  readonly #level: Uint32Array;
  /** Requests that a gateway has forwarded and nobody has claimed. */
  readonly #pending: Uint32Array;
  /** Requests claimed and not yet completed: their gateways are closed. */
  readonly #claimed: Uint32Array;

  /** @throws {RangeError} if the register window has no room for that many sources or contexts */
  constructor(options: PlicOptions) {
    const sources = options.sources ?? VIRT_PLIC_SOURCES;
    if (!Number.isInteger(sources) || sources < 1 || sources > MAX_SOURCES) {
      throw new RangeError(`Cannot make a plic of ${sources} sources: must be 1 to ${MAX_SOURCES}`);
    }
    const { offset, strideBytes } = PLIC_REGISTERS.threshold;
    const maxContexts = (this.sizeBytes - offset) / strideBytes;
    if (options.contexts.length > maxContexts) {
      throw new RangeError(
        `Cannot make a plic of ${options.contexts.length} contexts: must be at most ${maxContexts}`,
      );
    }

    const words = (sources >>> 5) + 1;
    this.#sources = sources;
    this.#priority = new Uint8Array(sources + 1);
    this.#level = new Uint32Array(words);
    this.#pending = new Uint32Array(words);
    this.#claimed = new Uint32Array(words);
    this.#sourceMask = new Uint32Array(words);
    for (let source = 1; source <= sources; source++) setBit(this.#sourceMask, source);
    this.#contexts = options.contexts.map((interrupt) => ({
      interrupt,
      enable: new Uint32Array(words),
      threshold: 0,
    }));
    this.#lines = Array.from({ length: sources + 1 }, (_, source) => ({
      set: (level: boolean) => this.#setLine(source, level),
    }));
  }

  /**
   * The input line of a source.
   *
   * @throws {RangeError} if there is no such source; 0 is "no interrupt" and never one
   */
  source(source: number): InterruptLine {
    const line = source === 0 ? undefined : this.#lines[source];
    if (line === undefined) {
      throw new RangeError(
        `Cannot find source ${source} of the plic: it has 1 to ${this.#sources}`,
      );
    }
    return line;
  }

  read(offset: number, _width: AccessWidth): number {
    if ((offset & 3) !== 0) return 0;
    const { priority, pending, enable, threshold } = PLIC_REGISTERS;
    if (offset < pending.offset) {
      return this.#priority[(offset - priority.offset) >>> 2] ?? 0;
    }
    if (offset < enable.offset) {
      return this.#pending[(offset - pending.offset) >>> 2] ?? 0;
    }
    if (offset < threshold.offset) {
      const at = offset - enable.offset;
      const context = this.#contexts[Math.floor(at / enable.strideBytes)];
      return context?.enable[(at % enable.strideBytes) >>> 2] ?? 0;
    }
    const at = offset - threshold.offset;
    const context = this.#contexts[Math.floor(at / threshold.strideBytes)];
    if (context === undefined) return 0;
    switch (threshold.offset + at % threshold.strideBytes) {
      case PLIC_REGISTERS.threshold.offset:
        return context.threshold;
      case PLIC_REGISTERS.claim.offset:
        return this.#claim(context);
      default:
        return 0;
    }
  }

  write(offset: number, _width: AccessWidth, value: number): void {
    if ((offset & 3) !== 0) return;
    const { priority, pending, enable, threshold } = PLIC_REGISTERS;
    if (offset < pending.offset) {
      const source = (offset - priority.offset) >>> 2;
      if (source === 0 || source > this.#sources) return;
      this.#priority[source] = value & PLIC_MAX_PRIORITY;
    } else if (offset < enable.offset) {
      return; // Pending bits change by lines and claims alone (PLIC 1.0, chapter 5).
    } else if (offset < threshold.offset) {
      const at = offset - enable.offset;
      const context = this.#contexts[Math.floor(at / enable.strideBytes)];
      const word = (at % enable.strideBytes) >>> 2;
      if (context === undefined || word >= this.#sourceMask.length) return;
      context.enable[word] = value & (this.#sourceMask[word] ?? 0);
    } else {
      const at = offset - threshold.offset;
      const context = this.#contexts[Math.floor(at / threshold.strideBytes)];
      if (context === undefined) return;
      switch (threshold.offset + at % threshold.strideBytes) {
        case PLIC_REGISTERS.threshold.offset:
          context.threshold = value & PLIC_MAX_PRIORITY;
          break;
        case PLIC_REGISTERS.claim.offset:
          this.#complete(context, value);
          break;
        default:
          return;
      }
    }
    this.#deriveInterrupts();
  }

  /** Takes every input line for low as well: a device that resets with its line high sets it again. */
  reset(): void {
    this.#priority.fill(0);
    this.#level.fill(0);
    this.#pending.fill(0);
    this.#claimed.fill(0);
    for (const context of this.#contexts) {
      context.enable.fill(0);
      context.threshold = 0;
    }
    this.#deriveInterrupts();
  }

  save(): SavedState {
    return {
      kind: this.kind,
      version: 1,
      fields: {
        priority: [...this.#priority],
        level: [...this.#level],
        pending: [...this.#pending],
        claimed: [...this.#claimed],
        contexts: this.#contexts.map(({ enable, threshold }) => ({
          enable: [...enable],
          threshold,
        })),
      },
    };
  }

  restore(state: SavedState): void {
    const fields = StateFields.open(state, this.kind, 1);
    const priority = fields.integers("priority", this.#priority.length, PLIC_MAX_PRIORITY);
    if (priority[0] !== 0) fields.reject("priority", "gives source 0, which is absent, a priority");
    const level = this.#readSources(fields, "level");
    const pending = this.#readSources(fields, "pending");
    const claimed = this.#readSources(fields, "claimed");
    if (pending.some((word, index) => (word & (claimed[index] ?? 0)) !== 0)) {
      fields.reject("pending", "has a source that is claimed and not completed");
    }
    const contexts = fields.records("contexts", this.#contexts.length).map((context) => ({
      enable: this.#readSources(context, "enable"),
      threshold: context.integer("threshold", PLIC_MAX_PRIORITY),
    }));
    fields.finish();

    this.#priority.set(priority);
    this.#level.set(level);
    this.#pending.set(pending);
    this.#claimed.set(claimed);
    this.#contexts.forEach((context, index) => {
      const saved = contexts[index];
      if (saved === undefined) return;
      context.enable.set(saved.enable);
      context.threshold = saved.threshold;
    });
    this.#deriveInterrupts();
  }

  #readSources(fields: StateFields, name: string): number[] {
    const words = fields.integers(name, this.#sourceMask.length, 0xffff_ffff);
    if (words.some((word, index) => (word & ~(this.#sourceMask[index] ?? 0)) !== 0)) {
      fields.reject(name, `has a bit that is none of the sources 1 to ${this.#sources}`);
    }
    return words;
  }

  /** A device moves its line: the gateway forwards a request unless one is under way. */
  #setLine(source: number, level: boolean): void {
    if (hasBit(this.#level, source) === level) return;
    if (!level) return clearBit(this.#level, source);
    setBit(this.#level, source);
    if (hasBit(this.#claimed, source) || hasBit(this.#pending, source)) return;
    setBit(this.#pending, source);
    this.#deriveInterrupts();
  }

  /** Takes the most urgent source, whatever the threshold is (PLIC 1.0, chapter 8). */
  #claim(context: Context): number {
    const source = this.#mostUrgent(context);
    if (source === 0) return 0;
    clearBit(this.#pending, source);
    setBit(this.#claimed, source);
    this.#deriveInterrupts();
    return source;
  }

  /** Opens the gateway again; ignored unless enabled for the context (PLIC 1.0, chapter 9). */
  #complete(context: Context, source: number): void {
    if (source > this.#sources || !hasBit(context.enable, source)) return;
    if (!hasBit(this.#claimed, source)) return;
    clearBit(this.#claimed, source);
    if (hasBit(this.#level, source)) setBit(this.#pending, source);
  }

  /** The pending and enabled source of highest priority, lowest number among equals; 0 if none. */
  #mostUrgent(context: Context): number {
    let best = 0;
    let bestPriority = 0;
    for (let word = 0; word < this.#pending.length; word++) {
      let candidates = (this.#pending[word] ?? 0) & (context.enable[word] ?? 0);
      while (candidates !== 0) {
        const source = word * 32 + 31 - Math.clz32(candidates & -candidates);
        candidates &= candidates - 1;
        const priority = this.#priority[source] ?? 0;
        if (priority > bestPriority) {
          best = source;
          bestPriority = priority;
        }
      }
    }
    return best;
  }

  /** The only place that drives the context lines, called after every change. */
  #deriveInterrupts(): void {
    for (const context of this.#contexts) {
      const priority = this.#priority[this.#mostUrgent(context)] ?? 0;
      context.interrupt.set(priority > context.threshold);
    }
  }
}

function hasBit(words: Uint32Array, bit: number): boolean {
  return (((words[bit >>> 5] ?? 0) >>> (bit & 31)) & 1) === 1;
}

function setBit(words: Uint32Array, bit: number): void {
  words[bit >>> 5] = (words[bit >>> 5] ?? 0) | (1 << (bit & 31));
}

function clearBit(words: Uint32Array, bit: number): void {
  words[bit >>> 5] = (words[bit >>> 5] ?? 0) & ~(1 << (bit & 31));
}
