#include "fdt.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

enum token { BEGIN_NODE = 1, END_NODE = 2, PROP = 3, END = 9 };

#define MAGIC 0xd00dfeed
#define VERSION 17
#define LAST_COMPATIBLE_VERSION 16
#define HEADER_BYTES 40
#define RESERVATION_BYTES 16 /* only the terminating entry */
#define NAME_BYTES 64

void
fdt_start(struct fdt *fdt)
{
  memset(fdt, 0, sizeof *fdt);
}

/* Appends to the structure block, padded with zeros to a whole number of cells. */
static void
append(struct fdt *fdt, const void *bytes, size_t count)
{
  size_t padded = (count + 3) & ~(size_t)3;
  if (padded > sizeof fdt->structure - fdt->structure_bytes) {
    fdt->overflow = true;
    return;
  }
  memset(fdt->structure + fdt->structure_bytes, 0, padded);
  if (count > 0)
    memcpy(fdt->structure + fdt->structure_bytes, bytes, count);
  fdt->structure_bytes += padded;
}

static void
append_cell(struct fdt *fdt, uint32_t value)
{
  uint32_t big_endian = htobe32(value);
  append(fdt, &big_endian, sizeof big_endian);
}

/* Offset of a property name in the strings block; each name is stored once. */
static uint32_t
string_offset(struct fdt *fdt, const char *name)
{
  size_t bytes = strlen(name) + 1;
  for (size_t at = 0; at < fdt->strings_bytes; at += strlen(fdt->strings + at) + 1)
    if (strcmp(fdt->strings + at, name) == 0)
      return (uint32_t)at;
  if (bytes > sizeof fdt->strings - fdt->strings_bytes) {
    fdt->overflow = true;
    return 0;
  }
  size_t at = fdt->strings_bytes;
  memcpy(fdt->strings + at, name, bytes);
  fdt->strings_bytes += bytes;
  return (uint32_t)at;
}

static void
property(struct fdt *fdt, const char *name, const void *value, size_t bytes)
{
  append_cell(fdt, PROP);
  append_cell(fdt, (uint32_t)bytes);
  append_cell(fdt, string_offset(fdt, name));
  append(fdt, value, bytes);
}

void
fdt_open(struct fdt *fdt, const char *name)
{
  append_cell(fdt, BEGIN_NODE);
  append(fdt, name, strlen(name) + 1);
  fdt->depth++;
}

void
fdt_open_at(struct fdt *fdt, const char *name, uint64_t address)
{
  char full[NAME_BYTES];
  snprintf(full, sizeof full, "%s@%llx", name, (unsigned long long)address);
  fdt_open(fdt, full);
}

void
fdt_close(struct fdt *fdt)
{
  append_cell(fdt, END_NODE);
  fdt->depth--;
}

void
fdt_empty(struct fdt *fdt, const char *name)
{
  property(fdt, name, NULL, 0);
}

void
fdt_string(struct fdt *fdt, const char *name, const char *value)
{
  property(fdt, name, value, strlen(value) + 1);
}

void
fdt_cells(struct fdt *fdt, const char *name, const uint32_t *cells, size_t count)
{
  append_cell(fdt, PROP);
  append_cell(fdt, (uint32_t)(count * sizeof *cells));
  append_cell(fdt, string_offset(fdt, name));
  for (size_t i = 0; i < count; i++)
    append_cell(fdt, cells[i]);
}

void
fdt_cell(struct fdt *fdt, const char *name, uint32_t value)
{
  fdt_cells(fdt, name, &value, 1);
}

void
fdt_u64(struct fdt *fdt, const char *name, uint64_t value)
{
  fdt_cells(fdt, name, (uint32_t[]){(uint32_t)(value >> 32), (uint32_t)value}, 2);
}

void
fdt_reg(struct fdt *fdt, uint64_t address, uint64_t bytes)
{
  fdt_cells(fdt, "reg",
            (uint32_t[]){(uint32_t)(address >> 32), (uint32_t)address, (uint32_t)(bytes >> 32),
                         (uint32_t)bytes},
            4);
}

size_t
fdt_finish(const struct fdt *fdt, uint32_t boot_cpu, void *blob, size_t capacity)
{
  size_t structure_at = HEADER_BYTES + RESERVATION_BYTES;
  size_t structure_bytes = fdt->structure_bytes + sizeof(uint32_t);
  size_t strings_at = structure_at + structure_bytes;
  size_t total = strings_at + fdt->strings_bytes;
  if (fdt->overflow || fdt->depth != 0 || total > capacity)
    return 0;

  const uint32_t header[] = {
      MAGIC,
      (uint32_t)total,
      (uint32_t)structure_at,
      (uint32_t)strings_at,
      HEADER_BYTES, /* memory reservation block */
      VERSION,
      LAST_COMPATIBLE_VERSION,
      boot_cpu,
      (uint32_t)fdt->strings_bytes,
      (uint32_t)structure_bytes,
  };
  uint8_t *out = blob;
  memset(out, 0, structure_at);
  for (size_t i = 0; i < sizeof header / sizeof *header; i++) {
    uint32_t big_endian = htobe32(header[i]);
    memcpy(out + i * sizeof big_endian, &big_endian, sizeof big_endian);
  }
  uint32_t end = htobe32(END);
  memcpy(out + structure_at, fdt->structure, fdt->structure_bytes);
  memcpy(out + structure_at + fdt->structure_bytes, &end, sizeof end);
  memcpy(out + strings_at, fdt->strings, fdt->strings_bytes);
  return total;
}
