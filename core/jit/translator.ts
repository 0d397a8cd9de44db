/**
 * One region of RISC-V code to one WebAssembly function.
 *
 * The function takes the hart, the instructions left in the slice, the virtual address of the page, and
 * which of the region's entries is meant; it answers the instructions left, with `pc` in the hart's
 * state, or continues in another region by a tail call. Registers that the region uses are in locals:
 * loaded at the entry, stored at the exits.
 *
 * At its entries and loop headers it looks whether the slice has enough instructions for the way to the
 * next such place (budget.ts); if not the interpreter executes the last ones, so a slice ends on the
 * exact instruction.
 *
 * @module
 */

import { type BlockEnd, type CodePage, findRegion, pageOf, type RegionLimits } from "./blocks.ts";
import { findChecks } from "./budget.ts";
import { type Structure, structure, type StructuredBlock } from "./control_flow.ts";
import { BRANCH_CONDITION, CONTROL_OPS, emitterOf } from "./emitters.ts";
import type { JitLayout } from "./layout.ts";
import {
  ADDRESS,
  ENTRY,
  HART,
  PAGE,
  PAGE_MASK,
  POINTER,
  RegionWriter,
  REMAINING,
} from "./region_writer.ts";
import { analyzeRegisters, type RegisterUse, X_SINK } from "./register_use.ts";
import { planStreams } from "./streams.ts";
import { type BranchHint, Wasm, type WasmWriter } from "./wasm_encoder.ts";

const PAGE_BYTES = 0x1000;

/** The word of a place where a region is entered (core/hart/code_entries.ts). */
export function enteredWord(index: number, entry: number): number {
  return (0x8000_0000 | (index << 8) | entry) >>> 0;
}

/** The word of a place where a region comes over from another page. */
export function crossedWord(index: number): number {
  return 0x4000_0000 | index;
}

const LIMITS: RegionLimits = { instructions: 1000, entries: 64, blockInstructions: 250 };

/** A translated region. */
export interface TranslatedRegion {
  /** Offsets where it is entered, by entry number. */
  readonly entries: readonly number[];
  /** Offsets where it comes over from another page, entries left out. */
  readonly crossed: ReadonlySet<number>;
  /** Offsets of its blocks. */
  readonly blocks: Iterable<number>;
  /** Instructions covered. */
  readonly instructions: number;
  readonly hints: readonly BranchHint[];
}

/** What a region must know of where it will be. */
export interface RegionPlace {
  /** Its function's index in the table. */
  readonly index: number;
  /** Its own page, and those of its neighbours that it may go on in, by number. */
  readonly pages: ReadonlyMap<number, LinearPage>;
}

/** Where a page of code is in linear memory. */
export interface LinearPage {
  readonly address: number;
  /** Its table of entries (core/hart/code_entries.ts). */
  readonly codeTable: number;
}

/** Translates regions into function bodies. */
export class Translator {
  readonly #layout: JitLayout;

  constructor(layout: JitLayout) {
    this.#layout = layout;
  }

  /** Writes a function body (with its size) for the region around `hot`. */
  translate(hot: number, page: CodePage, place: RegionPlace, out: WasmWriter): TranslatedRegion {
    const region = findRegion(hot, page, CONTROL_OPS, LIMITS);
    let hasCalls = false;
    let instructions = 0;
    for (const { end, count } of region.blocks.values()) {
      instructions += count;
      if (end.kind === "jump" && end.instruction.rd !== X_SINK && region.blocks.has(end.target)) {
        hasCalls = true;
      }
    }
    const structured = structure(region, hasCalls);
    const use = analyzeRegisters(structured);
    out.beginFunction();
    const body = new RegionBody(
      out,
      this.#layout,
      region.entries,
      structured,
      use,
      place,
      hasCalls,
    );
    body.write();
    return {
      entries: region.entries,
      crossed: body.crossed,
      blocks: region.blocks.keys(),
      instructions,
      hints: out.endFunction(),
    };
  }
}

/** One function body in the making. */
class RegionBody {
  readonly #out: WasmWriter;
  readonly #layout: JitLayout;
  readonly #structure: Structure;
  readonly #use: RegisterUse;
  readonly #place: RegionPlace;
  /** Whether indirect jumps look for an entry of the region itself. */
  readonly #hasCalls: boolean;
  readonly #checks: ReadonlyMap<StructuredBlock, number>;
  readonly #writer: RegionWriter;
  readonly #entries: readonly number[];
  readonly #page: LinearPage;
  readonly #crossed = new Set<number>();

