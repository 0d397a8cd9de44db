/* One VCPU: its descriptor, the area shared with KVM, and the thread that runs it. */
#ifndef LKVM_VCPU_H
#define LKVM_VCPU_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "mmio_bus.h"
#include "sbi.h"
#include "vm.h"

/* How a guest's run ends. */
enum ending {
  ENDING_NONE,     /* it has not */
  ENDING_SHUTDOWN, /* the guest powered off, or the user stopped it */
  ENDING_RESET,    /* the guest asks for a fresh start */
  ENDING_CRASH,    /* the guest reports that it failed */
  ENDING_ERROR,    /* KVM cannot run it any further; the reason is logged */
};

struct vcpu {
  unsigned id;
  int fd;
  struct kvm_run *run;
  int run_bytes;
  pthread_t thread;
  const struct mmio_bus *bus;
  struct sbi *sbi;
  /* Called from the VCPU's thread when the guest ends the run. */
  void (*ended)(void *opaque, enum ending ending);
  void *opaque;
};

/* Ends the program with a message if KVM refuses. */
void vcpu_create(struct vcpu *vcpu, const struct vm *vm, unsigned id);
void vcpu_destroy(struct vcpu *vcpu);

/* The boot CPU starts at `pc` with a0 = its number and a1 = the device tree (RISC-V boot ABI). */
void vcpu_set_entry(struct vcpu *vcpu, uint64_t pc, uint64_t device_tree);
/* Starts the thread; fill in bus, sbi, ended and opaque before. */
void vcpu_start(struct vcpu *vcpu);
/* Makes KVM_RUN return and the thread end, and waits for that. */
void vcpu_stop(struct vcpu *vcpu);

/* The VCPU's supervisor external interrupt. Any thread. */
void vcpu_set_interrupt(struct vcpu *vcpu, bool level);

bool vcpu_get_register(int vcpu_fd, uint64_t id, uint64_t *value);
bool vcpu_set_register(int vcpu_fd, uint64_t id, uint64_t value);

#endif
