/* What is asked of a VCPU and what the device tree makes of it, with a VCPU played here. */
#include "isa.h"

#include "check.h"
#include "kvm_registers.h"
#include "vcpu.h"

static bool knows_satp_mode;
static uint64_t extensions; /* bit n: KVM's extension number n */

/* Stands for KVM_GET_ONE_REG. */
bool
vcpu_get_register(int vcpu_fd, uint64_t id, uint64_t *value)
{
  CHECK_EQUAL(42, vcpu_fd);
  if (id == CONFIG_ISA)
    *value = 1 << ('i' - 'a') | 1 << ('m' - 'a') | 1 | 1 << ('f' - 'a') | 1 << ('d' - 'a') |
             1 << ('c' - 'a');
  else if (id == TIMER_FREQUENCY)
    *value = 10000000;
  else if (id == CONFIG_SATP_MODE && knows_satp_mode)
    *value = 10;
  else if (id == CONFIG_ZICBOM_BLOCK_SIZE || id == CONFIG_ZICBOZ_BLOCK_SIZE)
    *value = 64;
  else if (id >= ISA_EXTENSION(0) && id < ISA_EXTENSION(50)) /* an older kernel than our table */
    *value = extensions >> (id - ISA_EXTENSION(0)) & 1;
  else
    return false;
  return true;
}

int
main(void)
{
  struct isa isa;
  knows_satp_mode = true;
  CHECK(isa_query(&isa, 42));
  CHECK_TEXT("rv64imafdc", isa.string);
  CHECK_TEXT("riscv,sv57", isa.mmu_type);
  CHECK_EQUAL(10000000, isa.timebase_hz);
  CHECK_EQUAL(0, isa.cboz_block_bytes);

  knows_satp_mode = false;
  extensions = 1ull << 8 | 1ull << 12 | 1ull << 13 | 1ull << 14 | 1ull << 49;
  CHECK(isa_query(&isa, 42));
  CHECK_TEXT("rv64imafdc_sstc_zicboz_zbb_zvfh", isa.string);
  CHECK_TEXT("riscv,sv39", isa.mmu_type);
  CHECK_EQUAL(64, isa.cboz_block_bytes);
  CHECK_EQUAL(0, isa.cbom_block_bytes);

  extensions = ~0ull;
  CHECK(isa_query(&isa, 42));
  CHECK(strlen(isa.string) < sizeof isa.string);
  CHECK(!isa_extension_name(1000));
  return 0;
}
