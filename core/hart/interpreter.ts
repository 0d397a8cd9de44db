// The interpreter: the reference semantics, and what runs cold code when there is a JIT.
//
// `run` executes instructions of one hart until the slice is used up or something asks for the run
// loop. It goes along decoded entries (decoded_pages.ts). Integer instructions, and loads and stores that
// hit the TLB, are executed in place and go round with `continue`; all others leave the switch by `break`
// and go through `executeSlow`.

import { Hart } from "./hart_state";
import {
  OP_ADD, OP_ADDI, OP_ADDIW, OP_ADDW, OP_ADD_UW, OP_AND, OP_ANDI, OP_ANDN, OP_AUIPC, OP_BCLR,
  OP_BCLRI, OP_BEQ, OP_BEXT, OP_BEXTI, OP_BGE, OP_BGEU, OP_BINV, OP_BINVI, OP_BLT, OP_BLTU,
  OP_BNE, OP_BSET, OP_BSETI, OP_CLMUL, OP_CLMULH, OP_CLMULR, OP_CLZ, OP_CLZW, OP_CPOP, OP_CPOPW,
  OP_CTZ, OP_CTZW, OP_CZERO_EQZ, OP_CZERO_NEZ, OP_DIV, OP_DIVU, OP_DIVUW, OP_DIVW, OP_FENCE,
  OP_FLD, OP_FLW, OP_FSD, OP_FSW, OP_JAL, OP_JALR, OP_LB, OP_LBU, OP_LD, OP_LH, OP_LHU, OP_LUI,
  OP_LW, OP_LWU, OP_MAX, OP_MAXU, OP_MIN, OP_MINU, OP_MUL, OP_MULH, OP_MULHSU, OP_MULHU, OP_MULW,
  OP_OR, OP_ORC_B, OP_ORI, OP_ORN, OP_REM, OP_REMU, OP_REMUW, OP_REMW, OP_REV8, OP_ROL, OP_ROLW,
  OP_ROR, OP_RORI, OP_RORIW, OP_RORW, OP_SB, OP_SD, OP_SEXT_B, OP_SEXT_H, OP_SH, OP_SH1ADD,
  OP_SH1ADD_UW, OP_SH2ADD, OP_SH2ADD_UW, OP_SH3ADD, OP_SH3ADD_UW, OP_SLL, OP_SLLI, OP_SLLIW,
  OP_SLLI_UW, OP_SLLW, OP_SLT, OP_SLTI, OP_SLTIU, OP_SLTU, OP_SRA, OP_SRAI, OP_SRAIW, OP_SRAW,
  OP_SRL, OP_SRLI, OP_SRLIW, OP_SRLW, OP_SUB, OP_SUBW, OP_SW, OP_XNOR, OP_XOR, OP_XORI, OP_ZEXT_H,
} from "./generated/ops";
import { lookUpCode } from "./code_entries";
import {
  frs2, HANDLER, imm, isFpDirty, rs1, rs2, SHORT, span, writeFrd, writeRd,
} from "./decoded_entry";
import { decodedPage, entryAt, NOWHERE } from "./decoded_pages";
import { executeSlow } from "./execute_slow";
import { clear, pending } from "./fault";
import { findEntry, foundCode, foundEntries, slotAt } from "./fetch";
import { DECODED_PAGE_BYTES, TLB_BYTES, TLB_ENTRIES } from "./layout";
import { machine } from "./machine_state";
import { sext32 } from "./registers";
import { acknowledgeChange, changed } from "./tlb";
import { hasWakeup, takeException, takeInterrupt } from "./trap";
import {
  clmul, clmulh, clmulr, div32, div64, divu32, divu64, mulh, mulhsu, mulhu, orcb, rem32, rem64,
  remu32, remu64,
} from "./wide_arithmetic";

export { decodedSlot, prepareDecoder } from "./fetch";

const PAGE_MASK: u64 = ~0xfff;
const BOXED_32: u64 = 0xffff_ffff_0000_0000;
const FAR: usize = 1; // in place of a target's entry: the target is `pc`

// @ts-ignore: decorator
@inline
function entryOffset(va: u64): usize {
  return (<usize>(va >> 12) & (TLB_ENTRIES - 1)) << 4;
}

