/*
 * The virtqueue against well-behaved, careless and hostile drivers. RAM ends at an inaccessible
 * page, so that a step outside it ends the test.
 *   virtqueue_test [fuzz rounds]
 */
#include "virtqueue.h"

#include <linux/virtio_ring.h>
#include <sys/mman.h>

#include "check.h"

#define RAM_BYTES 0x10000
#define BASE UINT64_C(0x80000000)
#define SIZE 8
#define TABLE (BASE + 0x1000)
#define AVAILABLE (BASE + 0x2000)
#define USED (BASE + 0x3000)
#define BUFFERS (BASE + 0x4000)

static struct guest_memory memory;
static struct virtqueue queue;
static struct virtqueue_chain chain;

static void
map_memory(void)
{
  uint8_t *map = mmap(NULL, RAM_BYTES + 0x2000, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(map != MAP_FAILED);
  CHECK(mprotect(map + 0x1000, RAM_BYTES, PROT_READ | PROT_WRITE) == 0);
  memory = (struct guest_memory){map + 0x1000, BASE, RAM_BYTES};
}

static void
start(void)
{
  memset(memory.host, 0, RAM_BYTES);
  virtqueue_init(&queue, &memory);
  queue.size = SIZE;
  queue.descriptors = TABLE;
  queue.driver = AVAILABLE;
  queue.device = USED;
  CHECK(virtqueue_enable(&queue));
}

static void
describe(unsigned index, uint64_t address, uint32_t length, uint16_t flags, uint16_t next)
{
  struct vring_desc descriptor = {address, length, flags, next};
  memcpy(guest_at(&memory, TABLE + 16 * index, 16), &descriptor, 16);
}

static void
offer(uint16_t head)
{
  uint16_t *available = guest_at(&memory, AVAILABLE, 4 + 2 * SIZE);
  available[2 + available[1] % SIZE] = head;
  available[1]++;
}

static void
a_chain(void)
{
  start();
  memcpy(guest_at(&memory, BUFFERS, 5), "hello", 5);
  describe(2, BUFFERS, 3, VRING_DESC_F_NEXT, 5);
  describe(5, BUFFERS + 3, 2, VRING_DESC_F_NEXT, 1);
  describe(1, BUFFERS + 0x100, 4, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 0);
  describe(0, BUFFERS + 0x200, 4, VRING_DESC_F_WRITE, 0);
  CHECK(!virtqueue_has_work(&queue));
  CHECK(!virtqueue_pop(&queue, &chain));
  offer(2);
  CHECK(virtqueue_has_work(&queue));
  CHECK(virtqueue_pop(&queue, &chain));
  CHECK_EQUAL(2, chain.head);
  CHECK_EQUAL(2, chain.readable_count);
  CHECK_EQUAL(2, chain.writable_count);
  CHECK_EQUAL(5, chain.readable_bytes);
  CHECK_EQUAL(8, chain.writable_bytes);

  char text[6] = "";
  CHECK_EQUAL(5, iovec_read(chain.readable, 2, 0, text, 5));
  CHECK_TEXT("hello", text);
  CHECK_EQUAL(3, iovec_read(chain.readable, 2, 2, text, 5));
  CHECK_EQUAL(0, iovec_read(chain.readable, 2, 9, text, 5));
  CHECK_EQUAL(5, iovec_write(chain.writable, 2, 3, "world", 6));
  CHECK(memcmp(guest_at(&memory, BUFFERS + 0x103, 1), "w", 1) == 0);
  CHECK(memcmp(guest_at(&memory, BUFFERS + 0x200, 4), "orld", 4) == 0);

  virtqueue_push(&queue, chain.head, 8);
  const uint16_t *used_index = guest_at(&memory, USED + 2, 2);
  const uint32_t *used_element = guest_at(&memory, USED + 4, 8);
  CHECK_EQUAL(1, *used_index);
  CHECK_EQUAL(2, used_element[0]);
  CHECK_EQUAL(8, used_element[1]);
  CHECK(!virtqueue_pop(&queue, &chain));
}

/* The ring indices are free-running 16-bit numbers. */
static void
wrap_around(void)
{
  start();
  describe(0, BUFFERS, 1, VRING_DESC_F_WRITE, 0);
  for (int i = 0; i < 70000; i++) {
    offer(0);
    CHECK(virtqueue_pop(&queue, &chain));
    virtqueue_push(&queue, 0, 1);
  }
  CHECK_EQUAL(70000 % 65536, queue.next_used);
  CHECK(!queue.broken);
}

static void
suppression(void)
{
  start();
  uint16_t *available_flags = guest_at(&memory, AVAILABLE, 2);
  const uint16_t *used_flags = guest_at(&memory, USED, 2);
  CHECK(virtqueue_wants_interrupt(&queue));
  *available_flags = VRING_AVAIL_F_NO_INTERRUPT;
  CHECK(!virtqueue_wants_interrupt(&queue));
  virtqueue_set_notify(&queue, false);
  CHECK_EQUAL(VRING_USED_F_NO_NOTIFY, *used_flags);
  virtqueue_set_notify(&queue, true);
  CHECK_EQUAL(0, *used_flags);
}

static void
skipping(void)
{
  char text[] = "abcdefgh";
  struct iovec parts[] = {{text, 3}, {text + 3, 0}, {text + 3, 5}};
  struct iovec *list = parts;
  int count = 3;
  iovec_skip(&list, &count, 4);
  CHECK_EQUAL(1, count);
  CHECK(list->iov_base == text + 4 && list->iov_len == 4);
  iovec_skip(&list, &count, 4);
  CHECK_EQUAL(0, count);
}

static void
expect_broken(void)
{
  offer(0);
  CHECK(!virtqueue_pop(&queue, &chain));
  CHECK(queue.broken);
  CHECK(!virtqueue_has_work(&queue));
  CHECK(!virtqueue_pop(&queue, &chain));
  virtqueue_reset(&queue);
  CHECK(!queue.broken && !queue.ready);
}

static void
broken_chains(void)
{
  start(); /* An address below, beyond, and across the end of RAM; and one that wraps. */
  describe(0, BASE - 1, 1, 0, 0);
  expect_broken();
  start();
  describe(0, BASE + RAM_BYTES, 1, 0, 0);
  expect_broken();
  start();
  describe(0, BASE + RAM_BYTES - 4, 5, VRING_DESC_F_WRITE, 0);
  expect_broken();
  start();
  describe(0, UINT64_MAX, UINT32_MAX, 0, 0);
  expect_broken();
  start(); /* A loop. */
  describe(0, BUFFERS, 1, VRING_DESC_F_NEXT, 1);
  describe(1, BUFFERS, 1, VRING_DESC_F_NEXT, 0);
  expect_broken();
  start(); /* A next index beyond the table. */
  describe(0, BUFFERS, 1, VRING_DESC_F_NEXT, SIZE);
  expect_broken();
  start(); /* Readable after writable. */
  describe(0, BUFFERS, 1, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 1);
  describe(1, BUFFERS, 1, 0, 0);
  expect_broken();
  start(); /* An indirect table, which is not offered. */
  describe(0, BUFFERS, 16, VRING_DESC_F_INDIRECT, 0);
  expect_broken();
  start(); /* More requests than the ring holds, each of them good. */
  describe(0, BUFFERS, 1, 0, 0);
  *(uint16_t *)guest_at(&memory, AVAILABLE + 2, 2) = SIZE + 1;
  CHECK(!virtqueue_pop(&queue, &chain));
  CHECK(queue.broken);
  start(); /* A head beyond the table. */
  offer(SIZE);
  CHECK(!virtqueue_pop(&queue, &chain));
  CHECK(queue.broken);
}

static bool
enable(uint32_t size, uint64_t descriptors, uint64_t driver, uint64_t device)
{
  virtqueue_reset(&queue);
  queue.size = size;
  queue.descriptors = descriptors;
  queue.driver = driver;
  queue.device = device;
  return virtqueue_enable(&queue);
}

static void
bad_configurations(void)
{
  start();
  CHECK(!enable(0, TABLE, AVAILABLE, USED));
  CHECK(!enable(3, TABLE, AVAILABLE, USED));
  CHECK(!enable(2 * VIRTQUEUE_MAX_SIZE, TABLE, AVAILABLE, USED));
  CHECK(!enable(8, TABLE + 8, AVAILABLE, USED));
  CHECK(!enable(8, TABLE, AVAILABLE + 1, USED));
  CHECK(!enable(8, TABLE, AVAILABLE, USED + 2));
  CHECK(!enable(8, 0, AVAILABLE, USED));
  CHECK(!enable(8, TABLE, BASE + RAM_BYTES - 8, USED));
  CHECK(!enable(8, TABLE, AVAILABLE, BASE + RAM_BYTES - 64));
  CHECK(!enable(8, BASE + RAM_BYTES - 112, AVAILABLE, USED));
  CHECK(enable(8, BASE + RAM_BYTES - 128, AVAILABLE, USED));
  CHECK(enable(VIRTQUEUE_MAX_SIZE, TABLE, AVAILABLE, USED));
}

/* A 64-bit number that is often near something that matters. */
static uint64_t
biased(uint64_t *random)
{
  static const uint64_t edges[] = {0, BASE, BASE + RAM_BYTES, TABLE, AVAILABLE, USED, UINT64_MAX};
  uint64_t bits = next_random(random);
  if (bits % 4 == 0)
    return next_random(random);
  if (bits % 4 == 1)
    return BASE + (bits >> 8) % RAM_BYTES;
  return edges[(bits >> 4) % 7] + (bits >> 16) % 65 - 32;
}

/* Random rings: every buffer of every chain must lie in RAM, and chains end. */
static void
fuzz(unsigned rounds)
{
  uint64_t random = 0x600d5eed;
  for (unsigned round = 0; round < rounds; round++) {
    uint32_t size = 1u << (next_random(&random) % 10);
    if (!enable(size, next_random(&random) % 3 ? TABLE : biased(&random) & ~UINT64_C(15),
                next_random(&random) % 3 ? AVAILABLE : biased(&random) & ~UINT64_C(1),
                next_random(&random) % 3 ? USED : biased(&random) & ~UINT64_C(3)))
      continue;
    for (unsigned i = 0; i < 24; i++) {
      struct vring_desc descriptor = {
          .addr = biased(&random),
          .len = next_random(&random) % 4 ? next_random(&random) % 64 : (uint32_t)biased(&random),
          .flags = (uint16_t)(next_random(&random) % 16 ? next_random(&random) % 4
                                                        : next_random(&random)),
          .next = (uint16_t)(next_random(&random) % 8 ? next_random(&random) % size
                                                      : next_random(&random)),
      };
      uint8_t *slot = guest_at(&memory, queue.descriptors + 16 * (next_random(&random) % size), 16);
      CHECK(slot);
      memcpy(slot, &descriptor, 16);
    }
    for (unsigned i = 0; i < RAM_BYTES / 64; i++)
      memory.host[next_random(&random) % 0x4000] ^= (uint8_t)next_random(&random);
    uint16_t index = (uint16_t)(next_random(&random) % (size + 2));
    memcpy(queue.available + 2, &index, 2);

    for (unsigned pops = 0; virtqueue_pop(&queue, &chain); pops++) {
      CHECK(pops < 0x10000);
      CHECK(chain.readable_count + chain.writable_count <= (int)size);
      for (int i = 0; i < chain.readable_count; i++)
        CHECK((uint8_t *)chain.readable[i].iov_base >= memory.host &&
              (uint8_t *)chain.readable[i].iov_base + chain.readable[i].iov_len <=
                  memory.host + RAM_BYTES);
      for (int i = 0; i < chain.writable_count; i++) {
        CHECK((uint8_t *)chain.writable[i].iov_base >= memory.host &&
              (uint8_t *)chain.writable[i].iov_base + chain.writable[i].iov_len <=
                  memory.host + RAM_BYTES);
        memset(chain.writable[i].iov_base, (int)round, chain.writable[i].iov_len);
      }
      virtqueue_push(&queue, chain.head, (uint32_t)chain.writable_bytes);
    }
  }
}

int
main(int argc, char **argv)
{
  map_memory();
  a_chain();
  wrap_around();
  suppression();
  skipping();
  broken_chains();
  bad_configurations();
  fuzz(argc > 1 ? (unsigned)atoi(argv[1]) : 20000);
  return 0;
}
