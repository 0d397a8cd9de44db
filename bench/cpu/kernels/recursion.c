/* Calls and returns: the Takeuchi function, and a recursion 20,000 frames deep. */

#include "../kernel.h"

#define TAK_ROUNDS 22
#define DEPTH 20000u
#define DEEP_ROUNDS 8000

static NOINLINE long tak(long x, long y, long z)
{
	if (y >= x)
		return z;
	return tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y));
}

/* Not a tail call: the result is used after the return. */
static NOINLINE u64 descend(u32 depth, u64 seed)
{
	if (depth == 0)
		return seed;
	return descend(depth - 1, seed * 5 + depth) ^ seed >> 3;
}

u64 run_kernel(void)
{
	u64 checksum = 0;
	for (u32 round = 0; round < TAK_ROUNDS; round++)
		checksum = fold(checksum, (u64)tak(24, 16, 8 + round % 2));
	for (u32 round = 0; round < DEEP_ROUNDS; round++)
		checksum = fold(checksum, descend(DEPTH, round));
	return checksum;
}
