/* The PLIC by its registers and its interrupt outputs; sections are of the PLIC specification. */
#include "plic.h"

#include "check.h"

#define PRIORITY(source) (4u * (source))
#define PENDING(word) (0x1000u + 4u * (word))
#define ENABLE(context, word) (0x2000u + 0x80u * (context) + 4u * (word))
#define THRESHOLD(context) (0x200000u + 0x1000u * (context))
#define CLAIM(context) (THRESHOLD(context) + 4u)

static struct plic plic;
static bool output[4];
static unsigned output_changes;

static void
set_output(void *opaque, unsigned context, bool level)
{
  CHECK(opaque == &plic);
  CHECK(output[context] != level);
  output[context] = level;
  output_changes++;
}

static uint32_t
get(uint64_t offset)
{
  return (uint32_t)plic_mmio.read(&plic, offset, 4);
}

static void
put(uint64_t offset, uint32_t value)
{
  plic_mmio.write(&plic, offset, 4, value);
}

static void
start(void)
{
  memset(output, 0, sizeof output);
  plic_init(&plic, 100, 4, set_output, &plic);
}

/* Enables a source for a context at a priority. */
static void
route(unsigned source, unsigned context, unsigned priority)
{
  put(PRIORITY(source), priority);
  put(ENABLE(context, source / 32), get(ENABLE(context, source / 32)) | 1u << (source % 32));
}

static void
claim_and_complete(void)
{
  start();
  route(3, 1, 1);
  plic_set_level(&plic, 3, true);
  CHECK(output[1] && !output[0] && !output[2] && !output[3]);
  CHECK_EQUAL(1u << 3, get(PENDING(0)));
  CHECK_EQUAL(3, get(CLAIM(1)));
  CHECK(!output[1]);
  CHECK_EQUAL(0, get(PENDING(0)));
  CHECK_EQUAL(0, get(CLAIM(1)));

  /* Section 9: the level still being high, completion lets the next request through. */
  put(CLAIM(1), 3);
  CHECK(output[1]);
  CHECK_EQUAL(3, get(CLAIM(1)));
  plic_set_level(&plic, 3, false);
  put(CLAIM(1), 3);
  CHECK(!output[1]);
}

static void
a_request_outlives_its_level(void)
{
  start();
  route(3, 1, 1);
  plic_set_level(&plic, 3, true);
  plic_set_level(&plic, 3, false);
  CHECK(output[1]);
  CHECK_EQUAL(3, get(CLAIM(1)));
  put(CLAIM(1), 3);
  CHECK(!output[1]);
}

/* Section 9: the gateway forwards nothing more until the handler completes. */
static void
one_request_at_a_time(void)
{
  start();
  route(3, 1, 1);
  plic_set_level(&plic, 3, true);
  CHECK_EQUAL(3, get(CLAIM(1)));
  plic_set_level(&plic, 3, false);
  plic_set_level(&plic, 3, true);
  CHECK(!output[1]);
  CHECK_EQUAL(0, get(CLAIM(1)));
  put(CLAIM(1), 3);
  CHECK(output[1]);
}

static void
priorities(void)
{
  start();
  route(5, 1, 2);
  route(40, 1, 7);
  route(41, 1, 7);
  plic_set_level(&plic, 5, true);
  plic_set_level(&plic, 41, true);
  plic_set_level(&plic, 40, true);
  /* The highest first, the lowest number among equals (section 4). */
  CHECK_EQUAL(40, get(CLAIM(1)));
  CHECK_EQUAL(41, get(CLAIM(1)));
  CHECK_EQUAL(5, get(CLAIM(1)));

  /* Priority 0 never interrupts. */
  start();
  route(5, 1, 0);
  plic_set_level(&plic, 5, true);
  CHECK(!output[1]);
  CHECK_EQUAL(0, get(CLAIM(1)));
  put(PRIORITY(5), 1);
  CHECK(output[1]);
}

