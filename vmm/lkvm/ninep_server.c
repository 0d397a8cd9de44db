/*
 * The 9P2000.L dispatcher: takes a request out of the guest's buffers, finds its handler, and puts
 * the reply or an Rlerror back. See ninep_server.h; the handlers are in ninep_file.c and
 * ninep_tree.c.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "ninep_server.h"

#include "ninep_call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

struct p9_server *
p9_server_new(const char *root, bool read_only)
{
  struct p9_server *server = calloc(1, sizeof *server);
  struct rlimit files = {.rlim_cur = 1024};
  int error;

  if (!server)
    return NULL;
  server->reply = malloc(P9_MSIZE_MAX);
  error = server->reply ? p9_fs_open_root(&server->fs, root) : ENOMEM;
  if (error) {
    free(server->reply);
    free(server);
    errno = error;
    return NULL;
  }
  server->read_only = read_only;
  /* The rest of the process needs descriptors, too: half of them are for the guest's files. */
  getrlimit(RLIMIT_NOFILE, &files);
  server->open_limit = files.rlim_cur / 2;
  pthread_mutex_init(&server->lock, NULL);
  umask(0);
  return server;
}

void
p9_server_free(struct p9_server *server)
{
  if (!server)
    return;
  p9_fid_clunk_all(&server->fids);
  p9_fs_close_root(&server->fs);
  pthread_mutex_destroy(&server->lock);
  free(server->reply);
  free(server);
}

struct p9_fid *
p9_call_fid(struct p9_call *call, uint32_t id)
{
  return p9_fid_find(&call->server->fids, id);
}

static size_t
iov_bytes(const struct iovec *iov, int count)
{
  size_t bytes = 0;

  for (int i = 0; i < count; i++) {
    if (iov[i].iov_len > SIZE_MAX - bytes)
      return SIZE_MAX;
    bytes += iov[i].iov_len;
  }
  return bytes;
}

int
p9_iov_slice(struct iovec *slice, int slice_count, const struct iovec *from, int from_count,
             size_t skip, size_t limit)
{
  int used = 0;

  for (int i = 0; i < from_count && used < slice_count && limit > 0; i++) {
    size_t length = from[i].iov_len;

    if (skip >= length) {
      skip -= length;
      continue;
    }
    length -= skip;
    if (length > limit)
      length = limit;
    slice[used].iov_base = (uint8_t *)from[i].iov_base + skip;
    slice[used].iov_len = length;
    used++;
    skip = 0;
    limit -= length;
  }
  return used;
}

static size_t
gather(uint8_t *to, size_t capacity, const struct iovec *from, int count)
{
  size_t done = 0;

  for (int i = 0; i < count && done < capacity; i++) {
    size_t length = from[i].iov_len;

    if (length > capacity - done)
      length = capacity - done;
    if (length)
      memcpy(to + done, from[i].iov_base, length);
    done += length;
  }
  return done;
}

static void
scatter(const struct iovec *to, int count, const uint8_t *from, size_t bytes)
{
  for (int i = 0; i < count && bytes > 0; i++) {
    size_t length = to[i].iov_len < bytes ? to[i].iov_len : bytes;

    if (length)
      memcpy(to[i].iov_base, from, length);
    from += length;
    bytes -= length;
  }
}

/* version(5): starts a session anew, and settles the size of messages. */
static int
do_version(struct p9_call *call)
{
  static const char ours[] = "9P2000.L";
  struct p9_server *server = call->server;
  char version[P9_NAME_BYTES];
  uint32_t msize = p9_get32(&call->in);
  bool known;

  p9_get_string(&call->in, version, sizeof version);
  if (!p9_whole(&call->in))
    return EPROTO;
  if (msize < P9_MSIZE_MIN)
    return EMSGSIZE;
  if (msize > P9_MSIZE_MAX)
    msize = P9_MSIZE_MAX;
  known = strcmp(version, ours) == 0;
  p9_fid_clunk_all(&server->fids);
  server->msize = known ? msize : 0;
  p9_put32(&call->out, msize);
  p9_put_string(&call->out, known ? ours : "unknown", strlen(known ? ours : "unknown"));
  return 0;
}

/* flush(5): each request is answered before the next is taken, so there is none to abort. */
static int
do_flush(struct p9_call *call)
{
  (void)p9_get16(&call->in);
  return p9_whole(&call->in) ? 0 : EPROTO;
}

/* Tauth: an error says that no authentication is needed (attach(5)). Extended attributes: none. */
static int
do_refuse(struct p9_call *call)
{
  (void)call;
  return EOPNOTSUPP;
}

struct operation {
  int (*handle)(struct p9_call *call);
  bool changes; /* refused with EROFS by a read-only server */
};

