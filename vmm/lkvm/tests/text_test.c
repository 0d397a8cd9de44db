/* Small pure parts: kernel command line, panic watch, escape key, MMIO bus, guest memory. */
#include "check.h"
#include "cmdline.h"
#include "guest_memory.h"
#include "mmio_bus.h"
#include "panic_watch.h"
#include "terminal.h"

static void
kernel_command_line(void)
{
  char line[256];
  struct cmdline parts = {.root = ROOT_DEFAULT_DIRECTORY, .dhcp = true,
                          .params = "earlycon=uart8250,mmio,0x3f8"};
  CHECK(cmdline_build(&parts, line, sizeof line));
  /* As kvmtool's, two spaces and all (the golden log of a guest's boot shows them). */
  CHECK_TEXT(" console=ttyS0 rw rootflags=trans=virtio,version=9p2000.L,cache=loose rootfstype=9p"
             " init=/virt/init  ip=dhcp earlycon=uart8250,mmio,0x3f8",
             line);
  parts = (struct cmdline){.root = ROOT_DIRECTORY, .dhcp = true, .virtio_console = true};
  CHECK(cmdline_build(&parts, line, sizeof line));
  CHECK_TEXT(" console=hvc0 rw rootflags=trans=virtio,version=9p2000.L,cache=loose rootfstype=9p",
             line);
  parts = (struct cmdline){.root = ROOT_DISK, .params = "quiet"};
  CHECK(cmdline_build(&parts, line, sizeof line));
  CHECK_TEXT(" console=ttyS0 root=/dev/vda rw  quiet", line);
  parts = (struct cmdline){.root = ROOT_DISK, .params = "root=/dev/vdb"};
  CHECK(cmdline_build(&parts, line, sizeof line));
  CHECK_TEXT(" console=ttyS0 root=/dev/vdb", line);
  CHECK(!cmdline_build(&parts, line, 10));
}

static unsigned
watch_text(struct panic_watch *watch, const char *console)
{
  unsigned news = 0;
  for (; *console; console++)
    news += panic_watch_byte(watch, *console);
  return news;
}

static void
panics(void)
{
  struct panic_watch watch = {0};
  char flood[2000];
  CHECK_EQUAL(0, watch_text(&watch, "[    1.0] all is well\r\nKernel panic - not syn\r\ncing\n"));
  memset(flood, 'x', sizeof flood);
  flood[sizeof flood - 1] = '\0';
  CHECK_EQUAL(0, watch_text(&watch, flood));
  CHECK_EQUAL(1, watch_text(&watch, "\n[    2.0] Kernel panic - not syncing: Oh no!\r\n"));
  CHECK(watch.panicked);
  CHECK_TEXT("Oh no!", watch.reason);
  CHECK_EQUAL(0, watch_text(&watch, "---[ end Kernel panic - not syncing: Oh no! ]---\r\n"));
}

static void
escape_key(void)
{
  struct terminal terminal = {0};
  bool quit = false;
  uint8_t bytes[] = "a\1\1b\1";
  CHECK_EQUAL(3, terminal_filter(&terminal, bytes, 5, &quit));
  CHECK(memcmp(bytes, "a\1b", 3) == 0 && !quit);
  uint8_t more[] = "cx";
  CHECK_EQUAL(2, terminal_filter(&terminal, more, 2, &quit)); /* Ctrl-A c sends just c. */
  CHECK(!quit);
  uint8_t last[] = "x\1x";
  CHECK_EQUAL(1, terminal_filter(&terminal, last, 3, &quit));
  CHECK(quit);
}

static uint64_t last_write;

static uint64_t
read_offset(void *device, uint64_t offset, unsigned bytes)
{
  (void)bytes;
  return *(uint64_t *)device + offset;
}

static void
note_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
  (void)device, (void)bytes;
  last_write = offset << 32 | value;
}

static void
bus(void)
{
  static const struct mmio_handler handler = {read_offset, note_write};
  uint64_t device = 0x1122334455667700;
  struct mmio_bus wires = {0};
  uint8_t data[8] = {0};
  CHECK(mmio_bus_add(&wires, (struct mmio_region){"a", 0x100, 0x10, &handler, &device}));
  CHECK(mmio_bus_add(&wires, (struct mmio_region){"b", 0x110, 0x10, &handler, &device}));
  CHECK(!mmio_bus_add(&wires, (struct mmio_region){"c", 0x11f, 1, &handler, &device}));
  CHECK(!mmio_bus_add(&wires, (struct mmio_region){"d", 0xff, 2, &handler, &device}));

  mmio_bus_access(&wires, 0x102, data, 4, false);
  CHECK(data[0] == 0x02 && data[1] == 0x77 && data[3] == 0x55 && data[4] == 0);
  data[0] = 0x42;
  mmio_bus_access(&wires, 0x111, data, 1, true);
  CHECK_EQUAL(1ull << 32 | 0x42, last_write);
  /* Nobody there, and an access that runs over a device's end. */
  last_write = 0;
  mmio_bus_access(&wires, 0x120, data, 4, true);
  mmio_bus_access(&wires, 0x11e, data, 4, true);
  mmio_bus_access(&wires, UINT64_MAX, data, 8, true);
  CHECK_EQUAL(0, last_write);
  mmio_bus_access(&wires, 0x120, data, 4, false);
  CHECK(data[0] == 0 && data[3] == 0);
}

static void
addresses(void)
{
  uint8_t ram[16];
  struct guest_memory memory = {ram, 0x80000000, 16};
  CHECK(guest_at(&memory, 0x80000000, 16) == ram);
  CHECK(guest_at(&memory, 0x8000000f, 1) == ram + 15);
  CHECK(guest_at(&memory, 0x80000010, 0) == ram + 16);
  CHECK(!guest_at(&memory, 0x80000010, 1));
  CHECK(!guest_at(&memory, 0x80000000, 17));
  CHECK(!guest_at(&memory, 0x7fffffff, 1));
  CHECK(!guest_at(&memory, 0x80000008, UINT64_MAX));
  CHECK(!guest_at(&memory, UINT64_MAX, 2));
}

int
main(void)
{
  kernel_command_line();
  panics();
  escape_key();
  CHECK(freopen("/dev/null", "w", stderr)); /* The bus explains its refusals. */
  bus();
  addresses();
  return 0;
}
