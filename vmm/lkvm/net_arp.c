/* ARP, RFC 826: answers for the gateway's address, and learns the guest's Ethernet address. */
#include "net_stack.h"

#include <string.h>

void
net_arp_input(struct netstack *stack, const uint8_t *packet, size_t length)
{
  struct netstack_config *config = &stack->config;
  const uint8_t *sender_mac = packet + ARP_SENDER_MAC;
  uint8_t *reply = stack->out + ETH_BYTES;
  uint8_t to[6];

  if (length < ARP_BYTES || get16(packet + ARP_HARDWARE) != ARP_ETHERNET ||
      get16(packet + ARP_PROTOCOL) != ETH_TYPE_IPV4 || packet[ARP_HARDWARE_LENGTH] != 6 ||
      packet[ARP_PROTOCOL_LENGTH] != 4 || (sender_mac[0] & 1))
    return;
  if (get32(packet + ARP_SENDER_IP) == config->guest_ip)
    memcpy(config->guest_mac, sender_mac, 6);
  if (get16(packet + ARP_OPERATION) != ARP_REQUEST ||
      get32(packet + ARP_TARGET_IP) != config->host_ip)
    return;
  memcpy(to, sender_mac, 6);
  memcpy(reply, packet, ARP_OPERATION);
  put16(reply + ARP_OPERATION, ARP_REPLY);
  memcpy(reply + ARP_SENDER_MAC, config->host_mac, 6);
  put32(reply + ARP_SENDER_IP, config->host_ip);
  memcpy(reply + ARP_TARGET_MAC, packet + ARP_SENDER_MAC, 10); /* address and IP */
  net_eth_send(stack, to, ETH_TYPE_ARP, ARP_BYTES);
}
