// The transformed instruction that mtinst and htinst report for a load, store or atomic (Privileged,
// hypervisor: "Transformed Instruction or Pseudoinstruction for mtinst or htinst").

const OPCODE_LOAD: u32 = 0x03;
const OPCODE_LOAD_FP: u32 = 0x07;
const OPCODE_STORE: u32 = 0x23;
const OPCODE_STORE_FP: u32 = 0x27;

/**
 * `slot` is the decoded instruction, `offset` the distance from the access's first byte to the byte
 * that faulted (0 unless misaligned): it takes the place of rs1.
 */
export function transformedInstruction(slot: usize, offset: u32): u32 {
  const insn = load<u32>(slot);
  const addressOffset = (offset & 31) << 15;
  if ((insn & 3) == 3) {
    const opcode = insn & 0x7f;
    if (opcode == OPCODE_LOAD || opcode == OPCODE_LOAD_FP) return (insn & 0x00007fff) | addressOffset;
    if (opcode == OPCODE_STORE || opcode == OPCODE_STORE_FP) return (insn & 0x01f0707f) | addressOffset;
    return (insn & ~0x000f8000) | addressOffset; // AMO, HLV/HSV, CBO: all but rs1 stays
  }
  return expandCompressed(insn, slot) | addressOffset;
}

/** The 32-bit equivalent of a compressed load or store, its bit 1 cleared to tell. */
function expandCompressed(insn: u32, slot: usize): u32 {
  const funct3 = (insn >> 13) & 7;
  const quadrant = insn & 3;
  if (quadrant != 0 && quadrant != 2) return 0;
  // Quadrants 0 and 2 agree: 1 fld, 2 lw, 3 ld, 5 fsd, 6 sw, 7 sd (with sp as base in quadrant 2).
  const isFp = funct3 == 1 || funct3 == 5;
  const width: u32 = (funct3 & 3) == 2 ? 2 : 3;
  if (funct3 >= 1 && funct3 <= 3) {
    // The decoded rd of an integer load holds 32 for x0; compressed loads to x0 are reserved.
    const rd = <u32>load<u8>(slot, 6) & 31;
    return ((isFp ? OPCODE_LOAD_FP : OPCODE_LOAD) & ~2) | (width << 12) | (rd << 7);
  }
  if (funct3 >= 5) {
    const rs2 = <u32>load<u8>(slot, 12);
    return ((isFp ? OPCODE_STORE_FP : OPCODE_STORE) & ~2) | (width << 12) | (rs2 << 20);
  }
  return 0;
}
