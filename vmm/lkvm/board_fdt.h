/* The guest's device tree: one function for each node, in the tree's order. */
#ifndef LKVM_BOARD_FDT_H
#define LKVM_BOARD_FDT_H

#include <stddef.h>
#include <stdint.h>

#include "image.h"
#include "isa.h"

/* Everything that the tree tells and that is not constant (platform.h). */
struct board {
  unsigned cpus;
  const struct isa *isa;
  uint64_t ram_bytes;
  const char *bootargs;
  const struct boot_layout *layout;
  const uint64_t *uart_bases;
  const unsigned *uart_irqs;
  unsigned virtio_devices;
};

/* Writes the tree into `blob`; returns its size, or 0 if it does not fit. */
size_t board_fdt_write(const struct board *board, void *blob, size_t capacity);

#endif
