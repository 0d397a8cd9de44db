/*
 * TCP, RFC 9293: segments from the guest, and the host's sockets. See net_tcp.h for the picture.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "net_tcp.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Read from the host when this much fits: small reads cost a system call each, too. */
enum { TCP_READ_ROOM = TCP_RING_BYTES / 4 };

static void tcp_ready(struct netstack *stack, struct net_flow *flow, short events);
static void tcp_expire(struct netstack *stack, struct net_flow *flow);

static const struct net_flow_class tcp_class = {
    .protocol = PROTOCOL_TCP,
    .limit = 256,
    .ready = tcp_ready,
    .expire = tcp_expire,
};

/* Ends the connection at once. The host's peer sees a reset, unless all had been said. */
static void
drop(struct netstack *stack, struct tcp_flow *tcp, bool tell_guest)
{
  struct linger at_once = {.l_onoff = 1};

  if (tell_guest)
    tcp_send_rst(stack, tcp);
  setsockopt(tcp->flow.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  net_flow_kill(stack, &tcp->flow);
}

/* to_host -> host socket, and then the guest's FIN. False if the connection is gone. */
static bool
write_host(struct netstack *stack, struct tcp_flow *tcp)
{
  struct tcp_ring *ring = &tcp->to_host;

  while (ring->length) {
    ssize_t done =
        send(tcp->flow.fd, ring_at(ring, 0), ring_piece(ring, 0, ring->length), MSG_NOSIGNAL);

    if (done < 0) {
      if (errno == EAGAIN || errno == EINTR)
        return true;
      drop(stack, tcp, true);
      return false;
    }
    ring_drop(ring, (uint32_t)done);
  }
  if (tcp->guest_fin && !tcp->host_shut) {
    shutdown(tcp->flow.fd, SHUT_WR);
    tcp->host_shut = true;
  }
  return true;
}

/* host socket -> to_guest. False if the connection is gone. */
static bool
read_host(struct netstack *stack, struct tcp_flow *tcp)
{
  struct tcp_ring *ring = &tcp->to_guest;

  while (!tcp->host_eof && TCP_RING_BYTES - ring->length >= TCP_READ_ROOM) {
    uint32_t room = ring_piece(ring, ring->length, TCP_RING_BYTES - ring->length);
    ssize_t done = recv(tcp->flow.fd, ring_at(ring, ring->length), room, 0);

    if (done < 0) {
      if (errno == EAGAIN || errno == EINTR)
        return true;
      drop(stack, tcp, true);
      return false;
    }
    if (done == 0)
      tcp->host_eof = true;
    ring->length += (uint32_t)done;
    if ((uint32_t)done < room)
      return true;
  }
  return true;
}

/* Says what to wait for next, or ends a connection in which all is said and acknowledged. */
static void
await(struct netstack *stack, struct tcp_flow *tcp)
{
  short events = 0;

  if (tcp->state == OPEN && tcp->host_eof && tcp->fin_acked && tcp->host_shut) {
    tcp->state = TIME_WAIT;
    tcp_reset_timer(tcp);
  }
  switch (tcp->state) {
  case CONNECTING: events = POLLOUT; break;
  case OPEN:
    if (!tcp->host_eof && TCP_RING_BYTES - tcp->to_guest.length >= TCP_READ_ROOM)
      events |= POLLIN;
    if (tcp->to_host.length)
      events |= POLLOUT;
    break;
  case SYN_RECEIVED:
  case TIME_WAIT: break;
  }
  net_flow_await(stack, &tcp->flow, events, tcp_deadline(tcp));
}

/* After any event: moves bytes on in both directions as far as they go. */
static void
pump(struct netstack *stack, struct tcp_flow *tcp, bool ack_now, bool readable)
{
  if (tcp->state == OPEN) {
    if (!write_host(stack, tcp))
      return;
    /* Not polled for input: what the guest has acknowledged may have made room. */
    if ((readable || !(tcp->flow.events & POLLIN)) && !read_host(stack, tcp))
      return;
  }
  tcp_output(stack, tcp, ack_now);
  await(stack, tcp);
}

/* Host errors in connect(): a reset if somebody refused, else "host unreachable". */
static void
report_failure(struct netstack *stack, uint32_t remote, const struct tcp_segment *syn, int error)
{
  uint8_t start[8];

  if (error == ECONNREFUSED || remote == stack->config.host_ip) {
    tcp_refuse(stack, remote, syn);
    return;
  }
  put16(start + TCP_SRC, syn->guest_port);
  put16(start + TCP_DST, syn->remote_port);
  put32(start + TCP_SEQ, syn->seq);
  net_icmp_unreachable(stack, stack->config.host_ip, ICMP_HOST_UNREACHABLE, PROTOCOL_TCP, remote,
                       start);
}

static void
connected(struct netstack *stack, struct tcp_flow *tcp)
{
  tcp->state = SYN_RECEIVED;
  tcp_send_syn_ack(stack, tcp);
  await(stack, tcp);
}

static void
connect_host(struct netstack *stack, uint32_t remote, const struct tcp_segment *syn)
{
  struct sockaddr_in to;
  struct tcp_flow *tcp;
  bool in_progress;
  int on = 1, fd = -EHOSTUNREACH;

  if (!net_flow_room(stack, &tcp_class)) {
    tcp_refuse(stack, remote, syn);
    return;
  }
  if (net_destination(stack, remote, syn->remote_port, &to))
    fd = net_connect(SOCK_STREAM, 0, &to, &in_progress);
  if (fd < 0) {
    report_failure(stack, remote, syn, -fd);
    return;
  }
  tcp = (struct tcp_flow *)net_flow_add(stack, &tcp_class, sizeof *tcp, fd, syn->guest_port, remote,
                                        syn->remote_port);
  if (!tcp) {
    close(fd);
    tcp_refuse(stack, remote, syn);
    return;
  }
  /* The guest's TCP has done its own gathering. */
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  tcp->irs = syn->seq;
  tcp->rcv_nxt = tcp->rcv_adv = syn->seq + 1;
  /* RFC 9293 3.4.1: a clock of 4 microseconds. The only one to guess it is the guest itself. */
  tcp->iss = (uint32_t)(net_now() * 250) + (uint32_t)syn->guest_port * 65539;
  tcp->snd_una = tcp->iss;
  tcp->snd_nxt = tcp->snd_max = tcp->iss + 1;
  tcp->mss = syn->mss ? syn->mss : MSS_DEFAULT;
  if (tcp->mss > MSS_OURS)
    tcp->mss = MSS_OURS;
  if (tcp->mss < MSS_LEAST)
    tcp->mss = MSS_LEAST;
  tcp->cwnd = 10 * tcp->mss; /* RFC 6928 */
  tcp->ssthresh = TCP_WINDOW_MAX;
  tcp_reset_timer(tcp);
  if (in_progress)
    await(stack, tcp);
  else
    connected(stack, tcp);
}

/* RFC 9293 3.10.7.4, first: does any of the segment lie in the window? */
static bool
acceptable(const struct tcp_flow *tcp, const struct tcp_segment *in)
{
  uint32_t window = tcp->rcv_adv - tcp->rcv_nxt, from = in->seq - tcp->rcv_nxt;
  uint32_t length = (uint32_t)in->length + !!(in->flags & TCP_SYN) + !!(in->flags & TCP_FIN);

  if (length == 0)
    return from == 0 || from < window;
  return from < window || from + length - 1 < window;
}

/* Takes new text into the ring; whether there was any text or FIN to answer with an ACK. */
static bool
take_text(struct tcp_flow *tcp, const struct tcp_segment *in)
{
  uint32_t length = (uint32_t)in->length, old = tcp->rcv_nxt - in->seq;
  uint32_t window = tcp->rcv_adv - tcp->rcv_nxt, done = 0;
  bool fin = in->flags & TCP_FIN;

  if (length == 0 && !fin)
    return false;
  /* Out of order: dropped, the ACK tells the guest. Behind its FIN there is nothing. */
  if (seq_before(tcp->rcv_nxt, in->seq) || old > length || tcp->guest_fin)
    return true;
  length -= old;
  if (length > window) {
    length = window;
    fin = false;
  }
  while (done < length) {
    struct tcp_ring *ring = &tcp->to_host;
    uint32_t piece = ring_piece(ring, ring->length, length - done);

    memcpy(ring_at(ring, ring->length), in->data + old + done, piece);
    ring->length += piece;
    done += piece;
  }
  tcp->rcv_nxt += length;
  if (fin && length < window) {
    tcp->rcv_nxt++;
    tcp->guest_fin = true;
  }
  return true;
}

/* RFC 9293 3.10.7.4, fifth: the ACK field. False if the segment goes no further. */
static bool
take_ack(struct netstack *stack, struct tcp_flow *tcp, const struct tcp_segment *in)
{
  if (tcp->state == SYN_RECEIVED) {
    if (in->ack != tcp->snd_max) {
      tcp_refuse(stack, tcp->flow.remote, in);
      return false;
    }
    tcp->state = OPEN;
    tcp->snd_una = in->ack;
    tcp->snd_wnd = in->window;
    tcp->snd_wl1 = in->seq;
    tcp->snd_wl2 = in->ack;
    tcp_reset_timer(tcp);
    return true;
  }
  if (seq_before(tcp->snd_max, in->ack)) {
    tcp_output(stack, tcp, true);
    return false;
  }
  tcp->retries = 0; /* whoever answers is alive, even with its window shut */
  if (seq_before(tcp->snd_una, in->ack)) {
    tcp_acked(stack, tcp, in->ack);
  } else if (in->ack == tcp->snd_una && in->length == 0 && in->window == tcp->snd_wnd &&
             !(in->flags & TCP_FIN) && tcp->snd_una != tcp->snd_max && tcp->snd_wnd > 0) {
    if (++tcp->dup_acks == 3)
      tcp_fast_retransmit(stack, tcp);
  }
  if (seq_before(tcp->snd_wl1, in->seq) ||
      (tcp->snd_wl1 == in->seq && !seq_before(in->ack, tcp->snd_wl2))) {
    tcp->snd_wnd = in->window;
    tcp->snd_wl1 = in->seq;
    tcp->snd_wl2 = in->ack;
  }
  return true;
}

/* A segment for a connection that the guest knows of: RFC 9293 3.10.7.4. */
static void
segment_arrives(struct netstack *stack, struct tcp_flow *tcp, const struct tcp_segment *in)
{
  if (tcp->state == SYN_RECEIVED && in->flags == TCP_SYN && in->seq == tcp->irs) {
    tcp_send_syn_ack(stack, tcp); /* the guest sent its SYN again */
    return;
  }
  if (!acceptable(tcp, in)) {
    if (!(in->flags & TCP_RST))
      tcp_output(stack, tcp, true);
    return;
  }
  if (in->flags & TCP_RST) {
    if (in->seq == tcp->rcv_nxt)
      drop(stack, tcp, false);
    else
      tcp_output(stack, tcp, true); /* "challenge ACK", RFC 5961 3.2 */
    return;
  }
  if (in->flags & TCP_SYN) {
    tcp_output(stack, tcp, true); /* likewise, RFC 5961 4.2 */
    return;
  }
  if (!(in->flags & TCP_ACK) || !take_ack(stack, tcp, in))
    return;
  pump(stack, tcp, take_text(tcp, in), false);
}

static void
take_mss(struct tcp_segment *segment, const uint8_t *at, const uint8_t *end)
{
  while (at < end && *at != TCP_OPTION_END) {
    if (*at == TCP_OPTION_NOP) {
      at++;
      continue;
    }
    if (end - at < 2 || at[1] < 2 || at[1] > end - at)
      return;
    if (at[0] == TCP_OPTION_MSS && at[1] == 4)
      segment->mss = get16(at + 2);
    at += at[1];
  }
}

static bool
parse(struct tcp_segment *segment, const struct ip_packet *packet)
{
  const uint8_t *header = packet->payload;
  size_t header_bytes;

  if (packet->length < TCP_BYTES)
    return false;
  header_bytes = (size_t)(header[TCP_DATA_OFFSET] >> 4) * 4;
  if (header_bytes < TCP_BYTES || header_bytes > packet->length ||
      checksum_transport(packet->src, packet->dst, PROTOCOL_TCP, header, packet->length) != 0)
    return false;
  *segment = (struct tcp_segment){
      .guest_port = get16(header + TCP_SRC),
      .remote_port = get16(header + TCP_DST),
      .seq = get32(header + TCP_SEQ),
      .ack = get32(header + TCP_ACK_NUMBER),
      .window = get16(header + TCP_WINDOW),
      .flags = header[TCP_FLAGS] & (TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK),
      .data = header + header_bytes,
      .length = packet->length - header_bytes,
  };
  take_mss(segment, header + TCP_BYTES, header + header_bytes);
  return segment->guest_port != 0 && segment->remote_port != 0;
}

void
net_tcp_input(struct netstack *stack, const struct ip_packet *packet)
{
  struct tcp_segment in;
  struct tcp_flow *tcp;

  if (!parse(&in, packet))
    return;
  tcp = (struct tcp_flow *)net_flow_find(stack, &tcp_class, in.guest_port, packet->dst,
                                         in.remote_port);
  /* RFC 9293 3.6.1: a new SYN may end TIME-WAIT early. */
  if (tcp && tcp->state == TIME_WAIT && in.flags == TCP_SYN && seq_before(tcp->rcv_nxt, in.seq)) {
    net_flow_kill(stack, &tcp->flow);
    tcp = NULL;
  }
  if (!tcp) {
    if (in.flags == TCP_SYN)
      connect_host(stack, packet->dst, &in);
    else if (!(in.flags & TCP_RST))
      tcp_refuse(stack, packet->dst, &in);
  } else if (tcp->state == CONNECTING) {
    if ((in.flags & TCP_RST) && in.seq == tcp->rcv_nxt)
      drop(stack, tcp, false);
  } else {
    segment_arrives(stack, tcp, &in);
  }
}

static void
tcp_ready(struct netstack *stack, struct net_flow *flow, short events)
{
  struct tcp_flow *tcp = (struct tcp_flow *)flow;
  struct tcp_segment syn = {.flags = TCP_SYN};
  socklen_t length = sizeof(int);
  int error = 0;

  if (tcp->state != CONNECTING) {
    pump(stack, tcp, false, events & ~POLLOUT);
    return;
  }
  getsockopt(flow->fd, SOL_SOCKET, SO_ERROR, &error, &length);
  if (!error) {
    connected(stack, tcp);
    return;
  }
  syn.guest_port = flow->guest_port;
  syn.remote_port = flow->remote_port;
  syn.seq = tcp->irs;
  report_failure(stack, flow->remote, &syn, error);
  net_flow_kill(stack, flow);
}

static void
tcp_expire(struct netstack *stack, struct net_flow *flow)
{
  struct tcp_flow *tcp = (struct tcp_flow *)flow;

  if (tcp->state == TIME_WAIT)
    net_flow_kill(stack, flow);
  else if (!tcp_retransmit(stack, tcp))
    drop(stack, tcp, true);
  else
    await(stack, tcp);
}
