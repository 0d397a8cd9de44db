/*
 * One 9P request under way, as the dispatcher (ninep_server.c) hands it to the handlers
 * (ninep_file.c: the files behind fids; ninep_tree.c: names and directories).
 *
 * A handler reads its fields from `in`, writes the body of its reply to `out` and returns 0 or a
 * positive errno, which becomes an Rlerror.
 */
#ifndef LKVM_NINEP_CALL_H
#define LKVM_NINEP_CALL_H

#include "ninep_fid.h"
#include "ninep_fs.h"
#include "ninep_proto.h"

#include <pthread.h>
#include <sys/uio.h>

/* Holds any request without its Twrite data: the longest is a Twalk of 16 full names. */
enum { P9_REQUEST_BYTES = 8192 };

struct p9_server {
  pthread_mutex_t lock;
  struct p9_fs fs;
  struct p9_fid_table fids;
  bool read_only;
  size_t open_limit;
  uint32_t msize; /* 0 until Tversion */
  uint8_t request[P9_REQUEST_BYTES];
  uint8_t *reply; /* P9_MSIZE_MAX bytes */
};

struct p9_call {
  struct p9_server *server;
  struct p9_reader in;
  struct p9_writer out;
  const struct iovec *request;
  int request_count;
  size_t request_bytes;
  const struct iovec *reply;
  int reply_count;
  size_t reply_bytes;  /* room: what the guest gave, at most msize */
  size_t direct_bytes; /* data that a handler put into `reply` behind `out` by itself */
};

/* The fid that `id` names, or NULL. */
struct p9_fid *p9_call_fid(struct p9_call *call, uint32_t id);
/* Fills `slice` with what follows the first `skip` bytes, at most `limit` bytes of it. */
int p9_iov_slice(struct iovec *slice, int slice_count, const struct iovec *from, int from_count,
                 size_t skip, size_t limit);

int p9_do_statfs(struct p9_call *call);
int p9_do_lopen(struct p9_call *call);
int p9_do_readlink(struct p9_call *call);
int p9_do_getattr(struct p9_call *call);
int p9_do_setattr(struct p9_call *call);
int p9_do_readdir(struct p9_call *call);
int p9_do_fsync(struct p9_call *call);
int p9_do_lock(struct p9_call *call);
int p9_do_getlock(struct p9_call *call);
int p9_do_read(struct p9_call *call);
int p9_do_write(struct p9_call *call);

int p9_do_attach(struct p9_call *call);
int p9_do_walk(struct p9_call *call);
int p9_do_clunk(struct p9_call *call);
int p9_do_remove(struct p9_call *call);
int p9_do_lcreate(struct p9_call *call);
int p9_do_symlink(struct p9_call *call);
int p9_do_mknod(struct p9_call *call);
int p9_do_mkdir(struct p9_call *call);
int p9_do_link(struct p9_call *call);
int p9_do_rename(struct p9_call *call);
int p9_do_renameat(struct p9_call *call);
int p9_do_unlinkat(struct p9_call *call);

#endif
