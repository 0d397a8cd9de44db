/* Integer registers: shifts, rotations, multiplication, division, and branches on their results. */

#include "../kernel.h"

#define ROUNDS 240000000u

static u64 rotate_left(u64 x, u32 by)
{
	return x << (by & 63) | x >> (-by & 63);
}

u64 run_kernel(void)
{
	u64 state = 0x9e3779b97f4a7c15ul;
	u64 checksum = 0;
	for (u32 round = 0; round < ROUNDS; round++) {
		u64 x = next_random(&state);
		u64 y = rotate_left(x, round) * 0xbf58476d1ce4e5b9ul;
		if (y & 8)
			checksum += y / ((x >> 40) + 1);
		else
			checksum ^= (u64)((int)y >> 3) + (x % 1009);
		if ((long)y < (long)x)
			checksum = fold(checksum, y - x);
	}
	return checksum;
}
