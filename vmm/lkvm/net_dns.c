/*
 * DNS without a resolver: the answer is "server failure", at once, so that the guest does not wait
 * for a timeout (RFC 1035 4.1.1, RCODE 2). With a resolver, queries are ordinary UDP and TCP flows
 * to it: see net_destination().
 */
#include "net_stack.h"

#include <string.h>

enum { DNS_FLAGS = 2, DNS_QUESTIONS = 4, DNS_ANSWERS = 6, DNS_BYTES = 12 };
enum { DNS_RESPONSE = 0x8000, DNS_OPCODE = 0x7800, DNS_RECURSE = 0x0100, DNS_CAN_RECURSE = 0x0080 };
enum { DNS_SERVFAIL = 2, DNS_CLASSIC_BYTES = 512 };

/* The first question's length: labels, then type and class; 0 if it is malformed. */
static size_t
question_length(const uint8_t *question, size_t length)
{
  size_t at = 0;

  while (at < length && question[at] != 0) {
    if (question[at] > 63)
      return 0;
    at += 1 + (size_t)question[at];
  }
  return at + 5 <= length ? at + 5 : 0;
}

void
net_dns_fail(struct netstack *stack, uint16_t guest_port, const uint8_t *query, size_t length)
{
  uint8_t *answer = net_ip_payload(stack) + UDP_BYTES;
  uint16_t flags;
  size_t question;

  if (length < DNS_BYTES || length > DNS_CLASSIC_BYTES)
    return;
  flags = get16(query + DNS_FLAGS);
  if ((flags & DNS_RESPONSE) || get16(query + DNS_QUESTIONS) != 1)
    return;
  question = question_length(query + DNS_BYTES, length - DNS_BYTES);
  if (!question)
    return;
  memcpy(answer, query, DNS_BYTES + question);
  put16(answer + DNS_FLAGS, (uint16_t)(DNS_RESPONSE | (flags & (DNS_OPCODE | DNS_RECURSE)) |
                                       DNS_CAN_RECURSE | DNS_SERVFAIL));
  memset(answer + DNS_ANSWERS, 0, DNS_BYTES - DNS_ANSWERS);
  net_udp_send(stack, stack->config.host_ip, 53, stack->config.guest_ip, guest_port,
               DNS_BYTES + question);
}
