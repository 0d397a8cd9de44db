/*
 * 9P2000.L handlers for names: attach, walk, create, rename, unlink. What a fid's file contains is
 * in ninep_file.c.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "ninep_call.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Reads the last fields of a message that creates a name: dfid[4] name[s] come before them. */
struct new_name {
  struct p9_fid *directory;
  char name[P9_NAME_BYTES];
};

static struct new_name
get_new_name(struct p9_call *call)
{
  struct new_name new = {.directory = p9_call_fid(call, p9_get32(&call->in))};

  p9_get_string(&call->in, new.name, sizeof new.name);
  return new;
}

/* An O_PATH descriptor for the directory, once message, fid and name are found to be good. */
static int
open_directory(struct p9_call *call, const struct new_name *new)
{
  if (!p9_whole(&call->in))
    return -EPROTO;
  if (!new->directory)
    return -EBADF;
  if (!p9_fs_name_ok(new->name))
    return -EINVAL;
  return p9_fs_lookup(&call->server->fs, new->directory->path);
}

/* Ends a creation: answers with the new file's qid and closes the directory. */
static int
reply_qid(struct p9_call *call, int directory_fd, const char *name, int error)
{
  struct statx attributes;

  if (!error)
    error = p9_fs_stat_name(directory_fd, name, &attributes);
  if (!error)
    p9_put_qid(&call->out, p9_fs_qid(&call->server->fs, &attributes));
  close(directory_fd);
  return error;
}

int
p9_do_attach(struct p9_call *call)
{
  struct p9_server *server = call->server;
  uint32_t id = p9_get32(&call->in), afid = p9_get32(&call->in), uid;
  char user[P9_NAME_BYTES], tree[P9_PATH_BYTES];
  struct statx attributes;
  int error;

  p9_get_string(&call->in, user, sizeof user);
  p9_get_string(&call->in, tree, sizeof tree);
  uid = p9_get32(&call->in);
  if (!p9_whole(&call->in))
    return EPROTO;
  if (afid != P9_NOFID)
    return EINVAL; /* we never hand out an afid */
  if (*tree && strcmp(tree, "/") != 0)
    return ENOENT; /* one tree only */
  error = p9_fs_stat(server->fs.root_fd, &attributes);
  if (!error)
    error = p9_fid_add(&server->fids, id, uid, "", NULL);
  if (!error)
    p9_put_qid(&call->out, p9_fs_qid(&server->fs, &attributes));
  return error;
}

/* One element of a walk: moves `path` and `*fd` on. Returns 0 or an errno, leaving `*fd` open. */
static int
walk_element(struct p9_server *server, char *path, int *fd, const char *name)
{
  char longer[P9_PATH_BYTES];
  int next, error;

  if (strcmp(name, "..") == 0) {
    char *slash = strrchr(path, '/');

    if (!*path)
      return EACCES; /* there is nothing above the root */
    *(slash ? slash : path) = '\0';
    next = p9_fs_lookup(&server->fs, path);
  } else {
    if (!p9_fs_name_ok(name))
      return EINVAL;
    error = p9_fs_join(longer, path, name);
    if (error)
      return error;
    next = p9_fs_step(*fd, name);
    if (next >= 0)
      strcpy(path, longer);
  }
  if (next < 0)
    return -next;
  close(*fd);
  *fd = next;
  return 0;
}

/* walk(5): a failing first element is an error; a later one shortens the reply. */
static int
walk(struct p9_call *call, char *path, char name[][P9_NAME_BYTES], uint16_t count, uint16_t *walked)
{
  struct p9_server *server = call->server;
  struct statx attributes;
  int error = 0, fd = p9_fs_lookup(&server->fs, path);

  if (fd < 0)
    return -fd;
  for (*walked = 0; *walked < count; ++*walked) {
    error = walk_element(server, path, &fd, name[*walked]);
    if (!error)
      error = p9_fs_stat(fd, &attributes);
    if (error)
      break;
    p9_put_qid(&call->out, p9_fs_qid(&server->fs, &attributes));
  }
  close(fd);
  return *walked == 0 ? error : 0;
}

