// The interpreter: the reference semantics, and what runs cold code when there is a JIT.
//
// `run` executes instructions of one hart until the slice is used up or something asks for the run
// loop. Integer instructions and loads and stores that hit the TLB are executed in place and go round
// with `continue`; all others leave the switch by `break` and go through `executeSlow`, which is
// complete. Decoded instructions are cached under the instruction word itself, so nothing needs to be
// invalidated when code changes.

import { Hart } from "./hart_state";
import { decode } from "./generated/decode";
import {
  OP_ADD, OP_ADDI, OP_ADDIW, OP_ADDW, OP_ADD_UW, OP_AND, OP_ANDI, OP_ANDN, OP_AUIPC, OP_BCLR,
  OP_BCLRI, OP_BEQ, OP_BEXT, OP_BEXTI, OP_BGE, OP_BGEU, OP_BINV, OP_BINVI, OP_BLT, OP_BLTU,
  OP_BNE, OP_BSET, OP_BSETI, OP_CLMUL, OP_CLMULH, OP_CLMULR, OP_CLZ, OP_CLZW, OP_CPOP, OP_CPOPW,
  OP_CTZ, OP_CTZW, OP_CZERO_EQZ, OP_CZERO_NEZ, OP_DIV, OP_DIVU, OP_DIVUW, OP_DIVW, OP_FENCE,
  OP_JAL, OP_JALR, OP_LB, OP_LBU, OP_LD, OP_LH, OP_LHU, OP_LUI, OP_LW, OP_LWU, OP_MAX, OP_MAXU,
  OP_MIN, OP_MINU, OP_MUL, OP_MULH, OP_MULHSU, OP_MULHU, OP_MULW, OP_OR, OP_ORC_B, OP_ORI,
  OP_ORN, OP_REM, OP_REMU, OP_REMUW, OP_REMW, OP_REV8, OP_ROL, OP_ROLW, OP_ROR, OP_RORI,
  OP_RORIW, OP_RORW, OP_SB, OP_SD, OP_SEXT_B, OP_SEXT_H, OP_SH, OP_SH1ADD, OP_SH1ADD_UW,
  OP_SH2ADD, OP_SH2ADD_UW, OP_SH3ADD, OP_SH3ADD_UW, OP_SLL, OP_SLLI, OP_SLLIW, OP_SLLI_UW,
  OP_SLLW, OP_SLT, OP_SLTI, OP_SLTIU, OP_SLTU, OP_SRA, OP_SRAI, OP_SRAIW, OP_SRAW, OP_SRL,
  OP_SRLI, OP_SRLIW, OP_SRLW, OP_SUB, OP_SUBW, OP_SW, OP_XNOR, OP_XOR, OP_XORI, OP_ZEXT_H,
} from "./generated/ops";
import { executeSlow, PAUSE } from "./execute_slow";
import { clear, pending } from "./fault";
import { DECODE16_BASE, DECODE32_BASE, DECODE32_BITS, TLB_BYTES, TLB_ENTRIES } from "./layout";
import { lookUpCode } from "./code_entries";
import { machine } from "./machine_state";
import { isCodePageCached, locateCode } from "./memory";
import { imm, rs1, rs2, sext32, writeRd } from "./registers";
import { acknowledgeChange, changed } from "./tlb";
import { hasWakeup, takeException, takeInterrupt } from "./trap";
import {
  clmul, clmulh, clmulr, div32, div64, divu32, divu64, mulh, mulhsu, mulhu, orcb, rem32, rem64,
  remu32, remu64,
} from "./wide_arithmetic";

const PAGE_MASK: u64 = ~0xfff;
const NO_PAGE: u64 = (<u64>1) << 63; // xor with pc: farther than a page from it
const LAST_WHOLE_FETCH: u64 = 0xffc; // a 32-bit fetch beyond this offset may need the next page

// @ts-ignore: decorator
@inline
function entryOffset(va: u64): usize {
  return (<usize>(va >> 12) & (TLB_ENTRIES - 1)) << 4;
}

