/* Word memory: product of integer matrices. */

#include "../kernel.h"

#define SIZE 96
#define ROUNDS 1600

static u64 a[SIZE][SIZE], b[SIZE][SIZE], product[SIZE][SIZE];

static NOINLINE void multiply(void)
{
	for (u32 row = 0; row < SIZE; row++) {
		for (u32 column = 0; column < SIZE; column++) {
			u64 sum = 0;
			for (u32 k = 0; k < SIZE; k++)
				sum += a[row][k] * b[k][column];
			product[row][column] = sum;
		}
	}
}

u64 run_kernel(void)
{
	u64 state = 1, checksum = 0;
	for (u32 row = 0; row < SIZE; row++) {
		for (u32 column = 0; column < SIZE; column++) {
			a[row][column] = next_random(&state);
			b[row][column] = next_random(&state);
		}
	}
	for (u32 round = 0; round < ROUNDS; round++) {
		multiply();
		for (u32 i = 0; i < SIZE; i++) {
			checksum = fold(checksum, product[i][round % SIZE]);
			a[i][round % SIZE] = checksum;
		}
	}
	return checksum;
}
