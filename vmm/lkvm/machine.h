/*
 * One guest from power-on to its end: puts VM, VCPUs, interrupt controller, UARTs, virtio devices
 * and boot images together, runs them, and takes everything apart again.
 */
#ifndef LKVM_MACHINE_H
#define LKVM_MACHINE_H

#include "options.h"
#include "vcpu.h"

/* The options with every default filled in. */
struct machine_config {
  struct run_options options;
  const char *root_directory; /* shared as the guest's root, or NULL */
  bool share_host;            /* the host's root too, read-only, as "hostfs" */
  const char *bootargs;
  int listen_fd; /* socket for `lkvm list` and `lkvm stop` */
};

/* Runs the guest until it ends. `first` is false after a reset: warnings are not repeated. */
enum ending machine_run(const struct machine_config *config, bool first);

#endif
