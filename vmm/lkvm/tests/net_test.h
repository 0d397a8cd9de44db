/* The parts of net_test, one a file; each function runs its tests or ends the program. */
#ifndef LKVM_TESTS_NET_TEST_H
#define LKVM_TESTS_NET_TEST_H

#include <stdint.h>

/* A host socket on the loopback, listening if it is a stream; its port in `port`. */
int host_socket(int type, uint16_t *port);
/* A port of the loopback where nobody listens. */
uint16_t closed_port(int type);
/* An address of this machine besides the loopback's, or 0. What goes there uses the loopback. */
uint32_t own_address(void);

void test_net_link(void);        /* net_link_test.c: ARP, DHCP, ICMP, bad packets */
void test_net_udp(void);         /* net_udp_test.c: UDP, DNS */
void test_net_tcp(void);         /* net_tcp_test.c */
void test_net_fuzz(long rounds); /* net_fuzz_test.c */

#endif