/** The decoded form of an instruction word. */
// @ts-ignore: decorator
@inline
function decoded(insn: u32): usize {
  if ((insn & 3) != 3) return DECODE16_BASE + (<usize>(insn & 0xffff) << 4);
  const slot = DECODE32_BASE + (<usize>((insn * 0x9e3779b1) >> (32 - DECODE32_BITS)) << 4);
  if (load<u32>(slot) != insn) decode(insn, slot);
  return slot;
}

/** The same, for the translator. */
export function decodedSlot(insn: u32): usize {
  return decoded(insn);
}

/** Decodes all 16-bit instructions once. */
export function prepareDecoder(): void {
  for (let insn: u32 = 0; insn < 0x10000; insn++) {
    if ((insn & 3) != 3) decode(insn, DECODE16_BASE + (<usize>insn << 4));
  }
  decode(3, DECODE32_BASE + (<usize>((3 * 0x9e3779b1) >> (32 - DECODE32_BITS)) << 4));
}

/** Linear-memory address of the first byte fetched by the last `fetchSlow`. */
let fetched: usize = 0;

/** Fetches at `pc` through translation, across a page or PMP boundary if need be. May raise. */
function fetchSlow(h: Hart, pc: u64): u32 {
  fetched = locateCode(h, pc);
  if (fetched == 0) return 0;
  const low = <u32>load<u16>(fetched);
  if ((low & 3) != 3) return low;
  // Both halves on one page, which the PMP treats alike.
  if ((pc & 0xfff) != 0xffe && isCodePageCached(h, pc)) return load<u32>(fetched);
  const first = fetched;
  const second = locateCode(h, pc + 2);
  if (second == 0) return 0;
  fetched = first;
  return low | (<u32>load<u16>(second) << 16);
}

/**
 * Runs hart `h` for at most `budget` instructions, and answers how many it used. The machine's clock
 * advances by as many nanoseconds.
 */
