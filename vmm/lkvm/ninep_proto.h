/*
 * 9P2000.L on the wire: message numbers, flags, and bounds-checked packing.
 *
 * Every message is  size[4] type[1] tag[2] body, little-endian (intro(5), Plan 9 manual, section
 * "Messages"; the .L messages are described in the protocol document of 9P2000.L).
 * A reader or writer that runs past its end turns `bad` and yields zeros from then on, so a handler
 * reads a whole message and asks once whether it was well formed.
 */
#ifndef LKVM_NINEP_PROTO_H
#define LKVM_NINEP_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum p9_type {
  P9_RLERROR = 7,
  P9_TSTATFS = 8,
  P9_TLOPEN = 12,
  P9_TLCREATE = 14,
  P9_TSYMLINK = 16,
  P9_TMKNOD = 18,
  P9_TRENAME = 20,
  P9_TREADLINK = 22,
  P9_TGETATTR = 24,
  P9_TSETATTR = 26,
  P9_TXATTRWALK = 30,
  P9_TXATTRCREATE = 32,
  P9_TREADDIR = 40,
  P9_TFSYNC = 50,
  P9_TLOCK = 52,
  P9_TGETLOCK = 54,
  P9_TLINK = 70,
  P9_TMKDIR = 72,
  P9_TRENAMEAT = 74,
  P9_TUNLINKAT = 76,
  P9_TVERSION = 100,
  P9_TAUTH = 102,
  P9_TATTACH = 104,
  P9_TFLUSH = 108,
  P9_TWALK = 110,
  P9_TREAD = 116,
  P9_TWRITE = 118,
  P9_TCLUNK = 120,
  P9_TREMOVE = 122,
};

enum {
  P9_HEADER_BYTES = 7,                    /* size[4] type[1] tag[2] */
  P9_RREAD_BYTES = P9_HEADER_BYTES + 4,   /* ... count[4], then data */
  P9_TWRITE_BYTES = P9_HEADER_BYTES + 16, /* ... fid[4] offset[8] count[4], then data */
  P9_RLERROR_BYTES = P9_HEADER_BYTES + 4,
  P9_MAX_WALK = 16,     /* MAXWELEM, walk(5) */
  P9_NAME_BYTES = 256,  /* Linux NAME_MAX and a final NUL */
  P9_PATH_BYTES = 4096, /* Linux PATH_MAX, with the final NUL */
};

#define P9_NOTAG 0xffffu
#define P9_NOFID 0xffffffffu
#define P9_NONUNAME 0xffffffffu

/* qid.type, intro(5) "Qids"; the symlink bit comes from 9P2000.u. */
enum { P9_QTFILE = 0x00, P9_QTSYMLINK = 0x02, P9_QTDIR = 0x80 };

/* Tlopen and Tlcreate flags: the octal values of Linux's generic open(2) flags. */
enum {
  P9_OPEN_ACCMODE = 00000003,
  P9_OPEN_EXCL = 00000200,
  P9_OPEN_TRUNC = 00001000,
  P9_OPEN_DSYNC = 00010000,
  P9_OPEN_DIRECTORY = 00200000,
  P9_OPEN_SYNC = 04000000,
};

enum {
  P9_GETATTR_BASIC = 0x000007ff,
  P9_GETATTR_BTIME = 0x00000800,
};

enum {
  P9_SETATTR_MODE = 0x001,
  P9_SETATTR_UID = 0x002,
  P9_SETATTR_GID = 0x004,
  P9_SETATTR_SIZE = 0x008,
  P9_SETATTR_ATIME = 0x010,
  P9_SETATTR_MTIME = 0x020,
  P9_SETATTR_ATIME_SET = 0x080,
  P9_SETATTR_MTIME_SET = 0x100,
};

enum { P9_LOCK_SUCCESS = 0, P9_LOCK_TYPE_UNLCK = 2 };
enum { P9_AT_REMOVEDIR = 0x200 };

struct p9_qid {
  uint8_t type;
  uint32_t version;
  uint64_t path;
};

struct p9_reader {
  const uint8_t *at, *end;
  bool bad;
};

struct p9_writer {
  uint8_t *start, *at, *end;
  bool bad;
};

uint8_t p9_get8(struct p9_reader *r);
uint16_t p9_get16(struct p9_reader *r);
uint32_t p9_get32(struct p9_reader *r);
uint64_t p9_get64(struct p9_reader *r);
/* Copies name[s] with a final NUL; bad if it has a NUL inside or does not fit `capacity`. */
void p9_get_string(struct p9_reader *r, char *string, size_t capacity);
/* True when everything was read, nothing is left over and nothing was missing. */
bool p9_whole(const struct p9_reader *r);

void p9_put8(struct p9_writer *w, uint8_t value);
void p9_put16(struct p9_writer *w, uint16_t value);
void p9_put32(struct p9_writer *w, uint32_t value);
void p9_put64(struct p9_writer *w, uint64_t value);
void p9_put_string(struct p9_writer *w, const char *string, size_t length);
void p9_put_qid(struct p9_writer *w, struct p9_qid qid);
/* Stores over 2 or 4 bytes written before, for counts that are known only afterwards. */
void p9_patch16(uint8_t *at, uint16_t value);
void p9_patch32(uint8_t *at, uint32_t value);

#endif
