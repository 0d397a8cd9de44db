/* UDP through the host's sockets, and DNS with and without a resolver. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "net_guest.h"
#include "net_test.h"
#include "check.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What came to the host's socket, and from where. */
static size_t
host_receive(int fd, uint8_t *data, size_t capacity, struct sockaddr_in *from)
{
  socklen_t from_length = sizeof *from;
  ssize_t length = recvfrom(fd, data, capacity, 0, (struct sockaddr *)from, &from_length);

  CHECK(length >= 0);
  return (size_t)length;
}

static void
host_reply(int fd, const struct sockaddr_in *to, const void *data, size_t length)
{
  CHECK(sendto(fd, data, length, 0, (const struct sockaddr *)to, sizeof *to) == (ssize_t)length);
}

static void
expect_datagram(uint32_t src, uint16_t src_port, uint16_t dst_port, const void *data, size_t length)
{
  struct received in;

  guest_expect(&in, PROTOCOL_UDP);
  CHECK_EQUAL(src, in.src);
  CHECK_EQUAL(src_port, get16(in.payload + UDP_SRC));
  CHECK_EQUAL(dst_port, get16(in.payload + UDP_DST));
  CHECK_EQUAL(UDP_BYTES + length, in.length);
  CHECK(memcmp(in.payload + UDP_BYTES, data, length) == 0);
}

static void
test_echo(uint32_t remote)
{
  uint8_t big[1472], data[2000];
  struct sockaddr_in from, other_from;
  uint16_t port;
  int fd = host_socket(SOCK_DGRAM, &port);

  if (remote != GATEWAY) { /* an address of this machine: listen there, too */
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(remote)};
    socklen_t length = sizeof at;

    close(fd);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(bind(fd, (struct sockaddr *)&at, sizeof at) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&at, &length) == 0);
    port = ntohs(at.sin_port);
  }
  guest_start();
  guest_send_udp(GUEST, 5000, remote, port, "ping", 4);
  CHECK_EQUAL(4, host_receive(fd, data, sizeof data, &from));
  CHECK(memcmp(data, "ping", 4) == 0);
  host_reply(fd, &from, "pong!", 5);
  expect_datagram(remote, port, 5000, "pong!", 5);
  /* The same flow keeps its host port; another guest port gets another. */
  guest_send_udp(GUEST, 5000, remote, port, "", 0);
  CHECK_EQUAL(0, host_receive(fd, data, sizeof data, &other_from));
  CHECK_EQUAL(from.sin_port, other_from.sin_port);
  guest_send_udp(GUEST, 5001, remote, port, "x", 1);
  CHECK_EQUAL(1, host_receive(fd, data, sizeof data, &other_from));
  CHECK(other_from.sin_port != from.sin_port);
  /* Full frames both ways; what does not fit one is dropped. */
  memset(big, 'b', sizeof big);
  guest_send_udp(GUEST, 5000, remote, port, big, sizeof big);
  CHECK_EQUAL(sizeof big, host_receive(fd, data, sizeof data, &from));
  host_reply(fd, &from, data, sizeof big + 1);
  host_reply(fd, &from, big, sizeof big);
  expect_datagram(remote, port, 5000, big, sizeof big);
  /* Nobody but the one spoken to gets in. */
  {
    uint16_t stranger_port;
    int stranger = host_socket(SOCK_DGRAM, &stranger_port);

    (void)!sendto(stranger, "hi", 2, 0, (struct sockaddr *)&from, sizeof from);
    close(stranger);
  }
  guest_expect_silence();
  guest_stop();
  close(fd);
}

static void
test_closed_port(void)
{
  uint16_t port = closed_port(SOCK_DGRAM);
  struct received in;
  const uint8_t *original;

  guest_start();
  for (int i = 0; i < 2; i++) { /* also for the same flow once more */
    guest_send_udp(GUEST, 5002, GATEWAY, port, "anyone?", 7);
    guest_expect(&in, PROTOCOL_ICMP);
    CHECK(in.src == GATEWAY && in.payload[ICMP_TYPE] == ICMP_UNREACHABLE);
    CHECK_EQUAL(ICMP_PORT_UNREACHABLE, in.payload[ICMP_CODE]);
    original = in.payload + ICMP_BYTES;
    CHECK(original[IP4_PROTOCOL] == PROTOCOL_UDP && get32(original + IP4_DST) == GATEWAY);
    CHECK_EQUAL(5002, get16(original + IP4_BYTES + UDP_SRC));
    CHECK_EQUAL(port, get16(original + IP4_BYTES + UDP_DST));
  }
  guest_send_udp(GUEST, 5002, GATEWAY + 9, port, "x", 1);
  guest_expect(&in, PROTOCOL_ICMP);
  CHECK_EQUAL(ICMP_HOST_UNREACHABLE, in.payload[ICMP_CODE]);
  guest_stop();
}

