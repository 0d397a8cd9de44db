// Field positions of status registers and the numbers of traps, spelled as in the Privileged spec.

export const PRV_U: u32 = 0;
export const PRV_S: u32 = 1;
export const PRV_M: u32 = 3;

// mstatus, sstatus, vsstatus (Privileged, Machine Status Registers)
export const MSTATUS_SIE: u64 = 1 << 1;
export const MSTATUS_MIE: u64 = 1 << 3;
export const MSTATUS_SPIE: u64 = 1 << 5;
export const MSTATUS_MPIE: u64 = 1 << 7;
export const MSTATUS_SPP: u64 = 1 << 8;
export const MSTATUS_MPP: u64 = 3 << 11;
export const MSTATUS_FS: u64 = 3 << 13;
export const MSTATUS_MPRV: u64 = 1 << 17;
export const MSTATUS_SUM: u64 = 1 << 18;
export const MSTATUS_MXR: u64 = 1 << 19;
export const MSTATUS_TVM: u64 = 1 << 20;
export const MSTATUS_TW: u64 = 1 << 21;
export const MSTATUS_TSR: u64 = 1 << 22;
export const MSTATUS_UXL_64: u64 = 2 << 32;
export const MSTATUS_SXL_64: u64 = 2 << 34;
export const MSTATUS_GVA: u64 = 1 << 38;
export const MSTATUS_MPV: u64 = 1 << 39;
export const MSTATUS_SD: u64 = 1 << 63;
export const MSTATUS_MPP_SHIFT: u64 = 11;
export const MSTATUS_SPP_SHIFT: u64 = 8;

// hstatus (Privileged, Hypervisor Status Register)
export const HSTATUS_GVA: u64 = 1 << 6;
export const HSTATUS_SPV: u64 = 1 << 7;
export const HSTATUS_SPVP: u64 = 1 << 8;
export const HSTATUS_HU: u64 = 1 << 9;
export const HSTATUS_VGEIN: u64 = 0x3f << 12;
export const HSTATUS_VGEIN_SHIFT: u64 = 12;
export const HSTATUS_VTVM: u64 = 1 << 20;
export const HSTATUS_VTW: u64 = 1 << 21;
export const HSTATUS_VTSR: u64 = 1 << 22;
export const HSTATUS_VSXL_64: u64 = 2 << 32;

// menvcfg, henvcfg, senvcfg
export const ENVCFG_FIOM: u64 = 1;
export const ENVCFG_CBIE: u64 = 3 << 4;
export const ENVCFG_CBCFE: u64 = 1 << 6;
export const ENVCFG_CBZE: u64 = 1 << 7;
export const ENVCFG_ADUE: u64 = 1 << 61;
export const ENVCFG_PBMTE: u64 = 1 << 62;
export const ENVCFG_STCE: u64 = 1 << 63;

// mstateen0
export const STATEEN0_ENVCFG: u64 = 1 << 62;
export const STATEEN_SE: u64 = 1 << 63;

// Interrupt numbers and their bits in mip
export const IRQ_SS: u64 = 1;
export const IRQ_VSS: u64 = 2;
export const IRQ_MS: u64 = 3;
export const IRQ_ST: u64 = 5;
export const IRQ_VST: u64 = 6;
export const IRQ_MT: u64 = 7;
export const IRQ_SE: u64 = 9;
export const IRQ_VSE: u64 = 10;
export const IRQ_ME: u64 = 11;
export const IRQ_SGE: u64 = 12;
export const IRQ_LCOF: u64 = 13;
export const MIP_SSIP: u64 = 1 << 1;
export const MIP_VSSIP: u64 = 1 << 2;
export const MIP_MSIP: u64 = 1 << 3;
export const MIP_STIP: u64 = 1 << 5;
export const MIP_VSTIP: u64 = 1 << 6;
export const MIP_MTIP: u64 = 1 << 7;
export const MIP_SEIP: u64 = 1 << 9;
export const MIP_VSEIP: u64 = 1 << 10;
export const MIP_MEIP: u64 = 1 << 11;
export const MIP_SGEIP: u64 = 1 << 12;
export const MIP_LCOFIP: u64 = 1 << 13;
export const MIP_S_BITS: u64 = MIP_SSIP | MIP_STIP | MIP_SEIP;
export const MIP_VS_BITS: u64 = MIP_VSSIP | MIP_VSTIP | MIP_VSEIP;
export const MIP_M_BITS: u64 = MIP_MSIP | MIP_MTIP | MIP_MEIP;

// Exception causes (Privileged, mcause table)
export const CAUSE_FETCH_ACCESS: u32 = 1;
export const CAUSE_ILLEGAL_INSTRUCTION: u32 = 2;
export const CAUSE_BREAKPOINT: u32 = 3;
export const CAUSE_LOAD_MISALIGNED: u32 = 4;
export const CAUSE_LOAD_ACCESS: u32 = 5;
export const CAUSE_STORE_MISALIGNED: u32 = 6;
export const CAUSE_STORE_ACCESS: u32 = 7;
export const CAUSE_ECALL_U: u32 = 8;
export const CAUSE_ECALL_S: u32 = 9;
export const CAUSE_ECALL_VS: u32 = 10;
export const CAUSE_ECALL_M: u32 = 11;
export const CAUSE_FETCH_PAGE: u32 = 12;
export const CAUSE_LOAD_PAGE: u32 = 13;
export const CAUSE_STORE_PAGE: u32 = 15;
export const CAUSE_FETCH_GUEST_PAGE: u32 = 20;
export const CAUSE_LOAD_GUEST_PAGE: u32 = 21;
export const CAUSE_VIRTUAL_INSTRUCTION: u32 = 22;
export const CAUSE_STORE_GUEST_PAGE: u32 = 23;
