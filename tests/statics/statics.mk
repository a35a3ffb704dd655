# SPDX-License-Identifier: MIT
# Shared objects with static per-CPU variables, for
# tests/unit/test_statics*.c: one that the programs are linked with, and those
# that they load. They find the library in the program.

STATICS := linked loaded paged
STATICSO := $(STATICS:%=$B/tests/statics/lib%.so)
STATICSTEST := $(addprefix $B/tests/unit/,test_statics test_statics_loaded \
	test_statics_pages)

$(STATICSO): $B/tests/statics/lib%.so: $B/tests/statics/%.o
	$(call say,LD,$@)
	$(Q)$(CC) $(MODEFLAGS) -shared -o $@ $<

# By order: linked with the first one alone.
$(STATICSTEST): | $(STATICSO)
$(STATICSTEST): private override LIBS := -rdynamic \
	-L$B/tests/statics -llinked -Wl,-rpath,'$$ORIGIN/../statics' $(LIBS)
