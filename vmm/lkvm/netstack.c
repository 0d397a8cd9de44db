/*
 * The netstack's thread, its flows, and the way in. See netstack.h for what it is and net_stack.h
 * for the parts.
 *
 * A frame goes netstack_input() -> net_arp_input() or net_ip_input() -> the protocol, which sends
 * on a host socket there and then. What comes back makes the thread's poll() return; it calls the
 * flow's ready().
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "net_stack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* More than the flow classes' limits together, and the eventfd. */
enum { POLL_LIMIT = 512 };

void
netstack_config_init(struct netstack_config *config)
{
  *config = (struct netstack_config){
      .host_ip = 0xc0a82101,  /* 192.168.33.1 */
      .guest_ip = 0xc0a8210f, /* 192.168.33.15 */
      .netmask = 0xffffff00,
      .host_mac = {0x02, 0x01, 0x01, 0x01, 0x01, 0x01},
      .guest_mac = {0x02, 0x15, 0x15, 0x15, 0x15, 0x15},
  };
}

bool
netstack_find_resolver(const char *resolv_conf, struct sockaddr_in *dns)
{
  FILE *file = fopen(resolv_conf, "re");
  char line[256], address[64];
  struct in_addr in;
  bool found = false;

  if (!file)
    return false;
  while (!found && fgets(line, sizeof line, file))
    found = sscanf(line, " nameserver %63s", address) == 1 && inet_pton(AF_INET, address, &in) == 1;
  fclose(file);
  if (found)
    *dns = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(53), .sin_addr = in};
  return found;
}

