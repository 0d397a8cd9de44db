/* The kinds of virtio devices. Each constructor ends the program with a message if it cannot. */
#ifndef LKVM_VIRTIO_DEVICES_H
#define LKVM_VIRTIO_DEVICES_H

#include "virtio_mmio.h"

struct virtio_device *virtio_blk_create(const char *path, bool read_only,
                                        const struct guest_memory *memory);
struct virtio_device *virtio_rng_create(const struct guest_memory *memory);
struct virtio_device *virtio_9p_create(const char *directory, const char *tag, bool read_only,
                                       const struct guest_memory *memory);
struct virtio_device *virtio_net_create(const struct guest_memory *memory);

/* `transmit` receives what the guest prints. */
struct virtio_device *virtio_console_create(void (*transmit)(void *opaque, const void *bytes,
                                                             size_t count),
                                            void *opaque, const struct guest_memory *memory);
/* Types on the guest's console; waits while the guest has no room. Any thread. */
void virtio_console_receive(struct virtio_device *device, const uint8_t *bytes, size_t count);
/* Ends any wait in virtio_console_receive, for good. */
void virtio_console_close(struct virtio_device *device);

#endif
