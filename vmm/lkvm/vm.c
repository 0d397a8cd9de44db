#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"
#include "platform.h"

/* Not in older kernel headers: how many bits of guest physical address the G-stage has. */
#ifndef KVM_CAP_VM_GPA_BITS
#define KVM_CAP_VM_GPA_BITS 207
#endif

#define HUGE_PAGE_BYTES (2ull << 20)

static void
check_ram_size(uint64_t ram_bytes)
{
  uint64_t host_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
  unsigned long long guest_mib = ram_bytes >> 20, host_mib = host_bytes >> 20;
  /* RAM is allocated when first touched, so a guest somewhat larger than its host can run. */
  if (ram_bytes / 2 > host_bytes)
    fatal("Guest memory of %llu MiB is too much for a host of %llu MiB: give -m %llu or less",
          guest_mib, host_mib, 2 * host_mib);
  if (ram_bytes > host_bytes)
    warning("Guest memory size %lluMB exceeds host physical RAM size %lluMB", guest_mib, host_mib);
}

/* Aligned so that guest and host could both use a 2 MiB page for it. */
static uint8_t *
map_ram(uint64_t bytes)
{
  uint64_t reserve = bytes + HUGE_PAGE_BYTES;
  uint8_t *map = reserve < bytes ? MAP_FAILED
                                 : mmap(NULL, reserve, PROT_READ | PROT_WRITE,
                                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (map == MAP_FAILED)
    fatal("Cannot map %llu MiB of guest memory: %s", (unsigned long long)bytes >> 20,
          strerror(errno));
  uint64_t lead = -(uintptr_t)map & (HUGE_PAGE_BYTES - 1);
  if (lead > 0)
    munmap(map, lead);
  if (lead < HUGE_PAGE_BYTES)
    munmap(map + lead + bytes, HUGE_PAGE_BYTES - lead);
  madvise(map + lead, bytes, MADV_HUGEPAGE); /* A wish only: the host may have no huge pages. */
  return map + lead;
}

static int
check_extension(int fd, int capability)
{
  return ioctl(fd, KVM_CHECK_EXTENSION, capability);
}

void
vm_create(struct vm *vm, uint64_t ram_bytes)
{
  vm->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
  if (vm->kvm_fd < 0)
    fatal("Unable to open /dev/kvm: %s%s", strerror(errno),
          errno == ENOENT ? "; the kernel has no KVM, or the CPU no hypervisor extension" : "");
  int version = ioctl(vm->kvm_fd, KVM_GET_API_VERSION, 0);
  if (version != KVM_API_VERSION)
    fatal("KVM API version %d is not the supported version %d", version, KVM_API_VERSION);
  if (check_extension(vm->kvm_fd, KVM_CAP_ONE_REG) <= 0)
    fatal("This KVM cannot get and set registers (KVM_CAP_ONE_REG)");
  check_ram_size(ram_bytes);

  vm->vm_fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, 0);
  if (vm->vm_fd < 0)
    fatal("Unable to create a virtual machine: %s", strerror(errno));
  vm->vcpu_map_bytes = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
  if (vm->vcpu_map_bytes <= 0)
    fatal("Unable to learn the size of a VCPU's shared area: %s", strerror(errno));
  vm->has_ioeventfd = check_extension(vm->vm_fd, KVM_CAP_IOEVENTFD) > 0;

  int gpa_bits = check_extension(vm->vm_fd, KVM_CAP_VM_GPA_BITS);
  uint64_t gpa_limit = gpa_bits > 0 && gpa_bits < 64 ? UINT64_C(1) << gpa_bits : UINT64_MAX;
  if (ram_bytes > gpa_limit - RAM_BASE)
    fatal("Guest memory of %llu MiB does not fit below this CPU's limit of %d address bits",
          (unsigned long long)ram_bytes >> 20, gpa_bits);

  vm->memory = (struct guest_memory){map_ram(ram_bytes), RAM_BASE, ram_bytes};
  struct kvm_userspace_memory_region region = {
      .slot = 0,
      .guest_phys_addr = RAM_BASE,
      .memory_size = ram_bytes,
      .userspace_addr = (uintptr_t)vm->memory.host,
  };
  if (ioctl(vm->vm_fd, KVM_SET_USER_MEMORY_REGION, &region) < 0)
    fatal("Unable to give the guest its memory: %s", strerror(errno));
}

void
vm_destroy(struct vm *vm)
{
  close(vm->vm_fd);
  close(vm->kvm_fd);
  munmap(vm->memory.host, vm->memory.bytes);
}

void
vm_check_cpus(const struct vm *vm, unsigned cpus)
{
  int recommended = check_extension(vm->vm_fd, KVM_CAP_NR_VCPUS);
  int greatest = check_extension(vm->vm_fd, KVM_CAP_MAX_VCPUS);
  if (greatest > 0 && cpus > (unsigned)greatest)
    fatal("KVM allows at most %d CPUs, not %u", greatest, cpus);
  if (recommended > 0 && cpus > (unsigned)recommended)
    warning("The maximum recommended amount of VCPUs is %d", recommended);
}

bool
vm_add_ioeventfd(const struct vm *vm, uint64_t address, int event_fd)
{
  struct kvm_ioeventfd event = {.addr = address, .len = 4, .fd = event_fd};
  return vm->has_ioeventfd && ioctl(vm->vm_fd, KVM_IOEVENTFD, &event) == 0;
}
