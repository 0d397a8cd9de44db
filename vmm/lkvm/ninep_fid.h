/*
 * Fids: the guest's handles for files (intro(5), "Fids").
 *
 * A fid names a file by its path below the root ("" is the root itself, else "a/b"), not by an open
 * descriptor: with cache=loose Linux keeps one fid for every cached name, far more than a process
 * may hold descriptors. Only an opened fid (Tlopen, Tlcreate) owns a descriptor.
 */
#ifndef LKVM_NINEP_FID_H
#define LKVM_NINEP_FID_H

#include "ninep_proto.h"

/* What one guest may make the server remember. */
enum { P9_FID_LIMIT = 65536, P9_FID_PATH_BYTES_LIMIT = 32 << 20, P9_FID_BUCKETS = 1024 };

struct p9_fid {
  uint32_t id;
  uint32_t uid; /* n_uname of the Tattach it descends from: owner of what it creates */
  char *path;
  int io_fd; /* -1 until opened */
  bool io_is_dir;
  bool io_can_write;
  struct p9_fid *next;
};

struct p9_fid_table {
  struct p9_fid *bucket[P9_FID_BUCKETS];
  size_t count;
  size_t path_bytes;
  size_t open_count;
};

struct p9_fid *p9_fid_find(struct p9_fid_table *table, uint32_t id);
/* 0, or EINVAL if `id` is in use or no fid number, EMFILE over a limit, ENOMEM. */
int p9_fid_add(struct p9_fid_table *table, uint32_t id, uint32_t uid, const char *path,
               struct p9_fid **added);
int p9_fid_set_path(struct p9_fid_table *table, struct p9_fid *fid, const char *path);
void p9_fid_opened(struct p9_fid_table *table, struct p9_fid *fid, int io_fd, bool is_dir,
                   bool can_write);
void p9_fid_clunk(struct p9_fid_table *table, struct p9_fid *fid);
void p9_fid_clunk_all(struct p9_fid_table *table);
/* After `from` became `to`: every fid at or below `from` follows. */
void p9_fid_moved(struct p9_fid_table *table, const char *from, const char *to);

#endif
