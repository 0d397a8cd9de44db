# From power-on in M-mode to main(), and the way out.
#
# Hart 0 runs the program. A trap is a failure: the program expects none, and the test finisher reports
# its mcause.

#define FINISHER 0x100000
#define FINISHER_FAIL 0x3333
#define MSTATUS_FS_INITIAL 0x2000

	.section .text.start
	.globl _start
_start:
	csrr	t0, mhartid
	bnez	t0, park
	la	t0, trapped
	csrw	mtvec, t0
	li	t0, MSTATUS_FS_INITIAL
	csrs	mstatus, t0
	fscsr	zero
	.option push
	.option norelax		# gp is what relaxation relies on
	la	gp, __global_pointer$
	.option pop
	la	sp, stack_top
	call	main
	# main() does not return
park:
	wfi
	j	park

	.balign	4
trapped:
	csrr	a0, mcause
	slli	a0, a0, 16
	li	t0, FINISHER_FAIL
	or	a0, a0, t0
	li	t0, FINISHER
	sw	a0, 0(t0)
	j	park

	.section .bss.stack, "aw", @nobits
	.balign	16
	.space	1 << 20
stack_top:
