/* Atomic instructions: AMOs on words and doublewords, and LR/SC loops from compare-and-swap. */

#include "../kernel.h"

#define ROUNDS 120000000u

static u64 counters[64];
static u32 flags[64];
static u64 lock_word;

static NOINLINE void add_if_free(u64 value)
{
	u64 expected = __atomic_load_n(&lock_word, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&lock_word, &expected, expected * 3 + value, 0,
					    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		;
}

u64 run_kernel(void)
{
	u64 state = 19, checksum = 0;
	for (u32 round = 0; round < ROUNDS; round++) {
		u64 x = next_random(&state);
		u32 slot = (u32)x % ARRAY_LENGTH(counters);
		checksum += __atomic_fetch_add(&counters[slot], x, __ATOMIC_SEQ_CST);
		checksum ^= __atomic_fetch_or(&flags[slot], (u32)(x >> 32), __ATOMIC_RELAXED);
		checksum += __atomic_exchange_n(&flags[(slot + 1) % ARRAY_LENGTH(flags)], (u32)x,
						__ATOMIC_ACQUIRE);
		add_if_free(x);
	}
	for (u32 i = 0; i < ARRAY_LENGTH(counters); i++)
		checksum = fold(checksum, counters[i] ^ flags[i]);
	return fold(checksum, lock_word);
}
