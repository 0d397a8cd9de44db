/*
 * A user-mode network for one guest: an Ethernet with the guest at one end and this process at the
 * other, which plays gateway, DHCP and DNS server and carries the guest's traffic over ordinary
 * sockets of the host. No privileges, no tap device.
 *
 *   192.168.33.1   gateway. ARP, ping, DHCP; DNS on port 53 is forwarded to the host's resolver;
 *                  every other TCP or UDP port is the same port of the host's loopback.
 *   192.168.33.15  the guest, the only address that may send.
 *   elsewhere      TCP, UDP and ping go out through the host's sockets. Nothing comes in uninvited.
 *
 * IPv4 only; IPv6 frames are ignored, IP fragments dropped both ways.
 *
 * Threads: one thread of the stack waits for sockets and timers, without a timeout while there is
 * nothing to time. deliver() is called from it, and from within netstack_input() for replies that
 * are ready at once; never by two threads at a time. It must not call back into the netstack, and
 * may drop the frame if the guest has no room (TCP retransmits).
 */
#ifndef LKVM_NETSTACK_H
#define LKVM_NETSTACK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NETSTACK_FRAME_BYTES = 1514 }; /* Ethernet header and MTU 1500; no FCS */

/* IPv4 addresses are in host byte order: 192.168.33.1 is 0xc0a82101. */
struct netstack_config {
  uint32_t host_ip, guest_ip, netmask;
  uint8_t host_mac[6], guest_mac[6];
  struct sockaddr_in dns;        /* where DNS queries go; sin_family 0: nowhere, answer SERVFAIL */
  const char *hostname, *domain; /* DHCP options 12 and 15; NULL leaves them out */
};

struct netstack;

/* The addresses above, guest 02:15:15:15:15:15, no DNS, no names. */
void netstack_config_init(struct netstack_config *config);
/* The first IPv4 "nameserver" of a resolv.conf(5); false, and `dns` untouched, if there is none. */
bool netstack_find_resolver(const char *resolv_conf, struct sockaddr_in *dns);

/* Copies `config`. NULL with errno set if thread or descriptors are not to be had. */
struct netstack *netstack_new(const struct netstack_config *config,
                              void (*deliver)(void *opaque, const void *frame, size_t length),
                              void *opaque);
/* A frame from the guest, without virtio header. Copied at once, so it may be guest memory. */
void netstack_input(struct netstack *stack, const void *frame, size_t length);
/* Ends all connections and the thread. No netstack_input() may be under way. */
void netstack_free(struct netstack *stack);

#endif
