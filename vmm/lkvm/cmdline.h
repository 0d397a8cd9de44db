/* The kernel's command line, put together as kvmtool does. Pure. */
#ifndef LKVM_CMDLINE_H
#define LKVM_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>

struct cmdline {
  bool virtio_console;
  enum { ROOT_DEFAULT_DIRECTORY, ROOT_DIRECTORY, ROOT_INITRD, ROOT_DISK } root;
  bool dhcp;
  const char *params; /* the user's own, or NULL */
};

/* False if it does not fit. */
bool cmdline_build(const struct cmdline *parts, char *text, size_t bytes);

#endif
