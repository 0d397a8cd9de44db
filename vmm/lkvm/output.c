#include "output.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define GATHER_BYTES 256
#define LINGER_NS 2000000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char gathered[GATHER_BYTES];
static size_t gathered_bytes;
static int timer = -1;
static bool timer_armed;
static bool raw_terminal;

static void
write_all(const char *bytes, size_t count)
{
  while (count > 0) {
    ssize_t written = write(STDOUT_FILENO, bytes, count);
    if (written > 0) {
      bytes += written;
      count -= (size_t)written;
    } else if (written < 0 && errno == EAGAIN) {
      struct pollfd writable = {.fd = STDOUT_FILENO, .events = POLLOUT};
      poll(&writable, 1, -1);
    } else if (written < 0 && errno != EINTR) {
      return; /* The reader is gone: the guest runs on without a console. */
    }
  }
}

static void
flush_locked(void)
{
  if (gathered_bytes > 0)
    write_all(gathered, gathered_bytes);
  gathered_bytes = 0;
}

int
output_open(void)
{
  if (timer < 0)
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  return timer;
}

void
output_timer(void)
{
  uint64_t expirations;
  pthread_mutex_lock(&lock);
  if (read(timer, &expirations, sizeof expirations) > 0)
    timer_armed = false;
  flush_locked();
  pthread_mutex_unlock(&lock);
}

/* One shot. It is not disarmed by an early flush: letting it fire costs less than stopping it. */
static void
arm_timer_locked(void)
{
  struct itimerspec linger = {.it_value.tv_nsec = LINGER_NS};
  if (timer < 0)
    flush_locked();
  else if (!timer_armed && timerfd_settime(timer, 0, &linger, NULL) == 0)
    timer_armed = true;
}

void
output_write(const void *bytes, size_t count)
{
  const char *from = bytes;
  bool line_ended = memchr(bytes, '\n', count) != NULL;

  pthread_mutex_lock(&lock);
  while (count > 0) {
    size_t room = GATHER_BYTES - gathered_bytes;
    size_t part = count < room ? count : room;
    memcpy(gathered + gathered_bytes, from, part);
    gathered_bytes += part;
    from += part;
    count -= part;
    if (gathered_bytes == GATHER_BYTES)
      flush_locked();
  }
  if (line_ended)
    flush_locked();
  else if (gathered_bytes > 0)
    arm_timer_locked();
  pthread_mutex_unlock(&lock);
}

void
output_flush(void)
{
  pthread_mutex_lock(&lock);
  flush_locked();
  pthread_mutex_unlock(&lock);
}

void
output_set_raw(bool raw)
{
  raw_terminal = raw;
}

const char *
output_newline(void)
{
  return raw_terminal ? "\r\n" : "\n";
}
