/* Entropy device (Virtual I/O Device 1.2, section 5.4), fed from the host's getrandom(). */
#include <errno.h>
#include <linux/virtio_ids.h>
#include <sys/random.h>

#include "virtio_devices.h"

/* One request at a time gets at most this much: a guest cannot make the host work for gigabytes. */
#define REQUEST_LIMIT 4096

static uint32_t
fill(const struct virtqueue_chain *chain)
{
  uint8_t bytes[REQUEST_LIMIT];
  size_t wanted = chain->writable_bytes < sizeof bytes ? chain->writable_bytes : sizeof bytes;
  ssize_t got;
  do
    got = getrandom(bytes, wanted, 0);
  while (got < 0 && errno == EINTR);
  return got > 0 ? (uint32_t)iovec_write(chain->writable, chain->writable_count, 0, bytes,
                                         (size_t)got)
                 : 0;
}

static void
rng_service(struct virtio_device *device, unsigned index)
{
  struct virtqueue *queue = &device->queues[index];
  struct virtqueue_chain chain;
  bool any = false;
  while (virtqueue_pop(queue, &chain)) {
    virtqueue_push(queue, chain.head, fill(&chain));
    any = true;
  }
  if (any)
    virtio_used(device, index);
}

static void
rng_destroy(struct virtio_device *device)
{
  (void)device;
}

static const struct virtio_kind rng = {
    .name = "virtio-rng",
    .device_id = VIRTIO_ID_RNG,
    .queue_count = 1,
    .service = rng_service,
    .destroy = rng_destroy,
};

struct virtio_device *
virtio_rng_create(const struct guest_memory *memory)
{
  return virtio_create(&rng, NULL, NULL, 0, memory);
}
