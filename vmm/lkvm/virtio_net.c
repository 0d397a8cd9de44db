/*
 * Network device (Virtual I/O Device 1.2, section 5.1) without offloads: each buffer holds a
 * virtio_net_hdr and one Ethernet frame. At the other end of the wire is netstack.c.
 */
#include <errno.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "netstack.h"
#include "virtio_devices.h"

enum { RECEIVE_QUEUE, TRANSMIT_QUEUE };

/* With VIRTIO_F_VERSION_1 the header always has num_buffers (section 5.1.6.1). */
#define HEADER_BYTES sizeof(struct virtio_net_hdr_v1)

struct net {
  struct netstack *stack;
  uint8_t mac[6]; /* the whole of the configuration that is offered */
};

/* A frame for the guest: from the stack's thread, or from within netstack_input(). */
static void
deliver(void *opaque, const void *frame, size_t length)
{
  struct virtio_device *device = opaque;
  struct virtqueue *queue = &device->queues[RECEIVE_QUEUE];
  struct virtqueue_chain chain;

  pthread_mutex_lock(&queue->lock);
  if (virtio_is_live(device) && virtqueue_pop(queue, &chain)) {
    struct virtio_net_hdr_v1 header = {.num_buffers = 1};
    uint32_t written = 0;
    /* A buffer too small for the frame comes back empty, and the frame is lost. */
    if (chain.writable_bytes >= HEADER_BYTES + length) {
      iovec_write(chain.writable, chain.writable_count, 0, &header, HEADER_BYTES);
      iovec_write(chain.writable, chain.writable_count, HEADER_BYTES, frame, length);
      written = (uint32_t)(HEADER_BYTES + length);
    }
    virtqueue_push(queue, chain.head, written);
    virtio_used(device, RECEIVE_QUEUE);
  }
  virtio_check_broken(device, RECEIVE_QUEUE);
  pthread_mutex_unlock(&queue->lock);
}

static void
send_all(struct virtio_device *device)
{
  struct net *net = device->state;
  struct virtqueue *queue = &device->queues[TRANSMIT_QUEUE];
  struct virtqueue_chain chain;
  uint8_t frame[NETSTACK_FRAME_BYTES];
  bool any = false;

  while (virtqueue_pop(queue, &chain)) {
    size_t length = chain.readable_bytes - HEADER_BYTES;
    if (chain.readable_bytes > HEADER_BYTES && length <= sizeof frame) {
      iovec_read(chain.readable, chain.readable_count, HEADER_BYTES, frame, length);
      netstack_input(net->stack, frame, length);
    }
    virtqueue_push(queue, chain.head, 0);
    any = true;
  }
  if (any)
    virtio_used(device, TRANSMIT_QUEUE);
}

static void
net_service(struct virtio_device *device, unsigned index)
{
  if (index == TRANSMIT_QUEUE)
    send_all(device);
}

static void
net_destroy(struct virtio_device *device)
{
  struct net *net = device->state;
  netstack_free(net->stack);
  free(net);
}

static const struct virtio_kind net_kind = {
    .name = "virtio-net",
    .device_id = VIRTIO_ID_NET,
    .features = UINT64_C(1) << VIRTIO_NET_F_MAC,
    .queue_count = 2,
    .quiet_queues = 1u << RECEIVE_QUEUE,
    .service = net_service,
    .destroy = net_destroy,
};

struct virtio_device *
virtio_net_create(const struct guest_memory *memory)
{
  struct netstack_config config;
  struct net *net = calloc(1, sizeof *net);
  if (!net)
    fatal("Out of memory");
  netstack_config_init(&config);
  netstack_find_resolver("/etc/resolv.conf", &config.dns);
  memcpy(net->mac, config.guest_mac, sizeof net->mac);

  struct virtio_device *device = virtio_create(&net_kind, net, net->mac, sizeof net->mac, memory);
  net->stack = netstack_new(&config, deliver, device);
  if (!net->stack)
    fatal("Unable to start the user-mode network: %s", strerror(errno));
  return device;
}
