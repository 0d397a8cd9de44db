#define _GNU_SOURCE /* pthread_setname_np */
#include "vcpu.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "kvm_registers.h"
#include "log.h"

/* Interrupts KVM_RUN; its handler does nothing. */
#define KICK_SIGNAL SIGUSR1

#define CSR_SEED 0x015
#define SEED_ES16 (2ul << 30)

bool
vcpu_get_register(int vcpu_fd, uint64_t id, uint64_t *value)
{
  struct kvm_one_reg reg = {.id = id, .addr = (uintptr_t)value};
  return ioctl(vcpu_fd, KVM_GET_ONE_REG, &reg) == 0;
}

bool
vcpu_set_register(int vcpu_fd, uint64_t id, uint64_t value)
{
  struct kvm_one_reg reg = {.id = id, .addr = (uintptr_t)&value};
  return ioctl(vcpu_fd, KVM_SET_ONE_REG, &reg) == 0;
}

void
vcpu_create(struct vcpu *vcpu, const struct vm *vm, unsigned id)
{
  memset(vcpu, 0, sizeof *vcpu);
  vcpu->id = id;
  vcpu->fd = ioctl(vm->vm_fd, KVM_CREATE_VCPU, id);
  if (vcpu->fd < 0)
    fatal("Unable to create VCPU %u: %s", id, strerror(errno));
  vcpu->run_bytes = vm->vcpu_map_bytes;
  vcpu->run = mmap(NULL, (size_t)vcpu->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
  if (vcpu->run == MAP_FAILED)
    fatal("Unable to map the shared area of VCPU %u: %s", id, strerror(errno));
  /* Off by default since it needs this process; a kernel that does not know it is fine too. */
  vcpu_set_register(vcpu->fd, SBI_EXTENSION(SBI_EXTENSION_DBCN), 1);
}

void
vcpu_destroy(struct vcpu *vcpu)
{
  munmap(vcpu->run, (size_t)vcpu->run_bytes);
  close(vcpu->fd);
}

void
vcpu_set_entry(struct vcpu *vcpu, uint64_t pc, uint64_t device_tree)
{
  if (!vcpu_set_register(vcpu->fd, CORE_PC, pc) ||
      !vcpu_set_register(vcpu->fd, CORE_A0, vcpu->id) ||
      !vcpu_set_register(vcpu->fd, CORE_A1, device_tree))
    fatal("Unable to set the registers of VCPU %u: %s", vcpu->id, strerror(errno));
}

void
vcpu_set_interrupt(struct vcpu *vcpu, bool level)
{
  struct kvm_interrupt interrupt = {.irq = level ? KVM_INTERRUPT_SET : KVM_INTERRUPT_UNSET};
  if (ioctl(vcpu->fd, KVM_INTERRUPT, &interrupt) < 0)
    warning("VCPU %u: KVM_INTERRUPT: %s", vcpu->id, strerror(errno));
}

static void
report_state(const struct vcpu *vcpu)
{
  uint64_t pc = 0, sepc = 0, scause = 0, stval = 0;
  vcpu_get_register(vcpu->fd, CORE_PC, &pc);
  vcpu_get_register(vcpu->fd, CSR_SEPC, &sepc);
  vcpu_get_register(vcpu->fd, CSR_SCAUSE, &scause);
  vcpu_get_register(vcpu->fd, CSR_STVAL, &stval);
  error("VCPU %u: pc 0x%llx sepc 0x%llx scause 0x%llx stval 0x%llx", vcpu->id,
        (unsigned long long)pc, (unsigned long long)sepc, (unsigned long long)scause,
        (unsigned long long)stval);
}

/* The guest's SRST call: shutdown or reboot, and whether as it failed (SBI 3.0, chapter 10). */
static enum ending
system_event(const struct kvm_run *run)
{
  bool failure = run->system_event.ndata > 0 &&
                 run->system_event.data[0] == SBI_SRST_RESET_REASON_SYSTEM_FAILURE;
  switch (run->system_event.type) {
  case KVM_SYSTEM_EVENT_SHUTDOWN:
    return failure ? ENDING_CRASH : ENDING_SHUTDOWN;
  case KVM_SYSTEM_EVENT_RESET:
    return failure ? ENDING_CRASH : ENDING_RESET;
  case KVM_SYSTEM_EVENT_CRASH:
    return ENDING_CRASH;
  default:
    return ENDING_NONE;
  }
}

/*
 * KVM leaves reads of the entropy source to user space (Cryptography Extensions 1.0, section 4.1:
 * status ES16 in bits 31:30, 16 bits of entropy below). Any other CSR reads as zero.
 */
static void
csr_access(struct kvm_run *run)
{
  uint16_t entropy;
  run->riscv_csr.ret_value = 0;
  if (run->riscv_csr.csr_num == CSR_SEED &&
      getrandom(&entropy, sizeof entropy, 0) == sizeof entropy)
    run->riscv_csr.ret_value = SEED_ES16 | entropy;
}

static enum ending
handle_exit(struct vcpu *vcpu)
{
  struct kvm_run *run = vcpu->run;
  switch (run->exit_reason) {
  case KVM_EXIT_MMIO:
    mmio_bus_access(vcpu->bus, run->mmio.phys_addr, run->mmio.data, run->mmio.len,
                    run->mmio.is_write);
    return ENDING_NONE;
  case KVM_EXIT_RISCV_SBI:
    sbi_call(vcpu->sbi, run);
    return ENDING_NONE;
  case KVM_EXIT_RISCV_CSR:
    csr_access(run);
    return ENDING_NONE;
  case KVM_EXIT_SYSTEM_EVENT:
    return system_event(run);
  case KVM_EXIT_INTR:
    return ENDING_NONE;
  default:
    error("VCPU %u: KVM exit reason %u is not handled", vcpu->id, run->exit_reason);
    report_state(vcpu);
    return ENDING_ERROR;
  }
}

static void *
vcpu_main(void *opaque)
{
  struct vcpu *vcpu = opaque;
  enum ending ending = ENDING_NONE;
  char name[16];
  sigset_t kick;

  snprintf(name, sizeof name, "kvm-vcpu-%u", vcpu->id);
  pthread_setname_np(pthread_self(), name);
  sigemptyset(&kick);
  sigaddset(&kick, KICK_SIGNAL);
  pthread_sigmask(SIG_UNBLOCK, &kick, NULL);

  while (ending == ENDING_NONE && !__atomic_load_n(&vcpu->run->immediate_exit, __ATOMIC_ACQUIRE)) {
    if (ioctl(vcpu->fd, KVM_RUN, 0) == 0) {
      ending = handle_exit(vcpu);
    } else if (errno != EINTR && errno != EAGAIN) {
      error("VCPU %u: KVM_RUN: %s", vcpu->id, strerror(errno));
      report_state(vcpu);
      ending = ENDING_ERROR;
    }
  }
  if (ending != ENDING_NONE)
    vcpu->ended(vcpu->opaque, ending);
  return NULL;
}

static void
ignore_signal(int signal_number)
{
  (void)signal_number;
}

void
vcpu_start(struct vcpu *vcpu)
{
  struct sigaction action = {.sa_handler = ignore_signal}; /* No SA_RESTART: KVM_RUN must return. */
  sigaction(KICK_SIGNAL, &action, NULL);
  if (pthread_create(&vcpu->thread, NULL, vcpu_main, vcpu) != 0)
    fatal("Cannot create a thread for VCPU %u", vcpu->id);
}

void
vcpu_stop(struct vcpu *vcpu)
{
  /* With the flag set a KVM_RUN that starts after the signal returns at once: nothing is lost. */
  __atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_RELEASE);
  pthread_kill(vcpu->thread, KICK_SIGNAL);
  pthread_join(vcpu->thread, NULL);
}
