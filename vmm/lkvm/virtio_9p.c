/*
 * 9P transport (Virtual I/O Device 1.3, section 5.22): each request in the queue is one 9P
 * message, and its answer goes into the request's writable part. The server is ninep_server.c.
 */
#include <errno.h>
#include <linux/virtio_9p.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "ninep_server.h"
#include "virtio_devices.h"

#define MAX_TAG_BYTES 64

struct share {
  struct p9_server *server;
  /* struct virtio_9p_config: the length of the tag, then the tag without a terminating NUL. */
  struct {
    uint16_t tag_bytes;
    char tag[MAX_TAG_BYTES];
  } config;
};

static void
share_service(struct virtio_device *device, unsigned index)
{
  struct share *share = device->state;
  struct virtqueue *queue = &device->queues[index];
  struct virtqueue_chain chain;
  while (virtqueue_pop(queue, &chain)) {
    size_t written = p9_handle(share->server, chain.readable, chain.readable_count, chain.writable,
                               chain.writable_count);
    virtqueue_push(queue, chain.head, (uint32_t)written);
    /* At once for each: the next request may wait long for its file. */
    virtio_used(device, index);
  }
}

static void
share_destroy(struct virtio_device *device)
{
  struct share *share = device->state;
  p9_server_free(share->server);
  free(share);
}

static const struct virtio_kind share_kind = {
    .name = "virtio-9p",
    .device_id = VIRTIO_ID_9P,
    .features = UINT64_C(1) << VIRTIO_9P_MOUNT_TAG,
    .queue_count = 1,
    .service = share_service,
    .destroy = share_destroy,
};

struct virtio_device *
virtio_9p_create(const char *directory, const char *tag, bool read_only,
                 const struct guest_memory *memory)
{
  size_t tag_bytes = strlen(tag);
  struct share *share = calloc(1, sizeof *share);
  if (!share)
    fatal("Out of memory");
  if (tag_bytes > MAX_TAG_BYTES)
    fatal("The tag %s is longer than %d bytes", tag, MAX_TAG_BYTES);
  share->server = p9_server_new(directory, read_only);
  if (!share->server)
    fatal("Unable to share the directory %s: %s", directory, strerror(errno));
  share->config.tag_bytes = (uint16_t)tag_bytes;
  memcpy(share->config.tag, tag, tag_bytes);
  return virtio_create(&share_kind, share, &share->config,
                       (unsigned)(sizeof share->config.tag_bytes + tag_bytes), memory);
}
