/* The table of fids: a hash by number, limits, and renames. See ninep_fid.h. */
#include "ninep_fid.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct p9_fid **
bucket_of(struct p9_fid_table *table, uint32_t id)
{
  return &table->bucket[id % P9_FID_BUCKETS];
}

struct p9_fid *
p9_fid_find(struct p9_fid_table *table, uint32_t id)
{
  struct p9_fid *fid = *bucket_of(table, id);

  while (fid && fid->id != id)
    fid = fid->next;
  return fid;
}

int
p9_fid_add(struct p9_fid_table *table, uint32_t id, uint32_t uid, const char *path,
           struct p9_fid **added)
{
  struct p9_fid *fid;
  int error;

  if (id == P9_NOFID || p9_fid_find(table, id))
    return EINVAL;
  if (table->count >= P9_FID_LIMIT)
    return EMFILE;
  fid = calloc(1, sizeof *fid);
  if (!fid)
    return ENOMEM;
  fid->id = id;
  fid->uid = uid;
  fid->io_fd = -1;
  error = p9_fid_set_path(table, fid, path);
  if (error) {
    free(fid);
    return error;
  }
  fid->next = *bucket_of(table, id);
  *bucket_of(table, id) = fid;
  table->count++;
  if (added)
    *added = fid;
  return 0;
}

int
p9_fid_set_path(struct p9_fid_table *table, struct p9_fid *fid, const char *path)
{
  size_t old_bytes = fid->path ? strlen(fid->path) + 1 : 0;
  size_t new_bytes = strlen(path) + 1;
  char *copy;

  if (table->path_bytes - old_bytes + new_bytes > P9_FID_PATH_BYTES_LIMIT)
    return EMFILE;
  copy = malloc(new_bytes);
  if (!copy)
    return ENOMEM;
  memcpy(copy, path, new_bytes);
  free(fid->path);
  fid->path = copy;
  table->path_bytes += new_bytes - old_bytes;
  return 0;
}

void
p9_fid_opened(struct p9_fid_table *table, struct p9_fid *fid, int io_fd, bool is_dir,
              bool can_write)
{
  fid->io_fd = io_fd;
  fid->io_is_dir = is_dir;
  fid->io_can_write = can_write;
  table->open_count++;
}

void
p9_fid_clunk(struct p9_fid_table *table, struct p9_fid *fid)
{
  struct p9_fid **link = bucket_of(table, fid->id);

  while (*link != fid)
    link = &(*link)->next;
  *link = fid->next;
  if (fid->io_fd >= 0) {
    close(fid->io_fd);
    table->open_count--;
  }
  table->path_bytes -= strlen(fid->path) + 1;
  table->count--;
  free(fid->path);
  free(fid);
}

void
p9_fid_clunk_all(struct p9_fid_table *table)
{
  for (size_t i = 0; i < P9_FID_BUCKETS; i++)
    while (table->bucket[i])
      p9_fid_clunk(table, table->bucket[i]);
}

void
p9_fid_moved(struct p9_fid_table *table, const char *from, const char *to)
{
  size_t from_length = strlen(from);
  char path[P9_PATH_BYTES];

  for (size_t i = 0; i < P9_FID_BUCKETS; i++) {
    for (struct p9_fid *fid = table->bucket[i]; fid; fid = fid->next) {
      const char *rest = fid->path + from_length;

      if (strncmp(fid->path, from, from_length) != 0 || (*rest && *rest != '/'))
        continue;
      /* Too long or no memory leaves the old name: later uses answer ENOENT. */
      if (snprintf(path, sizeof path, "%s%s", to, rest) < (int)sizeof path)
        (void)p9_fid_set_path(table, fid, path);
    }
  }
}
