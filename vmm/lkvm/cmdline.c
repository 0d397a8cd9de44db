#include "cmdline.h"

#include <stdio.h>
#include <string.h>

#define ROOT_9P " rw rootflags=trans=virtio,version=9p2000.L,cache=loose rootfstype=9p"

bool
cmdline_build(const struct cmdline *parts, char *text, size_t bytes)
{
  const char *console = parts->virtio_console ? " console=hvc0" : " console=ttyS0";
  const char *params = parts->params ? parts->params : "";
  bool own_root = strstr(params, "root=") != NULL;
  const char *root = "", *init = "", *network = "";

  switch (parts->root) {
  case ROOT_DEFAULT_DIRECTORY:
    root = ROOT_9P;
    init = " init=/virt/init";
    network = parts->dhcp ? "  ip=dhcp" : "";
    break;
  case ROOT_DIRECTORY:
    root = ROOT_9P;
    break;
  case ROOT_INITRD:
    root = own_root ? "" : " root=/dev/ram0 rw ";
    break;
  case ROOT_DISK:
    root = own_root ? "" : " root=/dev/vda rw ";
    break;
  }
  int length = snprintf(text, bytes, "%s%s%s%s%s%s", console, root, init, network,
                        *params ? " " : "", params);
  return length >= 0 && (size_t)length < bytes;
}
