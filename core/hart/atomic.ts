// LR, SC and AMO (RISC-V unprivileged ISA, "A" extension).
//
// Harts take turns, so an instruction is atomic as it is. A hart that gets the turn back has lost its
// reservation: another one may have stored to it since.

import { Hart } from "./hart_state";
import { CAUSE_LOAD_MISALIGNED, CAUSE_STORE_MISALIGNED } from "./bits";
import { ACCESS_READ, ACCESS_WRITE, raiseMisaligned, setAccessStart } from "./fault";
import {
  OP_AMOADD_D, OP_AMOADD_W, OP_AMOAND_D, OP_AMOAND_W, OP_AMOMAX_D, OP_AMOMAX_W, OP_AMOMAXU_D,
  OP_AMOMAXU_W, OP_AMOMIN_D, OP_AMOMIN_W, OP_AMOMINU_D, OP_AMOMINU_W, OP_AMOOR_D, OP_AMOOR_W,
  OP_AMOSWAP_D, OP_AMOSWAP_W, OP_AMOXOR_D, OP_AMOXOR_W, OP_LR_D, OP_LR_W, OP_SC_D, OP_SC_W,
} from "./generated/ops";
import { locateRam } from "./memory";
import { rs1, rs2, sext32, writeRd } from "./registers";

function combine32(op: u32, a: u32, b: u32): u32 {
  switch (op) {
    case OP_AMOSWAP_W: return b;
    case OP_AMOADD_W: return a + b;
    case OP_AMOXOR_W: return a ^ b;
    case OP_AMOAND_W: return a & b;
    case OP_AMOOR_W: return a | b;
    case OP_AMOMIN_W: return <i32>a < <i32>b ? a : b;
    case OP_AMOMAX_W: return <i32>a > <i32>b ? a : b;
    case OP_AMOMINU_W: return a < b ? a : b;
    case OP_AMOMAXU_W: return a > b ? a : b;
    default: return unreachable();
  }
}

function combine64(op: u32, a: u64, b: u64): u64 {
  switch (op) {
    case OP_AMOSWAP_D: return b;
    case OP_AMOADD_D: return a + b;
    case OP_AMOXOR_D: return a ^ b;
    case OP_AMOAND_D: return a & b;
    case OP_AMOOR_D: return a | b;
    case OP_AMOMIN_D: return <i64>a < <i64>b ? a : b;
    case OP_AMOMAX_D: return <i64>a > <i64>b ? a : b;
    case OP_AMOMINU_D: return a < b ? a : b;
    case OP_AMOMAXU_D: return a > b ? a : b;
    default: return unreachable();
  }
}

/** Executes one instruction of the extension; raises on a fault. */
export function executeAtomic(h: Hart, op: u32, slot: usize): void {
  const va = rs1(h, slot);
  const is32 = op == OP_LR_W || op == OP_SC_W || (op >= OP_AMOSWAP_W && op <= OP_AMOMAXU_W);
  const sizeBytes: u32 = is32 ? 4 : 8;
  const isLr = op == OP_LR_W || op == OP_LR_D;
  if (va & (sizeBytes - 1)) {
    setAccessStart(va);
    raiseMisaligned(isLr ? CAUSE_LOAD_MISALIGNED : CAUSE_STORE_MISALIGNED, va, h.virt != 0);
    return;
  }
  const p = locateRam(h, <usize>h.dataContext, va, sizeBytes, isLr ? ACCESS_READ : ACCESS_WRITE);
  if (p == 0) return;
  if (isLr) {
    h.reservationValid = 1;
    h.reservationAddress = p;
    writeRd(h, slot, is32 ? sext32(load<u32>(p)) : load<u64>(p));
    return;
  }
  const operand = rs2(h, slot);
  if (op == OP_SC_W || op == OP_SC_D) {
    const holds = h.reservationValid && h.reservationAddress == p;
    h.reservationValid = 0;
    if (holds) {
      if (is32) store<u32>(p, <u32>operand);
      else store<u64>(p, operand);
    }
    writeRd(h, slot, holds ? 0 : 1);
    return;
  }
  if (is32) {
    const old = load<u32>(p);
    store<u32>(p, combine32(op, old, <u32>operand));
    writeRd(h, slot, sext32(old));
  } else {
    const old = load<u64>(p);
    store<u64>(p, combine64(op, old, operand));
    writeRd(h, slot, old);
  }
}
