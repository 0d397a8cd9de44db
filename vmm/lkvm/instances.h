/*
 * Running guests, for `lkvm list` and `lkvm stop`. Each guest listens on a socket NAME.sock in the
 * home directory; a client sends one byte, 'p' to learn the process id or 's' to stop the guest.
 */
#ifndef LKVM_INSTANCES_H
#define LKVM_INSTANCES_H

#include <stdbool.h>

/*
 * Listens under this name until the program exits; returns the descriptor to poll. Ends the
 * program if the name is taken.
 */
int instance_listen(const char *name);
/* Answers one client; true if it asks the guest to stop. */
bool instance_serve(int listen_fd);

/* `lkvm list` and `lkvm stop`; they return the exit code. */
int instances_list(void);
int instances_stop(const char *name);
int instances_stop_all(void);

#endif
