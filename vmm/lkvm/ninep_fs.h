/*
 * The host's side of the 9P server: files below one root directory.
 *
 * The guest is untrusted, and so is every path that it builds. A path goes to the host kernel only
 * through openat2(2) with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS, or as one
 * checked name relative to a directory opened that way. So the server never follows a symbolic
 * link, not even one that another process swaps in meanwhile; the guest's own kernel reads links
 * with Treadlink and walks them itself.
 * Only regular files and directories are ever opened: a device node or FIFO in the shared tree
 * must not give the guest the host's device, nor block the server.
 *
 * Functions that yield a descriptor return it or a negative errno; others 0 or a positive errno.
 */
#ifndef LKVM_NINEP_FS_H
#define LKVM_NINEP_FS_H

#include "ninep_proto.h"

#include <linux/stat.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

struct p9_fs {
  int root_fd;
  uint16_t root_device; /* folded device number, see p9_fs_qid() */
  bool may_chown;       /* running as root: give new files to the guest's user */
};

/* Who a new file belongs to; P9_NONUNAME leaves the server's own. */
struct p9_owner {
  uint32_t uid, gid;
};

int p9_fs_open_root(struct p9_fs *fs, const char *root);
void p9_fs_close_root(struct p9_fs *fs);

/* A single path component: not empty, ".", "..", longer than NAME_MAX, nor with a slash. */
bool p9_fs_name_ok(const char *name);
/* directory + "/" + name into `path` (P9_PATH_BYTES): 0 or ENAMETOOLONG. */
int p9_fs_join(char *path, const char *directory, const char *name);

/* An O_PATH descriptor for the file itself (a symbolic link, too). */
int p9_fs_lookup(const struct p9_fs *fs, const char *path);
/* One step of a walk from an O_PATH descriptor; `name` must be p9_fs_name_ok(). */
int p9_fs_step(int directory_fd, const char *name);
/* An O_PATH descriptor for the directory that holds `path`, and the last component. */
int p9_fs_parent(const struct p9_fs *fs, const char *path, const char **name);

int p9_fs_stat(int fd, struct statx *attributes);
int p9_fs_stat_name(int directory_fd, const char *name, struct statx *attributes);
struct p9_qid p9_fs_qid(const struct p9_fs *fs, const struct statx *attributes);
/* The qid that a directory entry has: its version is not known there and is 0. */
struct p9_qid p9_fs_entry_qid(const struct p9_fs *fs, const struct statx *directory, uint64_t inode,
                              uint8_t dirent_type);

/* Opens a regular file or directory with the P9_OPEN_* flags. */
int p9_fs_open(const struct p9_fs *fs, const char *path, uint32_t flags, struct statx *attributes);
int p9_fs_create(const struct p9_fs *fs, int directory_fd, const char *name, uint32_t flags,
                 mode_t mode, struct p9_owner owner);
int p9_fs_mkdir(const struct p9_fs *fs, int directory_fd, const char *name, mode_t mode,
                struct p9_owner owner);
int p9_fs_symlink(const struct p9_fs *fs, int directory_fd, const char *name, const char *target,
                  struct p9_owner owner);
/* Regular files, FIFOs and sockets; EPERM for device nodes, which only the host should make. */
int p9_fs_mknod(const struct p9_fs *fs, int directory_fd, const char *name, mode_t mode,
                struct p9_owner owner);
int p9_fs_rename(const struct p9_fs *fs, const char *from, const char *to);
int p9_fs_unlink(const struct p9_fs *fs, const char *path, bool directory);
int p9_fs_link(const struct p9_fs *fs, const char *from, int directory_fd, const char *name);

/* These take an O_PATH or an open descriptor. */
int p9_fs_chmod(int fd, mode_t mode);
int p9_fs_chown(int fd, uint32_t uid, uint32_t gid);
int p9_fs_set_times(int fd, const struct timespec times[2]);
int p9_fs_truncate(const struct p9_fs *fs, const char *path, uint64_t size);

#endif
