/* 9P2000.L packing: little-endian integers, counted strings, qids. See ninep_proto.h. */
#include "ninep_proto.h"

#include <string.h>

static uint64_t
get(struct p9_reader *r, size_t bytes)
{
  uint64_t value = 0;

  if (r->bad || (size_t)(r->end - r->at) < bytes) {
    r->bad = true;
    return 0;
  }
  for (size_t i = 0; i < bytes; i++)
    value |= (uint64_t)r->at[i] << (8 * i);
  r->at += bytes;
  return value;
}

uint8_t
p9_get8(struct p9_reader *r)
{
  return (uint8_t)get(r, 1);
}

uint16_t
p9_get16(struct p9_reader *r)
{
  return (uint16_t)get(r, 2);
}

uint32_t
p9_get32(struct p9_reader *r)
{
  return (uint32_t)get(r, 4);
}

uint64_t
p9_get64(struct p9_reader *r)
{
  return get(r, 8);
}

void
p9_get_string(struct p9_reader *r, char *string, size_t capacity)
{
  size_t length = p9_get16(r);

  string[0] = '\0';
  if (r->bad || (size_t)(r->end - r->at) < length || length >= capacity ||
      memchr(r->at, '\0', length)) {
    r->bad = true;
    return;
  }
  memcpy(string, r->at, length);
  string[length] = '\0';
  r->at += length;
}

bool
p9_whole(const struct p9_reader *r)
{
  return !r->bad && r->at == r->end;
}

static void
store(uint8_t *at, uint64_t value, size_t bytes)
{
  for (size_t i = 0; i < bytes; i++)
    at[i] = (uint8_t)(value >> (8 * i));
}

static void
put(struct p9_writer *w, uint64_t value, size_t bytes)
{
  if (w->bad || (size_t)(w->end - w->at) < bytes) {
    w->bad = true;
    return;
  }
  store(w->at, value, bytes);
  w->at += bytes;
}

void
p9_put8(struct p9_writer *w, uint8_t value)
{
  put(w, value, 1);
}

void
p9_put16(struct p9_writer *w, uint16_t value)
{
  put(w, value, 2);
}

void
p9_put32(struct p9_writer *w, uint32_t value)
{
  put(w, value, 4);
}

void
p9_put64(struct p9_writer *w, uint64_t value)
{
  put(w, value, 8);
}

void
p9_put_string(struct p9_writer *w, const char *string, size_t length)
{
  if (length > UINT16_MAX) {
    w->bad = true;
    return;
  }
  p9_put16(w, (uint16_t)length);
  if (w->bad || (size_t)(w->end - w->at) < length) {
    w->bad = true;
    return;
  }
  memcpy(w->at, string, length);
  w->at += length;
}

void
p9_put_qid(struct p9_writer *w, struct p9_qid qid)
{
  p9_put8(w, qid.type);
  p9_put32(w, qid.version);
  p9_put64(w, qid.path);
}

void
p9_patch16(uint8_t *at, uint16_t value)
{
  store(at, value, 2);
}

void
p9_patch32(uint8_t *at, uint32_t value)
{
  store(at, value, 4);
}
