/**
 * Translated code: takes the places that the interpreter found hot, has them translated and compiled in
 * batches, and enters them where the interpreter and other regions look.
 *
 * The interpreter counts jumps and queues a place (an address in linear memory) when it was jumped to
 * often. Between slices {@link CodeCache.translateQueued} makes one module of all that is queued. Entries
 * are found through the jump cache in linear memory; a store to a code page clears the page's entries
 * (core/hart/memory.ts), which is all there is to invalidation: nothing else names a region. When the
 * code budget is used up everything is dropped, and what is still hot comes again.
 *
 * @module
 */

import type { HartModule } from "../hart_module.ts";
import type { DecodedInstruction } from "./control_flow.ts";
import { jitLayout, RUNTIME_IMPORTS } from "./layout.ts";
import { Translator } from "./translator.ts";
import { Type, WasmWriter } from "./wasm_encoder.ts";

/** Options of translation; none of them changes what the guest sees. */
export interface JitOptions {
  /** Jumps to a place before it is translated, 1 to 255; 0 turns translation off. Default 40. */
  readonly threshold?: number;
  /** Translate when so many places are hot. Default 24. */
  readonly batch?: number;
  /** Bytes of WebAssembly kept before all is dropped. Default 16 MiB. */
  readonly budgetBytes?: number;
}

/** What translation did and cost. */
export interface JitStatistics {
  regions: number;
  instructions: number;
  modules: number;
  wasmBytes: number;
  /** Host time spent translating and compiling, in milliseconds. */
  translateMs: number;
  compileMs: number;
  /** How often the budget was used up. */
  flushes: number;
}

const SLOT_BYTES = 16;
const PAGE_BYTES = 0x1000;
const FUNCTION_TYPE = 0x60;
const SECTION = { type: 1, import: 2, function: 3, element: 9, code: 10 } as const;
const EXTERNAL = { function: 0, table: 1, memory: 2 } as const;
const WASM_HEADER = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/** The jitted code of one machine. */
export class CodeCache {
  readonly statistics: JitStatistics = {
    regions: 0,
    instructions: 0,
    modules: 0,
    wasmBytes: 0,
    translateMs: 0,
    compileMs: 0,
    flushes: 0,
  };
  readonly #module: HartModule;
  readonly #translator: Translator;
  readonly #imports: WebAssembly.Imports;
  readonly #out = new WasmWriter(1 << 20);
  readonly #bodies = new WasmWriter(1 << 20);
  readonly #hotCount: number;
  readonly #hotQueue: number;
  readonly #jumpCache: number;
  readonly #jumpCacheMask: number;
  readonly #budgetBytes: number;
  #liveBytes = 0;
  #nextIndex = 1;

