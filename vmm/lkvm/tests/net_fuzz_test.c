/*
 * Broken frames from a seed: well-formed ones of each kind with bits flipped, half of them with
 * their checksums made good again, so that they get past those. Wherever a packet asks to go, its
 * destination is put back to the gateway, so that nothing leaves this machine.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "net_guest.h"
#include "net_test.h"
#include "check.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static uint16_t tcp_port, udp_port;

static size_t
build_ip(uint8_t *packet, uint8_t protocol, size_t length)
{
  packet[IP4_VERSION_IHL] = 0x45;
  put16(packet + IP4_TOTAL_LENGTH, (uint16_t)(IP4_BYTES + length));
  packet[IP4_TTL] = 64;
  packet[IP4_PROTOCOL] = protocol;
  put32(packet + IP4_SRC, GUEST);
  put32(packet + IP4_DST, GATEWAY);
  return IP4_BYTES + length;
}

static size_t
build(uint8_t *packet, uint64_t *random, uint16_t *type)
{
  uint8_t *body = packet + IP4_BYTES;

  *type = ETH_TYPE_IPV4;
  switch (next_random(random) % 6) {
  case 0:
    *type = ETH_TYPE_ARP;
    put16(packet + ARP_HARDWARE, 1);
    put16(packet + ARP_PROTOCOL, ETH_TYPE_IPV4);
    packet[ARP_HARDWARE_LENGTH] = 6;
    packet[ARP_PROTOCOL_LENGTH] = 4;
    put16(packet + ARP_OPERATION, 1);
    put32(packet + ARP_TARGET_IP, GATEWAY);
    return ARP_BYTES;
  case 1: /* DHCP */
    put16(body + UDP_SRC, 68);
    put16(body + UDP_DST, 67);
    put16(body + UDP_LENGTH, UDP_BYTES + 260);
    body += UDP_BYTES;
    body[0] = body[1] = 1;
    body[2] = 6;
    put32(body + 236, 0x63825363);
    memcpy(body + 240, (uint8_t[]){53, 1, 3, 50, 4, 192, 168, 33, 15, 255}, 10);
    return build_ip(packet, PROTOCOL_UDP, UDP_BYTES + 260);
  case 2:
    put16(body + UDP_SRC, (uint16_t)(5000 + next_random(random) % 4));
    put16(body + UDP_DST, next_random(random) % 2 ? udp_port : 53);
    put16(body + UDP_LENGTH, UDP_BYTES + 40);
    return build_ip(packet, PROTOCOL_UDP, UDP_BYTES + 40);
  case 3:
    body[ICMP_TYPE] = ICMP_ECHO_REQUEST;
    return build_ip(packet, PROTOCOL_ICMP, ICMP_BYTES + 32);
  default:
    put16(body + TCP_SRC, (uint16_t)(7000 + next_random(random) % 4));
    put16(body + TCP_DST, tcp_port);
    put32(body + TCP_SEQ, (uint32_t)(1000 + next_random(random) % 64));
    put32(body + TCP_ACK_NUMBER, (uint32_t)next_random(random));
    body[TCP_DATA_OFFSET] = 6 << 4;
    body[TCP_FLAGS] = (uint8_t)(next_random(random) % 2 ? TCP_SYN : TCP_ACK);
    put16(body + TCP_WINDOW, 1000);
    body[TCP_BYTES] = TCP_OPTION_MSS;
    body[TCP_BYTES + 1] = 4;
    put16(body + TCP_BYTES + 2, 100);
    return build_ip(packet, PROTOCOL_TCP, TCP_BYTES + 4 + next_random(random) % 100);
  }
}

/* Makes the checksums of a packet right, as far as its headers still make sense. */
static void
repair(uint8_t *packet, size_t length)
{
  size_t header = (size_t)(packet[IP4_VERSION_IHL] & 0xf) * 4, at;
  size_t total = get16(packet + IP4_TOTAL_LENGTH);
  uint8_t *body = packet + header;

  if (header < IP4_BYTES || header > length)
    return;
  put16(packet + IP4_CHECKSUM, 0);
  put16(packet + IP4_CHECKSUM, checksum(packet, header));
  if (total < header || total > length)
    return;
  at = packet[IP4_PROTOCOL] == PROTOCOL_TCP   ? TCP_CHECKSUM
       : packet[IP4_PROTOCOL] == PROTOCOL_UDP ? UDP_CHECKSUM
                                              : ICMP_CHECKSUM;
  if (total - header < at + 2)
    return;
  put16(body + at, 0);
  put16(body + at, packet[IP4_PROTOCOL] == PROTOCOL_ICMP
                       ? checksum(body, total - header)
                       : checksum_transport(get32(packet + IP4_SRC), get32(packet + IP4_DST),
                                            packet[IP4_PROTOCOL], body, total - header));
}

/* Only the gateway, and there only our own ports. */
static void
keep_home(uint8_t *packet, size_t length)
{
  size_t header = (size_t)(packet[IP4_VERSION_IHL] & 0xf) * 4;

  if (length < IP4_BYTES)
    return;
  put32(packet + IP4_DST, GATEWAY);
  if (length < header + 4)
    return;
  if (packet[IP4_PROTOCOL] == PROTOCOL_TCP)
    put16(packet + header + TCP_DST, tcp_port);
  if (packet[IP4_PROTOCOL] == PROTOCOL_UDP && get16(packet + header + UDP_DST) != 67 &&
      get16(packet + header + UDP_DST) != 53)
    put16(packet + header + UDP_DST, udp_port);
}

void
test_net_fuzz(long rounds)
{
  int listener = host_socket(SOCK_STREAM, &tcp_port), udp = host_socket(SOCK_DGRAM, &udp_port);
  uint64_t random = 0x6e657466;
  struct received in;
  struct guest_tcp tcp;
  long answers = 0;

  CHECK(fcntl(listener, F_SETFL, O_NONBLOCK) == 0);
  guest_any_mac = true;
  guest_start();
  for (long round = 0; round < rounds; round++) {
    uint8_t packet[512] = {0};
    uint16_t type;
    size_t length = build(packet, &random, &type);

    for (uint64_t i = next_random(&random) % 4; i; i--)
      packet[next_random(&random) % length] ^= (uint8_t)(1u << next_random(&random) % 8);
    if (round % 8 == 0)
      length = next_random(&random) % (length + 1);
    if (type == ETH_TYPE_IPV4) {
      keep_home(packet, length);
      if (round % 2 && length >= IP4_BYTES)
        repair(packet, length);
    }
    guest_send_frame(NULL, type, packet, length);
    /* Replies are checked as strictly as ever. */
    while (guest_receive(&in, 0))
      answers++;
    if (round % 512 == 0) {
      uint8_t drained[64];

      while (recv(udp, drained, sizeof drained, MSG_DONTWAIT) >= 0)
        ;
      for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0;)
        close(fd);
    }
  }
  CHECK(answers > rounds / 20);
  guest_stop();
  guest_any_mac = false;
  /* Nothing of it has stuck: a new guest finds everything in order. */
  guest_start();
  CHECK(guest_tcp_connect(&tcp, tcp_port));
  guest_stop();
  close(udp);
  close(listener);
  printf("net fuzz: %ld frames, %ld answers\n", rounds, answers);
}
