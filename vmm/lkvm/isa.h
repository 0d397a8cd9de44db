/* What the guest's CPUs can do, as KVM tells it. */
#ifndef LKVM_ISA_H
#define LKVM_ISA_H

#include <stdbool.h>
#include <stdint.h>

#define ISA_STRING_BYTES 640

struct isa {
  char string[ISA_STRING_BYTES]; /* "rv64imafdc_sstc_...": the property riscv,isa */
  const char *mmu_type;
  uint64_t timebase_hz;
  uint32_t cbom_block_bytes; /* 0: no Zicbom */
  uint32_t cboz_block_bytes; /* 0: no Zicboz */
};

/* Asks a VCPU. False if KVM withholds something without which there is no device tree. */
bool isa_query(struct isa *isa, int vcpu_fd);

/* Pure part: `base` has bit n set for the extension of letter 'a' + n. */
void isa_build_string(char *string, uint64_t base, const bool *extensions, unsigned count);
/* The name of KVM's extension number `id`, or NULL for a letter or an unknown one. */
const char *isa_extension_name(unsigned id);

#endif
