/* Places kernel, initrd and device tree in the guest's RAM. */
#ifndef LKVM_IMAGE_H
#define LKVM_IMAGE_H

#include <stdint.h>

#include "guest_memory.h"

struct boot_layout {
  uint64_t kernel;                   /* entry point */
  uint64_t initrd, initrd_end;       /* equal if there is none */
  uint64_t device_tree;              /* room for DEVICE_TREE_BYTES */
};

#define DEVICE_TREE_BYTES 0x10000

/* Loads the files; ends the program with a message if one is unreadable, unfit or too large. */
void image_load(struct boot_layout *layout, const struct guest_memory *memory,
                const char *kernel_path, const char *initrd_path);

#endif
