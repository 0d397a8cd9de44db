/* A switch in a loop: an interpreter for a small register machine, which runs a loop with branches. */

#include "../kernel.h"

#define ITERATIONS 6000000u

enum operation { LOAD, ADD, SUBTRACT, MULTIPLY, XOR, SHIFT_RIGHT, AND, JUMP_IF_ZERO, JUMP, HALT };

struct instruction {
	u8 operation, target, left, right;
	u32 immediate;
};

/*
 * Collatz steps folded into a hash:
 * r0 = count, r1 = x, r2 = hash, r3 = 1, r4 = bit, r5 = 3, r6 = multiplier.
 */
static const struct instruction program[] = {
	{ LOAD, 0, 0, 0, ITERATIONS },
	{ LOAD, 1, 0, 0, 27 },
	{ LOAD, 2, 0, 0, 0 },
	{ LOAD, 3, 0, 0, 1 },
	{ LOAD, 5, 0, 0, 3 },
	{ LOAD, 6, 0, 0, 0x9e3779b1 },
	/* 6: the loop */
	{ JUMP_IF_ZERO, 0, 0, 0, 17 },
	{ SUBTRACT, 0, 0, 3, 0 },
	{ AND, 4, 1, 3, 0 },
	{ JUMP_IF_ZERO, 0, 4, 0, 13 },
	{ MULTIPLY, 1, 1, 5, 0 },
	{ ADD, 1, 1, 3, 0 },
	{ JUMP, 0, 0, 0, 14 },
	/* 13: even */
	{ SHIFT_RIGHT, 1, 1, 3, 0 },
	/* 14: both */
	{ XOR, 2, 2, 1, 0 },
	{ MULTIPLY, 2, 2, 6, 0 },
	{ JUMP, 0, 0, 0, 6 },
	/* 17: the end */
	{ HALT, 2, 0, 0, 0 },
};

static NOINLINE u64 interpret(const struct instruction *code)
{
	u64 registers[8] = { 0 };
	for (u32 pc = 0;;) {
		const struct instruction *i = &code[pc++];
		u64 left = registers[i->left], right = registers[i->right];
		u64 *target = &registers[i->target];
		switch ((enum operation)i->operation) {
		case LOAD:
			*target = i->immediate;
			break;
		case ADD:
			*target = left + right;
			break;
		case SUBTRACT:
			*target = left - right;
			break;
		case MULTIPLY:
			*target = left * right;
			break;
		case XOR:
			*target = left ^ right;
			break;
		case SHIFT_RIGHT:
			*target = left >> (right & 63);
			break;
		case AND:
			*target = left & right;
			break;
		case JUMP_IF_ZERO:
			if (left == 0)
				pc = i->immediate;
			break;
		case JUMP:
			pc = i->immediate;
			break;
		case HALT:
			return *target;
		}
	}
}

u64 run_kernel(void)
{
	return interpret(program);
}