uint64_t
net_now(void)
{
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void
wake(struct netstack *stack)
{
  uint64_t one = 1;

  if (!stack->polling)
    return;
  stack->polling = false;
  (void)!write(stack->wake_fd, &one, sizeof one);
}

struct net_flow *
net_flow_find(struct netstack *stack, const struct net_flow_class *class, uint16_t guest_port,
              uint32_t remote, uint16_t remote_port)
{
  struct net_flow *flow = stack->flows;

  while (flow && (flow->dead || flow->class != class || flow->guest_port != guest_port ||
                  flow->remote != remote || flow->remote_port != remote_port))
    flow = flow->next;
  return flow;
}

bool
net_flow_room(struct netstack *stack, const struct net_flow_class *class)
{
  struct net_flow *oldest = NULL;
  size_t count = 0;

  for (struct net_flow *flow = stack->flows; flow; flow = flow->next) {
    if (flow->class != class)
      continue;
    count++;
    if (!flow->dead && (!oldest || flow->deadline < oldest->deadline))
      oldest = flow;
  }
  if (count < class->limit)
    return true;
  if (oldest && class->protocol != PROTOCOL_TCP)
    net_flow_kill(stack, oldest);
  return false;
}

struct net_flow *
net_flow_add(struct netstack *stack, const struct net_flow_class *class, size_t bytes, int fd,
             uint16_t guest_port, uint32_t remote, uint16_t remote_port)
{
  struct net_flow *flow = calloc(1, bytes);

  if (!flow)
    return NULL;
  flow->class = class;
  flow->remote = remote;
  flow->remote_port = remote_port;
  flow->guest_port = guest_port;
  flow->fd = fd;
  flow->deadline = NET_NEVER;
  flow->next = stack->flows;
  stack->flows = flow;
  return flow;
}

void
net_flow_await(struct netstack *stack, struct net_flow *flow, short events, uint64_t deadline)
{
  bool more = events & ~flow->events;

  flow->events = events;
  flow->deadline = deadline;
  if (more || deadline < stack->polling_until)
    wake(stack);
}

void
net_flow_kill(struct netstack *stack, struct net_flow *flow)
{
  flow->dead = true;
  wake(stack);
}

bool
net_destination(const struct netstack *stack, uint32_t ip, uint16_t port, struct sockaddr_in *to)
{
  const struct netstack_config *config = &stack->config;

  *to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
  if (ip == config->host_ip && port == 53) {
    *to = config->dns;
    return to->sin_family == AF_INET;
  }
  if (ip == config->host_ip) {
    to->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return true;
  }
  to->sin_addr.s_addr = htonl(ip);
  /* Nobody else is on this network, and some addresses never leave one: RFC 1122 3.2.1.3. */
  return (ip & config->netmask) != (config->host_ip & config->netmask) && ip >> 24 != 0 &&
         ip >> 24 != 127 && ip >> 24 < 224;
}

int
net_connect(int type, int protocol, const struct sockaddr_in *to, bool *in_progress)
{
  int error, fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

  *in_progress = false;
  if (fd < 0)
    return -errno;
  if (connect(fd, (const struct sockaddr *)to, sizeof *to) == 0)
    return fd;
  error = errno;
  if (error == EINPROGRESS) {
    *in_progress = true;
    return fd;
  }
  close(fd);
  return -error;
}

void
netstack_input(struct netstack *stack, const void *frame, size_t length)
{
  if (length < ETH_BYTES || length > NETSTACK_FRAME_BYTES)
    return;
  pthread_mutex_lock(&stack->lock);
  /* The guest may go on writing to its memory: copy, then look. */
  memcpy(stack->in, frame, length);
  switch (get16(stack->in + ETH_TYPE)) {
  case ETH_TYPE_ARP: net_arp_input(stack, stack->in + ETH_BYTES, length - ETH_BYTES); break;
  case ETH_TYPE_IPV4: net_ip_input(stack, stack->in + ETH_BYTES, length - ETH_BYTES); break;
  }
  pthread_mutex_unlock(&stack->lock);
}

static void
reap(struct netstack *stack, bool all)
{
  for (struct net_flow **link = &stack->flows; *link;) {
    struct net_flow *flow = *link;

    if (!all && !flow->dead) {
      link = &flow->next;
      continue;
    }
    *link = flow->next;
    if (flow->fd >= 0)
      close(flow->fd);
    free(flow);
  }
}

/* Milliseconds for poll(): up to the first deadline, or -1 to wait for an event alone. */
static int
poll_timeout(struct netstack *stack)
{
  uint64_t now, first = NET_NEVER;

  for (struct net_flow *flow = stack->flows; flow; flow = flow->next)
    if (flow->deadline < first)
      first = flow->deadline;
  stack->polling_until = first;
  if (first == NET_NEVER)
    return -1;
  now = net_now();
  if (first <= now)
    return 0;
  return first - now < INT_MAX ? (int)(first - now) : INT_MAX;
}

static void
expire(struct netstack *stack)
{
  uint64_t now = net_now();

  /* Flows are only ever added at the front, and only freed by reap(). */
  for (struct net_flow *flow = stack->flows; flow; flow = flow->next) {
    if (flow->dead || flow->deadline > now)
      continue;
    flow->deadline = NET_NEVER;
    flow->class->expire(stack, flow);
  }
}

static void *
run(void *opaque)
{
  struct netstack *stack = opaque;
  struct pollfd polled[POLL_LIMIT] = {{.fd = stack->wake_fd, .events = POLLIN}};
  struct net_flow *owner[POLL_LIMIT];

  pthread_mutex_lock(&stack->lock);
  while (!stack->stopping) {
    nfds_t count = 1;
    uint64_t wakes;
    int timeout;

    reap(stack, false);
    for (struct net_flow *flow = stack->flows; flow && count < POLL_LIMIT; flow = flow->next) {
      if (!flow->events)
        continue;
      polled[count] = (struct pollfd){.fd = flow->fd, .events = flow->events};
      owner[count++] = flow;
    }
    timeout = poll_timeout(stack);
    stack->polling = true;
    pthread_mutex_unlock(&stack->lock);
    if (poll(polled, count, timeout) < 0)
      for (nfds_t i = 0; i < count; i++)
        polled[i].revents = 0;
    pthread_mutex_lock(&stack->lock);
    stack->polling = false;
    if (polled[0].revents)
      (void)!read(stack->wake_fd, &wakes, sizeof wakes);
    for (nfds_t i = 1; i < count; i++)
      if (polled[i].revents && !owner[i]->dead && owner[i]->events)
        owner[i]->class->ready(stack, owner[i], polled[i].revents);
    expire(stack);
  }
  reap(stack, true);
  pthread_mutex_unlock(&stack->lock);
  return NULL;
}

static void
copy_name(char *to, size_t capacity, const char **name)
{
  if (!*name)
    return;
  snprintf(to, capacity, "%s", *name);
  *name = to;
}

struct netstack *
netstack_new(const struct netstack_config *config,
             void (*deliver)(void *opaque, const void *frame, size_t length), void *opaque)
{
  struct netstack *stack = calloc(1, sizeof *stack);
  sigset_t all, before;
  int error;

  if (!stack)
    return NULL;
  stack->config = *config;
  copy_name(stack->hostname, sizeof stack->hostname, &stack->config.hostname);
  copy_name(stack->domain, sizeof stack->domain, &stack->config.domain);
  stack->deliver = deliver;
  stack->opaque = opaque;
  stack->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (stack->wake_fd < 0) {
    error = errno;
    free(stack);
    errno = error;
    return NULL;
  }
  pthread_mutex_init(&stack->lock, NULL);
  /* Signals are the business of the program's own threads. */
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  error = pthread_create(&stack->thread, NULL, run, stack);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!error)
    pthread_setname_np(stack->thread, "netstack");
  if (error) {
    pthread_mutex_destroy(&stack->lock);
    close(stack->wake_fd);
    free(stack);
    errno = error;
    return NULL;
  }
  return stack;
}

void
netstack_free(struct netstack *stack)
{
  if (!stack)
    return;
  pthread_mutex_lock(&stack->lock);
  stack->stopping = true;
  wake(stack);
  pthread_mutex_unlock(&stack->lock);
  pthread_join(stack->thread, NULL);
  pthread_mutex_destroy(&stack->lock);
  close(stack->wake_fd);
  free(stack);
}
