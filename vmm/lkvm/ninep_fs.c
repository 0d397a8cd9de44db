/* Files below the root, reached without ever following a symbolic link. See ninep_fs.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "ninep_fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Younger than some C libraries; the same number on every architecture. */
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

static int
open_beneath(const struct p9_fs *fs, const char *path, int flags)
{
  struct open_how how = {
      .flags = (uint64_t)(flags | O_NOFOLLOW | O_CLOEXEC),
      .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
  };
  long fd = syscall(SYS_openat2, fs->root_fd, *path ? path : ".", &how, sizeof how);

  return fd < 0 ? -errno : (int)fd;
}

/* 16 bits that tell the devices of one host apart: anonymous ones differ in their minor number. */
static uint16_t
fold_device(uint32_t major, uint32_t minor)
{
  return (uint16_t)(minor ^ (minor >> 16) ^ (major << 8));
}

int
p9_fs_open_root(struct p9_fs *fs, const char *root)
{
  struct statx attributes;
  int error;

  fs->root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fs->root_fd < 0)
    return errno;
  error = p9_fs_stat(fs->root_fd, &attributes);
  if (error) {
    close(fs->root_fd);
    return error;
  }
  fs->root_device = fold_device(attributes.stx_dev_major, attributes.stx_dev_minor);
  fs->may_chown = geteuid() == 0;
  return 0;
}

void
p9_fs_close_root(struct p9_fs *fs)
{
  close(fs->root_fd);
}

bool
p9_fs_name_ok(const char *name)
{
  return *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !strchr(name, '/') &&
         strlen(name) < P9_NAME_BYTES;
}

int
p9_fs_join(char *path, const char *directory, const char *name)
{
  int length = snprintf(path, P9_PATH_BYTES, "%s%s%s", directory, *directory ? "/" : "", name);

  return length < P9_PATH_BYTES ? 0 : ENAMETOOLONG;
}

int
p9_fs_lookup(const struct p9_fs *fs, const char *path)
{
  return open_beneath(fs, path, O_PATH);
}

