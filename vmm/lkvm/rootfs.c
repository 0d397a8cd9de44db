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

/* The guest's init, a RISC-V program, embedded by guest_init_blob.S. */
extern const unsigned char guest_init_start[], guest_init_end[];

static const char *const directories[] = {
    "",      "/dev", "/etc", "/home", "/host", "/proc", "/root",
    "/sys",  "/tmp", "/var", "/var/lib", "/virt", "/virt/home",
};
static const char *const links[] = {"/bin", "/lib", "/lib64", "/sbin", "/usr", "/etc/ld.so.conf"};
static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n";

static void
in_root(char *path, const char *root, const char *name)
{
  int length = snprintf(path, PATH_BYTES, "%s%s", root, name);
  if (length < 0 || length >= PATH_BYTES)
    fatal("The name %s%s is too long", root, name);
}

static void
write_file(const char *path, const void *bytes, size_t count, mode_t mode)
{
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd < 0 || write(fd, bytes, count) != (ssize_t)count || close(fd) < 0)
    fatal("Unable to write %s: %s", path, strerror(errno));
}

/* Best effort: a host without name servers is no reason not to run a guest. */
static void
copy_resolv_conf(const char *root)
{
  char path[PATH_BYTES], text[4096];
  int fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return;
  ssize_t length = read(fd, text, sizeof text);
  close(fd);
  in_root(path, root, "/etc/resolv.conf");
  if (length >= 0)
    write_file(path, text, (size_t)length, 0644);
}

const char *
rootfs_prepare(const char *name)
{
  static char root[PATH_BYTES];
  char path[PATH_BYTES], target[PATH_BYTES];
  struct stat status;

  int length = snprintf(root, sizeof root, "%s/%s", home_directory(), name);
  if (length < 0 || (size_t)length > sizeof root - 64)
    fatal("The name %s/%s is too long", home_directory(), name);
  bool is_new = stat(root, &status) < 0;

  for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
    in_root(path, root, directories[i]);
    if (mkdir(path, 0755) < 0 && errno != EEXIST)
      fatal("Unable to create %s: %s", path, strerror(errno));
  }
  for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
    in_root(path, root, links[i]);
    snprintf(target, sizeof target, "/host%s", links[i]);
    if (symlink(target, path) < 0 && errno != EEXIST)
      fatal("Unable to create %s: %s", path, strerror(errno));
  }
  if (is_new) {
    in_root(path, root, "/etc/passwd");
    write_file(path, passwd, sizeof passwd - 1, 0644);
  }
  /* Always this version's init: an older one may lie there. */
  in_root(path, root, "/virt/init");
  write_file(path, guest_init_start, (size_t)(guest_init_end - guest_init_start), 0755);
  copy_resolv_conf(root);
  return root;
}