int
p9_do_walk(struct p9_call *call)
{
  struct p9_fid_table *fids = &call->server->fids;
  struct p9_fid *fid = p9_call_fid(call, p9_get32(&call->in));
  uint32_t new_id = p9_get32(&call->in);
  uint16_t count = p9_get16(&call->in), walked = 0;
  char name[P9_MAX_WALK][P9_NAME_BYTES], path[P9_PATH_BYTES];
  uint8_t *count_at = call->out.at;
  int error;

  if (count > P9_MAX_WALK)
    return EINVAL;
  for (uint16_t i = 0; i < count; i++)
    p9_get_string(&call->in, name[i], sizeof name[i]);
  if (!p9_whole(&call->in))
    return EPROTO;
  if (!fid)
    return EBADF;
  if (new_id == fid->id ? fid->io_fd >= 0 : p9_call_fid(call, new_id) != NULL)
    return EINVAL;
  p9_put16(&call->out, 0);
  strcpy(path, fid->path);
  error = count ? walk(call, path, name, count, &walked) : 0;
  if (error)
    return error;
  if (call->out.bad)
    return EMSGSIZE;
  p9_patch16(count_at, walked);
  if (walked < count)
    return 0; /* newfid stays as it was */
  if (new_id == fid->id)
    return p9_fid_set_path(fids, fid, path);
  return p9_fid_add(fids, new_id, fid->uid, path, NULL);
}

int
p9_do_clunk(struct p9_call *call)
{
  struct p9_fid *fid = p9_call_fid(call, p9_get32(&call->in));

  if (!p9_whole(&call->in))
    return EPROTO;
  if (!fid)
    return EBADF;
  p9_fid_clunk(&call->server->fids, fid);
  return 0;
}

/* remove(5): the fid is clunked even if the remove fails. */
int
p9_do_remove(struct p9_call *call)
{
  struct p9_server *server = call->server;
  struct p9_fid *fid = p9_call_fid(call, p9_get32(&call->in));
  int error = EROFS;

  if (!p9_whole(&call->in))
    return EPROTO;
  if (!fid)
    return EBADF;
  if (!server->read_only) {
    error = p9_fs_unlink(&server->fs, fid->path, false);
    if (error == EISDIR || error == EPERM)
      error = p9_fs_unlink(&server->fs, fid->path, true);
  }
  p9_fid_clunk(&server->fids, fid);
  return error;
}

int
p9_do_lcreate(struct p9_call *call)
{
  struct p9_server *server = call->server;
  struct new_name new = get_new_name(call);
  uint32_t flags = p9_get32(&call->in), mode = p9_get32(&call->in), gid = p9_get32(&call->in);
  int directory_fd = open_directory(call, &new), fd, error;
  char path[P9_PATH_BYTES];
  struct statx attributes;

  if (directory_fd < 0)
    return -directory_fd;
  error = p9_fs_join(path, new.directory->path, new.name);
  if (new.directory->io_fd >= 0 || (flags & P9_OPEN_ACCMODE) == P9_OPEN_ACCMODE)
    error = EINVAL;
  if (!error && server->fids.open_count >= server->open_limit)
    error = EMFILE;
  if (error) {
    close(directory_fd);
    return error;
  }
  fd = p9_fs_create(&server->fs, directory_fd, new.name, flags, mode,
                    (struct p9_owner){new.directory->uid, gid});
  close(directory_fd);
  if (fd < 0)
    return -fd;
  error = p9_fs_stat(fd, &attributes);
  if (!error)
    error = p9_fid_set_path(&server->fids, new.directory, path);
  if (error) {
    close(fd);
    return error;
  }
  /* From here on the fid is the new file's, no longer the directory's. */
  p9_fid_opened(&server->fids, new.directory, fd, false, (flags & P9_OPEN_ACCMODE) != O_RDONLY);
  p9_put_qid(&call->out, p9_fs_qid(&server->fs, &attributes));
  p9_put32(&call->out, 0); /* iounit: as much as msize allows */
  return 0;
}

