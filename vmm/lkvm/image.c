#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

/* Header of a RISC-V Linux Image (Linux, Documentation/arch/riscv/boot-image-header.rst). */
struct image_header {
  uint32_t code[2];
  uint64_t text_offset;
  uint64_t image_bytes;
  uint64_t flags;
  uint32_t version;
  uint32_t reserved[3];
  char magic[8];
  char magic2[4];
  uint32_t reserved2;
};

#define MAGIC2 "RSC\x05"
#define BIG_ENDIAN_FLAG 1
#define MIB (1ull << 20)
#define PAGE_BYTES 4096
/* What a booting Linux needs besides its image and its initrd. */
#define BREATHING_BYTES (8 * MIB)

static uint64_t
align_up(uint64_t value, uint64_t to)
{
  return (value + to - 1) & ~(to - 1);
}

static unsigned long long
mib_up(uint64_t bytes)
{
  return (bytes + MIB - 1) / MIB;
}

/* Opens a regular file and tells its size. */
static int
open_file(const char *what, const char *path, uint64_t *bytes)
{
  struct stat status;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &status) < 0)
    fatal("Unable to open %s %s: %s", what, path, strerror(errno));
  if (!S_ISREG(status.st_mode))
    fatal("The %s %s is not a file", what, path);
  *bytes = (uint64_t)status.st_size;
  return fd;
}

static void
read_exactly(int fd, const char *path, void *to, uint64_t bytes, uint64_t offset)
{
  uint8_t *at = to;
  while (bytes > 0) {
    ssize_t got = pread(fd, at, bytes, (off_t)offset);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      fatal("Unable to read %s at offset %llu: %s", path, (unsigned long long)offset,
            got < 0 ? strerror(errno) : "the file ends early");
    at += got;
    offset += (uint64_t)got;
    bytes -= (uint64_t)got;
  }
}

static void
check_header(const struct image_header *header, const char *path, uint64_t file_bytes)
{
  const uint8_t *first = (const uint8_t *)header;
  if (first[0] == 0x1f && first[1] == 0x8b)
    fatal("Kernel %s is compressed with gzip: decompress it first", path);
  if (memcmp(first, "\x7f" "ELF", 4) == 0)
    fatal("Kernel %s is an ELF file: give arch/riscv/boot/Image instead", path);
  if (memcmp(header->magic2, MAGIC2, 4) != 0)
    fatal("Kernel %s is not a RISC-V Image: no magic number at offset 56", path);
  if (header->flags & BIG_ENDIAN_FLAG)
    fatal("Kernel %s is big-endian: flags at offset 24", path);
  if (header->text_offset % PAGE_BYTES || header->text_offset > 64 * MIB)
    fatal("Kernel %s asks for an impossible place: text_offset 0x%llx at offset 8", path,
          (unsigned long long)header->text_offset);
  if (header->image_bytes < file_bytes || header->image_bytes > UINT32_MAX)
    fatal("Kernel %s has a wrong size in its header: image_size %llu at offset 16, file %llu bytes",
          path, (unsigned long long)header->image_bytes, (unsigned long long)file_bytes);
}

/* What an initrd takes once unpacked: gzip notes it at its end, modulo 2^32 (RFC 1952, 2.3.1). */
static uint64_t
unpacked_bytes(int fd, const char *path, uint64_t file_bytes)
{
  uint8_t magic[2], size[4];
  if (file_bytes < 18)
    return file_bytes;
  read_exactly(fd, path, magic, sizeof magic, 0);
  if (magic[0] != 0x1f || magic[1] != 0x8b)
    return file_bytes;
  read_exactly(fd, path, size, sizeof size, file_bytes - sizeof size);
  return (uint64_t)size[0] | (uint64_t)size[1] << 8 | (uint64_t)size[2] << 16 |
         (uint64_t)size[3] << 24;
}

void
image_load(struct boot_layout *layout, const struct guest_memory *memory, const char *kernel_path,
           const char *initrd_path)
{
  struct image_header header;
  uint64_t kernel_bytes, initrd_bytes = 0, unpacked = 0;
  int kernel_fd = open_file("kernel", kernel_path, &kernel_bytes);
  int initrd_fd = initrd_path ? open_file("initrd", initrd_path, &initrd_bytes) : -1;

  if (kernel_bytes < sizeof header)
    fatal("Kernel %s is not a RISC-V Image: only %llu bytes", kernel_path,
          (unsigned long long)kernel_bytes);
  read_exactly(kernel_fd, kernel_path, &header, sizeof header, 0);
  check_header(&header, kernel_path, kernel_bytes);

  /* Kernel, then initrd; the device tree in the last 64 KiB, out of everything's way. */
  layout->kernel = memory->base + header.text_offset;
  uint64_t kernel_end = layout->kernel + header.image_bytes;
  layout->initrd = align_up(kernel_end, PAGE_BYTES);
  if (initrd_path)
    unpacked = unpacked_bytes(initrd_fd, initrd_path, initrd_bytes);
  layout->initrd_end = layout->initrd + initrd_bytes;

  uint64_t needed = layout->initrd_end - memory->base + unpacked + BREATHING_BYTES;
  if (needed > memory->bytes) {
    if (initrd_path)
      fatal("Kernel of %llu MiB and initrd of %llu MiB, which unpacks to %llu MiB, do not fit in "
            "%llu MiB: give the guest at least -m %llu",
            mib_up(header.image_bytes), mib_up(initrd_bytes), mib_up(unpacked),
            memory->bytes / MIB + 0ull, mib_up(needed));
    fatal("Kernel of %llu MiB does not fit in %llu MiB: give the guest at least -m %llu",
          mib_up(header.image_bytes), memory->bytes / MIB + 0ull, mib_up(needed));
  }
  layout->device_tree = memory->base + memory->bytes - DEVICE_TREE_BYTES;

  read_exactly(kernel_fd, kernel_path, guest_at(memory, layout->kernel, kernel_bytes),
               kernel_bytes, 0);
  close(kernel_fd);
  if (initrd_path) {
    read_exactly(initrd_fd, initrd_path, guest_at(memory, layout->initrd, initrd_bytes),
                 initrd_bytes, 0);
    close(initrd_fd);
  }
}
