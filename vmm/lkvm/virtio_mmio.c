#include "virtio_mmio.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "log.h"

#define MAGIC 0x74726976 /* "virt" */
#define TRANSPORT_VERSION 2
#define VENDOR 0x4d56484b /* "KHVM" */
/* The status bits that a driver may set. */
#define DRIVER_STATUS_BITS                                                                         \
  (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_DRIVER_OK |              \
   VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_FAILED)

static uint64_t
offered_features(const struct virtio_device *device)
{
  return device->kind->features | UINT64_C(1) << VIRTIO_F_VERSION_1;
}

bool
virtio_is_live(const struct virtio_device *device)
{
  uint32_t status = atomic_load(&device->status);
  return (status & VIRTIO_CONFIG_S_DRIVER_OK) &&
         !(status & (VIRTIO_CONFIG_S_FAILED | VIRTIO_CONFIG_S_NEEDS_RESET));
}

static void
change_interrupt(struct virtio_device *device, uint32_t set, uint32_t clear)
{
  pthread_mutex_lock(&device->interrupt_lock);
  device->interrupt_status = (device->interrupt_status | set) & ~clear;
  if (device->set_irq)
    device->set_irq(device->opaque, device->irq, device->interrupt_status != 0);
  pthread_mutex_unlock(&device->interrupt_lock);
}

void
virtio_used(struct virtio_device *device, unsigned queue)
{
  if (virtqueue_wants_interrupt(&device->queues[queue]))
    change_interrupt(device, VIRTIO_MMIO_INT_VRING, 0);
}

void
virtio_check_broken(struct virtio_device *device, unsigned queue)
{
  if (!device->queues[queue].broken)
    return;
  if (!(atomic_fetch_or(&device->status, VIRTIO_CONFIG_S_NEEDS_RESET) &
        VIRTIO_CONFIG_S_NEEDS_RESET)) {
    if (!atomic_exchange(&device->complained, true))
      warning("%s: the guest broke the rules of queue %u; the device stops until it is reset",
              device->kind->name, queue);
    change_interrupt(device, VIRTIO_MMIO_INT_CONFIG, 0);
  }
}

/* With notifications off while there is work, a busy driver costs no VM exits. */
static void
service_queue(struct virtio_device *device, unsigned index)
{
  struct virtqueue *queue = &device->queues[index];
  bool quiet = device->kind->quiet_queues >> index & 1;

  pthread_mutex_lock(&queue->lock);
  while (virtio_is_live(device) && queue->ready && !queue->broken) {
    virtqueue_set_notify(queue, false);
    uint16_t before = queue->next_available;
    device->kind->service(device, index);
    virtio_check_broken(device, index);
    if (quiet || queue->broken)
      break;
    virtqueue_set_notify(queue, true);
    /* A device that leaves requests in the queue waits for something else than the driver. */
    if (queue->next_available == before || !virtqueue_has_work(queue))
      break;
  }
  pthread_mutex_unlock(&queue->lock);
}

static void *
worker_main(void *opaque)
{
  struct virtio_device *device = opaque;
  uint64_t notifications;
  while (read(device->notify_fd, &notifications, sizeof notifications) > 0) {
    if (atomic_load(&device->stopping))
      break;
    for (unsigned i = 0; i < device->kind->queue_count; i++)
      service_queue(device, i);
  }
  return NULL;
}

static void
notify(struct virtio_device *device)
{
  uint64_t one = 1;
  if (write(device->notify_fd, &one, sizeof one) < 0)
    warning("%s: cannot notify the worker", device->kind->name);
}

/* Section 2.4: everything back to the state of a new device. Waits for requests under way. */
static void
reset(struct virtio_device *device)
{
  atomic_store(&device->status, 0);
  for (unsigned i = 0; i < device->kind->queue_count; i++) {
    pthread_mutex_lock(&device->queues[i].lock);
    virtqueue_reset(&device->queues[i]);
    pthread_mutex_unlock(&device->queues[i].lock);
  }
  device->device_features_select = device->driver_features_select = device->queue_select = 0;
  device->driver_features = 0;
  change_interrupt(device, 0, ~UINT32_C(0));
}