int
p9_do_symlink(struct p9_call *call)
{
  struct new_name new = get_new_name(call);
  char target[P9_PATH_BYTES];
  uint32_t gid;
  int fd, error;

  p9_get_string(&call->in, target, sizeof target);
  gid = p9_get32(&call->in);
  fd = open_directory(call, &new);
  if (fd < 0)
    return -fd;
  error = p9_fs_symlink(&call->server->fs, fd, new.name, target,
                        (struct p9_owner){new.directory->uid, gid});
  return reply_qid(call, fd, new.name, error);
}

int
p9_do_mknod(struct p9_call *call)
{
  struct new_name new = get_new_name(call);
  uint32_t mode = p9_get32(&call->in), gid;
  int fd, error;

  (void)p9_get32(&call->in); /* major */
  (void)p9_get32(&call->in); /* minor */
  gid = p9_get32(&call->in);
  fd = open_directory(call, &new);
  if (fd < 0)
    return -fd;
  error = p9_fs_mknod(&call->server->fs, fd, new.name, mode,
                      (struct p9_owner){new.directory->uid, gid});
  return reply_qid(call, fd, new.name, error);
}

int
p9_do_mkdir(struct p9_call *call)
{
  struct new_name new = get_new_name(call);
  uint32_t mode = p9_get32(&call->in), gid = p9_get32(&call->in);
  int error, fd = open_directory(call, &new);

  if (fd < 0)
    return -fd;
  error = p9_fs_mkdir(&call->server->fs, fd, new.name, mode,
                      (struct p9_owner){new.directory->uid, gid});
  return reply_qid(call, fd, new.name, error);
}

int
p9_do_link(struct p9_call *call)
{
  struct p9_fid *directory = p9_call_fid(call, p9_get32(&call->in));
  struct p9_fid *fid = p9_call_fid(call, p9_get32(&call->in));
  struct new_name new = {.directory = directory};
  int fd, error;

  p9_get_string(&call->in, new.name, sizeof new.name);
  fd = open_directory(call, &new);
  if (fd < 0)
    return -fd;
  error = fid ? p9_fs_link(&call->server->fs, fid->path, fd, new.name) : EBADF;
  close(fd);
  return error;
}

static int
rename_path(struct p9_server *server, const char *from, const struct new_name *to)
{
  /* A copy: the fid that `from` belongs to gets its new path while we go over the table. */
  char old_path[P9_PATH_BYTES], new_path[P9_PATH_BYTES];
  int error;

  if (!to->directory)
    return EBADF;
  if (!p9_fs_name_ok(to->name))
    return EINVAL;
  strcpy(old_path, from);
  error = p9_fs_join(new_path, to->directory->path, to->name);
  if (!error)
    error = p9_fs_rename(&server->fs, old_path, new_path);
  if (!error)
    p9_fid_moved(&server->fids, old_path, new_path);
  return error;
}

int
p9_do_rename(struct p9_call *call)
{
  struct p9_fid *fid = p9_call_fid(call, p9_get32(&call->in));
  struct new_name to = get_new_name(call);

  if (!p9_whole(&call->in))
    return EPROTO;
  if (!fid)
    return EBADF;
  return rename_path(call->server, fid->path, &to);
}

int
p9_do_renameat(struct p9_call *call)
{
  struct new_name from = get_new_name(call), to = get_new_name(call);
  char path[P9_PATH_BYTES];
  int error;

  if (!p9_whole(&call->in))
    return EPROTO;
  if (!from.directory)
    return EBADF;
  if (!p9_fs_name_ok(from.name))
    return EINVAL;
  error = p9_fs_join(path, from.directory->path, from.name);
  return error ? error : rename_path(call->server, path, &to);
}

int
p9_do_unlinkat(struct p9_call *call)
{
  struct new_name gone = get_new_name(call);
  uint32_t flags = p9_get32(&call->in);
  int error = 0, fd = open_directory(call, &gone);

  if (fd < 0)
    return -fd;
  if (unlinkat(fd, gone.name, flags & P9_AT_REMOVEDIR ? AT_REMOVEDIR : 0))
    error = errno;
  close(fd);
  return error;
}
