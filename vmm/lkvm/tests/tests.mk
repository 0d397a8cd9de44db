# Unit tests run on the build machine under the address and undefined-behaviour sanitizers. The
# parts tested are those that do not need KVM; tests/NAME_test.c becomes $(O)/tests/NAME_test.

TEST_CFLAGS := -std=gnu11 -O1 -g -pthread $(WARNINGS) -I. \
               -fsanitize=address,undefined -fno-sanitize-recover=all

TESTS := fdt plic uart8250 options virtqueue virtio text image isa sbi rootfs ninep net
fdt_PARTS := fdt.c board_fdt.c
plic_PARTS := plic.c
uart8250_PARTS := uart8250.c
options_PARTS := options.c
virtqueue_PARTS := virtqueue.c
virtio_PARTS := virtqueue.c virtio_mmio.c virtio_blk.c virtio_rng.c virtio_console.c log.c output.c
text_PARTS := cmdline.c panic_watch.c terminal.c mmio_bus.c log.c output.c
image_PARTS := image.c log.c output.c
isa_PARTS := isa.c
sbi_PARTS := sbi.c
rootfs_PARTS := rootfs.c home.c log.c output.c
ninep_PARTS := $(wildcard ninep_*.c tests/ninep_client.c)
net_PARTS := $(wildcard netstack.c net_*.c) $(filter-out tests/net_test.c,$(wildcard tests/net_*.c))

TEST_PROGRAMS := $(TESTS:%=$(O)/tests/%_test)

check: $(TEST_PROGRAMS)
	@for test in $(TEST_PROGRAMS); do echo "RUN $$(basename $$test)"; timeout 120 $$test || exit 1; done

.SECONDEXPANSION:
$(O)/tests/%_test: tests/%_test.c $$(%_PARTS) $(wildcard *.h tests/*.h) | $(O)/tests
	@echo CC $@
	@$(CC_NATIVE) $(TEST_CFLAGS) -o $@ $(filter %.c,$^)

$(O)/tests:
	mkdir -p $@
