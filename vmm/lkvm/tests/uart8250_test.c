/* The UART by its registers, its interrupt line and its wire. */
#include "uart8250.h"

#include <linux/serial_reg.h>

#include "check.h"

static struct uart8250 uart;
static char sent[64];
static unsigned sent_count, idle_count;
static bool irq;

static void
transmit(void *opaque, uint8_t byte)
{
  CHECK(opaque == &uart);
  sent[sent_count++ % sizeof sent] = (char)byte;
}

static void
idle(void *opaque)
{
  (void)opaque;
  idle_count++;
}

static void
set_irq(void *opaque, bool level)
{
  (void)opaque;
  CHECK(irq != level);
  irq = level;
}

static uint8_t
get(unsigned offset)
{
  return (uint8_t)uart8250_mmio.read(&uart, offset, 1);
}

static void
put(unsigned offset, uint8_t value)
{
  uart8250_mmio.write(&uart, offset, 1, value);
}

static void
start(void)
{
  memset(sent, 0, sizeof sent);
  sent_count = idle_count = 0;
  irq = false;
  uart8250_init(&uart, transmit, idle, set_irq, &uart);
}

static void
reset_values(void)
{
  start();
  CHECK_EQUAL(UART_LSR_TEMT | UART_LSR_THRE, get(UART_LSR));
  CHECK_EQUAL(UART_IIR_NO_INT, get(UART_IIR));
  CHECK_EQUAL(UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS, get(UART_MSR));
  CHECK_EQUAL(0, get(UART_IER));
  CHECK_EQUAL(0, get(UART_LCR));
}

static void
transmitting(void)
{
  start();
  put(UART_TX, 'h');
  put(UART_TX, 'i');
  CHECK_TEXT("hi", sent);
  CHECK(!irq);
  CHECK_EQUAL(0, idle_count);
  /* Enabling the interrupt with an empty transmitter raises it; reading IIR takes it back. */
  put(UART_IER, UART_IER_THRI);
  CHECK(irq);
  CHECK_EQUAL(1, idle_count);
  CHECK_EQUAL(UART_IIR_THRI, get(UART_IIR));
  CHECK(!irq);
  CHECK_EQUAL(UART_IIR_NO_INT, get(UART_IIR));
  put(UART_TX, '!');
  CHECK(irq);
  put(UART_IER, 0);
  CHECK(!irq);
}

static void
divisor_latch(void)
{
  start();
  put(UART_LCR, UART_LCR_DLAB);
  put(UART_DLL, 0x12);
  put(UART_DLM, 0x34);
  CHECK_EQUAL(0x12, get(UART_DLL));
  CHECK_EQUAL(0x34, get(UART_DLM));
  put(UART_LCR, UART_LCR_WLEN8);
  CHECK_EQUAL(0, get(UART_IER));
  CHECK_EQUAL(0, sent_count);
}

static void
scratch_and_identification(void)
{
  start();
  put(UART_SCR, 0xa5);
  CHECK_EQUAL(0xa5, get(UART_SCR));
  /* What Linux looks at to tell a 16550A from a 16450. */
  put(UART_FCR, UART_FCR_ENABLE_FIFO);
  CHECK_EQUAL(0xc0 | UART_IIR_NO_INT, get(UART_IIR));
  put(UART_IER, 0xff);
  CHECK_EQUAL(0x0f, get(UART_IER));
}

static void
receiving(void)
{
  start();
  put(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_8);
  put(UART_IER, UART_IER_RDI);
  CHECK(!irq);
  uart8250_receive(&uart, (const uint8_t *)"abc", 3);
  CHECK(irq);
  CHECK_EQUAL(0xc0 | UART_IIR_RX_TIMEOUT, get(UART_IIR));
  uart8250_receive(&uart, (const uint8_t *)"defgh", 5);
  CHECK_EQUAL(0xc0 | UART_IIR_RDI, get(UART_IIR));
  for (char want = 'a'; want <= 'h'; want++) {
    CHECK(get(UART_LSR) & UART_LSR_DR);
    CHECK_EQUAL(want, get(UART_RX));
  }
  CHECK(!(get(UART_LSR) & UART_LSR_DR));
  CHECK(!irq);
  CHECK_EQUAL(0, get(UART_RX));
}

static void
clearing_the_receiver(void)
{
  start();
  put(UART_FCR, UART_FCR_ENABLE_FIFO);
  uart8250_receive(&uart, (const uint8_t *)"abc", 3);
  put(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
  CHECK(!(get(UART_LSR) & UART_LSR_DR));
}

/* As the probe in Linux' 8250 driver: OUT2 and RTS loop back to DCD and CTS. */
static void
loopback(void)
{
  start();
  put(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS);
  CHECK_EQUAL(UART_MSR_DCD | UART_MSR_CTS, get(UART_MSR) & 0xf0);
  put(UART_TX, 'x');
  CHECK_EQUAL(0, sent_count);
  CHECK_EQUAL('x', get(UART_RX));
  put(UART_TX, 'y');
  put(UART_TX, 'z'); /* No FIFO: the second byte has no place. */
  CHECK(get(UART_LSR) & UART_LSR_OE);
  CHECK(!(get(UART_LSR) & UART_LSR_OE));
  CHECK_EQUAL('y', get(UART_RX));
}

static void
modem_status_interrupt(void)
{
  start();
  put(UART_IER, UART_IER_MSI);
  put(UART_MCR, UART_MCR_LOOP);
  CHECK(irq);
  CHECK_EQUAL(UART_IIR_MSI, get(UART_IIR));
  CHECK_EQUAL(UART_MSR_DCTS | UART_MSR_DDSR | UART_MSR_DDCD, get(UART_MSR));
  CHECK(!irq);
}

static void *
type_much(void *opaque)
{
  (void)opaque;
  uart8250_receive(&uart, (const uint8_t *)"0123456789abcdefghijklmnopqrstuvwxyz", 36);
  return NULL;
}

/* A typist faster than the guest waits; nothing is lost. */
static void
back_pressure(void)
{
  pthread_t typist;
  char got[37] = "";
  start();
  put(UART_FCR, UART_FCR_ENABLE_FIFO);
  pthread_create(&typist, NULL, type_much, NULL);
  for (unsigned count = 0; count < 36;)
    if (get(UART_LSR) & UART_LSR_DR)
      got[count++] = (char)get(UART_RX);
  pthread_join(typist, NULL);
  CHECK_TEXT("0123456789abcdefghijklmnopqrstuvwxyz", got);

  pthread_create(&typist, NULL, type_much, NULL);
  uart8250_close(&uart);
  pthread_join(typist, NULL);
}

static void
storm(void)
{
  uint64_t random = 0x5eed;
  start();
  for (int i = 0; i < 300000; i++) {
    uint64_t bits = next_random(&random);
    unsigned bytes = 1u << (bits >> 50 & 3);
    if (bits >> 63)
      uart8250_mmio.read(&uart, bits & 7, bytes);
    else
      uart8250_mmio.write(&uart, bits & 7, bytes, bits >> 8);
    CHECK(irq == uart.irq_level);
    CHECK(uart.receive_count <= UART_FIFO_BYTES);
  }
}

int
main(void)
{
  reset_values();
  transmitting();
  divisor_latch();
  scratch_and_identification();
  receiving();
  clearing_the_receiver();
  loopback();
  modem_status_interrupt();
  back_pressure();
  storm();
  return 0;
}