static void
threshold(void)
{
  start();
  route(5, 1, 2);
  put(THRESHOLD(1), 2);
  plic_set_level(&plic, 5, true);
  CHECK(!output[1]);
  put(THRESHOLD(1), 1);
  CHECK(output[1]);
  CHECK_EQUAL(1, get(THRESHOLD(1)));
  put(THRESHOLD(1), ~0u);
  CHECK_EQUAL(PLIC_MAX_PRIORITY, get(THRESHOLD(1)));
}

static void
two_contexts_share_a_source(void)
{
  start();
  route(9, 1, 1);
  route(9, 3, 1);
  plic_set_level(&plic, 9, true);
  CHECK(output[1] && output[3]);
  CHECK_EQUAL(9, get(CLAIM(3)));
  CHECK(!output[1] && !output[3]);
  CHECK_EQUAL(0, get(CLAIM(1)));
}

static void
only_an_enabled_context_completes(void)
{
  start();
  route(9, 1, 1);
  plic_set_level(&plic, 9, true);
  CHECK_EQUAL(9, get(CLAIM(1)));
  put(CLAIM(3), 9);
  CHECK(!output[1]);
  put(CLAIM(1), 9);
  CHECK(output[1]);
}

static void
enabling_a_pending_source(void)
{
  start();
  plic_set_level(&plic, 9, true);
  put(PRIORITY(9), 1);
  CHECK(!output[1]);
  put(ENABLE(1, 0), 1u << 9);
  CHECK(output[1]);
  put(ENABLE(1, 0), 0);
  CHECK(!output[1]);
}

static void
what_does_not_exist(void)
{
  start();
  put(PRIORITY(0), 1);
  CHECK_EQUAL(0, get(PRIORITY(0)));
  put(PRIORITY(101), 1);
  CHECK_EQUAL(0, get(PRIORITY(101)));
  put(ENABLE(1, 0), ~0u);
  CHECK_EQUAL(~1u, get(ENABLE(1, 0)));
  put(ENABLE(1, 3), ~0u);
  CHECK_EQUAL(0x1f, get(ENABLE(1, 3)));
  put(ENABLE(4, 0), ~0u);
  CHECK_EQUAL(0, get(ENABLE(4, 0)));
  put(PENDING(0), ~0u);
  CHECK_EQUAL(0, get(PENDING(0)));
  put(CLAIM(1), 0);
  put(CLAIM(1), 5000);
  put(CLAIM(9), 1);
  CHECK_EQUAL(0, get(CLAIM(9)));
  plic_set_level(&plic, 0, true);
  plic_set_level(&plic, 101, true);
  plic_set_level(&plic, 70000, true);
  CHECK(!output[1]);
  /* Only whole, aligned words. */
  CHECK_EQUAL(0, plic_mmio.read(&plic, ENABLE(1, 0), 8));
  CHECK_EQUAL(0, plic_mmio.read(&plic, ENABLE(1, 0) + 2, 4));
  plic_mmio.write(&plic, ENABLE(1, 0), 1, 0);
  CHECK_EQUAL(~1u, get(ENABLE(1, 0)));
}

/* Whatever a guest writes, outputs follow the state and nothing outside the struct is touched. */
static void
storm(void)
{
  uint64_t random = 0x5eed;
  start();
  for (int i = 0; i < 200000; i++) {
    uint64_t bits = next_random(&random);
    uint64_t offset = bits % 3 ? bits >> 8 & 0x3ffffff : bits >> 8 & 0x2fff;
    switch (bits >> 60) {
    case 0:
    case 1:
      plic_set_level(&plic, bits >> 40 & 0xff, bits & 1);
      break;
    case 2:
    case 3:
    case 4:
      plic_mmio.read(&plic, offset, 1u << (bits >> 50 & 3));
      break;
    default:
      plic_mmio.write(&plic, offset & ~(uint64_t)3, 4, next_random(&random));
    }
    for (unsigned context = 0; context < 4; context++)
      CHECK(output[context] == plic.contexts[context].asserted);
  }
}

int
main(void)
{
  claim_and_complete();
  a_request_outlives_its_level();
  one_request_at_a_time();
  priorities();
  threshold();
  two_contexts_share_a_source();
  only_an_enabled_context_completes();
  enabling_a_pending_source();
  what_does_not_exist();
  storm();
  return 0;
}
