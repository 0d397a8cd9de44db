#include "uart8250.h"

#include <linux/serial_reg.h>
#include <string.h>

/* The wire's other end always has carrier, is ready, and lets us send. */
#define MSR_LINES (UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS)
#define IIR_FIFOS_ENABLED 0xc0
#define IER_WRITABLE 0x0f
#define MCR_WRITABLE 0x1f

void
uart8250_init(struct uart8250 *uart, void (*transmit)(void *, uint8_t), void (*idle)(void *),
              void (*set_irq)(void *, bool), void *opaque)
{
  memset(uart, 0, sizeof *uart);
  pthread_mutex_init(&uart->lock, NULL);
  pthread_cond_init(&uart->room, NULL);
  uart->transmit = transmit;
  uart->idle = idle;
  uart->set_irq = set_irq;
  uart->opaque = opaque;
}

static bool
fifos_enabled(const struct uart8250 *uart)
{
  return uart->fcr & UART_FCR_ENABLE_FIFO;
}

static unsigned
receive_capacity(const struct uart8250 *uart)
{
  return fifos_enabled(uart) ? UART_FIFO_BYTES : 1;
}

/* FCR bits 7:6: how many bytes raise "received data available"; fewer, the character timeout. */
static unsigned
receive_trigger(const struct uart8250 *uart)
{
  static const uint8_t bytes[] = {1, 4, 8, 14};
  return fifos_enabled(uart) ? bytes[uart->fcr >> 6] : 1;
}

/* In loopback the modem control outputs appear as modem status inputs (data sheet, 8.6.7). */
static uint8_t
modem_lines(const struct uart8250 *uart)
{
  if (!(uart->mcr & UART_MCR_LOOP))
    return MSR_LINES;
  return (uart->mcr & UART_MCR_RTS ? UART_MSR_CTS : 0) |
         (uart->mcr & UART_MCR_DTR ? UART_MSR_DSR : 0) |
         (uart->mcr & UART_MCR_OUT1 ? UART_MSR_RI : 0) |
         (uart->mcr & UART_MCR_OUT2 ? UART_MSR_DCD : 0);
}

/* The highest-priority interrupt that is enabled and due (data sheet, table IV). */
static uint8_t
interrupt_identity(const struct uart8250 *uart)
{
  if ((uart->ier & UART_IER_RLSI) && uart->overrun)
    return UART_IIR_RLSI;
  if ((uart->ier & UART_IER_RDI) && uart->receive_count >= receive_trigger(uart))
    return UART_IIR_RDI;
  if ((uart->ier & UART_IER_RDI) && uart->receive_count > 0)
    return UART_IIR_RX_TIMEOUT;
  if ((uart->ier & UART_IER_THRI) && uart->thr_empty_event)
    return UART_IIR_THRI;
  if ((uart->ier & UART_IER_MSI) && uart->msr_delta)
    return UART_IIR_MSI;
  return UART_IIR_NO_INT;
}

/* The one place where the line changes: called after every change of state. */
static void
update_irq(struct uart8250 *uart)
{
  bool level = interrupt_identity(uart) != UART_IIR_NO_INT;
  if (level != uart->irq_level) {
    uart->irq_level = level;
    uart->set_irq(uart->opaque, level);
  }
}

static void
receive_byte(struct uart8250 *uart, uint8_t byte)
{
  if (uart->receive_count >= receive_capacity(uart)) {
    uart->overrun = true;
    return;
  }
  uart->receive[(uart->receive_head + uart->receive_count) % UART_FIFO_BYTES] = byte;
  uart->receive_count++;
}

static void
clear_receive_fifo(struct uart8250 *uart)
{
  uart->receive_head = uart->receive_count = 0;
  pthread_cond_broadcast(&uart->room);
}

static uint8_t
take_received_byte(struct uart8250 *uart)
{
  if (uart->receive_count == 0)
    return 0;
  uint8_t byte = uart->receive[uart->receive_head];
  uart->receive_head = (uart->receive_head + 1) % UART_FIFO_BYTES;
  if (--uart->receive_count == 0)
    pthread_cond_broadcast(&uart->room);
  return byte;
}

static void
send_byte(struct uart8250 *uart, uint8_t byte)
{
  if (uart->mcr & UART_MCR_LOOP)
    receive_byte(uart, byte);
  else
    uart->transmit(uart->opaque, byte);
  uart->thr_empty_event = true;
}

static uint8_t
read_line_status(struct uart8250 *uart)
{
  uint8_t lsr = UART_LSR_TEMT | UART_LSR_THRE;
  if (uart->receive_count > 0)
    lsr |= UART_LSR_DR;
  if (uart->overrun)
    lsr |= UART_LSR_OE;
  uart->overrun = false;
  return lsr;
}

