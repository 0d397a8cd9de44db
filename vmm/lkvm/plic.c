#include "plic.h"

#include <string.h>

/* Register blocks by offset, sections 4 to 8 of the specification. */
#define PRIORITY_BASE 0x000000
#define PENDING_BASE 0x001000
#define ENABLE_BASE 0x002000
#define ENABLE_STRIDE 0x80
#define CONTEXT_BASE 0x200000
#define CONTEXT_STRIDE 0x1000
#define CONTEXT_THRESHOLD 0
#define CONTEXT_CLAIM 4

static bool
test_bit(const uint32_t *words, unsigned bit)
{
  return words[bit / 32] >> (bit % 32) & 1;
}

static void
assign_bit(uint32_t *words, unsigned bit, bool value)
{
  uint32_t mask = UINT32_C(1) << (bit % 32);
  words[bit / 32] = value ? words[bit / 32] | mask : words[bit / 32] & ~mask;
}

static void
set_pending(struct plic *plic, unsigned source, bool value)
{
  assign_bit(plic->pending, source, value);
  assign_bit(&plic->pending_words, source / 32, plic->pending[source / 32] != 0);
}

void
plic_init(struct plic *plic, unsigned last_source, unsigned context_count,
          void (*set_output)(void *, unsigned, bool), void *opaque)
{
  memset(plic, 0, sizeof *plic);
  pthread_mutex_init(&plic->lock, NULL);
  plic->last_source = last_source;
  plic->context_count = context_count;
  plic->set_output = set_output;
  plic->opaque = opaque;
}

/* The pending, enabled source of highest priority; the lowest number wins a tie. 0 if none. */
static unsigned
best_source(const struct plic *plic, const struct plic_context *context)
{
  unsigned best = 0;
  for (uint32_t words = plic->pending_words; words; words &= words - 1) {
    unsigned word = (unsigned)__builtin_ctz(words);
    uint32_t candidates = plic->pending[word] & context->enable[word];
    for (; candidates; candidates &= candidates - 1) {
      unsigned source = word * 32 + (unsigned)__builtin_ctz(candidates);
      if (plic->priority[source] > (best ? plic->priority[best] : 0))
        best = source;
    }
  }
  return best;
}

/* The one place where outputs change: called after every change of state. */
static void
update_outputs(struct plic *plic)
{
  for (unsigned i = 0; i < plic->context_count; i++) {
    struct plic_context *context = &plic->contexts[i];
    unsigned best = best_source(plic, context);
    bool level = best && plic->priority[best] > context->threshold;
    if (level != context->asserted) {
      context->asserted = level;
      plic->set_output(plic->opaque, i, level);
    }
  }
}

/* The gateway: a high level becomes a request unless one is already on its way. */
static void
update_gateway(struct plic *plic, unsigned source)
{
  if (test_bit(plic->level, source) && !test_bit(plic->claimed, source))
    set_pending(plic, source, true);
}

void
plic_set_level(struct plic *plic, unsigned source, bool level)
{
  if (source == 0 || source > plic->last_source)
    return;
  pthread_mutex_lock(&plic->lock);
  if (test_bit(plic->level, source) != level) {
    assign_bit(plic->level, source, level);
    update_gateway(plic, source);
    update_outputs(plic);
  }
  pthread_mutex_unlock(&plic->lock);
}

static unsigned
claim(struct plic *plic, struct plic_context *context)
{
  unsigned source = best_source(plic, context);
  if (source) {
    set_pending(plic, source, false);
    assign_bit(plic->claimed, source, true);
  }
  return source;
}

/* Section 9: a completion for a source that this context does not enable is ignored. */
static void
complete(struct plic *plic, const struct plic_context *context, uint32_t source)
{
  if (source == 0 || source > plic->last_source || !test_bit(context->enable, source))
    return;
  assign_bit(plic->claimed, source, false);
  update_gateway(plic, source);
}

/* The enable word at `offset` of the enable block, or NULL where there is none. */
static uint32_t *
enable_word(struct plic *plic, uint64_t offset)
{
  unsigned context = (unsigned)(offset / ENABLE_STRIDE);
  unsigned word = (unsigned)(offset % ENABLE_STRIDE / 4);
  return context < plic->context_count ? &plic->contexts[context].enable[word] : NULL;
}

/* Which sources of a word exist: source 0 never does (section 4). */
static uint32_t
existing_sources(const struct plic *plic, unsigned word)
{
  uint32_t mask = 0;
  for (unsigned bit = 0; bit < 32; bit++) {
    unsigned source = word * 32 + bit;
    if (source != 0 && source <= plic->last_source)
      mask |= UINT32_C(1) << bit;
  }
  return mask;
}

static uint64_t
read_register(struct plic *plic, uint64_t offset)
{
  if (offset < PENDING_BASE)
    return plic->priority[offset / 4];
  if (offset < ENABLE_BASE) {
    unsigned word = (unsigned)(offset - PENDING_BASE) / 4;
    return word < PLIC_WORDS ? plic->pending[word] : 0;
  }
  if (offset < CONTEXT_BASE) {
    const uint32_t *word = enable_word(plic, offset - ENABLE_BASE);
    return word ? *word : 0;
  }
  unsigned index = (unsigned)((offset - CONTEXT_BASE) / CONTEXT_STRIDE);
  if (index >= plic->context_count)
    return 0;
  switch ((offset - CONTEXT_BASE) % CONTEXT_STRIDE) {
  case CONTEXT_THRESHOLD:
    return plic->contexts[index].threshold;
  case CONTEXT_CLAIM:
    return claim(plic, &plic->contexts[index]);
  default:
    return 0;
  }
}

static void
write_register(struct plic *plic, uint64_t offset, uint32_t value)
{
  if (offset < PENDING_BASE) {
    unsigned source = (unsigned)offset / 4;
    if (source != 0 && source <= plic->last_source)
      plic->priority[source] = value & PLIC_MAX_PRIORITY;
    return;
  }
  if (offset < ENABLE_BASE)
    return; /* Pending bits are read-only. */
  if (offset < CONTEXT_BASE) {
    uint32_t *word = enable_word(plic, offset - ENABLE_BASE);
    if (word)
      *word = value & existing_sources(plic, (unsigned)(offset % ENABLE_STRIDE / 4));
    return;
  }
  unsigned index = (unsigned)((offset - CONTEXT_BASE) / CONTEXT_STRIDE);
  if (index >= plic->context_count)
    return;
  switch ((offset - CONTEXT_BASE) % CONTEXT_STRIDE) {
  case CONTEXT_THRESHOLD:
    plic->contexts[index].threshold = value & PLIC_MAX_PRIORITY;
    break;
  case CONTEXT_CLAIM:
    complete(plic, &plic->contexts[index], value);
    break;
  }
}

/* All registers are 32 bits wide and accessed whole. */
static uint64_t
plic_read(void *device, uint64_t offset, unsigned bytes)
{
  struct plic *plic = device;
  if (bytes != 4 || offset % 4 != 0)
    return 0;
  pthread_mutex_lock(&plic->lock);
  uint64_t value = read_register(plic, offset);
  update_outputs(plic);
  pthread_mutex_unlock(&plic->lock);
  return value;
}

static void
plic_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
  struct plic *plic = device;
  if (bytes != 4 || offset % 4 != 0)
    return;
  pthread_mutex_lock(&plic->lock);
  write_register(plic, offset, (uint32_t)value);
  update_outputs(plic);
  pthread_mutex_unlock(&plic->lock);
}

const struct mmio_handler plic_mmio = {plic_read, plic_write};
