# SPDX-License-Identifier: MIT
# projection: throughput on more CPUs and sockets, from a model that is fed by
# count-atomics and by what this machine's operations cost, and once more from
# the costs kept of a machine with 16 cores.

PROJECTIONBIN := $B/bench/projection/projection
PROJECTIONOBJ := $(patsubst %.c,$B/%.o,$(wildcard bench/projection/*.c) \
	$(filter-out bench/main.c,$(BENCHSRC)))
KEPT := bench/results

$(patsubst %.c,$B/%.o,$(wildcard bench/projection/*.c)): | build/setup-bench

$(PROJECTIONBIN): $(PROJECTIONOBJ) $(BASEOBJ) $B/libpcpu.a
	$(call say,LD,$@)
	$(Q)$(CC) $(MODEFLAGS) -o $@ $^ $(LIBS) -lck -ljansson -llzma -lm

# The model's arithmetic has a test.
$B/tests/unit/test_projection: $B/bench/projection/model.o

.PHONY: projection
projection: $(PROJECTIONBIN) count-atomics ## pairs per second on 2 to 512 CPUs, 1 to 8 sockets
	$(Q)$(PROJECTIONBIN) --validate $(KEPT)/2-cores/report.json
	@printf '\n--- from the costs of the machine with 16 cores ---\n\n'
	$(Q)$(PROJECTIONBIN) --costs $(KEPT)/16-cores/costs.json \
		--validate $(KEPT)/16-cores/pair.json --name projection-16-cores
