/* Which device answers at which guest physical address. */
#ifndef LKVM_MMIO_BUS_H
#define LKVM_MMIO_BUS_H

#include <stdbool.h>
#include <stdint.h>

/* Devices act on offsets; `bytes` is 1, 2, 4 or 8. */
struct mmio_handler {
  uint64_t (*read)(void *device, uint64_t offset, unsigned bytes);
  void (*write)(void *device, uint64_t offset, unsigned bytes, uint64_t value);
};

struct mmio_region {
  const char *name;
  uint64_t base;
  uint64_t bytes;
  const struct mmio_handler *handler;
  void *device;
};

#define MMIO_MAX_REGIONS 32

struct mmio_bus {
  struct mmio_region regions[MMIO_MAX_REGIONS];
  unsigned count;
};

/* False, with the reason logged, if the region overlaps another. Only before VCPUs run. */
bool mmio_bus_add(struct mmio_bus *bus, struct mmio_region region);

/* Where no device answers, a read gives zero and a write is lost. `data` is little-endian. */
void mmio_bus_access(const struct mmio_bus *bus, uint64_t address, uint8_t *data, unsigned bytes,
                     bool is_write);

#endif
