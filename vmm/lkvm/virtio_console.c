/* Console device (Virtual I/O Device 1.2, section 5.3) with one port and no control queue. */
#include <linux/virtio_ids.h>
#include <stdlib.h>

#include "log.h"
#include "virtio_devices.h"

enum { RECEIVE_QUEUE, TRANSMIT_QUEUE };

struct console {
  void (*transmit)(void *opaque, const void *bytes, size_t count);
  void *opaque;
  /* With the receive queue's lock: signalled when the driver may have added buffers. */
  pthread_cond_t room;
  bool closed;
};

static void
print_all(struct virtio_device *device, struct virtqueue *queue)
{
  const struct console *console = device->state;
  struct virtqueue_chain chain;
  bool any = false;
  while (virtqueue_pop(queue, &chain)) {
    for (int i = 0; i < chain.readable_count; i++)
      console->transmit(console->opaque, chain.readable[i].iov_base,
                        chain.readable[i].iov_len);
    virtqueue_push(queue, chain.head, 0);
    any = true;
  }
  if (any)
    virtio_used(device, TRANSMIT_QUEUE);
}

static void
console_service(struct virtio_device *device, unsigned index)
{
  struct console *console = device->state;
  if (index == RECEIVE_QUEUE)
    pthread_cond_broadcast(&console->room);
  else
    print_all(device, &device->queues[index]);
}

void
virtio_console_receive(struct virtio_device *device, const uint8_t *bytes, size_t count)
{
  struct console *console = device->state;
  struct virtqueue *queue = &device->queues[RECEIVE_QUEUE];
  struct virtqueue_chain chain;

  pthread_mutex_lock(&queue->lock);
  while (count > 0 && !console->closed) {
    if (!virtio_is_live(device) || !virtqueue_pop(queue, &chain)) {
      virtio_check_broken(device, RECEIVE_QUEUE);
      pthread_cond_wait(&console->room, &queue->lock);
      continue;
    }
    size_t written = iovec_write(chain.writable, chain.writable_count, 0, bytes, count);
    virtqueue_push(queue, chain.head, (uint32_t)written);
    virtio_used(device, RECEIVE_QUEUE);
    bytes += written;
    count -= written;
  }
  pthread_mutex_unlock(&queue->lock);
}

void
virtio_console_close(struct virtio_device *device)
{
  struct console *console = device->state;
  struct virtqueue *queue = &device->queues[RECEIVE_QUEUE];
  pthread_mutex_lock(&queue->lock);
  console->closed = true;
  pthread_cond_broadcast(&console->room);
  pthread_mutex_unlock(&queue->lock);
}

static void
console_destroy(struct virtio_device *device)
{
  free(device->state);
}

static const struct virtio_kind console_kind = {
    .name = "virtio-console",
    .device_id = VIRTIO_ID_CONSOLE,
    .queue_count = 2,
    .service = console_service,
    .destroy = console_destroy,
};

struct virtio_device *
virtio_console_create(void (*transmit)(void *opaque, const void *bytes, size_t count),
                      void *opaque, const struct guest_memory *memory)
{
  struct console *console = calloc(1, sizeof *console);
  if (!console)
    fatal("Out of memory");
  console->transmit = transmit;
  console->opaque = opaque;
  pthread_cond_init(&console->room, NULL);
  return virtio_create(&console_kind, console, NULL, 0, memory);
}
