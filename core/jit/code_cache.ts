/**
 * Translated code: takes the places that the interpreter found hot, has the regions around them translated
 * and compiled in batches, and enters them where the interpreter and other regions look.
 *
 * The interpreter counts how often a basic block is reached and queues a place (an address in linear
 * memory) that is reached often. Between slices {@link CodeCache.translateQueued} makes one module of all
 * that is queued. Entries are found through a table for each page in linear memory
 * (core/hart/code_entries.ts); a store to a code page clears it, which is all there is to invalidation:
 * nothing else names a region. When the code budget is used up everything is dropped, and what is still
 * hot comes again.
 *
 * @module
 */

import type { HartModule } from "../hart_module.ts";
import { type CodePage, type DecodedInstruction, pageOf } from "./blocks.ts";
import { checkJitOptions, type JitOptions } from "./jit_options.ts";
import { type JitLayout, jitLayout, RUNTIME_IMPORTS, type ValueType } from "./layout.ts";
import { type EntryWord, LiveModules } from "./live_modules.ts";
import { crossedWord, enteredWord, type LinearPage, Translator } from "./translator.ts";
import { type BranchHint, Type, WasmWriter } from "./wasm_encoder.ts";

/** A module of translated code, as {@link JitOptions.onModule} sees it. */
export interface TranslatedModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly regions: readonly {
    /** Index of its function in the module. */
    readonly functionIndex: number;
    /** Linear-memory addresses of the code where it is entered. */
    readonly entries: readonly number[];
  }[];
}

/** What translation did and cost. */
export interface JitStatistics {
  /** Regions translated, and instructions in them; a place that is translated again counts again. */
  regions: number;
  instructions: number;
  modules: number;
  wasmBytes: number;
  /** What of it can still be entered. */
  liveModules: number;
  liveWasmBytes: number;
  /** Host time spent translating and compiling, in milliseconds. */
  translateMs: number;
  compileMs: number;
  /** How often the budget was used up. */
  flushes: number;
}

/** A module costs as much as some regions: a few places wait for more. */
const LONGEST_WAIT_INSTRUCTIONS = 1_000_000;
/** A block is worth translating along if it was reached a sixteenth as often as a hot one. */
const WARM_SHIFT = 4;
/**
 * A place within a region becomes an entry if it is reached from outside so many times the threshold: where
 * slices happen to end is no reason to translate again.
 */
const COVERED_FACTOR = 64;
/** Measured: bytes of the process's memory for a byte of WebAssembly, with both compilers' code. */
const MEMORY_PER_WASM_BYTE = 8;

const PAGE_BYTES = 0x1000;
const WASM_PAGE_BYTES = 0x1_0000;
const MAXIMUM_PAGES = 0x1_0000;
/** A place in the queue: linear-memory address, fetch context, virtual page (core/hart/code_entries.ts). */
const QUEUED_BYTES = 16;
const FUNCTION_TYPE = 0x60;
const SECTION = { custom: 0, type: 1, import: 2, function: 3, element: 9, code: 10 } as const;
const EXTERNAL = { function: 0, table: 1, memory: 2 } as const;
const WASM_HEADER = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/** The jitted code of one machine. */
export class CodeCache {
  readonly statistics: JitStatistics = {
    regions: 0,
    instructions: 0,
    modules: 0,
    wasmBytes: 0,
    liveModules: 0,
    liveWasmBytes: 0,
    translateMs: 0,
    compileMs: 0,
    flushes: 0,
  };
  readonly #module: HartModule;
  readonly #layout: JitLayout;
  readonly #translator: Translator;
  readonly #imports: WebAssembly.Imports;
  readonly #out = new WasmWriter(1 << 20);
  readonly #bodies = new WasmWriter(1 << 20);
  readonly #hotCount: number;
  readonly #hotQueue: number;
  readonly #tableOfPage: number;
  readonly #batch: number;
  #waited = 0;
  readonly #threshold: number;
  readonly #warm: number;
  readonly #covered: number;
  readonly #budgetBytes: number;
  readonly #onModule: JitOptions["onModule"];
  readonly #live: LiveModules;

