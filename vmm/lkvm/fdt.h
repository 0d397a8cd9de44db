/*
 * Writes a flattened device tree (Devicetree Specification 0.4, chapter 5) front to back: nodes
 * are opened and closed, each node's properties come before its children.
 */
#ifndef LKVM_FDT_H
#define LKVM_FDT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FDT_STRUCTURE_BYTES 0xf000
#define FDT_STRINGS_BYTES 0x800

struct fdt {
  uint8_t structure[FDT_STRUCTURE_BYTES];
  size_t structure_bytes;
  char strings[FDT_STRINGS_BYTES];
  size_t strings_bytes;
  unsigned depth;
  bool overflow; /* something did not fit; fdt_finish() reports it */
};

void fdt_start(struct fdt *fdt);
void fdt_open(struct fdt *fdt, const char *name);
/* A node with a unit address: name@address, in hex. */
void fdt_open_at(struct fdt *fdt, const char *name, uint64_t address);
void fdt_close(struct fdt *fdt);

void fdt_empty(struct fdt *fdt, const char *name);
void fdt_string(struct fdt *fdt, const char *name, const char *value);
void fdt_cells(struct fdt *fdt, const char *name, const uint32_t *cells, size_t count);
void fdt_cell(struct fdt *fdt, const char *name, uint32_t value);
void fdt_u64(struct fdt *fdt, const char *name, uint64_t value);
/* One (address, size) pair of two cells each. */
void fdt_reg(struct fdt *fdt, uint64_t address, uint64_t bytes);

/* The whole blob into `blob`; returns its size, or 0 if it does not fit or nodes are left open. */
size_t fdt_finish(const struct fdt *fdt, uint32_t boot_cpu, void *blob, size_t capacity);

#endif
