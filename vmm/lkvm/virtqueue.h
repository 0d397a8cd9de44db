/*
 * A split virtqueue (Virtual I/O Device 1.2, section 2.7), the device's side.
 *
 * The rings lie in guest RAM and the guest may write anything there at any time. Each value is
 * read once into a local, then checked; whatever breaks the rules marks the queue broken, and it
 * stays silent until the driver resets the device.
 */
#ifndef LKVM_VIRTQUEUE_H
#define LKVM_VIRTQUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "guest_memory.h"

#define VIRTQUEUE_MAX_SIZE 256

struct virtqueue {
  pthread_mutex_t lock; /* held by whoever pops or pushes */
  const struct guest_memory *memory;

  /* As the driver set them up; guest physical addresses. */
  uint32_t size;
  uint64_t descriptors, driver, device;
  bool ready;

  /* The same rings in this process, valid while ready. */
  const uint8_t *descriptor_table;
  uint8_t *available;
  uint8_t *used;

  uint16_t next_available;
  uint16_t next_used;
  bool broken;
};

/* One request: what the driver wrote for the device, and room for what the device answers. */
struct virtqueue_chain {
  uint16_t head;
  int readable_count, writable_count;
  struct iovec readable[VIRTQUEUE_MAX_SIZE];
  struct iovec writable[VIRTQUEUE_MAX_SIZE];
  size_t readable_bytes, writable_bytes;
};

void virtqueue_init(struct virtqueue *queue, const struct guest_memory *memory);
/* Back to the state after virtqueue_init. */
void virtqueue_reset(struct virtqueue *queue);
/* The driver says the addresses are final. False if size, alignment or place is not acceptable. */
bool virtqueue_enable(struct virtqueue *queue);

/* Takes the next request. False if there is none or the queue is broken. */
bool virtqueue_pop(struct virtqueue *queue, struct virtqueue_chain *chain);
/* Whether virtqueue_pop would find a request. */
bool virtqueue_has_work(const struct virtqueue *queue);
/* Returns a request to the driver, `written` bytes of its writable part being filled. */
void virtqueue_push(struct virtqueue *queue, uint16_t head, uint32_t written);
/* Whether the driver asks for an interrupt after pushes. */
bool virtqueue_wants_interrupt(const struct virtqueue *queue);
/* Tells the driver whether it needs to notify the device of new requests. */
void virtqueue_set_notify(struct virtqueue *queue, bool wanted);

/* Copies out of, or into, a list of buffers, from `offset` on; returns how many bytes fitted. */
size_t iovec_read(const struct iovec *list, int count, size_t offset, void *to, size_t bytes);
size_t iovec_write(const struct iovec *list, int count, size_t offset, const void *from,
                   size_t bytes);
/* Drops the first `bytes` of the list, in place. */
void iovec_skip(struct iovec **list, int *count, size_t bytes);

#endif
