// What translated code calls.

import { Hart } from "./hart_state";
import { pending } from "./fault";
import {
  OP_CLMUL, OP_CLMULH, OP_CLMULR, OP_CZERO_EQZ, OP_CZERO_NEZ, OP_DIV, OP_DIVU, OP_DIVUW, OP_DIVW,
  OP_MULH, OP_MULHSU, OP_MULHU, OP_ORC_B, OP_REM, OP_REMU, OP_REMUW, OP_REMW, OP_REV8,
} from "./generated/ops";
import { machine } from "./machine_state";
import { loadFrom, storeTo } from "./memory";
import { sext32 } from "./registers";
import {
  clmul, clmulh, clmulr, div32, div64, divu32, divu64, mulh, mulhsu, mulhu, orcb, rem32, rem64,
  remu32, remu64,
} from "./wide_arithmetic";

const FAULTED: u32 = 1;
const ASKED: u32 = 2;

function noteLeave(): void {
  const m = machine();
  m.jitLeave = pending ? FAULTED : m.attention | m.endSlice ? ASKED : 0;
}

/** A load that missed the TLB. `kind` is log2 of the width, plus 8 if the sign is extended. */
export function jitLoad(hart: usize, va: u64, kind: u32): u64 {
  const h = changetype<Hart>(hart);
  const sizeBytes: u32 = 1 << (kind & 7);
  const value = loadFrom(h, <usize>h.dataContext, va, sizeBytes, false);
  noteLeave();
  if (!(kind & 8)) return value;
  const unused = <u64>(64 - (sizeBytes << 3));
  return <u64>(<i64>(value << unused) >> <i64>unused);
}

/** A store that missed the TLB. */
export function jitStore(hart: usize, va: u64, kind: u32, value: u64): void {
  const h = changetype<Hart>(hart);
  storeTo(h, <usize>h.dataContext, va, 1 << (kind & 7), value);
  noteLeave();
}

/** Arithmetic that is not worth writing out in translated code. */
export function jitBinary(op: u32, a: u64, b: u64): u64 {
  switch (op) {
    case OP_MULH: return mulh(<i64>a, <i64>b);
    case OP_MULHSU: return mulhsu(<i64>a, b);
    case OP_MULHU: return mulhu(a, b);
    case OP_DIV: return div64(<i64>a, <i64>b);
    case OP_DIVU: return divu64(a, b);
    case OP_REM: return rem64(<i64>a, <i64>b);
    case OP_REMU: return remu64(a, b);
    case OP_DIVW: return sext32(div32(<i32>a, <i32>b));
    case OP_DIVUW: return sext32(divu32(<u32>a, <u32>b));
    case OP_REMW: return sext32(rem32(<i32>a, <i32>b));
    case OP_REMUW: return sext32(remu32(<u32>a, <u32>b));
    case OP_ORC_B: return orcb(a);
    case OP_REV8: return bswap(a);
    case OP_CLMUL: return clmul(a, b);
    case OP_CLMULH: return clmulh(a, b);
    case OP_CLMULR: return clmulr(a, b);
    case OP_CZERO_EQZ: return b == 0 ? 0 : a;
    case OP_CZERO_NEZ: return b == 0 ? a : 0;
    default: return unreachable();
  }
}
