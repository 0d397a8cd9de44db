/*
 * Notices a panic of the guest's kernel. A RISC-V guest has no register to tell its hypervisor of
 * a panic, so this reads along on its console for the line that Linux prints.
 */
#ifndef LKVM_PANIC_WATCH_H
#define LKVM_PANIC_WATCH_H

#include <stdbool.h>
#include <stddef.h>

struct panic_watch {
  char line[256];
  size_t length;
  bool panicked;
  char reason[160];
};

/* The next byte of the console. True exactly once, at the end of the line that tells of a panic. */
bool panic_watch_byte(struct panic_watch *watch, char byte);

#endif
