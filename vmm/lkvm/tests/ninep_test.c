/*
 * The 9P server against a directory of its own: what v9fs does, what a hostile guest might try, and
 * a seeded fuzz of broken messages.   ninep_test [fuzz rounds]
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../ninep_proto.h"
#include "ninep_client.h"
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char base[64]; /* holds "root", which is shared, and "secret", which is not */
static char root[80];
static struct client client;

/* Good until the next call but one. */
static const char *
in_base(const char *name)
{
  static char paths[2][512];
  static int turn;
  char *path = paths[turn++ % 2];

  snprintf(path, sizeof paths[0], "%s/%s", base, name);
  return path;
}

static void
write_file(const char *name, const char *text)
{
  FILE *file = fopen(in_base(name), "w");

  CHECK(file);
  CHECK(fputs(text, file) >= 0);
  CHECK(fchmod(fileno(file), 0644) == 0); /* the server clears the umask */
  CHECK(fclose(file) == 0);
}

static void
expect_file(const char *name, const char *text)
{
  char got[4096];
  FILE *file = fopen(in_base(name), "r");
  size_t length;

  CHECK(file);
  length = fread(got, 1, sizeof got, file);
  fclose(file);
  CHECK(length == strlen(text) && memcmp(got, text, length) == 0);
}

/* Empties the directory and starts a new session. */
static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
  (void)st;
  (void)type;
  return ftw->level > 0 ? remove(path) : 0;
}