static const struct operation operations[256] = {
    [P9_TVERSION] = {do_version, false},
    [P9_TAUTH] = {do_refuse, false},
    [P9_TATTACH] = {p9_do_attach, false},
    [P9_TFLUSH] = {do_flush, false},
    [P9_TWALK] = {p9_do_walk, false},
    [P9_TCLUNK] = {p9_do_clunk, false},
    [P9_TREMOVE] = {p9_do_remove, false}, /* must clunk its fid even if refused */
    [P9_TLCREATE] = {p9_do_lcreate, true},
    [P9_TSYMLINK] = {p9_do_symlink, true},
    [P9_TMKNOD] = {p9_do_mknod, true},
    [P9_TMKDIR] = {p9_do_mkdir, true},
    [P9_TLINK] = {p9_do_link, true},
    [P9_TRENAME] = {p9_do_rename, true},
    [P9_TRENAMEAT] = {p9_do_renameat, true},
    [P9_TUNLINKAT] = {p9_do_unlinkat, true},
    [P9_TSTATFS] = {p9_do_statfs, false},
    [P9_TLOPEN] = {p9_do_lopen, false}, /* looks at the access mode itself */
    [P9_TREADLINK] = {p9_do_readlink, false},
    [P9_TGETATTR] = {p9_do_getattr, false},
    [P9_TSETATTR] = {p9_do_setattr, true},
    [P9_TXATTRWALK] = {do_refuse, false},
    [P9_TXATTRCREATE] = {do_refuse, true},
    [P9_TREADDIR] = {p9_do_readdir, false},
    [P9_TFSYNC] = {p9_do_fsync, false},
    [P9_TLOCK] = {p9_do_lock, false},
    [P9_TGETLOCK] = {p9_do_getlock, false},
    [P9_TREAD] = {p9_do_read, false},
    [P9_TWRITE] = {p9_do_write, true},
};

static int
dispatch(struct p9_call *call, uint8_t type, size_t gathered, uint32_t size)
{
  const struct operation *operation = &operations[type];
  struct p9_server *server = call->server;

  if (size < P9_HEADER_BYTES || size > call->request_bytes)
    return EPROTO;
  if (type == P9_TWRITE) {
    /* The data stay where they are; the handler sees only the fields before them. */
    if (gathered > P9_TWRITE_BYTES)
      gathered = P9_TWRITE_BYTES;
  } else {
    if (size > gathered)
      return EMSGSIZE;
    gathered = size;
  }
  call->in.end = server->request + gathered;
  if (!operation->handle)
    return EOPNOTSUPP;
  if (!server->msize && type != P9_TVERSION)
    return EPROTO;
  if (server->read_only && operation->changes)
    return EROFS;
  return operation->handle(call);
}

static size_t
handle(struct p9_call *call)
{
  struct p9_server *server = call->server;
  struct p9_writer *out = &call->out;
  size_t gathered =
      gather(server->request, sizeof server->request, call->request, call->request_count);
  struct p9_reader *in = &call->in;
  uint32_t size = 0;
  uint16_t tag = P9_NOTAG;
  uint8_t type = 0;
  int error = EPROTO;

  in->at = server->request;
  in->end = server->request + gathered;
  out->start = server->reply;
  out->at = server->reply + P9_HEADER_BYTES;
  out->end = server->reply + call->reply_bytes;
  if (call->reply_bytes < P9_RLERROR_BYTES)
    return 0;
  if (gathered >= P9_HEADER_BYTES) {
    size = p9_get32(in);
    type = p9_get8(in);
    tag = p9_get16(in);
    error = dispatch(call, type, gathered, size);
  }
  if (!error && out->bad)
    error = EMSGSIZE;
  if (error) {
    out->at = out->start + P9_HEADER_BYTES;
    out->bad = false;
    call->direct_bytes = 0;
    p9_put32(out, (uint32_t)error);
    type = P9_RLERROR - 1;
  }
  size = (uint32_t)((size_t)(out->at - out->start) + call->direct_bytes);
  p9_patch32(out->start, size);
  out->start[4] = (uint8_t)(type + 1); /* an R-message follows its T-message's number */
  p9_patch16(out->start + 5, tag);
  scatter(call->reply, call->reply_count, out->start, (size_t)(out->at - out->start));
  return size;
}

size_t
p9_handle(struct p9_server *server, const struct iovec *request, int request_count,
          struct iovec *reply, int reply_count)
{
  struct p9_call call = {
      .server = server,
      .request = request,
      .request_count = request_count,
      .request_bytes = iov_bytes(request, request_count),
      .reply = reply,
      .reply_count = reply_count,
      .reply_bytes = iov_bytes(reply, reply_count),
  };
  size_t written, most;

  pthread_mutex_lock(&server->lock);
  most = server->msize ? server->msize : P9_MSIZE_MIN;
  if (call.reply_bytes > most)
    call.reply_bytes = most;
  written = handle(&call);
  pthread_mutex_unlock(&server->lock);
  return written;
}
