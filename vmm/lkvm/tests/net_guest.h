/*
 * A guest for tests of the netstack: builds frames, and receives what the stack delivers. Each
 * received frame is checked as a strict receiver would: addresses, lengths and every checksum.
 * A small TCP of its own (one connection in each struct guest_tcp) stands at the other end of the
 * stack's. All traffic goes to the gateway's address, which is the loopback of the machine.
 */
#ifndef LKVM_TESTS_NET_GUEST_H
#define LKVM_TESTS_NET_GUEST_H

#include "../net_packet.h"
#include "../netstack.h"

#define GATEWAY 0xc0a82101u
#define GUEST 0xc0a8210fu

enum { GUEST_WAIT_MS = 60000 }; /* a hang, not slowness: test machines stall for seconds */

struct received {
  uint16_t eth_type;
  uint32_t src, dst;
  uint8_t protocol;
  const uint8_t *payload; /* of IP, or of ARP's frame */
  size_t length;
  uint8_t frame[NETSTACK_FRAME_BYTES];
};

extern struct netstack *guest_stack;
extern struct netstack_config guest_config;
/* Every n-th TCP segment with data is lost on the way to the guest; 0: none. */
extern unsigned guest_lose_every;

/* For a guest whose own ARP has gone wild: frames may be for any Ethernet address. */
extern bool guest_any_mac;

/* A new stack with guest_config; waits until its thread is asleep. */
void guest_start(void);
void guest_stop(void);

/* The next frame; false if none comes within `timeout_ms`. */
bool guest_receive(struct received *in, int timeout_ms);
/* The same, but there must be one of this protocol. */
void guest_expect(struct received *in, uint8_t protocol);
/* Nothing must come within some 50 ms. */
void guest_expect_silence(void);

void guest_send_frame(const uint8_t *mac, uint16_t type, const void *payload, size_t length);
/* An IPv4 packet with good checksums, unless `payload` is changed by the caller afterwards. */
void guest_send_ip(uint32_t src, uint32_t dst, uint8_t protocol, const void *payload,
                   size_t length);
void guest_send_udp(uint32_t src, uint16_t src_port, uint32_t dst, uint16_t dst_port,
                    const void *data, size_t length);

struct guest_tcp {
  uint16_t port;
  uint32_t remote;
  uint16_t remote_port;
  uint32_t snd_nxt, snd_una, snd_wnd, rcv_nxt, rcv_wnd;
  uint16_t peer_mss;
  bool got_fin, got_rst;
  uint64_t received; /* bytes in all */
  /* Called with data in order; NULL throws them away. */
  void (*take)(struct guest_tcp *tcp, const uint8_t *data, size_t length);
};

/* A segment at snd_nxt, which it does not move. */
void guest_tcp_segment(struct guest_tcp *tcp, uint8_t flags, const void *data, size_t length);
void guest_tcp_segment_at(struct guest_tcp *tcp, uint32_t seq, uint8_t flags, const void *data,
                          size_t length);
/* Sends a SYN from a new port; false on a reset. */
bool guest_tcp_connect(struct guest_tcp *tcp, uint16_t remote_port);
/* Receives one frame and does what TCP must with it. False if none came. */
bool guest_tcp_step(struct guest_tcp *tcp, int timeout_ms);
/* Sends data and moves snd_nxt on, without looking at windows. */
void guest_tcp_send(struct guest_tcp *tcp, const void *data, size_t length);
void guest_tcp_fin(struct guest_tcp *tcp);

#endif