/** The address of the instruction whose entry is at `cursor`. */
// @ts-ignore: decorator
@inline
function pcOf(page: u64, entries: usize, cursor: usize): u64 {
  return page + (<u64>(cursor - entries) >> 2);
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
  let readTlb = <usize>h.dataContext;
  let fetchTlb = <usize>h.fetchContext + 2 * TLB_BYTES;
  // Where the hart is: `cursor` is the next instruction's entry among the `entries` of the page of code
  // whose virtual address is `page` and which lies at `code` (0: PASSING).
  let pc = h.pc;
  let page = pc & PAGE_MASK;
  let code: usize = 0;
  let entries = NOWHERE;
  let cursor = entryAt(entries, pc);
  let target: usize = 0; // where the instruction went, if it ended a basic block
  let left = false; // translated code has just left for what it cannot do: interpret at least one instruction
  acknowledgeChange();

  while (remaining > 0) {
    const d = load<u64>(cursor);
    let translated: i32 = 0; // negative: the entry of translated code for where the hart is
    // The cases are in the order of their numbers, so that the compiler makes one jump table of them.
    switch (<u32>d & HANDLER) {
      case OP_ADDI << 1 | SHORT: cursor -= 8; // and on as the long form
      case OP_ADDI << 1: writeRd(h, d, rs1(h, d) + imm(d)); cursor += 16; remaining--; continue;
      case OP_SLTI << 1: writeRd(h, d, <u64>(<i64>rs1(h, d) < <i64>imm(d))); cursor += 16; remaining--; continue;
      case OP_SLTIU << 1: writeRd(h, d, <u64>(rs1(h, d) < imm(d))); cursor += 16; remaining--; continue;
      case OP_XORI << 1: writeRd(h, d, rs1(h, d) ^ imm(d)); cursor += 16; remaining--; continue;
      case OP_ORI << 1: writeRd(h, d, rs1(h, d) | imm(d)); cursor += 16; remaining--; continue;
      case OP_ANDI << 1 | SHORT: cursor -= 8; // and on as the long form
      case OP_ANDI << 1: writeRd(h, d, rs1(h, d) & imm(d)); cursor += 16; remaining--; continue;
      case OP_SLLI << 1 | SHORT: cursor -= 8; // and on as the long form
      case OP_SLLI << 1: writeRd(h, d, rs1(h, d) << (imm(d) & 63)); cursor += 16; remaining--; continue;
      case OP_SRLI << 1 | SHORT: cursor -= 8; // and on as the long form
      case OP_SRLI << 1: writeRd(h, d, rs1(h, d) >> (imm(d) & 63)); cursor += 16; remaining--; continue;
      case OP_SRAI << 1 | SHORT: cursor -= 8; // and on as the long form
      case OP_SRAI << 1: writeRd(h, d, <u64>(<i64>rs1(h, d) >> <i64>(imm(d) & 63))); cursor += 16; remaining--; continue;
      case OP_ADD << 1 | SHORT: cursor -= 8; // and on as the long form
      case OP_ADD << 1: writeRd(h, d, rs1(h, d) + rs2(h, d)); cursor += 16; remaining--; continue;
      case OP_SUB << 1 | SHORT: cursor -= 8; // and on as the long form
      case OP_SUB << 1: writeRd(h, d, rs1(h, d) - rs2(h, d)); cursor += 16; remaining--; continue;
      case OP_SLL << 1: writeRd(h, d, rs1(h, d) << (rs2(h, d) & 63)); cursor += 16; remaining--; continue;
      case OP_SLT << 1: writeRd(h, d, <u64>(<i64>rs1(h, d) < <i64>rs2(h, d))); cursor += 16; remaining--; continue;
      case OP_SLTU << 1: writeRd(h, d, <u64>(rs1(h, d) < rs2(h, d))); cursor += 16; remaining--; continue;
      case OP_XOR << 1 | SHORT: cursor -= 8; // and on as the long form
      case OP_XOR << 1: writeRd(h, d, rs1(h, d) ^ rs2(h, d)); cursor += 16; remaining--; continue;
      case OP_SRL << 1: writeRd(h, d, rs1(h, d) >> (rs2(h, d) & 63)); cursor += 16; remaining--; continue;
      case OP_SRA << 1: writeRd(h, d, <u64>(<i64>rs1(h, d) >> <i64>(rs2(h, d) & 63))); cursor += 16; remaining--; continue;
      case OP_OR << 1 | SHORT: cursor -= 8; // and on as the long form
      case OP_OR << 1: writeRd(h, d, rs1(h, d) | rs2(h, d)); cursor += 16; remaining--; continue;
      case OP_AND << 1 | SHORT: cursor -= 8; // and on as the long form
      case OP_AND << 1: writeRd(h, d, rs1(h, d) & rs2(h, d)); cursor += 16; remaining--; continue;
      case OP_LUI << 1 | SHORT: cursor -= 8; // and on as the long form
      case OP_LUI << 1: writeRd(h, d, imm(d)); cursor += 16; remaining--; continue;
      case OP_AUIPC << 1: writeRd(h, d, pcOf(page, entries, cursor) + imm(d)); cursor += 16; remaining--; continue;
      case OP_ADDIW << 1 | SHORT: cursor -= 8; // and on as the long form
      case OP_ADDIW << 1: writeRd(h, d, sext32(<u32>rs1(h, d) + <u32>imm(d))); cursor += 16; remaining--; continue;
      case OP_SLLIW << 1: writeRd(h, d, sext32(<u32>rs1(h, d) << (<u32>imm(d) & 31))); cursor += 16; remaining--; continue;
      case OP_SRLIW << 1: writeRd(h, d, sext32(<u32>rs1(h, d) >> (<u32>imm(d) & 31))); cursor += 16; remaining--; continue;
      case OP_SRAIW << 1: writeRd(h, d, <u64>(<i64>(<i32>rs1(h, d) >> (<i32>imm(d) & 31)))); cursor += 16; remaining--; continue;
      case OP_ADDW << 1 | SHORT: cursor -= 8; // and on as the long form
      case OP_ADDW << 1: writeRd(h, d, sext32(<u32>rs1(h, d) + <u32>rs2(h, d))); cursor += 16; remaining--; continue;
      case OP_SUBW << 1 | SHORT: cursor -= 8; // and on as the long form
      case OP_SUBW << 1: writeRd(h, d, sext32(<u32>rs1(h, d) - <u32>rs2(h, d))); cursor += 16; remaining--; continue;
      case OP_SLLW << 1: writeRd(h, d, sext32(<u32>rs1(h, d) << (<u32>rs2(h, d) & 31))); cursor += 16; remaining--; continue;
      case OP_SRLW << 1: writeRd(h, d, sext32(<u32>rs1(h, d) >> (<u32>rs2(h, d) & 31))); cursor += 16; remaining--; continue;
      case OP_SRAW << 1: writeRd(h, d, <u64>(<i64>(<i32>rs1(h, d) >> (<i32>rs2(h, d) & 31)))); cursor += 16; remaining--; continue;
      case OP_LB << 1: {
        const va = rs1(h, d) + imm(d);
        const e = readTlb + entryOffset(va);
        if (load<u64>(e) != (va & PAGE_MASK)) break;
        writeRd(h, d, <u64>(<i64>load<i8>(<usize>(<u32>va + load<u32>(e, 8))))); cursor += 16; remaining--; continue;
      }
      case OP_LH << 1: {
        const va = rs1(h, d) + imm(d);
        const e = readTlb + entryOffset(va);
        if (load<u64>(e) != (va & (PAGE_MASK | 1))) break;
        writeRd(h, d, <u64>(<i64>load<i16>(<usize>(<u32>va + load<u32>(e, 8))))); cursor += 16; remaining--; continue;
      }
      case OP_LW << 1 | SHORT: {
        const va = rs1(h, d) + imm(d);
        const e = readTlb + entryOffset(va);
        if (load<u64>(e) != (va & (PAGE_MASK | 3))) break;
        writeRd(h, d, <u64>(<i64>load<i32>(<usize>(<u32>va + load<u32>(e, 8))))); cursor += 8; remaining--; continue;
      }
      case OP_LW << 1: {
        const va = rs1(h, d) + imm(d);
        const e = readTlb + entryOffset(va);
        if (load<u64>(e) != (va & (PAGE_MASK | 3))) break;
        writeRd(h, d, <u64>(<i64>load<i32>(<usize>(<u32>va + load<u32>(e, 8))))); cursor += 16; remaining--; continue;
      }
      case OP_LD << 1 | SHORT: {
        const va = rs1(h, d) + imm(d);
        const e = readTlb + entryOffset(va);
        if (load<u64>(e) != (va & (PAGE_MASK | 7))) break;
        writeRd(h, d, load<u64>(<usize>(<u32>va + load<u32>(e, 8)))); cursor += 8; remaining--; continue;
      }
      case OP_LD << 1: {
        const va = rs1(h, d) + imm(d);
        const e = readTlb + entryOffset(va);
        if (load<u64>(e) != (va & (PAGE_MASK | 7))) break;
        writeRd(h, d, load<u64>(<usize>(<u32>va + load<u32>(e, 8)))); cursor += 16; remaining--; continue;
      }
      case OP_LBU << 1: {
        const va = rs1(h, d) + imm(d);
        const e = readTlb + entryOffset(va);
        if (load<u64>(e) != (va & PAGE_MASK)) break;
        writeRd(h, d, <u64>load<u8>(<usize>(<u32>va + load<u32>(e, 8)))); cursor += 16; remaining--; continue;
      }
      case OP_LHU << 1: {
        const va = rs1(h, d) + imm(d);
        const e = readTlb + entryOffset(va);
        if (load<u64>(e) != (va & (PAGE_MASK | 1))) break;
        writeRd(h, d, <u64>load<u16>(<usize>(<u32>va + load<u32>(e, 8)))); cursor += 16; remaining--; continue;
      }
      case OP_LWU << 1: {
        const va = rs1(h, d) + imm(d);
        const e = readTlb + entryOffset(va);
        if (load<u64>(e) != (va & (PAGE_MASK | 3))) break;
        writeRd(h, d, <u64>load<u32>(<usize>(<u32>va + load<u32>(e, 8)))); cursor += 16; remaining--; continue;
      }
      case OP_SB << 1: {
        const va = rs1(h, d) + imm(d);
        const e = readTlb + TLB_BYTES + entryOffset(va);
        if (load<u64>(e) != (va & PAGE_MASK)) break;
        store<u8>(<usize>(<u32>va + load<u32>(e, 8)), <u8>rs2(h, d)); cursor += 16; remaining--; continue;
      }
      case OP_SH << 1: {
        const va = rs1(h, d) + imm(d);
        const e = readTlb + TLB_BYTES + entryOffset(va);
        if (load<u64>(e) != (va & (PAGE_MASK | 1))) break;
        store<u16>(<usize>(<u32>va + load<u32>(e, 8)), <u16>rs2(h, d)); cursor += 16; remaining--; continue;
      }
      case OP_SW << 1 | SHORT: {
        const va = rs1(h, d) + imm(d);
        const e = readTlb + TLB_BYTES + entryOffset(va);
        if (load<u64>(e) != (va & (PAGE_MASK | 3))) break;
        store<u32>(<usize>(<u32>va + load<u32>(e, 8)), <u32>rs2(h, d)); cursor += 8; remaining--; continue;
      }
      case OP_SW << 1: {
        const va = rs1(h, d) + imm(d);
        const e = readTlb + TLB_BYTES + entryOffset(va);
        if (load<u64>(e) != (va & (PAGE_MASK | 3))) break;
        store<u32>(<usize>(<u32>va + load<u32>(e, 8)), <u32>rs2(h, d)); cursor += 16; remaining--; continue;
      }
      case OP_SD << 1 | SHORT: {
        const va = rs1(h, d) + imm(d);
        const e = readTlb + TLB_BYTES + entryOffset(va);
        if (load<u64>(e) != (va & (PAGE_MASK | 7))) break;
        store<u64>(<usize>(<u32>va + load<u32>(e, 8)), rs2(h, d)); cursor += 8; remaining--; continue;
      }
      case OP_SD << 1: {
        const va = rs1(h, d) + imm(d);
        const e = readTlb + TLB_BYTES + entryOffset(va);
        if (load<u64>(e) != (va & (PAGE_MASK | 7))) break;
        store<u64>(<usize>(<u32>va + load<u32>(e, 8)), rs2(h, d)); cursor += 16; remaining--; continue;
      }
      case OP_BEQ << 1 | SHORT: // rs2 is x0
        remaining--;
        if (rs1(h, d) == 0) target = cursor + span(d);
        else {
          cursor += 8;
          if (!translate) continue;
          target = cursor;
        }
        break;
      case OP_BEQ << 1:
        remaining--;
        if (rs1(h, d) == rs2(h, d)) target = cursor + span(d);
        else {
          cursor += 16;
          if (!translate) continue;
          target = cursor;
        }
        break;
      case OP_BNE << 1 | SHORT: // rs2 is x0
        remaining--;
        if (rs1(h, d) != 0) target = cursor + span(d);
        else {
          cursor += 8;
          if (!translate) continue;
          target = cursor;
        }
        break;
      case OP_BNE << 1:
        remaining--;
        if (rs1(h, d) != rs2(h, d)) target = cursor + span(d);
        else {
          cursor += 16;
          if (!translate) continue;
          target = cursor;
        }
        break;
      case OP_BLT << 1:
        remaining--;
        if (<i64>rs1(h, d) < <i64>rs2(h, d)) target = cursor + span(d);
        else {
          cursor += 16;
          if (!translate) continue;
          target = cursor;
        }
        break;
      case OP_BGE << 1:
        remaining--;
        if (<i64>rs1(h, d) >= <i64>rs2(h, d)) target = cursor + span(d);
        else {
          cursor += 16;
          if (!translate) continue;
          target = cursor;
        }
        break;
      case OP_BLTU << 1:
        remaining--;
        if (rs1(h, d) < rs2(h, d)) target = cursor + span(d);
        else {
          cursor += 16;
          if (!translate) continue;
          target = cursor;
        }
        break;
      case OP_BGEU << 1:
        remaining--;
        if (rs1(h, d) >= rs2(h, d)) target = cursor + span(d);
        else {
          cursor += 16;
          if (!translate) continue;
          target = cursor;
        }
        break;
      case OP_JAL << 1 | SHORT: target = cursor + span(d); remaining--; break; // rd is x0
      case OP_JAL << 1:
        writeRd(h, d, pcOf(page, entries, cursor) + 4);
        target = cursor + span(d); remaining--; break;
      case OP_JALR << 1 | SHORT: cursor -= 8; // and on as the long form
      case OP_JALR << 1: {
        pc = (rs1(h, d) + imm(d)) & ~1;
        writeRd(h, d, pcOf(page, entries, cursor + 16));
        target = pc - page < 0x1000 ? entries + (<usize>(pc - page) << 2) : FAR;
        remaining--; break;
      }
      case OP_FENCE << 1: cursor += 16; remaining--; continue;
      case OP_MUL << 1: writeRd(h, d, rs1(h, d) * rs2(h, d)); cursor += 16; remaining--; continue;
      case OP_MULH << 1: writeRd(h, d, mulh(<i64>rs1(h, d), <i64>rs2(h, d))); cursor += 16; remaining--; continue;
      case OP_MULHSU << 1: writeRd(h, d, mulhsu(<i64>rs1(h, d), rs2(h, d))); cursor += 16; remaining--; continue;
      case OP_MULHU << 1: writeRd(h, d, mulhu(rs1(h, d), rs2(h, d))); cursor += 16; remaining--; continue;
      case OP_DIV << 1: writeRd(h, d, div64(<i64>rs1(h, d), <i64>rs2(h, d))); cursor += 16; remaining--; continue;
      case OP_DIVU << 1: writeRd(h, d, divu64(rs1(h, d), rs2(h, d))); cursor += 16; remaining--; continue;
      case OP_REM << 1: writeRd(h, d, rem64(<i64>rs1(h, d), <i64>rs2(h, d))); cursor += 16; remaining--; continue;
      case OP_REMU << 1: writeRd(h, d, remu64(rs1(h, d), rs2(h, d))); cursor += 16; remaining--; continue;
      case OP_MULW << 1: writeRd(h, d, sext32(<u32>rs1(h, d) * <u32>rs2(h, d))); cursor += 16; remaining--; continue;
      case OP_DIVW << 1: writeRd(h, d, sext32(div32(<i32>rs1(h, d), <i32>rs2(h, d)))); cursor += 16; remaining--; continue;
      case OP_DIVUW << 1: writeRd(h, d, sext32(divu32(<u32>rs1(h, d), <u32>rs2(h, d)))); cursor += 16; remaining--; continue;
      case OP_REMW << 1: writeRd(h, d, sext32(rem32(<i32>rs1(h, d), <i32>rs2(h, d)))); cursor += 16; remaining--; continue;
      case OP_REMUW << 1: writeRd(h, d, sext32(remu32(<u32>rs1(h, d), <u32>rs2(h, d)))); cursor += 16; remaining--; continue;
      case OP_SH1ADD << 1: writeRd(h, d, (rs1(h, d) << 1) + rs2(h, d)); cursor += 16; remaining--; continue;
      case OP_SH2ADD << 1: writeRd(h, d, (rs1(h, d) << 2) + rs2(h, d)); cursor += 16; remaining--; continue;
      case OP_SH3ADD << 1: writeRd(h, d, (rs1(h, d) << 3) + rs2(h, d)); cursor += 16; remaining--; continue;
      case OP_ADD_UW << 1: writeRd(h, d, <u64>(<u32>rs1(h, d)) + rs2(h, d)); cursor += 16; remaining--; continue;
      case OP_SH1ADD_UW << 1: writeRd(h, d, (<u64>(<u32>rs1(h, d)) << 1) + rs2(h, d)); cursor += 16; remaining--; continue;
      case OP_SH2ADD_UW << 1: writeRd(h, d, (<u64>(<u32>rs1(h, d)) << 2) + rs2(h, d)); cursor += 16; remaining--; continue;
      case OP_SH3ADD_UW << 1: writeRd(h, d, (<u64>(<u32>rs1(h, d)) << 3) + rs2(h, d)); cursor += 16; remaining--; continue;
      case OP_SLLI_UW << 1: writeRd(h, d, <u64>(<u32>rs1(h, d)) << (imm(d) & 63)); cursor += 16; remaining--; continue;
      case OP_ANDN << 1: writeRd(h, d, rs1(h, d) & ~rs2(h, d)); cursor += 16; remaining--; continue;
      case OP_ORN << 1: writeRd(h, d, rs1(h, d) | ~rs2(h, d)); cursor += 16; remaining--; continue;
      case OP_XNOR << 1: writeRd(h, d, ~(rs1(h, d) ^ rs2(h, d))); cursor += 16; remaining--; continue;
      case OP_CLZ << 1: writeRd(h, d, clz(rs1(h, d))); cursor += 16; remaining--; continue;
      case OP_CLZW << 1: writeRd(h, d, <u64>clz(<u32>rs1(h, d))); cursor += 16; remaining--; continue;
      case OP_CTZ << 1: writeRd(h, d, ctz(rs1(h, d))); cursor += 16; remaining--; continue;
      case OP_CTZW << 1: writeRd(h, d, <u64>ctz(<u32>rs1(h, d))); cursor += 16; remaining--; continue;
      case OP_CPOP << 1: writeRd(h, d, popcnt(rs1(h, d))); cursor += 16; remaining--; continue;
      case OP_CPOPW << 1: writeRd(h, d, <u64>popcnt(<u32>rs1(h, d))); cursor += 16; remaining--; continue;
      case OP_MAX << 1: {
        const a = rs1(h, d), b = rs2(h, d);
        writeRd(h, d, <i64>a > <i64>b ? a : b); cursor += 16; remaining--; continue;
      }
      case OP_MAXU << 1: {
        const a = rs1(h, d), b = rs2(h, d);
        writeRd(h, d, a > b ? a : b); cursor += 16; remaining--; continue;
      }
      case OP_MIN << 1: {
        const a = rs1(h, d), b = rs2(h, d);
        writeRd(h, d, <i64>a < <i64>b ? a : b); cursor += 16; remaining--; continue;
      }
      case OP_MINU << 1: {
        const a = rs1(h, d), b = rs2(h, d);
        writeRd(h, d, a < b ? a : b); cursor += 16; remaining--; continue;
      }
      case OP_SEXT_B << 1: writeRd(h, d, <u64>(<i64>(<i8>rs1(h, d)))); cursor += 16; remaining--; continue;
      case OP_SEXT_H << 1: writeRd(h, d, <u64>(<i64>(<i16>rs1(h, d)))); cursor += 16; remaining--; continue;
      case OP_ZEXT_H << 1: writeRd(h, d, rs1(h, d) & 0xffff); cursor += 16; remaining--; continue;
      case OP_ROL << 1: writeRd(h, d, rotl(rs1(h, d), rs2(h, d) & 63)); cursor += 16; remaining--; continue;
      case OP_ROLW << 1: writeRd(h, d, sext32(rotl(<u32>rs1(h, d), <u32>rs2(h, d) & 31))); cursor += 16; remaining--; continue;
      case OP_ROR << 1: writeRd(h, d, rotr(rs1(h, d), rs2(h, d) & 63)); cursor += 16; remaining--; continue;
      case OP_RORW << 1: writeRd(h, d, sext32(rotr(<u32>rs1(h, d), <u32>rs2(h, d) & 31))); cursor += 16; remaining--; continue;
      case OP_RORI << 1: writeRd(h, d, rotr(rs1(h, d), imm(d) & 63)); cursor += 16; remaining--; continue;
      case OP_RORIW << 1: writeRd(h, d, sext32(rotr(<u32>rs1(h, d), <u32>imm(d) & 31))); cursor += 16; remaining--; continue;
      case OP_ORC_B << 1: writeRd(h, d, orcb(rs1(h, d))); cursor += 16; remaining--; continue;
      case OP_REV8 << 1: writeRd(h, d, bswap(rs1(h, d))); cursor += 16; remaining--; continue;
      case OP_BCLR << 1: writeRd(h, d, rs1(h, d) & ~(<u64>1 << (rs2(h, d) & 63))); cursor += 16; remaining--; continue;
      case OP_BCLRI << 1: writeRd(h, d, rs1(h, d) & ~(<u64>1 << (imm(d) & 63))); cursor += 16; remaining--; continue;
      case OP_BEXT << 1: writeRd(h, d, (rs1(h, d) >> (rs2(h, d) & 63)) & 1); cursor += 16; remaining--; continue;
      case OP_BEXTI << 1: writeRd(h, d, (rs1(h, d) >> (imm(d) & 63)) & 1); cursor += 16; remaining--; continue;
      case OP_BINV << 1: writeRd(h, d, rs1(h, d) ^ (<u64>1 << (rs2(h, d) & 63))); cursor += 16; remaining--; continue;
      case OP_BINVI << 1: writeRd(h, d, rs1(h, d) ^ (<u64>1 << (imm(d) & 63))); cursor += 16; remaining--; continue;
      case OP_BSET << 1: writeRd(h, d, rs1(h, d) | (<u64>1 << (rs2(h, d) & 63))); cursor += 16; remaining--; continue;
      case OP_BSETI << 1: writeRd(h, d, rs1(h, d) | (<u64>1 << (imm(d) & 63))); cursor += 16; remaining--; continue;
      case OP_CZERO_EQZ << 1: writeRd(h, d, rs2(h, d) == 0 ? 0 : rs1(h, d)); cursor += 16; remaining--; continue;
      case OP_CZERO_NEZ << 1: writeRd(h, d, rs2(h, d) != 0 ? 0 : rs1(h, d)); cursor += 16; remaining--; continue;
      case OP_CLMUL << 1: writeRd(h, d, clmul(rs1(h, d), rs2(h, d))); cursor += 16; remaining--; continue;
      case OP_CLMULH << 1: writeRd(h, d, clmulh(rs1(h, d), rs2(h, d))); cursor += 16; remaining--; continue;
      case OP_CLMULR << 1: writeRd(h, d, clmulr(rs1(h, d), rs2(h, d))); cursor += 16; remaining--; continue;
      case OP_FLW << 1: {
        if (!isFpDirty(h)) break;
        const va = rs1(h, d) + imm(d);
        const e = readTlb + entryOffset(va);
        if (load<u64>(e) != (va & (PAGE_MASK | 3))) break;
        writeFrd(h, d, BOXED_32 | <u64>load<u32>(<usize>(<u32>va + load<u32>(e, 8)))); cursor += 16; remaining--; continue;
      }
      case OP_FLD << 1 | SHORT: {
        if (!isFpDirty(h)) break;
        const va = rs1(h, d) + imm(d);
        const e = readTlb + entryOffset(va);
        if (load<u64>(e) != (va & (PAGE_MASK | 7))) break;
        writeFrd(h, d, load<u64>(<usize>(<u32>va + load<u32>(e, 8)))); cursor += 8; remaining--; continue;
      }
      case OP_FLD << 1: {
        if (!isFpDirty(h)) break;
        const va = rs1(h, d) + imm(d);
        const e = readTlb + entryOffset(va);
        if (load<u64>(e) != (va & (PAGE_MASK | 7))) break;
        writeFrd(h, d, load<u64>(<usize>(<u32>va + load<u32>(e, 8)))); cursor += 16; remaining--; continue;
      }
      case OP_FSW << 1: {
        if (!isFpDirty(h)) break;
        const va = rs1(h, d) + imm(d);
        const e = readTlb + TLB_BYTES + entryOffset(va);
        if (load<u64>(e) != (va & (PAGE_MASK | 3))) break;
        store<u32>(<usize>(<u32>va + load<u32>(e, 8)), <u32>frs2(h, d)); cursor += 16; remaining--; continue;
      }
      case OP_FSD << 1 | SHORT: {
        if (!isFpDirty(h)) break;
        const va = rs1(h, d) + imm(d);
        const e = readTlb + TLB_BYTES + entryOffset(va);
        if (load<u64>(e) != (va & (PAGE_MASK | 7))) break;
        store<u64>(<usize>(<u32>va + load<u32>(e, 8)), frs2(h, d)); cursor += 8; remaining--; continue;
      }
      case OP_FSD << 1: {
        if (!isFpDirty(h)) break;
        const va = rs1(h, d) + imm(d);
        const e = readTlb + TLB_BYTES + entryOffset(va);
        if (load<u64>(e) != (va & (PAGE_MASK | 7))) break;
        store<u64>(<usize>(<u32>va + load<u32>(e, 8)), frs2(h, d)); cursor += 16; remaining--; continue;
      }
      default: break;
    }
    if (target) {
      const offset = target - entries;
      if (offset < DECODED_PAGE_BYTES) {
        cursor = target;
        target = 0;
        if (!translate || remaining <= 0 || !code) continue;
        translated = lookUpCode(h, code + (offset >> 2), page);
      } else {
        // On another page.
        if (target != FAR) pc = page + <u64>(<i64>(<i32>offset >> 2));
        target = 0;
        page = pc & PAGE_MASK;
        entries = NOWHERE;
        const e = fetchTlb + entryOffset(pc);
        if (load<u64>(e) == page) {
          code = <usize>(<u32>page + load<u32>(e, 8));
          const known = decodedPage(code);
          if (known) entries = known;
        }
        cursor = entryAt(entries, pc);
        if (!translate || remaining <= 0 || entries == NOWHERE) continue;
        translated = lookUpCode(h, code + <usize>(pc & 0xfff), page);
      }
      if (translated >= 0) {
        if (m.endSlice) break;
        continue;
      }
    } else if (!d) {
      // Not decoded yet, or behind the page's end, or nowhere.
      pc = pcOf(page, entries, cursor);
      h.pc = pc;
      m.remaining = remaining;
      cursor = findEntry(h, pc);
      if (!cursor) {
        takeException(h, 0);
        acknowledgeChange();
        remaining--;
        pc = h.pc;
        page = pc & PAGE_MASK;
        entries = NOWHERE;
        cursor = entryAt(entries, pc);
        readTlb = <usize>h.dataContext;
        fetchTlb = <usize>h.fetchContext + 2 * TLB_BYTES;
        if (m.endSlice) break; // the trap's observer asked for it
        continue;
      }
      const isOtherPage = entries != foundEntries;
      page = pc & PAGE_MASK;
      code = foundCode;
      entries = foundEntries;
      if (translate && isOtherPage && code && !left) translated = lookUpCode(h, code + <usize>(pc & 0xfff), page);
      left = false;
      if (translated >= 0) continue;
    } else {
      // Everything else, one instruction.
      const offset = (cursor - entries) >> 2;
      h.pc = page + <u64>offset;
      m.remaining = remaining;
      const slot = slotAt(code, offset);
      executeSlow(h, <u32>load<u16>(slot, 4), slot);
      remaining--;
    }
    if (translated < 0) {
      // Until it leaves: where there is no translated code, or for what it cannot do.
      const before = remaining;
      h.pc = pcOf(page, entries, cursor);
      remaining = call_indirect<i32>(
        (<u32>translated >> 8) & 0x7f_ffff, changetype<usize>(h), remaining, page, translated & 0xff,
      );
      m.jitInstructions += <u64>(before - remaining);
      left = pending || remaining == before;
      clear(); // an instruction that raised was not executed; interpreted, it raises again
      readTlb = <usize>h.dataContext;
      fetchTlb = <usize>h.fetchContext + 2 * TLB_BYTES;
      entries = NOWHERE;
    }
    m.remaining = remaining;
    if (m.attention) {
      m.attention = 0;
      if (remaining > 0 && !m.endSlice) takeInterrupt(h);
    }
    pc = h.pc;
    if (changed) {
      acknowledgeChange();
      entries = NOWHERE;
      readTlb = <usize>h.dataContext;
      fetchTlb = <usize>h.fetchContext + 2 * TLB_BYTES;
    }
    if ((pc & PAGE_MASK) != page) {
      page = pc & PAGE_MASK;
      entries = NOWHERE;
    }
    cursor = entryAt(entries, pc);
    if (m.endSlice) break;
  }

  h.pc = pcOf(page, entries, cursor);
  const used = budget - remaining;
  h.instret += <u64>used;
  m.sliceEndNs -= <u64>remaining;
  m.remaining = 0;
  m.sliceInstructions = 0;
  return used;
}
