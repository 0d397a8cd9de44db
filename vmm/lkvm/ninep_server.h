/*
 * A 9P2000.L server over one host directory: the whole of what the virtio 9p device needs.
 *
 * It speaks to Linux's v9fs (version=9p2000.L, any cache mode) and treats the guest as hostile.
 * One request is handled at a time, in the caller's thread; calls from several threads wait for
 * each other. File contents move directly between the iovecs and the host file.
 *
 * p9_server_new() clears the process's umask, because the guest has already applied its own.
 * Run as root it gives new files to the guest's user; chown(2), chmod(2) and set-id bits reach the
 * host's files as they are, so share only what the guest may own.
 */
#ifndef LKVM_NINEP_SERVER_H
#define LKVM_NINEP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

enum { P9_MSIZE_MIN = 4096, P9_MSIZE_MAX = 512 * 1024 };

struct p9_server;

/* Serves `root` (a directory; "/" works too). NULL with errno set if that cannot be. */
struct p9_server *p9_server_new(const char *root, bool read_only);
void p9_server_free(struct p9_server *server);

/*
 * Handles one T-message and writes its R-message into `reply`, across as many parts as it takes.
 * Returns the bytes written; 0 only if `reply` cannot even hold an error. The guest may change the
 * request meanwhile: everything but file contents is copied before it is looked at.
 */
size_t p9_handle(struct p9_server *server, const struct iovec *request, int request_count,
                 struct iovec *reply, int reply_count);

#endif
