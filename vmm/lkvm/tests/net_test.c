/*
 * The netstack against a guest made of frames (net_guest.h), and sockets on the loopback.
 *   net_test [fuzz rounds]
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "net_test.h"

#include "net_guest.h"
#include "check.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

int
host_socket(int type, uint16_t *port)
{
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct timeval patience = {.tv_sec = GUEST_WAIT_MS / 1000};
  socklen_t length = sizeof at;
  int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

  CHECK(fd >= 0);
  CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
  CHECK(bind(fd, (struct sockaddr *)&at, sizeof at) == 0);
  CHECK(type != SOCK_STREAM || listen(fd, 512) == 0);
  CHECK(getsockname(fd, (struct sockaddr *)&at, &length) == 0);
  *port = ntohs(at.sin_port);
  return fd;
}

uint16_t
closed_port(int type)
{
  uint16_t port;

  close(host_socket(type, &port));
  return port;
}

uint32_t
own_address(void)
{
  struct ifaddrs *all;
  uint32_t address = 0;

  CHECK(getifaddrs(&all) == 0);
  for (struct ifaddrs *one = all; one && !address; one = one->ifa_next)
    if (one->ifa_addr && one->ifa_addr->sa_family == AF_INET && !(one->ifa_flags & IFF_LOOPBACK) &&
        (one->ifa_flags & IFF_UP))
      address = ntohl(((struct sockaddr_in *)one->ifa_addr)->sin_addr.s_addr);
  freeifaddrs(all);
  return address;
}

/* How often the stack's thread went to sleep: its voluntary context switches. */
static long
sleeps(void)
{
  DIR *tasks = opendir("/proc/self/task");
  struct dirent *entry;
  long found = -1;

  CHECK(tasks);
  while ((entry = readdir(tasks))) {
    char path[300], line[256], name[64] = "";
    long count = -1;
    FILE *status;

    snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
    status = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
    if (!status)
      continue;
    while (fgets(line, sizeof line, status)) {
      (void)sscanf(line, "Name: %63s", name);
      (void)sscanf(line, "voluntary_ctxt_switches: %ld", &count);
    }
    fclose(status);
    if (strcmp(name, "netstack") == 0)
      found = count;
  }
  closedir(tasks);
  CHECK(found >= 0);
  return found;
}

/* With an idle UDP flow and an idle connection, the thread does not wake up at all. */
static void
test_idle(void)
{
  struct guest_tcp tcp;
  uint16_t udp_port, tcp_port;
  int udp = host_socket(SOCK_DGRAM, &udp_port), listener = host_socket(SOCK_STREAM, &tcp_port);
  long before;

  guest_start();
  guest_send_udp(GUEST, 5000, GATEWAY, udp_port, "x", 1);
  CHECK(guest_tcp_connect(&tcp, tcp_port));
  usleep(100000);
  before = sleeps();
  usleep(500000);
  CHECK_EQUAL(before, sleeps());
  guest_stop();
  close(udp);
  close(listener);
}

static void
test_config(void)
{
  struct sockaddr_in dns = {0};
  char path[] = "/tmp/net-test-XXXXXX";
  int fd = mkstemp(path);
  static const char text[] = "# comment\nsearch example\nnameserver ::1\n"
                             "nameserver 10.1.2.3\nnameserver 10.9.9.9\n";

  CHECK(fd >= 0);
  CHECK(!netstack_find_resolver(path, &dns) && dns.sin_family == 0);
  CHECK(write(fd, text, sizeof text - 1) == sizeof text - 1);
  CHECK(netstack_find_resolver(path, &dns));
  CHECK(dns.sin_addr.s_addr == htonl(0x0a010203) && dns.sin_port == htons(53));
  close(fd);
  unlink(path);
  CHECK(!netstack_find_resolver(path, &dns));
}

int
main(int argc, char **argv)
{
  netstack_config_init(&guest_config);
  CHECK(guest_config.host_ip == GATEWAY && guest_config.guest_ip == GUEST);
  test_config();
  test_net_link();
  test_net_udp();
  test_net_tcp();
  test_idle();
  test_net_fuzz(argc > 1 ? atol(argv[1]) : 50000);
  printf("net_test: ok\n");
  return 0;
}
