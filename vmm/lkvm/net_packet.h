/*
 * Packets as bytes: big-endian fields, offsets of the headers, and the Internet checksum.
 *
 * Headers are read and written by offset, not through structs: frames come from the guest with any
 * alignment. A name below is the offset of that field in its header.
 */
#ifndef LKVM_NET_PACKET_H
#define LKVM_NET_PACKET_H

#include <stddef.h>
#include <stdint.h>

/* Ethernet II */
enum { ETH_DST = 0, ETH_SRC = 6, ETH_TYPE = 12, ETH_BYTES = 14 };
enum { ETH_TYPE_IPV4 = 0x0800, ETH_TYPE_ARP = 0x0806 };

/* ARP for IPv4 over Ethernet, RFC 826 */
enum {
  ARP_HARDWARE = 0,
  ARP_PROTOCOL = 2,
  ARP_HARDWARE_LENGTH = 4,
  ARP_PROTOCOL_LENGTH = 5,
  ARP_OPERATION = 6,
  ARP_SENDER_MAC = 8,
  ARP_SENDER_IP = 14,
  ARP_TARGET_MAC = 18,
  ARP_TARGET_IP = 24,
  ARP_BYTES = 28,
};
enum { ARP_ETHERNET = 1, ARP_REQUEST = 1, ARP_REPLY = 2 };

/* IPv4, RFC 791 3.1; not "IP_", of which <netinet/in.h> has many. */
enum {
  IP4_VERSION_IHL = 0,
  IP4_TOTAL_LENGTH = 2,
  IP4_ID = 4,
  IP4_FRAGMENT = 6,
  IP4_TTL = 8,
  IP4_PROTOCOL = 9,
  IP4_CHECKSUM = 10,
  IP4_SRC = 12,
  IP4_DST = 16,
  IP4_BYTES = 20, /* without options */
};
enum { IP4_DONT_FRAGMENT = 0x4000, IP4_MORE_FRAGMENTS = 0x2000, IP4_FRAGMENT_OFFSET = 0x1fff };
enum { PROTOCOL_ICMP = 1, PROTOCOL_TCP = 6, PROTOCOL_UDP = 17 };
enum { NET_MTU = 1500 };

/* ICMP, RFC 792; codes of "destination unreachable" from RFC 1812 5.2.7.1 */
enum {
  ICMP_TYPE = 0,
  ICMP_CODE = 1,
  ICMP_CHECKSUM = 2,
  ICMP_ECHO_ID = 4,
  ICMP_ECHO_SEQUENCE = 6,
  ICMP_BYTES = 8,
};
enum { ICMP_ECHO_REPLY = 0, ICMP_UNREACHABLE = 3, ICMP_ECHO_REQUEST = 8 };
enum {
  ICMP_HOST_UNREACHABLE = 1,
  ICMP_PROTOCOL_UNREACHABLE = 2,
  ICMP_PORT_UNREACHABLE = 3,
  ICMP_PROHIBITED = 13,
};

/* UDP, RFC 768 */
enum { UDP_SRC = 0, UDP_DST = 2, UDP_LENGTH = 4, UDP_CHECKSUM = 6, UDP_BYTES = 8 };

/* TCP, RFC 9293 3.1 */
enum {
  TCP_SRC = 0,
  TCP_DST = 2,
  TCP_SEQ = 4,
  TCP_ACK_NUMBER = 8,
  TCP_DATA_OFFSET = 12,
  TCP_FLAGS = 13,
  TCP_WINDOW = 14,
  TCP_CHECKSUM = 16,
  TCP_URGENT = 18,
  TCP_BYTES = 20, /* without options */
};
enum { TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_PSH = 0x08, TCP_ACK = 0x10 };
enum { TCP_OPTION_END = 0, TCP_OPTION_NOP = 1, TCP_OPTION_MSS = 2 };

static inline uint16_t
get16(const uint8_t *at)
{
  return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t
get32(const uint8_t *at)
{
  return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static inline void
put16(uint8_t *at, uint16_t value)
{
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

static inline void
put32(uint8_t *at, uint32_t value)
{
  put16(at, (uint16_t)(value >> 16));
  put16(at + 2, (uint16_t)value);
}

/* RFC 1071: adds bytes to a running one's complement sum. Only the last part may be odd. */
static inline uint32_t
checksum_add(uint32_t sum, const uint8_t *at, size_t length)
{
  for (; length > 1; at += 2, length -= 2)
    sum += get16(at);
  if (length)
    sum += (uint32_t)at[0] << 8;
  return sum;
}

static inline uint16_t
checksum_end(uint32_t sum)
{
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)~sum;
}

/* What goes in a checksum field that is zero now; and 0 over data whose checksum is right. */
static inline uint16_t
checksum(const uint8_t *at, size_t length)
{
  return checksum_end(checksum_add(0, at, length));
}

/* The same with the pseudo header of UDP and TCP (RFC 768; RFC 9293 3.1). */
static inline uint16_t
checksum_transport(uint32_t src, uint32_t dst, uint8_t protocol, const uint8_t *at, size_t length)
{
  uint32_t sum =
      (src >> 16) + (src & 0xffff) + (dst >> 16) + (dst & 0xffff) + protocol + (uint32_t)length;

  return checksum_end(checksum_add(sum, at, length));
}

#endif
