/* ARP, DHCP, ICMP, and packets that deserve no answer. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "net_guest.h"
#include "net_test.h"
#include "check.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const uint8_t arp_request[ARP_BYTES] = {
    0, 1,    8,    0,    6,    4,    0,   1,           /* Ethernet, IPv4, request */
    2, 0x15, 0x15, 0x15, 0x15, 0x15, 192, 168, 33, 15, /* sender */
    0, 0,    0,    0,    0,    0,    192, 168, 33, 1,  /* target */
};

static void
test_arp(void)
{
  uint8_t packet[ARP_BYTES + 18] = {0}; /* padded to Ethernet's 60 bytes */
  struct received in;

  guest_start();
  memcpy(packet, arp_request, ARP_BYTES);
  guest_send_frame(NULL, ETH_TYPE_ARP, packet, sizeof packet);
  CHECK(guest_receive(&in, GUEST_WAIT_MS));
  CHECK(in.eth_type == ETH_TYPE_ARP && in.length == ARP_BYTES);
  CHECK_EQUAL(ARP_REPLY, get16(in.payload + ARP_OPERATION));
  CHECK(memcmp(in.payload + ARP_SENDER_MAC, guest_config.host_mac, 6) == 0);
  CHECK_EQUAL(GATEWAY, get32(in.payload + ARP_SENDER_IP));
  CHECK(memcmp(in.payload + ARP_TARGET_MAC, guest_config.guest_mac, 6) == 0);
  CHECK_EQUAL(GUEST, get32(in.payload + ARP_TARGET_IP));

  packet[ARP_TARGET_IP + 3] = 15; /* duplicate address detection must find nobody */
  guest_send_frame(NULL, ETH_TYPE_ARP, packet, ARP_BYTES);
  packet[ARP_TARGET_IP + 3] = 1;
  packet[ARP_OPERATION + 1] = ARP_REPLY;
  guest_send_frame(NULL, ETH_TYPE_ARP, packet, ARP_BYTES);
  guest_send_frame(NULL, ETH_TYPE_ARP, arp_request, ARP_BYTES - 1);
  guest_send_frame(NULL, 0x86dd, arp_request, ARP_BYTES); /* IPv6 */
  guest_expect_silence();

  /* A guest with a new Ethernet address says so with ARP. */
  guest_config.guest_mac[5] = 0x99;
  memcpy(packet, arp_request, ARP_BYTES);
  packet[ARP_SENDER_MAC + 5] = 0x99;
  guest_send_frame(NULL, ETH_TYPE_ARP, packet, ARP_BYTES);
  CHECK(guest_receive(&in, GUEST_WAIT_MS));
  CHECK_EQUAL(0x99, in.frame[ETH_DST + 5]);
  guest_config.guest_mac[5] = 0x15;
  guest_stop();
}

struct dhcp_reply {
  uint8_t type;
  uint32_t yiaddr, server, mask, router, dns, lease;
  char hostname[64], domain[64];
  bool to_all;
};

/* A DHCP message with `type`, and the options that are not 0. */
static void
dhcp_send(uint8_t type, uint32_t src, uint32_t ciaddr, uint32_t requested, uint32_t server)
{
  uint8_t message[300] = {1, 1, 6, 0, 0xca, 0xfe, 0xba, 0xbe, 0, 7}, *at = message + 240;

  put32(message + 12, ciaddr);
  memcpy(message + 28, guest_config.guest_mac, 6);
  put32(message + 236, 0x63825363);
  *at++ = 0; /* pad */
  *at++ = 53;
  *at++ = 1;
  *at++ = type;
  if (requested) {
    *at++ = 50;
    *at++ = 4;
    put32(at, requested);
    at += 4;
  }
  if (server) {
    *at++ = 54;
    *at++ = 4;
    put32(at, server);
    at += 4;
  }
  *at = 255;
  guest_send_udp(src, 68, src && ciaddr ? GATEWAY : 0xffffffff, 67, message, sizeof message);
}

static struct dhcp_reply
dhcp_expect(void)
{
  struct dhcp_reply reply = {0};
  const uint8_t *message, *at, *end;
  struct received in;

  guest_expect(&in, PROTOCOL_UDP);
  CHECK(in.src == GATEWAY && get16(in.payload + UDP_SRC) == 67);
  CHECK_EQUAL(68, get16(in.payload + UDP_DST));
  message = in.payload + UDP_BYTES;
  end = in.payload + in.length;
  CHECK(end - message >= 300 && message[0] == 2 && message[1] == 1 && message[2] == 6);
  CHECK(get32(message + 4) == 0xcafebabe && get16(message + 8) == 0);
  CHECK(memcmp(message + 28, guest_config.guest_mac, 6) == 0);
  CHECK_EQUAL(0x63825363, get32(message + 236));
  reply.yiaddr = get32(message + 16);
  reply.to_all = in.dst == 0xffffffff;
  for (at = message + 240; at < end && *at != 255; at += 2 + at[1]) {
    CHECK(at + 2 <= end && at + 2 + at[1] <= end);
    switch (*at) {
    case 1: reply.mask = get32(at + 2); break;
    case 3: reply.router = get32(at + 2); break;
    case 6: reply.dns = get32(at + 2); break;
    case 12: memcpy(reply.hostname, at + 2, at[1]); break;
    case 15: memcpy(reply.domain, at + 2, at[1]); break;
    case 51: reply.lease = get32(at + 2); break;
    case 53: reply.type = at[2]; break;
    case 54: reply.server = get32(at + 2); break;
    }
  }
  CHECK(at < end);
  CHECK_EQUAL(GATEWAY, reply.server);
  return reply;
}

