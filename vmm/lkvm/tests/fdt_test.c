/*
 * The device tree writer and the guest's tree, read back by a small independent walker, and by
 * dtc, which must find nothing to complain about, if the machine has it.
 */
#include "board_fdt.h"

#include <endian.h>
#include <stdbool.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "fdt.h"
#include "platform.h"

extern char **environ;

static uint8_t blob[DEVICE_TREE_BYTES];
static struct fdt fdt;

static uint32_t
cell_at(size_t offset)
{
  uint32_t value;
  memcpy(&value, blob + offset, sizeof value);
  return be32toh(value);
}

/* Finds a property by "/node/node:property"; NULL if there is none. */
static const uint8_t *
find(const char *wanted, uint32_t *bytes)
{
  char path[256] = "";
  size_t at = cell_at(8), strings = cell_at(12);
  for (;;) {
    uint32_t token = cell_at(at);
    at += 4;
    if (token == 1) {
      const char *name = (const char *)blob + at;
      if (*name) {
        strcat(path, "/");
        strcat(path, name);
      }
      at += (strlen(name) + 4) & ~(size_t)3;
    } else if (token == 2) {
      char *slash = strrchr(path, '/');
      if (slash)
        *slash = '\0';
    } else if (token == 3) {
      char full[320];
      *bytes = cell_at(at);
      snprintf(full, sizeof full, "%s:%s", path, (const char *)blob + strings + cell_at(at + 4));
      if (strcmp(full, wanted) == 0)
        return blob + at + 8;
      at += 8 + ((*bytes + 3) & ~3u);
    } else {
      CHECK_EQUAL(9, token);
      return NULL;
    }
  }
}

static const char *
text(const char *path)
{
  uint32_t bytes;
  const uint8_t *value = find(path, &bytes);
  return value && bytes > 0 && value[bytes - 1] == '\0' ? (const char *)value : "(none)";
}

static uint32_t
cell(const char *path, unsigned index)
{
  uint32_t bytes, value;
  const uint8_t *found = find(path, &bytes);
  CHECK(found && bytes >= 4 * (index + 1));
  memcpy(&value, found + 4 * index, 4);
  return be32toh(value);
}

static void
writer(void)
{
  uint32_t bytes;
  fdt_start(&fdt);
  fdt_open(&fdt, "");
  fdt_string(&fdt, "text", "abcd");
  fdt_open_at(&fdt, "node", 0x1234567890);
  fdt_u64(&fdt, "big", 0x1122334455667788);
  fdt_cell(&fdt, "text", 7);
  fdt_empty(&fdt, "flag");
  fdt_close(&fdt);
  fdt_close(&fdt);
  size_t total = fdt_finish(&fdt, 0, blob, sizeof blob);
  CHECK(total > 0);
  CHECK_EQUAL(0xd00dfeed, cell_at(0));
  CHECK_EQUAL(total, cell_at(4));
  CHECK_EQUAL(17, cell_at(20));
  CHECK_EQUAL(strlen("text big flag") + 1, cell_at(32)); /* "text" is stored once */
  CHECK_TEXT("abcd", text(":text"));
  CHECK_EQUAL(0x11223344, cell("/node@1234567890:big", 0));
  CHECK_EQUAL(0x55667788, cell("/node@1234567890:big", 1));
  CHECK_EQUAL(7, cell("/node@1234567890:text", 0));
  CHECK(find("/node@1234567890:flag", &bytes) && bytes == 0);
}

static void
what_does_not_fit(void)
{
  static char long_text[FDT_STRUCTURE_BYTES + 1];
  fdt_start(&fdt);
  fdt_open(&fdt, "");
  CHECK_EQUAL(0, fdt_finish(&fdt, 0, blob, sizeof blob)); /* a node left open */
  fdt_close(&fdt);
  CHECK_EQUAL(0, fdt_finish(&fdt, 0, blob, 40));
  CHECK(fdt_finish(&fdt, 0, blob, sizeof blob) > 0);

  memset(long_text, 'x', FDT_STRUCTURE_BYTES);
  fdt_start(&fdt);
  fdt_open(&fdt, "");
  fdt_string(&fdt, "text", long_text);
  fdt_close(&fdt);
  CHECK_EQUAL(0, fdt_finish(&fdt, 0, blob, sizeof blob));

  fdt_start(&fdt);
  fdt_open(&fdt, "");
  for (int i = 0; i < 1000; i++) {
    char name[32];
    snprintf(name, sizeof name, "property-%d", i);
    fdt_empty(&fdt, name);
  }
  fdt_close(&fdt);
  CHECK_EQUAL(0, fdt_finish(&fdt, 0, blob, sizeof blob));
}

