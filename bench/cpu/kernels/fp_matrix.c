/* Floating point in memory: product of matrices of doubles with fused multiply-add. */

#include "../kernel.h"

#define SIZE 80
#define ROUNDS 720

static double a[SIZE][SIZE], b[SIZE][SIZE], product[SIZE][SIZE];

static NOINLINE void multiply(void)
{
	for (u32 row = 0; row < SIZE; row++) {
		for (u32 column = 0; column < SIZE; column++) {
			double sum = 0;
			for (u32 k = 0; k < SIZE; k++)
				sum = __builtin_fma(a[row][k], b[k][column], sum);
			product[row][column] = sum;
		}
	}
}

/* A number from 0.5 to 1.5. */
static double random_double(u64 *state)
{
	return 0.5 + (double)(next_random(state) >> 11) * 0x1p-53;
}

u64 run_kernel(void)
{
	u64 state = 11, checksum = 0;
	for (u32 row = 0; row < SIZE; row++) {
		for (u32 column = 0; column < SIZE; column++) {
			a[row][column] = random_double(&state);
			b[row][column] = random_double(&state);
		}
	}
	for (u32 round = 0; round < ROUNDS; round++) {
		u32 column = round % SIZE;
		multiply();
		for (u32 i = 0; i < SIZE; i++) {
			checksum = fold_double(checksum, product[i][column]);
			a[i][column] = product[i][column] / (2.0 * SIZE);
		}
	}
	return checksum;
}
