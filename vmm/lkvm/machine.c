#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "board_fdt.h"
#include "image.h"
#include "instances.h"
#include "log.h"
#include "output.h"
#include "panic_watch.h"
#include "platform.h"
#include "plic.h"
#include "terminal.h"
#include "uart8250.h"
#include "virtio_devices.h"

static const uint64_t classic_uart_bases[UART_COUNT] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};
static const unsigned uart_irqs[UART_COUNT] = {3, 4, 6, 7};

struct machine;

/* A UART's way back to its machine. */
struct uart_wiring {
  struct machine *machine;
  unsigned index;
};

struct machine {
  const struct machine_config *config;
  struct vm vm;
  struct vcpu *vcpus;
  struct mmio_bus bus;
  struct plic plic;
  struct sbi sbi;
  uint64_t uart_bases[UART_COUNT];
  struct uart8250 uarts[UART_COUNT];
  struct uart_wiring uart_wiring[UART_COUNT];
  struct virtio_device *virtio[VIRTIO_MAX_DEVICES];
  unsigned virtio_count;
  struct virtio_device *virtio_console; /* one of the above, or NULL */
  struct terminal terminal;
  pthread_mutex_t console_lock; /* UART, SBI and virtio print from different threads */
  struct panic_watch panic_watch;

  _Atomic enum ending ending;
  int ended_fd; /* readable once `ending` is set */
};

static void
end(struct machine *machine, enum ending ending)
{
  enum ending none = ENDING_NONE;
  uint64_t one = 1;
  if (atomic_compare_exchange_strong(&machine->ending, &none, ending) &&
      write(machine->ended_fd, &one, sizeof one) < 0)
    error("Cannot wake the main thread: %s", strerror(errno));
}

/* -- Wiring: callbacks from one part into another ------------------------------------------- */

static void
vcpu_ended(void *opaque, enum ending ending)
{
  end(opaque, ending);
}

static void
plic_output(void *opaque, unsigned context, bool level)
{
  struct machine *machine = opaque;
  /* Even contexts are M-mode, which a guest does not have. */
  if (context % 2 == 1)
    vcpu_set_interrupt(&machine->vcpus[context / 2], level);
}

static void
virtio_irq(void *opaque, unsigned irq, bool level)
{
  struct machine *machine = opaque;
  plic_set_level(&machine->plic, irq, level);
}

static void
uart_irq(void *opaque, bool level)
{
  struct uart_wiring *wiring = opaque;
  plic_set_level(&wiring->machine->plic, uart_irqs[wiring->index], level);
}

/* What the guest prints, on whichever console. */
static void
print(void *opaque, const void *bytes, size_t count)
{
  struct machine *machine = opaque;
  bool news = false;
  pthread_mutex_lock(&machine->console_lock);
  output_write(bytes, count);
  for (size_t i = 0; i < count; i++)
    news |= panic_watch_byte(&machine->panic_watch, ((const char *)bytes)[i]);
  pthread_mutex_unlock(&machine->console_lock);
  if (news)
    warning("The guest's kernel panicked: %s", machine->panic_watch.reason);
}

/* A virtio console hands over whole bursts: there is nothing to gather. */
static void
print_burst(void *opaque, const void *bytes, size_t count)
{
  print(opaque, bytes, count);
  output_flush();
}

/* The first UART is on the terminal; the others' output goes nowhere. */
static void
uart_transmit(void *opaque, uint8_t byte)
{
  struct uart_wiring *wiring = opaque;
  if (wiring->index == 0)
    print(wiring->machine, &byte, 1);
}

static void
uart_idle(void *opaque)
{
  struct uart_wiring *wiring = opaque;
  if (wiring->index == 0)
    output_flush();
}

static void
terminal_typed(void *opaque, const uint8_t *bytes, size_t count)
{
  struct machine *machine = opaque;
  if (sbi_receive(&machine->sbi, bytes, count))
    return;
  if (machine->virtio_console)
    virtio_console_receive(machine->virtio_console, bytes, count);
  else
    uart8250_receive(&machine->uarts[0], bytes, count);
}

static void
terminal_quit(void *opaque)
{
  end(opaque, ENDING_SHUTDOWN);
}

/* -- Building ------------------------------------------------------------------------------- */

