/* The 9P client of the tests. See ninep_client.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "ninep_client.h"

#include "../ninep_proto.h"
#include "check.h"

#include <stdarg.h>
#include <string.h>

static void
append(struct client *client, uint64_t value, size_t bytes)
{
  for (size_t i = 0; i < bytes; i++)
    client->request[client->request_bytes++] = (uint8_t)(value >> 8 * i);
}

void
client_build(struct client *client, uint8_t type, const char *format, ...)
{
  va_list fields;
  size_t size;

  client->request_bytes = 0;
  append(client, 0, 4);
  append(client, type, 1);
  append(client, type == P9_TVERSION ? P9_NOTAG : 0x1234, 2);
  va_start(fields, format);
  for (; *format; format++) {
    const char *string;

    switch (*format) {
    case 'b': append(client, va_arg(fields, uint32_t), 1); break;
    case 'w': append(client, va_arg(fields, uint32_t), 2); break;
    case 'd': append(client, va_arg(fields, uint32_t), 4); break;
    case 'q': append(client, va_arg(fields, uint64_t), 8); break;
    case 's':
      string = va_arg(fields, const char *);
      append(client, strlen(string), 2);
      memcpy(client->request + client->request_bytes, string, strlen(string));
      client->request_bytes += strlen(string);
      break;
    }
  }
  va_end(fields);
  size = client->request_bytes;
  client->request_bytes = 0;
  append(client, size, 4);
  client->request_bytes = size;
}

/* Splits so that headers straddle parts: 3, 5, 1, 4096, ... bytes. */
static int
split(struct iovec *part, uint8_t *bytes, size_t length)
{
  static const size_t sizes[] = {3, 5, 1, 2, 4096, 0};
  int count = 0;

  for (size_t at = 0; at < length; count++) {
    size_t most = count < 6 ? sizes[count] : 65536;
    size_t take = most < length - at ? most : length - at;

    part[count] = (struct iovec){bytes + at, take};
    at += take;
  }
  return count;
}

int
client_send(struct client *client)
{
  struct iovec request[32], reply[32];
  int requests = split(request, client->request, client->request_bytes);
  int replies = split(reply, client->reply, client->reply_room);

  client->reply_bytes = p9_handle(client->server, request, requests, reply, replies);
  client->at = 0;
  CHECK(client->reply_bytes >= P9_HEADER_BYTES);
  CHECK(client_get(client, 4) == client->reply_bytes);
  if (client_get(client, 1) == P9_RLERROR) {
    CHECK(client->reply_bytes == P9_RLERROR_BYTES);
    (void)client_get(client, 2);
    return (int)client_get(client, 4);
  }
  CHECK(client->reply[4] == client->request[4] + 1);
  CHECK(client_get(client, 2) == (uint64_t)(client->request[5] | client->request[6] << 8));
  return 0;
}

uint64_t
client_get(struct client *client, size_t bytes)
{
  uint64_t value = 0;

  CHECK(client->at + bytes <= client->reply_bytes);
  for (size_t i = 0; i < bytes; i++)
    value |= (uint64_t)client->reply[client->at++] << 8 * i;
  return value;
}

void
client_get_string(struct client *client, char *string, size_t capacity)
{
  size_t length = client_get(client, 2);

  CHECK(length < capacity && client->at + length <= client->reply_bytes);
  memcpy(string, client->reply + client->at, length);
  string[length] = '\0';
  client->at += length;
}

int
client_attach(struct client *client, uint32_t msize)
{
  char version[64];
  int error;

  client->reply_room = sizeof client->reply;
  error = client_call(client, P9_TVERSION, "ds", msize, "9P2000.L");
  if (error)
    return error;
  CHECK(client_get(client, 4) <= msize);
  client_get_string(client, version, sizeof version);
  CHECK(strcmp(version, "9P2000.L") == 0);
  return client_call(client, P9_TATTACH, "ddssd", 0, P9_NOFID, "root", "", P9_NONUNAME);
}

int
client_walk(struct client *client, uint32_t fid, uint32_t new_fid, const char *path)
{
  const char *names[P9_MAX_WALK];
  char copy[4096];
  uint32_t count = 0;
  int error;

  snprintf(copy, sizeof copy, "%s", path);
  for (char *name = strtok(copy, "/"); name; name = strtok(NULL, "/"))
    names[count++] = name;
  client_build(client, P9_TWALK, "ddw", fid, new_fid, count);
  for (uint32_t i = 0; i < count; i++) {
    append(client, strlen(names[i]), 2);
    memcpy(client->request + client->request_bytes, names[i], strlen(names[i]));
    client->request_bytes += strlen(names[i]);
  }
  for (size_t i = 0; i < 4; i++)
    client->request[i] = (uint8_t)(client->request_bytes >> 8 * i);
  error = client_send(client);
  if (error)
    return error;
  /* A walk that stops half way is a failure to whoever wanted the whole path. */
  return client_get(client, 2) == count ? 0 : -1;
}

int
client_clunk(struct client *client, uint32_t fid)
{
  return client_call(client, P9_TCLUNK, "d", fid);
}
