/* TCP: connections of the guest to sockets on the loopback. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "net_guest.h"
#include "net_test.h"
#include "check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BIG = 8 << 20 };

static int listener;
static uint16_t listener_port;

/* The byte at a place of the test stream. */
static uint8_t
stream_byte(uint64_t at)
{
  return (uint8_t)((at * 2654435761u) >> 13);
}

static void
take_stream(struct guest_tcp *tcp, const uint8_t *data, size_t length)
{
  for (size_t i = 0; i < length; i++)
    CHECK_EQUAL(stream_byte(tcp->received + i), data[i]);
}

/* Opens a connection, and yields the host's end of it. */
static int
open_both(struct guest_tcp *tcp)
{
  struct timeval patience = {.tv_sec = GUEST_WAIT_MS / 1000};
  int fd;

  CHECK(guest_tcp_connect(tcp, listener_port));
  fd = accept(listener, NULL, NULL);
  CHECK(fd >= 0);
  CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
  tcp->take = take_stream;
  return fd;
}

static void
host_expect(int fd, const void *data, size_t length)
{
  uint8_t got[4096];

  CHECK(length <= sizeof got);
  CHECK_EQUAL(length, recv(fd, got, length, MSG_WAITALL));
  CHECK(memcmp(got, data, length) == 0);
}

static void
host_send_stream(int fd, uint64_t from, size_t length)
{
  uint8_t data[65536];

  CHECK(length <= sizeof data);
  for (size_t i = 0; i < length; i++)
    data[i] = stream_byte(from + i);
  CHECK(send(fd, data, length, MSG_NOSIGNAL) == (ssize_t)length);
}

/* Steps until everything sent is acknowledged. */
static void
until_acked(struct guest_tcp *tcp)
{
  while (tcp->snd_una != tcp->snd_nxt)
    CHECK(guest_tcp_step(tcp, GUEST_WAIT_MS));
}

static void
until_received(struct guest_tcp *tcp, uint64_t bytes)
{
  while (tcp->received < bytes)
    CHECK(guest_tcp_step(tcp, GUEST_WAIT_MS));
  CHECK_EQUAL(bytes, tcp->received);
}

static void
until_fin(struct guest_tcp *tcp)
{
  while (!tcp->got_fin)
    CHECK(guest_tcp_step(tcp, GUEST_WAIT_MS));
}

static void
until_rst(struct guest_tcp *tcp)
{
  while (!tcp->got_rst)
    CHECK(guest_tcp_step(tcp, GUEST_WAIT_MS));
}

static void
test_refused(void)
{
  struct guest_tcp tcp;

  guest_start();
  CHECK(!guest_tcp_connect(&tcp, closed_port(SOCK_STREAM)));
  CHECK(!guest_tcp_connect(&tcp, 53)); /* DNS, and no resolver */
  /* A segment out of nowhere is reset with the number it acknowledges. */
  tcp.rcv_nxt = 12345;
  guest_tcp_send(&tcp, "x", 1);
  CHECK(guest_tcp_step(&tcp, GUEST_WAIT_MS) && tcp.got_rst);
  guest_tcp_segment(&tcp, TCP_RST, NULL, 0);
  guest_expect_silence();
  guest_stop();
}

static void
test_unreachable(void)
{
  struct guest_tcp tcp = {.port = 4, .remote = GATEWAY + 3, .remote_port = 80, .snd_nxt = 77};
  struct received in;

  guest_start();
  guest_tcp_segment(&tcp, TCP_SYN, NULL, 0);
  guest_expect(&in, PROTOCOL_ICMP);
  CHECK(in.payload[ICMP_TYPE] == ICMP_UNREACHABLE && in.payload[ICMP_CODE] == 1);
  CHECK_EQUAL(77, get32(in.payload + ICMP_BYTES + IP4_BYTES + TCP_SEQ));
  guest_stop();
}

