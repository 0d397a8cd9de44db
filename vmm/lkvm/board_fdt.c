#include "board_fdt.h"

#include <stdio.h>
#include <stdlib.h>

#include "fdt.h"
#include "platform.h"

/* Phandles: the CPUs' interrupt controllers count up from the second. */
#define PHANDLE_PLIC 1
#define PHANDLE_CPU_INTC 2

#define NO_INTERRUPT 0xffffffffu
#define SUPERVISOR_EXTERNAL_INTERRUPT 9

static void
write_chosen(struct fdt *fdt, const struct board *board)
{
  fdt_open(fdt, "chosen");
  fdt_string(fdt, "bootargs", board->bootargs);
  fdt_string(fdt, "stdout-path", "serial0");
  if (board->layout->initrd_end > board->layout->initrd) {
    fdt_u64(fdt, "linux,initrd-start", board->layout->initrd);
    fdt_u64(fdt, "linux,initrd-end", board->layout->initrd_end);
  }
  fdt_close(fdt);
}

static void
write_aliases(struct fdt *fdt, const struct board *board)
{
  fdt_open(fdt, "aliases");
  for (unsigned i = 0; i < UART_COUNT; i++) {
    char name[16], path[48];
    snprintf(name, sizeof name, "serial%u", i);
    snprintf(path, sizeof path, "/smb/U6_16550A@%llx", (unsigned long long)board->uart_bases[i]);
    fdt_string(fdt, name, path);
  }
  fdt_close(fdt);
}

static void
write_memory(struct fdt *fdt, const struct board *board)
{
  fdt_open_at(fdt, "memory", RAM_BASE);
  fdt_string(fdt, "device_type", "memory");
  fdt_reg(fdt, RAM_BASE, board->ram_bytes);
  fdt_close(fdt);
}

static void
write_cpu(struct fdt *fdt, const struct isa *isa, unsigned id)
{
  fdt_open_at(fdt, "cpu", id);
  fdt_string(fdt, "device_type", "cpu");
  fdt_string(fdt, "compatible", "riscv");
  fdt_string(fdt, "mmu-type", isa->mmu_type);
  fdt_string(fdt, "riscv,isa", isa->string);
  if (isa->cbom_block_bytes)
    fdt_cell(fdt, "riscv,cbom-block-size", isa->cbom_block_bytes);
  if (isa->cboz_block_bytes)
    fdt_cell(fdt, "riscv,cboz-block-size", isa->cboz_block_bytes);
  fdt_cell(fdt, "reg", id);
  fdt_string(fdt, "status", "okay");

  fdt_open(fdt, "interrupt-controller");
  fdt_string(fdt, "compatible", "riscv,cpu-intc");
  fdt_cell(fdt, "#interrupt-cells", 1);
  fdt_empty(fdt, "interrupt-controller");
  fdt_cell(fdt, "phandle", PHANDLE_CPU_INTC + id);
  fdt_close(fdt);

  fdt_close(fdt);
}

static void
write_cpus(struct fdt *fdt, const struct board *board)
{
  fdt_open(fdt, "cpus");
  fdt_cell(fdt, "#address-cells", 1);
  fdt_cell(fdt, "#size-cells", 0);
  fdt_cell(fdt, "timebase-frequency", (uint32_t)board->isa->timebase_hz);
  for (unsigned id = 0; id < board->cpus; id++)
    write_cpu(fdt, board->isa, id);
  fdt_close(fdt);
}

/* Contexts 2n and 2n + 1 are the M-mode and the S-mode of CPU n; M-mode is not the guest's. */
static void
write_plic(struct fdt *fdt, const struct board *board)
{
  uint32_t *cells = malloc(board->cpus * 4 * sizeof *cells);
  if (!cells) {
    fdt->overflow = true;
    return;
  }
  for (unsigned id = 0; id < board->cpus; id++) {
    cells[4 * id + 0] = PHANDLE_CPU_INTC + id;
    cells[4 * id + 1] = NO_INTERRUPT;
    cells[4 * id + 2] = PHANDLE_CPU_INTC + id;
    cells[4 * id + 3] = SUPERVISOR_EXTERNAL_INTERRUPT;
  }
  /* kvmtool writes the address with a leading zero, and Linux prints the name. */
  fdt_open(fdt, "interrupt-controller@0c000000");
  fdt_string(fdt, "compatible", "riscv,plic0");
  fdt_reg(fdt, PLIC_BASE, PLIC_SIZE);
  fdt_cell(fdt, "#address-cells", 0);
  fdt_cell(fdt, "#interrupt-cells", 1);
  fdt_empty(fdt, "interrupt-controller");
  fdt_cell(fdt, "riscv,max-priority", 7);
  fdt_cell(fdt, "riscv,ndev", PLIC_LAST_SOURCE);
  fdt_cell(fdt, "phandle", PHANDLE_PLIC);
  fdt_cells(fdt, "interrupts-extended", cells, board->cpus * 4);
  fdt_close(fdt);
  free(cells);
}

static void
write_uart(struct fdt *fdt, uint64_t base, unsigned irq)
{
  fdt_open_at(fdt, "U6_16550A", base);
  fdt_string(fdt, "compatible", "ns16550a");
  fdt_reg(fdt, base, UART_SIZE);
  fdt_cell(fdt, "interrupts", irq);
  fdt_cell(fdt, "clock-frequency", UART_CLOCK_HZ);
  fdt_close(fdt);
}

static void
write_virtio(struct fdt *fdt, unsigned index)
{
  uint64_t base = VIRTIO_BASE + index * VIRTIO_STRIDE;
  fdt_open_at(fdt, "virtio", base);
  fdt_string(fdt, "compatible", "virtio,mmio");
  fdt_reg(fdt, base, VIRTIO_SIZE);
  fdt_cell(fdt, "interrupts", VIRTIO_FIRST_IRQ + index);
  fdt_empty(fdt, "dma-coherent");
  fdt_close(fdt);
}

static void
write_bus(struct fdt *fdt, const struct board *board)
{
  fdt_open(fdt, "smb");
  fdt_string(fdt, "compatible", "simple-bus");
  fdt_cell(fdt, "#address-cells", 2);
  fdt_cell(fdt, "#size-cells", 2);
  fdt_cell(fdt, "interrupt-parent", PHANDLE_PLIC);
  fdt_empty(fdt, "ranges");
  for (unsigned i = 0; i < board->virtio_devices; i++)
    write_virtio(fdt, i);
  for (unsigned i = 0; i < UART_COUNT; i++)
    write_uart(fdt, board->uart_bases[i], board->uart_irqs[i]);
  fdt_close(fdt);
}

size_t
board_fdt_write(const struct board *board, void *blob, size_t capacity)
{
  static struct fdt fdt;
  fdt_start(&fdt);
  fdt_open(&fdt, "");
  fdt_string(&fdt, "compatible", "linux,dummy-virt");
  fdt_cell(&fdt, "#address-cells", 2);
  fdt_cell(&fdt, "#size-cells", 2);
  write_chosen(&fdt, board);
  write_aliases(&fdt, board);
  write_memory(&fdt, board);
  write_cpus(&fdt, board);
  write_plic(&fdt, board);
  write_bus(&fdt, board);
  fdt_close(&fdt);
  return fdt_finish(&fdt, 0, blob, capacity);
}
