/* The guest of the network tests. See net_guest.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "net_guest.h"

#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { QUEUE_FRAMES = 4096, MSS = 1460 };

struct netstack *guest_stack;
struct netstack_config guest_config;
unsigned guest_lose_every;
bool guest_any_mac;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrived;
static struct {
  size_t length;
  uint8_t frame[NETSTACK_FRAME_BYTES];
} queue[QUEUE_FRAMES];
static size_t queue_start, queue_length;
static unsigned data_segments;
static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static bool
lose(const uint8_t *frame, size_t length)
{
  const uint8_t *ip = frame + ETH_BYTES, *tcp = ip + IP4_BYTES;

  if (!guest_lose_every || length < ETH_BYTES + IP4_BYTES + TCP_BYTES ||
      ip[IP4_PROTOCOL] != PROTOCOL_TCP ||
      get16(ip + IP4_TOTAL_LENGTH) == IP4_BYTES + (tcp[TCP_DATA_OFFSET] >> 4) * 4)
    return false;
  return ++data_segments % guest_lose_every == 0;
}

static void
deliver(void *opaque, const void *frame, size_t length)
{
  CHECK(opaque == &queue);
  CHECK(length >= ETH_BYTES && length <= NETSTACK_FRAME_BYTES);
  pthread_mutex_lock(&lock);
  /* A full queue loses the frame, as a full receive ring does. */
  if (!lose(frame, length) && queue_length < QUEUE_FRAMES) {
    size_t at = (queue_start + queue_length++) % QUEUE_FRAMES;

    memcpy(queue[at].frame, frame, length);
    queue[at].length = length;
    pthread_cond_signal(&arrived);
  }
  pthread_mutex_unlock(&lock);
}

void
guest_start(void)
{
  pthread_condattr_t attributes;

  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&arrived, &attributes);
  queue_length = 0;
  guest_lose_every = 0;
  guest_stack = netstack_new(&guest_config, deliver, &queue);
  CHECK(guest_stack);
}

void
guest_stop(void)
{
  netstack_free(guest_stack);
  guest_stack = NULL;
}

static void
check_ip(struct received *in)
{
  const uint8_t *ip = in->payload;
  size_t total = get16(ip + IP4_TOTAL_LENGTH);

  CHECK(in->length >= IP4_BYTES && ip[IP4_VERSION_IHL] == 0x45 && total == in->length);
  CHECK(checksum(ip, IP4_BYTES) == 0);
  CHECK((get16(ip + IP4_FRAGMENT) & ~IP4_DONT_FRAGMENT) == 0 && ip[IP4_TTL] > 0);
  in->src = get32(ip + IP4_SRC);
  in->dst = get32(ip + IP4_DST);
  CHECK(in->dst == guest_config.guest_ip || in->dst == 0xffffffff);
  in->protocol = ip[IP4_PROTOCOL];
  in->payload += IP4_BYTES;
  in->length -= IP4_BYTES;
  switch (in->protocol) {
  case PROTOCOL_ICMP:
    CHECK(in->length >= ICMP_BYTES && checksum(in->payload, in->length) == 0);
    break;
  case PROTOCOL_UDP:
    CHECK(in->length >= UDP_BYTES && get16(in->payload + UDP_LENGTH) == in->length);
    CHECK(get16(in->payload + UDP_CHECKSUM) != 0);
    CHECK(checksum_transport(in->src, in->dst, PROTOCOL_UDP, in->payload, in->length) == 0);
    break;
  case PROTOCOL_TCP:
    CHECK(in->length >= TCP_BYTES && in->payload[TCP_DATA_OFFSET] >> 4 >= 5);
    CHECK((size_t)(in->payload[TCP_DATA_OFFSET] >> 4) * 4 <= in->length);
    CHECK(checksum_transport(in->src, in->dst, PROTOCOL_TCP, in->payload, in->length) == 0);
    break;
  default: CHECK(!"a protocol that the stack knows");
  }
}

bool
guest_receive(struct received *in, int timeout_ms)
{
  struct timespec until;
  size_t length;

  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += timeout_ms / 1000;
  until.tv_nsec += timeout_ms % 1000 * 1000000L;
  if (until.tv_nsec >= 1000000000) {
    until.tv_nsec -= 1000000000;
    until.tv_sec++;
  }
  pthread_mutex_lock(&lock);
  while (!queue_length)
    if (pthread_cond_timedwait(&arrived, &lock, &until) == ETIMEDOUT && !queue_length) {
      pthread_mutex_unlock(&lock);
      return false;
    }
  length = queue[queue_start].length;
  memcpy(in->frame, queue[queue_start].frame, length);
  queue_start = (queue_start + 1) % QUEUE_FRAMES;
  queue_length--;
  pthread_mutex_unlock(&lock);

  CHECK(memcmp(in->frame + ETH_SRC, guest_config.host_mac, 6) == 0);
  CHECK(guest_any_mac || memcmp(in->frame + ETH_DST, guest_config.guest_mac, 6) == 0 ||
        memcmp(in->frame + ETH_DST, broadcast, 6) == 0);
  in->eth_type = get16(in->frame + ETH_TYPE);
  in->payload = in->frame + ETH_BYTES;
  in->length = length - ETH_BYTES;
  in->protocol = 0;
  if (in->eth_type == ETH_TYPE_IPV4)
    check_ip(in);
  else
    CHECK_EQUAL(ETH_TYPE_ARP, in->eth_type);
  return true;
}

