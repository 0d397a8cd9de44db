#include "options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform.h"

#define MAX_CPUS 64

const char run_usage[] =
    "\n usage: lkvm run [<options>] [<kernel image>]\n\n"
    "    -k, --kernel <image>      kernel to boot (uncompressed RISC-V Image)\n"
    "    -i, --initrd <file>       initial RAM disk\n"
    "    -p, --params <params>     words to add to the kernel's command line\n"
    "    -m, --mem <size[BKMGT]>   memory, in MiB unless a unit is given\n"
    "    -c, --cpus <n>            number of CPUs\n"
    "        --name <name>         name of the guest (guest-PID)\n"
    "        --console <serial|virtio>\n"
    "                              what the terminal is connected to (serial)\n"
    "    -d, --disk <image[,ro]>   add a disk\n"
    "        --9p <dir,tag>        share a directory with the guest\n"
    "    -n, --network mode=<user|none>\n"
    "                              user-mode network, or none (user)\n"
    "        --no-dhcp             the kernel is not to configure the network\n"
    "        --rng                 add a random number generator\n"
    "        --dump-dtb <file>     write the guest's device tree\n"
    "        --uart-base <addr>    UARTs at addr, addr + 0x1000, ... (0x3f8, 0x2f8, 0x3e8, 0x2e8)\n"
    "    -h, --help                this text\n\n"
    " Ctrl-A x ends the guest; Ctrl-A Ctrl-A sends Ctrl-A.\n\n";

struct parser {
  struct run_options *options;
  char *problem;
  unsigned problem_bytes;
};

__attribute__((format(printf, 2, 3))) static bool
reject(struct parser *parser, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(parser->problem, parser->problem_bytes, format, arguments);
  va_end(arguments);
  return false;
}

/* Splits "text,rest" at the last comma: a bounded copy of the text, a pointer to the rest. */
static bool
split_at_comma(const char *value, char *text, size_t text_bytes, const char **rest)
{
  const char *comma = strrchr(value, ',');
  size_t length = comma ? (size_t)(comma - value) : strlen(value);
  if (length == 0 || length >= text_bytes)
    return false;
  memcpy(text, value, length);
  text[length] = '\0';
  *rest = comma ? comma + 1 : NULL;
  return true;
}

static bool
set_kernel(struct parser *parser, const char *value)
{
  parser->options->kernel = value;
  return true;
}

static bool
set_initrd(struct parser *parser, const char *value)
{
  parser->options->initrd = value;
  return true;
}

static bool
set_params(struct parser *parser, const char *value)
{
  parser->options->params = value;
  return true;
}

static bool
set_mem(struct parser *parser, const char *value)
{
  static const char units[] = "BKMGT";
  char *end;
  errno = 0;
  unsigned long long number = strtoull(value, &end, 10);
  unsigned shift = 20;
  if (end == value || value[0] == '-' || errno == ERANGE)
    return reject(parser, "Invalid memory size: %s", value);
  if (*end) {
    char upper = *end >= 'a' && *end <= 'z' ? (char)(*end - 'a' + 'A') : *end;
    const char *unit = strchr(units, upper);
    if (!unit || end[1])
      return reject(parser, "Invalid memory size: %s", value);
    shift = 10 * (unsigned)(unit - units);
  }
  if (number > UINT64_MAX >> shift)
    return reject(parser, "Memory too large: %s", value);
  uint64_t bytes = (uint64_t)number << shift;
  if (bytes < RAM_MIN_BYTES)
    return reject(parser, "Memory too small: %s; the guest needs at least %llu MiB", value,
                  RAM_MIN_BYTES >> 20);
  parser->options->ram_bytes = bytes & ~UINT64_C(0xfff);
  return true;
}

static bool
set_cpus(struct parser *parser, const char *value)
{
  char *end;
  errno = 0;
  long number = strtol(value, &end, 10);
  if (end == value || *end || errno || number < 1 || number > MAX_CPUS)
    return reject(parser, "Invalid number of CPUs: %s; 1 to %d are possible", value, MAX_CPUS);
  parser->options->cpus = (unsigned)number;
  return true;
}

/* The name becomes a file name in the directory of instances. */
static bool
set_name(struct parser *parser, const char *value)
{
  if (!*value || *value == '.' || strlen(value) > 48 || strchr(value, '/'))
    return reject(parser, "Invalid guest name: %s", value);
  parser->options->name = value;
  return true;
}

static bool
set_console(struct parser *parser, const char *value)
{
  if (strcmp(value, "serial") != 0 && strcmp(value, "virtio") != 0)
    return reject(parser, "Unknown console: %s; serial or virtio are possible", value);
  parser->options->virtio_console = value[0] == 'v';
  return true;
}

static bool
add_disk(struct parser *parser, const char *value)
{
  struct run_options *options = parser->options;
  if (options->disk_count == MAX_DISKS)
    return reject(parser, "Too many disks: at most %d are possible", MAX_DISKS);
  struct disk_option *disk = &options->disks[options->disk_count];
  size_t length = strlen(value);
  bool read_only = length > 3 && strcmp(value + length - 3, ",ro") == 0;
  if (read_only)
    length -= 3;
  if (length == 0 || length >= sizeof disk->path)
    return reject(parser, "Invalid disk: %s", value);
  memcpy(disk->path, value, length);
  disk->path[length] = '\0';
  disk->read_only = read_only;
  options->disk_count++;
  return true;
}

