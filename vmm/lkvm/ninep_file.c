/*
 * 9P2000.L handlers for the file behind a fid: attributes, opening, contents, directory listings,
 * locks. Names and directories are in ninep_tree.c.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "ninep_call.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

/* More parts than Linux's client ever sends (512 KiB of 4 KiB pages, and the header). */
enum { IOV_PARTS = 256 };

/*
 * A descriptor for the fid's file, to look at or to change attributes with. An opened fid still
 * reaches its file after it was unlinked. Close with release().
 */
static int
reach(struct p9_call *call, const struct p9_fid *fid)
{
  return fid->io_fd >= 0 ? fid->io_fd : p9_fs_lookup(&call->server->fs, fid->path);
}

static void
release(const struct p9_fid *fid, int fd)
{
  if (fd != fid->io_fd)
    close(fd);
}

int
p9_do_statfs(struct p9_call *call)
{
  struct p9_fid *fid = p9_call_fid(call, p9_get32(&call->in));
  struct p9_writer *out = &call->out;
  struct statfs fs;
  uint64_t fsid;
  int fd, error;

  if (!p9_whole(&call->in))
    return EPROTO;
  if (!fid)
    return EBADF;
  fd = reach(call, fid);
  if (fd < 0)
    return -fd;
  error = fstatfs(fd, &fs) ? errno : 0;
  release(fid, fd);
  if (error)
    return error;
  memcpy(&fsid, &fs.f_fsid, sizeof fsid);
  p9_put32(out, (uint32_t)fs.f_type);
  p9_put32(out, (uint32_t)fs.f_bsize);
  p9_put64(out, fs.f_blocks);
  p9_put64(out, fs.f_bfree);
  p9_put64(out, fs.f_bavail);
  p9_put64(out, fs.f_files);
  p9_put64(out, fs.f_ffree);
  p9_put64(out, fsid);
  p9_put32(out, (uint32_t)fs.f_namelen);
  return 0;
}

int
p9_do_lopen(struct p9_call *call)
{
  struct p9_server *server = call->server;
  struct p9_fid *fid = p9_call_fid(call, p9_get32(&call->in));
  uint32_t flags = p9_get32(&call->in);
  bool can_write = (flags & P9_OPEN_ACCMODE) != O_RDONLY;
  struct statx attributes;
  int fd;

  if (!p9_whole(&call->in))
    return EPROTO;
  if (!fid)
    return EBADF;
  if (fid->io_fd >= 0 || (flags & P9_OPEN_ACCMODE) == P9_OPEN_ACCMODE)
    return EINVAL;
  if (server->read_only && (can_write || (flags & P9_OPEN_TRUNC)))
    return EROFS;
  if (server->fids.open_count >= server->open_limit)
    return EMFILE;
  fd = p9_fs_open(&server->fs, fid->path, flags, &attributes);
  if (fd < 0)
    return -fd;
  p9_fid_opened(&server->fids, fid, fd, S_ISDIR(attributes.stx_mode), can_write);
  p9_put_qid(&call->out, p9_fs_qid(&server->fs, &attributes));
  p9_put32(&call->out, 0); /* iounit: as much as msize allows */
  return 0;
}

int
p9_do_readlink(struct p9_call *call)
{
  struct p9_fid *fid = p9_call_fid(call, p9_get32(&call->in));
  char target[P9_PATH_BYTES];
  ssize_t length;
  int fd, error;

  if (!p9_whole(&call->in))
    return EPROTO;
  if (!fid)
    return EBADF;
  fd = reach(call, fid);
  if (fd < 0)
    return -fd;
  length = readlinkat(fd, "", target, sizeof target);
  /* On anything but a link the kernel says ENOENT for an empty name; readlink(2) EINVAL. */
  error = length >= 0 ? 0 : errno == ENOENT ? EINVAL : errno;
  release(fid, fd);
  if (!error)
    p9_put_string(&call->out, target, (size_t)length);
  return error;
}

static void
put_time(struct p9_writer *out, struct statx_timestamp time)
{
  p9_put64(out, (uint64_t)time.tv_sec);
  p9_put64(out, time.tv_nsec);
}

int
p9_do_getattr(struct p9_call *call)
{
  struct p9_fid *fid = p9_call_fid(call, p9_get32(&call->in));
  struct p9_writer *out = &call->out;
  struct statx at;
  uint64_t valid = P9_GETATTR_BASIC;
  int fd, error;

  (void)p9_get64(&call->in); /* request_mask: all that we have costs the same */
  if (!p9_whole(&call->in))
    return EPROTO;
  if (!fid)
    return EBADF;
  fd = reach(call, fid);
  if (fd < 0)
    return -fd;
  error = p9_fs_stat(fd, &at);
  release(fid, fd);
  if (error)
    return error;
  if (at.stx_mask & STATX_BTIME)
    valid |= P9_GETATTR_BTIME;
  else
    memset(&at.stx_btime, 0, sizeof at.stx_btime);
  p9_put64(out, valid);
  p9_put_qid(out, p9_fs_qid(&call->server->fs, &at));
  p9_put32(out, at.stx_mode);
  p9_put32(out, at.stx_uid);
  p9_put32(out, at.stx_gid);
  p9_put64(out, at.stx_nlink);
  p9_put64(out, makedev(at.stx_rdev_major, at.stx_rdev_minor));
  p9_put64(out, at.stx_size);
  p9_put64(out, at.stx_blksize);
  p9_put64(out, at.stx_blocks);
  put_time(out, at.stx_atime);
  put_time(out, at.stx_mtime);
  put_time(out, at.stx_ctime);
  put_time(out, at.stx_btime);
  p9_put64(out, 0); /* gen */
  p9_put64(out, 0); /* data_version */
  return 0;
}

