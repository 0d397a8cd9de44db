#include "home.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "log.h"

const char *
home_directory(void)
{
  static char path[PATH_BYTES];
  if (path[0])
    return path;
  const char *home = getenv("HOME");
  int length = snprintf(path, sizeof path, "%s/.lkvm", home && *home ? home : "/root");
  if (length < 0 || (size_t)length > sizeof path / 2)
    fatal("The home directory's name is too long: %s", home);
  if (home && *home)
    mkdir(home, 0755); /* A bare initramfs may name a home that nobody made. */
  if (mkdir(path, 0755) < 0 && errno != EEXIST)
    fatal("Unable to create %s: %s", path, strerror(errno));
  return path;
}
