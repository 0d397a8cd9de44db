# The tests of the 9P server and the netstack alone, with as much fuzz as one likes:
#   make check-ninep-net NINEP_ROUNDS=5000000 NET_ROUNDS=1000000
# They are built as tests.mk says; `make -f tests/ninep-net.mk check-ninep-net` works, too.

O ?= build
NINEP_ROUNDS ?= 100000
NET_ROUNDS ?= 50000

check-ninep-net:
	$(MAKE) -f Makefile O=$(O) $(O)/tests/ninep_test $(O)/tests/net_test
	$(O)/tests/ninep_test $(NINEP_ROUNDS)
	$(O)/tests/net_test $(NET_ROUNDS)

.PHONY: check-ninep-net
