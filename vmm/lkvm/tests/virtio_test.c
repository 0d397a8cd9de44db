/*
 * The virtio transport and the devices that need no other module, driven through their registers
 * and rings as a guest's driver does; then by a driver gone wild.
 *   virtio_test [fuzz rounds]
 */
#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "virtio_devices.h"

#define RAM_BYTES 0x40000
#define BASE UINT64_C(0x80000000)
#define SIZE 8
/* Each queue's rings, then buffers. */
#define TABLE(queue) (BASE + 0x1000 + 0x3000 * (queue))
#define AVAILABLE(queue) (TABLE(queue) + 0x1000)
#define USED(queue) (TABLE(queue) + 0x2000)
#define BUFFERS (BASE + 0x10000)
#define ALL_STATUS                                                                                 \
  (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK |            \
   VIRTIO_CONFIG_S_DRIVER_OK)

static struct guest_memory memory;
static struct virtio_device *device;
static _Atomic bool irq;

static void
set_irq(void *opaque, unsigned number, bool level)
{
  CHECK(opaque == &memory && number == 9);
  irq = level;
}

static uint32_t
get(unsigned offset)
{
  return (uint32_t)virtio_mmio.read(device, offset, 4);
}

static void
put(unsigned offset, uint32_t value)
{
  virtio_mmio.write(device, offset, 4, value);
}

static void
set_up_queue(unsigned queue)
{
  put(VIRTIO_MMIO_QUEUE_SEL, queue);
  CHECK_EQUAL(VIRTQUEUE_MAX_SIZE, get(VIRTIO_MMIO_QUEUE_NUM_MAX));
  CHECK_EQUAL(0, get(VIRTIO_MMIO_QUEUE_READY));
  put(VIRTIO_MMIO_QUEUE_NUM, SIZE);
  put(VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)TABLE(queue));
  put(VIRTIO_MMIO_QUEUE_DESC_HIGH, 0);
  put(VIRTIO_MMIO_QUEUE_AVAIL_LOW, (uint32_t)AVAILABLE(queue));
  put(VIRTIO_MMIO_QUEUE_AVAIL_HIGH, 0);
  put(VIRTIO_MMIO_QUEUE_USED_LOW, (uint32_t)USED(queue));
  put(VIRTIO_MMIO_QUEUE_USED_HIGH, 0);
  put(VIRTIO_MMIO_QUEUE_READY, 1);
  CHECK_EQUAL(1, get(VIRTIO_MMIO_QUEUE_READY));
}