  constructor(module: HartModule, options: JitOptions = {}) {
    const { threshold = 40, batch = 24, budgetBytes = 16 << 20 } = options;
    if (!Number.isInteger(threshold) || threshold < 0 || threshold > 255) {
      throw new RangeError(`JIT threshold ${threshold}: give 0 (off) to 255`);
    }
    this.#module = module;
    this.#budgetBytes = budgetBytes;
    const layout = jitLayout(module);
    this.#translator = new Translator(layout);
    this.#hotCount = module.machineField("hotCount");
    this.#hotQueue = module.layout("HOT_QUEUE_BASE");
    this.#jumpCache = layout.jumpCache;
    this.#jumpCacheMask = layout.jumpCacheEntries - 1;
    const { exports, memory, table } = module;
    this.#imports = {
      hart: Object.fromEntries(
        RUNTIME_IMPORTS.map(({ name }) => [name, exports[name] as WebAssembly.ImportValue]),
      ),
      env: { memory, table },
    };
    module.setU32(module.machineField("jitThreshold"), threshold);
    module.setU32(module.machineField("jitBatch"), batch);
  }

  /** Translates what is queued, if anything. Call between slices. */
  translateQueued(): void {
    const module = this.#module;
    const count = module.getU32(this.#hotCount);
    if (count === 0) return;
    module.setU32(this.#hotCount, 0);
    if (this.#liveBytes > this.#budgetBytes) this.#dropAll();
    const started = performance.now();
    const places: number[] = [];
    const bodies = this.#bodies;
    bodies.clear();
    const seen = new Set<number>();
    for (let n = 0; n < count; n++) {
      const code = module.getU32(this.#hotQueue + 4 * n);
      if (seen.has(code) || this.#isEntered(code)) continue;
      seen.add(code);
      const page = code - code % PAGE_BYTES;
      const instructions = this.#translator.translate(
        code - page,
        (offset) => this.#fetch(page, offset),
        bodies,
      );
      if (instructions === 0) continue;
      places.push(code);
      this.statistics.instructions += instructions;
    }
    if (places.length === 0) return;
    const bytes = this.#assemble(places.length, bodies.written);
    const translated = performance.now();
    const { table } = module;
    const needed = this.#nextIndex + places.length;
    if (needed > table.length) table.grow(Math.max(table.length, needed - table.length));
    // The element segment fills the table.
    new WebAssembly.Instance(new WebAssembly.Module(bytes), this.#imports);
    for (const [n, code] of places.entries()) this.#enter(code, this.#nextIndex + n);
    this.#nextIndex = needed;
    this.#liveBytes += bytes.length;
    this.statistics.regions += places.length;
    this.statistics.modules++;
    this.statistics.wasmBytes += bytes.length;
    this.statistics.translateMs += translated - started;
    this.statistics.compileMs += performance.now() - translated;
  }

  /** Forgets all code: memory was changed from outside. */
  #dropAll(): void {
    this.#module.exports.dropAllCode();
    for (let index = 1; index < this.#nextIndex; index++) this.#module.table.set(index, null);
    this.#nextIndex = 1;
    this.#liveBytes = 0;
    this.statistics.flushes++;
  }

  #entryOf(code: number): number {
    return this.#jumpCache + ((code >>> 1) & this.#jumpCacheMask) * 8;
  }

  #isEntered(code: number): boolean {
    return this.#module.getU32(this.#entryOf(code)) === code;
  }

  #enter(code: number, index: number): void {
    const entry = this.#entryOf(code);
    this.#module.setU32(entry, code);
    this.#module.setU32(entry + 4, index);
  }

  /** Decodes an instruction with the hart's own decoder. */
  #fetch(page: number, offset: number): DecodedInstruction | undefined {
    const { bytes } = this.#module;
    const at = page + offset;
    const low = bytes[at]! | (bytes[at + 1]! << 8);
    let word = low;
    if ((low & 3) === 3) {
      if (offset + 4 > PAGE_BYTES) return undefined;
      word = this.#module.getU32(at);
    }
    const slot = this.#module.exports.decodedSlot(word);
    return {
      op: bytes[slot + 4]! | (bytes[slot + 5]! << 8),
      rd: bytes[slot + 6]!,
      rs1: bytes[slot + 7]!,
      imm: this.#module.getU32(slot + 8) | 0,
      rs2: bytes[slot + 12]!,
      length: bytes[slot + SLOT_BYTES - 1]!,
      offset,
    };
  }

  /** A module of `count` functions whose element segment puts them into the table. */
  #assemble(count: number, bodies: Uint8Array): Uint8Array<ArrayBuffer> {
    const out = this.#out;
    out.clear();
    out.raw(WASM_HEADER);
    section(out, SECTION.type, () => {
      out.unsigned(1 + RUNTIME_IMPORTS.length);
      functionType(out, ["i32", "i32", "i64"], "i32");
      for (const { type, result } of RUNTIME_IMPORTS) functionType(out, type, result);
    });
    section(out, SECTION.import, () => {
      out.unsigned(RUNTIME_IMPORTS.length + 2);
      RUNTIME_IMPORTS.forEach(({ name }, index) => {
        out.name("hart");
        out.name(name);
        out.byte(EXTERNAL.function);
        out.unsigned(1 + index);
      });
      out.name("env");
      out.name("memory");
      out.byte(EXTERNAL.memory);
      out.byte(1);
      out.unsigned(0);
      out.unsigned(0x1_0000);
      out.name("env");
      out.name("table");
      out.byte(EXTERNAL.table);
      out.byte(Type.funcref);
      out.byte(0);
      out.unsigned(0);
    });
    section(out, SECTION.function, () => {
      out.unsigned(count);
      for (let n = 0; n < count; n++) out.unsigned(0);
    });
    section(out, SECTION.element, () => {
      out.unsigned(1);
      out.unsigned(0);
      out.i32Const(this.#nextIndex);
      out.byte(0x0b);
      out.unsigned(count);
      for (let n = 0; n < count; n++) out.unsigned(RUNTIME_IMPORTS.length + n);
    });
    section(out, SECTION.code, () => {
      out.unsigned(count);
      out.raw(bodies);
    });
    return out.written.slice();
  }
}

function section(out: WasmWriter, id: number, write: () => void): void {
  out.byte(id);
  const start = out.beginSized();
  write();
  out.endSized(start);
}

function functionType(
  out: WasmWriter,
  parameters: readonly ("i32" | "i64")[],
  result: "i32" | "i64" | undefined,
): void {
  out.byte(FUNCTION_TYPE);
  out.unsigned(parameters.length);
  for (const parameter of parameters) out.byte(Type[parameter]);
  out.unsigned(result === undefined ? 0 : 1);
  if (result !== undefined) out.byte(Type[result]);
}