void
guest_expect(struct received *in, uint8_t protocol)
{
  CHECK(guest_receive(in, GUEST_WAIT_MS));
  CHECK_EQUAL(protocol, in->protocol);
}

void
guest_expect_silence(void)
{
  struct received in;

  CHECK(!guest_receive(&in, 50));
}

void
guest_send_frame(const uint8_t *mac, uint16_t type, const void *payload, size_t length)
{
  /* Exactly as long as the frame, so that the sanitizer sees reads past its end. */
  uint8_t *frame = malloc(ETH_BYTES + length);

  CHECK(frame);
  memcpy(frame + ETH_DST, mac ? mac : broadcast, 6);
  memcpy(frame + ETH_SRC, guest_config.guest_mac, 6);
  put16(frame + ETH_TYPE, type);
  memcpy(frame + ETH_BYTES, payload, length);
  netstack_input(guest_stack, frame, ETH_BYTES + length);
  free(frame);
}

void
guest_send_ip(uint32_t src, uint32_t dst, uint8_t protocol, const void *payload, size_t length)
{
  uint8_t packet[NET_MTU] = {0}, *body = packet + IP4_BYTES;

  CHECK(length <= NET_MTU - IP4_BYTES);
  packet[IP4_VERSION_IHL] = 0x45;
  put16(packet + IP4_TOTAL_LENGTH, (uint16_t)(IP4_BYTES + length));
  packet[IP4_TTL] = 64;
  packet[IP4_PROTOCOL] = protocol;
  put32(packet + IP4_SRC, src);
  put32(packet + IP4_DST, dst);
  put16(packet + IP4_CHECKSUM, checksum(packet, IP4_BYTES));
  memcpy(body, payload, length);
  if (protocol == PROTOCOL_ICMP && length >= ICMP_BYTES) {
    put16(body + ICMP_CHECKSUM, 0);
    put16(body + ICMP_CHECKSUM, checksum(body, length));
  } else if (protocol == PROTOCOL_UDP && length >= UDP_BYTES) {
    put16(body + UDP_CHECKSUM, 0);
    put16(body + UDP_CHECKSUM, checksum_transport(src, dst, protocol, body, length));
  } else if (protocol == PROTOCOL_TCP && length >= TCP_BYTES) {
    put16(body + TCP_CHECKSUM, 0);
    put16(body + TCP_CHECKSUM, checksum_transport(src, dst, protocol, body, length));
  }
  guest_send_frame(guest_config.host_mac, ETH_TYPE_IPV4, packet, IP4_BYTES + length);
}

void
guest_send_udp(uint32_t src, uint16_t src_port, uint32_t dst, uint16_t dst_port, const void *data,
               size_t length)
{
  uint8_t datagram[NET_MTU];

  CHECK(length <= NET_MTU - IP4_BYTES - UDP_BYTES);
  put16(datagram + UDP_SRC, src_port);
  put16(datagram + UDP_DST, dst_port);
  put16(datagram + UDP_LENGTH, (uint16_t)(UDP_BYTES + length));
  memcpy(datagram + UDP_BYTES, data, length);
  guest_send_ip(src, dst, PROTOCOL_UDP, datagram, UDP_BYTES + length);
}

void
guest_tcp_segment_at(struct guest_tcp *tcp, uint32_t seq, uint8_t flags, const void *data,
                     size_t length)
{
  uint8_t segment[NET_MTU] = {0};
  size_t header = TCP_BYTES;

  put16(segment + TCP_SRC, tcp->port);
  put16(segment + TCP_DST, tcp->remote_port);
  put32(segment + TCP_SEQ, seq);
  put32(segment + TCP_ACK_NUMBER, flags & TCP_ACK ? tcp->rcv_nxt : 0);
  segment[TCP_FLAGS] = flags;
  put16(segment + TCP_WINDOW, (uint16_t)tcp->rcv_wnd);
  if (flags & TCP_SYN) {
    static const uint8_t options[] = {TCP_OPTION_NOP, TCP_OPTION_NOP, 4, 2, TCP_OPTION_MSS, 4,
                                      MSS >> 8,       MSS & 0xff};

    memcpy(segment + header, options, sizeof options);
    header += sizeof options;
  }
  segment[TCP_DATA_OFFSET] = (uint8_t)(header / 4 << 4);
  if (length)
    memcpy(segment + header, data, length);
  guest_send_ip(GUEST, tcp->remote, PROTOCOL_TCP, segment, header + length);
}

