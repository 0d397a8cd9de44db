/* SBI calls that KVM hands over to user space: the consoles ("SBI Specification" 3.0). */
#ifndef LKVM_SBI_H
#define LKVM_SBI_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest_memory.h"

#define SBI_SRST_RESET_REASON_SYSTEM_FAILURE 1

#define SBI_INPUT_BYTES 256

struct sbi {
  const struct guest_memory *memory;
  void (*transmit)(void *opaque, const void *bytes, size_t count);
  void *opaque;

  pthread_mutex_t lock;
  pthread_cond_t room;
  bool guest_reads; /* the guest has asked for input here at least once */
  bool closed;
  uint8_t input[SBI_INPUT_BYTES];
  size_t input_head, input_count;
};

void sbi_init(struct sbi *sbi, const struct guest_memory *memory,
              void (*transmit)(void *opaque, const void *bytes, size_t count), void *opaque);

/* Answers the call described in `run`, an unknown one with "not supported". */
void sbi_call(struct sbi *sbi, struct kvm_run *run);

/*
 * Types on the SBI console, waiting for room. False, with nothing taken, if the guest has never
 * read from it: then the input is for another console.
 */
bool sbi_receive(struct sbi *sbi, const uint8_t *bytes, size_t count);
/* Ends any wait in sbi_receive, for good. */
void sbi_close(struct sbi *sbi);

#endif
