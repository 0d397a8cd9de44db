#include "mmio_bus.h"

#include <stddef.h>
#include <string.h>

#include "log.h"

bool
mmio_bus_add(struct mmio_bus *bus, struct mmio_region region)
{
  for (unsigned i = 0; i < bus->count; i++) {
    const struct mmio_region *other = &bus->regions[i];
    if (region.base < other->base + other->bytes && other->base < region.base + region.bytes) {
      error("Cannot map %s at 0x%llx-0x%llx: overlaps %s (0x%llx-0x%llx)", region.name,
            (unsigned long long)region.base, (unsigned long long)(region.base + region.bytes - 1),
            other->name, (unsigned long long)other->base,
            (unsigned long long)(other->base + other->bytes - 1));
      return false;
    }
  }
  if (bus->count == MMIO_MAX_REGIONS) {
    error("Cannot map %s: the bus holds at most %d devices", region.name, MMIO_MAX_REGIONS);
    return false;
  }
  bus->regions[bus->count++] = region;
  return true;
}

static const struct mmio_region *
find_region(const struct mmio_bus *bus, uint64_t address, unsigned bytes)
{
  for (unsigned i = 0; i < bus->count; i++) {
    const struct mmio_region *region = &bus->regions[i];
    if (address >= region->base && address - region->base < region->bytes)
      return bytes <= region->bytes - (address - region->base) ? region : NULL;
  }
  return NULL;
}

void
mmio_bus_access(const struct mmio_bus *bus, uint64_t address, uint8_t *data, unsigned bytes,
                bool is_write)
{
  const struct mmio_region *region = find_region(bus, address, bytes);
  uint64_t value = 0;

  if (is_write) {
    memcpy(&value, data, bytes);
    if (region)
      region->handler->write(region->device, address - region->base, bytes, value);
    return;
  }
  if (region)
    value = region->handler->read(region->device, address - region->base, bytes);
  memcpy(data, &value, bytes);
}
