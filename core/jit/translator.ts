/**
 * One region of RISC-V code to one WebAssembly function.
 *
 * A region is what can be reached from its entry without leaving the page. Its function takes the hart,
 * the instructions left in the slice, and the virtual address of the page; it answers the instructions
 * left, with `pc` in the hart's state, or continues in another region by a tail call. Integer registers
 * that the region uses are in locals: loaded at the entry, stored at the exits.
 *
 * Each block takes its instructions off the slice before it begins, and leaves if there are not enough:
 * the interpreter executes the last ones, so a slice ends on the exact instruction.
 *
 * @module
 */

import {
  type Block,
  type DecodedInstruction,
  type Fetch,
  findBlocks,
  structure,
  type StructuredBlock,
} from "./control_flow.ts";
import {
  BRANCH_CONDITION,
  COMPUTATIONS,
  CONTROL_OPS,
  FENCE,
  INVERTED,
  LOADS,
  type Operand,
  PAUSE_IMMEDIATE,
  SELECTIONS,
  SHIFT_ADDS,
  SINGLE_BIT,
  STORES,
} from "./instruction_tables.ts";
import { type JitLayout, RUNTIME } from "./layout.ts";
import { Type, Wasm, type WasmWriter } from "./wasm_encoder.ts";

/** Parameters and fixed locals of a region's function. */
const HART = 0;
const REMAINING = 1;
const PAGE = 2;
const ADDRESS = 3; // i64: a virtual address, or the target of a jump
const VALUE = 4; // i64
const TLB = 5; // i32: the read TLB of the data context
const ENTRY = 6; // i32: a TLB entry
const FIRST_REGISTER = 7;

const X_SINK = 32;
const PAGE_MASK = -0x1000;
const MAX_INSTRUCTIONS = 400;

/** Where a branch in structured code can go. */
interface Label {
  readonly order: number;
  readonly kind: "loop" | "merge" | "other";
}

/** Translates regions into function bodies. */
export class Translator {
  readonly #layout: JitLayout;
  #out!: WasmWriter;
  #registers = new Map<number, number>();
  #dirty = new Set<number>();
  /** Enclosing constructs, innermost last. */
  #labels: Label[] = [];
  /** Reverse postorder of each block of the region, by offset. */
  #orderOf = new Map<number, number>();

  constructor(layout: JitLayout) {
    this.#layout = layout;
  }

  /**
   * Writes a function body (with its size) for the region at `entry`.
   *
   * @returns how many instructions it covers; 0 if there is nothing worth a region, and nothing was written
   */
  translate(entry: number, fetch: Fetch, out: WasmWriter): number {
    const first = fetch(entry);
    if (first === undefined) return 0;
    const pauseless: Fetch = (offset) => {
      const instruction = fetch(offset);
      // PAUSE gives the turn away: the interpreter's business.
      return instruction?.op === FENCE && instruction.imm === PAUSE_IMMEDIATE
        ? { ...instruction, op: 0 }
        : instruction;
    };
    const blocks = findBlocks(entry, pauseless, CONTROL_OPS, MAX_INSTRUCTIONS);
    const root = structure(blocks, entry);
    this.#orderOf = new Map();
    this.#noteOrder(root);
    if (root.block.count === 0) return 0;
    this.#out = out;
    this.#collectRegisters(blocks.values());
    const start = out.beginSized();
    this.#locals();
    this.#prologue();
    this.#labels = [];
    out.begin(Wasm.block); // chain: ADDRESS is where to go on
    this.#labels.push({ order: -1, kind: "other" });
    out.begin(Wasm.block); // leave: pc is stored
    this.#labels.push({ order: -1, kind: "other" });
    this.#tree(root);
    out.byte(Wasm.unreachable);
    this.#labels.pop();
    out.byte(Wasm.end);
    this.#flush();
    out.localGet(REMAINING);
    out.byte(Wasm.return);
    this.#labels.pop();
    out.byte(Wasm.end);
    this.#flush();
    this.#chain();
    out.byte(Wasm.end);
    out.endSized(start);
    let count = 0;
    for (const block of blocks.values()) count += block.count;
    return count;
  }