static void
check_lease(struct dhcp_reply reply, uint8_t type)
{
  CHECK_EQUAL(type, reply.type);
  CHECK_EQUAL(GUEST, reply.yiaddr);
  CHECK_EQUAL(0xffffff00, reply.mask);
  CHECK_EQUAL(GATEWAY, reply.router);
  CHECK_EQUAL(GATEWAY, reply.dns);
  CHECK(reply.lease >= 3600);
}

static void
test_dhcp(void)
{
  enum { DISCOVER = 1, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM };
  struct dhcp_reply reply;

  guest_config.hostname = "vega";
  guest_config.domain = "lan";
  guest_start();
  dhcp_send(DISCOVER, 0, 0, 0, 0);
  reply = dhcp_expect();
  check_lease(reply, OFFER);
  CHECK(reply.to_all);
  CHECK(strcmp(reply.hostname, "vega") == 0 && strcmp(reply.domain, "lan") == 0);
  dhcp_send(REQUEST, 0, 0, GUEST, GATEWAY);
  reply = dhcp_expect();
  check_lease(reply, ACK);
  CHECK(reply.to_all);
  dhcp_send(REQUEST, GUEST, GUEST, 0, 0); /* renewing */
  reply = dhcp_expect();
  check_lease(reply, ACK);
  CHECK(!reply.to_all);
  dhcp_send(REQUEST, 0, 0, GUEST + 1, 0); /* the address of another network */
  reply = dhcp_expect();
  CHECK_EQUAL(NAK, reply.type);
  CHECK(reply.yiaddr == 0 && reply.to_all);
  dhcp_send(INFORM, GUEST, GUEST, 0, 0);
  reply = dhcp_expect();
  CHECK_EQUAL(ACK, reply.type);
  CHECK(reply.lease == 0 && reply.dns == GATEWAY);
  dhcp_send(REQUEST, 0, 0, GUEST, GATEWAY + 7); /* another server's */
  dhcp_send(DECLINE, 0, 0, GUEST, GATEWAY);
  dhcp_send(RELEASE, GUEST, GUEST, 0, GATEWAY);
  guest_expect_silence();
  guest_stop();
  guest_config.hostname = guest_config.domain = NULL;
}

static void
ping(uint32_t to, uint16_t id, size_t length)
{
  uint8_t message[NET_MTU] = {ICMP_ECHO_REQUEST};

  put16(message + ICMP_ECHO_ID, id);
  put16(message + ICMP_ECHO_SEQUENCE, 3);
  for (size_t i = ICMP_BYTES; i < ICMP_BYTES + length; i++)
    message[i] = (uint8_t)i;
  guest_send_ip(GUEST, to, PROTOCOL_ICMP, message, ICMP_BYTES + length);
}

static void
expect_pong(uint32_t from, uint16_t id, size_t length)
{
  struct received in;

  guest_expect(&in, PROTOCOL_ICMP);
  CHECK_EQUAL(from, in.src);
  CHECK_EQUAL(ICMP_ECHO_REPLY, in.payload[ICMP_TYPE]);
  CHECK_EQUAL(id, get16(in.payload + ICMP_ECHO_ID));
  CHECK_EQUAL(3, get16(in.payload + ICMP_ECHO_SEQUENCE));
  CHECK_EQUAL(ICMP_BYTES + length, in.length);
  for (size_t i = ICMP_BYTES; i < in.length; i++)
    CHECK(in.payload[i] == (uint8_t)i);
}

static void
expect_unreachable(uint32_t remote, uint8_t code, uint8_t protocol)
{
  struct received in;
  const uint8_t *original;

  guest_expect(&in, PROTOCOL_ICMP);
  CHECK_EQUAL(ICMP_UNREACHABLE, in.payload[ICMP_TYPE]);
  CHECK_EQUAL(code, in.payload[ICMP_CODE]);
  original = in.payload + ICMP_BYTES;
  CHECK(in.length >= ICMP_BYTES + IP4_BYTES + 8 && checksum(original, IP4_BYTES) == 0);
  CHECK_EQUAL(protocol, original[IP4_PROTOCOL]);
  CHECK_EQUAL(GUEST, get32(original + IP4_SRC));
  CHECK_EQUAL(remote, get32(original + IP4_DST));
}

