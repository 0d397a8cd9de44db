/*
 * TCP segments to the guest: building them, windows, retransmission. See net_tcp.h.
 *
 * The wire never reorders and rarely loses: only when the guest has no receive buffers left. So the
 * congestion window of RFC 5681 is what finds how many those are, and loss recovery is plain: fast
 * retransmit with RFC 6582's partial ACKs, and going back to the first unacknowledged byte when the
 * timer expires.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "net_tcp.h"

#include <string.h>

enum {
  TCP_RTO_MS = 200, /* below RFC 6298's second: there is no network in between */
  TCP_RTO_MAX_MS = 10 * 1000,
  TCP_RETRIES = 15,        /* about 100 seconds in all, RFC 9293 3.8.3 (R2) */
  TCP_TIME_WAIT_MS = 1000, /* for a lost last ACK; nothing older can be on this wire */
};

static uint32_t
least(uint32_t a, uint32_t b)
{
  return a < b ? a : b;
}

/*
 * Sends header, options and the data that were put behind them. `options_bytes` is a multiple of 4.
 */
static void
send_segment(struct netstack *stack, uint32_t remote, const struct tcp_segment *out,
             size_t options_bytes)
{
  uint8_t *header = net_ip_payload(stack);
  size_t length = TCP_BYTES + options_bytes + out->length;
  uint32_t guest = stack->config.guest_ip;

  put16(header + TCP_SRC, out->remote_port);
  put16(header + TCP_DST, out->guest_port);
  put32(header + TCP_SEQ, out->seq);
  put32(header + TCP_ACK_NUMBER, out->ack);
  header[TCP_DATA_OFFSET] = (uint8_t)((TCP_BYTES + options_bytes) / 4 << 4);
  header[TCP_FLAGS] = out->flags;
  put16(header + TCP_WINDOW, (uint16_t)out->window);
  put16(header + TCP_CHECKSUM, 0);
  put16(header + TCP_URGENT, 0);
  put16(header + TCP_CHECKSUM, checksum_transport(remote, guest, PROTOCOL_TCP, header, length));
  net_ip_send(stack, remote, guest, PROTOCOL_TCP, length);
}

/*
 * The window to offer: the ring's room, but the edge moves only by a worthwhile step (RFC 9293
 * 3.8.6.2.2) and never back.
 */
static uint32_t
receive_window(const struct tcp_flow *tcp)
{
  uint32_t offered = tcp->rcv_adv - tcp->rcv_nxt;
  uint32_t room = least(TCP_RING_BYTES - tcp->to_host.length, TCP_WINDOW_MAX);

  if ((int32_t)offered < 0)
    offered = 0;
  return room >= offered + MSS_OURS ? room : offered;
}

/* A segment of this connection with `length` bytes of the ring from sequence number `seq`. */
static void
send_data(struct netstack *stack, struct tcp_flow *tcp, uint32_t seq, uint32_t length,
          uint8_t flags)
{
  uint32_t skip = seq - tcp->snd_una, first = ring_piece(&tcp->to_guest, skip, length);
  uint8_t *data = net_ip_payload(stack) + TCP_BYTES;
  struct tcp_segment out = {
      .guest_port = tcp->flow.guest_port,
      .remote_port = tcp->flow.remote_port,
      .seq = seq,
      .ack = tcp->rcv_nxt,
      .window = receive_window(tcp),
      .flags = flags | TCP_ACK,
      .length = length,
  };

  if (length) {
    memcpy(data, ring_at(&tcp->to_guest, skip), first);
    memcpy(data + first, ring_at(&tcp->to_guest, skip + first), length - first);
  }
  tcp->rcv_adv = tcp->rcv_nxt + out.window;
  send_segment(stack, tcp->flow.remote, &out, 0);
}

void
tcp_send_syn_ack(struct netstack *stack, struct tcp_flow *tcp)
{
  uint8_t *option = net_ip_payload(stack) + TCP_BYTES;
  struct tcp_segment out = {
      .guest_port = tcp->flow.guest_port,
      .remote_port = tcp->flow.remote_port,
      .seq = tcp->iss,
      .ack = tcp->rcv_nxt,
      .window = TCP_WINDOW_MAX,
      .flags = TCP_SYN | TCP_ACK,
  };

  option[0] = TCP_OPTION_MSS;
  option[1] = 4;
  put16(option + 2, MSS_OURS);
  tcp->rcv_adv = tcp->rcv_nxt + TCP_WINDOW_MAX;
  send_segment(stack, tcp->flow.remote, &out, 4);
}

static bool
timer_needed(const struct tcp_flow *tcp)
{
  return tcp->state == SYN_RECEIVED || tcp->snd_una != tcp->snd_max || tcp->to_guest.length > 0;
}

uint64_t
tcp_deadline(const struct tcp_flow *tcp)
{
  if (tcp->state != TIME_WAIT && !timer_needed(tcp))
    return NET_NEVER;
  if (tcp->flow.deadline != NET_NEVER)
    return tcp->flow.deadline;
  return net_now() + (tcp->state == TIME_WAIT ? TCP_TIME_WAIT_MS : tcp->rto_ms);
}

void
tcp_reset_timer(struct tcp_flow *tcp)
{
  tcp->flow.deadline = NET_NEVER;
  tcp->rto_ms = TCP_RTO_MS;
  tcp->retries = 0;
}

