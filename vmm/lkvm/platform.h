/*
 * The guest's board: one memory map, used by the bus, the interrupt wiring and the device tree.
 *
 *   0x0000_02e8 .. 0x0000_03ff   four 16550A UARTs, where kvmtool had its PC-style ports
 *   0x0c00_0000 .. 0x0fff_ffff   PLIC
 *   0x1000_0000 .. 0x1000_3fff   the UARTs instead, with --uart-base 0x10000000
 *   0x1002_0000 ..               virtio-mmio, one page for each device
 *   0x8000_0000 ..               RAM
 */
#ifndef LKVM_PLATFORM_H
#define LKVM_PLATFORM_H

#define RAM_BASE 0x80000000ull
#define RAM_MIN_BYTES (16ull << 20)

#define PLIC_BASE 0x0c000000ull
#define PLIC_SIZE 0x04000000ull
/* The highest interrupt number; kvmtool announces 1023, and Linux prints it. */
#define PLIC_LAST_SOURCE 1023

#define UART_COUNT 4
#define UART_SIZE 8
/* Spacing of the UARTs when --uart-base moves them out of their PC-style places. */
#define UART_STRIDE 0x1000ull
#define UART_CLOCK_HZ 1843200

#define VIRTIO_BASE 0x10020000ull
#define VIRTIO_STRIDE 0x1000ull
#define VIRTIO_SIZE 0x200ull
/* QueueNotify, section 4.2.2 of the virtio specification: where KVM signals the ioeventfd. */
#define VIRTIO_NOTIFY_OFFSET 0x50
#define VIRTIO_FIRST_IRQ 8
#define VIRTIO_MAX_DEVICES 16

/* Highest address of anything but RAM: a UART base must stay below RAM_BASE. */
#define MMIO_LIMIT RAM_BASE

#endif
