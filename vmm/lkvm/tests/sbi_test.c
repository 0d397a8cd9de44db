/* SBI console calls as KVM hands them over. */
#include "sbi.h"

#include <sched.h>

#include "check.h"

#define BASE UINT64_C(0x80000000)
#define DBCN 0x4442434e

static uint8_t ram[64];
static const struct guest_memory memory = {ram, BASE, sizeof ram};
static struct sbi sbi;
static struct kvm_run run;
static char printed[128];

static void
transmit(void *opaque, const void *bytes, size_t count)
{
  CHECK(opaque == &run);
  CHECK(strlen(printed) + count < sizeof printed);
  strncat(printed, bytes, count);
}

static void
call(uint64_t extension, uint64_t function, uint64_t a0, uint64_t a1, uint64_t a2)
{
  memset(&run, 0xff, sizeof run);
  run.riscv_sbi.extension_id = extension;
  run.riscv_sbi.function_id = function;
  run.riscv_sbi.args[0] = a0;
  run.riscv_sbi.args[1] = a1;
  run.riscv_sbi.args[2] = a2;
  sbi_call(&sbi, &run);
}

static void
expect(long error, unsigned long value)
{
  CHECK_EQUAL(error, (long)run.riscv_sbi.ret[0]);
  CHECK_EQUAL(value, run.riscv_sbi.ret[1]);
}

static void *
type_much(void *opaque)
{
  uint8_t bytes[SBI_INPUT_BYTES + 10];
  (void)opaque;
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (uint8_t)(i % 251);
  sbi_receive(&sbi, bytes, sizeof bytes);
  return NULL;
}

int
main(void)
{
  pthread_t typist;
  sbi_init(&sbi, &memory, transmit, &run);
  memcpy(ram, "debug", 5);
  call(DBCN, 0, 5, BASE, 0);
  expect(0, 5);
  call(DBCN, 2, '!', 0, 0);
  expect(0, 0);
  call(1, 0, '?', 0, 0);
  expect(0, 0);
  CHECK_TEXT("debug!?", printed);

  /* Memory that is not the guest's. */
  call(DBCN, 0, 65, BASE, 0);
  expect(-3, 0);
  call(DBCN, 0, 1, BASE - 1, 0);
  expect(-3, 0);
  call(DBCN, 0, UINT64_MAX, BASE, 0);
  expect(-3, 0);
  call(DBCN, 0, 1, BASE, 1);
  expect(-3, 0);
  call(DBCN, 1, 65, BASE, 0);
  expect(-3, 0);
  CHECK_TEXT("debug!?", printed);

  call(DBCN, 9, 0, 0, 0);
  expect(-2, 0);
  call(0x12345, 0, 0, 0, 0);
  expect(-2, 0);

  /* Input goes to this console once the guest has asked for some. */
  sbi_init(&sbi, &memory, transmit, &run);
  CHECK(!sbi_receive(&sbi, (const uint8_t *)"a", 1));
  call(2, 0, 0, 0, 0);
  expect(-1, 0);
  CHECK(sbi_receive(&sbi, (const uint8_t *)"bcd", 3));
  call(2, 0, 0, 0, 0);
  expect('b', 0);
  call(DBCN, 1, 10, BASE + 8, 0);
  expect(0, 2);
  CHECK(memcmp(ram + 8, "cd", 2) == 0);

  /* More than fits: the typist waits, and nothing is lost or out of order. */
  pthread_create(&typist, NULL, type_much, NULL);
  for (size_t count = 0; count < SBI_INPUT_BYTES; sched_yield()) {
    pthread_mutex_lock(&sbi.lock);
    count = sbi.input_count;
    pthread_mutex_unlock(&sbi.lock);
  }
  for (unsigned taken = 0; taken < SBI_INPUT_BYTES + 10;) {
    call(DBCN, 1, 32, BASE, 0);
    for (unsigned i = 0; i < run.riscv_sbi.ret[1]; i++, taken++)
      CHECK_EQUAL((uint8_t)(taken % 251), ram[i]);
  }
  pthread_join(typist, NULL);
  pthread_create(&typist, NULL, type_much, NULL);
  sbi_close(&sbi);
  pthread_join(typist, NULL);
  return 0;
}