export function run(h: Hart, budget: i32): i32 {
  const m = machine();
  if (h.waiting) {
    if (!hasWakeup(h)) return 0;
    h.waiting = 0;
  }
  if (m.lastHart != h.hartId) {
    m.lastHart = h.hartId;
    h.reservationValid = 0;
  }
  m.sliceEndNs += <u64>budget;
  m.sliceInstructions = budget;
  m.remaining = budget;
  m.endSlice = 0;
  m.attention = 0;
  clear();
  takeInterrupt(h);
  if (m.endSlice) { // the trap's observer asked for it
    m.sliceEndNs -= <u64>budget;
    m.remaining = 0;
    m.sliceInstructions = 0;
    return 0;
  }

  const translate = m.jitThreshold != 0;
  let remaining = budget;
  let pc = h.pc;
  let page: u64 = pc ^ NO_PAGE; // virtual address of the code page at `code`
  let code: usize = 0;
  let readTlb = <usize>h.dataContext;
  let arrived = false; // the last instruction ended a basic block: there may be translated code for the next
  let left = false; // translated code has just left for what it cannot do: interpret at least one instruction
  acknowledgeChange();

  while (remaining > 0) {
    let insn: u32;
    let translated: i32 = 0; // negative: the entry of translated code for pc
    const offset = pc - page;
    if (offset <= LAST_WHOLE_FETCH) {
      insn = load<u32>(code + <usize>offset);
    } else {
      h.pc = pc;
      m.remaining = remaining;
      insn = fetchSlow(h, pc);
      if (pending) {
        takeException(h, 0);
        acknowledgeChange();
        remaining--;
        pc = h.pc;
        page = pc ^ NO_PAGE;
        readTlb = <usize>h.dataContext;
        if (m.endSlice) break; // the trap's observer asked for it
        continue;
      }
      if (isCodePageCached(h, pc)) {
        page = pc & PAGE_MASK;
        code = fetched - <usize>(pc & 0xfff);
        if (translate && !left) translated = lookUpCode(fetched);
      } else page = pc ^ NO_PAGE;
      left = false;
    }
    if (translated >= 0) {
      const slot = decoded(insn);
      const len = <u64>load<u8>(slot, 15);
      const op = <u32>load<u16>(slot, 4);
      switch (op) {
        case OP_ADDI: writeRd(h, slot, rs1(h, slot) + imm(slot)); pc += len; remaining--; continue;
        case OP_ADD: writeRd(h, slot, rs1(h, slot) + rs2(h, slot)); pc += len; remaining--; continue;
        case OP_SUB: writeRd(h, slot, rs1(h, slot) - rs2(h, slot)); pc += len; remaining--; continue;
        case OP_ANDI: writeRd(h, slot, rs1(h, slot) & imm(slot)); pc += len; remaining--; continue;
        case OP_ORI: writeRd(h, slot, rs1(h, slot) | imm(slot)); pc += len; remaining--; continue;
        case OP_XORI: writeRd(h, slot, rs1(h, slot) ^ imm(slot)); pc += len; remaining--; continue;
        case OP_AND: writeRd(h, slot, rs1(h, slot) & rs2(h, slot)); pc += len; remaining--; continue;
        case OP_OR: writeRd(h, slot, rs1(h, slot) | rs2(h, slot)); pc += len; remaining--; continue;
        case OP_XOR: writeRd(h, slot, rs1(h, slot) ^ rs2(h, slot)); pc += len; remaining--; continue;
        case OP_SLLI: writeRd(h, slot, rs1(h, slot) << (imm(slot) & 63)); pc += len; remaining--; continue;
        case OP_SRLI: writeRd(h, slot, rs1(h, slot) >> (imm(slot) & 63)); pc += len; remaining--; continue;
        case OP_SRAI: writeRd(h, slot, <u64>(<i64>rs1(h, slot) >> <i64>(imm(slot) & 63))); pc += len; remaining--; continue;
        case OP_SLL: writeRd(h, slot, rs1(h, slot) << (rs2(h, slot) & 63)); pc += len; remaining--; continue;
        case OP_SRL: writeRd(h, slot, rs1(h, slot) >> (rs2(h, slot) & 63)); pc += len; remaining--; continue;
        case OP_SRA: writeRd(h, slot, <u64>(<i64>rs1(h, slot) >> <i64>(rs2(h, slot) & 63))); pc += len; remaining--; continue;
        case OP_SLTI: writeRd(h, slot, <u64>(<i64>rs1(h, slot) < <i64>imm(slot))); pc += len; remaining--; continue;
        case OP_SLTIU: writeRd(h, slot, <u64>(rs1(h, slot) < imm(slot))); pc += len; remaining--; continue;
        case OP_SLT: writeRd(h, slot, <u64>(<i64>rs1(h, slot) < <i64>rs2(h, slot))); pc += len; remaining--; continue;
        case OP_SLTU: writeRd(h, slot, <u64>(rs1(h, slot) < rs2(h, slot))); pc += len; remaining--; continue;
        case OP_LUI: writeRd(h, slot, imm(slot)); pc += len; remaining--; continue;
        case OP_AUIPC: writeRd(h, slot, pc + imm(slot)); pc += len; remaining--; continue;
        case OP_ADDIW: writeRd(h, slot, sext32(<u32>rs1(h, slot) + <u32>imm(slot))); pc += len; remaining--; continue;
        case OP_SLLIW: writeRd(h, slot, sext32(<u32>rs1(h, slot) << (<u32>imm(slot) & 31))); pc += len; remaining--; continue;
        case OP_SRLIW: writeRd(h, slot, sext32(<u32>rs1(h, slot) >> (<u32>imm(slot) & 31))); pc += len; remaining--; continue;
        case OP_SRAIW: writeRd(h, slot, <u64>(<i64>(<i32>rs1(h, slot) >> (<i32>imm(slot) & 31)))); pc += len; remaining--; continue;
        case OP_ADDW: writeRd(h, slot, sext32(<u32>rs1(h, slot) + <u32>rs2(h, slot))); pc += len; remaining--; continue;
        case OP_SUBW: writeRd(h, slot, sext32(<u32>rs1(h, slot) - <u32>rs2(h, slot))); pc += len; remaining--; continue;
        case OP_SLLW: writeRd(h, slot, sext32(<u32>rs1(h, slot) << (<u32>rs2(h, slot) & 31))); pc += len; remaining--; continue;
        case OP_SRLW: writeRd(h, slot, sext32(<u32>rs1(h, slot) >> (<u32>rs2(h, slot) & 31))); pc += len; remaining--; continue;
        case OP_SRAW: writeRd(h, slot, <u64>(<i64>(<i32>rs1(h, slot) >> (<i32>rs2(h, slot) & 31)))); pc += len; remaining--; continue;
        case OP_MUL: writeRd(h, slot, rs1(h, slot) * rs2(h, slot)); pc += len; remaining--; continue;
        case OP_MULW: writeRd(h, slot, sext32(<u32>rs1(h, slot) * <u32>rs2(h, slot))); pc += len; remaining--; continue;
        case OP_MULH: writeRd(h, slot, mulh(<i64>rs1(h, slot), <i64>rs2(h, slot))); pc += len; remaining--; continue;
        case OP_MULHSU: writeRd(h, slot, mulhsu(<i64>rs1(h, slot), rs2(h, slot))); pc += len; remaining--; continue;
        case OP_MULHU: writeRd(h, slot, mulhu(rs1(h, slot), rs2(h, slot))); pc += len; remaining--; continue;
        case OP_DIV: writeRd(h, slot, div64(<i64>rs1(h, slot), <i64>rs2(h, slot))); pc += len; remaining--; continue;
        case OP_DIVU: writeRd(h, slot, divu64(rs1(h, slot), rs2(h, slot))); pc += len; remaining--; continue;
        case OP_REM: writeRd(h, slot, rem64(<i64>rs1(h, slot), <i64>rs2(h, slot))); pc += len; remaining--; continue;
        case OP_REMU: writeRd(h, slot, remu64(rs1(h, slot), rs2(h, slot))); pc += len; remaining--; continue;
        case OP_DIVW: writeRd(h, slot, sext32(div32(<i32>rs1(h, slot), <i32>rs2(h, slot)))); pc += len; remaining--; continue;
        case OP_DIVUW: writeRd(h, slot, sext32(divu32(<u32>rs1(h, slot), <u32>rs2(h, slot)))); pc += len; remaining--; continue;
        case OP_REMW: writeRd(h, slot, sext32(rem32(<i32>rs1(h, slot), <i32>rs2(h, slot)))); pc += len; remaining--; continue;
        case OP_REMUW: writeRd(h, slot, sext32(remu32(<u32>rs1(h, slot), <u32>rs2(h, slot)))); pc += len; remaining--; continue;
        case OP_SH1ADD: writeRd(h, slot, (rs1(h, slot) << 1) + rs2(h, slot)); pc += len; remaining--; continue;
        case OP_SH1ADD_UW: writeRd(h, slot, (<u64>(<u32>rs1(h, slot)) << 1) + rs2(h, slot)); pc += len; remaining--; continue;
        case OP_SH2ADD: writeRd(h, slot, (rs1(h, slot) << 2) + rs2(h, slot)); pc += len; remaining--; continue;
        case OP_SH2ADD_UW: writeRd(h, slot, (<u64>(<u32>rs1(h, slot)) << 2) + rs2(h, slot)); pc += len; remaining--; continue;
        case OP_SH3ADD: writeRd(h, slot, (rs1(h, slot) << 3) + rs2(h, slot)); pc += len; remaining--; continue;
        case OP_SH3ADD_UW: writeRd(h, slot, (<u64>(<u32>rs1(h, slot)) << 3) + rs2(h, slot)); pc += len; remaining--; continue;
        case OP_ADD_UW: writeRd(h, slot, <u64>(<u32>rs1(h, slot)) + rs2(h, slot)); pc += len; remaining--; continue;
        case OP_SLLI_UW: writeRd(h, slot, <u64>(<u32>rs1(h, slot)) << (imm(slot) & 63)); pc += len; remaining--; continue;
        case OP_ANDN: writeRd(h, slot, rs1(h, slot) & ~rs2(h, slot)); pc += len; remaining--; continue;
        case OP_ORN: writeRd(h, slot, rs1(h, slot) | ~rs2(h, slot)); pc += len; remaining--; continue;
        case OP_XNOR: writeRd(h, slot, ~(rs1(h, slot) ^ rs2(h, slot))); pc += len; remaining--; continue;
        case OP_CLZ: writeRd(h, slot, clz(rs1(h, slot))); pc += len; remaining--; continue;
        case OP_CLZW: writeRd(h, slot, <u64>clz(<u32>rs1(h, slot))); pc += len; remaining--; continue;
        case OP_CTZ: writeRd(h, slot, ctz(rs1(h, slot))); pc += len; remaining--; continue;
        case OP_CTZW: writeRd(h, slot, <u64>ctz(<u32>rs1(h, slot))); pc += len; remaining--; continue;
        case OP_CPOP: writeRd(h, slot, popcnt(rs1(h, slot))); pc += len; remaining--; continue;
        case OP_CPOPW: writeRd(h, slot, <u64>popcnt(<u32>rs1(h, slot))); pc += len; remaining--; continue;
        case OP_SEXT_B: writeRd(h, slot, <u64>(<i64>(<i8>rs1(h, slot)))); pc += len; remaining--; continue;
        case OP_SEXT_H: writeRd(h, slot, <u64>(<i64>(<i16>rs1(h, slot)))); pc += len; remaining--; continue;
        case OP_ZEXT_H: writeRd(h, slot, rs1(h, slot) & 0xffff); pc += len; remaining--; continue;
        case OP_ROL: writeRd(h, slot, rotl(rs1(h, slot), rs2(h, slot) & 63)); pc += len; remaining--; continue;
        case OP_ROLW: writeRd(h, slot, sext32(rotl(<u32>rs1(h, slot), <u32>rs2(h, slot) & 31))); pc += len; remaining--; continue;
        case OP_ROR: writeRd(h, slot, rotr(rs1(h, slot), rs2(h, slot) & 63)); pc += len; remaining--; continue;
        case OP_RORW: writeRd(h, slot, sext32(rotr(<u32>rs1(h, slot), <u32>rs2(h, slot) & 31))); pc += len; remaining--; continue;
        case OP_RORI: writeRd(h, slot, rotr(rs1(h, slot), imm(slot) & 63)); pc += len; remaining--; continue;
        case OP_RORIW: writeRd(h, slot, sext32(rotr(<u32>rs1(h, slot), <u32>imm(slot) & 31))); pc += len; remaining--; continue;
        case OP_ORC_B: writeRd(h, slot, orcb(rs1(h, slot))); pc += len; remaining--; continue;
        case OP_REV8: writeRd(h, slot, bswap(rs1(h, slot))); pc += len; remaining--; continue;
        case OP_BCLR: writeRd(h, slot, rs1(h, slot) & ~(<u64>1 << (rs2(h, slot) & 63))); pc += len; remaining--; continue;
        case OP_BCLRI: writeRd(h, slot, rs1(h, slot) & ~(<u64>1 << (imm(slot) & 63))); pc += len; remaining--; continue;
        case OP_BEXT: writeRd(h, slot, (rs1(h, slot) >> (rs2(h, slot) & 63)) & 1); pc += len; remaining--; continue;
        case OP_BEXTI: writeRd(h, slot, (rs1(h, slot) >> (imm(slot) & 63)) & 1); pc += len; remaining--; continue;
        case OP_BINV: writeRd(h, slot, rs1(h, slot) ^ (<u64>1 << (rs2(h, slot) & 63))); pc += len; remaining--; continue;
        case OP_BINVI: writeRd(h, slot, rs1(h, slot) ^ (<u64>1 << (imm(slot) & 63))); pc += len; remaining--; continue;
        case OP_BSET: writeRd(h, slot, rs1(h, slot) | (<u64>1 << (rs2(h, slot) & 63))); pc += len; remaining--; continue;
        case OP_BSETI: writeRd(h, slot, rs1(h, slot) | (<u64>1 << (imm(slot) & 63))); pc += len; remaining--; continue;
        case OP_CLMUL: writeRd(h, slot, clmul(rs1(h, slot), rs2(h, slot))); pc += len; remaining--; continue;
        case OP_CLMULH: writeRd(h, slot, clmulh(rs1(h, slot), rs2(h, slot))); pc += len; remaining--; continue;
        case OP_CLMULR: writeRd(h, slot, clmulr(rs1(h, slot), rs2(h, slot))); pc += len; remaining--; continue;
        case OP_MAX: {
          const a = rs1(h, slot), b = rs2(h, slot);
          writeRd(h, slot, <i64>a > <i64>b ? a : b); pc += len; remaining--; continue;
        }
        case OP_MAXU: {
          const a = rs1(h, slot), b = rs2(h, slot);
          writeRd(h, slot, a > b ? a : b); pc += len; remaining--; continue;
        }
        case OP_MIN: {
          const a = rs1(h, slot), b = rs2(h, slot);
          writeRd(h, slot, <i64>a < <i64>b ? a : b); pc += len; remaining--; continue;
        }
        case OP_MINU: {
          const a = rs1(h, slot), b = rs2(h, slot);
          writeRd(h, slot, a < b ? a : b); pc += len; remaining--; continue;
        }
        case OP_CZERO_EQZ: writeRd(h, slot, rs2(h, slot) == 0 ? 0 : rs1(h, slot)); pc += len; remaining--; continue;
        case OP_CZERO_NEZ: writeRd(h, slot, rs2(h, slot) != 0 ? 0 : rs1(h, slot)); pc += len; remaining--; continue;
        case OP_LB: {
          const va = rs1(h, slot) + imm(slot);
          const e = readTlb + entryOffset(va);
          if (load<u64>(e) != (va & PAGE_MASK)) break;
          writeRd(h, slot, <u64>(<i64>load<i8>(<usize>(<u32>va + load<u32>(e, 8))))); pc += len; remaining--; continue;
        }
        case OP_LH: {
          const va = rs1(h, slot) + imm(slot);
          const e = readTlb + entryOffset(va);
          if (load<u64>(e) != (va & (PAGE_MASK | 1))) break;
          writeRd(h, slot, <u64>(<i64>load<i16>(<usize>(<u32>va + load<u32>(e, 8))))); pc += len; remaining--; continue;
        }
        case OP_LW: {
          const va = rs1(h, slot) + imm(slot);
          const e = readTlb + entryOffset(va);
          if (load<u64>(e) != (va & (PAGE_MASK | 3))) break;
          writeRd(h, slot, <u64>(<i64>load<i32>(<usize>(<u32>va + load<u32>(e, 8))))); pc += len; remaining--; continue;
        }
        case OP_LD: {
          const va = rs1(h, slot) + imm(slot);
          const e = readTlb + entryOffset(va);
          if (load<u64>(e) != (va & (PAGE_MASK | 7))) break;
          writeRd(h, slot, load<u64>(<usize>(<u32>va + load<u32>(e, 8)))); pc += len; remaining--; continue;
        }
        case OP_LBU: {
          const va = rs1(h, slot) + imm(slot);
          const e = readTlb + entryOffset(va);
          if (load<u64>(e) != (va & PAGE_MASK)) break;
          writeRd(h, slot, <u64>load<u8>(<usize>(<u32>va + load<u32>(e, 8)))); pc += len; remaining--; continue;
        }
        case OP_LHU: {
          const va = rs1(h, slot) + imm(slot);
          const e = readTlb + entryOffset(va);
          if (load<u64>(e) != (va & (PAGE_MASK | 1))) break;
          writeRd(h, slot, <u64>load<u16>(<usize>(<u32>va + load<u32>(e, 8)))); pc += len; remaining--; continue;
        }
        case OP_LWU: {
          const va = rs1(h, slot) + imm(slot);
          const e = readTlb + entryOffset(va);
          if (load<u64>(e) != (va & (PAGE_MASK | 3))) break;
          writeRd(h, slot, <u64>load<u32>(<usize>(<u32>va + load<u32>(e, 8)))); pc += len; remaining--; continue;
        }
        case OP_SB: {
          const va = rs1(h, slot) + imm(slot);
          const e = readTlb + TLB_BYTES + entryOffset(va);
          if (load<u64>(e) != (va & PAGE_MASK)) break;
          store<u8>(<usize>(<u32>va + load<u32>(e, 8)), <u8>rs2(h, slot)); pc += len; remaining--; continue;
        }
        case OP_SH: {
          const va = rs1(h, slot) + imm(slot);
          const e = readTlb + TLB_BYTES + entryOffset(va);
          if (load<u64>(e) != (va & (PAGE_MASK | 1))) break;
          store<u16>(<usize>(<u32>va + load<u32>(e, 8)), <u16>rs2(h, slot)); pc += len; remaining--; continue;
        }
        case OP_SW: {
          const va = rs1(h, slot) + imm(slot);
          const e = readTlb + TLB_BYTES + entryOffset(va);
          if (load<u64>(e) != (va & (PAGE_MASK | 3))) break;
          store<u32>(<usize>(<u32>va + load<u32>(e, 8)), <u32>rs2(h, slot)); pc += len; remaining--; continue;
        }
        case OP_SD: {
          const va = rs1(h, slot) + imm(slot);
          const e = readTlb + TLB_BYTES + entryOffset(va);
          if (load<u64>(e) != (va & (PAGE_MASK | 7))) break;
          store<u64>(<usize>(<u32>va + load<u32>(e, 8)), rs2(h, slot)); pc += len; remaining--; continue;
        }
        case OP_BEQ: pc += rs1(h, slot) == rs2(h, slot) ? imm(slot) : len; remaining--; arrived = true; break;
        case OP_BNE: pc += rs1(h, slot) != rs2(h, slot) ? imm(slot) : len; remaining--; arrived = true; break;
        case OP_BLT: pc += <i64>rs1(h, slot) < <i64>rs2(h, slot) ? imm(slot) : len; remaining--; arrived = true; break;
        case OP_BGE: pc += <i64>rs1(h, slot) >= <i64>rs2(h, slot) ? imm(slot) : len; remaining--; arrived = true; break;
        case OP_BLTU: pc += rs1(h, slot) < rs2(h, slot) ? imm(slot) : len; remaining--; arrived = true; break;
        case OP_BGEU: pc += rs1(h, slot) >= rs2(h, slot) ? imm(slot) : len; remaining--; arrived = true; break;
        case OP_JAL: writeRd(h, slot, pc + len); pc += imm(slot); remaining--; arrived = true; break;
        case OP_JALR: {
          const target = (rs1(h, slot) + imm(slot)) & ~1;
          writeRd(h, slot, pc + len);
          pc = target; remaining--; arrived = true; break;
        }
        case OP_FENCE:
          if (load<u32>(slot) == PAUSE) break;
          pc += len; remaining--; continue;
        default: break;
      }
      if (arrived) {
        arrived = false;
        const distance = pc - page;
        // A jump to another page is looked up when that page is fetched from.
        if (!translate || distance > LAST_WHOLE_FETCH || remaining <= 0) continue;
        translated = lookUpCode(code + <usize>distance);
        if (translated >= 0) {
          if (m.endSlice) break;
          continue;
        }
      } else {
        // Everything else, one instruction.
        h.pc = pc;
        m.remaining = remaining;
        executeSlow(h, op, slot);
        remaining--;
      }
    }
    if (translated < 0) {
      // Until it leaves: where there is no translated code, or for what it cannot do.
      const before = remaining;
      remaining = call_indirect<i32>(
        (<u32>translated >> 8) & 0x7f_ffff, changetype<usize>(h), remaining, pc & PAGE_MASK, translated & 0xff,
      );
      m.jitInstructions += <u64>(before - remaining);
      left = pending || remaining == before;
      clear(); // an instruction that raised was not executed; interpreted, it raises again
      readTlb = <usize>h.dataContext;
      page = h.pc ^ NO_PAGE;
    }
    m.remaining = remaining;
    if (m.attention) {
      m.attention = 0;
      if (remaining > 0 && !m.endSlice) takeInterrupt(h);
    }
    pc = h.pc;
    if (changed) {
      acknowledgeChange();
      page = pc ^ NO_PAGE;
      readTlb = <usize>h.dataContext;
    }
    if (m.endSlice) break;
  }

  h.pc = pc;
  const used = budget - remaining;
  h.instret += <u64>used;
  m.sliceEndNs -= <u64>remaining;
  m.remaining = 0;
  m.sliceInstructions = 0;
  return used;
}
