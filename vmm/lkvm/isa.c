#include "isa.h"

#include <stdio.h>
#include <string.h>

#include "kvm_registers.h"
#include "vcpu.h"

/*
 * Multi-letter extensions by KVM's number (enum KVM_RISCV_ISA_EXT_ID, Linux 6.12). Numbers 0 to 6
 * and 15 are single letters, which the configuration register "isa" reports. Ssaia is left out: it
 * stands for the in-kernel interrupt controller, which this machine does not have.
 */
static const char *const names[] = {
    [7] = "svpbmt",   [8] = "sstc",      [9] = "svinval",    [10] = "zihintpause",
    [11] = "zicbom",  [12] = "zicboz",   [13] = "zbb",       [16] = "svnapot",
    [17] = "zba",     [18] = "zbs",      [19] = "zicntr",    [20] = "zicsr",
    [21] = "zifencei", [22] = "zihpm",   [23] = "smstateen", [24] = "zicond",
    [25] = "zbc",     [26] = "zbkb",     [27] = "zbkc",      [28] = "zbkx",
    [29] = "zknd",    [30] = "zkne",     [31] = "zknh",      [32] = "zkr",
    [33] = "zksed",   [34] = "zksh",     [35] = "zkt",       [36] = "zvbb",
    [37] = "zvbc",    [38] = "zvkb",     [39] = "zvkg",      [40] = "zvkned",
    [41] = "zvknha",  [42] = "zvknhb",   [43] = "zvksed",    [44] = "zvksh",
    [45] = "zvkt",    [46] = "zfh",      [47] = "zfhmin",    [48] = "zihintntl",
    [49] = "zvfh",    [50] = "zvfhmin",  [51] = "zfa",       [52] = "ztso",
    [53] = "zacas",   [54] = "sscofpmf",
};
#define NAME_COUNT (sizeof names / sizeof *names)
#define ZICBOM 11
#define ZICBOZ 12

const char *
isa_extension_name(unsigned id)
{
  return id < NAME_COUNT ? names[id] : NULL;
}

void
isa_build_string(char *string, uint64_t base, const bool *extensions, unsigned count)
{
  /* The canonical order of single letters ("Unprivileged Architecture", ISA naming). */
  static const char letters[] = "imafdqcbvh";
  size_t at = (size_t)snprintf(string, ISA_STRING_BYTES, "rv64");
  for (const char *letter = letters; *letter; letter++)
    if (base >> (*letter - 'a') & 1)
      string[at++] = *letter;
  string[at] = '\0';
  for (unsigned id = 0; id < count; id++) {
    const char *name = isa_extension_name(id);
    if (extensions[id] && name && at + strlen(name) + 2 < ISA_STRING_BYTES)
      at += (size_t)snprintf(string + at, ISA_STRING_BYTES - at, "_%s", name);
  }
}

static const char *
mmu_type(uint64_t satp_mode)
{
  switch (satp_mode) {
  case 10:
    return "riscv,sv57";
  case 9:
    return "riscv,sv48";
  default:
    return "riscv,sv39";
  }
}

bool
isa_query(struct isa *isa, int vcpu_fd)
{
  uint64_t base, value;
  bool extensions[NAME_COUNT] = {false};

  memset(isa, 0, sizeof *isa);
  if (!vcpu_get_register(vcpu_fd, CONFIG_ISA, &base) ||
      !vcpu_get_register(vcpu_fd, TIMER_FREQUENCY, &isa->timebase_hz))
    return false;
  for (unsigned id = 0; id < NAME_COUNT; id++)
    extensions[id] = names[id] && vcpu_get_register(vcpu_fd, ISA_EXTENSION(id), &value) && value;
  isa_build_string(isa->string, base, extensions, NAME_COUNT);

  /* Kernels before 6.3 do not tell the mode; Sv39 is what every CPU with an MMU has. */
  isa->mmu_type = mmu_type(vcpu_get_register(vcpu_fd, CONFIG_SATP_MODE, &value) ? value : 8);
  if (extensions[ZICBOM] && vcpu_get_register(vcpu_fd, CONFIG_ZICBOM_BLOCK_SIZE, &value))
    isa->cbom_block_bytes = (uint32_t)value;
  if (extensions[ZICBOZ] && vcpu_get_register(vcpu_fd, CONFIG_ZICBOZ_BLOCK_SIZE, &value))
    isa->cboz_block_bytes = (uint32_t)value;
  return true;
}