  constructor(module: HartModule, options: JitOptions = {}) {
    const { threshold, batch, budgetBytes } = checkJitOptions(options);
    this.#module = module;
    this.#budgetBytes = budgetBytes;
    this.#live = new LiveModules(module);
    this.#onModule = options.onModule;
    this.#batch = batch;
    this.#threshold = threshold;
    this.#warm = threshold - (threshold >> WARM_SHIFT);
    this.#covered = threshold * COVERED_FACTOR;
    this.#layout = jitLayout(module);
    this.#translator = new Translator(this.#layout);
    this.#hotCount = module.machineField("hotCount");
    this.#hotQueue = module.layout("HOT_QUEUE_BASE");
    this.#tableOfPage = module.layout("TABLE_OF_PAGE_BASE");
    const { exports, memory, table } = module;
    this.#imports = {
      hart: Object.fromEntries(
        RUNTIME_IMPORTS.map((
          { name },
        ) => [name, exports[name as keyof typeof exports] as WebAssembly.ImportValue]),
      ),
      env: { memory, table },
    };
    module.setU32(module.machineField("jitThreshold"), threshold);
    module.setU32(module.machineField("jitBatch"), batch);
  }

  /**
   * Translates what is queued, if it is enough or has waited long enough. Call between slices.
   *
   * @param instructions how many were executed since the last call
   */
  translateQueued(instructions: number): void {
    const module = this.#module;
    const count = module.getU32(this.#hotCount);
    if (count === 0) return;
    this.#waited += instructions;
    if (count < this.#batch && this.#waited < LONGEST_WAIT_INSTRUCTIONS) return;
    this.#waited = 0;
    const started = performance.now();
    module.setU32(this.#hotCount, 0);
    const { statistics } = this;
    this.#live.sweep();
    if (this.#live.sizeBytes * MEMORY_PER_WASM_BYTE > this.#budgetBytes) this.#dropAll();
    const first = this.#live.takeSlots(count);
    const words: EntryWord[] = [];
    const bodies = this.#bodies;
    bodies.clear();
    let regions = 0;
    const seen: { functionIndex: number; entries: number[] }[] = [];
    const hints: (readonly BranchHint[])[] = [];
    for (let n = 0; n < count; n++) {
      const queued = this.#hotQueue + QUEUED_BYTES * n;
      const code = module.getU32(queued);
      const offset = code % PAGE_BYTES;
      const pages = this.#pagesAround(
        code - offset,
        module.getU32(queued + 4),
        module.getU64(queued + 8),
      );
      // Dropped since it was queued, or part of a region that was made since.
      if (!pages.has(0) || !this.#isQueued(this.#word(pages, offset))) continue;
      const codePage = this.#codePage(pages);
      if (codePage.fetch(offset) === undefined) continue; // crosses the page's end: interpreted
      const index = first + regions;
      const { entries, crossed, blocks, instructions, hints: regionHints } = this.#translator
        .translate(offset, codePage, { index, pages }, bodies);
      for (const offset of blocks) this.#setWord(pages, offset, this.#covered);
      for (const offset of crossed) this.#setWord(pages, offset, crossedWord(index));
      entries.forEach((offset, entry) => {
        const value = enteredWord(index, entry);
        words.push({ address: this.#wordAddress(pages, offset), value });
        this.#setWord(pages, offset, value);
      });
      if (this.#onModule !== undefined) {
        const functionIndex = RUNTIME_IMPORTS.length + regions;
        seen.push({
          functionIndex,
          entries: entries.map((offset) =>
            pages.get(pageOf(offset))!.address + offset - pageOf(offset) * PAGE_BYTES
          ),
        });
      }
      statistics.instructions += instructions;
      hints.push(regionHints);
      regions++;
    }
    this.#live.giveBack(first + regions, count - regions);
    if (regions === 0) return;
    const bytes = this.#assemble(first, hints, bodies.written);
    const translated = performance.now();
    // The element segment fills the table.
    const compiled = this.#onModule?.({ bytes, regions: seen }) ?? bytes;
    new WebAssembly.Instance(new WebAssembly.Module(compiled), this.#imports);
    this.#live.add(first, regions, bytes.length, words);
    statistics.regions += regions;
    statistics.modules++;
    statistics.wasmBytes += bytes.length;
    statistics.liveModules = this.#live.count;
    statistics.liveWasmBytes = this.#live.sizeBytes;
    statistics.translateMs += translated - started;
    statistics.compileMs += performance.now() - translated;
  }

  /** Forgets all code. */
  #dropAll(): void {
    this.#module.exports.dropAllCode();
    this.#live.clear();
    this.statistics.flushes++;
  }

  /** Whether a word is that of a place which was just queued. */
  #isQueued(word: number): boolean {
    return word >= 0 && word <= this.#threshold;
  }

  /** The page of code at a linear-memory address, and its neighbours where `context` fetches them from now. */
  #pagesAround(address: number, context: number, virtual: bigint): Map<number, LinearPage> {
    const pages = new Map<number, LinearPage>();
    for (const number of [0, 1, -1]) {
      const linear = number === 0
        ? address
        : this.#fetchedFrom(context, BigInt.asUintN(64, virtual + BigInt(number * PAGE_BYTES)));
      if (linear === undefined) continue;
      if ([...pages.values()].some((page) => page.address === linear)) continue;
      const codeTable = this.#module.getU32(this.#tableOfPage + (linear / PAGE_BYTES) * 4);
      if (codeTable !== 0) pages.set(number, { address: linear, codeTable });
    }
    return pages;
  }

  /** Linear-memory address of a virtual page, if the context's execute TLB has it. */
  #fetchedFrom(context: number, virtual: bigint): number | undefined {
    const { tlbBytes, tlbEntries } = this.#layout;
    const module = this.#module;
    const index = Number((virtual >> 12n) & BigInt(tlbEntries - 1));
    const entry = context + 2 * tlbBytes + index * 16;
    if (module.getU64(entry) !== virtual) return undefined;
    return (Number(virtual & 0xffff_ffffn) + module.getU32(entry + 8)) % 2 ** 32;
  }

  /** The word of a place: negative if translated code is entered there, else arrivals left (core/hart/code_entries.ts). */
  #word(pages: ReadonlyMap<number, LinearPage>, offset: number): number {
    return this.#module.getU32(this.#wordAddress(pages, offset)) | 0;
  }

  #setWord(pages: ReadonlyMap<number, LinearPage>, offset: number, word: number): void {
    this.#module.setU32(this.#wordAddress(pages, offset), word);
  }

  #wordAddress(pages: ReadonlyMap<number, LinearPage>, offset: number): number {
    const number = pageOf(offset);
    return pages.get(number)!.codeTable + 2 * (offset - number * PAGE_BYTES);
  }

  #codePage(pages: ReadonlyMap<number, LinearPage>): CodePage {
    return {
      has: (offset) => pages.has(pageOf(offset)),
      fetch: (offset) => {
        const number = pageOf(offset);
        const { address } = pages.get(number)!;
        return this.#fetch(address, offset - number * PAGE_BYTES, offset);
      },
      isWarm: (offset) => {
        const word = this.#word(pages, offset);
        return word < 0 || word > this.#threshold || (word > 0 && word <= this.#warm);
      },
      isEntered: (offset) => this.#word(pages, offset) < 0,
    };
  }

  /** Decodes an instruction with the hart's own decoder. */
  #fetch(page: number, inPage: number, offset: number): DecodedInstruction | undefined {
    const { bytes } = this.#module;
    const at = page + inPage;
    const low = bytes[at]! | (bytes[at + 1]! << 8);
    let word = low;
    if ((low & 3) === 3) {
      if (inPage + 4 > PAGE_BYTES) return undefined;
      word = this.#module.getU32(at);
    }
    const slot = this.#module.exports.decodedSlot(word);
    return {
      word,
      op: bytes[slot + 4]! | (bytes[slot + 5]! << 8),
      rd: bytes[slot + 6]!,
      rs1: bytes[slot + 7]!,
      imm: this.#module.getU32(slot + 8) | 0,
      rs2: bytes[slot + 12]!,
      rs3: bytes[slot + 13]!,
      rm: bytes[slot + 14]!,
      length: bytes[slot + 15]!,
      offset,
    };
  }

  /** A module of functions whose element segment puts them into the table. */
  #assemble(
    firstSlot: number,
    hints: readonly (readonly BranchHint[])[],
    bodies: Uint8Array,
  ): Uint8Array<ArrayBuffer> {
    const count = hints.length;
    const out = this.#out;
    out.clear();
    out.raw(WASM_HEADER);
    section(out, SECTION.type, () => {
      out.unsigned(1 + RUNTIME_IMPORTS.length);
      functionType(out, ["i32", "i32", "i64", "i32"], "i32");
      for (const { parameters, result } of RUNTIME_IMPORTS) functionType(out, parameters, result);
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
      // Constant addresses within what is there for sure need no bounds check.
      out.unsigned(this.#module.bytes.length / WASM_PAGE_BYTES);
      out.unsigned(MAXIMUM_PAGES);
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
      out.i32Const(firstSlot);
      out.byte(0x0b);
      out.unsigned(count);
      for (let n = 0; n < count; n++) out.unsigned(RUNTIME_IMPORTS.length + n);
    });
    section(out, SECTION.custom, () => {
      out.name("metadata.code.branch_hint");
      out.unsigned(count);
      hints.forEach((functionHints, n) => {
        out.unsigned(RUNTIME_IMPORTS.length + n);
        out.unsigned(functionHints.length);
        for (const { offset, isLikely } of functionHints) {
          out.unsigned(offset);
          out.unsigned(1);
          out.byte(isLikely ? 1 : 0);
        }
      });
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
  parameters: readonly ValueType[],
  result: ValueType,
): void {
  out.byte(FUNCTION_TYPE);
  out.unsigned(parameters.length);
  for (const parameter of parameters) out.byte(Type[parameter]);
  out.unsigned(1);
  out.byte(Type[result]);
}