static void
test_icmp(void)
{
  uint8_t unknown[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  int probe = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
  uint32_t own = own_address();

  guest_start();
  ping(GATEWAY, 77, 56);
  expect_pong(GATEWAY, 77, 56);
  ping(GATEWAY, 78, NET_MTU - IP4_BYTES - ICMP_BYTES);
  expect_pong(GATEWAY, 78, NET_MTU - IP4_BYTES - ICMP_BYTES);
  ping(GATEWAY, 79, 0);
  expect_pong(GATEWAY, 79, 0);
  ping(GATEWAY + 5, 80, 56); /* nobody there */
  expect_unreachable(GATEWAY + 5, ICMP_HOST_UNREACHABLE, PROTOCOL_ICMP);
  ping(0x7f000001, 80, 56); /* the host's loopback has only the gateway's name */
  expect_unreachable(0x7f000001, ICMP_HOST_UNREACHABLE, PROTOCOL_ICMP);
  guest_send_ip(GUEST, GATEWAY, 132, unknown, sizeof unknown);
  expect_unreachable(GATEWAY, ICMP_PROTOCOL_UNREACHABLE, 132);
  /* Another host's part is played by an address of this machine: that stays on its loopback. */
  if (!own) {
    printf("net_test: ping to other hosts not tested: this machine has only its loopback\n");
  } else if (probe < 0) {
    ping(own, 81, 56);
    expect_unreachable(own, ICMP_PROHIBITED, PROTOCOL_ICMP);
    printf("net_test: ping to other hosts refused: no unprivileged ICMP sockets here\n");
  } else {
    ping(own, 81, 56);
    expect_pong(own, 81, 56);
    ping(own, 82, 1000);
    expect_pong(own, 82, 1000);
    ping(own, 81, 0);
    expect_pong(own, 81, 0);
  }
  if (probe >= 0)
    close(probe);
  guest_stop();
}

/* Frames that must be dropped without a word. */
static void
test_bad_packets(void)
{
  uint8_t packet[64] = {0};
  uint8_t *icmp = packet + IP4_BYTES;

  guest_start();
  packet[IP4_VERSION_IHL] = 0x45;
  put16(packet + IP4_TOTAL_LENGTH, 28);
  packet[IP4_TTL] = 64;
  packet[IP4_PROTOCOL] = PROTOCOL_ICMP;
  put32(packet + IP4_SRC, GUEST);
  put32(packet + IP4_DST, GATEWAY);
  icmp[ICMP_TYPE] = ICMP_ECHO_REQUEST;
  put16(icmp + ICMP_CHECKSUM, checksum(icmp, 8));
  for (int wrong = 0; wrong < 10; wrong++) {
    uint8_t bad[64];
    size_t length = 28;

    memcpy(bad, packet, sizeof bad);
    switch (wrong) {
    case 0: bad[IP4_VERSION_IHL] = 0x65; break;
    case 1: bad[IP4_VERSION_IHL] = 0x44; break;
    case 2: bad[IP4_VERSION_IHL] = 0x4f; break;
    case 3: put16(bad + IP4_TOTAL_LENGTH, 29); break;
    case 4: put16(bad + IP4_TOTAL_LENGTH, 19); break;
    case 5: put16(bad + IP4_FRAGMENT, IP4_MORE_FRAGMENTS); break;
    case 6: put16(bad + IP4_FRAGMENT, 1); break;
    case 7: put32(bad + IP4_SRC, GUEST + 1); break;
    case 8: length = 19; break;
    case 9: bad[IP4_BYTES + ICMP_CHECKSUM] ^= 1; break;
    }
    put16(bad + IP4_CHECKSUM, 0);
    put16(bad + IP4_CHECKSUM, checksum(bad, IP4_BYTES));
    guest_send_frame(guest_config.host_mac, ETH_TYPE_IPV4, bad, length);
  }
  guest_send_frame(guest_config.host_mac, ETH_TYPE_IPV4, packet, 28); /* no IP checksum */
  netstack_input(guest_stack, packet, 13);
  guest_send_udp(GUEST, 1, 0xe0000001, 5353, "multicast", 9);
  guest_send_udp(GUEST, 1, 0xc0a821ff, 137, "everyone", 8);
  guest_send_udp(0, 1, GATEWAY, 7, "nobody", 6);
  guest_expect_silence();
  put16(packet + IP4_CHECKSUM, checksum(packet, IP4_BYTES));
  guest_send_frame(guest_config.host_mac, ETH_TYPE_IPV4, packet, 28); /* and now it works */
  CHECK(guest_receive(&(struct received){0}, GUEST_WAIT_MS));
  guest_stop();
}

void
test_net_link(void)
{
  test_arp();
  test_dhcp();
  test_icmp();
  test_bad_packets();
}
