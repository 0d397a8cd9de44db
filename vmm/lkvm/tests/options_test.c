/* The command line of `lkvm run`. */
#include "options.h"

#include "check.h"

static struct run_options options;
static char problem[256];

/* Parses words separated by '|'. */
static bool
parse(const char *line)
{
  static char words[512];
  char *argv[32];
  int argc = 0;
  snprintf(words, sizeof words, "%s", line);
  for (char *word = strtok(words, "|"); word; word = strtok(NULL, "|"))
    argv[argc++] = word;
  problem[0] = '\0';
  return run_options_parse(&options, argc, argv, problem, sizeof problem);
}

static void
expect_problem(const char *line, const char *message)
{
  CHECK(!parse(line));
  CHECK_TEXT(message, problem);
}

/* Letter for letter as in the article. */
static void
the_articles_command(void)
{
  CHECK(parse("-m|1024|-c|2|--console|serial|-p|console=ttyS0 earlycon=uart8250,mmio,0x3f8|-k|"
              "./apps/Image"));
  CHECK_EQUAL(1024ull << 20, options.ram_bytes);
  CHECK_EQUAL(2, options.cpus);
  CHECK(!options.virtio_console && !options.has_uart_base && !options.no_network);
  CHECK_TEXT("console=ttyS0 earlycon=uart8250,mmio,0x3f8", options.params);
  CHECK_TEXT("./apps/Image", options.kernel);
}

static void
every_form_of_an_option(void)
{
  CHECK(parse("--mem=512M|--cpus=3|--kernel=K|--initrd|I|-pfoo=1|--name=n"));
  CHECK_EQUAL(512ull << 20, options.ram_bytes);
  CHECK_EQUAL(3, options.cpus);
  CHECK_TEXT("K", options.kernel);
  CHECK_TEXT("I", options.initrd);
  CHECK_TEXT("foo=1", options.params);
  CHECK_TEXT("n", options.name);
  CHECK(parse("Image|--rng|--no-dhcp|-h"));
  CHECK_TEXT("Image", options.kernel);
  CHECK(options.rng && options.no_dhcp && options.help);
  CHECK(parse("-p|"
              "a=b,c|-k|K=1"));
  CHECK_TEXT("K=1", options.kernel);
}

static void
memory_sizes(void)
{
  CHECK(parse("-m|2G"));
  CHECK_EQUAL(2ull << 30, options.ram_bytes);
  CHECK(parse("-m|65536k"));
  CHECK_EQUAL(64ull << 20, options.ram_bytes);
  expect_problem("-m|0", "Memory too small: 0; the guest needs at least 16 MiB");
  expect_problem("-m|-5", "Invalid memory size: -5");
  expect_problem("-m|5X", "Invalid memory size: 5X");
  expect_problem("-m|5MB", "Invalid memory size: 5MB");
  expect_problem("-m|abc", "Invalid memory size: abc");
  expect_problem("-m|99999999999T", "Memory too large: 99999999999T");
  expect_problem("-m|99999999999999999999999", "Invalid memory size: 99999999999999999999999");
}

static void
devices(void)
{
  CHECK(parse("-d|a.img|--disk=b.img,ro|--9p|/some,dir,tag|--console=virtio|-n|mode=none"));
  CHECK_EQUAL(2, options.disk_count);
  CHECK_TEXT("a.img", options.disks[0].path);
  CHECK(!options.disks[0].read_only);
  CHECK_TEXT("b.img", options.disks[1].path);
  CHECK(options.disks[1].read_only);
  CHECK_EQUAL(1, options.share_count);
  CHECK_TEXT("/some,dir", options.shares[0].directory);
  CHECK_TEXT("tag", options.shares[0].tag);
  CHECK(options.virtio_console && options.no_network);
  CHECK(parse("--network=mode=user|--uart-base|0x10000000"));
  CHECK(!options.no_network && options.has_uart_base);
  CHECK_EQUAL(0x10000000, options.uart_base);
}

static void
refusals(void)
{
  expect_problem("--bogus", "Unknown option: --bogus; see lkvm run --help");
  expect_problem("-x", "Unknown option: -x; see lkvm run --help");
  expect_problem("--", "Unknown option: --; see lkvm run --help");
  expect_problem("-", "Unknown option: -; see lkvm run --help");
  expect_problem("--ker=K", "Unknown option: --ker=K; see lkvm run --help");
  expect_problem("-k", "Option --kernel needs a value");
  expect_problem("--rng=yes", "Option --rng takes no value: --rng=yes");
  expect_problem("-k|A|B", "Cannot handle parameter: B");
  expect_problem("-c|0", "Invalid number of CPUs: 0; 1 to 64 are possible");
  expect_problem("-c|two", "Invalid number of CPUs: two; 1 to 64 are possible");
  expect_problem("--console=hv", "Unknown console: hv; serial or virtio are possible");
  expect_problem("-n|tap", "Unknown network: tap; mode=user or mode=none are possible");
  expect_problem("--name|a/b", "Invalid guest name: a/b");
  expect_problem("--name|.x", "Invalid guest name: .x");
  expect_problem("--9p|dir", "Invalid shared directory: dir; give DIR,TAG");
  expect_problem("--9p|,tag", "Invalid shared directory: ,tag; give DIR,TAG");
  expect_problem("--disk=", "Invalid disk: ");
  expect_problem("-d|1|-d|2|-d|3|-d|4|-d|5", "Too many disks: at most 4 are possible");
  expect_problem("--uart-base=0x80000000",
                 "Invalid UART base: 0x80000000; a multiple of 8 below 0x7fffc000 is possible");
  expect_problem("--uart-base=0x1001",
                 "Invalid UART base: 0x1001; a multiple of 8 below 0x7fffc000 is possible");
}

int
main(void)
{
  the_articles_command();
  every_form_of_an_option();
  memory_sizes();
  devices();
  refusals();
  return 0;
}
