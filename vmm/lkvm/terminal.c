#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

#include "log.h"
#include "output.h"

#define ESCAPE_KEY 0x01

static struct termios original;
static bool is_raw;

void
terminal_make_raw(void)
{
  static bool at_exit;
  if (is_raw || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
      tcgetattr(STDIN_FILENO, &original) < 0)
    return;
  struct termios raw = original;
  cfmakeraw(&raw);
  if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) < 0)
    return;
  is_raw = true;
  output_set_raw(true);
  if (!at_exit)
    atexit(terminal_restore);
  at_exit = true;
}

void
terminal_restore(void)
{
  if (!is_raw)
    return;
  output_flush();
  tcsetattr(STDIN_FILENO, TCSADRAIN, &original);
  output_set_raw(false);
  is_raw = false;
}

size_t
terminal_filter(struct terminal *terminal, uint8_t *bytes, size_t count, bool *quit)
{
  size_t kept = 0;
  for (size_t i = 0; i < count; i++) {
    bool was_escaped = terminal->escaped;
    terminal->escaped = false;
    if (was_escaped && bytes[i] == 'x')
      *quit = true;
    else if (bytes[i] == ESCAPE_KEY && !was_escaped)
      terminal->escaped = true;
    else
      bytes[kept++] = bytes[i];
  }
  return kept;
}

static void *
terminal_main(void *opaque)
{
  struct terminal *terminal = opaque;
  struct pollfd wait_for[] = {
      {.fd = terminal->stop_fd, .events = POLLIN},
      {.fd = STDIN_FILENO, .events = POLLIN},
  };
  uint8_t bytes[256];

  for (;;) {
    if (poll(wait_for, 2, -1) < 0 && errno != EINTR)
      break;
    if (wait_for[0].revents)
      break;
    if (!wait_for[1].revents)
      continue;
    ssize_t count = read(STDIN_FILENO, bytes, sizeof bytes);
    if (count < 0 && (errno == EINTR || errno == EAGAIN))
      continue;
    if (count <= 0) {
      wait_for[1].fd = -1; /* End of input: the guest runs on. */
      continue;
    }
    bool quit = false;
    size_t kept = terminal_filter(terminal, bytes, (size_t)count, &quit);
    if (quit)
      terminal->quit(terminal->opaque);
    else if (kept > 0)
      terminal->typed(terminal->opaque, bytes, kept);
  }
  return NULL;
}

void
terminal_start(struct terminal *terminal)
{
  terminal->escaped = false;
  terminal->stop_fd = eventfd(0, EFD_CLOEXEC);
  if (terminal->stop_fd < 0 ||
      pthread_create(&terminal->thread, NULL, terminal_main, terminal) != 0)
    fatal("Cannot create a thread for the terminal");
}

void
terminal_stop(struct terminal *terminal)
{
  uint64_t one = 1;
  if (write(terminal->stop_fd, &one, sizeof one) == sizeof one)
    pthread_join(terminal->thread, NULL);
  close(terminal->stop_fd);
}