  constructor(
    out: WasmWriter,
    layout: JitLayout,
    entries: readonly number[],
    structured: Structure,
    use: RegisterUse,
    place: RegionPlace,
    hasCalls: boolean,
  ) {
    this.#out = out;
    this.#layout = layout;
    this.#structure = structured;
    this.#use = use;
    this.#place = place;
    this.#page = place.pages.get(0)!;
    this.#entries = entries;
    this.#hasCalls = hasCalls;
    this.#checks = findChecks(structured);
    this.#writer = new RegionWriter(out, layout, use, planStreams(structured));
  }

  /** Offsets where the region comes over from another page, entries left out. */
  get crossed(): ReadonlySet<number> {
    return this.#crossed;
  }

  write(): void {
    const out = this.#out;
    const writer = this.#writer;
    writer.prologue();
    this.#turnToPage();
    writer.begin(Wasm.block, "chained"); // go on at ADDRESS, registers are stored
    writer.begin(Wasm.block, "chain"); // go on at ADDRESS
    writer.begin(Wasm.block, "leave"); // pc is stored
    writer.begin(Wasm.block, "asked"); // pc is stored, and the hart's functions know what is left
    if (this.#structure.isDispatched) writer.begin(Wasm.loop, "dispatch");
    this.#tree(this.#structure.root);
    if (this.#structure.isDispatched) writer.end();
    out.byte(Wasm.unreachable);
    writer.end();
    out.i32Const(0);
    out.memory(Wasm.i32_load, this.#layout.remaining);
    out.localSet(REMAINING);
    writer.end();
    writer.flush(this.#use.written);
    out.localGet(REMAINING);
    out.byte(Wasm.return);
    writer.end();
    writer.flush(this.#use.written);
    writer.end();
    this.#chain();
    out.byte(Wasm.end);
  }

  /** Whoever enters on another page than the region's own has that page's address in PAGE. */
  #turnToPage(): void {
    const out = this.#out;
    this.#entries.forEach((offset, entry) => {
      if (pageOf(offset) === 0) return;
      out.localGet(ENTRY);
      out.i32Const(entry);
      out.byte(Wasm.i32_eq);
      this.#writer.begin(Wasm.if);
      this.#writer.pushPc(-pageOf(offset) * PAGE_BYTES);
      out.localSet(PAGE);
      this.#writer.end();
    });
  }

  /** Goes on at ADDRESS: in translated code if there is any, else in the run loop. */
  #chain(): void {
    const { pc } = this.#layout;
    const out = this.#out;
    const writer = this.#writer;
    // Staying on the page needs no look: it was fetched from. On one of several pages, each has its turn.
    const isOnePage = this.#structure.blocks.every(({ block }) => pageOf(block!.offset) === 0);
    if (isOnePage) {
      this.#pushIsOwnPage();
      writer.begin(Wasm.if);
      this.#loadOwnWord();
      out.localSet(ENTRY);
      writer.else();
    }
    this.#loadWordByTlb();
    if (isOnePage) writer.end();
    out.localGet(ENTRY);
    out.i32Const(0);
    out.byte(Wasm.i32_lt_s);
    out.hint(true);
    writer.begin(Wasm.if);
    out.localGet(HART);
    out.localGet(REMAINING);
    out.localGet(PAGE);
    out.localGet(ENTRY);
    out.i32Const(0xff);
    out.byte(Wasm.i32_and);
    out.localGet(ENTRY);
    out.i32Const(8);
    out.byte(Wasm.i32_shr_u);
    out.i32Const(0x7f_ffff);
    out.byte(Wasm.i32_and);
    out.byte(Wasm.return_call_indirect);
    out.unsigned(0);
    out.unsigned(0);
    writer.end();
    writer.hart();
    out.localGet(ADDRESS);
    writer.storeHart(Wasm.i64_store, pc);
    out.localGet(REMAINING);
  }

  /** Sets ENTRY to the word of ADDRESS on whatever page it is, or 0, and PAGE to that page. */
  #loadWordByTlb(): void {
    const out = this.#out;
    const writer = this.#writer;
    this.#pushFetchTag();
    out.localGet(ADDRESS);
    out.i64Const(PAGE_MASK);
    out.byte(Wasm.i64_and);
    out.localTee(PAGE);
    out.byte(Wasm.i64_eq);
    writer.begin(Wasm.if);
    this.#pushFetchedFrom();
    out.localTee(POINTER); // where the code lies in linear memory
    out.i32Const(12);
    out.byte(Wasm.i32_shr_u);
    out.i32Const(2);
    out.byte(Wasm.i32_shl);
    out.memory(Wasm.i32_load, this.#layout.tableOfPage);
    out.localGet(POINTER);
    this.#wordOffset();
    out.byte(Wasm.i32_add);
    out.memory(Wasm.i32_load, 0);
    out.localSet(ENTRY);
    writer.else();
    out.i32Const(0);
    out.localSet(ENTRY);
    writer.end();
  }

  /** POINTER = the entry of ADDRESS in the execute TLB; pushes its tag. */
  #pushFetchTag(): void {
    const { fetchContext, tlbBytes } = this.#layout;
    const out = this.#out;
    this.#writer.hart();
    this.#writer.loadHart(Wasm.i32_load, fetchContext);
    this.#writer.tlbIndex();
    out.byte(Wasm.i32_add);
    out.localTee(POINTER);
    out.memory(Wasm.i64_load, 2 * tlbBytes);
  }