static void
test_echo_and_close(void)
{
  struct guest_tcp tcp;
  uint8_t byte;
  int fd;

  guest_start();
  fd = open_both(&tcp);
  CHECK_EQUAL(1460, tcp.peer_mss);
  guest_tcp_send(&tcp, "hello", 5);
  host_expect(fd, "hello", 5);
  until_acked(&tcp);
  host_send_stream(fd, 0, 3000);
  until_received(&tcp, 3000);
  /* The guest closes first: the host still may talk. */
  guest_tcp_fin(&tcp);
  CHECK_EQUAL(0, recv(fd, &byte, 1, 0));
  until_acked(&tcp);
  host_send_stream(fd, 3000, 500);
  until_received(&tcp, 3500);
  close(fd);
  until_fin(&tcp);
  guest_expect_silence();
  guest_tcp_segment(&tcp, TCP_ACK, NULL, 0); /* the connection is gone or in TIME-WAIT */

  /* The host closes first: the guest still may talk. */
  fd = open_both(&tcp);
  host_send_stream(fd, 0, 100);
  CHECK(shutdown(fd, SHUT_WR) == 0);
  until_fin(&tcp);
  CHECK_EQUAL(100, tcp.received);
  guest_tcp_send(&tcp, "still here", 10);
  host_expect(fd, "still here", 10);
  guest_tcp_fin(&tcp);
  CHECK_EQUAL(0, recv(fd, &byte, 1, 0));
  until_acked(&tcp);
  /* In TIME-WAIT a repeated FIN gets its ACK again, and a new SYN a new connection. */
  guest_tcp_segment_at(&tcp, tcp.snd_nxt - 1, TCP_ACK | TCP_FIN, NULL, 0);
  CHECK(guest_tcp_step(&tcp, GUEST_WAIT_MS) && !tcp.got_rst);
  tcp.snd_nxt += 1000;
  guest_tcp_segment(&tcp, TCP_SYN, NULL, 0);
  tcp.snd_nxt++;
  {
    struct received in;

    guest_expect(&in, PROTOCOL_TCP);
    CHECK_EQUAL(TCP_SYN | TCP_ACK, in.payload[TCP_FLAGS]);
    CHECK_EQUAL(tcp.snd_nxt, get32(in.payload + TCP_ACK_NUMBER));
  }
  close(fd);
  close(accept(listener, NULL, NULL));
  guest_stop();
}

static void
test_resets(void)
{
  struct linger at_once = {.l_onoff = 1};
  struct guest_tcp tcp;
  uint8_t byte;
  int fd;

  guest_start();
  fd = open_both(&tcp);
  guest_tcp_segment_at(&tcp, tcp.snd_nxt + 100, TCP_RST, NULL, 0); /* a blind guess */
  CHECK(guest_tcp_step(&tcp, GUEST_WAIT_MS) && !tcp.got_rst);      /* challenge ACK */
  guest_tcp_segment(&tcp, TCP_SYN, NULL, 0);
  CHECK(guest_tcp_step(&tcp, GUEST_WAIT_MS) && !tcp.got_rst);
  guest_tcp_segment(&tcp, TCP_RST, NULL, 0);
  CHECK(recv(fd, &byte, 1, 0) < 0 && errno == ECONNRESET);
  close(fd);

  fd = open_both(&tcp);
  CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
  close(fd);
  until_rst(&tcp);
  /* The host gone for good while the guest still sends. */
  fd = open_both(&tcp);
  close(fd);
  until_fin(&tcp);
  guest_tcp_send(&tcp, "into the void", 13);
  usleep(20000);
  guest_tcp_send(&tcp, "again", 5);
  until_rst(&tcp);
  guest_stop();
}

static void
test_odd_segments(void)
{
  struct guest_tcp tcp;
  uint32_t start;
  int fd;

  guest_start();
  fd = open_both(&tcp);
  start = tcp.snd_nxt;
  /* Out of order: not taken, but answered with what is missing. */
  guest_tcp_segment_at(&tcp, start + 3, TCP_ACK, "def", 3);
  tcp.snd_nxt = start + 6;
  CHECK(guest_tcp_step(&tcp, GUEST_WAIT_MS));
  CHECK_EQUAL(start, tcp.snd_una);
  guest_tcp_segment_at(&tcp, start, TCP_ACK, "abc", 3);
  guest_tcp_segment_at(&tcp, start, TCP_ACK, "abc", 3);                 /* twice */
  guest_tcp_segment_at(&tcp, start + 1, TCP_ACK | TCP_FIN, "bcdef", 5); /* overlapping */
  tcp.snd_nxt = start + 7;
  until_acked(&tcp);
  host_expect(fd, "abcdef", 6);
  /* Acknowledging what was never sent. */
  tcp.rcv_nxt += 5000;
  guest_tcp_segment(&tcp, TCP_ACK, NULL, 0);
  tcp.rcv_nxt -= 5000;
  CHECK(guest_tcp_step(&tcp, GUEST_WAIT_MS) && !tcp.got_rst);
  host_send_stream(fd, 0, 10);
  until_received(&tcp, 10);
  close(fd);
  until_fin(&tcp);
  guest_stop();
}

/* A guest with its window shut gets probes only, and everything once it opens. */
static void
test_zero_window(void)
{
  struct guest_tcp tcp;
  int fd;

  guest_start();
  fd = open_both(&tcp);
  tcp.rcv_wnd = 0;
  guest_tcp_segment(&tcp, TCP_ACK, NULL, 0);
  host_send_stream(fd, 0, 5000);
  CHECK(guest_tcp_step(&tcp, GUEST_WAIT_MS)); /* a probe, which does not fit */
  CHECK_EQUAL(0, tcp.received);
  CHECK(guest_tcp_step(&tcp, GUEST_WAIT_MS)); /* a second one */
  tcp.rcv_wnd = 65535;
  guest_tcp_segment(&tcp, TCP_ACK, NULL, 0);
  until_received(&tcp, 5000);
  close(fd);
  guest_stop();
}

