// HLV, HLVX and HSV: loads and stores as if V were 1 (Privileged, "Hypervisor Virtual-Machine Load and
// Store Instructions").

import { Hart } from "./hart_state";
import { HSTATUS_HU, PRV_U } from "./bits";
import { pending, raiseIllegal, raiseVirtual } from "./fault";
import {
  OP_HLV_B, OP_HLV_BU, OP_HLV_D, OP_HLV_H, OP_HLV_HU, OP_HLV_W, OP_HLV_WU, OP_HLVX_HU, OP_HLVX_WU,
  OP_HSV_B, OP_HSV_D, OP_HSV_H, OP_HSV_W,
} from "./generated/ops";
import { loadFrom, storeTo } from "./memory";
import { rs1, rs2, writeRd } from "./registers";
import { hypervisorAccessContext } from "./tlb";

function loadInto(h: Hart, context: usize, slot: usize, sizeBytes: u32, signed: bool, hlvx: bool): void {
  const value = loadFrom(h, context, rs1(h, slot), sizeBytes, hlvx);
  if (pending) return;
  const unused = <u64>(64 - (sizeBytes << 3));
  writeRd(h, slot, signed ? <u64>(<i64>(value << unused) >> <i64>unused) : value);
}

export function executeHypervisorAccess(h: Hart, op: u32, slot: usize): void {
  if (h.virt) {
    raiseVirtual(load<u32>(slot));
    return;
  }
  if (h.prv == PRV_U && !(h.hstatus & HSTATUS_HU)) {
    raiseIllegal(load<u32>(slot));
    return;
  }
  const c = hypervisorAccessContext(h);
  switch (op) {
    case OP_HLV_B: loadInto(h, c, slot, 1, true, false); break;
    case OP_HLV_BU: loadInto(h, c, slot, 1, false, false); break;
    case OP_HLV_H: loadInto(h, c, slot, 2, true, false); break;
    case OP_HLV_HU: loadInto(h, c, slot, 2, false, false); break;
    case OP_HLVX_HU: loadInto(h, c, slot, 2, false, true); break;
    case OP_HLV_W: loadInto(h, c, slot, 4, true, false); break;
    case OP_HLV_WU: loadInto(h, c, slot, 4, false, false); break;
    case OP_HLVX_WU: loadInto(h, c, slot, 4, false, true); break;
    case OP_HLV_D: loadInto(h, c, slot, 8, false, false); break;
    case OP_HSV_B: storeTo(h, c, rs1(h, slot), 1, rs2(h, slot)); break;
    case OP_HSV_H: storeTo(h, c, rs1(h, slot), 2, rs2(h, slot)); break;
    case OP_HSV_W: storeTo(h, c, rs1(h, slot), 4, rs2(h, slot)); break;
    case OP_HSV_D: storeTo(h, c, rs1(h, slot), 8, rs2(h, slot)); break;
    default: unreachable();
  }
}
