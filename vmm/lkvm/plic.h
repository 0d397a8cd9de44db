/*
 * Platform-level interrupt controller ("RISC-V Platform-Level Interrupt Controller Specification"
 * 1.0.0), with two contexts for each hart: 2n is hart n's M-mode, 2n + 1 its S-mode.
 *
 * Every source is level-triggered. A source's gateway passes one request on, then waits until the
 * handler completes it (section 9); the level is looked at again at that moment.
 */
#ifndef LKVM_PLIC_H
#define LKVM_PLIC_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "mmio_bus.h"

#define PLIC_MAX_SOURCES 1024
#define PLIC_MAX_CONTEXTS 128
#define PLIC_WORDS (PLIC_MAX_SOURCES / 32)
#define PLIC_MAX_PRIORITY 7

struct plic_context {
  uint32_t enable[PLIC_WORDS];
  uint8_t threshold;
  bool asserted;
};

struct plic {
  pthread_mutex_t lock;
  unsigned last_source;
  unsigned context_count;
  uint8_t priority[PLIC_MAX_SOURCES];
  uint32_t level[PLIC_WORDS];   /* lines as the devices drive them */
  uint32_t pending[PLIC_WORDS]; /* requests passed by the gateways and not yet claimed */
  uint32_t pending_words;       /* bit n: pending[n] is not zero; keeps the search short */
  uint32_t claimed[PLIC_WORDS]; /* claimed and not yet completed */
  struct plic_context contexts[PLIC_MAX_CONTEXTS];

  /* Drives a context's interrupt output. Called with the lock held; must not come back here. */
  void (*set_output)(void *opaque, unsigned context, bool level);
  void *opaque;
};

extern const struct mmio_handler plic_mmio;

void plic_init(struct plic *plic, unsigned last_source, unsigned context_count,
               void (*set_output)(void *, unsigned, bool), void *opaque);

/* A device's interrupt line. Any thread. */
void plic_set_level(struct plic *plic, unsigned source, bool level);

#endif
