#include "sbi.h"

#include <string.h>

#define SBI_SUCCESS 0
#define SBI_ERR_FAILED (-1L)
#define SBI_ERR_NOT_SUPPORTED (-2L)
#define SBI_ERR_INVALID_PARAM (-3L)

/* Legacy extensions (chapter 5). */
#define EXT_CONSOLE_PUTCHAR 0x01
#define EXT_CONSOLE_GETCHAR 0x02
/* Debug console (chapter 12). */
#define EXT_DBCN 0x4442434e
#define DBCN_CONSOLE_WRITE 0
#define DBCN_CONSOLE_READ 1
#define DBCN_CONSOLE_WRITE_BYTE 2

void
sbi_init(struct sbi *sbi, const struct guest_memory *memory,
         void (*transmit)(void *opaque, const void *bytes, size_t count), void *opaque)
{
  memset(sbi, 0, sizeof *sbi);
  sbi->memory = memory;
  sbi->transmit = transmit;
  sbi->opaque = opaque;
  pthread_mutex_init(&sbi->lock, NULL);
  pthread_cond_init(&sbi->room, NULL);
}

/* Moves input to the guest; returns how many bytes there were. */
static size_t
take_input(struct sbi *sbi, uint8_t *to, size_t bytes)
{
  size_t taken = 0;
  pthread_mutex_lock(&sbi->lock);
  sbi->guest_reads = true;
  while (taken < bytes && sbi->input_count > 0) {
    to[taken++] = sbi->input[sbi->input_head];
    sbi->input_head = (sbi->input_head + 1) % SBI_INPUT_BYTES;
    sbi->input_count--;
  }
  if (taken > 0)
    pthread_cond_broadcast(&sbi->room);
  pthread_mutex_unlock(&sbi->lock);
  return taken;
}

bool
sbi_receive(struct sbi *sbi, const uint8_t *bytes, size_t count)
{
  pthread_mutex_lock(&sbi->lock);
  bool wanted = sbi->guest_reads;
  for (size_t i = 0; wanted && i < count; i++) {
    while (sbi->input_count == SBI_INPUT_BYTES && !sbi->closed)
      pthread_cond_wait(&sbi->room, &sbi->lock);
    if (sbi->closed)
      break;
    sbi->input[(sbi->input_head + sbi->input_count++) % SBI_INPUT_BYTES] = bytes[i];
  }
  pthread_mutex_unlock(&sbi->lock);
  return wanted;
}

void
sbi_close(struct sbi *sbi)
{
  pthread_mutex_lock(&sbi->lock);
  sbi->closed = true;
  pthread_cond_broadcast(&sbi->room);
  pthread_mutex_unlock(&sbi->lock);
}

static void
answer(struct kvm_run *run, long error, unsigned long value)
{
  run->riscv_sbi.ret[0] = (unsigned long)error;
  run->riscv_sbi.ret[1] = value;
}

static void
debug_console(struct sbi *sbi, struct kvm_run *run)
{
  /* Arguments of read and write: number of bytes, low and high half of their address. */
  uint64_t bytes = run->riscv_sbi.args[0];
  uint64_t address = run->riscv_sbi.args[1];
  void *buffer = run->riscv_sbi.args[2] == 0 ? guest_at(sbi->memory, address, bytes) : NULL;
  uint8_t byte = (uint8_t)run->riscv_sbi.args[0];

  switch (run->riscv_sbi.function_id) {
  case DBCN_CONSOLE_WRITE:
    if (!buffer) {
      answer(run, SBI_ERR_INVALID_PARAM, 0);
      break;
    }
    sbi->transmit(sbi->opaque, buffer, bytes);
    answer(run, SBI_SUCCESS, bytes);
    break;
  case DBCN_CONSOLE_READ:
    if (!buffer)
      answer(run, SBI_ERR_INVALID_PARAM, 0);
    else
      answer(run, SBI_SUCCESS, take_input(sbi, buffer, bytes));
    break;
  case DBCN_CONSOLE_WRITE_BYTE:
    sbi->transmit(sbi->opaque, &byte, 1);
    answer(run, SBI_SUCCESS, 0);
    break;
  default:
    answer(run, SBI_ERR_NOT_SUPPORTED, 0);
    break;
  }
}

void
sbi_call(struct sbi *sbi, struct kvm_run *run)
{
  uint8_t byte = (uint8_t)run->riscv_sbi.args[0];
  switch (run->riscv_sbi.extension_id) {
  case EXT_CONSOLE_PUTCHAR:
    sbi->transmit(sbi->opaque, &byte, 1);
    answer(run, SBI_SUCCESS, 0);
    break;
  case EXT_CONSOLE_GETCHAR:
    /* The legacy call returns the character itself, or -1 (section 5.3). */
    answer(run, take_input(sbi, &byte, 1) ? (long)byte : SBI_ERR_FAILED, 0);
    break;
  case EXT_DBCN:
    debug_console(sbi, run);
    break;
  default:
    answer(run, SBI_ERR_NOT_SUPPORTED, 0);
    break;
  }
}