  #collectRegisters(blocks: Iterable<Block>): void {
    this.#registers = new Map();
    this.#dirty = new Set();
    const use = (register: number) => {
      if (register !== 0 && !this.#registers.has(register)) {
        this.#registers.set(register, FIRST_REGISTER + this.#registers.size);
      }
    };
    const define = (register: number) => {
      if (register === X_SINK || register === 0) return;
      use(register);
      this.#dirty.add(register);
    };
    const note = ({ op, rd, rs1, rs2 }: DecodedInstruction) => {
      use(rs1);
      use(rs2);
      if (!STORES.has(op) && !BRANCH_CONDITION.has(op) && op !== FENCE) define(rd);
    };
    for (const { body, end } of blocks) {
      body.forEach(note);
      if ("instruction" in end) note(end.instruction);
    }
  }

  #locals(): void {
    const out = this.#out;
    out.unsigned(3);
    out.unsigned(2);
    out.byte(Type.i64);
    out.unsigned(2);
    out.byte(Type.i32);
    out.unsigned(this.#registers.size);
    out.byte(Type.i64);
  }

  #prologue(): void {
    const out = this.#out;
    for (const [register, local] of this.#registers) {
      out.localGet(HART);
      out.memory(Wasm.i64_load, register * 8);
      out.localSet(local);
    }
    out.localGet(HART);
    out.memory(Wasm.i32_load, this.#layout.dataContext);
    out.localSet(TLB);
  }

  #flush(): void {
    const out = this.#out;
    for (const register of this.#dirty) {
      out.localGet(HART);
      out.localGet(this.#registers.get(register)!);
      out.memory(Wasm.i64_store, register * 8);
    }
  }

  /** Goes on at ADDRESS: in its region if there is one, else in the interpreter. */
  #chain(): void {
    const { fetchContext, tlbBytes, tlbEntries, jumpCache, jumpCacheEntries, pc } = this.#layout;
    const out = this.#out;
    out.localGet(HART);
    out.memory(Wasm.i32_load, fetchContext);
    this.#tlbIndex(tlbEntries);
    out.byte(Wasm.i32_add);
    out.localTee(ENTRY);
    out.memory(Wasm.i64_load, 2 * tlbBytes);
    out.localGet(ADDRESS);
    out.i64Const(PAGE_MASK);
    out.byte(Wasm.i64_and);
    out.localTee(PAGE);
    out.byte(Wasm.i64_eq);
    out.begin(Wasm.if);
    out.localGet(ADDRESS);
    out.byte(Wasm.i32_wrap_i64);
    out.localGet(ENTRY);
    out.memory(Wasm.i32_load, 2 * tlbBytes + 8);
    out.byte(Wasm.i32_add);
    out.localTee(TLB); // where the code lies in linear memory
    out.i32Const(2);
    out.byte(Wasm.i32_shl);
    out.i32Const((jumpCacheEntries - 1) * 8);
    out.byte(Wasm.i32_and);
    out.localTee(ENTRY);
    out.memory(Wasm.i32_load, jumpCache);
    out.localGet(TLB);
    out.byte(Wasm.i32_eq);
    out.begin(Wasm.if);
    out.localGet(HART);
    out.localGet(REMAINING);
    out.localGet(PAGE);
    out.localGet(ENTRY);
    out.memory(Wasm.i32_load, jumpCache + 4);
    out.byte(Wasm.return_call_indirect);
    out.unsigned(0);
    out.unsigned(0);
    out.byte(Wasm.end);
    out.byte(Wasm.end);
    out.localGet(HART);
    out.localGet(ADDRESS);
    out.memory(Wasm.i64_store, pc);
    out.localGet(REMAINING);
  }

  /** Pushes the offset of ADDRESS's entry in a TLB. */
  #tlbIndex(tlbEntries: number): void {
    const out = this.#out;
    out.localGet(ADDRESS);
    out.i64Const(8); // (address >> 12) entries of 16 bytes
    out.byte(Wasm.i64_shr_u);
    out.byte(Wasm.i32_wrap_i64);
    out.i32Const((tlbEntries - 1) * 16);
    out.byte(Wasm.i32_and);
  }

  // ---- Structure ----

  #tree(node: StructuredBlock): void {
    const out = this.#out;
    // Those reached last stand outermost: blocks are opened for them first.
    const merges = node.children.filter((child) => child.isMerge).sort((a, b) => b.order - a.order);
    if (node.isLoopHeader) {
      out.begin(Wasm.loop);
      this.#labels.push({ order: node.order, kind: "loop" });
    }
    for (const merge of merges) {
      out.begin(Wasm.block);
      this.#labels.push({ order: merge.order, kind: "merge" });
    }
    this.#block(node);
    for (const merge of merges.reverse()) {
      this.#labels.pop();
      out.byte(Wasm.end);
      this.#tree(merge);
    }
    if (node.isLoopHeader) {
      this.#labels.pop();
      out.byte(Wasm.end);
    }
  }

  /** Goes to a block of the region, or leaves for an offset outside. Nothing follows in this path. */
  #go(from: StructuredBlock, offset: number): void {
    const child = from.children.find((candidate) => candidate.block.offset === offset);
    if (child !== undefined && !child.isMerge) {
      this.#tree(child);
      return;
    }
    const order = this.#orderOf.get(offset);
    if (order !== undefined) {
      for (let depth = 0; depth < this.#labels.length; depth++) {
        const label = this.#labels[this.#labels.length - 1 - depth]!;
        const backward = order <= from.order;
        if (label.order === order && label.kind === (backward ? "loop" : "merge")) {
          this.#out.br(depth);
          return;
        }
      }
    }
    this.#chainTo(offset);
  }

  #noteOrder(root: StructuredBlock): void {
    const stack = [root];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      this.#orderOf.set(node.block.offset, node.order);
      stack.push(...node.children);
    }
  }

  #block(node: StructuredBlock): void {
    const { block } = node;
    const out = this.#out;
    if (block.count > 0) {
      out.localGet(REMAINING);
      out.i32Const(block.count);
      out.byte(Wasm.i32_lt_s);
      out.begin(Wasm.if);
      this.#labels.push({ order: -1, kind: "other" });
      this.#storePc(block.offset);
      this.#leave();
      this.#labels.pop();
      out.byte(Wasm.end);
      out.localGet(REMAINING);
      out.i32Const(block.count);
      out.byte(Wasm.i32_sub);
      out.localSet(REMAINING);
    }
    block.body.forEach((instruction, index) => this.#instruction(instruction, block.count - index));
    this.#end(node);
  }

  #end(node: StructuredBlock): void {
    const { end } = node.block;
    const out = this.#out;
    switch (end.kind) {
      case "fall":
        this.#go(node, end.next);
        break;
      case "leave":
        this.#storePc(end.at);
        this.#leave();
        break;
      case "jump": {
        const { instruction, target } = end;
        if (instruction.rd !== X_SINK) {
          this.#pushPc(instruction.offset + instruction.length);
          this.#setRegister(instruction.rd);
          this.#chainTo(target);
        } else this.#go(node, target);
        break;
      }
      case "indirect": {
        const { rd, imm, offset, length } = end.instruction;
        this.#push("rs1", end.instruction);
        if (imm !== 0) {
          out.i64Const(imm);
          out.byte(Wasm.i64_add);
        }
        out.i64Const(-2);
        out.byte(Wasm.i64_and);
        out.localSet(ADDRESS);
        if (rd !== X_SINK) {
          this.#pushPc(offset + length);
          this.#setRegister(rd);
        }
        this.#chainFrom();
        break;
      }
      case "branch": {
        this.#push("rs1", end.instruction);
        this.#push("rs2", end.instruction);
        out.byte(BRANCH_CONDITION.get(end.instruction.op)!);
        out.begin(Wasm.if);
        this.#labels.push({ order: -1, kind: "other" });
        this.#go(node, end.taken);
        this.#labels.pop();
        out.byte(Wasm.else);
        this.#labels.push({ order: -1, kind: "other" });
        this.#go(node, end.next);
        this.#labels.pop();
        out.byte(Wasm.end);
        out.byte(Wasm.unreachable);
        break;
      }
    }
  }

  /** Branches to the exit that stores registers and answers. */
  #leave(): void {
    this.#out.br(this.#labels.length - 2);
  }

  #chainFrom(): void {
    this.#out.br(this.#labels.length - 1);
  }

  #chainTo(offset: number): void {
    this.#pushPc(offset);
    this.#out.localSet(ADDRESS);
    this.#chainFrom();
  }

  // ---- Instructions ----

  #instruction(instruction: DecodedInstruction, unretired: number): void {
    const { op } = instruction;
    const out = this.#out;
    const computation = COMPUTATIONS.get(op);
    if (computation !== undefined) {
      if (instruction.rd === X_SINK) return; // a hint
      for (const operand of computation.operands) this.#push(operand, instruction);
      for (const opcode of computation.opcodes) out.byte(opcode);
      this.#setRegister(instruction.rd);
      return;
    }
    const load = LOADS.get(op);
    if (load !== undefined) return this.#load(instruction, load, unretired);
    const store = STORES.get(op);
    if (store !== undefined) return this.#store(instruction, store, unretired);
    if (op === FENCE || instruction.rd === X_SINK) return;
    const shiftAdd = SHIFT_ADDS.get(op);
    const inverted = INVERTED.get(op);
    const selection = SELECTIONS.get(op);
    const bit = SINGLE_BIT.get(op);
    if (shiftAdd !== undefined) {
      this.#push(shiftAdd.operand, instruction);
      out.i64Const(shiftAdd.shift);
      out.byte(Wasm.i64_shl);
      this.#push("rs2", instruction);
      out.byte(Wasm.i64_add);
    } else if (inverted !== undefined) {
      this.#push("rs1", instruction);
      this.#push("rs2", instruction);
      out.i64Const(-1);
      out.byte(Wasm.i64_xor);
      out.byte(inverted);
    } else if (selection !== undefined) {
      this.#push("rs1", instruction);
      this.#push("rs2", instruction);
      this.#push("rs1", instruction);
      this.#push("rs2", instruction);
      out.byte(selection);
      out.byte(Wasm.select);
    } else if (bit !== undefined) {
      this.#singleBit(bit, instruction);
    } else {
      out.i32Const(op);
      this.#push("rs1", instruction);
      this.#push("rs2", instruction);
      out.call(RUNTIME.binary);
    }
    this.#setRegister(instruction.rd);
  }

  #singleBit(
    bit: { kind: "clear" | "extract" | "invert" | "set"; count: Operand },
    instruction: DecodedInstruction,
  ) {
    const out = this.#out;
    this.#push("rs1", instruction);
    if (bit.kind === "extract") {
      this.#push(bit.count, instruction);
      out.byte(Wasm.i64_shr_u);
      out.i64Const(1);
      out.byte(Wasm.i64_and);
      return;
    }
    out.i64Const(1);
    this.#push(bit.count, instruction);
    out.byte(Wasm.i64_shl);
    if (bit.kind === "clear") {
      out.i64Const(-1);
      out.byte(Wasm.i64_xor);
      out.byte(Wasm.i64_and);
    } else out.byte(bit.kind === "set" ? Wasm.i64_or : Wasm.i64_xor);
  }

  /** ADDRESS = rs1 + imm; ENTRY = its TLB entry; pushes whether it hits. */
  #probe(instruction: DecodedInstruction, kind: number, tlb: number): void {
    const out = this.#out;
    this.#push("rs1", instruction);
    if (instruction.imm !== 0) {
      out.i64Const(instruction.imm);
      out.byte(Wasm.i64_add);
    }
    out.localSet(ADDRESS);
    this.#tlbIndex(this.#layout.tlbEntries);
    out.localGet(TLB);
    out.byte(Wasm.i32_add);
    out.localTee(ENTRY);
    out.memory(Wasm.i64_load, tlb);
    out.localGet(ADDRESS);
    out.i64Const(PAGE_MASK | ((1 << (kind & 3)) - 1)); // misaligned: not equal
    out.byte(Wasm.i64_and);
    out.byte(Wasm.i64_eq);
  }

  /** Pushes the linear-memory address of ADDRESS. */
  #pointer(tlb: number): void {
    const out = this.#out;
    out.localGet(ADDRESS);
    out.byte(Wasm.i32_wrap_i64);
    out.localGet(ENTRY);
    out.memory(Wasm.i32_load, tlb + 8);
    out.byte(Wasm.i32_add);
  }

  #load(
    instruction: DecodedInstruction,
    load: { kind: number; opcode: number },
    unretired: number,
  ): void {
    const out = this.#out;
    this.#probe(instruction, load.kind, 0);
    out.begin(Wasm.if);
    this.#pointer(0);
    out.memory(load.opcode, 0);
    this.#setRegister(instruction.rd);
    out.byte(Wasm.else);
    this.#labels.push({ order: -1, kind: "other" });
    this.#beginSlow(instruction, unretired);
    out.localGet(HART);
    out.localGet(ADDRESS);
    out.i32Const(load.kind);
    out.call(RUNTIME.load);
    out.localSet(VALUE);
    this.#leaveIfFaulted(unretired);
    out.localGet(VALUE);
    this.#setRegister(instruction.rd);
    this.#leaveIfAsked(instruction, unretired);
    this.#labels.pop();
    out.byte(Wasm.end);
  }

  #store(
    instruction: DecodedInstruction,
    store: { kind: number; opcode: number },
    unretired: number,
  ): void {
    const out = this.#out;
    const tlb = this.#layout.tlbBytes;
    this.#probe(instruction, store.kind, tlb);
    out.begin(Wasm.if);
    this.#pointer(tlb);
    this.#push("rs2", instruction);
    out.memory(store.opcode, 0);
    out.byte(Wasm.else);
    this.#labels.push({ order: -1, kind: "other" });
    this.#beginSlow(instruction, unretired);
    out.localGet(HART);
    out.localGet(ADDRESS);
    out.i32Const(store.kind);
    this.#push("rs2", instruction);
    out.call(RUNTIME.store);
    this.#leaveIfFaulted(unretired);
    this.#leaveIfAsked(instruction, unretired);
    this.#labels.pop();
    out.byte(Wasm.end);
  }

  /** Brings pc and clock up to the instruction, for whoever looks during the access. */
  #beginSlow(instruction: DecodedInstruction, unretired: number): void {
    const out = this.#out;
    this.#storePc(instruction.offset);
    out.i32Const(0);
    out.localGet(REMAINING);
    out.i32Const(unretired);
    out.byte(Wasm.i32_add);
    out.memory(Wasm.i32_store, this.#layout.remaining);
  }

  /** The access raised: leave before the instruction, the interpreter repeats it and takes the trap. */
  #leaveIfFaulted(unretired: number): void {
    const out = this.#out;
    out.i32Const(0);
    out.memory(Wasm.i32_load, this.#layout.jitLeave);
    out.i32Const(1);
    out.byte(Wasm.i32_eq);
    this.#leaveIf(unretired);
  }

  /** The access asks for the run loop: leave behind the instruction. */
  #leaveIfAsked(instruction: DecodedInstruction, unretired: number): void {
    const out = this.#out;
    out.i32Const(0);
    out.memory(Wasm.i32_load, this.#layout.jitLeave);
    this.#leaveIf(unretired - 1, instruction.offset + instruction.length);
  }

  #leaveIf(unretired: number, offset?: number): void {
    const out = this.#out;
    out.begin(Wasm.if);
    this.#labels.push({ order: -1, kind: "other" });
    if (offset !== undefined) this.#storePc(offset);
    out.localGet(REMAINING);
    out.i32Const(unretired);
    out.byte(Wasm.i32_add);
    out.localSet(REMAINING);
    this.#leave();
    this.#labels.pop();
    out.byte(Wasm.end);
  }

  #storePc(offset: number): void {
    this.#out.localGet(HART);
    this.#pushPc(offset);
    this.#out.memory(Wasm.i64_store, this.#layout.pc);
  }

  #pushPc(offset: number): void {
    this.#out.localGet(PAGE);
    if (offset === 0) return;
    this.#out.i64Const(offset);
    this.#out.byte(Wasm.i64_add);
  }

  #push(operand: Operand, instruction: DecodedInstruction): void {
    const out = this.#out;
    switch (operand) {
      case "rs1":
        return this.#getRegister(instruction.rs1);
      case "rs2":
        return this.#getRegister(instruction.rs2);
      case "rs1w":
        this.#getRegister(instruction.rs1);
        return out.byte(Wasm.i32_wrap_i64);
      case "rs2w":
        this.#getRegister(instruction.rs2);
        return out.byte(Wasm.i32_wrap_i64);
      case "rs1uw":
        this.#getRegister(instruction.rs1);
        out.byte(Wasm.i32_wrap_i64);
        return out.byte(Wasm.i64_extend_i32_u);
      case "imm":
        return out.i64Const(instruction.imm);
      case "immw":
        return out.i32Const(instruction.imm);
      case "pc":
        return this.#pushPc(instruction.offset);
      default:
        return out.i64Const(operand);
    }
  }

  #getRegister(register: number): void {
    if (register === 0) this.#out.i64Const(0);
    else this.#out.localGet(this.#registers.get(register)!);
  }

  /** Pops into a register; x0 swallows it. */
  #setRegister(register: number): void {
    if (register === X_SINK) this.#out.byte(Wasm.drop);
    else this.#out.localSet(this.#registers.get(register)!);
  }
}
