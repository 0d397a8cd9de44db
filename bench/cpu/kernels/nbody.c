/* Floating point in registers: five bodies that attract each other; division and square root. */

#include "../kernel.h"

#define BODIES 5
#define STEPS 2400000u
#define TIME_STEP 0.001

struct body {
	double position[3], velocity[3], mass;
};

static struct body bodies[BODIES];

static void place_bodies(void)
{
	u64 state = 13;
	for (u32 i = 0; i < BODIES; i++) {
		for (u32 axis = 0; axis < 3; axis++) {
			bodies[i].position[axis] = 10.0 * i + (double)(next_random(&state) >> 11) * 0x1p-53;
			bodies[i].velocity[axis] = (double)(next_random(&state) >> 11) * 0x1p-55;
		}
		bodies[i].mass = 1.0 / (i + 1);
	}
}

static NOINLINE void advance(void)
{
	for (u32 i = 0; i < BODIES; i++) {
		for (u32 j = i + 1; j < BODIES; j++) {
			struct body *a = &bodies[i], *b = &bodies[j];
			double dx = a->position[0] - b->position[0];
			double dy = a->position[1] - b->position[1];
			double dz = a->position[2] - b->position[2];
			double squared = dx * dx + dy * dy + dz * dz;
			double force = TIME_STEP / (squared * __builtin_sqrt(squared));
			a->velocity[0] -= dx * b->mass * force;
			a->velocity[1] -= dy * b->mass * force;
			a->velocity[2] -= dz * b->mass * force;
			b->velocity[0] += dx * a->mass * force;
			b->velocity[1] += dy * a->mass * force;
			b->velocity[2] += dz * a->mass * force;
		}
	}
	for (u32 i = 0; i < BODIES; i++) {
		for (u32 axis = 0; axis < 3; axis++)
			bodies[i].position[axis] += TIME_STEP * bodies[i].velocity[axis];
	}
}

u64 run_kernel(void)
{
	u64 checksum = 0;
	place_bodies();
	for (u32 step = 0; step < STEPS; step++)
		advance();
	for (u32 i = 0; i < BODIES; i++) {
		for (u32 axis = 0; axis < 3; axis++) {
			checksum = fold_double(checksum, bodies[i].position[axis]);
			checksum = fold_double(checksum, bodies[i].velocity[axis]);
		}
	}
	return checksum;
}
