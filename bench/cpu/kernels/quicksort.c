/* Branches that depend on data: quicksort of random numbers. */

#include "../kernel.h"

#define LENGTH (1u << 16)
#define ROUNDS 400

static u32 numbers[LENGTH];

static NOINLINE void quicksort(u32 *array, long low, long high)
{
	if (low >= high)
		return;
	u32 pivot = array[low + (high - low) / 2];
	long i = low, j = high;
	while (i <= j) {
		while (array[i] < pivot)
			i++;
		while (array[j] > pivot)
			j--;
		if (i <= j) {
			u32 swapped = array[i];
			array[i++] = array[j];
			array[j--] = swapped;
		}
	}
	quicksort(array, low, j);
	quicksort(array, i, high);
}

u64 run_kernel(void)
{
	u64 state = 3, checksum = 0;
	for (u32 round = 0; round < ROUNDS; round++) {
		for (u32 i = 0; i < LENGTH; i++)
			numbers[i] = (u32)next_random(&state);
		quicksort(numbers, 0, LENGTH - 1);
		for (u32 i = 0; i < LENGTH; i += 257)
			checksum = fold(checksum, numbers[i]);
	}
	return checksum;
}
