/* The guest's init as data. The Makefile compiles guest_init.c and names the file. */
    .section .rodata
    .balign 8
    .globl guest_init_start
    .globl guest_init_end
guest_init_start:
    .incbin GUEST_INIT
guest_init_end:
    .section .note.GNU-stack, "", %progbits
