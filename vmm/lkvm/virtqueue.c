#include "virtqueue.h"

#include <linux/virtio_ring.h>
#include <stdatomic.h>
#include <string.h>

/* Guest and host are both little-endian, as the rings are: no conversion below. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "virtio rings are little-endian");

#define DESCRIPTOR_BYTES 16
#define RING_FLAGS 0
#define RING_INDEX 2
#define RING_ENTRIES 4
#define AVAILABLE_ENTRY_BYTES 2
#define USED_ENTRY_BYTES 8

static uint16_t
load16(const uint8_t *at)
{
  return __atomic_load_n((const uint16_t *)(const void *)at, __ATOMIC_ACQUIRE);
}

static void
store16(uint8_t *at, uint16_t value)
{
  __atomic_store_n((uint16_t *)(void *)at, value, __ATOMIC_RELEASE);
}

/* Atomic loads: the compiler must not look at guest memory again after the checks. */
static struct vring_desc
load_descriptor(const struct virtqueue *queue, uint16_t index)
{
  const uint64_t *from = (const void *)(queue->descriptor_table + index * DESCRIPTOR_BYTES);
  uint64_t words[2];
  struct vring_desc descriptor;
  words[0] = __atomic_load_n(&from[0], __ATOMIC_RELAXED);
  words[1] = __atomic_load_n(&from[1], __ATOMIC_RELAXED);
  memcpy(&descriptor, words, sizeof descriptor);
  return descriptor;
}

void
virtqueue_init(struct virtqueue *queue, const struct guest_memory *memory)
{
  memset(queue, 0, sizeof *queue);
  pthread_mutex_init(&queue->lock, NULL);
  queue->memory = memory;
}

void
virtqueue_reset(struct virtqueue *queue)
{
  queue->size = 0;
  queue->descriptors = queue->driver = queue->device = 0;
  queue->ready = queue->broken = false;
  queue->descriptor_table = NULL;
  queue->available = queue->used = NULL;
  queue->next_available = queue->next_used = 0;
}

bool
virtqueue_enable(struct virtqueue *queue)
{
  uint32_t size = queue->size;
  if (size == 0 || size > VIRTQUEUE_MAX_SIZE || (size & (size - 1)))
    return false;
  /* Section 2.7: alignment of the three parts. */
  if (queue->descriptors % 16 || queue->driver % 2 || queue->device % 4)
    return false;
  /* Each ring ends with two bytes for VIRTIO_F_EVENT_IDX, present whether negotiated or not. */
  queue->descriptor_table =
      guest_at(queue->memory, queue->descriptors, (uint64_t)size * DESCRIPTOR_BYTES);
  queue->available = guest_at(queue->memory, queue->driver,
                              RING_ENTRIES + (uint64_t)size * AVAILABLE_ENTRY_BYTES + 2);
  queue->used = guest_at(queue->memory, queue->device,
                         RING_ENTRIES + (uint64_t)size * USED_ENTRY_BYTES + 2);
  queue->ready = queue->descriptor_table && queue->available && queue->used;
  queue->next_available = queue->next_used = 0;
  return queue->ready;
}

bool
virtqueue_has_work(const struct virtqueue *queue)
{
  return queue->ready && !queue->broken &&
         load16(queue->available + RING_INDEX) != queue->next_available;
}

/* Adds one buffer to its side of the chain. */
static bool
add_buffer(const struct virtqueue *queue, struct virtqueue_chain *chain,
           const struct vring_desc *descriptor)
{
  void *host = guest_at(queue->memory, descriptor->addr, descriptor->len);
  struct iovec buffer = {.iov_base = host, .iov_len = descriptor->len};
  if (!host)
    return false;
  if (descriptor->flags & VRING_DESC_F_WRITE) {
    chain->writable[chain->writable_count++] = buffer;
    chain->writable_bytes += buffer.iov_len;
    return true;
  }
  /* Section 2.7.4.2: device-readable buffers come before device-writable ones. */
  if (chain->writable_count > 0)
    return false;
  chain->readable[chain->readable_count++] = buffer;
  chain->readable_bytes += buffer.iov_len;
  return true;
}

