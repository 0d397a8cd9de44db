/* Loading of kernels and initrds, good and bad; a refusal is one line and exit code 1. */
#include "image.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define BASE UINT64_C(0x80000000)
#define RAM_BYTES (32u << 20)

static struct guest_memory memory;
static char directory[] = "/tmp/lkvm-image-XXXXXX";
static char kernel[64], initrd[64];

static void
write_file(const char *path, const void *bytes, size_t count)
{
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  CHECK(fd >= 0 && write(fd, bytes, count) == (ssize_t)count);
  close(fd);
}

/* A kernel with these header fields and 1000 bytes of body. */
static void
write_kernel(uint64_t text_offset, uint64_t image_bytes, uint64_t flags, const char *magic2)
{
  uint8_t bytes[1064] = {0x13};
  memcpy(bytes + 8, &text_offset, 8);
  memcpy(bytes + 16, &image_bytes, 8);
  memcpy(bytes + 24, &flags, 8);
  memcpy(bytes + 56, magic2, 4);
  memset(bytes + 64, 0x5a, 1000);
  write_file(kernel, bytes, sizeof bytes);
}

/* Loads in a child process; `message` is what it must say on standard error. */
static void
expect_refusal(const char *kernel_path, const char *initrd_path, const char *message)
{
  int pipe_fds[2], status;
  char said[512] = "";
  CHECK(pipe(pipe_fds) == 0);
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    struct boot_layout layout;
    dup2(pipe_fds[1], STDERR_FILENO);
    image_load(&layout, &memory, kernel_path, initrd_path);
    _exit(0);
  }
  close(pipe_fds[1]);
  size_t length = 0;
  for (ssize_t got; (got = read(pipe_fds[0], said + length, sizeof said - 1 - length)) > 0;)
    length += (size_t)got;
  close(pipe_fds[0]);
  CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
  CHECK_EQUAL(1, WEXITSTATUS(status));
  CHECK(length > 0 && strchr(said, '\n') == said + length - 1);
  if (!strstr(said, message)) {
    fprintf(stderr, "said: %swanted: %s\n", said, message);
    exit(1);
  }
}

static void
a_good_kernel(void)
{
  struct boot_layout layout;
  write_kernel(0x200000, 0x300000, 0, "RSC\x05");
  image_load(&layout, &memory, kernel, NULL);
  CHECK_EQUAL(BASE + 0x200000, layout.kernel);
  CHECK_EQUAL(layout.initrd, layout.initrd_end);
  CHECK_EQUAL(BASE + RAM_BYTES - DEVICE_TREE_BYTES, layout.device_tree);
  CHECK(memory.host[0x200000] == 0x13 && memory.host[0x200000 + 1063] == 0x5a);
  CHECK_EQUAL(0, memory.host[0x200000 + 1064]);

  write_file(initrd, "initrd", 6);
  image_load(&layout, &memory, kernel, initrd);
  CHECK_EQUAL(BASE + 0x500000, layout.initrd);
  CHECK_EQUAL(6, layout.initrd_end - layout.initrd);
  CHECK(memcmp(memory.host + 0x500000, "initrd", 6) == 0);
}

static void
bad_kernels(void)
{
  expect_refusal("/nonexistent", NULL, "Unable to open kernel /nonexistent: No such file");
  expect_refusal(directory, NULL, "is not a file");
  write_file(kernel, "short", 5);
  expect_refusal(kernel, NULL, "is not a RISC-V Image: only 5 bytes");
  write_kernel(0x200000, 0x300000, 0, "ABCD");
  expect_refusal(kernel, NULL, "no magic number at offset 56");
  write_kernel(0x200000, 0x300000, 1, "RSC\x05");
  expect_refusal(kernel, NULL, "is big-endian: flags at offset 24");
  write_kernel(0x200001, 0x300000, 0, "RSC\x05");
  expect_refusal(kernel, NULL, "text_offset 0x200001 at offset 8");
  write_kernel(UINT64_MAX & ~UINT64_C(0xfff), 0x300000, 0, "RSC\x05");
  expect_refusal(kernel, NULL, "impossible place");
  write_kernel(0x200000, 1000, 0, "RSC\x05");
  expect_refusal(kernel, NULL, "image_size 1000 at offset 16, file 1064 bytes");
  write_kernel(0x200000, UINT64_MAX, 0, "RSC\x05");
  expect_refusal(kernel, NULL, "wrong size in its header");
  write_kernel(0x200000, 30u << 20, 0, "RSC\x05");
  expect_refusal(kernel, NULL, "Kernel of 30 MiB does not fit in 32 MiB: give the guest at least "
                               "-m 40");
  uint8_t other[100] = {0x1f, 0x8b};
  write_file(kernel, other, sizeof other);
  expect_refusal(kernel, NULL, "compressed with gzip");
  memcpy(other, "\x7f" "ELF", 4);
  write_file(kernel, other, sizeof other);
  expect_refusal(kernel, NULL, "is an ELF file");
}

static void
bad_initrds(void)
{
  uint8_t gzip[64] = {0x1f, 0x8b};
  uint32_t unpacked = 97u << 20;
  write_kernel(0x200000, 0x300000, 0, "RSC\x05");
  expect_refusal(kernel, "/nonexistent", "Unable to open initrd /nonexistent");
  memcpy(gzip + 60, &unpacked, 4);
  write_file(initrd, gzip, sizeof gzip);
  expect_refusal(kernel, initrd, "Kernel of 3 MiB and initrd of 1 MiB, which unpacks to 97 MiB, do "
                                 "not fit in 32 MiB: give the guest at least -m 111");
}

int
main(void)
{
  CHECK(mkdtemp(directory));
  snprintf(kernel, sizeof kernel, "%s/kernel", directory);
  snprintf(initrd, sizeof initrd, "%s/initrd", directory);
  uint8_t *ram = mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(ram != MAP_FAILED);
  memory = (struct guest_memory){ram, BASE, RAM_BYTES};
  a_good_kernel();
  bad_kernels();
  bad_initrds();
  unlink(kernel);
  unlink(initrd);
  rmdir(directory);
  return 0;
}