/* A host that does not read closes our window; when it does, we open it again. */
static void
test_slow_host(void)
{
  static uint8_t data[1460], got[1 << 16];
  struct guest_tcp tcp;
  uint64_t sent = 0, read = 0;
  int fd;

  guest_start();
  fd = open_both(&tcp);
  for (;;) {
    uint32_t room = tcp.snd_una + tcp.snd_wnd - tcp.snd_nxt;

    if (room >= sizeof data) {
      guest_tcp_send(&tcp, data, sizeof data);
      sent += sizeof data;
      CHECK(sent < 64 << 20);
    } else if (!guest_tcp_step(&tcp, 200)) {
      break;
    }
  }
  CHECK(tcp.snd_wnd < sizeof data);
  while (read < sent - (tcp.snd_nxt - tcp.snd_una)) {
    ssize_t done = recv(fd, got, sizeof got, 0);

    CHECK(done > 0);
    read += (uint64_t)done;
  }
  while (tcp.snd_una + tcp.snd_wnd - tcp.snd_nxt < sizeof data)
    CHECK(guest_tcp_step(&tcp, GUEST_WAIT_MS)); /* the window update */
  close(fd);
  guest_stop();
}

static void *
echo_server(void *opaque)
{
  static uint8_t data[1 << 16];
  int fd = *(int *)opaque;
  ssize_t length;

  while ((length = recv(fd, data, sizeof data, 0)) > 0)
    CHECK(send(fd, data, (size_t)length, MSG_NOSIGNAL) == length);
  CHECK(length == 0);
  CHECK(shutdown(fd, SHUT_WR) == 0);
  return NULL;
}

/* 8 MiB to an echo server and back, with every n-th segment lost on the way to the guest. */
static void
test_bulk(unsigned lose_every)
{
  struct guest_tcp tcp;
  uint8_t data[1460];
  uint64_t sent = 0;
  pthread_t server;
  int fd;

  guest_start();
  fd = open_both(&tcp);
  CHECK(pthread_create(&server, NULL, echo_server, &fd) == 0);
  guest_lose_every = lose_every;
  while (tcp.received < BIG) {
    uint32_t room = tcp.snd_una + tcp.snd_wnd - tcp.snd_nxt;
    size_t length = BIG - sent < sizeof data ? (size_t)(BIG - sent) : sizeof data;

    if (length && room >= length) {
      for (size_t i = 0; i < length; i++)
        data[i] = stream_byte(sent + i);
      guest_tcp_send(&tcp, data, length);
      sent += length;
      while (guest_tcp_step(&tcp, 0))
        ;
    } else {
      CHECK(guest_tcp_step(&tcp, GUEST_WAIT_MS));
    }
  }
  CHECK_EQUAL(BIG, tcp.received);
  until_acked(&tcp);
  guest_tcp_fin(&tcp);
  until_fin(&tcp);
  until_acked(&tcp);
  pthread_join(server, NULL);
  close(fd);
  guest_stop();
}

/* Past the limit a connection is refused; the others live on. */
static void
test_limit(void)
{
  static struct guest_tcp tcp[300];
  static int fds[300];
  int count = 0;

  guest_start();
  while (count < 300 && guest_tcp_connect(&tcp[count], listener_port)) {
    fds[count] = accept(listener, NULL, NULL);
    CHECK(fds[count] >= 0);
    count++;
  }
  CHECK_EQUAL(256, count);
  guest_tcp_send(&tcp[0], "first", 5);
  host_expect(fds[0], "first", 5);
  until_acked(&tcp[0]);
  guest_tcp_segment(&tcp[1], TCP_RST, NULL, 0); /* makes room */
  usleep(50000);
  fds[1] = open_both(&tcp[299]);
  guest_stop(); /* with all of them open */
  for (int i = 0; i < count; i++)
    close(fds[i]);
}

static void
test_dns_over_tcp(void)
{
  struct guest_tcp tcp;
  int fd;

  guest_config.dns = (struct sockaddr_in){.sin_family = AF_INET,
                                          .sin_port = htons(listener_port),
                                          .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  guest_start();
  CHECK(guest_tcp_connect(&tcp, 53));
  fd = accept(listener, NULL, NULL);
  CHECK(fd >= 0);
  guest_tcp_send(&tcp, "query", 5);
  host_expect(fd, "query", 5);
  close(fd);
  guest_stop();
  guest_config.dns.sin_family = 0;
}

void
test_net_tcp(void)
{
  listener = host_socket(SOCK_STREAM, &listener_port);
  test_refused();
  test_unreachable();
  test_echo_and_close();
  test_resets();
  test_odd_segments();
  test_zero_window();
  test_slow_host();
  test_bulk(0);
  test_bulk(97);
  test_limit();
  test_dns_over_tcp();
  close(listener);
}