/* Follows the chain from `head`. No chain is longer than the table, so a loop is noticed. */
static bool
collect_chain(const struct virtqueue *queue, uint16_t head, struct virtqueue_chain *chain)
{
  uint16_t index = head;
  chain->head = head;
  chain->readable_count = chain->writable_count = 0;
  chain->readable_bytes = chain->writable_bytes = 0;

  for (uint32_t length = 0; length < queue->size; length++) {
    if (index >= queue->size)
      return false;
    struct vring_desc descriptor = load_descriptor(queue, index);
    /* Indirect tables are not offered, so a driver must not use them (section 2.7.5.3.1). */
    if (descriptor.flags & VRING_DESC_F_INDIRECT)
      return false;
    if (!add_buffer(queue, chain, &descriptor))
      return false;
    if (!(descriptor.flags & VRING_DESC_F_NEXT))
      return true;
    index = descriptor.next;
  }
  return false;
}

bool
virtqueue_pop(struct virtqueue *queue, struct virtqueue_chain *chain)
{
  if (!queue->ready || queue->broken)
    return false;
  uint16_t waiting = (uint16_t)(load16(queue->available + RING_INDEX) - queue->next_available);
  if (waiting == 0)
    return false;
  if (waiting > queue->size) {
    queue->broken = true;
    return false;
  }
  uint32_t slot = queue->next_available % queue->size;
  uint16_t head = load16(queue->available + RING_ENTRIES + slot * AVAILABLE_ENTRY_BYTES);
  if (!collect_chain(queue, head, chain)) {
    queue->broken = true;
    return false;
  }
  queue->next_available++;
  return true;
}

void
virtqueue_push(struct virtqueue *queue, uint16_t head, uint32_t written)
{
  struct vring_used_elem element = {.id = head, .len = written};
  uint8_t *slot =
      queue->used + RING_ENTRIES + (queue->next_used % queue->size) * (size_t)USED_ENTRY_BYTES;
  memcpy(slot, &element, sizeof element);
  store16(queue->used + RING_INDEX, ++queue->next_used);
}

bool
virtqueue_wants_interrupt(const struct virtqueue *queue)
{
  /* The used index must be visible before the flag is read, or a wake-up could be lost. */
  atomic_thread_fence(memory_order_seq_cst);
  return !(load16(queue->available + RING_FLAGS) & VRING_AVAIL_F_NO_INTERRUPT);
}

void
virtqueue_set_notify(struct virtqueue *queue, bool wanted)
{
  store16(queue->used + RING_FLAGS, wanted ? 0 : VRING_USED_F_NO_NOTIFY);
  /* Likewise: the flag before the next look at the available index. */
  atomic_thread_fence(memory_order_seq_cst);
}

enum direction { OUT_OF_LIST, INTO_LIST };

static size_t
iovec_copy(const struct iovec *list, int count, size_t offset, uint8_t *buffer, size_t bytes,
           enum direction direction)
{
  size_t copied = 0;
  for (int i = 0; i < count && copied < bytes; i++) {
    if (offset >= list[i].iov_len) {
      offset -= list[i].iov_len;
      continue;
    }
    uint8_t *at = (uint8_t *)list[i].iov_base + offset;
    size_t part = list[i].iov_len - offset;
    if (part > bytes - copied)
      part = bytes - copied;
    if (direction == INTO_LIST)
      memcpy(at, buffer + copied, part);
    else
      memcpy(buffer + copied, at, part);
    copied += part;
    offset = 0;
  }
  return copied;
}

size_t
iovec_read(const struct iovec *list, int count, size_t offset, void *to, size_t bytes)
{
  return iovec_copy(list, count, offset, to, bytes, OUT_OF_LIST);
}

size_t
iovec_write(const struct iovec *list, int count, size_t offset, const void *from, size_t bytes)
{
  return iovec_copy(list, count, offset, (uint8_t *)(uintptr_t)from, bytes, INTO_LIST);
}

void
iovec_skip(struct iovec **list, int *count, size_t bytes)
{
  while (*count > 0 && bytes >= (*list)->iov_len) {
    bytes -= (*list)->iov_len;
    (*list)++;
    (*count)--;
  }
  if (*count > 0) {
    (*list)->iov_base = (uint8_t *)(*list)->iov_base + bytes;
    (*list)->iov_len -= bytes;
  }
}
