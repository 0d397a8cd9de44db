/*
 * UDP, RFC 768, as a network address translator (RFC 4787) whose outside is one connected host
 * socket for each guest port and remote endpoint: only the remote that was spoken to can answer,
 * and the host tells us when nobody listens there.
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

enum { UDP_IDLE_MS = 120 * 1000 }; /* RFC 4787 REQ-5 */
enum { UDP_BATCH = 16 };           /* datagrams taken before other flows get their turn */
enum { DHCP_SERVER_PORT = 67, DNS_PORT = 53 };

static void udp_ready(struct netstack *stack, struct net_flow *flow, short events);

static const struct net_flow_class udp_class = {
    .protocol = PROTOCOL_UDP,
    .limit = 128,
    .ready = udp_ready,
    .expire = net_flow_kill,
};

void
net_udp_send(struct netstack *stack, uint32_t src, uint16_t src_port, uint32_t dst,
             uint16_t dst_port, size_t length)
{
  uint8_t *datagram = net_ip_payload(stack);
  uint16_t sum;

  length += UDP_BYTES;
  put16(datagram + UDP_SRC, src_port);
  put16(datagram + UDP_DST, dst_port);
  put16(datagram + UDP_LENGTH, (uint16_t)length);
  put16(datagram + UDP_CHECKSUM, 0);
  sum = checksum_transport(src, dst, PROTOCOL_UDP, datagram, length);
  put16(datagram + UDP_CHECKSUM, sum ? sum : 0xffff); /* 0 would mean "none" */
  net_ip_send(stack, src, dst, PROTOCOL_UDP, length);
}

static struct net_flow *
open_flow(struct netstack *stack, const struct ip_packet *packet)
{
  uint16_t guest_port = get16(packet->payload + UDP_SRC);
  uint16_t port = get16(packet->payload + UDP_DST);
  struct sockaddr_in to;
  struct net_flow *flow;
  bool in_progress;
  int fd = -EHOSTUNREACH;

  if (!net_flow_room(stack, &udp_class))
    return NULL;
  if (net_destination(stack, packet->dst, port, &to))
    fd = net_connect(SOCK_DGRAM, 0, &to, &in_progress);
  if (fd < 0) {
    if (packet->dst == stack->config.host_ip && port == DNS_PORT)
      net_dns_fail(stack, guest_port, packet->payload + UDP_BYTES, packet->length - UDP_BYTES);
    else
      net_icmp_unreachable(stack, stack->config.host_ip, ICMP_HOST_UNREACHABLE, PROTOCOL_UDP,
                           packet->dst, packet->payload);
    return NULL;
  }
  flow = net_flow_add(stack, &udp_class, sizeof *flow, fd, guest_port, packet->dst, port);
  if (!flow)
    close(fd);
  return flow;
}

/* Nobody listens at the remote port: say so as if the remote host did. */
static void
report_closed_port(struct netstack *stack, const struct net_flow *flow)
{
  uint8_t start[UDP_BYTES] = {0};

  put16(start + UDP_SRC, flow->guest_port);
  put16(start + UDP_DST, flow->remote_port);
  put16(start + UDP_LENGTH, UDP_BYTES);
  net_icmp_unreachable(stack, flow->remote, ICMP_PORT_UNREACHABLE, PROTOCOL_UDP, flow->remote,
                       start);
}

void
net_udp_input(struct netstack *stack, const struct ip_packet *packet)
{
  const uint8_t *datagram = packet->payload;
  struct ip_packet whole = *packet;
  struct net_flow *flow;
  size_t length;
  uint16_t port;

  if (packet->length < UDP_BYTES)
    return;
  length = get16(datagram + UDP_LENGTH);
  port = get16(datagram + UDP_DST);
  if (length < UDP_BYTES || length > packet->length || port == 0)
    return;
  if (get16(datagram + UDP_CHECKSUM) != 0 &&
      checksum_transport(packet->src, packet->dst, PROTOCOL_UDP, datagram, length) != 0)
    return;
  if (packet->src != stack->config.guest_ip || packet->dst == 0xffffffff ||
      (packet->dst == stack->config.host_ip && port == DHCP_SERVER_PORT)) {
    if (port == DHCP_SERVER_PORT)
      net_dhcp_input(stack, datagram + UDP_BYTES, length - UDP_BYTES);
    return;
  }
  whole.length = length; /* without what IP may carry behind the datagram */
  flow = net_flow_find(stack, &udp_class, get16(datagram + UDP_SRC), packet->dst, port);
  if (!flow)
    flow = open_flow(stack, &whole);
  if (!flow)
    return;
  /* An error here is the answer to an earlier datagram; this one has not been sent then. */
  if (send(flow->fd, datagram + UDP_BYTES, length - UDP_BYTES, MSG_NOSIGNAL) < 0 &&
      errno == ECONNREFUSED) {
    report_closed_port(stack, flow);
    (void)!send(flow->fd, datagram + UDP_BYTES, length - UDP_BYTES, MSG_NOSIGNAL);
  }
  net_flow_await(stack, flow, POLLIN, net_now() + UDP_IDLE_MS);
}

static void
udp_ready(struct netstack *stack, struct net_flow *flow, short events)
{
  enum { MOST = NET_MTU - IP4_BYTES - UDP_BYTES };
  uint8_t *payload = net_ip_payload(stack) + UDP_BYTES;

  (void)events;
  for (int i = 0; i < UDP_BATCH; i++) {
    ssize_t length = recv(flow->fd, payload, MOST, MSG_TRUNC);

    if (length < 0) {
      if (errno == ECONNREFUSED)
        report_closed_port(stack, flow);
      break;
    }
    if (length <= MOST) /* larger ones would need fragments */
      net_udp_send(stack, flow->remote, flow->remote_port, stack->config.guest_ip, flow->guest_port,
                   (size_t)length);
  }
  net_flow_await(stack, flow, POLLIN, net_now() + UDP_IDLE_MS);
}