static void
map(struct machine *machine, const char *name, uint64_t base, uint64_t bytes,
    const struct mmio_handler *handler, void *device)
{
  struct mmio_region region = {name, base, bytes, handler, device};
  if (!mmio_bus_add(&machine->bus, region))
    exit(1);
}

static void
build_vcpus(struct machine *machine)
{
  unsigned count = machine->config->options.cpus;
  machine->vcpus = calloc(count, sizeof *machine->vcpus);
  if (!machine->vcpus)
    fatal("Out of memory");
  for (unsigned i = 0; i < count; i++) {
    struct vcpu *vcpu = &machine->vcpus[i];
    vcpu_create(vcpu, &machine->vm, i);
    vcpu->bus = &machine->bus;
    vcpu->sbi = &machine->sbi;
    vcpu->ended = vcpu_ended;
    vcpu->opaque = machine;
  }
}

static void
build_uarts(struct machine *machine)
{
  const struct run_options *options = &machine->config->options;
  for (unsigned i = 0; i < UART_COUNT; i++) {
    machine->uart_bases[i] =
        options->has_uart_base ? options->uart_base + i * UART_STRIDE : classic_uart_bases[i];
    machine->uart_wiring[i] = (struct uart_wiring){machine, i};
    uart8250_init(&machine->uarts[i], uart_transmit, uart_idle, uart_irq, &machine->uart_wiring[i]);
    map(machine, "uart", machine->uart_bases[i], UART_SIZE, &uart8250_mmio, &machine->uarts[i]);
  }
}

static void
add_virtio(struct machine *machine, struct virtio_device *device)
{
  unsigned index = machine->virtio_count;
  uint64_t base = VIRTIO_BASE + index * VIRTIO_STRIDE;
  if (index == VIRTIO_MAX_DEVICES)
    fatal("Too many virtio devices: at most %d are possible", VIRTIO_MAX_DEVICES);
  machine->virtio[machine->virtio_count++] = device;
  map(machine, device->kind->name, base, VIRTIO_SIZE, &virtio_mmio, device);
  virtio_start(device, VIRTIO_FIRST_IRQ + index, virtio_irq, machine);
  /* Without an ioeventfd a notification is an ordinary MMIO write: slower, but it works. */
  vm_add_ioeventfd(&machine->vm, base + VIRTIO_NOTIFY_OFFSET, device->notify_fd);
}

static void
build_virtio(struct machine *machine)
{
  const struct machine_config *config = machine->config;
  const struct run_options *options = &config->options;
  const struct guest_memory *memory = &machine->vm.memory;

  for (unsigned i = 0; i < options->disk_count; i++)
    add_virtio(machine,
               virtio_blk_create(options->disks[i].path, options->disks[i].read_only, memory));
  if (config->root_directory)
    add_virtio(machine, virtio_9p_create(config->root_directory, "/dev/root", false, memory));
  if (config->share_host)
    add_virtio(machine, virtio_9p_create("/", "hostfs", true, memory));
  for (unsigned i = 0; i < options->share_count; i++)
    add_virtio(machine, virtio_9p_create(options->shares[i].directory, options->shares[i].tag,
                                         false, memory));
  if (!options->no_network)
    add_virtio(machine, virtio_net_create(memory));
  if (options->rng)
    add_virtio(machine, virtio_rng_create(memory));
  if (options->virtio_console) {
    machine->virtio_console = virtio_console_create(print_burst, machine, memory);
    add_virtio(machine, machine->virtio_console);
  }
}

static void
write_dump(const char *path, const void *blob, size_t bytes)
{
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0 || write(fd, blob, bytes) != (ssize_t)bytes || close(fd) < 0)
    fatal("Unable to write the device tree to %s: %s", path, strerror(errno));
}