static void
test_checksums(void)
{
  uint8_t packet[IP4_BYTES + UDP_BYTES + 4] = {0x45}, *udp = packet + IP4_BYTES, data[16];
  struct sockaddr_in from;
  uint16_t port;
  int fd = host_socket(SOCK_DGRAM, &port);

  guest_start();
  put16(packet + IP4_TOTAL_LENGTH, sizeof packet);
  packet[IP4_TTL] = 64;
  packet[IP4_PROTOCOL] = PROTOCOL_UDP;
  put32(packet + IP4_SRC, GUEST);
  put32(packet + IP4_DST, GATEWAY);
  put16(packet + IP4_CHECKSUM, checksum(packet, IP4_BYTES));
  put16(udp + UDP_SRC, 5003);
  put16(udp + UDP_DST, port);
  put16(udp + UDP_CHECKSUM, 0xbad); /* wrong */
  put16(udp + UDP_LENGTH, UDP_BYTES + 4);
  guest_send_frame(guest_config.host_mac, ETH_TYPE_IPV4, packet, sizeof packet);
  put16(udp + UDP_CHECKSUM, 0); /* none, but lengths that lie */
  put16(udp + UDP_LENGTH, UDP_BYTES + 5);
  guest_send_frame(guest_config.host_mac, ETH_TYPE_IPV4, packet, sizeof packet);
  put16(udp + UDP_LENGTH, UDP_BYTES - 1);
  guest_send_frame(guest_config.host_mac, ETH_TYPE_IPV4, packet, sizeof packet);
  put16(udp + UDP_LENGTH, UDP_BYTES + 2); /* good: IP may carry more */
  memcpy(udp + UDP_BYTES, "okno", 4);
  guest_send_frame(guest_config.host_mac, ETH_TYPE_IPV4, packet, sizeof packet);
  CHECK_EQUAL(2, host_receive(fd, data, sizeof data, &from));
  CHECK(memcmp(data, "ok", 2) == 0);
  guest_stop();
  close(fd);
}

/* More flows than there may be: the oldest go, the newest work. */
static void
test_many(void)
{
  struct sockaddr_in from;
  uint8_t data[16];
  uint16_t port;
  int fd = host_socket(SOCK_DGRAM, &port);
  bool answered = false;

  guest_start();
  for (uint16_t i = 0; i < 1000; i++)
    guest_send_udp(GUEST, (uint16_t)(10000 + i), GATEWAY, port, "x", 1);
  /* The one that made room was itself dropped, as UDP may be: try again. */
  for (int i = 0; i < 20 && !answered; i++) {
    guest_send_udp(GUEST, 9999, GATEWAY, port, "last", 4);
    usleep(5000);
    while (recv(fd, data, sizeof data, MSG_DONTWAIT | MSG_PEEK) > 0 && !answered)
      answered = host_receive(fd, data, sizeof data, &from) == 4;
  }
  CHECK(answered);
  guest_stop();
  close(fd);
}

static const uint8_t query[] = {
    0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 1, /* one question, one additional record */
    4, 'h', 'o', 's', 't', 4, 't', 'e', 's', 't', 0, 0, 1, 0, 1, /* host.test A IN */
    0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0, /* EDNS */
};

static void
test_dns(void)
{
  struct sockaddr_in from;
  struct received in;
  const uint8_t *answer;
  uint8_t data[512], bad[sizeof query];
  uint16_t port;
  int fd;

  guest_start(); /* without a resolver */
  guest_send_udp(GUEST, 6000, GATEWAY, 53, query, sizeof query);
  guest_expect(&in, PROTOCOL_UDP);
  CHECK(get16(in.payload + UDP_SRC) == 53 && get16(in.payload + UDP_DST) == 6000);
  answer = in.payload + UDP_BYTES;
  CHECK_EQUAL(UDP_BYTES + 27, in.length); /* header and question */
  CHECK_EQUAL(0x1234, get16(answer));
  CHECK_EQUAL(0x8182, get16(answer + 2)); /* response, RD, RA, SERVFAIL */
  CHECK(get16(answer + 4) == 1 && get16(answer + 10) == 0);
  CHECK(memcmp(answer + 12, query + 12, 15) == 0);
  guest_send_udp(GUEST, 6000, GATEWAY, 53, query, 11);
  guest_send_udp(GUEST, 6000, GATEWAY, 53, query, 20);
  memcpy(bad, query, sizeof query);
  bad[2] = 0x81; /* a response */
  guest_send_udp(GUEST, 6000, GATEWAY, 53, bad, sizeof bad);
  guest_expect_silence();
  guest_stop();

  fd = host_socket(SOCK_DGRAM, &port);
  guest_config.dns = (struct sockaddr_in){
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  guest_start();
  guest_send_udp(GUEST, 6001, GATEWAY, 53, query, sizeof query);
  CHECK_EQUAL(sizeof query, host_receive(fd, data, sizeof data, &from));
  CHECK(memcmp(data, query, sizeof query) == 0);
  host_reply(fd, &from, "answer", 6);
  expect_datagram(GATEWAY, 53, 6001, "answer", 6);
  guest_stop();
  guest_config.dns.sin_family = 0;
  close(fd);
}

void
test_net_udp(void)
{
  test_echo(GATEWAY);
  if (own_address())
    test_echo(own_address());
  test_closed_port();
  test_checksums();
  test_many();
  test_dns();
}
