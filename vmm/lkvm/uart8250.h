/*
 * A 16550A UART (National Semiconductor PC16550D data sheet), infinitely fast: the transmitter is
 * always empty again before the guest can look. Registers are one byte apart.
 */
#ifndef LKVM_UART8250_H
#define LKVM_UART8250_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mmio_bus.h"

#define UART_FIFO_BYTES 16

struct uart8250 {
  pthread_mutex_t lock;
  pthread_cond_t room; /* the guest took received bytes away */

  uint8_t ier, fcr, lcr, mcr, scr, dll, dlm;
  uint8_t msr_delta;
  bool thr_empty_event; /* the transmitter became empty and IIR has not yet told so */
  bool overrun;
  uint8_t receive[UART_FIFO_BYTES];
  unsigned receive_head, receive_count;
  bool irq_level;
  bool closed;

  /* The other end of the wire. Called with the lock held; must not come back here. */
  void (*transmit)(void *opaque, uint8_t byte);
  /* The guest touched a register in a way that ends a burst of output. */
  void (*idle)(void *opaque);
  void (*set_irq)(void *opaque, bool level);
  void *opaque;
};

extern const struct mmio_handler uart8250_mmio;

void uart8250_init(struct uart8250 *uart, void (*transmit)(void *, uint8_t), void (*idle)(void *),
                   void (*set_irq)(void *, bool), void *opaque);

/* Puts bytes on the wire towards the guest and waits while its FIFO is full. Any thread. */
void uart8250_receive(struct uart8250 *uart, const uint8_t *bytes, size_t count);

/* Ends any wait in uart8250_receive, for good. */
void uart8250_close(struct uart8250 *uart);

#endif
