/*
 * A 9P2000.L client for tests: builds one message, hands it to the server through awkwardly split
 * buffers, and picks the reply apart. Its own packing, so that the server's is really tested.
 */
#ifndef LKVM_TESTS_NINEP_CLIENT_H
#define LKVM_TESTS_NINEP_CLIENT_H

#include "../ninep_server.h"

#include <stdint.h>

enum { CLIENT_BYTES = 600 * 1024 };

struct client {
  struct p9_server *server;
  uint8_t request[CLIENT_BYTES], reply[CLIENT_BYTES];
  size_t request_bytes, reply_bytes;
  size_t reply_room; /* how much of `reply` the server gets */
  size_t at;         /* next byte of the reply to read */
};

/*
 * One letter per field: b w d q for 1, 2, 4, 8 bytes (as uint32_t, and uint64_t for q), s for a
 * string (const char *).
 */
void client_build(struct client *client, uint8_t type, const char *format, ...);
/* Sends what was built. Returns the errno of an Rlerror, or 0; checks size, type and tag. */
int client_send(struct client *client);
#define client_call(client, type, ...)                                                             \
  (client_build((client), (type), __VA_ARGS__), client_send(client))

uint64_t client_get(struct client *client, size_t bytes);
void client_get_string(struct client *client, char *string, size_t capacity);

/* Shorthands for what every test does; each returns an errno or 0. */
int client_attach(struct client *client, uint32_t msize);
int client_walk(struct client *client, uint32_t fid, uint32_t new_fid, const char *path);
int client_clunk(struct client *client, uint32_t fid);

#endif
