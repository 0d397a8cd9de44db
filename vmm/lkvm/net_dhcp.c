/*
 * A DHCP server with one address to give, RFC 2131; options from RFC 2132.
 *
 * The lease is always the same and nobody competes for it, so the server keeps no state: DISCOVER
 * gets an OFFER, a REQUEST for the right address an ACK and for any other a NAK, INFORM an ACK
 * without a lease; RELEASE and DECLINE need nothing.
 */
#include "net_stack.h"

#include <string.h>

/* The fixed part of a message, RFC 2131 section 2 */
enum {
  DHCP_OP = 0,
  DHCP_HTYPE = 1,
  DHCP_HLEN = 2,
  DHCP_HOPS = 3,
  DHCP_XID = 4,
  DHCP_SECS = 8,
  DHCP_CIADDR = 12,
  DHCP_YIADDR = 16,
  DHCP_SIADDR = 20,
  DHCP_CHADDR = 28,
  DHCP_COOKIE = 236,
  DHCP_OPTIONS = 240,
  DHCP_REPLY_BYTES = 576 - IP4_BYTES - UDP_BYTES, /* what every client must accept */
};
enum { BOOTREQUEST = 1, BOOTREPLY = 2, DHCP_MAGIC = 0x63825363 };

enum {
  OPTION_PAD = 0,
  OPTION_SUBNET_MASK = 1,
  OPTION_ROUTER = 3,
  OPTION_DNS = 6,
  OPTION_HOST_NAME = 12,
  OPTION_DOMAIN_NAME = 15,
  OPTION_REQUESTED_ADDRESS = 50,
  OPTION_LEASE_TIME = 51,
  OPTION_MESSAGE_TYPE = 53,
  OPTION_SERVER_ID = 54,
  OPTION_END = 255,
};
enum { DISCOVER = 1, OFFER = 2, REQUEST = 3, ACK = 5, NAK = 6, INFORM = 8 };
enum { SERVER_PORT = 67, CLIENT_PORT = 68, LEASE_SECONDS = 24 * 60 * 60 };

struct request {
  uint8_t type;
  uint32_t requested, server_id; /* 0 when absent */
};

static bool
parse_options(struct request *request, const uint8_t *at, const uint8_t *end)
{
  while (at < end && *at != OPTION_END) {
    uint8_t option = *at++, length;

    if (option == OPTION_PAD)
      continue;
    if (at == end || (size_t)(end - at - 1) < *at)
      return false;
    length = *at++;
    if (option == OPTION_MESSAGE_TYPE && length == 1)
      request->type = *at;
    else if (option == OPTION_REQUESTED_ADDRESS && length == 4)
      request->requested = get32(at);
    else if (option == OPTION_SERVER_ID && length == 4)
      request->server_id = get32(at);
    at += length;
  }
  return request->type != 0;
}

static uint8_t *
put_option(uint8_t *at, uint8_t option, const void *value, size_t length)
{
  *at++ = option;
  *at++ = (uint8_t)length;
  memcpy(at, value, length);
  return at + length;
}

static uint8_t *
put_option32(uint8_t *at, uint8_t option, uint32_t value)
{
  uint8_t bytes[4];

  put32(bytes, value);
  return put_option(at, option, bytes, sizeof bytes);
}

static uint8_t *
put_name(uint8_t *at, uint8_t option, const char *name)
{
  return name && *name ? put_option(at, option, name, strlen(name)) : at;
}

static void
reply(struct netstack *stack, const uint8_t *message, uint8_t type, bool lease)
{
  const struct netstack_config *config = &stack->config;
  uint8_t *out = net_ip_payload(stack) + UDP_BYTES, *at = out + DHCP_OPTIONS;
  uint32_t client = get32(message + DHCP_CIADDR), to = 0xffffffff;

  memset(out, 0, DHCP_REPLY_BYTES);
  memcpy(out, message, DHCP_CIADDR); /* htype, hlen, xid, flags; but not the others: */
  out[DHCP_HOPS] = 0;
  put16(out + DHCP_SECS, 0);
  memcpy(out + DHCP_CHADDR, message + DHCP_CHADDR, 16);
  out[DHCP_OP] = BOOTREPLY;
  put32(out + DHCP_COOKIE, DHCP_MAGIC);
  at = put_option(at, OPTION_MESSAGE_TYPE, &type, 1);
  at = put_option32(at, OPTION_SERVER_ID, config->host_ip);
  if (type != NAK) {
    put32(out + DHCP_CIADDR, client);
    put32(out + DHCP_SIADDR, config->host_ip);
    at = put_option32(at, OPTION_SUBNET_MASK, config->netmask);
    at = put_option32(at, OPTION_ROUTER, config->host_ip);
    at = put_option32(at, OPTION_DNS, config->host_ip);
    at = put_name(at, OPTION_HOST_NAME, config->hostname);
    at = put_name(at, OPTION_DOMAIN_NAME, config->domain);
  }
  if (lease) {
    put32(out + DHCP_YIADDR, config->guest_ip);
    at = put_option32(at, OPTION_LEASE_TIME, LEASE_SECONDS);
  }
  *at++ = OPTION_END;
  /* A client without address gets a broadcast: it may not take unicasts yet (4.1). */
  if (client == config->guest_ip && type != NAK)
    to = client;
  net_udp_send(stack, config->host_ip, SERVER_PORT, to, CLIENT_PORT, DHCP_REPLY_BYTES);
}

void
net_dhcp_input(struct netstack *stack, const uint8_t *message, size_t length)
{
  const struct netstack_config *config = &stack->config;
  struct request request = {0};
  uint32_t wanted;

  if (length < DHCP_OPTIONS || message[DHCP_OP] != BOOTREQUEST || message[DHCP_HTYPE] != 1 ||
      message[DHCP_HLEN] != 6 || get32(message + DHCP_COOKIE) != DHCP_MAGIC ||
      !parse_options(&request, message + DHCP_OPTIONS, message + length))
    return;
  if (request.server_id && request.server_id != config->host_ip)
    return; /* the client chose somebody else */
  switch (request.type) {
  case DISCOVER: reply(stack, message, OFFER, true); break;
  case REQUEST: /* 4.3.2: the address is in the option, or in ciaddr when renewing */
    wanted = request.requested ? request.requested : get32(message + DHCP_CIADDR);
    reply(stack, message, wanted == config->guest_ip ? ACK : NAK, wanted == config->guest_ip);
    break;
  case INFORM: reply(stack, message, ACK, false); break;
  }
}