static void
write_status(struct virtio_device *device, uint32_t value)
{
  if (value == 0) {
    reset(device);
    return;
  }
  value &= DRIVER_STATUS_BITS;
  /* Section 3.1.1: a device refuses features by leaving FEATURES_OK clear. */
  bool version_1 = device->driver_features >> VIRTIO_F_VERSION_1 & 1;
  if (!version_1 || (device->driver_features & ~offered_features(device)))
    value &= ~(uint32_t)(VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
  bool was_live = virtio_is_live(device);
  atomic_store(&device->status,
               value | (atomic_load(&device->status) & VIRTIO_CONFIG_S_NEEDS_RESET));
  /* Requests may have been queued before DRIVER_OK. */
  if (!was_live && virtio_is_live(device))
    notify(device);
}

static struct virtqueue *
selected_queue(struct virtio_device *device)
{
  return device->queue_select < device->kind->queue_count ? &device->queues[device->queue_select]
                                                          : NULL;
}

static void
set_low(uint64_t *address, uint32_t value)
{
  *address = (*address & ~UINT64_C(0xffffffff)) | value;
}

static void
set_high(uint64_t *address, uint32_t value)
{
  *address = (*address & UINT64_C(0xffffffff)) | (uint64_t)value << 32;
}

/* Queue registers are the driver's until it sets QueueReady, and then only QueueReady is. */
static void
write_queue_register(struct virtio_device *device, uint64_t offset, uint32_t value)
{
  struct virtqueue *queue = selected_queue(device);
  if (!queue)
    return;
  pthread_mutex_lock(&queue->lock);
  if (offset == VIRTIO_MMIO_QUEUE_READY) {
    if ((value & 1) && !queue->ready)
      virtqueue_enable(queue);
    else if (!(value & 1))
      queue->ready = false;
  } else if (!queue->ready) {
    switch (offset) {
    case VIRTIO_MMIO_QUEUE_NUM:
      queue->size = value;
      break;
    case VIRTIO_MMIO_QUEUE_DESC_LOW:
      set_low(&queue->descriptors, value);
      break;
    case VIRTIO_MMIO_QUEUE_DESC_HIGH:
      set_high(&queue->descriptors, value);
      break;
    case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
      set_low(&queue->driver, value);
      break;
    case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
      set_high(&queue->driver, value);
      break;
    case VIRTIO_MMIO_QUEUE_USED_LOW:
      set_low(&queue->device, value);
      break;
    case VIRTIO_MMIO_QUEUE_USED_HIGH:
      set_high(&queue->device, value);
      break;
    }
  }
  pthread_mutex_unlock(&queue->lock);
}

static uint32_t
read_register(struct virtio_device *device, uint64_t offset)
{
  const struct virtqueue *queue = selected_queue(device);
  switch (offset) {
  case VIRTIO_MMIO_MAGIC_VALUE:
    return MAGIC;
  case VIRTIO_MMIO_VERSION:
    return TRANSPORT_VERSION;
  case VIRTIO_MMIO_DEVICE_ID:
    return device->kind->device_id;
  case VIRTIO_MMIO_VENDOR_ID:
    return VENDOR;
  case VIRTIO_MMIO_DEVICE_FEATURES:
    return device->device_features_select < 2
               ? (uint32_t)(offered_features(device) >> (32 * device->device_features_select))
               : 0;
  case VIRTIO_MMIO_QUEUE_NUM_MAX:
    return queue ? VIRTQUEUE_MAX_SIZE : 0;
  case VIRTIO_MMIO_QUEUE_READY:
    return queue && queue->ready;
  case VIRTIO_MMIO_INTERRUPT_STATUS: {
    pthread_mutex_lock(&device->interrupt_lock);
    uint32_t status = device->interrupt_status;
    pthread_mutex_unlock(&device->interrupt_lock);
    return status;
  }
  case VIRTIO_MMIO_STATUS:
    return atomic_load(&device->status);
  case VIRTIO_MMIO_SHM_LEN_LOW:
  case VIRTIO_MMIO_SHM_LEN_HIGH:
    return UINT32_MAX; /* Section 4.2.2: no such shared memory region. */
  default:
    return 0; /* ConfigGeneration among them: the configuration never changes. */
  }
}

static void
write_register(struct virtio_device *device, uint64_t offset, uint32_t value)
{
  switch (offset) {
  case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
    device->device_features_select = value;
    break;
  case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
    device->driver_features_select = value;
    break;
  case VIRTIO_MMIO_DRIVER_FEATURES:
    /* Section 2.2.1: fixed once FEATURES_OK is set. */
    if (atomic_load(&device->status) & VIRTIO_CONFIG_S_FEATURES_OK)
      break;
    if (device->driver_features_select == 0)
      set_low(&device->driver_features, value);
    else if (device->driver_features_select == 1)
      set_high(&device->driver_features, value);
    break;
  case VIRTIO_MMIO_QUEUE_SEL:
    device->queue_select = value;
    break;
  case VIRTIO_MMIO_QUEUE_NOTIFY:
    notify(device);
    break;
  case VIRTIO_MMIO_INTERRUPT_ACK:
    change_interrupt(device, 0, value);
    break;
  case VIRTIO_MMIO_STATUS:
    write_status(device, value);
    break;
  default:
    write_queue_register(device, offset, value);
    break;
  }
}

static uint64_t
mmio_read(void *opaque, uint64_t offset, unsigned bytes)
{
  struct virtio_device *device = opaque;
  uint64_t value = 0;
  if (offset >= VIRTIO_MMIO_CONFIG) {
    offset -= VIRTIO_MMIO_CONFIG;
    if (offset < device->config_bytes && bytes <= device->config_bytes - offset)
      memcpy(&value, (const uint8_t *)device->config + offset, bytes);
    return value;
  }
  /* Section 4.2.2.2: registers are accessed as aligned 32-bit words. */
  return bytes == 4 && offset % 4 == 0 ? read_register(device, offset) : 0;
}

static void
mmio_write(void *opaque, uint64_t offset, unsigned bytes, uint64_t value)
{
  /* No kind of device here has configuration that the driver may change. */
  if (offset < VIRTIO_MMIO_CONFIG && bytes == 4 && offset % 4 == 0)
    write_register(opaque, offset, (uint32_t)value);
}

const struct mmio_handler virtio_mmio = {mmio_read, mmio_write};

struct virtio_device *
virtio_create(const struct virtio_kind *kind, void *state, const void *config,
              unsigned config_bytes, const struct guest_memory *memory)
{
  struct virtio_device *device = calloc(1, sizeof *device);
  int notify_fd = eventfd(0, EFD_CLOEXEC);
  if (!device || notify_fd < 0)
    fatal("Cannot create %s: out of memory or descriptors", kind->name);
  device->kind = kind;
  device->state = state;
  device->config = config;
  device->config_bytes = config_bytes;
  device->notify_fd = notify_fd;
  pthread_mutex_init(&device->interrupt_lock, NULL);
  for (unsigned i = 0; i < VIRTIO_MAX_QUEUES; i++)
    virtqueue_init(&device->queues[i], memory);
  return device;
}

void
virtio_start(struct virtio_device *device, unsigned irq, void (*set_irq)(void *, unsigned, bool),
             void *opaque)
{
  device->irq = irq;
  device->set_irq = set_irq;
  device->opaque = opaque;
  if (pthread_create(&device->worker, NULL, worker_main, device) != 0)
    fatal("Cannot create a thread for %s", device->kind->name);
}

void
virtio_destroy(struct virtio_device *device)
{
  if (device->set_irq) {
    atomic_store(&device->stopping, true);
    notify(device);
    pthread_join(device->worker, NULL);
  }
  device->kind->destroy(device);
  close(device->notify_fd);
  free(device);
}
