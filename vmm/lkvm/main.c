/*
 * lkvm: runs Linux guests on KVM, with kvmtool's command line. Here are the subcommands; a guest's
 * life is in machine.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmdline.h"
#include "home.h"
#include "instances.h"
#include "log.h"
#include "machine.h"
#include "rootfs.h"
#include "terminal.h"

#define VERSION "himawari-1"

#define CMDLINE_BYTES 2048
#define DEFAULT_ROOT "default"

static const char usage[] =
    "\n usage: lkvm COMMAND [ARGS]\n\n"
    " The commands are:\n"
    "   run       Start a guest\n"
    "   list      Print the running guests and the root directories\n"
    "   stop      Stop a running guest\n"
    "   version   Print the version\n"
    "   help      Print this text\n\n"
    " See 'lkvm help run' for the options of run.\n\n";

/* As kvmtool: 64 MiB for each CPU and three more. */
static uint64_t
default_ram_bytes(unsigned cpus)
{
  return (64ull << 20) * (cpus + 3);
}

static unsigned
default_cpus(void)
{
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 && online <= 64 ? (unsigned)online : 1;
}

static bool
is_directory(const char *path)
{
  struct stat status;
  return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* `-d DIR` is a root directory, as in kvmtool; the option leaves the list of disks. */
static const char *
take_root_directory(struct run_options *options)
{
  static char directory[sizeof options->disks[0].path];
  for (unsigned i = 0; i < options->disk_count; i++) {
    if (!is_directory(options->disks[i].path))
      continue;
    memcpy(directory, options->disks[i].path, sizeof directory);
    memmove(&options->disks[i], &options->disks[i + 1],
            (options->disk_count - i - 1) * sizeof options->disks[0]);
    options->disk_count--;
    return directory;
  }
  return NULL;
}

/* Where the guest's root file system comes from, and the command line that follows from it. */
static void
choose_root(struct machine_config *config)
{
  static char bootargs[CMDLINE_BYTES];
  struct run_options *options = &config->options;
  struct cmdline parts = {
      .virtio_console = options->virtio_console,
      .dhcp = !options->no_dhcp && !options->no_network,
      .params = options->params,
  };

  config->root_directory = take_root_directory(options);
  if (config->root_directory) {
    parts.root = ROOT_DIRECTORY;
  } else if (options->initrd) {
    parts.root = ROOT_INITRD;
  } else if (options->disk_count > 0) {
    parts.root = ROOT_DISK;
  } else {
    parts.root = ROOT_DEFAULT_DIRECTORY;
    config->root_directory = rootfs_prepare(DEFAULT_ROOT);
    config->share_host = true;
  }
  if (!cmdline_build(&parts, bootargs, sizeof bootargs))
    fatal("The kernel's command line is longer than %d bytes", CMDLINE_BYTES - 1);
  config->bootargs = bootargs;
}

static int
run_until_the_end(const struct machine_config *config)
{
  enum ending ending = machine_run(config, true);
  while (ending == ENDING_RESET)
    ending = machine_run(config, false);
  terminal_restore();
  switch (ending) {
  case ENDING_SHUTDOWN:
    printf("\n  # KVM session ended normally.\n");
    return 0;
  case ENDING_CRASH:
    error("The guest crashed");
    return 1;
  default:
    return 1;
  }
}

static int
command_run(int argc, char **argv)
{
  static char default_name[32];
  struct machine_config config = {0};
  struct run_options *options = &config.options;
  char problem[256];

  if (!run_options_parse(options, argc, argv, problem, sizeof problem))
    fatal("%s", problem);
  if (options->help) {
    fputs(run_usage, stdout);
    return 0;
  }
  if (!options->kernel)
    fatal("No kernel: give one with -k");
  if (access(options->kernel, R_OK) < 0)
    fatal("Unable to open kernel %s", options->kernel);
  if (options->cpus == 0)
    options->cpus = default_cpus();
  if (options->ram_bytes == 0)
    options->ram_bytes = default_ram_bytes(options->cpus);
  if (!options->name) {
    snprintf(default_name, sizeof default_name, "guest-%d", getpid());
    options->name = default_name;
  }
  choose_root(&config);

  info("# lkvm run -k %s -m %llu -c %u --name %s", options->kernel,
       (unsigned long long)options->ram_bytes >> 20, options->cpus, options->name);
  config.listen_fd = instance_listen(options->name);
  return run_until_the_end(&config);
}

static int
command_list(int argc, char **argv)
{
  if (argc > 0)
    fatal("Unknown option: %s; lkvm list takes none", argv[0]);
  return instances_list();
}

static int
command_stop(int argc, char **argv)
{
  if (argc == 1 && (!strcmp(argv[0], "--all") || !strcmp(argv[0], "-a")))
    return instances_stop_all();
  if (argc == 1 && !strncmp(argv[0], "--name=", 7))
    return instances_stop(argv[0] + 7);
  if (argc == 2 && (!strcmp(argv[0], "--name") || !strcmp(argv[0], "-n")))
    return instances_stop(argv[1]);
  fatal("Say what to stop: lkvm stop --name <name>, or lkvm stop --all");
}

static int
command_version(int argc, char **argv)
{
  (void)argc, (void)argv;
  printf("lkvm %s\n", VERSION);
  return 0;
}

static int
command_help(int argc, char **argv)
{
  fputs(argc > 0 && !strcmp(argv[0], "run") ? run_usage : usage, stdout);
  return 0;
}

static const struct command {
  const char *name;
  int (*run)(int argc, char **argv);
} commands[] = {
    {"run", command_run},         {"list", command_list},         {"stop", command_stop},
    {"version", command_version}, {"--version", command_version}, {"help", command_help},
    {"--help", command_help},     {"-h", command_help},
};

int
main(int argc, char **argv)
{
  setvbuf(stderr, NULL, _IOLBF, BUFSIZ); /* Whole lines, as log.c writes them. */
  if (argc < 2)
    return command_help(0, NULL);
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (strcmp(argv[1], commands[i].name) == 0)
      return commands[i].run(argc - 2, argv + 2);
  fatal("Unknown command: %s; see lkvm help", argv[1]);
}
