/* The guest's RAM as this process sees it, and the one check for addresses a guest hands over. */
#ifndef LKVM_GUEST_MEMORY_H
#define LKVM_GUEST_MEMORY_H

#include <stddef.h>
#include <stdint.h>

struct guest_memory {
  uint8_t *host;  /* mapping in this process */
  uint64_t base;  /* guest physical address of its first byte */
  uint64_t bytes; /* its size */
};

/* The host address of [address, address + bytes), or NULL if any of it lies outside RAM. */
static inline void *
guest_at(const struct guest_memory *memory, uint64_t address, uint64_t bytes)
{
  uint64_t offset = address - memory->base;
  if (address < memory->base || offset > memory->bytes || bytes > memory->bytes - offset)
    return NULL;
  return memory->host + offset;
}

#endif