static bool
add_share(struct parser *parser, const char *value)
{
  struct run_options *options = parser->options;
  if (options->share_count == MAX_SHARES)
    return reject(parser, "Too many shared directories: at most %d are possible", MAX_SHARES);
  struct share_option *share = &options->shares[options->share_count];
  const char *tag;
  if (!split_at_comma(value, share->directory, sizeof share->directory, &tag) || !tag || !*tag ||
      strlen(tag) >= sizeof share->tag)
    return reject(parser, "Invalid shared directory: %s; give DIR,TAG", value);
  strcpy(share->tag, tag);
  options->share_count++;
  return true;
}

static bool
set_network(struct parser *parser, const char *value)
{
  const char *mode = strncmp(value, "mode=", 5) == 0 ? value + 5 : value;
  if (strcmp(mode, "user") != 0 && strcmp(mode, "none") != 0)
    return reject(parser, "Unknown network: %s; mode=user or mode=none are possible", value);
  parser->options->no_network = mode[0] == 'n';
  return true;
}

static bool
set_no_dhcp(struct parser *parser, const char *value)
{
  (void)value;
  parser->options->no_dhcp = true;
  return true;
}

static bool
set_rng(struct parser *parser, const char *value)
{
  (void)value;
  parser->options->rng = true;
  return true;
}

static bool
set_dump_dtb(struct parser *parser, const char *value)
{
  parser->options->dump_dtb = value;
  return true;
}

static bool
set_uart_base(struct parser *parser, const char *value)
{
  char *end;
  errno = 0;
  unsigned long long address = strtoull(value, &end, 0);
  if (end == value || *end || value[0] == '-' || errno || address % 8 != 0 ||
      address > MMIO_LIMIT - UART_COUNT * UART_STRIDE)
    return reject(parser, "Invalid UART base: %s; a multiple of 8 below 0x%llx is possible", value,
                  MMIO_LIMIT - UART_COUNT * UART_STRIDE);
  parser->options->has_uart_base = true;
  parser->options->uart_base = address;
  return true;
}

static bool
set_help(struct parser *parser, const char *value)
{
  (void)value;
  parser->options->help = true;
  return true;
}

static const struct option {
  char letter;
  const char *name;
  bool takes_value;
  bool (*apply)(struct parser *parser, const char *value);
} all_options[] = {
    {'k', "kernel", true, set_kernel},
    {'i', "initrd", true, set_initrd},
    {'p', "params", true, set_params},
    {'m', "mem", true, set_mem},
    {'c', "cpus", true, set_cpus},
    {0, "name", true, set_name},
    {0, "console", true, set_console},
    {'d', "disk", true, add_disk},
    {0, "9p", true, add_share},
    {'n', "network", true, set_network},
    {0, "no-dhcp", false, set_no_dhcp},
    {0, "rng", false, set_rng},
    {0, "dump-dtb", true, set_dump_dtb},
    {0, "uart-base", true, set_uart_base},
    {'h', "help", false, set_help},
};

/* Finds "--name", "--name=value", "-l" or "-lvalue"; `*value` is the part in the same word. */
static const struct option *
find_option(const char *word, const char **value)
{
  bool is_long = word[1] == '-';
  const char *name = word + (is_long ? 2 : 1);
  size_t length = is_long ? strcspn(name, "=") : 1;
  for (size_t i = 0; i < sizeof all_options / sizeof *all_options; i++) {
    const struct option *option = &all_options[i];
    bool matches = is_long ? strlen(option->name) == length &&
                                 strncmp(option->name, name, length) == 0
                           : option->letter && option->letter == *name;
    if (!matches)
      continue;
    *value = name[length] ? name + length + (is_long ? 1 : 0) : NULL;
    return option;
  }
  return NULL;
}

bool
run_options_parse(struct run_options *options, int argc, char **argv, char *problem,
                  unsigned problem_bytes)
{
  struct parser parser = {options, problem, problem_bytes};
  memset(options, 0, sizeof *options);

  for (int i = 0; i < argc; i++) {
    if (argv[i][0] != '-') {
      if (options->kernel)
        return reject(&parser, "Cannot handle parameter: %s", argv[i]);
      options->kernel = argv[i];
      continue;
    }
    const char *value = NULL;
    const struct option *option = find_option(argv[i], &value);
    if (!option)
      return reject(&parser, "Unknown option: %s; see lkvm run --help", argv[i]);
    if (!option->takes_value && value)
      return reject(&parser, "Option --%s takes no value: %s", option->name, argv[i]);
    if (option->takes_value && !value) {
      if (i + 1 == argc)
        return reject(&parser, "Option --%s needs a value", option->name);
      value = argv[++i];
    }
    if (!option->apply(&parser, value))
      return false;
  }
  return true;
}