/* UTIME_OMIT, UTIME_NOW or the value: one of the two times of a Tsetattr. */
static struct timespec
new_time(uint32_t valid, uint32_t change, uint32_t set, uint64_t sec, uint64_t nsec)
{
  struct timespec time = {.tv_nsec = UTIME_OMIT};

  if ((valid & change) && (valid & set)) {
    time.tv_sec = (time_t)sec;
    /* Never let a wire value be one of the two magic ones. */
    time.tv_nsec = nsec < 1000000000 ? (long)nsec : -1;
  } else if (valid & change) {
    time.tv_nsec = UTIME_NOW;
  }
  return time;
}

int
p9_do_setattr(struct p9_call *call)
{
  struct p9_reader *in = &call->in;
  struct p9_fid *fid = p9_call_fid(call, p9_get32(in));
  uint32_t valid = p9_get32(in), mode = p9_get32(in), uid = p9_get32(in), gid = p9_get32(in);
  uint64_t size = p9_get64(in);
  uint64_t atime_sec = p9_get64(in), atime_nsec = p9_get64(in);
  uint64_t mtime_sec = p9_get64(in), mtime_nsec = p9_get64(in);
  int fd, error = 0;

  if (!p9_whole(in))
    return EPROTO;
  if (!fid)
    return EBADF;
  fd = reach(call, fid);
  if (fd < 0)
    return -fd;
  /* Owner before mode: a change of owner clears the set-id bits. Times last, for the size. */
  if (valid & (P9_SETATTR_UID | P9_SETATTR_GID))
    error = p9_fs_chown(fd, valid & P9_SETATTR_UID ? uid : P9_NONUNAME,
                        valid & P9_SETATTR_GID ? gid : P9_NONUNAME);
  if (!error && (valid & P9_SETATTR_SIZE)) {
    if (fid->io_fd >= 0 && fid->io_can_write)
      error = ftruncate(fid->io_fd, (off_t)size) ? errno : 0;
    else
      error = p9_fs_truncate(&call->server->fs, fid->path, size);
  }
  if (!error && (valid & P9_SETATTR_MODE))
    error = p9_fs_chmod(fd, mode);
  if (!error && (valid & (P9_SETATTR_ATIME | P9_SETATTR_MTIME))) {
    struct timespec times[2] = {
        new_time(valid, P9_SETATTR_ATIME, P9_SETATTR_ATIME_SET, atime_sec, atime_nsec),
        new_time(valid, P9_SETATTR_MTIME, P9_SETATTR_MTIME_SET, mtime_sec, mtime_nsec),
    };

    error = p9_fs_set_times(fd, times);
  }
  release(fid, fd);
  return error;
}

/* The kernel's directory records; no C library declares them under one name. */
struct kernel_dirent {
  uint64_t inode;
  int64_t next_offset;
  uint16_t record_bytes;
  uint8_t type;
  char name[];
};

/* Appends entries until `stop`; returns 1 when the next one does not fit, else 0. */
static int
put_entries(struct p9_call *call, const struct statx *directory, const uint8_t *records,
            size_t bytes, const uint8_t *stop)
{
  struct p9_writer *out = &call->out;

  for (size_t at = 0; at < bytes;) {
    const struct kernel_dirent *entry = (const void *)(records + at);
    size_t name_length = strlen(entry->name);

    if ((size_t)(stop - out->at) < 13 + 8 + 1 + 2 + name_length)
      return 1;
    p9_put_qid(out, p9_fs_entry_qid(&call->server->fs, directory, entry->inode, entry->type));
    p9_put64(out, (uint64_t)entry->next_offset);
    p9_put8(out, entry->type);
    p9_put_string(out, entry->name, name_length);
    at += entry->record_bytes;
  }
  return 0;
}

