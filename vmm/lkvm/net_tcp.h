/*
 * One TCP connection of the guest, ended here: TCP segments on the guest's side (RFC 9293), a
 * connected socket on the host's, and a ring of bytes for each direction.
 *
 *            to_guest                               to_host
 *   host socket --> ring --> segments      segments --> ring --> host socket
 *
 * Only the guest opens connections, so of RFC 9293's states the passive half is left: CONNECTING
 * (the host's connect() is under way; LISTEN to the guest), SYN_RECEIVED, OPEN (ESTABLISHED up to
 * LAST_ACK, told apart by host_eof, fin_acked and guest_fin) and TIME_WAIT.
 * net_tcp.c takes segments in and keeps the socket; net_tcp_output.c sends and retransmits.
 */
#ifndef LKVM_NET_TCP_H
#define LKVM_NET_TCP_H

#include "net_stack.h"

enum {
  TCP_RING_BYTES = 65536, /* a power of two */
  TCP_WINDOW_MAX = 65535, /* without the window scale option of RFC 7323 */
  MSS_OURS = NET_MTU - IP4_BYTES - TCP_BYTES,
  MSS_DEFAULT = 536, /* RFC 9293 3.7.1 */
  MSS_LEAST = 64,    /* what we go down to; a guest asking for less is up to no good */
};

struct tcp_ring {
  uint32_t start, length;
  uint8_t bytes[TCP_RING_BYTES];
};

struct tcp_flow {
  struct net_flow flow;
  enum { CONNECTING, SYN_RECEIVED, OPEN, TIME_WAIT } state;

  /* Towards the guest; the names of RFC 9293 3.3.1. */
  uint32_t iss, snd_una, snd_nxt, snd_wnd, snd_wl1, snd_wl2;
  uint32_t snd_max; /* the highest snd_nxt: retransmission moves snd_nxt back */
  uint32_t mss;
  uint32_t cwnd, ssthresh; /* RFC 5681 3.1 */
  uint32_t dup_acks, rto_ms, retries;
  bool recovering; /* from a loss, until all up to `recover` is acknowledged (RFC 6582) */
  uint32_t recover;
  bool host_eof; /* the host sends no more: a FIN follows the ring's last byte */
  bool fin_acked;
  struct tcp_ring to_guest; /* starts with the byte snd_una */

  /* From the guest. */
  uint32_t irs, rcv_nxt;
  uint32_t rcv_adv; /* right edge of the window that the guest was told */
  bool guest_fin;
  bool host_shut; /* guest_fin has been passed on to the host */
  struct tcp_ring to_host;
};

/* A segment, from or to the guest. */
struct tcp_segment {
  uint16_t guest_port, remote_port;
  uint32_t seq, ack, window;
  uint8_t flags;
  uint16_t mss; /* of the option, 0 if absent */
  const uint8_t *data;
  size_t length;
};

/* Differences of sequence numbers, modulo 2^32 (RFC 9293 3.4). */
static inline bool
seq_before(uint32_t a, uint32_t b)
{
  return (int32_t)(a - b) < 0;
}

/* Up to `length` bytes that lie in one piece, `skip` bytes behind the ring's start. */
static inline uint32_t
ring_piece(const struct tcp_ring *ring, uint32_t skip, uint32_t length)
{
  uint32_t to_end = TCP_RING_BYTES - ((ring->start + skip) % TCP_RING_BYTES);

  return length < to_end ? length : to_end;
}

static inline uint8_t *
ring_at(struct tcp_ring *ring, uint32_t skip)
{
  return ring->bytes + (ring->start + skip) % TCP_RING_BYTES;
}

static inline void
ring_drop(struct tcp_ring *ring, uint32_t length)
{
  ring->start = (ring->start + length) % TCP_RING_BYTES;
  ring->length -= length;
}

/* net_tcp_output.c */
void tcp_send_syn_ack(struct netstack *stack, struct tcp_flow *tcp);
/* Sends what ring and windows allow; a bare ACK if nothing else goes and `ack_now`. */
void tcp_output(struct netstack *stack, struct tcp_flow *tcp, bool ack_now);
/* The guest has acknowledged up to `ack`. */
void tcp_acked(struct netstack *stack, struct tcp_flow *tcp, uint32_t ack);
/* The third duplicate ACK: a loss, to be repaired at once (RFC 5681 3.2). */
void tcp_fast_retransmit(struct netstack *stack, struct tcp_flow *tcp);
/* Retransmission time-out, or window probe. False when it is time to give up. */
bool tcp_retransmit(struct netstack *stack, struct tcp_flow *tcp);
/* When the next tcp_retransmit() is due; a timer that runs goes on (RFC 6298 5.1). */
uint64_t tcp_deadline(const struct tcp_flow *tcp);
/* The timer starts anew at the next tcp_deadline(), at its shortest. */
void tcp_reset_timer(struct tcp_flow *tcp);
/* RST to a segment that belongs to no connection (RFC 9293 3.5.2, group 1). */
void tcp_refuse(struct netstack *stack, uint32_t remote, const struct tcp_segment *in);
/* RST in a connection. */
void tcp_send_rst(struct netstack *stack, struct tcp_flow *tcp);

#endif