int
p9_fs_step(int directory_fd, const char *name)
{
  int fd = openat(directory_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

  return fd < 0 ? -errno : fd;
}

int
p9_fs_parent(const struct p9_fs *fs, const char *path, const char **name)
{
  const char *slash = strrchr(path, '/');
  char directory[P9_PATH_BYTES] = "";

  if (!*path)
    return -EBUSY; /* the root has no name here */
  if (slash)
    memcpy(directory, path, (size_t)(slash - path)); /* the rest is zero */
  *name = slash ? slash + 1 : path;
  return open_beneath(fs, directory, O_PATH | O_DIRECTORY);
}

static int
stat_at(int fd, const char *name, struct statx *attributes)
{
  int flags = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;

  return statx(fd, name, flags, STATX_BASIC_STATS | STATX_BTIME, attributes) ? errno : 0;
}

int
p9_fs_stat(int fd, struct statx *attributes)
{
  return stat_at(fd, "", attributes);
}

int
p9_fs_stat_name(int directory_fd, const char *name, struct statx *attributes)
{
  return stat_at(directory_fd, name, attributes);
}

/*
 * The guest takes qid.path for the inode number and treats equal qids as one file. Inode numbers
 * repeat on other mounts below the root, so their devices go into the top bits.
 */
static uint64_t
qid_path(const struct p9_fs *fs, const struct statx *on_device, uint64_t inode)
{
  uint16_t device = fold_device(on_device->stx_dev_major, on_device->stx_dev_minor);

  return inode ^ (uint64_t)(device ^ fs->root_device) << 48;
}

struct p9_qid
p9_fs_qid(const struct p9_fs *fs, const struct statx *attributes)
{
  struct p9_qid qid = {.type = P9_QTFILE};

  if (S_ISDIR(attributes->stx_mode))
    qid.type = P9_QTDIR;
  else if (S_ISLNK(attributes->stx_mode))
    qid.type = P9_QTSYMLINK;
  /*
	 * Linux's client holds two qids that differ in version for two files, each with its own
	 * page cache. So the version must not follow the contents; the birth time stays for a
	 * file's life and still tells a reused inode number from the old file.
	 */
  if (attributes->stx_mask & STATX_BTIME)
    qid.version = (uint32_t)attributes->stx_btime.tv_sec ^ attributes->stx_btime.tv_nsec;
  qid.path = qid_path(fs, attributes, attributes->stx_ino);
  return qid;
}

struct p9_qid
p9_fs_entry_qid(const struct p9_fs *fs, const struct statx *directory, uint64_t inode,
                uint8_t dirent_type)
{
  struct p9_qid qid = {.type = P9_QTFILE, .path = qid_path(fs, directory, inode)};

  if (dirent_type == DT_DIR)
    qid.type = P9_QTDIR;
  else if (dirent_type == DT_LNK)
    qid.type = P9_QTSYMLINK;
  return qid;
}

/*
 * Guest flags to host flags. O_APPEND is left out on purpose: pwrite(2) would then ignore the
 * offset that the guest worked out. O_NONBLOCK keeps odd files (/proc/kmsg) from blocking us.
 */
static int
host_flags(uint32_t flags)
{
  int host = O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC | (int)(flags & P9_OPEN_ACCMODE);

  if (flags & P9_OPEN_TRUNC)
    host |= O_TRUNC;
  if (flags & P9_OPEN_DIRECTORY)
    host |= O_DIRECTORY;
  if (flags & P9_OPEN_DSYNC)
    host |= O_DSYNC;
  if (flags & P9_OPEN_SYNC)
    host |= O_SYNC;
  return host;
}

static int
openable(const struct statx *attributes)
{
  if (S_ISREG(attributes->stx_mode) || S_ISDIR(attributes->stx_mode))
    return 0;
  return S_ISLNK(attributes->stx_mode) ? ELOOP : ENXIO;
}

int
p9_fs_open(const struct p9_fs *fs, const char *path, uint32_t flags, struct statx *attributes)
{
  int path_fd, fd, error;

  /* Look before opening: merely opening a device can already do something. */
  path_fd = p9_fs_lookup(fs, path);
  if (path_fd < 0)
    return path_fd;
  error = p9_fs_stat(path_fd, attributes);
  close(path_fd);
  if (!error)
    error = openable(attributes);
  if (error)
    return -error;
  fd = open_beneath(fs, path, host_flags(flags));
  if (fd < 0)
    return fd;
  error = p9_fs_stat(fd, attributes);
  if (!error)
    error = openable(attributes);
  if (error) {
    close(fd);
    return -error;
  }
  return fd;
}

/* Only root can give files away, and a file system that has no owners may still refuse it. */
static void
give_to(const struct p9_fs *fs, int directory_fd, const char *name, struct p9_owner owner)
{
  if (fs->may_chown)
    (void)!fchownat(directory_fd, name, owner.uid, owner.gid, AT_SYMLINK_NOFOLLOW);
}

int
p9_fs_create(const struct p9_fs *fs, int directory_fd, const char *name, uint32_t flags,
             mode_t mode, struct p9_owner owner)
{
  struct statx attributes;
  int host = (host_flags(flags) & ~O_DIRECTORY) | O_CREAT;
  int error = p9_fs_stat_name(directory_fd, name, &attributes);
  bool is_new = error == ENOENT;
  int fd;

  if (error && !is_new)
    return -error;
  if (!is_new && ((flags & P9_OPEN_EXCL) || !S_ISREG(attributes.stx_mode)))
    return -EEXIST;
  /* What we found missing must be made by us, or a FIFO could slip in between. */
  if (is_new)
    host |= O_EXCL;
  mode &= 07777;
  fd = openat(directory_fd, name, host, mode);
  if (fd < 0)
    return -errno;
  if (is_new) {
    give_to(fs, directory_fd, name, owner);
    /* Changing the owner takes these bits away. */
    if (mode & (S_ISUID | S_ISGID))
      (void)!fchmod(fd, mode);
  }
  return fd;
}

int
p9_fs_mkdir(const struct p9_fs *fs, int directory_fd, const char *name, mode_t mode,
            struct p9_owner owner)
{
  if (mkdirat(directory_fd, name, mode & 07777))
    return errno;
  give_to(fs, directory_fd, name, owner);
  return 0;
}

int
p9_fs_symlink(const struct p9_fs *fs, int directory_fd, const char *name, const char *target,
              struct p9_owner owner)
{
  if (symlinkat(target, directory_fd, name))
    return errno;
  give_to(fs, directory_fd, name, owner);
  return 0;
}

int
p9_fs_mknod(const struct p9_fs *fs, int directory_fd, const char *name, mode_t mode,
            struct p9_owner owner)
{
  if (!S_ISREG(mode) && !S_ISFIFO(mode) && !S_ISSOCK(mode))
    return EPERM;
  if (mknodat(directory_fd, name, mode & (S_IFMT | 07777), 0))
    return errno;
  give_to(fs, directory_fd, name, owner);
  return 0;
}

int
p9_fs_rename(const struct p9_fs *fs, const char *from, const char *to)
{
  const char *from_name, *to_name;
  int from_fd, to_fd, error = 0;

  from_fd = p9_fs_parent(fs, from, &from_name);
  if (from_fd < 0)
    return -from_fd;
  to_fd = p9_fs_parent(fs, to, &to_name);
  if (to_fd < 0) {
    close(from_fd);
    return -to_fd;
  }
  if (renameat(from_fd, from_name, to_fd, to_name))
    error = errno;
  close(from_fd);
  close(to_fd);
  return error;
}

int
p9_fs_unlink(const struct p9_fs *fs, const char *path, bool directory)
{
  const char *name;
  int error = 0, fd = p9_fs_parent(fs, path, &name);

  if (fd < 0)
    return -fd;
  if (unlinkat(fd, name, directory ? AT_REMOVEDIR : 0))
    error = errno;
  close(fd);
  return error;
}

int
p9_fs_link(const struct p9_fs *fs, const char *from, int directory_fd, const char *name)
{
  const char *from_name;
  int error = 0, fd = p9_fs_parent(fs, from, &from_name);

  if (fd < 0)
    return -fd;
  /* Without AT_SYMLINK_FOLLOW a symbolic link is itself linked. */
  if (linkat(fd, from_name, directory_fd, name, 0))
    error = errno;
  close(fd);
  return error;
}

int
p9_fs_chmod(int fd, mode_t mode)
{
  char proc[32];

  /* fchmod(2) refuses O_PATH descriptors; fchmodat2 takes them since Linux 6.6. */
  if (syscall(SYS_fchmodat2, fd, "", mode & 07777, AT_EMPTY_PATH) == 0)
    return 0;
  if (errno != ENOSYS)
    return errno;
  snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
  return chmod(proc, mode & 07777) ? errno : 0;
}

int
p9_fs_chown(int fd, uint32_t uid, uint32_t gid)
{
  return fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) ? errno : 0;
}

int
p9_fs_set_times(int fd, const struct timespec times[2])
{
  return utimensat(fd, "", times, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) ? errno : 0;
}

int
p9_fs_truncate(const struct p9_fs *fs, const char *path, uint64_t size)
{
  struct statx attributes;
  int error = 0, fd = p9_fs_open(fs, path, O_WRONLY, &attributes);

  if (fd < 0)
    return -fd;
  if (ftruncate(fd, (off_t)size))
    error = errno;
  close(fd);
  return error;
}