  /** Pushes the linear-memory address of ADDRESS by the entry in POINTER. */
  #pushFetchedFrom(): void {
    const out = this.#out;
    out.localGet(ADDRESS);
    out.byte(Wasm.i32_wrap_i64);
    out.localGet(POINTER);
    out.memory(Wasm.i32_load, 2 * this.#layout.tlbBytes + 8);
    out.byte(Wasm.i32_add);
  }

  #pushIsOwnPage(): void {
    const out = this.#out;
    out.localGet(ADDRESS);
    out.i64Const(PAGE_MASK);
    out.byte(Wasm.i64_and);
    out.localGet(PAGE);
    out.byte(Wasm.i64_eq);
  }

  /** Turns a linear-memory address into the offset of its word in its page's table. */
  #wordOffset(): void {
    const out = this.#out;
    out.i32Const(0xffe);
    out.byte(Wasm.i32_and);
    out.i32Const(1);
    out.byte(Wasm.i32_shl);
  }

  /** Pushes the word of ADDRESS in this page's table. */
  #loadOwnWord(): void {
    const out = this.#out;
    out.localGet(ADDRESS);
    out.byte(Wasm.i32_wrap_i64);
    this.#wordOffset();
    out.memory(Wasm.i32_load, this.#page.codeTable);
  }

  // ---- Structure ----

  #tree(node: StructuredBlock): void {
    const writer = this.#writer;
    // Those reached last stand outermost: blocks are opened for them first.
    const merges = node.children.filter((child) => child.isMerge).sort((a, b) => b.order - a.order);
    if (node.isLoopHeader) writer.begin(Wasm.loop, "loop", node.order);
    for (const merge of merges) writer.begin(Wasm.block, "merge", merge.order);
    if (node.block === undefined) this.#switch();
    else this.#block(node);
    for (const merge of merges.reverse()) {
      writer.end();
      this.#tree(merge);
    }
    if (node.isLoopHeader) writer.end();
  }

  #switch(): void {
    const out = this.#out;
    out.localGet(ENTRY);
    out.brTable(
      this.#structure.targets.map((target) => this.#writer.depthOf("merge", target.order)!),
    );
  }

  /** Goes to a block of the region, or leaves for an offset outside. Nothing follows in this path. */
  #go(from: StructuredBlock, offset: number): void {
    const to = this.#structure.byOffset.get(offset);
    const writer = this.#writer;
    if (to === undefined) return this.#chainTo(offset);
    if (pageOf(offset) !== pageOf(from.block!.offset)) this.#cross(from, offset);
    if (to.order > from.order) {
      if (to.isMerge) writer.br("merge", to.order);
      else this.#tree(to);
      return;
    }
    if (to.isLoopHeader && writer.depthOf("loop", to.order) !== undefined) {
      writer.br("loop", to.order);
      return;
    }
    this.#out.i32Const(this.#structure.targets.indexOf(to));
    this.#out.localSet(ENTRY);
    writer.br("dispatch");
  }

  /**
   * Leaves, as a jump between regions does, unless the target's page is where it was when the region was
   * translated, with the same code.
   */
  #cross(from: StructuredBlock, offset: number): void {
    const out = this.#out;
    const writer = this.#writer;
    const { address, codeTable } = this.#place.pages.get(pageOf(offset))!;
    const inPage = offset - pageOf(offset) * PAGE_BYTES;
    const entry = this.#entries.indexOf(offset);
    if (entry < 0) this.#crossed.add(offset);
    writer.pushPc(offset - inPage);
    out.localSet(ADDRESS);
    this.#pushFetchTag();
    out.localGet(ADDRESS);
    out.byte(Wasm.i64_eq);
    this.#pushFetchedFrom();
    out.i32Const(address);
    out.byte(Wasm.i32_eq);
    out.byte(Wasm.i32_and);
    out.i32Const(0);
    out.memory(Wasm.i32_load, codeTable + 2 * inPage);
    out.i32Const(
      entry < 0 ? crossedWord(this.#place.index) : enteredWord(this.#place.index, entry),
    );
    out.byte(Wasm.i32_eq);
    out.byte(Wasm.i32_and);
    out.byte(Wasm.i32_eqz);
    out.hint(false);
    writer.begin(Wasm.if);
    this.#chainFlushed(from, () => writer.pushPc(offset));
    writer.end();
  }

  #block(node: StructuredBlock): void {
    const { body, count, offset } = node.block!;
    const out = this.#out;
    const writer = this.#writer;
    const required = this.#checks.get(node);
    if (required !== undefined) {
      out.localGet(REMAINING);
      out.i32Const(required);
      out.byte(Wasm.i32_lt_s);
      out.hint(false);
      writer.begin(Wasm.if);
      writer.leaveAt(offset);
      writer.end();
    }
    const emitters = body.map(({ op }) => emitterOf(op));
    if (count > 0) {
      out.localGet(REMAINING);
      out.i32Const(count);
      out.byte(Wasm.i32_sub);
      out.localSet(REMAINING);
    }
    if (emitters.some(({ needsFpFast }) => needsFpFast)) writer.loadFpFast();
    let isFpChecked = false;
    body.forEach((instruction, index) => {
      const emitter = emitters[index]!;
      const placed = { instruction, unretired: count - index };
      if (emitter.needsFp && !isFpChecked) {
        writer.leaveUnlessFpReady(placed);
        isFpChecked = true;
      }
      emitter.emit(writer, placed);
      if (emitter.coverage === "call") isFpChecked = false; // it may have been a write to mstatus
    });
    this.#end(node, node.block!.end);
  }

  #end(node: StructuredBlock, end: BlockEnd): void {
    const out = this.#out;
    const writer = this.#writer;
    switch (end.kind) {
      case "fall":
        return this.#go(node, end.next);
      case "leave":
        return writer.leaveAt(end.at);
      case "system":
        return writer.executeAndLeave({ instruction: end.instruction, unretired: 1 });
      case "jump":
        this.#link(end.instruction);
        if (this.#structure.byOffset.has(end.target)) return this.#go(node, end.target);
        return this.#chainFlushed(node, () => writer.pushPc(end.target));
      case "indirect":
        return this.#indirect(node, end);
      case "branch":
        writer.x(end.instruction.rs1);
        writer.x(end.instruction.rs2);
        out.byte(BRANCH_CONDITION.get(end.instruction.op)!);
        writer.begin(Wasm.if);
        this.#go(node, end.taken);
        writer.else();
        this.#go(node, end.next);
        writer.end();
        out.byte(Wasm.unreachable);
    }
  }

  /** Writes the return address of a call. */
  #link({ rd, offset, length }: { rd: number; offset: number; length: number }): void {
    if (rd === X_SINK) return;
    this.#writer.pushPc(offset + length);
    this.#writer.setX(rd);
  }

  #indirect(node: StructuredBlock, { instruction }: Extract<BlockEnd, { kind: "indirect" }>): void {
    const out = this.#out;
    const writer = this.#writer;
    writer.x(instruction.rs1);
    if (instruction.imm !== 0) {
      out.i64Const(instruction.imm);
      out.byte(Wasm.i64_add);
    }
    out.i64Const(-2);
    out.byte(Wasm.i64_and);
    out.localSet(ADDRESS);
    this.#link(instruction);
    if (this.#hasCalls && pageOf(node.block!.offset) === 0) this.#dispatchOwn();
    this.#chainFlushed(node);
  }

  /** Stays in the function if ADDRESS is one of its entries: a return from a call within it. */
  #dispatchOwn(): void {
    const out = this.#out;
    const writer = this.#writer;
    this.#pushIsOwnPage();
    writer.begin(Wasm.if);
    this.#loadOwnWord();
    out.localTee(ENTRY);
    out.i32Const(8);
    out.byte(Wasm.i32_shr_u);
    out.i32Const(0x80_0000 | this.#place.index);
    out.byte(Wasm.i32_eq);
    writer.begin(Wasm.if);
    out.localGet(ENTRY);
    out.i32Const(0xff);
    out.byte(Wasm.i32_and);
    out.localSet(ENTRY);
    writer.br("dispatch");
    writer.end();
    writer.end();
  }

  /** Leaves on a way that is rarely taken: to code that was not worth translating along. */
  #chainTo(offset: number): void {
    this.#writer.pushPc(offset);
    this.#out.localSet(ADDRESS);
    this.#writer.br("chain");
  }

  /** Leaves on a way that is taken often, with just the registers stored that may have changed. */
  #chainFlushed(node: StructuredBlock, pushAddress?: () => void): void {
    if (pushAddress !== undefined) {
      pushAddress();
      this.#out.localSet(ADDRESS);
    }
    this.#writer.flush(this.#use.writtenAfter.get(node)!);
    this.#writer.br("chained");
  }
}