static void
load_guest(struct machine *machine)
{
  const struct machine_config *config = machine->config;
  struct boot_layout layout;
  struct isa isa;

  image_load(&layout, &machine->vm.memory, config->options.kernel, config->options.initrd);
  if (!isa_query(&isa, machine->vcpus[0].fd))
    fatal("KVM does not tell what the CPU can do: %s", strerror(errno));
  struct board board = {
      .cpus = config->options.cpus,
      .isa = &isa,
      .ram_bytes = machine->vm.memory.bytes,
      .bootargs = config->bootargs,
      .layout = &layout,
      .uart_bases = machine->uart_bases,
      .uart_irqs = uart_irqs,
      .virtio_devices = machine->virtio_count,
  };
  void *blob = guest_at(&machine->vm.memory, layout.device_tree, DEVICE_TREE_BYTES);
  size_t bytes = board_fdt_write(&board, blob, DEVICE_TREE_BYTES);
  if (bytes == 0)
    fatal("The device tree does not fit in %d bytes", DEVICE_TREE_BYTES);
  if (config->options.dump_dtb)
    write_dump(config->options.dump_dtb, blob, bytes);
  vcpu_set_entry(&machine->vcpus[0], layout.kernel, layout.device_tree);
}

/* -- Running -------------------------------------------------------------------------------- */

/* Signals that end the program end the guest instead, so that the terminal is put right. */
static int
open_signals(void)
{
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  signal(SIGPIPE, SIG_IGN);
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The main thread waits here for whatever is not a VCPU's or a device's business. */
static void
wait_for_end(struct machine *machine, int signal_fd)
{
  struct pollfd events[] = {
      {.fd = machine->ended_fd, .events = POLLIN},
      {.fd = output_open(), .events = POLLIN},
      {.fd = machine->config->listen_fd, .events = POLLIN},
      {.fd = signal_fd, .events = POLLIN},
  };
  while (atomic_load(&machine->ending) == ENDING_NONE) {
    if (poll(events, sizeof events / sizeof *events, -1) < 0 && errno != EINTR)
      end(machine, ENDING_ERROR);
    if (events[1].revents)
      output_timer();
    if (events[2].revents && instance_serve(machine->config->listen_fd))
      end(machine, ENDING_SHUTDOWN);
    if (events[3].revents)
      end(machine, ENDING_SHUTDOWN);
  }
}

/* A panicked guest that reboots or powers off did not end well. */
static enum ending
judge(struct machine *machine)
{
  enum ending ending = atomic_load(&machine->ending);
  if (machine->panic_watch.panicked && (ending == ENDING_RESET || ending == ENDING_SHUTDOWN))
    return ENDING_CRASH;
  return ending;
}

enum ending
machine_run(const struct machine_config *config, bool first)
{
  struct machine *machine = calloc(1, sizeof *machine);
  if (!machine)
    fatal("Out of memory");
  machine->config = config;
  pthread_mutex_init(&machine->console_lock, NULL);
  machine->ended_fd = eventfd(0, EFD_CLOEXEC);
  int signal_fd = open_signals();

  vm_create(&machine->vm, config->options.ram_bytes);
  if (first)
    vm_check_cpus(&machine->vm, config->options.cpus);
  sbi_init(&machine->sbi, &machine->vm.memory, print, machine);
  build_vcpus(machine);
  plic_init(&machine->plic, PLIC_LAST_SOURCE, config->options.cpus * 2, plic_output, machine);
  map(machine, "plic", PLIC_BASE, PLIC_SIZE, &plic_mmio, &machine->plic);
  build_uarts(machine);
  build_virtio(machine);
  load_guest(machine);

  terminal_make_raw();
  machine->terminal = (struct terminal){
      .typed = terminal_typed, .quit = terminal_quit, .opaque = machine};
  terminal_start(&machine->terminal);
  for (unsigned i = 0; i < config->options.cpus; i++)
    vcpu_start(&machine->vcpus[i]);

  wait_for_end(machine, signal_fd);

  for (unsigned i = 0; i < config->options.cpus; i++)
    vcpu_stop(&machine->vcpus[i]);
  sbi_close(&machine->sbi);
  uart8250_close(&machine->uarts[0]);
  if (machine->virtio_console)
    virtio_console_close(machine->virtio_console);
  terminal_stop(&machine->terminal);
  for (unsigned i = 0; i < machine->virtio_count; i++)
    virtio_destroy(machine->virtio[i]);
  for (unsigned i = 0; i < config->options.cpus; i++)
    vcpu_destroy(&machine->vcpus[i]);
  vm_destroy(&machine->vm);
  output_flush();

  enum ending ending = judge(machine);
  close(machine->ended_fd);
  close(signal_fd);
  free(machine->vcpus);
  free(machine);
  return ending;
}
