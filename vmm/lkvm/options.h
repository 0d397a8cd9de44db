/* The command line of `lkvm run`. Pure: looks at no file and prints nothing. */
#ifndef LKVM_OPTIONS_H
#define LKVM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#define MAX_DISKS 4
#define MAX_SHARES 8

struct disk_option {
  char path[256];
  bool read_only;
};

struct share_option {
  char directory[256];
  char tag[32];
};

struct run_options {
  const char *kernel;
  const char *initrd;
  const char *params;
  const char *name;
  const char *dump_dtb;
  uint64_t ram_bytes; /* 0: choose */
  unsigned cpus;      /* 0: choose */
  bool virtio_console;
  bool no_network;
  bool no_dhcp;
  bool rng;
  bool help;
  bool has_uart_base;
  uint64_t uart_base;
  struct disk_option disks[MAX_DISKS];
  unsigned disk_count;
  struct share_option shares[MAX_SHARES];
  unsigned share_count;
};

/* The arguments after `run`. On failure returns false with one line of explanation in `problem`. */
bool run_options_parse(struct run_options *options, int argc, char **argv, char *problem,
                       unsigned problem_bytes);

/* What `lkvm run --help` prints. */
extern const char run_usage[];

#endif
