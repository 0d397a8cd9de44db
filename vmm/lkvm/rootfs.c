#include "rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "home.h"
#include "log.h"

/*
 * The guest may write to this tree, and an earlier guest may have left symbolic links in it that
 * point anywhere on the host. So nothing below follows one: directories are opened step by step,
 * files are made under a new name and then moved into place.
 */

/* The guest's init, a RISC-V program, embedded by guest_init_blob.S. */
extern const unsigned char guest_init_start[], guest_init_end[];

static const char *const directories[] = {
    "dev", "etc", "home", "host", "proc", "root", "sys", "tmp", "var/lib", "virt/home",
};
static const char *const links[] = {"bin", "lib", "lib64", "sbin", "usr"};
static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n";
/* The network's gateway forwards to the host's name server (netstack.h). */
static const char resolv_conf[] = "nameserver 192.168.33.1\n";

/* Opens a directory, made if need be. */
static int
open_directory(int parent, const char *name)
{
  if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
    fatal("Unable to create the directory %s of the root file system: %s", name, strerror(errno));
  int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    fatal("Unable to open the directory %s of the root file system: %s", name, strerror(errno));
  return fd;
}

/* The same for a path of up to two names. */
static int
open_path(int root, const char *path)
{
  char first[16];
  const char *slash = strchr(path, '/');
  if (!slash)
    return open_directory(root, path);
  snprintf(first, sizeof first, "%.*s", (int)(slash - path), path);
  int parent = open_directory(root, first);
  int fd = open_directory(parent, slash + 1);
  close(parent);
  return fd;
}

/* Replaces a file whole, so that a guest that is running never sees half of it. */
static void
write_file(int root, const char *directory, const char *name, const void *bytes, size_t count,
           mode_t mode)
{
  char temporary[64];
  snprintf(temporary, sizeof temporary, ".%s.%d", name, getpid());
  int parent = open_path(root, directory);
  unlinkat(parent, temporary, 0);
  int fd = openat(parent, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  if (fd < 0 || write(fd, bytes, count) != (ssize_t)count || close(fd) < 0 ||
      renameat(parent, temporary, parent, name) < 0)
    fatal("Unable to write %s/%s of the root file system: %s", directory, name, strerror(errno));
  close(parent);
}

static void
make_link(int parent, const char *name, const char *target)
{
  if (symlinkat(target, parent, name) < 0 && errno != EEXIST)
    fatal("Unable to create the link %s of the root file system: %s", name, strerror(errno));
}

static void
fill_new(int root)
{
  for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
    char target[16];
    snprintf(target, sizeof target, "/host/%s", links[i]);
    make_link(root, links[i], target);
  }
  int etc = open_path(root, "etc");
  make_link(etc, "ld.so.conf", "/host/etc/ld.so.conf");
  close(etc);
  write_file(root, "etc", "passwd", passwd, sizeof passwd - 1, 0644);
  write_file(root, "etc", "resolv.conf", resolv_conf, sizeof resolv_conf - 1, 0644);
}

const char *
rootfs_prepare(const char *name)
{
  static char path[PATH_BYTES];
  struct stat status;
  int length = snprintf(path, sizeof path, "%s/%s", home_directory(), name);
  if (length < 0 || (size_t)length >= sizeof path)
    fatal("The name %s/%s is too long", home_directory(), name);
  bool is_new = stat(path, &status) < 0;

  int root = open_directory(AT_FDCWD, path);
  for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
    close(open_path(root, directories[i]));
  if (is_new)
    fill_new(root);
  /* Always this version's init: an older one may lie there. */
  write_file(root, "virt", "init", guest_init_start, (size_t)(guest_init_end - guest_init_start),
             0755);
  close(root);
  return path;
}