void
guest_tcp_segment(struct guest_tcp *tcp, uint8_t flags, const void *data, size_t length)
{
  guest_tcp_segment_at(tcp, tcp->snd_nxt, flags, data, length);
}

void
guest_tcp_send(struct guest_tcp *tcp, const void *data, size_t length)
{
  guest_tcp_segment(tcp, TCP_ACK | TCP_PSH, data, length);
  tcp->snd_nxt += (uint32_t)length;
}

void
guest_tcp_fin(struct guest_tcp *tcp)
{
  guest_tcp_segment(tcp, TCP_ACK | TCP_FIN, NULL, 0);
  tcp->snd_nxt++;
}

bool
guest_tcp_connect(struct guest_tcp *tcp, uint16_t remote_port)
{
  static uint16_t port = 40000;
  struct received in;
  const uint8_t *header;

  memset(tcp, 0, sizeof *tcp);
  tcp->port = port++;
  tcp->remote = GATEWAY;
  tcp->remote_port = remote_port;
  tcp->rcv_wnd = 65535;
  tcp->snd_nxt = tcp->snd_una = 0xfffff000u + tcp->port % 7; /* soon wraps */
  guest_tcp_segment(tcp, TCP_SYN, NULL, 0);
  tcp->snd_nxt++;
  guest_expect(&in, PROTOCOL_TCP);
  header = in.payload;
  CHECK(in.src == GATEWAY && get16(header + TCP_SRC) == remote_port);
  CHECK_EQUAL(tcp->port, get16(header + TCP_DST));
  CHECK_EQUAL(tcp->snd_nxt, get32(header + TCP_ACK_NUMBER));
  if (header[TCP_FLAGS] & TCP_RST)
    return false;
  CHECK_EQUAL(TCP_SYN | TCP_ACK, header[TCP_FLAGS]);
  CHECK(header[TCP_DATA_OFFSET] >> 4 == 6 && header[TCP_BYTES] == TCP_OPTION_MSS);
  tcp->peer_mss = get16(header + TCP_BYTES + 2);
  tcp->rcv_nxt = get32(header + TCP_SEQ) + 1;
  tcp->snd_wnd = get16(header + TCP_WINDOW);
  tcp->snd_una = tcp->snd_nxt;
  guest_tcp_segment(tcp, TCP_ACK, NULL, 0);
  return true;
}

bool
guest_tcp_step(struct guest_tcp *tcp, int timeout_ms)
{
  struct received in;
  const uint8_t *header = NULL;
  size_t header_bytes, length;
  uint32_t ack;

  if (!guest_receive(&in, timeout_ms))
    return false;
  header = in.payload;
  CHECK(in.protocol == PROTOCOL_TCP && get16(header + TCP_DST) == tcp->port);
  header_bytes = (size_t)(header[TCP_DATA_OFFSET] >> 4) * 4;
  length = in.length - header_bytes;
  CHECK(length <= MSS);
  if (header[TCP_FLAGS] & TCP_RST) {
    tcp->got_rst = true;
    return true;
  }
  CHECK(header[TCP_FLAGS] & TCP_ACK);
  ack = get32(header + TCP_ACK_NUMBER);
  CHECK((int32_t)(ack - tcp->snd_nxt) <= 0); /* nothing that was not sent */
  if ((int32_t)(ack - tcp->snd_una) >= 0) {
    CHECK((int32_t)(ack + get16(header + TCP_WINDOW) - tcp->snd_una - tcp->snd_wnd) >= 0);
    tcp->snd_una = ack;
    tcp->snd_wnd = get16(header + TCP_WINDOW);
  }
  if (!length && !(header[TCP_FLAGS] & TCP_FIN))
    return true;
  if (get32(header + TCP_SEQ) == tcp->rcv_nxt && length <= tcp->rcv_wnd) {
    if (tcp->take && length)
      tcp->take(tcp, header + header_bytes, length);
    tcp->rcv_nxt += (uint32_t)length;
    tcp->received += length;
    if (header[TCP_FLAGS] & TCP_FIN) {
      tcp->rcv_nxt++;
      tcp->got_fin = true;
    }
  }
  guest_tcp_segment(tcp, TCP_ACK, NULL, 0);
  return true;
}
