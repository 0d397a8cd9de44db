/*
 * ICMP, RFC 792: echo for the gateway; echo to others through the host's unprivileged ICMP sockets
 * (Linux: sysctl net.ipv4.ping_group_range), where the kernel owns the identifier; and "destination
 * unreachable" for what cannot be sent.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "net_stack.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ICMP_IDLE_MS = 60 * 1000 }; /* RFC 5508 REQ-2 */

static void icmp_ready(struct netstack *stack, struct net_flow *flow, short events);

static const struct net_flow_class icmp_class = {
    .protocol = PROTOCOL_ICMP,
    .limit = 16,
    .ready = icmp_ready,
    .expire = net_flow_kill,
};

/* Sends the ICMP message that lies at net_ip_payload(). */
static void
send_message(struct netstack *stack, uint32_t src, size_t length)
{
  uint8_t *message = net_ip_payload(stack);

  put16(message + ICMP_CHECKSUM, 0);
  put16(message + ICMP_CHECKSUM, checksum(message, length));
  net_ip_send(stack, src, stack->config.guest_ip, PROTOCOL_ICMP, length);
}

void
net_icmp_unreachable(struct netstack *stack, uint32_t from, uint8_t code, uint8_t protocol,
                     uint32_t remote, const uint8_t start[8])
{
  uint8_t *message = net_ip_payload(stack), *original = message + ICMP_BYTES;

  memset(message, 0, ICMP_BYTES + IP4_BYTES);
  message[ICMP_TYPE] = ICMP_UNREACHABLE;
  message[ICMP_CODE] = code;
  /* The guest finds its socket by addresses, protocol and ports; the rest is not looked at. */
  original[IP4_VERSION_IHL] = 4 << 4 | IP4_BYTES / 4;
  put16(original + IP4_TOTAL_LENGTH, IP4_BYTES + 8);
  original[IP4_TTL] = 64;
  original[IP4_PROTOCOL] = protocol;
  put32(original + IP4_SRC, stack->config.guest_ip);
  put32(original + IP4_DST, remote);
  put16(original + IP4_CHECKSUM, checksum(original, IP4_BYTES));
  memcpy(original + IP4_BYTES, start, 8);
  send_message(stack, from, ICMP_BYTES + IP4_BYTES + 8);
}

/* The flow for echo requests with this identifier, made if need be; NULL after a failure. */
static struct net_flow *
find_or_open(struct netstack *stack, const struct ip_packet *packet)
{
  uint16_t id = get16(packet->payload + ICMP_ECHO_ID);
  struct net_flow *flow = net_flow_find(stack, &icmp_class, id, packet->dst, 0);
  struct sockaddr_in to;
  bool in_progress;
  int fd = -EHOSTUNREACH;

  if (flow)
    return flow;
  if (!net_flow_room(stack, &icmp_class))
    return NULL;
  if (net_destination(stack, packet->dst, 0, &to))
    fd = net_connect(SOCK_DGRAM, IPPROTO_ICMP, &to, &in_progress);
  if (fd < 0) {
    net_icmp_unreachable(stack, stack->config.host_ip,
                         fd == -EACCES || fd == -EPERM ? ICMP_PROHIBITED : ICMP_HOST_UNREACHABLE,
                         PROTOCOL_ICMP, packet->dst, packet->payload);
    return NULL;
  }
  flow = net_flow_add(stack, &icmp_class, sizeof *flow, fd, id, packet->dst, 0);
  if (!flow)
    close(fd);
  return flow;
}

void
net_icmp_input(struct netstack *stack, const struct ip_packet *packet)
{
  struct net_flow *flow;

  if (packet->length < ICMP_BYTES || checksum(packet->payload, packet->length) != 0 ||
      packet->payload[ICMP_TYPE] != ICMP_ECHO_REQUEST || packet->payload[ICMP_CODE] != 0)
    return;
  if (packet->dst == stack->config.host_ip) {
    uint8_t *reply = net_ip_payload(stack);

    memcpy(reply, packet->payload, packet->length);
    reply[ICMP_TYPE] = ICMP_ECHO_REPLY;
    send_message(stack, packet->dst, packet->length);
    return;
  }
  flow = find_or_open(stack, packet);
  if (!flow)
    return;
  (void)!send(flow->fd, packet->payload, packet->length, MSG_NOSIGNAL);
  net_flow_await(stack, flow, POLLIN, net_now() + ICMP_IDLE_MS);
}

static void
icmp_ready(struct netstack *stack, struct net_flow *flow, short events)
{
  uint8_t *reply = net_ip_payload(stack);
  ssize_t length = recv(flow->fd, reply, NET_MTU - IP4_BYTES, MSG_TRUNC);

  (void)events;
  if (length < ICMP_BYTES || length > NET_MTU - IP4_BYTES || reply[ICMP_TYPE] != ICMP_ECHO_REPLY)
    return; /* recv() has taken the error, if it was one */
  put16(reply + ICMP_ECHO_ID, flow->guest_port);
  send_message(stack, flow->remote, (size_t)length);
}