int
p9_do_readdir(struct p9_call *call)
{
  struct p9_fid *fid = p9_call_fid(call, p9_get32(&call->in));
  uint64_t offset = p9_get64(&call->in);
  uint32_t count = p9_get32(&call->in);
  _Alignas(struct kernel_dirent) uint8_t records[16384];
  uint8_t *count_at = call->out.at, *data;
  struct statx directory;
  size_t room;
  long bytes;
  int error, full = 0;

  if (!p9_whole(&call->in))
    return EPROTO;
  if (!fid || fid->io_fd < 0)
    return EBADF;
  if (!fid->io_is_dir)
    return ENOTDIR;
  /* Each request starts at its offset again: the last one may have stopped inside a batch. */
  if (lseek(fid->io_fd, (off_t)offset, SEEK_SET) < 0)
    return errno;
  error = p9_fs_stat(fid->io_fd, &directory);
  if (error)
    return error;
  p9_put32(&call->out, 0);
  if (call->out.bad)
    return EMSGSIZE;
  data = call->out.at;
  room = (size_t)(call->out.end - data);
  if (count < room)
    room = count;
  do {
    bytes = syscall(SYS_getdents64, fid->io_fd, records, sizeof records);
    if (bytes < 0 && call->out.at == data)
      return errno;
    if (bytes <= 0)
      break;
    full = put_entries(call, &directory, records, (size_t)bytes, data + room);
  } while (!full);
  /* An empty reply means the end, so too small a buffer must be an error (getdents(2)). */
  if (full && call->out.at == data)
    return EINVAL;
  p9_patch32(count_at, (uint32_t)(call->out.at - data));
  return 0;
}

int
p9_do_fsync(struct p9_call *call)
{
  struct p9_fid *fid = p9_call_fid(call, p9_get32(&call->in));
  uint32_t data_only = p9_get32(&call->in);

  if (!p9_whole(&call->in))
    return EPROTO;
  if (!fid || fid->io_fd < 0)
    return EBADF;
  return (data_only ? fdatasync(fid->io_fd) : fsync(fid->io_fd)) ? errno : 0;
}

/* The guest's kernel keeps its own record locks; there is nobody else to exclude. */
int
p9_do_lock(struct p9_call *call)
{
  struct p9_reader *in = &call->in;
  struct p9_fid *fid = p9_call_fid(call, p9_get32(in));
  char client[P9_NAME_BYTES];

  (void)p9_get8(in);  /* type */
  (void)p9_get32(in); /* flags */
  (void)p9_get64(in); /* start */
  (void)p9_get64(in); /* length */
  (void)p9_get32(in); /* proc_id */
  p9_get_string(in, client, sizeof client);
  if (!p9_whole(in))
    return EPROTO;
  if (!fid)
    return EBADF;
  p9_put8(&call->out, P9_LOCK_SUCCESS);
  return 0;
}

int
p9_do_getlock(struct p9_call *call)
{
  struct p9_reader *in = &call->in;
  struct p9_fid *fid = p9_call_fid(call, p9_get32(in));
  char client[P9_NAME_BYTES];
  uint64_t start, length;
  uint32_t proc_id;

  (void)p9_get8(in); /* type */
  start = p9_get64(in);
  length = p9_get64(in);
  proc_id = p9_get32(in);
  p9_get_string(in, client, sizeof client);
  if (!p9_whole(in))
    return EPROTO;
  if (!fid)
    return EBADF;
  p9_put8(&call->out, P9_LOCK_TYPE_UNLCK); /* nothing is in the way */
  p9_put64(&call->out, start);
  p9_put64(&call->out, length);
  p9_put32(&call->out, proc_id);
  p9_put_string(&call->out, client, strlen(client));
  return 0;
}

int
p9_do_read(struct p9_call *call)
{
  struct p9_fid *fid = p9_call_fid(call, p9_get32(&call->in));
  uint64_t offset = p9_get64(&call->in);
  uint32_t count = p9_get32(&call->in);
  struct iovec part[IOV_PARTS];
  ssize_t done;
  int parts;

  if (!p9_whole(&call->in))
    return EPROTO;
  if (!fid || fid->io_fd < 0)
    return EBADF;
  if (fid->io_is_dir)
    return EISDIR;
  if (count > call->reply_bytes - P9_RREAD_BYTES)
    count = (uint32_t)(call->reply_bytes - P9_RREAD_BYTES);
  parts = p9_iov_slice(part, IOV_PARTS, call->reply, call->reply_count, P9_RREAD_BYTES, count);
  done = preadv(fid->io_fd, part, parts, (off_t)offset);
  if (done < 0)
    return errno;
  p9_put32(&call->out, (uint32_t)done);
  call->direct_bytes = (size_t)done;
  return 0;
}

int
p9_do_write(struct p9_call *call)
{
  struct p9_fid *fid = p9_call_fid(call, p9_get32(&call->in));
  uint64_t offset = p9_get64(&call->in);
  uint32_t count = p9_get32(&call->in);
  struct iovec part[IOV_PARTS];
  ssize_t done;
  int parts;

  /*
	 * The buffers bound the data, not size[4]: older Linux clients leave data that virtio
	 * carries in separate pages out of it.
	 */
  if (!p9_whole(&call->in) || count > call->request_bytes - P9_TWRITE_BYTES)
    return EPROTO;
  if (!fid || fid->io_fd < 0)
    return EBADF;
  parts = p9_iov_slice(part, IOV_PARTS, call->request, call->request_count, P9_TWRITE_BYTES, count);
  done = pwritev(fid->io_fd, part, parts, (off_t)offset);
  if (done < 0)
    return errno;
  p9_put32(&call->out, (uint32_t)done);
  return 0;
}
