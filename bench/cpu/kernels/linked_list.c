/* Pointer chasing: walks of a list whose nodes lie in random order over 4 MiB. */

#include "../kernel.h"

#define NODES (1u << 17)
#define ROUNDS 320

struct node {
	struct node *next;
	u64 value;
	u64 padding[2];
};

static struct node nodes[NODES];
static u32 order[NODES];

static NOINLINE u64 walk(const struct node *first)
{
	u64 sum = 0;
	for (const struct node *node = first; node; node = node->next)
		sum += node->value;
	return sum;
}

u64 run_kernel(void)
{
	u64 state = 5, checksum = 0;
	for (u32 i = 0; i < NODES; i++)
		order[i] = i;
	for (u32 i = NODES - 1; i > 0; i--) {
		u32 j = (u32)(next_random(&state) % (i + 1));
		u32 swapped = order[i];
		order[i] = order[j];
		order[j] = swapped;
	}
	for (u32 i = 0; i < NODES; i++) {
		struct node *node = &nodes[order[i]];
		node->next = i + 1 < NODES ? &nodes[order[i + 1]] : 0;
		node->value = next_random(&state);
	}
	for (u32 round = 0; round < ROUNDS; round++) {
		checksum = fold(checksum, walk(&nodes[order[round]]));
		nodes[order[round]].value ^= checksum;
	}
	return checksum;
}
