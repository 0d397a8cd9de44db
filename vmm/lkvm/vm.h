/* A virtual machine as KVM knows it: /dev/kvm, the VM descriptor, and the guest's RAM. */
#ifndef LKVM_VM_H
#define LKVM_VM_H

#include <stdbool.h>
#include <stdint.h>

#include "guest_memory.h"

struct vm {
  int kvm_fd;
  int vm_fd;
  int vcpu_map_bytes; /* size of each VCPU's shared kvm_run area */
  bool has_ioeventfd;
  struct guest_memory memory;
};

/* All of these end the program with a message when they cannot do their work. */
void vm_create(struct vm *vm, uint64_t ram_bytes);
void vm_destroy(struct vm *vm);
/* Warns or refuses by KVM's recommended and greatest number of VCPUs. */
void vm_check_cpus(const struct vm *vm, unsigned cpus);
/* A guest's 32-bit write to `address` signals `event_fd`, without a return to this process. */
bool vm_add_ioeventfd(const struct vm *vm, uint64_t address, int event_fd);

#endif
