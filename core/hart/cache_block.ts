// Cache-block management and zeroing (CMO extensions Zicbom, Zicboz). There are no caches to manage:
// what remains is who may execute them, and the faults.

import { Hart } from "./hart_state";
import { ENVCFG_CBCFE, ENVCFG_CBIE, ENVCFG_CBZE, PRV_M, PRV_U } from "./bits";
import { ACCESS_WRITE, raiseIllegal, raiseVirtual } from "./fault";
import { OP_CBO_INVAL, OP_CBO_ZERO } from "./generated/ops";
import { locateRam, probeBlock } from "./memory";
import { rs1 } from "./registers";

const BLOCK_BYTES: usize = 64;

/** Whether xenvcfg allows the instruction; raises if not (CMO, "Control and Status Register State"). */
function isAllowed(h: Hart, enable: u64, insn: u32): bool {
  if (h.prv == PRV_M) return true;
  if (!(h.menvcfg & enable)) {
    raiseIllegal(insn);
    return false;
  }
  if (h.virt) {
    if (!(h.henvcfg & enable) || (h.prv == PRV_U && !(h.senvcfg & enable))) {
      raiseVirtual(insn);
      return false;
    }
  } else if (h.prv == PRV_U && !(h.senvcfg & enable)) {
    raiseIllegal(insn);
    return false;
  }
  return true;
}

export function executeCacheBlock(h: Hart, op: u32, slot: usize): void {
  const enable = op == OP_CBO_ZERO ? ENVCFG_CBZE : op == OP_CBO_INVAL ? ENVCFG_CBIE : ENVCFG_CBCFE;
  if (!isAllowed(h, enable, load<u32>(slot))) return;
  const va = rs1(h, slot);
  if (op != OP_CBO_ZERO) {
    probeBlock(h, va);
    return;
  }
  // The fault reports the address in rs1; the block around it is zeroed.
  const p = locateRam(h, <usize>h.dataContext, va, 1, ACCESS_WRITE);
  if (p) memory.fill(p & ~(BLOCK_BYTES - 1), 0, BLOCK_BYTES);
}
