/* Indirect calls: the target changes with the data. */

#include "../kernel.h"

#define CALLS 96000000u

typedef u64 (*function)(u64);

static NOINLINE u64 increment(u64 x) { return x + 1; }
static NOINLINE u64 triple(u64 x) { return x * 3; }
static NOINLINE u64 flip(u64 x) { return x ^ 0x55; }
static NOINLINE u64 halve(u64 x) { return x >> 1; }
static NOINLINE u64 negate(u64 x) { return -x; }
static NOINLINE u64 swap_halves(u64 x) { return x << 32 | x >> 32; }
static NOINLINE u64 gather(u64 x) { return x ^ x >> 17; }
static NOINLINE u64 spread(u64 x) { return x + (x << 9); }

static const function functions[] = {
	increment, triple, flip, halve, negate, swap_halves, gather, spread,
};

u64 run_kernel(void)
{
	u64 x = 1, checksum = 0;
	for (u32 call = 0; call < CALLS; call++) {
		x = functions[(x + call) % ARRAY_LENGTH(functions)](x) + call;
		checksum = fold(checksum, x);
	}
	return checksum;
}
