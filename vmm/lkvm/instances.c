#define _GNU_SOURCE /* accept4 */
#include "instances.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "home.h"
#include "log.h"

#define SUFFIX ".sock"
#define ASK_PID 'p'
#define ASK_STOP 's'

static void
socket_address(struct sockaddr_un *address, const char *name)
{
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  int length = snprintf(address->sun_path, sizeof address->sun_path, "%s/%s" SUFFIX,
                        home_directory(), name);
  if (length < 0 || (size_t)length >= sizeof address->sun_path)
    fatal("The name of guest %s's socket is too long for the system", name);
}

/* A client must not make the guest wait: neither side waits longer than a second. */
static void
set_timeout(int fd)
{
  struct timeval second = {.tv_sec = 1};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof second);
}

/* Connects to a guest; -1 if none runs under this name. A dead guest's socket is removed. */
static int
connect_to(const char *name)
{
  struct sockaddr_un address;
  socket_address(&address, name);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return -1;
  set_timeout(fd);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
    return fd;
  if (errno == ECONNREFUSED)
    unlink(address.sun_path);
  close(fd);
  return -1;
}

static struct sockaddr_un own_address;

static void
remove_own_socket(void)
{
  unlink(own_address.sun_path);
}

int
instance_listen(const char *name)
{
  struct sockaddr_un address;
  socket_address(&address, name);
  int other = connect_to(name);
  if (other >= 0)
    fatal("A guest named %s is already running", name);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 4) < 0)
    fatal("Unable to listen on %s: %s", address.sun_path, strerror(errno));
  own_address = address;
  atexit(remove_own_socket);
  return fd;
}

bool
instance_serve(int listen_fd)
{
  char request = 0, answer[16];
  int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
  if (fd < 0)
    return false;
  set_timeout(fd);
  if (read(fd, &request, 1) != 1)
    request = 0;
  int length = snprintf(answer, sizeof answer, "%d\n", getpid());
  if (request != 0 && write(fd, answer, (size_t)length) != length)
    request = 0;
  close(fd);
  return request == ASK_STOP;
}

/* Sends a request; returns the guest's process id, or -1. */
static int
ask(const char *name, char request)
{
  char answer[16] = "";
  int pid = -1;
  int fd = connect_to(name);
  if (fd < 0)
    return -1;
  if (write(fd, &request, 1) == 1 && read(fd, answer, sizeof answer - 1) > 0)
    sscanf(answer, "%d", &pid);
  close(fd);
  return pid;
}

/* Calls `visit` for every running guest; returns how many there were. */
static int
for_each(void (*visit)(const char *name))
{
  int count = 0;
  DIR *directory = opendir(home_directory());
  struct dirent *entry;
  while (directory && (entry = readdir(directory))) {
    size_t length = strlen(entry->d_name);
    size_t suffix = strlen(SUFFIX);
    if (length <= suffix || strcmp(entry->d_name + length - suffix, SUFFIX) != 0)
      continue;
    entry->d_name[length - suffix] = '\0';
    if (ask(entry->d_name, ASK_PID) > 0) {
      visit(entry->d_name);
      count++;
    }
  }
  if (directory)
    closedir(directory);
  return count;
}

static void
print_running(const char *name)
{
  printf("%5d %-20s %s\n", ask(name, ASK_PID), name, "running");
}

/* Root directories that no guest needs to be using are listed as kvmtool lists them. */
static void
print_root_directories(void)
{
  DIR *directory = opendir(home_directory());
  struct dirent *entry;
  while (directory && (entry = readdir(directory))) {
    char path[PATH_BYTES * 2];
    struct stat status;
    snprintf(path, sizeof path, "%s/%s", home_directory(), entry->d_name);
    if (entry->d_name[0] != '.' && stat(path, &status) == 0 && S_ISDIR(status.st_mode))
      printf("%5s %-20s %s\n", "", entry->d_name, "shut off");
  }
  if (directory)
    closedir(directory);
}

int
instances_list(void)
{
  printf("%6s %-20s %s\n", "PID", "NAME", "STATE");
  printf("------------------------------------\n");
  for_each(print_running);
  print_root_directories();
  return 0;
}

int
instances_stop(const char *name)
{
  if (ask(name, ASK_STOP) > 0)
    return 0;
  error("No guest named %s is running", name);
  return 1;
}

static void
stop_one(const char *name)
{
  instances_stop(name);
}

int
instances_stop_all(void)
{
  for_each(stop_one);
  return 0;
}
