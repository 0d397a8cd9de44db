/*
 * The user's terminal: raw while a guest runs, and a thread that hands what is typed to the guest.
 * Ctrl-A is the escape key: Ctrl-A x ends the guest, Ctrl-A Ctrl-A sends one Ctrl-A.
 */
#ifndef LKVM_TERMINAL_H
#define LKVM_TERMINAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct terminal {
  pthread_t thread;
  int stop_fd;
  bool escaped; /* the last byte was Ctrl-A */
  /* Typed bytes for the guest; may wait for the guest to take them. */
  void (*typed)(void *opaque, const uint8_t *bytes, size_t count);
  /* Ctrl-A x. */
  void (*quit)(void *opaque);
  void *opaque;
};

/* Raw mode, if standard input and output are a terminal; restored by terminal_restore or exit. */
void terminal_make_raw(void);
void terminal_restore(void);

void terminal_start(struct terminal *terminal);
/* The consumer must already have ended every wait inside `typed`. */
void terminal_stop(struct terminal *terminal);

/* Pure part: takes the escape key out of `bytes` in place; `*quit` tells of Ctrl-A x. */
size_t terminal_filter(struct terminal *terminal, uint8_t *bytes, size_t count, bool *quit);

#endif
