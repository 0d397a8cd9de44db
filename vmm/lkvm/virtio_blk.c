/*
 * Block device (Virtual I/O Device 1.2, section 5.2) on an image file or a host block device.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "virtio_devices.h"

#define SECTOR_BYTES 512

struct blk {
  int fd;
  bool read_only;
  uint64_t sectors;
  struct virtio_blk_config config;
};

/* [sector, sector + bytes) lies on the disk, and bytes is a whole number of sectors. */
static bool
is_on_disk(const struct blk *blk, uint64_t sector, uint64_t bytes)
{
  return bytes % SECTOR_BYTES == 0 && sector <= blk->sectors &&
         bytes / SECTOR_BYTES <= blk->sectors - sector;
}

/* preadv and pwritev may do less than asked. */
static bool
transfer(int fd, struct iovec *list, int count, uint64_t offset, bool write_to_disk)
{
  while (count > 0) {
    if (list->iov_len == 0) {
      list++;
      count--;
      continue;
    }
    ssize_t done = write_to_disk ? pwritev(fd, list, count, (off_t)offset)
                                 : preadv(fd, list, count, (off_t)offset);
    if (done < 0 && errno == EINTR)
      continue;
    if (done <= 0)
      return false;
    offset += (uint64_t)done;
    iovec_skip(&list, &count, (size_t)done);
  }
  return true;
}

static uint8_t
get_identity(struct virtqueue_chain *chain, uint32_t *written)
{
  char identity[VIRTIO_BLK_ID_BYTES] = "lkvm-disk";
  if (chain->writable_bytes < sizeof identity + 1)
    return VIRTIO_BLK_S_IOERR;
  *written = (uint32_t)iovec_write(chain->writable, chain->writable_count, 0, identity,
                                   sizeof identity);
  return VIRTIO_BLK_S_OK;
}

/* Does one request; the status byte is the last writable one. Returns bytes written before it. */
static uint8_t
execute(struct blk *blk, struct virtqueue_chain *chain, uint32_t *written)
{
  struct virtio_blk_outhdr header;
  if (iovec_read(chain->readable, chain->readable_count, 0, &header, sizeof header) !=
      sizeof header)
    return VIRTIO_BLK_S_IOERR;
  uint64_t out_bytes = chain->readable_bytes - sizeof header;
  uint64_t in_bytes = chain->writable_bytes - 1;

  switch (header.type) {
  case VIRTIO_BLK_T_IN: {
    if (!is_on_disk(blk, header.sector, in_bytes))
      return VIRTIO_BLK_S_IOERR;
    struct iovec list[VIRTQUEUE_MAX_SIZE];
    memcpy(list, chain->writable, (size_t)chain->writable_count * sizeof *list);
    /* The status byte ends the last buffer that is not empty. */
    int last = chain->writable_count - 1;
    while (list[last].iov_len == 0)
      last--;
    list[last].iov_len--;
    if (!transfer(blk->fd, list, last + 1, header.sector * SECTOR_BYTES, false))
      return VIRTIO_BLK_S_IOERR;
    *written = (uint32_t)in_bytes;
    return VIRTIO_BLK_S_OK;
  }
  case VIRTIO_BLK_T_OUT: {
    if (blk->read_only || !is_on_disk(blk, header.sector, out_bytes))
      return VIRTIO_BLK_S_IOERR;
    struct iovec *list = chain->readable;
    int count = chain->readable_count;
    iovec_skip(&list, &count, sizeof header);
    return transfer(blk->fd, list, count, header.sector * SECTOR_BYTES, true) ? VIRTIO_BLK_S_OK
                                                                              : VIRTIO_BLK_S_IOERR;
  }
  case VIRTIO_BLK_T_FLUSH:
    return fdatasync(blk->fd) == 0 ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
  case VIRTIO_BLK_T_GET_ID:
    return get_identity(chain, written);
  default:
    return VIRTIO_BLK_S_UNSUPP;
  }
}

static void
blk_service(struct virtio_device *device, unsigned index)
{
  struct virtqueue *queue = &device->queues[index];
  struct virtqueue_chain chain;
  bool any = false;

  while (virtqueue_pop(queue, &chain)) {
    uint32_t written = 0;
    if (chain.writable_bytes == 0) {
      queue->broken = true; /* No place for the status: the driver would never learn of it. */
      break;
    }
    uint8_t status = execute(device->state, &chain, &written);
    iovec_write(chain.writable, chain.writable_count, chain.writable_bytes - 1, &status, 1);
    virtqueue_push(queue, chain.head, written + 1);
    any = true;
  }
  if (any)
    virtio_used(device, index);
}

static void
blk_destroy(struct virtio_device *device)
{
  struct blk *blk = device->state;
  close(blk->fd);
  free(blk);
}

static const struct virtio_kind read_write_disk = {
    .name = "virtio-blk",
    .device_id = VIRTIO_ID_BLOCK,
    .features = UINT64_C(1) << VIRTIO_BLK_F_SEG_MAX | UINT64_C(1) << VIRTIO_BLK_F_FLUSH,
    .queue_count = 1,
    .service = blk_service,
    .destroy = blk_destroy,
};

static const struct virtio_kind read_only_disk = {
    .name = "virtio-blk",
    .device_id = VIRTIO_ID_BLOCK,
    .features = UINT64_C(1) << VIRTIO_BLK_F_SEG_MAX | UINT64_C(1) << VIRTIO_BLK_F_FLUSH |
                UINT64_C(1) << VIRTIO_BLK_F_RO,
    .queue_count = 1,
    .service = blk_service,
    .destroy = blk_destroy,
};

static bool
disk_bytes(int fd, uint64_t *bytes)
{
  struct stat status;
  if (fstat(fd, &status) < 0)
    return false;
  if (S_ISBLK(status.st_mode))
    return ioctl(fd, BLKGETSIZE64, bytes) == 0;
  *bytes = (uint64_t)status.st_size;
  return S_ISREG(status.st_mode);
}

struct virtio_device *
virtio_blk_create(const char *path, bool read_only, const struct guest_memory *memory)
{
  uint64_t bytes = 0;
  int fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
  if (fd < 0)
    fatal("Unable to open disk image %s: %s", path, strerror(errno));
  if (!disk_bytes(fd, &bytes))
    fatal("Disk image %s is neither a file nor a block device", path);
  if (bytes < SECTOR_BYTES)
    fatal("Disk image %s is smaller than one sector", path);

  struct blk *blk = calloc(1, sizeof *blk);
  if (!blk)
    fatal("Out of memory");
  blk->fd = fd;
  blk->read_only = read_only;
  blk->sectors = bytes / SECTOR_BYTES;
  blk->config.capacity = blk->sectors;
  blk->config.seg_max = VIRTQUEUE_MAX_SIZE - 2;
  return virtio_create(read_only ? &read_only_disk : &read_write_disk, blk, &blk->config,
                       sizeof blk->config, memory);
}
