/*
 * What the parts of the netstack share: the stack itself, IP packets, and flows.
 *
 * A flow ties a conversation of the guest (protocol, guest's port, remote address and port) to one
 * host socket. All of it is guarded by the stack's lock. Any thread may kill a flow; only the
 * stack's thread closes its socket and frees it, between two polls, so that what it polls stays.
 */
#ifndef LKVM_NET_STACK_H
#define LKVM_NET_STACK_H

#include "net_packet.h"
#include "netstack.h"

#include <pthread.h>

#define NET_NEVER UINT64_MAX

/* An IPv4 packet from the guest, whose header has been checked. */
struct ip_packet {
  uint32_t src, dst;
  uint8_t protocol;
  const uint8_t *payload;
  size_t length;
};

struct net_flow;

struct net_flow_class {
  uint8_t protocol;
  size_t limit; /* flows of this class at one time */
  void (*ready)(struct netstack *stack, struct net_flow *flow, short events);
  void (*expire)(struct netstack *stack, struct net_flow *flow);
};

/* First member of each protocol's own flow. */
struct net_flow {
  struct net_flow *next;
  const struct net_flow_class *class;
  uint32_t remote;
  uint16_t remote_port, guest_port; /* ICMP: 0 and the echo identifier */
  int fd;
  short events;      /* what to poll for; with 0 the socket is not polled at all */
  uint64_t deadline; /* net_now() value at which to expire, or NET_NEVER */
  bool dead;
};

struct netstack {
  struct netstack_config config;
  char hostname[64], domain[128]; /* what the config's pointers point at */
  void (*deliver)(void *opaque, const void *frame, size_t length);
  void *opaque;

  pthread_mutex_t lock;
  pthread_t thread;
  int wake_fd; /* an eventfd */
  bool stopping;
  bool polling; /* the thread is in poll(), so changes need a wake-up */
  uint64_t polling_until;

  struct net_flow *flows;
  uint16_t ip_id;
  uint8_t in[NETSTACK_FRAME_BYTES];
  uint8_t out[NETSTACK_FRAME_BYTES];
};

/* netstack.c */
uint64_t net_now(void); /* milliseconds, monotonic */
struct net_flow *net_flow_find(struct netstack *stack, const struct net_flow_class *class,
                               uint16_t guest_port, uint32_t remote, uint16_t remote_port);
/*
 * Whether there may be one more of this class. If not, and it is not TCP, the one nearest its
 * deadline is killed to make room for the next try.
 */
bool net_flow_room(struct netstack *stack, const struct net_flow_class *class);
/* Adds a zeroed flow of `bytes` with the given socket; NULL if there is no memory. */
struct net_flow *net_flow_add(struct netstack *stack, const struct net_flow_class *class,
                              size_t bytes, int fd, uint16_t guest_port, uint32_t remote,
                              uint16_t remote_port);
void net_flow_await(struct netstack *stack, struct net_flow *flow, short events, uint64_t deadline);
void net_flow_kill(struct netstack *stack, struct net_flow *flow);
/* Where a guest's packet really goes; false if nowhere. */
bool net_destination(const struct netstack *stack, uint32_t ip, uint16_t port,
                     struct sockaddr_in *to);
/* A nonblocking socket connected (or connecting) to `to`; or a negative errno. */
int net_connect(int type, int protocol, const struct sockaddr_in *to, bool *in_progress);

/* net_ip.c */
void net_ip_input(struct netstack *stack, const uint8_t *packet, size_t length);
/* Where a sender puts its payload before net_ip_send(); room for NET_MTU - IP4_BYTES. */
uint8_t *net_ip_payload(struct netstack *stack);
void net_ip_send(struct netstack *stack, uint32_t src, uint32_t dst, uint8_t protocol,
                 size_t length);
/* Sends out[] as a frame of `type` to `mac`. */
void net_eth_send(struct netstack *stack, const uint8_t *mac, uint16_t type, size_t length);

/* net_arp.c, net_dhcp.c, net_dns.c, net_icmp.c, net_udp.c, net_tcp.c */
void net_arp_input(struct netstack *stack, const uint8_t *packet, size_t length);
void net_dhcp_input(struct netstack *stack, const uint8_t *message, size_t length);
/* Answers the query with SERVFAIL. */
void net_dns_fail(struct netstack *stack, uint16_t guest_port, const uint8_t *query, size_t length);
void net_icmp_input(struct netstack *stack, const struct ip_packet *packet);
/*
 * Tells the guest that its packet to `remote` cannot be delivered; `start` holds the first 8 bytes
 * behind that packet's IP header.
 */
void net_icmp_unreachable(struct netstack *stack, uint32_t from, uint8_t code, uint8_t protocol,
                          uint32_t remote, const uint8_t start[8]);
void net_udp_input(struct netstack *stack, const struct ip_packet *packet);
/* Sends the payload that lies at net_ip_payload() + UDP_BYTES. */
void net_udp_send(struct netstack *stack, uint32_t src, uint16_t src_port, uint32_t dst,
                  uint16_t dst_port, size_t length);
void net_tcp_input(struct netstack *stack, const struct ip_packet *packet);

#endif