/* Section 3.1.1, step by step. */
static void
initialize(struct virtio_device *new_device, uint32_t id)
{
  memset(memory.host, 0, RAM_BYTES);
  irq = false;
  device = new_device;
  virtio_start(device, 9, set_irq, &memory);
  CHECK_EQUAL(0x74726976, get(VIRTIO_MMIO_MAGIC_VALUE));
  CHECK_EQUAL(2, get(VIRTIO_MMIO_VERSION));
  CHECK_EQUAL(id, get(VIRTIO_MMIO_DEVICE_ID));
  put(VIRTIO_MMIO_STATUS, 0);
  put(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE);
  put(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
  for (unsigned half = 0; half < 2; half++) {
    put(VIRTIO_MMIO_DEVICE_FEATURES_SEL, half);
    put(VIRTIO_MMIO_DRIVER_FEATURES_SEL, half);
    put(VIRTIO_MMIO_DRIVER_FEATURES, get(VIRTIO_MMIO_DEVICE_FEATURES));
  }
  put(VIRTIO_MMIO_STATUS, ALL_STATUS & ~(uint32_t)VIRTIO_CONFIG_S_DRIVER_OK);
  CHECK(get(VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_FEATURES_OK);
  for (unsigned queue = 0; queue < device->kind->queue_count; queue++)
    set_up_queue(queue);
  put(VIRTIO_MMIO_STATUS, ALL_STATUS);
  CHECK_EQUAL(ALL_STATUS, get(VIRTIO_MMIO_STATUS));
}

static void
describe(unsigned queue, unsigned index, uint64_t address, uint32_t length, uint16_t flags)
{
  struct vring_desc descriptor = {address, length, flags, (uint16_t)(index + 1)};
  memcpy(guest_at(&memory, TABLE(queue) + 16 * index, 16), &descriptor, 16);
}

static void
offer(unsigned queue, uint16_t head)
{
  uint16_t *available = guest_at(&memory, AVAILABLE(queue), 4 + 2 * SIZE);
  uint16_t index = available[1];
  available[2 + index % SIZE] = head;
  __atomic_store_n(&available[1], (uint16_t)(index + 1), __ATOMIC_RELEASE);
  put(VIRTIO_MMIO_QUEUE_NOTIFY, queue);
}

/* Waits for the device to return everything; gives the last used element's length. */
static uint32_t
wait_used(unsigned queue)
{
  const uint16_t *available = guest_at(&memory, AVAILABLE(queue), 4);
  const uint16_t *used = guest_at(&memory, USED(queue), 4);
  for (int i = 0; __atomic_load_n(&used[1], __ATOMIC_ACQUIRE) != available[1]; i++) {
    CHECK(i < 20000);
    nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
  }
  const uint32_t *elements = guest_at(&memory, USED(queue) + 4, 8 * SIZE);
  return elements[2 * ((uint16_t)(used[1] - 1) % SIZE) + 1];
}

static void
wait_irq(void)
{
  for (int i = 0; !irq; i++) {
    CHECK(i < 20000);
    nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
  }
}

static void
negotiation(void)
{
  device = virtio_rng_create(&memory);
  virtio_start(device, 9, set_irq, &memory);
  /* A driver without VIRTIO_F_VERSION_1 is refused, and so is one that wants too much. */
  put(VIRTIO_MMIO_STATUS, ALL_STATUS);
  CHECK(!(get(VIRTIO_MMIO_STATUS) & (VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK)));
  put(VIRTIO_MMIO_STATUS, 0);
  put(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
  put(VIRTIO_MMIO_DRIVER_FEATURES, 3);
  put(VIRTIO_MMIO_STATUS, ALL_STATUS);
  CHECK(!(get(VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_FEATURES_OK));
  put(VIRTIO_MMIO_DRIVER_FEATURES, 1);
  put(VIRTIO_MMIO_STATUS, ALL_STATUS);
  CHECK_EQUAL(ALL_STATUS, get(VIRTIO_MMIO_STATUS));
  /* Features are fixed from then on. */
  put(VIRTIO_MMIO_DRIVER_FEATURES, 0);
  put(VIRTIO_MMIO_STATUS, ALL_STATUS);
  CHECK_EQUAL(ALL_STATUS, get(VIRTIO_MMIO_STATUS));
  put(VIRTIO_MMIO_STATUS, 0);
  CHECK_EQUAL(0, get(VIRTIO_MMIO_STATUS));
  /* A queue that does not exist. */
  put(VIRTIO_MMIO_QUEUE_SEL, 7);
  CHECK_EQUAL(0, get(VIRTIO_MMIO_QUEUE_NUM_MAX));
  put(VIRTIO_MMIO_QUEUE_NUM, 8);
  put(VIRTIO_MMIO_QUEUE_READY, 1);
  CHECK_EQUAL(0, get(VIRTIO_MMIO_QUEUE_READY));
  virtio_destroy(device);
}

static void
entropy(void)
{
  static const uint8_t zeros[64];
  initialize(virtio_rng_create(&memory), VIRTIO_ID_RNG);
  describe(0, 0, BUFFERS, 64, VRING_DESC_F_WRITE);
  offer(0, 0);
  CHECK_EQUAL(64, wait_used(0));
  CHECK(memcmp(guest_at(&memory, BUFFERS, 64), zeros, 64) != 0);
  wait_irq();
  CHECK_EQUAL(VIRTIO_MMIO_INT_VRING, get(VIRTIO_MMIO_INTERRUPT_STATUS));
  put(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
  CHECK(!irq);
  CHECK_EQUAL(0, get(VIRTIO_MMIO_INTERRUPT_STATUS));
  virtio_destroy(device);
}

static void
a_broken_queue_asks_for_reset(void)
{
  initialize(virtio_rng_create(&memory), VIRTIO_ID_RNG);
  describe(0, 0, BASE - 64, 64, VRING_DESC_F_WRITE);
  offer(0, 0);
  wait_irq();
  CHECK_EQUAL(VIRTIO_MMIO_INT_CONFIG, get(VIRTIO_MMIO_INTERRUPT_STATUS));
  CHECK(get(VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET);
  put(VIRTIO_MMIO_STATUS, 0);
  CHECK(!irq);
  CHECK_EQUAL(0, get(VIRTIO_MMIO_STATUS));
  CHECK_EQUAL(0, get(VIRTIO_MMIO_QUEUE_READY));
  virtio_destroy(device);
}

/* -- Disk ----------------------------------------------------------------------------------- */

static char disk_path[] = "/tmp/lkvm-disk-XXXXXX";

static void
make_disk(void)
{
  int fd = mkstemp(disk_path);
  CHECK(fd >= 0);
  for (unsigned sector = 0; sector < 16; sector++) {
    uint8_t bytes[512];
    memset(bytes, (int)sector, sizeof bytes);
    CHECK(write(fd, bytes, sizeof bytes) == sizeof bytes);
  }
  close(fd);
}

/* One request: header, data in two pieces, status. Returns the status. */
static uint8_t
disk_request(uint32_t type, uint64_t sector, uint32_t first, uint32_t second, bool to_disk)
{
  struct virtio_blk_outhdr header = {.type = type, .sector = sector};
  uint16_t direction = to_disk ? 0 : VRING_DESC_F_WRITE;
  uint8_t *status = guest_at(&memory, BUFFERS + 0x10000, 1);
  memcpy(guest_at(&memory, BUFFERS + 0x11000, sizeof header), &header, sizeof header);
  *status = 0xee;
  describe(0, 0, BUFFERS + 0x11000, sizeof header, VRING_DESC_F_NEXT);
  describe(0, 1, BUFFERS, first, VRING_DESC_F_NEXT | direction);
  describe(0, 2, BUFFERS + first, second, VRING_DESC_F_NEXT | direction);
  describe(0, 3, BUFFERS + 0x10000, 1, VRING_DESC_F_WRITE);
  offer(0, 0);
  wait_used(0);
  return *status;
}

static void
disk(void)
{
  initialize(virtio_blk_create(disk_path, false, &memory), VIRTIO_ID_BLOCK);
  uint8_t *data = guest_at(&memory, BUFFERS, 0x2000);
  CHECK_EQUAL(16, virtio_mmio.read(device, VIRTIO_MMIO_CONFIG, 8));
  CHECK_EQUAL(0, virtio_mmio.read(device, VIRTIO_MMIO_CONFIG + 0x80, 8));

  CHECK_EQUAL(VIRTIO_BLK_S_OK, disk_request(VIRTIO_BLK_T_IN, 3, 100, 924, false));
  CHECK(data[0] == 3 && data[511] == 3 && data[512] == 4 && data[1023] == 4 && data[1024] == 0);
  memset(data, 0xaa, 1024);
  CHECK_EQUAL(VIRTIO_BLK_S_OK, disk_request(VIRTIO_BLK_T_OUT, 14, 1000, 24, true));
  memset(data, 0, 1024);
  CHECK_EQUAL(VIRTIO_BLK_S_OK, disk_request(VIRTIO_BLK_T_IN, 15, 512, 0, false));
  CHECK(data[0] == 0xaa && data[511] == 0xaa);
  CHECK_EQUAL(VIRTIO_BLK_S_OK, disk_request(VIRTIO_BLK_T_FLUSH, 0, 0, 0, true));

  /* Beyond the end, across it, not whole sectors, a wrapping sector, an unknown request. */
  CHECK_EQUAL(VIRTIO_BLK_S_IOERR, disk_request(VIRTIO_BLK_T_IN, 16, 512, 0, false));
  CHECK_EQUAL(VIRTIO_BLK_S_IOERR, disk_request(VIRTIO_BLK_T_IN, 15, 512, 512, false));
  CHECK_EQUAL(VIRTIO_BLK_S_IOERR, disk_request(VIRTIO_BLK_T_OUT, 15, 512, 512, true));
  CHECK_EQUAL(VIRTIO_BLK_S_IOERR, disk_request(VIRTIO_BLK_T_IN, 0, 100, 0, false));
  CHECK_EQUAL(VIRTIO_BLK_S_IOERR, disk_request(VIRTIO_BLK_T_IN, UINT64_MAX, 512, 0, false));
  CHECK_EQUAL(VIRTIO_BLK_S_UNSUPP, disk_request(0x77, 0, 512, 0, false));

  /* No room for the status: nothing the driver could ever learn. */
  describe(0, 0, BUFFERS, 16, 0);
  offer(0, 0);
  wait_irq();
  for (int i = 0; !(get(VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET); i++) {
    CHECK(i < 20000);
    nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
  }
  virtio_destroy(device);
}

static void
read_only_disk(void)
{
  initialize(virtio_blk_create(disk_path, true, &memory), VIRTIO_ID_BLOCK);
  put(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
  CHECK(get(VIRTIO_MMIO_DEVICE_FEATURES) & 1u << VIRTIO_BLK_F_RO);
  CHECK_EQUAL(VIRTIO_BLK_S_IOERR, disk_request(VIRTIO_BLK_T_OUT, 0, 512, 0, true));
  CHECK_EQUAL(VIRTIO_BLK_S_OK, disk_request(VIRTIO_BLK_T_IN, 0, 512, 0, false));
  virtio_destroy(device);
}

/* -- Console -------------------------------------------------------------------------------- */

static char printed[64];

static void
transmit(void *opaque, const void *bytes, size_t count)
{
  CHECK(opaque == printed);
  strncat(printed, bytes, count);
}

static void *
type_hello(void *opaque)
{
  (void)opaque;
  virtio_console_receive(device, (const uint8_t *)"hello", 5);
  return NULL;
}

static void
console(void)
{
  pthread_t typist;
  initialize(virtio_console_create(transmit, printed, &memory), VIRTIO_ID_CONSOLE);
  memcpy(guest_at(&memory, BUFFERS, 3), "abc", 3);
  describe(1, 0, BUFFERS, 3, 0);
  offer(1, 0);
  wait_used(1);
  CHECK_TEXT("abc", printed);

  /* The typist waits until there are buffers: here one too short, then another. */
  pthread_create(&typist, NULL, type_hello, NULL);
  describe(0, 0, BUFFERS, 2, VRING_DESC_F_WRITE);
  offer(0, 0);
  CHECK_EQUAL(2, wait_used(0));
  describe(0, 1, BUFFERS + 2, 16, VRING_DESC_F_WRITE);
  offer(0, 1);
  CHECK_EQUAL(3, wait_used(0));
  pthread_join(typist, NULL);
  CHECK(memcmp(guest_at(&memory, BUFFERS, 5), "hello", 5) == 0);

  pthread_create(&typist, NULL, type_hello, NULL);
  virtio_console_close(device);
  pthread_join(typist, NULL);
  virtio_destroy(device);
}

/* -- A driver gone wild --------------------------------------------------------------------- */

/* Random registers, random rings, resets at any time: it must neither crash nor hang. */
static void
storm(struct virtio_device *new_device, uint64_t seed)
{
  static const uint32_t values[] = {0, 1, 2, 3, 7, 8, 15, 256, 0x80000000, 0xffffffff};
  uint64_t random = seed * 0x9e3779b97f4a7c15 | 1;
  device = new_device;
  virtio_start(device, 9, set_irq, &memory);
  for (unsigned i = 0; i < 2000; i++) {
    uint64_t bits = next_random(&random);
    uint32_t value = bits & 1 ? values[bits >> 8 & 7] : (uint32_t)(BASE + (bits >> 20) % RAM_BYTES);
    unsigned offset = (unsigned)(bits >> 40) & 0x1fc;
    switch (bits >> 60) {
    case 0:
      virtio_mmio.read(device, offset, 1u << (bits >> 50 & 3));
      break;
    case 1:
      for (unsigned k = 0; k < 64; k++)
        memory.host[next_random(&random) % RAM_BYTES] = (uint8_t)next_random(&random);
      break;
    default:
      put(offset, value);
    }
  }
  virtio_destroy(device);
}

/* The same, but each time from a device that is set up. */
static void
live_storm(struct virtio_device *new_device, uint32_t id, uint64_t seed)
{
  uint64_t random = seed | 1;
  initialize(new_device, id);
  for (unsigned round = 0; round < 40; round++) {
    for (unsigned queue = 0; queue < device->kind->queue_count; queue++) {
      for (unsigned i = 0; i < SIZE; i++)
        describe(queue, i, BUFFERS + next_random(&random) % 0x30400,
                 (uint32_t)(next_random(&random) % 1200), (uint16_t)(next_random(&random) % 4));
      offer(queue, (uint16_t)(next_random(&random) % SIZE));
    }
    if (get(VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET)
      break;
  }
  virtio_destroy(device);
}

static void
drop(void *opaque, const void *bytes, size_t count)
{
  (void)opaque, (void)bytes, (void)count;
}

int
main(int argc, char **argv)
{
  unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 150;
  uint8_t *map = mmap(NULL, RAM_BYTES + 0x2000, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(map != MAP_FAILED);
  CHECK(mprotect(map + 0x1000, RAM_BYTES, PROT_READ | PROT_WRITE) == 0);
  memory = (struct guest_memory){map + 0x1000, BASE, RAM_BYTES};

  make_disk();
  negotiation();
  entropy();
  a_broken_queue_asks_for_reset();
  disk();
  read_only_disk();
  console();
  CHECK(freopen("/dev/null", "w", stderr)); /* The wild driver earns warnings. */
  for (unsigned i = 0; i < rounds; i++) {
    storm(virtio_rng_create(&memory), i);
    storm(virtio_blk_create(disk_path, false, &memory), i);
    live_storm(virtio_blk_create(disk_path, false, &memory), VIRTIO_ID_BLOCK, i * 77);
    live_storm(virtio_console_create(drop, NULL, &memory), VIRTIO_ID_CONSOLE, i * 99);
  }
  unlink(disk_path);
  return 0;
}
