/*
 * The virtio-mmio transport (Virtual I/O Device 1.2, section 4.2), version 2, and what every
 * virtio device shares: status, feature negotiation, queues, interrupt, and one worker thread.
 *
 * A driver's notification is an eventfd that the kernel's KVM signals without leaving for this
 * process; the worker sleeps on it and calls the device for each queue. The lock order is
 * queue, then interrupt; a device never takes two queue locks at once, except for reset.
 */
#ifndef LKVM_VIRTIO_MMIO_H
#define LKVM_VIRTIO_MMIO_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "guest_memory.h"
#include "mmio_bus.h"
#include "virtqueue.h"

#define VIRTIO_MAX_QUEUES 2

struct virtio_device;

/* What one kind of device adds to the transport. */
struct virtio_kind {
  const char *name;
  uint32_t device_id;
  uint64_t features; /* besides VIRTIO_F_VERSION_1 */
  unsigned queue_count;
  /* Bit n: the device looks at queue n by itself, and the driver need not notify it. */
  uint32_t quiet_queues;
  /* There may be work in a queue. Called by the worker with the queue's lock held. */
  void (*service)(struct virtio_device *device, unsigned queue);
  /* Ends the device's own threads and frees its state. The worker has ended already. */
  void (*destroy)(struct virtio_device *device);
};

struct virtio_device {
  const struct virtio_kind *kind;
  void *state; /* the kind's own */
  const void *config;
  unsigned config_bytes;

  _Atomic uint32_t status;
  uint32_t device_features_select, driver_features_select, queue_select;
  uint64_t driver_features;
  struct virtqueue queues[VIRTIO_MAX_QUEUES];

  pthread_mutex_t interrupt_lock;
  uint32_t interrupt_status;
  void (*set_irq)(void *opaque, unsigned irq, bool level);
  void *opaque;
  unsigned irq;

  atomic_bool complained; /* one warning for each device: a guest must not fill the terminal */
  int notify_fd;
  pthread_t worker;
  atomic_bool stopping;
};

extern const struct mmio_handler virtio_mmio;

/* Takes ownership of `state`; `config` must live as long as the device. */
struct virtio_device *virtio_create(const struct virtio_kind *kind, void *state, const void *config,
                                    unsigned config_bytes, const struct guest_memory *memory);
/* Wires the interrupt and starts the worker. */
void virtio_start(struct virtio_device *device, unsigned irq,
                  void (*set_irq)(void *, unsigned, bool), void *opaque);
/* Ends the worker; the guest no longer runs. */
void virtio_destroy(struct virtio_device *device);

/* The driver has set the device up and it may use its queues. */
bool virtio_is_live(const struct virtio_device *device);
/* Tells the driver that a queue has used buffers, if it wants to know. Queue lock held. */
void virtio_used(struct virtio_device *device, unsigned queue);
/* To be called after pops: a queue that broke makes the device ask for a reset (2.1.2). */
void virtio_check_broken(struct virtio_device *device, unsigned queue);

#endif