void
tcp_output(struct netstack *stack, struct tcp_flow *tcp, bool ack_now)
{
  bool sent = false;

  while (tcp->state == OPEN) {
    uint32_t flying = tcp->snd_nxt - tcp->snd_una;
    uint32_t window = least(tcp->snd_wnd, tcp->cwnd), unsent, length;
    uint8_t flags = 0;

    if (flying > tcp->to_guest.length)
      break; /* the FIN, too */
    unsent = tcp->to_guest.length - flying;
    length = least(unsent, tcp->mss);
    length = least(length, window > flying ? window - flying : 0);
    /* Cut short by the window: rather wait for ACKs than send crumbs. */
    if (length < tcp->mss && length < unsent && flying > 0)
      break;
    if (length && length == unsent)
      flags |= TCP_PSH;
    if (tcp->host_eof && !tcp->fin_acked && length == unsent)
      flags |= TCP_FIN;
    if (!length && !(flags & TCP_FIN))
      break;
    send_data(stack, tcp, tcp->snd_nxt, length, flags);
    sent = true;
    tcp->snd_nxt += length + (flags & TCP_FIN ? 1 : 0);
    if (seq_before(tcp->snd_max, tcp->snd_nxt))
      tcp->snd_max = tcp->snd_nxt;
  }
  /* After a stall the guest has to hear that there is room again. */
  if (tcp->state == OPEN && !tcp->guest_fin &&
      receive_window(tcp) >= tcp->rcv_adv - tcp->rcv_nxt + TCP_RING_BYTES / 2)
    ack_now = true;
  if (!sent && ack_now)
    send_data(stack, tcp, tcp->snd_max, 0, 0);
}

/* Sends the first segment that is not acknowledged again. */
static void
resend_first(struct netstack *stack, struct tcp_flow *tcp)
{
  uint32_t sent = tcp->snd_max - tcp->snd_una; /* one more than the ring has: with the FIN */
  uint32_t length = least(least(tcp->to_guest.length, sent), tcp->mss);

  send_data(stack, tcp, tcp->snd_una, length,
            length == tcp->to_guest.length && sent > length ? TCP_FIN : 0);
}

void
tcp_acked(struct netstack *stack, struct tcp_flow *tcp, uint32_t ack)
{
  uint32_t acked = ack - tcp->snd_una, data = least(acked, tcp->to_guest.length);

  ring_drop(&tcp->to_guest, data);
  if (acked > data)
    tcp->fin_acked = true; /* a SYN never comes here */
  tcp->snd_una = ack;
  if (seq_before(tcp->snd_nxt, ack))
    tcp->snd_nxt = ack;
  tcp->dup_acks = 0;
  tcp_reset_timer(tcp);
  if (tcp->recovering && seq_before(ack, tcp->recover)) {
    resend_first(stack, tcp); /* there is another hole */
    return;
  }
  tcp->recovering = false;
  if (tcp->cwnd < tcp->ssthresh)
    tcp->cwnd += least(acked, tcp->mss);
  else
    tcp->cwnd += tcp->mss * tcp->mss / tcp->cwnd + 1;
  tcp->cwnd = least(tcp->cwnd, TCP_WINDOW_MAX);
}

/* After a loss: half of what was flying (RFC 5681 equation 4). */
static void
shrink(struct tcp_flow *tcp)
{
  uint32_t half = (tcp->snd_max - tcp->snd_una) / 2;

  tcp->ssthresh = half > 2 * tcp->mss ? half : 2 * tcp->mss;
}

void
tcp_fast_retransmit(struct netstack *stack, struct tcp_flow *tcp)
{
  if (tcp->recovering)
    return;
  tcp->recovering = true;
  tcp->recover = tcp->snd_max;
  shrink(tcp);
  tcp->cwnd = tcp->ssthresh;
  resend_first(stack, tcp);
}

bool
tcp_retransmit(struct netstack *stack, struct tcp_flow *tcp)
{
  if (++tcp->retries > TCP_RETRIES)
    return false;
  tcp->rto_ms = least(tcp->rto_ms * 2, TCP_RTO_MAX_MS);
  if (tcp->state == SYN_RECEIVED) {
    tcp_send_syn_ack(stack, tcp);
    return true;
  }
  tcp->snd_nxt = tcp->snd_una;
  if (tcp->snd_wnd == 0 && tcp->to_guest.length > 0) {
    /* Probe with one byte, RFC 9293 3.8.6.1; it counts as sent only once acknowledged. */
    send_data(stack, tcp, tcp->snd_una, 1, 0);
    if (tcp->snd_max == tcp->snd_una)
      tcp->snd_max++;
    return true;
  }
  shrink(tcp);
  tcp->cwnd = tcp->mss;
  tcp->recovering = false;
  tcp_output(stack, tcp, false);
  return true;
}

void
tcp_refuse(struct netstack *stack, uint32_t remote, const struct tcp_segment *in)
{
  struct tcp_segment out = {
      .guest_port = in->guest_port,
      .remote_port = in->remote_port,
      .flags = TCP_RST,
  };

  if (in->flags & TCP_ACK) {
    out.seq = in->ack;
  } else {
    out.ack = in->seq + (uint32_t)in->length + !!(in->flags & TCP_SYN) + !!(in->flags & TCP_FIN);
    out.flags |= TCP_ACK;
  }
  send_segment(stack, remote, &out, 0);
}

void
tcp_send_rst(struct netstack *stack, struct tcp_flow *tcp)
{
  struct tcp_segment out = {
      .guest_port = tcp->flow.guest_port,
      .remote_port = tcp->flow.remote_port,
      .seq = tcp->state == CONNECTING ? 0 : tcp->snd_max,
      .ack = tcp->rcv_nxt,
      .flags = TCP_RST | TCP_ACK,
  };

  send_segment(stack, tcp->flow.remote, &out, 0);
}