static size_t
write_board(unsigned cpus, unsigned virtio_devices)
{
  static const uint64_t bases[] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};
  static const unsigned irqs[] = {3, 4, 6, 7};
  static struct isa isa = {.mmu_type = "riscv,sv57", .timebase_hz = 10000000,
                           .cboz_block_bytes = 64};
  static const struct boot_layout layout = {.initrd = 0x80800000, .initrd_end = 0x80900000};
  memset(isa.string, 'z', 400);
  memcpy(isa.string, "rv64imafdc_", 11);
  struct board board = {cpus, &isa, 1ull << 32, "console=ttyS0", &layout, bases, irqs,
                        virtio_devices};
  return board_fdt_write(&board, blob, sizeof blob);
}

static void
the_board(void)
{
  uint32_t bytes;
  CHECK(write_board(2, 3) > 0);
  CHECK_TEXT("linux,dummy-virt", text(":compatible"));
  CHECK_TEXT("console=ttyS0", text("/chosen:bootargs"));
  CHECK_EQUAL(0x80800000, cell("/chosen:linux,initrd-start", 1));
  CHECK_EQUAL(0x80900000, cell("/chosen:linux,initrd-end", 1));
  CHECK_EQUAL(RAM_BASE, cell("/memory@80000000:reg", 1));
  CHECK_EQUAL(1, cell("/memory@80000000:reg", 2));
  CHECK_EQUAL(0, cell("/memory@80000000:reg", 3));
  CHECK_EQUAL(10000000, cell("/cpus:timebase-frequency", 0));
  CHECK_TEXT("riscv,sv57", text("/cpus/cpu@1:mmu-type"));
  CHECK_EQUAL(64, cell("/cpus/cpu@0:riscv,cboz-block-size", 0));
  CHECK(!find("/cpus/cpu@0:riscv,cbom-block-size", &bytes));
  CHECK(!find("/cpus/cpu@2:reg", &bytes));
  CHECK_TEXT("/smb/U6_16550A@3f8", text("/aliases:serial0"));
  CHECK_EQUAL(0x2e8, cell("/smb/U6_16550A@2e8:reg", 1));
  CHECK_EQUAL(7, cell("/smb/U6_16550A@2e8:interrupts", 0));
  CHECK_EQUAL(VIRTIO_FIRST_IRQ + 2, cell("/smb/virtio@10022000:interrupts", 0));
  CHECK(!find("/smb/virtio@10023000:reg", &bytes));

  /* Two contexts a CPU: none for M-mode, the supervisor external interrupt for S-mode. */
  const char *contexts = "/interrupt-controller@0c000000:interrupts-extended";
  CHECK(find(contexts, &bytes) && bytes == 2 * 2 * 8);
  CHECK_EQUAL(0xffffffff, cell(contexts, 1));
  CHECK_EQUAL(9, cell(contexts, 7));
  CHECK_EQUAL(cell("/cpus/cpu@1/interrupt-controller:phandle", 0), cell(contexts, 6));

  CHECK(write_board(64, VIRTIO_MAX_DEVICES) > 0);
}

/* dtc -I dtb -O dts must succeed; without dtc the test says so and passes. */
static void
dtc_reads_it(void)
{
  char path[] = "/tmp/lkvm-dtb-XXXXXX";
  char *arguments[] = {"dtc", "-q", "-I", "dtb", "-O", "dtb", "-o", "/dev/null", path, NULL};
  size_t total = write_board(2, 3);
  int fd = mkstemp(path), status;
  pid_t pid;
  CHECK(fd >= 0 && write(fd, blob, total) == (ssize_t)total);
  close(fd);
  if (posix_spawnp(&pid, "dtc", NULL, NULL, arguments, environ) != 0)
    printf("skipped: dtc is not installed\n");
  else
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  unlink(path);
}

int
main(void)
{
  writer();
  what_does_not_fit();
  the_board();
  dtc_reads_it();
  return 0;
}
