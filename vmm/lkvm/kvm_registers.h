/*
 * Names of RISC-V VCPU registers for KVM_GET_ONE_REG and KVM_SET_ONE_REG ("The Definitive KVM API
 * Documentation", 4.68). Written out here because the kernel headers of the build machine may be
 * older than the kernel that lkvm runs on.
 */
#ifndef LKVM_KVM_REGISTERS_H
#define LKVM_KVM_REGISTERS_H

#include <linux/kvm.h>
#include <stdint.h>

#define VCPU_REG(type, index)                                                                      \
  (KVM_REG_RISCV | KVM_REG_SIZE_U64 | (uint64_t)(type) << 24 | (uint64_t)(index))

/* Type 1: configuration. */
#define CONFIG_ISA VCPU_REG(1, 0)
#define CONFIG_ZICBOM_BLOCK_SIZE VCPU_REG(1, 1)
#define CONFIG_ZICBOZ_BLOCK_SIZE VCPU_REG(1, 5)
#define CONFIG_SATP_MODE VCPU_REG(1, 6)

/* Type 2: pc, then x1 to x31, then the privilege mode. */
#define CORE_PC VCPU_REG(2, 0)
#define CORE_X(n) VCPU_REG(2, n)
#define CORE_A0 CORE_X(10)
#define CORE_A1 CORE_X(11)

/* Type 3: supervisor CSRs. */
#define CSR_SEPC VCPU_REG(3, 4)
#define CSR_SCAUSE VCPU_REG(3, 5)
#define CSR_STVAL VCPU_REG(3, 6)

/* Type 4: timer. */
#define TIMER_FREQUENCY VCPU_REG(4, 0)

/* Type 7: one register for each ISA extension, 1 when the guest has it. */
#define ISA_EXTENSION(id) VCPU_REG(7, id)

/* Type 8: one register for each SBI extension, 1 when KVM offers it to the guest. */
#define SBI_EXTENSION(id) VCPU_REG(8, id)
#define SBI_EXTENSION_DBCN 9

#endif