static uint8_t
read_interrupt_identity(struct uart8250 *uart)
{
  uint8_t iir = interrupt_identity(uart);
  if (iir == UART_IIR_THRI)
    uart->thr_empty_event = false;
  return fifos_enabled(uart) ? iir | IIR_FIFOS_ENABLED : iir;
}

static uint8_t
read_modem_status(struct uart8250 *uart)
{
  uint8_t msr = modem_lines(uart) | uart->msr_delta;
  uart->msr_delta = 0;
  return msr;
}

static void
write_interrupt_enable(struct uart8250 *uart, uint8_t value)
{
  /* Enabling the transmitter interrupt while the transmitter is empty raises it at once. */
  if ((value & UART_IER_THRI) && !(uart->ier & UART_IER_THRI))
    uart->thr_empty_event = true;
  uart->ier = value & IER_WRITABLE;
}

static void
write_fifo_control(struct uart8250 *uart, uint8_t value)
{
  /* Data sheet, 8.6.4: changing the enable bit empties the FIFOs, and so do the clear bits. */
  if (((value ^ uart->fcr) & UART_FCR_ENABLE_FIFO) || (value & UART_FCR_CLEAR_RCVR))
    clear_receive_fifo(uart);
  uart->fcr = value & (UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_MASK);
}

static void
write_modem_control(struct uart8250 *uart, uint8_t value)
{
  uint8_t before = modem_lines(uart);
  uart->mcr = value & MCR_WRITABLE;
  uint8_t now = modem_lines(uart);
  uart->msr_delta |= (before ^ now) >> 4 & (UART_MSR_DCTS | UART_MSR_DDSR | UART_MSR_DDCD);
  if ((before & UART_MSR_RI) && !(now & UART_MSR_RI))
    uart->msr_delta |= UART_MSR_TERI;
}

static uint8_t
read_register(struct uart8250 *uart, uint64_t offset)
{
  bool divisor = uart->lcr & UART_LCR_DLAB;
  switch (offset) {
  case UART_RX:
    return divisor ? uart->dll : take_received_byte(uart);
  case UART_IER:
    return divisor ? uart->dlm : uart->ier;
  case UART_IIR:
    return read_interrupt_identity(uart);
  case UART_LCR:
    return uart->lcr;
  case UART_MCR:
    return uart->mcr;
  case UART_LSR:
    return read_line_status(uart);
  case UART_MSR:
    return read_modem_status(uart);
  case UART_SCR:
    return uart->scr;
  default:
    return 0;
  }
}

static void
write_register(struct uart8250 *uart, uint64_t offset, uint8_t value)
{
  bool divisor = uart->lcr & UART_LCR_DLAB;
  switch (offset) {
  case UART_TX:
    if (divisor)
      uart->dll = value;
    else
      send_byte(uart, value);
    break;
  case UART_IER:
    if (divisor)
      uart->dlm = value;
    else
      write_interrupt_enable(uart, value);
    break;
  case UART_FCR:
    write_fifo_control(uart, value);
    break;
  case UART_LCR:
    uart->lcr = value;
    break;
  case UART_MCR:
    write_modem_control(uart, value);
    break;
  case UART_SCR:
    uart->scr = value;
    break;
  }
}

/* Only bytes: the registers are one byte wide, and a wider access reaches the first of them. */
static uint64_t
uart_read(void *device, uint64_t offset, unsigned bytes)
{
  struct uart8250 *uart = device;
  (void)bytes;
  pthread_mutex_lock(&uart->lock);
  uint8_t value = read_register(uart, offset);
  update_irq(uart);
  pthread_mutex_unlock(&uart->lock);
  return value;
}

static void
uart_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
  struct uart8250 *uart = device;
  (void)bytes;
  pthread_mutex_lock(&uart->lock);
  write_register(uart, offset, (uint8_t)value);
  update_irq(uart);
  /* Linux ends every burst of output, polled or interrupt-driven, with a write to IER. */
  if (offset == UART_IER)
    uart->idle(uart->opaque);
  pthread_mutex_unlock(&uart->lock);
}

const struct mmio_handler uart8250_mmio = {uart_read, uart_write};

void
uart8250_receive(struct uart8250 *uart, const uint8_t *bytes, size_t count)
{
  pthread_mutex_lock(&uart->lock);
  for (size_t i = 0; i < count; i++) {
    while (uart->receive_count >= receive_capacity(uart) && !uart->closed) {
      update_irq(uart);
      pthread_cond_wait(&uart->room, &uart->lock);
    }
    if (uart->closed)
      break;
    receive_byte(uart, bytes[i]);
  }
  update_irq(uart);
  pthread_mutex_unlock(&uart->lock);
}

void
uart8250_close(struct uart8250 *uart)
{
  pthread_mutex_lock(&uart->lock);
  uart->closed = true;
  pthread_cond_broadcast(&uart->room);
  pthread_mutex_unlock(&uart->lock);
}
