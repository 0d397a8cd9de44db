/* IPv4 in and out, RFC 791: header checks, no fragments, and the Ethernet header around it. */
#include "net_stack.h"

#include <string.h>

static const uint8_t broadcast_mac[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* Good version, lengths and checksum, and not a fragment. */
static bool
header_ok(const uint8_t *packet, size_t length)
{
  size_t header, total;

  if (length < IP4_BYTES || packet[IP4_VERSION_IHL] >> 4 != 4)
    return false;
  header = (size_t)(packet[IP4_VERSION_IHL] & 0xf) * 4;
  total = get16(packet + IP4_TOTAL_LENGTH);
  if (header < IP4_BYTES || total < header || total > length)
    return false;
  return checksum(packet, header) == 0 &&
         !(get16(packet + IP4_FRAGMENT) & (IP4_MORE_FRAGMENTS | IP4_FRAGMENT_OFFSET));
}

void
net_ip_input(struct netstack *stack, const uint8_t *packet, size_t length)
{
  const struct netstack_config *config = &stack->config;
  struct ip_packet ip;
  size_t header;

  if (!header_ok(packet, length))
    return;
  header = (size_t)(packet[IP4_VERSION_IHL] & 0xf) * 4;
  ip.src = get32(packet + IP4_SRC);
  ip.dst = get32(packet + IP4_DST);
  ip.protocol = packet[IP4_PROTOCOL];
  ip.payload = packet + header;
  ip.length = (size_t)get16(packet + IP4_TOTAL_LENGTH) - header;
  if (ip.src != config->guest_ip && ip.src != 0)
    return;
  /* Broadcasts, and a sender that has no address yet, are for the DHCP server only. */
  if (ip.dst == 0xffffffff || ip.src == 0) {
    if (ip.protocol == PROTOCOL_UDP)
      net_udp_input(stack, &ip);
    return;
  }
  if (ip.dst >> 28 == 0xe || ip.dst == (config->host_ip | ~config->netmask))
    return; /* multicast (RFC 1112 4), or everyone on a network of two */
  switch (ip.protocol) {
  case PROTOCOL_ICMP: net_icmp_input(stack, &ip); break;
  case PROTOCOL_TCP: net_tcp_input(stack, &ip); break;
  case PROTOCOL_UDP: net_udp_input(stack, &ip); break;
  default:
    if (ip.length >= 8)
      net_icmp_unreachable(stack, config->host_ip, ICMP_PROTOCOL_UNREACHABLE, ip.protocol, ip.dst,
                           ip.payload);
  }
}

uint8_t *
net_ip_payload(struct netstack *stack)
{
  return stack->out + ETH_BYTES + IP4_BYTES;
}

void
net_ip_send(struct netstack *stack, uint32_t src, uint32_t dst, uint8_t protocol, size_t length)
{
  uint8_t *packet = stack->out + ETH_BYTES;

  memset(packet, 0, IP4_BYTES);
  packet[IP4_VERSION_IHL] = 4 << 4 | IP4_BYTES / 4;
  put16(packet + IP4_TOTAL_LENGTH, (uint16_t)(IP4_BYTES + length));
  put16(packet + IP4_ID, stack->ip_id++);
  put16(packet + IP4_FRAGMENT, IP4_DONT_FRAGMENT);
  packet[IP4_TTL] = 64;
  packet[IP4_PROTOCOL] = protocol;
  put32(packet + IP4_SRC, src);
  put32(packet + IP4_DST, dst);
  put16(packet + IP4_CHECKSUM, checksum(packet, IP4_BYTES));
  net_eth_send(stack, dst == 0xffffffff ? broadcast_mac : stack->config.guest_mac, ETH_TYPE_IPV4,
               IP4_BYTES + length);
}

void
net_eth_send(struct netstack *stack, const uint8_t *mac, uint16_t type, size_t length)
{
  memcpy(stack->out + ETH_DST, mac, 6);
  memcpy(stack->out + ETH_SRC, stack->config.host_mac, 6);
  put16(stack->out + ETH_TYPE, type);
  stack->deliver(stack->opaque, stack->out, ETH_BYTES + length);
}