static void
start(bool read_only)
{
  nftw(base, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
  CHECK(mkdir(root, 0755) == 0);
  write_file("secret", "not for the guest\n");
  write_file("root/hello", "hello, world\n");
  CHECK(mkdir(in_base("root/dir"), 0755) == 0);
  write_file("root/dir/inner", "inner\n");
  client.server = p9_server_new(root, read_only);
  CHECK(client.server);
  CHECK_EQUAL(0, client_attach(&client, 128 * 1024));
}

static void
stop(void)
{
  p9_server_free(client.server);
  client.server = NULL;
}

static int
open_fids(void)
{
  DIR *self = opendir("/proc/self/fd");
  int count = 0;

  CHECK(self);
  while (readdir(self))
    count++;
  closedir(self);
  return count;
}

static int
lopen(uint32_t fid, uint32_t flags)
{
  return client_call(&client, P9_TLOPEN, "dd", fid, flags);
}

static int
lcreate(uint32_t fid, const char *name, uint32_t flags)
{
  return client_call(&client, P9_TLCREATE, "dsddd", fid, name, flags, 0100644, 0);
}

static int
write_text(uint32_t fid, uint64_t offset, const char *text)
{
  size_t length = strlen(text);

  client_build(&client, P9_TWRITE, "dqd", fid, offset, (uint32_t)length);
  memcpy(client.request + client.request_bytes, text, length);
  client.request_bytes += length;
  client.request[0] = (uint8_t)client.request_bytes;
  client.request[1] = (uint8_t)(client.request_bytes >> 8);
  return client_send(&client);
}

static void
expect_read(uint32_t fid, uint64_t offset, const char *text)
{
  size_t length = strlen(text);

  CHECK_EQUAL(0, client_call(&client, P9_TREAD, "dqd", fid, offset, 4096));
  CHECK_EQUAL(length, client_get(&client, 4));
  CHECK(memcmp(client.reply + client.at, text, length) == 0);
  CHECK_EQUAL(client.at + length, client.reply_bytes);
}

/* The mode and size of a fid's file; other fields are read over. */
static void
expect_attributes(uint32_t fid, uint32_t mode, uint64_t size)
{
  CHECK_EQUAL(0, client_call(&client, P9_TGETATTR, "dq", fid, (uint64_t)P9_GETATTR_BASIC));
  CHECK_EQUAL(P9_GETATTR_BASIC, client_get(&client, 8) & P9_GETATTR_BASIC);
  client.at += 13; /* qid */
  CHECK_EQUAL(mode, client_get(&client, 4));
  client.at += 4 + 4 + 8 + 8; /* uid gid nlink rdev */
  if (!S_ISDIR(mode))
    CHECK_EQUAL(size, client_get(&client, 8));
  CHECK_EQUAL(P9_HEADER_BYTES + 153, client.reply_bytes);
}

static void
test_version(void)
{
  char version[16];

  start(false);
  CHECK_EQUAL(0, client_call(&client, P9_TVERSION, "ds", 8 << 20, "9P2000.L"));
  CHECK_EQUAL(P9_MSIZE_MAX, client_get(&client, 4));
  /* It began a new session: the fid of the old one is gone. */
  CHECK_EQUAL(EBADF, client_clunk(&client, 0));
  CHECK_EQUAL(0, client_call(&client, P9_TVERSION, "ds", 8192, "9P2000.u"));
  (void)client_get(&client, 4);
  client_get_string(&client, version, sizeof version);
  CHECK(strcmp(version, "unknown") == 0);
  CHECK_EQUAL(EPROTO, client_call(&client, P9_TATTACH, "ddssd", 0, P9_NOFID, "", "", 0));
  CHECK_EQUAL(EMSGSIZE, client_call(&client, P9_TVERSION, "ds", 100, "9P2000.L"));
  CHECK_EQUAL(0, client_attach(&client, 8192));
  CHECK_EQUAL(EOPNOTSUPP, client_call(&client, P9_TAUTH, "dssd", 9, "root", "", 0));
  CHECK_EQUAL(EINVAL, client_call(&client, P9_TATTACH, "ddssd", 1, 9, "", "", 0));
  CHECK_EQUAL(ENOENT, client_call(&client, P9_TATTACH, "ddssd", 1, P9_NOFID, "", "/etc", 0));
  CHECK_EQUAL(0, client_call(&client, P9_TFLUSH, "w", 0x1234));
  CHECK_EQUAL(EOPNOTSUPP, client_call(&client, 200, ""));
  CHECK_EQUAL(EOPNOTSUPP, client_call(&client, P9_TXATTRWALK, "dds", 0, 1, "user.x"));
  CHECK_EQUAL(EOPNOTSUPP,
              client_call(&client, P9_TXATTRCREATE, "dsqd", 0, "user.x", (uint64_t)1, 0));
  stop();
}

static void
test_walk(void)
{
  start(false);
  CHECK_EQUAL(0, client_walk(&client, 0, 1, "dir/inner"));
  CHECK_EQUAL(P9_HEADER_BYTES + 2 + 2 * 13, client.reply_bytes);
  expect_attributes(1, S_IFREG | 0644, 6);
  CHECK_EQUAL(EINVAL, client_walk(&client, 0, 1, "dir")); /* in use */
  CHECK_EQUAL(ENOENT, client_walk(&client, 0, 2, "nothing"));
  CHECK_EQUAL(-1, client_walk(&client, 0, 2, "dir/nothing"));
  CHECK_EQUAL(EBADF, client_clunk(&client, 2)); /* half a walk makes no fid */
  CHECK_EQUAL(-1, client_walk(&client, 0, 2, "hello/x"));
  CHECK_EQUAL(0, client_walk(&client, 1, 2, "")); /* clone */
  expect_attributes(2, S_IFREG | 0644, 6);
  CHECK_EQUAL(0, client_walk(&client, 2, 2, "../../hello")); /* in place */
  expect_attributes(2, S_IFREG | 0644, 13);
  CHECK_EQUAL(EBADF, client_walk(&client, 77, 3, "dir"));
  CHECK_EQUAL(0, client_clunk(&client, 1));
  CHECK_EQUAL(EBADF, client_clunk(&client, 1));
  CHECK_EQUAL(EINVAL, client_call(&client, P9_TWALK, "ddw", 0, 5, 17));
  stop();
}

static void
test_read_write(void)
{
  start(false);
  CHECK_EQUAL(0, client_walk(&client, 0, 1, "hello"));
  CHECK_EQUAL(EBADF, client_call(&client, P9_TREAD, "dqd", 1, (uint64_t)0, 10)); /* not open */
  CHECK_EQUAL(0, lopen(1, O_RDONLY));
  CHECK_EQUAL(EINVAL, lopen(1, O_RDONLY));
  expect_read(1, 0, "hello, world\n");
  expect_read(1, 7, "world\n");
  expect_read(1, 100, "");
  CHECK_EQUAL(EBADF, write_text(1, 0, "x")); /* opened for reading */
  CHECK_EQUAL(EINVAL, client_call(&client, P9_TREAD, "dqd", 1, UINT64_MAX, 10));

  CHECK_EQUAL(0, client_walk(&client, 0, 2, ""));
  CHECK_EQUAL(0, lcreate(2, "new", O_RDWR));
  CHECK_EQUAL(0, write_text(2, 0, "0123456789"));
  CHECK_EQUAL(10, client_get(&client, 4));
  CHECK_EQUAL(0, write_text(2, 4, "four"));
  expect_read(2, 0, "0123four89");
  expect_file("root/new", "0123four89");
  CHECK_EQUAL(0, client_call(&client, P9_TFSYNC, "dd", 2, 0));
  expect_attributes(2, S_IFREG | 0644, 10);

  /* A create without O_EXCL opens what is there; with it, not. */
  CHECK_EQUAL(0, client_walk(&client, 0, 3, ""));
  CHECK_EQUAL(EEXIST, lcreate(3, "new", O_RDWR | P9_OPEN_EXCL));
  CHECK_EQUAL(0, lcreate(3, "new", O_RDWR | P9_OPEN_TRUNC));
  expect_file("root/new", "");
  /* O_APPEND must not move writes away from their offset. */
  CHECK_EQUAL(0, client_walk(&client, 0, 4, "hello"));
  CHECK_EQUAL(0, lopen(4, O_RDWR | 02000));
  CHECK_EQUAL(0, write_text(4, 0, "J"));
  expect_file("root/hello", "Jello, world\n");

  /* Deleted while open: still there for its fid, its attributes too. */
  CHECK_EQUAL(0, client_call(&client, P9_TUNLINKAT, "dsd", 0, "hello", 0));
  expect_read(4, 0, "Jello, world\n");
  expect_attributes(4, S_IFREG | 0644, 13);
  CHECK_EQUAL(0, client_call(&client, P9_TSETATTR,
                             "ddddd"
                             "qqqqq",
                             4, P9_SETATTR_SIZE, 0, 0, 0, (uint64_t)2, (uint64_t)0, (uint64_t)0,
                             (uint64_t)0, (uint64_t)0));
  expect_read(4, 0, "Je");
  CHECK_EQUAL(0, client_clunk(&client, 4));
  stop();
}

/* A whole msize of data through buffers of many sizes, there and back. */
static void
test_big_transfer(void)
{
  enum { BYTES = P9_MSIZE_MAX - P9_TWRITE_BYTES };
  static uint8_t data[BYTES];
  uint64_t random = 1;

  start(false);
  CHECK_EQUAL(0, client_attach(&client, P9_MSIZE_MAX));
  for (size_t i = 0; i < BYTES; i++)
    data[i] = (uint8_t)next_random(&random);
  CHECK_EQUAL(0, client_walk(&client, 0, 1, ""));
  CHECK_EQUAL(0, lcreate(1, "big", O_RDWR));
  client_build(&client, P9_TWRITE, "dqd", 1, (uint64_t)5, BYTES);
  memcpy(client.request + client.request_bytes, data, BYTES);
  /* With size[4] that leaves the data out, as older Linux sends it. */
  client.request_bytes += BYTES;
  CHECK_EQUAL(0, client_send(&client));
  CHECK_EQUAL(BYTES, client_get(&client, 4));
  CHECK_EQUAL(0, client_call(&client, P9_TREAD, "dqd", 1, (uint64_t)5, UINT32_MAX));
  CHECK_EQUAL(BYTES, client_get(&client, 4));
  CHECK(memcmp(client.reply + client.at, data, BYTES) == 0);
  /* The reply's buffers bound a read as well. */
  client.reply_room = 5000;
  CHECK_EQUAL(0, client_call(&client, P9_TREAD, "dqd", 1, (uint64_t)5, BYTES));
  CHECK_EQUAL(5000 - P9_RREAD_BYTES, client_get(&client, 4));
  client.reply_room = P9_RREAD_BYTES;
  CHECK_EQUAL(0, client_call(&client, P9_TREAD, "dqd", 1, (uint64_t)5, BYTES));
  CHECK_EQUAL(0, client_get(&client, 4));
  CHECK_EQUAL(EMSGSIZE, client_call(&client, P9_TGETATTR, "dq", 1, (uint64_t)0));
  client.reply_room = sizeof client.reply;
  /* More data announced than sent. */
  client_build(&client, P9_TWRITE, "dqd", 1, (uint64_t)0, 100);
  CHECK_EQUAL(EPROTO, client_send(&client));
  stop();
}

static void
test_names(void)
{
  char target[64];
  struct stat st;

  start(false);
  CHECK_EQUAL(0, client_call(&client, P9_TMKDIR, "dsdd", 0, "d", 01755, 0));
  CHECK_EQUAL(P9_QTDIR, client_get(&client, 1));
  CHECK(stat(in_base("root/d"), &st) == 0 && (st.st_mode & 07777) == 01755);
  CHECK_EQUAL(EEXIST, client_call(&client, P9_TMKDIR, "dsdd", 0, "d", 0755, 0));
  CHECK_EQUAL(0, client_call(&client, P9_TSYMLINK, "dssd", 0, "ln", "/virt/target", 0));
  CHECK_EQUAL(P9_QTSYMLINK, client_get(&client, 1));
  CHECK_EQUAL(0, client_walk(&client, 0, 1, "ln"));
  CHECK_EQUAL(0, client_call(&client, P9_TREADLINK, "d", 1));
  client_get_string(&client, target, sizeof target);
  CHECK(strcmp(target, "/virt/target") == 0);
  CHECK_EQUAL(EINVAL, client_call(&client, P9_TREADLINK, "d", 0));
  expect_attributes(1, S_IFLNK | 0777, strlen("/virt/target"));
  CHECK_EQUAL(ELOOP, lopen(1, O_RDONLY));

  CHECK_EQUAL(0, client_walk(&client, 0, 2, "hello"));
  CHECK_EQUAL(0, client_call(&client, P9_TLINK, "dds", 0, 2, "hard"));
  CHECK(stat(in_base("root/hard"), &st) == 0 && st.st_nlink == 2);

  CHECK_EQUAL(0, client_call(&client, P9_TMKNOD, "dsdddd", 0, "fifo", S_IFIFO | 0600, 0, 0, 0));
  CHECK_EQUAL(EPERM, client_call(&client, P9_TMKNOD, "dsdddd", 0, "mem", S_IFCHR | 0600, 1, 1, 0));
  CHECK_EQUAL(0, client_walk(&client, 0, 3, "fifo"));
  CHECK_EQUAL(ENXIO, lopen(3, O_RDONLY)); /* and does not block */
  CHECK_EQUAL(0, client_walk(&client, 0, 4, ""));
  CHECK_EQUAL(EEXIST, lcreate(4, "fifo", O_WRONLY));

  CHECK_EQUAL(EISDIR, client_call(&client, P9_TUNLINKAT, "dsd", 0, "dir", 0));
  CHECK_EQUAL(ENOTEMPTY, client_call(&client, P9_TUNLINKAT, "dsd", 0, "dir", P9_AT_REMOVEDIR));
  CHECK_EQUAL(0, client_call(&client, P9_TUNLINKAT, "dsd", 0, "d", P9_AT_REMOVEDIR));
  CHECK_EQUAL(0, client_call(&client, P9_TREMOVE, "d", 3));
  CHECK(lstat(in_base("root/fifo"), &st) != 0);
  CHECK_EQUAL(EBADF, client_clunk(&client, 3));
  CHECK_EQUAL(0, client_walk(&client, 0, 3, "dir"));
  CHECK_EQUAL(ENOTEMPTY, client_call(&client, P9_TREMOVE, "d", 3));
  CHECK_EQUAL(EBADF, client_clunk(&client, 3)); /* clunked all the same */
  CHECK_EQUAL(0, client_walk(&client, 0, 3, ""));
  CHECK_EQUAL(EBUSY, client_call(&client, P9_TREMOVE, "d", 3));
  stop();
}

static void
test_rename(void)
{
  start(false);
  CHECK_EQUAL(0, client_walk(&client, 0, 1, "dir"));
  CHECK_EQUAL(0, client_walk(&client, 0, 2, "dir/inner"));
  CHECK_EQUAL(0, client_call(&client, P9_TRENAMEAT, "dsds", 0, "dir", 0, "moved"));
  /* Fids at and below the directory follow it. */
  expect_attributes(1, S_IFDIR | 0755, 0);
  expect_attributes(2, S_IFREG | 0644, 6);
  CHECK_EQUAL(0, lopen(2, O_RDONLY));
  expect_read(2, 0, "inner\n");
  CHECK_EQUAL(0, client_walk(&client, 0, 3, "hello"));
  CHECK_EQUAL(0, client_call(&client, P9_TRENAME, "dds", 3, 1, "hi"));
  expect_file("root/moved/hi", "hello, world\n");
  expect_attributes(3, S_IFREG | 0644, 13);
  CHECK_EQUAL(EINVAL, client_call(&client, P9_TRENAME, "dds", 1, 1, "inside-itself"));
  CHECK_EQUAL(EBUSY, client_call(&client, P9_TRENAME, "dds", 0, 1, "root"));
  CHECK_EQUAL(ENOENT, client_call(&client, P9_TRENAMEAT, "dsds", 0, "none", 0, "x"));
  stop();
}

static int
setattr(uint32_t fid, uint32_t valid, uint32_t mode, uint64_t size, uint64_t sec, uint64_t nsec)
{
  return client_call(&client, P9_TSETATTR, "dddddqqqqq", fid, valid, mode, getuid(), getgid(), size,
                     sec, nsec, sec + 1, nsec);
}

static void
test_setattr(void)
{
  uint32_t times =
      P9_SETATTR_ATIME | P9_SETATTR_MTIME | P9_SETATTR_ATIME_SET | P9_SETATTR_MTIME_SET;
  struct stat st;

  start(false);
  CHECK_EQUAL(0, client_walk(&client, 0, 1, "hello"));
  CHECK_EQUAL(0, setattr(1, P9_SETATTR_MODE, 04751, 0, 0, 0));
  CHECK_EQUAL(0, setattr(1, P9_SETATTR_SIZE, 0, 5, 0, 0));
  CHECK_EQUAL(0, setattr(1, times, 0, 0, 1000000, 5));
  CHECK(stat(in_base("root/hello"), &st) == 0);
  CHECK_EQUAL(5, st.st_size);
  CHECK_EQUAL(1000000, st.st_atim.tv_sec);
  CHECK_EQUAL(1000001, st.st_mtim.tv_sec);
  CHECK_EQUAL(5, st.st_mtim.tv_nsec);
  CHECK_EQUAL(0, setattr(1, P9_SETATTR_UID | P9_SETATTR_GID | P9_SETATTR_MODE, 0640, 0, 0, 0));
  CHECK_EQUAL(EINVAL, setattr(1, times, 0, 0, 0, 1000000000));
  CHECK_EQUAL(EINVAL, setattr(1, times, 0, 0, 0, UTIME_NOW)); /* never taken for the magic value */
  CHECK_EQUAL(0, setattr(1, P9_SETATTR_MTIME, 0, 0, 0, 0));   /* now */
  CHECK(stat(in_base("root/hello"), &st) == 0);
  CHECK(st.st_mtim.tv_sec > 1000001 && st.st_atim.tv_sec == 1000000);
  CHECK_EQUAL(S_IFREG | 0640, st.st_mode);
  CHECK_EQUAL(EINVAL, setattr(1, P9_SETATTR_SIZE, 0, UINT64_MAX, 0, 0));
  CHECK_EQUAL(0, client_walk(&client, 0, 2, "dir"));
  CHECK_EQUAL(0, setattr(2, P9_SETATTR_MODE, 0700, 0, 0, 0));
  CHECK_EQUAL(EISDIR, setattr(2, P9_SETATTR_SIZE, 0, 0, 0, 0));
  expect_attributes(2, S_IFDIR | 0700, 0);
  /* Times of a link are its own. */
  CHECK_EQUAL(0, client_call(&client, P9_TSYMLINK, "dssd", 0, "ln", "hello", 0));
  CHECK_EQUAL(0, client_walk(&client, 0, 3, "ln"));
  CHECK_EQUAL(0, setattr(3, times, 0, 0, 77, 0));
  CHECK(stat(in_base("root/hello"), &st) == 0 && st.st_atim.tv_sec == 1000000);
  CHECK(setattr(3, P9_SETATTR_MODE, 0777, 0, 0, 0) != 0);
  CHECK(stat(in_base("root/hello"), &st) == 0 && st.st_mode == (S_IFREG | 0640));
  stop();
}

/* Lists "many" with small replies, and finds each of its 500 files once. */
static void
test_readdir(void)
{
  enum { FILES = 500 };
  static int seen[FILES];
  uint64_t offset = 0;
  int dots = 0, calls = 0;

  start(false);
  memset(seen, 0, sizeof seen);
  CHECK(mkdir(in_base("root/many"), 0755) == 0);
  for (int i = 0; i < FILES; i++) {
    char name[64];

    snprintf(name, sizeof name, "root/many/file-%d", i);
    write_file(name, "");
  }
  CHECK_EQUAL(0, client_walk(&client, 0, 1, "many"));
  CHECK_EQUAL(EBADF, client_call(&client, P9_TREADDIR, "dqd", 1, (uint64_t)0, 1000));
  CHECK_EQUAL(0, lopen(1, O_RDONLY | P9_OPEN_DIRECTORY));
  CHECK_EQUAL(EISDIR, client_call(&client, P9_TREAD, "dqd", 1, (uint64_t)0, 1000));
  for (;; calls++) {
    uint64_t bytes;

    CHECK_EQUAL(0, client_call(&client, P9_TREADDIR, "dqd", 1, offset, 1000));
    bytes = client_get(&client, 4);
    CHECK(bytes <= 1000);
    CHECK_EQUAL(P9_HEADER_BYTES + 4 + bytes, client.reply_bytes);
    if (!bytes)
      break;
    while (client.at < client.reply_bytes) {
      char name[256];
      int type;

      CHECK_EQUAL(0, client_get(&client, 1) & P9_QTSYMLINK);
      client.at += 12;
      offset = client_get(&client, 8);
      type = (int)client_get(&client, 1);
      client_get_string(&client, name, sizeof name);
      if (name[0] == '.') {
        CHECK_EQUAL(DT_DIR, type);
        dots++;
      } else {
        CHECK_EQUAL(DT_REG, type);
        seen[atoi(name + strlen("file-"))]++;
      }
    }
  }
  CHECK(calls > 10);
  CHECK_EQUAL(2, dots);
  for (int i = 0; i < FILES; i++)
    CHECK_EQUAL(1, seen[i]);
  CHECK_EQUAL(EINVAL, client_call(&client, P9_TREADDIR, "dqd", 1, (uint64_t)0, 10));
  CHECK_EQUAL(0, client_walk(&client, 0, 2, "hello"));
  CHECK_EQUAL(0, lopen(2, O_RDONLY));
  CHECK_EQUAL(ENOTDIR, client_call(&client, P9_TREADDIR, "dqd", 2, (uint64_t)0, 1000));
  CHECK_EQUAL(0, client_walk(&client, 0, 3, "hello"));
  CHECK_EQUAL(ENOTDIR, lopen(3, O_RDONLY | P9_OPEN_DIRECTORY));
  CHECK_EQUAL(0, client_walk(&client, 0, 4, "many"));
  CHECK_EQUAL(EISDIR, lopen(4, O_RDWR));
  stop();
}

static void
test_locks_and_statfs(void)
{
  char id[64];

  start(false);
  CHECK_EQUAL(0, client_walk(&client, 0, 1, "hello"));
  CHECK_EQUAL(0, lopen(1, O_RDWR));
  CHECK_EQUAL(
      0, client_call(&client, P9_TLOCK, "dbdqqds", 1, 1, 1, (uint64_t)0, (uint64_t)0, 42, "guest"));
  CHECK_EQUAL(P9_LOCK_SUCCESS, client_get(&client, 1));
  CHECK_EQUAL(
      0, client_call(&client, P9_TGETLOCK, "dbqqds", 1, 1, (uint64_t)3, (uint64_t)4, 42, "guest"));
  CHECK_EQUAL(P9_LOCK_TYPE_UNLCK, client_get(&client, 1));
  CHECK_EQUAL(3, client_get(&client, 8));
  CHECK_EQUAL(4, client_get(&client, 8));
  CHECK_EQUAL(42, client_get(&client, 4));
  client_get_string(&client, id, sizeof id);
  CHECK(strcmp(id, "guest") == 0);
  CHECK_EQUAL(0, client_call(&client, P9_TSTATFS, "d", 0));
  (void)client_get(&client, 4);
  CHECK(client_get(&client, 4) >= 512); /* block size */
  CHECK_EQUAL(P9_HEADER_BYTES + 60, client.reply_bytes);
  stop();
}

/* Nothing outside the root may be read, written, created or even seen. */
static void
test_escapes(void)
{
  static const char *const bad_names[] = {"..", ".", "", "../secret", "a/b", "/", "/etc"};
  struct stat st;

  start(false);
  CHECK_EQUAL(EACCES, client_walk(&client, 0, 1, "../secret"));
  CHECK_EQUAL(-1, client_walk(&client, 0, 1, "dir/../../secret"));
  CHECK_EQUAL(EBADF, client_clunk(&client, 1));
  CHECK_EQUAL(EINVAL, client_call(&client, P9_TWALK, "ddws", 0, 1, 1, "../secret"));
  CHECK_EQUAL(EINVAL, client_call(&client, P9_TWALK, "ddws", 0, 1, 1, "/etc/passwd"));
  CHECK_EQUAL(EINVAL, client_call(&client, P9_TWALK, "ddws", 0, 1, 1, "dir/inner"));
  CHECK_EQUAL(EINVAL, client_call(&client, P9_TWALK, "ddws", 0, 1, 1, ""));

  /* Links out of the root, as whole paths and as directories on the way. */
  CHECK_EQUAL(0, client_call(&client, P9_TSYMLINK, "dssd", 0, "up", "..", 0));
  CHECK_EQUAL(0, client_call(&client, P9_TSYMLINK, "dssd", 0, "out", "../secret", 0));
  CHECK_EQUAL(-1, client_walk(&client, 0, 1, "up/secret"));
  CHECK_EQUAL(0, client_walk(&client, 0, 2, "out"));
  CHECK_EQUAL(ELOOP, lopen(2, O_RDWR));
  CHECK_EQUAL(ELOOP, setattr(2, P9_SETATTR_SIZE, 0, 0, 0, 0));
  CHECK_EQUAL(0, client_walk(&client, 0, 3, "up"));
  CHECK_EQUAL(ENOTDIR, lcreate(3, "planted", O_RDWR));
  CHECK_EQUAL(ENOTDIR, client_call(&client, P9_TMKDIR, "dsdd", 3, "planted", 0755, 0));
  CHECK_EQUAL(ENOTDIR, client_call(&client, P9_TUNLINKAT, "dsd", 3, "secret", 0));
  CHECK(client_call(&client, P9_TRENAMEAT, "dsds", 3, "secret", 0, "mine") != 0);
  CHECK(client_call(&client, P9_TRENAMEAT, "dsds", 0, "hello", 3, "planted") != 0);
  CHECK_EQUAL(0, client_walk(&client, 0, 4, ""));
  CHECK_EQUAL(EEXIST, lcreate(4, "out", O_RDWR | P9_OPEN_TRUNC));

  /* A directory that turns into a link behind the fid's back (by another process). */
  CHECK_EQUAL(0, client_walk(&client, 0, 5, "dir"));
  CHECK_EQUAL(0, client_walk(&client, 0, 6, "dir/inner"));
  CHECK(rename(in_base("root/dir/inner"), in_base("root/inner")) == 0);
  CHECK(rmdir(in_base("root/dir")) == 0 && symlink("..", in_base("root/dir")) == 0);
  write_file("inner", "outside\n");
  CHECK_EQUAL(ELOOP, lopen(6, O_RDONLY));
  CHECK_EQUAL(ENOTDIR, client_walk(&client, 5, 7, "secret"));
  CHECK_EQUAL(ENOTDIR, client_call(&client, P9_TREMOVE, "d", 6));

  for (size_t i = 0; i < sizeof bad_names / sizeof *bad_names; i++) {
    const char *name = bad_names[i];

    CHECK_EQUAL(0, client_walk(&client, 0, 8, ""));
    CHECK_EQUAL(EINVAL, lcreate(8, name, O_RDWR));
    CHECK_EQUAL(0, client_clunk(&client, 8));
    CHECK_EQUAL(EINVAL, client_call(&client, P9_TMKDIR, "dsdd", 0, name, 0755, 0));
    CHECK_EQUAL(EINVAL, client_call(&client, P9_TSYMLINK, "dssd", 0, name, "x", 0));
    CHECK_EQUAL(EINVAL, client_call(&client, P9_TLINK, "dds", 0, 2, name));
    CHECK_EQUAL(EINVAL, client_call(&client, P9_TUNLINKAT, "dsd", 0, name, 0));
    CHECK_EQUAL(EINVAL, client_call(&client, P9_TRENAMEAT, "dsds", 0, name, 0, "x"));
    CHECK_EQUAL(EINVAL, client_call(&client, P9_TRENAMEAT, "dsds", 0, "hello", 0, name));
    CHECK_EQUAL(EINVAL, client_call(&client, P9_TRENAME, "dds", 2, 0, name));
  }
  expect_file("secret", "not for the guest\n");
  CHECK(lstat(in_base("planted"), &st) != 0);
  stop();
}

/* Below "/": another mount, and the kernel's links in /proc that lead anywhere. */
static void
test_whole_host(void)
{
  char path[128];

  start(false);
  stop();
  client.server = p9_server_new("/", true);
  CHECK(client.server);
  CHECK_EQUAL(0, client_attach(&client, 8192));
  snprintf(path, sizeof path, "%s/root/hello", base);
  CHECK_EQUAL(0, client_walk(&client, 0, 1, path));
  CHECK_EQUAL(0, lopen(1, O_RDONLY));
  expect_read(1, 0, "hello, world\n");
  if (access("/proc/self/root", F_OK) == 0) {
    CHECK_EQUAL(-1, client_walk(&client, 0, 2, "proc/self/root"));
    snprintf(path, sizeof path, "proc/%d/root/etc", getpid());
    CHECK_EQUAL(-1, client_walk(&client, 0, 2, path));
    snprintf(path, sizeof path, "proc/%d/root", getpid());
    CHECK_EQUAL(0, client_walk(&client, 0, 2, path));
    CHECK_EQUAL(P9_QTSYMLINK, client.reply[P9_HEADER_BYTES + 2 + 2 * 13]);
  }
  CHECK_EQUAL(0, client_walk(&client, 0, 3, "dev/null"));
  CHECK_EQUAL(ENXIO, lopen(3, O_RDONLY));
  stop();
  CHECK(!p9_server_new(in_base("none"), false) && errno == ENOENT);
  CHECK(!p9_server_new(in_base("secret"), false) && errno == ENOTDIR);
}

static void
test_read_only(void)
{
  start(true);
  CHECK_EQUAL(0, client_walk(&client, 0, 1, "hello"));
  CHECK_EQUAL(EROFS, lopen(1, O_RDWR));
  CHECK_EQUAL(EROFS, lopen(1, O_RDONLY | P9_OPEN_TRUNC));
  CHECK_EQUAL(EROFS, lcreate(0, "x", O_RDONLY));
  CHECK_EQUAL(EROFS, setattr(1, P9_SETATTR_MODE, 0, 0, 0, 0));
  CHECK_EQUAL(EROFS, client_call(&client, P9_TMKDIR, "dsdd", 0, "x", 0755, 0));
  CHECK_EQUAL(EROFS, client_call(&client, P9_TMKNOD, "dsdddd", 0, "x", S_IFIFO, 0, 0, 0));
  CHECK_EQUAL(EROFS, client_call(&client, P9_TSYMLINK, "dssd", 0, "x", "y", 0));
  CHECK_EQUAL(EROFS, client_call(&client, P9_TLINK, "dds", 0, 1, "x"));
  CHECK_EQUAL(EROFS, client_call(&client, P9_TRENAME, "dds", 1, 0, "x"));
  CHECK_EQUAL(EROFS, client_call(&client, P9_TRENAMEAT, "dsds", 0, "hello", 0, "x"));
  CHECK_EQUAL(EROFS, client_call(&client, P9_TUNLINKAT, "dsd", 0, "hello", 0));
  CHECK_EQUAL(0, lopen(1, O_RDONLY));
  expect_read(1, 0, "hello, world\n");
  CHECK_EQUAL(EROFS, write_text(1, 0, "x"));
  CHECK_EQUAL(EROFS, client_call(&client, P9_TREMOVE, "d", 1));
  CHECK_EQUAL(EBADF, client_clunk(&client, 1));
  expect_file("root/hello", "hello, world\n");
  stop();
}

static void
test_limits(void)
{
  char deep[256];
  int before, error = 0;
  uint32_t fid;

  start(false);
  before = open_fids();
  /* Open fids stop well before the process runs out of descriptors. */
  for (fid = 1; fid < 1 << 20 && !error; fid++) {
    CHECK_EQUAL(0, client_walk(&client, 0, fid, "hello"));
    error = lopen(fid, O_RDONLY);
    if (fid == 60000)
      error = EMFILE; /* this host allows that many */
  }
  CHECK_EQUAL(EMFILE, error);
  CHECK_EQUAL(0, client_attach(&client, 8192));
  CHECK_EQUAL(before, open_fids());
  /* Paths cannot grow without end. */
  memset(deep, 'd', 250);
  deep[250] = '\0';
  CHECK_EQUAL(0, client_walk(&client, 0, 1, ""));
  for (int i = 0; i < 16; i++) {
    CHECK_EQUAL(0, client_call(&client, P9_TMKDIR, "dsdd", 1, deep, 0755, 0));
    CHECK_EQUAL(0, client_walk(&client, 1, 1, deep));
  }
  CHECK_EQUAL(0, client_call(&client, P9_TMKDIR, "dsdd", 1, deep, 0755, 0));
  CHECK_EQUAL(ENAMETOOLONG, client_walk(&client, 1, 1, deep));
  /* Nor fids. */
  for (fid = 2, error = 0; fid < 1 << 20 && !error; fid++)
    error = client_walk(&client, 1, fid, "");
  CHECK_EQUAL(EMFILE, error);
  CHECK(fid > 1000 && fid < 70000);
  /* Such a tree is too deep for its name; remove it step by step. */
  CHECK_EQUAL(0, client_call(&client, P9_TUNLINKAT, "dsd", 1, deep, P9_AT_REMOVEDIR));
  stop();
}

/* Messages cut short at every length, and with a size[4] that lies. */
static void
test_truncated(void)
{
  struct iovec none = {NULL, 0}, reply;
  uint8_t small[P9_RLERROR_BYTES - 1];
  size_t whole;

  start(false);
  client_build(&client, P9_TRENAMEAT, "dsds", 0, "hello", 0, "other");
  whole = client.request_bytes;
  for (size_t length = 1; length < whole; length++) {
    client.request_bytes = length;
    CHECK_EQUAL(EPROTO, client_send(&client));
    client.request[0] = (uint8_t)length; /* now with a size that agrees */
    CHECK_EQUAL(EPROTO, client_send(&client));
    client.request[0] = (uint8_t)whole;
  }
  client.request_bytes = whole + 1; /* size[4] counts, not what lies behind */
  CHECK_EQUAL(0, client_send(&client));
  client_build(&client, P9_TCLUNK, "dd", 0, 0); /* left-over field */
  CHECK_EQUAL(EPROTO, client_send(&client));
  client_build(&client, P9_TFLUSH, "w", 0);
  client.request[0] = 6;
  CHECK_EQUAL(EPROTO, client_send(&client));
  reply = (struct iovec){client.reply, sizeof client.reply};
  CHECK_EQUAL(P9_RLERROR_BYTES, p9_handle(client.server, &none, 0, &reply, 1));
  reply = (struct iovec){small, sizeof small};
  client_build(&client, P9_TCLUNK, "d", 0);
  CHECK_EQUAL(0, p9_handle(client.server, &(struct iovec){client.request, 11}, 1, &reply, 1));
  CHECK_EQUAL(0, p9_handle(client.server, &none, 1, &none, 1));
  stop();
}

/* A random but well-formed message over few fids and names, so that much of it succeeds. */
static void
build_random(uint64_t *random)
{
  static const char *const names[] = {"hello", "dir", "inner", "a", "b", "..", "up", "c/d"};
  static const struct {
    uint8_t type;
    const char *format;
  } shapes[] = {
      {P9_TWALK, "ddwss"},         {P9_TWALK, "ddws"},      {P9_TWALK, "ddw"},
      {P9_TLOPEN, "dd"},           {P9_TLCREATE, "dsddd"},  {P9_TREAD, "dqd"},
      {P9_TWRITE, "dqdqq"},        {P9_TCLUNK, "d"},        {P9_TREMOVE, "d"},
      {P9_TSTATFS, "d"},           {P9_TSYMLINK, "dssd"},   {P9_TMKNOD, "dsdddd"},
      {P9_TRENAME, "dds"},         {P9_TREADLINK, "d"},     {P9_TGETATTR, "dq"},
      {P9_TSETATTR, "dddddqqqqq"}, {P9_TREADDIR, "dqd"},    {P9_TMKDIR, "dsdd"},
      {P9_TLOCK, "dbdqqds"},       {P9_TGETLOCK, "dbqqds"}, {P9_TLINK, "dds"},
      {P9_TRENAMEAT, "dsds"},      {P9_TUNLINKAT, "dsd"},   {P9_TXATTRWALK, "dds"},
      {P9_TATTACH, "ddssd"},       {P9_TFLUSH, "w"},        {P9_TFSYNC, "dd"},
  };
  size_t shape = next_random(random) % (sizeof shapes / sizeof *shapes);
  uint8_t *at = client.request + P9_HEADER_BYTES;
  uint32_t strings = 0;
  size_t size;

  client_build(&client, shapes[shape].type, "");
  for (const char *f = shapes[shape].format; *f; f++)
    strings += *f == 's';
  for (const char *f = shapes[shape].format; *f; f++) {
    uint64_t value = next_random(random);
    size_t bytes = *f == 'b' ? 1 : *f == 'w' ? 2 : *f == 'd' ? 4 : 8;

    if (*f == 's') {
      const char *name = names[value % 8];

      *at++ = (uint8_t)strlen(name);
      *at++ = 0;
      memcpy(at, name, strlen(name));
      at += strlen(name);
      continue;
    }
    /* Mostly small numbers, and in front the root's fid; sizes must not fill the disk. */
    if (*f == 'w')
      value = strings;
    else if (at == client.request + P9_HEADER_BYTES && value % 4)
      value = 0;
    else if (value % 16)
      value %= 8;
    else if (bytes == 8)
      value %= 65536;
    for (size_t i = 0; i < bytes; i++)
      *at++ = (uint8_t)(value >> 8 * i);
  }
  size = (size_t)(at - client.request);
  client.request_bytes = size;
  for (size_t i = 0; i < 4; i++)
    client.request[i] = (uint8_t)(size >> 8 * i);
}

static void
test_fuzz(long rounds)
{
  uint64_t random = 0x9b2000;
  struct stat st;
  long accepted = 0;

  start(false);
  for (long round = 0; round < rounds; round++) {
    struct iovec request[3], reply[3];
    size_t cut, room, written;

    build_random(&random);
    if (round % 2)
      for (uint64_t i = next_random(&random) % 4; i; i--)
        client.request[next_random(&random) % client.request_bytes] ^=
            (uint8_t)(1u << next_random(&random) % 8);
    if (round % 5 == 0)
      client.request_bytes = next_random(&random) % (client.request_bytes + 1);
    cut = client.request_bytes ? next_random(&random) % client.request_bytes : 0;
    room = round % 7 ? 8192 : next_random(&random) % 64;
    request[0] = (struct iovec){client.request, cut};
    request[1] = (struct iovec){NULL, 0};
    request[2] = (struct iovec){client.request + cut, client.request_bytes - cut};
    reply[0] = (struct iovec){client.reply, room / 3};
    reply[1] = (struct iovec){client.reply + room / 3, room - room / 3};
    written = p9_handle(client.server, request, 3, reply, 2);
    CHECK(written <= room);
    CHECK(written == 0 || written >= P9_HEADER_BYTES);
    if (written) {
      client.at = 0;
      client.reply_bytes = written;
      CHECK_EQUAL(written, client_get(&client, 4));
      accepted += client.reply[4] != P9_RLERROR;
    }
    /* A Tversion may have come about, or all fids got lost: begin again. */
    if (round % 50 == 49)
      CHECK_EQUAL(0, client_attach(&client, 8192));
  }
  /* Else it would test the error paths alone. */
  CHECK(accepted > rounds / 20);
  expect_file("secret", "not for the guest\n");
  stop();
  CHECK(lstat(in_base("secret"), &st) == 0 && st.st_nlink == 1);
  printf("9p fuzz: %ld messages, %ld of them carried out\n", rounds, accepted);
}

int
main(int argc, char **argv)
{
  long rounds = argc > 1 ? atol(argv[1]) : 100000;

  snprintf(base, sizeof base, "/tmp/ninep-test-XXXXXX");
  CHECK(mkdtemp(base));
  snprintf(root, sizeof root, "%s/root", base);
  test_version();
  test_walk();
  test_read_write();
  test_big_transfer();
  test_names();
  test_rename();
  test_setattr();
  test_readdir();
  test_locks_and_statfs();
  test_escapes();
  test_whole_host();
  test_read_only();
  test_limits();
  test_truncated();
  test_fuzz(rounds);
  nftw(base, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
  rmdir(base);
  printf("ninep_test: ok\n");
  return 0;
}
